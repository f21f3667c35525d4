"""crediting: what is to be taken off documents in the books, each once: late charges that are taken back, discounts that were earned.

The ledger looks for our marker before it credits, so what has no answer is simply asked for again. What it does not take, and everything
where it takes no credits at all, is for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection

from ..bookings import CreditMade
from ..errors import MustStop, PuntualError, Refused
from ..history.books import store_fresh
from ..history.credits import (
    CreditFor,
    CreditStatus,
    KeptCredit,
    close_credit,
    credits_with,
    holding,
    note_released,
    settle_credited,
    settle_uncredited,
    take_credit_approvals,
)
from ..history.database import reading
from ..history.holds import end_holds
from ..history.read import is_open, is_owed
from ..history.waking import wake
from ..history.work import WorkItem, finish_work, propose, put_on_list
from ..policy.schema import Mode
from ..port import Capability, LedgerConnector
from .desk import Desk
from .lease import Lease

BATCH = 20
"""Credits that are written with one call."""


@dataclass(slots=True)
class CreditReport:
    """What became of credits in a run. `refused` by the ledger and `handed_over` because it takes none are on the work list; `waiting` is
    all that needs a person's yes; `trouble` says why the rest waits for the next run, when it does."""

    made: list[KeptCredit] = field(default_factory=list)
    refused: list[KeptCredit] = field(default_factory=list)
    handed_over: list[KeptCredit] = field(default_factory=list)
    waiting: list[KeptCredit] = field(default_factory=list)
    trouble: PuntualError | None = None

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to say yes, or to look at something."""
        return bool(self.refused or self.handed_over or self.waiting)

    def counts(self) -> dict[str, int]:
        """What happened, by number."""
        found = {"made": len(self.made), "refused": len(self.refused), "handed_over": len(self.handed_over)}
        return {f"credits_{name}": number for name, number in found.items()}


def release_done(desk: Desk, lease: Lease, as_of: date) -> None:
    """End the holds of credits whose item was settled or is gone: there is nothing left to be held."""
    with lease.writing() as conn:
        done = [one for one in holding(conn, desk.company) if not is_open(conn, desk.company, one.item_id)]
        release(conn, desk, done, "it is settled", as_of)


def write_credits(desk: Desk, ledger: LedgerConnector, lease: Lease, as_of: date) -> CreditReport:
    """Write every credit that is wanted. Trouble is kept for the report: notices go out all the same.

    Raises MustStop.
    """
    report = CreditReport()
    with lease.writing() as conn:
        take_credit_approvals(conn, desk.company, as_of, desk.now(), everything=desk.policy.mode is Mode.LIVE)
        wanted = credits_with(conn, desk.company, CreditStatus.WANTED)
    try:
        if wanted and Capability.CREDITS not in ledger.capabilities:
            _hand_over(desk, lease, wanted, as_of, report)
            wanted = []
        for start in range(0, len(wanted), BATCH):
            lease.keep()
            _write(desk, ledger, lease, wanted[start : start + BATCH], as_of, report)
    except MustStop:
        raise
    except PuntualError as trouble:
        report.trouble = trouble
    with reading(desk.engine) as conn:
        report.waiting = credits_with(conn, desk.company, CreditStatus.WAITING)
    return report


def _write(desk: Desk, ledger: LedgerConnector, lease: Lease, batch: Sequence[KeptCredit], as_of: date, report: CreditReport) -> None:
    answers = ledger.put_credits([one.wanted() for one in batch])
    changed = sorted({one.document_id for one in batch if isinstance(answers.get(one.marker), CreditMade)})
    fresh = ledger.recheck(changed).invoices if changed else ()
    with lease.writing() as conn:
        store_fresh(conn, desk.company, fresh, desk.rulebook, as_of, desk.now())
        for one in batch:
            answer = answers.get(one.marker)
            if isinstance(answer, Refused):
                _refuse(conn, desk, one, answer, as_of, report)
            elif answer is not None:
                _settle(conn, desk, one, answer, as_of, report)


def _settle(conn: Connection, desk: Desk, one: KeptCredit, made: CreditMade, as_of: date, report: CreditReport) -> None:
    report.made.append(settle_credited(conn, desk.company, one, made, desk.now()))
    finish_work(conn, desk.company, one.work_id, "made", "puntual", desk.now())
    release(conn, desk, [one], "it is credited", as_of)


def _refuse(conn: Connection, desk: Desk, one: KeptCredit, refused: Refused, as_of: date, report: CreditReport) -> None:
    """For a person, unless there is nothing left to credit: who took the discount and paid the rest all the same owes nothing."""
    if not (is_open(conn, desk.company, one.item_id) if one.kind is CreditFor.DISCOUNT else is_owed(conn, desk.company, one.document_id)):
        close_credit(conn, desk.company, one, "there is nothing left to credit", "puntual", desk.now())
        finish_work(conn, desk.company, one.work_id, "there is nothing left to credit", "puntual", desk.now())
        return
    why = " ".join(part for part in (refused.detail, refused.hint) if part)
    again = settle_uncredited(conn, desk.company, one, why, desk.now())
    finish_work(conn, desk.company, one.work_id, "tried again", "puntual", desk.now())
    propose(conn, desk.company, [(again.marker, again.id)], desk.now())
    summary = f"The books did not take the credit of {again.amount} {what_for(again)}: {why}"
    text = f"Mend it, then: puntual approve {desk.company} {again.id[:8]}; or credit it by hand, then: puntual done {desk.company} "
    text += again.work_id + (f"; or do not grant it: {_waive(desk, again)}" if again.kind is CreditFor.DISCOUNT else "")
    put_on_list(conn, desk.company, _work(again, "credit_refused", summary, text, as_of), desk.now())
    report.refused.append(again)


def _hand_over(desk: Desk, lease: Lease, wanted: Sequence[KeptCredit], as_of: date, report: CreditReport) -> None:
    """The ledger takes no credits from us: a person makes them. What is held stays so until the item is settled."""
    with lease.writing() as conn:
        for one in wanted:
            close_credit(conn, desk.company, one, "to be credited by hand: the ledger takes no credits from Puntual", "puntual", desk.now())
            stands = f"document {one.document_number}" if one.document_id != one.invoice_id else f"invoice {one.number} itself"
            text = f"Credit it on {stands} in the books by hand; Puntual makes no credit note there."
            if one.kind is CreditFor.DISCOUNT:
                text += f" The rest is not asked for meanwhile; to ask for it: {_waive(desk, one)}"
            put_on_list(conn, desk.company, _work(one, _KINDS[one.kind], f"Credit {one.amount} {what_for(one)}", text, as_of), desk.now())
    report.handed_over += wanted


_KINDS = {CreditFor.REVERSAL: "charge_reverse", CreditFor.DISCOUNT: "discount_credit"}


def what_for(one: KeptCredit) -> str:
    """`of the late charge … on invoice …: why`, `for the early-payment discount …`."""
    return f"{'of' if one.kind is CreditFor.REVERSAL else 'for'} {one.why}"


def _waive(desk: Desk, one: KeptCredit) -> str:
    return f"puntual waive {desk.company} {one.id[:8]} --reason …"


def _work(one: KeptCredit, kind: str, summary: str, text: str, as_of: date) -> WorkItem:
    return WorkItem(one.work_id, kind, one.customer_id, summary, text, as_of, (one.invoice_id,))


def release(conn: Connection, desk: Desk, credits_done: Sequence[KeptCredit], outcome: str, as_of: date) -> None:
    """End the holds of these credits."""
    held = [one for one in credits_done if one.hold_id]
    end_holds(conn, desk.company, [one.hold_id for one in held], outcome, "puntual", desk.now())
    note_released(conn, desk.company, held, desk.now())
    wake(conn, desk.company, sorted({one.customer_id for one in held}), desk.rulebook, as_of)
