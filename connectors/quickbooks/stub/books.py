"""What a bookkeeper does in QuickBooks Online, and what it makes of it.

This is the seeding side: tests, and the demo, call these methods as colleagues at work. Ids are texts; amounts are Decimals in the currency
of the customer; the closing date does not bind a bookkeeper, who knows the password.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from .company import LATE_FEE, LATE_FEE_ACCOUNT, Company, make_void
from .posting import LINKING_NOTE
from .store import ZERO, Row

Use = tuple[str, str, Decimal]


class QboBooks(Company):
    """One company's books with nothing in them but a service to sell. `now` is aware UTC."""

    def __init__(self, *, now: Callable[[], datetime], **company: Any) -> None:
        super().__init__(now=now, **company)

    # --- people ---------------------------------------------------------------------------------------------------------------

    def add_customer(
        self,
        name: str,
        *,
        email: str = "",
        country: str = "",
        parent: str = "",
        currency: str = "",
        bill_with_parent: bool = False,
        **values: Any,
    ) -> str:
        """A customer; with `parent` one of its jobs (a sub-customer), in the parent's currency. Returns the id."""
        if any(row["DisplayName"] == name for row in self.store.rows("Customer")):
            raise ValueError(f"There is a customer {name!r} already")
        made: Row = {"DisplayName": name, "FullyQualifiedName": name, "CompanyName": name, "Active": True, "Job": False, "Balance": ZERO}
        made |= {"PreferredDeliveryMethod": "Email" if email else "None"}
        if email:
            made["PrimaryEmailAddr"] = {"Address": email}
        if country:
            made["BillAddr"] = {"Id": "1", "Line1": "1 High Street", "Country": country}
        if parent:
            above = self.store.get("Customer", parent)
            made |= {"Job": True, "ParentRef": {"value": parent, "name": above["DisplayName"]}, "BillWithParent": bill_with_parent}
            made |= {"FullyQualifiedName": f"{above['FullyQualifiedName']}:{name}", "Level": int(above.get("Level", 0)) + 1}
            currency = self.currency_of(above)
        made["CurrencyRef"] = {"value": currency or self.home_currency, "name": currency or self.home_currency}
        if not self.multicurrency and made["CurrencyRef"]["value"] != self.home_currency:
            raise ValueError("This company has one currency only")
        key = str(self.store.add("Customer", {**made, **values})["Id"])
        if parent:
            self.jobs[parent].append(key)
        return key

    def set_email(self, customer: str, email: str) -> None:
        """Change a customer's own address; documents keep theirs."""
        self.edit("Customer", customer, PrimaryEmailAddr={"Address": email})

    def deactivate(self, entity: str, key: str) -> None:
        """Make a customer or an item inactive. A customer who still owes gets a credit memo over the rest."""
        row = self.store.get(entity, key)
        if entity == "Customer" and row["Balance"] > ZERO:
            self.add_credit_memo(key, row["Balance"], on=self.today())
        self.edit(entity, key, Active=False)

    # --- invoices -------------------------------------------------------------------------------------------------------------

    def add_invoice(
        self,
        customer: str,
        amount: Decimal,
        *,
        issued_on: date,
        due_on: date | None = None,
        description: str = "",
        email: str | None = None,
        number: str | None = None,
        lines: Sequence[Row] = (),
        tax: Row | None = None,
        **values: Any,
    ) -> str:
        """An invoice with one untaxed line over `amount`, or with these `lines`, and their tax (or `tax`: what is said of it). Without
        `email` it goes to the customer's address."""
        row = self._document(customer, issued_on, number, values)
        row |= {"DueDate": due_on or issued_on + timedelta(days=30), "EmailStatus": "NotSet", "PrintStatus": "NeedToPrint"}
        row |= {"AllowOnlineCreditCardPayment": self.online_payments, "AllowOnlineACHPayment": self.online_payments, "CustomField": []}
        address = email if email is not None else self.store.get("Customer", customer).get("PrimaryEmailAddr", {}).get("Address")
        if address:
            row["BillEmail"] = {"Address": address}
        self.write_lines(row, list(lines) or [self.line(amount, description)], tax)
        made = self.store.add("Invoice", row)
        self.posting.settle("Invoice", made)
        self.apply_open_credit(made)
        return str(made["Id"])

    def add_credit_memo(self, customer: str, amount: Decimal, *, on: date, number: str | None = None, **values: Any) -> str:
        """A credit memo that is not used yet. Returns its id."""
        row = self._document(customer, on, number, values)
        self.write_lines(row, [self.line(amount, "Credit")])
        made = self.store.add("CreditMemo", row)
        self.posting.settle("CreditMemo", made)
        return str(made["Id"])

    def add_estimate(self, customer: str, amount: Decimal, *, on: date) -> str:
        """What is not invoiced yet; nobody owes it. Returns its id."""
        row = self._document(customer, on, None, {"TxnStatus": "Pending"})
        self.write_lines(row, [self.line(amount, "Offer")])
        return str(self.store.add("Estimate", row)["Id"])

    def apply_open_credit(self, invoice: Row) -> None:
        """With the company's setting AutoApplyCredit what the customer has left is used on a new invoice at once."""
        if not self.auto_apply_credit:
            return
        customer = invoice["CustomerRef"]["value"]
        for payment in self.store.rows("Payment"):
            if payment["CustomerRef"]["value"] == customer and payment["UnappliedAmt"] > ZERO and invoice["Balance"] > ZERO:
                self.apply(payment["Id"], invoice["Id"], min(payment["UnappliedAmt"], invoice["Balance"]))
        for memo in self.store.rows("CreditMemo"):
            if memo["CustomerRef"]["value"] == customer and memo["Balance"] > ZERO and invoice["Balance"] > ZERO:
                self.apply_credit(memo["Id"], invoice["Id"], min(memo["Balance"], invoice["Balance"]), on=self.today())

    def use_new_credit(self, memo: Row) -> None:
        """With the company's setting AutoApplyCredit a new credit memo is used on the oldest open invoices of the customer at once."""
        customer = memo["CustomerRef"]["value"]
        theirs = [row for row in self.store.rows("Invoice") if row["CustomerRef"]["value"] == customer and row["Balance"] > ZERO]
        for invoice in sorted(theirs, key=lambda row: (row["TxnDate"], int(row["Id"]))) if self.auto_apply_credit else ():
            if memo["Balance"] > ZERO:
                self.apply_credit(memo["Id"], invoice["Id"], min(memo["Balance"], invoice["Balance"]), on=self.today())

    def set_due_date(self, invoice: str, day: date) -> None:
        """Give an invoice another due date."""
        self.edit("Invoice", invoice, DueDate=day)

    def add_late_fee(self, invoice: str, amount: Decimal) -> str:
        """QuickBooks' own late fee: a line on the invoice. Returns the name of its item."""
        item = next((row["Id"] for row in self.store.rows("Item") if row["Name"] == LATE_FEE), "")
        item = item or self.add_item(LATE_FEE, account=LATE_FEE_ACCOUNT)
        row = self.store.get("Invoice", invoice)
        self.write_lines(row, [*row["Line"], self.line(amount, LATE_FEE, item)])
        self.posting.settle("Invoice", row)
        self.store.touch(row)
        return LATE_FEE

    def edit(self, entity: str, key: str, **values: Any) -> None:
        """Write properties of an object as they are, without anything following from them."""
        row = self.store.get(entity, key)
        row.update(values)
        self.store.touch(row)

    # --- money ----------------------------------------------------------------------------------------------------------------

    def add_payment(self, customer: str, amount: Decimal, *, on: date, uses: Sequence[Use] = (), **values: Any) -> str:
        """Money received, used on nothing yet unless `uses` says on what (kind, id, amount). Returns its id."""
        row = {"CustomerRef": self.customer_ref(customer), "TxnDate": on, "TotalAmt": amount, "ProcessPayment": False, "LinkedTxn": []}
        row |= self.currency_values(self.currency_of(self.store.get("Customer", customer)))
        made = self.store.add("Payment", {**row, **values})
        self.posting.set_uses(made, uses)
        return str(made["Id"])

    def pay(self, invoice: str, amount: Decimal, *, on: date, **values: Any) -> str:
        """A payment of the invoice's customer, used on the invoice; what is too much stays unapplied. Returns its id."""
        row = self.store.get("Invoice", invoice)
        used = min(amount, row["Balance"])
        uses = [("Invoice", invoice, used)] if used else []
        return self.add_payment(row["CustomerRef"]["value"], amount, on=on, uses=uses, **values)

    def apply(self, payment: str, invoice: str, amount: Decimal) -> None:
        """Use an unapplied payment, or a part of it, on an invoice."""
        row = self.store.get("Payment", payment)
        if amount > row["UnappliedAmt"]:
            raise ValueError("There is not so much left of the payment")
        self._change_uses(row, [*self.posting.uses_of(row), ("Invoice", invoice, amount)])

    def apply_credit(self, memo: str, invoice: str, amount: Decimal, *, on: date) -> str:
        """Use a credit memo on an invoice: a payment over nothing links the two. Returns the id of that payment."""
        row = self.store.get("CreditMemo", memo)
        if amount > row["Balance"]:
            raise ValueError("There is not so much left of the credit memo")
        uses = [("Invoice", invoice, amount), ("CreditMemo", memo, amount)]
        return self.add_payment(row["CustomerRef"]["value"], ZERO, on=on, uses=uses, PrivateNote=LINKING_NOTE)

    def unapply(self, invoice: str) -> None:
        """Take off an invoice what was used on it. Payments that only linked a credit memo go altogether."""
        for key in self.posting.used_on("Invoice", invoice):
            payment = self.store.get("Payment", key)
            if payment["TotalAmt"] == ZERO:
                self.delete("Payment", key)
            else:
                self._change_uses(payment, [use for use in self.posting.uses_of(payment) if use[1] != invoice])

    def _change_uses(self, payment: Row, uses: Sequence[Use]) -> None:
        self.posting.set_uses(payment, uses)
        self.store.touch(payment)

    # --- undoing --------------------------------------------------------------------------------------------------------------

    def void(self, invoice: str) -> None:
        """Void an invoice: it stays, over nothing; what was used on it is free again."""
        self.unapply(invoice)
        row = self.store.get("Invoice", invoice)
        make_void(row)
        self.posting.settle("Invoice", row)
        self.store.touch(row)

    def void_payment(self, payment: str) -> None:
        """Void a payment: it stays, over nothing, and its invoices are open again."""
        row = self.store.get("Payment", payment)
        row["PrivateNote"] = f"Voided - {row['PrivateNote']}" if row.get("PrivateNote") else "Voided"
        row["TotalAmt"] = ZERO
        self._change_uses(row, [])

    def delete(self, entity: str, key: str) -> None:
        """Delete a document: only change data capture will tell of it."""
        row = self.store.get(entity, key)
        if entity == "Invoice":
            self.unapply(key)
            self.posting.forget(row, "Balance", 1)
        elif entity == "CreditMemo":
            for payment in self.posting.used_on("CreditMemo", key):
                self.delete("Payment", payment)
            self.posting.forget(row, "Balance", -1)
        elif entity == "Payment":
            self.posting.set_uses(row, [])
            self.posting.forget(row, "UnappliedAmt", -1)
        self.store.remove(entity, row)

    def close_books(self, until: date, *, code: str = "6210") -> None:
        """Close the books up to and including this day; `code` is how the API will say so."""
        self.closed_until = until
        self.closed_code = code

    # --- what is there --------------------------------------------------------------------------------------------------------

    def notes(self, invoice: str) -> list[str]:
        """The texts of the notes that are attached to an invoice, the oldest first."""
        return [row["Note"] for row in self.store.rows("Attachable") if invoice in attached_to(row) and row.get("Note")]

    def _document(self, customer: str, on: date, number: str | None, values: Row) -> Row:
        row = {"CustomerRef": self.customer_ref(customer), "TxnDate": on, "LinkedTxn": [], **values}
        row["DocNumber"] = number if number is not None else self.take_number()
        return row | self.currency_values(self.currency_of(self.store.get("Customer", customer)))


def attached_to(row: Row) -> list[str]:
    """The ids of the invoices that a note is attached to."""
    references = [reference["EntityRef"] for reference in row.get("AttachableRef", [])]
    return [reference["value"] for reference in references if reference["type"] == "Invoice"]
