"""Payments that came in on a provider's page, recorded in QuickBooks Online and used on their invoices: one write for both.

What was recorded is looked for by its marker among the payments that were made for the customer since (`PrivateNote` is not queryable), and
a request id goes with the write besides.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from ...core.bookings import PaymentReceived, PaymentRecorded, our_marks
from ...core.errors import Refused, UnexpectedResponse
from ...core.money import Money
from ...core.port import recordable
from ..lazily import cached_property
from . import mapping
from .charges import LOOK_BACK_DAYS, Judge, request_id
from .mapping import Row, ref_of, text_of
from .reader import QuickBooksReader
from .settings import QuickBooksSettings
from .wire import Wire

_REFERENCE_CHARACTERS = 21
"""The longest `PaymentRefNum` (Intuit's entity reference, Payment)."""


class Payments:
    """Recorded payments in one company's books. `judge` reads a row as an invoice; `today` is the day by our clock."""

    def __init__(self, settings: QuickBooksSettings, wire: Wire, reader: QuickBooksReader, judge: Judge, today: Callable[[], date]) -> None:
        self._settings = settings
        self._wire = wire
        self._reader = reader
        self._judge = judge
        self._today = today

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        """The payments that stand in the books already, by marker; Refused where a person did something with them."""
        invoices = self._reader.invoices([payment.invoice_id for payment in payments])
        # A payment is made for whom the invoice is made for: it may be a job of the customer.
        customers = {ref_of(row.get("CustomerRef")) for row in invoices}
        customers |= {payment.customer_id for payment in payments if payment.customer_id.isdecimal()}
        if not customers:
            return {}
        since = min(payment.received_on for payment in payments) - timedelta(days=LOOK_BACK_DAYS)
        rows: dict[str, list[Row]] = {payment.marker: [] for payment in payments}
        for row in self._reader.recorded(sorted(customers), f"{since.isoformat()}T00:00:00+00:00"):
            for marker in our_marks(text_of(row.get("PrivateNote"))):
                rows.get(marker, []).append(row)
        return {payment.marker: self._standing(payment, rows[payment.marker]) for payment in payments if rows[payment.marker]}

    def _standing(self, payment: PaymentReceived, rows: Sequence[Row]) -> PaymentRecorded | Refused:
        counting = [row for row in rows if row.get("TotalAmt")]
        numbers = ", ".join(_number_of(row) for row in counting or rows)
        if len(counting) > 1:
            return Refused(f"QuickBooks holds a payment {len(counting)} times ({numbers}).", hint="Delete all but one of them there.")
        if not counting:
            return Refused(f"Payment {numbers} was made void in QuickBooks, and is not recorded again.")
        made = self._shown(payment, counting[0])
        if made.amount != payment.amount:
            said = f"Payment {numbers} is over {made.amount} in QuickBooks, and {payment.amount} came in."
            return Refused(said, hint="Correct it there.")
        return made

    def _shown(self, payment: PaymentReceived, row: Row) -> PaymentRecorded:
        currency = mapping.currency_of(row, self._reader.home_of([row]))
        return PaymentRecorded(payment.marker, text_of(row["Id"]), _number_of(row), Money.of(row["TotalAmt"], currency))

    # --- writing --------------------------------------------------------------------------------------------------------------

    def add(self, payment: PaymentReceived) -> PaymentRecorded:
        """Record a payment on its invoice as that is at this moment. Raises Refused."""
        account, row = self._account, self._fresh(payment)
        body = {
            **mapping.paid_on(row, payment.amount.amount),
            "TxnDate": payment.received_on.isoformat(),
            "CurrencyRef": {"value": payment.amount.currency},
            "DepositToAccountRef": {"value": account},
            "PaymentRefNum": payment.reference[:_REFERENCE_CHARACTERS],
            "PrivateNote": f"Puntual: payment {payment.reference} for invoice {payment.invoice_number} [{payment.marker}]",
        }
        written = self._wire.write("Payment", body, request_id(payment.marker, "payment", self._today().isoformat()))
        if payment.invoice_id not in mapping.documents_in(written, "Invoice") or self._shown(payment, written).amount != payment.amount:
            raise UnexpectedResponse("QuickBooks Online shows another payment than the one that was recorded.")
        return self._shown(payment, written)

    def _fresh(self, payment: PaymentReceived) -> Row:
        """The invoice, read by its id right before something is used on it, and judged."""
        if not payment.invoice_id.isdecimal():
            raise Refused(f"QuickBooks has no invoice with the id {payment.invoice_id}.")
        row = self._wire.read("Invoice", payment.invoice_id)
        recordable(payment, self._judge(row))
        return row

    @cached_property
    def _account(self) -> str:
        wanted = self._settings.payment_account
        if not wanted:
            raise Refused(
                "No account is named on which payments are recorded in QuickBooks.",
                hint="Name it as `payment_account` in the policy: Undeposited Funds, or the provider's own clearing account.",
            )
        return self._reader.deposit_account(wanted)


def _number_of(row: Row) -> str:
    """How people find a payment: by its reference."""
    return text_of(row.get("PaymentRefNum")) or text_of(row["Id"])
