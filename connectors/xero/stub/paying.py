"""What the API lets an app do with payments: record one on an invoice, and nothing else. Raises Invalid.

The words are those of Xero's OpenAPI description and of people who met them; for an account that takes no payments none are public.
"""

from collections.abc import Mapping
from typing import Any

from .books import XeroBooks
from .documents import Account, Payment
from .editing import day_of, decimal_of
from .faults import Invalid


def paid(books: XeroBooks, wanted: Mapping[str, Any]) -> Payment:
    """The payment that a request wants to have made."""
    if wanted.get("PaymentID") or wanted.get("Status"):
        raise Invalid("Payments cannot be modified, only created and deleted")
    invoice = books.invoices.get(str((wanted.get("Invoice") or {}).get("InvoiceID", "")).lower())
    if invoice is None:
        raise Invalid("The Invoice with the specified InvoiceID could not be found")
    account = _account(books, wanted.get("Account") or {})
    if invoice.status != "AUTHORISED":
        raise Invalid("Payments can only be made against Authorised documents")
    on = day_of(wanted.get("Date") or books.now().date(), "Date")
    if books.locked_by(on):
        raise Invalid("Organisation accounts are locked on the specified payment date")
    amount = decimal_of(wanted.get("Amount", 0), "Amount")
    key = books.pay(invoice.id, amount, on=on, reference=str(wanted.get("Reference") or ""), account_id=account.id)
    return books.payments[key]


def _account(books: XeroBooks, wanted: Mapping[str, Any]) -> Account:
    """The account that is meant: by its id, or else by its code."""
    key, code = str(wanted.get("AccountID") or "").lower(), wanted.get("Code")
    if not key and not code:
        raise Invalid("You must specify an Account code or Account ID for the payment")
    found = next((each for each in books.accounts if each.id == key or (not key and each.code == code)), None)
    if found is None or found.status != "ACTIVE":
        raise Invalid("Account could not be found")
    if found.type != "BANK" and not found.payments_enabled:
        raise Invalid(f"This account ({found.code}) takes no payments")
    return found
