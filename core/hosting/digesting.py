"""The digests of companies: each sent once for its slot, by the company's own mail, and tried again while that does not take it."""

import logging
from collections.abc import Iterator
from datetime import datetime

from ..history.database import reading, writing
from ..history.duties import done_for, ensure_duties, note_done
from ..policy.digest_schema import Digest
from ..worker.desk import Desk
from .digest import Period, digest_letter, last_slot
from .duties import Duties, addressed
from .letters import send_all
from .logs import tell
from .roster import Roster

DUTY = "company digest"


class Digesting:
    """The digests that this process sends."""

    def __init__(self, roster: Roster, duties: Duties) -> None:
        self._roster = roster
        self._duties = duties

    def due(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """The companies whose digest was to be sent by now and was not, each with its slot. One query, and no file is read.

        Who has a digest for the first time gets it at the next slot.
        """
        slots: dict[str, datetime] = {}
        for company in self._roster.companies():
            known = self._roster.glance(company)
            if known is not None and known[0].digest is not None:
                slots[company] = last_slot(known[0].digest, known[0].company.time_zone, now)
        with reading(self._roster.engine) as conn:
            done = done_for(conn, DUTY, slots)
        if new := [(company, DUTY, slot) for company, slot in slots.items() if company not in done]:
            with writing(self._roster.engine) as conn:
                ensure_duties(conn, new)
        yield from ((company, slot) for company, slot in slots.items() if done.get(company, slot) < slot)

    def send(self, company: str, slot: datetime) -> bool:
        """Send a company's digest for a slot, unless it was sent or another is at it. Raises what keeps its desk from being had."""
        desk = self._roster.desk(company)
        digest = desk.policy.digest
        if digest is None:
            return False
        return self._duties.do(DUTY, lambda: self._sent(desk, digest, slot), slot, company=company, first=slot)

    def _sent(self, desk: Desk, digest: Digest, slot: datetime) -> bool:
        """Every copy that was taken is remembered, so that the others alone are tried again. An address that refuses it for good is not."""
        with reading(desk.engine) as conn:
            before = done_for(conn, DUTY, [desk.company])[desk.company]
            copies = {to: done_for(conn, addressed(DUTY, to), [desk.company]).get(desk.company) for to in digest.to}
        wanted = [to for to, done in copies.items() if done is None or done < slot]
        letter = digest_letter(desk, digest, Period(before, slot, desk.policy.company.time_zone))
        fates = send_all(letter, wanted, desk.open_mail(), desk.now())
        with writing(desk.engine) as conn:
            for to, fate in fates.items():
                if fate.is_final:
                    note_done(conn, desk.company, addressed(DUTY, to), slot)
        for to, fate in fates.items():
            if not fate.is_taken:
                tell("digest not sent", logging.WARNING, company=desk.company, why=fate.why.replace(to, "…"))
        return all(fate.is_final for fate in fates.values())
