"""How Xero is spoken to: xero-python's paths and parameters over our transport, with tokens, the day's calls, and what each refusal means.

Of xero-python (https://github.com/XeroAPI/xero-python) its AccountingApi is used, with plain dicts as bodies and raw JSON as answers.
Left out: its HTTP client (sends a PUT up to four times, sleeps as long as Retry-After says, has no timeout), its models (one unknown value
of an enumeration loses a whole page; dates with an offset lose a day; a field cannot be cleared) and its tokens (see authorizer.py). Its
Configuration is one object for the whole process: nothing is ever put into it.

Sources: https://developer.xero.com/documentation/api/accounting/ (requests-and-responses, response-codes), …/guides/oauth2/limits.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration

from ...core.access import Authorization, Purpose, Quota, QuotaPeriod
from ...core.errors import (
    AuthorizationExpired,
    LedgerUnavailable,
    PeriodLocked,
    PermissionMissing,
    PuntualError,
    QuotaUsedUp,
    RejectedByLedger,
    UnexpectedResponse,
)
from ...core.port import Surroundings
from ..http import Answer, Limits, Transport
from ..oauth import Tokens
from .authorizer import XeroAuthorizer
from .settings import XeroSettings

Row = Mapping[str, Any]

API_PATH = "/api.xro/2.0"
MOST_IDS = 100
"""Ids in one question: their GUIDs make an address of less than 4 KB."""
LIMITS = Limits(patience_seconds=60, wait_seconds=5)
"""A minute's limit is sat out once. When too many ask at once (`concurrent`), Xero does not say how long to wait."""
EARLY = timedelta(minutes=3)

_LISTS: Mapping[str, tuple[str, str]] = {
    "invoices": ("get_invoices", "Invoices"),
    "contacts": ("get_contacts", "Contacts"),
    "credit_notes": ("get_credit_notes", "CreditNotes"),
    "overpayments": ("get_overpayments", "Overpayments"),
    "prepayments": ("get_prepayments", "Prepayments"),
    "payments": ("get_payments", "Payments"),
}
_SCOPE_OF_PATH: Mapping[str, str] = {
    "Invoices": "accounting.invoices",
    "CreditNotes": "accounting.invoices",
    "Overpayments": "accounting.payments.read",
    "Prepayments": "accounting.payments.read",
    "Contacts": "accounting.contacts.read",
    "Payments": "accounting.payments",
}
_CONNECT_AGAIN = "Connect it again with: puntual connect COMPANY"

# A refusal by its status and by Xero's own words, first match wins. What is not here has the meaning that its HTTP status has.
_REFUSALS: Sequence[tuple[int, str, type[PuntualError], str]] = (
    (
        400,
        r"lock date|locked period|period is locked|accounts are locked",
        PeriodLocked,
        "Move the lock date in Xero, or date it after that day.",
    ),
    (400, r"QueryParseException|PostDataInvalid|Idempotency Key", UnexpectedResponse, ""),
    (400, r"archived", RejectedByLedger, "Restore it in Xero, or choose another one."),
    (400, r"Account could not be found|for the payment", RejectedByLedger, "Correct `payment_account` in the policy."),
    (400, r"valid code for this document|Account code", RejectedByLedger, "Correct `charge_account` in the policy."),
    (400, r"TaxType", RejectedByLedger, "Correct `charge_tax_type` or `charge_untaxed_type` in the policy."),
    (400, r"", RejectedByLedger, ""),
    (404, r"", RejectedByLedger, ""),
)
_LACKS_SCOPE = re.compile(r"insuff?icient?_scope|insufficent_scope", re.IGNORECASE)
_NOT_ALLOWED = "AuthorizationUnsuccessful"


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of rows, of how many pages, and the server's own time at the answer (None when it says none)."""

    rows: Sequence[Row]
    pages: int
    answered_at: datetime | None


class XeroWire:
    """Questions to and changes of one organisation's books. Every method raises only errors of core.errors."""

    def __init__(self, settings: XeroSettings, surroundings: Surroundings, limits: Limits = LIMITS) -> None:
        self.transport = Transport(settings.api_url, ledger="Xero", now=surroundings.now, secrets=(settings.client_secret,), limits=limits)
        self.authorizer = XeroAuthorizer(settings, surroundings)
        self._tokens = Tokens(surroundings.vault, self.authorizer.refresh, surroundings.now, EARLY)
        self._meter = surroundings.meter
        self._quota = Quota("calls a day to Xero", settings.calls_per_day, QuotaPeriod.DAY, settings.calls_per_day // 10)
        self._purpose = Purpose.READING
        client = ApiClient(Configuration())
        client.rest_client = SimpleNamespace(**{method: _verb(self._send, method) for method in ("GET", "PUT", "POST")})
        client.update_params_for_auth = lambda *_unused: None
        client.user_agent = "puntual"
        self._api = AccountingApi(client, base_url=API_PATH)

    def close(self) -> None:
        """Let go of connections."""
        self.transport.close()
        self.authorizer.close()

    def authorization(self) -> Authorization:
        """What the company's consent gave us."""
        return self._tokens.authorization()

    @contextmanager
    def doing(self, purpose: Purpose) -> Iterator[None]:
        """What the calls within are for."""
        before, self._purpose = self._purpose, purpose
        try:
            yield
        finally:
            self._purpose = before

    # --- questions ------------------------------------------------------------------------------------------------------------

    def listing(self, stream: str, *, page: int = 1, size: int = 100, since: str = "", **named: Any) -> Listing:
        """A page of rows, with their lines and people. `since`: what changed after that instant (UTC, seconds). The oldest change first."""
        method, key = _LISTS[stream]
        if since:
            named["if_modified_since"] = since
        if stream != "invoices":
            named["order"] = "UpdatedDateUTC ASC"  # what invoices are sorted by anyway
        answer = self._ask(method, page=page, page_size=size, **named)
        if answer.status == 304:
            return Listing((), 0, _date_of(answer))
        said = _object(answer)
        rows = _rows(said, key)
        count = said.get("pagination")
        if isinstance(count, Mapping):
            return Listing(rows, int(count["pageCount"]), _date_of(answer))
        if len(rows) >= size:
            raise UnexpectedResponse(f"Xero gave a full page of {key} without saying how many pages there are.")
        return Listing(rows, 1, _date_of(answer))

    def by_id(self, stream: str, ids: Sequence[str], **named: Any) -> list[Row]:
        """Rows by their ids, without repetition; what is unknown is missing."""
        wanted = list(dict.fromkeys(ids))
        portions = [wanted[start : start + MOST_IDS] for start in range(0, len(wanted), MOST_IDS)]
        return [row for some in portions for row in self.listing(stream, size=MOST_IDS, i_ds=some, **named).rows]

    def invoice(self, invoice_id: str) -> Row:
        """One invoice with all that Xero has of it, prices with four decimals. Raises RejectedByLedger when there is none."""
        return _first(self._asked("get_invoice", invoice_id, unitdp=4), "Invoices")

    def payments_of(self, invoice_id: str) -> Sequence[Row]:
        """The payments of an invoice, deleted ones among them."""
        where = f'Invoice.InvoiceID==guid("{invoice_id}")'
        first = self.listing("payments", size=MOST_IDS, where=where)
        more = (self.listing("payments", page=page, size=MOST_IDS, where=where) for page in range(2, first.pages + 1))
        return [row for listing in (first, *more) for row in listing.rows]

    def accounts(self) -> Sequence[Row]:
        """The chart of accounts."""
        return _rows(self._asked("get_accounts"), "Accounts")

    def organisation(self) -> Row:
        """Whose books these are."""
        return _first(self._asked("get_organisations"), "Organisations")

    def actions(self) -> Mapping[str, str]:
        """What the connected user may do in Xero, by name: ALLOWED or NOT-ALLOWED."""
        rows = _rows(self._asked("get_organisation_actions"), "Actions")
        return {str(row.get("Name")): str(row.get("Status")) for row in rows}

    def sends_reminders(self) -> bool:
        """Whether Xero reminds customers itself."""
        return any(row.get("Enabled") is True for row in _rows(self._asked("get_invoice_reminders"), "InvoiceReminders"))

    def history(self, invoice_id: str) -> Sequence[Row]:
        """The entries in an invoice's history."""
        return _rows(self._asked("get_invoice_history", invoice_id), "HistoryRecords")

    def online_page(self, invoice_id: str) -> str:
        """The page where the customer sees the invoice, empty when it has none. Raises RejectedByLedger."""
        rows = _rows(self._asked("get_online_invoice", invoice_id), "OnlineInvoices")
        return str(rows[0].get("OnlineInvoiceUrl") or "") if rows else ""

    def pdf(self, invoice_id: str) -> Answer:
        """The invoice as Xero prints it. Raises RejectedByLedger when there is none."""
        return self._ask("get_invoice_as_pdf", invoice_id)

    # --- changes --------------------------------------------------------------------------------------------------------------

    def add_history(self, invoice_id: str, details: str, key: str) -> None:
        """One more entry in an invoice's history; it can never be changed or taken away."""
        body = {"HistoryRecords": [{"Details": details}]}
        said = _object(self._ask("create_invoice_history", invoice_id, body, idempotency_key=key))
        self._accepted(_rows(said, "HistoryRecords"))

    def create_invoice(self, invoice: Row, key: str) -> Row:
        """A new invoice. It carries no number: with one, Xero's POST would change the invoice that has it; PUT only creates."""
        body = {"Invoices": [dict(invoice)]}
        said = _object(self._ask("create_invoices", body, summarize_errors="true", unitdp=4, idempotency_key=key))
        return self._accepted(_rows(said, "Invoices"))

    def update_invoice(self, invoice_id: str, changes: Row, key: str) -> Row:
        """Change the named fields of an invoice, others stay; lines that are left out of `LineItems` are deleted."""
        body = {"Invoices": [{"InvoiceID": invoice_id, **changes}]}
        said = _object(self._ask("update_invoice", invoice_id, body, unitdp=4, idempotency_key=key))
        return self._accepted(_rows(said, "Invoices"))

    def create_credit_note(self, note: Row, key: str) -> Row:
        """A new credit note; it carries no number."""
        body = {"CreditNotes": [dict(note)]}
        said = _object(self._ask("create_credit_notes", body, summarize_errors="true", unitdp=4, idempotency_key=key))
        return self._accepted(_rows(said, "CreditNotes"))

    def void_credit_note(self, note_id: str, key: str) -> Row:
        """Cancel a credit note of which nothing is used."""
        body = {"CreditNotes": [{"CreditNoteID": note_id, "Status": "VOIDED"}]}
        return self._accepted(_rows(_object(self._ask("update_credit_note", note_id, body, idempotency_key=key)), "CreditNotes"))

    def allocate_credit_note(self, note_id: str, allocation: Row, key: str) -> Row:
        """Use a credit note on an invoice. Xero refuses more than either of them has left."""
        body = {"Allocations": [dict(allocation)]}
        answer = self._ask("create_credit_note_allocation", note_id, body, summarize_errors="true", idempotency_key=key)
        return self._accepted(_rows(_object(answer), "Allocations"))

    def create_payment(self, payment: Row, key: str) -> Row:
        """A new payment. Xero refuses more than is owed on the invoice."""
        body = {"Payments": [dict(payment)]}
        answer = self._ask("create_payments", body, summarize_errors="true", idempotency_key=key)
        return self._accepted(_rows(_object(answer), "Payments"))

    def _accepted(self, rows: Sequence[Row]) -> Row:
        """The element that was written. An error may come with status 200, in the element itself."""
        if not rows:
            raise UnexpectedResponse("Xero does not say what it wrote.")
        row = rows[0]
        if row.get("HasErrors") or row.get("StatusAttributeString") == "ERROR" or row.get("ValidationErrors"):
            raise self._refusal(400, _messages(row) or "no reason given", "")
        return row

    # --- one call -------------------------------------------------------------------------------------------------------------

    def _asked(self, method: str, *arguments: Any, **named: Any) -> Row:
        return _object(self._ask(method, *arguments, **named))

    def _ask(self, method: str, *arguments: Any, **named: Any) -> Answer:
        # The tenant goes into the header with the token that it belongs to.
        answer: Answer = getattr(self._api, method)("", *arguments, _preload_content=False, **named)
        return answer

    def _send(self, method: str, path: str, query: Any, headers: Mapping[str, str], body: Any) -> Answer:
        held = self._tokens.authorization()
        answer = self._once(held, method, path, query, headers, body)
        if answer.status == 401 and not _says_insufficient(answer):
            answer = self._once(self._tokens.renewed(held), method, path, query, headers, body)
        if answer.status in (200, 204, 304):
            return answer
        raise self._problem(answer, path)

    def _once(self, held: Authorization, method: str, path: str, query: Any, headers: Mapping[str, str], body: Any) -> Answer:
        if self._meter is not None:
            self._meter.spend(self._quota, self._purpose)
        self.transport.keep_secret(held.access_token)
        sent = {**headers, "Authorization": f"Bearer {held.access_token.reveal()}", "xero-tenant-id": held.tenant_id}
        answer = self.transport.request(
            method,
            path,
            query={name: _text(value) for name, value in query or ()},
            content=None if body is None else json.dumps(body).encode(),
            headers=sent,
            accept=(200, 204, 304, 400, 401, 403, 404, 429),
            repeatable=method == "GET",
        )
        self._note_remaining(answer)
        return answer

    def _note_remaining(self, answer: Answer) -> None:
        left = answer.headers.get("x-daylimit-remaining", "")
        if self._meter is not None and left.isdecimal():
            self._meter.note_remaining(self._quota, int(left))

    # --- what went wrong ------------------------------------------------------------------------------------------------------

    def _problem(self, answer: Answer, path: str) -> PuntualError:
        if answer.status == 429:
            return self._too_many(answer)
        if answer.is_html:
            return self.transport.error_of(answer)
        if answer.status in (401, 403):
            return self._not_let_in(answer, path)
        kind, number, said = _complaint(answer)
        return self._refusal(answer.status, f"{kind} {said}".strip(), number)

    def _refusal(self, status: int, said: str, number: str) -> PuntualError:
        _status, _words, error, hint = next(each for each in _REFUSALS if each[0] == status and re.search(each[1], said, re.IGNORECASE))
        text = f"Xero says: {self.transport.masked(said)}"
        return RejectedByLedger(text, hint=hint, code=number or str(status)) if error is RejectedByLedger else error(text, hint=hint)

    def _too_many(self, answer: Answer) -> PuntualError:
        """By X-Rate-Limit-Problem: minute, day, appminute or concurrent. Xero asks that nothing at all is sent until then."""
        limited = self.transport.error_of(answer)
        if answer.headers.get("x-rate-limit-problem", "").lower() != "day":
            return limited
        if self._meter is not None:
            self._meter.note_remaining(self._quota, 0)
        after = getattr(limited, "retry_after", None)
        return QuotaUsedUp("The calls that Xero allows for this organisation in 24 hours are used up.", retry_after=after)

    def _not_let_in(self, answer: Answer, path: str) -> PuntualError:
        if _says_insufficient(answer) or (answer.status == 401 and _NOT_ALLOWED in _complaint(answer)[2]):
            scope = _SCOPE_OF_PATH.get(path.removeprefix(API_PATH).strip("/").split("/")[0], "accounting.settings.read")
            return PermissionMissing(f"Puntual was not given the scope {scope} in Xero.", hint=_CONNECT_AGAIN)
        if answer.status == 401:
            return AuthorizationExpired("Xero no longer accepts the connection.", hint=_CONNECT_AGAIN)
        return PermissionMissing(
            "Xero does not let Puntual do this: the organisation was disconnected, or the user who connected it lacks a right.",
            hint=f"See Settings, Connected apps in Xero. {_CONNECT_AGAIN}",
        )


def _verb(send: Any, method: str) -> Any:
    """One method of what stands in for xero-python's HTTP client."""

    def ask(url: str, query_params: Any = None, headers: Any = None, body: Any = None, **_others: Any) -> Answer:
        answer: Answer = send(method, url, query_params, headers or {}, body)
        return answer

    return ask


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(answer: Answer) -> Row:
    said = answer.json()
    if not isinstance(said, dict):
        raise UnexpectedResponse("Xero answered with something else than an object.")
    return said


def _rows(said: Row, key: str) -> Sequence[Row]:
    rows = said.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedResponse(f"Xero answered a question about {key} with something else than its rows.")
    return rows


def _first(said: Row, key: str) -> Row:
    rows = _rows(said, key)
    if not rows:
        raise RejectedByLedger(f"Xero has none of these {key}.", code="404")
    return rows[0]


def _date_of(answer: Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None


def _says_insufficient(answer: Answer) -> bool:
    return _LACKS_SCOPE.search(answer.headers.get("www-authenticate", "")) is not None


def _complaint(answer: Answer) -> tuple[str, str, str]:
    """Type, number and words of a refusal, whichever of its forms Xero chose."""
    try:
        said = answer.json()
    except LedgerUnavailable:
        return "", "", answer.body[:400].decode("utf-8", "replace")
    if not isinstance(said, dict):
        return "", "", str(said)
    words = _messages(said) or str(said.get("Detail") or said.get("Message") or said.get("Title") or "")
    return str(said.get("Type") or ""), str(said.get("ErrorNumber") or ""), words


def _messages(said: Row) -> str:
    """All validation messages of a refusal, of its elements and of their lines."""
    elements = [said, *(said.get("Elements") or ())]
    elements += [line for element in elements for line in element.get("LineItems") or ()]
    found = [str(error.get("Message") or "") for element in elements for error in element.get("ValidationErrors") or ()]
    return " ".join(dict.fromkeys(text for text in found if text))
