"""Holds: what people said that stops dunning. They are made and ended, never deleted."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, select, update

from ..dunning.facts import Hold, HoldKind
from .audit import append
from .charge_marks import mark_customers
from .rows import HOLD_COLUMNS, hold_of
from .tables import holds


def add_hold(
    conn: Connection,
    company: str,
    kind: HoldKind,
    customer_id: str,
    invoice_id: str,
    reason: str,
    until: date | None,
    by: str,
    at: datetime,
) -> Hold:
    """Make a hold; of a promise, `until` is the promised day."""
    hold = Hold(uuid.uuid4().hex[:12], kind, customer_id, reason, invoice_id, until, by)
    row = {"company": company, "hold_id": hold.id, "kind": kind.value, "customer_id": customer_id, "invoice_id": invoice_id}
    row |= {"reason": reason, "made_by": by}
    conn.execute(holds.insert().values(**row, until=until, made_at=at))
    append(conn, company, at, [("hold", {**row, "until": until})])
    mark_customers(conn, company, [customer_id])
    return hold


def end_holds(conn: Connection, company: str, hold_ids: Sequence[str], outcome: str, by: str, at: datetime) -> int:
    """End these holds, saying how. Returns how many were active."""
    if not hold_ids:
        return 0
    these = holds.c.hold_id.in_(hold_ids)
    active = (holds.c.company == company, these, holds.c.ended_at.is_(None))
    ended = conn.execute(update(holds).where(*active).values(ended_at=at, outcome=outcome)).rowcount
    if ended:
        mark_customers(conn, company, conn.execute(select(holds.c.customer_id).where(holds.c.company == company, these)).scalars())
        append(conn, company, at, [("hold_ended", {"holds": sorted(hold_ids), "outcome": outcome, "by": by})])
    return ended


def active_holds(conn: Connection, company: str, customer_id: str = "", invoice_id: str = "") -> list[Hold]:
    """The holds that have not ended: of the company, of a customer, or those on one invoice."""
    query = select(*HOLD_COLUMNS).where(holds.c.company == company, holds.c.ended_at.is_(None)).order_by(holds.c.made_at, holds.c.hold_id)
    if customer_id:
        query = query.where(holds.c.customer_id == customer_id)
    if invoice_id:
        query = query.where(holds.c.invoice_id == invoice_id)
    return [hold_of(row) for row in conn.execute(query)]
