"""A credit in the proportions of the document that it is for: its accounts and its taxes. Pure.

What is credited lowers the taxable amount of what was supplied, at the taxes that it bore (Directive 2006/112/EC, articles 79 and 90).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor

from ...core.bookings import our_marks
from ...core.errors import Refused
from ...core.money import Money
from .mapping import Row, id_of, text_of


@dataclass(frozen=True, slots=True)
class Share:
    """What a credit takes off one account with one set of taxes; `price` is as Odoo wants it on a line with these taxes."""

    account: int
    taxes: tuple[int, ...]
    price: Money


@dataclass
class _Kind:
    """The lines of a document with the same account and taxes: what was entered as their price, and what they come to without tax and
    with it. A price is entered without the taxes that are added to it, and with those that are within it."""

    entered: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    total: Decimal = Decimal(0)

    @property
    def price(self) -> Decimal:
        """That of the two which was entered, as Odoo rounded it."""
        return min(self.total, self.net, key=lambda amount: abs(amount - self.entered))


def shares(amount: Money, lines: Iterable[Row], charge_marker: str = "") -> list[Share]:
    """The shares of a credit over `amount`, tax included, on a document with these lines (`product` and `epd`); of the late charge alone
    that stands on one of them. Raises Refused when they come to nothing."""
    kinds = _kinds(lines, charge_marker)
    total = sum((kind.total for kind in kinds.values()), Decimal(0))
    if not total:
        raise Refused("The lines of the document come to nothing, so there is nothing that a credit could be shared among.")
    parts = in_proportion(amount, [kind.total for kind in kinds.values()])
    return [_share(account, taxes, kind, part) for ((account, taxes), kind), part in zip(kinds.items(), parts, strict=True) if part.amount]


def _kinds(lines: Iterable[Row], charge_marker: str) -> dict[tuple[int, tuple[int, ...]], _Kind]:
    rows = list(lines)
    goods = [row for row in rows if row["display_type"] == "product"]
    charged = [row for row in goods if charge_marker and charge_marker in our_marks(text_of(row["name"]))]
    # Terms whose tax is computed on the discounted price ("always, upon invoice") leave lines of their own; the tax is lower already.
    is_lowered = any(row["display_type"] == "epd" for row in rows)
    kinds: dict[tuple[int, tuple[int, ...]], _Kind] = {}
    for row in charged or goods:
        kind = kinds.setdefault((id_of(row["account_id"]), () if is_lowered else tuple(sorted(row["tax_ids"]))), _Kind())
        kind.total += Decimal(row["price_total"])
        kind.net += Decimal(row["price_subtotal"])
        kind.entered += Decimal(row["price_unit"]) * Decimal(row["quantity"]) * (1 - Decimal(row["discount"]) / 100)
    return {key: kind for key, kind in kinds.items() if kind.total and kind.price}


def _share(account: int, taxes: tuple[int, ...], kind: _Kind, part: Money) -> Share:
    """The price is less than the part by the taxes that Odoo adds to it, and is the part where they are within the price."""
    if not taxes or kind.price == kind.total:
        return Share(account, taxes, part)
    price = Money.of(part.amount * kind.price / kind.total, part.currency)
    tax = Money.of(price.amount * (kind.total / kind.price - 1), part.currency)
    # Where the tax comes to nothing there is no tax line in Odoo that could take up what rounding leaves.
    return Share(account, taxes, price) if tax.amount and price != part else Share(account, (), part)


def in_proportion(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    """The amount in parts that are together exactly it; what rounding leaves goes where most was cut off."""
    whole = sum(weights, Decimal(0))
    exact = [amount.minor * weight / whole for weight in weights]
    parts = [floor(each) for each in exact]
    by_rest = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in by_rest[: amount.minor - sum(parts)]:
        parts[place] += 1
    return [Money.from_minor(part, amount.currency) for part in parts]
