"""A look at everybody: what the history and the policies say of how the companies and the host do. A few queries for each 900 companies."""

from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from ..history.database import reading
from ..history.duties import done_for, workers_seen
from ..history.health import QuotaUse, numbers_of, quota_uses
from ..history.hosting import states_of
from ..worker.clock import SystemClock
from .jobs import CompanyState, Timetable
from .roster import Roster
from .watching import FAILED_WITHIN, SLOTS_MISSED, CompanyHealth, Expected, HostHealth
from .work import state_of

LOOK = "look"
"""The duty of looking at everybody."""
AWAKE = "awake"
"""Since when somebody has looked all the time."""
_TICK = timedelta(microseconds=1)
_GRACE = timedelta(hours=1)
"""So long after its slot a run may still be waiting for its turn, or at work."""


def survey(roster: Roster) -> HostHealth:
    """How everybody does. Companies that no worker has seen yet are left out."""
    now, companies = roster.clock.now(), roster.companies()
    with reading(roster.engine) as conn:
        states = {company: state_of(row) for company, row in states_of(conn, companies).items()}
        numbers = numbers_of(conn, companies, now, now - FAILED_WITHIN)
        quotas = _by_company(quota_uses(conn, now))
        workers = tuple(sorted(workers_seen(conn).items()))
        looked_at, awake_since = done_for(conn, LOOK).get(""), done_for(conn, AWAKE).get("")
        skew = clock_skew(conn)
    healths = [
        CompanyHealth(state, numbers[company], expected_of(roster, state, now), tuple(quotas[company]))
        for company, state in sorted(states.items())
    ]
    return HostHealth(now, tuple(healths), looked_at, awake_since, workers, skew, tuple(quotas[""]))


def expected_of(roster: Roster, state: CompanyState, now: datetime) -> Expected | None:
    """What the company's policy lets expect, as far as it is known."""
    known = roster.glance(state.company)
    if known is None:
        return None
    policy, table = known
    ran = state.ran_ok_at or state.seen_at
    slot = _slot_before(table, now) if now - ran > timedelta(days=1) else None
    return Expected(policy.mode, policy.ledger.type, table.every, now.astimezone(ZoneInfo(policy.company.time_zone)).date(), slot)


def _slot_before(table: Timetable, now: datetime) -> datetime | None:
    """The first of the last SLOTS_MISSED instants at which a run was due and should be over by now."""
    before: datetime | None = now - table.offset - _GRACE
    for _ in range(SLOTS_MISSED):
        before = table.last_run_slot(before - _TICK) if before is not None else None
    return before


def clock_skew(conn: Connection) -> timedelta | None:
    """How far the database's clock is ahead of this machine's; None for SQLite, which has none of its own."""
    if conn.dialect.name != "postgresql":
        return None
    before = SystemClock().now()
    there: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
    return there - before - (SystemClock().now() - before) / 2


def _by_company(uses: list[QuotaUse]) -> defaultdict[str, list[QuotaUse]]:
    found: defaultdict[str, list[QuotaUse]] = defaultdict(list)
    for use in uses:
        found[use.company].append(use)
    return found
