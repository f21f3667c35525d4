"""charging: which late charges are due, claimed by their key, proposed where a person has to say yes, and then written into the books.

Judging is pure and comes before the guard; recording and writing come after it. In shadow nothing is recorded and nothing written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from sqlalchemy import Connection

from ..dunning.charge_announcements import upcoming
from ..dunning.charge_facts import Announcement, ChargeDue, Reversal, WhyReversed
from ..dunning.charge_judgement import ChargeJudgement, judge_charges
from ..errors import CompanyMustAct, MustStop, PuntualError
from ..history.charge_marks import due_item_ids, is_charging, look_again
from ..history.charge_reading import charge_facts
from ..history.charge_rows import NOT_MADE, ChargeStatus, KeptCharge
from ..history.charges import charges_called, charges_of, charges_with, decide, drop, sums_to_write, take_approvals
from ..history.charges import note_announced as note_announced
from ..history.charges import waive as waive_unmade
from ..history.database import reading, writing
from ..history.work import finish_work, propose
from ..money import Money
from ..policy.schema import Mode, Policy
from ..port import LedgerConnector
from .charge_writing import Written, look_up, write_charges
from .desk import Desk
from .lease import Lease
from .taking_back import take_back

BATCH = 500
NO_MORE = "the policy charges nothing any more"


@dataclass(slots=True)
class ChargeReport:
    """What became of late charges in a run. `due` are those that fell due now; `waiting` is all that needs a person's yes; `to_reverse` of
    those in the books are taken back; `trouble` says why the rest waits for the next run, when it does."""

    due: list[ChargeDue] = field(default_factory=list)
    made: list[KeptCharge] = field(default_factory=list)
    refused: list[tuple[KeptCharge, str]] = field(default_factory=list)
    waiting: list[KeptCharge] = field(default_factory=list)
    dropped: list[tuple[KeptCharge, str]] = field(default_factory=list)
    to_reverse: list[Reversal] = field(default_factory=list)
    trouble: PuntualError | None = None

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to say yes, or to look at something."""
        return bool(self.waiting or self.refused)

    def counts(self) -> dict[str, int]:
        """What happened, by number."""
        found = {"decided": len(self.due), "made": len(self.made), "refused": len(self.refused)}
        found |= {"dropped": len(self.dropped), "to_reverse": len(self.to_reverse)}
        return {f"charges_{name}": number for name, number in found.items()}


class Charging:
    """The charging part of one run: `judge` before the guard, `act` after it."""

    def __init__(self, desk: Desk, ledger: LedgerConnector, lease: Lease, as_of: date) -> None:
        self.desk = desk
        self.ledger = ledger
        self.lease = lease
        self.as_of = as_of
        self.report = ChargeReport()
        self._judged: list[ChargeJudgement] = []
        self._look_on: dict[str, date | None] = {}
        with reading(desk.engine) as conn:
            self._is_needed = is_charging(conn, desk.company, desk.policy)

    def judge(self) -> tuple[Money, ...]:
        """Find out what became of what an earlier run was writing, and what is due now. Returns what would be written, for the guard."""
        if not self._is_needed:
            return ()
        try:
            self._count(look_up(self.desk, self.ledger, self.lease, self.as_of))
        except MustStop:
            raise
        except PuntualError as trouble:
            self.report.trouble = trouble
            return ()
        with reading(self.desk.engine) as conn:
            for judged in judgements(conn, self.desk, self.as_of):
                self._keep(judged)
            waiting = sums_to_write(conn, self.desk.company)
        self.report.due = [charge for judged in self._judged for charge in judged.due]
        return (*waiting, *(charge.amount for charge in self.report.due if not asks(charge, self.desk.policy)))

    def act(self) -> None:
        """Record what was judged, and write what may be written. Trouble is kept for the report: notices go out all the same.

        Raises MustStop.
        """
        if not self._is_needed or self.report.trouble is not None:
            return
        try:
            self._record()
            self._count(write_charges(self.desk, self.ledger, self.lease, self.as_of))
        except MustStop:
            raise
        except PuntualError as trouble:
            self.report.trouble = trouble
        with reading(self.desk.engine) as conn:
            self.report.waiting = charges_with(conn, self.desk.company, ChargeStatus.WAITING)

    def _keep(self, judged: ChargeJudgement) -> None:
        self._look_on[judged.facts.item.id] = judged.look_on
        if judged.due or judged.withdrawn or judged.to_reverse:
            self._judged.append(judged)

    def _count(self, written: Written) -> None:
        self.report.made += written.made
        self.report.refused += written.refused

    def _record(self) -> None:
        desk = self.desk
        for batch in _portions(self._judged, BATCH):
            with self.lease.writing() as conn:
                kept = charges_of(conn, desk.company, [judged.facts.item.id for judged in batch])
                for judged in batch:
                    self._record_reversals(conn, judged, {charge.key: charge for charge in kept.get(judged.facts.item.id, ())})
                self._record_due(conn, batch)
                look_again(conn, desk.company, {judged.facts.item.id: judged.look_on for judged in batch})
        done = {judged.facts.item.id for judged in self._judged}
        with self.lease.writing() as conn:
            look_again(conn, desk.company, {key: on for key, on in self._look_on.items() if key not in done})
            if desk.policy.late_charges is None:
                self._drop(conn, [(charge, NO_MORE) for charge in charges_with(conn, desk.company, *NOT_MADE)])
            settings = desk.charge_book.settings
            take_approvals(conn, desk.company, desk.now(), everything=not settings.approval and desk.policy.mode is Mode.LIVE)

    def _record_reversals(self, conn: Connection, judged: ChargeJudgement, kept: Mapping[object, KeptCharge]) -> None:
        self._drop(conn, [(kept[one.key], one.detail) for one in judged.withdrawn])
        for one in judged.to_reverse:
            at_most = _open_of(judged, one) if one.reason is WhyReversed.WRITTEN_OFF else None
            take_back(conn, self.desk, kept[one.key], one.amount, one.detail, "puntual", self.as_of, at_most)
        self.report.to_reverse += judged.to_reverse

    def _drop(self, conn: Connection, dropped: Sequence[tuple[KeptCharge, str]]) -> None:
        drop(conn, self.desk.company, dropped, self.desk.now())
        for charge, why in dropped:
            finish_work(conn, self.desk.company, charge.work_id, why, "puntual", self.desk.now())
        self.report.dropped += dropped

    def _record_due(self, conn: Connection, batch: Sequence[ChargeJudgement]) -> None:
        desk = self.desk
        due = [(judged.facts.item, charge, asks(charge, desk.policy)) for judged in batch for charge in judged.due]
        new = decide(conn, desk.company, due, self.as_of, desk.now())
        propose(conn, desk.company, [(str(one.key), one.id) for one in new if one.status is ChargeStatus.WAITING], desk.now())


def judgements(conn: Connection, desk: Desk, as_of: date) -> Iterator[ChargeJudgement]:
    """One look at each item that is to be looked at by now; nothing is recorded."""
    for facts in charge_facts(conn, desk.company, due_item_ids(conn, desk.company, as_of), desk.rulebook, as_of):
        yield judge_charges(facts, desk.charge_book, as_of)


def asks(charge: ChargeDue, policy: Policy) -> bool:
    """Whether a person has to say yes to this one."""
    return charge.needs_approval or policy.mode is Mode.APPROVE


class NoSuchCharge(CompanyMustAct):
    """There is no late charge of that name that this can be done with."""


def waive(desk: Desk, name: str, why: str, by: str, as_of: date) -> tuple[KeptCharge, bool]:
    """A person waives a charge; the beginning of its name is enough. Returns it, and whether it has to be credited in the books, which the
    next run does.

    Its days count as dealt with and are never charged again. Raises NoSuchCharge.
    """
    with writing(desk.engine) as conn:
        charge = _named(charges_called(conn, desk.company, name) if name else [], name)
        if charge.status in NOT_MADE:
            waive_unmade(conn, desk.company, charge, why, by, desk.now())
            finish_work(conn, desk.company, charge.work_id, f"waived: {why}", by, desk.now())
            return charge, False
        if charge.status is ChargeStatus.WRITING:
            raise NoSuchCharge(f"{charge.id[:8]} is being written into the books", hint=f"Run first: puntual run {desk.company}")
        if charge.status is not ChargeStatus.MADE or charge.is_reversed:
            raise NoSuchCharge(f"{charge.id[:8]} is charged no longer: {charge.detail or charge.status.value}")
        take_back(conn, desk, charge, charge.amount - charge.reversed, f"waived: {why}", by, as_of)
        return charge, True


def _named(found: Sequence[KeptCharge], name: str) -> KeptCharge:
    if len(found) != 1:
        raise NoSuchCharge(f"{len(found)} late charges have a name that begins with {name!r}", hint="puntual charges COMPANY lists them")
    return found[0]


# For notices


def announcements_for(conn: Connection, desk: Desk, item_ids: Sequence[str], as_of: date) -> dict[str, tuple[Announcement, ...]]:
    """What a notice of `as_of` has to say of the charges that may come, by item; items of which there is nothing to say are missing.

    When the notice was sent, call note_announced with the item and rule of each, in the same transaction.
    """
    if desk.policy.late_charges is None:
        return {}
    facts = charge_facts(conn, desk.company, sorted(set(item_ids)), desk.rulebook, as_of)
    told = {one.item.id: upcoming(one, desk.charge_book, as_of) for one in facts}
    return {item: announced for item, announced in told.items() if announced}


def standing_charges(conn: Connection, company: str, item_ids: Sequence[str]) -> dict[str, tuple[KeptCharge, ...]]:
    """The charges that stand in the books, by item, the oldest first; items without one are missing."""
    made = {
        item: tuple(one for one in charges if one.status is ChargeStatus.MADE and not one.is_reversed)
        for item, charges in charges_of(conn, company, item_ids).items()
    }
    return {item: charges for item, charges in made.items() if charges}


def _open_of(judged: ChargeJudgement, reversal: Reversal) -> Money | None:
    """What is open of the document of a charge that is written off, where that is known: with tax, and less than the charge when a part of
    it was paid."""
    key = reversal.key
    return next((one.outstanding for one in judged.facts.charges if (one.rule, one.period) == (key.rule, key.period)), None)


def _portions(judged: Sequence[ChargeJudgement], size: int) -> Iterator[list[ChargeJudgement]]:
    rest = iter(judged)
    while batch := list(islice(rest, size)):
        yield batch
