"""What QuickBooks Online and its libraries do that a plain reading gets wrong, each with the books or the wire in which it shows."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from harness import Fault
from loopback import MemoryVault
from puntual.connectors.quickbooks.authorizer import QuickBooksAuthorizer
from puntual.connectors.quickbooks.connector import QuickBooksConnector
from puntual.connectors.quickbooks.settings import QuickBooksSettings
from puntual.connectors.quickbooks.stub import QboFault, Shape
from puntual.core.access import Purpose, Quota
from puntual.core.errors import (
    AuthorizationExpired,
    BooksUnreadable,
    CompanyMustAct,
    LedgerUnavailable,
    PermissionMissing,
    PuntualError,
    QuotaUsedUp,
    RateLimited,
    Refused,
    UnexpectedResponse,
)
from puntual.core.port import Cursor
from puntual.core.receivables import CreditKind, DocumentStatus
from puntual.core.secret import Secret
from pydantic import ValidationError
from qbo_harness import QboHarness, authorization_of
from suite.sample import Listener, eur, listen

DUE = date(2026, 2, 10)
ISSUED = date(2026, 1, 10)
TODAY = QboHarness.today


@pytest.fixture
def harness() -> Iterator[QboHarness]:
    made = QboHarness()
    yield made
    made.close()


def _customer(harness: QboHarness, name: str = "Talleres Sur", **values: Any) -> str:
    return harness.books.add_customer(name, **{"email": "sur@example.com", "country": "ES", **values})


def _invoice(harness: QboHarness, customer: str, amount: str = "100.00", **values: Any) -> str:
    return harness.books.add_invoice(customer, Decimal(amount), issued_on=ISSUED, due_on=DUE, **values)


def _owing(harness: QboHarness, amount: str = "100.00", **values: Any) -> tuple[str, str]:
    customer = _customer(harness)
    return customer, _invoice(harness, customer, amount, **values)


def _as_written(harness: QboHarness, entity: str, key: str, days_ago: int) -> None:
    """Let an object have been written so long ago."""
    at = harness.now() - timedelta(days=days_ago)
    harness.books.store.get(entity, key)["MetaData"] = {"CreateTime": at, "LastUpdatedTime": at}


def _now(harness: QboHarness, *invoices: str) -> Any:
    return harness.new().recheck(invoices)


# --- void, deleted, gone ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("says_voided", [False, True])
def test_a_void_is_no_payment(harness: QboHarness, says_voided: bool) -> None:
    customer, invoice = _owing(harness, PrivateNote="Espera el pedido")
    paid = _invoice(harness, customer)
    heard = listen(harness)
    harness.books.changes_say_voided = says_voided
    harness.void(invoice)
    harness.pay(paid, eur("100.00"), DUE)
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert (listener.invoices[invoice].status, listener.invoices[paid].status) == (DocumentStatus.VOID, DocumentStatus.PAID)
    statuses = {each.id: each.status for each in _now(harness, invoice, paid).invoices}
    assert statuses == {invoice: DocumentStatus.VOID, paid: DocumentStatus.PAID}
    assert heard.invoices[paid].settled_on == DUE


def test_what_is_deleted_is_told_by_the_next_reading(harness: QboHarness) -> None:
    customer, invoice = _owing(harness)
    kept = _invoice(harness, customer)
    payment, memo = harness.books.add_payment(customer, Decimal(30), on=DUE), harness.books.add_credit_memo(customer, Decimal(5), on=DUE)
    used = harness.pay(kept, eur("10.00"), DUE)
    heard = listen(harness)
    for entity, key in (("Invoice", invoice), ("Payment", payment), ("CreditMemo", memo), ("Payment", used)):
        harness.books.delete(entity, key)
    pages = list(harness.new().changes(heard.cursor))
    assert sorted(pages[0].deleted_ids) == sorted([invoice, payment, memo, used])
    assert [page.starts_pass for page in pages] == [False]
    heard.take(pages)
    assert (heard.owed(invoice), heard.owed(kept), heard.allocated(kept)) == (None, eur("100.00"), {})
    assert (heard.payments, heard.credit_notes) == ({}, {})


def test_a_voided_payment_is_told_with_nothing_left(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    payment = harness.pay(invoice, eur("130.00"), DUE)
    heard = listen(harness)
    harness.books.void_payment(payment)
    heard.sync(harness.new())
    assert (heard.payments[payment].status, heard.payments[payment].unapplied) == (DocumentStatus.VOID, eur("0"))
    assert (heard.owed(invoice), heard.allocated(invoice)) == (eur("100.00"), {})


# --- change data capture and its limits -------------------------------------------------------------------------------------------


def test_a_month_away_is_a_complete_pass_that_tells_what_was_paid_and_closes_what_is_gone(harness: QboHarness) -> None:
    customer, gone = _owing(harness)
    paid, kept = _invoice(harness, customer), _invoice(harness, customer)
    heard = listen(harness)
    harness.delete(gone)
    harness.pay(paid, eur("100.00"), DUE)
    harness.at += timedelta(days=31)
    pages = list(harness.new().changes(heard.cursor))
    heard.take(pages)
    assert (pages[0].starts_pass, pages[-1].ends_pass) == (True, True)
    assert {key: heard.invoices[key].status for key in heard.invoices} == {paid: DocumentStatus.PAID, kept: DocumentStatus.OPEN}
    assert harness.server.methods["GET cdc"] == 0
    assert next(iter(harness.new().changes(heard.cursor))).starts_pass is False


def test_a_thousand_changes_are_perhaps_not_all(harness: QboHarness) -> None:
    customer, gone = _owing(harness)
    heard = listen(harness)
    invoices = [_invoice(harness, customer, "1.00") for _each in range(1001)]
    harness.delete(gone)
    heard.take(harness.new(page_size=1000).changes(heard.cursor))
    assert (harness.server.methods["GET cdc"], len(heard.invoices), heard.owed(gone)) == (1, 1001, None)
    assert {heard.owed(key) for key in invoices} == {eur("1.00")}


def test_a_sweep_tells_what_was_paid_since_yesterday_as_paid(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    heard = listen(harness)
    harness.pay(invoice, eur("100.00"), DUE)
    harness.at += timedelta(days=1)
    assert heard.sweep(harness.new()).invoices[invoice].status is DocumentStatus.PAID


def test_the_cursor_is_the_services_time_with_its_offset_less_the_overlap(harness: QboHarness) -> None:
    _owing(harness)
    connector = harness.new()
    connector.surroundings = replace(connector.surroundings, now=lambda: datetime(2026, 3, 19, 9, 0, tzinfo=UTC))
    for cursor in (None, listen(harness).cursor):
        low = json.loads(list(connector.changes(cursor))[-1].cursor)["low"]
        assert low == (harness.now() - timedelta(minutes=10)).isoformat(timespec="seconds")
        assert low.endswith("+00:00")


def test_what_was_written_just_before_the_cursor_is_told_again(harness: QboHarness) -> None:
    customer, _invoice_id = _owing(harness)
    heard = listen(harness)
    late = _invoice(harness, customer, "7.00")
    _as_written(harness, "Invoice", late, 0)
    harness.books.store.get("Invoice", late)["MetaData"]["LastUpdatedTime"] -= timedelta(minutes=9)
    assert heard.sync(harness.new()).owed(late) == eur("7.00")


@pytest.mark.parametrize("change", [{"realm": "1"}, {"format": 0}, {"low": "yesterday"}, {"low": 5}, {"low": ""}])
def test_a_cursor_of_other_books_or_another_form_is_the_start_of_a_pass(harness: QboHarness, change: dict[str, Any]) -> None:
    _customer_id, invoice = _owing(harness)
    said = json.loads(listen(harness).cursor or "")
    pages = list(harness.new().changes(Cursor(json.dumps(said | change))))
    assert pages[0].starts_pass
    assert [each.id for page in pages for each in page.invoices] == [invoice]


def test_a_service_that_does_not_tell_its_time_is_judged_by_our_clock(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    _owing(harness)
    monkeypatch.setattr("puntual.connectors.quickbooks.stub.server.envelope_time", lambda _at: "soon")
    low = json.loads(str(listen(harness).cursor))["low"]
    assert low == (harness.now() - timedelta(minutes=10)).isoformat(timespec="seconds")


# --- queries ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pages_read", [1, 2, 3])
def test_rows_that_move_up_while_pages_are_read_are_not_lost(harness: QboHarness, pages_read: int) -> None:
    customer = _customer(harness)
    invoices = [_invoice(harness, customer, f"{n + 1}.00") for n in range(11)]
    heard, pages = Listener(), iter(harness.new().changes(None))
    while len(heard.invoices) < pages_read * 2:
        heard.take(islice(pages, 1))
    for key in invoices[:5]:
        harness.pay(key, eur("11.00"), DUE)
    heard.take(pages)
    assert {key: heard.owed(key) for key in invoices[5:]} == {key: eur(f"{n + 1}.00") for n, key in enumerate(invoices) if n >= 5}


def test_a_query_gives_a_hundred_unless_it_is_asked_for_more(harness: QboHarness) -> None:
    customer = _customer(harness)
    invoices = [_invoice(harness, customer, "1.00") for _each in range(150)]
    harness.pay(invoices[-1], eur("1.00"), DUE)
    assert sorted(each.id for each in _now(harness, *invoices).invoices) == sorted(invoices)
    assert len(harness.new().payment_pages(invoices)) == 150


def test_a_service_that_gives_the_same_page_again_is_a_misunderstanding(harness: QboHarness) -> None:
    customer = _customer(harness)
    rows = [harness.books.store.get("Invoice", _invoice(harness, customer)) for _each in range(3)]
    connector = harness.new()
    connector._wire.query = lambda *_select, **_links: {"QueryResponse": {"Customer": rows}}
    with pytest.raises(UnexpectedResponse, match="again and again"):
        list(connector.changes(None))


def test_a_document_that_cannot_be_read_is_told_to_people_and_stops_nothing(harness: QboHarness) -> None:
    customer, good = _owing(harness)
    bad, odd = _invoice(harness, customer), harness.books.add_payment(customer, Decimal(5), on=DUE)
    harness.books.store.get("Invoice", bad)["CurrencyRef"] = {"value": "XYZ"}
    harness.books.store.get("Payment", odd)["TxnDate"] = None
    heard = listen(harness)
    problems = [problem for page in heard.pages for problem in page.problems]
    assert (list(heard.invoices), len(problems)) == ([good], 2)
    assert f"(id {bad})" in problems[0].where
    assert "XYZ" in problems[0].what
    answer = _now(harness, good, bad)
    assert ([each.id for each in answer.invoices], answer.knows_credits) == ([good], False)


def test_a_data_error_that_breaks_every_query_is_for_the_company(harness: QboHarness) -> None:
    _owing(harness)
    harness.server.faults.append(QboFault("4002", "Error processing query", "QueryProcessingError: To email address entered is invalid"))
    with pytest.raises(BooksUnreadable, match="email address"):
        list(harness.new().changes(None))


# --- money that is not on the invoice ---------------------------------------------------------------------------------------------


def test_unused_money_is_found_however_old_it_is(harness: QboHarness) -> None:
    customer, invoice = _owing(harness)
    old, recent = (harness.books.add_payment(customer, Decimal(amount), on=DUE) for amount in (40, 5))
    memo = harness.books.add_credit_memo(customer, Decimal(8), on=DUE)
    for entity, key in (("Payment", old), ("CreditMemo", memo)):
        _as_written(harness, entity, key, 900)
    heard = listen(harness)
    assert {key: heard.payments[key].unapplied for key in heard.payments} == {old: eur("40"), recent: eur("5")}
    assert heard.credit_notes[memo].remaining == eur("8")
    left = {(credit.id, credit.kind): credit.remaining for credit in _now(harness, invoice).credits}
    kinds = ((old, CreditKind.PAYMENT, "40"), (recent, CreditKind.PAYMENT, "5"), (memo, CreditKind.CREDIT_NOTE, "8"))
    assert left == {(key, kind): eur(amount) for key, kind, amount in kinds}


def test_an_old_part_payment_is_read_because_the_invoice_tells_of_it(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    payment = harness.pay(invoice, eur("30.00"), DUE)
    _as_written(harness, "Payment", payment, 900)
    assert listen(harness).allocated(invoice) == {payment: eur("30.00")}


def test_payments_that_are_used_up_are_history(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    harness.pay(invoice, eur("100.00"), DUE)
    assert listen(harness).payments == {}


def test_a_payment_over_nothing_is_no_money(harness: QboHarness) -> None:
    customer, invoice = _owing(harness)
    memo = harness.books.add_credit_memo(customer, Decimal(20), on=DUE)
    heard = listen(harness)
    link = harness.books.apply_credit(memo, invoice, Decimal(20), on=DUE)
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert (listener.payments, listener.allocated(invoice)) == ({}, {memo: eur("20")})
    harness.books.delete("Payment", link)
    heard.sync(harness.new())
    assert (heard.allocated(invoice), heard.credit_notes[memo].remaining) == ({}, eur("20"))


def test_more_payments_than_a_query_gives_are_all_looked_through(harness: QboHarness) -> None:
    customer, invoice = _owing(harness)
    for _each in range(1000):
        harness.books.pay(_invoice(harness, customer, "1.00"), Decimal(1), on=DUE)
    payment = harness.books.add_payment(customer, Decimal(40), on=DUE)
    harness.books.store.get("Payment", payment)["MetaData"]["LastUpdatedTime"] -= timedelta(days=400)
    assert [credit.id for credit in _now(harness, invoice).credits] == [payment]


# --- jobs and their parents -------------------------------------------------------------------------------------------------------


@pytest.fixture
def family(harness: QboHarness) -> tuple[str, str, str]:
    """A customer, a job that is billed with it, and a job of that job, which is, too."""
    top = _customer(harness, "Freeman")
    job = _customer(harness, "55 Twin Lane", parent=top, bill_with_parent=True, email="")
    return top, job, _customer(harness, "Garden", parent=job, bill_with_parent=True, email="")


def test_a_job_that_is_billed_with_its_parent_is_its_parents_debt(harness: QboHarness, family: tuple[str, str, str]) -> None:
    top, job, inner = family
    heard = listen(harness)
    invoices = [_invoice(harness, each, email="ap@freeman.example") for each in family]
    payment = harness.books.add_payment(top, Decimal(60), on=DUE)
    memo = harness.books.add_credit_memo(job, Decimal(8), on=DUE)
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert {listener.invoices[key].customer_id for key in invoices} == {top}
        assert listener.credit_notes[memo].customer_id == listener.payments[payment].customer_id == top
        assert (listener.customers[inner].parent_id, listener.customers[job].parent_id) == (job, top)
    answer = _now(harness, invoices[2])
    assert [each.customer_id for each in answer.invoices] == [top]
    assert {(credit.id, credit.customer_id) for credit in answer.credits} == {(payment, top), (memo, top)}


def test_a_job_that_is_billed_itself_is_a_customer_with_a_parent(harness: QboHarness) -> None:
    top = _customer(harness)
    job = _customer(harness, "55 Twin Lane", parent=top, email="")
    invoice = _invoice(harness, job)
    harness.books.add_payment(top, Decimal(60), on=DUE)
    heard = listen(harness)
    assert (heard.invoices[invoice].customer_id, heard.customers[job].parent_id) == (job, top)
    assert _now(harness, invoice).credits == ()


def test_a_parents_balance_does_not_count_its_jobs(harness: QboHarness, family: tuple[str, str, str]) -> None:
    for each in family:
        _invoice(harness, each)
    before = harness.calls()
    list(harness.new(page_size=1000).changes(None))
    assert harness.calls() - before == len(("customers", "settled", "invoices", "credit memos", "payments"))


def test_an_inactive_customer_still_owes(harness: QboHarness) -> None:
    customer, invoice = _owing(harness)
    harness.books.edit("Customer", customer, Active=False, DisplayName="Talleres Sur (deleted)")
    heard = listen(harness)
    assert (heard.owed(invoice), heard.customers[customer].name) == (eur("100.00"), "Talleres Sur")


def test_making_a_customer_inactive_leaves_a_credit(harness: QboHarness) -> None:
    customer, invoice = _owing(harness)
    harness.books.deactivate("Customer", customer)
    heard = listen(harness)
    assert [note.remaining for note in heard.credit_notes.values()] == [eur("100.00")]
    assert [credit.remaining for credit in _now(harness, invoice).credits] == [eur("100.00")]


# --- fields -----------------------------------------------------------------------------------------------------------------------


def test_the_balance_is_in_the_invoices_currency_and_not_at_home(harness: QboHarness) -> None:
    customer = _customer(harness, currency="USD")
    invoice = _invoice(harness, customer)
    assert harness.books.store.get("Invoice", invoice)["HomeBalance"] == Decimal(50)
    assert listen(harness).owed(invoice) == eur("100.00", "USD")


def test_a_document_that_names_no_currency_is_in_the_companys(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    before = harness.calls()
    listen(harness)
    usual = harness.calls() - before
    del harness.books.store.get("Invoice", invoice)["CurrencyRef"]
    before = harness.calls()
    assert listen(harness).owed(invoice) == eur("100.00")
    assert harness.calls() - before == usual + 1


def test_the_address_on_the_invoice_is_whom_it_went_to(harness: QboHarness) -> None:
    customer, plain = _owing(harness)
    several = _invoice(harness, customer, email="ap@sur.example, jefa@sur.example")
    none = _invoice(harness, customer, email="")
    heard = listen(harness)
    told = [heard.invoices[key].contact_id for key in (plain, several, none)]
    assert told == ["mailto:sur@example.com", "mailto:ap@sur.example", ""]


def test_a_send_flag_is_no_contact(harness: QboHarness) -> None:
    _owing(harness, EmailStatus="NeedToSend")
    assert listen(harness).contacts_made == []


def test_dates_have_no_zone_and_times_have_one(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        read = Listener().sync(harness.new(time_zone=zone)).invoices[invoice]
        assert (read.issued_on, read.due_date) == (ISSUED, DUE)


def test_an_invoice_without_a_number_is_named_by_its_id_and_numbers_may_repeat(harness: QboHarness) -> None:
    customer, bare = _owing(harness, number="")
    twins = [_invoice(harness, customer, number="7") for _each in range(2)]
    heard = listen(harness)
    assert [heard.invoices[key].number for key in (bare, *twins)] == [bare, "7", "7"]
    assert len(_now(harness, bare, *twins).invoices) == 3


def test_ids_of_another_form_are_no_invoices(harness: QboHarness) -> None:
    _owing(harness)
    assert _now(harness, "1' OR '1'='1", "").invoices == ()
    assert dict(harness.new().payment_pages(["x"])) == {}
    with pytest.raises(Refused):
        harness.new().invoice_pdf("../customer/1")


def test_the_pay_page_is_read_late_and_may_be_missing(harness: QboHarness) -> None:
    customer, invoice = _owing(harness)
    mute = _invoice(harness, customer, email="")
    assert [each.page_url for each in listen(harness).invoices.values()] == ["", ""]
    pages = {each.id: each.page_url for each in _now(harness, invoice, mute).invoices}
    assert (pages[invoice].startswith("https://"), pages[mute]) == (True, "")
    assert set(harness.new().payment_pages([invoice, mute])) == {invoice}
    harness.books.online_payments = False
    assert dict(harness.new().payment_pages([invoice])) == {}


def test_quickbooks_own_late_fees_are_seen(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    heard = listen(harness)
    assert heard.invoices[invoice].ledger_late_fee == ""
    harness.books.add_late_fee(invoice, Decimal(25))
    for found in (heard.sync(harness.new()), listen(harness)):
        assert found.invoices[invoice].ledger_late_fee == "Late fee"
    assert _now(harness, invoice).invoices[0].ledger_late_fee == "Late fee"


# --- tokens and addresses ---------------------------------------------------------------------------------------------------------


def _settings(**changes: Any) -> QuickBooksSettings:
    return QuickBooksSettings(**{"client_id": "app", "client_secret": Secret("hush"), **changes})


def test_making_a_connector_asks_nobody_and_renews_nothing(harness: QboHarness) -> None:
    harness.at += timedelta(hours=3)
    before = len(harness.server.oauth.issued)
    harness.new()
    assert (harness.calls(), len(harness.server.oauth.issued), harness.vault.renewals) == (0, before, 0)


def test_each_environment_has_its_own_address_and_the_stand_in_takes_all(harness: QboHarness) -> None:
    assert _settings().api_url == "https://quickbooks.api.intuit.com"
    assert _settings(environment="sandbox").api_url == "https://sandbox-quickbooks.api.intuit.com"
    assert _settings(service_url="http://127.0.0.1:9").api_url == "http://127.0.0.1:9"
    with pytest.raises(ValidationError):
        _settings(service_url="http://books.example.com")
    with pytest.raises(ValidationError):
        _settings(redirect_uri="http://books.example.com/callback")


def test_consent_carries_a_state_of_ours_and_the_realm_comes_with_the_redirect(
    harness: QboHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "choice", lambda _of: pytest.fail("a guessable state"))
    authorizer = QuickBooksAuthorizer(harness.settings(), harness.surroundings())
    consent = authorizer.ask()
    assert "scope=com.intuit.quickbooks.accounting" in consent.url
    assert "code_challenge" not in consent.url
    back = _redirected(consent.url)
    with pytest.raises(CompanyMustAct, match="which company"):
        authorizer.answered(consent, {name: value for name, value in back.items() if name != "realmId"})
    with pytest.raises(CompanyMustAct):
        authorizer.answered(consent, back | {"state": "another"})
    (granted,) = authorizer.answered(consent, back)
    assert (granted.tenant_id, granted.expires_at - harness.now()) == (harness.books.realm_id, timedelta(hours=1))
    assert granted.refresh_expires_at == harness.now() + timedelta(seconds=8726400)
    assert granted.ends_at is not None
    assert timedelta(days=1820) < granted.ends_at - harness.now() <= timedelta(days=1826)
    with pytest.raises(CompanyMustAct, match="code"):
        authorizer.answered(consent, back)
    authorizer.close()


def _redirected(url: str) -> dict[str, str]:
    location = requests.get(url, allow_redirects=False, timeout=10).headers["Location"]
    return dict(parse_qsl(urlsplit(location).query))


def test_the_refresh_token_of_every_answer_is_kept(harness: QboHarness) -> None:
    _owing(harness)
    first = harness.vault.current()
    harness.at += timedelta(hours=25)
    listen(harness)
    assert harness.vault.current().refresh_token != first.refresh_token
    harness.at += timedelta(hours=25)
    assert listen(harness).invoices


def test_a_connection_given_back_is_over_and_giving_it_back_twice_is_no_error(harness: QboHarness) -> None:
    authorizer = QuickBooksAuthorizer(harness.settings(), harness.surroundings())
    for _each in range(2):
        authorizer.revoke(harness.vault.current())
    authorizer.close()
    with pytest.raises(AuthorizationExpired):
        listen(harness)


def test_a_refused_token_is_renewed_once_and_no_more(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = harness.new()
    harness.break_wire(Fault.UNAUTHORIZED_ONCE)
    assert connector.check().id == harness.books.realm_id
    assert harness.vault.renewals == 1
    monkeypatch.setattr(harness.server, "refuses_key", lambda: True)
    before = harness.calls()
    with pytest.raises(AuthorizationExpired, match="puntual connect"):
        connector.check()
    assert (harness.calls() - before, harness.vault.renewals) == (2, 2)


def test_two_connectors_share_what_the_vault_holds(harness: QboHarness) -> None:
    first, second = harness.new(), harness.new()
    first.check()
    harness.at += timedelta(hours=2)
    first.check()
    second.check()
    assert harness.vault.renewals == 1


# --- refusals in every shape ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", Shape)
def test_a_throttle_is_no_bad_request_and_a_month_that_is_used_up_says_so(harness: QboHarness, shape: Shape) -> None:
    connector = harness.new()
    connector.check()
    waited: list[float] = []
    connector.transport._pause = waited.append
    harness.server.quota, harness.server.throttle_shape = 0, shape
    with pytest.raises(RateLimited, match="month") as refused:
        connector.check()
    assert (waited, refused.value.retry_after) == ([60], 3600)
    connector.transport._pause = lambda _seconds: setattr(harness.server, "quota", None)
    assert connector.check().id


@pytest.mark.parametrize("shape", Shape)
def test_the_gate_refuses_in_any_shape(harness: QboHarness, shape: Shape) -> None:
    harness.server.refusal_shape = shape
    harness.break_wire(Fault.FORBIDDEN)
    with pytest.raises(PermissionMissing) as refused:
        harness.new().check()
    assert "intuit_tid 1-" in refused.value.detail
    assert ("ApplicationAuthorizationFailed" in refused.value.detail) is (shape is not Shape.HTML)
    harness.mend_wire()
    harness.break_wire(Fault.UNAUTHORIZED)
    with pytest.raises(AuthorizationExpired):
        harness.new().check()


@pytest.mark.parametrize(
    ("code", "kind", "status", "expected"),
    [
        ("120", "AuthorizationFault", 401, AuthorizationExpired),
        ("120", "AuthorizationFault", 400, PermissionMissing),
        ("120", "AuthorizationFault", 403, PermissionMissing),
        ("610", "ValidationFault", 400, Refused),
        ("500", "ValidationFault", 400, UnexpectedResponse),
        ("4001", "ValidationFault", 400, UnexpectedResponse),
        ("6190", "ValidationFault", 400, CompanyMustAct),
        ("6000", "ValidationFault", 200, Refused),
        ("9999", "ValidationFault", 400, Refused),
        ("10000", "SystemFault", 500, LedgerUnavailable),
        ("130", "SERVICE", 500, LedgerUnavailable),
        ("77", "", 400, UnexpectedResponse),
        ("3001", "ValidationFault", 400, RateLimited),
    ],
)
def test_a_code_decides_and_else_the_kind(harness: QboHarness, code: str, kind: str, status: int, expected: type[PuntualError]) -> None:
    harness.server.faults.extend([QboFault(code, "Refused", "Refused : for a reason", status=status, kind=kind)] * 2)
    with pytest.raises(expected) as refused:
        harness.new().check()
    assert expected is AuthorizationExpired or "intuit_tid 1-" in refused.value.detail


def test_a_refusal_that_comes_as_if_all_were_well_is_one(harness: QboHarness) -> None:
    harness.server.faults.append(QboFault("6000", "A business validation error", "Business Validation Error: no", status=200))
    with pytest.raises(Refused, match="Business Validation"):
        list(harness.new().changes(None))


def test_a_refusal_of_one_query_in_a_batch_is_not_taken_for_no_credit(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    _customer_id, invoice = _owing(harness)
    real = harness.server.api._item_answer

    def answer(item: Any) -> Any:
        if "CreditMemo" in item["Query"]:
            raise QboFault("4001", "Invalid query", "QueryValidationError: property 'Balance' is not queryable")
        return real(item)

    monkeypatch.setattr(harness.server.api, "_item_answer", answer)
    with pytest.raises(UnexpectedResponse, match="not queryable"):
        harness.new().recheck([invoice])


def test_an_answer_that_leaves_out_an_item_of_a_batch_is_a_misunderstanding(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    harness.server.api.batch = lambda _body: ({"BatchItemResponse": []}, False)  # type: ignore[method-assign]
    with pytest.raises(UnexpectedResponse, match="batch"):
        harness.new().recheck([invoice])


# --- the meter --------------------------------------------------------------------------------------------------------------------


class Meter:
    """Counts, and refuses what is for reading once `left` are left."""

    def __init__(self, left: int = 1000) -> None:
        self.spent: list[tuple[str, Purpose]] = []
        self.left = left

    def spend(self, quota: Quota, purpose: Purpose) -> None:
        if len(self.spent) >= self.left and purpose is Purpose.READING:
            raise QuotaUsedUp(f"The {quota.limit} {quota.name} are used up.")
        self.spent.append((quota.shared_by, purpose))

    def note_remaining(self, quota: Quota, remaining: int) -> None:
        raise AssertionError("Intuit does not say what is left")


def _metered(harness: QboHarness, meter: Meter, **changes: Any) -> QuickBooksConnector:
    surroundings = replace(harness.surroundings(), vault=MemoryVault(authorization_of(harness.server.grant())), meter=meter)
    return QuickBooksConnector(harness.settings(**changes), surroundings)


def test_reads_are_counted_as_intuit_counts_them_and_writes_are_free(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    meter = Meter()
    connector = _metered(harness, meter)
    for use in (lambda: list(connector.changes(None)), lambda: connector.recheck([invoice]), lambda: connector.invoice_pdf(invoice)):
        before, counted = harness.server.api.metered, len(meter.spent)
        use()
        assert len(meter.spent) - counted == harness.server.api.metered - before > 0
    assert {purpose for _app, purpose in meter.spent} == {Purpose.READING, Purpose.RECHECK, Purpose.WRITING}
    assert {app for app, _purpose in meter.spent} == {harness.server.client_id}
    counted = len(meter.spent)
    connector._wire.create_all("Attachable", [{"Note": "x"}], "r1")
    assert len(meter.spent) == counted


def test_the_last_of_the_month_is_kept_for_rechecks(harness: QboHarness) -> None:
    _customer_id, invoice = _owing(harness)
    connector = _metered(harness, Meter(left=0), calls_per_month=1000)
    with pytest.raises(QuotaUsedUp, match="1000 reads a month"):
        list(connector.changes(None))
    assert harness.calls() == 0
    assert len(connector.recheck([invoice]).invoices) == 1
    assert harness.settings(calls_per_month=1000).quota.reserve == 100


def test_a_sandbox_is_free(harness: QboHarness) -> None:
    meter = Meter(left=0)
    assert _metered(harness, meter, environment="sandbox").check().id
    assert meter.spent == []
