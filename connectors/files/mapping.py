"""Rows → core.receivables. Pure: the day on which the books are read is given, and nothing here opens a file.

What is not certain is not guessed: a row that says two things, or nothing where something is needed, raises CellProblem.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from ...core.money import Money
from ...core.receivables import (
    Allocation,
    Contact,
    ContactRole,
    CreditKind,
    Customer,
    DocumentStatus,
    Instalment,
    Invoice,
    Payment,
)
from .cells import CellProblem
from .settings import FilesSettings
from .table import Row
from .words import DOCUMENT_KINDS, ROLES, SOURCE_KINDS, STATUSES, YES_NO, country_code, language_tag, plain

_SEVERAL = re.compile(r"[,;|]")
_WHOLE_NUMBER = re.compile(r"\d{1,3}")
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
    name = row.text("customer_name") or row.text("customer")
    key = row.text("customer") or plain(name)
    if not key:
        raise CellProblem("names no customer; fill it in")
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
class InvoiceRow:
    """What one row says of an invoice, amounts without sign. `outstanding` is None when other files have to say it;
    `changes_on` is the next day on which the same row says something else (it is issued, settled, or its dispute ends)."""

    line: int
    id: str
    number: str
    customer: Customer
    issued_on: date
    due_date: date
    total: Money
    outstanding: Money | None
    status: DocumentStatus
    is_credit: bool
    settled_on: date | None
    disputed: str
    do_not_chase: str
    contact: str
    reference: str
    page_url: str
    ordinal: int | None
    changes_on: date | None


def invoice_row(row: Row, settings: FilesSettings, day: date) -> InvoiceRow:
    """Understand a row of the invoices as it is on this day. Raises CellProblem."""
    number = row.text("number") or row.text("id")
    if not number:
        raise CellProblem("has no number; fill it in")
    issued_on, due_date = _dates(row, settings)
    amounts = _amounts(row, settings.currency)
    settled_on = row.day("settled_on")
    state = _state(row, amounts, settled_on, day, settings.files.invoices.short_settlement)
    disputed, dispute_ends = _dispute(row, day)
    is_draft = issued_on > day and state.status is not DocumentStatus.VOID
    return InvoiceRow(
        line=row.line,
        id=row.text("id") or number,
        number=number,
        customer=customer_in_invoice(row),
        issued_on=issued_on,
        due_date=due_date,
        total=amounts.total,
        outstanding=state.outstanding,
        status=DocumentStatus.DRAFT if is_draft else state.status,
        is_credit=amounts.is_credit,
        settled_on=settled_on if settled_on and settled_on <= day else None,
        disputed=disputed,
        do_not_chase=_reason(row, "do_not_chase", "marked as not to be reminded in the books"),
        contact=row.text("contact"),
        reference=row.text("reference"),
        page_url=_page_url(row),
        ordinal=_ordinal(row),
        changes_on=min((on for on in (issued_on, settled_on, dispute_ends) if on and on > day), default=None),
    )


def _dates(row: Row, settings: FilesSettings) -> tuple[date, date]:
    """The days of issue and of being due; either stands in for the other, the terms of payment between them."""
    issued_on, due_date = row.day("issued_on"), row.day("due_date")
    if due_date is None:
        terms = row.text("terms_days")
        days = _WHOLE_NUMBER.search(terms)
        if issued_on is None or (days is None and settings.terms_days is None):
            raise CellProblem("has no due date; fill it in, or say ledger.terms_days in the policy")
        due_date = issued_on + timedelta(days=int(days.group()) if days else settings.terms_days or 0)
    return issued_on or due_date, due_date


@dataclass(frozen=True, slots=True)
class _Amounts:
    """The amounts of a row without sign; `outstanding` as its own columns say, else None."""

    total: Money
    outstanding: Money | None
    settled: Money | None
    is_credit: bool


def _amounts(row: Row, default_currency: str | None) -> _Amounts:
    currency = row.currency(default_currency, _INVOICE_AMOUNTS)
    total, outstanding = row.money("total", currency), row.money("outstanding", currency)
    paid, settled = row.money("paid", currency), row.money("settled_amount", currency)
    total = outstanding if total is None else total
    if total is None:
        raise CellProblem("has no amount; fill in the total")
    kind = DOCUMENT_KINDS.get(plain(row.text("kind")), "")
    is_credit = kind == "credit_note" or total.amount < 0
    if total.amount < 0:
        total, outstanding, paid, settled = -total, outstanding and -outstanding, paid and -paid, settled and -settled
    elif is_credit and outstanding is not None and outstanding.amount < 0:
        outstanding = -outstanding
    if outstanding is None and row.has("paid"):
        outstanding = total - (paid or Money.zero(currency))
    if outstanding is not None and outstanding > total:
        raise CellProblem(f"says that {outstanding} of {total} is outstanding; correct one of them")
    return _Amounts(total, outstanding, settled, is_credit)


@dataclass(frozen=True, slots=True)
class _State:
    status: DocumentStatus
    outstanding: Money | None


def _state(row: Row, amounts: _Amounts, settled_on: date | None, day: date, short_settlement: str) -> _State:
    """Open, paid, void or draft. First the status in words, then the settled-on date, then the amounts: whoever says paid is believed."""
    nothing = Money.zero(amounts.total.currency)
    status = _status(row)
    if status in (DocumentStatus.VOID, DocumentStatus.DRAFT):
        return _State(status, nothing if status is DocumentStatus.VOID else amounts.total)
    if status is DocumentStatus.PAID or not amounts.total.is_positive:
        return _State(DocumentStatus.PAID, nothing)
    if settled_on is not None and settled_on <= day:
        settled = amounts.settled
        if short_settlement == "open" and settled is not None and settled < amounts.total:
            return _State(DocumentStatus.OPEN, amounts.total - settled)
        return _State(DocumentStatus.PAID, nothing)
    return _open_or_paid(row, amounts, status)


def _open_or_paid(row: Row, amounts: _Amounts, status: DocumentStatus | None) -> _State:
    outstanding = amounts.outstanding
    if outstanding is None and row.has("outstanding"):
        raise CellProblem("does not say what is outstanding; fill it in, with 0 when it was paid")
    if outstanding is None and (row.has("settled_on") or status is DocumentStatus.OPEN):
        return _State(DocumentStatus.OPEN, None)
    if outstanding is not None and not outstanding.is_positive:
        return _State(DocumentStatus.PAID, outstanding)
    return _State(DocumentStatus.OPEN, outstanding)


def _status(row: Row) -> DocumentStatus | None:
    said = row.text("status")
    if not said:
        return None
    meaning = STATUSES.get(plain(said))
    if meaning is None:
        raise CellProblem(f"the status “{said[:60]}” is not known; say in `values` whether it means open, paid, void or draft")
    return DocumentStatus(meaning)


def _dispute(row: Row, day: date) -> tuple[str, date | None]:
    """The reason of a dispute that holds on this day, and the day after its end when that is known."""
    reason = _reason(row, "disputed", "marked as disputed in the books")
    until = row.day("disputed_until") if reason else None
    if until is None:
        return reason, None
    return (reason if day <= until else ""), until + timedelta(days=1)


def _page_url(row: Row) -> str:
    url = row.text("page_url")
    if url and not url.startswith(("https://", "http://")):
        raise CellProblem(f"the payment page “{url[:60]}” is no web address; correct it")
    return url


def _ordinal(row: Row) -> int | None:
    said = row.text("instalment")
    found = _WHOLE_NUMBER.search(said)
    if said and (found is None or not int(found.group())):
        raise CellProblem(f"“{said[:60]}” is no number of an instalment")
    return int(found.group()) if found else None


# --- several rows, one invoice ------------------------------------------------------------------------------------------------


def joined_lines(rows: list[InvoiceRow]) -> InvoiceRow:
    """One invoice out of its lines: totals add up; everything else is said once, or the same on every line."""
    first = rows[0]
    for other in rows[1:]:
        _check_same(first, other)
        if (other.due_date, other.outstanding, other.status) != (first.due_date, first.outstanding, first.status):
            raise CellProblem(f"line {other.line} says another due date, outstanding amount or status than line {first.line}")
    signed = sum((-row.total.amount if row.is_credit else row.total.amount for row in rows), start=Decimal(0))
    total = Money.of(abs(signed), first.total.currency)
    if first.outstanding is not None and first.outstanding > total:
        raise CellProblem(f"says that {first.outstanding} of {total} is outstanding; correct one of them")
    return replace(first, total=total, is_credit=signed < 0, disputed=_any(rows, "disputed"), do_not_chase=_any(rows, "do_not_chase"))


def in_order(rows: list[InvoiceRow]) -> list[InvoiceRow]:
    """The instalments of one invoice, numbered from 1 by their own numbers or else by their due dates."""
    first = rows[0]
    for other in rows[1:]:
        _check_same(first, other)
    keys = [(row.ordinal or 0, row.due_date) for row in rows]
    if len(set(keys)) != len(keys):
        raise CellProblem(f"two instalments of {first.number} have the same due date; map the column `instalment`, or say rows: line")
    return sorted(rows, key=lambda row: (row.ordinal or 0, row.due_date))


def _check_same(one: InvoiceRow, other: InvoiceRow) -> None:
    if (one.customer.id, one.total.currency, one.number) != (other.customer.id, other.total.currency, other.number):
        raise CellProblem(f"line {other.line} says another customer, currency or number than line {one.line}")


def _any(rows: list[InvoiceRow], field: str) -> str:
    return next((reason for row in rows if (reason := str(getattr(row, field)))), "")


def invoice_from(rows: list[InvoiceRow], customer_id: str, allocated: Decimal) -> Invoice:
    """The invoice out of its instalments, in order. What payments and credit notes cover fills the instalments from the first on."""
    first = rows[0]
    parts, rest = [], allocated
    for ordinal, row in enumerate(rows, start=1):
        outstanding = row.outstanding
        if outstanding is None:
            used = min(rest, row.total.amount)
            rest -= used
            outstanding = Money(row.total.amount - used, row.total.currency)
        elif outstanding.amount < 0:
            outstanding = Money.zero(outstanding.currency)
        parts.append(Instalment(ordinal, row.due_date, row.total, outstanding))
    return Invoice(
        first.id,
        first.number,
        customer_id,
        min(row.issued_on for row in rows) if len(rows) > 1 else first.issued_on,
        tuple(parts),
        _joint_status(rows, parts),
        first.contact,
        first.reference,
        first.disputed if len(rows) == 1 else _any(rows, "disputed"),
        first.do_not_chase if len(rows) == 1 else _any(rows, "do_not_chase"),
        first.page_url,
        first.settled_on,
    )


def _joint_status(rows: list[InvoiceRow], parts: list[Instalment]) -> DocumentStatus:
    for status in (DocumentStatus.VOID, DocumentStatus.DRAFT):
        if any(row.status is status for row in rows):
            return status
    return DocumentStatus.OPEN if any(part.outstanding.is_positive for part in parts) else DocumentStatus.PAID


def overpaid(row: InvoiceRow, customer_id: str) -> Payment | None:
    """What was paid beyond an invoice whose own columns say that less than nothing is outstanding: a credit."""
    if row.outstanding is None or row.outstanding.amount >= 0 or row.is_credit:
        return None
    rest = -row.outstanding
    return Payment(f"{row.id}#overpaid", customer_id, row.settled_on or row.issued_on, rest, rest, row.number)


# --- money that came in -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Source:
    """A payment or credit note as its row says, and what is used of it. `rest_said` is the file's own figure of what is left;
    `names_invoice` is the text with which the row says for which invoice it is."""

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
    return Source(
        CreditKind.CREDIT_NOTE,
        row.text("id") or number,
        number,
        row.text("customer"),
        Money(abs(total.amount), currency),
        issued_on,
        names_invoice=row.text("invoice"),
        rest_said=Money(abs(remaining.amount), currency) if remaining is not None else None,
        status=_status(row) or DocumentStatus.OPEN,
        where=row.where,
    )


def credit_in_invoices(row: InvoiceRow, customer_id: str, where: str) -> Source:
    """A credit note that stands among the invoices."""
    rest = Money.zero(row.total.currency) if row.outstanding is None and row.status is DocumentStatus.PAID else row.outstanding
    return Source(
        CreditKind.CREDIT_NOTE, row.id, row.number, customer_id, row.total, row.issued_on, rest_said=rest, status=row.status, where=where
    )


def allocation_of(row: Row, default_currency: str | None) -> tuple[Allocation, str]:
    """A row of the allocations, with the references to invoice and source as the file has them; and the kind of the source, if it says so."""
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
