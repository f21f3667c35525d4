"""Books for the rules, in vocabulary words, and what core would know after hearing a connector."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from harness import Books, Harness, SeededIds
from puntual.core.bookings import CreditWanted, LateCharge, Note, PaymentReceived, Task
from puntual.core.errors import UnsupportedFeature
from puntual.core.money import Money
from puntual.core.port import Capability, Cursor, LedgerConnector, Page
from puntual.core.receivables import (
    Allocation,
    CreditKind,
    CreditNote,
    Customer,
    DocumentStatus,
    Instalment,
    Invoice,
    LedgerContact,
    OpenItem,
    Payment,
    open_items,
)


def able(connector: LedgerConnector, capability: Capability, use: Callable[[], object]) -> bool:
    """Whether the ledger has the ability; when it has not, its use is refused."""
    if capability in connector.capabilities:
        return True
    with pytest.raises(UnsupportedFeature):
        use()
    return False


def eur(text: str, currency: str = "EUR") -> Money:
    return Money.of(text, currency)


def a_customer(key: str = "c1", **changes: Any) -> Customer:
    return replace(Customer(id=key, name=f"Talleres {key.upper()} S.L.", email=f"{key}@example.com", country="ES"), **changes)


def an_invoice(
    key: str, total: str = "100.00", *, customer: str = "c1", paid: str = "0", currency: str = "EUR", due: date, **changes: Any
) -> Invoice:
    """One invoice with one due date, issued thirty days before it."""
    whole, rest = eur(total, currency), eur(total, currency) - eur(paid, currency)
    part = Instalment(1, due, whole, rest)
    status = DocumentStatus.OPEN if rest.is_positive else DocumentStatus.PAID
    made = Invoice(key, f"F-{key}", customer, due - timedelta(days=30), (part,), status)
    return replace(made, **changes)


def a_payment(key: str, amount: str, *, customer: str = "c1", unapplied: str = "0", on: date) -> Payment:
    return Payment(key, customer, on, eur(amount), eur(unapplied))


def a_credit_note(key: str, total: str, *, customer: str = "c1", remaining: str, on: date) -> CreditNote:
    return CreditNote(key, f"R-{key}", customer, on, eur(total), eur(remaining))


def an_allocation(invoice: str, source: str, amount: str, *, kind: CreditKind = CreditKind.PAYMENT, on: date) -> Allocation:
    return Allocation(f"{source}-{invoice}", invoice, source, kind, eur(amount), on)


def many_invoices(harness: Harness) -> Books:
    """Enough open invoices for more than two pages, each with an amount of its own."""
    due = harness.today - timedelta(days=10)
    return Books((a_customer(),), tuple(an_invoice(f"m{n}", f"{n + 1}.25", due=due) for n in range(harness.many)))


def one_invoice(harness: Harness, total: str = "100.00", **changes: Any) -> Books:
    """One customer with one open invoice `i1`, ten days overdue."""
    return Books((a_customer(),), (an_invoice("i1", total, due=harness.today - timedelta(days=10), **changes),))


def a_note(ids: SeededIds, harness: Harness, marker: str = "PUNTUAL-1a2b", *, invoice: str = "i1", text: str = "") -> Note:
    return Note(marker, ids.invoices[invoice], ids.customers["c1"], text or f"Recordatorio enviado. [{marker}]", harness.today)


def a_task(ids: SeededIds, harness: Harness, marker: str = "PUNTUAL-9z8y") -> Task:
    invoice = ids.invoices["i1"]
    return Task(marker, invoice, ids.customers["c1"], "Llamar a Talleres", f"Debe 100,00 €.\n[{marker}]", harness.today, (invoice,))


def a_charge(
    ids: SeededIds,
    harness: Harness,
    marker: str = "PUNTUAL-7c8d",
    *,
    invoice: str = "i1",
    customer: str = "c1",
    amount: str | Money = "7.25",
    text: str = "Interés de demora «30 días» & 2,5 %",
    on_invoice: bool = False,
    is_taxed: bool = False,
) -> LateCharge:
    """A late charge of today on an invoice that was seeded, due in thirty days."""
    money = eur(amount) if isinstance(amount, str) else amount
    due_on = harness.today + timedelta(days=30)
    number, document, owing = ids.numbers[invoice], ids.invoices[invoice], ids.customers[customer]
    return LateCharge(marker, document, number, owing, money, text, harness.today, due_on, on_invoice, is_taxed=is_taxed)


def a_credit(
    ids: SeededIds,
    harness: Harness,
    marker: str = "PUNTUAL-5a6b",
    *,
    invoice: str = "i1",
    customer: str = "c1",
    amount: str | Money = "3.20",
    text: str = "Descuento por pronto pago «2 %» & gracias",
) -> CreditWanted:
    """A credit of today on an invoice that was seeded."""
    money = eur(amount) if isinstance(amount, str) else amount
    number, document, owing = ids.numbers[invoice], ids.invoices[invoice], ids.customers[customer]
    return CreditWanted(marker, document, number, owing, money, text, harness.today)


def money_in(
    ids: SeededIds,
    harness: Harness,
    marker: str = "PUNTUAL-3e4f",
    *,
    invoice: str = "i1",
    customer: str = "c1",
    amount: str | Money = "25.00",
    days_ago: int = 0,
) -> PaymentReceived:
    """Money that came in on a provider's page for an invoice that was seeded."""
    money = eur(amount) if isinstance(amount, str) else amount
    received_on = harness.today - timedelta(days=days_ago)
    number, document, owing = ids.numbers[invoice], ids.invoices[invoice], ids.customers[customer]
    return PaymentReceived(marker, document, number, owing, money, received_on, f"pi_{marker[-4:]}_3MtwBw")


def lock(harness: Harness, days_ago: int) -> bool:
    """Whether the ledger locks periods; the books are closed up to that day."""
    try:
        harness.lock_period(harness.today - timedelta(days=days_ago))
    except UnsupportedFeature:
        return False
    return True


@dataclass
class Listener:
    """What core would know: it takes every page with its cursor, and after a complete pass forgets what the pass did not name."""

    cursor: Cursor | None = None
    pages: list[Page] = field(default_factory=list)
    customers: dict[str, Customer] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    credit_notes: dict[str, CreditNote] = field(default_factory=dict)
    allocations: dict[str, Allocation] = field(default_factory=dict)
    contacts_made: list[LedgerContact] = field(default_factory=list)
    _in_pass: set[str] | None = None

    def sync(self, connector: LedgerConnector) -> "Listener":
        return self.take(connector.changes(self.cursor))

    def sweep(self, connector: LedgerConnector) -> "Listener":
        return self.take(connector.sweep())

    def take(self, pages: Iterable[Page]) -> "Listener":
        for page in pages:
            self._take_one(page)
        return self

    def _take_one(self, page: Page) -> None:
        self.pages.append(page)
        self.customers |= {customer.id: customer for customer in page.customers}
        self.invoices |= {invoice.id: invoice for invoice in page.invoices}
        self.payments |= {payment.id: payment for payment in page.payments}
        self.credit_notes |= {note.id: note for note in page.credit_notes}
        for kept in (self.invoices, self.payments, self.credit_notes):
            for gone in page.deleted_ids:
                kept.pop(gone, None)  # type: ignore[attr-defined]
        whole = {*page.allocations_known_of, *page.deleted_ids}
        self.allocations = {key: used for key, used in self.allocations.items() if not whole & {used.invoice_id, used.source_id}}
        self.allocations |= {allocation.id: allocation for allocation in page.allocations}
        self.contacts_made += page.contacts_made
        self._follow_pass(page)
        self.cursor = page.cursor

    def _follow_pass(self, page: Page) -> None:
        if page.starts_pass:
            self._in_pass = set()
        if self._in_pass is None:
            return
        self._in_pass |= {invoice.id for invoice in page.invoices}
        if page.ends_pass:
            self.invoices = {key: invoice for key, invoice in self.invoices.items() if key in self._in_pass}
            self._in_pass = None

    def open(self, invoice_id: str) -> tuple[OpenItem, ...]:
        """The open items of one invoice, as core would know them."""
        return open_items(self.invoices[invoice_id]) if invoice_id in self.invoices else ()

    def owed(self, invoice_id: str) -> Money | None:
        """What is open on an invoice; None when nothing is."""
        items = self.open(invoice_id)
        return sum((item.outstanding for item in items[1:]), start=items[0].outstanding) if items else None

    def allocated(self, invoice_id: str) -> dict[str, Money]:
        """What was allocated to an invoice, by the payment or credit note; zero when it was taken back."""
        return {entry.source_id: entry.amount for entry in self.allocations.values() if entry.invoice_id == invoice_id}


def listen(harness: Harness) -> Listener:
    """What core would know after a first sync."""
    return Listener().sync(harness.new())
