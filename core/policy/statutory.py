"""Statutory rates of interest: a reference series that a central bank sets, the margin a law adds, and what was published as the result."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from ..rates import Confirmation, Rate, RateTable, RateUnknown

# From sure to unsure; what is worked out from others is at most as sure as the least sure of them.
_SURE = (Confirmation.CONFIRMED, Confirmation.DERIVED, Confirmation.SECONDARY, Confirmation.BELIEVED)


class Sourced(BaseModel):
    """A value with where it was read and how sure it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1)
    confirmation: Confirmation
    note: str = ""


class Dated(Sourced):
    """A value that counts from this day on."""

    from_on: date = Field(alias="from")


class Reference(Dated):
    """A rate in percent a year; a reference rate may be below nothing."""

    percent: Decimal


class Margin(Dated):
    """The points that the law adds to the reference rate."""

    points: Decimal


class Step(Sourced):
    """The result is rounded up to a multiple of this many points."""

    points: Annotated[Decimal, Field(gt=0)]


class ReferenceSeries(BaseModel):
    """The reference rates as the laws use them: one for each half-year, of 1 January and of 1 July."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    rates: tuple[Reference, ...] = Field(min_length=1)

    @property
    def known_until(self) -> date:
        """The last day of the half-year of the newest rate."""
        newest = self.rates[-1].from_on
        return date(newest.year, 6, 30) if newest.month <= 6 else date(newest.year, 12, 31)

    def on(self, day: date) -> Reference:
        """The reference rate of a day that is not before the first."""
        return _in_force(self.rates, day)


class StatutoryInterest(BaseModel):
    """Reference and margins, or rates that were published, or both: where a rate was published for a day, it is the one that counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: str = ""
    margins: tuple[Margin, ...] = ()
    round_up_to: Step | None = None
    published: tuple[Reference, ...] = ()
    known_until: date | None = None

    def table(self, series: Mapping[str, ReferenceSeries]) -> RateTable:
        """The rates with their sources, one for each half-year and more where the law changed inside one."""
        if not self.reference:
            return RateTable(tuple(map(_as_rate, self.published)), self.known_until)
        reference, published = series[self.reference], {row.from_on: row for row in self.published}
        first = max(self.margins[0].from_on, reference.rates[0].from_on)
        rows: tuple[Dated, ...] = (*reference.rates, *self.margins, *self.published)
        days = {row.from_on for row in rows if row.from_on >= first}
        rates = tuple(_as_rate(published[day]) if day in published else self._derived(day, reference) for day in sorted(days))
        return RateTable(rates, reference.known_until)

    def derived_percent(self, day: date, reference: ReferenceSeries) -> Decimal:
        """What the rule gives for this day, whatever was published."""
        total = reference.on(day).percent + _in_force(self.margins, day).points
        if self.round_up_to is None:
            return total
        return (total / self.round_up_to.points).to_integral_value(ROUND_CEILING) * self.round_up_to.points

    def _derived(self, day: date, reference: ReferenceSeries) -> Rate:
        base, margin = reference.on(day), _in_force(self.margins, day)
        rounded = f", rounded up to {self.round_up_to.points}" if self.round_up_to else ""
        source = f"{reference.label} {base.percent} % ({base.source}) + {margin.points} points ({margin.source}){rounded}"
        sure = max((Confirmation.DERIVED, base.confirmation, margin.confirmation), key=_SURE.index)
        return Rate(day, self.derived_percent(day, reference), source, sure)


_Row = TypeVar("_Row", Reference, Margin)


def _in_force(rows: tuple[_Row, ...], day: date) -> _Row:
    for row in reversed(rows):
        if row.from_on <= day:
            return row
    raise RateUnknown(f"nothing is known for {day}")


def _as_rate(row: Reference) -> Rate:
    return Rate(row.from_on, row.percent, row.source, row.confirmation)
