"""The parts of sentences about a policy: counts, lists, amounts, countries, and what a match says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from babel import Locale

from .parts import Match


def counted(count: int, noun: str) -> str:
    """1 day, 2 days."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(words: Sequence[str], last: str = "and") -> str:
    """a, b and c."""
    *before, final = words or ("",)
    return f"{', '.join(before)} {last} {final}" if before else final


def quoted(words: Iterable[str]) -> str:
    """“a” or “b”."""
    return listed([f"“{word}”" for word in words], "or")


def days_listed(days: Iterable[date]) -> str:
    """Days by their ISO dates."""
    return listed([day.isoformat() for day in days])


def amounts_listed(amounts: Mapping[str, Decimal]) -> str:
    """5 EUR and 500 JPY."""
    return listed([f"{amounts[code]} {code}" for code in sorted(amounts)])


def country_named(code: str) -> str:
    """Spain (ES)."""
    return f"{Locale('en').territories.get(code, code)} ({code})"


def match_words(match: Match) -> Iterator[str]:
    """What has to fit, each in words."""
    if match.groups:
        yield f"the customer is in the group {quoted(match.groups)}"
    if match.countries:
        yield f"the customer is in {listed([country_named(code) for code in match.countries], 'or')}"
    if match.names:
        yield f"the customer's name is like {quoted(match.names)}"
    if match.ids:
        yield f"the customer's id in the ledger is {quoted(match.ids)}"
    if match.min_amount:
        yield f"the invoice or instalment is at least {amounts_listed(match.min_amount)}"
    if match.max_amount:
        yield f"the invoice or instalment is at most {amounts_listed(match.max_amount)}"
