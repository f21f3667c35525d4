"""A host at work: everybody at their own times, and one company's trouble stays with that company."""

from datetime import timedelta

import pytest
from puntual.core.errors import AuthorizationExpired, LedgerUnavailable, RateLimited
from puntual.core.history.database import DatabaseBusy, writing
from puntual.core.history.hosting import grant_wish, set_state, wish_for_sync
from puntual.core.hosting.work import SPREAD_AFTER_DEATHS, WAIT_AFTER_DEATHS
from puntual.core.worker.lease import lease_on

BOTH = pytest.mark.parametrize("street", ["sqlite", "postgresql"], indirect=True)


@BOTH
def test_a_day_of_three_companies(street):
    street.company("madrid", a1=("2026-11-18", "100.00"), a2=("2026-11-19", "50.00"))
    street.company("tokyo", "Asia/Tokyo", b1=("2026-11-18", "70.00"))
    street.company("newyork", "America/New_York", c1=("2026-11-18", "80.00"))
    street.host.look_around()
    street.go(hours=24)
    assert [len(street.mails(name)) for name in ("madrid", "tokyo", "newyork")] == [2, 1, 1]
    for name in ("madrid", "tokyo", "newyork"):
        assert street.kinds(name).count("run") == 1
        assert 20 <= street.kinds(name).count("sync") <= 24
        assert street.state(name).trouble == ""
    street.start()
    street.host.look_around()
    street.go(hours=1)
    assert [len(street.mails(name)) for name in ("madrid", "tokyo", "newyork")] == [2, 1, 1]


def test_a_broken_policy_takes_only_its_company_out_and_comes_back_when_mended(street):
    street.company("good", a1=("2026-11-18", "100.00"))
    street.company("bad", b1=("2026-11-18", "100.00"))
    good = (street.folder / "companies" / "bad.yaml").read_text(encoding="utf-8")
    street.host.look_around()
    street.policy("bad", good.replace("mode: live", "mode: loud"))
    street.go(hours=4)
    assert (len(street.mails("good")), street.mails("bad")) == (1, [])
    state = street.state("bad")
    assert state.trouble == "policy"
    assert "bad.yaml:4:7" in state.trouble_text
    assert street.kinds("bad").count("sync") == 2
    street.policy("bad", good + "# mended\n")
    street.go(minutes=10)
    assert street.state("bad").trouble == ""
    assert len(street.mails("bad")) == 1


def test_a_company_comes_and_goes_while_the_worker_runs(street):
    street.company("first", a1=("2026-11-18", "100.00"))
    street.host.look_around()
    street.go(hours=1)
    street.company("second", b1=("2026-11-18", "100.00"))
    street.go(hours=3)
    assert len(street.mails("second")) == 1
    (street.folder / "companies" / "first.yaml").unlink()
    before = len(street.kinds("first"))
    street.go(hours=24)
    assert len(street.kinds("first")) == before
    assert street.roster.companies() == ("second",)


def test_a_ledger_that_is_down_for_a_day_is_asked_ever_less_and_only_its_company_waits(street):
    street.company("up", a1=("2026-11-18", "100.00"))
    street.company("down", b1=("2026-11-18", "100.00"))
    street.trouble["down"] = LedgerUnavailable("The ledger does not answer.")
    street.host.look_around()
    street.go(hours=24)
    assert len(street.mails("up")) == 1
    assert len(street.kinds("down")) < 16
    down = street.state("down")
    assert (down.trouble, down.trouble_text) == ("later", "The ledger does not answer.")
    assert down.trouble_since < street.clock.now() - timedelta(hours=23)
    del street.trouble["down"]
    street.go(hours=7)
    assert (street.state("down").trouble, len(street.mails("down"))) == ("", 1)


def test_a_service_that_asks_to_wait_is_left_alone_so_long(street):
    street.company("acme", a1=("2026-11-18", "100.00"))
    street.trouble["acme"] = RateLimited("Too many calls.", retry_after=3 * 3600)
    street.host.look_around()
    assert street.state("acme").not_before == street.clock.now() + timedelta(hours=3)
    del street.trouble["acme"]
    street.go(hours=2, minutes=50)
    assert street.kinds("acme") == ["sync"]
    street.go(minutes=20)
    assert len(street.mails("acme")) == 1


def test_what_a_person_must_mend_is_said_once_an_hour_and_ends_with_a_good_job(street):
    street.company("acme", a1=("2026-11-18", "100.00"))
    street.trouble["acme"] = AuthorizationExpired("The connection has ended.", hint="puntual connect acme")
    street.host.look_around()
    street.go(hours=5)
    state = street.state("acme")
    assert (state.trouble, state.trouble_hint) == ("person", "puntual connect acme")
    assert 5 <= len(street.kinds("acme")) <= 7
    del street.trouble["acme"]
    street.go(hours=24)
    assert (street.state("acme").trouble, len(street.mails("acme"))) == ("", 1)


def test_a_mistake_of_ours_in_one_company_is_kept_there(street, caplog):
    street.company("fine", a1=("2026-11-18", "100.00"))
    street.company("odd", b1=("2026-11-18", "100.00"))
    street.trouble["odd"] = ZeroDivisionError("secret value 42")
    street.host.look_around()
    street.go(hours=4)
    assert len(street.mails("fine")) == 1
    assert street.state("odd").trouble == "mistake"
    assert "42" not in street.state("odd").trouble_text


def test_a_company_over_which_the_process_dies_waits_and_is_told_of(street):
    street.company("deadly", a1=("2026-11-18", "100.00"))
    street.company("fine", b1=("2026-11-18", "100.00"))
    street.trouble["deadly"] = _Death()
    for _ in range(2):
        street.start()
        with pytest.raises(_Death):
            street.host.look_around()
    street.start()
    street.host.look_around()
    state = street.state("deadly")
    assert (state.trouble, state.began_times) == ("deaths", 2)
    assert timedelta(minutes=1) <= state.not_before - street.clock.now() <= SPREAD_AFTER_DEATHS
    with pytest.raises(_Death):
        street.go(minutes=6)
    for wait in (WAIT_AFTER_DEATHS, 2 * WAIT_AFTER_DEATHS):
        street.start()
        street.host.look_around()
        assert street.state("deadly").not_before == street.clock.now() + wait
        street.go(minutes=wait / timedelta(minutes=1) - 2)
        with pytest.raises(_Death):
            street.go(minutes=4)
    street.start()
    del street.trouble["deadly"]
    street.go(hours=4)
    assert [len(street.mails(name)) for name in ("deadly", "fine")] == [1, 1]
    assert (street.state("deadly").trouble, street.state("deadly").began_times) == ("", 0)


def test_a_wish_is_granted_once_and_by_any_reading(street):
    street.company("acme", a1=("2026-11-18", "100.00"))
    street.host.look_around()
    street.go(minutes=10)
    for _ in range(3):
        with writing(street.engine) as conn:
            wish_for_sync(conn, ["acme", "acme", "stranger"], street.clock.now())
    street.go(minutes=10)
    assert street.state("acme").wished_at is None
    street.go(minutes=30)
    assert street.kinds("acme") == ["sync", "sync"]


def test_who_is_stopping_begins_nothing(street):
    street.company("acme", a1=("2026-11-18", "100.00"))
    street.working.stopping.set()
    street.host.look_around()
    assert not any(ended.was_due for ended in street.queue.ended)
    assert not (street.folder / "outbox").exists()


def test_a_restart_in_the_middle_of_nothing_does_nothing(street):
    street.company("acme", a1=("2026-11-18", "100.00"))
    street.host.look_around()
    street.go(hours=4)
    for _ in range(5):
        street.start()
        street.host.look_around()
        street.host.pulse()
    assert (len(street.mails("acme")), street.kinds("acme")) == (1, [])


class _Death(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def test_a_wish_while_a_person_must_act_is_no_reason_to_ask_at_every_pulse(street):
    street.company("acme", a1=("2026-11-18", "100.00"))
    street.trouble["acme"] = AuthorizationExpired("The connection has ended.")
    street.host.look_around()
    with writing(street.engine) as conn:
        wish_for_sync(conn, ["acme"], street.clock.now())
    for _ in range(40):
        street.clock.at += timedelta(seconds=30)
        street.host.pulse()
    assert street.kinds("acme") == ["sync", "sync"]


def test_what_is_wished_for_while_another_process_reads_is_not_granted_by_that_reading(street):
    street.company("fine", b1=("2026-11-18", "100.00"))
    street.host.look_around()
    street.go(minutes=30)
    first, second = street.clock.now(), street.clock.now() + timedelta(minutes=2)
    with writing(street.engine) as conn:
        wish_for_sync(conn, ["fine"], first)
        set_state(conn, "fine", began_kind="sync", began_at=first + timedelta(minutes=1), began_by="other:1:x", began_times=1)
    with lease_on(street.engine, "fine", street.clock):
        street.go(minutes=2)
        assert street.state("fine").trouble_error == "AnotherRunUnderWay"
        assert (street.state("fine").began_by, street.state("fine").began_times) == ("other:1:x", 1)
        with writing(street.engine) as conn:
            wish_for_sync(conn, ["fine"], second)
            grant_wish(conn, "fine", first + timedelta(minutes=1))
    assert street.state("fine").wished_at == second
    street.go(minutes=10)
    assert (street.state("fine").wished_at, street.state("fine").began_at, street.state("fine").began_times) == (None, None, 0)


def test_who_could_not_be_welcomed_is_at_the_next_look(street, monkeypatch):
    street.company("acme", a1=("2026-11-18", "100.00"))
    with monkeypatch.context() as away:
        away.setattr(street.working, "state", lambda _: (_ for _ in ()).throw(DatabaseBusy("database is locked")))
        with pytest.raises(DatabaseBusy):
            street.host.look_around()
    assert street.queue.ended == []
    street.host.pulse()
    assert street.kinds("acme") == ["sync"]
    assert len(street.host._ticker._scheduler.get_jobs()) == 3
