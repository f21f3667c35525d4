"""The calls to Toy Books: the only file that knows its addresses and its error codes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from puntual.connectors.http import Answer, Transport
from puntual.connectors.oauth import Tokens
from puntual.core.errors import PeriodLocked, RejectedByLedger, UnexpectedResponse
from puntual.core.secret import Secret

Row = Mapping[str, Any]

PERIOD_LOCKED = "period_locked"
"""The error code with which the books refuse a date; the other codes are only told."""


class Wire:
    """Questions and orders to one company's books."""

    def __init__(self, transport: Transport, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens

    def company(self) -> Row:
        """Whose books these are."""
        return self._ask("/company")

    def changes(self, after: int, limit: int) -> Row:
        """At most so many documents that changed after that change, in the order of their changes, each as it is now."""
        return self._ask("/changes", after=str(after), limit=str(limit))

    def invoices(self, ids: Collection[str]) -> Row:
        """These invoices as they are now, and all open credits of their customers; what is gone is missing."""
        return self._ask("/invoices", ids=",".join(ids))

    def marked(self, words: Collection[str]) -> Sequence[Row]:
        """Invoices, void ones too, in whose memo or lines one of these words stands, whatever stands around it."""
        found: Sequence[Row] = self._ask("/search", words=",".join(words))["invoices"]
        return found

    def notes(self, invoices: Collection[str]) -> Sequence[Row]:
        """The notes on these invoices."""
        found: Sequence[Row] = self._ask("/notes", invoices=",".join(invoices))["notes"]
        return found

    def add_notes(self, notes: Sequence[Row]) -> Sequence[str | None]:
        """Leave notes; None stands for one whose invoice is gone."""
        made: Sequence[str | None] = self._order("/notes", notes=notes)["ids"]
        return made

    def add_line(self, invoice: str, line: Row) -> Row:
        """Add a line to an invoice on which nothing was paid. Returns the invoice."""
        return self._order(f"/invoices/{invoice}/lines", **line)

    def add_invoice(self, invoice: Row) -> Row:
        """A new invoice, as the ledger made it."""
        return self._order("/invoices", **invoice)

    def marked_payments(self, words: Collection[str]) -> Sequence[Row]:
        """Payments, void ones too, in whose memo one of these words stands, whatever stands around it."""
        found: Sequence[Row] = self._ask("/payments", words=",".join(words))["payments"]
        return found

    def add_payment(self, payment: Row) -> Row:
        """A payment that is used on one invoice, as the ledger made it; both or neither."""
        return self._order("/payments", **payment)

    def expect(self, days: Mapping[str, str | None]) -> Collection[str]:
        """Show when invoices are expected to be paid. Returns the ids of those that are there."""
        done: Collection[str] = self._order("/expected", days=days)["done"]
        return done

    def _ask(self, path: str, **query: str) -> Row:
        return self._said(self._sent("GET", path, query=query, repeatable=True))

    def _order(self, path: str, **data: Any) -> Row:
        answer = self._sent("POST", path, data=data)
        said = self._said(answer)
        if answer.status == 200:
            return said
        code = str(said["code"])
        words = f"Toy Books says: {self._transport.masked(str(said['message']))}"
        raise PeriodLocked(words) if code == PERIOD_LOCKED else RejectedByLedger(words, code=code)

    def _sent(self, method: str, path: str, **what: Any) -> Answer:
        """One call; when the token is refused it is renewed once, and the call is made once more."""
        allowed = self._tokens.authorization()
        answer = self._with(allowed.access_token, method, path, **what)
        if answer.status == 401:
            answer = self._with(self._tokens.renewed(allowed).access_token, method, path, **what)
        if answer.status == 401:
            raise self._transport.error_of(answer)
        return answer

    def _with(self, token: Secret, method: str, path: str, **what: Any) -> Answer:
        self._transport.keep_secret(token)
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        return self._transport.request(method, path, headers=headers, accept=(200, 401, 422), **what)

    @staticmethod
    def _said(answer: Answer) -> Row:
        said = answer.json()
        if not isinstance(said, dict):
            raise UnexpectedResponse(f"{answer.ledger} answered with something else than an object.")
        return said
