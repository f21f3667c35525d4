"""The stand-in's credit memos and payments, spoken to over plain HTTP."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from qbo_client import ISSUED, MARKET, Client, a_line, code_of

ON = "2026-03-18"


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.close()


@pytest.fixture
def market() -> Iterator[Client]:
    made = Client(**MARKET)
    yield made
    made.close()


def _memo(client: Client, amount: float = 25.0, **changes: Any) -> Any:
    body = {"CustomerRef": {"value": client.customer}, "Line": [a_line(amount)], "PrivateNote": "[puntual:1]", **changes}
    return client.post("creditmemo", body)


def _link(kind: str, key: str, amount: float) -> dict[str, Any]:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": key, "TxnType": kind}]}


def _payment(client: Client, *lines: dict[str, Any], total: float = 0, **changes: Any) -> Any:
    return client.post("payment", {"CustomerRef": {"value": client.customer}, "TotalAmt": total, "Line": list(lines), **changes})


def test_a_payment_over_nothing_uses_a_credit_memo_on_an_invoice(client: Client) -> None:
    invoice, memo = client.invoice(), _memo(client)["CreditMemo"]
    assert (memo["TotalAmt"], memo["Balance"], memo["RemainingCredit"], bool(memo["DocNumber"])) == (25, 25, 25, True)
    paid = _payment(client, _link("Invoice", invoice, 25), _link("CreditMemo", memo["Id"], 25))["Payment"]
    assert (paid["TotalAmt"], paid["UnappliedAmt"]) == (0, 0)
    assert client.read(invoice)["Balance"] == 75
    assert client.get(f"creditmemo/{memo['Id']}")["CreditMemo"]["RemainingCredit"] == 0
    assert client.books.store.get("Customer", client.customer)["Balance"] == Decimal(75)


def test_what_is_beyond_or_of_others_is_refused(client: Client) -> None:
    invoice, memo = client.invoice(), _memo(client)["CreditMemo"]["Id"]
    stranger = client.books.add_invoice(client.books.add_customer("Other"), Decimal(50), issued_on=ISSUED)
    used = _link("Invoice", invoice, 25), _link("CreditMemo", memo, 25)
    assert code_of(_payment(client, _link("Invoice", invoice, 101), total=101)) == "6000"
    assert code_of(_payment(client, _link("Invoice", invoice, 30), used[1])) == "6000"
    assert code_of(_payment(client, used[0], _link("CreditMemo", memo, 26))) == "6000"
    assert code_of(_payment(client, _link("Invoice", stranger, 25), used[1])) == "620"
    assert code_of(_payment(client, _link("Invoice", "999", 25), used[1])) == "2500"
    assert code_of(_payment(client, {"Amount": 25}, used[1])) == "2020"
    assert code_of(_payment(client, *used, TxnDate=ON, DocNumber="7")) == "2010"
    assert list(client.books.store.rows("Payment")) == []


def test_closed_books_take_neither_and_only_memos_are_deleted(client: Client) -> None:
    memo = _memo(client)["CreditMemo"]
    client.books.close_books(date(2026, 3, 18))
    assert code_of(_memo(client, TxnDate=ON)) == "6210"
    assert code_of(_payment(client, TxnDate=ON, total=5)) == "6210"
    client.books.closed_until = None
    body = {"Id": memo["Id"], "SyncToken": memo["SyncToken"]}
    assert code_of(client.post("creditmemo", body, operation="void")) == "500"
    assert code_of(client.post("creditmemo", {**body, "sparse": True, "PrivateNote": "x"})) == "500"
    assert client.post("creditmemo", body, operation="delete")["CreditMemo"]["status"] == "Deleted"
    assert list(client.books.store.rows("CreditMemo")) == []


def test_with_its_setting_a_new_credit_goes_to_the_oldest_invoices(client: Client) -> None:
    newer, older = client.invoice("100.00"), client.books.add_invoice(client.customer, Decimal(10), issued_on=date(2025, 12, 1))
    client.books.auto_apply_credit = True
    assert _memo(client)["CreditMemo"]["Balance"] == 0
    assert (client.read(older)["Balance"], client.read(newer)["Balance"]) == (0, 85)


def _account(client: Client, name: str) -> str:
    return str(client.found(f"select * from Account where Name = '{name}'")[0]["Id"])


def test_money_goes_to_an_account_that_takes_deposits(client: Client) -> None:
    invoice, bank = client.invoice(), _account(client, "Checking")
    paid = _payment(client, _link("Invoice", invoice, 25), total=30, DepositToAccountRef={"value": bank}, PaymentRefNum="r" * 21)["Payment"]
    assert (paid["DepositToAccountRef"], paid["UnappliedAmt"]) == ({"value": bank, "name": "Checking"}, 5)
    assert _payment(client, total=5)["Payment"]["DepositToAccountRef"]["name"] == "Undeposited Funds"
    assert code_of(_payment(client, total=5, DepositToAccountRef={"value": "99"})) == "2500"
    assert code_of(_payment(client, total=5, DepositToAccountRef={"value": _account(client, "Accounts Receivable (A/R)")})) == "6000"
    client.books.deactivate("Account", bank)
    assert code_of(_payment(client, total=5, DepositToAccountRef={"value": bank})) == "610"
    assert client.found("select * from Account where Name = 'Checking'") == []
    assert code_of(_payment(client, total=5, PaymentRefNum="r" * 22)) == "2050"


def test_terms_are_read_and_kept_on_invoices(client: Client) -> None:
    term = client.books.add_term("2/10 net 30", DueDays=30, DiscountDays=10, DiscountPercent=2)
    client.books.add_term("The 15th", DayOfMonthDue=15, DueNextMonthDays=5)
    found = {row["Name"]: row["Type"] for row in client.found("select * from Term where Active IN (true, false)")}
    assert found == {"2/10 net 30": "STANDARD", "The 15th": "DATE_DRIVEN"}
    assert client.read(client.invoice(SalesTermRef={"value": term}))["SalesTermRef"] == {"value": term}
    assert code_of(client.query("select * from Invoice where SalesTermRef = '1'")) == "4001"


def test_tax_is_told_by_rate_and_may_be_stated(market: Client) -> None:
    both = market.books.add_tax_code("GST and PST", Decimal(5), Decimal(10))
    lines, customer = [a_line(100, tax="1"), a_line(50, tax=both), a_line(30, tax="2")], {"value": market.customer}
    body = {"CustomerRef": customer, "Line": lines}
    made = market.post("creditmemo", body)["CreditMemo"]
    told = [(line["TaxLineDetail"]["TaxPercent"], line["TaxLineDetail"]["NetAmountTaxable"], line["Amount"]) for line in _taxes(made)]
    assert told == [(20, 100, 20), (5, 50, 2.5), (10, 50, 5), (0, 30, 0)]
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (27.5, 207.5)
    stated = [{**line, "Amount": line["Amount"] + 0.01} for line in _taxes(made)[:1]]
    assert market.post("creditmemo", {**body, "TxnTaxDetail": {"TotalTax": 27.51, "TaxLine": stated}})["CreditMemo"]["TotalAmt"] == 207.51
    assert code_of(market.post("creditmemo", {**body, "TxnTaxDetail": {"TotalTax": 27.52, "TaxLine": stated}})) == "6000"
    strange = [{**stated[0], "TaxLineDetail": {"TaxRateRef": {"value": "99"}}}]
    assert code_of(market.post("creditmemo", {**body, "TxnTaxDetail": {"TotalTax": 27.5, "TaxLine": strange}})) == "2500"
    whole = market.post("creditmemo", {**body, "TxnTaxDetail": {"TotalTax": 11}})["CreditMemo"]
    assert [line["Amount"] for line in _taxes(whole)] == [8, 1, 2, 0]
    market.books.stated_tax_counts = False
    assert market.post("creditmemo", {**body, "TxnTaxDetail": {"TotalTax": 11}})["CreditMemo"]["TotalAmt"] == 207.5


def test_in_the_us_without_automated_tax_a_document_names_its_code(client: Client) -> None:
    client.books.tax_sales(Decimal(8))
    assert client.read(client.books.add_invoice(client.customer, Decimal(1), issued_on=ISSUED, lines=[_taxed(client)]))["TotalAmt"] == 108
    client.books.automated_sales_tax = False
    assert _memo(client, Line=[a_line(100, tax="TAX")])["CreditMemo"]["TotalAmt"] == 100
    named = _memo(client, Line=[a_line(100, tax="TAX")], TxnTaxDetail={"TxnTaxCodeRef": {"value": "3"}})["CreditMemo"]
    assert (named["TotalAmt"], named["TxnTaxDetail"]["TxnTaxCodeRef"]) == (108, {"value": "3"})


def _taxes(row: Any) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = row["TxnTaxDetail"]["TaxLine"]
    return lines


def _taxed(client: Client) -> dict[str, Any]:
    line = client.books.line(Decimal(100))
    return {**line, "SalesItemLineDetail": {**line["SalesItemLineDetail"], "TaxCodeRef": {"value": "TAX"}}}
