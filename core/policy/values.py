"""The single values of a policy: each type checks itself and says in a bookkeeper's words what is wrong and what to write instead.

What the YAML reader gives is already a bool, int, Decimal, date, time or text; nothing is guessed from another type.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from email.utils import parseaddr
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar, cast
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, Strict
from pydantic_core import CoreSchema, PydanticCustomError
from stdnum import bic, iban
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from ..calendar import knows_country
from ..money import is_currency

_LARGEST_AMOUNT = Decimal(10**12)
# The address of a mailbox as HTML's <input type=email> takes it, with at least one dot in the domain.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
_NAMED_ADDRESS = re.compile(r'(?P<name>"[^"\\]*"|[^"<>@,;:\\()\[\]]*?)\s*<(?P<address>[^<>\s]+)>')
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def refusal(message: str, hint: str = "") -> PydanticCustomError:
    """The error of a value that is not possible. `message` goes on after the name of the key: "is no time zone"."""
    return PydanticCustomError("policy", "{what}", {"what": message, "hint": hint})


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """A hint that names the nearest allowed word, or nothing."""
    lowered = {entry.lower(): entry for entry in allowed}
    near = difflib.get_close_matches(word.lower(), lowered, n=1)
    return f"did you mean `{lowered[near[0]]}`?" if near else ""


def clock_time(text: str) -> time | None:
    """A time of day from 08:30 or 8:30; None when it is none."""
    found = _CLOCK.fullmatch(text)
    try:
        return time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None


def iso_day(text: str) -> date | None:
    """A day from 2026-08-15; None when it is none."""
    try:
        return date.fromisoformat(text) if _ISO_DAY.fullmatch(text) else None
    except ValueError:
        return None


class Word(StrEnum):
    """A value out of a few words. Written in YAML as plain text, so text is taken where the rest is strict."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        return cast("CoreSchema", {**schema, "strict": False})


def is_control(character: str) -> bool:
    """Whether it is a control character, half of a surrogate pair, or a line or paragraph separator, which no text of a policy needs."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _one_line(text: str) -> str:
    if any(map(is_control, text)):
        raise refusal("must be one line of plain text", "remove line breaks and control characters")
    return text


def _currency(code: str) -> str:
    if not is_currency(code):
        raise refusal("is no currency", "use the ISO 4217 code: EUR, USD, MXN")
    return code


def _country(code: str) -> str:
    if not knows_country(code):
        raise refusal("is no country", "use the ISO 3166-1 code: ES, MX, NO")
    return code


def _locale(name: str) -> str:
    try:
        Locale.parse(name)
    except (UnknownLocaleError, ValueError, TypeError) as error:
        near = name.replace("-", "_")
        raise refusal("is no locale", f"did you mean `{near}`?" if near != name else "language and country: es_ES, en_GB") from error
    return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise refusal("is no time zone", (suggestion(name, _time_zones()) if "/" in name else "") or "use the IANA name: Europe/Madrid")
    return name


def _number(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, Decimal):
        comma = isinstance(value, str) and "," in value
        raise refusal("must be a number", "write decimals with a point: 1250.50" if comma else "without currency sign or quotes: 1250.50")
    return value


def _day(value: object) -> object:
    day = iso_day(value) if isinstance(value, str) else value
    if not isinstance(day, date):
        exists = not (isinstance(value, str) and _ISO_DAY.fullmatch(value))
        raise refusal("must be a day" if exists else "is no day of the calendar", "year-month-day: 2026-08-15")
    return day


def _time(value: object) -> object:
    moment = clock_time(value) if isinstance(value, str) else value
    if not isinstance(moment, time):
        raise refusal("must be a time of day", "hours and minutes: 08:30")
    return moment


_IBAN_FAULTS = {
    InvalidChecksum: ("does not pass its check digits", "a character is mistyped, missing or swapped; copy it from the bank"),
    InvalidLength: ("has not the length of an IBAN of its country", "a Spanish IBAN has 24 characters"),
}


def _iban(text: str) -> str:
    """ISO 13616: structure and length by country, check digits by ISO 7064 mod 97-10. Kept without blanks."""
    try:
        return str(iban.validate(text)) if text else ""
    except ValidationError as error:
        raise refusal(*_IBAN_FAULTS.get(type(error), ("is no IBAN", "two letters, two check digits, then the account"))) from error


def _bic(text: str) -> str:
    try:
        return str(bic.validate(text)) if text else ""
    except ValidationError as error:
        raise refusal("is no BIC", "8 or 11 letters and digits: CAIXESBBXXX") from error


def is_mail_address(text: str) -> bool:
    """Whether this is the plain address of a mailbox, safe to stand in a mail header."""
    return _ADDRESS.fullmatch(text) is not None and ".." not in text and not text.startswith(".") and ".@" not in text


def _mail_address(text: str) -> str:
    if text and not is_mail_address(text):
        raise refusal("is no e-mail address", "an address like cobros@example.com")
    return text


def _mailbox(text: str) -> str:
    """RFC 5322 §3.4 without the rare forms: an address, or a name and the address in angle brackets. No line break can enter a header."""
    named = _NAMED_ADDRESS.fullmatch(_one_line(text))
    address = named["address"] if named else text
    if text and (not is_mail_address(address) or parseaddr(text)[1] != address):
        raise refusal("is no e-mail sender", 'Cobros <cobros@example.com>; a name with a comma goes in quotes: "Pérez, S.L." <…>')
    return text


T = TypeVar("T")
Several = Annotated[tuple[T, ...], Strict(False)]
"""A YAML list, kept as a tuple."""

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(_currency)]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$"), AfterValidator(_country)]
Region = Annotated[str, Field(pattern=r"^[A-Z0-9]{0,3}$")]
LocaleName = Annotated[str, AfterValidator(_locale)]
TimeZoneName = Annotated[str, AfterValidator(_time_zone)]
Amount = Annotated[Decimal, Field(ge=0, le=_LARGEST_AMOUNT), BeforeValidator(_number)]
Percent = Annotated[Decimal, Field(gt=0, le=1000), BeforeValidator(_number)]
PercentOff = Annotated[Decimal, Field(gt=0, lt=100), BeforeValidator(_number)]
Share = Annotated[Decimal, Field(gt=0, le=1), BeforeValidator(_number)]
Day = Annotated[date, BeforeValidator(_day)]
TimeOfDay = Annotated[time, BeforeValidator(_time)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
"""Words, over several lines if need be."""
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
"""One line, possibly empty."""
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
"""One line that is not empty."""
Iban = Annotated[str, AfterValidator(_iban)]
Bic = Annotated[str, AfterValidator(_bic)]
MailAddress = Annotated[str, Field(max_length=254), AfterValidator(_mail_address)]
Mailbox = Annotated[str, Field(max_length=320), AfterValidator(_mailbox)]
