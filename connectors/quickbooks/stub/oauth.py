"""The authorization server: a person's consent, codes, tokens that are renewed and rotate, and their end.

An access token works for an hour; a refresh token for a hundred days, and its value is replaced by the first renewal after a day, when the
old one dies; nothing works five years after the consent. A value that is dead, or that is used by two at once, is refused, and the whole
consent with it when `ends_on_reuse` is set.
"""

import base64
import binascii
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlencode

SCOPES = frozenset({"com.intuit.quickbooks.accounting", "com.intuit.quickbooks.payment", "openid", "profile", "email"})
ACCOUNTING = "com.intuit.quickbooks.accounting"
ACCESS_LASTS = timedelta(seconds=3600)
REFRESH_LASTS = timedelta(seconds=8726400)
CODE_LASTS = timedelta(minutes=5)
CONSENT_LASTS = timedelta(seconds=157680000)


class OAuthRefusal(Exception):
    """What the token endpoint refuses, by RFC 6749 section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}
        self.status = status


class BadPage(Exception):
    """A question for consent that is shown to the person as a mistake and never goes back to the asking app."""


@dataclass(slots=True)
class Grant:
    """One consent and its tokens as they are now. Instants are aware UTC."""

    realm_id: str
    scopes: tuple[str, ...]
    access_token: str
    refresh_token: str
    expires_at: datetime
    refresh_expires_at: datetime
    ends_at: datetime
    rotated_at: datetime
    alive: bool = True


@dataclass(slots=True)
class _Code:
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: datetime
    grant: Grant | None = None


class OAuth:
    """The authorization server for one app and one company. `redirect_uris` are registered and have to match exactly."""

    def __init__(
        self,
        now: Callable[[], datetime],
        realm_id: str,
        *,
        client_id: str = "ABclientId0123456789",
        client_secret: str = "stub-client-secret-0123456789",  # noqa: S107 - of the stand-in
        redirect_uris: Iterable[str] = ("http://localhost:8765/callback",),
    ) -> None:
        self.now = now
        self.realm_id = realm_id
        self.client_id = client_id
        self.client_secret = client_secret
        self.redirect_uris = set(redirect_uris)
        self.person_refuses = False
        self.rotates_after = timedelta(hours=24)
        self.ends_on_reuse = True
        self.refuses_all = False
        self.while_renewing: Callable[[], None] | None = None
        """Called in the middle of a renewal: what others do then with the same value is refused."""
        self.issued: list[str] = []
        """Every code and token that was ever given out."""
        self.renewals = 0
        self._codes: dict[str, _Code] = {}
        self._by_access: dict[str, tuple[Grant, datetime]] = {}
        self._by_refresh: dict[str, Grant] = {}
        self._renewing: set[str] = set()
        self._lock = Lock()

    # --- a person's consent ---------------------------------------------------------------------------------------------------

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Where the browser goes after the person has answered. Raises BadPage."""
        redirect = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.client_id:
            raise BadPage("The client_id query parameter value is invalid")
        if redirect not in self.redirect_uris:
            raise BadPage("The redirect_uri query parameter value is invalid")
        scopes = tuple(asked.get("scope", "").split())
        if asked.get("response_type") != "code" or not scopes or not SCOPES.issuperset(scopes) or not asked.get("state"):
            raise BadPage("The request is missing a parameter, or one of its values is invalid")
        state = {"state": asked["state"]}
        if self.person_refuses:
            return f"{redirect}?{urlencode({'error': 'access_denied', **state})}"
        code = self._new("code")
        self._codes[code] = _Code(redirect, scopes, self.now() + CODE_LASTS)
        return f"{redirect}?{urlencode({'code': code, **state, 'realmId': self.realm_id})}"

    def grant(self, scopes: Iterable[str] = (ACCOUNTING,)) -> Grant:
        """A new consent with fresh tokens, without a browser."""
        now = self.now()
        made = Grant(self.realm_id, tuple(scopes), "", self._new("refresh"), now, now + REFRESH_LASTS, now + CONSENT_LASTS, now)
        self._by_refresh[made.refresh_token] = made
        self._give_access(made)
        return made

    # --- the token endpoint ---------------------------------------------------------------------------------------------------

    def tokens(self, authorization: str, form: Mapping[str, str], *, tells_end: bool) -> dict[str, Any]:
        """The answer to an exchange or a renewal. `tells_end`: the opt-in header was there. Raises OAuthRefusal."""
        self._check_client(authorization)
        if self.refuses_all:
            raise OAuthRefusal("invalid_grant", "Incorrect Token type or clientID")
        kind = form.get("grant_type")
        if kind == "authorization_code":
            grant = self._exchanged(form)
        elif kind == "refresh_token":
            grant = self._renewed(form.get("refresh_token", ""))
        else:
            raise OAuthRefusal("unsupported_grant_type", "The grant_type is not supported")
        return self._answer(grant, tells_end)

    def revoke(self, authorization: str, token: Any) -> bool:
        """End a consent by one of its tokens; whether there was one. Raises OAuthRefusal."""
        self._check_client(authorization)
        grant = self._by_refresh.get(token) or (self._by_access.get(token) or (None,))[0]
        if grant is None or not grant.alive:
            return False
        grant.alive = False
        return True

    def realm_of(self, access_token: str) -> str | None:
        """The company that an access token lets in to; None when it does not work (any more)."""
        grant, until = self._by_access.get(access_token, (None, None))
        works = grant is not None and until is not None and grant.alive and self.now() < until
        return grant.realm_id if grant is not None and works and ACCOUNTING in grant.scopes else None

    def end(self) -> None:
        """Somebody at the company disconnected the app: all consents end."""
        for grant in self._by_refresh.values():
            grant.alive = False

    def _check_client(self, authorization: str) -> None:
        scheme, _space, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode() if scheme == "Basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        if not secrets.compare_digest(given.encode(), f"{self.client_id}:{self.client_secret}".encode()):
            raise OAuthRefusal("invalid_client", "Client authentication failed", 401)

    def _exchanged(self, form: Mapping[str, str]) -> Grant:
        with self._lock:
            code = self._codes.get(form.get("code", ""))
            if code is None or code.expires_at <= self.now() or form.get("redirect_uri") != code.redirect_uri:
                raise OAuthRefusal("invalid_grant", "Invalid authorization code")
            if code.grant is not None:
                code.grant.alive = False
                raise OAuthRefusal("invalid_grant", "Authorization code was used before")
            code.grant = self.grant(code.scopes)
            return code.grant

    def _renewed(self, value: str) -> Grant:
        grant = self._by_refresh.get(value)
        if grant is None or not grant.alive or self.now() >= grant.refresh_expires_at:
            raise OAuthRefusal("invalid_grant", "Incorrect or invalid refresh token")
        self._begin(grant, value)
        try:
            if self.while_renewing:
                self.while_renewing()
            return self._rotated(grant)
        finally:
            self._renewing.discard(value)

    def _begin(self, grant: Grant, value: str) -> None:
        with self._lock:
            if value != grant.refresh_token or value in self._renewing:
                grant.alive = grant.alive and not self.ends_on_reuse
                raise OAuthRefusal("invalid_grant", "Incorrect or invalid refresh token")
            self._renewing.add(value)

    def _rotated(self, grant: Grant) -> Grant:
        now = self.now()
        if not grant.alive:
            raise OAuthRefusal("invalid_grant", "Incorrect or invalid refresh token")
        if now - grant.rotated_at >= self.rotates_after:
            grant.refresh_token = self._new("refresh")
            grant.rotated_at = now
            self._by_refresh[grant.refresh_token] = grant
        grant.refresh_expires_at = min(now + REFRESH_LASTS, grant.ends_at)
        self.renewals += 1
        self._give_access(grant)
        return grant

    def _give_access(self, grant: Grant) -> None:
        grant.access_token = self._new("access")
        grant.expires_at = self.now() + ACCESS_LASTS
        self._by_access[grant.access_token] = (grant, grant.expires_at)

    def _answer(self, grant: Grant, tells_end: bool) -> dict[str, Any]:
        now = self.now()
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": grant.access_token,
            "expires_in": int((grant.expires_at - now).total_seconds()),
            "refresh_token": grant.refresh_token,
            "x_refresh_token_expires_in": int((grant.refresh_expires_at - now).total_seconds()),
        }
        if tells_end:
            answer["x_refresh_token_hard_expires_in"] = int((grant.ends_at - now).total_seconds())
        return answer

    def _new(self, kind: str) -> str:
        prefix = {"access": "eyJlbmMiOiJBMTI4.", "refresh": "RT1-", "code": "AB1"}[kind]
        self.issued.append(prefix + secrets.token_urlsafe(32))
        return self.issued[-1]
