"""Payments on a provider's page, recorded in QuickBooks Online: one write, whose answer may be lost, on what is still owed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from puntual.connectors.quickbooks.wire import Wire
from puntual.core.bookings import PaymentReceived, PaymentRecorded
from puntual.core.errors import PeriodLocked, PuntualError, Refused, RejectedByLedger, UnexpectedResponse
from qbo_harness import QboHarness
from suite.sample import eur, listen

TODAY = QboHarness.today
MARK = "puntual:5e1f"
REFERENCE = "pi_3MtwBwLkdIwHu7ix28a3tqPA"


@pytest.fixture
def harness() -> Iterator[QboHarness]:
    made = QboHarness()
    yield made
    made.close()


def _owing(harness: QboHarness, customer: str = "") -> str:
    owing = customer or harness.books.add_customer("Talleres Sur", email="sur@example.com")
    return harness.books.add_invoice(owing, Decimal("100.00"), issued_on=date(2026, 2, 10))


def _received(harness: QboHarness, invoice: str, **changes: Any) -> PaymentReceived:
    row = harness.books.store.get("Invoice", invoice)
    made = PaymentReceived(MARK, invoice, row["DocNumber"], row["CustomerRef"]["value"], eur("40.00"), TODAY - timedelta(days=2), REFERENCE)
    return replace(made, **changes)


def _put(harness: QboHarness, payment: PaymentReceived, **settings: Any) -> PaymentRecorded:
    made = harness.new(**settings).put_payments([payment])[payment.marker]
    assert isinstance(made, PaymentRecorded), made
    return made


def _refused(harness: QboHarness, payment: PaymentReceived, **settings: Any) -> Refused:
    answer = harness.new(**settings).put_payments([payment])[payment.marker]
    assert isinstance(answer, Refused), answer
    return answer


def _rows(harness: QboHarness) -> list[dict[str, Any]]:
    return list(harness.books.store.rows("Payment"))


def _account(harness: QboHarness, name: str) -> str:
    return next(str(row["Id"]) for row in harness.books.store.rows("Account") if row["FullyQualifiedName"] == name)


def _before_writing(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
    real = Wire.write

    def write(self: Wire, *given: Any) -> Any:
        happens()
        return real(self, *given)

    monkeypatch.setattr(Wire, "write", write)


def test_it_says_what_it_is_and_lies_where_it_belongs(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    payment, real, bodies = _received(harness, _owing(harness)), Wire.write, list[Any]()
    monkeypatch.setattr(Wire, "write", lambda self, entity, body, key: bodies.append(body) or real(self, entity, body, key))
    made = _put(harness, payment)
    assert bodies[0]["CurrencyRef"] == {"value": "EUR"}, "required where there are several currencies"
    row = harness.books.store.get("Payment", made.payment_id)
    assert (made.number, made.amount) == (REFERENCE[:21], eur("40.00")) == (row["PaymentRefNum"], eur(str(row["TotalAmt"])))
    assert row["PrivateNote"] == f"Puntual: payment {REFERENCE} for invoice {payment.invoice_number} [{MARK}]"
    assert row["DepositToAccountRef"]["name"] == "Undeposited Funds"
    assert (row["TxnDate"], row["CurrencyRef"]["value"], row["UnappliedAmt"]) == (payment.received_on, "EUR", 0)
    assert harness.books.posting.uses_of(row) == [("Invoice", payment.invoice_id, Decimal("40.00"))]
    heard = listen(harness)
    assert heard.owed(payment.invoice_id) == eur("60.00")
    assert heard.payments[made.payment_id].reference == REFERENCE[:21]


@pytest.mark.parametrize("remembers", [True, False], ids=["ids_kept", "ids_forgotten"])
def test_a_payment_whose_answer_was_lost_is_recorded_once(harness: QboHarness, remembers: bool) -> None:
    payment = _received(harness, _owing(harness))
    harness.lose_next_answer()
    with pytest.raises(PuntualError):
        harness.new().put_payments([payment])
    if not remembers:
        harness.server.forget_requests()
    made = _put(harness, payment)
    assert [row["Id"] for row in _rows(harness)] == [made.payment_id]
    assert _put(harness, payment, payment_account="") == made, "what was recorded is found without the setting"


def test_a_write_sent_twice_is_carried_out_once(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found in vain, as where the service shows what was written a moment later."""
    payment = _received(harness, _owing(harness), amount=eur("50.00"))
    connector = harness.new()
    monkeypatch.setattr(type(connector), "_find_payments", lambda *_given: {})
    assert connector.put_payments([payment]) == harness.new().put_payments([payment])
    assert len(_rows(harness)) == 1


def test_one_caught_up_with_late_is_found_where_it_was_written(harness: QboHarness) -> None:
    payment = _received(harness, _owing(harness), received_on=TODAY - timedelta(days=60))
    made = _put(harness, payment)
    harness.server.forget_requests()
    assert _put(harness, payment) == made


def test_a_jobs_invoice_is_paid_by_the_job_though_its_parent_pays(harness: QboHarness) -> None:
    parent = harness.books.add_customer("Freeman")
    job = harness.books.add_customer("55 Twin Lane", parent=parent, bill_with_parent=True)
    payment = _received(harness, _owing(harness, job), customer_id=parent)
    made = _put(harness, payment)
    assert [row["CustomerRef"]["value"] for row in _rows(harness)] == [job]
    harness.server.forget_requests()
    assert _put(harness, payment) == made
    assert len(_rows(harness)) == 1


def test_one_whose_invoice_is_gone_is_found_and_none_is_made_for_what_never_was(harness: QboHarness) -> None:
    payment = _received(harness, _owing(harness))
    made = _put(harness, payment)
    harness.delete(payment.invoice_id)
    assert _put(harness, payment) == made
    strange = replace(payment, marker="puntual:9", invoice_id="../1")
    assert "no invoice with the id" in _refused(harness, strange).detail


# --- the account ------------------------------------------------------------------------------------------------------------------


def test_the_account_may_be_named_or_numbered_also_below_another(harness: QboHarness) -> None:
    harness.books.add_account("Stripe", "Bank", parent="Checking")
    for n, (wanted, name) in enumerate(
        [("Checking", "Checking"), (_account(harness, "Checking"), "Checking"), ("Checking:Stripe", "Stripe"), ("Stripe", "Stripe")]
    ):
        payment = _received(harness, _owing(harness, "1" if n else ""), marker=f"{MARK}{n}")
        made = _put(harness, payment, payment_account=wanted)
        assert harness.books.store.get("Payment", made.payment_id)["DepositToAccountRef"]["name"] == name


def test_an_account_that_cannot_be_meant_is_refused_with_the_setting(harness: QboHarness) -> None:
    for parent in ("Checking", "Undeposited Funds"):
        harness.books.add_account("Stripe", "Bank", parent=parent)
    closed = harness.books.add_account("Old", "Bank")
    harness.books.deactivate("Account", closed)
    payment = _received(harness, _owing(harness))
    cases = {
        "": "No account",
        "Stripe": "several accounts",
        "Old": "no active account",
        closed: "no active account",
        "99": "no active account",
    }
    cases["Accounts Receivable (A/R)"] = "'Accounts Receivable'"
    for wanted, said in cases.items():
        refused = _refused(harness, payment, payment_account=wanted)
        assert said in refused.detail
        assert "payment_account" in refused.hint
    assert _rows(harness) == []


def test_without_an_account_nothing_is_read_of_the_invoice(harness: QboHarness) -> None:
    payment, before = _received(harness, _owing(harness)), harness.server.methods["GET invoice"]
    _refused(harness, payment, payment_account="")
    assert harness.server.methods["GET invoice"] == before


# --- what people and others do meanwhile ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["6210", "5010"])
def test_closed_books_are_told_as_such(harness: QboHarness, code: str) -> None:
    payment = _received(harness, _owing(harness))
    harness.books.close_books(TODAY - timedelta(days=1), code=code)
    assert isinstance(_refused(harness, payment), PeriodLocked)
    assert _rows(harness) == []


def test_paid_by_transfer_just_before_is_not_paid_twice(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = _received(harness, _owing(harness))
    _before_writing(monkeypatch, lambda: harness.pay(payment.invoice_id, eur("90.00"), TODAY))
    assert isinstance(_refused(harness, payment), RejectedByLedger)
    assert "Only 10.00 EUR is outstanding" in _refused(harness, payment).detail
    assert len(_rows(harness)) == 1


def test_what_a_person_did_with_it_is_left_alone(harness: QboHarness) -> None:
    payment = _received(harness, _owing(harness))
    made = _put(harness, payment)
    harness.books.edit("Payment", made.payment_id, TotalAmt=Decimal("41.00"))
    assert "is over 41.00 EUR" in _refused(harness, payment).detail
    harness.books.void_payment(made.payment_id)
    assert "made void" in _refused(harness, payment).detail
    again = harness.books.add_payment(payment.customer_id, payment.amount.amount, on=TODAY, PrivateNote=f"[{MARK}]")
    assert _put(harness, payment).payment_id == again
    harness.books.add_payment(payment.customer_id, payment.amount.amount, on=TODAY, PrivateNote=f"[{MARK}]")
    assert "2 times" in _refused(harness, payment).detail


def test_an_answer_about_something_else_is_a_misunderstanding(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = _received(harness, _owing(harness))
    row = {"Id": "9", "TotalAmt": 40, "CurrencyRef": {"value": "EUR"}, "Line": []}
    used = [{"Amount": 40, "LinkedTxn": [{"TxnId": payment.invoice_id, "TxnType": "Invoice"}]}]
    for answer in (row, {**row, "TotalAmt": 4, "Line": used}):
        monkeypatch.setattr(Wire, "write", lambda *_given, answer=answer: answer)
        with pytest.raises(UnexpectedResponse):
            harness.new().put_payments([payment])
