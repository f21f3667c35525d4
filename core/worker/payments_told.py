"""What a provider of links tells of by itself: payments, which the next run records in the books and which are not chased meanwhile; and
payments that go back, which are for a person.

A host that receives Stripe's deliveries for a company calls `payment_told` with the raw body and the header `stripe-signature`.
"""

import hashlib
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from ..dunning.facts import HoldKind
from ..errors import UnexpectedResponse
from ..history.audit import append
from ..history.books import ensure_company
from ..history.database import writing
from ..history.holds import add_hold
from ..history.read import invoices_called
from ..history.tables import work_list
from ..history.told_payments import PaymentStatus, ToldPayment, close_payment, keep_payment, payment_called, payment_marker
from ..history.waking import wake
from ..history.work import WorkItem, put_on_list
from ..payment_links.port import PaymentReported, PaymentTakenBack, TakenBack
from ..payment_links.stripe_webhook import is_genuine, reported, taken_back
from ..policy.payment_schema import LinkProvider
from ..secret import Secret
from .desk import Desk

HELD_DAYS = 14
"""Days for which an invoice that was paid on a page is left alone while the books do not show the payment."""


def payment_told(desk: Desk, body: bytes, signature: str) -> bool:
    """Take a delivery of Stripe. False when it is not genuine: answer 400. True whatever was made of it: answer 200, or it comes again."""
    if not is_genuine(body, signature, _secret(desk), desk.now()):
        return False
    zone = ZoneInfo(desk.policy.company.time_zone)
    try:
        payment, back = reported(body, zone), taken_back(body, zone)
    except UnexpectedResponse as error:
        entry = hashlib.sha256(body).hexdigest()[:12]
        work = WorkItem(entry, "payment", "", error.detail, "Look at it at Stripe.", desk.today())
        with writing(desk.engine) as conn:
            ensure_company(conn, desk.company)
            put_on_list(conn, desk.company, work, desk.now())
        return True
    with writing(desk.engine) as conn:
        ensure_company(conn, desk.company)
        if payment is not None and payment.company == desk.company:
            keep_told(conn, desk, payment)
        if back is not None:
            _take_back(conn, desk, back)
    return True


def _secret(desk: Desk) -> Secret:
    secrets = (link.webhook_secret for link in desk.policy.payment_links if link.provider is LinkProvider.STRIPE)
    return next((secret for secret in secrets if secret is not None), Secret(""))


def keep_told(conn: Connection, desk: Desk, payment: PaymentReported) -> None:
    """Keep a payment, once, and leave its invoice alone. One of the test mode brought no money: it is only told of."""
    entry = hashlib.sha256(f"{payment.provider}|{payment.id}".encode()).hexdigest()[:12]
    if _is_listed(conn, desk, entry) or payment_called(conn, desk.company, payment.provider, payment.id) is not None:
        return
    row = invoices_called(conn, desk.company, [payment.invoice_id]).get(payment.invoice_id)
    facts = {"id": payment.id, "event": payment.event_id, "invoice": payment.invoice_id, "amount": str(payment.amount)}
    append(conn, desk.company, desk.now(), [("payment_told", {**facts, "is_live": payment.is_live})])
    if not payment.is_live:
        number, customer = (row.number, row.customer_id) if row is not None else (payment.invoice_id, "")
        summary = f"Stripe's test mode says {payment.amount} for invoice {number} on {payment.paid_on}; no money came"
        text = f"Payment {payment.id} through the link {payment.link}."
        work = WorkItem(entry, "payment", customer, summary, text, payment.paid_on, (payment.invoice_id,))
        put_on_list(conn, desk.company, work, desk.now())
        return
    hold = _leave_alone(conn, desk, payment, row.customer_id) if row is not None else ""
    marker = payment_marker(desk.company, payment.provider, payment.id)
    told = ToldPayment(
        payment.provider, payment.id, marker, payment.invoice_id, payment.key, payment.amount, payment.paid_on, payment.link, hold_id=hold
    )
    keep_payment(conn, desk.company, told, desk.now())


def _leave_alone(conn: Connection, desk: Desk, payment: PaymentReported, customer: str) -> str:
    reason, until = f"Stripe received {payment.amount} on {payment.paid_on}", payment.paid_on + timedelta(days=HELD_DAYS)
    made = add_hold(conn, desk.company, HoldKind.MANUAL, customer, payment.invoice_id, reason, until, "stripe", desk.now())
    wake(conn, desk.company, [customer], desk.rulebook, desk.today())
    return made.id


# Payments that go back


def _take_back(conn: Connection, desk: Desk, back: PaymentTakenBack) -> None:
    """Tell a person, once. A dispute holds the invoice; what was not recorded yet is not recorded any more."""
    payment = payment_called(conn, desk.company, back.provider, back.payment_id)
    entry = hashlib.sha256(f"{back.provider}|{back.kind}|{back.id}".encode()).hexdigest()[:12]
    if (payment is None and back.company != desk.company) or _is_listed(conn, desk, entry):
        return
    invoice = payment.invoice_id if payment is not None else back.invoice_id
    row = invoices_called(conn, desk.company, [invoice]).get(invoice)
    number, customer = (row.number, row.customer_id) if row is not None else (invoice, "")
    text = _what_to_do(back, payment)
    work = WorkItem(entry, f"payment_{back.kind.value}", customer, _summary(back, number), text, desk.today(), (invoice,))
    put_on_list(conn, desk.company, work, desk.now())
    facts = {"id": back.id, "event": back.event_id, "payment": back.payment_id, "invoice": invoice, "amount": str(back.amount)}
    append(conn, desk.company, desk.now(), [(f"payment_{back.kind.value}", {**facts, "reason": back.reason})])
    if payment is not None and payment.status in (PaymentStatus.TOLD, PaymentStatus.REFUSED):
        close_payment(conn, desk.company, payment, f"{back.kind.value} told of on {back.on}", "stripe", desk.now())
    if back.kind is TakenBack.DISPUTE and customer:
        add_hold(conn, desk.company, HoldKind.DISPUTE, customer, invoice, _contested(back), None, "stripe", desk.now())
        wake(conn, desk.company, [customer], desk.rulebook, desk.today())


def _summary(back: PaymentTakenBack, number: str) -> str:
    if back.kind is TakenBack.DISPUTE:
        return f"{_contested(back)}: answer it at Stripe; invoice {number} is held as disputed"
    return f"Stripe paid back {back.amount} in all of what was paid for invoice {number}"


def _contested(back: PaymentTakenBack) -> str:
    return f"The customer's bank contests the payment of {back.amount}{f' ({back.reason})' if back.reason else ''}"


def _what_to_do(back: PaymentTakenBack, payment: ToldPayment | None) -> str:
    what = f"Payment {back.payment_id}, {back.on}."
    if payment is not None and payment.status is PaymentStatus.RECORDED:
        return f"{what} It stands in the books as {payment.recorded_number or payment.recorded_id}: take back there what went back."
    if payment is not None and payment.status in (PaymentStatus.TOLD, PaymentStatus.REFUSED):
        return f"{what} It is not in the books, and Puntual does not record it any more: record by hand what stays."
    return f"{what} See whether it stands in the books, and take back there what went back."


def _is_listed(conn: Connection, desk: Desk, entry: str) -> bool:
    listed = select(work_list.c.task_id).where(work_list.c.company == desk.company, work_list.c.task_id == entry)
    return conn.execute(listed).first() is not None
