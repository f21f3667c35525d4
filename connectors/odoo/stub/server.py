"""The stand-in over real HTTP on loopback: /jsonrpc, /json/2, /web/version and the portal."""

import hmac
import json
from datetime import UTC
from typing import Any

from werkzeug.wrappers import Request, Response

from ...stub_server import BROWSER_PAGE, StubServer, Trouble
from .api import Api
from .books import PDF, StubBooks
from .faults import OdooFault, access_error


class OdooStub(StubServer):
    """The server over one database. `methods` counts what was called, by model and method."""

    def __init__(self, books: StubBooks, retry_after: int = 60) -> None:
        self.books = books
        self._api = Api(books)
        super().__init__(lambda: books.store.instant().replace(tzinfo=UTC), retry_after)

    def respond(self, request: Request) -> Response:
        """What Odoo says to a request."""
        if request.path == "/jsonrpc" and request.method == "POST":
            return self._jsonrpc(request)
        if request.path == "/web/version" and self.books.version >= 19:
            return _json({"version_info": [self.books.version, 0, 0, "final", 0, ""], "version": f"{self.books.version}.0"})
        if request.path.startswith("/json/2/") and self.books.version >= 19:
            return self._json2(request)
        if request.path.startswith("/json/2/"):
            return Response(BROWSER_PAGE.format("Redirecting"), 303, {"Location": "/web/login"}, mimetype="text/html")
        if request.path.startswith("/my/invoices/"):
            return self._portal(request)
        return Response(BROWSER_PAGE.format("Not Found"), 404, mimetype="text/html")

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
            return _json(answer, wrote=method == "execute_kw" and _writes(*arguments[3:5]))
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
            return False if self.refuses_key() else self._api.authenticate(arguments[1], arguments[2])
        if (service, method) != ("object", "execute_kw"):
            raise OdooFault("builtins.NameError", f"Method not available {service}.{method}")
        database, user, secret, model, called, positional, *named = arguments
        self._check_database(database)
        if self.refuses_key() or user != self.books.bot or not hmac.compare_digest(str(secret), self.books.api_key):
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
            return Response(BROWSER_PAGE.format("No database is selected"), 404, mimetype="text/html")
        try:
            scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
            user = self._api.user_of_key("" if self.refuses_key() or scheme.lower() != "bearer" else secret)
            body = json.loads(request.get_data())
            ids = body.pop("ids", None)
            return _json(self._execute(user, model, method, ids, body), wrote=_writes(model, method))
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

    # --- the portal -----------------------------------------------------------------------------------------------------------

    def _portal(self, request: Request) -> Response:
        key = request.path.removeprefix("/my/invoices/")
        move = self.books.store.get("account.move", int(key)) if key.isdecimal() else None
        token = request.args.get("access_token", "")
        if move is None or not move["access_token"] or not hmac.compare_digest(str(move["access_token"]).encode(), token.encode()):
            return Response(BROWSER_PAGE.format("Redirecting"), 303, {"Location": "/my"}, mimetype="text/html")
        if request.args.get("report_type") == "pdf":
            return Response(PDF, mimetype="application/pdf")
        return Response(BROWSER_PAGE.format("Pay now"), mimetype="text/html")


def _json(answer: Any, status: int = 200, *, wrote: bool = False) -> Response:
    return Response(json.dumps(answer), status, {"X-Wrote": "1"} if wrote else {}, mimetype="application/json")


_WRITING = frozenset(
    {
        "create", "write", "unlink", "activity_schedule", "action_post", "button_cancel", "js_assign_outstanding_line",
        "action_create_payments",
    }
)  # fmt: skip


def _writes(model: str, method: str) -> bool:
    """Whether a call changes the books; a form that is opened does not yet."""
    return method in _WRITING and (model, method) != ("account.payment.register", "create")
