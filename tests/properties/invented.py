"""Invented policies and amounts for the properties: every ladder is one that `puntual check` would accept."""

from datetime import date, timedelta
from decimal import Decimal
from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from puntual.core.money import Money
from puntual.core.policy.schema import (
    Channel,
    CustomerRule,
    Exclusion,
    GoLive,
    Grouping,
    Level,
    Match,
    NoticeKind,
    OldDebt,
    Policy,
    Procedure,
    Promises,
    Repeat,
    Sending,
    Weekday,
)
from stories.storyline import policy_of

START = date(2026, 1, 5)
FIRMER = [NoticeKind.REMINDER, NoticeKind.SECOND, NoticeKind.FIRM, NoticeKind.FINAL]
CURRENCIES = ("EUR", "USD")


@cache
def base() -> Policy:
    """The policy of the stories."""
    return policy_of({})


def moneys(currency: str) -> SearchStrategy[Money]:
    """Amounts up to a thousand, now and then within the tolerance."""
    return st.one_of(st.integers(501, 100_000), st.integers(501, 100_000), st.integers(1, 100_000)).map(
        lambda minor: Money.from_minor(minor, currency)
    )


@st.composite
def procedures(draw: DrawFn, name: str, gap: int) -> Procedure:
    """A ladder of one to six rungs: rising days, rising firmness, repeats that end before the next rung."""
    early = draw(st.lists(st.sampled_from([-14, -10, -7, -3, 0]), unique=True, max_size=2))
    steps = draw(st.lists(st.integers(1, 20), min_size=0 if early else 1, max_size=4))
    days = [*sorted(early), *(sum(steps[: number + 1]) for number in range(len(steps)))]
    levels: list[Level] = []
    for number, day in enumerate(days):
        following = days[number + 1] if number + 1 < len(days) else day + 40
        room = (min(following, 0) if day < 0 else following) - 1 - day
        repeat = None
        if day != 0 and room >= gap and draw(st.booleans()):
            repeat = Repeat(every_days=gap, at_most=min(room // gap, 2))
        is_call = day > 0 and draw(st.integers(0, 3)) == 0
        levels.append(
            Level(
                key=f"{name}{number}",
                days=day,
                channel=Channel.CALL if is_call else Channel.EMAIL,
                notice=None if is_call else _notice(day, number),
                repeat=repeat,
                needs_approval=not is_call and draw(st.integers(0, 5)) == 0,
            )
        )
    return Procedure(levels=tuple(levels))


def _notice(day: int, number: int) -> NoticeKind:
    if day <= 0:
        return NoticeKind.BEFORE_DUE if day < 0 else NoticeKind.DUE
    return FIRMER[min(number, 3)]


@st.composite
def policies(draw: DrawFn) -> Policy:
    """A policy with two procedures; big invoices follow the second, middling ones may be excluded for a while."""
    gap = draw(st.integers(1, 10))
    days = draw(st.lists(st.sampled_from(list(Weekday)), min_size=2, unique=True))
    until = START + timedelta(days=draw(st.integers(0, 90)))
    rules = (
        CustomerRule(match=Match(min_amount={"EUR": Decimal(700)}), procedure="other"),
        CustomerRule(match=Match(min_amount={"EUR": Decimal(600)}), exclude=Exclusion(reason="agreed", until=until)),
    )
    starts = GoLive(date=START + timedelta(days=draw(st.integers(-30, 60))), old_debt=draw(st.sampled_from(OldDebt)))
    return base().model_copy(
        update={
            "procedures": {"standard": draw(procedures("s", gap)), "other": draw(procedures("o", gap))},
            "sending": Sending(days=tuple(days), min_days_between_contacts=gap, daily_limit=draw(st.sampled_from([None, None, 1, 2]))),
            "go_live": draw(st.none() | st.just(starts)),
            "customers": rules if draw(st.booleans()) else (),
            "grouping": draw(st.sampled_from(Grouping)),
            "promises": Promises(grace_days=draw(st.integers(0, 5))),
            "tolerance": {"EUR": Decimal(5)},
        }
    )
