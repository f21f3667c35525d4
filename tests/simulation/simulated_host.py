"""The processes of a simulation: the host's own code, with a clock, hands and a mail server that belong to the stage."""

import heapq
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from puntual.core.dunning.plan import Rulebook
from puntual.core.errors import PuntualError
from puntual.core.hosting import host as host_module
from puntual.core.hosting.host import Host
from puntual.core.hosting.jobs import Job, JobKind, Timetable
from puntual.core.hosting.roster import Roster
from puntual.core.hosting.ticking import PULSE, Ticker
from puntual.core.hosting.work import Working
from puntual.core.payment_links import stripe_links
from puntual.core.policy.read import read_policy
from puntual.core.worker import clock as clock_module
from puntual.core.worker import lease as lease_module
from puntual.core.worker import wiring
from puntual.core.worker.desk import Desk
from simulation.simulated_world import KEY_OF, STRIPE_SECRET, WEBHOOK_OF
from simulation.stage import Crash, Process, Stage

_LONGEST_WITHOUT_A_LOOK = timedelta(hours=4)
_known_policies: dict[tuple[bytes, str], Any] = {}


class StageClock:
    """What the process at work sees on its clock."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def now(self) -> datetime:
        return self.stage.by_clock()


class StageTicker(Ticker):
    """The host's ticker with the stage's time. Where the real one looks every half minute, this one does so when there is something to
    see: the looks that are left out would have found nothing."""

    def __init__(self, stage: Stage, wake: Callable[[str], None], pulse: Callable[[], None], waits: Callable[[], list[datetime]]) -> None:
        self._stage, self._wake, self._pulse, self._waits = stage, wake, pulse, waits
        self._tables: dict[str, Timetable] = {}
        self._due: list[tuple[datetime, str, int]] = []
        self._process = stage.process()
        self._looked = self._now()
        self.strand: Any = None
        self.must_look = self.has_news = False

    def start(self) -> None:
        self.strand = self._stage.spawn(self._stage.process(), "clock", self._tick)

    def follow(self, company: str, table: Timetable) -> None:
        self.forget(company)
        self._tables[company] = table
        for number, _ in enumerate(table.triggers()):
            self._next(company, number, self._now())

    def forget(self, company: str) -> None:
        self._tables.pop(company, None)
        self._due = [entry for entry in self._due if entry[1] != company]
        heapq.heapify(self._due)

    def stop(self) -> None:
        self._tables.clear()

    def _next(self, company: str, number: int, after: datetime) -> None:
        table = self._tables.get(company)
        if table is None:
            return
        trigger = table.triggers()[number]
        fires = trigger.get_next_fire_time(after, after) if "Interval" not in type(trigger).__name__ else after + table.every
        if fires is not None:
            heapq.heappush(self._due, (fires, company, number))

    def _tick(self) -> None:
        while True:
            now = self._now()
            while self._due and self._due[0][0] <= now:
                _, company, number = heapq.heappop(self._due)
                self._next(company, number, now)
                self._guarded(self._wake, company)
            if self._look_at() <= self._now():
                self.must_look = self.has_news = False
                self._guarded(self._pulse)
                self._looked = self._now()
            first = self._due[0][0] if self._due else self._look_at()
            self._stage.wait(max(min(first, self._look_at()) - self._process.skew, self._stage.now + timedelta(seconds=1)))

    def _now(self) -> datetime:
        """By the clock of the machine, which may be off."""
        return self._stage.now + self._process.skew

    def _look_at(self) -> datetime:
        """The next look that finds something, on the grid of the real ones."""
        last = min(self._looked, self._now())
        instants = [last] if self.must_look else [at for at in self._waits() if self.has_news or at > last]
        return max(last + PULSE, min([at + PULSE for at in instants], default=last + _LONGEST_WITHOUT_A_LOOK))


class Waiting:
    """Jobs that wait, and companies that somebody works on: of one process, or of all where they share a queue."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.busy: dict[str, Process] = {}
        self.idle: list[Any] = []

    def wake(self, stage: Stage) -> None:
        """Whoever has nothing to do looks again."""
        idle, self.idle = self.idle, []
        for strand in idle:
            stage.awake(strand)


class StageQueue:
    """The host's queue: what waits is taken by one of the hands, in an order that the seed draws. A job whose process died is free again
    after a minute."""

    def __init__(self, stage: Stage, process: Process, hands: int, do: Callable[[Job], object], waiting: Waiting) -> None:
        self._stage, self._do, self._waiting = stage, do, waiting
        for number in range(hands):
            stage.spawn(process, f"hand{number}", self._serve)

    def put(self, job: Job) -> None:
        if job.company not in self._waiting.jobs:
            self._waiting.jobs[job.company] = job
            self._waiting.wake(self._stage)

    def depth(self) -> int:
        return len(self._waiting.jobs)

    def close(self, patience: int) -> bool:
        return True

    def _serve(self) -> None:
        strand = self._stage.strand()
        while True:
            free = sorted(company for company in self._waiting.jobs if company not in self._waiting.busy)
            if not free:
                self._waiting.idle.append(strand)
                self._stage.wait()
                continue
            self._take(strand, self._stage.random.choice(free))

    def _take(self, strand: Any, company: str) -> None:
        waiting = self._waiting
        waiting.busy[company] = strand.process
        strand.facts.clear()
        strand.facts["company"] = company
        try:
            self._do(waiting.jobs.pop(company))
        except Crash:
            self._stage.at(self._stage.now + timedelta(minutes=1), lambda: self._free(company, strand.process))
            raise
        except Exception as mistake:
            self._stage.tell("escaped", f"{company} {type(mistake).__name__}: {mistake}")
        self._free(company, strand.process)

    def _free(self, company: str, process: Process) -> None:
        if self._waiting.busy.get(company) is process:
            del self._waiting.busy[company]
        self._waiting.wake(self._stage)


class StageRoster(Roster):
    """The host's roster, whose desks have the ledger and the mail server of the world."""

    def __init__(self, dress: Callable[[Desk], None], *more: Any) -> None:
        super().__init__(*more)
        self._dress = dress

    def _made(self, *more: Any) -> Any:
        seat = super()._made(*more)
        self._dress(seat.desk)
        return seat


class Supervisor:
    """Starts processes, and starts them again when they are dead."""

    def __init__(self, stage: Stage, folder: Path, engine: Any, dress: Callable[[Desk], None], hands: int, shares: bool) -> None:
        self._shared = Waiting() if shares else None
        self.stage, self.folder, self.engine, self.dress, self.hands = stage, folder, engine, dress, hands
        self.processes: dict[str, Process] = {}
        self.hosts: dict[str, Host] = {}
        self._peek = sqlite3.connect(engine.url.database, isolation_level=None)
        self._peek.execute("PRAGMA query_only=ON")
        self._pids = iter(range(100, 100_000))

    def start(self, name: str, host: str, pid: int | None = None, skew: timedelta = timedelta(0)) -> None:
        """A worker process begins."""
        process = Process(name, host, pid or next(self._pids), skew=skew)
        process.on_end = lambda: self._again(process)
        process.on_silence = lambda: self._silent(process)
        self.processes[name] = process
        self.stage.tell("process starts", f"{name} as {host}:{process.pid}")
        self.stage.spawn(process, "main", lambda: self._main(process))

    def stop(self, name: str) -> None:
        """SIGTERM: what is done stops at its next safe place; the process then ends."""
        process, host = self.processes[name], self.hosts.get(name)
        if process.is_alive and host is not None:
            self.stage.tell("process is asked to stop", name)
            self.stage.spawn(process, "signal", lambda: self._stopped(process, host))

    def poke(self) -> None:
        """Something changed that the next look would see."""
        for name, host in self.hosts.items():
            if self.processes[name].is_alive:
                ticker: Any = host._ticker
                ticker.must_look = True
                if ticker.strand is not None and not ticker.strand.dead:
                    self.stage.awake(ticker.strand)

    def recheck_waits(self) -> None:
        """Somebody's state changed: who waits for a look may have to look sooner."""
        for name, host in self.hosts.items():
            ticker: Any = host._ticker
            ticker.has_news = True
            if self.processes[name].is_alive and ticker.strand is not None and not ticker.strand.dead:
                self.stage.awake(ticker.strand)

    def close(self) -> None:
        self._peek.close()

    def _main(self, process: Process) -> None:
        clock = StageClock(self.stage)
        try:
            roster = StageRoster(self.dress, self.folder, self.engine, clock, timedelta(minutes=10))
            working = Working(roster, f"{process.host}:{process.pid}:{uuid.uuid4().hex[:8]}", heard=lambda ended: self._heard(ended))
            queue = StageQueue(self.stage, process, self.hands, working.do, self._shared or Waiting())
            host = Host(roster, working, queue)
            self.hosts[process.name] = host
            host.start()
        except Exception as mistake:
            self.stage.tell("process ends", f"{process.name}: {type(mistake).__name__}")
            self.stage.kill(process)

    def _heard(self, ended: Any) -> None:
        why = f": {ended.error}".replace(str(self.folder), "HOST") if ended.error else ""
        self.stage.tell("job ended", f"{ended.job.company} {ended.job.kind.value} {ended.trouble or 'well'}{why}")
        self.stage.counts[f"job {ended.job.kind.value} {type(ended.error).__name__ if ended.error else 'well'}"] += 1
        self.recheck_waits()

    def _silent(self, process: Process) -> None:
        """Nothing was heard of it for a minute: in a queue that all share, others may have its jobs."""
        if self._shared is None or not process.is_alive or (process.asleep_until or self.stage.now) <= self.stage.now:
            return
        for company in sorted(company for company, who in self._shared.busy.items() if who is process):
            del self._shared.busy[company]
            self._shared.jobs.setdefault(company, Job(company, JobKind.RUN))
            self._shared.wake(self.stage)

    def _stopped(self, process: Process, host: Host) -> None:
        host.stop(timedelta(seconds=1))
        self.stage.pause(timedelta(seconds=20))
        self.stage.tell("process stopped", process.name)
        self.stage.kill(process)

    def _again(self, process: Process) -> None:
        """After seconds or hours, with the same number where machines are containers."""
        random = self.stage.random
        length = timedelta(seconds=random.choice((5, 60, 900, 4 * 3600)))
        pid = process.pid if random.random() < 0.5 else None
        self.stage.at(self.stage.now + length, lambda: self.start(process.name, process.host, pid, process.skew))

    def has_runs(self) -> bool:
        """Whether a run of any company is under way, as the database says."""
        return self._peek.execute("SELECT 1 FROM companies WHERE run_id <> '' LIMIT 1").fetchone() is not None

    def waits(self) -> list[datetime]:
        """When the waiting of companies ends, as the database says."""
        rows = self._peek.execute("SELECT not_before, wished_at FROM company_states").fetchall()
        instants = [_instant(before) for before, _ in rows if before]
        instants += [_instant(wished) + host_module.DEBOUNCE for _, wished in rows if wished]
        return instants


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@contextmanager
def on_stage(stage: Stage, supervisor: Supervisor, wire_to: Callable[[str], Any], companies: Iterable[str]) -> Iterator[None]:
    """Everything that asks the machine for the time, a number of its own or who is alive asks the stage. `wire_to` is the way to the pay
    pages of the company whose key it is."""
    clock = StageClock(stage)
    system = SimpleNamespace(getpid=lambda: stage.process().pid, kill=lambda pid, _: _kill(stage, supervisor, pid))
    with ExitStack() as changed:
        for target, name, value in (
            (clock_module.SystemClock, "now", lambda _: clock.now()),
            (lease_module, "machine", lambda: stage.process().host),
            (lease_module, "os", system),
            (lease_module, "_ours", _Ours(stage)),
            (uuid, "uuid4", lambda: uuid.UUID(int=stage.ids.getrandbits(128), version=4)),
            (wiring, "read_policy", _read_once),
            (wiring, "Rulebook", SimpleNamespace(of=_rulebook_of)),
            (stripe_links, "_wire", lambda account: wire_to(account.secret_key.reveal())),
            (host_module, "Ticker", lambda wake, pulse: StageTicker(stage, wake, pulse, supervisor.waits)),
        ):
            changed.enter_context(patch.object(target, name, value))
        secrets = {KEY_OF.format(name): name for name in companies} | {WEBHOOK_OF: STRIPE_SECRET}
        changed.enter_context(patch.dict(os.environ, {"PUNTUAL_DATABASE": "sqlite:///not-used"} | secrets))
        yield


class _Ours:
    """What the lease keeps of a process: each simulated one has its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def add(self, run_id: str) -> None:
        self._stage.process().ours.add(run_id)

    def discard(self, run_id: str) -> None:
        self._stage.process().ours.discard(run_id)

    def __bool__(self) -> bool:
        return bool(self._stage.process().ours)


def _kill(stage: Stage, supervisor: Supervisor, pid: int) -> None:
    here = stage.process().host
    if not any(one.pid == pid and one.host == here and one.is_alive for one in supervisor.processes.values()):
        raise ProcessLookupError


def _read_once(text: bytes, name: str, **more: Any) -> Any:
    """The policy, read by the real reader when it is first seen."""
    if (text, name) not in _known_policies:
        try:
            _known_policies[text, name] = read_policy(text, name, **more)
        except PuntualError as problem:
            _known_policies[text, name] = problem
    known = _known_policies[text, name]
    if isinstance(known, PuntualError):
        raise known
    return known


_rulebooks: dict[int, tuple[Any, Rulebook]] = {}


def _rulebook_of(policy: Any) -> Rulebook:
    known = _rulebooks.get(id(policy))
    if known is None or known[0] is not policy:
        known = _rulebooks[id(policy)] = (policy, Rulebook.of(policy))
    return known[1]


def forget_policies() -> None:
    """A new seed has other policies."""
    _known_policies.clear()
    _rulebooks.clear()


__all__ = ["StageClock", "Supervisor", "forget_policies", "on_stage"]
