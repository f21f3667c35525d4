"""Wiring: from plugin.yaml, a policy file and the environment to a company's desk. The only place that reads files and environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from ..channels.folder import FolderTransport
from ..channels.port import MailTransport
from ..channels.smtp import SmtpTransport
from ..dunning.plan import Rulebook
from ..errors import PolicyProblem
from ..history.database import open_database
from ..notices.render import Renderer
from ..policy.read import LedgerKind, read_policy
from ..policy.schema import Policy
from ..port import LedgerConnector, Surroundings
from .clock import Clock
from .desk import Desk


@dataclass(frozen=True, slots=True)
class ConnectorEntry:
    """A connector as plugin.yaml lists it."""

    id: str
    connector: type[LedgerConnector]
    settings: type[BaseModel]


@cache
def manifest() -> Mapping[str, Any]:
    """plugin.yaml."""
    loaded: Mapping[str, Any] = yaml.safe_load(files("puntual").joinpath("plugin.yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def connector_entry(ledger: str) -> ConnectorEntry:
    """The connector of that id, imported when it is first asked for."""
    listed = {entry["id"]: entry for entry in manifest()["connectors"]}
    entry = listed[ledger]
    return ConnectorEntry(ledger, _dotted(entry["connector"]), _dotted(entry["settings"]))


@cache
def ledger_kinds() -> Mapping[str, LedgerKind]:
    """What policies may say of each ledger."""
    entries = [connector_entry(entry["id"]) for entry in manifest()["connectors"]]
    return {entry.id: LedgerKind(entry.settings, entry.connector.capabilities) for entry in entries}


def _dotted(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


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


def shown_path(path: Path) -> str:
    """The path as a person at this place would name it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def look_up_secret(reference: str) -> str | None:
    """The secret behind the inside of `${…}`: an environment variable, or the first line of a file for `file:/path`."""
    if reference.startswith("file:"):
        try:
            return Path(reference.removeprefix("file:")).read_text(encoding="utf-8").rstrip("\r\n") or None
        except (OSError, UnicodeDecodeError):
            return None
    return os.environ.get(reference) or None


def database_url(directory: Path) -> str:
    """PUNTUAL_DATABASE, else a SQLite file beside the companies."""
    return os.environ.get("PUNTUAL_DATABASE") or f"sqlite:///{directory / 'puntual.db'}"


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


def desk_of(directory: Path, company: str, clock: Clock, policy: Policy | None = None) -> Desk:
    """Everything a run of this company needs. Raises PolicyFileProblems, DatabaseUnusable, DatabaseBusy."""
    policy = policy or load_policy(directory, company)
    state = directory / "state" / company
    return Desk(
        company=company,
        policy=policy,
        rulebook=Rulebook.of(policy),
        engine=open_database(database_url(directory)),
        clock=clock,
        renderer=renderer_of(policy, directory),
        open_ledger=lambda: _open_ledger(policy, company, clock, directory, state),
        open_mail=lambda: _open_mail(policy, directory),
        state_dir=state,
    )


def _open_ledger(policy: Policy, company: str, clock: Clock, directory: Path, state: Path) -> LedgerConnector:
    surroundings = Surroundings(company, policy.company.time_zone, clock.now, directory, state)
    return connector_entry(policy.ledger.type).connector(policy.ledger.settings, surroundings)


def _open_mail(policy: Policy, directory: Path) -> MailTransport:
    return SmtpTransport(policy.mail.smtp) if policy.mail.smtp else FolderTransport(directory / policy.mail.folder)
