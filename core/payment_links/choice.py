"""Which provider makes the link: the first in the policy's order that serves this currency and amount and can do it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import TryLater
from ..money import Money
from .port import BeingPaid, LinkKind, LinkRequest, PaymentLink, PaymentLinkProvider, Unavailable

Providers = Mapping[str, PaymentLinkProvider]


@dataclass(frozen=True, slots=True)
class LinkRule:
    """What the policy says of one provider. No `currencies`: all. Limits count in their own currency, both ends included."""

    provider: str
    currencies: frozenset[str] = frozenset()
    min_amount: Mapping[str, Money] = field(default_factory=dict)
    max_amount: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule that was chosen, None when none serves, and those before it in the order, each with its reason."""

    rule: LinkRule | None
    passed_over: tuple[Unavailable, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """The ways to pay one request: at most one page and one transfer; `passed_over` says why the others are not there. Where it is being
    paid already, nothing is offered."""

    page: PaymentLink | None = None
    transfer: PaymentLink | None = None
    passed_over: tuple[Unavailable, ...] = ()
    being_paid: BeingPaid | None = None


def choose(request: LinkRequest, rules: Iterable[LinkRule], providers: Providers, kind: LinkKind) -> Choice:
    """The first rule of this kind, in the policy's order, whose currency, limits and provider allow it. Asks nobody."""
    passed: list[Unavailable] = []
    for rule in rules:
        if providers[rule.provider].kind is not kind:
            continue
        reason = _against(request, rule, providers[rule.provider])
        if reason is None:
            return Choice(rule, tuple(passed))
        passed.append(Unavailable(rule.provider, reason))
    return Choice(None, tuple(passed))


def _against(request: LinkRequest, rule: LinkRule, provider: PaymentLinkProvider) -> str | None:
    amount, currency = request.amount, request.amount.currency
    if rule.currencies and currency not in rule.currencies:
        return f"not used for {currency}"
    if (least := rule.min_amount.get(currency)) is not None and amount < least:
        return f"not used below {least}"
    if (most := rule.max_amount.get(currency)) is not None and amount > most:
        return f"not used above {most}"
    return provider.can_pay(request)


def offers(requests: Sequence[LinkRequest], rules: Sequence[LinkRule], providers: Providers) -> dict[str, Offer]:
    """The ways to pay each request, by its key. Where a provider does not answer or refuses, the next in the order is asked.

    Raises CompanyMustAct when a provider no longer lets us in: a link that is missing for good is for a person to mend.
    """
    found: dict[LinkKind, dict[str, PaymentLink]] = {kind: {} for kind in LinkKind}
    passed: dict[str, list[Unavailable]] = {request.key: [] for request in requests}
    paying: dict[str, BeingPaid] = {}
    for kind in LinkKind:
        for rule in (rule for rule in rules if providers[rule.provider].kind is kind):
            pending = [request for request in requests if request.key not in found[kind] and request.key not in paying]
            for key, answer in _answers(pending, rule, providers[rule.provider]).items():
                if isinstance(answer, BeingPaid):
                    paying[key] = answer
                elif isinstance(answer, Unavailable):
                    passed[key].append(answer)
                else:
                    found[kind][key] = answer
    pages, transfers = found[LinkKind.PAGE], found[LinkKind.TRANSFER]
    return {key: Offer(pages.get(key), transfers.get(key), tuple(why), paying.get(key)) for key, why in passed.items()}


def _answers(requests: Iterable[LinkRequest], rule: LinkRule, provider: PaymentLinkProvider) -> dict[str, PaymentLink | Unavailable]:
    reasons = {request: _against(request, rule, provider) for request in requests}
    refused = {request.key: Unavailable(provider.id, reason) for request, reason in reasons.items() if reason is not None}
    served = [request for request, reason in reasons.items() if reason is None]
    return {**refused, **(_asked(provider, served) if served else {})}


def _asked(provider: PaymentLinkProvider, requests: Sequence[LinkRequest]) -> Mapping[str, PaymentLink | Unavailable]:
    try:
        return provider.links(requests)
    except TryLater as error:
        return {request.key: Unavailable(provider.id, error.detail or error.meaning()) for request in requests}
