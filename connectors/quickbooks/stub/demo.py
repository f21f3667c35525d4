"""The stand-in as `puntual demo --ledger quickbooks` uses it: plain rows in, a server on loopback, and what was left in the books out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .books import QboBooks, attached_to
from .server import QboStub
from .store import Row


class DemoLedger:
    """QuickBooks Online with one company that trades in several currencies. The same rows give the same ids in every process."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Empty books, served on a free port. `now` is aware UTC."""
        self._books = QboBooks(
            now=now,
            name="Suministros Soler, S.L.",
            country="ES",
            home_currency="EUR",
            multicurrency=True,
            time_zone="Europe/Madrid",
        )
        self._server = QboStub(self._books)
        self._customers: dict[str, str] = {}
        self._written_to: dict[str, str] = {}
        self._invoices: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def settings(self) -> Mapping[str, Any]:
        """What the policy says of this ledger."""
        return {"service_url": self.url, "client_id": self._server.oauth.client_id}

    def secrets(self) -> Mapping[str, str]:
        """The settings that a policy only refers to."""
        return {"client_secret": self._server.oauth.client_secret}

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    # --- the books ------------------------------------------------------------------------------------------------------------

    def seed(self, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> Sequence[str]:
        """Enter the documents. Returns the numbers of disputed invoices for whose dispute these books have no place: all of them."""
        self._written_to = {person["customer"]: person["email"] for person in rows["contacts"]}
        for customer in rows["customers"]:
            self._add_customer(customer)
        for invoice in rows["invoices"]:
            self._add_invoice(invoice)
        for payment in rows["payments"]:
            self._add_payment(payment)
        for memo in rows["credit_notes"]:
            self._add_credit_memo(memo)
        return [row["number"] for row in rows["invoices"] if row["disputed"]]

    def _add_customer(self, row: Mapping[str, str]) -> None:
        """A customer has one currency for good."""
        more: dict[str, Any] = {"PrimaryPhone": {"FreeFormNumber": row["phone"]}}
        self._customers[row["id"]] = self._books.add_customer(
            row["name"], email=row["email"], country=row["country"], currency=row["currency"], **more
        )

    def _add_invoice(self, row: Mapping[str, str]) -> None:
        """There are no people at a customer; an invoice bears the address it goes to."""
        self._invoices[row["number"]] = self._books.add_invoice(
            self._customers[row["customer"]],
            Decimal(row["total"]),
            issued_on=date.fromisoformat(row["issued_on"]),
            due_on=date.fromisoformat(row["due_date"]),
            email=self._written_to.get(row["customer"]),
            number=row["number"],
        )

    def _add_payment(self, row: Mapping[str, str]) -> None:
        amount = Decimal(row["amount"])
        uses = [("Invoice", self._invoices[row["invoice"]], amount)] if row["invoice"] else []
        paid_on = date.fromisoformat(row["paid_on"])
        self._books.add_payment(self._customers[row["customer"]], amount, on=paid_on, uses=uses, PaymentRefNum=row["number"])

    def _add_credit_memo(self, row: Mapping[str, str]) -> None:
        amount, issued_on = Decimal(row["total"]), date.fromisoformat(row["issued_on"])
        memo = self._books.add_credit_memo(self._customers[row["customer"]], amount, on=issued_on, number=row["number"])
        if row["invoice"]:
            self._books.apply_credit(memo, self._invoices[row["invoice"]], amount, on=issued_on)

    # --- what was written into them -------------------------------------------------------------------------------------------

    def written(self) -> Sequence[Mapping[str, Any]]:
        """Every note that came over the wire, as plain data, to be kept until the next time."""
        return [{**row, "MetaData": _each(row["MetaData"], datetime.isoformat)} for row in self._books.store.rows("Attachable")]

    def write_again(self, written: Sequence[Mapping[str, Any]]) -> None:
        """Put back what an earlier process kept, with its ids."""
        with self._books.store.lock:
            for row in written:
                made = self._books.store.add("Attachable", dict(row))
                made["MetaData"] = _each(row["MetaData"], datetime.fromisoformat)

    def left_in_the_books(self, number: str) -> Sequence[str]:
        """The notes that are attached to an invoice, as a person reads them there."""
        notes = [row for row in self._books.store.rows("Attachable") if self._invoices[number] in attached_to(row)]
        return [f"{row['MetaData']['CreateTime']:%Y-%m-%d} attached note: {row['Note']}" for row in notes]


def _each(times: Mapping[str, Any], change: Callable[[Any], Any]) -> Row:
    return {name: change(value) for name, value in times.items()}
