"""Pydantic's errors in words that a bookkeeper understands, with a hint where one helps. Values of secret fields are never echoed."""

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..secret import Secret
from .problems import Finding, Path, named, shortened
from .values import suggestion

REFERENCE_HINT = "write ${NAME_OF_AN_ENVIRONMENT_VARIABLE} or ${file:/path/of/a/file}"
_ABSENT = object()
_MANY_KEYS = 12

_PATTERNS = {
    r"^[a-z][a-z0-9_-]{0,39}$": ("must be a short name", "small letters, digits, - and _, and a letter first: second-reminder"),
    r"^[A-Z]{3}$": ("is no currency", "use the ISO 4217 code: EUR, USD, MXN"),
    r"^[A-Z]{2}$": ("is no country", "use the ISO 3166-1 code in capitals: ES, MX, NO"),
    r"^[A-Z0-9]{0,3}$": ("is no region", "use the ISO 3166-2 code without the country: MD, CT, B"),
}
_LIST = ("must be a list", "each entry on a line of its own after `- `, or [a, b]")
_SECTION = ("must be a section", "lines `key: value`, indented below it")
_TYPES = {
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", "digits only, without quotes"),
    "int_parsing": ("must be a whole number", "digits only"),
    "int_from_float": ("must be a whole number", "digits only"),
    "bool_type": ("must be true or false", ""),
    "bool_parsing": ("must be true or false", ""),
    "decimal_type": ("must be a number", ""),
    "decimal_parsing": ("must be a number", ""),
    "date_type": ("must be a day", "year-month-day: 2026-08-15"),
    "time_type": ("must be a time of day", "hours and minutes: 08:30"),
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _SECTION,
    "mapping_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
}
_LIMITS = {
    "greater_than_equal": ("must be at least {ge}", ""),
    "greater_than": ("must be more than {gt}", ""),
    "less_than_equal": ("must be at most {le}", ""),
    "less_than": ("must be less than {lt}", ""),
    "string_too_short": ("must not be empty", ""),
    "string_too_long": ("must have at most {max_length} characters", ""),
    "too_short": ("must have at least {min_length} entry", ""),
    "too_long": ("must have at most {max_length} entries", ""),
}
_OF_A_CHECK = {"value_error", "assertion_error"}
_WITHOUT_ECHO = {"string_too_short", "string_too_long", "too_short", "too_long", *_OF_A_CHECK}


def finding_of(error: ErrorDetails, root: type[BaseModel], value: object) -> Finding:
    """One error of `root`'s validation of `value`, as a finding on the path within `value`."""
    path, on_key = _path_in(value, error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        here = (*path, error["loc"][-1])
        return Finding(here, f"{named(here)} is missing in {named(path)}", _description(root, here))
    if kind == "extra_forbidden":
        return Finding(path, _unknown(path), _hint_for_key(root, path), on_key=True)
    given = value_at(value, path)
    if context.get("class") == "Secret":
        return Finding(path, f"{named(path)} must be a reference to a secret, never the secret itself", REFERENCE_HINT)
    if isinstance(given, Secret):
        return Finding(path, f"{named(path)} must be written out", "references are for secrets only")
    if given is None and not on_key:
        return Finding(path, f"{named(path)} is empty", _description(root, path))
    message, hint = _said(kind, context, error["msg"])
    if isinstance(given, Mapping | list) and kind not in _LIMITS:
        hint = hint if kind in _TYPES and _TYPES[kind] in (_LIST, _SECTION) else ""
    echo = "" if kind in _WITHOUT_ECHO or on_key else _echo(given, message)
    return Finding(path, f"{named(path)} {message}{echo}", hint or _hint_for_word(context, given) or _description(root, path), on_key)


def value_at(value: object, path: Path) -> object:
    """What stands at the path."""
    for part in path:
        value = _step(value, part)
    return value


def _step(value: object, part: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return _ABSENT


def _path_in(value: object, loc: Path) -> tuple[Path, bool]:
    """The part of pydantic's location that exists in the file (it adds the names of union members and `[key]`)."""
    path: list[str | int] = []
    for part in loc:
        value = _step(value, part)
        if value is _ABSENT:
            break
        path.append(part)
    return tuple(path), loc[-1:] == ("[key]",)


def _said(kind: str, context: Mapping[str, Any], fallback: str) -> tuple[str, str]:
    if kind == "policy":
        return context["what"], context["hint"]
    if kind in ("enum", "literal_error"):
        return f"must be one of {', '.join(f'`{word}`' for word in _allowed(context))}", ""
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], ("has not the form that is expected", ""))
    if kind == "too_long" and context["max_length"] == 0:
        return "must be left out", "nothing can be set here yet"
    if kind in _OF_A_CHECK:
        return f"is not possible: {context['error']}", ""
    message, hint = _TYPES.get(kind) or _LIMITS.get(kind) or (f"is not possible: {fallback}", "")
    return message.format(**context) if kind in _LIMITS else message, hint


def _allowed(context: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context["expected"]))


def _hint_for_word(context: Mapping[str, Any], given: object) -> str:
    return suggestion(given, _allowed(context)) if "expected" in context and isinstance(given, str) else ""


def _echo(given: object, message: str) -> str:
    if isinstance(given, Mapping | list):
        return ", not a section" if isinstance(given, Mapping) else ", not a list"
    separator = ", not" if message.startswith("must") else ":"
    return f"{separator} `{shortened(as_written(given))}`"


def as_written(given: object) -> str:
    """A scalar as it stands in YAML."""
    return str(given).lower() if isinstance(given, bool) else str(given)


def _unknown(path: Path) -> str:
    return f"{named(path)} is not a key of {named(path[:-1])}"


def _hint_for_key(root: type[BaseModel], path: Path) -> str:
    keys = [key for model in _models(annotation_at(root, path[:-1])) for key in keys_of(model)]
    near = suggestion(str(path[-1]), keys)
    return near or (f"possible keys: {', '.join(keys)}" if len(keys) <= _MANY_KEYS else "")


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys that a section takes, as they are written."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _description(root: type[BaseModel], path: Path) -> str:
    for model in _models(annotation_at(root, path[:-1])):
        field = keys_of(model).get(str(path[-1])) if path else None
        if field is not None:
            return (field.description or "").removesuffix(".")
    return ""


def annotation_at(root: Any, path: Iterable[str | int]) -> Any:
    """The type that the schema wants at the path, or None when it has no such place."""
    for part in path:
        root = next((inner for member in _members(root) if (inner := _inner(member, part)) is not None), None)
    return root


def _members(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [member for member in _members(annotation) if isinstance(member, type) and issubclass(member, BaseModel)]


def _inner(member: Any, part: str | int) -> Any:
    if isinstance(part, str) and isinstance(member, type) and issubclass(member, BaseModel):
        field = keys_of(member).get(part)
        return None if field is None else field.annotation
    arguments = get_args(member)
    if isinstance(part, str):
        return arguments[1] if get_origin(member) is dict else None
    return arguments[0] if arguments and get_origin(member) in (tuple, list) else None
