"""Which items have to be looked at for an early-payment discount: those of which a part was paid, when something of that is new.

So a run judges what was touched, and its cost does not follow what is open.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from ..port import Page
from .rows import OPEN
from .tables import allocations, items

_CHUNK = 900
_BEAR_ON_DISCOUNTS = (
    "status",
    "total_minor",
    "outstanding_minor",
    "currency",
    "issued_on",
    "due_date",
    "customer_id",
    "disputed",
    "discount_until",
    "discount_minor",
)


def looks_discounted(before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> bool:
    """Whether an item that was read just now has to be looked at."""
    if row["status"] != OPEN or row["is_late_charge"] or row["instalment_count"] > 1 or row["outstanding_minor"] >= row["total_minor"]:
        return False
    return before is None or before["look_for_discount"] or any(before[name] != row[name] for name in _BEAR_ON_DISCOUNTS)


def mark_used(conn: Connection, company: str, page: Page) -> None:
    """Look at the invoices on which something was used that stands on this page: what came in, when, or where it was put may be new."""
    sources = [*(one.id for one in page.payments), *(one.id for one in page.credit_notes)]
    for chunk in _chunks(sources):
        used = select(allocations.c.invoice_id).where(allocations.c.company == company, allocations.c.source_id.in_(chunk))
        _mark(conn, company, items.c.invoice_id.in_(used))
    for chunk in _chunks(one.invoice_id for one in page.allocations):
        _mark(conn, company, items.c.invoice_id.in_(chunk))


def mark_all_part_paid(conn: Connection, company: str) -> None:
    """The rules changed: look at everything of which a part was paid."""
    _mark(conn, company)


def touched_items(conn: Connection, company: str) -> list[str]:
    """The items that have to be looked at, in order."""
    query = select(items.c.item_id).where(items.c.company == company, items.c.look_for_discount.is_(True))
    return sorted(conn.execute(query).scalars())


def looked_at(conn: Connection, company: str, item_ids: Iterable[str]) -> None:
    """These need no other look until something changes."""
    for chunk in _chunks(item_ids):
        conn.execute(update(items).where(items.c.company == company, items.c.item_id.in_(chunk)).values(look_for_discount=False))


def _mark(conn: Connection, company: str, *these: ColumnElement[bool]) -> None:
    part_paid = (items.c.status == OPEN, items.c.outstanding_minor < items.c.total_minor)
    discountable = (items.c.is_late_charge.is_(False), items.c.instalment_count == 1)
    conn.execute(update(items).where(items.c.company == company, *part_paid, *discountable, *these).values(look_for_discount=True))


def _chunks(ids: Iterable[str]) -> Iterable[Sequence[str]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
