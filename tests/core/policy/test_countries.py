"""The country packs: every value has a source, what follows from a rule agrees with what was published, and doubts are told."""

import re
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from puntual.core.errors import PolicyProblem
from puntual.core.money import Money
from puntual.core.policy.countries import country_codes, country_pack, read_pack, read_series
from puntual.core.policy.country_pack import Allocation, Ceiling, ChargeKind, Compensation, CountryPack, Nothing, Treatment
from puntual.core.policy.statutory import Sourced
from puntual.core.rates import (
    Compounding,
    Confirmation,
    DayBasis,
    InterestRule,
    Rate,
    RateOverTime,
    Rounding,
    effective_annual,
    nominal_annual,
)
from pydantic import BaseModel

STATUTORY = ["AT", "BE", "DE", "ES", "EU", "FR", "GB", "IE", "IT", "NL", "PT"]
AGREED_ONLY = ["AR", "AU", "CA", "CL", "CO", "MX", "NZ", "US"]
TODAY = date(2026, 11, 22)


def shipped(name: str) -> str:
    return files("puntual.core.policy").joinpath("countries", name).read_text(encoding="utf-8")


def percent(code: str, day: date, *, is_business: bool = True) -> str:
    rate = country_pack(code).rate_on(day, is_business=is_business)
    assert isinstance(rate, Rate)
    return f"{rate.annual_percent.normalize():f}"


def sourced(value: object) -> list[Sourced]:
    """Every value with a source, wherever it stands in the pack."""
    if isinstance(value, Sourced):
        return [value]
    inner = value.__dict__.values() if isinstance(value, BaseModel) else value.values() if isinstance(value, dict) else ()
    inner = value if isinstance(value, tuple) else inner
    return [one for part in inner for one in sourced(part)]


def test_which_countries_have_a_pack() -> None:
    assert country_codes() == tuple(sorted(STATUTORY + AGREED_ONLY))


@pytest.mark.parametrize("code", STATUTORY + AGREED_ONLY)
def test_every_value_has_a_source_and_every_kind_of_charge_a_treatment(code: str) -> None:
    pack = country_pack(code)
    assert set(pack.tax) == set(ChargeKind)
    values = sourced(pack)
    assert len(values) > 10
    assert all(value.source and value.confirmation in Confirmation for value in values)
    told = [text for value in values for text in (value.source, value.note)]
    assert not [text for text in told if re.search(r"(?i)github id|read_file|corpus|\bid \d{6,}", text)]


@pytest.mark.parametrize("code", STATUTORY)
def test_statutory_countries_have_rates_for_every_day_since_2013(code: str) -> None:
    rates = country_pack(code).rates(is_business=True)
    assert not isinstance(rates, Nothing)
    assert rates.rates[0].from_on <= date(2013, 7, 1)
    assert rates.known_until == date(2026, 12, 31)
    assert len({rate.from_on for rate in rates.rates} & {date(year, month, 1) for year in range(2014, 2027) for month in (1, 7)}) == 26
    assert all(7 < rate.annual_percent < 15 for rate in rates.rates)


@pytest.mark.parametrize("code", STATUTORY)
def test_published_rates_are_what_the_rule_gives(code: str) -> None:
    pack = country_pack(code)
    assert pack.business
    reference = pack.series[pack.business.reference]
    differing = [row.from_on for row in pack.business.published if row.percent != pack.business.derived_percent(row.from_on, reference)]
    assert not differing


def test_rates_by_country_over_time() -> None:
    """National gazettes and tables: BOE, MEF, Avisos, the Irish department, the base rates."""
    found = {code: [percent(code, date(year, month, 1)) for year, month in ((2016, 1), (2020, 7), (2024, 7), (2025, 1), (2026, 7))]
             for code in STATUTORY}  # fmt: skip
    assert found == {
        "AT": ["9.08", "8.58", "13.08", "11.73", "10.73"],
        "BE": ["8.5", "8", "12.5", "11.5", "10.5"],
        "DE": ["8.17", "8.12", "12.37", "11.27", "10.52"],
        "ES": ["8.05", "8", "12.25", "11.15", "10.4"],
        "EU": ["8.05", "8", "12.25", "11.15", "10.4"],
        "FR": ["10.05", "10", "14.25", "13.15", "12.4"],
        "GB": ["8.5", "8.1", "13.25", "12.75", "11.75"],
        "IE": ["8.05", "8", "12.25", "11.15", "10.4"],
        "IT": ["8.05", "8", "12.25", "11.15", "10.4"],
        "NL": ["8.05", "8", "12.25", "11.15", "10.4"],
        "PT": ["8.05", "8", "12.25", "11.15", "10.4"],
    }


def test_margins_change_on_their_day() -> None:
    assert [percent("DE", date(2014, 7, day)) for day in (28, 29)] == ["7.27", "8.27"]
    assert [percent("ES", date(2013, 2, day)) for day in (23, 24)] == ["7.75", "8.75"]
    assert [percent("NL", date(2013, 3, day)) for day in (15, 16)] == ["7.75", "8.75"]


def test_consumers() -> None:
    assert percent("DE", TODAY, is_business=False) == "6.52"
    assert percent("AT", TODAY, is_business=False) == "4"
    assert percent("NL", TODAY, is_business=False) == "4"
    spain = country_pack("ES").statutory_rule(is_business=False)
    assert isinstance(spain, Nothing)
    assert "a consumer owes the legal interest of the year" in spain.reason


def test_each_country_counts_in_its_own_way() -> None:
    rules = {code: country_pack(code).statutory_rule(is_business=True) for code in STATUTORY}
    made = {code: rule for code, rule in rules.items() if isinstance(rule, InterestRule)}
    assert len(made) == len(STATUTORY)
    assert {code for code, rule in made.items() if rule.over_time is RateOverTime.FROZEN_AT_START} == {"GB", "IE"}
    assert {code for code, rule in made.items() if rule.compounding is Compounding.YEARLY} == {"NL"}
    assert {code for code, rule in made.items() if rule.basis is DayBasis.ACTUAL_ACTUAL} == {"DE"}
    assert {code for code, rule in made.items() if rule.rounding is Rounding.PER_DAY} == {"GB"}
    assert {code for code, rule in made.items() if rule.rounding is Rounding.PER_SEGMENT} == {"DE", "NL"}
    assert all(country_pack(code).method.base_with_tax.value for code in STATUTORY)
    assert country_pack("DE").method.allocation.value is Allocation.COSTS_INTEREST_PRINCIPAL


@pytest.mark.parametrize(
    ("code", "debt", "owed"),
    [
        ("ES", "1.00", "40.00 EUR"), ("EU", "99999.00", "40.00 EUR"),
        ("GB", "999.99", "40.00 GBP"), ("GB", "1000.00", "70.00 GBP"), ("GB", "9999.99", "70.00 GBP"), ("GB", "10000.00", "100.00 GBP"),
        ("IE", "1000.00", "40.00 EUR"), ("IE", "1000.01", "70.00 EUR"), ("IE", "10000.00", "70.00 EUR"), ("IE", "10000.01", "100.00 EUR"),
        ("CL", "123456", "1235 CLP"),
    ],
)  # fmt: skip
def test_compensation_at_the_edges_of_its_tiers(code: str, debt: str, owed: str) -> None:
    currency = owed[-3:]
    found = country_pack(code).compensation_for(Money.of(debt, currency), TODAY, is_business=True)
    assert isinstance(found, Compensation)
    assert str(found.amount) == owed


def test_why_there_is_no_compensation() -> None:
    spain = country_pack("ES")
    reasons = [
        spain.compensation_for(Money.of(100, "EUR"), TODAY, is_business=False),
        spain.compensation_for(Money.of(100, "USD"), TODAY, is_business=True),
        spain.compensation_for(Money.of(100, "EUR"), date(2012, 1, 1), is_business=True),
        country_pack("AU").compensation_for(Money.of(100, "AUD"), TODAY, is_business=True),
    ]
    assert [reason.reason if isinstance(reason, Nothing) else "" for reason in reasons] == [
        "The fixed sum for the costs of recovery is owed by businesses only (Spain).",
        "The fixed sum of Spain is in EUR and the debt in USD; give a sum in the policy.",
        "The law of Spain knows no fixed sum for the costs of recovery; a fee has to be agreed.",
        "The law of Australia knows no fixed sum for the costs of recovery; a fee has to be agreed.",
    ]


@pytest.mark.parametrize("code", AGREED_ONLY)
def test_where_only_agreed_charges_count_it_is_said_what_must_be_agreed(code: str) -> None:
    pack = country_pack(code)
    assert pack.agreed
    if code != "MX":
        assert isinstance(pack.statutory_rule(is_business=True), Nothing)
    assert pack.is_contract_only is (code not in ("MX", "CL"))


def test_mexico_has_a_rate_when_none_was_agreed() -> None:
    assert percent("MX", TODAY) == "6"


def limit(code: str, region: str = "", debt: str = "0", *, on: date = TODAY, is_business: bool = True) -> str:
    found = country_pack(code).ceiling_on(on, is_business=is_business, region=region, debt=Decimal(debt))
    if isinstance(found, Nothing):
        return found.reason
    return "no limit" if found is None or found.percent is None else f"{found.percent} %"


def test_limits_of_the_states() -> None:
    assert [limit("US", "AL", debt) for debt in ("1999.99", "2000")] == ["8 %", "no limit"]
    assert [limit("US", "NY", is_business=business) for business in (True, False)] == ["25 %", "16 %"]
    assert [limit("US", "WA", is_business=business) for business in (True, False)] == ["no limit", "12 %"]
    assert limit("US", "TX") == "18 %"
    assert limit("US") == "The limit for agreed interest differs by region in United States: the customer's region is not known."
    assert limit("US", "AZ") == (
        "The limit for agreed interest on 2026-11-22 is not known (AZ, United States)."
        " Tables say 10 %, 36 % or any agreed rate. Look it up and give it in the policy."
    )


def test_all_fifty_states_and_the_district_have_an_answer() -> None:
    pack = country_pack("US")
    regions = {one.region for one in pack.ceilings} | set(pack.unknown_ceilings)
    assert len(regions) == 51
    assert not {one.region for one in pack.ceilings} & set(pack.unknown_ceilings)
    assert all(one.confirmation in (Confirmation.SECONDARY, Confirmation.BELIEVED) for one in pack.ceilings)


def test_colombia_has_a_limit_for_the_months_that_are_known_and_no_other() -> None:
    assert limit("CO", on=date(2026, 3, 31)) == "22.94 %"
    assert limit("CO", on=date(2026, 1, 15)) == "22.00 %"
    assert limit("CO", on=date(2026, 4, 1)).startswith("The limit for agreed interest on 2026-04-01 is not known (Colombia).")
    assert limit("CO").startswith("The limit for agreed interest on 2026-11-22 is not known (Colombia).")
    assert limit("ES") == "no limit"


def test_the_limits_of_colombia_are_effective_rates() -> None:
    """https://www.cootramed.coop/portafolio/enlace/14/tasas-de-interes, the lending rates of a cooperative: 22.00 % nominal is 24.36 %
    effective, which was the limit of October 2025 and of January 2026; 14.40 % is 15.39 %, 16.20 % is 17.46 %."""
    pairs = [(Decimal(nominal), Decimal(effective)) for nominal, effective in (("22.00", "24.36"), ("14.40", "15.39"), ("16.20", "17.46"))]
    assert [effective_annual(nominal) for nominal, _ in pairs] == [effective for _, effective in pairs]
    assert [nominal_annual(effective) for _, effective in pairs] == [nominal for nominal, _ in pairs]
    assert all(one.effective for one in country_pack("CO").ceilings)
    assert country_pack("CO").nominal_limit(Decimal("24.36")) == 22
    assert not any(one.effective for one in country_pack("US").ceilings)
    assert country_pack("US").nominal_limit(Decimal("24.36")) == Decimal("24.36")


def test_a_limit_that_does_not_exist_is_not_one_that_is_unknown() -> None:
    assert country_pack("ES").ceiling_on(TODAY, is_business=True) is None
    assert isinstance(country_pack("US").ceiling_on(TODAY, is_business=True, region="SD"), Ceiling)
    assert isinstance(country_pack("CL").ceiling_on(TODAY, is_business=True), Nothing)


def test_the_least_that_a_french_contract_may_say() -> None:
    found = [country_pack("FR").floor_on(day) for day in (date(2015, 12, 31), date(2024, 8, 1), TODAY)]
    assert [floor and floor.percent for floor in found] == [None, Decimal("14.76"), Decimal("7.86")]


def test_tax_by_country_and_kind() -> None:
    """i(nterest by law), c(ontract interest), s(um), f(ee): n(one), t(axed as the supply), ? (somebody decides)."""
    letters = {Treatment.NONE: "n", Treatment.FOLLOWS_SUPPLY: "t", Treatment.NEEDS_DECISION: "?"}
    found = {code: "".join(letters[country_pack(code).tax_on(kind).treatment] for kind in ChargeKind) for code in country_codes()}
    assert found == {
        "AR": "tttt", "AT": "nnnn", "AU": "nn??", "BE": "nnn?", "CA": "????", "CL": "ntn?", "CO": "tt?t", "DE": "nnnn", "ES": "nnn?",
        "EU": "nnn?", "FR": "nnn?", "GB": "nnnn", "IE": "nnn?", "IT": "nnn?", "MX": "tt?t", "NL": "nnn?", "NZ": "nn?t", "PT": "nnn?",
        "US": "????",
    }  # fmt: skip


def test_what_is_not_known_about_tax_needs_a_decision() -> None:
    bare = country_pack("ES").model_copy(update={"tax": {}})
    assert bare.tax_on(ChargeKind.LATE_FEE).treatment is Treatment.NEEDS_DECISION


def test_doubts_about_a_rate() -> None:
    interest = [ChargeKind.STATUTORY_INTEREST]
    assert [doubt for doubt in country_pack("ES").doubts(date(2026, 3, 1), kinds=interest) if "10.15" in doubt] == []
    assert (
        country_pack("ES")
        .doubts(TODAY, kinds=interest)[0]
        .startswith("Spain: statutory interest between businesses, 10.4 % from 2026-07-01, is secondary: ECB main refinancing rate 2.4 % (")
    )
    assert country_pack("ES").doubts(date(2027, 1, 1), kinds=interest)[0] == (
        "Spain: statutory interest between businesses: no rate is known for 2027-01-01;"
        " the newest is that of 2026-07-01, known until 2026-12-31."
    )


def test_doubts_about_everything_else() -> None:
    assert "United Kingdom: last checked on 2026-11-21, more than a year ago." in country_pack("GB").doubts(date(2027, 12, 1))
    assert any("needs a decision" in doubt for doubt in country_pack("AU").doubts(TODAY, kinds=[ChargeKind.LATE_FEE]))
    assert country_pack("DE").doubts(TODAY, kinds=[ChargeKind.COMPENSATION]) == ()
    told = country_pack("CO").doubts(TODAY, kinds=[ChargeKind.CONTRACT_INTEREST])
    assert "Colombia: the newest limit for agreed interest, 22.94 % (25.52 % effective), ended on 2026-03-31." in told
    assert any("is not known for AZ, DE, HI" in doubt for doubt in country_pack("US").doubts(TODAY))
    assert any("the fixed sum is believed" in doubt for doubt in country_pack("BE").doubts(TODAY))


def test_check_says_where_the_law_would_have_a_payment_pay_interest_first() -> None:
    interest = [ChargeKind.STATUTORY_INTEREST, ChargeKind.CONTRACT_INTEREST]
    says = {
        code
        for code in country_codes()
        if any("pays costs and interest before the debt" in one for one in country_pack(code).doubts(TODAY, kinds=interest))
    }
    assert says == {"AR", "AT", "BE", "CL", "CO", "DE", "ES", "FR", "IT", "MX", "NL", "PT"}
    assert not any(
        "before the debt" in one for one in country_pack("DE").doubts(TODAY, kinds=[ChargeKind.COMPENSATION, ChargeKind.LATE_FEE])
    )


def test_the_european_default_stands_for_countries_of_the_euro() -> None:
    finland = country_pack("fi")
    assert (finland.country, percent("FI", TODAY)) == ("FI", "10.4")
    assert "the law of FI itself is not included" in finland.doubts(TODAY)[0]
    assert country_pack("UK") is country_pack("UK")
    assert country_pack("UK").country == "GB"


@pytest.mark.parametrize("code", ["PL", "SE", "XX", ""])
def test_a_country_without_a_pack_is_told(code: str) -> None:
    with pytest.raises(PolicyProblem, match="There is no country pack for") as told:
        country_pack(code)
    assert "agreed interest" in told.value.hint


# The data files


def with_spain(old: str, new: str) -> CountryPack:
    text = shipped("ES.yaml")
    assert text.count(old) >= 1
    return read_pack(text.replace(old, new, 1), "ES.yaml", read_series(shipped("reference-rates.yaml"), "reference-rates.yaml"))


def test_a_new_rate_is_one_line_in_one_file() -> None:
    line = "    - {from: 2027-01-01, percent: 2.65, source: ecb-secondary, confirmation: secondary}\n"
    series = read_series(shipped("reference-rates.yaml").replace("\nbundesbank:", f"{line}\nbundesbank:"), "reference-rates.yaml")
    for code, expected in (("ES", "10.65"), ("FR", "12.65"), ("BE", "11.0"), ("NL", "10.65")):
        rate = read_pack(shipped(f"{code}.yaml"), f"{code}.yaml", series).rate_on(date(2027, 3, 1), is_business=True)
        assert isinstance(rate, Rate)
        assert rate.annual_percent == Decimal(expected)


def test_numbers_are_exact() -> None:
    rates = country_pack("AT").rates(is_business=True)
    assert not isinstance(rates, Nothing)
    assert rates.on(TODAY).annual_percent == Decimal("1.53") + Decimal("9.2")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("points: 8", "points: eight", "ES.yaml: business.margins.1.points"),
        ("reference: ecb", "reference: fed", "ES.yaml: business: `fed` is no reference series"),
        ("reference: ecb", "refrence: ecb", "ES.yaml: business.refrence: extra inputs are not permitted"),
        ("from: 2013-02-24, points", "from: 2012-02-24, points", "ES.yaml: business: 2012-02-24 stands after 2013-01-01"),
        ("source: art8", "source: none", "`none` is not among the sources of the file"),
        ("sources:", "sources:\n  idle: nothing", "nothing cites the source `idle`"),
        ("tiers: [{amount: 40}]", "tiers: [{below: 10, amount: 40}]", "ES.yaml: compensation: needs either a percentage or tiers"),
        ("country: ES", "country: ES\ncountry: FR", "ES.yaml:1: `country` stands twice"),
        ("country: ES", "country: FR", "ES.yaml: is the pack of FR"),
        ("no_consumer_interest: Ley", "remark: Ley", "ES.yaml: remark: extra inputs"),
        ("country: ES", "country: [", "ES.yaml:"),
        ("is: at_end", "is: sometimes", "ES.yaml: method.rounding.is"),
    ],
)
def test_a_wrong_data_file_is_told_with_its_place(old: str, new: str, what: str) -> None:
    with pytest.raises(PolicyProblem) as told:
        with_spain(old, new)
    assert f"core/policy/countries/{what}" in told.value.detail or what in told.value.detail


def test_a_pack_must_say_why_there_is_no_interest() -> None:
    text = re.sub(r"no_consumer_interest: .*\n", "", shipped("ES.yaml"))
    with pytest.raises(PolicyProblem, match=r"ES\.yaml: consumer: is missing"):
        read_pack(text, "ES.yaml", read_series(shipped("reference-rates.yaml"), "reference-rates.yaml"))


@pytest.mark.parametrize("new", ["    - {from: 2020-02-01, ", "    # "])
def test_a_series_has_every_half_year(new: str) -> None:
    with pytest.raises(PolicyProblem, match="needs one rate for every half-year"):
        read_series(shipped("reference-rates.yaml").replace("    - {from: 2020-01-01, ", new, 1), "reference-rates.yaml")


def test_the_example_of_the_guide_is_a_pack() -> None:
    guide = (Path(__file__).parents[3] / "docs/country-packs.md").read_text(encoding="utf-8")
    rate, pack = re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL)
    series = read_series(shipped("reference-rates.yaml"), "reference-rates.yaml")
    made = read_pack(pack, "XX.yaml", series)
    assert isinstance(made.statutory_rule(is_business=True), InterestRule)
    assert rate.splitlines()[-1].strip() in shipped("reference-rates.yaml")
