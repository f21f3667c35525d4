"""What the API writes: invoices, and notes attached to them. Credit memos and payments are made in crediting.py, other entities nowhere."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from .books import QboBooks
from .checks import checked_lines, checked_reference, checked_texts, writable
from .company import is_void, make_void
from .crediting import Crediting
from .faults import (
    QboFault,
    business_rule,
    duplicate_number,
    invalid_reference,
    missing,
    not_found,
    period_closed,
    stale,
    unsupported_operation,
    unsupported_property,
)
from .schema import ATTACHABLE_WRITABLE, INVOICE_WRITABLE
from .store import Row

_OPERATIONS = {
    "Invoice": ("create", "update", "void", "delete"),
    "Attachable": ("create", "update", "delete"),
    "CreditMemo": ("create", "delete"),
    "Payment": ("create",),
}


class Writing:
    """Creates, updates, voids and deletes, with the checks of the API and the consequences of the books. All raise QboFault."""

    def __init__(self, books: QboBooks) -> None:
        self._books = books
        self._store = books.store
        self._crediting = Crediting(books)

    def write(self, entity: str, body: Mapping[str, Any], operation: str, *, duplicate_numbers: bool = False) -> Row:
        """One write, and the object as it is shown afterwards. `operation`: create, update, void or delete."""
        if operation not in _OPERATIONS.get(entity, ()):
            raise unsupported_operation(f"{operation} on {entity}")
        if self._books.subscription_ended:
            raise QboFault("6190", "Invalid Company Status", "Subscription period has ended or canceled or there was a billing problem")
        if operation == "delete":
            return self._delete(entity, self._current(entity, body))
        if operation == "void":
            return self._void(self._current(entity, body))
        if entity in ("CreditMemo", "Payment"):
            return self._crediting.create(entity, body)
        if entity == "Attachable":
            return self._attach(body) if operation == "create" else self._change_note(body)
        return self._invoice(body, None if operation == "create" else self._current(entity, body), duplicate_numbers)

    def _current(self, entity: str, body: Mapping[str, Any]) -> Row:
        for name in ("Id", "SyncToken"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise missing(name)
        row = self._store.find(entity, body["Id"])
        if row is None:
            raise not_found()
        if row["SyncToken"] != body["SyncToken"]:
            raise stale()
        return row

    def _check_open(self, *days: date) -> None:
        if any(self._books.is_closed(day) for day in days):
            raise period_closed(self._books.closed_code)

    def _delete(self, entity: str, row: Row) -> Row:
        if entity != "Attachable":
            self._check_open(row["TxnDate"])
        self._books.delete(entity, row["Id"])
        return {"status": "Deleted", "domain": "QBO", "Id": row["Id"]}

    def _void(self, row: Row) -> Row:
        self._check_open(row["TxnDate"])
        if not is_void(row):
            self._books.unapply(row["Id"])
            make_void(row)
            self._books.posting.settle("Invoice", row)
        self._store.touch(row)
        return self._books.shown("Invoice", row)

    # --- invoices -------------------------------------------------------------------------------------------------------------

    def _invoice(self, body: Mapping[str, Any], row: Row | None, duplicate_numbers: bool) -> Row:
        values = checked_texts(self._books, writable(body, INVOICE_WRITABLE))
        sparse = row is not None and body.get("sparse") is True
        lines = None if sparse and "Line" not in values else checked_lines(self._books, values.get("Line"), _line_ids(row))
        if not (sparse and "CustomerRef" not in values):
            customer = self._customer(values, row)
            values["CustomerRef"] = self._books.customer_ref(customer["Id"])
            self._check_currency(values, customer)
        values.setdefault("TxnDate", row["TxnDate"] if row else self._books.today())
        self._check_open(values["TxnDate"], *([row["TxnDate"]] if row else []))
        if not duplicate_numbers:
            self._check_number(values.get("DocNumber"), row)
        self._check_links(values, row, lines)
        return self._written(values, row, lines, sparse)

    def _written(self, values: Row, row: Row | None, lines: list[Row] | None, sparse: bool) -> Row:
        tax = values.pop("TxnTaxDetail", None)
        if row is None:
            made = self._store.add("Invoice", self._with_defaults(values))
        else:
            made = row
            if not sparse:
                for name in INVOICE_WRITABLE & row.keys() - {"Line", "CurrencyRef", "ExchangeRate"}:
                    del row[name]
            row.update({name: value for name, value in values.items() if name != "Line"})
            row.setdefault("DueDate", row["TxnDate"] + timedelta(days=30))
            row.setdefault("TxnTaxDetail", {})
            self._store.touch(row)
        if lines is not None:
            self._books.write_lines(made, lines, tax)
        self._books.posting.settle("Invoice", made)
        if row is None:
            self._books.apply_open_credit(made)
        return self._books.shown("Invoice", made, with_link=True)

    def _customer(self, values: Row, row: Row | None) -> Row:
        if not values.get("CustomerRef"):
            raise missing("CustomerRef")
        customer = checked_reference(self._books, "Customer", values["CustomerRef"])
        if row is not None and customer["Id"] != row["CustomerRef"]["value"] and self._books.posting.used_on("Invoice", row["Id"]):
            raise business_rule("The customer of a transaction that is linked to payments cannot be changed.")
        return customer

    def _check_currency(self, values: Row, customer: Row) -> None:
        given = (values.get("CurrencyRef") or {}).get("value")
        if given is not None and given != self._books.currency_of(customer):
            raise business_rule("The currency of the transaction must be the currency of the customer.")

    def _check_number(self, number: Any, row: Row | None) -> None:
        for other in self._store.rows("Invoice") if number else ():
            if other.get("DocNumber") == number and other is not row:
                raise duplicate_number(number, other["Id"])

    def _check_links(self, values: Row, row: Row | None, lines: list[Row] | None) -> None:
        if row is None or lines is None:
            return
        probe: Row = {**row, **values}
        self._books.write_lines(probe, [dict(line) for line in lines], values.get("TxnTaxDetail"))
        if probe["TotalAmt"] < sum(self._books.posting.used_on("Invoice", row["Id"]).values(), Decimal(0)):
            raise business_rule("The amount of the transaction is less than what has been applied to it.")

    def _with_defaults(self, values: Row) -> Row:
        customer = self._store.get("Customer", values["CustomerRef"]["value"])
        made: Row = {
            "DueDate": values["TxnDate"] + timedelta(days=30),
            "EmailStatus": "NotSet",
            "PrintStatus": "NeedToPrint",
            "CustomField": [],
        }
        online = self._books.online_payments
        made |= {"AllowOnlineCreditCardPayment": online, "AllowOnlineACHPayment": online, "LinkedTxn": []}
        made |= self._books.currency_values(self._books.currency_of(customer))
        if "DocNumber" not in values and not self._books.custom_numbers:
            made["DocNumber"] = self._books.take_number()
        return made | {name: value for name, value in values.items() if name not in ("Line", "CurrencyRef")}

    def send(self, key: str, to: str) -> Row:
        """Mail an invoice. The address overwrites the one on the invoice, which counts as an update."""
        row = self._store.find("Invoice", key)
        if row is None:
            raise not_found()
        if to:
            row |= checked_texts(self._books, {"BillEmail": {"Address": to}})
        if not (row.get("BillEmail") or {}).get("Address"):
            raise missing("BillEmail.Address")
        row |= {"EmailStatus": "EmailSent", "DeliveryInfo": {"DeliveryType": "Email", "DeliveryTime": self._store.written_at()}}
        self._store.touch(row)
        return self._books.shown("Invoice", row, with_link=True)

    # --- notes ----------------------------------------------------------------------------------------------------------------

    def _attach(self, body: Mapping[str, Any]) -> Row:
        values = checked_texts(self._books, writable(body, ATTACHABLE_WRITABLE))
        if not values.get("Note") and not values.get("FileName"):
            raise missing("Note")
        for reference in values.setdefault("AttachableRef", []):
            self._check_attached(reference)
        made = self._store.add("Attachable", values)
        self._echo(values["AttachableRef"])
        return self._books.shown("Attachable", made)

    def _change_note(self, body: Mapping[str, Any]) -> Row:
        row = self._current("Attachable", body)
        row.update(checked_texts(self._books, writable(body, ATTACHABLE_WRITABLE)))
        self._store.touch(row)
        return self._books.shown("Attachable", row)

    def _check_attached(self, reference: Any) -> None:
        entity = reference.get("EntityRef") if isinstance(reference, Mapping) else None
        if not isinstance(entity, Mapping) or not {"type", "value"} <= entity.keys():
            raise missing("AttachableRef.EntityRef")
        if not isinstance(reference.get("IncludeOnSend", False), bool):
            raise unsupported_property("IncludeOnSend")
        if not isinstance(entity["value"], str):
            raise invalid_reference(str(entity["type"]), str(entity["value"]))
        if self._store.find(str(entity["type"]), entity["value"]) is None:
            raise not_found()

    def _echo(self, references: list[Row]) -> None:
        for reference in references if self._books.notes_touch_documents else ():
            entity = reference["EntityRef"]
            self._store.touch(self._store.get(entity["type"], entity["value"]), bump=False)


def _line_ids(row: Row | None) -> set[str]:
    return {line["Id"] for line in row["Line"]} if row else set()
