"""What the company's own people are told by mail: the section `digest` of a policy. Left out, nobody is. Only a host's worker sends it."""

from datetime import time

from pydantic import Field

from .parts import Model
from .schedule_schema import Weekday
from .values import MailAddress, Several, TimeOfDay, Word


class Every(Word):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Digest(Model):
    """A mail that says what was done, what came in, and what waits for a person."""

    to: Several[MailAddress] = Field(min_length=1, max_length=20, description="The company's own people who get it")
    every: Every = Field(Every.DAILY, description="daily, or weekly")
    day: Weekday | None = Field(None, description="Day of the week of a weekly digest; left out: mon")
    at: TimeOfDay = Field(time(8, 0), description="Time of day, in the company's zone")
