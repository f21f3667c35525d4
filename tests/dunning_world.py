"""Books and history as plain values, told event by event: what stories and invented histories share. No database, no mocks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from puntual.core.dunning.facts import (
    Action,
    ActionKind,
    CustomerFacts,
    Hold,
    HoldKind,
    ItemFacts,
    LastContact,
    LevelState,
    Plan,
)
from puntual.core.dunning.forecast import after
from puntual.core.dunning.plan import Rulebook, plan
from puntual.core.money import Money
from puntual.core.policy.schema import Policy
from puntual.core.receivables import CreditKind, Customer, OpenItem, UnappliedCredit


@dataclass
class World:
    """The books of one company, and what was done about them."""

    policy: Policy
    customers: dict[str, Customer] = field(default_factory=dict)
    open: dict[str, ItemFacts] = field(default_factory=dict)
    settled: dict[str, ItemFacts] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    credits: dict[str, UnappliedCredit] = field(default_factory=dict)
    contacts: dict[str, LastContact] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    sent: dict[date, int] = field(default_factory=dict)

    def invoice(self, number: str, customer_id: str, issued_on: date, parts: Sequence[tuple[Money, date]], contact_id: str = "") -> None:
        """A new claim, due in one part or several."""
        for ordinal, (amount, due) in enumerate(parts, start=1):
            item = OpenItem(
                f"{number}/{ordinal}", number, number, customer_id, issued_on, due, amount, amount, ordinal, len(parts), contact_id
            )
            self.open[item.id] = ItemFacts(item)

    def parts_of(self, number: str) -> list[ItemFacts]:
        """The open items of an invoice, the earliest due first."""
        found = [known for known in self.open.values() if known.item.number == number]
        return sorted(found, key=lambda known: (known.item.due_date, known.item.ordinal))

    def pay(self, number: str, amount: Decimal) -> None:
        """Money is allocated to the invoice, to what is due first; promises on an invoice that is settled by it were kept."""
        for known in self.parts_of(number):
            used = min(amount, known.item.outstanding.amount)
            amount -= used
            left = known.item.outstanding - Money(used, known.item.outstanding.currency)
            if left.is_positive:
                self.open[known.item.id] = replace(known, item=replace(known.item, outstanding=left))
            else:
                self.settled[known.item.id] = self.open.pop(known.item.id)
        assert amount == 0, f"{number} was paid {amount} too much"
        if not self.parts_of(number):
            self.release(HoldKind.PROMISE, number)

    def void(self, number: str) -> None:
        """The invoice never was owed."""
        for known in self.parts_of(number):
            self.open.pop(known.item.id)

    def reopen(self, number: str, amount: Decimal) -> None:
        """A payment bounced: a settled invoice is owed again, and a new cycle begins."""
        known = self.settled.pop(f"{number}/1")
        item = replace(known.item, outstanding=Money(amount, known.item.total.currency))
        self.open[item.id] = ItemFacts(item, LevelState(), known.cycle + 1, known.open_attempt, "")

    def change(self, number: str, **changes: object) -> None:
        """The ledger says something else about the invoice now."""
        for known in self.parts_of(number):
            self.open[known.item.id] = replace(known, item=replace(known.item, **changes))  # type: ignore[arg-type]

    def credit(self, key: str, customer_id: str, amount: Money) -> None:
        """A payment or credit note that nobody has allocated."""
        self.credits[key] = UnappliedCredit(key, customer_id, CreditKind.CREDIT_NOTE, amount, key)

    def hold(self, kind: HoldKind, customer_id: str, number: str, reason: str, until: date | None) -> None:
        """Somebody stops the dunning of an invoice, or of the whole customer when `number` is empty."""
        self.holds.append(Hold(f"h{len(self.holds) + 1:03d}", kind, customer_id, reason, number, until, "Ana"))

    def release(self, kind: HoldKind, number: str = "") -> None:
        """End the holds of a kind on an invoice, or on the customer."""
        self.holds = [hold for hold in self.holds if not (hold.kind is kind and hold.invoice_id == number)]

    def facts(self) -> list[CustomerFacts]:
        """What the decisions look at, for every customer with open items."""
        owing = {known.item.customer_id for known in self.open.values()}
        return [self._facts_of(customer) for key, customer in self.customers.items() if key in owing]

    def _facts_of(self, customer: Customer) -> CustomerFacts:
        return CustomerFacts(
            customer=customer,
            items=tuple(known for known in self.open.values() if known.item.customer_id == customer.id),
            credits=tuple(credit for credit in self.credits.values() if credit.customer_id == customer.id),
            holds=tuple(hold for hold in self.holds if hold.customer_id == customer.id),
            last_contact=self.contacts.get(customer.id),
            bad_addresses=frozenset(self.refused),
            parent=self.customers.get(customer.parent_id),
        )

    def plan(self, as_of: date, among: Iterable[CustomerFacts] | None = None) -> Plan:
        """The plan of a day."""
        return plan("acme", self.facts() if among is None else among, Rulebook.of(self.policy), as_of, self.sent.get(as_of, 0))

    def carry_out(self, actions: Sequence[Action], on: date) -> None:
        """The actions were done on that day."""
        for facts in self.facts():
            then = after(facts, actions, on)
            self.open.update({known.item.id: known for known in then.items})
            self.holds = [hold for hold in self.holds if hold.customer_id != facts.customer.id or hold in then.holds]
            if then.last_contact is not None:
                self.contacts[facts.customer.id] = then.last_contact
        self.sent[on] = self.sent.get(on, 0) + sum(1 for action in actions if action.kind is ActionKind.NOTICE)


def is_accounted_for(made: Plan, world: World) -> bool:
    """Whether every open item is in exactly one place of the plan, once."""
    named = [entry.item.id for action in made.actions for entry in action.items] + [skipped.item_id for skipped in made.skipped]
    return sorted(named) == sorted(world.open)
