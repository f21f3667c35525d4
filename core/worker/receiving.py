"""receiving: payments that a provider's pay page took are recorded in the books, each once, and used on their invoices.

The ledger looks for our marker before it records, so what has no answer is simply asked for again. What it does not take, and everything
where it takes none, is for a person; the invoice is left alone meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection

from ..bookings import PaymentReceived, PaymentRecorded
from ..errors import MustStop, PuntualError, Refused
from ..history.books import store_fresh
from ..history.holds import end_holds
from ..history.read import invoices_called
from ..history.told_payments import (
    PaymentStatus,
    ToldPayment,
    payments_with,
    settle_recorded,
    settle_unrecorded,
    take_payment_approvals,
)
from ..history.waking import wake
from ..history.work import WorkItem, finish_work, propose, put_on_list
from ..port import Capability, LedgerConnector
from .desk import Desk
from .lease import Lease

BATCH = 20
"""Payments that are recorded with one call."""

TAKES_NONE = "The ledger takes no payments from Puntual."
UNKNOWN = "The books as they were read last do not have that invoice."


@dataclass(slots=True)
class ReceiveReport:
    """What became of payments that a provider told of. `refused` are on the work list; `trouble` says why the rest waits for the next run,
    when it does."""

    recorded: list[ToldPayment] = field(default_factory=list)
    refused: list[ToldPayment] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    trouble: PuntualError | None = None

    def counts(self) -> dict[str, int]:
        """What happened, by number."""
        return {"payments_recorded": len(self.recorded), "payments_refused": len(self.refused)}


def record_payments(desk: Desk, ledger: LedgerConnector, lease: Lease, as_of: date, report: ReceiveReport) -> None:
    """Record every payment that was told of and is not in the books. Trouble is kept for the report: the rest of the run goes on.

    Raises MustStop.
    """
    with lease.writing() as conn:
        take_payment_approvals(conn, desk.company, desk.now())
        told = payments_with(conn, desk.company, PaymentStatus.TOLD)
        owed = invoices_called(conn, desk.company, [one.invoice_id for one in told]) if told else {}
    report.numbers = {key: row.number for key, row in owed.items()}
    try:
        for start in range(0, len(told), BATCH):
            lease.keep()
            _record(desk, ledger, lease, told[start : start + BATCH], owed, as_of, report)
    except MustStop:
        raise
    except PuntualError as trouble:
        report.trouble = trouble


def _record(
    desk: Desk,
    ledger: LedgerConnector,
    lease: Lease,
    batch: Sequence[ToldPayment],
    owed: Mapping[str, Any],
    as_of: date,
    report: ReceiveReport,
) -> None:
    takes = Capability.RECORDED_PAYMENTS in ledger.capabilities
    asked = [_received(one, owed[one.invoice_id]) for one in batch if takes and one.invoice_id in owed]
    answers = ledger.put_payments(asked) if asked else {}
    changed = sorted({one.invoice_id for one in batch if isinstance(answers.get(one.marker), PaymentRecorded)})
    fresh = ledger.recheck(changed).invoices if changed else ()
    with lease.writing() as conn:
        store_fresh(conn, desk.company, fresh, desk.rulebook, as_of, desk.now())
        for one in batch:
            answer = answers.get(one.marker)
            if isinstance(answer, PaymentRecorded):
                _settle(conn, desk, one, answer, owed[one.invoice_id], as_of, report)
            elif isinstance(answer, Refused):
                _refuse(conn, desk, one, " ".join(part for part in (answer.detail, answer.hint) if part), owed, as_of, report)
            elif not takes or one.invoice_id not in owed:
                _refuse(conn, desk, one, UNKNOWN if takes else TAKES_NONE, owed, as_of, report)


def _received(one: ToldPayment, row: Any) -> PaymentReceived:
    return PaymentReceived(one.marker, one.invoice_id, row.number, row.customer_id, one.amount, one.paid_on, one.payment_id)


def _settle(conn: Connection, desk: Desk, one: ToldPayment, made: PaymentRecorded, row: Any, as_of: date, report: ReceiveReport) -> None:
    report.recorded.append(settle_recorded(conn, desk.company, one, made, desk.now()))
    finish_work(conn, desk.company, one.work_id, "recorded", "puntual", desk.now())
    end_holds(conn, desk.company, [one.hold_id] if one.hold_id else [], "the books have the payment", "puntual", desk.now())
    wake(conn, desk.company, [row.customer_id], desk.rulebook, as_of)


def _refuse(conn: Connection, desk: Desk, one: ToldPayment, why: str, owed: Mapping[str, Any], as_of: date, report: ReceiveReport) -> None:
    """For a person. The hold of the invoice stays to its end."""
    again = settle_unrecorded(conn, desk.company, one, why, desk.now())
    finish_work(conn, desk.company, one.work_id, "tried again", "puntual", desk.now())
    propose(conn, desk.company, [(again.marker, again.id)], desk.now())
    row = owed.get(one.invoice_id)
    number, customer = (row.number, row.customer_id) if row is not None else (one.invoice_id, "")
    summary = f"Record in the books: Stripe received {one.amount} for invoice {number} on {one.paid_on}"
    text = f"Payment {one.payment_id} through the link {one.link}. Puntual did not record it: {why} Record it by hand, then: "
    text += f"puntual done {desk.company} {again.work_id}; or mend it, then: puntual approve {desk.company} {again.id[:8]}"
    work = WorkItem(again.work_id, "payment", customer, summary, text, one.paid_on, (one.invoice_id,))
    put_on_list(conn, desk.company, work, desk.now())
    report.refused.append(again)
