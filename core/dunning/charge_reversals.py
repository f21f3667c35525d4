"""Which charges are to be taken back, entirely or in part: the payment was on time after all, less was owed than was known, nothing is left
of the debt and what is open is not worth a letter. Pure; a charge that was reversed as said here is not said again."""

from collections.abc import Iterator
from datetime import date, timedelta

from ..money import Money
from ..policy.charge_schema import AfterPayment, ChargeRule, Every
from .charge_facts import ChargeFacts, ChargeKey, ChargeRecord, ChargeState, Reversal, WhyReversed, books_disagree
from .charge_periods import first_late_day, marks, rhythm_of
from .charge_rules import CannotCount, ChargeBook, Span, count
from .charges import open_charges

_ONE_DAY = timedelta(days=1)


def reversals(facts: ChargeFacts, book: ChargeBook) -> tuple[Reversal, ...]:
    """What is to be reversed by what is known now. Charges that wait for approval are dropped by it, those in the books are credited.

    An earlier charge is counted again with today's knowledge of payments, due date and rates, but only while its rule is the same in the
    policy: a change of the policy takes nothing back. A charge is never raised. Nothing while the books and the known payments disagree.
    """
    standing = [one for one in facts.charges if one.stands and one.amount.is_positive]
    if not facts.is_void and books_disagree(facts):
        return ()
    found = [reversal for one in standing if (reversal := _reversal(one, facts, book)) is not None]
    return tuple(found) or tuple(_written_off(standing, facts, book))


def _reversal(record: ChargeRecord, facts: ChargeFacts, book: ChargeBook) -> Reversal | None:
    key = ChargeKey(facts.item.id, record.rule, record.period)
    if facts.is_void:
        return Reversal(key, record.amount, WhyReversed.INVOICE_VOID, "the invoice is not owed any more")
    rule = next((one for one in book.rules if one.key == record.rule and book.terms(one) == record.terms), None)
    settled, late = facts.settled_on, first_late_day(rule, facts, book) if rule else facts.item.due_date + _ONE_DAY
    if settled is not None and settled < late:
        return Reversal(key, record.amount, WhyReversed.PAID_ON_TIME, f"it was paid on {settled}, and is late from {late} on")
    if settled is not None and record.state is ChargeState.WAITING and book.settings.after_payment is AfterPayment.WAIVE:
        return Reversal(key, record.amount, WhyReversed.WAIVED_ON_PAYMENT, f"it was paid on {settled}, before the charge was approved")
    if rule is None:
        return None
    if record.state is ChargeState.WAITING and record.last < late and not book.is_interest(rule):
        return Reversal(key, record.amount, WhyReversed.OVERCHARGED, f"by the due date as it is now it is charged from {late} on")
    right = _counted_again(record, rule, facts, book)
    if right is None or right >= record.amount:
        return None
    detail = f"{record.amount} was charged for {record.first} to {record.last}; by what is known now it is {right}"
    return Reversal(key, record.amount - right, WhyReversed.OVERCHARGED, detail)


def _counted_again(record: ChargeRecord, rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> Money | None:
    """What the charge would come to now; None when it cannot be counted."""
    first = max(record.first, facts.item.due_date + _ONE_DAY)
    if first > record.last:
        return Money.zero(record.amount.currency)
    days: tuple[date, ...] = (record.first,)
    rhythm = rhythm_of(rule, facts, book)
    if rhythm is not Every.ONCE:
        days = tuple(day for day in _until(record, rhythm) if day >= first)
    try:
        return count(rule, facts, book, Span(first, record.last, days)).sum
    except CannotCount:
        return None


def _until(record: ChargeRecord, rhythm: Every | int) -> Iterator[date]:
    for day in marks(record.first, rhythm):
        if day > record.last:
            return
        yield day


def _written_off(standing: list[ChargeRecord], facts: ChargeFacts, book: ChargeBook) -> Iterator[Reversal]:
    """The rest of the charges, when the invoice is paid and they are together below the policy's limit."""
    limit = book.settings.write_off_below.get(facts.item.total.currency)
    unpaid = open_charges(facts)
    if limit is None or facts.settled_on is None or not unpaid.is_positive or unpaid.amount >= limit:
        return
    for one in standing:
        left = one.amount if one.outstanding is None else one.outstanding
        if left.is_positive:
            key = ChargeKey(facts.item.id, one.rule, one.period)
            yield Reversal(key, left, WhyReversed.WRITTEN_OFF, f"the invoice is paid, and {unpaid} of charges is below {limit}")
