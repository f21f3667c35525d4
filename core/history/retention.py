"""What is kept for how long: customers of whom nothing is open and nothing happened for years, and what is remembered of the past only."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, update

from .erasure import ERASED_NAME, what_keeps
from .hosting_tables import alerts, connect_links, webhook_events
from .tables import attempts, call_counts, companies, customers, holds, items, late_charges, unapplied_credits, work_list

_DATES: tuple[tuple[Table, str], ...] = (
    *((items, "issued_on"), (items, "due_date"), (items, "settled_on"), (items, "level_on"), (unapplied_credits, "dated_on")),
    *((attempts, "as_of"), (holds, "made_at"), (holds, "ended_at"), (work_list, "made_at"), (work_list, "done_at")),
    (late_charges, "changed_at"),
)
"""When something happened about a customer."""

_FORGOTTEN_AFTER: tuple[tuple[Table, ColumnElement[Any], timedelta], ...] = (
    (webhook_events, webhook_events.c.seen_at, timedelta(days=30)),
    (connect_links, connect_links.c.expires_at, timedelta(days=30)),
    (alerts, alerts.c.ended_at, timedelta(days=90)),
)


def all_companies(conn: Connection) -> list[str]:
    """Every company that the history knows, also those that no file speaks of any more."""
    return list(conn.execute(select(companies.c.company).order_by(companies.c.company)).scalars())


def customer_ids(conn: Connection, company: str) -> list[str]:
    """Every customer that the history knows, by the ledger's id."""
    return list(conn.execute(select(customers.c.customer_id).where(customers.c.company == company)).scalars())


def years_before(day: date, years: int) -> date:
    """The same day so many years ago; of 29 February the day before."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def stale_customers(conn: Connection, company: str, before: date) -> list[str]:
    """The customers with a name of whom nothing happened since that day, and of whom nothing is open."""
    c = customers.c
    mine = (c.company == company, c.name != ERASED_NAME)
    known = select(c.customer_id, c.known_on, c.last_contact_on).where(*mine, c.known_on < before)
    since = {key: max(known_on, contact_on or known_on) for key, known_on, contact_on in conn.execute(known)}
    for table, name in _DATES:
        for key, last in _last(conn, company, table, name):
            if key in since:
                since[key] = max(since[key], last)
    old = sorted(key for key, last in since.items() if last < before)
    kept = what_keeps(conn, company, old)
    return [key for key in old if key not in kept]


def has_undated(conn: Connection, company: str) -> bool:
    """Whether there are customers of whom nobody knows since when they are known."""
    c = customers.c
    return conn.execute(select(c.customer_id).where(c.company == company, c.known_on.is_(None)).limit(1)).first() is not None


def date_undated(conn: Connection, company: str, today: date) -> None:
    """They are known from today on."""
    c = customers.c
    conn.execute(update(customers).where(c.company == company, c.known_on.is_(None)).values(known_on=today))


def forget_leftovers(conn: Connection, now: datetime) -> int:
    """Let go of what nobody needs any more: events and alerts of the past, links that ended, calls counted long ago.
    Returns how many rows."""
    count = 0
    for table, column, length in _FORGOTTEN_AFTER:
        count += conn.execute(delete(table).where(column < now - length)).rowcount
    window = (now - timedelta(days=62)).astimezone(UTC).date().isoformat()[:7]
    return count + conn.execute(delete(call_counts).where(call_counts.c.window < window)).rowcount


def _last(conn: Connection, company: str, table: Table, name: str) -> list[tuple[str, date]]:
    column = table.c[name]
    query = (
        select(table.c.customer_id, func.max(column)).where(table.c.company == company, column.is_not(None)).group_by(table.c.customer_id)
    )
    return [(key, last.date() if isinstance(last, datetime) else last) for key, last in conn.execute(query)]
