"""One export as rows: where each field stands, what convention its amounts and dates follow, and which rows cannot be used."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ...core.errors import BooksUnreadable
from ...core.money import Money
from ...core.port import RowProblem
from ..lazily import cached_property
from .books import BookFile, opened
from .cells import CellProblem, Evidence, currency_of_mark, date_orders, decimal_signs, is_no_date, read_amount, read_date, read_percent
from .dialect import DELIMITERS, SAMPLE_BYTES, Encoding, Header, Record, detect_encoding, find_header, is_footer, is_footnote, records
from .words import AMOUNTS, DATES, KNOWN_COLUMNS, REQUIRED_CHOICES, plain

_EXPLICIT_WORTH = 3
_KEY_FIELDS = ("number", "id", "customer", "issued_on", "due_date", "paid_on", "source", "invoice")


@dataclass(frozen=True, slots=True)
class Conventions:
    """How the whole file writes amounts and dates, and which invoices stand on more than one row (by number or id, plain)."""

    decimal: str = "."
    date_format: str = "any"
    repeated: frozenset[str] = frozenset()


class Row:
    """One row; fields are asked for by our names and come as text, day or money, or raise CellProblem."""

    __slots__ = ("_cells", "_table", "conventions", "line")

    def __init__(self, line: int, cells: Sequence[str], table: "Table", conventions: Conventions) -> None:
        self.line = line
        self.conventions = conventions
        self._cells = cells
        self._table = table

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self._table.file.name}:{self.line}"

    def text(self, field: str) -> str:
        """The cell without outer blanks, or the constant for blank cells; empty when there is neither."""
        table = self._table
        if field not in table.told:
            return ""
        place = table.places.get(field)
        found = self._cells[place].strip() if place is not None else ""
        if field in table.meanings:
            found = table.meanings[field].get(plain(found), found)
        if "\n" in found or "\r" in found:
            found = " ".join(found.split())
        return found or table.constants.get(field, "")

    def has(self, field: str) -> bool:
        """Whether the file says anything about this field at all."""
        return field in self._table.told

    def day(self, field: str) -> date | None:
        """The date in this field, or None when it is blank."""
        found = self.text(field)
        return None if is_no_date(found) else read_date(found, self.conventions.date_format)

    def money(self, field: str, currency: str) -> Money | None:
        """The amount in this field, or None when it is blank."""
        found = self.text(field)
        return read_amount(found, self.conventions.decimal, currency) if found else None

    def percent(self, field: str) -> Decimal | None:
        """The percentage in this field, or None when it is blank."""
        found = self.text(field)
        return read_percent(found, self.conventions.decimal) if found else None

    def currency(self, default: str | None, amount_fields: Sequence[str]) -> str:
        """The currency of the row: its own column, else the default, else what its amounts say. Raises CellProblem when none is known."""
        found = self.text("currency").upper() or default
        marks = () if found else (currency_of_mark(self.text(field)) for field in amount_fields)
        found = found or next((mark for mark in marks if mark), "")
        if not found:
            raise CellProblem("has no currency; say ledger.currency in the policy, or map the column `currency`")
        return found


class Table:
    """An export whose header is understood. Raises BooksUnreadable when it is not."""

    def __init__(self, file: BookFile) -> None:
        self.file = file
        self.encoding = self._encoding()
        self.header = self._header()
        self.places = self._places()
        self.constants = dict(file.settings.constants)
        self.meanings = {field: {plain(word): meaning for word, meaning in words.items()} for field, words in file.settings.values.items()}
        self.told = frozenset(self.places) | frozenset(self.constants)
        self._check_required()

    # --- the header -----------------------------------------------------------------------------------------------------------

    def _encoding(self) -> Encoding:
        if self.file.settings.encoding != "auto":
            return Encoding(self.file.settings.encoding)
        with opened(self.file.path) as stream:
            return detect_encoding(stream)

    def _header(self) -> Header:
        chosen = self.file.settings.delimiter
        with opened(self.file.path) as stream:
            sample = stream.read(SAMPLE_BYTES)
        text = io.StringIO(sample.decode(self.encoding.name, "replace"), newline="")
        found = find_header(text, self.file.name, DELIMITERS if chosen == "auto" else (chosen,), self._worth)
        if found is None:
            raise BooksUnreadable(
                f"{self.file.name}: none of the first lines names the columns", hint=f"Say them in ledger.files.{self.file.kind}.columns."
            )
        return found

    def _worth(self, cells: Sequence[str]) -> int:
        """How many of the columns that we want or know are named in this row."""
        named = {plain(cell) for cell in cells}
        columns = self.file.settings.columns
        wanted = [{plain(name), plain(name.partition("#")[0])} for name in columns.values() if name]
        known = [names for field, names in KNOWN_COLUMNS[self.file.kind].items() if field not in columns]
        explicit = sum(1 for names in wanted if not named.isdisjoint(names))
        return explicit * _EXPLICIT_WORTH + sum(1 for names in known if not named.isdisjoint(names))

    def _places(self) -> Mapping[str, int]:
        by_name: dict[str, int] = {}
        for place, name in enumerate(self.header.names):
            by_name.setdefault(plain(name), place)
        columns = self.file.settings.columns
        places = {field: self._explicit(field, wanted, by_name) for field, wanted in columns.items() if wanted}
        free = {name: place for name, place in by_name.items() if name and place not in places.values()}
        for field, names in KNOWN_COLUMNS[self.file.kind].items():
            found = next((name for name in names if name in free), None) if field not in columns else None
            if found is not None:
                places[field] = free.pop(found)
                self._check_single(self.header.names[places[field]])
        return places

    def _explicit(self, field: str, wanted: str, by_name: Mapping[str, int]) -> int:
        bare = wanted.removesuffix("#1")
        if plain(bare) not in by_name:
            raise BooksUnreadable(
                f"{self.file.name}:{self.header.line}: there is no column “{wanted}”; the columns are: {self._column_list()}",
                hint=f"Correct ledger.files.{self.file.kind}.columns.{field}.",
            )
        if bare == wanted:
            self._check_single(wanted)
        return by_name[plain(bare)]

    def _check_single(self, name: str) -> None:
        if plain(name) in self.header.repeated:
            raise BooksUnreadable(
                f"{self.file.name}:{self.header.line}: there is more than one column “{name}”",
                hint=f"Say which one in ledger.files.{self.file.kind}.columns: “{name}#1” or “{name}#2”.",
            )

    def _check_required(self) -> None:
        for choices in REQUIRED_CHOICES[self.file.kind]:
            if self.told.isdisjoint(choices):
                raise BooksUnreadable(
                    f"{self.file.name}:{self.header.line}: no column is {' or '.join(choices)}; the columns are: {self._column_list()}",
                    hint=f"Say which one it is in ledger.files.{self.file.kind}.columns.",
                )

    def _column_list(self) -> str:
        return ", ".join(f"“{name}”" for name in self.header.names if name)

    # --- the rows -------------------------------------------------------------------------------------------------------------

    def _records(self) -> Iterator[Record | RowProblem]:
        """The rows below the header; those that cannot be used come as problems, totals and remarks under the table not at all."""
        with opened(self.file.path) as stream:
            text = io.TextIOWrapper(stream, self.encoding.name, self.encoding.errors, newline="")
            found = records(text, self.header.delimiter, self.file.name)
            below = (record for record in found if record.line > self.header.line)
            waiting = next(below, None)
            while waiting is not None:
                following = next(below, None)
                problem = self._problem(waiting)
                if not problem:
                    yield waiting
                elif not is_footer(waiting.cells, self.key_places):
                    yield from self._judged(waiting, problem, is_last=following is None)
                waiting = following

    def _judged(self, record: Record, problem: str, *, is_last: bool) -> Iterator[RowProblem]:
        short = not record.problem and len(record.cells) < self.header.width
        if is_last and short:
            ended = self._ends_with_a_line()
            if ended and is_footnote(record.cells):
                return
            raise BooksUnreadable(
                f"{self.file.name}:{record.line}: the file was cut off; its last row has {len(record.cells)} of {self.header.width} cells",
                hint="Export it again.",
            )
        yield RowProblem(f"{self.file.name}:{record.line}", problem)

    def _problem(self, record: Record) -> str:
        count = len(record.cells)
        if record.problem:
            return record.problem
        if count < self.header.width:
            return f"has {count} cells in place of {self.header.width}; complete the row"
        if count > len(self.header.names) and any(cell.strip() for cell in record.cells[len(self.header.names) :]):
            return f"has {count} cells in place of {self.header.width}; put a cell that contains “{self.header.delimiter}” into quotes"
        if not self.encoding.clean and any("\udc80" <= char <= "\udcff" for cell in record.cells for char in cell):
            return "has characters that are not UTF-8; export the file in one encoding"
        return ""

    def _ends_with_a_line(self) -> bool:
        with opened(self.file.path) as stream:
            stream.seek(0, io.SEEK_END)
            stream.seek(-min(stream.tell(), 4), io.SEEK_END)
            tail = stream.read()
        return b"\n" in tail or b"\r" in tail

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """The columns that every document fills."""
        return tuple(self.places[field] for field in _KEY_FIELDS if field in self.places)

    def rows(self, conventions: Conventions) -> Iterator[Row | RowProblem]:
        """Every row below the header, or why it cannot be used. Raises BooksUnreadable when the file was cut off."""
        for record in self._records():
            yield record if isinstance(record, RowProblem) else Row(record.line, record.cells, self, conventions)

    def is_footer(self, row: Row) -> bool:
        """Whether a row that could not be understood is only a total under the table."""
        return is_footer(row._cells, self.key_places)

    # --- the conventions ------------------------------------------------------------------------------------------------------

    def conventions(self, *, unique: bool = False) -> Conventions:
        """Read all rows for what they show: the decimal sign, the order of dates, and with `unique` which invoices come more than once.

        Raises BooksUnreadable when amounts or dates can be read two ways and no row decides which.
        """
        settings = self.file.settings
        amounts = [place for field, place in self.places.items() if field in AMOUNTS and settings.decimal == "auto"]
        dates = [place for field, place in self.places.items() if field in DATES and settings.date_format == "auto"]
        key = self.places.get("id", self.places.get("number")) if unique else None
        decimal, order, repeated = self._look(amounts, dates, key)
        return Conventions(
            self._decided("decimal", settings.decimal, decimal, "."),
            self._decided("date_format", settings.date_format, order, "any"),
            repeated,
        )

    def _look(self, amounts: Sequence[int], dates: Sequence[int], key: int | None) -> tuple[Evidence, Evidence, frozenset[str]]:
        decimal, order = Evidence(), Evidence()
        keys: set[str] = set()
        repeated: set[str] = set()
        for record in self._records():
            if isinstance(record, RowProblem):
                continue
            cells, line = record.cells, record.line
            for place in amounts:
                if not cells[place].isdecimal():
                    decimal.add(decimal_signs(cells[place]), cells[place], line)
            for place in dates:
                order.add(date_orders(cells[place]), cells[place], line)
            if key is not None:
                name = cells[key].strip() or f"line {line}"
                (repeated if name in keys else keys).add(name)
        return decimal, order, frozenset(repeated)

    def _decided(self, setting: str, chosen: str, evidence: Evidence, otherwise: str) -> str:
        if chosen != "auto":
            return chosen
        verdict = evidence.verdict()
        if not verdict:
            raise BooksUnreadable(
                f"{self.file.name}: {evidence.doubt()}", hint=f"Say ledger.files.{self.file.kind}.{setting} in the policy."
            )
        return otherwise if verdict == "any" else verdict
