"""The structured references of bank transfers and the accounts that ask for them. Check digits are python-stdnum's."""

import re

from stdnum import iso11649
from stdnum.ch import esr

_RF = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")
_QR_REFERENCE = re.compile(r"[0-9]{27}")
_FIRST_QR_IID, _LAST_QR_IID = 30000, 31999


def creditor_reference(text: str) -> str:
    """The ISO 11649 reference in the text, without blanks, or nothing. `RF` and its two check digits (ISO 7064 mod 97-10) are verified."""
    compact = "".join(text.split()).upper()
    return compact if _RF.fullmatch(compact) and iso11649.is_valid(compact) else ""


def qr_reference(text: str) -> str:
    """The Swiss QR reference in the text, without blanks, or nothing: 27 digits, the last one the check digit, modulo 10 recursive
    (Swiss Implementation Guidelines QR-bill, annex B). Zeros alone are no reference."""
    compact = "".join(text.split())
    return compact if _QR_REFERENCE.fullmatch(compact) and esr.is_valid(compact) else ""


def is_swiss(iban: str) -> bool:
    """Whether the account is in Switzerland or Liechtenstein, the two countries of the QR-bill."""
    return iban[:2] in ("CH", "LI")


def is_qr_iban(iban: str) -> bool:
    """Whether the account is only for payments with a QR reference: its institution number is 30000 to 31999 (the same guidelines, 3.2)."""
    return is_swiss(iban) and iban[4:9].isdecimal() and _FIRST_QR_IID <= int(iban[4:9]) <= _LAST_QR_IID
