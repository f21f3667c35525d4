"""The shared suite over the stand-in, in the two APIs that Odoo has; the older versions read and write by the same rules."""

from collections.abc import Iterator

import pytest
from odoo.stub_harness import StubHarness
from suite.rules import Rule, rules_done


@pytest.fixture
def harness(version: int) -> Iterator[StubHarness]:
    made = StubHarness(version)
    yield made
    made.close()


@pytest.mark.parametrize("version", [18, 19])
@pytest.mark.parametrize("rule", rules_done("odoo"))
def test_odoo_keeps(rule: Rule, harness: StubHarness) -> None:
    rule.run(harness)


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("rule", rules_done("odoo", wire=False))
def test_older_odoo_keeps(rule: Rule, harness: StubHarness) -> None:
    rule.run(harness)
