"""Who is there: the companies of a folder, each with its desk; a broken file takes only its company out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine

from ..errors import PolicyProblem
from ..policy.schema import Policy
from ..worker.clock import Clock
from ..worker.desk import Desk
from ..worker.wiring import desk_of
from .jobs import Timetable

FRESH = timedelta(minutes=15)
"""A desk is put together anew after so long, so that a secret that was changed in its file is read."""
_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a look at the folder found: companies that are new or whose files changed, and those that are gone."""

    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seat:
    stamp: _Stamp
    desk: Desk
    timetable: Timetable
    until: datetime


class Roster:
    """The companies of `directory`/companies, over one database. May be asked from several threads."""

    def __init__(self, directory: Path, engine: Engine, clock: Clock, jitter: timedelta = timedelta(0)) -> None:
        """`jitter` is how far apart companies with the same times of day are set, at most."""
        self.directory = directory
        self.engine = engine
        self.clock = clock
        self._jitter = jitter
        self._stamps: dict[str, _Stamp] = {}
        self._seats: dict[str, _Seat] = {}
        self._lock = Lock()

    def look(self) -> Change:
        """Look at the folder again."""
        found = {company: _stamp_of(files) for company, files in _files(self.directory)}
        with self._lock:
            changed = tuple(sorted(company for company, stamp in found.items() if self._stamps.get(company) != stamp))
            gone = tuple(sorted(self._stamps.keys() - found.keys()))
            self._stamps = found
            for company in (*changed, *gone):
                self._seats.pop(company, None)
        return Change(changed, gone)

    def companies(self) -> tuple[str, ...]:
        """Everybody who was there at the last look, also those with a broken file."""
        with self._lock:
            return tuple(sorted(self._stamps))

    def knows(self, company: str) -> bool:
        """Whether this company was there at the last look."""
        with self._lock:
            return company in self._stamps

    def desk(self, company: str) -> Desk:
        """The company's desk. Raises PolicyProblem: its file is gone or broken; CompanyMustAct: what it names cannot be had."""
        return self._seat(company).desk

    def timetable(self, company: str) -> Timetable:
        """When the company's jobs are due; no secret has a say in that, so it is read anew only when its file changed. Raises what `desk`
        raises."""
        with self._lock:
            seat = self._seats.get(company)
        return (seat or self._seat(company)).timetable

    def glance(self, company: str) -> tuple[Policy, Timetable] | None:
        """The policy as it was read last, however long ago, and its timetable; None as long as it was not. Reads no file."""
        with self._lock:
            seat = self._seats.get(company)
        return (seat.desk.policy, seat.timetable) if seat is not None else None

    def _seat(self, company: str) -> _Seat:
        now = self.clock.now()
        with self._lock:
            seat, stamp = self._seats.get(company), self._stamps.get(company)
        if stamp is None:
            raise PolicyProblem(f"there is no policy of {company} any more", hint=f"It was {self.directory / 'companies' / company}.yaml")
        if seat is None or seat.until <= now:
            seat = self._made(company, stamp, now)
            with self._lock:
                if self._stamps.get(company) == stamp:
                    self._seats[company] = seat
        return seat

    def _made(self, company: str, stamp: _Stamp, now: datetime) -> _Seat:
        desk = desk_of(self.directory, company, self.clock, engine=self.engine)
        desk.machine = self.clock
        return _Seat(stamp, desk, Timetable(desk.policy, offset_of(company, self._jitter)), now + FRESH)


def offset_of(company: str, jitter: timedelta) -> timedelta:
    """How much later than its times of day a company is served: always the same for it, and spread evenly over all."""
    share = int.from_bytes(hashlib.sha256(company.encode()).digest()[:4], "big")
    return timedelta(seconds=int(jitter.total_seconds()) * share // 2**32)


def _files(directory: Path) -> Iterator[tuple[str, list[Path]]]:
    for path in sorted((directory / "companies").glob("*.yaml")):
        if not path.name.startswith("."):
            yield path.stem, [path]


def _stamp_of(files: list[Path]) -> _Stamp:
    stamps = []
    for path in files:
        try:
            seen = path.stat()
        except OSError:
            continue
        stamps.append((path.name, seen.st_mtime_ns, seen.st_size))
    return tuple(stamps)
