"""The database itself: migrations on both systems, by several processes at once, instants, and what is wrong with it in words."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from history.databases import migrated_database
from history.sample_books import AT, COMPANY, invoice, item, store
from puntual.core.errors import CompanyMustAct, TryLater
from puntual.core.history import database, hosting_tables, migrations
from puntual.core.history.books import ensure_company, note_synced
from puntual.core.history.database import DatabaseBusy, DatabaseUnusable, migrate, open_database, reading, trouble_of, writing
from puntual.core.history.read import books_state
from puntual.core.history.tables import companies, metadata
from sqlalchemy import inspect, text, update
from sqlalchemy.exc import OperationalError, StatementError

NEWEST = max(path.name[:4] for path in Path(migrations.__file__).parent.glob("versions/[0-9]*.py"))


ALL_TABLES = {*metadata.tables, *hosting_tables.metadata.tables}


def test_migrations_make_the_tables_of_the_metadata_from_nothing_and_change_nothing_the_second_time(empty_url):
    engine = open_database(empty_url)
    with reading(engine) as conn:
        assert set(inspect(conn).get_table_names()) == ALL_TABLES | {"alembic_version"}
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata) == []
        before = _schema(conn)
    migrate(engine)
    with reading(engine) as conn:
        assert _schema(conn) == before
    engine.dispose()


def _schema(conn):
    looked_at = inspect(conn)
    return {name: (str(looked_at.get_columns(name)), str(looked_at.get_indexes(name))) for name in looked_at.get_table_names()}


def test_rows_survive_another_opening(empty_url):
    engine = open_database(empty_url)
    with writing(engine) as conn:
        ensure_company(conn, COMPANY)
        store(conn, invoice())
    engine.dispose()
    again = open_database(empty_url)
    with reading(again) as conn:
        assert item(conn, "i1/1").outstanding_minor == 10_000
    again.dispose()


def test_processes_that_migrate_at_the_same_moment_do_not_meet(empty_url):
    """Three processes wait for the same line and then open the empty database; all must succeed."""
    code = (
        "import sys; from puntual.core.history.database import open_database; print('ready', flush=True); sys.stdin.readline(); "
        "open_database(sys.argv[1]).dispose(); print('done')"
    )
    made = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in made:
        assert process.stdout.readline() == "ready\n"
    for process in made:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [(process.communicate(), process.returncode) for process in made] == [(("done\n", ""), 0)] * 3
    engine = open_database(empty_url)
    with reading(engine) as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [NEWEST]
    engine.dispose()


def test_instants_come_back_aware_and_in_utc(engine):
    madrid = timezone(timedelta(hours=2))
    with writing(engine) as conn:
        note_synced(conn, COMPANY, datetime(2026, 5, 13, 12, 30, 15, 250_000, tzinfo=madrid))
    with reading(engine) as conn:
        read = books_state(conn, COMPANY).synced_at
    assert (read, read.tzinfo) == (datetime(2026, 5, 13, 10, 30, 15, 250_000, tzinfo=UTC), UTC)


def test_an_instant_without_a_zone_is_refused(engine):
    with pytest.raises(StatementError, match="needs its zone"), writing(engine) as conn:
        note_synced(conn, COMPANY, datetime(2026, 5, 13, 12))


def test_a_writing_transaction_is_whole_or_nothing(engine):
    def write_and_die():
        with writing(engine) as conn:
            note_synced(conn, COMPANY, AT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_die()
    with reading(engine) as conn:
        assert books_state(conn, COMPANY).synced_at is None


def test_reading_sees_one_moment_while_somebody_writes(tmp_path):
    with migrated_database("sqlite", tmp_path) as url:
        engine = open_database(url)
        with writing(engine) as conn:
            ensure_company(conn, COMPANY)
        with reading(engine) as reader:
            assert books_state(reader, COMPANY).synced_at is None
            with writing(engine) as writer:
                note_synced(writer, COMPANY, AT)
            assert books_state(reader, COMPANY).synced_at is None
        engine.dispose()


def test_sqlite_writes_ahead_and_waits_for_the_disk(tmp_path):
    with migrated_database("sqlite", tmp_path) as url:
        engine = open_database(url)
        with reading(engine) as conn:
            pragmas = [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
        engine.dispose()
    assert pragmas == ["wal", 2, 1]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "oracle://x/y",
        "sqlite+nothing:///x.db",
        "postgresql://host:port/name",
        "",
        "postgresql+wrong://user:top-secret@host/name",
    ],
)
def test_a_url_that_nobody_understands_is_said_without_showing_it(url):
    with pytest.raises(DatabaseUnusable) as caught:
        open_database(url)
    assert "not understood" in str(caught.value)
    assert "top-secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_for_a_person(tmp_path):
    (tmp_path / "history.db").write_bytes(b"Dear diary, " * 500)
    with pytest.raises(DatabaseUnusable, match="not a database"):
        open_database(f"sqlite:///{tmp_path / 'history.db'}")


@pytest.mark.parametrize("place", ["missing/folder/history.db", "."])
def test_a_place_where_no_file_can_be_is_for_a_person(tmp_path, place):
    with pytest.raises(CompanyMustAct) as caught:
        open_database(f"sqlite:///{tmp_path / place}")
    assert caught.value.exit_code == 1


def test_a_file_that_cannot_be_written_is_for_a_person(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'history.db'}")

    def write():
        with writing(engine) as conn:
            conn.exec_driver_sql("PRAGMA query_only = ON")
            ensure_company(conn, COMPANY)

    with pytest.raises(OperationalError) as caught:
        write()
    engine.dispose()
    trouble = trouble_of(caught.value)
    assert isinstance(trouble, DatabaseUnusable)
    assert "readonly" in str(trouble)


def test_a_locked_file_is_worth_trying_again(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_MILLISECONDS", 1)
    engine = open_database(f"sqlite:///{tmp_path / 'history.db'}")
    with writing(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with writing(engine) as conn:
        conn.execute(update(companies).values(run_id=""))
        with pytest.raises(DatabaseBusy, match="locked") as caught:
            open_database(f"sqlite:///{tmp_path / 'history.db'}")
    engine.dispose()
    assert isinstance(caught.value, TryLater)


def test_a_server_that_is_not_there_is_worth_trying_again_and_its_password_is_not_shown():
    with pytest.raises(DatabaseBusy) as caught:
        open_database("postgresql://puntual:top-secret@127.0.0.1:1/history")
    assert "top-secret" not in str(caught.value)
    assert caught.value.exit_code == 75


def test_a_database_that_the_server_does_not_have_is_for_a_person(tmp_path):
    with migrated_database("postgresql", tmp_path) as url, pytest.raises(DatabaseUnusable, match="does not exist"):
        open_database(url.replace("/t", "/missing", 1))
