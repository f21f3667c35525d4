"""From items that are due to actions: one message a customer by default, with everything that is due for it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ..money import Money, totals
from ..policy.schema import Channel, Grouping, NoticeKind, Policy
from ..receivables import UnappliedCredit
from .facts import Action, ActionItem, ActionKind, CustomerFacts, ItemFacts, Recipient, TaskKind, task_key
from .levels import Step
from .recipients import language_of, recipient_of


@dataclass(frozen=True, slots=True)
class Due:
    """An item whose next step is due, with the day of a promise that was not kept, if there was one."""

    facts: ItemFacts
    step: Step
    broken_promise_on: date | None = None

    @property
    def channel(self) -> Channel | None:
        """How the step reaches the customer; None when a person decides."""
        return self.step.level.channel if self.step.level else None

    @property
    def key(self) -> str:
        """What an item remembers of a task, so that it is put on the work list once."""
        return task_key(self.step.key, self.facts.cycle, self.step.repeat)

    def entry(self, as_of: date) -> ActionItem:
        """The item as it stands in an action."""
        return ActionItem(
            self.facts.item,
            self.step.key,
            self.step.level.days if self.step.level else 0,
            self.facts.cycle,
            self.step.repeat,
            self.step.due_on,
            self.broken_promise_on,
            self.step.notice,
            _why(self, as_of),
        )


def highest(entries: Iterable[ActionItem]) -> ActionItem:
    """The one whose level is highest; among equals the oldest, so that the order of the input never matters. Levels of different
    ladders compare by their days."""
    return min(entries, key=_from_the_top)


def _from_the_top(entry: ActionItem) -> tuple[int, bool, date, str, str]:
    return -entry.level_days, entry.notice is not NoticeKind.SUMMARY, entry.item.due_date, entry.item.number, entry.item.id


def groups(dues: Iterable[Due], policy: Policy) -> list[list[Due]]:
    """The items of each message, in the order of their due dates. A summary of old debt is one message however the policy groups."""
    ordered = sorted(dues, key=lambda due: (due.facts.item.due_date, due.facts.item.number, due.facts.item.id))
    by_message: dict[str, list[Due]] = {}
    for due in ordered:
        alone = policy.grouping is Grouping.INVOICE and due.step.notice is not NoticeKind.SUMMARY
        by_message.setdefault(due.facts.item.invoice_id if alone else "", []).append(due)
    return list(by_message.values())


def covered_currencies(owed: Iterable[Money], unapplied: Iterable[UnappliedCredit]) -> frozenset[str]:
    """The currencies in which unallocated credit is at least what a message would ask for (docs/sources.md 15)."""
    asked = _sums(owed)
    credit = _sums(known.remaining for known in unapplied) if asked else {}
    return frozenset(currency for currency, amount in asked.items() if credit.get(currency, Decimal(-1)) >= amount)


def contact_action(dues: Sequence[Due], facts: CustomerFacts, policy: Policy, as_of: date) -> Action:
    """A notice to write or a call to make; or, when there is nobody to write to, a task that says so. All dues are for one channel."""
    if dues[0].channel is Channel.CALL:
        return _action(dues, facts, policy, as_of, None, TaskKind.CALL)
    recipient = recipient_of(facts, [due.facts.item.contact_id for due in dues], policy)
    return _action(dues, facts, policy, as_of, recipient, None if recipient else TaskKind.NO_ADDRESS)


def decide_action(dues: Sequence[Due], facts: CustomerFacts, policy: Policy, as_of: date) -> Action:
    """The task for a person when ladders have ended."""
    return _action(dues, facts, policy, as_of, None, TaskKind.DECIDE)


def narrowed(action: Action, entries: Sequence[ActionItem], unapplied: Iterable[UnappliedCredit] | None = None) -> Action:
    """The action with only these of its items: level, notice, reason, key and credits follow from what is left, so that nobody gets the
    firm notice of an item that fell out. `unapplied` are newer credits than those of the action."""
    top = highest(entries)
    return replace(
        action,
        level=top.level_key,
        notice=top.notice,
        items=tuple(entries),
        credits=_shown(action.credits if unapplied is None else unapplied, entries),
        due_on=min(entry.due_on for entry in entries),
        reason=_reason(top, len(entries), action.task),
        key=action_key(action.kind, entries),
    )


def action_key(kind: ActionKind, entries: Iterable[ActionItem]) -> str:
    """The same for the same items at the same levels, however often it is planned."""
    return hashlib.sha256("\n".join(sorted(entry.key(kind) for entry in entries)).encode()).hexdigest()[:20]


def _action(
    dues: Sequence[Due], facts: CustomerFacts, policy: Policy, as_of: date, recipient: Recipient | None, task: TaskKind | None
) -> Action:
    entries = tuple(due.entry(as_of) for due in dues)
    top = highest(entries)
    kind = ActionKind.TASK if task else ActionKind.NOTICE
    return Action(
        kind=kind,
        channel=dues[0].channel,
        level=top.level_key,
        notice=top.notice,
        customer=facts.customer,
        items=entries,
        credits=_shown(facts.credits, entries),
        recipient=recipient,
        language=language_of(facts.customer, recipient, policy),
        due_on=min(entry.due_on for entry in entries),
        reason=_reason(top, len(entries), task),
        key=action_key(kind, entries),
        needs_approval=kind is ActionKind.NOTICE and any(due.step.level is not None and due.step.level.needs_approval for due in dues),
        task=task,
    )


def _sums(amounts: Iterable[Money]) -> dict[str, Decimal]:
    return {total.currency: total.amount for total in totals(amounts)}


def _shown(unapplied: Iterable[UnappliedCredit], entries: Iterable[ActionItem]) -> tuple[UnappliedCredit, ...]:
    """The credits in the currencies of the items."""
    currencies = {entry.item.outstanding.currency for entry in entries}
    return tuple(sorted((known for known in unapplied if known.remaining.currency in currencies), key=lambda known: known.id))


def _reason(top: ActionItem, count: int, task: TaskKind | None) -> str:
    parts = [top.why]
    if task is TaskKind.NO_ADDRESS:
        parts.append("there is no usable address to write to")
    if count > 1:
        parts.append(f"{count - 1} more item{'s' if count > 2 else ''} of this customer in the same {'task' if task else 'message'}")
    return "; ".join(parts)


def _why(due: Due, as_of: date) -> str:
    item = due.facts.item
    parts = [f"invoice {item.number} {_lateness(item.days_overdue(as_of))}", _level_in_words(due)]
    if due.broken_promise_on:
        parts.append(f"payment was promised for {due.broken_promise_on} and has not come")
    return "; ".join(parts)


def _lateness(days: int) -> str:
    if days == 0:
        return "is due today"
    return f"was due {days} day{'s' if days != 1 else ''} ago" if days > 0 else f"is due in {-days} day{'s' if days != -1 else ''}"


def _level_in_words(due: Due) -> str:
    level, before = due.step.level, due.facts.level
    if level is None:
        return "its ladder has ended, a person decides what comes next"
    after = f", after {before.key!r} on {before.sent_on}" if before.key else ""
    again = f" again (time {due.step.repeat + 1})" if due.step.repeat else ""
    if due.step.notice is NoticeKind.SUMMARY:
        return f"one summary of old debt in place of level {level.key!r}"
    return f"level {level.key!r} (day {level.days:+d}){again}{after}"
