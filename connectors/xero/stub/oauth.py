"""Xero's authorization server: consent, codes, tokens that rotate, and the connections of an app to organisations."""

import hashlib
import hmac
import json
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from werkzeug.wrappers import Request, Response

from .faults import not_connected, token_expired, token_unknown

REDIRECT_URI = "http://localhost:8765/callback"
ACCESS_LASTS = timedelta(minutes=30)
REFRESH_LASTS = timedelta(days=60)
GRACE = timedelta(minutes=30)
_CODE_LASTS = timedelta(minutes=5)

_READ_OR_WRITE = ("invoices", "payments", "banktransactions", "manualjournals", "contacts", "settings", "attachments", "budgets")
GRANULAR = frozenset(
    {"openid", "profile", "email", "offline_access", "accounting.reports.aged.read", "accounting.reports.balancesheet.read"}
    | {f"accounting.{name}{suffix}" for name in _READ_OR_WRITE for suffix in ("", ".read")}
)
"""What an app made since 2 March 2026 may ask for; accounting.transactions and the like are refused."""

LEAST = "offline_access accounting.invoices accounting.payments.read accounting.contacts.read accounting.settings.read"


@dataclass(frozen=True)
class Granted:
    """A fresh token set, with the organisation it was made for."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    refresh_expires_at: datetime
    scope: str
    tenant_id: str
    tenant_name: str
    connection_id: str


@dataclass
class _Code:
    challenge: str
    redirect_uri: str
    scopes: tuple[str, ...]
    at: datetime


@dataclass
class _Token:
    scopes: tuple[str, ...]
    ends_at: datetime
    event: str
    used_at: datetime | None = None


class OAuthError(Exception):
    """A refusal of the token endpoint (RFC 6749 section 5.2)."""


class Authority:
    """One app, one user at the company, and the organisations that this user may connect.

    `client_secret` empty: an app without a secret, which must use PKCE. `consents` false: the person clicks on Cancel. `chosen`: the
    organisations that the person picks; None: all. `refuses` says whether every token is to be refused at the moment.
    """

    def __init__(self, now: Callable[[], datetime], tenants: Mapping[str, str]) -> None:
        self.client_id = "3FA9C02D7B41486E8C5D1A6F0B2E7D94"
        self.client_secret = "s3cr3t-of-the-app-9f2c71d4"  # noqa: S105
        self.redirect_uris = {REDIRECT_URI}
        self.consents = True
        self.chosen: set[str] | None = None
        self.refuses: Callable[[], bool] = lambda: False
        self.connections: dict[str, dict[str, str]] = {}
        self._now = now
        self._tenants = tenants
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}

    # --- what the API asks ----------------------------------------------------------------------------------------------------

    def scopes_of(self, authorization: str) -> tuple[str, ...]:
        """What the bearer of a header may do. Raises XeroFault."""
        scheme, _space, text = authorization.partition(" ")
        token = self._access.get(text)
        if scheme.lower() != "bearer" or token is None:
            raise token_unknown()
        if token.ends_at <= self._now():
            raise token_expired(token.ends_at)
        return token.scopes

    def expire(self, authorization: str) -> None:
        """The token of a header works no longer."""
        if token := self._access.get(authorization.partition(" ")[2]):
            token.ends_at = self._now()

    def check_connected(self, tenant_id: str) -> None:
        """Whether the app is connected to an organisation. Raises XeroFault."""
        if all(connection["tenantId"] != tenant_id for connection in self.connections.values()):
            raise not_connected()

    def grant(self, tenant_id: str, scope: str) -> Granted:
        """A fresh token set without a browser, connected to the organisation."""
        event = self._connect({tenant_id})
        answer = self._issue(tuple(scope.split()), event)
        connection = next(each for each in self.connections.values() if each["tenantId"] == tenant_id)
        now = self._now()
        tokens = (answer["access_token"], answer.get("refresh_token", ""), now + ACCESS_LASTS, now + REFRESH_LASTS)
        return Granted(*tokens, scope, tenant_id, connection["tenantName"], connection["id"])

    def issued(self) -> list[str]:
        """Every token and code that was ever given out."""
        return [*self._access, *self._refresh, *self._codes]

    # --- the browser ----------------------------------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response:
        """The page that asks the person; here the answer is known."""
        asked = request.args
        if wrong := self._wrong_with(asked):
            return Response(f"<!DOCTYPE html><html><body>Error: {wrong}</body></html>", 400, mimetype="text/html")
        state = {"state": asked["state"]} if "state" in asked else {}
        if not self.consents:
            return _redirect(asked["redirect_uri"], {"error": "access_denied", **state})
        code = secrets.token_urlsafe(32)
        scopes = tuple(asked["scope"].split())
        self._codes[code] = _Code(asked.get("code_challenge", ""), asked["redirect_uri"], scopes, self._now())
        return _redirect(asked["redirect_uri"], {"code": code, "scope": asked["scope"], **state, "session_state": secrets.token_urlsafe(8)})

    def _wrong_with(self, asked: Mapping[str, str]) -> str:
        challenge = asked.get("code_challenge", "")
        if asked.get("client_id") != self.client_id:
            return "unauthorized_client"
        if asked.get("redirect_uri") not in self.redirect_uris:
            return "unauthorized_client: Invalid redirect_uri"
        if asked.get("response_type") != "code":
            return "unsupported_response_type"
        if not asked.get("scope", "").split() or not set(asked["scope"].split()) <= GRANULAR:
            return "invalid_scope"
        if (not challenge and not self.client_secret) or (challenge and not 43 <= len(challenge) <= 128):
            return "invalid_request: code challenge required"
        if challenge and asked.get("code_challenge_method") != "S256":
            return "invalid_request: transform algorithm not supported"
        return ""

    # --- the token endpoint ---------------------------------------------------------------------------------------------------

    def token(self, request: Request) -> Response:
        """POST /connect/token."""
        try:
            form = _form_of(request)
            if self.refuses():
                raise OAuthError("invalid_grant")
            self._authenticate(request, form)
            grants = {"authorization_code": self._of_code, "refresh_token": self._of_refresh}
            handler = grants.get(form.get("grant_type", ""))
            if handler is None:
                raise OAuthError("unsupported_grant_type")
            return _json(handler(form))
        except OAuthError as error:
            return _json({"error": str(error)}, 400)

    def revoke(self, request: Request) -> Response:
        """POST /connect/revocation: the refresh token, and with it all connections of the user (RFC 7009: an unknown one is no error)."""
        try:
            form = _form_of(request)
            self._authenticate(request, form)
        except OAuthError as error:
            return _json({"error": str(error)}, 400)
        if form.get("token") in self._refresh:
            self._revoke_all()
        return Response("", 200)

    def _revoke_all(self) -> None:
        self.connections.clear()
        for token in self._refresh.values():
            token.ends_at = self._now()

    def _authenticate(self, request: Request, form: Mapping[str, str]) -> None:
        header = request.headers.get("Authorization", "")
        if header.startswith("Basic "):
            try:
                key, _colon, secret = b64decode(header[6:], validate=True).decode().partition(":")
            except ValueError:
                raise OAuthError("invalid_client") from None
        else:
            key, secret = form.get("client_id", ""), form.get("client_secret", "")
        if key != self.client_id or not hmac.compare_digest(secret.encode(), self.client_secret.encode()):
            raise OAuthError("invalid_client")

    def _of_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.at + _CODE_LASTS <= self._now() or form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError("invalid_grant")
        if bool(code.challenge) != ("code_verifier" in form) or (code.challenge and code.challenge != _s256(form["code_verifier"])):
            raise OAuthError("invalid_grant")
        return self._issue(code.scopes, self._connect(self.chosen))

    def _of_refresh(self, form: Mapping[str, str]) -> dict[str, Any]:
        token, now = self._refresh.get(form.get("refresh_token", "")), self._now()
        if token is None or token.ends_at <= now or (token.used_at and token.used_at + GRACE <= now):
            raise OAuthError("invalid_grant")
        token.used_at = token.used_at or now
        return self._issue(token.scopes, token.event)

    def _issue(self, scopes: tuple[str, ...], event: str) -> dict[str, Any]:
        now = self._now()
        access = _jwt({"exp": int((now + ACCESS_LASTS).timestamp()), "authentication_event_id": event, "scope": scopes})
        self._access[access] = _Token(scopes, now + ACCESS_LASTS, event)
        answer: dict[str, Any] = {"access_token": access, "expires_in": ACCESS_LASTS.seconds, "token_type": "Bearer"}
        if "offline_access" in scopes:
            answer["refresh_token"] = secrets.token_urlsafe(32)
            self._refresh[answer["refresh_token"]] = _Token(scopes, now + REFRESH_LASTS, event)
        if "openid" in scopes:
            answer["id_token"] = _jwt({"email": "ana@example.com"})
        return {**answer, "scope": " ".join(scopes), "authentication_event_id": event}

    # --- connections ----------------------------------------------------------------------------------------------------------

    def connected(self, request: Request) -> Response:
        """GET /connections and DELETE /connections/{id}. Raises XeroFault."""
        if self.refuses():
            raise token_unknown()
        self.scopes_of(request.headers.get("Authorization", ""))
        _slash, _connections, *key = request.path.split("/")
        if request.method == "GET" and not key:
            event = request.args.get("authEventId")
            return _json([each for each in self.connections.values() if event in (None, each["authEventId"])])
        if request.method != "DELETE" or "".join(key) not in self.connections:
            return Response(status=404)
        del self.connections["".join(key)]
        return Response(status=204)

    def _connect(self, tenants: set[str] | None) -> str:
        event, at = str(uuid4()), f"{self._now():%Y-%m-%dT%H:%M:%S.%f}0"
        for tenant, name in self._tenants.items():
            if tenants is not None and tenant not in tenants:
                continue
            known = next((each for each in self.connections.values() if each["tenantId"] == tenant), None)
            made = known or {"id": str(uuid4()), "tenantId": tenant, "tenantType": "ORGANISATION", "createdDateUtc": at}
            made |= {"authEventId": event, "tenantName": name, "updatedDateUtc": at}
            self.connections[made["id"]] = made
        return event


def _form_of(request: Request) -> Mapping[str, str]:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request")
    return request.form.to_dict()


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, {"Cache-Control": "no-store"}, mimetype="application/json")


def _redirect(to: str, query: Mapping[str, str]) -> Response:
    return Response("", 302, {"Location": f"{to}?{urlencode(query)}"})


def _s256(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _jwt(claims: Mapping[str, Any]) -> str:
    """Three parts like a JSON Web Token; nobody checks the signature here."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {**claims, "jti": uuid4().hex})
    return ".".join([*(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts), secrets.token_urlsafe(32)])
