"""Open items of invoices."""

from dataclasses import FrozenInstanceError, replace
from datetime import date, timedelta

import pytest
from dunning_cases import invoice, one, part_paid
from puntual.core.money import Money
from puntual.core.receivables import DocumentStatus, item_id, open_items

DUE = date(2026, 4, 13)


def test_an_invoice_is_one_open_item() -> None:
    known = invoice("F-1", "100.00", due=DUE, contact_id="eva", reference="PO 7", page_url="https://pay.example/1", version="3")
    item = one(known)
    assert (item.id, item.invoice_id, item.number, item.due_date) == ("F-1/1", "F-1", "F-1", DUE)
    assert (item.contact_id, item.reference, item.page_url, item.version) == ("eva", "PO 7", "https://pay.example/1", "3")
    assert (item.ordinal, item.instalment_count, item.total, item.outstanding) == (1, 1, Money.of(100, "EUR"), Money.of(100, "EUR"))


def test_instalments_are_items_of_their_own() -> None:
    known = invoice("F-1", "30.00", "30.00", "40.00", due=DUE)
    assert [(item.id, item.due_date) for item in open_items(known)] == [
        (item_id("F-1", n), DUE + timedelta(days=30 * (n - 1))) for n in (1, 2, 3)
    ]
    assert known.outstanding == Money.of(100, "EUR")
    assert known.due_date == DUE + timedelta(days=60)
    assert [item.ordinal for item in open_items(part_paid(known, "0.00"))] == [2, 3]


@pytest.mark.parametrize("status", [status for status in DocumentStatus if status is not DocumentStatus.OPEN])
def test_only_what_is_open_is_an_open_item(status: DocumentStatus) -> None:
    assert open_items(invoice("F-1", "100.00", status=status)) == ()


@pytest.mark.parametrize(("left", "count"), [("0.01", 1), ("0.00", 0), ("-5.00", 0)])
def test_nothing_outstanding_is_no_open_item(left: str, count: int) -> None:
    assert len(open_items(part_paid(invoice(), left))) == count


@pytest.mark.parametrize(("as_of", "days"), [(DUE - timedelta(days=7), -7), (DUE, 0), (DUE + timedelta(days=1), 1)])
def test_days_overdue_by_the_one_signed_convention(as_of: date, days: int) -> None:
    assert one(invoice(due=DUE)).days_overdue(as_of) == days


def test_marks_of_the_ledger_come_along_and_values_are_frozen() -> None:
    item = one(invoice(disputed="price", do_not_chase="no follow-up"))
    assert (item.disputed, item.do_not_chase) == ("price", "no follow-up")
    with pytest.raises(FrozenInstanceError):
        item.number = "F-2"  # type: ignore[misc]
    assert replace(item, number="F-2") != item
