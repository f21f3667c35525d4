"""Payments recorded in Xero: once whatever is lost, in the account of the policy, and never again what a person deleted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from puntual.connectors.xero.stub import LEAST
from puntual.connectors.xero.stub.documents import Payment
from puntual.connectors.xero.wire import XeroWire
from puntual.core.bookings import Note, PaymentReceived, PaymentRecorded
from puntual.core.errors import LedgerUnavailable, PeriodLocked, PermissionMissing, PolicyProblem, Refused, UnexpectedResponse
from suite.sample import eur, listen
from xero.xero_books import DUE, ISSUED, customer, heard_by, owing
from xero.xero_harness import XeroHarness
from xero.xero_world import World, message

MARK = "puntual:0123456789abcdef"
REFERENCE = f"[{MARK}] pi_3MtwBw"


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


def _money_in(harness: XeroHarness, invoice: str, amount: str = "25.00", **changes: Any) -> PaymentReceived:
    row = harness.books.invoices[invoice]
    return replace(
        PaymentReceived(MARK, invoice, row.number, row.contact_id, eur(amount, row.currency), harness.today, "pi_3MtwBw"), **changes
    )


def _put(connector: Any, payment: PaymentReceived) -> PaymentRecorded:
    made = connector.put_payments([payment])[payment.marker]
    assert isinstance(made, PaymentRecorded), made
    return made


def _refused(connector: Any, payment: PaymentReceived) -> Refused:
    answer = connector.put_payments([payment])[payment.marker]
    assert isinstance(answer, Refused), answer
    return answer


def _ours(harness: XeroHarness) -> list[Payment]:
    return [payment for payment in harness.books.payments.values() if payment.reference.startswith(f"[{MARK}]")]


def _account(harness: XeroHarness, code: str) -> str:
    return next(account.id for account in harness.books.accounts if account.code == code)


# --- what is sent -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["090", "091"])
@pytest.mark.parametrize("by_id", [False, True], ids=["code", "id"])
def test_a_payment_goes_into_the_account_of_the_policy(harness: XeroHarness, code: str, by_id: bool) -> None:
    account = _account(harness, code)
    payment = _money_in(harness, owing(harness), received_on=harness.today - timedelta(days=2))
    connector = harness.new(payment_account=account.upper() if by_id else code)
    connector.check()
    made = _put(connector, payment)
    (kept,) = _ours(harness)
    assert (kept.account_id, kept.amount, kept.on, kept.reference) == (account, Decimal("25.00"), payment.received_on, REFERENCE)
    assert (made.payment_id, made.number, kept.reconciled) == (kept.id, REFERENCE, False)


def test_without_an_account_nothing_is_sent_and_what_stands_is_known(harness: XeroHarness) -> None:
    payment = _money_in(harness, owing(harness))
    harness.connect(LEAST)
    bare = harness.new(is_bare=True)
    said = heard_by(bare)
    bare.check()
    assert "payment_account" in _refused(bare, payment).hint
    assert bare.put_notes([Note("PUNTUAL-1", payment.invoice_id, "", "[PUNTUAL-1]", harness.today)])
    assert [request["path"] for request in said if request["method"] != "GET"] == [f"/api.xro/2.0/Invoices/{payment.invoice_id}/History"]
    harness.connect()
    made = _put(harness.new(), payment)
    assert _put(harness.new(is_bare=True), payment) == made


def test_what_is_locked_is_not_even_asked_for(harness: XeroHarness) -> None:
    payment, connector = _money_in(harness, owing(harness)), harness.new()
    harness.lock_period(harness.today)
    said = heard_by(connector)
    assert isinstance(_refused(connector, payment), PeriodLocked)
    assert {request["method"] for request in said} == {"GET"}
    tomorrow = replace(payment, received_on=harness.today + timedelta(days=1))
    assert _put(connector, tomorrow)


def test_a_lock_that_xero_alone_knows_is_a_locked_period(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    payment, connector = _money_in(harness, owing(harness)), harness.new()
    monkeypatch.setattr(connector._charges, "locked_until", None)
    harness.books.lock_until(harness.today, year_end=True)
    assert isinstance(_refused(connector, payment), PeriodLocked)


def test_a_number_is_no_id_though_xero_takes_it_for_one(harness: XeroHarness) -> None:
    payment, connector = _money_in(harness, owing(harness)), harness.new()
    said = heard_by(connector)
    assert payment.invoice_number in _refused(connector, replace(payment, invoice_id=payment.invoice_number)).detail
    assert said == []


def test_a_bill_of_a_supplier_is_not_paid(harness: XeroHarness) -> None:
    bill = harness.books.add_invoice(customer(harness), Decimal(50), on=ISSUED, due=DUE, type="ACCPAY")
    assert "no sales invoice" in _refused(harness.new(), _money_in(harness, bill)).detail


# --- once -------------------------------------------------------------------------------------------------------------------------


def test_a_lost_answer_leaves_one_payment_while_xero_remembers_the_key(harness: XeroHarness) -> None:
    payment, connector = _money_in(harness, owing(harness)), harness.new()
    harness.lose_next_answer()
    with pytest.raises(LedgerUnavailable):
        connector.put_payments([payment])
    assert _put(connector, payment).payment_id == _ours(harness)[0].id
    assert len(_ours(harness)) == 1


def test_a_payment_that_is_not_to_be_seen_yet_is_caught_by_its_key(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Xero writes it after we gave up, and shows it late."""
    payment, connector = _money_in(harness, owing(harness)), harness.new()
    made = _put(connector, payment)
    real = XeroWire.invoice
    monkeypatch.setattr(XeroWire, "payments_of", lambda *_unused: [])
    monkeypatch.setattr(XeroWire, "invoice", lambda *given: {**real(*given), "Payments": []})
    assert _put(connector, payment) == made
    assert len(_ours(harness)) == 1


def test_a_payment_that_comes_through_after_the_look_is_not_made_again(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = _money_in(harness, owing(harness))
    real = XeroWire.invoice

    def late(self: XeroWire, invoice_id: str) -> Any:
        harness.books.pay(invoice_id, payment.amount.amount, on=harness.today, reference=REFERENCE)
        return real(self, invoice_id)

    monkeypatch.setattr(XeroWire, "invoice", late)
    assert _put(harness.new(), payment).payment_id == _ours(harness)[0].id
    assert len(_ours(harness)) == 1
    assert listen(harness).owed(payment.invoice_id) == eur("75.00")


def test_all_payments_of_an_invoice_are_looked_at(harness: XeroHarness) -> None:
    invoice = owing(harness, "1000.00")
    for _each in range(101):
        harness.books.pay(invoice, Decimal(1), on=harness.today, reference="by hand")
        harness.at += timedelta(seconds=1)
    payment = _money_in(harness, invoice)
    made = _put(harness.new(), payment)
    assert _put(harness.new(), payment) == made
    harness.books.delete_payment(made.payment_id)
    assert "was deleted" in _refused(harness.new(), payment).detail
    assert len(_ours(harness)) == 1


# --- what a person did ------------------------------------------------------------------------------------------------------------


def _deleted(harness: XeroHarness, made: PaymentRecorded) -> None:
    harness.books.delete_payment(made.payment_id)


def _twice(harness: XeroHarness, made: PaymentRecorded) -> None:
    first = harness.books.payments[made.payment_id]
    harness.books.pay(first.invoice_id, first.amount, on=first.on, reference=first.reference)


def _of_another_amount(harness: XeroHarness, made: PaymentRecorded) -> None:
    harness.books.payments[made.payment_id].amount = Decimal("24.00")


@pytest.mark.parametrize(
    ("done", "words", "owed"),
    [(_deleted, "was deleted", "100.00"), (_twice, "2 times", "50.00"), (_of_another_amount, "24.00 EUR", "76.00")],
)
def test_what_a_person_did_is_left_for_people(
    harness: XeroHarness, done: Callable[[XeroHarness, PaymentRecorded], None], words: str, owed: str
) -> None:
    payment = _money_in(harness, owing(harness))
    done(harness, _put(harness.new(), payment))
    refused = _refused(harness.new(), payment)
    assert words in refused.detail
    assert refused.hint
    assert listen(harness).owed(payment.invoice_id) == eur(owed)


def test_the_one_that_is_left_of_two_is_known(harness: XeroHarness) -> None:
    payment = _money_in(harness, owing(harness))
    made = _put(harness.new(), payment)
    _twice(harness, made)
    harness.books.delete_payment(next(each.id for each in _ours(harness) if each.id != made.payment_id))
    assert _put(harness.new(), payment) == made


def test_a_payment_that_a_person_moved_to_another_invoice_is_for_people(harness: XeroHarness) -> None:
    payment, other = _money_in(harness, owing(harness)), _money_in(harness, owing(harness), marker="puntual:0ther")
    harness.books.delete_payment(_put(harness.new(), payment).payment_id)
    harness.books.pay(other.invoice_id, Decimal("25.00"), on=harness.today, reference=REFERENCE)
    answer = harness.new().put_payments([payment, other])
    assert isinstance(answer[MARK], Refused)
    assert isinstance(answer[other.marker], PaymentRecorded)


# --- settings and rights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("account", "words"), [("999", "payment_account"), ("092", "payment_account"), ("200", "takes no payments")])
def test_an_account_that_takes_no_payments_is_named(harness: XeroHarness, account: str, words: str) -> None:
    connector = harness.new(payment_account=account)
    assert words in str(_refused(connector, _money_in(harness, owing(harness))))
    with pytest.raises(PolicyProblem, match=account):
        connector.check()
    assert _ours(harness) == []


def test_the_right_to_record_is_proved_and_asked_for_in_words(harness: XeroHarness) -> None:
    harness.connect(LEAST)
    with pytest.raises(PermissionMissing, match="Connect it again"):
        harness.new().check()
    with pytest.raises(PermissionMissing, match=r"accounting\.payments in Xero"):
        harness.new().put_payments([_money_in(harness, owing(harness))])
    harness.connect()
    harness.books.actions["CreateInvoicePayment"] = "NOT-ALLOWED"
    harness.new(payment_account="").check()
    with pytest.raises(PermissionMissing, match="record payments"):
        harness.new().check()


def test_an_error_with_status_200_is_no_payment(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the example of Xero's OpenAPI description, which has an id and an error."""
    payment, connector = _money_in(harness, owing(harness)), harness.new()
    row = {"PaymentID": "61ed71fc", "Amount": 1, "Reference": REFERENCE, "HasValidationErrors": True}
    said = {**row, "ValidationErrors": [{"Message": "Payment amount exceeds the amount outstanding on this document"}]}
    monkeypatch.setattr("puntual.connectors.xero.wire._rows", lambda answer, key: [said] if "Payments" in answer else answer[key])
    monkeypatch.setattr(XeroWire, "payments_of", lambda *_unused: [])
    assert "exceeds the amount outstanding" in _refused(connector, payment).detail


def test_a_payment_without_our_reference_is_not_believed(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    real = XeroWire.create_payment
    monkeypatch.setattr(XeroWire, "create_payment", lambda *given: {**real(*given), "Reference": ""})
    with pytest.raises(UnexpectedResponse):
        harness.new().put_payments([_money_in(harness, owing(harness))])


# --- the stand-in -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.token = made.server.grant(LEAST.replace("payments.read", "payments")).access_token
    yield made
    made.server.close()


def _pay(world: World, **changes: Any) -> Any:
    body = {"Invoice": {"InvoiceID": world.invoice}, "Account": {"Code": "090"}, "Date": "2026-03-18", "Amount": 30, "Reference": "x"}
    return world.api("PUT", "Payments", {"Payments": [{**body, **changes}]})


def test_the_stand_in_records_and_lists_payments(world: World) -> None:
    made = _pay(world).json()["Payments"][0]
    assert (made["Amount"], made["Status"], made["PaymentType"], made["Account"]["Code"]) == (30, "AUTHORISED", "ACCRECPAYMENT", "090")
    assert (world.one()["AmountDue"], world.one()["Payments"][0]["Reference"]) == (70, "x")
    enabled = {row["Code"] for row in world.get("Accounts") if row["Type"] == "BANK" or row["EnablePaymentsToAccount"]}
    assert enabled == {"090", "091", "092"}
    listed = world.get("Payments", where=f'Invoice.InvoiceID==guid("{world.invoice}")')
    assert [row["PaymentID"] for row in listed] == [made["PaymentID"]]
    assert world.api("PUT", f"Payments/{made['PaymentID']}", {}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Amount": 100.01}, "exceeds the amount outstanding"),
        ({"Amount": 0}, "exceeds the amount outstanding"),
        ({"Invoice": {"InvoiceID": "x"}}, "could not be found"),
        ({"Account": {}}, "Account code or Account ID for the payment"),
        ({"Account": {"Code": "999"}}, "Account could not be found"),
        ({"Account": {"Code": "092"}}, "Account could not be found"),
        ({"Account": {"Code": "200"}}, "takes no payments"),
        ({"Date": "2026-01-31"}, "accounts are locked"),
        ({"Date": "soon"}, "not a valid date"),
        ({"PaymentID": "x", "Status": "DELETED"}, "cannot be modified"),
    ],
)
def test_the_stand_in_refuses_what_xero_refuses(world: World, changes: dict[str, Any], said: str) -> None:
    world.books.lock_until(ISSUED.replace(month=1, day=31))
    assert said in message(_pay(world, **changes))
    assert world.one()["AmountDue"] == 100


def test_the_stand_in_pays_approved_documents_only(world: World) -> None:
    world.books.void(world.invoice)
    assert "Authorised documents" in message(_pay(world))
    world.token = world.server.grant().access_token
    assert _pay(world).status_code == 401
