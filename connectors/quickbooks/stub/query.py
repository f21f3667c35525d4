"""The query language: `select * from Invoice where Balance > '0' orderby Id startposition 1 maxresults 100`, read strictly.

Keywords in any case; the name of the entity and of properties as they are written; values in single quotes, `'` as `\\'`; one entity,
`and` between conditions, no `or`, no list of properties.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from .faults import QboFault, query_invalid, query_parser
from .schema import MOST_RESULTS, NOT_QUERYABLE, QUERYABLE, USUAL_RESULTS
from .store import PACIFIC, Row

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\')*')|(?P<number>\d+(?![\w.]))|(?P<word>[A-Za-z][\w.]*)|(?P<sign><=|>=|[=<>(),*]))", re.ASCII
)
_ENDS = ("orderby", "order", "startposition", "maxresults")
_OPERATORS = ("=", "<", ">", "<=", ">=", "in", "like")


class Token(NamedTuple):
    """A piece of a query: `text`, `number`, `word` or `sign`; the `end` has none."""

    kind: str
    text: str
    column: int

    @property
    def keyword(self) -> str:
        """The word in lower case; a sign as it is."""
        return self.text.lower() if self.kind in ("word", "sign") else ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `values` are of the property's own kind."""

    name: str
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood. `start` counts from 1."""

    entity: str
    counts: bool
    conditions: tuple[Condition, ...]
    order: tuple[str, bool] | None
    start: int
    most: int


def parse(text: str) -> Query:
    """What a query asks for. Raises QboFault with code 4000 or 4001."""
    return _Parser(_tokens(text)).query()


def found(query: Query, rows: Iterable[Row]) -> list[Row]:
    """All rows that fit, in their order: what was changed last comes first unless something else is asked for."""
    kinds = QUERYABLE[query.entity]
    fitting = [row for row in rows if all(_fits(kinds[each.name], row, each) for each in query.conditions)]
    fitting.sort(key=lambda row: (row["MetaData"]["LastUpdatedTime"], int(row["Id"])), reverse=True)
    if query.order:
        name, descending = query.order
        fitting.sort(key=lambda row: _sortable(_values(kinds[name], row, name)), reverse=descending)
    return fitting


def asks_for_inactive(query: Query) -> bool:
    """Whether a condition on `Active` is there, without which a query of a name list shows the active rows only."""
    return any(each.name == "Active" for each in query.conditions)


# --- reading --------------------------------------------------------------------------------------------------------------------


def _tokens(text: str) -> list[Token]:
    tokens, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise query_parser(f'Lexical error at line 1, column {place + 1}.  Encountered: "{text[place:].strip()[:1]}"')
        kind = match.lastgroup or ""
        tokens.append(Token(kind, match[kind], match.start(kind) + 1))
        place = match.end()
    return [*tokens, Token("end", "<EOF>", len(text) + 1)]


class _Parser:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = list(reversed(tokens))

    def query(self) -> Query:
        self._expect("select")
        counts = self._selected()
        self._expect("from")
        entity = self._entity()
        conditions = self._conditions(entity)
        order = self._order(entity)
        start, most = self._portion()
        self._end()
        return Query(entity, counts, conditions, order, start, most)

    def _selected(self) -> bool:
        if self._is("count"):
            for sign in ("(", "*", ")"):
                self._expect(sign)
            return True
        self._expect("*")
        return False

    def _entity(self) -> str:
        name = self._take("word").text
        if name not in QUERYABLE:
            raise query_invalid(f"Metadata not found for Entity: {name}")
        return name

    def _conditions(self, entity: str) -> tuple[Condition, ...]:
        if not self._is("where"):
            return ()
        conditions = [self._condition(entity)]
        while self._is("and"):
            conditions.append(self._condition(entity))
        return tuple(conditions)

    def _condition(self, entity: str) -> Condition:
        name = _queryable(entity, self._take("word").text)
        operator = self._next()
        if operator.keyword not in _OPERATORS:
            raise _encountered(operator)
        texts = self._several() if operator.keyword == "in" else [self._value()]
        kind = QUERYABLE[entity][name]
        if operator.keyword == "like" and kind != "text":
            raise query_invalid(f"operator LIKE is not supported for property '{name}'")
        return Condition(name, operator.keyword, tuple(_typed(kind, name, each) for each in texts))

    def _several(self) -> list[str]:
        self._expect("(")
        texts = [self._value()]
        while self._is(","):
            texts.append(self._value())
        self._expect(")")
        return texts

    def _value(self) -> str:
        token = self._next()
        if token.kind == "text":
            return token.text[1:-1].replace("\\'", "'")
        if token.keyword in ("true", "false"):
            return token.keyword
        raise _encountered(token)

    def _order(self, entity: str) -> tuple[str, bool] | None:
        if self._is("order"):
            self._expect("by")
        elif not self._is("orderby"):
            return None
        name = _queryable(entity, self._take("word").text)
        descending = self._is("desc")
        if not descending:
            self._is("asc")
        return name, descending

    def _portion(self) -> tuple[int, int]:
        start = self._number() if self._is("startposition") else 1
        most = self._number() if self._is("maxresults") else USUAL_RESULTS
        if start < 1:
            raise query_invalid(f"value {start} is too small. Min allowed value is 1.")
        if most > MOST_RESULTS:
            raise query_invalid(f"value {most} is too large. Max allowed value is {MOST_RESULTS}.")
        return start, most

    def _number(self) -> int:
        return int(self._take("number").text)

    def _end(self) -> None:
        token = self._next()
        if token.kind != "end":
            raise _encountered(token)

    def _next(self) -> Token:
        return self._tokens.pop() if len(self._tokens) > 1 else self._tokens[0]

    def _take(self, kind: str) -> Token:
        token = self._next()
        if token.kind != kind:
            raise _encountered(token)
        return token

    def _is(self, keyword: str) -> bool:
        if self._tokens[-1].keyword != keyword:
            return False
        self._next()
        return True

    def _expect(self, keyword: str) -> None:
        token = self._next()
        if token.keyword != keyword:
            raise _encountered(token)


def _encountered(token: Token) -> QboFault:
    return query_parser(f'Encountered " <{token.kind.upper()}> "{token.text} "" at line 1, column {token.column}.')


def _queryable(entity: str, name: str) -> str:
    if name in QUERYABLE[entity]:
        return name
    if name.partition(".")[0] in NOT_QUERYABLE.get(entity, ()):
        raise query_invalid(f"property '{name}' is not queryable")
    raise query_invalid(f"Property {name} not found for Entity {entity}")


# --- comparing ------------------------------------------------------------------------------------------------------------------


def _typed(kind: str, name: str, text: str) -> Any:
    try:
        return _KINDS[kind](text)
    except (ValueError, InvalidOperation):
        raise query_invalid(f"value '{text}' is not valid for property '{name}'") from None


def _claim(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def instant(text: str) -> datetime:
    """An instant as clients write it. One without an offset is Pacific time. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=PACIFIC)


_KINDS: Mapping[str, Callable[[str], Any]] = {
    "id": int,
    "amount": Decimal,
    "date": date.fromisoformat,
    "instant": instant,
    "claim": _claim,
    "text": str.casefold,
    "type": str.casefold,
    "reference": str,
}


def _values(kind: str, row: Row, name: str) -> list[Any]:
    """The values of a property, of which a row may have none or (in a list) several."""
    places: list[Any] = [row]
    for part in [*name.split("."), *(["value"] if kind == "reference" else [])]:
        wanted = "type" if part == "Type" and kind == "type" else part
        nested = [place.get(wanted) for place in places if isinstance(place, Mapping)]
        places = [each for place in nested for each in (place if isinstance(place, list) else [place])]
    if name == "PrimaryEmailAddr":
        places = [place["Address"] for place in places if place]
    return [_comparable(kind, place) for place in places if place is not None]


def _comparable(kind: str, value: Any) -> Any:
    if kind == "id":
        return int(value)
    return value.casefold() if kind in ("text", "type") else value


def _fits(kind: str, row: Row, condition: Condition) -> bool:
    return any(_compares(value, condition) for value in _values(kind, row, condition.name))


def _compares(value: Any, condition: Condition) -> bool:
    first = condition.values[0]
    if condition.operator in ("=", "in"):
        return value in condition.values
    if condition.operator == "like":
        return re.fullmatch(".*".join(map(re.escape, first.split("%"))), value, re.DOTALL) is not None
    answers = {"<": value < first, "<=": value <= first, ">": value > first, ">=": value >= first}
    return bool(answers[condition.operator])


def _sortable(values: list[Any]) -> tuple[bool, Any]:
    return (True, values[0]) if values else (False, 0)
