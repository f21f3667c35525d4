"""The numbers of calls that README.md states, kept with pages of the usual size."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest
from odoo.stub_harness import StubHarness
from puntual.core.bookings import LateCharge, Note, Task
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
    assert _calls(harness, lambda: harness.new(charge_account="").check()) == 8
    assert _calls(harness, lambda: harness.new(charge_tax="21% S", charge_journal="INV").check()) == 8 + 3


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
