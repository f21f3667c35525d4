"""What Stripe tells by itself: whether a delivery is genuine, which payment it reports, or which goes back. Pure functions; the endpoint is
elsewhere.

Sources: Stripe, "Receive Stripe events in your webhook endpoint" (signatures) and "Fulfill orders" (which events mean paid). Answer 2xx to
every genuine delivery, whatever was made of it: Stripe sends again what is not answered so, out of order and more than once.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from ..errors import UnexpectedResponse
from ..secret import Secret
from .port import PaymentReported, PaymentTakenBack, TakenBack
from .stripe_money import from_stripe

SIGNATURE_HEADER = "stripe-signature"
TOLERANCE_SECONDS = 300

COMPANY, INVOICE, KEY, AMOUNT = "puntual_company", "puntual_invoice", "puntual_item", "puntual_amount"
"""The metadata that our links carry and that Stripe copies to what is paid through them."""

_PAID_EVENTS = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def is_genuine(body: bytes, header: str, secret: Secret, now: datetime) -> bool:
    """Whether the header `stripe-signature` holds a time within five minutes of `now` (aware) and a signature `v1` over that time and the
    raw body: HMAC-SHA256 with the endpoint's secret, compared in constant time. Without a secret nothing is genuine."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if not secret.reveal() or len(times) != 1 or not _TIMESTAMP.fullmatch(times[0]):
        return False
    signed = hmac.new(secret.reveal().encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    matches = [hmac.compare_digest(signed, value.encode()) for name, _, value in parts if name == "v1"]
    return any(matches) and abs(int(now.timestamp()) - int(times[0])) <= TOLERANCE_SECONDS


def reported(body: bytes, zone: tzinfo) -> PaymentReported | None:
    """The payment that a genuine delivery reports: money that has come, through a link of ours. None for everything else, also for a
    session that is complete while its payment is still under way, which is told again when it has succeeded.

    Record it once by its `id`, not by its event. Raises UnexpectedResponse when it is ours and cannot be read: for the work list.
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    session = _under(_under(event, "data"), "object")
    ours = _under(session, "metadata")
    if _under(event, "type") not in _PAID_EVENTS or not _under(ours, INVOICE) or _under(session, "payment_status") != "paid":
        return None
    try:
        return _payment(event, session, ours, zone)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise UnexpectedResponse(f"Stripe reported a payment that is not understood ({_under(event, 'id')}).") from error


def _payment(event: Mapping[str, Any], session: Mapping[str, Any], ours: Mapping[str, Any], zone: tzinfo) -> PaymentReported:
    return PaymentReported(
        provider="stripe",
        id=_text(session.get("payment_intent") or session["id"]),
        event_id=_text(event["id"]),
        company=_text(ours[COMPANY]),
        invoice_id=_text(ours[INVOICE]),
        key=_text(ours[KEY]),
        amount=from_stripe(_number(session["amount_total"]), _text(session["currency"])),
        paid_on=datetime.fromtimestamp(_number(event["created"]), UTC).astimezone(zone).date(),
        link=_text(session["payment_link"]),
        is_live=event["livemode"] is True,
    )


_TAKEN_BACK = {"charge.refunded": (TakenBack.REFUND, "amount_refunded"), "charge.dispute.created": (TakenBack.DISPUTE, "amount")}


def taken_back(body: bytes, zone: tzinfo) -> PaymentTakenBack | None:
    """The refund or the dispute that a genuine delivery reports, of whatever payment: Stripe says of a dispute only the payment. None for
    everything else, and for the test mode.

    Raises UnexpectedResponse when it cannot be read: for the work list.
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    known = _TAKEN_BACK.get(said) if isinstance(said := _under(event, "type"), str) else None
    told = _under(_under(event, "data"), "object")
    if known is None or _under(event, "livemode") is not True or not _under(told, "payment_intent"):
        return None
    try:
        return _taken(event, told, *known, zone)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise UnexpectedResponse(f"Stripe reported a {known[0].value} that is not understood ({_under(event, 'id')}).") from error


def _taken(event: Mapping[str, Any], told: Mapping[str, Any], kind: TakenBack, amount: str, zone: tzinfo) -> PaymentTakenBack:
    ours = told.get("metadata") if kind is TakenBack.REFUND else None
    total = _number(told[amount])
    return PaymentTakenBack(
        provider="stripe",
        kind=kind,
        id=f"{_text(told['id'])}|{total}" if kind is TakenBack.REFUND else _text(told["id"]),
        event_id=_text(event["id"]),
        payment_id=_text(told["payment_intent"]),
        amount=from_stripe(total, _text(told["currency"])),
        on=datetime.fromtimestamp(_number(event["created"]), UTC).astimezone(zone).date(),
        reason=str(_under(told, "reason") or ""),
        company=str(_under(ours, COMPANY) or ""),
        invoice_id=str(_under(ours, INVOICE) or ""),
    )


def _under(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, Mapping) else None


def _text(said: Any) -> str:
    if not isinstance(said, str) or not said:
        raise TypeError("no text")
    return said


def _number(said: Any) -> int:
    if not isinstance(said, int) or isinstance(said, bool):
        raise TypeError("no number")
    return said
