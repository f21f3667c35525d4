"""Which law a rule on late charges stands under, and what it counts as for tax: asked by the checks of a policy and by the decisions."""

from collections.abc import Iterable
from decimal import Decimal

from .charge_schema import ChargeRule, ChargeTax, RuleKind, TaxAnswer
from .country_pack import ChargeKind, CountryPack, Treatment

TAX_KIND = {
    RuleKind.STATUTORY_INTEREST: ChargeKind.STATUTORY_INTEREST,
    RuleKind.CONTRACT_INTEREST: ChargeKind.CONTRACT_INTEREST,
    RuleKind.COMPENSATION: ChargeKind.COMPENSATION,
    RuleKind.PERCENTAGE: ChargeKind.LATE_FEE,
    RuleKind.FLAT_FEE: ChargeKind.LATE_FEE,
}
INTEREST = frozenset({RuleKind.STATUTORY_INTEREST, RuleKind.CONTRACT_INTEREST})
_MONTHS = 12


def law_of(law: str | None, country: str, region: str) -> tuple[str, str]:
    """Country and region of a rule's `law`; the company's own where it says none."""
    named, _, part = (law or "").partition("-")
    return (named, part) if named else (country, region)


def annual_percent(rule: ChargeRule) -> Decimal:
    """The agreed rate a year. Zero when the rule has none."""
    return rule.annual_percent or _MONTHS * (rule.monthly_percent or Decimal(0))


def members_of(rule: ChargeRule, rules: Iterable[ChargeRule]) -> tuple[ChargeRule, ...]:
    """The rule itself, or those that a higher_of compares."""
    return tuple(one for one in rules if one.key in rule.of) if rule.kind is RuleKind.HIGHER_OF else (rule,)


def compared(rules: Iterable[ChargeRule]) -> frozenset[str]:
    """The keys of rules that are compared by another one and charge nothing by themselves."""
    return frozenset(key for rule in rules for key in rule.of)


def tax_on(kind: ChargeKind, answers: ChargeTax, pack: CountryPack | None) -> Treatment:
    """Whether tax is due: the company's own answer, else what the country's data say; without data it needs a decision."""
    answer: TaxAnswer | None = getattr(answers, kind.value)
    if answer is not None:
        return Treatment(answer.value)
    return pack.tax_on(kind).treatment if pack else Treatment.NEEDS_DECISION
