"""write back: what has no note in the books yet gets one, found by its marker, never twice. A broken write-back never blocks a notice."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import Connection

from ..dunning.facts import Action, TaskKind
from ..errors import PuntualError
from ..history.attempts import Attempt
from ..history.database import reading, writing
from ..history.work import WorkItem, note_refused, note_written, put_on_list, waiting_notes, waiting_tasks
from ..port import Capability, LedgerConnector
from ..receivables import Note, Task
from .desk import Desk

BATCH = 200

T = TypeVar("T", Note, Task)
Waiting = Callable[[Connection, str, int, str], list[T]]
"""What is not in the books yet: of a company, at most so many, by marker from after the given one."""


@dataclass(slots=True)
class WriteBackReport:
    """What was left in the books. `trouble` says why the rest waits, when it does."""

    notes: int = 0
    tasks: int = 0
    refused: int = 0
    trouble: PuntualError | None = None


def write_back(desk: Desk, ledger: LedgerConnector) -> WriteBackReport:
    """Leave every waiting note and task in the books. Trouble is reported, not raised: what waits is tried again by the next run."""
    report = WriteBackReport()
    try:
        if Capability.NOTES in ledger.capabilities:
            report.notes = _put(desk, report, waiting_notes, ledger.put_notes)
        if Capability.TASKS in ledger.capabilities:
            report.tasks = _put(desk, report, waiting_tasks, ledger.put_tasks)
    except PuntualError as trouble:
        report.trouble = trouble
    return report


def _put(desk: Desk, report: WriteBackReport, waiting: Waiting[T], put: Callable[[list[T]], Mapping[str, str]]) -> int:
    """Leave what waits in the books, a batch at a time, and record each batch before the next. Returns how many were left."""
    written, after = 0, ""
    while True:
        with reading(desk.engine) as conn:
            batch = waiting(conn, desk.company, BATCH, after)
        if not batch:
            return written
        ids = dict(put(batch))
        _record(desk, batch, ids, report)
        written, after = written + len(ids), batch[-1].marker


def _record(desk: Desk, asked: Sequence[Note | Task], ids: dict[str, str], report: WriteBackReport) -> None:
    refused = [entry for entry in asked if entry.marker not in ids]
    with writing(desk.engine) as conn:
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
