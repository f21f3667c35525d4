"""A street that is watched over: beats at every step of time, mails to the operator in a folder, work done at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from hosting.street import Street
from puntual.core.history.alerts import Alert, standing_alerts
from puntual.core.history.database import reading
from puntual.core.hosting.alerting import Alerting
from puntual.core.policy.host_schema import Operator

OPERATOR = {"to": ["ops@host.example"], "mail": {"from": "Puntual <puntual@host.example>", "folder": "ops"}, "digest_at": time(7, 30)}

STEP = timedelta(minutes=30)


def operator(**changes: Any) -> Operator:
    return Operator.model_validate({**OPERATOR, **changes})


def at_once(_: str, work: Callable[[], object]) -> None:
    work()


@dataclass
class Watched:
    """`workers` are the watches of as many workers over the same database."""

    street: Street
    workers: int = 1
    operator: Operator | None = None
    step: timedelta = STEP

    def __post_init__(self) -> None:
        who = self.operator or operator()
        self.watches = [Alerting(self.street.roster, f"machine{n}:{n}:x", who, at_once) for n in range(self.workers)]

    def go(self, **length: int) -> None:
        """Let time pass, a step at a time."""
        left = timedelta(**length)
        while left > timedelta(0):
            step = min(self.step, left)
            self.street.clock.at += step
            self.street.host.pulse()
            for company in self.street.roster.companies():
                self.street.host.look_at(company)
            self.beat()
            left -= step

    def beat(self) -> None:
        for watch in self.watches:
            watch.beat()

    def standing(self, company: str | None = None) -> list[Alert]:
        with reading(self.street.engine) as conn:
            return standing_alerts(conn, company)

    def keys(self, company: str | None = None) -> list[str]:
        return [alert.key for alert in self.standing(company)]

    def mails(self, folder: str = "ops") -> list[EmailMessage]:
        """The mails in a folder, in the order in which they were sent."""
        return sorted(map(read_mail, (self.street.folder / folder).glob("*.eml")), key=lambda mail: mail["Date"].datetime)

    def subjects(self, folder: str = "ops") -> list[str]:
        return [mail["Subject"] for mail in self.mails(folder)]


def read_mail(path: Path) -> EmailMessage:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def text_of(mail: EmailMessage) -> str:
    """The plain text, with its lines joined."""
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())
