"""Several processes that need a new token at the same moment, with the real connectors at their stand-ins."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from puntual.core.access import Authorization
from puntual.core.history.sealing import new_key
from puntual.core.secret import Secret
from puntual.core.worker import wiring

CHILD = "import sys; sys.argv = ['puntual', *sys.argv[1:]]; from puntual.core.cli import main; print('ready', flush=True); input(); main()"
TOKEN_PATHS = ("/oauth2/v1/tokens/bearer", "/connect/token")


@pytest.fixture(params=["quickbooks", "xero"])
def ledger(request):
    entry = next(entry for entry in wiring.manifest()["connectors"] if entry["id"] == request.param)
    made = wiring.imported(entry["demo"])(wiring.SystemClock().now)
    yield request.param, made._server
    made.close()


@pytest.fixture
def refreshes(ledger, monkeypatch):
    """The refresh tokens that the token endpoint was asked with."""
    _id, server = ledger
    asked, respond = [], server.respond

    def counted(request):
        if request.path in TOKEN_PATHS:
            asked.append(request.form["refresh_token"])
        return respond(request)

    monkeypatch.setattr(server, "respond", counted)
    return asked


@pytest.fixture
def acme(desktop, ledger, monkeypatch):
    """A company whose access token ended an hour ago."""
    name, server = ledger
    app = getattr(server, "oauth", server)
    monkeypatch.setenv("PUNTUAL_KEYS", new_key().reveal())
    monkeypatch.setenv("APP_SECRET", app.client_secret)
    settings = {"type": name, "service_url": server.url, "client_id": app.client_id, "client_secret": "${APP_SECRET}"}
    desktop.policy(("{type: files, folder: books}", json.dumps(settings)))
    if name == "quickbooks":
        server.oauth.rotates_after = timedelta(0)
    given = server.grant()
    tenant = getattr(given, "realm_id", "") or given.tenant_id
    ended = wiring.SystemClock().now() - timedelta(hours=1)
    desk = wiring.desk_of(desktop.folder, "acme", wiring.SystemClock())
    desk.vault.store(Authorization(Secret(given.access_token), Secret(given.refresh_token), ended, tenant), "test")
    return desktop


def _process(folder, *words):
    command = [sys.executable, "-c", CHILD, *words, "--dir", str(folder)]
    made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
    assert made.stdout.readline() == "ready\n"
    return made


def test_several_at_once_refresh_once_and_all_go_on(acme, refreshes):
    children = [_process(acme.folder, "check", "acme") for _ in range(4)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    ended = [(child.communicate()[0], child.returncode) for child in children]
    assert [code for _said, code in ended] == [0] * 4, ended
    assert len(refreshes) == 1
    assert not any(word in said for said, _code in ended for word in refreshes)


def test_a_process_that_dies_between_the_refresh_and_its_first_use_leaves_the_company_connected(acme, refreshes):
    vault = wiring.desk_of(acme.folder, "acme", wiring.SystemClock()).vault
    killed = (
        "import os, sys; from pathlib import Path; from puntual.core.worker import wiring; from puntual.connectors.oauth import Tokens;"
        "renewed = Tokens.renewed;"
        "Tokens.renewed = lambda self, stale: (renewed(self, stale), os._exit(9));"
        "wiring.desk_of(Path(sys.argv[1]), 'acme', wiring.SystemClock()).open_ledger().check()"
    )
    before = vault.current()
    died = subprocess.run([sys.executable, "-c", killed, str(acme.folder)], capture_output=True, text=True, check=False)
    assert died.returncode == 9, died.stderr
    assert vault.current().access_token != before.access_token
    acme.puntual("check", "acme")
    assert len(refreshes) == 1
