"""Recorded payments and early discounts in Odoo: one transaction and nothing written off, what people did with them, what terms grant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from odoo.stub_harness import StubHarness, line_of
from puntual.core.bookings import PaymentReceived, PaymentRecorded
from puntual.core.errors import CompanyMustAct, LedgerUnavailable, PeriodLocked, Refused
from puntual.core.receivables import EarlyDiscount
from suite.sample import eur, listen

ISSUED = date(2026, 2, 2)
DUE = date(2026, 3, 2)
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


def _owing(harness: StubHarness, *parts: tuple[date, Decimal]) -> int:
    partner = harness.books.add_partner("Talleres Sur S.L.", is_company=True)
    return harness.books.add_invoice(partner, parts or [(DUE, Decimal(100))], issued_on=ISSUED)


def _payment(harness: StubHarness, invoice: int, amount: str = "100.00", **changes: Any) -> PaymentReceived:
    row = harness.books.store.get("account.move", invoice) or {}
    return replace(PaymentReceived("puntual:3e4f", str(invoice), row["name"], "1", eur(amount), TODAY, "pi_3Mtw"), **changes)


def _put(harness: StubHarness, payment: PaymentReceived, **settings: Any) -> PaymentRecorded | Refused:
    return harness.new(**settings).put_payments([payment])[payment.marker]


def _made(harness: StubHarness, payment: PaymentReceived) -> tuple[PaymentRecorded, dict[str, Any]]:
    made = _put(harness, payment)
    assert isinstance(made, PaymentRecorded), made
    (row,) = harness.books.store.rows("account.payment")
    return made, row


def _refusal(harness: StubHarness, payment: PaymentReceived, **settings: Any) -> str:
    refused = _put(harness, payment, **settings)
    assert isinstance(refused, Refused), refused
    return str(refused)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_found_by_its_memo_and_called_by_its_line(harness: StubHarness) -> None:
    invoice = _owing(harness)
    payment = _payment(harness, invoice)
    made, row = _made(harness, payment)
    assert row["memo" if harness.books.version >= 18 else "ref"] == f"pi_3Mtw {payment.invoice_number} [puntual:3e4f]"
    (line,) = harness.books.term_lines(row["move_id"])
    assert (made.payment_id, made.number, row["name"]) == (f"account.move.line,{line['id']}", row["name"], made.number)
    assert listen(harness).owed(str(invoice)) is None


def test_instalments_are_settled_in_their_order(harness: StubHarness) -> None:
    invoice = _owing(harness, (DUE + timedelta(days=30), Decimal(70)), (DUE, Decimal(30)))
    made, _row = _made(harness, _payment(harness, invoice, "50.00"))
    told = listen(harness).invoices[str(invoice)]
    assert [part.outstanding for part in told.instalments] == [eur("0"), eur("50.00")]
    assert line_of(made.payment_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_lost_answer_is_harmless(harness: StubHarness) -> None:
    invoice = _owing(harness)
    payment, connector = _payment(harness, invoice), harness.new()
    execute = connector._reader.wire.execute

    def losing(model: str, method: str, *positional: Any, **named: Any) -> Any:
        answer = execute(model, method, *positional, **named)
        if method == "action_create_payments":
            raise LedgerUnavailable("lost")
        return answer

    connector._reader.wire.execute = losing
    with pytest.raises(LedgerUnavailable):
        connector.put_payments([payment])
    _made(harness, payment)
    assert harness.server.methods["account.payment.register.action_create_payments"] == 1


def test_a_form_that_was_only_opened_leaves_nothing(harness: StubHarness) -> None:
    payment, connector = _payment(harness, _owing(harness)), harness.new()
    execute = connector._reader.wire.execute

    def dying(model: str, method: str, *positional: Any, **named: Any) -> Any:
        if method == "action_create_payments":
            raise LedgerUnavailable("lost before it came")
        return execute(model, method, *positional, **named)

    connector._reader.wire.execute = dying
    with pytest.raises(LedgerUnavailable):
        connector.put_payments([payment])
    assert list(harness.books.store.rows("account.payment")) == []
    _made(harness, payment)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": "canceled"}, "was taken back in Odoo, and is not recorded again"),
        ({"state": "draft"}, "was taken back in Odoo, and is not recorded again"),
        ({"amount": Decimal("99.00")}, "is over 99.00 EUR in Odoo, and 100.00 EUR came in"),
    ],
)
def test_what_people_did_with_a_payment_is_theirs(harness: StubHarness, values: dict[str, Any], said: str) -> None:
    invoice = _owing(harness)
    payment = _payment(harness, invoice)
    _seen, row = _made(harness, payment)
    harness.books.unreconcile(invoice)
    with harness.books.store.transaction():
        harness.books.store.update("account.payment", row, values)
    assert said in _refusal(harness, payment)
    assert len(list(harness.books.store.rows("account.payment"))) == 1


def test_a_payment_that_stands_twice_is_for_people(harness: StubHarness) -> None:
    payment = _payment(harness, _owing(harness))
    _seen, row = _made(harness, payment)
    with harness.books.store.transaction():
        harness.books.store.insert("account.payment", {**row, "id": row["id"] + 1})
    assert "the same payment 2 times" in _refusal(harness, payment)


def test_a_payment_without_an_entry_is_called_by_its_own_id(harness: StubHarness) -> None:
    payment = _payment(harness, _owing(harness))
    _seen, row = _made(harness, payment)
    with harness.books.store.transaction():
        harness.books.store.update("account.payment", row, {"move_id": False})
    made = _put(harness, payment)
    assert isinstance(made, PaymentRecorded)
    assert made.payment_id == f"account.payment,{row['id']}"


@pytest.mark.parametrize(
    ("field", "stops"), [("fiscalyear_lock_date", True), ("hard_lock_date", True), ("sale_lock_date", False), ("tax_lock_date", False)]
)
def test_only_the_locks_for_all_stop_a_payment(harness: StubHarness, field: str, stops: bool) -> None:
    harness.books.lock(TODAY, field)
    assert isinstance(_put(harness, _payment(harness, _owing(harness))), PeriodLocked if stops else PaymentRecorded)


@pytest.mark.parametrize("journal", ["INV", "NONE"])
def test_a_journal_that_is_none_for_money_is_told_at_the_check(harness: StubHarness, journal: str) -> None:
    said = f"the bank or cash journal {journal!r} for recorded payments, and Odoo has none"
    assert said in _refusal(harness, _payment(harness, _owing(harness)), payment_journal=journal)
    with pytest.raises(CompanyMustAct, match="Correct `payment_journal`") as stopped:
        harness.new(payment_journal=journal).check()
    assert said in str(stopped.value)


# --- early discounts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_terms_grant_is_what_need_not_be_paid(harness: StubHarness) -> None:
    invoice = _owing(harness)
    harness.books.grant_discount(invoice, ISSUED + timedelta(days=10), Decimal("2.42"))
    told = listen(harness).invoices[str(invoice)].early_discount
    assert told == EarlyDiscount(date(2026, 2, 12), eur("2.42"))
    _made(harness, _payment(harness, invoice, "97.58"))
    assert listen(harness).owed(str(invoice)) == eur("2.42")


def test_an_invoice_in_instalments_tells_no_discount(harness: StubHarness) -> None:
    invoice = _owing(harness, (DUE, Decimal(30)), (DUE + timedelta(days=30), Decimal(70)))
    with harness.books.store.transaction():
        line = harness.books.term_lines(invoice)[0]
        harness.books.store.update("account.move.line", line, {"discount_date": DUE, "discount_amount_currency": Decimal(29)})
    assert listen(harness).invoices[str(invoice)].early_discount is None


@pytest.mark.parametrize(("last_on", "rest"), [(None, Decimal(98)), (DUE, Decimal(0)), (DUE, Decimal(100))])
def test_terms_that_grant_nothing_tell_no_discount(harness: StubHarness, last_on: date | None, rest: Decimal) -> None:
    invoice = _owing(harness)
    with harness.books.store.transaction():
        values = {"discount_date": last_on, "discount_amount_currency": rest}
        harness.books.store.update("account.move.line", harness.books.term_lines(invoice)[0], values)
    assert listen(harness).invoices[str(invoice)].early_discount is None
