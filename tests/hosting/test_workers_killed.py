"""Workers die at any moment, and every customer is still written to once. PUNTUAL_KILLING makes it longer: see killing.py."""

import os

import pytest
from history.databases import migrated_database
from hosting.killing import killing, told

USUAL = "workers=2 companies=3 kills=6 seed=5"


@pytest.mark.timeout(1500)
def test_workers_are_killed_at_random_and_everything_happens_once(tmp_path):
    wanted = {key: int(value) for key, value in (part.split("=") for part in os.environ.get("PUNTUAL_KILLING", USUAL).split())}
    with (
        migrated_database("postgresql", tmp_path) as url,
        killing(tmp_path, url, wanted["workers"], wanted["companies"], wanted["seed"]) as place,
    ):
        place.kill(wanted["kills"])
        place.settle()
        counts = place.count()
        print(*told(counts), sep="\n")
    assert counts.wrong == []
    assert counts.figures["kills"] == wanted["kills"]
    assert counts.figures["mails"] > 0
    assert counts.figures["charges"] > 0
