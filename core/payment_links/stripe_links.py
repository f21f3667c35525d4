"""Stripe as a provider of payment links: one Payment Link for each item and amount, good for one payment."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from ..errors import CompanyMustAct, RejectedByLedger, TryLater
from ..secret import Secret
from .account import NotPossible
from .port import BeingPaid, EndedLink, IssuedLink, Known, LinkEnd, LinkKind, LinkRequest, PaymentLink, PaymentReported, Unavailable
from .stripe_money import from_stripe, to_stripe
from .stripe_webhook import AMOUNT, COMPANY, INVOICE, KEY
from .words import ended

if TYPE_CHECKING:
    from .stripe_wire import LinkSeen, PaymentSeen, StripeWire

_LONGEST_NAME, _LONGEST_METADATA = 250, 500
# Stripe, "PaymentIntent", status: those after which no money comes by itself any more.
_FAILED = frozenset(("requires_payment_method", "canceled", ""))

_NOT_BOOKED = "a payment through an earlier link is not in the books yet"


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """The company's account at Stripe. A restricted key that may write Payment Links and Checkout Sessions, and read PaymentIntents and
    Charges, is enough (an expanded object needs the right to read it: Stripe, "Permissions reference"). `valid_days` is after how many days
    without a new notice a link is to be retired."""

    secret_key: Secret
    valid_days: int = 60
    base_url: str = "https://api.stripe.com"
    connect_seconds: int = 5
    read_seconds: int = 20
    retries: int = 1


class _Paying(Exception):
    """An earlier link is being paid."""

    def __init__(self, answer: BeingPaid) -> None:
        self.answer = answer


class StripeLinks:
    """Links at Stripe. `now` is the one clock, aware UTC, `zone` the company's, for the day of a payment. Raises CompanyMustAct when
    Stripe's library is not installed."""

    id = "stripe"
    kind = LinkKind.PAGE

    def __init__(self, account: StripeAccount, now: Callable[[], datetime], zone: tzinfo = UTC) -> None:
        self._wire = _wire(account)
        self._valid = timedelta(days=account.valid_days)
        self._now = now
        self._zone = zone

    def can_pay(self, request: LinkRequest) -> str | None:
        """One invoice, and an amount that Stripe takes exactly."""
        try:
            _params(request)
        except NotPossible as reason:
            return str(reason)
        return None

    def links(self, requests: Sequence[LinkRequest]) -> Mapping[str, PaymentLink | Unavailable]:
        """A link for each: the earlier one as long as it is good for the same payment, else a new one after the earlier ones were ended.
        When Stripe does not answer, what it said before still counts, and the rest is not asked for."""
        answers: dict[str, PaymentLink | Unavailable] = {}
        for number, request in enumerate(requests):
            try:
                answers[request.key] = self._answer(request)
            except TryLater as trouble:
                if not answers:
                    raise
                why = Unavailable(self.id, trouble.detail or trouble.meaning())
                return answers | dict.fromkeys((rest.key for rest in requests[number:]), why)
        return answers

    def being_paid(self, requests: Sequence[LinkRequest]) -> Mapping[str, BeingPaid]:
        """Looks at the earlier links of each; no further when Stripe does not answer."""
        found: dict[str, BeingPaid] = {}
        for request in requests:
            try:
                for issued in reversed(self._ours(request)):
                    self._look(request, issued)
            except _Paying as paying:
                found[request.key] = paying.answer
            except (NotPossible, RejectedByLedger):
                continue
            except TryLater:
                break
        return found

    def _ours(self, request: LinkRequest) -> list[IssuedLink]:
        """The links of this provider for it, the oldest first."""
        return [link for link in request.earlier if link.provider == self.id]

    def retire(self, ended: Sequence[EndedLink]) -> frozenset[str]:
        """Switch links off; each then says why. One that Stripe does not know (any more) counts as done."""
        for link in ended:
            self._end(link.reference, link.why, link.language)
        return frozenset(link.reference for link in ended)

    def _answer(self, request: LinkRequest) -> PaymentLink | Unavailable:
        earlier = self._ours(request)
        try:
            params = _params(request)
            link = self._still_good(request, earlier, params["metadata"]) or self._wire.create(params, _idempotency_key(params, earlier))
            self._check(link, params["metadata"])
        except _Paying as paying:
            return paying.answer
        except NotPossible as reason:
            return Unavailable(self.id, str(reason))
        except RejectedByLedger as refused:
            return Unavailable(self.id, refused.detail)
        return PaymentLink(link.url, self.kind, self._now() + self._valid, None, self.id, link.id)

    def _still_good(self, request: LinkRequest, earlier: Sequence[IssuedLink], metadata: Mapping[str, str]) -> "LinkSeen | None":
        """The newest earlier link that is good for this very payment. The others are switched off. Raises _Paying when money is on its way
        or has come through one of them and the books do not show it yet."""
        good: LinkSeen | None = None
        for issued in reversed(earlier):
            seen = self._look(request, issued)
            if seen is None:
                continue
            if good is None and seen.is_active and not seen.completed and seen.metadata == metadata:
                good = seen
            elif seen.is_active:
                self._end(seen.id, LinkEnd.CHANGED if seen.metadata != metadata else LinkEnd.EXPIRED, request.language)
                # It may have been paid on in the moment before it ended.
                self._look(request, issued)
        return good

    def _look(self, request: LinkRequest, issued: IssuedLink) -> "LinkSeen | None":
        """The link as it is now, None when it is gone. A payment that history knows of is left to it."""
        seen = self._wire.link(issued.reference)
        if seen is not None and seen.completed and issued.payment is not Known.DEALT_WITH:
            if issued.payment is Known.WAITING:
                raise NotPossible(_NOT_BOOKED)
            self._forbid_second_payment(request, seen)
        return seen

    def _forbid_second_payment(self, request: LinkRequest, seen: "LinkSeen") -> None:
        """The test mode pays nothing, and keeps nobody from being reminded."""
        try:
            found = self._wire.payments(seen.id)
        except TryLater:
            raise _Paying(BeingPaid(self.id, "somebody paid on its page, and Stripe does not say at the moment what came of it")) from None
        for one in found:
            if one.state not in _FAILED and one.kept > 0:
                if one.is_live:
                    raise _Paying(self._being_paid(request, seen, one))
                raise NotPossible(_NOT_BOOKED)

    def _being_paid(self, request: LinkRequest, seen: "LinkSeen", one: "PaymentSeen") -> BeingPaid:
        if one.is_contested:
            return BeingPaid(self.id, "it was paid on its page, and the customer's bank contests the payment")
        if one.state != "paid":
            return BeingPaid(self.id, "a payment on its page is under way")
        on, amount = datetime.fromtimestamp(one.at, UTC).astimezone(self._zone).date(), from_stripe(one.kept, one.currency)
        came = PaymentReported(
            self.id, one.id, one.session, request.company, request.invoice_id, request.key, amount, on, seen.id, is_live=one.is_live
        )
        return BeingPaid(self.id, f"{amount} was paid on its page on {on}, and the books do not show it yet", came)

    def _check(self, link: "LinkSeen", metadata: Mapping[str, str]) -> None:
        """A repeated idempotency key answers with what was true then: a link that was ended since must not go out."""
        if not link.is_active or link.metadata != metadata:
            raise NotPossible("Stripe gave a link that is not for this payment")

    def _end(self, reference: str, why: LinkEnd, language: str) -> None:
        self._wire.switch_off(reference, ended(why, language))


def _wire(account: StripeAccount) -> "StripeWire":
    try:
        from .stripe_wire import Limits, StripeWire
    except ImportError:
        raise CompanyMustAct("Stripe's library is not installed.", hint="Install it with: pip install 'puntual[stripe]'") from None
    limits = Limits(account.connect_seconds, account.read_seconds, account.retries)
    return StripeWire(account.secret_key, account.base_url, limits)


def _params(request: LinkRequest) -> dict[str, Any]:
    """The link as Stripe's API takes it. The money is the request's; tax, tips, promotions and quantities stay off, as they are by default.

    Raises NotPossible.
    """
    if not request.invoice_id:
        raise NotPossible("a Stripe link is for one invoice at a time")
    amount = to_stripe(request.amount)
    metadata = _metadata(request)
    price = {"currency": request.amount.currency.lower(), "unit_amount": amount, "product_data": {"name": request.label[:_LONGEST_NAME]}}
    return {
        "line_items": [{"price_data": price, "quantity": 1}],
        "restrictions": {"completed_sessions": {"limit": 1}},
        "submit_type": "pay",
        "inactive_message": ended(LinkEnd.PAID, request.language),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "description": request.label[:_LONGEST_NAME]},
    }


def _metadata(request: LinkRequest) -> dict[str, str]:
    metadata = {COMPANY: request.company, INVOICE: request.invoice_id, KEY: request.key, AMOUNT: str(request.amount)}
    if not request.label or any(len(value) > _LONGEST_METADATA for value in metadata.values()):
        raise NotPossible("the invoice has no number, or an id that is too long for Stripe")
    return metadata


def _idempotency_key(params: Mapping[str, Any], earlier: Sequence[IssuedLink]) -> str:
    """The same for the same company, invoice, item and amount: a link whose answer was lost is found and not made twice. Another one after
    each link that history knows: a link that was ended is never found again."""
    said = json.dumps([params, [link.reference for link in earlier]], sort_keys=True, ensure_ascii=True)
    return f"puntual-{hashlib.sha256(said.encode()).hexdigest()}"
