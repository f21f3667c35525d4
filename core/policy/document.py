"""A YAML text as plain values, each with its line and column, for files that people write.

Scalars are read by the core schema of YAML 1.2 (§10.3.2): only `true` and `false` are booleans, so `NO` stays Norway and `no` a word,
and 08:30 is no number in base 60. Beyond it, 2026-08-15 is a day and 08:30 a time of day. Numbers with a point are exact decimals.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml
from yaml.error import Mark, MarkedYAMLError
from yaml.reader import ReaderError

from .problems import Finding, Path, Place, named
from .values import clock_time, is_control, iso_day

MAX_CHARACTERS = 500_000
MAX_DEPTH = 20
MAX_VALUES = 50_000
_LONGEST_NUMBER = 24

_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_CONSTANTS: Mapping[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
}  # fmt: skip


@dataclass
class Document:
    """The plain value of a YAML text, the places of its keys and values, and what is wrong with the text itself."""

    value: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    faults: list[tuple[Place, Finding]] = field(default_factory=list)

    def place(self, finding: Finding) -> Place:
        """Where the finding is: at the value when it is a single one, at the key of a section or list."""
        path = finding.path
        while path and path not in self.values and path not in self.keys:
            path = path[:-1]
        on_value = not finding.on_key and path == finding.path and path in self.values
        return self.values[path] if on_value or path not in self.keys else self.keys[path]


class Unreadable(Exception):
    """The text is no YAML that can be used, so nothing else can be said about it."""

    def __init__(self, place: Place, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.place, self.message, self.hint = place, message, hint


class _Loader(yaml.BaseLoader):
    """Composes nodes and makes no objects; every scalar stays text. Bounded in number, and in depth before Python's own stack is."""

    depth = 0
    count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node with what is below it. Raises Unreadable when there are too many or they are nested too deeply."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        self.count += 1
        if self.count > MAX_VALUES:
            raise Unreadable(_place(event.start_mark), f"more than {MAX_VALUES} values", "is it really a policy?")
        if self.depth >= MAX_DEPTH:
            raise Unreadable(_place(event.start_mark), f"more than {MAX_DEPTH} levels deep", "check the indentation")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def document_of(text: str | bytes) -> Document:
    """The plain value of a YAML text, with the places of all that is in it. Raises Unreadable."""
    text = _decoded(text)
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(Place(1, 1), f"the file has more than {MAX_CHARACTERS} characters", "is it really a policy?")
    node = _composed(text)
    if node is None:
        raise Unreadable(Place(1, 1), "the file is empty", "`puntual init` writes a first policy")
    if not isinstance(node, yaml.MappingNode):
        raise Unreadable(_place(node.start_mark), "the file must consist of lines `key: value`", "`puntual init` writes a first policy")
    reader = _NodeReader()
    reader.document.value = reader.read(node, ())
    return reader.document


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise Unreadable(place, "this is not UTF-8 text", "save the file with the encoding UTF-8") from None


def _composed(text: str) -> yaml.Node | None:
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except ReaderError as error:
        raise Unreadable(_place_at(text, error.position), "here is a character that cannot be printed", "remove it") from None
    except MarkedYAMLError as error:
        raise Unreadable(_within(text, _mark(error)), *_fault(error)) from None
    except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", a version of thousands of digits
        raise Unreadable(
            _within(text, loader.get_mark() if loader else None), "this cannot be read as YAML", "check the escapes with a backslash"
        ) from None
    finally:
        if loader is not None:
            loader.dispose()


_FAULTS = (
    ("found duplicate anchor", "this anchor (`&`) is given twice", "use another name"),
    ("undefined alias", "a value that starts with `*` refers to nothing", "put the value in quotes"),
    ("'\\t'", "here is a tab", "indent with blanks"),
    ("mapping values are not allowed", "a `:` does not fit here", "correct the indentation, or put a text with `: ` in quotes"),
    ("could not find expected ':'", "a key without `:`", "lines are `key: value`, with a blank after the colon"),
    ("cannot start any token", "a value cannot start with this character", "put the value in quotes"),
    ("found unexpected end of stream", "a quote is opened and not closed", ""),
    ("expected a single document", "`---` starts a second document", "one policy a file"),
    ("but found another document", "`---` starts a second document", "one policy a file"),
    ("expected <block end>", "the indentation does not fit the lines above", "keys of one section start in one column"),
    ("expected ',' or", "a bracket is opened and not closed, or a comma is missing", ""),
)


def _mark(error: MarkedYAMLError) -> Mark | None:
    """Where the error is; for a quote that is never closed, where it was opened."""
    runs_out = "end of stream" in (error.problem or "") and error.context_mark is not None
    return error.context_mark if runs_out else error.problem_mark or error.context_mark


def _fault(error: MarkedYAMLError) -> tuple[str, str]:
    """In our words: PyYAML quotes the text, which may be a secret."""
    said = f"{error.context} {error.problem}"
    return next(((message, hint) for sign, message, hint in _FAULTS if sign in said), ("this is not YAML", "put the value in quotes"))


def _place(mark: Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _place_at(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - before.rfind("\n"))


def _within(text: str, mark: Mark | None) -> Place:
    """The place of the mark, drawn back onto the last line when it is behind the end."""
    lines = text.splitlines() or [""]
    if mark is None or mark.line >= len(lines):
        return Place(len(lines), len(lines[-1]) + 1)
    return _place(mark)


class _NodeReader:
    """Turns nodes into plain values, remembers their places, and collects what is wrong on the way."""

    def __init__(self) -> None:
        self.document = Document()

    def read(self, node: yaml.Node, path: Path) -> Any:
        """The plain value of the node. Raises Unreadable when aliases make it too large or endless."""
        if len(path) > MAX_DEPTH or len(self.document.keys) + len(self.document.values) > MAX_VALUES:
            raise Unreadable(_place(node.start_mark), "too many values, because aliases (`*`) repeat themselves", "write them out")
        if node.tag not in _DEFAULT_TAGS:
            self._fault(node, path, f"{named(path)} has a tag (`!`), which is not supported", "leave it out")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self.document.keys.setdefault(path, _place(node.start_mark))
            return [self.read(inner, (*path, number)) for number, inner in enumerate(node.value)]
        if not isinstance(node, yaml.ScalarNode):
            raise Unreadable(_place(node.start_mark), "this is not YAML")
        if node.value or node.style:
            self.document.values[path] = _place(node.start_mark)
        return self._scalar(node, path)

    def _fault(self, node: yaml.Node, path: Path, message: str, hint: str = "") -> None:
        self.document.faults.append((_place(node.start_mark), Finding(path, message, hint)))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self.document.keys.setdefault(path, _place(node.start_mark))
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path, found)
            if key is not None:
                self.document.keys[*path, key] = _place(key_node.start_mark)
                found[key] = self.read(value_node, (*path, key))
        return found

    def _key(self, node: yaml.Node, path: Path, taken: Mapping[str, Any]) -> str | None:
        """The text of a key; None when it cannot be one."""
        if not isinstance(node, yaml.ScalarNode):
            self._fault(node, path, "a key must be a single word", "a value with `{` or `[` goes in quotes")
        elif node.value == "<<":
            self._fault(node, (*path, "<<"), "merging sections with `<<` is not supported", "write the keys out")
        elif node.value in taken:
            first = self.document.keys[*path, node.value].line
            self._fault(node, (*path, node.value), f"{named((*path, node.value))} stands twice", f"first on line {first}; keep one")
        else:
            return self._printable(node, path)
        return None

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.style is not None:
            return self._printable(node, path)
        text: str = node.value
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if len(text) <= _LONGEST_NUMBER:
            if _INTEGER.fullmatch(text):
                return int(text)
            if _DECIMAL.fullmatch(text):
                return Decimal(text)
            special = iso_day(text) or clock_time(text)
            if special is not None:
                return special
        return self._printable(node, path)

    def _printable(self, node: yaml.Node, path: Path) -> str:
        """The text without what an escape such as "\\0" brought into it, which is a fault."""
        clean = "".join(character for character in node.value if character in "\r\n\t" or not is_control(character))
        if clean != node.value:
            self._fault(node, path, f"{named(path)} has a character that cannot be printed", "remove it")
        return clean


_DEFAULT_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
