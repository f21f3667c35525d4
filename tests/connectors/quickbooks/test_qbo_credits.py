"""Credits in QuickBooks Online: two writes of which either answer may be lost, tax, jobs, and a service that applies credits by itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from puntual.connectors.quickbooks.stub import QboFault
from puntual.connectors.quickbooks.wire import Wire
from puntual.core.bookings import ChargeMade, CreditMade, CreditWanted, LateCharge
from puntual.core.errors import PeriodLocked, PuntualError, Refused, RejectedByLedger, UnexpectedResponse
from qbo_harness import QboHarness, a_taxed_line, two_lines
from suite.sample import eur, listen

DUE = date(2026, 2, 10)
TODAY = QboHarness.today
MARK = "puntual:c1d2"


@pytest.fixture
def harness() -> Iterator[QboHarness]:
    made = QboHarness()
    yield made
    made.close()


def _customer(harness: QboHarness, name: str = "Talleres Sur", **values: Any) -> str:
    return harness.books.add_customer(name, email="sur@example.com", **values)


def _owing(harness: QboHarness, customer: str = "", amount: str = "100.00", issued_on: date = date(2026, 1, 10), **values: Any) -> str:
    owing = customer or _customer(harness)
    lines = values.pop("lines", two_lines(harness.books, Decimal(amount)))
    return harness.books.add_invoice(owing, Decimal(amount), issued_on=issued_on, due_on=DUE, lines=lines, **values)


def _credit(harness: QboHarness, document: str, amount: str = "12.10", **changes: Any) -> CreditWanted:
    row = harness.books.store.get("Invoice", document)
    made = CreditWanted(MARK, document, row["DocNumber"], row["CustomerRef"]["value"], eur(amount), "Descuento", TODAY)
    return replace(made, **changes)


def _charge_document(harness: QboHarness, amount: str = "12.00", **changes: Any) -> CreditWanted:
    """A late charge as a document of its own, and a credit over all of it."""
    invoice = _owing(harness)
    number = harness.books.store.get("Invoice", invoice)["DocNumber"]
    customer = harness.books.store.get("Invoice", invoice)["CustomerRef"]["value"]
    charge = LateCharge("puntual:c0c0", invoice, number, customer, eur(amount), "Interés", TODAY, TODAY, **changes)
    made = harness.new().put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade), made
    return _credit(harness, made.document_id, str(made.amount.amount))


def _put(harness: QboHarness, credit: CreditWanted, **settings: Any) -> CreditMade:
    made = harness.new(**settings).put_credits([credit])[credit.marker]
    assert isinstance(made, CreditMade), made
    return made


def _refused(harness: QboHarness, credit: CreditWanted, **settings: Any) -> Refused:
    answer = harness.new(**settings).put_credits([credit])[credit.marker]
    assert isinstance(answer, Refused), answer
    return answer


def _memos(harness: QboHarness) -> list[dict[str, Any]]:
    return list(harness.books.store.rows("CreditMemo"))


def _before(monkeypatch: pytest.MonkeyPatch, name: str, entity: str, *happens: Callable[[], Any]) -> None:
    """The first times that an entity is written, the next of these happens in the books first. `name`: write, void or delete."""
    real, left = getattr(Wire, name), list(happens)

    def write(self: Wire, written: str, *given: Any) -> Any:
        if written == entity and left:
            left.pop(0)()
        return real(self, written, *given)

    monkeypatch.setattr(Wire, name, write)


# --- a lost answer, on every write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bumps", [True, False], ids=["token_moves", "token_stays"])
@pytest.mark.parametrize("remembers", [True, False], ids=["ids_kept", "ids_forgotten"])
@pytest.mark.parametrize("entity", ["CreditMemo", "Payment"])
def test_a_credit_whose_answer_was_lost_is_made_once(
    harness: QboHarness, monkeypatch: pytest.MonkeyPatch, entity: str, remembers: bool, bumps: bool
) -> None:
    harness.books.posting.payments_bump_versions = bumps
    credit = _credit(harness, _owing(harness))
    _before(monkeypatch, "write", entity, harness.lose_next_answer)
    with pytest.raises(PuntualError):
        harness.new().put_credits([credit])
    if not remembers:
        harness.server.forget_requests()
    made = _put(harness, credit)
    assert [row["Id"] for row in _memos(harness)] == [made.credit_id]
    assert listen(harness).owed(credit.document_id) == eur("87.90")
    harness.unallocate(credit.document_id)
    assert _put(harness, credit) == made
    assert listen(harness).owed(credit.document_id) == eur("87.90")


@pytest.mark.parametrize("remembers", [True, False], ids=["ids_kept", "ids_forgotten"])
def test_a_void_whose_answer_was_lost_is_known(harness: QboHarness, remembers: bool) -> None:
    credit = _charge_document(harness)
    harness.lose_next_answer()
    with pytest.raises(PuntualError):
        harness.new().put_credits([credit])
    if not remembers:
        harness.server.forget_requests()
    assert _put(harness, credit) == CreditMade(MARK, credit.document_id, credit.document_number, eur("12.00"), is_void=True)
    assert _memos(harness) == []


def test_a_payment_between_the_two_writes_leaves_the_credit_for_a_person(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    credit = _credit(harness, _owing(harness))
    _before(monkeypatch, "write", "Payment", lambda: harness.pay(credit.document_id, eur("95.00"), TODAY))
    assert isinstance(_refused(harness, credit), RejectedByLedger)
    said = _refused(harness, credit)
    assert _memos(harness)[0]["DocNumber"] in said.detail
    assert "Only 5.00 EUR is outstanding" in said.detail
    harness.unallocate(credit.document_id)
    assert _put(harness, credit).credit_id == _memos(harness)[0]["Id"]
    assert len(_memos(harness)) == 1


# --- void, stale, closed ----------------------------------------------------------------------------------------------------------


def test_what_changed_before_the_void_is_read_and_judged_anew(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    credit = _charge_document(harness)
    _before(monkeypatch, "void", "Invoice", lambda: harness.postpone(credit.document_id, TODAY + timedelta(days=9)))
    assert _put(harness, credit).is_void
    assert listen(harness).owed(credit.document_id) is None


def test_what_was_paid_before_the_void_stays_paid(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    credit = _charge_document(harness)
    _before(monkeypatch, "void", "Invoice", lambda: harness.pay(credit.document_id, eur("5.00"), TODAY))
    assert "7.00 EUR" in _refused(harness, credit).detail
    assert listen(harness).owed(credit.document_id) == eur("7.00")
    assert _memos(harness) == []


@pytest.mark.parametrize("code", ["6210", "5010"])
def test_closed_books_are_told_as_such(harness: QboHarness, code: str) -> None:
    credit = _credit(harness, _owing(harness))
    harness.books.close_books(TODAY, code=code)
    assert isinstance(_refused(harness, credit), PeriodLocked)
    assert _memos(harness) == []


def test_an_ordinary_invoice_is_never_voided(harness: QboHarness) -> None:
    credit = _credit(harness, _owing(harness), "100.00")
    made = _put(harness, credit)
    assert (made.is_void, harness.books.store.get("Invoice", credit.document_id)["TotalAmt"]) == (False, Decimal(100))
    assert listen(harness).owed(credit.document_id) is None


def test_a_void_that_leaves_an_amount_is_not_believed(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    credit = _charge_document(harness)
    monkeypatch.setattr(Wire, "void", lambda self, entity, row, key: row)
    with pytest.raises(UnexpectedResponse):
        harness.new().put_credits([credit])


# --- what the customer's books hold -----------------------------------------------------------------------------------------------


def test_a_job_is_credited_itself_though_its_parent_pays(harness: QboHarness) -> None:
    parent = _customer(harness)
    job = _customer(harness, "55 Twin Lane", parent=parent, bill_with_parent=True)
    credit = _credit(harness, _owing(harness, job), customer_id=parent)
    made = _put(harness, credit)
    assert [row["CustomerRef"]["value"] for row in _memos(harness)] == [job]
    assert _put(harness, credit) == made
    assert listen(harness).owed(credit.document_id) == eur("87.90")


def test_the_customer_reads_what_it_is_for_and_the_books_hold_the_mark(harness: QboHarness) -> None:
    credit = _credit(harness, _owing(harness), text="D" * 1200)
    _put(harness, credit)
    memo, payment = _memos(harness)[0], next(iter(harness.books.store.rows("Payment")))
    assert len(memo["CustomerMemo"]["value"]) == 1000
    assert memo["Line"][0]["Description"] == f"{credit.text} ({credit.document_number})"
    assert f"[{MARK}]" in memo["PrivateNote"]
    assert (payment["TotalAmt"], payment["UnappliedAmt"], f"[{MARK}]" in payment["PrivateNote"]) == (0, 0, True)
    assert MARK not in str(memo["Line"]) + memo["CustomerMemo"]["value"]


def test_with_credits_applied_by_quickbooks_itself_nothing_is_used_twice(harness: QboHarness) -> None:
    harness.books.auto_apply_credit = True
    credit = _credit(harness, _owing(harness))
    made = _put(harness, credit)
    assert len(list(harness.books.store.rows("Payment"))) == 1
    assert _put(harness, credit) == made
    assert listen(harness).owed(credit.document_id) == eur("87.90")


def test_a_credit_that_quickbooks_used_elsewhere_is_for_a_person(harness: QboHarness) -> None:
    customer = _customer(harness)
    older, newer = _owing(harness, customer), _owing(harness, customer, issued_on=date(2026, 2, 1))
    harness.books.auto_apply_credit = True
    credit = _credit(harness, newer)
    for _each in range(2):
        assert "used on something else" in _refused(harness, credit).detail
    assert len(_memos(harness)) == 1
    heard = listen(harness)
    assert (heard.owed(older), heard.owed(newer)) == (eur("87.90"), eur("100.00"))


def test_what_a_person_did_with_a_credit_memo_is_left_alone(harness: QboHarness) -> None:
    credit = _credit(harness, _owing(harness))
    made = _put(harness, credit)
    harness.unallocate(credit.document_id)
    harness.books.edit("CreditMemo", made.credit_id, TotalAmt=Decimal(0), Balance=Decimal(0), RemainingCredit=Decimal(0))
    assert "made void" in _refused(harness, credit).detail
    assert len(_memos(harness)) == 1
    assert listen(harness).owed(credit.document_id) == eur("100.00")


def test_two_memos_with_one_mark_and_one_of_another_amount_are_for_a_person(harness: QboHarness) -> None:
    credit = _credit(harness, _owing(harness))
    note = f"Puntual: credit [{MARK}]"
    harness.books.add_credit_memo(credit.customer_id, Decimal("12.00"), on=TODAY, PrivateNote=note)
    assert "is over 12" in _refused(harness, credit).detail
    harness.books.add_credit_memo(credit.customer_id, Decimal("12.10"), on=TODAY, PrivateNote=note)
    assert "2 times" in _refused(harness, credit).detail
    assert listen(harness).owed(credit.document_id) == eur("100.00")


# --- amounts ----------------------------------------------------------------------------------------------------------------------


def _taxed_as(memo: dict[str, Any]) -> list[tuple[str, str]]:
    """Amount and tax code of each line of a memo."""
    details = [(line["Amount"], line["SalesItemLineDetail"]["TaxCodeRef"]["value"]) for line in memo["Line"]]
    return [(str(amount), code) for amount, code in details]


def test_the_amount_is_with_the_tax_of_the_document(harness: QboHarness) -> None:
    credit = replace(_charge_document(harness, "10.00", is_taxed=True), amount=eur("6.00"))
    assert _put(harness, credit).amount == eur("6.00")
    memo = _memos(harness)[0]
    assert (_taxed_as(memo), memo["TxnTaxDetail"]["TotalTax"]) == ([("5.00", harness.books.standard)], Decimal("1.00"))
    assert listen(harness).owed(credit.document_id) == eur("6.00")


def test_a_discount_lowers_every_tax_in_proportion(harness: QboHarness) -> None:
    """600.00 at 20 %, 200.00 at 10 % and 5 %, 50.00 exempt: 1000.00 in all, of which 3 % are credited."""
    books, three = harness.books, harness.books.add_item("Tercera")
    canada = books.add_tax_code("GST and PST", Decimal(5), Decimal(10))
    lines = [a_taxed_line(harness, amount, code, item) for amount, code, item in (
        ("400.00", "", ""), ("200.00", canada, three), ("200.00", "", three), ("50.00", books.untaxed, ""),
    )]  # fmt: skip
    credit = _credit(harness, _owing(harness, lines=lines), "30.00")
    _put(harness, credit, charge_item="", charge_tax_code="")
    memo = _memos(harness)[0]
    assert _taxed_as(memo) == [("18.00", books.standard), ("6.00", canada), ("1.50", books.untaxed)]
    assert [line["SalesItemLineDetail"]["ItemRef"]["value"] for line in memo["Line"]] == [books.services, three, books.services]
    amounts = [(line["TaxLineDetail"]["NetAmountTaxable"], line["Amount"]) for line in memo["TxnTaxDetail"]["TaxLine"] if line["Amount"]]
    assert amounts == [(Decimal(18), Decimal("3.60")), (Decimal(6), Decimal("0.30")), (Decimal(6), Decimal("0.60"))]
    assert memo["GlobalTaxCalculation"] == "TaxExcluded"
    assert listen(harness).owed(credit.document_id) == eur("970.00")


def test_a_reversed_line_takes_its_own_tax_back(harness: QboHarness) -> None:
    books = harness.books
    reduced = books.add_tax_code("Reduced", Decimal(10))
    invoice = _owing(harness, lines=[a_taxed_line(harness, "100.00"), a_taxed_line(harness, "10.00", reduced)])
    expected = {"puntual:c1": (reduced, "1.00"), "puntual:c2": (books.untaxed, "0")}
    base = _credit(harness, invoice)
    charge = LateCharge("", invoice, base.document_number, base.customer_id, eur("10.00"), "Interés", TODAY, TODAY, True)
    charges = [replace(charge, marker=marker, is_taxed=marker == "puntual:c1") for marker in expected]
    made = harness.new(charge_tax_code=reduced).put_charges(charges)
    for marker, (code, tax) in expected.items():
        credit = replace(base, marker=f"{marker}-c", amount=eur("10.00") + eur(tax), charge_marker=marker)
        assert made[marker] == ChargeMade(marker, invoice, base.document_number, True, credit.amount)
        _put(harness, credit)
        memo = _memos(harness)[-1]
        assert (_taxed_as(memo), memo["TxnTaxDetail"]["TotalTax"]) == ([("10.00", code)], Decimal(tax))
    assert listen(harness).owed(invoice) == eur("131.00")


def test_a_reversed_charge_that_a_person_took_off_is_not_credited(harness: QboHarness) -> None:
    credit = _credit(harness, _owing(harness), charge_marker="puntual:c0c0")
    assert "no line of" in _refused(harness, credit).detail
    assert _memos(harness) == []


def test_a_part_of_a_charge_document_is_credited_by_its_own_taxes(harness: QboHarness) -> None:
    credit = replace(_charge_document(harness, "10.00", is_taxed=True), amount=eur("6.00"), charge_marker="puntual:c0c0")
    _put(harness, credit)
    assert _taxed_as(_memos(harness)[0]) == [("5.00", harness.books.standard)]


def test_where_a_stated_tax_is_not_kept_another_total_is_taken_away_again(harness: QboHarness) -> None:
    """At 20 % no net amount comes to 0.09 with its tax."""
    credit = replace(_charge_document(harness, "10.00", is_taxed=True), amount=eur("0.09"))
    harness.books.stated_tax_counts = False
    assert isinstance(_refused(harness, credit), RejectedByLedger)
    assert _memos(harness) == []
    assert listen(harness).owed(credit.document_id) == eur("12.00")
    harness.books.stated_tax_counts = True
    harness.server.forget_requests()
    assert _put(harness, credit).amount == eur("0.09")


@pytest.mark.parametrize("is_automated", [True, False], ids=["automated", "by_code"])
def test_in_the_us_a_credit_is_taxed_where_the_invoice_was(is_automated: bool) -> None:
    harness = QboHarness(country="US", home_currency="USD", multicurrency=False)
    try:
        harness.books.automated_sales_tax = is_automated
        harness.books.tax_sales(Decimal("5.6"), Decimal("2.5"))
        lines = [a_taxed_line(harness, "100.00"), a_taxed_line(harness, "91.90", "NON")]
        place = {"Id": "25", "City": "Tucson", "CountrySubDivisionCode": "AZ"}
        row = {"TxnTaxCodeRef": {"value": "3"}}
        invoice = _owing(harness, lines=lines, ShipAddr=place, tax=row)
        assert listen(harness).owed(invoice) == eur("200.00", "USD")
        _put(harness, replace(_credit(harness, invoice), amount=eur("3.33", "USD")))
        memo = _memos(harness)[0]
        assert (_taxed_as(memo), memo["TxnTaxDetail"]["TotalTax"]) == ([("1.67", "TAX"), ("1.53", "NON")], Decimal("0.13"))
        assert (memo["TxnTaxDetail"]["TxnTaxCodeRef"], memo["ShipAddr"]["City"]) == ({"value": "3"}, "Tucson")
        assert ("GlobalTaxCalculation" in memo, "Id" in memo["ShipAddr"]) == (False, False)
        number, customer = harness.books.store.get("Invoice", invoice)["DocNumber"], memo["CustomerRef"]["value"]
        amount = eur("10.00", "USD")
        charge = LateCharge("puntual:c1", invoice, number, customer, amount, "Interest", TODAY, TODAY, is_taxed=True)
        made = harness.new().put_charges([charge])[charge.marker]
        assert isinstance(made, ChargeMade), made
        assert made.amount == eur("10.81", "USD")
        assert harness.books.store.get("Invoice", made.document_id)["ShipAddr"]["City"] == "Tucson"
    finally:
        harness.close()


def test_what_is_kept_in_a_stock_or_not_in_use_is_not_credited(harness: QboHarness) -> None:
    books = harness.books
    stocked, gone, best, other = (books.add_item(name) for name in ("Tuercas", "Antiguo", "Mejor", "Otro"))
    books.edit("Item", stocked, Type="Inventory")
    books.deactivate("Item", gone)
    amounts = ((stocked, "90.00"), (gone, "50.00"), ("SHIPPING_ITEM_ID", "20.00"), (other, "5.00"), (best, "10.00"))
    lines = [a_taxed_line(harness, amount, books.untaxed, books.services) for _item, amount in amounts]
    for line, (item, _amount) in zip(lines, amounts, strict=True):
        line["SalesItemLineDetail"]["ItemRef"] = {"value": item}
    credit = _credit(harness, _owing(harness, lines=lines))
    _put(harness, credit)
    assert _memos(harness)[0]["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"] == best
    stocked_only = _credit(harness, _owing(harness, _customer(harness, "Otra"), lines=lines[:3]), marker="puntual:c2")
    assert "Service item" in _refused(harness, stocked_only, charge_item="").detail
    _put(harness, stocked_only)
    assert _memos(harness)[1]["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"] == harness.charge_item


def test_what_items_are_is_asked_once(harness: QboHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = harness.server.api.query, list[str]()
    monkeypatch.setattr(harness.server.api, "query", lambda text, include="": asked.append(text) or real(text, include))
    gone = harness.books.add_item("Antiguo")
    lines = [harness.books.line(Decimal("100.00"), item=gone)]
    harness.books.deactivate("Item", gone)
    customer = _customer(harness)
    wanted = [_credit(harness, _owing(harness, customer, lines=lines), marker=f"puntual:c{n}") for n in range(3)]
    made = harness.new().put_credits(wanted)
    assert {type(each) for each in made.values()} == {CreditMade}
    assert len([text for text in asked if " Item " in text]) == 1


def test_what_cannot_be_looked_for_is_not_written(harness: QboHarness) -> None:
    credit = _credit(harness, _owing(harness))
    connector = harness.new()
    harness.server.faults += [QboFault("4001", "Invalid query", "QueryValidationError", status=400)]
    with pytest.raises(PuntualError):
        connector.put_credits([credit])
    assert _memos(harness) == []
