"""Late charges as rows of a file of our own beside the exports, each a document that is read back as an invoice.

The file is added to and never rewritten. A person may fill in its column `status`: paid, or void for a charge that was taken back. Once the
company has entered a charge in its own books, the export's row counts in its place: it is known by the number or the mark of the charge.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ...core.bookings import ChargeMade, LateCharge, our_marks
from ...core.errors import Refused
from ...core.money import Money
from ...core.receivables import DocumentStatus
from .cells import CellProblem
from .mapping import InvoiceFacts
from .own import Stored, amount_of, check_filled, day_of, numbered, status_of, tax_of

COLUMNS = ("marker", "number", "date", "due", "customer", "invoice", "amount", "tax", "currency", "text", "status")
_NEEDED = ("marker", "number", "date", "due", "customer", "invoice", "amount", "currency")
_WHOLE = Decimal(100)


def taxed(charge: LateCharge, percent: Decimal | None) -> Money:
    """The tax on a charge. Raises Refused when it is due and no setting says how much."""
    if not charge.is_taxed:
        return Money.zero(charge.amount.currency)
    if percent is None:
        raise Refused(
            f"Tax is due on the late charge on invoice {charge.invoice_number}, and nothing says how much.",
            hint="Set ledger.charge_tax_percent in the policy: 21 for 21 %.",
        )
    return Money.of(charge.amount.amount * percent / _WHOLE, charge.amount.currency)


def row_of(charge: LateCharge, tax: Money, there: Iterable[Stored]) -> dict[str, str]:
    """The row of a charge; its number counts the charges on its invoice."""
    return {
        "marker": charge.marker,
        "number": numbered(there, charge.invoice_id, charge.invoice_number, "L"),
        "date": charge.charged_on.isoformat(),
        "due": charge.due_on.isoformat(),
        "customer": charge.customer_id,
        "invoice": charge.invoice_id,
        "amount": f"{charge.amount.amount:f}",
        "tax": f"{tax.amount:f}" if charge.is_taxed else "",
        "currency": charge.amount.currency,
        "text": "; ".join(line.text for line in charge.itemised),
        "status": "",
    }


def made_of(row: Stored) -> ChargeMade | Refused:
    """A charge that stands in the file, whatever became of it; Refused when its amount cannot be read any more."""
    try:
        return ChargeMade(row["marker"], row["marker"], row["number"], False, total_of(row))
    except (CellProblem, KeyError) as problem:
        return Refused(f"The late charge {row['marker']} stands in our file, and its row {problem}.")


def total_of(row: Stored) -> Money:
    """What a charge comes to, with its tax. Raises CellProblem."""
    return amount_of(row) + tax_of(row)


def facts_of(row: Stored, where: str, *, is_void: bool = False) -> InvoiceFacts:
    """What the row says, as an export's row of an invoice would; `is_void` when we took it back. Raises CellProblem."""
    check_filled(row, _NEEDED)
    return InvoiceFacts(
        where=where,
        id=row["marker"],
        number=row["number"],
        customer=row["customer"],
        issued_on=day_of(row, "date"),
        due_date=day_of(row, "due"),
        total=total_of(row),
        outstanding=None,
        paid=None,
        settled=None,
        settled_on=None,
        status=DocumentStatus.VOID if is_void else status_of(row),
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
