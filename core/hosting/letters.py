"""Mails to people who run Puntual and to companies' own people: rendered in the sandbox of notices, and sent one to each address."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr
from functools import cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

from ..channels.addresses import UnusableAddress
from ..channels.email import compose
from ..channels.port import DeliveryStatus, MailTransport
from ..errors import PuntualError
from ..notices.render import Rendered, inlined
from ..notices.sandbox import TemplateSandbox, sandbox

_FOLDER = "host"
_TAKEN = frozenset({DeliveryStatus.SENT, DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN})
"""After these a mail is not sent again: it has arrived, or it may have."""
LANGUAGES = ("en", "es")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail for several people, one copy each. `name` is the same however often this letter is made: with it and the address a mail
    program knows a copy that came twice. `thread` is its conversation."""

    rendered: Rendered
    sender: str
    name: str
    thread: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a copy: taken (or perhaps taken: then it is not sent again either), refused for good, or to be tried again."""

    is_taken: bool
    is_final: bool
    why: str = ""


def rendered(template: str, language: str, values: dict[str, Any]) -> Rendered:
    """A letter of templates/host in a language, English where there is none."""
    spoken = language if language in LANGUAGES else LANGUAGES[0]
    text, html = _environment(is_html=False), _environment(is_html=True)
    parts = [_part(env, f"{template}.{ending}", spoken, values) for env, ending in ((text, "subject"), (text, "txt"), (html, "html"))]
    return Rendered(" ".join(parts[0].split()), parts[1].strip("\n") + "\n", parts[2])


def send(letter: Letter, recipient: str, transport: MailTransport, at: datetime) -> Fate:
    """Send a copy. Raises nothing but mistakes of ours."""
    try:
        delivery = transport.deliver(_envelope(letter, recipient, at))
    except UnusableAddress as error:
        return Fate(is_taken=False, is_final=True, why=error.detail)
    except PuntualError as error:
        return Fate(is_taken=False, is_final=False, why=str(error))
    if delivery.status in _TAKEN:
        return Fate(is_taken=True, is_final=True)
    return Fate(False, delivery.status is DeliveryStatus.REJECTED, f"{delivery.status.value}: {delivery.detail}")


def send_all(letter: Letter, recipients: Sequence[str], transport: MailTransport, at: datetime) -> dict[str, Fate]:
    """Send a copy to each, and let go of the mail server. What became of each, by address."""
    try:
        return {recipient: send(letter, recipient, transport, at) for recipient in recipients}
    finally:
        transport.close()


def _envelope(letter: Letter, recipient: str, at: datetime) -> EmailMessage:
    domain = parseaddr(letter.sender)[1].rpartition("@")[2]
    return compose(
        letter.rendered,
        sender=letter.sender,
        reply_to="",
        recipient=recipient,
        message_id=f"<{_digest(letter.name, recipient)}@{domain}>",
        thread_id=f"<{_digest(letter.thread)}@{domain}>",
        date=at,
        language=letter.language,
    )


def _digest(*parts: str) -> str:
    return "puntual." + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _part(env: TemplateSandbox, name: str, language: str, values: dict[str, Any]) -> str:
    words = env.get_template(f"{language}/words.txt").module
    w = SimpleNamespace(**{word: value for word, value in vars(words).items() if not word.startswith("_")})
    return env.get_template(name).render({**values, "w": w, "language": language})


@cache
def _environment(*, is_html: bool) -> TemplateSandbox:
    return sandbox(_source, html=is_html, prepare=inlined)


def _source(name: str) -> str | None:
    found = _file(name)
    return found.replace("<style></style>", f"<style>\n{_file('style.css')}</style>") if found and name.endswith(".html") else found


def _file(name: str) -> str | None:
    path = files("puntual").joinpath("templates", _FOLDER, *name.split("/"))
    return path.read_text(encoding="utf-8") if path.is_file() else None
