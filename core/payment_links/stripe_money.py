"""Amounts as Stripe wants them. Source: Stripe, "Supported currencies" (docs.stripe.com/currencies), minor units and special cases."""

from decimal import Decimal

from ..money import Money, minor_units
from .account import NotPossible

_WITHOUT_DECIMALS = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"])
_THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Stripe counts these in hundredths although they have none; an amount must be whole (ISK and UGX under "special cases").
_WHOLE_IN_HUNDREDTHS = frozenset(["ISK", "UGX"])


def to_stripe(amount: Money) -> int:
    """The amount in Stripe's smallest unit. Raises NotPossible where Stripe cannot take exactly this amount: nothing is rounded."""
    scaled = amount.amount.scaleb(_decimals(amount.currency))
    step = 100 if amount.currency in _WHOLE_IN_HUNDREDTHS else 10 if amount.currency in _THREE_DECIMALS else 1
    if scaled <= 0 or scaled % step:
        raise NotPossible(f"Stripe cannot take exactly {amount}")
    return int(scaled)


def from_stripe(amount: int, currency: str) -> Money:
    """Money from Stripe's smallest unit and lower-case code. Raises ValueError for what is no amount in that currency."""
    code = currency.upper()
    value = Decimal(amount).scaleb(-_decimals(code))
    money = Money.of(value, code)
    if money.amount != value or amount < 0:
        raise ValueError(f"{amount} {currency} is no amount")
    return money


def _decimals(currency: str) -> int:
    if currency in _WITHOUT_DECIMALS:
        return 0
    if currency in _WHOLE_IN_HUNDREDTHS:
        return 2
    if currency in _THREE_DECIMALS:
        return 3
    if minor_units(currency) != 2:
        raise NotPossible(f"Stripe does not take {currency}")
    return 2
