"""A file of our own beside the books: rows that are only ever added, each once, found again by its marker.

One writer at a time holds a lock. A row is on the disk before its writer hears of it; half a row that a crash left behind is taken away
before the next one is written. Exports are never touched.
"""

import contextlib
import csv
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from ...core.errors import BooksUnreadable, LedgerUnavailable

_MARK = b"\xef\xbb\xbf"
_MARKER_COLUMN = "marker"


class Journal:
    """The rows of one file, with these columns; one of them is `marker`."""

    def __init__(self, path: Path, columns: Sequence[str], repair: str = "") -> None:
        """`repair` is what to do when somebody changed the file so that it cannot be read; else it is moved away."""
        self.path = path
        self._repair = repair or f"Move {path} away; a new one is begun."
        self.columns = tuple(columns)

    def rows(self) -> list[dict[str, str]]:
        """All rows that are whole. Raises BooksUnreadable when the file cannot be read."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable(error) from error
        return self._parsed(content[: whole_length(content)])

    def markers(self) -> frozenset[str]:
        """The markers of all rows that are whole."""
        return frozenset(row[_MARKER_COLUMN] for row in self.rows() if row.get(_MARKER_COLUMN))

    def add(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Add the rows whose marker is not there yet, and return when they are on the disk."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file, _locked(file):
                self._add_missing(file, rows)
        except OSError as error:
            raise self._unreadable(error) from error

    def _add_missing(self, file: IO[bytes], rows: Sequence[Mapping[str, str]]) -> None:
        file.seek(0)
        content = file.read()
        whole = content[: whole_length(content)]
        if len(whole) < len(content):
            file.truncate(len(whole))
        there = {row.get(_MARKER_COLUMN) for row in self._parsed(whole)}
        missing = [row for row in {row[_MARKER_COLUMN]: row for row in rows}.values() if row[_MARKER_COLUMN] not in there]
        if missing:
            file.write(self._written(missing, whole))
            file.flush()
            os.fsync(file.fileno())

    def _written(self, rows: Sequence[Mapping[str, str]], there: bytes) -> bytes:
        """The rows as CSV under the header that is there; a new file begins with the mark by which spreadsheets know UTF-8."""
        text, columns, delimiter = io.StringIO(newline=""), self._header(there), _delimiter_of(there)
        if lost := [name for name in self.columns if name not in columns and any(row.get(name) for row in rows)]:
            raise BooksUnreadable(f"{self.path.name} has no column {' or '.join(lost)}", hint="Add it at the end of the file's first row.")
        writer = csv.DictWriter(text, columns, "", "ignore", lineterminator="\r\n", quoting=csv.QUOTE_ALL, delimiter=delimiter)
        if not there:
            writer.writeheader()
        writer.writerows(rows)
        return (b"" if there else _MARK) + text.getvalue().encode()

    def _header(self, there: bytes) -> Sequence[str]:
        """The columns in the file's own order, which a person may have changed; of a new file ours."""
        text = io.StringIO(there.removeprefix(_MARK).decode(), newline="")
        return csv.DictReader(text, delimiter=_delimiter_of(there)).fieldnames or self.columns

    def _parsed(self, content: bytes) -> list[dict[str, str]]:
        try:
            text = content.removeprefix(_MARK).decode()
            reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter_of(content))
            rows = [{key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)} for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._not_ours() from error
        if text and (reader.fieldnames is None or _MARKER_COLUMN not in reader.fieldnames):
            raise self._not_ours()
        return rows

    def _not_ours(self) -> BooksUnreadable:
        return BooksUnreadable(f"{self.path.name} is no longer as Puntual wrote it", hint=self._repair)

    def _unreadable(self, error: OSError) -> BooksUnreadable:
        return BooksUnreadable(
            f"{self.path.name} cannot be written: {error.strerror}", hint=f"See to the rights and the space of {self.path.parent}."
        )


def _delimiter_of(content: bytes) -> str:
    """What stands between the cells of the header: a comma as we write it, or what a spreadsheet saved it with."""
    header = content.partition(b"\n")[0]
    return ";" if b";" in header and b"," not in header else ","


def whole_length(content: bytes) -> int:
    """How many of these bytes are whole rows: up to the last end of line that is outside of quotes."""
    end = content.rfind(b"\n") + 1
    while end and content.count(b'"', 0, end) % 2:
        end = content.rfind(b"\n", 0, end - 1) + 1
    return end


@contextlib.contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """No other process writes meanwhile. Raises LedgerUnavailable when one does."""
    try:
        _lock(file)
    except OSError as error:
        raise LedgerUnavailable(f"{Path(file.name).name} is being written by another process") from error
    try:
        yield
    finally:
        _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
