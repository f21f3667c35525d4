"""Questions about one invoice: why it was or was not chased, what comes next and when."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from ..dunning.discounts import judge_discount
from ..dunning.facts import CustomerFacts, Hold, SkipReason
from ..dunning.forecast import days_ahead
from ..dunning.plan import decide
from ..history.attempts import NOTHING_HAPPENED, AttemptStatus
from ..history.database import reading
from ..history.discount_reading import discount_facts
from ..history.read import facts_of, find_items
from ..history.rows import OPEN
from ..history.tables import attempt_items, attempts
from .desk import Desk
from .discounting import Judged, held_back, held_by, said_of

HORIZON_DAYS = 120


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """What was tried before for an item."""

    on: date
    channel: str
    level: str
    recipient: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """About one item: how it stands, what would happen today and why, what comes next, what was done."""

    label: str
    stands: str
    today: str
    next_on: date | None
    next_step: str
    past: tuple[PastAttempt, ...]


def why(desk: Desk, invoice: str, as_of: date) -> list[Answer]:
    """One answer for each item of the invoice, given by its number or the ledger's id; empty when the books do not have it."""
    with reading(desk.engine) as conn:
        return [_answer(conn, desk, row, as_of) for row in find_items(conn, desk.company, invoice)]


def _answer(conn: Connection, desk: Desk, row: Any, as_of: date) -> Answer:
    name = row.number if row.instalment_count == 1 else f"{row.number} ({row.ordinal}/{row.instalment_count})"
    past = _past(conn, desk.company, row.item_id)
    if row.status != OPEN:
        return Answer(name, f"{row.status} in the books", f"it is not chased: it is {row.status}", None, "nothing", past)
    facts = next(iter(facts_of(conn, desk.company, [row.customer_id])), None)
    if facts is None:
        return Answer(name, OPEN, "the books do not say who owes it", None, "nothing", past)
    item = next(known.item for known in facts.items if known.item.id == row.item_id)
    stands = f"{item.outstanding} of {item.total} outstanding by {facts.customer.name}, due {item.due_date}"
    if row.ledger_late_fee:
        stands += f"; it bears a late fee that is not Puntual's ({row.ledger_late_fee})"
    if said := said_of(conn, desk, item, as_of):
        stands += f"; {said}"
    facts = held_back(facts, _held(conn, desk, row.item_id, as_of), desk.policy)
    return Answer(name, stands, _today(facts, desk, row.item_id, as_of), *_next(facts, desk, row.item_id, as_of), past)


def _held(conn: Connection, desk: Desk, item: str, as_of: date) -> dict[str, tuple[Hold, ...]]:
    """What the next run would leave alone because it is a discount or may be one."""
    return held_by([Judged(facts, judge_discount(facts, desk.policy, as_of)) for facts in discount_facts(conn, desk.company, [item])])


def _today(facts: CustomerFacts, desk: Desk, item: str, as_of: date) -> str:
    actions, skipped = decide(facts, desk.rulebook, as_of)
    for action in actions:
        if any(entry.item.id == item for entry in action.items):
            to = f" to {action.recipient.email}" if action.recipient else ""
            return f"{action.kind.value} {action.level!r}{to}: {action.reason}"
    left = next(s for s in skipped if s.item_id == item)
    until = f" (until {left.until})" if left.until and left.reason is not SkipReason.NOT_DUE_YET else ""
    return f"left alone, {left.reason.value}: {left.detail}{until}"


def _next(facts: CustomerFacts, desk: Desk, item: str, as_of: date) -> tuple[date | None, str]:
    for made in days_ahead(desk.company, [facts], desk.rulebook, as_of, HORIZON_DAYS):
        for action in made.actions:
            if any(entry.item.id == item for entry in action.items):
                task = f" ({action.task.value})" if action.task else ""
                return made.as_of, f"{action.kind.value} {action.level!r}{task}"
    return None, f"nothing within {HORIZON_DAYS} days unless something changes"


def _past(conn: Connection, company: str, item: str) -> tuple[PastAttempt, ...]:
    joined = attempts.join(
        attempt_items, (attempt_items.c.company == attempts.c.company) & (attempt_items.c.attempt_id == attempts.c.attempt_id)
    )
    columns = (attempts.c.as_of, attempts.c.channel, attempt_items.c.level_key, attempts.c.recipient, attempts.c.status, attempts.c.detail)
    query = (
        select(*columns, attempt_items.c.claim_key)
        .select_from(joined)
        .where(attempts.c.company == company, attempt_items.c.item_id == item)
    )
    return tuple(_of_item(PastAttempt(*row[:6]), row.claim_key) for row in conn.execute(query.order_by(attempts.c.claimed_at)))


def _of_item(past: PastAttempt, claim_key: str | None) -> PastAttempt:
    """An attempt may have gone out without an item that fell out of it at the last look."""
    if claim_key is not None or past.status in NOTHING_HAPPENED:
        return past
    return replace(past, status=AttemptStatus.DROPPED.value, detail="this item fell out at the last look")
