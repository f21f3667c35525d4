"""What holds for interest whatever the history: it only grows, it is the sum of its periods, and nobody's order matters."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from puntual.core.dunning.interest import Accrual, Balance, InterestPaid, accrue, charge_between
from puntual.core.money import Money
from puntual.core.policy.countries import country_pack
from puntual.core.rates import (
    Compounding,
    Confirmation,
    DayBasis,
    InterestRule,
    Rate,
    RateOverTime,
    RateTable,
    Rounding,
    effective_annual,
    nominal_annual,
)

START = date(2023, 11, 20)
DAYS = st.integers(0, 900)
QUICK = settings(max_examples=150, deadline=None)


def day(offset: int) -> date:
    return START + timedelta(days=offset)


@st.composite
def rules(draw: st.DrawFn, *, over_time: RateOverTime | None = None, compounding: Compounding | None = None) -> InterestRule:
    halves = [date(2020, 1, 1), date(2024, 1, 1), date(2024, 7, 1), date(2025, 1, 1), date(2025, 7, 1), date(2026, 1, 1)]
    percents = draw(st.lists(st.decimals(0, 30, places=2), min_size=len(halves), max_size=len(halves)))
    rates = tuple(Rate(half, percent, "drawn", Confirmation.BELIEVED) for half, percent in zip(halves, percents, strict=True))
    return InterestRule(
        RateTable(rates),
        draw(st.sampled_from(DayBasis)),
        draw(st.sampled_from(Rounding)),
        over_time or draw(st.sampled_from([RateOverTime.SPLIT, RateOverTime.FROZEN_AT_START])),
        compounding or draw(st.sampled_from(Compounding)),
    )


@st.composite
def histories(draw: st.DrawFn, currency: str = "EUR") -> list[Balance]:
    """A first balance and some later ones, up or down; the invoice may be older than its default."""
    offsets = draw(st.lists(st.integers(-60, 800), min_size=1, max_size=6, unique=True))
    return [Balance(day(offset), Money.from_minor(draw(st.integers(0, 5_000_000)), currency)) for offset in offsets]


def owed_on(balances: list[Balance], when: date) -> int:
    """In cents, looked up the slow way."""
    so_far = [balance for balance in balances if balance.from_on <= when]
    return max(so_far, key=lambda balance: balance.from_on).amount.minor if so_far else 0


def exact(made: Accrual) -> Fraction:
    return sum((segment.exact for segment in made.segments), Fraction(0))


@given(histories(), rules(), DAYS, DAYS)
@QUICK
def test_interest_never_falls_with_the_days_and_is_never_negative(balances: list[Balance], rule: InterestRule, one: int, two: int) -> None:
    early, late = sorted((one, two))
    assert 0 <= accrue(balances, rule, START, day(early)).total.amount <= accrue(balances, rule, START, day(late)).total.amount


@given(histories(), rules(), st.lists(DAYS, max_size=8))
@QUICK
def test_periods_add_up_to_the_whole_wherever_they_are_cut(balances: list[Balance], rule: InterestRule, cuts: list[int]) -> None:
    ends = sorted({*cuts, 900})
    begins = [0, *(end + 1 for end in ends[:-1])]
    parts = [charge_between(balances, rule, START, day(begin), day(end)) for begin, end in zip(begins, ends, strict=True)]
    assert sum(part.total.minor for part in parts) == accrue(balances, rule, START, day(900)).total.minor
    assert all(part.total.minor >= 0 for part in parts)
    assert all(segment.first >= part.first and segment.last <= part.last for part in parts for segment in part.segments)


@given(histories(), rules(), st.lists(DAYS, max_size=4))
@QUICK
def test_the_segments_of_the_periods_are_those_of_the_whole(balances: list[Balance], rule: InterestRule, cuts: list[int]) -> None:
    """Not rounded, the pieces carry the same interest however the time was cut (simple or compound)."""
    ends = sorted({*cuts, 900})
    begins = [0, *(end + 1 for end in ends[:-1])]
    parts = [charge_between(balances, rule, START, day(begin), day(end)) for begin, end in zip(begins, ends, strict=True)]
    assert sum((exact(part) for part in parts), Fraction(0)) == exact(accrue(balances, rule, START, day(900)))


@given(histories(), rules(), st.integers(1, 400))
@QUICK
def test_nothing_before_the_start(balances: list[Balance], rule: InterestRule, before: int) -> None:
    assert accrue(balances, rule, START, day(-before)).total.amount == 0
    first_owed = min(balance.from_on for balance in balances)
    assume(first_owed > START)
    assert accrue(balances, rule, START, first_owed - timedelta(days=1)).segments == ()


@given(st.data(), histories(), rules())
@QUICK
def test_order_and_repetition_do_not_matter(data: st.DataObject, balances: list[Balance], rule: InterestRule) -> None:
    shuffled = data.draw(st.permutations(balances))
    last = max(balances, key=lambda balance: balance.from_on)
    repeated = [*shuffled, Balance(last.from_on + timedelta(days=9), last.amount)]
    made = accrue(balances, rule, START, day(900))
    assert accrue(shuffled, rule, START, day(900)) == made
    assert accrue(repeated, rule, START, day(900)) == made


@given(histories(), st.integers(0, 5_000_000), rules(compounding=Compounding.NONE))
@QUICK
def test_simple_interest_is_additive(balances: list[Balance], more: int, rule: InterestRule) -> None:
    first = min(balance.from_on for balance in balances)
    extra = Money.from_minor(more, "EUR")
    both = [Balance(balance.from_on, balance.amount + extra) for balance in balances]
    alone = accrue([Balance(first, extra)], rule, START, day(900))
    assert exact(accrue(both, rule, START, day(900))) == exact(accrue(balances, rule, START, day(900))) + exact(alone)


@given(histories(), rules(), st.integers(1, 1_000_000))
@QUICK
def test_who_owes_more_pays_no_less(balances: list[Balance], rule: InterestRule, more: int) -> None:
    richer = [Balance(balance.from_on, balance.amount + Money.from_minor(more, "EUR")) for balance in balances]
    assert accrue(richer, rule, START, day(700)).total >= accrue(balances, rule, START, day(700)).total


@given(histories(), rules(compounding=Compounding.NONE), DAYS)
@QUICK
def test_every_day_bears_interest_once(balances: list[Balance], rule: InterestRule, last: int) -> None:
    made = accrue(balances, rule, START, day(last))
    covered = [one.first + timedelta(days=n) for one in made.segments for n in range((one.last - one.first).days + 1)]
    assert covered == [one for one in map(day, range(last + 1)) if owed_on(balances, one)]


@given(histories(), rules(compounding=Compounding.NONE), DAYS)
@QUICK
def test_compound_interest_is_simple_within_a_year_and_more_after_it(balances: list[Balance], rule: InterestRule, last: int) -> None:
    compound = InterestRule(rule.rates, rule.basis, rule.rounding, rule.over_time, Compounding.YEARLY)
    simple_total, compound_total = (accrue(balances, one, START, day(last)).total for one in (rule, compound))
    # On each anniversary whole cents are added, so half a cent may be lost where simple interest is rounded once.
    assert compound_total.amount >= simple_total.amount - Decimal("0.01")
    if day(last) < date(2024, 11, 20):
        assert compound_total == simple_total


@given(histories(), rules(compounding=Compounding.NONE), DAYS)
@QUICK
def test_with_one_rate_all_ways_of_changing_rates_agree(balances: list[Balance], rule: InterestRule, last: int) -> None:
    one_rate = RateTable.fixed(Decimal("9.5"), "drawn", Confirmation.BELIEVED)
    found = {
        exact(accrue(balances, InterestRule(one_rate, rule.basis, Rounding.AT_END, over_time), START, day(last)))
        for over_time in RateOverTime
    }
    assert len(found) == 1


@given(histories(), rules(over_time=RateOverTime.AT_PAYMENT, compounding=Compounding.NONE), DAYS)
@QUICK
def test_the_rate_of_the_payment_is_never_negative_and_telescopes(balances: list[Balance], rule: InterestRule, cut: int) -> None:
    whole = accrue(balances, rule, START, day(900)).total
    before = charge_between(balances, rule, START, START, day(cut)).total
    assert before.amount >= 0
    assert before + charge_between(balances, rule, START, day(cut + 1), day(900)).total == whole or cut == 900


# What a payment pays first


def by_the_legal_order(owed: Fraction, rule: InterestRule, first: date, last: date, payments: dict[date, Fraction]) -> Fraction:
    """All the interest when every payment pays interest first and then the debt (§ 367 BGB, art. 6:44 BW), one line a day, not rounded."""
    unpaid = total = Fraction(0)
    for today in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        if rule.compounding is Compounding.YEARLY and today > first and (today.month, today.day) == (first.month, first.day):
            owed, unpaid = owed + unpaid, Fraction(0)
        year = 366 if rule.basis is DayBasis.ACTUAL_ACTUAL and today.year % 4 == 0 else 365
        of_today = owed * Fraction(rule.rates.on(today).annual_percent) / 100 / year
        unpaid, total = unpaid + of_today, total + of_today
        to_interest = min(unpaid, payments.get(today, Fraction(0)))
        unpaid, owed = unpaid - to_interest, max(owed - (payments.get(today, Fraction(0)) - to_interest), Fraction(0))
    return total


def test_the_legal_order_is_that_of_a_published_example() -> None:
    """https://github.com/Matthi-code/rentetool (docs/05_testcase3.md, claim V3kWRS): 3,000 euro at the Dutch rate for consumers, from
    2014-05-29; of 1,500 euro on 12 December 100 are costs, 48.58 interest; paid off on 2015-09-28; 75.79 of interest in all, each line of
    it rounded. Its days end on the day before the payment."""
    rates = country_pack("NL").rates(is_business=False)
    assert isinstance(rates, RateTable)
    rule = InterestRule(rates, compounding=Compounding.YEARLY)
    part = {date(2014, 12, 11): Fraction(1400)}
    assert abs(by_the_legal_order(Fraction(3000), rule, date(2014, 5, 29), date(2014, 12, 11), {}) - Fraction("48.58")) < Fraction(1, 100)
    assert abs(by_the_legal_order(Fraction(3000), rule, date(2014, 5, 29), date(2015, 9, 27), part) - Fraction("75.79")) < Fraction(1, 100)


@given(st.data(), rules(over_time=RateOverTime.SPLIT), st.integers(0, 1_000_000), st.integers(300, 900))
@settings(max_examples=80, deadline=None)
def test_the_order_of_the_books_never_gives_more_interest_than_that_of_the_law(
    data: st.DataObject, drawn: InterestRule, cents: int, last: int
) -> None:
    """In the books a payment on an invoice lowers the debt, and interest is paid on the documents that charge it."""
    rule = InterestRule(
        drawn.rates, data.draw(st.sampled_from([DayBasis.ACTUAL_365, DayBasis.ACTUAL_ACTUAL])), compounding=drawn.compounding
    )
    left, balances, paid = cents, [Balance(START, Money.from_minor(cents, "EUR"))], list[InterestPaid]()
    payments: dict[date, Fraction] = {}
    for offset in sorted(data.draw(st.lists(st.integers(0, last), max_size=6, unique=True))):
        share, on_interest = data.draw(st.sampled_from([1, 2, 3])), data.draw(st.booleans())
        if on_interest:
            open_interest = accrue(balances, rule, START, day(offset), paid).total.minor - sum(one.amount.minor for one in paid)
            paid.append(InterestPaid(day(offset), Money.from_minor(max(open_interest, 0) // share, "EUR")))
            payments[day(offset)] = Fraction(paid[-1].amount.minor, 100)
        else:
            payments[day(offset)] = Fraction(left // share, 100)
            left -= left // share
            balances.append(Balance(day(offset + 1), Money.from_minor(left, "EUR")))
    by_the_books = exact(accrue(balances, rule, START, day(last), paid))
    # The interest of a year is added in whole cents.
    assert by_the_books <= by_the_legal_order(Fraction(cents, 100), rule, START, day(last), payments) + Fraction(1, 100)


@given(histories(), rules(), st.lists(st.tuples(DAYS, st.integers(1, 100_000)), max_size=4), DAYS)
@QUICK
def test_interest_that_was_paid_only_lowers_what_is_owed_after_it(
    balances: list[Balance], rule: InterestRule, some: list[tuple[int, int]], cut: int
) -> None:
    paid = [InterestPaid(day(offset), Money.from_minor(cents, "EUR")) for offset, cents in some]
    first_paid = min((one.paid_on for one in paid), default=day(900))
    plain, lowered = accrue(balances, rule, START, day(900)), accrue(balances, rule, START, day(900), paid)
    assert lowered.total.minor <= plain.total.minor + len(lowered.segments), "each line may be rounded up"
    assert accrue(balances, rule, START, first_paid, paid) == accrue(balances, rule, START, first_paid)
    before = charge_between(balances, rule, START, START, day(cut), paid).total
    assert cut == 900 or before + charge_between(balances, rule, START, day(cut + 1), day(900), paid).total == lowered.total


# Effective rates


@given(st.decimals(0, 150, places=2))
@QUICK
def test_the_nominal_rate_is_the_highest_that_stays_within_the_effective_one(effective: Decimal) -> None:
    nominal = Fraction(nominal_annual(effective))
    assert (1 + nominal / 1200) ** 12 <= 1 + Fraction(effective) / 100 < (1 + (nominal + Fraction(1, 100)) / 1200) ** 12
    assert effective_annual(nominal_annual(effective)) <= effective
