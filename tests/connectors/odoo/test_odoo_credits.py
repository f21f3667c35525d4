"""Credits in Odoo: what they take off which account and tax, what becomes of them between draft and use, and what is cancelled instead."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.stub_harness import StubHarness
from puntual.connectors.odoo.shares import Share, in_proportion, shares
from puntual.connectors.odoo.stub.invoicing import Invoicing
from puntual.core.bookings import ChargeMade, CreditMade, CreditWanted, LateCharge
from puntual.core.errors import LedgerUnavailable, PeriodLocked, Refused
from puntual.core.money import Money
from suite.sample import eur, listen

ISSUED = date(2026, 2, 2)
TODAY = StubHarness.today
VERSIONS = (16, 17, 18, 19)
TAXED, INCLUDED = 1, 3
SALES, OTHER = 2, 3


@pytest.fixture
def version() -> int:
    return 18


@pytest.fixture
def harness(version: int) -> Iterator[StubHarness]:
    made = StubHarness(version)
    yield made
    made.close()


def _owing(harness: StubHarness, *lines: tuple[str, int, list[int]], currency: str = "EUR", **values: Any) -> int:
    """A posted invoice with lines of a price, an account and taxes."""
    books = harness.books
    partner = books.add_partner("Talleres Sur S.L.", is_company=True)
    goods = [
        [0, 0, {"name": "Servicio", "price_unit": price, "account_id": account, "tax_ids": [[6, 0, taxes]]}]
        for price, account, taxes in lines or (("100", SALES, [TAXED]),)
    ]
    head = {"move_type": "out_invoice", "partner_id": partner, "currency_id": books.currency(currency), "journal_id": 1}
    with books.store.transaction():
        draft = {**head, "invoice_date": ISSUED.isoformat(), "invoice_date_due": "2026-03-02", "invoice_line_ids": goods, **values}
        move = Invoicing(books).create(1, draft)
        Invoicing(books).post(_move(harness, move))
    return move


def _credit(harness: StubHarness, document: int, amount: str = "3.20", **changes: Any) -> CreditWanted:
    row = _move(harness, document)
    money = eur(amount, harness.books.currency_code(row))
    made = CreditWanted("puntual:5a6b", str(document), row["name"] or "", "1", money, "Descuento por pronto pago", TODAY)
    return replace(made, **changes)


def _charged(harness: StubHarness, **settings: Any) -> ChargeMade:
    invoice = _owing(harness)
    number = _move(harness, invoice)["name"]
    charge = LateCharge("puntual:1a2b", str(invoice), number, "1", eur("7.25"), "Interés", TODAY, TODAY + timedelta(days=30), is_taxed=True)
    made = harness.new(**settings).put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade)
    return made


def _put(harness: StubHarness, credit: CreditWanted, **settings: Any) -> CreditMade | Refused:
    return harness.new(**settings).put_credits([credit])[credit.marker]


def _made(harness: StubHarness, credit: CreditWanted) -> tuple[CreditMade, dict[str, Any]]:
    made = _put(harness, credit)
    assert isinstance(made, CreditMade), made
    return made, _move(harness, int(made.credit_id))


def _refusal(harness: StubHarness, credit: CreditWanted) -> str:
    refused = _put(harness, credit)
    assert isinstance(refused, Refused), refused
    return str(refused)


def _move(harness: StubHarness, key: int) -> dict[str, Any]:
    row = harness.books.store.get("account.move", key)
    assert row is not None
    return row


def _lines(harness: StubHarness, move: int, kind: str) -> list[dict[str, Any]]:
    return [line for line in harness.books.store.by("account.move.line", "move_id", move) if line["display_type"] == kind]


def _notes(harness: StubHarness) -> list[str]:
    """The states of all credit notes in the books."""
    return [row["state"] for row in harness.books.store.rows("account.move") if row["move_type"] == "out_refund"]


# --- accounts, taxes, cents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_an_amount_that_no_price_comes_to_is_exact(harness: StubHarness) -> None:
    invoice = _owing(harness)
    made, note = _made(harness, _credit(harness, invoice))
    assert (made.amount, note["amount_untaxed"], note["amount_tax"]) == (eur("3.20"), Decimal("2.64"), Decimal("0.56"))
    assert (note["reversed_entry_id"], note["amount_residual"], note["state"]) == (invoice, 0, "posted")
    assert listen(harness).owed(str(invoice)) == eur("117.80")


def test_each_account_and_tax_bears_its_part(harness: StubHarness) -> None:
    invoice = _owing(harness, ("100", SALES, [TAXED]), ("50", OTHER, []), ("50", SALES, [TAXED]), ("12.10", OTHER, [INCLUDED]))
    _seen, note = _made(harness, _credit(harness, invoice, "24.36"))
    lines = {(line["account_id"], tuple(line["tax_ids"])): line["price_total"] for line in _lines(harness, note["id"], "product")}
    assert lines == {(SALES, (TAXED,)): Decimal("18.15"), (OTHER, ()): Decimal("5.00"), (OTHER, (INCLUDED,)): Decimal("1.21")}
    assert note["amount_total"] == Decimal("24.36")


def test_a_line_is_called_as_the_credit_and_its_document(harness: StubHarness) -> None:
    invoice = _owing(harness)
    credit = _credit(harness, invoice)
    _seen, note = _made(harness, credit)
    assert harness.lines(str(note["id"])) == [(f"{credit.text} ({credit.document_number})", eur("2.64"))]
    same = ("partner_id", "commercial_partner_id", "journal_id", "currency_id", "invoice_user_id")
    assert [note[field] for field in same] == [_move(harness, invoice)[field] for field in same]
    assert (note["ref"], note["invoice_origin"], harness.books.outbox) == ("[puntual:5a6b]", credit.document_number, [])


def test_the_tax_is_not_lowered_twice_where_the_terms_lowered_it(harness: StubHarness) -> None:
    invoice = _owing(harness)
    with harness.books.store.transaction():
        for amount in (Decimal(2), Decimal(-2)):
            harness.books.add_goods(invoice, {"name": "Early Payment Discount (2.0%)", "display_type": "epd", "price_subtotal": amount})
    _seen, note = _made(harness, _credit(harness, invoice, "2.00"))
    assert (note["amount_untaxed"], note["amount_tax"]) == (Decimal("2.00"), 0)


def test_thousandths_are_exact(harness: StubHarness) -> None:
    made, note = _made(harness, _credit(harness, _owing(harness, currency="KWD"), "12.345"))
    assert (made.amount, note["amount_total"]) == (eur("12.345", "KWD"), Decimal("12.345"))


def _row(
    total: str, taxes: list[int], *, net: str = "", entered: str = "", name: str = "Servicio", kind: str = "product"
) -> dict[str, Any]:
    amounts = {"price_total": Decimal(total), "price_subtotal": Decimal(net or total), "price_unit": Decimal(entered or net or total)}
    fixed = {"quantity": Decimal(1), "discount": Decimal(0), "account_id": SALES}
    return {"name": name, "display_type": kind, "tax_ids": taxes, **fixed, **amounts}


def test_a_reversed_charge_bears_the_tax_of_its_line_alone() -> None:
    lines = [_row("100", []), _row("48.40", [TAXED], net="40", name="Interés [puntual:1a2b]")]
    assert shares(eur("48.40"), lines, "puntual:1a2b") == [Share(SALES, (TAXED,), eur("40.00"))]
    assert {share.taxes for share in shares(eur("48.40"), lines)} == {(), (TAXED,)}


@pytest.mark.parametrize("amount", ["0.01", "0.02", "0.03"])
def test_where_the_tax_rounds_to_nothing_there_is_none(amount: str) -> None:
    assert shares(eur(amount), [_row("121", [TAXED], net="100")]) == [Share(SALES, (), eur(amount))]


def test_a_price_with_more_decimals_than_its_currency_keeps_its_tax_within() -> None:
    line = _row("99.99", [INCLUDED], net="82.64", entered="33.3333") | {"quantity": Decimal(3)}
    assert shares(eur("1.00"), [line]) == [Share(SALES, (INCLUDED,), eur("1.00"))]


def test_a_document_over_nothing_is_refused() -> None:
    with pytest.raises(Refused, match="come to nothing"):
        shares(eur("1.00"), [_row("10", []), _row("-10", [])])


@given(st.integers(1, 10**7), st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=6).filter(lambda weights: sum(weights) > 0))
def test_parts_are_together_the_whole(minor: int, weights: list[int]) -> None:
    parts = in_proportion(Money.from_minor(minor, "EUR"), [Decimal(weight) for weight in weights])
    assert sum(part.minor for part in parts) == minor
    assert all(abs(part.minor - Decimal(minor) * weight / sum(weights)) < 1 for part, weight in zip(parts, weights, strict=True))


# --- between draft and use --------------------------------------------------------------------------------------------------------


def _lose(harness: StubHarness, credit: CreditWanted, method: str) -> None:
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
        connector.put_credits([credit])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("method", "left"), [("create", "draft"), ("write", "draft"), ("action_post", "posted")])
def test_what_a_lost_answer_leaves_behind_becomes_the_credit(harness: StubHarness, method: str, left: str) -> None:
    credit = _credit(harness, _owing(harness))
    _lose(harness, credit, method)
    assert _notes(harness) == [left]
    made, note = _made(harness, credit)
    assert (note["state"], made.number, made.amount) == ("posted", note["name"], eur("3.20"))
    assert _put(harness, credit) == made
    assert _notes(harness) == ["posted"]


def test_what_was_begun_yesterday_is_dated_today(harness: StubHarness) -> None:
    credit = _credit(harness, _owing(harness), dated_on=TODAY - timedelta(days=1))
    _lose(harness, credit, "create")
    harness.books.lock(TODAY - timedelta(days=1))
    _seen, note = _made(harness, replace(credit, dated_on=TODAY))
    assert (note["invoice_date"], note["date"], note["invoice_date_due"]) == (TODAY, TODAY, TODAY)
    assert (note["amount_total"], _notes(harness)) == (Decimal("3.20"), ["posted"])


def test_what_was_begun_is_not_posted_on_an_invoice_that_is_paid_now(harness: StubHarness) -> None:
    invoice = _owing(harness)
    credit = _credit(harness, invoice)
    _lose(harness, credit, "create")
    harness.books.pay(invoice, Decimal(121), on=TODAY)
    assert "was made and is used on nothing" in _refusal(harness, credit)
    assert _notes(harness) == ["draft"]


def test_a_draft_that_a_person_changed_is_left_to_them(harness: StubHarness) -> None:
    credit = _credit(harness, _owing(harness))
    _lose(harness, credit, "create")
    (draft,) = (row for row in harness.books.store.rows("account.move") if row["move_type"] == "out_refund")
    with harness.books.store.transaction():
        harness.books.store.update("account.move", draft, {"amount_total": Decimal("4.19")})
    assert "Odoo makes 4.19 EUR of a credit of 3.20 EUR" in _refusal(harness, credit)
    assert _notes(harness) == ["draft"]


def test_on_another_receivable_account_it_is_refused_and_leaves_nothing(harness: StubHarness) -> None:
    invoice = _owing(harness)
    with harness.books.store.transaction():
        account = harness.books.store.insert("account.account", {"name": "Dudosos", "code": "436000", "account_type": "asset_receivable"})
    harness.books.write_partner(_move(harness, invoice)["partner_id"], property_account_receivable_id=account["id"])
    assert "on another receivable account" in _refusal(harness, _credit(harness, invoice))
    assert _notes(harness) == []


def test_what_people_did_with_a_credit_note_is_theirs(harness: StubHarness) -> None:
    invoice, other = _owing(harness), _owing(harness)
    credit = _credit(harness, invoice)
    _seen, note = _made(harness, credit)
    harness.books.unreconcile(note["id"])
    harness.books.use(other, harness.books.term_lines(note["id"])[0]["id"], on=TODAY)
    assert "is used on something else" in _refusal(harness, credit)
    harness.books.reset_to_draft(note["id"])
    assert "was reset to draft" in _refusal(harness, credit)
    harness.books.cancel(note["id"])
    assert "is not made again" in _refusal(harness, credit)
    for _each in range(2):
        part = (TODAY, Decimal("3.20"))
        harness.books.add_invoice(int(credit.customer_id), [part], issued_on=TODAY, move_type="out_refund", ref="[puntual:5a6b]")
    assert "the same credit 2 times" in _refusal(harness, credit)
    assert listen(harness).owed(str(invoice)) == eur("121.00")


def test_a_credit_note_over_another_amount_is_for_people(harness: StubHarness) -> None:
    credit = _credit(harness, _owing(harness))
    _made(harness, credit)
    assert "is over 3.20 EUR, the credit over 3.30 EUR" in _refusal(harness, replace(credit, amount=eur("3.30")))


@pytest.mark.parametrize(("field", "locks_all"), [("tax_lock_date", False), ("fiscalyear_lock_date", True)])
def test_a_tax_lock_stops_only_what_bears_tax(harness: StubHarness, field: str, locks_all: bool) -> None:
    taxed, bare = _owing(harness), _owing(harness, ("100", SALES, []))
    harness.books.lock(TODAY, field)
    assert isinstance(_put(harness, _credit(harness, taxed)), PeriodLocked)
    assert isinstance(_put(harness, _credit(harness, bare)), PeriodLocked if locks_all else CreditMade)


# --- what is cancelled ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_draft_of_ours_that_nobody_posted_is_cancelled(harness: StubHarness) -> None:
    charged = _charged(harness, charge_as_draft=True)
    credit = _credit(harness, int(charged.document_id), "8.77", document_number=charged.number)
    made, row = _made(harness, credit)
    assert (made.is_void, made.credit_id, made.number, row["state"]) == (True, charged.document_id, charged.number, "cancel")
    assert _put(harness, credit) == made
    assert _notes(harness) == []


def test_what_odoo_does_not_let_be_cancelled_gets_a_credit_note(harness: StubHarness) -> None:
    charged = _charged(harness)
    harness.books.write_move(int(charged.document_id), inalterable_hash="$4$7f")
    made, note = _made(harness, _credit(harness, int(charged.document_id), "8.77"))
    assert (made.is_void, note["amount_untaxed"], note["amount_tax"]) == (False, Decimal("7.25"), Decimal("1.52"))
    assert _move(harness, int(charged.document_id))["state"] == "posted"
    assert listen(harness).owed(charged.document_id) is None


def test_a_charge_that_a_person_cancelled_is_credited(harness: StubHarness) -> None:
    charged = _charged(harness)
    harness.books.cancel(int(charged.document_id))
    made, _charge = _made(harness, _credit(harness, int(charged.document_id), "8.77"))
    assert (made.is_void, made.credit_id) == (True, charged.document_id)


def test_an_invoice_of_the_company_is_never_cancelled(harness: StubHarness) -> None:
    invoice = _owing(harness)
    made, _note = _made(harness, _credit(harness, invoice, "121.00"))
    assert (made.is_void, _move(harness, invoice)["state"]) == (False, "posted")
