"""The words of a credit note that takes a late charge back, for the customer who reads it in the books. Pure."""

from collections.abc import Mapping

from ..dunning.recipients import language_of
from ..policy.schema import Policy
from ..receivables import Customer
from .display import clean

_TEXTS: Mapping[str, tuple[str, str]] = {
    "es": ("Anulación del cargo por demora de la factura {number}", "Corrección del cargo por demora de la factura {number}"),
    "en": ("Reversal of the late-payment charge on invoice {number}", "Correction of the late-payment charge on invoice {number}"),
}


def reversal_text(number: str, customer: Customer, policy: Policy, *, is_whole: bool) -> str:
    """What the credit note is for, in the customer's language. `is_whole` when all of the charge is taken back."""
    whole, part = _TEXTS[language_of(customer, None, policy)]
    return (whole if is_whole else part).format(number=clean(number))
