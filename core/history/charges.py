"""Late charges that were decided on, once for each key, and what became of them; and what was announced of them.

A charge is claimed by its key, written under a marker that is stored before the ledger is asked, and settled by the ledger's answer. What
has a marker and no answer is looked for in the ledger by it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from ..bookings import ChargeMade
from ..dunning.charge_facts import ChargeDue
from ..money import Money
from ..receivables import Invoice, OpenItem
from .audit import append
from .charge_marks import mark_items
from .charge_rows import ChargeStatus, KeptCharge, kept_of, values_of
from .database import OF_COMPANY, execute_many, upsert
from .rows import document_values
from .tables import approvals, charge_announcements, items, late_charges
from .work import forget_proposals, given_approvals

_CHUNK = 900
_ORDER = (late_charges.c.first_on, late_charges.c.last_on, late_charges.c.rule, late_charges.c.charge_key)
_WITH = (
    select(late_charges)
    .where(late_charges.c.company == OF_COMPANY, late_charges.c.status.in_(bindparam("statuses", expanding=True)))
    .order_by(*_ORDER)
)
_SET_AMOUNTS = (
    update(items)
    .where(items.c.company == OF_COMPANY, items.c.item_id == bindparam("of_item"))
    .values(total_minor=bindparam("whole"), outstanding_minor=bindparam("rest"))
)


# What was announced


def note_announced(conn: Connection, company: str, announced: Iterable[tuple[str, str]], on: date) -> None:
    """A notice that announced these (item id, rule) was sent on this day. Only the first day of each counts, and is kept."""
    pairs = sorted(set(announced))
    rows = [{"company": company, "item_id": item, "rule": rule, "announced_on": on} for item, rule in pairs]
    execute_many(conn, upsert(conn.dialect, charge_announcements, ignore=True), rows)
    mark_items(conn, company, [item for item, _ in pairs])


def announced_days(conn: Connection, company: str, item_ids: Sequence[str]) -> dict[str, dict[str, date]]:
    """The day of the first notice that announced a rule, by item and rule."""
    c = charge_announcements.c
    found: dict[str, dict[str, date]] = defaultdict(dict)
    for these in _among(c.item_id, item_ids):
        for item, rule, on in conn.execute(select(c.item_id, c.rule, c.announced_on).where(c.company == company, these)):
            found[item][rule] = on
    return dict(found)


# What was decided


def charges_of(conn: Connection, company: str, item_ids: Sequence[str]) -> dict[str, list[KeptCharge]]:
    """Everything that was decided on these items, by item, the oldest first."""
    found: dict[str, list[KeptCharge]] = defaultdict(list)
    for these in _among(late_charges.c.item_id, item_ids):
        for charge in _kept(conn, company, these):
            found[charge.key.item_id].append(charge)
    return dict(found)


def charges_with(conn: Connection, company: str, *statuses: ChargeStatus) -> list[KeptCharge]:
    """The charges that stand so; without a status all of them."""
    if not statuses:
        return _kept(conn, company)
    rows = conn.execute(_WITH, {"of_company": company, "statuses": [status.value for status in statuses]})
    return [kept_of(row) for row in rows]


def charges_called(conn: Connection, company: str, beginning: str) -> list[KeptCharge]:
    """The charges whose short name begins so."""
    return _kept(conn, company, late_charges.c.charge_id.startswith(beginning, autoescape=True))


def charges_beside(conn: Connection, company: str, charge: KeptCharge) -> list[KeptCharge]:
    """The charges in the books that were written together with this one, itself among them."""
    return _kept(conn, company, late_charges.c.document_id == charge.document_id, late_charges.c.marker == charge.marker)


def waiting_keys(conn: Connection, company: str) -> frozenset[str]:
    """The keys of what waits for a person's yes, as they stand among the approvals."""
    return frozenset(str(charge.key) for charge in charges_with(conn, company, ChargeStatus.WAITING, ChargeStatus.REFUSED))


def decide(conn: Connection, company: str, due: Sequence[tuple[OpenItem, ChargeDue, bool]], as_of: date, at: datetime) -> list[KeptCharge]:
    """Claim the charges that are due, each by its key: item, charge, and whether a person has to say yes. What was decided on before stays.

    Returns those that are new.
    """
    c = late_charges.c
    known: set[str] = set()
    for these in _among(c.charge_key, [str(charge.key) for _, charge, _ in due]):
        standing = (c.company == company, c.status != ChargeStatus.DROPPED.value)
        known |= set(conn.execute(select(c.charge_key).where(*standing, these)).scalars())
    rows = []
    for item, charge, asks in due:
        if str(charge.key) not in known:
            status = ChargeStatus.WAITING if asks else ChargeStatus.APPROVED
            rows.append({**values_of(company, item, charge, as_of), "status": status.value, "changed_at": at})
    if rows:
        conn.execute(upsert(conn.dialect, late_charges, keep=("refusals",)), rows)
    new = _kept_by_key(conn, company, [row["charge_key"] for row in rows])
    append(conn, company, at, [("charge_decided", {**_told(one), "calculation": one.lines(), "status": one.status.value}) for one in new])
    return new


def take_approvals(conn: Connection, company: str, at: datetime, *, everything: bool = False) -> None:
    """What a person said yes to may be written; with `everything` all that never needed a person, because the policy asks no longer."""
    c, said = late_charges.c, given_approvals(conn, company)
    for charge in charges_with(conn, company, ChargeStatus.WAITING, ChargeStatus.REFUSED):
        key = str(charge.key)
        if key in said or (everything and charge.status is ChargeStatus.WAITING):
            approved = update(late_charges).where(c.company == company, c.charge_key == key)
            conn.execute(approved.values(status=ChargeStatus.APPROVED.value, said_by=said.get(key, "the policy"), changed_at=at))
            forget_proposals(conn, company, [key])


def drop(conn: Connection, company: str, dropped: Sequence[tuple[KeptCharge, str]], at: datetime) -> None:
    """Charges that are not in the books are not owed as they were decided, and why; they count as never decided."""
    for charge, why in dropped:
        _set_status(conn, company, [charge], ChargeStatus.DROPPED, at, detail=why)
    forget_proposals(conn, company, [str(charge.key) for charge, _ in dropped])
    append(conn, company, at, [("charge_dropped", {**_told(charge), "why": why}) for charge, why in dropped])


def reverse(conn: Connection, company: str, charge: KeptCharge, amount: Money, why: str, by: str, at: datetime) -> None:
    """So much of a charge in the books is to be taken back; at most what is left of it."""
    less = min(amount, charge.amount - charge.reversed)
    c = late_charges.c
    this = update(late_charges).where(c.company == company, c.charge_key == str(charge.key))
    conn.execute(this.values(reversed_minor=c.reversed_minor + less.minor, detail=why, changed_at=at))
    mark_items(conn, company, [charge.key.item_id])
    told = {**_told(charge), "less": str(less), "why": why, "by": by}
    append(conn, company, at, [("charge_reversed", told)])


def waive(conn: Connection, company: str, charge: KeptCharge, why: str, by: str, at: datetime) -> None:
    """A person waives a charge that is not in the books: its days are dealt with, and never charged again."""
    _set_status(conn, company, [charge], ChargeStatus.WAIVED, at, detail=why, said_by=by)
    forget_proposals(conn, company, [str(charge.key)])
    append(conn, company, at, [("charge_waived", {**_told(charge), "why": why, "by": by})])


# What is written into the books


def sums_to_write(conn: Connection, company: str) -> list[Money]:
    """What the charges come to that a run would write: those approved, one amount a currency."""
    c = late_charges.c
    asked = select(approvals.c.claim_key).where(approvals.c.company == company, approvals.c.approved_at.is_not(None))
    may = c.status.in_([ChargeStatus.APPROVED.value, ChargeStatus.WRITING.value]) | c.charge_key.in_(asked)
    query = select(c.currency, func.sum(c.amount_minor)).where(c.company == company, may, c.status.not_in(_OVER)).group_by(c.currency)
    return [Money.from_minor(int(minor), currency) for currency, minor in conn.execute(query.order_by(c.currency))]


_OVER = [ChargeStatus.MADE.value, ChargeStatus.DROPPED.value, ChargeStatus.WAIVED.value]


def begin_writing(conn: Connection, company: str, charges: Sequence[KeptCharge], marker: str, on: date, at: datetime) -> None:
    """To be committed before the ledger is asked: these are being written together, under this marker, dated so."""
    _set_status(conn, company, charges, ChargeStatus.WRITING, at, marker=marker, charged_on=on)


def settle_made(conn: Connection, company: str, charges: Sequence[KeptCharge], made: ChargeMade, at: datetime) -> None:
    """The ledger says that they stand in the books, and where."""
    values = {"document_id": made.document_id, "document_number": made.number, "on_invoice": made.on_invoice}
    _set_status(conn, company, charges, ChargeStatus.MADE, at, total_minor=made.amount.minor, detail="", **values)
    mark_items(conn, company, [charge.key.item_id for charge in charges])
    told = {"marker": made.marker, "document": made.document_id, "document_number": made.number, "on_invoice": made.on_invoice}
    append(conn, company, at, [("charge_made", {**_told(one), **told, "total": str(made.amount)}) for one in charges])


def settle_refused(conn: Connection, company: str, charges: Sequence[KeptCharge], why: str, at: datetime) -> None:
    """The ledger does not take them; they wait for a person, who may approve them again or waive them."""
    refusals = late_charges.c.refusals + 1
    _set_status(conn, company, charges, ChargeStatus.REFUSED, at, marker="", charged_on=None, detail=why, refusals=refusals)
    append(conn, company, at, [("charge_refused", {**_told(charge), "why": why}) for charge in charges])


def free_writing(conn: Connection, company: str, charges: Sequence[KeptCharge], at: datetime) -> None:
    """The ledger says that they are not in the books: they are to be written as if nobody had tried."""
    _set_status(conn, company, charges, ChargeStatus.APPROVED, at, marker="", charged_on=None)


def remember_amounts(conn: Connection, company: str, invoices: Iterable[Invoice]) -> None:
    """The amounts of invoices that bear a line of ours, as the ledger has them now."""
    rows = [values for invoice in invoices for values in document_values(invoice)]
    set_to = [{"of_item": row["item_id"], "whole": row["total_minor"], "rest": row["outstanding_minor"]} for row in rows]
    execute_many(conn, _SET_AMOUNTS, [{"of_company": company, **row} for row in set_to])


def documents_of(conn: Connection, company: str, document_ids: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """How documents of ours stand in the books: status and what is open in minor units, of each instalment."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    c = items.c
    for these in _among(c.invoice_id, [key for key in document_ids if key]):
        query = select(c.invoice_id, c.status, c.outstanding_minor).where(c.company == company, c.is_late_charge.is_(True), these)
        for key, status, rest in conn.execute(query):
            found[key].append((status, rest))
    return dict(found)


def _set_status(conn: Connection, company: str, charges: Sequence[KeptCharge], status: ChargeStatus, at: datetime, **more: Any) -> None:
    c = late_charges.c
    for these in _among(c.charge_key, [str(charge.key) for charge in charges]):
        conn.execute(update(late_charges).where(c.company == company, these).values(status=status.value, changed_at=at, **more))


def _kept(conn: Connection, company: str, *these: ColumnElement[bool]) -> list[KeptCharge]:
    c = late_charges.c
    query = select(late_charges).where(c.company == company, *these).order_by(*_ORDER)
    return [kept_of(row) for row in conn.execute(query)]


def _kept_by_key(conn: Connection, company: str, keys: Sequence[str]) -> list[KeptCharge]:
    return [charge for these in _among(late_charges.c.charge_key, keys) for charge in _kept(conn, company, these)]


def _told(charge: KeptCharge) -> dict[str, Any]:
    """What the audit trail says of a charge."""
    whose = {"item": charge.key.item_id, "number": charge.number, "customer": charge.customer_id}
    what = {"rule": charge.key.rule, "period": charge.key.period, "first": charge.first, "last": charge.last}
    return {"charge": charge.id, **whose, **what, "amount": str(charge.amount)}


def _among(column: ColumnElement[str], values: Iterable[str]) -> list[ColumnElement[bool]]:
    ordered = sorted(set(values))
    return [column.in_(ordered[start : start + _CHUNK]) for start in range(0, len(ordered), _CHUNK)]
