"""Late charges in Odoo: each a posted customer invoice of its own, or a debit note of the invoice; or a draft of either.

A posted invoice is left alone, also where a line on it is wanted: resetting it to draft takes its payments off on 16, 17 and 18, and many
localisations forbid it. A charge is found again by its mark in `ref`, which Odoo indexes and leaves out of copies and credit notes. The
number of the invoice stands in the line and in `invoice_origin`, and not in `ref` or `payment_reference`, so that the bank's matching does
not take a payment of the one for a payment of the other.

One call makes the draft, with its line and its mark; it is compared with what was asked before another call posts it. What is left of a
lost answer in between is a draft with the mark that was never posted: it is taken up again.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from ...core.bookings import ChargeMade, LateCharge, our_marks
from ...core.errors import CompanyMustAct, PeriodLocked, Refused, RejectedByLedger, UnexpectedResponse
from ...core.money import Money, minor_units
from .mapping import INVOICE_TYPES, Row, day_of, id_of, lock_day_of, text_of
from .reader import MOVE, Domain, OdooReader
from .settings import ChargeDocument, OdooSettings

_PRICE_DECIMALS = 2
"""Odoo rounds prices to two decimals, unless its "Product Price" says otherwise, whatever the currency has."""
_UNTOLD = {"mail_auto_subscribe_no_notify": True}
"""Context in which Odoo does not mail the salesperson that the document is theirs."""


class Charges:
    """The late charges of one company's books."""

    def __init__(self, reader: OdooReader, settings: OdooSettings) -> None:
        self._reader = reader
        self._settings = settings
        self._begun: dict[str, Row] = {}

    def check(self) -> None:
        """See that what the settings name is there, if they name anything. Raises CompanyMustAct."""
        if not (self._settings.charge_account or self._settings.charge_product):
            return
        try:
            _ = self._line, self._journal, self._is_debit_note
        except Refused as missing:
            raise CompanyMustAct(missing.detail, hint=missing.hint) from None

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, charges: Sequence[LateCharge]) -> dict[str, ChargeMade | Refused]:
        """The charges that stand in the books already, by marker; also one that a person cancelled or reset to draft."""
        rows: dict[str, list[Row]] = {charge.marker: [] for charge in charges}
        for row in self._reader.charge_documents(list(rows)):
            for marker in our_marks(text_of(row["ref"])):
                if marker in rows and row["move_type"] in INVOICE_TYPES:
                    rows[marker].append(row)
        return {marker: answer for marker, some in rows.items() if (answer := self._standing(marker, some))}

    def _standing(self, marker: str, rows: Sequence[Row]) -> ChargeMade | Refused | None:
        begun = [row for row in rows if self._is_begun(row)]
        stands = [row for row in rows if row not in begun]
        counting = [row for row in stands if row["state"] != "cancel"]
        if len(counting) > 1:
            numbers = ", ".join(map(_number, counting))
            return Refused(
                f"Odoo holds the same late charge {len(counting)} times ({numbers}).", hint="Cancel all but one of them in Odoo."
            )
        if begun:
            self._begun[marker] = begun[0]
        return self._made((counting or stands)[0], marker) if stands else None

    def _is_begun(self, row: Row) -> bool:
        """Whether it is what a lost answer left behind: a draft that never was anything else, where drafts are not wanted."""
        return row["state"] == "draft" and not row["posted_before"] and not self._settings.charge_as_draft

    def _made(self, row: Row, marker: str) -> ChargeMade:
        return ChargeMade(marker, str(row["id"]), _number(row), False, self._money(row, "amount_total"))

    def _money(self, row: Row, field: str) -> Money:
        return Money.of(row[field], self._reader.currencies[id_of(row["currency_id"])])

    # --- a new one ------------------------------------------------------------------------------------------------------------

    def add(self, charge: LateCharge) -> ChargeMade:
        """Write a charge that stands nowhere yet, or finish one that was begun. Raises Refused; then nothing of it is left in Odoo."""
        if self._locked_until and charge.charged_on <= self._locked_until:
            raise PeriodLocked(f"The books in Odoo are closed up to {self._locked_until}; the charge would be dated {charge.charged_on}.")
        begun = self._begun.pop(charge.marker, None)
        row = begun or self._drafted(charge)
        try:
            self._compare(row, charge)
            return self._made(row if self._settings.charge_as_draft else self._posted(row), charge.marker)
        except Refused:
            if not begun:
                self._discard(row)
            raise

    def _drafted(self, charge: LateCharge) -> Row:
        lines = [{**self._line, **_price(line.amount), "name": line.text} for line in charge.itemised]
        invoice = self._reader.charged_invoice(int(charge.invoice_id))
        if invoice is None:
            raise Refused(f"Invoice {charge.invoice_number} is not in Odoo any more.")
        context = {**self._reader.company_context, **_UNTOLD}
        made = self._reader.wire.execute(MOVE, "create", vals_list=[self._document(charge, invoice, lines)], context=context)
        if not isinstance(made, list) or len(made) != 1:
            raise UnexpectedResponse("Odoo does not say which document it made.")
        return self._reader.charge_document(int(made[0]))

    def _document(self, charge: LateCharge, invoice: Row, lines: Sequence[Row]) -> dict[str, Any]:
        return {
            "move_type": "out_invoice",
            "partner_id": id_of(invoice["partner_id"]),
            "currency_id": id_of(invoice["currency_id"]),
            "journal_id": self._journal or id_of(invoice["journal_id"]),
            "fiscal_position_id": id_of(invoice["fiscal_position_id"]) or False,
            "invoice_user_id": id_of(invoice["invoice_user_id"]) or False,
            "invoice_date": charge.charged_on.isoformat(),
            "invoice_date_due": charge.due_on.isoformat(),
            "invoice_payment_term_id": False,
            "invoice_origin": charge.invoice_number,
            "ref": f"[{charge.marker}]",
            "invoice_line_ids": [[0, 0, line] for line in lines],
            **({"debit_origin_id": id_of(invoice["id"])} if self._is_debit_note else {}),
        }

    def _compare(self, row: Row, charge: LateCharge) -> None:
        """See that Odoo made of it what was asked, before it counts. Raises RejectedByLedger."""
        amount, due_on = self._money(row, "amount_untaxed"), day_of(row["invoice_date_due"])
        if amount != charge.amount:
            raise RejectedByLedger(
                f"Odoo makes {amount} of a late charge of {charge.amount}.",
                hint="Its tax may be included in the price, or its prices rounded (Decimal Accuracy, Product Price).",
            )
        if due_on != charge.due_on:
            raise RejectedByLedger(f"Odoo makes a late charge due on {due_on} that is to be due on {charge.due_on}.")

    def _posted(self, row: Row) -> Row:
        self._reader.wire.execute(MOVE, "action_post", [row["id"]])
        after = self._reader.charge_document(row["id"])
        if after["state"] != "posted":
            raise RejectedByLedger("Odoo did not post the late charge but asks a question first.", hint="Look for its setting in Odoo.")
        return after

    def _discard(self, row: Row) -> None:
        """Take away a draft that cannot become the charge, so that nobody posts it by mistake."""
        with suppress(Refused):
            self._reader.wire.execute(MOVE, "unlink", [row["id"]])

    # --- what the settings name -----------------------------------------------------------------------------------------------

    @cached_property
    def _locked_until(self) -> date | None:
        days = map(lock_day_of, self._reader.lock_dates(taxed=bool(self._settings.charge_tax)))
        return max((day for day in days if day), default=None)

    @cached_property
    def _line(self) -> dict[str, Any]:
        """What the lines of all charges have in common. The taxes are always named: Odoo would add its default ones."""
        settings = self._settings
        if not (settings.charge_account or settings.charge_product):
            raise Refused(
                "The policy does not say to which account in Odoo late charges go.",
                hint="Set `charge_account` under `ledger` to the code of an income account, or `charge_product`.",
            )
        line: dict[str, Any] = {}
        if settings.charge_account:
            income = [["code", "=", settings.charge_account], ["account_type", "in", ["income", "income_other"]]]
            line["account_id"] = self._one("account.account", income, "charge_account", "income account")
        if settings.charge_product:
            line["product_id"] = self._one("product.product", _named("default_code", settings.charge_product), "charge_product", "product")
        sales_tax = [["type_tax_use", "=", "sale"], *_named("name", settings.charge_tax)]
        taxes = [self._one("account.tax", sales_tax, "charge_tax", "sales tax")] if settings.charge_tax else []
        return {**line, "tax_ids": [[6, 0, taxes]]}

    @cached_property
    def _journal(self) -> int:
        """The journal of the settings; 0 for that of the invoice."""
        code = self._settings.charge_journal
        return self._one("account.journal", [["type", "=", "sale"], ["code", "=", code]], "charge_journal", "sales journal") if code else 0

    @cached_property
    def _is_debit_note(self) -> bool:
        if self._settings.charge_document is ChargeDocument.INVOICE:
            return False
        if not self._reader.has_field(MOVE, "debit_origin_id"):
            raise Refused("Odoo has no debit notes.", hint="Install the module account_debit_note, or set `charge_document` to invoice.")
        return True

    def _one(self, model: str, domain: Domain, setting: str, what: str) -> int:
        ids = self._reader.ids_in_company(model, domain)
        if len(ids) == 1:
            return ids[0]
        there = f"{len(ids)} of them" if ids else "none"
        raise Refused(
            f"The policy names the {what} {getattr(self._settings, setting)!r} for late charges, and Odoo has {there}.",
            hint=f"Correct `{setting}` under `ledger`.",
        )


def _named(field: str, wanted: str) -> Domain:
    by_name = [field, "=", wanted]
    return ["|", by_name, ["id", "=", int(wanted)]] if wanted.isdecimal() else [by_name]


def _number(row: Row) -> str:
    """The number; a draft that has none is called as Odoo's own pages call it."""
    return text_of(row["name"]).removeprefix("/") or f"(* {row['id']})"


def _price(amount: Money) -> dict[str, Any]:
    """Quantity and price of a line. With more decimals than prices have, 12.345 is a tenth of 123.45.

    Both go out as JSON numbers, which Odoo reads as binary fractions whatever we do; what it makes of them is compared afterwards.
    """
    shift = max(minor_units(amount.currency) - _PRICE_DECIMALS, 0)
    return {"quantity": float(Decimal(1).scaleb(-shift)), "price_unit": float(amount.amount.scaleb(shift))}
