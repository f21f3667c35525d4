"""Errors say who must do what; a secret shows itself nowhere."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator

import pytest
from puntual.core import errors
from puntual.core.errors import CompanyMustAct, OurBug, PolicyProblem, PuntualError, RateLimited, Refused, RejectedByLedger, TryLater
from puntual.core.secret import Secret, masked

HUSH = "k3y-0f-demo"


def kinds(kind: type[PuntualError] = PuntualError) -> Iterator[type[PuntualError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from kinds(below)


@pytest.mark.parametrize("kind", [*kinds()], ids=lambda kind: kind.__name__)
def test_every_error_has_a_meaning_for_people(kind: type[PuntualError]) -> None:
    assert kind.meaning().endswith(".")
    assert str(kind()) == kind.meaning()
    assert str(kind("F-1 is locked", hint="Open the period")) == f"{kind.meaning()} F-1 is locked. Open the period."


def test_exit_codes_say_who_must_act() -> None:
    codes = {kind: kind.exit_code for kind in kinds()}
    assert {code for kind, code in codes.items() if issubclass(kind, TryLater)} == {75}
    assert {kind for kind, code in codes.items() if code == 2} == {PolicyProblem}
    assert {code for kind, code in codes.items() if issubclass(kind, (Refused, OurBug))} == {1}
    assert CompanyMustAct.exit_code == 1


def test_what_the_ledger_said_is_kept() -> None:
    assert RateLimited(retry_after=30).retry_after == 30
    assert RateLimited().retry_after is None
    assert RejectedByLedger("no", code="6140").code == "6140"


SHOWN: list[Callable[[Secret], str]] = [
    repr,
    str,
    "{}".format,
    "{:>30}".format,
    "{!r:.99}".format,
    lambda s: f"{s}",
    lambda s: repr([s]),
    lambda s: repr({"a": s}),
]


@pytest.mark.parametrize("show", SHOWN)
def test_a_secret_is_not_shown(show: Callable[[Secret], str]) -> None:
    assert HUSH not in show(Secret(HUSH))
    assert "Secret(•••)" in show(Secret(HUSH))


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars, hash])
def test_a_secret_is_not_carried_away(leak: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        leak(Secret(HUSH))
    assert HUSH not in "".join(traceback.format_exception(caught.value))


def test_a_secret_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("key %s and %r", Secret(HUSH), Secret(HUSH))
    assert HUSH not in caplog.text
    assert "Secret(•••)" in caplog.text


def test_a_secret_is_revealed_and_compared() -> None:
    assert Secret(HUSH).reveal() == HUSH
    assert Secret(HUSH) == Secret(HUSH)
    assert Secret(HUSH) != Secret("other")
    assert Secret(HUSH) != HUSH


def test_text_that_quotes_a_secret_is_masked() -> None:
    assert masked(f"bad key {HUSH}, p4ss!", (Secret(HUSH), Secret("p4ss"), Secret(""))) == "bad key •••, •••!"
