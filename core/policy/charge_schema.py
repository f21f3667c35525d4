"""What being late costs: the section `late_charges` of a policy. Without it nothing is charged. Checks over several keys: lint_charges."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from ..rates import DayBasis, RateOverTime, Rounding
from .parts import Match, Model
from .values import Amount, CurrencyCode, Day, Key, Percent, Several, Share, Text, Word, refusal

FEWEST_DAYS = 7
"""A document a day about the same debt is what nobody should send."""
_MOST_DAYS = 366
_LAW = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class RuleKind(Word):
    """What is charged."""

    STATUTORY_INTEREST = "statutory_interest"
    CONTRACT_INTEREST = "contract_interest"
    PERCENTAGE = "percentage"
    FLAT_FEE = "flat_fee"
    COMPENSATION = "compensation"
    HIGHER_OF = "higher_of"


class Every(Word):
    """How often."""

    ONCE = "once"
    MONTH = "month"


class Base(Word):
    """Of what a percentage is taken."""

    OUTSTANDING = "outstanding"
    TOTAL = "total"


class CustomerKind(Word):
    """Whom a rule is for."""

    BUSINESS = "business"
    CONSUMER = "consumer"
    ALL = "all"


class Placement(Word):
    """Where a charge stands in the books."""

    DOCUMENT = "document"
    LINE = "line"
    STATEMENT = "statement"


class AfterPayment(Word):
    """What becomes of lateness that was not charged yet when the invoice is paid."""

    KEEP = "keep"
    WAIVE = "waive"


class TaxAnswer(Word):
    """Whether tax is due."""

    NONE = "none"
    FOLLOWS_SUPPLY = "follows_supply"


def _every(value: object) -> object:
    if isinstance(value, str) and value in [*Every]:
        return Every(value)
    if isinstance(value, bool) or not isinstance(value, int) or not FEWEST_DAYS <= value <= _MOST_DAYS:
        raise refusal("must be `once`, `month` or a number of days", f"from {FEWEST_DAYS} to {_MOST_DAYS} days")
    return value


def _law(value: object) -> object:
    if not isinstance(value, str) or not _LAW.fullmatch(value):
        raise refusal("is no country", "the ISO 3166-1 code, with a region where the law differs by region: ES, US-TX")
    return value


_EVERY_SCHEMA: dict[str, Any] = {
    "anyOf": [{"enum": [*Every], "type": "string"}, {"type": "integer", "minimum": FEWEST_DAYS, "maximum": _MOST_DAYS}]
}
Rhythm = Annotated[Every | int, BeforeValidator(_every), WithJsonSchema(_EVERY_SCHEMA)]
Law = Annotated[str, BeforeValidator(_law), WithJsonSchema({"type": "string", "pattern": f"^{_LAW.pattern}$"})]


class ChargeRule(Model):
    """One thing that is charged. Which values it takes is decided by its kind."""

    key: Key = Field(description="Its own name; history keeps it, so change it only for another rule")
    kind: RuleKind = Field(
        description="statutory_interest: by the law of a country; contract_interest: an agreed rate, day by day; percentage, flat_fee: "
        "agreed; compensation: the law's fixed sum for the costs of recovery; higher_of: the highest of other rules"
    )
    annual_percent: Percent | None = Field(None, description="contract_interest: the agreed rate a year, in percent")
    monthly_percent: Percent | None = Field(
        None, description="contract_interest: the agreed rate a month, in percent; every month counts as 30 days of 360"
    )
    percent: Percent | None = Field(None, description="percentage: how many percent each time")
    base: Base | None = Field(None, description="percentage: of what is outstanding then (the default), or of the invoice's total")
    amount: dict[CurrencyCode, Amount] = Field(
        default_factory=dict, description="flat_fee: the sum in each currency; compensation: in place of the law's sum"
    )
    every: Rhythm | None = Field(
        None,
        description="once, month (counted from the due date), or a number of days. Left out: fees once, interest by the month. "
        "Interest once: in one charge when the invoice is paid",
    )
    law: Law | None = Field(
        None, description="Country, and region where it matters, whose law it is: ES, US-TX. Left out: the company's country and region"
    )
    legal_limit_percent: Percent | None = Field(
        None,
        description="contract_interest: the highest annual rate that the law allows, where you know better than the country's data; "
        "as the law states it, which is an effective rate in Colombia",
    )
    day_basis: Annotated[DayBasis, Strict(False)] | None = Field(
        None, description="Interest: how days become years; left out: as the country does"
    )
    rounding: Annotated[Rounding, Strict(False)] | None = Field(
        None, description="Interest: what is rounded to cents; left out: as the country does"
    )
    rate_over_time: Annotated[RateOverTime, Strict(False)] | None = Field(
        None, description="statutory_interest: which rate counts when it changes; left out: as the country does"
    )
    of: Several[Key] = Field((), description="higher_of: the keys of the rules that are compared; they charge nothing by themselves")
    from_days: Annotated[int, Field(ge=1, le=365)] | None = Field(
        None, description="Days overdue before the first charge, for this rule; left out: as for all"
    )
    customers: CustomerKind | None = Field(None, description="Whom it is for: business (when left out), consumer or all")

    @property
    def is_for(self) -> CustomerKind:
        """Whom it is for."""
        return self.customers or CustomerKind.BUSINESS


class Exemption(Model):
    """Customers or invoices that are not charged."""

    # docs/sources.md 23

    match: Match = Field(description="Which customers or invoices")
    reason: Text = Field(description="Why; it is shown wherever somebody asks")


class ChargeTax(Model):
    """Whether tax is due on a kind of charge, where the law needs a decision or the company decides otherwise."""

    # docs/sources.md 20

    statutory_interest: TaxAnswer | None = Field(None, description="Of interest by law; left out: as the country's data say")
    contract_interest: TaxAnswer | None = Field(None, description="Of agreed interest; left out: as the country's data say")
    compensation: TaxAnswer | None = Field(None, description="Of the law's fixed sum; left out: as the country's data say")
    late_fee: TaxAnswer | None = Field(None, description="Of percentages and flat fees; left out: as the country's data say")


class LateCharges(Model):
    """What being late costs, and how carefully it is charged."""

    rules: Several[ChargeRule] = Field(min_length=1, max_length=20, description="What is charged, each rule for itself")
    start: Day | None = Field(
        # docs/sources.md 7
        None,
        description="Nothing that lies before this day is charged; left out: the go-live date",
    )
    from_days: Annotated[int, Field(ge=1, le=365)] = Field(
        5, description="Days overdue before the first charge: who pays sooner is charged nothing. Interest then counts from the due date"
    )
    minimum: dict[CurrencyCode, Amount] = Field(
        default_factory=dict, description="A charge below this is not made yet: it waits and is added to the next"
    )
    cap: dict[CurrencyCode, Amount] = Field(
        default_factory=dict, description="All charges on an invoice are together at most this; each instalment counts for itself"
    )
    cap_share: Share | None = Field(None, description="All charges on an invoice, or on an instalment, are at most this share of its total")
    exempt: Several[Exemption] = Field((), description="Who is not charged, and why")
    announce: bool = Field(True, description="Charge only what a notice has announced before")
    announce_days: Annotated[int, Field(ge=1, le=90)] = Field(7, description="Days from the announcement to the first charge")
    approval: bool = Field(True, description="A person says yes to every charge")
    placement: Placement = Field(
        # docs/sources.md 16
        Placement.DOCUMENT,
        description="document: one for each charge; line: on the invoice where that is allowed, else a document; statement: one itemised "
        "document for each customer and month",
    )
    payment_days: Annotated[int, Field(ge=0, le=90)] = Field(
        14, description="Days from the date of a charge's own document to the day on which it is due; a line is due with its invoice"
    )
    after_payment: AfterPayment = Field(
        # docs/sources.md 18
        AfterPayment.WAIVE,
        description="Lateness that was not charged yet when the invoice is paid: waive drops it, keep charges it",
    )
    write_off_below: dict[CurrencyCode, Amount] = Field(
        default_factory=dict,
        description="When the invoice is paid, charges that are still open are written off when they are together below this",
    )
    tax: ChargeTax = Field(default_factory=ChargeTax, description="Whether tax is due, where somebody has to decide")
