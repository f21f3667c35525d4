"""The shared suite's harness over the stand-in of Toy Books."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import puntual_toy
from harness import RETRY_AFTER, Books, SeededIds, SeenCharge, SeenPayment
from loopback import LoopbackHarness, MemoryVault
from puntual.core.access import Authorization
from puntual.core.bookings import our_marks
from puntual.core.errors import UnsupportedFeature
from puntual.core.money import Money
from puntual.core.port import Surroundings
from puntual.core.receivables import CreditKind, Customer, Invoice
from puntual.core.secret import Secret
from puntual_toy.connector import ToyConnector
from puntual_toy.settings import ToySettings
from toy_books import BANK, Row, ToyBooks

QUALITY = Path(puntual_toy.__file__).with_name("quality.yaml")


class ToyHarness(LoopbackHarness):
    """Books in the stand-in."""

    quality = QUALITY
    bare: ClassVar[dict[str, Any]] = {"charge_tax": "", "payment_account": ""}

    def __init__(self) -> None:
        super().__init__()
        self.server: ToyBooks = ToyBooks(self.now, retry_after=RETRY_AFTER)
        self.vault = self._connected()

    def _connected(self) -> MemoryVault:
        """What is kept when a person has allowed us in."""
        given, ends = self.server.grant(), self.now() + timedelta(days=1)
        return MemoryVault(Authorization(Secret(given["access_token"]), Secret(given["refresh_token"]), ends, given["books"]))

    def surroundings(self, time_zone: str = "Europe/Madrid") -> Surroundings:
        if self.vault.must_reconnect:
            self.vault = self._connected()
        return replace(super().surroundings(time_zone), vault=self.vault)

    def connector(self, surroundings: Surroundings, **changes: Any) -> ToyConnector:
        values = {"url": self.server.url, "client_id": "puntual", "page_size": 3, "charge_tax": "VAT 21", "payment_account": BANK}
        return ToyConnector(ToySettings(**{**values, **changes}), surroundings)

    def secrets(self) -> Sequence[str]:
        return self.server.tokens

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    def seed(self, books: Books) -> SeededIds:
        if books.contacts_made or any(len(invoice.instalments) > 1 for invoice in books.invoices):
            raise UnsupportedFeature("Toy Books knows no instalments, and nothing of what was said to customers.")
        ids = SeededIds({}, {}, {}, {}, {}, {})
        for customer in books.customers:
            self._add_customer(customer, ids)
        for invoice in books.invoices:
            self._add_invoice(invoice, ids)
        for paid in books.payments:
            key = ids.customers[paid.customer_id]
            ids.payments[paid.id] = self._add_money("payment", key, paid.amount, paid.paid_on)  # type: ignore[index]
        for note in books.credit_notes:
            key = ids.customers[note.customer_id]
            ids.credit_notes[note.id] = self._add_money("credit", key, note.total, note.issued_on)  # type: ignore[index]
        for used in books.allocations:
            source = {**ids.payments, **ids.credit_notes}[used.source_id]
            self.server.use(ids.invoices[used.invoice_id], source, used.amount.amount, used.allocated_on)
        return ids

    def _add_customer(self, customer: Customer, ids: SeededIds) -> None:
        people = [{"id": f"p-{one.id}", "name": one.name, "email": one.email, "role": str(one.role)} for one in customer.contacts]
        words = {"name": customer.name, "email": customer.email, "language": customer.language, "country": customer.country}
        parent = ids.customers[customer.parent_id] if customer.parent_id else ""
        ids.customers[customer.id] = self.server.add_customer(**words, parent=parent, people=people)  # type: ignore[index]
        ids.contacts.update({one.id: f"p-{one.id}" for one in customer.contacts})  # type: ignore[attr-defined]

    def _add_invoice(self, invoice: Invoice, ids: SeededIds) -> None:
        (part,) = invoice.instalments
        small = Money.from_minor(1, invoice.currency)
        parts = [("Trabajo", part.total - small), ("Portes", small)] if part.total > small else [("Trabajo", part.total)]
        lines = [{"text": text, "amount": money.amount} for text, money in parts]
        state = {"draft": "draft", "void": "void"}.get(invoice.status, "open")
        early = invoice.early_discount
        discount = {"until": str(early.last_on), "amount": early.amount.amount} if early else None
        values = {"due_date": str(part.due_date), "lines": lines, "state": state, "person": ids.contacts.get(invoice.contact_id, "")}
        values |= {"discount": discount}
        customer = ids.customers[invoice.customer_id]
        key = self.server.add_document("invoice", customer, invoice.currency, str(invoice.issued_on), **values)
        ids.invoices[invoice.id] = key  # type: ignore[index]
        ids.numbers[invoice.id] = self._row(key)["number"]  # type: ignore[index]

    def _add_money(self, kind: str, customer: str, amount: Money, on: date) -> str:
        return self.server.add_document(kind, customer, amount.currency, str(on), amount=amount.amount)

    def _row(self, key: str) -> Row:
        return self.server.documents[key]

    def pay(self, invoice_id: str, amount: Money, paid_on: date) -> str:
        key = self._add_money("payment", self._row(invoice_id)["customer"], amount, paid_on)
        self.server.use(invoice_id, key, min(amount.amount, self.server.rest(self._row(invoice_id))), paid_on)
        return key

    def allocate(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money) -> None:
        self.server.use(invoice_id, source_id, amount.amount, self.today)

    def unallocate(self, invoice_id: str) -> None:
        self.server.take_back(invoice_id)

    def void(self, invoice_id: str) -> None:
        self.server.change(invoice_id, state="void")

    def delete(self, invoice_id: str) -> None:
        self.server.change(invoice_id, state="deleted")

    def postpone(self, invoice_id: str, due_date: date) -> None:
        self.server.change(invoice_id, due_date=str(due_date))

    def set_address(self, customer_id: str, email: str) -> None:
        self.server.change_customer(customer_id, email=email)

    def lock_period(self, until: date) -> None:
        self.server.locked_until = str(until)

    def add_ledger_late_fee(self, invoice_id: str, amount: Money) -> str:
        self.server.change(invoice_id, lines=[*self._row(invoice_id)["lines"], {"text": "Late fee", "amount": amount.amount}])
        return "Late fee"

    def add_unknown_fields(self) -> None:
        self.server.surprise = {"x_surprise": "?"}

    # --- what was left in the books -------------------------------------------------------------------------------------------

    def notes(self, invoice_id: str) -> Sequence[str]:
        return [note["text"] for note in self.server.notes if note["invoice"] == invoice_id]

    def tasks(self, invoice_id: str) -> Sequence[str]:
        return []

    def charges(self, invoice_id: str) -> Sequence[SeenCharge]:
        row = self._row(invoice_id)
        lines = [line for line in row["lines"] if our_marks(line["text"])]
        on_it = [self._charge(row, [line], line["text"], on_invoice=True) for line in lines]
        documents = [row for row in self.server.documents.values() if our_marks(row["memo"]) and row["state"] == "open"]
        return [*on_it, *(self._document(each) for each in documents if f"invoice {row['number']} " in each["memo"])]

    def _document(self, row: Row) -> SeenCharge:
        text = "\n".join([*(line["text"] for line in row["lines"]), row["memo"]])
        return self._charge(row, row["lines"], text, on_invoice=False)

    def _charge(self, row: Row, lines: Sequence[Row], text: str, *, on_invoice: bool) -> SeenCharge:
        amount = sum((line["amount"] for line in lines), start=Decimal(0))
        whole = sum((self.server.with_tax(row, line) for line in lines), start=Decimal(0))
        tax = Money.of(whole - amount, row["currency"])
        return SeenCharge(Money.of(amount, row["currency"]), text, row["id"], on_invoice, tax)

    def recorded_payments(self, invoice_id: str) -> Sequence[SeenPayment]:
        marked = [row for row in self.server.documents.values() if row["kind"] == "payment" and our_marks(row["memo"])]
        used = {use["source"]: use["amount"] for use in self._row(invoice_id)["uses"]}
        return [self._payment(row, used.get(row["id"], Decimal(0))) for row in marked if row["id"] in used or not self._is_used(row)]

    def _is_used(self, row: Row) -> bool:
        return self.server.rest(row) < row["amount"]

    @staticmethod
    def _payment(row: Row, used: Decimal) -> SeenPayment:
        amount, taken = (Money.of(each, row["currency"]) for each in (row["amount"], used))
        return SeenPayment(row["id"], amount, date.fromisoformat(row["date"]), taken, row["memo"])

    def lines(self, document_id: str) -> Sequence[tuple[str, Money]]:
        row = self._row(document_id)
        return [(line["text"], Money.of(Decimal(line["amount"]), row["currency"])) for line in row["lines"]]

    def expected_payment(self, invoice_id: str) -> date | None:
        day = self._row(invoice_id)["expected"]
        return date.fromisoformat(day) if day else None
