"""Mail over the company's own server, step by step, so that it is always known whether a message may have left.

Until the final dot of DATA was sent a message is certainly not sent: a server must not act on half a message (RFC 5321, 4.1.1.4).
Between the dot and the reply nobody knows (RFC 1047), and such a message is never sent again by itself.
"""

import base64
import re
import smtplib
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import NamedTuple, Protocol

from ..errors import CompanyMustAct, TryLater
from ..secret import Secret, masked
from .addresses import one_line
from .email import as_wire, needs_utf8, recipient_of, sender_of
from .port import Delivery, DeliveryStatus

FINAL_REPLY_SECONDS = 600
"""How long to wait for the reply after the final dot. RFC 5321, 4.5.3.2.6, asks for ten minutes: who is impatient sends twice."""

_MISSES_ALLOWED = 3
_LONGEST_DETAIL = 300
_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
_LOST = (smtplib.SMTPServerDisconnected, OSError)
_TROUBLE = (smtplib.SMTPException, OSError, UnicodeError)


class SmtpSettings(Protocol):
    """How to reach the server: the policy's `mail.smtp`."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def security(self) -> StrEnum: ...
    @property
    def username(self) -> str: ...
    @property
    def password(self) -> Secret | None: ...
    @property
    def timeout_seconds(self) -> int: ...


class _Letter(NamedTuple):
    sender: str
    recipient: str
    wire: bytes
    utf8: bool


class _Reply(NamedTuple):
    code: int
    text: str

    @property
    def detail(self) -> str:
        return f"{self.code} {self.text}".strip()


class _Interrupted(Exception):
    """The connection ended before anything of the message's body was sent."""


class SmtpTransport:
    """Delivers over one connection, which is kept for the run and made again when the server has ended it.

    After three connections in a row that could not be made, the rest of the run fails at once instead of waiting for each.
    """

    def __init__(
        self, settings: SmtpSettings, *, tls: ssl.SSLContext | None = None, final_reply_seconds: int = FINAL_REPLY_SECONDS
    ) -> None:
        """`tls` is for servers with a certificate authority of their own; certificates and host names are always checked."""
        self._settings = settings
        self._tls = tls or ssl.create_default_context()
        self._final_reply_seconds = final_reply_seconds
        self._server: smtplib.SMTP | None = None
        self._misses = 0

    def deliver(self, message: EmailMessage) -> Delivery:
        """Deliver once; see `Delivery`. Raises CompanyMustAct, before anything was sent, when the server refuses our settings."""
        letter = _Letter(_spec(sender_of(message)), _spec(recipient_of(message)), as_wire(message), needs_utf8(message))
        if self._server is not None:
            with suppress(_Interrupted):  # the old connection may have ended meanwhile, and nothing of this message has left
                return self._deliver(self._server, letter)
        try:
            return self._deliver(self._connected(), letter)
        except _Interrupted as error:
            return Delivery(DeliveryStatus.FAILED, detail=self._clean(str(error)))

    def try_out(self) -> datetime | None:
        """Connect and log in, and send nothing. Returns when the server's certificate ends, None where nothing is encrypted.

        Raises CompanyMustAct when the settings are refused, TryLater when the server cannot be reached.
        """
        try:
            sock = self._connected().sock
        except _Interrupted as error:
            raise TryLater(self._clean(str(error))) from None
        shown = (sock.getpeercert() or {}) if isinstance(sock, ssl.SSLSocket) else {}
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC) if "notAfter" in shown else None

    def close(self) -> None:
        """Say goodbye to the server. Never raises."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
        self._drop()

    def _deliver(self, server: smtplib.SMTP, letter: _Letter) -> Delivery:
        try:
            refused = self._envelope(server, letter)
        except _LOST as error:
            self._drop()
            raise _Interrupted(str(error)) from error
        return refused or self._body(server, letter)

    def _envelope(self, server: smtplib.SMTP, letter: _Letter) -> Delivery | None:
        """Sender, recipient and the server's leave to go on; None when it was given."""
        if letter.utf8 and not server.has_extn("smtputf8"):
            detail = "the server cannot send to addresses with such letters (no SMTPUTF8)"
            return Delivery(DeliveryStatus.REJECTED, detail=detail, refused_address=letter.recipient)
        self._alive(self._reply(server.rset()))
        mail = self._alive(self._reply(server.mail(letter.sender, _options(server, letter))))
        if mail.code != 250:
            return self._sender_refused(mail)
        rcpt = self._alive(self._reply(server.rcpt(letter.recipient)))
        if rcpt.code not in (250, 251, 252):
            return self._recipient_refused(rcpt, letter.recipient)
        data = self._alive(self._reply(server.docmd("DATA")))
        return None if data.code == 354 else _refused(data)

    def _body(self, server: smtplib.SMTP, letter: _Letter) -> Delivery:
        """The message itself. From the final dot to the reply, silence means that nobody knows."""
        try:
            server.send(_dotted(letter.wire))
        except _LOST as error:
            self._drop()
            return Delivery(DeliveryStatus.FAILED, detail=self._clean(f"the connection ended within the message: {error}"))
        try:
            return self._outcome(server)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Delivery(DeliveryStatus.UNKNOWN, detail=self._clean(f"the connection ended before the server's reply: {error}"))

    def _outcome(self, server: smtplib.SMTP) -> Delivery:
        assert server.sock is not None
        server.sock.settimeout(self._final_reply_seconds)
        server.send(b".\r\n")
        reply = self._reply(server.getreply())
        server.sock.settimeout(self._settings.timeout_seconds)
        if reply.code // 100 == 2:
            return Delivery(DeliveryStatus.SENT, vendor_id=reply.text)
        if reply.code // 100 in (4, 5):
            return _refused(reply)
        return Delivery(DeliveryStatus.UNKNOWN, detail=f"the server's reply makes no sense: {reply.detail}")

    def _alive(self, reply: _Reply) -> _Reply:
        """The reply, unless it says that the server is closing the connection (RFC 5321, 3.8)."""
        if reply.code in (421, -1):
            raise smtplib.SMTPServerDisconnected(reply.detail)
        return reply

    def _sender_refused(self, reply: _Reply) -> Delivery:
        if reply.code // 100 == 4 or reply.code in (552, 555):
            return _refused(reply)
        raise self._company_must_act(f"refuses mail from our sender address: {reply.detail}", "Check mail.from and mail.smtp.username")

    def _recipient_refused(self, reply: _Reply, recipient: str) -> Delivery:
        if reply.code in (530, 535) or (reply.code // 100 == 5 and "relay" in reply.text.lower()):
            raise self._company_must_act(
                f"does not let us send to others: {reply.detail}", "Check mail.smtp.username and mail.smtp.password, or mail.smtp.host"
            )
        if reply.code // 100 == 5:
            bad = recipient if _blames_mailbox(reply.text) else ""
            return Delivery(DeliveryStatus.REJECTED, detail=reply.detail, refused_address=bad)
        return Delivery(DeliveryStatus.FAILED, detail=reply.detail)

    def _connected(self) -> smtplib.SMTP:
        if self._misses >= _MISSES_ALLOWED:
            raise _Interrupted(f"{self._where} could not be reached {_MISSES_ALLOWED} times in a row")
        self._misses += 1
        self._server = self._logged_in()
        self._misses = 0
        return self._server

    def _logged_in(self) -> smtplib.SMTP:
        """A new connection. What a person must correct raises CompanyMustAct; what may pass raises _Interrupted."""
        server: smtplib.SMTP | None = None
        try:
            server = self._opened()
            self._log_in(server)
        except _TROUBLE as error:
            if server is not None:
                server.close()
            raise self._judged(error) from _without_secret(error)
        assert server.sock is not None
        server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the final dot travels alone and must not wait
        return server

    def _opened(self) -> smtplib.SMTP:
        settings = self._settings
        where, timeout = (settings.host, settings.port), settings.timeout_seconds
        if settings.security == "tls":
            return smtplib.SMTP_SSL(*where, local_hostname=_own_name(), timeout=timeout, context=self._tls)
        server = smtplib.SMTP(*where, local_hostname=_own_name(), timeout=timeout)
        if settings.security == "starttls":
            try:
                server.starttls(context=self._tls)
            except _TROUBLE:
                server.close()
                raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self._settings.username:
            password = self._settings.password.reveal() if self._settings.password else ""
            server.login(self._settings.username, password)

    def _judged(self, error: Exception) -> Exception:
        """What a failed connection means; the most particular cause first."""
        if isinstance(error, smtplib.SMTPResponseException):
            return self._judged_reply(error)
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return self._company_must_act(
                f"does not offer what the settings ask for: {error}", "Check mail.smtp.security and mail.smtp.username"
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            hint = "Check mail.smtp.host; the certificate must be valid and carry that name"
            return self._company_must_act(f"shows a certificate that cannot be trusted: {error.verify_message}", hint)
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            hint = "Check mail.smtp.port and mail.smtp.security (465 goes with tls, 587 with starttls)"
            return self._company_must_act(f"cannot agree on encryption: {error.reason}", hint)
        if isinstance(error, UnicodeError):
            return self._company_must_act("takes only ASCII in user name and password", "Check mail.smtp.username and mail.smtp.password")
        return _Interrupted(f"{self._where} could not be reached: {error}")

    def _judged_reply(self, error: smtplib.SMTPResponseException) -> Exception:
        reply = self._reply((error.smtp_code, error.smtp_error))
        if reply.code // 100 != 5:
            return _Interrupted(f"{self._where} says: {reply.detail}")
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return self._company_must_act(f"refuses our login: {reply.detail}", "Check mail.smtp.username and mail.smtp.password")
        return self._company_must_act(f"refuses to talk to us: {reply.detail}", "Check mail.smtp.host and mail.smtp.port")

    def _company_must_act(self, what: str, hint: str) -> CompanyMustAct:
        return CompanyMustAct(self._clean(f"{self._where} {what}"), hint=hint)

    @property
    def _where(self) -> str:
        return f"The mail server {self._settings.host}:{self._settings.port}"

    def _reply(self, reply: tuple[int, bytes | str]) -> _Reply:
        code, text = reply
        return _Reply(code, self._clean(text.decode("utf-8", "replace") if isinstance(text, bytes) else text))

    def _clean(self, text: str) -> str:
        """One line, not too long, without the password in any form in which a server may have sent it back."""
        return one_line(masked(text, self._secrets()))[:_LONGEST_DETAIL]

    def _secrets(self) -> tuple[Secret, ...]:
        if self._settings.password is None:
            return ()
        password = self._settings.password.reveal()
        forms = (f"\0{self._settings.username}\0{password}", password)  # as AUTH PLAIN and AUTH LOGIN send it
        return (*(Secret(base64.b64encode(form.encode()).decode()) for form in forms), self._settings.password)

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _without_secret(error: Exception) -> Exception | None:
    """The cause to keep: an error of encoding holds what could not be encoded, which is a password."""
    return None if isinstance(error, UnicodeError) else error


def _spec(address: object) -> str:
    return str(getattr(address, "addr_spec", ""))


def _options(server: smtplib.SMTP, letter: _Letter) -> list[str]:
    size = [f"size={len(letter.wire)}"] if server.has_extn("size") else []
    return [*size, "SMTPUTF8", "BODY=8BITMIME"] if letter.utf8 else size


def _refused(reply: _Reply) -> Delivery:
    status = DeliveryStatus.REJECTED if reply.code // 100 == 5 else DeliveryStatus.FAILED
    return Delivery(status, detail=reply.detail)


def _blames_mailbox(text: str) -> bool:
    """Whether a refusal says that the mailbox is bad: class 5.1 or 5.2 of RFC 3463, or no enhanced code at all."""
    enhanced = _ENHANCED.match(text)
    return enhanced is None or enhanced[2] in ("1", "2")


def _dotted(wire: bytes) -> bytes:
    """The message with leading dots doubled (RFC 5321, 4.5.2) and a line end at its end; the final dot is not part of it."""
    lines = re.sub(rb"(?m)^\.", b"..", wire)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _own_name() -> str:
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
