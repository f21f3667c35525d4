"""What every stand-in of a ledger shares: a server on loopback over real HTTP, and the ways in which a wire breaks.

A stand-in is for the tests and for `puntual demo`. What it answers is its own; this knows no ledger.
"""

import logging
import socket
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from threading import Event, Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

BROWSER_PAGE = "<!DOCTYPE html>\n<html><body>{}</body></html>"
_SECONDS_AT_MOST = 30
_HALF_AN_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"time": "2026-03-18T06:00:00", "resu'


class Trouble(StrEnum):
    """How the wire or the ledger fails while it is set on the server; LOST_ANSWER and UNAUTHORIZED_ONCE go after one call."""

    TIMEOUT = "timeout"
    RESET = "reset"
    INTERNAL_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    HTML_FOR_JSON = "html"
    HALF_BODY = "half"
    RATE_LIMITED = "rate"
    UNAUTHORIZED = "unauthorized"
    UNAUTHORIZED_ONCE = "unauthorized_once"
    FORBIDDEN = "forbidden"
    LOST_ANSWER = "lost_answer"


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    now: Callable[[], datetime]

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header by the clock of the books."""
        return format_datetime(type(self).now().astimezone(UTC), usegmt=True)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name of the class above
        """Nothing: paths hold tokens."""


class StubServer:
    """A server on a free port of this machine. A stand-in derives from it and fills in `respond`.

    `now` is aware UTC; `calls` counts requests, `methods` what was called; `trouble` breaks the wire; `mistakes` are the stand-in's own.
    """

    def __init__(self, now: Callable[[], datetime], retry_after: int = 60) -> None:
        self.calls = 0
        self.methods: Counter[str] = Counter()
        self.trouble: Trouble | None = None
        self.mistakes: list[str] = []
        self.retry_after = retry_after
        self._over = Event()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        handler = type("_BooksHandler", (_Handler,), {"now": staticmethod(now)})
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=handler)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def respond(self, request: Request) -> Response:
        """The answer when nothing is in the way. One that carries the header X-Wrote changed the books, and is lost by LOST_ANSWER."""
        raise NotImplementedError

    def counts(self, request: Request) -> bool:
        """Whether a request is a call to the ledger (and none to its authorization server, or to a page for people)."""
        return True

    def rate_limited(self) -> Response:
        """How this ledger says that it is asked too often."""
        return Response(BROWSER_PAGE.format("Sorry"), 429, {"Retry-After": str(self.retry_after)}, mimetype="text/html")

    def unavailable(self, status: int) -> Response:
        """How this ledger says that it does not work at the moment."""
        return Response(BROWSER_PAGE.format("Sorry"), status, mimetype="text/html")

    def refuses_key(self) -> bool:
        """Whether the key or token that comes now is to be refused whatever it is."""
        refuses = self.trouble in (Trouble.UNAUTHORIZED, Trouble.UNAUTHORIZED_ONCE)
        if self.trouble is Trouble.UNAUTHORIZED_ONCE:
            self.trouble = None
        return refuses

    def mend(self) -> None:
        """All is well again, also for those who still wait for an answer."""
        self.trouble = None
        self._over.set()
        self._over = Event()

    def close(self) -> None:
        """Stop listening."""
        self.mend()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- one request ----------------------------------------------------------------------------------------------------------

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        self.calls += self.counts(request)
        response = self._responded(request)
        if self.trouble is Trouble.LOST_ANSWER and response.headers.get("X-Wrote"):
            self.trouble = None
            _cut(environ["werkzeug.socket"], b"")
        response.headers.pop("X-Wrote", None)
        return response(environ, start_response)

    def _responded(self, request: Request) -> Response:
        try:
            return self._broken(request.environ["werkzeug.socket"]) or self.respond(request)
        except ConnectionAbortedError:
            raise
        except Exception:
            # A mistake of the stand-in must not pass for a server that is down.
            self.mistakes.append(traceback.format_exc())
            raise

    def _broken(self, connection: socket.socket) -> Response | None:
        if self.trouble is Trouble.TIMEOUT:
            self._over.wait(_SECONDS_AT_MOST)
            _cut(connection, b"")
        elif self.trouble is Trouble.RESET:
            _cut(connection, b"")
        elif self.trouble is Trouble.HALF_BODY:
            _cut(connection, _HALF_AN_ANSWER)
        elif self.trouble in (Trouble.INTERNAL_ERROR, Trouble.BAD_GATEWAY, Trouble.UNAVAILABLE):
            return self.unavailable(int(self.trouble))
        elif self.trouble is Trouble.HTML_FOR_JSON:
            return Response(BROWSER_PAGE.format("Sorry"), mimetype="text/html")
        elif self.trouble is Trouble.RATE_LIMITED:
            return self.rate_limited()
        return None


def _cut(connection: socket.socket, sent: bytes) -> None:
    """Send these bytes and hang up without another word."""
    if sent:
        connection.sendall(sent)
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
