"""The one place that imports Stripe's library and speaks to Stripe. Nothing of the library gets out, neither its objects nor its errors.

Payment Links, not Checkout Sessions: a session ends after 24 hours at most (Stripe, "Create a Checkout Session", expires_at), and a
reminder is often read later than that. A link made for one payment, with its amount in it, that can be switched off, does what is needed.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import stripe

from ..errors import BrokenInvariant, CompanyMustAct, PuntualError, RateLimited, RejectedByLedger, TryLater, UnexpectedResponse
from ..secret import Secret, masked

_EXCERPT_CHARACTERS, _EVIDENCE_CHARACTERS = 200, 1000
_OPEN_AT_MOST = 100

# Below that its records hold addresses and whole answers, which name customers' invoices and hold the links themselves.
logging.getLogger("stripe").setLevel(logging.WARNING)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to wait for the connection and for each part of the answer, and how often the library may ask again by itself after a
    broken connection, a 409 or a 5xx; it then uses the same idempotency key."""

    connect_seconds: int = 5
    read_seconds: int = 20
    retries: int = 1


class StripeEvidence(Exception):
    """What Stripe or its library said, as text with the key masked; the library's own exception holds headers and is let go."""


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """A payment link as it is at Stripe. `completed` counts the payments that were begun to the end on it."""

    id: str
    url: str
    is_active: bool
    completed: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PaymentSeen:
    """What was paid on a finished page. `state` is `paid`, or how its payment stands (Stripe, "PaymentIntent", status); `kept` is what
    came less what was paid back, in Stripe's smallest unit; `at` is when the customer paid, in seconds since 1970."""

    id: str
    session: str
    state: str
    kept: int
    currency: str
    at: int
    is_live: bool
    is_contested: bool


class StripeWire:
    """The calls that are needed, each with its errors in the house's terms.

    Raises TryLater (RateLimited) when Stripe does not answer or asks to wait, CompanyMustAct when it does not accept the key,
    RejectedByLedger when it refuses what was asked, UnexpectedResponse.
    """

    def __init__(self, key: Secret, base_url: str, limits: Limits) -> None:
        self._key = key
        self._client = stripe.StripeClient(
            key.reveal(),
            base_addresses={"api": base_url},
            http_client=_http_client(base_url, limits),
            max_network_retries=limits.retries,
        )

    def create(self, params: Mapping[str, Any], idempotency_key: str) -> LinkSeen:
        """Make a link. The same key gives the same link for at least 24 hours, also when its first answer was lost."""
        return self._said(lambda: _seen(self._client.v1.payment_links.create(_p(params), {"idempotency_key": idempotency_key})))

    def link(self, link_id: str) -> LinkSeen | None:
        """The link as it is now; None when there is none of that id."""
        return self._unless_gone(lambda: _seen(self._client.v1.payment_links.retrieve(link_id)))

    def switch_off(self, link_id: str, message: str) -> bool:
        """Make the link say `message` instead, and end the pages that were opened from it and not finished. False when there is no link of
        that id."""
        off = _p({"active": False, "inactive_message": message})
        if self._unless_gone(lambda: self._client.v1.payment_links.update(link_id, off)) is None:
            return False
        for session_id in self._said(lambda: self._sessions(link_id, "open")):
            self._expire(session_id)
        return True

    def payments(self, link_id: str) -> Sequence[PaymentSeen]:
        """What was paid on each finished page of the link."""
        return self._said(lambda: self._payments(link_id))

    def _expire(self, session_id: str) -> None:
        """One that was finished or ended meanwhile is refused, which is as good."""
        try:
            self._said(lambda: self._client.v1.checkout.sessions.expire(session_id))
        except RejectedByLedger:
            return

    def _sessions(self, link_id: str, status: str) -> list[str]:
        found = self._client.v1.checkout.sessions.list({"payment_link": link_id, "status": status, "limit": _OPEN_AT_MOST})
        return [session.id for session in found.data]

    def _payments(self, link_id: str) -> list[PaymentSeen]:
        more = ["data.payment_intent.latest_charge"]
        asked = {"payment_link": link_id, "status": "complete", "limit": _OPEN_AT_MOST, "expand": more}
        return [_paid(session) for session in self._client.v1.checkout.sessions.list(_p(asked)).data]

    def _unless_gone(self, call: Callable[[], T]) -> T | None:
        try:
            return self._said(call)
        except RejectedByLedger as refused:
            if refused.code == "resource_missing":
                return None
            raise

    def _said(self, call: Callable[[], T]) -> T:
        """What the call gives. Its error is raised outside of the library's own, which holds the request and so the key."""
        try:
            return call()
        except stripe.StripeError as error:
            kind, evidence = _error_of(error, self._key), self._evidence(error)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            kind = UnexpectedResponse(f"Stripe answered with data that is not understood ({type(error).__name__}).")
            evidence = self._evidence(error)
        raise kind from evidence

    def _evidence(self, error: Exception) -> StripeEvidence:
        return StripeEvidence(masked(f"{type(error).__name__}: {error}", (self._key,))[:_EVIDENCE_CHARACTERS])


def _p(params: Mapping[str, Any]) -> Any:
    """The library's types of parameters are as many as its calls; what is sent is checked by the tests on the wire."""
    return params


def _seen(link: Any) -> LinkSeen:
    restrictions = link.restrictions
    completed = restrictions.completed_sessions.count if restrictions else 0
    return LinkSeen(link.id, link.url, link.active, completed, link.metadata.to_dict())


def _paid(session: Any) -> PaymentSeen:
    """A page with nothing to pay has no payment, and a payment that was never tried no charge."""
    intent = session.payment_intent
    charge = intent.latest_charge if intent else None
    return PaymentSeen(
        id=intent.id if intent else session.id,
        session=session.id,
        state="paid" if session.payment_status == "paid" else str(intent.status) if intent else "",
        kept=session.amount_total - (charge.amount_refunded if charge else 0),
        currency=session.currency,
        at=intent.created if intent else session.created,
        is_live=session.livemode,
        is_contested=charge.disputed if charge else False,
    )


def _http_client(base_url: str, limits: Limits) -> stripe.HTTPClient:
    """The library's own client, with a session that keeps no cookies, follows no ~/.netrc, and goes through no proxy to this machine."""
    timeouts = (limits.connect_seconds, limits.read_seconds)
    session = stripe.RequestsClient(timeout=timeouts).requests.Session()
    session.auth = lambda request: request
    session.max_redirects = 0
    session.trust_env = not _is_loopback(base_url)
    return stripe.RequestsClient(timeout=timeouts, session=session)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _error_of(error: stripe.StripeError, key: Secret) -> PuntualError:
    """Stripe, "Errors" (docs.stripe.com/api/errors) and "Error handling": by class, then by HTTP status."""
    if isinstance(error, stripe.AuthenticationError):
        return CompanyMustAct("Stripe does not accept the secret key.", hint="Put a valid one where the policy refers to it.")
    if isinstance(error, stripe.PermissionError):
        hint = "Let the restricted key write Payment Links and Checkout Sessions, and read PaymentIntents and Charges."
        return CompanyMustAct("Stripe's key may not do what is needed.", hint=hint)
    if isinstance(error, stripe.IdempotencyError):
        return BrokenInvariant("Stripe got two different links under one idempotency key.")
    if isinstance(error, stripe.APIConnectionError):
        return TryLater("Stripe could not be reached, or did not answer in time.")
    status = error.http_status or 0
    if status == 429:
        return RateLimited("Stripe asks us to wait.", retry_after=_retry_after(error.headers))
    if status >= 500 or status in (0, 200, 409):
        return TryLater(f"Stripe does not answer properly at the moment (HTTP status {status}).")
    if isinstance(error, stripe.InvalidRequestError):
        said = masked(error.user_message or "", (key,))[:_EXCERPT_CHARACTERS]
        return RejectedByLedger(f"Stripe refused: {said}", code=error.code or "")
    return UnexpectedResponse(f"Stripe answered with HTTP status {status}.")


def _retry_after(headers: Mapping[str, str] | None) -> int | None:
    said = {name.lower(): value for name, value in (headers or {}).items()}.get("retry-after", "")
    return int(said[:9]) if said.isdecimal() else None
