"""How far a charge goes: the limit of the law, the cap of each instalment, interest on interest, and when it is to be paid."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from charge_cases import AGREED, DUE, LATER, RECOVERY, STATUTE, book, left, made, owing, record
from puntual.core.dunning.interest import InterestPaid
from puntual.core.money import Money

COLOMBIA = {"country": "CO", "region": "", "locale": "es_CO", "time_zone": "America/Bogota"}


def test_an_agreed_rate_is_held_to_the_limit_of_each_day_and_says_by_which_law() -> None:
    """Superfinanciera: 24.36 % effective in October 2025, which is 22.00 % by the month, and 24.99 % in November; a month that is missing
    has no known limit."""
    by = book({**AGREED, "annual_percent": 22.9}, company=COLOMBIA, start="2025-10-01", tax={"contract_interest": "none"})
    facts = owing("1000000", due=date(2025, 10, 15), currency="COP")
    (charge,) = made(facts, by, date(2025, 11, 16))
    assert [str(step.percent) for step in charge.calculation.steps] == ["22.00", "22.51"]
    assert charge.calculation.steps[0].source.startswith(
        "agreed 22.9 % (25.46 % effective), limited to 22.00 % (24.36 % effective) by Superfinanciera, effective rates: https://"
    )
    beyond = owing("1000000", due=date(2026, 3, 20), currency="COP")
    assert left(beyond, by, LATER) == {"agreed": "rate_unknown"}


def test_a_limit_of_the_policys_own_is_read_as_the_law_states_it() -> None:
    facts = owing("1000000", due=date(2025, 12, 20), currency="COP")
    by = book({**AGREED, "annual_percent": 24, "legal_limit_percent": 25.02}, company=COLOMBIA, tax={"contract_interest": "none"})
    assert made(facts, by, LATER)[0].calculation.steps[0].percent == Decimal("22.53")
    texas = book({**AGREED, "annual_percent": 24, "legal_limit_percent": 25.02, "law": "US-TX"}, tax={"contract_interest": "none"})
    assert made(owing(), texas, LATER)[0].calculation.steps[0].percent == 24


def test_dutch_interest_that_was_paid_in_the_year_bears_none_after_it() -> None:
    """1,000 euro at 8 % from 2020-03-11: after the year 80.00 are added, less what was paid on the charge of the year."""
    facts, by = owing(due=date(2020, 3, 10)), book({**STATUTE, "law": "NL", "every": 365}, start="2020-01-01")
    (first,) = made(facts, by, date(2021, 3, 11))
    for paid_on, base in ((None, "1080.00"), (date(2021, 1, 5), "1030.00"), (date(2021, 6, 30), "1080.00")):
        payment = (InterestPaid(paid_on, Money.of("50.00", "EUR")),) if paid_on else ()
        known = replace(facts, charges=(record(first, paid=payment),))
        second = made(known, by, date(2022, 3, 11))[0].calculation
        assert str(second.steps[0].base) == f"{base} EUR"
    assert str(second.steps[-1].base) == "1030.00 EUR", "what was paid after the year bears none from the next day on"


def test_each_instalment_has_the_cap_for_itself() -> None:
    """Each becomes late by itself and bears its own charges, as the law gives its fixed sum for each late payment (CJEU C-78/22)."""
    by = book(RECOVERY, cap={"EUR": 25})
    parts = [owing("500.00", item={"id": f"F-1/{number}", "ordinal": number, "instalment_count": 2}) for number in (1, 2)]
    assert [str(charge.amount) for part in parts for charge in made(part, by, LATER)] == ["25.00 EUR", "25.00 EUR"]


def test_a_charge_document_is_due_so_many_days_after_its_date() -> None:
    assert [book(AGREED, **days).payable_on(DUE) for days in ({}, {"payment_days": 0}, {"payment_days": 30})] == [
        DUE + timedelta(days=14), DUE, DUE + timedelta(days=30),
    ]  # fmt: skip
