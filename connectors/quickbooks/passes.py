"""The way through the books: what changed since the last time in one call, or everything that is open, in pages.

Change data capture reaches back 30 days and gives 1,000 objects at most, of all kinds together and without pages (Intuit, "Change data
capture"). What it cannot tell is told by a complete pass, whose end closes what it did not see: a query shows nothing that was deleted.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from ...core.errors import UnexpectedResponse
from ...core.port import Cursor, Page
from ..drafts import PageDraft
from . import mapping
from .mapping import Row, ref_of, text_of
from .reader import Families, QuickBooksReader

LEDGER = "QuickBooks"
CDC_DAYS = 29
CDC_OBJECTS = 1000
SETTLED_DAYS = 3
"""How far a complete pass looks back for what was settled, when it does not know since when."""
PAYMENT_DAYS = 365
"""How far a complete pass looks back for payments; older ones are read where an open invoice or a customer's balance tells of them."""
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reading begins: whose books, and the instant before which all is known (empty: nothing is). Within a complete pass it stays
    where it was, so that a crash repeats the pass."""

    realm: str
    low: str = ""

    def cursor(self) -> Cursor:
        """The position as core keeps it."""
        return Cursor(json.dumps({"format": _FORMAT, **asdict(self)}, separators=(",", ":")))

    @classmethod
    def of(cls, cursor: Cursor | None, realm: str) -> "Position":
        """The position of a cursor. One that is not ours, or of other books, is the start of a complete pass."""
        try:
            said = json.loads(cursor or "")
            low = said["low"] if said["format"] == _FORMAT and said["realm"] == realm else ""
            return cls(realm, instant_text(datetime.fromisoformat(low)) if low else "")
        except (ValueError, KeyError, TypeError):
            return cls(realm)

    def is_recent(self, now: datetime) -> bool:
        """Whether change data capture reaches back to it."""
        return bool(self.low) and now - datetime.fromisoformat(self.low) < timedelta(days=CDC_DAYS)


def instant_text(at: datetime) -> str:
    """An instant with its offset, without which QuickBooks takes it for Pacific time."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")


class Pass:
    """One reading of the books, from a position to its end. `now` is the instant by our own clock, for where the service tells none."""

    def __init__(self, reader: QuickBooksReader, start: Position, *, overlap: timedelta, now: datetime) -> None:
        self._reader = reader
        self._start = start
        self._overlap = overlap
        self._now = now
        self._families = Families(reader.some_customers)
        self._standing = _Standing()
        reader.begin()

    def pages(self) -> Iterator[Page]:
        """The pages: one of changes, or those of a complete pass."""
        if self._start.is_recent(self._now):
            said = self._reader.wire.changes(self._start.low)
            changed = _changes_in(said)
            if sum(map(len, changed.values())) < CDC_OBJECTS:
                yield self._changes(changed).page(self._after(text_of(said.get("time"))))
                return
        yield from self._complete()

    def _after(self, answered_at: str) -> Cursor:
        """The position after a reading: the service's time at its begin, less the overlap."""
        return Position(self._start.realm, instant_text(self._instant(answered_at) - self._overlap)).cursor()

    def _instant(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return self._now
        return at if at.tzinfo else self._now

    # --- what changed ---------------------------------------------------------------------------------------------------------

    def _changes(self, changed: dict[str, list[Row]]) -> PageDraft:
        draft = PageDraft(LEDGER)
        kinds = ("Invoice", "Payment", "CreditMemo")
        draft.deleted_ids += [text_of(row["Id"]) for kind in kinds for row in changed[kind] if mapping.is_deleted(row)]
        invoices, payments, memos = ([row for row in changed[kind] if not mapping.is_deleted(row)] for kind in kinds)
        customers = [row for row in changed["Customer"] if text_of(row.get("status")) != "Deleted"]
        self._families.learn(customers)
        self._tell_customers([*customers, *self._families.meet([*invoices, *payments, *memos])], draft)
        self._tell_invoices(invoices, draft, payments)
        self._tell_credit_memos(memos, draft)
        self._tell_payments(payments, draft)
        return draft

    # --- everything that is open ----------------------------------------------------------------------------------------------

    def _complete(self) -> Iterator[Page]:
        starts, cursor = True, self._start.cursor()
        for draft in self._drafts():
            yield draft.page(cursor, starts_pass=starts)
            starts = False
        yield Page(self._after(self._reader.answered_at), starts_pass=starts, ends_pass=True)

    def _drafts(self) -> Iterator[PageDraft]:
        yield from self._told(self._reader.customers(), self._tell_customers)
        begun = self._instant(self._reader.answered_at)
        settled_since = self._start.low or instant_text(begun - timedelta(days=SETTLED_DAYS))
        yield from self._told(self._reader.settled_since(settled_since), self._tell_invoices)
        yield from self._told(self._reader.open_invoices(), self._tell_invoices)
        yield from self._told(self._reader.open_credit_memos(), self._tell_credit_memos)
        yield from self._told(self._reader.payments_since(instant_text(begun - timedelta(days=PAYMENT_DAYS))), self._tell_live_payments)
        yield from self._told(self._reader.payments(self._standing.untold_links()), self._tell_live_payments)
        yield from self._told(self._reader.payments_of(self._standing.unexplained()), self._tell_live_payments)

    def _told(self, pages: Iterable[list[Row]], tell: Callable[[list[Row], PageDraft], None]) -> Iterator[PageDraft]:
        for rows in pages:
            draft = PageDraft(LEDGER)
            tell(rows, draft)
            yield draft

    # --- and what is told of it -----------------------------------------------------------------------------------------------

    def _tell_customers(self, rows: list[Row], draft: PageDraft) -> None:
        self._families.learn(rows)
        for row in rows:
            self._standing.note_customer(row)
            if found := draft.read(_named("Customer", row), partial(mapping.customer, row)):
                draft.customers.append(found)

    def _tell_invoices(self, rows: list[Row], draft: PageDraft, payments: Collection[Row] = ()) -> None:
        home, terms = self._reader.home_of(rows), self._reader.terms_of(rows)
        paid_on, known = _last_payments(payments), {text_of(row["Id"]) for row in payments}
        for row in rows:
            payer, settled_on = self._families.payer(row), paid_on.get(text_of(row.get("Id")))
            if found := draft.read(_named("Invoice", row), partial(mapping.invoice, row, payer, home, settled_on, terms)):
                draft.invoices.append(found)
                self._standing.note_invoice(row)
                draft.known_of += [found.id] if known.issuperset(mapping.payments_linked(row)) else []

    def _tell_credit_memos(self, rows: list[Row], draft: PageDraft) -> None:
        home = self._reader.home_of(rows)
        for row in rows:
            if found := draft.read(_named("Credit memo", row), partial(mapping.credit_note, row, self._families.payer(row), home)):
                draft.credit_notes.append(found)
                self._standing.note_credit(row, found.remaining.amount)

    def _tell_live_payments(self, rows: list[Row], draft: PageDraft) -> None:
        """Those with something left, and those that were used on what is open; the rest is history."""
        self._tell_payments([row for row in rows if self._standing.is_live(row)], draft)

    def _tell_payments(self, rows: list[Row], draft: PageDraft) -> None:
        home = self._reader.home_of(rows)
        for row in rows:
            used = draft.read(_named("Payment", row), partial(mapping.allocations, row, home))
            if used is None:
                continue
            paid = draft.read(_named("Payment", row), partial(mapping.payment, row, self._families.payer(row), home))
            draft.allocations += used
            draft.known_of.append(text_of(row["Id"]))
            if paid:
                draft.payments[paid.id] = paid
                self._standing.note_credit(row, paid.unapplied.amount)


class _Standing:
    """How customers stand, by what a complete pass has read so far: to find the payments that no question could ask for."""

    def __init__(self) -> None:
        self._balances: dict[str, Decimal] = {}
        self._explained: dict[str, Decimal] = defaultdict(Decimal)
        self._open: set[str] = set()
        self._linked: set[str] = set()
        self._payments: set[str] = set()

    def note_customer(self, row: Row) -> None:
        """What the customer owes in all, less all unused credit, in its one currency; its jobs' is apart."""
        if row.get("Balance") is not None:
            self._balances[text_of(row["Id"])] = Decimal(str(row["Balance"]))

    def note_invoice(self, row: Row) -> None:
        if row.get("Balance"):
            self._open.add(text_of(row["Id"]))
            self._linked.update(mapping.payments_linked(row))
            self._explain(row, Decimal(str(row["Balance"])))

    def note_credit(self, row: Row, left: Decimal) -> None:
        self._explain(row, -left)

    def _explain(self, row: Row, amount: Decimal) -> None:
        self._explained[ref_of(row.get("CustomerRef"))] += amount

    def is_live(self, row: Row) -> bool:
        """Whether a payment has something left or was used on an open invoice, and was not told yet."""
        key = text_of(row["Id"])
        if key in self._payments:
            return False
        self._payments.add(key)
        links = {text_of(link.get("TxnId")) for line in row.get("Line") or () for link in line.get("LinkedTxn") or ()}
        return bool(row.get("UnappliedAmt")) or bool(links & self._open)

    def untold_links(self) -> Iterator[str]:
        """Payments that were used on open invoices and are older than what was read."""
        yield from sorted(self._linked - self._payments)

    def unexplained(self) -> Iterator[str]:
        """Customers who owe less than their documents come to: they have an old payment that is not used up."""
        yield from sorted(key for key, balance in self._balances.items() if balance < self._explained.get(key, Decimal(0)))


def _named(what: str, row: Row) -> str:
    """A row as people know it."""
    return f"{what} {text_of(row.get('DocNumber'))} (id {text_of(row.get('Id'))})"


def _last_payments(payments: Iterable[Row]) -> dict[str, date]:
    """The day of the last of these payments on each invoice."""
    last: dict[str, date] = {}
    for row in payments:
        for line in row.get("Line") or ():
            for link in line.get("LinkedTxn") or ():
                key, day = text_of(link.get("TxnId")), date.fromisoformat(row["TxnDate"])
                last[key] = max(last.get(key, day), day)
    return last


def _changes_in(said: Any) -> dict[str, list[Row]]:
    """The objects in an answer of change data capture, by kind. What did not change leaves an empty object, or nothing."""
    found: dict[str, list[Row]] = defaultdict(list)
    try:
        for part in said["CDCResponse"][0]["QueryResponse"]:
            for kind, rows in part.items():
                if isinstance(rows, list):
                    found[kind] += rows
    except (AttributeError, IndexError, KeyError, TypeError):
        raise UnexpectedResponse("QuickBooks Online answers a question for changes without an answer.") from None
    return found
