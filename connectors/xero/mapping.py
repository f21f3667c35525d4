"""Xero's rows as values of core.receivables. Pure: no clock, no network.

Rows are plain JSON with numbers as Decimal. Xero leaves fields out or gives null where there is nothing, and adds words to its enumerations
when it likes: what is not known here is passed over, or not chased where it might matter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import getaddresses
from functools import lru_cache
from typing import Any

from babel import Locale

from ...core.bookings import our_marks
from ...core.money import Money
from ...core.receivables import (
    Allocation,
    Contact,
    ContactRole,
    CreditKind,
    CreditNote,
    Customer,
    DocumentStatus,
    Instalment,
    Invoice,
    Payment,
    UnappliedCredit,
)
from ..late_fees import names_late_fee

Row = Mapping[str, Any]

SALE = "ACCREC"
SALE_CREDIT = "ACCRECCREDIT"
CREDIT_IDS: Mapping[str, str] = {"credit_notes": "CreditNoteID", "overpayments": "OverpaymentID", "prepayments": "PrepaymentID"}
"""The name of the id in each kind of credit."""
_WITHIN: Mapping[str, tuple[str, CreditKind]] = {
    "CreditNotes": ("CreditNoteID", CreditKind.CREDIT_NOTE),
    "Overpayments": ("OverpaymentID", CreditKind.PAYMENT),
    "Prepayments": ("PrepaymentID", CreditKind.PAYMENT),
}
"""What an invoice shows of the credits that are used on it."""

_STATUS = {
    "DRAFT": DocumentStatus.DRAFT,
    "SUBMITTED": DocumentStatus.DRAFT,
    "AUTHORISED": DocumentStatus.OPEN,
    "PAID": DocumentStatus.PAID,
    "VOIDED": DocumentStatus.VOID,
    "DELETED": DocumentStatus.DELETED,
}
_MS_DATE = re.compile(r"/Date\((-?\d+)(?:([+-])(\d{2})(\d{2}))?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_COUNTRY_LANGUAGES = ("en", "es", "fr", "de", "pt", "it", "nl")
_COUNTRY_NICKNAMES = {"usa": "US", "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "holland": "NL"}


def is_guid(text: str) -> bool:
    """Whether the text is an id as Xero has them."""
    return _GUID.fullmatch(text) is not None


def text_of(value: Any) -> str:
    """The text of a field, empty for null."""
    return str(value).strip() if value is not None else ""


def day_of(row: Row, name: str) -> date | None:
    """A calendar day, None when there is none. `…String` is preferred: it is the day itself.

    `/Date(1419937200000+1300)/` is an instant with the offset of the organisation, which has to be added to come to its day
    (developer.xero.com, requests-and-responses, dates). Raises ValueError.
    """
    said = text_of(row.get(f"{name}String")) or text_of(row.get(name))
    if not said:
        return None
    if not (match := _MS_DATE.fullmatch(said)):
        return date.fromisoformat(said[:10])
    minutes = int(match[3] or 0) * 60 + int(match[4] or 0)
    offset = timezone(timedelta(minutes=-minutes if match[2] == "-" else minutes))
    return _instant(match).astimezone(offset).date()


def instant_of(row: Row, name: str = "UpdatedDateUTC") -> datetime:
    """An instant in UTC. Milliseconds are counted in UTC whatever offset is named. Raises ValueError."""
    said = text_of(row.get(name))
    if match := _MS_DATE.fullmatch(said):
        return _instant(match)
    text = said or text_of(row.get(f"{name}String"))
    if not text:
        raise ValueError("it does not say when it changed")
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _instant(match: re.Match[str]) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=int(match[1]))
    except OverflowError:
        raise ValueError(f"{match[0]} is no date") from None


def version_of(row: Row) -> str:
    """When the row last changed, to the millisecond."""
    return instant_of(row).isoformat(timespec="milliseconds")


def contact_id_of(row: Row) -> str:
    """Whose document it is. Raises ValueError when it does not say."""
    found = text_of((row.get("Contact") or {}).get("ContactID"))
    if not found:
        raise ValueError("it does not say whose it is")
    return found


def money_of(row: Row, name: str) -> Money:
    """An amount in the document's currency. Raises ValueError."""
    value = row.get(name)
    amount = value if isinstance(value, Decimal | int | str) and not isinstance(value, bool) else "nothing"
    return Money.of(amount, text_of(row.get("CurrencyCode")))


def _issued_on(row: Row) -> date:
    day = day_of(row, "Date")
    if day is None:
        raise ValueError("it has no date")
    return day


# --- invoices ---------------------------------------------------------------------------------------------------------------------


def is_sale(row: Row) -> bool:
    """Whether it is an invoice to a customer; bills of suppliers come from the same place."""
    return row.get("Type") == SALE


def _late_fee(row: Row) -> str:
    """How the first line is called that charges lateness and is not ours."""
    for line in row.get("LineItems") or ():
        words = text_of(line.get("Description"))
        if our_marks(words):
            continue
        item = text_of((line.get("Item") or {}).get("Name"))
        for name in (words.partition("\n")[0].strip(), item, text_of(line.get("ItemCode"))):
            if names_late_fee(name):
                return name
    return ""


def invoice(row: Row, page_url: str = "") -> Invoice:
    """A sales invoice. `page_url` is its page as it is known from before. Raises ValueError, in words, when it cannot be read."""
    said = text_of(row.get("Status"))
    status, total, due = _STATUS.get(said, DocumentStatus.OPEN), money_of(row, "Total"), money_of(row, "AmountDue")
    issued_on, is_ours = _issued_on(row), bool(our_marks(text_of(row.get("Reference"))))
    return Invoice(
        id=text_of(row["InvoiceID"]),
        number=text_of(row.get("InvoiceNumber")),
        customer_id=contact_id_of(row),
        issued_on=issued_on,
        instalments=(Instalment(1, day_of(row, "DueDate") or issued_on, total, due),),
        status=status,
        reference=text_of(row.get("Reference")),
        do_not_chase="" if said in _STATUS else f"Xero gives the status {said!r}, which is not known here",
        page_url=page_url,
        settled_on=day_of(row, "FullyPaidOnDate") if status is DocumentStatus.PAID else None,
        version=version_of(row),
        is_late_charge=is_ours,
        ledger_late_fee="" if is_ours else _late_fee(row),
    )


def allocations(row: Row) -> tuple[Allocation, ...]:
    """What was used on an invoice: payments, and what was allocated of credit notes, overpayments and prepayments.

    The parts of one credit are one allocation: an invoice does not name them apart. A part without an amount is passed over.
    """
    found: dict[str, Allocation] = {}
    for source, kind, entry, amount in _uses(row):
        if not isinstance(amount, Decimal | int):
            continue
        used = Money.of(amount, text_of(row.get("CurrencyCode")))
        if source in found:
            used += found[source].amount
        on = day_of(entry, "Date") or _issued_on(row)
        found[source] = Allocation(f"{source}/{text_of(row['InvoiceID'])}", text_of(row["InvoiceID"]), source, kind, used, on)
    return tuple(found.values())


def _uses(row: Row) -> Iterator[tuple[str, CreditKind, Row, Any]]:
    for entry in row.get("Payments") or ():
        yield text_of(entry.get("PaymentID")), CreditKind.PAYMENT, entry, entry.get("Amount")
    for name, (key, kind) in _WITHIN.items():
        for entry in row.get(name) or ():
            yield text_of(entry.get(key) or entry.get("ID")), kind, entry, entry.get("AppliedAmount")


def payments_within(row: Row) -> tuple[Payment, ...]:
    """The payments of an invoice; in Xero they are made for it and nothing of them is left."""
    currency, owner = text_of(row.get("CurrencyCode")), contact_id_of(row)
    return tuple(
        Payment(
            id=text_of(entry["PaymentID"]),
            customer_id=owner,
            paid_on=day_of(entry, "Date") or _issued_on(row),
            amount=Money.of(entry["Amount"], currency),
            unapplied=Money.zero(currency),
            reference=text_of(entry.get("Reference")),
        )
        for entry in row.get("Payments") or ()
        if isinstance(entry.get("Amount"), Decimal | int)
    )


# --- credits ----------------------------------------------------------------------------------------------------------------------


def is_credit_of_customer(row: Row) -> bool:
    """Whether it is the customer's: a supplier's are ACCPAYCREDIT, SPEND-… and APOVERPAYMENT or APPREPAYMENT."""
    kind = text_of(row.get("Type"))
    return bool(kind) and not kind.startswith(("ACCPAY", "SPEND", "AP"))


def _rest(row: Row) -> Money:
    """What is left to be used: nothing unless it is approved."""
    total = money_of(row, "Total")
    return money_of(row, "RemainingCredit") if row.get("Status") == "AUTHORISED" else Money.zero(total.currency)


def credit_note(row: Row) -> CreditNote:
    """A credit note. Raises ValueError."""
    return CreditNote(
        id=text_of(row["CreditNoteID"]),
        number=text_of(row.get("CreditNoteNumber")),
        customer_id=contact_id_of(row),
        issued_on=_issued_on(row),
        total=money_of(row, "Total"),
        remaining=_rest(row),
        status=_STATUS.get(text_of(row.get("Status")), DocumentStatus.OPEN),
        version=version_of(row),
    )


def payment(row: Row, stream: str) -> Payment:
    """An overpayment or prepayment: money that was received and is used on invoices bit by bit. Raises ValueError."""
    return Payment(
        id=text_of(row[CREDIT_IDS[stream]]),
        customer_id=contact_id_of(row),
        paid_on=_issued_on(row),
        amount=money_of(row, "Total"),
        unapplied=_rest(row),
        reference=text_of(row.get("Reference")),
        status=_STATUS.get(text_of(row.get("Status")), DocumentStatus.OPEN),
        version=version_of(row),
    )


def unapplied_credit(row: Row, stream: str) -> UnappliedCredit:
    """The rest of a credit. Raises ValueError."""
    kind = CreditKind.CREDIT_NOTE if stream == "credit_notes" else CreditKind.PAYMENT
    number = text_of(row.get("CreditNoteNumber")) or text_of(row.get("Reference"))
    return UnappliedCredit(text_of(row[CREDIT_IDS[stream]]), contact_id_of(row), kind, _rest(row), number, day_of(row, "Date"))


# --- people -----------------------------------------------------------------------------------------------------------------------


def address_of(value: Any) -> str:
    """The first e-mail address in a field."""
    said = text_of(value).replace(";", ",")
    return next((address for _name, address in getaddresses([said]) if "@" in address), said)


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    """Codes by the names that people write, in lower case."""
    named = ((str(code), str(name)) for language in _COUNTRY_LANGUAGES for code, name in Locale(language).territories.items())
    return {name.casefold(): code for code, name in named if len(code) == 2 and code.isalpha()} | _COUNTRY_NICKNAMES


def country_of(row: Row) -> str:
    """The ISO 3166-1 code of the first address with a country. Xero has free text there; empty when it is no country that is known."""
    for address in row.get("Addresses") or ():
        said = text_of(address.get("Country"))
        if said.casefold() in _countries():
            return _countries()[said.casefold()]
        if re.fullmatch(r"[A-Za-z]{2}", said) and said.upper() in Locale("en").territories:
            return said.upper()
    return ""


def _phone_of(row: Row) -> str:
    """The number that a person would dial first."""
    numbers = {text_of(each.get("PhoneType")): each for each in row.get("Phones") or () if text_of(each.get("PhoneNumber"))}
    best = next((numbers[kind] for kind in ("DEFAULT", "DDI", "MOBILE") if kind in numbers), None)
    parts = ("PhoneCountryCode", "PhoneAreaCode", "PhoneNumber")
    return " ".join(filter(None, (text_of(best.get(part)) for part in parts))) if best else ""


def _people(row: Row) -> Iterator[Contact]:
    """The persons of a contact. Xero gives them no id: theirs is the contact's, and their place in its list."""
    for place, person in enumerate(row.get("ContactPersons") or (), 1):
        name = " ".join(filter(None, (text_of(person.get("FirstName")), text_of(person.get("LastName")))))
        role = ContactRole.INVOICE if person.get("IncludeInEmails") is True else ContactRole.GENERAL
        yield Contact(f"{text_of(row['ContactID'])}/{place}", name, address_of(person.get("EmailAddress")), role=role)


def customer(row: Row) -> Customer:
    """A contact with its persons. One that was merged names the other as its parent. Archived ones may still owe. Raises ValueError."""
    erased = row.get("ContactStatus") == "GDPRREQUEST"
    return Customer(
        id=text_of(row["ContactID"]),
        name=text_of(row.get("Name")),
        email=address_of(row.get("EmailAddress")),
        phone=_phone_of(row),
        country=country_of(row),
        groups=tuple(sorted(text_of(group.get("Name")) for group in row.get("ContactGroups") or () if text_of(group.get("Name")))),
        parent_id=text_of(row.get("MergedToContactID")),
        contacts=tuple(_people(row)),
        do_not_chase="This contact asked in Xero to be forgotten (GDPR request)" if erased else "",
        version=version_of(row),
    )


def newest(rows: Sequence[Row]) -> datetime | None:
    """When the newest of these rows changed; rows that do not say it are passed over."""
    found = [at for row in rows if (at := _known_instant(row)) is not None]
    return max(found, default=None)


def _known_instant(row: Row) -> datetime | None:
    try:
        return instant_of(row)
    except ValueError:
        return None
