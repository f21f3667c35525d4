"""Whom a notice is written to and in which language: the policy's recipient ladder, rung by rung (docs/sources.md 12, 26)."""

import re
from collections.abc import Collection, Iterable, Iterator

from ..policy.schema import ROLE_OF_STEP, Policy, RecipientStep
from ..receivables import MAILTO, Contact, Customer
from .facts import CustomerFacts, Recipient

_ADDRESS = re.compile(r"[^\s\"(),:;<>@\[\\\]]{1,64}@[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+")
"""An address that can stand alone in a mail header: RFC 5321 §2.3.11, with letters of any language (RFC 6531)."""

LANGUAGES = ("es", "en")
"""The languages that Puntual has texts for."""


def recipient_of(facts: CustomerFacts, contact_ids: Iterable[str], policy: Policy) -> Recipient | None:
    """The first address on the ladder that is usable; None when there is none. `contact_ids` are whom the invoices were addressed to."""
    addressed_to = frozenset(contact_ids) - {""}
    for step in policy.recipients:
        for found in _candidates(facts, addressed_to, step):
            if _is_usable(found.email, facts):
                return found
    return None


def language_of(customer: Customer, recipient: Recipient | None, policy: Policy) -> str:
    """The language tag to write in: the recipient's, the customer's, the company's; the first that Puntual has texts for, else English."""
    for tag in (recipient.language if recipient else "", customer.language, policy.company.locale):
        if base_language(tag) in LANGUAGES:
            return base_language(tag)
    return "en"


def base_language(tag: str) -> str:
    """`es` from `es-MX` or `es_ES`."""
    return tag.replace("_", "-").split("-")[0].lower()


def _is_usable(email: str, facts: CustomerFacts) -> bool:
    return (
        _ADDRESS.fullmatch(email) is not None and ".." not in f".{email}".replace("@", ".") and email.casefold() not in facts.bad_addresses
    )


def _candidates(facts: CustomerFacts, contact_ids: Collection[str], step: RecipientStep) -> Iterator[Recipient]:
    customer = facts.customer
    if step is RecipientStep.DOCUMENT:
        yield from (_of(contact, step.value) for contact in customer.contacts if contact.id in contact_ids)
        addresses = (key.removeprefix(MAILTO) for key in sorted(contact_ids) if key.startswith(MAILTO))
        yield from (Recipient(address, "", customer.language, step.value) for address in addresses)
    elif step is RecipientStep.PARENT:
        if facts.parent is not None:
            yield from (_of(contact, step.value) for contact in facts.parent.contacts)
            yield Recipient(facts.parent.email, "", facts.parent.language, step.value)
    else:
        yield from (_of(contact, step.value) for contact in customer.contacts if contact.role is ROLE_OF_STEP[step])
        if step is RecipientStep.GENERAL:
            yield Recipient(customer.email, "", customer.language, step.value)


def _of(contact: Contact, found_as: str) -> Recipient:
    return Recipient(contact.email, contact.name, contact.language, found_as)
