"""A plan as a person reads it and as a program reads it; the same in `plan`, in `run` and in the tests. Pure."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..receivables import OpenItem
from .facts import Action, ActionItem, ActionKind, Plan, Skipped

_TITLES = {"call": "call", "no_address": "no address for", "decide": "decide on"}


def label(item: OpenItem) -> str:
    """How people name an item: the invoice's number, with the instalment where there are several."""
    return item.number if item.instalment_count == 1 else f"{item.number} ({item.ordinal}/{item.instalment_count})"


def as_lines(plan: Plan, *, every_skipped: bool = True) -> Iterator[str]:
    """The plan in plain lines: what would happen, to whom, why; what is left alone and why."""
    yield f"{plan.company}, {plan.as_of:%A %Y-%m-%d}: {_count(plan)}"
    for action in plan.actions:
        yield ""
        yield from _action_lines(action)
    if plan.skipped:
        yield ""
        yield "Left alone:"
        yield from _skipped_lines(plan, every_skipped)


def _count(plan: Plan) -> str:
    notices = sum(1 for action in plan.actions if action.kind is ActionKind.NOTICE)
    counts = {"notice": notices, "task": len(plan.actions) - notices, "item": len(plan.skipped)}
    return ", ".join(f"{count} {noun}{'s' * (count != 1)}" for noun, count in counts.items()) + " left alone"


def _action_lines(action: Action) -> Iterator[str]:
    sums = " + ".join(str(total) for total in action.totals)
    if action.kind is ActionKind.NOTICE and action.recipient is not None:
        yield f"{'ask' if action.needs_approval else 'write':<6} {action.customer.name} <{action.recipient.email}>: {action.level}, {sums}"
    else:
        yield f"{'task':<6} {_TITLES[action.task.value] if action.task else ''} {action.customer.name}: {sums}"
    for entry in action.items:
        yield f"         {label(entry.item)}  {entry.item.outstanding}  due {entry.item.due_date}  {entry.level_key}"
    for credit in action.credits:
        yield f"         credit {credit.number or credit.id}  -{credit.remaining}"
    yield f"         why: {action.reason}"


def _skipped_lines(plan: Plan, every_skipped: bool) -> Iterator[str]:
    if not every_skipped:
        counted = Counter(skipped.reason.value for skipped in plan.skipped)
        yield from (f"  {count:>6}  {reason}" for reason, count in sorted(counted.items()))
        return
    for skipped in sorted(plan.skipped, key=lambda s: (s.reason.value, s.number, s.item_id)):
        yield f"  {skipped.number}  {skipped.reason.value}: {skipped.detail}"


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan for a program; amounts are decimal texts, dates ISO 8601."""
    return {
        "company": plan.company,
        "as_of": plan.as_of.isoformat(),
        "actions": [action_json(action) for action in plan.actions],
        "skipped": [_skipped_json(skipped) for skipped in plan.skipped],
    }


def action_json(action: Action) -> dict[str, Any]:
    """An action for a program."""
    return {
        "kind": action.kind.value,
        "level": action.level,
        "customer": action.customer.id,
        "items": [entry.item.number for entry in action.items],
        "totals": {total.currency: str(total.amount) for total in action.totals},
        "channel": action.channel.value if action.channel else None,
        "due_on": action.due_on.isoformat(),
        "reason": action.reason,
        "key": action.key,
        "customer_name": action.customer.name,
        "notice": action.notice.value if action.notice else None,
        "task": action.task.value if action.task else None,
        "to": action.recipient.email if action.recipient else None,
        "language": action.language,
        "needs_approval": action.needs_approval,
        "details": [_entry_json(entry) for entry in action.items],
    }


def _entry_json(entry: ActionItem) -> dict[str, Any]:
    item = entry.item
    return {
        "item": item.id,
        "number": item.number,
        "level": entry.level_key,
        "due_date": item.due_date.isoformat(),
        "outstanding": str(item.outstanding.amount),
        "currency": item.outstanding.currency,
        "repeat": entry.repeat,
    }


def _skipped_json(skipped: Skipped) -> dict[str, Any]:
    return {
        "item": skipped.number,
        "reason": skipped.reason.value,
        "detail": skipped.detail,
        "until": skipped.until.isoformat() if skipped.until else None,
        "id": skipped.item_id,
        "customer": skipped.customer_id,
    }
