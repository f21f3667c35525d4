"""Early-payment discounts: what is offered to whom until when, and whether the payments prove that it was earned. Pure.

Who pays all of an invoice by the last day may deduct the discount. A payment that is less by no more than it, and in time, proves that it
was taken: what is left is not asked for, and is credited once, so that the taxable amount falls with it (Directive 2006/112/EC, art. 90).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ..calendar import days_after
from ..money import Money
from ..policy.discount_schema import EarlyPaymentDiscount
from ..policy.schema import Policy
from ..receivables import Allocation, CreditKind, Customer, EarlyDiscount, OpenItem, UnappliedCredit
from .facts import Action, Hold, HoldKind
from .holds import covers
from .procedures import fits


class WhyNotEarned(StrEnum):
    """Why no discount is credited now. The order of `judge_discount` decides which one is given when several apply."""

    LATE_CHARGE = "late_charge"
    INSTALMENTS = "instalments"
    NONE_GRANTED = "none_granted"
    ALREADY_CREDITED = "already_credited"
    NOTHING_LEFT = "nothing_left"
    DISPUTED = "disputed"
    MORE_IS_OWED = "more_is_owed"
    DOUBT = "doubt"
    NOT_IN_TIME = "not_in_time"
    COVERED_BY_CREDIT = "covered_by_credit"


@dataclass(frozen=True, slots=True)
class DiscountFacts:
    """What the decision about the discount of one item needs.

    `allocations` is all that was used on its invoice, payments and credit notes; `received` says on which day each came in or was made, by
    the id of the source. `already_credited` is what was credited for it before, or is being credited (None: nothing).
    """

    item: OpenItem
    customer: Customer
    allocations: tuple[Allocation, ...] = ()
    received: Mapping[str, date] = field(default_factory=dict)
    already_credited: Money | None = None
    holds: tuple[Hold, ...] = ()
    is_covered_by_credit: bool = False

    @property
    def credited(self) -> Money:
        """What credit notes took off the invoice."""
        return _sum((one.amount for one in self.allocations if one.source_kind is CreditKind.CREDIT_NOTE), self.item.total.currency)

    def payments(self) -> Iterator[tuple[date, Money]]:
        """Each payment with its day; money that was matched late counts from the day on which it came in."""
        for one in self.allocations:
            if one.source_kind is CreditKind.PAYMENT:
                yield min(one.allocated_on, self.received.get(one.source_id, one.allocated_on)), one.amount


@dataclass(frozen=True, slots=True)
class DiscountEarned:
    """The discount was earned: `credit`, all that is left of the item, is to be taken off it, once. `terms` are what may be deducted and
    until when; on `earned_on` enough had come in; `why` says it in a sentence."""

    item: OpenItem
    terms: EarlyDiscount
    credit: Money
    earned_on: date
    why: str

    @property
    def key(self) -> str:
        """What makes it one and the same within a company: an item has one discount."""
        return f"{self.item.id}|early_discount"


@dataclass(frozen=True, slots=True)
class DiscountNotEarned:
    """No discount is credited now, and why. `may_be_the_discount`: what is left is no more than the discount, and nobody can tell yet
    whether it was earned; until somebody can, it is not asked for."""

    reason: WhyNotEarned
    detail: str
    may_be_the_discount: bool = False


# What is offered


def terms_of(item: OpenItem, customer: Customer, policy: Policy, credited: Money | None = None) -> EarlyDiscount | None:
    """What may be deducted from the item and until when, whatever day it is and whatever came in; None when nothing was granted.

    The ledger's terms go before the policy's. What credit notes took off (`credited`) bears no discount either, as where discounts on
    credit notes are worked out: 1 % of 1 000.00 less a credit note of 200.00 is 8.00 (Microsoft Dynamics 365 Finance, "Settle a partial
    vendor payment that has discounts on credit notes").
    """
    if item.is_late_charge or item.instalment_count > 1:
        return None
    settings, owed = policy.early_payment_discount, item.total - (credited or Money.zero(item.total.currency))
    if item.early_discount is not None and settings.from_ledger:
        found = _of_ledger(item.early_discount, item.total, owed)
    else:
        found = _of_policy(item, customer, settings, owed)
    return found if found is not None and found.amount.is_positive and found.amount < owed else None


def _of_ledger(granted: EarlyDiscount, total: Money, owed: Money) -> EarlyDiscount | None:
    if granted.amount.currency != total.currency or not total.is_positive:
        return None
    return EarlyDiscount(granted.last_on, Money.of(granted.amount.amount * owed.amount / total.amount, total.currency))


def _of_policy(item: OpenItem, customer: Customer, settings: EarlyPaymentDiscount, owed: Money) -> EarlyDiscount | None:
    """The company's own offer. Paying by a day on which it is due anyway is not early."""
    if settings.percent is None or settings.days is None:
        return None
    last_on = days_after(item.issued_on, settings.days)
    if last_on >= item.due_date or (settings.match is not None and not fits(settings.match, customer, item.total)):
        return None
    return EarlyDiscount(last_on, Money.of(owed.amount * settings.percent / 100, owed.currency))


def offer_of(item: OpenItem, customer: Customer, policy: Policy, as_of: date, *, credited: Money | None = None) -> EarlyDiscount | None:
    """What a notice of this day offers: deduct `amount` from what is outstanding by paying the rest of it on `last_on` or before.

    None after the last day, on what is disputed, and when no more than the discount is left. `credited` is what credit notes took off the
    invoice; while that is not known (None), nothing is offered on an item of which a part was paid or credited.
    """
    if item.disputed or (credited is None and item.outstanding < item.total):
        return None
    terms = terms_of(item, customer, policy, credited)
    return terms if terms is not None and as_of <= terms.last_on and terms.amount < item.outstanding else None


def offers_of(action: Action, policy: Policy, as_of: date, credited: Mapping[str, Money] | None = None) -> dict[str, EarlyDiscount]:
    """What the notice of this action offers, by item. `credited` says what credit notes took off an item, where that is known."""
    known = credited or {}
    found = {
        item.id: offer_of(item, action.customer, policy, as_of, credited=known.get(item.id))
        for item in (entry.item for entry in action.items)
    }
    return {key: offer for key, offer in found.items() if offer is not None}


# Whether it was earned


def judge_discount(facts: DiscountFacts, policy: Policy, as_of: date) -> DiscountEarned | DiscountNotEarned:
    """Whether what is left of the item is a discount that was earned, by what is known on `as_of`.

    Earned: payments that came in by the last day and its days of grace make up what is owed less the discount, and no more than the
    discount is left. A cent is let pass on both: whoever rounds net and tax apart comes to another cent than who rounds the sum.
    """
    if terms_of(facts.item, facts.customer, policy) is None:
        return _nothing_granted(facts.item)
    terms = terms_of(facts.item, facts.customer, policy, facts.credited)
    stop = _stop(facts, as_of) or (terms and _more_is_owed(facts.item, terms)) or _doubt(facts)
    if stop is not None or terms is None:
        return stop or _nothing_granted(facts.item)
    deadline = days_after(terms.last_on, policy.early_payment_discount.grace_days)
    return _by_payments(facts, terms, deadline, as_of)


def rest_is_discount(judged: DiscountEarned | DiscountNotEarned) -> bool:
    """Whether what is left is not to be asked for: a discount that was earned, or what may be one while nobody can tell."""
    return isinstance(judged, DiscountEarned) or judged.may_be_the_discount


def waits_for_matching(item: OpenItem, customer: Customer, unapplied: Iterable[UnappliedCredit], policy: Policy) -> date | None:
    """The day of the payment that nobody has matched with an invoice yet and that would prove the discount on this item; None when there is
    none. Nothing is credited by it; the item is not asked for until somebody matched it."""
    terms, settings = terms_of(item, customer, policy), policy.early_payment_discount
    if terms is None:
        return None
    deadline, needed = days_after(terms.last_on, settings.grace_days), item.outstanding - terms.amount - _cent(item.total.currency)
    same = [one for one in unapplied if one.kind is CreditKind.PAYMENT and one.remaining.currency == needed.currency and one.dated_on]
    return min((one.dated_on for one in same if one.dated_on and one.dated_on <= deadline and one.remaining >= needed), default=None)


def _nothing_granted(item: OpenItem) -> DiscountNotEarned:
    if item.is_late_charge:
        return DiscountNotEarned(WhyNotEarned.LATE_CHARGE, "a late charge of our own bears no discount")
    if item.instalment_count > 1:
        return DiscountNotEarned(WhyNotEarned.INSTALMENTS, "an invoice with instalments bears no discount")
    return DiscountNotEarned(WhyNotEarned.NONE_GRANTED, "neither the ledger's terms nor the policy grant a discount on it")


def _stop(facts: DiscountFacts, as_of: date) -> DiscountNotEarned | None:
    """What ends the question before any sum is made."""
    item, before = facts.item, facts.already_credited
    if before is not None and before.is_positive:
        return DiscountNotEarned(WhyNotEarned.ALREADY_CREDITED, f"{before} was credited for it before")
    if not item.outstanding.is_positive:
        return DiscountNotEarned(WhyNotEarned.NOTHING_LEFT, "nothing of it is left to be paid")
    contested = item.disputed or next((one.reason for one in facts.holds if _is_dispute(one, item, as_of)), "")
    return DiscountNotEarned(WhyNotEarned.DISPUTED, f"it is disputed: {contested}") if contested else None


def _is_dispute(hold: Hold, item: OpenItem, as_of: date) -> bool:
    return hold.kind is HoldKind.DISPUTE and covers(hold, item) and (hold.until is None or hold.until >= as_of)


def _more_is_owed(item: OpenItem, terms: EarlyDiscount) -> DiscountNotEarned | None:
    if item.outstanding <= terms.amount + _cent(item.total.currency):
        return None
    return DiscountNotEarned(WhyNotEarned.MORE_IS_OWED, f"{item.outstanding} is left, more than the discount of {terms.amount}")


def _doubt(facts: DiscountFacts) -> DiscountNotEarned | None:
    """Whether the payments that are known are all: a rest whose payment is not known may have been paid in time, or not."""
    item = facts.item
    left = item.total - _sum((one.amount for one in facts.allocations), item.total.currency)
    if left == item.outstanding:
        return None
    detail = f"the books say that {item.outstanding} is outstanding, and the payments that are known leave {left}"
    return DiscountNotEarned(WhyNotEarned.DOUBT, detail, may_be_the_discount=True)


def _by_payments(facts: DiscountFacts, terms: EarlyDiscount, deadline: date, as_of: date) -> DiscountEarned | DiscountNotEarned:
    item, currency = facts.item, facts.item.total.currency
    needed, by = item.total - facts.credited - terms.amount, min(deadline, as_of)
    in_time = sorted((day, amount.amount) for day, amount in facts.payments() if day <= by)
    earned_on = _reached(in_time, (needed - _cent(currency)).amount)
    paid = Money.of(sum((amount for _, amount in in_time), Decimal(0)), currency)
    said = f"by {by} {paid} had come in, of the {needed} that were to come by {deadline}"
    if earned_on is None:
        return DiscountNotEarned(WhyNotEarned.NOT_IN_TIME, said)
    if facts.is_covered_by_credit:
        covered = f"the customer's unallocated credit covers the {item.outstanding} that is left"
        return DiscountNotEarned(WhyNotEarned.COVERED_BY_CREDIT, covered, may_be_the_discount=True)
    return DiscountEarned(item, terms, item.outstanding, earned_on, f"{said}; the rest of {item.outstanding} is the discount")


def _reached(in_time: Iterable[tuple[date, Decimal]], needed: Decimal) -> date | None:
    """The day from which on the payments come to what is needed."""
    paid, reached = Decimal(0), None
    for day, amount in in_time:
        paid += amount
        reached = None if paid < needed else reached or day
    return reached


def _cent(currency: str) -> Money:
    return Money.from_minor(1, currency)


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, start=Money.zero(currency))
