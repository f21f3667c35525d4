"""What every request passes first and every answer last: the right host, headers of safety, a line of log, and a traceback for nobody."""

import logging
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import TryLater
from ..hosting.logs import tell, telling_about

CONTENT_POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
SAFETY: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": CONTENT_POLICY + "; form-action 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
)
HEADERS_AT_MOST = 16 * 1024
"""Bytes of a request up to its body."""
_HSTS = "max-age=31536000"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_AGAIN_AFTER = "30"
_TOO_OFTEN = "health"
"""What a proxy asks for every few seconds is not worth a line."""
_DEFAULT_PORTS = {"https": 443, "http": 80}


def hosts_of(address: str) -> frozenset[str]:
    """How the header Host may name this address."""
    parts = urlsplit(address)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
    default = _DEFAULT_PORTS[parts.scheme]
    with_port = f"{name}:{parts.port or default}"
    return frozenset({name, with_port} if parts.port in (None, default) else {with_port})


class Gate:
    """Around an application. `address` is the web address under which alone it answers; "" for any. With `is_told` each request is logged:
    never what was asked for, only which part of the application answered."""

    def __init__(self, app: ASGIApp, address: str = "", *, is_told: bool = True) -> None:
        self._app = app
        self._hosts = hosts_of(address) if address else None
        self._headers = dict(SAFETY) | ({"Strict-Transport-Security": _HSTS} if address.startswith("https:") else {})
        self._is_told = is_told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        with telling_about(request=secrets.token_hex(6)):
            status = await self._answered(scope, receive, send)
            if self._is_told:
                _tell(scope, status)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Have it answered. Returns the status, 0 when there was none to tell."""
        statuses: list[int] = []

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        trouble = await self._passed(scope, receive, sent)
        if trouble is not None and not statuses:
            await trouble(scope, receive, sent)
        return statuses[0] if statuses else 0

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> PlainTextResponse | None:
        """None when the application answered, else what to say in its place."""
        if wrong := _too_long(scope) or self._wrong_host(scope):
            return PlainTextResponse("", wrong)
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return None
        except (TryLater, DBAPIError, NoConnectionFree) as error:
            tell("cannot answer now", logging.WARNING, why=_why(error))
            return PlainTextResponse("Please try again later.\n", 503, headers={"Retry-After": _AGAIN_AFTER})
        except Exception:  # noqa: BLE001  # a mistake of ours in one answer must not reach a stranger, nor stop the others
            tell("mistake", logging.ERROR, exc_info=True)
            return PlainTextResponse("Something went wrong here.\n", 500)
        return None

    def _wrong_host(self, scope: Scope) -> int:
        """The status for a request that is not meant for this host; 0 when it is."""
        if self._hosts is None:
            return 0
        said = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        if len(said) != 1:
            return 400
        return 0 if said[0] in self._hosts else 421


def _too_long(scope: Scope) -> int:
    """The status for a request whose headers or address are longer than any that means well; 0 when they are not."""
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    said = address + sum(len(name) + len(value) for name, value in scope["headers"])
    return 431 if said > HEADERS_AT_MOST else 0


def _why(error: Exception) -> str:
    """In words without values: what a driver says may quote them."""
    if isinstance(error, DBAPIError):
        return f"the database: {type(error.orig).__name__}"
    return str(error) if isinstance(error, TryLater) else "every connection to the database is in use"


def _tell(scope: Scope, status: int) -> None:
    answered_by = getattr(scope.get("endpoint"), "__name__", "nobody")
    if answered_by == _TOO_OFTEN and status == 200:
        return
    method = scope["method"] if scope["method"] in _METHODS else "another"
    client = scope.get("client")
    tell("request", method=method, part=answered_by, status=status, client=client[0] if client else "")
