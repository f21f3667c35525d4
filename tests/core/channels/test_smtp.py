"""Mail over a server: what is known after each step, and who must act."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from email import message_from_bytes, policy
from itertools import product
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from mail_cases import Words, letter
from puntual.core.channels.email import as_wire
from puntual.core.channels.port import Delivery, DeliveryStatus
from puntual.core.channels.smtp import SmtpTransport
from puntual.core.errors import CompanyMustAct
from puntual.core.policy.schema import Smtp
from puntual.core.secret import Secret
from scripted_mail_server import DROP, ScriptedServer

SENT, REJECTED, FAILED, UNKNOWN = DeliveryStatus.SENT, DeliveryStatus.REJECTED, DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN
PASSWORD = "correct-horse-battery"


def settings(port: int, security: str = "none", **changes: Any) -> Smtp:
    return Smtp.model_validate({"host": "localhost", "port": port, "security": security, "timeout_seconds": 5} | changes)


def login(password: str = PASSWORD) -> dict[str, Any]:
    return {"username": "cobros", "password": Secret(password)}


def deliver(script: Mapping[str, str], *more: Mapping[str, str], times: int = 1, **changes: Any) -> tuple[list[Delivery], ScriptedServer]:
    with ScriptedServer(script, *more) as server, closing(SmtpTransport(settings(server.port))) as transport:
        deliveries = [transport.deliver(letter(**changes)) for _ in range(times)]
    return deliveries, server


def test_a_message_arrives_whole_and_the_servers_name_for_it_is_kept() -> None:
    (delivery,), server = deliver({})
    assert delivery == Delivery(SENT, vendor_id="2.0.0 queued as 4711")
    (body,) = server.bodies
    seen = message_from_bytes(body.replace(b"\r\n..", b"\r\n."), policy=policy.default)
    assert seen.get_body(("plain",)).get_content().splitlines() == Words().text.splitlines()
    assert server.commands[1:4] == [
        "rset",
        f"mail FROM:<cobros@ibarra.example> size={len(as_wire(letter()))}",
        "rcpt TO:<ana@nunez.example>",
    ]


def test_one_connection_serves_a_run() -> None:
    deliveries, server = deliver({}, times=3)
    assert [delivery.status for delivery in deliveries] == [SENT] * 3
    assert server.connections == 1
    assert [command.partition(" ")[0].lower() for command in server.commands].count("ehlo") == 1
    assert server.commands[-1].lower() == "quit"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, Delivery(REJECTED, "", "550 5.1.1 no such user", "ana@nunez.example")),
        ({"RCPT": "550 no such user"}, Delivery(REJECTED, "", "550 no such user", "ana@nunez.example")),
        ({"RCPT": "550 5.7.1 blocked by policy"}, Delivery(REJECTED, "", "550 5.7.1 blocked by policy")),
        ({"RCPT": "450 4.2.0 greylisted"}, Delivery(FAILED, "", "450 4.2.0 greylisted")),
        ({"MAIL": "451 4.3.0 busy"}, Delivery(FAILED, "", "451 4.3.0 busy")),
        ({"MAIL": "552 5.3.4 too big"}, Delivery(REJECTED, "", "552 5.3.4 too big")),
        ({"DATA": "451 4.3.0 later"}, Delivery(FAILED, "", "451 4.3.0 later")),
        ({"DATA": "554 5.5.1 no"}, Delivery(REJECTED, "", "554 5.5.1 no")),
        ({".": "452 4.3.1 full"}, Delivery(FAILED, "", "452 4.3.1 full")),
        ({".": "554 5.7.1 looks like spam"}, Delivery(REJECTED, "", "554 5.7.1 looks like spam")),
        ({".": "354 what"}, Delivery(UNKNOWN, "", "the server's reply makes no sense: 354 what")),
    ],
)
def test_each_reply_has_its_ending(script: Mapping[str, str], expected: Delivery) -> None:
    (delivery,), server = deliver(script)
    assert delivery == expected
    assert server.connections == 1


STEPS = ["greeting", "EHLO", "RSET", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize(("step", "how"), [*product(STEPS, [DROP, "421 4.3.2 closing"]), ("body", DROP)])
def test_what_ends_before_the_final_dot_was_certainly_not_sent(step: str, how: str) -> None:
    (delivery,), server = deliver({step: how, **({"HELO": how} if step == "EHLO" else {})}, words=Words(text="x" * 5_000_000))
    assert delivery.status is FAILED
    assert server.bodies == []


@pytest.mark.parametrize("reply", [DROP, "nonsense"])
def test_what_ends_after_the_final_dot_is_unknown_and_not_tried_again(reply: str) -> None:
    (delivery,), server = deliver({".": reply}, {})
    assert delivery.status is UNKNOWN
    assert (server.connections, len(server.bodies)) == (1, 1)


def test_a_server_that_never_answers_the_dot_leaves_it_unknown() -> None:
    with ScriptedServer({".": "250-and the rest never comes"}) as server:
        transport = SmtpTransport(settings(server.port), final_reply_seconds=1)
        assert transport.deliver(letter()).status is UNKNOWN


@pytest.mark.parametrize("step", ["RSET", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [DROP, "421 4.7.0 too many messages"])
def test_an_old_connection_that_has_ended_is_made_again_for_the_next_message(step: str, how: str) -> None:
    with ScriptedServer({}, {}) as server:
        transport = SmtpTransport(settings(server.port))
        first = transport.deliver(letter())
        server.change(step, how)
        second = transport.deliver(letter())
        transport.close()
    assert [first.status, second.status] == [SENT, SENT]
    assert (server.connections, len(server.bodies)) == (2, 2)


def test_after_an_unknown_ending_the_next_message_takes_a_new_connection() -> None:
    deliveries, server = deliver({".": DROP}, {}, times=2)
    assert [delivery.status for delivery in deliveries] == [UNKNOWN, SENT]
    assert server.connections == 2


def test_an_unreachable_server_is_asked_three_times_and_not_for_every_message() -> None:
    deliveries, server = deliver({"greeting": DROP}, times=5)
    assert [delivery.status for delivery in deliveries] == [FAILED] * 5
    assert server.connections == 3
    assert "3 times in a row" in deliveries[-1].detail


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"greeting": "554 go away"}, "refuses to talk to us: 554 go away"),
        ({"MAIL": "553 5.7.1 not your address"}, r"refuses mail from our sender address: 553 5\.7\.1 not your address.*mail\.from"),
        ({"MAIL": "530 5.7.0 log in first"}, "refuses mail from our sender address"),
        ({"RCPT": "554 5.7.1 <x>: Relay access denied"}, r"does not let us send to others.*mail\.smtp\.username"),
    ],
)
def test_a_server_that_refuses_our_settings_is_for_a_person(script: Mapping[str, str], words: str) -> None:
    with pytest.raises(CompanyMustAct, match=words):
        deliver(script)


def test_an_international_address_needs_a_server_that_knows_them() -> None:
    (delivery,), _ = deliver({}, recipient="josé@nunez.example")
    assert (delivery.status, delivery.refused_address) == (REJECTED, "josé@nunez.example")
    (delivery,), server = deliver({"EHLO": "250-here\r\n250-8BITMIME\r\n250 SMTPUTF8"}, recipient="josé@nunez.example")
    assert delivery.status is SENT
    assert "rcpt TO:<josé@nunez.example>" in server.commands


class Mailbox:
    """An aiosmtpd handler that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.got.append((encrypted, session.auth_data, envelope.rcpt_tos))
        return "250 2.0.0 kept"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


class EphemeralController(Controller):
    """A controller on a free port, which it learns when it listens."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def serving(authority: trustme.CA, name: str, *, at_once: bool = False) -> Iterator[tuple[EphemeralController, Mailbox]]:
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(server_side)
    mailbox = Mailbox()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=good, auth_data=data.login if good else None, handled=good)

    tls = {"ssl_context": server_side} if at_once else {"tls_context": server_side, "require_starttls": True}
    controller = EphemeralController(
        mailbox, hostname="localhost", port=0, authenticator=check, auth_required=True, auth_require_tls=not at_once, **tls
    )
    controller.start()
    try:
        yield controller, mailbox
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def starttls_server(authority: trustme.CA) -> Iterator[tuple[EphemeralController, Mailbox]]:
    yield from serving(authority, "localhost")


@pytest.fixture(scope="module")
def tls_server(authority: trustme.CA) -> Iterator[tuple[EphemeralController, Mailbox]]:
    yield from serving(authority, "localhost", at_once=True)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # of a server that has only TLS
@pytest.mark.parametrize(("fixture", "security"), [("starttls_server", "starttls"), ("tls_server", "tls")])
def test_mail_goes_encrypted_and_logged_in(fixture: str, security: str, trusting: ssl.SSLContext, request: pytest.FixtureRequest) -> None:
    controller, mailbox = request.getfixturevalue(fixture)
    transport = SmtpTransport(settings(controller.port, security, **login()), tls=trusting)
    assert [transport.deliver(letter()).status for _ in range(2)] == [SENT, SENT]
    transport.close()
    assert mailbox.got == [(True, b"cobros", ["ana@nunez.example"])] * 2


def test_a_certificate_that_nobody_vouches_for_is_refused(starttls_server: tuple[EphemeralController, Mailbox]) -> None:
    controller, mailbox = starttls_server
    before = len(mailbox.got)
    with pytest.raises(CompanyMustAct, match=r"certificate that cannot be trusted.*mail\.smtp\.host"):
        SmtpTransport(settings(controller.port, "starttls", **login())).deliver(letter())
    assert len(mailbox.got) == before


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    for controller, _ in serving(authority, "elsewhere.example"):
        with pytest.raises(CompanyMustAct, match="certificate that cannot be trusted"):
            SmtpTransport(settings(controller.port, "starttls", **login()), tls=trusting).deliver(letter())


@pytest.mark.parametrize("password", ["wrong-secret-word", "señal-secreta"])
def test_a_refused_login_names_the_settings_and_never_the_password(
    starttls_server: tuple[EphemeralController, Mailbox], trusting: ssl.SSLContext, password: str
) -> None:
    controller, _ = starttls_server
    with pytest.raises(CompanyMustAct) as caught:
        SmtpTransport(settings(controller.port, "starttls", **login(password)), tls=trusting).deliver(letter())
    assert "mail.smtp.username and mail.smtp.password" in str(caught.value)
    assert password not in str(caught.value) + repr(caught.value.__cause__)


def test_a_server_that_repeats_the_password_is_not_quoted() -> None:
    plain = "AGNvYnJvcwBjb3JyZWN0LWhvcnNlLWJhdHRlcnk="
    script = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": f"535 5.7.8 no: {PASSWORD} {plain}"}
    with ScriptedServer(script) as server, pytest.raises(CompanyMustAct) as caught:
        SmtpTransport(settings(server.port, **login())).deliver(letter())
    assert PASSWORD not in str(caught.value)
    assert plain not in str(caught.value)


def test_a_login_that_fails_for_now_is_tried_another_time() -> None:
    script = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "454 4.7.0 later"}
    with ScriptedServer(script) as server:
        delivery = SmtpTransport(settings(server.port, **login())).deliver(letter())
    assert delivery.status is FAILED
    assert "454 4.7.0 later" in delivery.detail


def test_encryption_that_is_not_offered_or_not_understood_is_for_a_person(trusting: ssl.SSLContext) -> None:
    for security, words in (("starttls", "does not offer"), ("tls", "cannot agree on encryption")):
        with ScriptedServer({}) as server, pytest.raises(CompanyMustAct, match=words):
            SmtpTransport(settings(server.port, security), tls=trusting).deliver(letter())
