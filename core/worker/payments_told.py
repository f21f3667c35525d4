"""Payments that a provider of links tells of by itself: each goes on the work list once, and what it paid is not chased meanwhile.

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
from ..history.tables import items, work_list
from ..history.waking import wake
from ..history.work import WorkItem, put_on_list
from ..payment_links.port import PaymentReported
from ..payment_links.stripe_webhook import is_genuine, reported
from ..policy.payment_schema import LinkProvider
from ..secret import Secret
from .desk import Desk

HELD_DAYS = 14
"""Days for which an invoice that was paid on a page is left alone while the books do not show the payment."""


def payment_told(desk: Desk, body: bytes, signature: str) -> bool:
    """Take a delivery of Stripe. False when it is not genuine: answer 400. True whatever was made of it: answer 200, or it comes again.

    A payment is for a person to record in the books: no ledger of the port takes payments.
    """
    if not is_genuine(body, signature, _secret(desk), desk.now()):
        return False
    try:
        payment = reported(body, ZoneInfo(desk.policy.company.time_zone))
    except UnexpectedResponse as error:
        with writing(desk.engine) as conn:
            ensure_company(conn, desk.company)
            entry = hashlib.sha256(body).hexdigest()[:12]
            put_on_list(conn, desk.company, WorkItem(entry, "payment", "", error.detail, "Look at it at Stripe.", desk.today()), desk.now())
        return True
    if payment is not None and payment.company == desk.company:
        with writing(desk.engine) as conn:
            ensure_company(conn, desk.company)
            _take(conn, desk, payment)
    return True


def _secret(desk: Desk) -> Secret:
    secrets = (link.webhook_secret for link in desk.policy.payment_links if link.provider is LinkProvider.STRIPE)
    return next((secret for secret in secrets if secret is not None), Secret(""))


def _take(conn: Connection, desk: Desk, payment: PaymentReported) -> None:
    entry = hashlib.sha256(f"{payment.provider}|{payment.id}".encode()).hexdigest()[:12]
    if conn.execute(select(work_list.c.task_id).where(work_list.c.company == desk.company, work_list.c.task_id == entry)).first():
        return
    c = items.c
    row = conn.execute(select(c.number, c.customer_id).where(c.company == desk.company, c.invoice_id == payment.invoice_id)).first()
    number, customer = (row.number, row.customer_id) if row else (payment.invoice_id, "")
    said = f"{payment.amount} for invoice {number} on {payment.paid_on}"
    summary = f"Record in the books: Stripe received {said}" if payment.is_live else f"Stripe's test mode says {said}; no money came"
    text = f"Payment {payment.id} through the link {payment.link}."
    work = WorkItem(entry, "payment", customer, summary, text, payment.paid_on, (payment.invoice_id,))
    put_on_list(conn, desk.company, work, desk.now())
    facts = {"id": payment.id, "event": payment.event_id, "invoice": payment.invoice_id, "amount": str(payment.amount)}
    append(conn, desk.company, desk.now(), [("payment_told", {**facts, "is_live": payment.is_live})])
    if customer and payment.is_live:
        _leave_alone(conn, desk, payment, customer)


def _leave_alone(conn: Connection, desk: Desk, payment: PaymentReported, customer: str) -> None:
    reason, until = f"Stripe received {payment.amount} on {payment.paid_on}", payment.paid_on + timedelta(days=HELD_DAYS)
    add_hold(conn, desk.company, HoldKind.MANUAL, customer, payment.invoice_id, reason, until, "stripe", desk.now())
    wake(conn, desk.company, [customer], desk.rulebook, desk.today())
