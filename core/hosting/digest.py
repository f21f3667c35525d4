"""A company's digest: what was done for it, what came in, and what waits for its own people. In the company's language, by its own mail."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ..dunning.facts import Action, ActionKind, Plan, SkipReason
from ..history.alerts import Alert, standing_alerts
from ..history.credits import CreditFor
from ..history.database import reading
from ..history.doings import Deeds, charges_made, credits_made, paid_between, payments_recorded, sent_by_level
from ..history.expected import active_promises
from ..history.hosting import states_of
from ..history.read import customers_by_id, invoices_called
from ..history.work import WorkItem, waiting_approvals, waiting_work
from ..money import Money
from ..notices.display import clean, format_date, joined, money_text
from ..policy.digest_schema import Digest, Every
from ..policy.schedule_schema import Weekday
from ..policy.schema import Policy
from ..worker.desk import Desk
from ..worker.discounting import Discounting
from ..worker.planning import plan_of
from .jobs import Trouble
from .letters import Letter, rendered

MOST = 15
"""Lines of one kind; the rest is counted."""
PROMISES_WITHIN = timedelta(days=7)
_MOST_REASONS = 6
_WITH_DETAIL = ("policy", "guard", "trouble")
_COMMANDS: Mapping[str, str] = {
    "policy": "check",
    "guard": "plan",
    "connection_ended": "connect",
    "connection_ends": "connect",
    **dict.fromkeys(("trouble", "unknown", "approvals", "work_grows", "work_old"), "status"),
}
_DAYS = {day: number for number, day in enumerate(Weekday)}
_NOT_TOLD = frozenset({SkipReason.NOT_DUE_YET})


@dataclass(frozen=True, slots=True)
class Period:
    """From one digest to the next: instants, and the whole days on the company's calendar that they stand for."""

    since: datetime
    until: datetime
    zone: str

    @property
    def first(self) -> date:
        """The day of the digest before."""
        return self.since.astimezone(ZoneInfo(self.zone)).date()

    @property
    def last(self) -> date:
        """The day before this digest."""
        return max(self.until.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1), self.first)


def last_slot(digest: Digest, zone: str, now: datetime) -> datetime:
    """The last instant, by now, at which the digest was to be sent."""
    here = now.astimezone(ZoneInfo(zone))
    slot = here.replace(hour=digest.at.hour, minute=digest.at.minute, second=0, microsecond=0)
    if digest.every is Every.WEEKLY:
        slot -= timedelta(days=(here.weekday() - _DAYS[digest.day or Weekday.MON]) % 7)
    if slot > here:
        slot -= timedelta(days=7 if digest.every is Every.WEEKLY else 1)
    return slot.astimezone(now.tzinfo)


def digest_letter(desk: Desk, digest: Digest, period: Period) -> Letter:
    """The digest of a period. What waits and what is left alone is as of now."""
    values = digest_values(desk, digest, period)
    language = desk.policy.company.locale[:2].lower()
    name = f"digest {desk.company} {period.until.isoformat()}"
    return Letter(rendered("digest", language, values), desk.policy.mail.sender, name, f"digest {desk.company}", language)


def digest_values(desk: Desk, digest: Digest, period: Period) -> dict[str, Any]:
    """What the digest says, as it is shown."""
    today, words = desk.today(), _Words(desk.policy)
    discounting = Discounting(desk, today)
    discounting.judge()
    made = plan_of(desk, today, everything=True, held=discounting.held())
    with reading(desk.engine) as conn:
        trouble, work, asked = _trouble(conn, desk.company), waiting_work(conn, desk.company), waiting_approvals(conn, desk.company)
        sent = sent_by_level(conn, desk.company, period.since, period.until)
        paid = paid_between(conn, desk.company, period.first, period.last)
        money = list(_money(conn, desk.company, period))
        promises = list(_promises(conn, desk.company, today, words))
        names = customers_by_id(conn, desk.company, sorted({item.customer_id for item in work if item.customer_id}))
    waiting = [_asked(action, desk.company, words) for action in made.actions if action.key in asked]
    return {
        "company": clean(desk.policy.company.name),
        "is_weekly": digest.every is Every.WEEKLY,
        "first": words.day(period.first),
        "last": words.day(period.last),
        "trouble": trouble,
        "sent": [SimpleNamespace(level=level, count=deeds.count, sums=words.sums(deeds.sums)) for level, deeds in sent.items()],
        "all_sent": sum(deeds.count for deeds in sent.values()),
        "paid": SimpleNamespace(count=paid.count, sums=words.sums(paid.sums)) if paid.count else None,
        "money": [SimpleNamespace(what=what, count=deeds.count, sums=words.sums(deeds.sums)) for what, deeds in money],
        **_listed("promises", promises),
        "waiting": waiting[:MOST],
        "more_waiting": len(asked) - len(waiting[:MOST]),
        "all_waiting": f"puntual status {desk.company}",
        "all_work": len(work),
        **_listed("work", [_work(item, names, desk.company, words) for item in work]),
        "left": _left(made),
        "needs": len(asked) + len(work) + len(trouble),
    }


class _Words:
    """How values are shown to the company's own people."""

    def __init__(self, policy: Policy) -> None:
        self._locale = policy.company.locale

    def day(self, on: date) -> str:
        """A day."""
        return format_date(on, self._locale)

    def sums(self, amounts: Sequence[Money]) -> str:
        """One amount a currency: never added up."""
        return joined([money_text(amount, self._locale) for amount in amounts], self._locale)


def _listed(name: str, lines: list[SimpleNamespace]) -> dict[str, Any]:
    return {name: lines[:MOST], f"more_{name}": max(len(lines) - MOST, 0)}


def _trouble(conn: Connection, company: str) -> list[SimpleNamespace]:
    """What is in the way: the alerts of the company, in words of its language; the error's own words where a person has to act."""
    row = states_of(conn, [company]).get(company)
    error, detail = (row.trouble_error, row.trouble_text) if row else ("", "")
    return [_said(alert, error, (detail.splitlines() or [""])[0], company) for alert in standing_alerts(conn, company)]


def _said(alert: Alert, error: str, detail: str, company: str) -> SimpleNamespace:
    will_pass = alert.key == f"trouble:{Trouble.LATER.value}"
    command = _COMMANDS.get(alert.kind, "") if not will_pass else ""
    return SimpleNamespace(
        kind=alert.kind,
        error=error if alert.kind == "trouble" else "",
        will_pass=will_pass,
        detail=clean(detail) if alert.kind in _WITH_DETAIL and not will_pass else "",
        command=f"puntual {command} {company}" if command else "",
    )


def _money(conn: Connection, company: str, period: Period) -> Iterator[tuple[str, Deeds]]:
    found = {
        "charges": charges_made(conn, company, period.first, period.last),
        "reversals": credits_made(conn, company, CreditFor.REVERSAL, period.since, period.until),
        "discounts": credits_made(conn, company, CreditFor.DISCOUNT, period.since, period.until),
        "payments": payments_recorded(conn, company, period.since, period.until),
    }
    yield from ((what, deeds) for what, deeds in found.items() if deeds.count)


def _promises(conn: Connection, company: str, today: date, words: _Words) -> Iterator[SimpleNamespace]:
    promised = [(hold.until, hold) for hold in active_promises(conn, company) if hold.until and hold.until <= today + PROMISES_WITHIN]
    customers = customers_by_id(conn, company, sorted({hold.customer_id for _, hold in promised}))
    invoices = invoices_called(conn, company, [hold.invoice_id for _, hold in promised if hold.invoice_id])
    for day, hold in sorted(promised, key=lambda pair: (pair[0], pair[1].id)):
        name = customers[hold.customer_id].name if hold.customer_id in customers else hold.customer_id
        number = invoices[hold.invoice_id].number if hold.invoice_id in invoices else ""
        yield SimpleNamespace(customer=clean(name), number=clean(number), day=words.day(day), is_past=day < today)


def _asked(action: Action, company: str, words: _Words) -> SimpleNamespace:
    return SimpleNamespace(
        customer=clean(action.customer.name),
        level=action.level if action.kind is ActionKind.NOTICE else "",
        sums=words.sums(action.totals),
        command=f"puntual approve {company} {action.key[:8]}",
    )


def _work(item: WorkItem, names: Mapping[str, Any], company: str, words: _Words) -> SimpleNamespace:
    return SimpleNamespace(
        kind=item.kind.partition("_")[0] if item.kind.startswith("payment") else item.kind,
        summary=clean(item.summary),
        customer=clean(names[item.customer_id].name) if item.customer_id in names else "",
        due_on=words.day(item.due_on),
        command=f"puntual resolve {company} {item.id} sent | not-sent" if item.kind == "unknown" else f"puntual done {company} {item.id}",
    )


def _left(made: Plan) -> list[SimpleNamespace]:
    reasons: Iterable[SkipReason] = (one.reason for one in made.skipped if one.reason not in _NOT_TOLD)
    counted = sorted(Counter(reasons).items(), key=lambda pair: (-pair[1], pair[0].value))
    return [SimpleNamespace(reason=reason.value, count=count) for reason, count in counted[:_MOST_REASONS]]
