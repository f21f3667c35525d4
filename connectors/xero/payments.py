"""Payments in Xero that came in on a provider's pay page: recorded on their invoice, once.

A payment in Xero is for one invoice and into one account, which is of type BANK or has "enable payments to this account" switched on
(https://developer.xero.com/documentation/api/accounting/payments). It is made by one PUT and never changed, only deleted, and then still
listed. So those of the invoice are looked at first: the marker begins the Reference, before the provider's own id, for how long a Reference
may be is not documented.
"""

from collections.abc import Sequence
from typing import Any

from ...core.bookings import PaymentReceived, PaymentRecorded, holds_mark
from ...core.errors import PeriodLocked, PolicyProblem, Refused, UnexpectedResponse
from ...core.money import Money
from ...core.port import recordable
from . import mapping
from .charges import Charges, key_of
from .mapping import Row, is_guid, text_of
from .settings import XeroSettings
from .wire import XeroWire

_HINT = "Set `payment_account` under `ledger` to the code or id of a bank account, or of one that payments are enabled for."
_GONE = "DELETED"


class Payments:
    """The recorded payments of one organisation's books. `charges` knows the locks."""

    def __init__(self, wire: XeroWire, settings: XeroSettings, charges: Charges) -> None:
        self._wire = wire
        self._settings = settings
        self._charges = charges

    def check_account(self) -> None:
        """Prove that the account of the policy takes payments. Raises PolicyProblem."""
        wanted = self._settings.payment_account
        named = [row for row in self._wire.accounts() if wanted.lower() in (text_of(row.get("Code")).lower(), row.get("AccountID"))]
        account = next((row for row in named if row.get("Status") == "ACTIVE"), None)
        if account is None:
            raise PolicyProblem(f"Xero has no active account {wanted} to record payments in.", hint=_HINT)
        if account.get("Type") != "BANK" and account.get("EnablePaymentsToAccount") is not True:
            raise PolicyProblem(f"The account {wanted} ({account.get('Name')}) in Xero takes no payments.", hint=_HINT)

    def found(self, payments: Sequence[PaymentReceived]) -> dict[str, PaymentRecorded | Refused]:
        """The payments that stand in the books already, by marker: one call for each invoice."""
        found: dict[str, PaymentRecorded | Refused] = {}
        for invoice_id in dict.fromkeys(payment.invoice_id for payment in payments if is_guid(payment.invoice_id)):
            rows = self._wire.payments_of(invoice_id)
            for payment in payments:
                try:
                    made = _recorded(payment, rows) if payment.invoice_id == invoice_id else None
                except Refused as refused:
                    found[payment.marker] = refused
                else:
                    found |= {payment.marker: made} if made else {}
        return found

    def add(self, payment: PaymentReceived) -> PaymentRecorded:
        """Record a payment on its invoice as that is at this moment. Raises Refused."""
        if not self._settings.payment_account:
            raise Refused("The policy does not say in which account in Xero payments are recorded.", hint=_HINT)
        row = self._fresh(payment)
        if late := _recorded(payment, row.get("Payments") or ()):
            return late  # a write whose answer was lost came through meanwhile
        recordable(payment, mapping.invoice(row))
        if self._charges.is_locked(payment.received_on):
            closed = f"The books in Xero are closed up to {self._charges.locked_until}"
            raise PeriodLocked(f"{closed}; the payment came in on {payment.received_on}.", hint="Record it by hand, on a day that is open.")
        body = self._body(payment)
        made = _recorded(payment, [self._wire.create_payment(body, key_of(payment.marker, body))])
        if made is None:
            raise UnexpectedResponse("Xero recorded a payment without its reference.")
        return made

    def _fresh(self, payment: PaymentReceived) -> Row:
        """The invoice, read right before the payment is recorded."""
        if not is_guid(payment.invoice_id):
            raise Refused(f"Xero has no invoice with the id {payment.invoice_id}.")
        row = self._wire.invoice(payment.invoice_id)
        if not mapping.is_sale(row):
            raise Refused(f"Document {payment.invoice_number} is no sales invoice.")
        return row

    def _body(self, payment: PaymentReceived) -> dict[str, Any]:
        """A payment as it is sent. It is not reconciled: that is done when the provider pays out."""
        wanted = self._settings.payment_account
        return {
            "Invoice": {"InvoiceID": payment.invoice_id},
            "Account": {"AccountID" if is_guid(wanted) else "Code": wanted},
            "Date": payment.received_on.isoformat(),
            "Amount": payment.amount.amount,
            "Reference": f"[{payment.marker}] {payment.reference}",
        }


def _recorded(payment: PaymentReceived, rows: Sequence[Row]) -> PaymentRecorded | None:
    """The payment among those of its invoice. Raises Refused when it is there several times, over another amount, or was deleted."""
    ours = [row for row in rows if holds_mark(text_of(row.get("Reference")), payment.marker)]
    if not ours:
        return None
    standing = [row for row in ours if row.get("Status") != _GONE]
    where = f"on invoice {payment.invoice_number} in Xero"
    if not standing:
        raise Refused(f"The payment {where} was deleted there, and is not recorded again.", hint="Record it by hand if the money is there.")
    if len(standing) > 1:
        raise Refused(f"The same payment stands {len(standing)} times {where}.", hint="Delete all but one of them there.")
    amount = Money.of(standing[0]["Amount"], payment.amount.currency)
    if amount != payment.amount:
        raise Refused(f"The payment {where} is over {amount}, and {payment.amount} came in.", hint="Correct it there.")
    return PaymentRecorded(payment.marker, text_of(standing[0]["PaymentID"]), text_of(standing[0].get("Reference")), amount)
