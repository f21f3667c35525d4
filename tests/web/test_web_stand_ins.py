"""The whole way at the real connectors' stand-ins, over real HTTP: a link, a browser with cookies and redirects, books, a webhook."""

import json
import re
import socket
from datetime import timedelta
from urllib.parse import urljoin

import pytest
import requests
from history.databases import migrated_database
from puntual.core.worker import wiring
from puntual.core.worker.inviting import invite
from puntual.core.worker.sync import sync
from web.web_host import SIGNED_IN, TELLING, TOKENS, WebHost, logged, signed


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(params=["quickbooks", "xero"])
def stand_in(request):
    entry = next(entry for entry in wiring.manifest()["connectors"] if entry["id"] == request.param)
    made = wiring.imported(entry["demo"])(wiring.SystemClock().now)
    yield request.param, made
    made.close()


@pytest.fixture
def hosted(stand_in, port, tmp_path, monkeypatch):
    """A host at http://localhost whose company acme has its books at the stand-in; the redirect is registered with the app there."""
    ledger, made = stand_in
    monkeypatch.setenv("APP_SECRET", made.secrets()["client_secret"])
    address = f"http://localhost:{port}"
    registered = next(part for part in vars(made._server).values() if hasattr(part, "redirect_uris"))
    registered.redirect_uris.add(f"{address}/connect/return")
    with migrated_database("sqlite", tmp_path) as url:
        host = WebHost(tmp_path, url, address)
        host.clock.at = wiring.SystemClock().now()
        settings = {"type": ledger, "client_secret": "${APP_SECRET}", "redirect_uri": f"{address}/connect/return", **made.settings()}
        host.policy(("{type: files, folder: books}", json.dumps(settings)))
        with logged(host), host.served(port):
            yield host
        host.close()


class Browser:
    """Keeps this host's cookies as a browser does, which takes a loopback address for a secure one, and follows where it is led."""

    def __init__(self, home):
        self.home = home
        self.cookies = {}
        self.way = []

    def get(self, address):
        return self._go("GET", address, {})

    def press(self, page):
        """The one button on a page."""
        assert page.text.count("<button") == 1
        action = re.search(r'<form method="post"(?: action="([^"]*)")?>', page.text)[1]
        return self._go("POST", urljoin(page.url, action or page.url), {"Sec-Fetch-Site": "same-origin"})

    def _go(self, method, address, headers):
        said = {"Accept-Language": "es-ES,es;q=0.9", **headers}
        if address.startswith(self.home):
            said["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = requests.request(method, address, headers=said, allow_redirects=False, timeout=60)
        self.way.append(answer)
        if "set-cookie" in answer.headers:
            name, value = re.match(r"(__Host-[\w-]+)=([^;]*); ", answer.headers["set-cookie"]).groups()
            self.cookies = {name: value} if value.strip('"') else {}
        return self._go("GET", urljoin(address, answer.headers["location"]), {}) if answer.is_redirect else answer


def test_a_company_is_connected_read_and_told_of(hosted, stand_in):
    ledger, made = stand_in
    link, _ = invite(hosted.site.desk("acme", look=True), hosted.address, timedelta(hours=24), "lucia")
    browser = Browser(hosted.address)
    first = browser.get(link)
    assert "Conectar la contabilidad de Acme, S.L." in first.text
    assert list(browser.cookies) == ["__Host-puntual-connect"]

    last = browser.press(first)
    _, asked, allowed, _ = browser.way
    assert (asked.status_code, allowed.status_code, last.status_code) == (303, 302, 200)
    assert asked.headers["location"].startswith(made.url)
    assert asked.headers["referrer-policy"] == "no-referrer"
    assert "Gracias, la contabilidad está conectada" in last.text
    assert "<strong>Suministros Soler, S.L.</strong>" in last.text
    assert len(browser.cookies) == 0

    desk = hosted.site.desk("acme")
    kept, tenant = desk.vault.current(), desk.vault.access().tenant_id
    said = "".join(hosted.told.lines) + first.text + last.text
    for secret in (kept.access_token.reveal(), kept.refresh_token.reveal(), made.secrets()["client_secret"]):
        assert secret not in said
        assert not [path for path in hosted.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    connector = desk.open_ledger()
    sync(desk, connector, desk.today())
    connector.close()

    again = Browser(hosted.address).get(link)
    assert (again.status_code, "Este enlace no funciona" in again.text) == (404, True)
    repeated = browser.get(last.url)
    assert (repeated.status_code, "Nadie espera esta respuesta" in repeated.text) == (400, True)

    hosted.clock.at += timedelta(minutes=5)
    body = TELLING[ledger](tenant)
    headers = {SIGNED_IN[ledger].replace("_", "-"): signed(body, TOKENS[ledger])}
    assert requests.post(f"{hosted.address}/webhooks/{ledger}", data=body, headers=headers, timeout=60).status_code == 200
    assert hosted.events() == 1


def test_a_person_who_says_no_at_the_ledger_is_thanked_for_nothing(hosted, stand_in):
    ledger, made = stand_in
    registered = next(part for part in vars(made._server).values() if hasattr(part, "redirect_uris"))
    if ledger == "quickbooks":
        registered.person_refuses = True
    else:
        registered.consents = False
    link, _ = invite(hosted.site.desk("acme", look=True), hosted.address, timedelta(hours=24), "lucia")
    browser = Browser(hosted.address)
    last = browser.press(browser.get(link))
    assert (last.status_code, "No se ha conectado nada" in last.text) == (200, True)
    assert hosted.site.desk("acme").vault.access() is None
