"""What the operator reads: alerts grouped by what is the matter, never more lines than a person reads, and no customer's data."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from ..history.alerts import Alert, EndedAlert, Severity
from ..policy.host_schema import Operator
from .letters import Letter, rendered

MOST = 20
"""Companies with the same trouble that are named; the others are counted."""
TITLES = {
    "worker_silent": "Workers that are gone",
    "clock": "Clocks apart",
    "behind": "Too much work for the workers",
    "policy": "Policy files that are wrong",
    "silent": "Companies without a run",
    "unsent": "Due and not sent",
    "stale": "Books not read",
    "guard": "Stopped by the guard",
    "trouble": "Trouble that stands",
    "connection_ended": "Connections that have ended",
    "mail_fails": "Mail that cannot be sent",
    "connection_ends": "Connections that end soon",
    "quota": "Calls nearly used up",
    "unknown": "Mails of unknown end",
    "approvals": "Waiting for a yes",
    "work_grows": "Work lists that grow",
    "work_old": "Work lists that grow old",
    "notes_wait": "Notes that the books do not take",
}
"""What is the matter, in the order in which it is told."""
_ORDER = {kind: number for number, kind in enumerate(TITLES)}


def urgent_letter(told: Sequence[Alert], at: datetime, operator: Operator) -> Letter:
    """The mail about what cannot wait."""
    intro = "This was seen just now and cannot wait. Everything else is in the daily digest."
    values = {"urgent": len(told), "standing": len(told), "ended": [], "more_ended": 0}
    name = "urgent " + hashlib.sha256("\n".join(f"{one.company} {one.key} {one.since.isoformat()}" for one in told).encode()).hexdigest()
    return _letter(values, told, intro, at, name, operator)


def digest_letter(standing: Sequence[Alert], ended: Sequence[EndedAlert], companies: int, at: datetime, operator: Operator) -> Letter:
    """The daily digest: everything that stands, and what is over since the last one."""
    touched = len({one.company for one in standing if one.company})
    intro = f"{companies} {'company is' if companies == 1 else 'companies are'} served here. "
    intro += f"Something is the matter with {touched} of them." if touched else "Nothing is the matter with any of them."
    zone = ZoneInfo(operator.time_zone)
    over = [SimpleNamespace(text=_text(one.alert), since=_span(one, zone)) for one in ended[:MOST]]
    values = {"urgent": 0, "standing": len(standing), "ended": over, "more_ended": max(len(ended) - MOST, 0)}
    return _letter(values, standing, intro, at, f"digest {at.astimezone(UTC).isoformat()}", operator)


def _letter(values: dict[str, Any], told: Iterable[Alert], intro: str, at: datetime, name: str, operator: Operator) -> Letter:
    zone = ZoneInfo(operator.time_zone)
    values |= {"intro": intro, "groups": _groups(told, zone), "at": _shown(at, zone)}
    return Letter(rendered("alerts", "en", values), operator.mail.sender, name, "operator")


def _groups(told: Iterable[Alert], zone: ZoneInfo) -> list[SimpleNamespace]:
    ordered = sorted(told, key=lambda one: (one.severity is not Severity.URGENT, _ORDER.get(one.kind, len(_ORDER)), one.kind, one.company))
    return [_group(kind, list(same), zone) for kind, same in groupby(ordered, key=lambda one: one.kind)]


def _group(kind: str, same: list[Alert], zone: ZoneInfo) -> SimpleNamespace:
    return SimpleNamespace(
        title=TITLES.get(kind, kind),
        is_urgent=same[0].severity is Severity.URGENT,
        entries=[SimpleNamespace(text=_text(one), hint=one.hint, since=f"since {_shown(one.since, zone)}") for one in same[:MOST]],
        more=max(len(same) - MOST, 0),
    )


def _text(alert: Alert) -> str:
    return f"{alert.company}: {alert.text}" if alert.company else alert.text


def _span(ended: EndedAlert, zone: ZoneInfo) -> str:
    return f"from {_shown(ended.alert.since, zone)} to {_shown(ended.ended_at, zone)}"


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
