"""What was owed on which day, what the next notice announces, and what is taken back."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from charge_cases import AGREED, BUSINESS, CONSUMER, DUE, FEE, LATER, RECOVERY, SHARE, STATUTE, book, left, made, owing, paid, record
from puntual.core.dunning.charge_announcements import upcoming
from puntual.core.dunning.charge_facts import ChargeFacts, ChargeState, balances_of
from puntual.core.dunning.charge_reversals import reversals
from puntual.core.dunning.charge_rules import ChargeBook
from puntual.core.dunning.facts import Hold, HoldKind
from puntual.core.money import Money

PAID_UP = paid("1000.00", date(2025, 5, 1))
APRIL = date(2025, 4, 11)


def steps(*payments: Any, total: str = "1000.00", as_of: date = LATER, **more: Any) -> list[tuple[str, str]]:
    return [(str(one.from_on), str(one.amount.amount)) for one in balances_of(Money.of(total, "EUR"), payments, as_of, **more)]


# What was owed


def test_a_payment_lowers_what_is_owed_from_the_day_after_it() -> None:
    assert steps(paid("400.00", date(2025, 4, 1)), paid("100.00", date(2025, 4, 1)), paid("500.00", date(2025, 5, 1))) == [
        ("0001-01-01", "1000.00"), ("2025-04-02", "500.00"), ("2025-05-02", "0.00"),
    ]  # fmt: skip


def test_money_that_was_matched_late_counts_from_the_day_it_came_and_only_once_it_is_known() -> None:
    late = paid("1000.00", DUE, matched=date(2025, 5, 20))
    received = {late.source_id: DUE}
    assert steps(late, received=received)[1:] == [("2025-03-11", "0.00")]
    assert steps(late, received=received, as_of=date(2025, 5, 19)) == [("0001-01-01", "1000.00")]


def test_earlier_instalments_are_paid_first_and_too_much_leaves_nothing() -> None:
    first, second = paid("700.00", date(2025, 4, 1)), paid("900.00", date(2025, 5, 1))
    assert steps(first, second, total="500.00", paid_before=Money.of("500.00", "EUR"))[1:] == [
        ("2025-04-02", "300.00"),
        ("2025-05-02", "0.00"),
    ]


def test_the_day_on_which_the_last_was_paid() -> None:
    assert owing().settled_on is None
    assert owing("1000.00", paid("400.00", date(2025, 4, 1))).settled_on is None
    assert owing("1000.00", PAID_UP).settled_on == date(2025, 5, 1)
    assert str(owing("1000.00", PAID_UP).owed_on(date(2025, 5, 1))) == "1000.00 EUR"


# What is announced


def told(facts: ChargeFacts, by: ChargeBook, as_of: date) -> list[str]:
    return [one.line() for one in upcoming(facts, by, as_of)]


def test_a_notice_says_each_rule_with_its_first_day_and_what_it_comes_to() -> None:
    best = {"key": "best", "kind": "higher_of", "of": ["fee", "share"], "every": 14}
    by = book(AGREED, RECOVERY, FEE, SHARE, best, {**SHARE, "key": "part", "every": "month"}, announce=True, announce_days=7, from_days=5)
    facts = owing("1000.00", paid("400.00", date(2025, 3, 12)))
    assert told(facts, by, date(2025, 3, 14)) == [
        "agreed: interest of 12 % a year, 0.20 EUR a day now, charged every month, from 2025-03-21",
        "recovery: 40.00 EUR, from 2025-03-21 [art. 8 Ley 3/2004: EUR 40 for each invoice]",
        ("best: the highest of fee: 15.00 EUR every 14 days, from 2025-03-21; share: 2 %, now 12.00 EUR every 14 days, from 2025-03-21"),
        "part: 2 %, now 12.00 EUR every month, from 2025-03-21",
    ]


def test_it_is_told_before_the_due_date_and_again_after_it_was_announced() -> None:
    by = book({**STATUTE, "every": "once"}, announce=True, from_days=5)
    (early,) = upcoming(owing(), by, date(2025, 3, 3))
    assert (early.from_on, str(early.percent), str(early.a_day)) == (date(2025, 3, 15), "11.15", "0.31 EUR")
    assert "BOE" in early.law
    (again,) = upcoming(owing(announced_on={"statute": date(2025, 3, 3)}), by, date(2025, 3, 20))
    assert again.from_on == date(2025, 3, 20)


@pytest.mark.parametrize(
    ("facts", "rules"),
    [
        (owing("1000.00", PAID_UP), (FEE,)),
        (owing(customer=CONSUMER), (FEE, STATUTE)),
        (owing(item={"is_late_charge": True}), (FEE,)),
        (owing(currency="USD"), (FEE, RECOVERY)),
        (owing(not_chased="excluded"), (FEE,)),
    ],
)
def test_what_will_never_be_charged_is_not_announced(facts: ChargeFacts, rules: tuple[dict[str, Any], ...]) -> None:
    assert upcoming(facts, book(*rules), date(2025, 3, 20)) == ()


def test_a_hold_stops_no_announcement_and_a_charge_that_was_made_or_a_cap_that_is_reached_does() -> None:
    by = book(FEE, cap={"EUR": 15})
    promised = owing(holds=(Hold("h", HoldKind.PROMISE, BUSINESS.id, "soon", until=LATER),))
    assert len(upcoming(promised, by, date(2025, 3, 20))) == 1
    known = (record(made(owing(), by, LATER)[0]),)
    assert upcoming(owing(charges=known), by, LATER) == ()
    assert upcoming(owing(charges=known), book(FEE, SHARE, cap={"EUR": 15}), LATER) == ()


def test_a_rate_that_is_not_known_is_not_announced() -> None:
    assert upcoming(owing(), book(STATUTE), date(2035, 1, 1)) == ()


# What is taken back


def taken_back(facts: ChargeFacts, by: ChargeBook) -> list[tuple[str, str, str]]:
    return [(one.key.rule, str(one.amount), one.reason.value) for one in reversals(facts, by)]


def charged(by: ChargeBook, on: date = APRIL, state: ChargeState = ChargeState.MADE, **changes: Any) -> tuple[Any, ...]:
    return tuple(record(one, state, **changes) for one in made(owing(), by, on))


BOTH = {"from_days": 5}


def test_a_payment_that_proves_to_have_been_on_time_takes_every_charge_back() -> None:
    by = book(AGREED, FEE, **BOTH)
    on_time = paid("1000.00", DUE + timedelta(days=4), matched=date(2025, 4, 20))
    facts = owing("1000.00", on_time, charges=charged(by))
    assert taken_back(facts, by) == [("fee", "15.00 EUR", "paid_on_time"), ("agreed", "10.19 EUR", "paid_on_time")]
    assert reversals(facts, by)[0].detail == "it was paid on 2025-03-14, and is late from 2025-03-15 on"
    one_day_late = owing("1000.00", paid("1000.00", DUE + timedelta(days=5), matched=date(2025, 4, 20)), charges=charged(by))
    assert taken_back(one_day_late, by) == [("agreed", "8.55 EUR", "overcharged")]


def test_a_part_payment_that_is_known_late_takes_back_what_was_too_much_once() -> None:
    by = book(AGREED, {**SHARE, "every": "month"})
    known = charged(by)
    facts = owing("1000.00", paid("500.00", date(2025, 3, 10), matched=date(2025, 4, 20)), charges=known)
    assert taken_back(facts, by) == [
        ("share", "10.00 EUR", "overcharged"),
        ("agreed", "5.09 EUR", "overcharged"),
        ("share", "10.00 EUR", "overcharged"),
    ]
    lowered = {(one.key.rule, one.key.period): one.amount for one in reversals(facts, by)}
    settled = tuple(replace(one, amount=one.amount - lowered[one.rule, one.period]) for one in known)
    assert taken_back(replace(facts, charges=settled), by) == []


def test_what_a_capped_charge_left_out_is_not_taken_back_again() -> None:
    by = book(AGREED, cap={"EUR": 4})
    assert taken_back(owing(charges=charged(by)), by) == []


def test_a_change_of_the_policy_takes_nothing_back() -> None:
    before, after = book(AGREED, FEE), book({**AGREED, "annual_percent": 6}, {**FEE, "amount": {"EUR": 1}}, from_days=30)
    assert taken_back(owing("1000.00", paid("1000.00", date(2025, 4, 1)), charges=charged(before, date(2025, 4, 2))), after) == []
    on_time = owing("1000.00", paid("1000.00", DUE, matched=APRIL), charges=charged(before))
    assert {reason for _, _, reason in taken_back(on_time, after)} == {"paid_on_time"}


def test_a_due_date_that_moved_later_takes_back_the_days_before_it() -> None:
    by = book(AGREED)
    assert taken_back(owing(due=DUE + timedelta(days=10), charges=charged(by)), by) == [("agreed", "3.29 EUR", "overcharged")]


def test_a_fee_that_waits_is_dropped_when_the_due_date_moved_and_it_is_not_late_enough_by_it() -> None:
    by = book(FEE, from_days=5)
    waiting = charged(by, state=ChargeState.WAITING)
    assert taken_back(owing(due=DUE + timedelta(days=1), charges=waiting), by) == [("fee", "15.00 EUR", "overcharged")]
    assert taken_back(owing(due=DUE - timedelta(days=1), charges=waiting), by) == []
    assert taken_back(owing(due=DUE + timedelta(days=1), charges=charged(by)), by) == []
    by_interest = book(AGREED, from_days=5)
    assert taken_back(owing(due=DUE - timedelta(days=1), charges=charged(by_interest, state=ChargeState.WAITING)), by_interest) == []


def test_a_void_invoice_takes_everything_back_and_doubt_nothing() -> None:
    by = book(FEE)
    assert taken_back(owing(charges=charged(by), is_void=True), by) == [("fee", "15.00 EUR", "invoice_void")]
    on_time = owing("1000.00", paid("1000.00", DUE, matched=APRIL), charges=charged(by))
    assert taken_back(replace(on_time, item=replace(on_time.item, outstanding=Money.of("1.00", "EUR"))), by) == []


def test_what_waits_for_approval_is_dropped_when_the_invoice_is_paid_and_the_policy_waives() -> None:
    by = book(FEE, after_payment="waive")
    facts = owing("1000.00", PAID_UP, charges=charged(by, state=ChargeState.WAITING))
    assert taken_back(facts, by) == [("fee", "15.00 EUR", "waived_on_payment")]
    assert taken_back(facts, book(FEE)) == []
    assert taken_back(owing("1000.00", PAID_UP, charges=charged(by)), by) == []


def test_what_is_open_of_charges_after_the_payment_is_written_off_below_the_limit() -> None:
    by = book(FEE, AGREED, write_off_below={"EUR": 20})
    open_of = {"outstanding": Money.of("9.00", "EUR")}
    facts = owing("1000.00", PAID_UP, charges=charged(by, **open_of))
    assert taken_back(facts, by) == [("fee", "9.00 EUR", "written_off"), ("agreed", "9.00 EUR", "written_off")]
    assert taken_back(owing(charges=charged(by, **open_of)), by) == []
    assert taken_back(replace(facts, charges=charged(by)), by) == []
    paid_too = owing("1000.00", PAID_UP, charges=charged(by, outstanding=Money.zero("EUR")))
    assert taken_back(paid_too, by) == []


def test_a_charge_that_was_reversed_or_waived_is_not_taken_back() -> None:
    by = book(FEE)
    for state in (ChargeState.WAIVED, ChargeState.REVERSED):
        assert taken_back(owing(charges=charged(by, state=state), is_void=True), by) == []
        assert left(owing(charges=charged(by, state=state)), by, LATER) == {"fee": "already_charged"}
