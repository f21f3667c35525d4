"""The rules of the shared suite: a register, and which of them a connector's quality.yaml says it keeps.

A connector's test module is short:

    @pytest.fixture
    def harness(tmp_path):
        ...

    @pytest.mark.parametrize("rule", rules_done("files"))
    def test_the_files_ledger_keeps(rule, harness):
        rule.run(harness)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import Harness

ROOMS = ("reading", "changing", "rechecking", "writing", "charging", "crediting", "receiving", "expecting", "failing", "manners")
CONNECTORS = Path(__file__).parents[3] / "connectors"

_registered: dict[str, "Rule"] = {}


@dataclass(frozen=True)
class Rule:
    """One rule of the suite. `needs_wire`: it breaks the wire, which a harness over a real server cannot do."""

    name: str
    run: Callable[[Harness], None]
    needs_wire: bool


def rule(*, needs_wire: bool = False) -> Callable[[Callable[[Harness], None]], Callable[[Harness], None]]:
    """Make the function a rule: `<room>.<name of the function>`."""

    def register(run: Callable[[Harness], None]) -> Callable[[Harness], None]:
        name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"
        _registered[name] = Rule(name, run, needs_wire)
        return run

    return register


def all_rules() -> dict[str, Rule]:
    """Every rule by its name, in the order of the rooms."""
    for room in ROOMS:
        pytest.register_assert_rewrite(f"suite.{room}")
        import_module(f"suite.{room}")
    return dict(_registered)


def quality(ledger: str | Path) -> dict[str, Any]:
    """What the connector says of itself: one of Puntual's by its id, one of another package by the path of its quality.yaml."""
    path = ledger if isinstance(ledger, Path) else CONNECTORS / ledger / "quality.yaml"
    answer: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return answer


def stated(ledger: str | Path) -> dict[str, str]:
    """What quality.yaml says of each rule: an empty text when it is done, else the reason of the exemption."""
    rooms = quality(ledger)["rules"]
    return {f"{room}.{name}": "" if said == "done" else said["exempt"] for room, rules in rooms.items() for name, said in rules.items()}


def faults_of(ledger: str | Path) -> list[str]:
    """What is wrong with a quality.yaml: rules that it does not name, that there are not, and exemptions without a reason."""
    said, rules = stated(ledger), all_rules()
    missing = [f"{name} is not named" for name in rules if name not in said]
    unknown = [f"{name} is no rule" for name in said if name not in rules]
    return missing + unknown + [f"{name} is exempt without a reason" for name, reason in said.items() if reason and len(reason.split()) < 4]


def rules_done(ledger: str | Path, *, wire: bool = True) -> Iterable[Any]:
    """The rules that the connector keeps, as parameters of a test. `wire=False` leaves out those that have to break the wire."""
    rules, said = all_rules(), stated(ledger)
    return [pytest.param(rules[name], id=name) for name in rules if said.get(name) == "" and (wire or not rules[name].needs_wire)]
