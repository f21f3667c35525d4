"""Credits and payments in the history: each once by its marker, discounts of items, and what is looked at for them."""

from dataclasses import replace

import pytest
from history.sample_books import AT, COMPANY, RULES, TODAY, eur, invoice, item, store
from puntual.core.bookings import CreditMade
from puntual.core.dunning.facts import HoldKind
from puntual.core.history import audit
from puntual.core.history.books import close_vanished, store_fresh
from puntual.core.history.credits import (
    CreditFor,
    CreditStatus,
    KeptCredit,
    asked_credits,
    credit_marker,
    credits_called,
    credits_with,
    drop_credit,
    settle_credited,
    settle_uncredited,
    take_credit_approvals,
    want_credits,
)
from puntual.core.history.database import writing
from puntual.core.history.discount_marks import looked_at, mark_all_part_paid, touched_items
from puntual.core.history.discount_reading import discount_facts
from puntual.core.history.holds import active_holds, add_hold
from puntual.core.history.read import facts_of, is_open, is_owed
from puntual.core.history.told_payments import PaymentStatus, ToldPayment, keep_payment, payment_called, payments_with, settle_unrecorded
from puntual.core.history.work import approve, propose, waiting_approvals
from puntual.core.receivables import Allocation, CreditKind, DocumentStatus, EarlyDiscount, Instalment, Payment

TERMS = EarlyDiscount(TODAY, eur("2"))
CREDIT = KeptCredit(
    credit_marker(COMPANY, "k"), CreditFor.DISCOUNT, "i1/1", "i1", "F-i1", "i1", "F-i1", "c1", eur("2"), "Descuento", "why", TODAY
)
PAYMENT = ToldPayment("stripe", "pi", "puntual:p", "i1", "i1/1", eur("9"), TODAY, "l1")


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        yield opened


def kinds(conn):
    return [entry.kind for entry in audit.entries_of(conn, COMPANY)][::-1]


# --- credits ----------------------------------------------------------------------------------------------------------------------


def test_a_credit_is_wanted_once_and_comes_back_as_it_was(conn):
    assert want_credits(conn, COMPANY, [CREDIT, CREDIT], AT) == [CREDIT]
    assert want_credits(conn, COMPANY, [replace(CREDIT, amount=eur("3"))], AT) == []
    assert (credits_with(conn, COMPANY), credits_called(conn, COMPANY, CREDIT.id[:5])) == ([CREDIT], [CREDIT])
    assert (CREDIT.wanted().marker, CREDIT.wanted().amount, kinds(conn)) == (CREDIT.marker, eur("2"), ["credit_wanted"])


def test_what_was_dropped_counts_as_never_decided_and_a_yes_to_it_is_gone(conn):
    want_credits(conn, COMPANY, [replace(CREDIT, status=CreditStatus.WAITING)], AT)
    propose(conn, COMPANY, [(CREDIT.marker, CREDIT.id)], AT)
    approve(conn, COMPANY, None, "eva", AT)
    drop_credit(conn, COMPANY, CREDIT, "it bounced", AT)
    (again,) = want_credits(conn, COMPANY, [replace(CREDIT, amount=eur("1"), status=CreditStatus.WAITING)], AT)
    take_credit_approvals(conn, COMPANY, TODAY, AT)
    assert (again.amount, asked_credits(conn, COMPANY)) == (eur("1"), {CREDIT.marker})


def test_what_was_refused_waits_for_a_yes_and_is_then_dated_anew(conn):
    want_credits(conn, COMPANY, [CREDIT], AT)
    refused = settle_uncredited(conn, COMPANY, CREDIT, "The period is locked.", AT)
    assert (refused.work_id, credits_with(conn, COMPANY)) == (f"{CREDIT.id}-1", [refused])
    propose(conn, COMPANY, [(CREDIT.marker, CREDIT.id)], AT)
    later = TODAY.replace(month=6)
    take_credit_approvals(conn, COMPANY, later, AT, everything=True)
    assert credits_with(conn, COMPANY, CreditStatus.WANTED) == [], "no policy takes back what the ledger refused"
    approve(conn, COMPANY, [CREDIT.id[:6]], "eva", AT)
    take_credit_approvals(conn, COMPANY, later, AT)
    (wanted,) = credits_with(conn, COMPANY, CreditStatus.WANTED)
    assert (wanted.dated_on, wanted.said_by, waiting_approvals(conn, COMPANY)) == (later, "eva", [])
    made = settle_credited(conn, COMPANY, wanted, CreditMade(CREDIT.marker, "n", "N-1", eur("2")), AT)
    assert (made.refusals, made.credit_number, credits_with(conn, COMPANY)) == (1, "N-1", [made])
    assert kinds(conn) == ["credit_wanted", "credit_refused", "approved", "credit_made"]


# --- payments ---------------------------------------------------------------------------------------------------------------------


def test_a_payment_is_kept_once_by_the_providers_id(conn):
    keep_payment(conn, COMPANY, PAYMENT, AT)
    refused = settle_unrecorded(conn, COMPANY, PAYMENT, "no account", AT)
    keep_payment(conn, COMPANY, PAYMENT, AT)
    assert (payments_with(conn, COMPANY, *PaymentStatus), refused.work_id) == ([refused], "p-1")
    assert payment_called(conn, COMPANY, "other", "pi") is None


# --- discounts of items -----------------------------------------------------------------------------------------------------------


def test_what_the_ledgers_terms_grant_is_kept_with_the_item_and_may_change(conn):
    store(conn, invoice(early_discount=TERMS), invoice("i2"))
    (facts,) = facts_of(conn, COMPANY, ["c1"])
    assert {one.item.id: one.item.early_discount for one in facts.items} == {"i1/1": TERMS, "i2/1": None}
    store(conn, invoice(early_discount=replace(TERMS, amount=eur("3"))), invoice("i2", early_discount=TERMS))
    (facts,) = facts_of(conn, COMPANY, ["c1"])
    assert sorted(str(one.item.early_discount.amount) for one in facts.items) == ["2.00 EUR", "3.00 EUR"]


def test_only_what_was_paid_in_part_and_changed_is_looked_at(conn):
    parts = (Instalment(1, TODAY, eur("60"), eur("9")), Instalment(2, TODAY, eur("40"), eur("40")))
    others = (invoice("i2"), invoice("i3", paid="100"), invoice("i4", instalments=parts), invoice("i5", paid="9", is_late_charge=True))
    store(conn, invoice(paid="98"), *others)
    assert touched_items(conn, COMPANY) == ["i1/1"]
    looked_at(conn, COMPANY, ["i1/1"])
    store(conn, invoice(paid="98", version="2"), *others)
    assert touched_items(conn, COMPANY) == [], "nothing that bears on it is new"
    for change in ({"paid": "99"}, {"early_discount": TERMS}, {"disputed": "x"}, {"late": 2}):
        store(conn, invoice(**{"paid": "98", **change}))
        assert touched_items(conn, COMPANY) == ["i1/1"], change
        store(conn, invoice(paid="98"))
        looked_at(conn, COMPANY, ["i1/1"])
    mark_all_part_paid(conn, COMPANY)
    assert touched_items(conn, COMPANY) == ["i1/1"]


def test_a_payment_that_is_told_anew_has_its_invoice_looked_at(conn):
    used = Allocation("a", "i1", "p", CreditKind.PAYMENT, eur("98"), TODAY)
    store(conn, invoice(paid="98", early_discount=TERMS))
    looked_at(conn, COMPANY, ["i1/1"])
    store(conn, payments=(Payment("p", "c1", TODAY, eur("98"), eur("0")),), allocations=(used,))
    assert touched_items(conn, COMPANY) == ["i1/1"]
    looked_at(conn, COMPANY, ["i1/1"])
    earlier = TODAY.replace(day=1)
    store(conn, payments=(Payment("p", "c1", earlier, eur("98"), eur("0")),))
    assert touched_items(conn, COMPANY) == ["i1/1"]
    (facts,) = discount_facts(conn, COMPANY, ["i1/1"])
    assert (facts.received, list(facts.payments()), facts.already_credited) == ({"p": earlier}, [(earlier, eur("98"))], None)


@pytest.mark.parametrize(
    ("status", "amount"),
    [(CreditStatus.WAITING, None), (CreditStatus.DROPPED, None), *((s, eur("2")) for s in ("wanted", "made", "refused", "closed"))],
)
def test_what_was_credited_before_is_known(conn, status, amount):
    store(conn, invoice(paid="98", early_discount=TERMS))
    want_credits(conn, COMPANY, [replace(CREDIT, status=CreditStatus(status))], AT)
    (facts,) = discount_facts(conn, COMPANY, ["i1/1", "none/1"])
    assert facts.already_credited == amount


def test_what_is_settled_or_gone_has_no_facts(conn):
    store(conn, invoice(paid="98"), invoice("i2", paid="98"), starts_pass=True)
    store(conn, invoice(paid="100"), starts_pass=True, ends_pass=True)
    close_vanished(conn, COMPANY)
    assert list(discount_facts(conn, COMPANY, ["i1/1", "i2/1"])) == []
    assert [is_open(conn, COMPANY, key) for key in ("i1/1", "i2/1", "none/1")] == [False, False, False]


# --- stored after we wrote into the books -----------------------------------------------------------------------------------------


def test_what_is_read_right_after_a_booking_is_stored_with_what_follows(conn):
    store(conn, invoice())
    add_hold(conn, COMPANY, HoldKind.PROMISE, "c1", "i1", "by phone", TODAY, "eva", AT)
    store_fresh(conn, COMPANY, [invoice(paid="100")], RULES, TODAY, AT)
    assert (item(conn, "i1/1").status, item(conn, "i1/1").next_action_on, active_holds(conn, COMPANY)) == ("paid", None, [])


@pytest.mark.parametrize(
    ("statuses", "owed"),
    [(["open"], True), (["paid"], True), (["void"], False), (["deleted"], False), (["draft"], False), ([], True)],
)
def test_whether_a_document_is_owed(conn, statuses, owed):
    store(conn, *(invoice("i0", status=DocumentStatus(status)) for status in statuses))
    assert is_owed(conn, COMPANY, "i0") is owed
