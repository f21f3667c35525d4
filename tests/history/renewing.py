"""A token endpoint that punishes what real ones punish, and a process that renews there: `renewing.py DATABASE ENDPOINT HOW`."""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from puntual.connectors.stub_server import StubServer
from puntual.core.access import Authorization
from puntual.core.errors import AuthorizationExpired
from puntual.core.history.database import open_database
from puntual.core.history.sealing import keyring_of
from puntual.core.history.vault import Vault
from puntual.core.secret import Secret
from puntual.core.worker.lease import is_alive, owner
from sqlalchemy import Engine
from werkzeug.wrappers import Request, Response

KEY, OLD_KEY = "6FgBjC0XnLkdX5n_oY2YyzIpRk6s1bS8Q2p8t1cVwkI=", "Rkz7Vd2z1yq8oYxZ3G8cW6m5b1nT0pL4uS9aE7iKjHg="
LEDGER, COMPANY = "books-online", "acme"
AT = datetime(2026, 5, 13, 10, tzinfo=UTC)
SECRET_WORDS = ("access-", "refresh-", KEY, OLD_KEY)


def authorization(number: int = 0, **changes: Any) -> Authorization:
    """What a consent gave, after so many refreshes."""
    made = Authorization(
        access_token=Secret(f"access-{number}"),
        refresh_token=Secret(f"refresh-{number}"),
        expires_at=AT + timedelta(hours=1),
        tenant_id="realm-1",
        tenant_name="Talleres Soler",
        connection_id="c-1",
        refresh_expires_at=AT + timedelta(days=100),
        ends_at=AT + timedelta(days=1800),
        scopes=("accounting", "offline"),
    )
    return replace(made, **changes)


def vault_of(engine: Engine, company: str = COMPANY, ledger: str = LEDGER, keys: str = KEY, **more: Any) -> Vault:
    """A vault of this process, whose clock stands."""
    given = {"now": lambda: AT, "process": owner(), "is_alive": is_alive, "pause": no_pause} | more
    return Vault(engine, company, ledger, lambda: keyring_of(keys), **given)


def no_pause(length: timedelta) -> None:
    raise AssertionError("nobody has to be waited for here")


class Endpoint(StubServer):
    """Gives new tokens for the newest refresh token only; an older one is taken for theft and ends the whole consent (Intuit does so).

    While `held` is set, a refresh waits for `go`.
    """

    def __init__(self) -> None:
        super().__init__(lambda: AT)
        self.number = 0
        self.is_revoked = False
        self.held = False
        self.asked, self.go = Event(), Event()
        self._lock = Lock()

    def respond(self, request: Request) -> Response:
        self.asked.set()
        if self.held:
            self.go.wait(30)
        with self._lock:
            if self.is_revoked or request.form["refresh_token"] != f"refresh-{self.number}":
                self.is_revoked = True
                return Response(json.dumps({"error": "invalid_grant"}), 400, mimetype="application/json")
            self.number += 1
            return Response(json.dumps({"number": self.number}), mimetype="application/json")


def refresher(endpoint: str) -> Callable[[Authorization], Authorization]:
    """A refresh over HTTP."""

    def refresh(stored: Authorization) -> Authorization:
        try:
            with urlopen(endpoint, urlencode({"refresh_token": stored.refresh_token.reveal()}).encode()) as answer:
                number = json.load(answer)["number"]
        except HTTPError as refused:
            refused.close()
            problem = AuthorizationExpired("The ledger does not accept the connection any more.")
        else:
            return authorization(number, tenant_name=stored.tenant_name)
        raise problem

    return refresh


def _tell(word: str) -> None:
    print(word, flush=True)


def main(url: str, endpoint: str, how: str) -> None:
    """Renew what is stored, and die on the way when `how` says so."""

    def waiting(length: timedelta) -> None:
        _tell("waiting")
        time.sleep(length.total_seconds())

    def die(_: Authorization) -> Authorization:
        os._exit(9)

    vault = vault_of(open_database(url), now=lambda: datetime.now(UTC), pause=waiting)
    stale = vault.current()
    _tell("ready")
    sys.stdin.readline()
    renewed = vault.renew(stale, die if how == "die-asking" else refresher(endpoint))
    if how == "die-stored":
        os._exit(9)
    _tell(renewed.access_token.reveal())


if __name__ == "__main__":
    main(*sys.argv[1:])
