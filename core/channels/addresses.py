"""Addresses of mail: what can stand in a header, and how it is written there."""

import re
import unicodedata
from email.headerregistry import Address
from functools import lru_cache

import idna

from ..errors import PuntualError

_LOCAL = re.compile(r"[^\s\"(),:;<>@\[\\\]]{1,64}")
_NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<spec>[^<>]+)>")
_LONGEST_DOMAIN = 253


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
