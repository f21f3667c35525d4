"""From items that are due to actions: one message a customer by default, with everything that is due for it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ..policy.schema import Channel, Grouping, NoticeKind, Policy
from .facts import Action, ActionItem, ActionKind, CustomerFacts, ItemFacts, Recipient, TaskKind
from .levels import Step
from .recipients import language_of, recipient_of


@dataclass(frozen=True, slots=True)
class Due:
    """An item whose next step is due, with the day of a promise that was not kept, if there was one."""

    facts: ItemFacts
    step: Step
    broken_promise_on: date | None = None

    @property
    def days(self) -> int:
        """The offset of the level, by which levels of different ladders compare."""
        return self.step.level.days if self.step.level else 0

    def entry(self) -> ActionItem:
        """The item as it stands in an action."""
        return ActionItem(
            self.facts.item, self.step.key, self.days, self.facts.cycle, self.step.repeat, self.step.due_on, self.broken_promise_on
        )


def highest(dues: Iterable[Due]) -> Due:
    """The one whose level is highest; among equals the oldest, so that the order of the input never matters."""
    return max(
        dues, key=lambda due: (due.days, due.step.notice is NoticeKind.SUMMARY, -due.facts.item.due_date.toordinal(), due.facts.item.id)
    )


def groups(dues: list[Due], policy: Policy) -> list[list[Due]]:
    """The items of each message, in the order of their due dates."""
    ordered = sorted(dues, key=lambda due: (due.facts.item.due_date, due.facts.item.number, due.facts.item.id))
    if policy.grouping is Grouping.CUSTOMER:
        return [ordered]
    by_invoice: dict[str, list[Due]] = {}
    for due in ordered:
        by_invoice.setdefault(due.facts.item.invoice_id, []).append(due)
    return list(by_invoice.values())


def contact_action(dues: list[Due], facts: CustomerFacts, policy: Policy, as_of: date) -> Action:
    """A notice to write or a call to make; or, when there is nobody to write to, a task that says so."""
    channel = highest(dues).step.level
    if channel is not None and channel.channel is Channel.CALL:
        return _action(dues, facts, policy, as_of, ActionKind.TASK, None, TaskKind.CALL)
    recipient = recipient_of(facts, [due.facts.item.contact_id for due in dues], policy)
    if recipient is None:
        return _action(dues, facts, policy, as_of, ActionKind.TASK, None, TaskKind.NO_ADDRESS)
    return _action(dues, facts, policy, as_of, ActionKind.NOTICE, recipient, None)


def decide_action(dues: list[Due], facts: CustomerFacts, policy: Policy, as_of: date) -> Action:
    """The task for a person when ladders have ended."""
    return _action(dues, facts, policy, as_of, ActionKind.TASK, None, TaskKind.DECIDE)


def action_key(kind: ActionKind, entries: Iterable[ActionItem]) -> str:
    """The same for the same items at the same levels, however often it is planned."""
    return hashlib.sha256("\n".join(sorted(entry.key(kind) for entry in entries)).encode()).hexdigest()[:20]


def _action(
    dues: list[Due],
    facts: CustomerFacts,
    policy: Policy,
    as_of: date,
    kind: ActionKind,
    recipient: Recipient | None,
    task: TaskKind | None,
) -> Action:
    top = highest(dues)
    entries = tuple(due.entry() for due in dues)
    currencies = {entry.item.outstanding.currency for entry in entries}
    return Action(
        kind=kind,
        channel=top.step.level.channel if top.step.level else None,
        level=top.step.key,
        notice=top.step.notice,
        customer=facts.customer,
        items=entries,
        credits=tuple(sorted((c for c in facts.credits if c.remaining.currency in currencies), key=lambda c: c.id)),
        recipient=recipient,
        language=language_of(facts.customer, recipient, policy),
        due_on=min(due.step.due_on for due in dues),
        reason=_reason(top, len(dues), task, as_of),
        key=action_key(kind, entries),
        needs_approval=kind is ActionKind.NOTICE and any(due.step.level is not None and due.step.level.needs_approval for due in dues),
        task=task,
    )


def _reason(top: Due, count: int, task: TaskKind | None, as_of: date) -> str:
    item = top.facts.item
    parts = [f"invoice {item.number} {_lateness(item.days_overdue(as_of))}", _level_in_words(top)]
    if top.broken_promise_on:
        parts.append(f"payment was promised for {top.broken_promise_on} and has not come")
    if task is TaskKind.NO_ADDRESS:
        parts.append("there is no usable address to write to")
    if count > 1:
        parts.append(f"{count - 1} more item{'s' if count > 2 else ''} of this customer in the same message")
    return "; ".join(parts)


def _lateness(days: int) -> str:
    if days == 0:
        return "is due today"
    return f"was due {days} day{'s' if days != 1 else ''} ago" if days > 0 else f"is due in {-days} day{'s' if days != -1 else ''}"


def _level_in_words(top: Due) -> str:
    level, before = top.step.level, top.facts.level
    if level is None:
        return "its ladder has ended, a person decides what comes next"
    after = f", after {before.key!r} on {before.sent_on}" if before.key else ""
    again = f" again (time {top.step.repeat + 1})" if top.step.repeat else ""
    if top.step.notice is NoticeKind.SUMMARY:
        return f"one summary of old debt in place of level {level.key!r}"
    return f"level {level.key!r} (day {level.days:+d}){again}{after}"
