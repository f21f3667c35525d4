"""What is said about early-payment discounts: advice, sentences, and the example of the guide."""

import re
from pathlib import Path
from typing import Any

import puntual
import pytest
import yaml
from charge_cases import LEDGER
from dunning_cases import policy
from puntual.core.policy.explain import explain
from puntual.core.policy.lint import warnings
from puntual.core.policy.schema import Policy

EARLY = {"procedures__standard": {"levels": [{"key": "ahead", "days": -25, "notice": "before_due"}]}}
LATE = {"procedures": {"standard": {"levels": [{"key": "first", "days": 1, "notice": "reminder"}]}}}
LAST = "A discount was earned when the money comes in 2 days after its last day at the latest; it is then credited once, by a credit note."
OWN = (
    "Where they grant nothing, who pays all within 10 days of the day of issue, and before the due date, may deduct 2 % of the total "
    "with tax."
)
NARROW = (
    "Who pays all within 1 day of the day of issue, and before the due date, may deduct 1.5 % of the total with tax, if the customer is "
    "in the group “Mayoristas”, and the invoice or instalment is at least 50 EUR."
)


def offering(ladder: dict[str, Any] | None = None, **discount: Any) -> Policy:
    return policy(ledger=LEDGER, early_payment_discount=discount, **(ladder or EARLY))


def told(made: Policy) -> list[str]:
    said = explain(made)
    last = next(number for number, line in enumerate(said) if line.startswith("A discount was earned"))
    return said[last - 2 : last + 1]


def advice(made: Policy) -> list[str]:
    return [str(one) for one in warnings(made) if str(one).startswith("early_payment_discount")]


@pytest.mark.parametrize(
    ("discount", "said"),
    [
        (
            {},
            [
                "Who pays early may deduct what the ledger's own payment terms grant.",
                "There is no discount beyond that of the ledger's terms.",
            ],
        ),
        (
            {"percent": 2, "days": 10},
            [
                "Who pays early may deduct what the ledger's own payment terms grant.",
                OWN,
            ],
        ),
        (
            {"from_ledger": False, "percent": 1.5, "days": 1, "match": {"groups": ["Mayoristas"], "min_amount": {"EUR": 50}}},
            [
                "What the ledger's own payment terms grant for paying early does not count: who deducts it is asked for the rest.",
                NARROW,
            ],
        ),
        (
            {"from_ledger": False},
            [
                "What the ledger's own payment terms grant for paying early does not count: who deducts it is asked for the rest.",
                "No discount is offered.",
            ],
        ),
    ],
    ids=["the ledger's", "an own one too", "only an own one", "none"],
)
def test_the_sentences_say_who_may_deduct_what(discount: dict[str, Any], said: list[str]) -> None:
    assert told(offering(**discount)) == [*said, LAST]


def test_left_out_what_the_ledger_grants_counts() -> None:
    assert policy(ledger=LEDGER, **EARLY) == offering() == offering(from_ledger=True)


@pytest.mark.parametrize(
    ("ladder", "discount", "where"),
    [
        (LATE, {"percent": 2, "days": 10}, "early_payment_discount: no ladder has a level before the due date"),
        (EARLY, {"percent": 12, "days": 10}, "early_payment_discount.percent: 12 % is a lot for paying early"),
    ],
)
def test_what_is_legal_and_unwise_is_said(ladder: dict[str, Any], discount: dict[str, Any], where: str) -> None:
    (said,) = advice(offering(ladder, **discount))
    assert said.startswith(where)


def test_a_usual_offer_and_the_ledgers_terms_alone_need_no_advice() -> None:
    assert advice(offering(percent=2, days=10)) == []
    assert advice(offering(LATE)) == []


def test_the_example_of_the_guide_is_a_policy() -> None:
    guide = (Path(puntual.__file__).parent / "docs" / "early-payment-discount.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    made = policy(ledger=LEDGER, **yaml.safe_load(example))
    assert made.early_payment_discount.percent == 2
    assert advice(made) == []
