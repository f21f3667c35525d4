"""Commands for what comes in over HTTP: web."""

import signal
import sys
from pathlib import Path
from threading import Event

import click

from ..errors import CompanyMustAct
from ..hosting.logs import log_to
from ..hosting.start import Place
from ..policy.host_schema import host_of_place
from .common import directory, told

TRY_LATER = 75
LAST_PORT = 65535


def _a_place(_: click.Context, option: click.Parameter, value: str) -> str:
    try:
        if value and host_of_place(value)[1] > LAST_PORT:
            raise TypeError
    except TypeError:
        raise click.BadParameter("is no address and port such as 127.0.0.1:8080", param=option) from None
    return value


@click.command("web")
@directory
@click.option("--listen", default="", callback=_a_place, help="Where to listen, in place of what puntual.yaml says: 127.0.0.1:8080")
@click.option(
    "--monitoring",
    default="",
    callback=_a_place,
    help="Where to answer /health/live and /health/ready, for the operator's network only.",
)
@told
def web_command(directory: Path, listen: str, monitoring: str) -> None:
    """Answer webhooks and the pages to connect with, without working on any company, until SIGTERM or SIGINT.

    For a host whose workers run elsewhere; `puntual worker` does it by itself where puntual.yaml has a section `web`.
    """
    try:
        from ..web.server import Server, WebServer, monitoring_server  # only where it is used: its libraries come with the extra `host`
    except ModuleNotFoundError as missing:
        said = f"The web endpoint needs the Python package {missing.name}."
        raise CompanyMustAct(said, hint="Install it: pip install 'puntual[host]'") from None
    log_to(sys.stderr)
    place = Place.at(directory)
    servers: list[Server] = [WebServer(place, listen)]
    if monitoring:
        servers.append(monitoring_server(place, monitoring))
    ending = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    for server in servers:
        server.start()
    ending.wait()
    ended = [server.stop() for server in servers]
    sys.exit(0 if all(ended) else TRY_LATER)


COMMANDS = (web_command,)
