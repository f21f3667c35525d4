"""One run a company at a time: a lease on the company's row, so that a run that died gives way by itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from .books import ensure_company
from .database import OF_COMPANY
from .tables import companies

LEASE = timedelta(minutes=10)


_HOLDER = (
    select(companies.c.run_id, companies.c.run_owner, companies.c.run_until).where(companies.c.company == OF_COMPANY).with_for_update()
)
_MINE = (companies.c.company == OF_COMPANY, companies.c.run_id == bindparam("mine"))
_RENEW = update(companies).where(*_MINE, companies.c.run_until > bindparam("now")).values(run_until=bindparam("until"))
_GIVE_BACK = update(companies).where(*_MINE).values(run_id="", run_owner="", run_until=None)


def take_lease(conn: Connection, company: str, run_id: str, owner: str, at: datetime, is_alive: Callable[[str], bool]) -> str:
    """Take the company, known or not, for this run. Returns "" or who has it. `is_alive` says of an owner whether that process may still be
    running."""
    of_company = {"of_company": company}
    row = conn.execute(_HOLDER, of_company).first()
    if row is None:
        ensure_company(conn, company)
        row = conn.execute(_HOLDER, of_company).one()
    if row.run_id and row.run_until and row.run_until > at and is_alive(row.run_owner):
        return str(row.run_owner)
    conn.execute(update(companies).where(companies.c.company == company).values(run_id=run_id, run_owner=owner, run_until=at + LEASE))
    return ""


def renew_lease(conn: Connection, company: str, run_id: str, at: datetime) -> bool:
    """Keep the company for longer. False when another run took it meanwhile, or might have: then stop at once."""
    return conn.execute(_RENEW, {"of_company": company, "mine": run_id, "now": at, "until": at + LEASE}).rowcount == 1


def give_back(conn: Connection, company: str, run_id: str) -> None:
    """Let the company go."""
    conn.execute(_GIVE_BACK, {"of_company": company, "mine": run_id})
