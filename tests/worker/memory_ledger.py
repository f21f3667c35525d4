"""Books in memory that a test may change at any moment, and a connector over them that can be told to fail."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar

from history.sample_books import TODAY, customer, eur, invoice
from puntual.core.port import Capability, Cursor, LedgerConnector, Page, Recheck
from puntual.core.receivables import (
    Company,
    CreditKind,
    CreditNote,
    Customer,
    DocumentStatus,
    Instalment,
    Invoice,
    Note,
    Task,
    UnappliedCredit,
)


@dataclass
class MemoryBooks:
    """The books themselves. `changed` is the order in which documents changed; `trouble` says which calls fail, and how."""

    people: dict[str, Customer] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    credits: dict[str, CreditNote] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    notes: dict[str, Note] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    last_bank_entry_on: date | None = TODAY
    page_size: int = 2
    before_recheck: Callable[[], Any] = lambda: None
    capabilities: frozenset[Capability] = frozenset(Capability) - {Capability.INVOICE_PDF, Capability.PAYMENT_PAGE}

    def owe(self, key: str = "i1", owner: str = "c1", **more: Any) -> None:
        """A new invoice, and its customer when it is a new one."""
        self.people.setdefault(owner, customer(owner))
        self.put(invoice(key, owner, **more))

    def put(self, *documents: Invoice) -> None:
        for document in documents:
            self.invoices[document.id] = document
            self.changed.append(document.id)

    def change(self, key: str, **values: Any) -> None:
        self.put(replace(self.invoices[key], **values))

    def pay(self, key: str, amount: str = "") -> None:
        """A payment in full, or of so much, allocated at once."""
        part = self.invoices[key].instalments[0]
        rest = part.outstanding - eur(amount) if amount else eur("0")
        status = DocumentStatus.OPEN if rest.is_positive else DocumentStatus.PAID
        self.change(key, instalments=(Instalment(1, part.due_date, part.total, rest),), status=status)

    def credit(self, key: str, owner: str, amount: str) -> None:
        """A credit note that is allocated to nothing."""
        self.credits[key] = CreditNote(key, f"R-{key}", owner, TODAY, eur(amount), eur(amount))
        self.changed.append(key)

    def remove(self, key: str) -> None:
        """The document is gone without a trace in the changes; only a complete pass shows it."""
        del self.invoices[key]


class MemoryLedger(LedgerConnector):
    """The port over MemoryBooks: incremental by the number of the change, a complete pass in pages of `page_size`."""

    name: ClassVar[str] = "memory"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    def __init__(self, books: MemoryBooks) -> None:
        self.books = books
        self.capabilities = books.capabilities  # type: ignore[misc]

    def _call(self, name: str) -> None:
        self.books.calls.append(name)
        if name in self.books.trouble:
            raise self.books.trouble[name]

    def check(self) -> Company:
        self._call("check")
        return Company("acme", "Acme, S.L.", currency="EUR")

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        self._call("changes")
        if cursor is None or cursor == "begin":
            yield from self.sweep()
            return
        keys = dict.fromkeys(self.books.changed[int(cursor) :])
        yield replace(self._page(list(keys)), cursor=Cursor(str(len(self.books.changed))))

    def sweep(self) -> Iterator[Page]:
        keys = [*self.books.invoices, *self.books.credits]
        portions = [keys[start : start + self.books.page_size] for start in range(0, len(keys), self.books.page_size)] or [[]]
        end = Cursor(str(len(self.books.changed)))
        for number, portion in enumerate(portions):
            if number:
                self._call("later page")
            is_last = number == len(portions) - 1
            yield replace(self._page(portion), cursor=end if is_last else Cursor("begin"), starts_pass=number == 0, ends_pass=is_last)

    def _page(self, keys: Sequence[str]) -> Page:
        books = self.books
        told = tuple(books.invoices[key] for key in keys if key in books.invoices)
        notes = tuple(books.credits[key] for key in keys if key in books.credits)
        owners = dict.fromkeys([document.customer_id for document in (*told, *notes)])
        people = tuple(books.people[key] for key in owners)
        return Page(Cursor("begin"), people, told, notes, last_bank_entry_on=books.last_bank_entry_on)

    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        self.books.before_recheck()
        self._call("recheck")
        found = tuple(self.books.invoices[key] for key in invoice_ids if key in self.books.invoices)
        owners = {document.customer_id for document in found}
        unapplied = [
            UnappliedCredit(note.id, note.customer_id, CreditKind.CREDIT_NOTE, note.remaining, note.number, note.issued_on)
            for note in self.books.credits.values()
            if note.customer_id in owners and note.remaining.is_positive
        ]
        return Recheck(found, tuple(unapplied))

    def _find_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        return {note.marker: note.marker for note in notes if note.marker in self.books.notes}

    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        self._call("notes")
        taken = {note.marker: note for note in notes if note.invoice_id not in self.books.refuses}
        self.books.notes |= taken
        self.books.writes += list(taken)
        self._call("answer")
        return {marker: marker for marker in taken}

    def _find_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        return {task.marker: task.marker for task in tasks if task.marker in self.books.tasks}

    def _add_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        self._call("tasks")
        self.books.tasks |= {task.marker: task for task in tasks}
        self.books.writes += [task.marker for task in tasks]
        return {task.marker: task.marker for task in tasks}
