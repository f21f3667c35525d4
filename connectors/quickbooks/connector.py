"""QuickBooks Online's books behind the port, method by method."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from ...core.access import Purpose
from ...core.bookings import ChargeMade, CreditMade, CreditWanted, LateCharge, Note, PaymentReceived, PaymentRecorded, holds_mark
from ...core.errors import Refused
from ...core.port import Capability, Cursor, LedgerConnector, Page, Recheck, Surroundings
from ...core.receivables import Company, Invoice, UnappliedCredit
from ..drafts import UNREADABLE
from ..http import Limits, Transport, understood
from ..lazily import cached_property
from ..oauth import Tokens
from . import mapping
from .authorizer import QuickBooksAuthorizer
from .charges import Charges, request_id
from .credits import Credits
from .faults import Fault, error_of
from .mapping import Row, text_of
from .passes import Pass, Position
from .payments import Payments
from .reader import Families, QuickBooksReader
from .settings import QuickBooksSettings
from .wire import BATCH_ITEMS, Wire

LEDGER = "QuickBooks Online"
_EARLY = timedelta(minutes=5)


class QuickBooksConnector(LedgerConnector):
    """The connector for QuickBooks Online's Accounting API."""

    name = "quickbooks"
    capabilities = frozenset(
        {
            Capability.NOTES,
            Capability.INVOICE_PDF,
            Capability.PAYMENT_PAGE,
            Capability.LATE_CHARGES,
            Capability.CREDITS,
            Capability.RECORDED_PAYMENTS,
            Capability.EARLY_DISCOUNTS,
        }
    )
    limits: ClassVar[Limits] = Limits(wait_seconds=60, patience_seconds=60)
    """Intuit's 429 says no time; a minute is what its limits need (Intuit, "Limits and throttles"), and is sat out once."""

    settings: QuickBooksSettings

    def __init__(self, settings: QuickBooksSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.transport = Transport(
            settings.api_url, ledger=LEDGER, now=surroundings.now, secrets=(settings.client_secret,), limits=self.limits
        )
        self._authorizer = QuickBooksAuthorizer(settings, surroundings)
        tokens = Tokens(surroundings.vault, self._authorizer.refresh, surroundings.now, _EARLY)
        self._wire = Wire(settings, self.transport, tokens, surroundings.meter)
        self._reader = QuickBooksReader(self._wire, settings.page_size)

    def close(self) -> None:
        """Let go of connections."""
        self.transport.close()
        self._authorizer.close()

    # --- connecting -----------------------------------------------------------------------------------------------------------

    @understood(LEDGER)
    def check(self) -> Company:
        """Whose books these are. Raises AuthorizationExpired and PermissionMissing. Rights to write cannot be proved without writing."""
        info, home = self._wire.company_info(), self._reader.home_currency
        return Company(
            id=self._wire.realm,
            name=text_of(info.get("CompanyName")) or text_of(info.get("LegalName")),
            country=mapping.country_of(text_of(info.get("Country"))),
            currency=home,
            time_zone=text_of(info.get("DefaultTimeZone")),
        )

    # --- reading --------------------------------------------------------------------------------------------------------------

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """What changed since the cursor, in one call; all that is open when there is none, or too much changed, or too long ago."""
        with understood(LEDGER):
            start = Position.of(cursor, self._wire.realm)
            overlap = timedelta(minutes=self.settings.overlap_minutes)
            yield from Pass(self._reader, start, overlap=overlap, now=self.surroundings.now()).pages()

    @understood(LEDGER)
    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        """The invoices as they are now with their pay pages, in one call for a hundred; their customers' credits in another."""
        with self._wire.reading_for(Purpose.RECHECK):
            rows = self._reader.invoices(invoice_ids, links=True)
            if not rows:
                return Recheck(())
            families = Families(self._reader.some_customers)
            families.meet(rows)
            terms = self._reader.terms_of(rows)
            invoices = [_read(row, families, self._reader.home_of([row]), terms) for row in rows]
            unused = self._unused(sorted({key for row in rows for key in families.line_of(row)}), families)
        return Recheck(tuple(each for each in invoices if each), unused or (), knows_credits=unused is not None)

    def _unused(self, customers: Sequence[str], families: Families) -> tuple[UnappliedCredit, ...] | None:
        """The credits of these customers; None when one of them cannot be read."""
        payments, memos = self._reader.credits_of(customers)
        home = self._reader.home_of([*payments, *memos])
        try:
            found = [mapping.unapplied(mapping.payment(row, families.payer(row), home)) for row in payments]
            found += [mapping.unapplied(mapping.credit_note(row, families.payer(row), home)) for row in memos]
        except UNREADABLE:
            return None
        return tuple(credit for credit in found if credit)

    # --- pages and prints -----------------------------------------------------------------------------------------------------

    @understood(LEDGER)
    def payment_pages(self, invoice_ids: Sequence[str]) -> Mapping[str, str]:
        """The pay page of each invoice that has one: with online payments on and an address on the invoice. A page may expire."""
        with self._wire.reading_for(Purpose.RECHECK):
            rows = self._reader.invoices(invoice_ids, links=True)
        return {text_of(row["Id"]): text_of(row["InvoiceLink"]) for row in rows if row.get("InvoiceLink")}

    @understood(LEDGER)
    def invoice_pdf(self, invoice_id: str) -> bytes:
        """The invoice as QuickBooks prints it."""
        if not invoice_id.isdecimal():
            raise Refused(f"QuickBooks has no invoice with the id {invoice_id}.")
        with self._wire.reading_for(Purpose.WRITING):
            return self._wire.pdf(invoice_id)

    # --- notes ----------------------------------------------------------------------------------------------------------------

    @understood(LEDGER)
    def _find_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        places = [note.invoice_id for note in notes if note.invoice_id.isdecimal()]
        if not places:
            return {}
        with self._wire.reading_for(Purpose.WRITING):
            rows = sorted(self._reader.attachables_on(places), key=lambda row: int(row["Id"]), reverse=True)
        return {
            note.marker: text_of(row["Id"])
            for row in rows
            for note in notes
            if note.invoice_id in _attached_to(row) and holds_mark(text_of(row.get("Note")), note.marker)
        }

    @understood(LEDGER)
    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        """Attachables, thirty with one request. They are nobody's version of the invoice, so nothing can be stale."""
        writable = [note for note in notes if note.invoice_id.isdecimal()]
        made: dict[str, str] = {}
        for first in range(0, len(writable), BATCH_ITEMS):
            some = writable[first : first + BATCH_ITEMS]
            bodies = [mapping.note(note.text, note.marker, note.invoice_id) for note in some]
            self._still_ours()
            answers = self._wire.create_all("Attachable", bodies, request_id("notes", *(note.marker for note in some)))
            made |= {note.marker: key for note, answer in zip(some, answers, strict=True) if (key := self._noted(answer))}
        return made

    def _noted(self, answer: Row | Fault) -> str:
        """The id of a note that was made; empty when the ledger refused this one."""
        if not isinstance(answer, Fault):
            return text_of(answer["Id"])
        error = error_of(answer, self.transport)
        if isinstance(error, Refused):
            return ""
        raise error

    # --- late charges, credits and payments -----------------------------------------------------------------------------------

    @cached_property
    def _charges(self) -> Charges:
        return Charges(self.settings, self._wire, self._reader, self._judged, self._today)

    def _judged(self, row: Row) -> Invoice:
        return mapping.invoice(row, mapping.ref_of(row.get("CustomerRef")), self._reader.home_of([row]))

    def _today(self) -> date:
        return self.surroundings.now().astimezone(ZoneInfo(self.surroundings.time_zone)).date()

    @understood(LEDGER)
    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade]:
        with self._wire.reading_for(Purpose.WRITING):
            return self._charges.found(charges)

    @understood(LEDGER)
    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        with self._wire.reading_for(Purpose.WRITING):
            return self._charges.add(charge)

    @cached_property
    def _credits(self) -> Credits:
        return Credits(self._charges, self._wire, self._reader, self._judged, self._today)

    @understood(LEDGER)
    def _find_credits(self, wanted: Sequence[CreditWanted]) -> Mapping[str, CreditMade | Refused]:
        with self._wire.reading_for(Purpose.WRITING):
            return self._credits.found(wanted)

    @understood(LEDGER)
    def _add_credit(self, credit: CreditWanted) -> CreditMade:
        with self._wire.reading_for(Purpose.WRITING):
            return self._credits.add(credit)

    @cached_property
    def _payments(self) -> Payments:
        return Payments(self.settings, self._wire, self._reader, self._judged, self._today)

    @understood(LEDGER)
    def _find_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        with self._wire.reading_for(Purpose.WRITING):
            return self._payments.found(payments)

    @understood(LEDGER)
    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        with self._wire.reading_for(Purpose.WRITING):
            return self._payments.add(payment)


def _read(row: Row, families: Families, home: str, terms: Mapping[str, Row]) -> Invoice | None:
    """An invoice; None for one that `changes` reports as unreadable, and that is never chased."""
    try:
        return mapping.invoice(row, families.payer(row), home, terms=terms)
    except UNREADABLE:
        return None


def _attached_to(row: Row) -> set[str]:
    references = [reference.get("EntityRef") or {} for reference in row.get("AttachableRef") or ()]
    return {text_of(entity.get("value")) for entity in references if text_of(entity.get("type")).lower() == "invoice"}
