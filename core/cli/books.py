"""Commands about the books: sync, plan, run, why, history, verify, status, preview."""

import json
import sys
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from tqdm import tqdm

from ..channels.email import compose
from ..dunning.facts import ActionKind, Plan
from ..dunning.forecast import days_ahead
from ..dunning.guard import Alarm
from ..dunning.printout import as_json, as_lines
from ..errors import AnotherRunUnderWay, PuntualError
from ..history import audit
from ..history.attempts import AttemptStatus
from ..history.books import ensure_company
from ..history.database import reading, writing
from ..history.holds import active_holds
from ..history.read import books_state, due_customers, open_counts, open_late_charges
from ..history.tables import attempts
from ..history.told_payments import PaymentStatus, payments_with
from ..history.work import count_waiting, waiting_approvals, waiting_work
from ..policy.schema import Mode
from ..port import Capability
from ..worker.access import connection_said, connection_warnings
from ..worker.desk import Desk
from ..worker.discounting import held_back
from ..worker.envelope import envelope_of, preview_of, standing_alone
from ..worker.foresight import Foreseen, foresee
from ..worker.inquiry import Answer, why
from ..worker.lease import leased
from ..worker.planning import alarms_of, plan_of
from ..worker.run import Begun, RunReport, run
from ..worker.sync import SyncReport, replan_when_rules_changed, sync
from ..worker.write_back import WriteBackReport
from .charges import say_charges
from .common import A_PERSON_MUST_ACT, company, confirm, desk_on, directory, on_day, say, told, warn
from .money import say_begun, say_credits, say_discounts, say_foreseen, say_payments, say_unread, say_warnings


@click.command("sync")
@company
@directory
@on_day
@confirm
@click.option("--complete", is_flag=True, help="Read everything that is open, not only what changed.")
@told
def sync_command(company: str, directory: Path, on: date | None, confirm: bool, complete: bool) -> None:
    """Read what changed in the books."""
    desk = desk_on(directory, company, on)
    report = _read_books(desk, on or desk.today(), confirmed=confirm, complete=complete)
    _say_sync(report)
    say_warnings(connection_warnings(desk))
    sys.exit(A_PERSON_MUST_ACT if report.problems else 0)


def _read_books(desk: Desk, as_of: date, *, confirmed: bool = False, complete: bool = False) -> SyncReport:
    """What was read is told also when something stops the reading: it is told once."""
    ledger, report = desk.open_ledger(), SyncReport()
    try:
        with leased(desk) as lease:
            return sync(desk, ledger, as_of, confirmed=confirmed, complete=complete, report=report, lease=lease)
    except PuntualError:
        say_unread(report)
        raise
    finally:
        ledger.close()


def counted(number: int, thing: str) -> str:
    """`1 note`, `2 notes`."""
    return f"{number} {thing}{'s' * (number != 1)}"


def _say_sync(report: SyncReport) -> None:
    say(f"Read {report.documents} documents; {report.settled} items were settled, {report.vanished} are gone from the books.")
    say_unread(report)


@click.command("plan")
@company
@directory
@on_day
@click.option("--days", type=click.IntRange(1, 366), default=1, help="Plan so many days, as if each were carried out and nobody paid.")
@click.option("--json", "as_program", is_flag=True, help="For a program.")
@click.option("--no-sync", is_flag=True, help="Use the books as they were read last.")
@told
def plan_command(company: str, directory: Path, on: date | None, days: int, as_program: bool, no_sync: bool) -> None:
    """What a run would do now, to whom and why; what is left alone and why. Nothing is sent and nothing is written into the books."""
    desk = desk_on(directory, company, on)
    as_of = on or desk.today()
    if no_sync:
        replan_when_rules_changed(desk, as_of)
    else:
        _read_for_plan(desk, as_of)
    foreseen = foresee(desk, as_of)
    plans = [plan_of(desk, as_of, everything=True, held=foreseen.held), *(_ahead(desk, as_of, days, foreseen) if days > 1 else ())]
    if as_program:
        say(json.dumps({**_as_program(plans), **foreseen.as_program()}, ensure_ascii=False, indent=1))
        return
    alarms, capabilities = _of_ledger(desk, plans[0], foreseen)
    for made in plans:
        if made is plans[0] or made.actions:
            _say_lines(as_lines(made if made is plans[0] else Plan(made.company, made.as_of, made.actions, ())))
            say()
        if made is plans[0]:
            say_foreseen(foreseen, capabilities)
    _say_alarms(alarms)


def _read_for_plan(desk: Desk, as_of: date) -> None:
    try:
        report = _read_books(desk, as_of)
    except AnotherRunUnderWay as busy:
        warn(f"{busy} This plan uses the books as they were read last.")
        return
    for problem in report.problems:
        warn(f"{problem.where}: {problem.what}")
    say_warnings(report.warnings)


def _ahead(desk: Desk, as_of: date, days: int, foreseen: Foreseen) -> list[Plan]:
    """The days after the first, from the customers that will have something due by then."""
    with reading(desk.engine) as conn:
        found = due_customers(conn, desk.company, as_of + timedelta(days=days - 1))
        customers = [held_back(facts, foreseen.held, desk.policy) for facts in found]
    return list(days_ahead(desk.company, customers, desk.rulebook, as_of, days))[1:]


def _of_ledger(desk: Desk, made: Plan, foreseen: Foreseen) -> tuple[tuple[Alarm, ...], Collection[Capability]]:
    ledger = desk.open_ledger()
    try:
        return alarms_of(desk, made, ledger, foreseen.charged), ledger.capabilities
    finally:
        ledger.close()


def _say_alarms(alarms: Iterable[Alarm]) -> None:
    for alarm in alarms:
        warn(f"A run that sends would stop here: {alarm.what}. To go on: {alarm.how_to_proceed}.")


def _as_program(plans: list[Plan]) -> dict[str, Any]:
    """The first day in the published form; with more days, all of them under `days` and each action with the day it is planned for."""
    first = as_json(plans[0])
    if len(plans) == 1:
        return first
    every = [as_json(made) for made in plans]
    actions = [{**action, "on": made["as_of"]} for made in every for action in made["actions"]]
    return {**first, "actions": actions, "days": [{"as_of": made["as_of"], "actions": made["actions"]} for made in every]}


def _say_lines(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


@click.command("run")
@company
@directory
@on_day
@confirm
@told
def run_command(company: str, directory: Path, on: date | None, confirm: bool) -> None:
    """Sync, plan, guard, charge and credit, act, write back: once."""
    desk = desk_on(directory, company, on)
    begun = Begun()
    try:
        with _Bar() as bar:
            report = run(desk, on or desk.today(), confirmed=confirm, at_any_hour=on is not None, progress=bar.step, begun=begun)
    except PuntualError:
        say_begun(desk, begun)
        raise
    say_run(desk, report)
    sys.exit(report.exit_code)


class _Bar:
    """A progress bar on a terminal, nothing elsewhere: the report says it all in plain lines."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, total: int) -> None:
        """The number of actions first, then 0 for each one that is done."""
        if self._bar is None:
            self._bar = tqdm(total=total, unit="action", disable=None, leave=False, file=sys.stderr)
        else:
            self._bar.update(1)


def say_run(desk: Desk, report: RunReport) -> None:
    """What a run did, in plain lines."""
    _say_sync(report.synced)
    say_warnings(connection_warnings(desk))
    _say_lines(as_lines(report.plan, every_skipped=False))
    say()
    if report.mode is Mode.SHADOW:
        _say_alarms(report.alarms)
        say(
            f"Mode is shadow: {counted(report.rendered, 'notice')} rendered, nothing was sent. See one with: puntual preview {desk.company}"
        )
    say_payments(report.begun.received)
    say_discounts(desk, report.begun.discounts, is_shadow=report.mode is Mode.SHADOW)
    say_charges(desk, report.charged, is_shadow=report.mode is Mode.SHADOW)
    say_credits(desk, report.credited)
    for status, count in sorted(report.acted.endings.items()):
        say(f"{counted(count, 'notice')} {status.value}.")
    if report.acted.tasks:
        say(f"{report.acted.tasks} put on the work list.")
    for skipped in report.acted.dropped:
        say(f"Dropped at the last look: {skipped.number} {skipped.reason.value}: {skipped.detail}")
    for action in report.proposed:
        say(f"Waits for approval: {action.customer.name}, {action.level}: puntual approve {desk.company} {action.key[:8]}")
    _say_written(report.written)
    if report.recovered_unknown:
        warn(f"{report.recovered_unknown} mails of a run that died have no known end; see: puntual status {desk.company}")


def _say_written(written: WriteBackReport) -> None:
    if written.notes or written.tasks:
        say(f"Written into the books: {counted(written.notes, 'note')} and {counted(written.tasks, 'task')}.")
    if written.expected:
        say(f"In the books, the day of expected payment follows what was promised: {counted(written.expected, 'change')}.")
    if written.refused:
        warn(f"The books did not take {written.refused} of our entries; they are on the work list.")
    if written.trouble:
        warn(f"What is to be left in the books waits for the next run: {written.trouble}")


@click.command("why")
@company
@click.argument("invoice")
@directory
@on_day
@told
def why_command(company: str, invoice: str, directory: Path, on: date | None) -> None:
    """Why an invoice was or was not chased, what comes next and when."""
    desk = desk_on(directory, company, on)
    as_of = on or desk.today()
    answers = why(desk, invoice, as_of)
    if not answers:
        warn(f"The books as read last have no invoice {invoice!r}. Read them again with: puntual sync {company}")
        sys.exit(A_PERSON_MUST_ACT)
    for answer in answers:
        _say_answer(answer, as_of)


def _say_answer(answer: Answer, as_of: date) -> None:
    say(f"Invoice {answer.label}: {answer.stands}")
    say(f"  on {as_of}: {answer.today}")
    say(f"  next: {answer.next_step}{f' on {answer.next_on:%A %Y-%m-%d}' if answer.next_on else ''}")
    for past in answer.past:
        say(f"  {past.on} {past.channel} {past.level!r} {past.recipient}: {past.status}{'; ' + past.detail if past.detail else ''}")
    if not answer.past:
        say("  nothing was sent so far")


@click.command("history")
@company
@click.argument("invoice", required=False)
@directory
@click.option("--limit", type=click.IntRange(1), default=50, help="At most so many entries.")
@told
def history_command(company: str, invoice: str | None, directory: Path, limit: int) -> None:
    """What was done, newest first; of one invoice when its number is given."""
    desk = desk_on(directory, company, None)
    with reading(desk.engine) as conn:
        shown = 0
        for entry in audit.entries_of(conn, company):
            text = json.dumps(entry.data, ensure_ascii=False, sort_keys=True)
            if invoice and f'"{invoice}"' not in text:
                continue
            say(f"{entry.seq:>6}  {entry.at[:19]}  {entry.kind}  {text}")
            shown += 1
            if shown >= limit:
                break
    if not shown:
        say("Nothing yet.")


@click.command("verify")
@company
@directory
@told
def verify_command(company: str, directory: Path) -> None:
    """Check that nobody changed the audit trail."""
    desk = desk_on(directory, company, None)
    with reading(desk.engine) as conn:
        report = audit.verify(conn, company)
    if report.broken_at is not None:
        warn(f"The audit trail is broken: {report.what}. The entries before it hold together.")
        sys.exit(A_PERSON_MUST_ACT)
    say(f"The audit trail is whole: {report.entries} entries, the last has the hash {report.head or '-'}")
    for said_by, count in sorted(report.erased.items()):
        say(f"Entry {said_by} says that personal data were erased from {count} entr{'ies' if count != 1 else 'y'}; what is left is whole.")


@click.command("preview")
@company
@click.argument("invoice", required=False)
@directory
@on_day
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), default=None, help="Where to write. Default: state/COMPANY/preview."
)
@told
def preview_command(company: str, invoice: str | None, directory: Path, on: date | None, folder: Path | None) -> None:
    """Write the notices that are due as files to look at (.html, .txt, .eml); nothing is sent."""
    desk = desk_on(directory, company, on)
    as_of = on or desk.today()
    folder = folder or desk.state_dir / "preview"
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for action in plan_of(desk, as_of).actions:
        if action.kind is not ActionKind.NOTICE or (invoice and invoice not in {e.item.number for e in action.items}):
            continue
        rendered, images = preview_of(desk, action, as_of)
        message = compose(rendered, **envelope_of(desk, action), images=images)
        shown = standing_alone(rendered.html, images)
        for ending, content in (("html", shown.encode()), ("txt", rendered.text.encode()), ("eml", message.as_bytes())):
            (folder / f"{as_of}-{action.key}.{ending}").write_bytes(content)
        say(f"{folder / f'{as_of}-{action.key}.html'}  {action.customer.name}: {rendered.subject}")
        count += 1
    if not count:
        say(f"No notice is due on {as_of}{' for ' + invoice if invoice else ''}.")


@click.command("status")
@company
@directory
@on_day
@told
def status_command(company: str, directory: Path, on: date | None) -> None:
    """How things stand, and what needs a person."""
    desk = desk_on(directory, company, on)
    with writing(desk.engine) as conn:
        ensure_company(conn, company)
    with reading(desk.engine) as conn:
        state = books_state(conn, company)
        customers, items, overdue = open_counts(conn, company, on or desk.today())
        read_at = f"{state.synced_at:%Y-%m-%d %H:%M} UTC" if state.synced_at else "never"
        say(f"{company}: mode {desk.policy.mode.value}; books read {read_at}")
        _say_lines([stands] if (stands := connection_said(desk)) else [])
        say_warnings(connection_warnings(desk))
        say(f"{items} open items of {customers} customers, {overdue} overdue; newest payment: {state.last_bank_entry_on or 'unknown'}")
        if charges := open_late_charges(conn, company):
            say(f"{counted(charges, 'late charge')} of our own among them, not chased on {'its' if charges == 1 else 'their'} own")
        for hold in active_holds(conn, company):
            until = f" until {hold.until}" if hold.until else ""
            say(f"hold {hold.id}  {hold.kind.value}{until}  customer {hold.customer_id} {hold.invoice_id or 'all'}: {hold.reason}")
        for key in waiting_approvals(conn, company):
            say(f"waits for approval: {key}")
        unknown = (attempts.c.company == company, attempts.c.status == AttemptStatus.UNKNOWN.value)
        for (attempt_id,) in conn.execute(select(attempts.c.attempt_id).where(*unknown)):
            say(f"unknown end: {attempt_id[:12]}; say it with: puntual resolve {company} {attempt_id[:12]} sent | not-sent")
        for payment in payments_with(conn, company, PaymentStatus.TOLD):
            say(f"payment of {payment.amount} on {payment.paid_on} is recorded by the next run: {payment.payment_id}")
        for task in waiting_work(conn, company):
            say(f"to do {task.id}  {task.due_on}  {task.summary}")
        if waiting := count_waiting(conn, company):
            say(f"{waiting} notes wait to be written into the books")


COMMANDS = (sync_command, plan_command, run_command, why_command, history_command, verify_command, preview_command, status_command)
