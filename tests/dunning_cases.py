"""One invoice, one customer, one plan: what the direct tests of the decisions share."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from puntual.core.dunning.facts import Action, CustomerFacts, ItemFacts, Plan
from puntual.core.dunning.plan import Rulebook, plan
from puntual.core.money import Money
from puntual.core.policy.schema import Policy
from puntual.core.receivables import CreditKind, Customer, DocumentStatus, Instalment, Invoice, OpenItem, UnappliedCredit, open_items
from stories.storyline import policy_of

TUESDAY = date(2026, 4, 14)
GOMEZ = Customer("gomez", "Talleres Gómez", "pagos@gomez.example", language="es", country="ES")


def policy(**changes: Any) -> Policy:
    """The policy of the stories; `a__b` sets the key a.b."""
    return policy_of({path.replace("__", "."): value for path, value in changes.items()})


def invoice(number: str = "F-1", *owed: str, due: date = TUESDAY - timedelta(days=1), currency: str = "EUR", **changes: Any) -> Invoice:
    """An invoice of as many parts as amounts, a month apart."""
    parts = [Money.of(amount, currency) for amount in owed or ("100.00",)]
    dated = tuple(Instalment(n, due + timedelta(days=30 * (n - 1)), part, part) for n, part in enumerate(parts, start=1))
    return replace(Invoice(number, number, "gomez", due - timedelta(days=30), dated), **changes)


def part_paid(known: Invoice, left: str) -> Invoice:
    """The invoice with so much left on its first part."""
    first = replace(known.instalments[0], outstanding=Money.of(left, known.currency))
    return replace(known, instalments=(first, *known.instalments[1:]))


def items_of(*invoices: Invoice) -> tuple[ItemFacts, ...]:
    """The facts of their open items, nothing done yet."""
    return tuple(ItemFacts(item) for known in invoices for item in open_items(known))


def owing(*invoices: Invoice, customer: Customer = GOMEZ, **changes: Any) -> CustomerFacts:
    """The facts of a customer that owes these invoices."""
    return replace(CustomerFacts(customer, items_of(*invoices)), **changes)


def plan_for(*facts: CustomerFacts, by: Policy | None = None, on: date = TUESDAY) -> Plan:
    """The plan of a day."""
    return plan("acme", facts, Rulebook.of(by or policy()), on)


def only_action(*facts: CustomerFacts, by: Policy | None = None, on: date = TUESDAY) -> Action:
    """The one action of that day's plan."""
    (action,) = plan_for(*facts, by=by, on=on).actions
    return action


def credit(amount: str, currency: str = "EUR", key: str = "AB-1") -> UnappliedCredit:
    """A credit note that nobody allocated."""
    return UnappliedCredit(key, "gomez", CreditKind.CREDIT_NOTE, Money.of(amount, currency), key)


def one(known: Invoice) -> OpenItem:
    """The only open item of an invoice."""
    (item,) = open_items(known)
    return item


PAID = DocumentStatus.PAID
VOID = DocumentStatus.VOID
