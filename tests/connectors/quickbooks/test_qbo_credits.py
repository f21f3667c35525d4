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
from qbo_harness import QboHarness, two_lines
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


def _owing(harness: QboHarness, customer: str = "", amount: str = "100.00", issued_on: date = date(2026, 1, 10)) -> str:
    owing = customer or _customer(harness)
    return harness.books.add_invoice(
        owing, Decimal(amount), issued_on=issued_on, due_on=DUE, lines=two_lines(harness.books, Decimal(amount))
    )


def _credit(harness: QboHarness, document: str, amount: str = "12.10", **changes: Any) -> CreditWanted:
    row = harness.books.store.get("Invoice", document)
    made = CreditWanted(MARK, document, row["DocNumber"], row["CustomerRef"]["value"], eur(amount), "Descuento", TODAY)
    return replace(made, **changes)


def _charge_document(harness: QboHarness, amount: str = "12.00", **settings: Any) -> CreditWanted:
    """A late charge as a document of its own, and a credit over all of it."""
    invoice = _owing(harness)
    number = harness.books.store.get("Invoice", invoice)["DocNumber"]
    customer = harness.books.store.get("Invoice", invoice)["CustomerRef"]["value"]
    charge = LateCharge("puntual:c0c0", invoice, number, customer, eur(amount), "Interés", TODAY, TODAY)
    made = harness.new(**settings).put_charges([charge])[charge.marker]
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


def test_the_amount_is_with_the_tax_of_the_document(harness: QboHarness) -> None:
    taxed = next(iter(harness.books.tax_rates))
    credit = replace(_charge_document(harness, "10.00", charge_tax_code=taxed), amount=eur("6.00"))
    assert _put(harness, credit, charge_tax_code=taxed).amount == eur("6.00")
    memo = _memos(harness)[0]
    assert (memo["Line"][0]["Amount"], memo["TxnTaxDetail"]["TotalTax"]) == (Decimal("5.00"), Decimal("1.00"))
    assert listen(harness).owed(credit.document_id) == eur("6.00")


def test_an_amount_that_tax_cannot_come_to_is_taken_away_again(harness: QboHarness) -> None:
    taxed = next(iter(harness.books.tax_rates))
    credit = replace(_charge_document(harness, "10.00", charge_tax_code=taxed), amount=eur("0.09"))
    assert isinstance(_refused(harness, credit, charge_tax_code=taxed), RejectedByLedger)
    assert _memos(harness) == []
    assert listen(harness).owed(credit.document_id) == eur("12.00")


def test_a_credit_memo_needs_an_item_and_a_void_none(harness: QboHarness) -> None:
    credit = _charge_document(harness)
    assert "Service item" in _refused(harness, replace(credit, amount=eur("1.00")), charge_item="").detail
    assert _put(harness, credit, charge_item="").is_void
    assert listen(harness).owed(credit.document_id) is None


def test_what_cannot_be_looked_for_is_not_written(harness: QboHarness) -> None:
    credit = _credit(harness, _owing(harness))
    connector = harness.new()
    harness.server.faults += [QboFault("4001", "Invalid query", "QueryValidationError", status=400)]
    with pytest.raises(PuntualError):
        connector.put_credits([credit])
    assert _memos(harness) == []
