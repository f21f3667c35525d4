"""The published JSON Schema takes the good files, refuses what a schema can refuse, and is the one in the package."""

import json
from datetime import date, time
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import puntual
import pytest
import yaml
from policy.material import FOLDER, GOOD, LEDGERS
from puntual.core.policy.document import document_of
from puntual.core.policy.json_schema import policy_json_schema, schema_text
from puntual.core.policy.read import LedgerKind

ROOT = Path(puntual.__file__).parent
SCHEMA = policy_json_schema(LEDGERS)
CHECKER = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def as_json(value: Any) -> Any:
    """The value as an editor's YAML 1.2 reader sees it: days and times are text."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, date) else float(value) if isinstance(value, Decimal) else value


def faults(text: str) -> list[str]:
    return sorted("/".join(map(str, fault.absolute_path)) for fault in CHECKER.iter_errors(as_json(document_of(text).value)))


def test_it_is_a_schema_of_its_dialect():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_fit(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("unknown_keys", ["", "company", "sending"]),
        ("missing_sections", [""]),
        ("wrong_words", [
            "grouping", "mail/signature/name", "mode", "payment_links/0", "procedures/standard/levels/0/notice", "recipients/1",
            "sending/days/1", "sending/days/2",
        ]),
        ("hours_impossible", ["sending/earliest", "sending/latest"]),
        ("literal_secret", ["mail/smtp"]),
        ("secret_in_ledger", ["ledger"]),
        ("ledger_unknown", ["ledger"]),
        ("ledger_settings", ["ledger"]),
        ("currencies", ["payment_details", "tolerance"]),
    ],
)  # fmt: skip
def test_bad_files_are_refused_where_one_value_is_enough(name, where):
    found = faults((FOLDER / "bad" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert sorted({entry.removesuffix("/password") for entry in found}) == where


def test_secrets_are_references_and_aliases_are_the_keys():
    demo = next(kind for kind in SCHEMA["properties"]["ledger"]["oneOf"] if kind["title"] == "demo")
    assert demo["properties"]["api_key"]["pattern"] == r"^\$\{[^}]+\}$"
    assert (demo["properties"]["type"], demo["required"]) == ({"const": "demo"}, ["type", "url", "api_key"])
    assert {"from", "signature"} == set(SCHEMA["$defs"]["Mail"]["required"])
    assert SCHEMA["$defs"]["Sending"]["properties"]["earliest"]["default"] == "08:00"


def test_without_known_ledgers_any_type_may_stand():
    assert policy_json_schema({})["properties"]["ledger"]["required"] == ["type"]


def test_every_key_is_described_for_whoever_completes_it():
    described = {name: made["properties"] for name, made in SCHEMA["$defs"].items() if "properties" in made and name != "ColumnSettings"}
    bare = [f"{name}.{key}" for name, keys in described.items() for key, made in keys.items() if "description" not in made]
    assert bare == []


def test_the_published_file_is_made_from_the_models_and_the_shipped_connectors():
    """Left behind? Write policy.schema.json again from `schema_text`."""
    entries = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))["connectors"]
    kinds = {}
    for entry in entries:
        module, _, name = entry["settings"].partition(":")
        kinds[entry["id"]] = LedgerKind(getattr(import_module(module), name), frozenset())
    published = (ROOT / "core" / "policy" / "policy.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == json.loads(schema_text(kinds))
