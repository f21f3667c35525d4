"""The numbers of calls that README.md states, kept with pages of the usual size."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest
from odoo.stub_harness import StubHarness
from puntual.core.bookings import ChargeMade, CreditWanted, LateCharge, Note, PaymentReceived, Task
from puntual.core.money import Money
from puntual.core.port import Cursor

DUE = date(2026, 3, 2)
CONNECTING = {18: 4, 19: 3}
HOW_MANY = 2_500


@pytest.fixture(params=CONNECTING)
def harness(request: pytest.FixtureRequest) -> Iterator[StubHarness]:
    made = StubHarness(request.param)
    yield made
    made.close()


def _invoices(harness: StubHarness, count: int) -> list[str]:
    partner = harness.books.add_partner("Talleres Sur S.L.", is_company=True)
    return [str(harness.books.add_invoice(partner, [(DUE, Decimal(10))], issued_on=DUE)) for _each in range(count)]


def _calls(harness: StubHarness, use: Callable[[], object]) -> int:
    before = harness.calls()
    use()
    return harness.calls() - before - CONNECTING[harness.books.version]


def test_a_complete_pass_costs_three_calls_a_page(harness: StubHarness) -> None:
    _invoices(harness, HOW_MANY)
    heard: list[Cursor] = []
    assert _calls(harness, lambda: heard.extend(page.cursor for page in harness.new(page_size=1000).changes(None))) == 11 + 3 * 3
    assert _calls(harness, lambda: list(harness.new(page_size=1000).changes(heard[-1]))) == 10


def test_a_recheck_costs_three_calls_on_a_connection_that_is_known(harness: StubHarness) -> None:
    ids = _invoices(harness, 100)
    connector = harness.new(page_size=1000)
    assert _calls(harness, lambda: connector.recheck(ids[:1])) == 7
    before = harness.calls()
    assert len(connector.recheck(ids).invoices) == 100
    assert harness.calls() - before == 3


def test_notes_cost_the_same_for_one_and_for_a_hundred(harness: StubHarness) -> None:
    ids = _invoices(harness, 100)
    notes = [Note(f"PUNTUAL-{key}", key, "1", f"[PUNTUAL-{key}]", DUE) for key in ids]
    assert _calls(harness, lambda: harness.new().put_notes(notes[:1])) == 4
    assert _calls(harness, lambda: harness.new().put_notes(notes)) == 4
    connector = harness.new()
    connector.put_notes(notes)
    before = harness.calls()
    connector.put_notes(notes)
    assert harness.calls() - before == 1


def test_tasks_and_first_pages_cost_a_call_each(harness: StubHarness) -> None:
    ids = _invoices(harness, 10)
    tasks = [Task(f"PUNTUAL-{key}", key, "1", "Llamar", f"[PUNTUAL-{key}]", DUE) for key in ids]
    assert _calls(harness, lambda: harness.new().put_tasks(tasks)) == 3 + 10
    connector = harness.new()
    assert _calls(harness, lambda: connector.payment_pages(ids)) == 2 + 10
    before = harness.calls()
    connector.payment_pages(ids)
    assert harness.calls() - before == 1


def test_a_check_costs_a_call_more_for_each_name_in_the_settings(harness: StubHarness) -> None:
    assert _calls(harness, lambda: harness.new(charge_account="", payment_journal="").check()) == 8
    assert _calls(harness, lambda: harness.new(charge_journal="INV").check()) == 8 + 4


def test_charges_cost_five_calls_each_and_one_to_be_found_again(harness: StubHarness) -> None:
    ids = _invoices(harness, 10)
    amount = Money.of("7.25", "EUR")
    charges = [LateCharge(f"PUNTUAL-{key}", key, f"INV/{key}", "1", amount, "Interés", harness.today, harness.today) for key in ids]
    assert _calls(harness, lambda: harness.new().put_charges(charges[:1])) == 11 + 5
    connector = harness.new()
    assert _calls(harness, lambda: connector.put_charges(charges)) == 11 + 5 * 9
    before = harness.calls()
    assert len(connector.put_charges(charges)) == len(charges)
    assert harness.calls() - before == 1


def test_credits_cost_up_to_eleven_calls_each_and_four_to_be_found_again(harness: StubHarness) -> None:
    ids = _invoices(harness, 3)
    amount = Money.of("7.25", "EUR")
    credits_ = [CreditWanted(f"PUNTUAL-{key}", key, f"INV/{key}", "1", amount, "Descuento", harness.today) for key in ids]
    assert _calls(harness, lambda: harness.new().put_credits(credits_)) == 8 + 9 * 3
    connector = harness.new()
    connector.put_credits(credits_[:1])
    before = harness.calls()
    assert len(connector.put_credits(credits_)) == len(credits_)
    assert harness.calls() - before == 4


def test_what_bears_tax_is_rounded_with_two_calls_more_and_cancelled_with_five(harness: StubHarness) -> None:
    (invoice,) = _invoices(harness, 1)
    amount = Money.of("7.25", "EUR")
    charges = [
        LateCharge(f"PUNTUAL-{n}", invoice, f"INV/{invoice}", "1", amount, "Interés", harness.today, harness.today, is_taxed=True)
        for n in range(2)
    ]
    parts, whole = [made for made in harness.new().put_charges(charges).values() if isinstance(made, ChargeMade)]
    part = CreditWanted("PUNTUAL-a", parts.document_id, parts.number, "1", Money.of("3.20", "EUR"), "Abono", harness.today)
    all_of_it = CreditWanted("PUNTUAL-b", whole.document_id, whole.number, "1", whole.amount, "Abono", harness.today)
    assert _calls(harness, lambda: harness.new().put_credits([part])) == 8 + 11
    assert _calls(harness, lambda: harness.new().put_credits([all_of_it])) == 8 + 5


def test_payments_cost_six_calls_each_and_two_to_be_found_again(harness: StubHarness) -> None:
    ids = _invoices(harness, 3)
    payments = [
        PaymentReceived(f"PUNTUAL-{key}", key, f"INV/{key}", "1", Money.of("7.25", "EUR"), harness.today, f"pi_{key}") for key in ids
    ]
    assert _calls(harness, lambda: harness.new().put_payments(payments)) == 9 + 6 * 3
    connector = harness.new()
    connector.put_payments(payments[:1])
    before = harness.calls()
    assert len(connector.put_payments(payments)) == len(payments)
    assert harness.calls() - before == 2
