"""Early-payment discounts, dated: what is offered until when, and what the payments prove."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from discount_cases import DUE, ISSUED, LAST_ON, OWN, TERMS, credited, earned, facts, granting, item, money, not_earned, paid, verdict
from dunning_cases import GOMEZ, TUESDAY, invoice, only_action, owing
from puntual.core.dunning.discounts import (
    DiscountFacts,
    WhyNotEarned,
    judge_discount,
    offer_of,
    offers_of,
    rest_is_discount,
    terms_of,
    waits_for_matching,
)
from puntual.core.dunning.facts import Hold, HoldKind
from puntual.core.receivables import CreditKind, EarlyDiscount, OpenItem, UnappliedCredit

EARLY = date(2026, 3, 5)
BY_POLICY = item(discount="")
NONE_OF_THE_LEDGERS = granting(from_ledger=False)


def offer(of: OpenItem, by: Any = TERMS, on: date = EARLY, **known: Any) -> str:
    """The offer in a line; empty when there is none."""
    found = offer_of(of, GOMEZ, by, on, **known)
    return f"{found.amount} by {found.last_on}" if found else ""


# What is offered


@pytest.mark.parametrize(
    ("of", "by", "said"),
    [
        (item(), TERMS, "20.00 EUR by 2026-03-11"),
        (item(discount="30.00"), OWN, "30.00 EUR by 2026-03-11"),
        (item(), NONE_OF_THE_LEDGERS, ""),
        (item(), granting(from_ledger=False, percent=1, days=5), "10.00 EUR by 2026-03-06"),
        (BY_POLICY, TERMS, ""),
        (BY_POLICY, OWN, "20.00 EUR by 2026-03-11"),
        (item("33.33", ""), granting(percent=3, days=10), "1.00 EUR by 2026-03-11"),
        (item("12.50", ""), granting(percent=1, days=10), "0.13 EUR by 2026-03-11"),
        (item("1250", "", "JPY"), OWN, "25 JPY by 2026-03-11"),
        (item("10.005", "", "KWD"), OWN, "0.200 KWD by 2026-03-11"),
        (item("0.20", ""), OWN, ""),
        (BY_POLICY, granting(percent=2, days=29), "20.00 EUR by 2026-03-30"),
        (BY_POLICY, granting(percent=2, days=30), ""),
        (item(discount="1000.00"), TERMS, ""),
        (item(discount="0.00"), OWN, ""),
    ],
    ids=[
        *("the ledger's", "the ledger's first", "the ledger's do not count", "an own one in their place"),
        *("none", "an own one", "rounded up", "half up", "yen", "fils", "less than a cent"),
        *("the day before it is due", "not when it is due by then", "all of it is no discount", "the ledger grants nothing"),
    ],
)
def test_the_ledgers_terms_go_first_then_the_policys(of: OpenItem, by: Any, said: str) -> None:
    assert offer(of, by) == said


@pytest.mark.parametrize(
    ("match", "is_offered"),
    [
        ({"groups": ["Mayoristas"]}, True),
        ({"countries": ["PT"]}, False),
        ({"min_amount": {"EUR": 1000}}, True),
        ({"min_amount": {"EUR": 1000.01}}, False),
    ],
)
def test_the_own_offer_is_for_whom_it_is_meant(match: dict[str, Any], is_offered: bool) -> None:
    wholesaler, by = replace(GOMEZ, groups=("Mayoristas",)), granting(percent=2, days=10, match=match)
    assert (offer_of(BY_POLICY, wholesaler, by, EARLY) is not None) is is_offered
    assert offer_of(item(), wholesaler, by, EARLY) == EarlyDiscount(LAST_ON, money("20.00")), "the ledger's terms are for whom they name"


@pytest.mark.parametrize(
    "of",
    [
        item(is_late_charge=True),
        item(instalment_count=2),
        item(disputed="two chairs were missing"),
        item(outstanding=money("900.00")),
    ],
    ids=["late charge", "instalments", "disputed", "part-paid, and nobody knows how"],
)
def test_nothing_is_offered_on(of: OpenItem) -> None:
    assert offer(of) == offer(replace(of, early_discount=None), OWN) == ""


@pytest.mark.parametrize(
    ("outstanding", "by_credit_notes", "said"),
    [
        ("900.00", "0.00", "20.00 EUR by 2026-03-11"),
        ("800.00", "200.00", "16.00 EUR by 2026-03-11"),
        ("500.00", "200.00", "16.00 EUR by 2026-03-11"),
        ("20.00", "0.00", ""),
        ("5.00", "0.00", ""),
    ],
    ids=["a part was paid", "a credit note", "both", "only the discount is left", "less is left"],
)
def test_of_a_part_paid_invoice_the_rest_is_offered_less_the_discount(outstanding: str, by_credit_notes: str, said: str) -> None:
    for of, by in ((item(), TERMS), (BY_POLICY, OWN)):
        assert offer(replace(of, outstanding=money(outstanding)), by, credited=money(by_credit_notes)) == said


def test_the_last_day_is_the_last_whatever_the_days_of_grace() -> None:
    generous = granting(percent=2, days=10, grace_days=30)
    assert [bool(offer(BY_POLICY, generous, LAST_ON + timedelta(days=n))) for n in (-1, 0, 1)] == [True, True, False]


def test_a_credit_note_takes_its_share_of_the_discount() -> None:
    """Microsoft Dynamics 365 Finance, "Settle a partial vendor payment that has discounts on credit notes": 1 % of 1,000.00 less 200.00."""
    for of, by in ((item(discount="10.00"), TERMS), (BY_POLICY, granting(percent=1, days=14))):
        found = terms_of(of, GOMEZ, by, money("200.00"))
        assert found is not None
        assert found.amount == money("8.00")


def test_a_notice_offers_what_stands_for_each_of_its_items() -> None:
    due = TUESDAY - timedelta(days=1)
    good = EarlyDiscount(TUESDAY, money("3.00"))
    known = [replace(invoice(number, due=due), early_discount=one) for number, one in (("F-1", good), ("F-2", None), ("F-3", good))]
    act = only_action(owing(*known[:2], replace(known[2], disputed="")))
    assert offers_of(act, TERMS, TUESDAY) == {"F-1/1": good, "F-3/1": good}
    assert offers_of(act, TERMS, TUESDAY, {"F-3/1": money("50.00")})["F-3/1"].amount == money("1.50")
    assert offers_of(act, TERMS, TUESDAY + timedelta(days=1)) == {}


# Whether it was earned


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (facts(paid("980.00", 11)), "20.00 EUR"),
        (facts(paid("980.00", 13)), "20.00 EUR"),
        (facts(paid("980.00", 14)), "not_in_time"),
        (facts(paid("980.00", 11, matched=date(2026, 4, 10))), "20.00 EUR"),
        (facts(paid("990.00", 4)), "10.00 EUR"),
        (facts(paid("500.00", 4), paid("480.00", 12)), "20.00 EUR"),
        (facts(paid("500.00", 4), paid("480.00", 15)), "not_in_time"),
        (facts(paid("980.00", 10), paid("5.00", 25)), "15.00 EUR"),
        (facts(paid("979.99", 10)), "20.01 EUR"),
        (facts(paid("979.98", 10)), "more_is_owed"),
        (facts(), "more_is_owed"),
        (facts(paid("1000.00", 10)), "nothing_left"),
        (facts(paid("984.00", 10), credited("200.00", 5), of=item("1200.00", "24.00")), "16.00 EUR"),
        (facts(paid("980.00", 10), credited("10.00", 28)), "10.00 EUR"),
        (facts(paid("960.40", 10), credited("20.00", 20)), "19.60 EUR"),
        (facts(paid("960.00", 10), credited("20.00", 20)), "more_is_owed"),
        (facts(credited("990.00", 5)), "more_is_owed"),
        (facts(paid("9.80", 5), credited("990.00", 5)), "0.20 EUR"),
        (facts(credited("1000.00", 5)), "nothing_left"),
        (facts(paid("980.00", 10), of=BY_POLICY), "none_granted"),
        (facts(paid("500.00", 5), of=item("980.00", instalment_count=2)), "instalments"),
        (facts(paid("980.00", 5), of=item(is_late_charge=True)), "late_charge"),
        (facts(paid("980.00", 10), of=item(disputed="wrong price")), "disputed"),
        (facts(paid("980.00", 10), already_credited=money("20.00")), "already_credited"),
        (facts(paid("980.00", 10), already_credited=money("0.00")), "20.00 EUR"),
        (facts(paid("980.00", 10), is_covered_by_credit=True), "covered_by_credit"),
        (facts(paid("1225", 10, currency="JPY"), of=item("1250", "25", "JPY")), "25 JPY"),
        (facts(paid("1224", 10, currency="JPY"), of=item("1250", "25", "JPY")), "26 JPY"),
    ],
    ids=[
        *("on the last day", "a bank's two days later", "a day too late", "matched late, came in time", "more than had to be paid"),
        *("in two payments", "the second too late", "a little more later", "a cent short", "two cents short", "nothing paid", "all paid"),
        *("with a credit note", "a credit note after", "in proportion", "without its share", "only a credit note", "a small rest"),
        *("all credited", "none granted", "instalments", "late charge", "disputed", "credited before", "credited with nothing"),
        *("credit is left", "yen", "a yen short"),
    ],
)
def test_the_payments_prove_it(known: DiscountFacts, said: str) -> None:
    assert verdict(known) == said


@pytest.mark.parametrize(("grace", "said"), [(0, "not_in_time"), (2, "20.00 EUR"), (30, "20.00 EUR")])
def test_the_days_of_grace_are_the_policys(grace: int, said: str) -> None:
    assert verdict(facts(paid("980.00", 13), of=BY_POLICY), granting(percent=2, days=10, grace_days=grace)) == said
    assert verdict(facts(paid("980.00", 13)), granting(grace_days=grace)) == said


def test_it_is_earned_on_the_day_on_which_enough_had_come_in_and_says_why() -> None:
    found = earned(facts(paid("480.00", 9), paid("500.00", 4), paid("5.00", 11)))
    assert (found.key, found.credit, found.earned_on) == ("F-1/1|early_discount", money("15.00"), date(2026, 3, 9))
    assert found.terms == EarlyDiscount(LAST_ON, money("20.00"))
    assert found.why == (
        "by 2026-03-13 985.00 EUR had come in, of the 980.00 EUR that were to come by 2026-03-13; the rest of 15.00 EUR is the discount"
    )


def test_before_the_last_day_too_and_not_by_money_that_is_dated_in_the_future() -> None:
    known = facts(paid("980.00", 9))
    assert [verdict(known, on=date(2026, 3, day)) for day in (8, 9, 10)] == ["not_in_time", "20.00 EUR", "20.00 EUR"]


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        (Hold("h", HoldKind.DISPUTE, "gomez", "two chairs were missing", "F-1"), "disputed"),
        (Hold("h", HoldKind.DISPUTE, "gomez", "all of it"), "disputed"),
        (Hold("h", HoldKind.DISPUTE, "gomez", "another one", "F-2"), "20.00 EUR"),
        (Hold("h", HoldKind.DISPUTE, "gomez", "until May", "F-1", date(2026, 5, 1)), "disputed"),
        (Hold("h", HoldKind.DISPUTE, "gomez", "until April", "F-1", date(2026, 4, 1)), "20.00 EUR"),
        (Hold("h", HoldKind.MANUAL, "gomez", "leave it", "F-1"), "20.00 EUR"),
        (Hold("h", HoldKind.PROMISE, "gomez", "on Friday", "F-1", date(2026, 5, 1)), "20.00 EUR"),
    ],
    ids=["of it", "of the customer", "of another", "for now", "that is over", "a hold by hand", "a promise"],
)
def test_nothing_is_credited_while_it_is_disputed(hold: Hold, said: str) -> None:
    assert verdict(facts(paid("980.00", 10), holds=(hold,))) == said


def test_every_reason_is_said_in_a_sentence() -> None:
    contested = Hold("h", HoldKind.DISPUTE, "gomez", "two chairs were missing")
    taken = paid("980.00", 10)
    said = {
        not_earned(known).reason: not_earned(known).detail
        for known in (
            facts(of=item(is_late_charge=True)),
            facts(of=item(instalment_count=3)),
            facts(of=BY_POLICY),
            facts(taken, already_credited=money("20.00")),
            facts(paid("1000.00", 10)),
            facts(taken, holds=(contested,)),
            facts(paid("900.00", 10)),
            replace(facts(taken), allocations=()),
            facts(paid("980.00", 25)),
            facts(taken, is_covered_by_credit=True),
        )
    }
    assert said == {
        WhyNotEarned.LATE_CHARGE: "a late charge of our own bears no discount",
        WhyNotEarned.INSTALMENTS: "an invoice with instalments bears no discount",
        WhyNotEarned.NONE_GRANTED: "neither the ledger's terms nor the policy grant a discount on it",
        WhyNotEarned.ALREADY_CREDITED: "20.00 EUR was credited for it before",
        WhyNotEarned.NOTHING_LEFT: "nothing of it is left to be paid",
        WhyNotEarned.DISPUTED: "it is disputed: two chairs were missing",
        WhyNotEarned.MORE_IS_OWED: "100.00 EUR is left, more than the discount of 20.00 EUR",
        WhyNotEarned.DOUBT: "the books say that 20.00 EUR is outstanding, and the payments that are known leave 1000.00 EUR",
        WhyNotEarned.NOT_IN_TIME: "by 2026-03-13 0.00 EUR had come in, of the 980.00 EUR that were to come by 2026-03-13",
        WhyNotEarned.COVERED_BY_CREDIT: "the customer's unallocated credit covers the 20.00 EUR that is left",
    }
    assert list(said) == list(WhyNotEarned), "in the order in which they are asked"


# What is not asked for


def test_a_rest_that_is_the_discount_or_may_be_is_not_asked_for() -> None:
    taken, late = paid("980.00", 10), paid("980.00", 25)
    unknown = replace(facts(taken), allocations=(), received={})
    by_case = {
        "earned": facts(taken),
        "nobody knows when it came": unknown,
        "covered by credit": facts(taken, is_covered_by_credit=True),
        "too late": facts(late),
        "too large": facts(paid("970.00", 10)),
        "unpaid": facts(),
    }
    left_alone = {case for case, known in by_case.items() if rest_is_discount(judge_discount(known, TERMS, DUE))}
    assert left_alone == {"earned", "nobody knows when it came", "covered by credit"}
    assert not rest_is_discount(judge_discount(facts(taken), NONE_OF_THE_LEDGERS, DUE))


def test_more_credited_than_it_came_to_and_something_left_is_doubt() -> None:
    known = replace(facts(credited("1100.00", 5)), item=item(outstanding=money("5.00")))
    assert not_earned(known).reason is WhyNotEarned.DOUBT


@pytest.mark.parametrize(
    ("amount", "on", "kind", "waits"),
    [
        ("980.00", LAST_ON, CreditKind.PAYMENT, True),
        ("979.99", date(2026, 3, 13), CreditKind.PAYMENT, True),
        ("979.98", LAST_ON, CreditKind.PAYMENT, False),
        ("980.00", date(2026, 3, 14), CreditKind.PAYMENT, False),
        ("980.00", LAST_ON, CreditKind.CREDIT_NOTE, False),
        ("980.00", None, CreditKind.PAYMENT, False),
    ],
)
def test_a_payment_that_nobody_matched_proves_nothing_and_is_waited_for(
    amount: str, on: date | None, kind: CreditKind, waits: bool
) -> None:
    lying = UnappliedCredit("p1", "gomez", kind, money(amount), dated_on=on)
    assert waits_for_matching(item(), GOMEZ, [lying], TERMS) == (on if waits else None)
    assert waits_for_matching(BY_POLICY, GOMEZ, [lying], TERMS) is None
    assert verdict(facts()) == "more_is_owed"


def test_other_money_of_the_customer_is_not_waited_for() -> None:
    dollars = UnappliedCredit("p1", "gomez", CreditKind.PAYMENT, money("980.00", "USD"), dated_on=ISSUED)
    assert waits_for_matching(item(), GOMEZ, [dollars], TERMS) is None
