"""The worst moments: a call to the ledger at which somebody acts just then, and what the oracle has to know of what the job had seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from puntual.core.bookings import ChargeMade, LateCharge
from puntual.core.errors import LedgerUnavailable, Refused
from puntual.core.money import Money
from puntual.core.port import Recheck
from simulation.simulated_ledger import WatchedLedger, facts_of
from simulation.simulated_world import Seller


@dataclass(frozen=True)
class Seen:
    """How an invoice stood in an answer of the ledger. `by_clock` is when that was by the clock of the machine that asked."""

    at: datetime
    by_clock: datetime
    facts: dict[str, Any]


@dataclass(frozen=True)
class Charged:
    """A late charge that was written. `seen` is how its invoice stood in the last answer to the job that wrote it, `read_at` when that job
    began to read the books: what was true and said by then, the job had to know."""

    marker: str
    invoice_id: str
    at: datetime
    by_clock: datetime
    seen: Seen | None
    read_at: datetime | None


class AttendedLedger(WatchedLedger):
    """The ledger for one job, with people who act between any two of its steps."""

    def __init__(self, play: Any, seller: Seller) -> None:
        super().__init__(seller.books, play.points.ledger, self._looked, lambda: play.stage.now)
        self._play, self._seller = play, seller

    def _facts(self) -> dict[str, Any]:
        """What the strand at work knows."""
        stage = self._play.stage
        return {} if stage.process() is stage.outside else stage.strand().facts

    def _call(self, name: str) -> None:
        super()._call(name)
        if name == "changes":
            self._facts()["read_at"] = self._now()
            self._play.while_reading(self._seller)

    def _answered(self, name: str) -> None:
        is_storm = self._now() < self._play.world.calm_from
        if name in ("credits", "payments") and is_storm and self._play.is_worst_moment(3):
            raise LedgerUnavailable("The answer did not arrive.")
        super()._answered(name)
        facts = self._facts()
        if name == "recheck":
            facts.setdefault("heard", {}).update(dict.fromkeys(facts.get("asked", ()), self._now()))

    def _looked(self, seen: Recheck, asked: Sequence[str]) -> None:
        facts = self._facts()
        facts["asked"] = tuple(asked)
        now, by_clock = self._now(), self._play.stage.by_clock()
        found = {invoice.id: Seen(now, by_clock, facts_of(invoice)) for invoice in seen.invoices}
        for key in asked:
            facts.setdefault("seen", {})[key] = found.get(key, Seen(now, by_clock, {"status": "gone"}))
        for customer in {invoice.customer_id for invoice in seen.invoices}:
            left = sum((one.remaining for one in seen.credits if one.customer_id == customer), start=Money.zero("EUR"))
            facts.setdefault("credits", {})[customer] = left
        self._play.at_last_look(self._seller, asked)

    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        found = super()._find_charges(charges)
        self._play.before_charges(self._seller, [one.invoice_id for one in charges if one.marker not in found])
        return found

    def _made(self, kind: str, marker: str) -> None:
        super()._made(kind, marker)
        if kind == "charge":
            charge, facts = self.watched.charges[marker][0], self._facts()
            seen = facts.get("seen", {}).get(charge.invoice_id)
            made = Charged(marker, charge.invoice_id, self._now(), self._play.stage.by_clock(), seen, facts.get("read_at"))
            self._play.charged[self._seller.name].append(made)
            self._play.after_charge(self._seller, marker)
