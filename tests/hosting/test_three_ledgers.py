"""One worker and three companies, whose books are in Odoo, QuickBooks and Xero, the stand-ins of these: two days, with restarts."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import Books
from hosting.street import MONDAY, Street
from odoo.stub_harness import StubHarness
from puntual.core.history.database import open_database, writing
from puntual.core.history.hosting import ensure_states
from puntual.core.history.hosting_tables import company_states
from puntual.core.history.sealing import new_key
from puntual.core.secret import Secret
from puntual.core.worker import clock
from puntual.core.worker.clock import Clock, FixedClock, SystemClock, local_now
from puntual.core.worker.wiring import desk_of
from qbo_harness import QboHarness
from sqlalchemy import update
from suite.sample import a_customer, a_payment, an_invoice
from xero.xero_harness import XeroHarness

HARNESSES: dict[str, type[Any]] = {"odoo": StubHarness, "quickbooks": QboHarness, "xero": XeroHarness}
OWED = ("ana", "bea")
POLICY = """\
company: {{name: "Company on {name}", country: ES, locale: es_ES, time_zone: {zone}}}
ledger: {ledger}
mail: {{from: Cobros <cobros@{name}.example>, signature: {{name: Marta Soler}}, folder: outbox/{name}}}
mode: live
go_live: {{date: {go_live}, old_debt: ignore}}
schedule: {{run_at: ["{run_at}"], sync_every_minutes: {minutes}}}
sending: {{days: [mon, tue, wed, thu, fri, sat, sun], skip_public_holidays: false, earliest: "00:00", latest: "23:59"}}
payment_details: {{EUR: {{iban: ES9121000418450200051332}}}}
guard: {{max_days_without_payment: 366}}
procedures: {{standard: {{levels: [{{key: reminder, days: 1, notice: reminder}}]}}}}
"""


class ThreeBooks:
    """The books, one of each ledger, by `clock`, and a folder with a policy for each. `env` has what the policies refer to."""

    def __init__(self, folder: Path, at: Clock, zone: str, run_at: str, minutes: int = 60) -> None:
        self.folder, self.clock = folder, at
        self.env = {"PUNTUAL_KEYS": new_key().reveal()}
        self.today = local_now(at, zone).date()
        self.harnesses: dict[str, Any] = {}
        self.ids: dict[str, Any] = {}
        (folder / "companies").mkdir()
        for name, kind in HARNESSES.items():
            harness = self.harnesses[name] = type("Dated", (kind,), {"now": lambda _: at.now(), "today": self.today})()
            self.ids[name] = harness.seed(self._owed())
            said = {"type": name} | {key: self._said(name, key, value) for key, value in self._settings(harness).items()}
            facts = {"ledger": json.dumps(said), "go_live": self.today - timedelta(days=300), "run_at": run_at, "minutes": minutes}
            (folder / "companies" / f"{name}.yaml").write_text(POLICY.format(name=name, zone=zone, **facts), encoding="utf-8")

    def _owed(self) -> Books:
        people = (*(a_customer(who, name=f"Talleres {who}", email=f"{who}@run.example") for who in OWED), a_customer("other", name="Other"))
        owed = tuple(an_invoice(who, "100.00", customer=who, due=self.today - timedelta(days=3)) for who in OWED)
        paid = a_payment("earlier", "1.00", customer="other", unapplied="1.00", on=self.today - timedelta(days=1))
        return Books(customers=people, invoices=owed, payments=(paid,))

    @staticmethod
    def _settings(harness: Any) -> dict[str, Any]:
        return dict(harness.settings(page_size=100).model_dump(exclude_defaults=True))

    def _said(self, name: str, key: str, value: Any) -> Any:
        if not isinstance(value, Secret):
            return value
        variable = f"THREE_{name}_{key}".upper()
        self.env[variable] = value.reveal()
        return f"${{{variable}}}"

    def connect(self) -> None:
        """What `puntual connect` comes to. The environment must be there."""
        for name in ("quickbooks", "xero"):
            desk = desk_of(self.folder, name, self.clock)
            self.harnesses[name].new()
            assert desk.vault is not None
            desk.vault.store(self.harnesses[name].vault.current(), "eva")
            desk.engine.dispose()

    def mails(self) -> dict[str, int]:
        return {name: len(list((self.folder / "outbox" / name).glob("*.eml"))) for name in HARNESSES}

    def notes(self) -> dict[str, list[int]]:
        """How many notes there are on each invoice."""
        return {name: [len(books.notes(self.ids[name].invoices[who])) for who in OWED] for name, books in self.harnesses.items()}

    def close(self) -> None:
        for books in self.harnesses.values():
            books.close()


ALL_ONCE = (dict.fromkeys(HARNESSES, 2), {name: [1] * len(OWED) for name in HARNESSES})


@contextmanager
def three_books(*given: Any, **more: Any) -> Iterator[ThreeBooks]:
    made = ThreeBooks(*given, **more)
    try:
        yield made
    finally:
        made.close()


def test_two_days_of_three_ledgers_with_restarts_in_between(tmp_path, monkeypatch):
    now = FixedClock(MONDAY)
    monkeypatch.setattr(clock.SystemClock, "now", lambda _: now.at)
    url = f"sqlite:///{tmp_path / 'puntual.db'}"
    with three_books(tmp_path, now, "Europe/Madrid", "09:30") as books:
        for name, value in {**books.env, "PUNTUAL_DATABASE": url}.items():
            monkeypatch.setenv(name, value)
        books.connect()
        street = Street(tmp_path, url)
        street.clock = now
        street.start()
        try:
            _two_days(street, books)
        finally:
            street.engine.dispose()


def _two_days(street: Street, books: ThreeBooks) -> None:
    street.host.look_around()
    street.go(hours=2)
    assert books.mails() == dict.fromkeys(HARNESSES, 0)
    street.start()
    street.host.look_around()
    street.go(hours=2)
    assert (books.mails(), books.notes()) == ALL_ONCE
    for _ in range(4):
        street.start()
        street.host.look_around()
        street.go(hours=11)
    assert (books.mails(), books.notes()) == ALL_ONCE
    for name in HARNESSES:
        assert (street.state(name).trouble, street.state(name).failures) == ("", 0)
        assert street.state(name).ran_ok_at > MONDAY + timedelta(days=1)


class Process:
    """A real `puntual worker`, whose log is read line by line."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        words = [sys.executable, "-c", "from puntual.core.cli.main import main; main()", "worker", "--dir", str(folder)]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**os.environ, **env}, cwd=folder)
        self.told: list[dict[str, Any]] = []

    def until_runs(self, count: int) -> list[dict[str, Any]]:
        """Read until so many runs ended; what was told of them."""
        assert self.process.stderr is not None
        while len(self.runs()) < count and (line := self.process.stderr.readline()):
            self.told.append(json.loads(line))
        return self.runs()

    def runs(self) -> list[dict[str, Any]]:
        return [told for told in self.told if told["event"] == "job ended" and told["job"] == "run"]

    def end(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr is not None
        self.told += [json.loads(line) for line in self.process.stderr.read().splitlines()]
        return self.process.wait(40)


@pytest.fixture
def started() -> Iterator[list[Process]]:
    """What was started is not left behind."""
    made: list[Process] = []
    yield made
    for one in made:
        one.process.kill()
        one.process.wait()
        assert one.process.stderr is not None
        one.process.stderr.close()


def noon() -> tuple[str, str]:
    """A zone in which it is noon, and the time there a few minutes ago."""
    zone = f"Etc/GMT{SystemClock().now().hour - 12:+d}"
    return zone, f"{local_now(SystemClock(), zone) - timedelta(minutes=5):%H:%M}"


def known_for_an_hour(url: str) -> None:
    """The worker has known the companies for an hour, and none has run today."""
    engine = open_database(url)
    with writing(engine) as conn:
        ensure_states(conn, HARNESSES, SystemClock().now() - timedelta(hours=1))
        conn.execute(update(company_states).values(run_done_for=None))
    engine.dispose()


def test_the_real_process_is_ended_and_started_again_and_nothing_happens_twice(tmp_path, monkeypatch, started):
    url = f"sqlite:///{tmp_path / 'puntual.db'}"
    (tmp_path / "puntual.yaml").write_text("jitter_minutes: 0\n", encoding="utf-8")
    with three_books(tmp_path, SystemClock(), *noon()) as books:
        books.env["PUNTUAL_DATABASE"] = url
        for name, value in books.env.items():
            monkeypatch.setenv(name, value)
        books.connect()
        for _ in range(2):
            known_for_an_hour(url)
            started.append(Process(tmp_path, books.env))
            assert sorted((run["company"], run["ending"]) for run in started[-1].until_runs(3)) == [(name, "well") for name in HARNESSES]
            assert started[-1].end() == 0
            assert (books.mails(), books.notes()) == ALL_ONCE
    assert [run.get("sent") for run in started[0].runs()] == [2, 2, 2]
    assert [run.get("sent") for run in started[1].runs()] == [None, None, None]
    assert started[1].told[-1]["event"] == "worker stopped"
