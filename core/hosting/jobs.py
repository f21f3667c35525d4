"""What a worker does for a company, how it stands with each, and what is due. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ..policy.schema import Policy

DEBOUNCE = timedelta(seconds=60)
"""A webhook's wish is granted so long after the first that was not: what one bookkeeper does in a minute is read once."""

_TICK = timedelta(microseconds=1)
_LOOKS_A_READING = 5
"""A reading counts from when it began, a little after the clock said so: looked at no oftener, it would be made every second time only."""
_LEEWAY = timedelta(minutes=5)
"""Enough for a run to begin: the clock looks every half minute, and hands may be busy."""


class JobKind(StrEnum):
    """COMPLETE reads everything that is open, SYNC what changed; RUN reads what changed and then does what is due."""

    SYNC = "sync"
    RUN = "run"
    COMPLETE = "complete"


class Trouble(StrEnum):
    """What keeps a company waiting: its policy file, something a person must do, something that passes by itself, a mistake of ours, or
    that the process died twice over it."""

    POLICY = "policy"
    PERSON = "person"
    LATER = "later"
    MISTAKE = "mistake"
    DEATHS = "deaths"


DEATHS = 2
"""A company with which the process died so often in a row waits a little; when it then dies once more, that company is to blame."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do for one company."""

    company: str
    kind: JobKind


@dataclass(frozen=True, slots=True)
class CompanyState:
    """How it stands with a company; all instants are in UTC.

    `*_done_for` are the instants at which the last of each that came to an end had begun, `*_ok_at` when one ended well. `began_*` tell of
    the job at work, or of the one that its process died over, and how often in a row; `failures` counts those in a row that ended badly;
    `trouble_job` is the kind of the job that met the trouble, `trouble_error` the class of the error.
    """

    company: str
    seen_at: datetime
    sync_done_for: datetime | None = None
    run_done_for: datetime | None = None
    complete_done_for: datetime | None = None
    synced_ok_at: datetime | None = None
    ran_ok_at: datetime | None = None
    wished_at: datetime | None = None
    began_kind: str = ""
    began_at: datetime | None = None
    began_by: str = ""
    began_times: int = 0
    failures: int = 0
    not_before: datetime | None = None
    trouble: str = ""
    trouble_job: str = ""
    trouble_error: str = ""
    trouble_text: str = ""
    trouble_hint: str = ""
    trouble_since: datetime | None = None
    last_seconds: int = 0


class Timetable:
    """When a company's jobs are due, by its policy and in its zone. `offset` sets it apart from others with the same times of day."""

    def __init__(self, policy: Policy, offset: timedelta = timedelta(0)) -> None:
        self.zone = ZoneInfo(policy.company.time_zone)
        self.sending = policy.sending
        self.every = timedelta(minutes=policy.schedule.sync_every_minutes)
        self.offset = offset
        schedule = policy.schedule
        complete = schedule.complete
        times = schedule.run_at if schedule.automatic else ()
        self._slots = [self._daily(at.hour, at.minute) for at in times]
        self._runs = [AndOffset(self._daily(at.hour, at.minute), min(offset, self._room_after(at))) for at in times]
        self._completes = AndOffset(self._daily(complete.at.hour, complete.at.minute, complete.day.value), offset)

    def due(self, state: CompanyState, now: datetime) -> JobKind | None:
        """The one job that is due, the widest first: a complete reading, a run (which reads, too), a reading.

        A slot of an earlier day is not made up for by a run, and none goes out after the hours of sending; however many slots were missed,
        one job makes up for all.
        """
        if state.not_before is not None and state.not_before > now:
            return None
        if _passed(self._completes, state.complete_done_for or state.seen_at, now):
            return JobKind.COMPLETE
        if self._run_is_due(state, now):
            return JobKind.RUN
        return JobKind.SYNC if self._sync_is_due(state, now) else None

    def triggers(self) -> list[BaseTrigger]:
        """When to look whether something is due: at each run and complete reading, and so often that no reading comes late."""
        often = max(self.every / _LOOKS_A_READING, _LEEWAY / _LOOKS_A_READING)
        return [*self._runs, self._completes, IntervalTrigger(seconds=int(often.total_seconds()))]

    def last_run_slot(self, before: datetime) -> datetime | None:
        """The last instant within the two days before at which a run was due."""
        slots: list[datetime] = []
        for trigger in self._slots:
            at = before - timedelta(days=2)
            while (following := trigger.get_next_fire_time(None, at + _TICK)) is not None and following <= before:
                slots.append(following.astimezone(UTC))
                at = following
        return max(slots, default=None)

    def _daily(self, hour: int, minute: int, day_of_week: str = "*") -> CronTrigger:
        return CronTrigger(day_of_week=day_of_week, hour=hour, minute=minute, timezone=self.zone)

    def _room_after(self, at: time) -> timedelta:
        """How much later than this time of day a run may begin, within the hours of sending."""
        day = datetime(2000, 1, 1, tzinfo=UTC)
        return max(datetime.combine(day, self.sending.latest, UTC) - datetime.combine(day, at, UTC) - _LEEWAY, timedelta(0))

    def _run_is_due(self, state: CompanyState, now: datetime) -> bool:
        here = now.astimezone(self.zone)
        if not self.sending.earliest <= here.time() <= self.sending.latest:
            return False
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        since = max(state.run_done_for or state.seen_at, midnight)
        return any(_passed(trigger, since, now) for trigger in self._runs)

    def _sync_is_due(self, state: CompanyState, now: datetime) -> bool:
        if state.wished_at is not None and state.wished_at + DEBOUNCE <= now:
            return True
        done = max((at for at in (state.sync_done_for, state.run_done_for, state.complete_done_for) if at), default=None)
        return done is None or done + self.every <= now


def _passed(trigger: BaseTrigger, since: datetime, now: datetime) -> bool:
    """Whether the trigger fired after `since`, by now."""
    fires = trigger.get_next_fire_time(None, since + _TICK)
    return fires is not None and fires <= now


class AndOffset(BaseTrigger):  # type: ignore[misc]  # the library is not typed
    """The times of another trigger, each a little later."""

    def __init__(self, trigger: BaseTrigger, offset: timedelta) -> None:
        self._trigger = trigger
        self._offset = offset

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next instant after `previous_fire_time`, or from `now` on."""
        before = previous_fire_time - self._offset if previous_fire_time else None
        fires = self._trigger.get_next_fire_time(before, now - self._offset)
        return fires + self._offset if fires is not None else None


def backed_off(failures: int, retry_after: int | None) -> timedelta:
    """How long to wait after so many failures in a row: as long as the service asks, at least 1, 2, 4 … minutes, and at most 6 hours."""
    own = timedelta(minutes=min(2 ** max(failures - 1, 0), 360))
    return max(own, min(timedelta(seconds=retry_after or 0), timedelta(days=1)))
