"""Every story, told and compared with what it says; a bookkeeper can read them aloud."""

from pathlib import Path

import pytest
from stories.storyline import FOLDER, play, read_story

STORIES = sorted(FOLDER.glob("*.story"))


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_story(path: Path) -> None:
    runs = 0
    for entry, planned, left in play(read_story(path)):
        runs += 1
        expected = [line for line in entry.below if not line.startswith("leave ")] or ["nothing"]
        assert "\n".join(planned or ["nothing"]) == "\n".join(expected), f"{path.name}:{entry.line}"
        missing = [line for line in entry.below if line.startswith("leave ") and line not in left]
        assert not missing, f"{path.name}:{entry.line}: {left}"
    assert runs, f"{path.name} has no run"


def test_there_are_enough_stories() -> None:
    assert len(STORIES) >= 30
