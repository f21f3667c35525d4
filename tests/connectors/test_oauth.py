"""OAuth as both connectors use it: what is asked in the browser, which answers are believed, and when tokens are renewed."""

import logging
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import responses
from loopback import MemoryVault
from puntual.connectors.http import Transport
from puntual.connectors.oauth import (
    Client,
    CodeAuthorizer,
    TokenEndpoint,
    Tokens,
    challenge_of,
    checked_answer,
    lifetime_in,
    new_state,
    new_verifier,
    revoke_token,
    token_answer,
)
from puntual.core.access import Authorization, Consent
from puntual.core.errors import (
    AuthorizationExpired,
    CompanyMustAct,
    LedgerUnavailable,
    PermissionMissing,
    PuntualError,
    RateLimited,
    RejectedByLedger,
    UnexpectedResponse,
)
from puntual.core.port import Surroundings
from puntual.core.secret import Secret

NOW = datetime(2026, 3, 18, 8, 0, tzinfo=UTC)
BASE = "https://identity.example.com"
TOKEN_URL = f"{BASE}/token"
REDIRECT = "http://localhost:8765/callback"
CONSENT = Consent(f"{BASE}/authorize", REDIRECT, Secret("state-abc"), Secret("verifier-abc"))
SECRETS = ("state-abc", "verifier-abc", "code-1", "access-", "refresh-", "client-secret-1")
NEW = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 1800, "token_type": "Bearer", "scope": "a b"}


def authorization(number: int = 0, **changes: Any) -> Authorization:
    made = Authorization(Secret(f"access-{number}"), Secret(f"refresh-{number}"), NOW + timedelta(minutes=30), "realm-1", "Soler")
    return replace(made, **changes)


# --- the question -----------------------------------------------------------------------------------------------------------------


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636 appendix B."""
    assert challenge_of(Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_states_and_verifiers_are_new_and_long_and_of_allowed_characters() -> None:
    made = [make().reveal() for make in (new_state, new_verifier) for _ in range(50)]
    assert len(set(made)) == 100
    assert all(
        43 <= len(one) <= 128 and set(one) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") for one in made
    )


@dataclass
class _Settings:
    client_id: str = "client 1"
    redirect_uri: str = REDIRECT


class _WithPkce(CodeAuthorizer):
    ledger = "The ledger"
    scopes = ("books.read", "offline")
    authorize_address = f"{BASE}/authorize"

    def exchanged(self, code: str, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        return (authorization(tenant_id=answer["realmId"], connection_id=code),)

    def refresh(self, stored: Authorization) -> Authorization:
        return stored

    def revoke(self, stored: Authorization) -> None:
        pass


class _WithoutPkce(_WithPkce):
    uses_pkce = False


SURROUNDINGS = Surroundings("acme", "Europe/Madrid", lambda: NOW, Path(), Path())


def test_the_question_has_what_the_ledger_needs_and_nothing_secret() -> None:
    consent = _WithPkce(_Settings(), SURROUNDINGS).ask()
    assert consent.url.startswith(f"{BASE}/authorize?")
    assert dict(parse_qsl(urlsplit(consent.url).query)) == {
        "client_id": "client 1",
        "response_type": "code",
        "scope": "books.read offline",
        "redirect_uri": REDIRECT,
        "state": consent.state.reveal(),
        "code_challenge": challenge_of(consent.verifier),
        "code_challenge_method": "S256",
    }
    assert "+" not in consent.url
    assert consent.verifier.reveal() not in consent.url
    again = _WithPkce(_Settings(), SURROUNDINGS).ask()
    assert (again.state == consent.state, again.verifier == consent.verifier) == (False, False)


def test_a_ledger_without_pkce_is_not_sent_a_challenge() -> None:
    consent = _WithoutPkce(_Settings(), SURROUNDINGS).ask()
    assert "challenge" not in consent.url
    assert consent.verifier == Secret("")


def test_the_answer_reaches_the_ledgers_part_only_when_it_is_ours() -> None:
    made = _WithPkce(_Settings(), SURROUNDINGS)
    assert made.answered(CONSENT, {"state": "state-abc", "code": "code-1", "realmId": "9"})[0].tenant_id == "9"
    with pytest.raises(CompanyMustAct):
        made.answered(CONSENT, {"state": "other", "code": "code-1", "realmId": "9"})


# --- the answer -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["", "state-ab", "state-abcd", "ñ"])
def test_an_answer_with_another_state_is_not_believed_in_anything(state: str) -> None:
    for rest in ({"code": "code-1"}, {"error": "access_denied"}):
        with pytest.raises(CompanyMustAct, match="no answer to the question"):
            checked_answer(CONSENT, {"state": state, **rest})
    with pytest.raises(CompanyMustAct, match="no answer to the question"):
        checked_answer(replace(CONSENT, state=Secret("")), {"code": "code-1"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "access_denied", "code": "code-1"}, "declined in the browser"),
        ({"error": "invalid_scope"}, r"\(invalid_scope\)"),
        ({"error": "<b>call 555</b>"}, "no reason given"),
        ({}, "no code in it"),
        ({"code": ""}, "no code in it"),
    ],
)
def test_a_no_is_said_in_words(answer: dict[str, str], words: str) -> None:
    with pytest.raises(CompanyMustAct, match=words):
        checked_answer(CONSENT, {"state": "state-abc", **answer})


# --- the token endpoint -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mock() -> Any:
    with responses.RequestsMock() as active:
        yield active


def _transport() -> Transport:
    return Transport(BASE, ledger="The ledger", now=lambda: NOW)


def _endpoint(secret: str = "client-secret-1") -> TokenEndpoint:
    return TokenEndpoint(_transport(), "/token", Client("client:1", Secret(secret)), {"x-more": "1"})


def _sent(mock: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(mock.calls[-1].request.body).items()}


def test_a_code_is_exchanged_with_its_verifier_and_the_same_redirect(mock: Any) -> None:
    mock.post(TOKEN_URL, json=NEW)
    assert _endpoint().exchange("code-1", CONSENT)["access_token"] == "access-1"
    expected = {"grant_type": "authorization_code", "code": "code-1", "redirect_uri": REDIRECT, "code_verifier": "verifier-abc"}
    assert _sent(mock) == expected
    headers = mock.calls[-1].request.headers
    kind, _, pair = headers["Authorization"].partition(" ")
    assert (kind, b64decode(pair)) == ("Basic", b"client%3A1:client-secret-1")
    assert (headers["x-more"], headers["Accept"]) == ("1", "application/json")


def test_a_client_without_a_secret_names_itself(mock: Any) -> None:
    mock.post(TOKEN_URL, json=NEW)
    _endpoint("").refresh(authorization())
    assert _sent(mock) == {"grant_type": "refresh_token", "refresh_token": "refresh-0", "client_id": "client:1"}
    assert "Authorization" not in mock.calls[-1].request.headers


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant", "error_description": "refresh-0 is gone"}, AuthorizationExpired),
        (400, {"error": "invalid_client"}, CompanyMustAct),
        (401, {"error": "invalid_client"}, CompanyMustAct),
        (401, {}, CompanyMustAct),
        (400, {"error": "unauthorized_client"}, PermissionMissing),
        (403, {"error": "invalid_scope"}, PermissionMissing),
        (400, {"error": "temporarily_unavailable"}, LedgerUnavailable),
        (400, {"error": "invalid_request"}, UnexpectedResponse),
        (400, {"error": {"code": "refresh-0"}}, UnexpectedResponse),
        (400, ["refresh-0"], UnexpectedResponse),
        (200, ["refresh-0"], UnexpectedResponse),
        (500, {}, LedgerUnavailable),
        (429, {}, RateLimited),
        (302, {}, CompanyMustAct),
    ],
)
def test_only_a_refused_token_means_that_the_company_has_to_be_connected_again(
    mock: Any, status: int, body: Any, error: type[PuntualError]
) -> None:
    mock.post(TOKEN_URL, json=body, status=status)
    with pytest.raises(error) as raised:
        _endpoint().refresh(authorization())
    assert type(raised.value) is error
    assert not [word for word in SECRETS if word in f"{raised.value} {raised.value!r} {raised.value.__cause__!r}"]


def test_a_web_page_in_place_of_tokens_is_worth_trying_again(mock: Any) -> None:
    for status in (200, 400):
        mock.post(TOKEN_URL, body="<html>Sorry</html>", status=status)
        with pytest.raises(LedgerUnavailable):
            _endpoint().refresh(authorization())


def test_a_code_that_is_not_accepted_has_to_be_asked_for_again(mock: Any) -> None:
    mock.post(TOKEN_URL, json={"error": "invalid_grant"}, status=400)
    with pytest.raises(CompanyMustAct, match="does not accept the code") as raised:
        _endpoint().exchange("code-1", CONSENT)
    assert type(raised.value) is CompanyMustAct


def test_a_refresh_is_never_repeated_by_itself(mock: Any) -> None:
    mock.post(TOKEN_URL, body=ConnectionError("refresh-0 was on the wire"))
    with pytest.raises(LedgerUnavailable) as raised:
        _endpoint().refresh(authorization())
    assert len(mock.calls) == 1
    assert "refresh-0" not in repr(raised.value.__cause__)


def test_nothing_of_a_token_is_logged(mock: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mock.post(TOKEN_URL, json=NEW)
    _endpoint().exchange("code-1", CONSENT)
    assert [word for word in SECRETS if word in caplog.text] == []


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, "", None),
        (204, "", None),
        (400, '{"error": "invalid_token"}', None),
        (400, '{"error": "invalid_grant"}', None),
        (400, "", RejectedByLedger),
        (400, '{"error": "invalid_request"}', UnexpectedResponse),
        (401, '{"error": "invalid_client"}', CompanyMustAct),
        (503, "", LedgerUnavailable),
    ],
)
def test_a_token_that_is_gone_already_counts_as_given_back(mock: Any, status: int, body: str, error: type[PuntualError] | None) -> None:
    mock.post(f"{BASE}/revoke", body=body, status=status)
    client = Client("client-1", Secret(""))
    if error is None:
        revoke_token(_transport(), "/revoke", client, form={"token": "refresh-0"})
        assert _sent(mock) == {"token": "refresh-0", "client_id": "client-1"}
        return
    with pytest.raises(error) as raised:
        revoke_token(_transport(), "/revoke", client, data={"token": "refresh-0"})
    assert type(raised.value) is error
    assert mock.calls[-1].request.body == b'{"token": "refresh-0"}'


# --- what the answer means --------------------------------------------------------------------------------------------------------


def test_a_token_answer_is_read_whole_and_what_nobody_knows_is_let_be() -> None:
    found = token_answer({**NEW, "authentication_event_id": "x", "id_token": 7}, NOW, tenant_id="realm-1")
    expected = Authorization(Secret("access-1"), Secret("refresh-1"), NOW + timedelta(minutes=30), "realm-1", scopes=("a", "b"))
    assert found == expected


def test_what_a_refresh_leaves_out_stays_as_it_was() -> None:
    before = authorization(refresh_expires_at=NOW, ends_at=NOW + timedelta(days=9), scopes=("a",), connection_id="c")
    found = token_answer({"access_token": "access-1"}, NOW, before=before)
    assert found == replace(before, access_token=Secret("access-1"), expires_at=NOW + timedelta(minutes=30))


def test_ends_are_counted_from_before_the_question() -> None:
    found = token_answer(NEW, NOW, before=authorization(), refresh_lifetime=timedelta(days=100), whole_lifetime=timedelta(days=1825))
    assert (found.refresh_expires_at, found.ends_at) == (NOW + timedelta(days=100), NOW + timedelta(days=1825))


@pytest.mark.parametrize("field", ["access_token", "refresh_token"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_an_answer_without_a_token_is_not_understood(field: str, value: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        token_answer({**NEW, field: value}, NOW, tenant_id="x")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3600, 3600),
        ("3600", 3600),
        (Decimal("3600.0"), 3600),
        (" 60 ", 60),
        (0, None),
        (-5, None),
        ("soon", None),
        (True, None),
        (None, None),
        ("9" * 30, None),
        ([1], None),
    ],
)
def test_a_lifetime_is_read_however_it_is_written(value: Any, seconds: int | None) -> None:
    assert lifetime_in({"expires_in": value}, "expires_in") == (timedelta(seconds=seconds) if seconds else None)


# --- renewing in time -------------------------------------------------------------------------------------------------------------


class _Clock:
    at = NOW


def _tokens(vault: MemoryVault | None, clock: _Clock, asked: list[Authorization]) -> Tokens:
    def refresh(stored: Authorization) -> Authorization:
        asked.append(stored)
        return authorization(len(asked), expires_at=clock.at + timedelta(minutes=30))

    return Tokens(vault, refresh, lambda: clock.at, timedelta(minutes=5))


def test_tokens_are_used_as_long_as_they_last_and_renewed_before_they_end() -> None:
    vault, clock, asked = MemoryVault(authorization()), _Clock(), list[Authorization]()
    tokens = _tokens(vault, clock, asked)
    clock.at = NOW + timedelta(minutes=25)
    assert (tokens.authorization(), asked) == (authorization(), [])
    clock.at += timedelta(seconds=1)
    assert tokens.authorization().access_token == Secret("access-1")
    assert (asked, vault.renewals) == ([authorization()], 1)
    assert tokens.authorization().access_token == Secret("access-1")


def test_a_token_that_the_ledger_refuses_is_renewed_once() -> None:
    vault, asked = MemoryVault(authorization()), list[Authorization]()
    tokens = _tokens(vault, _Clock(), asked)
    stale = tokens.authorization()
    assert tokens.renewed(stale).access_token == Secret("access-1")
    assert tokens.renewed(stale).access_token == Secret("access-1")
    assert len(asked) == 1


def test_what_another_process_renewed_is_taken_over() -> None:
    vault, asked = MemoryVault(authorization()), list[Authorization]()
    tokens = _tokens(vault, _Clock(), asked)
    stale = tokens.authorization()
    vault.authorization = authorization(7)
    assert (tokens.renewed(stale), tokens.authorization(), asked) == (authorization(7), authorization(7), [])


def test_after_a_failed_renewal_the_vault_is_asked_again() -> None:
    vault = MemoryVault(authorization())

    def fails(_: Authorization) -> Authorization:
        raise LedgerUnavailable

    tokens = Tokens(vault, fails, lambda: NOW, timedelta(minutes=5))
    stale = tokens.authorization()
    with pytest.raises(LedgerUnavailable):
        tokens.renewed(stale)
    vault.authorization = authorization(3)
    assert tokens.authorization() == authorization(3)


def test_without_a_vault_the_company_has_to_be_connected() -> None:
    with pytest.raises(AuthorizationExpired, match="puntual connect"):
        _tokens(None, _Clock(), []).authorization()
