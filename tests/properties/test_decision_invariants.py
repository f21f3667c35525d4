"""Properties of the decisions about one invoice: patience, waking, keys that stay the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties.invented import START, policies
from puntual.core.dunning.facts import CustomerFacts, Hold, HoldKind, ItemFacts, LevelState, Plan
from puntual.core.dunning.forecast import days_ahead, is_contact
from puntual.core.dunning.plan import Rulebook, decide, wake_on
from puntual.core.dunning.printout import as_json
from puntual.core.money import Money
from puntual.core.policy.schema import Level, Policy, Promises
from puntual.core.receivables import Customer, OpenItem

QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GOMEZ = Customer("gomez", "Talleres Gómez", "pagos@gomez.example", language="es")
HORIZON = 150
NOTHING_SENT = LevelState()


def item(due: date, amount: int = 100) -> OpenItem:
    return OpenItem("F-1/1", "F-1", "F-1", "gomez", START - timedelta(days=20), due, Money.of(amount, "EUR"), Money.of(amount, "EUR"))


def owing(due: date, *holds: Hold, level: LevelState = NOTHING_SENT) -> CustomerFacts:
    return CustomerFacts(GOMEZ, (ItemFacts(item(due), level),), holds=holds)


def contacts(facts: CustomerFacts, policy: Policy) -> Iterator[tuple[date, int, int]]:
    """The days on which the customer would hear from us, with the level's days and the repeat."""
    for made in days_ahead("acme", [facts], Rulebook.of(policy), START, HORIZON):
        for action in made.actions:
            if is_contact(action):
                yield made.as_of, action.items[0].level_days, action.items[0].repeat


def first_contact(facts: CustomerFacts, policy: Policy) -> date:
    return next((day for day, _, _ in contacts(facts, policy)), date.max)


@given(policy=policies(), due_in=st.integers(-40, 30), promised_in=st.integers(-5, 30), less=st.integers(0, 10), more=st.integers(1, 20))
@QUICK
def test_more_grace_for_a_promise_never_means_an_earlier_notice(
    policy: Policy, due_in: int, promised_in: int, less: int, more: int
) -> None:
    promise = Hold("h1", HoldKind.PROMISE, "gomez", "he said", "F-1", START + timedelta(days=promised_in))
    facts = owing(START + timedelta(days=due_in), promise)
    short, long = (policy.model_copy(update={"promises": Promises(grace_days=days)}) for days in (less, less + more))
    assert first_contact(facts, short) <= first_contact(facts, long)


@given(policy=policies(), due_in=st.integers(-10, 30), later=st.integers(1, 40))
@QUICK
def test_a_later_due_date_never_means_an_earlier_overdue_notice(policy: Policy, due_in: int, later: int) -> None:
    sending = policy.sending.model_copy(update={"min_days_between_contacts": 1})
    policy = policy.model_copy(update={"sending": sending, "go_live": None})
    due = START + timedelta(days=due_in)
    early, late = (
        next((day for day, level_days, _ in contacts(owing(on), policy) if level_days > 0), date.max)
        for on in (due, due + timedelta(days=later))
    )
    assert early <= late


@given(
    policy=policies(), due_in=st.integers(-40, 40), hold_days=st.none() | st.integers(-5, 40), kind=st.sampled_from(HoldKind), at=st.data()
)
@QUICK
def test_nothing_is_due_before_the_item_was_woken(
    policy: Policy, due_in: int, hold_days: int | None, kind: HoldKind, at: st.DataObject
) -> None:
    levels = [(level, sends) for level, sends in product(policy.procedures["standard"].levels, (1, 2))]
    level, sends = at.draw(st.sampled_from([(None, 0), *levels]))
    facts = owing(START + timedelta(days=due_in), level=_state(level, sends, START + timedelta(days=at.draw(st.integers(-40, 0)))))
    if hold_days is not None:
        facts = replace(facts, holds=(Hold("h1", kind, "gomez", "why", "F-1", START + timedelta(days=hold_days)),))
    rulebook = Rulebook.of(policy)
    woken = wake_on(facts.items[0], GOMEZ, rulebook.assignments.rules_for(GOMEZ), facts.holds, rulebook, START)
    days = (START + timedelta(days=offset) for offset in range(HORIZON))
    first = next((day for day in days if decide(facts, rulebook, day)[0]), None)
    assert first is None or (woken is not None and woken <= first)


def _state(level: Level | None, sends: int, on: date) -> LevelState:
    return LevelState(level.key, level.days, on, sends) if level else NOTHING_SENT


@given(
    policy=policies(),
    due_in=st.integers(-40, 30),
    amounts=st.lists(st.tuples(st.integers(6, 500), st.sampled_from(["EUR", "USD"])), min_size=2, max_size=6),
)
@QUICK
def test_currencies_are_never_added_up(policy: Policy, due_in: int, amounts: list[tuple[int, str]]) -> None:
    one = item(START + timedelta(days=due_in))
    items = tuple(
        ItemFacts(replace(one, id=f"F-{n}/1", invoice_id=f"F-{n}", number=f"F-{n}", total=Money.of(a, c), outstanding=Money.of(a, c)))
        for n, (a, c) in enumerate(amounts)
    )
    for made in days_ahead("acme", [CustomerFacts(GOMEZ, items)], Rulebook.of(policy), START, 60):
        for told in as_json(made)["actions"]:
            for currency in ("EUR", "USD"):
                owed = [Money.of(part["outstanding"], currency).amount for part in told["details"] if part["currency"] == currency]
                assert told["totals"].get(currency) == (f"{sum(owed)}" if owed else None)


@given(policy=policies(), due_in=st.integers(-40, 30), paid=st.integers(1, 80))
@QUICK
def test_a_part_payment_changes_no_key(policy: Policy, due_in: int, paid: int) -> None:
    """What was claimed before a part payment is recognised after it: the amount is no part of the key."""
    facts = owing(START + timedelta(days=due_in))
    known = facts.items[0]
    after = replace(facts, items=(replace(known, item=replace(known.item, outstanding=Money.of(100 - paid, "EUR"))),))
    plans = zip(_plans(facts, policy), _plans(after, policy), strict=True)
    assert all([a.key for a in before.actions] == [a.key for a in then.actions] for before, then in plans)


def _plans(facts: CustomerFacts, policy: Policy) -> Iterator[Plan]:
    return days_ahead("acme", [facts], Rulebook.of(policy), START, 60)
