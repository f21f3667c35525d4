"""The stage of a simulation: one clock, one order of events, and strands that run only when it is their turn.

A strand is a greenlet of a simulated process. It gives way at *points*: where it begins or commits a transaction, asks the ledger, delivers
a mail. Between two points nothing that others could see happens, so every order of points that a seed draws is an order that really could
have been. Everything that is drawn comes from the seed: the same seed is the same story.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet


class Crash(BaseException):
    """The process is dead. Nothing catches it, and nothing that it passes by takes effect any more."""


@dataclass(eq=False)
class Process:
    """A simulated process on a machine. `skew` is how far its clock is off, `asleep_until` when its machine wakes."""

    name: str
    host: str
    pid: int
    is_person: bool = False
    is_alive: bool = True
    skew: timedelta = timedelta(0)
    asleep_until: datetime | None = None
    ours: set[str] = field(default_factory=set)
    strands: set["Strand"] = field(default_factory=set)
    on_end: Callable[[], None] = lambda: None
    on_silence: Callable[[], None] = lambda: None


class Strand(greenlet):
    """Something that happens in a process. `facts` is for who wants to know what it is at; `ticket` is for its next turn only."""

    def __init__(self, process: Process, name: str, work: Callable[[], Any], hub: greenlet) -> None:
        super().__init__(self._whole, parent=hub)
        self.process, self.name, self.ticket = process, name, 0
        self.facts: dict[str, Any] = {}
        self._work = work

    def _whole(self) -> None:
        try:
            self._work()
        except Crash:
            pass
        finally:
            self.process.strands.discard(self)


class Stage:
    """Whose turn it is, and what time it is. `told` is what happened, in order; `counts` is what happened how often."""

    def __init__(self, seed: int, begin: datetime) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.ids = Random(f"ids {seed}")
        self.now = begin
        self.told: list[tuple[datetime, str, str, str]] = []
        self.counts: Counter[str] = Counter()
        self.outside = Process("outside", "nowhere", 0, is_person=True)
        self._turns: list[tuple[datetime, int, int, Strand | None, Callable[[], None] | None]] = []
        self._number = 0
        self._hub = getcurrent()
        self._strands: list[Strand] = []

    # --- strands --------------------------------------------------------------------------------------------------------------

    def spawn(self, process: Process, name: str, work: Callable[[], Any], after: timedelta = timedelta(0)) -> Strand:
        """A new strand of a process; its first turn comes soon."""
        strand = Strand(process, name, work, self._hub)
        process.strands.add(strand)
        self._strands.append(strand)
        self._turn(strand, self.now + after)
        return strand

    def at(self, when: datetime, what: Callable[[], None]) -> None:
        """Something happens then, all at once and outside every process."""
        self._number += 1
        heapq.heappush(self._turns, (when, self._number, 0, None, what))

    def pause(self, length: timedelta) -> None:
        """The strand at work waits so long, at least."""
        strand = self.strand()
        self._turn(strand, self.now + length)
        self._hub.switch()

    def wait(self, until: datetime | None = None) -> None:
        """The strand at work waits until it is woken, or until then."""
        strand = self.strand()
        strand.ticket += 1
        if until is not None:
            self._turn(strand, max(until, self.now), renew=False)
        self._hub.switch()

    def awake(self, strand: Strand) -> None:
        """It has its turn now, whatever it waited for."""
        self._turn(strand, self.now)

    def strand(self) -> Strand:
        """The one at work."""
        current = getcurrent()
        assert isinstance(current, Strand), "only a strand may wait"
        return current

    def process(self) -> Process:
        """The process at work; the world outside when none is."""
        current = getcurrent()
        return current.process if isinstance(current, Strand) else self.outside

    def by_clock(self) -> datetime:
        """What the process at work sees on its machine's clock."""
        return self.now + self.process().skew

    def kill(self, process: Process) -> None:
        """The process is dead from now on. The caller goes on only when it is none of its strands."""
        process.is_alive = False
        for strand in sorted(process.strands, key=lambda one: one.name):
            if strand is not getcurrent():
                self._turn(strand, self.now)
        process.on_end()

    def run(self, until: datetime) -> None:
        """Let everything happen until then."""
        while self._turns and self._turns[0][0] <= until:
            when, _, ticket, strand, what = heapq.heappop(self._turns)
            self.now = max(self.now, when)
            if what is not None:
                what()
            elif strand is not None and ticket == strand.ticket and not strand.dead:
                self._give_turn(strand)
        self.now = max(self.now, until)

    def end(self) -> None:
        """Everybody is dead: nothing of this simulation stays behind."""
        for strand in self._strands:
            strand.process.is_alive = False
        for strand in self._strands:
            while strand:
                strand.throw(Crash)
        self._strands.clear()

    def _give_turn(self, strand: Strand) -> None:
        process = strand.process
        if not process.is_alive:
            if strand:
                strand.throw(Crash)
            process.strands.discard(strand)
        elif process.asleep_until is not None and process.asleep_until > self.now:
            self._turn(strand, process.asleep_until)
        else:
            strand.switch()

    def _turn(self, strand: Strand, when: datetime, *, renew: bool = True) -> None:
        strand.ticket += renew
        self._number += 1
        heapq.heappush(self._turns, (when.astimezone(UTC), self._number, strand.ticket, strand, None))

    # --- what is told ---------------------------------------------------------------------------------------------------------

    def tell(self, kind: str, what: str = "") -> None:
        """Something happened; it belongs to the story."""
        current = getcurrent()
        who = f"{current.process.name}/{current.name}" if isinstance(current, Strand) else ""
        self.told.append((self.now, who, kind, what))
        self.counts[kind] += 1

    def digest(self) -> str:
        """The story in a few characters: the same for the same story."""
        return sha256("\n".join(self.lines()).encode()).hexdigest()[:16]

    def lines(self) -> list[str]:
        """The story, a line for each event."""
        return [f"{now:%a %d %b %H:%M:%S.%f} {who:<22} {kind}: {what}" for now, who, kind, what in self.told]
