"""The guard: is this plan plausible? An implausible plan stops and says how to proceed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ..money import Money, totals
from ..policy.schema import Policy
from .facts import ActionKind, Plan


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the guard must know besides the plan. `is_first_run`: nothing was ever sent for this company; `restored_to`: the history came
    back from a backup, and knows nothing of what was sent after that instant."""

    open_customers: int
    is_first_run: bool
    last_bank_entry_on: date | None
    knows_bank_entries: bool = True
    restored_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Why the run should stop, and how to go on."""

    what: str
    how_to_proceed: str


def alarms(plan: Plan, policy: Policy, around: Circumstances, charged: Iterable[Money] = ()) -> tuple[Alarm, ...]:
    """Everything that makes this plan implausible; empty when it may be carried out. `charged` are the late charges that would be written
    with it. Where nobody is written to and nothing is charged, all is plausible."""
    sums = totals(charged)
    if not sums and not any(action.kind is ActionKind.NOTICE for action in plan.actions):
        return ()
    found = (
        _restored(around),
        _first_run_on_old_debt(plan, policy, around),
        _share_of_customers(plan, policy, around),
        _stale_books(plan, policy, around),
        *_above(totals(total for one in plan.actions if one.kind is ActionKind.NOTICE for total in one.totals), "claim", policy),
        *_above(sums, "charge", policy),
    )
    return tuple(alarm for alarm in found if alarm is not None)


def _first_run_on_old_debt(plan: Plan, policy: Policy, around: Circumstances) -> Alarm | None:
    if not around.is_first_run or policy.go_live is not None:
        return None
    overdue = sum(1 for action in plan.actions for entry in action.items if entry.item.due_date < plan.as_of)
    if not overdue:
        return None
    return Alarm(
        f"this is the first run and {overdue} item{'s are' if overdue != 1 else ' is'} already overdue",
        f"say in the policy what to do with old debt: go_live: {{date: {plan.as_of}, old_debt: ignore | one_summary | matching_level}}",
    )


def _restored(around: Circumstances) -> Alarm | None:
    if around.restored_to is None:
        return None
    return Alarm(
        f"the history came back from a backup that ends at {around.restored_to:%Y-%m-%d %H:%M} UTC; what went out later would go out again",
        "hold what went out since (puntual hold); when nothing of the plan did, run again with --confirm",
    )


def _share_of_customers(plan: Plan, policy: Policy, around: Circumstances) -> Alarm | None:
    addressed = len({action.customer.id for action in plan.actions if action.kind is ActionKind.NOTICE})
    if addressed < policy.guard.share_from_customers or not around.open_customers:
        return None
    if Decimal(addressed) <= policy.guard.max_share_of_customers * around.open_customers:
        return None
    return Alarm(
        f"{addressed} of {around.open_customers} customers with open items would be written to at once, "
        f"more than the {policy.guard.max_share_of_customers:.0%} of guard.max_share_of_customers",
        "look at the plan; if it is right, run again with --confirm",
    )


def _stale_books(plan: Plan, policy: Policy, around: Circumstances) -> Alarm | None:
    if not around.knows_bank_entries:
        return None
    if around.last_bank_entry_on is None:
        return Alarm(
            "the books hold no payment at all, so what looks open may be paid",
            "enter or import the payments; if there really are none, run again with --confirm",
        )
    age = (plan.as_of - around.last_bank_entry_on).days
    if age <= policy.guard.max_days_without_payment:
        return None
    return Alarm(
        f"the newest payment, bank entry or export of the books is of {around.last_bank_entry_on}, {age} days ago, "
        "so what looks open may be paid",
        "bring the books up to date; if they are, run again with --confirm",
    )


def _above(sums: Iterable[Money], verb: str, policy: Policy) -> list[Alarm]:
    return [
        Alarm(
            f"the run would {verb} {money}{' for lateness' * (verb == 'charge')}, more than the {most} of guard.max_total",
            "look at the plan; if it is right, run again with --confirm",
        )
        for money in sums
        if (most := policy.guard.max_total.get(money.currency)) is not None and money.amount > most
    ]


SHARE_OF_ITEMS_THAT_MAY_VANISH = Decimal("0.5")
ITEMS_FROM_WHICH_VANISHING_COUNTS = 10


def alarm_of_vanished(known_open: int, vanished: int) -> Alarm | None:
    """Books that lose most of their open items between two readings were cut off or emptied, not paid (an emptied ledger stops the run)."""
    was_emptied = vanished == known_open > 1
    most_vanished = vanished >= ITEMS_FROM_WHICH_VANISHING_COUNTS and Decimal(vanished) > SHARE_OF_ITEMS_THAT_MAY_VANISH * known_open
    if not was_emptied and not most_vanished:
        return None
    return Alarm(
        f"{vanished} of {known_open} open items are gone from the books without being paid or voided",
        "see whether the export or the connection is complete; if the books are right, sync again with --confirm",
    )
