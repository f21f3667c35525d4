"""The command `doctor`: is everything there that a host needs."""

import sys
from pathlib import Path

import click

from ..errors import CompanyMustAct
from ..hosting.findings import Level
from .common import A_PERSON_MUST_ACT, directory, say, told


@click.command("doctor")
@click.argument("companies", nargs=-1, metavar="[COMPANY]...")
@directory
@click.option("--offline", is_flag=True, help="Ask nobody over the network but the database.")
@told
def doctor_command(companies: tuple[str, ...], directory: Path, offline: bool) -> None:
    """Look at everything that a host needs: file, policies, database, keys, queue, clocks, mail, web, ledgers; and say what to do.

    Nothing is changed and nothing is sent. Without COMPANY all companies are looked at. Exit code 1 when something is bad.
    """
    try:
        from ..hosting.doctor import examine  # only where it is used: what it looks through comes with the extra `host`
    except ModuleNotFoundError as missing:
        said = f"The command `doctor` needs the Python package {missing.name}."
        raise CompanyMustAct(said, hint="Install it: pip install 'puntual[host]'") from None
    counted = dict.fromkeys(Level, 0)
    for finding in examine(directory, companies, offline=offline):
        counted[finding.level] += 1
        say(finding.line())
    say()
    say(", ".join(f"{number} {level.value}" for level, number in counted.items()))
    if counted[Level.BAD]:
        sys.exit(A_PERSON_MUST_ACT)


COMMANDS = (doctor_command,)
