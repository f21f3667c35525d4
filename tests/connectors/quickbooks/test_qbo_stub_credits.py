"""The stand-in's credit memos and payments, spoken to over plain HTTP."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from qbo_client import ISSUED, Client, a_line, code_of

ON = "2026-03-18"


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
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
