"""The audit trail: append-only, and every entry carries the hash of the one before, so that a change or a gap shows.

hash = SHA-256 of previous hash, company, number, instant, kind and data, each on a line of its own.

Personal data may have to be erased from an entry. It keeps its hash then, so that the chain goes on through it, and a later entry
`erased` of the chain itself names it, its hash, and the hash of what is left of it. What is erased without such an entry, or changed
afterwards, shows.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from ..errors import BrokenInvariant, CompanyMustAct
from .database import OF_COMPANY, execute_many
from .tables import audit, companies

_THIS_COMPANY = companies.c.company == OF_COMPANY
_HEAD = select(companies.c.audit_seq, companies.c.audit_hash).where(_THIS_COMPANY)
_LOCKED_HEAD = _HEAD.with_for_update()
_NEW_HEAD = update(companies).where(_THIS_COMPANY).values(audit_seq=bindparam("seq"), audit_hash=bindparam("new_hash"))
_APPEND = insert(audit)
_LEAVE = update(audit).where(audit.c.company == OF_COMPANY, audit.c.seq == bindparam("of_seq")).values(data=bindparam("left"))
_ERASED = "erased"
_MOST_IN_ONE = 500


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that happened: its number from 1, the instant in UTC, what kind, and the facts."""

    seq: int
    at: str
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What `verify` found: how many entries hold together, the hash at the end, and the first break, if there is one. `erased` is how many
    of them have lost personal data, by the number of the entry that says so."""

    entries: int
    head: str
    broken_at: int | None = None
    what: str = ""
    erased: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Erasure:
    """What the chain says of an entry that lost data: its hash, the hash of what is left, and the number of the entry that says it."""

    hash: str
    left: str
    said_by: int


class TrailBroken(CompanyMustAct):
    """The audit trail does not hold together, so nothing may be erased from it."""


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
    erasures, erased = _erasures(conn, company), Counter[int]()
    for row in conn.execute(select(audit).where(audit.c.company == company).order_by(audit.c.seq)).mappings():
        count += 1
        if row["seq"] != count:
            return ChainReport(count - 1, previous, count, f"entry {count} is missing", erased)
        if what := _fault(dict(row), previous, erasures.get(count)):
            return ChainReport(count - 1, previous, count, f"entry {count} {what}", erased)
        if count in erasures:
            erased[erasures[count].said_by] += 1
        previous = row["hash"]
    head = conn.execute(_HEAD, {"of_company": company}).one_or_none() or (0, "")
    if tuple(head) != (count, previous):
        return ChainReport(count, previous, count + 1, f"the trail ends at entry {count}, but {head[0]} were written", erased)
    return ChainReport(count, previous, erased=erased)


def erase_data(conn: Connection, company: str, at: datetime, left: Mapping[int, Mapping[str, Any]], facts: Mapping[str, Any]) -> list[int]:
    """Leave only so much of the data of these entries, by their numbers, and say so in entries of the chain, with these facts. Returns the
    numbers of those. Raises TrailBroken when the chain is not whole: an erasure would hide it."""
    conn.execute(_LOCKED_HEAD, {"of_company": company})
    found = verify(conn, company)
    if found.broken_at is not None:
        raise TrailBroken(found.what[0].upper() + found.what[1:], hint="Find out who changed the database; a backup from before tells")
    numbers = sorted(left)
    for these in [numbers[start : start + _MOST_IN_ONE] for start in range(0, len(numbers), _MOST_IN_ONE)] or [[]]:
        append(conn, company, at, [(_ERASED, {**facts, "entries": _left(conn, company, these, left)})])
    execute_many(conn, _LEAVE, [{"of_company": company, "of_seq": seq, "left": _canonical(left[seq])} for seq in numbers])
    head = int(conn.execute(_HEAD, {"of_company": company}).one()[0])
    return list(range(found.entries + 1, head + 1))


def _left(conn: Connection, company: str, numbers: Sequence[int], left: Mapping[int, Mapping[str, Any]]) -> list[tuple[int, str, str]]:
    query = select(audit.c.seq, audit.c.at, audit.c.kind, audit.c.hash).where(audit.c.company == company, audit.c.seq.in_(numbers))
    return [
        (seq, known, _hash_of_rest(at, kind, _canonical(left[seq]))) for seq, at, kind, known in conn.execute(query.order_by(audit.c.seq))
    ]


def _erasures(conn: Connection, company: str) -> dict[int, _Erasure]:
    """What the chain says of entries that lost data; the last word on each counts. What cannot be read fails as an entry of its own."""
    said: dict[int, _Erasure] = {}
    query = select(audit.c.seq, audit.c.data).where(audit.c.company == company, audit.c.kind == _ERASED).order_by(audit.c.seq)
    for said_by, data in conn.execute(query):
        with suppress(ValueError, TypeError, KeyError):
            said |= {int(seq): _Erasure(str(known), str(rest), said_by) for seq, known, rest in json.loads(data)["entries"]}
    return said


def _fault(row: Mapping[str, Any], previous: str, erasure: _Erasure | None) -> str:
    """What is wrong with an entry, empty when nothing is."""
    changed = "was changed after it was written"
    if row["previous_hash"] != previous:
        return changed
    is_whole = _hash(previous, row) == row["hash"]
    if erasure is None:
        return "" if is_whole else changed
    if is_whole or erasure.said_by <= row["seq"]:
        return f"is not what entry {erasure.said_by} says was left of it"
    rest = _hash_of_rest(row["at"], row["kind"], row["data"])
    return "" if (row["hash"], rest) == (erasure.hash, erasure.left) else f"is not what entry {erasure.said_by} says was left of it"


def _canonical(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def _hash_of_rest(at: str, kind: str, data: str) -> str:
    return hashlib.sha256(f"{at}\n{kind}\n{data}".encode()).hexdigest()


def _hash(previous: str, row: Mapping[str, Any]) -> str:
    parts = (previous, row["company"], str(row["seq"]), row["at"], row["kind"], row["data"])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
