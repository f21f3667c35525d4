"""Bank transfer: the account of that very currency, what to write on it, and the payment code where there is a standard for one."""

from collections.abc import Mapping, Sequence

from .account import BankAccount, NotPossible, element
from .epc import epc_text
from .port import BeingPaid, EndedLink, LinkKind, LinkRequest, PaymentLink, QrPayload, QrStandard, Unavailable
from .references import creditor_reference, is_swiss, qr_reference
from .swiss import swiss_text

_LONGEST_REMITTANCE = 140  # ISO 20022, unstructured remittance information of a credit transfer


class BankTransfers:
    """Transfers to the company's own accounts. `accounts` is by currency, and an account is never used for another one."""

    id = "bank_transfer"
    kind = LinkKind.TRANSFER

    def __init__(self, accounts: Mapping[str, BankAccount]) -> None:
        self._accounts = accounts

    def can_pay(self, request: LinkRequest) -> str | None:
        """Whether there is an account of this currency and all that its payment code needs."""
        answer = self._answer(request)
        return answer.reason if isinstance(answer, Unavailable) else None

    def links(self, requests: Sequence[LinkRequest]) -> Mapping[str, PaymentLink | Unavailable]:
        """What to pay where, by key. Nothing is asked of anybody."""
        return {request.key: self._answer(request) for request in requests}

    def being_paid(self, requests: Sequence[LinkRequest]) -> Mapping[str, BeingPaid]:
        """Nobody tells of a transfer before the bank does."""
        return {}

    def retire(self, ended: Sequence[EndedLink]) -> frozenset[str]:
        """What was written down cannot be taken back."""
        return frozenset()

    def _answer(self, request: LinkRequest) -> PaymentLink | Unavailable:
        try:
            account = self._account(request.amount.currency)
            remittance = element("the remittance information", request.remittance, _LONGEST_REMITTANCE)
            qr = _payload(account, request)
        except NotPossible as reason:
            return Unavailable(self.id, str(reason))
        return PaymentLink("", self.kind, None, qr, self.id, _reference(qr, request) or remittance)

    def _account(self, currency: str) -> BankAccount:
        account = self._accounts.get(currency)
        if account is None or account.currency != currency:
            raise NotPossible(f"the policy names no account for {currency}")
        if not account.iban and not account.account:
            raise NotPossible(f"the account for {currency} has neither IBAN nor number")
        return account


def _payload(account: BankAccount, request: LinkRequest) -> QrPayload | None:
    """The code of the standard that the payer's bank reads; None where there is no standard for the currency.

    Euros to a Swiss account: a payer in Switzerland or Liechtenstein reads the Swiss code, any other the SEPA one.
    """
    standard = _standard(account, request)
    if standard is None:
        return None
    content = swiss_text if standard is QrStandard.SWISS else epc_text
    return QrPayload(standard, content(account, request.amount, request.remittance, request.creditor_reference))


def _standard(account: BankAccount, request: LinkRequest) -> QrStandard | None:
    currency = request.amount.currency
    if currency == "CHF" or (currency == "EUR" and is_swiss(account.iban) and request.customer_country in ("CH", "LI")):
        return QrStandard.SWISS
    return QrStandard.EPC if currency == "EUR" else None


def _reference(qr: QrPayload | None, request: LinkRequest) -> str:
    """The structured reference that stands in the code, if one does."""
    if qr is None:
        return ""
    given = request.creditor_reference
    return next((found for found in (qr_reference(given), creditor_reference(given)) if found and found in qr.text.split("\n")), "")
