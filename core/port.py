"""What core asks of a ledger. An adapter derives from `LedgerConnector`, names its capabilities and fills in the names of its ledger;
the order of things is here, and every optional ability refuses by default."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, NewType

from .access import Authorization, CallMeter, Consent, TokenVault
from .bookings import ChargeMade, CreditMade, CreditWanted, ExpectedPayment, LateCharge, Note, PaymentReceived, PaymentRecorded, Task
from .errors import Refused, UnsupportedFeature
from .receivables import Allocation, Company, CreditNote, Customer, DocumentStatus, Invoice, LedgerContact, Payment, UnappliedCredit

Cursor = NewType("Cursor", str)
"""A read position in a ledger: opaque to core, durable, safe to repeat."""

MAX_PAGE_DOCUMENTS = 2000


class Capability(StrEnum):
    """An optional ability of a ledger. What is not declared raises UnsupportedFeature when asked for."""

    NOTES = "notes"
    TASKS = "tasks"
    INVOICE_PDF = "invoice_pdf"
    PAYMENT_PAGE = "payment_page"
    INSTALMENTS = "instalments"
    LEDGER_CONTACTS = "ledger_contacts"
    DO_NOT_CHASE = "do_not_chase"
    DISPUTES = "disputes"
    LAST_BANK_ENTRY = "last_bank_entry"
    LATE_CHARGES = "late_charges"
    EXPECTED_PAYMENTS = "expected_payments"
    CREDITS = "credits"
    RECORDED_PAYMENTS = "recorded_payments"
    EARLY_DISCOUNTS = "early_discounts"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Something in the books that could not be read, where it is, and who must do what. The rest of the books is read all the same."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Page:
    """A portion of changes. Core stores the rows and `cursor` in one transaction; the cursor is the place to go on after this page.

    A *complete pass* reads everything that is open: its first page has `starts_pass`, its last `ends_pass`; what core knows as open and
    was in no page of the pass is then gone from the ledger. Until `ends_pass` a crash may repeat the pass from its start.
    Invoices are reported in every status that matters: paid, void and deleted ones close their items, drafts are no open items.
    `allocations_known_of` names documents (invoices, payments, credit notes) all of whose allocations are on this page: what was known
    of them before and is not here was taken back.
    `deleted_ids` names invoices, payments and credit notes that are gone from the ledger, where it says nothing else of them.
    `warnings` are about the books as a whole and no row of them (the ledger sends reminders of its own, it charges late fees itself): full
    sentences that say what is the matter and who must do what, in words that stay the same as long as the matter does. They may come again
    in every run; people are told once. A complete pass tells all that hold: what none of its pages says any more is over.
    """

    cursor: Cursor
    customers: tuple[Customer, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    payments: tuple[Payment, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    contacts_made: tuple[LedgerContact, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    allocations_known_of: tuple[str, ...] = ()
    deleted_ids: tuple[str, ...] = ()
    starts_pass: bool = False
    ends_pass: bool = False
    last_bank_entry_on: date | None = None
    warnings: tuple[str, ...] = ()

    @property
    def tells_nothing(self) -> bool:
        """Whether no document or customer is on it, and it neither begins nor ends a complete pass."""
        documents = self.invoices or self.credit_notes or self.payments or self.allocations
        others = self.customers or self.contacts_made or self.allocations_known_of or self.deleted_ids
        return not (documents or others or self.starts_pass or self.ends_pass)


@dataclass(frozen=True, slots=True)
class Recheck:
    """The items as they are in the ledger now. An invoice that was asked for and is in neither field is gone.

    `credits` are all unallocated credits of the customers concerned, when `knows_credits` is true.
    """

    invoices: tuple[Invoice, ...]
    credits: tuple[UnappliedCredit, ...] = ()
    knows_credits: bool = True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a connector is given besides its settings. `now` is the one clock (aware UTC); `base_dir` is where relative paths of the
    settings start; `state_dir` is a folder of the company's own; `vault` and `meter` are there for connectors that need them."""

    company: str
    time_zone: str
    now: Callable[[], datetime]
    base_dir: Path
    state_dir: Path
    vault: TokenVault | None = None
    meter: CallMeter | None = None


class Authorizer(ABC):
    """How a person at the company lets us into the books, in a browser: OAuth 2.0, authorization code (RFC 6749 section 4.1)."""

    def __init__(self, settings: Any, surroundings: Surroundings) -> None:
        """`settings` is an instance of the settings model that plugin.yaml names for the connector."""
        self.settings = settings
        self.surroundings = surroundings

    @property
    @abstractmethod
    def redirect_uri(self) -> str:
        """Where the browser comes back to, as it is registered with the ledger. A loopback address is waited for by ourselves."""

    @abstractmethod
    def ask(self) -> Consent:
        """A new question, with a state and a verifier that nobody can guess."""

    @abstractmethod
    def answered(self, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        """What the person allowed, one for each set of books. `answer` is the query of the redirect.

        Raises CompanyMustAct when the person refused, when the state is not ours, and when the code is not accepted.
        """

    @abstractmethod
    def revoke(self, authorization: Authorization) -> None:
        """Give the permission back to the ledger. One that is gone already is no error."""

    def close(self) -> None:
        """Let go of connections."""


def chargeable(charge: LateCharge, invoice: Invoice | None) -> Invoice:
    """The invoice, when lateness may be charged on it as it is now. Raises Refused with the reason."""
    if invoice is None or invoice.status in (DocumentStatus.DELETED, DocumentStatus.VOID, DocumentStatus.DRAFT):
        raise Refused(f"Invoice {charge.invoice_number} is not owed any more.")
    if not charge.survives_payment and (invoice.status is DocumentStatus.PAID or not invoice.outstanding.is_positive):
        raise Refused(f"Invoice {charge.invoice_number} has been paid.")
    if invoice.is_late_charge:
        raise Refused(f"Invoice {charge.invoice_number} is a late charge itself.")
    if invoice.ledger_late_fee:
        raise Refused(
            f"Invoice {charge.invoice_number} bears a late fee that is not Puntual's ({invoice.ledger_late_fee}).",
            hint="Let only one of the two charge late fees: switch them off in the ledger, or in the policy.",
        )
    if invoice.currency != charge.amount.currency:
        raise Refused(f"Invoice {charge.invoice_number} is in {invoice.currency}, the charge in {charge.amount.currency}.")
    return invoice


def is_outdated(charge: LateCharge, invoice: Invoice | None) -> bool:
    """Whether the invoice is no longer what the charge was counted from: it is disputed now, or due on another day."""
    if invoice is None or charge.counted_from is None:
        return False
    return bool(invoice.disputed) or all(part.due_date != charge.counted_from for part in invoice.instalments)


def creditable(credit: CreditWanted, document: Invoice) -> Invoice:
    """The document, when the amount may be taken off it as it is now. Raises Refused with the reason."""
    if document.status in (DocumentStatus.DELETED, DocumentStatus.VOID, DocumentStatus.DRAFT):
        raise Refused(f"Document {credit.document_number} is not owed any more.")
    if document.status is DocumentStatus.PAID or not document.outstanding.is_positive:
        raise Refused(f"Document {credit.document_number} has been paid.", hint="Pay the customer back, or credit it by hand.")
    if document.currency != credit.amount.currency:
        raise Refused(f"Document {credit.document_number} is in {document.currency}, the credit in {credit.amount.currency}.")
    if not credit.amount.is_positive:
        raise Refused(f"A credit of {credit.amount} takes nothing off {credit.document_number}.")
    if document.outstanding < credit.amount:
        raise Refused(f"Only {document.outstanding} is outstanding on {credit.document_number}, less than the credit of {credit.amount}.")
    return document


def recordable(payment: PaymentReceived, invoice: Invoice | None) -> Invoice:
    """The invoice, when the payment may be used on it as it is now. Raises Refused with the reason."""
    if invoice is None or invoice.status in (DocumentStatus.DELETED, DocumentStatus.VOID, DocumentStatus.DRAFT):
        raise Refused(f"Invoice {payment.invoice_number} is not owed any more.", hint="Pay the customer back, or record it by hand.")
    if invoice.currency != payment.amount.currency:
        raise Refused(f"Invoice {payment.invoice_number} is in {invoice.currency}, the payment in {payment.amount.currency}.")
    if not payment.amount.is_positive:
        raise Refused(f"A payment of {payment.amount} is none.")
    if invoice.outstanding < payment.amount:
        said = f"Only {invoice.outstanding} is outstanding on invoice {payment.invoice_number}, and {payment.amount} came in."
        raise Refused(said, hint="It may stand in the books already, or have been paid twice: look, then record the rest by hand.")
    return invoice


class LedgerConnector(ABC):
    """The books, remote. All methods raise only errors of core.errors."""

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    _still_ours: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, settings: Any, surroundings: Surroundings) -> None:
        """`settings` is an instance of the settings model that plugin.yaml names for this connector."""
        self.settings = settings
        self.surroundings = surroundings

    def write_while(self, still_ours: Callable[[], None]) -> None:
        """From now on `still_ours` is called right before each entry that is written: what was looked for before may be long ago by then.
        It raises MustStop when another run may have taken the company."""
        self._still_ours = still_ours

    @abstractmethod
    def check(self) -> Company:
        """Connect, prove the rights that are needed, and say whose books these are. Raises PermissionMissing, AuthorizationExpired."""

    @abstractmethod
    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """Everything that changed since the cursor (None: everything that is open), in pages of at most MAX_PAGE_DOCUMENTS documents.

        At least one page is yielded. May repeat what is known; never skips. A customer comes with its first document or before. From a
        cursor in the middle of a reading it goes on there, and then tells what changed since that reading began.
        """

    def sweep(self) -> Iterator[Page]:
        """A complete pass, whatever the cursor says, to catch what no incremental reading shows (deletions, long imports)."""
        return self.changes(None)

    @abstractmethod
    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        """The invoices as they are now, read from the ledger itself and never from a cache; one batch."""

    def put_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        """Leave each note in the books exactly once: look for the markers first, then write what is missing.

        Returns the ledger's id of each note by marker; a note whose invoice is gone or was refused is missing from the answer.
        """
        self._require(Capability.NOTES)
        found = dict(self._find_notes(notes))
        missing = [note for note in notes if note.marker not in found]
        self._still_ours()
        return {**found, **(self._add_notes(missing) if missing else {})}

    def put_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        """Leave each task in the books exactly once, as put_notes does. Returns ids by marker."""
        self._require(Capability.TASKS)
        found = dict(self._find_tasks(tasks))
        missing = [task for task in tasks if task.marker not in found]
        self._still_ours()
        return {**found, **(self._add_tasks(missing) if missing else {})}

    def invoice_pdf(self, invoice_id: str) -> bytes:
        """The invoice as the ledger prints it. Raises Refused when there is none for this invoice."""
        raise self._unsupported(Capability.INVOICE_PDF)

    def payment_pages(self, invoice_ids: Sequence[str]) -> Mapping[str, str]:
        """The ledger's own page for each invoice, where the customer can see and pay it; made when missing."""
        raise self._unsupported(Capability.PAYMENT_PAGE)

    def put_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        """Leave each late charge in the books exactly once: look for the markers first, then write what is missing, one after the other.

        By marker: where it stands, or why it was refused. Nothing is charged on what is paid, void, gone, a charge itself, or bears a late
        fee that is not ours. One that is outdated is missing from the answer, and was not written.
        """
        self._require(Capability.LATE_CHARGES)
        if not charges:
            return {}
        answers: dict[str, ChargeMade | Refused] = dict(self._find_charges(charges))
        missing = list({charge.marker: charge for charge in charges if charge.marker not in answers}.values())
        if missing:
            seen = {invoice.id: invoice for invoice in self.recheck(list({charge.invoice_id for charge in missing})).invoices}
            for charge in missing:
                if not is_outdated(charge, seen.get(charge.invoice_id)):
                    answers[charge.marker] = self._charged(charge, seen.get(charge.invoice_id))
        return answers

    def find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        """Those of these late charges that stand in the books already, by marker; Refused where a person has to look. Writes nothing."""
        self._require(Capability.LATE_CHARGES)
        return dict(self._find_charges(charges)) if charges else {}

    def _charged(self, charge: LateCharge, invoice: Invoice | None) -> ChargeMade | Refused:
        self._still_ours()
        try:
            return self._add_charge(charge, chargeable(charge, invoice))
        except Refused as refused:
            return refused

    def put_credits(self, wanted: Sequence[CreditWanted]) -> Mapping[str, CreditMade | Refused]:
        """Take each amount off its document exactly once: look for the markers first, then credit what is missing, one after the other.

        By marker: how it was credited, or why it was refused. Nothing is credited beyond what is outstanding on the document.
        """
        self._require(Capability.CREDITS)
        if not wanted:
            return {}
        credits_by_marker = {credit.marker: credit for credit in wanted}
        found = self._find_credits(list(credits_by_marker.values()))
        return {marker: found.get(marker) or self._credited(credit) for marker, credit in credits_by_marker.items()}

    def _credited(self, credit: CreditWanted) -> CreditMade | Refused:
        self._still_ours()
        try:
            return self._add_credit(credit)
        except Refused as refused:
            return refused

    def put_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        """Record each payment, used on its invoice, exactly once: look for the markers first, then record what is missing.

        By marker: where it stands, or why it was refused. Nothing is recorded beyond what is outstanding on the invoice.
        """
        self._require(Capability.RECORDED_PAYMENTS)
        if not payments:
            return {}
        by_marker = {payment.marker: payment for payment in payments}
        found = self._find_payments(list(by_marker.values()))
        return {marker: found.get(marker) or self._recorded(payment) for marker, payment in by_marker.items()}

    def _recorded(self, payment: PaymentReceived) -> PaymentRecorded | Refused:
        self._still_ours()
        try:
            return self._add_payment(payment)
        except Refused as refused:
            return refused

    def put_expected_payments(self, expected: Sequence[ExpectedPayment]) -> Collection[str]:
        """Show in the books when each invoice is expected to be paid. Doing it again changes nothing. Returns the ids of the invoices where
        it stands now, or where a person's own day was left alone (`ours`); one that was refused is missing."""
        raise self._unsupported(Capability.EXPECTED_PAYMENTS)

    def close(self) -> None:
        """Let go of connections."""

    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        """The charges that stand in the books already, by marker; Refused where that is not clear and a person has to look."""
        raise self._unsupported(Capability.LATE_CHARGES)

    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        """Write one charge on an invoice that was read just now. Raises Refused."""
        raise self._unsupported(Capability.LATE_CHARGES)

    def _find_credits(self, wanted: Sequence[CreditWanted]) -> Mapping[str, CreditMade | Refused]:
        """The credits that stand in the books already, by marker. One that was begun and not used on its document yet is used on it now;
        Refused where that cannot be, or is not clear, and a person has to look."""
        raise self._unsupported(Capability.CREDITS)

    def _add_credit(self, credit: CreditWanted) -> CreditMade:
        """Credit a document, which is read right before and has to be `creditable`. Raises Refused."""
        raise self._unsupported(Capability.CREDITS)

    def _find_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        """The payments that stand in the books already, by marker; Refused where that is not clear and a person has to look."""
        raise self._unsupported(Capability.RECORDED_PAYMENTS)

    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        """Record a payment on its invoice, which is read right before and has to be `recordable`. Raises Refused."""
        raise self._unsupported(Capability.RECORDED_PAYMENTS)

    def _find_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        raise self._unsupported(Capability.NOTES)

    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        raise self._unsupported(Capability.NOTES)

    def _find_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        raise self._unsupported(Capability.TASKS)

    def _add_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        raise self._unsupported(Capability.TASKS)

    def _require(self, capability: Capability) -> None:
        if capability not in self.capabilities:
            raise self._unsupported(capability)

    def _unsupported(self, capability: Capability) -> UnsupportedFeature:
        return UnsupportedFeature(f"The ledger {self.name!r} has no {capability.value.replace('_', ' ')}.")
