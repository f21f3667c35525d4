"""The company's bank account in one currency, as a payment code has to name it, and the limits that all payment codes share."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from ..money import Money

_LARGEST = Decimal("999999999.99")
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class NotPossible(ValueError):
    """There is no correct code or link for this; the text says why and what a person can do."""


@dataclass(frozen=True, slots=True)
class Address:
    """The holder's address in parts, as a Swiss QR-bill needs it since November 2025. `country` is ISO 3166-1."""

    street: str = ""
    building: str = ""
    postcode: str = ""
    town: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where to pay in one currency. `account` is the number where there is no IBAN."""

    currency: str
    holder: str
    iban: str = ""
    bic: str = ""
    account: str = ""
    address: Address | None = None


def element(what: str, text: str, longest: int, *, shortest: int = 1) -> str:
    """The text, when it can be an element of a code as it is. Raises NotPossible: nothing is cut or replaced, for the bank compares it."""
    if any(unicodedata.category(character) in _INVISIBLE for character in text):
        raise NotPossible(f"{what} has a line break or an invisible character")
    if text != text.strip():
        raise NotPossible(f"{what} begins or ends with a blank")
    if len(text) < shortest:
        raise NotPossible(f"{what} is missing")
    if len(text) > longest:
        raise NotPossible(f"{what} is longer than {longest} characters")
    return text


def amount_in_limits(amount: Money) -> Decimal:
    """The amount, when a code can carry it: from 0.01 to 999999999.99 in both standards, whole cents. Raises NotPossible."""
    if not 0 < amount.amount <= _LARGEST:
        raise NotPossible(f"{amount} is not between 0.01 and {_LARGEST}")
    if amount.amount != round(amount.amount, 2):
        raise NotPossible(f"{amount} is no whole number of cents")
    return amount.amount
