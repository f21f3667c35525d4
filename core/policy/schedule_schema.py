"""When a host works for the company by itself: the section `schedule` of a policy. Without a host nothing of it happens."""

from datetime import time
from typing import Annotated

from pydantic import Field

from .parts import Model
from .values import Several, TimeOfDay, Word


class Weekday(Word):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class CompletePass(Model):
    """When everything that is open is read anew, to catch what no incremental reading shows."""

    day: Weekday = Field(Weekday.SUN, description="Day of the week, in the company's zone")
    at: TimeOfDay = Field(time(3, 0), description="Time of day, in the company's zone")


class Schedule(Model):
    """When the worker reads the books and runs."""

    sync_every_minutes: Annotated[int, Field(ge=5, le=1440)] = Field(
        60, description="Minutes between two readings of the books; what a webhook tells is read sooner"
    )
    run_at: Several[TimeOfDay] = Field(
        (time(9, 30),),
        min_length=1,
        max_length=6,
        description="Times of day, in the company's zone, at which what is due goes out; within `sending`",
    )
    complete: CompletePass = Field(default_factory=CompletePass, description="When everything that is open is read anew, once a week")
    automatic: bool = Field(True, description="false: the worker only reads the books; `puntual run` is for a person")
