"""What should have gone out: items that planning again would act on after a good run, until they were dealt with or the plan is another."""

from collections.abc import Collection, Iterable
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from .database import OF_COMPANY
from .hosting_tables import unsent_items as table
from .tables import attempt_items, attempts

_THIS = (table.c.company == OF_COMPANY, table.c.item_id == bindparam("of_item"))
_AGAIN = update(table).where(*_THIS).values(runs=table.c.runs + 1)
_CHUNK = 900
MOST = 500
"""More items of a company are not kept: it is clear then."""


def note_unsent(conn: Connection, company: str, left: Collection[str], at: datetime) -> None:
    """After a good run these items are left that it would act on if it were planned again. Those that were left before have been passed
    over once more; all others are forgotten."""
    known = set(conn.execute(select(table.c.item_id).where(table.c.company == company)).scalars())
    wanted = set(sorted(left)[:MOST])
    conn.execute(delete(table).where(table.c.company == company, table.c.item_id.in_(known - wanted)))
    if again := known & wanted:
        conn.execute(_AGAIN, [{"of_company": company, "of_item": item} for item in sorted(again)])
    if new := wanted - known:
        conn.execute(insert(table), [{"company": company, "item_id": item, "seen_at": at, "runs": 0} for item in sorted(new)])


def forget_unsent(conn: Connection, company: str) -> None:
    """Nothing is expected of this company any more."""
    conn.execute(delete(table).where(table.c.company == company))


def tried_since(conn: Connection, company: str, item_ids: Iterable[str], on: date) -> set[str]:
    """Which of these items an attempt of that day or a later one was about, whatever its end: somebody looked at them."""
    wanted = sorted(item_ids)
    found: set[str] = set()
    c = attempt_items.c
    joined = attempt_items.join(attempts, (attempts.c.company == c.company) & (attempts.c.attempt_id == c.attempt_id))
    query = select(c.item_id).select_from(joined).where(c.company == company, attempts.c.as_of >= on)
    for start in range(0, len(wanted), _CHUNK):
        found.update(conn.execute(query.where(c.item_id.in_(wanted[start : start + _CHUNK]))).scalars())
    return found
