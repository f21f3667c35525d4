"""How a text file of rows was written: its encoding, its delimiter, and where its header is. Nothing here knows what the columns mean."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TextIO

from charset_normalizer import from_bytes

from ...core.errors import BooksUnreadable
from .words import FOOTERS, plain

SAMPLE_BYTES = 65536
DELIMITERS = (";", ",", "\t", "|")
_LONGEST_LINE = 1_000_000
_HEADER_WITHIN = 40
_CHUNK = 1 << 20

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# The single-byte encodings of Western Europe's Windows, DOS and old Macintosh; cp1252 has the printable characters of latin-1.
_SINGLE_BYTE = ["cp1252", "cp850", "mac_roman"]


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` is Python's; a file that is not `clean` is mostly UTF-8, and its odd bytes come out as lone surrogates."""

    name: str
    clean: bool = True

    @property
    def errors(self) -> str:
        """What the decoder does with bytes that do not fit."""
        return "strict" if self.clean else "surrogateescape"


def _looks_utf16(sample: bytes) -> str:
    """UTF-16 without a byte-order mark shows as zero bytes in every other place."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 4 < len(sample) // 2:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_utf8(file: IO[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_utf8(sample: bytes) -> bool:
    """Whether the good characters beyond ASCII outnumber the bytes that are no UTF-8."""
    text = sample.decode("utf-8", "surrogateescape")
    bad = sum(1 for char in text if "\udc80" <= char <= "\udcff")
    return sum(1 for char in text if char > "\x7f") - bad >= max(bad, 1)


def detect_encoding(file: IO[bytes]) -> Encoding:
    """The encoding of an open file, read to its end when it has no mark: UTF-8 where that fits, else the likeliest single-byte one."""
    sample = file.read(SAMPLE_BYTES)
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return Encoding(name)
    if wide := _looks_utf16(sample):
        return Encoding(wide)
    file.seek(0)
    if _is_utf8(file):
        return Encoding("utf-8")
    if _is_mostly_utf8(sample):
        return Encoding("utf-8", clean=False)
    return Encoding(_likeliest_single_byte(sample))


def _likeliest_single_byte(sample: bytes) -> str:
    best = from_bytes(sample, cp_isolation=_SINGLE_BYTE).best()
    name = best.encoding if best else "cp1252"
    if name == "cp1252" and any(byte in sample for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)):
        return "latin-1"
    return name


@dataclass(frozen=True, slots=True)
class Record:
    """One row and the line on which it begins; `problem` says why it could not be split into cells."""

    line: int
    cells: list[str]
    problem: str = ""


def _lines(text: TextIO, name: str) -> Iterator[str]:
    number = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise BooksUnreadable(f"{name}:{number}: a line has more than a million characters", hint="Export the file again as CSV.")
        yield line


def records(text: TextIO, delimiter: str, name: str) -> Iterator[Record]:
    """The rows of a file that is open as text with `newline=""`. Blank rows are left out; a row that is no CSV comes with its problem.

    Raises BooksUnreadable when the file ends inside a quoted cell or its bytes do not fit the encoding.
    """
    reader = csv.reader(_lines(text, name), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeError as error:
            raise BooksUnreadable(f"{name}:{line}: bytes that are not {text.encoding}", hint="Say its `encoding` in the policy.") from error
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                raise BooksUnreadable(
                    f"{name}:{line}: the file ends inside a quoted cell", hint="It was cut off; export it again."
                ) from error
            yield Record(line, [], f"is no proper CSV ({error}); correct the quotes in this row")
            continue
        joined = "".join(cells)
        if "\0" in joined:
            yield Record(line, [], "has bytes that are no text; export the file again")
        elif joined.strip():
            yield Record(line, cells)


@dataclass(frozen=True, slots=True)
class Header:
    """The row with the names of the columns. A name that comes again is `Amount#2`; `width` counts up to the last column with a name."""

    line: int
    names: tuple[str, ...]
    delimiter: str
    repeated: frozenset[str]
    width: int


def _named(record: Record, delimiter: str) -> Header:
    times: dict[str, int] = {}
    names = []
    for cell in record.cells:
        name = cell.strip()
        times[plain(name)] = count = times.get(plain(name), 0) + 1
        names.append(f"{name}#{count}" if name and count > 1 else name)
    repeated = frozenset(name for name, count in times.items() if count > 1 and name)
    return Header(record.line, tuple(names), delimiter, repeated, max(place + 1 for place, name in enumerate(names) if name))


def find_header(sample: TextIO, name: str, delimiters: Sequence[str], score: Callable[[Sequence[str]], int]) -> Header | None:
    """The row of the first forty that `score` values most, over the delimiters that may be; None when no row is worth anything."""
    best: tuple[int, int, Header] | None = None
    for delimiter in delimiters:
        sample.seek(0)
        try:
            for place, record in zip(range(_HEADER_WITHIN), records(sample, delimiter, name), strict=False):
                worth = score(record.cells)
                if worth and (best is None or (worth, -place) > best[:2]):
                    best = (worth, -place, _named(record, delimiter))
        except BooksUnreadable:  # the sample may end anywhere, and a wrong delimiter makes no CSV
            continue
    return best[2] if best else None


_WORD = re.compile(r"[^\W\d_]+")


def is_footer(cells: Sequence[str], must_be_blank: Sequence[int]) -> bool:
    """Whether this row is a total under the table: the columns that every document fills are blank, but for a word such as Total.

    `must_be_blank` are the places of those columns; the word may stand in one of them, or there is none at all.
    """
    if cells and must_be_blank and not any(cells[place].strip() for place in must_be_blank if place < len(cells)):
        return True
    first = next((place for place, cell in enumerate(cells) if cell.strip()), None)
    word = _WORD.search(cells[first]) if first is not None else None
    if not word or plain(word.group()) not in FOOTERS:
        return False
    return all(place == first or place >= len(cells) or not cells[place].strip() for place in must_be_blank)


def is_footnote(cells: Sequence[str]) -> bool:
    """Whether this row is a remark under the table: one cell alone that is a sentence or in brackets."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) == 1 and (" " in filled[0] or filled[0][0] in "(*-#=")
