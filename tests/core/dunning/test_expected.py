"""When invoices are expected to be paid by what was promised, and what of it the ledger is told, whatever it answers."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from dunning_cases import TUESDAY, invoice, one
from hypothesis import given
from hypothesis import strategies as st
from puntual.core.dunning.expected import NOTHING, Told, ToTell, promised_days, to_tell
from puntual.core.dunning.facts import Hold, HoldKind

SOON, LATER = TUESDAY + timedelta(days=3), TUESDAY + timedelta(days=9)
FIRST, SECOND, NEXT_MONTH = one(invoice("F-1", "100")), one(invoice("F-2", "50")), one(invoice("F-3", "70", due=LATER))


def promise(until: date | None = SOON, number: str = "F-1", **changes: object) -> Hold:
    return replace(Hold("h1", HoldKind.PROMISE, "gomez", "by phone", number, until), **changes)


def taken(*days: date) -> Told:
    return Told(days[0], ours=frozenset(days))


@pytest.mark.parametrize(
    ("promises", "days"),
    [
        ((), {}),
        ((promise(),), {"F-1": SOON}),
        ((promise(LATER), promise(SOON)), {"F-1": LATER}),
        ((promise(SOON, ""),), {"F-1": SOON, "F-2": SOON}),
        ((promise(LATER, ""), promise(SOON, "F-3")), {"F-1": LATER, "F-2": LATER, "F-3": LATER}),
        ((promise(SOON, ""), promise(LATER, "F-2")), {"F-1": SOON, "F-2": LATER}),
        ((promise(None),), {}),
        ((promise(kind=HoldKind.DISPUTE), promise(kind=HoldKind.MANUAL)), {}),
        ((promise(SOON, "", customer_id="otro"),), {}),
        ((promise(SOON, "F-9"),), {}),
    ],
    ids=["none", "one", "latest", "everything due by then", "due on the day", "one later", "no day", "no promise", "another's", "paid"],
)
def test_the_latest_promise_about_an_open_item_says_the_day(promises: tuple[Hold, ...], days: dict[str, date]) -> None:
    assert promised_days(promises, [FIRST, SECOND, NEXT_MONTH]) == days
    assert promised_days(promises[::-1], [NEXT_MONTH, SECOND, FIRST]) == days


@pytest.mark.parametrize(
    ("wanted", "known", "asks"),
    [
        (SOON, NOTHING, True),
        (SOON, taken(SOON), False),
        (LATER, taken(SOON), True),
        (None, taken(SOON), True),
        (SOON, Told(SOON, True), False),
        (LATER, Told(SOON, True), True),
        (None, Told(SOON, True, frozenset({LATER})), True),
        (None, Told(None, True, frozenset({SOON})), False),
        (SOON, Told(None, True, frozenset({SOON})), True),
        (SOON, Told(ours=frozenset({SOON})), True),
        (None, Told(ours=frozenset({SOON})), True),
    ],
    ids=[
        "new",
        "known",
        "another day",
        "ended",
        "refused",
        "another day than refused",
        "ended, an older one stands",
        "taking away refused",
        "promised again after that",
        "no answer",
        "no answer and ended",
    ],
)
def test_what_the_ledger_is_told(wanted: date | None, known: Told, asks: bool) -> None:
    assert asked(wanted, known) == ([ToTell("F-1", wanted, known)] if asks else [])


@pytest.mark.parametrize(("known", "open_"), [(Told(SOON, True), {"F-1"}), (taken(SOON), set()), (Told(SOON, True), set())])
def test_what_was_never_there_and_what_is_no_longer_open_is_forgotten_without_a_word(known: Told, open_: set[str]) -> None:
    assert to_tell({}, {"F-1": known}, open_) == ([], ["F-1"])


def asked(wanted: date | None, known: Told) -> list[ToTell]:
    return to_tell({"F-1": wanted} if wanted else {}, {"F-1": known} if known != NOTHING else {}, {"F-1"})[0]


@given(
    history=st.lists(
        st.tuples(st.none() | st.sampled_from([SOON, LATER]), st.sampled_from(["taken", "refused", "lost", "cut off"])), max_size=8
    ),
    of_a_person=st.none() | st.just(TUESDAY),
)
def test_whatever_is_answered_the_books_show_what_was_promised_and_what_a_person_put_there_is_never_taken_away(
    history: list[tuple[date | None, str]], of_a_person: date | None
) -> None:
    """`lost` is a request that was carried out and not answered, `cut off` one that never arrived."""
    shown, known, is_ours = of_a_person, NOTHING, False
    for wanted, answer in [*history, (LATER + timedelta(days=1), "taken"), (None, "taken")]:
        for tell in asked(wanted, known):
            known = tell.while_asked
            if answer in ("taken", "lost") and (wanted or shown in tell.before.ours):
                shown, is_ours = wanted, True
            if answer in ("taken", "refused"):
                known = tell.when_taken if answer == "taken" else tell.when_refused
        assert shown == wanted or answer != "taken" or known.refused or not is_ours
        assert is_ours or shown == of_a_person
        assert answer not in ("taken", "refused") or asked(wanted, known) == [], "what was answered is asked again"
    assert shown is None
