"""The last look before acting: the items as they are in the ledger now. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from ..policy.schema import Policy
from ..receivables import Invoice, OpenItem, UnappliedCredit, open_items
from .facts import Action, ActionItem, Hold, Skipped, SkipReason
from .grouping import action_key
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
    """Proceed with what is still owed, at the amount that is owed now; drop what was paid, voided, disputed or held since the plan.

    `unapplied` are the customer's unallocated credits now, None when the ledger cannot say; then those of the plan stand.
    """
    kept: list[ActionItem] = []
    dropped: list[Skipped] = []
    for entry in action.items:
        fresh = _fresh(entry.item, invoices)
        why = _why_not(entry.item, fresh, invoices, holds, policy, as_of)
        if why is not None or fresh is None:
            dropped.append(Skipped(entry.item.id, entry.item.number, entry.item.customer_id, *(why or (SkipReason.GONE, ""))))
        else:
            kept.append(replace(entry, item=fresh))
    known = action.credits if unapplied is None else unapplied
    covered = _covered(kept, known)
    dropped += [
        Skipped(e.item.id, e.item.number, e.item.customer_id, SkipReason.COVERED_BY_CREDIT, "credit came in meanwhile") for e in covered
    ]
    kept = [entry for entry in kept if entry not in covered]
    if not kept:
        return Rechecked(None, tuple(dropped))
    currencies = {entry.item.outstanding.currency for entry in kept}
    shown = tuple(sorted((c for c in known if c.remaining.currency in currencies), key=lambda c: c.id))
    return Rechecked(replace(action, items=tuple(kept), credits=shown, key=action_key(action.kind, kept)), tuple(dropped))


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
    if fresh.do_not_chase:
        return SkipReason.LEDGER_SAYS_NO, fresh.do_not_chase
    if fresh.disputed:
        return SkipReason.DISPUTED, fresh.disputed
    if fresh.due_date > planned.due_date:
        return SkipReason.CHANGED_MEANWHILE, f"its due date moved to {fresh.due_date}"
    if fresh.customer_id != planned.customer_id or fresh.outstanding.currency != planned.outstanding.currency:
        return SkipReason.CHANGED_MEANWHILE, "its customer or currency changed"
    limit = policy.tolerance.get(fresh.outstanding.currency)
    if limit is not None and fresh.outstanding.amount <= limit:
        return SkipReason.WITHIN_TOLERANCE, f"only {fresh.outstanding} is left"
    stop = stop_of_holds(fresh, holds, policy, as_of)
    return (stop.reason, stop.detail) if stop else None


def _covered(entries: list[ActionItem], unapplied: tuple[UnappliedCredit, ...]) -> list[ActionItem]:
    covered: list[ActionItem] = []
    for currency in {entry.item.outstanding.currency for entry in entries}:
        owed = [entry for entry in entries if entry.item.outstanding.currency == currency]
        credit = sum(c.remaining.amount for c in unapplied if c.remaining.currency == currency)
        if credit and credit >= sum(entry.item.outstanding.amount for entry in owed):
            covered += owed
    return covered
