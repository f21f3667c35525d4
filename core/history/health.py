"""How companies do, in numbers, for many of them at once: a few queries for every portion of companies, and none for a single one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from ..access import QuotaPeriod
from .attempts import AttemptStatus
from .authorizations import Access, AccessState
from .hosting_tables import unsent_items
from .quotas import window_end
from .rows import OPEN
from .tables import approvals, attempts, authorizations, call_counts, items, work_list, write_backs

PORTION = 900
"""Companies in one query: fewer than the 999 parameters that an older SQLite allows."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many things wait, the oldest since then."""

    count: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class WaitingDays:
    """So many things wait, the oldest since that day."""

    count: int = 0
    since: date | None = None


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is on the work list now and was on it a week ago, and the day on which the oldest of it was due."""

    now: int = 0
    a_week_ago: int = 0
    oldest_due_on: date | None = None


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """Calls that count in the window under way. `company` is empty where its app shares them, `most` is 0 where nobody knows the limit."""

    company: str
    quota: str
    calls: int
    most: int
    ends_at: datetime

    @property
    def name(self) -> str:
        """What is counted, without whose app it is."""
        return self.quota.partition(": ")[0]

    @property
    def percent(self) -> int:
        """How much of it is used, rounded down."""
        return self.calls * 100 // self.most if self.most else 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the history says of a company's health."""

    connection: Access | None = None
    unknown: Waiting = Waiting()
    failed_mails: Waiting = Waiting()
    approvals: Waiting = Waiting()
    unsent: Waiting = Waiting()
    notes: WaitingDays = WaitingDays()
    work: OpenWork = OpenWork()


@dataclass(frozen=True, slots=True)
class OpenBooks:
    """How many items of a company are open in a currency, how many of them overdue, and what is overdue in whole minor units."""

    company: str
    currency: str
    items: int
    overdue: int
    overdue_minor: int


def numbers_of(conn: Connection, companies: Sequence[str], now: datetime, failed_since: datetime) -> dict[str, Numbers]:
    """The numbers of these companies; mails that failed count from `failed_since` on."""
    found: dict[str, Numbers] = {}
    for portion in portions(companies):
        parts: dict[str, Mapping[str, Any]] = {
            "connection": _connections(conn, portion),
            "unknown": _waiting(conn, _attempts(portion, AttemptStatus.UNKNOWN)),
            "failed_mails": _waiting(conn, _attempts(portion, AttemptStatus.FAILED).where(attempts.c.settled_at >= failed_since)),
            "approvals": _waiting(conn, _approvals(portion)),
            "unsent": _waiting(conn, _unsent(portion)),
            "notes": _notes(conn, portion),
            "work": _work(conn, portion, now - timedelta(days=7)),
        }
        for company in portion:
            mine = {name: known[company] for name, known in parts.items() if company in known}
            found[company] = Numbers(**mine)
    return found


def quota_uses(conn: Connection, now: datetime) -> list[QuotaUse]:
    """The quotas of the day and of the month under way, of all companies and apps."""
    day = now.astimezone(UTC).date().isoformat()
    ends = {day: window_end(QuotaPeriod.DAY, now), day[:7]: window_end(QuotaPeriod.MONTH, now)}
    c = call_counts.c
    rows = conn.execute(select(c.company, c.quota, c.window, c.calls, c.most).where(c.window.in_(ends)).order_by(c.company, c.quota))
    return [QuotaUse(row.company, row.quota, row.calls, row.most or 0, ends[row.window]) for row in rows]


def open_books(conn: Connection, companies: Sequence[str], today: date) -> list[OpenBooks]:
    """What is open and what is overdue, by company and currency. Reads every open item once: not for every minute."""
    c = items.c
    found: list[OpenBooks] = []
    overdue = case((c.due_date < today, 1), else_=0)
    query = select(c.company, c.currency, func.count(), func.sum(overdue), func.sum(overdue * c.outstanding_minor))
    for portion in portions(companies):
        rows = conn.execute(query.where(c.company.in_(portion), c.status == OPEN).group_by(c.company, c.currency))
        found += [OpenBooks(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in rows]
    return found


def overdue_steps(conn: Connection, companies: Sequence[str], before: date) -> dict[str, date]:
    """Of companies with items whose next step was due before a day: the first of those days. Why a step was not taken is not asked."""
    c = items.c
    found: dict[str, date] = {}
    query = select(c.company, func.min(c.next_action_on))
    for portion in portions(companies):
        found |= {row[0]: row[1] for row in conn.execute(_by(query, c.company, portion).where(c.next_action_on < before))}
    return found


def portions(companies: Iterable[str]) -> list[list[str]]:
    """The companies in portions for one query each."""
    every = sorted(set(companies))
    return [every[start : start + PORTION] for start in range(0, len(every), PORTION)]


def _by(query: Select[Any], column: Any, portion: Sequence[str]) -> Select[Any]:
    return query.where(column.in_(portion)).group_by(column)


def _waiting(conn: Connection, query: Select[Any]) -> Mapping[str, Waiting]:
    return {row[0]: Waiting(row[1], row[2]) for row in conn.execute(query)}


def _attempts(portion: Sequence[str], status: AttemptStatus) -> Select[Any]:
    c = attempts.c
    query = select(c.company, func.count(), func.min(func.coalesce(c.settled_at, c.claimed_at), type_=c.claimed_at.type))
    return _by(query, c.company, portion).where(c.status == status.value)


def _approvals(portion: Sequence[str]) -> Select[Any]:
    c = approvals.c
    query = select(c.company, func.count(c.action_key.distinct()), func.min(c.proposed_at))
    return _by(query, c.company, portion).where(c.approved_at.is_(None))


def _unsent(portion: Sequence[str]) -> Select[Any]:
    c = unsent_items.c
    return _by(select(c.company, func.count(), func.min(c.seen_at)), c.company, portion).where(c.runs > 0)


def _notes(conn: Connection, portion: Sequence[str]) -> dict[str, WaitingDays]:
    c = write_backs.c
    query = _by(select(c.company, func.count(), func.min(c.dated_on)), c.company, portion)
    return {row[0]: WaitingDays(row[1], row[2]) for row in conn.execute(query.where(c.is_written.is_(False), c.refused == ""))}


def _work(conn: Connection, portion: Sequence[str], week_ago: datetime) -> dict[str, OpenWork]:
    c = work_list.c
    is_open, was_open = c.done_at.is_(None), c.made_at < week_ago
    query = select(c.company, _number(is_open), _number(was_open), func.min(case((is_open, c.due_on))))
    rows = conn.execute(_by(query, c.company, portion).where(is_open | (c.done_at >= week_ago)))
    return {row[0]: OpenWork(int(row[1]), int(row[2]), row[3]) for row in rows}


def _number(that: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((that, 1), else_=0))


def _connections(conn: Connection, portion: Sequence[str]) -> dict[str, Access]:
    c = authorizations.c
    columns = (c.company, c.ledger, c.state, c.detail, c.tenant_id, c.tenant_name, c.changed_at, c.refresh_expires_at, c.ends_at)
    return {row.company: _access(row) for row in conn.execute(select(*columns).where(c.company.in_(portion)))}


def _access(row: Any) -> Access:
    return Access(row[0], row[1], AccessState(row[2]), *row[3:])
