"""Rows of the database ⇄ values of the vocabulary. Plain tuples on the hot path, no mapped objects."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement

from ..dunning.facts import Hold, HoldKind, ItemFacts, LevelState
from ..money import Money
from ..receivables import Contact, ContactRole, CreditKind, Customer, EarlyDiscount, Invoice, OpenItem, UnappliedCredit, item_id
from .tables import holds, items, unapplied_credits

ITEM_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    items.c[name]
    for name in [
        "item_id",
        "invoice_id",
        "number",
        "customer_id",
        "issued_on",
        "due_date",
        "currency",
        "total_minor",
        "outstanding_minor",
        "ordinal",
        "instalment_count",
        "contact_id",
        "reference",
        "disputed",
        "do_not_chase",
        "page_url",
        "version",
        "is_late_charge",
        "level_key",
        "level_days",
        "level_on",
        "level_sends",
        "cycle",
        "open_attempt",
        "task_key",
        "discount_until",
        "discount_minor",
    ]
)

_NO_LEVEL = LevelState()


def item_facts(row: Sequence[Any]) -> ItemFacts:
    """The facts of a row of ITEM_COLUMNS."""
    (key, invoice_id, number, customer_id, issued_on, due_date, currency, total, outstanding, ordinal, count, contact_id) = row[:12]
    (reference, disputed, do_not_chase, page_url, version, is_late_charge) = row[12:18]
    (level_key, level_days, level_on, sends, cycle, open_attempt, task_key, discount_until, discount) = row[18:27]
    whole = Money.from_minor(total, currency)
    item = OpenItem(
        key,
        invoice_id,
        number,
        customer_id,
        issued_on,
        due_date,
        whole,
        whole if outstanding == total else Money.from_minor(outstanding, currency),
        ordinal,
        count,
        contact_id,
        reference,
        disputed,
        do_not_chase,
        page_url,
        version,
        is_late_charge,
        EarlyDiscount(discount_until, Money.from_minor(discount, currency)) if discount_until is not None else None,
    )
    state = LevelState(level_key, level_days, level_on, sends) if level_key else _NO_LEVEL
    return ItemFacts(item, state, cycle, open_attempt, task_key)


def facts_beside(item: OpenItem, row: Mapping[str, Any]) -> ItemFacts:
    """An item as the ledger has it now, with what its row says we did about it."""
    state = LevelState(row["level_key"], row["level_days"], row["level_on"], row["level_sends"]) if row["level_key"] else _NO_LEVEL
    return ItemFacts(item, state, row["cycle"], row["open_attempt"], row["task_key"])


def document_values(invoice: Invoice) -> list[dict[str, Any]]:
    """What the ledger says of each instalment of an invoice, as columns of the table of items."""
    return [
        {
            "item_id": item_id(invoice.id, part.ordinal),
            "invoice_id": invoice.id,
            "number": invoice.number,
            "customer_id": invoice.customer_id,
            "ordinal": part.ordinal,
            "instalment_count": len(invoice.instalments),
            "issued_on": invoice.issued_on,
            "due_date": part.due_date,
            "currency": part.total.currency,
            "total_minor": part.total.minor,
            "outstanding_minor": part.outstanding.minor,
            "status": item_status(invoice, part.outstanding),
            "contact_id": invoice.contact_id,
            "reference": invoice.reference,
            "disputed": invoice.disputed,
            "do_not_chase": invoice.do_not_chase,
            "page_url": invoice.page_url,
            "version": invoice.version,
            "is_late_charge": invoice.is_late_charge,
            "ledger_late_fee": invoice.ledger_late_fee,
            "discount_until": invoice.early_discount.last_on if invoice.early_discount else None,
            "discount_minor": invoice.early_discount.amount.minor if invoice.early_discount else None,
            "settled_on": invoice.settled_on,
        }
        for part in invoice.instalments
    ]


OPEN, SETTLED, GONE = "open", "paid", "deleted"


def item_status(invoice: Invoice, outstanding: Money) -> str:
    """The status of an instalment: the invoice's, but an instalment of an open invoice with nothing outstanding is settled."""
    return SETTLED if invoice.status == OPEN and not outstanding.is_positive else invoice.status.value


def customer_values(customer: Customer) -> dict[str, Any]:
    """The columns of a customer."""
    contacts = [[c.id, c.name, c.email, c.phone, c.role.value, c.language] for c in customer.contacts]
    data: list[Any] = [customer.email, customer.phone, customer.language, customer.country, list(customer.groups), contacts]
    data += [customer.procedure, customer.do_not_chase, customer.is_business, customer.version]
    return {
        "customer_id": customer.id,
        "name": customer.name,
        "parent_id": customer.parent_id,
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
    }


def customer_of(customer_id: str, name: str, parent_id: str, data: str) -> Customer:
    """A customer from its columns."""
    email, phone, language, country, tags, contacts, procedure, do_not_chase, is_business, version = json.loads(data)
    people = tuple(Contact(c[0], c[1], c[2], c[3], ContactRole(c[4]), c[5]) for c in contacts)
    return Customer(
        customer_id, name, email, phone, language, country, tuple(tags), parent_id, people, procedure, do_not_chase, is_business, version
    )


HOLD_COLUMNS = (
    holds.c.hold_id,
    holds.c.kind,
    holds.c.customer_id,
    holds.c.reason,
    holds.c.invoice_id,
    holds.c.until,
    holds.c.made_by,
)


def hold_of(row: Sequence[Any]) -> Hold:
    """A hold from a row of HOLD_COLUMNS."""
    return Hold(row[0], HoldKind(row[1]), *row[2:])


CREDIT_COLUMNS = tuple(
    unapplied_credits.c[name] for name in ("credit_id", "customer_id", "kind", "remaining_minor", "currency", "number", "dated_on")
)


def credit_of(row: Sequence[Any]) -> UnappliedCredit:
    """An unallocated credit from a row of CREDIT_COLUMNS."""
    return UnappliedCredit(row[0], row[1], CreditKind(row[2]), Money.from_minor(row[3], row[4]), row[5], row[6])
