"""Late charges in Odoo: each a posted customer invoice of its own, or a debit note of the invoice; or a draft of either.

A posted invoice is left alone, also where a line on it is wanted: resetting it to draft takes its payments off on 16, 17 and 18, and many
localisations forbid it. documents.py says how a charge is made and found again.
"""

from collections.abc import Sequence

from ...core.bookings import ChargeMade, LateCharge
from ...core.errors import Refused, RejectedByLedger
from .documents import Documents, is_begun, number_of, price_of
from .mapping import INVOICE_TYPES, Row, day_of, id_of
from .named import Named
from .settings import OdooSettings


class Charges:
    """The late charges of one company's books."""

    def __init__(self, documents: Documents, named: Named, settings: OdooSettings) -> None:
        self._documents = documents
        self._named = named
        self._settings = settings
        self._begun: dict[str, Row] = {}

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, charges: Sequence[LateCharge]) -> dict[str, ChargeMade | Refused]:
        """The charges that stand in the books already, by marker; also one that a person cancelled or reset to draft."""
        rows = self._documents.marked([charge.marker for charge in charges], INVOICE_TYPES)
        return {marker: answer for marker, some in rows.items() if (answer := self._standing(marker, some))}

    def _standing(self, marker: str, rows: Sequence[Row]) -> ChargeMade | Refused | None:
        # What a lost answer left behind is a draft that never was anything else, where drafts are not wanted.
        begun = [row for row in rows if is_begun(row) and not self._settings.charge_as_draft]
        stands = [row for row in rows if row not in begun]
        counting = [row for row in stands if row["state"] != "cancel"]
        if len(counting) > 1:
            numbers = ", ".join(map(number_of, counting))
            return Refused(
                f"Odoo holds the same late charge {len(counting)} times ({numbers}).", hint="Cancel all but one of them in Odoo."
            )
        if begun:
            self._begun[marker] = begun[0]
        return self._made((counting or stands)[0], marker) if stands else None

    def _made(self, row: Row, marker: str) -> ChargeMade:
        return ChargeMade(marker, str(row["id"]), number_of(row), False, self._documents.money(row, "amount_total"))

    # --- a new one ------------------------------------------------------------------------------------------------------------

    def add(self, charge: LateCharge) -> ChargeMade:
        """Write a charge that stands nowhere yet, or finish one that was begun. Raises Refused; then nothing of it is left in Odoo."""
        self._documents.see_open(charge.charged_on, "charge", taxed=charge.is_taxed)
        begun = self._begun.pop(charge.marker, None)
        row = self._documents.dated(begun, charge.charged_on, charge.due_on) if begun else self._drafted(charge)
        try:
            self._compare(row, charge)
            return self._made(row if self._settings.charge_as_draft else self._documents.post(row, "late charge"), charge.marker)
        except Refused:
            if not begun:
                self._documents.discard(row)
            raise

    def _drafted(self, charge: LateCharge) -> Row:
        common = self._named.line(is_taxed=charge.is_taxed)
        lines = [{**common, **price_of(line.amount), "name": line.text} for line in charge.itemised]
        invoice = self._documents.by_id([charge.invoice_id]).get(charge.invoice_id)
        if invoice is None:
            raise Refused(f"Invoice {charge.invoice_number} is not in Odoo any more.")
        values = {
            "move_type": "out_invoice",
            "invoice_date": charge.charged_on.isoformat(),
            "invoice_date_due": charge.due_on.isoformat(),
            "invoice_line_ids": [[0, 0, line] for line in lines],
            **({"journal_id": self._named.charge_journal} if self._named.charge_journal else {}),
            **({"debit_origin_id": id_of(invoice["id"])} if self._named.is_debit_note else {}),
        }
        return self._documents.draft(invoice, charge.invoice_number, charge.marker, values)

    def _compare(self, row: Row, charge: LateCharge) -> None:
        """See that Odoo made of it what was asked, before it counts. Raises RejectedByLedger."""
        amount, due_on = self._documents.money(row, "amount_untaxed"), day_of(row["invoice_date_due"])
        if amount != charge.amount:
            raise RejectedByLedger(
                f"Odoo makes {amount} of a late charge of {charge.amount}.",
                hint="Its tax may be included in the price, or its prices rounded (Decimal Accuracy, Product Price).",
            )
        total = self._documents.money(row, "amount_total")
        if total != amount and not charge.is_taxed:
            raise RejectedByLedger(f"Odoo makes {total} of a late charge of {charge.amount} that bears no tax.")
        if due_on != charge.due_on:
            raise RejectedByLedger(f"Odoo makes a late charge due on {due_on} that is to be due on {charge.due_on}.")
