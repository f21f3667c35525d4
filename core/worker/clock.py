"""The one clock. Nothing else in Puntual asks what time it is."""

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is set, for a run on a given day and for tests."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.at.astimezone(UTC)


def local_now(clock: Clock, time_zone: str) -> datetime:
    """The time on the company's wall."""
    return clock.now().astimezone(ZoneInfo(time_zone))


def today(clock: Clock, time_zone: str) -> date:
    """The day on the company's calendar."""
    return local_now(clock, time_zone).date()


def noon_of(day: date, time_zone: str) -> datetime:
    """Noon of a day in the company's zone: the instant of a run on a given day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(time_zone))
