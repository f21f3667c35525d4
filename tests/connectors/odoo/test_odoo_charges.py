"""Late charges in Odoo: what becomes of them between draft and posting, what the settings choose, and what is recognised as a late fee."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from odoo.stub_harness import CHARGE_ACCOUNT, StubHarness
from puntual.connectors.odoo.mapping import LATE_FEE_WORDS, lock_day_of
from puntual.core.bookings import ChargeMade, LateCharge
from puntual.core.errors import CompanyMustAct, LedgerUnavailable, PeriodLocked, PermissionMissing, Refused
from puntual.core.receivables import DocumentStatus
from suite.sample import eur, listen

DUE, ISSUED = date(2026, 3, 2), date(2026, 2, 2)
TODAY = StubHarness.today
VERSIONS = (16, 17, 18, 19)


@pytest.fixture
def version() -> int:
    return 18


@pytest.fixture
def harness(version: int) -> Iterator[StubHarness]:
    made = StubHarness(version)
    yield made
    made.close()


def _owing(harness: StubHarness, *, currency: str = "EUR", **values: Any) -> int:
    partner = harness.books.add_partner("Talleres Sur S.L.", is_company=True, **values)
    return harness.books.add_invoice(partner, [(DUE, Decimal(100))], issued_on=ISSUED, currency=currency)


def _charge(harness: StubHarness, invoice: int, amount: str = "7.25", **changes: Any) -> LateCharge:
    row = _move(harness, invoice)
    money = eur(amount, harness.books.currency_code(row))
    made = LateCharge("puntual:1a2b", str(invoice), row["name"], "1", money, "Interés de demora", TODAY, TODAY + timedelta(days=30))
    return replace(made, **changes)


def _put(harness: StubHarness, charge: LateCharge, **settings: Any) -> ChargeMade | Refused:
    return harness.new(**settings).put_charges([charge])[charge.marker]


def _made(harness: StubHarness, charge: LateCharge, **settings: Any) -> tuple[ChargeMade, dict[str, Any]]:
    made = _put(harness, charge, **settings)
    assert isinstance(made, ChargeMade), made
    return made, _move(harness, int(made.document_id))


def _refusal(harness: StubHarness, charge: LateCharge, **settings: Any) -> str:
    refused = _put(harness, charge, **settings)
    assert isinstance(refused, Refused), refused
    return str(refused)


def _move(harness: StubHarness, key: int) -> dict[str, Any]:
    row = harness.books.store.get("account.move", key)
    assert row is not None
    return row


def _documents(harness: StubHarness) -> list[str]:
    """The states of all charges in the books."""
    return [row["state"] for row in harness.books.store.rows("account.move") if row.get("invoice_origin")]


# --- between draft and posting ----------------------------------------------------------------------------------------------------


def _lose(harness: StubHarness, charge: LateCharge, method: str) -> None:
    """The answer to this call is lost on its way."""
    connector = harness.new()
    execute = connector._reader.wire.execute

    def losing(model: str, called: str, *positional: Any, **named: Any) -> Any:
        answer = execute(model, called, *positional, **named)
        if called == method:
            raise LedgerUnavailable("lost")
        return answer

    connector._reader.wire.execute = losing
    with pytest.raises(LedgerUnavailable):
        connector.put_charges([charge])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("method", "left"), [("create", "draft"), ("action_post", "posted")])
def test_what_a_lost_answer_leaves_behind_becomes_the_charge(harness: StubHarness, method: str, left: str) -> None:
    charge = _charge(harness, _owing(harness))
    _lose(harness, charge, method)
    assert _documents(harness) == [left]
    made, row = _made(harness, charge)
    assert (row["state"], made.number, made.amount) == ("posted", row["name"], eur("7.25"))
    assert _put(harness, charge) == made
    assert _documents(harness) == ["posted"]


def test_what_was_begun_yesterday_is_dated_today(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness), charged_on=TODAY - timedelta(days=1), due_on=TODAY + timedelta(days=29))
    _lose(harness, charge, "create")
    harness.books.lock(TODAY - timedelta(days=1))
    made, row = _made(harness, replace(charge, charged_on=TODAY, due_on=TODAY + timedelta(days=30)))
    assert (row["invoice_date"], row["invoice_date_due"]) == (TODAY, TODAY + timedelta(days=30))
    assert listen(harness).invoices[made.document_id].due_date == TODAY + timedelta(days=30)
    assert _documents(harness) == ["posted"]


def test_what_was_begun_is_not_posted_on_an_invoice_that_is_paid_now(harness: StubHarness) -> None:
    invoice = _owing(harness)
    charge = _charge(harness, invoice)
    _lose(harness, charge, "create")
    harness.books.pay(invoice, Decimal(100), on=TODAY)
    assert "has been paid" in _refusal(harness, charge)
    assert _documents(harness) == ["draft"]


def test_a_draft_that_a_person_changed_is_left_to_them(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness))
    _lose(harness, charge, "create")
    (draft,) = (row for row in harness.books.store.rows("account.move") if row.get("invoice_origin"))
    harness.books.add_line(draft["id"], "Gastos", Decimal("1.00"))
    assert "Odoo makes 8.25 EUR of a late charge of 7.25 EUR" in _refusal(harness, charge)
    assert _documents(harness) == ["draft"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_draft_for_approval_is_not_owed_and_is_posted_by_a_person(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness))
    made, row = _made(harness, charge, charge_as_draft=True)
    assert (row["state"], made.number) == ("draft", f"(* {made.document_id})")
    assert _put(harness, charge, charge_as_draft=True) == made
    heard = listen(harness)
    assert heard.owed(made.document_id) is None
    harness.books.post(row["id"])
    assert heard.sync(harness.new()).invoices[made.document_id].is_late_charge
    assert heard.owed(made.document_id) == eur("7.25")


def test_a_charge_that_a_person_reset_to_draft_is_not_posted_again(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness))
    made, row = _made(harness, charge)
    harness.books.reset_to_draft(row["id"])
    assert _put(harness, charge) == made
    assert _documents(harness) == ["draft"]
    assert listen(harness).owed(made.document_id) is None


def test_a_charge_that_stands_twice_is_for_people(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness))
    _made(harness, charge)
    copy = harness.books.add_invoice(int(charge.customer_id), [(DUE, Decimal("7.25"))], issued_on=TODAY, ref="[puntual:1a2b] 2")
    assert "the same late charge 2 times" in _refusal(harness, charge)
    harness.books.cancel(copy)
    assert isinstance(_put(harness, charge), ChargeMade)


def test_what_odoo_refuses_to_post_leaves_no_draft(harness: StubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    charge = _charge(harness, _owing(harness))
    harness.books.lock(TODAY)
    connector = harness.new()
    monkeypatch.setattr(connector._reader, "lock_dates", dict)
    refused = connector.put_charges([charge])[charge.marker]
    assert "prior to and inclusive of" in str(refused)
    assert _documents(harness) == []


def test_a_question_in_place_of_posting_leaves_no_draft(harness: StubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    charge = _charge(harness, _owing(harness))
    monkeypatch.setattr(harness.books, "post", lambda _move: None)
    assert "asks a question first" in _refusal(harness, charge)
    assert _documents(harness) == []


def test_a_replica_that_lags_behind_doubles_nothing(harness: StubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    charge = _charge(harness, _owing(harness))
    connector = harness.new()
    search = connector._reader.search
    monkeypatch.setattr(connector._reader, "search", lambda *asked, **named: _unless_new(search(*asked, **named)))
    with pytest.raises(LedgerUnavailable, match="does not show a document yet"):
        connector.put_charges([charge])
    assert isinstance(_put(harness, charge), ChargeMade)
    assert _documents(harness) == ["posted"]


def _unless_new(rows: list[Any]) -> list[Any]:
    return [row for row in rows if row.get("posted_before", True)]


# --- what it takes over, and what it does not -------------------------------------------------------------------------------------


def test_the_document_is_for_the_same_people_and_the_bank_cannot_take_it_for_the_invoice(harness: StubHarness) -> None:
    invoice = _owing(harness)
    person = harness.books.add_partner("Ana", parent_id=_move(harness, invoice)["partner_id"], type="invoice")
    ana = harness.books.add_user("ana@example.com")
    harness.books.write_move(invoice, partner_id=person, invoice_user_id=ana)
    charge = _charge(harness, invoice)
    _seen, row = _made(harness, charge)
    original = _move(harness, invoice)
    same = ("partner_id", "commercial_partner_id", "journal_id", "currency_id", "invoice_user_id")
    assert [row[field] for field in same] == [original[field] for field in same]
    assert (row["ref"], row["invoice_origin"], row.get("payment_reference")) == ("[puntual:1a2b]", charge.invoice_number, None)
    assert harness.lines(str(row["id"])) == [(f"Interés de demora ({charge.invoice_number})", eur("7.25"))]
    assert harness.books.outbox == []


@pytest.mark.parametrize("version", VERSIONS)
def test_neither_payment_terms_nor_default_taxes_come_in(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness, property_payment_term_id=1))
    made, row = _made(harness, charge)
    assert (row["invoice_date"], row["invoice_date_due"]) == (TODAY, charge.due_on)
    assert made.amount == charge.amount


def test_an_amount_in_thousandths_is_exact(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness, currency="KWD"), "12.345")
    assert _made(harness, charge)[0].amount == eur("12.345", "KWD")


@pytest.mark.parametrize("tax", ["21% S", "1"])
def test_a_tax_by_its_name_or_id_is_added(harness: StubHarness, tax: str) -> None:
    made, row = _made(harness, _charge(harness, _owing(harness), is_taxed=True), charge_tax=tax)
    assert (made.amount, row["amount_untaxed"]) == (eur("8.77"), Decimal("7.25"))


def test_what_was_begun_with_a_tax_is_not_posted_as_what_bears_none(harness: StubHarness) -> None:
    charge = _charge(harness, _owing(harness), is_taxed=True)
    _lose(harness, charge, "create")
    assert "makes 8.77 EUR of a late charge of 7.25 EUR that bears no tax" in _refusal(harness, replace(charge, is_taxed=False))
    assert _documents(harness) == ["draft"]


def test_a_tax_within_the_price_is_refused_and_leaves_nothing(harness: StubHarness) -> None:
    assert "may be included in the price" in _refusal(harness, _charge(harness, _owing(harness), is_taxed=True), charge_tax="21% Inc")
    assert _documents(harness) == []


@pytest.mark.parametrize(("version", "prefix"), [(17, "INV/"), (18, "DINV/"), (19, "DINV/")])
def test_a_debit_note_names_its_invoice(harness: StubHarness, prefix: str) -> None:
    invoice = _owing(harness)
    made, row = _made(harness, _charge(harness, invoice), charge_document="debit_note")
    assert row["debit_origin_id"] == invoice
    assert made.number.startswith(prefix)
    assert listen(harness).invoices[made.document_id].is_late_charge


def test_a_product_and_a_journal_by_their_codes(harness: StubHarness) -> None:
    with harness.books.store.transaction():
        product = harness.books.store.insert("product.product", {"name": "Late fee", "default_code": "MORA", "active": True})
        journal = harness.books.store.insert("account.journal", {"name": "Mora", "type": "sale", "code": "MOR", "company_id": 1})
    made, row = _made(harness, _charge(harness, _owing(harness)), charge_account="", charge_product="MORA", charge_journal="MOR")
    (line,) = (line for line in harness.books.store.by("account.move.line", "move_id", row["id"]) if line["display_type"] == "product")
    assert (line["product_id"], row["journal_id"]) == (product["id"], journal["id"])
    assert listen(harness).invoices[made.document_id].ledger_late_fee == ""


# --- settings that name nothing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"charge_account": "430000"}, "the income account '430000' for late charges, and Odoo has none"),
        ({"charge_tax": "21% G"}, "the sales tax '21% G' for late charges, and Odoo has none"),
        ({"charge_journal": "BILL"}, "the sales journal 'BILL' for late charges, and Odoo has none"),
        ({"charge_product": "MORA"}, "the product 'MORA' for late charges, and Odoo has 2 of them"),
        ({"charge_document": "debit_note"}, "Install the module account_debit_note"),
    ],
)
def test_what_is_not_there_is_told_at_the_check_and_writes_nothing(settings: dict[str, str], said: str) -> None:
    harness = StubHarness()
    harness.books.store._fields["account.move"] = {
        field: kind for field, kind in harness.books.store._fields["account.move"].items() if field != "debit_origin_id"
    }
    with harness.books.store.transaction():
        for _each in range(2):
            harness.books.store.insert("product.product", {"name": "Mora", "default_code": "MORA", "active": True})
    charge = _charge(harness, _owing(harness), is_taxed="charge_tax" in settings)
    assert said in _refusal(harness, charge, **settings)
    with pytest.raises(CompanyMustAct) as stopped:
        harness.new(**settings).check()
    assert said in str(stopped.value)
    assert _documents(harness) == []
    harness.close()


def test_without_an_account_nothing_is_charged_and_all_else_works(harness: StubHarness) -> None:
    assert harness.new(charge_account="").check().name
    assert "Set `charge_account` under `ledger`" in _refusal(harness, _charge(harness, _owing(harness)), charge_account="")


@pytest.mark.parametrize("version", [17, 18])
def test_accounts_of_another_company_are_not_used(harness: StubHarness) -> None:
    store = harness.books.store
    with store.transaction():
        other = store.insert("res.company", {"name": "Otra S.A.", "currency_id": 1, "partner_id": 1})["id"]
        store.update("res.users", store.get("res.users", harness.books.bot) or {}, {"company_ids": [1, other]})
        owner = {"company_ids": [other]} if harness.books.version >= 18 else {"company_id": other}
        store.insert("account.account", {"name": "Suya", "code": CHARGE_ACCOUNT, "account_type": "income", **owner})
        store.insert("account.account", {"name": "Suya", "code": "759000", "account_type": "income", **owner})
    charge = _charge(harness, _owing(harness))
    assert "Odoo has none" in _refusal(harness, charge, company_id=1, charge_account="759000")
    _made(harness, charge, company_id=1)


# --- locks and rights -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "field", "is_taxed"),
    [
        (16, "period_lock_date", False),
        (17, "tax_lock_date", True),
        (18, "sale_lock_date", False),
        (18, "hard_lock_date", False),
        (19, "tax_lock_date", True),
    ],
)
def test_a_closed_period_is_told_before_anything_is_written(harness: StubHarness, field: str, is_taxed: bool) -> None:
    charge = _charge(harness, _owing(harness), charged_on=TODAY - timedelta(days=1), is_taxed=is_taxed)
    harness.books.lock(TODAY - timedelta(days=1), field)
    refused = _put(harness, charge)
    assert isinstance(refused, PeriodLocked)
    assert "closed up to 2026-03-17" in str(refused)
    assert harness.server.methods["account.move.create"] == 0
    _made(harness, replace(charge, charged_on=TODAY))


def test_a_tax_lock_is_none_for_what_bears_no_tax(harness: StubHarness) -> None:
    harness.books.lock(TODAY, "tax_lock_date")
    _made(harness, _charge(harness, _owing(harness)))


@pytest.mark.parametrize(("said", "day"), [(False, None), ("1-01-01", None), ("2026-03-17", date(2026, 3, 17))])
def test_odoos_way_to_say_no_lock(said: Any, day: date | None) -> None:
    assert lock_day_of(said) == day


def test_who_may_not_invoice_is_told_so(harness: StubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    charge = _charge(harness, _owing(harness))
    connector = harness.new()
    connector.recheck([charge.invoice_id])
    (harness.books.store.get("res.users", harness.books.bot) or {})["groups_id"] = [1]
    with pytest.raises(PermissionMissing, match="Invoicing"):
        connector.put_charges([charge])


# --- late fees that are not ours --------------------------------------------------------------------------------------------------

FEES = (
    "Late fee", "Late payment interest", "Overdue charge", "Finance charge March", "Interest on late payment", "Recargo por mora",
    "Intereses de demora", "Intereses moratorios", "Comisión por pago atrasado", "Cargo por retraso", "Compensación por costes de cobro",
    "Frais de retard", "Pénalités de retard", "Intérêts moratoires", "Frais de recouvrement", "Mahngebühr", "Verzugszinsen",
    "Verzugspauschale", "Säumniszuschlag", "Late-payment fee", "Recargos por impago", "[FEE] Late charge",
)  # fmt: skip


@pytest.mark.parametrize("name", FEES)
def test_a_late_fee_by_its_label(harness: StubHarness, name: str) -> None:
    assert any(re.search(word.replace("_", "."), name.lower()) for word in LATE_FEE_WORDS), "Odoo would not be asked for it"
    invoice = _owing(harness)
    harness.books.add_line(invoice, f"{name}\nabril", Decimal("5.00"))
    assert listen(harness).invoices[str(invoice)].ledger_late_fee == name


@pytest.mark.parametrize("name", ["Interés", "Lámpara Zamora", "Tarde de formación", "Related services", "Recargo de equivalencia"])
def test_what_only_sounds_like_one(harness: StubHarness, name: str) -> None:
    invoice = _owing(harness)
    harness.books.add_line(invoice, name, Decimal("5.00"))
    told = harness.new().recheck([str(invoice)]).invoices[0]
    assert (told.ledger_late_fee, told.outstanding) == ("", eur("105.00"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_late_fee_by_its_product(harness: StubHarness) -> None:
    with harness.books.store.transaction():
        product = harness.books.store.insert("product.product", {"name": "Recargo por mora", "active": False})
    invoice = _owing(harness)
    harness.books.add_line(invoice, "Abril", Decimal("5.00"), product_id=product["id"])
    assert listen(harness).invoices[str(invoice)].ledger_late_fee == "Recargo por mora"
    assert "Recargo por mora" in _refusal(harness, _charge(harness, invoice))


def test_a_late_fee_over_nothing_is_none(harness: StubHarness) -> None:
    invoice = _owing(harness)
    harness.books.add_line(invoice, "Late fee, waived", Decimal(0))
    assert listen(harness).invoices[str(invoice)].ledger_late_fee == ""


def test_our_mark_is_no_reference_of_the_customers(harness: StubHarness) -> None:
    made, _row = _made(harness, _charge(harness, _owing(harness)))
    told = listen(harness).invoices[made.document_id]
    assert (told.reference, told.is_late_charge, told.status) == ("", True, DocumentStatus.OPEN)
