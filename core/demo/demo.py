"""`puntual demo`: a sample company and one real month of runs on its books; mails land in a folder, notes in the ledger.

The books are files in a folder, or those of a ledger's stand-in that runs for the time of the command.
"""

import json
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from threading import Event

from ..dunning.facts import HoldKind, Plan
from ..dunning.printout import as_lines
from ..history.attempts import AttemptStatus
from ..history.charge_rows import KeptCharge
from ..policy.queries import calendar_of
from ..policy.schema import Policy
from ..worker import people
from ..worker.access import connect
from ..worker.charge_inquiry import ChargeAnswer, charges
from ..worker.clock import FixedClock, SystemClock, noon_of, today
from ..worker.desk import Desk
from ..worker.planning import plan_of
from ..worker.run import RunReport, run
from ..worker.sync import sync
from ..worker.wiring import desk_of, load_policy
from .books import COMPANY, customers_by_group, write_books
from .stand_in import StandIn

FILES = "files"
WEEKS_BEFORE = 3
DAYS_SINCE_GO_LIVE = 45
PROMISED_INVOICE, PROMISED_IN_DAYS = "25-0131", 5
DISPUTED_INVOICE = "25-0130"
_GLANCE_SECONDS = 1

_LATE_CHARGES = "# What being late costs"
"""Where the sample policy's section begins that a stand-in goes without: its books, and so the charges in them, begin anew each time."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sample:
    """The sample company of one demo: its folder, its name there, and the stand-in that keeps its books (None: they are files)."""

    directory: Path
    company: str
    stand_in: StandIn | None

    @property
    def policy_path(self) -> Path:
        """Where its policy is."""
        return self.directory / "companies" / f"{self.company}.yaml"

    @property
    def outbox(self) -> str:
        """The folder of its mails, under the demo's."""
        return f"outbox-{self.stand_in.ledger}" if self.stand_in else "outbox"

    def mails(self) -> list[Path]:
        """Everything that was sent, the oldest first."""
        return sorted((self.directory / self.outbox).glob("*.eml"))

    @cached_property
    def policy(self) -> Policy:
        """Its policy, once it is laid out."""
        return load_policy(self.directory, self.company)

    def desk_on(self, day: date) -> Desk:
        """Its desk at noon of a day."""
        if self.stand_in is None:
            return desk_of(self.directory, self.company, FixedClock(noon_of(day, COMPANY["time_zone"])), self.policy)
        self.stand_in.go_to(day)
        return desk_of(self.directory, self.company, self.stand_in.clock, self.policy, keys=self.stand_in.keys)


def run_demo(directory: Path, ledger: str, say: Say, write_schema: Callable[[Path], None], *, serve: bool = False) -> int:
    """Make the sample company when it is not there yet, run it up to the last working day, and say what was done. Returns the exit code.

    With `serve` its stand-in goes on until somebody interrupts it, so that other commands find its books.
    """
    with _sample(directory, ledger) as sample:
        is_new = not sample.policy_path.exists()
        _lay_out(sample, is_new, write_schema)
        as_of = last_working_day(sample.policy, _today())
        before = set(sample.mails())
        _open_books(sample, as_of, is_new, say)
        if is_new:
            _the_weeks_before(sample, as_of, say)
        made = _plan_on(sample, as_of)
        report = _run_on(sample, as_of)
        _tell(sample, made, report, before, say)
        if sample.stand_in:
            _end(sample, sample.stand_in, say, serve=serve)
        else:
            _what_next(sample, say)
    return 0


@contextmanager
def _sample(directory: Path, ledger: str) -> Iterator[Sample]:
    if ledger == FILES:
        yield Sample(directory, "soler", None)
        return
    company = f"soler-{ledger}"
    with closing(StandIn(ledger, directory / "state" / company)) as stand_in:
        yield Sample(directory, company, stand_in)


def _today() -> date:
    return today(SystemClock(), COMPANY["time_zone"])


def last_working_day(policy: Policy, day: date) -> date:
    """The newest day up to `day` on which the sample company writes to customers."""
    calendar = calendar_of(policy)
    while not calendar.is_open(day):
        day -= timedelta(days=1)
    return day


def _lay_out(sample: Sample, is_new: bool, write_schema: Callable[[Path], None]) -> None:
    """Write the policy of a new company; that of a known one learns where its stand-in listens now."""
    if is_new:
        sample.policy_path.parent.mkdir(parents=True, exist_ok=True)
        write_schema(sample.policy_path.parent)
    if is_new or sample.stand_in:
        text = _first_policy(sample) if is_new else sample.policy_path.read_text(encoding="utf-8")
        sample.policy_path.write_text(sample.stand_in.placed_in(text) if sample.stand_in else text, encoding="utf-8")


def _first_policy(sample: Sample) -> str:
    text = files("puntual").joinpath("core", "demo", "policy.yaml").read_text(encoding="utf-8")
    text = text.replace("GO_LIVE", str(_today() - timedelta(days=DAYS_SINCE_GO_LIVE)))
    if sample.stand_in is None:
        return text
    for group, names in customers_by_group().items():  # not every ledger has groups of customers
        text = text.replace(f"{{groups: [{group}]}}", f"{{names: {json.dumps(names, ensure_ascii=False)}}}")
    text = text.replace("plan soler`", f"plan {sample.company} --no-sync`")
    text = text.replace("  folder: outbox\n", f"  folder: {sample.outbox}\n").replace(" soler`", f" {sample.company}`")
    text = text.replace("payment_links: [bank_transfer]", "payment_links: [ledger, bank_transfer]")
    return text.partition(_LATE_CHARGES)[0].rstrip() + "\n"


def _open_books(sample: Sample, as_of: date, is_new: bool, say: Say) -> None:
    """Put the sample documents into the books. Those in a folder are written once; a stand-in begins anew with each process."""
    if sample.stand_in is None:
        if is_new:
            write_books(sample.directory / "books" / sample.company, as_of)
        return
    counted_from = sample.stand_in.remembered_day() or as_of
    first_day = counted_from - timedelta(weeks=WEEKS_BEFORE, days=1)
    unmarked = sample.stand_in.enter_books(counted_from, first_day)
    _say_what_it_is(sample.stand_in, is_new, say)
    _connect(sample, sample.stand_in, first_day if is_new else as_of, say)
    if is_new:
        _dispute(sample, unmarked, first_day, say)


def _say_what_it_is(stand_in: StandIn, is_new: bool, say: Say) -> None:
    say(f"This is a stand-in for {stand_in.ledger_name}, not the real service: no account is needed, and nothing leaves this machine.")
    say(f"It runs inside this command, at {stand_in.url}.")
    if not is_new:
        say("It began anew with this command; the same documents were entered, and what Puntual wrote into them in earlier demos.")


def _connect(sample: Sample, stand_in: StandIn, day: date, say: Say) -> None:
    """Through the ledger's own consent where it has one, then the first look at the books."""
    desk = sample.desk_on(day)
    if desk.open_authorizer:
        made = connect(desk, stand_in.consent_given, "", "demo")
        say("  consent was asked on the stand-in's page, as in a browser, and given there")
        allowed = f", which allow {', '.join(made.scopes)}" if made.scopes else ""
        say(f"  tokens for the books {made.tenant_name or made.tenant_id}{allowed}; kept sealed, with the key in {stand_in.key_file}")
    with closing(desk.open_ledger()) as ledger:
        seller = ledger.check()
        say(f"  connected to the books of {seller.name} ({seller.currency})")
        read = sync(desk, ledger, day)
        say(f"  {read.documents} documents read that were new or had changed")
    for problem in read.problems:
        say(f"  {problem.where}: {problem.what}")


def _dispute(sample: Sample, numbers: Sequence[str], day: date, say: Say) -> None:
    """Say to Puntual which invoices are disputed, where the books have no place for that."""
    for number in numbers:
        target, _ = people.hold(sample.desk_on(day), HoldKind.DISPUTE, number, "", "not what was ordered", None, "demo", day)
        say(f"  dispute of {target}: these books have no mark for it, so it is said to Puntual")


def _run_on(sample: Sample, day: date) -> RunReport:
    return run(sample.desk_on(day), day, at_any_hour=True)


def _plan_on(sample: Sample, day: date) -> Plan:
    """The whole plan of the day, with why everything else is left alone."""
    desk = sample.desk_on(day)
    with closing(desk.open_ledger()) as ledger:
        sync(desk, ledger, day)
    return plan_of(desk, day, everything=True)


def _the_weeks_before(sample: Sample, as_of: date, say: Say) -> None:
    books = "the stand-in" if sample.stand_in else f"books in {sample.directory / 'books' / sample.company}"
    say(f"A sample company, {sample.policy.company.name}: {WEEKS_BEFORE} weekly runs up to {as_of}, on {books}.")
    for weeks in range(WEEKS_BEFORE, 0, -1):
        day = last_working_day(sample.policy, as_of - timedelta(weeks=weeks))
        report = _run_on(sample, day)
        say(f"  {day}: {_in_short(report)}")
        if weeks == 2:
            _what_customers_said(sample, day, as_of, say)


def _what_customers_said(sample: Sample, day: date, as_of: date, say: Say) -> None:
    desk = sample.desk_on(day)
    promised = as_of + timedelta(days=PROMISED_IN_DAYS)
    target, _ = people.hold(desk, HoldKind.PROMISE, PROMISED_INVOICE, "", "on the phone", promised, "demo", day)
    say(f"  {day}: promise to pay {target} by {promised}; it is not chased until then")
    target, _ = people.hold(desk, HoldKind.DISPUTE, DISPUTED_INVOICE, "", "the goods arrived damaged", None, "demo", day)
    say(f"  {day}: dispute of {target}; it is not chased until it is resolved")


def _in_short(report: RunReport) -> str:
    sent = report.acted.count(AttemptStatus.SENT)
    tasks = f", {report.acted.tasks} on the work list" if report.acted.tasks else ""
    waiting = f", {len(report.proposed)} waiting for approval" if report.proposed else ""
    days = report.written.expected
    expected = f" and {days} expected date{'s' * (days != 1)}" if days else ""
    made = len(report.charged.made)
    charged = f", {made} late charge{'s' * (made != 1)}" if made else ""
    return f"{sent} mails{tasks}{waiting}{charged}, {report.written.notes} notes{expected} in the books"


def _tell(sample: Sample, made: Plan, report: RunReport, before: set[Path], say: Say) -> None:
    say("")
    for line in as_lines(made):
        say(line)
    say("")
    mails = sample.mails()
    fresh = [path for path in mails if path not in before]
    say(f"Done today: {_in_short(report)}.")
    if report.written.trouble:
        say(f"The books did not take everything: {report.written.trouble}")
    say(f"{len(fresh)} mails are new in {sample.directory / sample.outbox}, {len(mails)} in all.")
    decided = [(answer, kept) for answer in charges(sample.desk_on(made.as_of), "", made.as_of) for kept in answer.decided]
    if fresh:
        _show(*_telling_most(fresh, [kept.document_number for _, kept in decided]), say)
    if sample.stand_in:
        _show_books(sample.stand_in, say)
    _show_charges(decided, say)


def _telling_most(paths: Sequence[Path], charged: Sequence[str]) -> tuple[Path, EmailMessage]:
    """The newest mail in which a late charge is itemised and which has a code to pay by; else the one that has one of them; else any."""
    mails = [(path, BytesParser(_class=EmailMessage, policy=default).parsebytes(path.read_bytes())) for path in paths]
    return max(mails, key=lambda mail: (any(number in _text_of(mail[1]) for number in charged), _has_picture(mail[1]), mail[0].name))


def _text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n").rstrip() if body else ""


def _has_picture(message: EmailMessage) -> bool:
    return any(part.get_content_maintype() == "image" for part in message.walk())


def _show(path: Path, message: EmailMessage, say: Say) -> None:
    rule = "-" * min(shutil.get_terminal_size().columns, 76)
    say(f"\nOne of them, {path}:\n{rule}")
    say(f"To: {message['To']}\nSubject: {message['Subject']}\n\n{_text_of(message)}\n{rule}")
    if _has_picture(message):
        say("Open it in a mail program: there it has a QR code to pay by, too.")


def _show_charges(decided: Sequence[tuple[ChargeAnswer, KeptCharge]], say: Say) -> None:
    """Every late charge so far, with its calculation; where each rate comes from is told by `puntual charges`."""
    if decided:
        say("\nCharged for lateness so far, as the policy says and the notices announced:")
    for answer, kept in decided:
        say(f"  {kept.document_number} on invoice {answer.label} of {answer.customer}, {kept.charged_on}")
        for line in kept.lines():
            say(f"    {line.partition(' [')[0]}")


def _show_books(stand_in: StandIn, say: Say) -> None:
    say(f"\nWhat stands on invoice {PROMISED_INVOICE} in the stand-in's books now:")
    for line in stand_in.left_in_the_books(PROMISED_INVOICE):
        say(f"  {line}")


def _end(sample: Sample, stand_in: StandIn, say: Say, *, serve: bool) -> None:
    """Say what becomes of the stand-in, and keep it up when that is wanted."""
    again = f"puntual demo --ledger {stand_in.ledger} --serve --dir {sample.directory}"
    if not serve:
        say("\nThe stand-in ended with this command: pages that the mails link to are not there, and commands that ask the books, as")
        say(f"`puntual run {sample.company}` does, find none. What Puntual knows still is. To keep it up: {again}")
        _what_next(sample, say)
        return
    say(f"\nThe stand-in goes on at {stand_in.url} until you press Ctrl-C here. Meanwhile, in another terminal:")
    if sample.desk_on(stand_in.clock.now().date()).vault is not None:
        say(f"  export PUNTUAL_KEYS=file:{stand_in.key_file.resolve()}".ljust(56) + "  the key that opens the tokens")
    _what_next(sample, say, is_up=True)
    stand_in.go_on()
    until_interrupted()
    say("The stand-in ended. What was written into its books is kept for the next time.")


def until_interrupted() -> None:
    """Wait for Ctrl-C, or for somebody to end the process."""
    ends = (signal.SIGINT, signal.SIGTERM)
    before, never = [signal.signal(end, signal.default_int_handler) for end in ends], Event()
    try:
        while not never.wait(_GLANCE_SECONDS):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        for end, handler in zip(ends, before, strict=True):
            signal.signal(end, handler)


def _what_next(sample: Sample, say: Say, *, is_up: bool = False) -> None:
    offline = " --no-sync" if sample.stand_in and not is_up else ""
    again = f" --ledger {sample.stand_in.ledger}" if sample.stand_in else ""
    say("\nTry next:")
    of_the_books = (
        (f"check {sample.company}", "whether the policy, the texts and the connection are in order"),
        (f"run {sample.company}", "look at the books, and do what is due now: nothing twice"),
    )
    commands = (
        *(of_the_books if is_up else ()),
        (f"plan {sample.company}{offline} --days 14", "what would happen in the next two weeks"),
        (f"why {sample.company} 25-0101", "why an invoice was chased, and what comes next"),
        *([(f"charges {sample.company}", "what being late costs, and where each number comes from")] if sample.policy.late_charges else []),
        (f"explain {sample.company}", "the policy in sentences"),
        (f"status {sample.company}", "what needs a person: approvals, calls, missing addresses"),
        (f"history {sample.company}", "everything that was done; puntual verify proves it"),
        *([] if is_up else [(f"demo{again}", "run again: nothing is sent twice")]),
    )
    width = max(len(command) for command, _ in commands) + len(str(sample.directory)) + len("  puntual  --dir  ")
    for command, does in commands:
        say(f"  puntual {command} --dir {sample.directory}".ljust(max(56, width)) + does)
