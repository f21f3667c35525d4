"""A host at work: the clock says whom to look at, the queue has the hands, the roster says who is there. Started and stopped here."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from ..errors import PuntualError
from ..history.database import reading, writing
from ..history.hosting import set_state, waiting_companies
from .jobs import DEBOUNCE, Job, Trouble
from .logs import tell
from .queue import Queue
from .roster import Change, Roster
from .ticking import Ticker
from .work import Working

PATIENCE = timedelta(seconds=25)
"""How long a stop waits for what is being done: less than the 30 s that systemd and Kubernetes allow by default before they kill."""


class Host:
    """One process that serves many companies. `beats` are called at every pulse: alerts, metrics, stalled jobs."""

    def __init__(self, roster: Roster, working: Working, queue: Queue, beats: Iterable[Callable[[], None]] = ()) -> None:
        self.roster = roster
        self.working = working
        self.queue = queue
        self.last_pulse: datetime | None = None
        self._to_welcome: set[str] = set()
        self._beats = tuple(beats)
        self._ticker = Ticker(self.look_at, self.pulse)

    def start(self) -> None:
        """Look at everybody once, then whenever the clock says."""
        self.look_around()
        self.last_pulse = self.roster.clock.now()
        self._ticker.start()
        tell("worker started", companies=len(self.roster.companies()))

    def stop(self, patience: timedelta = PATIENCE) -> bool:
        """Take nothing new, let what is being done stop at its next safe place, and wait for it. Returns whether all came to its end."""
        self.working.stopping.set()
        self._ticker.stop()
        ended = self.queue.close(int(patience.total_seconds()))
        tell("worker stopped", logging.INFO if ended else logging.WARNING, clean=ended)
        return ended

    def pulse(self) -> None:
        """Who waits no longer, whose books changed, whose file changed; and everything else that beats."""
        self.look_around()
        self.last_pulse = now = self.roster.clock.now()
        with reading(self.roster.engine) as conn:
            waiting = waiting_companies(conn, now, now - DEBOUNCE)
        for company in waiting:
            self.look_at(company)
        for beat in self._beats:
            try:
                beat()
            except PuntualError as error:
                tell("beat", logging.WARNING, why=str(error))

    def look_around(self) -> Change:
        """Look at the folder: who is new, whose file changed, who is gone. Who could not be welcomed, because the database was away, is
        welcomed at the next look."""
        change = self.roster.look()
        for company in change.gone:
            self._ticker.forget(company)
            tell("company gone", company=company)
        self._to_welcome = (self._to_welcome | set(change.changed)) - set(change.gone)
        if self._to_welcome:
            self.working.remember(sorted(self._to_welcome))
        for company in sorted(self._to_welcome):
            self._welcome(company)
            self._to_welcome.discard(company)
        return change

    def look_at(self, company: str) -> None:
        """Have done what is due for this company, if anything is."""
        if not self.roster.knows(company):
            return
        kind = self.working.due(company, self.working.state(company))
        if kind is not None:
            self.queue.put(Job(company, kind))

    def _welcome(self, company: str) -> None:
        if self.working.state(company).trouble in (Trouble.POLICY.value, Trouble.PERSON.value):
            with writing(self.roster.engine) as conn:
                set_state(conn, company, not_before=None)
        try:
            self._ticker.follow(company, self.roster.timetable(company))
            tell("policy read", company=company)
        except PuntualError as error:
            self._ticker.forget(company)
            tell("policy broken", logging.ERROR, company=company, why=str(error))
        self.look_at(company)
