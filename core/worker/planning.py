"""From the history to a plan, and the judgement of the guard on it."""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from sqlalchemy import Connection

from ..dunning.facts import Hold, Plan
from ..dunning.guard import Alarm, Circumstances, alarms
from ..dunning.plan import plan
from ..history.attempts import sent_on_day
from ..history.database import reading
from ..history.read import all_customers, books_state, due_customers, open_customers
from ..history.work import approved_keys
from ..money import Money
from ..port import Capability, LedgerConnector
from .desk import Desk
from .discounting import held_back

NOBODY: Mapping[str, tuple[Hold, ...]] = MappingProxyType({})


def plan_of(desk: Desk, as_of: date, *, everything: bool = False, held: Mapping[str, tuple[Hold, ...]] = NOBODY) -> Plan:
    """The plan for a day, from the customers that have something due; `everything` says of each open item why it is left alone. `held` are
    holds by customer besides those of the history."""
    with reading(desk.engine) as conn:
        found = all_customers(conn, desk.company) if everything else due_customers(conn, desk.company, as_of)
        customers = (held_back(facts, held, desk.policy) for facts in found)
        sent, approved = sent_on_day(conn, desk.company, as_of), approved_keys(conn, desk.company)
        return plan(desk.company, customers, desk.rulebook, as_of, sent, approved)


def alarms_of(desk: Desk, made: Plan, ledger: LedgerConnector, charged: Sequence[Money] = ()) -> tuple[Alarm, ...]:
    """What the guard says of a plan, and of the late charges that would be written with it."""
    with reading(desk.engine) as conn:
        return alarms(made, desk.policy, _circumstances(conn, desk, made, ledger), charged)


def _circumstances(conn: Connection, desk: Desk, made: Plan, ledger: LedgerConnector) -> Circumstances:
    state = books_state(conn, desk.company)
    customers = open_customers(conn, desk.company) if made.actions else 0
    knows_bank = Capability.LAST_BANK_ENTRY in ledger.capabilities
    return Circumstances(customers, state.first_sent_at is None, state.last_bank_entry_on, knows_bank, state.restored_to)
