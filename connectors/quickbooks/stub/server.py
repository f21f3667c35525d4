"""The stand-in over real HTTP on loopback: the authorization page, its token and revocation endpoints, and the API of one company."""

import json
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from ...stub_server import BROWSER_PAGE, StubServer, Trouble
from .api import Api
from .books import QboBooks
from .faults import (
    NOT_AUTHENTICATED,
    NOT_AUTHORIZED,
    THROTTLED,
    GatewayFault,
    QboFault,
    missing,
    query_parser,
    too_long,
    unsupported_operation,
)
from .oauth import BadPage, Grant, OAuth, OAuthRefusal
from .schema import LONGEST_REQUEST_ID
from .store import envelope_time

AUTHORIZE = "/connect/oauth2"
TOKENS = "/oauth2/v1/tokens/bearer"
REVOKE = "/v2/oauth2/tokens/revoke"
COMPANY = "/v3/company/"
_QUERY_TYPES = ("application/text", "text/plain")


class Shape(StrEnum):
    """How the gateway words a refusal: all of these have been seen."""

    UPPER_CASE = "Fault"
    LOWER_CASE = "fault"
    XML = "xml"
    HTML = "html"


class QboStub(StubServer):
    """The server over one company's books. `quota`: how many more calls the app has, None without end.

    `refusal_shape` and `throttle_shape` say how the gateway words 401 and 403, and 429.
    """

    def __init__(self, books: QboBooks, *, oauth: OAuth | None = None, retry_after: int = 60) -> None:
        self.books = books
        self.oauth = oauth or OAuth(books.store.now, books.realm_id)
        self.api = Api(books)
        self.quota: int | None = None
        self.refusal_shape = Shape.LOWER_CASE
        self.throttle_shape = Shape.UPPER_CASE
        self.loses_token_answers = False
        """Whether LOST_ANSWER strikes the token endpoint, too."""
        self.faults: deque[QboFault] = deque()
        """Refusals for the next calls, whatever they are; one with the status 200 comes as if all were well."""
        self._answered: dict[str, dict[str, Any]] = {}
        super().__init__(books.store.now, retry_after)

    @property
    def client_id(self) -> str:
        """The app's id."""
        return self.oauth.client_id

    @property
    def client_secret(self) -> str:
        """The app's secret."""
        return self.oauth.client_secret

    def grant(self) -> Grant:
        """A new consent with fresh tokens that this server knows."""
        return self.oauth.grant()

    def forget_requests(self) -> None:
        """The service remembers request ids for a time that it does not state; that time is over."""
        self._answered.clear()

    def counts(self, request: Request) -> bool:
        return request.path.startswith(COMPANY)

    def rate_limited(self) -> Response:
        response = self._gateway(THROTTLED, self.throttle_shape)
        response.headers["Retry-After"] = str(self.retry_after)
        return response

    def respond(self, request: Request) -> Response:
        """What Intuit says to a request."""
        self.oauth.refuses_all = self.trouble is Trouble.UNAUTHORIZED
        routes = {("GET", AUTHORIZE): self._authorize, ("POST", TOKENS): self._tokens, ("POST", REVOKE): self._revoke}
        route = routes.get((request.method, request.path))
        if route is not None:
            return route(request)
        if request.path.startswith(COMPANY):
            with self.books.store.lock:
                return self._company(request)
        return Response(BROWSER_PAGE.format("Not Found"), 404, mimetype="text/html")

    # --- authorization --------------------------------------------------------------------------------------------------------

    def _authorize(self, request: Request) -> Response:
        try:
            return Response(status=302, headers={"Location": self.oauth.authorize(request.args)})
        except BadPage as page:
            return Response(BROWSER_PAGE.format(escape(str(page))), 400, mimetype="text/html")

    def _tokens(self, request: Request) -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            return _json({"error": "invalid_request", "error_description": "The body must be a form"}, 400)
        tells_end = request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true"
        try:
            answer = self.oauth.tokens(request.headers.get("Authorization", ""), request.form, tells_end=tells_end)
        except OAuthRefusal as refusal:
            return _json(refusal.body, refusal.status)
        return _json(answer, wrote=self.loses_token_answers)

    def _revoke(self, request: Request) -> Response:
        try:
            token = _loaded(request).get("token")
            ended = self.oauth.revoke(request.headers.get("Authorization", ""), token)
        except OAuthRefusal as refusal:
            return _json(refusal.body, refusal.status)
        except (ValueError, AttributeError):
            ended = False
        return Response(status=200) if ended else _json({"error": "invalid_request", "error_description": "The token is not valid"}, 400)

    # --- the API --------------------------------------------------------------------------------------------------------------

    def _company(self, request: Request) -> Response:
        refused = self._at_the_gate(request)
        if refused is not None:
            return refused
        try:
            if self.faults:
                raise self.faults.popleft()
            return self._routed(request)
        except QboFault as fault:
            return self._envelope(request, {"Fault": fault.body()}, fault.status)

    def _at_the_gate(self, request: Request) -> Response | None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        realm = None if self.refuses_key() or scheme.lower() != "bearer" else self.oauth.realm_of(token)
        if realm is None:
            return self._gateway(NOT_AUTHENTICATED, self.refusal_shape)
        if self.trouble is Trouble.FORBIDDEN or request.path.removeprefix(COMPANY).split("/")[0] != realm:
            return self._gateway(NOT_AUTHORIZED, self.refusal_shape)
        if self.quota is not None:
            if self.quota <= 0:
                return self._gateway(THROTTLED, self.throttle_shape)
            self.quota -= 1
        return None

    def _routed(self, request: Request) -> Response:
        resource, *rest = request.path.removeprefix(COMPANY).split("/")[1:] or [""]
        self.methods[f"{request.method} {resource}"] += 1
        if not request.args.get("minorversion", "").isdecimal():
            raise missing("minorversion")
        if resource == "query" and not rest:
            return self._envelope(request, self.api.query(_query_text(request), request.args.get("include", "")))
        if request.method == "POST":
            return self._post(request, resource, rest)
        return self._get(request, resource, rest)

    def _get(self, request: Request, resource: str, rest: list[str]) -> Response:
        if resource == "cdc" and not rest:
            return self._envelope(request, self.api.changes(request.args.get("entities"), request.args.get("changedSince")))
        if resource == "invoice" and rest[1:] == ["pdf"]:
            if "application/pdf" not in request.headers.get("Accept", ""):
                return Response(status=406)
            return Response(self.api.pdf(rest[0]), mimetype="application/pdf")
        if len(rest) == 1 or (resource == "preferences" and not rest):
            return self._envelope(request, self.api.read(resource, "".join(rest)))
        raise unsupported_operation(f"GET {resource}")

    def _post(self, request: Request, resource: str, rest: list[str]) -> Response:
        key = request.args.get("requestid", "")
        if len(key) > LONGEST_REQUEST_ID:
            raise too_long("requestid", LONGEST_REQUEST_ID, len(key))
        if key in self._answered:
            return self._envelope(request, self._answered[key], wrote=True)
        answer, wrote = self._posted(request, resource, rest)
        if key and wrote:
            self._answered[key] = answer
        return self._envelope(request, answer, wrote=wrote)

    def _posted(self, request: Request, resource: str, rest: list[str]) -> tuple[dict[str, Any], bool]:
        if resource == "invoice" and rest[1:] == ["send"]:
            return self.api.send(rest[0], request.args.get("sendTo", "")), True
        if request.mimetype != "application/json" or rest:
            raise unsupported_operation(f"POST {resource} with {request.mimetype or 'no content type'}")
        try:
            body = _loaded(request)
        except ValueError:
            raise QboFault("2010", "Request has invalid or unsupported property", "Unexpected end-of-input in the body") from None
        if resource == "batch":
            return self.api.batch(body)
        return self.api.write(resource, body, request.args.get("operation", ""), request.args.get("include", "")), True

    # --- answers --------------------------------------------------------------------------------------------------------------

    def _envelope(self, request: Request, answer: Mapping[str, Any], status: int = 200, *, wrote: bool = False) -> Response:
        whole = {**answer, "time": envelope_time(self.books.store.now())}
        if "application/json" in request.headers.get("Accept", ""):
            response = _json(whole, status, wrote=wrote)
        else:
            response = Response(_xml(whole), status, {"X-Wrote": "1"} if wrote else {}, mimetype="application/xml")
        return _traced(response)

    def _gateway(self, fault: GatewayFault, shape: Shape) -> Response:
        now = self.books.store.now()
        if shape is Shape.HTML:
            response = Response(BROWSER_PAGE.format(fault.message), fault.status, mimetype="text/html")
        elif shape is Shape.XML:
            response = Response(fault.xml(envelope_time(now)), fault.status, mimetype="application/xml")
        elif shape is Shape.LOWER_CASE:
            response = _json(fault.lower_case(int(now.timestamp() * 1000)), fault.status)
        else:
            response = _json(fault.upper_case(envelope_time(now)), fault.status)
        return _traced(response)


def _query_text(request: Request) -> str:
    if request.method == "GET":
        return request.args.get("query", "")
    if request.mimetype not in _QUERY_TYPES:
        raise query_parser(f"a query has to come as application/text, not as {request.mimetype}")
    return request.get_data(as_text=True)


def _loaded(request: Request) -> Any:
    return json.loads(request.get_data(), parse_float=Decimal)


def _json(answer: Any, status: int = 200, *, wrote: bool = False) -> Response:
    return Response(json.dumps(answer), status, {"X-Wrote": "1"} if wrote else {}, mimetype="application/json")


def _traced(response: Response) -> Response:
    response.headers["intuit_tid"] = f"1-{uuid4().hex}"
    return response


def _xml(value: Mapping[str, Any]) -> str:
    """The answer for those who did not ask for JSON: XML is what the service speaks by itself."""
    inner = "".join(_element(name, each) for name, each in value.items() if name != "time")
    return f'<?xml version="1.0" encoding="UTF-8"?><IntuitResponse time="{value["time"]}">{inner}</IntuitResponse>'


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, each) for each in value)
    inner = "".join(_element(*each) for each in value.items()) if isinstance(value, Mapping) else escape(str(value))
    return f"<{name}>{inner}</{name}>"
