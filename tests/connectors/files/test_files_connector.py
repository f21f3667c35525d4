"""The connector over changing files."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from files.exports import Books
from puntual.connectors.files.connector import FilesConnector
from puntual.connectors.files.pages import pages_of_pass
from puntual.connectors.files.settings import FilesSettings
from puntual.core.errors import BooksUnreadable, LedgerUnavailable, PermissionMissing
from puntual.core.port import Cursor, Page, Surroundings
from pydantic import ValidationError
from suite.sample import an_allocation, an_invoice

HEAD = "number,customer,due_date,outstanding\n"


def rows(count: int, amount: str = "5.25") -> str:
    return HEAD + "".join(f"{n},a,2026-01-01,{amount}\n" for n in range(count))


def test_the_same_contents_are_read_once_whatever_their_time_stamp(tmp_path: Path) -> None:
    books = Books(tmp_path).write("invoices.csv", rows(2))
    cursor = books.read().cursor
    os.utime(books.folder / "invoices.csv", (1, 1))
    assert books.read(cursor).invoices == {}
    stamp = (books.folder / "invoices.csv").stat()
    books.write("invoices.csv", rows(2, "5.26"))
    os.utime(books.folder / "invoices.csv", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert books.read(cursor).owed == {"0": "5.26 EUR", "1": "5.26 EUR"}


def test_another_mapping_reads_anew(tmp_path: Path) -> None:
    cursor = Books(tmp_path).write("invoices.csv", rows(1)).read().cursor
    assert Books(tmp_path, {"currency": "USD"}).read(cursor).owed == {"0": "5.25 USD"}


def test_a_pass_during_which_the_file_changes_does_not_end(tmp_path: Path) -> None:
    books = Books(tmp_path).write("invoices.csv", rows(5000))
    pages = books.connector.changes(None)
    first = next(pages)
    books.write("new", rows(1, "7"))
    (books.folder / "new").replace(books.folder / "invoices.csv")
    last = list(pages)[-1]
    assert (first.starts_pass, last.ends_pass, last.cursor) == (True, False, Cursor(""))
    again = books.read(last.cursor)
    assert (again.owed, again.pages[-1].ends_pass) == ({"0": "7.00 EUR"}, True)


def test_a_file_that_is_being_written_is_read_later(tmp_path: Path) -> None:
    books = Books(tmp_path).write("invoices.csv", rows(5000))
    pages = books.connector.changes(None)
    next(pages)
    books.write("invoices.csv", rows(5000)[:-3000])
    with pytest.raises(LedgerUnavailable, match="changed while"):
        list(pages)


def test_a_file_that_comes_or_goes_is_a_change(tmp_path: Path) -> None:
    books = Books(tmp_path).write("invoices.csv", rows(1))
    cursor = books.read().cursor
    books.write("customers.csv", "id,name,email\na,Acme,a@acme.es\n")
    assert books.read(cursor).customers["a"].email == "a@acme.es"


def test_our_own_notes_are_no_change_and_no_export(tmp_path: Path) -> None:
    books = Books(tmp_path, {"files": {"invoices": {"path": "*.csv"}}}).write("invoices.csv", rows(1)).write("puntual-notes.csv", "x")
    cursor = books.read().cursor
    books.write("puntual-notes.csv", "y")
    assert books.read(cursor).invoices == {}


def test_an_invoice_and_its_allocations_are_on_one_page_which_says_that_it_knows_them_all() -> None:
    """So that a payment that is not in the file any more is not known any more either."""
    day = date(2026, 3, 1)
    used = [an_allocation("i1", f"p{n}", "9", on=day) for n in range(5)]
    parts = [an_invoice("i1", due=day), *used, an_invoice("i2", due=day), an_allocation("i2", "p6", "9", on=day), an_invoice("i3", due=day)]
    pages = list(pages_of_pass(parts, 2, lambda: Page(Cursor("end"), ends_pass=True)))
    assert [(page.allocations_known_of, {one.invoice_id for one in page.allocations}) for page in pages] == [
        (("i1",), {"i1"}),
        (("i2",), {"i2"}),
        (("i3",), set()),
    ]
    assert [len(page.allocations) for page in pages] == [5, 1, 0]


def test_endless_problems_are_cut_short(tmp_path: Path) -> None:
    text = HEAD + "0,a,2026-01-01,5\n" + "".join(f"{n},a,2026-01-01,x\n" for n in range(1, 701))
    problems = Books(tmp_path).write("invoices.csv", text).read().problems
    assert (len(problems), problems[-1].what) == (501, "have 200 more such rows")


def test_check_names_the_company_and_finds_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BooksUnreadable, match=r"no file of invoices.*there is: nothing"):
        Books(tmp_path).connector.check()
    books = Books(tmp_path, {"name": "Talleres Núñez"}).write("invoices.csv", rows(1))
    company = books.connector.check()
    assert (company.id, company.name, company.currency) == ("acme", "Talleres Núñez", "EUR")
    with pytest.raises(BooksUnreadable, match="There is no folder"):
        Books(tmp_path, {"folder": "nowhere"}).connector.check()
    books.write("payments.csv", "id,customer,date,amount\n1,a,03/04/2026,5\n")
    with pytest.raises(BooksUnreadable, match=r"payments\.csv: “03/04/2026” in line 2 can be read two ways"):
        books.connector.check()
    books.write("facturas.csv", rows(1))
    with pytest.raises(BooksUnreadable, match=r"Several files may be the invoices: facturas\.csv, invoices\.csv.*take: newest"):
        books.connector.check()


def test_a_folder_without_the_right_to_write_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books = Books(tmp_path).write("invoices.csv", rows(1))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionMissing, match="books cannot be written"):
        books.connector.check()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"folder": ""}, "at least 1 character"),
        ({"folder": "b", "colour": "red"}, "Extra inputs"),
        ({"folder": "b", "currency": "euro"}, "pattern"),
        ({"folder": "b", "files": {"invoices": {"columns": {"totl": "Amount"}}}}, "no field of invoices is called 'totl'"),
        ({"folder": "b", "files": {"invoices": {"encoding": "klingon"}}}, "no encoding is called 'klingon'"),
        ({"folder": "b", "files": {"invoices": {"date_format": "month first"}}}, "pattern"),
        ({"folder": "b", "files": {"invoices": {"delimiter": "ab"}}}, "pattern"),
        ({"folder": "b", "files": {"invoices": {"decimal": ";"}}}, "Input should be"),
        ({"folder": "b", "files": {"payments": {"rows": "line"}}}, "Extra inputs"),
    ],
)
def test_settings_are_strict(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FilesSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("columns", "row", "newest"),
    [
        ("number;customer;due_date;total;outstanding", "F-1;Bar Sol;2026-01-10;10.00;10.00", date(2026, 3, 2)),
        ("number;customer;due_date;total;settled_on", "F-1;Bar Sol;2026-01-10;10.00;2026-02-01", date(2026, 2, 1)),
        ("number;customer;due_date;total;settled_on", "F-1;Bar Sol;2026-01-10;10.00;", None),
    ],
)
def test_books_that_date_no_payment_are_as_fresh_as_their_file(tmp_path: Path, columns: str, row: str, newest: date | None) -> None:
    path = tmp_path / "invoices.csv"
    path.write_text(f"{columns}\n{row}\n")
    written = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))
    around = Surroundings("acme", "Europe/Madrid", lambda: datetime(2026, 3, 18, 12, tzinfo=UTC), tmp_path, tmp_path)
    ledger = FilesConnector(FilesSettings(folder=".", currency="EUR"), around)
    page = list(ledger.changes(None))[-1]
    assert page.last_bank_entry_on == newest
    later = datetime(2026, 3, 12, 12, tzinfo=UTC).timestamp()
    os.utime(path, (later, later))
    (quiet,) = ledger.changes(page.cursor)
    assert quiet.last_bank_entry_on == (date(2026, 3, 12) if newest == date(2026, 3, 2) else newest), "exported again, with nothing new"
