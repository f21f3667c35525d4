"""Rows → core.receivables. Pure: the day on which the books are read is given, and nothing here opens a file.

What is not certain is not guessed: a row that says two things, or nothing where something is needed, raises CellProblem.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ...core.money import Money
from ...core.receivables import Allocation, Contact, ContactRole, CreditKind, Customer, DocumentStatus, EarlyDiscount
from .cells import CellProblem
from .settings import FilesSettings
from .table import Row
from .words import DOCUMENT_KINDS, ROLES, SOURCE_KINDS, STATUSES, YES_NO, country_code, language_tag, plain

_SEVERAL = re.compile(r"[,;|]")
_WHOLE_NUMBER = re.compile(r"\d{1,3}")
_LONGEST_ID = 120
_WHOLE = Decimal(100)
_INVOICE_AMOUNTS = ("total", "outstanding", "paid", "settled_amount")
_NO_REASON = frozenset({"", "-", "–", "—"})


# --- people -------------------------------------------------------------------------------------------------------------------


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SEVERAL.split(text) if part.strip())


def _reason(row: Row, field: str, otherwise: str) -> str:
    """The reason in a yes/no column: empty for no, the cell's own words when they are more than yes."""
    said = row.text(field)
    if said in _NO_REASON:
        return ""
    meaning = YES_NO.get(plain(said), said)
    return {"no": "", "yes": otherwise}.get(meaning, said)


def customer_of(row: Row) -> Customer:
    """A row of the customers."""
    name = row.text("name") or row.text("id")
    if not name:
        raise CellProblem("has neither an id nor a name; fill one in")
    _check_length(row.text("id") or plain(name))
    return Customer(
        id=row.text("id") or plain(name),
        name=name,
        email=row.text("email"),
        phone=row.text("phone"),
        language=language_tag(row.text("language")),
        country=country_code(row.text("country")),
        groups=_several(row.text("groups")),
        parent_id=row.text("parent"),
        procedure=row.text("procedure"),
        do_not_chase=_reason(row, "do_not_chase", "marked as not to be reminded in the books"),
        is_business=YES_NO.get(plain(row.text("business")), "yes") == "yes",
    )


def customer_in_invoice(row: Row) -> Customer:
    """The customer as an invoice's row describes it, for exports without a file of customers."""
    key = customer_key(row)
    name = row.text("customer_name") or row.text("customer")
    return Customer(
        id=key,
        name=name,
        email=row.text("email"),
        phone=row.text("phone"),
        language=language_tag(row.text("language")),
        country=country_code(row.text("country")),
        groups=_several(row.text("groups")),
        parent_id=row.text("parent"),
    )


def contact_of(row: Row, ordinal: int) -> tuple[str, Contact]:
    """A row of the contacts, and the reference to its customer."""
    customer, role = row.text("customer"), row.text("role")
    if not customer:
        raise CellProblem("names no customer; fill it in")
    meaning = ROLES.get(plain(role), "general" if not role else "")
    if not meaning:
        raise CellProblem(f"the role “{role}” is not known; say what it means in `values`: {', '.join(kind.value for kind in ContactRole)}")
    email = row.text("email")
    return customer, Contact(
        id=row.text("id") or f"{plain(customer)}#{email or ordinal}",
        name=row.text("name"),
        email=email,
        phone=row.text("phone"),
        role=ContactRole(meaning),
        language=language_tag(row.text("language")),
    )


# --- invoices -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GrantedDiscount:
    """What a row grants for paying early: by when, and the amount or the percentage of the total."""

    last_on: date
    amount: Money | None
    percent: Decimal

    def of(self, total: Money) -> EarlyDiscount | None:
        """What may be deducted; None when that is nothing. Raises CellProblem when it is more than the whole."""
        amount = self.amount if self.amount is not None else Money.of(total.amount * self.percent / _WHOLE, total.currency)
        if amount > total or amount.amount < 0:
            raise CellProblem(f"grants {amount} of {total} for paying early; correct it")
        return EarlyDiscount(self.last_on, amount) if amount.is_positive else None


@dataclass(slots=True)
class InvoiceFacts:
    """What one row says of an invoice, as it says it: amounts with their sign, None for what it leaves open.
    `tells_outstanding` and `tells_settlement`: the file has such columns at all, so that a blank cell there means something."""

    where: str
    id: str
    number: str
    customer: str
    issued_on: date
    due_date: date
    total: Money
    outstanding: Money | None
    paid: Money | None
    settled: Money | None
    settled_on: date | None
    status: DocumentStatus | None
    is_credit: bool
    disputed: str
    disputed_until: date | None
    do_not_chase: str
    contact: str
    reference: str
    page_url: str
    ordinal: int | None
    tells_outstanding: bool
    tells_settlement: bool
    discount: GrantedDiscount | None = None


def invoice_facts(row: Row, settings: FilesSettings) -> InvoiceFacts:
    """A row of the invoices. Raises CellProblem."""
    number = row.text("number") or row.text("id")
    if not number:
        raise CellProblem("has no number; fill it in")
    _check_length(number, row.text("id"))
    issued_on, due_date = _dates(row, settings)
    currency = row.currency(settings.currency, _INVOICE_AMOUNTS)
    total, outstanding = row.money("total", currency), row.money("outstanding", currency)
    if total is None and outstanding is None:
        raise CellProblem("has no amount; fill in the total")
    disputed = _reason(row, "disputed", "marked as disputed in the books")
    return InvoiceFacts(
        row.where,
        row.text("id") or number,
        number,
        customer_key(row),
        issued_on,
        due_date,
        total or outstanding or Money.zero(currency),
        outstanding,
        _paid(row, currency),
        row.money("settled_amount", currency),
        row.day("settled_on"),
        _status(row),
        _is_credit_note(row),
        disputed,
        row.day("disputed_until") if disputed else None,
        _reason(row, "do_not_chase", "marked as not to be reminded in the books"),
        row.text("contact"),
        row.text("reference"),
        _page_url(row),
        _ordinal(row),
        row.has("outstanding"),
        row.has("settled_on"),
        _discount(row, currency, issued_on),
    )


def customer_key(row: Row) -> str:
    """The reference to the customer in an invoice's row: the id as it stands, else the plain name."""
    key = row.text("customer") or plain(row.text("customer_name"))
    if not key:
        raise CellProblem("names no customer; fill it in")
    _check_length(key)
    return key


def _check_length(*ids: str) -> None:
    """Ids and numbers are keys in the history."""
    if any(len(one) > _LONGEST_ID for one in ids):
        raise CellProblem(f"has an id or number of more than {_LONGEST_ID} characters; correct it")


def _dates(row: Row, settings: FilesSettings) -> tuple[date, date]:
    """The days of issue and of being due; either stands in for the other, the terms of payment between them."""
    issued_on, due_date = row.day("issued_on"), row.day("due_date")
    if due_date is None:
        days = _WHOLE_NUMBER.search(row.text("terms_days"))
        if issued_on is None or (days is None and settings.terms_days is None):
            raise CellProblem("has no due date; fill it in, or say ledger.terms_days in the policy")
        due_date = issued_on + timedelta(days=int(days.group()) if days else settings.terms_days or 0)
    return issued_on or due_date, due_date


def _paid(row: Row, currency: str) -> Money | None:
    """What the row says was paid; a blank cell in such a column is nothing."""
    return (row.money("paid", currency) or Money.zero(currency)) if row.has("paid") else None


def _status(row: Row) -> DocumentStatus | None:
    said = row.text("status")
    if not said:
        return None
    meaning = STATUSES.get(plain(said))
    if meaning is None:
        raise CellProblem(f"the status “{said[:60]}” is not known; say in `values` whether it means open, paid, void or draft")
    return DocumentStatus(meaning)


def _discount(row: Row, currency: str, issued_on: date) -> GrantedDiscount | None:
    """What the row grants for paying early; nothing without both a last day and an amount or percentage."""
    said, days = row.text("discount_amount"), _WHOLE_NUMBER.search(row.text("discount_days"))
    last_on = row.day("discount_until") or (issued_on + timedelta(days=int(days.group())) if days else None)
    if last_on is None:
        return None
    if said.endswith("%"):
        return GrantedDiscount(last_on, None, row.percent("discount_amount") or Decimal(0))
    amount, percent = row.money("discount_amount", currency), row.percent("discount_percent")
    return GrantedDiscount(last_on, amount if amount and amount.amount else None, percent or Decimal(0))


def _is_credit_note(row: Row) -> bool:
    said = row.text("kind")
    meaning = DOCUMENT_KINDS.get(plain(said)) if said else "invoice"
    if meaning is None:
        raise CellProblem(f"the kind “{said[:60]}” is not known; say in `values` whether it means invoice or credit_note")
    return meaning == "credit_note"


def _page_url(row: Row) -> str:
    url = row.text("page_url")
    if url and not url.startswith(("https://", "http://")):
        raise CellProblem(f"the payment page “{url[:60]}” is no web address; correct it")
    return url


def _ordinal(row: Row) -> int | None:
    said = row.text("instalment")
    found = _WHOLE_NUMBER.search(said) if said else None
    if said and (found is None or not int(found.group())):
        raise CellProblem(f"“{said[:60]}” is no number of an instalment")
    return int(found.group()) if found else None


# --- money that came in -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Source:
    """A payment or credit note as its row says, and what is used of it. `rest_said` is the file's own figure of what is left;
    `names_invoice` is the text with which the row says for which invoice it is; `is_own` is what we recorded ourselves."""

    kind: CreditKind
    id: str
    number: str
    customer: str
    total: Money
    dated_on: date
    reference: str = ""
    names_invoice: str = ""
    rest_said: Money | None = None
    status: DocumentStatus = DocumentStatus.OPEN
    where: str = ""
    used: Decimal = Decimal(0)
    met_invoice: bool = False
    is_own: bool = False

    @property
    def rest(self) -> Decimal:
        """What is still to be used."""
        return max(self.total.amount - self.used, Decimal(0))


def payment_of(row: Row, default_currency: str | None) -> Source:
    """A row of the payments."""
    currency = row.currency(default_currency, ("amount",))
    amount, paid_on = row.money("amount", currency), row.day("paid_on")
    if amount is None or paid_on is None:
        raise CellProblem("has no amount or no date; fill it in")
    if amount.amount < 0:
        raise CellProblem(f"{amount} is a payment back to the customer; leave it out, or take it off the credit it pays out")
    _check_length(row.text("id"), row.text("customer"))
    return Source(
        CreditKind.PAYMENT,
        row.text("id"),
        row.text("id"),
        row.text("customer"),
        amount,
        paid_on,
        row.text("reference"),
        row.text("invoice"),
        row.money("unapplied", currency),
        _status(row) or DocumentStatus.OPEN,
        row.where,
    )


def credit_note_of(row: Row, default_currency: str | None) -> Source:
    """A row of the credit notes; amounts with or without a minus."""
    currency = row.currency(default_currency, ("total", "remaining"))
    total, remaining, issued_on = row.money("total", currency), row.money("remaining", currency), row.day("issued_on")
    number = row.text("number") or row.text("id")
    if total is None or issued_on is None or not number:
        raise CellProblem("has no number, no total or no date; fill it in")
    _check_length(number, row.text("id"), row.text("customer"))
    return Source(
        CreditKind.CREDIT_NOTE,
        row.text("id") or number,
        number,
        row.text("customer"),
        Money(abs(total.amount), currency),
        issued_on,
        row.text("reference"),
        names_invoice=row.text("invoice"),
        rest_said=Money(abs(remaining.amount), currency) if remaining is not None else None,
        status=_status(row) or DocumentStatus.OPEN,
        where=row.where,
    )


def allocation_of(row: Row, default_currency: str | None) -> tuple[Allocation, str]:
    """A row of the allocations, with the references to invoice and source as the file has them, and the kind of the source if told."""
    currency = row.currency(default_currency, ("amount",))
    amount = row.money("amount", currency)
    invoice, source, kind = row.text("invoice"), row.text("source"), row.text("kind")
    if amount is None or not invoice or not source:
        raise CellProblem("names no invoice, no payment or no amount; fill it in")
    meaning = SOURCE_KINDS.get(plain(kind), "")
    if kind and not meaning:
        raise CellProblem(f"the kind “{kind[:60]}” is not known; say in `values` whether it means payment or credit_note")
    found = CreditKind(meaning) if meaning else CreditKind.PAYMENT
    key = row.text("id") or f"{source}>{invoice}"
    return Allocation(key, invoice, source, found, Money(abs(amount.amount), currency), row.day("allocated_on") or date.min), meaning
