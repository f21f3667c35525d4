"""What Intuit tells by itself: whether a delivery is genuine, and what happened. Pure functions; the endpoint is elsewhere.

Sources: Intuit, "Webhooks" and "CloudEvents" (announced 12 Nov 2025; the older form ends in 2026). An event carries no data that could be
relied on: it says what to read. Answer 200 within three seconds, whatever was made of it, and 403 only where the signature is wrong.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ...core.access import Happening, Webhooks
from ...core.secret import Secret

SIGNATURE_HEADER = "intuit-signature"

_EVENT_TYPE = re.compile(r"qbo\.([a-z]+)\.([a-z]+)\.v\d+", re.IGNORECASE)
_WORDS: Mapping[str, str] = MappingProxyType(
    {"create": "created", "update": "updated", "delete": "deleted", "merge": "merged", "void": "voided", "emailed": "emailed"}
)
"""The older form's operations in the words of the newer."""


def is_genuine(body: bytes, signature: str, token: Secret) -> bool:
    """Whether `signature` (the header `intuit-signature`) is base64 of HMAC-SHA256 over the raw body with the app's verifier token, which
    is not its client secret. Compared in constant time; without a token nothing is genuine."""
    if not token.reveal():
        return False
    digest = hmac.new(token.reveal().encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.strip().encode())


def happenings(body: bytes) -> tuple[Happening, ...]:
    """What a genuine delivery tells, in either form; it may hold events of several companies, out of order and for a second time.

    What cannot be read is left out, and a body that is none of the forms tells nothing. It is no error: refused, Intuit would send it
    again and again and hold back what comes after it, while the next reading of the books finds the change all the same.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    return tuple(_events(said) if isinstance(said, list) else _notifications(said))


def _events(said: Iterable[Any]) -> Iterator[Happening]:
    """CloudEvents 1.0, in an array."""
    for event in said:
        kind = _EVENT_TYPE.fullmatch(_text(event, "type"))
        key, realm, entity_id = (_text(event, name) for name in ("id", "intuitaccountid", "intuitentityid"))
        if kind and key and realm and entity_id:
            yield Happening(key, realm, kind[1].lower(), entity_id, kind[2].lower(), _text(event, "time"))


def _notifications(said: Any) -> Iterator[Happening]:
    """The older form, which gives its events no id: the same change at the same time is the same event."""
    for notification in _list(said, "eventNotifications"):
        realm = _text(notification, "realmId")
        for entity in _list(_under(notification, "dataChangeEvent"), "entities"):
            name, key, operation, at = (_text(entity, field) for field in ("name", "id", "operation", "lastUpdated"))
            if realm and name and key and operation:
                what = _WORDS.get(operation.lower(), operation.lower())
                yield Happening(f"{realm}:{name}:{key}:{operation}:{at}", realm, name.lower(), key, what, at)


def _under(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, Mapping) else None


def _list(said: Any, name: str) -> list[Any]:
    found = _under(said, name)
    return found if isinstance(found, list) else []


def _text(said: Any, name: str) -> str:
    found = _under(said, name)
    return found if isinstance(found, str) else ""


WEBHOOKS = Webhooks(header=SIGNATURE_HEADER, refused_status=403, seconds=3, is_genuine=is_genuine, happenings=happenings)
