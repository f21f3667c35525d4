"""run: one pass for one company. Sync, receive, plan, guard, charge, credit, act, write back; nothing is sent that a step before did not
allow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ..dunning.facts import Action, ActionKind, Plan
from ..dunning.grouping import narrowed
from ..dunning.guard import Alarm
from ..dunning.plan import waits_for_approval
from ..errors import GuardStopped, PuntualError, TryLater
from ..history.attempts import AttemptStatus, recover
from ..history.audit import append
from ..history.books import note_looked_at
from ..history.charges import waiting_keys
from ..history.credits import asked_credits
from ..history.told_payments import refused_payments
from ..history.work import WorkItem, approved_keys, forget_proposals, propose, put_on_list, unanswered_keys
from ..money import Money
from ..policy.schema import Mode
from ..port import LedgerConnector
from .act import Acting, ActReport
from .charging import ChargeReport, Charging
from .clock import local_now
from .crediting import CreditReport, release_done, write_credits
from .desk import Desk
from .discounting import Discounting, DiscountReport
from .envelope import preview_of
from .lease import Lease, leased
from .links import Links
from .planning import alarms_of, plan_of
from .receiving import ReceiveReport, record_payments
from .sync import SyncReport, sync
from .write_back import WriteBackReport, write_back


class OutsideSendingHours(TryLater):
    """Customers are not written to at this time of day."""


@dataclass(slots=True)
class Begun:
    """What a run did before its plan; it stands also when something stops the run then."""

    synced: SyncReport = field(default_factory=SyncReport)
    received: ReceiveReport = field(default_factory=ReceiveReport)
    discounts: DiscountReport = field(default_factory=DiscountReport)


@dataclass(slots=True)
class RunReport:
    """What a run did."""

    mode: Mode
    as_of: date
    begun: Begun
    plan: Plan
    charged: ChargeReport = field(default_factory=ChargeReport)
    credited: CreditReport = field(default_factory=CreditReport)
    acted: ActReport = field(default_factory=ActReport)
    written: WriteBackReport = field(default_factory=WriteBackReport)
    proposed: tuple[Action, ...] = ()
    rendered: int = 0
    recovered_unknown: int = 0
    alarms: tuple[Alarm, ...] = ()

    @property
    def synced(self) -> SyncReport:
        """What was read."""
        return self.begun.synced

    @property
    def exit_code(self) -> int:
        """0 done, 1 a person must act, 75 try later."""
        if self.acted.need_a_person or self.proposed or self.recovered_unknown or self.synced.problems or self.written.refused:
            return 1
        if self.charged.needs_a_person or self.credited.needs_a_person or self.begun.received.refused:
            return 1
        return 75 if self.acted.count(AttemptStatus.FAILED) or any(self._troubles) else 0

    @property
    def try_again(self) -> bool:
        """Whether something failed that may go well soon: the mail server or the ledger was not to be had."""
        return bool(self.acted.count(AttemptStatus.FAILED)) or any(isinstance(trouble, TryLater) for trouble in self._troubles)

    @property
    def _troubles(self) -> tuple[PuntualError | None, ...]:
        return self.written.trouble, self.charged.trouble, self.credited.trouble, self.begun.received.trouble


Progress = Callable[[int], Any]
"""Called with the number of actions before the first, then after each with 0."""


def run(
    desk: Desk,
    as_of: date,
    *,
    confirmed: bool = False,
    at_any_hour: bool = False,
    progress: Progress = lambda _: None,
    begun: Begun | None = None,
) -> RunReport:
    """One pass. Raises GuardStopped when the plan is implausible and not `confirmed`, AnotherRunUnderWay, OutsideSendingHours.

    What was done before something stops the run stands in the `begun` that was given.
    """
    begun = begun or Begun()
    ledger = desk.open_ledger()
    try:
        with leased(desk) as lease:
            ledger.write_while(lease.hold)
            unknown = _recover(desk, lease, as_of)
            sync(desk, ledger, as_of, confirmed=confirmed, report=begun.synced, lease=lease)
            discounts = _before_the_plan(desk, ledger, as_of, begun, lease)
            charging = Charging(desk, ledger, lease, as_of)
            charges = charging.judge()
            made = plan_of(desk, as_of, held=discounts.held())
            found = _guard(desk, lease, made, ledger, confirmed, charges)
            report = RunReport(desk.policy.mode, as_of, begun, made, charging.report, recovered_unknown=len(unknown), alarms=found)
            if desk.policy.mode is Mode.SHADOW:
                report.rendered = _render_only(desk, made)
            else:
                charging.act()
                report.credited = write_credits(desk, ledger, lease, as_of)
                _act_and_write_back(desk, ledger, report, lease, at_any_hour, progress)
            _record(desk, lease, report)
            return report
    finally:
        ledger.close()


def _before_the_plan(desk: Desk, ledger: LedgerConnector, as_of: date, begun: Begun, lease: Lease) -> Discounting:
    """What keeps from chasing what was paid: payments that are not in the books yet, and discounts that were earned. In shadow these are
    only judged."""
    release_done(desk, lease, as_of)
    if desk.policy.mode is not Mode.SHADOW:
        record_payments(desk, ledger, lease, as_of, begun.received)
    Links(desk, ledger).end_stale()
    discounting = Discounting(desk, as_of, begun.discounts)
    discounting.judge()
    if desk.policy.mode is not Mode.SHADOW:
        discounting.claim(lease)
    return discounting


def _act_and_write_back(
    desk: Desk, ledger: LedgerConnector, report: RunReport, lease: Lease, at_any_hour: bool, progress: Progress
) -> None:
    actions, report.proposed = _approved(desk, lease, report.plan)
    try:
        if any(action.kind is ActionKind.NOTICE for action in actions) and not at_any_hour:
            _keep_hours(desk)
        progress(len(actions))
        acting = Acting(desk, ledger, lease, report.as_of, (lambda: None) if at_any_hour else partial(_keep_hours, desk))
        report.acted = acting.report
        acting.act(actions, lambda: progress(0))
    except PuntualError as error:
        if report.acted.done:
            before = f"Before that {len(report.acted.done)} were done: puntual history {desk.company}"
            error.hint = f"{error.hint.rstrip('.')}. {before}" if error.hint else before
        raise
    finally:
        report.written = write_back(desk, ledger, lease)


def _guard(desk: Desk, lease: Lease, made: Plan, ledger: LedgerConnector, confirmed: bool, charges: Sequence[Money]) -> tuple[Alarm, ...]:
    """Stop an implausible plan. In shadow nothing is sent, so the alarms are only told."""
    found = alarms_of(desk, made, ledger, charges)
    if not found or desk.policy.mode is Mode.SHADOW:
        return found
    with lease.writing() as conn:
        facts = {"confirmed": confirmed, "alarms": [alarm.what for alarm in found]}
        append(conn, desk.company, desk.now(), [("guard", facts)])
    if not confirmed or any(_needs_policy(alarm) for alarm in found):
        why = "; ".join(alarm.what for alarm in found)
        raise GuardStopped(why[0].upper() + why[1:], hint="To go on: " + "; ".join(alarm.how_to_proceed for alarm in found))
    with lease.writing() as conn:
        note_looked_at(conn, desk.company)
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


def _approved(desk: Desk, lease: Lease, made: Plan) -> tuple[list[Action], tuple[Action, ...]]:
    """What may go out now, and what a person has to approve first."""
    with lease.writing() as conn:
        return _told_apart(conn, desk, made)


def _told_apart(conn: Connection, desk: Desk, made: Plan) -> tuple[list[Action], tuple[Action, ...]]:
    approved = approved_keys(conn, desk.company)
    go: list[Action] = []
    wait: list[Action] = []
    for action in made.actions:
        asks = waits_for_approval(action, desk.policy, approved)
        no = [entry for entry in action.items if asks and entry.key(action.kind) not in approved]
        yes = [entry for entry in action.items if entry not in no]
        go.extend([narrowed(action, yes)] if yes else [])
        wait.extend([narrowed(action, no)] if no else [])
    asked = {entry.key(action.kind): action.key for action in wait for entry in action.items}
    if outdated := unanswered_keys(conn, desk.company) - asked.keys():
        others = waiting_keys(conn, desk.company) | asked_credits(conn, desk.company) | refused_payments(conn, desk.company)
        forget_proposals(conn, desk.company, outdated - others)
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


def _recover(desk: Desk, lease: Lease, as_of: date) -> list[str]:
    """Clear up after a run that died in the middle."""
    with lease.writing() as conn:
        unknown = recover(conn, desk.company, desk.now())
        for attempt_id in unknown:
            summary = "A run ended while it was sending a mail; nobody knows whether it arrived"
            text = f"Find out, then say so: puntual resolve {desk.company} {attempt_id[:12]} sent | not-sent"
            put_on_list(conn, desk.company, WorkItem(attempt_id[:12], "unknown", "", summary, text, as_of), desk.now())
    return unknown


def _record(desk: Desk, lease: Lease, report: RunReport) -> None:
    facts: dict[str, Any] = {"as_of": report.as_of, "mode": report.mode.value, "planned": len(report.plan.actions)}
    facts |= {status.value: count for status, count in report.acted.endings.items()}
    facts |= {"dropped": len(report.acted.dropped), "proposed": len(report.proposed)}
    facts |= {"notes": report.written.notes, "expected": report.written.expected}
    if report.mode is not Mode.SHADOW:
        money = report.credited.counts() | report.begun.received.counts()
        facts |= report.charged.counts() | {name: number for name, number in money.items() if number}
    if any(value for key, value in facts.items() if key not in ("as_of", "mode")):
        with lease.writing() as conn:
            append(conn, desk.company, desk.now(), [("run", facts)])
