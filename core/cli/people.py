"""Commands for what people say: hold, release, promise, dispute, approve, resolve, done."""

import sys
from datetime import date
from pathlib import Path

import click

from ..dunning.facts import HoldKind
from ..worker import people
from .common import A_PERSON_MUST_ACT, Day, company, desk_on, directory, on_day, say, told, who

_customer = click.option("--customer", default="", help="The customer's id or exact name: everything of this customer.")


def _one_of(invoice: str | None, customer: str) -> None:
    if bool(invoice) == bool(customer):
        raise click.UsageError("name either an INVOICE or --customer")


@click.command("hold")
@company
@click.argument("invoice", required=False)
@_customer
@click.option("--reason", required=True, help="Why; it is shown wherever the hold is.")
@click.option("--until", type=Day(), default=None, help="The last day of the hold. Without it, it lasts until it is released.")
@directory
@on_day
@told
def hold_command(
    company: str, invoice: str | None, customer: str, reason: str, until: date | None, directory: Path, on: date | None
) -> None:
    """Do not chase an invoice or a customer for now."""
    _one_of(invoice, customer)
    _hold(company, HoldKind.MANUAL, invoice or "", customer, reason, until, directory, on)


@click.command("promise")
@company
@click.argument("invoice", required=False)
@click.argument("day", type=Day(), required=False)
@_customer
@click.option("--note", default="by the customer", help="Who promised and how.")
@directory
@on_day
@told
def promise_command(
    company: str, invoice: str | None, day: date | None, customer: str, note: str, directory: Path, on: date | None
) -> None:
    """The customer named a DAY on which it will pay an INVOICE, or with --customer everything; nothing is sent until then."""
    if customer and invoice and day is None:
        invoice, day = None, Day().convert(invoice, None, click.get_current_context())
    if day is None:
        raise click.UsageError("name the DAY that was promised")
    _one_of(invoice, customer)
    _hold(company, HoldKind.PROMISE, invoice or "", customer, note, day, directory, on)


@click.command("dispute")
@company
@click.argument("invoice", required=False)
@_customer
@click.option("--reason", required=True, help="What the customer contests, in the customer's own words.")
@directory
@on_day
@told
def dispute_command(company: str, invoice: str | None, customer: str, reason: str, directory: Path, on: date | None) -> None:
    """The customer contests an invoice; it is not chased until the dispute is released."""
    _one_of(invoice, customer)
    _hold(company, HoldKind.DISPUTE, invoice or "", customer, reason, None, directory, on)


def _hold(
    company: str, kind: HoldKind, invoice: str, customer: str, reason: str, until: date | None, directory: Path, on: date | None
) -> None:
    desk = desk_on(directory, company, on)
    target, made = people.hold(desk, kind, invoice, customer, reason, until, who(), on or desk.today())
    lasts = f"until {until}" if until else "until it is released"
    say(f"{kind.value} {made.id} on {target}, {lasts}. End it with: puntual release {company} --hold {made.id}")


@click.command("release")
@company
@click.argument("invoice", required=False)
@_customer
@click.option("--hold", "hold_id", default="", help="The id of one hold.")
@click.option("--outcome", default="released", help="How it ended: resolved, credited, withdrawn …")
@directory
@on_day
@told
def release_command(company: str, invoice: str | None, customer: str, hold_id: str, outcome: str, directory: Path, on: date | None) -> None:
    """End holds, disputes and promises of an invoice or a customer."""
    if not hold_id:
        _one_of(invoice, customer)
    desk = desk_on(directory, company, on)
    for ended in people.release(desk, invoice or "", customer, hold_id, outcome, who(), on or desk.today()):
        say(f"Ended {ended.kind.value} {ended.id}: {ended.reason}")


@click.command("approve")
@company
@click.argument("keys", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that waits.")
@directory
@told
def approve_command(company: str, keys: tuple[str, ...], everything: bool, directory: Path) -> None:
    """Approve notices and late charges that wait; the next run carries them out, after looking at the books again."""
    if bool(keys) == everything:
        raise click.UsageError("name the KEYS to approve, or --all")
    count = people.approve(desk_on(directory, company, None), None if everything else list(keys), who())
    if not count:
        say("Nothing of that waits for approval.")
        sys.exit(A_PERSON_MUST_ACT)
    say(f"Approved {count} item{'s' * (count != 1)}. Send with: puntual run {company}")


@click.command("resolve")
@company
@click.argument("attempt")
@click.argument("outcome", type=click.Choice(["sent", "not-sent"]))
@directory
@on_day
@told
def resolve_command(company: str, attempt: str, outcome: str, directory: Path, on: date | None) -> None:
    """Say how an attempt of unknown end ended; until then it is neither counted nor sent again."""
    desk = desk_on(directory, company, on)
    found = people.resolve(desk, attempt, outcome == "sent", who(), on or desk.today())
    say(f"Attempt {found[:12]} counts as {outcome}.")


@click.command("done")
@company
@click.argument("task")
@click.option("--outcome", default="done", help="What came of it.")
@directory
@told
def done_command(company: str, task: str, outcome: str, directory: Path) -> None:
    """Take something off the work list."""
    people.finish(desk_on(directory, company, None), task, outcome, who())
    say(f"{task} is off the list.")


COMMANDS = (hold_command, promise_command, dispute_command, release_command, approve_command, resolve_command, done_command)
