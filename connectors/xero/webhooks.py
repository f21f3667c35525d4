"""Xero's webhooks: whether a message is Xero's, and what it says. Pure; the address that receives them is elsewhere.

Source: https://developer.xero.com/documentation/guides/webhooks/overview/ and …/configuring-your-server/. A receiver answers within five
seconds, without a body or a cookie: 200 to what is genuine, 401 to what is not. Xero tries a new address with several messages without
events, some signed wrongly on purpose ("intent to receive"); they need nothing but those two answers.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from ...core.access import Happening, Webhooks
from ...core.errors import UnexpectedResponse
from ...core.secret import Secret


def is_genuine(body: bytes, signature: str, key: Secret) -> bool:
    """Whether `signature` (the header x-xero-signature: HMAC-SHA256 in base64) was made over these very bytes with the webhook's key."""
    if not key.reveal():
        return False
    made = hmac.new(key.reveal().encode(), body, hashlib.sha256).digest()
    try:
        given = base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    return hmac.compare_digest(made, given)


def happenings(body: bytes) -> tuple[Happening, ...]:
    """What a genuine message tells; nothing when Xero only tries the address. Raises UnexpectedResponse.

    The same event may come more than once and in any order: its id is what it is about, what happened and when. Payments have no category
    of their own; they show as an update of their invoice. An entry that names nothing is passed over.
    """
    try:
        said = json.loads(body)
        events = said["events"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnexpectedResponse("A message to the webhook is not in the form of Xero's events.") from None
    if not isinstance(events, list):
        raise UnexpectedResponse("A message to the webhook is not in the form of Xero's events.")
    told = [_happening(event) for event in events if isinstance(event, Mapping) and event.get("resourceId") and event.get("tenantId")]
    return tuple({event.id: event for event in told}.values())


def _happening(event: Mapping[str, Any]) -> Happening:
    what, at, about = (str(event.get(name) or "") for name in ("eventType", "eventDateUtc", "resourceId"))
    return Happening(
        id=f"{about}/{at}/{what}",
        tenant_id=str(event["tenantId"]),
        entity=str(event.get("eventCategory") or "").lower(),
        entity_id=about,
        what=what.lower(),
        at=at,
    )


WEBHOOKS = Webhooks(header="x-xero-signature", refused_status=401, seconds=5, is_genuine=is_genuine, happenings=happenings)
