"""Online invoices, which are asked for once and remembered."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from puntual.connectors.xero.page_store import PageStore
from suite.sample import listen
from xero.xero_books import owing
from xero.xero_harness import XeroHarness


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


def test_a_page_is_asked_for_once_and_then_comes_with_the_books(harness: XeroHarness) -> None:
    invoice, draft = owing(harness), owing(harness, status="DRAFT")
    pages = harness.new().payment_pages([invoice, draft])
    assert set(pages) == {invoice}
    assert listen(harness).invoices[invoice].page_url == pages[invoice]
    assert harness.new().recheck([invoice]).invoices[0].page_url == pages[invoice]


def test_half_a_line_and_other_organisations_are_passed_over(tmp_path: Path) -> None:
    PageStore(tmp_path / "new", "t1").add({"i1": "https://in.xero.com/a", "i2": "two words"})
    with (tmp_path / "new" / "xero-pages.txt").open("a") as file:
        file.write("t2 i9 https://in.xero.com/b\nt1 i3 https://in.xe")
    assert PageStore(tmp_path / "new", "t1").known() == {"i1": "https://in.xero.com/a"}


def test_a_folder_that_takes_nothing_only_costs_calls(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = PageStore(tmp_path / "file", "t1")
    store.add({"i1": "https://in.xero.com/a"})
    assert store.known() == {"i1": "https://in.xero.com/a"}
    assert PageStore(tmp_path / "file", "t1").known() == {}
