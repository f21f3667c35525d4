"""What commands say of money that a run writes into the books: credits, payments, and what it did before something stopped it."""

from collections.abc import Collection, Iterable

from ..history.credits import CreditFor
from ..port import Capability
from ..worker.crediting import CreditReport, what_for
from ..worker.desk import Desk
from ..worker.discounting import DiscountReport
from ..worker.foresight import Foreseen
from ..worker.receiving import ReceiveReport
from ..worker.run import Begun
from ..worker.sync import SyncReport
from .common import say, warn


def say_warnings(warnings: Iterable[str]) -> None:
    """What a person should know besides."""
    for warning in warnings:
        warn(f"Please note: {warning}")


def say_unread(report: SyncReport) -> None:
    """What could not be read, and what the ledger warned of for the first time."""
    for problem in report.problems:
        warn(f"{problem.where}: {problem.what}")
    if report.problems:
        warn(f"{len(report.problems)} rows could not be read; the rest was.")
    say_warnings(report.warnings)


def say_begun(desk: Desk, begun: Begun) -> None:
    """What was done before the plan, when something stopped the run then."""
    say_unread(begun.synced)
    say_payments(begun.received)
    say_discounts(desk, begun.discounts, is_shadow=False)


def say_payments(report: ReceiveReport) -> None:
    """What became of payments that a provider told of."""
    for one in report.recorded:
        where = f"invoice {report.numbers.get(one.invoice_id, one.invoice_id)}, in the books as {one.recorded_number or one.recorded_id}"
        say(f"Recorded the payment of {one.amount} for {where}.")
    for one in report.refused:
        number = report.numbers.get(one.invoice_id, one.invoice_id)
        warn(f"The payment of {one.amount} for invoice {number} was not recorded: {one.detail} It is on the work list.")
    if report.trouble:
        warn(f"Payments that came in wait for the next run to be recorded: {report.trouble}")


def say_discounts(desk: Desk, report: DiscountReport, *, is_shadow: bool) -> None:
    """Which early-payment discounts were earned, and which are not owed after all."""
    if is_shadow and report.earned:
        count = len(report.earned)
        said = f"{count} early-payment discount{'s were' if count != 1 else ' was'} earned, nothing was credited"
        say(f"Mode is shadow: {said}. See with: puntual plan {desk.company}")
    for one in report.claimed:
        say(f"Earned: {one.amount} {what_for(one)}. It is not asked for any more.")
    for one in report.dropped:
        say(f"Not credited after all: {one.amount} {what_for(one)}")


def say_credits(desk: Desk, report: CreditReport) -> None:
    """What became of credits."""
    for one in report.made:
        how = f"{one.credit_number or one.document_number} was made void" if one.is_void else f"in the books as {one.credit_number}"
        say(f"Credited {one.amount} {what_for(one)}; {how}.")
    for one in report.refused:
        warn(f"The books did not take the credit of {one.amount} {what_for(one)}: {one.detail} It is on the work list.")
    for one in report.handed_over:
        warn(f"To be credited in the books by hand, on the work list: {one.amount} {what_for(one)}")
    for one in report.waiting:
        asked = f"puntual approve {desk.company} {one.id[:8]}"
        no = f", or: puntual waive {desk.company} {one.id[:8]} --reason …" if one.kind is CreditFor.DISCOUNT else ""
        say(f"Waits for approval: the credit of {one.amount} {what_for(one)}: {asked}{no}")
    if report.trouble:
        warn(f"What is to be credited waits for the next run: {report.trouble}")


def say_foreseen(foreseen: Foreseen, ledger: Collection[Capability]) -> None:
    """What a run would write into the books, after its plan."""
    lines = list(foreseen.lines(ledger))
    for line in lines:
        say(line)
    if lines:
        say()
