"""The ledger of a simulation: the books in memory of the worker's tests, watched. Every call is a point before and after its effect, what
is written twice shows, and the oracle knows what was answered to whom."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from puntual.core.bookings import (
    ChargeMade,
    CreditMade,
    CreditWanted,
    ExpectedPayment,
    LateCharge,
    Note,
    PaymentReceived,
    PaymentRecorded,
    Task,
)
from puntual.core.port import Cursor, Page, Recheck
from puntual.core.receivables import Invoice
from worker.memory_ledger import MemoryBooks, MemoryLedger


@dataclass
class WatchedBooks(MemoryBooks):
    """Books that remember how often each thing was written, and when they were read."""

    name: str = ""
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    made_at: dict[str, datetime] = field(default_factory=dict)
    read_at: list[datetime] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


Point = Callable[[str, str, bool], None]
"""Company, name of the call, whether its effect has happened. May raise what a ledger raises, or end the process."""


class WatchedLedger(MemoryLedger):
    """A connector over watched books, for one job. `told` hears of every answer that says how invoices stand."""

    def __init__(self, books: WatchedBooks, point: Point, told: Callable[[Recheck, Sequence[str]], None], now: Callable[[], datetime]):
        super().__init__(books)
        self.watched, self._point, self._told, self._now = books, point, told, now

    def _call(self, name: str) -> None:
        if name != "answer":
            self._point(self.watched.name, name, False)

    def _answered(self, name: str) -> None:
        self._point(self.watched.name, name, True)

    def _made(self, kind: str, marker: str) -> None:
        self.watched.made[kind, marker] += 1
        self.watched.made_at[marker] = self._now()

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        began = self._now()
        yield from super().changes(cursor)
        self.watched.read_at.append(began)
        self._answered("changes")

    def sweep(self) -> Iterator[Page]:
        began = self._now()
        yield from super().sweep()
        self.watched.read_at.append(began)

    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        seen = super().recheck(invoice_ids)
        self._told(seen, invoice_ids)
        self._answered("recheck")
        return seen

    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        made = super()._add_charge(charge, invoice)
        self._made("charge", charge.marker)
        self._answered("charges")
        return made

    def _add_credit(self, credit: CreditWanted) -> CreditMade:
        made = super()._add_credit(credit)
        self._made("credit", credit.marker)
        self._answered("credits")
        return made

    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        made = super()._add_payment(payment)
        self._made("payment", payment.marker)
        self._answered("payments")
        return made

    def put_expected_payments(self, expected: Sequence[ExpectedPayment]) -> Collection[str]:
        taken = super().put_expected_payments(expected)
        self._answered("expected")
        return taken

    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        done = super()._add_notes(notes)
        for marker in done:
            self._made("note", marker)
        self._answered("notes")
        return done

    def _add_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        done = super()._add_tasks(tasks)
        for marker in done:
            self._made("task", marker)
        self._answered("tasks")
        return done


def facts_of(invoice: Invoice) -> dict[str, Any]:
    """What the oracle remembers of an answer."""
    part = invoice.instalments[0]
    return {"status": invoice.status.value, "owed": part.outstanding, "due": part.due_date, "disputed": invoice.disputed}
