"""The day of a company on the stand-in, in both of Odoo's APIs."""

from pathlib import Path

import pytest
from odoo.stub_harness import StubHarness
from odoo_run import a_day_on_odoo


@pytest.mark.parametrize("version", [18, 19])
def test_a_day_on_the_stand_in(version: int, tmp_path: Path) -> None:
    harness = StubHarness(version)
    try:
        a_day_on_odoo(harness, tmp_path)
    finally:
        harness.close()
