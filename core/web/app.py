"""The two applications: what the world may reach, and what only the operator's own network may."""

from collections.abc import Callable, Iterable

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp

from ..worker.inviting import LINK_PATH, RETURN_PATH
from .connecting import CHOOSE_PATH, ConnectPages
from .gate import Gate
from .hands import Hands
from .site import Site
from .webhooks import WebhookEndpoints

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus, "Exposition formats"."""
_READY_SECONDS = 3

Check = Callable[[], str]
"""Something that has to be so for this process to be of use: "" when it is, else what is the matter."""


def public_app(site: Site) -> ASGIApp:
    """Webhooks, the pages to connect with, and one word of health."""
    webhooks, pages = WebhookEndpoints(site), ConnectPages(site)
    routes = [
        Route("/health", health),
        Route("/webhooks/stripe/{company}", webhooks.stripe, methods=["POST"]),
        Route("/webhooks/{ledger}", webhooks.ledger, methods=["POST"]),
        Route(RETURN_PATH, pages.back),
        Route(CHOOSE_PATH, pages.choose, methods=["POST"]),
        Route(f"{LINK_PATH}/{{token}}", pages.show),
        Route(f"{LINK_PATH}/{{token}}", pages.ask, methods=["POST"]),
    ]
    return Gate(_routed(routes), site.address)


def monitoring_app(checks: Iterable[Check], metrics: Callable[[], bytes] | None = None) -> ASGIApp:
    """Whether the process lives, whether it is of use, and what it counts."""
    watching = _Watching(tuple(checks), metrics)
    routes = [
        Route("/health/live", health),
        Route("/health/ready", watching.ready),
        Route("/metrics", watching.metrics),
    ]
    return Gate(_routed(routes), is_told=False)


async def health(_: Request) -> Response:
    """Somebody answers; nothing else is said."""
    return PlainTextResponse("ok")


class _Watching:
    def __init__(self, checks: tuple[Check, ...], metrics: Callable[[], bytes] | None) -> None:
        self._checks = checks
        self._metrics = metrics
        self._hands = Hands(2, "watching")

    async def ready(self, _: Request) -> Response:
        """200 when every check is passed, else 503 with what is the matter."""
        wrong = await self._hands.do(lambda: [said for check in self._checks if (said := check())], _READY_SECONDS)
        return PlainTextResponse("\n".join(wrong) or "ok", 503 if wrong else 200)

    async def metrics(self, _: Request) -> Response:
        """What Prometheus reads."""
        if self._metrics is None:
            return PlainTextResponse("no metrics here", 404)
        return Response(await self._hands.do(self._metrics, _READY_SECONDS), media_type=METRICS_TYPE)


def _routed(routes: list[BaseRoute] | list[Route]) -> ASGIApp:
    return ExceptionMiddleware(Router(routes, redirect_slashes=False))
