"""`puntual demo`: a sample company and one real month of runs on its books; mails land in a folder, notes in the ledger's own file."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from email.parser import BytesParser
from email.policy import default
from importlib.resources import files
from pathlib import Path

from ..dunning.facts import HoldKind, Plan
from ..dunning.printout import as_lines
from ..history.attempts import AttemptStatus
from ..policy.queries import calendar_of
from ..policy.schema import Policy
from ..worker import people
from ..worker.clock import FixedClock, SystemClock, noon_of, today
from ..worker.desk import Desk
from ..worker.planning import plan_of
from ..worker.run import RunReport, run
from ..worker.sync import sync
from ..worker.wiring import desk_of, load_policy
from .books import write_books

COMPANY = "soler"
WEEKS_BEFORE = 3
DAYS_SINCE_GO_LIVE = 45
PROMISED_INVOICE, PROMISED_IN_DAYS = "25-0131", 5
DISPUTED_INVOICE = "25-0130"

Say = Callable[[str], None]


def run_demo(directory: Path, say: Say, write_schema: Callable[[Path], None]) -> int:
    """Make the sample company when it is not there yet, run it up to the last working day, and say what was done. Returns the exit code."""
    is_new = not (directory / "companies" / f"{COMPANY}.yaml").exists()
    if is_new:
        _lay_out(directory, write_schema)
    policy = load_policy(directory, COMPANY)
    as_of = last_working_day(policy, today(SystemClock(), policy.company.time_zone))
    before = set(_outbox(directory))
    if is_new:
        _the_weeks_before(directory, policy, as_of, say)
    made = _plan_on(directory, policy, as_of)
    report = _run_on(directory, policy, as_of)
    _tell(directory, made, report, before, say)
    return 0


def last_working_day(policy: Policy, day: date) -> date:
    """The newest day up to `day` on which the sample company writes to customers."""
    calendar = calendar_of(policy)
    while not calendar.is_open(day):
        day -= timedelta(days=1)
    return day


def _lay_out(directory: Path, write_schema: Callable[[Path], None]) -> None:
    companies = directory / "companies"
    companies.mkdir(parents=True, exist_ok=True)
    text = files("puntual").joinpath("core", "demo", "policy.yaml").read_text(encoding="utf-8")
    now = today(SystemClock(), "Europe/Madrid")
    (companies / f"{COMPANY}.yaml").write_text(text.replace("GO_LIVE", str(now - timedelta(days=DAYS_SINCE_GO_LIVE))), encoding="utf-8")
    write_schema(companies)
    as_of = last_working_day(load_policy(directory, COMPANY), now)
    write_books(directory / "books" / COMPANY, as_of)


def _run_on(directory: Path, policy: Policy, day: date) -> RunReport:
    return run(_desk_on(directory, policy, day), day, at_any_hour=True)


def _plan_on(directory: Path, policy: Policy, day: date) -> Plan:
    """The whole plan of the day, with why everything else is left alone."""
    desk = _desk_on(directory, policy, day)
    ledger = desk.open_ledger()
    sync(desk, ledger, day)
    ledger.close()
    return plan_of(desk, day, everything=True)


def _desk_on(directory: Path, policy: Policy, day: date) -> Desk:
    return desk_of(directory, COMPANY, FixedClock(noon_of(day, policy.company.time_zone)), policy)


def _the_weeks_before(directory: Path, policy: Policy, as_of: date, say: Say) -> None:
    say(f"A sample company, {policy.company.name}: {WEEKS_BEFORE} weekly runs up to {as_of}, on books in {directory / 'books' / COMPANY}.")
    for weeks in range(WEEKS_BEFORE, 0, -1):
        day = last_working_day(policy, as_of - timedelta(weeks=weeks))
        report = _run_on(directory, policy, day)
        say(f"  {day}: {_in_short(report)}")
        if weeks == 2:
            _what_customers_said(directory, policy, day, as_of, say)


def _what_customers_said(directory: Path, policy: Policy, day: date, as_of: date, say: Say) -> None:
    desk = _desk_on(directory, policy, day)
    promised = as_of + timedelta(days=PROMISED_IN_DAYS)
    target, _ = people.hold(desk, HoldKind.PROMISE, PROMISED_INVOICE, "", "on the phone", promised, "demo", day)
    say(f"  {day}: promise to pay {target} by {promised}; it is not chased until then")
    target, _ = people.hold(desk, HoldKind.DISPUTE, DISPUTED_INVOICE, "", "the goods arrived damaged", None, "demo", day)
    say(f"  {day}: dispute of {target}; it is not chased until it is resolved")


def _in_short(report: RunReport) -> str:
    sent = report.acted.count(AttemptStatus.SENT)
    tasks = f", {report.acted.tasks} on the work list" if report.acted.tasks else ""
    waiting = f", {len(report.proposed)} waiting for approval" if report.proposed else ""
    return f"{sent} mails{tasks}{waiting}, {report.written.notes} notes in the books"


def _tell(directory: Path, made: Plan, report: RunReport, before: set[Path], say: Say) -> None:
    say("")
    for line in as_lines(made):
        say(line)
    say("")
    fresh = [path for path in _outbox(directory) if path not in before]
    say(f"Done today: {_in_short(report)}.")
    say(f"{len(fresh)} mails are new in {directory / 'outbox'}, {len(_outbox(directory))} in all.")
    if fresh:
        _show(fresh[-1], say)
    _what_next(directory, say)


def _show(path: Path, say: Say) -> None:
    message = BytesParser(policy=default).parsebytes(path.read_bytes())
    body = message.get_body(("plain",))
    rule = "-" * min(shutil.get_terminal_size().columns, 76)
    say(f"\nOne of them, {path}:\n{rule}")
    say(f"To: {message['To']}\nSubject: {message['Subject']}\n")
    say(str(body.get_content()).replace("\r\n", "\n").rstrip() if body else "")
    say(rule)


def _what_next(directory: Path, say: Say) -> None:
    say("\nTry next:")
    for command, does in (
        (f"plan {COMPANY} --days 14", "what would happen in the next two weeks"),
        (f"why {COMPANY} 25-0101", "why an invoice was chased, and what comes next"),
        (f"explain {COMPANY}", "the policy in sentences"),
        (f"status {COMPANY}", "what needs a person: approvals, calls, missing addresses"),
        (f"history {COMPANY}", "everything that was done; puntual verify proves it"),
        ("demo", "run again: nothing is sent twice"),
    ):
        say(f"  puntual {command} --dir {directory}".ljust(56) + does)


def _outbox(directory: Path) -> list[Path]:
    return sorted((directory / "outbox").glob("*.eml"))
