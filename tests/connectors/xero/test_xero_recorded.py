"""What Xero documents as its answers, read by the mapping: the examples of its OpenAPI description."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from puntual.connectors.xero import mapping
from puntual.connectors.xero.zones import iana_zone
from puntual.core.receivables import CreditKind, DocumentStatus, open_items
from suite.sample import eur

RECORDED = json.loads((Path(__file__).parent / "recorded" / "xero-openapi.json").read_text(encoding="utf-8"), parse_float=Decimal)


def _rows(operation: str, key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = RECORDED[operation][key]
    return rows


def test_invoices() -> None:
    void, paid, due = (mapping.invoice(row) for row in _rows("getInvoices", "Invoices"))
    assert [each.status for each in (void, paid, due)] == [DocumentStatus.VOID, DocumentStatus.PAID, DocumentStatus.OPEN]
    assert [len(open_items(each)) for each in (void, paid, due)] == [0, 0, 1]
    assert (due.number, due.outstanding, due.issued_on, due.due_date) == (
        "INV-0003", eur("115.00", "NZD"), date(2018, 11, 2), date(2018, 11, 7),
    )  # fmt: skip
    assert (paid.settled_on, paid.reference, paid.version) == (date(2018, 11, 29), "Red Fish, Blue Fish", "2018-11-02T16:36:32.690+00:00")
    assert {each.customer_id for each in (void, paid, due)} == {"a3675fc4-f8dd-4f03-ba5b-f1870566bcd7"}
    assert mapping.newest(_rows("getInvoices", "Invoices")) == datetime(2018, 11, 2, 16, 37, 28, 927000, UTC)


def test_a_payment_on_an_invoice() -> None:
    row = _rows("getInvoice", "Invoices")[0]
    (used,), (paid,) = mapping.allocations(row), mapping.payments_within(row)
    assert (used.source_id, used.source_kind, used.amount, used.allocated_on) == (
        "38928000-e9a0-420c-8884-f624bab2a351", CreditKind.PAYMENT, eur("148062.76", "NZD"), date(2019, 3, 19),
    )  # fmt: skip
    assert (paid.id, paid.amount, paid.unapplied, paid.reference) == (used.source_id, used.amount, eur("0", "NZD"), "Yahoo")


@pytest.mark.parametrize(
    ("entry", "source", "kind"),
    [
        ({"CreditNotes": [{"CreditNoteID": "c", "ID": "c", "AppliedAmount": Decimal("2.00")}]}, "c", CreditKind.CREDIT_NOTE),
        ({"Overpayments": [{"OverpaymentID": "o", "AppliedAmount": 2, "DateString": "2018-11-05T00:00:00"}]}, "o", CreditKind.PAYMENT),
        ({"Prepayments": [{"ID": "p", "AppliedAmount": Decimal("2.0")}]}, "p", CreditKind.PAYMENT),
    ],
)
def test_a_credit_on_an_invoice(entry: dict[str, Any], source: str, kind: CreditKind) -> None:
    row = {**_rows("getInvoices", "Invoices")[2], **entry}
    (used,) = mapping.allocations(row)
    assert (used.source_id, used.source_kind, used.amount) == (source, kind, eur("2.00", "NZD"))
    assert mapping.payments_within(row) == ()


def test_a_credit_without_an_amount_is_no_allocation() -> None:
    row = {**_rows("getInvoices", "Invoices")[2], "CreditNotes": [{"CreditNoteID": "c"}], "Payments": [{"PaymentID": "p", "Amount": None}]}
    assert (mapping.allocations(row), mapping.payments_within(row)) == ((), ())


def test_credit_notes() -> None:
    ours, suppliers = _rows("getCreditNotes", "CreditNotes")
    assert [mapping.is_credit_of_customer(row) for row in (ours, suppliers)] == [True, False]
    note = mapping.credit_note(ours)
    assert (note.number, note.total, note.remaining, note.issued_on) == (
        "CN-0005", eur("34.50", "NZD"), eur("32.50", "NZD"), date(2019, 3, 5),
    )  # fmt: skip
    draft = mapping.credit_note(suppliers)
    assert (draft.status, draft.remaining) == (DocumentStatus.DRAFT, eur("0", "NZD"))  # Xero says that 46.00 remain


def test_overpayments_and_prepayments() -> None:
    rows = _rows("getOverpayments", "Overpayments")
    assert [mapping.is_credit_of_customer(row) for row in rows] == [False, True, False, True, True]
    over = mapping.payment(rows[1], "overpayments")
    assert (over.id, over.amount, over.unapplied) == ("2a8bda49-8908-473b-8bcf-1f90990460eb", eur("20.00", "NZD"), eur("20.00", "NZD"))
    (pre,) = _rows("getPrepayments", "Prepayments")
    credit = mapping.unapplied_credit(pre, "prepayments")
    assert (credit.kind, credit.remaining, credit.number, credit.dated_on) == (
        CreditKind.PAYMENT, eur("3450.00", "NZD"), "INV-0011", date(2019, 3, 13),
    )  # fmt: skip


def test_contacts() -> None:
    katherine, _lisa = (mapping.customer(row) for row in _rows("getContacts", "Contacts"))
    assert (katherine.name, katherine.email, katherine.phone, katherine.country) == (
        "Katherine Warren", "kat.warren@clampett.com", "(626) 847-1294", "US",
    )  # fmt: skip
    whole = mapping.customer(_rows("getContact", "Contacts")[0])
    assert [(each.name, each.email, each.role.value) for each in whole.contacts] == [("Sue Johnson", "sue.johnson@krave.com", "invoice")]


@pytest.mark.parametrize(
    ("said", "code"), [("USA", "US"), ("España", "ES"), ("deutschland", "DE"), ("UK", "GB"), ("nz", "NZ"), ("Narnia", ""), (None, "")]
)
def test_countries_are_free_text(said: str | None, code: str) -> None:
    assert mapping.country_of({"Addresses": [{"AddressType": "STREET"}, {"Country": said}]}) == code


def test_the_organisation() -> None:
    (row,) = _rows("getOrganisations", "Organisations")
    assert iana_zone(row["Timezone"]) == "Pacific/Auckland"
    assert mapping.day_of(row, "PeriodLockDate") == date(2018, 12, 31)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Date": None, "DateString": None}, "no date"),
        ({"Contact": None}, "whose"),
        ({"CurrencyCode": "PTS"}, "ISO 4217"),
        ({"Total": None}, "amount"),
        ({"AmountDue": True}, "amount"),
        ({"AmountDue": "much"}, "amount"),
        ({"UpdatedDateUTC": "", "UpdatedDateUTCString": None}, "when it changed"),
    ],
)
def test_what_cannot_be_read_says_why(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        mapping.invoice({**_rows("getInvoices", "Invoices")[2], **change})
