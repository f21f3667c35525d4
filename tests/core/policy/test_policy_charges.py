"""What is said about late charges: refusals that depend on a country's data, advice, sentences, and the example of the guide."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import puntual
import pytest
import yaml
from charge_cases import AGREED, FEE, LEDGER, RECOVERY, STATUTE
from dunning_cases import policy
from puntual.core.errors import PolicyProblem
from puntual.core.policy.countries import country_pack
from puntual.core.policy.explain import explain
from puntual.core.policy.lint import warnings
from puntual.core.policy.schema import Policy

TODAY = date(2026, 5, 4)
COLOMBIA = {"company__country": "CO", "company__region": "", "company__locale": "es_CO"}


def charging(*rules: dict[str, Any], company: dict[str, Any] | None = None, **settings: Any) -> Policy:
    charges = {"start": "2026-01-01", "tax": {"late_fee": "none", "contract_interest": "none"}, **settings, "rules": [*rules]}
    return policy(ledger=LEDGER, mode="live", late_charges=charges, **(company or {}))


def refused(*rules: dict[str, Any], **more: Any) -> str:
    with pytest.raises(PolicyProblem) as caught:
        charging(*rules, **more)
    return str(caught.value)


def advice(made: Policy, as_of: date | None = None) -> list[str]:
    return [str(one) for one in warnings(made, as_of) if str(one).startswith("late_charges")]


def test_a_rate_above_every_limit_of_the_law_is_refused_with_the_statute() -> None:
    limit = max(one.percent for one in country_pack("CO").ceilings if one.percent)
    said = refused({**AGREED, "annual_percent": int(limit + 1)}, company=COLOMBIA)
    assert f"above what the law allows, {limit} %" in said
    assert "Superfinanciera" in said
    assert charging({**AGREED, "annual_percent": int(limit)}, company=COLOMBIA)
    assert charging({**AGREED, "annual_percent": 40, "legal_limit_percent": 45}, company=COLOMBIA)


def test_by_the_month_it_is_the_rate_of_a_year() -> None:
    assert "30 % a year is above" in refused({"key": "m", "kind": "contract_interest", "monthly_percent": 2.5}, company=COLOMBIA).replace(
        "30.0", "30"
    )


def test_a_careful_policy_gets_no_advice() -> None:
    assert advice(charging(STATUTE, RECOVERY)) == []


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"from_days": 1}, "late_charges.from_days: a customer who pays on the due date may be charged"),
        ({"announce": False}, "late_charges.announce: customers are charged without having been told"),
        ({"approval": False}, "late_charges.approval: charges are made without a person's yes"),
        ({"placement": "line", "after_payment": "keep"}, "late_charges.placement: a paid invoice takes no line"),
    ],
)
def test_what_is_legal_and_unwise_is_said(settings: dict[str, Any], where: str) -> None:
    (said,) = advice(charging(STATUTE, **settings))
    assert said.startswith(where)


def test_what_must_have_been_agreed_and_a_rate_that_is_too_low_are_said() -> None:
    said = advice(charging({**AGREED, "law": "US-TX"}, FEE))
    assert any("holds only when: The rate, or the fee, is agreed in writing" in one for one in said)
    (low,) = [one for one in advice(charging({**AGREED, "annual_percent": 2, "law": "FR"}), TODAY) if "least that may be agreed" in one]
    assert "France" in low


def test_data_that_is_unconfirmed_or_unknown_is_said_only_of_what_is_used() -> None:
    assert advice(charging(FEE), date(2027, 3, 1)) == []
    said = advice(charging(STATUTE), date(2035, 1, 1))
    assert any("Spain: statutory interest between businesses: no rate is known for 2035-01-01" in one for one in said)
    assert not any("needs a decision" in one for one in said)


def test_the_sentences_say_what_is_charged_and_from_when() -> None:
    told = explain(charging({**STATUTE, "every": "once"}, {**FEE, "every": 14, "from_days": 20}, after_payment="keep"))
    first = next(number for number, line in enumerate(told) if line.startswith("Late charge 1"))
    assert told[first : first + 4] == [
        (
            "Late charge 1, “statute”: interest by the law of the company’s country, once, from businesses; "
            "counted otherwise as the country does."
        ),
        "Late charge 2, “fee”: a fee of 15 EUR, every 14 days from the due date, from businesses, from day 20 after the due date.",
        "Nothing is charged for the time before 2026-01-01.",
        "The first charge comes 5 days after the due date; who pays sooner is charged nothing.",
    ]


def test_the_example_of_the_guide_is_a_policy() -> None:
    guide = (Path(puntual.__file__).parent / "docs" / "late-charges.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    made = policy(ledger=LEDGER, **yaml.safe_load(example))
    assert made.late_charges
    assert [rule.key for rule in made.late_charges.rules] == ["interest", "recovery"]
