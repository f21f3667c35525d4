"""One run a company at a time: a lease that is kept from safe place to safe place, and that a run which died or slept loses by itself."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from ..errors import AnotherRunUnderWay
from ..history.books import ensure_company
from ..history.database import writing
from ..history.runs import give_back, renew_lease, take_lease
from .clock import Clock, SystemClock
from .desk import Desk


@dataclass(frozen=True, slots=True)
class Lease:
    """A company for ourselves."""

    desk: Desk
    run_id: str

    def keep(self) -> None:
        """To be called at every safe place. Raises MustStop when another run took the company, when we were silent for so long that what we
        know of the books is old, and when this run is to end."""
        with writing(self.desk.engine) as conn:
            self.keep_in(conn)

    def keep_in(self, conn: Connection) -> None:
        """The same in a transaction that is open."""
        self.desk.breathe()
        if not renew_lease(conn, self.desk.company, self.run_id, self.desk.machine.now()):
            raise AnotherRunUnderWay(
                f"The run of {self.desk.company} was silent for too long, and another one may have begun.", hint="It is run again"
            )


@contextmanager
def leased(desk: Desk) -> Iterator[Lease]:
    """The company for ourselves. Raises AnotherRunUnderWay."""
    with lease_on(desk.engine, desk.company, desk.machine) as run_id:
        yield Lease(desk, run_id)


@contextmanager
def lease_on(engine: Engine, company: str, machine: Clock | None = None) -> Iterator[str]:
    """The company for ourselves, by the machine's own clock whatever day the run is for. Raises AnotherRunUnderWay."""
    machine = machine or SystemClock()
    run_id = uuid.uuid4().hex
    with writing(engine) as conn:
        ensure_company(conn, company)
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
    return f"{socket.gethostname()}:{os.getpid()}"


def is_alive(holder: str) -> bool:
    """Whether the process in a lease may still be running; of another machine nobody knows, so its lease has to end."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname():
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
