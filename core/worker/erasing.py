"""Erasing customers' personal data: one because it was asked for, many because their time is over. Works without a policy and a ledger."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from ..errors import AnotherRunUnderWay, CompanyMustAct
from ..history.about import rows_about
from ..history.database import reading, writing
from ..history.duties import ensure_duties, finish_duty, take_duty
from ..history.erasure import AT_A_TIME, Erased, erase, leave_no_trace, what_keeps
from ..history.retention import all_companies, customer_ids, date_undated, forget_leftovers, has_undated, stale_customers, years_before
from ..history.tombstones import buried_digests, digest_of
from .clock import Clock
from .lease import lease_on
from .people import NotFound, Target, find_target

DUTY = "retention"
LEASE = timedelta(hours=20)
"""Who dies over it leaves the rest to the next day."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
A_PULSE = 25
"""So many companies are looked at between two beats of the clock; 10,000 take three hours and a half."""


class StillNeeded(CompanyMustAct):
    """These data are still needed, to claim what is owed or to keep what was promised (GDPR art. 17(3)(b) and (e))."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Who was erased, what of it, and whether SQLite's log was cleared of it at once."""

    target: Target
    erased: Erased
    no_trace: bool


@dataclass(slots=True)
class Pruned:
    """How many customers were erased, or would be, by company; and who could not be looked at now, and why."""

    customers: dict[str, int] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)


def erase_customer(engine: Engine, company: str, customer: str, why: str, by: str, at: datetime) -> Erasure:
    """Erase the personal data of one customer, by id or exact name. Raises NotFound, StillNeeded, TrailBroken, AnotherRunUnderWay."""
    _check_company(engine, company)
    with lease_on(engine, company), writing(engine) as conn:
        target = find_target(conn, company, "", customer)
        if kept := what_keeps(conn, company, [target.customer_id]).get(target.customer_id):
            shown = "; ".join(kept[:5]) + (f"; and {len(kept) - 5} more" if len(kept) > 5 else "")
            raise StillNeeded(f"{target.customer_name}: {shown}.", hint="Settle these first; contact data of the books change in the books")
        erased = erase(conn, company, [target.customer_id], why, by, at)
    return Erasure(target, erased, leave_no_trace(engine))


def disclose(engine: Engine, company: str, customer: str) -> dict[str, list[dict[str, object]]]:
    """All that is kept about one customer, by table. Raises NotFound."""
    _check_company(engine, company)
    with reading(engine) as conn:
        return rows_about(conn, company, find_target(conn, company, "", customer).customer_id)


def prune(engine: Engine, years: int, at: datetime, by: str, companies: Sequence[str] | None = None, *, dry: bool = False) -> Pruned:
    """Erase the customers of whom nothing happened for so many years and nothing is open. `companies` are those to look at, None: all. With
    `dry` nothing is changed."""
    done = Pruned()
    if companies is None:
        with reading(engine) as conn:
            companies = all_companies(conn)
    for company in companies:
        try:
            count = _prune_company(engine, company, years, by, at, dry=dry)
        except (AnotherRunUnderWay, CompanyMustAct) as error:
            done.trouble[company] = str(error)
            continue
        if count:
            done.customers[company] = count
    if done.customers and not dry:
        leave_no_trace(engine)
    return done


def forget(engine: Engine, at: datetime) -> int:
    """Let go of what is past only. Returns how many rows."""
    with writing(engine) as conn:
        return forget_leftovers(conn, at)


def erase_again(engine: Engine, digests: Mapping[str, frozenset[str]], why: str, by: str, at: datetime) -> int:
    """After an older state of the database was brought back: erase who was erased since, by company the digests. Returns how many."""
    count = 0
    for company, erased in digests.items():
        with writing(engine) as conn:
            missing = erased - buried_digests(conn, company)
            ids = [key for key in customer_ids(conn, company) if digest_of(company, key) in missing]
            ids = sorted(set(ids) - what_keeps(conn, company, ids).keys())
            for start in range(0, len(ids), AT_A_TIME):
                count += erase(conn, company, ids[start : start + AT_A_TIME], why, by, at).customers
    leave_no_trace(engine)
    return count


class Retention:
    """What a host looks at once a day (UTC), a few companies between two beats of its clock; of several workers one does it."""

    def __init__(self, engine: Engine, clock: Clock, years: int | None, me: str, told: Callable[[Pruned], None] = lambda _: None) -> None:
        """`me` names this worker and no other, `told` hears what was done."""
        self._engine = engine
        self._clock = clock
        self._years = years
        self._me = me
        self._told = told
        self._asked_for: datetime | None = None
        self._waiting: deque[str] = deque()

    def beat(self) -> None:
        """Do a part of it when something is to be done today."""
        now = self._clock.now()
        slot = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._asked_for != slot:
            self._asked_for = slot
            self._begin(slot, now)
        if not self._waiting:
            return
        some = [self._waiting.popleft() for _ in range(min(A_PULSE, len(self._waiting)))]
        if self._years is not None:
            self._told(prune(self._engine, self._years, now, DUTY, some))
        if not self._waiting:
            with writing(self._engine) as conn:
                finish_duty(conn, "", DUTY, slot, self._me)

    def _begin(self, slot: datetime, now: datetime) -> None:
        self._waiting.clear()
        with writing(self._engine) as conn:
            ensure_duties(conn, [("", DUTY, _LONG_AGO)])
            if take_duty(conn, "", DUTY, slot, self._me, now, LEASE):
                forget_leftovers(conn, now)
                self._waiting.extend(all_companies(conn))


def _prune_company(engine: Engine, company: str, years: int, by: str, at: datetime, *, dry: bool) -> int:
    today = at.astimezone(UTC).date()
    before = years_before(today, years)
    with reading(engine) as conn:
        ids, undated = stale_customers(conn, company, before), has_undated(conn, company)
    if undated and not dry:
        with writing(engine) as conn:
            date_undated(conn, company, today)
    for start in range(0, len(ids), AT_A_TIME) if not dry else ():
        with lease_on(engine, company), writing(engine) as conn:
            some = sorted(set(ids[start : start + AT_A_TIME]).intersection(stale_customers(conn, company, before)))
            if some:
                erase(conn, company, some, f"nothing for {years} years", by, at)
    return len(ids)


def _check_company(engine: Engine, company: str) -> None:
    """A misspelt name must not make a new company."""
    with reading(engine) as conn:
        if company not in all_companies(conn):
            raise NotFound(f"the history knows no company {company!r}")
