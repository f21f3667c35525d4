"""The history database of a simulation: a real SQLite file, whose transactions are points, and which can be away, full, or cut off."""

import atexit
import os
import shutil
import sqlite3
import tempfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from puntual.core.history import database
from puntual.core.history.database import open_database
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

AWAY = "server closed the connection unexpectedly"
FULL = "database or disk is full"


class Door:
    """What the transactions of a simulation pass: one writes at a time. `before` and `after` are called around each that writes, and may
    raise; `before` is told whether the transaction begins or commits."""

    def __init__(self) -> None:
        self.writer: Any = None
        self.theirs: Any = None

    def open_to(self, theirs: Any) -> None:
        """From now on these decide: an object with `begins`, `commits`, `committed`, `gave_way`."""
        self.theirs, self.writer = theirs, None


DOOR = Door()


class PointedConnection(sqlite3.Connection):
    """A connection whose commits are points. `is_writing` while it holds the write lock."""

    is_writing = False

    def commit(self) -> None:
        if not self.is_writing:
            super().commit()
            return
        DOOR.theirs.commits(self)
        super().commit()
        self._let_go()
        DOOR.theirs.committed()

    def rollback(self) -> None:
        super().rollback()
        self._let_go()

    def close(self) -> None:
        super().close()
        self._let_go()

    def _let_go(self) -> None:
        if self.is_writing:
            self.is_writing = False
            DOOR.writer = None
            DOOR.theirs.gave_way()


@cache
def place() -> Path:
    """A folder of this process in memory, where the machine has one."""
    memory = Path("/dev/shm")
    base = str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix=f"puntual-simulation-{os.getpid()}-", dir=base))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@cache
def template() -> bytes:
    """A database with its tables and no rows, made once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = open_database(f"sqlite:///{path}")
        with engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return path.read_bytes()


@cache
def _engine(pid: int) -> Engine:
    """One engine a process of ours, so that what the library compiled is compiled once. It is set up as `open_database` does it, but that
    nothing waits for the disk: a crash of a simulation is none of the machine."""
    engine = create_engine(f"sqlite:///{place() / 'history.db'}", connect_args={"factory": PointedConnection}, pool_size=30)

    sqlite3.register_adapter(date, date.isoformat)

    @event.listens_for(engine, "connect")
    def connected(connection: PointedConnection, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "busy_timeout=0", "synchronous=OFF", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begins(conn: Connection) -> None:
        writes = bool(conn.get_execution_options().get(database._WRITING))
        try:
            DOOR.theirs.begins(writes)
        except sqlite3.OperationalError as away:
            raise OperationalError("BEGIN", {}, away) from None
        connection = conn.connection.dbapi_connection
        if writes:
            connection.is_writing = True
            DOOR.writer = connection
        connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def fresh_database() -> Engine:
    """The engine on a database without rows."""
    engine = _engine(os.getpid())
    engine.dispose()
    for name in ("history.db-wal", "history.db-shm"):
        (place() / name).unlink(missing_ok=True)
    (place() / "history.db").write_bytes(template())
    return engine


def remove_place() -> None:
    """Leave nothing in memory."""
    _engine(os.getpid()).dispose()
    shutil.rmtree(place(), ignore_errors=True)
