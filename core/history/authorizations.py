"""The rows of `authorizations`: one a company, changed only by who knows the version it read. The tokens in them are sealed."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from ..access import Authorization
from .tables import authorizations

RENEWAL_LEASE = timedelta(minutes=5)
"""Longer than a token endpoint may take to answer (`connectors.http.Limits`)."""
_WARN_BEFORE = timedelta(days=30)
_HURRY_BEFORE = timedelta(days=7)


class AccessState(StrEnum):
    """Whether the ledger may be spoken to, or somebody has to connect it again first."""

    CONNECTED = "connected"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True)
class Access:
    """How a company's ledger is reached, without the tokens. `since` is when that state began, `detail` why it has ended."""

    company: str
    ledger: str
    state: AccessState
    detail: str
    tenant_id: str
    tenant_name: str
    since: datetime
    refresh_expires_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def whose(self) -> str:
        """The books, as a person knows them."""
        return self.tenant_name or self.tenant_id

    def warnings(self, now: datetime) -> list[str]:
        """What a person should know before the connection ends by itself: from 30 days before, and with more stress from 7 days."""
        again = f"Connect it again: puntual connect {self.company}"
        if self.state is AccessState.RECONNECT:
            return [f"The connection to {self.ledger} has ended. {self.detail.rstrip('.')}. {again}"]
        found = []
        if said := _end_said(self.ends_at, now):
            found.append(f"The connection to {self.ledger} {said}, however often it is used. {again}")
        if said := _end_said(self.refresh_expires_at, now):
            found.append(f"The connection to {self.ledger} {said} unless it is used before. Use it: puntual sync {self.company}")
        return found


def _end_said(end: datetime | None, now: datetime) -> str:
    if end is None or end - now > _WARN_BEFORE:
        return ""
    if end <= now:
        return f"ended on {end:%Y-%m-%d}"
    days = (end - now).days
    only = "has only" if end - now <= _HURRY_BEFORE else "has"
    return f"{only} {days} day{'s' * (days != 1)} left: it ends on {end:%Y-%m-%d}"


def row_of(conn: Connection, company: str) -> RowMapping | None:
    """The whole row of a company, None when it was never connected."""
    return conn.execute(select(authorizations).where(authorizations.c.company == company)).mappings().one_or_none()


def access_of(conn: Connection, company: str) -> Access | None:
    """How a company's ledger is reached; None when it was never connected. Needs no key."""
    row = row_of(conn, company)
    if row is None:
        return None
    state, instants = AccessState(row["state"]), (row["changed_at"], row["refresh_expires_at"], row["ends_at"])
    return Access(company, row["ledger"], state, row["detail"], row["tenant_id"], row["tenant_name"], *instants)


def put(conn: Connection, company: str, ledger: str, authorization: Authorization, sealed: str, at: datetime) -> None:
    """A new consent, in place of whatever was there. Its version starts at random, so that who read the one before cannot write over it."""
    conn.execute(delete(authorizations).where(authorizations.c.company == company))
    row = {"company": company, "ledger": ledger, "version": secrets.randbelow(1 << 30), "changed_at": at}
    conn.execute(insert(authorizations).values({**row, **_connected(authorization, sealed)}))


def take_renewal(conn: Connection, company: str, seen: RowMapping, renewer: str, at: datetime) -> bool:
    """Be the one who renews (or revokes) what was `seen`. False when it changed since, or another was faster."""
    c = authorizations.c
    unchanged = (c.company == company, c.version == seen["version"], c.renewer == seen["renewer"], c.state == seen["state"])
    taken = update(authorizations).where(*unchanged).values(renewer=renewer, renewer_until=at + RENEWAL_LEASE)
    return conn.execute(taken).rowcount == 1


def give_back(conn: Connection, company: str, renewer: str) -> None:
    """Let others renew."""
    mine = (authorizations.c.company == company, authorizations.c.renewer == renewer)
    conn.execute(update(authorizations).where(*mine).values(renewer="", renewer_until=None))


def put_renewed(conn: Connection, company: str, version: int, authorization: Authorization, sealed: str) -> bool:
    """New tokens for those of `version`. False when others are stored by now.

    Whoever holds the lease meanwhile: these are the newest tokens that the ledger gave for that version, so they must not be lost.
    """
    this = (authorizations.c.company == company, authorizations.c.version == version)
    stored = update(authorizations).where(*this).values(version=version + 1, **_connected(authorization, sealed))
    return conn.execute(stored).rowcount == 1


def mark_ended(conn: Connection, company: str, version: int, renewer: str, why: str, at: datetime) -> bool:
    """The ledger accepts the tokens of this version no more. False when others are stored by now, or another is at it."""
    c = authorizations.c
    mine = (c.company == company, c.version == version, c.renewer == renewer)
    ended = update(authorizations).where(*mine).values(state=AccessState.RECONNECT.value, detail=why, changed_at=at)
    return conn.execute(ended).rowcount == 1


def put_resealed(conn: Connection, company: str, before: str, sealed: str) -> bool:
    """The same tokens under another key. False when others are stored by now; they are sealed with the newest key of who stored them."""
    this = (authorizations.c.company == company, authorizations.c.sealed == before)
    return conn.execute(update(authorizations).where(*this).values(sealed=sealed)).rowcount == 1


def forget(conn: Connection, company: str) -> bool:
    """Remove the tokens. False when there are none."""
    return conn.execute(delete(authorizations).where(authorizations.c.company == company)).rowcount == 1


def _connected(authorization: Authorization, sealed: str) -> dict[str, Any]:
    return {
        "sealed": sealed,
        "state": AccessState.CONNECTED.value,
        "detail": "",
        "tenant_id": authorization.tenant_id,
        "tenant_name": authorization.tenant_name,
        "expires_at": authorization.expires_at,
        "refresh_expires_at": authorization.refresh_expires_at,
        "ends_at": authorization.ends_at,
        "renewer": "",
        "renewer_until": None,
    }
