"""Credits and payments in files of our own: what they take off, and how each counts once when the company enters it in its own books."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from files.exports import TODAY, Books, Read
from hypothesis import given
from hypothesis import strategies as st
from puntual.connectors.files.mapping import Source
from puntual.connectors.files.own_money import OwnMoney, Standing, still_counting
from puntual.core.bookings import CreditMade, CreditWanted, LateCharge, PaymentReceived, PaymentRecorded
from puntual.core.errors import BooksUnreadable, Refused
from puntual.core.money import Money
from puntual.core.receivables import CreditKind, DocumentStatus

TOTALS = "number,customer,due_date,total,reference\nF-1,a,2026-01-01,100,\nF-2,a,2026-01-01,50,\n"
OPEN_ITEMS = "number,customer,due_date,total,outstanding\nF-1,a,2026-01-01,100,{}\nF-2,a,2026-01-01,50,50\n"
PAYMENTS = "id,customer,date,amount,invoice,reference\n"
CREDIT = CreditWanted("puntual:c1", "F-1", "F-1", "a", Money.of("3.20", "EUR"), "Pronto pago", TODAY)
PAYMENT = PaymentReceived("puntual:p1", "F-1", "F-1", "a", Money.of("25", "EUR"), TODAY, "pi_3Mtw")
MORE = PaymentReceived("puntual:p2", "F-1", "F-1", "a", Money.of("10", "EUR"), TODAY, "pi_4Nux")
CHARGE = LateCharge("puntual:1f2e", "F-1", "F-1", "a", Money.of("7.25", "EUR"), "Mora", TODAY, date(2026, 4, 9), is_taxed=True)


def books_of(folder: Path, invoices: str = TOTALS, payments: str = "", **settings: Any) -> Books:
    """Books that say by their payments what was paid; with another text of invoices, by what these say."""
    made = Books(folder, {"record_payments": True, "charge_tax_percent": 21, **settings}).write("invoices.csv", invoices)
    return made.write("payments.csv", PAYMENTS + payments) if invoices == TOTALS else made


def recorded(books: Books, *payments: PaymentReceived) -> None:
    for payment in payments:
        assert isinstance(books.connector.put_payments([payment])[payment.marker], PaymentRecorded)


def credited(books: Books, credit: CreditWanted = CREDIT) -> CreditMade:
    made = books.connector.put_credits([credit])[credit.marker]
    assert isinstance(made, CreditMade), made
    return made


def say(books: Books, name: str, marker: str, **cells: str) -> None:
    """A person fills in cells of a row of ours."""
    path = books.folder / f"puntual-{name}.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True)))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | cells if row["marker"] == marker else row for row in rows)


def held(told: Read, key: str = "F-1") -> str:
    return told.invoices[key].do_not_chase


# --- what is left ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("invoices", [TOTALS, OPEN_ITEMS.format("100")])
def test_a_payment_and_a_credit_are_used_on_their_invoice_whatever_says_what_is_outstanding(tmp_path: Path, invoices: str) -> None:
    books = books_of(tmp_path, invoices)
    cursor = books.read().cursor
    recorded(books, PAYMENT)
    assert credited(books) == CreditMade("puntual:c1", "puntual:c1", "F-1/C1", CREDIT.amount)
    for told in (books.read(cursor), books_of(tmp_path, invoices).read()):
        assert told.owed == {"F-1": "71.80 EUR", "F-2": "50.00 EUR"}
        assert {used.source_id: str(used.amount) for used in told.allocations["F-1"]} == {
            "puntual:p1": "25.00 EUR",
            "puntual:c1": "3.20 EUR",
        }
        assert (held(told), told.wrong) == ("", {})
    assert (books.folder / "invoices.csv").read_text(encoding="utf-8") == invoices


def test_a_full_payment_settles_the_invoice_and_the_next_export_finds_nothing_left(tmp_path: Path) -> None:
    books = books_of(tmp_path, OPEN_ITEMS.format("100"))
    recorded(books, PaymentReceived("puntual:p3", "F-1", "F-1", "a", Money.of("100", "EUR"), TODAY, "pi_1"))
    assert books.read().invoices["F-1"].status is DocumentStatus.PAID
    books.write("invoices.csv", OPEN_ITEMS.format("0"))
    told = books.read()
    assert (told.owed, told.payments["puntual:p3"].unapplied.is_positive, told.wrong) == ({"F-2": "50.00 EUR"}, False, {})


def test_ours_make_the_banks_side_no_fresher(tmp_path: Path) -> None:
    books = books_of(tmp_path, payments="B-1,a,2026-02-01,1,F-2,\n")
    recorded(books, PAYMENT)
    assert books.read().pages[-1].last_bank_entry_on == date(2026, 2, 1)


def test_a_credit_of_a_part_of_a_charge_bears_its_share_of_the_tax(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    made = books.connector.put_charges([CHARGE])[CHARGE.marker]
    assert made.amount == Money.of("8.77", "EUR")  # type: ignore[union-attr]
    for n, amount in enumerate(("0.03", "4.00", "4.74")):
        credit = CreditWanted(f"puntual:d{n}", CHARGE.marker, "F-1/L1", "a", Money.of(amount, "EUR"), "Mora", TODAY)
        assert not credited(books, credit).is_void
    rows = list(csv.DictReader((books.folder / "puntual-credits.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["tax"] for row in rows] == ["0.01", "0.69", "0.82"]
    assert sum(Decimal(row["tax"]) for row in rows) == Decimal("1.52")
    assert "F-1/L1" not in books.read().owed


def test_a_charge_that_the_company_entered_is_credited_where_it_stands(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    books.connector.put_charges([CHARGE])
    early = CreditWanted("puntual:d0", CHARGE.marker, "F-1/L1", "a", Money.of("1", "EUR"), "Mora", TODAY)
    credited(books, early)
    books.write("invoices.csv", TOTALS + f"F-77,a,2026-03-10,8.77,Mora [{CHARGE.marker}]\n")
    assert books.read().owed["F-77"] == "7.77 EUR"
    whole = CreditWanted("puntual:d1", CHARGE.marker, "F-1/L1", "a", Money.of("7.77", "EUR"), "Mora", TODAY)
    made = credited(books, whole)
    assert (made.number, made.is_void) == ("F-77/C1", False)
    assert "F-77" not in books.read().owed


def test_a_void_charge_is_owed_again_when_a_person_takes_the_credit_back(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    books.connector.put_charges([CHARGE])
    whole = CreditWanted("puntual:d0", CHARGE.marker, "F-1/L1", "a", Money.of("8.77", "EUR"), "Mora", TODAY)
    assert credited(books, whole) == CreditMade("puntual:d0", CHARGE.marker, "F-1/L1", whole.amount, is_void=True)
    assert books.read().invoices[CHARGE.marker].status is DocumentStatus.VOID
    say(books, "credits", "puntual:d0", status="void")
    assert books.read().owed["F-1/L1"] == "8.77 EUR"


# --- the company enters it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        "F-1/P1,a,2026-03-14,25,F-1,",
        "puntual:p1,a,2026-03-14,25,F-1,",
        "B-9,a,2026-03-14,25,F-1,Stripe pi_3Mtw",
        "B-9,a,2026-03-14,25,F-1,[puntual:p1]",
    ],
)
def test_a_row_of_the_exports_that_cites_a_payment_takes_its_place(tmp_path: Path, row: str) -> None:
    books = books_of(tmp_path)
    recorded(books, PAYMENT)
    told = books.write("payments.csv", f"{PAYMENTS}{row}\n").read()
    assert (told.owed["F-1"], len(told.payments), told.wrong) == ("75.00 EUR", 1, {})
    assert told.payments[row.partition(",")[0]].paid_on == date(2026, 3, 14)


def test_a_longer_reference_is_another_payment(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    recorded(books, PAYMENT)
    told = books.write("payments.csv", f"{PAYMENTS}B-9,a,2026-03-14,30,F-1,pi_3Mtw-77\n").read()
    assert (told.owed["F-1"], len(told.payments)) == ("45.00 EUR", 2)


def test_a_credit_note_of_the_exports_that_cites_a_credit_takes_its_place(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    credited(books)
    head = "number,customer,date,total,invoice,reference\n"
    for row in ("F-1/C1,a,2026-03-14,3.20,F-1,", "A-5,a,2026-03-14,3.20,F-1,Pronto pago [puntual:c1]"):
        told = books.write("credit_notes.csv", f"{head}{row}\n").read()
        assert (told.owed["F-1"], list(told.credit_notes)) == ("96.80 EUR", [row.partition(",")[0]])


def test_a_negative_invoice_that_cites_a_credit_does_not_count_besides_it(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    credited(books)
    told = books.write("invoices.csv", TOTALS + "A-5,a,2026-03-09,-3.20,[puntual:c1]\nA-6,a,2026-03-09,-3.20,\n").read()
    assert told.owed["F-1"] == "96.80 EUR"
    assert {key: str(note.remaining) for key, note in told.credit_notes.items()} == {"puntual:c1": "0.00 EUR", "A-6": "3.20 EUR"}


@pytest.mark.parametrize(
    ("outstanding", "owed", "is_held"),
    [
        ("100", "65.00", False),
        ("75", "65.00", False),
        ("90", "65.00", False),
        ("65", "65.00", False),
        ("45", "45.00", True),
        ("110", "", True),
    ],
)
def test_where_the_export_says_what_is_outstanding_ours_count_until_it_fell_by_them(
    tmp_path: Path, outstanding: str, owed: str, is_held: bool
) -> None:
    books = books_of(tmp_path, OPEN_ITEMS.format("100"))
    recorded(books, PAYMENT, MORE)
    told = books.write("invoices.csv", OPEN_ITEMS.format(outstanding).replace(",100,110", ",110,110")).read()
    assert bool(held(told)) == is_held
    assert not owed or told.owed["F-1"] == f"{owed} EUR"
    assert [where for where in told.wrong if "puntual:p1" in where] == (["puntual-payments.csv: puntual:p1"] if is_held else [])
    assert told.owed["F-2"] == "50.00 EUR"


@pytest.mark.parametrize(
    ("first", "second", "owed"),
    [("entered", "entered", "45"), ("entered", "open", "35"), ("void", "entered", "45"), ("Contabilizado", "", "")],
)
def test_a_person_says_what_nobody_can_tell(tmp_path: Path, first: str, second: str, owed: str) -> None:
    """The customer paid 20 by bank meanwhile, or 30, or 45: the figure alone does not say."""
    books = books_of(tmp_path, OPEN_ITEMS.format("100"))
    recorded(books, PAYMENT, MORE)
    books.write("invoices.csv", OPEN_ITEMS.format("45"))
    say(books, "payments", "puntual:p1", status=first)
    say(books, "payments", "puntual:p2", status=second)
    told = books.read()
    assert bool(held(told)) == (not owed)
    assert not owed or told.owed["F-1"] == f"{owed}.00 EUR"
    assert books.connector.put_payments([PAYMENT])["puntual:p1"] == PaymentRecorded("puntual:p1", "puntual:p1", "F-1/P1", PAYMENT.amount)


def test_what_was_said_to_be_entered_counts_until_the_export_changes(tmp_path: Path) -> None:
    books = books_of(tmp_path, OPEN_ITEMS.format("100"))
    recorded(books, PAYMENT)
    say(books, "payments", "puntual:p1", status="entered")
    assert books.read().owed["F-1"] == "75.00 EUR"
    assert books.write("invoices.csv", OPEN_ITEMS.format("60")).read().owed["F-1"] == "60.00 EUR"


def test_the_same_amount_some_days_later_is_asked_about(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    recorded(books, PAYMENT)
    told = books.write("payments.csv", PAYMENTS + "B-9,a,2026-03-14,25,F-1,\n").read()
    assert "25.00 EUR of F-1/P1 may stand in the books a second time" in held(told)
    assert "write entered or open into the status of the row" in told.wrong["puntual-payments.csv: puntual:p1"]
    for status, owed in (("open", "50.00 EUR"), ("entered", "75.00 EUR")):
        say(books, "payments", "puntual:p1", status=status)
        told = books.read()
        assert (told.owed["F-1"], held(told), told.wrong) == (owed, "", {})


def test_what_the_companys_own_rows_cover_leaves_nothing_of_ours_over(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    recorded(books, PAYMENT)
    told = books.write("payments.csv", PAYMENTS + "B-9,a,2026-03-14,100,F-1,\n").read()
    assert (told.owed, list(told.payments)) == ({"F-2": "50.00 EUR"}, ["B-9"])
    assert books.connector.recheck(["F-2"]).credits == ()


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=12))
def test_whichever_were_entered_the_others_count(rows: list[tuple[int, bool]]) -> None:
    total = Decimal(sum(amount for amount, _entered in rows))
    ours = [
        OwnMoney(Source(CreditKind.PAYMENT, str(n), "", "a", Money.of(amount, "EUR"), TODAY), "F-1", total, Standing.UNSAID)
        for n, (amount, _entered) in enumerate(rows)
    ]
    now = total - sum(amount for amount, entered in rows if entered)
    assert still_counting(ours, now) == sum(amount for amount, entered in rows if not entered)


# --- what may go wrong ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [{"amount": "25,00"}, {"date": "14/03/2026"}, {"status": "hmm"}, {"invoice": ""}, {"export_said": "x"}])
def test_a_row_that_cannot_be_read_is_told_and_its_customer_is_not_chased(tmp_path: Path, cells: dict[str, str]) -> None:
    books = books_of(tmp_path, OPEN_ITEMS.format("100"))
    recorded(books, PAYMENT)
    say(books, "payments", "puntual:p1", **cells)
    told = books.read()
    assert next(iter(cells.values())) in told.wrong["puntual-payments.csv: puntual:p1"]
    assert "puntual-payments.csv" in held(told)
    answer = books.connector.put_payments([PAYMENT])["puntual:p1"]
    assert isinstance(answer, Refused) == bool({"amount", "invoice"} & set(cells)), "it is never recorded twice"


def test_a_file_of_ours_is_no_export_whatever_it_is_called(tmp_path: Path) -> None:
    books = books_of(tmp_path, payments_file="cobros.csv", credits_file="abonos.csv")
    recorded(books, PAYMENT)
    credited(books)
    assert {path.name for path in books.folder.iterdir()} == {"invoices.csv", "payments.csv", "cobros.csv", "abonos.csv"}
    assert books.read().owed["F-1"] == "71.80 EUR"


def test_rows_are_added_under_the_header_that_is_there(tmp_path: Path) -> None:
    books = books_of(tmp_path)
    books.connector.put_charges([CHARGE])
    path = books.folder / "puntual-charges.csv"
    (row,) = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True))
    older = {name: row[name] for name in sorted(row) if name != "tax"}
    path.write_text(",".join(older) + "\n" + ",".join(f'"{cell}"' for cell in older.values()) + "\n", encoding="utf-8")
    untaxed = LateCharge("puntual:2f", "F-1", "F-1", "a", Money.of("4", "EUR"), "Mora", TODAY, date(2026, 4, 9))
    books.connector.put_charges([untaxed])
    assert {key: amount for key, amount in books.read().owed.items() if "/L" in key} == {"F-1/L1": "7.25 EUR", "F-1/L2": "4.00 EUR"}
    with pytest.raises(BooksUnreadable, match=r"puntual-charges\.csv has no column tax.*Add it at the end"):
        books.connector.put_charges([LateCharge("puntual:3f", "F-1", "F-1", "a", CHARGE.amount, "M", TODAY, TODAY, is_taxed=True)])
