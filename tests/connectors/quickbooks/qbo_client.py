"""An app at work on the stand-in of QuickBooks Online: plain HTTP, and nothing of the connector."""

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import requests
from puntual.connectors.quickbooks.stub import QboBooks, QboStub

ISSUED = date(2026, 1, 10)
MARKET = {"country": "IE", "home_currency": "EUR", "multicurrency": True, "time_zone": "Europe/Dublin"}
"""A company outside the US, with several currencies."""


class Client:
    """An app at work: plain HTTP, a clock that can be set, and one customer in the books."""

    def __init__(self, **company: Any) -> None:
        self.at = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
        self.books = QboBooks(now=lambda: self.at, **company)
        self.server = QboStub(self.books)
        self.token = self.server.grant().access_token
        self.customer = self.books.add_customer("Acme", email="ap@acme.example")

    def close(self) -> None:
        self.server.close()
        assert self.server.mistakes == []

    def call(self, method: str, path: str, *, accept: str = "application/json", realm: str = "", **given: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept, **given.pop("headers", {})}
        query = {"minorversion": "75", **given.pop("params", {})}
        url = f"{self.server.url}/v3/company/{realm or self.books.realm_id}/{path}"
        return requests.request(method, url, params=query, headers=headers, timeout=10, **given)

    def get(self, path: str, **params: str) -> Any:
        return self.call("GET", path, params=params).json()

    def post(self, path: str, body: Any, **params: str) -> Any:
        return self.call("POST", path, params=params, json=body).json()

    def query(self, text: str, **params: str) -> Any:
        return self.get("query", query=text, **params)

    def found(self, text: str, **params: str) -> list[dict[str, Any]]:
        answer = self.query(text, **params)["QueryResponse"]
        return next((rows for rows in answer.values() if isinstance(rows, list)), [])

    def changes(self, since: datetime, entities: str = "Invoice,Payment,CreditMemo,Customer") -> list[dict[str, Any]]:
        return self.get("cdc", entities=entities, changedSince=since.isoformat())["CDCResponse"][0]["QueryResponse"]

    def invoice(self, amount: str = "100.00", **values: Any) -> str:
        return self.books.add_invoice(self.customer, Decimal(amount), issued_on=ISSUED, **values)

    def read(self, key: str) -> dict[str, Any]:
        return self.get(f"invoice/{key}")["Invoice"]

    def form(self, form: dict[str, str], **headers: str) -> Any:
        pair = f"{self.server.client_id}:{self.server.client_secret}"
        basic = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode(), **headers}
        return requests.post(f"{self.server.url}/oauth2/v1/tokens/bearer", data=form, headers=basic, timeout=10).json()

    def renewed(self, token: str) -> Any:
        return self.form({"grant_type": "refresh_token", "refresh_token": token})


def code_of(answer: Any) -> str:
    """The code of a refusal, whatever its shape; empty when there is none."""
    fault = answer.get("Fault") or answer.get("fault") or {}
    errors = fault.get("Error") or fault.get("error") or [{"code": ""}]
    return str(errors[0]["code"])


def a_line(amount: Any = 25.0, item: str = "1", tax: str = "NON", **more: Any) -> dict[str, Any]:
    detail = {"ItemRef": {"value": item}, "TaxCodeRef": {"value": tax}} if item else {"TaxCodeRef": {"value": tax}}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": detail, **more}
