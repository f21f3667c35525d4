"""What real servers (17.0, 18.0-20250421) made of credit notes, payments and discount terms: the stand-in makes the same of the same calls,
and the mapping reads them."""

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from odoo.stub_harness import API_KEY, StubHarness
from puntual.connectors.odoo import mapping
from puntual.connectors.odoo.mapping import Names
from puntual.connectors.odoo.shares import Share, shares
from puntual.connectors.odoo.stub.invoicing import Invoicing
from puntual.core.money import Money
from puntual.core.receivables import EarlyDiscount

FOLDER = Path(__file__).parent / "recorded"
RECORDED: dict[int, dict[str, Any]] = {
    version: json.loads((FOLDER / name).read_text(encoding="utf-8"), parse_float=Decimal)
    for version, name in ((17, "odoo-17.0-money.json"), (18, "odoo-18.0-20250421-money.json"))
}
TAX, INCOME, EUR, SALES, BANK = 1, 2, 1, 1, 2


class Caller:
    """The bot, calling the stand-in as the recorded calls were made."""

    def __init__(self, version: int) -> None:
        self.harness = StubHarness(version)
        self.partner = self.harness.books.add_partner("Talleres Grabados S.L.", is_company=True)
        self._http = requests.Session()
        self._http.trust_env = False

    def close(self) -> None:
        self._http.close()
        self.harness.close()

    def ask(self, model: str, method: str, *positional: Any, **named: Any) -> dict[str, Any]:
        arguments = [self.harness.books.database, self.harness.books.bot, API_KEY, model, method, list(positional), named]
        call = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": {"service": "object", "method": "execute_kw", "args": arguments}}
        said = json.loads(self._http.post(f"{self.harness.server.url}/jsonrpc", json=call, timeout=5).content, parse_float=Decimal)
        return {name: value for name, value in said.items() if name not in ("id", "jsonrpc")}

    def rows(self, model: str, domain: list[Any], fields: list[str]) -> list[dict[str, Any]]:
        found = self.ask(model, "search_read", domain=domain, fields=fields, load=None)["result"]
        return [{name: row[name] for name in fields} for row in found]

    def invoice(self, price: str) -> int:
        books = self.harness.books
        line = {"name": "Servicio", "price_unit": price, "account_id": INCOME, "tax_ids": [[6, 0, [TAX]]]}
        head = {"move_type": "out_invoice", "partner_id": self.partner, "currency_id": EUR, "journal_id": SALES}
        with books.store.transaction():
            dates = {"invoice_date": "2026-02-02", "invoice_date_due": "2026-03-02"}
            key = Invoicing(books).create(1, {**head, **dates, "invoice_line_ids": [[0, 0, line]]})
            Invoicing(books).post(books.store.get("account.move", key) or {})
        return key

    def note(self, invoice: int) -> int:
        line = {"name": "Abono", "quantity": 1, "price_unit": 2.64, "account_id": INCOME, "tax_ids": [[6, 0, [TAX]]]}
        head = {"move_type": "out_refund", "partner_id": self.partner, "currency_id": EUR, "journal_id": SALES, "ref": "[puntual:grabado]"}
        head |= {"invoice_date": "2026-03-18", "invoice_date_due": "2026-03-18", "invoice_payment_term_id": False}
        made = self.ask("account.move", "create", [{**head, "reversed_entry_id": invoice, "invoice_line_ids": [[0, 0, line]]}])
        return int(made["result"][0])

    def form(self, amount: float, model: str, key: int) -> dict[str, Any]:
        values = {"journal_id": BANK, "amount": amount, "currency_id": EUR, "payment_date": "2026-03-18"}
        values |= {"communication": "pi_1 [puntual:grabado]", "payment_difference_handling": "open", "group_payment": True}
        context = {"active_model": model, "active_ids": [key]}
        return self.ask("account.payment.register", "create", [values], context=context)

    def paid(self, invoice: int, amount: float, **context: Any) -> dict[str, Any]:
        form = self.form(amount, "account.move", invoice)["result"]
        within = {"active_model": "account.move", "active_ids": [invoice], **context}
        return self.ask("account.payment.register", "action_create_payments", form, context=within)

    def line_of(self, move: int) -> int:
        return int(self.rows("account.move.line", [["move_id", "=", move], ["account_type", "=", "asset_receivable"]], ["id"])[0]["id"])

    def tax_line(self, move: int) -> int:
        return int(self.rows("account.move.line", [["move_id", "=", move], ["display_type", "=", "tax"]], ["id"])[0]["id"])

    def use(self, invoice: int, note: int) -> dict[str, Any]:
        return self.ask("account.move", "js_assign_outstanding_line", [invoice], line_id=self.line_of(note))


@pytest.fixture(params=RECORDED)
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    made = Caller(request.param)
    yield made
    made.close()


def _same(caller: Caller, step: str, *, answer: Any = None, lines_of: int = 0, **moves: int) -> None:
    """What the server answered, and how the documents and the lines of one of them stood after it."""
    recorded = RECORDED[caller.harness.books.version][step]
    assert answer == recorded.get("answer")
    for name, key in moves.items():
        fields = list(recorded[name])
        assert caller.rows("account.move", [["id", "=", key]], fields) == [recorded[name]], name
    if lines_of:
        fields = list(recorded["lines"][0])
        assert caller.rows("account.move.line", [["move_id", "=", lines_of]], fields) == recorded["lines"]


def test_a_credit_note_from_draft_to_use(caller: Caller) -> None:
    invoice = caller.invoice("100")
    note = caller.note(invoice)
    _same(caller, "drafted", note=note, lines_of=note)
    commands = [[1, caller.tax_line(note), {"amount_currency": 0.56}]]
    _same(caller, "rounded", answer=caller.ask("account.move", "write", [note], vals={"line_ids": commands}), note=note, lines_of=note)
    _same(caller, "posted", answer=caller.ask("account.move", "action_post", [note]), note=note, invoice=invoice)
    caller.harness.books.unreconcile(invoice)
    _same(caller, "taken_off", note=note, invoice=invoice)
    _same(caller, "assigned", answer=caller.use(invoice, note), note=note, invoice=invoice)


def test_a_part_and_the_rest_are_paid(caller: Caller) -> None:
    invoice = caller.invoice("50")
    redirect = caller.paid(invoice, 20.0)["result"]
    _same(caller, "part_paid", answer={**redirect, "res_id": type(redirect["res_id"]).__name__}, invoice=invoice)
    _same(caller, "paid", answer=caller.paid(invoice, 40.5, dont_redirect_to_payments=True), invoice=invoice)
    for step, place in (("part_paid", 0), ("paid", 1)):
        recorded = RECORDED[caller.harness.books.version][step]
        assert caller.rows("account.payment", [], list(recorded["payment"]))[place] == recorded["payment"]
        (line,) = recorded["entry_lines"]
        moved = {name: value for name, value in line.items() if not name.startswith("price_")}
        credits_ = [["account_type", "=", "asset_receivable"], ["balance", "<", 0]]
        assert caller.rows("account.move.line", credits_, list(moved))[place] == moved


def test_a_posted_document_is_cancelled_by_one_call(caller: Caller) -> None:
    invoice = caller.invoice("7")
    _same(caller, "cancelled", answer=caller.ask("account.move", "button_cancel", [invoice]), invoice=invoice)


def test_the_same_is_refused_in_the_same_words(caller: Caller) -> None:
    invoice, paid, locked, cancelled = (caller.invoice("2.64") for _each in range(4))
    note = caller.note(invoice)
    tax = caller.tax_line(note)
    caller.ask("account.move", "action_post", [note])
    caller.paid(paid, 3.19)
    caller.ask("account.move", "button_cancel", [cancelled])
    refusals = {
        "assign_again": caller.use(invoice, note),
        "post_again": caller.ask("account.move", "action_post", [note]),
        "nothing_left": caller.form(1.0, "account.move", paid),
        "form_of_something_else": caller.form(1.0, "res.partner", caller.partner),
        "cancel_again": caller.ask("account.move", "button_cancel", [cancelled]),
        "cancel_gone": caller.ask("account.move", "button_cancel", [99999999]),
    }
    caller.harness.books.lock(date(2026, 3, 31))
    refusals["cancel_locked"] = caller.ask("account.move", "button_cancel", [locked])
    recorded = RECORDED[caller.harness.books.version]["refusals"]
    assert {name: _words(answer) for name, answer in refusals.items()} == {name: _words(recorded[name]) for name in refusals}
    assert caller.ask("account.move", "write", [note], vals={"line_ids": [[1, tax, {"amount_currency": 0.5}]]}).keys() == {"error"}


def _words(answer: dict[str, Any]) -> tuple[str, str]:
    """The name of a refusal, and what it says before it names a record."""
    data = answer["error"]["data"]
    return data["name"], re.split(r" RINV/| \(id |\(Record", data["message"])[0][:70]


@pytest.mark.parametrize("version", RECORDED)
@pytest.mark.parametrize(
    ("computation", "total", "discount"), [("included", "121.00", "2.42"), ("excluded", "121.00", "2.00"), ("mixed", "120.58", "2.00")]
)
def test_what_terms_grant_and_what_a_credit_bears(version: int, computation: str, total: str, discount: str) -> None:
    recorded = RECORDED[version]["discounts"][computation]
    names = Names({int(key): code for key, code in RECORDED[version]["currencies"].items()}, {}, "", "Europe/Madrid")
    read = mapping.invoice(recorded["move"], recorded["lines"], names)
    assert read.outstanding == Money.of(total, "EUR")
    assert read.early_discount == EarlyDiscount(date(2026, 2, 12), Money.of(discount, "EUR"))
    goods = recorded["priced"][0]
    bears = [Share(goods["account_id"], (), Money.of("2.00", "EUR"))]
    if computation != "mixed":
        net = {"2.42": "2.00", "2.00": "1.65"}[discount]
        bears = [Share(goods["account_id"], tuple(goods["tax_ids"]), Money.of(net, "EUR"))]
    assert shares(Money.of(discount, "EUR"), recorded["priced"]) == bears
