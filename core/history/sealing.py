"""Tokens at rest: encrypted and signed (Fernet: AES-128-CBC with HMAC-SHA-256), by keys that stand outside the database.

What is sealed says whose it is, so that a row that was copied to another company does not open there.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ..access import Authorization, Consent
from ..errors import CompanyMustAct
from ..secret import Secret

_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
"""32 bytes in base64 for URLs. Python's decoder lets pass what follows the end, so that two keys run together would be one."""
HOW_TO_MAKE = "Make one with: puntual keys new; then set PUNTUAL_KEYS to it, or to file:/path of a file that holds it"


class KeysMissing(CompanyMustAct):
    """The keys that protect the connection to the ledger are missing or unusable."""


_KIND = "kind"


class _Kind(StrEnum):
    """What was sealed; what says nothing of it is an authorization."""

    AUTHORIZATION = "authorization"
    CONSENT = "consent"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose tokens these are, and of which ledger."""

    company: str
    ledger: str


class Keyring:
    """The keys, newest first: the first one seals, any of them opens."""

    def __init__(self, keys: Sequence[Fernet]) -> None:
        self._fernet = MultiFernet(keys)

    def seal(self, owner: Owner, authorization: Authorization) -> str:
        """The authorization as text that says nothing to whom has no key."""
        return self._closed(owner, _as_content(authorization))

    def open(self, owner: Owner, sealed: str) -> Authorization:
        """What was sealed for this owner. Raises KeysMissing when no key opens it, or it is another owner's."""
        return _from_content(self._opened(owner, sealed, _Kind.AUTHORIZATION))

    def seal_consent(self, owner: Owner, consent: Consent) -> str:
        """A question that is put to a person, as text that says nothing to whom has no key."""
        asked = {"url": consent.url, "redirect_uri": consent.redirect_uri}
        asked |= {"state": consent.state.reveal(), "verifier": consent.verifier.reveal()}
        return self._closed(owner, {_KIND: _Kind.CONSENT.value, **asked})

    def open_consent(self, owner: Owner, sealed: str) -> Consent:
        """The question that was sealed for this owner. Raises KeysMissing."""
        asked = self._opened(owner, sealed, _Kind.CONSENT)
        return Consent(asked["url"], asked["redirect_uri"], Secret(asked["state"]), Secret(asked["verifier"]))

    def seal_choice(self, owner: Owner, found: Sequence[Authorization]) -> str:
        """What a person allowed of which one is to be chosen, as text that says nothing to whom has no key."""
        return self._closed(owner, {_KIND: _Kind.CHOICE.value, "found": [_as_content(one) for one in found]})

    def open_choice(self, owner: Owner, sealed: str) -> list[Authorization]:
        """What was sealed for this owner to choose from. Raises KeysMissing."""
        return [_from_content(one) for one in self._opened(owner, sealed, _Kind.CHOICE)["found"]]

    def _closed(self, owner: Owner, content: Mapping[str, Any]) -> str:
        whole = {"company": owner.company, "ledger": owner.ledger, **content}
        return self._fernet.encrypt(json.dumps(whole, separators=(",", ":")).encode()).decode("ascii")

    def _opened(self, owner: Owner, sealed: str, kind: "_Kind") -> dict[str, Any]:
        content: dict[str, Any] | None
        try:
            content = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, UnicodeError, ValueError):
            content = None
        if content is None:
            raise KeysMissing(
                f"None of the keys in PUNTUAL_KEYS opens the connection of {owner.company}.",
                hint=f"Put back the key that was used before, behind the newer ones; if it is lost: puntual connect {owner.company}",
            )
        if (content["company"], content["ledger"]) != (owner.company, owner.ledger):
            raise KeysMissing(
                f"What is stored as the connection of {owner.company} to {owner.ledger} belongs to another company or ledger.",
                hint=f"Somebody changed the database; connect again with: puntual connect {owner.company}",
            )
        if content.get(_KIND, _Kind.AUTHORIZATION.value) != kind.value:
            raise KeysMissing(
                f"What is stored for the connection of {owner.company} to {owner.ledger} is no {kind.value}.",
                hint=f"Somebody changed the database; connect again with: puntual connect {owner.company}",
            )
        return content


def keyring_of(text: str | None) -> Keyring:
    """The keys in a text, newest first, with commas, spaces or line ends between. Raises KeysMissing; no key stands in the message."""
    words = (text or "").replace(",", " ").split()
    if not words:
        raise KeysMissing("PUNTUAL_KEYS holds no key.", hint=HOW_TO_MAKE)
    for number, word in enumerate(words, 1):
        if not _KEY.fullmatch(word):
            raise KeysMissing(f"The key number {number} of {len(words)} in PUNTUAL_KEYS is no key of Puntual's.", hint=HOW_TO_MAKE)
    return Keyring([Fernet(word) for word in words])


def new_key() -> Secret:
    """A key that nobody has."""
    return Secret(Fernet.generate_key().decode("ascii"))


def _as_content(authorization: Authorization) -> dict[str, Any]:
    return {
        "access_token": authorization.access_token.reveal(),
        "refresh_token": authorization.refresh_token.reveal(),
        "tenant_id": authorization.tenant_id,
        "tenant_name": authorization.tenant_name,
        "connection_id": authorization.connection_id,
        "expires_at": authorization.expires_at.isoformat(),
        "refresh_expires_at": _written(authorization.refresh_expires_at),
        "ends_at": _written(authorization.ends_at),
        "scopes": list(authorization.scopes),
    }


def _from_content(content: dict[str, Any]) -> Authorization:
    return Authorization(
        access_token=Secret(content["access_token"]),
        refresh_token=Secret(content["refresh_token"]),
        expires_at=datetime.fromisoformat(content["expires_at"]),
        tenant_id=content["tenant_id"],
        tenant_name=content["tenant_name"],
        connection_id=content["connection_id"],
        refresh_expires_at=_read(content["refresh_expires_at"]),
        ends_at=_read(content["ends_at"]),
        scopes=tuple(content["scopes"]),
    )


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
