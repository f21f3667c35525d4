"""What Xero and its SDK do that a plain reading gets wrong, each with the books in which it shows. The first twelve are the SDK's own."""

import http.client
import json
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from harness import Fault
from puntual.connectors.xero import mapping
from puntual.connectors.xero.connector import REMINDERS
from puntual.connectors.xero.stub import Person
from puntual.connectors.xero.zones import iana_zone
from puntual.core.bookings import Note
from puntual.core.errors import (
    AuthorizationExpired,
    LedgerUnavailable,
    PermissionMissing,
    RateLimited,
)
from puntual.core.receivables import CreditKind, DocumentStatus, open_items
from suite.sample import eur, listen
from xero.xero_books import DUE, ISSUED, customer, heard_by, owing
from xero.xero_harness import XeroHarness
from xero_python.accounting import models
from xero_python.api_client.configuration import Configuration

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


# --- 1 to 12: the SDK -------------------------------------------------------------------------------------------------------------


def test_1_a_write_is_sent_once_and_a_long_wait_is_not_sat_out(harness: XeroHarness) -> None:
    note = Note("PUNTUAL-1", owing(harness), "", "[PUNTUAL-1]", harness.today)
    connector, naps = harness.new(), list[float]()
    connector.transport._pause = naps.append
    for fault, error in ((Fault.RESET, LedgerUnavailable), (Fault.RATE_LIMITED, RateLimited)):
        harness.break_wire(fault)
        before = harness.calls()
        with pytest.raises(error):
            connector._add_notes([note])
        assert (harness.calls() - before, naps) == (1, [])
        harness.mend_wire()


def test_2_every_request_has_its_time_limits_the_refresh_too(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[Any] = []
    request = requests.Session.request
    monkeypatch.setattr(requests.Session, "request", lambda *a, **named: limits.append(named["timeout"]) or request(*a, **named))
    connector = harness.new()
    harness.at += timedelta(hours=1)
    connector.check()
    assert harness.vault.renewals == 1
    assert set(limits) == {(10, 120)}


def test_3_four_at_once_renew_once(harness: XeroHarness) -> None:
    invoice = owing(harness)
    connectors = [harness.new() for _each in range(4)]
    harness.at += timedelta(hours=1)
    threads = [threading.Thread(target=connector.recheck, args=([invoice],)) for connector in connectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert harness.vault.renewals == 1
    assert len(harness.server.authority._refresh) == 2


def test_4_a_field_that_nobody_knows_loses_no_token(harness: XeroHarness) -> None:
    connector = harness.new()
    held = harness.vault.current()
    renewed = connector._wire.authorizer.refresh(held)  # the stand-in's answer has authentication_event_id
    assert renewed.access_token != held.access_token
    assert replace(renewed, access_token=held.access_token, refresh_token=held.refresh_token) == replace(
        held, expires_at=renewed.expires_at, refresh_expires_at=renewed.refresh_expires_at
    )


def test_5_a_token_that_ends_is_renewed_before_it_is_refused(harness: XeroHarness) -> None:
    connector = harness.new()
    harness.vault.authorization = replace(harness.vault.current(), expires_at=harness.now() + timedelta(minutes=2))
    said = heard_by(connector)
    connector.check()
    assert (harness.vault.renewals, len(said)) == (1, 6)


def test_6_a_dead_connection_says_that_it_has_to_be_made_again(harness: XeroHarness) -> None:
    connector = harness.new()
    harness.break_wire(Fault.UNAUTHORIZED)
    with pytest.raises(AuthorizationExpired, match="puntual connect"):
        connector.check()
    assert harness.vault.must_reconnect


def test_7_two_companies_share_nothing(harness: XeroHarness) -> None:
    other = XeroHarness()
    try:
        other.books.name = "Otra S.L."
        mine, theirs = harness.new(), other.new()
        names = [connector.check().name for connector in (mine, theirs, mine, theirs)]
        assert names == [harness.books.name, "Otra S.L."] * 2
        assert Configuration().oauth2_token is None
    finally:
        other.close()


def test_8_the_one_urllib3_that_breaks_the_sdk_is_kept_out() -> None:
    dependencies = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    assert any(each.startswith("urllib3") and "!=2.6.0" in each for each in dependencies)


def test_9_one_strange_row_does_not_lose_its_page(harness: XeroHarness) -> None:
    good, odd, bad = owing(harness), owing(harness), owing(harness)
    strange = {"Status": "IN_MEDIATION", "LineAmountTypes": "Sometimes", "Payments": None, "Reference": None, "SentToContact": None}
    harness.books.overlay[odd] = {**strange, "CreditNotes": None, "LineItems": None, "DueDateString": None, "CurrencyRate": "1.5"}
    harness.books.overlay[bad] = {"CurrencyCode": "PTS", "DateString": ""}
    harness.books.organisation |= {"Class": "ULTRA", "Timezone": "MOONSTANDARDTIME", "Version": None}
    with pytest.raises(ValueError):  # what the SDK's model makes of the same row
        models.Invoice(status=strange["Status"])
    heard = listen(harness)
    assert set(heard.invoices) == {good, odd}
    assert "IN_MEDIATION" in heard.invoices[odd].do_not_chase
    assert heard.invoices[odd].reference == ""
    problems = [problem for page in heard.pages for problem in page.problems]
    assert [bad in problem.where and "Correct it in Xero" in problem.what for problem in problems] == [True]
    assert harness.new().check().time_zone == ""
    assert {invoice.id for invoice in harness.new().recheck([good, odd, bad]).invoices} == {good, odd}


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("/Date(1419937200000+1300)/", date(2014, 12, 31)),  # Xero's own example; the SDK makes the day before of it
        ("/Date(1539993600000+0000)/", date(2018, 10, 20)),
        ("/Date(1539993600000)/", date(2018, 10, 20)),
        ("/Date(-86400000+0000)/", date(1969, 12, 31)),
        ("/Date(-315619200000-0500)/", date(1959, 12, 31)),
        ("/Date(1539990000000-0330)/", date(2018, 10, 19)),
        ("2026-01-31T00:00:00", date(2026, 1, 31)),
        (None, None),
        ("", None),
    ],
)
def test_10_a_day_is_the_organisations_day(said: Any, day: date | None) -> None:
    assert mapping.day_of({"DueDate": said}, "DueDate") == day


def test_10_the_text_of_a_day_is_believed_before_its_milliseconds() -> None:
    assert mapping.day_of({"DateString": "2026-02-01T00:00:00", "Date": "/Date(1769817600000+0000)/"}, "Date") == date(2026, 2, 1)
    with pytest.raises(ValueError):
        mapping.day_of({"Date": "/Date(99999999999999999999+0000)/"}, "Date")


@pytest.mark.parametrize("hours", [13, -5])
def test_10_days_with_an_offset_keep_their_day(harness: XeroHarness, hours: int) -> None:
    harness.books.behaviour.offset_dates, harness.books.behaviour.date_strings = True, False
    harness.books.date_offset = timedelta(hours=hours)
    invoice = owing(harness)
    told = listen(harness).invoices[invoice]
    assert (told.issued_on, told.due_date) == (ISSUED, DUE)


def test_11_bodies_hold_what_was_meant_and_switches_are_lower_case(harness: XeroHarness) -> None:
    note = Note("PUNTUAL-1", owing(harness), "", "[PUNTUAL-1]", harness.today)
    connector = harness.new()
    said = heard_by(connector)
    connector.put_notes([note])
    list(connector.changes(None))
    assert [json.loads(each["content"]) for each in said if each["content"]] == [{"HistoryRecords": [{"Details": "[PUNTUAL-1]"}]}]
    asked = [each["query"] for each in said if each["path"].endswith("/Contacts")]
    assert {query["includeArchived"] for query in asked} == {"true"}


def test_12_the_pdf_leaves_no_file_and_nothing_is_printed(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = owing(harness)
    monkeypatch.setattr(tempfile, "mkstemp", lambda *_a, **_n: pytest.fail("a file was made"))
    assert harness.new().invoice_pdf(invoice).startswith(b"%PDF-")
    assert http.client.HTTPConnection.debuglevel == 0


# --- money ------------------------------------------------------------------------------------------------------------------------


def test_credit_that_is_not_allocated_is_seen_whatever_it_is_called(harness: XeroHarness) -> None:
    contact = customer(harness)
    invoice = owing(harness, contact=contact)
    harness.books.add_overpayment(contact, Decimal(12), on=DUE)
    new_words = harness.books.add_prepayment(contact, Decimal(9), on=DUE, type="ARPREPAYMENT")
    dollars = harness.books.add_credit_note(contact, Decimal(8), on=DUE, currency="USD")
    harness.books.add_credit_note(contact, Decimal(3), on=DUE, status="DRAFT")
    harness.books.add_overpayment(customer(harness, "Otro"), Decimal(50), on=DUE)
    found = {credit.id: credit for credit in harness.new().recheck([invoice]).credits}
    assert sorted(str(credit.remaining) for credit in found.values()) == ["12.00 EUR", "8.00 USD", "9.00 EUR"]
    assert (found[new_words].kind, found[dollars].kind) == (CreditKind.PAYMENT, CreditKind.CREDIT_NOTE)
    heard = listen(harness)
    assert (heard.payments[new_words].unapplied, heard.credit_notes[dollars].remaining) == (eur("9.00"), eur("8.00", "USD"))


def test_a_used_credit_is_fresh_in_the_recheck_even_when_its_own_date_stands_still(harness: XeroHarness) -> None:
    harness.books.behaviour.allocation_touches_credit = False
    contact = customer(harness)
    invoice = owing(harness, contact=contact)
    credit = harness.books.add_credit_note(contact, Decimal(30), on=DUE)
    heard = listen(harness)
    harness.books.allocate(credit, invoice, Decimal(30), on=DUE)
    again = harness.new().recheck([invoice])
    assert (again.credits, again.invoices[0].outstanding) == ((), eur("70.00"))
    assert heard.sync(harness.new()).allocated(invoice) == {credit: eur("30.00")}


def test_many_open_credits_are_read_from_the_last_page_on(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("puntual.connectors.xero.connector.MOST_ROWS", 2)
    contact = customer(harness)
    invoice = owing(harness, contact=contact)
    ids = {harness.books.add_credit_note(contact, Decimal(n + 1), on=DUE) for n in range(5)}
    assert {credit.id for credit in harness.new().recheck([invoice]).credits} == ids


def test_what_is_due_is_what_xero_says_is_due(harness: XeroHarness) -> None:
    invoice = owing(harness)
    harness.books.overlay[invoice] = {"AmountDue": Decimal("80.00"), "CISDeduction": Decimal("20.00")}
    assert listen(harness).owed(invoice) == eur("80.00")


def test_bills_and_suppliers_credits_are_nobodys_claim(harness: XeroHarness) -> None:
    supplier = customer(harness, "Proveedor")
    bill = harness.books.add_invoice(supplier, Decimal(50), on=ISSUED, due=DUE, type="ACCPAY")
    harness.books.add_overpayment(supplier, Decimal(5), on=DUE, type="SPEND-OVERPAYMENT")
    heard = listen(harness)
    assert (heard.invoices, heard.payments, heard.credit_notes, heard.customers) == ({}, {}, {}, {})
    assert harness.new().recheck([bill]).invoices == ()
    heard.sync(harness.new())
    assert (heard.invoices, heard.payments) == ({}, {})


def test_parts_of_one_credit_on_an_invoice_are_one_allocation(harness: XeroHarness) -> None:
    contact = customer(harness)
    invoice, credit = owing(harness, contact=contact), harness.books.add_credit_note(contact, Decimal(30), on=DUE)
    for part in (Decimal(10), Decimal(5)):
        harness.books.allocate(credit, invoice, part, on=DUE)
    heard = listen(harness)
    assert heard.allocated(invoice) == {credit: eur("15.00")}
    assert invoice in [key for page in heard.pages for key in page.allocations_known_of]


def test_nothing_of_the_race_between_plan_and_act_is_missed(harness: XeroHarness) -> None:
    paid, void, kept = owing(harness), owing(harness), owing(harness)
    connector = harness.new()
    connector.recheck([paid, void, kept])
    harness.pay(paid, eur("100.00"), harness.today)
    harness.void(void)
    now = {invoice.id: invoice for invoice in connector.recheck([paid, void, kept]).invoices}
    assert [bool(open_items(now[key])) for key in (paid, void, kept)] == [False, False, True]
    assert (now[paid].status, now[paid].settled_on) == (DocumentStatus.PAID, harness.today)
    assert not connector.recheck([paid, void]).knows_credits


def test_an_invoice_is_known_by_its_id_and_not_by_its_number(harness: XeroHarness) -> None:
    invoice = owing(harness, number="INV-7")
    heard = listen(harness)
    harness.books.edit(invoice, number="INV-7-bis")
    heard.sync(harness.new())
    assert [each.number for each in heard.invoices.values()] == ["INV-7-bis"]


def test_a_late_fee_is_known_by_its_words_and_interest_alone_is_none(harness: XeroHarness) -> None:
    words = [
        "Late payment fee",
        "Intereses de demora 30 días",
        "Pénalités de retard",
        "Mahngebühr 2. Mahnung",
        "Interest on overdue account",
    ]
    fees = {owing(harness): text for text in words}
    innocent = {owing(harness): text for text in ("Interest free loan", "Chocolate", "Plate fees", "Late fee [puntual:0a1b]")}
    innocent |= {owing(harness, reference="[puntual:0a1c]"): "Late fee"}
    for key, text in {**fees, **innocent}.items():
        harness.books.add_line(key, f"{text}\nsecond line", Decimal(5))
    told = listen(harness).invoices
    assert {key: told[key].ledger_late_fee for key in fees} == fees
    assert [told[key].ledger_late_fee for key in innocent] == [""] * len(innocent)


# --- people -----------------------------------------------------------------------------------------------------------------------


def test_people_come_with_their_customer_and_archived_ones_still_owe(harness: XeroHarness) -> None:
    ana = Person("Ana", "Núñez", "ana@example.com", in_emails=True)
    contact = customer(harness, people=[ana, Person("Luis", "", "luis@example.com")], country="Spain", phone="600 000 000", groups=["VIP"])
    invoice = owing(harness, contact=contact)
    harness.books.update_contact(contact, status="ARCHIVED")
    told = listen(harness).customers[contact]
    assert [(each.name, each.email, each.role.value) for each in told.contacts] == [
        ("Ana Núñez", "ana@example.com", "invoice"),
        ("Luis", "luis@example.com", "general"),
    ]
    assert (told.country, told.phone, told.groups, told.do_not_chase) == ("ES", "600 000 000", ("VIP",), "")
    assert listen(harness).owed(invoice) == eur("100.00")


def test_who_asked_to_be_forgotten_is_not_written_to(harness: XeroHarness) -> None:
    contact = customer(harness)
    owing(harness, contact=contact)
    heard = listen(harness)
    harness.books.update_contact(contact, status="GDPRREQUEST")
    assert "GDPR" in heard.sync(harness.new()).customers[contact].do_not_chase


def test_a_merged_contact_names_the_other_and_both_are_told(harness: XeroHarness) -> None:
    old, new = customer(harness, "Viejo"), customer(harness, "Nuevo")
    invoice = owing(harness, contact=old)
    heard = listen(harness)
    harness.books.merge(old, new)
    heard.sync(harness.new())
    assert heard.invoices[invoice].customer_id == new
    assert {new, old} <= set(heard.customers)
    assert heard.customers[old].parent_id == new
    harness.books.edit(invoice, contact_id=old)  # a document that still names it
    assert {new, old} <= set(listen(harness).customers)


def test_suppliers_are_no_customers_and_their_new_address_is_not_told(harness: XeroHarness) -> None:
    owing(harness)
    heard = listen(harness)
    supplier = next(key for key, each in harness.books.contacts.items() if each.email == "gil@example.net")
    harness.set_address(supplier, "new@example.net")
    assert supplier not in heard.sync(harness.new()).customers


# --- the organisation -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("NEWZEALANDSTANDARDTIME", "Pacific/Auckland"),
        ("ROMANCESTANDARDTIME", "Europe/Paris"),
        ("KAMCHATKASTANDARDTIME", "Asia/Kamchatka"),
        ("MIDATLANTICSTANDARDTIME", "Etc/GMT+2"),
        ("UTC", "Etc/UTC"),
        ("UTC+12", "Etc/GMT-12"),
        ("UTC+13", "Etc/GMT-13"),
        ("UTC11", "Etc/GMT+11"),
        ("UTC-02", "Etc/GMT+2"),
        ("MOONSTANDARDTIME", ""),
        ("UTC+99", ""),
        ("", ""),
    ],
)
def test_zones_have_windows_names(name: str, zone: str) -> None:
    assert iana_zone(name) == zone


def test_every_zone_that_xero_documents_is_known() -> None:
    documented = [member.value for member in models.TimeZone]
    assert len(documented) > 100
    assert [name for name in documented if not iana_zone(name)] == []


def test_the_organisation_is_told_in_our_words(harness: XeroHarness) -> None:
    company = harness.new().check()
    assert (company.id, company.country, company.currency, company.time_zone) == (harness.books.tenant_id, "ES", "EUR", "Europe/Paris")


def test_xeros_own_reminders_are_told_to_people_while_they_are_on(harness: XeroHarness) -> None:
    owing(harness)
    assert [page.warnings for page in listen(harness).pages if page.warnings] == []
    harness.books.reminders_enabled = True
    pages = list(harness.new().sweep())
    assert [page.warnings for page in pages if page.warnings] == [(REMINDERS,)]
    assert pages[0].warnings


def test_a_user_who_may_not_approve_invoices_is_found_out_before(harness: XeroHarness) -> None:
    harness.books.actions["CreateApprovedInvoice"] = "NOT-ALLOWED"
    assert harness.new(charge_account="").check()
    with pytest.raises(PermissionMissing, match="approve"):
        harness.new().check()
