"""How often an app may ask: rolling windows per organisation, and one a minute for the app (developer.xero.com/faq/limits)."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock

from .faults import too_many

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_PLENTY = 60


class Quotas:
    """The limits of one organisation and app; None: no limit.

    A day is 5,000 calls, but 1,000 in the free tier. A minute is 60 calls at Xero; here there is no such limit until it is set, because
    under a clock that stands still the minute would never end.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.day: int | None = 1000
        self.minute: int | None = None
        self.app_minute: int | None = 10_000
        self.concurrent: int | None = 5
        self._now = now
        self._asked: deque[datetime] = deque()
        self._running = 0
        self._lock = Lock()

    def remaining(self) -> dict[str, str]:
        """The headers of every answer."""
        windows = {"X-DayLimit-Remaining": (self.day, _DAY), "X-MinLimit-Remaining": (self.minute, _MINUTE)}
        windows["X-AppMinLimit-Remaining"] = (self.app_minute, _MINUTE)
        with self._lock:
            return {name: str(_PLENTY if limit is None else max(0, limit - self._used(span))) for name, (limit, span) in windows.items()}

    @contextmanager
    def asking(self) -> Iterator[None]:
        """One call. Raises XeroFault when it is one too many; refused ones are not counted."""
        with self._lock:
            self._refuse_too_many()
            self._asked.append(self._now())
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def _refuse_too_many(self) -> None:
        if self.concurrent is not None and self._running >= self.concurrent:
            raise too_many("concurrent", None)
        for problem, limit, span in (("day", self.day, _DAY), ("minute", self.minute, _MINUTE), ("appminute", self.app_minute, _MINUTE)):
            used = self._used(span)
            if limit is not None and used >= limit:
                oldest = self._asked[len(self._asked) - limit] if limit else self._now()
                raise too_many(problem, max(1, int((oldest + span - self._now()).total_seconds())))

    def _used(self, span: timedelta) -> int:
        now = self._now()
        while self._asked and self._asked[0] <= now - _DAY:
            self._asked.popleft()
        return sum(1 for at in reversed(self._asked) if at > now - span)
