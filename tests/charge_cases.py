"""One overdue invoice, a policy with late charges, and what is due: what the tests of the charges share."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from dunning_cases import GOMEZ, invoice, one, policy
from puntual.core.dunning.charge_facts import ChargeDue, ChargeFacts, ChargeRecord, ChargeState, NotCharged, balances_of, principal_of
from puntual.core.dunning.charge_rules import ChargeBook
from puntual.core.dunning.charges import charges_due
from puntual.core.money import Money
from puntual.core.policy.countries import country_pack
from puntual.core.receivables import Allocation, CreditKind, Customer

DUE = date(2025, 3, 10)
START = date(2025, 1, 1)
BUSINESS = GOMEZ
CONSUMER = replace(GOMEZ, id="ana", name="Ana", is_business=False)
LATER = date(2026, 6, 30)
LEDGER = {"type": "demo", "url": "https://books.example.com", "api_key": "${DEMO_API_KEY}"}

AGREED: dict[str, Any] = {"key": "agreed", "kind": "contract_interest", "annual_percent": 12}
STATUTE: dict[str, Any] = {"key": "statute", "kind": "statutory_interest"}
FEE: dict[str, Any] = {"key": "fee", "kind": "flat_fee", "amount": {"EUR": 15}}
SHARE: dict[str, Any] = {"key": "share", "kind": "percentage", "percent": 2}
RECOVERY: dict[str, Any] = {"key": "recovery", "kind": "compensation"}


def book(*rules: dict[str, Any], company: dict[str, Any] | None = None, **settings: Any) -> ChargeBook:
    """A policy with these rules, charged without announcement from the first late day on unless the settings say otherwise."""
    usual = {"start": START, "from_days": 1, "announce": False, "after_payment": "keep", "tax": {"late_fee": "none"}}
    charges = {**usual, **settings, "rules": [*(rules or (AGREED,))]}
    places = {f"company__{key}": value for key, value in (company or {}).items()}
    return ChargeBook.of(policy(late_charges=charges, ledger=LEDGER, **places), country_pack)


def paid(amount: str, on: date, *, matched: date | None = None, currency: str = "EUR") -> Allocation:
    """A payment on a day, matched with the invoice on that day or later; its source is named by the day."""
    return Allocation(f"a{on}", "F-1", f"p{on}", CreditKind.PAYMENT, Money.of(amount, currency), matched or on)


def owing(
    total: str = "1000.00", *payments: Allocation, due: date = DUE, customer: Customer = BUSINESS, currency: str = "EUR", **changes: Any
) -> ChargeFacts:
    """The facts of one invoice, by what is known after all of these payments."""
    item = one(invoice("F-1", total, due=due, currency=currency))
    charges: Iterable[ChargeRecord] = changes.get("charges", ())
    balances = balances_of(
        principal_of(item, charges), payments, LATER, received={p.source_id: date.fromisoformat(p.source_id[1:]) for p in payments}
    )
    known = replace(item, outstanding=balances[-1].amount + item.total - principal_of(item, charges), **changes.pop("item", {}))
    return ChargeFacts(known, balances, customer, **changes)


def made(facts: ChargeFacts, by: ChargeBook, as_of: date) -> list[ChargeDue]:
    """The charges that are due."""
    return [one for one in charges_due(facts, by, as_of) if isinstance(one, ChargeDue)]


def left(facts: ChargeFacts, by: ChargeBook, as_of: date) -> dict[str, str]:
    """Why what is not charged is not, by rule."""
    return {one.rule: one.reason.value for one in charges_due(facts, by, as_of) if isinstance(one, NotCharged)}


def amounts(charges: Iterable[ChargeDue]) -> list[str]:
    """Rule, period and amount of each."""
    return [f"{one.rule} {one.key.period} {one.amount}" for one in charges]


def record(charge: ChargeDue, state: ChargeState = ChargeState.MADE, **changes: Any) -> ChargeRecord:
    """The charge as history keeps it."""
    span = charge.calculation
    return replace(ChargeRecord(charge.rule, charge.key.period, span.first, span.last, charge.amount, state, charge.terms), **changes)


def known_on(facts: ChargeFacts, day: date) -> ChargeFacts:
    """What was known on this day: later payments had not come."""
    balances = tuple(one for one in facts.balances if one.from_on <= day + timedelta(days=1))
    return replace(facts, balances=balances, item=replace(facts.item, outstanding=balances[-1].amount))


def charged_by_runs(facts: ChargeFacts, by: ChargeBook, days: Iterable[date]) -> list[ChargeDue]:
    """Every charge that runs on these days make, each remembered by the next."""
    done: list[ChargeDue] = []
    for day in days:
        known = known_on(replace(facts, charges=(*facts.charges, *map(record, done))), day)
        done.extend(made(known, by, day))
    return done


def every_day(first: date, last: date, step: int = 1) -> list[date]:
    """The days from first to last, or every so many of them."""
    return [first + timedelta(days=n) for n in range(0, (last - first).days + 1, step)]
