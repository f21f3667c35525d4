"""The form "Register Payment" as the external API fills it in: opened by one call, carried out by another.

Seen on 17.0 and 18.0-20250421: opening it needs something left to pay, and leaves nothing in the books; carrying it out makes the payment,
posts it and reconciles it with the lines it was opened for, oldest due date first. `communication` becomes the payment's `memo` (`ref`
until 17); the name begins with P and the code of the journal; from 18 on it is `paid` when its invoice is, else `in_process`; in a closed
period the entry gets a later date. What differs from the amount owed stays open where the form says so; it would be written off as early
discount otherwise, which this stand-in does not do.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from .books import StubBooks
from .domain import Row
from .faults import missing_error, value_error
from .invoicing import Invoicing, refusal

_FORM = "account.payment.register"


class Paying:
    """Payments as the API registers them."""

    def __init__(self, books: StubBooks, invoicing: Invoicing) -> None:
        self._books = books
        self._store = books.store
        self._invoicing = invoicing

    def open_form(self, values: Row, context: Row) -> int:
        """The form for the documents of the context. Raises OdooFault."""
        if context.get("active_model") != "account.move":
            raise refusal("UserError", "The register payment wizard should only be called on account.move or account.move.line records.")
        lines = [line for key in context.get("active_ids") or () for line in self._books.term_lines(key)]
        left = [line["id"] for line in lines if line["amount_residual_currency"]]
        if not left:
            said = "You can't register a payment because there is nothing left to pay on the selected journal items."
            raise refusal("UserError", said)
        if values.get("payment_difference_handling") != "open" or not values.get("group_payment"):
            raise value_error("This stand-in registers one payment that writes nothing off")
        return int(self._store.insert(_FORM, {**values, "line_ids": left})["id"])

    def carry_out(self, user: int, key: int, context: Row) -> Any:
        """Make the payment. Raises OdooFault."""
        form = self._store.get(_FORM, key)
        if form is None:
            raise missing_error(_FORM, key, user)
        (move,) = {self._store.value("account.move.line", self._line(line), "move_id") for line in form["line_ids"]}
        document, journal = self._store.get("account.move", move) or {}, self._store.get("account.journal", form["journal_id"]) or {}
        paid_on, amount = date.fromisoformat(form["payment_date"]), Decimal(str(form["amount"]))
        currency = (self._store.get("res.currency", form["currency_id"]) or {})["name"]
        dated_on = self._invoicing.open_day(paid_on, sales=False)
        credit = self._line(
            self._books.add_payment(
                document["commercial_partner_id"], amount, on=dated_on, currency=currency, reference=form["communication"]
            )
        )
        self._books.use(move, credit["id"])
        payment = {
            "name": f"P{journal['code']}/{paid_on.year}/{credit['move_id']:05d}", "amount": amount, "currency_id": form["currency_id"],
            "date": paid_on, "payment_type": "inbound", "partner_id": document["partner_id"], "journal_id": form["journal_id"],
            "move_id": credit["move_id"], "company_id": 1, "state": self._state(document),
            "memo" if self._books.version >= 18 else "ref": form["communication"],
        }  # fmt: skip
        made = self._store.insert("account.payment", payment)["id"]
        self._store.update("account.move", self._store.get("account.move", credit["move_id"]) or {}, {"name": payment["name"]})
        redirect = {"type": "ir.actions.act_window", "res_model": "account.payment", "view_mode": "form", "res_id": made}
        return True if context.get("dont_redirect_to_payments") else redirect

    def _line(self, key: int) -> Row:
        row = self._store.get("account.move.line", key)
        if row is None:
            raise LookupError(f"account.move.line has no {key}")
        return row

    def _state(self, document: Row) -> str:
        if self._books.version < 18:
            return "posted"
        return "paid" if document["payment_state"] == "paid" else "in_process"
