"""Backups of a database that others write to, brought back only whole, only where nobody is at work; and tables made by one process."""

import os
import signal
import sqlite3
import subprocess
import sys
import warnings
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from history.databases import migrated_database
from history.sample_books import AT, COMPANY, invoice, store
from history.test_history_upgrade import lived
from puntual.core.errors import TryLater
from puntual.core.history import backup as backups
from puntual.core.history.audit import append, verify
from puntual.core.history.backup import BackupUnusable, PlaceTaken, SomebodyIsAtWork, backup, erased_in, restore
from puntual.core.history.books import ensure_company
from puntual.core.history.database import DatabaseUnusable, level_of, levels, migrate, open_database, reading, writing
from puntual.core.history.read import books_state
from puntual.core.history.runs import take_lease
from puntual.core.history.tables import companies
from sqlalchemy import create_engine, select, text, update

HERE = Path(__file__).parents[1]


def nobody(_):
    return False


@pytest.fixture
def source(tmp_path):
    """A database in which something happened to every table."""
    path = tmp_path / "puntual.db"
    engine = open_database(f"sqlite:///{path}")
    with writing(engine) as conn:
        lived(conn)
        append(conn, COMPANY, AT, [("entry", {}), ("entry", {})])
    engine.dispose()
    return path


def rows(path):
    with sqlite3.connect(path) as conn:
        names = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found = {name: sorted(map(str, conn.execute(f"SELECT * FROM {name}"))) for name in names}
    conn.close()
    return found


def test_a_copy_is_one_file_for_its_owner_alone_with_every_row(source, tmp_path):
    copied = backup(source, tmp_path / "kept.db")
    assert (copied.companies, copied.entries > 3, copied.size) == (1, True, (tmp_path / "kept.db").stat().st_size)
    assert (tmp_path / "kept.db").stat().st_mode & 0o777 == 0o600
    assert rows(tmp_path / "kept.db") == rows(source)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("puntual.db")) == ["kept.db"]


def test_a_copy_made_while_others_write_is_of_one_moment(source, tmp_path):
    """Each transaction of the writer adds an entry and moves the company's number with it; in a copy both always agree."""
    engine, stop, started = open_database(f"sqlite:///{source}"), Event(), Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            with writing(engine) as conn:
                append(conn, COMPANY, AT, [("written", {"n": number, "pad": "x" * 3000})])
                conn.execute(update(companies).values(pass_number=companies.c.pass_number + 1))
            started.set()

    writer = Thread(target=write)
    writer.start()
    assert started.wait(30)
    counts = []
    for number in range(5):
        counts.append(backup(source, tmp_path / f"{number}.db").entries)
        opened = create_engine(f"sqlite:///{tmp_path / f'{number}.db'}")
        with opened.connect() as conn:
            passes = conn.execute(select(companies.c.pass_number)).scalar_one()
            known = conn.execute(text("SELECT count(*) FROM audit WHERE kind = 'written'")).scalar_one()
        opened.dispose()
        assert passes == known
    stop.set()
    writer.join()
    engine.dispose()
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_a_copy_that_cannot_be_finished_leaves_nothing_and_keeps_what_was_there(source, tmp_path, monkeypatch):
    backup(source, tmp_path / "kept.db")
    before = (tmp_path / "kept.db").read_bytes()
    with pytest.raises(PlaceTaken):
        backup(source, tmp_path / "kept.db")
    with pytest.raises(PlaceTaken, match="database itself"):
        backup(source, source, force=True)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_put", full)
    with pytest.raises(OSError, match="space"):
        backup(source, tmp_path / "kept.db", force=True)
    assert (tmp_path / "kept.db").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    with pytest.raises(BackupUnusable, match="no folder"):
        backup(source, tmp_path / "missing" / "kept.db")
    with pytest.raises(BackupUnusable, match="no database"):
        backup(tmp_path / "missing.db", tmp_path / "other.db")


def test_what_comes_back_is_what_was_kept_without_who_was_at_work_and_says_until_when_it_knows(source, tmp_path):
    engine = open_database(f"sqlite:///{source}")
    with writing(engine) as conn:
        take_lease(conn, COMPANY, "r", "elsewhere:1", AT, nobody)
    engine.dispose()
    backup(source, tmp_path / "kept.db")
    new = tmp_path / "new.db"
    assert restore(tmp_path / "kept.db", new, AT, nobody).aside is None
    opened = open_database(f"sqlite:///{new}")
    with reading(opened) as conn:
        assert conn.execute(select(companies.c.run_id, companies.c.run_until)).one() == ("", None)
        assert books_state(conn, COMPANY).restored_to == AT
        assert verify(conn, COMPANY).broken_at is None
    opened.dispose()
    same, kept = rows(new), rows(source)
    assert {name: same[name] for name in same if name != "companies"} == {name: kept[name] for name in kept if name != "companies"}


def broken_page(path):
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    path.write_bytes(data)


def execute(statement):
    def change(path):
        with sqlite3.connect(path) as conn:
            conn.execute(statement)
        conn.close()

    return change


@pytest.mark.parametrize(
    ("harm", "error", "words"),
    [
        (lambda path: path.write_bytes(b"Dear diary"), BackupUnusable, "not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[:20_000]), BackupUnusable, ""),
        (broken_page, BackupUnusable, ""),
        (execute("DROP TABLE alembic_version"), BackupUnusable, "no history of Puntual"),
        (execute("UPDATE alembic_version SET version_num = '9999'"), DatabaseUnusable, "newer Puntual (level 9999"),
        (execute("UPDATE audit SET kind = 'x' WHERE seq = 2"), BackupUnusable, "entry 2 was changed"),
        (execute("DELETE FROM audit WHERE seq > 2"), BackupUnusable, "trail ends"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused(source, tmp_path, harm, error, words):
    backup(source, tmp_path / "kept.db")
    harm(tmp_path / "kept.db")
    with pytest.raises(error) as caught:
        restore(tmp_path / "kept.db", tmp_path / "new.db", AT, nobody)
    assert words in str(caught.value)
    assert not (tmp_path / "new.db").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_backup_of_an_older_version_comes_back_up_to_date(tmp_path):
    old = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(old, "0001")
    with old.begin() as conn:
        conn.exec_driver_sql("INSERT INTO companies VALUES ('acme', '', 0, NULL, NULL, NULL, '', '', NULL, 0, '')")
    old.dispose()
    assert restore(tmp_path / "old.db", tmp_path / "new.db", AT, nobody).companies == 1
    opened = create_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with opened.connect() as conn:
        assert level_of(conn) == levels()[-1]
    opened.dispose()
    assert erased_in(tmp_path / "old.db") == {}


def test_nothing_is_replaced_while_somebody_works_and_then_it_is_kept_aside(source, tmp_path):
    backup(source, tmp_path / "kept.db")
    engine = open_database(f"sqlite:///{source}")
    with writing(engine) as conn:
        append(conn, COMPANY, AT, [("later", {})])
    with pytest.raises(SomebodyIsAtWork, match="Stop every worker"):
        restore(tmp_path / "kept.db", source, AT, nobody, replace=True)
    with writing(engine) as conn:
        take_lease(conn, COMPANY, "r", "elsewhere:1", AT, nobody)
    engine.dispose()
    with pytest.raises(SomebodyIsAtWork, match="elsewhere:1 works on acme"):
        restore(tmp_path / "kept.db", source, AT, lambda _: True, replace=True)
    later = rows(source)
    source.chmod(0o640)
    with pytest.raises(PlaceTaken):
        restore(tmp_path / "kept.db", source, AT, nobody)
    copied = restore(tmp_path / "kept.db", source, AT + timedelta(hours=1), lambda _: True, replace=True)
    assert rows(copied.aside) == later
    assert (source.stat().st_mode & 0o777, copied.aside.name) == (0o640, "puntual.db.before-20260513T110000Z")
    assert len(rows(source)["audit"]) == len(later["audit"]) - 1
    (tmp_path / "gone.db-wal").write_bytes(b"x")
    for replace in (True, False):
        with pytest.raises(PlaceTaken):
            restore(tmp_path / "kept.db", tmp_path / "gone.db", AT, nobody, replace=replace)


def test_a_process_that_is_idle_is_seen_too(source, tmp_path):
    """A worker that waits for the clock holds no lease, and would go on writing into the file that was put aside."""
    backup(source, tmp_path / "kept.db")
    code = (
        "import sys; from puntual.core.history.database import open_database, reading; from sqlalchemy import text\n"
        "engine = open_database(sys.argv[1])\nwith reading(engine) as conn: conn.execute(text('SELECT 1 FROM companies'))\n"
        "print('idle', flush=True); sys.stdin.readline()"
    )
    open_database(f"sqlite:///{source}").dispose()
    worker = _child(code, f"sqlite:///{source}")
    assert worker.stdout.readline() == "idle\n"
    with pytest.raises(SomebodyIsAtWork):
        restore(tmp_path / "kept.db", source, AT, nobody, replace=True)
    worker.communicate("end\n")


@pytest.fixture
def tools():
    """PostgreSQL's own programs, of the embedded server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver

    return str(Path(pgserver.__file__).parent / "pginstall" / "bin")


def test_the_commands_for_postgresql_do_what_they_say(tmp_path, tools):
    dump = tmp_path / "kept.dump"
    with migrated_database("postgresql", tmp_path) as url, migrated_database("postgresql", tmp_path) as empty:
        engine = open_database(url)
        with writing(engine) as conn:
            lived(conn)
        environment = {**os.environ, "PATH": tools}
        subprocess.run(backups.postgresql_backup(url, dump), env=environment, check=True)
        target = open_database(empty)
        with target.begin() as conn:
            conn.exec_driver_sql("DROP SCHEMA public CASCADE")
            conn.exec_driver_sql("CREATE SCHEMA public")
        target.dispose()
        for command in backups.postgresql_restore(empty, dump):
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        back = open_database(empty)
        for opened in (engine, back):
            with reading(opened) as conn:
                report = verify(conn, COMPANY)
                assert (report.broken_at, report.entries) == (None, 2)
                assert books_state(conn, COMPANY).restored_to == (AT if opened is back else None)
        back.dispose()
        engine.dispose()


# Several programs at one database


MIGRATING = """
import sys
from puntual.core.history import database
from sqlalchemy import create_engine
engine = create_engine(database._with_driver(sys.argv[1]))
if engine.dialect.name == "sqlite":
    database._prepare_sqlite(engine)
if sys.argv[2] == "dies":
    upgrade = database.command.upgrade
    def slow(*args):
        upgrade(*args)
        print("half way", flush=True)
        sys.stdin.readline()
    database.command.upgrade = slow
print("ready", flush=True)
sys.stdin.readline()
print(database.migrate(engine), flush=True)
"""


def _child(code, *words):
    return subprocess.Popen([sys.executable, "-c", code, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE)


def _go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.parametrize("level", ["", "0001"])
def test_of_processes_that_start_together_one_makes_the_tables(empty_url, level):
    if level:
        old = create_engine(empty_url.replace("postgresql:", "postgresql+psycopg:"))
        migrate(old, level)
        old.dispose()
    made = [_child(MIGRATING, empty_url, "") for _ in range(4)]
    assert [process.stdout.readline() for process in made] == ["ready\n"] * 4
    for process in made:
        _go(process)
    said = sorted(process.communicate()[0] for process in made)
    assert said == ["False\n"] * 3 + ["True\n"]
    assert [process.returncode for process in made] == [0] * 4


def test_when_it_is_killed_half_way_nothing_of_it_stays_and_the_next_does_it_all(empty_url):
    dying, next_one = _child(MIGRATING, empty_url, "dies"), _child(MIGRATING, empty_url, "")
    assert [process.stdout.readline() for process in (dying, next_one)] == ["ready\n"] * 2
    _go(dying)
    assert dying.stdout.readline() == "half way\n"
    _go(next_one)
    dying.send_signal(signal.SIGKILL)
    dying.wait()
    assert next_one.communicate()[0] == "True\n"
    engine = open_database(empty_url)
    with writing(engine) as conn:
        ensure_company(conn, COMPANY)
        store(conn, invoice())
        assert level_of(conn) == levels()[-1]
    engine.dispose()


def test_an_older_program_refuses_a_newer_database_with_words(empty_url):
    engine = open_database(empty_url)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseUnusable, match=f"newer Puntual .level 9999; this one knows {levels()[-1]}") as caught:
        open_database(empty_url)
    assert not isinstance(caught.value, TryLater)


def test_a_database_that_is_up_to_date_is_opened_without_waiting_for_who_writes(tmp_path):
    with migrated_database("sqlite", tmp_path) as url:
        engine = open_database(url)
        with writing(engine):
            open_database(url).dispose()
        engine.dispose()
