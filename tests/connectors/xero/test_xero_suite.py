"""The shared suite over the stand-in of Xero."""

from collections.abc import Iterator

import pytest
from suite.rules import Rule, rules_done
from xero.xero_harness import XeroHarness


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


@pytest.mark.parametrize("rule", rules_done("xero"))
def test_xero_keeps(rule: Rule, harness: XeroHarness) -> None:
    rule.run(harness)
