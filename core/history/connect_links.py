"""Links by which whoever has one connects a company to its books, once: the rows, changed only by who knows what they said.

No link and no answer stands in the database: only digests, by which one is found.
"""

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from ..secret import Secret
from .audit import append
from .books import ensure_company
from .hosting_tables import connect_links as table

KEPT = timedelta(days=30)
"""For so long after its end a link is remembered."""


@dataclass(frozen=True, slots=True)
class ConnectLink:
    """A link. `state_digest` and `browser_digest` stand while an answer is waited for since `asked_at`, from that browser; `sealed` is what
    the answer needs; `used_at` is when a company was connected by it."""

    company: str
    link_digest: str
    made_by: str
    expires_at: datetime
    state_digest: str = ""
    browser_digest: str = ""
    sealed: str = ""
    asked_at: datetime | None = None
    used_at: datetime | None = None


_COLUMNS = [table.c[field.name] for field in fields(ConnectLink)]


def digest_of(secret: Secret) -> str:
    """What is kept of a secret of 256 random bits: nobody finds it again from that."""
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).hexdigest()


def put_link(conn: Connection, link: ConnectLink, at: datetime) -> None:
    """A new link. Those that ended long ago are forgotten."""
    ensure_company(conn, link.company)
    conn.execute(delete(table).where(table.c.expires_at < at - KEPT))
    values = {"company": link.company, "link_digest": link.link_digest, "made_by": link.made_by, "expires_at": link.expires_at}
    conn.execute(insert(table).values(**values, state_digest="", browser_digest="", sealed=""))
    append(conn, link.company, at, [("connect_link_made", {"by": link.made_by, "until": link.expires_at.isoformat()})])


def link_called(conn: Connection, digest: str) -> ConnectLink | None:
    """The link with that digest."""
    return _link(conn, table.c.link_digest == digest)


def link_that_asked(conn: Connection, state_digest: str) -> ConnectLink | None:
    """The link that waits for the answer with that digest."""
    return _link(conn, table.c.state_digest == state_digest) if state_digest else None


def await_answer(conn: Connection, link: ConnectLink, state: Secret, browser_digest: str, sealed: str, at: datetime) -> bool:
    """From now on this answer is waited for, from this browser, in place of any other. False when the link was used meanwhile."""
    waiting = {"state_digest": digest_of(state), "browser_digest": browser_digest, "sealed": sealed, "asked_at": at}
    return _changed(conn, link, table.c.used_at.is_(None), **waiting)


def take_answer(conn: Connection, link: ConnectLink) -> bool:
    """The answer that `link` waits for is there. False when it was there before, or another is waited for by now."""
    as_it_was = (table.c.used_at.is_(None), table.c.state_digest == link.state_digest)
    return _changed(conn, link, *as_it_was, state_digest="", browser_digest="", sealed="", asked_at=None)


def use_link(conn: Connection, link: ConnectLink, at: datetime) -> bool:
    """The link is used up. False when it was before."""
    return _changed(conn, link, table.c.used_at.is_(None), used_at=at, state_digest="", browser_digest="", sealed="", asked_at=None)


def give_link_back(conn: Connection, link: ConnectLink) -> None:
    """What the link was used for did not come about: it may be used again."""
    _changed(conn, link, used_at=None)


def _link(conn: Connection, which: ColumnElement[bool]) -> ConnectLink | None:
    row = conn.execute(select(*_COLUMNS).where(which)).one_or_none()
    return ConnectLink(*row) if row is not None else None


def _changed(conn: Connection, link: ConnectLink, *conditions: ColumnElement[bool], **values: Any) -> bool:
    this = (table.c.company == link.company, table.c.link_digest == link.link_digest)
    return conn.execute(update(table).where(*this, *conditions).values(**values)).rowcount == 1
