"""Addresses and identifiers of mail: what can stand in a header, and how it is written there."""

import hashlib
import re
import unicodedata
from email.headerregistry import Address
from functools import lru_cache

import idna

from ..errors import PuntualError

_LOCAL = re.compile(r"[^\s\"(),:;<>@\[\\\]]{1,64}")
_NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<spec>[^<>]+)>")
_LONGEST_DOMAIN = 253
_ID_LENGTH = 32


class UnusableAddress(PuntualError):
    """This is no address that mail can be sent to."""


def mail_address(text: str, name: str = "") -> Address:
    """The address in `text`, which may be `Name <local@domain>`; `name` comes before the name found there.

    International domains are written in their ASCII form (IDNA 2008, RFC 5891). Raises UnusableAddress.
    """
    found_name, spec = _named(one_line(text))
    local, at, domain = spec.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or ".." in f".{local}.":
        raise UnusableAddress(f"“{one_line(text)}” is no e-mail address")
    return Address(display_name=one_line(name or found_name), username=unicodedata.normalize("NFC", local), domain=_ascii_domain(domain))


def _named(text: str) -> tuple[str, str]:
    """Name and address; the name may hold commas without quotes, as people write them."""
    found = _NAMED.fullmatch(text)
    return (found["name"].strip('" '), found["spec"]) if found else ("", text)


@lru_cache(maxsize=1024)
def _ascii_domain(domain: str) -> str:
    try:
        written = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise UnusableAddress(f"“{domain}” is no domain that mail can be sent to") from error
    if "." not in written or len(written) > _LONGEST_DOMAIN:
        raise UnusableAddress(f"“{domain}” is no domain that mail can be sent to")
    return written


def one_line(text: str) -> str:
    """The text as one line without control characters, so that no value can begin another header."""
    return " ".join("".join(" " if unicodedata.category(char).startswith(("C", "Zl", "Zp")) else char for char in text).split())


def message_id(company: str, key: str, sender: str) -> str:
    """The Message-ID of an attempt (RFC 5322, 3.6.4): the same for the same key, so that a message can be recognised wherever it is."""
    return _identifier("message", company, key, sender)


def thread_id(company: str, customer_id: str, sender: str) -> str:
    """The root of the one conversation with a customer. No message carries it as its own id; all of them refer to it."""
    return _identifier("conversation", company, customer_id, sender)


def _identifier(kind: str, company: str, key: str, sender: str) -> str:
    digest = hashlib.sha256(f"{kind}\0{company}\0{key}".encode()).hexdigest()[:_ID_LENGTH]
    return f"<{digest}@{mail_address(sender).domain}>"
