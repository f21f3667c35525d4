"""What was done for a company within a stretch of time, counted and added up by currency, for its own people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from ..dunning.facts import ActionKind
from ..money import Money
from .attempts import AttemptStatus
from .charge_rows import ChargeStatus
from .credits import CreditFor, CreditStatus
from .rows import SETTLED
from .tables import attempt_items, attempts, credits_wanted, items, late_charges, told_payments
from .told_payments import PaymentStatus

_SENT = (AttemptStatus.SENT.value, AttemptStatus.QUEUED.value)


@dataclass(frozen=True, slots=True)
class Deeds:
    """So many of something, and what they come to: one amount a currency."""

    count: int
    sums: tuple[Money, ...]


def sent_by_level(conn: Connection, company: str, since: datetime, until: datetime) -> dict[str, Deeds]:
    """The notices that were sent from `since` on and before `until`, by level, with what they asked for."""
    a, i = attempts.c, attempt_items.c
    sent = (a.company == company, a.kind == ActionKind.NOTICE.value, a.status.in_(_SENT), a.settled_at >= since, a.settled_at < until)
    counts = conn.execute(select(a.level, func.count()).where(*sent).group_by(a.level).order_by(a.level)).all()
    joined = attempts.join(attempt_items, (i.company == a.company) & (i.attempt_id == a.attempt_id))
    query = select(a.level, i.currency, func.sum(i.outstanding_minor)).select_from(joined)
    rows = conn.execute(query.where(*sent, i.claim_key.is_not(None)).group_by(a.level, i.currency)).all()
    return {level: Deeds(count, _sums((row[1], row[2]) for row in rows if row[0] == level)) for level, count in counts}


def paid_between(conn: Connection, company: str, first: date, last: date) -> Deeds:
    """The items whose last payment is dated within these days."""
    c = items.c
    settled = (c.company == company, c.status == SETTLED, c.settled_on >= first, c.settled_on <= last)
    return _deeds(conn, settled, items, c.total_minor)


def charges_made(conn: Connection, company: str, first: date, last: date) -> Deeds:
    """The late charges that were written into the books within these days, without tax, less what was taken back since."""
    c = late_charges.c
    made = (c.company == company, c.status == ChargeStatus.MADE.value, c.charged_on >= first, c.charged_on <= last)
    return _deeds(conn, made, late_charges, c.amount_minor - c.reversed_minor)


def credits_made(conn: Connection, company: str, kind: CreditFor, since: datetime, until: datetime) -> Deeds:
    """The credits of a kind that were written into the books from `since` on and before `until`."""
    c = credits_wanted.c
    made = (c.company == company, c.kind == kind.value, c.status == CreditStatus.MADE.value, c.changed_at >= since, c.changed_at < until)
    return _deeds(conn, made, credits_wanted, c.amount_minor)


def payments_recorded(conn: Connection, company: str, since: datetime, until: datetime) -> Deeds:
    """The payments of a pay page that were recorded in the books from `since` on and before `until`."""
    c = told_payments.c
    recorded = (c.company == company, c.status == PaymentStatus.RECORDED.value, c.changed_at >= since, c.changed_at < until)
    return _deeds(conn, recorded, told_payments, c.amount_minor)


def _deeds(conn: Connection, where: Sequence[ColumnElement[bool]], table: Any, amount: ColumnElement[int]) -> Deeds:
    query = select(table.c.currency, func.sum(amount), func.count()).where(*where).group_by(table.c.currency)
    rows = conn.execute(query.order_by(table.c.currency)).all()
    return Deeds(sum(row[2] for row in rows), _sums((row[0], row[1]) for row in rows))


def _sums(rows: Iterable[tuple[str, Any]]) -> tuple[Money, ...]:
    return tuple(Money.from_minor(int(minor), currency) for currency, minor in sorted(rows))
