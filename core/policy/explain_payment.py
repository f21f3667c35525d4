"""How customers can pay, in sentences that a bookkeeper can check."""

from collections.abc import Iterator

from stdnum import iban

from .payment_schema import VALID_DAYS, LinkProvider, PaymentDetails, PaymentLink, PostalAddress
from .schema import Policy
from .sentences import amounts_listed, counted, country_named, listed

_PAGES = {LinkProvider.LEDGER: "the ledger's own pay page", LinkProvider.STRIPE: "a page at Stripe"}


def payment_sentences(policy: Policy) -> Iterator[str]:
    """Where to pay, and which links and payment codes notices have."""
    if not policy.payment_details:
        yield "No payment details are given."
    for code, details in sorted(policy.payment_details.items()):
        yield f"Whoever pays in {code}: {_details(details)}."
    pages = [link for link in policy.payment_links if link.provider in _PAGES]
    yield _pages(pages) if pages else "Notices have no payment link."
    for link in policy.payment_links:
        if link.provider is LinkProvider.STRIPE:
            yield _stripe(link)
        elif link.provider is LinkProvider.BANK_TRANSFER:
            yield f"Notices show a payment code (QR) for the bank transfer{_limits(link)}."


def _pages(links: list[PaymentLink]) -> str:
    said = [f"{_PAGES[link.provider]}{_limits(link)}" for link in links]
    return f"Notices link to {'; else to '.join(said)}."


def _limits(link: PaymentLink) -> str:
    parts = [f"in {listed(sorted(link.currencies))}"] if link.currencies else []
    parts += [f"from {amounts_listed(link.min_amount)} on"] if link.min_amount else []
    parts += [f"up to {amounts_listed(link.max_amount)}"] if link.max_amount else []
    return f" ({', '.join(parts)})" if parts else ""


def _stripe(link: PaymentLink) -> str:
    told = "payments there are told to us, signed" if link.webhook_secret else "payments there are seen when the books show them"
    key = "a key that is not shown" if link.secret_key else "no key"
    days = counted(link.valid_days or VALID_DAYS, "day")
    return f"Stripe is asked with {key}. A link there ends {days} after the last notice that had it; {told}."


def _details(details: PaymentDetails) -> str:
    given = {
        "IBAN": iban.format(details.iban),
        "BIC": details.bic,
        "account": details.account,
        "bank": details.bank,
        "account holder": details.holder,
        "address of the account holder": _address(details.address) if details.address else "",
    }
    words = [f"{name} {value}" for name, value in given.items() if value]
    return "; ".join([*words, *([f"“{' '.join(details.instructions.split())}”"] if details.instructions else [])])


def _address(address: PostalAddress) -> str:
    street = " ".join(part for part in (address.street, address.building) if part)
    return ", ".join(part for part in (street, f"{address.postcode} {address.town}", country_named(address.country)) if part)
