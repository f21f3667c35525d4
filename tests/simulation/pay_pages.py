"""Stripe in a simulation: the pages behind the links of a company, what its customers pay on them, and the worker's wire to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from puntual.core.errors import BrokenInvariant, TryLater
from puntual.core.money import Money
from puntual.core.payment_links.stripe_wire import LinkSeen, PaymentSeen
from simulation.simulated_world import Seller

ADDRESS = "https://buy.stripe.com/"
_KEYS_LAST = timedelta(hours=24)
"""Stripe, "Idempotent requests": a key may be forgotten after so long."""


@dataclass
class Paying:
    """What a customer did on a page. A card pays at once; a debit is under way until it `came_at` or `failed_at`."""

    id: str
    at: datetime
    came_at: datetime | None = None
    failed_at: datetime | None = None

    def counts(self, at: datetime) -> bool:
        """Whether money has come, or was on its way then."""
        return self.at <= at and (self.failed_at is None or self.failed_at > at)


@dataclass
class PayPage:
    """A page, good for one payment. `given_at` is when a mail with it was taken: before that nobody can pay on it."""

    id: str
    invoice_id: str
    amount: Money
    metadata: Mapping[str, str]
    is_active: bool = True
    ended_at: datetime | None = None
    given_at: datetime | None = None
    paying: Paying | None = None

    def seen(self) -> LinkSeen:
        return LinkSeen(self.id, ADDRESS + self.id, self.is_active, int(self.paying is not None), dict(self.metadata))


@dataclass
class PayPages:
    """All pages of a company, and the answers that Stripe repeats under one key."""

    pages: dict[str, PayPage] = field(default_factory=dict)
    keys: dict[str, tuple[str, LinkSeen, datetime]] = field(default_factory=dict)

    def of(self, invoice_id: str) -> list[PayPage]:
        """The pages for an invoice."""
        return [page for page in self.pages.values() if page.invoice_id == invoice_id]

    def begin_payment(self, page: PayPage, at: datetime) -> Paying:
        """A customer goes through to the end; the page is used up."""
        page.paying, page.is_active = Paying(f"pi_{page.id}_{page.invoice_id}", at), False
        return page.paying

    def other_payment(self, page: PayPage, at: datetime) -> Paying | None:
        """A payment for the same invoice through another page, which has come or is on its way."""
        others = [one.paying for one in self.of(page.invoice_id) if one is not page and one.paying]
        return next((one for one in others if one.counts(at)), None)


class PointedWire:
    """What the worker's provider of links speaks to, in place of `StripeWire`. Every call is a point before and after its effect."""

    def __init__(self, play: Any, seller: Seller) -> None:
        self._play, self._seller = play, seller
        self._stripe: PayPages = play.pages[seller.name]

    def create(self, params: Mapping[str, Any], idempotency_key: str) -> LinkSeen:
        self._point("make a page")
        said, at = json.dumps(params, sort_keys=True), self._play.stage.now
        before, seen, made_at = self._stripe.keys.get(idempotency_key, ("", None, at))
        if seen is None or at - made_at > _KEYS_LAST:
            seen = self._made(params).seen()
            self._stripe.keys[idempotency_key] = (said, seen, at)
        elif said != before:
            raise BrokenInvariant("Stripe got two different links under one idempotency key.")
        self._point("make a page", is_done=True)
        return seen

    def _made(self, params: Mapping[str, Any]) -> PayPage:
        (line,) = params["line_items"]
        price, ours = line["price_data"], params["metadata"]
        amount = Money.from_minor(price["unit_amount"], price["currency"].upper())
        key = f"{self._seller.name[0]}p{len(self._stripe.pages):03}"
        self._play.stage.tell("stripe: page", f"{self._seller.name} {key} {ours['puntual_item']} {amount}")
        return self._stripe.pages.setdefault(key, PayPage(key, ours["puntual_invoice"], amount, ours))

    def link(self, link_id: str) -> LinkSeen | None:
        self._point("look at a page")
        page = self._stripe.pages[link_id]
        seen, at = page.seen(), self._play.stage.now
        self._play.at_page(self._seller, page)
        self._point("look at a page", is_done=True)
        self._facts().setdefault("pages", {})[link_id] = at
        return seen

    def switch_off(self, link_id: str, message: str) -> bool:
        assert message, "the page has to say why"
        self._point("end a page")
        page = self._stripe.pages[link_id]
        page.is_active, page.ended_at = False, page.ended_at or self._play.stage.now
        self._play.stage.tell("stripe: page ends", f"{self._seller.name} {link_id}: {message}")
        self._point("end a page", is_done=True)
        return True

    def payments(self, link_id: str) -> Sequence[PaymentSeen]:
        self._point("look at a payment")
        page = self._stripe.pages[link_id]
        found = [] if page.paying is None else [_seen(page, page.paying)]
        self._point("look at a payment", is_done=True)
        return found

    def _point(self, name: str, *, is_done: bool = False) -> None:
        try:
            self._play.points.stripe(name, is_done)
        except TryLater:
            self._facts()["pages_unknown"] = True
            self._play.stripe_silent.append(self._play.stage.now)
            raise

    def _facts(self) -> dict[str, Any]:
        known: dict[str, Any] = self._play.stage.strand().facts
        return known


def _seen(page: PayPage, paying: Paying) -> PaymentSeen:
    state = "paid" if paying.came_at else "requires_payment_method" if paying.failed_at else "processing"
    money = (page.amount.minor, page.amount.currency.lower())
    return PaymentSeen(paying.id, f"cs_{paying.id}", state, *money, int(paying.at.timestamp()), is_live=True, is_contested=False)
