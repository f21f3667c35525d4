"""The facts of late charges, built in bulk for the items that are looked at: what was owed on each day, what stands in the way, what was
charged and announced before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from ..dunning.charge_facts import ChargeFacts, ChargeRecord, balances_of, principal_of
from ..dunning.facts import Hold
from ..dunning.grouping import covered_currencies
from ..dunning.interest import InterestPaid
from ..dunning.plan import Rulebook
from ..dunning.procedures import Ladder, UnknownProcedure
from ..money import Money
from ..policy.schema import OldDebt
from ..receivables import Allocation, CreditKind, Customer, OpenItem, UnappliedCredit
from .charge_rows import ChargeStatus, KeptCharge
from .charges import announced_days, charges_of, documents_of
from .credits import CreditStatus, KeptCredit, credits_of
from .read import NEVER_OWED, credits_by_customer, customers_by_id, holds_by_customer
from .rows import GONE, ITEM_COLUMNS, item_facts
from .tables import allocations, items, unapplied_credits

BATCH_ITEMS = 500


def charge_facts(conn: Connection, company: str, item_ids: Sequence[str], rulebook: Rulebook, as_of: date) -> Iterator[ChargeFacts]:
    """The facts of these items, open or not, by what is known on `as_of`; documents of our own have none."""
    for start in range(0, len(item_ids), BATCH_ITEMS):
        yield from _Batch.read(conn, company, item_ids[start : start + BATCH_ITEMS]).facts(rulebook, as_of)


@dataclass(frozen=True, slots=True)
class Used:
    """What was used on an invoice, and the day on which it had come in, where the books say."""

    allocation: Allocation
    came_on: date | None


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: Sequence[Any]
    parts: Mapping[str, Sequence[tuple[int, int]]]
    used: Mapping[str, Sequence[Used]]
    customers: Mapping[str, Customer]
    holds: Mapping[str, tuple[Hold, ...]]
    credits: Mapping[str, tuple[UnappliedCredit, ...]]
    charges: Mapping[str, Sequence[KeptCharge]]
    taken_back: Mapping[str, Sequence[KeptCredit]]
    documents: Mapping[str, Sequence[tuple[str, int]]]
    paid_on: Mapping[str, Sequence[Used]]
    announced: Mapping[str, Mapping[str, date]]

    @classmethod
    def read(cls, conn: Connection, company: str, item_ids: Sequence[str]) -> "_Batch":
        query = select(*ITEM_COLUMNS, items.c.status, items.c.ledger_late_fee).where(items.c.company == company)
        rows = conn.execute(query.where(items.c.item_id.in_(item_ids), items.c.is_late_charge.is_(False)).order_by(items.c.item_id)).all()
        owing, invoices = sorted({row.customer_id for row in rows}), sorted({row.invoice_id for row in rows})
        charges = charges_of(conn, company, item_ids)
        documents = sorted({one.document_id for some in charges.values() for one in some if one.document_id and not one.on_invoice})
        return cls(
            rows,
            _parts(conn, company, [row.invoice_id for row in rows if row.ordinal > 1]),
            used_on(conn, company, invoices),
            customers_by_id(conn, company, owing),
            holds_by_customer(conn, company, owing),
            credits_by_customer(conn, company, owing),
            charges,
            _lines_taken_back(conn, company, item_ids),
            documents_of(conn, company, documents),
            used_on(conn, company, documents) if documents else {},
            announced_days(conn, company, item_ids),
        )

    def facts(self, rulebook: Rulebook, as_of: date) -> Iterator[ChargeFacts]:
        for row in self.rows:
            item = self._without_lines_taken_back(item_facts(row[:-2]).item)
            customer = self.customers[item.customer_id]
            charges = tuple(self._records(item.id))
            yield ChargeFacts(
                item=item,
                balances=self._balances(item, charges, as_of),
                customer=customer,
                holds=self.holds.get(item.customer_id, ()),
                charges=charges,
                announced_on=self.announced.get(item.id, {}),
                ledger_late_fee=row.ledger_late_fee,
                not_chased=not_chased(item, customer, rulebook, as_of),
                is_covered_by_credit=bool(covered_currencies([item.outstanding], self.credits.get(item.customer_id, ()))),
                is_void=row.status in NEVER_OWED,
            )

    def _balances(self, item: OpenItem, charges: Sequence[ChargeRecord], as_of: date) -> Any:
        ours = {one.credit_id for one in self.taken_back.get(item.id, ()) if one.credit_id}
        used = [one for one in self.used.get(item.invoice_id, ()) if one.allocation.source_id not in ours]
        received = {one.allocation.source_id: one.came_on for one in used if one.came_on is not None}
        earlier = sum(total for ordinal, total in self.parts.get(item.invoice_id, ()) if ordinal < item.ordinal)
        before = Money.from_minor(earlier, item.total.currency) if earlier else None
        principal = principal_of(item, charges)
        return balances_of(principal, (one.allocation for one in used), as_of, received=received, paid_before=before)

    def _without_lines_taken_back(self, item: OpenItem) -> OpenItem:
        """Lines of ours that were credited, or are to be, count as if they had never stood on the invoice: they bear no interest either."""
        for one in self.taken_back.get(item.id, ()):
            rest = item.outstanding if one.status is CreditStatus.MADE else item.outstanding - one.amount
            item = replace(item, total=item.total - one.amount, outstanding=rest)
        return item

    def _records(self, item_id: str) -> Iterator[ChargeRecord]:
        for charge in self.charges.get(item_id, ()):
            if charge.status is not ChargeStatus.DROPPED:
                standing = self.documents.get(charge.document_id, ()) if charge.document_id and not charge.on_invoice else ()
                undone = bool(standing) and all(status in NEVER_OWED for status, _ in standing)
                record = replace(charge.record(_open_of(charge, standing), is_undone=undone), paid=tuple(self._paid(charge)))
                less = [one.amount for one in self.taken_back.get(item_id, ()) if one.charge_marker == charge.marker]
                yield replace(record, line_total=record.line_total - sum(less[1:], start=less[0])) if less and record.line_total else record

    def _paid(self, charge: KeptCharge) -> Iterator[InterestPaid]:
        """What was paid on the document of a charge, without tax. A statement charges several; nobody can tell which was paid."""
        is_alone = charge.document_id and not charge.on_invoice and not charge.statement
        for one in self.paid_on.get(charge.document_id, ()) if is_alone else ():
            used = one.allocation
            if used.source_kind is CreditKind.PAYMENT:
                yield InterestPaid(min(used.allocated_on, one.came_on or used.allocated_on), _without_tax(charge, used.amount))


def _without_tax(charge: KeptCharge, paid: Money) -> Money:
    total = charge.total if charge.total is not None and charge.total.is_positive else charge.amount
    return Money.of(paid.amount * charge.amount.amount / total.amount, paid.currency)


_LESS = (CreditStatus.MADE, CreditStatus.WANTED, CreditStatus.REFUSED)


def _lines_taken_back(conn: Connection, company: str, item_ids: Sequence[str]) -> dict[str, list[KeptCredit]]:
    """The credits of lines of ours on the invoices themselves, by item: those that were made, and those that are to be."""
    known = credits_of(conn, company, item_ids)
    return {key: [one for one in some if one.charge_marker and one.status in _LESS] for key, some in known.items()}


def _open_of(charge: KeptCharge, standing: Sequence[tuple[str, int]]) -> Money | None:
    """What is open of the document of a charge; of a statement that is known when nothing is."""
    if not standing:
        return None
    rest = sum(rest for _, rest in standing)
    return Money.from_minor(rest, charge.amount.currency) if not charge.statement or not rest else None


def not_chased(item: OpenItem, customer: Customer, rulebook: Rulebook, as_of: date) -> str:
    """Why the policy leaves this item alone, in words; empty when it does not."""
    assigned = rulebook.assignments.assign(item, customer, rulebook.assignments.rules_for(customer), as_of)
    if isinstance(assigned, UnknownProcedure):
        return f"the customer's own setting names the procedure {assigned.name!r}, which the policy does not have"
    if not isinstance(assigned, Ladder):
        return assigned.reason
    go_live = rulebook.policy.go_live
    is_ignored = go_live is not None and go_live.old_debt is OldDebt.IGNORE and item.due_date < go_live.on
    return "it was due before go-live, and old debt is ignored" if is_ignored else ""


def _parts(conn: Connection, company: str, invoice_ids: Iterable[str]) -> dict[str, list[tuple[int, int]]]:
    """Ordinal and total of the instalments of these invoices."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    query = select(items.c.invoice_id, items.c.ordinal, items.c.total_minor).where(items.c.company == company, items.c.status != GONE)
    for invoice_id, ordinal, total in conn.execute(query.where(items.c.invoice_id.in_(sorted(set(invoice_ids))))):
        found[invoice_id].append((ordinal, total))
    return found


def used_on(conn: Connection, company: str, invoice_ids: Sequence[str]) -> dict[str, list[Used]]:
    """What was used on these invoices, by invoice."""
    a, c = allocations.c, unapplied_credits.c
    of_source = (c.company == a.company) & (c.credit_id == a.source_id) & (c.kind == a.source_kind)
    columns = (a.allocation_id, a.invoice_id, a.source_id, a.source_kind, a.amount_minor, a.currency, a.allocated_on, c.dated_on)
    query = select(*columns).select_from(allocations.outerjoin(unapplied_credits, of_source))
    found: dict[str, list[Used]] = defaultdict(list)
    for row in conn.execute(query.where(a.company == company, a.invoice_id.in_(invoice_ids)).order_by(a.allocation_id)):
        key, invoice_id, source, kind, minor, currency, on, came_on = row
        used = Allocation(key, invoice_id, source, CreditKind(kind), Money.from_minor(minor, currency), on)
        found[invoice_id].append(Used(used, came_on))
    return found
