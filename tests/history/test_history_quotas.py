"""The meter: exact with many processes at once, by day and month of UTC, and the last calls are kept for what matters more."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from history.databases import migrated_database
from puntual.core.access import Purpose, Quota, QuotaPeriod
from puntual.core.errors import QuotaUsedUp, TryLater
from puntual.core.history.database import open_database, reading
from puntual.core.history.quotas import Meter, window_end
from puntual.core.history.tables import call_counts
from sqlalchemy import select

AT = datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
A_DAY = Quota("calls a day to Xero", 10, QuotaPeriod.DAY, reserve=3)
A_MONTH = Quota("reads a month from QuickBooks", 10, QuotaPeriod.MONTH, reserve=3)
OF_THE_APP = Quota("reads a month from QuickBooks", 10, QuotaPeriod.MONTH, reserve=3, shared_by="client-1")


@pytest.fixture
def url(kind, tmp_path):
    with migrated_database(kind, tmp_path) as made:
        yield made


@pytest.fixture
def engine(url):
    opened = open_database(url)
    yield opened
    opened.dispose()


@pytest.fixture
def meter(engine):
    return meter_at(engine, AT)


def meter_at(engine, at, company="acme"):
    return Meter(engine, company, lambda: at)


def spent(meter, quota=A_DAY, purpose=Purpose.READING, at_most=20):
    """How many calls are let through."""
    for number in range(at_most):
        try:
            meter.spend(quota, purpose)
        except QuotaUsedUp:
            return number
    return at_most


def rows(engine):
    with reading(engine) as conn:
        return sorted(tuple(row) for row in conn.execute(select(*call_counts.c["company", "quota", "window", "calls"])))


def test_reading_leaves_the_reserve_to_rechecks_and_writing(meter, engine):
    assert spent(meter) == 7
    assert spent(meter, purpose=Purpose.RECHECK, at_most=2) == 2
    assert spent(meter, purpose=Purpose.WRITING) == 1
    assert rows(engine) == [("acme", "calls a day to Xero", "2026-05-31", 10)]


def test_the_refusal_says_what_until_when_and_for_what_the_rest_is_kept(meter):
    spent(meter)
    with pytest.raises(QuotaUsedUp) as raised:
        meter.spend(A_DAY, Purpose.READING)
    said = str(raised.value)
    assert "7 of the 10 calls a day to Xero are used; the other 3 are kept for the last look before sending and for notes." in said
    assert "from 2026-06-01 00:00 UTC" in said
    assert (raised.value.retry_after, isinstance(raised.value, TryLater), raised.value.exit_code) == (5400, True, 75)
    spent(meter, purpose=Purpose.RECHECK)
    with pytest.raises(QuotaUsedUp, match=r"10 of the 10 calls a day to Xero are used\."):
        meter.spend(A_DAY, Purpose.RECHECK)


def test_a_reserve_as_large_as_the_quota_lets_no_reading_through(meter, engine):
    assert spent(meter, Quota("x", 3, QuotaPeriod.DAY, reserve=3)) == 0
    assert spent(meter, Quota("x", 3, QuotaPeriod.DAY, reserve=3), Purpose.RECHECK) == 3
    assert spent(meter, Quota("none", 0, QuotaPeriod.DAY, reserve=0), Purpose.RECHECK) == 0


def test_a_new_day_counts_anew_and_the_old_one_is_dropped(meter, engine):
    spent(meter)
    assert spent(meter_at(engine, AT + timedelta(minutes=90)), at_most=2) == 2
    assert rows(engine) == [("acme", "calls a day to Xero", "2026-06-01", 2)]


def test_the_day_is_that_of_utc(engine):
    """Half past midnight in Madrid is still the day before."""
    spent(meter_at(engine, AT))
    madrid = AT.astimezone(timezone(timedelta(hours=2)))
    assert madrid.day == 1
    assert spent(meter_at(engine, madrid)) == 0


def test_a_month_lasts_to_its_end(meter, engine):
    early = meter_at(engine, datetime(2026, 5, 1, tzinfo=UTC))
    assert spent(early, A_MONTH, at_most=5) == 5
    assert spent(meter, A_MONTH) == 2
    assert spent(meter_at(engine, AT + timedelta(days=1)), A_MONTH, at_most=1) == 1
    assert rows(engine) == [("acme", "reads a month from QuickBooks", "2026-06", 1)]


@pytest.mark.parametrize(
    ("period", "at", "end"),
    [
        (QuotaPeriod.DAY, datetime(2026, 12, 31, 23, 59, 59, 5, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (QuotaPeriod.DAY, datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)),
        (QuotaPeriod.MONTH, datetime(2026, 1, 31, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (QuotaPeriod.MONTH, datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_when_calls_count_anew(period, at, end):
    assert window_end(period, at) == end


def test_each_company_has_its_own_unless_the_app_shares_one(meter, engine):
    other = meter_at(engine, AT, "other")
    spent(meter, A_DAY)
    assert spent(other, A_DAY) == 7
    assert spent(meter, OF_THE_APP, at_most=4) == 4
    assert spent(other, OF_THE_APP) == 3
    another_app = Quota(OF_THE_APP.name, 10, QuotaPeriod.MONTH, reserve=3, shared_by="client-2")
    assert spent(other, another_app) == 7


def test_the_service_is_believed_when_it_knows_of_more_calls(meter, engine):
    meter.note_remaining(A_DAY, 4)
    assert spent(meter) == 1
    meter.note_remaining(A_DAY, 9)  # older, or of another count: what we counted stays
    assert spent(meter) == 0
    meter.note_remaining(A_DAY, -5)
    assert spent(meter, purpose=Purpose.RECHECK) == 0
    assert rows(engine) == [("acme", "calls a day to Xero", "2026-05-31", 10)]


def test_what_the_service_says_on_a_new_day_drops_the_old_one(meter, engine):
    spent(meter)
    meter_at(engine, AT + timedelta(days=1)).note_remaining(A_DAY, 8)
    assert rows(engine) == [("acme", "calls a day to Xero", "2026-06-01", 2)]


def test_many_at_once_are_counted_one_by_one(meter, engine):
    quota = Quota("calls", 60, QuotaPeriod.DAY, reserve=20)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: spent(meter, quota, at_most=15), range(4)))
    assert (sum(done), rows(engine)[0][3]) == (40, 40)


SPEND = """
import sys
from datetime import UTC, datetime
from puntual.core.access import Purpose, Quota, QuotaPeriod
from puntual.core.history.database import open_database
from puntual.core.history.quotas import Meter
meter = Meter(open_database(sys.argv[1]), "acme", lambda: datetime(2026, 5, 31, 22, 30, tzinfo=UTC))
for _ in range(25):
    meter.spend(Quota("calls", 50, QuotaPeriod.DAY, reserve=0), Purpose.READING)
"""


def test_processes_count_together(url, engine, meter):
    running = [subprocess.Popen([sys.executable, "-c", SPEND, url]) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]
    with pytest.raises(QuotaUsedUp):
        meter.spend(Quota("calls", 50, QuotaPeriod.DAY, reserve=0), Purpose.RECHECK)
