"""Answers that are given again to the same request with the same Idempotency-Key, for six minutes from the first."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from werkzeug.wrappers import Request, Response

from .faults import XeroFault, key_reused

_KEPT = timedelta(minutes=6)
_CHARACTERS_AT_MOST = 128
_METHODS = frozenset({"POST", "PUT", "PATCH"})


class Answers:
    """What was answered under which key. Errors are kept, too."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], tuple[datetime, str, Response]] = {}

    def given(self, request: Request, answer: Callable[[], Response]) -> Response:
        """The answer of before when there is one, else a new one. Raises XeroFault for a key that belongs to another request."""
        key = request.headers.get("Idempotency-Key", "")
        if not key or request.method not in _METHODS:
            return answer()
        if len(key) > _CHARACTERS_AT_MOST:
            message = f"Idempotency Key must not be longer than {_CHARACTERS_AT_MOST} characters"
            raise XeroFault(400, {"ErrorNumber": 0, "Type": "BadRequest", "Message": message})
        place = (request.headers.get("xero-tenant-id", ""), key)
        print_of_request = hashlib.sha256(f"{request.method} {request.full_path} ".encode() + request.get_data()).hexdigest()
        at, print_of_first, kept = self._kept.get(place, (None, "", None))
        if at is not None and kept is not None and self._now() < at + _KEPT:
            if print_of_first != print_of_request:
                raise key_reused(key)
            return kept
        made = answer()
        again = Response(made.get_data(), made.status_code, {"Content-Type": made.headers["Content-Type"]})
        self._kept[place] = (self._now(), print_of_request, again)
        return made
