"""Late charges as rows of a file of our own beside the exports, each a document that is read back as an invoice.

The file is added to and never rewritten. A person may fill in its column `status`: paid, or void for a charge that was taken back. Once the
company has entered a charge in its own books, the export's row counts in its place: it is known by the number or the mark of the charge.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from ...core.bookings import ChargeMade, LateCharge, our_marks
from ...core.errors import Refused
from ...core.money import Money
from ...core.receivables import DocumentStatus
from .cells import CellProblem
from .mapping import InvoiceFacts
from .words import STATUSES, plain

COLUMNS = ("marker", "number", "date", "due", "customer", "invoice", "amount", "currency", "text", "status")

Stored = Mapping[str, str]


def row_of(charge: LateCharge, there: Iterable[Stored]) -> dict[str, str]:
    """The row of a charge; its number counts the charges on its invoice."""
    ordinal = 1 + sum(row.get("invoice") == charge.invoice_id for row in there)
    return {
        "marker": charge.marker,
        "number": f"{charge.invoice_number}/L{ordinal}",
        "date": charge.charged_on.isoformat(),
        "due": charge.due_on.isoformat(),
        "customer": charge.customer_id,
        "invoice": charge.invoice_id,
        "amount": f"{charge.amount.amount:f}",
        "currency": charge.amount.currency,
        "text": "; ".join(line.text for line in charge.itemised),
        "status": "",
    }


def made_of(row: Stored) -> ChargeMade | Refused:
    """A charge that stands in the file, whatever became of it; Refused when its amount cannot be read any more."""
    try:
        return ChargeMade(row["marker"], row["marker"], row["number"], False, _amount(row))
    except (CellProblem, KeyError) as problem:
        return Refused(f"The late charge {row['marker']} stands in our file, and its row {problem}.")


def facts_of(row: Stored, where: str) -> InvoiceFacts:
    """What the row says, as an export's row of an invoice would. Raises CellProblem."""
    missing = [column for column in COLUMNS[:-2] if not row.get(column)]
    if missing:
        raise CellProblem(f"has no {', '.join(missing)}; fill it in")
    return InvoiceFacts(
        where=where,
        id=row["marker"],
        number=row["number"],
        customer=row["customer"],
        issued_on=_day(row, "date"),
        due_date=_day(row, "due"),
        total=_amount(row),
        outstanding=None,
        paid=None,
        settled=None,
        settled_on=None,
        status=_status(row.get("status", "")),
        is_credit=False,
        disputed="",
        disputed_until=None,
        do_not_chase="",
        contact="",
        reference="",
        page_url="",
        ordinal=None,
        tells_outstanding=False,
        tells_settlement=False,
    )


def names_of(facts: InvoiceFacts) -> Sequence[str]:
    """By what an export's invoice may be known as a charge of ours: its id, its number and the marks in its reference."""
    return (facts.id, facts.number, *our_marks(facts.reference))


def _amount(row: Stored) -> Money:
    try:
        return Money.of(row["amount"], row["currency"])
    except (ValueError, KeyError):
        problem = CellProblem(f"says the amount “{row.get('amount')} {row.get('currency')}”; write it as 1250.50 and EUR")
    raise problem


def _day(row: Stored, column: str) -> date:
    try:
        return date.fromisoformat(row[column])
    except ValueError:
        problem = CellProblem(f"says the {column} “{row[column][:20]}”; write it as 2026-03-18")
    raise problem


def _status(said: str) -> DocumentStatus | None:
    if not said.strip():
        return None
    meaning = STATUSES.get(plain(said))
    if meaning is None:
        raise CellProblem(f"the status “{said[:60]}” is not known; write paid or void, or leave it empty")
    return DocumentStatus(meaning)
