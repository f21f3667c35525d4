"""What is the matter: from how companies and the host do to alerts, each with who must do what. Pure."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from .. import errors
from ..history.alerts import Alert, Severity
from ..history.authorizations import Access, AccessState
from ..history.health import Numbers, QuotaUse
from ..policy.schema import Mode
from .jobs import DEATHS, CompanyState, Trouble

SLOTS_MISSED = 2
"""A company is silent when so many runs were due, over a day or more, and none ended well."""
STALE_AFTER = timedelta(hours=6)
STALE_SYNCS = 6
"""Books are stale when they were not read for so long, and for so many times their usual distance."""
LATER_AFTER = timedelta(hours=6)
"""What should pass by itself is told when it has not passed after so long."""
CONNECTION_ENDS_WITHIN = timedelta(days=14)
UNKNOWN_AFTER = timedelta(hours=24)
APPROVALS_AFTER = timedelta(days=3)
WORK_GROWS_BY = 20
"""More entries on the work list than a week ago by so many."""
WORK_OVERDUE = timedelta(days=14)
NOTES_AFTER = timedelta(days=2)
FAILED_MAILS = 5
"""More mails that failed within a day than these are no accident."""
FAILED_WITHIN = timedelta(days=1)
QUOTA_PERCENT = 90
WORKER_SILENT_AFTER = timedelta(minutes=10)
CLOCKS_APART = timedelta(seconds=60)
AWAKE_WITHIN = timedelta(hours=1)
"""Looks that are further apart mean that the machines slept, or that no worker was there."""
CATCH_UP = timedelta(hours=1)
"""Who just woke up has so long to make up for what was missed before anybody is called quiet or late."""
BEHIND_AFTER = timedelta(hours=1)
BEHIND_PERCENT = 5
"""Companies that wait so long for their turn, in percent of all, are too much work for the workers there are."""
_LONGEST = 300
_NOT_SAID = ("BooksUnreadable", "OurBug", "UnexpectedResponse", "BrokenInvariant")
"""Errors whose detail may quote the books."""
_ADDRESS = re.compile(r"[^\s<>,;:]+@[^\s<>,;:]+")
_NOTHING = Numbers()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a company's policy lets expect. `slot` is the last but SLOTS_MISSED - 1 instant at which a run was due, None: none is expected;
    `today` is the day on its calendar."""

    mode: Mode
    ledger: str
    sync_every: timedelta
    today: date
    slot: datetime | None = None


@dataclass(frozen=True, slots=True)
class CompanyHealth:
    """How a company does. `expected` is None as long as its policy was never read."""

    state: CompanyState
    numbers: Numbers = _NOTHING
    expected: Expected | None = None
    quotas: tuple[QuotaUse, ...] = ()

    @property
    def company(self) -> str:
        """Which company."""
        return self.state.company

    def late_by(self, now: datetime) -> timedelta:
        """How long its books wait to be read after they should have been; nothing while it has to wait for something else."""
        every = self.expected.sync_every if self.expected else timedelta(days=1)
        done = max((at for at in (self.state.sync_done_for, self.state.run_done_for, self.state.complete_done_for) if at), default=None)
        if self.state.trouble or self.state.not_before is not None:
            return timedelta(0)
        return max(now - (done + every if done else self.state.seen_at), timedelta(0))


@dataclass(frozen=True, slots=True)
class HostHealth:
    """How a host does. `looked_at` is when somebody looked last before now, `awake_since` since when somebody has looked all the time;
    `workers` are those that did not end as they should, with when they were last alive; `clock_skew` is how far the database's clock is
    ahead of this machine's, None where it is the same clock; `shared` are quotas that an app's companies share."""

    now: datetime
    companies: tuple[CompanyHealth, ...]
    looked_at: datetime | None = None
    awake_since: datetime | None = None
    workers: tuple[tuple[str, datetime], ...] = ()
    clock_skew: timedelta | None = None
    shared: tuple[QuotaUse, ...] = ()

    @property
    def just_woke(self) -> bool:
        """Whether nobody looked for a while: the machines slept, or no worker was there."""
        return self.looked_at is None or self.now - self.looked_at > AWAKE_WITHIN

    @property
    def is_awake(self) -> bool:
        """Whether somebody has been at work for so long that what was missed is made up for."""
        return not self.just_woke and self.awake_since is not None and self.now - self.awake_since >= CATCH_UP


def alerts_of(host: HostHealth) -> tuple[Alert, ...]:
    """Everything that is the matter with the host and its companies."""
    of_companies = (company_alerts(company, host.now, is_awake=host.is_awake) for company in host.companies)
    return (*host_alerts(host), *(alert for found in of_companies for alert in found))


def company_alerts(health: CompanyHealth, now: datetime, *, is_awake: bool = True) -> tuple[Alert, ...]:
    """Everything that is the matter with one company; that it is quiet only when somebody is awake."""
    quiet = _quiet(health, now) if is_awake else ()
    return (*_trouble(health, now), *quiet, *_connection(health, now), *_people(health, now), *_machinery(health, now))


def host_alerts(host: HostHealth) -> Iterator[Alert]:
    """What is the matter with workers, clocks and what companies share."""
    yield from _workers(host)
    if host.clock_skew is not None and abs(host.clock_skew) > CLOCKS_APART:
        seconds = int(abs(host.clock_skew).total_seconds())
        text = f"The clock of the database is {seconds} s {'ahead of' if host.clock_skew > timedelta(0) else 'behind'} that of a worker."
        yield _urgent("", "clock", text, "Let both machines follow a time server (NTP).", host.now)
    late = [one.late_by(host.now) for one in host.companies]
    waiting = sum(1 for length in late if length > BEHIND_AFTER)
    if host.is_awake and waiting * 100 > len(host.companies) * BEHIND_PERCENT and waiting > 1:
        text = f"{waiting} of {len(host.companies)} companies wait longer than an hour for their turn."
        yield _digest("", "behind", text, "Give the worker more `threads`, or start another one.", host.now)
    yield from _quotas("", host.shared)


def _workers(host: HostHealth) -> Iterator[Alert]:
    """Who was silent by the last look, when somebody was certainly awake: after a night's sleep of all machines nobody is missed."""
    if host.looked_at is None:
        return
    silent = [(name, seen) for name, seen in host.workers if host.looked_at - seen > WORKER_SILENT_AFTER]
    alive = {_machine(name) for name, seen in host.workers if (name, seen) not in silent}
    for name, seen in silent:
        if _machine(name) not in alive:
            text = f"The worker {name} ended without saying so, or hangs: it was last seen at {moment(seen)}."
            yield _urgent("", _keyed("worker_silent", name), text, "Look at that machine, and start the worker there again.", seen)


def _trouble(health: CompanyHealth, now: datetime) -> Iterator[Alert]:
    """What keeps a company's jobs from ending well. A connection that has ended is told of as that."""
    state, company = health.state, health.company
    since = state.trouble_since or now
    if state.trouble == Trouble.POLICY.value:
        text = f"Its policy file is wrong, so nothing is done for it: {_short(state.trouble_text)}"
        yield _urgent(company, "policy", text, "Correct the file; it is read again by itself.", since)
    elif state.trouble == Trouble.DEATHS.value and state.began_times > DEATHS:
        hint = "See in the machine's log what ended it: memory, a signal."
        yield _urgent(company, "trouble:deaths", "The worker's process died over it again and again, so it has to wait.", hint, since)
    elif state.trouble == Trouble.MISTAKE.value:
        hint = f"The worker's log has it (event `mistake`, company `{company}`); please report it."
        yield _urgent(company, "trouble:mistake", _said(state), hint, since)
    elif state.trouble_error == errors.GuardStopped.__name__:
        hint = f"Look at the plan: puntual plan {company}. {state.trouble_hint}"
        yield _urgent(company, "guard", _said(state), hint, since)
    elif state.trouble == Trouble.PERSON.value and not _has_ended(health.numbers.connection):
        yield _urgent(company, "trouble:person", _said(state), state.trouble_hint or f"See: puntual status {company}", since)
    elif state.trouble == Trouble.LATER.value and now - since > LATER_AFTER:
        yield _digest(company, "trouble:later", _said(state), "It is tried again until it passes; see whether somebody can help.", since)


def _quiet(health: CompanyHealth, now: datetime) -> Iterator[Alert]:
    """Nothing happens, and nothing says why."""
    state, expected, company = health.state, health.expected, health.company
    if expected is None or state.trouble:
        return
    ran = max(state.ran_ok_at or state.seen_at, state.seen_at)
    if expected.slot is not None and expected.mode is not Mode.SHADOW and ran < expected.slot and now - ran > timedelta(days=1):
        text = f"No run has ended well since {moment(ran)}, although {SLOTS_MISSED} or more were due."
        yield _urgent(company, "silent", text, f"Run it by hand and see: puntual run {company}; look at the worker's log.", ran)
    read = max(state.synced_ok_at or state.seen_at, state.seen_at)
    if now - read > max(STALE_AFTER, STALE_SYNCS * expected.sync_every):
        text = f"Its books have not been read since {moment(read)}."
        yield _urgent(company, "stale", text, f"Read them by hand and see: puntual sync {company}; look at the worker's log.", read)
    unsent = health.numbers.unsent
    if unsent.count and unsent.since is not None:
        text = f"{_counted(unsent.count, 'item')} should have been written about, and good runs did nothing and said no reason."
        yield _urgent(company, "unsent", text, f"See what is due: puntual plan {company}; please report it.", unsent.since)


def _connection(health: CompanyHealth, now: datetime) -> Iterator[Alert]:
    access, company = health.numbers.connection, health.company
    if access is None or (health.expected is not None and health.expected.ledger != access.ledger):
        return
    again = f"Connect it again: puntual connect {company}"
    if _has_ended(access):
        text = f"The connection to {access.ledger} has ended: {_short(access.detail)}"
        yield _urgent(company, "connection_ended", text, again, access.since)
        return
    for end, hint in ((access.ends_at, again), (access.refresh_expires_at, f"Use it: puntual sync {company}; else connect it again.")):
        if end is not None and end - now <= CONNECTION_ENDS_WITHIN:
            text = f"The connection to {access.ledger} {'ended' if end <= now else 'ends'} on {end:%Y-%m-%d}."
            yield _digest(company, "connection_ends", text, hint, end - CONNECTION_ENDS_WITHIN)
            return


def _people(health: CompanyHealth, now: datetime) -> Iterator[Alert]:
    """What waits for somebody at the company."""
    numbers, company = health.numbers, health.company
    today = health.expected.today if health.expected else now.date()
    status = f"puntual status {company}"
    if (since := numbers.unknown.since) is not None and now - since > UNKNOWN_AFTER:
        text = f"Nobody has said yet how {_counted(numbers.unknown.count, 'mail')} of unknown end ended."
        yield _digest(company, "unknown", text, f"Find out and say it: {status} lists them.", since)
    if (since := numbers.approvals.since) is not None and now - since > APPROVALS_AFTER:
        text = f"{_counted(numbers.approvals.count, 'action')} {_wait(numbers.approvals.count)} for a person's yes."
        yield _digest(company, "approvals", text, f"Approve them or hold them: {status} lists them.", since)
    work = numbers.work
    if work.now - work.a_week_ago > WORK_GROWS_BY:
        text = f"The work list has {work.now} entries, {work.now - work.a_week_ago} more than a week ago."
        yield _digest(company, "work_grows", text, f"Somebody has to see to it: {status} lists it.", now)
    if work.oldest_due_on is not None and today - work.oldest_due_on > WORK_OVERDUE:
        text = f"The oldest entry of the work list was due on {work.oldest_due_on}."
        since = _midnight(work.oldest_due_on) + WORK_OVERDUE
        yield _digest(company, "work_old", text, f"Somebody has to see to it: {status} lists it.", since)


def _machinery(health: CompanyHealth, now: datetime) -> Iterator[Alert]:
    """What the company's other services do not take."""
    numbers, company = health.numbers, health.company
    notes = numbers.notes
    if notes.since is not None and now - _midnight(notes.since) > NOTES_AFTER + timedelta(days=1):
        text = f"{_counted(notes.count, 'note')} {_wait(notes.count)} to be written into the books."
        yield _digest(company, "notes_wait", text, f"See why the books do not take them: puntual run {company}", _midnight(notes.since))
    if _mail_fails(numbers) and (since := numbers.failed_mails.since) is not None:
        text = f"{numbers.failed_mails.count} mails could not be sent within a day."
        yield _urgent(company, "mail_fails", text, f"See to the mail server: puntual doctor {company}", since)
    yield from _quotas(company, health.quotas)


def _quotas(company: str, quotas: tuple[QuotaUse, ...]) -> Iterator[Alert]:
    for one in quotas:
        if one.percent >= QUOTA_PERCENT:
            text = f"{one.percent} % of the {one.most} {one.name} are used; there are new ones from {moment(one.ends_at)}."
            hint = "Read the books less often (schedule.sync_every_minutes), or ask the service for more calls."
            yield _digest(company, _keyed("quota", one.quota), text, hint, one.ends_at - timedelta(days=1))


def moment(at: datetime) -> str:
    """An instant for a person."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _urgent(company: str, key: str, text: str, hint: str, since: datetime) -> Alert:
    return Alert(company, key, Severity.URGENT, text, hint, since)


def _digest(company: str, key: str, text: str, hint: str, since: datetime) -> Alert:
    return Alert(company, key, Severity.DIGEST, text, hint, since)


def _has_ended(access: Access | None) -> bool:
    return access is not None and access.state is AccessState.RECONNECT


def _mail_fails(numbers: Numbers) -> bool:
    return numbers.failed_mails.count > FAILED_MAILS


def _said(state: CompanyState) -> str:
    """What an error means, with its detail where that cannot hold anything of a customer's."""
    kind = getattr(errors, state.trouble_error, None)
    detail = "" if state.trouble_error in _NOT_SAID else _short(state.trouble_text)
    return f"{kind.meaning() if kind else ''} {detail}".strip() or errors.PuntualError.meaning()


def _short(text: str) -> str:
    """The first line of a text, not too long, without addresses of people."""
    first = _ADDRESS.sub("…@…", (text.strip().splitlines() or [""])[0])
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"


def _machine(worker: str) -> str:
    """By its name alone: it is the same after it was started anew."""
    return worker.partition(":")[0].rpartition("-")[0]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _keyed(kind: str, name: str) -> str:
    return f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _wait(number: int) -> str:
    return "waits" if number == 1 else "wait"
