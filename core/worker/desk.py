"""A company's desk: everything that a run of one company needs, put together once by `wiring`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Engine

from ..channels.port import MailTransport
from ..dunning.charge_rules import ChargeBook
from ..dunning.plan import Rulebook
from ..history.vault import Vault
from ..notices.render import Renderer
from ..policy.countries import country_pack
from ..policy.schema import Policy
from ..port import Authorizer, LedgerConnector
from .clock import Clock, SystemClock, today


@dataclass(slots=True)
class Desk:
    """`open_ledger` and `open_mail` connect when they are called, so that commands that need neither touch neither. `vault` and
    `open_authorizer` are there for a ledger that a person lets us into in a browser. `machine` is the machine's own clock, by
    which leases go whatever day a run is for. `breathe` is called at every safe place, and raises MustStop to stop there."""

    company: str
    policy: Policy
    rulebook: Rulebook
    engine: Engine
    clock: Clock
    renderer: Renderer
    open_ledger: Callable[[], LedgerConnector]
    open_mail: Callable[[], MailTransport]
    state_dir: Path
    vault: Vault | None = None
    open_authorizer: Callable[[], Authorizer] | None = None
    machine: Clock = field(default_factory=SystemClock)
    breathe: Callable[[], None] = lambda: None
    stripe_url: str = "https://api.stripe.com"
    _charge_book: ChargeBook | None = field(default=None, init=False)
    _law: str = field(default="", init=False)

    @property
    def charge_book(self) -> ChargeBook:
        """The policy's late charges with the law of their countries, made ready once, when they are first asked for."""
        if self._charge_book is None:
            self._charge_book = ChargeBook.of(self.policy, country_pack)
        return self._charge_book

    @property
    def law_of_charges(self) -> str:
        """The data of the countries that the late charges ask, as text: the same as long as nobody corrects them. Empty without charges."""
        if not self._law and self.policy.late_charges is not None:
            region, packs = self.policy.company.region, self.charge_book.packs
            self._law = "\n".join([region, *(pack.model_dump_json() for _, pack in sorted(packs.items()))])
        return self._law

    def now(self) -> datetime:
        """The instant, in UTC."""
        return self.clock.now()

    def today(self) -> date:
        """The day on the company's calendar: `as_of` of a run that is not told another."""
        return today(self.clock, self.policy.company.time_zone)
