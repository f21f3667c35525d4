"""quality.yaml of every connector names every rule of the suite, done or exempt with a reason; and exactly the exempt ones are not run."""

from pathlib import Path

import pytest
from suite.rules import CONNECTORS, all_rules, faults_of, quality, rules_done, stated

LEDGERS = sorted(path.parent.name for path in CONNECTORS.glob("*/quality.yaml"))
TESTS = CONNECTORS.parent / "tests" / "connectors"


def test_every_connector_has_its_quality_stated() -> None:
    assert sorted(path.parent.name for path in CONNECTORS.glob("*/connector.py")) == LEDGERS
    assert "files" in LEDGERS


@pytest.mark.parametrize("ledger", LEDGERS)
def test_every_rule_is_named_and_every_exemption_has_its_reason(ledger: str) -> None:
    assert faults_of(ledger) == []
    assert quality(ledger)["ledger"] == ledger


@pytest.mark.parametrize("ledger", LEDGERS)
def test_exactly_the_exempt_rules_are_not_run(ledger: str) -> None:
    run = {parameter.id for parameter in rules_done(ledger)}
    assert set(all_rules()) - run == {name for name, reason in stated(ledger).items() if reason}
    assert any(f'rules_done("{ledger}")' in path.read_text(encoding="utf-8") for path in (TESTS / ledger).glob("test_*.py"))


def test_a_rule_that_breaks_the_wire_says_so() -> None:
    assert {rule.name.partition(".")[0] for rule in all_rules().values() if rule.needs_wire} == {"failing"}


def test_what_is_wrong_with_a_quality_is_told(tmp_path: Path) -> None:
    path = tmp_path / "quality.yaml"
    path.write_text("ledger: x\nrules: {reading: {every_open_invoice_once: {exempt: not yet}, made_up: done}}\n", encoding="utf-8")
    faults = faults_of(path)
    assert "reading.every_open_invoice_once is exempt without a reason" in faults
    assert "reading.made_up is no rule" in faults
    assert len(faults) == len(all_rules()) - 1 + 2
    assert rules_done(path) == []
