"""When an item has to be looked at for late charges: `next_charge_on`. What changes is marked here, to be looked at by the next run; the
look itself says when the next one is due. So a run reads only what is due, and its cost does not follow what is open.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, or_, select, update

from ..calendar import days_after
from ..policy.schema import Policy
from ..port import Page
from .database import OF_COMPANY, execute_many
from .rows import OPEN
from .tables import allocations, items, late_charges, unapplied_credits

AT_ONCE = date.min
"""Before every day of a run, whatever day somebody tries out."""

_CHUNK = 900
_BEAR_ON_CHARGES = (
    "status",
    "total_minor",
    "outstanding_minor",
    "currency",
    "due_date",
    "customer_id",
    "disputed",
    "do_not_chase",
    "ledger_late_fee",
    "instalment_count",
)
_SET_NEXT = (
    update(items).where(items.c.company == OF_COMPANY, items.c.item_id == bindparam("of_item")).values(next_charge_on=bindparam("look_on"))
)


def mark_of(before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> date | None:
    """When an item that was read just now has to be looked at. What was never seen open is not charged."""
    if row["is_late_charge"]:
        return None
    if before is None:
        return days_after(row["due_date"], 1) if row["status"] == OPEN else None
    changed = any(before[name] != row[name] for name in _BEAR_ON_CHARGES)
    next_charge_on: date | None = AT_ONCE if changed else before["next_charge_on"]
    return next_charge_on


def due_item_ids(conn: Connection, company: str, as_of: date) -> list[str]:
    """The items that have to be looked at on or before this day, in order."""
    query = select(items.c.item_id).where(items.c.company == company, items.c.next_charge_on <= as_of)
    return sorted(conn.execute(query).scalars())


def look_again(conn: Connection, company: str, on: Mapping[str, date | None]) -> None:
    """When to look at these items next, by item."""
    execute_many(conn, _SET_NEXT, [{"of_company": company, "of_item": key, "look_on": day} for key, day in on.items()])


def is_charging(conn: Connection, company: str, policy: Policy) -> bool:
    """Whether late charges concern this company: by its policy, or because some were decided on before."""
    if policy.late_charges is not None:
        return True
    return conn.execute(select(late_charges.c.charge_key).where(late_charges.c.company == company).limit(1)).first() is not None


def mark_everything(conn: Connection, company: str) -> None:
    """The rules changed: look at every open item, and at what bears a charge."""
    charged = select(late_charges.c.item_id).where(late_charges.c.company == company)
    _mark(conn, company, or_(items.c.status == OPEN, items.c.item_id.in_(charged)))


def mark_items(conn: Connection, company: str, item_ids: Iterable[str]) -> None:
    """Look at these items at once."""
    for chunk in _chunks(item_ids):
        _mark(conn, company, items.c.item_id.in_(chunk))


def mark_customers(conn: Connection, company: str, customer_ids: Iterable[str]) -> None:
    """Look at the open items of these customers at once."""
    for chunk in _chunks(customer_ids):
        _mark(conn, company, items.c.customer_id.in_(chunk), items.c.status == OPEN)


def mark_invoices(conn: Connection, company: str, invoice_ids: Iterable[str]) -> None:
    """Look at the items of these invoices at once, whatever became of them; of a document of ours, at those that it charges."""
    for chunk in _chunks(invoice_ids):
        charged = select(late_charges.c.item_id).where(late_charges.c.company == company, late_charges.c.document_id.in_(chunk))
        _mark(conn, company, or_(items.c.invoice_id.in_(chunk), items.c.item_id.in_(charged)))


def _mark(conn: Connection, company: str, *these: ColumnElement[bool]) -> None:
    marked = update(items).where(items.c.company == company, items.c.is_late_charge.is_(False), *these)
    conn.execute(marked.values(next_charge_on=AT_ONCE))


# What a page of the books changes besides the items themselves


class MoneyWatch:
    """What was used on which invoice, what is left of credits and how documents of ours stand, before a page is stored."""

    def __init__(self, conn: Connection, company: str, page: Page) -> None:
        self._page = page
        self._invoices, self._unused = self._seen(conn, company)

    def mark(self, conn: Connection, company: str) -> None:
        """After the page was stored: mark the items that it bears on."""
        invoices, unused = self._seen(conn, company)
        mark_invoices(conn, company, {one[0] for one in self._invoices ^ invoices})
        mark_customers(conn, company, {one[0] for one in self._unused ^ unused})

    def _seen(self, conn: Connection, company: str) -> tuple[set[Any], set[Any]]:
        page = self._page
        sources = [*(one.id for one in page.payments), *(one.id for one in page.credit_notes)]
        named = {*sources, *page.allocations_known_of, *page.deleted_ids}
        about = _rows(conn, company, _BY_ALLOCATION, [one.id for one in page.allocations])
        about |= _rows(conn, company, _BY_INVOICE, named) | _rows(conn, company, _BY_SOURCE, named)
        about |= _rows(conn, company, _OWN_DOCUMENTS, [one.id for one in page.invoices if one.is_late_charge])
        return about, _rows(conn, company, _UNUSED, [*sources, *page.deleted_ids])


def _uses(column: ColumnElement[str]) -> Select[Any]:
    """What was used on invoices, with the day on which it had come in."""
    a, c = allocations.c, unapplied_credits.c
    of_source = (c.company == a.company) & (c.credit_id == a.source_id) & (c.kind == a.source_kind)
    query = select(a.invoice_id, a.source_id, a.currency, a.amount_minor, a.allocated_on, c.dated_on)
    joined = query.select_from(allocations.outerjoin(unapplied_credits, of_source))
    return joined.where(a.company == OF_COMPANY, column.in_(bindparam("ids", expanding=True)))


_BY_ALLOCATION = _uses(allocations.c.allocation_id)
_BY_INVOICE = _uses(allocations.c.invoice_id)
_BY_SOURCE = _uses(allocations.c.source_id)
_OWN_DOCUMENTS = select(items.c.invoice_id, items.c.status, items.c.outstanding_minor).where(
    items.c.company == OF_COMPANY, items.c.invoice_id.in_(bindparam("ids", expanding=True))
)
_UNUSED = select(
    *(unapplied_credits.c[name] for name in ("customer_id", "credit_id", "kind", "currency", "remaining_minor")),
).where(
    unapplied_credits.c.company == OF_COMPANY,
    unapplied_credits.c.remaining_minor > 0,
    unapplied_credits.c.credit_id.in_(bindparam("ids", expanding=True)),
)


def _rows(conn: Connection, company: str, query: Select[Any], ids: Iterable[str]) -> set[Any]:
    return {tuple(row) for chunk in _chunks(ids) for row in conn.execute(query, {"of_company": company, "ids": chunk})}


def _chunks(ids: Iterable[str]) -> Iterable[Sequence[str]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
