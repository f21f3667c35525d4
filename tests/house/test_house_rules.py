"""The rules of the house that no other tool keeps."""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from house.package import FILES, ROOT, functions, lines_of, named, tree_of

EXACT = [path for path in FILES if named(path).startswith("core/") or path.name == "mapping.py"]
CLOCK = ROOT / "core/worker/clock.py"
TELLS_TIME = {"today", "now", "utcnow"}
TIME_FUNCTIONS = {"time", "time_ns", "localtime", "gmtime", "ctime", "monotonic"}
BANNED_WORDS = re.compile(r"(^|_)(manager|helper|util|utils|service)s?(_|$)", re.IGNORECASE)


def test_the_doors() -> None:
    """The import contracts of pyproject.toml."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_every_room_has_a_door() -> None:
    """A new package cannot stay outside the contracts: each is under the sources of one of them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    sources = [source for contract in settings["importlinter"]["contracts"] for source in contract.get("source_modules", [])]
    outside = [name for name in settings["setuptools"]["packages"] if not any(name.startswith(s.rstrip(".*")) for s in sources)]
    assert outside == ["puntual"]


@pytest.mark.parametrize("path", [p for p in FILES if "stub" in p.parts], ids=named)
def test_a_stub_imports_nothing_of_its_connector(path: Path) -> None:
    depth = len(path.relative_to(ROOT).parts) - path.relative_to(ROOT).parts.index("stub") - 1
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and (node.level, node.module) != (depth + 2, "stub_server"):
            assert node.level <= depth, f"{named(path)}:{node.lineno}"
            assert not (node.module or "").startswith("puntual")


@pytest.mark.parametrize("path", EXACT, ids=named)
def test_no_float_where_money_is(path: Path) -> None:
    found = [
        f"{named(path)}:{node.lineno}"
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Name) and node.id == "float") or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert not found


@pytest.mark.parametrize("path", [path for path in FILES if path != CLOCK], ids=named)
def test_time_comes_from_the_clock(path: Path) -> None:
    found = [f"{named(path)}:{node.lineno}" for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute) and _asks_the_time(node)]
    assert not found


def _asks_the_time(node: ast.Attribute) -> bool:
    of = node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id if isinstance(node.value, ast.Name) else ""
    return (of in ("date", "datetime") and node.attr in TELLS_TIME) or (of == "time" and node.attr in TIME_FUNCTIONS)


def test_the_clock_is_the_one_place() -> None:
    assert any(isinstance(node, ast.Attribute) and _asks_the_time(node) for node in ast.walk(tree_of(CLOCK)))


def test_every_package_is_built() -> None:
    """What is not listed would be missing from the wheel."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {path.parent.relative_to(ROOT) for path in FILES}
    assert {".".join(("puntual", *folder.parts)) for folder in folders} == set(settings["tool"]["setuptools"]["packages"])
    assert all((ROOT / folder / "__init__.py").is_file() for folder in folders)


def test_decisions_are_written_down() -> None:
    """docs/decisions/NNNN-title.md, numbered without gaps, about half a page each."""
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert pages
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
        assert text.startswith("# ")
        assert 40 <= len(text.split()) <= 600, page.name


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    if "versions" in path.parts:
        return  # a migration is a list of tables, made once and never changed
    long = {f"{named(path)}:{function.name}": lines_of(function) for function in functions(path) if lines_of(function) > 60}
    assert not long


def test_functions_are_short() -> None:
    lengths = sorted(lines_of(function) for path in FILES for function in functions(path))
    assert statistics.median(lengths) <= 7
    assert statistics.quantiles(lengths, n=10)[-1] <= 20


@pytest.mark.parametrize("path", FILES, ids=named)
def test_what_is_public_says_what_it_means(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree), "the file does not say what it is"
    silent = [f"{named(path)}:{node.lineno} {node.name}" for node in _public(tree.body) if not ast.get_docstring(node)]
    assert not silent


def _public(body: Iterable[ast.AST]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", FILES, ids=named)
def test_names_say_what_a_thing_is(path: Path) -> None:
    """Public names; inside, a stub may use its vendor's words."""
    names = [node.name for node in _public([*ast.walk(tree_of(path))])]
    snake = [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name) for name in [path.stem, path.parent.name, *names]]
    assert not [name for name in snake if BANNED_WORDS.search(name)]
