"""One look at an item for late charges: what is to be taken back, what is to be charged, and when to look again. Pure."""

from dataclasses import dataclass, replace
from datetime import date

from ..calendar import days_after
from .charge_facts import ChargeDue, ChargeFacts, ChargeRecord, ChargeState, NotCharged, Reversal, WhyNotCharged
from .charge_reversals import reversals
from .charge_rules import ChargeBook
from .charges import charges_due

LOOK_AGAIN_DAYS = 7
"""What may end without a change of the item that anybody tells us of is looked at again after so many days."""

_MAY_END = frozenset(
    {
        WhyNotCharged.NOT_CHASED,
        WhyNotCharged.DISPUTED,
        WhyNotCharged.HELD,
        WhyNotCharged.PROMISED,
        WhyNotCharged.COVERED_BY_CREDIT,
        WhyNotCharged.DOUBT,
        WhyNotCharged.RATE_UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class ChargeJudgement:
    """What a look came to. `withdrawn` are those of the reversals that are not in the books: they are dropped, and what is right in their
    place is among `due`. `look_on` is the day of the next look; None: when something changes."""

    facts: ChargeFacts
    due: tuple[ChargeDue, ...]
    left: tuple[NotCharged, ...]
    withdrawn: tuple[Reversal, ...]
    to_reverse: tuple[Reversal, ...]
    look_on: date | None


def judge_charges(facts: ChargeFacts, book: ChargeBook, as_of: date) -> ChargeJudgement:
    """Look at one item on `as_of`."""
    waiting = {(one.rule, one.period): one for one in facts.charges if one.state is ChargeState.WAITING}
    taken_back = reversals(facts, book)
    withdrawn = tuple(one for one in taken_back if (one.key.rule, one.key.period) in waiting)
    to_reverse = tuple(one for one in taken_back if one not in withdrawn)
    gone = {(one.key.rule, one.key.period) for one in withdrawn}
    left_over = tuple(_less(one, to_reverse) for one in facts.charges if (one.rule, one.period) not in gone)
    decided = charges_due(replace(facts, charges=left_over), book, as_of)
    due = tuple(one for one in decided if isinstance(one, ChargeDue))
    left = tuple(one for one in decided if isinstance(one, NotCharged))
    return ChargeJudgement(facts, due, left, withdrawn, to_reverse, _look_on(left, as_of))


def _less(record: ChargeRecord, to_reverse: tuple[Reversal, ...]) -> ChargeRecord:
    """The charge without what is taken back of it now; its days stay dealt with."""
    less = next((one.amount for one in to_reverse if (one.key.rule, one.key.period) == (record.rule, record.period)), None)
    if less is None:
        return record
    rest = record.amount - min(less, record.amount)
    return replace(record, amount=rest, state=record.state if rest.is_positive else ChargeState.REVERSED)


def _look_on(left: tuple[NotCharged, ...], as_of: date) -> date | None:
    days = [max(one.until, days_after(as_of, 1)) for one in left if one.until is not None]
    if any(one.until is None and one.reason in _MAY_END for one in left):
        days.append(days_after(as_of, LOOK_AGAIN_DAYS))
    return min(days, default=None)
