"""What a customer reads of an early-payment discount: the offer in a notice, and the text of the credit note that grants it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ..dunning.discounts import DiscountEarned
from ..dunning.recipients import language_of
from ..policy.schema import Policy
from ..receivables import Customer, EarlyDiscount, OpenItem
from .display import clean, day_in_year, format_date, locale_of, money_text


@dataclass(frozen=True, slots=True)
class Discount:
    """What may be deducted from an item that is paid on the last day or before: `amount`, which leaves `rest` to be paid. `last_on` is for
    tables, `last_day` for sentences."""

    last_on: str
    last_day: str
    amount: str
    rest: str


def discount_of(item: OpenItem, offer: EarlyDiscount | None, as_of: date, locale: str) -> Discount | None:
    """The offer as a template may say it; None for one that does not stand (any more)."""
    if offer is None or offer.last_on < as_of or not offer.amount.is_positive or offer.amount >= item.outstanding:
        return None
    return Discount(
        last_on=format_date(offer.last_on, locale),
        last_day=day_in_year(offer.last_on, as_of.year, locale),
        amount=money_text(offer.amount, locale),
        rest=money_text(item.outstanding - offer.amount, locale),
    )


_TEXTS: Mapping[str, str] = {
    "es": "Descuento por pronto pago de la factura {number}, pagada el {day}",
    "en": "Early-payment discount on invoice {number}, paid on {day}",
}


def discount_text(earned: DiscountEarned, customer: Customer, policy: Policy) -> str:
    """What the credit note is for, in the customer's language."""
    language = language_of(customer, None, policy)
    locale = locale_of(language, customer.country, policy.company.locale)
    return _TEXTS[language].format(number=clean(earned.item.number), day=format_date(earned.earned_on, locale))
