"""Checks of the ways to pay: what does not fit together in `payment_details` and `payment_links`."""

from collections.abc import Iterator
from decimal import Decimal

from ..money import minor_units
from ..port import Capability
from .payment_schema import LinkProvider, PaymentDetails, PaymentLink
from .problems import Finding, Path
from .sections import Section

_STRIPES_OWN = ("secret_key", "webhook_secret", "valid_days")


def payment_findings(policy: Section, capabilities: frozenset[Capability] | None) -> Iterator[Finding]:
    """All that is wrong with the ways to pay; `capabilities` are those of the ledger, None when it is not known."""
    for details in policy.named("payment_details", PaymentDetails):
        if not any(details.given(key) for key in ("iban", "account", "instructions")):
            yield Finding(details.path, f"`{details.path[-1]}` says no way to pay", "give `iban`, `account` or `instructions`", on_key=True)
    links: tuple[PaymentLink, ...] = policy.sound("payment_links") or ()
    seen: set[LinkProvider] = set()
    for number, link in enumerate(links):
        path: Path = ("payment_links", number)
        if link.provider in seen:
            yield Finding(path, f"`{link.provider}` stands twice", "say all of it in one entry")
        seen.add(link.provider)
        yield from _amounts(link, path)
        yield from _stripe(link, path)
        yield from _transfer(link, path, policy)
    if LinkProvider.LEDGER in seen and capabilities is not None and Capability.PAYMENT_PAGE not in capabilities:
        yield Finding(("payment_links",), "this ledger has no pay page of its own", "leave out `ledger` there and give `payment_details`")


def _amounts(link: PaymentLink, path: Path) -> Iterator[Finding]:
    for key, amounts in (("min_amount", link.min_amount), ("max_amount", link.max_amount)):
        for code, amount in amounts.items():
            yield from _amount((*path, key, code), amount, code, link)
    for code in link.min_amount.keys() & link.max_amount.keys():
        low, high = link.min_amount[code], link.max_amount[code]
        if low > high:
            yield Finding((*path, "max_amount", code), f"`max_amount` {high} {code} is below `min_amount` {low} {code}")


def _amount(path: Path, amount: Decimal, code: str, link: PaymentLink) -> Iterator[Finding]:
    if amount != round(amount, minor_units(code)):
        yield Finding(path, f"{amount} has more decimals than {code}, which has {minor_units(code)}", "round it")
    if not link.serves(code):
        yield Finding(path, f"`{link.provider}` is not used for {code} at all", "add it to `currencies`, or leave this out")


def _stripe(link: PaymentLink, path: Path) -> Iterator[Finding]:
    if link.provider is LinkProvider.STRIPE and link.secret_key is None:
        yield Finding(path, "`stripe` needs a `secret_key`", "a section: {provider: stripe, secret_key: '${STRIPE_KEY}'}")
    if link.provider is not LinkProvider.STRIPE:
        for key in _STRIPES_OWN:
            if getattr(link, key) is not None:
                yield Finding((*path, key), f"`{key}` means nothing for `{link.provider}`", "it is for `stripe`", on_key=True)


def _transfer(link: PaymentLink, path: Path, policy: Section) -> Iterator[Finding]:
    """A payment code is for an account that the policy names."""
    details = policy.sound("payment_details")
    if link.provider is not LinkProvider.BANK_TRANSFER or details is None:
        return
    if not details:
        yield Finding(path, "`bank_transfer` needs `payment_details`", "give your `iban` there, by currency")
    for number, code in enumerate(link.currencies):
        if details and code not in details:
            yield Finding((*path, "currencies", number), f"`payment_details` has nothing for {code}", f"add `{code}:` there")
