"""Import of documents from the stand-in of Odoo over HTTP, against the mere parsing of the JSON that it sends.

The stand-in runs in a process of its own. Counted is the processor time of this process, from the first request to the last committed row:
how long a server takes to answer is not ours.
"""

import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from puntual.connectors.http import Answer
from puntual.connectors.odoo.connector import OdooConnector
from puntual.connectors.odoo.settings import OdooSettings
from puntual.connectors.odoo.stub import OdooStub, StubBooks
from puntual.core.dunning.plan import Rulebook
from puntual.core.history.books import ensure_company, store_page
from puntual.core.history.database import open_database, writing
from puntual.core.port import Surroundings
from puntual.core.secret import Secret

from . import sample

AT = datetime(2026, 5, 13, 10, tzinfo=UTC)
API_KEY = "k" * 40
DOCUMENTS_A_CUSTOMER = 10


def measure(_: Path, documents: int) -> dict[str, Any]:
    """Import so many invoices into an empty history."""
    bodies: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder, _stand_in(documents) as url, _seen(bodies):
        connector = OdooConnector(
            OdooSettings(url=url, database="puntual", login="bot@example.com", api_key=Secret(API_KEY)),
            Surroundings(sample.COMPANY, "Europe/Madrid", lambda: AT, Path(folder), Path(folder)),
        )
        engine, rulebook = open_database(f"sqlite:///{folder}/bench.db"), Rulebook.of(sample.policy())
        with writing(engine) as conn:
            ensure_company(conn, sample.COMPANY)
        wall, started = time.perf_counter(), time.process_time()
        stored = 0
        for page in connector.changes(None):
            with writing(engine) as conn:
                stored += store_page(conn, sample.COMPANY, page, rulebook, sample.TODAY).documents
        seconds, wall = time.process_time() - started, time.perf_counter() - wall
        connector.close()
    assert stored >= documents, stored
    parsing = _parsing(bodies)
    return {
        "seconds": seconds,
        "wall_seconds": wall,
        "documents_a_second": documents / seconds,
        "times_parsing": seconds / parsing,
        "megabytes": sum(map(len, bodies)) / 1e6,
    }


def _parsing(bodies: list[bytes]) -> float:
    started = time.process_time()
    for body in bodies:
        json.loads(body, parse_float=Decimal)
    return time.process_time() - started


@contextmanager
def _seen(bodies: list[bytes]) -> Iterator[None]:
    """Keep every body that is parsed."""
    parse = Answer.json

    def kept(answer: Answer) -> Any:
        bodies.append(answer.body)
        return parse(answer)

    Answer.json = kept  # type: ignore[method-assign]
    try:
        yield
    finally:
        Answer.json = parse  # type: ignore[method-assign]


@contextmanager
def _stand_in(documents: int) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(documents, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(documents: int, pipe: Any) -> None:
    books = StubBooks(18, now=lambda: AT, api_key=API_KEY)
    partner = 0
    for number in range(documents):
        if number % DOCUMENTS_A_CUSTOMER == 0:
            partner = books.add_partner(f"Customer {number}", email=f"c{number}@example.com", is_company=True)
        due = sample.TODAY + timedelta(days=number % 60 - 20)
        books.add_invoice(partner, [(due, Decimal(10_000 + number) / 100)], issued_on=due - timedelta(days=30))
    server = OdooStub(books)
    pipe.send(server.url)
    pipe.recv()
