"""Shares of a credit in the lines of its document: exact, in proportion, whatever the amounts."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puntual.connectors.xero.shares import shares
from puntual.core.bookings import CreditWanted
from puntual.core.errors import Refused
from puntual.core.money import Money

CENTS = st.integers(0, 10**7)
LINES = st.lists(st.tuples(st.sampled_from(["200", "260"]), st.sampled_from(["OUTPUT", "NONE"]), CENTS, CENTS), min_size=1, max_size=6)


def _row(lines: list[tuple[str, str, int, int]], prices: str, currency: str) -> dict[str, Any]:
    """A document with these lines: account, tax, and both amounts in the smallest coin."""

    def of(coins: int) -> Decimal:
        return Money.from_minor(coins, currency).amount

    items = [{"AccountCode": code, "TaxType": tax, "LineAmount": of(net), "TaxAmount": of(vat)} for code, tax, net, vat in lines]
    return {"LineAmountTypes": prices, "LineItems": items}


def _credit(amount: Money) -> CreditWanted:
    return CreditWanted("PUNTUAL-1", "i1", "INV-1", "c1", amount, "Descuento", date(2026, 3, 18))


@given(lines=LINES, prices=st.sampled_from(["Exclusive", "Inclusive"]), currency=st.sampled_from(["EUR", "JPY", "KWD"]), data=st.data())
def test_shares_are_exact_and_in_proportion(lines: list[Any], prices: str, currency: str, data: st.DataObject) -> None:
    gross: dict[tuple[str, str], int] = {}
    vats: dict[tuple[str, str], int] = {}
    for code, tax, net, vat in lines:
        gross[code, tax] = gross.get((code, tax), 0) + net + (vat if prices == "Exclusive" else 0)
        vats[code, tax] = vats.get((code, tax), 0) + vat
    total = sum(gross.values())
    if not total:
        return
    amount = data.draw(st.integers(1, total))
    found = {
        (each.like["AccountCode"], each.like["TaxType"]): each
        for each in shares(_credit(Money.from_minor(amount, currency)), _row(lines, prices, currency))
    }
    assert sum(each.amount.minor for each in found.values()) == amount
    for key, whole in gross.items():
        part, tax = (found[key].amount.minor, found[key].tax.minor) if key in found else (0, 0)
        assert abs(part * total - amount * whole) < total
        assert not whole or abs(2 * (tax * whole - vats[key] * part)) <= whole
        assert amount < total or not part or (part, tax) == (whole, vats[key])


def test_what_rounding_leaves_goes_to_those_that_it_took_most_from() -> None:
    row = _row([("200", "OUTPUT", 100, 0), ("260", "OUTPUT", 100, 0), ("270", "OUTPUT", 101, 0)], "Inclusive", "EUR")
    assert [str(each.amount.amount) for each in shares(_credit(Money.of("0.04", "EUR")), row)] == ["0.01", "0.01", "0.02"]
    assert [each.like["AccountCode"] for each in shares(_credit(Money.of("0.01", "EUR")), row)] == ["270"]


@pytest.mark.parametrize("lines", [[], [("200", "NONE", 0, 0)]])
def test_nothing_has_no_shares(lines: list[Any]) -> None:
    with pytest.raises(Refused, match="by hand"):
        shares(_credit(Money.of("1.00", "EUR")), _row(lines, "NoTax", "EUR"))
