"""What one cell says: amounts and dates as people and programs write them. What can be read two ways is not read at all.

An export is written in one convention throughout, so a whole file gives evidence for it: 1.250,50 can only be read with a decimal comma,
12/31/2025 only with the month first. `Evidence` collects that; without any, the person is asked.
"""

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale

from ...core.money import Money, is_currency, minor_units
from .words import plain


class CellProblem(ValueError):
    """A cell or row that cannot be read; the message says what is in it and who must do what."""


_LONGEST = 60
"""Characters; no amount or date is longer, and patterns are not tried on more."""

# --- amounts ------------------------------------------------------------------------------------------------------------------

_MARK = r"(?P<%s>[^\d\s.,()+\-−–'’]{1,4}\.?|[A-Z]{0,3}\s?\$)?"
_AMOUNT = re.compile(
    rf"(?:{_MARK % 'outer'}\s*(?P<open>\())?\s*(?P<sign>[-+−–])?\s*{_MARK % 'before'}\s*(?P<sign2>[-+−–])?\s*"
    rf"(?P<digits>[.,]?\d(?:[\d.,'’\s]*\d)?[.,]?)\s*{_MARK % 'after'}\s*(?P<sign3>[-−–])?\s*(?:(?P<close>\))\s*{_MARK % 'outer2'})?"
)
_MARKS = ("outer", "before", "after", "outer2")
_MINUS = frozenset("-−–")
_ZERO_SIGNS = frozenset({"-", "–", "—", "−"})
_SPACED = r"[1-9]\d{0,2}(?:[\s'’]\d{3})+"
_READABLE = {
    ".": re.compile(rf"(?:[1-9]\d{{0,2}}(?:,\d{{2,3}})*,\d{{3}}|\d+|{_SPACED})(?:\.\d*)?|\.\d+"),
    ",": re.compile(rf"(?:[1-9]\d{{0,2}}(?:\.\d{{2,3}})*\.\d{{3}}|\d+|{_SPACED})(?:,\d*)?|,\d+"),
}
_PLAIN_POINT = re.compile(r"-?\d+\.\d{1,2}")
_DOLLAR_CODES = "USD CAD AUD NZD MXN COP CLP ARS UYU DOP HKD SGD TWD BBD BSD BMD JMD TTD FJD NAD LRD BZD XCD GYD SRD CUP CVE"
_DOLLARS = tuple(re.findall("[A-Z]{3}", _DOLLAR_CODES))
# Signs and local words for money (CLDR, symbols and narrow symbols), and the currencies for which they stand.
_SIGN_OF: dict[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "￥": ("JPY", "CNY"),
    "元": ("CNY",),
    "円": ("JPY",),
    "₹": ("INR",),
    "$": _DOLLARS,
    "us$": ("USD",),
    "r$": ("BRL",),
    "mx$": ("MXN",),
    "ca$": ("CAD",),
    "c$": ("CAD", "NIO"),
    "a$": ("AUD",),
    "₡": ("CRC", "SVC"),
    "₲": ("PYG",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "₩": ("KRW",),
    "₪": ("ILS",),
    "₫": ("VND",),
    "₱": ("PHP", "CUP"),
    "₦": ("NGN",),
    "₴": ("UAH",),
    "฿": ("THB",),
    "₾": ("GEL",),
    "₸": ("KZT",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "fr": ("CHF",),
    "sfr": ("CHF",),
    "s/": ("PEN",),
    "bs": ("BOB", "VES"),
    "lei": ("RON", "MDL"),
    "ft": ("HUF",),
    "r": ("ZAR",),
    "rp": ("IDR",),
    "rm": ("MYR",),
    "q": ("GTQ",),
    "l": ("HNL",),
    "kd": ("KWD",),
}
_LOST_PRECISION = Decimal("0.000001")
_TOO_MUCH = Decimal(10) ** 14
_WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Split:
    """An amount taken apart: its sign, its digits with separators, and the currency marks around it."""

    negative: bool
    digits: str
    marks: tuple[str, ...]


def _split(text: str) -> _Split:
    found = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST else None
    signs = [found[name] for name in ("open", "sign", "sign2", "sign3") if found[name]] if found else []
    if not found or len(signs) > 1 or bool(found["open"]) != bool(found["close"]):
        raise CellProblem(f"“{text[:_LONGEST]}” is no amount")
    marks = tuple(mark.strip() for mark in (found[name] for name in _MARKS) if mark and mark.strip())
    return _Split(any(sign in _MINUS or sign == "(" for sign in signs), found["digits"], marks)


def decimal_signs(text: str) -> str:
    """The decimal signs with which this amount can be read and makes a difference: `.`, `,`, `.,` (it is ambiguous) or nothing."""
    if _PLAIN_POINT.fullmatch(text):
        return "."
    if not text or text.isdecimal():
        return ""
    try:
        digits = _split(text.strip()).digits
    except CellProblem:
        return ""
    if not ("." in digits or "," in digits):
        return ""
    return "".join(sign for sign, pattern in _READABLE.items() if pattern.fullmatch(digits))


def _named_by(mark: str) -> tuple[str, ...]:
    """The currencies that a mark beside an amount may stand for."""
    bare = mark.rstrip(".")
    return (bare.upper(),) if is_currency(bare.upper()) else _SIGN_OF.get(bare.casefold(), ())


def currency_of_mark(text: str) -> str:
    """The currency that an amount itself names beyond doubt (€, USD), else an empty text."""
    try:
        named = [_named_by(mark) for mark in _split(text.strip()).marks]
    except CellProblem:
        return ""
    return next((codes[0] for codes in named if len(codes) == 1), "")


def _number(digits: str, decimal: str, text: str) -> Decimal:
    if not _READABLE[decimal].fullmatch(digits):
        raise CellProblem(f"“{text[:_LONGEST]}” is no amount with the decimal sign “{decimal}”")
    kept = "".join("." if char == decimal else char for char in digits if char.isdecimal() or char == decimal)
    return Decimal(kept)


def read_amount(text: str, decimal: str, currency: str) -> Money:
    """The amount in this cell. Raises CellProblem when it is none, names another currency, or has more decimals than the currency knows."""
    stripped = text.strip()
    if stripped in _ZERO_SIGNS:
        return Money.zero(currency)
    if (stripped.isdecimal() and stripped.isascii()) or (decimal == "." and _PLAIN_POINT.fullmatch(stripped)):
        return _exact(Decimal(stripped), currency, text)
    split = _split(stripped)
    for mark in split.marks:
        if currency not in _named_by(mark):
            raise CellProblem(f"“{text[:_LONGEST]}” is not in {currency}, the row's currency; correct it or map `currency`")
    value = _number(split.digits, decimal, text)
    return _exact(-value if split.negative else value, currency, text)


def _exact(value: Decimal, currency: str, text: str) -> Money:
    """The money; tiny remains of binary arithmetic are rounded off, anything more is not."""
    try:
        money = Money.of(value, currency)
    except ValueError as error:
        raise CellProblem(f"“{text[:_LONGEST]}” is no amount in {currency}") from error
    if abs(value) >= _TOO_MUCH:
        raise CellProblem(f"“{text[:_LONGEST]}” is more than any invoice; correct it")
    if money.amount != value and abs(money.amount - value) > _LOST_PRECISION:
        raise CellProblem(
            f"“{text[:_LONGEST]}” has more decimals than {currency} ({minor_units(currency)}); correct it, or say which sign is `decimal`"
        )
    return money


def read_percent(text: str, decimal: str) -> Decimal:
    """The percentage in this cell, with or without its sign. Raises CellProblem when it is none, or not between 0 and 100."""
    bare = text.strip().removesuffix("%").strip()
    if not _READABLE[decimal].fullmatch(bare) or len(bare) > _LONGEST:
        raise CellProblem(f"“{text[:_LONGEST]}” is no percentage")
    value = _number(bare, decimal, text)
    if value > _WHOLE:
        raise CellProblem(f"“{text[:_LONGEST]}” is more than the whole; correct it")
    return value


# --- dates --------------------------------------------------------------------------------------------------------------------

_TIME = r"(?:[T ,]+\d{1,2}:\d{2}.*)?"
_NUMERIC = re.compile(rf"(\d{{1,4}})([./\- ])(\d{{1,2}})\2(\d{{4}}|\d{{1,2}}){_TIME}", re.DOTALL)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_SERIAL = re.compile(r"[2-7]\d{4}(?:[.,]\d+)?")
_WORDED = re.compile(rf"(\d{{1,2}})[\s./\-]+(?:de\s+)?([^\W\d_]{{3,12}})\.?[\s./\-,]+(?:del?\s+)?(\d{{4}}|\d{{2}}){_TIME}", re.DOTALL)
_MONTH_FIRST = re.compile(rf"([^\W\d_]{{3,12}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}){_TIME}", re.DOTALL)
_NO_DATE = frozenset({"0000-00-00", "00/00/0000", "00.00.0000", "00-00-0000", "-", "–", "—"})
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_MONTH_LANGUAGES = ("es", "en", "pt", "fr", "ca", "it", "de")
_CENTURY_PIVOT = 80


@lru_cache(maxsize=1)
def _months() -> Mapping[str, int]:
    found: dict[str, int] = {"sept": 9, "set": 9}
    for language in _MONTH_LANGUAGES:
        for width in ("wide", "abbreviated"):
            for month, name in Locale(language).months["format"][width].items():
                found.setdefault(plain(name), month)
    return found


def _day(year: str | int, month: int, day: int) -> date | None:
    """The day; a year that is written with two digits is the one that is near."""
    number = int(year)
    if isinstance(year, str) and len(year) <= 2:
        number += 2000 if number < _CENTURY_PIVOT else 1900
    try:
        return date(number, month, day) if _FIRST_YEAR <= number <= _LAST_YEAR else None
    except ValueError:
        return None


def _worded(text: str) -> date | None:
    if found := _WORDED.fullmatch(text):
        day, word, year = found.groups()
    elif found := _MONTH_FIRST.fullmatch(text):
        word, day, year = found.groups()
    else:
        return None
    month = _months().get(plain(word))
    return _day(year, month, int(day)) if month else None


@lru_cache(maxsize=16384)
def date_readings(text: str) -> Mapping[str, date]:
    """The orders (DMY, MDY, YMD) in which this date can be read, and what it is then. `*` stands for all when there is no doubt."""
    if len(text) > _LONGEST:
        return {}
    if found := _NUMERIC.fullmatch(text):
        first, _separator, second, third = found.groups()
        a, b = int(first), int(second)
        if len(first) > 2:
            tried = {"*": _day(first, b, int(third)) if len(first) == 4 and len(third) <= 2 else None}
        elif len(third) == 4 or len(third) == 2:
            tried = {"DMY": _day(third, b, a), "MDY": _day(third, a, b)}
        else:
            tried = {}
    elif found := _COMPACT.fullmatch(text):
        tried = {"*": _day(found[1], int(found[2]), int(found[3]))}
    else:
        tried = {"*": _worded(text)}
    sure = {order: day for order, day in tried.items() if day}
    if len(sure) > 1 and len(set(sure.values())) == 1:
        return {"*": next(iter(sure.values()))}
    return sure


def date_orders(text: str) -> str:
    """`DMY`, `MDY`, both joined by a blank when the date is ambiguous, or nothing when it needs no order or is no date."""
    return " ".join(order for order in date_readings(text.strip()) if order != "*")


def is_no_date(text: str) -> bool:
    """Whether the cell says that there is no date."""
    return not text or text in _NO_DATE


@lru_cache(maxsize=16384)
def read_date(text: str, date_format: str) -> date:
    """The day in this cell; a time of day is left out, so that the day stays as it is written.

    `date_format` is DMY, MDY, YMD (only then may a two-digit year come first) or a strptime pattern. Raises CellProblem.
    """
    if "%" in date_format:
        return _by_pattern(text, date_format)
    if date_format == "YMD" and (found := _NUMERIC.fullmatch(text)) and len(found[1]) <= 2:
        day = _day(found[1], int(found[3]), int(found[4]))
    else:
        readings = date_readings(text)
        day = readings.get("*") or readings.get(date_format)
    if day is None and _SERIAL.fullmatch(text):
        raise CellProblem(f"“{text}” is a day number of a spreadsheet, not a date; export the column formatted as a date")
    if day is None:
        raise CellProblem(f"“{text[:_LONGEST]}” is no date" + (f" in the order {date_format}" if date_readings(text) else ""))
    return day


def _by_pattern(text: str, pattern: str) -> date:
    try:
        read = time.strptime(text, pattern)
    except ValueError as error:
        raise CellProblem(f"“{text[:_LONGEST]}” is no date in the form {pattern}") from error
    day = _day(read.tm_year, read.tm_mon, read.tm_mday)
    if day is None:
        raise CellProblem(f"“{text[:_LONGEST]}” is no likely date")
    return day


# --- evidence -----------------------------------------------------------------------------------------------------------------

_OVERWHELMING = 20


@dataclass(slots=True)
class Evidence:
    """How often each convention was the only possible one, and where a cell could be read in two."""

    only: Counter[str] = field(default_factory=Counter)
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)
    ambiguous: tuple[int, str] | None = None

    def add(self, readings: str, text: str, line: int) -> None:
        """Take one cell: the conventions in which it can be read, joined by nothing or blanks."""
        if readings in (".,", "DMY MDY"):
            self.ambiguous = self.ambiguous or (line, text)
        elif readings:
            self.only[readings] += 1
            self.seen.setdefault(readings, (line, text))

    def verdict(self) -> str:
        """The one convention; empty when the cells do not decide it although it matters."""
        ranked = self.only.most_common(2)
        if not ranked:
            return "" if self.ambiguous else "any"
        if len(ranked) == 1 or ranked[0][1] >= _OVERWHELMING * ranked[1][1] or not self.ambiguous:
            return ranked[0][0]
        return ""

    def doubt(self) -> str:
        """Why there is no verdict, with the cells and lines that show it."""
        shown = [f"“{text}” in line {line} only as {convention}" for convention, (line, text) in self.seen.items()]
        line, text = self.ambiguous or (0, "")
        return f"“{text}” in line {line} can be read two ways" + (f", and {' but '.join(shown)}" if shown else "")
