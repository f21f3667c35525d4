"""What the ledger said, stored by the ledger's ids, with what we did about it beside it. Rows and cursor change in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from ..dunning.facts import Hold, HoldKind
from ..dunning.plan import Rulebook
from ..port import Cursor, Page
from ..receivables import CreditKind, Customer, DocumentStatus, Invoice, LedgerContact, open_items
from .charge_marks import AT_ONCE, MoneyWatch, is_charging, mark_customers, mark_of
from .database import OF_COMPANY, execute_many, upsert
from .discount_marks import looks_discounted, mark_used
from .holds import active_holds, end_holds
from .read import customers_by_id, known_customers
from .rows import GONE, OPEN, SETTLED, customer_values, document_values, facts_beside
from .tables import allocations, companies, cursors, customers, items, unapplied_credits
from .tombstones import unnamed, without_erased
from .waking import Judging, wake

_STREAM = "changes"
_CHUNK = 900
_OURS = ("cycle", "level_key", "level_days", "level_on", "level_sends", "open_attempt", "task_key")
_FRESH: dict[str, Any] = {
    "cycle": 1,
    "level_key": "",
    "level_days": 0,
    "level_on": None,
    "level_sends": 0,
    "open_attempt": "",
    "task_key": "",
}

_CURSOR = select(cursors.c.cursor).where(cursors.c.company == OF_COMPANY, cursors.c.stream == _STREAM)
_PASS_NUMBER = select(companies.c.pass_number).where(companies.c.company == OF_COMPANY)
_NOTE_CONTACT = (
    update(customers)
    .where(
        customers.c.company == OF_COMPANY,
        customers.c.customer_id == bindparam("of_customer"),
        customers.c.last_contact_on.is_(None) | (customers.c.last_contact_on <= bindparam("on")),
    )
    .values(last_contact_on=bindparam("on"), last_contact_how=bindparam("how"))
)

UNKNOWN_CUSTOMER = "the books do not say who this customer is"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a page changed: how many documents it had, and which items are no longer open because they were settled."""

    documents: int
    settled: tuple[str, ...] = ()


def ensure_company(conn: Connection, company: str) -> None:
    """Make the company's own row when it is not there yet."""
    conn.execute(upsert(conn.dialect, companies, ignore=True).values(company=company))


def cursor_of(conn: Connection, company: str) -> Cursor | None:
    """Where the last stored page left off."""
    found = conn.execute(_CURSOR, {"of_company": company}).scalar_one_or_none()
    return Cursor(found) if found is not None else None


def store_page(conn: Connection, company: str, page: Page, rulebook: Rulebook, as_of: date) -> Stored:
    """Store a page of changes and its cursor, and compute anew when the items it touches have something due."""
    if page.tells_nothing:
        return _store_place(conn, company, page)
    page = without_erased(conn, company, page)
    pass_number = _begin_pass(conn, company) if page.starts_pass else _pass_number(conn, company)
    watch = MoneyWatch(conn, company, page) if is_charging(conn, company, rulebook.policy) else None
    changed = _store_customers(conn, company, page.customers, as_of)
    settled = _store_invoices(conn, company, page.invoices, rulebook, as_of, pass_number)
    _store_credits(conn, company, page, pass_number)
    mark_used(conn, company, page)
    _close_deleted(conn, company, page.deleted_ids)
    if watch is not None:
        watch.mark(conn, company)
        mark_customers(conn, company, changed)
    _store_contacts_made(conn, company, page.contacts_made)
    wake(conn, company, changed, rulebook, as_of)
    return _store_place(conn, company, page, tuple(settled))


def _store_place(conn: Connection, company: str, page: Page, settled: tuple[str, ...] = ()) -> Stored:
    conn.execute(upsert(conn.dialect, cursors).values(company=company, stream=_STREAM, cursor=page.cursor))
    if page.last_bank_entry_on:
        _note_bank_entry(conn, company, page.last_bank_entry_on)
    return Stored(len(page.invoices) + len(page.credit_notes) + len(page.payments), settled)


def store_fresh(conn: Connection, company: str, found: Sequence[Invoice], rulebook: Rulebook, as_of: date, at: datetime) -> None:
    """Store invoices as the ledger has them right now, after we wrote something into it, with what follows when they are paid."""
    known = unnamed(conn, company, found)
    settled = _store_invoices(conn, company, known, rulebook, as_of, _pass_number(conn, company))
    kept = kept_promises(conn, company, settled, at)
    wake(conn, company, sorted({promise.customer_id for promise in kept}), rulebook, as_of)


def vanished_in_pass(conn: Connection, company: str) -> tuple[int, int]:
    """How many items were known as open, and how many of them the complete pass that is ending did not see."""
    number = _pass_number(conn, company)
    is_open = (items.c.company == company, items.c.status == OPEN)
    known = conn.execute(select(func.count()).select_from(items).where(*is_open)).scalar_one()
    return known, conn.execute(select(func.count()).select_from(items).where(*is_open, items.c.pass_number < number)).scalar_one()


def close_vanished(conn: Connection, company: str) -> int:
    """Close what the complete pass did not see: it is gone from the books, and so are its credits. Returns how many items."""
    number = _pass_number(conn, company)
    gone = update(items).where(items.c.company == company, items.c.status == OPEN, items.c.pass_number < number)
    closed = conn.execute(gone.values(status=GONE, next_action_on=None, next_charge_on=AT_ONCE)).rowcount
    stale = update(unapplied_credits).where(unapplied_credits.c.company == company, unapplied_credits.c.pass_number < number)
    conn.execute(stale.values(remaining_minor=0))
    return closed


def note_synced(conn: Connection, company: str, at: datetime) -> None:
    """Remember when the books were last read to the end."""
    conn.execute(update(companies).where(companies.c.company == company).values(synced_at=at))


def note_looked_at(conn: Connection, company: str) -> None:
    """A person looked at the first plan after the history came back from a backup."""
    conn.execute(update(companies).where(companies.c.company == company, companies.c.restored_to.is_not(None)).values(restored_to=None))


def _pass_number(conn: Connection, company: str) -> int:
    return int(conn.execute(_PASS_NUMBER, {"of_company": company}).scalar_one())


def _begin_pass(conn: Connection, company: str) -> int:
    conn.execute(update(companies).where(companies.c.company == company).values(pass_number=companies.c.pass_number + 1))
    return _pass_number(conn, company)


def _note_bank_entry(conn: Connection, company: str, on: date) -> None:
    newer = (companies.c.last_bank_entry_on.is_(None)) | (companies.c.last_bank_entry_on < on)
    conn.execute(update(companies).where(companies.c.company == company, newer).values(last_bank_entry_on=on))


def _store_customers(conn: Connection, company: str, found: Sequence[Customer], as_of: date) -> list[str]:
    """Store customers as the ledger has them now. Returns the ids of those that were known and are different."""
    if not found:
        return []
    before = customers_by_id(conn, company, [customer.id for customer in found])
    ours = {"company": company, "last_contact_on": None, "last_contact_how": "", "known_on": as_of}
    rows = [{**ours, **customer_values(customer)} for customer in found]
    execute_many(conn, upsert(conn.dialect, customers, keep=("last_contact_on", "last_contact_how", "known_on")), rows)
    return sorted({customer.id for customer in found if before.get(customer.id, customer) != customer})


def _store_invoices(
    conn: Connection, company: str, found: Sequence[Invoice], rulebook: Rulebook, as_of: date, pass_number: int
) -> list[str]:
    if not found:
        return []
    known = _known_items(conn, company, [invoice.id for invoice in found])
    owing = sorted({invoice.customer_id for invoice in found})
    _add_unknown_customers(conn, company, owing, as_of)
    about = Judging.of(conn, company, owing, rulebook, as_of)
    rows = [row for invoice in found for row in _item_rows(company, invoice, known.get(invoice.id, {}), about, pass_number)]
    settled = [row["item_id"] for row in rows if row.pop("just_settled")]
    execute_many(conn, upsert(conn.dialect, items), rows)
    return settled


def _known_items(conn: Connection, company: str, invoice_ids: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """What is stored of these invoices' items: by invoice, by item."""
    known: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for start in range(0, len(invoice_ids), _CHUNK):
        query = select(items).where(items.c.company == company, items.c.invoice_id.in_(invoice_ids[start : start + _CHUNK]))
        for row in conn.execute(query).all():
            known[row.invoice_id][row.item_id] = row._asdict()
    return known


def _item_rows(
    company: str, invoice: Invoice, known: dict[str, dict[str, Any]], about: Judging, pass_number: int
) -> Iterable[dict[str, Any]]:
    still_open = {item.id: item for item in open_items(invoice)}
    values = document_values(invoice)
    for row in values:
        before = known.get(row["item_id"])
        row |= _ours(before, row["status"])
        row |= {"company": company, "pass_number": pass_number}
        row["next_charge_on"] = mark_of(before, row)
        row["look_for_discount"] = looks_discounted(before, row)
        row["just_settled"] = bool(before and before["status"] == OPEN and row["status"] == SETTLED)
        row["next_action_on"] = about.wake_on(facts_beside(still_open[row["item_id"]], row)) if row["status"] == OPEN else None
        yield row
    for key in known.keys() - {row["item_id"] for row in values}:
        gone = {"status": GONE, "pass_number": pass_number, "next_action_on": None, "next_charge_on": AT_ONCE}
        gone |= {"look_for_discount": False, "just_settled": False}
        yield {**known[key], **gone}


def _ours(before: dict[str, Any] | None, status: str) -> dict[str, Any]:
    """What we did about the item so far. A cycle ends when the item is settled; when it opens again, a new one begins."""
    if before is None:
        return _FRESH
    if before["status"] == SETTLED and status == OPEN:
        return {**_FRESH, "cycle": before["cycle"] + 1, "open_attempt": before["open_attempt"]}
    return {key: before[key] for key in _OURS}


def _add_unknown_customers(conn: Connection, company: str, ids: Sequence[str], as_of: date) -> None:
    """An invoice of a customer that the books do not describe is kept, and not chased until they do."""
    missing = set(ids) - known_customers(conn, company, ids)
    _store_customers(conn, company, [Customer(id=key, name=key, do_not_chase=UNKNOWN_CUSTOMER) for key in sorted(missing)], as_of)


def _store_credits(conn: Connection, company: str, page: Page, pass_number: int) -> None:
    rows: list[dict[str, Any]] = []
    for note in page.credit_notes:
        rest = note.remaining.minor if note.status is DocumentStatus.OPEN else 0
        rows.append(
            _credit_row(note.id, CreditKind.CREDIT_NOTE, note.customer_id, note.number, note.issued_on, note.total, rest, note.status)
        )
    for paid in page.payments:
        rest = paid.unapplied.minor if paid.status not in (DocumentStatus.VOID, DocumentStatus.DELETED, DocumentStatus.DRAFT) else 0
        rows.append(
            _credit_row(paid.id, CreditKind.PAYMENT, paid.customer_id, paid.reference, paid.paid_on, paid.amount, rest, paid.status)
        )
    if rows:
        execute_many(
            conn, upsert(conn.dialect, unapplied_credits), [{**row, "company": company, "pass_number": pass_number} for row in rows]
        )
    _forget_allocations(conn, company, page.allocations_known_of)
    if page.allocations:
        execute_many(conn, upsert(conn.dialect, allocations), [_allocation_row(company, used) for used in page.allocations])


def _forget_allocations(conn: Connection, company: str, documents: Sequence[str]) -> None:
    """Forget what was used on or of these documents: the page says it all anew."""
    for start in range(0, len(documents), _CHUNK):
        some = documents[start : start + _CHUNK]
        of_them = allocations.c.invoice_id.in_(some) | allocations.c.source_id.in_(some)
        conn.execute(delete(allocations).where(allocations.c.company == company, of_them))


def _close_deleted(conn: Connection, company: str, documents: Sequence[str]) -> None:
    """Documents that are gone from the books: their items, what was left of them, and what was used on or of them."""
    _forget_allocations(conn, company, documents)
    for start in range(0, len(documents), _CHUNK):
        some = documents[start : start + _CHUNK]
        gone = update(items).where(items.c.company == company, items.c.invoice_id.in_(some))
        conn.execute(gone.values(status=GONE, next_action_on=None, next_charge_on=AT_ONCE))
        spent = update(unapplied_credits).where(unapplied_credits.c.company == company, unapplied_credits.c.credit_id.in_(some))
        conn.execute(spent.values(remaining_minor=0, status=GONE))


def _credit_row(key: str, kind: CreditKind, customer_id: str, number: str, on: date, total: Any, rest: int, status: str) -> dict[str, Any]:
    return {
        "credit_id": key,
        "kind": kind.value,
        "customer_id": customer_id,
        "number": number,
        "dated_on": on,
        "currency": total.currency,
        "total_minor": total.minor,
        "remaining_minor": rest,
        "status": str(status),
    }


def _allocation_row(company: str, used: Any) -> dict[str, Any]:
    return {
        "company": company,
        "allocation_id": used.id,
        "invoice_id": used.invoice_id,
        "source_id": used.source_id,
        "source_kind": used.source_kind.value,
        "currency": used.amount.currency,
        "amount_minor": used.amount.minor,
        "allocated_on": used.allocated_on,
    }


def _store_contacts_made(conn: Connection, company: str, made: Sequence[LedgerContact]) -> None:
    """A mail or note by a person in the ledger counts as contact with the customer (docs/sources.md 4)."""
    for contact in made:
        note_contact(conn, company, contact.customer_id, contact.made_on, f"{contact.how}, found in the ledger")


def note_contact(conn: Connection, company: str, customer_id: str, on: date, how: str) -> None:
    """Remember the latest contact with a customer."""
    execute_many(conn, _NOTE_CONTACT, [{"of_company": company, "of_customer": customer_id, "on": on, "how": how}])


def kept_promises(conn: Connection, company: str, settled_items: Sequence[str], at: datetime) -> list[Hold]:
    """End the promises that were kept: all that they cover is settled now; of one for everything, what is chased and was due by that day.
    Returns them."""
    if not settled_items:
        return []
    where = (items.c.company == company, items.c.item_id.in_(settled_items))
    touched = set(conn.execute(select(items.c.customer_id).where(*where)).scalars())
    promises = [hold for hold in active_holds(conn, company) if hold.kind is HoldKind.PROMISE and hold.customer_id in touched]
    kept = [promise for promise in promises if _is_kept(conn, company, promise)]
    end_holds(conn, company, [promise.id for promise in kept], "kept", "puntual", at)
    return kept


def _is_kept(conn: Connection, company: str, promise: Hold) -> bool:
    covered = [items.c.company == company, items.c.customer_id == promise.customer_id]
    chased = (items.c.due_date <= (promise.until or date.max), items.c.is_late_charge.is_(False))
    covered += [items.c.invoice_id == promise.invoice_id] if promise.invoice_id else chased
    counted = select(func.count(), func.count().filter(items.c.status == OPEN)).select_from(items).where(*covered)
    known, still_open = conn.execute(counted).one()
    return bool(known) and not still_open
