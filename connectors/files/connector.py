"""The port over a folder of CSV books."""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import ClassVar
from zoneinfo import ZoneInfo

from ...core.bookings import (
    ChargeMade,
    CreditMade,
    CreditWanted,
    LateCharge,
    Note,
    PaymentReceived,
    PaymentRecorded,
    Task,
)
from ...core.errors import BooksUnreadable, LedgerUnavailable, PermissionMissing, Refused
from ...core.money import Money
from ...core.port import MAX_PAGE_DOCUMENTS, Capability, Cursor, LedgerConnector, Page, Recheck, Surroundings, creditable, recordable
from ...core.receivables import Company, CreditKind, CreditNote, DocumentStatus, Invoice, Payment, UnappliedCredit
from .books import OWN_PREFIX, BookFile, find_books, fingerprint, modified_on
from .charges import COLUMNS as _CHARGE_COLUMNS
from .charges import made_of, row_of, taxed
from .journal import Journal
from .own_money import CREDIT_COLUMNS, PAYMENT_COLUMNS, credit_in, credit_row, found_in, payment_in, payment_row
from .pages import NOT_READ_TO_THE_END, pages_of_pass
from .reading import OwnRows, Reading, Told
from .settings import FileSettings, FilesSettings

_CURSOR_FORM = 1
_AGE_OF_EXPORT = "export"
"""In place of the newest payment: the books date none, so they are as fresh as their file."""
_NOTE_COLUMNS = ("marker", "date", "customer", "invoice", "text")
_REPAIR = "Save it as CSV in UTF-8, with the columns that it had."
_TASK_COLUMNS = ("marker", "due", "customer", "invoice", "summary", "text", "invoices")


@dataclass(frozen=True, slots=True)
class _Position:
    """What a cursor holds: which books were read how, on which day, from which day on they say something else, and the newest payment."""

    books: str
    settings: str
    read_on: str
    changes_on: str = ""
    bank: str = ""
    form: int = _CURSOR_FORM

    def cursor(self) -> Cursor:
        return Cursor(json.dumps(asdict(self), separators=(",", ":")))

    @classmethod
    def of(cls, cursor: Cursor | None) -> "_Position | None":
        """None when nothing was read to the end yet, or by another version."""
        try:
            found = json.loads(cursor or "null")
            return cls(**found) if found and found.get("form") == _CURSOR_FORM else None
        except (ValueError, TypeError, AttributeError):
            return None

    def holds(self, books: str, settings: str, day: date) -> bool:
        """Whether the same files read today say the same."""
        same = (self.books, self.settings) == (books, settings)
        return same and self.read_on <= day.isoformat() and not (self.changes_on and self.changes_on <= day.isoformat())


@dataclass(slots=True)
class _Index:
    """The books in memory for rechecks, good for as long as the files and the day say the same."""

    position: _Position
    invoices: dict[str, Invoice] = field(default_factory=dict)
    credits: defaultdict[str, list[UnappliedCredit]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, Money] = field(default_factory=dict)
    entered_as: dict[str, str] = field(default_factory=dict)


def _last_bank_entry(bank: str, files: Sequence[BookFile], day: date) -> date | None:
    if bank != _AGE_OF_EXPORT:
        return date.fromisoformat(bank) if bank else None
    return min(max(modified_on(file.path) for file in files if file.kind == "invoices"), day)


class FilesConnector(LedgerConnector):
    """A folder of CSV books: exports are read and never written to; whatever we leave goes into files of our own."""

    name: ClassVar[str] = "files"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.NOTES,
            Capability.TASKS,
            Capability.INSTALMENTS,
            Capability.DO_NOT_CHASE,
            Capability.DISPUTES,
            Capability.LAST_BANK_ENTRY,
            Capability.LATE_CHARGES,
            Capability.CREDITS,
            Capability.RECORDED_PAYMENTS,
            Capability.EARLY_DISCOUNTS,
        }
    )
    page_documents: ClassVar[int] = MAX_PAGE_DOCUMENTS
    settings: FilesSettings

    def __init__(self, settings: FilesSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._folder = surroundings.base_dir / settings.folder
        self._notes = Journal(self._folder / (settings.notes_file or f"{OWN_PREFIX}notes.csv"), _NOTE_COLUMNS)
        self._tasks = Journal(self._folder / (settings.tasks_file or f"{OWN_PREFIX}tasks.csv"), _TASK_COLUMNS)
        self._charges = Journal(self._folder / (settings.charges_file or f"{OWN_PREFIX}charges.csv"), _CHARGE_COLUMNS, _REPAIR)
        self._credits = Journal(self._folder / (settings.credits_file or f"{OWN_PREFIX}credits.csv"), CREDIT_COLUMNS, _REPAIR)
        self._payments = Journal(self._folder / (settings.payments_file or f"{OWN_PREFIX}payments.csv"), PAYMENT_COLUMNS, _REPAIR)
        self._read_as = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:32]
        self._index: _Index | None = None

    def check(self) -> Company:
        """See that every file can be understood and that notes can be written. Raises BooksUnreadable, PermissionMissing."""
        self._reading(self._files(), self._today()).check()
        for journal in (self._notes, self._tasks, self._charges, self._credits, self._payments):
            target = journal.path if journal.path.exists() else journal.path.parent
            if not os.access(target, os.W_OK):
                raise PermissionMissing(f"{target} cannot be written", hint="What Puntual leaves is kept there; see to its rights.")
        company = self.surroundings.company
        return Company(id=company, name=self.settings.name or company, currency=self.settings.currency or "")

    # --- reading --------------------------------------------------------------------------------------------------------------

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """Nothing while files, settings and what the day makes of them are as they were; else a complete pass.

        A pass during which a file changed does not end: its last page leaves the cursor at the start, and the next reading begins anew.
        """
        files, day = self._files(), self._today()
        before = self._fingerprint(files)
        known = _Position.of(cursor)
        if cursor is not None and known and known.holds(before, self._read_as, day):
            yield Page(cursor, last_bank_entry_on=_last_bank_entry(known.bank, files, day))
            return
        try:
            reading = self._reading(files, day)
            yield from pages_of_pass(reading.told(), self.page_documents, lambda: self._end(reading, files, before))
        except BooksUnreadable:
            self._check_unchanged(files, before)
            raise

    def _end(self, reading: Reading, files: tuple[BookFile, ...], before: str) -> Page:
        if self._fingerprint(files) != before:
            return Page(NOT_READ_TO_THE_END)
        position = self._position(reading, before)
        return Page(position.cursor(), ends_pass=True, last_bank_entry_on=_last_bank_entry(position.bank, files, reading.day))

    def _position(self, reading: Reading, books: str) -> _Position:
        changes_on, bank = (on.isoformat() if on else "" for on in (reading.changes_on, reading.last_bank_entry_on))
        bank = bank if reading.dates_payments else _AGE_OF_EXPORT
        return _Position(books, self._read_as, reading.day.isoformat(), changes_on, bank)

    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        """The invoices as the files say now; the contents of the files decide whether what was read before still holds."""
        if not invoice_ids:
            return Recheck(())
        index = self._current_index()
        found = tuple(index.invoices[key] for key in dict.fromkeys(invoice_ids) if key in index.invoices)
        customers = dict.fromkeys(invoice.customer_id for invoice in found)
        return Recheck(found, tuple(credit for customer in customers for credit in index.credits.get(customer, ())))

    def _current_index(self) -> _Index:
        files, day = self._files(), self._today()
        before = self._fingerprint(files)
        if self._index and self._index.position.holds(before, self._read_as, day):
            return self._index
        try:
            index = _Index(_Position("", "", ""))
            reading = self._reading(files, day, index.said)
            for told in reading.told():
                _put(index, told)
        except BooksUnreadable:
            self._check_unchanged(files, before)
            raise
        self._check_unchanged(files, before)
        index.position, index.entered_as = self._position(reading, before), reading.entered_as
        self._index = index
        return index

    def close(self) -> None:
        """Forget what was read."""
        self._index = None

    def _files(self) -> tuple[BookFile, ...]:
        return find_books(self.settings, self._folder)

    def _reading(self, files: tuple[BookFile, ...], day: date, said: dict[str, Money] | None = None) -> Reading:
        names = (self._charges.path.name, self._credits.path.name, self._payments.path.name)
        own = OwnRows(self._charges.rows(), self._credits.rows(), self._payments.rows(), *names)
        return Reading(self.settings, files, day, own, said)

    def _fingerprint(self, files: tuple[BookFile, ...]) -> str:
        """Of the exports and of those of our own files that are read as documents, too."""
        own = {"charges": self._charges.path, "own credits": self._credits.path, "own payments": self._payments.path}
        there = (BookFile(kind, path, FileSettings(), path.name) for kind, path in own.items() if path.exists())
        return fingerprint((*files, *there))

    def _check_unchanged(self, files: tuple[BookFile, ...], before: str) -> None:
        """A file that is being written at the moment may look cut off or be half of each; that is nobody's fault."""
        if self._fingerprint(files) != before:
            raise LedgerUnavailable("The books changed while they were being read")

    def _today(self) -> date:
        return self.surroundings.now().astimezone(ZoneInfo(self.surroundings.time_zone)).date()

    # --- writing --------------------------------------------------------------------------------------------------------------

    def _find_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        there = self._notes.markers() if notes else frozenset()
        return {note.marker: note.marker for note in notes if note.marker in there}

    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        self._notes.add([_note_row(note) for note in notes])
        return {note.marker: note.marker for note in notes}

    def _find_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        there = self._tasks.markers() if tasks else frozenset()
        return {task.marker: task.marker for task in tasks if task.marker in there}

    def _add_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        self._tasks.add([_task_row(task) for task in tasks])
        return {task.marker: task.marker for task in tasks}

    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        wanted = {charge.marker for charge in charges}
        return {row["marker"]: made_of(row) for row in self._charges.rows() if row.get("marker") in wanted}

    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        """Always a document of its own: the exports are the company's."""
        tax = taxed(charge, self.settings.charge_tax_percent)
        row = row_of(charge, tax, self._charges.rows())
        self._charges.add([row])
        return ChargeMade(charge.marker, charge.marker, row["number"], False, charge.amount + tax)

    def _find_credits(self, wanted: Sequence[CreditWanted]) -> Mapping[str, CreditMade | Refused]:
        markers = {credit.marker for credit in wanted}
        return {row["marker"]: found_in(row, credit_in) for row in self._credits.rows() if row.get("marker") in markers}

    def _add_credit(self, credit: CreditWanted) -> CreditMade:
        """A charge of ours that the company entered in its own books is credited where it stands there."""
        index = self._current_index()
        key = index.entered_as.get(credit.document_id, credit.document_id)
        document = index.invoices.get(key)
        if document is None:
            raise Refused(f"Document {credit.document_number} is not in the books any more.")
        creditable(credit, document)
        charge = next((row for row in self._charges.rows() if row.get("marker") == key), None)
        row = credit_row(credit, document, charge, self._credits.rows(), index.said.get(key))
        self._credits.add([row])
        return credit_in(row)

    def _find_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        markers = {payment.marker for payment in payments}
        return {row["marker"]: found_in(row, payment_in) for row in self._payments.rows() if row.get("marker") in markers}

    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        if not self.settings.record_payments:
            raise Refused(
                f"The payment of {payment.amount} for invoice {payment.invoice_number} is not recorded beside the books.",
                hint="Set ledger.record_payments: true in the policy, or enter the payment in the books.",
            )
        index = self._current_index()
        key = index.entered_as.get(payment.invoice_id, payment.invoice_id)
        invoice = recordable(payment, index.invoices.get(key))
        row = payment_row(payment, invoice, self._payments.rows(), index.said.get(key))
        self._payments.add([row])
        return payment_in(row)


def _note_row(note: Note) -> dict[str, str]:
    return {
        "marker": note.marker,
        "date": note.written_on.isoformat(),
        "customer": note.customer_id,
        "invoice": note.invoice_id,
        "text": note.text,
    }


def _task_row(task: Task) -> dict[str, str]:
    return {
        "marker": task.marker,
        "due": task.due_on.isoformat(),
        "customer": task.customer_id,
        "invoice": task.invoice_id,
        "summary": task.summary,
        "text": task.text,
        "invoices": ", ".join(task.invoice_ids),
    }


# --- the index ----------------------------------------------------------------------------------------------------------------


def _put(index: _Index, told: Told) -> None:
    if isinstance(told, Invoice):
        index.invoices[told.id] = told
    elif isinstance(told, Payment) and told.unapplied.is_positive:
        credit = UnappliedCredit(told.id, told.customer_id, CreditKind.PAYMENT, told.unapplied, told.reference, told.paid_on)
        index.credits[told.customer_id].append(credit)
    elif isinstance(told, CreditNote) and told.remaining.is_positive and told.status is DocumentStatus.OPEN:
        credit = UnappliedCredit(told.id, told.customer_id, CreditKind.CREDIT_NOTE, told.remaining, told.number, told.issued_on)
        index.credits[told.customer_id].append(credit)
