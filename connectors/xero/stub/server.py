"""The stand-in over real HTTP on loopback: Xero's authorization server, the connections and the Accounting API, on one port."""

from werkzeug.wrappers import Request, Response

from ...stub_server import StubServer, Trouble
from .api import Api, Found, rendered
from .books import XeroBooks
from .faults import XeroFault, insufficient_scope, not_connected, token_expired, too_many
from .idempotency import Answers
from .limits import Quotas
from .oauth import LEAST, Authority, Granted
from .shapes import dumped

_API = "/api.xro/2.0/"
_PATH_AT_MOST = 8192
_XML = '<?xml version="1.0" encoding="utf-8"?><Response xmlns:xsd="http://www.w3.org/2001/XMLSchema"><Status>OK</Status></Response>'


class XeroStub(StubServer):
    """The server over the books of one or more organisations. `methods` counts calls: `GET Invoices`, `PUT Invoices/History` …

    `authority` is the app and its tokens, `quotas` the limits by organisation; `limit_problem` is what Trouble.RATE_LIMITED says:
    minute, day or concurrent.
    """

    def __init__(self, books: XeroBooks, *more: XeroBooks, retry_after: int = 60) -> None:
        self.books = books
        self.limit_problem = "day"
        self._apis = {each.tenant_id: Api(each) for each in (books, *more)}
        self.quotas = {each.tenant_id: Quotas(each.now) for each in (books, *more)}
        self.authority = Authority(books.now, {each.tenant_id: each.name for each in (books, *more)})
        self.authority.refuses = lambda: self.trouble is Trouble.UNAUTHORIZED
        self._answers = Answers(books.now)
        super().__init__(books.now, retry_after)

    def grant(self, scope: str = LEAST, *, tenant_id: str = "") -> Granted:
        """A fresh token set that works, for the first organisation or the one that is named."""
        return self.authority.grant(tenant_id or self.books.tenant_id, scope)

    @property
    def client_id(self) -> str:
        """The app that is registered."""
        return self.authority.client_id

    @property
    def client_secret(self) -> str:
        """Its secret."""
        return self.authority.client_secret

    def counts(self, request: Request) -> bool:
        """Only the Accounting API is metered."""
        return request.path.startswith(_API)

    def rate_limited(self) -> Response:
        """HTTP 429 as Xero writes it; for too many at once there is nothing to wait for."""
        wait = None if self.limit_problem == "concurrent" else self.retry_after
        return _refused(too_many(self.limit_problem, wait))

    def respond(self, request: Request) -> Response:
        """What Xero says to a request."""
        try:
            if len(request.full_path) > _PATH_AT_MOST:
                raise XeroFault(414, "Request-URI Too Large")
            if request.path.startswith(_API):
                return self._api(request, request.path.removeprefix(_API).strip("/").split("/"))
            if request.path == "/identity/connect/authorize" and request.method == "GET":
                return self.authority.authorize(request)
            if request.path in ("/connect/token", "/connect/revocation") and request.method == "POST":
                return self.authority.token(request) if request.path.endswith("token") else self.authority.revoke(request)
            if request.path.lower().startswith("/connections"):
                return self.authority.connected(request)
            return Response(status=404)
        except XeroFault as fault:
            return _refused(fault)

    # --- the Accounting API ---------------------------------------------------------------------------------------------------

    def _api(self, request: Request, parts: list[str]) -> Response:
        self.methods[f"{request.method} {'/'.join(parts[:1] + parts[2:] if parts[2:] else parts[:1])}"] += 1
        scopes = self._scopes(request)
        tenant = request.headers.get("xero-tenant-id", "").lower()
        if tenant not in self._apis:
            raise not_connected()
        self.authority.check_connected(tenant)
        try:
            with self.quotas[tenant].asking():
                response = self._answered(request, parts, self._apis[tenant], scopes)
        except XeroFault as fault:
            response = _refused(fault)
        response.headers.update(self.quotas[tenant].remaining())
        return response

    def _scopes(self, request: Request) -> tuple[str, ...]:
        header = request.headers.get("Authorization", "")
        once = self.trouble is Trouble.UNAUTHORIZED_ONCE
        if self.refuses_key():
            if once:
                self.authority.expire(header)
            raise token_expired(self.books.now())
        return self.authority.scopes_of(header)

    def _answered(self, request: Request, parts: list[str], api: Api, scopes: tuple[str, ...]) -> Response:
        wanted = api.scope_of(request.method, parts)
        if self.trouble is Trouble.FORBIDDEN or not set(wanted) & set(scopes):
            raise insufficient_scope(api.books.behaviour.scope_status)

        def answer() -> Response:
            try:
                return _shown(request, api.answer(request, parts))
            except XeroFault as fault:
                return _refused(fault)

        return self._answers.given(request, answer)


def _shown(request: Request, found: Found) -> Response:
    headers = {"X-Wrote": "1"} if found.wrote else {}
    if found.body is not None and "application/json" not in request.headers.get("Accept", ""):
        return Response(_XML, 200, headers, mimetype="text/xml")
    return Response(rendered(found), 200, headers, mimetype=found.mimetype)


def _refused(fault: XeroFault) -> Response:
    if isinstance(fault.body, str):
        return Response(fault.body, fault.status, fault.headers, mimetype="text/plain")
    return Response(dumped(fault.body), fault.status, fault.headers, mimetype="application/json")
