"""The stand-in as `puntual demo --ledger odoo` uses it: plain rows in, a server on loopback, and what was left in the books out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from .books import StubBooks
from .domain import Row
from .server import OdooStub

_LANGUAGES = {"es": "es_ES", "en": "en_US", "fr": "fr_FR"}
_WRITTEN: Mapping[str, Callable[[str], Any]] = {"date": datetime.fromisoformat, "date_deadline": date.fromisoformat}
_STAMPS = ("create_date", "write_date")


class DemoLedger:
    """Odoo 18 with one company. The same rows give the same ids in every process."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Empty books, served on a free port. `now` is aware UTC."""
        self._books = StubBooks(18, now=now)
        self._server = OdooStub(self._books)
        self._customers: dict[str, int] = {}
        self._moves: dict[str, int] = {}
        self._lines: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def settings(self) -> Mapping[str, Any]:
        """What the policy says of this ledger."""
        return {"url": self.url, "database": self._books.database, "login": self._books.login}

    def secrets(self) -> Mapping[str, str]:
        """The settings that a policy only refers to."""
        return {"api_key": self._books.api_key}

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    # --- the books ------------------------------------------------------------------------------------------------------------

    def seed(self, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> Sequence[str]:
        """Enter the documents. Returns the numbers of disputed invoices for whose dispute these books have no place: none."""
        self._name_company(rows["company"][0])
        for customer in rows["customers"]:
            self._add_customer(customer)
        for person in rows["contacts"]:
            parent = self._customers[person["customer"]]
            self._books.add_partner(person["name"], email=person["email"], type="invoice", parent_id=parent)
        for invoice in rows["invoices"]:
            self._add_invoice(invoice)
        for payment in rows["payments"]:
            self._add_payment(payment)
        for note in rows["credit_notes"]:
            self._add_credit_note(note)
        return ()

    def _name_company(self, row: Mapping[str, str]) -> None:
        store, named = self._books.store, {"name": row["name"], "country_code": row["country"]}
        company = next(iter(store.rows("res.company")))
        partner = store.get("res.partner", company["partner_id"])
        with store.transaction():
            store.update("res.company", company, {**named, "currency_id": self._books.currency(row["currency"])})
            if partner is not None:
                store.update("res.partner", partner, {**named, "tz": row["time_zone"]})

    def _add_customer(self, row: Mapping[str, str]) -> None:
        values: dict[str, Any] = {"email": row["email"], "phone": row["phone"], "country_code": row["country"], "tags": [row["group"]]}
        self._customers[row["id"]] = self._books.add_partner(row["name"], lang=_LANGUAGES[row["language"]], is_company=True, **values)

    def _add_invoice(self, row: Mapping[str, str]) -> None:
        part = (date.fromisoformat(row["due_date"]), Decimal(row["total"]))
        issued_on = date.fromisoformat(row["issued_on"])
        customer = self._customers[row["customer"]]
        move = self._books.add_invoice(customer, [part], issued_on=issued_on, currency=row["currency"], name=row["number"])
        self._books.print_invoice(move)
        if row["disputed"]:
            self._books.block(move)
        self._moves[row["number"]] = move

    def _add_payment(self, row: Mapping[str, str]) -> None:
        paid_on, amount = date.fromisoformat(row["paid_on"]), Decimal(row["amount"])
        customer = self._customers[row["customer"]]
        line = self._books.add_payment(customer, amount, on=paid_on, currency=row["currency"], reference=row["number"])
        if row["invoice"]:
            self._books.use(self._moves[row["invoice"]], line, on=paid_on)

    def _add_credit_note(self, row: Mapping[str, str]) -> None:
        issued_on = date.fromisoformat(row["issued_on"])
        values: dict[str, Any] = {"issued_on": issued_on, "currency": row["currency"], "move_type": "out_refund", "name": row["number"]}
        note = self._books.add_invoice(self._customers[row["customer"]], [(issued_on, Decimal(row["total"]))], **values)
        if row["invoice"]:
            self._books.use(self._moves[row["invoice"]], self._books.term_lines(note)[0]["id"], on=issued_on)

    # --- what was written into them -------------------------------------------------------------------------------------------

    def written(self) -> Sequence[Mapping[str, Any]]:
        """Every note and activity that came over the wire, as plain data, to be kept until the next time."""
        rows = [(model, row) for model in ("mail.message", "mail.activity") for row in self._books.store.rows(model)]
        return [{"model": model, "row": _plain(row)} for model, row in rows]

    def write_again(self, written: Sequence[Mapping[str, Any]]) -> None:
        """Put back what an earlier process kept, with its ids."""
        with self._books.store.transaction():
            for entry in written:
                self._books.store.insert(entry["model"], _typed(entry["row"]))

    def left_in_the_books(self, number: str) -> Sequence[str]:
        """The notes and open activities on an invoice, as a person reads them in its chatter."""
        move, store = self._moves[number], self._books.store
        notes = [f"{row['date']:%Y-%m-%d} internal note: {_text(row['body'])}" for row in store.by("mail.message", "res_id", move)]
        open_ = [row for row in store.rows("mail.activity") if row["res_id"] == move]
        return [*notes, *(f"{row['date_deadline']} activity: {row['summary']}: {_text(row['note'])}" for row in open_)]


def _plain(row: Row) -> dict[str, Any]:
    return {field: str(value) if isinstance(value, date) else value for field, value in row.items() if field not in _STAMPS}


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {field: _WRITTEN[field](value) if field in _WRITTEN else value for field, value in row.items()}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _text(body: str) -> str:
    """HTML as a person reads it, on one line."""
    reader = _Reader()
    reader.feed(body)
    reader.close()
    return " ".join(" ".join(reader.words).split())
