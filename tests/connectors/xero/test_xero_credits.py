"""Credits in Xero: two writes of which either answer may be lost, notes that a person handled, tax, locks and Xero's own refusals."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from puntual.connectors.xero.stub import Line
from puntual.connectors.xero.wire import XeroWire
from puntual.core.bookings import ChargeMade, CreditMade, CreditWanted, LateCharge
from puntual.core.errors import LedgerUnavailable, PeriodLocked, Refused, RejectedByLedger, UnexpectedResponse
from suite.sample import eur, listen
from xero.xero_books import DUE, ISSUED, customer, heard_by, owing
from xero.xero_harness import XeroHarness
from xero.xero_world import World, message

MARK = "puntual:0123456789abcdef"


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


def _credit(harness: XeroHarness, document: str, amount: str = "7.25", **changes: Any) -> CreditWanted:
    row = harness.books.invoices[document]
    made = CreditWanted(MARK, document, row.number, row.contact_id, eur(amount, row.currency), "Descuento", harness.today)
    return replace(made, **changes)


def _charge_document(harness: XeroHarness, amount: str = "12.00", **changes: Any) -> CreditWanted:
    """A late charge as an invoice of its own, and a credit over all of it."""
    invoice = owing(harness)
    number = harness.books.invoices[invoice].number
    charge = LateCharge("puntual:c0c0", invoice, number, "", eur(amount), "Interés", harness.today, harness.today, **changes)
    made = harness.new().put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade), made
    return _credit(harness, made.document_id, str(made.amount.amount))


def _put(harness: XeroHarness, credit: CreditWanted, **settings: Any) -> CreditMade:
    made = harness.new(**settings).put_credits([credit])[credit.marker]
    assert isinstance(made, CreditMade), made
    return made


def _refused(harness: XeroHarness, credit: CreditWanted, **settings: Any) -> Refused:
    answer = harness.new(**settings).put_credits([credit])[credit.marker]
    assert isinstance(answer, Refused), answer
    return answer


def _notes(harness: XeroHarness) -> list[Any]:
    """The credit notes that we made."""
    return [credit for credit in harness.books.credits.values() if credit.reference == f"[{MARK}]"]


def _before(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], Any]) -> None:
    """The first time that the wire does this, that happens in the books first."""
    real, left = getattr(XeroWire, name), [happens]

    def first(self: XeroWire, *given: Any) -> Any:
        if left:
            left.pop()()
        return real(self, *given)

    monkeypatch.setattr(XeroWire, name, first)


# --- a lost answer, on every write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remembers", [True, False], ids=["at_once", "later"])
@pytest.mark.parametrize("touches", [True, False], ids=["note_moves", "note_stays"])
@pytest.mark.parametrize("write", ["create_credit_note", "allocate_credit_note"])
def test_a_credit_whose_answer_was_lost_is_made_once(
    harness: XeroHarness, monkeypatch: pytest.MonkeyPatch, write: str, touches: bool, remembers: bool
) -> None:
    harness.books.behaviour.allocation_touches_credit = touches
    credit, connector = _credit(harness, owing(harness)), harness.new()
    _before(monkeypatch, write, harness.lose_next_answer)
    with pytest.raises(LedgerUnavailable):
        connector.put_credits([credit])
    again = connector if remembers else harness.new()
    made = again.put_credits([credit])[MARK]
    assert made == CreditMade(MARK, _notes(harness)[0].id, _notes(harness)[0].number, eur("7.25"))
    assert len(_notes(harness)) == 1
    assert listen(harness).owed(credit.document_id) == eur("92.75")


@pytest.mark.parametrize("touches", [True, False], ids=["note_moves", "note_stays"])
def test_what_was_taken_back_is_used_again_though_xero_remembers_the_key(harness: XeroHarness, touches: bool) -> None:
    harness.books.behaviour.allocation_touches_credit = touches
    credit, connector = _credit(harness, owing(harness)), harness.new()
    made = connector.put_credits([credit])
    harness.at += timedelta(seconds=1)
    harness.unallocate(credit.document_id)
    assert connector.put_credits([credit]) == made
    assert listen(harness).owed(credit.document_id) == eur("92.75")


def test_a_void_whose_answer_was_lost_is_known(harness: XeroHarness) -> None:
    credit, connector = _charge_document(harness), harness.new()
    harness.lose_next_answer()
    with pytest.raises(LedgerUnavailable):
        connector.put_credits([credit])
    expected = CreditMade(MARK, credit.document_id, credit.document_number, eur("12.00"), is_void=True)
    assert connector.put_credits([credit]) == harness.new().put_credits([credit]) == {MARK: expected}
    assert _notes(harness) == []


def test_a_payment_between_the_two_writes_leaves_the_note_for_a_person(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    credit = _credit(harness, owing(harness))
    _before(monkeypatch, "allocate_credit_note", lambda: harness.pay(credit.document_id, eur("95.00"), harness.today))
    assert "exceeds the amount outstanding" in _refused(harness, credit).detail
    said = _refused(harness, credit)
    assert _notes(harness)[0].number in said.detail
    assert "Only 5.00 EUR is outstanding" in said.detail
    harness.unallocate(credit.document_id)
    assert _put(harness, credit).credit_id == _notes(harness)[0].id
    assert len(_notes(harness)) == 1


def test_what_was_paid_before_the_void_stays_paid(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    credit = _charge_document(harness)
    _before(monkeypatch, "update_invoice", lambda: harness.pay(credit.document_id, eur("5.00"), harness.today))
    assert isinstance(_refused(harness, credit), RejectedByLedger)
    assert listen(harness).owed(credit.document_id) == eur("7.00")
    assert _notes(harness) == []


def test_a_void_that_xero_did_not_do_is_not_believed(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    credit = _charge_document(harness)
    monkeypatch.setattr(XeroWire, "update_invoice", lambda self, key, change, idempotency: {"Status": "AUTHORISED"})
    with pytest.raises(UnexpectedResponse):
        harness.new().put_credits([credit])


# --- what is sent -----------------------------------------------------------------------------------------------------------------


def test_a_note_is_the_documents_and_bears_the_mark_alone_as_reference(harness: XeroHarness) -> None:
    document = owing(harness)
    tracking = [{"Name": "Región", "Option": "Norte"}]
    harness.books.invoices[document].lines[0].tracking = tracking
    harness.books.invoices[document].lines[0].account = "270"
    credit = _credit(harness, document)
    _put(harness, credit)
    note, original = _notes(harness)[0], harness.books.invoices[document]
    assert (note.contact_id, note.branding_theme, note.date) == (original.contact_id, original.branding_theme, harness.today)
    line = note.lines[0]
    assert (line.description, line.account, line.tracking) == (f"Descuento ({original.number})", "270", tracking)
    assert (note.line_amount_types, line.tax_type) == ("NoTax", "NONE")


def test_the_amount_is_with_tax(harness: XeroHarness) -> None:
    credit = replace(_charge_document(harness, "10.00", is_taxed=True), amount=eur("0.09"))
    assert _put(harness, credit).amount == eur("0.09")
    assert (_notes(harness)[0].total, _notes(harness)[0].tax) == (Decimal("0.09"), Decimal("0.02"))
    assert listen(harness).owed(credit.document_id) == eur("11.91")


def _taxed_invoice(harness: XeroHarness, **values: Any) -> str:
    """Goods of 100 at 20 %, whose tax a person set a cent too high; less 10 of them; books of 30 at 4 %; postage of 7 without tax."""
    harness.books.rates["OUTPUT4"] = Decimal(4)
    document = owing(harness, **{"line_amount_types": "Exclusive", **values})
    norte, sur = [{"Name": "Región", "Option": "Norte"}], [{"Name": "Región", "Option": "Sur"}]
    lines = [
        Line("l1", "Goods", Decimal(4), Decimal(25), "200", "OUTPUT", tax_amount=Decimal("20.01"), tracking=norte),
        Line("l2", "Rebate", Decimal(1), Decimal(-10), "200", "OUTPUT"),
        Line("l3", "Books", Decimal(1), Decimal(30), "270", "OUTPUT4", tracking=sur),
        Line("l4", "Postage", Decimal(1), Decimal(7), "200", "EXEMPTOUTPUT"),
        Line("l5", "Thank you", Decimal(0)),
    ]
    harness.books.edit(document, lines=lines)
    return document


def _lines(harness: XeroHarness) -> list[tuple[Any, ...]]:
    """The lines of our one credit note, with what they come to and their tax."""
    (note,) = _notes(harness)
    assert note.line_amount_types == "Inclusive"
    return [(line.account, line.tax_type, str(line.amount(note.currency)), str(note.tax_of(line))) for line in note.lines]


def test_a_note_bears_the_taxes_of_the_document_in_proportion(harness: XeroHarness) -> None:
    document = _taxed_invoice(harness)
    assert harness.books.invoices[document].total == Decimal("146.21")
    assert _put(harness, _credit(harness, document, "2.92")).amount == eur("2.92")
    assert _lines(harness) == [
        ("200", "OUTPUT", "2.16", "0.36"),
        ("270", "OUTPUT4", "0.62", "0.02"),
        ("200", "EXEMPTOUTPUT", "0.14", "0.00"),
    ]
    first, second, third = _notes(harness)[0].lines
    assert [line.tracking[0]["Option"] for line in (first, second, third)] == ["Norte", "Sur", "Norte"]
    assert {line.description for line in (first, second, third)} == {f"Descuento ({harness.books.invoices[document].number})"}


def test_a_note_over_all_of_a_document_takes_its_taxes_to_the_cent(harness: XeroHarness) -> None:
    document = _taxed_invoice(harness)
    _put(harness, _credit(harness, document, "146.21"))
    assert [line[2:] for line in _lines(harness)] == [("108.01", "18.01"), ("31.20", "1.20"), ("7.00", "0.00")]
    assert listen(harness).owed(document) is None


def test_tax_within_the_prices_is_within_the_note(harness: XeroHarness) -> None:
    document = _taxed_invoice(harness, line_amount_types="Inclusive")
    assert harness.books.invoices[document].total == Decimal("127.00")
    _put(harness, _credit(harness, document, "12.70"))
    assert [line[2:] for line in _lines(harness)] == [("9.00", "1.83"), ("3.00", "0.12"), ("0.70", "0.00")]


def _with_charge_line(harness: XeroHarness) -> CreditWanted:
    """An invoice with a taxed late charge as a line of its own, and a credit over that."""
    document = _taxed_invoice(harness)
    number, today = harness.books.invoices[document].number, harness.today
    charge = LateCharge("puntual:c0c0", document, number, "", eur("5.00"), "Interés", today, today, on_invoice=True, is_taxed=True)
    made = harness.new().put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade)
    assert made.on_invoice
    return _credit(harness, document, str(made.amount.amount), charge_marker=charge.marker)


def test_a_charge_that_is_a_line_is_taken_back_with_its_own_tax(harness: XeroHarness) -> None:
    _put(harness, _with_charge_line(harness))
    assert _lines(harness) == [("260", "OUTPUT", "6.00", "1.00")]


def test_a_charge_whose_line_a_person_took_away_is_not_taken_back_again(harness: XeroHarness) -> None:
    credit = _with_charge_line(harness)
    harness.books.edit(credit.document_id, lines=harness.books.invoices[credit.document_id].lines[:-1])
    assert "not on" in _refused(harness, credit).detail
    assert _notes(harness) == []


def test_a_charge_that_is_a_document_is_taken_back_as_all_of_its_lines(harness: XeroHarness) -> None:
    whole = _charge_document(harness, "10.00", is_taxed=True)
    _put(harness, replace(whole, amount=eur("6.00"), charge_marker="puntual:0ther"))
    assert _lines(harness) == [("260", "OUTPUT", "6.00", "1.00")]


def test_a_document_without_lines_is_credited_by_hand(harness: XeroHarness) -> None:
    document = owing(harness)
    harness.books.overlay[document] = {"LineItems": []}
    assert "shows no lines" in _refused(harness, _credit(harness, document)).detail


def test_a_note_of_another_amount_is_made_void_again(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    real = XeroWire.create_credit_note
    monkeypatch.setattr(XeroWire, "create_credit_note", lambda *given: {**real(*given), "Total": Decimal("7.26")})
    credit = _credit(harness, owing(harness))
    assert "7.26" in _refused(harness, credit).detail
    assert [note.status for note in _notes(harness)] == ["VOIDED"]
    assert listen(harness).owed(credit.document_id) == eur("100.00")


def test_credits_need_no_setting(harness: XeroHarness) -> None:
    bare = {"charge_account": "", "is_bare": True}
    credit = _charge_document(harness, is_taxed=True)
    assert not _put(harness, _credit(harness, owing(harness), marker="puntual:0ther"), **bare).is_void
    assert _put(harness, credit, **bare).is_void


def test_what_is_locked_is_not_even_asked_for(harness: XeroHarness) -> None:
    credit = _credit(harness, owing(harness))
    harness.lock_period(harness.today)
    connector = harness.new()
    said = heard_by(connector)
    assert isinstance(connector.put_credits([credit])[MARK], PeriodLocked)
    assert {request["method"] for request in said} == {"GET"}


def test_a_bill_of_a_supplier_is_not_credited(harness: XeroHarness) -> None:
    bill = harness.books.add_invoice(customer(harness), Decimal(50), on=ISSUED, due=DUE, type="ACCPAY")
    assert "no sales invoice" in _refused(harness, _credit(harness, bill)).detail


# --- what a person did ------------------------------------------------------------------------------------------------------------


def test_a_note_that_a_person_made_void_is_not_made_again(harness: XeroHarness) -> None:
    credit = _credit(harness, owing(harness))
    made = _put(harness, credit)
    harness.unallocate(credit.document_id)
    harness.books.void(made.credit_id)
    assert "made void" in _refused(harness, credit).detail
    assert listen(harness).owed(credit.document_id) == eur("100.00")


def test_a_note_that_a_person_used_elsewhere_stays_there(harness: XeroHarness) -> None:
    credit = _credit(harness, owing(harness))
    made = _put(harness, credit)
    other = owing(harness, contact=credit.customer_id)
    harness.unallocate(credit.document_id)
    harness.books.allocate(made.credit_id, other, Decimal("7.25"), on=harness.today)
    assert "used on something else" in _refused(harness, credit).detail
    assert listen(harness).owed(credit.document_id) == eur("100.00")


def test_two_notes_with_one_mark_and_one_of_another_amount_are_for_a_person(harness: XeroHarness) -> None:
    credit = _credit(harness, owing(harness))
    harness.books.add_credit_note(credit.customer_id, Decimal("7.00"), on=harness.today, reference=f"[{MARK}]")
    assert "is over 7.00 EUR" in _refused(harness, credit).detail
    harness.books.add_credit_note(credit.customer_id, Decimal("7.25"), on=harness.today, reference=f"[{MARK}]")
    assert "2 times" in _refused(harness, credit).detail
    assert listen(harness).owed(credit.document_id) == eur("100.00")


# --- the stand-in -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.server.close()


def _note(world: World, **changes: Any) -> Any:
    line = {"Description": "Credit", "UnitAmount": 25, "AccountCode": "200", "TaxType": "NONE"}
    body = {"Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": world.customer}, "LineItems": [line], **changes}
    return world.api("PUT", "CreditNotes", {"CreditNotes": [body]})


def _allocated(world: World, note: str, amount: float, **changes: Any) -> Any:
    body = {"Invoice": {"InvoiceID": world.invoice}, "Amount": amount, **changes}
    return world.api("PUT", f"CreditNotes/{note}/Allocations", {"Allocations": [body]})


def test_the_stand_in_makes_uses_and_cancels_notes(world: World) -> None:
    first, second = (_note(world).json()["CreditNotes"][0] for _each in range(2))
    assert (first["Total"], first["RemainingCredit"], first["Status"], bool(first["CreditNoteNumber"])) == (25, 25, "AUTHORISED", True)
    used = _allocated(world, first["CreditNoteID"], 25).json()["Allocations"][0]
    assert (used["Amount"], used["Invoice"]["InvoiceID"]) == (25, world.invoice)
    assert (world.one()["AmountDue"], world.one()["AmountCredited"]) == (75, 25)
    void = {"CreditNotes": [{"CreditNoteID": second["CreditNoteID"], "Status": "VOIDED"}]}
    assert world.api("POST", f"CreditNotes/{second['CreditNoteID']}", void).json()["CreditNotes"][0]["RemainingCredit"] == 0
    assert "takes no change" in message(world.api("POST", f"CreditNotes/{first['CreditNoteID']}", void))


def test_the_stand_in_refuses_what_xero_refuses(world: World) -> None:
    note = _note(world).json()["CreditNotes"][0]["CreditNoteID"]
    assert "exceeds the amount outstanding" in message(_allocated(world, note, 26))
    stranger = world.books.add_invoice(world.books.add_contact("Otro"), Decimal(50), on=ISSUED, due=DUE)
    assert "could not be found" in message(_allocated(world, note, 5, Invoice={"InvoiceID": stranger}))
    assert "not subscribed" in message(_note(world, CurrencyCode="XXX"))
    assert "line items" in message(_note(world, LineItems=[]))
    world.books.lock_until(ISSUED)
    assert "lock date" in message(_note(world, Date=f"{ISSUED}"))
    assert "lock date" in message(_allocated(world, note, 5, Date=f"{ISSUED}"))
    assert world.one()["AmountDue"] == 100
