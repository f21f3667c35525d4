"""What happens at the points of a simulation: time passes, somebody else has their turn, and a fault may strike."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta

from puntual.core.channels.port import Delivery, DeliveryStatus
from puntual.core.errors import AuthorizationExpired, CompanyMustAct, LedgerUnavailable, RateLimited, TryLater, UnexpectedResponse
from simulation.database_points import AWAY, DOOR, FULL, PointedConnection
from simulation.fault_plan import Weather
from simulation.simulated_world import World
from simulation.stage import Crash, Process, Stage

_READS = ("changes", "later page", "recheck", "find charges", "find credits", "find payments", "check")


class Points:
    """The points of one simulation. `meddle` lets people or customers do something at once."""

    def __init__(self, stage: Stage, world: World, weather: Weather, meddle: Callable[[], None]) -> None:
        self.stage, self.world, self.weather = stage, world, weather
        self._meddle = meddle
        self._waiting: list = []

    # --- the database (see database_points.Door) --------------------------------------------------------------------------------

    def begins(self, writes: bool) -> None:
        process = self._living()
        if self._in_spell("database_away", ""):
            self.stage.counts["database away"] += 1
            self._broken_line()
            raise sqlite3.OperationalError(AWAY)
        if not self._is_strand():
            return
        self._pass_time(0.002)
        self._maybe_crash(process, "before a transaction", 0.25)
        while writes and DOOR.writer is not None:
            self._waiting.append(self.stage.strand())
            self.stage.wait()
            self._living()

    def commits(self, connection: PointedConnection) -> None:
        process = self._living()
        if not self._is_strand():
            return
        self._pass_time(0.004)
        self._maybe_crash(process, "before a commit", 0.25)
        if not process.is_person and self._strikes("disk_full"):
            self._broken_line()
            raise sqlite3.OperationalError(FULL)
        self.stage.strand().facts["committed"] = self.stage.now

    def committed(self) -> None:
        process = self.stage.process()
        if not self._is_strand():
            return
        self._living()
        self._maybe_crash(process, "after a commit", 0.25)
        if not process.is_person and self._strikes("commit_unanswered"):
            self._broken_line()
            raise sqlite3.OperationalError(AWAY)
        self._maybe_stall(process)

    def gave_way(self) -> None:
        waiting, self._waiting = self._waiting, []
        for strand in waiting:
            self.stage.awake(strand)

    # --- the ledger -------------------------------------------------------------------------------------------------------------

    def ledger(self, company: str, name: str, is_done: bool) -> None:
        """Before a call reaches the books, or after its effect and before the answer arrives."""
        process = self._living()
        weight = 0.25 if name in _READS else 2.0
        if not is_done:
            self._pass_time(0.4)
            self._spells_of_ledger(company)
            self._maybe_crash(process, f"before {name}", weight)
            if self._strikes("unavailable"):
                raise LedgerUnavailable("It does not answer.")
            self._maybe_meddle()
            return
        self._pass_time(0.4)
        self._maybe_meddle()
        self._maybe_crash(process, f"after {name}", weight)
        if self._strikes("lost_answer"):
            raise LedgerUnavailable("The answer did not arrive.")
        if self._strikes("half_a_body"):
            error = UnexpectedResponse if self.weather.random.random() < 0.3 else LedgerUnavailable
            raise error("Half of the answer arrived.")
        self._maybe_stall(process)

    def _spells_of_ledger(self, company: str) -> None:
        if self._in_spell("revoked", company):
            raise AuthorizationExpired("The connection has ended.")
        if self._in_spell("storm_429", company):
            raise RateLimited("Too many calls.", retry_after=self.weather.random.choice((None, 60, 900, 7200)))
        if self._in_spell("ledger_down", company):
            raise LedgerUnavailable("It is down.")

    # --- the provider of pay pages ------------------------------------------------------------------------------------------------

    def stripe(self, name: str, is_done: bool) -> None:
        """Before a call reaches it, or after its effect and before the answer arrives."""
        process = self._living()
        self._pass_time(0.3)
        self._maybe_crash(process, f"{'after' if is_done else 'before'}: {name}", 1.0)
        if self._strikes("lost_answer" if is_done else "unavailable"):
            raise TryLater("Stripe could not be reached, or did not answer in time.")
        self._maybe_meddle()
        if is_done:
            self._maybe_stall(process)

    # --- the mail server --------------------------------------------------------------------------------------------------------

    def connect(self, falls_asleep: bool) -> None:
        """The connection that a run hands its mails in through; the first of them is begun by then."""
        process = self._living()
        self._pass_time(1.0)
        self._maybe_crash(process, "before the connection with the mail server", 1.0)
        if falls_asleep and DOOR.writer is None:
            self._stall(process)

    def mail(self, company: str, accept: Callable[[], None], refuse: Callable[[], str]) -> Delivery:
        """A message is delivered: `accept` when the server takes it."""
        process = self._living()
        self._pass_time(0.5)
        self._maybe_crash(process, "before the mail", 3.0)
        self._maybe_meddle()
        if self._strikes("mail_settings"):
            raise CompanyMustAct("The mail server refuses the password.")
        if self._strikes("mail_failed"):
            return Delivery(DeliveryStatus.FAILED, detail="greylisted")
        if self._strikes("mail_refused"):
            return Delivery(DeliveryStatus.REJECTED, detail="no such mailbox", refused_address=refuse())
        is_lost = self._strikes("mail_lost")
        if is_lost and self.weather.random.random() < 0.5:
            return self._unknown()
        accept()
        self._pass_time(0.5)
        if is_lost:
            return self._unknown()
        self._maybe_crash(process, "after the mail", 5.0)
        self._maybe_stall(process)
        return Delivery(DeliveryStatus.SENT, "taken")

    def _unknown(self) -> Delivery:
        self._broken_line()
        return Delivery(DeliveryStatus.UNKNOWN, detail="the line broke before the answer")

    # --- what may happen --------------------------------------------------------------------------------------------------------

    def _living(self) -> Process:
        process = self.stage.process()
        if not process.is_alive:
            raise Crash
        return process

    def _is_strand(self) -> bool:
        return self.stage.process() is not self.stage.outside

    def _pass_time(self, seconds: float) -> None:
        if self._is_strand():
            self.stage.pause(timedelta(seconds=seconds * (0.1 + self.stage.random.random())))
            self._living()

    def _strikes(self, kind: str, weight: float = 1.0) -> bool:
        if self.weather.random.random() > weight or not self.weather.strikes(kind, self.stage.now):
            return False
        self.stage.tell(f"fault: {kind}")
        return True

    def _maybe_crash(self, process: Process, where: str, weight: float) -> None:
        if process.is_person or not self._is_strand():
            return
        times = int(weight) + (self.weather.random.random() < weight % 1)
        if any(self.weather.strikes("crash", self.stage.now) for _ in range(times)):
            self.stage.tell("fault: crash", where)
            self._broken_line(process)
            self.stage.kill(process)
            raise Crash

    def _maybe_stall(self, process: Process) -> None:
        """The machine stops for a while, unless it holds the database: then everybody would only wait."""
        if process.is_person or DOOR.writer is not None or not self._strikes("stall"):
            return
        self._stall(process)

    def _stall(self, process: Process) -> None:
        minutes = self.weather.random.choice((1, 9, 11, 12, 15, 30, 200))
        self.sleep(process, timedelta(minutes=minutes))
        self.stage.pause(timedelta(0))
        self._living()

    def sleep(self, process: Process, length: timedelta) -> None:
        """The machine of a process sleeps so long."""
        process.asleep_until = self.stage.now + length
        self._broken_line(process)
        if length > timedelta(minutes=1):
            self.stage.at(self.stage.now + timedelta(minutes=1), process.on_silence)
        self.stage.tell("asleep", f"{process.name} for {length}")

    def _maybe_meddle(self) -> None:
        if not self.stage.process().is_person and self._strikes("meddling"):
            self._meddle()

    def _in_spell(self, kind: str, company: str) -> bool:
        sellers = self.world.spells.get((kind, company), ())
        return any(start <= self.stage.now < end for start, end in sellers)

    def _broken_line(self, process: Process | None = None) -> None:
        """From here on nobody may know how the mail ended that this strand, or any of the process, was at."""
        strands = process.strands if process else {self.stage.strand()} if self._is_strand() else ()
        for strand in strands:
            if company := strand.facts.get("company"):
                self.world.breaks.setdefault(company, []).append(self.stage.now)
