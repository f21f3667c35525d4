"""How Odoo is spoken to: JSON-RPC on 16 to 18, JSON-2 from 19 on, and what each refusal means.

Sources: Odoo "External RPC API" (https://www.odoo.com/documentation/18.0/developer/reference/external_api.html) and "External JSON-2 API"
(https://www.odoo.com/documentation/19.0/developer/reference/external_api.html). XML-RPC is not used: it marshals after the
commit, so that a method that was carried out can answer with a fault.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any

from ...core.errors import (
    AuthorizationExpired,
    CompanyMustAct,
    LedgerUnavailable,
    PermissionMissing,
    PuntualError,
    RejectedByLedger,
    UnexpectedResponse,
)
from ..http import Answer, Transport
from .settings import OdooSettings, OdooTransport

OLDEST_VERSION = 16
FIRST_JSON2_VERSION = 19
GROUP_HINT = "Give that user the group Invoicing (account.group_account_invoice) in Odoo's settings, under Users."

# By the name of the exception, as both APIs report it. What is not named here is a misunderstanding of ours and never repeated.
_ERROR_OF_NAME: Mapping[str, type[PuntualError]] = MappingProxyType(
    {
        "odoo.exceptions.AccessDenied": AuthorizationExpired,
        "werkzeug.exceptions.Unauthorized": AuthorizationExpired,
        "odoo.exceptions.AccessError": PermissionMissing,
        "odoo.exceptions.MissingError": RejectedByLedger,
        "odoo.exceptions.RedirectWarning": RejectedByLedger,
        "odoo.exceptions.UserError": RejectedByLedger,
        "odoo.exceptions.ValidationError": RejectedByLedger,
        "odoo.exceptions.LockError": LedgerUnavailable,
        "odoo.sql_db.PoolError": LedgerUnavailable,
        "psycopg2.InterfaceError": LedgerUnavailable,
        "psycopg2.OperationalError": LedgerUnavailable,
        "psycopg2.errors.DeadlockDetected": LedgerUnavailable,
        "psycopg2.errors.LockNotAvailable": LedgerUnavailable,
        "psycopg2.errors.QueryCanceled": LedgerUnavailable,
        "psycopg2.errors.SerializationFailure": LedgerUnavailable,
        "psycopg2.pool.PoolError": LedgerUnavailable,
    }
)


class Wire(ABC):
    """One of Odoo's external APIs, as one user. `uid` is the user's id."""

    uid: int = 0

    def __init__(self, settings: OdooSettings, transport: Transport, version: str) -> None:
        self.version = version
        self.transport = transport
        self.answered_at: datetime | None = None
        """The server's own time (UTC) at its latest answer, as its Date header says; None when it says nothing."""
        self._settings = settings

    @abstractmethod
    def connect(self) -> None:
        """Find out as whom we speak. Raises AuthorizationExpired when the key is not accepted."""

    @abstractmethod
    def execute(self, model: str, method: str, ids: Sequence[int] | None = None, *, reads: bool = False, **named: Any) -> Any:
        """Call a public method of a model, on the records `ids` when given. One call is one transaction. `reads`: it may be asked twice."""

    def problem(self, name: str, said: str, model: str) -> PuntualError:
        """The error of ours for an exception of Odoo's."""
        text = self.transport.masked(said)
        error = _ERROR_OF_NAME.get(name, UnexpectedResponse)
        if error is AuthorizationExpired:
            return refused_key(self._settings)
        if error is PermissionMissing:
            return PermissionMissing(f"The Odoo user {self._settings.login} may not use {model}: {text}", hint=GROUP_HINT)
        if error is RejectedByLedger:
            return RejectedByLedger(text, code=name)
        if name.startswith("psycopg2.Operational") and self._names_our_database(said):
            return unknown_database(self._settings)
        return error(f"Odoo reports {name} on {model}: {text}")

    def _names_our_database(self, said: str) -> bool:
        return re.search(rf"[\"«]\s?{re.escape(self._settings.database)}\s?[\"»]", said) is not None


def refused_key(settings: OdooSettings) -> AuthorizationExpired:
    """Odoo tells a wrong login, a wrong, expired or revoked key and an archived user not apart."""
    return AuthorizationExpired(
        f"Odoo does not accept the API key of {settings.login} for the database {settings.database}.",
        hint="Check the login, or make a new key in Odoo under My Profile, Account Security (from Odoo 18 on keys expire).",
    )


def unknown_database(settings: OdooSettings) -> CompanyMustAct:
    """The server answers, but not for this database."""
    return CompanyMustAct(f"Odoo has no database named {settings.database}.", hint="Correct `database` in the policy.")


class JsonRpcWire(Wire):
    """/jsonrpc: every answer has status 200, errors are told by the name of the exception."""

    def connect(self) -> None:
        user = self._settings
        uid = self._ask("common", "authenticate", [user.database, user.login, user.api_key.reveal(), {}], "res.users", reads=True)
        if not isinstance(uid, int) or not uid:
            raise refused_key(user)
        self.uid = uid

    def execute(self, model: str, method: str, ids: Sequence[int] | None = None, *, reads: bool = False, **named: Any) -> Any:
        # `create` alone is taken apart by the server before its arguments are named, so its list has to come by position.
        positional = [named.pop("vals_list")] if method == "create" else [] if ids is None else [list(ids)]
        user = self._settings
        arguments = [user.database, self.uid, user.api_key.reveal(), model, method, positional, named]
        return self._ask("object", "execute_kw", arguments, model, reads=reads)

    def _ask(self, service: str, method: str, arguments: list[Any], model: str, *, reads: bool) -> Any:
        call = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": {"service": service, "method": method, "args": arguments}}
        answer = self.transport.request("POST", "/jsonrpc", data=call, repeatable=reads)
        said = answer.json()
        _note_time(self, answer)
        if not isinstance(said, dict):
            raise UnexpectedResponse("Odoo answered /jsonrpc with something that is no JSON-RPC answer.")
        if "error" in said:
            name, message = _name_and_message(said["error"])
            raise self.problem(name, message, model)
        return said.get("result")


class Json2Wire(Wire):
    """/json/2: named arguments only, errors are told by status and by the name of the exception."""

    def connect(self) -> None:
        said = self.execute("res.users", "context_get", reads=True)
        if not isinstance(said, dict) or not isinstance(said.get("uid"), int):
            raise UnexpectedResponse("Odoo does not say whose key this is.")
        self.uid = said["uid"]

    def execute(self, model: str, method: str, ids: Sequence[int] | None = None, *, reads: bool = False, **named: Any) -> Any:
        body = named if ids is None else {"ids": list(ids), **named}
        headers = {"Authorization": f"bearer {self._settings.api_key.reveal()}", "X-Odoo-Database": self._settings.database}
        accept = (200, 400, 401, 403, 404, 422, 500)
        answer = self.transport.request("POST", f"/json/2/{model}/{method}", data=body, headers=headers, accept=accept, repeatable=reads)
        _note_time(self, answer)
        if answer.status == 200:
            return answer.json()
        raise self._refusal(answer, model)

    def _refusal(self, answer: Answer, model: str) -> PuntualError:
        if answer.status == 401:
            return refused_key(self._settings)
        if answer.is_html:
            return unknown_database(self._settings) if answer.status == 404 else self.transport.error_of(answer)
        try:
            name, message = _name_and_message({"data": answer.json()})
        except LedgerUnavailable as broken:
            return broken
        return self.problem(name, message, model) if name else self.transport.error_of(answer)


def open_wire(settings: OdooSettings, transport: Transport) -> Wire:
    """The API that this server has, with the user known. Raises CompanyMustAct when the server is too old."""
    version = _version_of_json2(transport) if settings.transport is not OdooTransport.JSONRPC else None
    if settings.transport is OdooTransport.JSON2 and version is None:
        raise CompanyMustAct("This server has no JSON-2 API, which comes with Odoo 19.", hint="Set `transport` to auto in the policy.")
    wire: Wire
    if settings.transport is OdooTransport.JSON2 or (version and _major(version) >= FIRST_JSON2_VERSION):
        wire = Json2Wire(settings, transport, str(version))
    else:
        wire = JsonRpcWire(settings, transport, _version_of_jsonrpc(transport))
    if _major(wire.version) < OLDEST_VERSION:
        raise CompanyMustAct(f"This is Odoo {wire.version}; Puntual works with Odoo {OLDEST_VERSION} and later.")
    wire.connect()
    return wire


def _version_of_json2(transport: Transport) -> str | None:
    """GET /web/version exists from 19 on; before that the same path gives a web page or a redirect, which proves nothing."""
    answer = transport.request("GET", "/web/version", accept=(200, 301, 302, 303, 307, 308, 400, 404), repeatable=True)
    if answer.status != 200 or answer.is_html:
        return None
    said = answer.json()
    return str(said["version"]) if isinstance(said, dict) and "version" in said else None


def _version_of_jsonrpc(transport: Transport) -> str:
    call = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": {"service": "common", "method": "version", "args": []}}
    said = transport.request("POST", "/jsonrpc", data=call, repeatable=True).json()
    try:
        return str(said["result"]["server_version"])
    except (KeyError, TypeError):
        problem = UnexpectedResponse("The server does not say which version of Odoo it is; is this the address of an Odoo server?")
    raise problem


def _major(version: str) -> int:
    """18 of "18.0-20250421" and of "saas~18.2+e"."""
    found = re.search(r"\d+", version)
    return int(found.group()) if found else 0


def _name_and_message(error: Any) -> tuple[str, str]:
    data = error.get("data") if isinstance(error, dict) else None
    if not isinstance(data, dict):
        return "", str(error)
    return str(data.get("name") or ""), str(data.get("message") or "")


def _note_time(wire: Wire, answer: Answer) -> None:
    try:
        wire.answered_at = parsedate_to_datetime(answer.headers.get("date", "")).replace(tzinfo=UTC)
    except ValueError:
        wire.answered_at = None
