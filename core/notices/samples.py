"""Invented notices for the check of templates: one of each kind of case that a text must be able to say, always the same."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

from ..dunning.charge_facts import Announcement, Calculation, CalculationLine
from ..dunning.facts import Action, ActionItem, ActionKind, Recipient
from ..money import Money
from ..policy.charge_schema import RuleKind
from ..policy.schema import Channel, NoticeKind, Policy
from ..receivables import CreditKind, Customer, EarlyDiscount, OpenItem, UnappliedCredit
from .charge_news import MOST_PRINTED, NO_NEWS, Announced, ChargeNews, StandingCharge
from .context import NO_OFFERS, NoticeContext, TransferCode, build_context

_AS_OF = date(2025, 5, 13)
_USUAL_DAYS = {
    NoticeKind.BEFORE_DUE: -7, NoticeKind.DUE: 0, NoticeKind.REMINDER: 1, NoticeKind.SECOND: 8, NoticeKind.FIRM: 20, NoticeKind.FINAL: 30,
    NoticeKind.SUMMARY: 120,
}  # fmt: skip
_PAGE = "https://pay.example.com/invoice"


def sample_contexts(policy: Policy, notice: NoticeKind, language: str) -> Iterator[tuple[str, NoticeContext]]:
    """Each case by name, in the currencies of the policy and at the days at which its ladders send this notice."""
    first, second = _currencies(policy)
    for key, days in _levels(policy, notice):
        one = _item(1, days, first)
        yield "one item", _context(policy, notice, language, key, (one,), pages=True)
        yield "no pay page", _context(policy, notice, language, key, (one,))
        yield (
            "many items in two currencies",
            _context(policy, notice, language, key, (one, _item(2, days + 3, first, paid=10), _item(3, days, second))),
        )
        yield "an instalment", _context(policy, notice, language, key, (_item(1, days, first, part=2),), pages=True)
        yield "several instalments", _context(policy, notice, language, key, (_item(1, days, first, part=2), _item(1, days, first, part=3)))
        yield (
            "overdue, due today and upcoming",
            _context(policy, notice, language, key, (one, _item(2, 0, first), _item(3, -5, first), _item(4, 9, first))),
        )
        yield "credits", _context(policy, notice, language, key, (one,), credits_=(_credit(first, 40), _credit(second, 5000)))
        yield "a promise that has passed", _context(policy, notice, language, key, (one,), promised=True)
        yield "payment codes", _context(policy, notice, language, key, (one, _item(2, days, first)), coded=True)
        two = (one, _item(2, days, first))
        yield "an early-payment discount", _context(policy, notice, language, key, (one,), pages=True, offers=_offers(one))
        yield "early-payment discounts", _context(policy, notice, language, key, two, coded=True, offers=_offers(*two))
        if policy.late_charges is not None:
            yield "late charges", _context(policy, notice, language, key, (one, _item(2, days, first)), news=_news(first))


def _levels(policy: Policy, notice: NoticeKind) -> list[tuple[str, int]]:
    levels = [(level.key, level.days) for procedure in policy.procedures.values() for level in procedure.levels if level.notice is notice]
    return list(dict.fromkeys(levels)) or [(notice.value, _USUAL_DAYS[notice])]


def _currencies(policy: Policy) -> tuple[str, str]:
    known = sorted(policy.payment_details)
    return (known[0], known[-1]) if known else ("EUR", "EUR")


def _item(number: int, days_overdue: int, currency: str, *, paid: int = 0, part: int = 0) -> OpenItem:
    due, total = _AS_OF - timedelta(days=days_overdue), Money.of(Decimal(1250 * number), currency)
    return OpenItem(
        id=f"sample{number}/{part or 1}",
        invoice_id=f"sample{number}",
        number=f"F-2025-010{number}",
        customer_id="sample",
        issued_on=due - timedelta(days=30),
        due_date=due,
        total=total,
        outstanding=total - Money.of(paid, currency),
        ordinal=part or 1,
        instalment_count=3 if part else 1,
    )


def _credit(currency: str, amount: int) -> UnappliedCredit:
    return UnappliedCredit(f"credit-{currency}", "sample", CreditKind.CREDIT_NOTE, Money.of(amount, currency), "AB-2025-004", _AS_OF)


def _context(
    policy: Policy,
    notice: NoticeKind,
    language: str,
    level: str,
    items: tuple[OpenItem, ...],
    *,
    pages: bool = False,
    credits_: tuple[UnappliedCredit, ...] = (),
    promised: bool = False,
    coded: bool = False,
    news: ChargeNews = NO_NEWS,
    offers: Mapping[str, EarlyDiscount] = NO_OFFERS,
) -> NoticeContext:
    promised_on = _AS_OF - timedelta(days=3) if promised else None
    action = Action(
        kind=ActionKind.NOTICE,
        channel=Channel.EMAIL,
        level=level,
        notice=notice,
        customer=Customer(id="sample", name="Comercial Robles, S.L.", country=policy.company.country, language=language),
        items=tuple(ActionItem(item, level, 0, 1, 0, _AS_OF, promised_on) for item in items),
        credits=credits_,
        recipient=Recipient("ana.robles@example.com", "Ana Robles", language, "sample"),
        language=language,
        due_on=_AS_OF,
        reason="sample",
        key="sample",
    )
    addresses = {item.invoice_id: f"{_PAGE}/{item.invoice_id}" for item in items} if pages else {}
    codes = [TransferCode(item.outstanding, item.number, f"{item.invoice_id}@example.com") for item in items if coded]
    attached = {items[0].invoice_id} if pages else frozenset()
    return build_context(action, policy, _AS_OF, addresses, attached=attached, codes=codes, charges=news, offers=offers)


def _offers(*items: OpenItem) -> Mapping[str, EarlyDiscount]:
    return {item.id: EarlyDiscount(_AS_OF + timedelta(days=3), Money.of(25, item.total.currency)) for item in items}


def _news(currency: str) -> ChargeNews:
    """Every kind of charge, announced and made."""
    small, large, percent = Money.of(1, currency), Money.of(40, currency), Decimal("11.15")
    interest = {RuleKind.STATUTORY_INTEREST, RuleKind.CONTRACT_INTEREST}
    told = [Announcement(kind.value, kind, _AS_OF, percent, a_day=small, days=0, law="law") for kind in sorted(interest)]
    told += [Announcement(kind.value, kind, _AS_OF, amount=large, days=30) for kind in (RuleKind.COMPENSATION, RuleKind.FLAT_FEE)]
    told += [Announcement("percentage", RuleKind.PERCENTAGE, _AS_OF, percent, amount=large)]
    told += [Announcement("highest", RuleKind.HIGHER_OF, _AS_OF, days=0, highest_of=(told[0], told[-1]))]
    less, more, counted = Money.of(Decimal("3.17"), currency), Money.of(Decimal("57.23"), currency), Decimal("8.3519")
    lines = [CalculationLine(_AS_OF, _AS_OF + timedelta(days=days), large, counted, percent, days + 1, 365) for days in (0, 30, 1000)]
    lines += [CalculationLine(_AS_OF, _AS_OF, large, large.amount, each) for each in (percent, None)]
    made = [Calculation(kind, _AS_OF, _AS_OF, tuple(lines), large, less) for kind in RuleKind for _ in range(MOST_PRINTED // 4)]
    standing = [
        StandingCharge("sample1/1", "F-2025-0101", "sample", amount, _AS_OF, "ND-1", one) for one in made for amount in (less, more)
    ]
    announced = (Announced(item, one) for one in told for item in ("sample1/1", "sample2/1"))
    return ChargeNews(tuple(announced), (*standing, StandingCharge("sample2/1", "F-2025-0102", "sample", more, _AS_OF)))
