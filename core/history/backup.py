"""Copies of a SQLite history: taken while workers write, checked before they count, and brought back only where nobody is at work.

PostgreSQL has tools of its own for that; here are the commands.
"""

import os
import shlex
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, update
from sqlalchemy.exc import DatabaseError

from ..errors import CompanyMustAct, TryLater
from .audit import entries_of, verify
from .database import level_of, levels, newer_than_this, open_database, writing
from .retention import all_companies
from .tables import companies
from .tombstones import buried_digests

_LEFTOVERS = ("-wal", "-shm", "-journal")
_BROUGHT_BACK = (
    "UPDATE companies SET run_id = '', run_owner = '', run_until = NULL, restored_to = "
    "(SELECT max(at)::timestamptz AT TIME ZONE 'UTC' FROM audit WHERE audit.company = companies.company)"
)


class BackupUnusable(CompanyMustAct):
    """This is no backup that can be used."""


class PlaceTaken(CompanyMustAct):
    """There is something already where this is to go."""


class SomebodyIsAtWork(TryLater):
    """The database is in use."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in a copy: companies, entries of their audit trails, size in bytes; and where the file is that it replaced, if it did."""

    companies: int
    entries: int
    size: int
    aside: Path | None = None


@dataclass(frozen=True, slots=True)
class _Lease:
    company: str
    owner: str


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database, None when it is no SQLite database."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def backup(source: Path, target: Path, *, force: bool = False) -> Copied:
    """Copy a database into one file, as it is at this moment, while others may write. Raises PlaceTaken, BackupUnusable."""
    if target.exists() and not force:
        raise PlaceTaken(f"{target} is there.", hint="Choose another name, or say --force to replace it")
    if target.exists() and source.exists() and target.samefile(source):
        raise PlaceTaken(f"{target} is the database itself.")
    if not source.is_file():
        raise BackupUnusable(f"There is no database {source}.")
    with _beside(target) as part:
        _copy(source, part)
        copied = _checked(part)
        _put(part, target)
    return copied


def restore(source: Path, target: Path, at: datetime, is_alive: Callable[[str], bool], *, replace: bool = False) -> Copied:
    """Bring a backup back as the database `target`. With `replace` the database that is there is kept beside it under another name.

    Raises BackupUnusable when it is damaged, of a newer Puntual, or its audit trails do not hold together; PlaceTaken; SomebodyIsAtWork.
    """
    if not source.is_file():
        raise BackupUnusable(f"There is no file {source}.")
    taken = [path for path in (target, *_beside_it(target)) if path.exists()]
    if taken and not replace:
        raise PlaceTaken(f"{taken[0]} is there.", hint="Restore into an empty folder, or say --replace: then it is kept under another name")
    with _beside(target) as part:
        _copy(source, part)
        copied = _checked(part)
        _make_ready(part)
        if not taken:
            _put(part, target)
            return copied
        aside = _put_aside(target, part, at, is_alive)
    return Copied(copied.companies, copied.entries, copied.size, aside)


def erased_in(path: Path) -> dict[str, frozenset[str]]:
    """By company, the digests of the customers that are erased in this database; of one that is older than erasing none."""
    with _opened(path) as conn:
        if level_of(conn) != levels()[-1]:
            return {}
        found = {company: buried_digests(conn, company) for company in all_companies(conn)}
    return {company: digests for company, digests in found.items() if digests}


def postgresql_backup(url: str, target: Path) -> list[str]:
    """The command that copies a PostgreSQL database into one file. A password is never in it."""
    return ["pg_dump", "--format=custom", "--no-owner", f"--file={target}", f"--dbname={_without_password(url)}"]


def postgresql_restore(url: str, source: Path) -> list[list[str]]:
    """The commands that bring such a file back into an empty PostgreSQL database, and say there until when it knows what was sent."""
    where = f"--dbname={_without_password(url)}"
    return [
        ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", where, str(source)],
        ["psql", where, f"--command={_BROUGHT_BACK}"],
    ]


def as_typed(command: list[str]) -> str:
    """A command as it is typed into a shell."""
    return shlex.join(command)


def _without_password(url: str) -> str:
    parsed = make_url(url)
    parts = URL.create("postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query)
    return parts.difference_update_query([name for name in parts.query if "password" in name]).render_as_string()


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new file of nobody else's beside the target, which is gone afterwards unless it was put in its place."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except FileNotFoundError:
        raise BackupUnusable(f"There is no folder {target.parent}.") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
    finally:
        for path in (part, *_beside_it(part)):
            path.unlink(missing_ok=True)


def _copy(source: Path, part: Path) -> None:
    """SQLite's own copying (sqlite.org/backup.html) in one step: one moment of the database, and nobody who writes has to wait."""
    try:
        with closing(sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        raise BackupUnusable(f"{source}: {error}.") from None


def _checked(part: Path) -> Copied:
    """What is in this file. Raises BackupUnusable, or DatabaseUnusable when it is of a newer Puntual."""
    with _opened(part) as conn:
        found = conn.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        if found != "ok":
            raise BackupUnusable(f"SQLite finds it damaged: {found}.")
        level = level_of(conn)
        if level is None:
            raise BackupUnusable("It is no history of Puntual: it has none of its tables.")
        if level not in levels():
            raise newer_than_this(level)
        entries = 0
        known = all_companies(conn)
        for company in known:
            report = verify(conn, company)
            if report.broken_at is not None:
                raise BackupUnusable(f"The audit trail of {company} does not hold together: {report.what}.")
            entries += report.entries
    return Copied(len(known), entries, part.stat().st_size)


def _make_ready(part: Path) -> None:
    """Up to date; who was at work when the copy was made is not at work on it; and it says until when it knows what was sent."""
    engine = open_database(f"sqlite:///{part}")
    with writing(engine) as conn:
        conn.execute(update(companies).values(run_id="", run_owner="", run_until=None))
        for company in all_companies(conn):
            for last in entries_of(conn, company, 1):
                this = companies.c.company == company
                conn.execute(update(companies).where(this).values(restored_to=datetime.fromisoformat(last.at)))
    engine.dispose()


def _put(part: Path, target: Path) -> None:
    """Durable under its own name, or not there at all."""
    _flush(part)
    part.replace(target)
    _flush(target.parent)


def _put_aside(target: Path, part: Path, at: datetime, is_alive: Callable[[str], bool]) -> Path:
    """Nobody holds the old database, now or while it is put aside."""
    aside = target.with_name(f"{target.name}.before-{at:%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise PlaceTaken(f"{aside} is there.")
    if not target.exists():
        raise PlaceTaken(f"{target} is not there, but a log of it is: {target}-wal.", hint="Put it away by hand; it belongs to no database")
    with closing(sqlite3.connect(target, isolation_level=None, timeout=1)) as old:
        _alone(old, target)
        for lease in _leases(old, at):
            if is_alive(lease.owner):
                raise SomebodyIsAtWork(f"{lease.owner} works on {lease.company}.", hint="Stop every worker and try again")
        old.execute("BEGIN EXCLUSIVE")
        _same_owner(target, part)
        target.rename(aside)
        _put(part, target)
        old.execute("ROLLBACK")
    return aside


def _same_owner(target: Path, part: Path) -> None:
    """Whoever could open the database before, and nobody else, can afterwards."""
    before = target.stat()
    part.chmod(before.st_mode & 0o777)
    with suppress(PermissionError):
        os.chown(part, before.st_uid, before.st_gid)


def _alone(old: sqlite3.Connection, target: Path) -> None:
    """Take the log into the file, which SQLite does only for who is alone with it."""
    try:
        (mode,) = old.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        raise SomebodyIsAtWork(f"{target}: {error}.", hint="Stop every worker and the web endpoint, and try again") from None
    if mode != "delete":
        raise SomebodyIsAtWork(f"{target} has a log that is in use.", hint="Stop every worker and the web endpoint, and try again")


def _leases(old: sqlite3.Connection, at: datetime) -> list[_Lease]:
    now = at.replace(tzinfo=None).isoformat(" ")
    with suppress(sqlite3.OperationalError):  # a database without our tables has no leases
        return [
            _Lease(*row) for row in old.execute("SELECT company, run_owner FROM companies WHERE run_id <> '' AND run_until > ?", (now,))
        ]
    return []


@contextmanager
def _engine(path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    try:
        with _engine(path) as engine, engine.connect() as conn:
            yield conn
    except DatabaseError as error:
        raise BackupUnusable(f"{path}: {error.orig}.") from None


def _beside_it(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in _LEFTOVERS]


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _quoted(path: Path) -> str:
    return "".join(f"%{ord(c):02x}" if c in "%?#" else c for c in str(path))
