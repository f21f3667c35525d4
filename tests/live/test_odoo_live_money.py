"""Credits, recorded payments and early discounts on a real Odoo server, in the ways that the shared suite does not go."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from harness import SeededIds
from live.odoo_live_harness import LiveHarness, missing_variables
from puntual.core.bookings import CreditMade, CreditWanted, PaymentReceived, PaymentRecorded
from puntual.core.errors import LedgerUnavailable, Refused
from puntual.core.money import Money
from puntual.core.receivables import EarlyDiscount
from suite.sample import a_charge, a_credit, eur, listen, money_in, one_invoice

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(missing_variables()), reason=f"not set: {', '.join(missing_variables())}"),
]


@pytest.fixture
def harness() -> Iterator[LiveHarness]:
    made = LiveHarness()
    yield made
    made.close()


def _tax(harness: LiveHarness, name: str) -> int:
    (row,) = harness.ask.find("account.tax", [["type_tax_use", "=", "sale"], ["name", "=", name]], "id")
    return int(row["id"])


def _owing(harness: LiveHarness, ids: SeededIds, *lines: tuple[float, str], currency: str = "EUR", term: int = 0, on: date) -> SeededIds:
    """One more invoice, with lines of a price and a tax by its name. As the test's invoice `t1`."""
    goods = [{"name": "Servicio", "price_unit": price, "tax_ids": [(6, 0, [_tax(harness, tax)] if tax else [])]} for price, tax in lines]
    head = {"move_type": "out_invoice", "partner_id": int(ids.customers["c1"]), "invoice_date": str(on)}
    head |= {"currency_id": harness._currencies[currency], "invoice_line_ids": [(0, 0, line) for line in goods]}
    head |= {"invoice_payment_term_id": term} if term else {"invoice_payment_term_id": False, "invoice_date_due": str(on)}
    key = harness.ask("account.move", "create", head)
    harness.ask("account.move", "action_post", [key])
    (row,) = harness.ask.find("account.move", [["id", "=", key]], "name")
    harness._moves.append(key)
    harness._numbers[str(key)] = row["name"]
    return replace(ids, invoices={**ids.invoices, "t1": str(key)}, numbers={**ids.numbers, "t1": row["name"]})


def _discount(harness: LiveHarness, computation: str) -> int:
    """Terms of thirty days with 2 % for paying within ten."""
    values = {"name": "2/10, 30", "early_discount": True, "discount_percentage": 2, "discount_days": 10}
    values |= {
        "early_pay_discount_computation": computation,
        "line_ids": [(0, 0, {"value": "percent", "value_amount": 100, "nb_days": 30})],
    }
    return int(harness.ask("account.payment.term", "create", values))


def _credited(harness: LiveHarness, credit: CreditWanted) -> tuple[CreditMade, dict[str, Any]]:
    made = harness.new().put_credits([credit])[credit.marker]
    assert isinstance(made, CreditMade), made
    fields = ("state", "amount_untaxed", "amount_tax", "amount_residual", "reversed_entry_id", "invoice_date")
    (row,) = harness.ask.find("account.move", [["id", "=", int(made.credit_id)]], *fields)
    return made, row


def _lose(harness: LiveHarness, method: str, use: Any) -> None:
    """The answer to this call is lost on its way."""
    connector = harness.new()
    execute = connector._reader.wire.execute

    def losing(model: str, called: str, *positional: Any, **named: Any) -> Any:
        answer = execute(model, called, *positional, **named)
        if called == method:
            raise LedgerUnavailable("lost")
        return answer

    connector._reader.wire.execute = losing  # type: ignore[method-assign]
    with pytest.raises(LedgerUnavailable):
        use(connector)


# --- credits ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "3.20"), ("USD", "3.20"), ("EUR", "0.03"), ("JPY", "5"), ("KWD", "1.235")])
def test_an_amount_that_no_price_comes_to_is_exact(harness: LiveHarness, currency: str, amount: str) -> None:
    ids = _owing(harness, harness.seed(one_invoice(harness)), (1000, "21% S"), currency=currency, on=harness.today - timedelta(days=40))
    credit = a_credit(ids, harness, invoice="t1", amount=eur(amount, currency))
    made, row = _credited(harness, credit)
    assert (made.amount, row["state"], row["amount_residual"]) == (credit.amount, "posted", 0)
    assert row["reversed_entry_id"][0] == int(ids.invoices["t1"])
    assert listen(harness).owed(ids.invoices["t1"]) == eur("1210", currency) - credit.amount
    assert harness.new().put_credits([credit]) == {credit.marker: made}


def test_each_tax_bears_its_part(harness: LiveHarness) -> None:
    lines = ((100.0, "21% S"), (50.0, "10% S"), (50.0, ""))
    ids = _owing(harness, harness.seed(one_invoice(harness)), *lines, on=harness.today - timedelta(days=40))
    made, row = _credited(harness, a_credit(ids, harness, invoice="t1", amount="4.52"))
    assert (row["amount_untaxed"], row["amount_tax"]) == (4.0, 0.52)
    assert [amount for _text, amount in harness.lines(made.credit_id)] == [eur("2.00"), eur("1.00"), eur("1.00")]


@pytest.mark.parametrize("method", ["create", "write", "action_post"])
def test_a_lost_answer_about_a_credit_is_harmless(harness: LiveHarness, method: str) -> None:
    ids = _owing(harness, harness.seed(one_invoice(harness)), (100, "21% S"), on=harness.today)
    credit = a_credit(ids, harness, invoice="t1")
    _lose(harness, method, lambda connector: connector.put_credits([credit]))
    _made, row = _credited(harness, credit)
    assert (row["state"], row["amount_untaxed"], row["amount_tax"]) == ("posted", 2.64, 0.56)
    assert len(harness.credits(credit.document_id)) == 1


def test_what_was_begun_yesterday_is_dated_today(harness: LiveHarness) -> None:
    ids = _owing(harness, harness.seed(one_invoice(harness)), (100, "21% S"), currency="USD", on=harness.today - timedelta(days=40))
    credit = a_credit(ids, harness, invoice="t1", amount=eur("3.20", "USD"))
    yesterday = replace(credit, dated_on=harness.today - timedelta(days=1))
    _lose(harness, "write", lambda connector: connector.put_credits([yesterday]))
    _made, row = _credited(harness, credit)
    assert (row["invoice_date"], row["amount_untaxed"], row["amount_tax"]) == (str(harness.today), 2.64, 0.56)
    charge = a_charge(ids, harness, is_taxed=True)
    _lose(harness, "create", lambda connector: connector.put_charges([replace(charge, charged_on=harness.today - timedelta(days=1))]))
    charged = replace(charge, due_on=charge.due_on + timedelta(days=1))
    made = harness.new().put_charges([charged])[charge.marker]
    assert not isinstance(made, Refused), made
    told = listen(harness).invoices[made.document_id]
    assert (told.issued_on, told.due_date, told.outstanding) == (harness.today, charged.due_on, eur("8.77"))


def test_a_draft_of_ours_that_nobody_posted_is_cancelled(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness, is_taxed=True)
    charged = harness.new(charge_as_draft=True).put_charges([charge])[charge.marker]
    assert not isinstance(charged, Refused)
    credit = CreditWanted("PUNTUAL-c1", charged.document_id, charged.number, charge.customer_id, eur("8.77"), "Anulación", harness.today)
    made, row = _credited(harness, credit)
    assert (made.is_void, made.number, row["state"]) == (True, charged.number, "cancel")


def test_on_another_receivable_account_it_is_refused_and_leaves_nothing(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    account = harness.ask(
        "account.account", "create", {"name": "Dudosos", "code": "436999", "account_type": "asset_receivable", "reconcile": True}
    )
    try:
        harness.ask("res.partner", "write", [int(ids.customers["c1"])], {"property_account_receivable_id": account})
        credit = a_credit(ids, harness)
        refused = harness.new().put_credits([credit])[credit.marker]
        assert isinstance(refused, Refused)
        assert "on another receivable account" in refused.detail
        assert list(harness.credits(credit.document_id)) == []
    finally:
        (other, *_more) = harness.ask.find("account.account", [["account_type", "=", "asset_receivable"], ["id", "!=", account]], "id")
        harness.ask("res.partner", "write", [int(ids.customers["c1"])], {"property_account_receivable_id": other["id"]})
        harness.ask("account.account", "unlink", [account])


# --- early discounts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("computation", "total", "discount"), [("included", "121.00", "2.42"), ("excluded", "121.00", "2.00"), ("mixed", "120.58", "2.00")]
)
def test_what_terms_grant_in_each_of_their_ways(harness: LiveHarness, computation: str, total: str, discount: str) -> None:
    term = _discount(harness, computation)
    ids = _owing(harness, harness.seed(one_invoice(harness)), (100, "21% S"), term=term, on=harness.today)
    told = listen(harness).invoices[ids.invoices["t1"]]
    assert (told.outstanding, told.early_discount) == (eur(total), EarlyDiscount(harness.today + timedelta(days=10), eur(discount)))
    paid = money_in(ids, harness, invoice="t1", amount=told.outstanding - eur(discount))
    assert isinstance(harness.new().put_payments([paid])[paid.marker], PaymentRecorded)
    assert listen(harness).owed(told.id) == eur(discount), "nothing is written off"
    _made, row = _credited(harness, a_credit(ids, harness, invoice="t1", amount=discount))
    assert (row["amount_tax"] == 0) == (computation == "mixed")
    assert listen(harness).owed(told.id) is None


# --- recorded payments ------------------------------------------------------------------------------------------------------------


def _paid(harness: LiveHarness, payment: PaymentReceived) -> PaymentRecorded:
    made = harness.new().put_payments([payment])[payment.marker]
    assert isinstance(made, PaymentRecorded), made
    return made


def test_the_whole_is_recorded_though_the_terms_grant_a_discount(harness: LiveHarness) -> None:
    ids = _owing(harness, harness.seed(one_invoice(harness)), (100, "21% S"), term=_discount(harness, "included"), on=harness.today)
    _paid(harness, money_in(ids, harness, invoice="t1", amount="121.00"))
    (seen,) = harness.recorded_payments(ids.invoices["t1"])
    assert (seen.amount, seen.used) == (eur("121.00"), eur("121.00"))
    assert listen(harness).owed(ids.invoices["t1"]) is None


def test_a_lost_answer_about_a_payment_is_harmless(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    payment = money_in(ids, harness)
    _lose(harness, "action_create_payments", lambda connector: connector.put_payments([payment]))
    _paid(harness, payment)
    assert [seen.used for seen in harness.recorded_payments(payment.invoice_id)] == [payment.amount]


def test_instalments_are_settled_in_their_order(harness: LiveHarness) -> None:
    (term, *_others) = harness.ask.find("account.payment.term", [["line_ids.value_amount", "=", 30]], "name")
    ids = _owing(harness, harness.seed(one_invoice(harness)), (100, ""), term=term["id"], on=harness.today)
    _paid(harness, money_in(ids, harness, invoice="t1", amount="50.00"))
    told = listen(harness).invoices[ids.invoices["t1"]]
    assert [part.outstanding for part in told.instalments] == [eur("0"), eur("50.00")]


def test_a_payment_that_a_person_cancelled_is_not_recorded_again(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    payment = money_in(ids, harness)
    _paid(harness, payment)
    (row,) = harness.ask.find("account.payment", [["partner_id", "=", int(ids.customers["c1"])]], "id")
    harness.ask("account.payment", "action_draft", [row["id"]])
    harness.ask("account.payment", "action_cancel", [row["id"]])
    refused = harness.new().put_payments([payment])[payment.marker]
    assert isinstance(refused, Refused)
    assert listen(harness).owed(payment.invoice_id) == Money.of("100", "EUR")
