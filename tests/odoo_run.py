"""One day of a company on Odoo, the same story on the stand-in and on a real server: mails in an SMTP sink, notes in the chatter."""

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from harness import Books, Harness
from puntual.core.dunning.plan import Rulebook
from puntual.core.history.database import open_database
from puntual.core.notices.render import Renderer
from puntual.core.policy.read import read_policy
from puntual.core.receivables import Payment
from puntual.core.worker.desk import Desk
from puntual.core.worker.run import RunReport, run
from puntual.core.worker.wiring import ledger_kinds, template_lookup
from suite.sample import a_customer, an_invoice, eur

NAME = "Puntual run"

POLICY = """
company: {name: "Suministros Soler, S.L.", country: ES, locale: es_ES, time_zone: Europe/Madrid}
ledger: {type: odoo, url: "http://127.0.0.1:1", database: d, login: l, api_key: "${KEY}"}
mail:
  from: Cobros <cobros@soler.example>
  signature: {name: Marta Soler}
  smtp: {host: 127.0.0.1, port: PORT, security: none}
mode: live
go_live: {date: GO_LIVE, old_debt: ignore}
sending: {days: [mon, tue, wed, thu, fri, sat, sun], skip_public_holidays: false}
payment_links: [ledger]
payment_details: {EUR: {iban: ES9121000418450200051332}}
customers:
  - match: {names: ["Puntual run *"]}
    procedure: standard
  - match: {names: ["*"]}
    exclude: {reason: not of this story}
procedures:
  standard:
    levels:
      - {key: reminder, days: 1, notice: reminder}
      - {key: second, days: 8, notice: second}
      - {key: call, days: 15, channel: call}
"""


class Mailbox:
    """Keeps what an SMTP server is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if address in str(mail["To"])]


@contextmanager
def smtp_sink() -> Iterator[tuple[Mailbox, int]]:
    """A mail server on loopback that takes everything."""
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def a_day_on_odoo(harness: Harness, folder: Path) -> None:
    """Seed, run, pay one between plan and act, run again, and look at everything from outside."""
    today = harness.today
    due = today - timedelta(days=3)
    customers = tuple(a_customer(key, name=f"{NAME} {key}", email=f"{key}@run.example", language="es") for key in ("pays", "owes", "calls"))
    invoices = (
        an_invoice("pays", "300.00", customer="pays", due=due),
        an_invoice("owes1", "121.00", customer="owes", due=due),
        an_invoice("owes2", "60.50", customer="owes", due=today + timedelta(days=20)),
        an_invoice("calls", "500.00", customer="calls", due=due),
    )
    earlier = Payment("p0", "calls", today - timedelta(days=1), eur("10.00"), eur("10.00"))
    ids = harness.seed(Books(customers=customers, invoices=invoices, payments=(earlier,)))
    with smtp_sink() as (box, port):
        desk = _desk(harness, folder, port, today, pays=ids.invoices["pays"])
        first = run(desk, today, at_any_hour=True)
        _check_first(first, box, harness, ids)
        second = run(_desk(harness, folder, port, today), today, at_any_hour=True)
        assert not second.plan.actions
        assert second.exit_code == 0
        assert len(box.mails) == 2
        assert len(harness.notes(ids.invoices["owes1"])) == 1
        _later(harness, folder, port, box, ids)


def _check_first(first: RunReport, box: Mailbox, harness: Harness, ids: Any) -> None:
    planned = {action.customer.name for action in first.plan.actions}
    assert planned == {f"{NAME} pays", f"{NAME} owes", f"{NAME} calls"}
    assert [skipped.number for skipped in first.acted.dropped] == [ids.numbers["pays"]]
    assert not box.to("pays@run.example"), "it was paid between plan and act"
    (mail,) = box.to("owes@run.example")
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert ids.numbers["owes1"] in text
    assert ids.numbers["owes2"] not in text
    assert "121,00" in text
    assert "access_token=" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    (note,) = harness.notes(ids.invoices["owes1"])
    assert "Recordatorio" in note
    assert "owes@run.example" in note
    assert not harness.notes(ids.invoices["pays"])
    assert first.written.notes == 2


def _later(harness: Harness, folder: Path, port: int, box: Mailbox, ids: Any) -> None:
    """A week later the second level goes out, and after another the call lands in the books as a task."""
    for days, mails in ((8, 4), (16, 4)):
        day = harness.today + timedelta(days=days)
        report = run(_desk(harness, folder, port, day), day, at_any_hour=True, confirmed=True)
        assert not report.written.trouble
        assert len(box.mails) == mails
    (task,) = harness.tasks(ids.invoices["calls"])
    assert f"{NAME} calls" in task


def _desk(harness: Harness, folder: Path, port: int, day: date, pays: str = "") -> Desk:
    """A desk over the harness's connector; with `pays`, that invoice is paid by somebody right before the recheck."""
    from puntual.core.channels.smtp import SmtpTransport
    from puntual.core.worker.clock import FixedClock, noon_of

    text = POLICY.replace("PORT", str(port)).replace("GO_LIVE", str(harness.today - timedelta(days=10)))
    policy = read_policy(text, "acme.yaml", ledgers=ledger_kinds(), secrets=lambda _: "x" * 20)
    smtp = policy.mail.smtp
    assert smtp is not None

    def open_ledger() -> Any:
        ledger = harness.new()
        asked = ledger.recheck

        def recheck(invoice_ids: Any) -> Any:
            if pays and pays in invoice_ids:
                harness.pay(pays, eur("300.00"), harness.today)
            return asked(invoice_ids)

        ledger.recheck = recheck  # type: ignore[method-assign]
        return ledger

    return Desk(
        company="acme",
        policy=policy,
        rulebook=Rulebook.of(policy),
        engine=open_database(f"sqlite:///{folder / 'puntual.db'}"),
        clock=FixedClock(noon_of(day, "Europe/Madrid")),
        renderer=Renderer(template_lookup(None)),
        open_ledger=open_ledger,
        open_mail=lambda: SmtpTransport(smtp),
        state_dir=folder,
    )
