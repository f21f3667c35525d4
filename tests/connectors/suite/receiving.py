"""Receiving: money that came in on a provider's page stands in the books once, exactly, used on its invoice, never beyond what is owed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from harness import UNUSED_ID, Books, Harness, SeenPayment
from puntual.core.bookings import PaymentReceived, PaymentRecorded
from puntual.core.errors import Refused
from puntual.core.money import Money
from puntual.core.port import Capability
from puntual.core.receivables import CreditKind
from suite.rules import rule
from suite.sample import a_customer, able, an_invoice, eur, listen, lock, many_invoices, money_in, one_invoice

NO_DECIMALS = "JPY"


def _able(harness: Harness, *payments: PaymentReceived) -> bool:
    connector = harness.new()
    return able(connector, Capability.RECORDED_PAYMENTS, lambda: connector.put_payments(payments))


def _made(harness: Harness, payment: PaymentReceived) -> PaymentRecorded:
    """The payment as a fresh connector records it; it is not refused."""
    answer = harness.new().put_payments([payment])
    assert set(answer) == {payment.marker}
    made = answer[payment.marker]
    assert isinstance(made, PaymentRecorded), made
    assert (made.marker, made.amount) == (payment.marker, payment.amount)
    assert made.number
    return made


def _refused(harness: Harness, payment: PaymentReceived) -> Refused:
    """Why a fresh connector refuses the payment, in words."""
    answer = harness.new().put_payments([payment])[payment.marker]
    assert isinstance(answer, Refused), answer
    assert len(answer.detail.split()) > 2
    return answer


def _seen(harness: Harness, payment: PaymentReceived, made: PaymentRecorded) -> SeenPayment:
    """The payment that stands in the books, used on its invoice in full, where people find it by the provider's own id."""
    found = [seen for seen in harness.recorded_payments(payment.invoice_id) if seen.payment_id == made.payment_id]
    assert len(found) == 1, harness.recorded_payments(payment.invoice_id)
    assert (found[0].amount, found[0].used, found[0].paid_on) == (payment.amount, payment.amount, payment.received_on)
    assert payment.reference in found[0].text
    return found[0]


@rule()
def the_same_payment_twice_is_one_payment(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    part = money_in(ids, harness, "PUNTUAL-a1", invoice="m3", amount="1.05")
    whole = money_in(ids, harness, "PUNTUAL-a2", invoice="m1", amount="2.25")
    payments = [part, whole]
    if not _able(harness, *payments):
        return
    connector = harness.new()
    first = connector.put_payments([*payments, *payments])
    assert first == connector.put_payments(payments) == harness.new().put_payments(payments)
    for payment in payments:
        _seen(harness, payment, _made(harness, payment))
        assert len(harness.recorded_payments(payment.invoice_id)) == 1
    heard = listen(harness)
    assert (heard.owed(part.invoice_id), heard.owed(whole.invoice_id)) == (eur("3.20"), None)


@rule()
def a_crash_after_writing_still_leaves_one_payment(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    part = money_in(ids, harness, "PUNTUAL-b1", invoice="m3", amount="1.05")
    whole = money_in(ids, harness, "PUNTUAL-b2", invoice="m1", amount="2.25")
    if not _able(harness, part, whole):
        return
    for payment in (part, whole):
        connector = harness.new()
        harness.lose_next_answer()
        with pytest.raises(Exception):  # noqa: B017 -- a crash may be anything
            connector.put_payments([payment])
        _seen(harness, payment, _made(harness, payment))
        assert len(harness.recorded_payments(payment.invoice_id)) == 1
    heard = listen(harness)
    assert (heard.owed(part.invoice_id), heard.owed(whole.invoice_id)) == (eur("3.20"), None)


@rule()
def a_recorded_payment_is_heard_as_used_on_its_invoice(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    payment = money_in(ids, harness, days_ago=2)
    if not _able(harness, payment):
        return
    heard = listen(harness)
    made = _made(harness, payment)
    _seen(harness, payment, made)
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert listener.owed(payment.invoice_id) == eur("75.00")
        assert listener.allocated(payment.invoice_id) == {made.payment_id: payment.amount}
        (used,) = (each for each in listener.allocations.values() if each.invoice_id == payment.invoice_id)
        assert (used.source_kind, used.allocated_on) == (CreditKind.PAYMENT, payment.received_on)
        told = listener.payments.get(made.payment_id)
        assert told is None or (told.paid_on, told.amount, told.unapplied) == (payment.received_on, payment.amount, eur("0"))
    now = harness.new().recheck([payment.invoice_id])
    assert ([invoice.outstanding for invoice in now.invoices], now.credits) == ([eur("75.00")], ())


@rule()
def no_more_is_recorded_than_is_outstanding(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    beyond, after_payment, kept = (money_in(ids, harness, f"PUNTUAL-c{n}", invoice=f"m{n}", amount="1.26") for n in range(3))
    if not _able(harness, beyond, after_payment, kept):
        return
    harness.pay(after_payment.invoice_id, eur("1.00"), harness.today)
    answer = harness.new().put_payments([beyond, after_payment, kept])
    assert [isinstance(answer[each.marker], PaymentRecorded) for each in (beyond, after_payment, kept)] == [False, False, True]
    _refused(harness, replace(kept, marker="PUNTUAL-c9", amount=eur("2.00")))
    heard = listen(harness)
    assert [heard.owed(each.invoice_id) for each in (beyond, after_payment, kept)] == [eur("1.25"), eur("1.25"), eur("1.99")]
    assert [len(harness.recorded_payments(each.invoice_id)) for each in (beyond, after_payment, kept)] == [0, 0, 1]


@rule()
def nothing_is_recorded_on_what_is_not_owed(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    paid, void, gone = (money_in(ids, harness, f"PUNTUAL-f{n}", invoice=f"m{n}", amount="0.50") for n in range(3))
    unknown = replace(money_in(ids, harness, "PUNTUAL-f9", invoice="m4", amount="0.50"), invoice_id=UNUSED_ID)
    other = money_in(ids, harness, "PUNTUAL-f8", invoice="m4", amount=eur("0.50", "USD"))
    payments = [paid, void, gone, unknown, other]
    if not _able(harness, *payments):
        return
    harness.pay(paid.invoice_id, eur("1.25"), harness.today)
    harness.void(void.invoice_id)
    harness.delete(gone.invoice_id)
    answer = harness.new().put_payments(payments)
    assert set(answer) == {payment.marker for payment in payments}
    assert all(isinstance(refused, Refused) and refused.detail for refused in answer.values()), answer
    assert [list(harness.recorded_payments(payment.invoice_id)) for payment in (paid, void, other)] == [[], [], []]
    assert listen(harness).owed(other.invoice_id) == eur("5.25")
    assert harness.new().recheck([other.invoice_id]).credits == ()


@rule()
def without_its_setting_no_payment_is_recorded(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    payment = money_in(ids, harness)
    if not _able(harness, payment):
        return
    refused = harness.new(is_bare=True).put_payments([payment])[payment.marker]
    assert isinstance(refused, Refused), refused
    assert refused.detail
    assert refused.hint, "which setting is missing?"
    assert list(harness.recorded_payments(payment.invoice_id)) == []
    assert listen(harness).owed(payment.invoice_id) == eur("100.00")


@rule()
def what_the_lock_forbids_is_not_recorded(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    locked = money_in(ids, harness, "PUNTUAL-d1", invoice="m0", amount="0.50", days_ago=3)
    kept = money_in(ids, harness, "PUNTUAL-d2", invoice="m1", amount="0.50")
    if not _able(harness, locked, kept) or not lock(harness, 1):
        return
    _refused(harness, locked)
    assert list(harness.recorded_payments(locked.invoice_id)) == []
    _seen(harness, kept, _made(harness, kept))
    heard = listen(harness)
    assert (heard.owed(locked.invoice_id), heard.owed(kept.invoice_id)) == (eur("1.25"), eur("1.75"))
    assert harness.new().recheck([locked.invoice_id]).credits == ()


@rule()
def payments_are_exact_in_every_currency(harness: Harness) -> None:
    amounts = {"EUR": "0.10", "USD": "1234.07", NO_DECIMALS: "1250"}
    due = harness.today - timedelta(days=10)
    customers = tuple(a_customer(f"c{code}") for code in amounts)
    invoices = tuple(an_invoice(f"i{code}", "9000", currency=code, customer=f"c{code}", due=due, number=f"F-{code}") for code in amounts)
    ids = harness.seed(Books(customers, invoices))
    payments = [
        money_in(ids, harness, f"PUNTUAL-{code}", invoice=f"i{code}", customer=f"c{code}", amount=Money.of(amount, code))
        for code, amount in amounts.items()
    ]
    if not _able(harness, *payments):
        return
    answer, heard = harness.new().put_payments(payments), listen(harness)
    for payment in payments:
        made = answer[payment.marker]
        assert isinstance(made, PaymentRecorded), made
        _seen(harness, payment, made)
        assert heard.owed(payment.invoice_id) == eur("9000", payment.amount.currency) - payment.amount


@rule()
def the_marker_of_a_payment_is_not_taken_for_a_longer_one(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    long, short = (money_in(ids, harness, marker) for marker in ("PUNTUAL-12", "PUNTUAL-1"))
    if not _able(harness, long, short):
        return
    for payment in (long, short, long, short):
        _seen(harness, payment, _made(harness, payment))
    assert len(harness.recorded_payments(long.invoice_id)) == 2
    assert listen(harness).owed(long.invoice_id) == eur("50.00")


@rule()
def a_payment_that_a_person_took_back_is_not_recorded_again(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    payment = money_in(ids, harness)
    if not _able(harness, payment):
        return
    made = _made(harness, payment)
    harness.unallocate(payment.invoice_id)
    again = harness.new().put_payments([payment])[payment.marker]
    assert again == made or isinstance(again, Refused)
    assert [seen.payment_id for seen in harness.recorded_payments(payment.invoice_id)] in ([], [made.payment_id])


@rule()
def a_recorded_payment_moves_no_other_money(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    part = money_in(ids, harness, "PUNTUAL-e1", invoice="m3", amount="1.05")
    whole = money_in(ids, harness, "PUNTUAL-e2", invoice="m1", amount="2.25")
    if not _able(harness, part, whole):
        return
    heard = listen(harness)
    expected = {key: heard.owed(key) for key in heard.invoices} | {part.invoice_id: eur("3.20"), whole.invoice_id: None}
    for payment in (part, whole):
        lines = list(harness.lines(payment.invoice_id))
        _made(harness, payment)
        assert list(harness.lines(payment.invoice_id)) == lines
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert {key: listener.owed(key) for key in expected} == expected
    assert harness.new().recheck([part.invoice_id]).credits == ()
