"""What a mail transport is asked for, and what it may say about what happened. The rest of the house knows only this."""

from email.message import EmailMessage
from enum import StrEnum
from typing import NamedTuple, Protocol


class DeliveryStatus(StrEnum):
    """What is known after one attempt to deliver."""

    SENT = "sent"
    """The server, or the folder, has taken responsibility for the message."""
    QUEUED = "queued"
    """Handed to something that will send it later."""
    REJECTED = "rejected"
    """Refused for good: sending it again as it is would be refused again."""
    FAILED = "failed"
    """Certainly not sent; it is safe to try again."""
    UNKNOWN = "unknown"
    """It may have been sent. It must not be sent again; a person has to look."""


class Delivery(NamedTuple):
    """The end of one attempt. `vendor_id` is what the server calls the message; `refused_address` is the mailbox that is bad."""

    status: DeliveryStatus
    vendor_id: str = ""
    detail: str = ""
    refused_address: str = ""


class MailTransport(Protocol):
    """Something that delivers messages that `compose` made, one recipient each."""

    def deliver(self, message: EmailMessage) -> Delivery:
        """Deliver once. Raises CompanyMustAct when the mail settings are refused; the message was then certainly not sent."""
        ...

    def close(self) -> None:
        """Let go of the connection, if there is one. Never raises."""
        ...
