"""The tax on a document: computed from its lines by the rates of their tax codes, one line for each rate, or as the client insists."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .checks import checked_amount
from .faults import business_rule, invalid_reference
from .store import ZERO, Row

Rates = Mapping[str, Mapping[str, Decimal]]
"""The rates of each tax code, in per cent by their ids."""

_CENT = Decimal("0.01")


def computed(lines: Iterable[Row], rates: Rates) -> list[Row]:
    """What each rate comes to on these lines."""
    percents: dict[str, Decimal] = {}
    bases: dict[str, Decimal] = {}
    for line in _sales(lines):
        for key, percent in rates.get(line["SalesItemLineDetail"].get("TaxCodeRef", {}).get("value", ""), {}).items():
            percents[key], bases[key] = percent, bases.get(key, ZERO) + line["Amount"]
    return [_tax_line(key, percent, bases[key]) for key, percent in percents.items()]


def insisted(given: Mapping[str, Any], taxes: list[Row]) -> list[Row]:
    """The taxes with the amounts that the client gives: rate by rate, or as a whole that is prorated. Raises QboFault."""
    if "TotalTax" not in given:
        return taxes
    total, lines = checked_amount("TotalTax", given["TotalTax"]), {_rate_of(line): line for line in given.get("TaxLine") or ()}
    if unknown := lines.keys() - {_rate_of(line) for line in taxes}:
        raise invalid_reference("TaxRate", min(unknown))
    if not lines:
        return _prorated(total, taxes)
    kept = [{**line, "Amount": checked_amount("Amount", lines.get(_rate_of(line), line)["Amount"])} for line in taxes]
    if total_of(kept) != total:
        raise business_rule("The total tax is not what the tax lines come to.")
    return kept


def total_of(taxes: Iterable[Row]) -> Decimal:
    """What taxes come to."""
    return sum((line["Amount"] for line in taxes), ZERO)


def _tax_line(key: str, percent: Decimal, base: Decimal) -> Row:
    amount = (base * percent / 100).quantize(_CENT, ROUND_HALF_UP) if base * percent else ZERO
    detail = {"TaxRateRef": {"value": key}, "PercentBased": True, "TaxPercent": percent, "NetAmountTaxable": base}
    return {"Amount": amount, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def _prorated(total: Decimal, taxes: list[Row]) -> list[Row]:
    whole, left, kept = total_of(taxes), total, []
    for line in taxes[1:]:
        part = (total * line["Amount"] / whole).quantize(_CENT, ROUND_HALF_UP) if whole else ZERO
        left -= part
        kept.append({**line, "Amount": part})
    return [{**line, "Amount": left} for line in taxes[:1]] + kept


def _rate_of(line: Mapping[str, Any]) -> str:
    return str(line["TaxLineDetail"]["TaxRateRef"]["value"])


def _sales(lines: Iterable[Row]) -> Iterator[Row]:
    for line in lines:
        if line["DetailType"] == "SalesItemLineDetail":
            yield line
        elif line["DetailType"] == "GroupLineDetail":
            yield from _sales(line["GroupLineDetail"].get("Line", []))
