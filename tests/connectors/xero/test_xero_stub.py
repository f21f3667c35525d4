"""The stand-in of Xero refuses what Xero refuses, and shows what Xero shows: who may ask, lists, limits. Without the connector."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from puntual.connectors.stub_server import Trouble
from puntual.connectors.xero.stub import LEAST, REDIRECT_URI
from xero.xero_world import DAY, DUE, VERIFIER, World, message
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.server.close()
    assert made.server.mistakes == []


# --- who may ask --------------------------------------------------------------------------------------------------------------


def test_a_code_is_good_once_and_only_with_its_verifier(world: World) -> None:
    def code() -> str:
        query = parse_qs(urlsplit(world.authorize().headers["Location"]).query)
        assert query["state"] == ["s1"]
        return query["code"][0]

    first, form = code(), {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    tokens = world.token_for(**form, code=first, code_verifier=VERIFIER).json()
    assert set(tokens) == {"access_token", "expires_in", "token_type", "refresh_token", "scope", "authentication_event_id"}
    assert (tokens["expires_in"], tokens["token_type"], tokens["scope"]) == (1800, "Bearer", LEAST)
    assert [each["tenantId"] for each in world.connections(authEventId=tokens["authentication_event_id"])] == [world.books.tenant_id]
    assert world.connections(authEventId="another") == []
    refused = [
        world.token_for(**form, code=first, code_verifier=VERIFIER),
        world.token_for(**form, code=code(), code_verifier="w" * 60),
        world.token_for(**form, code=code()),
        world.token_for(**{**form, "redirect_uri": "http://localhost:1/"}, code=code(), code_verifier=VERIFIER),
    ]
    assert [(each.status_code, each.json()) for each in refused] == [(400, {"error": "invalid_grant"})] * 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scope": "offline_access accounting.transactions"}, "invalid_scope"),
        ({"scope": "accounting.reports.read"}, "invalid_scope"),
        ({"client_id": "nobody"}, "unauthorized_client"),
        ({"redirect_uri": "http://localhost:9/elsewhere"}, "redirect_uri"),
        ({"code_challenge_method": "plain"}, "not supported"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_what_consent_refuses(world: World, changes: dict[str, str], said: str) -> None:
    answer = world.authorize(**changes)
    assert (answer.status_code, said in answer.text) == (400, True)


def test_a_person_who_cancels_and_an_app_without_a_secret(world: World) -> None:
    world.server.authority.consents = False
    assert "error=access_denied&state=s1" in world.authorize().headers["Location"]
    world.server.authority.client_secret = ""
    assert world.authorize(code_challenge=None).status_code == 400


def test_an_old_refresh_token_works_for_thirty_minutes_more(world: World) -> None:
    old = world.server.grant().refresh_token
    new = world.refreshed(old).json()["refresh_token"]
    assert new != old
    world.at += timedelta(minutes=29)
    assert world.refreshed(old).status_code == 200
    world.at += timedelta(minutes=1)
    assert (world.refreshed(old).status_code, world.refreshed(old).json()) == (400, {"error": "invalid_grant"})
    assert world.refreshed(new).status_code == 200
    world.at += timedelta(days=61)
    assert world.refreshed(world.server.grant().refresh_token).status_code == 200
    assert world.refreshed(new).status_code == 400


def test_revoking_drops_every_connection(world: World) -> None:
    tokens = world.server.grant()
    app = (world.server.client_id, world.server.client_secret)
    form = {"token": tokens.refresh_token}
    assert requests.post(f"{world.server.url}/connect/revocation", data=form, auth=("x", "y"), timeout=5).status_code == 400
    assert requests.post(f"{world.server.url}/connect/revocation", data=form, auth=app, timeout=5).status_code == 200
    assert world.connections() == []
    assert (world.api("GET", "Invoices").status_code, world.refreshed(tokens.refresh_token).status_code) == (403, 400)


def test_a_connection_can_be_removed_by_itself(world: World) -> None:
    address = f"{world.server.url}/connections/{world.connections()[0]['id']}"
    said = {"Authorization": f"Bearer {world.token}"}
    assert [requests.delete(address, headers=said, timeout=5).status_code for _twice in range(2)] == [204, 404]
    assert world.api("GET", "Organisation").json()["Detail"] == "AuthenticationUnsuccessful"


def test_the_api_wants_token_tenant_scope_and_json(world: World) -> None:
    assert world.api("GET", "Invoices", headers={"xero-tenant-id": ""}).status_code == 403
    assert world.api("GET", "Invoices", headers={"Authorization": "Bearer x"}).status_code == 401
    assert world.api("GET", "Invoices", headers={"Accept": "*/*"}).text.startswith("<?xml")
    assert world.api("PUT", "Invoices", headers={"Content-Type": "text/xml"}).status_code == 400
    assert world.api("GET", "Journals").status_code == 404
    world.token = world.server.grant("accounting.invoices.read").access_token
    for status in (401, 403):
        world.books.behaviour.scope_status = status
        for refused in (world.api("GET", "Contacts"), world.post(Reference="x")):
            assert (refused.status_code, "insufficient_scope" in refused.headers["WWW-Authenticate"]) == (status, True)
    assert world.api("GET", "Invoices").status_code == 200
    world.at += timedelta(minutes=30)
    assert world.api("GET", "Invoices").json()["Detail"].startswith("TokenExpired")


# --- lists --------------------------------------------------------------------------------------------------------------------


def test_a_list_is_poor_and_a_page_is_richer(world: World) -> None:
    world.books.update_contact(world.customer, people=[])
    (plain,), (paged,), (summary,) = world.get("Invoices"), world.get("Invoices", page=1), world.get("Invoices", summaryOnly="true")
    assert (plain["LineItems"], len(paged["LineItems"]), len(world.one()["LineItems"])) == ([], 2, 2)
    assert "LineItems" not in summary
    assert "Payments" not in summary
    assert "EmailAddress" not in paged["Contact"]
    assert world.one()["Contact"]["EmailAddress"] == "c1@example.com"
    assert "pagination" not in world.api("GET", "Invoices").json()
    assert world.api("GET", "Invoices", Statuses="PAID").json()["pagination"]["itemCount"] == 0
    assert (paged["DateString"], paged["Date"]) == ("2026-02-10T00:00:00", "/Date(1770681600000+0000)/")
    assert "ContactPersons" not in world.get("Contacts", IDs=world.customer)[0]
    assert world.get("Contacts", IDs=world.customer, page=1)[0]["ContactPersons"] == []


def test_a_row_that_changes_between_two_pages_pushes_another_one_out(world: World) -> None:
    others = [world.books.add_invoice(world.customer, Decimal(n), on=DAY, due=DUE) for n in range(1, 4)]
    world.at += timedelta(minutes=1)
    first = [row["InvoiceID"] for row in world.get("Invoices", page=1, pageSize=2)]
    world.books.edit(first[0], reference="changed")
    second = [row["InvoiceID"] for row in world.get("Invoices", page=2, pageSize=2)]
    assert second[-1] == first[0]
    assert len({world.invoice, *others} - {*first, *second}) == 1


def test_every_status_and_both_types_are_listed_and_changes_since(world: World) -> None:
    draft = world.books.add_invoice(world.customer, Decimal(1), on=DAY, due=None, status="DRAFT")
    bill = world.books.add_invoice(world.customer, Decimal(2), on=DAY, due=DUE, type="ACCPAY", number="INV-0001")
    since = {"If-Modified-Since": f"{world.at:%Y-%m-%dT%H:%M:%S}"}
    assert world.api("GET", "Invoices", headers=since).json()["Invoices"] == []
    world.books.behaviour.since_is_inclusive = True
    assert len(world.api("GET", "Invoices", headers=since).json()["Invoices"]) == 3
    world.at += timedelta(seconds=1)
    world.books.delete(draft)
    world.books.void(world.invoice)
    since = {"If-Modified-Since": f"{world.at:%Y-%m-%dT%H:%M:%S}"}
    assert {row["Status"] for row in world.api("GET", "Invoices", headers=since).json()["Invoices"]} == {"DELETED", "VOIDED"}
    assert [row["InvoiceID"] for row in world.get("Invoices", where='Type=="ACCPAY"')] == [bill]
    assert world.api("GET", "Invoices", headers={"If-Modified-Since": "2026-03-18T05:00:00Z"}).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "1", "pageSize": "1001"},
        {"IDs": "999999999"},
        {"Statuses": "OPEN"},
        {"order": "Total DESC"},
        {"where": 'Contact.ContactID=="5c1d4f0e-7a0b-4a53-9d8e-0a6f1c6f5a10"'},
        {"where": 'Status=="AUTHORISED" OR Status=="PAID"'},
        {"where": 'Reference.Contains("x")'},
        {"where": 'Reference!="x"'},
        {"where": 'DueDate<"2026-01-31"'},
        {"where": "Total>1"},
        {"where": 'Type=="ACCREC" AND'},
        {"where": '(Type=="ACCREC"'},
        {"where": 'Type=="ACC'},
    ],
)
def test_questions_that_are_refused(world: World, query: dict[str, str]) -> None:
    answer = world.api("GET", "Invoices", **query)
    assert (answer.status_code, answer.json()["Type"]) == (400, "QueryParseException")


def test_filters_that_are_answered(world: World) -> None:
    world.books.edit(world.invoice, reference='Say "so" [puntual:1]')
    other = world.books.add_invoice(world.customer, Decimal(7), on=DAY, due=date(2026, 1, 30))
    assert len(world.get("Invoices", where='Reference=="Say \\"so\\" [puntual:1]"')) == 1
    assert len(world.get("Invoices", where='Type=="ACCREC" AND DueDate<DateTime(2026,01,31) && AmountDue>=7.00')) == 1
    both = f'InvoiceID==guid("{world.invoice}") OR InvoiceId=Guid("{other}")'
    assert len(world.get("Invoices", where=both)) == len(world.get("Invoices", where=f'Type=="ACCREC" AND ({both})')) == 2
    assert len(world.get("Invoices", where=f'Contact.ContactID==guid("{world.customer}")')) == 2
    assert [row["DueDateString"][:10] for row in world.get("Invoices", order="DueDate DESC")] == ["2026-03-10", "2026-01-30"]
    assert [row["InvoiceID"] for row in world.get("Invoices", IDs=f"{other},{world.books.tenant_id}")] == [other]


def test_contacts_that_are_gone_are_hidden_and_refused(world: World) -> None:
    into = world.books.add_contact("Talleres Unidos")
    world.books.merge(world.customer, into)
    assert [row["Name"] for row in world.get("Contacts")] == ["Talleres Unidos"]
    merged = {row["ContactID"]: row for row in world.get("Contacts", includeArchived="true")}[world.customer]
    assert (merged["ContactStatus"], merged["MergedToContactID"]) == ("ARCHIVED", into)
    assert world.one()["Contact"]["ContactID"] == into
    new = {"Type": "ACCREC", "Contact": {"ContactID": world.customer}, "LineItems": [{"Description": "x", "UnitAmount": 1}]}
    for status in ("ARCHIVED", "GDPRREQUEST"):
        world.books.update_contact(world.customer, status=status)
        assert "archived" in message(world.api("PUT", "Invoices", {"Invoices": [new]}))


# --- limits and settings ------------------------------------------------------------------------------------------------------


def test_limits_are_counted_told_and_kept(world: World) -> None:
    quotas = world.server.quotas[world.books.tenant_id]
    quotas.day, quotas.minute = 3, 2
    told = [world.api("GET", "Organisation").headers, world.api("GET", "Nowhere").headers]
    assert [(each["X-DayLimit-Remaining"], each["X-MinLimit-Remaining"]) for each in told] == [("2", "1"), ("1", "0")]
    refused = world.api("GET", "Organisation")
    assert (refused.status_code, refused.headers["X-Rate-Limit-Problem"], refused.headers["Retry-After"]) == (429, "minute", "60")
    world.at += timedelta(minutes=1)
    assert world.api("GET", "Organisation").status_code == 200
    assert world.api("GET", "Organisation").headers["X-Rate-Limit-Problem"] == "day"
    assert world.api("GET", "Organisation").headers["Retry-After"] == str(24 * 3600 - 60)
    quotas.day, quotas.concurrent = None, 0
    assert "Retry-After" not in world.api("GET", "Organisation").headers
    world.server.trouble = Trouble.RATE_LIMITED
    assert world.api("GET", "Organisation").headers["Retry-After"] == "1234"


def test_a_lock_date_carries_the_offset_of_the_organisation(world: World) -> None:
    world.books.organisation |= {"Timezone": "NEWZEALANDSTANDARDTIME", "Class": "ULTRA"}
    world.books.date_offset = timedelta(hours=13)
    world.books.lock_until(date(2014, 12, 31))
    told = world.api("GET", "Organisation").json()["Organisations"][0]
    assert (told["PeriodLockDate"], told["Class"]) == ("/Date(1419937200000+1300)/", "ULTRA")
    assert world.api("GET", "InvoiceReminders/Settings").json()["InvoiceReminders"] == [{"Enabled": False}]
    assert {each["Status"] for each in world.api("GET", "Organisation/Actions").json()["Actions"]} == {"ALLOWED"}


def test_anything_may_be_laid_over_what_is_shown(world: World) -> None:
    world.books.overlay[world.invoice] = {"Status": "ONHOLD", "DueDate": None}
    world.books.extra["Invoices"] = {"Surprise": [1]}
    world.books.behaviour.date_strings = False
    told = world.one()
    assert (told["Status"], told["DueDate"], told["Surprise"], "DueDateString" in told) == ("ONHOLD", None, [1], False)
    deleted = world.books.add_invoice(world.customer, Decimal(1), on=DAY, due=DUE, status="DELETED")
    world.books.behaviour.lists_deleted = False
    assert deleted not in [row["InvoiceID"] for row in world.get("Invoices", page=1)]


def test_the_vendors_own_models_read_everything(world: World) -> None:
    """The shapes are held against an independent reading of them: xero-python refuses unknown enum values and dates of another form."""
    world.books.pay(world.invoice, Decimal(1), on=DUE)
    world.books.refund(world.books.add_overpayment(world.customer, Decimal(2), on=DUE), Decimal(1), on=DUE)
    world.books.allocate(world.books.add_prepayment(world.customer, Decimal(3), on=DUE), world.invoice, Decimal(3), on=DUE)
    world.books.allocate(world.books.add_credit_note(world.customer, Decimal(4), on=DUE), world.invoice, Decimal(4), on=DUE)
    settings = Configuration()
    settings.oauth2_token = OAuth2Token(client_id="x", client_secret="y")
    token = {"access_token": world.token, "scope": LEAST, "expires_in": 1800, "token_type": "Bearer", "refresh_token": "x"}
    client = ApiClient(settings, oauth2_token_getter=lambda: {**token, "expires_at": 4e9}, oauth2_token_saver=lambda saved: None)
    api, tenant = AccountingApi(client, base_url=f"{world.server.url}/api.xro/2.0"), world.books.tenant_id
    (invoice,) = api.get_invoices(tenant, page=1).invoices
    assert (invoice.amount_due, invoice.due_date, invoice.status) == (Decimal(92), DUE, "AUTHORISED")
    assert [each.applied_amount for each in (*invoice.credit_notes, *invoice.prepayments)] == [4, 3]
    assert api.get_contacts(tenant, page=1).contacts[0].contact_id == world.customer
    assert api.get_overpayments(tenant, page=1).overpayments[0].remaining_credit == 1
    assert {each.payment_type for each in api.get_payments(tenant).payments} == {"ACCRECPAYMENT", "AROVERPAYMENTPAYMENT"}
    assert api.get_organisations(tenant).organisations[0].timezone.value == "ROMANCESTANDARDTIME"
    assert api.get_accounts(tenant).accounts[0].code == "090"
    assert json.loads(api.get_tax_rates(tenant, _preload_content=False).data)["TaxRates"][0]["TaxType"] == "NONE"
