"""Money: exact for every number of decimals, and never mixed."""

import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puntual.core.money import CurrencyMismatch, Money, format_money, is_currency, minor_units, totals

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "CLP", "KWD", "TND", "CLF"])


@pytest.mark.parametrize(("code", "digits"), [("JPY", 0), ("CLP", 0), ("EUR", 2), ("MXN", 2), ("KWD", 3), ("CLF", 4)])
def test_minor_units(code: str, digits: int) -> None:
    assert minor_units(code) == digits
    assert Money.from_minor(1, code).amount == Decimal(10) ** -digits


@pytest.mark.parametrize(
    ("text", "currency", "told"),
    [
        ("0.005", "EUR", "0.01 EUR"),
        ("-0.005", "EUR", "-0.01 EUR"),
        ("2.5", "JPY", "3 JPY"),
        ("1.0005", "KWD", "1.001 KWD"),
        ("1e3", "EUR", "1000.00 EUR"),
    ],
)
def test_rounds_half_up_to_the_currency(text: str, currency: str, told: str) -> None:
    assert str(Money.of(text, currency)) == told


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("", "EUR"), ("1,50", "EUR"), ("NaN", "EUR"), ("Infinity", "EUR"), ("1", "EURO"), ("1", "eur"), ("1", "ZZZ"), ("1e999", "EUR")],
)
def test_what_is_no_money_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        Money.of(amount, currency)


@given(minor=st.integers(-(10**15), 10**15), currency=CURRENCIES)
def test_minor_units_and_back(minor: int, currency: str) -> None:
    money = Money.from_minor(minor, currency)
    assert money.minor == minor
    assert Money.of(str(money.amount), currency) == money
    assert pickle.loads(pickle.dumps(money)) == money


@given(amounts=st.lists(st.integers(-(10**12), 10**12), max_size=20), currency=CURRENCIES)
def test_sums_are_exact(amounts: list[int], currency: str) -> None:
    total = sum((Money.from_minor(amount, currency) for amount in amounts), start=Money.zero(currency))
    assert total.minor == sum(amounts)
    assert total - total == Money.zero(currency)
    assert (-total).minor == -sum(amounts)


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_currencies_do_not_mix(operation: str) -> None:
    with pytest.raises(CurrencyMismatch, match="EUR and USD"):
        getattr(Money.of(1, "EUR"), operation)(Money.of(1, "USD"))
    assert Money.of(1, "EUR") != Money.of(1, "USD")


def test_comparison() -> None:
    small, big = Money.of("1.10", "EUR"), Money.of("1.20", "EUR")
    assert small < big
    assert small <= big
    assert big > small
    assert big >= small
    assert big.is_positive
    assert not Money.zero("EUR").is_positive


def test_totals_by_currency_in_the_order_of_codes() -> None:
    amounts = [Money.of(2, "USD"), Money.of("0.10", "EUR"), Money.of("0.20", "EUR"), Money.of(5, "JPY")]
    assert [str(total) for total in totals(amounts)] == ["0.30 EUR", "5 JPY", "2.00 USD"]
    assert totals([]) == ()


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "told"),
    [
        ("1250", "EUR", "es_ES", "1.250,00 €"),
        ("1234567.8", "EUR", "es_ES", "1.234.567,80 €"),
        ("1250", "EUR", "es_MX", "EUR 1,250.00"),
        ("1250", "MXN", "es_MX", "$1,250.00"),
        ("1250", "GBP", "en_GB", "£1,250.00"),
        ("1250", "USD", "en_US", "$1,250.00"),
        ("1250", "EUR", "de_DE", "1.250,00 €"),
        ("1250", "JPY", "es_ES", "1.250 JPY"),
        ("1250", "KWD", "en_US", "KWD 1,250.000"),
        ("-3.5", "EUR", "en_GB", "-€3.50"),
    ],
)
def test_money_as_people_write_it(amount: str, currency: str, locale: str, told: str) -> None:
    assert format_money(Money.of(amount, currency), locale).replace("\xa0", " ").replace("\u202f", " ") == told


def test_known_currencies() -> None:
    assert [code for code in ("EUR", "KWD", "XXY", "euro", "") if is_currency(code)] == ["EUR", "KWD"]
