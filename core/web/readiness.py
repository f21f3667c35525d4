"""What has to be so for a process of a host to be of use, each in a word for the operator when it is not."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ..history.database import level_of, levels, reading, trouble_of
from ..worker.clock import Clock

QUIET_AT_MOST = timedelta(minutes=3)
"""A worker whose clock has not beaten for six pulses does nothing any more."""


def database_is_ready(engine: Engine) -> str:
    """Whether the database can be reached and has the tables of this version."""
    try:
        with reading(engine) as conn:
            found = level_of(conn)
    except DBAPIError as error:
        return str(trouble_of(error))
    newest = levels()[-1]
    return "" if found == newest else f"the database has the tables of revision {found or 'none'}, not {newest}"


def beats(clock: Clock, last_beat: Callable[[], datetime | None]) -> str:
    """Whether the clock of the worker beats."""
    last = last_beat()
    if last is None:
        return "the worker has not begun yet"
    quiet = clock.now() - last
    return "" if quiet <= QUIET_AT_MOST else f"the clock of the worker has not beaten for {int(quiet.total_seconds())} s"
