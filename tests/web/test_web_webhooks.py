"""Webhooks of ledgers: signed, unsigned, for a second time, too large, garbage; each gets its answer, and none stops the server."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from puntual.core.errors import CompanyMustAct
from puntual.core.history.database import reading, writing
from puntual.core.history.hosting import grant_wish, set_state
from puntual.core.hosting.jobs import DEBOUNCE
from puntual.core.policy.host_schema import HostSettings
from puntual.core.secret import Secret
from puntual.core.web import webhooks
from puntual.core.web.site import Site
from puntual.core.web.webhooks import BODY_LIMIT
from sqlalchemy import create_engine, text
from web.web_host import NOW, SIGNED_IN, TELLING, intuit, locked, signed

LEDGERS = pytest.mark.parametrize("ledger", ["quickbooks", "xero"])
BOTH = pytest.mark.parametrize("host", ["sqlite", "postgresql"], indirect=True)
REFUSED = {"quickbooks": 403, "xero": 401}


# --- what is genuine --------------------------------------------------------------------------------------------------------------


@BOTH
@LEDGERS
def test_a_genuine_delivery_has_the_books_of_its_companies_read_and_a_second_one_does_nothing(host, ledger):
    for company, tenant in (("acme", "t1"), ("other", "t1"), ("third", "t2")):
        host.connected(company, ledger, tenant)
    body = TELLING[ledger]("t1", "unknown")
    answers = [host.tell(ledger, body) for _ in range(2)]
    assert [(one.status_code, one.content) for one in answers] == [(200, b"")] * 2
    assert (host.wishes(), host.events()) == ({"acme": NOW, "other": NOW}, 2)
    assert [one["companies"] for one in host.told.events("webhook taken")] == [["acme", "other"], []]

    with writing(host.engine) as conn:
        for company in ("acme", "other"):
            grant_wish(conn, company, NOW)
    host.tell(ledger, body)
    assert host.wishes() == {"acme": None, "other": None}, "what was read is not read again for the same event"


@LEDGERS
def test_books_of_another_ledger_or_of_nobody_are_told_of_in_vain(host, ledger):
    host.connected("acme", "another ledger", "t1")
    assert host.tell(ledger, TELLING[ledger]("t1", "t2")).status_code == 200
    assert (host.wishes(), host.events()) == ({}, 0)


def test_several_events_in_a_minute_are_one_wish_and_one_that_comes_while_it_is_granted_is_another(host):
    host.connected("acme", "quickbooks", "t1")
    for second in (0, 20, 40):
        host.clock.at = NOW + timedelta(seconds=second)
        host.tell("quickbooks", intuit("t1", key=f"e{second}"))
    assert host.wishes() == {"acme": NOW}

    began = NOW + DEBOUNCE
    with writing(host.engine) as conn:
        set_state(conn, "acme", began_at=began)
    host.clock.at = began + timedelta(seconds=5)
    host.tell("quickbooks", intuit("t1", key="meanwhile"))
    with writing(host.engine) as conn:
        grant_wish(conn, "acme", began)
    assert host.wishes() == {"acme": host.clock.now()}


def test_what_was_told_is_forgotten_after_a_week(host):
    host.connected("acme", "quickbooks", "t1")
    for days in (0, 6, 8):
        host.clock.at = NOW + timedelta(days=days)
        host.tell("quickbooks", intuit("t1", key=f"e{days}"))
    assert host.events() == 2


def test_xero_tries_an_address_with_good_and_bad_signatures(host):
    """ "Intent to receive", https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/"""
    good = host.tell("xero", TELLING["xero"]())
    bad = host.ask("POST", "/webhooks/xero", TELLING["xero"](), x_xero_signature=signed(TELLING["xero"](), "another key"))
    assert [(one.status_code, one.content, "set-cookie" in one.headers) for one in (good, bad)] == [(200, b"", False), (401, b"", False)]


@LEDGERS
@pytest.mark.parametrize("body", [b"", b"no json", b"\xff\xfe\x00", b"[" * 100_000, b"null", b"[]", b'{"events": 5}', b"9" * 5000])
def test_a_genuine_delivery_of_no_sense_is_taken_so_that_it_does_not_come_again(host, ledger, body):
    assert host.tell(ledger, body, content_type="image/png").status_code == 200
    assert host.events() == 0


@BOTH
@LEDGERS
def test_names_that_no_database_takes_are_no_trouble(host, ledger):
    host.connected("acme", ledger, "t1")
    strange = ["\ud800", "a\x00b", "ñ" * 50, "9" * 5000, "'; DROP TABLE companies; --"]
    assert host.tell(ledger, TELLING[ledger](*strange, "t1")).status_code == 200
    assert host.wishes() == {"acme": NOW}
    long = json.loads(TELLING[ledger]("t1"))
    (long if ledger == "quickbooks" else long["events"])[0] |= {"id": "\x00\ud800" * 900, "resourceId": "\x00\ud800" * 900}
    assert host.tell(ledger, json.dumps(long).encode()).status_code == 200
    assert host.events() == 2


def test_a_thousand_events_in_one_delivery_are_kept(host):
    host.connected("acme", "xero", "t1")
    body = json.loads(TELLING["xero"]("t1"))
    body["events"] = [{**body["events"][0], "resourceId": f"r{number}"} for number in range(1200)]
    assert host.tell("xero", json.dumps(body).encode()).status_code == 200
    assert host.events() == 1200


# --- what is not ------------------------------------------------------------------------------------------------------------------


@LEDGERS
@pytest.mark.parametrize("signature", [None, "", "AAAA", "%%%", "x" * 4000, "\xff\xfe", "other"])
def test_what_is_not_signed_by_the_service_is_refused_in_its_own_way(host, ledger, signature):
    host.connected("acme", ledger, "t1")
    body = TELLING[ledger]("t1")
    said = signed(body, "other token") if signature == "other" else signature
    headers = {} if said is None else {SIGNED_IN[ledger]: said.encode("latin-1")}
    answer = host.ask("POST", f"/webhooks/{ledger}", body, **headers)
    assert (answer.status_code, answer.content) == (REFUSED[ledger], b"")
    assert (host.wishes(), host.events()) == ({}, 0)


@LEDGERS
def test_a_body_that_was_changed_on_the_way_is_refused(host, ledger):
    body = TELLING[ledger]("t1")
    answer = host.ask("POST", f"/webhooks/{ledger}", body + b" ", **{SIGNED_IN[ledger]: signed(body, "intuit-verifier-token")})
    assert answer.status_code == REFUSED[ledger]


@LEDGERS
def test_a_body_may_have_so_many_bytes_and_not_one_more(host, ledger):
    assert host.tell(ledger, b"x" * BODY_LIMIT).status_code == 200
    assert host.tell(ledger, b"x" * (BODY_LIMIT + 1)).status_code == 413

    async def endless():
        while True:
            yield b"x" * 65536

    assert host.ask("POST", f"/webhooks/{ledger}", endless()).status_code == 413
    for declared in ("99999999999", "-1", "many", "9" * 5000):
        assert host.ask("POST", f"/webhooks/{ledger}", b"", content_length=declared).status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(host, monkeypatch):
    monkeypatch.setattr(webhooks, "READ_WITHIN", 0)

    async def never():
        await asyncio.Event().wait()
        yield b""

    assert host.ask("POST", "/webhooks/xero", never()).status_code == 408


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webhooks/xero", 405),
        ("PUT", "/webhooks/quickbooks", 405),
        ("HEAD", "/webhooks/stripe/acme", 405),
        ("GET", "/webhooks/stripe/nobody", 405),
        ("POST", "/webhooks/files", 404),
        ("POST", "/webhooks/stripe", 404),
        ("POST", "/webhooks/xero/", 404),
        ("POST", "/webhooks/xero/acme", 404),
        ("POST", "/webhooks/", 404),
        ("GET", "/", 404),
        ("GET", "/companies", 404),
        ("GET", "/health/ready", 404),
        ("GET", "/metrics", 404),
        ("GET", "/connect/return/x", 404),
        ("DELETE", "/connect/x", 405),
    ],
)
def test_other_ways_lead_nowhere(host, method, path, status):
    assert host.ask(method, path).status_code == status


# --- when the database does not answer --------------------------------------------------------------------------------------------


@LEDGERS
def test_while_the_database_is_away_it_has_to_come_again(host, ledger):
    host.connected("acme", ledger, "t1")
    there, host.site.place = host.site.place, replace(host.place, engine=create_engine("postgresql+psycopg://127.0.0.1:1/nowhere"))
    answer = host.tell(ledger, TELLING[ledger]("t1"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert host.told.events("cannot answer now")[0]["why"] == "the database: OperationalError"
    assert host.tell(ledger, TELLING[ledger]("t1"), "wrong").status_code == REFUSED[ledger], "who is not known hears no more than ever"
    assert host.ask("GET", "/health").status_code == 200
    host.site.place = there
    assert host.tell(ledger, TELLING[ledger]("t1")).status_code == 200
    assert host.wishes() == {"acme": NOW}


def test_while_the_database_is_slow_the_service_gets_its_answer_in_time_and_nothing_is_lost(host):
    host.connected("acme", "quickbooks", "t1")
    teller = host.site.tellers["quickbooks"]
    host.site.tellers["quickbooks"] = replace(teller, webhooks=replace(teller.webhooks, seconds=1 + webhooks._SPARE))
    with locked(host):
        assert host.tell("quickbooks", intuit("t1")).status_code == 503
        assert "It took longer than 1 s" in host.told.events("cannot answer now")[0]["why"]
    assert host.tell("quickbooks", intuit("t1")).status_code == 200
    assert (host.wishes(), host.events()) == ({"acme": NOW}, 1)


@pytest.mark.parametrize("host", ["postgresql"], indirect=True)
def test_a_connection_that_died_in_the_pool_costs_no_delivery(host):
    host.connected("acme", "xero", "t1")
    with reading(host.engine) as conn:
        mine = conn.execute(text("SELECT pg_backend_pid()")).scalar()
    other = create_engine(host.engine.url)
    with other.connect() as conn:
        conn.execute(text(f"SELECT pg_terminate_backend({mine})"))
    other.dispose()
    assert host.tell("xero", TELLING["xero"]("t1")).status_code == 200
    assert host.wishes() == {"acme": NOW}


# --- settings ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ledger", ["files", "odoo", "sage"])
def test_a_secret_for_a_ledger_that_tells_nothing_is_a_mistake(host, ledger):
    settings = HostSettings(web=host.site.web, webhooks={ledger: Secret("x")})
    with pytest.raises(CompanyMustAct, match=f"webhooks.{ledger}"):
        Site.of(replace(host.place, settings=settings))


def test_a_host_without_the_web_says_so(host):
    with pytest.raises(CompanyMustAct, match="says nothing of the web"):
        Site.of(replace(host.place, settings=HostSettings()))


def test_a_ledger_without_a_secret_is_not_answered(host):
    del host.site.tellers["xero"]
    assert host.tell("xero", TELLING["xero"]("t1")).status_code == 404
