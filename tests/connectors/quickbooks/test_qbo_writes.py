"""What we write into QuickBooks Online: once, whole, and only on what is still owed, though each answer may be lost after the write."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from harness import Books
from puntual.connectors.quickbooks.charges import request_id
from puntual.connectors.quickbooks.stub import QboFault
from puntual.connectors.quickbooks.wire import Wire, json_text
from puntual.core.bookings import ChargeMade, LateCharge, Note
from puntual.core.errors import CompanyMustAct, PeriodLocked, PuntualError, Refused, RejectedByLedger, UnexpectedResponse
from puntual.core.receivables import DocumentStatus
from qbo_harness import QboHarness, a_taxed_line, two_lines
from suite.sample import a_customer, an_invoice, eur, listen

DUE = date(2026, 2, 10)
TODAY = QboHarness.today
STALE = ("5010", "Stale Object Error", "Stale Object Error : You and Ana were working on this at the same time.")
CLOSED = ("5010", "Account Period Closed, Cannot Update Through Services API", "The account period has closed.")


@pytest.fixture
def harness() -> Iterator[QboHarness]:
    made = QboHarness()
    yield made
    made.close()


def _owing(harness: QboHarness, **values: Any) -> str:
    customer = harness.books.add_customer("Talleres Sur", email="sur@example.com", country="ES")
    return _invoice(harness, customer, **values)


def _invoice(harness: QboHarness, customer: str, amount: str = "100.00", **values: Any) -> str:
    lines = values.pop("lines", two_lines(harness.books, Decimal(amount)))
    key = harness.books.add_invoice(customer, Decimal(amount), issued_on=date(2026, 1, 10), due_on=DUE, lines=lines, **values)
    harness._numbers[key] = harness.books.store.get("Invoice", key)["DocNumber"]
    return key


def _charge(harness: QboHarness, invoice: str, marker: str = "puntual:1f2e", **changes: Any) -> LateCharge:
    row = harness.books.store.get("Invoice", invoice)
    amount = eur("12.10", row["CurrencyRef"]["value"])
    made = LateCharge(marker, invoice, row["DocNumber"], row["CustomerRef"]["value"], amount, "Interés de demora", TODAY, TODAY, True)
    return replace(made, **changes)


def _put(harness: QboHarness, charge: LateCharge, **settings: Any) -> ChargeMade:
    made = harness.new(**settings).put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade), made
    return made


def _refused(harness: QboHarness, charge: LateCharge, **settings: Any) -> Refused:
    answer = harness.new(**settings).put_charges([charge])[charge.marker]
    assert isinstance(answer, Refused), answer
    return answer


def _row(harness: QboHarness, invoice: str) -> dict[str, Any]:
    return harness.books.store.get("Invoice", invoice)


def _just_before_writing(monkeypatch: pytest.MonkeyPatch, *happens: Callable[[], None]) -> list[str]:
    """Each time an invoice is written, the next of these happens in the books first. Returns the request ids that were sent."""
    real, left, sent = Wire.write, list(happens), []

    def write(self: Wire, entity: str, body: Any, key: str) -> Any:
        sent.append(key)
        if left:
            left.pop(0)()
        return real(self, entity, body, key)

    monkeypatch.setattr(Wire, "write", write)
    return sent


# --- a lost answer, on every write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remembers", [True, False], ids=["ids_kept", "ids_forgotten"])
@pytest.mark.parametrize("on_invoice", [True, False], ids=["line", "document"])
def test_a_charge_whose_answer_was_lost_stands_once(harness: QboHarness, on_invoice: bool, remembers: bool) -> None:
    invoice = _owing(harness)
    charge = _charge(harness, invoice, on_invoice=on_invoice)
    harness.lose_next_answer()
    with pytest.raises(PuntualError):
        harness.new().put_charges([charge])
    if not remembers:
        harness.server.forget_requests()
    made = _put(harness, charge)
    assert len(harness.charges(invoice)) == 1
    assert (made.on_invoice, made.amount) == (on_invoice, eur("12.10"))
    assert _put(harness, charge) == made


def test_a_note_whose_answer_was_lost_stands_once(harness: QboHarness) -> None:
    invoice = _owing(harness)
    notes = [Note(f"puntual:{n}a", invoice, "1", f"Recordatorio {n} [puntual:{n}a]", TODAY) for n in range(35)]
    harness.lose_next_answer()
    with pytest.raises(PuntualError):
        harness.new().put_notes(notes)
    assert len(harness.notes(invoice)) == 30
    harness.server.forget_requests()
    assert set(harness.new().put_notes(notes)) == {note.marker for note in notes}
    assert sorted(harness.notes(invoice)) == sorted(note.text for note in notes)


def test_the_same_write_has_the_same_request_id_and_another_one_another() -> None:
    assert request_id("puntual:1f2e", "line", "2") == request_id("puntual:1f2e", "line", "2")
    assert len({request_id("puntual:1f2e", "line", version) for version in "0123"}) == 4
    assert len(request_id("m" * 500)) <= 50
    assert request_id("ab", "c") != request_id("a", "bc")


def test_a_write_sent_twice_by_the_wire_is_carried_out_once(harness: QboHarness) -> None:
    connector, invoice = harness.new(), _owing(harness)
    body = {"CustomerRef": _row(harness, invoice)["CustomerRef"], "Line": [harness.books.line(Decimal(5))]}
    first, again = (connector._wire.write("Invoice", body, "puntual-x")["Id"] for _each in range(2))
    assert first == again


# --- stale, or closed -------------------------------------------------------------------------------------------------------------


def test_what_changed_meanwhile_is_read_and_judged_anew(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = _owing(harness)
    sent = _just_before_writing(monkeypatch, lambda: harness.postpone(invoice, DUE + timedelta(days=3)))
    made = _put(harness, _charge(harness, invoice))
    assert (made.on_invoice, len(sent), len(set(sent))) == (True, 2, 2)
    assert listen(harness).owed(invoice) == eur("112.10")


def test_paid_meanwhile_is_not_charged(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = _owing(harness)
    _just_before_writing(monkeypatch, lambda: harness.pay(invoice, eur("100.00"), TODAY) and None)
    assert "has been paid" in _refused(harness, _charge(harness, invoice)).detail
    assert harness.charges(invoice) == []


def test_part_paid_meanwhile_is_charged_by_a_document(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = _owing(harness)
    _just_before_writing(monkeypatch, lambda: harness.pay(invoice, eur("60.00"), TODAY) and None)
    assert not _put(harness, _charge(harness, invoice)).on_invoice
    assert listen(harness).owed(invoice) == eur("40.00")


def test_charged_meanwhile_by_another_run_is_found(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = _owing(harness)
    charge = _charge(harness, invoice)
    line = harness.books.line(Decimal("12.10"), f"Interés de demora [{charge.marker}]", harness.charge_item)

    def other() -> None:
        row = _row(harness, invoice)
        harness.books.write_lines(row, [*row["Line"], line])
        harness.books.posting.settle("Invoice", row)
        harness.books.store.touch(row)

    _just_before_writing(monkeypatch, other)
    assert _put(harness, charge).on_invoice
    assert len(harness.charges(invoice)) == 1


def test_what_is_always_stale_is_given_up_after_two_tries(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = _owing(harness)
    sent = _just_before_writing(monkeypatch, *[lambda: harness.server.faults.append(QboFault(*STALE))] * 9)
    assert "changed in the ledger" in str(_refused(harness, _charge(harness, invoice)))
    assert len(sent) == 2
    assert harness.charges(invoice) == []


@pytest.mark.parametrize("code", ["6210", "5010"])
def test_closed_books_make_a_document_whatever_the_code(harness: QboHarness, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    invoice = _owing(harness)
    harness.books.close_books(TODAY - timedelta(days=1), code=code)
    sent = _just_before_writing(monkeypatch)
    assert not _put(harness, _charge(harness, invoice)).on_invoice
    assert len(sent) == 2
    harness.books.close_books(TODAY, code=code)
    assert isinstance(_refused(harness, _charge(harness, invoice, "puntual:77")), PeriodLocked)


# --- the line ---------------------------------------------------------------------------------------------------------------------


def test_the_line_is_added_to_all_the_others_and_touches_nothing_else(harness: QboHarness) -> None:
    group = {"GroupItemRef": {"value": "77"}, "Quantity": 1, "Line": [harness.books.line(Decimal(30), "Parte")]}
    lines = [
        {**harness.books.line(Decimal(70), "Reparación"), "LinkedTxn": [{"TxnId": "12", "TxnType": "Estimate"}]},
        {"DetailType": "GroupLineDetail", "Amount": Decimal(30), "GroupLineDetail": group},
        {"DetailType": "DescriptionOnly", "Description": "Gracias"},
    ]
    fields = {"CustomField": [{"DefinitionId": "1", "Name": "Obra", "Type": "StringType", "StringValue": "102"}]}
    fields |= {"PrivateNote": "No tocar", "CustomerMemo": {"value": "Gracias"}}
    invoice = _owing(harness, lines=lines, **fields)
    before = dict(_row(harness, invoice))
    _put(harness, _charge(harness, invoice))
    after = _row(harness, invoice)
    assert after["Line"][:-1] == before["Line"]
    assert after["Line"][-1]["Description"] == "Interés de demora [puntual:1f2e]"
    assert (after["TotalAmt"], after["Balance"]) == (Decimal("112.10"), Decimal("112.10"))
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= {"Line", "SyncToken", "MetaData", "TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance", "TxnTaxDetail"}


def test_tax_is_computed_anew_and_counts_to_the_charge(harness: QboHarness) -> None:
    invoice = _owing(harness, lines=[a_taxed_line(harness, "100.00")])
    assert listen(harness).owed(invoice) == eur("120.00")
    taxed = _charge(harness, invoice, amount=eur("10.00"), is_taxed=True)
    made = _put(harness, taxed)
    assert (made.amount, listen(harness).owed(invoice)) == (eur("12.00"), eur("132.00"))
    assert _put(harness, taxed) == made
    for is_taxed, total in ((True, "12.00"), (False, "10.00")):
        document = _put(harness, replace(taxed, marker=f"puntual:{total[:2]}", is_taxed=is_taxed, on_invoice=False))
        assert document.amount == eur(total)
        assert _row(harness, document.document_id)["GlobalTaxCalculation"] == "TaxExcluded"


def test_a_charge_among_lines_with_other_taxes_is_told_with_its_own(harness: QboHarness) -> None:
    """Two codes over the same amount: by the amounts nobody could tell which of the taxes is whose."""
    lines = [a_taxed_line(harness, "12.10"), harness.books.line(Decimal(50))]
    invoice = _owing(harness, lines=lines)
    untaxed, taxed = _charge(harness, invoice), _charge(harness, invoice, "puntual:2", is_taxed=True)
    assert [_put(harness, charge).amount for charge in (untaxed, taxed, untaxed, taxed)] == [eur("12.10"), eur("14.52")] * 2
    assert listen(harness).owed(invoice) == eur("14.52") + eur("50.00") + eur("12.10") + eur("14.52")


def test_the_tax_that_is_due_has_to_be_named(harness: QboHarness) -> None:
    invoice = _owing(harness)
    for on_invoice in (True, False):
        taxed = _charge(harness, invoice, is_taxed=True, on_invoice=on_invoice)
        assert "charge_tax_code" in _refused(harness, taxed, charge_tax_code="").hint
        assert "charge_tax_code" in _refused(harness, taxed, charge_tax_code="TAX").hint
        untaxed = _charge(harness, invoice, on_invoice=on_invoice)
        assert "charge_untaxed_code" in _refused(harness, untaxed, charge_untaxed_code="NON").hint
    assert harness.charges(invoice) == []


def test_a_policy_from_before_names_its_tax_as_ever(harness: QboHarness) -> None:
    taxed = _charge(harness, _owing(harness), is_taxed=True)
    assert _put(harness, taxed, charge_tax_code=harness.books.untaxed).amount == eur("12.10")


def test_a_discount_over_the_whole_would_take_from_the_charge(harness: QboHarness) -> None:
    discount = {"DetailType": "DiscountLineDetail", "Amount": Decimal(10)}
    discount["DiscountLineDetail"] = {"PercentBased": True, "DiscountPercent": Decimal(10)}
    invoice = _owing(harness, lines=[harness.books.line(Decimal(100)), discount])
    assert not _put(harness, _charge(harness, invoice)).on_invoice
    assert listen(harness).owed(invoice) == eur("90.00")


def test_the_invoice_is_read_by_its_id_right_before(harness: QboHarness) -> None:
    invoice = _owing(harness)
    before = harness.server.methods["GET invoice"]
    _put(harness, _charge(harness, invoice))
    assert harness.server.methods["GET invoice"] == before + 1


def test_numbers_are_written_as_numbers_and_exactly() -> None:
    text = json_text({"a": [Decimal("12.10"), Decimal("1E+3"), 5, True, None], "b": {"c": '«ñ» \\ "'}})
    assert text == '{"a":[12.10,1000,5,true,null],"b":{"c":"\\u00abñ\\u00bb \\\\ \\""}}'.replace("ñ", "\\u00f1")
    assert json.loads(text)["b"]["c"] == '«ñ» \\ "'


# --- the document -----------------------------------------------------------------------------------------------------------------


def test_the_document_says_what_it_is_for_and_hides_its_mark(harness: QboHarness) -> None:
    customer = harness.books.add_customer("Aceros", currency="USD", email="ap@example.com")
    invoice = _invoice(harness, customer, email="facturas@example.com, copia@example.com")
    made = _put(harness, _charge(harness, invoice, on_invoice=False, due_on=TODAY + timedelta(days=15)))
    row, number = _row(harness, made.document_id), _row(harness, invoice)["DocNumber"]
    assert (row["TxnDate"], row["DueDate"], row["CurrencyRef"]["value"]) == (TODAY, TODAY + timedelta(days=15), "USD")
    assert row["BillEmail"] == {"Address": "facturas@example.com, copia@example.com"}
    assert row["CustomerMemo"]["value"] == row["Line"][0]["Description"] == f"Interés de demora ({number})"
    assert ("[puntual:1f2e]" in row["PrivateNote"], "LinkedTxn" in row and row["LinkedTxn"]) == (True, [])
    heard = listen(harness).invoices[made.document_id]
    assert (heard.is_late_charge, heard.ledger_late_fee, heard.contact_id) == (True, "", "mailto:facturas@example.com")


def test_a_charge_that_open_credit_consumes_at_once_was_made_all_the_same(harness: QboHarness) -> None:
    invoice = _owing(harness)
    harness.books.auto_apply_credit = True
    harness.books.add_payment("1", Decimal("50.00"), on=TODAY)
    made = _put(harness, _charge(harness, invoice, on_invoice=False))
    assert made.amount == eur("12.10")
    assert listen(harness).invoices[made.document_id].status is DocumentStatus.PAID
    assert _put(harness, _charge(harness, invoice, on_invoice=False)) == made


def test_a_voided_charge_is_found_over_nothing_and_not_made_again(harness: QboHarness) -> None:
    invoice = _owing(harness)
    made = _put(harness, _charge(harness, invoice, on_invoice=False))
    harness.void(made.document_id)
    again = _put(harness, _charge(harness, invoice, on_invoice=False))
    assert (again.document_id, again.amount) == (made.document_id, eur("0"))


def test_a_charge_on_a_jobs_invoice_is_for_its_payer_and_found_there(harness: QboHarness) -> None:
    top = harness.books.add_customer("Freeman")
    job = harness.books.add_customer("55 Twin Lane", parent=top, bill_with_parent=True)
    invoice = _invoice(harness, job)
    payer = listen(harness).invoices[invoice].customer_id
    charge = _charge(harness, invoice, customer_id=payer, on_invoice=False)
    harness.lose_next_answer()
    with pytest.raises(PuntualError):
        harness.new().put_charges([charge])
    harness.server.forget_requests()
    made = _put(harness, charge)
    assert _row(harness, made.document_id)["CustomerRef"]["value"] == top
    assert len(harness.charges(invoice)) == 1


def test_a_charge_without_a_number_is_named_by_its_id(harness: QboHarness) -> None:
    invoice = _owing(harness)
    harness.books.custom_numbers = True
    made = _put(harness, _charge(harness, invoice, on_invoice=False))
    assert made.number == made.document_id == listen(harness).invoices[made.document_id].number


# --- what is refused, and what it says --------------------------------------------------------------------------------------------


def test_charges_need_an_item(harness: QboHarness) -> None:
    invoice = _owing(harness)
    assert "charge_item" in _refused(harness, _charge(harness, invoice), charge_item="").hint
    assert "Recargos" in _refused(harness, _charge(harness, invoice), charge_item="Recargos").detail
    assert "backslash" in _refused(harness, _charge(harness, invoice), charge_item="a\\b").detail
    assert harness.charges(invoice) == []


def test_the_item_may_be_named_and_a_name_may_have_a_quote(harness: QboHarness) -> None:
    harness.books.add_item("L'intérêt")
    assert _put(harness, _charge(harness, _owing(harness)), charge_item="L'intérêt").on_invoice


def test_an_inactive_item_or_customer_is_refused_with_the_vendors_words(harness: QboHarness) -> None:
    invoice = _owing(harness)
    harness.books.deactivate("Item", harness.charge_item)
    refused = _refused(harness, _charge(harness, invoice))
    assert isinstance(refused, RejectedByLedger)
    assert (refused.code, "made inactive" in refused.detail, "intuit_tid" in refused.detail) == ("610", True, True)
    assert "no active item" in _refused(harness, _charge(harness, invoice), charge_item="Recargo por demora").detail


def test_a_lapsed_subscription_reads_and_says_who_must_act_on_writing(harness: QboHarness) -> None:
    invoice = _owing(harness)
    harness.books.subscription_ended = True
    assert listen(harness).owed(invoice) == eur("100.00")
    for use in (lambda: _put(harness, _charge(harness, invoice)), lambda: _put_note(harness, invoice)):
        with pytest.raises(CompanyMustAct, match="subscription"):
            use()


def _put_note(harness: QboHarness, invoice: str) -> Any:
    return harness.new().put_notes([Note("puntual:1", invoice, "1", "[puntual:1]", TODAY)])


def test_a_document_that_must_not_be_touched_is_refused(harness: QboHarness) -> None:
    invoice = _owing(harness)
    harness.server.faults.clear()
    connector = harness.new()
    real = connector._wire.write

    def write(*given: Any) -> Any:
        harness.server.faults.append(QboFault("6540", "Deposited Transaction cannot be changed", "It was deposited."))
        return real(*given)

    connector._wire.write = write
    answer = connector.put_charges([_charge(harness, invoice)])["puntual:1f2e"]
    assert isinstance(answer, RejectedByLedger)
    assert answer.code == "6540"


def test_an_answer_without_our_mark_is_a_misunderstanding(harness: QboHarness) -> None:
    connector, invoice = harness.new(), _owing(harness)
    charge = _charge(harness, invoice)
    connector._wire.write = lambda *_given: {"Id": "9", "TotalAmt": 5, "CurrencyRef": {"value": "EUR"}, "Line": []}
    with pytest.raises(UnexpectedResponse):
        connector.put_charges([charge])


# --- notes ------------------------------------------------------------------------------------------------------------------------


def test_a_note_is_attached_and_nobody_gets_it(harness: QboHarness) -> None:
    invoice = _owing(harness, PrivateNote="No tocar")
    made = _put_note(harness, invoice)
    row = harness.books.store.get("Attachable", made["puntual:1"])
    assert row["AttachableRef"] == [{"EntityRef": {"type": "Invoice", "value": invoice}, "IncludeOnSend": False}]
    assert int(made["puntual:1"]) > 2**63
    assert (_row(harness, invoice)["SyncToken"], _row(harness, invoice)["PrivateNote"]) == ("0", "No tocar")


def test_a_note_that_is_too_long_keeps_its_mark(harness: QboHarness) -> None:
    invoice = _owing(harness)
    long = Note("puntual:ab", invoice, "1", "x" * 3000 + " [puntual:ab]", TODAY)
    made = harness.new().put_notes([long])
    text = harness.notes(invoice)[0]
    assert (len(text), text[:1900], text.endswith(" ... [puntual:ab]")) == (2000, "x" * 1900, True)
    assert harness.new().put_notes([long]) == made


def test_a_file_that_people_attached_is_no_note_of_ours(harness: QboHarness) -> None:
    invoice = _owing(harness)
    reference = [{"EntityRef": {"type": "Invoice", "value": invoice}}]
    harness.books.store.add("Attachable", {"FileName": "albarán.pdf", "AttachableRef": reference})
    harness.books.store.add("Attachable", {"Note": "see puntual:12", "AttachableRef": reference})
    assert len(_put_note(harness, invoice)) == 1
    assert "[puntual:1]" in harness.notes(invoice)


def test_in_the_us_foreign_letters_are_lost_and_the_mark_is_not() -> None:
    harness = QboHarness(country="US", home_currency="USD", multicurrency=False)
    try:
        ids = harness.seed(Books((a_customer(),), (an_invoice("i1", currency="USD", due=DUE),)))
        note = Note("puntual:ab", ids.invoices["i1"], "1", "Debe 100 € — «ya» [puntual:ab]", TODAY)
        assert harness.new().put_notes([note]) == harness.new().put_notes([note])
        assert harness.notes(note.invoice_id) == ["Debe 100 ? ? «ya» [puntual:ab]"]
        charge = _charge(harness, ids.invoices["i1"])
        assert (_put(harness, charge).on_invoice, _put(harness, charge).amount) == (True, eur("12.10", "USD"))
    finally:
        harness.close()
