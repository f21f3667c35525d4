"""The vocabulary of interest: dated rates with their sources, how days are counted, when cents are rounded. Pure values, no arithmetic."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from enum import StrEnum
from itertools import pairwise

_MONTHS = 12
_CENT = Decimal("0.01")
_DIGITS = 40


class RateUnknown(ValueError):
    """No rate is known for this day; nothing is charged on a guess."""


class Confirmation(StrEnum):
    """How sure a value is. CONFIRMED: the official text, or a word-for-word copy of it; SECONDARY: others who cite it;
    DERIVED: computed here by the legal rule, not seen published; BELIEVED: no source was read."""

    CONFIRMED = "confirmed"
    SECONDARY = "secondary"
    DERIVED = "derived"
    BELIEVED = "believed"


class DayBasis(StrEnum):
    """How days become years. ACTUAL_ACTUAL divides by 366 in a leap year; THIRTY_360 counts every month as 30 days, a 31st as none."""

    ACTUAL_365 = "actual_365"
    ACTUAL_ACTUAL = "actual_actual"
    THIRTY_360 = "thirty_360"
    ACTUAL_360 = "actual_360"


class Rounding(StrEnum):
    """What is rounded to the currency's decimals, half up: each day's interest, each segment with one base and one rate, or the sum."""

    PER_DAY = "per_day"
    PER_SEGMENT = "per_segment"
    AT_END = "at_end"


class RateOverTime(StrEnum):
    """Which rate counts when it changes. SPLIT: each day its own; FROZEN_AT_START: that of the first day of interest, for the whole debt;
    AT_PAYMENT: that of the day on which a part is paid, or of the last day, for the whole time of that part."""

    SPLIT = "split"
    FROZEN_AT_START = "frozen_at_start"
    AT_PAYMENT = "at_payment"


class Compounding(StrEnum):
    """NONE: simple interest. YEARLY: after each full year from the first day of interest, the interest of that year bears interest too."""

    NONE = "none"
    YEARLY = "yearly"


def effective_annual(nominal: Decimal) -> Decimal:
    """What a rate a year, in percent, comes to in a year when it is charged by the month: (1 + i/12)^12 - 1, to two decimals."""
    with localcontext() as context:
        context.prec = _DIGITS
        return (((1 + nominal / _MONTHS / 100) ** _MONTHS - 1) * 100).quantize(_CENT, rounding=ROUND_HALF_UP)


def nominal_annual(effective: Decimal) -> Decimal:
    """The highest rate a year, in percent to two decimals, that charged by the month comes to no more than this effective rate.

    ((1 + i)^(1/12) - 1) x 12, rounded down, so that what is within it is within the limit. Superintendencia Financiera de Colombia,
    Concepto 2009046566-001 of 23-7-2009.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        monthly = (1 + effective / 100) ** (Decimal(1) / _MONTHS) - 1
        return (monthly * _MONTHS * 100).quantize(_CENT, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in percent a year from this day on, and where it was read."""

    from_on: date
    annual_percent: Decimal
    source: str
    confirmation: Confirmation

    def __post_init__(self) -> None:
        if not self.annual_percent.is_finite() or self.annual_percent < 0:
            raise ValueError(f"{self.annual_percent} % is no rate of interest")


@dataclass(frozen=True, slots=True)
class RateTable:
    """Rates by rising days. After `known_until` no rate is known any more; None means that the last one stands until another is given."""

    rates: tuple[Rate, ...]
    known_until: date | None = None

    def __post_init__(self) -> None:
        days = [rate.from_on for rate in self.rates]
        if not days or any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("a table of rates needs rates, by rising days, one for a day")

    @classmethod
    def fixed(cls, annual_percent: Decimal, source: str, confirmation: Confirmation = Confirmation.CONFIRMED) -> "RateTable":
        """One rate for all days, as a contract or a statute with a number has it."""
        return cls((Rate(date.min, annual_percent, source, confirmation),))

    def on(self, day: date) -> Rate:
        """The rate of this day. Raises RateUnknown before the first and after `known_until`."""
        position = bisect_right(self.rates, day, key=lambda rate: rate.from_on)
        if position == 0:
            raise RateUnknown(f"no rate is known for {day}; the first is that of {self.rates[0].from_on}")
        if self.known_until is not None and day > self.known_until:
            raise RateUnknown(f"no rate is known for {day}; the newest is that of {self.rates[-1].from_on}, known until {self.known_until}")
        return self.rates[position - 1]

    def stretches(self, first: date, last: date) -> Iterator[tuple[date, date, Rate]]:
        """The days from first to last, cut where a rate begins. Raises RateUnknown when a day of them has none."""
        day = first
        self.on(last)
        while day <= last:
            rate = self.on(day)
            later = next((other.from_on for other in self.rates if other.from_on > day), None)
            end = last if later is None else min(last, later - timedelta(days=1))
            yield day, end, rate
            if end == last:
                return
            day = end + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class InterestRule:
    """Everything that decides how interest is counted. Raises ValueError for what cannot go together."""

    rates: RateTable
    basis: DayBasis = DayBasis.ACTUAL_365
    rounding: Rounding = Rounding.AT_END
    over_time: RateOverTime = RateOverTime.SPLIT
    compounding: Compounding = Compounding.NONE

    def __post_init__(self) -> None:
        if self.over_time is RateOverTime.AT_PAYMENT and self.compounding is not Compounding.NONE:
            raise ValueError("interest at the rate of the payment cannot bear interest before the payment is known")
