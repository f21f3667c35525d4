"""Where the browser comes back to after a person was asked: a listener on this machine for one answer, or an address typed by hand."""

import os
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socket import AF_INET6
from socketserver import TCPServer
from threading import Event, Thread
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit

from ..access import Consent
from ..errors import CompanyMustAct
from ..secret import Secret

PATIENCE_SECONDS = 300
_SECONDS_A_REQUEST = 10
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Puntual</title></head>
<body><h1>{}</h1><p>{}</p></body></html>
"""
_THANKS = ("Thank you", "Puntual has your answer. You may close this window; the terminal says how it went.")
_NOT_OURS = ("This is not the answer that Puntual waits for", "Please use the page that the terminal named, or start again there.")
_NOTHING_HERE = ("Nothing here", "This address only waits for an answer.")
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "Connection": "close",
}


def listening_place(redirect_uri: str) -> tuple[str, int] | None:
    """The address and port at which this machine itself can wait for the browser; None when the redirect leads elsewhere.

    Only plain HTTP to a loopback address (RFC 8252 section 7.3); `localhost` is waited for on 127.0.0.1, where every browser looks too.
    """
    parts = urlsplit(redirect_uri)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        is_here = parts.scheme == "http" and ip_address(host).is_loopback
        return (host, parts.port or 80) if is_here else None
    except ValueError:
        return None


def answer_typed(address: str) -> Mapping[str, str]:
    """The answer in the address at which the browser ended. Raises CompanyMustAct when there is none in it."""
    answer = _query_of(address.strip().strip("'\"<>"))
    if not {"code", "error"} & answer.keys():
        raise CompanyMustAct("That address has no answer in it.", hint="Copy the whole address out of the browser, with all behind the ?")
    return answer


class Listener:
    """Waits on this machine for the one answer that carries the state of the question; anything else is turned away with a page.

    Raises CompanyMustAct when the place is taken.
    """

    def __init__(self, consent: Consent) -> None:
        place = listening_place(consent.redirect_uri)
        if place is None:
            raise CompanyMustAct(f"Nobody can wait on this machine at {consent.redirect_uri}.", hint="Use --manual")
        self._path = urlsplit(consent.redirect_uri).path or "/"
        self._state = consent.state
        self._answer: Mapping[str, str] = {}
        self._answered = Event()
        self._server = self._opened(place)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: int = PATIENCE_SECONDS) -> Mapping[str, str]:
        """The query of the redirect. Raises CompanyMustAct when nobody answers in that time."""
        if not self._answered.wait(seconds):
            minutes = f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"
            raise CompanyMustAct(f"Nobody answered in the browser within {minutes}.", hint="Start again; without a browser here: --manual")
        return self._answer

    def _opened(self, place: tuple[str, int]) -> ThreadingHTTPServer:
        handler = type("_Handler", (_Handler,), {"listener": self})
        kind = _SixServer if ":" in place[0] else _Server
        try:
            return kind(place, handler)
        except OSError as error:
            said = f"Nobody can wait at {place[0]}, port {place[1]}: {error.strerror or error}."
        raise CompanyMustAct(said, hint="End the program that is there, or use --manual")

    def page_for(self, target: str) -> tuple[int, tuple[str, str]]:
        """The status and the page for whoever asks for this target. The answer that was waited for is kept."""
        if urlsplit(target).path != self._path:
            return 404, _NOTHING_HERE
        answer = _query_of(target)
        if Secret(answer.get("state", "")) != self._state:
            return 400, _NOT_OURS
        if not self._answer:
            self._answer = answer
        return 200, _THANKS

    def let_go(self) -> None:
        """The page is out: whoever waits may go on, when the answer was there."""
        if self._answer:
            self._answered.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let another program listen at the same place

    def server_bind(self) -> None:
        """Without asking for this machine's name, which can take long."""
        TCPServer.server_bind(self)


class _SixServer(_Server):
    address_family = AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS_A_REQUEST
    listener: Listener

    def do_GET(self) -> None:
        """One page."""
        status, words = self.listener.page_for(self.path)
        body = _PAGE.format(*words).encode()
        self.send_response_only(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.listener.let_go()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the class above
        """Nothing: the path holds the code."""


def _query_of(address: str) -> dict[str, str]:
    """The parameters behind the question mark."""
    try:
        return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        return {}
