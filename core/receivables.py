"""The common model of receivables that every ledger is read into. Names are the field's standard terms; all values are frozen.

Ids are the ledger's own, as text. Dates are calendar days in the company's books; `*_at` would be an instant in UTC.
"""

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
class EarlyDiscount:
    """What a customer may deduct who pays all of an invoice on `last_on` or before: `amount`, with the tax in it."""

    last_on: date
    amount: Money


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
    early_discount: EarlyDiscount | None = None
    """What the ledger's own payment terms grant for paying early; only of an invoice with one instalment."""

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
    early_discount: EarlyDiscount | None = None

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
            early_discount=invoice.early_discount,
        )
        for part in invoice.instalments
        if part.outstanding.is_positive
    )
