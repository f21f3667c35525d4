"""What Puntual leaves in the books: notes, tasks, late charges, credits, payments, expected days. All values are frozen.

Each bears a marker of ours, by which it is found again, so that nothing is left there twice.
"""

import re
from dataclasses import dataclass
from datetime import date

from .money import Money


@dataclass(frozen=True, slots=True)
class Note:
    """What we leave in the books on one invoice. `marker` makes it ours and findable; it stands in the text."""

    marker: str
    invoice_id: str
    customer_id: str
    text: str
    written_on: date


@dataclass(frozen=True, slots=True)
class Task:
    """Work for a person, kept in the ledger as an activity where it has those (a call to make)."""

    marker: str
    invoice_id: str
    customer_id: str
    summary: str
    text: str
    due_on: date
    invoice_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a late charge that itemises several. `amount` is without tax."""

    text: str
    amount: Money


@dataclass(frozen=True, slots=True)
class LateCharge:
    """Money for lateness that is to stand in the books, once. `amount` is without tax, in the currency of the invoice; `text` is what the
    customer reads and holds what the charge is for, without the marker, which the connector adds where it can be found again.

    `on_invoice`: as a line on the invoice itself where that is allowed (open, nothing paid, period not locked); else, and where it is not
    allowed, as a document of its own that cites `invoice_number`, dated `charged_on` and due on `due_on`.
    """

    marker: str
    invoice_id: str
    invoice_number: str
    customer_id: str
    amount: Money
    text: str
    charged_on: date
    due_on: date
    on_invoice: bool = False
    survives_payment: bool = False
    """Whether it may also be made when the invoice was paid meanwhile: then as a document of its own."""
    is_taxed: bool = False
    """Whether tax is due on it: as on what was sold, by the tax that the ledger's settings name for late charges. Else it bears none."""
    counted_from: date | None = None
    """The due date that it was counted from, where it is for one item: when the item has another one by now, it is counted anew."""
    lines: tuple[ChargeLine, ...] = ()
    """Of a charge that itemises several (a customer's charges of a month): its lines, which come to `amount`. Never on an invoice."""

    @property
    def itemised(self) -> tuple[ChargeLine, ...]:
        """The lines of a document of its own; that of a charge for one thing cites the invoice."""
        cites = "" if holds_mark(self.text, self.invoice_number) else f" ({self.invoice_number})"
        return self.lines or (ChargeLine(self.text + cites, self.amount),)


@dataclass(frozen=True, slots=True)
class ChargeMade:
    """A late charge as it stands in the books. `document_id` is the invoice itself when `on_invoice`, else the document of its own;
    `amount` is what the ledger says the charge comes to, with the tax that the ledger added."""

    marker: str
    document_id: str
    number: str
    on_invoice: bool
    amount: Money


@dataclass(frozen=True, slots=True)
class CreditWanted:
    """What is to be taken off a document in the books, once: a late charge that is reversed, an early-payment discount that was earned.

    `amount` is what the customer owes less by it, with tax. A document of ours that was never paid is made void where `amount` is its whole
    total; else a credit note is made and used on the document. `text` is what the customer reads; the marker is added by the connector.
    The credit note bears the taxes of the document, in proportion; where `charge_marker` names a late charge that is a line of the
    document, it bears that line's.
    """

    marker: str
    document_id: str
    document_number: str
    customer_id: str
    amount: Money
    text: str
    dated_on: date
    charge_marker: str = ""


@dataclass(frozen=True, slots=True)
class CreditMade:
    """How a document was credited: by the credit note `credit_id`, or by being made void (then `credit_id` is the document's own)."""

    marker: str
    credit_id: str
    number: str
    amount: Money
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class PaymentReceived:
    """Money for an invoice that came in where the ledger does not look: on a provider's pay page. It is to stand in the books, once, used
    on the invoice. `reference` is the provider's own id of the payment, by which people find it there."""

    marker: str
    invoice_id: str
    invoice_number: str
    customer_id: str
    amount: Money
    received_on: date
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentRecorded:
    """A payment as it stands in the books: the ledger's id of it, and how people call it there."""

    marker: str
    payment_id: str
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ExpectedPayment:
    """The day on which an invoice is expected to be paid, as the ledger shows it to people; None takes the day away.

    `ours` are the days that may stand there because we wrote them: only such a day is taken away, any other was put there by a person and
    stays, which counts as done. None: whatever stands there is taken away.
    """

    invoice_id: str
    expected_on: date | None
    ours: tuple[date, ...] | None = None


_OUR_MARK = re.compile(r"\[(puntual[:-][0-9a-z-]+)\]", re.IGNORECASE)


def our_marks(text: str) -> tuple[str, ...]:
    """The markers of ours in a text; they stand in square brackets."""
    return tuple(_OUR_MARK.findall(text))


def holds_mark(text: str, marker: str) -> bool:
    """Whether a text holds the marker itself, and not only a longer one that begins or ends like it."""
    return re.search(rf"(?<![\w-]){re.escape(marker)}(?![\w-])", text) is not None
