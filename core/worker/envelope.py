"""What is around a notice: ids that stay the same, the conversation it belongs to, the invoices attached."""

import hashlib
from email.utils import parseaddr
from typing import Any

from ..channels.email import Attachment
from ..dunning.facts import Action
from ..errors import BrokenInvariant, LedgerUnavailable, Refused
from ..policy.schema import Policy
from ..port import Capability, LedgerConnector
from .desk import Desk

MOST_ATTACHMENTS = 10
MOST_ATTACHED_BYTES = 8_000_000
"""Many mail servers refuse more than 10 MB, and base64 adds a third."""


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
