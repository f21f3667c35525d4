"""A house over each ledger: the stand-ins behind real HTTP, and files."""

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from files.files_harness import FilesHarness
from harness import Harness
from odoo.stub_harness import StubHarness
from qbo_harness import QboHarness
from runs.charging_house import House
from xero.xero_harness import XeroHarness

if "runs.charging_stories" not in sys.modules:  # the live suite tells the same stories
    pytest.register_assert_rewrite("runs.charging_stories", "runs.crediting_stories")
WEDNESDAY = date(2026, 3, 18)
ONLINE: dict[str, Callable[[], Any]] = {"quickbooks": QboHarness, "xero": XeroHarness, "odoo": lambda: StubHarness(18)}
LEDGERS = (*ONLINE, "files")


@pytest.fixture(params=LEDGERS)
def house(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    harness, settings = books_of(request.param, tmp_path)
    made = House(request.param, harness, tmp_path, monkeypatch, WEDNESDAY, {"type": request.param, **settings})
    made.go_to(0)
    yield made
    made.close()
    harness.close()


def books_of(kind: str, folder: Path) -> tuple[Harness, dict[str, Any]]:
    """Books, and what a policy says of them."""
    if kind == "files":
        (folder / "books").mkdir()
        return FilesHarness(folder / "books"), {"folder": "books", "charge_tax_percent": 21, "record_payments": True}
    harness = ONLINE[kind]()
    return harness, harness.settings().model_dump(exclude_defaults=True)
