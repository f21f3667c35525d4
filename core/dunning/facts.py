"""What the decisions look at and what they say: facts in, values with their reason out. No clock, no I/O."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ..money import Money, totals
from ..policy.schema import Channel, NoticeKind
from ..receivables import Customer, OpenItem, UnappliedCredit


class HoldKind(StrEnum):
    """Why somebody said that an item or a customer is not to be chased."""

    MANUAL = "manual"
    DISPUTE = "dispute"
    PROMISE = "promise"


@dataclass(frozen=True, slots=True)
class Hold:
    """Anything that stops dunning. `invoice_id` is empty when it covers the whole customer. For a promise `until` is the promised day;
    for the others the last day of the hold, or None when it lasts until it is released."""

    id: str
    kind: HoldKind
    customer_id: str
    reason: str
    invoice_id: str = ""
    until: date | None = None
    by: str = ""


class SkipReason(StrEnum):
    """Why an open item is left alone today. The order of `dunning.plan` decides which one is given when several apply."""

    BEFORE_GO_LIVE = "before_go_live"
    EXCLUDED = "excluded"
    LATE_CHARGE = "late_charge"
    LEDGER_SAYS_NO = "ledger_says_no"
    DISPUTED = "disputed"
    HELD = "held"
    PROMISED = "promised"
    WITHIN_TOLERANCE = "within_tolerance"
    OLD_DEBT = "old_debt_ignored"
    OUTCOME_UNKNOWN = "outcome_unknown"
    NO_PROCEDURE = "no_procedure"
    NOT_DUE_YET = "not_due_yet"
    LADDER_DONE = "ladder_done"
    NO_ADDRESS = "no_address"
    NO_PAYMENT_DETAILS = "no_payment_details"
    COVERED_BY_CREDIT = "covered_by_credit"
    CONTACTED_RECENTLY = "contacted_recently"
    NOT_A_SENDING_DAY = "not_a_sending_day"
    DAILY_LIMIT = "daily_limit"
    # given at the recheck only
    SETTLED_MEANWHILE = "settled_meanwhile"
    GONE = "gone"
    CHANGED_MEANWHILE = "changed_meanwhile"
    ALREADY_CLAIMED = "already_claimed"
    BEING_PAID = "being_paid"


@dataclass(frozen=True, slots=True)
class Skipped:
    """An open item that is left alone, and why. `until` is the day on which this reason may end, where one is known."""

    item_id: str
    number: str
    customer_id: str
    reason: SkipReason
    detail: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class LevelState:
    """Where an item stands on its ladder: the last level that was really sent. `sends` counts this level; `days` is its offset then,
    so that a ladder that was rewritten finds its place. An empty key: nothing was sent yet in this cycle."""

    key: str = ""
    days: int = 0
    sent_on: date | None = None
    sends: int = 0


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One open item and what we did about it. `cycle` counts from 1; `open_attempt` names an attempt whose end is unknown;
    `task_key` is the key of the last task that was put on the work list for it."""

    item: OpenItem
    level: LevelState = LevelState()
    cycle: int = 1
    open_attempt: str = ""
    task_key: str = ""


@dataclass(frozen=True, slots=True)
class LastContact:
    """The latest contact with a customer, over all channels, ours or a person's found in the ledger."""

    on: date
    how: str


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """All that a decision about one customer needs."""

    customer: Customer
    items: tuple[ItemFacts, ...]
    credits: tuple[UnappliedCredit, ...] = ()
    holds: tuple[Hold, ...] = ()
    last_contact: LastContact | None = None
    bad_addresses: frozenset[str] = frozenset()
    parent: Customer | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a notice is written to, and how they were found (a rung of the recipient ladder)."""

    email: str
    name: str
    language: str
    found_as: str


class ActionKind(StrEnum):
    """What would be done: a notice to the customer, or work for a person."""

    NOTICE = "notice"
    TASK = "task"


class TaskKind(StrEnum):
    """Which work: a call that the ladder asks for, a notice that has nobody to go to, an item whose ladder has ended."""

    CALL = "call"
    NO_ADDRESS = "no_address"
    DECIDE = "decide"


def task_key(level: str, cycle: int, repeat: int) -> str:
    """What an item remembers of a task, so that it is put on the work list once."""
    return f"{level}|{cycle}|{repeat}"


@dataclass(frozen=True, slots=True)
class ActionItem:
    """An item in an action, at its own level, with that level's notice and why it is due. `repeat` counts the sends of this level before
    this one. The unique key of an attempt is made of item, kind, level, cycle and repeat."""

    item: OpenItem
    level_key: str
    level_days: int
    cycle: int
    repeat: int
    due_on: date
    broken_promise_on: date | None = None
    notice: NoticeKind | None = None
    why: str = ""

    def key(self, kind: ActionKind) -> str:
        """The unique key within a company."""
        return f"{self.item.id}|{kind.value}|{self.level_key}|{self.cycle}|{self.repeat}"


@dataclass(frozen=True, slots=True)
class Action:
    """Proposed work on one customer. `level` and `notice` are those of the highest level among the items; `key` is the same however
    often it is planned; `credits` are shown in the notice and never added to another currency."""

    kind: ActionKind
    channel: Channel | None
    level: str
    notice: NoticeKind | None
    customer: Customer
    items: tuple[ActionItem, ...]
    credits: tuple[UnappliedCredit, ...]
    recipient: Recipient | None
    language: str
    due_on: date
    reason: str
    key: str
    needs_approval: bool = False
    task: TaskKind | None = None

    @property
    def totals(self) -> tuple[Money, ...]:
        """What is outstanding on the items, one amount a currency."""
        return totals(entry.item.outstanding for entry in self.items)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do on `as_of`, and what it leaves alone and why."""

    company: str
    as_of: date
    actions: tuple[Action, ...]
    skipped: tuple[Skipped, ...]
