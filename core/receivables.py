"""The common model of receivables that every ledger is read into. Names are the field's standard terms; all values are frozen.

Ids are the ledger's own, as text. Dates are calendar days in the company's books; `*_at` would be an instant in UTC.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .money import Money

MAILTO = "mailto:"
"""Begins the contact of an invoice that the ledger addressed to a mailbox and not to a person it knows (RFC 6068)."""


class ContactRole(StrEnum):
    """What a person at the customer is for."""

    INVOICE = "invoice"
    ACCOUNTS_PAYABLE = "accounts_payable"
    ESCALATION = "escalation"
    GENERAL = "general"


class DocumentStatus(StrEnum):
    """The state of a document in the ledger. PAID was settled; VOID never was owed; DELETED is gone."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    DELETED = "deleted"


class CreditKind(StrEnum):
    """Where an unallocated credit comes from."""

    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Company:
    """The seller whose books these are, as the ledger names it."""

    id: str
    name: str
    country: str = ""
    currency: str = ""
    time_zone: str = ""
    ledger_version: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or mailbox at the customer. `language` is a tag such as `es` or `en-GB`, empty when unknown."""

    id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    role: ContactRole = ContactRole.GENERAL
    language: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who owes. `groups` are the ledger's tags; `procedure` is the customer's own dunning setting kept in the ledger;
    `do_not_chase` is the reason when the ledger itself says that this customer is not to be reminded."""

    id: str
    name: str
    email: str = ""
    phone: str = ""
    language: str = ""
    country: str = ""
    groups: tuple[str, ...] = ()
    parent_id: str = ""
    contacts: tuple[Contact, ...] = ()
    procedure: str = ""
    do_not_chase: str = ""
    is_business: bool = True
    version: str = ""


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of an invoice with its own due date; `ordinal` counts from 1. An invoice with one due date has exactly one."""

    ordinal: int
    due_date: date
    total: Money
    outstanding: Money


@dataclass(frozen=True, slots=True)
class Invoice:
    """A claim. `disputed` and `do_not_chase` hold the reason found in the ledger, empty when there is none;
    `contact_id` is whom the ledger addressed it to: a contact of the customer, or MAILTO and an address; `page_url` is the ledger's own
    page where it can be paid."""

    id: str
    number: str
    customer_id: str
    issued_on: date
    instalments: tuple[Instalment, ...]
    status: DocumentStatus = DocumentStatus.OPEN
    contact_id: str = ""
    reference: str = ""
    disputed: str = ""
    do_not_chase: str = ""
    page_url: str = ""
    settled_on: date | None = None
    version: str = ""
    is_late_charge: bool = False
    """A document of our own making that charges lateness; it is neither chased nor charged for being late itself."""
    ledger_late_fee: str = ""
    """How the line is called by which the ledger itself, or somebody else, charged lateness on this invoice; empty when there is none."""

    @property
    def currency(self) -> str:
        """ISO 4217 code; every instalment has the same."""
        return self.instalments[0].total.currency

    @property
    def outstanding(self) -> Money:
        """What is still owed on the whole invoice."""
        return sum((part.outstanding for part in self.instalments[1:]), start=self.instalments[0].outstanding)

    @property
    def due_date(self) -> date:
        """The last day on which any part becomes due."""
        return max(part.due_date for part in self.instalments)


def item_id(invoice_id: str, ordinal: int) -> str:
    """The id of the open item of one instalment."""
    return f"{invoice_id}/{ordinal}"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What can be dunned: an invoice, or one instalment `ordinal` of `instalment_count`."""

    id: str
    invoice_id: str
    number: str
    customer_id: str
    issued_on: date
    due_date: date
    total: Money
    outstanding: Money
    ordinal: int = 1
    instalment_count: int = 1
    contact_id: str = ""
    reference: str = ""
    disputed: str = ""
    do_not_chase: str = ""
    page_url: str = ""
    version: str = ""
    is_late_charge: bool = False

    def days_overdue(self, as_of: date) -> int:
        """Days from the due date to `as_of`; negative before it is due."""
        return (as_of - self.due_date).days


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A reduction. `remaining` is what has not been allocated to an invoice."""

    id: str
    number: str
    customer_id: str
    issued_on: date
    total: Money
    remaining: Money
    status: DocumentStatus = DocumentStatus.OPEN
    version: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """Cash received. `unapplied` is what has not been allocated to an invoice."""

    id: str
    customer_id: str
    paid_on: date
    amount: Money
    unapplied: Money
    reference: str = ""
    status: DocumentStatus = DocumentStatus.OPEN
    version: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """The use of a payment or credit note (`source_id`) on an invoice. A removed allocation comes with amount zero."""

    id: str
    invoice_id: str
    source_id: str
    source_kind: CreditKind
    amount: Money
    allocated_on: date


@dataclass(frozen=True, slots=True)
class UnappliedCredit:
    """The rest of a payment or credit note that is not allocated to any invoice."""

    id: str
    customer_id: str
    kind: CreditKind
    remaining: Money
    number: str = ""
    dated_on: date | None = None


@dataclass(frozen=True, slots=True)
class LedgerContact:
    """A contact with the customer that a person made and the ledger knows of: a mail sent by hand, a note of a call."""

    id: str
    customer_id: str
    made_on: date
    how: str
    invoice_id: str = ""


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
    """

    marker: str
    document_id: str
    document_number: str
    customer_id: str
    amount: Money
    text: str
    dated_on: date


@dataclass(frozen=True, slots=True)
class CreditMade:
    """How a document was credited: by the credit note `credit_id`, or by being made void (then `credit_id` is the document's own)."""

    marker: str
    credit_id: str
    number: str
    amount: Money
    is_void: bool = False


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


def open_items(invoice: Invoice) -> tuple[OpenItem, ...]:
    """The open items of an invoice: its instalments with something outstanding; none unless it is open."""
    if invoice.status is not DocumentStatus.OPEN:
        return ()
    count = len(invoice.instalments)
    return tuple(
        OpenItem(
            id=item_id(invoice.id, part.ordinal),
            invoice_id=invoice.id,
            number=invoice.number,
            customer_id=invoice.customer_id,
            issued_on=invoice.issued_on,
            due_date=part.due_date,
            total=part.total,
            outstanding=part.outstanding,
            ordinal=part.ordinal,
            instalment_count=count,
            contact_id=invoice.contact_id,
            reference=invoice.reference,
            disputed=invoice.disputed,
            do_not_chase=invoice.do_not_chase,
            page_url=invoice.page_url,
            version=invoice.version,
            is_late_charge=invoice.is_late_charge,
        )
        for part in invoice.instalments
        if part.outstanding.is_positive
    )
