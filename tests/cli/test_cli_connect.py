"""Connecting a company to its books and disconnecting it, as a person types it, with a browser that answers by itself."""

import json
import socket
import webbrowser
from urllib.request import urlopen

import pytest
from cli.online_books import ENTRY, OnlineService
from click.testing import CliRunner
from history.sample_books import AT
from puntual.core.access import Authorization
from puntual.core.cli import access
from puntual.core.cli.common import say
from puntual.core.cli.main import puntual
from puntual.core.errors import AuthorizationExpired, CompanyMustAct
from puntual.core.history.authorizations import Access, AccessState
from puntual.core.history.sealing import new_key
from puntual.core.secret import Secret
from puntual.core.worker import redirect, wiring
from puntual.core.worker.access import chosen_of

KEY = new_key().reveal()
SECRETS = ("access-", "refresh-", "code-1", "client-secret-1", KEY)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def online(monkeypatch):
    listed = wiring.manifest()
    monkeypatch.setattr(wiring, "manifest", lambda: {**listed, "connectors": [*listed["connectors"], ENTRY]})
    made = OnlineService()
    monkeypatch.setattr(webbrowser, "open", made.browser)
    yield made
    made.close()
    assert made.mistakes == []


@pytest.fixture
def acme(desktop, online, port, monkeypatch):
    """A company whose books are online; nobody has connected it yet."""
    monkeypatch.setenv("PUNTUAL_KEYS", KEY)
    place = f"service_url: '{online.url}', redirect_uri: 'http://localhost:{port}/callback'"
    desktop.policy(("type: files, folder: books", f"type: online, folder: books, {place}"))
    yield desktop
    assert [word for word in SECRETS if word in desktop.output] == []


@pytest.fixture
def typed(online, monkeypatch):
    """A person opens the address that is shown, and types where the browser ended; a `lie` stands in place of a part of it."""

    def type_with(**lies):
        shown = []

        def shows(text=""):
            shown.append(text)
            say(text)

        def ended(*_, **__):
            return f"  '{online.person(next(line for line in shown if line.startswith(online.url)), lies=lies)}' "

        monkeypatch.setattr(access, "say", shows)
        monkeypatch.setattr(access.click, "prompt", ended)

    return type_with


# --- the whole way ----------------------------------------------------------------------------------------------------------------


def test_from_unconnected_to_connected_and_back(acme, online):
    assert "acme is not connected to online. Connect it with: puntual connect acme." in acme.on("run", "acme", code=1)
    assert "Not connected to online. Connect it: puntual connect acme" in acme.puntual("status", "acme")
    assert "not connected to online" in acme.puntual("check", "acme", code=1)

    said = acme.puntual("connect", "acme")
    assert "Connected acme to online (realm-1)." in said
    assert "The books are those of Talleres Soler." in said
    assert "Thank you" in online.pages[2]
    assert ["Nothing here" in online.pages[0], "not the answer" in online.pages[1]] == [True, True]

    assert "Connected to online as Talleres Soler since 20" in acme.puntual("status", "acme")
    assert "Connected to online as Talleres Soler since 20" in acme.puntual("check", "acme")
    assert "connected" in acme.puntual("history", "acme")

    assert "Disconnected acme from online (Talleres Soler)." in acme.puntual("disconnect", "acme")
    assert online.revoked == ["refresh-1"]
    assert "Not connected" in acme.puntual("status", "acme")
    assert "not connected" in acme.puntual("disconnect", "acme", code=1)


def test_without_a_browser_the_address_is_typed(acme, online, typed):
    typed()
    said = acme.puntual("connect", "acme", "--manual")
    assert "begins with http://localhost:" in said
    assert "The books are those of Talleres Soler." in said


def test_a_redirect_that_leads_elsewhere_is_typed_without_being_asked(acme, online, typed):
    acme.policy(
        ("type: files, folder: books", f"type: online, folder: books, service_url: '{online.url}', redirect_uri: 'https://acme.example/cb'")
    )
    typed()
    assert "begins with https://acme.example/cb" in acme.puntual("connect", "acme")


def test_an_address_with_another_state_connects_nothing(acme, online, typed):
    typed(state="of somebody else")
    assert "no answer to the question" in acme.puntual("connect", "acme", "--manual", code=1)
    assert (online.given, "Not connected" in acme.puntual("status", "acme")) == (0, True)


def test_a_no_in_the_browser_is_a_no(acme, online):
    online.error = "access_denied"
    assert "declined in the browser" in acme.puntual("connect", "acme", code=1)


def test_a_browser_that_nobody_answers_in_ends_in_words(acme, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    monkeypatch.setattr(redirect.Listener, "wait", lambda listener, seconds=0: _waited(listener))
    assert "Nobody answered in the browser within 0 seconds" in acme.puntual("connect", "acme", code=1)


_wait = redirect.Listener.wait


def _waited(listener):
    return _wait(listener, 0)


def test_a_port_that_is_taken_is_named(acme, port):
    with socket.create_server(("127.0.0.1", port)):
        assert f"port {port}" in acme.puntual("connect", "acme", code=1)
    assert "--manual" in acme.output


# --- the real connectors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry", [entry for entry in wiring.manifest()["connectors"] if "authorizer" in entry], ids=lambda entry: entry["id"]
)
def test_each_ledger_that_needs_it_is_connected_at_its_stand_in(entry, desktop, port, monkeypatch):
    ledger = wiring.imported(entry["demo"])(wiring.SystemClock().now)
    monkeypatch.setenv("PUNTUAL_KEYS", KEY)
    monkeypatch.setenv("APP_SECRET", ledger.secrets()["client_secret"])
    monkeypatch.setattr(webbrowser, "open", lambda url: urlopen(url).close())
    registered = next(part for part in vars(ledger._server).values() if hasattr(part, "redirect_uris"))
    registered.redirect_uris.add(f"http://localhost:{port}/cb")
    settings = {**ledger.settings(), "type": entry["id"], "client_secret": "${APP_SECRET}", "redirect_uri": f"http://localhost:{port}/cb"}
    desktop.policy(("{type: files, folder: books}", json.dumps(settings)))
    try:
        assert "The books are those of Suministros Soler, S.L." in desktop.puntual("connect", "acme")
        kept = wiring.desk_of(desktop.folder, "acme", wiring.SystemClock()).vault.current()
        for token in (kept.access_token.reveal(), kept.refresh_token.reveal()):
            assert token not in desktop.output + desktop.puntual("history", "acme")
            assert not [path for path in desktop.folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
        assert f"Connected to {entry['id']} as Suministros Soler, S.L. since" in desktop.puntual("status", "acme")
        desktop.puntual("sync", "acme")
        assert "Disconnected" in desktop.puntual("disconnect", "acme")
        assert "not connected" in desktop.puntual("sync", "acme", code=1)
    finally:
        ledger.close()


# --- keys -------------------------------------------------------------------------------------------------------------------------


def test_without_keys_nobody_is_sent_to_the_browser(acme, online, monkeypatch):
    for keys in ("", "nonsense", "file:/nowhere"):
        monkeypatch.setenv("PUNTUAL_KEYS", keys)
        assert "puntual keys new" in acme.puntual("connect", "acme", code=1)
    assert (online.pages, online.given) == ([], 0)


def test_keys_are_made_rotated_and_put_away(acme, online, monkeypatch):
    acme.puntual("connect", "acme")
    made = CliRunner().invoke(puntual, ["keys", "new"])
    newest = made.stdout.strip()
    assert (made.exit_code, len(newest), "PUNTUAL_KEYS" in made.stderr) == (0, 44, True)
    ring = acme.folder / "keys"
    ring.write_text(f"{newest}\n{KEY}\n", encoding="utf-8")
    monkeypatch.setenv("PUNTUAL_KEYS", f"file:{ring}")
    assert "Sealed with the newest key: acme." in acme.puntual("keys", "rotate")
    ring.write_text(f"{newest}\n", encoding="utf-8")
    assert "in order" in acme.puntual("check", "acme")
    monkeypatch.setenv("PUNTUAL_KEYS", KEY)
    assert "None of the keys in PUNTUAL_KEYS opens the connection of acme" in acme.puntual("check", "acme", code=1)
    assert "Keep the older keys" in acme.puntual("keys", "rotate", code=1)
    assert newest not in acme.output


# --- ends -------------------------------------------------------------------------------------------------------------------------


def test_a_connection_that_ends_soon_is_said_wherever_somebody_looks(acme, online):
    online.refresh_days = 7
    acme.puntual("connect", "acme")
    for command in ("status", "check", "sync", "run"):
        assert "has only 6 days left" in acme.puntual(command, "acme"), command


def test_a_connection_that_the_ledger_ended_is_asked_for_once(acme, online):
    online.refresh_days = 50
    acme.puntual("connect", "acme")
    online.known = set()
    desk = wiring.desk_of(acme.folder, "acme", wiring.SystemClock())
    with pytest.raises(AuthorizationExpired):
        desk.vault.renew(desk.vault.current(), desk.open_authorizer().refresh)
    calls = online.calls
    for command, code in (("check", 1), ("status", 0)):
        assert "puntual connect acme" in acme.puntual(command, "acme", code=code)
    assert "No longer connected to online as Talleres Soler since" in acme.output
    assert online.calls == calls
    assert "The books are those of" in acme.puntual("connect", "acme")


def test_a_permission_that_the_ledger_knows_no_more_is_forgotten(acme, online):
    acme.puntual("connect", "acme")
    online.known = set()
    acme.puntual("disconnect", "acme")
    assert "Not connected" in acme.puntual("status", "acme")


def test_a_ledger_that_cannot_be_reached_keeps_the_connection_until_it_is_forgotten(acme, online, monkeypatch):
    acme.puntual("connect", "acme")
    policy = acme.folder / "companies" / "acme.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace(online.url, "http://127.0.0.1:9"), encoding="utf-8")
    assert "puntual disconnect acme --forget" in acme.puntual("disconnect", "acme", code=75)
    assert "Connected to online" in acme.puntual("status", "acme")
    assert "The ledger was not told" in acme.puntual("disconnect", "acme", "--forget")
    assert (online.revoked, "Not connected" in acme.puntual("status", "acme")) == ([], True)


def test_books_that_need_no_connection_say_so(desktop):
    for command in ("connect", "disconnect"):
        assert "need no connection in a browser" in desktop.puntual(command, "acme", code=1)
    assert "onnected" not in desktop.puntual("status", "acme")


# --- which books ------------------------------------------------------------------------------------------------------------------


def test_of_several_books_a_person_says_which(acme, online):
    online.books = "realm-1,realm-2"
    assert "Several books were allowed: realm-1; realm-2. Say which: puntual connect acme --tenant ID" in acme.puntual(
        "connect", "acme", code=1
    )
    assert "None of the books that were allowed is realm-3" in acme.puntual("connect", "acme", "--tenant", "realm-3", code=1)
    assert "(realm-2)" in acme.puntual("connect", "acme", "--tenant", "realm-2")


def test_another_set_of_books_takes_the_place_only_when_it_is_named(acme, online):
    acme.puntual("connect", "acme")
    online.books = "realm-2"
    said = acme.puntual("connect", "acme", code=1)
    assert "acme has been connected to the books Talleres Soler (realm-1), and these are others: realm-2." in said
    assert "Connected to online as Talleres Soler" in acme.puntual("status", "acme")
    acme.puntual("connect", "acme", "--tenant", "realm-2")


def found(*ids, name=""):
    return [Authorization(Secret("a"), Secret("r"), AT, one, name) for one in ids]


def test_which_books_are_meant():
    before = Access("acme", "online", AccessState.RECONNECT, "", "2", "", AT)
    assert chosen_of(found("1", "2"), "", before, "acme").tenant_id == "2"
    assert chosen_of(found("1", "2"), "1", before, "acme").tenant_id == "1"
    assert chosen_of(found("1", name="Soler"), "Soler", None, "acme").tenant_id == "1"
    assert chosen_of(found("Soler") + found("1", name="Soler"), "Soler", None, "acme").tenant_id == "Soler"
    for several, tenant, was in ((found("1", "3"), "", before), (found("1", "2", name="Soler"), "Soler", None), ([], "", None)):
        with pytest.raises(CompanyMustAct, match="puntual connect acme"):
            chosen_of(several, tenant, was, "acme")


# --- the listener -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("http://localhost:8765/callback", ("127.0.0.1", 8765)),
        ("http://127.0.0.1:9/", ("127.0.0.1", 9)),
        ("http://[::1]:9/", ("::1", 9)),
        ("http://localhost", ("127.0.0.1", 80)),
        ("https://localhost:8765/callback", None),
        ("http://acme.example:8765/callback", None),
        ("http://192.168.1.2:8765/", None),
        ("http://0.0.0.0:8765/", None),
        ("http://localhost.acme.example/", None),
        ("http://localhost:99999/", None),
        ("nonsense", None),
    ],
)
def test_only_this_machine_itself_is_waited_at(uri, place):
    assert redirect.listening_place(uri) == place


def test_what_was_typed_has_to_hold_an_answer():
    assert redirect.answer_typed(' "http://localhost/cb?code=c&state=s#x" ') == {"code": "c", "state": "s"}
    for nothing in ("", "http://localhost/cb", "http://localhost/cb?state=s", "http://[", "code"):
        with pytest.raises(CompanyMustAct, match="no answer"):
            redirect.answer_typed(nothing)
