"""Where an item stands on its ladder and what comes next. Pure.

One signed convention (docs/sources.md 6): a level's `days` count from the due date, -7 is a week before it, 1 the day after.

- A level is due *on or before* today, never only on its day: a missed day is caught up (docs/sources.md 5).
- Levels up to the due date lapse when their moment has passed: nobody is told on the 12th that something will be due on the 10th.
- Levels after the due date rise by one. The next one leaves the customer at least the days that the ladder puts between the two,
  counted from the day on which the earlier one was really sent.
"""

from dataclasses import dataclass
from datetime import date

from ..calendar import days_after
from ..policy.schema import Channel, GoLive, Level, NoticeKind, OldDebt
from ..receivables import OpenItem
from .facts import LevelState
from .procedures import Ladder

DECIDE = "~decide"
"""The level key of the task that follows the last level; no policy can use it."""

DAYS_BEFORE_DECIDING = 10
"""Days from the last notice until a person is asked to decide, the time that the final notice gives to answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing on an item's ladder, and the first day on which it may be done. `repeat` counts earlier sends of the same level.
    `level` is None when the ladder has ended and a person decides."""

    level: Level | None
    notice: NoticeKind | None
    repeat: int
    due_on: date

    @property
    def key(self) -> str:
        """The level's key, or DECIDE."""
        return self.level.key if self.level else DECIDE


def next_step(item: OpenItem, state: LevelState, ladder: Ladder, go_live: GoLive | None, as_of: date) -> Step:
    """What comes next for this item, whatever day it falls on."""
    if not state.key and _is_old_debt(item, go_live):
        return _entry_of_old_debt(item, ladder, go_live) or _decide(item, state, ladder)
    return _repeat(item, state, ladder, as_of) or _rise(item, state, ladder, as_of) or _decide(item, state, ladder)


def position(state: LevelState, ladder: Ladder) -> int:
    """The index of the level that was sent last, -1 when none was. When the ladder was rewritten and the key is gone,
    it is the last level that is not later than the one that was sent: levels never fall."""
    if not state.key:
        return -1
    by_key = next((index for index, level in enumerate(ladder.levels) if level.key == state.key), None)
    if by_key is not None:
        return by_key
    return sum(1 for level in ladder.levels if level.days <= state.days) - 1


def _is_old_debt(item: OpenItem, go_live: GoLive | None) -> bool:
    return go_live is not None and item.due_date < go_live.on


def _entry_of_old_debt(item: OpenItem, ladder: Ladder, go_live: GoLive | None) -> Step | None:
    """Where old debt enters: with a summary in place of the first overdue level, or at the level that its age at go-live says."""
    overdue = [level for level in ladder.levels if level.days > 0]
    if not overdue or go_live is None:
        return None
    if go_live.old_debt is OldDebt.ONE_SUMMARY:
        mail = next((level for level in overdue if level.channel is Channel.EMAIL), None)
        if mail is not None:
            return Step(mail, NoticeKind.SUMMARY, 0, go_live.on)
        return Step(overdue[0], None, 0, max(go_live.on, days_after(item.due_date, overdue[0].days)))
    age = item.days_overdue(go_live.on)
    level = next((level for level in reversed(overdue) if level.days <= age), overdue[0])
    return Step(level, level.notice, 0, max(go_live.on, days_after(item.due_date, level.days)))


def _repeat(item: OpenItem, state: LevelState, ladder: Ladder, as_of: date) -> Step | None:
    index = position(state, ladder)
    if index < 0 or state.sent_on is None or ladder.levels[index].key != state.key:
        return None
    level = ladder.levels[index]
    if level.repeat is None or state.sends > level.repeat.at_most:
        return None
    nominal = days_after(item.due_date, level.days + state.sends * level.repeat.every_days)
    again_on = max(nominal, days_after(state.sent_on, level.repeat.every_days))
    if level.days <= 0 and max(again_on, as_of) >= item.due_date:
        return None
    return Step(level, level.notice, state.sends, again_on)


def _rise(item: OpenItem, state: LevelState, ladder: Ladder, as_of: date) -> Step | None:
    at = position(state, ladder)
    for index in range(at + 1, len(ladder.levels)):
        level = ladder.levels[index]
        nominal = days_after(item.due_date, level.days)
        if level.days <= 0 and _has_lapsed(item, ladder, index, nominal, as_of):
            continue
        earliest = nominal if at < 0 else max(nominal, _after_spacing(state, ladder.levels[at], level))
        return Step(level, level.notice, 0, earliest)
    return None


def _has_lapsed(item: OpenItem, ladder: Ladder, index: int, nominal: date, as_of: date) -> bool:
    """A level up to the due date is too late once the due date (or the next level's day) is reached, and needless when the invoice
    itself reached the customer on that day or later."""
    level = ladder.levels[index]
    if level.days == 0:
        return as_of > item.due_date or item.issued_on >= item.due_date
    following = ladder.levels[index + 1].days if index + 1 < len(ladder.levels) else 0
    return as_of >= days_after(item.due_date, min(following, 0)) or item.issued_on >= nominal


def _after_spacing(state: LevelState, sent: Level, following: Level) -> date:
    """The first day that leaves the ladder's own distance after a level that was sent; repeats used part of that time."""
    if state.sent_on is None or state.days <= 0:
        return date.min
    used = (state.sends - 1) * sent.repeat.every_days if sent.repeat else 0
    return days_after(state.sent_on, max(following.days - sent.days - used, 1))


def _decide(item: OpenItem, state: LevelState, ladder: Ladder) -> Step:
    """A person is asked once there was time to answer the last notice, and never about what is not overdue that long."""
    last = state.sent_on or days_after(item.due_date, max(ladder.levels[-1].days, 0))
    return Step(None, None, 0, days_after(max(last, item.due_date), DAYS_BEFORE_DECIDING))
