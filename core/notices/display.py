"""How values look to a customer: money, dates and names in their locale. Pure; formats are cached because a run repeats them."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale, dates, localedata
from babel.lists import format_list
from babel.numbers import NumberPattern, format_currency, format_percent, parse_pattern

from ..money import Money, format_money, minor_units

_LONGEST_VALUE = 200
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


@lru_cache(maxsize=512)
def locale_of(language: str, country: str, fallback: str) -> str:
    """The CLDR locale for a customer: the language as written in the customer's country, else as its own tag says, else the company's.

    English without a known country is international English (en_001), whose dates put the day first, unless the tag says otherwise.
    """
    tag, own = language.replace("-", "_"), fallback.replace("-", "_")
    base = tag.split("_")[0]
    same_language = own if own.split("_")[0] == base else ""
    regional = tag if tag != base else ""
    candidates = (f"{base}_{country}", regional, same_language, f"{base}_001", base, own)
    return next((name for name in candidates if name and localedata.exists(name)), "en_001")


@lru_cache(maxsize=8192)
def money_text(money: Money, locale: str) -> str:
    """The amount in that locale. A currency shown by letters keeps a no-break space before the digits, as CLDR's currencySpacing asks."""
    return _LETTER_BEFORE_DIGIT.sub("\u00a0", format_money(money, locale))


def exact_money_text(amount: Decimal, currency: str, locale: str) -> str:
    """An amount that was not rounded to the currency's decimals, with two more where it has them: 45,8219 €."""
    digits = minor_units(currency)
    shown = amount.quantize(Decimal(1).scaleb(-digits - 2), ROUND_HALF_UP)
    if shown == round(shown, digits):
        return money_text(Money.of(shown, currency), locale)
    text = str(format_currency(shown, currency, _exact_pattern(locale, digits), locale=locale, currency_digits=False))
    return _LETTER_BEFORE_DIGIT.sub("\u00a0", text)


@lru_cache(maxsize=512)
def _exact_pattern(locale: str, digits: int) -> NumberPattern:
    standard = Locale.parse(locale).currency_formats["standard"].pattern
    return parse_pattern(standard.replace("0.00", f"0.{'0' * digits}##"))


def percent_text(percent: Decimal, locale: str) -> str:
    """A rate in percent: 11,15 %."""
    return str(format_percent(percent / 100, locale=locale, decimal_quantization=False))


@lru_cache(maxsize=8192)
def format_date(day: date, locale: str) -> str:
    """A date for a table, with the month in letters so that no country misreads it: 12 may 2025."""
    return str(dates.format_date(day, "medium", locale=locale))


@lru_cache(maxsize=8192)
def long_date(day: date, locale: str) -> str:
    """A date in full: 12 de mayo de 2025."""
    return str(dates.format_date(day, "long", locale=locale))


@lru_cache(maxsize=8192)
def day_in_year(day: date, year: int, locale: str) -> str:
    """A date for a sentence: 12 de mayo in the current year, in full in another."""
    return str(dates.format_skeleton("MMMMd", day, locale=locale)) if day.year == year else long_date(day, locale)


def joined(texts: Iterable[str], locale: str) -> str:
    """A list as the locale writes it: a, b y c."""
    return str(format_list(list(texts), locale=locale))


def clean(value: str) -> str:
    """A value from the books as one visible line: no line breaks, control or direction-changing characters, and no endless names."""
    text = _visible(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def clean_paragraphs(value: str) -> str:
    """A text of several lines, each cleaned and a paragraph of its own, however long."""
    lines = (_visible(line) for line in value.splitlines())
    return "\n\n".join(line for line in lines if line)


def _visible(value: str) -> str:
    return " ".join("".join(" " if char.isspace() or unicodedata.category(char) in _UNSEEN else char for char in value).split())


def web_address(url: str) -> str:
    """The address when it is a plain http(s) address that can stand in a link, else empty."""
    return url if re.fullmatch(r"https?://[^\s\"'<>\\]{3,2000}", url) else ""


def grouped(iban: str) -> str:
    """An IBAN in groups of four, as ISO 13616 prints it."""
    compact = "".join(iban.split()).upper()
    return " ".join(compact[start : start + 4] for start in range(0, len(compact), 4))
