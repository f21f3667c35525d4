"""What the external API lets a user with the group Invoicing do to documents: make a draft, put right its tax, post it, cancel it, delete a
draft, use a credit note on an invoice.

Seen on 17.0 and 18.0-20250421: a price is rounded to two decimals before anything else; a line without `tax_ids` may get default taxes (16
adds them, 17 and 18 did not: here they come, which is the harder case); a tax that rounds to nothing leaves no tax line, any other may be
overwritten on a draft, and the total follows; a payment term overrides a due date; the user is the salesperson where none is named; a draft
has no number (`/` until 17); a document in a closed period is posted with a later accounting date, and is refused when the books are closed
up to today; a credit note that names what it reverses is reconciled with it as it is posted; a posted document is cancelled by one call,
but in a closed period or under a hash it is refused; what was posted is not deleted.
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
_TYPES = {"out_invoice": -1, "out_refund": 1}
"""The sign of goods and taxes in the entry of each type of document."""
_LINKS = {
    "partner_id": "res.partner", "currency_id": "res.currency", "journal_id": "account.journal", "invoice_user_id": "res.users",
    "debit_origin_id": "account.move", "account_id": "account.account", "product_id": "product.product",
    "invoice_payment_term_id": "account.payment.term", "fiscal_position_id": "account.fiscal.position", "reversed_entry_id": "account.move",
}  # fmt: skip


class Invoicing:
    """Documents as the API makes them."""

    def __init__(self, books: StubBooks) -> None:
        self._books = books
        self._store = books.store

    # --- drafts ---------------------------------------------------------------------------------------------------------------

    def create(self, user: int, values: Row) -> int:
        """A draft document with its lines. Raises OdooFault."""
        commands = values.get("invoice_line_ids") or []
        self._see_links(user, values)
        head = {field: value for field, value in values.items() if field != "invoice_line_ids"}
        journal = self._store.get("account.journal", head.get("journal_id")) or {}
        if head.get("move_type") not in _TYPES or journal.get("type") != "sale":
            raise refusal("ValidationError", "Cannot create a sale document in a non sale journal")
        code = str((self._store.get("res.currency", head["currency_id"]) or {})["name"])
        priced = [self._priced(user, command, code) for command in commands]
        move = self._insert(user, head)
        taxes: dict[int, Decimal] = {}
        for line, parts in priced:
            self._books.add_goods(move["id"], line)
            for tax, part in parts.items():
                taxes[tax] = taxes.get(tax, Decimal(0)) + part
        self._add_taxes(move, taxes)
        self._books.add_term_line(move, Decimal(0), move["invoice_date_due"])
        self._sum_up(move)
        return int(move["id"])

    def _insert(self, user: int, head: Row) -> Row:
        partner = self._store.get("res.partner", head["partner_id"]) or {}
        issued_on = date.fromisoformat(head["invoice_date"])
        due_on = date.fromisoformat(head.get("invoice_date_due") or head["invoice_date"])
        term = head.get("invoice_payment_term_id", partner.get("property_payment_term_id"))
        fixed = {
            "state": "draft", "payment_state": "not_paid", "company_id": 1, "access_token": False, "posted_before": False,
            "name": False if self._books.version >= 18 else "/", "commercial_partner_id": partner["commercial_partner_id"],
            "invoice_date": issued_on, "date": issued_on, "invoice_date_due": issued_on if term else due_on,
            "invoice_payment_term_id": term,
        }  # fmt: skip
        return self._store.insert("account.move", {"invoice_user_id": user, **head, **fixed})

    def _add_taxes(self, move: Row, taxes: Mapping[int, Decimal]) -> None:
        sign = _TYPES[move["move_type"]]
        for key, amount in taxes.items():
            if amount:
                values = {"move_id": move["id"], "partner_id": move["commercial_partner_id"], "currency_id": move["currency_id"]}
                values |= {"name": (self._store.get("account.tax", key) or {})["name"], "display_type": "tax", "tax_line_id": key}
                values |= {"account_type": "liability_current", "date": move["date"], "reconciled": False, "tax_ids": []}
                amounts = {"amount_residual": Decimal(0), "amount_residual_currency": Decimal(0)}
                amounts |= dict.fromkeys(("balance", "amount_currency"), sign * amount)
                self._store.insert("account.move.line", {**values, **amounts})

    def _sum_up(self, move: Row) -> None:
        """Totals and the receivable line, as they follow from goods and taxes."""
        lines, sign = self._store.by("account.move.line", "move_id", move["id"]), _TYPES[move["move_type"]]
        untaxed = sum((line["price_subtotal"] for line in lines if line["display_type"] == "product"), Decimal(0))
        tax = sum((sign * line["amount_currency"] for line in lines if line["display_type"] == "tax"), Decimal(0))
        total = untaxed + tax
        self._store.update(
            "account.move", move, {"amount_untaxed": untaxed, "amount_tax": tax, "amount_total": total, "amount_residual": total}
        )
        amounts = ("balance", "amount_currency", "amount_residual", "amount_residual_currency")
        for line in self._books.term_lines(move["id"]):
            self._store.update("account.move.line", line, dict.fromkeys(amounts, -sign * total))

    def write(self, move: Row, vals: Row) -> None:
        """Overwrite the days or the tax lines of a draft. Raises OdooFault, also for all that this stand-in does not let be written."""
        if move["state"] != "draft":
            raise refusal("UserError", "You cannot modify the following readonly fields on a posted move: line_ids")
        if vals.keys() == {"invoice_date", "invoice_date_due"}:
            return self._write_days(move, *(date.fromisoformat(vals[field]) for field in ("invoice_date", "invoice_date_due")))
        if vals.keys() != {"line_ids"}:
            raise value_error(f"This stand-in does not write {vals!r}")
        return self._write_taxes(move, vals)

    def _write_days(self, move: Row, day: date, due_on: date) -> None:
        self._store.update("account.move", move, {"invoice_date": day, "date": day, "invoice_date_due": due_on})
        for line in self._store.by("account.move.line", "move_id", move["id"]):
            is_term = line["display_type"] == "payment_term"
            self._store.update("account.move.line", line, {"date": day, **({"date_maturity": due_on} if is_term else {})})

    def _write_taxes(self, move: Row, vals: Row) -> None:
        for kind, key, values in vals["line_ids"]:
            line = self._store.get("account.move.line", key)
            is_tax = kind == 1 and line and line["move_id"] == move["id"] and line["display_type"] == "tax"
            if line is None or not is_tax or values.keys() != {"amount_currency"}:
                raise value_error(f"This stand-in does not write {vals!r}")
            amount = Decimal(str(values["amount_currency"]))
            self._store.update("account.move.line", line, {"amount_currency": amount, "balance": amount})
        self._sum_up(move)

    def _see_links(self, user: int, values: Row) -> None:
        for field, model in _LINKS.items():
            if values.get(field) and self._store.get(model, values[field]) is None:
                raise missing_error(model, values[field], user)

    def _priced(self, user: int, command: Any, currency: str) -> tuple[Row, dict[int, Decimal]]:
        """The values of a line, and its taxes."""
        if not isinstance(command, list) or len(command) != 3 or command[:2] != [0, 0] or not isinstance(command[2], dict):
            raise value_error(f"Wrong value for invoice_line_ids: {command!r}")
        line = dict(command[2])
        self._see_links(user, line)
        if (self._store.get("account.account", line.get("account_id")) or {}).get("account_type") == "asset_receivable":
            raise refusal("UserError", "Any journal item on a receivable account must have a due date and vice versa.")
        smallest = Decimal(1).scaleb(-CURRENCIES[currency])
        price = Decimal(str(line.get("price_unit") or 0)).quantize(_CENT, ROUND_HALF_UP)
        net = (price * Decimal(str(line.get("quantity", 1)))).quantize(smallest, ROUND_HALF_UP)
        chosen = _set_by(line["tax_ids"]) if "tax_ids" in line else [_DEFAULT_TAX]
        taxes: dict[int, Decimal] = {}
        for row in (self._tax(user, key) for key in chosen):
            share = Decimal(row["amount"]) / 100
            part = (net - net / (1 + share) if row["price_include"] else net * share).quantize(smallest, ROUND_HALF_UP)
            net, taxes[row["id"]] = (net - part if row["price_include"] else net), part
        line |= {"price_unit": price, "price_subtotal": net, "price_total": net + sum(taxes.values()), "tax_ids": chosen}
        return {**line, "quantity": Decimal(str(line.get("quantity", 1)))}, taxes

    def _tax(self, user: int, key: int) -> Mapping[str, Any]:
        row = self._store.get("account.tax", key)
        if row is None:
            raise missing_error("account.tax", key, user)
        return row

    # --- and what becomes of them ---------------------------------------------------------------------------------------------

    def post(self, move: Row) -> None:
        """Give a draft its number; a credit note is used on what it reverses. Raises OdooFault."""
        if move["state"] != "draft":
            raise refusal("UserError", f"The entry {move['name']} (id {move['id']}) must be in draft.")
        lines = self._store.by("account.move.line", "move_id", move["id"])
        if not any(line["display_type"] == "product" for line in lines):
            raise refusal("UserError", "You need to add a line before posting.")
        self._store.update("account.move", move, {"date": self.open_day(move["date"], taxed=any(line.get("tax_ids") for line in lines))})
        self._books.post(move["id"])
        original = self._store.get("account.move", move.get("reversed_entry_id"))
        if original and original["state"] == "posted":
            for line in self._books.term_lines(move["id"]):
                self._reconcile(original, line)

    def open_day(self, day: date, *, taxed: bool = False, sales: bool = True) -> date:
        """The accounting date of what is dated on that day. Raises OdooFault when the books are closed up to today."""
        locked = self._locked_until(taxed=taxed, sales=sales)
        if locked is None or day > locked:
            return day
        if locked >= self._store.instant().date():
            raise self._locked(locked)
        return locked + timedelta(days=1)

    def _locked(self, until: date) -> OdooFault:
        said = f"You cannot add/modify entries prior to and inclusive of: Global Lock Date ({until:%d/%m/%Y})."
        older = f"You cannot add/modify entries prior to and inclusive of the lock date {until:%d/%m/%Y}. Check the company settings"
        return refusal("UserError", said if self._books.version >= 18 else older)

    def _locked_until(self, *, taxed: bool, sales: bool = True) -> date | None:
        company = self._store.get("res.company", 1) or {}
        fields = ["period_lock_date", "fiscalyear_lock_date", "hard_lock_date"]
        fields += [*(["sale_lock_date"] if sales else []), *(["tax_lock_date"] if taxed else [])]
        return max(filter(None, map(company.get, fields)), default=None)

    def cancel(self, move: Row) -> None:
        """Cancel a draft, or a posted document by way of a draft. Raises OdooFault."""
        if move["state"] == "cancel":
            raise refusal("UserError", "Only draft journal entries can be cancelled.")
        if move.get("inalterable_hash"):
            raise refusal("UserError", "You cannot reset to draft a locked journal entry.")
        locked = self._locked_until(taxed=False)
        if move["state"] == "posted" and locked and move["date"] <= locked:
            raise self._locked(locked)
        self._books.cancel(move["id"])

    def assign(self, user: int, move: Row, line_id: int) -> None:
        """Use an open receivable line on a document: on its lines with the same account, if there are any. Raises OdooFault."""
        line = self._store.get("account.move.line", line_id)
        if line is None:
            raise missing_error("account.move.line", line_id, user)
        if line["reconciled"]:
            raise refusal("UserError", "You are trying to reconcile some entries that are already reconciled.")
        if {move["state"], self._store.value("account.move.line", line, "parent_state")} != {"posted"}:
            raise refusal("UserError", "You can only reconcile posted entries.")
        self._reconcile(move, line)

    def _reconcile(self, move: Row, credit: Row) -> None:
        for line in sorted(self._books.term_lines(move["id"]), key=lambda line: (line["date_maturity"], line["id"])):
            if line["account_id"] == credit["account_id"] and not line["reconciled"]:
                self._books.reconcile(line["id"], credit["id"])

    def unlink(self, move: Row) -> None:
        """Delete a draft for good. Raises OdooFault."""
        if move["state"] == "posted":
            raise refusal("UserError", "You can't delete a posted journal item. Don't play games with your accounting records.")
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


def refusal(name: str, message: str) -> OdooFault:
    """A refusal of Odoo's own, by the name of its exception."""
    return OdooFault(f"odoo.exceptions.{name}", message, 422)
