"""A value that one connector waits for keeps no other one waiting."""

from pathlib import Path
from threading import Event, Thread

import puntual.connectors
import pytest
from puntual.connectors.lazily import cached_property

CONNECTORS = Path(puntual.connectors.__file__).parent


class Books:
    def __init__(self, answers):
        self.answers = answers
        self.asked = 0
        self.begun = Event()

    @cached_property
    def version(self):
        """What the ledger says."""
        self.asked += 1
        self.begun.set()
        assert self.answers.wait(30)
        return self.asked


def test_a_ledger_that_does_not_answer_holds_up_nobody_else():
    never, at_once = Event(), Event()
    at_once.set()
    slow, quick = Books(never), Books(at_once)
    waiting = Thread(target=lambda: slow.version)
    waiting.start()
    assert slow.begun.wait(30)
    assert (quick.version, quick.version, quick.asked) == (1, 1, 1)
    never.set()
    waiting.join()
    assert (slow.version, slow.asked) == (1, 1)


def test_what_failed_is_asked_for_again():
    class Failing:
        tries = 0

        @cached_property
        def value(self):
            self.tries += 1
            if self.tries == 1:
                raise OSError
            return self.tries

    one = Failing()
    with pytest.raises(OSError):
        one.value  # noqa: B018
    assert (one.value, one.value) == (2, 2)
    assert Books.version.__doc__ == "What the ledger says."


@pytest.mark.parametrize("path", sorted(CONNECTORS.rglob("*.py")), ids=lambda path: str(path.relative_to(CONNECTORS)))
def test_no_connector_uses_the_one_with_the_lock(path):
    assert "functools import cached_property" not in path.read_text(encoding="utf-8")
