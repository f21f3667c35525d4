"""Credits in QuickBooks Online: a late charge of ours that nobody touched is voided, anything else gets a credit memo that is used on it.

A credit memo is used on an invoice by a payment over nothing that bears a line to each: two writes, of which the second may be missing. So
the memo is looked for first by its marker (`PrivateNote` is not queryable: what was made for the customer since is read and looked
through), and one that is used on nothing yet is used then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from ...core.bookings import CreditMade, CreditWanted, our_marks
from ...core.errors import PeriodLocked, Refused, RejectedByLedger, StaleVersion, UnexpectedResponse
from ...core.money import Money
from ...core.port import creditable
from . import mapping, taxes
from .charges import LOOK_BACK_DAYS, MEMO_CHARACTERS, Charges, Judge, request_id
from .mapping import Row, ref_of, text_of
from .reader import QuickBooksReader
from .wire import Wire

Links = set[tuple[str, str]]
"""Which credit memo is used on which invoice, by their ids."""


class Credits:
    """Credits in one company's books. `charges` knows the item to credit with, `judge` reads a row as an invoice, `today` is our day."""

    def __init__(
        self,
        charges: Charges,
        wire: Wire,
        reader: QuickBooksReader,
        judge: Judge,
        today: Callable[[], date],
    ) -> None:
        self._charges = charges
        self._wire = wire
        self._reader = reader
        self._judge = judge
        self._today = today

    # --- what is there --------------------------------------------------------------------------------------------------------

    def found(self, wanted: Sequence[CreditWanted]) -> dict[str, CreditMade | Refused]:
        """The credits that stand in the books already, by marker; one that was made and not used on its document is used on it now."""
        rows = {text_of(row["Id"]): row for row in self._reader.invoices([credit.document_id for credit in wanted])}
        memos = self._memos(wanted, rows.values())
        used = any(not mapping.is_unused(memo) for several in memos.values() for memo in several)
        links = self._links(rows.values()) if used else set()
        found: dict[str, CreditMade | Refused] = {}
        for credit in wanted:
            if credit.marker in memos:
                found[credit.marker] = self._finished(credit, memos[credit.marker], links)
            elif _is_void_charge(rows.get(credit.document_id, {})):
                found[credit.marker] = _by_void(credit, rows[credit.document_id])
        return found

    def _memos(self, wanted: Sequence[CreditWanted], rows: Iterable[Row]) -> Mapping[str, list[Row]]:
        """The credit memos that bear the markers. They are made for whom the document is made for: it may be a job of the customer."""
        customers = {ref_of(row.get("CustomerRef")) for row in rows}
        customers |= {credit.customer_id for credit in wanted if credit.customer_id.isdecimal()}
        if not customers:
            return {}
        since = min(credit.dated_on for credit in wanted) - timedelta(days=LOOK_BACK_DAYS)
        found: dict[str, list[Row]] = {credit.marker: [] for credit in wanted}
        for row in self._reader.credited(sorted(customers), f"{since.isoformat()}T00:00:00+00:00"):
            for marker in our_marks(text_of(row.get("PrivateNote"))):
                found.get(marker, []).append(row)
        return {marker: several for marker, several in found.items() if several}

    def _links(self, rows: Iterable[Row]) -> Links:
        """What is used on these invoices: their payments say it."""
        keys = [key for row in rows for key in mapping.payments_linked(row)]
        payments = [row for page in self._reader.payments(keys) for row in page]
        return {
            (memo, invoice)
            for row in payments
            for memo in mapping.documents_in(row, "CreditMemo")
            for invoice in mapping.documents_in(row, "Invoice")
        }

    def _finished(self, credit: CreditWanted, memos: Sequence[Row], links: Links) -> CreditMade | Refused:
        try:
            memo = _the_one(memos)
            if self._shown(credit, memo).amount != credit.amount:
                raise Refused(f"Credit memo {mapping.number_of(memo)} is over {memo['TotalAmt']}, the credit over {credit.amount}.")
            if not mapping.is_unused(memo):
                return self._made(credit, memo, links)
            return self._use(credit, memo, self._fresh_for(credit, memo))
        except Refused as refused:
            return refused

    def _fresh_for(self, credit: CreditWanted, memo: Row) -> Row:
        try:
            return self._fresh(credit)
        except Refused as refused:
            said = f"Credit memo {mapping.number_of(memo)} was made and is used on nothing. {refused.detail}"
            raise Refused(said, hint="Use it, or delete it, in QuickBooks.") from refused

    def _made(self, credit: CreditWanted, memo: Row, links: Links) -> CreditMade:
        """The credit by a memo that is used. Raises Refused when that is on something else: by a person, or by QuickBooks itself."""
        if (text_of(memo["Id"]), credit.document_id) not in links:
            raise Refused(
                f"Credit memo {mapping.number_of(memo)} for {credit.document_number} is used on something else in QuickBooks.",
                hint=f"Use it on {credit.document_number} there, and switch off that QuickBooks applies credits by itself.",
            )
        return self._shown(credit, memo)

    def _shown(self, credit: CreditWanted, memo: Row) -> CreditMade:
        currency = mapping.currency_of(memo, self._reader.home_of([memo]))
        return CreditMade(credit.marker, text_of(memo["Id"]), mapping.number_of(memo), Money.of(memo["TotalAmt"], currency))

    # --- writing --------------------------------------------------------------------------------------------------------------

    def add(self, credit: CreditWanted) -> CreditMade:
        """Credit a document as it is at this moment. Raises Refused.

        What may not be voided because its period is closed gets a credit memo of a later day instead.
        """
        row = self._fresh(credit)
        for _try in range(2):
            if not self._is_whole(credit, row):
                break
            try:
                return self._void(credit, row)
            except PeriodLocked:
                break
            except StaleVersion:
                row = self._fresh(credit)
        return self._use(credit, self._memo(credit, row), row)

    def _fresh(self, credit: CreditWanted) -> Row:
        """The document, read by its id right before it is credited, and judged."""
        if not credit.document_id.isdecimal():
            raise Refused(f"QuickBooks has no document with the id {credit.document_id}.")
        row = self._wire.read("Invoice", credit.document_id)
        creditable(credit, self._judge(row))
        return row

    def _is_whole(self, credit: CreditWanted, row: Row) -> bool:
        """Whether the credit takes away all of a document of ours on which nothing was paid or credited."""
        document = self._judge(row)
        return document.is_late_charge and mapping.is_untouched(row) and document.outstanding == credit.amount

    def _void(self, credit: CreditWanted, row: Row) -> CreditMade:
        written = self._wire.void("Invoice", row, request_id(credit.marker, "void", text_of(row["SyncToken"])))
        if not mapping.is_void(written):
            raise UnexpectedResponse("QuickBooks Online shows a voided late charge that is still over an amount.")
        return _by_void(credit, row)

    def _memo(self, credit: CreditWanted, row: Row) -> Row:
        """A new credit memo over exactly the amount. When QuickBooks makes another of it, it is deleted; raises RejectedByLedger then."""
        said = credit.text if credit.document_number in credit.text else f"{credit.text} ({credit.document_number})"
        share = self._share(credit, row)
        body = {
            "CustomerRef": {"value": ref_of(row["CustomerRef"])},
            "TxnDate": credit.dated_on.isoformat(),
            "CurrencyRef": {"value": credit.amount.currency},
            "PrivateNote": f"Puntual: credit on {credit.document_number} [{credit.marker}]",
            "CustomerMemo": {"value": said[:MEMO_CHARACTERS]},
            "Line": [mapping.charge_line(part.amount, said, self._item(part), part.code) for part in share.parts],
            **taxes.stated(share, row),
        }
        memo = self._wire.write("CreditMemo", body, request_id(credit.marker, "memo", self._today().isoformat()))
        if Decimal(str(memo["TotalAmt"])) != credit.amount.amount:
            self._wire.delete("CreditMemo", memo, request_id(credit.marker, "delete", text_of(memo["Id"])))
            raise RejectedByLedger(f"QuickBooks made {memo['TotalAmt']} of a credit of {credit.amount}; it was taken away again.")
        return memo

    def _share(self, credit: CreditWanted, row: Row) -> taxes.Share:
        """What is taken off, with its taxes: that of the late charge which is reversed, where that is a line; else of all the document.
        Raises Refused when the line is gone: nothing is owed for it any more."""
        if not credit.charge_marker or credit.charge_marker in our_marks(text_of(row.get("PrivateNote"))):
            return taxes.share_of(row, credit.amount)
        for line in taxes.sales_in(row):
            if credit.charge_marker in our_marks(text_of(line.get("Description"))):
                return taxes.share_of_line(row, line, credit.amount, self._charges.rates_for(row))
        raise Refused(f"The late charge is no line of {credit.document_number} any more.", hint="Credit it by hand, if it is owed at all.")

    def _item(self, part: taxes.Part) -> str:
        """The item to credit: that of the lines, so that the same income becomes less; else the one for late charges."""
        usable = self._reader.creditable_items(part.items)
        return usable[0] if usable else self._charges.item

    def _use(self, credit: CreditWanted, memo: Row, row: Row) -> CreditMade:
        """Use a memo on its document, unless QuickBooks did that by itself as soon as it was made (its setting AutoApplyCredit)."""
        if not mapping.is_unused(memo):
            return self._made(credit, memo, self._links([self._wire.read("Invoice", credit.document_id)]))
        day = max(self._today(), credit.dated_on)
        body = {
            **mapping.used_on(memo, row, credit.amount.amount),
            "TxnDate": day.isoformat(),
            "CurrencyRef": {"value": credit.amount.currency},
            "PrivateNote": f"Puntual: credit memo {mapping.number_of(memo)} used on {credit.document_number} [{credit.marker}]",
        }
        payment = self._wire.write("Payment", body, request_id(credit.marker, "use", *_state(memo), *_state(row)))
        if credit.document_id not in mapping.documents_in(payment, "Invoice"):
            raise UnexpectedResponse("QuickBooks Online shows a payment without the invoice that a credit memo was used on.")
        return self._shown(credit, memo)


def _is_void_charge(row: Row) -> bool:
    """Whether it is a document of ours that was made void; by whom does not matter, nothing is owed on it."""
    return bool(our_marks(text_of(row.get("PrivateNote")))) and mapping.is_void(row)


def _by_void(credit: CreditWanted, row: Row) -> CreditMade:
    return CreditMade(credit.marker, text_of(row["Id"]), mapping.number_of(row), credit.amount, is_void=True)


def _the_one(memos: Sequence[Row]) -> Row:
    """The credit memo that counts. Raises Refused when there are several, or a person made it void."""
    counting = [memo for memo in memos if not mapping.is_void(memo)]
    numbers = ", ".join(mapping.number_of(memo) for memo in counting or memos)
    if len(counting) > 1:
        raise Refused(f"QuickBooks holds the same credit {len(counting)} times ({numbers}).", hint="Delete all but one of them there.")
    if not counting:
        raise Refused(f"Credit memo {numbers} was made void in QuickBooks, and is not made again.")
    return counting[0]


def _state(row: Row) -> tuple[str, str]:
    """What moves when something is used on a document, or taken back: the same use may be wanted again then."""
    return text_of(row.get("SyncToken")), text_of((row.get("MetaData") or {}).get("LastUpdatedTime"))
