from datetime import date
from decimal import Decimal

import pytest
from puntual.connectors.files.cells import CellProblem, Evidence, date_orders, decimal_signs, read_amount, read_date


@pytest.mark.parametrize(
    ("text", "decimal", "amount"),
    [
        ("1234.56", ".", "1234.56"),
        ("1,234.56", ".", "1234.56"),
        ("1.234,56", ",", "1234.56"),
        ("1 234,56", ",", "1234.56"),
        ("1\u202f234\xa0567,8", ",", "1234567.80"),
        ("1'234.50", ".", "1234.50"),
        ("12,34,567.00", ".", "1234567.00"),
        ("1.234.567", ",", "1234567.00"),
        ("1.234", ",", "1234.00"),
        (",5", ",", "0.50"),
        ("12,", ",", "12.00"),
        ("0012", ".", "12.00"),
        ("1.234,56 €", ",", "1234.56"),
        ("EUR 12", ".", "12.00"),
        ("€-12.50", ".", "-12.50"),
        ("-€12.50", ".", "-12.50"),
        ("(1,234.56)", ".", "-1234.56"),
        ("1.234,56-", ",", "-1234.56"),
        ("−3", ".", "-3.00"),
        ("+3", ".", "3.00"),
        ("-", ".", "0.00"),
        ("55.940000000000005", ".", "55.94"),
    ],
)
def test_amounts(text: str, decimal: str, amount: str) -> None:
    money = read_amount(text, decimal, "EUR")
    assert (money.amount, str(money)) == (Decimal(amount), f"{amount} EUR")


@pytest.mark.parametrize(
    ("text", "decimal", "why"),
    [
        ("1.234", ".", "more decimals than EUR"),
        ("12.345", ".", "more decimals than EUR"),
        ("1.234,56", ".", "decimal sign"),
        ("1,23", ".", "decimal sign"),
        ("1.2.3", ".", "decimal sign"),
        ("12 34", ".", "decimal sign"),
        ("0,123", ".", "decimal sign"),
        ("--5", ".", "no amount"),
        ("(5", ".", "no amount"),
        ("12abcdef", ".", "no amount"),
        ("NaN", ".", "no amount"),
        ("1e5", ".", "no amount"),
        ("12 USD", ".", "not in EUR"),
        ("$12", ".", "not in EUR"),
        ("12 xx", ".", "not in EUR"),
        ("9" * 100, ",", "no amount"),
        (" " * 70000 + "x", ",", "no amount"),
    ],
)
def test_what_is_no_amount(text: str, decimal: str, why: str) -> None:
    with pytest.raises(CellProblem, match=why):
        read_amount(text, decimal, "EUR")


@pytest.mark.parametrize(("text", "currency"), [("$1,250", "USD"), ("$ 1,250", "COP"), ("¥1250", "JPY"), ("R$ 5", "BRL"), ("5 kr.", "SEK")])
def test_signs_of_money_fit_their_currencies(text: str, currency: str) -> None:
    assert read_amount(text, ".", currency).currency == currency


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("12", ""),
        ("1.5", "."),
        ("1,5", ","),
        ("1.234", ".,"),
        ("1,234", ".,"),
        ("1.234,5", ","),
        ("1,234,567", "."),
        ("0.123", "."),
        ("x", ""),
    ],
)
def test_what_an_amount_shows_of_its_decimal_sign(text: str, signs: str) -> None:
    assert decimal_signs(text) == signs


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2025-12-31", "any", date(2025, 12, 31)),
        ("2025-12-31T23:59:59Z", "any", date(2025, 12, 31)),
        ("12/31/2025 12:00:00 AM", "MDY", date(2025, 12, 31)),
        ("20251231", "any", date(2025, 12, 31)),
        ("31/12/2025", "DMY", date(2025, 12, 31)),
        ("3/4/2025", "DMY", date(2025, 4, 3)),
        ("3/4/2025", "MDY", date(2025, 3, 4)),
        ("5/5/2025", "any", date(2025, 5, 5)),
        ("31.12.25", "DMY", date(2025, 12, 31)),
        ("25-12-31", "YMD", date(2025, 12, 31)),
        ("31-dic-2025", "any", date(2025, 12, 31)),
        ("31 de diciembre de 2025", "any", date(2025, 12, 31)),
        ("1 sept. 2025", "any", date(2025, 9, 1)),
        ("Dec 31, 2025", "any", date(2025, 12, 31)),
        ("31|12|2025", "%d|%m|%Y", date(2025, 12, 31)),
    ],
)
def test_dates(text: str, order: str, day: date) -> None:
    assert read_date(text, order) == day


@pytest.mark.parametrize(
    ("text", "order", "why"),
    [
        ("45992", "DMY", "spreadsheet"),
        ("45992.5", "any", "spreadsheet"),
        ("31/12/2025", "MDY", "in the order MDY"),
        ("30/02/2025", "DMY", "no date"),
        ("13/13/2025", "DMY", "no date"),
        ("1/1/0025", "DMY", "no date"),
        ("9999-12-31", "any", "no date"),
        ("31-foo-2025", "any", "no date"),
        ("31.12.2025", "%d|%m|%Y", "in the form"),
    ],
)
def test_what_is_no_date(text: str, order: str, why: str) -> None:
    with pytest.raises(CellProblem, match=why):
        read_date(text, order)


def test_one_sure_date_decides_and_a_rare_contradiction_does_not_turn_it() -> None:
    evidence = Evidence()
    for line, text in enumerate(["03/04/2025", *["12/31/2025"] * 40, "31/12/2025"], start=2):
        evidence.add(date_orders(text), text, line)
    assert evidence.verdict() == "MDY"


def test_contradictory_or_missing_evidence_is_no_verdict() -> None:
    torn, silent, plain = Evidence(), Evidence(), Evidence()
    for line, text in enumerate(["03/04/2025", "12/31/2025", "31/12/2025"], start=2):
        torn.add(date_orders(text), text, line)
    silent.add(date_orders("03/04/2025"), "03/04/2025", 2)
    plain.add(date_orders("2025-04-03"), "2025-04-03", 2)
    assert (torn.verdict(), silent.verdict(), plain.verdict()) == ("", "", "any")
    assert "“03/04/2025” in line 2" in torn.doubt()
    assert "“12/31/2025” in line 3 only as MDY but “31/12/2025” in line 4 only as DMY" in torn.doubt()
