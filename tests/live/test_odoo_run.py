"""A run against a real Odoo server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from live.odoo_live_harness import LiveHarness, missing_variables
from odoo_run import a_day_on_odoo

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(missing_variables()), reason=f"not set: {', '.join(missing_variables())}"),
]


@pytest.fixture
def harness() -> Iterator[LiveHarness]:
    made = LiveHarness()
    yield made
    made.close()


def test_a_day_on_a_real_server(harness: LiveHarness, tmp_path: Path) -> None:
    a_day_on_odoo(harness, tmp_path)
    assert harness.new().check().name
