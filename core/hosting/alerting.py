"""Telling people: every few minutes everybody is looked at; what is the matter is kept once, and told once by whichever worker comes first.

What cannot wait goes to the operator at once, all of it in one mail, and one mail an hour at most. Everything that stands goes into the
operator's daily digest, which also comes when all is well: who gets none knows that something is wrong. A company's digest goes to its own
people by its own mail.
"""

import logging
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from ..channels.folder import FolderTransport
from ..channels.port import MailTransport
from ..channels.smtp import SmtpTransport
from ..history.alerts import ended_between, forget_ended, keep_alerts, note_end_told, note_told, standing_alerts, urgent_untold
from ..history.database import reading, writing
from ..history.duties import done_for, forget_silent, forget_worker, note_alive, note_done
from ..policy.host_schema import Operator
from .alert_words import digest_letter, urgent_letter
from .background import Background, Hand, guarded
from .digesting import Digesting
from .duties import LONG_AGO, Duties, addressed
from .expecting import expect
from .letters import Fate, send_all
from .logs import tell
from .roster import Roster
from .surveying import AWAKE, LOOK, survey
from .watching import alerts_of

LOOK_EVERY = timedelta(minutes=5)
URGENT_EVERY = timedelta(hours=1)
KEPT = timedelta(days=30)
WORKER_FORGOTTEN = timedelta(days=1)
PATIENCE = timedelta(seconds=5)
_URGENT, DIGEST = "urgent mail", "digest"
_THREADS = 2
_POSTMEN = 4


class Alerting:
    """What a host beats to: `beat()` at every pulse, `close()` at its end. `me` names this process, and no other that ever was: its machine
    comes first, before a colon. Without `operator` nobody is written to but companies' own people. `hand` has work done, here or elsewhere.
    """

    def __init__(self, roster: Roster, me: str, operator: Operator | None = None, hand: Hand | None = None) -> None:
        self.roster = roster
        self.operator = operator
        self._duties = Duties(roster.engine, roster.clock, me)
        self._digests = Digesting(roster, self._duties)
        self._threads = [Background(_THREADS, "puntual-watch"), Background(_POSTMEN, "puntual-post")] if hand is None else []
        self._hand: Hand = hand or self._threads[0]
        self._post: Hand = hand or self._threads[1]
        self._next = LONG_AGO

    def beat(self) -> None:
        """Look at everybody, when the last look is some minutes old. Returns at once."""
        now = self.roster.clock.now()
        if now >= self._next or self._next - now > LOOK_EVERY:
            self._next = now + LOOK_EVERY
            self._hand(LOOK, self.look)

    def close(self) -> None:
        """This worker ends as it should, and the others know it, when the database is there to tell them. Raises nothing."""
        for threads in self._threads:
            threads.close(PATIENCE)
        guarded("end", self._forgotten)

    def _forgotten(self) -> None:
        with writing(self.roster.engine) as conn:
            forget_worker(conn, self._duties.me)

    def look(self) -> None:
        """Say that this worker is alive, look at everybody unless another worker just did, and have told what is to be told."""
        now = self.roster.clock.now()
        with writing(self.roster.engine) as conn:
            note_alive(conn, self._duties.me, now)
        self._duties.do(LOOK, self._kept, now, before=now - LOOK_EVERY / 2)
        if self.operator is not None:
            self._tell_operator(self.operator, now)
        for company, slot in self._digests.due(now):
            self._post(f"digest of {company}", partial(self._digests.send, company, slot))

    def _kept(self) -> bool:
        """What is the matter now, kept."""
        health = survey(self.roster)
        if expect(self.roster, health):
            health = survey(self.roster)
        with writing(self.roster.engine) as conn:
            if health.just_woke:
                note_done(conn, "", AWAKE, health.now)
            began, ended = keep_alerts(conn, alerts_of(health), health.now)
            forget_ended(conn, health.now - KEPT)
            forget_silent(conn, health.now - WORKER_FORGOTTEN)
        if began or ended:
            tell("alerts", logging.WARNING if began else logging.INFO, began=began, ended=ended)
        return True

    def _tell_operator(self, operator: Operator, now: datetime) -> None:
        with reading(self.roster.engine) as conn:
            has_urgent = bool(urgent_untold(conn))
        if has_urgent:
            send = partial(self._sent_urgent, operator)
            self._hand(_URGENT, partial(self._duties.do, _URGENT, send, now, before=now - URGENT_EVERY))
        slot = last_daily(operator, now)
        for to in operator.to:
            duty = addressed(DIGEST, to)
            send = partial(self._sent_digest, operator, duty, to, slot)
            self._hand(duty, partial(self._duties.do, duty, send, slot, first=slot))

    def _sent_urgent(self, operator: Operator) -> bool:
        """Told when any of the operators was: the others read it in their digest at the latest."""
        now = self.roster.clock.now()
        with reading(self.roster.engine) as conn:
            told = urgent_untold(conn)
        if not told:
            return True
        fates = send_all(urgent_letter(told, now, operator), operator.to, self._mail(operator), now)
        _tell_failed(fates)
        if not any(fate.is_taken for fate in fates.values()):
            return False
        with writing(self.roster.engine) as conn:
            note_told(conn, told, now)
        return True

    def _sent_digest(self, operator: Operator, duty: str, to: str, slot: datetime) -> bool:
        """To each operator by a duty of their own, so that one whose server asks for patience is patient alone."""
        now = self.roster.clock.now()
        with reading(self.roster.engine) as conn:
            standing, ended = standing_alerts(conn), ended_between(conn, done_for(conn, duty)[""], slot)
        letter = digest_letter(standing, ended, len(self.roster.companies()), slot, operator)
        fates = send_all(letter, [to], self._mail(operator), now)
        _tell_failed(fates)
        if fates[to].is_taken:
            with writing(self.roster.engine) as conn:
                note_told(conn, standing, now)
                note_end_told(conn, [one.alert for one in ended], now)
        return fates[to].is_final

    def _mail(self, operator: Operator) -> MailTransport:
        mail = operator.mail
        return SmtpTransport(mail.smtp) if mail.smtp else FolderTransport(self.roster.directory / mail.folder)


def last_daily(operator: Operator, now: datetime) -> datetime:
    """The last instant, by now, at which the operator's digest was to be sent."""
    here = now.astimezone(ZoneInfo(operator.time_zone))
    slot = here.replace(hour=operator.digest_at.hour, minute=operator.digest_at.minute, second=0, microsecond=0)
    return (slot if slot <= here else slot - timedelta(days=1)).astimezone(now.tzinfo)


def _tell_failed(fates: dict[str, Fate]) -> None:
    for to, fate in fates.items():
        if not fate.is_taken:
            tell("operator not told", logging.ERROR, why=fate.why.replace(to, "…"))
