"""The books of stories about late charges, credits and payments against a real Odoo server."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from live.odoo_live_harness import LiveHarness, missing_variables
from runs.charging_house import House
from runs.charging_stories import STORIES
from runs.crediting_stories import MONEY_STORIES

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(missing_variables()), reason=f"not set: {', '.join(missing_variables())}"),
]
LONGEST_STORY = timedelta(days=80)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    harness = LiveHarness()
    settings = harness.new().settings.model_dump(exclude_defaults=True)
    made = House("live", harness, tmp_path, monkeypatch, harness.today - LONGEST_STORY, {"type": "odoo", **settings})
    yield made
    made.close()
    harness.close()


@pytest.mark.parametrize("tell", [*STORIES, *MONEY_STORIES], ids=lambda tell: tell.__name__)
def test_in_whole_runs_on_a_real_server(tell: Callable[[House], None], house: House) -> None:
    tell(house)
