"""How a ledger is reached: what a company's consent gave us, who keeps it, what a service lets us ask, and what it tells us by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from .secret import Secret


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a company's consent gave us: tokens for one set of books (`tenant_id`: realm, organisation).

    `access_token` works until `expires_at`; `refresh_token` until `refresh_expires_at` unless it is used before; nothing works after
    `ends_at`, however often it is refreshed. All instants in UTC; None: the service sets no such end.
    """

    access_token: Secret
    refresh_token: Secret
    expires_at: datetime
    tenant_id: str
    tenant_name: str = ""
    connection_id: str = ""
    refresh_expires_at: datetime | None = None
    ends_at: datetime | None = None
    scopes: tuple[str, ...] = ()


class TokenVault(Protocol):
    """Where one company's authorization is kept: durable, encrypted, shared by all processes."""

    def current(self) -> Authorization:
        """What is stored. Raises AuthorizationExpired when the company was never connected, or has to be connected again."""

    def renew(self, stale: Authorization, refresh: Callable[[Authorization], Authorization]) -> Authorization:
        """A newer authorization than `stale`, got by one process at a time and stored before it is returned.

        When another process was faster, its result is given and `refresh` is not called. When `refresh` raises AuthorizationExpired
        the company is marked as to be connected again, unless a newer authorization was stored meanwhile; other errors leave all as it is.
        """


class Purpose(StrEnum):
    """What a call to the ledger is for. The last part of a quota is kept for rechecks and writing."""

    READING = "reading"
    RECHECK = "recheck"
    WRITING = "writing"


class QuotaPeriod(StrEnum):
    """The stretch of time, in UTC, over which a service counts calls."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Quota:
    """How many calls a service allows in a period. `name` is what a person reads (`calls a day to Xero`); the last `reserve` calls are
    refused to reading; `shared_by` names the app whose companies share the quota, empty when each company has its own."""

    name: str
    limit: int
    period: QuotaPeriod
    reserve: int
    shared_by: str = ""


class CallMeter(Protocol):
    """Counts one company's calls against quotas: durable, shared by all processes."""

    def spend(self, quota: Quota, purpose: Purpose) -> None:
        """Count one call that is about to be made. Raises QuotaUsedUp instead when it would eat what is kept for better purposes."""

    def note_remaining(self, quota: Quota, remaining: int) -> None:
        """The service itself says how many calls are left; it is believed when that is less than what was counted."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A question to a person in the browser: `url` to open, what the answer must carry (`state`), and what proves that we asked."""

    url: str
    redirect_uri: str
    state: Secret
    verifier: Secret


@dataclass(frozen=True, slots=True)
class Happening:
    """What a webhook says: something of `tenant_id`'s books changed. No data; what changed is read from the ledger.

    `id` is the same when the event comes twice; `entity` in the ledger's own words, in lower case; `at` as the ledger wrote it.
    """

    id: str
    tenant_id: str
    entity: str
    entity_id: str
    what: str
    at: str


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What an endpoint has to know of a service that tells by itself when books changed.

    `header` is the one with the signature, which `is_genuine(body, signature, secret)` judges over the raw body in constant time;
    `refused_status` is the answer that the service expects to what is not genuine, and `seconds` how long it waits for any answer.
    `happenings(body)` is what a genuine delivery tells; it may raise UnexpectedResponse.
    """

    header: str
    refused_status: int
    seconds: int
    is_genuine: Callable[[bytes, str, Secret], bool]
    happenings: Callable[[bytes], tuple[Happening, ...]]
