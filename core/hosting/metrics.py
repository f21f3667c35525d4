"""Numbers for Prometheus. What happens in this process is counted here; how companies do is read from the database when somebody asks.

A registry of our own: nothing but what is said in docs/alerts.md gets out. All numbers are whole: seconds, counts, units of a currency.
"""

from collections import Counter as Counted
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError

from ..errors import PuntualError
from ..history.alerts import Severity, standing_alerts
from ..history.database import reading
from ..history.health import OpenBooks, QuotaUse, open_books, quota_uses
from ..money import minor_units
from ..worker.run import RunReport
from ..worker.sync import SyncReport
from .jobs import JobKind
from .roster import Roster
from .surveying import survey
from .watching import QUOTA_PERCENT, CompanyHealth, HostHealth
from .work import Ended

FRESH = timedelta(minutes=1)
"""How companies do is not read again before."""
BOOKS_FRESH = timedelta(hours=1)
"""What is open in the books costs a look at every open item."""
_SECONDS = (1, 5, 15, 60, 180, 600, 1800)
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class Metrics:
    """The numbers of one process. Give `heard` to Working, and `render` to whoever asks. May be used from several threads."""

    def __init__(self, roster: Roster, depth: Callable[[], int] = lambda: 0) -> None:
        """`depth` says how many jobs wait in the queue."""
        self._registry = ours = CollectorRegistry()
        self._jobs = Counter(
            "puntual_jobs", "Jobs that were due, by kind and ending (well, or the trouble)", ["kind", "ending"], registry=ours
        )
        self._seconds = Histogram("puntual_job_seconds", "How long jobs took", ["kind"], buckets=_SECONDS, registry=ours)
        self._documents = Counter("puntual_documents_read", "Documents read from the books", registry=ours)
        self._mails = Counter("puntual_mails", "Notices to customers, by ending", ["ending"], registry=ours)
        self._dropped = Counter("puntual_items_dropped", "Items that fell out at the last look before sending", registry=ours)
        self._charges = Counter("puntual_charges", "Late charges, by what became of them", ["ending"], registry=ours)
        self._credits = Counter("puntual_credits", "Credits, by what became of them", ["ending"], registry=ours)
        self._payments = Counter("puntual_payments", "Payments of pay pages, by what became of them", ["ending"], registry=ours)
        self._written = Counter("puntual_write_backs", "Notes and tasks left in the books, and those refused", ["ending"], registry=ours)
        for kind in JobKind:
            self._jobs.labels(kind.value, "well")
            self._seconds.labels(kind.value)
        ProcessCollector(registry=ours)
        ours.register(_Companies(roster, depth))

    def render(self) -> bytes:
        """Everything, in the text format that Prometheus reads."""
        return generate_latest(self._registry)

    def heard(self, ended: Ended) -> None:
        """A job ended."""
        kind = ended.job.kind.value
        self._jobs.labels(kind, ended.trouble or "well").inc()
        self._seconds.labels(kind).observe(ended.seconds)
        if isinstance(ended.report, RunReport):
            self._ran(ended.report)
        elif isinstance(ended.report, SyncReport):
            self._documents.inc(ended.report.documents)

    def _ran(self, report: RunReport) -> None:
        self._documents.inc(report.synced.documents)
        self._dropped.inc(len(report.acted.dropped))
        for status, number in report.acted.endings.items():
            self._mails.labels(status.value).inc(number)
        for counter, begins, counts in (
            (self._charges, "charges_", report.charged.counts()),
            (self._credits, "credits_", report.credited.counts()),
            (self._payments, "payments_", report.begun.received.counts()),
        ):
            for name, number in counts.items():
                counter.labels(name.removeprefix(begins)).inc(number)
        written = {"notes": report.written.notes, "tasks": report.written.tasks, "refused": report.written.refused}
        for name, number in written.items():
            self._written.labels(name).inc(number)


class _Companies(Collector):
    """How companies do, read when asked for, and not again within a minute."""

    def __init__(self, roster: Roster, depth: Callable[[], int]) -> None:
        self._roster = roster
        self._depth = depth
        self._lock = Lock()
        self._read_at = self._books_at = _NEVER
        self._known: list[Metric] = []
        self._books: list[OpenBooks] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing is read before somebody asks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """What was read last, when the database cannot be read now; `puntual_read_timestamp_seconds` says when that was."""
        with self._lock:
            now = self._roster.clock.now()
            if not timedelta(0) <= now - self._read_at < FRESH:
                self._look(now)
            yield from self._known
            yield _gauge("puntual_read_timestamp_seconds", "When how companies do was read last", [((), _instant(self._read_at))])
        yield from _queue(self._depth)

    def _look(self, now: datetime) -> None:
        try:
            health = survey(self._roster)
            with reading(self._roster.engine) as conn:
                alerts = Counted((one.severity, one.kind) for one in standing_alerts(conn))
                quotas = quota_uses(conn, now)
                if not timedelta(0) <= now - self._books_at < BOOKS_FRESH:
                    self._books, self._books_at = open_books(conn, self._roster.companies(), now.date()), now
        except (PuntualError, DBAPIError):
            return
        self._known = [*_of_host(health, alerts, len(self._roster.companies())), *_of_companies(health), *_of_books(self._books)]
        self._known += _of_quotas(quotas)
        self._read_at = now


Values = Iterable[tuple[tuple[str, ...], int]]


def _gauge(name: str, meaning: str, values: Values, labels: tuple[str, ...] = ()) -> Metric:
    made = GaugeMetricFamily(name, meaning, labels=labels)
    for given, value in values:
        made.add_metric(given, value)
    return made


def _instant(at: datetime) -> int:
    return int(at.timestamp())


def _of_host(health: HostHealth, alerts: Counted[tuple[Severity, str]], companies: int) -> Iterator[Metric]:
    yield _gauge("puntual_companies", "Companies with a policy file", [((), companies)])
    yield _gauge("puntual_workers", "Workers that have not ended as they should, the silent ones among them", [((), len(health.workers))])
    standing = [((severity.value, kind), number) for (severity, kind), number in sorted(alerts.items())]
    yield _gauge("puntual_alerts", "What is the matter now, by severity and kind", standing, ("severity", "kind"))
    late = max((one.late_by(health.now) for one in health.companies), default=timedelta(0))
    said = "How long the company that waits longest waits for its turn"
    yield _gauge("puntual_latest_company_seconds", said, [((), int(late.total_seconds()))])


def _of_companies(health: HostHealth) -> Iterator[Metric]:
    by_name: tuple[tuple[str, str, Callable[[CompanyHealth], int | None]], ...] = (
        ("last_sync_timestamp_seconds", "When its books were read well last", lambda c: _perhaps(c.state.synced_ok_at)),
        ("last_run_timestamp_seconds", "When a run ended well last", lambda c: _perhaps(c.state.ran_ok_at)),
        ("failures", "Jobs in a row that ended badly", lambda c: c.state.failures),
        ("open_work", "Entries on its work list", lambda c: c.numbers.work.now),
        ("unknown_mails", "Mails of which nobody knows whether they were sent", lambda c: c.numbers.unknown.count),
        ("waiting_approvals", "Actions that wait for a person's yes", lambda c: c.numbers.approvals.count),
        ("unsent_items", "Items that good runs passed over without a reason", lambda c: c.numbers.unsent.count),
    )
    for name, meaning, value in by_name:
        known = [((one.company,), number) for one in health.companies if (number := value(one)) is not None]
        yield _gauge(f"puntual_company_{name}", meaning, known, ("company",))
    troubled = [((one.company, one.state.trouble), 1) for one in health.companies if one.state.trouble]
    yield _gauge("puntual_company_trouble", "1 while a trouble stands", troubled, ("company", "trouble"))


def _perhaps(at: datetime | None) -> int | None:
    return _instant(at) if at is not None else None


def _of_books(books: Iterable[OpenBooks]) -> Iterator[Metric]:
    items, overdue, amounts = Counted[str](), Counted[str](), Counted[str]()
    for one in books:
        items[one.company] += one.items
        overdue[one.company] += one.overdue
        amounts[one.currency] += one.overdue_minor
    yield _gauge("puntual_company_open_items", "Open items", _labelled(items), ("company",))
    yield _gauge("puntual_company_overdue_items", "Overdue items", _labelled(overdue), ("company",))
    whole = Counted({currency: minor // 10 ** minor_units(currency) for currency, minor in amounts.items()})
    yield _gauge("puntual_overdue_amount", "Overdue over all companies, in whole units of the currency", _labelled(whole), ("currency",))


def _of_quotas(quotas: Iterable[QuotaUse]) -> Iterator[Metric]:
    calls, near = Counted[str](), Counted[str]()
    for one in quotas:
        calls[one.name] += one.calls
        near[one.name] += one.percent >= QUOTA_PERCENT
    yield _gauge("puntual_ledger_calls", "Calls to ledgers in the day or month under way, by quota", _labelled(calls), ("quota",))
    yield _gauge("puntual_quotas_nearly_used", f"Quotas of which {QUOTA_PERCENT} % or more are used", _labelled(near), ("quota",))


def _queue(depth: Callable[[], int]) -> Iterator[Metric]:
    try:
        yield _gauge("puntual_queue_depth", "Jobs that wait for hands", [((), depth())])
    except PuntualError:
        return


def _labelled(counted: Counted[str]) -> Values:
    return [((name,), number) for name, number in sorted(counted.items())]
