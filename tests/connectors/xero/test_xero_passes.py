"""Where a reading begins, goes on and ends: nothing is skipped, whatever moves meanwhile."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from puntual.core.port import MAX_PAGE_DOCUMENTS, Cursor
from suite.sample import Listener, eur, listen
from xero.xero_books import customer, heard_by, owing
from xero.xero_harness import XeroHarness


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


def test_the_watermark_is_xeros_newest_change_and_never_our_clock(harness: XeroHarness) -> None:
    owing(harness)
    newest = harness.now()
    connector = harness.new()
    connector.surroundings = replace(connector.surroundings, now=lambda: datetime(2031, 1, 1, tzinfo=UTC))
    cursor = list(connector.changes(None))[-1].cursor
    again = harness.new()
    said = heard_by(again)
    list(again.changes(cursor))
    since = {each["path"].rpartition("/")[2]: each["headers"]["If-Modified-Since"] for each in said}
    expected = (newest - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%S")
    assert since == dict.fromkeys(("Contacts", "Invoices", "CreditNotes", "Overpayments"), expected)
    assert not any("Statuses" in each["query"] for each in said)
    assert [each["query"]["where"] for each in said if "where" in each["query"]] == ['Type=="ACCREC"', 'Type=="ACCRECCREDIT"']


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_change_that_shows_late_is_seen_by_the_overlap(harness: XeroHarness, inclusive: bool) -> None:
    harness.books.behaviour.since_is_inclusive = inclusive
    owing(harness)
    heard = listen(harness)
    late = owing(harness, "7.00")
    harness.books.invoices[late].updated_at -= timedelta(minutes=15)
    assert heard.sync(harness.new()).owed(late) == eur("7.00")
    assert harness.books.invoices[late].contact_id in heard.customers


def test_empty_books_begin_at_the_servers_own_time(harness: XeroHarness) -> None:
    harness.books.invoices.clear()
    heard = listen(harness)
    low = json.loads(heard.cursor or "")["low"]
    assert set(low.values()) == {harness.now().isoformat(timespec="milliseconds")}
    invoice = owing(harness)
    assert heard.sync(harness.new()).owed(invoice) == eur("100.00")


def test_what_leaves_the_open_set_between_pages_hides_nothing(harness: XeroHarness) -> None:
    ids = [owing(harness, f"{n + 1}.00") for n in range(10)]
    heard, pages = Listener(), iter(harness.new().changes(None))
    heard.take([next(pages)])
    gone, edited, late = ids[0], ids[1], ids[9]
    harness.pay(gone, eur("1.00"), harness.today)
    harness.void(late)
    harness.at += timedelta(seconds=1)
    harness.postpone(edited, harness.today)
    heard.take(pages)
    times = [invoice.id for page in heard.pages for invoice in page.invoices]
    assert set(ids) - {gone, late} <= set(times)
    heard.sync(harness.new())
    assert [key for key in ids if heard.owed(key) is None] == [gone, late]
    assert heard.invoices[edited].due_date == harness.today


def test_more_changes_than_one_call_gives_are_all_told(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    owing(harness)
    heard = listen(harness)
    ids = [owing(harness, f"{n + 1}.00") for n in range(8)]
    monkeypatch.setattr("puntual.connectors.xero.passes.MOST_ROWS", 3)
    for broken_after in (1, 2, 3):
        again = Listener(cursor=heard.cursor)
        pages = iter(harness.new().changes(heard.cursor))
        again.take([page for page, _n in zip(pages, range(broken_after), strict=False)])
        again.sync(harness.new())
        assert {key for key in ids if again.owed(key)} == set(ids)


@pytest.mark.parametrize(
    "spoilt", [{"format": 2}, {"tenant": "another"}, {"low": []}, {"stage": "payroll"}, {"page": "1"}, {"high": {"a": "x"}}]
)
def test_a_cursor_that_is_not_ours_is_the_start_of_a_pass(harness: XeroHarness, spoilt: dict[str, Any]) -> None:
    invoice = owing(harness)
    said = {**json.loads(listen(harness).cursor or ""), **spoilt}
    pages = list(harness.new().changes(Cursor(json.dumps(said))))
    assert pages[0].starts_pass
    assert [each.id for page in pages for each in page.invoices] == [invoice]


def test_quiet_books_take_turns_with_the_rarer_credits_and_news_wakes_both(harness: XeroHarness) -> None:
    contact = customer(harness)
    invoice = owing(harness, contact=contact)
    heard = listen(harness)
    asked: list[list[str]] = []

    def look() -> None:
        connector = harness.new()
        said = heard_by(connector)
        heard.sync(connector)
        asked.append([each["path"].rpartition("/")[2] for each in said][3:])

    harness.books.add_prepayment(contact, Decimal(30), on=harness.today)
    look()
    look()
    assert asked == [["Overpayments"], ["Prepayments", "Contacts"]]
    assert [payment.unapplied for payment in heard.payments.values()] == [eur("30.00")]
    harness.postpone(invoice, harness.today)
    look()
    assert asked[2][-2:] == ["Overpayments", "Prepayments"]


def test_what_only_comes_again_is_not_told_again(harness: XeroHarness) -> None:
    owing(harness)
    heard = listen(harness).sync(harness.new())
    pages = list(harness.new().changes(heard.cursor))
    assert [(page.invoices, page.customers, page.starts_pass) for page in pages] == [((), (), False)]


def test_a_page_never_holds_more_than_core_takes(harness: XeroHarness) -> None:
    contact = customer(harness)
    ids = [owing(harness, "100.00", contact=contact) for _each in range(3)]
    payment = {"PaymentID": "p", "Date": "/Date(1539993600000+0000)/", "Amount": Decimal("0.01")}
    for key in ids:
        harness.books.overlay[key] = {"Payments": [{**payment, "PaymentID": f"{key}-{n}"} for n in range(900)]}
    pages = listen(harness).pages
    assert max(len(page.invoices) + len(page.payments) for page in pages) <= MAX_PAGE_DOCUMENTS
    assert sum(len(page.payments) for page in pages) == 2700
    assert pages[0].starts_pass
    assert pages[0].cursor != pages[1].cursor
