"""The vault: one company's tokens, sealed in the database and renewed by one process at a time.

No transaction is open while the ledger is asked: who renews holds a lease, and what it got is stored by compare-and-swap before it is used.
Why one at a time: two refreshes with the same token can count as theft, and the whole connection is then revoked (connectors/quickbooks).
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, select
from sqlalchemy.exc import DBAPIError

from ..access import Authorization
from ..errors import AuthorizationExpired, CompanyMustAct, LedgerUnavailable
from . import authorizations as rows
from .audit import append
from .authorizations import Access, AccessState
from .books import ensure_company
from .database import reading, writing
from .sealing import Keyring, Owner
from .tables import authorizations

_BETWEEN_LOOKS = timedelta(milliseconds=200)
_LOOKS = 2 * (rows.RENEWAL_LEASE // _BETWEEN_LOOKS)
_TRIES_TO_STORE = 5

_renewing: set[str] = set()
"""What renews in this process right now. A lease of this process that is not here was left by one of the same number that died."""


def pause(length: timedelta) -> None:
    """Wait."""
    time.sleep(length.total_seconds())


class Vault:
    """The TokenVault of one company and one ledger.

    `keys` is asked when tokens are opened, so that what needs none works without. `now` is the machine's clock. `as_seen` is the clock by
    which the connector reckons, when a run is for another day: instants are moved to it on the way out, and back on the way in.
    `process` names this process in a lease; `is_alive` says of such a name whether that process may still be at work.
    """

    def __init__(
        self,
        engine: Engine,
        company: str,
        ledger: str,
        keys: Callable[[], Keyring],
        now: Callable[[], datetime],
        process: str,
        is_alive: Callable[[str], bool],
        *,
        as_seen: Callable[[], datetime] | None = None,
        pause: Callable[[timedelta], Any] = pause,
    ) -> None:
        self.company = company
        self.owner = Owner(company, ledger)
        self._engine = engine
        self._keys = keys
        self._now = now
        self._process = process
        self._is_alive = is_alive
        self._as_seen = as_seen
        self._pause = pause

    def prove_keys(self) -> None:
        """Raises KeysMissing when nothing could be sealed: better before somebody is asked for consent than after."""
        self._keys()

    def access(self) -> Access | None:
        """How the ledger is reached, without a key. None when it was never connected, or another ledger was."""
        with reading(self._engine) as conn:
            found = rows.access_of(conn, self.company)
        return found if found and found.ledger == self.owner.ledger else None

    def warnings(self, now: datetime | None = None) -> list[str]:
        """What a person should know about the connection; nothing when there is none."""
        found = self.access()
        return found.warnings(now or self._now()) if found else []

    def store(self, authorization: Authorization, by: str) -> None:
        """A new consent, in place of whatever was there. `by` is who connected."""
        sealed, kept = self._sealed(authorization)
        facts = {"ledger": self.owner.ledger, "tenant_id": kept.tenant_id, "tenant_name": kept.tenant_name, "by": by}
        with writing(self._engine) as conn:
            ensure_company(conn, self.company)
            rows.put(conn, self.company, self.owner.ledger, kept, sealed, self._now())
            append(conn, self.company, self._now(), [("connected", facts)])

    def current(self) -> Authorization:
        """What is stored. Raises AuthorizationExpired when the company has to be connected, KeysMissing when it cannot be opened."""
        return self._opened(self._usable_row())

    def renew(self, stale: Authorization, refresh: Callable[[Authorization], Authorization]) -> Authorization:
        """A newer authorization than `stale`; see core.access.TokenVault. Raises LedgerUnavailable when another process will not finish."""
        for row in self._looks(self._usable_row):
            stored = self._opened(row)
            if stored.access_token != stale.access_token:
                return stored
            if me := self._claimed(row):
                with self._holding(me):
                    return self._renewed(row, stored, refresh, me)
        raise self._held_up()

    def release(self, revoke: Callable[[Authorization], None], by: str) -> None:
        """Give the permission back by `revoke`, then forget it; an AuthorizationExpired of `revoke` means that it is gone already.

        Other errors leave all as it is. While somebody renews, it waits: what is revoked is the newest.
        """
        for row in self._looks(self._any_row):
            if me := self._claimed(row):
                with self._holding(me):
                    with suppress(AuthorizationExpired):
                        revoke(self._opened(row))
                    return self.forget(by)
        raise self._held_up()

    def forget(self, by: str, *, revoked: bool = True) -> None:
        """Remove the tokens, whatever the ledger knows of them. `revoked`: for the history, whether it was told."""
        with writing(self._engine) as conn:
            if rows.forget(conn, self.company):
                append(conn, self.company, self._now(), [("disconnected", {"ledger": self.owner.ledger, "revoked": revoked, "by": by})])

    # --- one renewal ----------------------------------------------------------------------------------------------------------

    def _renewed(self, row: RowMapping, stored: Authorization, refresh: Callable[[Authorization], Authorization], me: str) -> Authorization:
        try:
            new = refresh(stored)
        except AuthorizationExpired as refused:
            return self._after_refusal(row, stored, me, refused)
        sealed, kept = self._sealed(new)
        if self._insisted(row, kept, sealed):
            return new
        return self.current()

    def _insisted(self, row: RowMapping, kept: Authorization, sealed: str) -> bool:
        """Store what exists nowhere else, also when the database stumbles."""
        for left in reversed(range(_TRIES_TO_STORE)):
            try:
                with writing(self._engine) as conn:
                    return self._put_renewed(conn, row, kept, sealed)
            except DBAPIError:
                if not left:
                    raise
            self._pause(_BETWEEN_LOOKS)
        return False

    def _put_renewed(self, conn: Connection, row: RowMapping, kept: Authorization, sealed: str) -> bool:
        before = rows.access_of(conn, self.company)
        stored = rows.put_renewed(conn, self.company, row["version"], kept, sealed)
        if stored and before and before.state is AccessState.RECONNECT:
            append(conn, self.company, self._now(), [("connected", {"ledger": self.owner.ledger, "by": "a renewal that took long"})])
        return stored

    def _after_refusal(self, row: RowMapping, stored: Authorization, me: str, refused: AuthorizationExpired) -> Authorization:
        """The refresh token is not accepted: either another process stored a newer one meanwhile, or somebody has to connect again."""
        with writing(self._engine) as conn:
            if rows.mark_ended(conn, self.company, row["version"], me, refused.detail, self._now()):
                append(conn, self.company, self._now(), [("reconnect_needed", {"ledger": self.owner.ledger, "why": refused.detail})])
        newest = self.current()
        if newest.access_token == stored.access_token:
            raise refused
        return newest

    # --- rows and leases ------------------------------------------------------------------------------------------------------

    def _looks(self, look: Callable[[], RowMapping]) -> Iterator[RowMapping]:
        """The row as it is now, and again after a while, as long as another process may be expected to finish."""
        for number in range(_LOOKS):
            if number:
                self._pause(_BETWEEN_LOOKS)
            yield look()

    def _any_row(self) -> RowMapping:
        with reading(self._engine) as conn:
            row = rows.row_of(conn, self.company)
        if row is None or row["ledger"] != self.owner.ledger:
            said = f"{self.company} is not connected to {self.owner.ledger}."
            raise AuthorizationExpired(said, hint=f"Connect it with: puntual connect {self.company}")
        return row

    def _usable_row(self) -> RowMapping:
        row = self._any_row()
        if row["state"] != AccessState.CONNECTED.value:
            raise AuthorizationExpired(row["detail"], hint=f"Connect it again with: puntual connect {self.company}")
        return row

    def _claimed(self, row: RowMapping) -> str:
        """The lease, "" when it is another's."""
        if row["renewer"] and row["renewer_until"] > self._now() and self._lives(row["renewer"]):
            return ""
        me = f"{self._process}#{uuid.uuid4().hex[:12]}"
        _renewing.add(me)
        taken = False
        try:
            with writing(self._engine) as conn:
                taken = rows.take_renewal(conn, self.company, row, me, self._now())
        finally:
            if not taken:
                _renewing.discard(me)
        return me if taken else ""

    def _lives(self, renewer: str) -> bool:
        process, _, _ = renewer.rpartition("#")
        return renewer in _renewing if process == self._process else self._is_alive(process)

    @contextmanager
    def _holding(self, me: str) -> Iterator[None]:
        try:
            yield
        finally:
            _renewing.discard(me)
            with suppress(DBAPIError), writing(self._engine) as conn:
                rows.give_back(conn, self.company, me)

    def _held_up(self) -> LedgerUnavailable:
        return LedgerUnavailable(f"Other processes have been renewing the connection of {self.company} for a long time.")

    # --- sealing and clocks ---------------------------------------------------------------------------------------------------

    def _opened(self, row: RowMapping) -> Authorization:
        return _moved(self._keys().open(self.owner, row["sealed"]), self._ahead())

    def _sealed(self, authorization: Authorization) -> tuple[str, Authorization]:
        kept = _moved(authorization, -self._ahead())
        return self._keys().seal(self.owner, kept), kept

    def _ahead(self) -> timedelta:
        """By how much the connector's clock is before the machine's."""
        return self._as_seen() - self._now() if self._as_seen else timedelta()


def _moved(authorization: Authorization, by: timedelta) -> Authorization:
    refresh_end, end = authorization.refresh_expires_at, authorization.ends_at
    return replace(
        authorization,
        expires_at=authorization.expires_at + by,
        refresh_expires_at=refresh_end + by if refresh_end else None,
        ends_at=end + by if end else None,
    )


def reseal(engine: Engine, keys: Keyring) -> tuple[list[str], list[str]]:
    """Seal every company's tokens with the newest key. Returns the companies that are, and what kept the others from it."""
    done, trouble = [], []
    with reading(engine) as conn:
        companies = conn.execute(select(authorizations.c.company).order_by(authorizations.c.company)).scalars().all()
    for company in companies:
        with writing(engine) as conn:
            row = rows.row_of(conn, company)
            if row is None:
                continue
            owner = Owner(company, row["ledger"])
            try:
                sealed = keys.seal(owner, keys.open(owner, row["sealed"]))
            except CompanyMustAct as closed:
                trouble.append(str(closed))
                continue
            rows.put_resealed(conn, company, row["sealed"], sealed)
            done.append(company)
    return done, trouble
