"""write back: what has no note in the books yet gets one, found by its marker, never twice. A broken write-back never blocks a notice."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import Connection

from ..bookings import ExpectedPayment, Note, Task
from ..dunning.expected import NOTHING, ToTell, promised_days, to_tell
from ..dunning.facts import Action, TaskKind
from ..errors import PuntualError, TryLater
from ..history.attempts import Attempt
from ..history.database import reading
from ..history.expected import active_promises, items_promised, open_among, remember, told_days
from ..history.read import find_items
from ..history.work import WorkItem, finish_work, note_refused, note_written, put_on_list, waiting_notes, waiting_tasks
from ..port import Capability, LedgerConnector
from .desk import Desk
from .lease import Lease

BATCH = 200

T = TypeVar("T", Note, Task)
Waiting = Callable[[Connection, str, int, str], list[T]]
"""What is not in the books yet: of a company, at most so many, by marker from after the given one."""


@dataclass(slots=True)
class WriteBackReport:
    """What was left in the books: notes, tasks, and days on which payment is expected. `trouble` says why the rest waits, when it does."""

    notes: int = 0
    tasks: int = 0
    expected: int = 0
    refused: int = 0
    trouble: PuntualError | None = None


def write_back(desk: Desk, ledger: LedgerConnector, lease: Lease) -> WriteBackReport:
    """Leave every waiting note and task in the books, and the promised days. Trouble is reported, not raised: what waits is tried again by
    the next run. Trouble with one kind does not keep the others, unless the ledger is not to be had."""
    report = WriteBackReport()
    for capability, leave in ((Capability.NOTES, _notes), (Capability.TASKS, _tasks), (Capability.EXPECTED_PAYMENTS, _expected)):
        try:
            if capability in ledger.capabilities:
                leave(desk, ledger, lease, report)
        except PuntualError as trouble:
            report.trouble = report.trouble or trouble
            if isinstance(trouble, TryLater):
                break
    return report


def _notes(desk: Desk, ledger: LedgerConnector, lease: Lease, report: WriteBackReport) -> None:
    report.notes = _put(desk, lease, report, waiting_notes, ledger.put_notes)


def _tasks(desk: Desk, ledger: LedgerConnector, lease: Lease, report: WriteBackReport) -> None:
    report.tasks = _put(desk, lease, report, waiting_tasks, ledger.put_tasks)


def _expected(desk: Desk, ledger: LedgerConnector, lease: Lease, report: WriteBackReport) -> None:
    """Show in the books when each promised invoice is expected to be paid: only what is not there yet, and take away what was ours."""
    tell = _to_tell(desk, lease)
    for start in range(0, len(tell), BATCH):
        batch = tell[start : start + BATCH]
        with lease.writing() as conn:
            remember(conn, desk.company, {one.invoice_id: one.while_asked for one in batch})
        asked = [ExpectedPayment(one.invoice_id, one.expected_on, tuple(sorted(one.before.ours))) for one in batch]
        taken = set(ledger.put_expected_payments(asked))
        refused = [one for one in batch if one.invoice_id not in taken]
        with lease.writing() as conn:
            remember(conn, desk.company, {one.invoice_id: one.when_taken if one.invoice_id in taken else one.when_refused for one in batch})
            for one in refused:
                put_on_list(conn, desk.company, _refused_day(conn, desk, one), desk.now())
        report.expected += len(batch) - len(refused)
        report.refused += len(refused)


def _to_tell(desk: Desk, lease: Lease) -> list[ToTell]:
    """What the promises that stand now have to change in the books. What is no longer to be told is forgotten, and what was refused and is
    not wanted any more leaves the work list."""
    with reading(desk.engine) as conn:
        promises = active_promises(conn, desk.company)
        days = promised_days(promises, items_promised(conn, desk.company, promises))
        told = told_days(conn, desk.company)
        tell, forget = to_tell(days, told, open_among(conn, desk.company, told))
    outdated = [key for key in (*forget, *(one.invoice_id for one in tell)) if told.get(key, NOTHING).refused]
    if forget or outdated:
        with lease.writing() as conn:
            remember(conn, desk.company, dict.fromkeys(forget, NOTHING))
            for key in outdated:
                entry = _refusal_id(desk.company, key, told[key].expected_on)
                finish_work(conn, desk.company, entry, "no longer wanted", "puntual", desk.now())
    return tell


def _refused_day(conn: Connection, desk: Desk, one: ToTell) -> WorkItem:
    row = next(row for row in find_items(conn, desk.company, one.invoice_id) if row.invoice_id == one.invoice_id)
    summary = f"The books did not take away the day on which invoice {row.number} was expected to be paid; nothing is promised any more"
    if one.expected_on:
        summary = f"The books did not take {one.expected_on} as the day on which invoice {row.number} is expected to be paid"
    entry = _refusal_id(desk.company, one.invoice_id, one.expected_on)
    text = "Change it in the books by hand, if people look for it there"
    return WorkItem(entry, "expected_refused", row.customer_id, summary, text, desk.today(), (one.invoice_id,))


def _refusal_id(company: str, invoice_id: str, day: date | None) -> str:
    return hashlib.sha256(f"expected|{company}|{invoice_id}|{day}".encode()).hexdigest()[:12]


def _put(desk: Desk, lease: Lease, report: WriteBackReport, waiting: Waiting[T], put: Callable[[list[T]], Mapping[str, str]]) -> int:
    """Leave what waits in the books, a batch at a time, and record each batch before the next. Returns how many were left."""
    written, after = 0, ""
    while True:
        with reading(desk.engine) as conn:
            batch = waiting(conn, desk.company, BATCH, after)
        if not batch:
            return written
        ids = dict(put(batch))
        _record(desk, lease, batch, ids, report)
        written, after = written + len(ids), batch[-1].marker


def _record(desk: Desk, lease: Lease, asked: Sequence[Note | Task], ids: dict[str, str], report: WriteBackReport) -> None:
    refused = [entry for entry in asked if entry.marker not in ids]
    with lease.writing() as conn:
        note_written(conn, desk.company, ids)
        note_refused(conn, desk.company, [entry.marker for entry in refused], "the ledger did not take it")
        for entry in refused:
            summary = f"The books did not take our note on invoice {entry.invoice_id}"
            work = WorkItem(entry.marker, "note_refused", entry.customer_id, summary, entry.text, desk.today(), (entry.invoice_id,))
            put_on_list(conn, desk.company, work, desk.now())
    report.refused += len(refused)


def marker_of(company: str, attempt_id: str, invoice_id: str) -> str:
    """Our mark in the books for one attempt and invoice."""
    return "puntual:" + hashlib.sha256(f"{company}|{attempt_id}|{invoice_id}".encode()).hexdigest()[:16]


def notes_of(company: str, attempt: Attempt, as_of: date, texts: dict[str, str]) -> list[Note]:
    """One note for each invoice of a notice that went out; `texts` has its words by invoice, the marker is added here."""
    customer = attempt.action.customer.id
    notes = []
    for invoice_id, words in texts.items():
        marker = marker_of(company, attempt.id, invoice_id)
        notes.append(Note(marker, invoice_id, customer, f"{words} [{marker}]", as_of))
    return notes


def task_of(company: str, attempt: Attempt, as_of: date, summary: str, text: str) -> Task:
    """The call that a level asks for, as a task in the books on the first invoice of the action."""
    invoices = tuple(dict.fromkeys(entry.item.invoice_id for entry in attempt.action.items))
    marker = marker_of(company, attempt.id, invoices[0])
    return Task(marker, invoices[0], attempt.action.customer.id, summary, f"{text} [{marker}]", as_of, invoices)


def work_of(action: Action, attempt_id: str, as_of: date, summary: str, text: str) -> WorkItem:
    """What goes on the work list for a task."""
    kind = action.task.value if action.task else TaskKind.DECIDE.value
    invoices = tuple(dict.fromkeys(entry.item.invoice_id for entry in action.items))
    return WorkItem(attempt_id[:12], kind, action.customer.id, summary, text, as_of, invoices)
