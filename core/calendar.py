"""Business days: which days are days of work in a country and region. Nothing here knows what day it is today."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays as public_holidays

_LONGEST_CLOSING = 400


@lru_cache(maxsize=256)
def _holidays_of(country: str, region: str, year: int) -> Collection[date]:
    return public_holidays.country_holidays(country, subdiv=region or None, years=year)


def days_after(day: date, days: int) -> date:
    """That many days after the day, before it when negative; the first or last day there is when books hold a date such as 9999-12-31."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def knows_country(country: str, region: str = "") -> bool:
    """Whether public holidays of this ISO 3166-1 country (and ISO 3166-2 subdivision) are known."""
    regions = public_holidays.list_supported_countries(include_aliases=True).get(country)
    return regions is not None and (not region or region in regions)


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """The days on which a company may write to its customers. `weekdays` counts from Monday = 0; an empty `country` has no holidays."""

    weekdays: frozenset[int]
    country: str = ""
    region: str = ""
    days_off: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        """Whether this is a day of work."""
        return self.why_closed(day) == ""

    def why_closed(self, day: date) -> str:
        """Empty on a day of work, else why it is none."""
        if day.weekday() not in self.weekdays:
            return "not one of the policy's sending days"
        if day in self.days_off:
            return "a day off of the company"
        if self.country and day in _holidays_of(self.country, self.region, day.year):
            return f"a public holiday in {self.country}{'-' + self.region if self.region else ''}"
        return ""

    def next_open(self, day: date) -> date:
        """This day when it is open, else the first open day after it. Raises ValueError when there is none for more than a year."""
        for offset in range(_LONGEST_CLOSING):
            if self.is_open(day + timedelta(days=offset)):
                return day + timedelta(days=offset)
        raise ValueError("the calendar has no open day for more than a year")
