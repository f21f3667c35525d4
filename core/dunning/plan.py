"""The plan: one pure walk over customers. Every open item gets an action, or is skipped with its reason; the first match wins."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ..calendar import BusinessCalendar, days_after
from ..policy.queries import calendar_of, can_be_paid
from ..policy.schema import Channel, CustomerRule, Mode, Policy
from ..receivables import Customer, OpenItem
from .facts import Action, ActionKind, CustomerFacts, Hold, ItemFacts, Plan, Skipped, SkipReason, TaskKind, task_key
from .grouping import Due, contact_action, covered_currencies, decide_action, groups, highest
from .holds import Stop, broken_promise_on, stop_of
from .levels import DECIDE, Step, next_step
from .procedures import Assignments, Ladder


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A policy made ready for many decisions."""

    policy: Policy
    assignments: Assignments
    calendar: BusinessCalendar

    @classmethod
    def of(cls, policy: Policy) -> "Rulebook":
        """Make a policy ready."""
        return cls(policy, Assignments(policy), calendar_of(policy))


def plan(
    company: str,
    customers: Iterable[CustomerFacts],
    rulebook: Rulebook,
    as_of: date,
    sent_today: int = 0,
    approved: frozenset[str] = frozenset(),
) -> Plan:
    """What would happen on `as_of`. For the daily limit, `sent_today` counts the notices that already went out on that day, and `approved`
    are the keys of items that a person approved: a notice that waits for approval takes no room from others."""
    actions: list[Action] = []
    skipped: list[Skipped] = []
    for facts in customers:
        planned, waiting = decide(facts, rulebook, as_of)
        actions.extend(planned)
        skipped.extend(waiting)
    within, beyond = _daily_limit(actions, rulebook.policy, sent_today, approved, as_of)
    left_alone = sorted(skipped + beyond, key=lambda one: (one.customer_id, one.item_id))
    return Plan(company, as_of, tuple(within), tuple(left_alone))


def decide(facts: CustomerFacts, rulebook: Rulebook, as_of: date) -> tuple[list[Action], list[Skipped]]:
    """The actions for one customer, and why its other items are left alone."""
    dues: list[Due] = []
    skipped: list[Skipped] = []
    rules = rulebook.assignments.rules_for(facts.customer)
    for item_facts in facts.items:
        judged = judge(item_facts, facts.customer, rules, facts.holds, rulebook, as_of)
        if isinstance(judged, Stop):
            skipped.append(_skip(item_facts.item, judged))
        elif judged.due_on > as_of:
            skipped.append(_skip(item_facts.item, _not_due_yet(judged)))
        else:
            dues.append(Due(item_facts, judged, broken_promise_on(item_facts.item, facts.holds, rulebook.policy, as_of)))
    if not dues:
        return [], skipped
    actions, held_back = _of_what_is_due(dues, facts, rulebook, as_of)
    return actions, skipped + held_back


def judge(
    item_facts: ItemFacts, customer: Customer, rules: tuple[CustomerRule, ...], holds: tuple[Hold, ...], rulebook: Rulebook, as_of: date
) -> Stop | Step:
    """Why an item is left alone, or its next step, whatever day that is due on."""
    assigned = rulebook.assignments.assign(item_facts.item, customer, rules, as_of)
    stop = stop_of(item_facts, customer, holds, assigned, rulebook.policy, as_of)
    if stop is not None or not isinstance(assigned, Ladder):
        return stop or Stop(SkipReason.NO_PROCEDURE, "no procedure")
    if item_facts.task_key == task_key(DECIDE, item_facts.cycle, 0):
        return Stop(SkipReason.LADDER_DONE, "its ladder has ended; it is on the work list for a person to decide")
    return next_step(item_facts.item, item_facts.level, assigned, rulebook.policy.go_live, as_of)


def wake_on(
    item_facts: ItemFacts, customer: Customer, rules: tuple[CustomerRule, ...], holds: tuple[Hold, ...], rulebook: Rulebook, as_of: date
) -> date | None:
    """The first day on which this item may have something due; None when only a change of facts or policy can bring that about.

    Never later than the true day, so a run may read only what this says; it is computed anew whenever a fact changes.
    """
    judged = judge(item_facts, customer, rules, holds, rulebook, as_of)
    if isinstance(judged, Step):
        return judged.due_on
    return days_after(judged.until, 1) if judged.until is not None else None


def _of_what_is_due(dues: list[Due], facts: CustomerFacts, rulebook: Rulebook, as_of: date) -> tuple[list[Action], list[Skipped]]:
    policy = rulebook.policy
    deciding = [due for due in dues if due.channel is None]
    actions = [decide_action(group, facts, policy, as_of) for group in groups(deciding, policy)]
    contacts = [due for due in dues if due.channel is not None]
    skipped: list[Skipped] = []
    for narrow in (_unpayable, _covered_by_credit, _recently_contacted, _closed_day):
        contacts, left_alone = narrow(contacts, facts, rulebook, as_of) if contacts else ([], [])
        skipped.extend(left_alone)
    reaching: list[Action] = []
    for message in _messages(contacts, policy):
        action = contact_action(message, facts, policy, as_of)
        if action.task is TaskKind.NO_ADDRESS:
            fresh, on_list = _not_on_the_list(message)
            actions.extend([contact_action(fresh, facts, policy, as_of)] if fresh else [])
            skipped.extend(on_list)
        else:
            reaching.append(action)
    chosen, waiting = _one_channel(reaching, policy, as_of)
    return actions + chosen, skipped + waiting


def _messages(contacts: list[Due], policy: Policy) -> list[list[Due]]:
    """What would go together: the same channel, grouped as the policy says."""
    if all(due.channel is Channel.EMAIL for due in contacts):
        return groups(contacts, policy)
    return [message for channel in Channel for message in groups((due for due in contacts if due.channel is channel), policy)]


Narrowed = tuple[list[Due], list[Skipped]]


def _part(dues: list[Due], stop: Stop, hit: Iterable[bool]) -> Narrowed:
    kept: list[Due] = []
    skipped: list[Skipped] = []
    for due, is_hit in zip(dues, hit, strict=True):
        if is_hit:
            skipped.append(_skip(due.facts.item, stop))
        else:
            kept.append(due)
    return kept, skipped


def _unpayable(dues: list[Due], _: CustomerFacts, rulebook: Rulebook, __: date) -> Narrowed:
    """Nobody is asked to pay without being told how (docs/sources.md 24)."""
    currencies = {due.facts.item.outstanding.currency for due in dues}
    unpayable = {currency for currency in currencies if not can_be_paid(rulebook.policy, currency)}
    if not unpayable:
        return dues, []
    stop = Stop(SkipReason.NO_PAYMENT_DETAILS, "the policy says no way to pay in this currency; add it to payment_details")
    return _part(dues, stop, (due.facts.item.outstanding.currency in unpayable for due in dues))


def _covered_by_credit(dues: list[Due], facts: CustomerFacts, rulebook: Rulebook, _: date) -> Narrowed:
    """Unallocated credit of at least what a message asks for holds it (docs/sources.md 15): probably it is paid and not yet allocated."""
    if not facts.credits:
        return dues, []
    covered: set[str] = set()
    for message in _messages(dues, rulebook.policy):
        currencies = covered_currencies((due.facts.item.outstanding for due in message), facts.credits)
        covered |= {due.facts.item.id for due in message if due.facts.item.outstanding.currency in currencies}
    stop = Stop(SkipReason.COVERED_BY_CREDIT, "the customer has unallocated credit of at least the amount due; allocate it in the books")
    return _part(dues, stop, (due.facts.item.id in covered for due in dues))


def _recently_contacted(dues: list[Due], facts: CustomerFacts, rulebook: Rulebook, as_of: date) -> Narrowed:
    if facts.last_contact is None:
        return dues, []
    again_on = days_after(facts.last_contact.on, rulebook.policy.sending.min_days_between_contacts)
    if again_on <= as_of:
        return dues, []
    detail = f"the customer was contacted on {facts.last_contact.on} ({facts.last_contact.how}); next contact from {again_on}"
    return _part(dues, Stop(SkipReason.CONTACTED_RECENTLY, detail, days_after(again_on, -1)), (True for _ in dues))


def _closed_day(dues: list[Due], _: CustomerFacts, rulebook: Rulebook, as_of: date) -> Narrowed:
    why = rulebook.calendar.why_closed(as_of)
    if not why:
        return dues, []
    stop = Stop(SkipReason.NOT_A_SENDING_DAY, f"{as_of} is {why}", days_after(rulebook.calendar.next_open(as_of), -1))
    return _part(dues, stop, (True for _ in dues))


def _not_on_the_list(message: list[Due]) -> Narrowed:
    """A task is put on the work list once for each item and level."""
    stop = Stop(SkipReason.NO_ADDRESS, "there is no usable address to write to; it is on the work list")
    return _part(message, stop, (due.facts.task_key == due.key for due in message))


def _one_channel(actions: list[Action], policy: Policy, as_of: date) -> tuple[list[Action], list[Skipped]]:
    """A day has one contact: by the channel of the highest level; what would go by another channel waits its turn."""
    if len({action.channel for action in actions}) < 2:
        return actions, []
    top = highest(entry for action in actions for entry in action.items)
    channel = next(action.channel for action in actions if top in action.items)
    stop = Stop(
        SkipReason.CONTACTED_RECENTLY,
        "another item of this customer needs a different channel today",
        days_after(as_of, policy.sending.min_days_between_contacts - 1),
    )
    waiting = [_skip(entry.item, stop) for action in actions if action.channel is not channel for entry in action.items]
    return [action for action in actions if action.channel is channel], waiting


def _daily_limit(
    actions: list[Action], policy: Policy, sent_today: int, approved: frozenset[str], as_of: date
) -> tuple[list[Action], list[Skipped]]:
    """The plan in its order, the longest overdue first; notices beyond the day's limit wait."""
    ordered = sorted(actions, key=_urgency)
    if policy.sending.daily_limit is None:
        return ordered, []
    room = max(policy.sending.daily_limit - sent_today, 0)
    notices = [action for action in ordered if action.kind is ActionKind.NOTICE and not waits_for_approval(action, policy, approved)]
    beyond = {action.key for action in notices[room:]}
    stop = Stop(SkipReason.DAILY_LIMIT, f"the limit of {policy.sending.daily_limit} notices a day is reached", as_of)
    waiting = [_skip(entry.item, stop) for action in notices[room:] for entry in action.items]
    return [action for action in ordered if action.key not in beyond], waiting


def waits_for_approval(action: Action, policy: Policy, approved: frozenset[str]) -> bool:
    """Whether a person has to say yes to any item of this action before it goes out."""
    asks = action.kind is ActionKind.NOTICE and (policy.mode is Mode.APPROVE or action.needs_approval)
    return asks and any(entry.key(action.kind) not in approved for entry in action.items)


def _urgency(action: Action) -> tuple[date, date, str, str, str]:
    first = min(action.items, key=lambda entry: (entry.item.due_date, entry.item.number)).item
    return action.due_on, first.due_date, action.customer.id, first.number, action.key


def _skip(item: OpenItem, stop: Stop) -> Skipped:
    return Skipped(item.id, item.number, item.customer_id, stop.reason, stop.detail, stop.until)


def _not_due_yet(step: Step) -> Stop:
    following = "a person decides" if step.level is None else f"level {step.key!r}"
    return Stop(SkipReason.NOT_DUE_YET, f"next: {following} on {step.due_on}", days_after(step.due_on, -1))
