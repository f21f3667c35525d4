"""A company's desk: everything that a run of one company needs, put together once by `wiring`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Engine

from ..channels.port import MailTransport
from ..dunning.plan import Rulebook
from ..history.vault import Vault
from ..notices.render import Renderer
from ..policy.schema import Policy
from ..port import Authorizer, LedgerConnector
from .clock import Clock, today


@dataclass(slots=True)
class Desk:
    """`open_ledger` and `open_mail` connect when they are called, so that commands that need neither touch neither. `vault` and
    `open_authorizer` are there for a ledger that a person lets us into in a browser."""

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

    def now(self) -> datetime:
        """The instant, in UTC."""
        return self.clock.now()

    def today(self) -> date:
        """The day on the company's calendar: `as_of` of a run that is not told another."""
        return today(self.clock, self.policy.company.time_zone)
