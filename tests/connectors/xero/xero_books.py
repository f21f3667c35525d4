"""Documents in the books of the harness, and what a connector sends."""

from datetime import date
from decimal import Decimal
from typing import Any

from xero.xero_harness import XeroHarness

DUE, ISSUED = date(2026, 3, 2), date(2026, 2, 2)


def customer(harness: XeroHarness, name: str = "Talleres Sur S.L.", **values: Any) -> str:
    return harness.books.add_contact(name, "sur@example.com", **values)


def owing(harness: XeroHarness, amount: str = "100.00", *, contact: str = "", **values: Any) -> str:
    """An open invoice, of a new customer unless one is named."""
    contact = contact or customer(harness, f"Cliente {len(harness.books.contacts)}")
    return harness.books.add_invoice(contact, Decimal(amount), on=ISSUED, due=DUE, **values)


def heard_by(connector: Any) -> list[dict[str, Any]]:
    """Every request that a connector sends from now on."""
    said: list[dict[str, Any]] = []
    request = connector.transport.request

    def listening(method: str, path: str, **more: Any) -> Any:
        said.append({"method": method, "path": path, **more})
        return request(method, path, **more)

    connector.transport.request = listening
    return said
