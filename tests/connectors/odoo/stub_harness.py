"""The shared suite's harness over the stand-in of Odoo."""

from collections.abc import Sequence
from datetime import date, datetime, time
from html.parser import HTMLParser
from typing import Any

from harness import RETRY_AFTER, Books, SeededIds, SeenCharge, SeenCredit, SeenPayment
from loopback import LoopbackHarness
from puntual.connectors.odoo.connector import OdooConnector
from puntual.connectors.odoo.settings import OdooSettings
from puntual.connectors.odoo.stub import OdooStub, StubBooks
from puntual.core.money import Money
from puntual.core.port import Surroundings
from puntual.core.receivables import ContactRole, CreditKind, Customer, DocumentStatus, Invoice
from puntual.core.secret import Secret

API_KEY = "5f4dcc3b5aa765d61d8327deb882cf99aabbccdd"
CHARGE_ACCOUNT = "769000"
LATE_FEE = "Recargo por mora"
BARE = {"charge_tax": "", "payment_journal": ""}
LANGUAGES = {"": False, "es": "es_ES", "en": "en_US"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.text += "\n" if tag == "br" else ""


def plain(body: str) -> str:
    """HTML as a person reads it."""
    reader = _Reader()
    reader.feed(body)
    reader.close()
    return reader.text


def line_reference(line: int) -> str:
    """How the connector names a payment: Odoo's own notation for a reference to the line."""
    return f"account.move.line,{line}"


def line_of(reference: str) -> int:
    return int(reference.partition(",")[2])


class StubHarness(LoopbackHarness):
    """Books in the stand-in of one version."""

    bare = BARE

    def __init__(self, version: int = 18) -> None:
        super().__init__()
        self.books = StubBooks(version, now=self.now, api_key=API_KEY)
        self.server = OdooStub(self.books, retry_after=RETRY_AFTER)
        self._numbers: dict[str, str] = {}

    def settings(self, **changes: Any) -> OdooSettings:
        values = {
            "url": self.server.url,
            "database": self.books.database,
            "login": self.books.login,
            "api_key": Secret(API_KEY),
            "page_size": 3,
            "charge_account": CHARGE_ACCOUNT,
            "charge_tax": "21% S",
            "payment_journal": "BNK1",
        }
        return OdooSettings(**{**values, **changes})

    def connector(self, surroundings: Surroundings, **changes: Any) -> OdooConnector:
        return OdooConnector(self.settings(**changes), surroundings)

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    def seed(self, books: Books) -> SeededIds:
        ids = SeededIds({}, {}, {}, {}, {}, {})
        for customer in books.customers:
            self._add_customer(customer, ids)
        for invoice in books.invoices:
            self._add_invoice(invoice, ids)
        for paid in books.payments:
            partner, amount = int(ids.customers[paid.customer_id]), paid.amount
            line = self.books.add_payment(partner, amount.amount, on=paid.paid_on, currency=amount.currency)
            ids.payments[paid.id] = line_reference(line)  # type: ignore[index]
        for note in books.credit_notes:
            partner, part = int(ids.customers[note.customer_id]), (note.issued_on, note.total.amount)
            values: dict[str, Any] = {"currency": note.total.currency, "move_type": "out_refund"}
            ids.credit_notes[note.id] = str(self.books.add_invoice(partner, [part], issued_on=note.issued_on, **values))  # type: ignore[index]
        for use in books.allocations:
            source = (ids.payments if use.source_kind is CreditKind.PAYMENT else ids.credit_notes)[use.source_id]
            self._use(use.source_kind, source, ids.invoices[use.invoice_id], use.amount, use.allocated_on)
        for made in books.contacts_made:
            at = datetime.combine(made.made_on, time(12, 0))
            self.books.message(self.books.admin, move=int(ids.invoices[made.invoice_id]), at=at)
        return ids

    def _add_customer(self, customer: Customer, ids: SeededIds) -> None:
        values: dict[str, Any] = {"email": customer.email, "lang": LANGUAGES[customer.language], "country_code": customer.country}
        values |= {"tags": customer.groups, "is_company": customer.is_business}
        if customer.parent_id:
            values["parent_id"] = int(ids.customers[customer.parent_id])
        key = self.books.add_partner(customer.name, **values)
        ids.customers[customer.id] = str(key)  # type: ignore[index]
        for person in customer.contacts:
            kind = "invoice" if person.role is ContactRole.INVOICE else "contact"
            child = self.books.add_partner(person.name, email=person.email, type=kind, parent_id=key)
            ids.contacts[person.id] = str(child)  # type: ignore[index]

    def _add_invoice(self, invoice: Invoice, ids: SeededIds) -> None:
        partner = ids.contacts[invoice.contact_id] if invoice.contact_id else ids.customers[invoice.customer_id]
        parts = [(part.due_date, part.total.amount) for part in invoice.instalments]
        draft = invoice.status is DocumentStatus.DRAFT
        key = self.books.add_invoice(int(partner), parts, issued_on=invoice.issued_on, currency=invoice.currency, post=not draft)
        if invoice.status is DocumentStatus.VOID:
            self.books.cancel(key)
        if granted := invoice.early_discount:
            self.books.grant_discount(key, granted.last_on, granted.amount.amount)
        self.books.print_invoice(key)
        ids.invoices[invoice.id] = str(key)  # type: ignore[index]
        row = self.books.store.get("account.move", key)
        assert row is not None
        ids.numbers[invoice.id] = self._numbers[str(key)] = row["name"]  # type: ignore[index]

    def _use(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money, on: date) -> None:
        line = line_of(source_id) if kind is CreditKind.PAYMENT else self.books.term_lines(int(source_id))[0]["id"]
        self.books.use(int(invoice_id), line, amount.amount, on=on)

    def pay(self, invoice_id: str, amount: Money, paid_on: date) -> str:
        return line_reference(self.books.pay(int(invoice_id), amount.amount, on=paid_on))

    def allocate(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money) -> None:
        self._use(kind, source_id, invoice_id, amount, self.today)

    def unallocate(self, invoice_id: str) -> None:
        self.books.unreconcile(int(invoice_id))

    def void(self, invoice_id: str) -> None:
        self.books.cancel(int(invoice_id))

    def delete(self, invoice_id: str) -> None:
        self.books.unlink(int(invoice_id))

    def postpone(self, invoice_id: str, due_date: date) -> None:
        self.books.set_due_date(int(invoice_id), due_date)

    def set_address(self, customer_id: str, email: str) -> None:
        self.books.write_partner(int(customer_id), email=email)

    def lock_period(self, until: date) -> None:
        self.books.lock(until)

    def add_ledger_late_fee(self, invoice_id: str, amount: Money) -> str:
        self.books.add_line(int(invoice_id), LATE_FEE, amount.amount)
        return LATE_FEE

    def add_unknown_fields(self) -> None:
        for model in ("account.move", "account.move.line", "res.partner", "account.partial.reconcile"):
            self.books.store.extra_fields[model] = {"x_surprise": "?"}

    # --- what was left in the books -------------------------------------------------------------------------------------------

    def notes(self, invoice_id: str) -> Sequence[str]:
        bot = self.books.store.get("res.users", self.books.bot)
        assert bot is not None
        rows = self.books.store.by("mail.message", "res_id", int(invoice_id))
        return [plain(row["body"]) for row in rows if row["author_id"] == bot["partner_id"]]

    def tasks(self, invoice_id: str) -> Sequence[str]:
        rows = self.books.store.rows("mail.activity")
        return [f"{row['summary']}\n{plain(row['note'])}" for row in rows if row["res_id"] == int(invoice_id)]

    def charges(self, invoice_id: str) -> Sequence[SeenCharge]:
        """Documents that name the invoice as their origin; drafts, too."""
        number = self._numbers.get(invoice_id)
        moves = [row for row in self.books.store.rows("account.move") if number and row.get("invoice_origin") == number]
        return [self._seen(row) for row in moves if row["state"] != "cancel"]

    def _seen(self, row: Any) -> SeenCharge:
        text = "\n".join([*(text for text, _amount in self.lines(str(row["id"]))), row["ref"]])
        net, tax = (Money.of(row[field], self.books.currency_code(row)) for field in ("amount_untaxed", "amount_tax"))
        return SeenCharge(net, text, str(row["id"]), on_invoice=False, tax=tax)

    def credits(self, document_id: str) -> Sequence[SeenCredit]:
        rows = [row for row in self.books.store.rows("account.move") if row.get("reversed_entry_id") == int(document_id)]
        return [self._credit(row, document_id) for row in rows if row["state"] != "cancel"]

    def _credit(self, row: Any, document_id: str) -> SeenCredit:
        total, tax = (Money.of(row[field], self.books.currency_code(row)) for field in ("amount_total", "amount_tax"))
        text = "\n".join(text for text, _amount in self.lines(str(row["id"])))
        return SeenCredit(str(row["id"]), total, self._used(row["id"], document_id, total.currency), text, tax)

    def _used(self, source: int, document_id: str, currency: str) -> Money:
        """What of a credit note or payment, by its entry, is used on a document."""
        ours, owed = ({line["id"] for line in self.books.term_lines(move)} for move in (source, int(document_id)))
        partials = self.books.store.rows("account.partial.reconcile")
        used = [row for row in partials if row["credit_move_id"] in ours and row["debit_move_id"] in owed]
        return Money.of(sum(row["debit_amount_currency"] for row in used), currency)

    def recorded_payments(self, invoice_id: str) -> Sequence[SeenPayment]:
        found = []
        for row in self.books.store.rows("account.payment"):
            said, currency = row.get("memo") or row.get("ref"), self.books.currency_code(row)
            if f" {self._numbers[invoice_id]} " in said and row["state"] not in ("cancel", "canceled"):
                (line,) = self.books.term_lines(row["move_id"])
                used = self._used(row["move_id"], invoice_id, currency)
                found.append(SeenPayment(line_reference(line["id"]), Money.of(row["amount"], currency), row["date"], used, said))
        return found

    def lines(self, document_id: str) -> Sequence[tuple[str, Money]]:
        move = self.books.store.get("account.move", int(document_id))
        rows = self.books.store.by("account.move.line", "move_id", int(document_id))
        currency = self.books.currency_code(move) if move else ""
        return [(row["name"], Money.of(row["price_subtotal"], currency)) for row in rows if row["display_type"] == "product"]

    def secrets(self) -> Sequence[str]:
        return [API_KEY]
