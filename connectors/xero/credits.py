"""Credits in Xero: a late charge of ours that nobody touched is made void, anything else gets a credit note that is allocated to it.

A credit note is made by one PUT and allocated by another (https://developer.xero.com/documentation/api/accounting/creditnotes): two
writes, of which the second may be missing. So the note is looked for first by its Reference, the marker alone, and what its allocations say
decides whether it has to be used still. Xero refuses to make void what is paid or credited, and to allocate more than is owed.

The note has a line for each account and tax of the document, which bear its taxes in proportion (shares.py says why).
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from ...core.bookings import CreditMade, CreditWanted, holds_mark, our_marks
from ...core.errors import PeriodLocked, Refused, RejectedByLedger, UnexpectedResponse
from ...core.port import creditable
from . import mapping
from .charges import Charges, key_of, marked_with, reference_of, tracking_of
from .mapping import Row, day_of, is_guid, text_of
from .shares import Share, shares
from .wire import XeroWire

_COUNTS = ("AUTHORISED", "PAID")


class Credits:
    """The credits of one organisation's books. `charges` knows the locks; `today` is our day."""

    def __init__(self, wire: XeroWire, charges: Charges, today: Callable[[], date]) -> None:
        self._wire = wire
        self._charges = charges
        self._today = today

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, wanted: Sequence[CreditWanted]) -> dict[str, CreditMade | Refused]:
        """The credits that stand in the books already, by marker: one call for the documents, and one for each credit."""
        ids = [credit.document_id for credit in wanted if is_guid(credit.document_id)]
        rows = {text_of(row["InvoiceID"]): row for row in self._wire.by_id("invoices", ids)} if ids else {}
        found: dict[str, CreditMade | Refused] = {}
        for credit in wanted:
            try:
                made = self._by_note(credit) or _by_void(credit, rows.get(credit.document_id, {}))
            except Refused as refused:
                found[credit.marker] = refused
            else:
                found |= {credit.marker: made} if made else {}
        return found

    def _by_note(self, credit: CreditWanted) -> CreditMade | None:
        """The credit note with this Reference, which is used on its document now if it was not yet. Raises Refused when that cannot be."""
        listed = self._wire.listing("credit_notes", where=marked_with(credit.marker)).rows
        rows = [row for row in listed if row.get("Type") == mapping.SALE_CREDIT]
        if not rows:
            return None
        note = _the_one(rows)
        number, total = text_of(note.get("CreditNoteNumber")), mapping.money_of(note, "Total")
        if total != credit.amount:
            raise Refused(f"Credit note {number} is over {total}, the credit over {credit.amount}.")
        if credit.document_id in _used_on(note):
            return _shown(credit, note)
        if mapping.money_of(note, "RemainingCredit") != total:
            hint = f"Allocate it to {credit.document_number} there."
            raise Refused(f"Credit note {number} for {credit.document_number} is used on something else in Xero.", hint=hint)
        return self._allocate(credit, note, self._fresh_for(credit, number))

    def _fresh_for(self, credit: CreditWanted, number: str) -> Row:
        try:
            return self._fresh(credit)
        except Refused as refused:
            said = f"Credit note {number} was made and is used on nothing. {refused.detail}"
            raise Refused(said, hint="Allocate it, or make it void, in Xero.") from refused

    # --- a new one ------------------------------------------------------------------------------------------------------------

    def add(self, credit: CreditWanted) -> CreditMade:
        """Credit a document as it is at this moment. Raises Refused.

        What may not be made void because its period is locked gets a credit note of a later day instead.
        """
        row = self._fresh(credit)
        if _is_whole(credit, row) and not self._charges.is_locked(day_of(row, "Date")):
            return self._void(credit, row)
        return self._allocate(credit, self._note(credit, row), row)

    def _fresh(self, credit: CreditWanted) -> Row:
        """The document, read right before it is credited, and judged."""
        if not is_guid(credit.document_id):
            raise Refused(f"Xero has no document with the id {credit.document_id}.")
        row = self._wire.invoice(credit.document_id)
        if not mapping.is_sale(row):
            raise Refused(f"Document {credit.document_number} is no sales invoice.")
        creditable(credit, mapping.invoice(row))
        return row

    def _void(self, credit: CreditWanted, row: Row) -> CreditMade:
        change = {"Status": "VOIDED"}
        key = key_of(credit.marker, [mapping.version_of(row), change])
        written = self._wire.update_invoice(credit.document_id, change, key)
        made = _by_void(credit, {**row, "Status": written.get("Status")})
        if made is None:
            raise UnexpectedResponse(f"Xero left a late charge {written.get('Status')} that was made void.")
        return made

    def _note(self, credit: CreditWanted, row: Row) -> Row:
        """A new credit note over exactly the amount. Raises PeriodLocked; and RejectedByLedger, and makes it void again, when Xero makes
        another amount of it."""
        if self._charges.is_locked(credit.dated_on):
            closed = f"The books in Xero are closed up to {self._charges.locked_until}"
            raise PeriodLocked(f"{closed}; the credit would be dated {credit.dated_on}.")
        body = _body(credit, row)
        note = self._wire.create_credit_note(body, key_of(credit.marker, body))
        if mapping.money_of(note, "Total") != credit.amount:
            self._wire.void_credit_note(text_of(note["CreditNoteID"]), key_of(credit.marker, "void"))
            raise RejectedByLedger(f"Xero made {note.get('Total')} of a credit of {credit.amount}; it was made void again.")
        return note

    def _allocate(self, credit: CreditWanted, note: Row, row: Row) -> CreditMade:
        """Use a credit note on its document. The key follows both, for a person may take it back and the same be wanted again."""
        day = max(self._today(), credit.dated_on)
        invoice = {"InvoiceID": credit.document_id}
        allocation = {"Invoice": invoice, "Amount": credit.amount.amount, "Date": day.isoformat()}
        key = key_of(credit.marker, [mapping.version_of(note), mapping.version_of(row), allocation])
        self._wire.allocate_credit_note(text_of(note["CreditNoteID"]), allocation, key)
        return _shown(credit, note)


def _body(credit: CreditWanted, row: Row) -> dict[str, Any]:
    """A credit note as it is sent. The amounts are with tax, so its lines say that the tax is within. Raises Refused."""
    cites = "" if holds_mark(credit.text, credit.document_number) else f" ({credit.document_number})"
    theme = {"BrandingThemeID": row["BrandingThemeID"]} if row.get("BrandingThemeID") else {}
    is_taxed = row.get("LineAmountTypes") != "NoTax"
    return {
        "Type": mapping.SALE_CREDIT,
        "Status": "AUTHORISED",
        "Contact": {"ContactID": mapping.contact_id_of(row)},
        "Date": credit.dated_on.isoformat(),
        "Reference": reference_of(credit.marker),
        "CurrencyCode": credit.amount.currency,
        "LineAmountTypes": "Inclusive" if is_taxed else "NoTax",
        "LineItems": [{**_line(share, row, is_taxed), "Description": credit.text + cites} for share in shares(credit, row)],
        **theme,
    }


def _line(share: Share, row: Row, is_taxed: bool) -> dict[str, Any]:
    """A line of a credit note, without words: where its share was sold to, and with that much of its tax, to the cent."""
    like = share.like
    account = {name: like[name] for name in ("AccountCode", "AccountID") if like.get(name)}
    if "AccountCode" in account:
        account.pop("AccountID", None)
    tax = {"TaxAmount": share.tax.amount} if is_taxed else {}
    tax |= {"TaxType": like["TaxType"]} if like.get("TaxType") else {}
    tracking = tracking_of({"LineItems": [like]}) or tracking_of(row)
    return {"Quantity": 1, "UnitAmount": share.amount.amount, **account, **tax, "Tracking": tracking}


def _the_one(rows: Sequence[Row]) -> Row:
    """The credit note that counts. Raises Refused when there are several, or a person made it void."""
    counting = [row for row in rows if row.get("Status") in _COUNTS]
    numbers = ", ".join(text_of(row.get("CreditNoteNumber")) for row in counting or rows)
    if len(counting) > 1:
        raise Refused(f"Xero holds the same credit {len(counting)} times ({numbers}).", hint="Void all but one of them in Xero.")
    if not counting:
        raise Refused(f"Credit note {numbers} was made void in Xero, and is not made again.")
    return counting[0]


def _used_on(note: Row) -> set[str]:
    """The invoices that a credit note is allocated to; what was taken back may still be listed."""
    uses = [use for use in note.get("Allocations") or () if not use.get("IsDeleted")]
    return {text_of((use.get("Invoice") or {}).get("InvoiceID")) for use in uses}


def _shown(credit: CreditWanted, note: Row) -> CreditMade:
    return CreditMade(credit.marker, text_of(note["CreditNoteID"]), text_of(note.get("CreditNoteNumber")), mapping.money_of(note, "Total"))


def _is_whole(credit: CreditWanted, row: Row) -> bool:
    """Whether the credit takes away all of a document of ours on which nothing was paid or credited."""
    untouched = not any(row.get(name) for name in ("AmountPaid", "AmountCredited"))
    return bool(our_marks(text_of(row.get("Reference")))) and untouched and mapping.money_of(row, "Total") == credit.amount


def _by_void(credit: CreditWanted, row: Row) -> CreditMade | None:
    """The credit by a document of ours that is void, by whomever; nothing is owed on it."""
    if row.get("Status") != "VOIDED" or not our_marks(text_of(row.get("Reference"))):
        return None
    return CreditMade(credit.marker, text_of(row["InvoiceID"]), text_of(row.get("InvoiceNumber")), credit.amount, is_void=True)
