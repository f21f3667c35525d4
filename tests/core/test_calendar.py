"""Business days, and days that are no dates any more."""

from datetime import date

import pytest
from puntual.core.calendar import BusinessCalendar, days_after, knows_country

MONDAY_TO_FRIDAY = frozenset(range(5))
MADRID = BusinessCalendar(MONDAY_TO_FRIDAY, "ES", "MD", frozenset({date(2026, 8, 17)}))


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 4, 1), ""),
        (date(2026, 4, 2), "a public holiday in ES-MD"),
        (date(2026, 4, 3), "a public holiday in ES-MD"),
        (date(2026, 4, 4), "not one of the policy's sending days"),
        (date(2026, 4, 6), ""),
        (date(2026, 8, 17), "a day off of the company"),
    ],
)
def test_why_a_day_is_closed(day: date, why: str) -> None:
    assert MADRID.why_closed(day) == why
    assert MADRID.is_open(day) == (why == "")


def test_regions_differ() -> None:
    catalonia = BusinessCalendar(MONDAY_TO_FRIDAY, "ES", "CT")
    assert catalonia.is_open(date(2026, 4, 2))
    assert catalonia.why_closed(date(2026, 4, 6)) == "a public holiday in ES-CT"
    assert BusinessCalendar(MONDAY_TO_FRIDAY, "ES").why_closed(date(2026, 5, 1)) == "a public holiday in ES"
    assert BusinessCalendar(MONDAY_TO_FRIDAY).is_open(date(2026, 5, 1))


@pytest.mark.parametrize(
    ("day", "opens"), [(date(2026, 4, 1), date(2026, 4, 1)), (date(2026, 4, 2), date(2026, 4, 6)), (date(2026, 12, 31), date(2026, 12, 31))]
)
def test_the_next_open_day(day: date, opens: date) -> None:
    assert MADRID.next_open(day) == opens


def test_a_calendar_without_open_days_says_so() -> None:
    with pytest.raises(ValueError, match="no open day for more than a year"):
        BusinessCalendar(frozenset()).next_open(date(2026, 1, 1))


def test_countries() -> None:
    known = [("ES", ""), ("ES", "MD"), ("ES", "XX"), ("MX", ""), ("ZZ", "")]
    assert [pair for pair in known if knows_country(*pair)] == [("ES", ""), ("ES", "MD"), ("MX", "")]


@pytest.mark.parametrize(
    ("day", "days", "then"),
    [
        (date(2026, 2, 28), 1, date(2026, 3, 1)),
        (date(2026, 3, 1), -1, date(2026, 2, 28)),
        (date.max, 1, date.max),
        (date.min, -7, date.min),
        (date(9999, 12, 31), -7, date(9999, 12, 24)),
    ],
)
def test_days_after(day: date, days: int, then: date) -> None:
    assert days_after(day, days) == then
