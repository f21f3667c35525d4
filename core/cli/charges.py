"""Commands about late charges: charges, waive."""

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click

from ..dunning.charge_facts import NotCharged
from ..history.books import ensure_company
from ..history.charge_rows import ChargeStatus, KeptCharge
from ..history.database import writing
from ..worker.charge_inquiry import ChargeAnswer, as_program, charges
from ..worker.charging import ChargeReport, waive
from ..worker.crediting import what_for
from ..worker.desk import Desk
from ..worker.discounting import waive_discount
from .common import A_PERSON_MUST_ACT, company, desk_on, directory, on_day, say, told, warn, who


@click.command("charges")
@company
@click.argument("invoice", required=False)
@directory
@on_day
@click.option("--json", "for_program", is_flag=True, help="For a program.")
@told
def charges_command(company: str, invoice: str | None, directory: Path, on: date | None, for_program: bool) -> None:
    """What was charged for lateness, what is due now or next, and why not, each with its calculation. Nothing is written."""
    desk = desk_on(directory, company, on)
    with writing(desk.engine) as conn:
        ensure_company(conn, company)
    answers = charges(desk, invoice or "", on or desk.today())
    if for_program:
        say(json.dumps([as_program(answer) for answer in answers], ensure_ascii=False, indent=1))
    elif answers:
        for answer in answers:
            for line in _lines(answer, every_rule=bool(invoice)):
                say(line)
    elif invoice:
        warn(
            f"The books as read last have no invoice {invoice!r} that can bear a late charge. Read them again with: puntual sync {company}"
        )
    else:
        say("No invoice bears a late charge, and none is due." if desk.policy.late_charges else "The policy charges nothing for lateness.")
    if invoice and not answers:
        sys.exit(A_PERSON_MUST_ACT)


def _lines(answer: ChargeAnswer, *, every_rule: bool) -> Iterator[str]:
    yield f"Invoice {answer.label} of {answer.customer}"
    for kept in answer.decided:
        yield f"  {kept.id[:8]}  {kept.key.rule}: {kept.amount}, {_stands(kept)}"
        yield from (f"      {line}" for line in kept.lines())
    for credit in answer.credits:
        how = " (the document is void)" if credit.is_void else f" ({credit.credit_number})" if credit.credit_number else ""
        yield f"  credit of {credit.amount} on {credit.document_number}: {credit.status.value}{how} {credit.detail}".rstrip()
    for due in answer.due:
        yield f"  due since {due.due_on}  {due.rule}: {due.amount}{', needs approval' if due.needs_approval else ''}"
        yield from (f"      {line}" for line in due.lines())
    for one in answer.to_take_back:
        yield f"  to be taken back of {one.key.rule}: {one.amount}, {one.detail}"
    if every_rule:
        yield from (f"  not now  {_why(left)}" for left in answer.left)
        yield from (f"  may come  {announced.line()}" for announced in answer.later)


def _stands(kept: KeptCharge) -> str:
    """How a charge stands, in words."""
    if kept.status is ChargeStatus.MADE:
        where = "as a line of it" if kept.on_invoice else f"as {kept.document_number}"
        taken = f"; {kept.reversed} of it taken back: {kept.detail}" if kept.reversed.is_positive else ""
        return f"charged on {kept.charged_on} {where}, {kept.total} in the books{taken}"
    return f"{kept.status.value}{f' ({kept.said_by})' if kept.said_by else ''}{f': {kept.detail}' if kept.detail else ''}"


def _why(left: NotCharged) -> str:
    until = f" (until {left.until})" if left.until and str(left.until) not in left.detail else ""
    return f"{left.rule or 'all rules'}: {left.reason.value}: {left.detail}{until}"


@click.command("waive")
@company
@click.argument("charge")
@click.option("--reason", required=True, help="Why; it is kept.")
@directory
@on_day
@told
def waive_command(company: str, charge: str, reason: str, directory: Path, on: date | None) -> None:
    """Waive a late CHARGE, by its name in `puntual charges`: its days are not charged again. Or do not grant an early-payment discount, by
    the name that the run gives for it."""
    desk = desk_on(directory, company, on)
    with writing(desk.engine) as conn:
        ensure_company(conn, company)
    if (discount := waive_discount(desk, charge, reason, who(), on or desk.today())) is not None:
        say(f"Not granted: {discount.amount} {what_for(discount)}. What is left of it is asked for again.")
        return
    waived, is_in_books = waive(desk, charge, reason, who(), on or desk.today())
    say(f"Waived {waived.amount} ({waived.key.rule}) on invoice {waived.number}: {reason}")
    if is_in_books:
        say(f"It stands in the books. The next run credits it there, or puts it on the work list: puntual run {company}")


def say_charges(desk: Desk, report: ChargeReport, *, is_shadow: bool) -> None:
    """What a run did about late charges, in plain lines."""
    if is_shadow and report.due:
        say(f"Mode is shadow: {_counted(len(report.due))} due, nothing was charged. See them with: puntual charges {desk.company}")
    for kept in report.made:
        say(f"Charged {kept.amount} ({kept.key.rule}) on invoice {kept.number}, in the books as {kept.document_number}.")
    for kept, why in report.refused:
        warn(f"The books did not take {kept.amount} ({kept.key.rule}) on invoice {kept.number}: {why} It is on the work list.")
    for kept, why in report.dropped:
        say(f"Not charged after all: {kept.amount} ({kept.key.rule}) on invoice {kept.number}: {why}")
    for one in report.to_reverse:
        say(f"Taken back: {one.amount} of {one.key.rule}: {one.detail}")
    for kept in report.waiting:
        what = f"{kept.amount} for lateness ({kept.key.rule}) on invoice {kept.number}"
        say(f"Waits for approval: {what}: puntual approve {desk.company} {kept.id[:8]}")
    if report.trouble:
        warn(f"What is to be charged waits for the next run: {report.trouble}")


def _counted(number: int) -> str:
    return f"{number} late charge{'s are' if number != 1 else ' is'}"


COMMANDS = (charges_command, waive_command)
