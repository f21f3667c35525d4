"""What the harnesses over stand-ins share: the wire on loopback, a clock that moves between connections, and a vault in memory."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

from harness import Fault, Harness
from puntual.connectors.http import Limits
from puntual.connectors.stub_server import StubServer, Trouble
from puntual.core.access import Authorization
from puntual.core.errors import AuthorizationExpired
from puntual.core.port import Surroundings

BETWEEN_CONNECTIONS = timedelta(minutes=11)
_IMPATIENT = Limits(read_seconds=0.15)


class MemoryVault:
    """An authorization in memory, for one process."""

    def __init__(self, authorization: Authorization | None = None) -> None:
        self.authorization = authorization
        self.renewals = 0
        self.must_reconnect = ""
        self._lock = Lock()

    def __repr__(self) -> str:
        return "MemoryVault()"

    def current(self) -> Authorization:
        """What is stored."""
        if self.authorization is None or self.must_reconnect:
            raise AuthorizationExpired("The company is not connected.", hint="Connect it with: puntual connect acme")
        return self.authorization

    def renew(self, stale: Authorization, refresh: Callable[[Authorization], Authorization]) -> Authorization:
        """A newer one than `stale`."""
        with self._lock:
            stored = self.current()
            if stored.access_token != stale.access_token:
                return stored
            try:
                self.authorization = refresh(stored)
            except AuthorizationExpired as refused:
                self.must_reconnect = refused.detail
                raise
            self.renewals += 1
            return self.authorization


class LoopbackHarness(Harness):
    """Books in a stand-in. Each new connection comes some minutes after the one before, so that books come to rest."""

    many = 7
    today = date(2026, 3, 18)
    patient: ClassVar[Limits] = Limits()
    bare: ClassVar[Mapping[str, Any]] = {}
    """What the settings that name the tax of late charges and what recorded payments need are when they are left out."""
    server: StubServer

    def __init__(self) -> None:
        self.at = datetime.combine(self.today, time(5, 0), UTC)
        self.opened: list[Any] = []

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        return self.at

    @abstractmethod
    def connector(self, surroundings: Surroundings, **changes: Any) -> Any:
        """A connector over the stand-in with a small page, with `changes` of its settings. It has a `transport`."""

    def surroundings(self, time_zone: str = "Europe/Madrid") -> Surroundings:
        """What the connector is given besides its settings."""
        return Surroundings("acme", time_zone, self.now, Path(), Path())

    def new(self, *, time_zone: str = "Europe/Madrid", is_bare: bool = False, **changes: Any) -> Any:
        self.at += BETWEEN_CONNECTIONS
        self.opened.append(self.connector(self.surroundings(time_zone), **(self.bare if is_bare else {}), **changes))
        return self.opened[-1]

    def close(self) -> None:
        for connector in self.opened:
            connector.close()
        self.server.close()
        assert not self.server.mistakes, self.server.mistakes[0]

    def lose_next_answer(self) -> None:
        self.server.trouble = Trouble.LOST_ANSWER

    def break_wire(self, fault: Fault) -> None:
        self.server.trouble = Trouble[fault.name]
        if fault is Fault.TIMEOUT:
            self._set_patience(_IMPATIENT)

    def mend_wire(self) -> None:
        self.server.mend()
        self._set_patience(self.patient)

    def _set_patience(self, limits: Limits) -> None:
        for connector in self.opened:
            connector.transport._limits = limits

    def calls(self) -> int:
        return self.server.calls
