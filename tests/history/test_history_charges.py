"""Late charges in the history: claimed once by their key and kept whole, their facts built from the books, looked at when it matters."""

from dataclasses import replace
from datetime import date

import pytest
from history.charge_samples import CHARGING, a_day, due
from history.sample_books import AT, COMPANY, TODAY, customer, eur, invoice, item, page, store
from puntual.core.bookings import ChargeMade
from puntual.core.dunning.charge_facts import ChargeState
from puntual.core.dunning.charge_judgement import judge_charges
from puntual.core.dunning.charge_rules import ChargeBook
from puntual.core.dunning.facts import HoldKind
from puntual.core.dunning.interest import InterestPaid
from puntual.core.history import audit
from puntual.core.history.books import close_vanished, store_page
from puntual.core.history.charge_marks import AT_ONCE, due_item_ids, look_again
from puntual.core.history.charge_reading import charge_facts
from puntual.core.history.charge_rows import ChargeStatus, as_text, calculation_of
from puntual.core.history.charges import (
    announced_days,
    begin_writing,
    charges_called,
    charges_with,
    decide,
    drop,
    note_announced,
    remember_amounts,
    reverse,
    settle_made,
    sums_to_write,
    take_approvals,
)
from puntual.core.history.database import writing
from puntual.core.history.holds import add_hold, end_holds
from puntual.core.history.work import approve, propose
from puntual.core.policy.countries import country_pack
from puntual.core.receivables import Allocation, CreditKind, CreditNote, DocumentStatus, Instalment, Payment

CREDIT = CreditNote("n", "R", "c1", TODAY, eur("100"), eur("100"))
BOOK = ChargeBook.of(CHARGING.policy, country_pack)


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        yield opened


def stored(conn, *documents, on=TODAY, **more):
    store(conn, *documents, rules=CHARGING, on=on, **more)


def facts(conn, key="i1/1", as_of=TODAY):
    (found,) = charge_facts(conn, COMPANY, [key], CHARGING, as_of)
    return found


def looked_at(conn):
    """Nothing is to be looked at any more."""
    look_again(conn, COMPANY, dict.fromkeys(due_item_ids(conn, COMPANY, date.max)))


def paid(conn, amount, on, *, key="i1", number="p1", matched=None, **more):
    """A payment that came on a day and was matched with the invoice on that day or later."""
    used = Allocation(f"a{number}", key, number, CreditKind.PAYMENT, eur(amount), matched or on)
    stored(conn, payments=(Payment(number, "c1", on, eur(amount), eur("0")),), allocations=(used,), on=TODAY, **more)


# --- decided once -----------------------------------------------------------------------------------------------------------------


def test_a_charge_is_decided_once_for_its_key_and_kept_whole(conn):
    stored(conn, invoice())
    (new,) = decide(conn, COMPANY, [due()], TODAY, AT)
    assert decide(conn, COMPANY, [due(amount="99")], a_day(1), AT) == []
    (kept,) = charges_with(conn, COMPANY)
    assert kept == new
    assert (kept.status, kept.amount, kept.decided_on, kept.lines()) == (ChargeStatus.APPROVED, eur("15"), TODAY, due()[1].lines())
    assert (kept.record().state, kept.record().last, charges_called(conn, COMPANY, kept.id[:6])) == (ChargeState.WAITING, TODAY, [kept])
    assert next(audit.entries_of(conn, COMPANY)).data["calculation"] == list(kept.lines())


def test_every_calculation_comes_back_as_it_was(conn):
    stored(conn, invoice(late=200, total="1000"))
    rules = "{key: law, kind: statutory_interest}, {key: agreed, kind: contract_interest, annual_percent: 12}"
    rules += (
        ", {key: most, kind: higher_of, of: [law, agreed]}, {key: part, kind: percentage, percent: 1.5}, {key: sum, kind: compensation}"
    )
    policy = CHARGING.policy.model_copy(update={"late_charges": _charges(rules)})
    made = judge_charges(facts(conn), ChargeBook.of(policy, country_pack), TODAY).due
    assert {one.rule for one in made} == {"most", "part", "sum"}
    for one in made:
        assert calculation_of(as_text(one.calculation)) == one.calculation
        assert calculation_of(as_text(one.calculation)).lines() == one.calculation.lines()


def _charges(rules):
    from history.sample_books import policy

    settings = "announce: false, cap: {EUR: 60}, tax: {late_fee: none, contract_interest: none}"
    return policy(("tolerance: {EUR: 1}\n", f"tolerance: {{EUR: 1}}\nlate_charges: {{rules: [{rules}], {settings}}}\n")).late_charges


def test_a_charge_that_was_dropped_counts_as_never_decided(conn):
    stored(conn, invoice())
    (first,) = decide(conn, COMPANY, [due(asks=True)], TODAY, AT)
    propose(conn, COMPANY, [(str(first.key), first.id)], AT)
    approve(conn, COMPANY, None, "eva", AT)
    drop(conn, COMPANY, [(first, "less was owed")], AT)
    assert (facts(conn).charges, sums_to_write(conn, COMPANY)) == ((), [])
    (again,) = decide(conn, COMPANY, [due(asks=True, amount="10")], a_day(1), AT)
    take_approvals(conn, COMPANY, AT)
    assert (again.amount, charges_with(conn, COMPANY)[0].status) == (eur("10"), ChargeStatus.WAITING), "a yes is to one amount"


def test_what_would_be_written_is_what_was_approved(conn):
    stored(conn, invoice(), invoice("i2"), people=(customer(),))
    asked, _ = decide(conn, COMPANY, [due(asks=True), due("i2", amount="7")], TODAY, AT)
    propose(conn, COMPANY, [(str(asked.key), asked.id)], AT)
    assert sums_to_write(conn, COMPANY) == [eur("7")]
    approve(conn, COMPANY, [asked.id[:5]], "eva", AT)
    assert sums_to_write(conn, COMPANY) == [eur("22")]
    take_approvals(conn, COMPANY, AT)
    assert (sums_to_write(conn, COMPANY), charges_with(conn, COMPANY, ChargeStatus.WAITING)) == ([eur("22")], [])


def test_what_is_taken_back_is_never_more_than_there_is(conn):
    stored(conn, invoice())
    (kept,) = decide(conn, COMPANY, [due()], TODAY, AT)
    settle_made(conn, COMPANY, [kept], ChargeMade("m", "L-1", "L-1", False, eur("18.15")), AT)
    reverse(conn, COMPANY, kept, eur("5"), "less was owed", "puntual", AT)
    (standing,) = charges_with(conn, COMPANY)
    assert (standing.reversed, standing.is_reversed, standing.record().amount) == (eur("5"), False, eur("10"))
    reverse(conn, COMPANY, standing, eur("50"), "void", "puntual", AT)
    (standing,) = charges_with(conn, COMPANY)
    assert (standing.reversed, standing.is_reversed, standing.record().state) == (eur("15"), True, ChargeState.REVERSED)


def test_only_the_first_announcement_of_a_rule_counts(conn):
    stored(conn, invoice())
    looked_at(conn)
    note_announced(conn, COMPANY, [("i1/1", "fee"), ("i1/1", "fee")], TODAY)
    note_announced(conn, COMPANY, [("i1/1", "fee"), ("i1/1", "other")], a_day(3))
    assert announced_days(conn, COMPANY, ["i1/1", "i2/1"]) == {"i1/1": {"fee": TODAY, "other": a_day(3)}}
    assert (facts(conn).announced_on["fee"], due_item_ids(conn, COMPANY, TODAY)) == (TODAY, ["i1/1"])


# --- the facts --------------------------------------------------------------------------------------------------------------------


def test_balances_follow_the_days_on_which_money_came_not_those_on_which_it_was_matched(conn):
    stored(conn, invoice(total="100", late=30))
    paid(conn, "40", a_day(-20), matched=a_day(-2))
    paid(conn, "10", a_day(-5), number="p2")
    stored(conn, invoice(total="100", late=30, paid="50"))
    known = [(one.from_on, str(one.amount.amount)) for one in facts(conn).balances]
    assert known == [(date.min, "100.00"), (a_day(-19), "60.00"), (a_day(-4), "50.00")]


def test_earlier_instalments_are_paid_first(conn):
    parts = (Instalment(1, a_day(-30), eur("60"), eur("0")), Instalment(2, a_day(-10), eur("40"), eur("30")))
    stored(conn, replace(invoice(), instalments=parts))
    paid(conn, "70", a_day(-9))
    assert [str(facts(conn, key).balances[-1].amount.amount) for key in ("i1/1", "i1/2")] == ["0.00", "30.00"]


def test_a_line_of_ours_is_no_principal_and_a_document_says_what_is_open_of_it(conn):
    stored(conn, invoice(total="100", late=30))
    line, document = decide(conn, COMPANY, [due(), due(rule="other", amount="20")], TODAY, AT)
    begin_writing(conn, COMPANY, [line], "m", TODAY, AT)
    settle_made(conn, COMPANY, [line], ChargeMade("m", "i1", "F-i1", True, eur("15")), AT)
    settle_made(conn, COMPANY, [document], ChargeMade("n", "L-1", "L-1", False, eur("20")), AT)
    remember_amounts(conn, COMPANY, [invoice(total="115", late=30)])
    stored(conn, invoice("L-1", total="20", paid="5", is_late_charge=True))
    seen = facts(conn)
    assert (str(seen.item.total), [str(one.amount) for one in seen.balances]) == ("115.00 EUR", ["100.00 EUR"])
    assert {one.rule: (one.line_total, one.outstanding) for one in seen.charges} == {"fee": (eur("15"), None), "other": (None, eur("15"))}
    stored(conn, invoice("L-1", total="20", is_late_charge=True, status=DocumentStatus.VOID))
    assert {one.rule: one.state.value for one in facts(conn).charges} == {"fee": "made", "other": "reversed"}
    assert list(charge_facts(conn, COMPANY, ["L-1/1"], CHARGING, TODAY)) == []


@pytest.mark.parametrize(
    ("people", "documents", "more", "said"),
    [
        ((customer(procedure="none"),), (invoice(late=9),), {}, "not_chased"),
        ((customer(procedure="lost"),), (invoice(late=9),), {}, "not_chased"),
        ((customer(do_not_chase="the owner's brother"),), (invoice(late=9),), {}, "not_chased"),
        ((customer(),), (invoice(late=9000),), {}, "not_chased"),
        ((customer(),), (invoice(late=9, status=DocumentStatus.VOID),), {}, "not_owed"),
        ((customer(),), (invoice(late=9, ledger_late_fee="Late fee"),), {}, "ledger_charges"),
        ((customer(),), (invoice(late=9, paid="1"),), {}, "doubt"),
        ((customer(),), (invoice(late=9),), {"credit_notes": (CREDIT,)}, "covered_by_credit"),
        ((customer(is_business=False),), (invoice(late=9),), {}, "consumer"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_found_in_the_books(conn, people, documents, more, said):
    stored(conn, invoice(late=9), people=people)
    stored(conn, *documents, people=people, **more)
    judged = judge_charges(facts(conn), BOOK, TODAY)
    assert (judged.due, [one.reason.value for one in judged.left]) == ((), [said])


def test_what_was_paid_on_the_document_of_a_charge_is_known_without_its_tax(conn):
    stored(conn, invoice(late=40), invoice("L-1", total="18.15", is_late_charge=True), invoice("L-2", total="30", is_late_charge=True))
    (alone,) = decide(conn, COMPANY, [due()], TODAY, AT)
    (together,) = decide(conn, COMPANY, [due(rule="other", statement="2026-05")], TODAY, AT)
    settle_made(conn, COMPANY, [alone], ChargeMade("n", "L-1", "L-1", False, eur("18.15")), AT)
    settle_made(conn, COMPANY, [together], ChargeMade("m", "L-2", "L-2", False, eur("30")), AT)
    paid(conn, "6.05", TODAY, key="L-1", matched=a_day(2))
    paid(conn, "10", TODAY, key="L-2", number="p2")
    assert {one.rule: one.paid for one in facts(conn).charges} == {"fee": (InterestPaid(TODAY, eur("5.00")),), "other": ()}


# --- when it is looked at ---------------------------------------------------------------------------------------------------------


def test_a_new_item_is_looked_at_from_the_day_after_its_due_date_and_what_was_never_seen_open_never(conn):
    stored(conn, invoice("i1", late=-5), invoice("i2", late=5), invoice("i3", paid="100"), invoice("i4", late=5, is_late_charge=True))
    assert [item(conn, f"i{n}/1").next_charge_on for n in (1, 2, 3, 4)] == [a_day(6), a_day(-4), None, None]


def _hold(conn):
    return add_hold(conn, COMPANY, HoldKind.MANUAL, "c1", "", "x", None, "eva", AT)


CHANGES = {
    "the due date": lambda conn: stored(conn, invoice(late=4)),
    "the status": lambda conn: stored(conn, invoice(late=5, status=DocumentStatus.VOID)),
    "a dispute": lambda conn: stored(conn, invoice(late=5, disputed="x")),
    "the customer": lambda conn: stored(conn, people=(customer(is_business=False),)),
    "a payment": lambda conn: paid(conn, "10", TODAY),
    "the day of a payment": lambda conn: stored(conn, payments=(Payment("p0", "c1", a_day(-3), eur("5"), eur("0")),)),
    "a payment that was taken back": lambda conn: stored(conn, allocations_known_of=("i1",)),
    "a payment that is gone": lambda conn: stored(conn, deleted_ids=("p0",)),
    "a credit": lambda conn: stored(conn, credit_notes=(CreditNote("n", "R", "c1", TODAY, eur("9"), eur("9")),)),
    "a hold": _hold,
    "our document": lambda conn: stored(conn, invoice("L-1", total="20", paid="20", is_late_charge=True)),
    "the invoice is gone": lambda conn: stored(conn, deleted_ids=("i1",)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_is_looked_at_at_once_and_what_is_told_again_is_not(conn, change):
    stored(conn, invoice(late=5), invoice("i2", "c2", late=5), people=(customer(), customer("c2")))
    paid(conn, "5", a_day(-2), number="p0")
    (kept,) = decide(conn, COMPANY, [due()], TODAY, AT)
    settle_made(conn, COMPANY, [kept], ChargeMade("n", "L-1", "L-1", False, eur("20")), AT)
    stored(conn, invoice("L-1", total="20", is_late_charge=True))
    looked_at(conn)
    stored(conn, invoice(late=5), invoice("L-1", total="20", is_late_charge=True))
    paid(conn, "5", a_day(-2), number="p0")
    assert due_item_ids(conn, COMPANY, date.max) == []
    change(conn)
    assert due_item_ids(conn, COMPANY, AT_ONCE) == ["i1/1"]


def test_the_end_of_a_hold_and_a_complete_pass_without_the_item_are_changes(conn):
    stored(conn, invoice(late=5), starts_pass=True, ends_pass=True)
    held = _hold(conn)
    looked_at(conn)
    end_holds(conn, COMPANY, [held.id], "x", "eva", AT)
    assert due_item_ids(conn, COMPANY, AT_ONCE) == ["i1/1"]
    looked_at(conn)
    store_page(conn, COMPANY, page(starts_pass=True, ends_pass=True), CHARGING, TODAY)
    close_vanished(conn, COMPANY)
    assert (due_item_ids(conn, COMPANY, AT_ONCE), facts(conn).is_void) == (["i1/1"], True)
