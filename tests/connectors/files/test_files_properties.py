"""Properties: books in any dialect read back equal; whatever bytes come, no traceback; damage never turns into a wrong amount."""

import csv
import io
import string
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from files.exports import Books, Read
from hypothesis import given, settings
from hypothesis import strategies as st
from puntual.core.errors import CompanyMustAct

FORMATS = {"DMY": "%d/%m/%Y", "MDY": "%m/%d/%Y", "YMD": "%Y-%m-%d", "%d.%m.%y": "%d.%m.%y"}
ACCENTED = string.ascii_letters + "ñáéÑü ,;|\"'.-&0123456789"
names = st.text(ACCENTED, min_size=1, max_size=20).map(str.strip).filter(lambda name: any(char.isalnum() for char in name))
amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("99999999.99"), places=2)
days = st.dates(date(2020, 1, 1), date(2026, 3, 1))


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    encoding: str
    decimal: str
    grouping: str
    date_format: str
    quoting: int

    def amount(self, value: Decimal) -> str:
        return f"{value:,.2f}".translate(str.maketrans({",": self.grouping, ".": self.decimal}))

    def mapping(self) -> dict[str, object]:
        return {"decimal": self.decimal, "date_format": self.date_format}

    def written(self, rows: list[list[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.delimiter, quoting=self.quoting).writerows(rows)
        return text.getvalue().encode(self.encoding)


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    decimal = draw(st.sampled_from(".,"))
    return Dialect(
        draw(st.sampled_from(";,\t|")),
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])),
        decimal,
        draw(st.sampled_from(["", "\xa0", "'", "," if decimal == "." else "."])),
        draw(st.sampled_from(sorted(FORMATS))),
        draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )


entries = st.lists(st.tuples(names, amounts, days), min_size=1, max_size=12)
HEAD = ["Nº Factura", "Cliente", "Fecha", "Vencimiento", "Total", "Pendiente"]


@given(dialect=dialects(), entries=entries)
def test_books_in_any_dialect_read_back_equal(
    dialect: Dialect, entries: list[tuple[str, Decimal, date]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    pattern = FORMATS[dialect.date_format]
    rows = [
        [f"F{n}", name, on.strftime(pattern), (on + timedelta(days=30)).strftime(pattern), dialect.amount(amount), dialect.amount(amount)]
        for n, (name, amount, on) in enumerate(entries)
    ]
    books = Books(tmp_path_factory.mktemp("any"), {"files": {"invoices": dialect.mapping()}})
    read = books.write("invoices.csv", dialect.written([HEAD, *rows])).read()
    assert read.wrong == {}
    for n, (name, amount, on) in enumerate(entries):
        invoice = read.invoices[f"F{n}"]
        assert (invoice.outstanding.amount, invoice.issued_on, invoice.due_date) == (amount, on, on + timedelta(days=30))
        assert invoice.customer_id in read.customers
        assert invoice.customer_id == name or read.customers[invoice.customer_id].name


odd_text = st.text(alphabet=';,\t|"\n\r nNoumber1234./-€ñ\x00', max_size=300).map(str.encode)
STARTS = (b"", b"number,customer,due_date,total,outstanding\n1,a,2026-01-01,10,10\n", b"\xff\xfe", b"\xef\xbb\xbf")


@given(content=st.binary(max_size=400) | odd_text, tail=st.binary(max_size=60))
def test_no_bytes_give_a_traceback(content: bytes, tail: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    for start in STARTS:
        for name in ("invoices.csv", "payments.csv", "customers.csv"):
            books = Books(tmp_path_factory.mktemp("fuzz")).write("invoices.csv", STARTS[1])
            said = _read_or_said(books.write(name, start + content + tail))
            assert len(said) < 5000


def _read_or_said(books: Books) -> str:
    """Any other exception than one that the company can act on ends the test."""
    try:
        books.read()
    except CompanyMustAct as error:
        return str(error)
    return ""


GOOD = [["number", "customer", "issued_on", "due_date", "total", "outstanding"]] + [
    [f"F{n}", f"Cliente {n}", f"2026-01-{n + 1:02}", f"2026-02-{n + 1:02}", f"{n + 1}00.50", f"{n + 1}00.25"] for n in range(6)
]


def read_good(folder: Path, content: bytes) -> Read:
    return Books(folder).write("invoices.csv", content).read()


@settings(max_examples=150)
@given(at=st.integers(0, 330), cut=st.integers(0, 12), put=st.binary(max_size=6))
def test_damage_never_gives_a_wrong_amount_elsewhere(at: int, cut: int, put: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bytes are lost or put in at one place: rows that this place does not touch are read as they were, or not at all."""
    lines = [",".join(row).encode() + b"\n" for row in GOOD]
    content = b"".join(lines)
    damaged = content[:at] + put + content[at + cut :]
    touched = {n for n in range(7) if at <= sum(map(len, lines[: n + 1])) and at + cut >= sum(map(len, lines[:n]))}
    try:
        read = read_good(tmp_path_factory.mktemp("damage"), damaged)
    except CompanyMustAct:
        return
    if 0 in touched:  # another header may give the columns another meaning; that is for the mapping to say
        return
    for n in set(range(1, 7)) - touched:
        invoice = read.invoices.get(f"F{n - 1}")
        assert invoice is None or str(invoice.outstanding) == f"{n}00.25 EUR"
        assert invoice is None or invoice.due_date == date(2026, 2, n)


@given(length=st.integers(0, 330))
def test_a_file_cut_off_within_a_row_is_refused(length: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """But for a cut in the last cell, which nothing can show; then only that row may differ."""
    content = b"".join(",".join(row).encode() + b"\n" for row in GOOD)[:length]
    *whole, last = content.split(b"\n")
    try:
        read = read_good(tmp_path_factory.mktemp("cut"), content)
    except CompanyMustAct:
        assert last or not whole
        return
    assert last == b"" or last.count(b",") == 5
    assert len(read.invoices) + len(read.problems) == len([row for row in (*whole, last)[1:] if row])
