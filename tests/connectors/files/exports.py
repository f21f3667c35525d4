"""Books written as files and read back: what the tests of the files ledger share."""

from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from puntual.connectors.files.connector import FilesConnector
from puntual.connectors.files.settings import FilesSettings
from puntual.core.errors import PuntualError
from puntual.core.port import Cursor, Page, RowProblem, Surroundings
from puntual.core.receivables import Allocation, CreditNote, Customer, DocumentStatus, Invoice, Payment

TODAY = date(2026, 3, 10)


class Books:
    """A folder of exports and the connector over it, on a day that can be set."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None, today: date = TODAY) -> None:
        self.folder = folder / "books"
        self.folder.mkdir(exist_ok=True)
        self.today = today
        self.connector = FilesConnector(
            FilesSettings.model_validate({"folder": "books", "currency": "EUR", **(settings or {})}),
            Surroundings("acme", "Europe/Madrid", self._now, folder, folder),
        )

    def _now(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)

    def write(self, name: str, text: str | bytes, encoding: str = "utf-8") -> "Books":
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return self

    def read(self, cursor: Cursor | None = None) -> "Read":
        return Read(list(self.connector.changes(cursor)))


class Read:
    """Everything that one reading told."""

    def __init__(self, pages: list[Page]) -> None:
        self.pages = pages
        self.invoices: dict[str, Invoice] = {one.id: one for page in pages for one in page.invoices}
        self.customers: dict[str, Customer] = {one.id: one for page in pages for one in page.customers}
        self.payments: dict[str, Payment] = {one.id: one for page in pages for one in page.payments}
        self.credit_notes: dict[str, CreditNote] = {one.id: one for page in pages for one in page.credit_notes}
        self.problems: list[RowProblem] = [one for page in pages for one in page.problems]
        self.allocations: defaultdict[str, list[Allocation]] = defaultdict(list)
        for page in pages:
            for one in page.allocations:
                self.allocations[one.invoice_id].append(one)

    @property
    def cursor(self) -> Cursor:
        return self.pages[-1].cursor

    @property
    def owed(self) -> dict[str, str]:
        """What is open, by the invoice's number: `1250.40 EUR`."""
        return {one.number: str(one.outstanding) for one in self.invoices.values() if one.status is DocumentStatus.OPEN}

    @property
    def wrong(self) -> dict[str, str]:
        """The problems by where they are."""
        return {one.where: one.what for one in self.problems}


def invoices(folder: Path, text: str | bytes, *, written_in: str = "utf-8", today: date = TODAY, **settings: Any) -> Read:
    """Read one file of invoices; the keywords are its settings."""
    return Books(folder, {"files": {"invoices": settings}}, today).write("invoices.csv", text, written_in).read()


def refusal(folder: Path, text: str | bytes, **settings: Any) -> str:
    """What a person reads when the file of invoices cannot be read."""
    try:
        read = invoices(folder, text, **settings)
    except PuntualError as error:
        return str(error)
    raise AssertionError(f"it was read: {read.owed} {read.problems}")
