"""A host put together from its file: database, companies, hands, clock."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from ..errors import CompanyMustAct
from ..history.database import open_database
from ..policy.host_schema import HostSettings, QueueKind
from ..worker.clock import Clock, SystemClock
from ..worker.erasing import Retention
from ..worker.host_file import read_host
from ..worker.lease import owner
from ..worker.wiring import database_url
from .alerting import Alerting
from .host import Host
from .queue import Queue, ThreadQueue
from .roster import Roster
from .work import Working

if TYPE_CHECKING:
    from .metrics import Metrics


@dataclass(frozen=True, slots=True)
class Place:
    """A host's folder, its file and its database."""

    directory: Path
    settings: HostSettings
    engine: Engine
    clock: Clock

    @classmethod
    def at(cls, directory: Path, clock: Clock | None = None) -> "Place":
        """Open it. Raises PolicyFileProblems, DatabaseUnusable, DatabaseBusy."""
        return cls(directory, read_host(directory), open_database(database_url(directory)), clock or SystemClock())


@dataclass(frozen=True, slots=True)
class Serving:
    """A host and what watches over it."""

    host: Host
    alerting: Alerting
    metrics: "Metrics"

    def start(self) -> None:
        """From now on."""
        self.host.start()

    def stop(self) -> bool:
        """As Host.stop; then the others know that this worker ended as it should."""
        ended = self.host.stop()
        self.alerting.close()
        return ended


def host_at(place: Place) -> Serving:
    """The host of this folder, not started yet. Raises CompanyMustAct when its file asks for what cannot be."""
    settings, me = place.settings, f"{owner()}:{uuid.uuid4().hex[:8]}"
    roster = Roster(place.directory, place.engine, place.clock, timedelta(minutes=settings.jitter_minutes))
    working = Working(roster, me, Event(), timedelta(minutes=settings.budget_minutes))
    queue = _queue(place, working)
    try:
        from .metrics import Metrics  # prometheus_client comes with the extra `host`
    except ModuleNotFoundError as missing:
        raise CompanyMustAct(f"A worker needs the Python package {missing.name}.", hint="Install it: pip install 'puntual[host]'") from None
    metrics = Metrics(roster, queue.depth)
    working.heard = metrics.heard
    alerting, retention = Alerting(roster, me, settings.operator), Retention(place.engine, place.clock, settings.retention.years, me)
    return Serving(Host(roster, working, queue, [alerting.beat, retention.beat]), alerting, metrics)


def _queue(place: Place, working: Working) -> Queue:
    if place.settings.queue is QueueKind.THREADS:
        return ThreadQueue(place.settings.threads, working.do)
    if place.engine.dialect.name != "postgresql":
        raise CompanyMustAct(
            "The host's file says `queue: postgresql`, and the database is SQLite.", hint="Name a PostgreSQL database there"
        )
    from .shared_queue import SharedQueue  # only where it is used: procrastinate comes with the extra `postgresql`

    url = place.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return SharedQueue(url, place.settings.threads, working.do, owner())
