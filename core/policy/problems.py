"""What can be wrong with a policy, where, and what to do about it."""

from dataclasses import dataclass
from typing import NamedTuple

from ..errors import PolicyProblem

Path = tuple[str | int, ...]
"""The keys and list positions (from 0) that lead to a value: ("mail", "smtp", "port")."""

_ECHO_LENGTH = 40


class Place(NamedTuple):
    """A place in a text; both count from 1, as editors do."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or unwise at one key. `on_key` when it is about the key itself and not about what stands after it."""

    path: Path
    message: str
    hint: str = ""
    on_key: bool = False

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {_with_hint(self)}" if self.path else _with_hint(self)


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding at its place in the file, which counts lines and columns from 1. `path` is the dotted path of the key."""

    filename: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}:{self.column}: {_with_hint(self)}"


class PolicyFileProblems(PolicyProblem):
    """The policy file has to be corrected."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """`problems` are all that was found, in the order of the file."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __str__(self) -> str:
        return self.detail


def _with_hint(entry: Finding | Problem) -> str:
    return f"{entry.message} ({entry.hint})" if entry.hint else entry.message


def dotted(path: Path) -> str:
    """The path as a person reads it; list entries count from 1: procedures.standard.levels[2].days."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{shortened(part)}" for part in path).removeprefix(".")


def named(path: Path) -> str:
    """The last key of the path in words: `days`, or entry 2 of `levels`."""
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"entry {path[-1] + 1} of {named(path[:-1])}"
    return f"`{shortened(path[-1])}`"


def shortened(text: str) -> str:
    """The text for an echo: one printable line, not too long."""
    plain = "".join(character if character.isprintable() else "·" for character in text)
    return plain if len(plain) <= _ECHO_LENGTH else plain[: _ECHO_LENGTH - 1] + "…"
