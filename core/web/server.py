"""The web endpoints at work: uvicorn in a thread, with narrow limits, at a place that is taken before anything else begins."""

import socket
from collections.abc import Callable, Iterable
from datetime import timedelta
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp

from ..errors import CompanyMustAct, OurBug
from ..hosting.logs import tell
from ..hosting.start import Place
from ..policy.host_schema import host_of_place
from .app import Check, monitoring_app, public_app
from .connection import PatientConnection
from .gate import HEADERS_AT_MOST
from .readiness import database_is_ready
from .site import Site

PATIENCE = timedelta(seconds=10)
CONNECTIONS_AT_MOST = 250
_KEEP_ALIVE = 5
_BEGINS_WITHIN = 30
_BACKLOG = 128


class _Uvicorn(uvicorn.Server):
    """Says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As the class above."""
        await super().startup(sockets)
        self.is_up.set()


class Server:
    """An application that listens at `listen` (127.0.0.1:8080) from `start` to `stop`. Headers that say for whom a request came through a
    proxy are believed from `proxies` only."""

    def __init__(self, app: ASGIApp, listen: str, proxies: Iterable[str] = ()) -> None:
        self.listen = listen
        self._server = _Uvicorn(_config(app, list(proxies)))
        self._thread = Thread(target=self._serve, name=f"web {listen}", daemon=True)
        self._socket: socket.socket | None = None
        self.port = host_of_place(listen)[1]

    def start(self) -> None:
        """Answer from now on. Raises CompanyMustAct when the place is taken."""
        self._socket = _taken(self.listen)
        self.port = int(self._socket.getsockname()[1])
        self._thread.start()
        if not self._server.is_up.wait(_BEGINS_WITHIN):
            raise OurBug(f"The web endpoint at {self.listen} did not begin.")
        tell("listening", place=self.listen)

    def stop(self, patience: timedelta = PATIENCE) -> bool:
        """Take no new request, and wait for those under way. Returns whether all came to their end."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(patience.total_seconds())
        return not self._thread.is_alive()

    def _serve(self) -> None:
        self._server.run([self._socket] if self._socket else None)


class WebServer(Server):
    """What the world reaches: webhooks and the pages to connect with. `listen` stands in place of what the host's file says."""

    def __init__(self, place: Place, listen: str = "") -> None:
        """Raises CompanyMustAct when the host's file says nothing of the web, or something that cannot be."""
        self._site = Site.of(place)
        super().__init__(public_app(self._site), listen or self._site.web.listen, self._site.web.proxies)

    def stop(self, patience: timedelta = PATIENCE) -> bool:
        """Take no new request, and wait for those under way. Returns whether all came to their end."""
        ended = super().stop(patience)
        self._site.let_go()
        return ended


def monitoring_server(place: Place, listen: str, checks: Iterable[Check] = (), metrics: Callable[[], bytes] | None = None) -> Server:
    """What only the operator's network reaches: whether the process lives, is ready (the database, and `checks`), and its metrics."""
    return Server(monitoring_app([lambda: database_is_ready(place.engine), *checks], metrics), listen)


def _taken(listen: str) -> socket.socket:
    host, port = host_of_place(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        said = f"Nobody can listen at {listen}: {error.strerror or error}."
    raise CompanyMustAct(said, hint="End the program that is there, or write another `listen` in puntual.yaml")


def _config(app: ASGIApp, proxies: list[str]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientConnection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        limit_concurrency=CONNECTIONS_AT_MOST,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(PATIENCE.total_seconds()) - 2,
        h11_max_incomplete_event_size=HEADERS_AT_MOST,
    )
