"""Where things are on this machine, in words for a person, and secrets behind their references."""

import os
from pathlib import Path


def shown_path(path: Path) -> str:
    """The path as a person at this place would name it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def look_up_secret(reference: str) -> str | None:
    """The secret behind the inside of `${…}`: an environment variable, or the first line of a file for `file:/path`."""
    if reference.startswith("file:"):
        try:
            return Path(reference.removeprefix("file:")).read_text(encoding="utf-8").rstrip("\r\n") or None
        except (OSError, UnicodeDecodeError):
            return None
    return os.environ.get(reference) or None
