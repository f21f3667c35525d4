"""The `where` of a question: the filters that Xero can answer quickly, and no others.

Equality of a few fields, ranges of dates and amounts, all joined by AND; only InvoiceID may be joined by OR. Anything else is refused here,
as it is by Xero for an organisation of some size (developer.xero.com, invoices, "Optimised use of the where filter").
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from .faults import query_error

Getter = Callable[[Any], Any]
Test = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<call>(?i:guid|datetime)\s*\([^)]*\))|(?P<number>-?\d+(?:\.\d+)?)m?\b"""
    r"""|(?P<join>(?i:and|or)\b|&&|\|\|)|(?P<op>==|>=|<=|=|>|<)|(?P<paren>[()])|(?P<name>[A-Za-z][\w.]*))"""
)
_DATE_TIME = re.compile(r"(?i)datetime\s*\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)")
_GUID = re.compile(r"(?i)guid\s*\(\s*\"([0-9a-fA-F-]{36})\"\s*\)")


@dataclass(frozen=True)
class Field:
    """A field that can be asked for: `kind` is string, guid, date or number."""

    kind: str
    get: Getter
    alternatives: bool = False


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "==": lambda a, b: bool(a == b),
    ">": lambda a, b: bool(a > b),
    "<": lambda a, b: bool(a < b),
    ">=": lambda a, b: bool(a >= b),
    "<=": lambda a, b: bool(a <= b),
}


def compiled(text: str, fields: Mapping[str, Field]) -> Test:
    """The test of a row that a filter means. `fields` by lower-case name. Raises XeroFault."""
    parser = _Parser(_tokens(text), fields)
    return parser.whole()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise query_error(f"Syntax error (at index {place})")
        found.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
        place = match.end()
    return found


class _Parser:
    """Recursive descent: OR of ANDs of comparisons and brackets."""

    def __init__(self, tokens: list[tuple[str, str]], fields: Mapping[str, Field]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._fields = fields
        self._asked: set[str] = set()

    def whole(self) -> Test:
        test = self._either()
        if self._tokens[0][0] != "end":
            raise query_error("Syntax error")
        return test

    def _either(self) -> Test:
        before, self._asked = self._asked, set()
        tests = [self._both()]
        while self._joined_by("or", "||"):
            tests.append(self._both())
        if len(tests) > 1 and not all(self._fields[name].alternatives for name in self._asked):
            raise query_error("This filter cannot be optimised: OR")
        self._asked |= before
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._joined_by("and", "&&"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _joined_by(self, *words: str) -> bool:
        kind, text = self._tokens[0]
        if kind == "join" and text.lower() in words:
            self._tokens.pop(0)
            return True
        return False

    def _one(self) -> Test:
        kind, text = self._tokens.pop(0)
        if (kind, text) == ("paren", "("):
            inner = self._either()
            if self._tokens.pop(0) != ("paren", ")"):
                raise query_error("')' expected")
            return inner
        field = self._fields.get(text.lower())
        if kind != "name" or field is None:
            raise query_error(f"No property or field '{text}' exists, or it cannot be optimised")
        self._asked.add(text.lower())
        return self._comparison(text, field)

    def _comparison(self, name: str, field: Field) -> Test:
        (kind, operator), (_kind, literal) = self._tokens.pop(0), self._tokens.pop(0) if len(self._tokens) > 1 else ("end", "")
        if kind != "op" or (field.kind in ("string", "guid") and operator not in ("=", "==")):
            raise query_error(f"Operator '{operator}' cannot be used with '{name}' in an optimised filter")
        wanted, compare = _value(field.kind, literal, name), _OPERATORS[operator]
        return lambda row: (found := field.get(row)) is not None and compare(found, wanted)


def _value(kind: str, literal: str, name: str) -> Any:
    """What a literal means. A GUID as a string is refused, as in Xero: the operands do not fit."""
    try:
        if kind == "string" and literal[:1] == '"':
            return re.sub(r"\\(.)", r"\1", literal[1:-1])
        if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", literal):
            return Decimal(literal)
        if kind == "guid" and (guid := _GUID.fullmatch(literal)):
            return guid[1].lower()
        if kind == "date" and (day := _DATE_TIME.fullmatch(literal)):
            return date(*(int(part) for part in day.groups()))
    except ValueError:
        pass
    raise query_error(f"The operand {literal} does not fit '{name}'")
