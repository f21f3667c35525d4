"""Search domains: Polish notation, the leaves that are known here, and nothing else."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from .faults import OdooFault, value_error

Row = dict[str, Any]
Test = Callable[[Row], bool]
ValueOf = Callable[[str, Row, str], Any]
"""Model, row and path of a field give its value; an unknown field raises."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_LIKE = {"like": 0, "ilike": re.IGNORECASE}


def compiled(model: str, domain: Any, value_of: ValueOf, kind_of: Callable[[str, str], str]) -> Test:
    """The domain as a test of one row. Raises OdooFault for what Odoo would not understand."""
    if not isinstance(domain, list | tuple):
        raise value_error(f"Domain is no list: {domain!r}")
    stack: list[Test] = []
    for term in reversed(list(domain)):
        if term == "!":
            negated = _pop(stack, domain)
            stack.append(lambda row, test=negated: not test(row))  # type: ignore[misc]
        elif term in ("&", "|"):
            stack.append(_joined(term, _pop(stack, domain), _pop(stack, domain)))
        else:
            stack.append(_leaf(model, term, value_of, kind_of))
    return lambda row: all(test(row) for test in reversed(stack))


def _pop(stack: list[Test], domain: Any) -> Test:
    if not stack:
        raise value_error(f"Domain is malformed: {domain!r}")
    return stack.pop()


def _joined(operator: str, left: Test, right: Test) -> Test:
    if operator == "&":
        return lambda row: left(row) and right(row)
    return lambda row: left(row) or right(row)


def _leaf(model: str, term: Any, value_of: ValueOf, kind_of: Callable[[str, str], str]) -> Test:
    if not isinstance(term, list | tuple) or len(term) != 3:
        raise value_error(f"Invalid leaf {term!r}")
    path, operator, wanted = term
    kind = kind_of(model, path)
    if operator in ("=", "!="):
        right = _typed(wanted, kind)
        equals = _equals(right)
        return (lambda row: equals(value_of(model, row, path))) if operator == "=" else (lambda row: not equals(value_of(model, row, path)))
    if operator in ("in", "not in"):
        return _membership(model, path, operator, wanted, kind, value_of)
    if operator in _COMPARE:
        compare, right = _COMPARE[operator], _typed(wanted, kind)
        return lambda row: (left := value_of(model, row, path)) not in (False, None) and compare(left, right)
    if operator in _LIKE:
        pattern = _like(str(wanted), _LIKE[operator])
        return lambda row: pattern.search(value_of(model, row, path) or "") is not None
    raise value_error(f"Invalid leaf {tuple(term)!r}")


def _membership(model: str, path: str, operator: str, wanted: Any, kind: str, value_of: ValueOf) -> Test:
    if not isinstance(wanted, Sequence) or isinstance(wanted, str):
        raise value_error(f"Invalid leaf {(path, operator, wanted)!r}")
    allowed = {_typed(each, kind) or False for each in wanted}
    if operator == "in":
        return lambda row: (value_of(model, row, path) or False) in allowed
    return lambda row: (value_of(model, row, path) or False) not in allowed


def _equals(right: Any) -> Callable[[Any], bool]:
    if right in (False, None, ""):
        return lambda left: not left
    return lambda left: bool(left == right)


def _typed(wanted: Any, kind: str) -> Any:
    if wanted is False or wanted is None:
        return False
    try:
        if kind == "datetime":
            return datetime.fromisoformat(wanted)
        if kind == "date":
            return date.fromisoformat(wanted)
    except (TypeError, ValueError):
        raise OdooFault("psycopg2.errors.InvalidDatetimeFormat", f'invalid input syntax for type timestamp: "{wanted}"') from None
    return wanted


def _like(wanted: str, flags: int) -> re.Pattern[str]:
    """LIKE of SQL: % is any text, _ any character, a backslash takes the meaning from what follows."""
    out, letters = [], iter(wanted)
    for letter in letters:
        if letter == "\\":
            out.append(re.escape(next(letters, "")))
        else:
            out.append({"%": ".*", "_": "."}.get(letter, re.escape(letter)))
    return re.compile("".join(out), flags | re.DOTALL)
