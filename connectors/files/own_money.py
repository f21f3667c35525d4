"""Credits and payments that we left in files of our own beside the exports, each used on one invoice. Pure.

Once the company has entered one in its own books, it has to count once: a row of the exports that cites it takes its place; where an export
says itself what is outstanding, the row counts until that figure falls by its amount. What is not clear is asked for: a person writes
`entered`, `open` (it is not in the company's books) or `void` (it was taken back) into the column `status`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from ...core.bookings import CreditMade, CreditWanted, PaymentReceived, PaymentRecorded, holds_mark
from ...core.errors import Refused
from ...core.money import Money
from ...core.receivables import CreditKind, DocumentStatus, Invoice
from .cells import CellProblem
from .charges import total_of
from .mapping import Source
from .own import Stored, amount_of, check_filled, day_of, is_entered, numbered, optional_amount, share, status_of, tax_of

CREDIT_COLUMNS = (
    "marker", "kind", "number", "date", "customer", "invoice", "amount", "tax", "currency", "text", "export_said", "status",
)  # fmt: skip
PAYMENT_COLUMNS = ("marker", "number", "date", "customer", "invoice", "amount", "currency", "reference", "export_said", "status")
_NEEDED = ("marker", "number", "date", "customer", "invoice", "amount", "currency")
Made = TypeVar("Made", CreditMade, PaymentRecorded)
_VOID, _CREDIT_NOTE = "void", "credit note"
_MOST_ROWS = 12


class Standing(StrEnum):
    """What a person says of a row: nothing, or that the company's own books have it not, or have it."""

    UNSAID = "unsaid"
    OPEN = "open"
    ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class OwnMoney:
    """A credit or payment of ours: on which invoice it is used, and what the export said was outstanding there when it was written (None:
    it did not say)."""

    source: Source
    invoice: str
    said: Decimal | None
    standing: Standing

    @property
    def amount(self) -> Decimal:
        """What it takes off the invoice."""
        return self.source.total.amount

    def is_in(self, source: Source) -> bool:
        """Whether a row of the exports is this one, entered by the company: by our number or mark, or by the provider's reference."""
        ours = self.source
        names = {name for name in (ours.id, ours.number, ours.reference) if name}
        return not names.isdisjoint((source.id, source.number)) or any(
            name in source.reference and holds_mark(source.reference, name) for name in names
        )


# --- the rows -----------------------------------------------------------------------------------------------------------------


def credit_row(
    credit: CreditWanted, document: Invoice, charge: Stored | None, there: Sequence[Stored], said: Money | None
) -> dict[str, str]:
    """The row of a credit. `charge` is the row of the document when that is a late charge of ours: one that nobody touched is made void
    by a credit of all of it, and a part bears its share of the tax."""
    is_void = charge is not None and credit.amount == document.outstanding == document.instalments[0].total
    return {
        "marker": credit.marker,
        "kind": _VOID if is_void else _CREDIT_NOTE,
        "number": document.number if is_void else numbered(_notes(there), document.id, document.number, "C"),
        "date": credit.dated_on.isoformat(),
        "customer": document.customer_id,
        "invoice": document.id,
        "amount": f"{credit.amount.amount:f}",
        "tax": _tax_in(credit, document.id, charge, there),
        "currency": credit.amount.currency,
        "text": credit.text if holds_mark(credit.text, document.number) else f"{credit.text} ({document.number})",
        "export_said": f"{said.amount:f}" if said else "",
        "status": "",
    }


def _notes(there: Iterable[Stored]) -> list[Stored]:
    return [row for row in there if row.get("kind") != _VOID]


def _tax_in(credit: CreditWanted, document_id: str, charge: Stored | None, there: Iterable[Stored]) -> str:
    """The share of a charge's tax; empty for an invoice of the company's, whose taxes the exports do not tell."""
    if charge is None:
        return ""
    earlier = (amount_of(row) for row in there if row.get("invoice") == document_id)
    before = sum(earlier, start=Money.zero(credit.amount.currency))
    return f"{share(tax_of(charge), total_of(charge), credit.amount, before).amount:f}"


def payment_row(payment: PaymentReceived, invoice: Invoice, there: Iterable[Stored], said: Money | None) -> dict[str, str]:
    """The row of a payment."""
    return {
        "marker": payment.marker,
        "number": numbered(there, invoice.id, invoice.number, "P"),
        "date": payment.received_on.isoformat(),
        "customer": invoice.customer_id,
        "invoice": invoice.id,
        "amount": f"{payment.amount.amount:f}",
        "currency": payment.amount.currency,
        "reference": payment.reference,
        "export_said": f"{said.amount:f}" if said else "",
        "status": "",
    }


def credit_in(row: Stored) -> CreditMade:
    """A credit that stands in the file, whatever became of it. Raises CellProblem."""
    is_void = row.get("kind") == _VOID
    return CreditMade(row["marker"], row["invoice" if is_void else "marker"], row["number"], amount_of(row), is_void)


def payment_in(row: Stored) -> PaymentRecorded:
    """A payment that stands in the file, whatever became of it. Raises CellProblem."""
    return PaymentRecorded(row["marker"], row["marker"], row["number"], amount_of(row))


def found_in(row: Stored, read: Callable[[Stored], Made]) -> Made | Refused:
    """What stands in the file; Refused when its row cannot be read any more."""
    try:
        check_filled(row, ("number", "invoice"))
        return read(row)
    except CellProblem as problem:
        return Refused(f"{row['marker']} stands in our file, and its row {problem}.", hint="Correct the row.")


def voids(row: Stored) -> str:
    """The late charge that the row makes void; empty when it is another credit, or a person took it back."""
    return row.get("invoice", "") if row.get("kind") == _VOID and not _is_taken_back(row) else ""


def _is_taken_back(row: Stored) -> bool:
    return not is_entered(row) and status_of(row) in (DocumentStatus.VOID, DocumentStatus.DELETED, DocumentStatus.DRAFT)


def own_money(row: Stored, kind: CreditKind, where: str) -> OwnMoney | None:
    """What a row of ours says; None when it makes a charge void or was taken back. Raises CellProblem."""
    check_filled(row, _NEEDED)
    if _is_taken_back(row) or row.get("kind") == _VOID:
        return None
    said = optional_amount(row, "export_said")
    standing = Standing.ENTERED if is_entered(row) else Standing.OPEN if status_of(row) else Standing.UNSAID
    source = Source(kind, row["marker"], row["number"], row["customer"], amount_of(row), day_of(row, "date"), row.get("reference", ""))
    source.where, source.is_own = where, True
    return OwnMoney(source, row["invoice"], said.amount if said else None, standing)


# --- what still counts --------------------------------------------------------------------------------------------------------


def still_counting(rows: Sequence[OwnMoney], said: Decimal) -> Decimal | None:
    """How much of these rows on one invoice is not yet in `said`, the export's figure of what is outstanding; None when nobody can tell.

    A row counts while the figure is the one under which it was written. When the figure fell by exactly the amount of some of the rows,
    those have been entered; which ones does not matter for what is left.
    """
    counting = [row.amount for row in rows if row.said == said or row.standing is Standing.OPEN]
    changed = [row for row in rows if row.said != said and row.standing is not Standing.OPEN]
    unclear = [row for row in changed if row.standing is Standing.UNSAID]
    if not unclear:
        return sum(counting, start=Decimal(0))
    before, amounts = unclear[0].said, [row.amount for row in unclear]
    if before is None or len(unclear) > _MOST_ROWS:
        return None
    fallen = before - said - sum(row.amount for row in changed if row.standing is Standing.ENTERED and row.said == before)
    return sum(counting + amounts, start=-fallen) if fallen in _sums(amounts) else None


def _sums(amounts: Sequence[Decimal]) -> set[Decimal]:
    """What any of these come to together."""
    found = {Decimal(0)}
    for amount in amounts:
        found |= {each + amount for each in found}
    return found
