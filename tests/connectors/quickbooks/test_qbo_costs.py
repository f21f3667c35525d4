"""The table of calls in README.md, measured with pages of the usual size: requests, and reads as Intuit counts them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from puntual.connectors import quickbooks
from puntual.connectors.quickbooks.connector import QuickBooksConnector
from puntual.core.bookings import ChargeMade, CreditMade, CreditWanted, LateCharge, Note, PaymentReceived, PaymentRecorded
from puntual.core.money import Money
from qbo_harness import QboHarness
from suite.sample import listen

DUE = date(2026, 2, 10)
README = Path(str(quickbooks.__file__)).with_name("README.md")

Use = Callable[[QuickBooksConnector], Any]


@pytest.fixture
def harness() -> Iterator[QboHarness]:
    made = QboHarness()
    yield made
    made.close()


def _stated() -> dict[str, tuple[int, int]]:
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    return {what: (int(requests), int(reads)) for what, requests, reads in rows}


def _invoices(harness: QboHarness, count: int, customer: str = "") -> list[str]:
    owing = customer or harness.books.add_customer("Talleres Sur", email="sur@example.com")
    return [harness.books.add_invoice(owing, Decimal(10), issued_on=DUE, due_on=DUE) for _each in range(count)]


def _notes(invoices: list[str]) -> list[Note]:
    return [Note(f"puntual:{key}", key, "1", f"[puntual:{key}]", DUE) for key in invoices]


def _charges(harness: QboHarness, invoices: list[str]) -> list[LateCharge]:
    amount, today = Money.of("7.25", "EUR"), harness.today
    return [LateCharge(f"puntual:c{key}", key, f"N{key}", "1", amount, "Interés", today, today, True) for key in invoices]


def _cost(harness: QboHarness, use: Use) -> tuple[int, int]:
    connector = harness.new(page_size=1000)
    requests, reads = harness.calls(), harness.server.api.metered
    use(connector)
    return harness.calls() - requests, harness.server.api.metered - reads


def _without_credits(connector: QuickBooksConnector, ids: list[str]) -> None:
    connector._unused = lambda *_given: ()  # type: ignore[method-assign, assignment]
    assert len(connector.recheck(ids).invoices) == 100


def _made(connector: QuickBooksConnector, charges: list[LateCharge]) -> None:
    assert {type(made) for made in connector.put_charges(charges).values()} == {ChargeMade}


def _credited(connector: QuickBooksConnector, wanted: list[CreditWanted]) -> None:
    assert {type(made) for made in connector.put_credits(wanted).values()} == {CreditMade}


def _credits(harness: QboHarness, invoices: list[str]) -> list[CreditWanted]:
    amount, today = Money.of("2.50", "EUR"), harness.today
    return [CreditWanted(f"puntual:d{key}", key, f"N{key}", "1", amount, "Descuento", today) for key in invoices]


def _of_charges(harness: QboHarness, invoices: list[str]) -> list[CreditWanted]:
    """Credits over all of late charges that stand in the books as documents of their own."""
    charges = [replace(charge, on_invoice=False) for charge in _charges(harness, invoices)]
    made = harness.new().put_charges(charges)
    return [
        CreditWanted(f"puntual:v{one.document_id}", one.document_id, one.number, "1", one.amount, "Anulado", harness.today)
        for one in made.values()
        if isinstance(one, ChargeMade)
    ]


def _recorded(connector: QuickBooksConnector, payments: list[PaymentReceived]) -> None:
    assert {type(made) for made in connector.put_payments(payments).values()} == {PaymentRecorded}


def _payments(harness: QboHarness, invoices: list[str]) -> list[PaymentReceived]:
    amount, today = Money.of("2.50", "EUR"), harness.today
    return [PaymentReceived(f"puntual:p{key}", key, f"N{key}", "1", amount, today, f"pi_{key}") for key in invoices]


def test_the_table_says_what_is_measured(harness: QboHarness) -> None:
    ids = _invoices(harness, 100)
    measured: dict[str, tuple[int, int]] = {}

    def measure(what: str, use: Use) -> None:
        measured[what] = _cost(harness, use)

    measure("check", lambda connector: connector.check())
    measure("complete pass", lambda connector: list(connector.changes(None)))
    cursor = listen(harness).cursor
    measure("incremental sync, nothing new", lambda connector: list(connector.changes(cursor)))
    harness.pay(ids[0], Money.of(5, "EUR"), DUE)
    measure("incremental sync, with changes", lambda connector: list(connector.changes(cursor)))
    measure("recheck of 100 invoices, without their customers' credits", lambda connector: _without_credits(connector, ids))
    measure("recheck of 100 invoices", lambda connector: connector.recheck(ids))
    measure("pay pages of 100 invoices", lambda connector: connector.payment_pages(ids))
    measure("one note", lambda connector: connector.put_notes(_notes(ids[:1])))
    others = _notes(_invoices(harness, 100, "1"))
    measure("100 notes", lambda connector: connector.put_notes(others))
    measure("100 notes that are there already", lambda connector: connector.put_notes(others))
    measure("one late charge", lambda connector: _made(connector, _charges(harness, ids[1:2])))
    measure("10 late charges", lambda connector: _made(connector, _charges(harness, ids[2:12])))
    measure("10 late charges that are there already", lambda connector: _made(connector, _charges(harness, ids[2:12])))
    measure("one credit", lambda connector: _credited(connector, _credits(harness, ids[20:21])))
    measure("10 credits", lambda connector: _credited(connector, _credits(harness, ids[21:31])))
    measure("10 credits that are there already", lambda connector: _credited(connector, _credits(harness, ids[21:31])))
    voids = _of_charges(harness, ids[31:41])
    measure("10 credits of untouched late charges", lambda connector: _credited(connector, voids))
    measure("the same, that are there already", lambda connector: _credited(connector, voids))
    paid = _payments(harness, ids[41:52])
    measure("one payment recorded", lambda connector: _recorded(connector, paid[:1]))
    measure("10 payments recorded", lambda connector: _recorded(connector, paid[1:]))
    measure("10 payments that are there already", lambda connector: _recorded(connector, paid[1:]))
    measure("invoice PDF", lambda connector: connector.invoice_pdf(ids[0]))
    measured |= _with_jobs(harness) | _with_terms(harness) | _with_many()
    assert measured == _stated()


def _with_jobs(harness: QboHarness) -> dict[str, tuple[int, int]]:
    job = harness.books.add_customer("55 Twin Lane", parent="1", bill_with_parent=True)
    cursor = listen(harness).cursor
    harness.at = harness.at.replace(hour=23)
    harness.books.add_invoice(job, Decimal(10), issued_on=DUE)
    return {"the same, with jobs among them that did not change": _cost(harness, lambda connector: list(connector.changes(cursor)))}


def _with_terms(harness: QboHarness) -> dict[str, tuple[int, int]]:
    """Of two invoices that name terms; nothing is asked for one that is paid."""
    terms = {"SalesTermRef": {"value": harness.books.add_term("2/10 net 30", DueDays=30, DiscountDays=10, DiscountPercent=2)}}
    cursor = listen(harness).cursor
    harness.at = harness.at.replace(hour=23)
    ids = [harness.books.add_invoice("1", Decimal(10), issued_on=DUE, **terms) for _each in range(2)]
    harness.pay(ids[0], Money.of(10, "EUR"), DUE)
    named = _cost(harness, lambda connector: list(connector.changes(cursor)))
    harness.pay(ids[1], Money.of(10, "EUR"), DUE)
    assert _cost(harness, lambda connector: list(connector.changes(cursor))) == (1, 1)
    return {"the same, with open invoices among them that name payment terms": named}


def _with_many() -> dict[str, tuple[int, int]]:
    harness = QboHarness()
    _invoices(harness, 2500)
    try:
        return {"complete pass over 2,500 open invoices": _cost(harness, lambda connector: list(connector.changes(None)))}
    finally:
        harness.close()


def test_a_year_of_payments_is_read_and_an_old_one_costs_a_question_more(harness: QboHarness) -> None:
    _invoices(harness, 3)
    payment = harness.books.add_payment("1", Decimal(5), on=DUE)
    assert _cost(harness, lambda connector: list(connector.changes(None))) == (5, 5)
    at = harness.now().replace(year=2020)
    harness.books.store.get("Payment", payment)["MetaData"] = {"CreateTime": at, "LastUpdatedTime": at}
    assert _cost(harness, lambda connector: list(connector.changes(None))) == (6, 6)
