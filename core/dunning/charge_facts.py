"""What the decisions on late charges look at and what they say: facts in, charges with their calculation out, or why there is none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from ..money import Money
from ..policy.charge_schema import Placement, RuleKind
from ..policy.country_pack import Treatment
from ..receivables import Allocation, Customer, OpenItem
from .facts import Hold
from .interest import Balance, InterestPaid, Segment

_ONE_DAY = timedelta(days=1)


class WhyNotCharged(StrEnum):
    """Why a rule charges nothing now. The order of `dunning.charges` decides which one is given when several apply."""

    OWN_DOCUMENT = "own_document"
    NOT_OWED = "not_owed"
    LEDGER_CHARGES = "ledger_charges"
    EXEMPT = "exempt"
    NOT_CHASED = "not_chased"
    DISPUTED = "disputed"
    HELD = "held"
    PROMISED = "promised"
    COVERED_BY_CREDIT = "covered_by_credit"
    DOUBT = "doubt"
    OTHER_CUSTOMERS = "other_customers"
    CONSUMER = "consumer"
    TAX_UNDECIDED = "tax_undecided"
    NO_SUCH_RIGHT = "no_such_right"
    NO_AMOUNT = "no_amount"
    RATE_UNKNOWN = "rate_unknown"
    BEFORE_START = "before_start"
    NOT_LATE_ENOUGH = "not_late_enough"
    WAIVED_ON_PAYMENT = "waived_on_payment"
    NOT_ANNOUNCED = "not_announced"
    ALREADY_CHARGED = "already_charged"
    PERIOD_RUNNING = "period_running"
    NOTHING_LEFT = "nothing_left"
    BELOW_MINIMUM = "below_minimum"
    WRITTEN_OFF = "written_off"
    CAP_REACHED = "cap_reached"


class ChargeState(StrEnum):
    """What became of a charge: in the books, waiting for a person's yes, waived by a person before it was made, or reversed entirely."""

    MADE = "made"
    WAITING = "waiting"
    WAIVED = "waived"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class ChargeKey:
    """What makes a charge one and the same, within a company: item, rule, and the last day (fees: the day) of what it covers."""

    item_id: str
    rule: str
    period: str

    def __str__(self) -> str:
        return f"{self.item_id}|charge|{self.rule}|{self.period}"


@dataclass(frozen=True, slots=True)
class ChargeRecord:
    """A charge that was decided on before. The days `first` to `last` are dealt with, whatever became of it, and never charged again.

    `amount` is what stands now, without tax and less what was reversed of it; `terms` is that of the decision; `outstanding` is what is
    still open of its document (None: not known); `line_total` is what it adds to the invoice itself, with tax, when it is a line of it.
    `paid` is what was paid on its document, where that is known.
    """

    rule: str
    period: str
    first: date
    last: date
    amount: Money
    state: ChargeState = ChargeState.MADE
    terms: str = ""
    outstanding: Money | None = None
    line_total: Money | None = None
    paid: tuple[InterestPaid, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether it counts towards caps and can be reversed."""
        return self.state in (ChargeState.MADE, ChargeState.WAITING)


@dataclass(frozen=True, slots=True)
class ChargeFacts:
    """All that the decisions about the charges on one item need.

    `balances` are those of balances_of for the item without charges of ours; `charges` is everything that was ever decided for this item;
    `announced_on` is the day of the first notice that announced a rule, by rule; `is_void` when the invoice is not owed any more and never
    was; `not_chased` is the reason when the item is left alone for good (excluded by the policy, the ledger says no, ignored old debt).
    """

    item: OpenItem
    balances: tuple[Balance, ...]
    customer: Customer
    holds: tuple[Hold, ...] = ()
    charges: tuple[ChargeRecord, ...] = ()
    announced_on: Mapping[str, date] = field(default_factory=dict)
    ledger_late_fee: str = ""
    not_chased: str = ""
    is_covered_by_credit: bool = False
    is_void: bool = False

    @property
    def settled_on(self) -> date | None:
        """The day on which the last of the item was paid; None while anything of it is owed."""
        history = sorted(self.balances, key=lambda balance: balance.from_on)
        if not history or history[-1].amount.is_positive:
            return None
        owed = max((number for number, balance in enumerate(history) if balance.amount.is_positive), default=-1)
        return history[owed + 1].from_on - _ONE_DAY if owed >= 0 else date.min

    def owed_on(self, day: date) -> Money:
        """What was owed on this day; a payment of the day itself counts from the next."""
        past = [balance for balance in self.balances if balance.from_on <= day]
        return max(past, key=lambda balance: balance.from_on).amount if past else Money.zero(self.item.total.currency)


def principal_of(item: OpenItem, charges: Iterable[ChargeRecord]) -> Money:
    """The item's total without charges of ours that are lines of it, so that no charge is ever taken on a charge."""
    return item.total - _lines(charges, item.total.currency)


def _lines(charges: Iterable[ChargeRecord], currency: str) -> Money:
    return sum((one.line_total for one in charges if one.line_total and one.stands), start=Money.zero(currency))


def balances_of(
    total: Money,
    allocations: Iterable[Allocation],
    as_of: date,
    *,
    received: Mapping[str, date] | None = None,
    paid_before: Money | None = None,
) -> tuple[Balance, ...]:
    """What was owed from which day on, by what is known on `as_of`: later allocations are left out.

    `received` says on which day each payment came in, or each credit note was made, by its id: money that was matched late counts from the
    day it came. `paid_before` is the total of earlier instalments of the invoice, which are paid first. Never below nothing.
    """
    days: dict[date, Decimal] = {}
    for one in allocations:
        day = min(one.allocated_on, (received or {}).get(one.source_id, one.allocated_on))
        if one.allocated_on <= as_of:
            days[day + _ONE_DAY] = days.get(day + _ONE_DAY, Decimal(0)) + one.amount.amount
    found, paid = [Balance(date.min, total)], -paid_before.amount if paid_before else Decimal(0)
    for day in sorted(days):
        paid += days[day]
        left = total.amount - max(paid, Decimal(0))
        found.append(Balance(day, Money.of(max(left, Decimal(0)), total.currency)))
    return tuple(found)


def books_disagree(facts: ChargeFacts) -> str:
    """Why what is known of payments cannot be all, in a sentence; empty when it fits what the ledger says is outstanding."""
    known = max(facts.balances, key=lambda balance: balance.from_on).amount if facts.balances else facts.item.total
    left = facts.item.outstanding - _lines(facts.charges, known.currency)
    said = max(left, Money.zero(known.currency))
    return "" if said == known else f"the books say that {said} is outstanding, and the payments that are known leave {known}"


# What is decided


@dataclass(frozen=True, slots=True)
class CalculationLine:
    """One line of a calculation. Interest: days × base × percent ÷ 100 ÷ divisor; a fee has no days, a fixed sum no percent either.
    `counted` is what enters the sum, for people to read; `source` is a statute, or empty for what was agreed."""

    first: date
    last: date
    base: Money
    counted: Decimal
    percent: Decimal | None = None
    days: int | None = None
    divisor: int | None = None
    source: str = ""

    @classmethod
    def of(cls, segment: Segment) -> "CalculationLine":
        """A segment of interest."""
        return cls(
            segment.first, segment.last, segment.base, segment.amount, segment.annual_percent, segment.days, segment.divisor, segment.source
        )

    def __str__(self) -> str:
        percent = f"{self.percent.normalize():f} %" if self.percent is not None else ""
        source = f" [{self.source}]" if self.source else ""
        sum_of = f"{self.counted.normalize():f} {self.base.currency}"
        if self.days is not None:
            return f"{self.first} to {self.last}: {self.days} days × {self.base} × {percent} ÷ {self.divisor} = {sum_of}{source}"
        if percent:
            return f"{self.first}: {percent} of {self.base} = {sum_of}{source}"
        return f"{self.first}: {sum_of}{source}"


@dataclass(frozen=True, slots=True)
class Calculation:
    """How a charge came about. `counted` is the sum of the lines, rounded as the rule says; `total` is what is charged after `limits`,
    which are the caps that were reached, each in a sentence. `chosen` is the member of a higher_of that was the highest, by its key."""

    kind: RuleKind
    first: date
    last: date
    steps: tuple[CalculationLine, ...]
    counted: Money
    total: Money
    rounding: str = ""
    limits: tuple[str, ...] = ()
    chosen: str = ""

    def lines(self) -> tuple[str, ...]:
        """In plain English: every step, the sum, how it was rounded, and every limit that lowered it."""
        rounded = f" ({self.rounding})" if self.rounding else ""
        chosen = (f"The highest of the rules compared is {self.chosen}.",) if self.chosen else ()
        return (*chosen, *map(str, self.steps), f"Sum: {self.counted}{rounded}", *self.limits)


@dataclass(frozen=True, slots=True)
class ChargeDue:
    """A charge that is to be made, once. `due_on` is the first day on which it was due; `terms` is to be kept with it; `statement` is the
    month (2026-05) whose document it belongs to, together with the customer's other charges in its currency; empty: by itself."""

    key: ChargeKey
    amount: Money
    calculation: Calculation
    rule: str
    due_on: date
    terms: str
    placement: Placement
    needs_approval: bool
    tax: Treatment
    statement: str = ""

    def lines(self) -> tuple[str, ...]:
        """The calculation in plain English, the amount last."""
        return (*self.calculation.lines(), f"Charge: {self.amount}")


@dataclass(frozen=True, slots=True)
class NotCharged:
    """A rule charges nothing now, and why. `until` is the day on which to look again, where one is known. An empty rule: all rules."""

    rule: str
    reason: WhyNotCharged
    detail: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a notice has to say about a rule before it charges: from which day at the earliest, and how much.

    Interest: `percent` a year and `a_day` on what is outstanding now. A fee: `amount`, and its `percent` when it has one. Of a higher_of,
    `highest_of` holds the members. `law` is the statute that gives the right, empty when it was agreed; `days` is the rhythm in days, 0 for
    a month, None for once.
    """

    rule: str
    kind: RuleKind
    from_on: date
    percent: Decimal | None = None
    a_day: Money | None = None
    amount: Money | None = None
    days: int | None = None
    law: str = ""
    highest_of: tuple["Announcement", ...] = ()

    def line(self) -> str:
        """In plain English."""
        if self.highest_of:
            return f"{self.rule}: the highest of " + "; ".join(one.line() for one in self.highest_of)
        rhythm = {None: "", 0: " every month"}.get(self.days, f" every {self.days} days")
        percent = f"{self.percent.normalize():f} %" if self.percent is not None else ""
        if self.a_day is not None:
            what = f"interest of {percent} a year, {self.a_day} a day now, charged{rhythm or ' on payment'}"
        else:
            what = f"{f'{percent}, now ' if percent else ''}{self.amount}{rhythm}"
        return f"{self.rule}: {what}, from {self.from_on}{f' [{self.law}]' if self.law else ''}"


class WhyReversed(StrEnum):
    """Why a charge is taken back, entirely or in part."""

    INVOICE_VOID = "invoice_void"
    PAID_ON_TIME = "paid_on_time"
    WAIVED_ON_PAYMENT = "waived_on_payment"
    OVERCHARGED = "overcharged"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class Reversal:
    """So much of a charge is to be taken back, and why."""

    key: ChargeKey
    amount: Money
    reason: WhyReversed
    detail: str
