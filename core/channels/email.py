"""From words to an envelope: one message to one person, in a form that every mail program reads."""

import binascii
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Protocol

from .addresses import mail_address, one_line

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+>")
_CONTENT_ID = re.compile(r"[A-Za-z0-9.-]+@[A-Za-z0-9.-]+")
_LONGEST_FILENAME = 120


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture that the HTML part shows by its Content-ID (`cid:…`, RFC 2392)."""

    content_id: str
    filename: str
    content: bytes


class MailWords(Protocol):
    """Subject and both parts of a message, as a renderer gives them."""

    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    filename: str
    content: bytes
    content_type: str = "application/pdf"


def compose(
    rendered: MailWords,
    *,
    sender: str,
    reply_to: str,
    recipient: str,
    message_id: str,
    thread_id: str,
    date: datetime,
    recipient_name: str = "",
    language: str = "",
    attachments: Sequence[Attachment] = (),
    images: Sequence[InlineImage] = (),
) -> EmailMessage:
    """The message, ready for a transport. Of the images those go along that the HTML part shows. Raises UnusableAddress.

    It says that a machine wrote it (Auto-Submitted, RFC 3834), which keeps polite responders quiet. X-Auto-Response-Suppress is left out on
    purpose: an absence note tells the company that nobody will read the reminder, and no answer of ours can make a loop.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = mail_address(sender)
    message["To"] = mail_address(recipient, recipient_name)
    if reply_to:
        message["Reply-To"] = mail_address(reply_to)
    message["Subject"] = one_line(rendered.subject)
    message["Date"] = format_datetime(_aware(date))
    message["Message-ID"] = _checked_id(message_id)
    message["In-Reply-To"] = message["References"] = _checked_id(thread_id)
    message["Auto-Submitted"] = "auto-generated"
    if language:
        message["Content-Language"] = re.sub(r"[^A-Za-z0-9-]", "", language)
    _fill(message, rendered, attachments, [image for image in images if f"cid:{image.content_id}" in rendered.html])
    return message


def as_wire(message: EmailMessage) -> bytes:
    """The bytes that travel. Only an address with letters outside ASCII before the @ makes the headers UTF-8 (RFC 6532)."""
    return message.as_bytes(policy=SMTPUTF8 if needs_utf8(message) else SMTP)


def needs_utf8(message: EmailMessage) -> bool:
    """Whether the server has to know SMTPUTF8 (RFC 6531): somebody's address is not ASCII before the @."""
    people = [address for header in ("From", "To", "Reply-To") if message[header] for address in message[header].addresses]
    return not all(address.username.isascii() for address in people)


def recipient_of(message: EmailMessage) -> Address:
    """The one person that a composed message is for."""
    address: Address = message["To"].addresses[0]
    return address


def sender_of(message: EmailMessage) -> Address:
    """Who a composed message is from."""
    address: Address = message["From"].addresses[0]
    return address


def _fill(message: EmailMessage, rendered: MailWords, attachments: Sequence[Attachment], images: Sequence[InlineImage]) -> None:
    message["MIME-Version"] = "1.0"
    mark = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:24]
    html = _text_part("html", rendered.html)
    if images:
        shown = MIMEPart(policy=SMTP)
        _enclose(shown, "related", mark, [html, *map(_image_part, images)])
        html = shown
    parts = [_text_part("plain", rendered.text), html]
    if not attachments:
        _enclose(message, "alternative", mark, parts)
        return
    body = MIMEPart(policy=SMTP)
    _enclose(body, "alternative", mark, parts)
    _enclose(message, "mixed", mark, [body, *map(_file_part, attachments)])


def _enclose(outer: MIMEPart, subtype: str, mark: str, parts: Sequence[MIMEPart]) -> None:
    """Put the parts into one. The boundary holds `=_`, which no line of quoted-printable or base64 can (RFC 2045, 6.7)."""
    kind = ' type="text/html";' if subtype == "related" else ""  # RFC 2387, 3.1
    outer["Content-Type"] = f'multipart/{subtype};{kind} boundary="=_{subtype}_{mark}"'
    for part in parts:
        outer.attach(part)


def _text_part(subtype: str, text: str) -> MIMEPart:
    """A text in quoted-printable: seven bits on all its way, so that no relay rewrites it and breaks a signature (RFC 6376, 5.3)."""
    part = MIMEPart(policy=SMTP)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    lines = "\n".join(text.splitlines()) + "\n"
    part.set_payload(binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True).decode("ascii"))
    return part


def _image_part(image: InlineImage) -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    if not _CONTENT_ID.fullmatch(image.content_id):
        raise ValueError(f"{image.content_id!r} is no content id")
    name = _filename(image.filename)
    part.set_content(image.content, maintype="image", subtype="png", disposition="inline", filename=name, cid=f"<{image.content_id}>")
    return part


def _file_part(file: Attachment) -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    maintype, _, subtype = file.content_type.partition("/")
    part.set_content(
        file.content, maintype=maintype, subtype=subtype or "octet-stream", disposition="attachment", filename=_filename(file.filename)
    )
    return part


def _filename(name: str) -> str:
    """A name that no mail program can take for a path."""
    kept = "".join("_" if char in '/\\:*?"<>|' or unicodedata.category(char).startswith(("C", "Z")) else char for char in name.strip())
    return kept.lstrip(".")[-_LONGEST_FILENAME:] or "file"


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("the date of a message needs a time zone")
    return moment


def _checked_id(value: str) -> str:
    if not _MESSAGE_ID.fullmatch(value):
        raise ValueError(f"{value!r} is no message id")
    return value
