"""What an examination of a host finds: one line for each thing that was looked at, and what to do where something is wrong."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Whether something is as it should be."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, what was seen, and what to do."""

    level: Level
    what: str
    said: str
    to_do: str = ""

    def line(self) -> str:
        """For a person, on a terminal."""
        do = f" → {self.to_do}" if self.to_do else ""
        return f"{self.level.value:<5}{self.what}: {self.said}{do}"


def ok(what: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(Level.OK, what, said)


def warn(what: str, said: str, to_do: str) -> Finding:
    """It works, and somebody should see to it."""
    return Finding(Level.WARN, what, said, to_do)


def bad(what: str, said: str, to_do: str) -> Finding:
    """It does not work, or will soon not work any more."""
    return Finding(Level.BAD, what, said, to_do)
