"""Connecting: the question in the browser, the organisations that came with the answer, tokens that are renewed and given back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from harness import Fault
from puntual.connectors.xero.authorizer import SCOPES, XeroAuthorizer
from puntual.connectors.xero.stub import XeroBooks, XeroStub
from puntual.core.access import Consent
from puntual.core.errors import AuthorizationExpired, CompanyMustAct, LedgerUnavailable
from puntual.core.secret import Secret
from xero.xero_harness import XeroHarness


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    made.server.close()
    made.other = XeroBooks(made.now, name="Otra S.L.")  # type: ignore[attr-defined]
    made.server = XeroStub(made.books, made.other)  # type: ignore[attr-defined]
    yield made
    made.close()


@pytest.fixture
def authorizer(harness: XeroHarness) -> Iterator[XeroAuthorizer]:
    made = XeroAuthorizer(harness.settings(payment_account=""), harness.surroundings())
    yield made
    made.close()


def _answer(consent: Consent) -> dict[str, str]:
    """What comes back from the browser."""
    answer = requests.get(consent.url, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(consent.redirect_uri)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def _chosen(harness: XeroHarness, *books: XeroBooks) -> None:
    harness.server.authority.chosen = {each.tenant_id for each in books}


def test_the_question_asks_for_the_least_with_pkce_and_state(authorizer: XeroAuthorizer) -> None:
    consent = authorizer.ask()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(consent.url).query).items()}
    assert asked["scope"].split() == list(SCOPES)
    assert not any("transactions" in scope for scope in SCOPES)
    assert (asked["state"], asked["code_challenge_method"]) == (consent.state.reveal(), "S256")
    assert consent.verifier.reveal() not in consent.url
    assert authorizer.ask().state != consent.state


def test_writing_payments_is_asked_for_only_where_they_are_to_be_recorded(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    recording = XeroAuthorizer(harness.settings(payment_account="091"), harness.surroundings())
    assert set(authorizer.wanted_scopes) - set(recording.wanted_scopes) == {"accounting.payments.read"}
    assert set(recording.wanted_scopes) - set(authorizer.wanted_scopes) == {"accounting.payments"}
    consent = recording.ask()
    assert set(recording.answered(consent, _answer(consent))[0].scopes) == set(recording.wanted_scopes)
    recording.close()


def test_each_organisation_of_this_consent_comes_and_no_other(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    _chosen(harness, harness.books)
    consent = authorizer.ask()
    authorizer.answered(consent, _answer(consent))
    _chosen(harness, harness.other)  # type: ignore[attr-defined]
    consent = authorizer.ask()
    (held,) = authorizer.answered(consent, _answer(consent))
    assert (held.tenant_id, held.tenant_name) == (harness.other.tenant_id, "Otra S.L.")  # type: ignore[attr-defined]
    assert held.connection_id in harness.server.authority.connections
    assert set(held.scopes) == set(SCOPES)
    assert held.expires_at == harness.now() + timedelta(minutes=30)
    assert held.refresh_expires_at == harness.now() + timedelta(days=60)


def test_several_organisations_are_several_authorizations(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    consent = authorizer.ask()
    assert {held.tenant_name for held in authorizer.answered(consent, _answer(consent))} == {harness.books.name, "Otra S.L."}


def test_a_token_that_does_not_name_its_consent_brings_all(
    harness: XeroHarness, authorizer: XeroAuthorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("puntual.connectors.xero.authorizer._event_of", lambda _held: "another")
    _chosen(harness, harness.books)
    consent = authorizer.ask()
    assert [held.tenant_id for held in authorizer.answered(consent, _answer(consent))] == [harness.books.tenant_id]


@pytest.mark.parametrize("change", [{"state": "x"}, {"state": ""}, {"code": "x"}, {"code": ""}, {"error": "access_denied"}])
def test_what_is_no_answer_of_ours_is_not_taken(harness: XeroHarness, authorizer: XeroAuthorizer, change: dict[str, str]) -> None:
    consent = authorizer.ask()
    with pytest.raises(CompanyMustAct):
        authorizer.answered(consent, {**_answer(consent), **change})


def test_a_code_without_its_verifier_and_a_consent_to_nothing_are_refused(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    consent = authorizer.ask()
    with pytest.raises(CompanyMustAct):
        authorizer.answered(Consent(consent.url, consent.redirect_uri, consent.state, Secret("v" * 43)), _answer(consent))
    _chosen(harness)
    consent = authorizer.ask()
    with pytest.raises(CompanyMustAct, match="No organisation"):
        authorizer.answered(consent, _answer(consent))


def test_a_person_who_says_no_is_understood(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    harness.server.authority.consents = False
    consent = authorizer.ask()
    with pytest.raises(CompanyMustAct, match="declined"):
        authorizer.answered(consent, _answer(consent))


def test_an_app_without_a_secret_connects_by_pkce_alone(harness: XeroHarness) -> None:
    harness.server.authority.client_secret = ""
    public = XeroAuthorizer(harness.settings(client_secret=Secret("")), harness.surroundings())
    consent = public.ask()
    held = public.answered(consent, _answer(consent))[0]
    assert public.refresh(held).access_token != held.access_token
    public.close()


def test_a_lost_answer_to_a_refresh_is_mended_for_half_an_hour(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    harness.connect()
    held = harness.vault.current()
    authorizer.refresh(held)
    harness.at += timedelta(minutes=29)
    again = authorizer.refresh(held)
    assert (again.tenant_id, again.connection_id) == (held.tenant_id, held.connection_id)
    harness.at += timedelta(minutes=2)
    with pytest.raises(AuthorizationExpired, match="puntual connect"):
        authorizer.refresh(held)


def test_sixty_idle_days_end_a_connection_and_say_so(harness: XeroHarness) -> None:
    connector = harness.new()
    harness.at += timedelta(days=61)
    with pytest.raises(AuthorizationExpired):
        connector.check()
    assert harness.vault.must_reconnect


def _connected(harness: XeroHarness) -> set[Any]:
    return {each["tenantId"] for each in harness.server.authority.connections.values()}


def test_disconnecting_leaves_the_users_other_organisations_alone(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    harness.connect()
    mine = harness.vault.current()
    harness.connect(tenant_id=harness.other.tenant_id)  # type: ignore[attr-defined]
    authorizer.revoke(mine)
    assert _connected(harness) == {harness.other.tenant_id}  # type: ignore[attr-defined]
    authorizer.revoke(mine)
    assert authorizer.refresh(harness.vault.current())


def test_disconnecting_works_with_an_old_token_and_is_no_error_when_all_is_over(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    harness.connect()
    held = harness.vault.current()
    harness.at += timedelta(hours=2)
    authorizer.revoke(held)
    assert _connected(harness) == set()
    harness.at += timedelta(days=90)
    authorizer.revoke(held)


def test_disconnecting_tells_when_xero_does_not_answer(harness: XeroHarness, authorizer: XeroAuthorizer) -> None:
    harness.connect()
    harness.break_wire(Fault.BAD_GATEWAY)
    with pytest.raises(LedgerUnavailable):
        authorizer.revoke(harness.vault.current())
    harness.mend_wire()
