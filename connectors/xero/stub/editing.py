"""What the API lets an app do to an invoice, and what not (developer.xero.com, invoices, "Updating Invoices").

Nothing here changes the books: a new or changed copy of the invoice comes out, or `Invalid`.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .books import XeroBooks
from .documents import ZERO, Document, Invoice, Line
from .faults import Invalid

_HAS_PAYMENT = "This document cannot be edited as it has a payment or credit note allocated to it."
_WRONG_STATUS = "Invoice not of valid status for modification"
_MOVES: Mapping[str, frozenset[str]] = {
    "DRAFT": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
    "SUBMITTED": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
    "AUTHORISED": frozenset({"AUTHORISED", "VOIDED"}),
    "PAID": frozenset({"PAID", "AUTHORISED"}),
}
_EDITABLE_WHEN_PAID = frozenset({"reference", "due_date", "number", "branding_theme", "contact_id", "url", "lines", "sent"})
_LINE_EDITABLE_WHEN_PAID = frozenset({"description", "account", "tracking"})
_LINE_AMOUNT_TYPES = frozenset({"Exclusive", "Inclusive", "NoTax"})
_TEXTS = {"Reference": "reference", "InvoiceNumber": "number", "BrandingThemeID": "branding_theme", "Url": "url"}
_MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


def created(books: XeroBooks, wanted: Mapping[str, Any], places: int) -> Invoice:
    """The invoice that a request wants to have made. Raises Invalid."""
    kind = wanted.get("Type")
    if kind not in ("ACCREC", "ACCPAY"):
        raise Invalid("The Invoice Type is required." if kind is None else f"'{kind}' is not a valid Type.")
    today = books.now().date()
    invoice = Invoice(books.new_id(), kind, "", "", today, [], books.rates, books.organisation["BaseCurrency"], status="DRAFT")
    invoice.branding_theme, invoice.line_amount_types = books.branding_theme, "Exclusive"
    if not wanted.get("Contact"):
        raise Invalid("A Contact must be specified for this type of transaction")
    _apply(books, invoice, wanted, places)
    if not invoice.lines:
        raise Invalid("One or more line items must be specified")
    _check_number(books, invoice)
    _check_status(books, invoice, "DRAFT", wanted.get("Status", "DRAFT"))
    invoice.number = invoice.number or (books.next_number("INV-") if kind == "ACCREC" else "")
    return invoice


def updated(books: XeroBooks, old: Invoice, wanted: Mapping[str, Any], places: int) -> Invoice:
    """A copy of the invoice, changed as a request wants. Raises Invalid."""
    if old.status not in _MOVES:
        raise Invalid(_WRONG_STATUS)
    new = deepcopy(old)
    new.rates = books.rates
    _apply(books, new, wanted, places)
    changed = {each.name for each in fields(Invoice) if getattr(new, each.name) != getattr(old, each.name)}
    status = wanted.get("Status", old.status)
    if old.automatic_tax and (changed or status != old.status):
        raise Invalid("Invoices whose sales tax is calculated automatically cannot be edited")
    if old.status in ("AUTHORISED", "PAID"):
        _check_edit_of_approved(books, old, new, changed)
    _check_number(books, new)
    _check_status(books, new, old.status, status)
    return new


def _check_edit_of_approved(books: XeroBooks, old: Invoice, new: Invoice, changed: set[str]) -> None:
    locked = books.locked_by(old.date) or books.locked_by(new.date)
    if changed and locked:
        raise Invalid(locked)
    if not books.uses_of(old):
        return
    allowed = _EDITABLE_WHEN_PAID | ({"expected_on"} if books.behaviour.expected_on_part_paid else set())
    if "contact_id" in changed and books.credited(old):
        raise Invalid(_HAS_PAYMENT)
    if changed - allowed or ("lines" in changed and not _same_but_words(old.lines, new.lines)):
        raise Invalid(_HAS_PAYMENT)


def _same_but_words(old: Sequence[Line], new: Sequence[Line]) -> bool:
    """Whether only the descriptions, accounts and tracking of the lines differ."""

    def fixed(lines: Sequence[Line]) -> list[dict[str, Any]]:
        return [{name: value for name, value in vars(line).items() if name not in _LINE_EDITABLE_WHEN_PAID} for line in lines]

    return fixed(old) == fixed(new)


def _check_status(books: XeroBooks, invoice: Invoice, before: str, wanted: str) -> None:
    if wanted not in _MOVES[before]:
        raise Invalid(_WRONG_STATUS)
    if before == "PAID":
        return
    if wanted == "AUTHORISED" and before != wanted:
        _check_approval(books, invoice)
    if wanted == "VOIDED" and books.uses_of(invoice):
        raise Invalid(_HAS_PAYMENT)
    if wanted == "VOIDED" and (locked := books.locked_by(invoice.date)):
        raise Invalid(locked)
    invoice.status = wanted


def _check_approval(books: XeroBooks, invoice: Invoice) -> None:
    if books.organisation.get("Edition") == "PARTNER":
        raise Invalid("This edition of Xero has no invoicing")
    if locked := books.locked_by(invoice.date):
        raise Invalid(locked)
    if invoice.due_date is None:
        raise Invalid("The DueDate is required for an approved invoice")
    if any(not line.account for line in invoice.lines):
        raise Invalid("Account code must be specified")


def _check_number(books: XeroBooks, invoice: Invoice) -> None:
    """Numbers of sales invoices are unique, whatever became of the other one; bills may share theirs."""
    for other in books.invoices.values() if invoice.type == "ACCREC" and invoice.number else ():
        if other.type == "ACCREC" and other.number == invoice.number and other.id != invoice.id and other.status != "DELETED":
            raise Invalid("Invoice # must be unique.")


# --- fields -------------------------------------------------------------------------------------------------------------------


def _apply(books: XeroBooks, invoice: Invoice, wanted: Mapping[str, Any], places: int) -> None:
    """Lay what is wanted over the invoice. What is null or unknown is passed over, as by Xero."""
    given = {name: value for name, value in wanted.items() if value is not None}
    for name, attribute in _TEXTS.items():
        if name in given:
            setattr(invoice, attribute, str(given[name]))
    for name, attribute in (("Date", "date"), ("DueDate", "due_date"), ("ExpectedPaymentDate", "expected_on")):
        text = given.get(f"{name}String") or given.get(name)
        if text:
            setattr(invoice, attribute, day_of(text, name))
    if given.get("ExpectedPaymentDateString") == "":
        invoice.expected_on = None
    if "Contact" in given:
        invoice.contact_id = contact_of(books, invoice, given["Contact"])
    if "SentToContact" in given:
        invoice.sent = given["SentToContact"] is True
    apply_money(books, invoice, given, places)


def apply_money(books: XeroBooks, invoice: Document, given: Mapping[str, Any], places: int) -> None:
    """The currency and the lines that are wanted. Raises Invalid."""
    invoice.currency = given.get("CurrencyCode", invoice.currency)
    if invoice.currency not in books.currencies:
        raise Invalid(f"Organisation is not subscribed to currency {invoice.currency}")
    invoice.line_amount_types = given.get("LineAmountTypes", invoice.line_amount_types)
    if invoice.line_amount_types not in _LINE_AMOUNT_TYPES:
        raise Invalid(f"'{invoice.line_amount_types}' is not a valid LineAmountTypes")
    if "LineItems" in given:
        paid = bool(books.uses_of(invoice))
        known = {line.id: line for line in invoice.lines}
        invoice.lines = [_line(books, invoice, line, known, places, paid) for line in given["LineItems"]]


def day_of(text: Any, name: str) -> date:
    """A day as Xero takes it: `2026-12-01`, with or without a time, or `/Date(ms)/`. Raises Invalid."""
    try:
        if match := _MS_DATE.fullmatch(str(text)):
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(match[1]))).date()
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        raise Invalid(f"The {name} {text} is not a valid date") from None


def contact_of(books: XeroBooks, invoice: Document, wanted: Mapping[str, Any]) -> str:
    """The id of the contact that is wanted for a document. Raises Invalid."""
    key, name = str(wanted.get("ContactID", "")).lower(), wanted.get("Name")
    found = books.contacts.get(key) or next((each for each in books.contacts.values() if not key and each.name == name), None)
    if found is None:
        raise Invalid("The Contact with the specified ContactID could not be found")
    if found.status != "ACTIVE" and found.id != invoice.contact_id:
        raise Invalid("The contact with the specified contact details has been archived. The contact must be un-archived before use.")
    return found.id


def _line(books: XeroBooks, invoice: Document, wanted: Mapping[str, Any], known: Mapping[str, Line], places: int, paid: bool) -> Line:
    """One line. What is not said of an existing one falls back to what a new one would have."""
    key = wanted.get("LineItemID")
    if key and key not in known:
        raise Invalid(f"The LineItemID {key} does not belong to this document")
    if paid and not key:
        raise Invalid("To update fields on a paid invoice line item, you must supply a LineItemID")
    if not wanted.get("Description"):
        raise Invalid("Description is required")
    account = _account(books, str(wanted.get("AccountCode") or ""))
    unit = decimal_of(wanted.get("UnitAmount", ZERO), "UnitAmount").quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    line = Line(
        id=key or books.new_id(),
        description=str(wanted["Description"]),
        quantity=decimal_of(wanted.get("Quantity", 1), "Quantity"),
        unit_amount=unit,
        account=account,
        tax_type=_tax_type(books, wanted, account),
        tax_amount=None if wanted.get("TaxAmount") is None else decimal_of(wanted["TaxAmount"], "TaxAmount"),
        discount=decimal_of(wanted.get("DiscountRate") or 0, "DiscountRate"),
        item=str(wanted.get("ItemCode") or ""),
        tracking=list(wanted.get("Tracking") or []),
    )
    if line.tax_amount is not None and line.tax_amount == _by_rate(invoice, line):
        line.tax_amount = None
    total, said = line.amount(invoice.currency), wanted.get("LineAmount")
    if said is not None and decimal_of(said, "LineAmount") != total:
        raise Invalid(f"The line total {said} does not match the expected line total {total}")
    return line


def _by_rate(invoice: Document, line: Line) -> Decimal:
    plain = deepcopy(line)
    plain.tax_amount = None
    return invoice.tax_of(plain)


def decimal_of(value: Any, name: str) -> Decimal:
    """A number as it was sent. Raises Invalid."""
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise Invalid(f"{name} {value} is not a number") from None


def _account(books: XeroBooks, code: str) -> str:
    if not code:
        return ""
    account = next((each for each in books.accounts if each.code == code), None)
    if account is None or account.type == "BANK":
        raise Invalid(f"Account code '{code}' is not a valid code for this document.")
    if account.status != "ACTIVE":
        raise Invalid(f"Account code '{code}' has been archived, or deleted.")
    return code


def _tax_type(books: XeroBooks, wanted: Mapping[str, Any], account: str) -> str:
    fallback = next((each.tax_type for each in books.accounts if each.code == account), "NONE")
    tax_type = str(wanted.get("TaxType") or fallback)
    if tax_type not in books.rates:
        raise Invalid(f"The TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction.")
    return tax_type
