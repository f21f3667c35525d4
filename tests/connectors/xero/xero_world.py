"""Books in the stand-in of Xero, spoken to over HTTP without the connector."""

import hashlib
from base64 import urlsafe_b64encode
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import requests
from puntual.connectors.xero.stub import LEAST, REDIRECT_URI, XeroBooks, XeroStub

DAY = date(2026, 2, 10)
DUE = date(2026, 3, 10)
VERIFIER = "v" * 60
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class World:
    """Books with one customer and one invoice of 100.00, the server over them, and a clock."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 18, 5, 0, tzinfo=UTC)
        self.books = XeroBooks(lambda: self.at)
        self.customer = self.books.add_contact("Talleres C1", "c1@example.com")
        self.invoice = self.books.add_invoice(self.customer, [("Work", Decimal(60)), ("Parts", Decimal(40))], on=DAY, due=DUE)
        self.server = XeroStub(self.books, retry_after=1234)
        self.token = self.server.grant().access_token

    def api(self, method: str, path: str, body: Any = None, headers: Any = None, **query: Any) -> requests.Response:
        said = {"Authorization": f"Bearer {self.token}", "xero-tenant-id": self.books.tenant_id, "Accept": "application/json"}
        said |= headers or {}
        return requests.request(
            method, f"{self.server.url}/api.xro/2.0/{path}", json=body, params=query, headers=said, timeout=5, allow_redirects=False
        )

    def get(self, path: str, **query: Any) -> Any:
        answer = self.api("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()[path.split("/")[0]]

    def one(self) -> Any:
        return self.get(f"Invoices/{self.invoice}")[0]

    def post(self, **changes: Any) -> requests.Response:
        return self.api("POST", f"Invoices/{self.invoice}", {"Invoices": [{"InvoiceID": self.invoice, **changes}]})

    def authorize(self, **changes: Any) -> requests.Response:
        asked = {"response_type": "code", "client_id": self.server.client_id, "redirect_uri": REDIRECT_URI, "scope": LEAST, "state": "s1"}
        asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        said = {name: value for name, value in {**asked, **changes}.items() if value is not None}
        return requests.get(f"{self.server.url}/identity/connect/authorize", params=said, timeout=5, allow_redirects=False)

    def token_for(self, **form: Any) -> requests.Response:
        app = (self.server.client_id, self.server.client_secret)
        return requests.post(f"{self.server.url}/connect/token", data=form, auth=app, timeout=5)

    def refreshed(self, token: str) -> requests.Response:
        return self.token_for(grant_type="refresh_token", refresh_token=token)

    def connections(self, **query: Any) -> Any:
        said = {"Authorization": f"Bearer {self.token}"}
        return requests.get(f"{self.server.url}/connections", params=query, headers=said, timeout=5).json()


def message(answer: requests.Response) -> str:
    """What the first refused element says."""
    assert answer.status_code == 400, answer.text
    return str(answer.json()["Elements"][0]["ValidationErrors"][0]["Message"])
