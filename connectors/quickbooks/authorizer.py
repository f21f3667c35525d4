"""How a person at the company lets us into QuickBooks Online: OAuth 2.0 at Intuit.

Sources: Intuit, "Set up OAuth 2.0" and "Important changes to refresh token policy" (12 Nov 2025). The library intuit-oauth is not used
here: its client asks for a discovery document over the network each time it is made, makes its state with `random`, and keeps tokens as
attributes that two workers would overwrite.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ...core.access import Authorization, Consent
from ...core.errors import CompanyMustAct
from ...core.port import Surroundings
from ..http import Transport
from ..lazily import cached_property
from ..oauth import Client, CodeAuthorizer, TokenEndpoint, lifetime_in, revoke_token, token_answer
from .settings import QuickBooksSettings

_AUTHORIZE = "https://appcenter.intuit.com"
_TOKENS = "https://oauth.platform.intuit.com"
_REVOKE = "https://developer.api.intuit.com"
_GONE = ("invalid_request", "invalid_grant", "invalid_token")
"""What the revocation endpoint says of a token that it does not know, or knows no more."""
_TELL_HARD_END = {"x-include-refresh-token-hard-expires-in": "true"}
"""Intuit tells only those who ask when a connection ends for good, five years after the consent."""


class QuickBooksAuthorizer(CodeAuthorizer):
    """The consent of one company. The scope is for reading and writing: Intuit has none that only reads."""

    ledger = "QuickBooks Online"
    scopes = ("com.intuit.quickbooks.accounting",)
    uses_pkce = False

    settings: QuickBooksSettings

    @property
    def authorize_address(self) -> str:
        """Intuit's page of consent."""
        return (self.settings.service_url or _AUTHORIZE) + "/connect/oauth2"

    def exchanged(self, code: str, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        """The one company that the person chose. Which one stands in the redirect only, and nowhere in the answer about tokens."""
        realm = answer.get("realmId", "")
        if not realm.isdecimal():
            raise CompanyMustAct("What came back from the browser does not say which company it is for.", hint="Start again.")
        asked_at = self.surroundings.now()
        return [_authorization(self._endpoint.exchange(code, consent), asked_at, tenant_id=realm)]

    def refresh(self, authorization: Authorization) -> Authorization:
        """New tokens. The value of the refresh token changes about daily, and then the old one is dead."""
        asked_at = self.surroundings.now()
        return _authorization(self._endpoint.refresh(authorization), asked_at, before=authorization)

    def revoke(self, authorization: Authorization) -> None:
        """Give the connection back."""
        self._revoking.keep_secret(authorization.refresh_token)
        data = {"token": authorization.refresh_token.reveal()}
        revoke_token(self._revoking, "/v2/oauth2/tokens/revoke", self._client, data=data, gone=_GONE)

    def close(self) -> None:
        """Let go of connections."""
        self._asking.close()
        self._revoking.close()

    @property
    def _client(self) -> Client:
        return Client(self.settings.client_id, self.settings.client_secret)

    @cached_property
    def _asking(self) -> Transport:
        return _transport(self.settings.service_url or _TOKENS, self.settings, self.surroundings)

    @cached_property
    def _revoking(self) -> Transport:
        return _transport(self.settings.service_url or _REVOKE, self.settings, self.surroundings)

    @cached_property
    def _endpoint(self) -> TokenEndpoint:
        return TokenEndpoint(self._asking, "/oauth2/v1/tokens/bearer", self._client, _TELL_HARD_END)


def _transport(base_url: str, settings: QuickBooksSettings, surroundings: Surroundings) -> Transport:
    return Transport(base_url, ledger="QuickBooks Online", now=surroundings.now, secrets=(settings.client_secret,))


def _authorization(
    found: Mapping[str, Any], asked_at: datetime, *, before: Authorization | None = None, tenant_id: str = ""
) -> Authorization:
    return token_answer(
        found,
        asked_at,
        before=before,
        tenant_id=tenant_id,
        refresh_lifetime=lifetime_in(found, "x_refresh_token_expires_in"),
        whole_lifetime=lifetime_in(found, "x_refresh_token_hard_expires_in"),
    )
