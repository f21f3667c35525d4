"""Which charge is due on which day, for how much, how it is counted, and why nothing is charged."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from charge_cases import (
    AGREED,
    CONSUMER,
    DUE,
    FEE,
    LATER,
    RECOVERY,
    SHARE,
    STATUTE,
    amounts,
    book,
    charged_by_runs,
    every_day,
    left,
    made,
    owing,
    paid,
    record,
)
from puntual.core.dunning.charge_facts import Balance, ChargeState, NotCharged
from puntual.core.dunning.charges import charges_due
from puntual.core.dunning.facts import Hold, HoldKind
from puntual.core.money import Money

PAID_UP = paid("1000.00", date(2025, 5, 1))


# Interest


def test_agreed_interest_is_charged_by_the_month_from_the_due_date_and_the_last_period_ends_on_the_day_of_payment() -> None:
    facts, by = owing("1000.00", PAID_UP), book(AGREED)
    assert amounts(made(facts, by, date(2025, 6, 1))) == [
        "agreed 2025-04-10 10.19 EUR",  # 31 days × 1000 × 12 % ÷ 365 = 10.1918
        "agreed 2025-05-01 6.91 EUR",  # 52 days = 17.0959, less 10.19
    ]


def test_a_period_is_charged_on_the_day_after_it() -> None:
    facts, by = owing(), book(AGREED)
    assert made(facts, by, date(2025, 4, 10)) == []
    (charge,) = made(facts, by, date(2025, 4, 11))
    assert (charge.due_on, str(charge.key)) == (date(2025, 4, 11), "F-1/1|charge|agreed|2025-04-10")
    assert left(facts, by, date(2025, 4, 10)) == {"agreed": "period_running"}


def test_the_calculation_says_days_rate_base_and_sum() -> None:
    facts = owing("1000.00", paid("400.00", date(2025, 3, 20)))
    (charge,) = made(facts, book(AGREED), date(2025, 4, 11))
    assert charge.lines() == (
        "2025-03-11 to 2025-03-20: 10 days × 1000.00 EUR × 12 % ÷ 365 = 3.287671 EUR [agreed]",
        "2025-03-21 to 2025-04-10: 21 days × 600.00 EUR × 12 % ÷ 365 = 4.142466 EUR [agreed]",
        "Sum: 7.43 EUR (rounded at the end)",
        "Charge: 7.43 EUR",
    )


def test_statutory_interest_is_that_of_the_law_with_its_sources() -> None:
    """Spain, 11.15 % to 30 June 2025 and 10.15 % after it (BOE-A-2024-27618, BOE-A-2025-13217)."""
    facts = owing("1000.00", paid("1000.00", date(2025, 7, 10)))
    by = book({**STATUTE, "every": "once"})
    (charge,) = made(facts, by, date(2025, 7, 11))
    assert [(step.days, str(step.percent)) for step in charge.calculation.steps] == [(112, "11.15"), (10, "10.15")]
    assert str(charge.amount) == "36.99 EUR"  # 34.2137 + 2.7808
    assert all("BOE" in step.source for step in charge.calculation.steps)


def test_a_monthly_rate_gives_whole_months() -> None:
    by = book({"key": "m", "kind": "contract_interest", "monthly_percent": 1.5})
    assert amounts(made(owing(), by, date(2025, 6, 11))) == [f"m 2025-0{month}-10 15.00 EUR" for month in (4, 5, 6)]


def test_interest_once_is_charged_when_the_invoice_is_paid() -> None:
    by = book({**AGREED, "every": "once"})
    assert left(owing(), by, LATER) == {"agreed": "period_running"}
    assert amounts(made(owing("1000.00", PAID_UP), by, date(2025, 5, 2))) == ["agreed 2025-05-01 17.10 EUR"]


def test_the_rate_of_the_payment_is_charged_only_then() -> None:
    by = book({**STATUTE, "rate_over_time": "at_payment", "law": "IE"})
    assert left(owing(), by, LATER) == {"statute": "period_running"}
    (charge,) = made(owing("1000.00", paid("1000.00", date(2025, 7, 10))), by, LATER)
    assert {str(step.percent) for step in charge.calculation.steps} == {"10.15"}


def test_the_policys_own_way_of_counting_takes_the_place_of_the_countrys() -> None:
    def counted(**own: Any) -> str:
        return str(made(owing("1234.56"), book({**AGREED, **own}), date(2025, 4, 11))[0].amount)

    assert (counted(), counted(day_basis="actual_360"), counted(rounding="per_day")) == ("12.58 EUR", "12.76 EUR", "12.71 EUR")


def test_interest_is_compounded_where_the_law_says_so_and_frozen_where_it_says_so() -> None:
    dutch = made(owing("1000.00", due=date(2023, 1, 1)), book({**STATUTE, "law": "NL"}, start="2024-03-01"), date(2024, 4, 2))
    assert dutch[0].calculation.steps[0].base > Money.of("1000.00", "EUR")
    british = made(
        owing("1000.00", due=date(2024, 5, 10), currency="GBP"), book({**STATUTE, "law": "GB"}, start="2024-01-01"), date(2024, 11, 11)
    )
    assert {str(step.percent) for one in british for step in one.calculation.steps} == {"13.25"}  # 5.25 on 31 December 2023, + 8


# Fees, the fixed sum, the highest


def test_a_fee_is_charged_once_and_a_percentage_is_of_what_is_outstanding() -> None:
    facts = owing("1000.00", paid("400.00", DUE + timedelta(days=2)))
    by = book(FEE, SHARE, {"key": "whole", "kind": "percentage", "percent": 2, "base": "total"}, from_days=6)
    assert amounts(made(facts, by, LATER)) == ["fee once 15.00 EUR", "share once 12.00 EUR", "whole once 20.00 EUR"]
    assert made(facts, by, LATER)[1].lines()[0] == "2025-03-16: 2 % of 600.00 EUR = 12 EUR"


def test_a_fee_each_month_falls_due_on_the_same_day_of_the_month_while_anything_is_owed() -> None:
    by = book({**FEE, "every": "month"}, from_days=5)
    periods = [charge.key.period for charge in made(owing("1000.00", paid("1000.00", date(2025, 6, 14))), by, LATER)]
    assert periods == ["2025-03-15", "2025-04-15", "2025-05-15"]


def test_a_short_month_does_not_move_the_months_after_it() -> None:
    by = book({**AGREED, "every": "month"})
    assert [one.key.period for one in made(owing(due=date(2025, 1, 31)), by, date(2025, 5, 1))] == [
        "2025-02-28",
        "2025-03-31",
        "2025-04-30",
    ]


def test_every_so_many_days() -> None:
    by = book({**FEE, "every": 14})
    assert [one.key.period for one in made(owing(), by, date(2025, 4, 10))] == ["2025-03-11", "2025-03-25", "2025-04-08"]


@pytest.mark.parametrize(
    ("law", "total", "currency", "amount"),
    [
        ("ES", "10.00", "EUR", "40.00"),
        ("GB", "999.99", "GBP", "40.00"),
        ("GB", "1000.00", "GBP", "70.00"),
        ("IE", "10000.01", "EUR", "100.00"),
    ],
)
def test_compensation_is_the_laws_fixed_sum_with_its_tiers(law: str, total: str, currency: str, amount: str) -> None:
    (charge,) = made(owing(total, currency=currency), book({**RECOVERY, "law": law}), LATER)
    assert str(charge.amount) == f"{amount} {currency}"
    assert charge.calculation.steps[0].source


def test_a_sum_of_the_policys_own_takes_the_place_of_the_laws() -> None:
    assert amounts(made(owing(), book({**RECOVERY, "amount": {"EUR": 25}}), LATER)) == ["recovery once 25.00 EUR"]
    assert left(owing(currency="USD"), book(RECOVERY), LATER) == {"recovery": "no_amount"}


def test_the_highest_of_several_is_charged_and_named() -> None:
    by = book(FEE, SHARE, {"key": "best", "kind": "higher_of", "of": ["fee", "share"], "every": "month"})
    small, large = made(owing("500.00"), by, date(2025, 3, 12)), made(owing("2000.00"), by, date(2025, 3, 12))
    assert amounts([*small, *large]) == ["best 2025-03-11 15.00 EUR", "best 2025-03-11 40.00 EUR"]
    assert (small[0].calculation.chosen, large[0].calculation.chosen) == ("fee", "share")
    assert large[0].lines()[0] == "The highest of the rules compared is share."


def test_the_highest_of_a_fee_and_interest_is_compared_for_each_period() -> None:
    by = book({**FEE, "amount": {"EUR": 10}}, AGREED, {"key": "best", "kind": "higher_of", "of": ["fee", "agreed"]})
    assert amounts(made(owing(), by, date(2025, 6, 11))) == [
        "best 2025-04-10 10.19 EUR", "best 2025-05-10 10.00 EUR", "best 2025-06-10 10.20 EUR",
    ]  # fmt: skip


# When it begins


def test_who_pays_within_the_days_of_grace_is_charged_nothing_and_later_it_counts_from_the_due_date() -> None:
    by = book({**AGREED, "every": "once"}, from_days=10)
    assert left(owing("1000.00", paid("1000.00", date(2025, 3, 19))), by, LATER) == {"agreed": "not_late_enough"}
    assert amounts(made(owing("1000.00", paid("1000.00", date(2025, 3, 20))), by, LATER)) == ["agreed 2025-03-20 3.29 EUR"]


def test_nothing_that_lies_before_the_start_is_charged() -> None:
    by = book(AGREED, FEE, {**SHARE, "every": "month"}, start="2025-05-01")
    assert amounts(made(owing(), by, date(2025, 5, 12))) == ["agreed 2025-05-10 3.29 EUR", "share 2025-05-11 20.00 EUR"]
    assert left(owing(), by, date(2025, 5, 12))["fee"] == "before_start"


def test_the_go_live_date_is_the_start_when_none_is_given() -> None:
    policy = book(AGREED).policy
    assert policy.late_charges
    by = replace(book(AGREED), settings=policy.late_charges.model_copy(update={"start": None}))
    assert left(owing(), by, LATER) == {"": "before_start"}


def test_nothing_is_charged_before_it_was_announced_and_some_days_have_passed() -> None:
    by = book(AGREED, FEE, announce=True, announce_days=10)
    assert left(owing(), by, LATER) == {"agreed": "not_announced", "fee": "not_announced"}
    told = owing(announced_on={"agreed": date(2025, 4, 5), "fee": date(2025, 4, 5)})
    assert left(told, by, date(2025, 4, 14)) == {"agreed": "not_announced", "fee": "not_announced"}
    assert amounts(made(told, by, date(2025, 4, 15))) == ["agreed 2025-04-10 10.19 EUR", "fee once 15.00 EUR"]


def test_a_fee_that_was_not_announced_in_time_is_not_charged_on_what_was_paid_before() -> None:
    told = owing("1000.00", paid("1000.00", date(2025, 4, 14)), announced_on={"fee": date(2025, 4, 5)})
    assert left(told, book(FEE, announce=True, announce_days=10), LATER) == {"fee": "nothing_left"}


# Limits


def test_what_is_below_the_minimum_waits_for_the_next_and_is_lost_nowhere() -> None:
    by = book(AGREED, minimum={"EUR": 25})
    facts = owing()
    assert left(facts, by, date(2025, 5, 11)) == {"agreed": "below_minimum"}
    (charge,) = made(facts, by, date(2025, 6, 11))
    assert (charge.calculation.first, charge.key.period, str(charge.amount)) == (date(2025, 3, 11), "2025-06-10", "30.25 EUR")
    assert left(owing("1000.00", PAID_UP), by, LATER) == {"agreed": "below_minimum"}


def test_all_charges_together_stay_under_the_cap_in_the_order_in_which_they_fell_due() -> None:
    by = book({**RECOVERY}, AGREED, cap={"EUR": 55}, cap_share=0.5)
    found = made(owing(), by, LATER)
    assert amounts(found) == ["recovery once 40.00 EUR", "agreed 2025-04-10 10.19 EUR", "agreed 2025-05-10 4.81 EUR"]
    assert found[-1].lines()[-2:] == ("all charges are capped at 55 EUR", "Charge: 4.81 EUR")
    assert left(owing(), by, LATER)["agreed"] == "period_running"
    rest = replace(owing(), charges=tuple(map(record, found)))
    assert {one.reason.value for one in charges_due(rest, by, LATER) if isinstance(one, NotCharged)} >= {"cap_reached", "already_charged"}
    assert made(rest, by, LATER) == []


def test_the_cap_as_a_share_of_the_invoice() -> None:
    assert amounts(made(owing("100.00"), book(RECOVERY, cap_share=0.1), LATER)) == ["recovery once 10.00 EUR"]


def test_a_rate_that_is_not_known_yet_stops_the_rule_and_what_is_known_is_charged() -> None:
    unknown = date(2035, 1, 1)
    assert left(owing(), book(STATUTE), unknown) == {"statute": "rate_unknown"}
    assert made(owing(), book(STATUTE), unknown)[0].key.period == "2025-04-10"


# Who is charged


def test_a_consumer_owes_no_interest_of_businesses_and_no_compensation() -> None:
    everybody = [{**rule, "customers": "all"} for rule in (STATUTE, RECOVERY)]
    assert left(owing(customer=CONSUMER), book(*everybody), LATER) == {"statute": "consumer", "recovery": "consumer"}
    own = {**RECOVERY, "customers": "all", "amount": {"EUR": 10}}
    assert left(owing(customer=CONSUMER), book(own), LATER) == {"recovery": "consumer"}
    assert left(owing(customer=CONSUMER), book(AGREED, FEE), LATER) == {"agreed": "consumer", "fee": "consumer"}


def test_a_consumer_owes_what_the_law_has_for_consumers() -> None:
    """§ 288 (1) BGB: five points above the base rate, 2.27 % from 1 January 2025."""
    by = book({**STATUTE, "law": "DE", "customers": "consumer"})
    assert str(made(owing(customer=CONSUMER), by, date(2025, 4, 11))[0].calculation.steps[0].percent) == "7.27"
    assert left(owing(), by, LATER) == {"statute": "other_customers"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"item": {"is_late_charge": True}}, "own_document"),
        ({"is_void": True}, "not_owed"),
        ({"ledger_late_fee": "Late fee"}, "ledger_charges"),
        ({"not_chased": "excluded"}, "not_chased"),
        ({"item": {"do_not_chase": "legal"}}, "not_chased"),
        ({"item": {"disputed": "wrong price"}}, "disputed"),
        ({"holds": (Hold("h", HoldKind.DISPUTE, "gomez", "wrong", "F-1"),)}, "disputed"),
        ({"holds": (Hold("h", HoldKind.MANUAL, "gomez", "wait"),)}, "held"),
        ({"holds": (Hold("h", HoldKind.PROMISE, "gomez", "soon", until=LATER),)}, "promised"),
        ({"is_covered_by_credit": True}, "covered_by_credit"),
        ({"balances": (Balance(date.min, Money.of("900.00", "EUR")),)}, "doubt"),
    ],
)
def test_what_stops_every_rule(changes: dict[str, Any], reason: str) -> None:
    balances = {key: changes.pop(key) for key in ("balances",) if key in changes}
    assert left(replace(owing(**changes), **balances), book(AGREED, FEE), LATER) == {"": reason}


def test_a_broken_promise_stops_nothing_any_more() -> None:
    promise = Hold("h", HoldKind.PROMISE, "gomez", "soon", until=date(2025, 4, 8))
    assert left(owing(holds=(promise,)), book(FEE), date(2025, 4, 10)) == {"": "promised"}
    assert amounts(made(owing(holds=(promise,)), book(FEE), date(2025, 4, 11))) == ["fee once 15.00 EUR"]


def test_who_is_exempt_is_not_charged_and_the_reason_is_said() -> None:
    by = book(FEE, exempt=[{"match": {"names": ["talleres *"]}, "reason": "a pact"}])
    (why,) = charges_due(owing(), by, LATER)
    assert isinstance(why, NotCharged)
    assert (why.reason.value, why.detail) == ("exempt", "a pact")


def test_a_policy_without_late_charges_charges_nothing() -> None:
    assert charges_due(owing(), replace(book(FEE), rules=()), LATER) == ()


def test_what_nobody_decided_about_tax_is_not_charged_even_if_the_policy_was_never_checked() -> None:
    by = book(FEE)
    unsaid = by.settings.model_copy(update={"tax": by.settings.tax.model_copy(update={"late_fee": None})})
    assert left(owing(), replace(by, settings=unsaid), LATER) == {"fee": "tax_undecided"}
    assert made(owing(), by, LATER)[0].tax.value == "none"


# After the payment


def test_what_was_not_charged_when_the_invoice_is_paid_is_waived_or_kept() -> None:
    facts = owing("1000.00", PAID_UP)
    assert left(facts, book(AGREED, FEE, after_payment="waive"), LATER) == {"agreed": "waived_on_payment", "fee": "waived_on_payment"}
    assert len(made(facts, book(AGREED, FEE), LATER)) == 3


def test_what_is_not_worth_a_letter_after_the_payment_is_written_off() -> None:
    facts, by = owing("1000.00", PAID_UP), book(AGREED, write_off_below={"EUR": 20})
    assert left(facts, by, LATER) == {"agreed": "written_off"}
    assert len(made(facts, book(AGREED, write_off_below={"EUR": 17}), LATER)) == 2
    assert made(owing(), by, date(2025, 4, 11)), "only after the payment"


# Once


def test_running_every_hour_for_a_year_charges_as_often_as_the_policy_says() -> None:
    hours = [day for day in every_day(DUE, DUE + timedelta(days=365)) for _ in range(24)]
    done = charged_by_runs(owing(), book(RECOVERY, {**FEE, "every": "month"}, {**AGREED, "every": 30}), hours)
    assert sorted({(one.rule, sum(other.rule == one.rule for other in done)) for one in done}) == [
        ("agreed", 12),
        ("fee", 12),
        ("recovery", 1),
    ]
    assert len({str(one.key) for one in done}) == len(done) == 25


def test_a_charge_that_was_waived_or_waits_is_not_made_again() -> None:
    by = book(AGREED, FEE)
    for state in ChargeState:
        known = tuple(record(one, state) for one in made(owing(), by, date(2025, 4, 11)))
        assert made(replace(owing(), charges=known), by, date(2025, 4, 11)) == []


def test_a_due_date_that_moved_charges_no_day_twice() -> None:
    by = book(AGREED)
    known = tuple(map(record, made(owing(), by, date(2025, 4, 11))))
    moved = replace(owing(due=DUE + timedelta(days=5)), charges=known)
    assert made(moved, by, date(2025, 5, 16))[0].calculation.first == date(2025, 4, 11)


def test_a_charge_is_never_taken_on_a_charge() -> None:
    by = book({"key": "whole", "kind": "percentage", "percent": 2, "base": "total", "every": "month"}, {**AGREED, "every": "month"})
    line = record(made(owing(), by, date(2025, 3, 12))[0], line_total=Money.of("24.20", "EUR"))
    with_line = replace(owing("1024.20", charges=(line,)))
    assert amounts(made(with_line, by, date(2025, 4, 11))) == ["whole 2025-04-11 20.00 EUR", "agreed 2025-04-10 10.19 EUR"]


def test_a_statement_gathers_what_fell_due_in_a_month() -> None:
    by = book(AGREED, {**FEE, "every": 14}, placement="statement", approval=False)
    assert made(owing(), by, date(2025, 3, 31)) == []
    found = made(owing(), by, date(2025, 5, 1))
    assert [(one.statement, one.amount.amount) for one in found if one.rule == "agreed"] == [
        ("2025-04", made(owing(), book(), LATER)[0].amount.amount)
    ]
    assert [one.statement for one in found if one.rule == "fee"] == ["2025-03", "2025-03", "2025-04", "2025-04"]
    assert {(one.placement.value, one.needs_approval) for one in found} == {("statement", False)}


def test_without_the_data_of_a_country_only_what_was_agreed_is_charged() -> None:
    by = replace(
        book(STATUTE, RECOVERY, AGREED, tax={"contract_interest": "none", "statutory_interest": "none", "compensation": "none"}), packs={}
    )
    assert left(owing(), by, date(2025, 4, 11)) == {"statute": "no_such_right", "recovery": "no_such_right", "agreed": "period_running"}
    assert amounts(made(owing(), by, date(2025, 4, 11))) == ["agreed 2025-04-10 10.19 EUR"]


def test_interest_on_amounts_without_tax_is_in_doubt_because_the_books_give_them_with_it() -> None:
    by = book(AGREED)
    pack = by.packs["ES"]
    net = pack.method.model_copy(update={"base_with_tax": pack.method.base_with_tax.model_copy(update={"value": False})})
    assert left(owing(), replace(by, packs={"ES": pack.model_copy(update={"method": net})}), LATER) == {"agreed": "doubt"}
