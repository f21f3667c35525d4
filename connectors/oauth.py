"""OAuth 2.0 as the ledgers speak it: the question in the browser, its answer, the token endpoint, and tokens that are renewed in time.

Sources: RFC 6749 (authorization code, refresh), RFC 7636 (PKCE, S256), RFC 7009 (revocation), RFC 9700 (best current practice).
No token, code, state or verifier stands in any message.
"""

import hashlib
import re
import secrets
from abc import abstractmethod
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus, urlencode

from ..core.access import Authorization, Consent, TokenVault
from ..core.errors import (
    AuthorizationExpired,
    CompanyMustAct,
    LedgerUnavailable,
    PermissionMissing,
    PuntualError,
    RejectedByLedger,
    UnexpectedResponse,
)
from ..core.port import Authorizer
from ..core.secret import Secret
from .http import Answer, Transport

_ERROR_WORD = re.compile(r"[a-zA-Z0-9_.-]{1,60}")
_CONNECT_AGAIN = "Connect it again with: puntual connect COMPANY"
_START_AGAIN = "Start again with: puntual connect COMPANY"
_DEFAULT_LIFETIME = timedelta(minutes=30)


class Tokens:
    """The tokens of one company for one connector: renewed when less than `early` is left, and when the ledger refuses one.

    `refresh` asks the ledger; the vault sees to it that one process does so at a time. One object serves one run: what it was given last
    is used until it has to be renewed.
    """

    def __init__(
        self,
        vault: TokenVault | None,
        refresh: Callable[[Authorization], Authorization],
        now: Callable[[], datetime],
        early: timedelta,
    ) -> None:
        self._vault = vault
        self._refresh = refresh
        self._now = now
        self._early = early
        self._known: Authorization | None = None

    def authorization(self) -> Authorization:
        """One whose access token works for a while. Raises AuthorizationExpired when the company has to be connected."""
        if self._known is None:
            self._known = self._kept().current()
        if self._known.expires_at - self._now() < self._early:
            return self.renewed(self._known)
        return self._known

    def renewed(self, stale: Authorization) -> Authorization:
        """A newer one than `stale`, whose access token the ledger refused or which ends soon."""
        self._known = None
        self._known = self._kept().renew(stale, self._refresh)
        return self._known

    def _kept(self) -> TokenVault:
        if self._vault is None:
            raise AuthorizationExpired("No authorization is kept for this company.", hint=_CONNECT_AGAIN)
        return self._vault


# --- the question in the browser --------------------------------------------------------------------------------------------------


def new_state() -> Secret:
    """What the answer has to carry: 256 bits that nobody can guess (RFC 6749 section 10.12)."""
    return Secret(secrets.token_urlsafe(32))


def new_verifier() -> Secret:
    """A code verifier of 43 characters (RFC 7636 section 4.1)."""
    return Secret(secrets.token_urlsafe(32))


def challenge_of(verifier: Secret) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def checked_answer(consent: Consent, answer: Mapping[str, str]) -> str:
    """The code in the query of the redirect. Raises CompanyMustAct when the answer is not to our question, or is a no.

    The state is looked at first and in constant time: what does not carry it is not believed in anything else.
    """
    if not consent.state.reveal() or Secret(answer.get("state", "")) != consent.state:
        raise CompanyMustAct("What came back from the browser is no answer to the question that was asked.", hint=_START_AGAIN)
    if error := answer.get("error"):
        raise _refusal(error)
    if not (code := answer.get("code", "")):
        raise CompanyMustAct("What came back from the browser has no code in it.", hint=_START_AGAIN)
    return code


def _refusal(error: str) -> CompanyMustAct:
    if error == "access_denied":
        return CompanyMustAct("The connection was declined in the browser.", hint="If that was not meant: puntual connect COMPANY")
    return CompanyMustAct(f"The ledger did not offer the connection ({_word(error)}).", hint="See to the app's settings at the ledger.")


def _word(error: Any) -> str:
    """An error code as the ledger gave it, when it is one and no text of somebody else's (RFC 6749 section 4.1.2.1)."""
    return error if isinstance(error, str) and _ERROR_WORD.fullmatch(error) else "no reason given"


# --- the token endpoint -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Client:
    """The app as it is registered with the ledger. Without a secret it is a public client, which PKCE protects."""

    id: str
    secret: Secret

    def headers(self) -> dict[str, str]:
        """HTTP Basic authentication of a client that has a secret (RFC 6749 section 2.3.1)."""
        if not self.secret.reveal():
            return {}
        pair = f"{quote_plus(self.id)}:{quote_plus(self.secret.reveal())}"
        return {"Authorization": "Basic " + b64encode(pair.encode()).decode("ascii")}

    def form(self) -> dict[str, str]:
        """How a public client names itself (RFC 6749 section 3.2.1)."""
        return {} if self.secret.reveal() else {"client_id": self.id}


class TokenEndpoint:
    """Where codes and refresh tokens become tokens: `path` on `transport`. The answers are plain data for `token_answer`.

    No request is repeated by itself: a refresh token is good once.
    """

    def __init__(self, transport: Transport, path: str, client: Client, headers: Mapping[str, str] | None = None) -> None:
        """`headers` go with every request, besides the client's own."""
        self._transport = transport
        self._path = path
        self._client = client
        self._headers = {"Accept": "application/json", **(headers or {})}
        transport.keep_secret(client.secret)

    def exchange(self, code: str, consent: Consent) -> Mapping[str, Any]:
        """What a code is good for. Raises CompanyMustAct when it is not accepted."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": consent.redirect_uri}
        if consent.verifier.reveal():
            form["code_verifier"] = consent.verifier.reveal()
        for secret in (Secret(code), consent.verifier):
            self._transport.keep_secret(secret)
        return self._asked(
            form, CompanyMustAct(f"{self._transport.ledger} does not accept the code of this connection.", hint=_START_AGAIN)
        )

    def refresh(self, authorization: Authorization) -> Mapping[str, Any]:
        """New tokens for old. Raises AuthorizationExpired when the refresh token is not accepted any more; CompanyMustAct when the app's
        own id or secret is the trouble, which no new consent would mend; TryLater when nothing is known of what became of it."""
        token = authorization.refresh_token
        self._transport.keep_secret(token)
        ended = AuthorizationExpired(f"{self._transport.ledger} no longer accepts the connection.", hint=_CONNECT_AGAIN)
        return self._asked({"grant_type": "refresh_token", "refresh_token": token.reveal()}, ended)

    def _asked(self, form: Mapping[str, str], when_refused: CompanyMustAct) -> Mapping[str, Any]:
        headers = {**self._headers, **self._client.headers()}
        answer = self._transport.request(
            "POST", self._path, form={**form, **self._client.form()}, headers=headers, accept=(200, 400, 401, 403)
        )
        if answer.status != 200:
            raise when_refused if error_word(answer) == "invalid_grant" else client_trouble(self._transport, answer)
        found = answer.json()
        if not isinstance(found, Mapping):
            raise UnexpectedResponse(f"{self._transport.ledger} answered a request for tokens with something else.")
        for name in ("access_token", "refresh_token", "id_token"):
            if isinstance(found.get(name), str):
                self._transport.keep_secret(Secret(found[name]))
        return found


def error_word(answer: Answer) -> str:
    """The error code in a refusal (RFC 6749 section 5.2), "" when there is none to read."""
    try:
        found = answer.json()
    except LedgerUnavailable:
        return ""
    error = found.get("error", "") if isinstance(found, Mapping) else ""
    return error if isinstance(error, str) else ""


def client_trouble(transport: Transport, answer: Answer) -> PuntualError:
    """What a refusal other than of the token means (RFC 6749 section 5.2). It never says that the company has to be connected again."""
    error = error_word(answer)
    if error == "invalid_client" or (answer.status == 401 and not error):
        return CompanyMustAct(f"{transport.ledger} does not know the app by this client_id and client_secret.", hint="Correct them.")
    if error in {"unauthorized_client", "invalid_scope", "access_denied"}:
        said = f"{transport.ledger} does not allow the app what Puntual needs ({error})."
        return PermissionMissing(said, hint="See to the app's permissions at the ledger.")
    if error == "temporarily_unavailable" or answer.is_html:
        return LedgerUnavailable(f"{transport.ledger} gives no tokens at the moment.")
    return UnexpectedResponse(f"{transport.ledger} refused to give tokens: HTTP status {answer.status} ({_word(error)}).")


def revoke_token(
    transport: Transport,
    path: str,
    client: Client,
    *,
    form: Mapping[str, str] | None = None,
    data: Any = None,
    gone: Collection[str] = ("invalid_token", "invalid_grant"),
) -> None:
    """Give a token back (RFC 7009), as a form or as JSON. `gone` are the error codes by which this ledger says that it is gone already."""
    headers = {"Accept": "application/json", **client.headers()}
    body = {**form, **client.form()} if form is not None else None
    answer = transport.request("POST", path, form=body, data=data, headers=headers, accept=(200, 204, 400, 401))
    if answer.status in (200, 204):
        return
    if (error := error_word(answer)) in gone:
        return
    if answer.status == 401 or error:
        raise client_trouble(transport, answer)
    raise RejectedByLedger(f"{transport.ledger} did not take the connection back.", code=str(answer.status))


def token_answer(
    found: Mapping[str, Any],
    asked_at: datetime,
    *,
    before: Authorization | None = None,
    tenant_id: str = "",
    refresh_lifetime: timedelta | None = None,
    whole_lifetime: timedelta | None = None,
) -> Authorization:
    """What the token endpoint answered, as an authorization; fields that nobody knows are let be.

    `asked_at` is the instant *before* the question, so that no end is thought to be later than it is. `before` is what was refreshed: what
    the answer leaves out stays (RFC 6749 section 6: a refresh token need not change). `refresh_lifetime` is how long the refresh
    token lasts, `whole_lifetime` how long the consent does, when the ledger says so. Raises UnexpectedResponse.
    """
    refresh_token = _token(found, "refresh_token") or (before.refresh_token if before else None)
    access_token = _token(found, "access_token")
    if access_token is None or refresh_token is None:
        raise UnexpectedResponse("The ledger answered a request for tokens without one of them.")
    base = before or Authorization(access_token, refresh_token, asked_at, tenant_id)
    scope = found.get("scope")
    return replace(
        base,
        access_token=access_token,
        refresh_token=refresh_token,
        expires_at=asked_at + (lifetime_in(found, "expires_in") or _DEFAULT_LIFETIME),
        refresh_expires_at=asked_at + refresh_lifetime if refresh_lifetime else base.refresh_expires_at,
        ends_at=asked_at + whole_lifetime if whole_lifetime else base.ends_at,
        scopes=tuple(scope.split()) if isinstance(scope, str) and scope.strip() else base.scopes,
    )


def lifetime_in(found: Mapping[str, Any], field: str) -> timedelta | None:
    """A lifetime in seconds as an answer gives it, as a number or as text; None when it gives no usable one."""
    value = found.get(field)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    text = str(value).strip().partition(".")[0]
    return timedelta(seconds=int(text)) if re.fullmatch(r"[1-9][0-9]{0,10}", text) else None


def _token(found: Mapping[str, Any], name: str) -> Secret | None:
    value = found.get(name)
    return Secret(value) if isinstance(value, str) and value else None


# --- what two authorizers would both say ------------------------------------------------------------------------------------------


class CodeAuthorizer(Authorizer):
    """The authorization code grant: a ledger says where, for which scopes, and what its token endpoint and its redirect tell."""

    ledger: ClassVar[str]
    """How the service is called in messages."""
    scopes: ClassVar[tuple[str, ...]]
    uses_pkce: ClassVar[bool] = True

    @property
    def redirect_uri(self) -> str:
        """As the settings have it, and as it is registered with the ledger, to the letter."""
        return str(self.settings.redirect_uri)

    @property
    @abstractmethod
    def authorize_address(self) -> str:
        """The whole address of the page on which the person is asked."""

    @property
    def wanted_scopes(self) -> tuple[str, ...]:
        """What this company is asked for: all of `scopes`, unless its settings need others."""
        return self.scopes

    def ask(self) -> Consent:
        """A new question."""
        state, verifier = new_state(), new_verifier() if self.uses_pkce else Secret("")
        query = {
            "client_id": self.settings.client_id,
            "response_type": "code",
            "scope": " ".join(self.wanted_scopes),
            "redirect_uri": self.redirect_uri,
            "state": state.reveal(),
        }
        if self.uses_pkce:
            query |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
        return Consent(f"{self.authorize_address}?{urlencode(query, quote_via=quote)}", self.redirect_uri, state, verifier)

    def answered(self, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        """What the person allowed."""
        return self.exchanged(checked_answer(consent, answer), consent, answer)

    @abstractmethod
    def exchanged(self, code: str, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        """What the code is good for, one for each set of books. `answer` is the query of the redirect, its state already proved."""

    @abstractmethod
    def refresh(self, authorization: Authorization) -> Authorization:
        """New tokens for old, of the same books. Raises AuthorizationExpired when the ledger does not accept the refresh token any more."""
