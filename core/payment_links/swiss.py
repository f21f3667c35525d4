"""What the code of a Swiss QR-bill says: SIX, "Swiss Implementation Guidelines for the QR-bill", version 2.3 (in force since November
2025), chapter 4: element by element, each on its line, empty ones too. Addresses are structured, combined ones are not allowed any more.

The debtor is left out, which the guidelines allow: ledgers do not keep addresses in parts, and a wrong one is worse than none.
"""

import re

from stdnum import iban as ibans
from stdnum.exceptions import ValidationError

from ..money import Money
from .account import Address, BankAccount, NotPossible, amount_in_limits, element
from .references import creditor_reference, is_qr_iban, is_swiss, qr_reference

CURRENCIES = ("CHF", "EUR")

# The guidelines, 4.1.1: Basic Latin, Latin-1 Supplement, Latin Extended-A, four Romanian letters and the euro sign.
_NOT_PERMITTED = re.compile(r"[^\u0020-\u007e\u00a0-\u017f\u0218-\u021b\u20ac]")
_LONGEST_NAME, _LONGEST_STREET, _LONGEST_NUMBER, _LONGEST_POSTCODE, _LONGEST_TOWN = 70, 70, 16, 16, 35
_LONGEST_MESSAGE, _MOST_CHARACTERS = 140, 997
_NO_PERSON = ("",) * 7


def swiss_text(account: BankAccount, amount: Money, message: str, reference: str = "") -> str:
    """The content of the code. The kind of reference follows from the account and from `reference`: QRR with a QR-IBAN, SCOR (ISO 11649) or
    NON with any other. `message` goes along as unstructured information.

    Raises NotPossible.
    """
    if amount.currency not in CURRENCIES or account.currency != amount.currency:
        raise NotPossible(f"a Swiss QR-bill is for CHF and EUR, not for {amount.currency}")
    iban = _swiss_iban(account.iban, amount.currency)
    lines = (
        *("SPC", "0200", "1", iban),
        *_creditor(account),
        *_NO_PERSON,
        f"{amount_in_limits(amount):.2f}",
        amount.currency,
        *_NO_PERSON,
        *_reference(iban, reference),
        _text("the message", message, _LONGEST_MESSAGE, shortest=0),
        "EPD",
    )
    text = "\n".join(lines)
    if len(text) > _MOST_CHARACTERS:
        raise NotPossible(f"the payment code would hold {len(text)} characters, {_MOST_CHARACTERS} are allowed")
    return text


def _swiss_iban(text: str, currency: str) -> str:
    if not text:
        raise NotPossible(f"there is no IBAN for {currency}")
    try:
        iban = str(ibans.validate(text))
    except ValidationError:
        raise NotPossible(f"the IBAN for {currency} does not pass its check digits") from None
    if not is_swiss(iban):
        raise NotPossible("a Swiss QR-bill needs an account in Switzerland or Liechtenstein")
    return iban


def _creditor(account: BankAccount) -> tuple[str, ...]:
    address = account.address or Address()
    if not re.fullmatch("[A-Z]{2}", address.country):
        raise NotPossible("the country of the account holder is missing, which a Swiss QR-bill needs")
    return (
        "S",
        _text("the account holder", account.holder, _LONGEST_NAME),
        _text("the street of the account holder", address.street, _LONGEST_STREET, shortest=0),
        _text("the building number of the account holder", address.building, _LONGEST_NUMBER, shortest=0),
        _text("the postcode of the account holder", address.postcode, _LONGEST_POSTCODE),
        _text("the town of the account holder", address.town, _LONGEST_TOWN),
        address.country,
    )


def _reference(iban: str, text: str) -> tuple[str, str]:
    """Type and reference (the guidelines, 3.2 and 3.5): a QR-IBAN asks for a QR reference, other accounts never take one."""
    if is_qr_iban(iban):
        if not (found := qr_reference(text)):
            raise NotPossible("a QR-IBAN needs a QR reference of 27 digits, and the ledger has none for this invoice")
        return "QRR", found
    structured = creditor_reference(text)
    return ("SCOR", structured) if structured else ("NON", "")


def _text(what: str, text: str, longest: int, *, shortest: int = 1) -> str:
    if found := _NOT_PERMITTED.search(text):
        raise NotPossible(f"{what} has the character {found[0]!r}, which a Swiss QR-bill does not know")
    return element(what, text, longest, shortest=shortest)
