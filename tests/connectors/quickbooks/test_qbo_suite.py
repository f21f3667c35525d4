"""The shared suite over the stand-in."""

from collections.abc import Iterator

import pytest
from qbo_harness import QboHarness
from suite.rules import Rule, rules_done


@pytest.fixture
def harness() -> Iterator[QboHarness]:
    made = QboHarness()
    yield made
    made.close()


@pytest.mark.parametrize("rule", rules_done("quickbooks"))
def test_quickbooks_keeps(rule: Rule, harness: QboHarness) -> None:
    rule.run(harness)
