"""Which ladder an item follows: the policy's rules, the customer's own setting, the default. Exclusions are rules too."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from ..money import Money
from ..policy.schema import CustomerRule, Exclusion, Level, Match, Policy
from ..receivables import Customer, OpenItem

OWN_SETTING_NONE = "none"
"""The value of a customer's own setting in the ledger that means: do not chase."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """A procedure by name, its levels in the order of their days."""

    name: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """The item is not to be chased, why, and until when (None: as long as the rule stands)."""

    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class UnknownProcedure:
    """The customer's own setting names a procedure that the policy does not have."""

    name: str


class Assignments:
    """The policy's rules made ready for many items; decides nothing that `assign` does not say."""

    def __init__(self, policy: Policy) -> None:
        self._ladders = {name: Ladder(name, procedure.levels) for name, procedure in policy.procedures.items()}
        self._default = self._ladders[policy.default_procedure]
        self._rules = policy.customers

    def rules_for(self, customer: Customer) -> tuple[CustomerRule, ...]:
        """The rules whose customer part fits, in the order of the policy."""
        return tuple(rule for rule in self._rules if _fits_customer(rule.match, customer)) if self._rules else ()

    def assign(
        self, item: OpenItem, customer: Customer, rules: Sequence[CustomerRule], as_of: date
    ) -> Ladder | Excluded | UnknownProcedure:
        """The first rule that fits decides; the customer's own setting in the ledger replaces its procedure, never its exclusion."""
        rule = next((rule for rule in rules if _fits_item(rule, item, as_of)), None) if rules else None
        if rule is not None and rule.exclude is not None:
            return Excluded(rule.exclude.reason, rule.exclude.until)
        if customer.procedure == OWN_SETTING_NONE:
            return Excluded("the customer's own setting in the ledger says so")
        if customer.procedure:
            return self._ladders.get(customer.procedure) or UnknownProcedure(customer.procedure)
        return self._ladders[rule.procedure] if rule is not None and rule.procedure else self._default


def fits(match: Match, customer: Customer, total: Money) -> bool:
    """Whether the customer, and the total of the invoice or instalment, are what is meant."""
    return _fits_customer(match, customer) and _fits_amount(match, total)


def _fits_customer(match: Match, customer: Customer) -> bool:
    if match.groups and not set(match.groups) & set(customer.groups):
        return False
    if match.countries and customer.country not in match.countries:
        return False
    if match.names and not any(_pattern(name).fullmatch(_plain(customer.name)) for name in match.names):
        return False
    return not match.ids or customer.id in match.ids


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    """Only `*` stands for other text; brackets and question marks are part of a name."""
    return re.compile(".*".join(re.escape(part) for part in _plain(name).split("*")), re.DOTALL)


def _plain(name: str) -> str:
    """Upper and lower case alike, and é the same however it was composed."""
    return unicodedata.normalize("NFC", name).casefold()


def _fits_item(rule: CustomerRule, item: OpenItem, as_of: date) -> bool:
    return _fits_amount(rule.match, item.total) and not _has_ended(rule.exclude, as_of)


def _fits_amount(match: Match, total: Money) -> bool:
    least, most = match.min_amount.get(total.currency), match.max_amount.get(total.currency)
    if (match.min_amount and least is None) or (match.max_amount and most is None):
        return False
    return (least is None or total.amount >= least) and (most is None or total.amount <= most)


def _has_ended(exclusion: Exclusion | None, as_of: date) -> bool:
    return exclusion is not None and exclusion.until is not None and exclusion.until < as_of
