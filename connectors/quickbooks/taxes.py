"""What tax the lines of a document bear, and what of it a credit takes back. Pure: rows in, amounts out.

QuickBooks keeps tax by rate and not by line: a line names a tax code, a code has rates, and the document says what each rate comes to. In
the US the codes of lines are TAX and NON, and one code of the whole document has the rates (Intuit, "Manage sales tax for US locales");
elsewhere they are Ids, and a document may bear several (Intuit, "Manage sales tax for non-US locales").
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ...core.errors import Refused
from ...core.money import Money
from .mapping import Row, lines_of, number_of, ref_of

US_UNTAXED = "NON"
"""The tax code in the US for what bears no sales tax; the other one is TAX."""
US_CODES = (US_UNTAXED, "TAX")
_NOTHING = Decimal(0)

Rates = Mapping[str, Collection[str]]
"""The ids of the rates of each tax code on sales."""


@dataclass(frozen=True, slots=True)
class Part:
    """A line of a credit: its amount without tax, its tax code (empty where there are none), and the items of the lines that it lowers, the
    largest first."""

    amount: Decimal
    code: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tax:
    """What a credit takes back of one rate: the tax, on which amount, and the document's own line about it."""

    amount: Decimal
    base: Decimal
    line: Row


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a document with its taxes, which come to the amount together. `tax` is all of it; None where the document bears none."""

    parts: tuple[Part, ...]
    taxes: tuple[Tax, ...]
    tax: Decimal | None


def code_of(line: Row) -> str:
    """The tax code of a line, empty when it has none."""
    return ref_of(line["SalesItemLineDetail"].get("TaxCodeRef"))


def sales_in(row: Row) -> list[Row]:
    """The lines that sell something, those inside groups, too."""
    return [line for line in lines_of(row) if line.get("DetailType") == "SalesItemLineDetail"]


def has_ids(row: Row) -> bool:
    """Whether the tax codes of a document are Ids, as outside the US."""
    return any(code_of(line).isdecimal() for line in sales_in(row))


def is_mixed(row: Row) -> bool:
    """Whether the rates of tax codes must be known to tell which of its lines bear which tax."""
    return bool(_total_tax(row)) and len(_taxed_codes(row)) > 1


def percent_of(row: Row, code: str, rates: Rates) -> Decimal:
    """The tax on lines with this code, in per cent of them, as far as the document tells."""
    if code in ("", US_UNTAXED):
        return _NOTHING
    lines = _tax_lines_of(row, code, rates)
    if is_mixed(row) or _percents(lines):
        return sum(_percents(lines), _NOTHING)
    net = sum((_number(line, "Amount") for line in sales_in(row) if code_of(line) == code), _NOTHING)
    return _total_tax(row) * 100 / net if net else _NOTHING


def with_tax(row: Row, line: Row, currency: str, rates: Rates) -> Money:
    """What a line comes to with its tax."""
    return Money.of(_number(line, "Amount") * (100 + percent_of(row, code_of(line), rates)) / 100, currency)


# --- credits ----------------------------------------------------------------------------------------------------------------------


def share_of(row: Row, amount: Money) -> Share:
    """The document in small, over `amount`: a part for each tax code of its lines, and every tax in proportion. Raises Refused when its
    lines come to nothing."""
    tax, total, sales = _total_tax(row), _number(row, "TotalAmt"), sales_in(row)
    codes = list(dict.fromkeys(map(code_of, sales)))
    nets = [sum((_number(line, "Amount") for line in sales if code_of(line) == code), _NOTHING) for code in codes]
    if not sum(nets):
        raise Refused(f"The lines of {number_of(row)} come to nothing.", hint="Credit it by hand.")
    net, taken = _dealt(amount, [total - tax, tax])
    parts = zip(codes, _dealt(Money.of(net, amount.currency), nets), strict=True)
    lines = _tax_lines(row)
    taxes = zip(lines, _dealt(Money.of(taken, amount.currency), [_number(line, "Amount") for line in lines]), strict=True)
    bases = {id(line): _number(line["TaxLineDetail"], "NetAmountTaxable") * amount.amount / total for line in lines}
    return Share(
        tuple(Part(part, code, _items(sales, code)) for code, part in parts if part),
        tuple(Tax(part, Money.of(bases[id(line)], amount.currency).amount, line) for line, part in taxes),
        taken if tax else None,
    )


def share_of_line(row: Row, line: Row, amount: Money, rates: Rates) -> Share:
    """A part of one line, over `amount` with the line's own tax."""
    code = code_of(line)
    percent, lines = percent_of(row, code, rates), _tax_lines_of(row, code, rates)
    net, taken = _dealt(amount, [Decimal(100), percent])
    parts = (Part(net, code, _items([line], code)),)
    if not percent:
        return Share(parts, (), None)
    shares = _dealt(Money.of(taken, amount.currency), _percents(lines) or [_number(each, "Amount") for each in lines])
    return Share(parts, tuple(Tax(part, net, each) for each, part in zip(lines, shares, strict=True)), taken)


def stated(share: Share, row: Row) -> dict[str, Any]:
    """What a credit says of its taxes, so that it comes to the amount exactly: with many a rate no net amount does.

    A tax that is given counts, and is not computed (Intuit's schema, `TxnTaxDetail`: it "can be calculated by QuickBooks business logic or
    you may supply it"). In the US it is given as a whole, which automated sales tax honours and prorates over its rates (Intuit, "Using
    QuickBooks Online API for automated sales tax", 11 Dec 2017).
    """
    if all(part.code.isdecimal() for part in share.parts):
        return {"GlobalTaxCalculation": "TaxExcluded", **({} if share.tax is None else {"TxnTaxDetail": _detail(share, share.tax)})}
    place = of_place(row) if share.tax is not None else {}
    return {**place, **({} if share.tax is None else {"TxnTaxDetail": {**place.get("TxnTaxDetail", {}), "TotalTax": share.tax}})}


def _detail(share: Share, total: Decimal) -> dict[str, Any]:
    lines = [
        {**tax.line, "Amount": tax.amount, "TaxLineDetail": {**tax.line["TaxLineDetail"], "NetAmountTaxable": tax.base}}
        for tax in share.taxes
    ]
    return {"TotalTax": total, **({"TaxLine": lines} if lines else {})}


def of_place(row: Row) -> dict[str, Any]:
    """What a document of the US says of where it is taxed: its tax code, and the address to which was sold, by which automated sales tax
    goes; without it the company's own would count."""
    code = (row.get("TxnTaxDetail") or {}).get("TxnTaxCodeRef")
    address = {name: value for name, value in (row.get("ShipAddr") or {}).items() if name != "Id"}
    return {**({"TxnTaxDetail": {"TxnTaxCodeRef": code}} if code else {}), **({"ShipAddr": address} if address else {})}


# --- reading a document -----------------------------------------------------------------------------------------------------------


def _number(row: Row, field: str) -> Decimal:
    return Decimal(str(row.get(field) or 0))


def _total_tax(row: Row) -> Decimal:
    return _number(row.get("TxnTaxDetail") or {}, "TotalTax")


def _taxed_codes(row: Row) -> set[str]:
    return {code_of(line) for line in sales_in(row)} - {"", US_UNTAXED}


def _tax_lines(row: Row) -> list[Row]:
    """The taxes of a document, one for each rate, but for those that come to nothing."""
    lines = (row.get("TxnTaxDetail") or {}).get("TaxLine") or ()
    return [line for line in lines if isinstance(line.get("TaxLineDetail"), Mapping) and line.get("Amount")]


def _tax_lines_of(row: Row, code: str, rates: Rates) -> list[Row]:
    lines = _tax_lines(row)
    if not is_mixed(row):
        return lines
    mine = rates.get(code, ())
    return [line for line in lines if ref_of(line["TaxLineDetail"].get("TaxRateRef")) in mine]


def _percents(lines: Sequence[Row]) -> list[Decimal]:
    """The rates of these taxes, in per cent; none when one of them does not say it."""
    details = [line["TaxLineDetail"] for line in lines]
    return [_number(detail, "TaxPercent") for detail in details] if all(detail.get("TaxPercent") for detail in details) else []


def _items(lines: Sequence[Row], code: str) -> tuple[str, ...]:
    """The items of the lines with a tax code, that of the largest line first."""
    mine = sorted((line for line in lines if code_of(line) == code), key=lambda line: abs(_number(line, "Amount")), reverse=True)
    return tuple(dict.fromkeys(ref_of(line["SalesItemLineDetail"].get("ItemRef")) for line in mine))


def _dealt(amount: Money, weights: Sequence[Decimal]) -> list[Decimal]:
    """An amount in proportion to weights: each part to the smallest coin, all of them together the amount. Without a weight, nothing."""
    whole, reached, parts, done = sum(weights, _NOTHING), _NOTHING, [], _NOTHING
    for weight in weights:
        reached += weight
        until = Money.of(amount.amount * reached / whole, amount.currency).amount if whole else _NOTHING
        parts.append(until - done)
        done = until
    return parts
