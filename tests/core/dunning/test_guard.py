"""The guard: each alarm, at the edge of its threshold."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from dunning_cases import GOMEZ, TUESDAY, credit, invoice, owing, plan_for, policy
from puntual.core.dunning.facts import Plan
from puntual.core.dunning.guard import Circumstances, alarm_of_vanished, alarms

CALM = Circumstances(open_customers=10, is_first_run=False, last_bank_entry_on=TUESDAY)


def words(plan: Plan, by: Any = None, **around: Any) -> str:
    return " / ".join(f"{alarm.what} → {alarm.how_to_proceed}" for alarm in alarms(plan, by or policy(), replace(CALM, **around)))


def plan_for_customers(count: int) -> Plan:
    people = [replace(GOMEZ, id=f"c{n}", email=f"c{n}@example.com") for n in range(count)]
    return plan_for(*(owing(replace(invoice(f"F-{n}"), customer_id=who.id), customer=who) for n, who in enumerate(people)))


def test_a_plausible_plan_raises_no_alarm() -> None:
    assert words(plan_for(owing(invoice()))) == ""


@pytest.mark.parametrize("facts", [owing(), owing(invoice(), customer=replace(GOMEZ, email=""))], ids=["nothing", "a task only"])
def test_a_plan_that_writes_to_nobody_needs_no_guard(facts: Any) -> None:
    assert words(plan_for(facts), is_first_run=True, last_bank_entry_on=None) == ""


def test_a_first_run_on_old_debt_asks_for_a_choice() -> None:
    told = words(plan_for(owing(invoice())), is_first_run=True)
    assert told.startswith("this is the first run and 1 item is already overdue → say in the policy")
    assert "go_live: {date: 2026-04-14, old_debt: ignore | one_summary | matching_level}" in told


def test_a_first_run_is_fine_with_a_choice_or_without_old_debt() -> None:
    chosen = policy(go_live={"date": "2026-04-01", "old_debt": "ignore"})
    upcoming = plan_for(owing(invoice(due=TUESDAY + timedelta(days=5))))
    assert words(plan_for(owing(invoice()), by=chosen), chosen, is_first_run=True) == ""
    assert len(upcoming.actions) == 1
    assert words(upcoming, is_first_run=True) == ""


@pytest.mark.parametrize(("customers", "open_customers", "stops"), [(20, 50, False), (20, 49, True), (19, 19, False), (21, 50, True)])
def test_the_share_of_customers_at_its_edge(customers: int, open_customers: int, stops: bool) -> None:
    told = words(plan_for_customers(customers), open_customers=open_customers)
    assert told.startswith(f"{customers} of {open_customers} customers with open items") == stops
    assert ("--confirm" in told) == stops


def test_the_share_is_the_policys() -> None:
    bold = policy(guard={"max_share_of_customers": 1.0})
    assert words(plan_for_customers(20), bold, open_customers=20) == ""
    wary = policy(guard={"share_from_customers": 2, "max_share_of_customers": 0.1})
    assert "2 of 10 customers" in words(plan_for_customers(2), wary)


@pytest.mark.parametrize(("days", "stops"), [(10, False), (11, True)])
def test_stale_books_at_their_edge(days: int, stops: bool) -> None:
    told = words(plan_for(owing(invoice())), last_bank_entry_on=TUESDAY - timedelta(days=days))
    assert told.startswith(f"the newest payment, bank entry or export of the books is of {TUESDAY - timedelta(days=days)}") == stops


def test_books_without_any_payment_stop() -> None:
    assert "the books hold no payment at all" in words(plan_for(owing(invoice())), last_bank_entry_on=None)


def test_a_ledger_that_cannot_tell_is_not_asked() -> None:
    assert words(plan_for(owing(invoice())), last_bank_entry_on=None, knows_bank_entries=False) == ""


@pytest.mark.parametrize(("owed", "stops"), [("500.00", False), ("500.01", True)])
def test_the_total_at_its_edge(owed: str, stops: bool) -> None:
    told = words(
        plan_for(owing(invoice("F-1", owed), invoice("F-2", "9000.00", currency="USD"))), policy(guard={"max_total": {"EUR": 500}})
    )
    assert told.startswith("the run would claim 500.01 EUR, more than the 500 of guard.max_total →") == stops
    assert (told == "") != stops


def test_the_total_counts_notices_only() -> None:
    nobody = replace(GOMEZ, id="nobody", email="")
    unaddressed = owing(replace(invoice("F-2", "9000.00"), customer_id="nobody"), customer=nobody)
    plan = plan_for(owing(invoice("F-1", "50.00"), credits=(credit("1.00"),)), unaddressed)
    assert len(plan.actions) == 2
    assert words(plan, policy(guard={"max_total": {"EUR": 500}})) == ""


def test_several_alarms_are_told_together() -> None:
    found = alarms(
        plan_for(owing(invoice())),
        policy(guard={"max_total": {"EUR": 1}}),
        replace(CALM, is_first_run=True, last_bank_entry_on=date(2025, 1, 1)),
    )
    assert len(found) == 3


@pytest.mark.parametrize(
    ("known", "vanished", "stops"),
    [
        (20, 10, False),
        (20, 11, True),
        (18, 9, False),
        (17, 9, False),
        (9, 9, True),
        (2, 2, True),
        (1, 1, False),
        (0, 0, False),
        (100, 0, False),
    ],
)
def test_an_emptied_ledger_stops_the_run(known: int, vanished: int, stops: bool) -> None:
    alarm = alarm_of_vanished(known, vanished)
    assert (alarm is not None) == stops
    assert alarm is None or alarm.what == f"{vanished} of {known} open items are gone from the books without being paid or voided"
