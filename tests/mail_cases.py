"""Messages that the tests of channels share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from puntual.core.channels.email import compose


@dataclass(frozen=True)
class Words:
    subject: str = "Factura F-1: 1.250,00 €"
    text: str = "Buenos días, Núñez:\n\n.una línea con punto\nFrom aquí\n"
    html: str = "<p>Buenos días, Núñez</p>\n<p>" + "largo " * 400 + "</p>\n"


def letter(words: Words | None = None, **changes: Any) -> EmailMessage:
    values: dict[str, Any] = {
        "sender": "Talleres Ibarra <cobros@ibarra.example>",
        "reply_to": "",
        "recipient": "ana@nunez.example",
        "message_id": "<key1@ibarra.example>",
        "thread_id": "<customer1@ibarra.example>",
        "date": datetime(2025, 5, 13, 9, 30, tzinfo=UTC),
    }
    return compose(words or Words(), **(values | changes))
