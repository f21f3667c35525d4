"""Lists: which rows a question means, in which order, on which page, and how much of each is shown."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from .books import Row, XeroBooks
from .documents import Contact, Credit, Invoice
from .faults import query_error
from .shapes import CREDIT_ID, Json, View, contact_shape, credit_shape, invoice_shape, payment_shape
from .where import Field, compiled

_PAGE_SIZE = 100
_PAGE_SIZE_AT_MOST = 1000
_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_STATUSES = frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"})
_ORDER = re.compile(r"\s*([A-Za-z]+)(?:\s+(ASC|DESC))?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """An endpoint of lists. `lists` are the comma lists it takes, `fields` those of its `where` and `order`."""

    name: str
    key: str
    rows: Callable[[XeroBooks], Iterable[Any]]
    shape: Callable[[XeroBooks, Any, View], Json]
    scope: str
    fields: Mapping[str, Field]
    lists: Mapping[str, str] = field(default_factory=dict)


class Question:
    """The query of a request; names in any case, as Xero takes them. Raises XeroFault for what cannot be understood."""

    def __init__(self, arguments: Mapping[str, str], modified_since: str | None) -> None:
        self._said = {name.lower(): value for name, value in arguments.items()}
        self.page = self._number("page", None, 10**6)
        self.page_size = self._number("pagesize", _PAGE_SIZE, _PAGE_SIZE_AT_MOST) or _PAGE_SIZE
        self.places = self._number("unitdp", 2, 4) or 2
        self.since = _instant(modified_since) if modified_since else None
        self.archived = self.says("includearchived")
        self.summary = self.says("summaryonly")
        self.where = self._said.get("where", "")
        self.order = self._said.get("order", "")

    def says(self, name: str) -> bool:
        """Whether a switch is on."""
        return self._said.get(name, "").lower() == "true"

    def listed(self, name: str) -> frozenset[str]:
        """The members of a comma list, empty when it was not given."""
        return frozenset(part.strip() for part in self._said.get(name, "").split(",") if part.strip())

    def _number(self, name: str, otherwise: int | None, at_most: int) -> int | None:
        text = self._said.get(name)
        if text is None:
            return otherwise
        if not text.isdecimal() or not 1 <= int(text) <= at_most:
            raise query_error(f"{name} must be a number from 1 to {at_most}")
        return int(text)


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise query_error("If-Modified-Since must be a UTC timestamp: yyyy-mm-ddThh:mm:ss") from None


def listed(books: XeroBooks, kind: Kind, question: Question) -> Json:
    """The answer to a question about many."""
    rows = _ordered(kind, _found(books, kind, question), question.order)
    statuses = bool(question.listed("statuses")) and kind.name == "Invoices"
    paged = question.page is not None or statuses or question.summary
    if not paged:
        return {kind.name: [kind.shape(books, row, View()) for row in rows]}
    page, size = question.page or 1, question.page_size
    view = View(lines=True, summary=question.summary, places=question.places)
    count = {"page": page, "pageSize": size, "pageCount": -(-len(rows) // size), "itemCount": len(rows)}
    return {"pagination": count, kind.name: [kind.shape(books, row, view) for row in rows[(page - 1) * size : page * size]]}


def _found(books: XeroBooks, kind: Kind, question: Question) -> list[Any]:
    tests: list[Callable[[Any], bool]] = []
    if question.where:
        tests.append(compiled(question.where, kind.fields))
    for argument, name in kind.lists.items():
        if wanted := question.listed(argument):
            tests.append(_member(kind.fields[name], frozenset(map(str.lower, wanted)), argument))
    if question.since:
        tests.append(_changed(question.since, books.behaviour.since_is_inclusive))
    if kind.name == "Contacts" and not question.archived:
        tests.append(lambda row: row.status == "ACTIVE")
    if not books.behaviour.lists_deleted:
        tests.append(lambda row: getattr(row, "status", "") != "DELETED")
    return [row for row in kind.rows(books) if all(test(row) for test in tests)]


def _member(which: Field, wanted: frozenset[str], argument: str) -> Callable[[Any], bool]:
    if which.kind == "guid" and not all(_GUID.fullmatch(each) for each in wanted):
        raise query_error(f"{argument} must be a comma separated list of GUIDs")
    if argument == "statuses" and not {each.upper() for each in wanted} <= _STATUSES:
        raise query_error("Statuses holds a status that does not exist")
    return lambda row: str(which.get(row)).lower() in wanted


def _changed(since: datetime, inclusive: bool) -> Callable[[Any], bool]:
    return lambda row: row.updated_at > since or (inclusive and row.updated_at == since)


def _ordered(kind: Kind, rows: list[Any], order: str) -> list[Any]:
    """By default the oldest change first, so that a row that changes between two pages moves to the end."""
    rows = sorted(rows, key=lambda row: (row.updated_at, row.id))
    for part in reversed(order.split(",")) if order else ():
        match = _ORDER.fullmatch(part)
        which = kind.fields.get(match[1].lower()) if match else None
        if match is None or which is None:
            raise query_error(f"Cannot order by '{part.strip()}'")
        rows.sort(key=lambda row: (which.get(row) is not None, which.get(row)), reverse=(match[2] or "").upper() == "DESC")
    return rows


# --- the endpoints ------------------------------------------------------------------------------------------------------------


def _attribute(kind: str, name: str, *, alternatives: bool = False) -> Field:
    def get(row: Any) -> Any:
        return getattr(row, name)

    return Field(kind, get, alternatives)


_OF_DOCUMENTS = {
    "status": _attribute("string", "status"),
    "type": _attribute("string", "type"),
    "reference": _attribute("string", "reference"),
    "contact.contactid": _attribute("guid", "contact_id"),
    "date": _attribute("date", "date"),
    "updateddateutc": _attribute("instant", "updated_at"),
}


def _kind_of_credit(name: str, scope: str) -> Kind:
    own = {CREDIT_ID[name].lower(): _attribute("guid", "id", alternatives=True), "creditnotenumber": _attribute("string", "number")}

    def rows(books: XeroBooks) -> Iterable[Credit]:
        return [credit for credit in books.credits.values() if credit.kind == name]

    return Kind(name, CREDIT_ID[name], rows, credit_shape, scope, {**_OF_DOCUMENTS, **own})


def _invoice_fields(books: XeroBooks) -> dict[str, Field]:
    def contact_name(row: Invoice) -> str:
        return books.contacts[row.contact_id].name

    return {
        **_OF_DOCUMENTS,
        "invoiceid": _attribute("guid", "id", alternatives=True),
        "invoicenumber": _attribute("string", "number"),
        "duedate": _attribute("date", "due_date"),
        "amountdue": Field("number", books.due_on),
        "contact.name": Field("string", contact_name),
    }


def _payment_date(row: Any) -> date:
    found: date = row.on
    return found


_CONTACT_FIELDS = {
    "contactid": _attribute("guid", "id"),
    "name": _attribute("string", "name"),
    "emailaddress": _attribute("string", "email"),
    "contactstatus": _attribute("string", "status"),
    "accountnumber": _attribute("string", "account_number"),
    "updateddateutc": _attribute("instant", "updated_at"),
}
_PAYMENT_FIELDS = {
    "paymentid": _attribute("guid", "id"),
    "status": _attribute("string", "status"),
    "date": Field("date", _payment_date),
    "invoice.invoiceid": _attribute("guid", "invoice_id"),
    "reference": _attribute("string", "reference"),
    "updateddateutc": _attribute("instant", "updated_at"),
}
_INVOICE_LISTS = {"ids": "invoiceid", "invoicenumbers": "invoicenumber", "contactids": "contact.contactid", "statuses": "status"}


def _contacts(books: XeroBooks) -> Iterable[Contact]:
    return books.contacts.values()


def _payments(books: XeroBooks) -> Iterable[Row]:
    return books.payments.values()


def _invoices(books: XeroBooks) -> Iterable[Invoice]:
    return books.invoices.values()


def kinds(books: XeroBooks) -> dict[str, Kind]:
    """The endpoints of lists by their name."""
    found = (
        Kind("Invoices", "InvoiceID", _invoices, invoice_shape, "invoices", _invoice_fields(books), _INVOICE_LISTS),
        Kind("Contacts", "ContactID", _contacts, contact_shape, "contacts", _CONTACT_FIELDS, {"ids": "contactid"}),
        Kind("Payments", "PaymentID", _payments, payment_shape, "payments", _PAYMENT_FIELDS),
        _kind_of_credit("CreditNotes", "invoices"),
        _kind_of_credit("Overpayments", "payments"),
        _kind_of_credit("Prepayments", "payments"),
    )
    return {kind.name: kind for kind in found}
