"""What stands in the books: contacts, documents with their lines, payments and allocations, and the sums that follow from them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

ZERO = Decimal(0)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_THREE_PLACES = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

# Every status in which a document still counts for money.
COUNTS = frozenset({"AUTHORISED", "PAID"})


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To two places. Whether Xero keeps the third one of a dinar is not documented; here it does."""
    places = Decimal("0.001") if currency in _THREE_PLACES else Decimal("0.01")
    return amount.quantize(places, ROUND_HALF_UP)


@dataclass
class Person:
    """One of at most five people of a contact; they have no id."""

    first_name: str
    last_name: str = ""
    email: str = ""
    in_emails: bool = False


@dataclass
class Contact:
    """A customer or supplier."""

    id: str
    name: str
    email: str = ""
    people: list[Person] = field(default_factory=list)
    status: str = "ACTIVE"
    country: str = ""
    phone: str = ""
    groups: list[str] = field(default_factory=list)
    currency: str = ""
    account_number: str = ""
    merged_into: str = ""
    updated_at: datetime = _LONG_AGO


@dataclass
class Line:
    """A line of a document. `tax_amount` None: by the rate; `discount` in per cent."""

    id: str
    description: str
    quantity: Decimal = Decimal(1)
    unit_amount: Decimal = ZERO
    account: str = ""
    tax_type: str = "NONE"
    tax_amount: Decimal | None = None
    discount: Decimal = ZERO
    item: str = ""
    tracking: list[dict[str, Any]] = field(default_factory=list)

    def amount(self, currency: str) -> Decimal:
        """Quantity times price less discount."""
        return rounded(self.quantity * self.unit_amount * (1 - self.discount / 100), currency)


@dataclass
class Document:
    """An invoice, bill, credit note, overpayment or prepayment. `rates` are the tax rates by type, in per cent."""

    id: str
    type: str
    contact_id: str
    number: str
    date: date
    lines: list[Line]
    rates: dict[str, Decimal] = field(default_factory=dict, repr=False)
    currency: str = "EUR"
    currency_rate: Decimal = Decimal(1)
    status: str = "AUTHORISED"
    reference: str = ""
    line_amount_types: str = "NoTax"
    branding_theme: str = ""
    sent: bool = False
    updated_at: datetime = _LONG_AGO

    def tax_of(self, line: Line) -> Decimal:
        """The tax of one line, rounded by itself (developer.xero.com, rounding-in-xero)."""
        if self.line_amount_types == "NoTax":
            return ZERO
        if line.tax_amount is not None:
            return line.tax_amount
        rate = self.rates.get(line.tax_type, ZERO) / 100
        amount = line.amount(self.currency)
        return rounded(amount * rate / (1 + rate) if self.line_amount_types == "Inclusive" else amount * rate, self.currency)

    @property
    def tax(self) -> Decimal:
        """The sum of the taxes of the lines."""
        return sum((self.tax_of(line) for line in self.lines), ZERO)

    @property
    def subtotal(self) -> Decimal:
        """Without tax."""
        amounts = sum((line.amount(self.currency) for line in self.lines), ZERO)
        return amounts - self.tax if self.line_amount_types == "Inclusive" else amounts

    @property
    def total(self) -> Decimal:
        """With tax."""
        return self.subtotal + self.tax


@dataclass
class Invoice(Document):
    """A sales invoice (ACCREC) or a bill (ACCPAY). `automatic_tax`: a US invoice whose tax Xero works out itself; it cannot be edited."""

    due_date: date | None = None
    expected_on: date | None = None
    url: str = ""
    automatic_tax: bool = False


@dataclass
class Credit(Document):
    """A credit note, overpayment or prepayment; `kind` is the name of its endpoint."""

    kind: str = "CreditNotes"


@dataclass
class Allocation:
    """The use of a credit on an invoice."""

    id: str
    credit_id: str
    invoice_id: str
    amount: Decimal
    on: date


@dataclass
class Payment:
    """Money for an invoice, or paid back from a credit (then `credit_id`). DELETED it counts no more. `account_id` empty: the bank's."""

    id: str
    amount: Decimal
    on: date
    invoice_id: str = ""
    credit_id: str = ""
    reference: str = ""
    status: str = "AUTHORISED"
    batch_id: str = ""
    reconciled: bool = False
    account_id: str = ""
    updated_at: datetime = _LONG_AGO


@dataclass
class Account:
    """A line of the chart of accounts. `kind` is Xero's Class."""

    id: str
    code: str
    name: str
    type: str
    kind: str
    status: str = "ACTIVE"
    tax_type: str = "NONE"

    @property
    def payments_enabled(self) -> bool:
        """Whether payments may go into it though it is no bank's; here so of every current asset."""
        return self.type == "CURRENT"


@dataclass
class Record:
    """An entry in the history of a document; `user` is who."""

    what: str
    at: datetime
    user: str
    details: str


@dataclass
class Behaviour:
    """What is not documented, or differs from app to app: a connector has to bear either answer.

    `note_touches`: a note moves UpdatedDateUTC. `expected_on_part_paid`: ExpectedPaymentDate may be set where something is paid already.
    `since_is_inclusive`: If-Modified-Since brings what changed in that very instant, too. `lists_deleted`: rows of status DELETED come in
    lists. `summarizes`: what summarizeErrors is when it is not said. `date_strings`: DateString and DueDateString are there.
    `offset_dates`: dates of documents carry the organisation's offset, as those of locks do. `scope_status`: 401 or 403 for a missing
    scope. `allocation_touches_credit`: using a credit moves the UpdatedDateUTC of the credit, not only that of the invoice.
    """

    note_touches: bool = True
    expected_on_part_paid: bool = False
    since_is_inclusive: bool = False
    lists_deleted: bool = True
    summarizes: bool = True
    date_strings: bool = True
    offset_dates: bool = False
    scope_status: int = 401
    allocation_touches_credit: bool = True
