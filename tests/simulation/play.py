"""One simulation from its seed to its end: the world is set up, the storm passes, calm days follow; what was seen is for the oracle."""

import logging
import os
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from random import Random
from typing import Any

from puntual.core.channels.port import Delivery
from puntual.core.worker.desk import Desk
from simulation.database_points import DOOR, fresh_database, place
from simulation.fault_plan import Weather
from simulation.moments import AttendedLedger, Charged, Seen
from simulation.pay_pages import ADDRESS, PayPages, PointedWire
from simulation.points import Points
from simulation.simulated_host import StageClock, Supervisor, forget_policies, on_stage
from simulation.simulated_world import Seller, World, drawn_world
from simulation.stage import Process, Stage
from simulation.townspeople import Said, Townspeople
from sqlalchemy.exc import DBAPIError

_MOST_MINUTES = 30


@dataclass
class Taken:
    """A mail that the server took. `seen` is how each invoice of the company stood in the last answer to the job that sent it;
    `begun` is when the worker had written down that it sends it: who falls asleep for a few minutes after that knows nothing of it;
    `by_clock` is when it was handed over, by the clock of that machine; `heard` when each invoice was looked at last, so that what people
    had said of it by then had to be heard; `pages` when each pay page was, `pages_unknown` that Stripe did not answer that job."""

    company: str
    at: datetime
    process: str
    message_id: str
    to: str
    text: str
    seen: dict[str, Seen]
    asked_on: date
    credits: dict[str, Any]
    begun: datetime
    by_clock: datetime
    heard: dict[str, datetime]
    pages: dict[str, datetime]
    pages_unknown: bool


@dataclass
class Play(Townspeople):
    """A simulation. After `perform`, everything that the oracle looks at."""

    seed: int
    world: World = field(init=False)
    taken: list[Taken] = field(default_factory=list)
    said: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    wishes: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    changes: dict[tuple[str, str], list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    told_payments: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    waived: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    charged: dict[str, list[Charged]] = field(default_factory=lambda: defaultdict(list))
    approved: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    surprises: dict[str, int] = field(default_factory=dict)
    told_of: dict[str, datetime] = field(default_factory=dict)
    stripe_silent: list[datetime] = field(default_factory=list)
    pages: dict[str, PayPages] = field(default_factory=lambda: defaultdict(PayPages))
    refused: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = drawn_world(self.seed)
        self.stage = Stage(self.seed, self.world.begin)
        self.weather = Weather.drawn(self.seed, self.world.calm_from)
        self.random = Random(f"people {self.seed}")
        self.folder = place() / "host"
        self.clerk = Process("clerk", "office", 1, is_person=True)
        self.points = Points(self.stage, self.world, self.weather, self._meddle)
        self.engine = fresh_database()
        self.clock = StageClock(self.stage)

    def perform(self) -> None:
        """Everything, to the end of the calm."""
        forget_policies()
        log = logging.getLogger("puntual")
        listener = _Listener(self)
        log.addHandler(listener)
        try:
            self._perform()
        finally:
            log.removeHandler(listener)

    def _perform(self) -> None:
        DOOR.open_to(self.points)
        self._write_policies()
        self.supervisor = Supervisor(self.stage, self.folder, self.engine, self._dress, self.world.hands, self.world.shares_queue)
        wire_to = lambda name: PointedWire(self, self.world.sellers[name])  # noqa: E731
        with on_stage(self.stage, self.supervisor, wire_to, self.world.sellers):
            try:
                self._set_up()
                self.stage.run(self.world.calm_from)
                self._calm()
                self.stage.run(self.world.end)
                self._last_runs()
            finally:
                self.stage.end()
                self.supervisor.close()

    def _last_runs(self) -> None:
        """The world does not end in the middle of a run."""
        for _ in range(_MOST_MINUTES):
            if not self.supervisor.has_runs():
                return
            self.stage.run(self.stage.now + timedelta(minutes=1))

    # --- setting up -------------------------------------------------------------------------------------------------------------

    def _write_policies(self) -> None:
        companies = self.folder / "companies"
        companies.mkdir(parents=True, exist_ok=True)
        for path in companies.glob("*.yaml"):
            path.unlink()
        for seller in self.world.sellers.values():
            self._write(seller)

    def _write(self, seller: Seller) -> None:
        """The file as it is now; its time is the stage's, so that a change shows."""
        path = self.folder / "companies" / f"{seller.name}.yaml"
        path.write_text(seller.text(), encoding="utf-8")
        nanoseconds = int(self.stage.now.timestamp() * 1_000_000_000)
        os.utime(path, ns=(nanoseconds, nanoseconds))

    def _set_up(self) -> None:
        for number in range(self.world.workers):
            host = "pi" if self.world.same_host else f"machine{number}"
            skew = timedelta(seconds=self.random.randrange(-60, 60)) if self.weather.often else timedelta(0)
            self.supervisor.start(f"worker{number}", host, skew=skew)
        for spell in self.weather.spells:
            self._draw_spells(spell)
        storm = self.world.calm_from - self.world.begin
        for _ in range(self.random.randrange(3, 5 + 4 * storm.days)):
            self.stage.at(self.world.begin + storm * self.random.random(), self._meddle)

    def _draw_spells(self, kind: str) -> None:
        random = self.weather.random
        names = [""] if kind == "database_away" else list(self.world.sellers)
        for name in names:
            if kind != "database_away" and random.random() < 0.4:
                continue
            longest = {"database_away": 3, "sleep": 10, "storm_429": 12, "ledger_down": 24, "revoked": 24, "broken_policy": 24}.get(kind, 5)
            start, end = self.weather.spell(self.world.begin, timedelta(hours=longest))
            self.world.spells.setdefault((kind, name), []).append((start, end))
            self._announce_spell(kind, name, start, end)

    def _announce_spell(self, kind: str, name: str, start: datetime, end: datetime) -> None:
        tell = self.stage.tell
        if kind == "broken_policy":
            self.stage.at(start, lambda: self._break(name, is_broken=True))
            self.stage.at(end, lambda: self._break(name, is_broken=False))
        elif kind == "sleep":
            self.stage.at(start, lambda: self._sleep(end - start))
        elif kind == "skew":
            self.stage.at(start, self._skew)
        elif kind == "restart":
            self.stage.at(start, self._restart)
        elif kind == "duplicate_webhooks":
            for minutes in (0, 0, 1, 45):
                self.stage.at(start + timedelta(minutes=minutes), lambda: self._person("webhook", lambda: self._wish(name)))
        else:
            self.stage.at(start, lambda: tell(f"fault: {kind}", f"{name} until {end:%d %b %H:%M}"))

    def _break(self, name: str, *, is_broken: bool) -> None:
        seller = self.world.sellers[name]
        seller.is_broken = is_broken
        self._write(seller)
        self.stage.tell("fault: policy broken" if is_broken else "policy mended", name)
        self.supervisor.poke()

    def _sleep(self, length: timedelta) -> None:
        process = self._some_worker()
        if process is not None and DOOR.writer is None:
            self.points.sleep(process, length)

    def _skew(self) -> None:
        process = self._some_worker()
        if process is not None:
            process.skew += timedelta(minutes=self.weather.random.randrange(-6, 7))
            process.skew = max(min(process.skew, timedelta(minutes=8)), timedelta(minutes=-8))
            self.stage.tell("fault: clock jumps", f"{process.name} is off by {process.skew}")
            self.supervisor.recheck_waits()

    def _restart(self) -> None:
        process = self._some_worker()
        if process is not None:
            self.supervisor.stop(process.name)

    def _some_worker(self) -> Process | None:
        living = [one for _, one in sorted(self.supervisor.processes.items()) if one.is_alive]
        return self.weather.random.choice(living) if living else None

    # --- what the workers are given ---------------------------------------------------------------------------------------------

    def _dress(self, desk: Desk) -> None:
        """The desk's ledger and mail server are the world's."""
        seller = self.world.sellers[desk.company]
        desk.open_ledger = lambda: AttendedLedger(self, seller)
        desk.open_mail = lambda: self._connected(seller)

    def _connected(self, seller: Seller) -> "_MailServer":
        is_storm = self.stage.now < self.world.calm_from
        self.points.connect(falls_asleep=is_storm and self.is_worst_moment(3))
        return _MailServer(self, seller)

    def deliver(self, seller: Seller, message: EmailMessage) -> Delivery:
        strand = self.stage.strand()
        message_id = str(message["Message-ID"])
        strand.facts["mail"] = message_id
        strand.facts["handed"] = self.stage.by_clock()
        try:
            return self.points.mail(seller.name, lambda: self._take(seller, message), lambda: self._refuse(message))
        finally:
            if strand.process.is_alive:
                strand.facts["last_mail"] = message_id

    def _refuse(self, message: EmailMessage) -> str:
        """The mailbox is gone for good."""
        to = str(message["To"].addresses[0].addr_spec)
        self.refused.add(to.partition("@")[0])
        return to

    def _take(self, seller: Seller, message: EmailMessage) -> None:
        strand = self.stage.strand()
        body = message.get_body(("plain",))
        text = str(body.get_content()).replace("\xa0", " ").replace("\u202f", " ") if body is not None else ""
        to = str(message["To"].addresses[0].addr_spec)
        known = dict(strand.facts.get("seen", {}))
        unapplied, heard = dict(strand.facts.get("credits", {})), dict(strand.facts.get("heard", {}))
        begun, message_id = strand.facts.get("committed", self.stage.now), str(message["Message-ID"])
        looked, is_unknown = dict(strand.facts.get("pages", {})), "pages_unknown" in strand.facts
        handed = strand.facts["handed"]
        more = (known, seller.day(begun), unapplied, begun, handed, heard, looked, is_unknown)
        self.taken.append(Taken(seller.name, self.stage.now, strand.process.name, message_id, to, text, *more))
        self.stage.tell("mail taken", f"{seller.name} to {to}: {message['Subject']}")
        self._give_pages(seller, text)

    def _give_pages(self, seller: Seller, text: str) -> None:
        for page in self.pages[seller.name].pages.values():
            if page.given_at is None and ADDRESS + page.id in text:
                page.given_at = self.stage.now
                if self.random.random() < 0.4:
                    self._pay_later(seller, page)

    # --- the calm ---------------------------------------------------------------------------------------------------------------

    def _calm(self) -> None:
        """The storm is over: machines wake, clocks are right, files are mended; people do what waits for them, once a day."""
        self.stage.tell("calm")
        for process in self.supervisor.processes.values():
            process.skew, process.asleep_until = timedelta(0), None
        for seller in self.world.sellers.values():
            if seller.is_broken:
                self._break(seller.name, is_broken=False)
        for seller in self.world.sellers.values():
            for day in range(5):
                at = self.world.calm_from + timedelta(days=day, hours=1)
                for act in (self._resolve, self._approve):
                    self.stage.at(at, lambda act=act, seller=seller: act(seller))
                self.stage.at(at, lambda seller=seller: self._bank_entry(seller))
            later = self.world.calm_from + timedelta(hours=self.random.randrange(20, 110), minutes=self.random.randrange(60))
            self.stage.at(later, lambda seller=seller: self._webhook(seller))
            self.surprises[seller.name] = self.random.randrange(1, 4)

    def _bank_entry(self, seller: Seller) -> None:
        seller.books.last_bank_entry_on = seller.day(self.stage.now)


class _Listener(logging.Handler):
    """Hears of mistakes of the worker's own: whatever happens to it, it should make none."""

    def __init__(self, play: Play) -> None:
        super().__init__(logging.ERROR)
        self._play = play

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, DBAPIError):
            self._play.stage.tell("mistake", f"{type(error).__name__}: {error}")
            self._play.wrong.append(
                f"a mistake of ours: {type(error).__name__}: {error}, at {traceback.extract_tb(error.__traceback__)[-1]}"
            )


class _MailServer:
    """The way to the mail server of a company, for one run."""

    def __init__(self, play: Play, seller: Seller) -> None:
        self._play, self._seller = play, seller

    def deliver(self, message: EmailMessage) -> Delivery:
        return self._play.deliver(self._seller, message)

    def close(self) -> None:
        """Nothing is kept open."""
