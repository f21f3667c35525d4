"""The history database: SQLite in a file by default, PostgreSQL by its URL. Opened, migrated, and written in short transactions."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BindParameter, Connection, Dialect, Engine, Insert, Table, UpdateBase, bindparam, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from ..errors import CompanyMustAct, TryLater

OF_COMPANY: BindParameter[str] = bindparam("of_company")
"""For the statements of what every run does: made once, because to build one anew takes longer than to run it."""
_WRITING = "puntual_writing"
_BUSY_MILLISECONDS = 30_000
_TRIES_TO_SWITCH = 20

_FOR_A_PERSON = (
    # sqlite.org/rescode.html: CANTOPEN, READONLY, FULL, IOERR, and a schema that is not ours
    "unable to open database file",
    "readonly database",
    "disk is full",
    "disk I/O error",
    "no such table",
    "no such column",
    "already exists",
    # postgresql.org/docs/current/errcodes-appendix.html: 28P01, 28000, 3D000, 42501
    "authentication failed",
    "no password supplied",
    "pg_hba.conf",
    "does not exist",
    "permission denied",
)
"""Operational errors that do not pass by themselves."""


class DatabaseUnusable(CompanyMustAct):
    """The history database cannot be used."""


class DatabaseBusy(TryLater):
    """The history database is busy or not reachable."""


def open_database(url: str) -> Engine:
    """The engine for a SQLAlchemy URL, with its tables brought up to date. Raises DatabaseUnusable, DatabaseBusy.

    SQLite runs in WAL mode with synchronous=FULL: an attempt that is marked as begun stays so even when the power fails. What is deleted is
    overwritten, so that nothing of it is found in the file.
    """
    try:
        engine = create_engine(_with_driver(url))
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine)
        migrate(engine)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise DatabaseUnusable("the database URL is not understood; write sqlite:///puntual.db or postgresql://…") from error
    except DBAPIError as error:
        raise trouble_of(error, f"{_shown(url)}: ") from None
    return engine


def trouble_of(error: DBAPIError, where: str = "") -> DatabaseUnusable | DatabaseBusy:
    """What an error of the driver means: busy and unreachable pass by themselves, the rest is for a person."""
    said = (str(error.orig).splitlines() or [""])[0]
    if isinstance(error, OperationalError) and not any(phrase in said for phrase in _FOR_A_PERSON):
        return DatabaseBusy(where + said)
    return DatabaseUnusable(where + said, hint="See to the file or the server that PUNTUAL_DATABASE names; nothing is lost")


def migrate(engine: Engine, revision: str = "head") -> bool:
    """Bring the tables up to date, or up to a revision. Of several processes that start together one does it and the others wait; when it
    dies on the way, nothing of it is there and the next one does it. Returns whether this one did.

    Raises DatabaseUnusable when a newer Puntual made the tables.
    """
    wanted = levels()[-1] if revision == "head" else revision
    with reading(engine) as conn:
        if level_of(conn) == wanted:
            return False
    with writing(engine) as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SELECT pg_advisory_xact_lock(7305418)")
        before = level_of(conn)
        if before is not None and before not in levels():
            raise newer_than_this(before)
        config = _alembic()
        config.attributes["connection"] = conn
        command.upgrade(config, revision)
        return before != wanted


def level_of(conn: Connection) -> str | None:
    """The revision that the tables stand at; None where there are none."""
    return MigrationContext.configure(conn).get_current_revision()


@cache
def levels() -> tuple[str, ...]:
    """The revisions that this program knows, the oldest first."""
    return tuple(one.revision for one in ScriptDirectory.from_config(_alembic()).walk_revisions())[::-1]


def newer_than_this(level: str) -> DatabaseUnusable:
    """What is to be said of tables that this program does not know."""
    said = f"its tables were made by a newer Puntual (level {level}; this one knows {levels()[-1]} and older)"
    return DatabaseUnusable(said, hint="Install that version or a later one on every machine that uses this database; nothing was changed")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all of it is durable at the end, or nothing. On SQLite it takes the write lock at once."""
    with engine.connect().execution_options(**{_WRITING: True}) as conn, conn.begin():
        yield conn


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent view."""
    with engine.connect() as conn, conn.begin():
        yield conn


def upsert(dialect: Dialect, table: Table, *, keep: tuple[str, ...] = (), ignore: bool = False) -> Insert:
    """An insert that replaces the row with the same primary key, but for the columns in `keep`; or leaves it, with `ignore`."""
    return _upsert(dialect.name, table, keep, ignore)


@lru_cache(maxsize=64)
def _upsert(dialect: str, table: Table, keep: tuple[str, ...], ignore: bool) -> Insert:
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    if ignore:
        statement: Insert = insert.on_conflict_do_nothing()
        return statement
    keys = [column.name for column in table.primary_key]
    replaced = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys and c.name not in keep}
    updating: Insert = insert.on_conflict_do_update(index_elements=keys, set_=replaced)
    return updating


def execute_many(conn: Connection, statement: UpdateBase, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement once for each row, past the library's work for each call: rows of a sync come in thousands, mails by the hundred.

    Every row has a value for each of the statement's parameters: plain ints, texts, booleans and dates.
    """
    if not rows:
        return
    text, order, constants = _compiled(statement, conn.dialect, tuple(rows[0]))
    if constants:
        rows = [{**constants, **row} for row in rows]
    if order is None:
        conn.exec_driver_sql(text, [dict(row) for row in rows])
    else:
        conn.exec_driver_sql(text, [tuple(map(row.__getitem__, order)) for row in rows])


@lru_cache(maxsize=256)
def _compiled(statement: UpdateBase, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, list[str] | None, dict[str, Any]]:
    """The text, the order of its parameters where they have no names, and the values that stand in the statement itself."""
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names) if isinstance(statement, Insert) else None)
    return str(compiled), compiled.positiontup, {name: value for name, value in compiled.params.items() if name not in names}


def _with_driver(url: str) -> str:
    return "postgresql+psycopg" + url[url.index(":") :] if url.startswith(("postgresql:", "postgres:")) else url


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _prepare_sqlite(engine: Engine) -> None:
    sqlite3.register_adapter(date, date.isoformat)

    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: Any, _: Any) -> None:
        dbapi_connection.isolation_level = None
        dbapi_connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        _write_ahead(dbapi_connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-16000", "secure_delete=ON"):
            dbapi_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get(_WRITING) else "BEGIN")


def _write_ahead(dbapi_connection: Any) -> None:
    """Switch to WAL. The switch does not wait for who else is at a new file (sqlite.org/c3ref/busy_handler.html), a transaction does."""
    for _ in range(_TRIES_TO_SWITCH):
        with suppress(dbapi_connection.OperationalError):
            dbapi_connection.execute("PRAGMA journal_mode=WAL")
            return
        dbapi_connection.execute("BEGIN IMMEDIATE")
        dbapi_connection.execute("COMMIT")
    dbapi_connection.execute("PRAGMA journal_mode=WAL")
