"""How QuickBooks Online is spoken to: the only file that knows its addresses.

The paths and parameters are python-quickbooks' (0.9.12). What that library does beyond them is left out: it has no timeouts, drops the
HTTP status and `intuit_tid` from its errors, takes a 429 for a bad request, refreshes tokens by itself and logs them; and its objects'
`save()` sends a full update with defaults that nobody asked for, so bodies are written by hand.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

from quickbooks import QuickBooks

from ...core.access import Authorization, CallMeter, Purpose
from ...core.errors import AuthorizationExpired, LedgerUnavailable, UnexpectedResponse
from ..http import Answer, Transport
from ..oauth import Tokens
from .faults import Fault, error_of, error_of_answer, fault_in, trace_of
from .settings import QuickBooksSettings

MINOR_VERSION = 75
"""The only one since 1 Aug 2025 (Intuit, "Changes to our Accounting API that may impact your application")."""
CDC_ENTITIES = "Invoice,Payment,CreditMemo,Customer"
BATCH_ITEMS = 30
_ANSWERS = (200, 400, 401, 403, 404, 429, 500, 503)

Row = Mapping[str, Any]


def json_text(value: Any) -> str:
    """JSON with decimals as the numbers they are: neither binary fractions nor texts."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(name)}:{json_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(json_text, value)) + "]"
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)


class _Paths(QuickBooks):  # type: ignore[misc]  # the library has no types
    """The library's methods, each of which comes down to `make_request`; that one is ours."""

    def __init__(self, ask: Callable[..., Any], **_named: Any) -> None:
        self._ask = ask

    @property
    def api_url(self) -> str:
        return "/v3"

    def make_request(
        self,
        request_type: str,
        url: str,
        request_body: Any = None,
        content_type: str = "application/json",
        params: Mapping[str, Any] | None = None,
        file_path: Any = None,
        file_bytes: Any = None,
        request_id: str | None = None,
    ) -> Any:
        query = {name: str(value) for name, value in (params or {}).items()} | {"minorversion": str(MINOR_VERSION)}
        if request_id:
            query["requestid"] = request_id
        return self._ask(request_type, url, query, request_body or "", content_type)


class Wire:
    """One company's books over HTTP: tokens, the count of reads that are paid for, and refusals as errors of core.errors."""

    def __init__(self, settings: QuickBooksSettings, transport: Transport, tokens: Tokens, meter: CallMeter | None) -> None:
        self.purpose = Purpose.READING
        self.transport = transport
        self._tokens = tokens
        self._quota = settings.quota
        self._meter = meter if settings.is_metered else None
        self._masked: Authorization | None = None

    @property
    def realm(self) -> str:
        """Whose books these are."""
        return self._tokens.authorization().tenant_id

    @contextmanager
    def reading_for(self, purpose: Purpose) -> Iterator[None]:
        """Say what the reads are for: the last of a month's are kept for what matters more than reading."""
        before, self.purpose = self.purpose, purpose
        try:
            yield
        finally:
            self.purpose = before

    # --- reading --------------------------------------------------------------------------------------------------------------

    def query(self, select: str, *, links: bool = False) -> Any:
        """The answer to a query. `links`: with the invoices' pay links, which takes the service a while (python-quickbooks issue 241)."""
        return self._reading(lambda paths: paths.query(select, {"include": "invoiceLink"} if links else None))

    def queries(self, selects: Sequence[str]) -> list[Any]:
        """The answers to several queries in one request. Intuit counts each of them."""
        answered: list[Any] = []
        for first in range(0, len(selects), BATCH_ITEMS):
            items = [{"bId": str(place), "Query": select} for place, select in enumerate(selects[first : first + BATCH_ITEMS])]
            answered += self._batch(items, "", reads=len(items))
        for answer in answered:
            if fault := fault_in(answer):
                raise error_of(fault, self.transport)
        return answered

    def changes(self, since: str) -> Any:
        """What change data capture says of all that concerns receivables since an instant with its offset. One call."""
        return self._reading(lambda paths: paths.change_data_capture(CDC_ENTITIES, since))

    def read(self, entity: str, key: str) -> Row:
        """One object, as it is now. Raises RejectedByLedger when it is not there."""
        said = self._reading(lambda paths: paths.get_single_object(entity, key))
        return _object(said, entity)

    def company_info(self) -> Row:
        """Whose books these are."""
        return self.read("CompanyInfo", self.realm)

    def preferences(self) -> Row:
        """How the company has set up its books."""
        said = self._reading(lambda paths: paths.get(f"{paths.api_url}/company/{paths.company_id}/preferences"))
        return _object(said, "Preferences")

    def pdf(self, key: str) -> bytes:
        """An invoice as it is printed. Raises RejectedByLedger when there is none."""
        self._spend(1)
        headers = {"Accept": "application/pdf, application/json"}
        path, query = f"/v3/company/{self.realm}/invoice/{key}/pdf", {"minorversion": str(MINOR_VERSION)}
        answer = self._authorized("GET", path, query, headers, repeatable=True)
        if answer.status != 200:
            raise error_of_answer(answer, self.transport)
        if not answer.body.startswith(b"%PDF-"):
            raise LedgerUnavailable(f"QuickBooks Online gave something else than a PDF.{trace_of(answer)}")
        return answer.body

    # --- writing --------------------------------------------------------------------------------------------------------------

    def write(self, entity: str, body: Row, request_id: str) -> Row:
        """Create an object, or update the one whose Id is in the body. Returns it as it is then. One `request_id` is carried out once."""
        said = self._asked(lambda paths: paths.create_object(entity, json_text(body), request_id=request_id), repeatable=False)
        return _object(said, entity)

    def void(self, entity: str, row: Row, request_id: str) -> Row:
        """Void an object as it was read: it stays, over nothing. Returns it as it is then. Raises StaleVersion."""
        return self._ended("void", entity, row, request_id)

    def delete(self, entity: str, row: Row, request_id: str) -> None:
        """Delete an object as it was read. Raises StaleVersion."""
        self._ended("delete", entity, row, request_id)

    def _ended(self, operation: str, entity: str, row: Row, request_id: str) -> Row:
        body = json_text({"Id": row["Id"], "SyncToken": row["SyncToken"]})
        said = self._asked(
            lambda paths: paths.create_object(entity, body, request_id=request_id, params={"operation": operation}), repeatable=False
        )
        return _object(said, entity)

    def create_all(self, entity: str, bodies: Sequence[Row], request_id: str) -> list[Row | Fault]:
        """Create up to BATCH_ITEMS objects in one request; each as it is then, or why it was refused."""
        items = [{"bId": str(place), "operation": "create", entity: body} for place, body in enumerate(bodies)]
        return [fault_in(answer) or _object(answer, entity) for answer in self._batch(items, request_id, reads=0)]

    # --- one request ----------------------------------------------------------------------------------------------------------

    def _batch(self, items: Sequence[Row], request_id: str, *, reads: int) -> list[Any]:
        """The items' answers in the order of the items; they come in any."""
        self._spend(reads)
        body = json_text({"BatchItemRequest": items})
        said = self._asked(
            lambda paths: paths.post(f"{paths.api_url}/company/{paths.company_id}/batch", body, request_id=request_id), repeatable=reads > 0
        )
        answers = said.get("BatchItemResponse")
        by_id = {str(answer.get("bId")): answer for answer in answers} if isinstance(answers, list) else {}
        if set(by_id) != {item["bId"] for item in items}:
            raise UnexpectedResponse("QuickBooks Online does not answer every item of a batch.")
        return [by_id[item["bId"]] for item in items]

    def _reading(self, use: Callable[[Any], Any]) -> Any:
        self._spend(1)
        return self._asked(use, repeatable=True)

    def _spend(self, reads: int) -> None:
        if self._meter:
            for _each in range(reads):
                self._meter.spend(self._quota, self.purpose)

    def _asked(self, use: Callable[[Any], Any], *, repeatable: bool) -> Any:
        ask = partial(self._answered, repeatable)
        return use(_Paths(ask=ask, company_id=self.realm, minorversion=MINOR_VERSION))

    def _answered(self, repeatable: bool, method: str, path: str, query: Mapping[str, str], body: str, content_type: str) -> Any:
        headers = {"Accept": "application/json", **({"Content-Type": content_type} if body else {})}
        answer = self._authorized(method, path, query, headers, body.encode(), repeatable=repeatable)
        said = answer.json() if answer.status == 200 else None
        if not isinstance(said, Mapping) or fault_in(said):
            raise error_of_answer(answer, self.transport)
        return said

    def _authorized(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b"", *, repeatable: bool
    ) -> Answer:
        """The answer to a request; when the token is refused, to the same request with a new one."""

        def sent(authorization: Authorization) -> Answer:
            bearer = {**headers, "Authorization": f"Bearer {self._shown(authorization)}"}
            return self.transport.request(
                method, path, query=query, content=body or None, headers=bearer, accept=_ANSWERS, repeatable=repeatable
            )

        authorization = self._tokens.authorization()
        answer = sent(authorization)
        if answer.status != 401:
            return answer
        answer = sent(self._tokens.renewed(authorization))
        if answer.status == 401:
            raise AuthorizationExpired(
                f"QuickBooks Online refuses a token that it has just given.{trace_of(answer)}",
                hint="Let an administrator of the company connect it again: puntual connect COMPANY",
            )
        return answer

    def _shown(self, authorization: Authorization) -> str:
        """The access token, which from now on is masked wherever the service's words are quoted."""
        if authorization is not self._masked:
            self.transport.keep_secret(authorization.access_token)
            self._masked = authorization
        return authorization.access_token.reveal()


def _object(said: Any, entity: str) -> Row:
    found = said.get(entity)
    if not isinstance(found, Mapping):
        raise UnexpectedResponse(f"QuickBooks Online answers without the {entity} that it was asked for.")
    return found
