"""The shared suite on a real Odoo server; which one, and what it needs, says odoo_live_harness.py."""

from collections.abc import Iterator

import pytest
from live.odoo_live_harness import LiveHarness, missing_variables
from suite.rules import Rule, rules_done

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(missing_variables()), reason=f"not set: {', '.join(missing_variables())}"),
]

# The server's clock cannot be moved, so what was just seeded is within the overlap of readings and is read again.
_NEVER_QUIET = "manners.a_look_at_quiet_books_costs_what_is_stated"


@pytest.fixture
def harness() -> Iterator[LiveHarness]:
    made = LiveHarness()
    yield made
    made.close()


@pytest.mark.parametrize("rule", [each for each in rules_done("odoo", wire=False) if each.id != _NEVER_QUIET])
def test_real_odoo_keeps(rule: Rule, harness: LiveHarness) -> None:
    rule.run(harness)


def test_it_is_a_version_that_is_supported(harness: LiveHarness) -> None:
    version = harness.new().check().ledger_version
    print(f"Odoo {version}")
    assert int(version.partition(".")[0]) >= 16
