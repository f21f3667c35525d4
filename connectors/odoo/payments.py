"""Payments that came in on a provider's pay page, recorded in Odoo by its own form "Register Payment".

The form is opened by one call, which leaves nothing in the books, and carried out by another: that makes the payment, posts it and
reconciles it with the invoice in one transaction, so there is nothing that could be half done. A payment is found again by its mark in the
memo (`ref` until 17, `memo` from 18 on).
"""

from collections.abc import Mapping, Sequence

from ...core.bookings import PaymentReceived, PaymentRecorded, our_marks
from ...core.errors import LedgerUnavailable, Refused, UnexpectedResponse
from ...core.port import recordable
from .credits import Judge
from .documents import Documents, number_of
from .mapping import Row, id_of, line_reference, text_of
from .named import Named
from .reader import MOVE, OdooReader

_FORM = "account.payment.register"
_TAKEN_BACK = ("draft", "cancel", "canceled", "rejected")
"""States of a payment that does not count: it is posted in the one call that makes it, so a person took it back."""


class Payments:
    """The recorded payments of one company's books."""

    def __init__(self, documents: Documents, named: Named, reader: OdooReader, judge: Judge) -> None:
        self._documents = documents
        self._named = named
        self._reader = reader
        self._judge = judge

    def found(self, payments: Sequence[PaymentReceived]) -> dict[str, PaymentRecorded | Refused]:
        """The payments that stand in the books already, by marker."""
        rows: dict[str, list[Row]] = {payment.marker: [] for payment in payments}
        for row in self._reader.marked_payments(list(rows)):
            for marker in our_marks(text_of(row["memo"])):
                rows.get(marker, []).append(row)
        lines = self._lines([row for several in rows.values() for row in several])
        return {payment.marker: self._standing(payment, rows[payment.marker], lines) for payment in payments if rows[payment.marker]}

    def _lines(self, rows: Sequence[Row]) -> Mapping[int, int]:
        """The receivable line of each payment, by its entry; the line is what is read as the payment."""
        moves = [id_of(row["move_id"]) for row in rows if id_of(row["move_id"])]
        return {id_of(line["move_id"]): line["id"] for line in self._reader.receivable_lines(moves)} if moves else {}

    def _standing(self, payment: PaymentReceived, rows: Sequence[Row], lines: Mapping[int, int]) -> PaymentRecorded | Refused:
        counting = [row for row in rows if row["state"] not in _TAKEN_BACK]
        numbers = ", ".join(map(number_of, counting or rows))
        if len(counting) > 1:
            return Refused(f"Odoo holds the same payment {len(counting)} times ({numbers}).", hint="Cancel all but one of them in Odoo.")
        if not counting:
            return Refused(f"Payment {numbers} was taken back in Odoo, and is not recorded again.")
        row = counting[0]
        amount = self._documents.money(row, "amount")
        if amount != payment.amount:
            return Refused(f"Payment {numbers} is over {amount} in Odoo, and {payment.amount} came in.")
        line = lines.get(id_of(row["move_id"]))
        return PaymentRecorded(payment.marker, line_reference(line) if line else f"account.payment,{row['id']}", numbers, amount)

    def add(self, payment: PaymentReceived) -> PaymentRecorded:
        """Record a payment on its invoice as that is at this moment. Raises Refused; then nothing of it is in Odoo.

        The amount is the whole of what came in, and what it leaves of the invoice stays open whatever discount its terms grant.
        """
        journal = self._named.payment_journal
        invoice = recordable(payment, self._judge(payment.invoice_id))
        self._documents.see_open(payment.received_on, "payment", sales=False)
        context = {**self._reader.company_context, "active_model": MOVE, "active_ids": [int(invoice.id)]}
        values = {
            "journal_id": journal,
            "amount": float(payment.amount.amount),
            "currency_id": self._reader.currency_id(payment.amount.currency),
            "payment_date": payment.received_on.isoformat(),
            "communication": f"{payment.reference} {payment.invoice_number} [{payment.marker}]",
            "payment_difference_handling": "open",
            "group_payment": True,
        }
        form = self._reader.wire.execute(_FORM, "create", reads=True, vals_list=[values], context=context)
        if not isinstance(form, list) or len(form) != 1:
            raise UnexpectedResponse("Odoo does not open its form to register a payment.")
        context["dont_redirect_to_payments"] = True
        self._reader.wire.execute(_FORM, "action_create_payments", form, context=context)
        made = self.found([payment]).get(payment.marker)
        if made is None:
            raise LedgerUnavailable("Odoo does not show a payment yet that it has just made.")
        if isinstance(made, Refused):
            raise made
        return made
