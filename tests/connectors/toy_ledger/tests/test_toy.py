"""The shared suite over Toy Books."""

from collections.abc import Iterator

import pytest
from suite.rules import Rule, faults_of, rules_done
from toy_harness import QUALITY, ToyHarness


@pytest.fixture
def harness() -> Iterator[ToyHarness]:
    made = ToyHarness()
    yield made
    made.close()


def test_quality_yaml_speaks_of_every_rule() -> None:
    assert faults_of(QUALITY) == []


@pytest.mark.parametrize("rule", rules_done(QUALITY))
def test_toy_books_keeps(rule: Rule, harness: ToyHarness) -> None:
    rule.run(harness)
