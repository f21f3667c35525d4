"""What the commands share: options, the desk, errors as words, exit codes."""

import functools
import getpass
import sys
import traceback
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from ..demo.stand_in import where_it_went
from ..errors import PuntualError
from ..history.database import trouble_of
from ..policy.schema import Mode, Policy
from ..worker.clock import Clock, FixedClock, SystemClock, noon_of, today
from ..worker.desk import Desk
from ..worker.wiring import desk_of, load_policy

A_PERSON_MUST_ACT = 1
WRONG_USAGE = 2

Command = Callable[..., Any]


class Day(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """A date as ISO 8601 writes it."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date; anything else is wrong usage."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; write it like 2026-05-31", param, ctx)


directory = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    envvar="PUNTUAL_DIR",
    help="The folder that holds companies/ and the history. Default: this folder.",
)
on_day = click.option("--on", type=Day(), default=None, help="As if today were this day.")
confirm = click.option("--confirm", is_flag=True, help="Go on although the guard stopped; you have looked at the plan.")
company = click.argument("company")


def clock_on(policy: Policy, on: date | None) -> Clock:
    """The machine's clock, or one that stands at noon of the given day in the company's zone."""
    return FixedClock(noon_of(on, policy.company.time_zone)) if on else SystemClock()


def desk_on(directory: Path, company: str, on: date | None) -> Desk:
    """The company's desk. Wrong usage: a future day with a policy that really writes to customers."""
    policy = load_policy(directory, company)
    if on and policy.mode is not Mode.SHADOW and policy.mail.smtp and on > today(SystemClock(), policy.company.time_zone):
        raise click.UsageError(f"--on {on} is in the future and {company} sends real mail; use --on only with plan, or with mode: shadow")
    return desk_of(directory, company, clock_on(policy, on), policy)


def who() -> str:
    """The person at the keyboard, for the history."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def say(text: str = "") -> None:
    """A line for the person."""
    click.echo(_printable(text))


def warn(text: str) -> None:
    """A line for the person that is no result."""
    click.echo(_printable(text), err=True)


def _printable(text: str) -> str:
    """A name out of the books must not command the terminal."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else "\ufffd" for c in text)


def told(command: Command) -> Command:
    """Errors become words and an exit code; no traceback reaches a person."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except PuntualError as error:
            warn(str(error))
            if known := _of_a_stand_in(error, **kwargs):
                warn(known)
            sys.exit(error.exit_code)
        except DBAPIError as error:
            trouble = trouble_of(error)
            warn(str(trouble))
            sys.exit(trouble.exit_code)
        except BrokenPipeError:
            raise
        except OSError as error:
            warn(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.")
            sys.exit(A_PERSON_MUST_ACT)

    return wrapped


def _of_a_stand_in(error: PuntualError, directory: Path | None = None, company: str = "", **_: Any) -> str:
    """What else to say when the books were those of a demo's stand-in."""
    return where_it_went(error, directory / "state" / company) if directory and company else ""


def report_crash(directory: Path) -> Path | None:
    """Keep the evidence of our own mistake in a file, without values of variables."""
    try:
        folder = directory / "state"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "puntual-mistake.txt"
        path.write_text(traceback.format_exc(), encoding="utf-8")
        return path
    except OSError:
        return None
