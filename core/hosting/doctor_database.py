"""The database, the keys and the queue, as `puntual doctor` looks at them. Nothing is changed: no table is made or brought up to date."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from ..errors import CompanyMustAct, PuntualError
from ..history.database import levels, newer_than_this, open_database, reading, trouble_of, writing
from ..history.duties import workers_seen
from ..history.hosting_tables import host_duties
from ..history.revisions import address_of, level_at
from ..history.sealing import Keyring, Owner
from ..history.tables import authorizations
from ..policy.host_schema import QueueKind
from ..worker.clock import SystemClock
from .findings import Finding, bad, ok, warn
from .surveying import clock_skew
from .watching import CLOCKS_APART, WORKER_SILENT_AFTER

OLDEST_POSTGRESQL = 13
_NETWORK_DISKS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "davfs")
"""Types of file systems whose locks SQLite cannot rely on (sqlite.org/useovernet.html)."""
_LITTLE_SPACE = 1_000_000_000
_NO_SPACE = 200_000_000
_SKEW = timedelta(seconds=5)
_WHAT = "database"
MOUNTS = Path("/proc/mounts")


def examine_database(url: str, mounts: Path = MOUNTS) -> tuple[list[Finding], Engine | None]:
    """What is found, and the database opened, where it stands at this program's level."""
    try:
        address = address_of(url)
        if (file := _file_of(address)) is not None:
            found = list(_disk(file, mounts))
            if not file.exists():
                return [*found, ok(_WHAT, f"there is none at {file} yet; the first command makes it")], None
            return _examined(address, url, found)
        return _examined(address, url, [])
    except PuntualError as error:
        return [bad(_WHAT, error.detail, error.hint or "see to the server that puntual.yaml or PUNTUAL_DATABASE names")], None


def _examined(address: URL, url: str, found: list[Finding]) -> tuple[list[Finding], Engine | None]:
    level, newest = level_at(address), levels()[-1]
    if level != newest:
        return [*found, _at_other_level(level)], None
    engine = open_database(url)
    try:
        return [*found, ok(_WHAT, f"{address.get_backend_name()}, its tables stand at level {level}"), *_opened(engine)], engine
    except DBAPIError as error:
        trouble = trouble_of(error)
        return [*found, bad(_WHAT, trouble.detail, trouble.hint or "see to the server")], None


def _at_other_level(level: str | None) -> Finding:
    if level is None:
        return ok(_WHAT, "it has no tables yet; the first command makes them")
    if level in levels():
        said = f"its tables stand at level {level}, and this program needs {levels()[-1]}; the rest of it was not looked at"
        return warn(_WHAT, said, "make a backup; the next command brings the tables up to date")
    newer = newer_than_this(level)
    return bad(_WHAT, newer.detail, newer.hint)


def _opened(engine: Engine) -> Iterator[Finding]:
    with reading(engine) as conn:
        if conn.dialect.name == "postgresql":
            number = int(conn.execute(text("SHOW server_version_num")).scalar_one())
            said = f"PostgreSQL {number // 10000}.{number % 10000}"
            newer = f"use PostgreSQL {OLDEST_POSTGRESQL} or newer"
            yield ok(_WHAT, said) if number >= OLDEST_POSTGRESQL * 10000 else bad(_WHAT, f"{said} is too old", newer)
        else:
            mode = str(conn.execute(text("PRAGMA journal_mode")).scalar_one())
            again = "close every program that has the file open, and look again"
            yield ok(_WHAT, "SQLite writes ahead (WAL)") if mode == "wal" else warn(_WHAT, f"SQLite's journal mode is {mode}", again)
        skew = clock_skew(conn)
    if skew is not None:
        yield clock_finding("the database's clock", skew)
    yield _writable(engine)


def clock_finding(whose: str, skew: timedelta) -> Finding:
    """What it means that a clock is so far ahead of this machine's."""
    seconds = int(abs(skew).total_seconds())
    said = f"{whose} is {seconds} s {'ahead of' if skew > timedelta(0) else 'behind'} this machine's"
    if abs(skew) > CLOCKS_APART:
        return bad("clock", said, "let this machine follow a time server (NTP)")
    return (
        warn("clock", said, "let this machine follow a time server (NTP)")
        if abs(skew) > _SKEW
        else ok("clock", f"{whose} agrees with ours")
    )


class _Enough(Exception):
    """What was written is not to stay."""


def _writable(engine: Engine) -> Finding:
    try:
        with writing(engine) as conn:
            conn.execute(insert(host_duties).values(company="", duty="doctor", done_for=SystemClock().now()))
            raise _Enough
    except _Enough:
        return ok(_WHAT, "it can be written to")
    except DBAPIError as error:
        trouble = trouble_of(error)
        return bad(_WHAT, f"it cannot be written to: {trouble.detail}", trouble.hint or "see to the file's rights, or the server")


def _file_of(address: URL) -> Path | None:
    return (
        Path(address.database or "") if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:") else None
    )


def _disk(file: Path, mounts: Path) -> Iterator[Finding]:
    folder = file.resolve().parent
    if not folder.is_dir():
        yield bad(_WHAT, f"there is no folder {folder}", "make it, or correct `database` in puntual.yaml")
        return
    kind = disk_of(folder, mounts)
    if kind.startswith(_NETWORK_DISKS):
        yield bad(_WHAT, f"SQLite is on a network disk ({kind})", "put it on a disk of this machine, or use PostgreSQL")
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_SPACE:
        found = bad if free < _NO_SPACE else warn
        yield found(_WHAT, f"only {free // 1_000_000} MB are free on its disk", "make room")


def disk_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that a folder is on, "" where this machine does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    fields = [line.split(" ") for line in lines if line.count(" ") >= 2]
    holding = [(Path(at.replace("\\040", " ")), kind) for _, at, kind, *_ in fields]
    on = [(len(at.parts), number, kind) for number, (at, kind) in enumerate(holding) if folder.is_relative_to(at)]
    return max(on)[2] if on else ""


def examine_keys(engine: Engine | None, keys: Keyring | PuntualError, *, are_needed: bool) -> Finding:
    """Whether the keys open every connection that is kept; `are_needed`: some company's ledger is connected in a browser."""
    rows: list[Any] = []
    if engine is not None:
        with reading(engine) as conn:
            c = authorizations.c
            rows = list(conn.execute(select(c.company, c.ledger, c.sealed).order_by(c.company)))
    if isinstance(keys, PuntualError):
        if rows or are_needed:
            return bad("keys", keys.detail, keys.hint)
        return ok("keys", "there are none, and no company needs any")
    closed = [row.company for row in rows if not _opens(keys, Owner(row.company, row.ledger), row.sealed)]
    if closed:
        names = ", ".join(closed[:5]) + (f" and {len(closed) - 5} more" if len(closed) > 5 else "")
        hint = "put back the key that was used before, behind the newer ones; if it is lost, connect them again"
        return bad("keys", f"no key opens the connection of {names}", hint)
    return ok("keys", f"they open all {len(rows)} connections that are kept")


def _opens(keys: Keyring, owner: Owner, sealed: str) -> bool:
    try:
        keys.open(owner, sealed)
    except CompanyMustAct:
        return False
    return True


def examine_queue(engine: Engine, kind: QueueKind) -> Iterator[Finding]:
    """The queue that the host's file names, and the workers."""
    now = SystemClock().now()
    with reading(engine) as conn:
        alive = [name for name, seen in sorted(workers_seen(conn).items()) if now - seen <= WORKER_SILENT_AFTER]
    machines = {name.partition(":")[0] for name in alive}
    if not alive:
        yield warn("worker", "none is alive", "start one: puntual worker")
    elif kind is QueueKind.THREADS and len(machines) > 1:
        yield warn(
            "worker", f"{len(alive)} are alive on {len(machines)} machines", "with several, write `queue: postgresql` in puntual.yaml"
        )
    else:
        yield ok("worker", f"{len(alive)} alive: {', '.join(alive[:5])}")
    if kind is QueueKind.THREADS:
        yield ok("queue", "threads of the worker itself")
    elif engine.dialect.name != "postgresql":
        yield bad("queue", "puntual.yaml says `queue: postgresql`, and the database is SQLite", "name a PostgreSQL database there")
    else:
        yield from _shared_queue(engine)


def _shared_queue(engine: Engine) -> Iterator[Finding]:
    with reading(engine) as conn:
        if conn.execute(text("SELECT to_regclass('procrastinate_jobs')")).scalar_one() is None:
            yield warn("queue", "it has no tables yet", "the first worker makes them: puntual worker")
            return
        waiting = int(conn.execute(text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")).scalar_one())
        alive = int(conn.execute(text(_LIVE)).scalar_one())
        stalled = int(conn.execute(text(_STALLED)).scalar_one())
    if stalled:
        yield warn("queue", f"{stalled} jobs of workers that died", "a live worker takes them up within a minute; is one there?")
    else:
        yield ok("queue", f"PostgreSQL: {waiting} jobs wait, {alive} workers take them")


_LIVE = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '60 seconds'"
_STALLED = """
SELECT count(*) FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND (worker.id IS NULL OR worker.last_heartbeat < now() - interval '60 seconds')
"""
