"""The vault: one process renews at a time, nothing that the ledger gave is lost, and what cannot be mended is said once."""

import logging
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from history import renewing
from history.databases import migrated_database
from history.renewing import AT, COMPANY, KEY, LEDGER, OLD_KEY, SECRET_WORDS, Endpoint, authorization, refresher, vault_of
from puntual.core.errors import AuthorizationExpired, CompanyMustAct, LedgerUnavailable, PuntualError
from puntual.core.history import audit, authorizations
from puntual.core.history.authorizations import RENEWAL_LEASE, AccessState
from puntual.core.history.database import open_database, reading, writing
from puntual.core.history.sealing import KeysMissing, Owner, keyring_of, new_key
from puntual.core.history.tables import authorizations as table
from puntual.core.history.vault import reseal
from puntual.core.secret import Secret
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

SCRIPT = Path(renewing.__file__)


@pytest.fixture
def url(kind, tmp_path):
    with migrated_database(kind, tmp_path) as made:
        yield made


@pytest.fixture
def engine(url):
    opened = open_database(url)
    yield opened
    opened.dispose()


@pytest.fixture
def vault(engine):
    """Of a company that is connected."""
    made = vault_of(engine)
    made.store(authorization(), "eva")
    return made


@pytest.fixture
def endpoint():
    made = Endpoint()
    yield made
    made.close()
    assert made.mistakes == []


def row(engine):
    with reading(engine) as conn:
        return conn.execute(select(table).where(table.c.company == COMPANY)).mappings().one()


def told(engine):
    with reading(engine) as conn:
        return [(entry.kind, entry.data) for entry in audit.entries_of(conn, COMPANY)]


def another(number=1, **changes):
    return lambda stored: authorization(number, **changes)


def refused(_):
    raise AuthorizationExpired("The ledger said no.")


def unasked(_):
    raise AssertionError("the ledger must not be asked")


# --- keeping ----------------------------------------------------------------------------------------------------------------------


def test_what_was_stored_comes_back_whole(vault, engine):
    assert vault.current() == authorization()
    bare = authorization(refresh_expires_at=None, ends_at=None, tenant_name="", connection_id="", scopes=())
    vault.store(bare, "eva")
    assert vault_of(engine).current() == bare


def test_a_company_that_was_never_connected_says_how(engine):
    for vault in (vault_of(engine), vault_of(engine, "other")):
        with pytest.raises(AuthorizationExpired, match=f"puntual connect {vault.company}"):
            vault.current()
        with pytest.raises(AuthorizationExpired):
            vault.renew(authorization(), unasked)
        assert (vault.access(), vault.warnings()) == (None, [])


def test_a_connection_to_another_ledger_is_none_to_this(vault, engine):
    with pytest.raises(AuthorizationExpired, match="not connected to other-books"):
        vault_of(engine, ledger="other-books").current()


def test_no_token_stands_readable_in_the_database_or_the_trail(vault, engine):
    vault.renew(authorization(), another())
    with pytest.raises(AuthorizationExpired):
        vault.renew(authorization(1), refused)
    vault.forget("eva")
    vault.store(authorization(), "eva")
    seen = f"{dict(row(engine))} {told(engine)} {vault!r} {vault.access()!r}"
    assert [word for word in SECRET_WORDS if word in seen] == []


def test_the_trail_says_what_became_of_the_connection_and_nothing_of_renewals(vault, engine):
    vault.renew(authorization(), another())
    with pytest.raises(AuthorizationExpired):
        vault.renew(authorization(1), refused)
    vault.release(lambda _: None, "eva")
    books = {"ledger": LEDGER, "tenant_id": "realm-1", "tenant_name": "Talleres Soler"}
    assert told(engine) == [
        ("disconnected", {"ledger": LEDGER, "revoked": True, "by": "eva"}),
        ("reconnect_needed", {"ledger": LEDGER, "why": "The ledger said no."}),
        ("connected", {**books, "by": "eva"}),
    ]


# --- sealing ----------------------------------------------------------------------------------------------------------------------


def test_a_row_that_was_copied_to_another_company_does_not_open(vault, engine):
    vault_of(engine, "other").store(authorization(5), "eva")
    with writing(engine) as conn:
        conn.execute(update(table).where(table.c.company == "other").values(sealed=row(engine)["sealed"]))
    with pytest.raises(KeysMissing, match="another company or ledger"):
        vault_of(engine, "other").current()


def test_a_row_of_another_ledger_does_not_open():
    ring = keyring_of(KEY)
    sealed = ring.seal(Owner("acme", "one"), authorization())
    assert ring.open(Owner("acme", "one"), sealed) == authorization()
    for owner in (Owner("acme", "two"), Owner("acme2", "one")):
        with pytest.raises(KeysMissing):
            ring.open(owner, sealed)


@pytest.mark.parametrize("text", [None, "", " , \n", "short", f"{KEY},{KEY[:-2]}", "ñ" * 32, f"{KEY} {KEY}x", KEY + OLD_KEY])
def test_keys_that_are_none_are_for_a_person_and_are_not_shown(text):
    with pytest.raises(CompanyMustAct, match="puntual keys new") as raised:
        keyring_of(text)
    shown = f"{raised.value} {raised.value!r} {raised.value.__context__!r}"
    assert not [word for word in (text or "").replace(",", " ").split() if word in shown]


def test_tokens_open_with_any_key_and_are_sealed_with_the_newest(vault, engine):
    both = vault_of(engine, keys=f"{OLD_KEY},\n{KEY}")
    assert both.current() == authorization()
    both.renew(authorization(), another())
    assert vault_of(engine, keys=OLD_KEY).current() == authorization(1)
    with pytest.raises(KeysMissing, match="None of the keys"):
        vault.current()


def test_a_rotation_of_keys_takes_every_company_along_and_says_which_it_cannot(vault, engine):
    newest = new_key().reveal()
    vault_of(engine, "other").store(authorization(7), "eva")
    vault_of(engine, "closed", keys=OLD_KEY).store(authorization(8), "eva")
    done, trouble = reseal(engine, keyring_of(f"{newest} {KEY}"))
    assert (done, len(trouble), "of closed" in trouble[0]) == (["acme", "other"], 1, True)
    assert vault_of(engine, "other", keys=newest).current() == authorization(7)
    assert vault_of(engine, "closed", keys=OLD_KEY).current() == authorization(8)


def test_a_rotation_of_keys_during_a_renewal_loses_no_token(vault, engine):
    newest = new_key().reveal()

    def refresh(_):
        reseal(engine, keyring_of(f"{newest},{KEY}"))
        return authorization(1)

    assert vault.renew(authorization(), refresh) == authorization(1)
    assert vault_of(engine, keys=f"{newest},{KEY}").current() == authorization(1)


def test_a_row_that_changed_since_it_was_read_is_not_sealed_over(vault, engine):
    before = row(engine)["sealed"]
    vault.renew(authorization(), another())
    with writing(engine) as conn:
        assert not authorizations.put_resealed(conn, COMPANY, before, "of the old tokens")
    assert vault.current() == authorization(1)


# --- one renewal ------------------------------------------------------------------------------------------------------------------


def test_what_was_renewed_is_stored_before_it_is_given(vault, engine):
    seen = []

    @event.listens_for(engine, "commit")
    def committed(conn):
        seen.append(row_in(conn)["version"])

    first = row(engine)["version"]
    seen.clear()
    assert vault.renew(authorization(), another()) == authorization(1)
    event.remove(engine, "commit", committed)
    assert first + 1 in seen
    assert vault_of(engine).current() == authorization(1)
    assert (row(engine)["renewer"], row(engine)["renewer_until"]) == ("", None)


def row_in(conn):
    return conn.execute(select(table)).mappings().one()


def test_no_transaction_is_open_while_the_ledger_is_asked(vault, engine):
    def refresh(_):
        vault_of(engine, "other").store(authorization(3), "eva")  # on SQLite a writer would wait for us for ever
        with reading(engine) as conn:
            assert conn.execute(select(table.c.renewer).where(table.c.company == COMPANY)).scalar_one()
        return authorization(1)

    assert vault.renew(authorization(), refresh) == authorization(1)


def test_who_comes_late_takes_what_another_got(vault, engine):
    vault.renew(authorization(), another())
    assert vault_of(engine).renew(authorization(), unasked) == authorization(1)


def test_who_comes_during_a_renewal_waits_for_its_result(vault, engine):
    waits = []

    def finish(length):
        waits.append(length)
        if len(waits) == 3:
            stored = authorizations.put_renewed
            with writing(engine) as conn:
                stored(conn, COMPANY, row(engine)["version"], authorization(1), keyring_of(KEY).seal(vault.owner, authorization(1)))

    with writing(engine) as conn:
        assert authorizations.take_renewal(conn, COMPANY, row(engine), "elsewhere:1#a", AT)
    assert vault_of(engine, pause=finish).renew(authorization(), unasked) == authorization(1)
    assert len(waits) == 3


def test_two_in_one_process_renew_once(vault, engine):
    """The second comes while the first asks: it sees that the first is alive, though both are the same process."""
    waits = []

    def held(length):
        waits.append(length)
        raise TimeoutError

    def refresh(_):
        with pytest.raises(TimeoutError):
            vault_of(engine, pause=held).renew(authorization(), unasked)
        return authorization(1)

    assert vault.renew(authorization(), refresh) == authorization(1)
    assert len(waits) == 1


@pytest.mark.parametrize("kind_of", [LedgerUnavailable, ZeroDivisionError, KeyboardInterrupt])
def test_a_renewal_of_unknown_end_changes_nothing_and_the_next_may_try(vault, engine, kind_of):
    def fails(_):
        raise kind_of

    before = row(engine)
    with pytest.raises(kind_of):
        vault.renew(authorization(), fails)
    assert row(engine) == before
    assert vault.renew(authorization(), another()) == authorization(1)


def test_a_lease_of_a_machine_that_nobody_knows_ends_by_itself(vault, engine):
    at = [AT]

    def later(length):
        at[0] += RENEWAL_LEASE / 10

    with writing(engine) as conn:
        assert authorizations.take_renewal(conn, COMPANY, row(engine), "elsewhere:1#a", AT)
    assert vault_of(engine, now=lambda: at[0], pause=later).renew(authorization(), another()) == authorization(1)
    assert at[0] == AT + RENEWAL_LEASE


def test_a_lease_left_by_an_earlier_process_of_our_number_does_not_hold(vault, engine):
    from puntual.core.worker.lease import owner

    with writing(engine) as conn:
        assert authorizations.take_renewal(conn, COMPANY, row(engine), f"{owner()}#before", AT)
    assert vault.renew(authorization(), another()) == authorization(1)


def test_waiting_has_an_end(vault, engine):
    """The clock stands, so the other's lease never ends."""
    with writing(engine) as conn:
        assert authorizations.take_renewal(conn, COMPANY, row(engine), "elsewhere:1#a", AT)
    with pytest.raises(LedgerUnavailable, match="renewing the connection of acme"):
        vault_of(engine, pause=lambda _: None).renew(authorization(), unasked)


def test_a_database_that_stumbles_does_not_lose_what_exists_nowhere_else(vault, engine):
    stumbles = []

    def stumble(conn, cursor, statement, *_):
        if statement.startswith("UPDATE authorizations SET sealed") and len(stumbles) < 3:
            stumbles.append(statement)
            raise OperationalError(statement, {}, Exception("gone for a moment"))

    event.listen(engine, "before_cursor_execute", stumble)
    pauses = []
    assert vault_of(engine, pause=pauses.append).renew(authorization(), another()) == authorization(1)
    event.remove(engine, "before_cursor_execute", stumble)
    assert (len(stumbles), len(pauses), vault.current()) == (3, 3, authorization(1))


# --- refused ----------------------------------------------------------------------------------------------------------------------


def test_a_refusal_is_asked_for_once_and_remembered(vault, engine):
    with pytest.raises(AuthorizationExpired, match=r"The ledger said no\. .*puntual connect acme"):
        vault.renew(authorization(), refused)
    for attempt in (vault.current, lambda: vault.renew(authorization(), unasked)):
        with pytest.raises(AuthorizationExpired, match=r"The ledger said no\. .*Connect it again with: puntual connect acme"):
            attempt()
    found = vault.access()
    assert (found.state, found.detail, found.since) == (AccessState.RECONNECT, "The ledger said no.", AT)
    assert vault.warnings() == ["The connection to books-online has ended. The ledger said no. Connect it again: puntual connect acme"]
    vault.store(authorization(4), "eva")
    assert (vault.current(), vault.access().state) == (authorization(4), AccessState.CONNECTED)


def test_a_refusal_when_a_sibling_stored_newer_tokens_gives_those(vault, engine):
    def too_late(_):
        with writing(engine) as conn:
            sealed = keyring_of(KEY).seal(vault.owner, authorization(1))
            assert authorizations.put_renewed(conn, COMPANY, row(engine)["version"], authorization(1), sealed)
        return refused(_)

    assert vault.renew(authorization(), too_late) == authorization(1)
    assert vault.access().state is AccessState.CONNECTED


def test_a_refusal_to_who_lost_the_lease_marks_nothing(vault, engine):
    """Another is at it now, with the same token: what it gets decides."""

    def slow(_):
        with writing(engine) as conn:
            assert authorizations.take_renewal(conn, COMPANY, row(engine), "elsewhere:1#a", AT)
        return refused(_)

    with pytest.raises(AuthorizationExpired, match="said no"):
        vault.renew(authorization(), slow)
    assert vault.access().state is AccessState.CONNECTED


def test_tokens_that_come_late_heal_what_the_sibling_was_refused_because_of_them(vault, engine):
    def slow(_):
        with writing(engine) as conn:
            found = row(engine)
            assert authorizations.take_renewal(conn, COMPANY, found, "elsewhere:1#a", AT)
            assert authorizations.mark_ended(conn, COMPANY, found["version"], "elsewhere:1#a", "no", AT)
        return authorization(1)

    assert vault.renew(authorization(), slow) == authorization(1)
    assert vault.current() == authorization(1)
    assert [kind for kind, _ in told(engine)] == ["connected", "connected"]


def test_a_new_consent_during_a_renewal_stays(vault, engine):
    def slow(_):
        vault_of(engine).store(authorization(9), "eva")
        return authorization(1)

    assert vault.renew(authorization(), slow) == authorization(9)
    assert vault.current() == authorization(9)


def test_disconnecting_during_a_renewal_stays(vault, engine):
    def slow(_):
        vault_of(engine).forget("eva")
        return authorization(1)

    with pytest.raises(AuthorizationExpired, match="not connected"):
        vault.renew(authorization(), slow)
    assert vault.access() is None


# --- ends -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (31, None),
        (30, "has 30 days left: it ends on 2026-06-12, however often it is used. Connect it again: puntual connect acme"),
        (8, "has 8 days left"),
        (7, "has only 7 days left"),
        (1, "has only 1 day left"),
        (0, "ended on 2026-05-13"),
        (-2, "ended on 2026-05-11"),
    ],
)
def test_an_end_is_said_thirty_and_seven_days_before(engine, days, words):
    vault = vault_of(engine, keys="needs no key")
    vault_of(engine).store(authorization(ends_at=AT + timedelta(days=days)), "eva")
    said = vault.warnings()
    assert (words is None, words or "") == (said == [], next((words for line in said if words in line), ""))
    vault_of(engine).store(authorization(refresh_expires_at=AT + timedelta(days=days)), "eva")
    said = vault.warnings()
    assert (words is None) == (said == [])
    assert all("unless it is used before. Use it: puntual sync acme" in line for line in said)


def test_a_run_for_another_day_keeps_the_machines_time(vault, engine):
    """A connector that reckons from next year sees tokens that end an hour after its own now, and stores ends of this year."""
    next_year = AT + timedelta(days=365)
    pretended = vault_of(engine, as_seen=lambda: next_year)
    assert pretended.current().expires_at == next_year + timedelta(hours=1)
    given = authorization(1, expires_at=next_year + timedelta(minutes=30), ends_at=None, refresh_expires_at=next_year + timedelta(days=60))
    assert pretended.renew(pretended.current(), lambda _: given) == given
    kept = vault.current()
    assert (kept.expires_at, kept.refresh_expires_at, kept.ends_at) == (AT + timedelta(minutes=30), AT + timedelta(days=60), None)


# --- giving back ------------------------------------------------------------------------------------------------------------------


def test_disconnecting_revokes_the_newest_tokens_then_forgets(vault, engine):
    vault.renew(authorization(), another())
    revoked = []
    vault.release(revoked.append, "eva")
    assert (revoked, vault.access()) == ([authorization(1)], None)
    with pytest.raises(AuthorizationExpired):
        vault.release(unasked, "eva")


def test_what_the_ledger_has_forgotten_is_forgotten(vault):
    vault.release(refused, "eva")
    assert vault.access() is None


def test_what_has_to_be_reconnected_can_be_disconnected(vault):
    with pytest.raises(AuthorizationExpired):
        vault.renew(authorization(), refused)
    vault.release(lambda _: None, "eva")
    assert vault.access() is None


def test_a_ledger_that_does_not_answer_keeps_the_connection(vault, engine):
    def unreachable(_):
        raise LedgerUnavailable

    with pytest.raises(LedgerUnavailable):
        vault.release(unreachable, "eva")
    assert (vault.current(), row(engine)["renewer"]) == (authorization(), "")
    vault.forget("eva", revoked=False)
    assert told(engine)[0] == ("disconnected", {"ledger": LEDGER, "revoked": False, "by": "eva"})


def test_disconnecting_waits_for_a_renewal(vault, engine):
    def refresh(_):
        with pytest.raises(AssertionError, match="waited for"):
            vault_of(engine).release(unasked, "eva")
        return authorization(1)

    assert vault.renew(authorization(), refresh) == authorization(1)


# --- processes --------------------------------------------------------------------------------------------------------------------


@contextmanager
def process(url, endpoint, how=""):
    """A process that has read what is stored, and renews when it is told to."""
    started = subprocess.Popen(
        [sys.executable, str(SCRIPT), url, endpoint.url, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert started.stdout.readline() == "ready\n"
        yield started
    finally:
        started.kill()
        started.communicate()


def start(*processes):
    for one in processes:
        one.stdin.write("go\n")


def last_word(started):
    return started.communicate(timeout=60)[0].split()[-1]


def test_two_processes_at_once_ask_once_and_both_have_the_new_token(url, engine, vault, endpoint):
    endpoint.held = True
    with process(url, endpoint) as one, process(url, endpoint) as other:
        start(one)
        assert endpoint.asked.wait(30)
        start(other)
        assert other.stdout.readline() == "waiting\n"  # the ledger has not answered yet, and the other is at the door
        endpoint.go.set()
        assert [last_word(one), last_word(other)] == ["access-1", "access-1"]
    assert (endpoint.calls, endpoint.is_revoked) == (1, False)
    assert vault.current() == authorization(1)
    assert vault.renew(authorization(1), refresher(endpoint.url)) == authorization(2)


def test_many_processes_at_once_ask_once(url, engine, vault, endpoint):
    with process(url, endpoint) as one, process(url, endpoint) as two, process(url, endpoint) as three:
        start(one, two, three)
        assert {last_word(one), last_word(two), last_word(three)} == {"access-1"}
    assert (endpoint.calls, endpoint.is_revoked) == (1, False)


def test_a_crash_after_the_answer_was_stored_and_before_it_was_used_stays_connected(url, engine, vault, endpoint):
    with process(url, endpoint, "die-stored") as one:
        start(one)
        assert one.wait(60) == 9
    assert vault.current() == authorization(1)
    assert vault.renew(authorization(1), refresher(endpoint.url)) == authorization(2)
    assert not endpoint.is_revoked


def test_a_crash_while_the_ledger_is_asked_gives_way_at_once(url, engine, vault, endpoint):
    with process(url, endpoint, "die-asking") as one:
        start(one)
        assert one.wait(60) == 9
    assert row(engine)["renewer"]
    now = datetime.now(UTC)
    assert row(engine)["renewer_until"] > now
    assert vault_of(engine, now=lambda: now).renew(authorization(), refresher(endpoint.url)) == authorization(1)
    assert (endpoint.calls, endpoint.is_revoked) == (1, False)


# --- secrecy ----------------------------------------------------------------------------------------------------------------------


def test_nothing_is_logged_or_shown_of_a_token(vault, engine, caplog):
    caplog.set_level(logging.DEBUG)
    shown = []
    for attempt in (
        lambda: vault.renew(authorization(), refused),
        lambda: vault.current(),
        lambda: vault_of(engine, keys=OLD_KEY).release(unasked, "eva"),
        lambda: vault.store(replace(authorization(), access_token=Secret("access-9")), "eva"),
        lambda: vault.renew(authorization(9), another(10)),
    ):
        try:
            attempt()
        except PuntualError as error:
            shown.append(f"{error} {error!r} {error.__cause__!r} {error.__context__!r}")
    assert len(shown) == 3
    assert [word for word in SECRET_WORDS if word in caplog.text + " ".join(shown)] == []
