"""What the API lets an app do with credit notes: make one, use it on an invoice, cancel one of which nothing is used. All raise Invalid."""

from collections.abc import Mapping
from typing import Any

from .books import XeroBooks
from .documents import Allocation, Credit
from .editing import apply_money, contact_of, day_of, decimal_of
from .faults import Invalid


def credit_note(books: XeroBooks, wanted: Mapping[str, Any], places: int) -> Credit:
    """The approved credit note that a request wants to have made; it is numbered by the books."""
    if wanted.get("Type") != "ACCRECCREDIT" or wanted.get("Status") != "AUTHORISED":
        raise Invalid(f"'{wanted.get('Type')}', {wanted.get('Status')}: this stand-in makes approved credit notes of customers only")
    if wanted.get("CreditNoteID") or wanted.get("CreditNoteNumber"):
        raise Invalid("This stand-in numbers credit notes itself")
    if not wanted.get("Contact"):
        raise Invalid("A Contact must be specified for this type of transaction")
    on = day_of(wanted.get("Date") or books.now().date(), "Date")
    if locked := books.locked_by(on):
        raise Invalid(locked)
    note = Credit(books.new_id(), "ACCRECCREDIT", "", "", on, [], books.rates, books.organisation["BaseCurrency"])
    note.branding_theme, note.line_amount_types = books.branding_theme, "Exclusive"
    note.reference = str(wanted.get("Reference") or "")
    note.contact_id = contact_of(books, note, wanted["Contact"])
    apply_money(books, note, wanted, places)
    if not note.lines or any(not line.account for line in note.lines):
        raise Invalid("Account code must be specified" if note.lines else "One or more line items must be specified")
    note.number = books.next_number("CN-")
    return note


def used(books: XeroBooks, note: Credit, wanted: Mapping[str, Any]) -> Allocation:
    """An allocation of a credit note to an invoice of the same contact."""
    invoice = books.invoices.get(str((wanted.get("Invoice") or {}).get("InvoiceID", "")).lower())
    if invoice is None or invoice.type != "ACCREC" or invoice.contact_id != note.contact_id:
        raise Invalid("The invoice that is allocated to could not be found for this contact")
    if note.kind != "CreditNotes" or "Amount" not in wanted:
        raise Invalid("Allocations need an amount")
    on = day_of(wanted.get("Date") or books.now().date(), "Date")
    if locked := books.locked_by(on):
        raise Invalid(locked)
    amount = decimal_of(wanted["Amount"], "Amount")
    return books.allocations[books.allocate(note.id, invoice.id, amount, on=on)]


def cancel(books: XeroBooks, note: Credit, wanted: Mapping[str, Any]) -> None:
    """Cancel a credit note; no other change is taken here."""
    if wanted.get("Status") != "VOIDED" or note.status != "AUTHORISED":
        raise Invalid("This stand-in takes no change of a credit note but that it is made void")
    if locked := books.locked_by(note.date):
        raise Invalid(locked)
    books.void(note.id)
