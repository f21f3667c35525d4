"""Reading for decisions: the facts of customers, in batches, so that memory is bounded by a batch and cost follows what is due."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from ..dunning.facts import CustomerFacts, Hold, ItemFacts, LastContact
from ..receivables import Customer, DocumentStatus, UnappliedCredit
from .database import OF_COMPANY
from .rows import CREDIT_COLUMNS, GONE, HOLD_COLUMNS, ITEM_COLUMNS, OPEN, credit_of, customer_of, hold_of, item_facts
from .tables import attempts, bad_addresses, companies, customers, holds, items, unapplied_credits

BATCH_CUSTOMERS = 500
_CHUNK = 900
PERHAPS = "a mail of unknown end"

_STATE = select(*(companies.c[name] for name in ("synced_at", "last_bank_entry_on", "first_sent_at", "restored_to"))).where(
    companies.c.company == OF_COMPANY
)
_RULES = select(companies.c.rules_fingerprint).where(companies.c.company == OF_COMPANY)
_CUSTOMER = (customers.c.customer_id, customers.c.name, customers.c.parent_id, customers.c.data)


@dataclass(frozen=True, slots=True)
class BooksState:
    """How the company's books stand with us."""

    synced_at: datetime | None
    last_bank_entry_on: date | None
    first_sent_at: datetime | None
    restored_to: datetime | None = None


def books_state(conn: Connection, company: str) -> BooksState:
    """The company's own row."""
    return BooksState(*conn.execute(_STATE, {"of_company": company}).one())


def due_dates_of(conn: Connection, company: str, item_ids: Sequence[str]) -> dict[str, date]:
    """The due dates of these items, as they are known."""
    found: dict[str, date] = {}
    for start in range(0, len(item_ids), _CHUNK):
        these = items.c.item_id.in_(item_ids[start : start + _CHUNK])
        rows = conn.execute(select(items.c.item_id, items.c.due_date).where(items.c.company == company, these))
        found |= {row.item_id: row.due_date for row in rows}
    return found


def rules_judged_by(conn: Connection, company: str) -> str | None:
    """By which rules and from which day the items were judged last; empty when they never were, None when the company is not known."""
    found = conn.execute(_RULES, {"of_company": company}).scalar_one_or_none()
    return found if found is None else str(found)


def due_customers(conn: Connection, company: str, as_of: date) -> Iterator[CustomerFacts]:
    """The customers with an item that may have something due on or before `as_of`, with all their open items."""
    query = select(items.c.customer_id).where(items.c.company == company, items.c.next_action_on <= as_of).distinct()
    ids = sorted(conn.execute(query).scalars())
    for start in range(0, len(ids), BATCH_CUSTOMERS):
        yield from facts_of(conn, company, ids[start : start + BATCH_CUSTOMERS])


def all_customers(conn: Connection, company: str) -> Iterator[CustomerFacts]:
    """Every customer with open items, whatever is due."""
    for ids in open_customer_ids(conn, company):
        yield from facts_of(conn, company, ids)


def open_customer_ids(conn: Connection, company: str) -> Iterator[list[str]]:
    """The ids of the customers with open items, in batches and in order."""
    last = ""
    while True:
        where = (items.c.company == company, items.c.status == OPEN, items.c.customer_id > last)
        query = select(items.c.customer_id).where(*where).distinct().order_by(items.c.customer_id).limit(BATCH_CUSTOMERS)
        ids = list(conn.execute(query).scalars())
        if not ids:
            return
        yield ids
        last = ids[-1]


def facts_of(conn: Connection, company: str, ids: Sequence[str]) -> Iterator[CustomerFacts]:
    """The facts of these customers, a batch; those without open items are left out."""
    by_customer = _items_of(conn, company, ids)
    found = _customers(conn, company, ids)
    held = holds_by_customer(conn, company, ids)
    credit = credits_by_customer(conn, company, ids)
    parents = customers_by_id(conn, company, sorted({customer.parent_id for customer, _ in found.values() if customer.parent_id}))
    bad = bad_addresses_of(conn, company)
    perhaps = _perhaps_contacted(conn, company)
    for key in ids:
        if key in by_customer and key in found:
            customer, known = found[key]
            contact = max(filter(None, (known, perhaps.get(key))), key=lambda one: one.on, default=None)
            parent = parents.get(customer.parent_id)
            yield CustomerFacts(customer, tuple(by_customer[key]), credit.get(key, ()), held.get(key, ()), contact, bad, parent)


def _items_of(conn: Connection, company: str, ids: Sequence[str]) -> dict[str, list[ItemFacts]]:
    query = select(*ITEM_COLUMNS).where(items.c.company == company, items.c.customer_id.in_(ids), items.c.status == OPEN)
    by_customer: dict[str, list[ItemFacts]] = defaultdict(list)
    for row in conn.execute(query).all():
        by_customer[row[3]].append(item_facts(row))
    return by_customer


def _customers(conn: Connection, company: str, ids: Sequence[str]) -> dict[str, tuple[Customer, LastContact | None]]:
    query = select(*_CUSTOMER, customers.c.last_contact_on, customers.c.last_contact_how)
    rows = conn.execute(query.where(customers.c.company == company, customers.c.customer_id.in_(ids))).all()
    return {row[0]: (customer_of(*row[:4]), LastContact(row[4], row[5]) if row[4] else None) for row in rows}


def _perhaps_contacted(conn: Connection, company: str) -> dict[str, LastContact]:
    """The customers whom a mail of unknown end may have reached: for them too the gap to the next contact is kept."""
    unsure = (attempts.c.company == company, attempts.c.status.in_(("unknown", "sending")))
    query = select(attempts.c.customer_id, func.max(attempts.c.as_of)).where(*unsure).group_by(attempts.c.customer_id)
    return {customer_id: LastContact(on, PERHAPS) for customer_id, on in conn.execute(query).all()}


def customers_by_id(conn: Connection, company: str, ids: Sequence[str]) -> dict[str, Customer]:
    """The customers of these ids that are known."""
    found: dict[str, Customer] = {}
    for start in range(0, len(ids), BATCH_CUSTOMERS):
        chunk = ids[start : start + BATCH_CUSTOMERS]
        rows = conn.execute(select(*_CUSTOMER).where(customers.c.company == company, customers.c.customer_id.in_(chunk))).all()
        found |= {row[0]: customer_of(*row) for row in rows}
    return found


def known_customers(conn: Connection, company: str, ids: Sequence[str]) -> set[str]:
    """Which of these ids are of customers that are known."""
    found: set[str] = set()
    for start in range(0, len(ids), BATCH_CUSTOMERS):
        these = customers.c.customer_id.in_(ids[start : start + BATCH_CUSTOMERS])
        found.update(conn.execute(select(customers.c.customer_id).where(customers.c.company == company, these)).scalars())
    return found


def holds_by_customer(conn: Connection, company: str, ids: Sequence[str]) -> dict[str, tuple[Hold, ...]]:
    """The holds that have not ended, by customer. There are few in a company, so all are read."""
    wanted = set(ids)
    by_customer: dict[str, tuple[Hold, ...]] = {}
    query = select(*HOLD_COLUMNS).where(holds.c.company == company, holds.c.ended_at.is_(None)).order_by(holds.c.hold_id)
    for row in conn.execute(query):
        if row[2] in wanted:
            by_customer[row[2]] = (*by_customer.get(row[2], ()), hold_of(row))
    return by_customer


def credits_by_customer(conn: Connection, company: str, ids: Sequence[str]) -> dict[str, tuple[UnappliedCredit, ...]]:
    """The unallocated credits, by customer."""
    where = (unapplied_credits.c.company == company, unapplied_credits.c.customer_id.in_(ids), unapplied_credits.c.remaining_minor > 0)
    by_customer: dict[str, tuple[UnappliedCredit, ...]] = {}
    for row in conn.execute(select(*CREDIT_COLUMNS).where(*where).order_by(unapplied_credits.c.credit_id)):
        by_customer[row[1]] = (*by_customer.get(row[1], ()), credit_of(row))
    return by_customer


def bad_addresses_of(conn: Connection, company: str) -> frozenset[str]:
    """The addresses that a mail server refused, in lower case."""
    return frozenset(conn.execute(select(bad_addresses.c.email).where(bad_addresses.c.company == company)).scalars())


def open_customers(conn: Connection, company: str) -> int:
    """How many customers have open items."""
    is_open = (items.c.company == company, items.c.status == OPEN)
    return int(conn.execute(select(func.count(items.c.customer_id.distinct())).where(*is_open)).scalar_one())


def open_counts(conn: Connection, company: str, as_of: date) -> tuple[int, int, int]:
    """How many customers have open items, how many open items there are, and how many of those are overdue on `as_of`."""
    is_open = (items.c.company == company, items.c.status == OPEN)
    query = select(func.count(items.c.customer_id.distinct()), func.count()).where(*is_open)
    people, count = conn.execute(query).one()
    overdue = conn.execute(select(func.count()).select_from(items).where(*is_open, items.c.due_date < as_of)).scalar_one()
    return people, count, overdue


def open_late_charges(conn: Connection, company: str) -> int:
    """How many open items are late charges of our own."""
    charges = (items.c.company == company, items.c.status == OPEN, items.c.is_late_charge.is_(True))
    return int(conn.execute(select(func.count()).select_from(items).where(*charges)).scalar_one())


def currencies_in_books(conn: Connection, company: str) -> list[str]:
    """The currencies of the open items, in order."""
    query = select(items.c.currency).where(items.c.company == company, items.c.status == OPEN).distinct()
    return sorted(conn.execute(query).scalars())


def find_items(conn: Connection, company: str, invoice: str) -> list[Any]:
    """Every item of an invoice, by its number or its id, open or not: the whole rows."""
    query = select(items).where(items.c.company == company, (items.c.number == invoice) | (items.c.invoice_id == invoice))
    return list(conn.execute(query.order_by(items.c.ordinal)))


def is_open(conn: Connection, company: str, item: str) -> bool:
    """Whether something of this item is outstanding."""
    return conn.execute(select(items.c.status).where(items.c.company == company, items.c.item_id == item)).scalar_one_or_none() == OPEN


NEVER_OWED = frozenset({GONE, DocumentStatus.VOID.value, DocumentStatus.DRAFT.value})
"""How items stand that are not owed and never were."""


def is_owed(conn: Connection, company: str, invoice_id: str) -> bool:
    """Whether a document is or was owed, as far as the books were read: not when all of it is void, gone or a draft."""
    found = set(conn.execute(select(items.c.status).where(items.c.company == company, items.c.invoice_id == invoice_id)).scalars())
    return not found or bool(found - NEVER_OWED)


def invoices_called(conn: Connection, company: str, invoice_ids: Sequence[str]) -> dict[str, Any]:
    """Number and customer of these invoices, as far as they are known, by the ledger's id."""
    query = select(items.c.invoice_id, items.c.number, items.c.customer_id).where(items.c.company == company)
    return {row.invoice_id: row for row in conn.execute(query.where(items.c.invoice_id.in_(sorted(set(invoice_ids)))))}
