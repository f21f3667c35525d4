"""run: one pass for one company. Sync, plan, guard, charge, act, write back; nothing is sent that a step before did not allow."""

import os
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..dunning.facts import Action, ActionKind, Plan
from ..dunning.grouping import narrowed
from ..dunning.guard import Alarm
from ..dunning.plan import waits_for_approval
from ..errors import AnotherRunUnderWay, GuardStopped, PuntualError, TryLater
from ..history.attempts import AttemptStatus, recover
from ..history.audit import append
from ..history.books import ensure_company
from ..history.charges import waiting_keys
from ..history.database import reading, writing
from ..history.runs import give_back, renew_lease, take_lease
from ..history.work import WorkItem, approved_keys, propose, put_on_list, withdraw_proposals
from ..money import Money
from ..policy.schema import Mode
from ..port import LedgerConnector
from .act import Acting, ActReport
from .charging import ChargeReport, Charging
from .clock import SystemClock, local_now
from .desk import Desk
from .envelope import preview_of
from .links import Links
from .planning import alarms_of, plan_of
from .sync import SyncReport, sync
from .write_back import WriteBackReport, write_back


class OutsideSendingHours(TryLater):
    """Customers are not written to at this time of day."""


@dataclass(slots=True)
class RunReport:
    """What a run did."""

    mode: Mode
    as_of: date
    synced: SyncReport
    plan: Plan
    charged: ChargeReport = field(default_factory=ChargeReport)
    acted: ActReport = field(default_factory=ActReport)
    written: WriteBackReport = field(default_factory=WriteBackReport)
    proposed: tuple[Action, ...] = ()
    rendered: int = 0
    recovered_unknown: int = 0
    alarms: tuple[Alarm, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 done, 1 a person must act, 75 try later."""
        if self.acted.need_a_person or self.proposed or self.recovered_unknown or self.synced.problems or self.written.refused:
            return 1
        if self.charged.needs_a_person:
            return 1
        return 75 if self.acted.count(AttemptStatus.FAILED) or self.written.trouble or self.charged.trouble else 0


Progress = Callable[[int], Any]
"""Called with the number of actions before the first, then after each with 0."""


def run(desk: Desk, as_of: date, *, confirmed: bool = False, at_any_hour: bool = False, progress: Progress = lambda _: None) -> RunReport:
    """One pass. Raises GuardStopped when the plan is implausible and not `confirmed`, AnotherRunUnderWay, OutsideSendingHours."""
    ledger = desk.open_ledger()
    try:
        with leased(desk) as run_id:
            unknown = _recover(desk, as_of)
            synced = sync(desk, ledger, as_of, confirmed=confirmed)
            Links(desk, ledger).end_stale()
            charging = Charging(desk, ledger, as_of)
            charges = charging.judge()
            made = plan_of(desk, as_of)
            found = _guard(desk, made, ledger, confirmed, charges)
            report = RunReport(desk.policy.mode, as_of, synced, made, charging.report, recovered_unknown=len(unknown), alarms=found)
            if desk.policy.mode is Mode.SHADOW:
                report.rendered = _render_only(desk, made)
            else:
                charging.act(lambda: _still_ours(desk, run_id))
                _act_and_write_back(desk, ledger, report, run_id, at_any_hour, progress)
            _record(desk, report)
            return report
    finally:
        ledger.close()


def _act_and_write_back(desk: Desk, ledger: LedgerConnector, report: RunReport, run_id: str, at_any_hour: bool, progress: Progress) -> None:
    actions, report.proposed = _approved(desk, report.plan)
    try:
        if any(action.kind is ActionKind.NOTICE for action in actions) and not at_any_hour:
            _keep_hours(desk)
        progress(len(actions))
        acting = Acting(desk, ledger, run_id, report.as_of)
        report.acted = acting.report
        acting.act(actions, lambda: progress(0), lambda: _still_ours(desk, run_id))
    except PuntualError as error:
        if report.acted.done:
            before = f"Before that {len(report.acted.done)} were done: puntual history {desk.company}"
            error.hint = f"{error.hint.rstrip('.')}. {before}" if error.hint else before
        raise
    finally:
        report.written = write_back(desk, ledger)


def _guard(desk: Desk, made: Plan, ledger: LedgerConnector, confirmed: bool, charges: Sequence[Money]) -> tuple[Alarm, ...]:
    """Stop an implausible plan. In shadow nothing is sent, so the alarms are only told."""
    found = alarms_of(desk, made, ledger, charges)
    if not found or desk.policy.mode is Mode.SHADOW:
        return found
    with writing(desk.engine) as conn:
        facts = {"confirmed": confirmed, "alarms": [alarm.what for alarm in found]}
        append(conn, desk.company, desk.now(), [("guard", facts)])
    if not confirmed or any(_needs_policy(alarm) for alarm in found):
        why = "; ".join(alarm.what for alarm in found)
        raise GuardStopped(why[0].upper() + why[1:], hint="To go on: " + "; ".join(alarm.how_to_proceed for alarm in found))
    return found


def _needs_policy(alarm: Alarm) -> bool:
    """Old debt is a choice that the policy has to make; no --confirm replaces it."""
    return "go_live" in alarm.how_to_proceed


def _render_only(desk: Desk, made: Plan) -> int:
    """Shadow: every notice is rendered, so that trouble shows before anybody is written to."""
    notices = [action for action in made.actions if action.kind is ActionKind.NOTICE]
    for action in notices:
        preview_of(desk, action, made.as_of)
    return len(notices)


def _approved(desk: Desk, made: Plan) -> tuple[list[Action], tuple[Action, ...]]:
    """What may go out now, and what a person has to approve first."""
    with reading(desk.engine) as conn:
        approved = approved_keys(conn, desk.company)
    go: list[Action] = []
    wait: list[Action] = []
    for action in made.actions:
        asks = waits_for_approval(action, desk.policy, approved)
        no = [entry for entry in action.items if asks and entry.key(action.kind) not in approved]
        yes = [entry for entry in action.items if entry not in no]
        go.extend([narrowed(action, yes)] if yes else [])
        wait.extend([narrowed(action, no)] if no else [])
    with writing(desk.engine) as conn:
        asked = {entry.key(action.kind): action.key for action in wait for entry in action.items}
        withdraw_proposals(conn, desk.company, asked.keys() | waiting_keys(conn, desk.company))
        propose(conn, desk.company, asked.items(), desk.now())
    return go, tuple(wait)


def _keep_hours(desk: Desk) -> None:
    sending = desk.policy.sending
    now = local_now(desk.clock, desk.policy.company.time_zone).time()
    if not sending.earliest <= now <= sending.latest:
        hours = f"{sending.earliest:%H:%M} to {sending.latest:%H:%M} in {desk.policy.company.time_zone}"
        raise OutsideSendingHours(
            f"it is {now:%H:%M} and notices go out from {hours}", hint="Run again within those hours; nothing was sent"
        )


def _recover(desk: Desk, as_of: date) -> list[str]:
    """Clear up after a run that died in the middle."""
    with writing(desk.engine) as conn:
        unknown = recover(conn, desk.company, desk.now())
        for attempt_id in unknown:
            summary = "A run ended while it was sending a mail; nobody knows whether it arrived"
            text = f"Find out, then say so: puntual resolve {desk.company} {attempt_id[:12]} sent | not-sent"
            put_on_list(conn, desk.company, WorkItem(attempt_id[:12], "unknown", "", summary, text, as_of), desk.now())
    return unknown


def _record(desk: Desk, report: RunReport) -> None:
    facts: dict[str, Any] = {"as_of": report.as_of, "mode": report.mode.value, "planned": len(report.plan.actions)}
    facts |= {status.value: count for status, count in report.acted.endings.items()}
    facts |= {"dropped": len(report.acted.dropped), "proposed": len(report.proposed)}
    facts |= {"notes": report.written.notes, "expected": report.written.expected}
    facts |= {} if report.mode is Mode.SHADOW else report.charged.counts()
    if any(value for key, value in facts.items() if key not in ("as_of", "mode")):
        with writing(desk.engine) as conn:
            append(conn, desk.company, desk.now(), [("run", facts)])


@contextmanager
def leased(desk: Desk) -> Iterator[str]:
    """The company for ourselves, by the machine's own clock whatever day the run is for. Raises AnotherRunUnderWay."""
    run_id = uuid.uuid4().hex
    with writing(desk.engine) as conn:
        ensure_company(conn, desk.company)
        other = take_lease(conn, desk.company, run_id, owner(), SystemClock().now(), is_alive)
    if other:
        raise AnotherRunUnderWay(f"{other} is running {desk.company}", hint="Wait until it ends")
    _ours.add(run_id)
    try:
        yield run_id
    finally:
        _ours.discard(run_id)
        with writing(desk.engine) as conn:
            give_back(conn, desk.company, run_id)


_ours: set[str] = set()


def owner() -> str:
    """This process, as it stands in the lease."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_alive(holder: str) -> bool:
    """Whether the process in a lease may still be running; of another machine nobody knows, so its lease has to end."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname():
        return True
    if int(pid) == os.getpid():
        return bool(_ours)
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _still_ours(desk: Desk, run_id: str) -> None:
    with writing(desk.engine) as conn:
        if not renew_lease(conn, desk.company, run_id, SystemClock().now()):
            raise AnotherRunUnderWay("another run took this company over because this one was silent for too long")
