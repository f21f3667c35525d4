"""Interest day by day on what was outstanding on each day: balances and a rule in, every number of a printed calculation out.

Nothing here knows a policy or a country. All arithmetic is exact (fractions); only what the rule names is rounded, half up.
A charge for a period is what accrued up to its end less what accrued up to its start, so that the sum of the periods is the whole to the
cent, however often somebody asked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

from ..money import CurrencyMismatch, Money, minor_units
from ..rates import Compounding, Confirmation, DayBasis, InterestRule, Rate, RateOverTime, Rounding

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Balance:
    """What was owed from this day on. Days run up to and including the day of payment: a payment on day D lowers the balance from D + 1."""

    from_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class InterestPaid:
    """Interest that was paid by itself, on a document that charged it; it counts from the day after, as every payment."""

    paid_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Segment:
    """Days with one base and one rate. `days` are counted by the rule's basis; `divisor` is the length of the year in the same count.

    `exact` is base × percent ÷ 100 × days ÷ divisor, not rounded; `counted` is what enters the sum, rounded where the rule rounds days or
    segments. `capitalised` is the part of the base that is interest of earlier years.
    """

    first: date
    last: date
    days: int
    base: Money
    annual_percent: Decimal
    divisor: int
    exact: Fraction
    counted: Fraction
    source: str
    confirmation: Confirmation
    capitalised: Money

    @property
    def amount(self) -> Decimal:
        """What enters the sum, to six decimals for people to read; the sum itself is made from the exact value."""
        return _decimal(self.counted, 6)


@dataclass(frozen=True, slots=True)
class Accrual:
    """The interest for the days from `first` to `last`, and how it came about."""

    first: date
    last: date
    segments: tuple[Segment, ...]
    total: Money

    @property
    def days(self) -> int:
        """The days that bore interest, as the basis counts them; a day on which two parts bore interest counts once for each."""
        return sum(segment.days for segment in self.segments)

    def lines(self) -> tuple[str, ...]:
        """The calculation for people who check it, one line for each segment; no language but numbers, and the source."""
        return tuple(_line(segment) for segment in self.segments)


def accrue(balances: Iterable[Balance], rule: InterestRule, first: date, last: date, paid: Sequence[InterestPaid] = ()) -> Accrual:
    """The interest from `first`, the first day of default (the day after the due date), to `last`, both included.

    Nothing for days before `first` or before the first balance; a negative balance bears no interest. Interest that was `paid` bears none,
    where unpaid interest does. Raises ValueError without a balance or with two for one day, CurrencyMismatch when they differ in currency,
    RateUnknown when a day with a balance has no known rate.
    """
    history = _history(balances)
    segments = tuple(_segments(history, rule, first, last, paid))
    return Accrual(first, last, segments, _whole(segments, history[0].amount.currency))


def charge_between(
    balances: Iterable[Balance], rule: InterestRule, start: date, first: date, last: date, paid: Sequence[InterestPaid] = ()
) -> Accrual:
    """The interest of the days from `first` to `last` of a default that began on `start`: accrued to the end less accrued to the start.

    The segments are those of the whole that lie in the period, cut at its start; their sum may differ from `total` by the rounding that the
    difference takes up. With the rate of the payment (AT_PAYMENT) it is the difference too, and negative when a rate fell: charge that
    only when paid.
    """
    known = tuple(balances)
    whole = accrue(known, rule, start, last, paid)
    if first <= start:
        return whole
    before = accrue(known, rule, start, first - _ONE_DAY, paid)
    inside = tuple(_tail(segment, first, rule) for segment in whole.segments if segment.last >= first)
    return Accrual(first, last, tuple(segment for segment in inside if segment.days), whole.total - before.total)


def _tail(segment: Segment, first: date, rule: InterestRule) -> Segment:
    """The part of the segment from this day on."""
    if segment.first >= first:
        return segment
    rate = Rate(segment.first, segment.annual_percent, segment.source, segment.confirmation)
    return _segment(first, segment.last, segment.base, rate, rule, segment.capitalised)


# What was owed on which day


def _history(balances: Iterable[Balance]) -> list[Balance]:
    """By rising days, without balances that change nothing, and with nothing below nothing."""
    ordered = sorted(balances, key=lambda balance: (balance.from_on, balance.amount.amount))
    if not ordered:
        raise ValueError("interest needs at least one balance")
    currency = ordered[0].amount.currency
    if any(balance.amount.currency != currency for balance in ordered):
        raise CurrencyMismatch("the balances of one debt are in one currency")
    for earlier, later in pairwise(ordered):
        if earlier.from_on == later.from_on and earlier.amount != later.amount:
            raise ValueError(f"two balances for {later.from_on}: {earlier.amount} and {later.amount}")
    nothing = Money.zero(currency)
    clean = [replace(balance, amount=nothing) if balance.amount < nothing else balance for balance in ordered]
    changes = [later for earlier, later in pairwise(clean) if later.amount != earlier.amount]
    return [clean[0], *changes]


def _spans(history: Sequence[Balance], first: date, last: date) -> Iterator[tuple[date, date, Money]]:
    """The days from first to last with what was owed on them; days on which nothing was owed are left out."""
    for position, balance in enumerate(history):
        begin = max(balance.from_on, first)
        end = last if position + 1 == len(history) else min(history[position + 1].from_on - _ONE_DAY, last)
        if begin <= end and balance.amount.is_positive:
            yield begin, end, balance.amount


# How it is cut


def _segments(history: Sequence[Balance], rule: InterestRule, first: date, last: date, paid: Sequence[InterestPaid]) -> Iterator[Segment]:
    if first > last:
        return
    if rule.over_time is RateOverTime.AT_PAYMENT:
        yield from _by_payment(history, rule, first, last)
    elif rule.compounding is Compounding.YEARLY:
        yield from _compounded(history, rule, first, last, paid)
    else:
        yield from _simple(history, rule, first, first, last, Money.zero(history[0].amount.currency))


def _simple(history: Sequence[Balance], rule: InterestRule, start: date, first: date, last: date, capitalised: Money) -> Iterator[Segment]:
    """Cut where the balance changes, where the rate begins and, where a leap year matters, at the end of a year."""
    for begin, end, owed in _spans(history, first, last):
        for rate_begin, rate_end, rate in _rates(rule, start, begin, end):
            for year_begin, year_end in _years(rule.basis, rate_begin, rate_end):
                yield _segment(year_begin, year_end, owed + capitalised, rate, rule, capitalised)


def _rates(rule: InterestRule, start: date, begin: date, end: date) -> Iterator[tuple[date, date, Rate]]:
    if rule.over_time is RateOverTime.FROZEN_AT_START:
        yield begin, end, rule.rates.on(start)
    else:
        yield from rule.rates.stretches(begin, end)


def _years(basis: DayBasis, begin: date, end: date) -> Iterator[tuple[date, date]]:
    """The days whole, or cut at 31 December where the length of the year counts."""
    if basis is DayBasis.ACTUAL_ACTUAL:
        while begin.year < end.year:
            yield begin, date(begin.year, 12, 31)
            begin = date(begin.year + 1, 1, 1)
    yield begin, end


def _compounded(history: Sequence[Balance], rule: InterestRule, first: date, last: date, paid: Sequence[InterestPaid]) -> Iterator[Segment]:
    """After each full year the interest of that year, in whole cents, is added to the base for as long as any of the debt is owed.

    What was paid of the interest, the oldest first, is not in the base from the next day on.
    """
    earlier = Money.zero(history[0].amount.currency)
    for begin, end in _full_years(first, last):
        year: list[Segment] = []
        for from_on, to, capitalised in _unpaid(earlier, begin, end, paid):
            year += _simple(history, rule, first, from_on, to, capitalised)
        yield from year
        earlier += _whole(year, earlier.currency)


def _unpaid(earlier: Money, begin: date, end: date, paid: Sequence[InterestPaid]) -> Iterator[tuple[date, date, Money]]:
    """The days from begin to end, cut where less is unpaid of the interest of earlier years, with what is."""
    unpaid = _less(earlier, paid, begin)
    for day in sorted({one.paid_on + _ONE_DAY for one in paid if begin <= one.paid_on < end}):
        if (left := _less(earlier, paid, day)) != unpaid:
            yield begin, day - _ONE_DAY, unpaid
            begin, unpaid = day, left
    yield begin, end, unpaid


def _less(earlier: Money, paid: Sequence[InterestPaid], day: date) -> Money:
    nothing = Money.zero(earlier.currency)
    return max(earlier - sum((one.amount for one in paid if one.paid_on < day), start=nothing), nothing)


def _full_years(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The years from first on, the last one cut short; a default of 29 February has its anniversary on 28 February in other years."""
    begin, number = first, 1
    while (following := _anniversary(first, number)) <= last:
        yield begin, following - _ONE_DAY
        begin, number = following, number + 1
    yield begin, last


def _anniversary(first: date, years: int) -> date:
    year = first.year + years
    if (first.month, first.day) == (2, 29) and _divisor(DayBasis.ACTUAL_ACTUAL, date(year, 1, 1)) == 365:
        return date(year, 2, 28)
    return first.replace(year=year)


def _by_payment(history: Sequence[Balance], rule: InterestRule, first: date, last: date) -> Iterator[Segment]:
    """Each part of the debt at the one rate of the day on which it was paid, or of the last day while it is not."""
    for begin, end, part in _parts(history, first, last):
        if begin <= end:
            rate = rule.rates.on(end)
            for year_begin, year_end in _years(rule.basis, begin, end):
                yield _segment(year_begin, year_end, part, rate, rule, Money.zero(part.currency))


def _parts(history: Sequence[Balance], first: date, last: date) -> Iterator[tuple[date, date, Money]]:
    """The debt in parts, each from when it was owed to when it was paid; what was owed first is paid first."""
    owed = Money.zero(history[0].amount.currency)
    unpaid: list[tuple[date, Money]] = []
    for balance in history:
        if balance.from_on > last:
            break
        if balance.amount > owed:
            unpaid.append((max(balance.from_on, first), balance.amount - owed))
        paid = owed - balance.amount
        while paid.is_positive:
            since, part = unpaid.pop(0)
            used = min(part, paid)
            yield since, balance.from_on - _ONE_DAY, used
            if used < part:
                unpaid.insert(0, (since, part - used))
            paid -= used
        owed = balance.amount
    yield from ((since, last, part) for since, part in unpaid)


# How it is counted


def _segment(begin: date, end: date, base: Money, rate: Rate, rule: InterestRule, capitalised: Money) -> Segment:
    days, divisor = _days(rule.basis, begin, end), _divisor(rule.basis, begin)
    a_day = Fraction(base.amount) * Fraction(rate.annual_percent) / 100 / divisor
    exact = a_day * days
    counted = exact
    if rule.rounding is Rounding.PER_DAY:
        counted = Fraction(_rounded(a_day, base.currency)) * days
    elif rule.rounding is Rounding.PER_SEGMENT:
        counted = Fraction(_rounded(exact, base.currency))
    return Segment(
        begin, end, days, base, rate.annual_percent, divisor, exact, counted, rate.source, rate.confirmation, capitalised
    )  # fmt: skip


def _days(basis: DayBasis, begin: date, end: date) -> int:
    if basis is DayBasis.THIRTY_360:
        return _thirty_360(end) - _thirty_360(begin - _ONE_DAY)
    return (end - begin).days + 1


def _thirty_360(day: date) -> int:
    """The number of a day when every month has 30: the 31st has the number of the 30th, so that any way to cut a time gives its whole."""
    return 360 * day.year + 30 * day.month + min(day.day, 30)


def _divisor(basis: DayBasis, day: date) -> int:
    if basis is DayBasis.ACTUAL_ACTUAL:
        return 366 if date(day.year, 12, 31).timetuple().tm_yday == 366 else 365
    return 365 if basis is DayBasis.ACTUAL_365 else 360


def _whole(segments: Iterable[Segment], currency: str) -> Money:
    """What they come to together, rounded."""
    return Money(_rounded(sum((segment.counted for segment in segments), Fraction(0)), currency), currency)


def _rounded(value: Fraction, currency: str) -> Decimal:
    """Half up to the decimals of the currency."""
    return _decimal(value, minor_units(currency))


def _decimal(value: Fraction, places: int) -> Decimal:
    """Half up, away from zero, from the exact value and never by way of a rounded quotient."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    with localcontext() as context:
        context.prec = max(28, len(str(whole)) + 2)
        return Decimal(whole if value >= 0 else -whole).scaleb(-places).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _line(segment: Segment) -> str:
    percent = f"{segment.annual_percent.normalize():f} %"
    sum_of = f"{segment.days} d × {segment.base} × {percent} ÷ {segment.divisor} = {_decimal(segment.counted, 4)} {segment.base.currency}"
    of_which = f" ({segment.capitalised} of it interest of earlier years)" if segment.capitalised.is_positive else ""
    return f"{segment.first} … {segment.last}: {sum_of}{of_which} [{segment.source}]"
