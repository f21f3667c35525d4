"""What a notice tells of late charges: what is told together, which law is named, and that a calculation adds up for its reader."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from news_cases import AGREED, BEST, COSTS, COUNTED, FEE, INTEREST, SHARE, STANDING, charging_policy, eur, line
from notice_cases import CUSTOMER, TODAY, action, owed
from puntual.core.dunning.charge_facts import Announcement
from puntual.core.money import Money
from puntual.core.notices.charge_news import MOST_PRINTED, Announced, Charged, ChargeNews, Prospect
from puntual.core.notices.context import NoticeContext, build_context
from puntual.core.notices.display import exact_money_text, percent_text
from puntual.core.policy.schema import NoticeKind, Policy
from puntual.core.receivables import Customer

NBSP = "\u00a0"
ITEMS = (owed("F-1", -9, "1250.00"), owed("F-2", -9, "80.50"), owed("F-3", -9, "10.00", "USD"))


def told(news: ChargeNews, customer: Customer = CUSTOMER, by: Policy | None = None, country: str = "ES") -> NoticeContext:
    act = action(NoticeKind.REMINDER, *ITEMS, customer=replace(customer, country=country))
    return build_context(act, by or charging_policy(), TODAY, {}, charges=news)


def announced(*pairs: tuple[str, Announcement], **more: object) -> tuple[Prospect, ...]:
    return told(ChargeNews(tuple(Announced(f"i{item}/1", one) for item, one in pairs)), **more).prospects


def test_items_that_are_told_the_same_are_told_together() -> None:
    later = replace(INTEREST, from_on=date(2025, 6, 3), a_day=eur("0.02"))
    (one,) = announced(("1", INTEREST), ("2", later))
    assert (one.kind, one.percent, one.a_day, one.from_day) == ("statutory_interest", f"11,15{NBSP}%", f"0,40{NBSP}€", "20 de mayo")
    assert (one.invoices, one.numbers, one.every, one.law) == (2, "F-1 y F-2", 0, "Ley 3/2004")


def test_a_fixed_sum_is_told_for_each_and_a_percentage_for_all() -> None:
    costs, share = announced(("1", COSTS), ("2", COSTS), ("1", SHARE), ("2", replace(SHARE, amount=eur("1.61"))))
    assert (costs.amount, costs.invoices, costs.every) == (f"40,00{NBSP}€", 2, None)
    assert (share.amount, share.percent) == (f"26,61{NBSP}€", f"2{NBSP}%")


def test_other_currencies_rates_and_sums_are_told_apart_in_the_order_of_the_policy() -> None:
    dollars = replace(INTEREST, a_day=Money.of("0.01", "USD"))
    found = announced(("1", FEE), ("1", INTEREST), ("2", replace(INTEREST, percent=Decimal(9))), ("3", dollars), ("2", COSTS))
    assert [(one.kind, one.numbers) for one in found] == [
        ("statutory_interest", "F-1"),
        ("statutory_interest", "F-2"),
        ("statutory_interest", "F-3"),
        ("compensation", "F-2"),
        ("flat_fee", "F-1"),
    ]


def test_the_highest_of_several_tells_its_members_without_a_rhythm_of_their_own() -> None:
    (one,) = announced(("1", BEST), ("2", BEST))
    assert (one.kind, one.every, [(m.kind, m.a_day or m.amount, m.every) for m in one.highest_of]) == (
        "higher_of",
        0,
        [("contract_interest", f"0,82{NBSP}€", None), ("percentage", f"50,00{NBSP}€", None)],
    )


def test_what_is_told_of_other_items_is_left_out() -> None:
    assert announced(("9", INTEREST)) == ()
    news = ChargeNews((Announced("i1/1", FEE), Announced("i9/1", FEE)), (*STANDING, replace(STANDING[0], item_id="i1/1")))
    assert news.of_items(["i1/1"]) == ChargeNews((Announced("i1/1", FEE),), (replace(STANDING[0], item_id="i1/1"),))


@pytest.mark.parametrize(
    ("one", "customer", "law"),
    [
        (INTEREST, CUSTOMER, "Ley 3/2004"),
        (INTEREST, replace(CUSTOMER, is_business=False), ""),
        (replace(INTEREST, law=""), CUSTOMER, ""),
        (AGREED, CUSTOMER, ""),
        (replace(COSTS, law="a sum of the policy's own"), CUSTOMER, "Ley 3/2004"),
    ],
)
def test_the_law_is_named_where_it_gives_the_right(one: Announcement, customer: Customer, law: str) -> None:
    assert [prospect.law for prospect in announced(("1", one), customer=customer)] == [law]


def test_a_sum_of_the_companys_own_is_not_put_down_to_the_law() -> None:
    rules = [rule.model_copy(update={"amount": {"EUR": Decimal(15)}}) for rule in charging_policy().late_charges.rules]  # type: ignore[union-attr]
    own = charging_policy().model_copy(update={"late_charges": charging_policy().late_charges.model_copy(update={"rules": tuple(rules)})})  # type: ignore[union-attr]
    assert announced(("1", COSTS), by=own)[0].law == ""


def charges(*standing: object) -> tuple[Charged, ...]:
    return told(ChargeNews((), standing)).charged  # type: ignore[arg-type]


def test_a_charge_is_printed_with_its_steps() -> None:
    (one,) = charges(STANDING[0])
    assert (one.kind, one.law, one.number, one.document, one.charged_on, one.amount) == (
        *("statutory_interest", "Ley 3/2004", "F-2025-0102", "ND/2025/0007", "2 may 2025", f"1,54{NBSP}€"),
    )
    assert (one.net, one.counted, one.was_corrected, one.carries_rounding) == ("", "", False, False)
    step = one.steps[1]
    assert (step.first, step.last, step.days, step.base, step.percent, step.divisor, step.daily, step.sum) == (
        *("13 abr 2025", "30 abr 2025", 18, f"80,50{NBSP}€", f"11,15{NBSP}%", 365, "", f"0,4427{NBSP}€"),
    )


def test_what_makes_the_charge_differ_from_its_steps_is_said() -> None:
    limited = replace(COUNTED, total=eur("1.00"))
    carried = replace(COUNTED, counted=eur("1.55"), total=eur("1.55"))
    first = STANDING[0]
    with_tax, capped, corrected, rounded = (
        charges(replace(first, **changes))[0]
        for changes in (
            {"amount": eur("1.86")},
            {"amount": eur("1.00"), "calculation": limited},
            {"amount": eur("0.54")},
            {"amount": eur("1.55"), "calculation": carried},
        )
    )
    assert (with_tax.net, with_tax.amount) == (f"1,54{NBSP}€", f"1,86{NBSP}€")
    assert (capped.counted, capped.net, capped.was_corrected) == (f"1,54{NBSP}€", "", False)
    assert (corrected.was_corrected, rounded.carries_rounding) == (True, True)


def test_where_each_day_is_rounded_the_daily_amount_is_printed() -> None:
    by_day = replace(COUNTED, steps=(line(date(2025, 4, 1), date(2025, 4, 30), "1000.00", "8.5", "6.90"),))
    (one,) = charges(replace(STANDING[0], calculation=by_day))
    assert (one.steps[0].daily, one.steps[0].sum) == (f"0,23{NBSP}€", f"6,90{NBSP}€")


def test_a_charge_without_its_calculation_and_rule_is_still_told() -> None:
    (one,) = charges(replace(STANDING[0], rule="gone", calculation=None))
    assert (one.kind, one.law, one.amount, one.steps) == ("", "", f"1,54{NBSP}€", ())
    assert told(ChargeNews((), STANDING), by=charging_policy().model_copy(update={"late_charges": None})).charged[0].law == ""


def test_the_newest_charges_are_printed_and_those_before_them_counted() -> None:
    many = [replace(STANDING[0], charged_on=date(2025, 1, day)) for day in range(1, MOST_PRINTED + 4)]
    seen = told(ChargeNews((), tuple(many)))
    assert [one.charged_on for one in seen.charged][0::11] == ["4 ene 2025", "15 ene 2025"]
    assert [(one.count, one.amount) for one in seen.charged_before] == [(3, f"4,62{NBSP}€")]


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        ("45.821918", "EUR", "es_ES", f"45,8219{NBSP}€"),
        ("45.8", "EUR", "es_ES", f"45,80{NBSP}€"),
        ("1234.56789", "EUR", "es_ES", f"1.234,5679{NBSP}€"),
        ("0.00009", "EUR", "en_GB", "€0.0001"),
        ("12.5", "JPY", "es_ES", f"12,5{NBSP}JPY"),
        ("0.12345", "KWD", "en_GB", f"KWD{NBSP}0.12345"),
    ],
)
def test_amounts_that_were_not_rounded_keep_two_more_decimals(amount: str, currency: str, locale: str, shown: str) -> None:
    assert exact_money_text(Decimal(amount), currency, locale) == shown


def test_rates_are_written_as_the_locale_does() -> None:
    assert [percent_text(Decimal("11.15"), locale) for locale in ("es_ES", "en_GB")] == [f"11,15{NBSP}%", "11.15%"]
