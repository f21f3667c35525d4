"""What a credit takes off each account and each tax of a document. Pure.

A price that is lowered after the sale lowers the taxable amount accordingly (Directive 2006/112/EC, articles 79 and 90): the credit bears
the taxes of what it is taken off, in proportion, and none other. A late charge that is a line of the document bears its own tax alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ...core.bookings import CreditWanted, holds_mark, our_marks
from ...core.errors import Refused
from ...core.money import Money
from .mapping import Row, text_of


@dataclass(frozen=True, slots=True)
class Share:
    """What is taken off the lines of one account and one tax: `amount`, with `tax` in it. `like` is the first of those lines."""

    amount: Money
    tax: Money
    like: Row


@dataclass(slots=True)
class _Sold:
    """The lines of one account and one tax: what they come to with tax, and their tax."""

    like: Row
    gross: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)


def shares(credit: CreditWanted, row: Row) -> Sequence[Share]:
    """The shares of a credit in the lines of its document; together exactly its amount. Raises Refused when there is nothing to share."""
    sold = _sold(row, _lines(credit, row))
    whole = [Money.of(each.gross, credit.amount.currency).minor for each in sold]
    if sum(whole) <= 0:
        raise Refused(f"Xero shows no lines of {credit.document_number} that a credit could be taken off.", hint="Credit it by hand there.")
    parts = zip(sold, _split(credit.amount.minor, whole), strict=True)
    return [_share(each, Money.from_minor(part, credit.amount.currency)) for each, part in parts if part]


def _lines(credit: CreditWanted, row: Row) -> Sequence[Row]:
    """All lines; only that of the late charge when it is one. Raises Refused when a person took that line away."""
    lines: Sequence[Row] = row.get("LineItems") or ()
    if not credit.charge_marker:
        return lines
    of_charge = [line for line in lines if holds_mark(text_of(line.get("Description")), credit.charge_marker)]
    if not of_charge and not our_marks(text_of(row.get("Reference"))):
        raise Refused(f"The late charge is not on {credit.document_number} any more, so there is nothing to take back.")
    return of_charge or lines


def _sold(row: Row, lines: Sequence[Row]) -> Sequence[_Sold]:
    found: dict[tuple[str, str], _Sold] = {}
    for line in lines:
        account = text_of(line.get("AccountCode")) or text_of(line.get("AccountID"))
        sold = found.setdefault((account, text_of(line.get("TaxType"))), _Sold(line))
        tax = Decimal(line.get("TaxAmount") or 0)
        sold.tax += tax
        sold.gross += Decimal(line.get("LineAmount") or 0) + (tax if row.get("LineAmountTypes") == "Exclusive" else 0)
    return list(found.values())


def _split(whole: int, by: Sequence[int]) -> Sequence[int]:
    """A number in parts that are proportional to others; what rounding leaves goes to those that it took most from."""
    total = sum(by)
    parts = [whole * each // total for each in by]
    most_lost = sorted(range(len(by)), key=lambda place: -(whole * by[place] % total))
    for place in most_lost[: whole - sum(parts)]:
        parts[place] += 1
    return parts


def _share(sold: _Sold, amount: Money) -> Share:
    return Share(amount, Money.of(sold.tax * amount.amount / sold.gross, amount.currency), sold.like)
