"""The audit trail: append-only, and every entry carries the hash of the one before, so that a change or a gap shows.

hash = SHA-256 of previous hash, company, number, instant, kind and data, each on a line of its own.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from ..errors import BrokenInvariant
from .database import execute_many
from .tables import audit, companies

_THIS_COMPANY = companies.c.company == bindparam("of_company")
_HEAD = select(companies.c.audit_seq, companies.c.audit_hash).where(_THIS_COMPANY)
_LOCKED_HEAD = _HEAD.with_for_update()
_NEW_HEAD = update(companies).where(_THIS_COMPANY).values(audit_seq=bindparam("seq"), audit_hash=bindparam("new_hash"))
_APPEND = insert(audit)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that happened: its number from 1, the instant in UTC, what kind, and the facts."""

    seq: int
    at: str
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What `verify` found: how many entries hold together, the hash at the end, and the first break, if there is one."""

    entries: int
    head: str
    broken_at: int | None = None
    what: str = ""


def append(conn: Connection, company: str, at: datetime, entries: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Add entries in the transaction of what they record; it is all there or nothing. The company's row is locked meanwhile."""
    head = conn.execute(_LOCKED_HEAD, {"of_company": company}).one_or_none()
    if head is None:
        raise BrokenInvariant(f"the company {company!r} has no row in the history")
    seq, previous = head
    rows = []
    for kind, data in entries:
        seq += 1
        row = {"company": company, "seq": seq, "at": at.isoformat(), "kind": kind, "data": _canonical(data), "previous_hash": previous}
        row["hash"] = previous = _hash(previous, row)
        rows.append(row)
    if rows:
        execute_many(conn, _APPEND, rows)
        execute_many(conn, _NEW_HEAD, [{"of_company": company, "seq": seq, "new_hash": previous}])


def entries_of(conn: Connection, company: str, limit: int | None = None) -> Iterator[AuditEntry]:
    """The trail, newest first."""
    query = select(audit.c.seq, audit.c.at, audit.c.kind, audit.c.data).where(audit.c.company == company).order_by(audit.c.seq.desc())
    for seq, at, kind, data in conn.execute(query.limit(limit)):
        yield AuditEntry(seq, at, kind, json.loads(data))


def verify(conn: Connection, company: str) -> ChainReport:
    """Walk the chain from its start and say whether it is whole, including its end."""
    previous, count = "", 0
    for row in conn.execute(select(audit).where(audit.c.company == company).order_by(audit.c.seq)).mappings():
        count += 1
        if row["seq"] != count:
            return ChainReport(count - 1, previous, count, f"entry {count} is missing")
        if row["previous_hash"] != previous or _hash(previous, dict(row)) != row["hash"]:
            return ChainReport(count - 1, previous, count, f"entry {count} was changed after it was written")
        previous = row["hash"]
    head = conn.execute(_HEAD, {"of_company": company}).one_or_none() or (0, "")
    if tuple(head) != (count, previous):
        return ChainReport(count, previous, count + 1, f"the trail ends at entry {count}, but {head[0]} were written")
    return ChainReport(count, previous)


def _canonical(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def _hash(previous: str, row: Mapping[str, Any]) -> str:
    parts = (previous, row["company"], str(row["seq"]), row["at"], row["kind"], row["data"])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
