"""The shared suite over the files ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from files.files_harness import FilesHarness
from suite.rules import Rule, rules_done


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[FilesHarness]:
    (tmp_path / "books").mkdir()
    made = FilesHarness(tmp_path / "books")
    yield made
    made.close()


@pytest.mark.parametrize("rule", rules_done("files"))
def test_the_files_ledger_keeps(rule: Rule, harness: FilesHarness) -> None:
    rule.run(harness)
