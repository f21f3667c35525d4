"""Wiring: from plugin.yaml, a policy file and the environment to a company's desk. The only place that reads files and environment."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from sqlalchemy import Engine

from ..access import Webhooks
from ..channels.folder import FolderTransport
from ..channels.port import MailTransport
from ..channels.smtp import SmtpTransport
from ..dunning.plan import Rulebook
from ..errors import PolicyProblem
from ..history.database import open_database
from ..history.quotas import Meter
from ..history.sealing import Keyring, keyring_of
from ..history.vault import Vault
from ..notices.render import Renderer
from ..policy.read import LedgerKind, read_policy
from ..policy.schema import Policy
from ..port import Authorizer, LedgerConnector, Surroundings
from .clock import Clock, SystemClock
from .desk import Desk
from .host_file import read_host
from .lease import is_alive, owner
from .ledgers import LedgerUnusable, described, imported, ledger_ids
from .places import look_up_secret, shown_path


@dataclass(frozen=True, slots=True)
class ConnectorEntry:
    """A connector as plugin.yaml lists it. `authorizer` is there when a person lets us into these books in a browser, `webhooks` when the
    service tells by itself what changed."""

    id: str
    title: str
    connector: type[LedgerConnector]
    settings: type[BaseModel]
    authorizer: type[Authorizer] | None = None
    webhooks: Webhooks | None = None


@cache
def manifest() -> Mapping[str, Any]:
    """plugin.yaml."""
    loaded: Mapping[str, Any] = yaml.safe_load(files("puntual").joinpath("plugin.yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def connector_entry(ledger: str) -> ConnectorEntry:
    """The connector of that id, imported when it is first asked for; plugin.yaml names it, or another package registers it.

    Raises KeyError when there is none, LedgerUnusable when other packages that register it cannot be used.
    """
    entry = described(ledger, manifest()["connectors"])
    authorizer, webhooks = (imported(entry[key]) if entry.get(key) else None for key in ("authorizer", "webhooks"))
    title = str(entry.get("name") or ledger)
    return ConnectorEntry(ledger, title, imported(entry["connector"]), imported(entry["settings"]), authorizer, webhooks)


class _LedgerKinds(Mapping[str, LedgerKind]):
    """Each ledger is imported when it is asked for: a policy names one of many."""

    def __getitem__(self, ledger: str) -> LedgerKind:
        entry = connector_entry(ledger)
        return LedgerKind(entry.settings, entry.connector.capabilities)

    def __iter__(self) -> Iterator[str]:
        return iter(ledger_ids(manifest()["connectors"]))

    def __len__(self) -> int:
        return len(ledger_ids(manifest()["connectors"]))


def ledger_kinds() -> Mapping[str, LedgerKind]:
    """What policies may say of each ledger. Asked for a ledger of another package that cannot be used, it raises LedgerUnusable."""
    return _LedgerKinds()


def usable_ledger_kinds() -> Mapping[str, LedgerKind]:
    """Those of all ledgers that can be used, for what tells of all of them at once."""
    kinds, usable = ledger_kinds(), {}
    for ledger in kinds:
        with suppress(LedgerUnusable):
            usable[ledger] = kinds[ledger]
    return usable


def policy_path(directory: Path, company: str) -> Path:
    """Where the policy of a company is. Raises PolicyProblem when the name is none or there is no such file."""
    if not company or any(c in company for c in "/\\:") or company.startswith("."):
        raise PolicyProblem(f"{company!r} is no name of a company", hint="Give the name of a file in companies/ without .yaml")
    path = directory / "companies" / f"{company}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in (directory / "companies").glob("*.yaml"))
        hint = f"Known are: {', '.join(known)}" if known else "Make one with: puntual init " + company
        raise PolicyProblem(f"there is no {path}", hint=hint)
    return path


def load_policy(directory: Path, company: str) -> Policy:
    """The policy of a company. Raises PolicyFileProblems with everything that is wrong with it."""
    path = policy_path(directory, company)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PolicyProblem(f"{shown_path(path)} cannot be read: {error.strerror}") from None
    return read_policy(text, shown_path(path), ledgers=ledger_kinds(), secrets=look_up_secret)


def database_url(directory: Path) -> str:
    """The database of the host's file, else PUNTUAL_DATABASE, else a SQLite file beside the companies. Raises PolicyFileProblems."""
    named = read_host(directory).database
    return named.reveal() if named else os.environ.get("PUNTUAL_DATABASE") or f"sqlite:///{directory / 'puntual.db'}"


def renderer_of(policy: Policy, directory: Path) -> Renderer:
    """The renderer over the company's own texts and Puntual's."""
    return Renderer(template_lookup(directory / policy.templates)) if policy.templates else shipped_renderer()


@cache
def shipped_renderer() -> Renderer:
    """The renderer over Puntual's own texts, which never change while it runs: each is compiled once."""
    return Renderer(template_lookup(None))


def template_lookup(own: Path | None) -> Callable[[str], str | None]:
    """Where templates come from: the company's folder first, then Puntual's own."""
    shipped = files("puntual").joinpath("templates")

    def lookup(name: str) -> str | None:
        if own is not None and (mine := _inside(own, name)) is not None:
            return _text_of(mine)
        found = shipped.joinpath(*name.split("/"))
        return found.read_text(encoding="utf-8") if found.is_file() else None

    return lookup


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PolicyProblem(f"{shown_path(path)}: byte {error.start + 1} is no UTF-8", hint="Save the template as UTF-8") from None


def _inside(folder: Path, name: str) -> Path | None:
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def keyring(directory: Path) -> Keyring:
    """The keys of the host's file, else those that PUNTUAL_KEYS holds, or the file that it names (`file:/path`).

    Raises KeysMissing, PolicyFileProblems.
    """
    named = read_host(directory).keys
    if named is not None:
        return keyring_of(named.reveal())
    said = os.environ.get("PUNTUAL_KEYS", "").strip()
    return keyring_of(look_up_secret(said) if said.startswith("file:") else said)


def desk_of(
    directory: Path,
    company: str,
    clock: Clock,
    policy: Policy | None = None,
    *,
    keys: Callable[[], Keyring] | None = None,
    engine: Engine | None = None,
) -> Desk:
    """Everything a run of this company needs; `keys` open its tokens, `engine` is a history database that is open already.

    Raises PolicyFileProblems, DatabaseUnusable, DatabaseBusy.
    """
    policy = policy or load_policy(directory, company)
    state = directory / "state" / company
    engine = engine or open_database(database_url(directory))
    entry = connector_entry(policy.ledger.type)
    vault = _vault_of(engine, company, entry.id, clock, keys or (lambda: keyring(directory)))
    around = Surroundings(company, policy.company.time_zone, clock.now, directory, state, vault, Meter(engine, company, SystemClock().now))
    authorizer = entry.authorizer
    return Desk(
        company=company,
        policy=policy,
        rulebook=Rulebook.of(policy),
        engine=engine,
        clock=clock,
        renderer=renderer_of(policy, directory),
        open_ledger=lambda: entry.connector(policy.ledger.settings, around),
        open_mail=lambda: _open_mail(policy, directory),
        state_dir=state,
        vault=vault if authorizer else None,
        open_authorizer=(lambda: authorizer(policy.ledger.settings, around)) if authorizer else None,
    )


def _vault_of(engine: Engine, company: str, ledger: str, clock: Clock, keys: Callable[[], Keyring]) -> Vault:
    """Leases and ends go by the machine's clock, also when a run is for another day."""
    as_seen = None if isinstance(clock, SystemClock) else clock.now
    return Vault(engine, company, ledger, keys, SystemClock().now, owner(), is_alive, as_seen=as_seen)


def _open_mail(policy: Policy, directory: Path) -> MailTransport:
    return SmtpTransport(policy.mail.smtp) if policy.mail.smtp else FolderTransport(directory / policy.mail.folder)
