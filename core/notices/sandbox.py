"""The template language as companies may use it: words, conditions and loops over the given values, and nothing else.

A template cannot reach methods, modules or files, cannot build endless texts by arithmetic or ranges, and cannot use a word that does
not exist.
"""

import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import zip_longest
from types import SimpleNamespace
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from .context import VALUES

TEXT_WIDTH = 72
_TABLE_WIDTH = 76  # RFC 5322 recommends at most 78 columns
_SPACES = re.compile(r"[ \t\r\n]+")
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_FIELDS = {kind: frozenset(field.name for field in fields(kind)) for kind in VALUES}
_FILTERS = ("capitalize", "e", "escape", "first", "join", "last", "length", "lower", "replace", "trim", "upper")
_GAP = "  "

Lookup = Callable[[str], str | None]


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """Jinja2 narrowed to display values."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse the operators that make long texts out of short ones."""
        raise SecurityError(f"the operator {operator} is not for templates")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only the fields of display values, the words of a language and Jinja's `loop`."""
        known = _FIELDS.get(type(obj))
        if known is not None:
            return attr in known
        return isinstance(obj, LoopContext | SimpleNamespace) and not attr.startswith("_")


class _Loader(BaseLoader):
    def __init__(self, lookup: Lookup, prepare: Callable[[str, str], str]) -> None:
        self._lookup = lookup
        self._prepare = prepare

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source = self._lookup(template)
        if source is None:
            raise TemplateNotFound(template)
        return self._prepare(template, source), template, lambda: True


def sandbox(lookup: Lookup, *, html: bool, prepare: Callable[[str, str], str] = lambda name, source: source) -> TemplateSandbox:
    """An environment for one part of a message. Values are escaped in HTML; `prepare(name, source)` runs once before compiling."""
    made = TemplateSandbox(
        loader=_Loader(lookup, prepare),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=400,
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS}
    made.filters.update(paragraphs=paragraphs, folded=folded, columns=columns, row=row, fields=aligned_fields)
    made.filters.update(underlined=underlined, hanging=hanging)
    return made


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text: parts between blank lines, each on one line. Escaped text stays escaped."""
    keep = Markup if isinstance(text, Markup) else str
    parts = (_SPACES.sub(" ", part).strip(" ") for part in _BLANK_LINES.split(str(text)))
    return [keep(part) for part in parts if part]


def folded(text: str) -> str:
    """Plain-text paragraphs folded at a comfortable width; long addresses stay whole so that they can be clicked."""
    wrapped = (textwrap.fill(part, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False) for part in paragraphs(text))
    return "\n\n".join(wrapped)


def hanging(text: str, mark: str) -> str:
    """One paragraph folded behind a mark, further lines as far to the right."""
    blank = " " * len(mark)
    plain = _SPACES.sub(" ", str(text)).strip(" ")
    return textwrap.fill(
        plain, _TABLE_WIDTH, initial_indent=mark, subsequent_indent=blank, break_long_words=False, break_on_hyphens=False
    )  # fmt: skip


def underlined(heading: str) -> str:
    """A heading of a plain text, with a line below it."""
    title = heading.strip()
    return f"{title}\n{'-' * len(title)}" if title else ""


def row(cells: Iterable[object]) -> str:
    """Cells of one line for `columns` and `fields`."""
    return "\t".join(_SPACES.sub(" ", str(cell)).strip() for cell in cells)


def columns(text: str) -> str:
    """Tab-separated rows as aligned columns, the last one to the right; rows too wide for a mail go over two lines each.

    Lines without a tab, such as headings and totals, stay as they are.
    """
    lines = [line.split("\t") for line in text.splitlines()]
    rows = [line for line in lines if len(line) > 1]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    fits = sum(widths) + len(_GAP) * len(widths) <= _TABLE_WIDTH
    shape = _aligned if fits else _stacked
    return "\n".join(shape(line, widths) if len(line) > 1 else line[0] for line in lines)


def _aligned(cells: list[str], widths: list[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:-1], widths, strict=False)]
    return _GAP + _GAP.join([*left, cells[-1].rjust(widths[len(left)])])


def _stacked(cells: list[str], widths: list[int]) -> str:
    return f"{_GAP}{cells[0]}\n{_GAP}{_aligned(cells[1:], widths[1:])}"


def aligned_fields(text: str) -> str:
    """Rows of a label and a value, with the values one under the other; a row without a value is left out."""
    rows = [line for line in (each.split("\t") for each in text.splitlines()) if len(line) > 1 and line[1]]
    width = max((len(line[0]) for line in rows), default=0)
    return "\n".join(_field(line[0].ljust(width), line[1]) for line in rows)


def _field(label: str, value: str) -> str:
    indent = _GAP + " " * len(label) + _GAP
    wrapped = textwrap.wrap(value, max(_TABLE_WIDTH - len(indent), 20), break_long_words=False, break_on_hyphens=False)
    return f"{_GAP}{label}{_GAP}" + f"\n{indent}".join(wrapped)
