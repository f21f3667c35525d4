"""Commands that take care of what is kept: backup, restore, erase, export-customer, prune."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..errors import PolicyProblem
from ..history.backup import (
    as_typed,
    backup,
    erased_in,
    postgresql_backup,
    postgresql_restore,
    restore,
    sqlite_file,
)
from ..history.database import open_database
from ..worker.clock import SystemClock
from ..worker.erasing import Erasure, disclose, erase_again, erase_customer, forget, prune
from ..worker.host_file import read_host
from ..worker.lease import is_alive
from ..worker.wiring import database_url, policy_path
from .common import A_PERSON_MUST_ACT, company, directory, say, told, warn, who

_customer = click.option("--customer", required=True, help="The customer's id or exact name.")
_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_KEEP_BESIDE = (
    "Keep beside it: companies/, puntual.yaml, texts of your own, and state/.",
    "Keep the keys (PUNTUAL_KEYS) in another place: with them the backup opens the connections to the books;",
    "without them every company has to be connected anew.",
)


@click.command("backup")
@_file
@directory
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@told
def backup_command(file: Path, directory: Path, force: bool) -> None:
    """Copy the database into FILE, while everything goes on, and check the copy. On PostgreSQL: how to."""
    url = database_url(directory)
    source = sqlite_file(url)
    if source is None:
        _say_commands([postgresql_backup(url, file)])
    else:
        copied = backup(source, file, force=force)
        say(f"Copied {copied.size:,} bytes into {file}: {_counted(copied.companies, copied.entries)}, all whole.")
        for line in _KEEP_BESIDE:
            say(line)


@click.command("restore")
@_file
@directory
@click.option("--replace", is_flag=True, help="Put the database that is there aside, under another name.")
@told
def restore_command(file: Path, directory: Path, replace: bool) -> None:
    """Bring the database back from FILE, after checking all of it; never while a worker is running. On PostgreSQL: how to."""
    url, now = database_url(directory), SystemClock().now()
    target = sqlite_file(url)
    if target is None:
        _say_commands(postgresql_restore(url, file))
        return
    copied = restore(file, target, now, is_alive, replace=replace)
    say(f"Restored {target}: {_counted(copied.companies, copied.entries)}, all whole.")
    if copied.aside is not None:
        say(f"What was there before is {copied.aside}.")
        count = erase_again(open_database(url), erased_in(copied.aside), "erased again after a restore", who(), now)
        say(f"Customers that were erased since, and were erased again: {count}.")
    say("What was sent after that backup is not known here. So the next run of each company stops until a person has looked at its plan:")
    say("puntual plan COMPANY; hold what went out since; puntual run COMPANY --confirm.")


def _say_commands(commands: list[list[str]]) -> None:
    """A scheduler must not take this for a backup that was made."""
    warn("The database is PostgreSQL, which has its own tools. Stop every worker first to restore; to back up there is no need to.")
    for command in commands:
        say(as_typed(command))
    warn("Its password is asked for, unless ~/.pgpass or PGPASSWORD has it.")
    sys.exit(A_PERSON_MUST_ACT)


def _counted(companies: int, entries: int) -> str:
    return f"{companies} compan{'ies' if companies != 1 else 'y'}, {entries:,} entries of the audit trail"


@click.command("erase")
@company
@_customer
@click.option("--reason", required=True, help="Why, for the audit trail, where it stays for good: name nobody in it.")
@directory
@told
def erase_command(company: str, customer: str, reason: str, directory: Path) -> None:
    """Erase the personal data of a customer of whom nothing is open: names, addresses and texts. Amounts, numbers and dates stay."""
    done = erase_customer(open_database(database_url(directory)), company, customer, reason, who(), SystemClock().now())
    _say_erased(done, company)
    for place in _named_in_policy(directory, company, done):
        warn(f"{place} names it, too.")


def _say_erased(done: Erasure, company: str) -> None:
    erased, whom = done.erased, f"{done.target.customer_name} ({done.target.customer_id})"
    say(f"Erased what was kept of {whom}. {erased.documents} documents stay, without a name.")
    numbers = ", ".join(map(str, erased.said_by))
    say(f"{erased.entries} entries of the audit trail lost what they said of it; entry {numbers} lists them: puntual verify {company}")
    say("The books themselves still hold this customer. What they say of it is kept without names, until something is open again.")
    if erased.notes_in_books:
        say(f"{erased.notes_in_books} notes and tasks of Puntual stand in the books; they are there for you to delete.")
    say("Mails that were sent, logs, and older backups are not touched: docs/privacy.md says for how long to keep them.")
    if not done.no_trace:
        warn("SQLite's log still holds the pages of before, because somebody reads; it is cleared when nobody does.")


def _named_in_policy(directory: Path, company: str, done: Erasure) -> list[str]:
    try:
        path = policy_path(directory, company)
    except PolicyProblem:
        return []
    names = [name.casefold() for name in (done.target.customer_name, done.target.customer_id) if len(name) > 3]
    lines = enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    return [f"{path}:{number}" for number, line in lines if any(name in line.casefold() for name in names)]


@click.command("export-customer")
@company
@_customer
@directory
@told
def export_command(company: str, customer: str, directory: Path) -> None:
    """Print all that is kept about a customer, as JSON: for the customer, who may ask for it."""
    found = disclose(open_database(database_url(directory)), company, customer)
    click.echo(json.dumps(found, ensure_ascii=True, indent=2, default=_as_text))


def _as_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@click.command("prune")
@directory
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--years", type=click.IntRange(1, 30), default=None, help="In place of retention.years of puntual.yaml.")
@told
def prune_command(directory: Path, dry_run: bool, years: int | None) -> None:
    """Erase the personal data of customers of whom nothing happened for years and nothing is open; forget events that are past only."""
    engine, now = open_database(database_url(directory)), SystemClock().now()
    years = years or read_host(directory).retention.years
    if years is None:
        warn("No personal data are erased: puntual.yaml says no retention: {years: …}.")
    else:
        done = prune(engine, years, now, who(), dry=dry_run)
        for name, count in done.customers.items():
            say(f"{name}: {count} customers{' would be' if dry_run else ''} erased, of whom nothing happened for {years} years")
        for name, why in done.trouble.items():
            warn(f"{name}: {why}")
        say(f"{sum(done.customers.values())} customers{' would be' if dry_run else ''} erased.")
        if done.trouble:
            sys.exit(A_PERSON_MUST_ACT)
    if not dry_run:
        say(f"{forget(engine, now)} rows of the past forgotten.")


COMMANDS = (backup_command, restore_command, erase_command, export_command, prune_command)
