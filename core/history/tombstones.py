"""Customers whose personal data were erased stay erased: what a later reading says of them is kept without names, until their ledger shows
something open of them again."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from ..port import Page
from ..receivables import Customer, Invoice, open_items
from .database import OF_COMPANY, upsert
from .hosting_tables import erased_customers as table

_CHUNK = 900
_ANY = select(table.c.customer_digest).where(table.c.company == OF_COMPANY).limit(1)
_ANY_BACK = _ANY.where(table.c.is_back.is_(True))


def digest_of(company: str, customer_id: str) -> str:
    """By which an erased customer is known again. Whoever has the ledger, or guesses what it calls a customer, can compute it, too."""
    return hashlib.sha256(f"{company}|{customer_id}".encode()).hexdigest()


def pseudonym_of(company: str, customer_id: str) -> str:
    """What stands for an erased customer in place of the ledger's own name or number."""
    return f"erased-{digest_of(company, customer_id)[:16]}"


def bury(conn: Connection, company: str, customer_ids: Iterable[str], at: datetime) -> None:
    """From now on these are erased."""
    rows = [
        {"company": company, "customer_digest": digest_of(company, key), "pseudonym": pseudonym_of(company, key), "is_back": False}
        for key in sorted(set(customer_ids))
    ]
    if rows:
        conn.execute(upsert(conn.dialect, table), [{**row, "erased_at": at} for row in rows])


def buried_digests(conn: Connection, company: str) -> frozenset[str]:
    """The digests of everybody who was erased and is not back."""
    query = select(table.c.customer_digest).where(table.c.company == company, table.c.is_back.is_(False))
    return frozenset(conn.execute(query).scalars())


def without_erased(conn: Connection, company: str, page: Page) -> Page:
    """The page with pseudonyms and no texts where it tells of erased customers. Those of whom it shows something open are back."""
    if not _has_erased(conn, company):
        return page
    told = {customer.id for customer in page.customers} | {customer.parent_id for customer in page.customers}
    for documents in (page.invoices, page.credit_notes, page.payments, page.contacts_made):
        told |= {one.customer_id for one in documents}
    gone = _still_gone(conn, company, told, page.invoices)
    _forget(conn, company, [customer.id for customer in page.customers if customer.id not in gone])
    return replace(
        page,
        customers=tuple(_with_parent(one, gone) for one in page.customers if one.id not in gone),
        invoices=tuple(_unnamed(one, gone) for one in page.invoices),
        credit_notes=tuple(replace(one, customer_id=gone.get(one.customer_id, one.customer_id)) for one in page.credit_notes),
        payments=tuple(
            replace(one, customer_id=gone[one.customer_id], reference="") if one.customer_id in gone else one for one in page.payments
        ),
        contacts_made=tuple(one for one in page.contacts_made if one.customer_id not in gone),
    )


def unnamed(conn: Connection, company: str, found: Sequence[Invoice]) -> Sequence[Invoice]:
    """The same for invoices alone."""
    if not _has_erased(conn, company):
        return found
    gone = _still_gone(conn, company, {one.customer_id for one in found}, found)
    return [_unnamed(one, gone) for one in found]


def names_wanted(conn: Connection, company: str) -> bool:
    """Whether customers are back whose names no reading has brought yet: a complete one does."""
    return conn.execute(_ANY_BACK, {"of_company": company}).first() is not None


def names_were_looked_for(conn: Connection, company: str) -> None:
    """A complete pass came to its end; whom it did not describe, no other one will."""
    conn.execute(delete(table).where(table.c.company == company, table.c.is_back.is_(True)))


def _has_erased(conn: Connection, company: str) -> bool:
    return conn.execute(_ANY, {"of_company": company}).first() is not None


def _still_gone(conn: Connection, company: str, told: Iterable[str], invoices: Sequence[Invoice]) -> Mapping[str, str]:
    """The pseudonyms of those among the customers told of who are erased. Who has something open here is not, from now on."""
    by_digest = {digest_of(company, key): key for key in told}
    owing = {digest_of(company, one.customer_id) for one in invoices if open_items(one)}
    gone: dict[str, str] = {}
    for these in _chunks(by_digest):
        rows = select(table.c.customer_digest, table.c.pseudonym).where(table.c.company == company, table.c.is_back.is_(False))
        gone |= {row[0]: row[1] for row in conn.execute(rows.where(table.c.customer_digest.in_(these)))}
    for these in _chunks(owing & gone.keys()):
        conn.execute(update(table).where(table.c.company == company, table.c.customer_digest.in_(these)).values(is_back=True))
    return {by_digest[key]: pseudonym for key, pseudonym in gone.items() if key not in owing}


def _forget(conn: Connection, company: str, customer_ids: Sequence[str]) -> None:
    """Who is back and described needs no tombstone."""
    for these in _chunks({digest_of(company, key) for key in customer_ids}):
        conn.execute(delete(table).where(table.c.company == company, table.c.is_back.is_(True), table.c.customer_digest.in_(these)))


def _unnamed(invoice: Invoice, gone: Mapping[str, str]) -> Invoice:
    if invoice.customer_id not in gone:
        return invoice
    pseudonym = gone[invoice.customer_id]
    return replace(invoice, customer_id=pseudonym, contact_id="", reference="", disputed="", do_not_chase="", page_url="")


def _with_parent(customer: Customer, gone: Mapping[str, str]) -> Customer:
    return replace(customer, parent_id=gone[customer.parent_id]) if customer.parent_id in gone else customer


def _chunks(keys: Iterable[str]) -> list[list[str]]:
    ordered = sorted(keys)
    return [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]
