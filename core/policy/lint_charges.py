"""Checks of `late_charges`: what a rule needs for its kind, the law it stands under, tax that nobody decided. And advice on it."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ..errors import PolicyProblem
from ..port import Capability
from ..rates import Compounding, RateOverTime
from .charge_law import INTEREST, TAX_KIND, annual_percent, compared, law_of, members_of, tax_on
from .charge_schema import AfterPayment, ChargeRule, ChargeTax, CustomerKind, Every, Exemption, LateCharges, Placement, RuleKind
from .countries import country_pack
from .country_pack import Ceiling, ChargeKind, CountryPack, Nothing, Treatment
from .problems import Finding, Path
from .schema import CompanyProfile, Match, Mode, Policy
from .sections import Section

_NEEDED: dict[RuleKind, tuple[str, ...]] = {
    RuleKind.STATUTORY_INTEREST: (),
    RuleKind.CONTRACT_INTEREST: ("annual_percent", "monthly_percent"),
    RuleKind.PERCENTAGE: ("percent",),
    RuleKind.FLAT_FEE: ("amount",),
    RuleKind.COMPENSATION: (),
    RuleKind.HIGHER_OF: ("of",),
}
"""One of these has to be given."""
_TAKEN: dict[RuleKind, tuple[str, ...]] = {
    RuleKind.STATUTORY_INTEREST: ("every", "law", "day_basis", "rounding", "rate_over_time"),
    RuleKind.CONTRACT_INTEREST: ("annual_percent", "monthly_percent", "every", "law", "legal_limit_percent", "day_basis", "rounding"),
    RuleKind.PERCENTAGE: ("percent", "base", "every"),
    RuleKind.FLAT_FEE: ("amount", "every"),
    RuleKind.COMPENSATION: ("amount", "law"),
    RuleKind.HIGHER_OF: ("of", "every"),
}
_OF_ALL = ("key", "kind", "from_days", "customers")
_OF_THE_WHOLE = ("every", "from_days", "customers")
_SOON = 3
_AGREED = frozenset({RuleKind.CONTRACT_INTEREST, RuleKind.PERCENTAGE, RuleKind.FLAT_FEE})


def pack_of(country: str) -> CountryPack | None:
    """The data of a country, None where there are none."""
    try:
        return country_pack(country)
    except PolicyProblem:
        return None


def charge_findings(policy: Section, capabilities: frozenset[Capability] | None) -> Iterator[Finding]:
    """Everything in the section that cannot be carried out as it is written."""
    charges = policy.section("late_charges", LateCharges)
    if not charges.present:
        return
    rules = [(entry, rule) for entry in charges.entries("rules", ChargeRule) if (rule := _sound(entry)) is not None]
    yield from _start(policy, charges)
    if capabilities is not None and Capability.LATE_CHARGES not in capabilities:
        yield Finding(charges.path, "this ledger cannot take late charges", "leave out `late_charges`", on_key=True)
    yield from _keys(rules)
    for entry, rule in rules:
        yield from _values(entry, rule)
        yield from _whole(entry, rule, [one for _, one in rules])
    yield from _exemptions(charges)
    country, region = (policy.section("company", CompanyProfile).sound(key) for key in ("country", "region"))
    if country is not None:
        for entry, rule in rules:
            yield from _law(entry, rule, country, region or "", charges.sound("after_payment"))
        yield from _tax(charges, [rule for _, rule in rules], country)


def _sound(entry: Section) -> ChargeRule | None:
    """The rule as far as it is sound; None when not even its kind is."""
    values: dict[str, Any] = {name: entry.sound(name) for name in ChargeRule.model_fields}
    if not values["kind"] or not values["key"]:
        return None
    usual: dict[str, Any] = {"of": (), "amount": {}}
    filled: dict[str, Any] = {name: usual.get(name) if value is None else value for name, value in values.items()}
    return ChargeRule.model_construct(**filled)


def _start(policy: Section, charges: Section) -> Iterator[Finding]:
    if not charges.given("start") and not policy.given("go_live"):
        yield Finding(charges.path, "`late_charges` does not say from when on", "add `start:`, or `go_live:` to the policy", on_key=True)


def _keys(rules: list[tuple[Section, ChargeRule]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for entry, rule in rules:
        if rule.key in seen:
            yield Finding((*entry.path, "key"), f"the key `{rule.key}` stands twice", "each rule needs its own, history counts by it")
        seen.add(rule.key)


def _values(entry: Section, rule: ChargeRule) -> Iterator[Finding]:
    """The values of its kind, and no others."""
    needed, given = _NEEDED[rule.kind], [name for name in ChargeRule.model_fields if entry.given(name)]
    if needed and not [name for name in needed if name in given]:
        yield Finding(entry.path, f"rule `{rule.key}` needs {' or '.join(f'`{name}`' for name in needed)}", f"it is a {rule.kind}")
    if "annual_percent" in given and "monthly_percent" in given:
        yield Finding(
            (*entry.path, "monthly_percent"), "the rate is given twice, by the year and by the month", "keep the one that was agreed"
        )
    for name in given:
        if name not in (*_OF_ALL, *_TAKEN[rule.kind]):
            possible = ", ".join(_TAKEN[rule.kind])
            yield Finding((*entry.path, name), f"`{name}` means nothing for a {rule.kind}", f"it takes {possible}", on_key=True)
    if rule.kind is RuleKind.FLAT_FEE and rule.amount and not any(rule.amount.values()):
        yield Finding((*entry.path, "amount"), f"rule `{rule.key}` charges nothing", "give the sum in each currency", on_key=True)


def _whole(entry: Section, rule: ChargeRule, rules: list[ChargeRule]) -> Iterator[Finding]:
    """What rules that are compared owe to the one that compares them."""
    inside = compared(rules)
    if rule.kind is RuleKind.HIGHER_OF:
        yield from _members(entry, rule, rules)
    elif rule.key in inside:
        for name in _OF_THE_WHOLE:
            if entry.given(name):
                yield Finding((*entry.path, name), f"`{name}` is said by the rule that compares `{rule.key}`", "move it there", on_key=True)


def _members(entry: Section, rule: ChargeRule, rules: list[ChargeRule]) -> Iterator[Finding]:
    by_key, path = {one.key: one for one in rules}, (*entry.path, "of")
    if entry.given("of") and rule.of and len(set(rule.of)) < 2:
        yield Finding(path, f"rule `{rule.key}` compares one rule with nothing", "name two or more", on_key=True)
    for number, key in enumerate(rule.of):
        if key not in by_key:
            yield Finding((*path, number), f"there is no rule `{key}`", f"one of: {', '.join(sorted(by_key.keys() - {rule.key}))}")
        elif by_key[key].kind is RuleKind.HIGHER_OF:
            yield Finding((*path, number), f"`{key}` compares rules itself", "name the rules it compares")
        elif any(key in other.of for other in rules if other.key != rule.key):
            yield Finding((*path, number), f"`{key}` is compared by two rules", "give each its own")


def _exemptions(charges: Section) -> Iterator[Finding]:
    for exemption in charges.entries("exempt", Exemption):
        match = exemption.section("match", Match)
        if exemption.sound("match") is not None and not any(match.sound(key) for key in Match.model_fields):
            yield Finding(
                match.path, "`match` is empty and would fit everybody", "name groups, countries, names, ids or amounts", on_key=True
            )


# The law


def _law(entry: Section, rule: ChargeRule, country: str, region: str, after: AfterPayment | None) -> Iterator[Finding]:
    law, part = law_of(rule.law, country, region)
    pack = pack_of(law)
    where = (*entry.path, "law") if entry.given("law") else (*entry.path, "kind")
    if pack is None and (rule.kind is RuleKind.STATUTORY_INTEREST or (rule.kind is RuleKind.COMPENSATION and not rule.amount)):
        yield Finding(where, f"the law of {law} on late payment is not known here", "charge what was agreed: contract_interest, flat_fee")
    if pack is not None:
        yield from _right(where, rule, pack)
        if rule.kind is RuleKind.CONTRACT_INTEREST:
            yield from _limit(entry, rule, pack, part)
    yield from _on_payment(entry, rule, pack, after)


def _right(where: Path, rule: ChargeRule, pack: CountryPack) -> Iterator[Finding]:
    """Whether the law gives what the rule asks, to any of the customers that it is for."""
    kinds = [kind for kind in (True, False) if rule.is_for in (CustomerKind.ALL, CustomerKind.BUSINESS if kind else CustomerKind.CONSUMER)]
    if rule.kind is RuleKind.STATUTORY_INTEREST:
        none = [given.reason for kind in kinds if isinstance(given := pack.rates(is_business=kind), Nothing)]
        if len(none) == len(kinds):
            yield Finding(where, f"the law of {pack.name} gives no interest here: {none[0]}", "charge an agreed rate: contract_interest")
    if rule.kind is RuleKind.COMPENSATION:
        if kinds == [False]:
            yield Finding(where, "compensation for the costs of recovery is owed by businesses only", "customers: business")
        elif not pack.compensation and not rule.amount:
            yield Finding(where, f"the law of {pack.name} knows no fixed sum for the costs of recovery", "an agreed fee is a flat_fee")


def _limit(entry: Section, rule: ChargeRule, pack: CountryPack, region: str) -> Iterator[Finding]:
    """A rate above every limit that is known is refused; what varies by day is held to its limit when it is charged."""
    percent, name = annual_percent(rule), "annual_percent" if entry.given("annual_percent") else "monthly_percent"
    if not percent:
        return
    if rule.legal_limit_percent is not None:
        if percent > rule.legal_limit_percent:
            yield Finding(
                (*entry.path, name),
                f"{_shown(percent)} % a year is above your `legal_limit_percent` of {_shown(rule.legal_limit_percent)} %",
            )
        return
    if pack.ceilings_by_region and not region:
        hint = f"law: {pack.country}-XX with the region, or `legal_limit_percent`"
        yield Finding((*entry.path, name), f"the limit for agreed interest differs by region in {pack.name}", hint)
    elif pack.ceilings_by_region and not any(one.region == region for one in pack.ceilings):
        message = f"the limit for agreed interest is not known for {region}, {pack.name}, so nothing would be charged"
        yield Finding((*entry.path, name), message, "look it up and give it as `legal_limit_percent`")
    highest = _highest(rule, pack, region if pack.ceilings_by_region else "")
    if highest is not None and highest.percent is not None and percent > highest.percent:
        hint = f"{highest.source}; or `legal_limit_percent` when another limit holds for you"
        yield Finding((*entry.path, name), f"{_shown(percent)} % a year is above what the law allows, {_shown(highest.percent)} %", hint)


def _shown(percent: Decimal) -> str:
    """Without zeros that say nothing."""
    return f"{percent.normalize():f}"


def _highest(rule: ChargeRule, pack: CountryPack, region: str) -> Ceiling | None:
    """The highest limit of any day for any customer of the rule; None when there is none or one is without a limit."""
    wanted = {CustomerKind.BUSINESS: (True, False), CustomerKind.CONSUMER: (False, True), CustomerKind.ALL: (True, True)}[rule.is_for]
    fitting = [one for one in pack.ceilings if one.region == region and ((one.business and wanted[0]) or (one.consumer and wanted[1]))]
    if any(one.percent is None for one in fitting):
        return None
    return max(fitting, key=lambda one: one.percent or Decimal(0), default=None)


def _on_payment(entry: Section, rule: ChargeRule, pack: CountryPack | None, after: AfterPayment | None) -> Iterator[Finding]:
    over_time = rule.rate_over_time or (pack.method.over_time.value if pack else None)
    at_payment = rule.kind is RuleKind.STATUTORY_INTEREST and over_time is RateOverTime.AT_PAYMENT
    if at_payment and entry.given("every") and rule.every is not Every.ONCE:
        yield Finding((*entry.path, "every"), "this rate is known only when the invoice is paid", "every: once")
    if at_payment and pack is not None and pack.method.compounding.value is not Compounding.NONE:
        yield Finding((*entry.path, "rate_over_time"), f"interest compounds in {pack.name}, which needs a rate before the payment")
    if rule.kind in INTEREST and after is AfterPayment.WAIVE and (at_payment or (entry.given("every") and rule.every is Every.ONCE)):
        where = (*entry.path, "every") if entry.given("every") else entry.path
        message = f"rule `{rule.key}` charges when the invoice is paid, and `after_payment: waive` then drops it"
        yield Finding(where, message, "after_payment: keep")


def _tax(charges: Section, rules: list[ChargeRule], country: str) -> Iterator[Finding]:
    """What nobody has decided is never charged, so it is asked here."""
    answers, pack = charges.section("tax", ChargeTax), pack_of(country)
    kinds = {TAX_KIND[one.kind] for rule in rules for one in members_of(rule, rules) if one.kind in TAX_KIND}
    for kind in ChargeKind:
        if kind not in kinds or answers.given(kind.value):
            continue
        if tax_on(kind, ChargeTax(), pack) is Treatment.NEEDS_DECISION:
            source = f" ({pack.tax_on(kind).source})" if pack else ""
            message = f"whether tax is due on {kind.value.replace('_', ' ')} has to be decided in {country}{source}"
            yield Finding(
                (*charges.path, "tax", kind.value), message, f"ask your tax adviser; then `tax: {{{kind.value}: none}}` or follows_supply"
            )


# Advice


def charge_advice(policy: Policy, as_of: date | None) -> Iterator[Finding]:
    """What is legal and unwise, what must have been agreed, and which data in use are unconfirmed or out of date."""
    charges = policy.late_charges
    if charges is None:
        return
    yield from _care_advice(policy, charges)
    used: dict[str, set[ChargeKind]] = {}
    for number, rule in enumerate(charges.rules):
        for member in members_of(rule, charges.rules):
            if member.kind in TAX_KIND:
                used.setdefault(law_of(member.law, policy.company.country, "")[0], set()).add(TAX_KIND[member.kind])
        yield from _agreed_advice(number, rule, policy, as_of)
    yield from _data_advice(used, as_of)


def _care_advice(policy: Policy, charges: LateCharges) -> Iterator[Finding]:
    if charges.from_days < _SOON:
        message = f"a customer who pays on the due date may be charged: banks need days, and charges begin on day {charges.from_days}"
        yield Finding(("late_charges", "from_days"), message, "5 is the default")
    if not charges.announce:
        yield Finding(("late_charges", "announce"), "customers are charged without having been told", "announce: true")
    if not charges.approval and policy.mode is Mode.LIVE:
        yield Finding(("late_charges", "approval"), "charges are made without a person's yes", "approval: true")
    if charges.placement is Placement.LINE and charges.after_payment is AfterPayment.KEEP:
        message = "a paid invoice takes no line, so what is charged after the payment becomes a document of its own"
        yield Finding(("late_charges", "placement"), message)


def _agreed_advice(number: int, rule: ChargeRule, policy: Policy, as_of: date | None) -> Iterator[Finding]:
    pack = pack_of(law_of(rule.law, policy.company.country, "")[0])
    if pack is None or rule.kind not in _AGREED:
        return
    for statement in pack.agreed:
        yield Finding(("late_charges", "rules", number), f"rule `{rule.key}` holds only when: {statement.says}", statement.source)
    floor = pack.floor_on(as_of) if as_of else None
    if rule.kind is RuleKind.CONTRACT_INTEREST and floor is not None and annual_percent(rule) < floor.percent:
        message = f"{_shown(annual_percent(rule))} % a year is below the least that may be agreed in {pack.name}, {_shown(floor.percent)} %"
        yield Finding(("late_charges", "rules", number), message, floor.source)


def _data_advice(used: Mapping[str, Collection[ChargeKind]], as_of: date | None) -> Iterator[Finding]:
    """Without what needs a decision: a policy that has not decided it is refused."""
    for country in sorted(used):
        pack = pack_of(country)
        for doubt in pack.doubts(as_of, kinds=sorted(used[country])) if pack is not None and as_of is not None else ():
            if "needs a decision" not in doubt:
                yield Finding(("late_charges", "rules"), doubt, "docs/late-charges.md says what to do about it")
