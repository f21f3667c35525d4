"""Everything that the history keeps about some customers: under which keys it stands, and how it reads."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from .tables import (
    attempts,
    audit,
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

OF_CUSTOMERS: tuple[Table, ...] = (
    *(customers, items, unapplied_credits, attempts, holds, work_list, write_backs, late_charges, credits_wanted),
)
"""The tables whose rows name a customer."""

_KEYS: Mapping[str, str] = {
    "customer": "customers",
    "customer_id": "customers",
    "item": "items",
    "invoice": "invoices",
    "invoice_id": "invoices",
    "attempt": "attempts",
    "hold_id": "holds",
    "holds": "holds",
    "task": "tasks",
}
"""In the audit trail: the names under which such keys stand."""


@dataclass(frozen=True, slots=True)
class About:
    """The keys under which customers stand in the history; `called` are their names and telephone numbers and those of their people."""

    customers: frozenset[str]
    items: frozenset[str]
    invoices: frozenset[str]
    attempts: frozenset[str]
    holds: frozenset[str]
    tasks: frozenset[str]
    called: frozenset[str]
    emails: frozenset[str]

    @classmethod
    def of(cls, conn: Connection, company: str, customer_ids: Sequence[str]) -> "About":
        """Look them up; at most some hundred customers at a time."""

        def keys(column: ColumnElement[str], table: Table) -> frozenset[str]:
            return frozenset(conn.execute(select(column).where(*_these(table, company, customer_ids))).scalars())

        names = keys(customers.c.name, customers)
        written_to = keys(attempts.c.recipient, attempts)
        contacts, emails = _contacts(keys(customers.c.data, customers))
        return cls(
            frozenset(customer_ids),
            keys(items.c.item_id, items),
            keys(items.c.invoice_id, items),
            keys(attempts.c.attempt_id, attempts),
            keys(holds.c.hold_id, holds),
            keys(work_list.c.task_id, work_list),
            frozenset(name for name in names | contacts if name),
            frozenset(address.casefold() for address in emails | written_to if address),
        )

    def is_in(self, data: Mapping[str, Any]) -> bool:
        """Whether an entry of the audit trail is about them."""
        for key, kind in _KEYS.items():
            said = data.get(key)
            named = said if isinstance(said, list) else [said]
            if not getattr(self, kind).isdisjoint(one for one in named if isinstance(one, str)):
                return True
        return False


def rows_about(conn: Connection, company: str, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every row about one customer as it stands, by table, with the entries of the audit trail: for the customer, who may ask for it."""
    about = About.of(conn, company, [customer_id])
    found = {table.name: _rows(conn, table, *_these(table, company, [customer_id])) for table in OF_CUSTOMERS}
    for row in found["customers"]:
        row["data"] = json.loads(row["data"])
    paid = (told_payments.c.company == company, told_payments.c.invoice_id.in_(sorted(about.invoices)))
    refused = (bad_addresses.c.company == company, bad_addresses.c.email.in_(sorted(about.emails)))
    found |= {"told_payments": _rows(conn, told_payments, *paid), "bad_addresses": _rows(conn, bad_addresses, *refused)}
    trail = [{"seq": seq, "at": at, "kind": kind, "data": data} for seq, at, kind, data in entries(conn, company) if about.is_in(data)]
    return {name: rows for name, rows in (found | {"audit": trail}).items() if rows}


def entries(conn: Connection, company: str) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """The audit trail from its start: number, instant, kind and facts."""
    query = select(audit.c.seq, audit.c.at, audit.c.kind, audit.c.data).where(audit.c.company == company).order_by(audit.c.seq)
    for seq, at, kind, data in conn.execute(query):
        yield seq, at, kind, json.loads(data)


def _these(table: Table, company: str, customer_ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return (table.c.company == company, table.c.customer_id.in_(customer_ids))


def _rows(conn: Connection, table: Table, *these: ColumnElement[bool]) -> list[dict[str, Any]]:
    return [row._asdict() for row in conn.execute(select(table).where(*these).order_by(*table.primary_key))]


def _contacts(texts: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Names and telephone numbers, and addresses, out of the customers' data (see rows.customer_values)."""
    names: set[str] = set()
    emails: set[str] = set()
    for text in texts:
        email, phone, _, _, _, contacts, *_ = json.loads(text)
        emails |= {email, *(contact[2] for contact in contacts)}
        names |= {phone, *(contact[1] for contact in contacts), *(contact[3] for contact in contacts)}
    return frozenset(names), frozenset(emails)
