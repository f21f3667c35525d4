"""When an item may next have something due: computed anew whenever the item, its customer, a hold or the policy changes.

So a run reads only what is due, and its cost does not follow what is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, select, update

from ..dunning.facts import Hold, ItemFacts
from ..dunning.plan import Rulebook, wake_on
from ..policy.schema import CustomerRule
from ..receivables import Customer
from .database import OF_COMPANY, execute_many
from .read import customers_by_id, holds_by_customer
from .rows import ITEM_COLUMNS, OPEN, item_facts
from .tables import items

_CHUNK = 900

_SET_NEXT_ACTION = (
    update(items).where(items.c.company == OF_COMPANY, items.c.item_id == bindparam("of_item")).values(next_action_on=bindparam("wake_on"))
)


@dataclass(frozen=True, slots=True)
class Judging:
    """The customers, their rules and their holds, which items need to be judged."""

    customers: dict[str, Customer]
    holds: dict[str, tuple[Hold, ...]]
    rules: dict[str, tuple[CustomerRule, ...]]
    rulebook: Rulebook
    as_of: date

    @classmethod
    def of(cls, conn: Connection, company: str, ids: Sequence[str], rulebook: Rulebook, as_of: date) -> "Judging":
        """Read them for these customers."""
        known = customers_by_id(conn, company, ids)
        rules = {key: rulebook.assignments.rules_for(customer) for key, customer in known.items()}
        return cls(known, holds_by_customer(conn, company, ids), rules, rulebook, as_of)

    def wake_on(self, facts: ItemFacts) -> date | None:
        """The first day on which this open item may have something due."""
        customer_id = facts.item.customer_id
        holds_on = self.holds.get(customer_id, ())
        return wake_on(facts, self.customers[customer_id], self.rules[customer_id], holds_on, self.rulebook, self.as_of)


def wake(conn: Connection, company: str, customer_ids: Sequence[str], rulebook: Rulebook, as_of: date) -> None:
    """Compute anew when the open items of these customers have something due."""
    for start in range(0, len(customer_ids), _CHUNK):
        chunk = customer_ids[start : start + _CHUNK]
        about = Judging.of(conn, company, chunk, rulebook, as_of)
        of_these = (items.c.company == company, items.c.customer_id.in_(chunk), items.c.status == OPEN)
        changed = []
        for row in conn.execute(select(*ITEM_COLUMNS, items.c.next_action_on).where(*of_these)).all():
            due = about.wake_on(item_facts(row))
            if due != row[-1]:
                changed.append({"wake_on": due, "of_item": row[0], "of_company": company})
        execute_many(conn, _SET_NEXT_ACTION, changed)
