"""What stops dunning of an item, whatever its ladder says. The first that matches is the reason given; the order is written once, here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ..calendar import days_after
from ..policy.schema import OldDebt, Policy
from ..receivables import Customer, OpenItem
from .facts import Hold, HoldKind, ItemFacts, SkipReason
from .procedures import Excluded, Ladder, UnknownProcedure


@dataclass(frozen=True, slots=True)
class Stop:
    """Why an item is left alone, and the last day of it where one is known."""

    reason: SkipReason
    detail: str
    until: date | None = None


def stop_of(
    facts: ItemFacts,
    customer: Customer,
    holds: Iterable[Hold],
    assigned: Ladder | Excluded | UnknownProcedure,
    policy: Policy,
    as_of: date,
) -> Stop | None:
    """The first reason to leave this item alone on `as_of`, or None."""
    item = facts.item
    return (
        _late_charge(item)
        or _before_go_live(policy, as_of)
        or _ledger_says_no(item, customer)
        or _excluded(assigned)
        or stop_of_holds(item, holds, policy, as_of)
        or _outcome_unknown(facts)
        or _within_tolerance(item, policy)
        or _old_debt(facts, policy)
    )


def stop_of_holds(item: OpenItem, holds: Iterable[Hold], policy: Policy, as_of: date) -> Stop | None:
    """The first of what people said that stops this item: a dispute, an open promise, a hold by hand."""
    if item.disputed:
        return Stop(SkipReason.DISPUTED, item.disputed)
    on_item = [hold for hold in holds if covers(hold, item)]
    return (_disputed(on_item, as_of) or _promised(on_item, policy, as_of) or _held(on_item, as_of)) if on_item else None


def covers(hold: Hold, item: OpenItem) -> bool:
    """Whether the hold is on this item: on its invoice, or on the whole customer."""
    return not hold.invoice_id or hold.invoice_id == item.invoice_id


def last_day_of_promise(promise: Hold, policy: Policy) -> date:
    """The last day on which a promise still counts as open: the promised day and the policy's grace days."""
    return days_after(promise.until, policy.promises.grace_days) if promise.until else date.max


def broken_promise_on(item: OpenItem, holds: Iterable[Hold], policy: Policy, as_of: date) -> date | None:
    """The promised day of the latest promise on this item that was not kept, or None."""
    days = [
        hold.until
        for hold in holds
        if hold.kind is HoldKind.PROMISE
        and hold.until
        and was_promised(hold, item, hold.until)
        and last_day_of_promise(hold, policy) < as_of
    ]
    return max(days, default=None)


def was_promised(promise: Hold, item: OpenItem, until: date) -> bool:
    """Whether a promise for the day `until` is about this item; one for a whole customer is about what was due by that day, not about what
    came later."""
    return covers(promise, item) and (bool(promise.invoice_id) or item.due_date <= until)


def _before_go_live(policy: Policy, as_of: date) -> Stop | None:
    if policy.go_live is None or as_of >= policy.go_live.on:
        return None
    return Stop(SkipReason.BEFORE_GO_LIVE, f"go-live is on {policy.go_live.on}", days_after(policy.go_live.on, -1))


def _late_charge(item: OpenItem) -> Stop | None:
    return Stop(SkipReason.LATE_CHARGE, "a late charge of our own is not chased by itself") if item.is_late_charge else None


def _ledger_says_no(item: OpenItem, customer: Customer) -> Stop | None:
    reason = item.do_not_chase or customer.do_not_chase
    return Stop(SkipReason.LEDGER_SAYS_NO, reason) if reason else None


def _excluded(assigned: Ladder | Excluded | UnknownProcedure) -> Stop | None:
    if isinstance(assigned, Excluded):
        return Stop(SkipReason.EXCLUDED, assigned.reason, assigned.until)
    if isinstance(assigned, UnknownProcedure):
        return Stop(
            SkipReason.NO_PROCEDURE, f"the customer's own setting names the procedure {assigned.name!r}, which the policy does not have"
        )
    return None


def _disputed(on_item: Iterable[Hold], as_of: date) -> Stop | None:
    dispute = _longest(HoldKind.DISPUTE, on_item, as_of)
    return Stop(SkipReason.DISPUTED, dispute.reason, dispute.until) if dispute else None


def _longest(kind: HoldKind, on_item: Iterable[Hold], as_of: date) -> Hold | None:
    """The hold of this kind that stops the item longest; one without an end lasts until it is released."""
    standing = [h for h in on_item if h.kind is kind and (h.until is None or h.until >= as_of)]
    return max(standing, key=lambda hold: (hold.until or date.max, hold.id), default=None)


def _promised(on_item: Iterable[Hold], policy: Policy, as_of: date) -> Stop | None:
    promises = [h for h in on_item if h.kind is HoldKind.PROMISE and last_day_of_promise(h, policy) >= as_of]
    if not promises:
        return None
    latest = max(promises, key=lambda promise: (promise.until or date.max, promise.id))
    if latest.until is None:
        return Stop(SkipReason.PROMISED, f"payment promised without a date: {latest.reason}")
    return Stop(SkipReason.PROMISED, f"payment promised for {latest.until}: {latest.reason}", last_day_of_promise(latest, policy))


def _held(on_item: Iterable[Hold], as_of: date) -> Stop | None:
    hold = _longest(HoldKind.MANUAL, on_item, as_of)
    return Stop(SkipReason.HELD, hold.reason, hold.until) if hold else None


def _outcome_unknown(facts: ItemFacts) -> Stop | None:
    if not facts.open_attempt:
        return None
    return Stop(SkipReason.OUTCOME_UNKNOWN, f"attempt {facts.open_attempt} has no known end; a person must say whether it was sent")


def _within_tolerance(item: OpenItem, policy: Policy) -> Stop | None:
    limit = policy.tolerance.get(item.outstanding.currency)
    if limit is None or item.outstanding.amount > limit:
        return None
    return Stop(SkipReason.WITHIN_TOLERANCE, f"{item.outstanding} is within the tolerance of {limit}")


def _old_debt(facts: ItemFacts, policy: Policy) -> Stop | None:
    go_live = policy.go_live
    if go_live is None or go_live.old_debt is not OldDebt.IGNORE or facts.item.due_date >= go_live.on:
        return None
    return Stop(SkipReason.OLD_DEBT, f"it was due before go-live on {go_live.on} and old debt is ignored")
