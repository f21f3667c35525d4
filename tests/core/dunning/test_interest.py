"""Interest to the cent: published examples by country, a year of payments against a spreadsheet, and each way of counting by itself."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from puntual.core.dunning.interest import Accrual, Balance, accrue, charge_between
from puntual.core.money import CurrencyMismatch, Money
from puntual.core.policy.countries import country_pack
from puntual.core.policy.country_pack import Compensation, CountryPack
from puntual.core.rates import Compounding, Confirmation, DayBasis, InterestRule, Rate, RateOverTime, RateTable, RateUnknown, Rounding


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def owing(amount: str, since: date, currency: str = "EUR") -> list[Balance]:
    return [Balance(since, Money.of(amount, currency))]


def fixed(percent: str) -> RateTable:
    return RateTable.fixed(Decimal(percent), "the contract")


def table(*rates: tuple[date, str]) -> RateTable:
    return RateTable(tuple(Rate(day, Decimal(percent), "a table", Confirmation.SECONDARY) for day, percent in rates))


def by_law(country: str) -> InterestRule:
    rule = country_pack(country).statutory_rule(is_business=True)
    assert isinstance(rule, InterestRule)
    return rule


def days_of(amount: str, rule: InterestRule, first: date, days: int, currency: str = "EUR") -> Accrual:
    return accrue(owing(amount, first, currency), rule, first, first + timedelta(days=days - 1))


def compensation(pack: CountryPack, debt: Money, on: date) -> str:
    found = pack.compensation_for(debt, on, is_business=True)
    assert isinstance(found, Compensation)
    return str(found.amount)


# Published examples


def test_united_kingdom() -> None:
    """https://www.gov.uk/late-commercial-payments-interest-debt-recovery/charging-interest-commercial-debt: 1,000 pounds with a base rate
    of 0.5 %: 85 a year, 23p a day, 11.50 after 50 days (as others quote the page)."""
    made = days_of("1000.00", by_law("GB"), date(2016, 2, 2), 50, "GBP")
    assert str(made.total) == "11.50 GBP"


def test_united_kingdom_with_the_fixed_sum() -> None:
    """https://support.paidnice.com/en/articles/11600906-how-to-automatically-calculate-statutory-interest-in-the-uk: 5,000 pounds, 101 days
    at 12.25 %, 1.68 a day, 169.68; with the fixed sum of 70 the whole is 239.68."""
    made = days_of("5000.00", by_law("GB"), date(2025, 7, 2), 101, "GBP")
    assert str(made.total) == "169.68 GBP"
    assert compensation(country_pack("GB"), Money.of("5000.00", "GBP"), date(2025, 7, 2)) == "70.00 GBP"


def test_ireland() -> None:
    """The department's FAQ (https://enterprise.gov.ie/en/faqs/what-is-the-late-payment-interest-rate-1.html), as read by others on
    2026-10-08: 1,000 euro, 25 days at 10.4 %: 7.12."""
    assert days_of("1000.00", by_law("IE"), date(2026, 7, 11), 25).total == eur("7.12")


def test_germany() -> None:
    """https://github.com/digineo/verzugszinsen (README): 1,500 euro from 2009-09-15 to 2012-02-17 at 8 points above the base rate: 297.50.
    2012 has 366 days, and each half-year stands by itself. The rates are those of the example, the way of counting is the pack's."""
    rates = table((date(2009, 7, 1), "8.12"), (date(2010, 1, 1), "8.12"), (date(2010, 7, 1), "8.12"), (date(2011, 1, 1), "8.12"),
                  (date(2011, 7, 1), "8.37"), (date(2012, 1, 1), "8.12"))  # fmt: skip
    first, last = date(2009, 9, 15), date(2012, 2, 17)
    made = accrue(owing("1500.00", first), replace(by_law("DE"), rates=rates), first, last)
    assert [(segment.days, f"{float(segment.exact):.4f}") for segment in made.segments] == [
        (108, "36.0395"), (181, "60.3995"), (184, "61.4005"), (181, "60.3995"), (184, "63.2910"), (48, "15.9738"),
    ]  # fmt: skip
    assert made.total == eur("297.50")


def test_austria() -> None:
    """https://solidbau.at/wissen-service/verzugszinsen-ein-nicht-zu-unterschaetzender-faktor: 100,000 euro bear 8,580.00 a year at the rate
    that counted from 2016-07-01 to 2022-12-31."""
    assert days_of("100000.00", by_law("AT"), date(2021, 1, 1), 365).total == eur("8580.00")


def test_italy() -> None:
    """https://knowunity.it/knows/economia-il-calcolo-dellinteresse-169540eb-164b-4841-8ee6-dcf50fe9b223: 8,200 euro, 22 days at 8.05 %
    (the rate of 2015): 39.79."""
    assert days_of("8200.00", by_law("IT"), date(2015, 3, 2), 22).total == eur("39.79")


def test_netherlands() -> None:
    """https://go-figure.nl/tag/rente/: 1,000 euro, 11 days at 8 % (the rate of 2016-07 to 2022): 2.41."""
    assert days_of("1000.00", by_law("NL"), date(2017, 3, 1), 11).total == eur("2.41")


def test_spain() -> None:
    """https://www.covline.es/calcular-intereses-demora/: 2,300 euro, 30 days at an agreed rate of 5 %: 9.45. No published example with the
    statutory rate was found that comes out to the cent."""
    assert days_of("2300.00", country_pack("ES").contract_rule(fixed("5")), date(2017, 10, 7), 30).total == eur("9.45")


def test_portugal() -> None:
    """https://www.economias.pt/como-calcular-juros-de-mora/: 300 euro, 10 days at 4.705 % (owed to the state in 2021): 0.39. No published
    example with the commercial rate was found."""
    assert days_of("300.00", country_pack("PT").contract_rule(fixed("4.705")), date(2021, 3, 1), 10).total == eur("0.39")


def test_belgium() -> None:
    """https://blogbox.be/zakelijk/begrijpen-van-nalatigheidsinteresten-wat-elke-ondernemer-moet-weten/: 1,000 euro, 30 days at an agreed
    rate of 5 %: 4.11. With the rate of the law no published example was found; the second number is computed by hand: 8 + 2.5 points stay
    10.5, and 1,000 x 10.5 % x 60 / 365 = 17.2603."""
    assert days_of("1000.00", country_pack("BE").contract_rule(fixed("5")), date(2023, 2, 1), 30).total == eur("4.11")
    assert days_of("1000.00", by_law("BE"), date(2023, 2, 1), 60).total == eur("17.26")


def test_france() -> None:
    """https://lesjooristes.fr/post/comment-calculer-les-p%C3%A9nalit%C3%A9s-de-retard: 5,000 euro, 30 days at 10 % (the rate of the law
    from 2016-07 to 2022): 41.10. https://agenceipro.com/zoom-sur-les-penalites-de-retard: 15,000 euro, 30 days at an agreed rate of 15 %:
    184.93. Over a change of the half-year no published example was found; 10,000 euro, computed by hand: 13.15 % x 20 / 365 = 72.0548 and
    12.15 % x 20 / 365 = 66.5753."""
    assert days_of("5000.00", by_law("FR"), date(2019, 9, 2), 30).total == eur("41.10")
    assert days_of("15000.00", country_pack("FR").contract_rule(fixed("15")), date(2024, 3, 1), 30).total == eur("184.93")
    assert days_of("10000.00", by_law("FR"), date(2025, 6, 11), 40).total == eur("138.63")


def test_european_union() -> None:
    """https://fiscavo.com/blog/late-payment-interest-eu-uk: 4,500 euro, 30 days at 11 % (a rate of the example): 40.68, with 40.00 for the
    costs 80.68."""
    pack = country_pack("EU")
    made = days_of("4500.00", pack.contract_rule(fixed("11")), date(2024, 3, 1), 30)
    assert made.total == eur("40.68")
    assert compensation(pack, eur("4500.00"), date(2024, 3, 1)) == "40.00 EUR"


def test_thirty_days_a_month() -> None:
    """https://p-konto.de/wiki/zinsformel/: 10,000 euro at 6 % from 1 January to 30 July 2016 are 210 days and 350.00."""
    first = date(2016, 1, 1)
    made = accrue(owing("10000.00", first), InterestRule(fixed("6"), DayBasis.THIRTY_360), first, date(2016, 7, 30))
    assert (made.days, made.total) == (210, eur("350.00"))


def test_a_year_of_360_days() -> None:
    """https://www.fiscal.treasury.gov/fsservices/gov/pmt/promptPayment/calculator_interest.htm: due on April 1, paid on April 11, 1,500
    dollars at 6.5 %: 2.71."""
    rule = InterestRule(fixed("6.5"), DayBasis.ACTUAL_360)
    assert str(accrue(owing("1500.00", date(2019, 4, 2), "USD"), rule, date(2019, 4, 2), date(2019, 4, 11)).total) == "2.71 USD"


# Thirteen months with three part payments, a credit note and two changes of the rate

FIRST, LAST = date(2024, 6, 1), date(2025, 6, 30)
PAID = {date(2024, 7, 20): 2000_00, date(2024, 11, 5): 3333_33, date(2024, 12, 31): 512_34, date(2025, 3, 10): 1500_50}
BILLED = 12345_67


def history() -> list[Balance]:
    left, balances = BILLED, [Balance(date(2024, 5, 1), Money.from_minor(BILLED, "EUR"))]
    for day, cents in PAID.items():
        left -= cents
        balances.append(Balance(day + timedelta(days=1), Money.from_minor(left, "EUR")))
    return balances


def spreadsheet(first: date, last: date, year: int = 365) -> Fraction:
    """One row a day: what was owed that morning in cents, the rate in hundredths of a percent, the interest of the day in cents."""
    total, day = Fraction(0), first
    while day <= last:
        owed = BILLED - sum(cents for paid_on, cents in PAID.items() if paid_on < day)
        rate = 1250 if day < date(2024, 7, 1) else 1225 if day < date(2025, 1, 1) else 1115
        total += Fraction(owed * rate, 10_000 * year)
        day += timedelta(days=1)
    return total


def in_cents(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def test_thirteen_months_agree_with_a_spreadsheet() -> None:
    made = accrue(history(), by_law("ES"), FIRST, LAST)
    assert made.total.minor == in_cents(spreadsheet(FIRST, LAST)) == 1024_55
    assert sum((segment.exact for segment in made.segments), Fraction(0)) * 100 == spreadsheet(FIRST, LAST)
    assert made.days == (LAST - FIRST).days + 1
    assert [segment.first for segment in made.segments] == [
        FIRST, date(2024, 7, 1), date(2024, 7, 21), date(2024, 11, 6), date(2025, 1, 1), date(2025, 3, 11),
    ]  # fmt: skip


def test_months_and_days_add_up_to_the_whole() -> None:
    whole = accrue(history(), by_law("ES"), FIRST, LAST).total
    for step in (1, 7, 30, 91):
        total, day = eur("0"), FIRST
        while day <= LAST:
            end = min(day + timedelta(days=step - 1), LAST)
            total += charge_between(history(), by_law("ES"), FIRST, day, end).total
            day = end + timedelta(days=1)
        assert total == whole


def test_a_period_shows_its_own_days() -> None:
    made = charge_between(history(), by_law("ES"), FIRST, date(2024, 11, 1), date(2024, 11, 30))
    assert [(s.first.day, s.last.day, s.days, str(s.base)) for s in made.segments] == [
        (1, 5, 5, "10345.67 EUR"),
        (6, 30, 25, "7012.34 EUR"),
    ]
    assert made.total.minor == in_cents(spreadsheet(FIRST, date(2024, 11, 30))) - in_cents(spreadsheet(FIRST, date(2024, 10, 31)))


def test_the_calculation_can_be_printed() -> None:
    made = accrue(history(), by_law("ES"), FIRST, date(2024, 7, 5))
    assert made.lines() == (
        "2024-06-01 … 2024-06-30: 30 d × 12345.67 EUR × 12.5 % ÷ 365 = 126.8391 EUR [BOE-A-2023-26709 (Secretaría General del Tesoro)]",
        "2024-07-01 … 2024-07-05: 5 d × 12345.67 EUR × 12.25 % ÷ 365 = 20.7170 EUR [BOE-A-2024-13089 (Secretaría General del Tesoro)]",
    )
    assert made.segments[0].amount == Decimal("126.839075")


# Each way of counting by itself


def test_the_day_of_payment_counts_and_the_next_does_not() -> None:
    paid_on = date(2025, 3, 10)
    balances = [*owing("365.00", date(2025, 3, 1)), Balance(paid_on + timedelta(days=1), eur("0"))]
    rule = InterestRule(fixed("100"))
    assert accrue(balances, rule, date(2025, 3, 1), paid_on).total == eur("10.00")
    assert accrue(balances, rule, date(2025, 3, 1), date(2026, 3, 1)).total == eur("10.00")


def test_a_rate_begins_on_its_day() -> None:
    rule = InterestRule(table((date(2025, 1, 1), "10"), (date(2025, 7, 1), "20")))
    made = accrue(owing("365.00", date(2025, 6, 30)), rule, date(2025, 6, 30), date(2025, 7, 1))
    assert [(s.first, s.annual_percent, s.exact) for s in made.segments] == [
        (date(2025, 6, 30), Decimal(10), Fraction(1, 10)), (date(2025, 7, 1), Decimal(20), Fraction(2, 10)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("basis", "days", "divisor"),
    [(DayBasis.ACTUAL_365, 60, 365), (DayBasis.ACTUAL_ACTUAL, 60, 366), (DayBasis.THIRTY_360, 59, 360), (DayBasis.ACTUAL_360, 60, 360)],
)
def test_january_and_february_of_a_leap_year(basis: DayBasis, days: int, divisor: int) -> None:
    """31 and 29 days; by 30/360 the 31st counts nothing, and what February lacks comes with 1 March."""
    first, last = date(2024, 1, 1), date(2024, 2, 29)
    made = accrue(owing("1000.00", first), InterestRule(fixed("12"), basis), first, last)
    assert (made.days, made.segments[0].divisor) == (days, divisor)
    if basis is DayBasis.THIRTY_360:
        assert accrue(owing("1000.00", first), InterestRule(fixed("12"), basis), first, date(2024, 3, 1)).days == 61


def test_actual_actual_is_cut_at_the_end_of_a_year() -> None:
    first, last = date(2023, 12, 31), date(2024, 1, 1)
    made = accrue(owing("1000.00", first), InterestRule(fixed("10"), DayBasis.ACTUAL_ACTUAL), first, last)
    assert [segment.exact for segment in made.segments] == [Fraction(100, 365), Fraction(100, 366)]


def test_rounding_each_day_each_segment_or_once() -> None:
    """1,000.00 at 8.5 % is 0.23288 a day."""
    rates = table((date(2024, 1, 1), "8.5"), (date(2024, 7, 1), "8.5"))
    first, last = date(2024, 6, 20), date(2024, 7, 10)
    totals = {rounding: accrue(owing("1000.00", first), InterestRule(rates, rounding=rounding), first, last).total for rounding in Rounding}
    assert totals == {Rounding.PER_DAY: eur("4.83"), Rounding.PER_SEGMENT: eur("4.89"), Rounding.AT_END: eur("4.89")}


def test_frozen_and_split_differ_when_the_rate_does() -> None:
    """A British debt that became late on 1 June 2025 keeps 12.75 % although Bank Rate was 4.25 % on 30 June."""
    first, last = date(2025, 6, 1), date(2025, 8, 31)
    frozen = accrue(owing("1000.00", first, "GBP"), by_law("GB"), first, last)
    split = accrue(owing("1000.00", first, "GBP"), replace(by_law("GB"), over_time=RateOverTime.SPLIT), first, last)
    assert [segment.annual_percent for segment in frozen.segments] == [Decimal("12.75")]
    assert [(segment.days, segment.annual_percent) for segment in split.segments] == [(30, Decimal("12.75")), (62, Decimal("12.25"))]
    assert split.total < frozen.total


def test_rate_of_the_payment() -> None:
    """The part that was paid in June at June's rate for all its days, the rest at the rate of the last day: two parts side by side."""
    first, last = date(2025, 5, 1), date(2025, 7, 31)
    rule = InterestRule(table((date(2025, 1, 1), "10"), (date(2025, 7, 1), "20")), over_time=RateOverTime.AT_PAYMENT)
    made = accrue([*owing("365.00", first), Balance(date(2025, 6, 11), eur("100.00"))], rule, first, last)
    assert [(s.last, s.days, str(s.base), s.annual_percent) for s in made.segments] == [
        (date(2025, 6, 10), 41, "265.00 EUR", Decimal(10)), (last, 92, "100.00 EUR", Decimal(20)),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="payment"):
        replace(rule, compounding=Compounding.YEARLY)


def test_dutch_interest_bears_interest_from_the_anniversary_of_default() -> None:
    """https://github.com/Matthi-code/rentetool (docs/05_testcase3.md, claim V2kHRS; docs/08_expertcontrole.md): 2,000 euro between
    businesses from 2015-11-11 to 2026-01-16, that day not included: 2,820.43 of interest. From the eighth anniversary on 3,796.99 bear
    63.66 in 51 days at 12 % and 236.66 in 182 days at 12.5 %."""
    first = date(2015, 11, 11)
    made = accrue(owing("2000.00", first), by_law("NL"), first, date(2026, 1, 15))
    assert made.total == eur("2820.43")
    shown = {segment.first: (segment.days, str(segment.base), str(segment.amount)) for segment in made.segments}
    assert shown[date(2023, 11, 11)] == (51, "3796.99 EUR", "63.660000")
    assert shown[date(2024, 1, 1)] == (182, "3796.99 EUR", "236.660000")
    assert "(1796.99 EUR of it interest of earlier years)" in made.lines()[-8]


def test_compound_interest_ends_with_the_debt() -> None:
    first = date(2018, 3, 15)
    balances = [*owing("10000.00", first), Balance(date(2019, 3, 20), eur("0"))]
    assert accrue(balances, by_law("NL"), first, date(2019, 3, 19)).total == accrue(balances, by_law("NL"), first, date(2022, 1, 1)).total


def test_a_default_of_29_february_has_its_anniversary_on_the_28th() -> None:
    first = date(2020, 2, 29)
    made = accrue(owing("10000.00", first), replace(by_law("NL"), rates=fixed("8")), first, date(2024, 2, 29))
    assert [segment.first for segment in made.segments] == [
        first, date(2021, 2, 28), date(2022, 2, 28), date(2023, 2, 28), date(2024, 2, 29),
    ]  # fmt: skip


def test_yen_have_no_cents() -> None:
    assert str(days_of("100000", InterestRule(fixed("3")), date(2025, 1, 1), 10, "JPY").total) == "82 JPY"


def test_credit_in_favour_of_the_customer_bears_nothing() -> None:
    balances = [*owing("100.00", date(2025, 1, 1)), Balance(date(2025, 1, 11), eur("-50.00"))]
    assert accrue(balances, InterestRule(fixed("36.5")), date(2025, 1, 1), date(2025, 12, 31)).total == eur("1.00")


def test_what_cannot_be_is_refused() -> None:
    rule, day = InterestRule(fixed("8")), date(2025, 1, 1)
    with pytest.raises(ValueError, match="at least one balance"):
        accrue([], rule, day, day)
    with pytest.raises(ValueError, match="two balances for 2025-01-01"):
        accrue([*owing("1.00", day), *owing("2.00", day)], rule, day, day)
    with pytest.raises(CurrencyMismatch):
        accrue([*owing("1.00", day), *owing("1.00", date(2025, 2, 1), "USD")], rule, day, day)
    with pytest.raises(ValueError, match="no rate of interest"):
        fixed("-1")
    with pytest.raises(ValueError, match="rising days"):
        table((day, "1"), (day, "2"))


def test_nothing_is_charged_at_a_rate_that_is_not_known() -> None:
    first = date(2026, 12, 1)
    assert accrue(owing("100.00", first), by_law("ES"), first, date(2026, 12, 31)).total == eur("0.88")
    with pytest.raises(RateUnknown, match="no rate is known for 2027-01-01; the newest is that of 2026-07-01"):
        accrue(owing("100.00", first), by_law("ES"), first, date(2027, 1, 1))
    with pytest.raises(RateUnknown, match="the first is that of 2013-01-01"):
        accrue(owing("100.00", date(2012, 12, 31)), by_law("ES"), date(2012, 12, 31), first)
    frozen = accrue(owing("100.00", first, "GBP"), by_law("GB"), first, date(2027, 3, 1))
    assert frozen.segments[0].annual_percent == Decimal("11.75")
