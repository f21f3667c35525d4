"""Checks of `early_payment_discount`: an offer that is only half there, a ledger that cannot do it. And advice on it."""

from collections.abc import Iterator

from ..port import Capability
from .discount_schema import EarlyPaymentDiscount
from .problems import Finding
from .schema import Match, Policy
from .sections import Section

_MUCH_PERCENT = 10


def discount_findings(policy: Section, capabilities: frozenset[Capability] | None) -> Iterator[Finding]:
    """Everything in the section that cannot be carried out as it is written; `capabilities` are None when the ledger is not known."""
    discount = policy.section("early_payment_discount", EarlyPaymentDiscount)
    for key, other, example in (("percent", "days", "10"), ("days", "percent", "2")):
        if discount.given(key) and not discount.given(other):
            yield Finding((*discount.path, key), f"`{key}` needs `{other}`", f"{other}: {example}", on_key=True)
    match = discount.section("match", Match)
    if discount.sound("match") is not None and not any(match.sound(key) for key in Match.model_fields):
        yield Finding(match.path, "`match` is empty and would fit everybody", "name groups, countries, names, ids or amounts", on_key=True)
    if discount.given("match") and not discount.given("percent") and not discount.given("days"):
        yield Finding(match.path, "`match` is for an offer of your own", "add `percent` and `days`, or leave it out", on_key=True)
    if capabilities is not None:
        yield from _abilities(discount, capabilities)


def _abilities(discount: Section, capabilities: frozenset[Capability]) -> Iterator[Finding]:
    if discount.given("from_ledger") and discount.sound("from_ledger") and Capability.EARLY_DISCOUNTS not in capabilities:
        where = (*discount.path, "from_ledger")
        yield Finding(where, "this ledger does not tell which discounts its payment terms grant", "leave out `from_ledger`")
    if discount.given("percent") and Capability.CREDITS not in capabilities:
        where = (*discount.path, "percent")
        yield Finding(where, "this ledger takes no credit notes, so a discount could not be credited", "leave it out", on_key=True)


def discount_advice(policy: Policy) -> Iterator[Finding]:
    """What is legal and unwise."""
    discount = policy.early_payment_discount
    if discount.percent is None:
        return
    if discount.percent > _MUCH_PERCENT:
        yield Finding(("early_payment_discount", "percent"), f"{discount.percent} % is a lot for paying early", "1 to 3 is usual")
    if not any(level.days < 0 for procedure in policy.procedures.values() for level in procedure.levels):
        message = "no ladder has a level before the due date, so no notice tells customers of the discount"
        yield Finding(("early_payment_discount",), message, "add one with the notice `before_due`, early enough: `days: -25`", on_key=True)
