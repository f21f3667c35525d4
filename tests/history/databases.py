"""Databases for tests: SQLite in a file, PostgreSQL in an embedded server that lives as long as the process. One for each test."""

import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from puntual.core.history.database import open_database

KINDS = ("sqlite", "postgresql")


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    with _sqlite(folder) if kind == "sqlite" else _postgresql("template0") as url:
        yield url


@contextmanager
def migrated_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a database with its tables and no rows."""
    with _sqlite(folder) if kind == "sqlite" else _postgresql(_template()) as url:
        yield url


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'history.db'}"


@contextmanager
def _postgresql(template: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    _admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield _server().get_uri(database=name)
    _admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


@cache
def _template() -> str:
    """A database that was migrated once, to be copied."""
    _admin("CREATE DATABASE migrated TEMPLATE template0")
    open_database(_server().get_uri(database="migrated")).dispose()
    return "migrated"


@cache
def _server() -> Any:
    """The server; it is stopped and its files are deleted when the process ends. What keeps it from starting fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver
    server = pgserver.get_server(tempfile.mkdtemp(prefix="puntual-postgresql-"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET fsync = off")
        admin.execute("SELECT pg_reload_conf()")
    return server


def _admin(statement: str) -> None:
    with psycopg.connect(_server().get_uri(), autocommit=True) as admin:
        admin.execute(statement.encode())
