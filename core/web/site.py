"""What the endpoints work with: the companies, the database, who may tell us something, and hands for what blocks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Engine

from ..access import Webhooks
from ..errors import CompanyMustAct
from ..hosting.roster import Roster
from ..hosting.start import Place
from ..policy.host_schema import Web
from ..secret import Secret
from ..worker.desk import Desk
from ..worker.wiring import connector_entry
from .hands import Hands

LOOK_EVERY = timedelta(seconds=30)
"""A company's file that is new or changed counts after so long."""
_WEBHOOK_THREADS = 8
_PAGE_THREADS = 4


@dataclass(frozen=True, slots=True)
class Teller:
    """Somebody who tells us by webhooks what changed, and the secret by which that is known."""

    webhooks: Webhooks
    secret: Secret


async def pause(length: timedelta) -> None:
    """Wait."""
    await asyncio.sleep(length.total_seconds())


@dataclass
class Site:
    """A host as its web endpoints see it. Webhooks and pages have hands of their own, so that a slow ledger keeps no webhook waiting."""

    place: Place
    web: Web
    tellers: Mapping[str, Teller]
    roster: Roster
    webhook_hands: Hands = field(default_factory=lambda: Hands(_WEBHOOK_THREADS, "webhook"))
    page_hands: Hands = field(default_factory=lambda: Hands(_PAGE_THREADS, "page"))
    pause: Callable[[timedelta], Awaitable[None]] = pause
    _looked_at: datetime | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @classmethod
    def of(cls, place: Place) -> "Site":
        """Raises CompanyMustAct when the host's file says nothing of the web, or something that cannot be."""
        web = place.settings.web
        if web is None:
            raise CompanyMustAct(
                "The host's file, puntual.yaml, says nothing of the web.",
                hint="Write it there: web: {address: https://puntual.example.com}",
            )
        tellers = {ledger: _teller(ledger, secret) for ledger, secret in place.settings.webhooks.items()}
        return cls(place, web, tellers, Roster(place.directory, place.engine, place.clock))

    @property
    def address(self) -> str:
        """Where the world finds it."""
        return self.web.address

    @property
    def engine(self) -> Engine:
        """The database."""
        return self.place.engine

    def now(self) -> datetime:
        """The instant, in UTC."""
        return self.place.clock.now()

    def desk(self, company: str, *, look: bool = False) -> Desk:
        """The company's desk. With `look` a file that was made just now counts, too. Raises CompanyMustAct when it cannot be had."""
        with self._lock:
            is_new = look and company not in self.roster.companies()
            if is_new or self._looked_at is None or not timedelta(0) <= self.now() - self._looked_at < LOOK_EVERY:
                self._looked_at = self.now()
                self.roster.look()
        return self.roster.desk(company)

    def let_go(self) -> None:
        """Begin nothing more."""
        self.webhook_hands.let_go()
        self.page_hands.let_go()


def _teller(ledger: str, secret: Secret) -> Teller:
    try:
        webhooks = connector_entry(ledger).webhooks
    except KeyError:
        webhooks = None
    if webhooks is None:
        raise CompanyMustAct(f"puntual.yaml has a secret under webhooks.{ledger}, and no ledger {ledger} tells anything by webhooks.")
    return Teller(webhooks, secret)
