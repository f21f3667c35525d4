"""The shared suite's harness over a real Odoo server. It keeps the books as an administrator and takes away afterwards what it added.

The server is named by PUNTUAL_ODOO_URL, _DATABASE, _LOGIN and _API_KEY (the connector's user) and PUNTUAL_ODOO_ADMIN_LOGIN and
_ADMIN_PASSWORD (an accounting administrator who may make partners and fields). The company needs a chart of accounts with a bank journal,
the languages English and Spanish, the currencies EUR, USD, JPY and KWD, and an income account with the code of PUNTUAL_ODOO_CHARGE_ACCOUNT
(769000, as in Spain, when that is not set).
PUNTUAL_ODOO_CHARGE_TAX names the sales tax of late charges (`21% S` when that is not set).
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests
from harness import Books, Harness, SeededIds, SeenCharge, SeenCredit, SeenPayment
from odoo.stub_harness import BARE, LANGUAGES, LATE_FEE, line_of, line_reference, plain
from puntual.connectors.http import Answer
from puntual.connectors.odoo.connector import OdooConnector
from puntual.connectors.odoo.settings import OdooSettings
from puntual.core.errors import LedgerUnavailable
from puntual.core.money import Money
from puntual.core.port import Surroundings
from puntual.core.receivables import ContactRole, CreditKind, CreditNote, Customer, DocumentStatus, Invoice, Payment
from puntual.core.secret import Secret

NEEDED = tuple(f"PUNTUAL_ODOO_{name}" for name in ("URL", "DATABASE", "LOGIN", "API_KEY", "ADMIN_LOGIN", "ADMIN_PASSWORD"))
_SURPRISE = "x_puntual_surprise"


def missing_variables() -> list[str]:
    return [name for name in NEEDED if not os.environ.get(name)]


def _env(name: str) -> str:
    return os.environ[f"PUNTUAL_ODOO_{name}"]


class Bookkeeper:
    """An administrator at work over JSON-RPC, sharing nothing with the connector."""

    def __init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        self.version: dict[str, Any] = self._ask("common", "version")
        self._user = self._ask("common", "authenticate", _env("DATABASE"), _env("ADMIN_LOGIN"), _env("ADMIN_PASSWORD"), {})
        assert self._user, "the administrator's password is not accepted"

    def _ask(self, service: str, method: str, *arguments: Any) -> Any:
        call = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": {"service": service, "method": method, "args": arguments}}
        said = self._http.post(f"{_env('URL')}/jsonrpc", json=call, timeout=120).json()
        assert "error" not in said, (said["error"]["data"]["name"], said["error"]["data"]["message"])
        return said.get("result")

    def __call__(self, model: str, method: str, *positional: Any, **named: Any) -> Any:
        return self._ask(
            "object", "execute_kw", _env("DATABASE"), self._user, _env("ADMIN_PASSWORD"), model, method, list(positional), named
        )

    def find(self, model: str, domain: Sequence[Any], *fields: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self(model, "search_read", list(domain), list(fields), order="id", context={"active_test": False})
        return rows

    def close(self) -> None:
        self._http.close()


class LiveHarness(Harness):
    """A real server; small pages, and few documents besides those of the rule."""

    many = 6

    def __init__(self) -> None:
        self.ask = Bookkeeper()
        self._opened: list[OdooConnector] = []
        self._moves: list[int] = []
        self._payments: list[int] = []
        self._partners: list[int] = []
        self._fields: list[int] = []
        self.loses_answer = False
        self._bank = self.ask.find("account.journal", [["type", "=", "bank"]], "code")[0]
        self._numbers: dict[str, str] = {}
        self._locked = False
        self._currencies = {row["name"]: row["id"] for row in self.ask.find("res.currency", [], "name")}
        self._countries = {row["code"]: row["id"] for row in self.ask.find("res.country", [], "code")}
        self._bot = self.ask.find("res.users", [["login", "=", _env("LOGIN")]], "partner_id")[0]["partner_id"][0]

    @property
    def today(self) -> date:  # type: ignore[override]
        return datetime.now(ZoneInfo("Europe/Madrid")).date()

    def new(self, *, time_zone: str = "Europe/Madrid", is_bare: bool = False, **changes: Any) -> OdooConnector:
        values: dict[str, Any] = {
            "url": _env("URL"),
            "database": _env("DATABASE"),
            "login": _env("LOGIN"),
            "api_key": Secret(_env("API_KEY")),
            "page_size": 2,
            "overlap_minutes": 1,
            "charge_account": os.environ.get("PUNTUAL_ODOO_CHARGE_ACCOUNT", "769000"),
            "charge_tax": os.environ.get("PUNTUAL_ODOO_CHARGE_TAX", "21% S"),
            "payment_journal": self._bank["code"],
        }
        settings = OdooSettings(**{**values, **(BARE if is_bare else {}), **changes})
        surroundings = Surroundings("acme", time_zone, lambda: datetime.now(UTC), Path(), Path())
        self._opened.append(ObservedConnector(settings, surroundings, self))
        return self._opened[-1]

    def close(self) -> None:
        for connector in self._opened:
            connector.close()
        self._tidy_up()
        self.ask.close()

    def _tidy_up(self) -> None:
        if self._locked:
            self.ask("res.company", "write", [1], {"fiscalyear_lock_date": False})
        there = self.ask.find("account.move", ["|", ["id", "in", self._moves], *self._of_charges()], "state")
        for row in there:
            if row["state"] == "posted":
                self.ask("account.move", "button_draft", [row["id"]])
        if there:
            self.ask("account.move", "unlink", [row["id"] for row in there], context={"force_delete": True})
        for row in self.ask.find("account.payment", ["|", ["id", "in", self._payments], ["partner_id", "in", self._partners]], "name"):
            self.ask("account.payment", "action_draft", [row["id"]])
            self.ask("account.payment", "unlink", [row["id"]])
        try:
            self.ask("res.partner", "unlink", self._partners[::-1])
        except AssertionError:  # a form of a registered payment names the partner for an hour yet
            self.ask("res.partner", "write", self._partners, {"active": False})
        self.ask("ir.model.fields", "unlink", self._fields)

    def _of_charges(self) -> list[Any]:
        return ["&", ["partner_id", "in", self._partners], ["move_type", "in", ["out_invoice", "out_refund"]]]

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    def seed(self, books: Books) -> SeededIds:
        found: dict[str, dict[str, str]] = {name: {} for name in SeededIds.__slots__}
        for customer in books.customers:
            self._add_customer(customer, found)
        for invoice in books.invoices:
            self._add_invoice(invoice, found)
        for paid in books.payments:
            found["payments"][paid.id] = self._add_payment(int(found["customers"][paid.customer_id]), paid)
        for note in books.credit_notes:
            found["credit_notes"][note.id] = self._add_credit_note(int(found["customers"][note.customer_id]), note)
        for use in books.allocations:
            source = (found["payments"] if use.source_kind is CreditKind.PAYMENT else found["credit_notes"])[use.source_id]
            self.allocate(use.source_kind, source, found["invoices"][use.invoice_id], use.amount)
        for made in books.contacts_made:
            values = {"model": "account.move", "res_id": int(found["invoices"][made.invoice_id]), "body": "<p>Hola</p>"}
            values |= {"message_type": "comment", "date": f"{made.made_on} 12:00:00"}
            self.ask("mail.message", "create", [values])
        return SeededIds(**found)

    def _add_customer(self, customer: Customer, found: dict[str, dict[str, str]]) -> None:
        values = {"name": customer.name, "email": customer.email, "is_company": customer.is_business}
        values |= {"country_id": self._countries.get(customer.country, False)}
        if customer.language:
            values["lang"] = LANGUAGES[customer.language]
        if customer.parent_id:
            values["parent_id"] = int(found["customers"][customer.parent_id])
        key = self._add_partner(values)
        # Again, because Odoo gives a new child the address of its parent.
        self.ask("res.partner", "write", [key], {"country_id": values["country_id"]})
        found["customers"][customer.id] = str(key)
        for person in customer.contacts:
            kind = "invoice" if person.role is ContactRole.INVOICE else "contact"
            child = self._add_partner({"name": person.name, "email": person.email, "type": kind, "parent_id": key})
            found["contacts"][person.id] = str(child)

    def _add_partner(self, values: Mapping[str, Any]) -> int:
        key = int(self.ask("res.partner", "create", dict(values)))
        self._partners.append(key)
        return key

    def _add_invoice(self, invoice: Invoice, found: dict[str, dict[str, str]]) -> None:
        partner = found["contacts"][invoice.contact_id] if invoice.contact_id else found["customers"][invoice.customer_id]
        values: dict[str, Any] = {"invoice_payment_term_id": False, "invoice_date_due": str(invoice.due_date)}
        if len(invoice.instalments) > 1 or invoice.early_discount:
            values = {"invoice_payment_term_id": self._terms(invoice)}
        total = sum((part.total for part in invoice.instalments[1:]), start=invoice.instalments[0].total)
        key = self._add_move("out_invoice", int(partner), total, invoice.issued_on, values)
        if invoice.status is not DocumentStatus.DRAFT:
            self.ask("account.move", "action_post", [key])
        if invoice.status is DocumentStatus.VOID:
            self.void(str(key))
        found["invoices"][invoice.id] = str(key)
        number = self.ask.find("account.move", [["id", "=", key]], "name")[0]["name"]
        found["numbers"][invoice.id] = self._numbers[str(key)] = number

    def _add_move(self, move_type: str, partner: int, total: Money, issued_on: date, values: Mapping[str, Any]) -> int:
        # A tenth of ten times the price: Odoo rounds prices to two decimals, whatever the currency has.
        line = {"name": "Servicio", "quantity": 0.1, "price_unit": float(total.amount * 10), "tax_ids": [(6, 0, [])]}
        move = {
            "move_type": move_type,
            "partner_id": partner,
            "invoice_date": str(issued_on),
            "currency_id": self._currencies[total.currency],
        }
        key = int(self.ask("account.move", "create", {**move, **values, "invoice_line_ids": [(0, 0, line)]}))
        self._moves.append(key)
        return key

    def _terms(self, invoice: Invoice) -> int:
        total = sum(part.total.amount for part in invoice.instalments)
        lines = [
            {
                "value": "percent",
                "value_amount": float(part.total.amount * 100 / total),
                "nb_days": (part.due_date - invoice.issued_on).days,
            }
            for part in invoice.instalments
        ]
        terms: dict[str, Any] = {"name": "Plazos de prueba", "line_ids": [(0, 0, line) for line in lines]}
        if granted := invoice.early_discount:
            share = float(granted.amount.amount * 100 / total)
            terms |= {"early_discount": True, "discount_percentage": share, "discount_days": (granted.last_on - invoice.issued_on).days}
        return int(self.ask("account.payment.term", "create", terms))

    def _add_payment(self, partner: int, paid: Payment) -> str:
        values = {"payment_type": "inbound", "partner_type": "customer", "partner_id": partner, "journal_id": self._bank["id"]}
        values |= {"amount": float(paid.amount.amount), "date": str(paid.paid_on), "currency_id": self._currencies[paid.amount.currency]}
        key = int(self.ask("account.payment", "create", values))
        self._payments.append(key)
        self.ask("account.payment", "action_post", [key])
        move = self.ask.find("account.payment", [["id", "=", key]], "move_id")[0]["move_id"][0]
        return line_reference(self._receivable(move)[0])

    def _add_credit_note(self, partner: int, note: CreditNote) -> str:
        values = {"invoice_payment_term_id": False, "invoice_date_due": str(note.issued_on)}
        key = self._add_move("out_refund", partner, note.total, note.issued_on, values)
        self.ask("account.move", "action_post", [key])
        return str(key)

    def _receivable(self, move: int) -> list[int]:
        rows = self.ask.find("account.move.line", [["move_id", "=", move], ["account_type", "=", "asset_receivable"]], "id")
        return [row["id"] for row in rows]

    def pay(self, invoice_id: str, amount: Money, paid_on: date) -> str:
        customer = self.ask.find("account.move", [["id", "=", int(invoice_id)]], "commercial_partner_id")[0]["commercial_partner_id"][0]
        paid = self._add_payment(customer, Payment("", "", paid_on, amount, amount))
        self.allocate(CreditKind.PAYMENT, paid, invoice_id, amount)
        return paid

    def allocate(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money) -> None:
        line = line_of(source_id) if kind is CreditKind.PAYMENT else self._receivable(int(source_id))[0]
        self.ask("account.move", "js_assign_outstanding_line", [int(invoice_id)], line)

    def unallocate(self, invoice_id: str) -> None:
        self.ask("account.move.line", "remove_move_reconcile", self._receivable(int(invoice_id)))

    def void(self, invoice_id: str) -> None:
        self.ask("account.move", "button_draft", [int(invoice_id)])
        self.ask("account.move", "button_cancel", [int(invoice_id)])

    def delete(self, invoice_id: str) -> None:
        self.void(invoice_id)
        self.ask("account.move", "unlink", [int(invoice_id)], context={"force_delete": True})

    def postpone(self, invoice_id: str, due_date: date) -> None:
        self.ask("account.move", "write", [int(invoice_id)], {"invoice_date_due": str(due_date)})

    def set_address(self, customer_id: str, email: str) -> None:
        self.ask("res.partner", "write", [int(customer_id)], {"email": email})

    def add_unknown_fields(self) -> None:
        for model in ("account.move", "res.partner"):
            owner = self.ask.find("ir.model", [["model", "=", model]], "id")[0]["id"]
            field = {"name": _SURPRISE, "model_id": owner, "field_description": "Surprise", "ttype": "char"}
            self._fields.append(int(self.ask("ir.model.fields", "create", field)))

    def lock_period(self, until: date) -> None:
        self._locked = True
        self.ask("res.company", "write", [1], {"fiscalyear_lock_date": str(until)})

    def add_ledger_late_fee(self, invoice_id: str, amount: Money) -> str:
        line = {"name": LATE_FEE, "quantity": 1, "price_unit": float(amount.amount), "tax_ids": [(6, 0, [])]}
        self.ask("account.move", "button_draft", [int(invoice_id)])
        self.ask("account.move", "write", [int(invoice_id)], {"invoice_line_ids": [(0, 0, line)]})
        self.ask("account.move", "action_post", [int(invoice_id)])
        return LATE_FEE

    def print_invoice(self, invoice_id: str) -> None:
        """Make the legal PDF, as Send & Print does, without sending anything."""
        context = {"active_model": "account.move", "active_ids": [int(invoice_id)]}
        if self.ask.version["server_version_info"][0] >= 18:
            model, values = "account.move.send.wizard", {"move_id": int(invoice_id), "sending_methods": ["manual"]}
        else:
            model = "account.move.send"
            values = {"move_ids": [(6, 0, [int(invoice_id)])], "checkbox_send_mail": False, "checkbox_download": True}
        wizard = self.ask(model, "create", values, context=context)
        self.ask(model, "action_send_and_print", [wizard], context=context)

    # --- what was left in the books -------------------------------------------------------------------------------------------

    def notes(self, invoice_id: str) -> Sequence[str]:
        domain = [["model", "=", "account.move"], ["res_id", "=", int(invoice_id)], ["author_id", "=", self._bot]]
        return [plain(row["body"]) for row in self.ask.find("mail.message", domain, "body")]

    def tasks(self, invoice_id: str) -> Sequence[str]:
        domain = [["res_model", "=", "account.move"], ["res_id", "=", int(invoice_id)]]
        return [f"{row['summary']}\n{plain(row['note'])}" for row in self.ask.find("mail.activity", domain, "summary", "note")]

    def charges(self, invoice_id: str) -> Sequence[SeenCharge]:
        number = self._numbers.get(invoice_id, "none")
        domain = [*self._of_charges(), ["invoice_origin", "=", number], ["state", "!=", "cancel"]]
        fields = ("ref", "amount_untaxed", "amount_tax", "currency_id")
        return [self._seen(row) for row in self.ask.find("account.move", domain, *fields)]

    def _seen(self, row: Mapping[str, Any]) -> SeenCharge:
        lines = self.lines(str(row["id"]))
        text = "\n".join([*(text for text, _amount in lines), row["ref"]])
        net, tax = (self._money(row, field) for field in ("amount_untaxed", "amount_tax"))
        return SeenCharge(net, text, str(row["id"]), on_invoice=False, tax=tax)

    def _money(self, row: Mapping[str, Any], field: str) -> Money:
        return Money.of(str(row[field]), row["currency_id"][1])

    def credits(self, document_id: str) -> Sequence[SeenCredit]:
        domain = [["move_type", "=", "out_refund"], ["reversed_entry_id", "=", int(document_id)], ["state", "!=", "cancel"]]
        rows = self.ask.find("account.move", domain, "ref", "amount_total", "amount_tax", "currency_id")
        return [
            SeenCredit(
                str(row["id"]),
                self._money(row, "amount_total"),
                self._used(row["id"], document_id, row["currency_id"][1]),
                "\n".join(text for text, _amount in self.lines(str(row["id"]))),
                self._money(row, "amount_tax"),
            )
            for row in rows
        ]

    def _used(self, source: int, document_id: str, currency: str) -> Money:
        """What of a credit note or payment, by its entry, is used on a document."""
        pair = [["credit_move_id", "in", self._receivable(source)], ["debit_move_id", "in", self._receivable(int(document_id))]]
        partials = self.ask.find("account.partial.reconcile", pair, "debit_amount_currency")
        return sum((Money.of(str(row["debit_amount_currency"]), currency) for row in partials), start=Money.zero(currency))

    def recorded_payments(self, invoice_id: str) -> Sequence[SeenPayment]:
        memo, number = "memo" if self._is_18 else "ref", self._numbers[invoice_id]
        fields = ("amount", "currency_id", "date", "move_id", memo)
        domain = [["state", "not in", ["cancel", "canceled"]], [memo, "like", number], ["partner_id", "in", self._partners]]
        found = []
        for row in self.ask.find("account.payment", domain, *fields):
            (line,) = self._receivable(row["move_id"][0])
            used = self._used(row["move_id"][0], invoice_id, row["currency_id"][1])
            found.append(SeenPayment(line_reference(line), self._money(row, "amount"), date.fromisoformat(row["date"]), used, row[memo]))
        return found

    @property
    def _is_18(self) -> bool:
        return bool(self.ask.version["server_version_info"][0] >= 18)

    def lines(self, document_id: str) -> Sequence[tuple[str, Money]]:
        domain = [["move_id", "=", int(document_id)], ["display_type", "=", "product"]]
        rows = self.ask.find("account.move.line", domain, "name", "price_subtotal", "currency_id")
        return [(row["name"], self._money(row, "price_subtotal")) for row in rows]

    def lose_next_answer(self) -> None:
        self.loses_answer = True

    def calls(self) -> int:
        return sum(connector.transport.calls for connector in self._opened)

    def secrets(self) -> Sequence[str]:
        return [_env("API_KEY")]


class ObservedConnector(OdooConnector):
    """The connector, with a colleague who prints an invoice before it is asked for, and a wire that can lose one answer of a write."""

    def __init__(self, settings: OdooSettings, surroundings: Surroundings, harness: LiveHarness) -> None:
        super().__init__(settings, surroundings)
        self._harness = harness
        self._request = self.transport.request
        self.transport.request = self._observed  # type: ignore[method-assign]

    def _observed(self, method: str, path: str, **named: Any) -> Answer:
        answer = self._request(method, path, **named)
        if self._harness.loses_answer and not named.get("repeatable") and method == "POST":
            self._harness.loses_answer = False
            raise LedgerUnavailable("The answer was lost on its way.")
        return answer

    def invoice_pdf(self, invoice_id: str) -> bytes:
        if int(invoice_id) in self._harness._moves:
            self._harness.print_invoice(invoice_id)
        return super().invoice_pdf(invoice_id)
