"""Commands for a host of many companies: worker."""

import signal
import sys
from pathlib import Path
from threading import Event

import click

from ..hosting.logs import log_to
from ..hosting.start import Place, host_at
from .common import directory, told

TRY_LATER = 75


@click.command("worker")
@directory
@told
def worker_command(directory: Path) -> None:
    """Serve every company of companies/: read the books and run, each at its own times, until SIGTERM or SIGINT.

    What it does is told on the standard error, one line of JSON for each event.
    """
    log_to(sys.stderr)
    host = host_at(Place.at(directory))
    ending = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    host.start()
    ending.wait()
    sys.exit(0 if host.stop() else TRY_LATER)


COMMANDS = (worker_command,)
