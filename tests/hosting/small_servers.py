"""Small servers on loopback: a DNS that knows what it is told, an HTTP server with a clock of its own, mail with TLS and a login."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

PASSWORD = "correct-horse-battery"
Zone = Mapping[str, Mapping[str, Sequence[str]]]
"""Name → kind of record → what it says."""


@contextmanager
def dns_of(zone: Zone) -> Iterator[dns.resolver.Resolver]:
    """A resolver that asks a server which knows this zone; of names in it without records of a kind it has no answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer, args=(listening, zone), daemon=True)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], listening.getsockname()[1]
        try:
            yield resolver
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"end", listening.getsockname())
            thread.join()


def _answer(listening: socket.socket, zone: Zone) -> None:
    while True:
        wire, sender = listening.recvfrom(4096)
        if wire == b"end":
            return
        query = dns.message.from_wire(wire)
        (asked,) = query.question
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if name not in zone:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif records := zone[name].get(kind):
            said = [f'"{text}"' if kind == "TXT" else text for text in records]
            reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *said))
        listening.sendto(reply.to_wire(), sender)


@contextmanager
def http_at(clock: datetime | None) -> Iterator[str]:
    """An HTTP server that says that it is this time, or does not say; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(401)
            if clock is not None:
                self.send_header("Date", format_datetime(clock, usegmt=True))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _AnyPort(Controller):
    """A controller on a free port, which it learns when it listens."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def _checked(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=good)


@contextmanager
def mail_server(authority: trustme.CA, ends: datetime | None = None) -> Iterator[int]:
    """A mail server with STARTTLS and a login, and a certificate that ends then; its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", not_after=ends).configure_cert(context)
    controller = _AnyPort(
        object(), hostname="localhost", port=0, authenticator=_checked, auth_required=True, tls_context=context, require_starttls=True
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def tls_at(authority: trustme.CA, name: str = "localhost") -> Iterator[str]:
    """A server that agrees on TLS and says nothing; its address."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_greet, args=(listening, context), daemon=True).start()
    try:
        yield f"https://localhost:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _greet(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        try:
            context.wrap_socket(plain, server_side=True).close()
        except OSError:
            plain.close()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
