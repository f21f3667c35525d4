"""Which ledgers there are: those of plugin.yaml, and those that other packages register in the entry-point group `puntual.connectors`.

An entry point has the name by which policies call the ledger (`ledger: {type: <name>}`), and leads to a mapping with the keys of an entry
in plugin.yaml. Another package is looked at only when a policy names its ledger: a broken one stops no other company.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Any

from pydantic import BaseModel

from ..access import Webhooks
from ..errors import CompanyMustAct
from ..port import Authorizer, LedgerConnector

GROUP = "puntual.connectors"

Described = Mapping[str, Any]
_KINDS: Mapping[str, type] = {"connector": LedgerConnector, "settings": BaseModel, "authorizer": Authorizer}
_OPTIONAL = ("authorizer",)


class LedgerUnusable(CompanyMustAct):
    """A package that brings a ledger to Puntual has to be repaired or removed."""


def ledger_ids(own: Sequence[Described]) -> tuple[str, ...]:
    """The ids of all ledgers: Puntual's `own`, then those of other packages. Nothing is imported."""
    return tuple(dict.fromkeys([*(entry["id"] for entry in own), *(point.name for point in entry_points(group=GROUP))]))


def described(ledger: str, own: Sequence[Described]) -> Described:
    """What is said of the ledger of that id, by Puntual's `own` list or by the one package that registers it.

    Raises KeyError when there is no such ledger, LedgerUnusable when several packages register it, or one that cannot be used.
    """
    mine = [entry for entry in own if entry["id"] == ledger]
    points = [point for point in entry_points(group=GROUP) if point.name == ledger]
    if len(mine) + len(points) > 1:
        names = ", ".join([*("Puntual itself" for _each in mine), *map(_package, points)])
        raise LedgerUnusable(f"several packages have a ledger {ledger!r}: {names}", hint="Remove all of them but one.")
    if points:
        return _loaded(points[0])
    if not mine:
        raise KeyError(ledger)
    return mine[0]


def imported(dotted: str) -> Any:
    """What a name such as `package.module:Class` stands for."""
    module, _, attribute = dotted.partition(":")
    return getattr(import_module(module), attribute)


def _package(point: EntryPoint) -> str:
    return f"the package {point.dist.name} {point.dist.version}" if point.dist else f"an entry point ({point.value})"


def _loaded(point: EntryPoint) -> Described:
    try:
        entry = point.load()
        problem = next(_problems(entry, point.name), "")
    except Exception as error:  # noqa: BLE001 - what another package raises may be anything
        problem = f"{type(error).__name__}: {error}"
    if problem:
        raise LedgerUnusable(f"the ledger {point.name!r} of {_package(point)} cannot be used: {problem}")
    described_by: Described = entry
    return described_by


def _problems(entry: Any, ledger: str) -> Iterator[str]:
    """What is wrong with an entry, in words; everything it names is imported."""
    if not isinstance(entry, Mapping):
        yield f"its entry point ({GROUP}) leads to no mapping"
        return
    if entry.get("id") != ledger:
        yield f"its entry says the id {entry.get('id')!r}"
    for key, kind in _KINDS.items():
        if key in entry or key not in _OPTIONAL:
            yield from _problems_of_class(key, entry.get(key), kind)
    if "webhooks" in entry and not isinstance(imported(str(entry["webhooks"])), Webhooks):
        yield f"{entry['webhooks']} is no {Webhooks.__name__}"
    name = imported(entry["connector"]).name
    if name != ledger:
        yield f"its connector calls itself {name!r}"


def _problems_of_class(key: str, dotted: Any, kind: type) -> Iterator[str]:
    if not isinstance(dotted, str) or ":" not in dotted:
        yield f"its entry says no `{key}` such as package.module:Class"
        return
    found = imported(dotted)
    if not isinstance(found, type) or not issubclass(found, kind):
        yield f"{dotted} is no {kind.__name__}"
    elif isabstract(found):
        yield f"{dotted} lacks {', '.join(name for name in dir(found) if getattr(getattr(found, name), '__isabstractmethod__', False))}"
