"""Notices that bring a payment code and tell of late charges, as they were decided on the sample items."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

from notice_cases import AGE, CUSTOMER, MARTA, PAGES, TODAY, action, owed, policy
from puntual.core.dunning.charge_facts import Announcement, Calculation, CalculationLine
from puntual.core.money import Money
from puntual.core.notices.charge_news import Announced, ChargeNews, StandingCharge
from puntual.core.notices.context import NoticeContext, TransferCode, build_context
from puntual.core.policy.charge_schema import RuleKind
from puntual.core.policy.schema import NoticeKind, Policy
from puntual.core.receivables import EarlyDiscount

RULES = [
    {"key": "interest", "kind": "statutory_interest"},
    {"key": "costs", "kind": "compensation"},
    {"key": "fee", "kind": "flat_fee", "amount": {"EUR": 10}, "every": 30},
    {"key": "agreed", "kind": "contract_interest", "annual_percent": 12},
    {"key": "share", "kind": "percentage", "percent": 2, "every": "month"},
    {"key": "best", "kind": "higher_of", "of": ["agreed", "share"]},
]
FROM = date(2025, 5, 20)
STATUTE = "art. 7.2 Ley 3/2004, since 24-2-2013"


@cache
def charging_policy(form: str = "usted") -> Policy:
    return policy(form, late_charges={"start": "2025-01-01", "rules": RULES, "tax": {"late_fee": "none"}})


def eur(amount: str) -> Money:
    return Money.of(Decimal(amount), "EUR")


INTEREST = Announcement("interest", RuleKind.STATUTORY_INTEREST, FROM, Decimal("11.15"), eur("0.38"), days=0, law=STATUTE)
COSTS = Announcement("costs", RuleKind.COMPENSATION, FROM, amount=eur("40"), law="art. 8 Ley 3/2004: EUR 40 for each invoice")
FEE = Announcement("fee", RuleKind.FLAT_FEE, FROM, amount=eur("10"), days=30)
AGREED = Announcement("agreed", RuleKind.CONTRACT_INTEREST, FROM, Decimal(12), eur("0.41"), days=0)
SHARE = Announcement("share", RuleKind.PERCENTAGE, FROM, Decimal(2), amount=eur("25"), days=0)
BEST = Announcement("best", RuleKind.HIGHER_OF, FROM, days=0, highest_of=(AGREED, SHARE))


def line(first: date, last: date, base: str, percent: str, counted: str) -> CalculationLine:
    days = (last - first).days + 1
    return CalculationLine(first, last, eur(base), Decimal(counted), Decimal(percent), days, 365, "BOE-A-2024-27618")


STEPS = (
    line(date(2025, 4, 1), date(2025, 4, 12), "300.00", "11.15", "1.0997"),
    line(date(2025, 4, 13), date(2025, 4, 30), "80.50", "11.15", "0.4427"),
)
COUNTED = Calculation(
    RuleKind.STATUTORY_INTEREST, STEPS[0].first, STEPS[-1].last, STEPS, eur("1.54"), eur("1.54"), rounding="rounded at the end"
)
ONCE = CalculationLine(date(2025, 4, 22), date(2025, 4, 22), eur("80.50"), Decimal(10))
FIXED = Calculation(RuleKind.FLAT_FEE, ONCE.first, ONCE.last, (ONCE,), eur("10"), eur("10"))

STANDING = (
    StandingCharge("i2/1", "F-2025-0102", "interest", eur("1.54"), date(2025, 5, 2), "ND/2025/0007", COUNTED),
    StandingCharge("i2/1", "F-2025-0102", "fee", eur("12.10"), date(2025, 4, 22), "", FIXED),
)


def telling(notice: NoticeKind, language: str = "es", form: str = "usted") -> NoticeContext:
    """Two invoices with one code for both, what may be charged on them, and, when they are late, what was charged on one."""
    age = AGE[notice]
    customer = CUSTOMER if language == "es" else replace(CUSTOMER, name="Baker & Sons Ltd", country="GB", language="en")
    items = (owed("F-2025-0101", age, "1250.00"), owed("F-2025-0102", age - 3, "80.50", total="300.00"))
    act = action(notice, *items, language=language, customer=customer, recipient=MARTA if language == "es" else None)
    told = [Announced(item.id, one) for one in (INTEREST, COSTS) for item in items] + [Announced(items[0].id, one) for one in (FEE, BEST)]
    code = TransferCode(eur("1330.50"), "F-2025-0102, F-2025-0101", "qr-eur-1.0123456789abcdef@talleresibarra.example")
    news = ChargeNews(tuple(told), STANDING if age < 0 else ())
    return build_context(act, charging_policy(form), TODAY, {}, codes=(code,), charges=news)


def offering(notice: NoticeKind, language: str = "es", form: str = "usted", *, several: bool = False) -> NoticeContext:
    """An invoice, or three of which two have a discount for paying early, with a page and, for several, a code for all."""
    age = AGE[notice]
    customer = CUSTOMER if language == "es" else replace(CUSTOMER, name="Baker & Sons Ltd", country="GB", language="en")
    items = (
        owed("F-2025-0101", age, "1250.00"),
        owed("F-2025-0102", age + 3, "80.50", total="300.00"),
        owed("F-2025-0103", age + 5, "640.00"),
    )
    chosen = items if several else items[:1]
    act = action(notice, *chosen, language=language, customer=customer, recipient=MARTA if language == "es" else None)
    offers = {
        items[0].id: EarlyDiscount(date(2025, 5, 16), eur("25.00")),
        items[1].id: EarlyDiscount(TODAY, eur("6.00")),
        items[2].id: EarlyDiscount(date(2025, 5, 12), eur("12.80")),
    }
    code = TransferCode(eur("1970.50"), "F-2025-0101", "qr-eur-1.0123456789abcdef@talleresibarra.example")
    pages = {} if several else PAGES
    return build_context(act, charging_policy(form), TODAY, pages, codes=(code,) if several else (), offers=offers)
