"""A notice as a mail: its words, and what is around them: ids that stay the same, its conversation, pictures, the invoices attached."""

import hashlib
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

from ..channels.email import Attachment, InlineImage, compose
from ..dunning.discounts import offers_of
from ..dunning.facts import Action
from ..errors import BrokenInvariant, LedgerUnavailable, Refused
from ..notices.charge_news import NO_NEWS, ChargeNews
from ..notices.context import build_context
from ..notices.render import Rendered
from ..policy.schema import Policy
from ..port import Capability, LedgerConnector
from .desk import Desk
from .links import Ways, known_ways
from .telling import news_for

MOST_ATTACHMENTS = 10
MOST_ATTACHED_BYTES = 8_000_000
"""Many mail servers refuse more than 10 MB, and base64 adds a third."""


def render_notice(
    desk: Desk, action: Action, as_of: date, ways: Ways, news: ChargeNews = NO_NEWS, attached: Collection[str] = ()
) -> Rendered:
    """The words of a notice. `attached` are the ids of the invoices whose PDF goes along."""
    if action.notice is None:
        raise BrokenInvariant(f"action {action.key} has no notice to render")
    context = build_context(
        action,
        desk.policy,
        as_of,
        ways.pages,
        attached=frozenset(attached),
        codes=ways.codes,
        charges=news.of_items(_items(action)),
        offers=offers_of(action, desk.policy, as_of),
    )
    return desk.renderer.render(context, action.notice, action.language)


def message_of(
    desk: Desk, action: Action, as_of: date, ways: Ways, news: ChargeNews = NO_NEWS, files: Mapping[str, Attachment] | None = None
) -> EmailMessage:
    """The whole mail; `files` are the invoices that go along, by invoice id. Raises UnusableAddress."""
    rendered = render_notice(desk, action, as_of, ways, news, (files or {}).keys())
    return compose(rendered, **envelope_of(desk, action), attachments=tuple((files or {}).values()), images=ways.images)


def preview_of(desk: Desk, action: Action, as_of: date) -> tuple[Rendered, tuple[InlineImage, ...]]:
    """The words of a notice, and its pictures, as far as they can be made without asking anybody."""
    ways = known_ways(desk, action, as_of)
    return render_notice(desk, action, as_of, ways, news_for(desk, [action], as_of)[0]), ways.images


def standing_alone(html: str, images: Sequence[InlineImage]) -> str:
    """The HTML part with its pictures inside it, so that a browser shows it as a file."""
    for image in images:
        html = html.replace(f"cid:{image.content_id}", f"data:image/png;base64,{b64encode(image.content).decode()}")
    return html


def _items(action: Action) -> frozenset[str]:
    return frozenset(entry.item.id for entry in action.items)


def envelope_of(desk: Desk, action: Action) -> dict[str, Any]:
    """Addresses and ids of a notice. The Message-ID is the same however often the notice is made; a customer is one conversation."""
    mail, recipient = desk.policy.mail, action.recipient
    if recipient is None:
        raise BrokenInvariant(f"action {action.key} is written to nobody")
    domain = parseaddr(mail.sender)[1].rpartition("@")[2]
    return {
        "sender": mail.sender,
        "reply_to": mail.reply_to,
        "recipient": recipient.email,
        "recipient_name": recipient.name,
        "language": action.language,
        "message_id": f"<{_digest(desk.company, action.key)}@{domain}>",
        "thread_id": f"<{_digest(desk.company, 'customer', action.customer.id)}@{domain}>",
        "date": desk.now(),
    }


def _digest(*parts: str) -> str:
    return "puntual." + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def attachments_of(policy: Policy, ledger: LedgerConnector, action: Action) -> dict[str, Attachment]:
    """The invoices as the ledger prints them, by invoice id. What cannot be had is left out."""
    if Capability.INVOICE_PDF not in ledger.capabilities or policy.mail.attach_invoice_pdf is False:
        return {}
    attached: dict[str, Attachment] = {}
    numbers = {entry.item.invoice_id: entry.item.number for entry in action.items}
    for invoice_id, number in list(numbers.items())[:MOST_ATTACHMENTS]:
        content = _pdf(ledger, invoice_id)
        if content and sum(len(a.content) for a in attached.values()) + len(content) <= MOST_ATTACHED_BYTES:
            attached[invoice_id] = Attachment(f"{_file_name(number)}.pdf", content)
    return attached


def _pdf(ledger: LedgerConnector, invoice_id: str) -> bytes:
    try:
        return ledger.invoice_pdf(invoice_id)
    except (Refused, LedgerUnavailable):
        return b""


def _file_name(number: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in number).strip("-.") or "invoice"
