"""The clock of a host: APScheduler wakes each company at its own times, in its own zone, and looks every half minute at who waits.

A time that was missed, because the machine slept or was busy, is made up for once (`coalesce`, no limit to how late); what is due is judged
by the state in the database, so that waking somebody too often costs one query and does nothing.
"""

import logging
from collections.abc import Callable
from datetime import UTC, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ..errors import PuntualError
from .jobs import Timetable
from .logs import tell

PULSE = timedelta(seconds=30)
_PULSE_ID = "pulse"


class Ticker:
    """Calls `wake(company)` at the times of its timetable, and `pulse` every half minute, one after the other in a thread of its own."""

    def __init__(self, wake: Callable[[str], None], pulse: Callable[[], None]) -> None:
        self._wake = wake
        self._pulse = pulse
        self._followed: dict[str, int] = {}
        defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults=defaults, executors={"default": {"type": "threadpool", "max_workers": 1}}
        )

    def start(self) -> None:
        """From now on."""
        self._scheduler.add_job(self._guarded, IntervalTrigger(seconds=int(PULSE.total_seconds())), args=[self._pulse], id=_PULSE_ID)
        self._scheduler.start()

    def follow(self, company: str, table: Timetable) -> None:
        """Wake this company by this timetable, in place of any other."""
        self.forget(company)
        triggers = table.triggers()
        self._followed[company] = len(triggers)
        for number, trigger in enumerate(triggers):
            self._add(company, number, trigger)

    def forget(self, company: str) -> None:
        """Wake this company no more."""
        for number in range(self._followed.pop(company, 0)):
            self._scheduler.remove_job(_job_id(company, number))

    def stop(self) -> None:
        """Wake nobody any more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _add(self, company: str, number: int, trigger: BaseTrigger) -> None:
        self._scheduler.add_job(self._guarded, trigger, args=[self._wake, company], id=_job_id(company, number))

    def _guarded(self, what: Callable[..., None], *args: str) -> None:
        """Nothing that goes wrong once may stop the clock."""
        try:
            what(*args)
        except PuntualError as error:
            tell("clock", logging.WARNING, why=str(error), company=args[0] if args else "")
        except Exception:  # noqa: BLE001  # the clock goes on whatever happens
            tell("clock", logging.ERROR, exc_info=True)


def _job_id(company: str, number: int) -> str:
    return f"{company}#{number}"
