"""The numbers of calls that README.md states, kept with pages of the usual size."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from puntual.core.bookings import ChargeMade, CreditWanted, ExpectedPayment, LateCharge, Note, PaymentReceived
from puntual.core.port import Cursor
from suite.sample import eur
from xero.xero_harness import XeroHarness

DUE = date(2026, 3, 2)
HOW_MANY = 2_500


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    made.server.quotas[made.books.tenant_id].minute = None
    yield made
    made.close()


def _invoices(harness: XeroHarness, count: int, customers: int = 1) -> list[str]:
    owners = [harness.books.add_contact(f"Cliente {n}", f"c{n}@example.com") for n in range(customers)]
    harness.at += timedelta(hours=1)
    ids: list[str] = []
    for n in range(count):
        harness.at += timedelta(seconds=1)
        ids.append(harness.books.add_invoice(owners[n % customers], Decimal(10), on=DUE, due=DUE))
    return ids


def _calls(harness: XeroHarness, use: Callable[[], object]) -> int:
    before = harness.calls()
    use()
    return harness.calls() - before


def _read(harness: XeroHarness, cursor: Cursor | None) -> tuple[int, Cursor]:
    """The calls of one reading, and where the next one begins."""
    heard: list[Cursor] = []
    used = _calls(harness, lambda: heard.extend(page.cursor for page in harness.new(page_size=1000).changes(cursor)))
    return used, heard[-1]


def test_check(harness: XeroHarness) -> None:
    assert _calls(harness, lambda: harness.new(charge_account="", payment_account="").check()) == 4
    assert _calls(harness, lambda: harness.new(payment_account="").check()) == 5
    assert _calls(harness, lambda: harness.new(charge_account="").check()) == 6
    assert _calls(harness, lambda: harness.new().check()) == 6


def test_a_complete_pass_over_one_page_and_then_quiet_books(harness: XeroHarness) -> None:
    _invoices(harness, 900, customers=150)
    used, cursor = _read(harness, None)
    assert used == 5 + 2
    for _look in range(4):
        used, cursor = _read(harness, cursor)
        assert used == 4


def test_a_complete_pass_over_several_pages(harness: XeroHarness) -> None:
    _invoices(harness, HOW_MANY, customers=150)
    used, _cursor = _read(harness, None)
    assert used == 5 + 3 - 1 + 2 + 2


def test_news_cost_two_calls_more(harness: XeroHarness) -> None:
    ids = _invoices(harness, 20, customers=4)
    cursor = _read(harness, None)[1]
    harness.at += timedelta(hours=1)
    harness.pay(ids[0], eur("10.00"), harness.today)
    assert _read(harness, cursor)[0] == 4 + 2


def test_a_recheck_costs_one_call_for_a_hundred_and_three_for_credits(harness: XeroHarness) -> None:
    ids = _invoices(harness, 101)
    assert _calls(harness, lambda: harness.new().recheck(ids[:1])) == 1 + 3
    assert _calls(harness, lambda: harness.new().recheck(ids[:100])) == 1 + 3
    assert _calls(harness, lambda: harness.new().recheck(ids)) == 2 + 3
    harness.void(ids[0])
    assert _calls(harness, lambda: harness.new().recheck(ids[:1])) == 1


def test_notes_cost_two_calls_each_and_one_when_they_are_there(harness: XeroHarness) -> None:
    notes = [Note(f"PUNTUAL-{key}", key, "1", f"[PUNTUAL-{key}]", DUE) for key in _invoices(harness, 10)]
    assert _calls(harness, lambda: harness.new().put_notes(notes)) == 2 * 10
    assert _calls(harness, lambda: harness.new().put_notes(notes)) == 10


def test_pages_and_prints_cost_one_call_each_and_pages_only_once(harness: XeroHarness) -> None:
    ids = _invoices(harness, 5)
    assert _calls(harness, lambda: harness.new().payment_pages(ids)) == 5
    assert _calls(harness, lambda: harness.new().payment_pages(ids)) == 0
    assert _calls(harness, lambda: harness.new().invoice_pdf(ids[0])) == 1


@pytest.mark.parametrize(("on_invoice", "found_again"), [(False, 1 + 6), (True, 1)])
def test_charges_cost_three_calls_each(harness: XeroHarness, on_invoice: bool, found_again: int) -> None:
    ids = _invoices(harness, 6)
    due_on = harness.today + timedelta(days=7)
    charges = [
        LateCharge(f"PUNTUAL-{n}", key, f"INV-{n}", "", eur("5.00"), "Recargo", harness.today, due_on, on_invoice)
        for n, key in enumerate(ids)
    ]
    assert _calls(harness, lambda: harness.new().put_charges(charges)) == 6 + 3 * 6
    assert _calls(harness, lambda: harness.new().put_charges(charges)) == found_again


def test_credits_cost_a_look_and_three_calls_each_and_a_void_two(harness: XeroHarness) -> None:
    ids, today = _invoices(harness, 6), harness.today
    wanted = [CreditWanted(f"PUNTUAL-{n}", key, f"INV-{n}", "", eur("5.00"), "Descuento", today) for n, key in enumerate(ids)]
    assert _calls(harness, lambda: harness.new().put_credits(wanted)) == 1 + 6 + 1 + 3 * 6
    assert _calls(harness, lambda: harness.new().put_credits(wanted)) == 1 + 6
    charges = [LateCharge(f"PUNTUAL-c{n}", key, f"INV-{n}", "", eur("5.00"), "Recargo", today, today) for n, key in enumerate(ids)]
    made = [each for each in harness.new().put_charges(charges).values() if isinstance(each, ChargeMade)]
    voids = [CreditWanted(f"{each.marker}v", each.document_id, each.number, "", each.amount, "Anulado", today) for each in made]
    assert _calls(harness, lambda: harness.new().put_credits(voids)) == 1 + 6 + 1 + 2 * 6
    assert _calls(harness, lambda: harness.new().put_credits(voids)) == 1 + 6


def test_payments_cost_a_look_at_each_invoice_and_two_calls_each(harness: XeroHarness) -> None:
    ids, today = _invoices(harness, 3), harness.today
    payments = [PaymentReceived(f"PUNTUAL-{n}", ids[n % 3], "", "", eur("1.00"), today, "pi_1") for n in range(6)]
    assert _calls(harness, lambda: harness.new().put_payments(payments)) == 3 + 1 + 2 * 6
    assert _calls(harness, lambda: harness.new().put_payments(payments)) == 3


def test_expected_dates_cost_one_call_each_and_one_for_a_hundred(harness: XeroHarness) -> None:
    expected = [ExpectedPayment(key, harness.today) for key in _invoices(harness, 10)]
    assert _calls(harness, lambda: harness.new().put_expected_payments(expected)) == 1 + 10
    assert _calls(harness, lambda: harness.new().put_expected_payments(expected)) == 1
