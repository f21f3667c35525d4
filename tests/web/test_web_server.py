"""uvicorn itself over loopback: what is sent, how much and how slowly, proxies, begin and end. Whoever comes next is answered."""

import asyncio
import json
import socket
from contextlib import contextmanager
from datetime import timedelta
from select import select
from threading import Event

import pytest
import requests
from puntual.core.errors import CompanyMustAct
from puntual.core.web import connection, server, webhooks
from puntual.core.web.gate import HEADERS_AT_MOST
from puntual.core.web.server import Server, WebServer
from puntual.core.web.webhooks import BODY_LIMIT
from starlette.responses import PlainTextResponse
from web.web_host import SIGNED_IN, TELLING, TOKENS, signed

HEAD = b"POST /webhooks/xero HTTP/1.1\r\nHost: puntual.example.com\r\n"
WELL = b"GET /health HTTP/1.1\r\nHost: puntual.example.com\r\n\r\n"


@pytest.fixture
def served(host):
    """The host's server; at the end it still answers, whatever was sent to it."""
    with host.served() as at:
        yield at
        with line_to(at) as line:
            line.sendall(WELL)
            assert line.recv(12) == b"HTTP/1.1 200"


@contextmanager
def line_to(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
        yield line


def all_of(line):
    """Everything until the server hangs up."""
    found = b""
    try:
        while part := line.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


def status_of(answer):
    return int(answer.split(b" ")[1]) if answer else 0


def deliver(served, ledger, body, **headers):
    said = {"Host": "puntual.example.com", SIGNED_IN[ledger].replace("_", "-"): signed(body, TOKENS[ledger]), **headers}
    return requests.post(f"http://127.0.0.1:{served.port}/webhooks/{ledger}", data=body, headers=said, timeout=30)


@pytest.mark.parametrize("ledger", ["quickbooks", "xero"])
def test_a_delivery_over_the_wire(host, served, ledger):
    host.connected("acme", ledger, "t1")
    answer = deliver(served, ledger, TELLING[ledger]("t1"))
    assert (answer.status_code, answer.content, "acme" in host.wishes()) == (200, b"", True)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ("server" in answer.headers, "set-cookie" in answer.headers) == (False, False)


def test_a_body_that_is_too_large_is_refused_and_the_answer_can_be_read(served):
    assert deliver(served, "xero", b"x" * BODY_LIMIT).status_code == 200
    assert deliver(served, "xero", b"x" * (BODY_LIMIT + 1)).status_code == 413
    assert deliver(served, "xero", b"x" * (8 * BODY_LIMIT)).status_code == 413
    chunks = (b"y" * 65536 for _ in range(64))
    said = {"Host": "puntual.example.com"}
    assert requests.post(f"http://127.0.0.1:{served.port}/webhooks/xero", data=chunks, headers=said, timeout=30).status_code == 413


def test_a_body_that_never_ends_is_not_read_for_ever(served, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 1)
    with line_to(served) as line:
        line.sendall(HEAD + b"Content-Length: 99999999\r\n\r\n")
        assert status_of(all_of(line)) == 413


def test_a_body_that_goes_on_after_its_answer_is_not_read_for_ever(served, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 1)
    with line_to(served) as line:
        line.sendall(HEAD + b"Content-Length: 99999999\r\n\r\n")
        answer = line.recv(65536)
        is_over = False
        for _ in range(200):
            if select([line], [], [], 0.05)[0]:
                is_over = True
                break
            line.sendall(b"x")
        assert (status_of(answer), is_over) == (413, True)


def test_a_slow_body_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(webhooks, "READ_WITHIN", 1)
    monkeypatch.setattr(connection, "PATIENCE", 1)
    with line_to(served) as line:
        line.sendall(HEAD + b"Content-Length: 10\r\n\r\nabc")
        assert status_of(all_of(line)) == 408


@pytest.mark.parametrize("begun", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: punt", WELL + b"GET /"])
def test_headers_that_never_end_are_not_waited_for(served, monkeypatch, begun):
    monkeypatch.setattr(connection, "PATIENCE", 1)
    with line_to(served) as line:
        line.sendall(begun)
        assert status_of(all_of(line)) == (200 if begun.startswith(WELL) else 0)


def test_huge_headers_are_refused(served):
    for head in (b"X-Long: " + b"x" * HEADERS_AT_MOST, b"".join(b"X-%d: y\r\n" % number for number in range(9000))):
        with line_to(served) as line:
            line.sendall(b"GET /health HTTP/1.1\r\nHost: puntual.example.com\r\nConnection: close\r\n")
            try:
                line.sendall(head + b"\r\n\r\n")
            except ConnectionError:
                continue
            assert status_of(all_of(line)) in (0, 400, 431)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"garbage\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: puntual.example.com\r\n\r\n",
        b"GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"POST /webhooks/xero HTTP/1.1\r\nHost: puntual.example.com\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /webhooks/xero HTTP/1.1\r\nHost: puntual.example.com\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: puntual.example.com\r\n\r\n",
        b"GET /connect/%ff%00%e2%28 HTTP/1.1\r\nHost: puntual.example.com\r\nConnection: close\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: puntual.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_garbage_gets_no_traceback(served, monkeypatch, sent):
    monkeypatch.setattr(connection, "PATIENCE", 1)
    with line_to(served) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        answer = all_of(line)
    assert b"Traceback" not in answer
    assert status_of(answer) in (0, 400, 401, 404, 421) or b"Upgrade" in sent


def test_many_idle_connections_do_not_shut_out_the_others_for_long(host, monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS_AT_MOST", 5)
    monkeypatch.setattr(connection, "PATIENCE", 1)
    with host.served() as at:
        lines = [socket.create_connection(("127.0.0.1", at.port), timeout=30) for _ in range(8)]
        with line_to(at) as line:
            line.sendall(WELL)
            assert status_of(line.recv(12)) == 503
        for line in lines:
            assert all_of(line) == b""
            line.close()
        with line_to(at) as line:
            line.sendall(WELL)
            assert status_of(line.recv(12)) == 200


def test_only_a_proxy_of_ours_says_for_whom_it_asks(host):
    def seen(proxies):
        asked = []

        async def app(scope, receive, send):
            asked.append(scope["client"][0])
            await PlainTextResponse("")(scope, receive, send)

        at = Server(app, "127.0.0.1:0", proxies)
        at.start()
        requests.get(f"http://127.0.0.1:{at.port}/", headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=1.2.3.4"}, timeout=30)
        assert at.stop()
        return asked

    assert [seen(proxies) for proxies in ((), ("10.0.0.0/8",), ("127.0.0.1",), ("127.0.0.0/8",))] == [
        ["127.0.0.1"], ["127.0.0.1"], ["203.0.113.9"], ["203.0.113.9"]
    ]  # fmt: skip


def test_a_place_that_is_taken_is_named(host):
    with host.served() as at, pytest.raises(CompanyMustAct, match=f"127.0.0.1:{at.port}: Address already in use"):
        WebServer(host.place, f"127.0.0.1:{at.port}").start()


def test_a_stop_lets_what_is_under_way_come_to_its_end():
    begun, goes_on = Event(), Event()

    async def slow(scope, receive, send):
        begun.set()
        await asyncio.to_thread(goes_on.wait, 30)
        await PlainTextResponse("done")(scope, receive, send)

    at = Server(slow, "127.0.0.1:0")
    at.start()
    with line_to(at) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert begun.wait(30)
        assert not at.stop(timedelta(0))
        goes_on.set()
        assert b"done" in all_of(line)
    assert at.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", at.port), timeout=30)


def test_what_is_logged_of_all_this_is_json_without_a_word_of_theirs(host, served):
    with line_to(served) as line:
        line.sendall(b"GET /secret-path?secret=1 HTTP/1.1\r\nHost: puntual.example.com\r\nCookie: secret\r\nConnection: close\r\n\r\n")
        assert status_of(all_of(line)) == 404
    assert [json.loads(said)["event"] for said in host.told.lines] == ["listening", "request"]
    assert "secret" not in "".join(host.told.lines)
