"""Payments that a provider of links told of by itself, each once by the provider's own id, and whether the books have them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from ..bookings import PaymentRecorded
from ..money import Money
from .audit import append
from .database import OF_COMPANY, upsert
from .tables import told_payments
from .work import forget_proposals, given_approvals


class PaymentStatus(StrEnum):
    """Where a payment stands. told → recorded | refused; refused waits for a person, who lets it be tried again or records it by hand
    (closed)."""

    TOLD = "told"
    RECORDED = "recorded"
    REFUSED = "refused"
    CLOSED = "closed"


_CHUNK = 900
_ORDER = (told_payments.c.paid_on, told_payments.c.marker)
_WITH = (
    select(told_payments)
    .where(told_payments.c.company == OF_COMPANY, told_payments.c.status.in_(bindparam("statuses", expanding=True)))
    .order_by(*_ORDER)
)


@dataclass(frozen=True, slots=True)
class ToldPayment:
    """A payment as the history keeps it. `marker` makes it ours in the books; `item_id` is what the link was for; `detail` is what the
    ledger or a person said last; `hold_id` is the hold that leaves its invoice alone while the books do not show it."""

    provider: str
    payment_id: str
    marker: str
    invoice_id: str
    item_id: str
    amount: Money
    paid_on: date
    link: str
    status: PaymentStatus = PaymentStatus.TOLD
    detail: str = ""
    refusals: int = 0
    hold_id: str = ""
    recorded_id: str = ""
    recorded_number: str = ""

    @property
    def id(self) -> str:
        """Its short name, for people."""
        return self.marker.rpartition(":")[2]

    @property
    def work_id(self) -> str:
        """Its entry on the work list after it was refused the last time."""
        return f"{self.id}-{self.refusals}"


def payment_marker(company: str, provider: str, payment_id: str) -> str:
    """Our mark in the books for a payment: always the same."""
    return "puntual:" + hashlib.sha256(f"{company}|payment|{provider}|{payment_id}".encode()).hexdigest()[:16]


def keep_payment(conn: Connection, company: str, told: ToldPayment, at: datetime) -> None:
    """Remember a payment; one that is known already stays as it is."""
    as_they_are = ("provider", "payment_id", "marker", "invoice_id", "item_id", "paid_on", "link", "detail", "refusals", "hold_id")
    row = {name: getattr(told, name) for name in (*as_they_are, "recorded_id", "recorded_number")}
    row |= {"company": company, "currency": told.amount.currency, "amount_minor": told.amount.minor, "status": told.status.value}
    conn.execute(upsert(conn.dialect, told_payments, ignore=True).values(**row, changed_at=at))


def payment_called(conn: Connection, company: str, provider: str, payment_id: str) -> ToldPayment | None:
    """The payment of that id at that provider."""
    c = told_payments.c
    return next(iter(_kept(conn, company, c.provider == provider, c.payment_id == payment_id)), None)


def payments_through(conn: Connection, company: str, links: Iterable[str]) -> dict[str, PaymentStatus]:
    """How the payment stands that was told of, by the reference of the link that was paid."""
    found: dict[str, PaymentStatus] = {}
    wanted, c = sorted(set(links)), told_payments.c
    for start in range(0, len(wanted), _CHUNK):
        query = select(c.link, c.status).where(c.company == company, c.link.in_(wanted[start : start + _CHUNK]))
        found |= {row.link: PaymentStatus(row.status) for row in conn.execute(query)}
    return found


def payments_with(conn: Connection, company: str, *statuses: PaymentStatus) -> list[ToldPayment]:
    """The payments that stand so, the oldest first."""
    rows = conn.execute(_WITH, {"of_company": company, "statuses": [status.value for status in statuses]})
    return [_payment(row) for row in rows]


def refused_payments(conn: Connection, company: str) -> frozenset[str]:
    """The keys of what a person may let be tried again, as they stand among the approvals."""
    return frozenset(one.marker for one in payments_with(conn, company, PaymentStatus.REFUSED))


def take_payment_approvals(conn: Connection, company: str, at: datetime) -> None:
    """What a person lets be tried again is to be recorded."""
    said = given_approvals(conn, company)
    for one in payments_with(conn, company, PaymentStatus.REFUSED) if said else ():
        if one.marker in said:
            _change(conn, company, one, at, status=PaymentStatus.TOLD.value)
            forget_proposals(conn, company, [one.marker])


def settle_recorded(conn: Connection, company: str, one: ToldPayment, made: PaymentRecorded, at: datetime) -> ToldPayment:
    """The ledger says that it stands in the books, and where. Returns it as it is now."""
    values = {"recorded_id": made.payment_id, "recorded_number": made.number}
    _change(conn, company, one, at, status=PaymentStatus.RECORDED.value, detail="", hold_id="", **values)
    append(conn, company, at, [("payment_recorded", {**_told(one), **values})])
    return replace(one, status=PaymentStatus.RECORDED, recorded_id=made.payment_id, recorded_number=made.number)


def settle_unrecorded(conn: Connection, company: str, one: ToldPayment, why: str, at: datetime) -> ToldPayment:
    """It is not recorded, and why; it waits for a person. Returns it as it is now."""
    _change(conn, company, one, at, status=PaymentStatus.REFUSED.value, detail=why, refusals=told_payments.c.refusals + 1)
    append(conn, company, at, [("payment_refused", {**_told(one), "why": why})])
    return replace(one, status=PaymentStatus.REFUSED, detail=why, refusals=one.refusals + 1)


def close_payment(conn: Connection, company: str, one: ToldPayment, why: str, by: str, at: datetime) -> None:
    """Puntual does nothing more about it, and why: a person recorded it."""
    _change(conn, company, one, at, status=PaymentStatus.CLOSED.value, detail=why)
    forget_proposals(conn, company, [one.marker])
    append(conn, company, at, [("payment_closed", {**_told(one), "why": why, "by": by})])


def _change(conn: Connection, company: str, one: ToldPayment, at: datetime, **values: Any) -> None:
    c = told_payments.c
    this = (c.company == company, c.provider == one.provider, c.payment_id == one.payment_id)
    conn.execute(update(told_payments).where(*this).values(changed_at=at, **values))


def _kept(conn: Connection, company: str, *these: ColumnElement[bool]) -> list[ToldPayment]:
    c = told_payments.c
    query = select(told_payments).where(c.company == company, *these).order_by(*_ORDER)
    return [_payment(row) for row in conn.execute(query)]


def _payment(row: Any) -> ToldPayment:
    return ToldPayment(
        row.provider,
        row.payment_id,
        row.marker,
        row.invoice_id,
        row.item_id,
        Money.from_minor(row.amount_minor, row.currency),
        row.paid_on,
        row.link,
        PaymentStatus(row.status),
        row.detail,
        row.refusals,
        row.hold_id,
        row.recorded_id,
        row.recorded_number,
    )


def _told(one: ToldPayment) -> dict[str, Any]:
    """What the audit trail says of a payment."""
    return {"payment": one.payment_id, "provider": one.provider, "invoice": one.invoice_id, "amount": str(one.amount)}
