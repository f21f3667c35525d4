"""What tax a line bears and what a credit takes back of it, on documents as Intuit shows them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puntual.connectors.quickbooks import taxes
from puntual.core.errors import Refused
from puntual.core.money import Money

RATES = {"5": {"11"}, "7": {"12", "13"}, "8": {"13"}, "9": {"14"}}
"""20 %; 5 % and 10 %; that 10 % alone; exempt."""
PERCENTS = {"11": "20", "12": "5", "13": "10", "14": "0"}


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def _line(amount: str, code: str, item: str = "1") -> dict[str, Any]:
    detail = {"ItemRef": {"value": item}, **({"TaxCodeRef": {"value": code}} if code else {})}
    return {"DetailType": "SalesItemLineDetail", "Amount": Decimal(amount), "SalesItemLineDetail": detail}


def _tax_line(rate: str, percent: str, base: Decimal) -> dict[str, Any]:
    detail = {"TaxRateRef": {"value": rate}, "PercentBased": True, "TaxPercent": Decimal(percent), "NetAmountTaxable": base}
    return {"DetailType": "TaxLineDetail", "Amount": Money.of(base * Decimal(percent) / 100, "USD").amount, "TaxLineDetail": detail}


def _document(*lines: dict[str, Any], taken: list[dict[str, Any]] | None = None, **values: Any) -> dict[str, Any]:
    """An invoice with the taxes that follow from its codes, or these."""
    bases: dict[str, Decimal] = {}
    for line in lines:
        for rate in RATES.get(taxes.code_of(line), ()):
            bases[rate] = bases.get(rate, Decimal(0)) + line["Amount"]
    taken = taken if taken is not None else [_tax_line(rate, PERCENTS[rate], base) for rate, base in bases.items()]
    tax = sum((line["Amount"] for line in taken), Decimal(0))
    total = sum((line["Amount"] for line in lines), tax)
    return {"Id": "67", "Line": list(lines), "TxnTaxDetail": {"TotalTax": tax, "TaxLine": taken}, "TotalAmt": total, **values}


def test_the_tax_of_a_line_is_that_of_its_code() -> None:
    row = _document(*(_line("100", code) for code in ("5", "7", "8", "9", "5")))
    assert taxes.is_mixed(row)
    assert [taxes.with_tax(row, line, "USD", RATES) for line in row["Line"]] == [usd(text) for text in ("120", "115", "110", "100", "120")]


def test_with_one_code_nothing_has_to_be_known_of_it() -> None:
    row = _document(_line("100", "7"), _line("50", "7"))
    assert not taxes.is_mixed(row)
    assert taxes.with_tax(row, row["Line"][1], "USD", {}) == usd("57.50")
    unsaid = {**row, "TxnTaxDetail": {"TotalTax": Decimal("22.50")}}
    assert taxes.with_tax(unsaid, row["Line"][1], "USD", {}) == usd("57.50")


def test_a_rate_is_exact_where_the_tax_was_rounded() -> None:
    row = _document(_line("0.33", "5"))
    assert taxes.percent_of(row, "5", {}) == 20
    share = taxes.share_of_line(row, row["Line"][0], usd("0.12"), {})
    assert [(tax.amount, tax.base) for tax in share.taxes] == [(Decimal("0.02"), Decimal("0.10"))]


def test_a_tax_that_tells_no_rate_is_taken_back_as_it_was() -> None:
    taken = [_tax_line("11", "20", Decimal(100)), _tax_line("12", "5", Decimal(100))]
    for line in taken:
        del line["TaxLineDetail"]["TaxPercent"]
    row = _document(_line("100", "5"), taken=taken)
    share = taxes.share_of_line(row, row["Line"][0], usd("12.50"), {})
    assert ([tax.amount for tax in share.taxes], share.parts[0].amount) == ([Decimal("2.00"), Decimal("0.50")], Decimal("10.00"))


def test_the_smallest_credits_bear_a_tax_that_fits_its_base() -> None:
    row = _document(_line("10", "5"), _line("10", "9"))
    assert [(part.amount, part.code) for part in taxes.share_of(row, usd("0.01")).parts] == [(Decimal("0.01"), "5")]
    for cents in range(1, 13):
        share = taxes.share_of(_document(_line("10", "5")), Money.from_minor(cents, "USD"))
        assert [part.amount for part in share.parts] == [tax.base for tax in share.taxes]


def test_in_the_us_lines_are_taxed_or_not() -> None:
    row = _document(_line("275", "TAX"), _line("262.50", "NON"), taken=[_tax_line("3", "8", Decimal(275))])
    assert not taxes.is_mixed(row)
    assert [taxes.with_tax(row, line, "USD", {}) for line in row["Line"]] == [usd("297.00"), usd("262.50")]
    overridden = {**row, "TxnTaxDetail": {"TotalTax": 55}}
    assert taxes.with_tax(overridden, row["Line"][0], "USD", {}) == usd("330.00")


def test_where_there_is_no_tax_none_is_borne_or_said() -> None:
    row = _document(_line("100", "5"), _line("50", "9"), taken=[])
    assert taxes.with_tax(row, row["Line"][0], "USD", RATES) == usd("100")
    share = taxes.share_of(row, usd("3"))
    assert ([(part.amount, part.code) for part in share.parts], share.tax) == ([(Decimal("2.00"), "5"), (Decimal("1.00"), "9")], None)
    assert taxes.stated(share, row) == {"GlobalTaxCalculation": "TaxExcluded"}
    assert taxes.stated(taxes.share_of(_document(_line("100", "")), usd("3")), row) == {}


def test_a_credit_is_the_document_in_small() -> None:
    """2 % of 100.00 at 20 %, 300.00 at 15 % in two rates, 50.00 exempt: 515.00 in all."""
    row = _document(_line("60", "5", "1"), _line("300", "7", "2"), _line("50", "9", "3"), _line("40", "5", "4"))
    share = taxes.share_of(row, usd("10.30"))
    assert [(part.amount, part.code, part.items) for part in share.parts] == [
        (Decimal("2.00"), "5", ("1", "4")),
        (Decimal("6.00"), "7", ("2",)),
        (Decimal("1.00"), "9", ("3",)),
    ]
    said = taxes.stated(share, row)
    assert (said["GlobalTaxCalculation"], said["TxnTaxDetail"]["TotalTax"]) == ("TaxExcluded", Decimal("1.30"))
    told = {line["TaxLineDetail"]["TaxRateRef"]["value"]: line for line in said["TxnTaxDetail"]["TaxLine"]}
    expected = {"11": ("0.40", "2.00"), "12": ("0.30", "6.00"), "13": ("0.60", "6.00")}
    assert {rate: (str(line["Amount"]), str(line["TaxLineDetail"]["NetAmountTaxable"])) for rate, line in told.items()} == expected


def test_a_discount_over_the_whole_lowers_what_is_taken_of_the_lines() -> None:
    row = _document(_line("100", "5"), taken=[_tax_line("11", "20", Decimal(90))])
    row |= {"Line": [*row["Line"], {"DetailType": "DiscountLineDetail", "Amount": Decimal(10)}], "TotalAmt": Decimal(108)}
    share = taxes.share_of(row, usd("10.80"))
    assert ([part.amount for part in share.parts], share.tax) == ([Decimal("9.00")], Decimal("1.80"))


def test_a_reversed_line_takes_back_its_own_tax_alone() -> None:
    row = _document(_line("100", "5"), _line("40", "7", "4"), _line("40", "9"), _line("60", "8"))
    share = taxes.share_of_line(row, row["Line"][1], usd("46.00"), RATES)
    assert ([(part.amount, part.code, part.items) for part in share.parts], share.tax) == (
        [(Decimal("40.00"), "7", ("4",))],
        Decimal("6.00"),
    )
    lines = {line["TaxLineDetail"]["TaxRateRef"]["value"]: line["Amount"] for line in taxes.stated(share, row)["TxnTaxDetail"]["TaxLine"]}
    assert lines == {"12": Decimal("2.00"), "13": Decimal("4.00")}
    untaxed = taxes.share_of_line(row, row["Line"][2], usd("40.00"), RATES)
    assert (untaxed.parts[0].amount, untaxed.tax) == (Decimal("40.00"), None)
    assert "TxnTaxDetail" not in taxes.stated(untaxed, row)


def test_in_the_us_the_tax_is_said_as_a_whole_with_its_place() -> None:
    place = {"Id": "25", "Line1": "1 Main St", "City": "Tucson", "CountrySubDivisionCode": "AZ"}
    row = _document(_line("100", "TAX"), _line("100", "NON"), taken=[_tax_line("3", "8", Decimal(100))], ShipAddr=place)
    row["TxnTaxDetail"]["TxnTaxCodeRef"] = {"value": "2"}
    said = taxes.stated(taxes.share_of(row, usd("4.16")), row)
    assert said == {
        "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": Decimal("0.16")},
        "ShipAddr": {name: value for name, value in place.items() if name != "Id"},
    }
    assert taxes.stated(taxes.share_of_line(row, row["Line"][1], usd("4.16"), {}), row) == {}


def test_lines_that_come_to_nothing_are_for_a_person() -> None:
    with pytest.raises(Refused, match="come to nothing"):
        taxes.share_of(_document(_line("10", "9"), _line("-10", "9")) | {"TotalAmt": Decimal(5)}, usd("1"))


@given(
    nets=st.lists(st.tuples(st.integers(1, 99_999), st.sampled_from(sorted(RATES))), min_size=1, max_size=6),
    cents=st.integers(1, 10_000),
    which=st.integers(0, 5),
)
def test_every_share_comes_to_its_amount_and_bears_the_taxes_in_proportion(nets: list[tuple[int, str]], cents: int, which: int) -> None:
    row = _document(*(_line(str(Decimal(net) / 100), code) for net, code in nets))
    amount, total = Money.from_minor(cents, "USD"), row["TotalAmt"]
    one = taxes.share_of_line(row, row["Line"][which % len(nets)], amount, RATES)
    for share in (taxes.share_of(row, amount), one):
        assert sum((part.amount for part in share.parts), share.tax or Decimal(0)) == amount.amount
        assert sum((tax.amount for tax in share.taxes), Decimal(0)) == (share.tax or 0)
    share = taxes.share_of(row, amount)
    assert abs((share.tax or 0) - amount.amount * row["TxnTaxDetail"]["TotalTax"] / total) < Decimal("0.01")
