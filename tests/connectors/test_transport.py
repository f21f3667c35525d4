"""The one transport of all ledgers."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from threading import Thread

import pytest
import responses
from puntual.connectors.http import (
    Answer,
    Limits,
    Transport,
    WireEvidence,
    is_loopback,
    retry_after_seconds,
    secure_base_url,
    understood,
)
from puntual.core.errors import (
    AuthorizationExpired,
    CompanyMustAct,
    LedgerUnavailable,
    PermissionMissing,
    PuntualError,
    RateLimited,
    RejectedByLedger,
    StaleVersion,
    UnexpectedResponse,
)
from puntual.core.secret import Secret

NOW = datetime(2026, 3, 18, 8, 0, tzinfo=UTC)
BASE = "https://books.example.com"
SECRET = "s3cr3t-t0ken"


def _transport(limits: Limits | None = None, base: str = BASE) -> Transport:
    return Transport(base, ledger="The ledger", now=lambda: NOW, secrets=(Secret(SECRET),), limits=limits or Limits())


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as active:
        yield active


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, CompanyMustAct),
        (400, UnexpectedResponse),
        (401, AuthorizationExpired),
        (403, PermissionMissing),
        (404, RejectedByLedger),
        (408, LedgerUnavailable),
        (409, StaleVersion),
        (418, UnexpectedResponse),
        (422, RejectedByLedger),
        (429, RateLimited),
        (500, LedgerUnavailable),
        (502, LedgerUnavailable),
        (503, LedgerUnavailable),
    ],
)
def test_each_status_says_who_must_act(mock: responses.RequestsMock, status: int, error: type[PuntualError]) -> None:
    mock.get(f"{BASE}/x", status=status)
    with pytest.raises(error) as raised:
        _transport().request("GET", "/x")
    assert type(raised.value) is error
    assert str(status) in raised.value.detail


def test_an_accepted_status_is_an_answer(mock: responses.RequestsMock) -> None:
    mock.get(f"{BASE}/x", status=404, json={"code": 1.10})
    answer = _transport().request("GET", "/x", accept=(200, 404))
    assert (answer.status, answer.json()) == (404, {"code": Decimal("1.1")})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("Wed, 18 Mar 2026 08:02:00 GMT", 120),
        ("Wed, 18 Mar 2026 07:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, seconds: int | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_was_asked_for_is_passed_on(mock: responses.RequestsMock, status: int) -> None:
    mock.get(f"{BASE}/x", status=status, headers={"Retry-After": "90"})
    with pytest.raises(RateLimited) as raised:
        _transport().request("GET", "/x")
    assert raised.value.retry_after == 90


@pytest.mark.parametrize(
    "body", [b"", b'{"a": 1', b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b"<!DOCTYPE html>", b"  <html>", b'{"a": ' + b"9" * 5000 + b"}"]
)
def test_what_is_no_data_is_no_answer(body: bytes) -> None:
    with pytest.raises(LedgerUnavailable) as raised:
        Answer(200, {"content-type": "application/json"}, body, "The ledger").json()
    assert raised.value.__context__ is None


def test_a_page_is_known_by_its_type() -> None:
    assert Answer(200, {"content-type": "text/html; charset=utf-8"}, b"{}", "The ledger").is_html


def test_the_budget_is_kept_and_calls_are_counted(mock: responses.RequestsMock) -> None:
    mock.get(f"{BASE}/x", json={})
    transport = _transport(Limits(calls=2))
    for _each in range(2):
        transport.request("GET", "/x")
    with pytest.raises(RateLimited, match="2 calls"):
        transport.request("GET", "/x")
    assert transport.calls == 2


def test_an_answer_without_end_is_cut(mock: responses.RequestsMock) -> None:
    mock.get(f"{BASE}/x", body=b"x" * 200_000)
    with pytest.raises(UnexpectedResponse, match="1000 bytes"):
        _transport(Limits(answer_bytes=1000)).request("GET", "/x")


def test_an_answer_that_trickles_is_given_up(mock: responses.RequestsMock) -> None:
    mock.get(f"{BASE}/x", body=b"x")
    clock = iter([NOW, datetime(2026, 3, 18, 9, 0, tzinfo=UTC)])
    transport = Transport(BASE, ledger="The ledger", now=lambda: next(clock))
    with pytest.raises(LedgerUnavailable, match="600 seconds"):
        transport.request("GET", "/x")


def test_redirects_are_not_followed_and_only_their_host_is_told(mock: responses.RequestsMock) -> None:
    mock.get(f"{BASE}/x", status=302, headers={"Location": f"https://elsewhere.example.com/y?token={SECRET}"})
    with pytest.raises(CompanyMustAct, match=r"https://elsewhere\.example\.com\.") as raised:
        _transport().request("GET", "/x")
    assert SECRET not in str(raised.value)


def test_cookies_are_not_kept_and_a_netrc_does_not_replace_the_key(mock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.sessions.get_netrc_auth", lambda url: ("somebody", "else"))
    mock.get(f"{BASE}/x", json={}, headers={"Set-Cookie": "session_id=1; Path=/"})
    transport = _transport()
    for _each in range(2):
        transport.request("GET", "/x", headers={"Authorization": "Bearer k"})
    sent = [call.request.headers for call in mock.calls]
    assert [(headers.get("Cookie"), headers["Authorization"]) for headers in sent] == [(None, "Bearer k")] * 2


class _Hanging:
    """A server that hangs up on the first connections without a word and answers the next."""

    def __init__(self, hang_ups: int) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = 0
        self._thread = Thread(target=self._serve, args=(hang_ups,), daemon=True)
        self._thread.start()

    def _serve(self, hang_ups: int) -> None:
        for turn in range(hang_ups + 1):
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection:
                self.asked += bool(connection.recv(65536))
                if turn >= hang_ups:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    def close(self) -> None:
        """Wakes the thread first: one that waited on a closed number would take the connections of whoever gets that number next."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@pytest.mark.parametrize(("hang_ups", "repeatable", "works", "asked"), [(1, True, True, 2), (1, False, False, 1), (2, True, False, 2)])
def test_only_what_reads_is_asked_again_and_once(hang_ups: int, repeatable: bool, works: bool, asked: int) -> None:
    server = _Hanging(hang_ups)
    transport = _transport(base=server.url)
    try:
        if works:
            assert transport.request("POST", "/x", data={}, repeatable=repeatable).json() == {}
        else:
            with pytest.raises(LedgerUnavailable):
                transport.request("POST", "/x", data={}, repeatable=repeatable)
        assert (server.asked, transport.calls) == (asked, asked)
    finally:
        transport.close()
        server.close()


def test_the_cause_is_kept_as_text_without_secrets_or_the_librarys_own_exception() -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    with pytest.raises(LedgerUnavailable) as raised:
        _transport(base=base).request("GET", "/x", query={"token": SECRET}, headers={"Authorization": SECRET})
    assert isinstance(raised.value.__cause__, WireEvidence)
    assert raised.value.__context__ is None or isinstance(raised.value.__context__, PuntualError)
    assert SECRET not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_a_renewed_secret_is_masked_too() -> None:
    transport = _transport()
    transport.keep_secret(Secret("renewed"))
    assert transport.masked(f"{SECRET} and\n renewed") == "••• and •••"


@pytest.mark.parametrize("base", ["https://[", "https://exa mple.com", "https://" + "a" * 300 + ".example.com"])
def test_an_impossible_address_is_for_the_company(base: str) -> None:
    transport = _transport()
    transport._base_url = base
    with pytest.raises(CompanyMustAct, match="address"):
        transport.request("GET", "/x")


@pytest.mark.parametrize(("url", "here"), [("http://127.0.0.1:1", True), ("http://localhost", True), ("http://[::1]", True), (BASE, False)])
def test_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_a_safe_address_loses_its_last_slash() -> None:
    assert secure_base_url("https://books.example.com/odoo/") == "https://books.example.com/odoo"
    with pytest.raises(ValueError, match="https"):
        secure_base_url("http://books.example.com")


@pytest.mark.parametrize("misread", [lambda: {}["id"], lambda: None.lower(), lambda: int("x"), lambda: [][0], lambda: Decimal("x")])
def test_data_of_another_form_is_a_misunderstanding_and_no_traceback(misread: Callable[[], object]) -> None:
    with pytest.raises(UnexpectedResponse, match="Toy Books answered with data that is not understood"):
        understood("Toy Books")(misread)()


def test_what_the_ledger_says_itself_is_not_misunderstood() -> None:
    with pytest.raises(LedgerUnavailable), understood("Toy Books"):
        raise LedgerUnavailable
