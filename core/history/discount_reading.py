"""The facts of early-payment discounts, built in bulk for the items that are looked at: what came in, when, what was credited before."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from ..dunning.discounts import DiscountFacts
from ..dunning.grouping import covered_currencies
from .charge_reading import used_on
from .credits import CreditFor, CreditStatus, credits_of
from .read import credits_by_customer, customers_by_id, holds_by_customer
from .rows import ITEM_COLUMNS, OPEN, item_facts
from .tables import items

BATCH_ITEMS = 500
_NOTHING_CREDITED = frozenset({CreditStatus.DROPPED, CreditStatus.WAITING})


def discount_facts(conn: Connection, company: str, item_ids: Sequence[str]) -> Iterator[DiscountFacts]:
    """The facts of those of these items that are open. A credit that waits for a person's yes counts as not decided on."""
    for start in range(0, len(item_ids), BATCH_ITEMS):
        yield from _batch(conn, company, item_ids[start : start + BATCH_ITEMS])


def _batch(conn: Connection, company: str, item_ids: Sequence[str]) -> Iterator[DiscountFacts]:
    query = select(*ITEM_COLUMNS).where(items.c.company == company, items.c.item_id.in_(item_ids), items.c.status == OPEN)
    found = [item_facts(row).item for row in conn.execute(query.order_by(items.c.item_id)).all()]
    owing = sorted({item.customer_id for item in found})
    used = used_on(conn, company, sorted({item.invoice_id for item in found}))
    customers, holds = customers_by_id(conn, company, owing), holds_by_customer(conn, company, owing)
    unapplied, known = credits_by_customer(conn, company, owing), credits_of(conn, company, item_ids)
    for item in found:
        credited = [one.amount for one in known.get(item.id, ()) if one.kind is CreditFor.DISCOUNT and one.status not in _NOTHING_CREDITED]
        yield DiscountFacts(
            item=item,
            customer=customers[item.customer_id],
            allocations=tuple(one.allocation for one in used.get(item.invoice_id, ())),
            received={one.allocation.source_id: one.came_on for one in used.get(item.invoice_id, ()) if one.came_on is not None},
            already_credited=sum(credited[1:], start=credited[0]) if credited else None,
            holds=holds.get(item.customer_id, ()),
            is_covered_by_credit=bool(covered_currencies([item.outstanding], unapplied.get(item.customer_id, ()))),
        )
