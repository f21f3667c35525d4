"""Payment terms that grant something for paying early: what they grant, until when, and how seldom they are asked for."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from puntual.connectors.quickbooks import mapping
from puntual.core.bookings import LateCharge
from puntual.core.money import Money
from puntual.core.port import Recheck
from puntual.core.receivables import EarlyDiscount
from qbo_harness import QboHarness
from suite.sample import eur, listen

TODAY = QboHarness.today
TERM = {"Id": "3", "Name": "2/10 net 30", "Type": "STANDARD", "DueDays": 30, "DiscountDays": 10, "DiscountPercent": 2, "Active": True}
"""As Intuit's reference shows a term: whole numbers come without a point."""
BY_DAY = {"Type": "DATE_DRIVEN", "DayOfMonthDue": 30, "DueNextMonthDays": 5, "DiscountDayOfMonth": 10, "DiscountPercent": Decimal("2.5")}


@pytest.fixture
def harness() -> Iterator[QboHarness]:
    made = QboHarness()
    yield made
    made.close()


def _granted(term: dict[str, Any], issued_on: str = "2026-03-05", total: str = "121.00") -> EarlyDiscount | None:
    return mapping.early_discount(term, date.fromisoformat(issued_on), Money.of(total, "EUR"))


def test_so_many_per_cent_of_the_whole_for_so_many_days() -> None:
    assert _granted(TERM) == EarlyDiscount(date(2026, 3, 15), eur("2.42"))
    assert _granted(TERM, "2026-02-25") == EarlyDiscount(date(2026, 3, 7), eur("2.42"))
    # 2.5 % of 121.80 are 3.045, rounded half up.
    assert _granted({**TERM, "DiscountPercent": Decimal("2.5")}, total="121.80") == EarlyDiscount(date(2026, 3, 15), eur("3.05"))
    yen = mapping.early_discount(TERM, date(2026, 3, 5), Money.of("1275", "JPY"))
    assert yen == EarlyDiscount(date(2026, 3, 15), Money.of("26", "JPY"))


@pytest.mark.parametrize(
    "change",
    [{"DiscountPercent": 0}, {"DiscountPercent": None}, {"DiscountDays": 0}, {"DiscountDays": None}, {"DiscountPercent": Decimal("0.001")}],
)
def test_terms_that_grant_nothing(change: dict[str, Any]) -> None:
    assert _granted({**TERM, **change}) is None
    assert _granted({}) is None


@pytest.mark.parametrize(
    ("issued_on", "change", "last_on"),
    [
        ("2026-03-05", {}, "2026-03-10"),
        ("2026-03-10", {}, "2026-03-10"),
        ("2026-03-11", {}, None),  # due on the 30th; the 10th was yesterday
        ("2026-03-24", {}, None),
        ("2026-03-25", {}, "2026-04-10"),  # five days before: due in April
        ("2026-03-31", {}, "2026-04-10"),
        ("2026-01-28", {}, "2026-02-10"),
        ("2026-01-28", {"DiscountDayOfMonth": 31}, "2026-02-28"),  # the last day of a short month, on which it is due, too
        ("2026-03-05", {"DueNextMonthDays": 0}, "2026-03-10"),
        ("2026-03-30", {"DueNextMonthDays": 0}, None),  # due today
        ("2026-03-20", {"DayOfMonthDue": 5, "DiscountDayOfMonth": 25}, "2026-03-25"),  # before the 5th of April
        ("2026-12-28", {}, "2027-01-10"),
        ("2026-03-05", {"DiscountDayOfMonth": None}, None),
        ("2026-03-05", {"DayOfMonthDue": None}, None),
        ("2026-03-10", {"DueNextMonthDays": 400}, None),
    ],
)
def test_until_a_day_of_the_month(issued_on: str, change: dict[str, Any], last_on: str | None) -> None:
    expected = EarlyDiscount(date.fromisoformat(last_on), eur("3.03")) if last_on else None
    assert _granted({**BY_DAY, **change}, issued_on) == expected


def _invoice(harness: QboHarness, term: str, customer: str = "1", **values: Any) -> str:
    return harness.books.add_invoice(
        customer, Decimal("100.00"), issued_on=date(2026, 3, 10), SalesTermRef={"value": term, "name": "2/10"}, **values
    )


def _asked_for_terms(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    real, asked = harness.server.api.query, list[str]()

    def query(text: str, include: str = "") -> Any:
        asked.extend([text] if " Term " in text else [])
        return real(text, include)

    monkeypatch.setattr(harness.server.api, "query", query)
    return asked


def test_they_are_asked_for_once_in_a_run_and_again_in_the_next(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = harness.books.add_customer("Talleres Sur")
    term = harness.books.add_term("2/10 net 30", DueDays=30, DiscountDays=10, DiscountPercent=2)
    ids = [_invoice(harness, term, customer) for _each in range(7)]
    asked, connector = _asked_for_terms(harness, monkeypatch), harness.new()
    told = {invoice.id: invoice for page in connector.changes(None) for invoice in page.invoices}
    granted = EarlyDiscount(date(2026, 3, 20), eur("2.00"))
    assert {key: told[key].early_discount for key in ids} == dict.fromkeys(ids, granted)
    assert [invoice.early_discount for invoice in connector.recheck(ids).invoices] == [granted] * 7
    assert len(asked) == 1
    harness.books.edit("Term", term, DiscountPercent=3)
    told = {invoice.id: invoice for page in connector.changes(None) for invoice in page.invoices}
    assert (told[ids[0]].early_discount, len(asked)) == (EarlyDiscount(date(2026, 3, 20), eur("3.00")), 2)


def _grants(seen: Recheck) -> set[str]:
    return {invoice.id for invoice in seen.invoices if invoice.early_discount}


def test_new_terms_and_those_out_of_use_are_known_and_gone_ones_grant_nothing(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = harness.books.add_customer("Talleres Sur")
    values: dict[str, Any] = {"DueDays": 30, "DiscountDays": 10, "DiscountPercent": 2}
    old = harness.books.add_term("2/10 net 30", **values)
    harness.books.deactivate("Term", old)
    first, gone = _invoice(harness, old, customer), _invoice(harness, "77", customer)
    connector, asked = harness.new(), _asked_for_terms(harness, monkeypatch)
    assert _grants(connector.recheck([first, gone])) == {first}
    newer = _invoice(harness, harness.books.add_term("3/10 net 30", **{**values, "DiscountPercent": 3}), customer)
    for _each in range(2):
        assert _grants(connector.recheck([first, gone, newer])) == {first, newer}
    assert len(asked) == 2


def test_what_is_paid_or_a_charge_of_ours_is_granted_nothing(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = harness.books.add_customer("Talleres Sur")
    term = harness.books.add_term("2/10 net 30", DueDays=30, DiscountDays=10, DiscountPercent=2)
    paid, owed = _invoice(harness, term, customer), harness.books.add_invoice(customer, Decimal(100), issued_on=date(2026, 2, 1))
    harness.pay(paid, eur("100.00"), TODAY)
    number = harness.books.store.get("Invoice", owed)["DocNumber"]
    charge = LateCharge("puntual:1f", owed, number, customer, eur("5.00"), "Interés", TODAY, TODAY)
    made = harness.new().put_charges([charge])[charge.marker]
    harness.books.edit("Invoice", made.document_id, SalesTermRef={"value": term})  # as where the customer has usual terms
    asked = _asked_for_terms(harness, monkeypatch)
    heard = listen(harness)
    assert [heard.invoices[key].early_discount for key in (paid, owed, made.document_id)] == [None, None, None]
    assert asked == []
    part_paid = _invoice(harness, term, customer)
    harness.pay(part_paid, eur("98.00"), TODAY)
    assert listen(harness).invoices[part_paid].early_discount == EarlyDiscount(date(2026, 3, 20), eur("2.00"))
