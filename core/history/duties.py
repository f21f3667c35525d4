"""What is done once for each slot, whichever worker comes first: claimed for a while, and marked as done when it was."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from .database import upsert
from .hosting_tables import host_duties as table

_CHUNK = 900
WORKER = "worker "
"""How the rows begin that say when a worker was last alive."""


def ensure_duties(conn: Connection, rows: Iterable[tuple[str, str, datetime]]) -> None:
    """There is a row for each (company, duty); one that is new counts as done for the instant that is given with it."""
    new = [{"company": company, "duty": duty, "done_for": at, "holder": "", "held_until": None} for company, duty, at in rows]
    if new:
        conn.execute(upsert(conn.dialect, table, ignore=True), new)


def done_for(conn: Connection, duty: str, companies: Iterable[str] = ("",)) -> dict[str, datetime]:
    """The slot for which a duty was done last, by company; those that never had it are missing."""
    wanted = sorted(set(companies))
    found: dict[str, datetime] = {}
    for start in range(0, len(wanted), _CHUNK):
        these = (table.c.duty == duty, table.c.company.in_(wanted[start : start + _CHUNK]))
        found |= {row.company: row.done_for for row in conn.execute(select(table.c.company, table.c.done_for).where(*these))}
    return found


def take_duty(conn: Connection, company: str, duty: str, slot: datetime, holder: str, now: datetime, lease: timedelta) -> bool:
    """Be the one who does a duty for this slot. False when it was done for that slot or a later one, or another is at it."""
    c = table.c
    free = (c.company == company, c.duty == duty, c.done_for < slot, or_(c.held_until.is_(None), c.held_until <= now))
    return conn.execute(update(table).where(*free).values(holder=holder, held_until=now + lease)).rowcount == 1


def finish_duty(conn: Connection, company: str, duty: str, slot: datetime, holder: str) -> bool:
    """It was done for that slot. False when another took it over meanwhile."""
    mine = (table.c.company == company, table.c.duty == duty, table.c.holder == holder)
    return conn.execute(update(table).where(*mine).values(done_for=slot, holder="", held_until=None)).rowcount == 1


def leave_duty(conn: Connection, company: str, duty: str, holder: str, again_at: datetime) -> None:
    """It could not be done; whoever comes first may try again from then on."""
    mine = (table.c.company == company, table.c.duty == duty, table.c.holder == holder)
    conn.execute(update(table).where(*mine).values(holder="", held_until=again_at))


def note_done(conn: Connection, company: str, duty: str, slot: datetime) -> None:
    """It was done for that slot, by who needs not ask others."""
    row = {"company": company, "duty": duty, "done_for": slot, "holder": "", "held_until": None}
    conn.execute(upsert(conn.dialect, table), [row])


def note_alive(conn: Connection, worker: str, at: datetime) -> None:
    """This worker is alive."""
    note_done(conn, "", f"{WORKER}{worker}", at)


def forget_worker(conn: Connection, worker: str) -> None:
    """This worker has ended as it should."""
    conn.execute(delete(table).where(table.c.company == "", table.c.duty == f"{WORKER}{worker}"))


def workers_seen(conn: Connection) -> Mapping[str, datetime]:
    """When each worker that has not ended as it should was last alive."""
    query = select(table.c.duty, table.c.done_for).where(table.c.company == "", table.c.duty.startswith(WORKER, autoescape=True))
    return {row.duty.removeprefix(WORKER): row.done_for for row in conn.execute(query)}


def forget_silent(conn: Connection, before: datetime) -> None:
    """Workers that were not alive since then are never waited for again."""
    gone = (table.c.company == "", table.c.duty.startswith(WORKER, autoescape=True), table.c.done_for < before)
    conn.execute(delete(table).where(*gone))
