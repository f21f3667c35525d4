"""What every request passes: the host, the headers of safety, the log, and no traceback for anybody."""

import asyncio
import json

import httpx
import pytest
from puntual.core.errors import LedgerUnavailable
from puntual.core.web.gate import Gate, hosts_of
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.responses import PlainTextResponse
from web.web_host import ADDRESS, intuit, signed

SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "strict-transport-security": "max-age=31536000",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/health", 200), ("GET", "/nowhere", 404), ("GET", "/webhooks/xero", 405), ("POST", "/webhooks/xero", 401),
     ("GET", "/connect/x", 404), ("POST", "/connect/x", 400), ("GET", "/connect/return", 400), ("POST", "/connect/choose", 400)],
)  # fmt: skip
def test_every_answer_has_the_headers_of_safety(host, method, path, status):
    answer = host.ask(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "server" not in answer.headers


def test_health_says_one_word_and_is_not_logged(host):
    assert host.ask("GET", "/health").text == "ok"
    assert host.told.lines == []


@pytest.mark.parametrize(
    ("said", "status"),
    [("puntual.example.com", 200), ("PUNTUAL.example.com:443", 200), ("puntual.example.com:80", 421), ("evil.example", 421), ("", 421),
     ("puntual.example.com.evil.example", 421), ("puntual.example.com, evil.example", 421), ("127.0.0.1", 421)],
)  # fmt: skip
def test_only_this_host_answers_and_the_others_hear_nothing(host, said, status):
    answer = host.ask("GET", "/health", host=said, x_forwarded_host="puntual.example.com")
    assert (answer.status_code, answer.text) == (status, "ok" if status == 200 else "")


@pytest.mark.parametrize(
    ("address", "hosts"),
    [("https://a.example", {"a.example", "a.example:443"}), ("https://a.example:8443", {"a.example:8443"}),
     ("http://localhost:80", {"localhost", "localhost:80"}), ("http://[::1]:9", {"[::1]:9"})],
)  # fmt: skip
def test_how_a_host_may_be_named(address, hosts):
    assert hosts_of(address) == hosts


def through(app, headers=((b"host", b"puntual.example.com"),), method="GET"):
    """One request through the gate, without a server: the messages of the answer."""
    sent = []

    async def send(message):
        sent.append(message)

    async def run():
        scope = {"type": "http", "method": method, "path": "/", "headers": list(headers), "query_string": b"", "client": ("10.0.0.9", 1)}
        await Gate(app, ADDRESS)(scope, None, send)

    asyncio.run(run())
    return sent


def test_no_host_and_two_hosts_are_no_request():
    for headers in ([], [(b"host", b"puntual.example.com")] * 2):
        assert through(PlainTextResponse("x"), headers)[0]["status"] == 400


@pytest.mark.parametrize(
    ("error", "status", "event"),
    [(ValueError("customer Núñez owes 5"), 500, "mistake"), (LedgerUnavailable("no answer"), 503, "cannot answer now"),
     (OperationalError("INSERT Núñez", {}, Exception("Núñez")), 503, "cannot answer now"),
     (NoConnectionFree("pool"), 503, "cannot answer now")],
)  # fmt: skip
def test_a_mistake_is_told_to_the_log_and_to_nobody_else(host, error, status, event):
    async def broken(scope, receive, send):
        raise error

    start, body = through(broken)
    assert (start["status"], b"Traceback" in body["body"], "ñ" in body["body"].decode()) == (status, False, False)
    ((said,), text) = host.told.events(event), "".join(host.told.lines)
    assert ("Núñez" in text, "request" in said) == (False, True)


def test_an_answer_that_broke_off_is_not_begun_again():
    async def half(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError

    assert [message["type"] for message in through(half)] == ["http.response.start"]


def test_the_log_says_which_part_answered_and_nothing_of_what_was_asked(host):
    token = "A" * 43
    host.ask("GET", f"/connect/{token}?code=secret-code&state=secret-state", cookie="__Host-puntual-connect=secret-cookie")
    host.ask("GET", "/connect/return?code=secret-code&state=secret-state")
    host.ask("POST", "/webhooks/quickbooks", b"secret-body", intuit_signature="secret-signature")
    host.ask("BREW", "/secret-path")
    requests = host.told.events("request")
    assert [(one["method"], one["part"], one["status"]) for one in requests] == [
        ("GET", "show", 404), ("GET", "back", 400), ("POST", "ledger", 403), ("another", "nobody", 404)
    ]  # fmt: skip
    assert len({one["request"] for one in requests}) == 4
    said = "".join(host.told.lines)
    assert ("secret" in said, token in said, "AAAA" in said) == (False, False, False)


def test_what_is_logged_within_a_request_bears_its_number(host):
    host.connected("acme", "quickbooks", "t1")
    body = intuit("t1")
    host.ask("POST", "/webhooks/quickbooks", body, intuit_signature=signed(body, "intuit-verifier-token"))
    assert len({json.loads(line)["request"] for line in host.told.lines}) == 1
    assert len(host.told.lines) == 2


def test_what_is_no_request_is_let_be(host):
    async def run():
        await host.app({"type": "lifespan"}, None, None)
        await host.app({"type": "websocket"}, None, None)

    asyncio.run(run())
    assert isinstance(host.ask("GET", "/health"), httpx.Response)
