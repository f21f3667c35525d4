"""What the external API lets a user with the group Invoicing do to documents: make a draft, post it, delete it while it is one.

Seen on 17.0 and 18.0-20250421: a price is rounded to two decimals before anything else; a line without `tax_ids` may get default taxes (16
adds them, 17 and 18 did not: here they come, which is the harder case); a payment term overrides a due date; the user is the salesperson
where none is named; a draft has no number (`/` until 17); a document in a closed period is posted with a later accounting date, and is
refused when the books are closed up to today; what was posted is not deleted.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .books import CURRENCIES, StubBooks
from .domain import Row
from .faults import OdooFault, missing_error, value_error

_CENT = Decimal("0.01")
_DEFAULT_TAX = 1
_LINKS = {
    "partner_id": "res.partner", "currency_id": "res.currency", "journal_id": "account.journal", "invoice_user_id": "res.users",
    "debit_origin_id": "account.move", "account_id": "account.account", "product_id": "product.product",
    "invoice_payment_term_id": "account.payment.term", "fiscal_position_id": "account.fiscal.position",
}  # fmt: skip


class Invoicing:
    """Documents as the API makes them."""

    def __init__(self, books: StubBooks) -> None:
        self._books = books
        self._store = books.store

    def create(self, user: int, values: Row) -> int:
        """A draft invoice with its lines. Raises OdooFault."""
        commands = values.get("invoice_line_ids") or []
        self._see_links(user, values)
        head = {field: value for field, value in values.items() if field != "invoice_line_ids"}
        journal = self._store.get("account.journal", head.get("journal_id")) or {}
        if head.get("move_type") != "out_invoice" or journal.get("type") != "sale":
            raise _refusal("ValidationError", "Cannot create a sale document in a non sale journal")
        code = str((self._store.get("res.currency", head["currency_id"]) or {})["name"])
        lines = [self._priced(user, command, code) for command in commands]
        untaxed = sum((net for _line, net, _tax in lines), Decimal(0))
        total = untaxed + sum((tax for _line, _net, tax in lines), Decimal(0))
        move = self._insert(user, head, untaxed, total)
        for line, _net, _tax in lines:
            self._books.add_goods(move, line)
        return move

    def _insert(self, user: int, head: Row, untaxed: Decimal, total: Decimal) -> int:
        """The document with its receivable line."""
        partner = self._store.get("res.partner", head["partner_id"]) or {}
        issued_on = date.fromisoformat(head["invoice_date"])
        due_on = date.fromisoformat(head.get("invoice_date_due") or head["invoice_date"])
        term = head.get("invoice_payment_term_id", partner.get("property_payment_term_id"))
        fixed = {
            "state": "draft", "payment_state": "not_paid", "company_id": 1, "access_token": False, "posted_before": False,
            "name": False if self._books.version >= 18 else "/", "commercial_partner_id": partner["commercial_partner_id"],
            "invoice_date": issued_on, "date": issued_on, "invoice_date_due": issued_on if term else due_on,
            "invoice_payment_term_id": term, "amount_untaxed": untaxed, "amount_total": total, "amount_residual": total,
        }  # fmt: skip
        move = self._store.insert("account.move", {"invoice_user_id": user, **head, **fixed})
        self._books.add_term_line(move, total, fixed["invoice_date_due"])
        return int(move["id"])

    def _see_links(self, user: int, values: Row) -> None:
        for field, model in _LINKS.items():
            if values.get(field) and self._store.get(model, values[field]) is None:
                raise missing_error(model, values[field], user)

    def _priced(self, user: int, command: Any, currency: str) -> tuple[Row, Decimal, Decimal]:
        """The values of a line, what it comes to without tax, and its taxes."""
        if not isinstance(command, list) or len(command) != 3 or command[:2] != [0, 0] or not isinstance(command[2], dict):
            raise value_error(f"Wrong value for invoice_line_ids: {command!r}")
        line = dict(command[2])
        self._see_links(user, line)
        if (self._store.get("account.account", line.get("account_id")) or {}).get("account_type") == "asset_receivable":
            raise _refusal("UserError", "Any journal item on a receivable account must have a due date and vice versa.")
        smallest = Decimal(1).scaleb(-CURRENCIES[currency])
        price = Decimal(str(line.get("price_unit") or 0)).quantize(_CENT, ROUND_HALF_UP)
        net = (price * Decimal(str(line.get("quantity", 1)))).quantize(smallest, ROUND_HALF_UP)
        chosen = _set_by(line["tax_ids"]) if "tax_ids" in line else [_DEFAULT_TAX]
        tax = Decimal(0)
        for row in (self._tax(user, key) for key in chosen):
            share = Decimal(row["amount"]) / 100
            part = (net - net / (1 + share) if row["price_include"] else net * share).quantize(smallest, ROUND_HALF_UP)
            net, tax = (net - part if row["price_include"] else net), tax + part
        line |= {"price_unit": price, "price_subtotal": net, "tax_ids": chosen, "quantity": Decimal(str(line.get("quantity", 1)))}
        return line, net, tax

    def _tax(self, user: int, key: int) -> Mapping[str, Any]:
        row = self._store.get("account.tax", key)
        if row is None:
            raise missing_error("account.tax", key, user)
        return row

    def post(self, move: Row) -> None:
        """Give a draft its number. Raises OdooFault."""
        if move["state"] != "draft":
            raise _refusal("UserError", f"The entry {move['name']} (id {move['id']}) must be in draft.")
        lines = self._store.by("account.move.line", "move_id", move["id"])
        if not any(line["display_type"] == "product" for line in lines):
            raise _refusal("UserError", "You need to add a line before posting.")
        locked = self._locked_until(taxed=any(line.get("tax_ids") for line in lines))
        if locked and move["date"] <= locked:
            if locked >= self._store.instant().date():
                raise _refusal("UserError", f"You cannot add/modify entries prior to and inclusive of: Global Lock Date ({locked}).")
            self._store.update("account.move", move, {"date": locked + timedelta(days=1)})
        self._books.post(move["id"])

    def _locked_until(self, *, taxed: bool) -> date | None:
        company = self._store.get("res.company", 1) or {}
        fields = ["period_lock_date", "fiscalyear_lock_date", "sale_lock_date", "hard_lock_date", *(["tax_lock_date"] if taxed else [])]
        return max(filter(None, map(company.get, fields)), default=None)

    def unlink(self, move: Row) -> None:
        """Delete a draft for good. Raises OdooFault."""
        if move["state"] == "posted":
            raise _refusal("UserError", "You can't delete a posted journal item. Don't play games with your accounting records.")
        self._books.unlink(move["id"])


def _set_by(commands: Any) -> list[int]:
    """The ids that commands on an empty many2many leave there."""
    found: list[int] = []
    for command in commands:
        if command[0] == 6:
            found = list(command[2])
        elif command[0] == 5:
            found = []
        elif command[0] == 4:
            found.append(command[1])
        else:
            raise value_error(f"Wrong value for tax_ids: {command!r}")
    return found


def _refusal(name: str, message: str) -> OdooFault:
    return OdooFault(f"odoo.exceptions.{name}", message, 422)
