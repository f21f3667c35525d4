"""How a host's worker stands with each company: what was done last, what is being done, what keeps it from doing more.

Kept in the database, so that any number of workers and any restart know it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from .database import OF_COMPANY, upsert
from .hosting_tables import company_states as table

_CHUNK = 900
_STATES = select(table).where(table.c.company.in_(bindparam("companies", expanding=True)))
_WAITING = select(table.c.company).where(or_(table.c.not_before <= bindparam("now"), table.c.wished_at <= bindparam("wished_before")))
_GRANT = update(table).where(table.c.company == OF_COMPANY, table.c.wished_at <= bindparam("read_from")).values(wished_at=None)


def states_of(conn: Connection, companies: Sequence[str]) -> dict[str, Row[Any]]:
    """The rows of these companies; those that were never seen are missing."""
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(companies), _CHUNK):
        rows = conn.execute(_STATES, {"companies": companies[start : start + _CHUNK]})
        found |= {row.company: row for row in rows}
    return found


def ensure_states(conn: Connection, companies: Iterable[str], at: datetime) -> None:
    """There is a row for each; those that are new were first seen now."""
    rows = [{"company": company, "seen_at": at} for company in companies]
    if rows:
        conn.execute(upsert(conn.dialect, table, ignore=True), rows)


def waiting_companies(conn: Connection, now: datetime, wished_before: datetime) -> list[str]:
    """The companies whose waiting is over, or whose books are to be read because a webhook said so."""
    return list(conn.execute(_WAITING, {"now": now, "wished_before": wished_before}).scalars())


def set_state(conn: Connection, company: str, **values: Any) -> None:
    """Change some columns of a company's row."""
    conn.execute(update(table).where(table.c.company == company).values(**values))


def wish_for_sync(conn: Connection, companies: Iterable[str], at: datetime) -> None:
    """The books of these companies changed, as their ledgers say: they are to be read soon.

    The first wish counts, unless the reading that will grant it has begun: it may have passed by what is told only now.
    """
    c = table.c
    wished = sorted(set(companies))
    ensure_states(conn, wished, at)
    for company in wished:
        counts = or_(c.wished_at.is_(None), c.wished_at <= c.began_at)
        conn.execute(update(table).where(c.company == company, counts).values(wished_at=at))


def grant_wish(conn: Connection, company: str, began_at: datetime) -> None:
    """The books were read from `began_at` on: what was wished for until then was granted."""
    conn.execute(_GRANT, {"of_company": company, "read_from": began_at})
