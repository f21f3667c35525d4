"""`puntual`: the group of all commands."""

import io
import sys
from pathlib import Path

import click

from ... import __version__
from . import access, books, care, charges, doctor, host, people, setup, web
from .common import A_PERSON_MUST_ACT, WRONG_USAGE, report_crash, warn


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="puntual")
def puntual() -> None:
    """Puntual gets invoices paid without losing the customer.

    Exit codes: 0 done, 1 a person must act (it says who and how), 2 wrong usage or a wrong policy, 75 try later.
    """


for module in (setup, access, books, charges, people, host, doctor, web, care):
    for command in module.COMMANDS:
        puntual.add_command(command)


def main() -> None:
    """The entry point of the command `puntual`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if any("\ud800" <= letter <= "\udfff" for word in sys.argv for letter in word):
        warn("A word on the command line is no valid text in this terminal's encoding.")
        sys.exit(WRONG_USAGE)
    try:
        puntual(prog_name="puntual")
    except Exception as error:  # noqa: BLE001  # the last door: a person gets words, the evidence goes to a file
        path = report_crash(Path())
        warn(f"Puntual itself went wrong ({type(error).__name__}). Please report it, with {path or 'what you did'}.")
        sys.exit(A_PERSON_MUST_ACT)
