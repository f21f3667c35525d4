"""How much a rule comes to for a time: interest day by day, fees on their days, the law's fixed sum, the highest of several. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from ..calendar import days_after
from ..errors import PolicyProblem
from ..money import Money
from ..policy.charge_law import INTEREST, TAX_KIND, annual_percent, compared, law_of, members_of, tax_on
from ..policy.charge_schema import Base, ChargeRule, LateCharges, RuleKind
from ..policy.country_pack import CountryPack, Nothing, Treatment
from ..policy.schema import Policy
from ..rates import (
    Compounding,
    Confirmation,
    DayBasis,
    InterestRule,
    Rate,
    RateOverTime,
    RateTable,
    RateUnknown,
    Rounding,
    effective_annual,
)
from .charge_facts import CalculationLine, ChargeFacts, WhyNotCharged, principal_of
from .interest import InterestPaid, charge_between

_ONE_DAY = timedelta(days=1)
_AGREED = "agreed"
_NO_STATUTE = Nothing("no statutory interest is known for this country")
_ROUNDED = {
    Rounding.PER_DAY: "each day's interest is rounded",
    Rounding.PER_SEGMENT: "each line is rounded",
    Rounding.AT_END: "rounded at the end",
}


class CannotCount(Exception):
    """What a rule comes to is not known or not owed; nothing is charged on a guess."""

    def __init__(self, reason: WhyNotCharged, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Span:
    """The days that a charge is for, and those of them on which a fee falls due."""

    first: date
    last: date
    fee_days: tuple[date, ...] = ()

    def __add__(self, later: "Span") -> "Span":
        return Span(self.first, later.last, self.fee_days + later.fee_days)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a rule comes to for a span, before any limit, and how. `kind` and `chosen` are those of the member that was the highest."""

    kind: RuleKind
    steps: tuple[CalculationLine, ...]
    sum: Money
    rounding: str = ""
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class ChargeBook:
    """The late charges of a policy made ready for many decisions, with the law of every country that they ask."""

    policy: Policy
    settings: LateCharges
    packs: Mapping[str, CountryPack]
    rules: tuple[ChargeRule, ...]
    _statutes: Mapping[tuple[str, bool], InterestRule | Nothing] = field(init=False, repr=False, compare=False)
    """By country and whether a business owes it: worked out once, the tables of rates are long."""

    def __post_init__(self) -> None:
        made = {(country, kind): pack.statutory_rule(is_business=kind) for country, pack in self.packs.items() for kind in (True, False)}
        object.__setattr__(self, "_statutes", made)

    @classmethod
    def of(cls, policy: Policy, pack_of: Callable[[str], CountryPack]) -> "ChargeBook":
        """Make a policy ready. `pack_of` gives the pack of a country, or raises PolicyProblem where there is none."""
        settings = policy.late_charges or LateCharges.model_construct(rules=())
        company = policy.company
        countries = {law_of(rule.law, company.country, "")[0] for rule in settings.rules} | {company.country}
        packs = {country: pack for country in sorted(countries) if (pack := _pack(pack_of, country)) is not None}
        inside = compared(settings.rules)
        return cls(policy, settings, packs, tuple(rule for rule in settings.rules if rule.key not in inside))

    @property
    def start(self) -> date | None:
        """The day before which nothing is charged."""
        return self.settings.start or (self.policy.go_live.on if self.policy.go_live else None)

    def law(self, rule: ChargeRule) -> tuple[CountryPack | None, str]:
        """The pack that a rule asks, and the region in it."""
        country, region = law_of(rule.law, self.policy.company.country, self.policy.company.region)
        return self.packs.get(country), region

    def statute(self, rule: ChargeRule, *, is_business: bool) -> InterestRule | Nothing:
        """How interest is counted by the law that a rule asks, or why there is none."""
        country, _ = law_of(rule.law, self.policy.company.country, "")
        return self._statutes.get((country, is_business), _NO_STATUTE)

    def members(self, rule: ChargeRule) -> tuple[ChargeRule, ...]:
        """The rule itself, or those that it compares."""
        return members_of(rule, self.settings.rules)

    def is_interest(self, rule: ChargeRule) -> bool:
        """Whether it is charged for days that have passed; fees are charged on a day."""
        return any(member.kind in INTEREST for member in self.members(rule))

    def tax(self, kind: RuleKind) -> Treatment:
        """Whether tax is due on it in the company's country."""
        return tax_on(TAX_KIND[kind], self.settings.tax, self.packs.get(self.policy.company.country))

    def from_days(self, rule: ChargeRule) -> int:
        """Days overdue before the first charge of this rule."""
        return rule.from_days or self.settings.from_days

    def payable_on(self, charged_on: date) -> date:
        """When a document that charges something on this day is to be paid."""
        return days_after(charged_on, self.settings.payment_days)

    def terms(self, rule: ChargeRule) -> str:
        """What decides the amounts of a rule, as text: the same as long as nobody changes it in the policy."""
        told = [one.model_dump_json(exclude_defaults=True, by_alias=True) for one in (rule, *self.members(rule)[: len(rule.of)])]
        return f"{' '.join(told)} from day {self.from_days(rule)}"


def _pack(pack_of: Callable[[str], CountryPack], country: str) -> CountryPack | None:
    try:
        return pack_of(country)
    except PolicyProblem:
        return None


def count(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, span: Span) -> Counted:
    """What the rule comes to for the span. Raises CannotCount with the reason."""
    try:
        return _counted(rule, facts, book, span)
    except RateUnknown as unknown:
        raise CannotCount(WhyNotCharged.RATE_UNKNOWN, str(unknown)) from unknown


def _counted(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, span: Span) -> Counted:
    if rule.kind is RuleKind.HIGHER_OF:
        found = [(_counted(member, facts, book, span), member.key) for member in book.members(rule)]
        highest, key = max(found, key=lambda one: one[0].sum.amount)
        return replace(highest, chosen=key)
    if rule.kind in INTEREST:
        return _interest(rule, facts, book, span)
    lines = tuple(_fee(rule, facts, book, day) for day in span.fee_days if facts.owed_on(day).is_positive)
    total = sum((Money(line.counted, line.base.currency) for line in lines), start=Money.zero(facts.item.total.currency))
    return Counted(rule.kind, lines, total)


# Interest


def _interest(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, span: Span) -> Counted:
    default = facts.item.due_date + _ONE_DAY
    start = min(span.first, max(default, book.start or default))
    counting = counting_of(rule, facts, book, start, span.last)
    if counting.over_time is not RateOverTime.SPLIT or counting.compounding is not Compounding.NONE:
        start = default  # these look back to the first day of default, whatever of it is charged
    accrued = charge_between(facts.balances, counting, start, span.first, span.last, _paid_interest(rule, facts, book))
    return Counted(rule.kind, tuple(map(CalculationLine.of, accrued.segments)), accrued.total, _ROUNDED[counting.rounding])


def _paid_interest(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> tuple[InterestPaid, ...]:
    """What was paid on the charges of this rule, or of the one that compares it."""
    charging = {rule.key} | {other.key for other in book.rules if rule.key in other.of}
    return tuple(payment for one in facts.charges if one.rule in charging for payment in one.paid)


def counting_of(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, first: date, last: date) -> InterestRule:
    """How interest is counted for these days: the country's way unless the policy says otherwise. Raises CannotCount."""
    pack, region = book.law(rule)
    is_law = rule.kind is RuleKind.STATUTORY_INTEREST
    counting = _statutory(rule, facts, book) if is_law else _agreed(rule, facts, pack, region, first, last)
    if pack is not None and not pack.method.base_with_tax.value:
        raise CannotCount(WhyNotCharged.DOUBT, f"interest is owed on amounts without tax in {pack.name}, and the books give them with it")
    if not (rule.day_basis or rule.rounding or rule.rate_over_time):
        return counting
    try:
        return replace(
            counting,
            basis=rule.day_basis or counting.basis,
            rounding=rule.rounding or counting.rounding,
            over_time=rule.rate_over_time or counting.over_time,
        )
    except ValueError as impossible:
        raise CannotCount(WhyNotCharged.DOUBT, str(impossible)) from impossible


def _statutory(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook) -> InterestRule:
    is_business = facts.customer.is_business
    given = book.statute(rule, is_business=is_business)
    if isinstance(given, Nothing):
        known = given is not _NO_STATUTE
        raise CannotCount(WhyNotCharged.CONSUMER if known and not is_business else WhyNotCharged.NO_SUCH_RIGHT, given.reason)
    return given


def _agreed(rule: ChargeRule, facts: ChargeFacts, pack: CountryPack | None, region: str, first: date, last: date) -> InterestRule:
    percent = annual_percent(rule)
    if rule.legal_limit_percent is not None:
        limited = min(percent, pack.nominal_limit(rule.legal_limit_percent) if pack else rule.legal_limit_percent)
        rates = RateTable.fixed(limited, _AGREED if limited == percent else f"{_AGREED} {percent} %, limited by law as the policy says")
    else:
        rates = _within_the_law(percent, facts, pack, region, first, last)
    counting = pack.contract_rule(rates) if pack else InterestRule(rates)
    return counting if rule.monthly_percent is None else replace(counting, basis=DayBasis.THIRTY_360)


def _within_the_law(percent: Decimal, facts: ChargeFacts, pack: CountryPack | None, region: str, first: date, last: date) -> RateTable:
    """The agreed rate, on each day not above what the law of that day allows. Raises CannotCount where that is not known."""
    if pack is None or not (pack.ceilings or pack.unknown_ceilings):
        return RateTable.fixed(percent, _AGREED)
    changes = {day for one in pack.ceilings for day in (one.from_on, days_after(one.until, 1)) if first < day <= last}
    return RateTable(tuple(_limited(percent, facts, pack, region, day) for day in sorted({first, *changes})))


def _limited(percent: Decimal, facts: ChargeFacts, pack: CountryPack, region: str, day: date) -> Rate:
    limit = pack.ceiling_on(
        day,
        is_business=facts.customer.is_business,
        region=region if pack.ceilings_by_region else "",
        debt=facts.item.total.amount,
    )
    if isinstance(limit, Nothing):
        raise CannotCount(WhyNotCharged.RATE_UNKNOWN, limit.reason)
    if limit is None or limit.percent is None or limit.percent >= percent:
        return Rate(day, percent, _AGREED, Confirmation.CONFIRMED)
    agreed = f"{_AGREED} {percent} %{f' ({effective_annual(percent)} % effective)' if limit.effective else ''}"
    return Rate(day, limit.percent, f"{agreed}, limited to {limit.words} by {limit.source}", limit.confirmation)


# Fees and fixed sums


def _fee(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, day: date) -> CalculationLine:
    owed, currency = facts.owed_on(day), facts.item.total.currency
    if rule.kind is RuleKind.PERCENTAGE:
        base = principal_of(facts.item, facts.charges) if rule.base is Base.TOTAL else owed
        percent = rule.percent or Decimal(0)
        return CalculationLine(day, day, base, Money.of(base.amount * percent / 100, currency).amount, percent)
    if rule.kind is RuleKind.COMPENSATION:
        return _compensation(rule, facts, book, day)
    amount = rule.amount.get(currency)
    if amount is None:
        raise CannotCount(WhyNotCharged.NO_AMOUNT, f"the policy gives no amount in {currency}")
    return CalculationLine(day, day, owed, Money.of(amount, currency).amount)


def _compensation(rule: ChargeRule, facts: ChargeFacts, book: ChargeBook, day: date) -> CalculationLine:
    """The law's fixed sum for the debt that became late; a sum of the policy's own in its place, but never from a consumer."""
    late_on = facts.item.due_date + _ONE_DAY
    debt, (pack, _), own = facts.owed_on(late_on), book.law(rule), rule.amount.get(facts.item.total.currency)
    is_business = facts.customer.is_business
    if not is_business:
        raise CannotCount(WhyNotCharged.CONSUMER, "the fixed sum for the costs of recovery is owed by businesses only")
    if own is not None:
        return CalculationLine(day, day, debt, Money.of(own, debt.currency).amount, source="a sum of the policy's own")
    if pack is None:
        raise CannotCount(WhyNotCharged.NO_SUCH_RIGHT, "no fixed sum is known for this country; give one in the policy")
    given = pack.compensation_for(debt, late_on, is_business=is_business)
    if isinstance(given, Nothing):
        reason = WhyNotCharged.NO_AMOUNT if pack.compensation else WhyNotCharged.NO_SUCH_RIGHT
        raise CannotCount(reason, given.reason)
    return CalculationLine(day, day, debt, given.amount.amount, source=given.source)
