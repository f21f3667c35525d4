"""Questions that the decisions ask of a policy."""

from ..calendar import BusinessCalendar
from .schema import LinkProvider, Policy, Weekday

_WEEKDAYS = {day: number for number, day in enumerate(Weekday)}


def calendar_of(policy: Policy) -> BusinessCalendar:
    """The days on which the company may write to customers."""
    country = policy.company.country if policy.sending.skip_public_holidays else ""
    return BusinessCalendar(
        weekdays=frozenset(_WEEKDAYS[day] for day in policy.sending.days),
        country=country,
        region=policy.company.region if country else "",
        days_off=frozenset(policy.sending.holidays),
    )


def can_be_paid(policy: Policy, currency: str) -> bool:
    """Whether the policy says a way to pay in this currency: payment details, or a page to pay on."""
    if currency in policy.payment_details:
        return True
    return any(link.provider is not LinkProvider.BANK_TRANSFER and link.serves(currency) for link in policy.payment_links)
