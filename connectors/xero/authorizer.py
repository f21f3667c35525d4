"""How a company lets us into Xero: authorization code with PKCE, granular scopes, one authorization for each organisation.

Sources: https://developer.xero.com/documentation/guides/oauth2/auth-flow/, …/oauth2/pkce-flow/, …/oauth2/tenants/ and
https://developer.xero.com/faq/granular-scopes. xero-python's own token handling is left out: it knows no PKCE, asks with no timeout, and
loses a new token when the answer has a field that it does not know; its IdentityApi calls /Connections where the documentation
writes /connections.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from ...core.access import Authorization, Consent
from ...core.errors import AuthorizationExpired, CompanyMustAct
from ...core.port import Surroundings
from ..http import Transport, understood
from ..oauth import Client, CodeAuthorizer, TokenEndpoint, token_answer
from .settings import XeroSettings

SCOPES = (
    "offline_access",
    "accounting.invoices",
    "accounting.payments.read",
    "accounting.contacts.read",
    "accounting.settings.read",
)
"""The least that is needed: reading and writing invoices (with credit notes and history), the rest for reading only."""

RECORDING = {"accounting.payments.read": "accounting.payments"}
"""What a company is asked for instead whose settings let payments be recorded."""

REFRESH_LIFETIME = timedelta(days=60)
"""How long a refresh token lasts when it is not used."""


class XeroAuthorizer(CodeAuthorizer):
    """Consent to one or several organisations. A token set is a user's: of all that he let us into, core keeps one for a company."""

    ledger = "Xero"
    scopes: ClassVar[tuple[str, ...]] = SCOPES

    settings: XeroSettings

    def __init__(self, settings: XeroSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        secrets = (settings.client_secret,)
        self.transport = Transport(settings.identity_url, ledger="Xero", now=surroundings.now, secrets=secrets)
        self._api = Transport(settings.api_url, ledger="Xero", now=surroundings.now, secrets=secrets)
        self._endpoint = TokenEndpoint(self.transport, "/connect/token", Client(settings.client_id, settings.client_secret))

    @property
    def authorize_address(self) -> str:
        return self.settings.authorize_address

    @property
    def wanted_scopes(self) -> tuple[str, ...]:
        """The least, and the right to write payments only where they are to be recorded."""
        return tuple(RECORDING.get(scope, scope) if self.settings.payment_account else scope for scope in self.scopes)

    def close(self) -> None:
        """Let go of connections."""
        self.transport.close()
        self._api.close()

    def exchanged(self, code: str, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        """One authorization for each organisation that the person let us into just now."""
        asked_at = self.surroundings.now()
        said = self._endpoint.exchange(code, consent)
        granted = token_answer(said, asked_at, refresh_lifetime=REFRESH_LIFETIME)
        found = [
            replace(granted, tenant_id=str(each["tenantId"]), tenant_name=str(each.get("tenantName") or ""), connection_id=str(each["id"]))
            for each in self._connections(granted, _event_of(granted))
        ]
        if not found:
            raise CompanyMustAct("No organisation was chosen in Xero.", hint="Start again and choose the organisation of these books.")
        return found

    def refresh(self, authorization: Authorization) -> Authorization:
        """New tokens for old. When the answer was lost, the old refresh token works again for 30 minutes. Raises AuthorizationExpired."""
        asked_at = self.surroundings.now()
        return token_answer(self._endpoint.refresh(authorization), asked_at, before=authorization, refresh_lifetime=REFRESH_LIFETIME)

    def revoke(self, authorization: Authorization) -> None:
        """Take this organisation's connection back. (Xero's revocation endpoint would drop every connection of the user.)"""
        if not authorization.connection_id or self._disconnected(authorization):
            return
        try:
            renewed = self.refresh(authorization)
        except AuthorizationExpired:
            return  # nobody can use it any more
        if not self._disconnected(renewed):
            raise CompanyMustAct("Xero did not let us disconnect.", hint="Disconnect Puntual in Xero: Settings, Connected apps.")

    def _disconnected(self, authorization: Authorization) -> bool:
        path = f"/connections/{authorization.connection_id}"
        headers = self._headers(authorization)
        return self._api.request("DELETE", path, headers=headers, accept=(200, 204, 401, 403, 404)).status not in (401, 403)

    @understood("Xero")
    def _connections(self, granted: Authorization, event: str) -> list[Mapping[str, Any]]:
        """The organisations of this consent; all that the user let us into when Xero does not say which came with it."""
        headers = self._headers(granted)
        for query in ({"authEventId": event}, {}) if event else ({},):
            rows = self._api.request("GET", "/connections", query=query, headers=headers, repeatable=True).json()
            found = [row for row in rows if row.get("tenantType", "ORGANISATION") == "ORGANISATION" and row["tenantId"] and row["id"]]
            if found:
                return found
        return []

    def _headers(self, authorization: Authorization) -> dict[str, str]:
        self._api.keep_secret(authorization.access_token)
        return {"Authorization": f"Bearer {authorization.access_token.reveal()}", "Accept": "application/json"}


def _event_of(authorization: Authorization) -> str:
    """The consent that an access token came from: its claim authentication_event_id (RFC 7519). Read, not believed: it only narrows a
    question that Xero answers by itself."""
    try:
        claims = authorization.access_token.reveal().split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return str(said["authentication_event_id"])
    except (IndexError, KeyError, TypeError, ValueError):
        return ""
