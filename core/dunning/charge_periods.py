"""When a rule charges: the periods of an item for one rule, in their order, whatever has been charged of them. Pure.

Interest is charged for days that have passed: a period ends a month, or so many days, after the one before, counted from the due date, and
the last one on the day of payment. A fee falls due on a day: when the item is so many days late and announced, and then in the same rhythm.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, pairwise

from ..calendar import days_after
from ..policy.charge_schema import ChargeRule, Every
from ..rates import RateOverTime
from .charge_facts import ChargeFacts
from .charge_rules import ChargeBook, Span

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A span, the first day on which it can be charged, and its name in the key of a charge."""

    span: Span
    due_on: date
    name: str


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last day of a month that is too short."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    if year > date.max.year:
        return date.max
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def rhythm_of(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> Every | int:
    """How often the rule charges this item. Interest at the rate of the payment can be charged only then."""
    if any(_at_payment(member, facts, book) for member in book.members(rule)):
        return Every.ONCE
    return rule.every or (Every.MONTH if book.is_interest(rule) else Every.ONCE)


def _at_payment(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> bool:
    pack, _ = book.law(rule)
    by_country = pack.method.over_time.value if pack else None
    return rule.kind.value == "statutory_interest" and (rule.rate_over_time or by_country) is RateOverTime.AT_PAYMENT


def first_late_day(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> date:
    """The day on which the item is late enough for this rule."""
    return days_after(facts.item.due_date, book.from_days(rule))


def announced_from(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> date | None:
    """The first day on which what was announced may be charged; None when it was not announced and has to be."""
    if not book.settings.announce:
        return date.min
    told = facts.announced_on.get(rule.key)
    return days_after(told, book.settings.announce_days) if told else None


def periods(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> Iterator[Period]:
    """The periods of this item from the first, without an end while it is not settled. It has been announced where it has to be."""
    rhythm = rhythm_of(rule, facts, book)
    return _arrears(rule, facts, book, rhythm) if book.is_interest(rule) else _fees(rule, facts, book, rhythm)


def _arrears(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, rhythm: Every | int) -> Iterator[Period]:
    settled, late = facts.settled_on, max(first_late_day(rule, facts, book), announced_from(rule, facts, book) or date.min)
    if rhythm is Every.ONCE:
        if settled is not None:
            yield _passed(facts.item.due_date + _ONE_DAY, settled, late)
        return
    for start, end in pairwise(marks(facts.item.due_date, rhythm)):
        last = end if settled is None else min(end, settled)
        if last > start:
            yield _passed(start + _ONE_DAY, last, late)
        if settled is not None and end >= settled:
            return


def _passed(first: date, last: date, late: date) -> Period:
    return Period(Span(first, last, (first,)), max(days_after(last, 1), late), last.isoformat())


def _fees(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, rhythm: Every | int) -> Iterator[Period]:
    begin = max(first_late_day(rule, facts, book), announced_from(rule, facts, book) or date.min)
    if rhythm is Every.ONCE:
        if facts.owed_on(begin).is_positive:
            yield Period(Span(begin, begin, (begin,)), begin, "once")
        return
    for day, following in pairwise(marks(begin, rhythm)):
        if not facts.owed_on(day).is_positive:
            return
        yield Period(Span(day, following - _ONE_DAY, (day,)), day, day.isoformat())


def marks(start: date, rhythm: Every | int) -> Iterator[date]:
    """The start and every month or so many days after it, up to the last day there is."""
    for number in count():
        mark = months_after(start, number) if isinstance(rhythm, Every) else days_after(start, number * rhythm)
        yield mark
        if mark == date.max:
            return
