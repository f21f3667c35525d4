"""Xero's books behind the port, method by method."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from ...core.access import Purpose
from ...core.bookings import (
    ChargeMade,
    CreditMade,
    CreditWanted,
    ExpectedPayment,
    LateCharge,
    Note,
    PaymentReceived,
    PaymentRecorded,
    holds_mark,
)
from ...core.errors import LedgerUnavailable, PermissionMissing, Refused, RejectedByLedger
from ...core.port import Capability, Cursor, LedgerConnector, Page, Recheck, Surroundings
from ...core.receivables import Company, Invoice, UnappliedCredit, open_items
from ..http import Limits, Transport, understood
from ..lazily import cached_property
from . import mapping
from .charges import Charges, key_of
from .credits import Credits
from .mapping import Row, day_of, is_guid, text_of
from .page_store import PageStore
from .passes import MOST_ROWS, Pass, Position
from .payments import Payments
from .settings import XeroSettings
from .wire import LIMITS, XeroWire
from .zones import iana_zone

MOST_CHARACTERS = 2500
"""Of a note in the history (https://developer.xero.com/documentation/api/accounting/historyandnotes)."""
REMINDERS = (
    "Xero itself sends reminders for overdue invoices, so customers get two; switch them off in Xero under Settings, "
    "Invoice settings, Invoice reminders."
)
_WRITE_SCOPES = frozenset({"accounting.invoices", "accounting.transactions"})
_RECORDING_SCOPES = frozenset({"accounting.payments", "accounting.transactions"})
_INVOICING = ("CreateApprovedInvoice", "approve invoices, so no late charge can be made", "Invoice Only")
_PAYING = ("CreateInvoicePayment", "record payments of invoices", "Standard")
_CREDITS = ("credit_notes", "overpayments", "prepayments")
_PDF = b"%PDF-"


class XeroConnector(LedgerConnector):
    """The connector for Xero."""

    name = "xero"
    capabilities = frozenset(
        {
            Capability.NOTES,
            Capability.INVOICE_PDF,
            Capability.PAYMENT_PAGE,
            Capability.LATE_CHARGES,
            Capability.CREDITS,
            Capability.RECORDED_PAYMENTS,
            Capability.EXPECTED_PAYMENTS,
        }
    )
    limits: ClassVar[Limits] = LIMITS

    settings: XeroSettings

    def __init__(self, settings: XeroSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._wire = XeroWire(settings, surroundings, self.limits)
        self._charges = Charges(self._wire, settings)
        self._credits = Credits(self._wire, self._charges, self._today)
        self._payments = Payments(self._wire, settings, self._charges)

    @property
    def transport(self) -> Transport:
        """The wire to the Accounting API."""
        return self._wire.transport

    @cached_property
    def _pages(self) -> PageStore:
        return PageStore(self.surroundings.state_dir, self._wire.authorization().tenant_id)

    def close(self) -> None:
        """Let go of connections."""
        self._wire.close()

    # --- connecting -----------------------------------------------------------------------------------------------------------

    @understood("Xero")
    def check(self) -> Company:
        """Connect, and prove that all that is needed can be read, and invoices and payments written.

        Raises AuthorizationExpired, PermissionMissing with the scope or the right that is missing, and PolicyProblem.
        """
        row = self._wire.organisation()
        for stream in ("invoices", "overpayments", "contacts"):
            self._wire.listing(stream, size=1)
        self._check_rights()
        return Company(
            id=text_of(row["OrganisationID"]),
            name=text_of(row["Name"]),
            country=text_of(row.get("CountryCode")),
            currency=text_of(row.get("BaseCurrency")),
            time_zone=iana_zone(text_of(row.get("Timezone"))),
            ledger_version=text_of(row.get("Edition")),
        )

    def _check_rights(self) -> None:
        """Prove what the settings need, without writing."""
        charges, records = bool(self.settings.charge_account), bool(self.settings.payment_account)
        scopes = set(self._wire.authorization().scopes)
        if scopes and not scopes & _WRITE_SCOPES:
            raise PermissionMissing("Puntual may read invoices in Xero, but not write notes on them.", hint="Connect it again.")
        if scopes and records and not scopes & _RECORDING_SCOPES:
            raise PermissionMissing("Puntual may read payments in Xero, but not record them.", hint="Connect it again.")
        actions = self._wire.actions() if charges or records else {}
        for is_needed, (action, what, role) in ((charges, _INVOICING), (records, _PAYING)):
            if is_needed and actions.get(action) == "NOT-ALLOWED":
                raise PermissionMissing(
                    f"The user who connected Xero may not {what}.",
                    hint=f"Give that user the role {role} or more, or let another user connect it.",
                )
        if records:
            self._payments.check_account()

    # --- reading --------------------------------------------------------------------------------------------------------------

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """What changed since the cursor, or everything that is open; a cursor from the middle of a reading goes on there."""
        with understood("Xero"):
            start = Position.of(cursor, self._wire.authorization().tenant_id)
            overlap = timedelta(minutes=self.settings.overlap_minutes)
            for page in Pass(self._wire, start, self.settings.page_size, overlap, self._pages.known()).pages(self._warnings):
                yield page
                cursor = page.cursor
            if start.stage:
                yield from self.changes(cursor)

    def _warnings(self) -> Sequence[str]:
        return (REMINDERS,) if self._wire.sends_reminders() else ()

    @understood("Xero")
    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        """The invoices as they are now, by one call for each 100. While any of them is open, three more tell all unallocated credits."""
        wanted = [each for each in invoice_ids if is_guid(each)]
        if not wanted:
            return Recheck(())
        with self._wire.doing(Purpose.RECHECK):
            rows = [row for row in self._wire.by_id("invoices", wanted) if mapping.is_sale(row)]
            invoices = tuple(invoice for row in rows if (invoice := self._rechecked(row)))
            customers = {invoice.customer_id for invoice in invoices if open_items(invoice)}
            if not customers:
                return Recheck(invoices, knows_credits=False)
            return Recheck(invoices, tuple(self._credits_of(customers)))

    def _rechecked(self, row: Row) -> Invoice | None:
        try:
            return mapping.invoice(row, self._pages.known().get(text_of(row.get("InvoiceID")), ""))
        except ValueError:
            return None  # reported by `changes`, and never chased

    def _credits_of(self, customers: Collection[str]) -> Iterator[UnappliedCredit]:
        """Every credit that is approved and not used up is read: Xero has no question for those of several customers."""
        for stream in _CREDITS:
            for row in self._open_credits(stream):
                if mapping.is_credit_of_customer(row) and mapping.contact_id_of(row) in customers:
                    credit = mapping.unapplied_credit(row, stream)
                    if credit.remaining.is_positive:
                        yield credit

    def _open_credits(self, stream: str) -> Iterator[Row]:
        """From the last page to the first, so that none is skipped when one is used up meanwhile."""
        first = self._wire.listing(stream, size=MOST_ROWS, where='Status=="AUTHORISED"')
        seen: set[str] = set()
        pages = [first] if first.pages <= 1 else []
        numbers = range(first.pages, 0, -1) if first.pages > 1 else ()
        for listing in (*pages, *(self._wire.listing(stream, page=n, size=MOST_ROWS, where='Status=="AUTHORISED"') for n in numbers)):
            fresh = [row for row in listing.rows if text_of(row[mapping.CREDIT_IDS[stream]]) not in seen]
            seen |= {text_of(row[mapping.CREDIT_IDS[stream]]) for row in fresh}
            yield from fresh

    # --- pages and prints -----------------------------------------------------------------------------------------------------

    @understood("Xero")
    def payment_pages(self, invoice_ids: Sequence[str]) -> Mapping[str, str]:
        """The online invoice of each, by one call for each that was never asked for. What has none (drafts, void ones) is missing."""
        wanted = [each for each in dict.fromkeys(invoice_ids) if is_guid(each)]
        known = self._pages.known() if wanted else {}
        found: dict[str, str] = {}
        try:
            for invoice_id in wanted:
                if invoice_id not in known and (page := self._online_page(invoice_id)):
                    found[invoice_id] = page
        finally:
            if found:
                self._pages.add(found)
        return {each: found.get(each) or known[each] for each in wanted if each in found or each in known}

    def _online_page(self, invoice_id: str) -> str:
        try:
            page = self._wire.online_page(invoice_id)
        except Refused:
            return ""
        return page if page.startswith(("https://", "http://")) else ""

    def invoice_pdf(self, invoice_id: str) -> bytes:
        """The invoice as Xero prints it, in its branding theme. Raises Refused when there is none."""
        if not is_guid(invoice_id):
            raise Refused(f"Xero has no invoice with the id {invoice_id}.")
        answer = self._wire.pdf(invoice_id)
        if answer.body.startswith(_PDF):
            return answer.body
        if answer.is_html or not answer.body:
            raise LedgerUnavailable("Xero gave no PDF where one was expected.")
        raise Refused(f"Xero gave no PDF of the invoice with the id {invoice_id}.")

    # --- notes ----------------------------------------------------------------------------------------------------------------

    @understood("Xero")
    def _find_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        """One call for each invoice: a history can only be read by itself. Its entries have no id; invoice and marker stand for one."""
        found: dict[str, str] = {}
        with self._wire.doing(Purpose.WRITING):
            for invoice_id in dict.fromkeys(note.invoice_id for note in notes if is_guid(note.invoice_id)):
                texts = self._history(invoice_id)
                theirs = (note.marker for note in notes if note.invoice_id == invoice_id)
                found |= {marker: f"{invoice_id}/{marker}" for marker in theirs if any(holds_mark(text_of(text), marker) for text in texts)}
        return found

    def _history(self, invoice_id: str) -> list[str]:
        try:
            return [text_of(row.get("Details")) for row in self._wire.history(invoice_id)]
        except RejectedByLedger as refused:
            if refused.code != "404":
                raise  # what could not be looked for must not be written again
            return []

    @understood("Xero")
    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        made: dict[str, str] = {}
        with self._wire.doing(Purpose.WRITING):
            for note in notes:
                if is_guid(note.invoice_id) and note.marker not in made and self._added_note(note):
                    made[note.marker] = f"{note.invoice_id}/{note.marker}"
        return made

    def _added_note(self, note: Note) -> bool:
        details = shortened(note.text, note.marker)
        self._still_ours()
        try:
            self._wire.add_history(note.invoice_id, details, key_of(note.marker, [note.invoice_id, details]))
        except Refused:
            return False
        return True

    # --- late charges, credits, payments and expected payments --------------------------------------------------------------------

    @understood("Xero")
    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        with self._wire.doing(Purpose.WRITING):
            return self._charges.found(charges)

    @understood("Xero")
    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        with self._wire.doing(Purpose.WRITING):
            return self._charges.add(charge)

    def _today(self) -> date:
        return self.surroundings.now().astimezone(ZoneInfo(self.surroundings.time_zone)).date()

    @understood("Xero")
    def _find_credits(self, wanted: Sequence[CreditWanted]) -> Mapping[str, CreditMade | Refused]:
        with self._wire.doing(Purpose.WRITING):
            return self._credits.found(wanted)

    @understood("Xero")
    def _add_credit(self, credit: CreditWanted) -> CreditMade:
        with self._wire.doing(Purpose.WRITING):
            return self._credits.add(credit)

    @understood("Xero")
    def _find_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        with self._wire.doing(Purpose.WRITING):
            return self._payments.found(payments)

    @understood("Xero")
    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        with self._wire.doing(Purpose.WRITING):
            return self._payments.add(payment)

    @understood("Xero")
    def put_expected_payments(self, expected: Sequence[ExpectedPayment]) -> Collection[str]:
        """Xero's "Expected date". One call for each 100 to see what stands there, one for each that has to change.

        Xero may refuse it on an invoice that is paid in part, or in a locked period: then it is missing from the answer.
        """
        wanted = {each.invoice_id: each for each in expected if is_guid(each.invoice_id)}
        if not wanted:
            return ()
        with self._wire.doing(Purpose.WRITING):
            rows = [row for row in self._wire.by_id("invoices", list(wanted)) if row.get("Status") not in ("VOIDED", "DELETED")]
            return [text_of(row["InvoiceID"]) for row in rows if self._stands(row, wanted[text_of(row["InvoiceID"])])]

    def _stands(self, row: Row, wanted: ExpectedPayment) -> bool:
        now, day = day_of(row, "ExpectedPaymentDate"), wanted.expected_on
        is_theirs = day is None and wanted.ours is not None and now not in wanted.ours
        if now == day or is_theirs:
            return True
        # An empty ExpectedPaymentDate clears nothing; the empty text of its twin does (https://github.com/XeroAPI/xero-node/issues/476).
        change = {"ExpectedPaymentDate": day.isoformat()} if day else {"ExpectedPaymentDateString": ""}
        try:
            self._wire.update_invoice(wanted.invoice_id, change, key_of(mapping.version_of(row), [wanted.invoice_id, change]))
        except Refused:
            return False
        return True


def shortened(text: str, marker: str) -> str:
    """A text that Xero takes as a note, with its marker at the end when it has to be cut."""
    if len(text) <= MOST_CHARACTERS:
        return text
    end = f"… [{marker}]"
    return re.sub(r"\s+$", "", text[: MOST_CHARACTERS - len(end)]) + end
