"""The full path (claim, recheck, render, send, settle, note) against a bare loop that renders and sends the same mails."""

import multiprocessing
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.handlers import Sink
from puntual.connectors.files.settings import FilesSettings
from puntual.core.bookings import Note
from puntual.core.channels.email import compose
from puntual.core.channels.smtp import SmtpTransport
from puntual.core.dunning.facts import Action
from puntual.core.dunning.plan import Rulebook
from puntual.core.history.database import open_database
from puntual.core.notices.render import Renderer
from puntual.core.policy.schema import Policy
from puntual.core.port import Capability, Cursor, LedgerConnector, Page, Recheck, Surroundings
from puntual.core.receivables import Company
from puntual.core.worker.clock import FixedClock
from puntual.core.worker.desk import Desk
from puntual.core.worker.envelope import envelope_of, preview_of
from puntual.core.worker.planning import plan_of
from puntual.core.worker.run import run
from puntual.core.worker.wiring import template_lookup

from . import sample

AT = datetime(2026, 5, 13, 10, tzinfo=UTC)


class MemoryLedger(LedgerConnector):
    """Books in memory: a ledger that costs nothing, so that the path itself is measured."""

    name = "memory"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.NOTES, Capability.LAST_BANK_ENTRY})
    notes: ClassVar[dict[str, str]] = {}

    def check(self) -> Company:
        """The bench's company."""
        return Company("bench", "Bench")

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """Nothing has changed."""
        yield Page(cursor or Cursor("0"))

    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        """The invoices as they were made."""
        return Recheck(tuple(sample.invoice(int(key[1:])) for key in invoice_ids))

    def _find_notes(self, notes: Sequence[Note]) -> dict[str, str]:
        return {note.marker: self.notes[note.marker] for note in notes if note.marker in self.notes}

    def _add_notes(self, notes: Sequence[Note]) -> dict[str, str]:
        self.notes.update({note.marker: note.text for note in notes})
        return {note.marker: note.marker for note in notes}


def measure(_: Path, mails: int) -> dict[str, Any]:
    """So many customers to write to, by the bare loop and by a run, each three times on fresh books; the fastest of each counts."""
    with _sink() as port:
        rounds = [_round(mails, port) for _ in range(3)]
    bare, path = min(bare for bare, _ in rounds), min(path for _, path in rounds)
    return {"mails": mails, "seconds": path, "mails_a_second": mails / path, "bare_a_second": mails / bare, "times_bare_loop": path / bare}


def _round(mails: int, port: int) -> tuple[float, float]:
    MemoryLedger.notes.clear()
    with tempfile.TemporaryDirectory() as folder:
        desk = _desk(Path(folder), sample.policy(port=port))
        sample.fill(Path(folder) / "bench.db", mails * sample.CUSTOMERS_WITH_ONE_DUE * sample.ITEMS_A_CUSTOMER, only_due=True)
        actions = plan_of(desk, sample.TODAY).actions
        assert len(actions) == mails, len(actions)
        _bare(desk, actions[:20])
        times = _timed(lambda: _bare(desk, actions)), _timed(lambda: run(desk, sample.TODAY))
        assert len(MemoryLedger.notes) == mails * sample.ITEMS_A_CUSTOMER, len(MemoryLedger.notes)
    return times


def _desk(folder: Path, policy: Policy) -> Desk:
    clock = FixedClock(AT)
    around = Surroundings(sample.COMPANY, "Europe/Madrid", clock.now, folder, folder)
    return Desk(
        company=sample.COMPANY,
        policy=policy,
        rulebook=Rulebook.of(policy),
        engine=open_database(f"sqlite:///{folder / 'bench.db'}"),
        clock=clock,
        renderer=Renderer(template_lookup(None)),
        open_ledger=lambda: MemoryLedger(FilesSettings(folder="books"), around),
        open_mail=lambda: _transport(policy),
        state_dir=folder,
    )


def _transport(policy: Policy) -> SmtpTransport:
    assert policy.mail.smtp is not None
    return SmtpTransport(policy.mail.smtp)


def _bare(desk: Desk, actions: Sequence[Action]) -> None:
    mail = _transport(desk.policy)
    for action in actions:
        mail.deliver(compose(preview_of(desk, action, sample.TODAY)[0], **envelope_of(desk, action)))
    mail.close()


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def _sink() -> Iterator[int]:
    """An SMTP server in a process of its own that takes every mail and keeps none."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.join()


def _serve(port: int) -> None:
    import asyncio

    loop = asyncio.new_event_loop()
    controller = UnthreadedController(Sink(), hostname="127.0.0.1", port=port, loop=loop)
    controller.begin()
    loop.run_forever()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the SMTP sink did not start")
