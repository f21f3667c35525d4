"""Late charges in QuickBooks Online: a line on the invoice, or an invoice of their own.

Whatever is written is looked for first by its marker, and carries a request id besides, so that a lost answer makes nothing twice. Notes
cannot be asked for (`PrivateNote` is not queryable), so what was made for the customer since is read and looked through.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from ...core.bookings import ChargeMade, LateCharge, our_marks
from ...core.errors import PeriodLocked, Refused, StaleVersion, UnexpectedResponse
from ...core.money import Money
from ...core.port import chargeable
from ...core.receivables import Invoice
from ..lazily import cached_property
from . import mapping, taxes
from .mapping import Row, text_of
from .reader import QuickBooksReader
from .settings import QuickBooksSettings
from .wire import Wire

LOOK_BACK_DAYS = 92
"""How long before its own day a charge may have been written: a run that is caught up with late, and then some."""
_REQUEST_ID_CHARACTERS = 50
MEMO_CHARACTERS = 1000

Judge = Callable[[Row], Invoice]
"""Makes an invoice of its row."""


def request_id(*parts: str) -> str:
    """An id for one write: the same for the same parts (at most 50 characters: Intuit, "Basic field definitions")."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"puntual-{digest}"[:_REQUEST_ID_CHARACTERS]


class Charges:
    """Late charges in one company's books. `judge` reads a row as an invoice; `today` is the day by our clock."""

    def __init__(self, settings: QuickBooksSettings, wire: Wire, reader: QuickBooksReader, judge: Judge, today: Callable[[], date]) -> None:
        self._settings = settings
        self._wire = wire
        self._reader = reader
        self._judge = judge
        self._today = today

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade]:
        """The charges that stand in the books already, by marker; also one that a person voided, which is then over nothing."""
        invoices = [charge.invoice_id for charge in charges if charge.invoice_id.isdecimal()]
        customers = [charge.customer_id for charge in charges if charge.customer_id.isdecimal()]
        if not invoices:
            return {}
        since = min(charge.charged_on for charge in charges) - timedelta(days=LOOK_BACK_DAYS)
        rows = self._reader.charged(invoices, customers, f"{since.isoformat()}T00:00:00+00:00")
        made = [one for row in rows for one in self._made_in(row)]
        wanted = {charge.marker for charge in charges}
        return {one.marker: one for one in made if one.marker in wanted}

    def _made_in(self, row: Row) -> list[ChargeMade]:
        """Our charges on a document: the document itself, or lines on it."""
        key, number = text_of(row["Id"]), mapping.number_of(row)
        document = [ChargeMade(marker, key, number, False, self._total(row)) for marker in our_marks(text_of(row.get("PrivateNote")))]
        return document + [self._on_invoice(row, line, mark) for line in mapping.lines_of(row) for mark in _marks_of(line)]

    def _total(self, row: Row) -> Money:
        return Money.of(row.get("TotalAmt") or 0, mapping.currency_of(row, self._reader.home_of([row])))

    def _on_invoice(self, row: Row, line: Row, marker: str) -> ChargeMade:
        amount = taxes.with_tax(row, line, self._total(row).currency, self.rates_for(row))
        return ChargeMade(marker, text_of(row["Id"]), mapping.number_of(row), True, amount)

    def rates_for(self, row: Row) -> taxes.Rates:
        """The rates of tax codes where the document's taxes cannot be told apart without them; else none, and nothing is asked."""
        return self._reader.sales_rates if taxes.is_mixed(row) else {}

    # --- writing --------------------------------------------------------------------------------------------------------------

    def add(self, charge: LateCharge) -> ChargeMade:
        """Write a charge on its invoice as it is at this moment. Raises Refused."""
        row = self._fresh(charge)
        if charge.on_invoice and _takes_line(row):
            try:
                return self._add_line(charge, row)
            except PeriodLocked:
                pass  # then a document of its own, which is dated today
        return self._add_document(charge, row)

    def _fresh(self, charge: LateCharge) -> Row:
        """The invoice, read by its id right before it is written on, and judged: a list may show an old version (DotNET-SDK issue 366)."""
        row = self._wire.read("Invoice", charge.invoice_id)
        chargeable(charge, self._judge(row))
        return row

    def _add_line(self, charge: LateCharge, row: Row) -> ChargeMade:
        """A sparse update with all lines. When somebody was faster, the invoice is read and judged anew, once."""
        try:
            return self._line_written(charge, row)
        except StaleVersion:
            row = self._fresh(charge)
        if there := [made for made in self._made_in(row) if made.marker == charge.marker]:
            return there[0]
        return self._line_written(charge, row) if _takes_line(row) else self._add_document(charge, row)

    def _line_written(self, charge: LateCharge, row: Row) -> ChargeMade:
        line = mapping.charge_line(charge.amount.amount, f"{charge.text} [{charge.marker}]", self.item, self._code(charge, row))
        written = self._wire.write("Invoice", mapping.with_line(row, line), request_id(charge.marker, "line", text_of(row["SyncToken"])))
        return self._shown(written, charge)

    def _add_document(self, charge: LateCharge, row: Row) -> ChargeMade:
        """An invoice of its own, for the customer who pays (a job's parent), where it will be looked for. It cites the invoice in words."""
        lines, memo, code = charge.itemised, "\n".join(line.text for line in charge.itemised), self._code(charge, row)
        body = {
            "CustomerRef": {"value": charge.customer_id},
            "TxnDate": charge.charged_on.isoformat(),
            "DueDate": charge.due_on.isoformat(),
            "CurrencyRef": {"value": charge.amount.currency},
            "PrivateNote": f"Puntual: late charge on invoice {charge.invoice_number} [{charge.marker}]",
            "CustomerMemo": {"value": memo[:MEMO_CHARACTERS]},
            "Line": [mapping.charge_line(line.amount.amount, line.text, self.item, code) for line in lines],
            **({"BillEmail": {"Address": row["BillEmail"]["Address"]}} if mapping.addresses_of(row.get("BillEmail")) else {}),
            **(taxes.of_place(row) if code in taxes.US_CODES else {"GlobalTaxCalculation": "TaxExcluded"}),
        }
        written = self._wire.write("Invoice", body, request_id(charge.marker, "document", self._today().isoformat()))
        return self._shown(written, charge)

    def _code(self, charge: LateCharge, row: Row) -> str:
        """The tax code of a charge. Raises Refused when the settings name none that can be one in this company."""
        setting = "charge_tax_code" if charge.is_taxed else "charge_untaxed_code"
        code: str = getattr(self._settings, setting)
        if not code:
            raise Refused("Tax is due on this late charge, and not known which.", hint=f"Name its tax code as `{setting}` in the policy.")
        if code in taxes.US_CODES and taxes.has_ids(row):
            hint = f"Name the Id of a tax code as `{setting}` in the policy."
            raise Refused(f"{code} is no tax code in QuickBooks outside the US.", hint=hint)
        return code

    def _shown(self, written: Row, charge: LateCharge) -> ChargeMade:
        for made in self._made_in(written):
            if made.marker == charge.marker:
                return made
        raise UnexpectedResponse("QuickBooks Online shows a late charge without the mark that was written on it.")

    @cached_property
    def item(self) -> str:
        """The id of the item to charge with, and to credit with. Raises Refused when the settings name none, or none that exists."""
        wanted = self._settings.charge_item
        if not wanted:
            raise Refused("Late charges and credits need a Service item in QuickBooks.", hint="Name it as `charge_item` in the policy.")
        return wanted if wanted.isdecimal() else self._reader.item_named(wanted)


def _marks_of(line: Row) -> tuple[str, ...]:
    return our_marks(text_of(line.get("Description"))) if line.get("DetailType") == "SalesItemLineDetail" else ()


def _takes_line(row: Row) -> bool:
    """Whether a line may be added: nothing is paid or credited, and no discount over the whole would take from it."""
    return mapping.is_untouched(row) and not mapping.has_discount(row)
