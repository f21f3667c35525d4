"""The shared suite's harness over the stand-in of Xero."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness import RETRY_AFTER, Books, SeededIds, SeenCharge, SeenCredit, SeenPayment
from loopback import LoopbackHarness, MemoryVault
from puntual.connectors.http import Limits
from puntual.connectors.xero.connector import XeroConnector
from puntual.connectors.xero.settings import XeroSettings
from puntual.connectors.xero.stub import LEAST, Granted, Person, XeroBooks, XeroStub
from puntual.connectors.xero.stub.documents import COUNTS, Allocation, Document, Line
from puntual.connectors.xero.stub.documents import Payment as Paid
from puntual.core.access import Authorization
from puntual.core.errors import UnsupportedFeature
from puntual.core.money import Money
from puntual.core.port import Surroundings
from puntual.core.receivables import ContactRole, CreditKind, CreditNote, Customer, DocumentStatus, Invoice, Payment
from puntual.core.secret import Secret

LATE_FEE = "Late fee"
CHARGE_ACCOUNT = "260"
PAYMENT_ACCOUNT = "091"
RECORDING = LEAST.replace("accounting.payments.read", "accounting.payments")
_MARK = re.compile(r"\[puntual[:-][0-9a-z-]+\]", re.IGNORECASE)
_UNKNOWN = {"Surprise": {"Depth": [1, None]}, "ArrivedInTheNextVersion": "?"}


def authorization(granted: Granted) -> Authorization:
    """The token set of the stand-in in core's words."""
    return Authorization(
        access_token=Secret(granted.access_token),
        refresh_token=Secret(granted.refresh_token),
        expires_at=granted.expires_at,
        tenant_id=granted.tenant_id,
        tenant_name=granted.tenant_name,
        connection_id=granted.connection_id,
        refresh_expires_at=granted.refresh_expires_at,
        scopes=tuple(granted.scope.split()),
    )


def in_two_lines(total: Decimal) -> list[tuple[str, Decimal]]:
    """The total in two lines; in one when it cannot be halved."""
    half = (total / 2).quantize(total, ROUND_DOWN)
    return [("Trabajos", half), ("Material", total - half)] if half else [("Trabajos", total)]


class XeroHarness(LoopbackHarness):
    """Books in the stand-in, among them a supplier's bill, credit and prepayment, which are nobody's claim."""

    bare = {"charge_tax_type": "", "payment_account": ""}

    def __init__(self) -> None:
        super().__init__()
        self.books = XeroBooks(self.now)
        self.server = XeroStub(self.books, retry_after=RETRY_AFTER)
        self.vault = MemoryVault()
        self._state = TemporaryDirectory()
        supplier, day = self.books.add_contact("Suministros Gil S.A.", "gil@example.net"), self.today.replace(day=1)
        self.books.add_invoice(supplier, Decimal("77.10"), on=day, due=day, type="ACCPAY", number="F-i1")
        self.books.add_credit_note(supplier, Decimal("5.00"), on=day, type="ACCPAYCREDIT")
        self.books.add_prepayment(supplier, Decimal("9.00"), on=day, type="SPEND-PREPAYMENT")

    def close(self) -> None:
        super().close()
        self._state.cleanup()

    def _set_patience(self, limits: Limits) -> None:
        """Tokens are asked for over a wire of their own."""
        super()._set_patience(limits)
        for connector in self.opened:
            connector._wire.authorizer.transport._limits = limits

    def settings(self, **changes: Any) -> XeroSettings:
        values = {
            "client_id": self.server.client_id,
            "client_secret": Secret(self.server.client_secret),
            "service_url": self.server.url,
            "page_size": 3,
            "charge_account": CHARGE_ACCOUNT,
            "charge_tax_type": "OUTPUT",
            "payment_account": PAYMENT_ACCOUNT,
        }
        return XeroSettings(**{**values, **changes})

    def surroundings(self, time_zone: str = "Europe/Madrid") -> Surroundings:
        return replace(super().surroundings(time_zone), vault=self.vault, state_dir=Path(self._state.name))

    def connector(self, surroundings: Surroundings, **changes: Any) -> XeroConnector:
        if self.vault.authorization is None or self.vault.must_reconnect:
            self.connect()
        return XeroConnector(self.settings(**changes), surroundings)

    def connect(self, scope: str = RECORDING, **changes: Any) -> None:
        """What `puntual connect` comes to: a fresh token set in the vault. `changes`: tenant_id."""
        self.vault.authorization, self.vault.must_reconnect = authorization(self.server.grant(scope, **changes)), ""

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    def seed(self, books: Books) -> SeededIds:
        if any(len(invoice.instalments) > 1 for invoice in books.invoices):
            raise UnsupportedFeature("Xero has one due date an invoice.")
        if any(invoice.early_discount for invoice in books.invoices):
            raise UnsupportedFeature("Xero's payment terms grant no discount.")
        if books.contacts_made:
            raise UnsupportedFeature("Xero holds no contacts made by hand.")
        ids = SeededIds({}, {}, {}, {}, {}, {})
        for customer in books.customers:
            self._add_customer(customer, ids)
        for invoice in books.invoices:
            self._add_invoice(invoice, ids)
        for paid in books.payments:
            self._add_payment(paid, ids)
        for note in books.credit_notes:
            self._add_credit_note(note, ids)
        for use in books.allocations:
            source = (ids.payments if use.source_kind is CreditKind.PAYMENT else ids.credit_notes)[use.source_id]
            self.books.allocate(source, ids.invoices[use.invoice_id], use.amount.amount, on=use.allocated_on)
        return ids

    def _add_customer(self, customer: Customer, ids: SeededIds) -> None:
        """Xero knows neither languages nor parents, and its people have no ids: the connector's are the contact's and a place."""
        people = [self._person(each.name, each.email, each.role) for each in customer.contacts]
        more = {"country": customer.country, "phone": customer.phone, "groups": list(customer.groups)}
        key = self.books.add_contact(customer.name, customer.email, people, **more)
        ids.customers[customer.id] = key  # type: ignore[index]
        for place, person in enumerate(customer.contacts, 1):
            ids.contacts[person.id] = f"{key}/{place}"  # type: ignore[index]

    def _person(self, name: str, email: str, role: ContactRole) -> Person:
        first, _space, last = name.partition(" ")
        return Person(first, last, email, in_emails=role is ContactRole.INVOICE)

    def _add_invoice(self, invoice: Invoice, ids: SeededIds) -> None:
        """Its lines bear no tax, and one more may bear some on top."""
        lines = in_two_lines(invoice.instalments[0].total.amount)
        more = {"number": invoice.number, "currency": invoice.currency, "reference": invoice.reference, "line_amount_types": "Exclusive"}
        status = "DRAFT" if invoice.status is DocumentStatus.DRAFT else "AUTHORISED"
        contact = ids.customers[invoice.customer_id]
        key = self.books.add_invoice(contact, lines, on=invoice.issued_on, due=invoice.due_date, status=status, **more)
        if invoice.status is DocumentStatus.VOID:
            self.books.void(key)
        ids.invoices[invoice.id] = key  # type: ignore[index]
        ids.numbers[invoice.id] = self.books.invoices[key].number  # type: ignore[index]

    def _add_payment(self, paid: Payment, ids: SeededIds) -> None:
        """Money that can be taken off an invoice and stays is an overpayment or a prepayment; a Payment (`pay`) is deleted instead."""
        add = self.books.add_overpayment if paid.unapplied.is_positive else self.books.add_prepayment
        contact, amount = ids.customers[paid.customer_id], paid.amount
        key = add(contact, amount.amount, on=paid.paid_on, currency=amount.currency, reference=paid.reference)
        ids.payments[paid.id] = key  # type: ignore[index]

    def _add_credit_note(self, note: CreditNote, ids: SeededIds) -> None:
        contact, total = ids.customers[note.customer_id], note.total
        key = self.books.add_credit_note(contact, total.amount, on=note.issued_on, number=note.number, currency=total.currency)
        ids.credit_notes[note.id] = key  # type: ignore[index]

    def pay(self, invoice_id: str, amount: Money, paid_on: date) -> str:
        invoice = self.books.invoices[invoice_id]
        part = min(amount.amount, self.books.due_on(invoice))
        payment = self.books.pay(invoice_id, part, on=paid_on)
        if amount.amount > part:
            self.books.add_overpayment(invoice.contact_id, amount.amount - part, on=paid_on, currency=invoice.currency)
        return payment

    def allocate(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money) -> None:
        self.books.allocate(source_id, invoice_id, amount.amount, on=self.today)

    def unallocate(self, invoice_id: str) -> None:
        for use in list(self.books.uses_of(self.books.invoices[invoice_id])):
            if use.id in self.books.payments:
                self.books.delete_payment(use.id)
            else:
                self.books.unallocate(use.id)

    def void(self, invoice_id: str) -> None:
        self.books.void(invoice_id)

    def delete(self, invoice_id: str) -> None:
        self.books.delete(invoice_id)

    def postpone(self, invoice_id: str, due_date: date) -> None:
        self.books.edit(invoice_id, due_date=due_date)

    def set_address(self, customer_id: str, email: str) -> None:
        self.books.update_contact(customer_id, email=email)

    def lock_period(self, until: date) -> None:
        self.books.lock_until(until)

    def add_ledger_late_fee(self, invoice_id: str, amount: Money) -> str:
        self.books.add_line(invoice_id, LATE_FEE, amount.amount, CHARGE_ACCOUNT)
        return LATE_FEE

    def add_unknown_fields(self) -> None:
        for endpoint in ("Invoices", "Contacts", "Payments", "CreditNotes", "Overpayments", "Prepayments", "Organisation"):
            self.books.extra[endpoint] = _UNKNOWN

    # --- what was left in the books -------------------------------------------------------------------------------------------

    def notes(self, invoice_id: str) -> Sequence[str]:
        return [record.details for record in self.books.history[invoice_id] if record.what == "Note"]

    def tasks(self, invoice_id: str) -> Sequence[str]:
        return []

    def charges(self, invoice_id: str) -> Sequence[SeenCharge]:
        invoice = self.books.invoices[invoice_id]
        cites = re.compile(rf"(?<![\w-]){re.escape(invoice.number)}(?![\w-])")
        on_it = [line for line in invoice.lines if _MARK.search(line.description) and not _MARK.search(invoice.reference)]
        seen = [
            SeenCharge(self._money(invoice, line.amount(invoice.currency)), line.description, invoice_id, True, self._tax(invoice, line))
            for line in on_it
        ]
        for other in self.books.invoices.values():
            text = "\n".join([other.reference, *(line.description for line in other.lines)])
            ours = other.id != invoice_id and other.status not in ("VOIDED", "DELETED") and _MARK.search(other.reference)
            if ours and cites.search(text):
                seen.append(SeenCharge(self._money(other, other.subtotal), text, other.id, False, self._tax(other, *other.lines)))
        return seen

    def credits(self, document_id: str) -> Sequence[SeenCredit]:
        seen: list[SeenCredit] = []
        for note in self.books.credits.values():
            if note.contact_id == self.books.invoices[document_id].contact_id and note.status in COUNTS and _MARK.search(note.reference):
                uses = self.books.uses_of(note)
                here = [use.amount for use in uses if isinstance(use, Allocation) and use.invoice_id == document_id]
                if here or not uses:
                    text, used = "\n".join(line.description for line in note.lines), self._money(note, sum(here, Decimal(0)))
                    seen.append(SeenCredit(note.id, self._money(note, note.total), used, text, self._tax(note, *note.lines)))
        return seen

    def recorded_payments(self, invoice_id: str) -> Sequence[SeenPayment]:
        invoice = self.books.invoices[invoice_id]
        ours = [use for use in self.books.uses_of(invoice) if isinstance(use, Paid) and _MARK.match(use.reference)]
        amounts = {use.id: self._money(invoice, use.amount) for use in ours}
        return [SeenPayment(use.id, amounts[use.id], use.on, amounts[use.id], use.reference) for use in ours]

    def _money(self, document: Document, amount: Decimal) -> Money:
        return Money(amount, document.currency)

    def _tax(self, document: Document, *lines: Line) -> Money:
        return self._money(document, sum((document.tax_of(line) for line in lines), Decimal(0)))

    def lines(self, document_id: str) -> Sequence[tuple[str, Money]]:
        document = self.books.invoices[document_id]
        return [(line.description, Money(line.amount(document.currency), document.currency)) for line in document.lines]

    def expected_payment(self, invoice_id: str) -> date | None:
        return self.books.invoices[invoice_id].expected_on

    def secrets(self) -> Sequence[str]:
        return [self.server.client_secret, *self.server.authority.issued()]
