"""The stand-in over real HTTP on loopback: /jsonrpc, /json/2, /web/version and the portal, and the ways in which a wire breaks."""

import hmac
import json
import logging
import socket
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC
from email.utils import format_datetime
from enum import StrEnum
from threading import Event, Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from .api import Api
from .books import PDF, StubBooks
from .faults import OdooFault, access_error

_BROWSER_PAGE = "<!DOCTYPE html>\n<html><body>{}</body></html>"
_SECONDS_AT_MOST = 30


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
    books: StubBooks

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header by the clock of the books."""
        return format_datetime(self.books.store.instant().replace(tzinfo=UTC), usegmt=True)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name of the class above
        """Nothing: paths hold tokens."""


class StubServer:
    """The server on a free port. `calls` counts requests, `methods` what was called; `trouble` breaks it; `mistakes` are its own."""

    def __init__(self, books: StubBooks, retry_after: int = 60) -> None:
        self.books = books
        self.calls = 0
        self.methods: Counter[str] = Counter()
        self.trouble: Trouble | None = None
        self.mistakes: list[str] = []
        self._retry_after = retry_after
        self._api = Api(books)
        self._over = Event()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=type("_BooksHandler", (_Handler,), {"books": books})
        )
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

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
        self.calls += 1
        response = self._responded(environ)
        if self.trouble is Trouble.LOST_ANSWER and response.headers.get("X-Wrote"):
            self.trouble = None
            _cut(environ["werkzeug.socket"], b"")
        response.headers.pop("X-Wrote", None)
        return response(environ, start_response)

    def _break(self, environ: dict[str, Any]) -> Response | None:
        page, connection = _BROWSER_PAGE.format("Sorry"), environ["werkzeug.socket"]
        if self.trouble is Trouble.TIMEOUT:
            self._over.wait(_SECONDS_AT_MOST)
            _cut(connection, b"")
        elif self.trouble is Trouble.RESET:
            _cut(connection, b"")
        elif self.trouble is Trouble.HALF_BODY:
            _cut(connection, b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"jsonrpc": "2.0", "resu')
        elif self.trouble in (Trouble.INTERNAL_ERROR, Trouble.BAD_GATEWAY, Trouble.UNAVAILABLE):
            return Response(page, int(self.trouble), mimetype="text/html")
        elif self.trouble is Trouble.HTML_FOR_JSON:
            return Response(page, mimetype="text/html")
        elif self.trouble is Trouble.RATE_LIMITED:
            return Response(page, 429, {"Retry-After": str(self._retry_after)}, mimetype="text/html")
        return None

    def _responded(self, environ: dict[str, Any]) -> Response:
        try:
            return self._break(environ) or self._respond(Request(environ))
        except ConnectionAbortedError:
            raise
        except Exception:
            # A mistake of this stand-in must not pass for a server that is down.
            self.mistakes.append(traceback.format_exc())
            raise

    def _respond(self, request: Request) -> Response:
        if request.path == "/jsonrpc" and request.method == "POST":
            return self._jsonrpc(request)
        if request.path == "/web/version" and self.books.version >= 19:
            return _json({"version_info": [self.books.version, 0, 0, "final", 0, ""], "version": f"{self.books.version}.0"})
        if request.path.startswith("/json/2/") and self.books.version >= 19:
            return self._json2(request)
        if request.path.startswith("/json/2/"):
            return Response(_BROWSER_PAGE.format("Redirecting"), 303, {"Location": "/web/login"}, mimetype="text/html")
        if request.path.startswith("/my/invoices/"):
            return self._portal(request)
        return Response(_BROWSER_PAGE.format("Not Found"), 404, mimetype="text/html")

    # --- JSON-RPC -------------------------------------------------------------------------------------------------------------

    def _jsonrpc(self, request: Request) -> Response:
        try:
            call = json.loads(request.get_data())
            params = call["params"]
            service, method, arguments = params["service"], params["method"], params["args"]
        except (ValueError, KeyError, TypeError):
            return Response("Invalid JSON data", 400, mimetype="text/html")
        try:
            answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call.get("id")}
            result = self._service(service, method, arguments)
            if result is not None:
                answer["result"] = result
            return _json(answer, wrote=method == "execute_kw" and _writes(arguments[4]))
        except OdooFault as fault:
            data = {"name": fault.name, "message": fault.message, "arguments": [fault.message], "context": {}, "debug": "Traceback"}
            code = 0 if self.books.version >= 19 else 200
            return _json({**answer, "error": {"code": code, "message": "Odoo Server Error", "data": data}})

    def _service(self, service: str, method: str, arguments: list[Any]) -> Any:
        self.methods[f"{service}.{method}"] += 1
        if (service, method) == ("common", "version"):
            info = [self.books.version, 0, 0, "final", 0, ""]
            return {"server_version": f"{self.books.version}.0", "server_version_info": info, "protocol_version": 1}
        if (service, method) == ("common", "authenticate"):
            self._check_database(arguments[0])
            return False if self._refuses_key() else self._api.authenticate(arguments[1], arguments[2])
        if (service, method) != ("object", "execute_kw"):
            raise OdooFault("builtins.NameError", f"Method not available {service}.{method}")
        database, user, secret, model, called, positional, *named = arguments
        self._check_database(database)
        if self._refuses_key() or user != self.books.bot or not hmac.compare_digest(str(secret), self.books.api_key):
            raise OdooFault("odoo.exceptions.AccessDenied", "Access Denied", 403)
        keywords = dict(named[0]) if named else {}
        if called == "create":
            return self._execute(user, model, called, None, {**keywords, "vals_list": positional[0]})
        return self._execute(user, model, called, positional[0] if positional else None, keywords)

    def _check_database(self, name: Any) -> None:
        if name != self.books.database:
            text = f'connection to server at "127.0.0.1", port 5432 failed: FATAL:  database "{name}" does not exist\n'
            raise OdooFault("psycopg2.OperationalError", text)

    # --- JSON-2 ---------------------------------------------------------------------------------------------------------------

    def _json2(self, request: Request) -> Response:
        model, _slash, method = request.path.removeprefix("/json/2/").partition("/")
        if request.method != "POST" or request.headers.get("X-Odoo-Database", self.books.database) != self.books.database:
            return Response(_BROWSER_PAGE.format("No database is selected"), 404, mimetype="text/html")
        try:
            scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
            user = self._api.user_of_key("" if self._refuses_key() or scheme.lower() != "bearer" else secret)
            body = json.loads(request.get_data())
            ids = body.pop("ids", None)
            return _json(self._execute(user, model, method, ids, body), wrote=_writes(method))
        except ValueError:
            return _json({"name": "werkzeug.exceptions.BadRequest", "message": "could not parse the body as json"}, status=400)
        except OdooFault as fault:
            data = {"name": fault.name, "message": fault.message, "arguments": [fault.message], "context": {}, "debug": "Traceback"}
            return _json(data, status=fault.status)

    def _execute(self, user: int, model: str, method: str, ids: Any, named: dict[str, Any]) -> Any:
        self.methods[f"{model}.{method}"] += 1
        if self.trouble is Trouble.FORBIDDEN:
            raise access_error(model, model)
        return self._api.call(user, model, method, ids, named)

    def _refuses_key(self) -> bool:
        refuses = self.trouble in (Trouble.UNAUTHORIZED, Trouble.UNAUTHORIZED_ONCE)
        if self.trouble is Trouble.UNAUTHORIZED_ONCE:
            self.trouble = None
        return refuses

    # --- the portal -----------------------------------------------------------------------------------------------------------

    def _portal(self, request: Request) -> Response:
        key = request.path.removeprefix("/my/invoices/")
        move = self.books.store.get("account.move", int(key)) if key.isdecimal() else None
        token = request.args.get("access_token", "")
        if move is None or not move["access_token"] or not hmac.compare_digest(str(move["access_token"]).encode(), token.encode()):
            return Response(_BROWSER_PAGE.format("Redirecting"), 303, {"Location": "/my"}, mimetype="text/html")
        if request.args.get("report_type") == "pdf":
            return Response(PDF, mimetype="application/pdf")
        return Response(_BROWSER_PAGE.format("Pay now"), mimetype="text/html")


def _json(answer: Any, status: int = 200, *, wrote: bool = False) -> Response:
    return Response(json.dumps(answer), status, {"X-Wrote": "1"} if wrote else {}, mimetype="application/json")


def _writes(method: str) -> bool:
    return method in ("create", "activity_schedule")


def _cut(connection: socket.socket, sent: bytes) -> None:
    """Send these bytes and hang up without another word."""
    if sent:
        connection.sendall(sent)
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
