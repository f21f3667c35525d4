"""What an export grants for paying early, in its own columns and words."""

from datetime import date
from pathlib import Path

import pytest
from files.exports import invoices
from puntual.core.money import Money
from puntual.core.receivables import EarlyDiscount

DAY = date(2026, 3, 15)


def granted(folder: Path, header: str, cells: str, total: str = "1.250,00") -> EarlyDiscount | None:
    """What is granted on the one invoice, issued on 1 March and due on 31 March."""
    text = f"number;customer;issued on;due date;total;outstanding;{header}\nF-1;a;2026-03-01;2026-03-31;{total};{total};{cells}\n"
    read = invoices(folder, text)
    assert read.wrong == {}
    return read.invoices["F-1"].early_discount


@pytest.mark.parametrize(
    ("header", "cells", "amount"),
    [
        ("Discount until;Early payment discount", "2026-03-15;25,00", "25.00"),
        ("Early payment date;Cash discount", "15/03/2026;2 %", "25.00"),
        ("Pronto pago hasta;Dto. por pronto pago", "15-03-2026;37,50 €", "37.50"),
        ("Fecha de descuento;Porcentaje pronto pago", "15/03/2026;2,5", "31.25"),
        ("Días pronto pago;DPP", "14 días;3%", "37.50"),
        ("discount_until;discount_percent;discount_amount", "2026-03-15;2;30,00", "30.00"),
        ("discount_until;discount_percent;discount_amount", "2026-03-15;2;0,00", "25.00"),
    ],
)
def test_the_last_day_and_the_amount_or_percentage(tmp_path: Path, header: str, cells: str, amount: str) -> None:
    assert granted(tmp_path, header, cells) == EarlyDiscount(DAY, Money.of(amount, "EUR"))


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("discount_until;discount_amount", ";25,00"),
        ("discount_until;discount_amount", "2026-03-15;"),
        ("discount_until;discount_percent", "2026-03-15;0"),
        ("discount_until;Comentario", "2026-03-15;2 %"),
        ("Descuento;Importe descuento", "25,00;25,00"),
    ],
)
def test_without_both_there_is_none_and_a_discount_on_the_price_is_no_such_thing(tmp_path: Path, header: str, cells: str) -> None:
    assert granted(tmp_path, header, cells) is None


def test_a_percentage_is_rounded_to_the_currency(tmp_path: Path) -> None:
    assert granted(tmp_path, "discount_until;discount_percent", "2026-03-15;2,25", "33,33") == EarlyDiscount(DAY, Money.of("0.75", "EUR"))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("2026-03-15;120,00;", "grants 120.00 EUR of 100.00 EUR"),
        ("2026-03-15;;250", "more than the whole"),
        ("2026-03-15;;dos", "no percentage"),
    ],
)
def test_what_cannot_be_is_a_bad_row(tmp_path: Path, cells: str, said: str) -> None:
    head = "number;customer;due date;total;outstanding;discount_until;discount_amount;discount_percent"
    read = invoices(tmp_path, f"{head}\nF-1;a;2026-03-31;100,00;100,00;{cells}\nF-2;a;2026-03-31;100,00;100,00;;;\n")
    assert said in read.wrong["invoices.csv:2"]
    assert list(read.invoices) == ["F-2"]


def test_instalments_and_credit_notes_have_none_and_lines_have_that_of_the_whole(tmp_path: Path) -> None:
    head = "number;customer;due date;total;outstanding;discount_until;discount_percent\n"
    parts = "F-1;a;2026-03-31;50,00;50,00;2026-03-15;2\nF-1;a;2026-04-30;50,00;50,00;2026-03-15;2\n"
    credit = "A-1;a;2026-03-01;-10,00;-10,00;2026-03-15;2\n"
    read = invoices(tmp_path, head + parts + credit, rows="instalment")
    assert (read.invoices["F-1"].early_discount, list(read.credit_notes), read.wrong) == (None, ["A-1"], {})
    lines = "F-1;a;2026-03-31;50,00;;2026-03-15;2\nF-1;a;2026-03-31;60,50;;2026-03-15;2\n"
    status = (head + lines).replace("outstanding", "status")
    assert invoices(tmp_path, status, rows="line").invoices["F-1"].early_discount == EarlyDiscount(DAY, Money.of("2.21", "EUR"))
