"""The stand-in of Xero refuses what Xero refuses, and shows what Xero shows: money and writing. Without the connector."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from puntual.connectors.stub_server import Trouble
from puntual.connectors.xero.stub import Invalid
from xero.xero_world import DAY, DUE, World, message

HAS_PAYMENT = "This document cannot be edited as it has a payment or credit note allocated to it."


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.server.close()
    assert made.server.mistakes == []


# --- money --------------------------------------------------------------------------------------------------------------------


def test_payments_credits_and_what_is_due(world: World) -> None:
    payment = world.books.pay(world.invoice, Decimal(30), on=DUE)
    over = world.books.add_overpayment(world.customer, Decimal("12.50"), on=DUE)
    note = world.books.add_credit_note(world.customer, Decimal(70), on=DUE)
    used = world.books.allocate(note, world.invoice, Decimal(70), on=DUE)
    paid = world.one()
    assert (paid["Status"], paid["AmountDue"], paid["AmountPaid"], paid["AmountCredited"]) == ("PAID", 0, 30, 70)
    assert paid["FullyPaidOnDate"] == "/Date(1773100800000+0000)/"
    assert [each["AppliedAmount"] for each in paid["CreditNotes"]] == [70]
    assert world.get("CreditNotes", page=1)[0]["Allocations"][0]["Invoice"]["InvoiceID"] == world.invoice
    assert world.get("CreditNotes")[0]["Allocations"] == []
    world.books.delete_payment(payment)
    world.books.unallocate(used)
    again = world.one()
    assert (again["Status"], again["AmountDue"], again["Payments"], again["CreditNotes"]) == ("AUTHORISED", 100, [], [])
    assert [(row["PaymentID"], row["Status"]) for row in world.get("Payments")] == [(payment, "DELETED")]
    world.books.refund(over, Decimal("2.50"), on=DUE)
    assert world.get("Overpayments", where='Status=="AUTHORISED"')[0]["RemainingCredit"] == 10
    for impossible in (Decimal("100.01"), Decimal(0)):
        with pytest.raises(Invalid):
            world.books.pay(world.invoice, impossible, on=DUE)


# --- writing ------------------------------------------------------------------------------------------------------------------


def fee(world: World, **changes: Any) -> dict[str, Any]:
    """The invoice for lateness that an app may make."""
    line = {"Description": "Late", "Quantity": 1, "UnitAmount": 12.34, "AccountCode": "260", "TaxType": "NONE"}
    values = {"Type": "ACCREC", "Contact": {"ContactID": world.customer}, "Date": "2026-03-18", "DueDate": "2026-04-18"}
    return {**values, "LineAmountTypes": "NoTax", "CurrencyCode": "EUR", "LineItems": [line], "Status": "AUTHORISED", **changes}


def test_put_creates_and_post_may_change_another_invoice(world: World) -> None:
    made = world.api("PUT", "Invoices", {"Invoices": [fee(world)]}).json()["Invoices"][0]
    assert (made["InvoiceNumber"], made["Total"], made["Status"]) == ("INV-0002", 12.34, "AUTHORISED")
    assert message(world.api("PUT", "Invoices", {"Invoices": [fee(world, InvoiceNumber="INV-0001")]})) == "Invoice # must be unique."
    world.api("POST", "Invoices", {"Invoices": [{"InvoiceNumber": "INV-0001", "Reference": "hit"}]})
    assert (world.one()["Reference"], len(world.get("Invoices"))) == ("hit", 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Contact": None}, "Contact"),
        ({"LineItems": []}, "line items"),
        ({"CurrencyCode": "XAU"}, "not subscribed to currency XAU"),
        ({"Date": "2026-01-31"}, "period lock date, currently set at 31 January 2026"),
        ({"DueDate": None}, "DueDate"),
        ({"Type": "SALE"}, "not a valid Type"),
        ({"LineItems": [{"Description": "x", "UnitAmount": 1}]}, "Account code must be specified"),
        ({"LineItems": [{"Description": "x", "UnitAmount": 1, "AccountCode": "999"}]}, "'999' is not a valid code"),
        ({"LineItems": [{"Description": "x", "UnitAmount": 1, "AccountCode": "280"}]}, "archived"),
        ({"LineItems": [{"Description": "x", "UnitAmount": 1, "AccountCode": "260", "TaxType": "VAT"}]}, "TaxType code 'VAT'"),
        ({"LineItems": [{"Description": "x", "UnitAmount": 1, "LineAmount": 2}]}, "does not match the expected line total"),
    ],
)
def test_new_invoices_that_are_refused(world: World, changes: dict[str, Any], said: str) -> None:
    world.books.lock_until(date(2026, 1, 31))
    assert said in message(world.api("PUT", "Invoices", {"Invoices": [fee(world, **changes)]}))
    assert len(world.get("Invoices")) == 1


def test_a_line_that_is_left_out_is_deleted_and_prices_lose_decimals(world: World) -> None:
    world.books.edit(world.invoice, line_amount_types="Exclusive")
    first, _second = world.one()["LineItems"]
    new = {"Description": "Fee", "UnitAmount": 0.1255, "Quantity": 100, "AccountCode": "200", "TaxType": "OUTPUT"}
    changed = world.post(LineItems=[first, new]).json()["Invoices"][0]
    assert [line["Description"] for line in changed["LineItems"]] == ["Work", "Fee"]
    assert (changed["LineItems"][1]["UnitAmount"], changed["TotalTax"], changed["Total"]) == (0.13, 2.6, 75.6)
    body = {"Invoices": [{"LineItems": [first, new]}]}
    exact = world.api("POST", f"Invoices/{world.invoice}", body, unitdp=4).json()["Invoices"][0]
    assert (exact["LineItems"][1]["UnitAmount"], exact["SubTotal"]) == (0.1255, 72.55)
    assert "does not belong" in message(world.post(LineItems=[{**first, "LineItemID": world.books.tenant_id}]))


def test_what_may_be_edited_once_something_is_paid_or_locked(world: World) -> None:
    world.books.pay(world.invoice, Decimal(1), on=DUE)
    lines = world.one()["LineItems"]
    reworded = [{**line, "Description": f"{line['Description']} (see terms)"} for line in lines]
    allowed = world.post(Reference="x", DueDate="2026-05-01", LineItems=reworded).json()["Invoices"][0]
    assert (allowed["DueDateString"], allowed["LineItems"][0]["Description"]) == ("2026-05-01T00:00:00", "Work (see terms)")
    assert message(world.post(LineItems=lines[:1])) == HAS_PAYMENT
    assert message(world.post(Date="2026-02-11")) == HAS_PAYMENT
    assert "must supply a LineItemID" in message(world.post(LineItems=[*lines, {"Description": "Fee", "UnitAmount": 1}]))
    assert message(world.post(Status="VOIDED")) == HAS_PAYMENT
    world.books.lock_until(DAY, year_end=True)
    assert "end of year lock date, currently set at 10 February 2026" in message(world.post(Reference="y"))


def test_statuses_move_one_way_and_automatic_tax_is_left_alone(world: World) -> None:
    assert "valid status" in message(world.post(Status="DELETED"))
    world.books.edit(world.invoice, automatic_tax=True)
    assert "automatically" in message(world.post(Reference="x"))
    world.books.edit(world.invoice, automatic_tax=False)
    assert world.post(Status="VOIDED").json()["Invoices"][0]["AmountDue"] == 0
    assert "valid status" in message(world.post(Reference="x"))


def test_a_partner_edition_has_no_invoicing(world: World) -> None:
    world.books.organisation["Edition"] = "PARTNER"
    assert "edition" in message(world.api("PUT", "Invoices", {"Invoices": [fee(world)]}))


def test_the_expected_date_is_cleared_by_its_string_only(world: World) -> None:
    world.post(ExpectedPaymentDate="2026-04-01")
    assert world.one()["ExpectedPaymentDate"] == "/Date(1775001600000+0000)/"
    for kept in ({"ExpectedPaymentDate": ""}, {"ExpectedPaymentDate": None}, {"Reference": "x"}):
        world.post(**kept)
        assert "ExpectedPaymentDate" in world.one()
    world.post(ExpectedPaymentDateString="")
    assert "ExpectedPaymentDate" not in world.one()
    world.books.pay(world.invoice, Decimal(1), on=DUE)
    assert message(world.post(ExpectedPaymentDate="2026-04-01")) == HAS_PAYMENT
    world.books.behaviour.expected_on_part_paid = True
    assert world.post(ExpectedPaymentDate="2026-04-01").status_code == 200


def test_errors_are_summed_up_or_hidden_in_http_200(world: World) -> None:
    both = {"Invoices": [fee(world), fee(world, CurrencyCode="XAU")]}
    assert "XAU" in message(world.api("PUT", "Invoices", both, summarizeErrors="true"))
    assert len(world.get("Invoices")) == 1
    answer = world.api("PUT", "Invoices", both, summarizeErrors="False")
    assert [(each["StatusAttributeString"], each["HasErrors"]) for each in answer.json()["Invoices"]] == [("OK", False), ("ERROR", True)]
    assert (answer.status_code, len(world.get("Invoices"))) == (200, 2)


def test_an_idempotency_key_lasts_six_minutes(world: World) -> None:
    def put(key: str, **changes: Any) -> requests.Response:
        return world.api("PUT", "Invoices", {"Invoices": [fee(world, **changes)]}, headers={"Idempotency-Key": key})

    first = put("k" * 128)
    assert put("k" * 128).json() == first.json()
    assert "different request" in put("k" * 128, Reference="x").json()["Message"]
    assert (len(world.get("Invoices")), put("k" * 129).status_code) == (2, 400)
    assert put("bad", CurrencyCode="XAU").content == put("bad", CurrencyCode="XAU").content
    world.at += timedelta(minutes=6)
    assert put("k" * 128).json()["Invoices"][0]["InvoiceID"] != first.json()["Invoices"][0]["InvoiceID"]


def test_a_lost_answer_was_written(world: World) -> None:
    world.server.trouble = Trouble.LOST_ANSWER
    assert len(world.get("Invoices")) == 1
    with pytest.raises(requests.ConnectionError):
        world.api("PUT", "Invoices", {"Invoices": [fee(world)]}, headers={"Idempotency-Key": "k"})
    world.api("PUT", "Invoices", {"Invoices": [fee(world)]}, headers={"Idempotency-Key": "k"})
    assert len(world.get("Invoices")) == 2


def test_notes_are_added_and_never_changed(world: World) -> None:
    path = f"Invoices/{world.invoice}/History"
    world.books.void(world.invoice)
    for method, text in (("PUT", "n" * 2500), ("POST", "Ñandú «2.º»\nb")):
        assert world.api(method, path, {"HistoryRecords": [{"Details": text}]}).json()["HistoryRecords"][0]["Details"] == text
    assert "2500" in message(world.api("PUT", path, {"HistoryRecords": [{"Details": "n" * 2501}]}))
    told = world.api("GET", path).json()["HistoryRecords"]
    assert [(each["Changes"], len(each["Details"])) for each in told] == [("Note", 13), ("Note", 2500), ("Voided", 0), ("Created", 0)]
    assert world.api("DELETE", path).status_code == 404
    world.books.delete(world.invoice)
    assert world.api("PUT", path, {"HistoryRecords": [{"Details": "x"}]}).status_code == 404


def test_the_page_and_the_print_of_an_invoice(world: World) -> None:
    def page(invoice: str) -> requests.Response:
        return world.api("GET", f"Invoices/{invoice}/OnlineInvoice")

    draft = world.books.add_invoice(world.customer, Decimal(1), on=DAY, due=None, status="DRAFT")
    bill = world.books.add_invoice(world.customer, Decimal(1), on=DAY, due=DUE, type="ACCPAY")
    address = page(world.invoice).json()["OnlineInvoices"][0]["OnlineInvoiceUrl"]
    assert address.startswith("https://in.xero.com/")
    assert page(world.invoice).json()["OnlineInvoices"][0]["OnlineInvoiceUrl"] == address
    assert [page(draft).status_code, page(bill).status_code, page(world.books.tenant_id).status_code] == [400, 400, 404]
    assert world.api("GET", f"Invoices/{world.invoice}", headers={"Accept": "application/pdf"}).content.startswith(b"%PDF-")
    assert world.api("GET", f"Invoices/{bill}", headers={"Accept": "application/pdf"}).status_code == 404
