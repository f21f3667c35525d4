"""One run a company at a time: a lease that is kept from safe place to safe place, and that a run which died or slept loses by itself."""

import hashlib
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine

from ..errors import AnotherRunUnderWay
from ..history.database import writing
from ..history.runs import LEASE, give_back, renew_lease, take_lease
from .clock import Clock, SystemClock
from .desk import Desk

_OFTEN_ENOUGH = LEASE / 4


@dataclass(slots=True)
class Lease:
    """A company for ourselves. `kept_at` is when we last made sure of it."""

    desk: Desk
    run_id: str
    kept_at: datetime

    def keep(self) -> None:
        """To be called at every safe place. Raises MustStop when another run took the company, when we were silent for so long that what we
        know of the books is old, and when this run is to end."""
        self.desk.breathe()
        self._renew()

    def keep_in(self, conn: Connection) -> None:
        """The same in a transaction that is open."""
        self.desk.breathe()
        self._hold_in(conn)

    def hold(self) -> None:
        """To be called right before an effect that must not be had twice: the same, but that a run that is to end may still finish what it
        is at. As often as one likes: it asks the database only now and then, and once more when the answer took long: the machine may have
        slept over it."""
        while self.desk.machine.now() - self.kept_at >= _OFTEN_ENOUGH:
            self._renew()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of this run: nothing of it counts when the company is not ours any more. Raises AnotherRunUnderWay."""
        with writing(self.desk.engine) as conn:
            self._hold_in(conn)
            yield conn

    def _renew(self) -> None:
        now = self.desk.machine.now()
        with self.writing():
            pass
        self.kept_at = now

    def _hold_in(self, conn: Connection) -> None:
        if not renew_lease(conn, self.desk.company, self.run_id, self.desk.machine.now()):
            raise AnotherRunUnderWay(
                f"The run of {self.desk.company} was silent for too long, and another one may have begun.", hint="It is run again"
            )


@contextmanager
def leased(desk: Desk) -> Iterator[Lease]:
    """The company for ourselves. Raises AnotherRunUnderWay."""
    began = desk.machine.now()
    with lease_on(desk.engine, desk.company, desk.machine) as run_id:
        yield Lease(desk, run_id, began)


@contextmanager
def lease_on(engine: Engine, company: str, machine: Clock | None = None) -> Iterator[str]:
    """The company for ourselves, by the machine's own clock whatever day the run is for. Raises AnotherRunUnderWay."""
    machine = machine or SystemClock()
    run_id = uuid.uuid4().hex
    with writing(engine) as conn:
        other = take_lease(conn, company, run_id, owner(), machine.now(), is_alive)
    if other:
        raise AnotherRunUnderWay(f"{other} is running {company}", hint="Wait until it ends")
    _ours.add(run_id)
    try:
        yield run_id
    finally:
        _ours.discard(run_id)
        with writing(engine) as conn:
            give_back(conn, company, run_id)


_ours: set[str] = set()


def owner() -> str:
    """This process, as it stands in the lease."""
    return f"{machine()}:{os.getpid()}"


@cache
def machine() -> str:
    """Where the number of a process means something: the machine since it started and, on Linux, the container on it. A name alone would
    not do: clones of a machine, and containers with a fixed name, share it and not their processes."""
    told = [socket.gethostname()]
    with suppress(OSError):
        told += [Path("/proc/sys/kernel/random/boot_id").read_text(), str(Path("/proc/self/ns/pid").readlink())]
    return f"{told[0]}-{hashlib.sha256(' '.join(told).encode()).hexdigest()[:8]}"


def is_alive(holder: str) -> bool:
    """Whether the process in a lease may still be running; of one elsewhere nobody knows, so its lease has to end."""
    where, _, pid = holder.rpartition(":")
    if where != machine():
        return True
    if int(pid) == os.getpid():
        return bool(_ours)
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
