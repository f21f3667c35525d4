"""What waits: approvals, the work list for people, and what has to be written back into the books."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, delete, func, select, update

from ..bookings import Note, Task
from .audit import append
from .database import OF_COMPANY, execute_many, upsert
from .tables import approvals, work_list, write_backs

_WRITTEN = (
    update(write_backs)
    .where(write_backs.c.company == OF_COMPANY, write_backs.c.marker == bindparam("of_marker"))
    .values(is_written=True, ledger_id=bindparam("id"))
)
_GIVEN = select(approvals.c.claim_key, approvals.c.approved_by).where(
    approvals.c.company == OF_COMPANY, approvals.c.approved_at.is_not(None)
)
_UNANSWERED = select(approvals.c.claim_key).where(approvals.c.company == OF_COMPANY, approvals.c.approved_at.is_(None))
_WITHDRAW = delete(approvals).where(approvals.c.company == OF_COMPANY, approvals.c.claim_key == bindparam("of_key"))


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Something a person has to do."""

    id: str
    kind: str
    customer_id: str
    summary: str
    text: str
    due_on: date
    invoice_ids: tuple[str, ...] = ()


def put_on_list(conn: Connection, company: str, work: WorkItem, at: datetime, *, once_for_customer: bool = False) -> None:
    """Put something on the work list, once for each id; or only when nothing of its kind waits for that customer."""
    if once_for_customer:
        same = (work_list.c.company == company, work_list.c.kind == work.kind, work_list.c.customer_id == work.customer_id)
        if conn.execute(select(work_list.c.task_id).where(*same, work_list.c.done_at.is_(None))).first():
            return
    row = {"company": company, "task_id": work.id, "kind": work.kind, "customer_id": work.customer_id, "summary": work.summary}
    row |= {"text": work.text, "invoice_ids": json.dumps(work.invoice_ids), "outcome": ""}
    conn.execute(upsert(conn.dialect, work_list, ignore=True).values(**row, due_on=work.due_on, made_at=at))


def waiting_work(conn: Connection, company: str) -> list[WorkItem]:
    """What is on the work list and not done, the oldest first."""
    c = work_list.c
    query = select(c.task_id, c.kind, c.customer_id, c.summary, c.text, c.due_on, c.invoice_ids)
    rows = conn.execute(query.where(c.company == company, c.done_at.is_(None)).order_by(c.due_on, c.task_id))
    return [WorkItem(*row[:6], tuple(json.loads(row[6]))) for row in rows]


def finish_work(conn: Connection, company: str, task_id: str, outcome: str, by: str, at: datetime) -> bool:
    """Take something off the work list, saying what came of it. False when it is not on it."""
    where = (work_list.c.company == company, work_list.c.task_id == task_id, work_list.c.done_at.is_(None))
    done = conn.execute(update(work_list).where(*where).values(done_at=at, outcome=outcome)).rowcount > 0
    if done:
        append(conn, company, at, [("work_done", {"task": task_id, "outcome": outcome, "by": by})])
    return done


def propose(conn: Connection, company: str, keys: Iterable[tuple[str, str]], at: datetime) -> None:
    """Ask for approval of (claim key, action key) pairs; what was asked before keeps its answer."""
    rows = [{"company": company, "claim_key": key, "action_key": action, "proposed_at": at, "approved_by": ""} for key, action in keys]
    if rows:
        conn.execute(upsert(conn.dialect, approvals, keep=("proposed_at", "approved_at", "approved_by")), rows)


def unanswered_keys(conn: Connection, company: str) -> frozenset[str]:
    """The claim keys that somebody was asked to approve, and nobody answered."""
    return frozenset(conn.execute(_UNANSWERED, {"of_company": company}).scalars())


def forget_proposals(conn: Connection, company: str, keys: Iterable[str]) -> None:
    """Ask no longer for these claim keys, whether or not somebody answered."""
    execute_many(conn, _WITHDRAW, [{"of_company": company, "of_key": key} for key in sorted(set(keys))])


def given_approvals(conn: Connection, company: str) -> dict[str, str]:
    """Who approved what and it was not used yet, by claim key."""
    return {row.claim_key: row.approved_by for row in conn.execute(_GIVEN, {"of_company": company})}


def approved_keys(conn: Connection, company: str) -> frozenset[str]:
    """The claim keys that a person approved and that were not used yet."""
    return frozenset(given_approvals(conn, company))


def waiting_approvals(conn: Connection, company: str) -> list[str]:
    """The action keys that wait for an answer."""
    where = (approvals.c.company == company, approvals.c.approved_at.is_(None))
    return sorted(set(conn.execute(select(approvals.c.action_key).where(*where)).scalars()))


def approve(conn: Connection, company: str, action_keys: Sequence[str] | None, by: str, at: datetime) -> int:
    """Approve actions by key (a beginning is enough; None means all that wait). Returns how many items that approves."""
    waiting = waiting_approvals(conn, company)
    chosen = waiting if action_keys is None else [key for key in waiting if any(key.startswith(start) for start in action_keys)]
    if not chosen:
        return 0
    where = (approvals.c.company == company, approvals.c.action_key.in_(chosen), approvals.c.approved_at.is_(None))
    count = conn.execute(update(approvals).where(*where).values(approved_at=at, approved_by=by)).rowcount
    append(conn, company, at, [("approved", {"actions": chosen, "by": by})])
    return count


def queue_notes(conn: Connection, company: str, notes: Iterable[Note]) -> None:
    """Remember notes that have to be left in the books, once for each marker."""
    rows = [_write_back(company, "note", n.marker, n.invoice_id, n.customer_id, "", n.text, n.written_on) for n in notes]
    if rows:
        execute_many(conn, upsert(conn.dialect, write_backs, ignore=True), rows)


def queue_task(conn: Connection, company: str, task: Task) -> None:
    """Remember a task that has to be left in the books, once."""
    row = _write_back(company, "task", task.marker, task.invoice_id, task.customer_id, task.summary, task.text, task.due_on)
    conn.execute(upsert(conn.dialect, write_backs, ignore=True), [row])


def waiting_notes(conn: Connection, company: str, limit: int, after: str = "") -> list[Note]:
    """Notes that are not in the books yet, by marker from after the given one."""
    c = write_backs.c
    query = select(c.marker, c.invoice_id, c.customer_id, c.text, c.dated_on)
    return [Note(*row) for row in conn.execute(_waiting(query, company, "note", limit, after))]


def waiting_tasks(conn: Connection, company: str, limit: int, after: str = "") -> list[Task]:
    """Tasks that are not in the books yet, by marker from after the given one."""
    c = write_backs.c
    query = select(c.marker, c.invoice_id, c.customer_id, c.summary, c.text, c.dated_on)
    return [Task(*row) for row in conn.execute(_waiting(query, company, "task", limit, after))]


def note_written(conn: Connection, company: str, ids: Mapping[str, str]) -> None:
    """Record the ledger's ids of what was written, by marker."""
    if ids:
        execute_many(conn, _WRITTEN, [{"of_company": company, "of_marker": marker, "id": ledger_id} for marker, ledger_id in ids.items()])


def note_refused(conn: Connection, company: str, markers: Sequence[str], why: str) -> None:
    """Record that the ledger would not take these; a person can see it, nothing is tried for ever."""
    where = (write_backs.c.company == company, write_backs.c.marker.in_(markers))
    conn.execute(update(write_backs).where(*where).values(refused=why))


def count_waiting(conn: Connection, company: str) -> int:
    """How many notes and tasks wait to be written back."""
    where = (write_backs.c.company == company, write_backs.c.is_written.is_(False), write_backs.c.refused == "")
    return int(conn.execute(select(func.count()).select_from(write_backs).where(*where)).scalar_one())


def _write_back(
    company: str, kind: str, marker: str, invoice_id: str, customer_id: str, summary: str, text: str, on: date
) -> dict[str, object]:
    row: dict[str, object] = {"company": company, "kind": kind, "marker": marker, "invoice_id": invoice_id, "customer_id": customer_id}
    return row | {"summary": summary, "text": text, "dated_on": on, "ledger_id": "", "refused": "", "is_written": False}


def _waiting(query, company: str, kind: str, limit: int, after: str):  # type: ignore[no-untyped-def]  # any select of this table
    c = write_backs.c
    waiting = (c.company == company, c.kind == kind, c.is_written.is_(False), c.refused == "", c.marker > after)
    return query.where(*waiting).order_by(c.marker).limit(limit)
