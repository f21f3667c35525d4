"""Attempts: claimed by a unique key, begun before the effect, settled with what is known of its end.

claimed → sending → sent | queued | rejected | failed | unknown;  claimed → dropped (recheck) | abandoned (the run died)
The unique key is per item (company, item, kind, level, cycle, repeat); an attempt that certainly did nothing gives its keys back.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, select, update

from ..dunning.facts import Action, ActionItem, ActionKind, Skipped, SkipReason, TaskKind, task_key
from ..dunning.grouping import narrowed
from ..errors import AnotherRunUnderWay
from .audit import append
from .books import note_contact
from .charge_marks import AT_ONCE
from .database import OF_COMPANY, execute_many, upsert
from .rows import GONE, OPEN
from .tables import approvals, attempt_items, attempts, bad_addresses, companies, items, work_list


class AttemptStatus(StrEnum):
    """Where an attempt stands."""

    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    QUEUED = "queued"
    REJECTED = "rejected"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DROPPED = "dropped"
    ABANDONED = "abandoned"


NOTHING_HAPPENED = frozenset({AttemptStatus.REJECTED, AttemptStatus.FAILED, AttemptStatus.DROPPED, AttemptStatus.ABANDONED})
"""Ends after which the customer has certainly received nothing: the keys are free again."""


# The statements of the path that every mail takes, made once: building them anew each time costs more than running them.
_THIS_ATTEMPT = (attempts.c.company == OF_COMPANY, attempts.c.attempt_id == bindparam("of_attempt"))
_STILL_CLAIMED = (*_THIS_ATTEMPT, attempts.c.status == AttemptStatus.CLAIMED.value)
_BEGIN = update(attempts).where(*_STILL_CLAIMED).values(status=AttemptStatus.SENDING.value, recipient=bindparam("to"))
_SET_STATUS = (
    update(attempts)
    .where(*_THIS_ATTEMPT)
    .values(
        status=bindparam("new_status"), detail=bindparam("new_detail"), vendor_id=bindparam("new_vendor_id"), settled_at=bindparam("at")
    )
)
_ASKED = (work_list.c.task_id == bindparam("of_task"), work_list.c.kind == AttemptStatus.UNKNOWN.value, work_list.c.done_at.is_(None))
_ASK_NO_LONGER = delete(work_list).where(work_list.c.company == OF_COMPANY, *_ASKED)
_THIS_ITEM = (items.c.company == OF_COMPANY, items.c.item_id == bindparam("of_item"))
_LOOK_AGAIN = case((items.c.status == OPEN, func.coalesce(items.c.next_action_on, AT_ONCE)), else_=items.c.next_action_on)
"""Nothing is due for an item that is at work. When it no longer is, the next plan looks at it, should its run not come to say when."""
_RAISE_LEVEL = (
    update(items)
    .where(*_THIS_ITEM)
    .values(
        level_key=bindparam("key"),
        level_days=bindparam("days"),
        level_on=bindparam("on"),
        level_sends=bindparam("sends"),
        open_attempt="",
        next_action_on=_LOOK_AGAIN,
    )
)
_REMEMBER_TASK = update(items).where(*_THIS_ITEM).values(task_key=bindparam("task"), open_attempt="", next_action_on=_LOOK_AGAIN)
_USE_APPROVALS = delete(approvals).where(approvals.c.company == OF_COMPANY, approvals.c.claim_key.in_(bindparam("keys", expanding=True)))
_FIRST_SENT = (
    update(companies).where(companies.c.company == OF_COMPANY, companies.c.first_sent_at.is_(None)).values(first_sent_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of an action, by its id in the history."""

    id: str
    action: Action


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: the status, the vendor's id of what was sent, what the other side said, the address it refused."""

    status: AttemptStatus
    vendor_id: str = ""
    detail: str = ""
    refused_address: str = ""


def claim(
    conn: Connection, company: str, run_id: str, actions: Sequence[Action], as_of: date, at: datetime
) -> tuple[list[Attempt], list[Skipped]]:
    """Claim the items of each action; what somebody else claimed already falls out of it. One transaction for all of them."""
    wanted = [Attempt(uuid.uuid4().hex, action) for action in actions]
    rows = sorted((row for attempt in wanted for row in _item_rows(company, attempt)), key=_by_claim_key)
    if not rows:
        return [], []
    execute_many(conn, upsert(conn.dialect, attempt_items, ignore=True), rows)
    mine = _claimed_items(conn, company, [attempt.id for attempt in wanted])
    claimed = [Attempt(a.id, _with_items(a.action, mine.get(a.id, frozenset()))) for a in wanted if a.id in mine]
    lost = [entry for a in wanted for entry in a.action.items if entry.item.id not in mine.get(a.id, frozenset())]
    if claimed:
        conn.execute(attempts.insert(), [_attempt_row(company, run_id, attempt, as_of, at) for attempt in claimed])
        _mark_open(conn, company, claimed)
    return claimed, [skipped_entry(entry, SkipReason.ALREADY_CLAIMED, "this level was already claimed") for entry in lost]


def skipped_entry(entry: ActionItem, reason: SkipReason, detail: str) -> Skipped:
    """An item of an action that falls out of it."""
    return Skipped(entry.item.id, entry.item.number, entry.item.customer_id, reason, detail)


def narrow(
    conn: Connection, company: str, attempt: Attempt, action: Action | None, dropped: Sequence[Skipped], at: datetime
) -> Attempt | None:
    """Record what the recheck left of an attempt: items that fell out give their keys back, those gone from the books are closed;
    nothing left means dropped."""
    if dropped:
        fallen = [skipped.item_id for skipped in dropped]
        where = (attempt_items.c.company == company, attempt_items.c.attempt_id == attempt.id, attempt_items.c.item_id.in_(fallen))
        conn.execute(update(attempt_items).where(*where).values(claim_key=None))
        freed = (items.c.company == company, items.c.item_id.in_(fallen), items.c.open_attempt == attempt.id)
        conn.execute(update(items).where(*freed).values(open_attempt="", next_action_on=_LOOK_AGAIN))
        gone = [skipped.item_id for skipped in dropped if skipped.reason is SkipReason.GONE]
        closed = update(items).where(items.c.company == company, items.c.item_id.in_(gone))
        conn.execute(closed.values(status=GONE, next_action_on=None, next_charge_on=AT_ONCE))
        facts = [{"item": s.item_id, "number": s.number, "reason": s.reason.value, "detail": s.detail} for s in dropped]
        append(conn, company, at, [("dropped_at_recheck", {"attempt": attempt.id, "customer": attempt.action.customer.id, "items": facts})])
    if action is None:
        _set_status(conn, company, attempt.id, AttemptStatus.DROPPED, at, detail="; ".join(s.detail for s in dropped))
        return None
    _note_amounts(conn, company, attempt, action)
    return Attempt(attempt.id, action)


def _note_amounts(conn: Connection, company: str, attempt: Attempt, action: Action) -> None:
    """What is asked for is what is owed now."""
    before = {entry.item.id: entry.item.outstanding for entry in attempt.action.items}
    for item in (entry.item for entry in action.items):
        if item.outstanding != before.get(item.id):
            where = (attempt_items.c.company == company, attempt_items.c.attempt_id == attempt.id, attempt_items.c.item_id == item.id)
            conn.execute(update(attempt_items).where(*where).values(outstanding_minor=item.outstanding.minor))


def begin(conn: Connection, company: str, attempt: Attempt) -> None:
    """Mark as sending, to be committed before the effect. Raises AnotherRunUnderWay when the claim is no longer ours."""
    begun = conn.execute(_BEGIN, {"of_company": company, "of_attempt": attempt.id, "to": _address(attempt.action)}).rowcount
    if begun != 1:
        raise AnotherRunUnderWay("another run took this one for dead and freed its claims, so nothing was sent")


def settle(conn: Connection, company: str, attempt: Attempt, ending: Ending, as_of: date, at: datetime) -> None:
    """Record how an attempt ended. The item's level rises only when something was sent (or a task was made).

    Who was silent for long finds that another run took it for dead and had a person asked how this ended: it is known now.
    """
    _set_status(conn, company, attempt.id, ending.status, at, detail=ending.detail, vendor_id=ending.vendor_id)
    if ending.status is not AttemptStatus.UNKNOWN:
        conn.execute(_ASK_NO_LONGER, {"of_company": company, "of_task": attempt.id[:12]})
    if ending.status in (AttemptStatus.SENT, AttemptStatus.QUEUED):
        _count(conn, company, attempt.action, as_of, at)
    elif ending.status in NOTHING_HAPPENED:
        release(conn, company, attempt.id)
    if ending.refused_address:
        row = {"company": company, "email": ending.refused_address.casefold(), "detail": ending.detail, "since_at": at}
        conn.execute(upsert(conn.dialect, bad_addresses), row)
    append(conn, company, at, [(ending.status.value, evidence(attempt, ending))])


def release(conn: Connection, company: str, attempt_id: str) -> None:
    """Give the keys of an attempt back and free its items."""
    where = (attempt_items.c.company == company, attempt_items.c.attempt_id == attempt_id)
    conn.execute(update(attempt_items).where(*where).values(claim_key=None))
    conn.execute(
        update(items)
        .where(items.c.company == company, items.c.open_attempt == attempt_id, _among(conn, company, attempt_id))
        .values(open_attempt="", next_action_on=_LOOK_AGAIN)
    )


def recover(conn: Connection, company: str, at: datetime) -> list[str]:
    """After a run that died: what was only claimed is free again; a mail whose end nobody knows stays unknown and is not sent again.

    Returns the ids of the attempts that are unknown now. Call it only while holding the company's run lease.
    """
    abandon_claims(conn, company, "", at)
    sending = (attempts.c.company == company, attempts.c.status == AttemptStatus.SENDING.value)
    unknown = list(conn.execute(select(attempts.c.attempt_id).where(*sending)).scalars())
    for attempt_id in unknown:
        _set_status(conn, company, attempt_id, AttemptStatus.UNKNOWN, at, detail="the run ended while this was being sent")
        append(conn, company, at, [("recovered", {"attempt": attempt_id, "was": "sending"})])
    return unknown


def abandon_claims(conn: Connection, company: str, run_id: str, at: datetime) -> None:
    """Free what a run (of any run when `run_id` is empty) claimed and never began."""
    claimed = (attempts.c.company == company, attempts.c.status == AttemptStatus.CLAIMED.value)
    mine = (*claimed, attempts.c.run_id == run_id) if run_id else claimed
    for attempt_id in conn.execute(select(attempts.c.attempt_id).where(*mine)).scalars().all():
        _set_status(conn, company, attempt_id, AttemptStatus.ABANDONED, at, detail="the run ended before anything was sent")
        release(conn, company, attempt_id)
        append(conn, company, at, [("recovered", {"attempt": attempt_id, "was": "claimed"})])


def resolve_unknown(conn: Connection, company: str, attempt_id: str, was_sent: bool, by: str, at: datetime) -> bool:
    """A person says how an attempt of unknown end ended. Returns False when there is no such attempt."""
    where = (attempts.c.company == company, attempts.c.attempt_id == attempt_id, attempts.c.status == AttemptStatus.UNKNOWN.value)
    row = conn.execute(select(attempts).where(*where)).one_or_none()
    if row is None:
        return False
    status = AttemptStatus.SENT if was_sent else AttemptStatus.FAILED
    _set_status(conn, company, attempt_id, status, at, detail=f"{by} said so")
    if was_sent:
        note_contact(conn, company, row.customer_id, row.as_of, f"{row.channel} {row.level!r}")
        of_attempt = select(attempt_items).where(attempt_items.c.company == company, attempt_items.c.attempt_id == attempt_id)
        told = conn.execute(of_attempt.where(attempt_items.c.claim_key.is_not(None))).all()
        execute_many(conn, _RAISE_LEVEL, [_level(company, e.item_id, e.level_key, e.level_days, e.repeat, row.as_of) for e in told])
        conn.execute(_USE_APPROVALS, {"of_company": company, "keys": [e.claim_key for e in told]})
        conn.execute(_FIRST_SENT, {"of_company": company, "at": at})
    else:
        release(conn, company, attempt_id)
    append(conn, company, at, [("resolved", {"attempt": attempt_id, "was_sent": was_sent, "by": by})])
    return True


def sent_on_day(conn: Connection, company: str, as_of: date) -> int:
    """How many notices already went out in runs of that day, for the daily limit."""
    counted = [AttemptStatus.SENT.value, AttemptStatus.QUEUED.value, AttemptStatus.UNKNOWN.value]
    where = (attempts.c.company == company, attempts.c.as_of == as_of, attempts.c.kind == ActionKind.NOTICE.value)
    return len(conn.execute(select(attempts.c.attempt_id).where(*where, attempts.c.status.in_(counted))).all())


def evidence(attempt: Attempt, ending: Ending) -> Mapping[str, Any]:
    """What the audit trail keeps of an attempt: what was asked of whom, and what came of it."""
    action = attempt.action
    return {
        "attempt": attempt.id,
        "kind": action.kind.value,
        "channel": action.channel.value if action.channel else "",
        "level": action.level,
        "notice": action.notice.value if action.notice else "",
        "customer": action.customer.id,
        "recipient": _address(action),
        "reason": action.reason,
        "items": [
            {"item": e.item.id, "number": e.item.number, "outstanding": str(e.item.outstanding), "level": e.level_key} for e in action.items
        ],
        "vendor_id": ending.vendor_id,
        "detail": ending.detail,
    }


def _item_rows(company: str, attempt: Attempt) -> Iterable[dict[str, Any]]:
    for entry in attempt.action.items:
        yield {
            "company": company,
            "attempt_id": attempt.id,
            "item_id": entry.item.id,
            "claim_key": claim_key(attempt.action, entry),
            "invoice_id": entry.item.invoice_id,
            "number": entry.item.number,
            "level_key": entry.level_key,
            "level_days": entry.level_days,
            "cycle": entry.cycle,
            "repeat": entry.repeat,
            "currency": entry.item.outstanding.currency,
            "outstanding_minor": entry.item.outstanding.minor,
        }


def _by_claim_key(row: dict[str, Any]) -> str:
    """Everybody claims in the same order, so that two who claim at once wait for each other and never deadlock."""
    return str(row["claim_key"])


def claim_key(action: Action, entry: ActionItem) -> str:
    """The unique key of an item in an attempt. A task for want of an address is no try of the level itself."""
    return f"{entry.key(action.kind)}|{action.task.value}" if action.task not in (None, TaskKind.CALL) else entry.key(ActionKind.NOTICE)


def _claimed_items(conn: Connection, company: str, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    query = select(attempt_items.c.attempt_id, attempt_items.c.item_id)
    for attempt_id, item in conn.execute(query.where(attempt_items.c.company == company, attempt_items.c.attempt_id.in_(ids))):
        found[attempt_id] = found.get(attempt_id, frozenset()) | {item}
    return found


def _with_items(action: Action, kept: frozenset[str]) -> Action:
    return action if len(kept) == len(action.items) else narrowed(action, [entry for entry in action.items if entry.item.id in kept])


def _attempt_row(company: str, run_id: str, attempt: Attempt, as_of: date, at: datetime) -> dict[str, Any]:
    action = attempt.action
    return {
        "company": company,
        "attempt_id": attempt.id,
        "run_id": run_id,
        "action_key": action.key,
        "kind": action.kind.value,
        "channel": action.channel.value if action.channel else "",
        "level": action.level,
        "notice": action.notice.value if action.notice else "",
        "customer_id": action.customer.id,
        "recipient": _address(action),
        "status": AttemptStatus.CLAIMED.value,
        "detail": "",
        "vendor_id": "",
        "as_of": as_of,
        "claimed_at": at,
    }


def _mark_open(conn: Connection, company: str, claimed: Sequence[Attempt]) -> None:
    mark = "?" if conn.dialect.name == "sqlite" else "%s"
    text = f"UPDATE items SET open_attempt = {mark} WHERE company = {mark} AND item_id = {mark}"  # noqa: S608  # no value is in the text
    conn.exec_driver_sql(text, [(attempt.id, company, entry.item.id) for attempt in claimed for entry in attempt.action.items])


def _address(action: Action) -> str:
    return action.recipient.email if action.recipient else ""


def _set_status(
    conn: Connection, company: str, attempt_id: str, status: AttemptStatus, at: datetime, *, detail: str = "", vendor_id: str = ""
) -> None:
    values = {"new_status": status.value, "new_detail": detail, "new_vendor_id": vendor_id, "at": at}
    conn.execute(_SET_STATUS, {"of_company": company, "of_attempt": attempt_id, **values})


def _among(conn: Connection, company: str, attempt_id: str) -> Any:
    of_attempt = select(attempt_items.c.item_id).where(attempt_items.c.company == company, attempt_items.c.attempt_id == attempt_id)
    return items.c.item_id.in_(of_attempt)


def _count(conn: Connection, company: str, action: Action, as_of: date, at: datetime) -> None:
    is_contact = action.kind is ActionKind.NOTICE or action.task is TaskKind.CALL
    if action.kind is ActionKind.TASK:
        made = [{"of_company": company, "of_item": e.item.id, "task": task_key(e.level_key, e.cycle, e.repeat)} for e in action.items]
        execute_many(conn, _REMEMBER_TASK, made)
    if is_contact:
        raised = [_level(company, e.item.id, e.level_key, e.level_days, e.repeat, as_of) for e in action.items]
        execute_many(conn, _RAISE_LEVEL, raised)
        note_contact(conn, company, action.customer.id, as_of, f"{action.channel.value if action.channel else 'contact'} {action.level!r}")
    if action.kind is ActionKind.NOTICE:
        conn.execute(_USE_APPROVALS, {"of_company": company, "keys": [claim_key(action, entry) for entry in action.items]})
        conn.execute(_FIRST_SENT, {"of_company": company, "at": at})


def _level(company: str, item: str, key: str, days: int, repeat: int, as_of: date) -> dict[str, Any]:
    return {"of_company": company, "of_item": item, "key": key, "days": days, "on": as_of, "sends": repeat + 1}
