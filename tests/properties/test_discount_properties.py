"""Invariants of early-payment discounts, over invented payments, credit notes and terms."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from discount_cases import ISSUED, TERMS, facts, item
from dunning_cases import GOMEZ
from hypothesis import event, given, settings
from hypothesis import strategies as st
from puntual.core.dunning.discounts import DiscountEarned, DiscountFacts, judge_discount, offer_of, rest_is_discount, terms_of
from puntual.core.money import Money
from puntual.core.policy.discount_schema import EarlyPaymentDiscount
from puntual.core.policy.schema import Policy
from puntual.core.receivables import Allocation, CreditKind, EarlyDiscount

CENT = Decimal("0.01")
END = ISSUED + timedelta(days=60)
many = settings(max_examples=200, deadline=None)
offsets = st.integers(0, 45)
some_days = offsets.map(lambda offset: ISSUED + timedelta(days=offset))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """The ledger's terms, an own offer, or both."""
    percents = st.sampled_from([Decimal(percent) for percent in ("1", "2", "2.5", "3", "33.3")])
    own = {"percent": draw(percents), "days": draw(st.integers(1, 25))} if draw(st.booleans()) else {}
    terms = EarlyPaymentDiscount(from_ledger=draw(st.integers(0, 3)) > 0, grace_days=draw(st.integers(0, 10)), **own)
    return TERMS.model_copy(update={"early_payment_discount": terms})


@st.composite
def histories(draw: st.DrawFn) -> DiscountFacts:
    """An invoice of which something near all was paid or credited, at once or in parts, and by and large in time."""
    total = Money.from_minor(draw(st.integers(100, 500_000)), "EUR")
    granted = Money.of(total.amount * draw(st.sampled_from([1, 2, 3, 10])) / 100, "EUR")
    terms = EarlyDiscount(draw(some_days), granted) if draw(st.integers(0, 3)) else None
    noted = draw(st.sampled_from([0, 0, total.minor // 7, total.minor // 3]))
    left = draw(st.integers(-3, 3)) + draw(
        st.sampled_from([0, granted.minor // 2, granted.minor, granted.minor * (total.minor - noted) // total.minor])
    )
    to_pay = total.minor - noted - max(left, 0)
    first = draw(st.integers(0, to_pay)) if draw(st.booleans()) else to_pay
    parts = [(CreditKind.PAYMENT, first), (CreditKind.PAYMENT, to_pay - first), (CreditKind.CREDIT_NOTE, noted)]
    used = [(_used(number, kind, minor), min(draw(some_days), draw(some_days))) for number, (kind, minor) in enumerate(parts) if minor]
    known = item(str(total.amount), "")
    return facts(*used, of=replace(known, early_discount=terms))


def _used(number: int, kind: CreditKind, minor: int) -> Allocation:
    """Matched long after it came in."""
    return Allocation(f"a{number}", "F-1", f"s{number}", kind, Money.from_minor(minor, "EUR"), END)


def credit_of(known: DiscountFacts, by: Policy, on: date = END) -> Decimal | None:
    judged = judge_discount(known, by, on)
    return judged.credit.amount if isinstance(judged, DiscountEarned) else None


@many
@given(histories(), policies())
def test_never_more_than_was_granted_and_then_nothing_is_left(known: DiscountFacts, by: Policy) -> None:
    granted, credit = terms_of(known.item, GOMEZ, by), credit_of(known, by)
    event("earned" if credit else "not earned")
    if credit is not None:
        assert granted
        assert 0 < credit <= granted.amount.amount + CENT
        assert known.item.total.amount == sum(one.amount.amount for one in known.allocations) + credit
        assert rest_is_discount(judge_discount(known, by, END))


@many
@given(histories(), policies())
def test_earned_is_what_the_sums_say(known: DiscountFacts, by: Policy) -> None:
    """The rule once more, without a look at the decision's own sums."""
    noted = sum((one.amount.amount for one in known.allocations if one.source_kind is CreditKind.CREDIT_NOTE), Decimal(0))
    terms = terms_of(known.item, GOMEZ, by, Money(noted, "EUR"))
    deadline = terms.last_on + timedelta(days=by.early_payment_discount.grace_days) if terms else date.min
    came = [one for one in known.allocations if one.source_kind is CreditKind.PAYMENT and known.received[one.source_id] <= deadline]
    paid, left = sum((one.amount.amount for one in came), Decimal(0)), known.item.outstanding.amount
    expected = terms is not None and left > 0 and known.item.total.amount - noted - terms.amount.amount - paid <= CENT
    assert (credit_of(known, by) is not None) == (expected and terms is not None and left <= terms.amount.amount + CENT)


@many
@given(histories(), policies(), st.randoms(use_true_random=False))
def test_the_order_of_payments_makes_no_difference(known: DiscountFacts, by: Policy, chance: Random) -> None:
    mixed = list(known.allocations)
    chance.shuffle(mixed)
    assert judge_discount(replace(known, allocations=tuple(mixed)), by, END) == judge_discount(known, by, END)


@many
@given(histories(), policies(), offsets, offsets)
def test_what_was_earned_stays_earned(known: DiscountFacts, by: Policy, one: int, other: int) -> None:
    earlier, later = (ISSUED + timedelta(days=days) for days in sorted((one, other)))
    if credit_of(known, by, earlier) is not None:
        assert credit_of(known, by, later) == credit_of(known, by, earlier)


@many
@given(histories(), policies(), st.integers(0, 20))
def test_more_days_of_grace_take_nothing_away(known: DiscountFacts, by: Policy, more: int) -> None:
    settings_ = by.early_payment_discount
    longer = settings_.model_copy(update={"grace_days": settings_.grace_days + more})
    if (credit := credit_of(known, by)) is not None:
        assert credit_of(known, by.model_copy(update={"early_payment_discount": longer})) == credit


@many
@given(histories(), policies())
def test_it_is_credited_once(known: DiscountFacts, by: Policy) -> None:
    if (credit := credit_of(known, by)) is not None:
        assert credit_of(replace(known, already_credited=Money(credit, "EUR")), by) is None


@many
@given(histories(), policies(), some_days)
def test_who_takes_the_offer_of_a_notice_has_earned_it(known: DiscountFacts, by: Policy, day: date) -> None:
    """Whatever a notice offers: who pays exactly the rest on its last day owes nothing more."""
    before = [one for one in known.allocations if known.received[one.source_id] <= day]
    noted = sum((one.amount.amount for one in before if one.source_kind is CreditKind.CREDIT_NOTE), Decimal(0))
    open_then = known.item.total - Money.of(sum((one.amount.amount for one in before), Decimal(0)), "EUR")
    seen = replace(known.item, outstanding=open_then)
    offer = offer_of(seen, GOMEZ, by, day, credited=Money(noted, "EUR"))
    event("offered" if offer else "nothing offered")
    if offer is not None:
        assert day <= offer.last_on
        rest = Allocation("rest", "F-1", "rest", CreditKind.PAYMENT, open_then - offer.amount, offer.last_on)
        took = replace(
            known,
            item=replace(seen, outstanding=offer.amount),
            allocations=(*before, rest),
            received={**known.received, "rest": offer.last_on},
        )
        assert credit_of(took, by) == offer.amount.amount
