"""Late charges in a few words, and a policy that charges."""

from datetime import date, timedelta
from typing import Any

from history.sample_books import TODAY, eur, invoice, rulebook
from puntual.core.dunning.charge_facts import Calculation, CalculationLine, ChargeDue, ChargeKey
from puntual.core.policy.charge_schema import Placement, RuleKind
from puntual.core.policy.country_pack import Treatment
from puntual.core.receivables import OpenItem, open_items

RULES = "{rules: [{key: fee, kind: flat_fee, amount: {EUR: 15}}], announce: false, approval: false, from_days: 1, tax: {late_fee: none}}"
CHARGING = rulebook(("tolerance: {EUR: 1}\n", f"tolerance: {{EUR: 1}}\nlate_charges: {RULES}\n"))


def due(
    key: str = "i1", owner: str = "c1", *, asks: bool = False, rule: str = "fee", amount: str = "15", on: date = TODAY, **more: Any
) -> tuple[OpenItem, ChargeDue, bool]:
    """A fee that is due on an invoice, and whether a person has to say yes."""
    item = open_items(invoice(key, owner))[0]
    step = CalculationLine(on, on, item.outstanding, eur(amount).amount)
    made = Calculation(RuleKind.FLAT_FEE, on, on, (step,), eur(amount), eur(amount))
    charge = ChargeDue(
        ChargeKey(item.id, rule, f"{on}"), eur(amount), made, rule, on, "terms", Placement.DOCUMENT, asks, Treatment.NONE, **more
    )
    return item, charge, asks


def a_day(number: int) -> date:
    """So many days after TODAY."""
    return TODAY + timedelta(days=number)
