"""Odoo's books behind the port, method by method. No posted document is ever opened; charges.py, credits.py and payments.py alone write
amounts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ...core.bookings import (
    ChargeMade,
    CreditMade,
    CreditWanted,
    LateCharge,
    Note,
    PaymentReceived,
    PaymentRecorded,
    Task,
)
from ...core.errors import PermissionMissing, Refused, UnexpectedResponse
from ...core.port import Capability, Cursor, LedgerConnector, Page, Recheck, Surroundings
from ...core.receivables import Company, Invoice, UnappliedCredit
from ..http import Limits, Transport, understood
from ..lazily import cached_property
from . import mapping
from .charges import Charges
from .credits import Credits
from .documents import Documents
from .mapping import INVOICE_TYPES, Names, Row, id_of
from .named import Named
from .passes import Pass, Position, mark_of
from .payments import Payments
from .reader import LINE, MESSAGE, MOVE, PARTIAL, OdooReader
from .settings import OdooSettings

_PDF = b"%PDF-"
_QUIETLY = {"mail_activity_quick_update": True}
"""Context in which Odoo does not mail each new activity to its user."""


class OdooConnector(LedgerConnector):
    """The connector for Odoo 16 to 19."""

    name = "odoo"
    capabilities = frozenset(
        {
            Capability.NOTES,
            Capability.TASKS,
            Capability.INVOICE_PDF,
            Capability.PAYMENT_PAGE,
            Capability.INSTALMENTS,
            Capability.LEDGER_CONTACTS,
            Capability.LAST_BANK_ENTRY,
            Capability.LATE_CHARGES,
            Capability.CREDITS,
            Capability.RECORDED_PAYMENTS,
            Capability.EARLY_DISCOUNTS,
        }
    )
    limits: ClassVar[Limits] = Limits()

    settings: OdooSettings

    def __init__(self, settings: OdooSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.transport = Transport(
            settings.url, ledger=f"Odoo at {settings.url}", now=surroundings.now, secrets=(settings.api_key,), limits=self.limits
        )
        self._reader = OdooReader(settings, self.transport)

    def close(self) -> None:
        """Let go of connections."""
        self.transport.close()

    # --- connecting -----------------------------------------------------------------------------------------------------------

    @understood("Odoo")
    def check(self) -> Company:
        """Connect, prove that documents, lines, reconciliations and partners can be read, that notes can be signed, and that what the
        settings of late charges and recorded payments name is there.

        Raises AuthorizationExpired, PermissionMissing (with the group that is missing) and CompanyMustAct (database, company, address).
        """
        reader = self._reader
        for model in (MOVE, LINE, PARTIAL, MESSAGE):
            reader.wire.execute(model, "search_read", reads=True, domain=[], fields=["id"], limit=1)
        if not reader.me["email"]:
            raise PermissionMissing(
                f"The Odoo user {self.settings.login} has no e-mail address, so it cannot sign notes.", hint="Give it one in Odoo."
            )
        self._named.check()
        row = reader.company()
        return Company(
            id=str(row["id"]),
            name=mapping.text_of(row["name"]),
            country=mapping.text_of(row.get("country_code")),
            currency=reader.currencies.get(id_of(row["currency_id"]), ""),
            time_zone=reader.time_zone_of(id_of(row["partner_id"])) or mapping.text_of(reader.me["tz"]),
            ledger_version=reader.wire.version,
        )

    @cached_property
    def _names(self) -> Names:
        return Names(self._reader.currencies, {}, self.settings.portal_url, self.surroundings.time_zone)

    @cached_property
    def _names_of_people(self) -> Names:
        return replace(self._names, tags=self._reader.tags, note_subtype=self._reader.note_subtype)

    # --- reading --------------------------------------------------------------------------------------------------------------

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """What was written since the cursor, or everything that is open; a cursor from the middle of a reading goes on there."""
        with understood("Odoo"):
            start = Position.of(cursor, f"{self.settings.database}#{self._reader.company_id}")
            mark = mark_of(self._reader, self.settings.overlap_minutes)
            for page in Pass(self._reader, self._names_of_people, start, self.settings.page_size).pages(mark):
                yield page
                cursor = page.cursor
            if start.stage:
                yield from self.changes(cursor)

    @understood("Odoo")
    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        """The invoices as they are now: three questions, and a fourth when a credit is booked on a contact instead of its customer; one
        more the first time, for the products that are late fees."""
        rows, invoices = self._as_now(invoice_ids)
        if not rows:
            return Recheck(())
        return Recheck(invoices, self._credits_of({id_of(row["commercial_partner_id"]) for row in rows} - {0}))

    def _as_now(self, invoice_ids: Sequence[str]) -> tuple[list[Row], tuple[Invoice, ...]]:
        wanted = [int(each) for each in invoice_ids if each.isdecimal()]
        rows = [row for row in self._reader.moves(wanted) if row["move_type"] in INVOICE_TYPES] if wanted else []
        lines: dict[int, list[Row]] = {}
        for line in self._reader.document_lines(row["id"] for row in rows):
            lines.setdefault(id_of(line["move_id"]), []).append(line)
        invoices = (self._rechecked(row, lines.get(row["id"], [])) for row in rows)
        return rows, tuple(invoice for invoice in invoices if invoice)

    def _judged(self, invoice_id: str) -> Invoice | None:
        """One document as it is now; None when it is gone, is no customer invoice, or cannot be read."""
        return next(iter(self._as_now([invoice_id])[1]), None)

    def _rechecked(self, row: Row, lines: Sequence[Row]) -> Invoice | None:
        try:
            return mapping.invoice(row, lines, self._names)
        except ValueError:
            return None  # reported by `changes`, and never chased

    def _credits_of(self, customers: set[int]) -> tuple[UnappliedCredit, ...]:
        lines = self._reader.open_credit_lines(sorted(customers))
        contacts = {id_of(line["partner_id"]) for line in lines} - customers
        owners = {key: key for key in customers} | (self._reader.customers_of(sorted(contacts)) if contacts else {})
        return mapping.unapplied_credits(((line, str(owners[id_of(line["partner_id"])])) for line in lines), self._names)

    # --- pages and prints -----------------------------------------------------------------------------------------------------

    @understood("Odoo")
    def payment_pages(self, invoice_ids: Sequence[str]) -> Mapping[str, str]:
        """The portal page of each posted invoice. One question for all that have a page, one call for each that gets its first."""
        return {key: self.settings.portal_url + path for key, path in self._portal_paths(invoice_ids).items()}

    @understood("Odoo")
    def invoice_pdf(self, invoice_id: str) -> bytes:
        """The legal PDF of a posted invoice, or, until Odoo 16, what the portal prints. Raises Refused when there is none.

        From 17 on the portal prints "PROFORMA" over an invoice whose legal PDF was never made; that is nothing to send to a customer.
        """
        row = self._reader.printed(int(invoice_id)) if invoice_id.isdecimal() else None
        if row is None:
            raise Refused(f"Odoo has no posted invoice with the id {invoice_id}.")
        if "invoice_pdf_report_file" not in row:
            return self._portal_pdf(self._portal_paths([invoice_id])[invoice_id])
        printed = mapping.bytes_of(row["invoice_pdf_report_file"])
        if not printed.startswith(_PDF):
            raise Refused(f"Odoo has made no PDF yet of the invoice with the id {invoice_id}.", hint="Send or print it once in Odoo.")
        return printed

    def _portal_pdf(self, path: str) -> bytes:
        """What the portal prints. A redirect to the same page in another language is followed; one to the login is none."""
        wanted, statuses = f"{path}&report_type=pdf&download=true", (200, 301, 302, 303, 400, 403, 404)
        answer = self.transport.request("GET", wanted, accept=statuses, repeatable=True)
        translated = re.fullmatch(rf"/[\w@-]{{2,12}}{re.escape(wanted)}", answer.headers.get("location", ""))
        if translated:
            answer = self.transport.request("GET", translated.group(), accept=statuses, repeatable=True)
        if answer.status != 200 or not answer.body.startswith(_PDF):
            raise Refused(
                f"Odoo's portal gave no PDF (HTTP status {answer.status}).",
                hint="Where one host serves several databases, the portal needs a dbfilter.",
            )
        return answer.body

    def _portal_paths(self, invoice_ids: Sequence[str]) -> dict[str, str]:
        wanted = [int(each) for each in invoice_ids if each.isdecimal()]
        rows = self._reader.moves(wanted) if wanted else []
        posted = [row for row in rows if row["state"] == "posted" and row["move_type"] in INVOICE_TYPES]
        return {str(row["id"]): mapping.page_path(row) or self._new_portal_path(row["id"]) for row in posted}

    def _new_portal_path(self, invoice_id: int) -> str:
        path = self._reader.wire.execute(MOVE, "get_portal_url", [invoice_id])
        if not isinstance(path, str) or not path.startswith("/my/"):
            raise UnexpectedResponse(f"Odoo gives no portal page for the invoice with the id {invoice_id}.")
        return path

    # --- late charges, credits, recorded payments -----------------------------------------------------------------------------

    @cached_property
    def _documents(self) -> Documents:
        return Documents(self._reader)

    @cached_property
    def _named(self) -> Named:
        return Named(self._reader, self.settings)

    @cached_property
    def _charges(self) -> Charges:
        return Charges(self._documents, self._named, self.settings)

    @cached_property
    def _credits(self) -> Credits:
        return Credits(self._documents, self._reader, self._judged)

    @cached_property
    def _payments(self) -> Payments:
        return Payments(self._documents, self._named, self._reader, self._judged)

    @understood("Odoo")
    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade | Refused]:
        return self._charges.found(charges)

    @understood("Odoo")
    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        """Always a document of its own: a posted invoice takes no line (18 and 19 refuse it, 16 and 17 do it and should not)."""
        return self._charges.add(charge)

    @understood("Odoo")
    def _find_credits(self, wanted: Sequence[CreditWanted]) -> Mapping[str, CreditMade | Refused]:
        return self._credits.found(wanted)

    @understood("Odoo")
    def _add_credit(self, credit: CreditWanted) -> CreditMade:
        return self._credits.add(credit)

    @understood("Odoo")
    def _find_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded | Refused]:
        return self._payments.found(payments)

    @understood("Odoo")
    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        return self._payments.add(payment)

    # --- notes and tasks ------------------------------------------------------------------------------------------------------

    @understood("Odoo")
    def _find_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        places = _by_document((note.marker, note.invoice_id) for note in notes)
        return _found(places, self._reader.messages_with(_markers(places), list(places)), "body") if places else {}

    @understood("Odoo")
    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        there = self._reader.salespeople([int(note.invoice_id) for note in notes if note.invoice_id.isdecimal()])
        writable = [note for note in notes if note.invoice_id.isdecimal() and int(note.invoice_id) in there]
        try:
            return self._create_notes(writable)
        except Refused:
            return {marker: key for note in writable for marker, key in self._create_one_note(note).items()}

    def _create_one_note(self, note: Note) -> Mapping[str, str]:
        self._still_ours()
        try:
            return self._create_notes([note])
        except Refused:
            return {}

    def _create_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        """One call for all. A message that is created (and not posted) notifies nobody; `is_internal` hides it from the portal."""
        if not notes:
            return {}
        subtype = self._reader.note_subtype
        values = [
            {
                "model": MOVE,
                "res_id": int(note.invoice_id),
                "body": mapping.html_of(note.text),
                "message_type": "comment",
                "subtype_id": subtype,
                "is_internal": True,
            }
            for note in notes
        ]
        ids = self._reader.wire.execute(MESSAGE, "create", vals_list=values)
        if not isinstance(ids, list) or len(ids) != len(notes):
            raise UnexpectedResponse("Odoo does not say which notes it made.")
        return {note.marker: str(made) for note, made in zip(notes, ids, strict=True)}

    @understood("Odoo")
    def _find_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        """Open activities by the marker in their note; done ones by the message that Odoo leaves (until 18 it deletes the activity)."""
        places = _by_document((task.marker, task.invoice_id) for task in tasks)
        if not places:
            return {}
        found = _found(places, self._reader.activities_with(_markers(places), list(places)), "note")
        missing = [marker for marker in _markers(places) if marker not in found]
        done = _found(places, self._reader.messages_with(missing, list(places)), "body") if missing else {}
        return {marker: f"{MESSAGE},{key}" for marker, key in done.items() if marker in missing} | found

    @understood("Odoo")
    def _add_tasks(self, tasks: Sequence[Task]) -> Mapping[str, str]:
        salespeople = self._reader.salespeople([int(task.invoice_id) for task in tasks if task.invoice_id.isdecimal()])
        chosen = self._reader.user_named(self.settings.call_task_user) if self.settings.call_task_user else 0
        made: dict[str, str] = {}
        for task in tasks:
            invoice = int(task.invoice_id) if task.invoice_id.isdecimal() else 0
            if invoice in salespeople:
                self._still_ours()
                made |= self._schedule(task, invoice, chosen or salespeople[invoice])
        return made

    def _schedule(self, task: Task, invoice: int, user: int) -> Mapping[str, str]:
        """One activity of the type Call. The answer is a list of ids from 19 on, before that the text `mail.activity(3,)`."""
        named: dict[str, Any] = {"user_id": user} if user else {}
        try:
            answer = self._reader.wire.execute(
                MOVE,
                "activity_schedule",
                [invoice],
                act_type_xmlid="mail.mail_activity_data_call",
                date_deadline=task.due_on.isoformat(),
                summary=task.summary,
                note=mapping.html_of(task.text),
                context=_QUIETLY,
                **named,
            )
        except Refused:
            return {}
        made = re.search(r"\d+", str(answer))
        if not made:
            raise UnexpectedResponse("Odoo does not say which activity it made.")
        return {task.marker: made.group()}


def _by_document(marked: Any) -> dict[int, list[str]]:
    places: dict[int, list[str]] = {}
    for marker, invoice_id in marked:
        if invoice_id.isdecimal():
            places.setdefault(int(invoice_id), []).append(marker)
    return places


def _markers(places: Mapping[int, Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(marker for markers in places.values() for marker in markers))


def _found(places: Mapping[int, Sequence[str]], rows: Sequence[Row], field: str) -> dict[str, str]:
    """The id of the first row that holds a document's marker, by marker."""
    return {
        marker: str(row["id"])
        for row in sorted(rows, key=lambda row: -int(row["id"]))
        for marker in places.get(id_of(row["res_id"]), ())
        if mapping.holds_marker(row[field], marker)
    }
