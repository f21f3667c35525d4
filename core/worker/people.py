"""What people say: holds, promises, disputes, approvals, and how an attempt of unknown end ended. Each wakes the items it is about."""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, select

from ..dunning.facts import Hold, HoldKind
from ..dunning.forecast import is_told_broken
from ..dunning.holds import broken_promise_on
from ..errors import CompanyMustAct
from ..history import work
from ..history.attempts import AttemptStatus, resolve_unknown
from ..history.books import ensure_company
from ..history.credits import CreditStatus, close_credit, credits_with
from ..history.database import writing
from ..history.holds import active_holds, add_hold, end_holds
from ..history.past import attempt_of
from ..history.read import find_items
from ..history.tables import attempts, customers
from ..history.told_payments import PaymentStatus, close_payment, payments_with
from ..history.waking import wake
from ..notices.books import note_texts
from ..port import Capability
from .desk import Desk
from .sync import judge_from
from .write_back import notes_of


class NotFound(CompanyMustAct):
    """There is no such thing in the books as Puntual knows them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a hold is on: one invoice, or a whole customer when `invoice_id` is empty."""

    customer_id: str
    customer_name: str
    invoice_id: str = ""
    number: str = ""

    def __str__(self) -> str:
        return f"invoice {self.number} of {self.customer_name}" if self.invoice_id else f"everything of {self.customer_name}"


def hold(
    desk: Desk, kind: HoldKind, invoice: str, customer: str, reason: str, until: date | None, by: str, as_of: date
) -> tuple[Target, Hold]:
    """Hold an invoice or a customer (one of the two is given). Raises NotFound."""
    judge_from(desk, as_of)
    with writing(desk.engine) as conn:
        target = find_target(conn, desk.company, invoice, customer)
        made = add_hold(conn, desk.company, kind, target.customer_id, target.invoice_id, reason, until, by, desk.now())
        wake(conn, desk.company, [target.customer_id], desk.rulebook, as_of)
    return target, made


def release(desk: Desk, invoice: str, customer: str, hold_id: str, outcome: str, by: str, as_of: date) -> list[Hold]:
    """End the holds on an invoice or on a customer, or the one of that id. Raises NotFound when there is none."""
    judge_from(desk, as_of)
    with writing(desk.engine) as conn:
        found = _holds_meant(conn, desk.company, invoice, customer, hold_id)
        if not found:
            raise NotFound("no active hold is meant by that", hint="puntual status COMPANY lists the active holds")
        end_holds(conn, desk.company, [h.id for h in found], outcome, by, desk.now())
        wake(conn, desk.company, sorted({h.customer_id for h in found}), desk.rulebook, as_of)
    return found


def approve(desk: Desk, keys: list[str] | None, by: str) -> int:
    """Approve what waits for approval, or let be tried again what the books refused: the given actions, or everything. Returns how many
    items that covers."""
    with writing(desk.engine) as conn:
        ensure_company(conn, desk.company)
        return work.approve(conn, desk.company, keys, by, desk.now())


def _note_sent(conn: Connection, desk: Desk, attempt_id: str, by: str) -> None:
    """What follows from a notice that was sent after all, as if that had been known at once: promises it called broken end, notes wait."""
    sent, sent_on = attempt_of(conn, desk.company, attempt_id)
    holds = active_holds(conn, desk.company, sent.action.customer.id)
    items = (replace(entry, broken_promise_on=broken_promise_on(entry.item, holds, desk.policy, sent_on)) for entry in sent.action.items)
    told = replace(sent.action, items=tuple(items))
    end_holds(conn, desk.company, [hold.id for hold in holds if is_told_broken(hold, told)], "broken", by, desk.now())
    if _books_take_notes(desk):
        work.queue_notes(conn, desk.company, notes_of(desk.company, sent, sent_on, note_texts(told, desk.policy, sent_on)))


def resolve(desk: Desk, attempt: str, was_sent: bool, by: str, as_of: date) -> str:
    """Say how an attempt of unknown end ended; the beginning of its id is enough. What was sent gets its notes in the books with the next
    run, and ends the promises that it called broken. Raises NotFound."""
    judge_from(desk, as_of)
    with writing(desk.engine) as conn:
        unknown = (attempts.c.company == desk.company, attempts.c.status == AttemptStatus.UNKNOWN.value)
        rows = conn.execute(
            select(attempts.c.attempt_id, attempts.c.customer_id).where(
                *unknown, attempts.c.attempt_id.startswith(attempt, autoescape=True)
            )
        )
        found = rows.all()
        if len(found) != 1 or not attempt:
            raise NotFound(f"{len(found)} attempts of unknown end begin with {attempt!r}", hint="puntual status COMPANY lists them")
        attempt_id, customer_id = found[0]
        resolve_unknown(conn, desk.company, attempt_id, was_sent, by, desk.now())
        work.finish_work(conn, desk.company, attempt_id[:12], "sent" if was_sent else "not sent", by, desk.now())
        if was_sent:
            _note_sent(conn, desk, attempt_id, by)
        wake(conn, desk.company, [customer_id], desk.rulebook, as_of)
    return str(attempt_id)


def _books_take_notes(desk: Desk) -> bool:
    ledger = desk.open_ledger()
    try:
        return Capability.NOTES in ledger.capabilities
    finally:
        ledger.close()


def finish(desk: Desk, task: str, outcome: str, by: str) -> None:
    """Take something off the work list; a credit or a payment that the books refused counts as done by hand then. Raises NotFound."""
    with writing(desk.engine) as conn:
        ensure_company(conn, desk.company)
        if not work.finish_work(conn, desk.company, task, outcome, by, desk.now()):
            raise NotFound(f"{task!r} is not on the work list", hint="puntual status COMPANY lists it")
        why = f"by hand: {outcome}"
        for credit in credits_with(conn, desk.company, CreditStatus.REFUSED):
            if credit.work_id == task:
                close_credit(conn, desk.company, credit, why, by, desk.now())
        for payment in payments_with(conn, desk.company, PaymentStatus.REFUSED):
            if payment.work_id == task:
                close_payment(conn, desk.company, payment, why, by, desk.now())


def find_target(conn: Connection, company: str, invoice: str, customer: str) -> Target:
    """The invoice by number or id, or the customer by id or exact name. Raises NotFound when there is none or more than one."""
    if invoice:
        rows = find_items(conn, company, invoice)
        if len({row.invoice_id for row in rows}) != 1:
            raise NotFound(
                f"{len({row.invoice_id for row in rows})} invoices are called {invoice!r}",
                hint="puntual sync COMPANY reads the books again",
            )
        name = conn.execute(
            select(customers.c.name).where(customers.c.company == company, customers.c.customer_id == rows[0].customer_id)
        ).scalar_one_or_none()
        return Target(rows[0].customer_id, name or rows[0].customer_id, rows[0].invoice_id, rows[0].number)
    named = (customers.c.customer_id == customer) | (customers.c.name == customer)
    found = conn.execute(select(customers.c.customer_id, customers.c.name).where(customers.c.company == company, named)).all()
    if len(found) != 1:
        raise NotFound(f"{len(found)} customers are called {customer!r}", hint="Give the customer's id")
    return Target(found[0][0], found[0][1])


def _holds_meant(conn: Connection, company: str, invoice: str, customer: str, hold_id: str) -> list[Hold]:
    if hold_id:
        return [h for h in active_holds(conn, company) if h.id == hold_id]
    target = find_target(conn, company, invoice, customer)
    held = active_holds(conn, company, target.customer_id)
    return [h for h in held if not target.invoice_id or h.invoice_id == target.invoice_id]
