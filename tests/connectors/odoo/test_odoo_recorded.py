"""Answers of a real Odoo 18.0-20250421: what the mapping makes of them, and that the stand-in gives the same refusals."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from odoo.stub_harness import API_KEY, StubHarness
from puntual.connectors.odoo import mapping
from puntual.connectors.odoo.mapping import Names
from puntual.core.money import Money
from puntual.core.receivables import ContactRole, CreditKind, CreditNote, DocumentStatus, Invoice

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "recorded" / "odoo-18.0-20250421.json").read_text(encoding="utf-8"), parse_float=Decimal
)
NAMES = Names(
    {int(key): code for key, code in RECORDED["currencies"].items()},
    {int(key): name for key, name in RECORDED["tags"].items()},
    "https://books.example.com",
    "Europe/Madrid",
    RECORDED["note_subtype"],
)
IDS = RECORDED["ids"]


def _row(model: str, key: int) -> Any:
    return next(row for row in RECORDED[model] if row["id"] == key)


def _invoice(key: str) -> Invoice:
    move = int(IDS["invoices"][key])
    return mapping.invoice(_row("account.move", move), [row for row in RECORDED["account.move.line"] if row["move_id"] == move], NAMES)


def test_instalments_come_from_the_receivable_lines() -> None:
    invoice = _invoice("i1")
    assert (invoice.number, invoice.status) == ("INV/2026/00016", DocumentStatus.OPEN)
    assert (invoice.customer_id, invoice.contact_id) == (IDS["customers"]["c1"], IDS["contacts"]["k1"])
    assert [(part.due_date, part.total.amount, part.outstanding.amount) for part in invoice.instalments] == [
        (date(2026, 11, 11), Decimal("300.00"), Decimal("0.00")),
        (date(2026, 12, 1), Decimal("700.00"), Decimal("600.00")),
    ]


@pytest.mark.parametrize(
    ("key", "amount"), [("i2", Money.of("1.005", "KWD")), ("i3", Money.of(1250, "JPY")), ("i4", Money.of("80", "EUR"))]
)
def test_amounts_are_exact_in_the_currency_of_the_invoice(key: str, amount: Money) -> None:
    assert _invoice(key).outstanding == amount


def test_a_blocked_invoice_is_open_and_not_to_be_chased() -> None:
    invoice = _invoice("i5")
    assert (invoice.status, bool(invoice.do_not_chase)) == (DocumentStatus.OPEN, True)
    assert _invoice("i4").reference == "PED-77"


def test_a_credit_note_has_positive_amounts() -> None:
    row = _row("account.move", int(IDS["credit_notes"]["n2"]))
    eight = Money.of(8, "EUR")
    expected = CreditNote("189", "RINV/2026/00003", "78", date(2026, 11, 11), eight, eight, version="2026-11-21 21:58:09")
    assert mapping.credit_note(row, NAMES) == expected


def test_payments_and_what_they_were_used_on() -> None:
    partials = RECORDED["account.partial.reconcile"]
    used = [mapping.allocation(row, "i", _row("account.move.line", row["credit_move_id"]), "EUR") for row in partials]
    assert [(each.source_id, each.source_kind, each.amount.amount) for each in used if each] == [
        (IDS["payments"]["p1"], CreditKind.PAYMENT, 300),
        (IDS["payments"]["p1"], CreditKind.PAYMENT, 100),
        (IDS["credit_notes"]["n1"], CreditKind.CREDIT_NOTE, 20),
    ]
    paid = mapping.payment(_row("account.move.line", 380), "78", NAMES)
    assert (paid.id, paid.amount, paid.unapplied) == (IDS["payments"]["p2"], Money.of(12, "EUR"), Money.of(12, "EUR"))


def test_open_credits_are_the_payment_and_the_credit_note() -> None:
    lines = [(row, "78") for row in RECORDED["account.move.line"] if row["amount_residual_currency"] < 0]
    found = mapping.unapplied_credits(lines, NAMES)
    assert [(each.id, each.kind, each.remaining.amount, each.number) for each in found] == [
        (IDS["payments"]["p2"], CreditKind.PAYMENT, 12, "PBNK1/2026/00004"),
        (IDS["credit_notes"]["n2"], CreditKind.CREDIT_NOTE, 8, "RINV/2026/00003"),
    ]


def test_a_customer_with_its_people() -> None:
    family = RECORDED["res.partner"]
    customer = mapping.customer(_row("res.partner", 78), family, NAMES)
    assert (customer.name, customer.language, customer.country, customer.groups) == (
        "Talleres C1 S.L.",
        "es-ES",
        "ES",
        ("Grandes cuentas",),
    )
    assert [(person.name, person.email, person.role) for person in customer.contacts] == [
        ("Ana Núñez", "ana@example.com", ContactRole.INVOICE),
        ("Óscar Gil", "oscar@example.com", ContactRole.GENERAL),
    ]


def test_a_contact_made_has_the_day_of_the_company() -> None:
    message = {**RECORDED["mail.message"][0], "date": "2026-11-21 23:30:00"}
    assert mapping.contact_made(message, "78", "181", NAMES).made_on == date(2026, 11, 22)


_QUESTIONS: dict[str, tuple[str, str, list[Any], dict[str, Any]]] = {
    "no_right": ("account.move", "search_read", [], {"domain": [], "fields": ["id"], "limit": 1}),
    "unknown_field": ("account.move", "search_read", [], {"domain": [], "fields": ["nofield"]}),
    "unknown_leaf": ("account.move", "search_read", [], {"domain": [["foo", "=", 1]], "fields": ["id"]}),
    "unknown_operator": ("account.move", "search_read", [], {"domain": [["name", "~~", 1]], "fields": ["id"]}),
    "unknown_model": ("nomodel", "search_read", [], {"domain": []}),
    "unknown_method": ("account.move", "nomethod", [], {}),
    "unknown_argument": ("account.move", "search_read", [], {"domain": [], "nokw": 1}),
    "bad_instant": ("account.move", "search_read", [], {"domain": [["write_date", ">=", "nonsense"]], "fields": ["id"]}),
    "missing_reference": ("ir.model.data", "check_object_reference", [], {"module": "mail", "xml_id": "mt_noxe"}),
    "gone_record": ("account.move", "get_portal_url", [[99999999]], {}),
    "note_on_gone_record": ("mail.message", "create", [[{"model": "account.move", "res_id": 99999999, "body": "<p>x</p>"}]], {}),
    "administration": ("ir.config_parameter", "search_read", [], {"domain": [], "fields": ["key"]}),
}


def _refusal(answer: dict[str, Any]) -> tuple[int, str, str]:
    error = answer["error"]
    return error["code"], error["data"]["name"], error["data"]["message"].partition("(")[0][:40].rstrip()


def _ask_stub(harness: StubHarness, service: str, method: str, arguments: list[Any]) -> dict[str, Any]:
    call = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": {"service": service, "method": method, "args": arguments}}
    with requests.Session() as session:
        session.trust_env = False
        answer: dict[str, Any] = session.post(f"{harness.server.url}/jsonrpc", json=call, timeout=5).json()
    return answer


@pytest.mark.parametrize("name", [*_QUESTIONS, "wrong_key", "unknown_database"])
def test_the_stand_in_refuses_as_the_real_server_did(name: str) -> None:
    harness = StubHarness(18)
    books = harness.books
    try:
        if name == "no_right":
            row = books.store.get("res.users", books.bot)
            assert row is not None
            row["groups_id"] = [1]
        model, method, positional, named = _QUESTIONS.get(name, ("res.users", "context_get", [], {}))
        database, key = ("nodb" if name == "unknown_database" else books.database), ("wrong" if name == "wrong_key" else API_KEY)
        answer = _ask_stub(harness, "object", "execute_kw", [database, books.bot, key, model, method, positional, named])
        assert _refusal(answer) == _refusal(RECORDED["refusals"][name])
    finally:
        harness.close()
