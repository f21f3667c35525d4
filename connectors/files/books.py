"""The folder: which files are the books, and whether they are still the same. The one place that opens an export."""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from ...core.errors import BooksUnreadable
from .settings import FileSettings, FilesSettings
from .words import FILE_NAMES, FILE_SUFFIXES, KINDS, plain

OWN_PREFIX = "puntual-"
"""Files of ours in the folder; they are no exports."""


@dataclass(frozen=True, slots=True)
class BookFile:
    """One export: what it holds, where it lies, how it is read, and its name in messages."""

    kind: str
    path: Path
    settings: FileSettings
    name: str


def modified_on(path: Path) -> date:
    """The day (UTC) on which the file was written. Raises BooksUnreadable when it is gone."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    except OSError as error:
        raise BooksUnreadable(f"{path.name} cannot be read: {error.strerror}") from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, open to be read from its start to its end. Raises BooksUnreadable when it cannot be."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BooksUnreadable(f"{path.name} cannot be read: {error.strerror}", hint=f"See to the rights of {path}.") from error


def find_books(settings: FilesSettings, folder: Path) -> tuple[BookFile, ...]:
    """The files of the books, invoices last. Raises BooksUnreadable when the folder or the invoices are missing, or several files fit."""
    if not folder.is_dir():
        raise BooksUnreadable(f"There is no folder {folder}", hint="Correct `ledger.folder` in the policy.")
    own = {settings.notes_file, settings.tasks_file, settings.charges_file, settings.credits_file, settings.payments_file}
    found = tuple(
        BookFile(kind, path, file, path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name)
        for kind in KINDS
        for file in (getattr(settings.files, kind),)
        for path in _matching(kind, file, folder, own)
    )
    if not any(file.kind == "invoices" for file in found):
        there = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file())[:20]) or "nothing"
        raise BooksUnreadable(
            f"There is no file of invoices in {folder}; there is: {there}",
            hint="Put invoices.csv there, or say ledger.files.invoices.path.",
        )
    return found


def _matching(kind: str, file: FileSettings, folder: Path, own: Collection[str]) -> list[Path]:
    """The files that fit, without those of ours."""
    fitting = _by_pattern(file.path, folder) if file.path else _by_usual_name(kind, folder)
    paths = [path for path in fitting if path.relative_to(folder).as_posix() not in own]
    if file.path and not paths:
        raise BooksUnreadable(f"No file in {folder} is called {file.path}", hint=f"Correct ledger.files.{kind}.path, or put it there.")
    if len(paths) > 1 and file.take == "newest":
        return [max(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))]
    if len(paths) > 1 and file.take == "one":
        names = ", ".join(path.name for path in paths[:5])
        raise BooksUnreadable(
            f"Several files may be the {kind}: {names}", hint=f"Say ledger.files.{kind}.path, or take: newest or take: all."
        )
    return paths


def _by_pattern(pattern: str, folder: Path) -> list[Path]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise BooksUnreadable(f"The path {pattern} leads out of the books' folder", hint="Name files inside `ledger.folder`.")
    return sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith(OWN_PREFIX))


def _by_usual_name(kind: str, folder: Path) -> list[Path]:
    names = {plain(name) for name in FILE_NAMES[kind]}
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in FILE_SUFFIXES and plain(path.stem) in names and path.is_file()
    )


def fingerprint(files: tuple[BookFile, ...]) -> str:
    """The same for the same names and contents. Contents are read: a time stamp or a size may stay while an amount changes."""
    digest = hashlib.sha256()
    for file in files:
        content = hashlib.sha256()
        with opened(file.path) as stream:
            while chunk := stream.read(1 << 20):
                content.update(chunk)
        digest.update(f"{file.kind}\0{file.name}\0{content.hexdigest()}\n".encode())
    return digest.hexdigest()[:32]
