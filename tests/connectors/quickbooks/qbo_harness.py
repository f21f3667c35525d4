"""The shared suite's harness over the stand-in of QuickBooks Online."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any, ClassVar

from harness import RETRY_AFTER, Books, Fault, SeededIds, SeenCharge, SeenCredit, SeenPayment
from loopback import LoopbackHarness, MemoryVault
from puntual.connectors.quickbooks.connector import QuickBooksConnector
from puntual.connectors.quickbooks.settings import QuickBooksSettings
from puntual.connectors.quickbooks.stub import Grant, QboBooks, QboStub
from puntual.core.access import Authorization
from puntual.core.bookings import our_marks
from puntual.core.errors import UnsupportedFeature
from puntual.core.money import Money
from puntual.core.port import Surroundings
from puntual.core.receivables import CreditKind, Customer, DocumentStatus, Invoice
from puntual.core.secret import Secret

IRELAND = {"name": "Puntual Trading Ltd", "country": "IE", "home_currency": "EUR", "multicurrency": True, "time_zone": "Europe/Dublin"}
CHARGE_ITEM = "Recargo por demora"
_REFUSES = (Fault.UNAUTHORIZED, Fault.UNAUTHORIZED_ONCE)


def authorization_of(grant: Grant) -> Authorization:
    """What the stand-in granted, in words of core."""
    tokens = Secret(grant.access_token), Secret(grant.refresh_token)
    ends = {"refresh_expires_at": grant.refresh_expires_at, "ends_at": grant.ends_at, "scopes": grant.scopes}
    return Authorization(*tokens, grant.expires_at, grant.realm_id, **ends)  # type: ignore[arg-type]


def two_lines(books: QboBooks, amount: Decimal) -> list[dict[str, Any]]:
    """An amount in two lines, in one when it is too small."""
    half = (amount / 2).quantize(Decimal(1).scaleb(min(0, int(amount.as_tuple().exponent))), ROUND_DOWN)
    parts = [half, amount - half] if half else [amount]
    return [books.line(part, f"Servicios, parte {n}") for n, part in enumerate(parts, start=1)]


def a_taxed_line(harness: "QboHarness", amount: str, code: str = "", item: str = "") -> dict[str, Any]:
    """A line with a tax code, the usual one when none is named."""
    line = harness.books.line(Decimal(amount), "Servicios", item)
    line["SalesItemLineDetail"]["TaxCodeRef"] = {"value": code or harness.books.standard}
    return line


class QboHarness(LoopbackHarness):
    """Books of one company in the stand-in: an Irish one with several currencies unless `company` says otherwise.

    All connectors from `new` share one vault, as the runs of a company do; once it is told to connect again, it is connected again.
    """

    bare: ClassVar = {"charge_tax_code": "", "payment_account": ""}

    def __init__(self, **company: Any) -> None:
        super().__init__()
        self.books = QboBooks(now=self.now, **{**IRELAND, **company})
        self.server = QboStub(self.books, retry_after=RETRY_AFTER)
        self.charge_item = self.books.add_item(CHARGE_ITEM)
        self.vault = MemoryVault(authorization_of(self.server.grant()))
        self._numbers: dict[str, str] = {}
        self._in_currency: dict[tuple[str, str], str] = {}

    def settings(self, **changes: Any) -> QuickBooksSettings:
        values: dict[str, Any] = {
            "client_id": self.server.client_id,
            "client_secret": Secret(self.server.client_secret),
            "service_url": self.server.url,
            "page_size": 3,
            "charge_item": self.charge_item,
            "charge_tax_code": self.books.standard,
            "charge_untaxed_code": self.books.untaxed,
            "payment_account": "Undeposited Funds",
        }
        return QuickBooksSettings(**{**values, **changes})

    def surroundings(self, time_zone: str = "Europe/Madrid") -> Surroundings:
        if self.vault.must_reconnect:
            self.vault = MemoryVault(authorization_of(self.server.grant()))
        plain = super().surroundings(time_zone)
        return Surroundings(plain.company, plain.time_zone, plain.now, plain.base_dir, plain.state_dir, vault=self.vault)

    def connector(self, surroundings: Surroundings, **changes: Any) -> QuickBooksConnector:
        return QuickBooksConnector(self.settings(**changes), surroundings)

    def break_wire(self, fault: Fault) -> None:
        if fault not in _REFUSES:
            # No renewal of an old token shall stand between the fault and the call that is meant.
            self.vault.authorization = authorization_of(self.server.grant())
        super().break_wire(fault)

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    def seed(self, books: Books) -> SeededIds:
        if books.contacts_made:
            raise UnsupportedFeature("QuickBooks Online tells of no contact that a person made.")
        ids = SeededIds({}, {}, {}, {}, {}, {})
        for customer in books.customers:
            self._add_customer(customer, books, ids)
        for invoice in books.invoices:
            self._add_invoice(invoice, ids)
        for paid in books.payments:
            customer = ids.customers[paid.customer_id]
            ids.payments[paid.id] = self.books.add_payment(customer, paid.amount.amount, on=paid.paid_on)  # type: ignore[index]
        for note in books.credit_notes:
            customer = ids.customers[note.customer_id]
            ids.credit_notes[note.id] = self.books.add_credit_memo(customer, note.total.amount, on=note.issued_on)  # type: ignore[index]
        for use in books.allocations:
            source = (ids.payments if use.source_kind is CreditKind.PAYMENT else ids.credit_notes)[use.source_id]
            self._use(use.source_kind, source, ids.invoices[use.invoice_id], use.amount, use.allocated_on)
        return ids

    def _add_customer(self, customer: Customer, books: Books, ids: SeededIds) -> None:
        """A customer has one currency at QuickBooks: that of the first invoice."""
        if customer.contacts:
            raise UnsupportedFeature("QuickBooks Online keeps no people at a customer.")
        first = next((invoice.currency for invoice in books.invoices if invoice.customer_id == customer.id), self.books.home_currency)
        values: dict[str, Any] = {"CompanyName": customer.name if customer.is_business else ""}
        values |= {"parent": ids.customers[customer.parent_id]} if customer.parent_id else {"currency": first}
        key = self.books.add_customer(customer.name, email=customer.email, country=customer.country, **values)
        ids.customers[customer.id] = key  # type: ignore[index]
        self._in_currency[key, first] = key

    def _add_invoice(self, invoice: Invoice, ids: SeededIds) -> None:
        if len(invoice.instalments) > 1:
            raise UnsupportedFeature("An invoice of QuickBooks Online has one due date.")
        customer = self._customer_in(ids.customers[invoice.customer_id], invoice.currency)
        part = invoice.instalments[0]
        if invoice.status is DocumentStatus.DRAFT:
            # There are no drafts: what is not invoiced yet is an estimate.
            ids.invoices[invoice.id] = self.books.add_estimate(customer, part.total.amount, on=invoice.issued_on)  # type: ignore[index]
            return
        values = {"lines": two_lines(self.books, part.total.amount), **self._terms(invoice)}
        key = self.books.add_invoice(customer, part.total.amount, issued_on=invoice.issued_on, due_on=part.due_date, **values)
        self._numbers[key] = self.books.store.get("Invoice", key)["DocNumber"]
        ids.invoices[invoice.id], ids.numbers[invoice.id] = key, self._numbers[key]  # type: ignore[index]
        if invoice.status is DocumentStatus.VOID:
            self.books.void(key)

    def _terms(self, invoice: Invoice) -> dict[str, Any]:
        """The payment terms that grant what the invoice is to grant; some that grant nothing, as most have."""
        granted, part = invoice.early_discount, invoice.instalments[0]
        values: dict[str, Any] = {"DueDays": (part.due_date - invoice.issued_on).days}
        if granted:
            percent = granted.amount.amount * 100 / part.total.amount
            values |= {"DiscountPercent": percent, "DiscountDays": (granted.last_on - invoice.issued_on).days}
        return {"SalesTermRef": {"value": self.books.add_term(f"Terms of {invoice.id}", **values)}}

    def _customer_in(self, customer: str, currency: str) -> str:
        """The customer, or for another currency the second customer that people have to make for it."""
        if (customer, currency) not in self._in_currency:
            row = self.books.store.get("Customer", customer)
            name = f"{row['DisplayName']} ({currency})"
            self._in_currency[customer, currency] = self.books.add_customer(name, email="otra@example.com", currency=currency)
        return self._in_currency[customer, currency]

    def pay(self, invoice_id: str, amount: Money, paid_on: date) -> str:
        return self.books.pay(invoice_id, amount.amount, on=paid_on)

    def allocate(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money) -> None:
        self._use(kind, source_id, invoice_id, amount, self.today)

    def _use(self, kind: CreditKind, source_id: str, invoice_id: str, amount: Money, on: date) -> None:
        if kind is CreditKind.PAYMENT:
            self.books.apply(source_id, invoice_id, amount.amount)
        else:
            self.books.apply_credit(source_id, invoice_id, amount.amount, on=on)

    def unallocate(self, invoice_id: str) -> None:
        self.books.unapply(invoice_id)

    def void(self, invoice_id: str) -> None:
        self.books.void(invoice_id)

    def delete(self, invoice_id: str) -> None:
        self.books.delete("Invoice", invoice_id)

    def postpone(self, invoice_id: str, due_date: date) -> None:
        self.books.set_due_date(invoice_id, due_date)

    def set_address(self, customer_id: str, email: str) -> None:
        self.books.set_email(customer_id, email)

    def lock_period(self, until: date) -> None:
        self.books.close_books(until)

    def add_ledger_late_fee(self, invoice_id: str, amount: Money) -> str:
        return self.books.add_late_fee(invoice_id, amount.amount)

    def add_unknown_fields(self) -> None:
        self.books.extra_fields = {"SurpriseStatus": "?", "Surprises": [{"Name": "?", "Value": 1}]}

    # --- what was left in the books -------------------------------------------------------------------------------------------

    def notes(self, invoice_id: str) -> Sequence[str]:
        return self.books.notes(invoice_id)

    def tasks(self, invoice_id: str) -> Sequence[str]:
        return []

    def charges(self, invoice_id: str) -> Sequence[SeenCharge]:
        own = self.books.store.find("Invoice", invoice_id)
        lines = [line for line in own["Line"] if our_marks(line.get("Description", ""))] if own else []
        currency = own["CurrencyRef"]["value"] if own else ""
        seen = [self._seen_line(line, currency, invoice_id) for line in lines]
        return seen + [self._seen_document(row) for row in self._charge_documents(invoice_id)]

    def _seen_line(self, line: dict[str, Any], currency: str, invoice_id: str) -> SeenCharge:
        percent = self.books.tax_rates[line["SalesItemLineDetail"]["TaxCodeRef"]["value"]]
        tax = Money.of(line["Amount"] * percent / 100, currency)
        return SeenCharge(Money(line["Amount"], currency), line["Description"], invoice_id, True, tax)

    def _charge_documents(self, invoice_id: str) -> list[dict[str, Any]]:
        number = re.compile(rf"(?<![\w-]){re.escape(self._numbers.get(invoice_id, '?'))}(?![\w-])")
        marked = [row for row in self.books.store.rows("Invoice") if our_marks(row.get("PrivateNote", ""))]
        return [row for row in marked if not row["PrivateNote"].startswith("Voided") and number.search(self._seen_document(row).text)]

    def _seen_document(self, row: dict[str, Any]) -> SeenCharge:
        texts = [row.get("CustomerMemo", {}).get("value", ""), *(text for text, _amount in self.lines(row["Id"]))]
        amounts = [amount for _text, amount in self.lines(row["Id"])]
        tax = Money(row["TxnTaxDetail"]["TotalTax"], row["CurrencyRef"]["value"])
        return SeenCharge(sum(amounts[1:], start=amounts[0]), "\n".join(texts), row["Id"], False, tax)

    def credits(self, document_id: str) -> Sequence[SeenCredit]:
        document = self.books.store.get("Invoice", document_id)
        marked = [row for row in self.books.store.rows("CreditMemo") if our_marks(row.get("PrivateNote", ""))]
        theirs = [row for row in marked if row["CustomerRef"] == document["CustomerRef"]]
        seen = {row["Id"]: self._seen_credit(row, document) for row in theirs}
        return [seen[row["Id"]] for row in theirs if row["Balance"] == row["TotalAmt"] or seen[row["Id"]].used.is_positive]

    def _seen_credit(self, memo: dict[str, Any], document: dict[str, Any]) -> SeenCredit:
        currency, used = memo["CurrencyRef"]["value"], self.books.posting.used_on("CreditMemo", memo["Id"])
        here = set(used) & set(self.books.posting.used_on("Invoice", document["Id"]))
        texts = [memo.get("CustomerMemo", {}).get("value", ""), *(line.get("Description", "") for line in memo["Line"])]
        total, tax = Money(memo["TotalAmt"], currency), Money(memo["TxnTaxDetail"]["TotalTax"], currency)
        return SeenCredit(memo["Id"], total, Money(sum((used[key] for key in here), Decimal(0)), currency), "\n".join(texts), tax)

    def recorded_payments(self, invoice_id: str) -> Sequence[SeenPayment]:
        number = re.compile(rf"(?<![\w-]){re.escape(self._numbers.get(invoice_id, '?'))}(?![\w-])")
        ours = [row for row in self.books.store.rows("Payment") if row["TotalAmt"] and our_marks(row.get("PrivateNote", ""))]
        used = self.books.posting.used_on("Invoice", invoice_id)
        return [
            SeenPayment(
                row["Id"],
                Money(row["TotalAmt"], row["CurrencyRef"]["value"]),
                row["TxnDate"],
                Money(used.get(row["Id"], Decimal(0)), row["CurrencyRef"]["value"]),
                f"{row['PaymentRefNum']}\n{row['PrivateNote']}",
            )
            for row in ours
            if row["Id"] in used or (not row["Line"] and number.search(row["PrivateNote"]))
        ]

    def lines(self, document_id: str) -> Sequence[tuple[str, Money]]:
        row = self.books.store.get("Invoice", document_id)
        currency = row["CurrencyRef"]["value"]
        return [(line.get("Description", ""), Money(line.get("Amount", Decimal(0)), currency)) for line in row["Line"]]

    def secrets(self) -> Sequence[str]:
        return [self.server.client_secret, *self.server.oauth.issued]
