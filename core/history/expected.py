"""What the ledger was told of the days on which open invoices are expected to be paid, and by which promises it is to be told.

What is read follows the active promises and what was told of open invoices, never all open items.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select

from ..dunning.expected import NOTHING, Told
from ..dunning.facts import Hold, HoldKind
from ..receivables import OpenItem
from .database import OF_COMPANY, execute_many, upsert
from .rows import HOLD_COLUMNS, ITEM_COLUMNS, OPEN, hold_of, item_facts
from .tables import expected_payments, holds, items

_CHUNK = 900
_FORGET = delete(expected_payments).where(
    expected_payments.c.company == OF_COMPANY, expected_payments.c.invoice_id == bindparam("of_invoice")
)


def active_promises(conn: Connection, company: str) -> list[Hold]:
    """The promises with a day that have not ended."""
    c = holds.c
    where = (c.company == company, c.ended_at.is_(None), c.kind == HoldKind.PROMISE.value, c.until.is_not(None))
    return [hold_of(row) for row in conn.execute(select(*HOLD_COLUMNS).where(*where))]


def items_promised(conn: Connection, company: str, promises: Sequence[Hold]) -> list[OpenItem]:
    """The open items of the invoices and customers that these promises are on."""
    found: dict[str, OpenItem] = {}
    named = {promise.invoice_id for promise in promises if promise.invoice_id}
    whole = {promise.customer_id for promise in promises if not promise.invoice_id}
    for column, ids in ((items.c.invoice_id, named), (items.c.customer_id, whole)):
        for these in _among(column, ids):
            query = select(*ITEM_COLUMNS).where(items.c.company == company, items.c.status == OPEN, these)
            found |= {row[0]: item_facts(row).item for row in conn.execute(query)}
    return list(found.values())


def told_days(conn: Connection, company: str) -> dict[str, Told]:
    """What the ledger was told, by invoice."""
    c = expected_payments.c
    rows = conn.execute(select(c.invoice_id, c.expected_on, c.refused, c.ours).where(c.company == company))
    return {row[0]: Told(row[1], row[2], _days(row[3])) for row in rows}


def open_among(conn: Connection, company: str, invoice_ids: Iterable[str]) -> set[str]:
    """Which of these invoices have an open item."""
    found: set[str] = set()
    for these in _among(items.c.invoice_id, invoice_ids):
        found.update(conn.execute(select(items.c.invoice_id).where(items.c.company == company, items.c.status == OPEN, these)).scalars())
    return found


def remember(conn: Connection, company: str, told: Mapping[str, Told]) -> None:
    """Keep what the ledger was told of each invoice; NOTHING forgets it."""
    rows = [
        {"company": company, "invoice_id": key, "expected_on": one.expected_on, "refused": one.refused, "ours": _text(one.ours)}
        for key, one in told.items()
        if one != NOTHING
    ]
    execute_many(conn, upsert(conn.dialect, expected_payments), rows)
    execute_many(conn, _FORGET, [{"of_company": company, "of_invoice": key} for key, one in told.items() if one == NOTHING])


def _among(column: ColumnElement[str], ids: Iterable[str]) -> Iterator[ColumnElement[bool]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        yield column.in_(ordered[start : start + _CHUNK])


def _text(days: Iterable[date]) -> str:
    return " ".join(sorted(day.isoformat() for day in days))


def _days(text: str) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, text.split()))
