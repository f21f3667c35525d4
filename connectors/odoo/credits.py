"""Credits in Odoo: a late charge of ours that nobody touched is cancelled, anything else gets a credit note that is used on it.

A credit note that says which document it reverses (`reversed_entry_id`) is reconciled with it by Odoo as soon as it is posted, within the
one call. What is left of a lost answer is a draft that was never posted, which is taken up again; a credit note that is used on nothing,
because a person took that back, is used again.

Odoo computes the tax of each line from its price without tax, so not every amount with tax can be reached: 3.20 at 21 % is 3.19 or 3.21.
What rounding leaves is put on the tax line of the draft, as people do it under Journal Items.
"""

from collections.abc import Callable, Sequence

from ...core.bookings import CreditMade, CreditWanted, holds_mark
from ...core.errors import Refused, RejectedByLedger
from ...core.money import Money
from ...core.port import creditable
from ...core.receivables import Invoice
from .documents import Documents, is_begun, is_ours, number_of, price_of
from .mapping import CREDIT_NOTE_TYPE, Row, day_of, id_of
from .reader import MOVE, OdooReader
from .shares import Share, shares

Judge = Callable[[str], Invoice | None]
"""A document by its id as the connector reads it now; None when it is gone."""


class Credits:
    """The credits of one company's books."""

    def __init__(self, documents: Documents, reader: OdooReader, judge: Judge) -> None:
        self._documents = documents
        self._reader = reader
        self._judge = judge

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, wanted: Sequence[CreditWanted]) -> dict[str, CreditMade | Refused]:
        """The credits that stand in the books already, by marker; one that was begun, or is used on nothing, is finished now."""
        notes = self._documents.marked([credit.marker for credit in wanted], (CREDIT_NOTE_TYPE,))
        rows = self._documents.by_id(credit.document_id for credit in wanted)
        links = self._links([note for several in notes.values() for note in several], rows)
        found: dict[str, CreditMade | Refused] = {}
        for credit in wanted:
            if credit.marker in notes:
                found[credit.marker] = self._finished(credit, notes[credit.marker], links)
            elif _is_cancelled_charge(rows.get(credit.document_id)):
                found[credit.marker] = _by_cancelling(credit, rows[credit.document_id])
        return found

    def _links(self, notes: Sequence[Row], rows: dict[str, Row]) -> set[tuple[int, int]]:
        """Which posted credit note is used on which document, by their ids."""
        posted = [note["id"] for note in notes if note["state"] == "posted"]
        if not posted or not rows:
            return set()
        lines = {line["id"]: id_of(line["move_id"]) for line in self._reader.receivable_lines([*posted, *map(int, rows)])}
        owed = [line for line, move in lines.items() if str(move) in rows]
        pairs = ((id_of(partial["credit_move_id"]), id_of(partial["debit_move_id"])) for partial in self._reader.partials(owed))
        return {(lines[credit], lines[debit]) for credit, debit in pairs if credit in lines}

    def _finished(self, credit: CreditWanted, notes: Sequence[Row], links: set[tuple[int, int]]) -> CreditMade | Refused:
        try:
            note = _the_one(notes)
            if is_begun(note):
                self._still_wanted(credit, note)
                return self._completed(credit, self._documents.dated(note, credit.dated_on, credit.dated_on))
            if note["state"] != "posted":
                raise Refused(f"Credit note {number_of(note)} was reset to draft in Odoo.", hint="Post it there, or delete it.")
            total = self._documents.money(note, "amount_total")
            if total != credit.amount:
                raise Refused(f"Credit note {number_of(note)} is over {total}, the credit over {credit.amount}.")
            if (note["id"], int(credit.document_id)) in links:
                return self._made(credit, note)
            if self._documents.money(note, "amount_residual") != total:
                hint = f"Reconcile it with {credit.document_number} there."
                raise Refused(f"Credit note {number_of(note)} for {credit.document_number} is used on something else in Odoo.", hint=hint)
            self._still_wanted(credit, note)
            return self._used(credit, note)
        except Refused as refused:
            return refused

    def _still_wanted(self, credit: CreditWanted, note: Row) -> None:
        try:
            self._judged(credit)
        except Refused as refused:
            said = f"Credit note {number_of(note)} was made and is used on nothing. {refused.detail}"
            raise Refused(said, hint="Use it, or delete it, in Odoo.") from refused

    def _made(self, credit: CreditWanted, note: Row) -> CreditMade:
        return CreditMade(credit.marker, str(note["id"]), number_of(note), self._documents.money(note, "amount_total"))

    # --- a new one ------------------------------------------------------------------------------------------------------------

    def add(self, credit: CreditWanted) -> CreditMade:
        """Credit a document as it is at this moment. Raises Refused. A draft of ours that was never posted is cancelled, too.

        What Odoo does not let be cancelled (its period is closed, its journal is hashed, its e-invoice was sent) gets a credit note.
        """
        row = self._documents.by_id([credit.document_id]).get(credit.document_id)
        if row is None:
            raise Refused(f"Odoo has no document with the id {credit.document_id}.")
        is_whole = is_ours(row) and self._documents.money(row, "amount_total") == credit.amount
        is_draft = is_whole and is_begun(row)
        if not is_draft:
            self._judged(credit)
        if (is_draft or (is_whole and self._is_untouched(row))) and self._is_cancelled(row):
            return _by_cancelling(credit, row)
        if is_draft:
            raise Refused(f"Odoo does not cancel the draft {number_of(row)}.", hint="Delete it in Odoo.")
        note = self._drafted(credit, row)
        try:
            return self._completed(credit, note)
        except Refused:
            self._documents.discard(note)
            raise

    def _judged(self, credit: CreditWanted) -> None:
        document = self._judge(credit.document_id)
        if document is None:
            raise Refused(f"Document {credit.document_number} is not in Odoo any more, or cannot be read.")
        creditable(credit, document)

    def _is_untouched(self, row: Row) -> bool:
        """Whether nothing was used on it, and its period is open."""
        until, day = self._documents.locked_until(), day_of(row["date"])
        return bool(row["amount_residual"] == row["amount_total"]) and not (until and day and day <= until)

    def _is_cancelled(self, row: Row) -> bool:
        try:
            return self._documents.cancel(row)
        except Refused:
            return False

    def _drafted(self, credit: CreditWanted, row: Row) -> Row:
        parts = shares(credit.amount, self._reader.priced_lines(row["id"]), credit.charge_marker)
        self._documents.see_open(credit.dated_on, "credit", taxed=any(part.taxes for part in parts))
        values = {
            "move_type": CREDIT_NOTE_TYPE,
            "reversed_entry_id": row["id"],
            "invoice_date": credit.dated_on.isoformat(),
            "invoice_date_due": credit.dated_on.isoformat(),
            "invoice_line_ids": [[0, 0, _line(credit, part)] for part in parts],
        }
        return self._documents.draft(row, credit.document_number, credit.marker, values)

    def _completed(self, credit: CreditWanted, draft: Row) -> CreditMade:
        """Compare a draft with what is wanted, post it, and see that Odoo used it on its document."""
        lines = self._reader.lines_beside(draft["id"], int(credit.document_id))
        of_draft = [line for line in lines if id_of(line["move_id"]) == draft["id"]]
        accounts = {id_of(line["account_id"]) for line in lines if line not in of_draft}
        self._documents.see_open(
            day_of(draft["invoice_date"]) or credit.dated_on, "credit", taxed=any(line["tax_ids"] for line in of_draft)
        )
        if not any(line["display_type"] == "payment_term" and id_of(line["account_id"]) in accounts for line in of_draft):
            raise RejectedByLedger(
                f"Odoo books a credit for {credit.document_number} on another receivable account than the document.",
                hint="Look at the receivable account of the customer in Odoo, and credit the document by hand.",
            )
        self._round(credit, draft, of_draft)
        return self._used(credit, self._documents.post(draft, "credit note"))

    def _round(self, credit: CreditWanted, draft: Row, lines: Sequence[Row]) -> None:
        """Put what rounding leaves on the biggest tax line. Raises RejectedByLedger when it is more than rounding can leave."""
        total = self._documents.money(draft, "amount_total")
        rest, taxes = credit.amount - total, [line for line in lines if line["display_type"] == "tax"]
        if not rest.amount:
            return
        if taxes and abs(rest.minor) <= len(lines):
            biggest = max(taxes, key=lambda line: abs(line["amount_currency"]))
            wanted = float((Money.of(biggest["amount_currency"], rest.currency) + rest).amount)
            commands = [[1, biggest["id"], {"amount_currency": wanted}]]
            self._reader.wire.execute(MOVE, "write", [draft["id"]], vals={"line_ids": commands})
            total = self._documents.money(self._documents.now(draft["id"]), "amount_total")
        if total != credit.amount:
            raise RejectedByLedger(f"Odoo makes {total} of a credit of {credit.amount}.")

    def _used(self, credit: CreditWanted, note: Row) -> CreditMade:
        """Use a posted credit note on its document, if Odoo did not do it by itself."""
        if self._documents.money(note, "amount_residual").is_positive:
            document = int(credit.document_id)
            for line in self._reader.receivable_lines([note["id"]]):
                self._reader.wire.execute(MOVE, "js_assign_outstanding_line", [document], line_id=line["id"])
            note = self._documents.now(note["id"])
        if self._documents.money(note, "amount_residual").is_positive:
            said = f"Credit note {number_of(note)} is not used on {credit.document_number} in full."
            raise Refused(said, hint="Reconcile the two in Odoo.")
        return self._made(credit, note)


def _line(credit: CreditWanted, part: Share) -> Row:
    cites = "" if holds_mark(credit.text, credit.document_number) else f" ({credit.document_number})"
    return {"name": credit.text + cites, "account_id": part.account, "tax_ids": [[6, 0, list(part.taxes)]], **price_of(part.price)}


def _is_cancelled_charge(row: Row | None) -> bool:
    """Whether it is a late charge of ours that was cancelled; by whom does not matter, nothing is owed on it."""
    return row is not None and is_ours(row) and row["state"] == "cancel"


def _by_cancelling(credit: CreditWanted, row: Row) -> CreditMade:
    return CreditMade(credit.marker, str(row["id"]), number_of(row), credit.amount, is_void=True)


def _the_one(notes: Sequence[Row]) -> Row:
    """The credit note that counts. Raises Refused when there are several, or a person cancelled it."""
    counting = [note for note in notes if note["state"] != "cancel"]
    numbers = ", ".join(map(number_of, counting or notes))
    if len(counting) > 1:
        raise Refused(f"Odoo holds the same credit {len(counting)} times ({numbers}).", hint="Cancel all but one of them in Odoo.")
    if not counting:
        raise Refused(f"Credit note {numbers} was cancelled in Odoo, and is not made again.")
    return counting[0]
