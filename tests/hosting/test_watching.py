"""From how a company does to what is said of it: each matter once, since when, and who must do what."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from puntual.core.history.alerts import Alert, Severity
from puntual.core.history.authorizations import Access, AccessState
from puntual.core.history.health import Numbers, OpenWork, QuotaUse, Waiting, WaitingDays
from puntual.core.hosting.jobs import CompanyState
from puntual.core.hosting.watching import CompanyHealth, Expected, HostHealth, alerts_of, company_alerts, host_alerts
from puntual.core.policy.schema import Mode

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JUST = NOW - timedelta(minutes=5)
EXPECTED = Expected(Mode.LIVE, "xero", HOUR, NOW.date())
WELL = CompanyState("acme", NOW - 90 * DAY, sync_done_for=NOW - HOUR / 2, synced_ok_at=NOW - HOUR / 2, ran_ok_at=NOW - 3 * HOUR)
CONNECTED = Access("acme", "xero", AccessState.CONNECTED, "", "t", "Acme", NOW - 90 * DAY, NOW + 60 * DAY)


def health(expected: Expected | None = EXPECTED, numbers: Numbers = Numbers(), quotas: tuple[QuotaUse, ...] = (), **state: object):  # noqa: B008
    return CompanyHealth(replace(WELL, **state), numbers, expected, quotas)


def told(of: CompanyHealth) -> list[Alert]:
    return list(company_alerts(of, NOW))


def only(of: CompanyHealth) -> Alert:
    (alert,) = told(of)
    assert alert.company == "acme"
    assert alert.hint
    return alert


def trouble(kind: str, error: str, text: str = "What it said.", hint: str = "Do that", since: datetime = NOW - HOUR) -> CompanyHealth:
    return health(trouble=kind, trouble_error=error, trouble_text=text, trouble_hint=hint, trouble_since=since, began_times=3)


def counting(**numbers: object) -> CompanyHealth:
    return health(numbers=Numbers(**numbers))


def test_of_who_does_well_nothing_is_said():
    assert told(health()) == []
    assert told(health(expected=None)) == []
    assert told(counting(connection=CONNECTED, work=OpenWork(25, 20, NOW.date()))) == []


@pytest.mark.parametrize(
    ("of", "key", "severity", "words"),
    [
        (
            trouble("policy", "PolicyFileProblems", "acme.yaml:4:7: wrong\nmore"),
            "policy",
            "urgent",
            "wrong, so nothing is done for it: acme.y",
        ),
        (trouble("person", "PermissionMissing"), "trouble:person", "urgent", "lacks a right that Puntual needs. What it said."),
        (trouble("person", "GuardStopped", hint="To go on: --confirm"), "guard", "urgent", "does not look plausible. What it said."),
        (trouble("mistake", "OurBug"), "trouble:mistake", "urgent", "Puntual itself did something wrong"),
        (trouble("deaths", "OurBug"), "trouble:deaths", "urgent", "process died over it"),
        (trouble("later", "LedgerUnavailable", since=NOW - 7 * HOUR), "trouble:later", "digest", "does not answer properly"),
    ],
)
def test_trouble_that_stands_is_said_with_its_cause(of, key, severity, words):
    alert = only(of)
    assert (alert.key, alert.severity.value, alert.since) == (key, severity, of.state.trouble_since)
    assert words in alert.text


def test_a_process_that_died_may_have_died_over_another_company():
    assert told(health(trouble="deaths", trouble_error="DiedOverIt", trouble_since=NOW - HOUR, began_times=2)) == []


def test_what_passes_by_itself_is_said_after_six_hours():
    assert told(trouble("later", "LedgerUnavailable", since=NOW - 6 * HOUR)) == []
    assert len(told(trouble("later", "LedgerUnavailable", since=NOW - 6 * HOUR - timedelta(seconds=1)))) == 1


def test_a_guard_that_stopped_says_how_to_look_and_how_to_go_on():
    assert only(trouble("person", "GuardStopped", hint="To go on: puntual run acme --confirm")).hint == (
        "Look at the plan: puntual plan acme. To go on: puntual run acme --confirm"
    )


def test_no_alert_quotes_the_books_or_an_address():
    books = only(trouble("person", "BooksUnreadable", "invoices.csv:12: Talleres Gómez owes abc"))
    assert books.text == "The books cannot be read as they are."
    relay = only(trouble("person", "CompanyMustAct", "550 relay denied <ana@gomez.example>"))
    assert "gomez" not in relay.text
    assert "550 relay denied <…@…>" in relay.text
    assert len(only(trouble("person", "PermissionMissing", "x" * 5000)).text) < 400


@pytest.mark.parametrize(("mode", "since_run", "slot", "is_silent"), [
    (Mode.LIVE, 2 * DAY, NOW - 30 * HOUR, True),
    (Mode.APPROVE, 2 * DAY, NOW - 30 * HOUR, True),
    (Mode.SHADOW, 2 * DAY, NOW - 30 * HOUR, False),
    (Mode.LIVE, 25 * HOUR, NOW - 30 * HOUR, False),
    (Mode.LIVE, 20 * HOUR, NOW - 4 * HOUR, False),
    (Mode.LIVE, 9 * DAY, None, False),
])  # fmt: skip
def test_a_company_is_silent_when_runs_were_due_for_a_day_and_none_ended_well(mode, since_run, slot, is_silent):
    of = health(replace(EXPECTED, mode=mode, slot=slot), ran_ok_at=NOW - since_run)
    assert [alert.key for alert in told(of)] == ["silent"] * is_silent


def test_who_never_ran_is_silent_since_it_was_first_seen_and_a_new_one_is_not():
    slot = replace(EXPECTED, slot=NOW - 30 * HOUR)
    assert only(health(slot, ran_ok_at=None)).since == WELL.seen_at
    assert told(health(slot, ran_ok_at=None, seen_at=NOW - 5 * HOUR, synced_ok_at=NOW)) == []


def test_who_has_a_known_trouble_is_not_called_silent_too():
    of = trouble("person", "PermissionMissing")
    of = replace(of, state=replace(of.state, ran_ok_at=None, synced_ok_at=None), expected=replace(EXPECTED, slot=NOW - 30 * HOUR))
    assert only(of).key == "trouble:person"


@pytest.mark.parametrize(("every", "hours", "is_stale"), [(1, 6, False), (1, 7, True), (2, 12, False), (2, 13, True), (0.1, 5, False)])
def test_books_are_stale_after_six_times_their_distance_and_six_hours_at_least(every, hours, is_stale):
    of = health(replace(EXPECTED, sync_every=every * HOUR), synced_ok_at=NOW - hours * HOUR)
    assert [alert.key for alert in told(of)] == ["stale"] * is_stale


def test_a_connection_is_told_of_two_weeks_before_its_end_and_when_it_ended():
    def connection(**changes: object) -> CompanyHealth:
        return counting(connection=replace(CONNECTED, **changes))

    assert told(connection(ends_at=NOW + 15 * DAY)) == []
    ends = only(connection(ends_at=NOW + 13 * DAY, refresh_expires_at=NOW + 2 * DAY))
    assert (ends.key, ends.severity, ends.hint) == ("connection_ends", Severity.DIGEST, "Connect it again: puntual connect acme")
    assert "puntual sync acme" in only(connection(refresh_expires_at=NOW + 2 * DAY)).hint
    ended = connection(state=AccessState.RECONNECT, detail="It was taken back.", since=NOW - HOUR)
    assert (only(ended).key, only(ended).severity, only(ended).since) == ("connection_ended", Severity.URGENT, NOW - HOUR)
    troubled = replace(ended.state, trouble="person", trouble_error="AuthorizationExpired", trouble_since=NOW - HOUR)
    assert only(replace(ended, state=troubled)).key == "connection_ended"
    assert told(replace(ended, expected=replace(EXPECTED, ledger="odoo"))) == []


@pytest.mark.parametrize(
    ("numbers", "key", "words"),
    [
        ({"unknown": Waiting(1, NOW - 25 * HOUR)}, "unknown", "how 1 mail of unknown end ended"),
        ({"unknown": Waiting(1, NOW - 23 * HOUR)}, "", ""),
        ({"approvals": Waiting(2, NOW - 4 * DAY)}, "approvals", "2 actions wait for a person's yes"),
        ({"approvals": Waiting(2, NOW - 2 * DAY)}, "", ""),
        ({"work": OpenWork(31, 10, NOW.date())}, "work_grows", "has 31 entries, 21 more than a week ago"),
        ({"work": OpenWork(30, 10, NOW.date())}, "", ""),
        ({"work": OpenWork(1, 1, date(2026, 11, 8))}, "work_old", "was due on 2026-11-08"),
        ({"work": OpenWork(1, 1, date(2026, 11, 9))}, "", ""),
        ({"notes": WaitingDays(3, date(2026, 11, 20))}, "notes_wait", "3 notes wait to be written"),
        ({"notes": WaitingDays(3, date(2026, 11, 21))}, "", ""),
        ({"failed_mails": Waiting(6, NOW - HOUR)}, "mail_fails", "6 mails could not be sent"),
        ({"failed_mails": Waiting(5, NOW - HOUR)}, "", ""),
        ({"unsent": Waiting(4, NOW - DAY)}, "unsent", "4 items should have been written about"),
    ],
)
def test_what_waits_is_said_when_it_waits_too_long(numbers, key, words):
    found = told(counting(**numbers))
    assert [alert.key for alert in found] == [key] * bool(key)
    assert not key or words in found[0].text


def test_a_quota_is_told_of_when_nine_tenths_are_used():
    def used(calls: int, most: int = 5000) -> CompanyHealth:
        return health(quotas=(QuotaUse("acme", "calls a day to Xero", calls, most, NOW + HOUR),))

    assert told(used(4499)) == told(used(9999, most=0)) == []
    assert only(used(4600)).text == "92 % of the 5000 calls a day to Xero are used; there are new ones from 2026-11-23 13:00 UTC."
    assert len(only(used(4600)).key) <= 80


def host(**values: object) -> list[Alert]:
    return list(host_alerts(HostHealth(NOW, **{"companies": (), "looked_at": JUST, "awake_since": NOW - DAY, **values})))


def test_a_worker_that_ended_without_a_word_is_missed_unless_another_serves_on_its_machine():
    gone, alive, looked = ("one-b7:17:a", NOW - timedelta(minutes=16)), ("one-c8:18:b", NOW), NOW - timedelta(minutes=5)
    (alert,) = host(workers=(gone, ("two-b7:5:c", NOW)), looked_at=looked)
    assert (alert.company, alert.kind, alert.severity, alert.since) == ("", "worker_silent", Severity.URGENT, gone[1])
    assert host(workers=(gone, alive), looked_at=looked) == []


def test_after_a_sleep_of_all_machines_no_worker_is_missed():
    asleep = ("one-b7:17:a", NOW - 9 * HOUR)
    assert host(workers=(asleep, ("two-b7:5:c", NOW)), looked_at=NOW - 9 * HOUR + timedelta(minutes=5)) == []
    quiet = health(ran_ok_at=NOW - 3 * DAY, synced_ok_at=NOW - 3 * DAY, expected=replace(EXPECTED, slot=NOW - 30 * HOUR))
    assert [alert.key for alert in alerts_of(HostHealth(NOW, (quiet,), JUST, NOW - HOUR))] == ["silent", "stale"]
    assert alerts_of(HostHealth(NOW, (quiet,), JUST, NOW - timedelta(minutes=59))) == ()
    assert alerts_of(HostHealth(NOW, (quiet,), NOW - 3 * DAY, NOW - 9 * DAY)) == alerts_of(HostHealth(NOW, (quiet,))) == ()


@pytest.mark.parametrize(("seconds", "is_told"), [(None, False), (60, False), (61, True), (-61, True)])
def test_clocks_that_are_apart_are_told_of(seconds, is_told):
    skew = timedelta(seconds=seconds) if seconds is not None else None
    assert [alert.key for alert in host(clock_skew=skew)] == ["clock"] * is_told


def test_too_much_work_shows_in_companies_that_wait_for_their_turn():
    late = [health(sync_done_for=NOW - 3 * HOUR) for _ in range(6)]
    waiting = [health(sync_done_for=NOW - 3 * HOUR, not_before=NOW + HOUR) for _ in range(20)]
    assert [alert.key for alert in host(companies=(*late, *[health()] * 94))] == ["behind"]
    assert host(companies=(*late, *[health()] * 200)) == host(companies=(*waiting, *[health()] * 80)) == []


def test_everything_has_a_key_of_its_own():
    everything = counting(
        connection=replace(CONNECTED, ends_at=NOW + DAY),
        unknown=Waiting(1, NOW - 9 * DAY),
        failed_mails=Waiting(9, NOW - DAY),
        approvals=Waiting(1, NOW - 9 * DAY),
        unsent=Waiting(1, NOW - 9 * DAY),
        notes=WaitingDays(1, date(2026, 11, 1)),
        work=OpenWork(99, 1, date(2026, 11, 1)),
    )
    quotas = tuple(QuotaUse("acme", name, 99, 100, NOW) for name in ("a day", "a month"))
    found = alerts_of(HostHealth(NOW, (replace(everything, quotas=quotas),), JUST, NOW - DAY, shared=quotas[:1]))
    assert len({(alert.company, alert.key) for alert in found}) == len(found) == 11
