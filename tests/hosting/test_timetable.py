"""What is due when: slots in the company's own zone, made up for once, spread apart, and never twice."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy.material import read_good
from puntual.core.hosting.jobs import DEBOUNCE, CompanyState, JobKind, Timetable, backed_off
from puntual.core.hosting.roster import offset_of
from puntual.core.policy.schedule_schema import CompletePass, Schedule, Weekday
from puntual.core.policy.schema import Policy

MADRID = ZoneInfo("Europe/Madrid")
MONDAY = datetime(2026, 11, 23, tzinfo=MADRID)


def a_policy(zone: str = "Europe/Madrid", **schedule: object) -> Policy:
    policy = read_good("minimal")
    company = policy.company.model_copy(update={"time_zone": zone})
    return policy.model_copy(update={"company": company, "schedule": Schedule(**schedule)})


def at(hour: int, minute: int = 0, day: int = 0, zone: ZoneInfo = MADRID) -> datetime:
    return (MONDAY + timedelta(days=day)).replace(hour=hour, minute=minute, tzinfo=zone).astimezone(UTC)


def known(**values: object) -> CompanyState:
    """A company whose books were read just before 09:00 on Monday, and that has not run yet."""
    seen = CompanyState("acme", at(8, day=-30), sync_done_for=at(8, 55), complete_done_for=at(8))
    return replace(seen, **values)


def test_a_new_company_is_read_at_once_and_runs_at_its_next_slot():
    table, new = Timetable(a_policy()), CompanyState("acme", at(9, 31))
    assert table.due(new, at(9, 31)) is JobKind.SYNC
    read = replace(new, sync_done_for=at(9, 31))
    assert table.due(read, at(9, 32)) is None
    assert table.due(replace(read, sync_done_for=at(9, 0, 1), complete_done_for=at(9, 0)), at(9, 30, day=1)) is JobKind.RUN


def test_a_run_is_due_from_its_slot_on_and_once():
    table = Timetable(a_policy())
    assert [table.due(known(), at(9, minute)) for minute in (0, 29, 30, 45)] == [None, None, JobKind.RUN, JobKind.RUN]
    assert table.due(known(run_done_for=at(9, 30)), at(9, 31)) is None
    assert table.due(known(run_done_for=at(9, 30)), at(10, 31)) is JobKind.SYNC


def test_each_zone_has_its_own_nine_thirty():
    for zone, hour in (("Asia/Tokyo", 0), ("Europe/Madrid", 8), ("America/New_York", 14)):
        table, slot = Timetable(a_policy(zone)), datetime(2026, 11, 23, hour, 30, tzinfo=UTC)
        state = known(sync_done_for=slot - timedelta(minutes=20), complete_done_for=slot)
        assert table.due(state, slot - timedelta(minutes=1)) is None
        assert table.due(state, slot) is JobKind.RUN


@pytest.mark.parametrize(("day", "before"), [(datetime(2026, 3, 29), "winter"), (datetime(2026, 10, 25), "summer")])
def test_a_day_of_23_or_25_hours_has_one_run(day, before):
    table = Timetable(a_policy(run_at=(time(2, 30), time(9, 30)), complete=CompletePass(day=Weekday.WED)))
    start = day.replace(tzinfo=MADRID).astimezone(UTC)
    state, runs = known(sync_done_for=start, complete_done_for=start, run_done_for=start), []
    for minute in range(0, 23 * 60, 5):
        now = start + timedelta(minutes=minute)
        kind = table.due(state, now)
        runs += [now.astimezone(MADRID).time()] if kind is JobKind.RUN else []
        if kind is not None:
            state = replace(state, **{f"{kind.value}_done_for": now})
    assert runs == [time(8, 0), time(9, 30)], before


def test_a_machine_that_slept_makes_up_once_and_not_for_yesterday():
    table = Timetable(a_policy(run_at=(time(9, 0), time(11, 0), time(15, 0))))
    slept = known(run_done_for=at(9, 0, day=-3), complete_done_for=at(8))
    assert table.due(slept, at(12)) is JobKind.RUN
    assert table.due(replace(slept, run_done_for=at(12)), at(12, 1)) is None
    assert table.due(replace(slept, run_done_for=at(12), sync_done_for=at(12)), at(15)) is JobKind.RUN
    assert table.due(replace(slept, sync_done_for=at(8, 30)), at(8, 40)) is None


def test_no_run_is_made_up_for_outside_the_hours_of_sending():
    table = Timetable(a_policy())
    assert table.due(known(sync_done_for=at(20, 50)), at(21)) is None
    assert table.due(known(sync_done_for=at(7, 20, day=1)), at(7, 30, day=1)) is None


def test_a_complete_reading_comes_first_and_once_a_week():
    table = Timetable(a_policy(complete=CompletePass(day=Weekday.MON, at=time(9, 15))))
    last_week = known(complete_done_for=at(9, 15, day=-7))
    assert table.due(last_week, at(9, 14)) is None
    assert table.due(last_week, at(9, 30)) is JobKind.COMPLETE
    assert table.due(replace(last_week, complete_done_for=at(9, 30)), at(9, 31)) is JobKind.RUN


def test_a_wish_is_granted_after_a_while_and_waits_with_the_rest():
    table, wished = Timetable(a_policy()), known(wished_at=at(9, 0))
    assert table.due(wished, at(9, 0) + DEBOUNCE - timedelta(seconds=1)) is None
    assert table.due(wished, at(9, 0) + DEBOUNCE) is JobKind.SYNC
    assert table.due(replace(wished, not_before=at(9, 20)), at(9, 19)) is None
    assert table.due(replace(wished, not_before=at(9, 20)), at(9, 20)) is JobKind.SYNC


def test_a_policy_may_leave_runs_to_a_person():
    table = Timetable(a_policy(automatic=False))
    assert table.due(known(), at(9, 45)) is None
    assert table.due(known(), at(9, 55)) is JobKind.SYNC
    assert table.last_run_slot(at(12)) is None
    assert Timetable(a_policy()).last_run_slot(at(12)) == at(9, 30)
    assert Timetable(a_policy()).last_run_slot(at(9, 29)) == at(9, 30, day=-1)


@given(st.text(min_size=1, max_size=30), st.integers(1, 120))
def test_companies_are_spread_within_the_jitter_and_always_alike(company, minutes):
    offset = offset_of(company, timedelta(minutes=minutes))
    assert timedelta(0) <= offset < timedelta(minutes=minutes)
    assert offset == offset_of(company, timedelta(minutes=minutes))
    table = Timetable(a_policy(), offset)
    assert table.due(known(sync_done_for=at(9, 30)), at(9, 30) + offset) is JobKind.RUN
    assert offset == timedelta(0) or table.due(known(), at(9, 30) + offset - timedelta(seconds=1)) in (None, JobKind.SYNC)


def test_no_slot_is_set_so_late_that_it_is_too_late_to_send():
    table = Timetable(a_policy(run_at=(time(19, 50),)), timedelta(minutes=14))
    assert table.due(known(sync_done_for=at(19, 40)), at(19, 54)) is None
    assert table.due(known(sync_done_for=at(19, 40)), at(19, 55)) is JobKind.RUN


def test_many_companies_are_spread_evenly():
    offsets = [offset_of(f"company-{number}", timedelta(minutes=15)) for number in range(3000)]
    by_minute = [sum(1 for offset in offsets if offset // timedelta(minutes=1) == minute) for minute in range(15)]
    assert min(by_minute) > 140
    assert max(by_minute) < 260


@given(st.lists(st.integers(1, 90), min_size=5, max_size=200))
def test_however_often_it_is_asked_a_day_has_one_run_for_each_slot(steps):
    table = Timetable(a_policy(run_at=(time(9, 0), time(13, 0))))
    state, now, runs = known(complete_done_for=at(8)), at(8), 0
    for step in steps:
        now += timedelta(minutes=step)
        kind = table.due(state, now)
        runs += kind is JobKind.RUN
        if kind is not None:
            state = replace(state, **{f"{kind.value}_done_for": now})
    days = (now - at(8)) / timedelta(days=1)
    assert runs <= 2 * (int(days) + 1)


def test_the_clock_wakes_at_every_slot_with_its_offset():
    offset = timedelta(minutes=4)
    fires = {trigger.get_next_fire_time(None, at(8)) for trigger in Timetable(a_policy(), offset).triggers()}
    assert at(9, 34) in {fire.astimezone(UTC) for fire in fires}


def test_backing_off_doubles_is_bounded_and_listens_to_the_service():
    minutes = [backed_off(failures, None) / timedelta(minutes=1) for failures in (1, 2, 3, 9, 50)]
    assert minutes == [1, 2, 4, 256, 360]
    assert backed_off(1, 3600) == timedelta(hours=1)
    assert backed_off(1, 10**9) == timedelta(days=1)


@pytest.mark.parametrize("minutes", [5, 60, 1440])
def test_readings_come_as_often_as_the_policy_says_though_each_begins_a_little_late(minutes):
    table, latency = Timetable(a_policy(sync_every_minutes=minutes, automatic=False)), timedelta(seconds=3)
    ticks = table.triggers()[-1]
    state, fires, readings = known(sync_done_for=at(8), complete_done_for=at(8)), at(8), 0
    while fires < at(8) + 10 * timedelta(minutes=minutes):
        if (kind := table.due(state, fires)) is not None:
            readings, state = readings + 1, replace(state, **{f"{kind.value}_done_for": fires + latency})
        fires += ticks.interval
    assert 7 <= readings <= 10
