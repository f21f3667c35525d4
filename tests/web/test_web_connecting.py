"""A company is connected by a link: from any browser, once, and nobody else gets anything out of it."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from cli.online_books import ENTRY, OnlineAuthorizer, OnlineService
from click.testing import CliRunner
from puntual.core.cli.main import puntual
from puntual.core.errors import AuthorizationExpired
from puntual.core.history import audit
from puntual.core.history.connect_links import KEPT
from puntual.core.history.database import reading
from puntual.core.history.hosting_tables import connect_links
from puntual.core.history.tables import authorizations
from puntual.core.web.connecting import COOKIE
from puntual.core.worker import inviting, wiring
from puntual.core.worker.inviting import ANSWER_WITHIN, invite
from sqlalchemy import create_engine, select
from web.visitor import Visitor, query_of
from web.web_host import ADDRESS, NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def online(monkeypatch):
    listed = wiring.manifest()
    monkeypatch.setattr(wiring, "manifest", lambda: {**listed, "connectors": [*listed["connectors"], ENTRY]})
    made = OnlineService()
    yield made
    made.close()
    assert made.mistakes == []


@pytest.fixture
def acme(host, online):
    """A company whose books are online and not connected yet."""
    host.policy(("type: files, folder: books", _ledger(online)))
    (host.folder / "books").mkdir()
    (host.folder / "books" / "customers.csv").write_text("id,name,email\nc1,Uno,c1@example.com\n", encoding="utf-8")
    bill = "number,customer,issued_on,due_date,total,currency,paid_on\nF-1,c1,2026-04-12,2026-05-12,100.00,EUR,\n"
    (host.folder / "books" / "invoices.csv").write_text(bill, encoding="utf-8")
    yield host
    said = "".join(host.told.lines)
    assert [word for word in ("access-", "refresh-", "code-", "realm-9") if word in said] == []


def _ledger(online, redirect=f"{ADDRESS}/connect/return"):
    return f"type: online, folder: books, service_url: '{online.url}', redirect_uri: '{redirect}'"


def link_for(host, lasts=HOUR, by="lucia"):
    return invite(host.site.desk("acme", look=True), host.address, lasts, by)[0]


def access(host):
    return host.site.desk("acme").vault.access()


def audited(host):
    with reading(host.engine) as conn:
        assert audit.verify(conn, "acme").broken_at is None
        return [(entry.kind, entry.data.get("by", "")) for entry in audit.entries_of(conn, "acme")]


def rows(host):
    with reading(host.engine) as conn:
        return conn.execute(select(connect_links)).all()


# --- the whole way ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["sqlite", "postgresql"], indirect=True)
def test_from_the_link_to_the_books(acme, online):
    link, person = link_for(acme), Visitor(acme)
    assert re.fullmatch(rf"{ADDRESS}/connect/[A-Za-z0-9_-]{{43}}", link)
    person.get(link)
    assert person.title == "Connect the books of Acme, S.L."
    for words in ("read customers, invoices", "leave a note", "pay page", "Continue to Online books", "until May 13, 2026"):
        assert words in person.page
    assert "charges for late payment" not in person.page

    person.get(online.person(person.asked(link)))
    assert (person.status, person.title) == (200, "Thank you, the books are connected")
    assert "<strong>Talleres Soler</strong>" in person.page, acme.told.lines
    assert (access(acme).tenant_id, acme.wishes()["acme"], person.cookie) == ("realm-1", NOW, "")
    assert audited(acme) == [("connected", "the link of lucia"), ("connect_link_made", "lucia")]

    assert (Visitor(acme).get(link).status_code, person.post(link).status_code) == (404, 400)
    (row,) = rows(acme)
    assert (row.used_at, row.sealed, row.state_digest) == (NOW, "", "")
    assert [line for line in acme.told.lines if '"request": ' not in line] == []


def test_nothing_that_opens_anything_is_kept_readable(acme, online):
    link, person = link_for(acme), Visitor(acme)
    consent = query_of(person.asked(link))
    person.get(link)
    (row,) = rows(acme)
    kept = " ".join(map(str, row))
    assert [word for word in (link.rpartition("/")[2], consent["state"], person.cookie, online.url) if word in kept] == []
    assert row.sealed.startswith("gAAAA")


def test_looking_uses_nothing_up(acme):
    """Previews, mail scanners and a second look."""
    link = link_for(acme)
    before = rows(acme)
    for method in ("GET", "HEAD", "GET"):
        assert acme.ask(method, link.removeprefix(ADDRESS), user_agent="scanner").status_code == 200
    assert rows(acme) == before
    assert Visitor(acme).asked(link)


def test_a_person_may_begin_again_until_it_is_done(acme, online):
    link, person = link_for(acme), Visitor(acme)
    first = online.person(person.asked(link))
    second = online.person(person.asked(link))
    person.get(first)
    assert (person.status, access(acme)) == (400, None)
    person.get(second)
    assert access(acme).tenant_id == "realm-1"


@pytest.mark.parametrize(
    ("language", "word"), [("es-MX,es;q=0.9,en;q=0.5", "Conectar"), ("en-GB", "Connect"), ("de,fr;q=0.3", "Conectar"), ("", "Conectar")]
)
def test_the_page_speaks_the_browsers_language_else_the_companys(acme, language, word):
    person = Visitor(acme, language)
    person.get(link_for(acme))
    assert person.title.split()[0] == word


def test_a_name_out_of_the_policy_commands_no_browser(acme, online):
    acme.policy(("type: files, folder: books", _ledger(online)), ('"Acme, S.L."', "'<script>alert(1)</script> & Sons'"))
    person = Visitor(acme)
    person.get(link_for(acme))
    assert person.title == "Connect the books of &lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons"
    assert "<script" not in person.page


# --- links that do not work -------------------------------------------------------------------------------------------------------


def test_a_link_ends_with_its_time_and_is_forgotten_later(acme):
    link, person = link_for(acme), Visitor(acme)
    person.get(link)
    acme.clock.at = NOW + HOUR
    assert (person.get(link).status_code, person.title) == (404, "This link does not work")
    assert (person.post(link).status_code, person.title) == (404, "This link does not work")
    acme.clock.at = NOW + HOUR + KEPT + HOUR
    link_for(acme)
    assert len(rows(acme)) == 1


@pytest.mark.parametrize("token", ["A" * 43, "A", "A" * 3000, "%00", "ñ", "return%00", "'; DROP TABLE connect_links; --"])
def test_what_was_never_a_link_looks_like_one_that_is_over(acme, token):
    person = Visitor(acme)
    person.get(f"/connect/{token}")
    over = link_for(acme, timedelta(0))
    assert (person.status, person.page) == (404, Visitor(acme).get(over).text)
    assert person.cookie == ""


def test_what_is_broken_on_our_side_is_for_later(acme, online, monkeypatch):
    link, person = link_for(acme), Visitor(acme)
    person.get(link)
    acme.policy(("type: files, folder: books", _ledger(online, "https://other.example/cb")))
    acme.site.roster.look()
    assert (person.get(link).status_code, person.title) == (503, "Not at the moment")
    acme.policy(("mode: live", "mode: lively"))
    acme.site.roster.look()
    assert person.get(link).status_code == 503
    acme.policy(("type: files, folder: books", _ledger(online)))
    acme.site.roster.look()
    monkeypatch.setenv("PUNTUAL_TEST_KEYS", "nonsense")
    assert (person.post(link).status_code, person.title) == (503, "Not at the moment")
    assert [row.state_digest for row in rows(acme)] == [""]


def test_while_the_database_is_away_the_page_says_so(acme):
    link, person = link_for(acme), Visitor(acme)
    acme.site.place = replace(acme.place, engine=create_engine("postgresql+psycopg://127.0.0.1:1/nowhere"))
    assert (person.get(link).status_code, person.title) == (503, "Not at the moment")


# --- answers that are not taken ---------------------------------------------------------------------------------------------------


def refused(host, person, answer, title="Nobody waits for this answer", status=400):
    person.get(answer)
    assert (person.status, person.title, access(host)) == (status, title, None)
    for word in ("Acme", "realm", "Online"):
        assert word not in person.page


def test_an_answer_counts_once(acme, online):
    person = Visitor(acme)
    answer = online.person(person.asked(link_for(acme)))
    cookie = person.cookie
    person.get(answer)
    person.cookie = cookie
    person.get(answer)
    assert (person.status, person.title, online.given) == (400, "Nobody waits for this answer", 1)


def test_an_answer_counts_only_in_the_browser_that_asked(acme, online):
    person, other = Visitor(acme), Visitor(acme)
    answer = online.person(person.asked(link_for(acme)))
    refused(acme, other, answer)
    other.cookie = "B" * 43
    refused(acme, other, answer)
    assert acme.ask("HEAD", answer.removeprefix(ADDRESS), cookie=f"{COOKIE}={person.cookie}").status_code == 405
    person.get(answer)
    assert access(acme).tenant_id == "realm-1", "what others tried spoiled nothing"


def test_an_answer_counts_for_a_quarter_of_an_hour(acme, online):
    person = Visitor(acme)
    answer = online.person(person.asked(link_for(acme)))
    acme.clock.at = NOW + ANSWER_WITHIN
    refused(acme, person, answer)


@pytest.mark.parametrize("lies", [{"state": "x"}, {"state": ""}, {"state": "\x00"}, {"state": "ñ" * 50}])
def test_an_answer_to_another_question_is_none(acme, online, lies):
    person = Visitor(acme)
    refused(acme, person, online.person(person.asked(link_for(acme)), lies=lies))
    refused(acme, Visitor(acme), "/connect/return")


def test_a_no_is_a_no_and_the_link_may_be_used_again(acme, online):
    link, person = link_for(acme), Visitor(acme)
    online.error = "access_denied"
    refused(acme, person, online.person(person.asked(link)), "Nothing was connected", 200)
    online.error = ""
    person.get(online.person(person.asked(link)))
    assert access(acme).tenant_id == "realm-1"


@pytest.mark.parametrize("lies", [{"code": "x"}, {"code": ""}, {"error": "server_error"}, {"error": "<script>"}, {"books": ""}])
def test_what_the_ledger_does_not_accept_connects_nothing(acme, online, lies):
    link, person = link_for(acme), Visitor(acme)
    refused(acme, person, online.person(person.asked(link), lies=lies), "The connection did not come about")
    assert "<script" not in person.page
    assert person.get(link).status_code == 200


def test_a_ledger_that_does_not_answer_is_for_later(acme, online):
    link, person = link_for(acme), Visitor(acme)
    answer = online.person(person.asked(link))
    online.close()
    refused(acme, person, answer, "Not at the moment", 503)
    assert person.get(link).status_code == 200


def test_whose_books_they_are_may_be_unknown_for_now(acme, online, monkeypatch):
    def not_now(desk):
        raise AuthorizationExpired("not yet")

    monkeypatch.setattr("puntual.core.web.connecting.whose_books", not_now)
    person = Visitor(acme)
    person.get(online.person(person.asked(link_for(acme))))
    assert (person.status, "<strong>realm-1</strong>" in person.page) == (200, True)


def test_of_two_answers_at_once_one_counts(acme, online):
    """Whoever has the link in another browser may begin, too; the first that is done uses it up."""
    link, one, two = link_for(acme), Visitor(acme), Visitor(acme)
    first = online.person(one.asked(link))
    service, online.books = online.books, "realm-2"
    second = online.person(two.asked(link))
    one.get(first)
    two.get(second)
    assert (one.status, two.status, access(acme).tenant_id, service) == (400, 200, "realm-2", "realm-1")


def test_while_one_answer_is_looked_at_another_may_be_taken(acme, online, monkeypatch):
    """Between the look and the deed somebody else was faster: with the same answer, and with another by the same link."""
    person = Visitor(acme)
    answer = online.person(person.asked(link_for(acme)))
    taken = after_the_next(monkeypatch, inviting, "link_that_asked", lambda: once_more(person).get(answer))
    person.get(answer)
    assert (taken, person.status, person.title, online.given) == ([200], 400, "Nobody waits for this answer", 1)


@pytest.mark.parametrize("books", ["realm-1", "realm-2"])
def test_while_the_ledger_is_asked_another_may_use_the_link_up(acme, online, monkeypatch, books):
    link, one, two = link_for(acme), Visitor(acme), Visitor(acme)
    first = online.person(one.asked(link))

    def by_another():
        online.books = books
        return two.get(online.person(two.asked(link)))

    taken = after_the_next(monkeypatch, OnlineAuthorizer, "exchanged", by_another)
    one.get(first)
    assert (taken, one.status, one.title, access(acme).tenant_id) == ([200], 404, "This link does not work", books)
    assert audited(acme).count(("connected", "the link of lucia")) == 1


def after_the_next(monkeypatch, owner, name, then):
    """Right after the next call of it `then` happens, before anything is made of the call. Returns the statuses of what happened."""
    original, statuses, ready = getattr(owner, name), [], [then]

    def called(*words):
        found = original(*words)
        if ready:
            statuses.append(ready.pop()().status_code)
        return found

    monkeypatch.setattr(owner, name, called)
    return statuses


def once_more(person):
    """The same browser once more."""
    other = Visitor(person.host, person.language)
    other.cookie = person.cookie
    return other


def test_a_company_that_is_new_need_not_wait_to_be_seen(acme, online):
    assert Visitor(acme).get(link_for(acme)).status_code == 200
    acme.policy(("type: files, folder: books", _ledger(online)), company="fresh")
    desk = wiring.desk_of(acme.folder, "fresh", acme.clock, engine=acme.engine)
    assert Visitor(acme).get(invite(desk, acme.address, HOUR, "lucia")[0]).status_code == 200


def test_when_it_cannot_be_kept_the_link_is_not_lost(acme, online, monkeypatch):
    link, person = link_for(acme), Visitor(acme)
    answer = online.person(person.asked(link))
    vault = acme.site.desk("acme").vault

    def full(*_):
        raise AuthorizationExpired("the disk is full")

    monkeypatch.setattr(vault, "store", full)
    refused(acme, person, answer, "The connection did not come about")
    monkeypatch.undo()
    assert [row.used_at for row in rows(acme)] == [None]


# --- forms from elsewhere ---------------------------------------------------------------------------------------------------------


def test_no_other_site_can_press_the_button(acme):
    link, person = link_for(acme), Visitor(acme)
    assert (person.post(link).status_code, person.title) == (400, "Your browser has to take part")
    person.get(link)
    for site in ("cross-site", "same-site", "none"):
        assert person.post(link, sec_fetch_site=site).status_code == 400
    for cookie in ("", "x", "A" * 44):
        kept, person.cookie = person.cookie, cookie
        assert person.post(link).status_code == 400
        person.cookie = kept
    assert [row.state_digest for row in rows(acme)] == [""]
    assert person.post(link, {"x": "y" * 9000}).status_code == 413
    assert person.post(link).status_code == 303


def test_a_browser_that_has_a_marker_keeps_it(acme):
    """Two links at a time in one browser."""
    person = Visitor(acme)
    person.get(link_for(acme))
    kept = person.cookie
    assert "set-cookie" not in person.get(link_for(acme)).headers
    assert (person.cookie, len(kept)) == (kept, 43)


# --- which books ------------------------------------------------------------------------------------------------------------------


def test_of_several_books_the_person_chooses(acme, online):
    online.books = "realm-1,realm-2"
    link, person = link_for(acme), Visitor(acme)
    person.get(online.person(person.asked(link)))
    assert (person.status, person.title) == (200, "Which books belong to Acme, S.L.?")
    assert re.findall(r'name="books" value="([^"]*)"', person.page) == ["realm-1", "realm-2"]
    assert (access(acme), online.given) == (None, 1)
    assert not any(word in str(rows(acme)) for word in ("access-1", "refresh-1", "realm-1"))

    stranger = Visitor(acme)
    stranger.get(link)
    assert stranger.post("/connect/choose", {**person.choice(), "books": "realm-2"}).status_code == 400
    person.post("/connect/choose", {**person.choice(), "books": "realm-2"})
    assert (person.status, access(acme).tenant_id) == (200, "realm-2")
    assert "<strong>Talleres Soler</strong>" in person.page


@pytest.mark.parametrize("books", ["realm-3", "", "realm-1,realm-2"])
def test_books_that_were_not_allowed_are_not_chosen(acme, online, books):
    online.books = "realm-1,realm-2"
    person = Visitor(acme)
    person.get(online.person(person.asked(link_for(acme))))
    choice = person.choice()
    assert person.post("/connect/choose", {**choice, "books": books}).status_code == 400
    assert person.post("/connect/choose", {**choice, "books": "realm-1"}).status_code == 400, "a choice counts once"
    assert access(acme) is None


def test_a_choice_has_its_time_and_its_own_state(acme, online):
    online.books = "realm-1,realm-2"
    person = Visitor(acme)
    question = person.asked(link_for(acme))
    assert person.post("/connect/choose", {"state": query_of(question)["state"], "books": "realm-1"}).status_code == 503
    person.get(online.person(person.asked(link_for(acme))))
    choice = person.choice()
    assert person.get("/connect/return?" + urlencode({"state": choice["state"], "code": "x"})).status_code == 503
    person.get(online.person(person.asked(link_for(acme))))
    acme.clock.at = NOW + ANSWER_WITHIN
    assert person.post("/connect/choose", {**person.choice(), "books": "realm-1"}).status_code == 400
    assert access(acme) is None


def test_other_books_than_before_take_their_place_only_when_a_person_says_so(acme, online):
    person = Visitor(acme)
    person.get(online.person(person.asked(link_for(acme))))
    online.books = "realm-2"
    person.get(online.person(person.asked(link_for(acme))))
    assert "has been connected to <strong>Talleres Soler</strong>" in person.page
    assert access(acme).tenant_id == "realm-1"
    person.post("/connect/choose", {**person.choice(), "books": "realm-2"})
    assert access(acme).tenant_id == "realm-2"
    with reading(acme.engine) as conn:
        assert len(conn.execute(select(authorizations)).all()) == 1


# --- the command ------------------------------------------------------------------------------------------------------------------


def typed(host, *words, code=0):
    there = {"PUNTUAL_DATABASE": host.engine.url.render_as_string(hide_password=False)}
    done = CliRunner().invoke(puntual, ["connect", "acme", *words, "--dir", str(host.folder)], env=there)
    assert (done.exit_code, "Traceback" in done.output) == (code, False), done.output
    return done


def test_the_command_prints_a_link_and_for_whom_it_is(acme):
    acme.clock.at = wiring.SystemClock().now()
    done = typed(acme, "--link", "--hours", "2")
    (link,) = done.stdout.splitlines()
    assert "whoever may sign in to Online books for Acme, S.L." in done.stderr
    assert Visitor(acme).get(link).status_code == 200
    acme.clock.at += 2 * HOUR + timedelta(minutes=1)
    assert Visitor(acme).get(link).status_code == 404


def test_a_link_that_could_not_work_is_not_made(acme, online, monkeypatch):
    assert "goes with neither" in typed(acme, "--link", "--tenant", "x", code=2).output
    typed(acme, "--link", "--hours", "0", code=2)
    acme.policy(("type: files, folder: books", _ledger(online, "http://localhost:8765/callback")))
    assert f"Write redirect_uri: {ADDRESS}/connect/return under `ledger:`" in typed(acme, "--link", code=1).output
    acme.policy()
    assert "need no connection in a browser" in typed(acme, "--link", code=1).output
    acme.policy(("type: files, folder: books", _ledger(online)))
    monkeypatch.setenv("PUNTUAL_TEST_KEYS", "nonsense")
    assert "puntual keys new" in typed(acme, "--link", code=1).output
    (acme.folder / "puntual.yaml").unlink()
    assert "puntual.yaml says none" in typed(acme, "--link", code=1).output
    assert rows(acme) == []
