"""Late charges in a file of our own: what settles them, what takes their place, and what a person may do to the file."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from files.exports import TODAY, Books
from puntual.core.bookings import ChargeMade, LateCharge
from puntual.core.errors import BooksUnreadable, Refused
from puntual.core.money import Money
from puntual.core.receivables import DocumentStatus

MARKER = "puntual:1f2e"
INVOICES = "number,customer,due_date,total,outstanding,reference\nF-1,a,2026-01-01,100,100,\n"
CHARGE = LateCharge(MARKER, "F-1", "F-1", "a", Money.of("7.25", "EUR"), "Interés de demora", TODAY, date(2026, 4, 9))
FILE = "puntual-charges.csv"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    made = Books(tmp_path).write("invoices.csv", INVOICES)
    assert made.connector.put_charges([CHARGE]) == {MARKER: ChargeMade(MARKER, MARKER, "F-1/L1", False, CHARGE.amount)}
    return made


def test_a_charge_is_a_document_that_the_next_reading_tells(tmp_path: Path) -> None:
    books = Books(tmp_path).write("invoices.csv", INVOICES)
    cursor = books.read().cursor
    books.connector.put_charges([CHARGE])
    told = books.read(cursor)
    assert told.owed == {"F-1": "100.00 EUR", "F-1/L1": "7.25 EUR"}
    charge = told.invoices[MARKER]
    assert (charge.customer_id, charge.issued_on, charge.due_date) == ("a", TODAY, date(2026, 4, 9))
    assert (charge.is_late_charge, told.invoices["F-1"].is_late_charge) == (True, False)
    assert books.read(told.cursor).invoices == {}
    assert (books.folder / "invoices.csv").read_text(encoding="utf-8") == INVOICES


def test_charges_on_one_invoice_are_counted(books: Books) -> None:
    other = replace(CHARGE, marker="puntual:ffff", amount=Money.of("40", "EUR"))
    made = books.connector.put_charges([other])["puntual:ffff"]
    assert isinstance(made, ChargeMade)
    assert made.number == "F-1/L2"


@pytest.mark.parametrize("named", ["F-1/L1", "puntual:1f2e"])
def test_a_payment_that_names_it_settles_it(books: Books, named: str) -> None:
    books.write("payments.csv", f"id,customer,date,amount,invoice\np1,a,2026-03-09,7.25,{named}\n")
    told = books.read()
    assert told.owed == {"F-1": "100.00 EUR"}
    assert (told.invoices[MARKER].status, [used.source_id for used in told.allocations[MARKER]]) == (DocumentStatus.PAID, ["p1"])


@pytest.mark.parametrize(("number", "reference"), [("F-1/L1", ""), ("F-77", f"Mora [{MARKER}]")])
def test_the_companys_own_row_counts_in_its_place(books: Books, number: str, reference: str) -> None:
    books.write("invoices.csv", f"{INVOICES}{number},a,2026-03-09,8.77,8.77,{reference}\n")
    told = books.read()
    assert told.owed == {"F-1": "100.00 EUR", number: "8.77 EUR"}
    assert told.invoices[number].is_late_charge
    assert books.connector.put_charges([CHARGE])[MARKER] == ChargeMade(MARKER, MARKER, "F-1/L1", False, CHARGE.amount)


def _edited(books: Books, old: str, new: str) -> None:
    path = books.folder / FILE
    text = path.read_text(encoding="utf-8-sig")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8-sig", newline="")


@pytest.mark.parametrize(("said", "status"), [("paid", DocumentStatus.PAID), ("Anulada", DocumentStatus.VOID)])
def test_a_person_may_say_what_became_of_it(books: Books, said: str, status: DocumentStatus) -> None:
    cursor = books.read().cursor
    _edited(books, '(F-1)",""', f'(F-1)","{said}"')
    assert books.read(cursor).invoices[MARKER].status is status
    assert isinstance(books.connector.put_charges([CHARGE])[MARKER], ChargeMade)


def test_a_file_that_a_spreadsheet_saved_is_read_and_added_to(books: Books) -> None:
    path = books.folder / FILE
    path.write_text(path.read_text(encoding="utf-8-sig").replace('","', ";").replace('"', ""), encoding="utf-8", newline="")
    books.connector.put_charges([replace(CHARGE, marker="puntual:ffff", text='a; "b"')])
    assert books.read().owed == {"F-1": "100.00 EUR", "F-1/L1": "7.25 EUR", "F-1/L2": "7.25 EUR"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"7.25"', '"7,25"', "says the amount “7,25 EUR”"),
        ('"2026-04-09"', '"09/04/2026"', "says the due “09/04/2026”; write it as 2026-03-18"),
        ('(F-1)",""', '(F-1)","hmm"', "the status “hmm” is not known"),
        ('"a"', '""', "has no customer; fill it in"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_and_left_out(books: Books, old: str, new: str, said: str) -> None:
    _edited(books, old, new)
    told = books.read()
    assert told.owed == {"F-1": "100.00 EUR"}
    assert said in told.wrong[f"{FILE}: {MARKER}"]


def test_what_stands_there_unreadable_is_not_made_again(books: Books) -> None:
    _edited(books, '"7.25"', '"much"')
    refused = books.connector.put_charges([CHARGE])[MARKER]
    assert isinstance(refused, Refused)
    assert f"The late charge {MARKER} stands in our file" in refused.detail


def test_a_file_that_is_no_longer_ours_stops_the_run_and_is_not_moved_away(books: Books) -> None:
    books.write(FILE, "number,total\n1,5\n")
    with pytest.raises(BooksUnreadable, match="Save it as CSV in UTF-8"):
        books.read()


def test_the_file_may_lie_elsewhere(tmp_path: Path) -> None:
    books = Books(tmp_path, {"charges_file": "recargos.csv"}).write("invoices.csv", INVOICES)
    books.connector.put_charges([CHARGE])
    assert (books.folder / "recargos.csv").exists()
    assert books.read().owed["F-1/L1"] == "7.25 EUR"
