"""What a payment-link provider is asked for, and what it may say. The rest of the house knows only this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from ..money import Money


class LinkKind(StrEnum):
    """How the customer pays: on a page in the browser, or with a transfer from their own bank. A notice may offer one of each."""

    PAGE = "page"
    TRANSFER = "transfer"


class QrStandard(StrEnum):
    """Which payment code it is; it decides how it is drawn."""

    EPC = "epc"
    SWISS = "swiss"


class LinkEnd(StrEnum):
    """Why an old link must not be paid any more."""

    PAID = "paid"
    VOID = "void"
    CHANGED = "changed"
    EXPIRED = "expired"


class Known(StrEnum):
    """What history knows of a payment through a link: nothing; that it came and waits to be in the books; or that it was dealt with, in the
    books or by a person."""

    NOTHING = "nothing"
    WAITING = "waiting"
    DEALT_WITH = "dealt_with"


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A link that was made before, as history keeps it. `reference` is the provider's own id of it."""

    provider: str
    reference: str
    amount: Money
    payment: Known = Known.NOTHING


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """Something to be paid, as the ledger said a moment ago. `key` is what the answer is filed under and names the item for good.

    `invoice_id` is empty when several invoices are to be paid at once, which only a transfer can. `label` is what a page calls it (the
    number of the invoice), `remittance` what the notice asks to write on a transfer, `creditor_reference` the structured reference that
    the ledger itself knows for it, if any. `customer_country` is ISO 3166-1, `earlier` are all links made for it before, oldest first, also
    those that were ended.
    """

    key: str
    company: str
    invoice_id: str
    label: str
    amount: Money
    remittance: str
    language: str = ""
    customer_country: str = ""
    creditor_reference: str = ""
    page_url: str = ""
    earlier: tuple[IssuedLink, ...] = ()


@dataclass(frozen=True, slots=True)
class QrPayload:
    """What a payment code says; pictures.py draws it."""

    standard: QrStandard
    text: str


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """A way to pay exactly what was asked for. `url` is empty for a transfer, `qr` is None where there is no code for this currency.

    `expires_at` is aware UTC: from then on the link is to be retired; None: it stays. `reference` is the provider's own id of a page; for a
    transfer, what has to be written on it.
    """

    url: str
    kind: LinkKind
    expires_at: datetime | None
    qr: QrPayload | None
    provider: str
    reference: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No link, and why, in words for a person at the company."""

    provider: str
    reason: str


@dataclass(frozen=True, slots=True)
class BeingPaid(Unavailable):
    """No link, because the customer pays or has paid through an earlier one and the books do not show it yet: not to be chased. `payment`
    is what came; None while it is under way (a bank debit takes days) or is contested."""

    payment: "PaymentReported | None" = None


@dataclass(frozen=True, slots=True)
class EndedLink:
    """An old link that must say that it is not to be paid any more, in the customer's language."""

    reference: str
    why: LinkEnd
    language: str = ""


@dataclass(frozen=True, slots=True)
class PaymentReported:
    """A payment that a provider tells of. `id` is the payment's own and the same however often and in whichever event it is told;
    `event_id` is that of this telling, or of where it was seen. `paid_on` is the day in the company's zone; `link` the reference of the
    link that was paid; `is_live` is false for a payment of the provider's test mode, with which no money came."""

    provider: str
    id: str
    event_id: str
    company: str
    invoice_id: str
    key: str
    amount: Money
    paid_on: date
    link: str
    is_live: bool


class TakenBack(StrEnum):
    """How money goes back: the company paid it back, or the customer's bank contests the payment."""

    REFUND = "refund"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True)
class PaymentTakenBack:
    """That a payment was paid back, or is contested. `id` is the same however often it is told; `payment_id` is that of the payment;
    `amount` is all that was paid back by now, or is contested; `on` is the day in the company's zone; `reason` is the provider's word for
    it, empty when it gives none. `company` and `invoice_id` are empty where the provider does not say them."""

    provider: str
    kind: TakenBack
    id: str
    event_id: str
    payment_id: str
    amount: Money
    on: date
    reason: str = ""
    company: str = ""
    invoice_id: str = ""


class PaymentLinkProvider(Protocol):
    """A maker of payment links."""

    @property
    def id(self) -> str:
        """Its id in plugin.yaml and in the policy."""
        ...

    @property
    def kind(self) -> LinkKind:
        """What all its links are."""
        ...

    def can_pay(self, request: LinkRequest) -> str | None:
        """Why it can make no link for this, or None. Looks at what it knows only, and asks nobody."""
        ...

    def links(self, requests: Sequence[LinkRequest]) -> Mapping[str, PaymentLink | Unavailable]:
        """A link, or why there is none, for each request by its key; asked again it gives the same link as long as that is good.

        Links in `earlier` of the same provider for another amount end; one that is being paid is told as BeingPaid. Raises TryLater when
        the provider answers nothing at all, CompanyMustAct when it no longer lets us in.
        """
        ...

    def being_paid(self, requests: Sequence[LinkRequest]) -> Mapping[str, BeingPaid]:
        """Which of these are being paid through a link in `earlier`, by their keys. Nothing is made or ended; what the provider does not
        answer for is not told. Raises CompanyMustAct as `links` does."""
        ...

    def retire(self, ended: Sequence[EndedLink]) -> frozenset[str]:
        """Let old links say that they are not to be paid any more. Gives the references that do now, or that are gone; a provider that
        cannot do it gives none. Raises as `links` does."""
        ...
