"""One run a company at a time: a lease on the company's row, so that a run that died gives way by itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from .books import ensure_company
from .tables import companies

LEASE = timedelta(minutes=10)


def take_lease(conn: Connection, company: str, run_id: str, owner: str, at: datetime, is_alive: Callable[[str], bool]) -> str:
    """Take the company, known or not, for this run. Returns "" or who has it. `is_alive` says of an owner whether that process may still be
    running."""
    c = companies.c
    query = select(c.run_id, c.run_owner, c.run_until).where(c.company == company).with_for_update()
    row = conn.execute(query).first()
    if row is None:
        ensure_company(conn, company)
        row = conn.execute(query).one()
    if row.run_id and row.run_until and row.run_until > at and is_alive(row.run_owner):
        return str(row.run_owner)
    conn.execute(update(companies).where(c.company == company).values(run_id=run_id, run_owner=owner, run_until=at + LEASE))
    return ""


def renew_lease(conn: Connection, company: str, run_id: str, at: datetime) -> bool:
    """Keep the company for longer. False when another run took it meanwhile, or might have: then stop at once."""
    mine = (companies.c.company == company, companies.c.run_id == run_id, companies.c.run_until > at)
    return conn.execute(update(companies).where(*mine).values(run_until=at + LEASE)).rowcount == 1


def give_back(conn: Connection, company: str, run_id: str) -> None:
    """Let the company go."""
    mine = (companies.c.company == company, companies.c.run_id == run_id)
    conn.execute(update(companies).where(*mine).values(run_id="", run_owner="", run_until=None))
