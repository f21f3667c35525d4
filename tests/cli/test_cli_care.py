"""Backup, restore, erasing and pruning as a person types them, on books that were really run."""

import gc
import json
import sqlite3
from datetime import UTC, date, datetime, timedelta

import pytest
from history.databases import migrated_database
from history.sample_books import TODAY
from puntual.core.history.books import ensure_company
from puntual.core.history.database import open_database, reading, writing
from puntual.core.history.rows import customer_values
from puntual.core.history.tables import customers
from puntual.core.receivables import Customer
from puntual.core.worker.clock import FixedClock
from puntual.core.worker.erasing import A_PULSE, Retention
from sqlalchemy import func, select, update

NEXT_WEEK = TODAY + timedelta(days=7)


@pytest.fixture
def ran(desktop):
    """F-1 and F-3 were asked for; then c1 paid everything."""
    desktop.on("run", "acme")
    desktop.invoices(
        f"F-1,c1,2026-04-12,2026-05-12,100.00,EUR,{TODAY}", f"F-2,c1,2026-05-01,2026-06-30,50.00,EUR,{TODAY}",
        "F-3,c2,2026-04-04,2026-05-04,70.00,EUR,",
    )  # fmt: skip
    desktop.on("sync", "acme")
    return desktop


def restore(desktop, *words, code=0):
    """As in a process of its own, where no command of before has the database open any more."""
    gc.collect()
    return desktop.puntual("restore", *map(str, words), code=code)


def test_a_backup_brings_everything_back_into_an_empty_place(ran, tmp_path):
    said = ran.puntual("backup", str(tmp_path / "kept.db"))
    assert "1 company" in said
    assert "PUNTUAL_KEYS" in said
    trail = ran.puntual("history", "acme")
    assert "is there" in ran.puntual("backup", str(tmp_path / "kept.db"), code=1)
    assert "is there" in ran.puntual("restore", str(tmp_path / "kept.db"), code=1)
    ran.puntual("backup", str(tmp_path / "kept.db"), "--force")
    for path in ran.folder.glob("puntual.db*"):
        path.unlink()
    assert "all whole" in ran.puntual("restore", str(tmp_path / "kept.db"))
    assert ran.puntual("history", "acme") == trail
    ran.puntual("verify", "acme")


def test_what_went_out_after_the_backup_is_not_sent_again_before_a_person_looked(desktop, tmp_path):
    desktop.on("sync", "acme")
    desktop.puntual("backup", str(tmp_path / "kept.db"))
    desktop.on("run", "acme")
    sent = desktop.mails()
    assert len(sent) == 2
    said = restore(desktop, tmp_path / "kept.db", "--replace")
    assert "puntual.db.before-" in said
    assert "came back from a backup" in desktop.on("run", "acme", code=1)
    assert desktop.mails() == sent
    desktop.on("hold", "acme", "F-1", "--reason", "went out before the restore")
    said = desktop.on("run", "acme", "--confirm")
    assert "1 notice sent" in said
    assert "F-1" not in said
    assert "came back" not in desktop.on("run", "acme", day=NEXT_WEEK)


def test_who_was_erased_after_the_backup_is_erased_again_after_the_restore(ran, tmp_path):
    ran.puntual("backup", str(tmp_path / "kept.db"))
    ran.puntual("erase", "acme", "--customer", "Talleres Uno", "--reason", "asked for")
    assert "erased again: 1." in restore(ran, tmp_path / "kept.db", "--replace")
    assert "Talleres Uno" not in ran.puntual("history", "acme")
    assert b"c1@example.com" not in (ran.folder / "puntual.db").read_bytes()
    assert "The audit trail is whole" in ran.puntual("verify", "acme")


def test_erasing_says_what_it_did_and_what_it_cannot_do(ran):
    with (ran.folder / "companies" / "acme.yaml").open("a", encoding="utf-8") as policy:
        policy.write("customers:\n  - {match: {names: [Talleres Uno]}, procedure: standard}\n")
    assert "c1@example.com" in ran.puntual("export-customer", "acme", "--customer", "c1")
    said = ran.puntual("erase", "acme", "--customer", "c1", "--reason", "asked for by mail")
    assert "Talleres Uno (c1). 2 documents stay" in said
    assert "acme.yaml:" in said
    assert "erased from" in ran.puntual("verify", "acme")
    assert "0 customers are called 'c1'" in ran.puntual("erase", "acme", "--customer", "c1", "--reason", "again", code=1)
    ran.on("sync", "acme")
    ran.on("run", "acme", day=NEXT_WEEK)
    assert "c1@example.com" not in ran.puntual("history", "acme")
    ran.invoices("F-9,c1,2026-05-01,2026-05-12,30.00,EUR,", "F-3,c2,2026-04-04,2026-05-04,70.00,EUR,")
    ran.on("run", "acme", day=NEXT_WEEK + timedelta(days=1))
    assert any("c1@example.com" in mail and "F-9" in mail for mail in ran.mails())


def test_what_a_customer_may_ask_for_is_json_and_of_that_customer_alone(ran):
    found = json.loads(ran.puntual("export-customer", "acme", "--customer", "c1"))
    assert {row["number"] for row in found["items"]} == {"F-1", "F-2"}
    assert [row["recipient"] for row in found["attempts"]] == ["c1@example.com"]
    assert not any(theirs in json.dumps(found) for theirs in ('"c2"', "c2@", "F-3"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("erase", "acme", "--customer", "c2", "--reason", "x"), 1, "invoice F-3 is open"),
        (("erase", "acme", "--customer", "nobody", "--reason", "x"), 1, "0 customers are called 'nobody'"),
        (("erase", "amce", "--customer", "c1", "--reason", "x"), 1, "knows no company 'amce'"),
        (("erase", "acme", "--customer", "c1"), 2, "--reason"),
        (("export-customer", "acme", "--customer", "nobody"), 1, "0 customers"),
        (("restore", "no-such-file.db"), 1, "no file"),
        (("prune", "--years", "0"), 2, "--years"),
        (("prune",), 0, "no retention"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(ran, words, code, said):
    before = ran.puntual("history", "acme")
    assert said in ran.puntual(*words, code=code)
    assert ran.puntual("history", "acme") == before


def test_pruning_erases_only_whose_time_is_over(ran):
    engine = open_database(f"sqlite:///{ran.folder / 'puntual.db'}")
    with writing(engine) as conn:
        conn.execute(update(customers).values(known_on=TODAY.replace(year=2016), last_contact_on=None))
        for table, column in (
            ("items", "due_date"),
            ("items", "issued_on"),
            ("items", "settled_on"),
            ("items", "level_on"),
            ("attempts", "as_of"),
        ):
            conn.exec_driver_sql(f"UPDATE {table} SET {column} = '2016-05-01'")
    engine.dispose()
    (ran.folder / "puntual.yaml").write_text("retention: {years: 6}\n", encoding="utf-8")
    assert "acme: 1 customers would be erased" in ran.puntual("prune", "--dry-run")
    assert "c1@example.com" in ran.puntual("history", "acme")
    assert "1 customers erased" in ran.puntual("prune")
    assert "c1@example.com" not in ran.puntual("history", "acme")
    assert "0 customers erased" in ran.puntual("prune")
    ran.puntual("verify", "acme")


def test_on_postgresql_the_commands_are_told_without_the_password(desktop, monkeypatch):
    monkeypatch.setenv("PUNTUAL_DATABASE", "postgresql://ana:top-secret@db.example:5433/puntual?sslmode=require&password=top-secret")
    for words, tool in ((("backup", "kept.dump"), "pg_dump"), (("restore", "kept.dump"), "pg_restore")):
        said = desktop.puntual(*words, code=1)
        assert tool in said
        assert "postgresql://ana@db.example:5433/puntual?sslmode=require" in said
        assert "top-secret" not in said


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_host_looks_once_a_day_and_of_two_workers_one(kind, tmp_path):
    with migrated_database(kind, tmp_path) as url:
        engine = open_database(url)
        with writing(engine) as conn:
            for number in range(A_PULSE + 5):
                ensure_company(conn, f"c{number:02}")
                old = {"company": f"c{number:02}", "last_contact_how": "", "known_on": date(2010, 1, 1)}
                conn.execute(customers.insert().values(**old, **customer_values(Customer("x", "Old", "a@x.example"))))
        clock, told = FixedClock(datetime(2026, 5, 13, 10, tzinfo=UTC)), []
        one, two = (Retention(engine, clock, 6, name, told.append) for name in ("one", "two"))
        for _ in range(4):
            one.beat()
            two.beat()
        assert [len(pruned.customers) for pruned in told] == [A_PULSE, 5]
        with reading(engine) as conn:
            assert conn.execute(select(func.count()).where(customers.c.name == "Old")).scalar_one() == 0
        clock.at += timedelta(days=1)
        two.beat()
        one.beat()
        assert len(told) == 3
        engine.dispose()


def test_a_damaged_backup_is_refused_and_nothing_is_touched(ran, tmp_path):
    kept = tmp_path / "kept.db"
    ran.puntual("backup", str(kept))
    before = ran.puntual("history", "acme")
    with sqlite3.connect(kept) as conn:
        conn.execute("UPDATE audit SET data = '{}' WHERE seq = 2")
    conn.close()
    assert "does not hold together: entry 2" in ran.puntual("restore", str(kept), "--replace", code=1)
    assert ran.puntual("history", "acme") == before
    assert list(ran.folder.glob("*.before-*")) == []
