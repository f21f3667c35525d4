"""Books in memory that a test may change at any moment, and a connector over them that can be told to fail."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from history.sample_books import TODAY, customer, eur, invoice
from puntual.core.bookings import (
    ChargeMade,
    CreditMade,
    CreditWanted,
    ExpectedPayment,
    LateCharge,
    Note,
    PaymentReceived,
    PaymentRecorded,
    Task,
)
from puntual.core.errors import Refused
from puntual.core.money import Money
from puntual.core.port import Capability, Cursor, LedgerConnector, Page, Recheck, creditable, recordable
from puntual.core.receivables import (
    Allocation,
    Company,
    CreditKind,
    CreditNote,
    Customer,
    DocumentStatus,
    Instalment,
    Invoice,
    Payment,
    UnappliedCredit,
)


@dataclass
class MemoryBooks:
    """The books themselves. `changed` is the order in which documents changed; `trouble` says which calls fail, and how; `expected` are the
    days on which invoices are expected to be paid, whoever put them there, and `told_days` what we asked for in this matter; `tax` is the
    share that is added to late charges that are taxed."""

    people: dict[str, Customer] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    credits: dict[str, CreditNote] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    expected: dict[str, date] = field(default_factory=dict)
    told_days: list[ExpectedPayment] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    knows_credits: bool = True
    changed: list[str] = field(default_factory=list)
    notes: dict[str, Note] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    charges: dict[str, tuple[LateCharge, ChargeMade]] = field(default_factory=dict)
    credited: dict[str, tuple[CreditWanted, CreditMade]] = field(default_factory=dict)
    received: dict[str, tuple[PaymentReceived, PaymentRecorded]] = field(default_factory=dict)
    tax: Decimal = Decimal(0)
    allocations: list[Allocation] = field(default_factory=list)
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

    def pay(self, key: str, amount: str = "", on: date | None = None) -> None:
        """A payment in full, or of so much, allocated at once. With its day, the books show it as what came in on that day."""
        part = self.invoices[key].instalments[0]
        rest = part.outstanding - eur(amount) if amount else eur("0")
        if on is not None:
            number = f"p{len(self.allocations)}"
            self.payments[number] = Payment(number, self.invoices[key].customer_id, on, part.outstanding - rest, eur("0"))
            self.allocations.append(Allocation(f"a{number}", key, number, CreditKind.PAYMENT, part.outstanding - rest, on))
            self.changed.append(number)
        status = DocumentStatus.OPEN if rest.is_positive else DocumentStatus.PAID
        self.change(key, instalments=(Instalment(1, part.due_date, part.total, rest),), status=status)

    def use(self, key: str, invoice_id: str, amount: Money, on: date, kind: CreditKind) -> None:
        """So much of a payment or credit note is used on an invoice, and with that day the books show it."""
        self.allocations.append(Allocation(f"u{len(self.allocations)}", invoice_id, key, kind, amount, on))
        part = self.invoices[invoice_id].instalments[0]
        rest = part.outstanding - amount
        status = DocumentStatus.OPEN if rest.is_positive else DocumentStatus.PAID
        self.changed.append(key)
        self.change(invoice_id, instalments=(replace(part, outstanding=rest),), status=status)

    def credit(self, key: str, owner: str, amount: str) -> None:
        """A credit note that is allocated to nothing."""
        self.credits[key] = CreditNote(key, f"R-{key}", owner, TODAY, eur(amount), eur(amount))
        self.changed.append(key)

    def unapplied(self, key: str, owner: str, amount: str) -> None:
        """Money that came in and was put on no invoice."""
        self.payments[key] = Payment(key, owner, TODAY, eur(amount), eur(amount))
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
        keys = [*self.books.invoices, *self.books.credits, *self.books.payments]
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
        paid = tuple(books.payments[key] for key in keys if key in books.payments)
        owners = dict.fromkeys([document.customer_id for document in (*told, *notes, *paid)])
        people = tuple(books.people[key] for key in owners)
        used = tuple(one for one in books.allocations if one.invoice_id in keys)
        more = {"allocations": used, "allocations_known_of": tuple(document.id for document in told)}
        return Page(
            Cursor("begin"), people, told, notes, paid, last_bank_entry_on=books.last_bank_entry_on, warnings=books.warnings, **more
        )

    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        self.books.before_recheck()
        self._call("recheck")
        found = tuple(self.books.invoices[key] for key in invoice_ids if key in self.books.invoices)
        owners = {document.customer_id for document in found}
        if not self.books.knows_credits:
            return Recheck(found, knows_credits=False)
        unapplied = [
            UnappliedCredit(note.id, note.customer_id, CreditKind.CREDIT_NOTE, note.remaining, note.number, note.issued_on)
            for note in self.books.credits.values()
        ]
        unapplied += [
            UnappliedCredit(paid.id, paid.customer_id, CreditKind.PAYMENT, paid.unapplied, dated_on=paid.paid_on)
            for paid in self.books.payments.values()
        ]
        return Recheck(found, tuple(one for one in unapplied if one.customer_id in owners and one.remaining.is_positive))

    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        self._call("find charges")
        return {one.marker: self.books.charges[one.marker][1] for one in charges if one.marker in self.books.charges}

    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        self._call("charges")
        if charge.invoice_id in self.books.refuses:
            raise Refused("The period is locked.")
        part, number = invoice.instalments[0], f"L-{len(self.books.charges) + 1}"
        on_invoice = charge.on_invoice and part.total == part.outstanding
        gross = charge.amount + Money.of(charge.amount.amount * self.books.tax * charge.is_taxed, charge.amount.currency)
        if on_invoice:
            whole = part.total + gross
            self.books.change(invoice.id, instalments=(Instalment(1, part.due_date, whole, whole),))
        else:
            owed = (Instalment(1, charge.due_on, gross, gross),)
            self.books.put(Invoice(number, number, charge.customer_id, charge.charged_on, owed, is_late_charge=True))
        made = ChargeMade(charge.marker, invoice.id if on_invoice else number, invoice.number if on_invoice else number, on_invoice, gross)
        self.books.charges[charge.marker] = (charge, made)
        self._call("answer")
        return made

    def _find_credits(self, wanted: Sequence[CreditWanted]) -> Mapping[str, CreditMade | Refused]:
        self._call("find credits")
        return {one.marker: self.books.credited[one.marker][1] for one in wanted if one.marker in self.books.credited}

    def _add_credit(self, credit: CreditWanted) -> CreditMade:
        self._call("credits")
        books, document = self.books, creditable(credit, self.books.invoices[credit.document_id])
        if credit.document_id in books.refuses:
            raise Refused("The period is locked.")
        part, number = document.instalments[0], f"N-{len(books.credited) + 1}"
        is_void = document.is_late_charge and part.total == part.outstanding == credit.amount
        if is_void:
            books.change(document.id, status=DocumentStatus.VOID)
        else:
            books.credits[number] = CreditNote(number, number, credit.customer_id, credit.dated_on, credit.amount, eur("0"))
            books.use(number, document.id, credit.amount, credit.dated_on, CreditKind.CREDIT_NOTE)
        made = CreditMade(credit.marker, *((document.id, document.number) if is_void else (number, number)), credit.amount, is_void)
        books.credited[credit.marker] = (credit, made)
        self._call("answer")
        return made

    def _find_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        self._call("find payments")
        return {one.marker: self.books.received[one.marker][1] for one in payments if one.marker in self.books.received}

    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        self._call("payments")
        books, number = self.books, f"B-{len(self.books.received) + 1}"
        recordable(payment, books.invoices.get(payment.invoice_id))
        if payment.invoice_id in books.refuses:
            raise Refused("No account is named for payments of Stripe.", hint="Name it in the policy.")
        books.payments[number] = Payment(number, payment.customer_id, payment.received_on, payment.amount, eur("0"), payment.reference)
        books.use(number, payment.invoice_id, payment.amount, payment.received_on, CreditKind.PAYMENT)
        books.received[payment.marker] = (payment, PaymentRecorded(payment.marker, number, number, payment.amount))
        self._call("answer")
        return books.received[payment.marker][1]

    def put_expected_payments(self, expected: Sequence[ExpectedPayment]) -> Collection[str]:
        self._call("expected")
        self.books.told_days += expected
        taken = [one for one in expected if one.invoice_id in self.books.invoices and one.invoice_id not in self.books.refuses]
        for one in taken:
            if one.expected_on is not None:
                self.books.expected[one.invoice_id] = one.expected_on
            elif one.ours is None or self.books.expected.get(one.invoice_id) in one.ours:
                self.books.expected.pop(one.invoice_id, None)
        self._call("answer")
        return [one.invoice_id for one in taken]

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
