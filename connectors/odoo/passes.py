"""The way through the books: what changed since the last time, or everything that is open, in pages.

Odoo stamps `write_date` with the start of a transaction, so a row can appear with a date before one that was already seen. Therefore each
reading goes back over a stretch of the one before (`overlap_minutes`) and rows may come twice; within a reading pages go by id.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from ...core.errors import UnexpectedResponse
from ...core.port import Cursor, Page
from ...core.receivables import Allocation
from ..drafts import PageDraft
from . import mapping
from .mapping import INVOICE_TYPES, Names, Row, id_of, source_id
from .reader import MOVE, OdooReader

LEDGER = "Odoo"
CONTACTS_LOOK_BACK_DAYS = 60
_SECONDS = "%Y-%m-%d %H:%M:%S"
_FORMAT = 1
_WHOLE_STAGES = ("documents", "payments", "contacts")
_WINDOW_STAGES = ("documents", "payments", "customers", "contacts")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reading stands. `books` are the ones it belongs to; all before `low` (UTC) is known, nothing when it is empty; `mark` is the
    next `low`; `stage` and `after` (an id) say how far this reading has come; an empty stage: it has not begun."""

    books: str
    low: str
    mark: str = ""
    stage: str = ""
    after: int = 0

    @property
    def stages(self) -> tuple[str, ...]:
        """What this kind of reading goes through."""
        return _WINDOW_STAGES if self.low else _WHOLE_STAGES

    def cursor(self) -> Cursor:
        """The position as core keeps it."""
        return Cursor(json.dumps({"format": _FORMAT, **asdict(self)}, separators=(",", ":")))

    @classmethod
    def of(cls, cursor: Cursor | None, books: str) -> "Position":
        """The position of a cursor. One that is not ours, or of other books, is the start of a complete pass."""
        try:
            said = json.loads(cursor or "")
            position = cls(**{name: said[name] for name in cls.__slots__}) if said["format"] == _FORMAT else None
        except (ValueError, KeyError, TypeError):
            position = None
        return position if position is not None and position.books == books and position._is_sound() else cls(books, "")

    def _is_sound(self) -> bool:
        texts = isinstance(self.after, int) and all(isinstance(text, str) for text in (self.low, self.mark, self.stage))
        return texts and self.stage in ("", *self.stages) and all(_is_instant(text) for text in (self.low, self.mark) if text)

    def begun(self, mark: str) -> "Position":
        """The same reading at its first stage; one that is under way stays where it is."""
        return self if self.stage else replace(self, mark=mark, stage=self.stages[0], after=0)


def _is_instant(text: str) -> bool:
    try:
        return datetime.strptime(text, _SECONDS).strftime(_SECONDS) == text  # noqa: DTZ007 - Odoo's times are UTC without saying so
    except ValueError:
        return False


def mark_of(reader: OdooReader, overlap_minutes: int) -> str:
    """From where the next reading has to begin: the server's own time before this one, less the overlap."""
    answered_at = reader.wire.answered_at
    newest = "" if answered_at else reader.newest_write()
    at = datetime.strptime(newest, _SECONDS) if newest else answered_at  # noqa: DTZ007 - as above
    return (at - timedelta(minutes=overlap_minutes)).strftime(_SECONDS) if at else "1970-01-01 00:00:00"


class Pass:
    """One reading of the books, from a position to its end. `names` says what ids in rows stand for."""

    def __init__(self, reader: OdooReader, names: Names, start: Position, page_size: int) -> None:
        self._reader = reader
        self._names = names
        self._position = start
        self._page_size = page_size
        self._told: set[int] = set()
        self._customer_of: dict[int, int] = {}

    def pages(self, mark: str) -> Iterator[Page]:
        """The pages that are left; the last one carries the day of the last bank entry."""
        starts = not self._position.low and not self._position.stage
        self._position = self._position.begun(mark)
        for stage in self._position.stages[self._position.stages.index(self._position.stage) :]:
            for page in self._pages_of(stage, starts_pass=starts):
                yield page
                starts = False
        ended = Position(self._position.books, self._position.mark).cursor()
        last_bank_entry_on = mapping.day_of(self._reader.last_bank_entry_on())
        whole = not self._position.low
        yield Page(ended, starts_pass=starts, ends_pass=whole, last_bank_entry_on=last_bank_entry_on)

    def _pages_of(self, stage: str, *, starts_pass: bool) -> Iterator[Page]:
        if stage != self._position.stage:
            self._position = replace(self._position, stage=stage, after=0)
        read, tell = {
            "documents": (self._documents, self._tell_documents),
            "payments": (self._payment_lines, self._tell_payments),
            "customers": (self._changed_partners, self._tell_customers),
            "contacts": (self._contacts_made, self._tell_contacts),
        }[stage]
        while rows := read(self._position.low, self._position.after):
            draft = PageDraft(LEDGER)
            tell(rows, draft)
            if rows[-1]["id"] <= self._position.after:
                raise UnexpectedResponse("Odoo gave a page of rows that were read already.")
            self._position = replace(self._position, after=rows[-1]["id"])
            yield draft.page(self._position.cursor(), starts_pass=starts_pass)
            starts_pass = False
            if len(rows) < self._page_size:
                return

    # --- what is read at each stage -------------------------------------------------------------------------------------------

    def _documents(self, low: str, after: int) -> list[Row]:
        return self._reader.moves_since(low, after) if low else self._reader.open_moves(after)

    def _payment_lines(self, low: str, after: int) -> list[Row]:
        return self._reader.payment_lines_since(low, after) if low else self._reader.open_payment_lines(after)

    def _changed_partners(self, low: str, after: int) -> list[Row]:
        return self._reader.customers_since(low, after)

    def _contacts_made(self, low: str, after: int) -> list[Row]:
        if low:
            return self._reader.contacts_made("create_date", low, after)
        first_day = datetime.strptime(self._position.mark, _SECONDS) - timedelta(days=CONTACTS_LOOK_BACK_DAYS)  # noqa: DTZ007 - as above
        return self._reader.contacts_made("date", first_day.strftime(_SECONDS), after)

    # --- and what is told of it -----------------------------------------------------------------------------------------------

    def _tell_documents(self, rows: Sequence[Row], draft: PageDraft) -> None:
        self._tell_families({id_of(row["commercial_partner_id"]) for row in rows}, draft)
        invoices = {row["id"]: row for row in rows if row["move_type"] in INVOICE_TYPES}
        lines = self._reader.document_lines(invoices)
        settled_on = self._tell_allocations(invoices, lines, draft)
        by_move: dict[int, list[Row]] = {}
        for line in lines:
            by_move.setdefault(id_of(line["move_id"]), []).append(line)
        for row in rows:
            if row["id"] in invoices:
                self._tell_invoice(row, by_move.get(row["id"], []), settled_on.get(row["id"]), draft)
            elif note := draft.read(_named("Credit note", row), lambda row=row: mapping.credit_note(row, self._names)):  # type: ignore[misc]
                draft.credit_notes.append(note)

    def _tell_invoice(self, row: Row, lines: Sequence[Row], settled_on: date | None, draft: PageDraft) -> None:
        if invoice := draft.read(_named("Invoice", row), lambda: mapping.invoice(row, lines, self._names, settled_on)):
            draft.invoices.append(invoice)

    def _tell_allocations(self, invoices: dict[int, Row], lines: Sequence[Row], draft: PageDraft) -> dict[int, date]:
        """Tell all that was used on these invoices, and the payments it came from. Returns the day of the last use by invoice.

        A reconciliation that was removed leaves no row in Odoo: it is known by not being among the others any more.
        """
        draft.known_of += map(str, invoices)
        by_line = {line["id"]: line for line in lines}
        partials = self._reader.partials(list(by_line))
        sources = {line["id"]: line for line in self._reader.lines(id_of(partial["credit_move_id"]) for partial in partials)}
        last_on: dict[int, date] = {}
        used: list[Row] = []
        for partial in partials:
            line, source = by_line[id_of(partial["debit_move_id"])], sources.get(id_of(partial["credit_move_id"]))
            currency = self._names.currencies.get(id_of(line["currency_id"]), "")
            if source is None or not (allocation := self._allocation(partial, line, source, currency, draft)):
                continue
            draft.allocations.append(allocation)
            used.append(source)
            move = id_of(line["move_id"])
            last_on[move] = max(last_on.get(move, allocation.allocated_on), allocation.allocated_on)
        self._tell_payments([line for line in used if line["move_type"] != mapping.CREDIT_NOTE_TYPE], draft)
        return last_on

    def _allocation(self, partial: Row, line: Row, source: Row, currency: str, draft: PageDraft) -> Allocation | None:
        invoice_id = str(id_of(line["move_id"]))
        return draft.read(_named("Reconciliation", partial), lambda: mapping.allocation(partial, invoice_id, source, currency))

    def _tell_payments(self, lines: Sequence[Row], draft: PageDraft) -> None:
        owners = self._owners({id_of(line["partner_id"]) for line in lines} - {0})
        self._tell_families(set(owners.values()), draft)
        for line in lines:
            customer = owners.get(id_of(line["partner_id"]))
            if customer is None or source_id(line) in draft.payments:
                continue
            payment = draft.read(
                _named("Payment", line),
                lambda line=line, customer=customer: mapping.payment(line, str(customer), self._names),  # type: ignore[misc]
            )
            if payment and (payment.amount.is_positive or payment.unapplied.is_positive):
                draft.payments[payment.id] = payment

    def _tell_customers(self, rows: Sequence[Row], draft: PageDraft) -> None:
        customers = {id_of(row["commercial_partner_id"]) for row in rows}
        self._told -= customers
        self._tell_families(customers, draft)

    def _tell_contacts(self, rows: Sequence[Row], draft: PageDraft) -> None:
        moves = {row["id"]: row for row in self._reader.moves(row["res_id"] for row in rows if row["model"] == MOVE)}
        owners = self._owners({row["res_id"] for row in rows if row["model"] != MOVE})
        owners_of_moves = {key: id_of(row["commercial_partner_id"]) for key, row in moves.items()}
        for row in rows:
            on_move = row["model"] == MOVE
            customer = (owners_of_moves if on_move else owners).get(row["res_id"])
            if customer:
                invoice = str(row["res_id"]) if on_move and moves[row["res_id"]]["move_type"] in INVOICE_TYPES else ""
                draft.contacts_made.append(mapping.contact_made(row, str(customer), invoice, self._names))
        self._tell_families({int(made.customer_id) for made in draft.contacts_made}, draft)

    # --- customers ------------------------------------------------------------------------------------------------------------

    def _tell_families(self, customers: set[int], draft: PageDraft) -> None:
        """Tell the customers that this reading has not told yet, and their parents."""
        missing = customers - self._told - {0}
        while missing:
            families: dict[int, list[Row]] = {}
            for row in self._reader.families(sorted(missing)):
                self._customer_of[row["id"]] = id_of(row["commercial_partner_id"])
                families.setdefault(id_of(row["commercial_partner_id"]), []).append(row)
            self._told |= missing
            heads = [row for key, family in families.items() for row in family if row["id"] == key]
            draft.customers += [mapping.customer(row, families[row["id"]], self._names) for row in heads]
            missing = {id_of(row["parent_id"]) for row in heads} - self._told - {0}

    def _owners(self, partners: set[int]) -> dict[int, int]:
        unknown = partners - self._customer_of.keys()
        if unknown:
            self._customer_of |= self._reader.customers_of(sorted(unknown))
        return {partner: self._customer_of[partner] for partner in partners if partner in self._customer_of}


def _named(what: str, row: Row) -> str:
    """A row as people know it."""
    return f"{what} {row.get('name') or row.get('move_name') or ''} (id {row['id']})"
