"""The way through the books: what changed since the last time, or everything that is open, in pages.

Xero sorts by the instant of the last change, the oldest first. What changes while pages are read moves to the end, and what leaves the set
that is read (paid, void) closes its gap: both move later rows to earlier pages. So several pages are read from the last to the first, which
may give a row twice and never skips one; what moved to the end meanwhile is read once more at the end of a complete pass.

The next reading begins where the newest change was that the first answer of this one showed, less an overlap; never at our own clock.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ...core.port import MAX_PAGE_DOCUMENTS, Cursor, Page
from ..drafts import PageDraft
from . import mapping
from .mapping import Row, text_of
from .wire import Listing, XeroWire

LEDGER = "Xero"
MOST_ROWS = 1000
"""What one call gives at most; changes are always asked for in pages of this size."""
_FORMAT = 1
_SECONDS = "%Y-%m-%dT%H:%M:%S"
_END = "end"
_WHOLE = ("invoices", "credit_notes", "overpayments", "prepayments")
_CHANGED = ("contacts", *_WHOLE)
_TURNS = ("overpayments", "prepayments")
_NAMES = {
    "invoices": ("Invoice", "InvoiceID", "InvoiceNumber"),
    "contacts": ("Contact", "ContactID", "Name"),
    "credit_notes": ("Credit note", "CreditNoteID", "CreditNoteNumber"),
    "overpayments": ("Overpayment", "OverpaymentID", "Reference"),
    "prepayments": ("Prepayment", "PrepaymentID", "Reference"),
}


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reading stands.

    `low` is by stream the instant up to which changes are known; empty: nothing is known, so this is a complete pass. `high` is the next
    `low` in the making. `sums` tell of each stream which rows the end of the last reading showed, so that rows which only come again by the
    overlap are no news; `next_sums` are those in the making. `turn` is which of the rarer streams is looked at when there is no news.
    `stage`, `page` (0: its first call is still to be made) and `since` say how far this reading is; `again`: it reads what moved.
    """

    tenant: str
    low: Mapping[str, str] = field(default_factory=dict)
    high: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, int] = field(default_factory=dict)
    next_sums: Mapping[str, int] = field(default_factory=dict)
    turn: str = _TURNS[0]
    stage: str = ""
    page: int = 0
    since: str = ""
    again: bool = False
    news: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether this is a complete pass."""
        return not self.low

    def cursor(self) -> Cursor:
        """The position as core keeps it."""
        return Cursor(json.dumps({"format": _FORMAT, **asdict(self)}, separators=(",", ":")))

    @classmethod
    def of(cls, cursor: Cursor | None, tenant: str) -> "Position":
        """The position of a cursor. One that is not ours, or of another organisation, is the start of a complete pass."""
        try:
            said = json.loads(cursor or "")
            position = cls(**{name: said[name] for name in cls.__slots__}) if said["format"] == _FORMAT else None
            sound = position is not None and position.tenant == tenant and position._is_sound()
        except (ValueError, KeyError, TypeError, AttributeError):
            position, sound = None, False
        return position if position is not None and sound else cls(tenant)

    def _is_sound(self) -> bool:
        stages = _WHOLE if self.is_whole else _CHANGED
        marks = [*self.low.values(), *self.high.values()]
        sums = [*self.sums.values(), *self.next_sums.values()]
        numbers = all(isinstance(each, int) for each in (self.page, *sums)) and self.page >= 0
        begun = self.stage in ("", _END) or (self.stage in stages and (self.is_whole or self.stage in self.low))
        return begun and numbers and self.turn in _TURNS and all(_is_instant(mark) for mark in marks)


def _is_instant(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _after(mark: str, overlap: timedelta) -> str:
    """What is asked for in If-Modified-Since."""
    return (datetime.fromisoformat(mark) - overlap).strftime(_SECONDS) if mark else ""


def _later(one: str, other: str) -> str:
    return max(filter(None, (one, other)), key=datetime.fromisoformat, default="")


def _sum_of(rows: Iterable[Row], key: str, since: str) -> int:
    """A number for these versions of rows, in whatever order they come, as far as they changed after that second.

    Whether If-Modified-Since brings what changed in that very second is not documented, so such rows do not count.
    """
    changed = ((row, mapping.newest([row])) for row in rows)
    return sum(_print_of(row, key) for row, at in changed if at is not None and at.strftime(_SECONDS) > since)


def _print_of(row: Row, key: str) -> int:
    said = f"{row.get(key)} {row.get('UpdatedDateUTC')} {row.get('UpdatedDateUTCString')}"
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:6])


class Pass:
    """One reading of the books, from a position to its end. `pages_known` are the invoices' own pages that are known from before."""

    def __init__(self, wire: XeroWire, start: Position, page_size: int, overlap: timedelta, pages_known: Mapping[str, str]) -> None:
        self._wire = wire
        self._at = start if start.stage else replace(start, high={}, next_sums={}, page=0, news=False, again=False)
        self._page_size = page_size
        self._overlap = overlap
        self._pages_known = pages_known
        self._told: set[tuple[str, Any, Any]] = set()
        self._told_customers: set[str] = set()

    def pages(self, warnings: Callable[[], Sequence[str]]) -> Iterator[Page]:
        """The pages that are left. `warnings` are asked for when a complete pass begins."""
        whole, starts = self._at.is_whole, self._at.is_whole and not self._at.stage
        warned = warnings() if starts else ()
        if not self._at.stage:
            self._at = self._at_stage(_WHOLE[0] if whole else _CHANGED[0])
        while self._at.stage != _END:
            for page in self._step():
                yield replace(page, starts_pass=starts, warnings=tuple(warned))
                starts, warned = False, ()
        yield Page(self._ended().cursor(), starts_pass=starts, ends_pass=whole, warnings=tuple(warned))

    def _ended(self) -> Position:
        """Where the next reading begins."""
        at, low = self._at, {stream: self._at.high.get(stream) or self._at.low.get(stream, "") for stream in _CHANGED}
        skipped = [stream for stream in _TURNS if not at.is_whole and stream not in at.high]
        sums = {stream: at.sums[stream] for stream in skipped if stream in at.sums} | dict(at.next_sums)
        turn = skipped[0] if skipped else at.turn
        return Position(at.tenant, low=low, sums=sums, turn=turn)

    # --- one call -------------------------------------------------------------------------------------------------------------

    def _step(self) -> Iterator[Page]:
        """Make one call, and tell what it brought: several pages when it is more than one may hold, none when it is nothing new."""
        at, before = self._at, self._at.cursor()
        listing = self._ask(at)
        if not at.page and listing.pages > 1:
            self._at = replace(at, page=listing.pages)
            return
        self._note_mark(listing)
        is_news = self._is_news(listing)
        fresh = self._not_told(listing.rows)
        drafts = [draft for draft in self._drafts(fresh) if not draft.is_empty] if is_news else []
        self._move_on(is_news)
        for number, draft in enumerate(drafts, 1):
            cursor = self._at.cursor() if number == len(drafts) else before
            yield draft.page(cursor)

    def _ask(self, at: Position) -> Listing:
        whole = at.is_whole
        named: dict[str, Any] = {}
        if at.stage == "invoices":
            named = {"where": f'Type=="{mapping.SALE}"'} | ({"statuses": ["AUTHORISED"]} if whole else {})
        elif at.stage == "credit_notes":
            named = {"where": f'Type=="{mapping.SALE_CREDIT}"' + (' AND Status=="AUTHORISED"' if whole else "")}
        elif at.stage == "contacts":
            named = {"include_archived": True}
        elif whole:
            named = {"where": 'Status=="AUTHORISED"'}
        size = self._page_size if whole and not at.again else MOST_ROWS
        return self._wire.listing(at.stage, page=at.page or 1, size=size, since=at.since, **named)

    def _note_mark(self, listing: Listing) -> None:
        """From where the next reading has to begin: the first answer whose rows are told is that of the newest page.

        What changes after that answer changes later than all it shows. A complete pass begins with the invoices and their mark serves
        for every stream; when there is none, the server's own time does.
        """
        at = self._at
        if at.stage in at.high or at.again:
            return
        newest = mapping.newest(listing.rows) or (listing.answered_at if at.is_whole else None)
        mark = newest.astimezone(UTC).isoformat(timespec="milliseconds") if newest else ""
        high = dict.fromkeys(_CHANGED, mark or "1970-01-02T00:00:00+00:00") if at.is_whole else {}
        self._at = replace(at, high={**high, **at.high} if at.is_whole else {**at.high, at.stage: _later(mark, at.low[at.stage])})

    def _is_news(self, listing: Listing) -> bool:
        """Whether the rows are more than those that the overlap brings again."""
        at = self._at
        key = _NAMES[at.stage][1]
        alone = not at.page and not at.is_whole
        return bool(listing.rows) and not (alone and _sum_of(listing.rows, key, at.since) == at.sums.get(at.stage, 0))

    def _move_on(self, is_news: bool) -> None:
        """To the page before, to what moved meanwhile, or to the next stream."""
        at = replace(self._at, news=self._at.news or (is_news and self._at.stage in ("invoices", "credit_notes")))
        if at.page > 1:
            self._at = replace(at, page=at.page - 1)
        elif at.page == 1 and at.is_whole and not at.again:
            self._at = replace(at, page=0, again=True, since=_after(at.high[at.stage], self._overlap))
        else:
            self._at = at
            self._at = self._at_stage(self._next_stage())

    def _next_stage(self) -> str:
        at = self._at
        stages = _WHOLE if at.is_whole else _CHANGED
        left = stages[stages.index(at.stage) + 1 :]
        return next((stage for stage in left if at.is_whole or at.news or stage not in _TURNS or stage == at.turn), _END)

    def _at_stage(self, stage: str) -> Position:
        since = _after(self._at.low.get(stage, ""), self._overlap)
        return replace(self._at, stage=stage, page=0, again=False, since=since)

    # --- what is told of it ---------------------------------------------------------------------------------------------------

    def _drafts(self, rows: Sequence[Row]) -> Iterator[PageDraft]:
        draft = PageDraft(LEDGER)
        if self._at.stage == "contacts":
            self._tell_contacts([row for row in rows if row.get("IsCustomer") is not False or row.get("MergedToContactID")], draft)
        else:
            self._tell_owners(rows, draft)
        for row in rows:
            one = self._one(row)
            if draft.documents and draft.documents + one.documents > MAX_PAGE_DOCUMENTS:
                yield draft
                draft = PageDraft(LEDGER)
            draft.absorb(one)
        yield draft

    def _not_told(self, rows: Sequence[Row]) -> list[Row]:
        """Rows that this reading has not told yet, noted in the sums when the next reading will bring them again."""
        stage = self._at.stage
        key = _NAMES[stage][1]
        seen = [(stage, row.get(key), row.get("UpdatedDateUTC") or row.get("UpdatedDateUTCString")) for row in rows]
        fresh = [row for row, name in zip(rows, seen, strict=True) if name not in self._told]
        self._told.update(seen)
        total = self._at.next_sums.get(stage, 0) + _sum_of(fresh, key, _after(self._at.high[stage], self._overlap))
        self._at = replace(self._at, next_sums={**self._at.next_sums, stage: total})
        return fresh

    def _one(self, row: Row) -> PageDraft:
        draft, stage = PageDraft(LEDGER), self._at.stage
        if stage == "invoices" and mapping.is_sale(row):
            self._tell_invoice(row, draft)
        elif stage == "credit_notes" and mapping.is_credit_of_customer(row):
            draft.credit_notes += filter(None, [draft.read(_named(stage, row), lambda: mapping.credit_note(row))])
        elif stage in _TURNS and mapping.is_credit_of_customer(row):
            draft.tell_payments([draft.read(_named(stage, row), lambda: mapping.payment(row, stage))])
        return draft

    def _tell_invoice(self, row: Row, draft: PageDraft) -> None:
        page_url = self._pages_known.get(text_of(row.get("InvoiceID")), "")
        invoice = draft.read(_named("invoices", row), lambda: mapping.invoice(row, page_url))
        used = draft.read(_named("invoices", row), lambda: (mapping.payments_within(row), mapping.allocations(row))) if invoice else None
        if invoice:
            draft.invoices.append(invoice)
        if invoice and used:
            draft.tell_payments(used[0])
            draft.allocations += used[1]
            draft.known_of.append(invoice.id)

    # --- customers ------------------------------------------------------------------------------------------------------------

    def _tell_contacts(self, rows: Iterable[Row], draft: PageDraft) -> None:
        for row in rows:
            customer = draft.read(_named("contacts", row), lambda row=row: mapping.customer(row))  # type: ignore[misc]
            if customer:
                draft.customers.append(customer)
                self._told_customers.add(customer.id)

    def _tell_owners(self, rows: Sequence[Row], draft: PageDraft) -> None:
        """Tell the contacts of these documents that this reading has not told yet, and those that they were merged into."""
        missing = {text_of((row.get("Contact") or {}).get("ContactID")) for row in rows if _concerns_customers(row)}
        missing = {key for key in missing if mapping.is_guid(key)} - self._told_customers
        while missing:
            self._told_customers |= missing
            found = self._wire.by_id("contacts", sorted(missing), include_archived=True)
            self._tell_contacts(found, draft)
            missing = {text_of(row.get("MergedToContactID")) for row in found} - self._told_customers - {""}


def _named(stream: str, row: Row) -> str:
    """A row as people know it."""
    what, key, name = _NAMES[stream]
    return f"{what} {text_of(row.get(name))} (id {text_of(row.get(key))})"


def _concerns_customers(row: Row) -> bool:
    return mapping.is_sale(row) or mapping.is_credit_of_customer(row)
