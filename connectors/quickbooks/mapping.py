"""QuickBooks Online's objects as values of core.receivables, and our writing as its objects. Pure: no clock, no network.

Rows are JSON with decimals as Decimal; whole numbers come as int. A field without a value is not there. Sources: Intuit's entity
reference (https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice) and recorded answers.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from email.utils import getaddresses
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from babel import Locale
from babel.languages import get_official_languages

from ...core.bookings import our_marks
from ...core.money import Money
from ...core.receivables import (
    MAILTO,
    Allocation,
    Contact,
    ContactRole,
    CreditKind,
    CreditNote,
    Customer,
    DocumentStatus,
    EarlyDiscount,
    Instalment,
    Invoice,
    Payment,
    UnappliedCredit,
)
from ..late_fees import names_late_fee

Row = Mapping[str, Any]

_NO_TERMS: Mapping[str, Row] = MappingProxyType({})
VOIDED = re.compile(r"\s*voided\b", re.IGNORECASE)
"""A voided document stays, over nothing; its private note begins so (recorded: `Voided`, `Voided - what stood there`)."""

_SHOWN_CHARACTERS = 80
NOTE_CHARACTERS = 2000


def text_of(value: Any) -> str:
    """The text of a field, empty when there is none."""
    return str(value).strip() if value is not None else ""


def ref_of(value: Any) -> str:
    """The id in a reference, empty when there is none."""
    return text_of(value.get("value")) if isinstance(value, Mapping) else ""


def name_of(value: Any) -> str:
    """The name that a reference shows, empty when there is none."""
    return text_of(value.get("name")) if isinstance(value, Mapping) else ""


def addresses_of(value: Any) -> tuple[str, ...]:
    """The e-mail addresses in a field: people write several into it, with commas or semicolons, in any number of characters up to 100."""
    field = text_of(value.get("Address") if isinstance(value, Mapping) else "").replace(";", ",")
    return tuple(dict.fromkeys(address for _name, address in getaddresses([field]) if "@" in address))


def number_of(row: Row) -> str:
    """The number of a document; its id when it has none, as in companies that number by hand."""
    return text_of(row.get("DocNumber")) or text_of(row["Id"])


def currency_of(row: Row, home: str) -> str:
    """The currency of a document: its own, or the company's where nothing is said."""
    return ref_of(row.get("CurrencyRef")) or home


def _amount(row: Row, field: str, currency: str) -> Money:
    return Money.of(row.get(field) or 0, currency)


def _day(row: Row, field: str) -> date | None:
    return date.fromisoformat(row[field]) if row.get(field) else None


def _issued_on(row: Row) -> date:
    day = _day(row, "TxnDate")
    if day is None:
        raise ValueError("it has no date")
    return day


def is_deleted(row: Row) -> bool:
    """Whether change data capture only says that it is gone, or was voided without telling what it was."""
    return text_of(row.get("status")) in ("Deleted", "Voided") and "CustomerRef" not in row


def is_void(row: Row) -> bool:
    """Whether a document was voided, or never was over anything. A void is no payment, though its balance is nothing, too."""
    if text_of(row.get("status")) == "Voided" or not row.get("TotalAmt"):
        return True
    return not row.get("Balance") and not payments_linked(row) and VOIDED.match(text_of(row.get("PrivateNote"))) is not None


# --- invoices ---------------------------------------------------------------------------------------------------------------------


def invoice(row: Row, customer_id: str, home: str, settled_on: date | None = None, terms: Mapping[str, Row] = _NO_TERMS) -> Invoice:
    """An invoice of the customer who pays it. `terms` are the payment terms by their ids. Raises ValueError, in words, when it cannot be
    read."""
    currency = currency_of(row, home)
    total, rest, issued_on = _amount(row, "TotalAmt", currency), _amount(row, "Balance", currency), _issued_on(row)
    status = DocumentStatus.OPEN if rest.is_positive else DocumentStatus.VOID if is_void(row) else DocumentStatus.PAID
    addresses = addresses_of(row.get("BillEmail"))
    is_ours = bool(our_marks(text_of(row.get("PrivateNote"))))
    return Invoice(
        id=text_of(row["Id"]),
        number=number_of(row),
        customer_id=customer_id,
        issued_on=issued_on,
        instalments=(Instalment(1, _day(row, "DueDate") or issued_on, total, rest),),
        status=status,
        contact_id=f"{MAILTO}{addresses[0]}" if addresses else "",
        page_url=text_of(row.get("InvoiceLink")),
        settled_on=settled_on if status is DocumentStatus.PAID else None,
        version=text_of(row.get("SyncToken")),
        is_late_charge=is_ours,
        ledger_late_fee="" if is_ours else foreign_late_fee(row),
        early_discount=early_discount(terms.get(granting_terms(row), {}), issued_on, total),
    )


def granting_terms(row: Row) -> str:
    """The id of the payment terms that may still grant something on an invoice: one that is owed, and no late charge of ours."""
    return "" if not row.get("Balance") or our_marks(text_of(row.get("PrivateNote"))) else ref_of(row.get("SalesTermRef"))


def early_discount(term: Row, issued_on: date, total: Money) -> EarlyDiscount | None:
    """What payment terms grant for paying early: so many per cent of the total, with its tax, for some days or until a day of the month.

    Terms are of either kind (Intuit's entity reference, Term): STANDARD ones are due after `DueDays`, and `DiscountDays` count; those that
    are DATE_DRIVEN are due on a day of the month, and `DiscountDayOfMonth` counts.
    """
    amount = Money.of(total.amount * Decimal(str(term.get("DiscountPercent") or 0)) / 100, total.currency)
    last_on = _discount_day(term, issued_on) if amount.is_positive else None
    return EarlyDiscount(last_on, amount) if last_on else None


def _discount_day(term: Row, issued_on: date) -> date | None:
    """The last day: where terms are due on a day of the month, the last such day before that. What is issued so many days before the day or
    less (`DueNextMonthDays`) is due a month later."""
    if term.get("Type") != "DATE_DRIVEN":
        return issued_on + timedelta(days=int(term["DiscountDays"])) if term.get("DiscountDays") else None
    if not term.get("DiscountDayOfMonth") or not term.get("DayOfMonthDue"):
        return None
    late = int(term.get("DueNextMonthDays") or 0)
    earliest = issued_on + timedelta(days=late + 1 if late else 0)
    due = next((day for day in _days_of_months(int(term["DayOfMonthDue"]), issued_on) if day >= earliest), None)
    days = _days_of_months(int(term["DiscountDayOfMonth"]), issued_on) if due else ()
    return max((day for day in days if due and issued_on <= day <= due), default=None)


def _days_of_months(day: int, start: date) -> Iterator[date]:
    """A day of the month of `start`, and of three months after it; the last one of a month that is too short."""
    first = start.replace(day=1)
    for _month in range(4):
        yield first.replace(day=min(day, monthrange(first.year, first.month)[1]))
        first = (first + timedelta(days=31)).replace(day=1)


def lines_of(row: Row) -> Iterator[Row]:
    """The lines of a document, and those inside its groups."""
    for line in row.get("Line") or ():
        yield line
        yield from lines_of(line.get("GroupLineDetail") or {})


def foreign_late_fee(row: Row) -> str:
    """The name of the first line that charges lateness and is not ours; empty when there is none."""
    for line in lines_of(row):
        if our_marks(text_of(line.get("Description"))) or not line.get("Amount"):
            continue
        detail, said = line.get("SalesItemLineDetail") or {}, text_of(line.get("Description"))
        for name in (name_of(detail.get("ItemRef")), name_of(detail.get("ItemAccountRef"))):
            if names_late_fee(name):
                return name
        if names_late_fee(said, at_the_start=True):
            return said[:_SHOWN_CHARACTERS]
    return ""


def payments_linked(row: Row) -> tuple[str, ...]:
    """The ids of the payments that were used on a document, as the document itself says."""
    return tuple(text_of(link["TxnId"]) for link in row.get("LinkedTxn") or () if link.get("TxnType") == "Payment")


def is_untouched(row: Row) -> bool:
    """Whether nothing has been paid or credited on an invoice."""
    return not payments_linked(row) and not row.get("Deposit") and Decimal(str(row["TotalAmt"])) == Decimal(str(row["Balance"]))


# --- money that came in -----------------------------------------------------------------------------------------------------------


def payment(row: Row, customer_id: str, home: str) -> Payment | None:
    """Cash received. None for a payment over nothing that only links credit memos to invoices: that is no money."""
    currency, uses = currency_of(row, home), _uses(row)
    amount = _amount(row, "TotalAmt", currency)
    if not amount.is_positive and uses:
        return None
    return Payment(
        id=text_of(row["Id"]),
        customer_id=customer_id,
        paid_on=_issued_on(row),
        amount=amount,
        unapplied=_amount(row, "UnappliedAmt", currency),
        reference=text_of(row.get("PaymentRefNum")),
        status=DocumentStatus.OPEN if amount.is_positive else DocumentStatus.VOID,
        version=text_of(row.get("SyncToken")),
    )


def _uses(row: Row) -> list[tuple[str, str, Decimal]]:
    """Kind, id and amount of every document in the lines of a payment."""
    return [
        (text_of(link.get("TxnType")), text_of(link.get("TxnId")), Decimal(str(line.get("Amount") or 0)))
        for line in row.get("Line") or ()
        for link in (line.get("LinkedTxn") or ())[:1]
    ]


def documents_in(row: Row, kind: str) -> set[str]:
    """The ids of the documents of a kind (Invoice, CreditMemo) in the lines of a payment."""
    return {key for found, key, _amount in _uses(row) if found == kind}


def allocations(row: Row, home: str) -> tuple[Allocation, ...]:
    """What a payment did: its credit memos are used on its invoices first, in their order, and then its cash."""
    currency, day, uses = currency_of(row, home), _issued_on(row), _uses(row)
    cash = Decimal(str(row.get("TotalAmt") or 0)) - Decimal(str(row.get("UnappliedAmt") or 0))
    sources = [(CreditKind.CREDIT_NOTE, key, amount) for kind, key, amount in uses if kind == "CreditMemo"]
    sources.append((CreditKind.PAYMENT, text_of(row["Id"]), cash))
    used = _dealt([(key, amount) for kind, key, amount in uses if kind == "Invoice"], sources)
    return tuple(
        Allocation(f"{row['Id']}:{source}:{invoice_id}", invoice_id, source, kind, Money.of(amount, currency), day)
        for invoice_id, kind, source, amount in used
    )


def _dealt(
    wanted: Iterable[tuple[str, Decimal]], sources: Sequence[tuple[CreditKind, str, Decimal]]
) -> Iterator[tuple[str, CreditKind, str, Decimal]]:
    left = [amount for _kind, _key, amount in sources]
    for invoice_id, amount in wanted:
        for place, (kind, key, _amount) in enumerate(sources):
            part = min(amount, left[place])
            if part > 0:
                yield invoice_id, kind, key, part
                left[place] -= part
                amount -= part


def credit_note(row: Row, customer_id: str, home: str) -> CreditNote:
    """A credit memo. What remains of it is `RemainingCredit`, else its balance."""
    currency = currency_of(row, home)
    remaining = _amount(row, "RemainingCredit" if row.get("RemainingCredit") is not None else "Balance", currency)
    status = DocumentStatus.OPEN if remaining.is_positive else DocumentStatus.VOID if is_void(row) else DocumentStatus.PAID
    return CreditNote(
        id=text_of(row["Id"]),
        number=number_of(row),
        customer_id=customer_id,
        issued_on=_issued_on(row),
        total=_amount(row, "TotalAmt", currency),
        remaining=remaining,
        status=status,
        version=text_of(row.get("SyncToken")),
    )


def is_unused(row: Row) -> bool:
    """Whether nothing of a credit memo has been used."""
    rest = row.get("RemainingCredit") if row.get("RemainingCredit") is not None else row.get("Balance")
    return Decimal(str(rest or 0)) == Decimal(str(row["TotalAmt"]))


def unapplied(value: Payment | CreditNote | None) -> UnappliedCredit | None:
    """The rest of a payment or credit memo that is used on nothing; None when there is none."""
    if isinstance(value, Payment) and value.unapplied.is_positive:
        return UnappliedCredit(value.id, value.customer_id, CreditKind.PAYMENT, value.unapplied, value.reference, value.paid_on)
    if isinstance(value, CreditNote) and value.remaining.is_positive:
        return UnappliedCredit(value.id, value.customer_id, CreditKind.CREDIT_NOTE, value.remaining, value.number, value.issued_on)
    return None


# --- customers --------------------------------------------------------------------------------------------------------------------


def customer(row: Row) -> Customer:
    """A customer or a job. There is no field for the language: it is that of the country, where the country has one only."""
    key, addresses = text_of(row["Id"]), addresses_of(row.get("PrimaryEmailAddr"))
    country = country_of(text_of((row.get("BillAddr") or {}).get("Country")))
    phones = [text_of((row.get(field) or {}).get("FreeFormNumber")) for field in ("PrimaryPhone", "Mobile")]
    is_person = bool(row.get("GivenName") or row.get("FamilyName")) and not row.get("CompanyName")
    return Customer(
        id=key,
        name=text_of(row.get("DisplayName")).removesuffix(" (deleted)") or key,
        email=addresses[0] if addresses else "",
        phone=next(filter(None, phones), ""),
        language=language_of(country),
        country=country,
        parent_id=ref_of(row.get("ParentRef")),
        contacts=tuple(Contact(f"{key}:{address}", "", address, role=ContactRole.GENERAL) for address in addresses[1:]),
        is_business=not is_person,
        version=text_of(row.get("SyncToken")),
    )


@lru_cache(maxsize=512)
def country_of(text: str) -> str:
    """The ISO 3166-1 code of a country as people write it: its code, or its name in English, Spanish, French or German; else empty."""
    if re.fullmatch(r"[A-Z]{2}", text):
        return text if text in Locale("en").territories else ""
    return _COUNTRIES_WRITTEN.get(text.casefold()) or _countries().get(text.casefold(), "")


_COUNTRIES_WRITTEN = {"usa": "US", "u.s.a.": "US", "u.s.": "US", "uk": "GB", "u.k.": "GB", "great britain": "GB", "england": "GB"}


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    named = ((code, name) for language in ("de", "fr", "es", "en") for code, name in Locale(language).territories.items())
    return {name.casefold(): code for code, name in named if re.fullmatch(r"[A-Z]{2}", code)}


@lru_cache(maxsize=512)
def language_of(country: str) -> str:
    """The language of a country that has one official language only; empty for the others."""
    languages = get_official_languages(country, de_facto=True) if country else ()
    return str(languages[0]) if len(languages) == 1 else ""


# --- what we write ----------------------------------------------------------------------------------------------------------------


def note(text: str, marker: str, invoice_id: str) -> Row:
    """A note as an attachable on an invoice, which nobody but the company's own people sees. Too long a text loses its middle and keeps
    the marker."""
    end = f" ... [{marker}]"
    fits = len(text) <= NOTE_CHARACTERS
    shown = text if fits else text[: NOTE_CHARACTERS - len(end)] + end
    return {"Note": shown, "AttachableRef": [{"EntityRef": {"type": "Invoice", "value": invoice_id}, "IncludeOnSend": False}]}


def charge_line(amount: Decimal, text: str, item: str, tax_code: str) -> Row:
    """A line that charges an amount. Without an item QuickBooks would take it for a remark and not listen to the amount. `tax_code` is
    empty in companies that have none."""
    detail: Row = {"ItemRef": {"value": item}, "Qty": 1, "UnitPrice": amount, **({"TaxCodeRef": {"value": tax_code}} if tax_code else {})}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "Description": text, "SalesItemLineDetail": detail}


def with_line(row: Row, line: Row) -> Row:
    """A sparse update that adds a line. All lines are sent as they came, for those that are missing would be deleted; the subtotal is the
    service's own. No tax is sent, so that it is computed anew."""
    lines = [each for each in row["Line"] if each.get("DetailType") != "SubTotalLineDetail"]
    return {"Id": row["Id"], "SyncToken": row["SyncToken"], "sparse": True, "Line": [*lines, line]}


def used_on(memo: Row, document: Row, amount: Decimal) -> Row:
    """What uses an amount of a credit memo on an invoice: lines of a payment over nothing, one to each (recorded: "Created by QB Online to
    link credits to charges.")."""
    links = (("Invoice", document), ("CreditMemo", memo))
    lines = [{"Amount": amount, "LinkedTxn": [{"TxnId": row["Id"], "TxnType": kind}]} for kind, row in links]
    return {"CustomerRef": {"value": ref_of(document["CustomerRef"])}, "TotalAmt": 0, "Line": lines}


def paid_on(document: Row, amount: Decimal) -> Row:
    """A payment of the invoice's own customer, which may be a job, all of it used on the invoice."""
    line = {"Amount": amount, "LinkedTxn": [{"TxnId": document["Id"], "TxnType": "Invoice"}]}
    return {"CustomerRef": {"value": ref_of(document["CustomerRef"])}, "TotalAmt": amount, "Line": [line]}


def has_discount(row: Row) -> bool:
    """Whether the document is discounted as a whole: a further line would be, too."""
    return any(line.get("DetailType") == "DiscountLineDetail" for line in row.get("Line") or ())
