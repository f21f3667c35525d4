"""How Xero refuses: the status, the body and the headers of an answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4


class XeroFault(Exception):
    """A refusal. `body` is JSON, or plain text."""

    def __init__(self, status: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


class Invalid(Exception):
    """An element of a request that breaks a rule of the books; the message is what a person reads."""


def _problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> XeroFault:
    body: dict[str, Any] = {"Type": None, "Title": title, "Status": status, "Detail": detail, "Instance": str(uuid4()), "Extensions": {}}
    return XeroFault(status, body, headers)


def token_unknown() -> XeroFault:
    """No token, or one that Xero did not give out, or that was revoked."""
    return _problem(401, "Unauthorized", "AuthenticationUnsuccessful")


def token_expired(at: datetime) -> XeroFault:
    """The thirty minutes are over."""
    return _problem(401, "Unauthorized", f"TokenExpired: token expired at {at:%m/%d/%Y %H:%M:%S}")


def insufficient_scope(status: int) -> XeroFault:
    """The token is good, but the company did not consent to this."""
    title = "Unauthorized" if status == 401 else "Forbidden"
    return _problem(status, title, "AuthorizationUnsuccessful", {"WWW-Authenticate": 'Bearer error="insufficient_scope"'})


def not_connected() -> XeroFault:
    """The user and app have no connection to the organisation that the header names, or it names none."""
    return _problem(403, "Forbidden", "AuthenticationUnsuccessful")


def not_found() -> XeroFault:
    """No such thing in these books."""
    return XeroFault(404, "The resource you're looking for cannot be found")


def too_many(problem: str, retry_after: int | None) -> XeroFault:
    """Asked too often: `problem` is minute, day, appminute or concurrent; for the last there is nothing to wait for."""
    headers = {"X-Rate-Limit-Problem": problem} | ({} if retry_after is None else {"Retry-After": str(retry_after)})
    return XeroFault(429, "", headers)


def query_error(message: str) -> XeroFault:
    """A question that cannot be understood."""
    return XeroFault(400, {"ErrorNumber": 16, "Type": "QueryParseException", "Message": message})


def post_error(message: str) -> XeroFault:
    """A body that cannot be understood."""
    return XeroFault(400, {"ErrorNumber": 17, "Type": "PostDataInvalidException", "Message": message})


def validation_error(elements: Sequence[Mapping[str, Any]]) -> XeroFault:
    """Elements that break rules of the books, each with its ValidationErrors."""
    body = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred", "Elements": list(elements)}
    return XeroFault(400, body)


def key_reused(key: str) -> XeroFault:
    """An Idempotency-Key that came with another request in the last six minutes."""
    message = f"Idempotency Key '{key}' is used with a different request"
    return XeroFault(400, {"ErrorNumber": 0, "Type": "BadRequest", "Message": message})
