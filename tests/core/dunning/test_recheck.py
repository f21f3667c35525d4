"""The last look before acting: what changed in the books since the plan."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from dunning_cases import GOMEZ, PAID, TUESDAY, VOID, credit, invoice, items_of, only_action, owing, part_paid, policy
from puntual.core.dunning.facts import Action, Hold, HoldKind, LevelState, SkipReason, TaskKind
from puntual.core.dunning.recheck import Rechecked, judge_again
from puntual.core.money import Money
from puntual.core.policy.schema import NoticeKind, Policy
from puntual.core.receivables import Invoice, UnappliedCredit

FIRST, SECOND = invoice("F-1", "100.00"), invoice("F-2", "50.00")
ACTION = only_action(owing(FIRST, SECOND))


def again(
    *now: Invoice,
    action: Action = ACTION,
    unapplied: tuple[UnappliedCredit, ...] | None = (),
    holds: tuple[Hold, ...] = (),
    by: Policy | None = None,
) -> Rechecked:
    return judge_again(action, {known.id: known for known in now}, unapplied, holds, by or policy(), TUESDAY)


def dropped(judged: Rechecked) -> list[tuple[str, SkipReason]]:
    return [(skipped.number, skipped.reason) for skipped in judged.dropped]


def numbers(judged: Rechecked) -> list[str]:
    return [entry.item.number for entry in judged.action.items] if judged.action else []


def test_nothing_changed() -> None:
    assert again(FIRST, SECOND) == Rechecked(ACTION, ())


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (replace(SECOND, status=PAID), SkipReason.SETTLED_MEANWHILE),
        (replace(SECOND, status=VOID), SkipReason.SETTLED_MEANWHILE),
        (part_paid(SECOND, "0.00"), SkipReason.SETTLED_MEANWHILE),
        (replace(SECOND, disputed="two chairs were missing"), SkipReason.DISPUTED),
        (replace(SECOND, do_not_chase="no follow-up"), SkipReason.LEDGER_SAYS_NO),
        (replace(SECOND, is_late_charge=True), SkipReason.LATE_CHARGE),
        (replace(SECOND, is_late_charge=True, do_not_chase="no follow-up", disputed="what for?"), SkipReason.LATE_CHARGE),
        (replace(SECOND, customer_id="otro"), SkipReason.CHANGED_MEANWHILE),
        (invoice("F-2", "50.00", due=TUESDAY + timedelta(days=20)), SkipReason.CHANGED_MEANWHILE),
        (invoice("F-2", "50.00", due=TUESDAY - timedelta(days=20)), SkipReason.CHANGED_MEANWHILE),
        (invoice("F-2", "50.00", currency="USD"), SkipReason.CHANGED_MEANWHILE),
    ],
    ids=[
        "paid",
        "void",
        "nothing left",
        "disputed",
        "do not chase",
        "late charge",
        "late charge before all else",
        "other customer",
        "due later",
        "due earlier",
        "other currency",
    ],
)
def test_what_changed_falls_out_and_the_rest_goes(now: Invoice, reason: SkipReason) -> None:
    judged = again(FIRST, now)
    assert dropped(judged) == [("F-2", reason)]
    assert judged.dropped[0].detail
    assert numbers(judged) == ["F-1"]
    assert judged.action is not None
    assert judged.action.totals == (Money.of(100, "EUR"),)


def test_what_is_gone_falls_out() -> None:
    assert dropped(again(FIRST)) == [("F-2", SkipReason.GONE)]
    assert again().action is None


def test_a_part_payment_lowers_the_amount() -> None:
    judged = again(part_paid(FIRST, "33.33"), SECOND)
    assert judged.action is not None
    assert judged.action.totals == (Money.of("83.33", "EUR"),)
    assert judged.action.key == ACTION.key


def test_what_is_left_may_be_within_the_tolerance() -> None:
    judged = again(part_paid(FIRST, "5.00"), SECOND, by=policy(tolerance={"EUR": 5}))
    assert dropped(judged) == [("F-1", SkipReason.WITHIN_TOLERANCE)]


@pytest.mark.parametrize(
    ("kind", "until", "reason"),
    [
        (HoldKind.DISPUTE, None, SkipReason.DISPUTED),
        (HoldKind.MANUAL, TUESDAY, SkipReason.HELD),
        (HoldKind.PROMISE, TUESDAY - timedelta(days=2), SkipReason.PROMISED),
        (HoldKind.MANUAL, TUESDAY - timedelta(days=1), None),
        (HoldKind.PROMISE, TUESDAY - timedelta(days=3), None),
    ],
)
def test_a_hold_since_the_plan(kind: HoldKind, until: date | None, reason: SkipReason | None) -> None:
    judged = again(FIRST, SECOND, holds=(Hold("h1", kind, "gomez", "said so", "F-2", until),))
    assert dropped(judged) == ([("F-2", reason)] if reason else [])


def test_a_credit_of_the_amount_due_came_in() -> None:
    assert dropped(again(FIRST, SECOND, unapplied=(credit("150.00"),))) == [(n, SkipReason.COVERED_BY_CREDIT) for n in ("F-1", "F-2")]
    assert again(FIRST, SECOND, unapplied=(credit("150.00"),)).action is None


def test_a_smaller_credit_is_shown_and_another_currency_is_not() -> None:
    judged = again(FIRST, SECOND, unapplied=(credit("900.00", "USD", "AB-2"), credit("149.99")))
    assert judged.action is not None
    assert [known.id for known in judged.action.credits] == ["AB-1"]


def test_when_the_ledger_cannot_tell_credits_those_of_the_plan_stand() -> None:
    planned = only_action(owing(FIRST, SECOND, credits=(credit("60.00"),)))
    judged = again(FIRST, SECOND, action=planned, unapplied=None)
    assert judged.action == planned
    assert dropped(again(replace(FIRST, status=PAID), SECOND, action=planned, unapplied=None)) == [
        ("F-1", SkipReason.SETTLED_MEANWHILE),
        ("F-2", SkipReason.COVERED_BY_CREDIT),
    ]


def test_nobody_gets_the_firm_notice_of_an_invoice_that_was_paid() -> None:
    old, new = invoice("F-1", due=TUESDAY - timedelta(days=40)), invoice("F-2")
    climbed = replace(items_of(old)[0], level=LevelState("second", 8, TUESDAY - timedelta(days=20), 1))
    action = only_action(replace(owing(), items=(climbed, *items_of(new))))
    assert (action.level, action.notice) == ("firm", NoticeKind.FIRM)
    judged = again(replace(old, status=PAID), new, action=action)
    assert judged.action is not None
    assert (judged.action.level, judged.action.notice, judged.action.due_on) == ("reminder", NoticeKind.REMINDER, TUESDAY)
    assert judged.action.reason == "invoice F-2 was due 1 day ago; level 'reminder' (day +1)"


def test_a_task_to_decide_is_not_held_by_credit() -> None:
    old = invoice("F-1", due=TUESDAY - timedelta(days=60))
    ended = replace(items_of(old)[0], level=LevelState("final", 35, TUESDAY - timedelta(days=20), 1))
    action = only_action(replace(owing(), items=(ended,), credits=(credit("100.00"),)))
    assert action.task is TaskKind.DECIDE
    assert again(old, action=action, unapplied=(credit("100.00"),)).action == action


def test_an_instalment_that_was_paid_falls_out_alone() -> None:
    parts = invoice("F-1", "100.00", "100.00", due=TUESDAY - timedelta(days=31))
    judged = again(part_paid(parts, "0.00"), action=only_action(owing(parts, customer=GOMEZ)))
    assert [skipped.item_id for skipped in judged.dropped] == ["F-1/1"]
    assert judged.action is not None
    assert [entry.item.id for entry in judged.action.items] == ["F-1/2"]
