"""Webhooks: what services tell by themselves. A delivery is believed by its signature over the raw body, and only makes the worker look:
what changed is read from the ledger.

Whatever a genuine delivery tells is taken with 200, or it would come again for days; 503 asks for it to come again, when it could not be
kept. All that is kept is in one short transaction.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..access import Happening, Webhooks
from ..errors import PuntualError, UnexpectedResponse
from ..history.database import writing
from ..history.hosting import wish_for_sync
from ..history.webhook_events import companies_of_books, first_told, forget_events
from ..hosting.logs import tell, telling_about
from ..payment_links.stripe_webhook import SIGNATURE_HEADER, is_genuine
from ..worker.inviting import new_secret
from ..worker.payments_told import payment_told
from .bodies import body_of
from .site import Site

BODY_LIMIT = 256 * 1024
"""Bytes. The largest deliveries of the services are a tenth of it."""
READ_WITHIN = 5
STRIPE_WAITS = 10
"""Seconds. Stripe asks for an answer before anything that could time out, and says no more ("Receive Stripe events in your endpoint")."""
REFUSALS_TAKE = timedelta(milliseconds=250)
"""A refusal is told so long after the delivery was read, whatever took time: who measures learns nothing of which companies there are."""
_SPARE = 1
_NOTHING_KEPT = new_secret()

T = TypeVar("T")


class WebhookEndpoints:
    """Where services tell what changed."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ledger(self, request: Request) -> Response:
        """A ledger tells that books changed. Whose they are stands in the body, so that one address serves every company."""
        origin = request.path_params["ledger"]
        teller = self._site.tellers.get(origin)
        if teller is None:
            raise HTTPException(404)
        body = await body_of(request, BODY_LIMIT, READ_WITHIN)
        if not teller.webhooks.is_genuine(body, request.headers.get(teller.webhooks.header, ""), teller.secret):
            tell("webhook refused", logging.WARNING, ledger=origin, bytes=len(body))
            return Response(status_code=teller.webhooks.refused_status)
        told = _happenings(origin, teller.webhooks, body)
        if told:
            within = teller.webhooks.seconds - _SPARE
            woken = await self._site.webhook_hands.do(lambda: _again_if_cut_off(lambda: self._kept(origin, told)), within)
            tell("webhook taken", ledger=origin, events=len(told), companies=sorted(woken))
        return Response(status_code=200)

    async def stripe(self, request: Request) -> Response:
        """Stripe tells of a payment of one company, by that company's own secret.

        An unknown company, one whose policy is broken, and a wrong signature are refused in the same words, after the same time.
        """
        company, signature = request.path_params["company"], request.headers.get(SIGNATURE_HEADER, "")
        body = await body_of(request, BODY_LIMIT, READ_WITHIN)
        refusal = asyncio.ensure_future(self._site.pause(REFUSALS_TAKE))
        try:
            if await self._site.webhook_hands.do(lambda: self._stripe_told(company, body, signature), STRIPE_WAITS - _SPARE):
                return Response(status_code=200)
            await refusal
        finally:
            refusal.cancel()
        return PlainTextResponse("Not accepted.\n", 400)

    def _kept(self, ledger: str, told: tuple[Happening, ...]) -> set[str]:
        """Wish that the books of those companies are read that hear of something for the first time. Returns these."""
        now = self._site.now()
        with writing(self._site.engine) as conn:
            companies = companies_of_books(conn, ledger, [each.tenant_id for each in told])
            heard = [(company, each.id) for each in told for company in companies.get(each.tenant_id, ())]
            new = first_told(conn, ledger, heard, now)
            wish_for_sync(conn, new, now)
            forget_events(conn, now)
        return new

    def _stripe_told(self, company: str, body: bytes, signature: str) -> bool:
        """Whether the delivery is genuine; what it tells is kept then."""
        try:
            desk = self._site.desk(company)
        except PuntualError:
            is_genuine(body, signature, _NOTHING_KEPT, self._site.now())
            tell("webhook refused", logging.WARNING, told_by="stripe", bytes=len(body))
            return False
        with telling_about(company=company, told_by="stripe"):
            is_taken = _again_if_cut_off(lambda: payment_told(desk, body, signature))
            if is_taken:
                self._wish_once(company, body)
            tell("webhook taken" if is_taken else "webhook refused", logging.INFO if is_taken else logging.WARNING, bytes=len(body))
            return is_taken

    def _wish_once(self, company: str, body: bytes) -> None:
        """Have the company's books read soon, when this event came for the first time."""
        now = self._site.now()
        with writing(self._site.engine) as conn:
            wish_for_sync(conn, first_told(conn, "stripe", [(company, _id_of(body))], now), now)
            forget_events(conn, now)


def _happenings(ledger: str, webhooks: Webhooks, body: bytes) -> tuple[Happening, ...]:
    try:
        return webhooks.happenings(body)
    except UnexpectedResponse as error:
        tell("webhook not understood", logging.WARNING, ledger=ledger, why=error.detail)
        return ()


def _id_of(body: bytes) -> str:
    """The id of Stripe's event, "" when there is none."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    said = event.get("id") if isinstance(event, dict) else None
    return said if isinstance(said, str) else ""


def _again_if_cut_off(work: Callable[[], T]) -> T:
    """A connection that waited in the pool may have died with the database it led to; the next one is new."""
    try:
        return work()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return work()
