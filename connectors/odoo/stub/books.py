"""One company's books and the people who keep them: what a bookkeeper does in Odoo, and what Odoo makes of it.

This is the seeding side: tests, and the demo, call these methods as colleagues at work. Amounts are Decimals in the currency of the
document; one unit of every currency is one of the company's, as rates play no part in what connectors read.
"""

import base64
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .company import INCOME, RECEIVABLE, SALES, computed_fields, found_company
from .domain import Row
from .store import Store

ZERO = Decimal(0)
CURRENCIES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "GBP": 2}
PDF = b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"


class StubBooks:
    """A database with one company, an administrator, a bot user with an API key, and no documents. `now` is aware UTC."""

    def __init__(
        self,
        version: int = 18,
        *,
        now: Callable[[], datetime],
        database: str = "puntual",
        api_key: str = "k" * 40,
        debit_notes: bool = True,
    ) -> None:
        """`debit_notes`: the module account_debit_note is installed."""
        self.version = version
        self.database = database
        self.login = "bot@example.com"
        self.api_key = api_key
        self.outbox: list[str] = []
        """The mails that Odoo itself would have sent, by what they say."""
        absent = () if debit_notes else (("account.move", "debit_origin_id"),)
        self.store = Store(version, now, computed_fields(lambda: self.store), absent)
        self._numbers: dict[str, int] = {}
        with self.store.transaction():
            found_company(self.store, CURRENCIES)
            self.admin = self.add_user("admin@example.com", email="admin@example.com")
            self.bot = self.add_user(self.login, email=self.login)

    # --- people ---------------------------------------------------------------------------------------------------------------

    def add_partner(self, name: str, **values: Any) -> int:
        """A customer, or with `parent_id` one who belongs to it. Returns its id."""
        tags = [self._tag(tag) for tag in values.pop("tags", ())]
        with self.store.transaction():
            row = self.store.insert(
                "res.partner", {"type": "contact", "active": True, "customer_rank": 0, **values, "name": name, "category_id": tags}
            )
            self.store.update("res.partner", row, {"commercial_partner_id": self._head_of(row)})
        return int(row["id"])

    def write_partner(self, partner: int, **values: Any) -> None:
        """Change a partner. A new name or (from 17 on) e-mail moves `write_date` of every one of its invoices, too."""
        with self.store.transaction():
            self.store.update("res.partner", self._row("res.partner", partner), values)
            if "name" in values or ("email" in values and self.version > 16):
                for move in self.store.rows("account.move"):
                    if move["partner_id"] == partner and move["move_type"] in SALES:
                        self.store.update("account.move", move, {})

    def add_user(self, login: str, *, email: str = "", accounting: bool = True, companies: Sequence[int] = (1,)) -> int:
        """An internal user; `accounting`: with the group Invoicing. Returns the id."""
        groups = "groups_id" if self.version < 19 else "group_ids"
        partner = self.add_partner(login.partition("@")[0].title(), email=email)
        with self.store.transaction():
            values = {"login": login, "partner_id": partner, "company_id": companies[0], "company_ids": list(companies), "active": True}
            row = self.store.insert("res.users", {**values, "lang": "en_US", "tz": "Europe/Madrid", groups: [1, 2] if accounting else [1]})
        return int(row["id"])

    def has_accounting(self, user: int) -> bool:
        """Whether the user has the group Invoicing."""
        row = self._row("res.users", user)
        return 2 in (row.get("groups_id") or row.get("group_ids") or [])

    def message(
        self, author: int, *, move: int = 0, partner: int = 0, note: bool = False, kind: str = "comment", at: datetime | None = None
    ) -> int:
        """What a user writes in the chatter of a document or partner by hand: a mail to the customer, or an internal note."""
        model, key = ("account.move", move) if move else ("res.partner", partner)
        values = {"model": model, "res_id": key, "body": "<p>Hola</p>", "message_type": kind, "subtype_id": 2 if note else 1}
        return self._post(author, values, at)

    def call_done(self, author: int, move: int, at: datetime | None = None) -> int:
        """A user marks a call as done: Odoo leaves a notification with the type of the activity."""
        values = {"model": "account.move", "res_id": move, "body": "<p>Call done</p>", "message_type": "notification", "subtype_id": 3}
        return self._post(author, {**values, "mail_activity_type_id": 2}, at)

    def finish_activity(self, activity: int, author: int) -> int:
        """Mark an activity as done: until 18 it is deleted, from 19 on archived; its note stays in a message. Returns the message."""
        row = self._row("mail.activity", activity)
        body = f"<div><p>Call done: {row['summary']}</p><div>Original note:</div><div>{row['note']}</div></div>"
        values = {"model": "account.move", "res_id": row["res_id"], "body": body, "message_type": "notification", "subtype_id": 3}
        with self.store.transaction():
            made = self._post(author, {**values, "mail_activity_type_id": row["activity_type_id"]}, None)
            if self.version < 19:
                self.store.delete("mail.activity", row)
            else:
                self.store.update("mail.activity", row, {"active": False})
        return made

    # --- documents ------------------------------------------------------------------------------------------------------------

    def add_invoice(
        self,
        partner: int,
        parts: Sequence[tuple[date, Decimal]],
        *,
        issued_on: date,
        currency: str = "EUR",
        move_type: str = "out_invoice",
        post: bool = True,
        started_at: datetime | None = None,
        **values: Any,
    ) -> int:
        """An invoice, or a credit note, with one receivable line a part (day and amount) and two lines of goods; posted at once unless told
        otherwise."""
        total = sum((amount for _day, amount in parts), ZERO)
        with self.store.transaction(started_at):
            head = self._head_of(self._row("res.partner", partner))
            move = self.store.insert(
                "account.move",
                {
                    "name": "/", "move_type": move_type, "state": "draft", "payment_state": "not_paid", "partner_id": partner,
                    "commercial_partner_id": head, "currency_id": self.currency(currency), "company_id": 1, "journal_id": 1,
                    "invoice_date": issued_on, "date": issued_on, "invoice_date_due": max(day for day, _amount in parts),
                    "amount_total": total, "amount_untaxed": total, "amount_tax": ZERO, "amount_residual": total, "access_token": False,
                    "invoice_user_id": 1, **values,
                },
            )  # fmt: skip
            half = total // 2
            self.add_goods(move["id"], {"name": "Servicios", "quantity": 1, "price_unit": half, "price_subtotal": half})
            self.add_goods(move["id"], {"name": "Material", "quantity": 1, "price_unit": total - half, "price_subtotal": total - half})
            for day, amount in parts:
                self._line(move, head, -amount if move_type == "out_refund" else amount, "payment_term", day)
            if post:
                self.post(move["id"])
        return int(move["id"])

    def post(self, move: int) -> None:
        """Post a draft: it gets its number, and its customer becomes one."""
        with self.store.transaction():
            row = self._row("account.move", move)
            prefix = {"out_refund": "RINV", "entry": "BNK1"}.get(row["move_type"], "INV")
            prefix = "DINV" if row.get("debit_origin_id") and self.version >= 18 else prefix
            name = row["name"] if row["name"] not in (False, "/") else self._number(prefix, row["date"])
            self.store.update("account.move", row, {"state": "posted", "name": name, "posted_before": True})
            self._touch_lines(row)
            if row["move_type"] in SALES:
                self.store.update("res.partner", self._row("res.partner", row["commercial_partner_id"]), {"customer_rank": 1}, touch=False)
            self._settle(row)

    def add_goods(self, move: int, values: Mapping[str, Any]) -> None:
        """A line of goods on a document; its receivable lines and totals stay as they are."""
        row = self._row("account.move", move)
        sign = 1 if row["move_type"] == "out_refund" else -1
        amount = sign * Decimal(values["price_subtotal"])
        common = {"move_id": move, "partner_id": row["commercial_partner_id"], "currency_id": row["currency_id"], "date": row["date"]}
        common |= {"display_type": "product", "account_type": "income", "account_id": INCOME, "reconciled": False, "tax_ids": []}
        common |= {"discount": ZERO, "price_total": values["price_subtotal"]}
        amounts = {"balance": amount, "amount_currency": amount, "amount_residual": ZERO, "amount_residual_currency": ZERO}
        with self.store.transaction():
            self.store.insert("account.move.line", {**common, **amounts, **values})

    def add_term_line(self, move: Row, amount: Decimal, day: date) -> None:
        """The receivable line of a new document; `amount` is negative on a credit note."""
        self._line(move, move["commercial_partner_id"], amount, "payment_term", day)

    def grant_discount(self, move: int, last_on: date, amount: Decimal) -> None:
        """Terms that let so much be deducted until that day; Odoo keeps what is left to pay then."""
        (line,) = self.term_lines(move)
        with self.store.transaction():
            rest = line["amount_currency"] - amount
            self.store.update("account.move.line", line, {"discount_date": last_on, "discount_amount_currency": rest})

    def add_line(self, move: int, name: str, amount: Decimal, **values: Any) -> None:
        """A person puts one more line on an unpaid invoice: back to draft, changed, posted again."""
        row, term = self._row("account.move", move), self.term_lines(move)[0]
        with self.store.transaction():
            self.add_goods(move, {"name": name, "quantity": 1, "price_unit": amount, "price_subtotal": amount, **values})
            self.store.update("account.move", row, {field: row[field] + amount for field in ("amount_total", "amount_untaxed")})
            rises = ("balance", "amount_currency", "amount_residual", "amount_residual_currency")
            self.store.update("account.move.line", term, {field: term[field] + amount for field in rises})
            self._settle(row)

    def lock(self, until: date | None, field: str = "fiscalyear_lock_date") -> None:
        """Close the books up to and including this day."""
        with self.store.transaction():
            self.store.update("res.company", self._row("res.company", 1), {field: until})

    def add_payment(self, partner: int, amount: Decimal, *, on: date, currency: str = "EUR", reference: str = "") -> int:
        """Money received, not yet used on anything. Returns the id of its receivable line."""
        with self.store.transaction():
            values = {"name": "/", "move_type": "entry", "state": "draft", "payment_state": "not_paid", "partner_id": partner}
            values |= {"commercial_partner_id": self._head_of(self._row("res.partner", partner)), "currency_id": self.currency(currency)}
            values |= {"company_id": 1, "journal_id": 2, "date": on, "amount_total": amount, "amount_residual": ZERO, "ref": reference}
            move = self.store.insert("account.move", values)
            line = self._line(move, partner, -amount, "product", on)
            self.post(move["id"])
        return int(line["id"])

    def reconcile(self, debit: int, credit: int, amount: Decimal | None = None, *, on: date | None = None) -> int:
        """Use a credit line on a debit line, as much as both leave or `amount`. Returns the partial's id, 0 for none."""
        left, right = self._row("account.move.line", debit), self._row("account.move.line", credit)
        used = min(left["amount_residual_currency"], -right["amount_residual_currency"])
        used = used if amount is None else min(used, amount)
        if used <= 0:
            return 0
        with self.store.transaction():
            row = self.store.insert(
                "account.partial.reconcile",
                {
                    "debit_move_id": debit, "credit_move_id": credit, "amount": used, "debit_amount_currency": used,
                    "credit_amount_currency": used, "max_date": on or max(left["date"], right["date"]),
                },
            )  # fmt: skip
            self._move_residual(left, -used)
            self._move_residual(right, used)
        return int(row["id"])

    def pay(self, move: int, amount: Decimal, *, on: date) -> int:
        """The wizard Register Payment: instalments are settled in the order of their due dates; what is too much stays open."""
        row = self._row("account.move", move)
        with self.store.transaction():
            line = self.add_payment(row["commercial_partner_id"], amount, on=on, currency=self.currency_code(row), reference=row["name"])
            self.use(move, line, on=on)
        return line

    def use(self, move: int, credit: int, amount: Decimal | None = None, *, on: date | None = None) -> None:
        """Use a credit line on an invoice, oldest due date first."""
        rest = amount
        for line in sorted(self.term_lines(move), key=lambda line: (line["date_maturity"], line["id"])):
            before = line["amount_residual_currency"]
            self.reconcile(line["id"], credit, rest, on=on)
            rest = None if rest is None else rest - (before - line["amount_residual_currency"])

    def unreconcile(self, move: int) -> None:
        """Take everything off a document that was used on it, or that it was used on."""
        with self.store.transaction():
            for partial in self._partials_of(self.term_lines(move)):
                self.store.delete("account.partial.reconcile", partial)
                self._move_residual(self._row("account.move.line", partial["debit_move_id"]), partial["debit_amount_currency"])
                self._move_residual(self._row("account.move.line", partial["credit_move_id"]), -partial["debit_amount_currency"])

    def reset_to_draft(self, move: int) -> None:
        """Until 18 what was used on it is taken off; from 19 on it stays, and the draft may be `paid`."""
        with self.store.transaction():
            if self.version < 19:
                self.unreconcile(move)
            self._set_state(move, "draft")

    def cancel(self, move: int) -> None:
        """Cancel a document; it stays in the books, with its whole amount as residual."""
        with self.store.transaction():
            self.unreconcile(move)
            self._set_state(move, "cancel")

    def unlink(self, move: int) -> None:
        """Remove a document with its lines for good; no trace is left that a search would find."""
        with self.store.transaction():
            self.unreconcile(move)
            for line in self.store.by("account.move.line", "move_id", move):
                self.store.delete("account.move.line", line)
            self.store.delete("account.move", self._row("account.move", move))

    def set_due_date(self, move: int, day: date) -> None:
        """Give an invoice with one due date another one."""
        with self.store.transaction():
            self.store.update("account.move", self._row("account.move", move), {"invoice_date_due": day})
            for line in self.term_lines(move):
                self.store.update("account.move.line", line, {"date_maturity": day})

    def block(self, move: int) -> None:
        """No reminders for this one: `payment_state` from 18 on, the line's mark until 17."""
        with self.store.transaction():
            if self.version >= 18:
                self.store.update("account.move", self._row("account.move", move), {"payment_state": "blocked"})
            else:
                self.store.update("account.move.line", self.term_lines(move)[0], {"blocked": True})

    def stop_followup(self, move: int) -> None:
        """The other mark, from 19 on: one line set, and the whole invoice is."""
        with self.store.transaction():
            self.store.update("account.move.line", self.term_lines(move)[0], {"no_followup": True})
            self.store.update("account.move", self._row("account.move", move), {})

    def write_move(self, move: int, **values: Any) -> None:
        """Write fields of a document as they are, without what Odoo would make of it."""
        with self.store.transaction():
            self.store.update("account.move", self._row("account.move", move), values)

    def print_invoice(self, move: int) -> None:
        """Make the legal PDF (Send & Print), from 17 on."""
        if self.version >= 17:
            self.write_move(move, invoice_pdf_report_file=base64.b64encode(PDF).decode())

    # --- what is there --------------------------------------------------------------------------------------------------------

    def term_lines(self, move: int) -> list[Row]:
        """The receivable lines of a document."""
        return [line for line in self.store.by("account.move.line", "move_id", move) if line["account_type"] == "asset_receivable"]

    def portal_path(self, move: int) -> str:
        """The path of the portal page with its token; the first call makes the token, which moves `write_date`."""
        row = self._row("account.move", move)
        if not row["access_token"]:
            with self.store.transaction():
                self.store.update("account.move", row, {"access_token": str(uuid.uuid4())})
        return f"/my/invoices/{move}?access_token={row['access_token']}"

    def currency(self, code: str) -> int:
        """The id of a currency."""
        return int(next(row["id"] for row in self.store.rows("res.currency") if row["name"] == code))

    def currency_code(self, move: Row) -> str:
        """The code of a document's currency."""
        return str(self._row("res.currency", move["currency_id"])["name"])

    # --- how it is kept -------------------------------------------------------------------------------------------------------

    def _row(self, model: str, key: int) -> Row:
        row = self.store.get(model, key)
        if row is None:
            raise LookupError(f"{model} has no {key}")
        return row

    def _head_of(self, row: Row) -> int:
        parent = self.store.get("res.partner", row.get("parent_id"))
        return int(row["id"]) if row.get("is_company") or parent is None else self._head_of(parent)

    def _tag(self, name: str) -> int:
        found = next((row["id"] for row in self.store.rows("res.partner.category") if row["name"] == name), 0)
        with self.store.transaction():
            return int(found or self.store.insert("res.partner.category", {"name": name})["id"])

    def _number(self, prefix: str, day: date) -> str:
        self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}/{day.year}/{self._numbers[prefix]:05d}"

    def _line(self, move: Row, partner: int, amount: Decimal, display_type: str, day: date) -> Row:
        values = {"move_id": move["id"], "partner_id": partner, "account_type": "asset_receivable", "currency_id": move["currency_id"]}
        owner = self._row("res.partner", move["commercial_partner_id"])
        values |= {"account_id": owner.get("property_account_receivable_id") or RECEIVABLE, "tax_ids": []}
        values |= {"date": move["date"], "date_maturity": day, "display_type": display_type, "reconciled": False, "name": move["name"]}
        amounts = dict.fromkeys(("balance", "amount_currency", "amount_residual", "amount_residual_currency"), amount)
        return self.store.insert("account.move.line", {**values, **amounts})

    def _move_residual(self, line: Row, by: Decimal) -> None:
        rest = line["amount_residual_currency"] + by
        values = {"amount_residual_currency": rest, "amount_residual": rest, "reconciled": rest == 0}
        self.store.update("account.move.line", line, values)
        self._settle(self._row("account.move", line["move_id"]))

    def _settle(self, move: Row) -> None:
        """Residual and payment state of a document, as they follow from its lines."""
        if move["move_type"] not in SALES:
            return
        lines = self.term_lines(move["id"])
        rest = abs(sum((line["amount_residual_currency"] for line in lines), ZERO))
        partials = self._partials_of(lines)
        state = "blocked" if move["payment_state"] == "blocked" else "not_paid"
        if move["state"] == "posted" and rest == 0:
            state = "reversed" if move["move_type"] != "out_refund" and self._only_reversed(partials) else "paid"
        elif partials and state != "blocked":
            state = "partial"
        self.store.update("account.move", move, {"amount_residual": rest, "payment_state": state})

    def _partials_of(self, lines: Sequence[Row]) -> list[Row]:
        fields = ("debit_move_id", "credit_move_id")
        return [row for line in lines for field in fields for row in self.store.by("account.partial.reconcile", field, line["id"])]

    def _only_reversed(self, partials: Sequence[Row]) -> bool:
        sources = [self._row("account.move.line", row["credit_move_id"]) for row in partials]
        return bool(sources) and all(self._row("account.move", line["move_id"])["move_type"] == "out_refund" for line in sources)

    def _set_state(self, move: int, state: str) -> None:
        row = self._row("account.move", move)
        self.store.update("account.move", row, {"state": state})
        self._touch_lines(row)

    def _touch_lines(self, move: Row) -> None:
        """The state of a document is stored on its lines, too, so their `write_date` moves with it."""
        for line in self.store.by("account.move.line", "move_id", move["id"]):
            self.store.update("account.move.line", line, {})

    def _post(self, author: int, values: Mapping[str, Any], at: datetime | None) -> int:
        with self.store.transaction():
            written = {"date": at or self.store.instant(), "author_id": self._row("res.users", author)["partner_id"]}
            return int(self.store.insert("mail.message", {**values, **written})["id"])
