"""Links to connect with: found by digests, changed only by who knows what they said, used once; and what is sealed for them."""

from datetime import timedelta

import pytest
from history.sample_books import AT, COMPANY
from puntual.core.access import Authorization, Consent
from puntual.core.history import audit
from puntual.core.history.connect_links import (
    KEPT,
    ConnectLink,
    await_answer,
    digest_of,
    give_link_back,
    link_called,
    link_that_asked,
    put_link,
    take_answer,
    use_link,
)
from puntual.core.history.database import writing
from puntual.core.history.sealing import KeysMissing, Owner, keyring_of, new_key
from puntual.core.secret import Secret

STATE, BROWSER = Secret("state"), digest_of(Secret("browser"))
LINK = ConnectLink(COMPANY, digest_of(Secret("token")), "lucia", AT + timedelta(hours=1))


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        put_link(opened, LINK, AT)
        yield opened


def test_a_link_is_found_by_its_digest_and_told_of_in_the_trail(conn):
    assert (link_called(conn, LINK.link_digest), link_called(conn, digest_of(Secret("other"))), link_that_asked(conn, "")) == (
        LINK,
        None,
        None,
    )
    (entry,) = audit.entries_of(conn, COMPANY)
    assert (entry.kind, entry.data["by"], LINK.link_digest in str(entry.data)) == ("connect_link_made", "lucia", False)


def test_an_answer_is_taken_once_and_only_the_newest(conn):
    assert await_answer(conn, LINK, STATE, BROWSER, "sealed", AT)
    first = link_that_asked(conn, digest_of(STATE))
    assert (first.browser_digest, first.sealed, first.asked_at) == (BROWSER, "sealed", AT)
    assert await_answer(conn, LINK, Secret("newer"), BROWSER, "sealed", AT)
    assert not take_answer(conn, first)
    newest = link_that_asked(conn, digest_of(Secret("newer")))
    assert [take_answer(conn, newest) for _ in range(2)] == [True, False]
    assert link_called(conn, LINK.link_digest) == LINK


def test_a_link_is_used_once_unless_it_is_given_back(conn):
    await_answer(conn, LINK, STATE, BROWSER, "sealed", AT)
    assert [use_link(conn, LINK, AT) for _ in range(2)] == [True, False]
    assert not await_answer(conn, LINK, STATE, BROWSER, "sealed", AT)
    assert link_that_asked(conn, digest_of(STATE)) is None
    give_link_back(conn, LINK)
    assert use_link(conn, LINK, AT)


def test_links_are_forgotten_long_after_their_end(conn):
    put_link(conn, ConnectLink(COMPANY, "a" * 64, "eva", AT), LINK.expires_at + KEPT)
    assert link_called(conn, LINK.link_digest) is not None
    put_link(conn, ConnectLink(COMPANY, "b" * 64, "eva", AT), LINK.expires_at + KEPT + timedelta(seconds=1))
    assert link_called(conn, LINK.link_digest) is None


# --- what is sealed ---------------------------------------------------------------------------------------------------------------

KEYS = keyring_of(new_key().reveal())
OWNER = Owner(COMPANY, "xero")
ASKED = Consent("https://login.example/?state=s", "https://host.example/connect/return", Secret("s"), Secret("v"))
HELD = Authorization(Secret("a"), Secret("r"), AT, "t1", "Talleres", "c1", AT, None, ("read",))
SEALED = {"consent": KEYS.seal_consent(OWNER, ASKED), "choice": KEYS.seal_choice(OWNER, [HELD, HELD]), "": KEYS.seal(OWNER, HELD)}
OPENED = {"consent": KEYS.open_consent, "choice": KEYS.open_choice, "": KEYS.open}


def test_what_is_sealed_opens_as_it_was():
    assert KEYS.open_consent(OWNER, SEALED["consent"]) == ASKED
    assert KEYS.open_choice(OWNER, SEALED["choice"]) == [HELD, HELD]
    assert KEYS.open(OWNER, SEALED[""]) == HELD


@pytest.mark.parametrize("sealed", SEALED)
@pytest.mark.parametrize("opened", OPENED)
def test_it_opens_for_nobody_else_and_as_nothing_else(sealed, opened):
    if sealed != opened:
        with pytest.raises(KeysMissing, match="is no "):
            OPENED[opened](OWNER, SEALED[sealed])
    for other in (Owner("other", "xero"), Owner(COMPANY, "quickbooks")):
        with pytest.raises(KeysMissing, match="belongs to another"):
            OPENED[opened](other, SEALED[sealed])
    with pytest.raises(KeysMissing, match="None of the keys"):
        OPENED[opened](OWNER, "nonsense")
