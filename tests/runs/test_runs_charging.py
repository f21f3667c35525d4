"""The books of stories about late charges, credits and payments on the stand-in of every ledger, and on files."""

from collections.abc import Callable

import pytest
from runs.charging_house import House
from runs.charging_stories import STORIES
from runs.crediting_stories import MONEY_STORIES


@pytest.mark.parametrize("tell", [*STORIES, *MONEY_STORIES], ids=lambda tell: tell.__name__)
def test_in_whole_runs(tell: Callable[[House], None], house: House) -> None:
    tell(house)
