"""The books of one organisation, with what a bookkeeper does in them. Everything the API shows and changes is here.

Ids are GUIDs, counted, so that the same books come out every time. Amounts are Decimal in the document's currency.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import RLock
from typing import Any
from uuid import UUID, uuid5

from .documents import COUNTS, ZERO, Account, Allocation, Behaviour, Contact, Credit, Document, Invoice, Line, Payment, Person, Record
from .faults import Invalid

Row = Contact | Invoice | Credit | Payment
Lines = Decimal | Sequence[tuple[str, Decimal]]

_NAMESPACE = UUID("5c1d4f0e-7a0b-4a53-9d8e-0a6f1c6f5a10")
_SYSTEM = "System Generated"


class XeroBooks:
    """One organisation. `now` is aware UTC; `country` is ES, GB, US, NZ …; `time_zone` as Xero writes it (Windows names without spaces).

    `organisation` and `behaviour` may be changed at any time; `overlay[id]` and `extra[endpoint]` are laid over what is shown of one row,
    or of all rows: unknown fields, new enum values, nulls.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        name: str = "Talleres de Prueba S.L.",
        country: str = "ES",
        base_currency: str = "EUR",
        time_zone: str = "ROMANCESTANDARDTIME",
        currencies: Sequence[str] = ("EUR", "USD", "GBP", "JPY", "KWD", "NZD", "AUD", "CHF"),
    ) -> None:
        self.now = now
        self.lock = RLock()
        self.behaviour = Behaviour()
        self.name = name
        self._seed, self._count = name, 0
        self.tenant_id = self.new_id()
        self.currencies = [base_currency, *(code for code in currencies if code != base_currency)]
        self.date_offset = timedelta()
        self.period_lock: date | None = None
        self.year_end_lock: date | None = None
        self.reminders_enabled = False
        self.actions = dict.fromkeys(("CreateApprovedInvoice", "CreateDraftInvoice", "CreateInvoicePayment", "UseMulticurrency"), "ALLOWED")
        self.organisation: dict[str, Any] = {"CountryCode": country, "BaseCurrency": base_currency, "Timezone": time_zone}
        self.overlay: dict[str, dict[str, Any]] = {}
        self.extra: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, Contact] = {}
        self.invoices: dict[str, Invoice] = {}
        self.credits: dict[str, Credit] = {}
        self.payments: dict[str, Payment] = {}
        self.allocations: dict[str, Allocation] = {}
        self.history: defaultdict[str, list[Record]] = defaultdict(list)
        self.rates: dict[str, Decimal] = {"NONE": ZERO, "OUTPUT": Decimal(20), "EXEMPTOUTPUT": ZERO}
        self.accounts = [Account(self.new_id(), *line) for line in _CHART]
        self.branding_theme = self.new_id()
        self._numbers: Counter[str] = Counter()
        self._by_invoice: defaultdict[str, list[Payment | Allocation]] = defaultdict(list)
        self._ever_of: defaultdict[str, set[str]] = defaultdict(set)
        self._by_credit: defaultdict[str, list[Payment | Allocation]] = defaultdict(list)

    def new_id(self) -> str:
        """The next GUID of these books."""
        self._count += 1
        return str(uuid5(_NAMESPACE, f"{self._seed}/{self._count}"))

    def stamp(self) -> datetime:
        """Now in UTC, in milliseconds as Xero keeps it."""
        at = self.now().astimezone(UTC)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    # --- contacts -------------------------------------------------------------------------------------------------------------

    def add_contact(self, name: str, email: str = "", people: Sequence[Person] = (), **more: Any) -> str:
        """A contact; `more`: status, country, phone, groups, currency, account_number. Raises Invalid when the name is taken."""
        if any(contact.name == name and contact.status == "ACTIVE" for contact in self.contacts.values()):
            raise Invalid(f"The contact name {name} is already assigned to another contact. The contact name must be unique.")
        contact = Contact(self.new_id(), name, email, list(people)[:5], updated_at=self.stamp(), **more)
        self.contacts[contact.id] = contact
        return contact.id

    def update_contact(self, contact_id: str, **changes: Any) -> None:
        """Change fields of a contact (`status="ARCHIVED"`, `status="GDPRREQUEST"`, `email=…`)."""
        self._change(self.contacts[contact_id], changes)

    def merge(self, contact_id: str, into: str) -> None:
        """Merge a contact into another one: it is archived, and its documents are the other's."""
        self.update_contact(contact_id, status="ARCHIVED", merged_into=into)
        documents: list[Invoice | Credit] = [*self.invoices.values(), *self.credits.values()]
        for document in documents:
            if document.contact_id == contact_id:
                self._change(document, {"contact_id": into})
                self._ever_of[into].add(document.id)

    def invoices_of(self, contact_id: str) -> list[Invoice]:
        """The invoices and bills of a contact."""
        found = (self.invoices[key] for key in self._ever_of[contact_id] if key in self.invoices)
        return [invoice for invoice in found if invoice.contact_id == contact_id]

    # --- documents ------------------------------------------------------------------------------------------------------------

    def add_invoice(self, contact_id: str, lines: Lines, *, on: date, due: date | None, **more: Any) -> str:
        """A sales invoice, or a bill with `type="ACCPAY"`; without tax unless `line_amount_types` says otherwise.

        `lines` are texts with amounts, or one amount. `more`: number, status, currency, currency_rate, reference, line_amount_types …
        """
        kind, status = more.get("type", "ACCREC"), more.get("status", "AUTHORISED")
        number = more.pop("number", "") or self.next_number("INV-" if kind == "ACCREC" else "BILL-")
        values = {"type": kind, "branding_theme": self.branding_theme, "sent": status == "AUTHORISED", **more}
        made = Invoice(contact_id=contact_id, due_date=due, **self._document(number, on, lines, values))
        return self.keep_invoice(made, "Created").id

    def add_credit_note(self, contact_id: str, amount: Lines, *, on: date, **more: Any) -> str:
        """A credit note (`type="ACCPAYCREDIT"`: one of a supplier)."""
        number = more.pop("number", "") or self.next_number("CN-")
        return self._add_credit("CreditNotes", contact_id, number, on, amount, {"type": "ACCRECCREDIT", **more})

    def add_overpayment(self, contact_id: str, amount: Decimal, *, on: date, **more: Any) -> str:
        """Money received beyond what was owed (`type="SPEND-OVERPAYMENT"`: paid)."""
        return self._add_credit("Overpayments", contact_id, "", on, amount, {"type": "RECEIVE-OVERPAYMENT", **more})

    def add_prepayment(self, contact_id: str, amount: Decimal, *, on: date, **more: Any) -> str:
        """Money received before the invoice (`type="SPEND-PREPAYMENT"`: paid)."""
        return self._add_credit("Prepayments", contact_id, "", on, amount, {"type": "RECEIVE-PREPAYMENT", **more})

    def keep_invoice(self, invoice: Invoice, what: str, user: str = "Ana Contable") -> Invoice:
        """Store a new or changed invoice and settle its status."""
        with self.lock:
            self.invoices[invoice.id] = invoice
            self._ever_of[invoice.contact_id].add(invoice.id)
            invoice.updated_at = self.stamp()
            self._settle(invoice)
            self.note(invoice.id, "", what=what, user=user)
        return invoice

    def keep_credit(self, credit: Credit, what: str, user: str = "Ana Contable") -> Credit:
        """Store a new or changed credit and settle its status."""
        self.credits[credit.id] = credit
        self._touch(credit)
        self.note(credit.id, "", what=what, user=user)
        return credit

    def next_number(self, prefix: str) -> str:
        """The number that Xero gives by itself."""
        self._numbers[prefix] += 1
        return f"{prefix}{self._numbers[prefix]:04d}"

    def edit(self, document_id: str, **changes: Any) -> None:
        """A bookkeeper changes fields of a document (due_date, reference, lines …); the rules of the API do not bind him here."""
        self._change(self.document(document_id), changes)

    def add_line(self, invoice_id: str, description: str, amount: Decimal, account: str = "200") -> str:
        """One more line on an invoice, by a person or by another app."""
        line = Line(self.new_id(), description, Decimal(1), amount, account)
        self.edit(invoice_id, lines=[*self.invoices[invoice_id].lines, line])
        return line.id

    def void(self, document_id: str) -> None:
        """Cancel a document; it stays in the books. Raises Invalid when something is paid or allocated."""
        self._end(document_id, "VOIDED")

    def delete(self, document_id: str) -> None:
        """Take a document away. Xero itself does so to drafts only; the row it lists then is the same. Raises Invalid as `void` does."""
        self._end(document_id, "DELETED")

    def _end(self, document_id: str, status: str) -> None:
        document = self.document(document_id)
        if self.uses_of(document):
            raise Invalid("This document cannot be edited as it has a payment or credit note allocated to it.")
        self._change(document, {"status": status})
        self.note(document_id, "", what=status.capitalize(), user="Ana Contable")

    # --- money ----------------------------------------------------------------------------------------------------------------

    def pay(self, invoice_id: str, amount: Decimal, *, on: date, **more: Any) -> str:
        """Money for an invoice, no more than is owed on it; `more`: reference, batch_id, account_id. Returns the payment's id."""
        invoice = self.invoices[invoice_id]
        self._check_use(invoice, amount, self.due_on(invoice), invoice.currency)
        payment = Payment(self.new_id(), amount, on, invoice_id, updated_at=self.stamp(), **more)
        self.payments[payment.id] = payment
        self._by_invoice[invoice_id].append(payment)
        self._touch(invoice)
        return payment.id

    def refund(self, credit_id: str, amount: Decimal, *, on: date) -> str:
        """Pay a credit back to the customer. Returns the payment's id."""
        credit = self.credits[credit_id]
        self._check_use(credit, amount, self.remaining(credit), credit.currency)
        payment = Payment(self.new_id(), amount, on, credit_id=credit_id, updated_at=self.stamp())
        self.payments[payment.id] = payment
        self._by_credit[credit_id].append(payment)
        self._touch(credit)
        return payment.id

    def delete_payment(self, payment_id: str) -> None:
        """Take a payment back: it stays as DELETED, and what it paid is open again."""
        payment = self.payments[payment_id]
        self._change(payment, {"status": "DELETED"})
        self._touch(self.document(payment.invoice_id or payment.credit_id))

    def allocate(self, credit_id: str, invoice_id: str, amount: Decimal, *, on: date) -> str:
        """Use a credit on an invoice of the same currency. Returns the allocation's id."""
        credit, invoice = self.credits[credit_id], self.invoices[invoice_id]
        self._check_use(invoice, amount, min(self.due_on(invoice), self.remaining(credit)), credit.currency)
        made = Allocation(self.new_id(), credit_id, invoice_id, amount, on)
        self.allocations[made.id] = made
        self._by_invoice[invoice_id].append(made)
        self._by_credit[credit_id].append(made)
        self._touch_both(credit, invoice)
        return made.id

    def unallocate(self, allocation_id: str) -> None:
        """Take a credit off an invoice again."""
        gone = self.allocations.pop(allocation_id)
        self._by_invoice[gone.invoice_id].remove(gone)
        self._by_credit[gone.credit_id].remove(gone)
        self._touch_both(self.credits[gone.credit_id], self.invoices[gone.invoice_id])

    def uses_of(self, document: Document) -> list[Payment | Allocation]:
        """The payments and allocations that count on a document."""
        uses = self._by_credit if isinstance(document, Credit) else self._by_invoice
        return [use for use in uses[document.id] if not isinstance(use, Payment) or use.status == "AUTHORISED"]

    def paid(self, invoice: Invoice) -> Decimal:
        """AmountPaid."""
        return sum((use.amount for use in self.uses_of(invoice) if isinstance(use, Payment)), ZERO)

    def credited(self, invoice: Invoice) -> Decimal:
        """AmountCredited: credit notes, overpayments and prepayments that are allocated to it."""
        return sum((use.amount for use in self.uses_of(invoice) if isinstance(use, Allocation)), ZERO)

    def due_on(self, invoice: Invoice) -> Decimal:
        """AmountDue; nothing is due on a document that is void or gone."""
        return ZERO if invoice.status in ("VOIDED", "DELETED") else invoice.total - self.paid(invoice) - self.credited(invoice)

    def remaining(self, credit: Credit) -> Decimal:
        """RemainingCredit."""
        used = sum((use.amount for use in self.uses_of(credit)), ZERO)
        return credit.total - used if credit.status in COUNTS else ZERO

    # --- locks and history ----------------------------------------------------------------------------------------------------

    def lock_until(self, day: date, *, year_end: bool = False) -> None:
        """Close the books up to and including this day, by the period lock date or by that of the year's end."""
        if year_end:
            self.year_end_lock = day
        else:
            self.period_lock = day

    def locked_by(self, day: date) -> str:
        """The refusal of a document that is dated in a closed period, empty when it is not."""
        for name, until in (("period lock date", self.period_lock), ("end of year lock date", self.year_end_lock)):
            if until and day <= until:
                return f"The document date cannot be before the {name}, currently set at {until:%d %B %Y}"
        return ""

    def note(self, row_id: str, details: str, *, what: str = "Note", user: str = _SYSTEM) -> Record:
        """An entry in the history of a document or contact; nothing ever leaves it."""
        record = Record(what, self.stamp(), user, details)
        self.history[row_id].append(record)
        return record

    # --- how it is kept -------------------------------------------------------------------------------------------------------

    def document(self, document_id: str) -> Invoice | Credit:
        """An invoice, bill or credit by its id."""
        return self.invoices.get(document_id) or self.credits[document_id]

    def _document(self, number: str, on: date, lines: Lines, values: dict[str, Any]) -> dict[str, Any]:
        parts = [("Services", lines)] if isinstance(lines, Decimal) else lines
        made = [Line(self.new_id(), text, Decimal(1), amount, "200") for text, amount in parts]
        base = {"id": self.new_id(), "number": number, "date": on, "lines": made, "rates": self.rates}
        return {"currency": self.organisation["BaseCurrency"], **base, **values}

    def _add_credit(self, kind: str, contact_id: str, number: str, on: date, lines: Lines, values: dict[str, Any]) -> str:
        return self.keep_credit(Credit(contact_id=contact_id, kind=kind, **self._document(number, on, lines, values)), "Created").id

    def _check_use(self, document: Document, amount: Decimal, at_most: Decimal, currency: str) -> None:
        if document.status not in COUNTS or document.currency != currency:
            raise Invalid("The document is not of a status or currency that takes this.")
        if not ZERO < amount <= at_most:
            raise Invalid("Payment amount exceeds the amount outstanding on this document")

    def _touch_both(self, credit: Credit, invoice: Invoice) -> None:
        self._touch(invoice)
        before = credit.updated_at
        self._touch(credit)
        if not self.behaviour.allocation_touches_credit:
            credit.updated_at = before

    def _touch(self, document: Invoice | Credit) -> None:
        self._settle(document)
        document.updated_at = self.stamp()

    def _settle(self, document: Invoice | Credit) -> None:
        if document.status in COUNTS:
            rest = self.due_on(document) if isinstance(document, Invoice) else self.remaining(document)
            document.status = "AUTHORISED" if rest > 0 else "PAID"

    def _change(self, row: Row, changes: dict[str, Any]) -> None:
        with self.lock:
            for name, value in changes.items():
                if not hasattr(row, name):
                    raise AttributeError(name)
                setattr(row, name, value)
            if isinstance(row, Invoice | Credit):
                self._settle(row)
            row.updated_at = self.stamp()


_CHART = (
    ("090", "Business Bank Account", "BANK", "ASSET"),
    ("091", "Card Clearing", "CURRENT", "ASSET"),
    ("092", "Old Bank Account", "BANK", "ASSET", "ARCHIVED"),
    ("200", "Sales", "REVENUE", "REVENUE"),
    ("260", "Other Revenue", "REVENUE", "REVENUE"),
    ("270", "Interest Income", "REVENUE", "REVENUE"),
    ("280", "Old Income", "REVENUE", "REVENUE", "ARCHIVED"),
    ("400", "Advertising", "EXPENSE", "EXPENSE"),
)
