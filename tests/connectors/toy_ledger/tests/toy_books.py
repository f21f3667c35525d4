"""A stand-in of Toy Books over real HTTP: strict, stateful, and without a line of the connector."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from puntual.connectors.stub_server import StubServer, Trouble
from werkzeug.wrappers import Request, Response

Row = dict[str, Any]


TAXES = {"": Decimal(0), "VAT 21": Decimal("0.21"), "VAT 10": Decimal("0.1")}
COINS = {"JPY": Decimal(1), "KWD": Decimal("0.001")}
BANK = "570"


class _No(Exception):
    """The service refuses."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ToyBooks(StubServer):
    """Customers, documents and notes of one company. What a bookkeeper does are methods; what a program may do is in `respond`."""

    def __init__(self, now: Callable[[], datetime], retry_after: int = 60) -> None:
        self.tokens: list[str] = []
        self._allowed: dict[str, str] = {}
        self._codes: dict[str, Mapping[str, str]] = {}
        self.customers: dict[str, Row] = {}
        self.documents: dict[str, Row] = {}
        self.notes: list[Row] = []
        self.locked_until = ""
        self.surprise: Row = {}
        self._changes = 0
        super().__init__(now, retry_after)

    def _touch(self, row: Row) -> Row:
        self._changes += 1
        row["change"] = self._changes
        return row

    # --- a bookkeeper at work -------------------------------------------------------------------------------------------------

    def add_customer(self, **values: Any) -> str:
        key = str(1000 + len(self.customers))
        self.customers[key] = self._touch({"id": key, **values})
        return key

    def change_customer(self, key: str, **values: Any) -> None:
        self._touch(self.customers[key]).update(values)

    def add_document(self, kind: str, customer: str, currency: str, on: str, **values: Any) -> str:
        key = str(5000 + len(self.documents))
        fixed = {"id": key, "number": f"{kind[0].upper()}-{key}", "kind": kind, "customer": customer, "currency": currency, "date": on}
        blank: Row = {"state": "open", "discount": None, "memo": "", "person": "", "expected": "", "uses": []}
        self.documents[key] = self._touch({**fixed, **blank, **values})
        return key

    def change(self, key: str, **values: Any) -> None:
        self._touch(self.documents[key]).update(values)

    def use(self, invoice: str, source: str, amount: Decimal, on: date | str) -> None:
        """Allocate money or a credit note."""
        used = {"id": f"u{self._changes}", "source": source, "kind": self.documents[source]["kind"], "amount": amount, "date": str(on)}
        self._touch(self.documents[source])
        self._touch(self.documents[invoice])["uses"].append(used)

    def take_back(self, invoice: str) -> None:
        for used in self.documents[invoice]["uses"]:
            self._touch(self.documents[used["source"]])
        self.change(invoice, uses=[])

    # --- what a program is told -----------------------------------------------------------------------------------------------

    def total(self, row: Row) -> Decimal:
        return sum((self.with_tax(row, line) for line in row["lines"]), start=Decimal(0)) if row["kind"] == "invoice" else row["amount"]

    def with_tax(self, row: Row, line: Row) -> Decimal:
        """What a line comes to, its tax rounded to the smallest coin."""
        tax: Decimal = line["amount"] * TAXES[line.get("tax", "")]
        return line["amount"] + tax.quantize(COINS.get(row["currency"], Decimal("0.01")), ROUND_HALF_UP)  # type: ignore[no-any-return]

    def rest(self, row: Row) -> Decimal:
        """What is not paid of an invoice, not used of a payment or credit note."""
        if row["state"] in ("void", "deleted"):
            return Decimal(0)
        if row["kind"] == "invoice":
            return self.total(row) - sum(used["amount"] for used in row["uses"])
        return row["amount"] - sum(
            used["amount"] for each in self.documents.values() for used in each["uses"] if used["source"] == row["id"]
        )

    def told(self, row: Row) -> Row:
        if row["kind"] != "invoice":
            return {**row, "rest": self.rest(row), **self.surprise}
        lines = [{**line, "with_tax": self.with_tax(row, line)} for line in row["lines"]]
        return {**row, "lines": lines, "total": self.total(row), "due": self.rest(row), **self.surprise}

    def _with_customers(self, ids: Iterable[str]) -> list[Row]:
        wanted = dict.fromkeys(ids)
        parents = [self.customers[key]["parent"] for key in wanted]
        return [{**self.customers[key], **self.surprise} for key in dict.fromkeys([*filter(None, parents), *wanted])]

    # --- who is let in --------------------------------------------------------------------------------------------------------

    def counts(self, request: Request) -> bool:
        return not request.path.startswith("/oauth/")

    def grant(self) -> Row:
        """New tokens, as the token endpoint gives them."""
        return self._renewed(secrets.token_urlsafe(16))

    def _renewed(self, refresh: str) -> Row:
        access = secrets.token_urlsafe(16)
        self._allowed[access] = refresh
        self.tokens += [access, refresh]
        return {"access_token": access, "refresh_token": refresh, "expires_in": 86400, "books": "toy-1"}

    def allow(self, url: str) -> str:
        """What a person does in the browser on the page at `url`: allow it. Returns where the browser is sent."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _tokens_for(self, request: Request) -> Response:
        form = request.form
        if request.path == "/oauth/revoke":
            self._allowed = {access: refresh for access, refresh in self._allowed.items() if refresh != form["token"]}
            return Response("{}", 200)
        if self.trouble is Trouble.UNAUTHORIZED or not self._is_good(form):
            return self._answer_with({"error": "invalid_grant"}, 400)
        return self._answer_with(self.grant() if "code" in form else self._renewed(form["refresh_token"]), 200)

    def _is_good(self, form: Mapping[str, str]) -> bool:
        if form["grant_type"] == "refresh_token":
            return form["refresh_token"] in self._allowed.values()
        asked = self._codes.pop(form["code"], {})
        proof = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        same = all(form[name] == asked.get(name) for name in ("client_id", "redirect_uri"))
        return same and proof == asked["code_challenge"]

    # --- one request ----------------------------------------------------------------------------------------------------------

    def respond(self, request: Request) -> Response:
        if request.path.startswith("/oauth/"):
            return self._tokens_for(request)
        if self.refuses_key() or request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._allowed:
            return Response('{"message": "Who are you?"}', 401, mimetype="application/json")
        if self.trouble is Trouble.FORBIDDEN:
            return Response('{"message": "You may not do that."}', 403, mimetype="application/json")
        words = request.path.strip("/").split("/")
        action = getattr(self, f"_{request.method.lower()}_{words[-1]}")
        try:
            said = action(*words[1:-1], **(request.args.to_dict() if request.method == "GET" else request.get_json()))
        except _No as no:
            return self._answer_with({"code": no.code, "message": f"Sorry: {no.code}"}, 422)
        return self._answer_with(said, 200, {"X-Wrote": "1"} if request.method == "POST" else {})

    @staticmethod
    def _answer_with(said: Row, status: int, headers: dict[str, str] | None = None) -> Response:
        return Response(json.dumps(said, default=str, ensure_ascii=False), status, headers, mimetype="application/json")

    def _get_company(self) -> Row:
        return {"id": "toy-1", "name": "Talleres de Juguete, S.L.", "country": "ES", "currency": "EUR", **self.surprise}

    def _get_changes(self, after: str, limit: str) -> Row:
        everything = sorted((row for row in [*self.documents.values(), *self.customers.values()]), key=lambda row: row["change"])
        later = [row for row in everything if row["change"] > int(after)]
        page = later[: int(limit)]
        documents = [row for row in page if "kind" in row]
        customers = [row["customer"] for row in documents] + [row["id"] for row in page if "kind" not in row]
        last = page[-1]["change"] if page else int(after)
        told = {"documents": [self.told(row) for row in documents], "customers": self._with_customers(customers)}
        return {**told, "last": last, "more": len(later) > len(page)}

    def _get_invoices(self, ids: str) -> Row:
        found = [self.documents[key] for key in ids.split(",") if key in self.documents and self.documents[key]["kind"] == "invoice"]
        there = [row for row in found if row["state"] != "deleted"]
        customers = {row["customer"] for row in there}
        credits_ = [row for row in self.documents.values() if row["kind"] != "invoice" and row["customer"] in customers]
        return {"invoices": [self.told(row) for row in there], "credits": [self.told(row) for row in credits_ if self.rest(row) > 0]}

    def _get_search(self, words: str) -> Row:
        invoices = [row for row in self.documents.values() if row["kind"] == "invoice" and row["state"] != "deleted"]
        texts = {row["id"]: "\n".join([row["memo"], *(line["text"] for line in row["lines"])]) for row in invoices}
        return {"invoices": [self.told(row) for row in invoices if any(word in texts[row["id"]] for word in words.split(","))]}

    def _get_notes(self, invoices: str) -> Row:
        return {"notes": [note for note in self.notes if note["invoice"] in invoices.split(",")]}

    def _post_notes(self, notes: list[Row]) -> Row:
        ids: list[str | None] = []
        for note in notes:
            there = self.documents.get(note["invoice"], {}).get("state", "deleted") != "deleted"
            ids.append(f"n{len(self.notes)}" if there else None)
            if there:
                self.notes.append({"id": ids[-1], "invoice": note["invoice"], "text": note["text"]})
        return {"ids": ids}

    def _post_lines(self, invoice: str, text: str, amount: str, tax: str = "VAT 10") -> Row:
        row = self.documents[invoice]
        self._check_date(row["date"])
        if row["state"] != "open" or row["uses"]:
            raise _No("has_payments")
        row["lines"].append(self._line(text, amount, tax))
        return self.told(self._touch(row))

    def _line(self, text: str, amount: str, tax: str = "VAT 10") -> Row:
        if tax not in TAXES:
            raise _No("unknown_tax")
        return {"text": text, "amount": Decimal(amount), "tax": tax}

    def _post_invoices(self, customer: str, currency: str, date: str, due_date: str, memo: str, lines: list[Row]) -> Row:
        self._check_date(date)
        taken = [self._line(**line) for line in lines]
        key = self.add_document("invoice", customer, currency, date, due_date=due_date, memo=memo, lines=taken)
        return self.told(self.documents[key])

    def _get_payments(self, words: str) -> Row:
        payments = [row for row in self.documents.values() if row["kind"] == "payment" and row["state"] != "deleted"]
        return {"payments": [self.told(row) for row in payments if any(word in row["memo"] for word in words.split(","))]}

    def _post_payments(self, invoice: str, date: str, amount: str, account: str, memo: str) -> Row:
        row, received = self.documents.get(invoice, {"state": "deleted"}), Decimal(amount)
        self._check_date(date)
        if account != BANK:
            raise _No("unknown_account")
        if row["state"] != "open" or not 0 < received <= self.rest(row):
            raise _No("not_owed")
        key = self.add_document("payment", row["customer"], row["currency"], date, amount=received, memo=memo)
        self.use(invoice, key, received, date)
        return self.told(self.documents[key])

    def _post_expected(self, days: dict[str, str | None]) -> Row:
        there = [key for key in days if key in self.documents and self.documents[key]["state"] != "deleted"]
        for key in there:
            self.change(key, expected=days[key] or "")
        return {"done": there}

    def _check_date(self, on: str) -> None:
        if on <= self.locked_until:
            raise _No("period_locked")
