"""Who is told of what, when, and how often: once, whatever dies, flaps or works beside us."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hosting.street import Street
from hosting.watched import Watched, operator, text_of
from puntual.core.errors import AuthorizationExpired, LedgerUnavailable
from puntual.core.history.database import reading, writing
from puntual.core.history.duties import note_alive, take_duty, workers_seen
from puntual.core.hosting import alerting, letters
from puntual.core.hosting.alerting import Alerting
from puntual.core.hosting.background import Background
from puntual.core.hosting.duties import addressed
from sqlalchemy.exc import OperationalError

WELL, STANDS, NOW = "Puntual: all is well", "Puntual: one thing to look at", "Puntual: one thing needs you now"
BOTH = pytest.mark.parametrize("street", ["sqlite", "postgresql"], indirect=True)
ENDED = AuthorizationExpired("The connection was taken back.", hint="puntual connect bad")


@pytest.fixture
def watched(street: Street) -> Watched:
    """Two companies of which `bad` will have trouble; the operator's digest is at 07:30 UTC, and it is Monday, 06:00."""
    street.company("good", a1=("2026-11-18", "100.00"))
    street.company("bad", b1=("2026-11-18", "100.00"))
    street.host.look_around()
    return Watched(street)


@BOTH
def test_what_cannot_wait_is_told_once_and_its_end_with_the_digest(watched):
    watched.go(hours=2)
    assert watched.subjects() == [WELL]
    watched.street.trouble["bad"] = ENDED
    watched.go(hours=3)
    (_, urgent) = watched.mails()
    assert (urgent["Subject"], urgent["To"]) == ("Puntual: one thing needs you now", "ops@host.example")
    assert "bad: The ledger no longer accepts our key or password" in text_of(urgent)
    assert "puntual connect bad" in text_of(urgent)
    assert "good" not in text_of(urgent)
    del watched.street.trouble["bad"]
    watched.go(hours=24)
    assert watched.keys() == []
    assert watched.subjects() == [WELL, NOW, WELL]
    assert "Over since the last mail" in text_of(watched.mails()[2])
    watched.go(hours=24)
    assert "Over since" not in text_of(watched.mails()[3])


@BOTH
def test_several_workers_tell_as_one(watched):
    three = Watched(watched.street, workers=3)
    watched.street.trouble["bad"] = ENDED
    three.go(hours=26)
    assert three.subjects() == [NOW, STANDS, STANDS]


def test_a_restart_tells_nothing_twice(watched):
    watched.street.trouble["bad"] = ENDED
    watched.go(hours=2)
    for _ in range(3):
        watched.street.start()
        watched.street.host.look_around()
        again = Watched(watched.street)
        again.beat()
        again.go(minutes=10)
    assert watched.subjects() == [NOW, STANDS]


def test_what_comes_up_within_the_hour_is_one_mail(watched):
    watched.street.trouble["bad"] = ENDED
    watched.go(hours=2)
    for number in range(3):
        watched.street.policy(f"broken{number}", "company: {name: x\n")
        watched.go(minutes=10)
    watched.go(hours=2)
    assert watched.subjects() == [NOW, STANDS, NOW, "Puntual: 2 things need you now"]
    assert sum(text_of(mail).count("Its policy file is wrong") for mail in watched.mails()) == 3


def test_what_flaps_is_one_matter_until_its_end_was_told(watched):
    for _ in range(5):
        watched.street.trouble["bad"] = ENDED
        watched.go(hours=1, minutes=10)
        del watched.street.trouble["bad"]
        watched.go(hours=1, minutes=10)
    assert watched.subjects().count(NOW) == 1
    watched.go(hours=24)
    watched.street.trouble["bad"] = ENDED
    watched.go(hours=2)
    assert watched.subjects().count(NOW) == 2


def test_a_digest_comes_every_day_and_says_that_all_is_well(watched):
    watched.go(hours=72)
    assert watched.subjects() == [WELL] * 3
    first = watched.mails()[0]
    assert first["Date"].datetime.strftime("%H:%M") == "07:30"
    assert "2 companies are served here. Nothing is the matter" in text_of(first)
    assert first.get_body(("html",)).get_content().count("All is well") == 1


def test_the_digest_lists_all_that_stands_and_names_no_customer(watched):
    watched.street.trouble["bad"] = LedgerUnavailable("The ledger does not answer.")
    watched.go(hours=26)
    told = text_of(watched.mails()[-1])
    assert watched.subjects()[-1] == STANDS
    assert "bad: The ledger does not answer properly at the moment" in told
    assert "Something is the matter with 1 of them" in told
    assert "b1" not in told
    assert "S.L." not in told


def test_an_operators_own_zone_and_hour_count(street):
    street.company("good", a1=("2026-11-18", "100.00"))
    street.host.look_around()
    there = Watched(street, operator=operator(time_zone="America/Mexico_City"))
    there.go(hours=24)
    assert [mail["Date"].datetime.strftime("%H:%M") for mail in there.mails()] == ["13:30"]


def test_a_mail_that_is_not_taken_is_tried_again(watched, monkeypatch):
    calls, real = [], alerting.send_all

    def send_all(letter, recipients, transport, at):
        calls.append(at)
        if len(calls) < 4:
            return {to: letters.Fate(False, False, "failed: no route to ops@host.example") for to in recipients}
        return real(letter, recipients, transport, at)

    monkeypatch.setattr(alerting, "send_all", send_all)
    watched.street.trouble["bad"] = ENDED
    watched.go(hours=1)
    assert (watched.subjects(), len(calls)) == ([], 1)
    watched.go(hours=3)
    assert sorted(watched.subjects()) == sorted([STANDS, NOW])
    assert len(calls) == 5


def test_several_operators_each_get_it_and_one_bad_address_keeps_nobody_from_it(watched):
    two = Watched(watched.street, operator=operator(to=["ops@host.example", "boss@host.example"]))
    watched.street.trouble["bad"] = ENDED
    two.go(hours=26)
    assert sorted((mail["To"], mail["Subject"]) for mail in two.mails()) == sorted(
        (to, subject) for to in ("ops@host.example", "boss@host.example") for subject in (NOW, STANDS, STANDS)
    )


def test_who_is_at_a_duty_keeps_it_and_when_it_dies_another_does_it(watched):
    watched.go(hours=1)
    now = watched.street.clock.now()
    with writing(watched.street.engine) as conn:
        assert take_duty(conn, "", addressed("digest", "ops@host.example"), now + timedelta(minutes=30), "dead:1:x", now, alerting_lease())
    watched.go(minutes=20)
    assert watched.subjects() == []
    watched.go(hours=1)
    assert watched.subjects() == [WELL]


def alerting_lease() -> timedelta:
    return timedelta(minutes=50)


def test_a_worker_that_dies_is_missed_and_one_that_ends_is_not(watched):
    watched.go(minutes=20)
    with writing(watched.street.engine) as conn:
        note_alive(conn, "far-a1:1:dead", watched.street.clock.now())
        note_alive(conn, "near-a1:1:ended", watched.street.clock.now())
    Alerting(watched.street.roster, "near-a1:1:ended", None, lambda *_: None).close()
    watched.go(hours=1)
    assert [alert.text.partition(" ended")[0] for alert in watched.standing()] == ["The worker far-a1:1:dead"]
    watched.go(hours=25)
    with reading(watched.street.engine) as conn:
        assert list(workers_seen(conn)) == ["machine0:0:x"]
    assert watched.keys() == []


def test_a_company_that_is_gone_has_no_trouble(watched):
    watched.street.trouble["bad"] = ENDED
    watched.go(hours=1)
    assert watched.keys("bad") == ["trouble:person"]
    (watched.street.folder / "companies" / "bad.yaml").unlink()
    watched.go(hours=1)
    assert watched.keys() == []


def test_without_an_operator_alerts_are_kept_and_nobody_is_written_to(watched):
    quiet = Alerting(watched.street.roster, "machine:1:x", None, lambda _, work: work())
    watched.street.trouble["bad"] = ENDED
    watched.street.go(hours=1)
    quiet.beat()
    assert watched.keys() == ["trouble:person"]
    assert watched.mails() == []


def test_a_beat_returns_at_once_and_what_goes_wrong_stays_there(watched, caplog, monkeypatch):
    def unreachable(_: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("server closed the connection"))

    monkeypatch.setattr(alerting, "survey", unreachable)
    watch = Alerting(watched.street.roster, "machine:1:x")
    watch.beat()
    for threads in watch._threads:
        assert threads.close(timedelta(seconds=30))
    assert "secret" not in caplog.text
    watch.close()


def test_an_end_without_a_database_is_an_end(watched, monkeypatch, caplog):
    def unreachable(*_: object) -> None:
        raise OperationalError("DELETE", {}, Exception("server closed the connection"))

    monkeypatch.setattr(alerting, "forget_worker", unreachable)
    watched.watches[0].close()
    assert "beat" in caplog.text


def test_threads_do_a_work_of_one_name_once_at_a_time():
    import threading

    gate, done, background = threading.Event(), [], Background(2)

    def work() -> None:
        gate.wait(30)
        done.append(1)

    for _ in range(5):
        background("same", work)
    gate.set()
    assert background.close(timedelta(seconds=30))
    assert done == [1]
    background("late", work)
    assert done == [1]


def test_many_companies_with_the_same_trouble_are_counted(watched):
    for number in range(30):
        watched.street.policy(f"broken{number:02}", "company: {name: x\n")
    watched.go(hours=1)
    (mail,) = watched.mails()
    assert "broken00: Its policy" in text_of(mail)
    assert "and 10 more" in text_of(mail)
    assert replace(watched.standing()[0]).kind == "policy"
