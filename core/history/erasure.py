"""Erasing the personal data of customers: what keeps from it, what goes, and what stays for accounting without a name.

Regulation (EU) 2016/679 (GDPR) art. 17(1); not while the data are needed for a legal duty or a claim, art. 17(3)(b) and (e).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, delete, func, literal, select, update

from ..receivables import Customer
from .about import OF_CUSTOMERS, About, entries
from .attempts import AttemptStatus
from .audit import erase_data
from .charge_rows import ChargeStatus
from .credits import CreditStatus
from .rows import OPEN, customer_of, customer_values
from .tables import (
    attempts,
    bad_addresses,
    credits_wanted,
    customers,
    holds,
    items,
    late_charges,
    told_payments,
    unapplied_credits,
    work_list,
    write_backs,
)
from .told_payments import PaymentStatus
from .tombstones import bury, pseudonym_of

AT_A_TIME = 400
ERASED_NAME = "(erased)"
_SHORTEST_TELLTALE = 6
"""A shorter name may be a part of any word."""

_TEXTS: Mapping[Table, tuple[str, ...]] = {
    items: ("contact_id", "reference", "disputed", "do_not_chase", "page_url"),
    attempts: ("recipient", "detail", "vendor_id"),
    holds: ("reason", "outcome"),
    work_list: ("summary", "text", "outcome"),
    write_backs: ("summary", "text", "refused"),
    late_charges: ("detail",),
    credits_wanted: ("text", "why", "detail"),
    told_payments: ("link", "detail"),
}
"""Columns that may say something of a person, by table; what is not named here are keys, amounts, dates and states."""

_KEPT = frozenset(
    {
        *("customer", "customer_id", "item", "items", "invoice", "invoice_id", "number", "attempt", "hold_id", "holds", "task"),
        *("kind", "channel", "level", "notice", "status", "outstanding", "was", "was_sent", "until", "by", "made_by", "company"),
        *("charge", "rule", "period", "first", "last", "amount", "calculation", "less", "total", "marker", "on_invoice"),
        *("document", "document_number", "credit", "credit_id", "credit_number", "credited", "is_void"),
        *("payment", "provider", "id", "event", "is_live", "recorded_id", "recorded_number"),
    }
)
"""What stays of the facts of an entry of the audit trail: keys, amounts, dates and states, never an address or a text."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: how many customers, from how many entries of the audit trail, and the numbers of the entries that say so. What
    stays: how many documents without a name here, and how many notes and tasks of ours in the books."""

    customers: int = 0
    entries: int = 0
    said_by: tuple[int, ...] = ()
    documents: int = 0
    notes_in_books: int = 0


def what_keeps(conn: Connection, company: str, customer_ids: Sequence[str]) -> dict[str, list[str]]:
    """Why customers must not be erased yet, by customer; those without a reason are missing."""
    found: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(customer_ids), AT_A_TIME):
        for query in _open_matters(company, customer_ids[start : start + AT_A_TIME]):
            for row in conn.execute(query):
                found[row[0]].append(row[1])
    return dict(found)


def erase(conn: Connection, company: str, customer_ids: Sequence[str], why: str, by: str, at: datetime) -> Erased:
    """Erase the personal data of these customers, at most AT_A_TIME, whether or not anything keeps from it. `why` stays in the audit trail
    for good. Raises TrailBroken."""
    about = About.of(conn, company, customer_ids)
    names = {key: pseudonym_of(company, key) for key in customer_ids}
    left = _left_of_trail(conn, company, about, names)
    facts = {"customers": sorted(names.values()), "why": why, "by": by}
    said_by = erase_data(conn, company, at, left, facts)
    _forget_refused_addresses(conn, company, about)
    _end_work(conn, company, customer_ids, at)
    in_books = _count(conn, write_backs, company, customer_ids, write_backs.c.ledger_id != "")
    _blank(conn, company, about, names)
    _replace_customers(conn, company, names)
    bury(conn, company, names, at)
    return Erased(len(names), len(left), tuple(said_by), len(about.invoices), in_books)


def leave_no_trace(engine: Engine) -> bool:
    """After the transaction: the pages of before stand in SQLite's log until they are taken out of it. Returns whether that could be done
    now; else it happens by itself when nobody reads any more. (PostgreSQL frees them by itself, with VACUUM.)"""
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as conn:
        conn.detach()
        raw: Any = conn.connection.dbapi_connection
        busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _open_matters(company: str, ids: Sequence[str]) -> Iterable[Select[Any]]:
    """Queries for customers and what is open of them."""

    def of(table: Table, what: ColumnElement[str], *these: ColumnElement[bool]) -> Select[Any]:
        return select(table.c.customer_id, what).where(table.c.company == company, table.c.customer_id.in_(ids), *these)

    unsettled = (AttemptStatus.CLAIMED.value, AttemptStatus.SENDING.value, AttemptStatus.UNKNOWN.value)
    undecided = (ChargeStatus.WAITING, ChargeStatus.APPROVED, ChargeStatus.WRITING, ChargeStatus.REFUSED)
    undone = (CreditStatus.WAITING, CreditStatus.WANTED, CreditStatus.REFUSED)
    c = write_backs.c
    yield of(items, literal("invoice ") + items.c.number + literal(" is open"), items.c.status == OPEN)
    yield of(unapplied_credits, literal("a credit is left over"), unapplied_credits.c.remaining_minor > 0)
    yield of(holds, holds.c.kind + literal(" ") + holds.c.hold_id + literal(" has not ended"), holds.c.ended_at.is_(None))
    yield of(attempts, literal("the end of attempt ") + attempts.c.attempt_id + literal(" is not known"), attempts.c.status.in_(unsettled))
    yield of(late_charges, literal("late charge ") + late_charges.c.charge_id + literal(" waits"), late_charges.c.status.in_(undecided))
    yield of(credits_wanted, literal("a credit on ") + credits_wanted.c.number + literal(" waits"), credits_wanted.c.status.in_(undone))
    yield of(write_backs, literal("a note waits to be written into the books"), c.is_written.is_(False), c.refused == "")
    yield _waiting_payments(company, ids)
    yield _open_children(company, ids)


def _waiting_payments(company: str, ids: Sequence[str]) -> Select[Any]:
    paid = (told_payments.c.company == items.c.company) & (told_payments.c.invoice_id == items.c.invoice_id)
    waiting = told_payments.c.status.in_((PaymentStatus.TOLD.value, PaymentStatus.REFUSED.value))
    query = select(items.c.customer_id, literal("a payment for ") + items.c.number + literal(" is not in the books yet")).distinct()
    return query.join_from(items, told_payments, paid).where(items.c.company == company, items.c.customer_id.in_(ids), waiting)


def _open_children(company: str, ids: Sequence[str]) -> Select[Any]:
    """The address of a customer is used for those that belong to it, too."""
    owing = (items.c.company == customers.c.company) & (items.c.customer_id == customers.c.customer_id) & (items.c.status == OPEN)
    query = select(customers.c.parent_id, literal("invoice ") + items.c.number + literal(" of a customer that belongs to it is open"))
    return query.join_from(customers, items, owing).where(customers.c.company == company, customers.c.parent_id.in_(ids))


def _left_of_trail(conn: Connection, company: str, about: About, names: Mapping[str, str]) -> dict[int, dict[str, Any]]:
    """What is to be left of the entries that say something of these customers, by number."""
    telltale = _telltale(about)
    left: dict[int, dict[str, Any]] = {}
    for seq, _, kind, data in entries(conn, company):
        if kind == "erased":
            continue
        rest = _reduced(data, names) if about.is_in(data) else _without(data, telltale) if telltale else data
        if rest != data:
            left[seq] = rest
    return left


def _telltale(about: About) -> re.Pattern[str] | None:
    told = sorted(word for word in about.called | about.emails | about.customers if len(word) >= _SHORTEST_TELLTALE)
    return re.compile("|".join(map(re.escape, told)), re.IGNORECASE) if told else None


def _reduced(value: Any, names: Mapping[str, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _reduced(one, names, name) for name, one in value.items() if name in _KEPT}
    if isinstance(value, list):
        return [_reduced(one, names, key) for one in value]
    return names.get(value, value) if key in ("customer", "customer_id") else value


def _without(value: Any, telltale: re.Pattern[str]) -> Any:
    """The same without texts in which one of them is named."""
    if isinstance(value, dict):
        return {name: _without(one, telltale) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, telltale) for one in value]
    return "" if isinstance(value, str) and telltale.search(value) else value


def _blank(conn: Connection, company: str, about: About, names: Mapping[str, str]) -> None:
    ids = sorted(names)
    for table, columns in _TEXTS.items():
        blank: dict[str, Any] = dict.fromkeys(columns, "")
        whose = table.c.invoice_id.in_(sorted(about.invoices)) if table is told_payments else table.c.customer_id.in_(ids)
        conn.execute(update(table).where(table.c.company == company, whose).values(blank))
    c = unapplied_credits.c
    conn.execute(update(unapplied_credits).where(c.company == company, c.customer_id.in_(ids), c.kind == "payment").values(number=""))
    for table in OF_CUSTOMERS:
        if table is not customers:
            for key, pseudonym in names.items():
                conn.execute(update(table).where(table.c.company == company, table.c.customer_id == key).values(customer_id=pseudonym))


def _replace_customers(conn: Connection, company: str, names: Mapping[str, str]) -> None:
    """A row without a name for each, so that what was sent keeps its day and documents keep their owner."""
    c = customers.c
    known = {row.customer_id: row for row in conn.execute(select(customers).where(c.company == company, c.customer_id.in_(list(names))))}
    conn.execute(delete(customers).where(c.company == company, c.customer_id.in_([*names, *names.values()])))
    for key, row in known.items():
        before = customer_of(row.customer_id, row.name, row.parent_id, row.data)
        nobody = Customer(names[key], ERASED_NAME, country=before.country, is_business=before.is_business)
        dates = {"last_contact_on": row.last_contact_on, "last_contact_how": "", "known_on": row.known_on}
        conn.execute(customers.insert().values(company=company, **dates, **customer_values(nobody)))
        conn.execute(update(customers).where(c.company == company, c.parent_id == key).values(parent_id=names[key]))


def _forget_refused_addresses(conn: Connection, company: str, about: About) -> None:
    """A mailbox that another customer has, too, stays known as bad."""
    c = customers.c
    others = (c.company == company, c.customer_id.not_in(about.customers))
    for email in sorted(about.emails):
        shared = select(c.customer_id).where(*others, func.lower(c.data).contains(email, autoescape=True)).limit(1)
        if conn.execute(shared).first() is None:
            conn.execute(delete(bad_addresses).where(bad_addresses.c.company == company, bad_addresses.c.email == email))


def _end_work(conn: Connection, company: str, ids: Sequence[str], at: datetime) -> None:
    c = work_list.c
    conn.execute(update(work_list).where(c.company == company, c.customer_id.in_(ids), c.done_at.is_(None)).values(done_at=at))


def _count(conn: Connection, table: Table, company: str, ids: Sequence[str], *these: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(table.c.company == company, table.c.customer_id.in_(ids), *these)
    return int(conn.execute(query).scalar_one())
