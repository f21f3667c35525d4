"""One invoice of 1,000.00 that was issued on 1 March and is due on the 31st, with a discount: what the tests of discounts share."""

from dataclasses import replace
from datetime import date
from typing import Any

from dunning_cases import GOMEZ, invoice, one, policy
from puntual.core.dunning.discounts import DiscountEarned, DiscountFacts, DiscountNotEarned, judge_discount
from puntual.core.money import Money
from puntual.core.policy.schema import Policy
from puntual.core.receivables import Allocation, CreditKind, Customer, EarlyDiscount, OpenItem

ISSUED, LAST_ON, DUE = date(2026, 3, 1), date(2026, 3, 11), date(2026, 3, 31)
LATER = date(2026, 4, 20)
LEDGER = {"type": "demo", "url": "https://books.example.com", "api_key": "${DEMO_API_KEY}"}


def granting(**discount: Any) -> Policy:
    """The policy of the stories with this section; nothing given: as when it is left out."""
    return policy(ledger=LEDGER, **({"early_payment_discount": discount} if discount else {}))


TERMS = granting()
OWN = granting(percent=2, days=10)


def money(amount: str, currency: str = "EUR") -> Money:
    return Money.of(amount, currency)


def item(total: str = "1000.00", discount: str = "20.00", currency: str = "EUR", **changes: Any) -> OpenItem:
    """The item, untouched; an empty discount: the ledger's terms grant none."""
    granted = EarlyDiscount(LAST_ON, money(discount, currency)) if discount else None
    return replace(one(invoice("F-1", total, due=DUE, currency=currency)), issued_on=ISSUED, early_discount=granted, **changes)


def paid(amount: str, day: int, *, matched: date | None = None, currency: str = "EUR") -> tuple[Allocation, date]:
    """A payment that came in on a day of March, matched with the invoice on that day or later."""
    on = date(2026, 3, day)
    return Allocation(f"p{day}-{amount}", "F-1", f"p{day}-{amount}", CreditKind.PAYMENT, money(amount, currency), matched or on), on


def credited(amount: str, day: int, currency: str = "EUR") -> tuple[Allocation, date]:
    """A credit note of a day of March, used on the invoice."""
    on = date(2026, 3, day)
    return Allocation(f"c{day}-{amount}", "F-1", f"c{day}-{amount}", CreditKind.CREDIT_NOTE, money(amount, currency), on), on


def facts(*used: tuple[Allocation, date], of: OpenItem | None = None, customer: Customer = GOMEZ, **changes: Any) -> DiscountFacts:
    """What is known after these: the books say that so much less is outstanding."""
    known = of or item()
    left = known.total - sum((each.amount for each, _ in used), start=Money.zero(known.total.currency))
    return DiscountFacts(
        replace(known, outstanding=left),
        customer,
        allocations=tuple(each for each, _ in used),
        received={each.source_id: on for each, on in used},
        **changes,
    )


def verdict(known: DiscountFacts, by: Policy = TERMS, on: date = LATER) -> str:
    """What is credited, or why nothing is."""
    judged = judge_discount(known, by, on)
    return str(judged.credit) if isinstance(judged, DiscountEarned) else judged.reason.value


def earned(known: DiscountFacts, by: Policy = TERMS, on: date = LATER) -> DiscountEarned:
    """The discount that was earned."""
    judged = judge_discount(known, by, on)
    assert isinstance(judged, DiscountEarned), judged
    return judged


def not_earned(known: DiscountFacts, by: Policy = TERMS, on: date = LATER) -> DiscountNotEarned:
    """Why it was not."""
    judged = judge_discount(known, by, on)
    assert isinstance(judged, DiscountNotEarned), judged
    return judged
