"""What facts become when a plan is carried out, to plan the days that follow and to prove that a day's plan is empty once done. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from .facts import (
    Action,
    ActionItem,
    ActionKind,
    CustomerFacts,
    Hold,
    HoldKind,
    ItemFacts,
    LastContact,
    LevelState,
    Plan,
    TaskKind,
    task_key,
)
from .holds import covers
from .plan import Rulebook, plan


def after(facts: CustomerFacts, actions: Iterable[Action], on: date) -> CustomerFacts:
    """The customer's facts after these actions were done on that day and nothing else happened."""
    mine = [action for action in actions if action.customer.id == facts.customer.id]
    items = {item_facts.item.id: item_facts for item_facts in facts.items}
    contact, holds = facts.last_contact, facts.holds
    for action in mine:
        for entry in action.items:
            items[entry.item.id] = _advanced(items[entry.item.id], action, entry, on)
        if is_contact(action):
            contact = LastContact(on, f"{action.channel.value if action.channel else 'contact'} {action.level!r}")
        if action.kind is ActionKind.NOTICE:
            holds = tuple(hold for hold in holds if not is_told_broken(hold, action))
    return replace(facts, items=tuple(items[known.item.id] for known in facts.items), last_contact=contact, holds=holds)


def is_told_broken(hold: Hold, action: Action) -> bool:
    """Whether this notice says that the promise was not kept; then the promise ends with it."""
    if hold.kind is not HoldKind.PROMISE or hold.until is None:
        return False
    return any(entry.broken_promise_on and hold.until <= entry.broken_promise_on and covers(hold, entry.item) for entry in action.items)


def is_contact(action: Action) -> bool:
    """Whether the customer hears from the company through this action."""
    return action.kind is ActionKind.NOTICE or action.task is TaskKind.CALL


def days_ahead(company: str, customers: Sequence[CustomerFacts], rulebook: Rulebook, first: date, days: int) -> Iterator[Plan]:
    """The plans of so many days, as if each were carried out and nobody paid."""
    facts = list(customers)
    for offset in range(days):
        day = first + timedelta(days=offset)
        made = plan(company, facts, rulebook, day)
        yield made
        if made.actions:
            touched = {action.customer.id for action in made.actions}
            facts = [after(known, made.actions, day) if known.customer.id in touched else known for known in facts]


def _advanced(item_facts: ItemFacts, action: Action, entry: ActionItem, on: date) -> ItemFacts:
    level = LevelState(entry.level_key, entry.level_days, on, entry.repeat + 1) if is_contact(action) else item_facts.level
    is_task = action.kind is ActionKind.TASK
    remembered = task_key(entry.level_key, entry.cycle, entry.repeat) if is_task else item_facts.task_key
    return replace(item_facts, level=level, task_key=remembered)
