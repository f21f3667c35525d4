"""A company at work: books in memory, history in a database, a post office on loopback, and a clock that is set by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from history.sample_books import COMPANY, TODAY, item
from history.sample_books import policy as policy_with
from puntual.core.channels.smtp import SmtpTransport
from puntual.core.dunning.plan import Rulebook
from puntual.core.history import audit
from puntual.core.history.database import open_database, reading
from puntual.core.history.tables import attempts
from puntual.core.history.work import waiting_work
from puntual.core.notices.render import Renderer
from puntual.core.worker.clock import FixedClock, noon_of
from puntual.core.worker.desk import Desk
from puntual.core.worker.run import RunReport, run
from puntual.core.worker.wiring import template_lookup
from sqlalchemy import Engine, select
from worker.memory_ledger import MemoryBooks, MemoryLedger


class AnyPort(Controller):
    """A server on a free port that the system chooses; `port` is then that one."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


class PostOffice:
    """An SMTP server on loopback that keeps what it took. `answer` decides on each message: an SMTP reply, None to take it, "cut" to take
    it and break the line before the reply. `refused` are recipients, `sender_refused` any sender, each with the reply they get."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer: Callable[[EmailMessage], str | None] = lambda _: None
        self.refused: dict[str, str] = {}
        self.sender_refused = ""
        self._controller = AnyPort(self, hostname="127.0.0.1", port=0)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        reply = self.answer(mail)
        if reply == "cut":
            self.mails.append(mail)
            server.transport.abort()
            return "250 OK"
        if reply is None:
            self.mails.append(mail)
        return reply or "250 OK"

    def open(self) -> None:
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def to(self) -> list[str]:
        """Who got mail, in order."""
        return [str(mail["To"].addresses[0].addr_spec) for mail in self.mails]


SMTP = "smtp: {host: 127.0.0.1, port: PORT, security: none, timeout_seconds: 5}"


@dataclass
class Office:
    """One company. `changes` replace texts in the sample policy; a new day is `on`."""

    folder: Path
    url: str
    post: PostOffice
    books: MemoryBooks = field(default_factory=MemoryBooks)
    changes: list[tuple[str, str]] = field(default_factory=list)
    clock: FixedClock = field(default_factory=lambda: FixedClock(noon_of(TODAY, "Europe/Madrid")))
    templates: Callable[[str], str | None] = field(default_factory=lambda: template_lookup(None))
    company: str = COMPANY
    _engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = open_database(self.url)
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    def rule(self, old: str, new: str) -> None:
        """Change a text of the policy, from the next desk on."""
        self.changes.append((old, new))

    def desk(self) -> Desk:
        made = policy_with(("folder: outbox", SMTP.replace("PORT", str(self.post.port))), *self.changes)
        return Desk(
            company=self.company,
            policy=made,
            rulebook=Rulebook.of(made),
            engine=self.engine,
            clock=self.clock,
            renderer=Renderer(self.templates),
            open_ledger=lambda: MemoryLedger(self.books),
            open_mail=lambda: SmtpTransport(made.mail.smtp),  # type: ignore[arg-type]
            state_dir=self.folder / "state",
        )

    def run(self, on: date = TODAY, **more: Any) -> RunReport:
        """A run at noon of that day."""
        self.at(on)
        return run(self.desk(), on, **more)

    def at(self, day: date, hour: int = 12) -> None:
        self.clock.at = noon_of(day, "Europe/Madrid").replace(hour=hour)

    def statuses(self) -> list[str]:
        """The ends of all attempts, in the order of the alphabet."""
        query = select(attempts.c.status).where(attempts.c.company == self.company).order_by(attempts.c.status)
        with reading(self.engine) as conn:
            return list(conn.execute(query).scalars())

    def audited(self) -> list[str]:
        """What kinds of entries the trail has, the oldest first; it must be whole."""
        with reading(self.engine) as conn:
            assert audit.verify(conn, self.company).broken_at is None
            return [entry.kind for entry in audit.entries_of(conn, self.company)][::-1]

    def to_do(self) -> list[tuple[str, str]]:
        """Kind and customer of what is on the work list."""
        with reading(self.engine) as conn:
            return [(work.kind, work.customer_id) for work in waiting_work(conn, self.company)]


DAY = timedelta(days=1)


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def meanwhile(office: Office, work: Callable[[], Any]) -> None:
    """Something happens between plan and act, at the last look of the next run, once."""

    def once() -> None:
        office.books.before_recheck = lambda: None
        work()

    office.books.before_recheck = once


def level(office: Office, key: str = "i1/1") -> tuple[str, int]:
    """The level of an item and how often it was sent."""
    with reading(office.engine) as conn:
        row = item(conn, key)
        return row.level_key, row.level_sends


def two_due(office: Office) -> None:
    """One customer who owes two invoices."""
    office.books.owe("i1", total="100")
    office.books.owe("i2", total="50")
