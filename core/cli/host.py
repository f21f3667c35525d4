"""Commands for a host of many companies: worker."""

import signal
import sys
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from ..errors import CompanyMustAct
from ..hosting.logs import log_to
from ..hosting.start import Place, Serving, host_at
from .common import directory, told

if TYPE_CHECKING:
    from ..web.server import Server

TRY_LATER = 75


@click.command("worker")
@directory
@told
def worker_command(directory: Path) -> None:
    """Serve every company of companies/: read the books and run, each at its own times, until SIGTERM or SIGINT.

    What it does is told on the standard error, one line of JSON for each event. Where puntual.yaml says `web` or `monitoring` it listens.
    """
    log_to(sys.stderr)
    place = Place.at(directory)
    serving = host_at(place)
    servers = _servers(place, serving)
    ending = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    for server in servers:
        server.start()
    serving.start()
    ending.wait()
    ended = [server.stop() for server in servers]
    sys.exit(0 if serving.stop() and all(ended) else TRY_LATER)


def _servers(place: Place, serving: Serving) -> "list[Server]":
    """What listens, as the host's file says."""
    settings = place.settings
    if settings.web is None and settings.monitoring is None:
        return []
    try:
        from ..web.readiness import beats
        from ..web.server import Server, WebServer, monitoring_server  # only where it is used: its libraries come with the extra `host`
    except ModuleNotFoundError as missing:
        said = f"The sections `web` and `monitoring` of puntual.yaml need the Python package {missing.name}."
        raise CompanyMustAct(said, hint="Install it: pip install 'puntual[host]'") from None
    servers: list[Server] = [WebServer(place)] if settings.web else []
    if settings.monitoring:
        alive = partial(beats, place.clock, lambda: serving.host.last_pulse)
        servers.append(monitoring_server(place, settings.monitoring.listen, [alive], serving.metrics.render))
    return servers


COMMANDS = (worker_command,)
