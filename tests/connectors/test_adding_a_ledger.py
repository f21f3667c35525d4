"""docs/adding-a-ledger.md is true: its code is the toy ledger's, and by its steps alone the toy becomes a ledger that Puntual can use."""

import re
import shutil
import socket
import subprocess
import sys
import textwrap
import tomllib
import webbrowser
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from outside import installed, on_the_path
from puntual.core.cli.main import puntual
from puntual.core.port import MAX_PAGE_DOCUMENTS, Capability, LedgerConnector, Page, Surroundings
from puntual.core.worker.wiring import connector_entry

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-ledger.md").read_text(encoding="utf-8")
TOY = ROOT / "tests" / "connectors" / "toy_ledger"
BLOCKS = [found.groups() for found in re.finditer(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]
OF_FILES = [(name, text) for _language, name, text in BLOCKS if name and name != "companies/acme.yaml"]
POLICY_LEDGER = next(text for _language, name, text in BLOCKS if name == "companies/acme.yaml")
A_WEDNESDAY = date(2026, 3, 18)
COMMANDS = [line[2:] for language, _name, text in BLOCKS if language == "console" for line in text.splitlines()]


# --- what the page says -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), OF_FILES, ids=[f"{n}-{name}" for n, (name, _text) in enumerate(OF_FILES)])
def test_code_of_the_page_is_the_toys(name: str, text: str) -> None:
    assert text in (TOY / name).read_text(encoding="utf-8")


def test_the_small_files_stand_on_the_page_whole() -> None:
    whole = ["pyproject.toml", *(f"puntual_toy/{name}.py" for name in ("__init__", "settings", "authorizer")), "tests/test_toy.py"]
    shown = dict(OF_FILES)
    assert [name for name in whole if shown[name] != (TOY / name).read_text(encoding="utf-8")] == []


def test_the_layout_of_the_page_is_the_toys() -> None:
    layout = next(text for language, _name, text in BLOCKS if language == "text")
    named = set(re.findall(r"^ +(\w+\.\w+)", layout, re.MULTILINE))
    assert named == {path.name for path in TOY.rglob("*.*") if path.is_file() and path.suffix in (".py", ".toml", ".yaml")}


def test_every_part_of_the_port_is_spoken_of() -> None:
    methods = [name for name in vars(LedgerConnector) if not name.startswith("_") and callable(getattr(LedgerConnector, name))]
    assert [name for name in methods if f"**`{name}(" not in PAGE] == []
    assert [each.name for each in Capability if f"{each.name}`" not in PAGE] == []
    told = [*fields(Page), *fields(Surroundings)]
    assert [each.name for each in told if not re.search(rf"\b{each.name}\b", PAGE)] == []
    assert f"at most {MAX_PAGE_DOCUMENTS} documents" in PAGE


def test_what_may_be_imported_is_what_the_toy_imports() -> None:
    promised = set(re.findall(r"`((?:core|connectors)\.\w+)`", PAGE.partition("What you may import")[2].partition("Nothing else")[0]))
    code = "".join(path.read_text(encoding="utf-8") for path in TOY.rglob("*.py"))
    assert {name.removeprefix("puntual.") for name in re.findall(r"from (puntual\.\w+\.\w+) import", code)} == promised


# --- and what it leads to -----------------------------------------------------------------------------------------------------


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """Puntual and the toy side by side."""
    shutil.copytree(TOY, tmp_path / "puntual-toy", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "puntual").symlink_to(ROOT, target_is_directory=True)
    return tmp_path


def test_the_suite_passes_where_the_page_puts_it(workplace: Path) -> None:
    folder, _, run = next(line for line in COMMANDS if "pytest" in line).partition(" && ")
    (_cd, place), (_python, *words) = folder.split(), run.split()
    done = subprocess.run(
        [sys.executable, *words, "-q", "-p", "no:cacheprovider"], cwd=workplace / place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 90
    assert "skipped" not in done.stdout


@pytest.fixture
def toy(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy as `pip install` would install it: on the path, with the metadata that its pyproject.toml says."""
    project = tomllib.loads((workplace / "puntual-toy" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed(workplace / "site", monkeypatch, project["name"], **project["entry-points"]["puntual.connectors"])
    for folder in (workplace / "puntual-toy", workplace / "puntual-toy" / "tests"):
        on_the_path(folder, monkeypatch)
    for name in ("PUNTUAL_DATABASE", "PUNTUAL_KEYS"):
        monkeypatch.delenv(name, raising=False)
    yield
    connector_entry.cache_clear()


def _typed(folder: Path, words: list[str]) -> str:
    done = CliRunner().invoke(puntual, words if words[0] == "keys" else [*words, "--dir", str(folder)])
    assert done.exit_code == 0, done.output
    return done.output


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _with_toy_as_ledger(policy: Path, url: str) -> None:
    """What init wrote, with the page's ledger in place of its own."""
    place = textwrap.indent(f"redirect_uri: http://localhost:{_free_port()}/callback\n", "  ")
    ledger = POLICY_LEDGER.replace("https://toybooks.example", url) + place
    text = policy.read_text(encoding="utf-8")
    policy.write_text(re.sub(r"(?ms)^ledger:\n.*?(?=^mail:)", ledger + "\n", text), encoding="utf-8")


@pytest.mark.usefixtures("toy")
def test_the_commands_of_the_page_lead_to_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_books import ToyBooks  # only there now

    server = ToyBooks(lambda: datetime.now(UTC))
    monkeypatch.setattr(webbrowser, "open", lambda url: Thread(target=lambda: urlopen(server.allow(url)).read()).start())
    due = A_WEDNESDAY - timedelta(days=20)
    who = {"name": "Bar Luna", "email": "luna@example.com", "language": "es", "country": "ES", "parent": "", "people": []}
    lines = [{"text": "Trabajo", "amount": Decimal("121.00")}]
    invoice = server.add_document(
        "invoice", server.add_customer(**who), "EUR", str(due - timedelta(days=30)), due_date=str(due), lines=lines
    )
    said: dict[str, str] = {}
    for line in COMMANDS:
        if line.startswith("export "):
            name, command = re.fullmatch(r'export (\w+)="\$\(puntual (.*)\)"', line).groups()  # type: ignore[union-attr]
            monkeypatch.setenv(name, _typed(tmp_path, command.split()).splitlines()[0])
        elif line.startswith("puntual "):
            words = line.split()[1:]
            said[words[0]] = _typed(tmp_path, [*words, "--on", str(A_WEDNESDAY)] if words[0] == "plan" else words)
            if words[0] == "init":
                _with_toy_as_ledger(tmp_path / "companies" / "acme.yaml", server.url)
    server.close()
    assert server.mistakes == []
    assert list(said) == ["init", "connect", "check", "plan"]
    assert "Connected acme to toy (toy-1)." in said["connect"]
    assert "The books are those of Talleres de Juguete, S.L." in said["check"]
    assert f"I-{invoice}" in said["plan"]
    assert "Bar Luna" in said["plan"]
    assert server.notes == []
