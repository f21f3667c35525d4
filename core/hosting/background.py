"""Work beside the clock and the queue, in a few threads of its own: one piece of a name at a time, and nobody waits for a mail server."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Condition

from sqlalchemy.exc import DBAPIError

from ..errors import PuntualError
from ..history.database import trouble_of
from .logs import tell, telling_about

Work = Callable[[], object]
Hand = Callable[[str, Work], None]
"""Has a piece of work of that name done, now or soon."""


def guarded(name: str, work: Work) -> None:
    """Do it; whatever goes wrong is told and stays there."""
    with telling_about(beat=name):
        try:
            work()
        except PuntualError as error:
            tell("beat", logging.WARNING, why=str(error))
        except DBAPIError as error:
            tell("beat", logging.WARNING, why=str(trouble_of(error)))
        except Exception:  # noqa: BLE001  # what watches over others must go on whatever happens
            tell("mistake", logging.ERROR, exc_info=True)


class Background:
    """A few threads. What is still being done is not begun again."""

    def __init__(self, threads: int, name: str = "puntual-beat") -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._at_work: set[str] = set()
        self._changed = Condition()

    def __call__(self, name: str, work: Work) -> None:
        """Have it done, unless work of this name is waiting or being done, or the end has come."""
        with self._changed:
            if name in self._at_work:
                return
            self._at_work.add(name)
        try:
            self._pool.submit(self._do, name, work)
        except RuntimeError:  # the end has come
            self._leave(name)

    def close(self, patience: timedelta) -> bool:
        """Begin nothing more, and wait for what is being done. Returns whether it came to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._changed:
            return self._changed.wait_for(lambda: not self._at_work, patience.total_seconds())

    def _do(self, name: str, work: Work) -> None:
        try:
            guarded(name, work)
        finally:
            self._leave(name)

    def _leave(self, name: str) -> None:
        with self._changed:
            self._at_work.discard(name)
            self._changed.notify_all()
