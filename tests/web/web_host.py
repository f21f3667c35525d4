"""A host with its web endpoints: its folder, its database, and whoever asks it something. All that is logged is kept and searched."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from history.sample_books import POLICY
from puntual.core.access import Authorization
from puntual.core.history import authorizations
from puntual.core.history.database import open_database, reading, writing
from puntual.core.history.hosting import states_of
from puntual.core.history.hosting_tables import webhook_events
from puntual.core.history.sealing import new_key
from puntual.core.hosting.logs import LOGGER, JsonLines
from puntual.core.hosting.start import Place
from puntual.core.secret import Secret
from puntual.core.web.app import public_app
from puntual.core.web.server import WebServer
from puntual.core.web.site import Site
from puntual.core.worker.clock import FixedClock
from puntual.core.worker.host_file import read_host
from sqlalchemy import select

ADDRESS = "https://puntual.example.com"
NOW = datetime(2026, 5, 13, 10, tzinfo=UTC)
TOKENS = {"quickbooks": "intuit-verifier-token", "xero": "xero-webhook-key"}
STRIPE_SECRET = "whsec_of_acme"
KEY = new_key().reveal()
HOST_FILE = """
web: {{address: "{address}", proxies: ["127.0.0.1"]}}
keys: ${{PUNTUAL_TEST_KEYS}}
webhooks: {{quickbooks: "${{INTUIT_TOKEN}}", xero: "${{XERO_KEY}}"}}
"""
PAY_PAGE = "payment_links: [{provider: stripe, secret_key: '${STRIPE_KEY}', webhook_secret: '${STRIPE_WEBHOOK}'}]"
ENVIRONMENT = {
    "PUNTUAL_TEST_KEYS": KEY,
    "INTUIT_TOKEN": TOKENS["quickbooks"],
    "XERO_KEY": TOKENS["xero"],
    "STRIPE_KEY": "rk_test_1",
    "STRIPE_WEBHOOK": STRIPE_SECRET,
}


class Told(logging.Handler):
    """Every line of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [said for line in self.lines if (said := json.loads(line))["event"] == name]


class WebHost:
    """A host in a folder, with the company acme. `ask` sends one request to its public application."""

    def __init__(self, folder: Path, database: str = "", address: str = ADDRESS) -> None:
        self.folder = folder
        self.address = address
        self.clock = FixedClock(NOW)
        (folder / "companies").mkdir(exist_ok=True)
        (folder / "puntual.yaml").write_text(HOST_FILE.format(address=address), encoding="utf-8")
        self.policy()
        self.engine = open_database(database or f"sqlite:///{folder / 'puntual.db'}")
        self.place = Place(folder, read_host(folder), self.engine, self.clock)
        self.site = Site.of(self.place)
        self.pauses: list[timedelta] = []
        self.site.pause = self._pause
        self.app = public_app(self.site)
        self.told = Told()

    async def _pause(self, length: timedelta) -> None:
        self.pauses.append(length)

    def policy(self, *changes: tuple[str, str], company: str = "acme", more: str = PAY_PAGE) -> None:
        text = POLICY
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "companies" / f"{company}.yaml").write_text(f"{text}{more}\n", encoding="utf-8")

    def ask(self, method: str, path: str, body: Any = None, **headers: str | bytes) -> httpx.Response:
        """The answer. A header's name is written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self._asked(method, path, body, named))

    async def _asked(self, method: str, path: str, body: Any, headers: Mapping[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=self.address) as client:
            return await client.request(method, path, content=body, headers=headers)

    def tell(self, ledger: str, body: bytes, token: str = "", **headers: str) -> httpx.Response:
        """A delivery of that ledger, signed as it signs."""
        return self.ask("POST", f"/webhooks/{ledger}", body, **{SIGNED_IN[ledger]: signed(body, token or TOKENS[ledger])}, **headers)

    def connected(self, company: str, ledger: str, tenant: str) -> None:
        """The company has been connected to these books."""
        held = Authorization(Secret("a"), Secret("r"), NOW, tenant)
        with writing(self.engine) as conn:
            authorizations.put(conn, company, ledger, held, "sealed", NOW)

    def wishes(self) -> dict[str, datetime | None]:
        """Whose books are to be read soon, and since when that is known."""
        with reading(self.engine) as conn:
            found = states_of(conn, ["acme", "other", "third"])
        return {company: row.wished_at for company, row in found.items()}

    def events(self) -> int:
        """How many events are remembered."""
        with reading(self.engine) as conn:
            return len(conn.execute(select(webhook_events)).all())

    @contextmanager
    def served(self, port: int = 0) -> Iterator[WebServer]:
        """The same over loopback, by uvicorn."""
        server = WebServer(self.place, f"127.0.0.1:{port}")
        server.start()
        try:
            yield server
        finally:
            assert server.stop()

    def close(self) -> None:
        self.site.let_go()
        self.engine.dispose()


@contextmanager
def logged(host: WebHost) -> Iterator[None]:
    """What is logged meanwhile is kept; nothing secret stands in it, and no traceback."""
    level = LOGGER.level
    LOGGER.addHandler(host.told)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(host.told)
        LOGGER.setLevel(level)
    said = "\n".join(host.told.lines)
    assert [secret for secret in ENVIRONMENT.values() if secret in said] == []


SIGNED_IN = {"quickbooks": "intuit_signature", "xero": "x_xero_signature"}


def signed(body: bytes, token: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


def stripe_signed(body: bytes, secret: str = STRIPE_SECRET, at: datetime = NOW) -> str:
    stamp = int(at.timestamp())
    return f"t={stamp},v1={hmac.new(secret.encode(), b'%d.%s' % (stamp, body), hashlib.sha256).hexdigest()}"


def intuit(*tenants: str, key: str = "e1") -> bytes:
    """A delivery of Intuit, an event for each tenant."""
    event = {"specversion": "1.0", "type": "qbo.invoice.updated.v1", "time": "2026-05-13T09:59:59Z", "intuitentityid": "12"}
    return json.dumps([{**event, "id": f"{key}-{tenant}", "intuitaccountid": tenant} for tenant in tenants]).encode()


def xero(*tenants: str, at: str = "2026-05-13T09:59:59.000") -> bytes:
    """A message of Xero, an event for each tenant; without any it only tries the address."""
    event = {"eventDateUtc": at, "eventType": "UPDATE", "eventCategory": "INVOICE", "tenantType": "ORGANISATION"}
    events = [{**event, "resourceId": f"invoice of {tenant}", "tenantId": tenant} for tenant in tenants]
    return json.dumps({"events": events, "firstEventSequence": 0, "lastEventSequence": 0, "entropy": "XYZ"}).encode()


TELLING = {"quickbooks": intuit, "xero": xero}


@contextlib.contextmanager
def locked(host: WebHost) -> Iterator[None]:
    """Somebody else writes to the database, and does not come to an end."""
    with writing(host.engine):
        yield
