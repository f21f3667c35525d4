"""Writing into Xero: once whatever is lost, nothing else touched, and refused where Xero or the books do not allow it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from puntual.connectors.xero.charges import key_of
from puntual.connectors.xero.connector import MOST_CHARACTERS
from puntual.connectors.xero.stub import Line
from puntual.core.bookings import ChargeMade, ExpectedPayment, LateCharge, Note
from puntual.core.errors import LedgerUnavailable, PeriodLocked, Refused, RejectedByLedger
from suite.sample import eur, listen
from xero.xero_harness import CHARGE_ACCOUNT, XeroHarness

DUE, ISSUED = date(2026, 3, 2), date(2026, 2, 2)
MARK = "puntual:0123456789abcdef"


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


def _owing(harness: XeroHarness, amount: Any = Decimal(100), **values: Any) -> str:
    contact = harness.books.add_contact(f"Cliente {len(harness.books.contacts)}", "c@example.com")
    return harness.books.add_invoice(contact, amount, on=ISSUED, due=DUE, **values)


def _charge(harness: XeroHarness, invoice: str, **changes: Any) -> LateCharge:
    number, due_on = harness.books.invoices[invoice].number, harness.today + timedelta(days=7)
    made = LateCharge(MARK, invoice, number, "", eur("7.25"), "Interés de demora", harness.today, due_on)
    return replace(made, **changes)


def _put(harness: XeroHarness, charge: LateCharge, **settings: Any) -> ChargeMade | Refused:
    return harness.new(**settings).put_charges([charge])[charge.marker]


def _made(harness: XeroHarness, charge: LateCharge, **settings: Any) -> ChargeMade:
    answer = _put(harness, charge, **settings)
    assert isinstance(answer, ChargeMade), answer
    return answer


def _ours(harness: XeroHarness) -> list[Any]:
    """The invoices in the books that we made."""
    return [invoice for invoice in harness.books.invoices.values() if invoice.reference == f"[{MARK}]"]


def _sent(connector: Any, word: str) -> list[dict[str, Any]]:
    """Bodies that a connector sends from now on to paths with this word."""
    bodies: list[dict[str, Any]] = []
    request = connector.transport.request

    def listening(method: str, path: str, **more: Any) -> Any:
        if more.get("content") and word in path:
            bodies.append(json.loads(more["content"]))
        return request(method, path, **more)

    connector.transport.request = listening
    return bodies


# --- lost answers: the clock stands still, so that Xero still remembers the keys -------------------------------------------------


def test_a_lost_answer_leaves_one_note(harness: XeroHarness) -> None:
    note = Note(MARK, _owing(harness), "", f"Recordatorio [{MARK}]", harness.today)
    connector = harness.new()
    harness.lose_next_answer()
    with pytest.raises(LedgerUnavailable):
        connector.put_notes([note])
    assert connector.put_notes([note]) == {MARK: f"{note.invoice_id}/{MARK}"}
    assert harness.notes(note.invoice_id) == [note.text]


@pytest.mark.parametrize("on_invoice", [False, True])
def test_a_lost_answer_leaves_one_charge(harness: XeroHarness, on_invoice: bool) -> None:
    invoice = _owing(harness)
    charge, connector = _charge(harness, invoice, on_invoice=on_invoice), harness.new()
    harness.lose_next_answer()
    with pytest.raises(LedgerUnavailable):
        connector.put_charges([charge])
    again = connector.put_charges([charge])[MARK]
    assert isinstance(again, ChargeMade)
    assert (again.on_invoice, again.amount) == (on_invoice, eur("7.25"))
    assert len(harness.charges(invoice)) == 1
    assert len(_ours(harness)) == (not on_invoice)


def test_a_lost_answer_leaves_the_expected_date(harness: XeroHarness) -> None:
    invoice, connector = _owing(harness), harness.new()
    for day in (harness.today, None, harness.today, None):
        harness.lose_next_answer()
        with pytest.raises(LedgerUnavailable):
            connector.put_expected_payments([ExpectedPayment(invoice, day)])
        harness.at += timedelta(seconds=1)
        assert connector.put_expected_payments([ExpectedPayment(invoice, day)]) == [invoice]
        assert harness.expected_payment(invoice) == day


def test_a_key_stands_for_one_request_and_is_short_enough() -> None:
    keys = {key_of(MARK, {"a": 1}), key_of(MARK, {"a": 1}), key_of(MARK, {"a": 2}), key_of("other", {"a": 1})}
    assert len(keys) == 3
    assert all(len(key) <= 128 for key in keys)


# --- notes ------------------------------------------------------------------------------------------------------------------------


def test_a_note_that_is_too_long_keeps_its_beginning_and_its_marker(harness: XeroHarness) -> None:
    invoice = _owing(harness)
    note = Note(MARK, invoice, "", f"{'palabra ' * 400}[{MARK}]", harness.today)
    harness.new().put_notes([note])
    harness.new().put_notes([note])
    (text,) = harness.notes(invoice)
    assert len(text) <= MOST_CHARACTERS
    assert text.startswith("palabra " * 32)
    assert text.endswith(f"… [{MARK}]")


def test_what_cannot_be_looked_for_is_not_written(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, connector = _owing(harness), harness.new()

    def refused(_invoice: str) -> Any:
        raise RejectedByLedger("not now", code="400")

    monkeypatch.setattr(connector._wire, "history", refused)
    with pytest.raises(RejectedByLedger):
        connector.put_notes([Note(MARK, invoice, "", f"[{MARK}]", harness.today)])
    assert harness.notes(invoice) == []


def test_paid_and_void_invoices_take_notes(harness: XeroHarness) -> None:
    paid, void = _owing(harness), _owing(harness)
    harness.pay(paid, eur("100.00"), harness.today)
    harness.void(void)
    notes = [Note(f"PUNTUAL-{key}", key, "", f"[PUNTUAL-{key}]", harness.today) for key in (paid, void)]
    assert len(harness.new().put_notes(notes)) == 2


def test_our_note_is_no_change_of_the_invoice(harness: XeroHarness) -> None:
    invoice = _owing(harness)
    heard = listen(harness)
    harness.new().put_notes([Note(MARK, invoice, "", f"[{MARK}]", harness.today)])
    before = replace(heard.invoices[invoice], version="")
    assert replace(heard.sync(harness.new()).invoices[invoice], version="") == before


# --- a charge as a line -----------------------------------------------------------------------------------------------------------

TRACKING = [{"TrackingCategoryID": "t1", "TrackingOptionID": "o1", "Name": "Region", "Option": "North"}]


def test_every_other_line_stays_what_it_is_to_the_fourth_decimal(harness: XeroHarness) -> None:
    invoice = _owing(harness, line_amount_types="Exclusive")
    harness.books.edit(
        invoice,
        lines=[
            Line("l1", "Fine", Decimal(3), Decimal("1.2345"), "200", "OUTPUT", item="A-1", tracking=TRACKING),
            Line("l2", "Rebate", Decimal("1.5"), Decimal("20.00"), "200", "OUTPUT", tax_amount=Decimal("5.01"), discount=Decimal("12.5")),
        ],
    )
    before = [vars(line) for line in harness.books.invoices[invoice].lines]
    total = harness.books.invoices[invoice].total
    made = _made(harness, _charge(harness, invoice, on_invoice=True))
    *kept, new = harness.books.invoices[invoice].lines
    assert [vars(line) for line in kept] == before
    assert (new.account, new.tax_type, new.tracking, new.description) == (CHARGE_ACCOUNT, "NONE", TRACKING, f"Interés de demora [{MARK}]")
    assert harness.books.invoices[invoice].total == total + Decimal("7.25")
    assert (made.on_invoice, made.amount) == (True, eur("7.25"))


def test_a_taxed_line_comes_to_its_amount_and_the_tax(harness: XeroHarness) -> None:
    invoice = _owing(harness, line_amount_types="Exclusive")
    made = _made(harness, _charge(harness, invoice, amount=eur("10.00"), on_invoice=True, is_taxed=True))
    assert (made.on_invoice, made.amount) == (True, eur("12.00"))
    assert harness.new().put_charges([_charge(harness, invoice)]) == {MARK: made}


def _credited(harness: XeroHarness, invoice: str) -> None:
    contact = harness.books.invoices[invoice].contact_id
    credit = harness.books.add_credit_note(contact, Decimal(10), on=DUE)
    harness.books.allocate(credit, invoice, Decimal(10), on=DUE)


@pytest.mark.parametrize(
    ("spoil", "tries"),
    [
        (lambda harness, invoice: harness.pay(invoice, eur("10.00"), DUE), 0),
        (_credited, 0),
        (lambda harness, invoice: harness.books.lock_until(ISSUED), 0),
        (lambda harness, invoice: harness.books.lock_until(ISSUED, year_end=True), 0),
        (lambda harness, invoice: harness.books.edit(invoice, automatic_tax=True), 1),
    ],
    ids=["paid in part", "credited", "period lock", "year end lock", "sales tax by Xero"],
)
def test_where_no_line_is_allowed_the_charge_is_a_document(harness: XeroHarness, spoil: Any, tries: int) -> None:
    invoice = _owing(harness)
    spoil(harness, invoice)
    lines, connector = list(harness.lines(invoice)), harness.new()
    bodies = _sent(connector, f"Invoices/{invoice}")
    made = connector.put_charges([_charge(harness, invoice, on_invoice=True)])[MARK]
    assert isinstance(made, ChargeMade)
    assert (made.on_invoice, list(harness.lines(invoice)), len(bodies)) == (False, lines, tries)
    assert [document.id for document in _ours(harness)] == [made.document_id]


@pytest.mark.parametrize(
    ("prices", "is_taxed", "untaxed_type", "is_line"),
    [
        ("Exclusive", True, "NONE", True),
        ("Inclusive", True, "NONE", False),
        ("NoTax", True, "NONE", False),
        ("Exclusive", False, "NONE", True),
        ("Inclusive", False, "NONE", True),
        ("NoTax", False, "NONE", True),
        ("Exclusive", False, "EXEMPTOUTPUT", True),
        ("Inclusive", False, "EXEMPTOUTPUT", True),
        ("NoTax", False, "EXEMPTOUTPUT", False),
    ],
)
def test_a_line_bears_the_tax_of_the_charge_or_it_is_a_document(
    harness: XeroHarness, prices: str, is_taxed: bool, untaxed_type: str, is_line: bool
) -> None:
    invoice, connector = _owing(harness, line_amount_types=prices), harness.new(charge_untaxed_type=untaxed_type)
    bodies = _sent(connector, f"Invoices/{invoice}")
    made = connector.put_charges([_charge(harness, invoice, amount=eur("10.00"), on_invoice=True, is_taxed=is_taxed)])[MARK]
    assert isinstance(made, ChargeMade)
    assert (made.on_invoice, made.amount, len(bodies)) == (is_line, eur("12.00" if is_taxed else "10.00"), is_line)
    document = harness.books.invoices[made.document_id]
    line, tax_type = document.lines[-1], "OUTPUT" if is_taxed else untaxed_type
    assert (line.amount("EUR"), line.tax_type) == (Decimal("10.00"), tax_type)
    assert is_line or document.line_amount_types == ("NoTax" if tax_type == "NONE" else "Exclusive")


@pytest.mark.parametrize("prices", ["Exclusive", "Inclusive"])
def test_what_the_settings_call_untaxed_and_xero_taxes_is_not_left_there(harness: XeroHarness, prices: str) -> None:
    invoice = _owing(harness, line_amount_types=prices)
    before = [vars(line) for line in harness.books.invoices[invoice].lines]
    answer = _put(harness, _charge(harness, invoice, on_invoice=True), charge_untaxed_type="OUTPUT")
    assert isinstance(answer, RejectedByLedger)
    assert "charge_untaxed_type" in answer.hint
    assert [vars(line) for line in harness.books.invoices[invoice].lines] == before
    assert [document.status for document in _ours(harness)] == ["VOIDED"]


@pytest.mark.parametrize("tax_type", ["", "NONE"])
def test_no_tax_type_is_not_the_tax_that_is_due(harness: XeroHarness, tax_type: str) -> None:
    invoice = _owing(harness)
    connector = harness.new(charge_tax_type=tax_type)
    answer = connector.put_charges([_charge(harness, invoice, is_taxed=True)])[MARK]
    assert isinstance(answer, Refused)
    assert "charge_tax_type" in answer.hint
    assert isinstance(_put(harness, _charge(harness, invoice), charge_tax_type=tax_type), ChargeMade)


def test_when_anything_else_changed_the_lines_are_put_back(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = _owing(harness, [("One", Decimal(60)), ("Two", Decimal(40))])
    before = [vars(line) for line in harness.books.invoices[invoice].lines]
    connector, spoilt = harness.new(), []
    update = connector._wire.update_invoice

    def spoiling(invoice_id: str, changes: Any, key: str) -> Any:
        """The first time, another line changes as well."""
        if not spoilt:
            spoilt.append(key)
            first, *rest = changes["LineItems"]
            changes = {**changes, "LineItems": [{**first, "UnitAmount": Decimal("61.00")}, *rest]}
        return update(invoice_id, changes, key)

    monkeypatch.setattr(connector._wire, "update_invoice", spoiling)
    made = connector.put_charges([_charge(harness, invoice, on_invoice=True)])[MARK]
    assert isinstance(made, ChargeMade)
    assert not made.on_invoice
    assert [vars(line) for line in harness.books.invoices[invoice].lines] == before
    assert len(harness.charges(invoice)) == 1


def test_lines_that_cannot_be_put_back_are_told_to_a_person(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = _owing(harness)
    connector = harness.new()
    update = connector._wire.update_invoice

    def spoiling(invoice_id: str, changes: Any, key: str) -> Any:
        return {**update(invoice_id, changes, key), "Total": Decimal(1)}

    monkeypatch.setattr(connector._wire, "update_invoice", spoiling)
    answer = connector.put_charges([_charge(harness, invoice, on_invoice=True)])[MARK]
    assert isinstance(answer, RejectedByLedger)
    assert harness.books.invoices[invoice].number in str(answer)
    assert _ours(harness) == []


# --- a charge as a document -------------------------------------------------------------------------------------------------------


def test_the_document_follows_the_invoice(harness: XeroHarness) -> None:
    invoice = _owing(harness, currency="USD")
    theme = harness.books.new_id()
    harness.books.edit(invoice, branding_theme=theme)
    harness.books.invoices[invoice].lines[0].tracking = TRACKING
    connector = harness.new()
    bodies = _sent(connector, "Invoices")
    charge = _charge(harness, invoice, amount=eur("7.25", "USD"))
    assert isinstance(connector.put_charges([charge])[MARK], ChargeMade)
    (document,) = _ours(harness)
    assert (document.currency, document.branding_theme, document.lines[0].tracking) == ("USD", theme, TRACKING)
    assert (document.date, document.due_date, document.status) == (charge.charged_on, charge.due_on, "AUTHORISED")
    assert (document.line_amount_types, document.lines[0].tax_type) == ("NoTax", "NONE")
    assert harness.books.invoices[invoice].number in document.lines[0].description
    assert "InvoiceNumber" not in bodies[0]["Invoices"][0]
    assert document.number not in ("", harness.books.invoices[invoice].number)


def test_a_charge_that_stands_twice_is_for_a_person_to_sort_out(harness: XeroHarness) -> None:
    invoice = _owing(harness)
    made = _made(harness, _charge(harness, invoice))
    copy = harness.books.add_invoice(harness.books.invoices[invoice].contact_id, Decimal("7.25"), on=DUE, due=DUE, reference=f"[{MARK}]")
    answer = _put(harness, _charge(harness, invoice))
    assert isinstance(answer, Refused)
    assert harness.books.invoices[copy].number in answer.detail
    harness.void(copy)
    assert _made(harness, _charge(harness, invoice)) == made


def test_a_document_that_comes_to_something_else_is_made_void(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, connector = _owing(harness), harness.new()
    create = connector._wire.create_invoice

    def other(document: Any, key: str) -> Any:
        line = {**document["LineItems"][0], "UnitAmount": Decimal("72.50")}
        return create({**document, "LineItems": [line]}, key)

    monkeypatch.setattr(connector._wire, "create_invoice", other)
    answer = connector.put_charges([_charge(harness, invoice)])[MARK]
    assert isinstance(answer, RejectedByLedger)
    assert [document.status for document in _ours(harness)] == ["VOIDED"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"charge_account": ""}, "charge_account"),
        ({"charge_account": "999"}, "charge_account"),
        ({"charge_account": "280"}, "archived"),
        ({"charge_tax_type": "GST"}, "charge_tax_type"),
        ({"charge_untaxed_type": "GST"}, "charge_untaxed_type"),
    ],
)
def test_wrong_settings_are_named(harness: XeroHarness, settings: dict[str, str], words: str) -> None:
    invoice = _owing(harness)
    for on_invoice in (False, True):
        charge = _charge(harness, invoice, on_invoice=on_invoice, is_taxed="charge_tax_type" in settings)
        answer = _put(harness, charge, **settings)
        assert isinstance(answer, Refused)
        assert words in str(answer)
    assert harness.charges(invoice) == []


def test_an_archived_contact_takes_no_new_document(harness: XeroHarness) -> None:
    invoice = _owing(harness)
    harness.books.update_contact(harness.books.invoices[invoice].contact_id, status="ARCHIVED")
    answer = _put(harness, _charge(harness, invoice))
    assert isinstance(answer, RejectedByLedger)
    assert "Restore it in Xero" in str(answer)


@pytest.mark.parametrize("year_end", [False, True])
def test_a_day_in_a_closed_period_is_refused_before_it_is_sent(harness: XeroHarness, year_end: bool) -> None:
    invoice = _owing(harness)
    harness.books.date_offset = timedelta(hours=13)
    harness.books.lock_until(harness.today, year_end=year_end)
    connector = harness.new()
    bodies = _sent(connector, "Invoices")
    answer = connector.put_charges([_charge(harness, invoice, on_invoice=True)])[MARK]
    assert isinstance(answer, PeriodLocked)
    assert bodies == []
    tomorrow = harness.today + timedelta(days=1)
    assert isinstance(_put(harness, _charge(harness, invoice, charged_on=tomorrow)), ChargeMade)


def test_a_lock_that_xero_alone_knows_is_a_locked_period(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, connector = _owing(harness), harness.new()
    monkeypatch.setattr(connector._charges, "locked_until", None)
    harness.books.lock_until(harness.today)
    assert isinstance(connector.put_charges([_charge(harness, invoice)])[MARK], PeriodLocked)


def test_an_error_with_status_200_is_an_error(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, connector = _owing(harness), harness.new(charge_account="999")
    create = connector._wire._api.create_invoices
    monkeypatch.setattr(connector._wire._api, "create_invoices", lambda *a, **n: create(*a, **{**n, "summarize_errors": "false"}))
    answer = connector.put_charges([_charge(harness, invoice)])[MARK]
    assert isinstance(answer, RejectedByLedger)
    assert "'999' is not a valid code" in answer.detail


# --- the expected date ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [False, True])
def test_a_part_paid_invoice_may_refuse_the_expected_date(harness: XeroHarness, allowed: bool) -> None:
    harness.books.behaviour.expected_on_part_paid = allowed
    part_paid, kept = _owing(harness), _owing(harness)
    harness.pay(part_paid, eur("10.00"), DUE)
    expected = [ExpectedPayment(key, harness.today) for key in (part_paid, kept)]
    assert set(harness.new().put_expected_payments(expected)) == ({part_paid, kept} if allowed else {kept})
    assert harness.expected_payment(part_paid) == (harness.today if allowed else None)


def test_other_fields_stay_when_the_expected_date_goes(harness: XeroHarness) -> None:
    invoice = _owing(harness, [("One", Decimal(60)), ("Two", Decimal(40))], reference="PO 7")
    before = vars(harness.books.invoices[invoice]).copy()
    for day in (harness.today, None):
        harness.new().put_expected_payments([ExpectedPayment(invoice, day)])
    after = vars(harness.books.invoices[invoice])
    assert {name for name in after if after[name] != before[name]} <= {"updated_at"}
