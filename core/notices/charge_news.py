"""What a notice tells of late charges: those that may come, and those that stand in the books, with how they were counted.

`ChargeNews` is what the worker finds out; `Prospect` and `Charged` are what a template may say of it, in the reader's language.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ..dunning.charge_facts import Announcement, Calculation, CalculationLine
from ..money import Money, minor_units
from ..policy.charge_law import law_of
from ..policy.charge_schema import ChargeRule, RuleKind
from ..policy.schema import Policy
from ..receivables import Customer, OpenItem
from .display import clean, day_in_year, exact_money_text, format_date, joined, money_text, percent_text

STATUTES: Mapping[str, str] = {
    "AT": "§ 456 UGB",
    "BE": "Loi du 2 août 2002 / Wet van 2 augustus 2002",
    "CL": "Ley 19.983",
    "DE": "§ 288 BGB",
    "ES": "Ley 3/2004",
    "EU": "Directive 2011/7/EU",
    "FR": "art. L441-10 du Code de commerce",
    "GB": "Late Payment of Commercial Debts (Interest) Act 1998",
    "IE": "S.I. No. 580/2012",
    "IT": "D.Lgs. 231/2002",
    "MX": "art. 362 del Código de Comercio",
    "NL": "art. 6:119a BW",
    "PT": "Decreto-Lei n.º 62/2013",
}
"""How a reader knows the law on late payment between businesses, by its country."""

_BY_LAW = frozenset({RuleKind.STATUTORY_INTEREST, RuleKind.COMPENSATION})


@dataclass(frozen=True, slots=True)
class Announced:
    """What may be charged on an item of the notice, as dunning.charge_announcements says it."""

    item_id: str
    announcement: Announcement


@dataclass(frozen=True, slots=True)
class StandingCharge:
    """A late charge that stands in the books for an item of the notice. `amount` is what it comes to there, with tax; `document` is the
    number of its own document, empty when it is a line on the invoice; `calculation` is None where it is not kept any more."""

    item_id: str
    invoice_number: str
    rule: str
    amount: Money
    charged_on: date
    document: str = ""
    calculation: Calculation | None = None


@dataclass(frozen=True, slots=True)
class ChargeNews:
    """All that a notice has to tell of late charges. Empty: the notice says nothing of them."""

    announced: tuple[Announced, ...] = ()
    standing: tuple[StandingCharge, ...] = ()

    def of_items(self, item_ids: Iterable[str]) -> "ChargeNews":
        """Without what is announced or stands on other items."""
        kept = frozenset(item_ids)
        standing = tuple(one for one in self.standing if one.item_id in kept)
        return ChargeNews(tuple(one for one in self.announced if one.item_id in kept), standing)


NO_NEWS = ChargeNews()


# What a template may say


@dataclass(frozen=True, slots=True)
class Prospect:
    """A late charge that may come, on `invoices` items of the notice alike. `kind` is that of the policy's rule; interest has `percent` a
    year and `a_day` on all of them; a fee `amount`, for each item when it is fixed and for all of them when it is a `percent`. `every` is
    its rhythm in days: 0 for a month, none for once. `law` names the statute, empty when it was agreed; `numbers` says which items are
    meant, empty when all are. Of the highest of several, `highest_of` holds them."""

    kind: str
    from_day: str
    percent: str
    a_day: str
    amount: str
    every: int | None
    law: str
    invoices: int
    numbers: str
    highest_of: tuple["Prospect", ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a calculation: `days` × `base` × `percent` ÷ `divisor` = `sum`; where each day is rounded, `days` × `daily`. A fee has no
    days, a fixed sum no percent either."""

    first: str
    last: str
    days: int | None
    base: str
    percent: str
    divisor: int | None
    daily: str
    sum: str


@dataclass(frozen=True, slots=True)
class Charged:
    """A late charge in the books. `document` is empty when it is a line on the invoice `number` itself; `net` is the sum without tax when
    tax was added; `counted` is the sum of the steps when something limited it; `was_corrected` when part of it was taken back since;
    `carries_rounding` when cents of other periods are in it."""

    kind: str
    law: str
    number: str
    document: str
    charged_on: str
    amount: str
    net: str
    counted: str
    was_corrected: bool
    carries_rounding: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """Charges that are too many to be printed one by one: how many, and their sum in one currency."""

    count: int
    amount: str


MOST_PRINTED = 12
"""Charges whose calculation a notice prints, the newest; those before them are counted."""


def prospects(
    news: ChargeNews, items: Sequence[OpenItem], customer: Customer, policy: Policy, year: int, locale: str
) -> tuple[Prospect, ...]:
    """What is announced, items that are told the same together, in the order of the policy's rules."""
    by_id = {item.id: item for item in items}
    groups: dict[tuple[object, ...], list[tuple[OpenItem, Announcement]]] = {}
    for one in news.announced:
        if one.item_id in by_id:
            item = by_id[one.item_id]
            groups.setdefault(_same_words(one.announcement, item), []).append((item, one.announcement))
    order = {rule.key: number for number, rule in enumerate(_rules(policy))}
    told = sorted(groups.values(), key=lambda group: order.get(group[0][1].rule, len(order)))
    laws = _Laws(policy, customer)
    return tuple(_prospect(group, len(items), laws, year, locale) for group in told)


def _same_words(told: Announcement, item: OpenItem) -> tuple[object, ...]:
    """What has to be equal for two items to be told together; the sums of interest and percentages are added up."""
    fixed = told.amount if told.percent is None else None
    members = tuple(_same_words(member, item) for member in told.highest_of)
    return (told.rule, told.kind, told.percent, fixed, told.days, told.law, item.outstanding.currency, members)


def _prospect(group: Sequence[tuple[OpenItem, Announcement]], all_items: int, laws: "_Laws", year: int, locale: str) -> Prospect:
    told = [announcement for _, announcement in group]
    first = told[0]
    members = zip(*(one.highest_of for one in told), strict=True)
    return Prospect(
        kind=first.kind.value,
        from_day=day_in_year(min(one.from_on for one in told), year, locale),
        percent=percent_text(first.percent, locale) if first.percent is not None else "",
        a_day=_sum_text([one.a_day for one in told if one.a_day], locale),
        amount=_amount(told, locale),
        every=first.days,
        law=laws.of(first.rule, first.kind) if first.law else "",
        invoices=len(group),
        numbers=joined(dict.fromkeys(clean(item.number) for item, _ in group), locale) if len(group) < all_items else "",
        highest_of=tuple(
            _prospect(
                [(item, replace(one, days=None)) for (item, _), one in zip(group, parts, strict=True)], len(group), laws, year, locale
            )
            for parts in members
        ),
    )


def _amount(told: Sequence[Announcement], locale: str) -> str:
    """For each item when it is a fixed sum, for all of them when it is a percentage."""
    amounts = [one.amount for one in told if one.amount]
    return _sum_text(amounts if told[0].percent is not None else amounts[:1], locale)


def _sum_text(amounts: Sequence[Money], locale: str) -> str:
    return money_text(sum(amounts[1:], start=amounts[0]), locale) if amounts else ""


def charged(news: ChargeNews, customer: Customer, policy: Policy, locale: str) -> tuple[tuple[Charged, ...], tuple[Earlier, ...]]:
    """The newest charges that stand, by invoice, and how many there were before them."""
    newest = sorted(news.standing, key=lambda one: (one.charged_on, one.invoice_number, one.rule), reverse=True)
    printed = sorted(newest[:MOST_PRINTED], key=lambda one: (one.invoice_number, one.charged_on, one.rule))
    laws, rest = _Laws(policy, customer), newest[MOST_PRINTED:]
    earlier = [[one.amount for one in rest if one.amount.currency == code] for code in sorted({one.amount.currency for one in rest})]
    return tuple(_charged(one, laws, locale) for one in printed), tuple(Earlier(len(some), _sum_text(some, locale)) for some in earlier)


def _charged(one: StandingCharge, laws: "_Laws", locale: str) -> Charged:
    known = one.calculation
    kind = laws.kind_of(one)
    total = known.total if known else one.amount
    return Charged(
        kind=kind.value if kind else "",
        law=laws.of(known.chosen if known and known.chosen else one.rule, kind),
        number=clean(one.invoice_number),
        document=clean(one.document),
        charged_on=format_date(one.charged_on, locale),
        amount=money_text(one.amount, locale),
        net=money_text(total, locale) if one.amount > total else "",
        counted=money_text(known.counted, locale) if known and known.counted > total else "",
        was_corrected=one.amount < total,
        carries_rounding=known is not None and _is_off(known),
        steps=tuple(_step(step, locale) for step in known.steps) if known else (),
    )


def _is_off(known: Calculation) -> bool:
    """Whether the charge is not the rounded sum of what is printed: a period takes up the cents of those before it."""
    shown = Money.of(sum((step.counted for step in known.steps), Decimal(0)), known.counted.currency)
    return shown != known.counted


def _step(step: CalculationLine, locale: str) -> Step:
    currency = step.base.currency
    return Step(
        first=format_date(step.first, locale),
        last=format_date(step.last, locale),
        days=step.days,
        base=money_text(step.base, locale),
        percent=percent_text(step.percent, locale) if step.percent is not None else "",
        divisor=step.divisor,
        daily=_daily(step, locale),
        sum=exact_money_text(step.counted, currency, locale),
    )


def _daily(step: CalculationLine, locale: str) -> str:
    """What counts for a day, where that was rounded and the formula alone would give another sum."""
    if not step.days or not step.divisor or step.percent is None:
        return ""
    cent = Decimal(1).scaleb(-minor_units(step.base.currency))
    exact = step.days * step.base.amount * step.percent / 100 / step.divisor
    return exact_money_text(step.counted / step.days, step.base.currency, locale) if abs(step.counted - exact) > cent / 2 else ""


class _Laws:
    """By which law the rules of a policy charge this customer."""

    def __init__(self, policy: Policy, customer: Customer) -> None:
        self._rules = {rule.key: rule for rule in _rules(policy)}
        self._country = policy.company.country
        self._knows = customer.is_business

    def kind_of(self, one: StandingCharge) -> RuleKind | None:
        """What was charged; None when neither the calculation nor the policy tells."""
        chosen = self._rules.get(one.calculation.chosen) if one.calculation and one.calculation.chosen else None
        rule = chosen or self._rules.get(one.rule)
        return chosen.kind if chosen else one.calculation.kind if one.calculation else rule.kind if rule else None

    def of(self, key: str, kind: RuleKind | None) -> str:
        """The statute, empty when it is none that a reader is sent to: what was agreed, a sum of the policy's own, a consumer's debt."""
        rule = self._rules.get(key)
        if rule is None or kind not in _BY_LAW or not self._knows or (kind is RuleKind.COMPENSATION and rule.amount):
            return ""
        return STATUTES.get(law_of(rule.law, self._country, "")[0], "")


def _rules(policy: Policy) -> tuple[ChargeRule, ...]:
    return policy.late_charges.rules if policy.late_charges else ()
