"""plugin.yaml, the README and the docs say what is true."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from puntual import __version__
from puntual.core.cli.main import puntual
from puntual.core.cli.setup import STARTERS
from puntual.core.policy.json_schema import policy_json_schema
from puntual.core.policy.read import read_policy
from puntual.core.policy.reference import policy_reference
from puntual.core.policy.schema import LinkProvider
from puntual.core.port import LedgerConnector
from puntual.core.worker.wiring import connector_entry, ledger_kinds

ROOT = Path(__file__).parents[2]
MANIFEST = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))
PAGES = [
    ROOT / "README.md",
    ROOT / "README.es.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "connectors").rglob("README.md")),
]


def test_the_manifest_has_the_version() -> None:
    assert MANIFEST["version"] == __version__


@pytest.mark.parametrize("name", MANIFEST["entry_points"].values())
def test_an_entry_point_is_there(name: str) -> None:
    module, _, attribute = name.partition(":")
    assert callable(getattr(import_module(module), attribute))


@pytest.mark.parametrize("ledger", [entry["id"] for entry in MANIFEST["connectors"]])
def test_a_connector_is_what_the_manifest_says(ledger: str) -> None:
    entry = connector_entry(ledger)
    assert issubclass(entry.connector, LedgerConnector)
    assert entry.connector.name == ledger


def test_payment_links_are_those_of_the_policy() -> None:
    assert [entry["id"] for entry in MANIFEST["payment_links"]] == [provider.value for provider in LinkProvider]


@pytest.mark.parametrize("entry", MANIFEST["payment_links"], ids=lambda entry: entry["id"])
def test_a_provider_of_payment_links_is_what_the_manifest_says(entry: dict[str, str]) -> None:
    module, _, name = entry["provider"].partition(":")
    assert getattr(import_module(module), name).id == entry["id"]


def test_the_reference_of_the_policy_is_up_to_date() -> None:
    """Left behind? puntual schema --as markdown > docs/policy.md"""
    assert (ROOT / "docs" / "policy.md").read_text(encoding="utf-8") == policy_reference(policy_json_schema(ledger_kinds()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "README.es.md"], ids=lambda page: page.name)
def test_commands_of_the_readme_exist(page: Path) -> None:
    said = set(re.findall(r"^\s*puntual ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert said
    assert said <= puntual.commands.keys()


def test_every_command_is_in_the_readme_and_explains_itself() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in puntual.commands:
        assert f"`{name}`" in readme, name
        assert CliRunner().invoke(puntual, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize("starter", STARTERS)
def test_what_init_writes_is_a_good_policy(starter: str) -> None:
    text = (ROOT / "core" / "policy" / "starters" / f"{starter}.yaml").read_text(encoding="utf-8").replace("COMPANY", "acme")
    policy = read_policy(text, "acme.yaml", ledgers=ledger_kinds(), secrets=lambda _: "x" * 20)
    assert policy.mode == "shadow"


def test_the_ledger_of_the_readme_reads() -> None:
    starter = (ROOT / "core" / "policy" / "starters" / "files.yaml").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    text = re.sub(r"(?ms)^ledger:\n.*?(?=^mail:)", re.sub(r"(?m)^   ", "", block[1]), starter)
    policy = read_policy(text, "acme.yaml", ledgers=ledger_kinds(), secrets=lambda _: None)
    assert policy.ledger.settings.model_dump()["files"]["invoices"]["columns"]["settled_on"] == "SettledDate"
