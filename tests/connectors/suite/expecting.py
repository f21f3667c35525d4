"""Expecting: the day on which an invoice is expected to be paid is shown to people in the ledger, and a person's own day is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from harness import UNUSED_ID, Harness
from puntual.core.bookings import ExpectedPayment
from puntual.core.port import Capability
from suite.rules import rule
from suite.sample import Listener, able, listen, many_invoices, one_invoice


def _expects(harness: Harness, *expected: ExpectedPayment) -> bool:
    connector = harness.new()
    return able(connector, Capability.EXPECTED_PAYMENTS, lambda: connector.put_expected_payments(expected))


@rule()
def the_expected_payment_is_shown_changed_and_cleared(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, soon = ids.invoices["i1"], harness.today + timedelta(days=9)
    if not _expects(harness, ExpectedPayment(invoice, soon)):
        return
    assert harness.expected_payment(invoice) is None
    for day in (soon, soon, soon + timedelta(days=20), None, None, harness.today):
        assert list(harness.new().put_expected_payments([ExpectedPayment(invoice, day)])) == [invoice]
        assert harness.expected_payment(invoice) == day


@rule()
def a_lost_answer_about_an_expected_payment_is_harmless(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, soon = ids.invoices["i1"], harness.today + timedelta(days=9)
    if not _expects(harness, ExpectedPayment(invoice, soon)):
        return
    for day in (soon, None):
        connector = harness.new()
        harness.lose_next_answer()
        with pytest.raises(Exception):  # noqa: B017 -- a crash may be anything
            connector.put_expected_payments([ExpectedPayment(invoice, day)])
        assert harness.expected_payment(invoice) == day
        assert list(harness.new().put_expected_payments([ExpectedPayment(invoice, day)])) == [invoice]
        assert harness.expected_payment(invoice) == day


@rule()
def an_expected_payment_moves_no_money_and_no_due_date(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    invoice = ids.invoices["m0"]
    expected = ExpectedPayment(invoice, harness.today + timedelta(days=9))
    if not _expects(harness, expected):
        return
    heard = listen(harness)
    before = {key: replace(each, version="") for key, each in heard.invoices.items()}
    harness.new().put_expected_payments([expected])
    for listener in (heard.sync(harness.new()), Listener().sync(harness.new())):
        assert {key: replace(each, version="") for key, each in listener.invoices.items()} == before


@rule()
def a_gone_invoice_does_not_stop_the_other_expected_payments(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    gone, *kept = (ids.invoices[f"m{n}"] for n in range(4))
    day = harness.today + timedelta(days=9)
    expected = [ExpectedPayment(invoice, day) for invoice in (gone, UNUSED_ID, *kept)]
    if not _expects(harness, *expected):
        return
    harness.delete(gone)
    assert sorted(harness.new().put_expected_payments(expected)) == sorted(kept)
    assert [harness.expected_payment(invoice) for invoice in kept] == [day] * len(kept)


@rule()
def a_day_that_a_person_put_there_is_not_taken_away(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    theirs, mine, empty = (ids.invoices[f"m{n}"] for n in range(3))
    day = harness.today + timedelta(days=9)
    put = [ExpectedPayment(theirs, day), ExpectedPayment(mine, day)]
    if not _expects(harness, *put):
        return
    harness.new().put_expected_payments(put)
    cleared = [
        ExpectedPayment(theirs, None, ours=(day - timedelta(days=1),)),
        ExpectedPayment(mine, None, ours=(day - timedelta(days=1), day)),
        ExpectedPayment(empty, None, ours=(day,)),
    ]
    assert sorted(harness.new().put_expected_payments(cleared)) == sorted([theirs, mine, empty])
    assert [harness.expected_payment(invoice) for invoice in (theirs, mine, empty)] == [day, None, None]
