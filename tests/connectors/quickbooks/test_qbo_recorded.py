"""Answers as Intuit's sandbox gave them (its samples, its reference, and what others recorded), and what the mapping reads in them."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from puntual.connectors.quickbooks import mapping
from puntual.connectors.quickbooks.passes import _changes_in
from puntual.core.money import Money
from puntual.core.receivables import Allocation, CreditKind, DocumentStatus, Invoice


def recorded(text: str) -> Any:
    """JSON as the wire reads it."""
    return json.loads(text, parse_float=Decimal)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


INVOICE = """{"AllowIPNPayment": false, "AllowOnlinePayment": false, "AllowOnlineCreditCardPayment": false, "AllowOnlineACHPayment": false,
 "domain": "QBO", "sparse": false, "Id": "67", "SyncToken": "2",
 "MetaData": {"CreateTime": "2014-09-19T13:16:17-07:00", "LastUpdatedTime": "2014-09-24T15:55:36-07:00"},
 "CustomField": [{"DefinitionId": "1", "Name": "Crew #", "Type": "StringType", "StringValue": "102"}],
 "DocNumber": "1033", "TxnDate": "2014-09-18", "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
 "LinkedTxn": [{"TxnId": "63", "TxnType": "Payment"}, {"TxnId": "100", "TxnType": "Estimate"}],
 "Line": [
  {"Id": "1", "LineNum": 1, "Description": "Rock Fountain", "Amount": 275.0, "DetailType": "SalesItemLineDetail",
   "SalesItemLineDetail": {"ItemRef": {"value": "5", "name": "Rock Fountain"}, "UnitPrice": 275, "Qty": 1, "TaxCodeRef": {"value": "TAX"}}},
  {"Id": "2", "LineNum": 2, "Description": "Custom Design", "Amount": 262.50, "DetailType": "SalesItemLineDetail",
   "SalesItemLineDetail": {"ItemRef": {"value": "4", "name": "Design"}, "UnitPrice": 75, "Qty": 3.5, "TaxCodeRef": {"value": "NON"}}},
  {"Amount": 537.50, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}],
 "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": 22.00, "TaxLine": [{"Amount": 22.00, "DetailType": "TaxLineDetail",
   "TaxLineDetail": {"TaxRateRef": {"value": "3"}, "PercentBased": true, "TaxPercent": 8, "NetAmountTaxable": 275.00}}]},
 "CustomerRef": {"value": "24", "name": "Sonnenschein Family Store"}, "CustomerMemo": {"value": "Thank you for your business"},
 "BillAddr": {"Id": "25", "Line1": "Russ Sonnenschein", "City": "Middlefield", "CountrySubDivisionCode": "CA", "PostalCode": "94303"},
 "SalesTermRef": {"value": "3"}, "DueDate": "2014-10-18", "TotalAmt": 559.50, "ApplyTaxAfterDiscount": false, "PrintStatus": "NeedToPrint",
 "EmailStatus": "NeedToSend", "BillEmail": {"Address": "Familiystore@intuit.com"}, "Balance": 362.07, "Deposit": 0}"""

VOIDED = """{"Id": "33", "SyncToken": "3", "DocNumber": "1014", "TxnDate": "2014-08-02", "DueDate": "2014-09-01", "PrivateNote": "Voided",
 "CurrencyRef": {"value": "USD"}, "CustomerRef": {"value": "24", "name": "Sonnenschein Family Store"}, "LinkedTxn": [],
 "Line": [{"Id": "1", "Amount": 0, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "5"}, "Qty": 0}}],
 "TotalAmt": 0, "Balance": 0, "EmailStatus": "NotSet"}"""

PAYMENT = """{"CustomerRef": {"value": "16", "name": "Kookies by Kathy"}, "DepositToAccountRef": {"value": "4"},
 "PaymentMethodRef": {"value": "2"},
 "PaymentRefNum": "10264", "TotalAmt": 75.00, "UnappliedAmt": 10.0, "ProcessPayment": false, "domain": "QBO", "sparse": false, "Id": "53",
 "SyncToken": "0", "MetaData": {"CreateTime": "2014-09-18T12:00:00-07:00", "LastUpdatedTime": "2014-09-18T12:00:00-07:00"},
 "TxnDate": "2014-09-18", "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
 "Line": [{"Amount": 65.00, "LinkedTxn": [{"TxnId": "16", "TxnType": "Invoice"}], "LineEx": {"any": [
   {"name": "{http://schema.intuit.com/finance/v3}NameValue", "declaredType": "com.intuit.schema.finance.v3.NameValue",
    "value": {"Name": "txnOpenBalance", "Value": "75.00"}, "nil": false}]}}]}"""

LINKING = """{"CustomerRef": {"value": "20", "name": "Red Rock Diner"}, "TotalAmt": 0, "UnappliedAmt": 0,
 "ProcessPayment": false, "Id": "74",
 "SyncToken": "0", "TxnDate": "2014-09-19", "CurrencyRef": {"value": "USD"},
 "PrivateNote": "Created by QB Online to link credits to charges.",
 "Line": [{"Amount": 100.00, "LinkedTxn": [{"TxnId": "73", "TxnType": "CreditMemo"}]},
          {"Amount": 100.00, "LinkedTxn": [{"TxnId": "70", "TxnType": "Invoice"}]}]}"""

VOIDED_PAYMENT = """{"SyncToken": "1", "domain": "QBO", "UnappliedAmt": 0, "TotalAmt": 0, "TxnDate": "2014-11-07",
 "ProjectRef": {"value": "39298234"},
 "ProcessPayment": false, "PrivateNote": "Voided", "sparse": false, "Line": [],
 "CustomerRef": {"name": "Freeman Sporting Goods:55 Twin Lane",
 "value": "9"}, "Id": "133", "MetaData": {"CreateTime": "2014-11-07T11:07:19-08:00", "LastUpdatedTime": "2015-02-23T12:52:07-08:00"}}"""

CREDIT_MEMO = """{"RemainingCredit": 0, "Balance": 0, "TotalAmt": 100.00, "Id": "73", "SyncToken": "1", "DocNumber": "1026",
 "TxnDate": "2014-09-02",
 "CustomerRef": {"value": "3", "name": "Cool Cars"}, "CurrencyRef": {"value": "USD"}, "Line": [], "PrivateNote": "Goodwill"}"""

JOB = """{"Taxable": false, "Job": true, "BillWithParent": true, "ParentRef": {"value": "7"}, "Level": 1,
 "Balance": 85.0, "BalanceWithJobs": 85.0,
 "CurrencyRef": {"value": "USD", "name": "United States Dollar"}, "PreferredDeliveryMethod": "Print",
 "IsProject": false, "Id": "9", "SyncToken": "2",
 "MetaData": {"CreateTime": "2014-12-22T17:01:00-08:00", "LastUpdatedTime": "2015-06-18T13:36:31-07:00"}, "GivenName": "Amelia",
 "FullyQualifiedName": "Freeman Sporting Goods:55 Twin Lane", "CompanyName": "Freeman Sporting Goods", "DisplayName": "55 Twin Lane",
 "Active": true, "PrimaryPhone": {"FreeFormNumber": "(650) 555-0987"}, "PrimaryEmailAddr": {"Address": "Sporting_goods@intuit.com"},
 "BillAddr": {"Id": "9", "Line1": "370 Easy St.", "City": "Middlefield", "CountrySubDivisionCode": "CA", "PostalCode": "94482"}}"""

CDC = """{"CDCResponse": [{"QueryResponse": [
  {"Customer": [{"Id": "63", "DisplayName": "New Lawncare"}], "startPosition": 1, "maxResults": 1},
  {},
  {"Invoice": [{"domain": "QBO", "status": "Deleted", "Id": "979", "MetaData": {"LastUpdatedTime": "2015-12-17T12:17:25-08:00"}}],
   "startPosition": 1, "maxResults": 1}]}], "time": "2015-12-17T12:17:37.721-08:00"}"""


def test_an_invoice() -> None:
    invoice = mapping.invoice(recorded(INVOICE), "24", "")
    assert (invoice.id, invoice.number, invoice.customer_id, invoice.version) == ("67", "1033", "24", "2")
    assert (invoice.issued_on, invoice.due_date, invoice.status) == (date(2014, 9, 18), date(2014, 10, 18), DocumentStatus.OPEN)
    assert (invoice.instalments[0].total, invoice.outstanding) == (usd("559.50"), usd("362.07"))
    assert (invoice.contact_id, invoice.page_url, invoice.is_late_charge) == ("mailto:Familiystore@intuit.com", "", False)
    assert mapping.payments_linked(recorded(INVOICE)) == ("63",)
    assert not mapping.is_untouched(recorded(INVOICE))


def test_a_paid_and_a_voided_invoice_both_have_no_balance() -> None:
    paid = recorded(INVOICE) | {"Balance": 0}
    assert mapping.invoice(paid, "24", "", date(2014, 9, 30)).status is DocumentStatus.PAID
    assert mapping.invoice(paid, "24", "", date(2014, 9, 30)).settled_on == date(2014, 9, 30)
    void = mapping.invoice(recorded(VOIDED), "24", "", date(2014, 9, 30))
    assert (void.status, void.settled_on) == (DocumentStatus.VOID, None)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Balance": 0, "TotalAmt": 0}, DocumentStatus.VOID),
        ({"Balance": 0, "TotalAmt": 0, "PrivateNote": "Voided - waits for the PO", "status": "Voided"}, DocumentStatus.VOID),
        ({"Balance": 0, "LinkedTxn": [], "PrivateNote": "Voided"}, DocumentStatus.VOID),
        ({"Balance": 0, "PrivateNote": "Voided cheque, paid by card"}, DocumentStatus.PAID),
        ({"PrivateNote": "Voided cheque, asked for another"}, DocumentStatus.OPEN),
    ],
)
def test_a_void_is_told_from_a_payment(change: dict[str, Any], status: DocumentStatus) -> None:
    assert mapping.invoice(recorded(INVOICE) | change, "24", "").status is status


def test_a_payment_and_what_it_was_used_on() -> None:
    payment = mapping.payment(recorded(PAYMENT), "16", "")
    assert payment is not None
    assert (payment.id, payment.amount, payment.unapplied, payment.reference) == ("53", usd("75"), usd("10"), "10264")
    used = mapping.allocations(recorded(PAYMENT), "")
    assert used == (Allocation("53:53:16", "16", "53", CreditKind.PAYMENT, usd("65"), date(2014, 9, 18)),)


def test_a_payment_over_nothing_is_the_use_of_a_credit_memo_and_no_money() -> None:
    assert mapping.payment(recorded(LINKING), "20", "") is None
    used = mapping.allocations(recorded(LINKING), "")
    assert used == (Allocation("74:73:70", "70", "73", CreditKind.CREDIT_NOTE, usd("100"), date(2014, 9, 19)),)


def test_a_payment_that_takes_a_credit_memo_along_is_dealt_out() -> None:
    uses = [("CreditMemo", "73", 30), ("Invoice", "70", 100), ("JournalEntry", "5", 5), ("Invoice", "71", 20)]
    lines = [{"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": key, "TxnType": kind}]} for kind, key, amount in uses]
    row = recorded(PAYMENT) | {"TotalAmt": 95, "UnappliedAmt": 0, "Line": [*lines, {"Amount": 1}]}
    told = [(each.invoice_id, each.source_id, each.amount) for each in mapping.allocations(row, "")]
    assert told == [("70", "73", usd("30")), ("70", "53", usd("70")), ("71", "53", usd("20"))]


def test_a_voided_payment_has_nothing_left_and_is_told() -> None:
    payment = mapping.payment(recorded(VOIDED_PAYMENT), "9", "USD")
    assert payment is not None
    assert (payment.status, payment.unapplied, mapping.allocations(recorded(VOIDED_PAYMENT), "USD")) == (DocumentStatus.VOID, usd("0"), ())
    assert mapping.unapplied(payment) is None


def test_a_credit_memo_that_is_used_up_and_one_that_is_not() -> None:
    used = mapping.credit_note(recorded(CREDIT_MEMO), "3", "")
    assert (used.status, used.remaining, mapping.unapplied(used)) == (DocumentStatus.PAID, usd("0"), None)
    left = mapping.credit_note(recorded(CREDIT_MEMO) | {"RemainingCredit": Decimal("12.5"), "Balance": 0}, "3", "")
    credit = mapping.unapplied(left)
    assert credit is not None
    assert (left.status, credit.remaining, credit.kind, credit.number) == (DocumentStatus.OPEN, usd("12.5"), CreditKind.CREDIT_NOTE, "1026")


def test_a_job() -> None:
    job = mapping.customer(recorded(JOB))
    assert (job.id, job.name, job.parent_id, job.email) == ("9", "55 Twin Lane", "7", "Sporting_goods@intuit.com")
    assert (job.phone, job.country, job.language, job.is_business) == ("(650) 555-0987", "", "", True)


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"Active": False, "DisplayName": "55 Twin Lane (deleted)"}, "name", "55 Twin Lane"),
        ({"CompanyName": None}, "is_business", False),
        ({"BillAddr": {"Country": "Spain"}}, "language", "es"),
        ({"BillAddr": {"Country": "España"}}, "country", "ES"),
        ({"BillAddr": {"Country": "USA"}}, "language", "en"),
        ({"BillAddr": {"Country": "Canada"}}, "language", ""),
        ({"BillAddr": {"Country": "Freedonia"}}, "country", ""),
        ({"BillAddr": {"Country": "XQ"}}, "country", ""),
        ({"PrimaryPhone": None, "Mobile": {"FreeFormNumber": "600 000"}}, "phone", "600 000"),
        ({"PrimaryEmailAddr": {"Address": " Ana <ana@x.es>; ap@x.es"}}, "email", "ana@x.es"),
        ({"PrimaryEmailAddr": {}}, "email", ""),
    ],
)
def test_what_people_write_into_a_customer(change: dict[str, Any], field: str, expected: Any) -> None:
    assert getattr(mapping.customer(recorded(JOB) | change), field) == expected


def test_a_second_address_of_a_customer_is_a_contact() -> None:
    customer = mapping.customer(recorded(JOB) | {"PrimaryEmailAddr": {"Address": "a@x.es, b@x.es,a@x.es"}})
    assert (customer.email, [contact.email for contact in customer.contacts]) == ("a@x.es", ["b@x.es"])
    assert mapping.addresses_of({"Address": "a@x.es;Ana <b@x.es> ;"}) == ("a@x.es", "b@x.es")


def test_whole_numbers_and_texts_are_exact_amounts_too() -> None:
    row = recorded(INVOICE) | {"TotalAmt": 100, "Balance": "0.10"}
    assert mapping.invoice(row, "24", "").instalments[0].total == usd("100.00")
    assert mapping.invoice(row, "24", "").outstanding == usd("0.10")


def test_the_home_currency_stands_for_one_that_is_not_named_and_not_for_another() -> None:
    bare = {name: value for name, value in recorded(INVOICE).items() if name != "CurrencyRef"}
    assert mapping.invoice(bare, "24", "CAD").currency == "CAD"
    foreign = recorded(INVOICE) | {"CurrencyRef": {"value": "EUR"}, "ExchangeRate": Decimal("1.1"), "HomeBalance": Decimal("398.28")}
    assert mapping.invoice(foreign, "24", "USD").outstanding == Money.of("362.07", "EUR")


def _with_lines(*lines: Any) -> Invoice:
    return mapping.invoice(recorded(INVOICE) | {"Line": list(lines)}, "24", "")


def _line(item: str, text: str = "", account: str = "Services", amount: Any = 25) -> dict[str, Any]:
    detail = {"ItemRef": {"value": "9", "name": item}, "ItemAccountRef": {"value": "8", "name": account}}
    return {"Id": "9", "Amount": amount, "Description": text, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (_line("Late fee"), "Late fee"),
        (_line("Fees", account="Late fee income"), "Late fee income"),
        (_line("Sonstiges", "Verzugszinsen 9 % für 30 Tage"), "Verzugszinsen 9 % für 30 Tage"),
        (_line("Intérêts de retard"), "Intérêts de retard"),
        (_line("Recargo por mora"), "Recargo por mora"),
        (
            {"Id": "3", "Amount": 25, "DetailType": "GroupLineDetail", "GroupLineDetail": {"Line": [_line("Finance charge")]}},
            "Finance charge",
        ),
        (_line("Late fee", "Late fee [puntual:1f2e]"), ""),
        (_line("Late fee", amount=0), ""),
        (_line("Advice", "Advice on late fee rules"), ""),
        (_line("Lattice, late delivery"), ""),
    ],
)
def test_who_else_charges_lateness(line: Any, name: str) -> None:
    assert _with_lines(line).ledger_late_fee == name


def test_our_own_document_is_known_by_its_note_also_when_it_was_voided() -> None:
    for note in ("Puntual [puntual:1f2e]", "Voided - Puntual [puntual:1f2e]"):
        ours = mapping.invoice(recorded(INVOICE) | {"PrivateNote": note, "Line": [_line("Late fee")]}, "24", "")
        assert (ours.is_late_charge, ours.ledger_late_fee) == (True, "")


def test_changes_come_in_parts_of_which_some_are_empty() -> None:
    changed = _changes_in(recorded(CDC))
    assert [row["Id"] for row in changed["Customer"]] == ["63"]
    assert [mapping.is_deleted(row) for row in changed["Invoice"]] == [True]
    assert changed["Payment"] == []
    assert not mapping.is_deleted(recorded(INVOICE) | {"status": "Voided"})


def test_a_sparse_update_keeps_every_line_as_it_came_and_sends_no_tax() -> None:
    row, line = recorded(INVOICE), mapping.charge_line(Decimal("12.10"), "Late fee [puntual:1f2e]", "99", "NON")
    body = mapping.with_line(row, line)
    assert set(body) == {"Id", "SyncToken", "sparse", "Line"}
    assert (body["Id"], body["SyncToken"], body["sparse"]) == ("67", "2", True)
    assert body["Line"] == [*row["Line"][:2], line]
