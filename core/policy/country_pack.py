"""What the law of one country says about late payment: rates, sums, limits and tax, each with its source and how sure it is.

A pack answers with a value or with the reason why there is none; nothing is ever taken for granted.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from ..money import Money
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
    nominal_annual,
)
from .statutory import Dated, ReferenceSeries, Sourced, StatutoryInterest

T = TypeVar("T")


class ChargeKind(StrEnum):
    """What is charged, as tax law sees it. LATE_FEE is a sum or a percentage that was agreed."""

    STATUTORY_INTEREST = "statutory_interest"
    CONTRACT_INTEREST = "contract_interest"
    COMPENSATION = "compensation"
    LATE_FEE = "late_fee"


class Treatment(StrEnum):
    """Whether value added tax is due on a charge. FOLLOWS_SUPPLY: taxed as what was sold; NEEDS_DECISION: somebody who knows has to say."""

    NONE = "none"
    FOLLOWS_SUPPLY = "follows_supply"
    NEEDS_DECISION = "needs_decision"


class Allocation(StrEnum):
    """What a part payment pays first by law, when nobody says otherwise. Interest is counted by the books, which may say otherwise."""

    PRINCIPAL_FIRST = "principal_first"
    COSTS_INTEREST_PRINCIPAL = "costs_interest_principal"


class Chosen(Sourced, Generic[T]):
    """One setting of a country."""

    value: T = Field(alias="is")


class Tier(BaseModel):
    """A sum for debts below an amount (not including it), or up to an amount (including it); neither: for all larger ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    below: Decimal | None = None
    up_to: Decimal | None = None
    amount: Annotated[Decimal, Field(ge=0)]

    def covers(self, debt: Decimal) -> bool:
        """Whether a debt of this size is in the tier."""
        return (self.below is None or debt < self.below) and (self.up_to is None or debt <= self.up_to)


class FixedSum(Dated):
    """Compensation for the costs of recovery: by tiers in one currency, or a percentage of the debt in any."""

    currency: str = ""
    tiers: tuple[Tier, ...] = ()
    percent_of_debt: Decimal | None = None


class Ceiling(Sourced):
    """The most that may be agreed, in percent a year, for debts from an amount on; none means without a limit.

    `region` is an ISO 3166-2 subdivision without the country. `stated` is the percentage as the law has it, which may be an effective rate.
    """

    region: str = ""
    from_on: date = Field(date.min, alias="from")
    until: date = date.max
    business: bool = True
    consumer: bool = True
    debt_from: Decimal = Decimal(0)
    stated: Decimal | None = Field(None, alias="percent")
    effective: bool = False

    @property
    def percent(self) -> Decimal | None:
        """The limit for a nominal rate, as agreed rates are: what an effective one allows to be charged by the month."""
        return nominal_annual(self.stated) if self.effective and self.stated is not None else self.stated

    @property
    def words(self) -> str:
        """The limit for people: as a nominal rate, and as the law states it where that is another number."""
        return f"{self.percent} % ({self.stated} % effective)" if self.effective else f"{self.percent} %"


class Floor(Dated):
    """The least that may be agreed, in percent a year."""

    percent: Decimal


class Statement(Sourced):
    """A sentence for a person who decides."""

    says: str = Field(min_length=1)


class TaxTreatment(Sourced):
    """Whether tax is due on one kind of charge."""

    treatment: Treatment = Field(alias="is")


class Method(BaseModel):
    """How interest is counted in this country."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    basis: Chosen[DayBasis]
    rounding: Chosen[Rounding]
    over_time: Chosen[RateOverTime]
    compounding: Chosen[Compounding]
    base_with_tax: Chosen[bool]
    allocation: Chosen[Allocation]

    def settings(self) -> Iterator[tuple[str, Sourced]]:
        """Every setting with its name."""
        return ((name, getattr(self, name)) for name in type(self).model_fields)


@dataclass(frozen=True, slots=True)
class Nothing:
    """The law gives nothing here, or nothing is known; the reason is a sentence for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Compensation:
    """A fixed sum that the law gives."""

    amount: Money
    source: str
    confirmation: Confirmation


class CountryPack(BaseModel):
    """The law of one country on late payment. Made by countries.country_pack; the tables of rates are worked out there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str = Field(pattern=r"^[A-Z]{2}$")
    name: str
    checked_on: date
    stands_for: tuple[str, ...] = ()
    standing_for: str = ""
    business: StatutoryInterest | None = None
    consumer: StatutoryInterest | None = None
    no_business_interest: str = ""
    no_consumer_interest: str = ""
    default_days: Chosen[int] | None = None
    method: Method
    compensation: tuple[FixedSum, ...] = ()
    agreed: tuple[Statement, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    ceilings_by_region: bool = False
    unknown_ceilings: Mapping[str, str] = Field(default_factory=dict)
    floors: tuple[Floor, ...] = ()
    tax: Mapping[ChargeKind, TaxTreatment]
    remarks: tuple[Statement, ...] = ()
    series: Mapping[str, ReferenceSeries] = Field(default_factory=dict)

    @property
    def is_contract_only(self) -> bool:
        """Whether nothing is owed between businesses but what was agreed."""
        return self.business is None and not self.compensation

    def rates(self, *, is_business: bool) -> RateTable | Nothing:
        """The statutory rates, or why there are none."""
        interest = self.business if is_business else self.consumer
        if interest is None:
            return Nothing(self.no_business_interest if is_business else self.no_consumer_interest)
        return interest.table(self.series)

    def statutory_rule(self, *, is_business: bool) -> InterestRule | Nothing:
        """How statutory interest is counted here, or why there is none."""
        rates = self.rates(is_business=is_business)
        return rates if isinstance(rates, Nothing) else self._rule(rates, self.method.over_time.value, self.method.compounding.value)

    def contract_rule(self, rates: RateTable) -> InterestRule:
        """How an agreed rate is counted here: by the country's days and rounding, simple, each day at its rate."""
        return self._rule(rates, RateOverTime.SPLIT, Compounding.NONE)

    def _rule(self, rates: RateTable, over_time: RateOverTime, compounding: Compounding) -> InterestRule:
        return InterestRule(rates, self.method.basis.value, self.method.rounding.value, over_time, compounding)

    def compensation_for(self, debt: Money, on: date, *, is_business: bool) -> Compensation | Nothing:
        """The fixed sum for a debt that became late on this day, or why there is none."""
        if not is_business:
            return Nothing(f"The fixed sum for the costs of recovery is owed by businesses only ({self.name}).")
        rule = next((rule for rule in reversed(self.compensation) if rule.from_on <= on), None)
        if rule is None:
            return Nothing(f"The law of {self.name} knows no fixed sum for the costs of recovery; a fee has to be agreed.")
        if rule.percent_of_debt is not None:
            return Compensation(Money.of(debt.amount * rule.percent_of_debt / 100, debt.currency), rule.source, rule.confirmation)
        if debt.currency != rule.currency:
            return Nothing(f"The fixed sum of {self.name} is in {rule.currency} and the debt in {debt.currency}; give a sum in the policy.")
        tier = next(tier for tier in rule.tiers if tier.covers(debt.amount))
        return Compensation(Money.of(tier.amount, rule.currency), rule.source, rule.confirmation)

    def ceiling_on(self, day: date, *, is_business: bool, region: str = "", debt: Decimal = Decimal(0)) -> Ceiling | Nothing | None:
        """The limit for an agreed rate; None where the law sets none; Nothing, with the reason, where there may be one that is not known.

        A charge that depends on a limit that is not known must not be made.
        """
        if not self.ceilings and not self.unknown_ceilings:
            return None
        if self.ceilings_by_region and not region:
            return Nothing(f"The limit for agreed interest differs by region in {self.name}: the customer's region is not known.")
        fitting = [one for one in self.ceilings if one.region == region and one.from_on <= day <= one.until and one.debt_from <= debt]
        fitting = [one for one in fitting if (one.business if is_business else one.consumer)]
        if not fitting:
            where = f"{region}, {self.name}" if region else self.name
            why = f" {self.unknown_ceilings[region]}" if region in self.unknown_ceilings else ""
            return Nothing(f"The limit for agreed interest on {day} is not known ({where}).{why} Look it up and give it in the policy.")
        return max(fitting, key=lambda one: (one.debt_from, one.from_on))

    def nominal_limit(self, stated: Decimal) -> Decimal:
        """A limit that was looked up in the law of this country, as a nominal rate."""
        return nominal_annual(stated) if any(one.effective for one in self.ceilings) else stated

    def floor_on(self, day: date) -> Floor | None:
        """The least that a contract may say, in percent a year; None where the law sets none or none is known for the day."""
        return next((floor for floor in reversed(self.floors) if floor.from_on <= day), None)

    def tax_on(self, kind: ChargeKind) -> TaxTreatment:
        """Whether tax is due on this kind of charge; where nothing is known, that it needs a decision."""
        unknown = TaxTreatment.model_validate(
            {"is": Treatment.NEEDS_DECISION, "source": "nothing was found", "confirmation": Confirmation.BELIEVED}
        )
        return self.tax.get(kind, unknown)

    def rate_on(self, day: date, *, is_business: bool) -> Rate | Nothing:
        """The statutory rate of a day, or why there is none. Raises RateUnknown where there is one that is not known."""
        rates = self.rates(is_business=is_business)
        return rates if isinstance(rates, Nothing) else rates.on(day)

    def doubts(self, as_of: date, *, kinds: Collection[ChargeKind] = tuple(ChargeKind)) -> tuple[str, ...]:
        """Sentences about what is used on this day and is not confirmed, not known or old: for `puntual check`."""
        return tuple(f"{self.name}: {doubt}" for doubt in self._doubts(as_of, kinds))

    def _doubts(self, as_of: date, kinds: Collection[ChargeKind]) -> Iterator[str]:
        if self.standing_for:
            yield f"the law of {self.standing_for} itself is not included; this is the minimum of Directive 2011/7/EU for the euro area."
        if (as_of - self.checked_on).days > _A_YEAR:
            yield f"last checked on {self.checked_on}, more than a year ago."
        if ChargeKind.STATUTORY_INTEREST in kinds:
            for is_business in (True, False):
                yield from self._rate_doubts(as_of, is_business=is_business)
        if _INTEREST & set(kinds):
            yield from self._method_doubts()
        if ChargeKind.COMPENSATION in kinds:
            yield from (f"the fixed sum is believed: {rule.source}." for rule in self.compensation[-1:] if _is_believed(rule))
        if ChargeKind.CONTRACT_INTEREST in kinds:
            yield from self._ceiling_doubts(as_of)
        for kind in kinds:
            yield from self._tax_doubts(kind)

    def _method_doubts(self) -> Iterator[str]:
        """What a payment pays first is the books' own affair, so that nothing is counted by `allocation`."""
        believed = [f"`{name}`" for name, one in self.method.settings() if _is_believed(one) and one is not self.method.allocation]
        if believed:
            yield f"how interest is counted is believed and not confirmed in {', '.join(believed)}."
        if self.method.allocation.value is Allocation.COSTS_INTEREST_PRINCIPAL:
            yield (
                "by law a part payment pays costs and interest before the debt; here interest is counted on what the books say is owed, "
                f"which is never more ({self.method.allocation.source})."
            )

    def _rate_doubts(self, as_of: date, *, is_business: bool) -> Iterator[str]:
        whose = "between businesses" if is_business else "from consumers"
        rates = self.rates(is_business=is_business)
        if isinstance(rates, Nothing):
            return
        try:
            rate = rates.on(as_of)
        except RateUnknown as error:
            yield f"statutory interest {whose}: {error}."
            return
        if rate.confirmation is not Confirmation.CONFIRMED:
            yield f"statutory interest {whose}, {rate.annual_percent} % from {rate.from_on}, is {rate.confirmation.value}: {rate.source}."

    def _ceiling_doubts(self, as_of: date) -> Iterator[str]:
        if self.ceilings and not any(one.from_on <= as_of <= one.until for one in self.ceilings):
            newest = max(self.ceilings, key=lambda one: one.until)
            yield f"the newest limit for agreed interest, {newest.words}, ended on {newest.until}."
        if self.unknown_ceilings:
            yield f"the limit for agreed interest is not known{_for(self.unknown_ceilings)}."
        believed = {one.region for one in self.ceilings if _is_believed(one)}
        if believed:
            yield f"the limit for agreed interest is believed and not confirmed{_for(believed)}."

    def _tax_doubts(self, kind: ChargeKind) -> Iterator[str]:
        by_law = {ChargeKind.STATUTORY_INTEREST: self.business or self.consumer, ChargeKind.COMPENSATION: self.compensation}
        if not by_law.get(kind, True):
            return
        tax = self.tax_on(kind)
        if tax.treatment is Treatment.NEEDS_DECISION:
            yield f"whether tax is due on {_spoken(kind)} needs a decision ({tax.note or tax.source})."
        elif _is_believed(tax):
            yield f"tax on {_spoken(kind)}, {_spoken(tax.treatment)}, is believed: {tax.source}."


_A_YEAR = 365
_INTEREST = {ChargeKind.STATUTORY_INTEREST, ChargeKind.CONTRACT_INTEREST}


def _is_believed(value: Sourced) -> bool:
    return value.confirmation is Confirmation.BELIEVED


def _spoken(word: StrEnum) -> str:
    return str(word.value).replace("_", " ")


def _for(regions: Collection[str]) -> str:
    named = sorted(filter(None, regions))
    return f" for {', '.join(named)}" if named else ""
