"""What services told by webhooks: whose books are meant, and whether it was told before."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from .database import upsert
from .hosting_tables import webhook_events as table
from .tables import authorizations

KEPT = timedelta(days=7)
"""Services send again what was not taken for a day or three; what comes later than this does no more than wake a company once too often."""

_CHUNK = 500
_LONGEST_NAME = 200


def companies_of_books(conn: Connection, ledger: str, tenants: Collection[str]) -> dict[str, list[str]]:
    """Which companies are connected to these books of a ledger, by the books' id. Books that nobody is connected to are missing."""
    known = sorted(one for one in set(tenants) if one.isascii() and one.isprintable() and len(one) <= _LONGEST_NAME)
    found: dict[str, list[str]] = {}
    c = authorizations.c
    for start in range(0, len(known), _CHUNK):
        query = select(c.company, c.tenant_id).where(c.ledger == ledger, c.tenant_id.in_(known[start : start + _CHUNK]))
        for company, tenant in conn.execute(query):
            found.setdefault(tenant, []).append(company)
    return found


def first_told(conn: Connection, origin: str, told: Iterable[tuple[str, str]], at: datetime) -> set[str]:
    """The companies to which an event came for the first time; all of them are remembered. `told` are companies with ids of events,
    `origin` says who told."""
    rows = [{"company": company, "service": origin, "event_id": _digest(event), "seen_at": at} for company, event in sorted(set(told))]
    new: set[str] = set()
    for start in range(0, len(rows), _CHUNK):
        remembered = upsert(conn.dialect, table, ignore=True).values(rows[start : start + _CHUNK]).returning(table.c.company)
        new.update(conn.execute(remembered).scalars())
    return new


def forget_events(conn: Connection, at: datetime) -> None:
    """Let go of what was told too long before to come again."""
    conn.execute(delete(table).where(table.c.seen_at < at - KEPT))


def _digest(event: str) -> str:
    """An id of any length and of any letters as one that fits."""
    return hashlib.sha256(event.encode("utf-8", "surrogatepass")).hexdigest()
