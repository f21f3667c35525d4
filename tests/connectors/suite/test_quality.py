"""quality.yaml of every connector names every rule of the suite, done or exempt with a reason; and exactly the exempt ones are not run."""

import pytest
from suite.rules import CONNECTORS, all_rules, quality, rules_done, stated

LEDGERS = sorted(path.parent.name for path in CONNECTORS.glob("*/quality.yaml"))
TESTS = CONNECTORS.parent / "tests" / "connectors"


def test_every_connector_has_its_quality_stated() -> None:
    assert sorted(path.parent.name for path in CONNECTORS.glob("*/connector.py")) == LEDGERS
    assert "files" in LEDGERS


@pytest.mark.parametrize("ledger", LEDGERS)
def test_every_rule_is_named_and_every_exemption_has_its_reason(ledger: str) -> None:
    said = stated(ledger)
    assert set(said) == set(all_rules())
    assert [name for name, reason in said.items() if reason and len(reason.split()) < 4] == []
    assert quality(ledger)["ledger"] == ledger


@pytest.mark.parametrize("ledger", LEDGERS)
def test_exactly_the_exempt_rules_are_not_run(ledger: str) -> None:
    run = {parameter.id for parameter in rules_done(ledger)}
    assert set(all_rules()) - run == {name for name, reason in stated(ledger).items() if reason}
    assert any(f'rules_done("{ledger}")' in path.read_text(encoding="utf-8") for path in (TESTS / ledger).glob("test_*.py"))


def test_a_rule_that_breaks_the_wire_says_so() -> None:
    assert {rule.name.partition(".")[0] for rule in all_rules().values() if rule.needs_wire} == {"failing"}
