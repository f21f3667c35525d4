"""The last look before acting: the items as they are in the ledger now. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from ..policy.schema import Policy
from ..receivables import Invoice, OpenItem, UnappliedCredit, open_items
from .facts import Action, ActionItem, Hold, Skipped, SkipReason, TaskKind
from .grouping import covered_currencies, narrowed
from .holds import stop_of_holds


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What is left of an action (None: nothing), and what fell out of it and why."""

    action: Action | None
    dropped: tuple[Skipped, ...]


def judge_again(
    action: Action,
    invoices: Mapping[str, Invoice],
    unapplied: tuple[UnappliedCredit, ...] | None,
    holds: tuple[Hold, ...],
    policy: Policy,
    as_of: date,
) -> Rechecked:
    """Proceed with what is still owed, at the amount that is owed now; drop what was paid, voided, disputed, held or
    given another due date since the plan.

    `unapplied` are the customer's unallocated credits now, None when the ledger cannot say; then those of the plan stand.
    """
    kept: list[ActionItem] = []
    dropped: list[Skipped] = []
    for entry in action.items:
        fresh = _fresh(entry.item, invoices)
        why = _why_not(entry.item, fresh, invoices, holds, policy, as_of)
        if fresh is None or why is not None:
            dropped.append(_dropped(entry, *(why or (SkipReason.GONE, ""))))
        else:
            kept.append(replace(entry, item=fresh))
    known = action.credits if unapplied is None else unapplied
    if action.task is not TaskKind.DECIDE:
        covered = covered_currencies((entry.item.outstanding for entry in kept), known)
        dropped += [
            _dropped(e, SkipReason.COVERED_BY_CREDIT, "credit came in meanwhile") for e in kept if e.item.outstanding.currency in covered
        ]
        kept = [entry for entry in kept if entry.item.outstanding.currency not in covered]
    return Rechecked(narrowed(action, kept, known) if kept else None, tuple(dropped))


def _dropped(entry: ActionItem, reason: SkipReason, detail: str) -> Skipped:
    return Skipped(entry.item.id, entry.item.number, entry.item.customer_id, reason, detail)


def _fresh(item: OpenItem, invoices: Mapping[str, Invoice]) -> OpenItem | None:
    invoice = invoices.get(item.invoice_id)
    return next((fresh for fresh in open_items(invoice) if fresh.id == item.id), None) if invoice else None


def _why_not(
    planned: OpenItem, fresh: OpenItem | None, invoices: Mapping[str, Invoice], holds: tuple[Hold, ...], policy: Policy, as_of: date
) -> tuple[SkipReason, str] | None:
    invoice = invoices.get(planned.invoice_id)
    if invoice is None:
        return SkipReason.GONE, "it is no longer in the books"
    if fresh is None:
        return SkipReason.SETTLED_MEANWHILE, f"it is {invoice.status.value if invoice.status.value != 'open' else 'paid'} in the books now"
    if fresh.is_late_charge:
        return SkipReason.LATE_CHARGE, "it is a late charge of our own"
    if fresh.do_not_chase:
        return SkipReason.LEDGER_SAYS_NO, fresh.do_not_chase
    if fresh.disputed:
        return SkipReason.DISPUTED, fresh.disputed
    if fresh.due_date != planned.due_date:
        return SkipReason.CHANGED_MEANWHILE, f"its due date moved to {fresh.due_date}"
    if fresh.customer_id != planned.customer_id or fresh.outstanding.currency != planned.outstanding.currency:
        return SkipReason.CHANGED_MEANWHILE, "its customer or currency changed"
    limit = policy.tolerance.get(fresh.outstanding.currency)
    if limit is not None and fresh.outstanding.amount <= limit:
        return SkipReason.WITHIN_TOLERANCE, f"only {fresh.outstanding} is left"
    stop = stop_of_holds(fresh, holds, policy, as_of)
    return (stop.reason, stop.detail) if stop else None
