"""The stand-in of QuickBooks Online makes of writes what the service makes of them, and refuses the wrong ones."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from puntual.connectors.stub_server import Trouble
from qbo_client import ISSUED, MARKET, Client, a_line, code_of


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


@pytest.fixture
def market() -> Iterator[Client]:
    client = Client(**MARKET)
    yield client
    client.close()


# --- documents --------------------------------------------------------------------------------------------------------------------


def test_a_voided_invoice_stays_over_nothing(client: Client) -> None:
    key = client.invoice(PrivateNote="Ring first")
    payment = client.books.pay(key, Decimal(40), on=ISSUED)
    assert code_of(client.post("invoice", {"Id": key, "SyncToken": "0"}, operation="void")) == "5010"
    token = client.read(key)["SyncToken"]
    client.post("invoice", {"Id": key, "SyncToken": token}, operation="void")
    row = client.read(key)
    assert (row["TotalAmt"], row["Balance"], row["PrivateNote"], row["LinkedTxn"]) == (0, 0, "Voided - Ring first", [])
    assert row["Line"][0]["SalesItemLineDetail"]["Qty"] == 0
    assert client.get(f"payment/{payment}")["Payment"]["UnappliedAmt"] == 40
    assert "InvoiceLink" not in row
    assert client.found(f"select * from Customer where Id = '{client.customer}'")[0]["Balance"] == -40


def test_a_credit_memo_is_applied_by_a_payment_over_nothing(client: Client) -> None:
    key, memo = client.invoice(), client.books.add_credit_memo(client.customer, Decimal(30), on=ISSUED)
    link = client.books.apply_credit(memo, key, Decimal("12.50"), on=ISSUED)
    payment = client.get(f"payment/{link}")["Payment"]
    assert (payment["TotalAmt"], payment["UnappliedAmt"], payment["PrivateNote"][:20]) == (0, 0, "Created by QB Online")
    links = [(line["Amount"], line["LinkedTxn"]) for line in payment["Line"]]
    assert links == [(12.5, [{"TxnId": key, "TxnType": "Invoice"}]), (12.5, [{"TxnId": memo, "TxnType": "CreditMemo"}])]
    credit = client.get(f"creditmemo/{memo}")["CreditMemo"]
    assert (client.read(key)["Balance"], credit["Balance"], credit["RemainingCredit"]) == (87.5, 17.5, 17.5)
    client.books.unapply(key)
    assert client.read(key)["Balance"] == 100
    assert code_of(client.get(f"payment/{link}")) == "610"


def test_a_sparse_update_replaces_all_lines_and_keeps_the_rest(client: Client) -> None:
    key = client.invoice(PrivateNote="Keep me")
    row = client.read(key)
    update = {"Id": key, "SyncToken": row["SyncToken"], "sparse": True, "Line": [*row["Line"], a_line("25.00", Description="Fee")]}
    after = client.post("invoice", update)["Invoice"]
    assert (after["TotalAmt"], after["PrivateNote"], after["SyncToken"]) == (125, "Keep me", "1")
    assert [line.get("Id") for line in after["Line"]] == ["1", "2", None]
    assert code_of(client.post("invoice", update)) == "5010"
    only = client.post("invoice", {"Id": key, "SyncToken": "1", "sparse": True, "Line": [a_line(7)]})["Invoice"]
    assert (only["TotalAmt"], len(only["Line"])) == (7, 2)
    assert code_of(client.post("invoice", {"Id": key, "SyncToken": "2", "sparse": True, "Line": [a_line(Id="9")]})) == "2030"
    full = client.post("invoice", {"Id": key, "SyncToken": "2", "CustomerRef": {"value": client.customer}, "Line": [a_line(7)]})
    assert "PrivateNote" not in full["Invoice"]


def test_a_line_without_an_item_is_a_remark(client: Client) -> None:
    made = client.post("invoice", {"CustomerRef": {"value": client.customer}, "Line": [a_line(10), a_line(99, item="")]})["Invoice"]
    assert (made["TotalAmt"], [line["DetailType"] for line in made["Line"]][1]) == (10, "DescriptionOnly")
    assert "InvoiceLink" not in made


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CustomerRef": None}, "2020"),
        ({"CustomerRef": {"value": "77"}}, "2500"),
        ({"Line": []}, "2020"),
        ({"Line": [a_line(item="77")]}, "2500"),
        ({"Line": [a_line(tax="2")]}, "2500"),
        ({"Line": [a_line("1.123456")]}, "2090"),
        ({"Line": [a_line(DetailType="Fee")]}, "2010"),
        ({"Line": [a_line(-5)]}, "6000"),
        ({"DocNumber": "1001"}, "6140"),
        ({"DocNumber": "x" * 22}, "2050"),
        ({"PrivateNote": "x" * 4001}, "2050"),
        ({"BillEmail": {"Address": "nobody"}}, "2210"),
        ({"CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"DueDate": "18/03/2026"}, "2010"),
        ({"DeliveryInfo": {"DeliveryTime": ""}}, "2010"),
        ({"Colour": "red"}, "2010"),
        ({"Id": "77", "SyncToken": "0"}, "610"),
        ({"Id": "1"}, "2020"),
    ],
)
def test_a_wrong_invoice_is_refused_and_not_made(client: Client, change: dict[str, Any], code: str) -> None:
    client.invoice()
    body = {"CustomerRef": {"value": client.customer}, "Line": [a_line()]}
    assert code_of(client.post("invoice", body | change)) == code
    assert client.query("select count(*) from Invoice")["QueryResponse"] == {"totalCount": 1}


def test_a_quantity_that_does_not_come_to_the_amount_is_refused(client: Client) -> None:
    line = a_line(25)
    line["SalesItemLineDetail"] |= {"Qty": 2, "UnitPrice": 12}
    assert code_of(client.post("invoice", {"CustomerRef": {"value": client.customer}, "Line": [line]})) == "6070"


def test_outside_the_us_tax_codes_are_ids_and_tax_is_added(market: Client) -> None:
    body: dict[str, Any] = {"CustomerRef": {"value": market.customer}, "Line": [a_line(10, tax="1")]}
    made = market.post("invoice", body)["Invoice"]
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (2, 12)
    assert code_of(market.post("invoice", {**body, "Line": [a_line()]})) == "2500"
    # What was read and is sent back counts as the tax that the client insists on.
    update = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Line": [*made["Line"], a_line(10, tax="1")]}
    stuck = market.post("invoice", {**update, "TxnTaxDetail": made["TxnTaxDetail"]})["Invoice"]
    assert stuck["TotalAmt"] == 22
    assert market.post("invoice", {**update, "SyncToken": "1"})["Invoice"]["TotalAmt"] == 24


def test_several_currencies(market: Client) -> None:
    abroad = market.books.add_customer("Zenith", currency="USD")
    key = market.books.add_invoice(abroad, Decimal("10.10"), issued_on=ISSUED)
    row = market.read(key)
    assert (row["CurrencyRef"]["value"], row["Balance"], row["HomeBalance"]) == ("USD", 10.1, 5.05)


def test_closed_books_refuse_writes_by_either_code(client: Client) -> None:
    key = client.invoice()
    for code in ("6210", "5010"):
        client.books.close_books(ISSUED, code=code)
        refused = client.post("invoice", {"Id": key, "SyncToken": "0", "sparse": True, "DueDate": "2026-04-01"})
        assert (code_of(refused), refused["Fault"]["Error"][0]["Message"][:21]) == (code, "Account Period Closed")
        moved = {"Id": key, "SyncToken": "0", "sparse": True, "TxnDate": "2026-03-01"}
        assert code_of(client.post("invoice", moved)) == code
    body = {"CustomerRef": {"value": client.customer}, "Line": [a_line()]}
    assert code_of(client.post("invoice", {**body, "TxnDate": "2026-01-01"})) == "5010"
    assert code_of(client.post("invoice", body)) == ""


def test_the_same_request_id_is_one_invoice(client: Client) -> None:
    body = {"CustomerRef": {"value": client.customer}, "Line": [a_line()]}
    first, again = (client.post("invoice", body, requestid="fee-1") for _ in range(2))
    assert first["Invoice"] == again["Invoice"]
    client.server.forget_requests()
    assert client.post("invoice", body, requestid="fee-1")["Invoice"]["Id"] != first["Invoice"]["Id"]
    assert code_of(client.post("invoice", body, requestid="x" * 51)) == "2050"
    client.server.trouble = Trouble.LOST_ANSWER
    with pytest.raises(requests.ConnectionError):
        client.post("invoice", body, requestid="fee-2")
    made = client.post("invoice", body, requestid="fee-2")["Invoice"]["Id"]
    assert client.found("select * from Invoice orderby Id desc maxresults 1")[0]["Id"] == made


def test_open_credit_is_used_on_a_new_invoice_when_the_company_wants_that(client: Client) -> None:
    client.books.add_payment(client.customer, Decimal(10), on=ISSUED)
    client.books.add_credit_memo(client.customer, Decimal(30), on=ISSUED)
    body = {"CustomerRef": {"value": client.customer}, "Line": [a_line(25)]}
    assert client.post("invoice", body)["Invoice"]["Balance"] == 25
    client.books.auto_apply_credit = True
    assert client.post("invoice", body)["Invoice"]["Balance"] == 0
    assert client.found("select * from CreditMemo")[0]["RemainingCredit"] == 15


def test_a_job_belongs_to_its_parent(client: Client) -> None:
    job = client.books.add_customer("Site 7", parent=client.customer, bill_with_parent=True)
    client.books.add_invoice(job, Decimal(8), issued_on=ISSUED)
    row = client.get(f"customer/{job}")["Customer"]
    assert (row["Job"], row["ParentRef"]["value"], row["BillWithParent"], row["FullyQualifiedName"]) == (
        True,
        client.customer,
        True,
        "Acme:Site 7",
    )
    above = client.get(f"customer/{client.customer}")["Customer"]
    assert (above["Balance"], above["BalanceWithJobs"]) == (0, 8)


def test_the_ledgers_own_late_fee_is_a_line(client: Client) -> None:
    key = client.invoice()
    assert client.books.add_late_fee(key, Decimal(5)) == "Late fee"
    row = client.read(key)
    assert (row["Balance"], row["Line"][1]["SalesItemLineDetail"]["ItemRef"]["name"]) == (105, "Late fee")
    item = client.found("select * from Item where Name = 'Late fee'")[0]
    assert item["IncomeAccountRef"]["name"] == "Late fee income"


# --- notes, batches and the rest ----------------------------------------------------------------------------------------------------


def attached(key: str, note: str) -> dict[str, Any]:
    return {"Note": note, "AttachableRef": [{"EntityRef": {"type": "Invoice", "value": key}, "IncludeOnSend": False}]}


def test_notes_are_attached_and_found(client: Client) -> None:
    key, other = client.invoice(), client.invoice()
    made = client.post("attachable", attached(key, "Reminded [puntual:1f]"))["Attachable"]
    assert int(made["Id"]) > 2**63
    by_type = (
        f"select * from Attachable where AttachableRef.EntityRef.Type = 'Invoice' and AttachableRef.EntityRef.value in ('{key}', '{other}')"
    )
    assert [row["Note"] for row in client.found(by_type)] == client.books.notes(key) == ["Reminded [puntual:1f]"]
    assert client.found("select * from Attachable where Note like '%[puntual:2%'") == []
    assert code_of(client.post("attachable", attached(key, "x" * 2001))) == "2050"
    assert code_of(client.post("attachable", attached("77", "x"))) == "610"
    assert client.read(key)["SyncToken"] == "0"


def test_a_us_company_keeps_latin_letters_only(client: Client, market: Client) -> None:
    assert client.post("attachable", attached(client.invoice(), "Größe — 5 €"))["Attachable"]["Note"] == "Größe ? 5 ?"
    assert market.post("attachable", attached(market.invoice(), "Größe — 5 €"))["Attachable"]["Note"] == "Größe — 5 €"


def test_the_items_of_a_batch_are_answered_and_metered_singly(client: Client) -> None:
    key, before = client.invoice(), client.server.api.metered
    items = [
        {"bId": "1", "Query": f"select * from Invoice where Id = '{key}'"},
        {"bId": "2", "Query": "select * from invoice"},
        {"bId": "3", "operation": "create", "Attachable": attached(key, "x")},
        {"bId": "4", "operation": "update", "optionsData": "void", "Invoice": {"Id": key, "SyncToken": "0"}},
        {"bId": "5", "Query": "select count(*) from Invoice where Balance > '0'"},
    ]
    calls = client.server.calls
    answers = client.post("batch", {"BatchItemRequest": items})["BatchItemResponse"]
    assert [answer["bId"] for answer in answers] == ["1", "2", "3", "4", "5"]
    assert [code_of(answer) for answer in answers] == ["", "4001", "", "", ""]
    assert (answers[3]["Invoice"]["TotalAmt"], answers[4]["QueryResponse"]) == (0, {"totalCount": 0})
    assert "InvoiceLink" not in answers[0]["QueryResponse"]["Invoice"][0]
    assert (client.server.calls - calls, client.server.api.metered - before) == (1, 2)
    many = [{"bId": str(n), "Query": "select * from Item"} for n in range(31)]
    assert code_of(client.post("batch", {"BatchItemRequest": many})) == "1040"
    assert code_of(client.post("batch", {"BatchItemRequest": [items[0], items[0]]})) == "2020"


def test_deleting_sending_and_printing(client: Client) -> None:
    key, silent = client.invoice(), client.invoice(email="")
    assert client.call("GET", f"invoice/{key}/pdf", accept="application/pdf").content.startswith(b"%PDF-")
    assert client.call("GET", f"invoice/{key}/pdf").status_code == 406
    assert code_of(client.call("POST", f"invoice/{silent}/send").json()) == "2020"
    sent = client.call("POST", f"invoice/{key}/send", params={"sendTo": "new@acme.example"}).json()["Invoice"]
    assert (sent["EmailStatus"], sent["BillEmail"], sent["SyncToken"]) == ("EmailSent", {"Address": "new@acme.example"}, "1")
    gone = client.post("invoice", {"Id": key, "SyncToken": "1"}, operation="delete")
    assert gone["Invoice"] == {"status": "Deleted", "domain": "QBO", "Id": key}
    assert code_of(client.get(f"invoice/{key}")) == "610"


def test_a_lapsed_subscription_reads_and_does_not_write(client: Client) -> None:
    key, client.books.subscription_ended = client.invoice(), True
    assert client.read(key)["Id"] == key
    assert code_of(client.post("attachable", attached(key, "x"))) == "6190"


def test_the_switches_for_what_nobody_knows(client: Client) -> None:
    key = client.invoice()
    client.books.posting.payments_bump_versions = client.books.custom_numbers = False
    client.at += timedelta(minutes=5)
    client.books.pay(key, Decimal(1), on=ISSUED)
    assert client.read(key)["SyncToken"] == "0"
    since = client.at = client.at + timedelta(minutes=5)
    client.books.notes_touch_documents = client.books.changes_say_voided = client.books.custom_numbers = True
    client.post("attachable", attached(key, "x"))
    void = client.invoice()
    client.books.void(void)
    assert [(row["Id"], row.get("status")) for row in client.changes(since, "Invoice")[0]["Invoice"]] == [(key, None), (void, "Voided")]
    made = client.post("invoice", {"CustomerRef": {"value": client.customer}, "Line": [a_line()]})["Invoice"]
    assert "DocNumber" not in made
