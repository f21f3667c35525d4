"""The stand-in of QuickBooks Online refuses what the service refuses: at its gate, in its query language, in its change data capture.

What is expected here was written from Intuit's documentation and from recorded answers, not from the connector.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from puntual.connectors.quickbooks.stub import Grant, QboFault, Shape
from puntual.connectors.stub_server import Trouble
from qbo_client import ISSUED, Client, a_line, code_of

REDIRECT = "http://localhost:8765/callback"


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


# --- authorization ----------------------------------------------------------------------------------------------------------------


def test_consent_gives_a_code_and_the_realm_and_the_code_works_once(client: Client) -> None:
    asked = {"client_id": client.server.client_id, "response_type": "code", "scope": "com.intuit.quickbooks.accounting", "state": "s1"}
    page = requests.get(client.server.url + "/connect/oauth2", {**asked, "redirect_uri": REDIRECT}, allow_redirects=False, timeout=10)
    back = {name: value[0] for name, value in parse_qs(urlsplit(page.headers["Location"]).query).items()}
    assert (page.status_code, back["state"], back["realmId"]) == (302, "s1", client.books.realm_id)
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    assert client.form({**form, "redirect_uri": "http://localhost/other"})["error"] == "invalid_grant"
    tokens = client.form(form)
    assert (tokens["expires_in"], tokens["x_refresh_token_expires_in"], "realmId" in tokens) == (3600, 8726400, False)
    assert client.server.oauth.realm_of(tokens["access_token"]) == client.books.realm_id
    assert client.form(form)["error"] == "invalid_grant"
    assert client.server.oauth.realm_of(tokens["access_token"]) is None


def test_a_wrong_question_is_a_page_and_a_refusal_comes_back(client: Client) -> None:
    asked = {"client_id": client.server.client_id, "response_type": "code", "scope": "com.intuit.quickbooks.accounting", "state": "s1"}
    asked["redirect_uri"] = REDIRECT
    url = client.server.url + "/connect/oauth2"
    for wrong in ({"redirect_uri": "http://localhost:8766/callback"}, {"client_id": "x"}, {"scope": "all"}, {"state": ""}):
        assert requests.get(url, {**asked, **wrong}, allow_redirects=False, timeout=10).status_code == 400
    client.server.oauth.person_refuses = True
    location = requests.get(url, asked, allow_redirects=False, timeout=10).headers["Location"]
    assert location == f"{REDIRECT}?error=access_denied&state=s1"


def test_the_refresh_token_rotates_after_a_day_and_the_old_one_dies(client: Client) -> None:
    first = client.server.grant().refresh_token
    client.at += timedelta(hours=2)
    assert client.renewed(first)["refresh_token"] == first
    client.at += timedelta(hours=22)
    second = client.renewed(first)
    assert second["refresh_token"] != first
    assert client.renewed(first)["error"] == "invalid_grant"
    # Whoever uses a dead value may be a thief: the whole consent ends.
    assert client.renewed(second["refresh_token"])["error"] == "invalid_grant"
    assert client.server.oauth.realm_of(second["access_token"]) is None


def test_two_renewals_at_once_end_the_consent(client: Client) -> None:
    token = client.server.grant().refresh_token
    with ThreadPoolExecutor(1) as other:
        answers: list[Any] = []
        client.server.oauth.while_renewing = lambda: answers.append(other.submit(client.renewed, token).result())
        assert client.renewed(token)["error"] == "invalid_grant"
    assert [answer["error"] for answer in answers] == ["invalid_grant"]


def test_the_end_after_five_years_is_told_when_asked_and_kept(client: Client) -> None:
    grant = client.server.grant()
    form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    assert "x_refresh_token_hard_expires_in" not in client.form(form)
    assert client.form(form, **{"x-include-refresh-token-hard-expires-in": "true"})["x_refresh_token_hard_expires_in"] == 157680000
    while client.at < grant.ends_at - timedelta(days=90):
        client.at += timedelta(days=90)
        answer = client.renewed(form["refresh_token"])
        form["refresh_token"] = answer["refresh_token"]
    assert answer["x_refresh_token_expires_in"] < 8726400
    client.at += timedelta(days=90)
    assert client.renewed(form["refresh_token"])["error"] == "invalid_grant"


def test_a_wrong_secret_and_a_revoked_consent(client: Client) -> None:
    grant: Grant = client.server.grant()
    url, body = client.server.url + "/v2/oauth2/tokens/revoke", {"token": grant.refresh_token}
    assert requests.post(url, json=body, auth=("x", "y"), timeout=10).json()["error"] == "invalid_client"
    pair = (client.server.client_id, client.server.client_secret)
    assert [requests.post(url, json=body, auth=pair, timeout=10).status_code for _ in range(2)] == [200, 400]
    assert client.renewed(grant.refresh_token)["error"] == "invalid_grant"


# --- the gate ---------------------------------------------------------------------------------------------------------------------


def test_the_gate_refuses_in_its_own_shapes(client: Client) -> None:
    assert code_of(client.call("GET", "invoice/1", realm="4").json()) == "3100"
    client.at += timedelta(hours=1)
    expired = client.call("GET", "invoice/1")
    assert (expired.status_code, code_of(expired.json()), "Fault" in expired.json()) == (401, "3200", False)
    assert isinstance(expired.json()["time"], int)
    client.server.refusal_shape = Shape.XML
    assert client.call("GET", "invoice/1").text.startswith("<?xml")


@pytest.mark.parametrize("shape", Shape)
def test_the_quota_ends_in_429_in_any_shape(client: Client, shape: Shape) -> None:
    client.server.quota, client.server.throttle_shape = 1, shape
    assert client.query("select * from Invoice")["QueryResponse"] == {}
    refused = client.call("GET", "preferences")
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, False)
    starts = {Shape.UPPER_CASE: '{"Fault"', Shape.LOWER_CASE: '{"warnings"', Shape.XML: "<?xml", Shape.HTML: "<!DOCTYPE"}
    assert refused.text.startswith(starts[shape])
    assert shape is Shape.HTML or "errorCode=003001" in refused.text


def test_a_refusal_can_come_as_if_all_were_well(client: Client) -> None:
    client.server.faults.append(QboFault("120", "Authorization Failure", "The admin lost access", status=200))
    answer = client.call("GET", "preferences")
    assert (answer.status_code, code_of(answer.json())) == (200, "120")
    client.server.trouble = Trouble.UNAVAILABLE
    down = client.call("GET", "preferences")
    assert (down.status_code, down.headers["Content-Type"].split(";")[0]) == (503, "text/html")


def test_json_and_the_minor_version_have_to_be_asked_for(client: Client) -> None:
    assert client.call("GET", "preferences", accept="*/*").text.startswith("<?xml")
    assert code_of(client.call("GET", "preferences", params={"minorversion": ""}).json()) == "2020"


# --- queries ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select * from invoice", "4001"),
        ("select * from Invoice where Colour = 'red'", "4001"),
        ("select * from Invoice where PrivateNote like '%x%'", "4001"),
        ("select * from Payment where UnappliedAmt > '0'", "4001"),
        ("select * from Invoice orderby SyncToken", "4001"),
        ("select * from Invoice where TxnDate > 'yesterday'", "4001"),
        ("select * from Invoice maxresults 1001", "4001"),
        ("select * from Invoice startposition 0", "4001"),
        ("select * from Invoice where CustomerRef like '1%'", "4001"),
        ("select * from Invoice where Id = 1", "4000"),
        ("select * from Invoice where Id = '1' or Id = '2'", "4000"),
        ("select * from Invoice where Id != '1'", "4000"),
        ("select * from Invoice where DocNumber = 'a\\b'", "4000"),
        ("select * from Customer where DisplayName = 'O'Brien'", "4000"),
        ("select Id from Invoice", "4000"),
        ("select * from Invoice, Payment", "4000"),
        ("", "4000"),
    ],
)
def test_a_query_that_the_language_does_not_know_is_refused(client: Client, text: str, code: str) -> None:
    answer = client.call("GET", "query", params={"query": text})
    assert (answer.status_code, code_of(answer.json())) == (400, code)


def test_pages_are_of_a_hundred_and_move_under_edits(client: Client) -> None:
    keys = [client.invoice() for _ in range(120)]
    assert client.query("select count(*) from Invoice")["QueryResponse"] == {"totalCount": 120}
    assert len(client.found("select * from Invoice")) == 100
    first = client.found("select * from Invoice where Balance > '0' orderby Id startposition 1 maxresults 50")
    assert [row["Id"] for row in first] == keys[:50]
    client.books.pay(keys[0], Decimal("100.00"), on=ISSUED)
    second = client.found("select * from Invoice where Balance > '0' orderby Id startposition 51 maxresults 50")
    assert [row["Id"] for row in second] == keys[51:101]
    client.at += timedelta(minutes=1)
    client.books.set_due_date(keys[3], ISSUED)
    assert client.found("select * from Invoice")[0]["Id"] == keys[3]


def test_what_a_query_finds(client: Client) -> None:
    other = client.books.add_customer("O'Brien & Sons")
    mine, theirs = client.invoice("12.50"), client.books.add_invoice(other, Decimal(3), issued_on=ISSUED)
    assert [row["Id"] for row in client.found("SELECT * FROM Customer WHERE DisplayName LIKE 'O\\'Br%'")] == [other]
    assert [row["Id"] for row in client.found(f"select * from Invoice where CustomerRef in ('{other}', '77')")] == [theirs]
    assert [row["Id"] for row in client.found(f"select * from Invoice where Id in ('{mine}', '{theirs}') order by TotalAmt desc")] == [
        mine,
        theirs,
    ]
    assert client.query("select * from Invoice where DueDate < '2020-01-01'")["QueryResponse"] == {}
    since = "2026-03-18T13:00:00+01:00"
    assert len(client.found(f"select * from Invoice where MetaData.LastUpdatedTime >= '{since}'")) == 2
    posted = client.call("POST", "query", data="select * from Preferences", headers={"Content-Type": "application/text"})
    assert posted.json()["QueryResponse"]["Preferences"][0]["CurrencyPrefs"]["HomeCurrency"] == {"value": "USD"}


def test_inactive_names_are_hidden_until_asked_for(client: Client) -> None:
    invoice = client.invoice()
    client.books.deactivate("Customer", client.customer)
    assert client.found("select * from Customer") == []
    hidden = client.found("select * from Customer where Active in (true, false)")
    assert [(row["Id"], row["Active"]) for row in hidden] == [(client.customer, False)]
    assert client.read(invoice)["CustomerRef"]["value"] == client.customer
    assert [row["Balance"] for row in client.found("select * from CreditMemo")] == [100]
    assert code_of(client.post("invoice", {"CustomerRef": {"value": client.customer}, "Line": [a_line()]})) == "610"


def test_the_invoice_link_has_to_be_asked_for(client: Client) -> None:
    key, without = client.invoice(), client.invoice(email="")
    query = f"select * from Invoice where Id in ('{key}', '{without}') orderby Id"
    assert not any("InvoiceLink" in row for row in client.found(query))
    assert ["InvoiceLink" in row for row in client.found(query, include="invoiceLink")] == [True, False]
    assert client.read(key)["InvoiceLink"].startswith("https://")
    client.books.online_payments = False
    assert "InvoiceLink" not in client.read(key)


# --- change data capture ----------------------------------------------------------------------------------------------------------


def test_changes_tell_deletions_last_and_nothing_of_what_is_unchanged(client: Client) -> None:
    gone, void = client.invoice(), client.invoice()
    client.at += timedelta(hours=2)
    client.token, since = client.server.grant().access_token, client.at
    assert client.changes(since) == [{}, {}, {}, {}]
    client.books.delete("Invoice", gone)
    client.books.void(void)
    invoices, *rest = client.changes(since)
    assert [(row["Id"], row.get("status")) for row in invoices["Invoice"]] == [(void, None), (gone, "Deleted")]
    assert set(invoices["Invoice"][1]) == {"status", "domain", "Id", "MetaData"}
    assert rest == [{}, {}, {}]


def test_an_object_may_be_later_than_the_answer_that_bears_it(client: Client) -> None:
    client.invoice()
    answer = client.get("cdc", entities="Invoice", changedSince="2026-03-18T00:00:00Z")
    row = answer["CDCResponse"][0]["QueryResponse"][0]["Invoice"][0]
    assert datetime.fromisoformat(row["MetaData"]["LastUpdatedTime"]) > datetime.fromisoformat(answer["time"])


def test_changes_end_at_a_thousand_and_begin_thirty_days_ago(client: Client) -> None:
    for _ in range(1003):
        client.invoice("1")
    client.books.delete("Invoice", "1")
    told = client.changes(client.at - timedelta(days=30), "Invoice")[0]
    assert (told["maxResults"], any(row.get("status") for row in told["Invoice"])) == (1000, False)
    too_old = {"entities": "Invoice", "changedSince": (client.at - timedelta(days=30, seconds=1)).isoformat()}
    assert code_of(client.get("cdc", **too_old)) == "500"
    assert code_of(client.get("cdc", entities="Invoice,TaxCode", changedSince=client.at.isoformat())) == "500"
    unescaped = f"cdc?entities=Invoice&changedSince={client.at.isoformat()}"
    assert code_of(client.call("GET", unescaped).json()) == "6000"
