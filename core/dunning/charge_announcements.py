"""What the next notice has to say about late charges on an item before they are made. Pure."""

from dataclasses import replace
from datetime import date, timedelta

from ..calendar import days_after
from ..money import Money
from ..policy.charge_law import INTEREST
from ..policy.charge_schema import ChargeRule, Every, RuleKind
from ..rates import RateUnknown
from .charge_facts import Announcement, ChargeFacts, WhyNotCharged
from .charge_periods import announced_from, first_late_day, rhythm_of
from .charge_rules import CannotCount, ChargeBook, Span, count, counting_of
from .charges import room_under_cap, stop_of_item, stop_of_rule
from .interest import Balance, accrue

_ONE_DAY = timedelta(days=1)
_ONLY_FOR_NOW = frozenset({WhyNotCharged.DISPUTED, WhyNotCharged.HELD, WhyNotCharged.PROMISED, WhyNotCharged.COVERED_BY_CREDIT})


def upcoming(facts: ChargeFacts, book: ChargeBook, as_of: date) -> tuple[Announcement, ...]:
    """What the policy may charge on this item from now on, one for each rule: nothing for what it never will, nothing once it is paid.

    Told before the due date too. A rule that was in a notice counts as announced from that day: the worker keeps it by the rule's key.
    A rule whose amount is not known is not announced, and so not charged.
    """
    if not book.rules or facts.settled_on is not None or not _may_be_charged(facts, book, as_of):
        return ()
    found = [_announcement(rule, facts, book, as_of) for rule in book.rules if stop_of_rule(rule, facts, book) is None]
    return tuple(one for one in found if one is not None)


def _may_be_charged(facts: ChargeFacts, book: ChargeBook, as_of: date) -> bool:
    stop, cap = stop_of_item(facts, book, as_of), room_under_cap(facts, book)
    return (stop is None or stop.reason in _ONLY_FOR_NOW) and (cap is None or cap[0].is_positive)


def _announcement(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, as_of: date) -> Announcement | None:
    from_on = max(first_late_day(rule, facts, book), _first_allowed(rule, facts, book, as_of), as_of)
    rhythm = rhythm_of(rule, facts, book)
    days = None if rhythm is Every.ONCE else 0 if rhythm is Every.MONTH else int(rhythm)
    told = Announcement(rule.key, rule.kind, from_on, days=days)
    try:
        if rule.kind is RuleKind.HIGHER_OF:
            return replace(
                told, highest_of=tuple(_told(replace(told, rule=m.key, kind=m.kind), m, facts, book, as_of) for m in book.members(rule))
            )
        return _told(told, rule, facts, book, as_of)
    except (CannotCount, RateUnknown):
        return None


def _first_allowed(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, as_of: date) -> date:
    """The first day after the announcement; what was not announced yet is announced today."""
    told = announced_from(rule, facts, book)
    return days_after(as_of, book.settings.announce_days) if told is None else told


def _told(told: Announcement, rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, as_of: date) -> Announcement:
    """With the amounts as they are on the first day of default, or today when that has passed. Raises CannotCount, RateUnknown."""
    owed = facts.owed_on(told.from_on)
    as_now = replace(facts, balances=(Balance(date.min, owed),))
    if rule.kind not in INTEREST:
        line = count(rule, as_now, book, Span(told.from_on, told.from_on, (told.from_on,))).steps[0]
        return replace(told, amount=Money(line.counted, owed.currency), percent=line.percent, law=line.source)
    day = max(as_of, facts.item.due_date + _ONE_DAY)
    one_day = accrue(as_now.balances, counting_of(rule, as_now, book, day, day), day, day)
    law = one_day.segments[0].source if rule.kind is RuleKind.STATUTORY_INTEREST else ""
    return replace(told, a_day=one_day.total, percent=one_day.segments[0].annual_percent, law=law)
