"""From the plain value of a file to the policy, or everything that is wrong with it. Secrets come in by reference only."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import ErrorDetails

from ..port import Capability
from ..secret import Secret, masked
from .lint import findings as lint
from .problems import Finding, Path, named, shortened
from .schema import LedgerChoice, Policy
from .values import suggestion
from .words import finding_of, keys_of

Secrets = Callable[[str], str | None]
"""Finds a secret by what stands between `${` and `}`: an environment variable's name, or `file:` and a path. None when it is not there."""

M = TypeVar("M", bound=BaseModel)

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*|file:[^}\x00-\x1f]+)\}")


@dataclass(frozen=True)
class LedgerKind:
    """What wiring says of a connector, from plugin.yaml: the model of its settings and what its ledger can do."""

    settings: type[BaseModel]
    capabilities: frozenset[Capability]


class _NoSettings(BaseModel):
    """Stands in for the settings of a ledger that cannot be read, so that the rest is checked."""


def assembled(
    value: dict[str, Any], ledgers: Mapping[str, LedgerKind], secrets: Secrets, languages: Collection[str]
) -> tuple[Policy | None, list[Finding]]:
    """The policy (None when the schema refuses it) and all findings; it is good only without any."""
    known: list[Secret] = []
    absent: list[Finding] = []
    raw = _with_secrets(value, (), secrets, known, absent)
    choice, found, capabilities = _ledger(raw, ledgers, known)
    policy, of_schema = _validated(Policy, {**raw, "ledger": choice} if "ledger" in raw else raw)
    found += of_schema
    found += list(lint(raw, [one.path for one in found], languages, capabilities))
    taken = {one.path for one in found}
    found += [one for one in absent if one.path not in taken]
    return policy, found


def modelled(model: type[M], value: dict[str, Any], secrets: Secrets) -> tuple[M | None, list[Finding]]:
    """The value as its model reads it (None when the model refuses it) and all findings; it is good only without any."""
    known: list[Secret] = []
    absent: list[Finding] = []
    made, found = _validated(model, _with_secrets(value, (), secrets, known, absent))
    taken = {one.path for one in found}
    return made, [replace(one, message=masked(one.message, tuple(known))) for one in found] + [
        one for one in absent if one.path not in taken
    ]


def _with_secrets(value: Any, path: Path, secrets: Secrets, known: list[Secret], absent: list[Finding]) -> Any:
    """The value with every reference to a secret replaced by the secret, which is empty when it is not there."""
    if isinstance(value, dict):
        return {key: _with_secrets(inner, (*path, key), secrets, known, absent) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_secrets(inner, (*path, number), secrets, known, absent) for number, inner in enumerate(value)]
    reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if reference is None:
        return value
    known.append(Secret(secrets(reference[1]) or ""))
    if not known[-1].reveal():
        in_file = reference[1].startswith("file:")
        hint = "put the secret into that file" if in_file else "set that environment variable where Puntual runs"
        absent.append(Finding(path, f"{named(path)} refers to {reference[0]}, which is not there or empty", hint))
    return known[-1]


def _validated(model: type[BaseModel], raw: object) -> tuple[Any, list[Finding]]:
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        found: dict[Path, Finding] = {}
        for detail in _telling(error.errors(include_url=False, include_input=False)):
            one = finding_of(detail, model, raw)
            found.setdefault(one.path, one)
        return None, list(found.values())


def _telling(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without a list that is "too short" only because its entries were refused."""
    refused = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in refused]


def _ledger(
    raw: Mapping[str, Any], ledgers: Mapping[str, LedgerKind], known: list[Secret]
) -> tuple[LedgerChoice, list[Finding], frozenset[Capability] | None]:
    """The ledger that was chosen, with its settings checked by the connector's own model; a stand-in when something is wrong with it."""
    unknown = LedgerChoice("", _NoSettings())
    given = raw.get("ledger")
    if not isinstance(given, dict):
        return (
            unknown,
            [Finding(("ledger",), "`ledger` must be a section", "it names a `type` and the settings")] if "ledger" in raw else [],
            None,
        )
    kind = ledgers.get(given["type"]) if isinstance(given.get("type"), str) else None
    if kind is None:
        return unknown, [_unknown_ledger(given, ledgers)], None
    settings = {key: value for key, value in given.items() if key != "type"}
    chosen, found = _validated(create_model("LedgerSection", ledger=(kind.settings, ...)), {"ledger": settings})
    found = [replace(one, message=masked(one.message, tuple(known))) for one in found] + _ignored_keys(kind, settings)
    return LedgerChoice(given["type"], chosen.ledger) if chosen else unknown, found, kind.capabilities


def _unknown_ledger(given: Mapping[str, Any], ledgers: Mapping[str, LedgerKind]) -> Finding:
    names, word = ", ".join(sorted(ledgers)), given.get("type")
    path: Path = ("ledger", "type")
    if word is None:
        return Finding(path, "`type` is missing in `ledger`", f"one of: {names}")
    if not isinstance(word, str):
        return Finding(path, "`type` must be the name of a ledger", f"one of: {names}")
    return Finding(path, f"there is no ledger `{shortened(word)}`", suggestion(word, ledgers) or f"one of: {names}")


def _ignored_keys(kind: LedgerKind, settings: Mapping[str, Any]) -> list[Finding]:
    """Keys that a model without `extra="forbid"` would silently leave aside."""
    if kind.settings.model_config.get("extra") in ("forbid", "allow"):
        return []
    allowed = keys_of(kind.settings)
    return [
        Finding(("ledger", key), f"`{shortened(key)}` is not a setting of this ledger", suggestion(key, allowed), on_key=True)
        for key in settings
        if key not in allowed
    ]
