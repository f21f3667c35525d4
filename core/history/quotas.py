"""The meter: how many calls to a ledger were made in a day or month of UTC, by all processes. One statement counts and refuses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from ..access import Purpose, Quota, QuotaPeriod
from ..errors import QuotaUsedUp
from .database import writing
from .tables import call_counts


class Meter:
    """The CallMeter of one company, durable and shared by all processes. `now` is the machine's clock."""

    def __init__(self, engine: Engine, company: str, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._company = company
        self._now = now

    def spend(self, quota: Quota, purpose: Purpose) -> None:
        """Count one call that is about to be made. Raises QuotaUsedUp instead when none is left for this purpose."""
        with writing(self._engine) as conn:
            counted = count_call(conn, self._company, quota, purpose, self._now())
            used = 0 if counted else calls_made(conn, self._company, quota, self._now())
        if not counted:
            raise _used_up(quota, used, self._now())

    def note_remaining(self, quota: Quota, remaining: int) -> None:
        """The service says how many calls are left; it is believed when that is fewer than counted here."""
        with writing(self._engine) as conn:
            raise_count(conn, self._company, quota, quota.limit - max(0, remaining), self._now())


def count_call(conn: Connection, company: str, quota: Quota, purpose: Purpose, at: datetime) -> bool:
    """Count one call, unless that would be more than is allowed for this purpose. Returns whether it was counted."""
    allowed = quota.limit - quota.reserve if purpose is Purpose.READING else quota.limit
    if allowed < 1:
        return False
    row = _window_row(company, quota, at) | {"calls": 1, "most": quota.limit}
    more = {"calls": call_counts.c.calls + 1, "most": quota.limit}
    statement = _insert(conn.dialect).values(row).on_conflict_do_update(set_=more, where=call_counts.c.calls < allowed, **_KEY)
    calls = conn.execute(statement.returning(call_counts.c.calls)).scalar_one_or_none()
    if calls == 1:
        _drop_older(conn, company, quota, at)
    return calls is not None


def raise_count(conn: Connection, company: str, quota: Quota, used: int, at: datetime) -> None:
    """At least so many calls were made in this window."""
    known = {"calls": used, "most": quota.limit}
    row = _window_row(company, quota, at) | known
    statement = _insert(conn.dialect).values(row).on_conflict_do_update(set_=known, where=call_counts.c.calls < used, **_KEY)
    conn.execute(statement)
    _drop_older(conn, company, quota, at)


def calls_made(conn: Connection, company: str, quota: Quota, at: datetime) -> int:
    """How many calls count in this window."""
    c, row = call_counts.c, _window_row(company, quota, at)
    this = (c.company == row["company"], c.quota == row["quota"], c.window == row["window"])
    return int(conn.execute(select(c.calls).where(*this)).scalar_one_or_none() or 0)


def _drop_older(conn: Connection, company: str, quota: Quota, at: datetime) -> None:
    c, row = call_counts.c, _window_row(company, quota, at)
    conn.execute(delete(call_counts).where(c.company == row["company"], c.quota == row["quota"], c.window < row["window"]))


_KEY: dict[str, Any] = {"index_elements": ["company", "quota", "window"]}


def _insert(dialect: Dialect) -> Any:
    return postgresql.insert(call_counts) if dialect.name == "postgresql" else sqlite.insert(call_counts)


def _window_row(company: str, quota: Quota, at: datetime) -> dict[str, Any]:
    """Where these calls count: with the company, or with the app when its companies share the quota."""
    window = at.astimezone(UTC).date().isoformat()[: 10 if quota.period is QuotaPeriod.DAY else 7]
    if quota.shared_by:
        return {"company": "", "quota": f"{quota.name}: {quota.shared_by}", "window": window}
    return {"company": company, "quota": quota.name, "window": window}


def window_end(period: QuotaPeriod, at: datetime) -> datetime:
    """The instant at which calls count anew."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period is QuotaPeriod.DAY:
        return midnight + timedelta(days=1)
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


def _used_up(quota: Quota, used: int, at: datetime) -> QuotaUsedUp:
    end = window_end(quota.period, at)
    rest = quota.limit - used
    kept = f"; the other {rest} are kept for the last look before sending and for notes" if rest > 0 else ""
    return QuotaUsedUp(
        f"{used} of the {quota.limit} {quota.name} are used{kept}.",
        hint=f"There are new ones from {end:%Y-%m-%d %H:%M} UTC",
        retry_after=-(-(end - at) // timedelta(seconds=1)),
    )
