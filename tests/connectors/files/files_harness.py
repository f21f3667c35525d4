"""The shared suite's harness over a folder of CSV books, kept the way a bookkeeper's program would export them."""

import csv
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from harness import Books, Harness, SeededIds, SeenCharge, SeenCredit, SeenPayment
from puntual.connectors.files import books as books_module
from puntual.connectors.files import journal as journal_module
from puntual.connectors.files import table as table_module
from puntual.connectors.files.connector import FilesConnector
from puntual.connectors.files.settings import FilesSettings
from puntual.core.errors import UnsupportedFeature
from puntual.core.money import Money
from puntual.core.port import LedgerConnector, Surroundings
from puntual.core.receivables import Allocation, CreditKind, Customer, DocumentStatus, Instalment, Invoice, Payment


class SmallPages(FilesConnector):
    page_documents: ClassVar[int] = 4


class _DiedError(Exception):
    """The process is no more."""


class FilesHarness(Harness):
    many: ClassVar[int] = 10
    today: ClassVar[date] = date(2025, 11, 19)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.books = Books()
        self._extra: dict[str, str] = {}
        self._opened = 0
        self._patches = ExitStack()
        for module in (books_module, table_module):
            self._patches.enter_context(patch.object(module, "opened", self._counted(module.opened)))

    def close(self) -> None:
        self._patches.close()

    def _counted(self, opened: Callable[[Path], Any]) -> Callable[[Path], Any]:
        def count(path: Path) -> Any:
            self._opened += path.stem == "invoices"
            return opened(path)

        return count

    def new(self, *, time_zone: str = "Europe/Madrid", is_bare: bool = False) -> LedgerConnector:
        parts = max((len(invoice.instalments) for invoice in self.books.invoices), default=1)
        files = {"invoices": {"rows": "instalment" if parts > 1 else "invoice"}}
        noon = datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)
        surroundings = Surroundings("acme", time_zone, lambda: noon, self.folder.parent, self.folder.parent)
        settings: dict[str, Any] = {} if is_bare else {"charge_tax_percent": 21, "record_payments": True}
        return SmallPages(FilesSettings.model_validate({"folder": self.folder.name, "files": files, **settings}), surroundings)

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    def seed(self, books: Books) -> SeededIds:
        if books.contacts_made:
            raise UnsupportedFeature("CSV books hold no mails.")
        mine = self.books
        self._save(
            customers=mine.customers + books.customers,
            invoices=mine.invoices + books.invoices,
            payments=mine.payments + books.payments,
            credit_notes=mine.credit_notes + books.credit_notes,
            allocations=mine.allocations + books.allocations,
        )
        contacts = {contact.id: contact.id for customer in books.customers for contact in customer.contacts}
        return SeededIds(
            {customer.id: customer.id for customer in books.customers},
            contacts,
            {invoice.id: invoice.id for invoice in books.invoices},
            {payment.id: payment.id for payment in books.payments},
            {note.id: note.id for note in books.credit_notes},
            {invoice.id: invoice.number for invoice in books.invoices},
        )

    def pay(self, invoice_id: str, amount: Money, paid_on: date) -> str:
        customer = self._charge(invoice_id).get("customer") or self._invoice(invoice_id).customer_id
        key = f"pay-{len(self.books.payments)}"
        self._save(payments=(*self.books.payments, Payment(key, customer, paid_on, amount, amount)))
        self.allocate(CreditKind.PAYMENT, key, invoice_id, amount)
        return key

    def allocate(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money) -> None:
        made = Allocation(f"a{len(self.books.allocations)}", invoice_id, source_id, kind, amount, self.today)
        self._save(allocations=(*self.books.allocations, made))

    def unallocate(self, invoice_id: str) -> None:
        """Of a payment of ours a person says that it is none."""
        self._say_void("payments", "invoice", invoice_id)
        self._save(allocations=tuple(one for one in self.books.allocations if one.invoice_id != invoice_id))

    def void(self, invoice_id: str) -> None:
        if self._charge(invoice_id):
            self._say_void("charges", "marker", invoice_id)
        else:
            self._change(invoice_id, status=DocumentStatus.VOID)

    def _charge(self, document_id: str) -> dict[str, str]:
        return next((row for row in self._journal("charges") if row["marker"] == document_id), {})

    def _say_void(self, name: str, column: str, cell: str) -> None:
        """A person fills in the status of rows of ours, in a spreadsheet that saves with semicolons."""
        if not (rows := self._journal(name)):
            return
        rows = [row | {"status": "anulada"} if row[column] == cell else row for row in rows]
        with (self.folder / f"puntual-{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter=";")
            writer.writeheader()
            writer.writerows(rows)

    def delete(self, invoice_id: str) -> None:
        self._save(invoices=tuple(invoice for invoice in self.books.invoices if invoice.id != invoice_id))

    def postpone(self, invoice_id: str, due_date: date) -> None:
        (part,) = self._invoice(invoice_id).instalments
        self._change(invoice_id, instalments=(replace(part, due_date=due_date),))

    def set_address(self, customer_id: str, email: str) -> None:
        self._change_customer(customer_id, email=email)

    def dispute(self, invoice_id: str, reason: str) -> None:
        self._change(invoice_id, disputed=reason)

    def do_not_chase(self, customer_id: str, reason: str) -> None:
        self._change_customer(customer_id, do_not_chase=reason)

    def add_unknown_fields(self) -> None:
        self._extra = {"X_Sello": "ñ;\"'\n1.234,5", "#": "17"}
        self._save()

    def _invoice(self, invoice_id: str) -> Invoice:
        return next(invoice for invoice in self.books.invoices if invoice.id == invoice_id)

    def _change(self, invoice_id: str, **changes: Any) -> None:
        self._save(invoices=tuple(replace(one, **changes) if one.id == invoice_id else one for one in self.books.invoices))

    def _change_customer(self, customer_id: str, **changes: Any) -> None:
        self._save(customers=tuple(replace(one, **changes) if one.id == customer_id else one for one in self.books.customers))

    # --- the export -----------------------------------------------------------------------------------------------------------

    def _save(self, **changes: Any) -> None:
        self.books = replace(self.books, **changes)
        books = self.books
        self._write("customers", [_customer_row(customer) for customer in books.customers])
        self._write("contacts", [row for customer in books.customers for row in _contact_rows(customer)])
        self._write("invoices", [_invoice_row(invoice, part) for invoice in books.invoices for part in invoice.instalments])
        self._write("payments", [_payment_row(payment) for payment in books.payments] or [dict.fromkeys(_payment_row(_NO_PAYMENT), "")])
        rows = [
            {"Nº abono": note.id, "Cliente": note.customer_id, "Fecha": str(note.issued_on), "Importe": str(note.total.amount)}
            for note in books.credit_notes
        ]
        self._write("credit_notes", [row | {"Moneda": "EUR"} for row in rows])
        self._write("allocations", [_allocation_row(one) for one in books.allocations])

    def _write(self, name: str, rows: list[dict[str, str]]) -> None:
        path = self.folder / f"{name}.csv"
        if not rows:
            path.unlink(missing_ok=True)
            return
        with path.with_suffix(".new").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], *self._extra], delimiter=";")
            writer.writeheader()
            writer.writerows(row | self._extra for row in rows)
        path.with_suffix(".new").replace(path)

    # --- what was left in the books -------------------------------------------------------------------------------------------

    def notes(self, invoice_id: str) -> Sequence[str]:
        return [row["text"] for row in self._journal("notes") if row["invoice"] == invoice_id]

    def tasks(self, invoice_id: str) -> Sequence[str]:
        return [f"{row['summary']}\n{row['text']}" for row in self._journal("tasks") if row["invoice"] == invoice_id]

    def charges(self, invoice_id: str) -> Sequence[SeenCharge]:
        rows = [row for row in self._journal("charges") if row["invoice"] == invoice_id and not row["status"]]
        return [SeenCharge(_money(row), row["text"], row["marker"], on_invoice=False, tax=_money(row, "tax")) for row in rows]

    def credits(self, document_id: str) -> Sequence[SeenCredit]:
        """A credit is used on its document by its very row."""
        rows = [row for row in self._journal("credits") if row["invoice"] == document_id and not row["status"]]
        notes = [row for row in rows if row["kind"] == "credit note"]
        return [SeenCredit(row["marker"], _money(row), _money(row), row["text"], _money(row, "tax")) for row in notes]

    def recorded_payments(self, invoice_id: str) -> Sequence[SeenPayment]:
        rows = [row for row in self._journal("payments") if row["invoice"] == invoice_id and not row["status"]]
        return [SeenPayment(row["marker"], _money(row), date.fromisoformat(row["date"]), _money(row), row["reference"]) for row in rows]

    def lines(self, document_id: str) -> Sequence[tuple[str, Money]]:
        ours = [(row["text"], _money(row)) for row in self._journal("charges") if row["marker"] == document_id]
        return ours + [(part.number, part.instalments[0].total) for part in self.books.invoices if part.id == document_id]

    def _journal(self, name: str) -> list[dict[str, str]]:
        path = self.folder / f"puntual-{name}.csv"
        if not path.exists():
            return []
        text = path.read_text(encoding="utf-8-sig")
        return list(csv.DictReader(text.splitlines(keepends=True), delimiter=";" if ";" in text.partition("\n")[0] else ","))

    def lose_next_answer(self) -> None:
        dying = patch.object(journal_module.os, "fsync", side_effect=lambda _descriptor: (dying.stop(), _die()))
        dying.start()

    def calls(self) -> int:
        return self._opened

    def secrets(self) -> Sequence[str]:
        return ()


def _die() -> None:
    raise _DiedError


def _money(row: dict[str, str], column: str = "amount") -> Money:
    return Money.of(row[column] or "0", row["currency"])


_NO_PAYMENT = Payment("", "", date(2025, 1, 1), Money.zero("EUR"), Money.zero("EUR"))


def _customer_row(customer: Customer) -> dict[str, str]:
    return {
        "Código": customer.id,
        "Razón social": customer.name,
        "Correo": customer.email,
        "Idioma": customer.language,
        "País": customer.country,
        "Matriz": customer.parent_id,
        "No reclamar": customer.do_not_chase,
    }


def _contact_rows(customer: Customer) -> list[dict[str, str]]:
    return [
        {"id": person.id, "Cliente": customer.id, "Nombre": person.name, "Correo": person.email, "Rol": person.role.value}
        for person in customer.contacts
    ]


def _invoice_row(invoice: Invoice, part: Instalment) -> dict[str, str]:
    return {
        "Id": invoice.id,
        "Nº factura": invoice.number,
        "Cliente": invoice.customer_id,
        "Contacto": invoice.contact_id,
        "Fecha factura": str(invoice.issued_on),
        "Vencimiento": str(part.due_date),
        "Importe total": str(part.total.amount),
        "Moneda": part.total.currency,
        "Estado": {DocumentStatus.VOID: "Anulada", DocumentStatus.DRAFT: "Borrador"}.get(invoice.status, ""),
        "Disputa": invoice.disputed,
        "Pronto pago hasta": str(invoice.early_discount.last_on) if invoice.early_discount else "",
        "Descuento pronto pago": str(invoice.early_discount.amount.amount) if invoice.early_discount else "",
    }


def _payment_row(payment: Payment) -> dict[str, str]:
    return {
        "Nº cobro": payment.id,
        "Cliente": payment.customer_id,
        "Fecha": str(payment.paid_on),
        "Importe": str(payment.amount.amount),
        "Moneda": payment.amount.currency,
    }


def _allocation_row(allocation: Allocation) -> dict[str, str]:
    return {
        "Factura": allocation.invoice_id,
        "Origen": allocation.source_id,
        "Tipo": "abono" if allocation.source_kind is CreditKind.CREDIT_NOTE else "cobro",
        "Importe": str(allocation.amount.amount),
        "Moneda": allocation.amount.currency,
        "Fecha": str(allocation.allocated_on),
    }
