"""Who does what is done once: a worker takes a duty for a slot, does it, and says so. Another does it when that one died over it."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from ..history.database import writing
from ..history.duties import ensure_duties, finish_duty, leave_duty, take_duty
from ..worker.clock import Clock

LEASE = timedelta(minutes=30)
"""Longer than a mail server may take for its last word (channels.smtp)."""
TRY_AGAIN_AFTER = timedelta(minutes=10)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def addressed(duty: str, recipient: str) -> str:
    """The duty to one person, without their address in it."""
    return f"{duty} to {hashlib.sha256(recipient.encode()).hexdigest()[:16]}"


class Duties:
    """The duties of one process, `me`."""

    def __init__(self, engine: Engine, clock: Clock, me: str) -> None:
        self.me = me
        self._engine = engine
        self._clock = clock

    def do(
        self,
        duty: str,
        work: Callable[[], bool],
        slot: datetime,
        *,
        company: str = "",
        before: datetime | None = None,
        first: datetime = LONG_AGO,
    ) -> bool:
        """Do it for this slot, unless it was done for it (or for `before`, when that is given) or a later one, or another is at it.

        A duty that is new counts as done for `first`. `work` returns whether it is done; else it is tried again some minutes later.
        """
        now = self._clock.now()
        with writing(self._engine) as conn:
            ensure_duties(conn, [(company, duty, first)])
            if not take_duty(conn, company, duty, before or slot, self.me, now, LEASE):
                return False
        is_done = False
        try:
            is_done = work()
        finally:
            with writing(self._engine) as conn:
                if is_done:
                    finish_duty(conn, company, duty, slot, self.me)
                else:
                    leave_duty(conn, company, duty, self.me, now + TRY_AGAIN_AFTER)
        return is_done
