"""What a connector supplies to the shared suite, in the words of core.receivables only.

A harness stands between the suite and one set of books: it seeds them as a bookkeeper would, changes them behind the connector's back,
breaks the wire, and looks at what was left in them. It talks to the ledger (or to its stand-in) itself and never through the connector.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from puntual.core.errors import UnsupportedFeature
from puntual.core.money import Money
from puntual.core.port import LedgerConnector
from puntual.core.receivables import Allocation, CreditKind, CreditNote, Customer, Invoice, LedgerContact, Payment

RETRY_AFTER = 1234
"""Seconds that a rate-limiting ledger asks for: too long for a connector to sit it out."""

UNUSED_ID = "999999999"
"""An id in the form of the ledger's own that no document has."""


class Fault(StrEnum):
    """How the wire or the ledger can fail. `RATE_LIMITED` answers 429 with `Retry-After: RETRY_AFTER`; `UNAUTHORIZED_ONCE` refuses one
    call, as when a token has expired, and takes the next; `UNAUTHORIZED` refuses all; `FORBIDDEN` knows the user, who lacks the right."""

    TIMEOUT = "timeout"
    RESET = "reset"
    INTERNAL_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    HTML_FOR_JSON = "html_for_json"
    HALF_BODY = "half_body"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED_ONCE = "unauthorized_once"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Books:
    """Books to be seeded. Ids are the test's own; `seed` says which ids the ledger gave.

    Statuses: DRAFT, OPEN, PAID and VOID. The amounts agree: what is outstanding is the total less the allocations, which fill instalments
    in the order of their due dates; `unapplied` and `remaining` are the amount less the allocations; an invoice that is PAID is allocated
    in full. An invoice with `early_discount` gets payment terms that grant it (its amount is the terms' percentage of the total, its last
    day their days after the day of issue); where the ledger knows none, UnsupportedFeature. Documents bear no tax. Allocations are in the
    currency of both documents. Contacts of a customer stand in `Customer.contacts`. Where the connector can charge on invoices, the total
    of each stands in two lines or more (one alone when it is too small), whose texts are the harness's own.
    """

    customers: tuple[Customer, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    payments: tuple[Payment, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    contacts_made: tuple[LedgerContact, ...] = ()


@dataclass(frozen=True, slots=True)
class SeededIds:
    """The ledger's id for each of the test's ids, and the number the ledger gave each invoice (by the test's id)."""

    customers: Mapping[str, str] = field(default_factory=dict)
    contacts: Mapping[str, str] = field(default_factory=dict)
    invoices: Mapping[str, str] = field(default_factory=dict)
    payments: Mapping[str, str] = field(default_factory=dict)
    credit_notes: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenCharge:
    """A late charge as a person sees it in the books: `amount` without tax, the document's id, whether it stands on the invoice itself.

    `text` is all that the customer reads about it: the line, and with a document of its own also its message or reference; `tax` is the tax
    that the books put on top of `amount`.
    """

    amount: Money
    text: str
    document_id: str
    on_invoice: bool
    tax: Money


@dataclass(frozen=True, slots=True)
class SeenCredit:
    """A credit note of ours as a person sees it in the books: its id, what it comes to with tax, what of it is used on the document, all
    that the customer reads on it, and the tax in `total`."""

    credit_id: str
    total: Money
    used: Money
    text: str
    tax: Money


@dataclass(frozen=True, slots=True)
class SeenPayment:
    """A payment of ours as a person sees it in the books: its id, what came in and when, what of it is used on the invoice, and all that
    the books say about it (memo, reference)."""

    payment_id: str
    amount: Money
    paid_on: date
    used: Money
    text: str


class Harness(ABC):
    """One set of books and the connector over it. All ids that are given and returned are the ledger's own, but for those in Books."""

    many: ClassVar[int]
    """How many invoices take more than two pages with the connectors that `new` makes (a small page keeps the suite fast)."""

    quality: ClassVar[Path | None] = None
    """Where the connector's quality.yaml is; None for one of Puntual's own."""

    today: ClassVar[date]
    """The day that the clock of `new` shows. Seeded documents are dated before it."""

    @abstractmethod
    def new(self, *, time_zone: str = "Europe/Madrid", is_bare: bool = False) -> LedgerConnector:
        """A fresh connector over the same books, with nothing in its memory. Its settings name everything that late charges, their tax (of
        10 % or more) and recorded payments need; with `is_bare` those of the tax and of the payments are left out."""

    def close(self) -> None:
        """Let go of servers and files."""

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    @abstractmethod
    def seed(self, books: Books) -> SeededIds:
        """Add these documents to the books."""

    @abstractmethod
    def pay(self, invoice_id: str, amount: Money, paid_on: date) -> str:
        """A payment of the invoice's customer, allocated to the invoice; what is more stays unapplied. Returns the payment's id."""

    @abstractmethod
    def allocate(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money) -> None:
        """Use an unapplied payment or credit note on an invoice; touches nothing but the allocation (the reconciliation)."""

    @abstractmethod
    def unallocate(self, invoice_id: str) -> None:
        """Take all allocations off the invoice: it is open again in full, and the payments are unapplied."""

    @abstractmethod
    def void(self, invoice_id: str) -> None:
        """Cancel an unpaid invoice; it stays in the books."""

    @abstractmethod
    def delete(self, invoice_id: str) -> None:
        """Remove an unpaid invoice from the books altogether."""

    @abstractmethod
    def postpone(self, invoice_id: str, due_date: date) -> None:
        """Give an invoice with one due date another one."""

    @abstractmethod
    def set_address(self, customer_id: str, email: str) -> None:
        """Change the customer's own e-mail address."""

    def dispute(self, invoice_id: str, reason: str) -> None:
        """Note in the books that the customer contests the invoice."""
        raise UnsupportedFeature("This ledger holds no disputes.")

    def do_not_chase(self, customer_id: str, reason: str) -> None:
        """Note in the books that the customer is not to be reminded."""
        raise UnsupportedFeature("This ledger holds no do-not-chase mark.")

    def lock_period(self, until: date) -> None:
        """Close the books up to and including this day: no document dated in it may change."""
        raise UnsupportedFeature("This ledger locks no period.")

    def add_ledger_late_fee(self, invoice_id: str, amount: Money) -> str:
        """The ledger itself (where it never does: a person) charges lateness on the invoice. Returns the name by which people see it."""
        raise UnsupportedFeature("This ledger charges no lateness itself.")

    @abstractmethod
    def add_unknown_fields(self) -> None:
        """From now on everything the ledger says of customers and documents carries fields that no connector has ever heard of."""

    # --- what was left in the books -------------------------------------------------------------------------------------------

    @abstractmethod
    def notes(self, invoice_id: str) -> Sequence[str]:
        """The texts of our notes on the invoice, as a person would read them in the ledger (plain text, lines kept)."""

    @abstractmethod
    def tasks(self, invoice_id: str) -> Sequence[str]:
        """Summary, newline, text of each of our tasks on the invoice."""

    def charges(self, invoice_id: str) -> Sequence[SeenCharge]:
        """Our late charges on an invoice, which may be gone: lines on it and documents of their own (void ones are left out)."""
        raise UnsupportedFeature("This ledger takes no late charges.")

    def credits(self, document_id: str) -> Sequence[SeenCredit]:
        """Our credit notes of the document's customer that are used on the document, or on nothing (void ones are left out)."""
        raise UnsupportedFeature("This ledger takes no credits.")

    def recorded_payments(self, invoice_id: str) -> Sequence[SeenPayment]:
        """Our payments that are used on the invoice, or were made for it and are used on nothing (void ones are left out)."""
        raise UnsupportedFeature("This ledger takes no payments.")

    def lines(self, document_id: str) -> Sequence[tuple[str, Money]]:
        """Text and amount (without tax) of each line of a document, in their order."""
        raise UnsupportedFeature("This ledger takes no late charges.")

    def expected_payment(self, invoice_id: str) -> date | None:
        """The day on which people see in the ledger that the invoice is expected to be paid."""
        raise UnsupportedFeature("This ledger shows no expected payments.")

    @abstractmethod
    def lose_next_answer(self) -> None:
        """The next write of any connector from `new` is done in the ledger, but its caller dies before it hears of it: the call raises."""

    # --- the wire -------------------------------------------------------------------------------------------------------------

    def break_wire(self, fault: Fault) -> None:
        """Every call fails like this until `mend_wire`; UNAUTHORIZED_ONCE only the next."""
        raise UnsupportedFeature("This ledger has no wire.")

    def mend_wire(self) -> None:
        """All is well again."""

    @abstractmethod
    def calls(self) -> int:
        """How many calls the ledger has had so far from connectors (for files: how often the books were read through)."""

    @abstractmethod
    def secrets(self) -> Sequence[str]:
        """Every secret that connectors from `new` hold (passwords, keys, tokens); none must ever be seen."""
