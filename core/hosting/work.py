"""One job for one company, from the look whether it is due to the record of how it ended. Whatever happens stays with that company."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from sqlalchemy.exc import DBAPIError

from ..errors import AnotherRunUnderWay, OurBug, PolicyProblem, PuntualError, StoppedEarly, TryLater
from ..history.database import reading, trouble_of, writing
from ..history.hosting import ensure_states, grant_wish, set_state, states_of
from ..worker.desk import Desk
from ..worker.lease import leased
from ..worker.run import OutsideSendingHours, RunReport, run
from ..worker.sync import SyncReport, sync
from .jobs import DEATHS, CompanyState, Job, JobKind, Trouble, backed_off
from .logs import tell, telling_about
from .roster import Roster

BUDGET = timedelta(minutes=30)
"""A job that takes longer stops at the next safe place and gives way to other companies; it goes on where it stopped."""
WAIT_FOR_POLICY = timedelta(hours=6)
"""A broken policy is read again when its file changes, and after so long."""
WAIT_AFTER_DEATHS = timedelta(minutes=15)
SPREAD_AFTER_DEATHS = timedelta(minutes=5)
"""Of the companies that a process died with, most have nothing to do with it: at first they are only kept from meeting again at once."""
_STATE_COLUMNS = tuple(field.name for field in fields(CompanyState))


class DiedOverIt(PuntualError):
    """The worker's process ended again and again while it was at this company."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended. `trouble` is empty when it ended well or nothing was due; `error` is what kept it."""

    job: Job
    was_due: bool
    seconds: int = 0
    trouble: str = ""
    error: PuntualError | None = None
    report: RunReport | SyncReport | None = None


def state_of(row: Any) -> CompanyState:
    """A row of the table as a value."""
    return CompanyState(**{name: getattr(row, name) for name in _STATE_COLUMNS})


class Working:
    """Does jobs, one for a company at a time, as its queue sees to. `me` names this process and no other that ever was, `stopping` is set
    when the worker is to end, `heard` hears how each ended."""

    def __init__(
        self,
        roster: Roster,
        me: str,
        stopping: Event | None = None,
        budget: timedelta = BUDGET,
        heard: Callable[[Ended], None] | None = None,
    ) -> None:
        self.roster = roster
        self.clock = roster.clock
        self.engine = roster.engine
        self.stopping = stopping or Event()
        self._me = me
        self._budget = budget
        self.heard = heard or (lambda _: None)

    def remember(self, companies: Sequence[str]) -> None:
        """These companies are there; those that are new were first seen now."""
        with writing(self.engine) as conn:
            ensure_states(conn, companies, self.clock.now())

    def state(self, company: str) -> CompanyState:
        """How it stands with a company that is remembered."""
        with reading(self.engine) as conn:
            return state_of(states_of(conn, [company])[company])

    def due(self, company: str, state: CompanyState) -> JobKind | None:
        """What is due for a company; for one whose policy cannot be read, the reading that will say so."""
        now = self.clock.now()
        try:
            return self.roster.timetable(company).due(state, now)
        except PuntualError:
            return JobKind.SYNC if state.not_before is None or state.not_before <= now else None

    def do(self, job: Job) -> Ended:
        """Do what is due for the company by now. Raises nothing but what ends the process; trouble with the database is an ending, too."""
        with telling_about(company=job.company, job=job.kind.value):
            ended = self._tried(job)
            if ended.was_due:
                _tell_ending(ended)
                self.heard(ended)
            return ended

    def _tried(self, job: Job) -> Ended:
        trouble: PuntualError
        try:
            return self._begun(job)
        except DBAPIError as error:
            trouble = trouble_of(error)
        except PuntualError as error:
            trouble = error
        return Ended(job, True, 0, _kind_of(trouble).value, trouble)

    def _begun(self, job: Job) -> Ended:
        began = self.clock.now()
        state = self.state(job.company)
        kind = self.due(job.company, state)
        if kind is None or self.stopping.is_set():
            return Ended(job, False)
        job = Job(job.company, kind)
        died = state.began_times if state.began_by != self._me else 0
        if died >= DEATHS and state.began_at is not None:
            return self._made_to_wait(job, state, died)
        with writing(self.engine) as conn:
            set_state(conn, job.company, began_kind=kind.value, began_at=began, began_by=self._me, began_times=died + 1)
        ended = self._done(job, began)
        with writing(self.engine) as conn:
            self._remember(conn, ended, state, began)
        return ended

    def _done(self, job: Job, began: datetime) -> Ended:
        report: RunReport | SyncReport | None = None
        error: PuntualError | None = None
        try:
            report = self._work(job, began)
        except OutsideSendingHours:
            pass
        except PuntualError as known:
            error = known
        except DBAPIError as database:
            error = trouble_of(database)
        except Exception:  # noqa: BLE001  # a mistake of ours in one company must not take the others down
            tell("mistake", logging.ERROR, exc_info=True)
            error = OurBug("Puntual itself went wrong; the log says where.")
        if isinstance(report, RunReport) and report.try_again:
            error = TryLater("Something could not be sent or written.", hint="It is tried again; puntual history tells what")
        seconds = int((self.clock.now() - began).total_seconds())
        return Ended(job, True, seconds, _kind_of(error).value if error else "", error, report)

    def _work(self, job: Job, began: datetime) -> RunReport | SyncReport:
        desk = self.roster.desk(job.company)
        desk.breathe = self._breath(began)
        if job.kind is JobKind.RUN:
            return run(desk, desk.today())
        return _read(desk, is_complete=job.kind is JobKind.COMPLETE)

    def _breath(self, began: datetime) -> Callable[[], None]:
        def breathe() -> None:
            if self.stopping.is_set():
                raise StoppedEarly("The worker is stopping.", hint="It goes on when a worker is there again")
            if self.clock.now() - began > self._budget:
                raise StoppedEarly(f"It took longer than {self._budget}, and gives way to other companies.", hint="It goes on by itself")

        return breathe

    def _made_to_wait(self, job: Job, state: CompanyState, died: int) -> Ended:
        until = self.clock.now() + _wait_after_deaths(job.company, died)
        error = DiedOverIt(
            f"The process ended {died} times while it worked on {job.company}.",
            hint="See what ended it: memory, a signal. It is tried again",
        )
        with writing(self.engine) as conn:
            values = {"not_before": until, "began_at": None, "trouble_since": state.trouble_since or self.clock.now()}
            set_state(conn, job.company, **values, **_told(Trouble.DEATHS.value, error, job))
        return Ended(job, True, 0, Trouble.DEATHS.value, error)

    def _remember(self, conn: Any, ended: Ended, state: CompanyState, began: datetime) -> None:
        now, job = self.clock.now(), ended.job
        values: dict[str, Any] = {"began_kind": "", "began_at": None, "began_by": "", "began_times": 0, "last_seconds": ended.seconds}
        if ended.trouble != Trouble.LATER.value:
            values[f"{job.kind.value}_done_for"] = began
        if isinstance(ended.error, AnotherRunUnderWay):
            # that run goes on: what is wished for meanwhile must not be taken for granted by it, and if its process dies, it died over it
            values |= {"began_at": began, "began_kind": state.began_kind, "began_by": state.began_by, "began_times": state.began_times}
        if ended.trouble:
            failures = state.failures + (not isinstance(ended.error, StoppedEarly))
            values |= {"failures": failures, "not_before": self._not_before(ended, failures), "trouble_since": state.trouble_since or now}
            values |= _told(ended.trouble, ended.error, job)
        else:
            values |= {"failures": 0, "not_before": None, "synced_ok_at": now} | ({"ran_ok_at": now} if job.kind is JobKind.RUN else {})
            values |= _told("", None, None) | {"trouble_since": None} if _is_over(state, job) else {}
        if ended.trouble in ("", Trouble.PERSON.value):
            # what a person must mend first is not asked for at every pulse; the reading after that begins where the last one ended
            grant_wish(conn, job.company, began)
        set_state(conn, job.company, **values)

    def _not_before(self, ended: Ended, failures: int) -> datetime | None:
        """When the next try is; None: when something is due again. What a person must mend is not tried again before."""
        if isinstance(ended.error, StoppedEarly):
            return self.clock.now()
        if ended.trouble == Trouble.PERSON.value:
            return None
        if ended.trouble == Trouble.POLICY.value:
            return self.clock.now() + WAIT_FOR_POLICY
        return self.clock.now() + backed_off(failures, getattr(ended.error, "retry_after", None))


def _wait_after_deaths(company: str, died: int) -> timedelta:
    """One to five minutes, by the company's name; 15 minutes and doubling for one with which the process died again after that."""
    if died > DEATHS:
        return WAIT_AFTER_DEATHS * (1 << min(died - DEATHS - 1, 5))
    spread = int(SPREAD_AFTER_DEATHS.total_seconds()) - 60
    return timedelta(seconds=60 + int.from_bytes(hashlib.sha256(company.encode()).digest()[:4]) % spread)


def _read(desk: Desk, *, is_complete: bool) -> SyncReport:
    ledger = desk.open_ledger()
    try:
        with leased(desk) as lease:
            return sync(desk, ledger, desk.today(), complete=is_complete, lease=lease)
    finally:
        ledger.close()


def _kind_of(error: PuntualError) -> Trouble:
    if isinstance(error, PolicyProblem):
        return Trouble.POLICY
    if isinstance(error, TryLater):
        return Trouble.LATER
    return Trouble.MISTAKE if isinstance(error, OurBug) else Trouble.PERSON


def _told(trouble: str, error: PuntualError | None, job: Job | None) -> dict[str, Any]:
    said = {"trouble_text": error.detail if error else "", "trouble_hint": error.hint if error else ""}
    said["trouble_error"] = type(error).__name__ if error else ""
    return {"trouble": trouble, "trouble_job": job.kind.value if job else "", **said}


def _is_over(state: CompanyState, job: Job) -> bool:
    """Whether a job that ended well ends the trouble of an earlier one: that of a run only by a run."""
    return state.trouble_job != JobKind.RUN.value or job.kind is JobKind.RUN


def _tell_ending(ended: Ended) -> None:
    level = logging.WARNING if ended.trouble else logging.INFO
    facts = _facts_of(ended.report) | ({"why": str(ended.error)} if ended.error else {})
    tell("job ended", level, ending=ended.trouble or "well", seconds=ended.seconds, **facts)


def _facts_of(report: RunReport | SyncReport | None) -> dict[str, Any]:
    if report is None:
        return {}
    synced = report.synced if isinstance(report, RunReport) else report
    facts: dict[str, Any] = {"documents": synced.documents, "settled": synced.settled, "problems": len(synced.problems)}
    if isinstance(report, RunReport):
        facts |= {status.value: count for status, count in report.acted.endings.items()} | {"proposed": len(report.proposed)}
    return facts
