"""The stand-in as `puntual demo --ledger xero` uses it: plain rows in, a server on loopback, and what was left in the books out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .books import XeroBooks
from .documents import Person, Record
from .server import XeroStub


class DemoLedger:
    """Xero with one organisation. The same rows give the same ids in every process."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Empty books, served on a free port. `now` is aware UTC."""
        self._books = XeroBooks(now, name="Suministros Soler, S.L.", country="ES", base_currency="EUR", time_zone="ROMANCESTANDARDTIME")
        self._server = XeroStub(self._books)
        self._people: dict[str, list[Person]] = {}
        self._contacts: dict[str, str] = {}
        self._invoices: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def settings(self) -> Mapping[str, Any]:
        """What the policy says of this ledger."""
        return {"service_url": self.url, "client_id": self._server.client_id}

    def secrets(self) -> Mapping[str, str]:
        """The settings that a policy only refers to."""
        return {"client_secret": self._server.client_secret}

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    # --- the books ------------------------------------------------------------------------------------------------------------

    def seed(self, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> Sequence[str]:
        """Enter the documents. Returns the numbers of disputed invoices for whose dispute these books have no place: all of them."""
        for person in rows["contacts"]:
            first, _space, last = person["name"].partition(" ")
            self._people.setdefault(person["customer"], []).append(Person(first, last, person["email"], in_emails=True))
        for customer in rows["customers"]:
            self._add_contact(customer)
        for invoice in rows["invoices"]:
            self._add_invoice(invoice)
        for payment in rows["payments"]:
            self._add_payment(payment)
        for note in rows["credit_notes"]:
            self._add_credit_note(note)
        return [row["number"] for row in rows["invoices"] if row["disputed"]]

    def _add_contact(self, row: Mapping[str, str]) -> None:
        people = self._people.get(row["id"], [])
        more = {"country": row["country"], "phone": row["phone"], "groups": [row["group"]]}
        self._contacts[row["id"]] = self._books.add_contact(row["name"], row["email"], people, **more)

    def _add_invoice(self, row: Mapping[str, str]) -> None:
        days = {"on": date.fromisoformat(row["issued_on"]), "due": date.fromisoformat(row["due_date"])}
        contact, total = self._contacts[row["customer"]], Decimal(row["total"])
        self._invoices[row["number"]] = self._books.add_invoice(contact, total, **days, number=row["number"], currency=row["currency"])

    def _add_payment(self, row: Mapping[str, str]) -> None:
        amount, paid_on = Decimal(row["amount"]), date.fromisoformat(row["paid_on"])
        if row["invoice"]:
            self._books.pay(self._invoices[row["invoice"]], amount, on=paid_on, reference=row["number"])
        else:
            contact = self._contacts[row["customer"]]
            self._books.add_overpayment(contact, amount, on=paid_on, currency=row["currency"], reference=row["number"])

    def _add_credit_note(self, row: Mapping[str, str]) -> None:
        amount, issued_on = Decimal(row["total"]), date.fromisoformat(row["issued_on"])
        contact = self._contacts[row["customer"]]
        note = self._books.add_credit_note(contact, amount, on=issued_on, number=row["number"], currency=row["currency"])
        if row["invoice"]:
            self._books.allocate(note, self._invoices[row["invoice"]], amount, on=issued_on)

    # --- what was written into them -------------------------------------------------------------------------------------------

    def written(self) -> Sequence[Mapping[str, Any]]:
        """Every note and expected date that came over the wire, as plain data, to be kept until the next time."""
        notes = [
            {"invoice": key, "at": record.at.isoformat(), "what": record.what, "user": record.user, "details": record.details}
            for key in self._invoices.values()
            for record in self._notes_on(key)
        ]
        expected = {key: self._books.invoices[key].expected_on for key in self._invoices.values()}
        return [*notes, *({"invoice": key, "expected_on": day.isoformat()} for key, day in expected.items() if day)]

    def write_again(self, written: Sequence[Mapping[str, Any]]) -> None:
        """Put back what an earlier process kept."""
        with self._books.lock:
            for entry in written:
                if "expected_on" in entry:
                    self._books.invoices[entry["invoice"]].expected_on = date.fromisoformat(entry["expected_on"])
                else:
                    record = Record(entry["what"], datetime.fromisoformat(entry["at"]), entry["user"], entry["details"])
                    self._books.history[entry["invoice"]].append(record)

    def left_in_the_books(self, number: str) -> Sequence[str]:
        """The notes in an invoice's history and its expected date, as a person reads them there."""
        key = self._invoices[number]
        expected_on = self._books.invoices[key].expected_on
        notes = [f"{record.at:%Y-%m-%d} history note: {record.details}" for record in self._notes_on(key)]
        return [*notes, *([f"expected date: {expected_on}"] if expected_on else [])]

    def _notes_on(self, invoice: str) -> list[Record]:
        return [record for record in self._books.history[invoice] if record.details]
