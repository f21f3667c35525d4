"""What the books look like in JSON: names, nesting, and Xero's two ways of writing a date."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .books import XeroBooks
from .documents import Account, Allocation, Contact, Credit, Document, Invoice, Line, Payment, Record

Json = dict[str, Any]

CREDIT_ID = {"CreditNotes": "CreditNoteID", "Overpayments": "OverpaymentID", "Prepayments": "PrepaymentID"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SINGLE_PAYMENT_TYPES = {"CreditNotes": "ARCREDITPAYMENT", "Overpayments": "AROVERPAYMENTPAYMENT", "Prepayments": "ARPREPAYMENTPAYMENT"}


@dataclass(frozen=True)
class View:
    """How much of a document is shown: `whole` alone, `lines` on a page or alone, `summary` the least; `places` of unit prices."""

    whole: bool = False
    lines: bool = False
    summary: bool = False
    places: int = 2


def dumped(value: Any) -> str:
    """JSON; amounts as numbers."""
    return json.dumps(value, default=float, ensure_ascii=False)


def instant(at: datetime) -> str:
    """`/Date(1518685950940+0000)/`: milliseconds since 1970, in UTC."""
    return f"/Date({(at - _EPOCH) // timedelta(milliseconds=1)}+0000)/"


def day(on: date, offset: timedelta = timedelta()) -> str:
    """A calendar day: midnight in the organisation's offset, which is then named (developer.xero.com, dates-and-timestamps-explained)."""
    minutes = offset // timedelta(minutes=1)
    named = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return f"/Date({(datetime.combine(on, time(), UTC) - offset - _EPOCH) // timedelta(milliseconds=1)}{named})/"


def laid_over(books: XeroBooks, endpoint: str, key: str, shape: Json) -> Json:
    """The shape with what the test or the demo lays over it."""
    return {**shape, **books.extra.get(endpoint, {}), **books.overlay.get(key, {})}


# --- contacts -----------------------------------------------------------------------------------------------------------------


def contact_stub(contact: Contact) -> Json:
    """A contact within a document of a list: the lists are there and empty, whoever the people are."""
    empty: Json = {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": [], "HasValidationErrors": False}
    return {"ContactID": contact.id, "Name": contact.name, **empty}


def contact_shape(books: XeroBooks, contact: Contact, view: View) -> Json:
    """A contact; people, groups and balances only on a page or alone."""
    shape: Json = {
        "ContactID": contact.id,
        "ContactStatus": contact.status,
        "Name": contact.name,
        "EmailAddress": contact.email,
        "BankAccountDetails": "",
        "Addresses": [{"AddressType": "STREET"}, {"AddressType": "POBOX", "Country": contact.country}],
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": contact.phone, "PhoneAreaCode": "", "PhoneCountryCode": ""}],
        "UpdatedDateUTC": instant(contact.updated_at),
        "IsSupplier": any(each.type == "ACCPAY" for each in books.invoices_of(contact.id)),
        "IsCustomer": any(each.type == "ACCREC" for each in books.invoices_of(contact.id)),
        "HasAttachments": False,
        "HasValidationErrors": False,
    }
    shape |= {"AccountNumber": contact.account_number} if contact.account_number else {}
    shape |= {"DefaultCurrency": contact.currency} if contact.currency else {}
    shape |= {"MergedToContactID": contact.merged_into} if contact.merged_into else {}
    if view.whole or view.lines:
        shape["ContactGroups"] = [{"ContactGroupID": name, "Name": name, "Status": "ACTIVE"} for name in contact.groups]
        shape["ContactPersons"] = [_person(each) for each in contact.people]
        shape["Balances"] = _balances(books, contact)
    return laid_over(books, "Contacts", contact.id, shape)


def _person(person: Any) -> Json:
    named = {"FirstName": person.first_name, "LastName": person.last_name}
    return {**named, "EmailAddress": person.email, "IncludeInEmails": person.in_emails}


def _balances(books: XeroBooks, contact: Contact) -> Json:
    """Raw sums over all currencies, as Xero gives them."""
    today = books.now().date()
    owed = [each for each in books.invoices_of(contact.id) if each.type == "ACCREC" and each.status == "AUTHORISED"]
    late = [each for each in owed if each.due_date and each.due_date < today]
    sums = {"Outstanding": sum(map(books.due_on, owed)), "Overdue": sum(map(books.due_on, late))}
    return {"AccountsReceivable": sums, "AccountsPayable": {"Outstanding": 0, "Overdue": 0}}


# --- documents ----------------------------------------------------------------------------------------------------------------


def invoice_shape(books: XeroBooks, invoice: Invoice, view: View) -> Json:
    """A sales invoice or bill."""
    shape = _document(books, invoice, view)
    shape |= {"InvoiceID": invoice.id, "InvoiceNumber": invoice.number, "Reference": invoice.reference}
    shape |= {"AmountDue": books.due_on(invoice), "AmountPaid": books.paid(invoice), "AmountCredited": books.credited(invoice)}
    shape |= {"IsDiscounted": False, "HasErrors": False, "InvoicePaymentServices": [], "InvoiceAddresses": []}
    shape |= _dated(books, "DueDate", invoice.due_date) | {"BrandingThemeID": invoice.branding_theme}
    shape |= _when(books, invoice)
    shape |= {"SentToContact": True} if invoice.sent else {}
    shape |= {"Url": invoice.url} if invoice.url else {}
    uses = books.uses_of(invoice)
    shape["Payments"] = [_payment_within(books, use) for use in uses if isinstance(use, Payment)]
    for kind in CREDIT_ID:
        shape[kind] = [_credit_within(books, use, kind) for use in uses if isinstance(use, Allocation) and _kind(books, use) == kind]
    if view.summary:
        for left_out in ("Payments", "LineItems", "HasAttachments"):
            del shape[left_out]
    return laid_over(books, "Invoices", invoice.id, shape)


def _when(books: XeroBooks, invoice: Invoice) -> Json:
    shape: Json = {}
    if invoice.expected_on:
        shape["ExpectedPaymentDate"] = day(invoice.expected_on, _offset(books))
    if invoice.status == "PAID":
        days = [use.on for use in books.uses_of(invoice)]
        shape["FullyPaidOnDate"] = day(max(days, default=invoice.date), _offset(books))
    return shape


def credit_shape(books: XeroBooks, credit: Credit, view: View) -> Json:
    """A credit note, overpayment or prepayment; its allocations only on a page or alone."""
    shape = _document(books, credit, view)
    shape |= {CREDIT_ID[credit.kind]: credit.id, "ID": credit.id, "RemainingCredit": books.remaining(credit)}
    shape |= {"Reference": credit.reference}
    if credit.kind == "CreditNotes":
        shape |= {"CreditNoteNumber": credit.number, "SentToContact": credit.sent}
    uses = books.uses_of(credit) if view.whole or view.lines else []
    shape["Allocations"] = [allocation_shape(books, use) for use in uses if isinstance(use, Allocation)]
    shape["Payments"] = [_payment_within(books, use) for use in uses if isinstance(use, Payment)]
    return laid_over(books, credit.kind, credit.id, shape)


def allocation_shape(books: XeroBooks, use: Allocation) -> Json:
    """The use of a credit on an invoice, as the credit shows it."""
    invoice = {"InvoiceID": use.invoice_id, "InvoiceNumber": books.invoices[use.invoice_id].number, "HasErrors": False}
    return {"AllocationID": use.id, "Amount": use.amount, "Date": day(use.on, _offset(books)), "Invoice": invoice, "IsDeleted": False}


def payment_shape(books: XeroBooks, payment: Payment, _view: View) -> Json:
    """A payment with the document it pays, as a stub."""
    document = books.document(payment.invoice_id or payment.credit_id)
    contact = contact_stub(books.contacts[document.contact_id])
    account = next((each for each in books.accounts if each.id == payment.account_id), books.accounts[0])
    shape: Json = {
        "PaymentID": payment.id,
        "Date": day(payment.on, _offset(books)),
        "BankAmount": payment.amount,
        "Amount": payment.amount,
        "Reference": payment.reference,
        "CurrencyRate": document.currency_rate,
        "PaymentType": _payment_type(document),
        "Status": payment.status,
        "UpdatedDateUTC": instant(payment.updated_at),
        "HasAccount": True,
        "IsReconciled": payment.reconciled,
        "Account": {"AccountID": account.id, "Code": account.code},
        "HasValidationErrors": False,
    }
    shape |= {"BatchPaymentID": payment.batch_id} if payment.batch_id else {}
    named = {"Contact": contact, "CurrencyCode": document.currency, "Type": document.type}
    if isinstance(document, Invoice):
        shape["Invoice"] = {"InvoiceID": document.id, "InvoiceNumber": document.number, **named, "IsDiscounted": False, "HasErrors": False}
    else:
        shape[document.kind[:-1]] = {CREDIT_ID[document.kind]: document.id, "ID": document.id, **named}
    return laid_over(books, "Payments", payment.id, shape)


def _payment_type(document: Document) -> str:
    if isinstance(document, Credit):
        return _SINGLE_PAYMENT_TYPES[document.kind]
    return f"{document.type}PAYMENT"


def _payment_within(books: XeroBooks, payment: Payment) -> Json:
    shape = {"PaymentID": payment.id, "Date": day(payment.on, _offset(books)), "Amount": payment.amount, "Reference": payment.reference}
    shape |= {"CurrencyRate": 1, "HasAccount": False, "HasValidationErrors": False}
    return shape | ({"BatchPaymentID": payment.batch_id} if payment.batch_id else {})


def _credit_within(books: XeroBooks, use: Allocation, kind: str) -> Json:
    credit = books.credits[use.credit_id]
    shape = {CREDIT_ID[kind]: credit.id, "ID": credit.id, "HasErrors": False, "AppliedAmount": use.amount, "Total": credit.total}
    shape |= _dated(books, "Date", credit.date) | {"LineItems": []}
    return shape | ({"CreditNoteNumber": credit.number} if kind == "CreditNotes" else {})


def _kind(books: XeroBooks, use: Allocation) -> str:
    return books.credits[use.credit_id].kind


def _document(books: XeroBooks, document: Document, view: View) -> Json:
    contact = books.contacts[document.contact_id]
    return {
        "Type": document.type,
        "CurrencyRate": document.currency_rate,
        "HasAttachments": False,
        "Contact": contact_shape(books, contact, view) if view.whole else contact_stub(contact),
        **_dated(books, "Date", document.date),
        "Status": document.status,
        "LineAmountTypes": document.line_amount_types,
        "LineItems": [_line(books, document, line, view.places) for line in document.lines] if view.whole or view.lines else [],
        "SubTotal": document.subtotal,
        "TotalTax": document.tax,
        "Total": document.total,
        "UpdatedDateUTC": instant(document.updated_at),
        "CurrencyCode": document.currency,
    }


def _line(books: XeroBooks, document: Document, line: Line, places: int) -> Json:
    unit = line.unit_amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    shape: Json = {"LineItemID": line.id, "Description": line.description, "UnitAmount": unit, "Quantity": line.quantity}
    shape |= {"TaxType": line.tax_type, "TaxAmount": document.tax_of(line), "LineAmount": line.amount(document.currency)}
    shape |= {"AccountCode": line.account, "Tracking": line.tracking, "ValidationErrors": []}
    shape |= {"AccountID": next((each.id for each in books.accounts if each.code == line.account), "")}
    shape |= {"ItemCode": line.item} if line.item else {}
    return shape | ({"DiscountRate": line.discount} if line.discount else {})


def _dated(books: XeroBooks, name: str, on: date | None) -> Json:
    if on is None:
        return {}
    shape = {name: day(on, _offset(books))}
    return shape | ({f"{name}String": f"{on:%Y-%m-%d}T00:00:00"} if books.behaviour.date_strings else {})


def _offset(books: XeroBooks) -> timedelta:
    return books.date_offset if books.behaviour.offset_dates else timedelta()


# --- settings -----------------------------------------------------------------------------------------------------------------


def organisation_shape(books: XeroBooks) -> Json:
    """The organisation; the day of a lock is midnight in its own offset."""
    shape: Json = {
        "OrganisationID": books.tenant_id,
        "Name": books.name,
        "LegalName": books.name,
        "PaysTax": True,
        "OrganisationType": "COMPANY",
        "IsDemoCompany": False,
        "OrganisationStatus": "ACTIVE",
        "SalesTaxBasis": "ACCRUALS",
        "DefaultSalesTax": "Tax Exclusive",
        "CreatedDateUTC": instant(datetime(2021, 3, 2, 9, 30, tzinfo=UTC)),
        "OrganisationEntityType": "COMPANY",
        "ShortCode": "!T4ll3",
        "Class": "STANDARD",
        "Edition": "BUSINESS",
        "PaymentTerms": {"Sales": {"Day": 30, "Type": "DAYSAFTERBILLDATE"}},
        **books.organisation,
    }
    for name, until in (("PeriodLockDate", books.period_lock), ("EndOfYearLockDate", books.year_end_lock)):
        shape |= {name: day(until, books.date_offset)} if until else {}
    return laid_over(books, "Organisation", books.tenant_id, shape)


def account_shape(account: Account) -> Json:
    """A line of the chart of accounts."""
    named = {"AccountID": account.id, "Code": account.code, "Name": account.name, "Status": account.status, "Type": account.type}
    return {
        **named,
        "TaxType": account.tax_type,
        "Class": account.kind,
        "HasAttachments": False,
        "EnablePaymentsToAccount": account.payments_enabled,
    }


def tax_rate_shape(tax_type: str, rate: Decimal) -> Json:
    """A tax rate."""
    named = {"Name": tax_type.capitalize(), "TaxType": tax_type, "DisplayTaxRate": rate, "EffectiveRate": rate, "Status": "ACTIVE"}
    return {**named, "CanApplyToRevenue": True, "CanApplyToExpenses": True, "CanApplyToAssets": True, "TaxComponents": []}


def record_shape(record: Record) -> Json:
    """An entry of a history."""
    at = {"DateUTCString": f"{record.at:%Y-%m-%dT%H:%M:%S}", "DateUTC": instant(record.at)}
    return {"Changes": record.what, **at, "User": record.user, "Details": record.details}


def with_errors(shape: Mapping[str, Any], messages: list[str]) -> Json:
    """An element that was refused."""
    errors = [{"Message": message} for message in messages]
    return {**shape, "HasErrors": True, "StatusAttributeString": "ERROR", "ValidationErrors": errors}
