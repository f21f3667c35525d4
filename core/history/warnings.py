"""What the ledger warns of that is about no row of its books: told once, and on the work list until it is over or a person takes it off."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import date, datetime

from sqlalchemy import Connection, func, literal, select, update

from .audit import append
from .database import upsert
from .tables import work_list

KIND = "ledger_warning"
_OVER = "it holds no more"


def note_warnings(conn: Connection, company: str, told: Iterable[str], on: date, at: datetime) -> list[str]:
    """Put these on the work list, and return what is new. What is on it, or was taken off it by a person and is not over yet, is not."""
    said = {warning_id(text): text for text in told}
    if not said:
        return []
    c = work_list.c
    where = (c.company == company, c.task_id.in_(said), c.done_at.is_(None) | (c.outcome != _OVER))
    known = set(conn.execute(select(c.task_id).where(*where)).scalars())
    new = {key: text for key, text in said.items() if key not in known}
    if new:
        fixed = {"company": company, "kind": KIND, "customer_id": "", "invoice_ids": "[]", "text": "", "outcome": "", "done_at": None}
        rows = [{**fixed, "task_id": key, "summary": text, "due_on": on} for key, text in new.items()]
        conn.execute(upsert(conn.dialect, work_list), [{**row, "made_at": at} for row in rows])
        append(conn, company, at, [("warned", {"warnings": list(new.values())})])
    return list(new.values())


def end_warnings(conn: Connection, company: str, but: Collection[str], at: datetime) -> int:
    """After a complete pass: what it did not warn of is over, and would be new if it came again. Returns how many."""
    c = work_list.c
    lasting = (c.company == company, c.kind == KIND, c.outcome != _OVER)
    over = set(conn.execute(select(c.task_id).where(*lasting)).scalars()) - set(map(warning_id, but))
    if over:
        ended = update(work_list).where(c.company == company, c.task_id.in_(over))
        conn.execute(ended.values(done_at=func.coalesce(c.done_at, literal(at, c.done_at.type)), outcome=_OVER))
        append(conn, company, at, [("warning_over", {"warnings": sorted(over)})])
    return len(over)


def standing_warnings(conn: Connection, company: str) -> list[str]:
    """What the ledger warned of and nobody has taken off the work list, the oldest first."""
    c = work_list.c
    standing = (c.company == company, c.kind == KIND, c.done_at.is_(None))
    return list(conn.execute(select(c.summary).where(*standing).order_by(c.due_on, c.task_id)).scalars())


def warning_id(text: str) -> str:
    """The id of a warning on the work list: the same as long as it says the same."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
