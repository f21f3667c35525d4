"""Money: an exact Decimal that always carries its currency. Nothing here knows float."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale
from babel.numbers import NumberPattern, format_currency, parse_pattern

# ISO 4217 List One, column "minor unit", as amended to 2025-05: every other currency has two decimals.
_MINOR_UNITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}

_CODE_BEFORE_NUMBER = re.compile(r"(?<=[A-Z])(?=\d)")
"""Where a currency without a symbol touches the number: EUR 1,250.00 in es_MX (UTS #35, currencySpacing)."""


class CurrencyMismatch(ValueError):
    """Amounts in different currencies are never added up or compared."""


@lru_cache(maxsize=512)
def is_currency(code: str) -> bool:
    """Whether the text is an ISO 4217 currency code that CLDR knows."""
    return len(code) == 3 and code.isupper() and code in Locale("en").currencies


def minor_units(currency: str) -> int:
    """How many decimals the currency has (ISO 4217): JPY 0, EUR 2, KWD 3."""
    return _MINOR_UNITS.get(currency, 2)


@lru_cache(maxsize=512)
def _quantum(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_units(currency))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, exact. Arithmetic across currencies raises CurrencyMismatch."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> "Money":
        """Money from a Decimal, an int or a plain decimal text, rounded half up to the currency's decimals.

        Raises ValueError when the text is no finite decimal number or the currency is no ISO 4217 code.
        """
        if not is_currency(currency):
            raise ValueError(f"{currency!r} is no ISO 4217 currency code")
        try:
            value = Decimal(amount)
            if not value.is_finite():
                raise ValueError(f"{amount!r} is no amount")
            return cls(value.quantize(_quantum(currency), rounding=ROUND_HALF_UP), currency)
        except InvalidOperation as error:
            raise ValueError(f"{amount!r} is no amount") from error

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> "Money":
        """Money from whole minor units: 1250 EUR-cents are EUR 12.50."""
        return cls(Decimal(minor).scaleb(-minor_units(currency)), currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in this currency."""
        return cls.from_minor(0, currency)

    @property
    def minor(self) -> int:
        """The amount in whole minor units (cents, yen, fils)."""
        return int(self.amount.scaleb(minor_units(self.currency)))

    @property
    def is_positive(self) -> bool:
        """Whether it is more than nothing."""
        return self.amount > 0

    def _same(self, other: "Money") -> Decimal:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def totals(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """One total for each currency, in the order of their codes; currencies are never added up."""
    by_currency: dict[str, Decimal] = {}
    for money in amounts:
        by_currency[money.currency] = by_currency.get(money.currency, Decimal(0)) + money.amount
    return tuple(Money(by_currency[code], code) for code in sorted(by_currency))


def format_money(money: Money, locale: str) -> str:
    """The amount as a person in that locale writes it, with the currency's ISO 4217 decimals: 1.250,00 € in es_ES.

    Spanish groups from five digits on by the CLDR rule; invoices there group from four, so grouping is always on (docs/sources.md).
    """
    parsed, pattern = _currency_pattern(locale, minor_units(money.currency))
    text = str(format_currency(money.amount, money.currency, pattern, locale=parsed, currency_digits=False))
    return _CODE_BEFORE_NUMBER.sub("\u00a0", text) if money.currency in text else text


@lru_cache(maxsize=512)
def _currency_pattern(locale: str, digits: int) -> tuple[Locale, NumberPattern]:
    """The locale's own pattern for money, with exactly so many decimals."""
    parsed = Locale.parse(locale)
    standard = parsed.currency_formats["standard"].pattern
    return parsed, parse_pattern(standard.replace("0.00", "0." + "0" * digits if digits else "0"))
