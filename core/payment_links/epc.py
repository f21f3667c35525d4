"""What a SEPA payment code says: European Payments Council, EPC069-12, "Quick Response Code: Guidelines to enable data capture for the
initiation of a SEPA Credit Transfer", version 3.1, section 2."""

import re

from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError

from ..money import Money
from .account import BankAccount, NotPossible, amount_in_limits, element
from .references import creditor_reference, is_qr_iban

# Regulation (EU) 260/2012 and the EEA agreement: within these the IBAN is enough.
_EEA = re.compile("AT|BE|BG|CY|CZ|DE|DK|EE|ES|FI|FR|GR|HR|HU|IE|IS|IT|LI|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK")
# EPC409-09, "List of SEPA scheme countries", as of 2025: for these the BIC is mandatory.
_SEPA_OUTSIDE_EEA = re.compile("AD|AL|CH|GB|GI|MC|MD|ME|MK|RS|SM|VA")

_LONGEST_NAME, _LONGEST_REMITTANCE, _MOST_BYTES = 70, 140, 331


def epc_text(account: BankAccount, amount: Money, remittance: str, reference: str = "") -> str:
    """The content of the code. A `reference` by ISO 11649 goes into the structured remittance, else `remittance` into the unstructured one;
    never both. Version 002, UTF-8, elements end with LF, nothing after the last one that is filled.

    Raises NotPossible.
    """
    if amount.currency != "EUR" or account.currency != "EUR":
        raise NotPossible("a SEPA payment code is for euros only")
    structured = creditor_reference(reference)
    iban = _sepa_iban(account.iban)
    elements = [
        "BCD",
        "002",
        "1",
        "SCT",
        _bic(account.bic, iban),
        element("the account holder", account.holder, _LONGEST_NAME),
        iban,
        f"EUR{amount_in_limits(amount):.2f}".rstrip("0").rstrip("."),
        "",
        structured,
        "" if structured else element("the remittance information", remittance, _LONGEST_REMITTANCE),
    ]
    return _within_size("\n".join(elements).rstrip("\n"))


def _sepa_iban(text: str) -> str:
    """ISO 13616 check digits and form; a country that SEPA reaches."""
    if not text:
        raise NotPossible("there is no IBAN for EUR")
    try:
        iban = str(ibans.validate(text))
    except ValidationError:
        raise NotPossible("the IBAN for EUR does not pass its check digits") from None
    if not _EEA.match(iban) and not _SEPA_OUTSIDE_EEA.match(iban):
        raise NotPossible(f"an account in {iban[:2]} cannot be paid by SEPA")
    if is_qr_iban(iban):
        raise NotPossible("a QR-IBAN can only be paid with a Swiss QR-bill")
    return iban


def _bic(text: str, iban: str) -> str:
    if not text:
        if _SEPA_OUTSIDE_EEA.match(iban):
            raise NotPossible(f"the BIC is missing, which SEPA needs for an account in {iban[:2]}")
        return ""
    try:
        return str(bics.validate(text))
    except ValidationError:
        raise NotPossible("the BIC for EUR is none") from None


def _within_size(text: str) -> str:
    if (size := len(text.encode())) > _MOST_BYTES:
        raise NotPossible(f"the payment code would hold {size} bytes, {_MOST_BYTES} are allowed")
    return text
