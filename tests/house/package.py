"""The package as files and syntax trees, for the tests of the house rules."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted([ROOT / "__init__.py", *(ROOT / "core").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")])
Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(path: Path) -> str:
    """The file's path inside the repository."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file."""
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, Function))


def lines_of(function: Function) -> int:
    """How many lines a function has, from `def` to its end, without its docstring."""
    said = function.body[0].end_lineno - function.body[0].lineno + 1 if ast.get_docstring(function) else 0  # type: ignore[operator]
    return function.end_lineno - function.lineno + 1 - said  # type: ignore[operator]
