"""Attempts of earlier runs, as far as the history keeps them."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from ..dunning.facts import Action, ActionItem, ActionKind, Recipient
from ..money import Money
from ..policy.schema import Channel, NoticeKind
from ..receivables import OpenItem
from .attempts import Attempt
from .read import customers_by_id
from .tables import attempt_items, attempts, items


def attempt_of(conn: Connection, company: str, attempt_id: str) -> tuple[Attempt, date]:
    """The notice that an attempt sent and the day of its run: the items that did not fall out of it, at the amounts that it named."""
    row = conn.execute(select(attempts).where(attempts.c.company == company, attempts.c.attempt_id == attempt_id)).one()
    entries = tuple(_entry(told) for told in conn.execute(_told(company, attempt_id)))
    action = Action(
        kind=ActionKind(row.kind),
        channel=Channel(row.channel) if row.channel else None,
        level=row.level,
        notice=NoticeKind(row.notice) if row.notice else None,
        customer=customers_by_id(conn, company, [row.customer_id])[row.customer_id],
        items=entries,
        credits=(),
        recipient=Recipient(row.recipient, "", "", "") if row.recipient else None,
        language="",
        due_on=row.as_of,
        reason="",
        key=row.action_key,
    )
    return Attempt(attempt_id, action), row.as_of


def _told(company: str, attempt_id: str) -> Any:
    t = attempt_items.c
    joined = attempt_items.join(items, (items.c.company == t.company) & (items.c.item_id == t.item_id))
    columns = (t.item_id, t.invoice_id, t.number, t.level_key, t.level_days, t.cycle, t.repeat, t.currency, t.outstanding_minor)
    query = select(*columns, items.c.customer_id, items.c.issued_on, items.c.due_date, items.c.total_minor).select_from(joined)
    return query.where(t.company == company, t.attempt_id == attempt_id, t.claim_key.is_not(None)).order_by(t.item_id)


def _entry(row: Any) -> ActionItem:
    total, asked = Money.from_minor(row.total_minor, row.currency), Money.from_minor(row.outstanding_minor, row.currency)
    item = OpenItem(row.item_id, row.invoice_id, row.number, row.customer_id, row.issued_on, row.due_date, total, asked)
    return ActionItem(item, row.level_key, row.level_days, row.cycle, row.repeat, row.due_date)
