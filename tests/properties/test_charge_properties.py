"""Invariants of late charges, over invented invoices, payments and policies."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from charge_cases import AGREED, DUE, RECOVERY, STATUTE, book, charged_by_runs, every_day, made, owing, paid, record
from hypothesis import given, settings
from hypothesis import strategies as st
from puntual.core.dunning.charge_facts import ChargeDue, ChargeFacts
from puntual.core.dunning.charge_reversals import reversals
from puntual.core.dunning.charge_rules import ChargeBook
from puntual.core.money import Money
from puntual.core.receivables import CreditKind

END = DUE + timedelta(days=240)
FEE_A_MONTH: dict[str, Any] = {"key": "fee", "kind": "flat_fee", "amount": {"EUR": 4}, "every": "month"}
SHARE: dict[str, Any] = {"key": "share", "kind": "percentage", "percent": 1.5, "every": 30}
BEST: dict[str, Any] = {"key": "best", "kind": "higher_of", "of": ["one", "two"], "every": 45}
ONE: dict[str, Any] = {"key": "one", "kind": "flat_fee", "amount": {"EUR": 6}}
TWO: dict[str, Any] = {"key": "two", "kind": "percentage", "percent": 1}
RULES = [[AGREED], [STATUTE], [RECOVERY], [FEE_A_MONTH], [SHARE], [BEST, ONE, TWO]]

few = settings(max_examples=30, deadline=None)
cents = st.integers(1, 60_000).map(lambda value: Decimal(value) / 100)
days = st.integers(-20, 230).map(lambda offset: DUE + timedelta(days=offset))


@st.composite
def histories(draw: st.DrawFn) -> ChargeFacts:
    """An invoice of 1,000 with payments, of which some settle it."""
    payments = [paid(str(draw(cents)), day) for day in draw(st.lists(days, max_size=3, unique=True))]
    return owing("1000.00", *payments)


@st.composite
def policies(draw: st.DrawFn, *, limits: bool = True) -> ChargeBook:
    """Some of the rules, with a start, days of grace and, with `limits`, a minimum and a cap."""
    rules = [
        rule
        for some in draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=3, unique_by=lambda some: some[0]["key"]))
        for rule in some
    ]
    more: dict[str, Any] = {"start": str(draw(days)), "from_days": draw(st.integers(1, 40))}
    if limits:
        more |= {"minimum": {"EUR": draw(st.sampled_from([0, 3, 12]))}, "cap_share": draw(st.sampled_from([0.02, 0.05, 1]))}
    return book(*rules, **more)


def total(charges: Sequence[ChargeDue]) -> Decimal:
    return sum((one.amount.amount for one in charges), start=Decimal(0))


def told(charges: Sequence[ChargeDue]) -> list[str]:
    return sorted(f"{one.key} {one.amount} {one.calculation.first} {one.calculation.last}" for one in charges)


@few
@given(histories(), policies(), st.lists(st.integers(0, 240), min_size=1, max_size=6))
def test_how_often_it_ran_makes_no_difference(facts: ChargeFacts, by: ChargeBook, offsets: list[int]) -> None:
    every = charged_by_runs(facts, by, every_day(DUE, END))
    some = charged_by_runs(facts, by, [*sorted(DUE + timedelta(days=n) for n in offsets), END])
    assert total(some) == total(every)
    assert told(some) == told(every)


@few
@given(histories(), policies(), days, days)
def test_charges_never_fall_with_time_and_never_rise_above_the_cap(facts: ChargeFacts, by: ChargeBook, one: date, other: date) -> None:
    earlier, later = made(facts, by, min(one, other)), made(facts, by, max(one, other))
    assert told(earlier) == [line for line in told(later) if line in told(earlier)]
    assert total(earlier) <= total(later) <= Decimal(1000) * (by.settings.cap_share or 1)
    assert all(charge.amount.is_positive for charge in later)


@few
@given(histories(), policies(limits=False), days)
def test_nothing_is_charged_for_the_time_before_the_start_or_after_the_payment(facts: ChargeFacts, by: ChargeBook, as_of: date) -> None:
    assert by.start is not None
    for charge in made(facts, by, as_of):
        assert charge.calculation.first >= max(by.start, DUE + timedelta(days=1))
        assert charge.due_on <= as_of
        settled = facts.settled_on
        assert settled is None or all(step.first <= settled for step in charge.calculation.steps)


@few
@given(histories(), policies(), days)
def test_no_day_is_charged_twice_by_a_rule_and_all_charges_are_their_calculation(facts: ChargeFacts, by: ChargeBook, as_of: date) -> None:
    charges = charged_by_runs(facts, by, every_day(DUE, as_of, 9))
    assert len({str(one.key) for one in charges}) == len(charges)
    for rule in {one.rule for one in charges}:
        spans = sorted((one.calculation.first, one.calculation.last) for one in charges if one.rule == rule)
        assert all(end < start for (_, end), (start, _) in pairwise(spans))
    for one in charges:
        off = abs(one.calculation.counted.amount - sum((step.counted for step in one.calculation.steps), start=Decimal(0)))
        assert off <= Decimal("0.011"), "the sum of the lines, but for the cent that the difference of two rounded sums takes up"
        assert one.amount <= one.calculation.counted


def by_hand(facts: ChargeFacts, annual: Decimal, first: date, last: date) -> Money:
    """A spreadsheet: one line a day, all added up, rounded once."""
    sum_of = sum((facts.owed_on(day).amount * annual / 100 / 365 for day in every_day(first, last)), start=Decimal(0))
    return Money(sum_of.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), "EUR")


@few
@given(histories(), st.sampled_from(["month", 7, 30]), st.integers(1, 60))
def test_the_sum_of_the_periods_is_the_whole_to_the_cent(facts: ChargeFacts, every: str | int, step: int) -> None:
    charges = charged_by_runs(facts, book({**AGREED, "every": every}), [*every_day(DUE, END, step), END])
    if charges:
        assert total(charges) == by_hand(facts, Decimal(12), DUE + timedelta(days=1), charges[-1].calculation.last).amount


@few
@given(histories(), policies())
def test_the_order_of_what_is_known_does_not_matter(facts: ChargeFacts, by: ChargeBook) -> None:
    known = tuple(map(record, made(facts, by, DUE + timedelta(days=70))))
    straight, turned = replace(facts, charges=known), replace(facts, charges=known[::-1], balances=facts.balances[::-1])
    assert told(made(straight, by, END)) == told(made(turned, by, END))


@few
@given(histories(), policies(), days)
def test_what_was_charged_rightly_is_never_taken_back(facts: ChargeFacts, by: ChargeBook, as_of: date) -> None:
    charges = made(facts, by, as_of)
    assert reversals(replace(facts, charges=tuple(map(record, charges))), by) == ()


@few
@given(st.lists(st.tuples(cents, days), max_size=3, unique_by=lambda one: one[1]), days)
def test_money_that_proves_to_have_come_earlier_never_leaves_more_charged_than_is_right(payments: list[Any], learnt: date) -> None:
    """Charged without knowing the payments until `learnt`, then put right: what stands is what full knowledge would have charged."""
    by = book(AGREED, from_days=1)
    ignorant = made(owing(), by, learnt)
    facts = owing("1000.00", *(paid(str(amount), day) for amount, day in payments))
    known = tuple(map(record, ignorant))
    lowered = {one.key.period: one.amount for one in reversals(replace(facts, charges=known), by)}
    stands = sum((one.amount.amount - lowered.get(one.period, Money.zero("EUR")).amount for one in known), start=Decimal(0))
    last = max((one.last for one in known), default=DUE)
    assert stands == by_hand(facts, Decimal(12), DUE + timedelta(days=1), last).amount


def test_a_long_history_to_the_cent() -> None:
    """Thirteen months, three part payments, a credit note and two changes of the rate (France: 14.25, 13.15, 12.15 %), against one line a
    day that are added up and rounded once."""
    parts = (("2500.00", date(2024, 12, 2)), ("1000.01", date(2025, 3, 15)), ("333.33", date(2025, 7, 1)))
    credit_note = replace(paid("120.00", date(2025, 8, 20)), source_kind=CreditKind.CREDIT_NOTE)
    facts = owing("9999.99", *(paid(amount, day) for amount, day in parts), credit_note, due=date(2024, 10, 31))
    by = book({**STATUTE, "law": "FR"}, start="2024-01-01")
    charges = charged_by_runs(facts, by, [*every_day(date(2024, 11, 1), date(2025, 12, 1), 3), date(2025, 12, 1)])
    rates = ((date(2024, 12, 31), Decimal("14.25")), (date(2025, 6, 30), Decimal("13.15")), (date(2025, 12, 31), Decimal("12.15")))
    sheet = Decimal(0)
    for day in every_day(date(2024, 11, 1), date(2025, 11, 30)):
        sheet += facts.owed_on(day).amount * next(percent for end, percent in rates if day <= end) / 36500
    assert len(charges) == 13
    assert total(charges) == sheet.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
