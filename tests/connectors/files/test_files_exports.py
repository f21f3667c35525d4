"""Exports as other systems write them, read through the mapping alone."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from files.exports import Books, invoices, refusal
from puntual.core.receivables import DocumentStatus

SPANISH = """\
Listado de facturas pendientes;;;;;
Empresa: Talleres Núñez S.L.;;;;;
;;;;;
Nº Factura;Fecha;Vencimiento;Cliente;Importe;Pendiente
F-1;01/02/2026;03/03/2026;Peña e Hijos;1.234,56 €;1.234,56 €
F-2;15/02/2026;17/03/2026;"Muñoz; Ruiz y Cía.";500,00 €;120,50 €

F-3;15/02/2026;17/03/2026;Peña e Hijos;(80,00) €;(80,00) €
;;;TOTAL;1.654,56 €;1.275,06 €
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_spanish_list_with_title_lines_and_totals(tmp_path: Path, encoding: str) -> None:
    read = invoices(tmp_path, SPANISH, written_in=encoding)
    assert read.owed == {"F-1": "1234.56 EUR", "F-2": "120.50 EUR"}
    assert read.wrong == {}
    first = read.invoices["F-1"]
    assert (first.issued_on, first.due_date) == (date(2026, 2, 1), date(2026, 3, 3))
    assert {customer.name for customer in read.customers.values()} == {"Peña e Hijos", "Muñoz; Ruiz y Cía."}
    assert str(read.credit_notes["F-3"].remaining) == "80.00 EUR"


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_every_delimiter(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ["Invoice No.", "CUSTOMER NAME", "due_date", "Amount", "Balance Due"],
        ["17", "Acme, Ltd; “x” | y", "2026-03-01", "1,000.50", "10.50"],
    ]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows) + "\n"
    assert invoices(tmp_path, text).owed == {"17": "10.50 EUR"}


RECEIVABLES = """\
countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,PaperlessBill,DaysToSettle,DaysLate
391,0379-NEVHP,4/6/2013,611365,1/2/2013,2/1/2013,55.94,No,1/15/2013,Paper,13,0
406,8976-AMJEO,3/3/2012,7900770,1/26/2013,2/25/2013,61.74,Yes,3/3/2013,Electronic,36,6
391,2820-XGXSB,1/26/2012,9231909,7/3/2013,8/2/2013,65.88,No,7/8/2013,Electronic,5,0
"""
RECEIVABLES_MAPPING = {
    "number": "invoiceNumber",
    "customer": "customerID",
    "issued_on": "InvoiceDate",
    "due_date": "DueDate",
    "total": "InvoiceAmount",
    "disputed": "Disputed",
    "settled_on": "SettledDate",
}


def test_one_row_an_invoice_with_foreign_names_us_dates_and_settlement(tmp_path: Path) -> None:
    books = Books(tmp_path, {"currency": "USD", "files": {"invoices": {"columns": RECEIVABLES_MAPPING}}}, date(2013, 2, 20))
    read = books.write("invoices.csv", RECEIVABLES).read()
    assert {key: one.status for key, one in read.invoices.items()} == {
        "611365": DocumentStatus.PAID,
        "7900770": DocumentStatus.OPEN,
        "9231909": DocumentStatus.DRAFT,
    }
    assert read.owed == {"7900770": "61.74 USD"}
    assert read.invoices["7900770"].disputed
    assert read.invoices["611365"].settled_on == date(2013, 1, 15)
    assert read.pages[-1].last_bank_entry_on == date(2013, 1, 15)


def test_time_passing_changes_the_reading_of_the_same_file(tmp_path: Path) -> None:
    books = Books(tmp_path, {"currency": "USD", "files": {"invoices": {"columns": RECEIVABLES_MAPPING}}}, date(2013, 2, 20))
    cursor = books.write("invoices.csv", RECEIVABLES).read().cursor
    books.today = date(2013, 3, 2)
    quiet = books.read(cursor)
    assert (quiet.invoices, quiet.cursor, quiet.pages[0].last_bank_entry_on) == ({}, cursor, date(2013, 1, 15))
    assert [one.status for one in books.connector.recheck(["7900770"]).invoices] == [DocumentStatus.OPEN]
    books.today = date(2013, 3, 3)
    assert books.read(cursor).invoices["7900770"].status is DocumentStatus.PAID
    assert [one.status for one in books.connector.recheck(["7900770"]).invoices] == [DocumentStatus.PAID]
    books.today = date(2013, 2, 1)
    assert books.read(cursor).owed == {"7900770": "61.74 USD"}


HEAD = "number,customer,email,issued_on,due_date,total,outstanding"


def test_customers_are_made_from_the_rows(tmp_path: Path) -> None:
    text = (
        "number,customer name,email,idioma,country,due_date,total,outstanding\n1,Acme S.L.,,Español,España,2026-01-05,10,10\n"
        "2,ACME SL,pagos@acme.es,,,2026-01-05,10,10\n3,Beta,b@beta.com,en_GB,gb,2026-01-05,10,10\n"
    )
    read = invoices(tmp_path, text)
    acme = read.customers[read.invoices["1"].customer_id]
    assert (acme.name, acme.email, acme.language, acme.country) == ("Acme S.L.", "pagos@acme.es", "es", "ES")
    assert read.invoices["2"].customer_id == acme.id
    beta = read.customers[read.invoices["3"].customer_id]
    assert (beta.language, beta.country) == ("en-GB", "GB")


def test_two_customers_of_one_name_stay_two(tmp_path: Path) -> None:
    text = "number,customer id,customer name,due_date,outstanding\n1,C1,Juan García,2026-01-05,10\n2,C2,Juan García,2026-01-05,20\n"
    read = invoices(tmp_path, text)
    assert (read.invoices["1"].customer_id, read.invoices["2"].customer_id) == ("C1", "C2")


def test_a_customer_that_the_customers_file_does_not_describe_is_not_made_up(tmp_path: Path) -> None:
    books = Books(tmp_path).write("customers.csv", "id,name,email\nC1,Acme,a@acme.es\n")
    text = "number,customer,due_date,outstanding\n1,acme,2026-01-05,10\n2,C9,2026-01-05,20\n"
    read = books.write("invoices.csv", text).read()
    assert set(read.customers) == {"C1"}
    assert (read.invoices["1"].customer_id, read.invoices["2"].customer_id) == ("C1", "C9")


def test_instalments_by_row(tmp_path: Path) -> None:
    text = "number,customer,issued_on,due_date,total,paid\nF1,a,2026-01-01,2026-03-01,70,0\nF1,a,2026-01-01,2026-02-01,30,10\n"
    (invoice,) = invoices(tmp_path, text, rows="instalment").invoices.values()
    assert [(part.ordinal, part.due_date, str(part.total), str(part.outstanding)) for part in invoice.instalments] == [
        (1, date(2026, 2, 1), "30.00 EUR", "20.00 EUR"),
        (2, date(2026, 3, 1), "70.00 EUR", "70.00 EUR"),
    ]


def test_lines_add_up_and_a_discount_line_is_taken_off(tmp_path: Path) -> None:
    text = "number,customer,due_date,total,outstanding\nF1,a,2026-03-01,70,85\nF1,a,2026-03-01,20,85\nF1,a,2026-03-01,-5,85\n"
    (invoice,) = invoices(tmp_path, text, rows="line").invoices.values()
    assert (str(invoice.instalments[0].total), str(invoice.outstanding)) == ("85.00 EUR", "85.00 EUR")


def test_an_invoice_on_several_rows_is_not_taken_for_one_of_them(tmp_path: Path) -> None:
    text = "number,customer,due_date,outstanding\nF1,a,2026-03-01,70\nF2,a,2026-03-01,5\nF1,a,2026-03-01,20\n"
    read = invoices(tmp_path, text)
    assert read.owed == {"F2": "5.00 EUR"}
    assert set(read.wrong) == {"invoices.csv:2", "invoices.csv:4"}
    assert "say rows: instalment or" in read.wrong["invoices.csv:2"]


@pytest.mark.parametrize(
    ("row", "status", "owed"),
    [
        ("F1,a,2026-03-01,100,,Cobrada", DocumentStatus.PAID, "0.00 EUR"),
        ("F1,a,2026-03-01,100,100,PAID", DocumentStatus.PAID, "0.00 EUR"),
        ("F1,a,2026-03-01,100,,Anulada", DocumentStatus.VOID, "0.00 EUR"),
        ("F1,a,2026-03-01,100,100,Borrador", DocumentStatus.DRAFT, "100.00 EUR"),
        ("F1,a,2026-03-01,100,40,Vencida", DocumentStatus.OPEN, "40.00 EUR"),
        ("F1,a,2026-03-01,100,0,Open", DocumentStatus.PAID, "0.00 EUR"),
        ("F1,a,2026-03-01,0,0,", DocumentStatus.PAID, "0.00 EUR"),
    ],
)
def test_who_says_paid_is_believed(tmp_path: Path, row: str, status: DocumentStatus, owed: str) -> None:
    (invoice,) = invoices(tmp_path, f"number,customer,due_date,total,outstanding,status\n{row}\n").invoices.values()
    assert (invoice.status, str(invoice.outstanding)) == (status, owed)


def test_words_and_constants_of_ones_own(tmp_path: Path) -> None:
    text = "Beleg,Kunde,Fällig,Betrag,Stand,Strittig\n1,a,2026-03-01,10,offen,nein\n2,a,2026-03-01,20,bezahlt,nein\n"
    text += "3,a,2026-03-01,30,offen,ja\n"
    read = invoices(
        tmp_path,
        text,
        columns={
            "number": "beleg",
            "customer": "kunde",
            "due_date": "fallig",
            "total": "betrag",
            "status": "stand",
            "disputed": "strittig",
        },
        values={"status": {"offen": "open", "bezahlt": "paid"}, "disputed": {"ja": True, "nein": False}},
        constants={"currency": "CHF", "country": "CH"},
    )
    assert read.owed == {"1": "10.00 CHF", "3": "30.00 CHF"}
    assert [bool(read.invoices[key].disputed) for key in ("1", "3")] == [False, True]
    assert {customer.country for customer in read.customers.values()} == {"CH"}


def test_disputes_with_a_reason_and_an_end(tmp_path: Path) -> None:
    text = (
        "number,customer,due_date,outstanding,disputed,disputed_until\n1,a,2026-03-01,10,Falta un bulto,\n2,a,2026-03-01,10,sí,2026-03-10\n"
    )
    text += "3,a,2026-03-01,10,x,2026-03-09\n4,a,2026-03-01,10,-,\n"
    read = invoices(tmp_path, text)
    assert [read.invoices[key].disputed for key in "1234"] == ["Falta un bulto", "marked as disputed in the books", "", ""]


def test_terms_stand_in_for_a_due_date(tmp_path: Path) -> None:
    text = "number,customer,date,terms,outstanding\n1,a,2026-01-01,Net 30,10\n2,a,2026-01-01,,10\n"
    books = Books(tmp_path, {"terms_days": 60}).write("invoices.csv", text)
    read = books.read()
    assert [read.invoices[key].due_date for key in "12"] == [date(2026, 1, 31), date(2026, 3, 2)]


def test_an_amount_names_its_currency_when_nothing_else_does(tmp_path: Path) -> None:
    books = Books(tmp_path, {"currency": None}).write(
        "invoices.csv", "number,customer,due_date,outstanding\n1,a,2026-01-01,12 €\n2,a,2026-01-01,5\n"
    )
    read = books.read()
    assert read.owed == {"1": "12.00 EUR"}
    assert "has no currency" in read.wrong["invoices.csv:3"]


def test_the_newest_of_several_exports_or_all_of_them(tmp_path: Path) -> None:
    line = "number,customer,due_date,outstanding\n{},a,2026-01-01,5\n"
    for take, expected in (("newest", {"2"}), ("all", {"1", "2"})):
        books = Books(tmp_path, {"files": {"invoices": {"path": "export-*.csv", "take": take}}})
        for number in (2, 1):
            books.write(f"export-{number}.csv", line.format(number))
            os.utime(books.folder / f"export-{number}.csv", (number, number))
        assert set(books.read().invoices) == expected


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        ("", {}, "none of the first lines names the columns"),
        ("a,b\n1,2\n", {}, "none of the first lines names the columns"),
        (f"{HEAD}\n1,a,,2026-01-01,2026-02-01,10", {}, "invoices.csv:2: the file was cut off; its last row has 6 of 7 cells"),
        (f'{HEAD}\n1,"a,,2026-01-01,2026-02-01,10,10\n', {}, "invoices.csv:2: the file ends inside a quoted cell"),
        ("number,customer,total,outstanding\n1,a,5,5\n", {}, "invoices.csv:1: no column is due_date or issued_on"),
        ("number,customer,due_date,total\n1,a,2026-01-01,5\n", {}, "nothing says what has been paid"),
        (
            f"{HEAD}\n1,a,,03/04/2026,05/06/2026,1,1\n",
            {},
            "“03/04/2026” in line 2 can be read two ways. Say ledger.files.invoices.date_format",
        ),
        (f"{HEAD}\n1,a,,,2026-05-06,1.234,1.234\n", {}, "“1.234” in line 2 can be read two ways. Say ledger.files.invoices.decimal"),
        (f"{HEAD}\n1,a,,,45992,1,1\n", {}, "invoices.csv:2 “45992” is a day number of a spreadsheet"),
        (f"{HEAD},Total\n1,a,,,2026-05-06,1,1,2\n", {}, "there is more than one column “total”"),
        (f"{HEAD}\n", {"columns": {"total": "Betrag"}}, "there is no column “Betrag”; the columns are: “number”, “customer”"),
        (f"{HEAD}\n1,a,,2026-01-01,2026-02-01,10,10\n", {"path": "../invoices.csv"}, "leads out of the books' folder"),
        (f"{HEAD}\n1,a,,2026-01-01,2026-02-01,10,10\n", {"path": "facturas.csv"}, "No file in"),
        (f"{HEAD}\n1,ñ,,2026-01-01,2026-02-01,10,10\n".encode(), {"encoding": "ascii"}, "bytes that are not ascii"),
        ("x" * 1_100_000, {}, "none of the first lines"),
    ],
)
def test_what_is_not_guessed_is_said(tmp_path: Path, text: str | bytes, settings: dict[str, Any], said: str) -> None:
    assert said in refusal(tmp_path, text, **settings)


def test_a_setting_answers_what_the_file_leaves_open(tmp_path: Path) -> None:
    text = f"{HEAD}\n1,a,,03/04/2026,05/06/2026,1.234,1.234\n"
    (invoice,) = invoices(tmp_path, text, date_format="DMY", decimal=",").invoices.values()
    assert (invoice.issued_on, invoice.due_date, str(invoice.outstanding)) == (date(2026, 4, 3), date(2026, 6, 5), "1234.00 EUR")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("9,a,,2026-01-01,2026-02-01,10", "has 6 cells in place of 7"),
        ("9,a,b,c,2026-01-01,2026-02-01,10,10", "has 8 cells in place of 7"),
        ("9,a,,2026-01-01,2026-02-31,10,10", "“2026-02-31” is no date"),
        ("9,a,,2026-01-01,2026-02-01,ten,10", "“ten” is no amount"),
        ("9,a,,2026-01-01,2026-02-01,10,11", "says that 11.00 EUR of 10.00 EUR is outstanding"),
        ("9,a,,2026-01-01,2026-02-01,10,", "does not say what is outstanding"),
        ("9,,,2026-01-01,2026-02-01,10,10", "names no customer"),
        (",a,,2026-01-01,2026-02-01,10,10", "has no number"),
        ("9,a,,,,10,10", "has no due date"),
        ("9,a,,2026-01-01,2026-02-01,$10,10", "“$10” is not in EUR"),
        ("9,a\0,,2026-01-01,2026-02-01,10,10", "bytes that are no text"),
        (f"{'9' * 150},a,,2026-01-01,2026-02-01,10,10", "more than 120 characters"),
        ("9,a,,2026-01-01,2026-02-01,1000000000000000.00,10", "more than any invoice"),
        ('9,"a" b,,2026-01-01,2026-02-01,10,10', "is no proper CSV"),
        (f"9,{'a' * 140_000},,2026-01-01,2026-02-01,10,10", "is no proper CSV"),
    ],
)
def test_a_bad_row_is_reported_and_does_not_stop_the_good_ones(tmp_path: Path, row: str, said: str) -> None:
    text = f"{HEAD}\n1,a,,2026-01-01,2026-02-01,10.50,10.50\n{row}\n2,a,,2026-01-01,2026-02-01,20.50,20.50\n"
    read = invoices(tmp_path, text)
    assert read.owed == {"1": "10.50 EUR", "2": "20.50 EUR"}
    assert list(read.wrong) == ["invoices.csv:3"]
    assert said in read.wrong["invoices.csv:3"]


def test_lines_under_the_table_and_odd_bytes(tmp_path: Path) -> None:
    head = "número,customer,due_date,outstanding\n1,Núñez,2026-03-01,5\n".encode()
    read = invoices(tmp_path, head + b"2,Pe\xf1a,2026-03-01,6\n3,\xc3\x81lvarez,2026-03-01,7\nTotal: 18,,,\n(3 facturas)\n")
    assert read.owed == {"1": "5.00 EUR", "3": "7.00 EUR"}
    assert list(read.wrong) == ["invoices.csv:3"]


def test_a_sum_without_a_word_is_a_footer_and_line_breaks_in_names_are_blanks(tmp_path: Path) -> None:
    read = invoices(tmp_path, 'number,customer,due_date,outstanding\nF1,"Peña\n  e Hijos",2026-03-01,5\n,,,5\n')
    assert (read.owed, read.wrong) == ({"F1": "5.00 EUR"}, {})
    assert read.customers["Peña e Hijos"].name == "Peña e Hijos"


def test_a_customer_called_total_is_no_footer(tmp_path: Path) -> None:
    read = invoices(tmp_path, "customer,number,due_date,outstanding\nTotal Energies,F1,2026-03-01,5\nTotal Energies,F2,,6\n")
    assert read.owed == {"F1": "5.00 EUR"}
    assert list(read.wrong) == ["invoices.csv:3"]
