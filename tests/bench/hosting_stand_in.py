"""A ledger's stand-in in a process of its own, for the bench: `hosting_stand_in LEDGER SECONDS`, each call answered that much later.

Says its address, settings and secrets in a line of JSON; then says how many calls came, for each line that comes in.
"""

import json
import sys
import time
from datetime import timedelta
from typing import Any

from puntual.connectors.stub_server import StubServer
from puntual.core.demo import stand_in
from puntual.core.demo.books import sample_rows
from puntual.core.worker.clock import SystemClock, today
from puntual.core.worker.wiring import manifest


def main(ledger: str, latency: str) -> None:
    """Serve until nobody listens any more."""
    counted = _delay(float(latency))
    entry = next(entry for entry in manifest()["connectors"] if entry["id"] == ledger)
    entered_ago = [timedelta(days=1)]  # else an incremental reading would see what was entered just now
    books = stand_in._class_named(entry["demo"], entry["name"])(lambda: SystemClock().now() - entered_ago[0])
    books.seed(sample_rows(today(SystemClock(), "Europe/Madrid")))
    entered_ago[0] = timedelta(0)
    print(json.dumps({"url": books.url, "settings": dict(books.settings()), "secrets": dict(books.secrets())}), flush=True)
    for _ in sys.stdin:
        print(counted[0], flush=True)
    books.close()


def _delay(latency: float) -> list[int]:
    counted, answered = [0], StubServer._responded

    def later(server: StubServer, request: Any) -> Any:
        if server.counts(request):
            counted[0] += 1
            time.sleep(latency)
        return answered(server, request)

    StubServer._responded = later
    return counted


if __name__ == "__main__":
    main(*sys.argv[1:])
