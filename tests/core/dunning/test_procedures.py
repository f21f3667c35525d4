"""Which ladder an item follows."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from dunning_cases import GOMEZ, TUESDAY, invoice, one, policy
from puntual.core.dunning.procedures import Assignments, Excluded, Ladder, UnknownProcedure
from puntual.core.receivables import Customer


def assigned(
    rules: list[dict[str, Any]], customer: Customer = GOMEZ, amount: str = "100.00", on: date = TUESDAY, currency: str = "EUR"
) -> str:
    assignments = Assignments(policy(customers=rules))
    found = assignments.assign(one(invoice("F-1", amount, currency=currency)), customer, assignments.rules_for(customer), on)
    match found:
        case Ladder():
            return found.name
        case Excluded():
            return f"excluded: {found.reason}"
        case UnknownProcedure():
            return f"unknown: {found.name}"


def gentle(**match: Any) -> dict[str, Any]:
    return {"match": match, "procedure": "gentle"}


def never(**match: Any) -> dict[str, Any]:
    return {"match": match, "exclude": {"reason": "agreed"}}


IN_GROUP = replace(GOMEZ, groups=("Talleres", "Norte"))


@pytest.mark.parametrize(
    ("match", "customer", "fits"),
    [
        ({"groups": ["Norte", "Sur"]}, IN_GROUP, True),
        ({"groups": ["Sur"]}, IN_GROUP, False),
        ({"groups": ["norte"]}, IN_GROUP, False),
        ({"countries": ["PT", "ES"]}, GOMEZ, True),
        ({"countries": ["PT"]}, GOMEZ, False),
        ({"names": ["*GÓMEZ"]}, GOMEZ, True),
        ({"names": ["Gómez"]}, GOMEZ, False),
        ({"names": ["talleres go\u0301mez"]}, GOMEZ, True),
        ({"names": ["Taller?s Gómez"]}, GOMEZ, False),
        ({"names": ["A [B] *"]}, replace(GOMEZ, name="A [b] S.L."), True),
        ({"ids": ["gomez"]}, GOMEZ, True),
        ({"ids": ["gome*"]}, GOMEZ, False),
        ({"countries": ["ES"], "groups": ["Sur"]}, IN_GROUP, False),
    ],
)
def test_the_customers_part_of_a_rule(match: dict[str, Any], customer: Customer, fits: bool) -> None:
    assert assigned([gentle(**match)], customer) == ("gentle" if fits else "standard")


@pytest.mark.parametrize(
    ("match", "amount", "currency", "fits"),
    [
        ({"min_amount": {"EUR": 100}}, "100.00", "EUR", True),
        ({"min_amount": {"EUR": 100}}, "99.99", "EUR", False),
        ({"max_amount": {"EUR": 100}}, "100.00", "EUR", True),
        ({"max_amount": {"EUR": 100}}, "100.01", "EUR", False),
        ({"min_amount": {"EUR": 1}}, "100.00", "USD", False),
        ({"min_amount": {"EUR": 1, "USD": 200}}, "100.00", "USD", False),
        ({"min_amount": {"EUR": 50}, "max_amount": {"EUR": 150}}, "100.00", "EUR", True),
    ],
)
def test_the_amounts_of_a_rule(match: dict[str, Any], amount: str, currency: str, fits: bool) -> None:
    assert assigned([gentle(**match)], amount=amount, currency=currency) == ("gentle" if fits else "standard")


def test_the_amount_is_that_of_the_claim_not_what_is_left() -> None:
    assignments = Assignments(policy(customers=[gentle(min_amount={"EUR": 100})]))
    left = replace(one(invoice("F-1", "100.00")), outstanding=one(invoice("F-1", "1.00")).outstanding)
    found = assignments.assign(left, GOMEZ, assignments.rules_for(GOMEZ), TUESDAY)
    assert isinstance(found, Ladder)
    assert found.name == "gentle"


def test_the_first_rule_that_fits_decides() -> None:
    assert assigned([never(countries=["PT"]), gentle(countries=["ES"]), never(countries=["ES"])]) == "gentle"
    assert assigned([never(names=["*"]), gentle(countries=["ES"])]) == "excluded: agreed"


def test_an_exclusion_that_ended_is_no_rule() -> None:
    ended = {"match": {"names": ["*"]}, "exclude": {"reason": "summer", "until": "2026-04-13"}}
    assert assigned([ended, gentle(names=["*"])], on=date(2026, 4, 13)) == "excluded: summer"
    assert assigned([ended, gentle(names=["*"])], on=date(2026, 4, 14)) == "gentle"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("standard", "standard"),
        ("gentle", "gentle"),
        ("none", "excluded: the customer's own setting in the ledger says so"),
        ("nope", "unknown: nope"),
    ],
)
def test_the_customers_own_setting_replaces_the_procedure(setting: str, expected: str) -> None:
    assert assigned([gentle(names=["*"])], replace(GOMEZ, procedure=setting)) == expected


def test_the_customers_own_setting_lifts_no_exclusion() -> None:
    assert assigned([never(names=["*"])], replace(GOMEZ, procedure="gentle")) == "excluded: agreed"
