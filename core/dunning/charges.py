"""Which late charges are due for one item on a day, each with its calculation, or why there is none. Pure.

Asked every hour or once a year, the charges are the same: each covers days that no earlier one covers, and what accrued to the end of a
period less what accrued to its start is the same however the time is cut. The order of reasons is written once, here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ..calendar import days_after
from ..money import Money
from ..policy.charge_schema import AfterPayment, ChargeRule, CustomerKind, Every, Placement
from ..policy.country_pack import Treatment
from .charge_facts import (
    Calculation,
    ChargeDue,
    ChargeFacts,
    ChargeKey,
    NotCharged,
    WhyNotCharged,
    books_disagree,
    principal_of,
)
from .charge_periods import Period, announced_from, first_late_day, months_after, periods, rhythm_of
from .charge_rules import CannotCount, ChargeBook, Counted, Span, count
from .holds import stop_of_holds
from .procedures import fits

_ONE_DAY = timedelta(days=1)

Decision = ChargeDue | NotCharged


@dataclass(frozen=True, slots=True)
class Ready:
    """A charge before caps."""

    rule: ChargeRule
    period: Period
    counted: Counted


def charges_due(facts: ChargeFacts, book: ChargeBook, as_of: date) -> tuple[Decision, ...]:
    """The charges that are due on `as_of` and were not decided on before, in the order in which they fell due, then for every rule that
    charges no more now the reason. Nothing for a policy without late charges.

    When several periods of a rule are due, each is a charge of its own. What one decision leaves out for now is not lost.
    """
    if not book.rules:
        return ()
    stop = stop_of_item(facts, book, as_of)
    if stop is not None:
        return (stop,)
    ready: list[Ready] = []
    left: list[NotCharged] = []
    for rule in book.rules:
        found, why = _of_rule(rule, facts, book, as_of)
        ready.extend(found)
        if why is not None:
            left.append(why)
    if written_off := _not_worth_it(ready, facts, book):
        dropped = {one.rule.key: NotCharged(one.rule.key, WhyNotCharged.WRITTEN_OFF, written_off) for one in ready}
        return (*dropped.values(), *(why for why in left if why.rule not in dropped))
    order = {rule.key: number for number, rule in enumerate(book.rules)}
    ready.sort(key=lambda one: (one.period.due_on, order[one.rule.key]))
    return (*_capped(ready, facts, book), *left)


# Why nothing of this item is charged now


def stop_of_item(facts: ChargeFacts, book: ChargeBook, as_of: date) -> NotCharged | None:
    """The first reason that stops every rule, or None. What a person stopped is charged later, when the reason is gone."""
    return (
        _never(facts)
        or _exempt(facts, book)
        or _held(facts, book, as_of)
        or _no_start(book)
        or _all(WhyNotCharged.DOUBT, books_disagree(facts))
    )


def _all(reason: WhyNotCharged, detail: str) -> NotCharged | None:
    return NotCharged("", reason, detail) if detail else None


def _never(facts: ChargeFacts) -> NotCharged | None:
    return (
        _all(WhyNotCharged.OWN_DOCUMENT, "a late charge of our own bears none" if facts.item.is_late_charge else "")
        or _all(WhyNotCharged.NOT_OWED, "the invoice is not owed any more" if facts.is_void else "")
        or _all(WhyNotCharged.LEDGER_CHARGES, facts.ledger_late_fee)
    )


def _exempt(facts: ChargeFacts, book: ChargeBook) -> NotCharged | None:
    total = principal_of(facts.item, facts.charges)
    reason = next((one.reason for one in book.settings.exempt if fits(one.match, facts.customer, total)), "")
    said = facts.not_chased or facts.item.do_not_chase or facts.customer.do_not_chase
    return _all(WhyNotCharged.EXEMPT, reason) or _all(WhyNotCharged.NOT_CHASED, said)


def _held(facts: ChargeFacts, book: ChargeBook, as_of: date) -> NotCharged | None:
    stop = stop_of_holds(facts.item, facts.holds, book.policy, as_of)
    if stop is not None:
        return NotCharged("", WhyNotCharged(stop.reason.value), stop.detail, days_after(stop.until, 1) if stop.until else None)
    credit = "unallocated credit covers what is owed" if facts.is_covered_by_credit and facts.settled_on is None else ""
    return _all(WhyNotCharged.COVERED_BY_CREDIT, credit)


def _no_start(book: ChargeBook) -> NotCharged | None:
    return _all(WhyNotCharged.BEFORE_START, "" if book.start else "the policy says neither `start` nor `go_live`")


# Why one rule charges nothing now


def stop_of_rule(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> NotCharged | None:
    """The first reason for which this rule never charges this item, or None."""
    return _other_customers(rule, facts) or _tax_undecided(rule, book) or _became_late_before(rule, facts, book) or _done(rule, facts, book)


def _other_customers(rule: ChargeRule, facts: ChargeFacts) -> NotCharged | None:
    kind = CustomerKind.BUSINESS if facts.customer.is_business else CustomerKind.CONSUMER
    if rule.is_for in (kind, CustomerKind.ALL):
        return None
    reason = WhyNotCharged.OTHER_CUSTOMERS if facts.customer.is_business else WhyNotCharged.CONSUMER
    return NotCharged(rule.key, reason, f"the rule is for {rule.is_for.value} customers")


def _tax_undecided(rule: ChargeRule, book: ChargeBook) -> NotCharged | None:
    open_kinds = sorted({one.kind.value for one in book.members(rule) if book.tax(one.kind) is Treatment.NEEDS_DECISION})
    if not open_kinds:
        return None
    return NotCharged(
        rule.key, WhyNotCharged.TAX_UNDECIDED, f"whether tax is due on {', '.join(open_kinds)} has to be decided in the policy"
    )


def _became_late_before(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> NotCharged | None:
    """A fee that is charged once is for becoming late, and that may lie before the start."""
    if book.is_interest(rule) or rhythm_of(rule, facts, book) is not Every.ONCE or book.start is None:
        return None
    late = first_late_day(rule, facts, book)
    return NotCharged(rule.key, WhyNotCharged.BEFORE_START, f"it was late on {late}, before {book.start}") if late < book.start else None


def _done(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> NotCharged | None:
    if book.is_interest(rule) or rhythm_of(rule, facts, book) is not Every.ONCE:
        return None
    earlier = next((one for one in facts.charges if one.rule == rule.key), None)
    return NotCharged(rule.key, WhyNotCharged.ALREADY_CHARGED, f"{earlier.state.value} on {earlier.first}") if earlier else None


def _not_yet(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, as_of: date) -> NotCharged | None:
    late, settled = first_late_day(rule, facts, book), facts.settled_on
    if settled is not None and settled < late:
        return NotCharged(rule.key, WhyNotCharged.NOT_LATE_ENOUGH, f"it was paid on {settled}; charged from {late} on")
    if as_of < late:
        return NotCharged(rule.key, WhyNotCharged.NOT_LATE_ENOUGH, f"charged from {late} on", late)
    if settled is not None and book.settings.after_payment is AfterPayment.WAIVE:
        return NotCharged(rule.key, WhyNotCharged.WAIVED_ON_PAYMENT, f"it was paid on {settled}")
    allowed = announced_from(rule, facts, book)
    if allowed is None:
        return NotCharged(rule.key, WhyNotCharged.NOT_ANNOUNCED, "no notice has announced it yet")
    if as_of < allowed:
        return NotCharged(rule.key, WhyNotCharged.NOT_ANNOUNCED, f"announced on {facts.announced_on[rule.key]}", allowed)
    return None


# What one rule charges


def _of_rule(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, as_of: date) -> tuple[list[Ready], NotCharged | None]:
    stop = stop_of_rule(rule, facts, book) or _not_yet(rule, facts, book, as_of)
    if stop is not None:
        return [], stop
    ready: list[Ready] = []
    waiting: Counted | None = None
    carried: Span | None = None
    for period in _open_periods(rule, facts, book):
        if as_of < period.due_on:
            return ready, _waiting_for(rule, period, waiting)
        span = carried + period.span if carried else period.span
        try:
            counted = count(rule, facts, book, span)
        except CannotCount as cannot:
            return ready, NotCharged(rule.key, cannot.reason, cannot.detail)
        if _is_too_little(counted.sum, book):
            carried, waiting = span, counted
            continue
        ready.append(Ready(rule, replace(period, span=span), counted))
        carried = waiting = None
    return ready, _ended(rule, facts, waiting)


def _open_periods(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> Iterator[Period]:
    """The periods after what was dealt with and not before the start; the first may be cut."""
    covered = max((one.last for one in facts.charges if one.rule == rule.key), default=date.min)
    begin = max(days_after(covered, 1), book.start or date.max)
    for period in periods(rule, facts, book):
        if period.span.last < begin or (period.span.first < begin and not book.is_interest(rule)):
            continue
        first = max(period.span.first, begin)
        span = Span(first, period.span.last, tuple(max(day, first) for day in period.span.fee_days))
        yield replace(period, span=span, due_on=_made_on(period.due_on, book))


def _made_on(due_on: date, book: ChargeBook) -> date:
    """A statement is made on the first day of the next month, with all that fell due in the month."""
    return months_after(due_on.replace(day=1), 1) if book.settings.placement is Placement.STATEMENT else due_on


def _is_too_little(sum_of: Money, book: ChargeBook) -> bool:
    least = book.settings.minimum.get(sum_of.currency)
    return not sum_of.is_positive or (least is not None and sum_of.amount < least)


def _waiting_for(rule: ChargeRule, period: Period, waiting: Counted | None) -> NotCharged:
    """The period has not ended; and what is below the minimum waits for it."""
    if waiting is not None and waiting.sum.is_positive:
        return NotCharged(rule.key, WhyNotCharged.BELOW_MINIMUM, f"{waiting.sum} waits for the next charge", period.due_on)
    return NotCharged(rule.key, WhyNotCharged.PERIOD_RUNNING, f"the next charge is due on {period.due_on}", period.due_on)


def _ended(rule: ChargeRule, facts: ChargeFacts, waiting: Counted | None) -> NotCharged:
    """No period is left."""
    if waiting is not None and waiting.sum.is_positive:
        return NotCharged(rule.key, WhyNotCharged.BELOW_MINIMUM, f"{waiting.sum} is below the minimum")
    if facts.settled_on is None:
        return NotCharged(rule.key, WhyNotCharged.PERIOD_RUNNING, "it is charged when the invoice is paid")
    return NotCharged(rule.key, WhyNotCharged.NOTHING_LEFT, f"nothing was left to charge when it was paid on {facts.settled_on}")


# Limits over all rules


def _not_worth_it(ready: Sequence[Ready], facts: ChargeFacts, book: ChargeBook) -> str:
    """Why what is left after the payment is written off, in a sentence; empty when it is not."""
    limit = book.settings.write_off_below.get(facts.item.total.currency)
    if limit is None or facts.settled_on is None or not ready:
        return ""
    unpaid = open_charges(facts) + sum((one.counted.sum for one in ready), start=Money.zero(facts.item.total.currency))
    return f"the invoice is paid, and {unpaid} is below {limit}" if unpaid.amount < limit else ""


def open_charges(facts: ChargeFacts) -> Money:
    """What is still open of the charges that stand; a charge of which that is not known counts whole."""
    standing = [one.amount if one.outstanding is None else one.outstanding for one in facts.charges if one.stands]
    return sum(standing, start=Money.zero(facts.item.total.currency))


def room_under_cap(facts: ChargeFacts, book: ChargeBook) -> tuple[Money, str] | None:
    """What may still be charged on this item, and the cap in words; None without a cap."""
    total, settings = principal_of(facts.item, facts.charges), book.settings
    caps: list[tuple[Money, str]] = []
    if (amount := settings.cap.get(total.currency)) is not None:
        caps.append((Money.of(amount, total.currency), f"all charges are capped at {amount} {total.currency}"))
    if settings.cap_share is not None:
        share = Money.of(total.amount * settings.cap_share, total.currency)
        caps.append((share, f"all charges are capped at {settings.cap_share:%} of {total}, which is {share}"))
    if not caps:
        return None
    lowest, words = min(caps, key=lambda one: one[0].amount)
    charged = sum((one.amount for one in facts.charges if one.stands), start=Money.zero(total.currency))
    return lowest - charged, words


def _capped(ready: Sequence[Ready], facts: ChargeFacts, book: ChargeBook) -> Iterator[Decision]:
    cap = room_under_cap(facts, book)
    room, words = cap or (None, "")
    for one in ready:
        amount = one.counted.sum if room is None else min(one.counted.sum, room)
        if amount != one.counted.sum and _is_too_little(amount, book):
            yield NotCharged(one.rule.key, WhyNotCharged.CAP_REACHED, words)
            continue
        room = room - amount if room is not None else None
        yield _charge(one, amount, words if amount != one.counted.sum else "", facts, book)


def _charge(one: Ready, amount: Money, limit: str, facts: ChargeFacts, book: ChargeBook) -> ChargeDue:
    counted, span = one.counted, one.period.span
    made = Calculation(
        counted.kind, span.first, span.last, counted.steps, counted.sum, amount, counted.rounding, (limit,) if limit else (), counted.chosen
    )
    return ChargeDue(
        key=ChargeKey(facts.item.id, one.rule.key, one.period.name),
        amount=amount,
        calculation=made,
        rule=one.rule.key,
        due_on=one.period.due_on,
        terms=book.terms(one.rule),
        placement=book.settings.placement,
        needs_approval=book.settings.approval,
        tax=book.tax(counted.kind),
        statement=f"{days_after(one.period.due_on, -1):%Y-%m}" if book.settings.placement is Placement.STATEMENT else "",
    )
