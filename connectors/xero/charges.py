"""Late charges in Xero: a line on the invoice where that is wanted and allowed, else an invoice of its own.

What Xero allows (https://developer.xero.com/documentation/api/accounting/invoices, "Updating Invoices"): an approved invoice takes a new
line while nothing is paid or credited and no lock date covers it; a line that is left out of an update is deleted. There is no way to say
"only if it has not changed": the moment between reading and writing is kept short, and what comes back is compared.

An own invoice is made by PUT, which only creates, and without a number, which Xero gives. Its Reference is the marker alone, so that it can
be looked up by equality, which is the one search that Xero answers quickly and exactly.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from ...core.bookings import ChargeMade, LateCharge, holds_mark
from ...core.errors import PeriodLocked, Refused, RejectedByLedger
from ...core.money import Money
from ..lazily import cached_property
from . import mapping
from .mapping import Row, day_of, is_guid, text_of
from .settings import NO_TAX, XeroSettings
from .wire import XeroWire

_LINE_FIELDS = (
    "LineItemID", "Description", "Quantity", "UnitAmount", "AccountCode", "TaxType", "TaxAmount", "DiscountRate", "DiscountAmount",
    "ItemCode", "Tracking",
)  # fmt: skip
_COUNTS = ("AUTHORISED", "PAID")


def key_of(marker: str, request: Any) -> str:
    """The Idempotency-Key of a write: the same for the same write only. Xero answers another request under a known key with an error."""
    return hashlib.sha256(f"{marker}\n{json.dumps(request, sort_keys=True, default=str)}".encode()).hexdigest()


class Charges:
    """The late charges of one organisation's books."""

    def __init__(self, wire: XeroWire, settings: XeroSettings) -> None:
        self._wire = wire
        self._settings = settings

    @cached_property
    def locked_until(self) -> date | None:
        """The last day that is closed by either lock date. (Advisers may write before the period lock date; we never do.)"""
        row = self._wire.organisation()
        return max(filter(None, (day_of(row, "PeriodLockDate"), day_of(row, "EndOfYearLockDate"))), default=None)

    def is_locked(self, day: date | None) -> bool:
        """Whether nothing that is dated so may change."""
        return day is None or (self.locked_until is not None and day <= self.locked_until)

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, charges: Sequence[LateCharge]) -> dict[str, ChargeMade | Refused]:
        """The charges that stand in the books already, by marker: one call for all lines, and one for each that is no line."""
        ids = [charge.invoice_id for charge in charges if is_guid(charge.invoice_id)]
        rows = {text_of(row["InvoiceID"]): row for row in self._wire.by_id("invoices", ids)} if ids else {}
        found: dict[str, ChargeMade | Refused] = {}
        for charge in charges:
            row = rows.get(charge.invoice_id, {})
            made = self._line_of(row, charge.marker) or self._document_of(charge.marker)
            if made:
                found[charge.marker] = made
        return found

    def _line_of(self, row: Row, marker: str) -> ChargeMade | None:
        line = next((line for line in row.get("LineItems") or () if holds_mark(text_of(line.get("Description")), marker)), None)
        return _made_as_line(row, line, marker) if line else None

    def _document_of(self, marker: str) -> ChargeMade | Refused | None:
        """The invoice with this Reference. One that a person made void was made all the same."""
        rows = [row for row in self._wire.listing("invoices", where=marked_with(marker)).rows if mapping.is_sale(row)]
        counting = [row for row in rows if row.get("Status") in _COUNTS]
        if len(counting) > 1:
            numbers = ", ".join(text_of(row.get("InvoiceNumber")) for row in counting)
            return Refused(f"Xero holds the same late charge {len(counting)} times ({numbers}).", hint="Void all but one of them in Xero.")
        chosen = next(iter([*counting, *rows]), None)
        return _made_as_document(chosen, marker) if chosen else None

    # --- a new one ------------------------------------------------------------------------------------------------------------

    def add(self, charge: LateCharge) -> ChargeMade:
        """Write a charge that is nowhere yet. Raises Refused."""
        self._check_settings(charge)
        row = self._wire.invoice(charge.invoice_id)
        return (self._added_line(row, charge) if charge.on_invoice and self._takes_line(row, charge) else None) or self._added_document(
            row, charge
        )

    def _check_settings(self, charge: LateCharge) -> None:
        """Raises Refused when the policy does not name the account to charge to, or the tax that is due. NONE is no tax."""
        if not self._settings.charge_account:
            raise Refused(
                "The policy does not say to which account in Xero late charges go.",
                hint="Set `charge_account` under `ledger` to the code of an income account.",
            )
        if charge.is_taxed and self._settings.charge_tax_type in ("", NO_TAX):
            raise Refused(
                f"Tax is due on the late charge on {charge.invoice_number}, and the policy does not say which of Xero's tax types it is.",
                hint="Set `charge_tax_type` under `ledger` to that TaxType, such as OUTPUT2.",
            )

    def _tax_type(self, charge: LateCharge) -> str:
        return self._settings.charge_tax_type if charge.is_taxed else self._settings.charge_untaxed_type

    def _takes_line(self, row: Row, charge: LateCharge) -> bool:
        """Whether Xero allows one more line, and the line would come to the amount of the charge and bear its tax."""
        untouched = not any(row.get(name) for name in ("AmountPaid", "AmountCredited"))
        fits = _takes_tax(text_of(row.get("LineAmountTypes")), charge, self._tax_type(charge))
        return row.get("Status") == "AUTHORISED" and untouched and fits and not self.is_locked(day_of(row, "Date"))

    def _added_line(self, row: Row, charge: LateCharge) -> ChargeMade | None:
        """One more line, all others sent again as they are. None when Xero does not take it, or changed anything else and was set right."""
        kept = [_as_sent(line) for line in row.get("LineItems") or ()]
        line = {**self._line(row, charge, charge.amount), "Description": f"{charge.text} [{charge.marker}]"}
        try:
            after = self._write_lines(row, charge.marker, [*kept, line])
        except Refused:
            return None
        made = self._line_of(after, charge.marker)
        if made is not None and _only_that_was_added(row, after, charge):
            return made
        self._repair(row, charge, kept)
        return None

    def _write_lines(self, row: Row, marker: str, lines: Sequence[Row]) -> Row:
        changes = {"LineAmountTypes": row.get("LineAmountTypes"), "LineItems": list(lines)}
        invoice_id = text_of(row["InvoiceID"])
        return self._wire.update_invoice(invoice_id, changes, key_of(marker, [mapping.version_of(row), changes]))

    def _repair(self, row: Row, charge: LateCharge, kept: Sequence[Row]) -> None:
        """Put the invoice's own lines back. Raises RejectedByLedger when they do not come to what they were."""
        restored = self._write_lines(row, f"{charge.marker} taken back", kept)
        if (restored.get("Total"), _amounts(restored)) != (row.get("Total"), _amounts(row)):
            raise RejectedByLedger(
                f"Xero changed other lines of invoice {charge.invoice_number} when a late charge was added, and did not change them back.",
                hint=f"Look at the lines of {charge.invoice_number} in Xero: its total was {row.get('Total')}.",
            )

    def _added_document(self, row: Row, charge: LateCharge) -> ChargeMade:
        if self.is_locked(charge.charged_on):
            raise PeriodLocked(f"The books in Xero are closed up to {self.locked_until}; the charge would be dated {charge.charged_on}.")
        document = self._document(row, charge)
        made = self._wire.create_invoice(document, key_of(charge.marker, document))
        if mapping.money_of(made, "SubTotal") != charge.amount or (made.get("TotalTax") and not charge.is_taxed):
            self._wire.update_invoice(text_of(made["InvoiceID"]), {"Status": "VOIDED"}, key_of(charge.marker, "void"))
            came_to = f"{made.get('SubTotal')} and {made.get('TotalTax') or 'no'} tax"
            taxed = "with" if charge.is_taxed else "without"
            raise RejectedByLedger(
                f"Xero made {came_to} of a late charge of {charge.amount} {taxed} tax; it was made void again.",
                hint="See to `charge_tax_type` and `charge_untaxed_type` in the policy.",
            )
        return _made_as_document(made, charge.marker)

    def _document(self, row: Row, charge: LateCharge) -> dict[str, Any]:
        lines = [{**self._line(row, charge, line.amount), "Description": line.text} for line in charge.itemised]
        theme = {"BrandingThemeID": row["BrandingThemeID"]} if row.get("BrandingThemeID") else {}
        return {
            "Type": mapping.SALE,
            "Status": "AUTHORISED",
            "Contact": {"ContactID": mapping.contact_id_of(row)},
            "Date": charge.charged_on.isoformat(),
            "DueDate": charge.due_on.isoformat(),
            "Reference": reference_of(charge.marker),
            "CurrencyCode": charge.amount.currency,
            "LineAmountTypes": "NoTax" if self._tax_type(charge) == NO_TAX else "Exclusive",
            "LineItems": lines,
            **theme,
        }

    def _line(self, row: Row, charge: LateCharge, amount: Money) -> dict[str, Any]:
        """A line of a charge, without words."""
        line = {"Quantity": 1, "UnitAmount": amount.amount, "AccountCode": self._settings.charge_account}
        return {**line, "TaxType": self._tax_type(charge), "Tracking": tracking_of(row)}


def tracking_of(row: Row) -> list[Any]:
    """The tracking of a document's lines, which a new line takes over: some organisations want every line tracked."""
    found: Sequence[Any] = next((line["Tracking"] for line in row.get("LineItems") or () if line.get("Tracking")), [])
    return [_without_nulls(each) for each in found]


def reference_of(marker: str) -> str:
    """The Reference of a charge's own invoice; no word besides, so that nothing that changes can hide it."""
    return f"[{marker}]"


def marked_with(marker: str) -> str:
    """The question for documents with this Reference."""
    quoted = reference_of(marker).replace("\\", "\\\\").replace('"', '\\"')
    return f'Reference=="{quoted}"'


def _takes_tax(kind: str, charge: LateCharge, tax_type: str) -> bool:
    """Whether a line of a document of this kind bears the charge's tax, or none, on top of its amount.

    With tax within the prices a taxed line would lose it from its amount; a document without tax bears none, and says of no line why.
    """
    if charge.is_taxed:
        return kind == "Exclusive"
    return kind != "NoTax" or tax_type == NO_TAX


def _made_as_line(row: Row, line: Row, marker: str) -> ChargeMade:
    tax = line.get("TaxAmount") if row.get("LineAmountTypes") == "Exclusive" else 0
    amount = Money.of(Decimal(line["LineAmount"]) + Decimal(tax or 0), text_of(row.get("CurrencyCode")))
    return ChargeMade(marker, text_of(row["InvoiceID"]), text_of(row.get("InvoiceNumber")), True, amount)


def _made_as_document(row: Row, marker: str) -> ChargeMade:
    return ChargeMade(marker, text_of(row["InvoiceID"]), text_of(row.get("InvoiceNumber")), False, mapping.money_of(row, "Total"))


def _as_sent(line: Row) -> dict[str, Any]:
    """A line as it has to be sent again to stay as it is. Its amount is left to Xero, which refuses one that it rounds otherwise."""
    sent = {name: line[name] for name in _LINE_FIELDS if line.get(name) is not None}
    if "DiscountRate" in sent:
        sent.pop("DiscountAmount", None)
    if not sent.get("AccountCode") and line.get("AccountID"):
        sent["AccountID"] = line["AccountID"]
    return {name: _without_nulls(value) for name, value in sent.items()}


def _without_nulls(value: Any) -> Any:
    """The same without fields that are null, which xero-python cannot send."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _amounts(row: Row) -> dict[str, tuple[Any, Any]]:
    """What each line comes to, and its tax."""
    return {text_of(line.get("LineItemID")): (line.get("LineAmount"), line.get("TaxAmount") or 0) for line in row.get("LineItems") or ()}


def _only_that_was_added(before: Row, after: Row, charge: LateCharge) -> bool:
    """Whether every old line is what it was, and the total rose by the new line and its tax; by no tax where none is due."""
    old, new = _amounts(before), _amounts(after)
    added = [amounts for key, amounts in new.items() if key not in old]
    if len(added) != 1 or any(new.get(key) != amounts for key, amounts in old.items()):
        return False
    line, tax = added[0]
    if tax and not charge.is_taxed:
        return False
    rise = line + (tax if before.get("LineAmountTypes") == "Exclusive" else 0)
    return bool(line == charge.amount.amount and after.get("Total") == before["Total"] + rise)
