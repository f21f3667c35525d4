"""Documents of ours in Odoo: found again by their mark, made as drafts, posted, cancelled, and taken away again.

The mark stands in `ref`, which Odoo indexes and leaves out of copies and of credit notes that people make. The number of the document that
ours is about stands in the lines and in `invoice_origin`, and not in `ref` or `payment_reference`, so that the bank's matching does not
take a payment of the one for a payment of the other.

One call makes a draft, with its lines and its mark; it is compared with what was asked before another call posts it. What is left of a lost
answer in between is a draft with the mark that was never posted: it is taken up again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

from ...core.bookings import our_marks
from ...core.errors import LedgerUnavailable, PeriodLocked, Refused, RejectedByLedger, UnexpectedResponse
from ...core.money import Money, minor_units
from ..lazily import cached_property
from .mapping import INVOICE_TYPES, Row, id_of, lock_day_of, text_of
from .reader import MOVE, OdooReader

_PRICE_DECIMALS = 2
"""Odoo rounds prices to two decimals, unless its "Product Price" says otherwise, whatever the currency has."""
_UNTOLD = {"mail_auto_subscribe_no_notify": True}
"""Context in which Odoo does not mail the salesperson that the document is theirs."""


class Documents:
    """What is ours in one company's books, and the ways to write it."""

    def __init__(self, reader: OdooReader) -> None:
        self._reader = reader

    # --- what is there --------------------------------------------------------------------------------------------------------

    def marked(self, markers: Sequence[str], types: Collection[str]) -> dict[str, list[Row]]:
        """The documents of these types in any state, by the marker that they bear; markers without one are missing."""
        found: dict[str, list[Row]] = {}
        for row in self._reader.marked_documents(markers):
            for marker in our_marks(text_of(row["ref"])):
                if marker in markers and row["move_type"] in types:
                    found.setdefault(marker, []).append(row)
        return found

    def by_id(self, ids: Iterable[str]) -> dict[str, Row]:
        """These documents in any state, by id; what is gone is missing."""
        wanted = [int(key) for key in ids if key.isdecimal()]
        return {str(row["id"]): row for row in self._reader.documents(wanted)} if wanted else {}

    def now(self, key: int) -> Row:
        """One of them, as it is now. Raises LedgerUnavailable when it cannot be seen yet: a replica may lag behind what was written."""
        for row in self._reader.documents([key]):
            return row
        raise LedgerUnavailable("Odoo does not show a document yet that it has just made.")

    def money(self, row: Row, field: str) -> Money:
        """An amount of a row, in its currency."""
        return Money.of(row[field], self._reader.currencies[id_of(row["currency_id"])])

    def see_open(self, day: date, what: str, *, taxed: bool = False, sales: bool = True) -> None:
        """Raises PeriodLocked when the books are closed for what is dated on that day: Odoo would move its accounting date by itself."""
        until = self.locked_until(taxed=taxed, sales=sales)
        if until and day <= until:
            raise PeriodLocked(f"The books in Odoo are closed up to {until}; the {what} would be dated {day}.")

    def locked_until(self, *, taxed: bool = False, sales: bool = True) -> date | None:
        """The day up to which the books are closed: for all, for `sales`, for what is `taxed`. None when they are open."""
        unasked = {kind for kind, asked in (("sale", sales), ("tax", taxed)) if not asked}
        return max((day for kind, day in self._locks.items() if day and kind not in unasked), default=None)

    @cached_property
    def _locks(self) -> Mapping[str, date | None]:
        return {kind: lock_day_of(day) for kind, day in self._reader.lock_dates().items()}

    # --- writing --------------------------------------------------------------------------------------------------------------

    def draft(self, about: Row, number: str, marker: str, values: Mapping[str, Any]) -> Row:
        """A new draft about the document of this row and number, for the same people and in its journal; not due by payment terms."""
        document = {
            "partner_id": id_of(about["partner_id"]),
            "currency_id": id_of(about["currency_id"]),
            "journal_id": id_of(about["journal_id"]),
            "fiscal_position_id": id_of(about["fiscal_position_id"]) or False,
            "invoice_user_id": id_of(about["invoice_user_id"]) or False,
            "invoice_payment_term_id": False,
            "invoice_origin": number,
            "ref": f"[{marker}]",
            **values,
        }
        context = {**self._reader.company_context, **_UNTOLD}
        made = self._reader.wire.execute(MOVE, "create", vals_list=[document], context=context)
        if not isinstance(made, list) or len(made) != 1:
            raise UnexpectedResponse("Odoo does not say which document it made.")
        return self.now(int(made[0]))

    def dated(self, draft: Row, day: date, due_on: date) -> Row:
        """A draft with these days: one that was begun on another day is written on this one now."""
        wanted = {"invoice_date": day.isoformat(), "invoice_date_due": due_on.isoformat()}
        if all(draft[field] == value for field, value in wanted.items()):
            return draft
        self._reader.wire.execute(MOVE, "write", [draft["id"]], vals=wanted)
        return self.now(draft["id"])

    def post(self, row: Row, what: str) -> Row:
        """Post a draft. Raises Refused when Odoo does not."""
        self._reader.wire.execute(MOVE, "action_post", [row["id"]])
        after = self.now(row["id"])
        if after["state"] != "posted":
            raise RejectedByLedger(f"Odoo did not post the {what} but asks a question first.", hint="Look for its setting in Odoo.")
        return after

    def cancel(self, row: Row) -> bool:
        """Cancel a document; a posted one goes through draft within the one call. Whether it is cancelled now. Raises Refused."""
        self._reader.wire.execute(MOVE, "button_cancel", [row["id"]])
        return bool(self.now(row["id"])["state"] == "cancel")

    def discard(self, row: Row) -> None:
        """Take away a draft that cannot become what it was made for, so that nobody posts it by mistake."""
        with suppress(Refused):
            self._reader.wire.execute(MOVE, "unlink", [row["id"]])


def is_ours(row: Row) -> bool:
    """Whether it is a late charge of ours."""
    return row["move_type"] in INVOICE_TYPES and bool(our_marks(text_of(row["ref"])))


def is_begun(row: Row) -> bool:
    """Whether it is a draft that never was anything else."""
    return bool(row["state"] == "draft" and not row["posted_before"])


def number_of(row: Row) -> str:
    """The number; a draft that has none is called as Odoo's own pages call it."""
    return text_of(row["name"]).removeprefix("/") or f"(* {row['id']})"


def price_of(amount: Money) -> dict[str, Any]:
    """Quantity and price of a line. With more decimals than prices have, 12.345 is a tenth of 123.45.

    Both go out as JSON numbers, which Odoo reads as binary fractions whatever we do; what it makes of them is compared afterwards.
    """
    shift = max(minor_units(amount.currency) - _PRICE_DECIMALS, 0)
    return {"quantity": float(Decimal(1).scaleb(-shift)), "price_unit": float(amount.amount.scaleb(shift))}
