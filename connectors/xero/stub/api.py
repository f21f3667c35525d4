"""The Accounting API on the books of one organisation: what each path answers, and what it refuses."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from werkzeug.wrappers import Request

from .books import XeroBooks
from .crediting import cancel, credit_note, used
from .documents import Invoice
from .editing import created, updated
from .faults import Invalid, XeroFault, not_found, post_error, validation_error
from .paying import paid
from .reading import Kind, Question, kinds, listed
from .shapes import (
    Json,
    View,
    account_shape,
    allocation_shape,
    credit_shape,
    dumped,
    instant,
    invoice_shape,
    organisation_shape,
    payment_shape,
    record_shape,
    tax_rate_shape,
    with_errors,
)

PDF = b"%PDF-1.7\n%stand-in\n%%EOF\n"
_NOTE_CHARACTERS = 2500
_BYTES_AT_MOST = 3_500_000
_SETTINGS = frozenset({"Organisation", "Accounts", "TaxRates", "BrandingThemes", "InvoiceReminders"})
_WITH_HISTORY = frozenset({"Invoices", "Contacts", "Payments", "CreditNotes", "Overpayments", "Prepayments"})


@dataclass(frozen=True)
class Found:
    """What is answered: JSON of the envelope, or `content` of another type. `wrote`: the books were changed."""

    body: Json | None = None
    content: bytes = b""
    mimetype: str = "application/json"
    wrote: bool = False


class Api:
    """The paths below /api.xro/2.0 for one organisation."""

    def __init__(self, books: XeroBooks) -> None:
        self.books = books
        self._kinds = kinds(books)

    def scope_of(self, method: str, parts: Sequence[str]) -> tuple[str, ...]:
        """The scopes any of which is enough for a request. Raises XeroFault for a path that does not exist."""
        if parts and parts[0] in _SETTINGS:
            name = "settings"
        elif parts and parts[0] in self._kinds:
            name = self._kinds[parts[0]].scope
        else:
            raise not_found()
        writing = f"accounting.{name}"
        return (writing, f"{writing}.read") if method == "GET" else (writing,)

    def answer(self, request: Request, parts: Sequence[str]) -> Found:
        """What Xero answers. Raises XeroFault."""
        with self.books.lock:
            if parts[0] in _SETTINGS:
                return self._settings(request.method, tuple(parts))
            kind, rest = self._kinds[parts[0]], tuple(parts[1:])
            question = Question(request.args, request.headers.get("If-Modified-Since"))
            if request.method == "GET":
                return self._read(kind, rest, question, request.accept_mimetypes.best == "application/pdf")
            if request.method in ("PUT", "POST"):
                return self._write(kind, rest, question, request)
            raise not_found()

    # --- reading --------------------------------------------------------------------------------------------------------------

    def _read(self, kind: Kind, rest: tuple[str, ...], question: Question, pdf: bool) -> Found:
        if not rest:
            return Found(self._enveloped(listed(self.books, kind, question)))
        row = self._row(kind, rest[0])
        if rest[1:] == ("History",) and kind.name in _WITH_HISTORY:
            entries = [record_shape(each) for each in reversed(self.books.history[row.id])]
            return Found(self._enveloped({"HistoryRecords": entries}))
        if rest[1:] == ("OnlineInvoice",) and isinstance(row, Invoice):
            return Found(self._enveloped({"OnlineInvoices": [{"OnlineInvoiceUrl": self._online_page(row)}]}))
        if rest[1:]:
            raise not_found()
        if pdf:
            if not isinstance(row, Invoice) or row.type != "ACCREC" or row.status == "DELETED":
                raise not_found()
            return Found(content=PDF, mimetype="application/pdf")
        return Found(self._enveloped({kind.name: [kind.shape(self.books, row, View(whole=True, places=question.places))]}))

    def _row(self, kind: Kind, key: str) -> Any:
        """A row by its id, an invoice also by its number. Raises XeroFault."""
        for row in kind.rows(self.books):
            if row.id == key.lower() or (kind.name == "Invoices" and row.number == key):
                return row
        raise not_found()

    def _online_page(self, invoice: Invoice) -> str:
        if invoice.type != "ACCREC" or invoice.status in ("DRAFT", "SUBMITTED", "DELETED"):
            raise validation_error(
                [with_errors({"InvoiceID": invoice.id}, ["Online invoices are available for approved sales invoices only"])]
            )
        return f"https://in.xero.com/{uuid5(NAMESPACE_URL, invoice.id).hex[:24]}"

    def _settings(self, method: str, parts: tuple[str, ...]) -> Found:
        books = self.books
        shapes: dict[tuple[str, ...], Callable[[], Json]] = {
            ("Organisation",): lambda: {"Organisations": [organisation_shape(books)]},
            ("Organisation", "Actions"): lambda: {"Actions": [{"Name": name, "Status": said} for name, said in books.actions.items()]},
            ("Accounts",): lambda: {"Accounts": [account_shape(each) for each in books.accounts]},
            ("TaxRates",): lambda: {"TaxRates": [tax_rate_shape(name, rate) for name, rate in books.rates.items()]},
            ("BrandingThemes",): lambda: {
                "BrandingThemes": [{"BrandingThemeID": books.branding_theme, "Name": "Standard", "SortOrder": 0}]
            },
            ("InvoiceReminders", "Settings"): lambda: {"InvoiceReminders": [{"Enabled": books.reminders_enabled}]},
        }
        if method != "GET" or parts not in shapes:
            raise not_found()
        return Found(self._enveloped(shapes[parts]()))

    def _enveloped(self, body: Json) -> Json:
        now = self.books.stamp()
        return {
            "Id": str(uuid4()),
            "Status": "OK",
            "ProviderName": "Puntual",
            "DateTimeUTC": instant(now).replace("+0000", ""),
            **body,
        }

    # --- writing --------------------------------------------------------------------------------------------------------------

    def _write(self, kind: Kind, rest: tuple[str, ...], question: Question, request: Request) -> Found:
        body = _body_of(request)
        if len(rest) == 2 and rest[1] == "History" and kind.name in _WITH_HISTORY:
            return self._add_notes(self._row(kind, rest[0]), body)
        if kind.name == "CreditNotes":
            return self._write_credit(rest, body, question.places, request.method)
        if kind.name == "Payments" and not rest and request.method == "PUT":
            return self._write_one("Payments", body, self._paid)
        if kind.name != "Invoices" or len(rest) > 1 or (rest and request.method == "PUT"):
            raise not_found()
        elements = body.get("Invoices", [body]) if isinstance(body, dict) else body
        if not isinstance(elements, list) or not elements or not all(isinstance(each, dict) for each in elements):
            raise post_error("The Invoices array was not found in the posted data")
        if rest:
            elements = [{**elements[0], "InvoiceID": self._row(kind, rest[0]).id}]
        summarize = question.says("summarizeerrors") if "summarizeErrors" in request.args else self.books.behaviour.summarizes
        return self._write_invoices(elements, question.places, summarize, update=request.method == "POST")

    def _write_invoices(self, elements: Sequence[Json], places: int, summarize: bool, *, update: bool) -> Found:
        """All elements, or none when one is refused and errors are summed up; else the good ones, and HTTP status 200 all the same."""
        made = [self._tried(element, places, update=update) for element in elements]
        refused = [each for each in made if isinstance(each, dict)]
        if refused and summarize:
            raise validation_error(refused)
        shapes: list[Json] = []
        for each in made:
            if isinstance(each, dict):
                shapes.append(each)
            else:
                kept = self.books.keep_invoice(each, "Edited" if each.id in self.books.invoices else "Created", "Puntual")
                said: Json = {} if summarize else {"StatusAttributeString": "OK"}
                shapes.append({**invoice_shape(self.books, kept, View(whole=True, places=places)), **said})
        return Found(self._enveloped({"Invoices": shapes}), wrote=len(refused) < len(made))

    def _write_credit(self, rest: tuple[str, ...], body: Any, places: int, method: str) -> Found:
        """Make a credit note, cancel it, or use it on an invoice: one at a time, and nothing else."""
        name = "Allocations" if rest[1:] == ("Allocations",) else "CreditNotes"
        return self._write_one(name, body, lambda element: self._credited(rest, element, places, method))

    def _paid(self, element: Json) -> Json:
        return payment_shape(self.books, paid(self.books, element), View(whole=True))

    def _write_one(self, name: str, body: Any, write: Callable[[Json], Json]) -> Found:
        elements = body.get(name) if isinstance(body, dict) else None
        if not isinstance(elements, list) or len(elements) != 1 or not isinstance(elements[0], dict):
            raise post_error(f"The {name} array was not found in the posted data")
        try:
            return Found(self._enveloped({name: [write(elements[0])]}), wrote=True)
        except Invalid as invalid:
            raise validation_error([with_errors(elements[0], [str(invalid)])]) from None

    def _credited(self, rest: tuple[str, ...], element: Json, places: int, method: str) -> Json:
        credit = self._row(self._kinds["CreditNotes"], rest[0]) if rest else None
        if credit and rest[1:] == ("Allocations",) and method == "PUT":
            return allocation_shape(self.books, used(self.books, credit, element))
        if credit is None and method == "PUT":
            credit = self.books.keep_credit(credit_note(self.books, element, places), "Created", "Puntual")
        elif credit and len(rest) == 1 and method == "POST":
            cancel(self.books, credit, element)
        else:
            raise not_found()
        return credit_shape(self.books, credit, View(whole=True, places=places))

    def _tried(self, element: Json, places: int, *, update: bool) -> Invoice | Json:
        try:
            old = self._named(element)
            if old and update:
                return updated(self.books, old, element, places)
            if element.get("InvoiceID"):
                raise Invalid("The InvoiceID could not be found" if update else "An existing invoice cannot be created again")
            return created(self.books, element, places)
        except Invalid as invalid:
            return with_errors(element, [str(invalid)])

    def _named(self, element: Mapping[str, Any]) -> Invoice | None:
        """The invoice that an element of a POST means: by its id, or else by the number of a sales invoice."""
        if key := element.get("InvoiceID"):
            return self.books.invoices.get(str(key).lower())
        number = element.get("InvoiceNumber")
        sales = (each for each in self.books.invoices.values() if each.type == "ACCREC" and each.status != "DELETED")
        return next((each for each in sales if number and each.number == number), None)

    def _add_notes(self, row: Any, body: Any) -> Found:
        records = body.get("HistoryRecords") if isinstance(body, dict) else None
        if getattr(row, "status", "") == "DELETED":
            raise not_found()
        if not isinstance(records, list) or not records:
            raise post_error("The HistoryRecords array was not found in the posted data")
        for record in records:
            text = record.get("Details")
            if not isinstance(text, str) or not text.strip():
                raise validation_error([with_errors(record, ["Details is required"])])
            if len(text) > _NOTE_CHARACTERS:
                raise validation_error([with_errors(record, [f"The Details must not be longer than {_NOTE_CHARACTERS} characters"])])
        made = [self.books.note(row.id, record["Details"]) for record in records]
        if self.books.behaviour.note_touches:
            row.updated_at = self.books.stamp()
        shapes = [{**record_shape(each), "ValidationErrors": []} for each in made]
        return Found(self._enveloped({"HistoryRecords": shapes}), wrote=True)


def _body_of(request: Request) -> Any:
    """The JSON of a request; numbers as Decimal. Raises XeroFault."""
    content = request.get_data()
    if len(content) > _BYTES_AT_MOST:
        raise XeroFault(413, "Request Entity Too Large")
    if request.mimetype != "application/json":
        raise post_error("The posted data is no XML document")
    try:
        return json.loads(content, parse_float=Decimal)
    except ValueError:
        raise post_error("JSON for post data was invalid") from None


def rendered(found: Found) -> bytes:
    """The bytes of an answer."""
    return found.content if found.body is None else dumped(found.body).encode()
