"""Credits that are wanted in the books, once for each marker, and what became of them.

A credit is wanted in the transaction of the decision that it follows from. The ledger looks for its marker before it credits, so that it
may be asked again until it answers.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from ..bookings import CreditMade, CreditWanted
from ..money import Money
from .audit import append
from .database import OF_COMPANY, upsert
from .tables import credits_wanted
from .work import forget_proposals, given_approvals

_CHUNK = 900
_ORDER = (credits_wanted.c.dated_on, credits_wanted.c.number, credits_wanted.c.marker)
_WITH = (
    select(credits_wanted)
    .where(credits_wanted.c.company == OF_COMPANY, credits_wanted.c.status.in_(bindparam("statuses", expanding=True)))
    .order_by(*_ORDER)
)


class CreditFor(StrEnum):
    """What a credit is for: a late charge that is taken back, or an early-payment discount that was earned."""

    REVERSAL = "reversal"
    DISCOUNT = "discount"


class CreditStatus(StrEnum):
    """Where a credit stands. waiting → wanted → made | refused; refused waits for a person as waiting does. One that was never asked for is
    dropped when it is not owed any more, and counts as never decided; closed is what Puntual has nothing more to do with."""

    WAITING = "waiting"
    WANTED = "wanted"
    MADE = "made"
    REFUSED = "refused"
    DROPPED = "dropped"
    CLOSED = "closed"


ASKED = (CreditStatus.WAITING, CreditStatus.REFUSED)
"""What needs a person's yes."""


@dataclass(frozen=True, slots=True)
class KeptCredit:
    """A credit as the history keeps it. `amount` is with tax; `item_id`, `invoice_id` and `number` are the invoice that it is about, the
    document is what is credited: that invoice, or a document of ours. `why` is for people at the company, `text` for the customer, `detail`
    what the ledger or a person said last; `hold_id` is the hold that lasts until it is done."""

    marker: str
    kind: CreditFor
    item_id: str
    invoice_id: str
    number: str
    document_id: str
    document_number: str
    customer_id: str
    amount: Money
    text: str
    why: str
    dated_on: date
    charge_marker: str = ""
    status: CreditStatus = CreditStatus.WANTED
    detail: str = ""
    said_by: str = ""
    refusals: int = 0
    hold_id: str = ""
    credit_id: str = ""
    credit_number: str = ""
    is_void: bool = False

    @property
    def id(self) -> str:
        """Its short name, for people."""
        return self.marker.rpartition(":")[2]

    @property
    def work_id(self) -> str:
        """Its entry on the work list after it was refused the last time."""
        return f"{self.id}-{self.refusals}"

    def wanted(self) -> CreditWanted:
        """As the ledger is asked for it."""
        return CreditWanted(
            self.marker,
            self.document_id,
            self.document_number,
            self.customer_id,
            self.amount,
            self.text,
            self.dated_on,
            self.charge_marker,
        )


def credit_marker(company: str, key: str) -> str:
    """Our mark in the books for a credit, by what makes it one and the same."""
    return "puntual:" + hashlib.sha256(f"{company}|credit|{key}".encode()).hexdigest()[:16]


def want_credits(conn: Connection, company: str, wanted: Sequence[KeptCredit], at: datetime) -> list[KeptCredit]:
    """Remember credits that are wanted, each once. Returns those that are new."""
    new = list({one.marker: one for one in wanted if not _stands(conn, company, one.marker)}.values())
    if new:
        rows = [{"company": company, "changed_at": at, **_values(one)} for one in new]
        conn.execute(upsert(conn.dialect, credits_wanted, keep=("refusals",)), rows)
        append(conn, company, at, [("credit_wanted", {**_told(one), "why": one.why, "status": one.status.value}) for one in new])
    return new


def _stands(conn: Connection, company: str, marker: str) -> bool:
    c = credits_wanted.c
    standing = (c.company == company, c.marker == marker, c.status != CreditStatus.DROPPED.value)
    return conn.execute(select(c.marker).where(*standing)).first() is not None


def credits_with(conn: Connection, company: str, *statuses: CreditStatus) -> list[KeptCredit]:
    """The credits that stand so; without a status all of them."""
    if not statuses:
        return _kept(conn, company)
    rows = conn.execute(_WITH, {"of_company": company, "statuses": [status.value for status in statuses]})
    return [_credit(row) for row in rows]


def credits_called(conn: Connection, company: str, beginning: str) -> list[KeptCredit]:
    """The credits whose short name begins so."""
    return _kept(conn, company, credits_wanted.c.marker.startswith(f"puntual:{beginning}", autoescape=True))


def credits_of(conn: Connection, company: str, item_ids: Sequence[str]) -> dict[str, list[KeptCredit]]:
    """Everything that was ever wanted about these items, by item."""
    found: dict[str, list[KeptCredit]] = defaultdict(list)
    ordered = sorted(set(item_ids))
    for start in range(0, len(ordered), _CHUNK):
        for one in _kept(conn, company, credits_wanted.c.item_id.in_(ordered[start : start + _CHUNK])):
            found[one.item_id].append(one)
    return dict(found)


def holding(conn: Connection, company: str) -> list[KeptCredit]:
    """The credits that hold their invoice."""
    return _kept(conn, company, credits_wanted.c.hold_id != "")


def asked_credits(conn: Connection, company: str) -> frozenset[str]:
    """The keys of what waits for a person's yes, as they stand among the approvals."""
    return frozenset(one.marker for one in credits_with(conn, company, *ASKED))


def take_credit_approvals(conn: Connection, company: str, on: date, at: datetime, *, everything: bool = False) -> None:
    """What a person said yes to may be made, dated `on`; with `everything` all that waits and never needed a person, because the policy
    asks no longer."""
    said = given_approvals(conn, company)
    for one in credits_with(conn, company, *ASKED) if said or everything else ():
        if one.marker in said or (everything and one.status is CreditStatus.WAITING):
            by = said.get(one.marker, "the policy")
            _change(conn, company, one, at, status=CreditStatus.WANTED.value, said_by=by, dated_on=on)
            forget_proposals(conn, company, [one.marker])


def settle_credited(conn: Connection, company: str, one: KeptCredit, made: CreditMade, at: datetime) -> KeptCredit:
    """The ledger says that it stands in the books, and how. Returns it as it is now."""
    values = {"credit_id": made.credit_id, "credit_number": made.number, "is_void": made.is_void}
    _change(conn, company, one, at, status=CreditStatus.MADE.value, detail="", **values)
    append(conn, company, at, [("credit_made", {**_told(one), **values, "credited": str(made.amount)})])
    return replace(one, status=CreditStatus.MADE, detail="", credit_id=made.credit_id, credit_number=made.number, is_void=made.is_void)


def settle_uncredited(conn: Connection, company: str, one: KeptCredit, why: str, at: datetime) -> KeptCredit:
    """The ledger does not take it; it waits for a person. Returns it as it is now."""
    _change(conn, company, one, at, status=CreditStatus.REFUSED.value, detail=why, refusals=credits_wanted.c.refusals + 1)
    append(conn, company, at, [("credit_refused", {**_told(one), "why": why})])
    return replace(one, status=CreditStatus.REFUSED, detail=why, refusals=one.refusals + 1)


def close_credit(conn: Connection, company: str, one: KeptCredit, why: str, by: str, at: datetime) -> None:
    """Puntual does nothing more about it, and why: a person does or did, or nobody has to."""
    _change(conn, company, one, at, status=CreditStatus.CLOSED.value, detail=why, said_by=by)
    forget_proposals(conn, company, [one.marker])
    append(conn, company, at, [("credit_closed", {**_told(one), "why": why, "by": by})])


def drop_credit(conn: Connection, company: str, one: KeptCredit, why: str, at: datetime) -> None:
    """One that was never asked for is not owed as it was decided, and why; it counts as never decided."""
    _change(conn, company, one, at, status=CreditStatus.DROPPED.value, detail=why)
    forget_proposals(conn, company, [one.marker])
    append(conn, company, at, [("credit_dropped", {**_told(one), "why": why})])


def hold_by(conn: Connection, company: str, one: KeptCredit, hold_id: str, at: datetime) -> None:
    """The hold that lasts until the credit is done."""
    _change(conn, company, one, at, hold_id=hold_id)


def note_released(conn: Connection, company: str, released: Iterable[KeptCredit], at: datetime) -> None:
    """These hold their invoice no longer."""
    for one in released:
        _change(conn, company, one, at, hold_id="")


def _change(conn: Connection, company: str, one: KeptCredit, at: datetime, **values: Any) -> None:
    this = (credits_wanted.c.company == company, credits_wanted.c.marker == one.marker)
    conn.execute(update(credits_wanted).where(*this).values(changed_at=at, **values))


def _values(one: KeptCredit) -> dict[str, Any]:
    as_they_are = (
        *("marker", "item_id", "invoice_id", "number", "document_id", "document_number", "customer_id", "text", "why", "dated_on"),
        *("charge_marker", "detail", "said_by", "refusals", "hold_id", "credit_id", "credit_number", "is_void"),
    )
    money = {"currency": one.amount.currency, "amount_minor": one.amount.minor}
    return {name: getattr(one, name) for name in as_they_are} | money | {"kind": one.kind.value, "status": one.status.value}


def _kept(conn: Connection, company: str, *these: ColumnElement[bool]) -> list[KeptCredit]:
    c = credits_wanted.c
    query = select(credits_wanted).where(c.company == company, *these).order_by(*_ORDER)
    return [_credit(row) for row in conn.execute(query)]


def _credit(row: Any) -> KeptCredit:
    return KeptCredit(
        row.marker,
        CreditFor(row.kind),
        row.item_id,
        row.invoice_id,
        row.number,
        row.document_id,
        row.document_number,
        row.customer_id,
        Money.from_minor(row.amount_minor, row.currency),
        row.text,
        row.why,
        row.dated_on,
        row.charge_marker,
        CreditStatus(row.status),
        row.detail,
        row.said_by,
        row.refusals,
        row.hold_id,
        row.credit_id,
        row.credit_number,
        row.is_void,
    )


def _told(one: KeptCredit) -> dict[str, Any]:
    """What the audit trail says of a credit."""
    whose = {"item": one.item_id, "number": one.number, "customer": one.customer_id, "document": one.document_number}
    return {"credit": one.id, "kind": one.kind.value, **whose, "amount": str(one.amount)}
