"""Alerts: what is the matter, since when, whether somebody was told, and when it ended. Each is kept once, however often it is seen."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from .database import OF_COMPANY, upsert
from .hosting_tables import alerts as table

_COMPANY, _KEY = table.c.company == OF_COMPANY, table.c.alert_key == bindparam("of_key")
_SAY = update(table).where(_COMPANY, _KEY).values(severity=bindparam("how"), text=bindparam("said"), hint=bindparam("do"))
_COLUMNS = tuple(table.c[name] for name in ("company", "alert_key", "severity", "text", "hint", "since"))


class Severity(StrEnum):
    """When somebody is told: at once, or with the next digest."""

    URGENT = "urgent"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something is the matter with a company (empty: with the host) since an instant. `key` is the same as long as it is the same matter;
    `text` says what it is, `hint` who must do what."""

    company: str
    key: str
    severity: Severity
    text: str
    hint: str
    since: datetime

    @property
    def kind(self) -> str:
        """What kind of matter it is: the key without what tells several apart."""
        return self.key.partition(":")[0]


@dataclass(frozen=True, slots=True)
class EndedAlert:
    """What was the matter, until an instant."""

    alert: Alert
    ended_at: datetime


def keep_alerts(conn: Connection, found: Iterable[Alert], at: datetime) -> tuple[int, int]:
    """These are all that stand now: what is new begins, what is known goes on, everything else has ended. Returns how many began, and how
    many ended. Not for two processes at a time."""
    standing = {(one.company, one.key): one for one in found}
    open_, resting = _known(conn, table.c.ended_at.is_(None)), _known(conn, table.c.ended_at.is_not(None), table.c.end_told_at.is_(None))
    again = [one for key, one in standing.items() if key in resting]
    new = [one for key, one in standing.items() if key not in open_ and key not in resting]
    over = [key for key in open_ if key not in standing]
    changed = [one for key, one in standing.items() if key in open_ and _words(one) != _words(open_[key])]
    fixed = {"told_at": None, "ended_at": None, "end_told_at": None}
    if new:
        conn.execute(upsert(conn.dialect, table), [{**_row(one), **fixed} for one in new])
    _change(conn, [(one.company, one.key) for one in again], ended_at=None)
    _change(conn, over, ended_at=at)
    if changed or again:
        conn.execute(_SAY, [_said(one) for one in (*changed, *again)])
    return len(new) + len(again), len(over)


def standing_alerts(conn: Connection, company: str | None = None) -> list[Alert]:
    """What is the matter now, of one company or of all, the oldest first."""
    where = [table.c.ended_at.is_(None), *([table.c.company == company] if company is not None else [])]
    return sorted(_known(conn, *where).values(), key=lambda one: (one.since, one.company, one.key))


def urgent_untold(conn: Connection) -> list[Alert]:
    """What cannot wait, stands, and nobody was told of."""
    return _sorted(_known(conn, table.c.ended_at.is_(None), table.c.told_at.is_(None), table.c.severity == Severity.URGENT.value))


def ended_between(conn: Connection, since: datetime, until: datetime) -> list[EndedAlert]:
    """What ended from `since` on and before `until`."""
    query = select(*_COLUMNS, table.c.ended_at).where(table.c.ended_at >= since, table.c.ended_at < until)
    return [EndedAlert(_alert(row), row.ended_at) for row in conn.execute(query.order_by(table.c.ended_at, table.c.company))]


def note_told(conn: Connection, told: Collection[Alert], at: datetime) -> None:
    """Somebody was told that these stand."""
    _change(conn, [(one.company, one.key) for one in told], told_at=at)


def note_end_told(conn: Connection, told: Collection[Alert], at: datetime) -> None:
    """Somebody was told that these ended; what began again meanwhile stands as before."""
    keys = [(one.company, one.key) for one in told]
    _change(conn, keys, table.c.ended_at.is_not(None), end_told_at=at)


def forget_ended(conn: Connection, before: datetime) -> None:
    """What ended before that, whether or not somebody was told, is kept no longer."""
    conn.execute(delete(table).where(table.c.ended_at < before))


def _known(conn: Connection, *where: ColumnElement[bool]) -> dict[tuple[str, str], Alert]:
    return {(row.company, row.alert_key): _alert(row) for row in conn.execute(select(*_COLUMNS).where(*where))}


def _alert(row: Any) -> Alert:
    return Alert(row.company, row.alert_key, Severity(row.severity), row.text, row.hint, row.since)


def _sorted(found: dict[tuple[str, str], Alert]) -> list[Alert]:
    return sorted(found.values(), key=lambda one: (one.kind, one.company, one.since))


def _row(one: Alert) -> dict[str, Any]:
    return {"company": one.company, "alert_key": one.key, "since": one.since, **_words(one)}


def _words(one: Alert) -> dict[str, str]:
    return {"severity": one.severity.value, "text": one.text, "hint": one.hint}


def _said(one: Alert) -> dict[str, str]:
    return {"of_company": one.company, "of_key": one.key, "how": one.severity.value, "said": one.text, "do": one.hint}


def _change(conn: Connection, keys: Iterable[tuple[str, str]], *also: ColumnElement[bool], **values: datetime | None) -> None:
    rows = [{"of_company": company, "of_key": key} for company, key in keys]
    if rows:
        conn.execute(update(table).where(_COMPANY, _KEY, *also).values(**values), rows)
