"""The plan: one pure walk over customers. Every open item gets an action, or is skipped with its reason; the first match wins."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ..calendar import BusinessCalendar
from ..policy.queries import calendar_of, can_be_paid
from ..policy.schema import Channel, CustomerRule, Policy
from ..receivables import Customer, UnappliedCredit
from .facts import Action, ActionKind, CustomerFacts, Hold, ItemFacts, Plan, Skipped, SkipReason
from .grouping import Due, contact_action, decide_action, groups, highest
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


def plan(company: str, customers: Iterable[CustomerFacts], rulebook: Rulebook, as_of: date, sent_today: int = 0) -> Plan:
    """What would happen on `as_of`. `sent_today` counts the notices that already went out on that day, for the daily limit."""
    actions: list[Action] = []
    skipped: list[Skipped] = []
    for facts in customers:
        planned, left_alone = decide(facts, rulebook, as_of)
        actions.extend(planned)
        skipped.extend(left_alone)
    within, beyond = _daily_limit(actions, rulebook.policy, sent_today, as_of)
    return Plan(company, as_of, tuple(within), tuple(skipped + beyond))


def decide(facts: CustomerFacts, rulebook: Rulebook, as_of: date) -> tuple[list[Action], list[Skipped]]:
    """The actions for one customer, and why its other items are left alone."""
    dues: list[Due] = []
    skipped: list[Skipped] = []
    rules = rulebook.assignments.rules_for(facts.customer)
    for item_facts in facts.items:
        judged = judge(item_facts, facts.customer, rules, facts.holds, rulebook, as_of)
        if isinstance(judged, Stop):
            skipped.append(_skip(item_facts, judged))
        elif judged.due_on > as_of:
            skipped.append(_skip(item_facts, _not_due_yet(judged)))
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
    step = next_step(item_facts.item, item_facts.level, assigned, rulebook.policy.go_live, as_of)
    if step.key == DECIDE and item_facts.task_key == f"{DECIDE}|{item_facts.cycle}|0":
        return Stop(SkipReason.LADDER_DONE, "every level was sent; it is on the work list for a person to decide")
    return step


def wake_on(
    item_facts: ItemFacts, customer: Customer, rules: tuple[CustomerRule, ...], holds: tuple[Hold, ...], rulebook: Rulebook, as_of: date
) -> date | None:
    """The first day on which this item may have something due; None when only a change of facts or policy can bring that about.

    Never later than the true day, so a run may read only what this says; it is computed anew whenever a fact changes.
    """
    judged = judge(item_facts, customer, rules, holds, rulebook, as_of)
    if isinstance(judged, Step):
        return judged.due_on
    return judged.until + timedelta(days=1) if judged.until is not None else None


def _of_what_is_due(dues: list[Due], facts: CustomerFacts, rulebook: Rulebook, as_of: date) -> tuple[list[Action], list[Skipped]]:
    policy = rulebook.policy
    deciding = [due for due in dues if due.step.level is None]
    actions = [decide_action(group, facts, policy, as_of) for group in groups(deciding, policy)] if deciding else []
    contacts = [due for due in dues if due.step.level is not None]
    skipped: list[Skipped] = []
    for narrow in (_unpayable, _covered_by_credit, _recently_contacted, _closed_day, _other_channel):
        contacts, left_alone = narrow(contacts, facts, rulebook, as_of)
        skipped.extend(left_alone)
    for group in groups(contacts, policy) if contacts else []:
        action = contact_action(group, facts, policy, as_of)
        on_list, fresh = _already_on_the_list(action, group)
        skipped.extend(on_list)
        if fresh:
            actions.append(action if len(fresh) == len(group) else contact_action(fresh, facts, policy, as_of))
    return actions, skipped


Narrowed = tuple[list[Due], list[Skipped]]


def _part(dues: list[Due], stop: Stop, hit: Iterable[bool]) -> Narrowed:
    kept: list[Due] = []
    skipped: list[Skipped] = []
    for due, is_hit in zip(dues, hit, strict=True):
        if is_hit:
            skipped.append(_skip(due.facts, stop))
        else:
            kept.append(due)
    return kept, skipped


def _unpayable(dues: list[Due], _: CustomerFacts, rulebook: Rulebook, __: date) -> Narrowed:
    """Nobody is asked to pay without being told how (asks.md 24)."""
    stop = Stop(SkipReason.NO_PAYMENT_DETAILS, "the policy says no way to pay in this currency; add it to payment_details")
    return _part(dues, stop, (not can_be_paid(rulebook.policy, due.facts.item.outstanding.currency) for due in dues))


def _covered_by_credit(dues: list[Due], facts: CustomerFacts, _: Rulebook, as_of: date) -> Narrowed:
    """Unallocated credit of at least the amount due holds the notice (asks.md 15): probably it is paid and not yet allocated."""
    if not facts.credits:
        return dues, []
    credit = _by_currency(facts.credits)
    owed: dict[str, Decimal] = {}
    for due in dues:
        money = due.facts.item.outstanding
        owed[money.currency] = owed.get(money.currency, Decimal(0)) + money.amount
    covered = {currency for currency, amount in owed.items() if credit.get(currency, Decimal(0)) >= amount}
    stop = Stop(SkipReason.COVERED_BY_CREDIT, "the customer has unallocated credit of at least the amount due; allocate it in the books")
    return _part(dues, stop, (due.facts.item.outstanding.currency in covered for due in dues))


def _by_currency(unapplied: Iterable[UnappliedCredit]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for credit in unapplied:
        sums[credit.remaining.currency] = sums.get(credit.remaining.currency, Decimal(0)) + credit.remaining.amount
    return sums


def _recently_contacted(dues: list[Due], facts: CustomerFacts, rulebook: Rulebook, as_of: date) -> Narrowed:
    if facts.last_contact is None:
        return dues, []
    again_on = facts.last_contact.on + timedelta(days=rulebook.policy.sending.min_days_between_contacts)
    if again_on <= as_of:
        return dues, []
    detail = f"the customer was contacted on {facts.last_contact.on} ({facts.last_contact.how}); next contact from {again_on}"
    return _part(dues, Stop(SkipReason.CONTACTED_RECENTLY, detail, again_on - timedelta(days=1)), (True for _ in dues))


def _closed_day(dues: list[Due], _: CustomerFacts, rulebook: Rulebook, as_of: date) -> Narrowed:
    why = rulebook.calendar.why_closed(as_of) if dues else ""
    if not why:
        return dues, []
    stop = Stop(SkipReason.NOT_A_SENDING_DAY, f"{as_of} is {why}", rulebook.calendar.next_open(as_of) - timedelta(days=1))
    return _part(dues, stop, (True for _ in dues))


def _other_channel(dues: list[Due], _: CustomerFacts, rulebook: Rulebook, as_of: date) -> Narrowed:
    """A day has one contact: by the channel of the highest level; what would go by another channel waits its turn."""
    if not dues or all(due.step.level is not None and due.step.level.channel is Channel.EMAIL for due in dues):
        return dues, []
    top = highest(dues).step.level
    wait = rulebook.policy.sending.min_days_between_contacts
    stop = Stop(
        SkipReason.CONTACTED_RECENTLY, "another item of this customer needs a different channel today", as_of + timedelta(days=wait - 1)
    )
    return _part(dues, stop, (due.step.level is not None and top is not None and due.step.level.channel is not top.channel for due in dues))


def _already_on_the_list(action: Action, group: list[Due]) -> tuple[list[Skipped], list[Due]]:
    """A task is put on the work list once for each item and level."""
    if action.kind is ActionKind.NOTICE:
        return [], group
    stop = Stop(SkipReason.NO_ADDRESS, "there is no usable address to write to; it is on the work list")
    fresh, skipped = _part(group, stop, (due.facts.task_key == _task_key(due) for due in group))
    return skipped, fresh


def _task_key(due: Due) -> str:
    return f"{due.step.key}|{due.facts.cycle}|{due.step.repeat}"


def _daily_limit(actions: list[Action], policy: Policy, sent_today: int, as_of: date) -> tuple[list[Action], list[Skipped]]:
    """The plan in its order, the longest overdue first; notices beyond the day's limit wait."""
    ordered = sorted(actions, key=lambda action: (action.due_on, action.customer.id, action.key))
    if policy.sending.daily_limit is None:
        return ordered, []
    room = max(policy.sending.daily_limit - sent_today, 0)
    notices = [action for action in ordered if action.kind is ActionKind.NOTICE]
    beyond = {action.key for action in notices[room:]}
    stop = Stop(SkipReason.DAILY_LIMIT, f"the limit of {policy.sending.daily_limit} notices a day is reached", as_of)
    waiting = [_skip(ItemFacts(entry.item), stop) for action in notices[room:] for entry in action.items]
    return [action for action in ordered if action.key not in beyond], waiting


def _skip(facts: ItemFacts, stop: Stop) -> Skipped:
    item = facts.item
    return Skipped(item.id, item.number, item.customer_id, stop.reason, stop.detail, stop.until)


def _not_due_yet(step: Step) -> Stop:
    return Stop(SkipReason.NOT_DUE_YET, f"next is {step.key!r} on {step.due_on}", step.due_on - timedelta(days=1))
