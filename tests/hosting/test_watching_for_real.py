"""Expected vs sent over real books: a runner that fails without a word is found, and one that has its reasons is not."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from hosting.street import POLICY, Street
from hosting.watched import Watched
from puntual.core.dunning.facts import Skipped, SkipReason
from puntual.core.history.database import reading, writing
from puntual.core.history.hosting import set_state
from puntual.core.history.tables import attempts
from puntual.core.hosting.surveying import clock_skew, survey
from puntual.core.worker import run as running
from puntual.core.worker.act import Acting
from sqlalchemy import update

BOTH = pytest.mark.parametrize("street", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def watched(street: Street) -> Watched:
    """Two companies with something due on Monday; the runs are at 09:30 in Madrid, 08:30 UTC."""
    street.company("acme", a1=("2026-11-18", "100.00"), a2=("2026-11-19", "50.00"))
    street.company("other", b1=("2026-11-18", "100.00"))
    street.host.look_around()
    return Watched(street, step=timedelta(hours=1))


def fail_silently(monkeypatch: pytest.MonkeyPatch, company: str) -> None:
    """A run that says that all is well and does nothing."""
    real = Acting.act

    def act(self, actions, on_each):
        return self.report if self.desk.company == company else real(self, actions, on_each)

    monkeypatch.setattr(Acting, "act", act)


@BOTH
def test_a_runner_that_fails_silently_is_found_after_its_second_run(watched, monkeypatch):
    fail_silently(monkeypatch, "acme")
    watched.go(hours=20)
    assert watched.street.state("acme").ran_ok_at is not None
    assert (watched.street.mails("acme"), len(watched.street.mails("other"))) == ([], 1)
    assert watched.keys() == []
    watched.go(hours=8)
    (alert,) = watched.standing()
    assert (alert.company, alert.key) == ("acme", "unsent")
    assert alert.text.startswith("2 items should have been written about")
    assert alert.since < watched.street.clock.now() - timedelta(hours=20)
    monkeypatch.undo()
    watched.go(hours=24)
    assert len(watched.street.mails("acme")) == 2
    assert watched.keys() == []


def test_what_came_into_the_books_after_the_run_is_no_failure(watched):
    watched.go(hours=5)
    books = watched.street.folder / "books" / "acme" / "invoices.csv"
    late = "late,Late S.L.,late@example.com,2026-10-01,2026-11-10,70.00,70.00\n"
    books.write_text(books.read_text(encoding="utf-8") + late, encoding="utf-8")
    watched.go(hours=23)
    assert any("late" in name for name in watched.street.mails("acme"))
    assert watched.keys() == []


@pytest.mark.parametrize(
    "words",
    [
        "mode: approve",
        "mode: shadow",
        "sending: {holidays: [2026-11-23, 2026-11-24, 2026-11-25, 2026-11-26]}\nmode: live",
        "sending: {daily_limit: 1}\nmode: live",
        "customers: [{match: {names: ['*']}, exclude: {reason: a pact}}]\nmode: live",
        "schedule: {automatic: false}\nmode: live",
    ],
)
def test_what_waits_for_a_reason_is_no_failure(street, words):
    street.company("acme", **{f"a{n}": ("2026-11-18", "100.00") for n in range(6)})
    street.policy("acme", POLICY.format(name="acme", zone="Europe/Madrid").replace("mode: live", words))
    street.host.look_around()
    watched = Watched(street, step=timedelta(hours=1))
    watched.go(hours=28)
    assert {"unsent", "silent"}.isdisjoint(watched.keys())


def test_what_fell_out_at_the_last_look_is_no_failure(watched, monkeypatch):
    def judged(attempt, *_):
        items = attempt.action.items
        dropped = tuple(Skipped(e.item.id, e.item.number, e.item.customer_id, SkipReason.SETTLED_MEANWHILE, "paid") for e in items)
        return SimpleNamespace(action=None, dropped=dropped)

    monkeypatch.setattr(Acting, "_judge", lambda self, attempt, *more: judged(attempt, *more))
    watched.go(hours=30)
    assert watched.street.mails("acme") == []
    assert watched.keys() == []


def test_a_company_that_is_never_run_is_silent_and_its_books_go_stale(watched, monkeypatch):
    watched.go(hours=4)
    monkeypatch.setattr(type(watched.street.working), "due", lambda *_: None)
    watched.go(hours=8)
    assert set(watched.keys()) == {"stale", "behind"}
    watched.go(hours=42)
    assert sorted(watched.keys("acme")) == ["silent", "stale"]
    monkeypatch.undo()
    watched.go(hours=24)
    assert watched.keys() == []


def test_a_machine_that_slept_over_the_weekend_is_not_scolded(watched):
    watched.go(hours=6)
    watched.street.clock.at += timedelta(days=3)
    watched.beat()
    assert watched.keys() == []
    watched.go(hours=26)
    assert (watched.keys(), watched.subjects()) == ([], ["Puntual: all is well"] * 3)


def test_a_plan_that_cannot_be_made_is_the_trouble_of_its_company(watched, monkeypatch, caplog):
    real = running.plan_of
    monkeypatch.setattr(
        "puntual.core.hosting.expecting.plan_of", lambda desk, *a, **k: 1 / 0 if desk.company == "acme" else real(desk, *a, **k)
    )
    fail_silently(monkeypatch, "other")
    watched.go(hours=28)
    assert watched.keys() == ["unsent"]
    assert "ZeroDivisionError" not in " ".join(alert.text for alert in watched.standing())


@BOTH
def test_a_survey_counts_what_stands_in_the_history(watched):
    watched.go(hours=4)
    with writing(watched.street.engine) as conn:
        conn.execute(update(attempts).where(attempts.c.company == "acme").values(status="unknown"))
        set_state(conn, "other", failures=3)
    found = {one.company: one for one in survey(watched.street.roster).companies}
    assert (found["acme"].numbers.unknown.count, found["other"].numbers.unknown.count) == (2, 0)
    assert found["acme"].numbers.unknown.since < watched.street.clock.now()
    assert (found["other"].state.failures, found["acme"].expected.ledger) == (3, "files")
    watched.go(hours=26)
    assert "unknown" in watched.keys("acme")


@pytest.mark.parametrize("street", ["postgresql"], indirect=True)
def test_the_clock_of_the_database_is_compared_with_ours(street):
    with reading(street.engine) as conn:
        assert abs(clock_skew(conn)) < timedelta(seconds=5)
