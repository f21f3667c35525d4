"""A company whose books stand behind a real server or are files, whose runs a person starts, and one clock for all of it."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from secrets import token_hex
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from harness import Books, Harness, SeededIds, SeenCharge
from puntual.core.cli.main import puntual
from puntual.core.errors import UnsupportedFeature
from puntual.core.history.sealing import new_key
from puntual.core.money import Money
from puntual.core.port import Capability
from puntual.core.receivables import DocumentStatus, Invoice
from puntual.core.secret import Secret
from puntual.core.worker import clock, wiring
from puntual.core.worker.desk import Desk
from puntual.core.worker.run import RunReport, run
from suite.sample import a_customer, a_payment, an_invoice, eur

NAME = "Puntual run"
KEY_VARIABLE, SECRET_VARIABLE = "PUNTUAL_KEYS", "PUNTUAL_RUN_{}"
FEW_MINUTES = timedelta(minutes=11)

POLICY = """
company: {{name: "Suministros Soler, S.L.", country: ES, locale: es_ES, time_zone: Europe/Madrid}}
ledger: {ledger}
mail:
  from: Cobros <cobros@soler.example>
  signature: {{name: Marta Soler}}
  folder: outbox
mode: live
go_live: {{date: {go_live}, old_debt: ignore}}
sending: {{days: [mon, tue, wed, thu, fri, sat, sun], skip_public_holidays: false, earliest: "00:00", latest: "23:59"}}
payment_details: {{EUR: {{iban: ES9121000418450200051332}}}}
guard: {{max_days_without_payment: 366}}
customers:
  - match: {{names: ["{name} *"]}}
    procedure: standard
  - match: {{names: ["*"]}}
    exclude: {{reason: not of this story}}
procedures:
  standard:
    levels: [{levels}]
{more}
"""
ONE_REMINDER = "{key: reminder, days: 1, notice: reminder}"
TWO_NOTICES = f"{ONE_REMINDER}, {{key: second, days: 15, notice: second}}"
NOBODY = "{key: reminder, days: 900, notice: reminder}"


class House:
    """One company. `takes_lines`: its ledger lets a line be added to an invoice. Days are counted from `first`: `day(3)`.
    Its customers have `name` in theirs, and no others are written to or charged: a real server may hold those of earlier stories."""

    def __init__(self, kind: str, harness: Harness, folder: Path, monkeypatch: pytest.MonkeyPatch, first: date, ledger: dict[str, Any]):
        self.kind, self.harness, self.folder, self.first = kind, harness, folder, first
        self.takes_lines = kind in ("quickbooks", "xero")
        self.name = f"{NAME} {token_hex(3)}"
        self.at = datetime.combine(first, time(6, 0), UTC)
        self.ids = SeededIds({}, {}, {}, {}, {}, {})
        self._ledger = ledger
        self._env = monkeypatch
        self._desk: Desk | None = None
        monkeypatch.delenv("PUNTUAL_DATABASE", raising=False)
        monkeypatch.setenv(KEY_VARIABLE, new_key().reveal())
        monkeypatch.setattr(clock.SystemClock, "now", lambda _: self.at)

    def close(self) -> None:
        self.lose_nothing()
        if self._desk is not None:
            self._desk.engine.dispose()

    # --- the clock ------------------------------------------------------------------------------------------------------------

    def day(self, number: int) -> date:
        """So many days after the first."""
        return self.first + timedelta(days=number)

    def go_to(self, number: int, hour: int = 6) -> None:
        """It is that day and hour (UTC), or some minutes later than it was."""
        self.at = max(self.at + FEW_MINUTES, datetime.combine(self.day(number), time(hour), UTC))
        for name, value in (("at", self.at), ("today", self.at.date())):
            if name in vars(self.harness) or self.kind != "live":
                setattr(self.harness, name, value)

    # --- the policy -----------------------------------------------------------------------------------------------------------

    def policy(self, more: str, *, levels: str = NOBODY, **ledger: Any) -> None:
        """The company's policy from now on, with these sections besides, and changed settings of the ledger."""
        values = {**self._ledger, **ledger}
        said = {name: self._said(name, value) for name, value in values.items()}
        facts = {"ledger": json.dumps(said), "go_live": self.day(-300), "levels": levels, "more": more, "name": self.name}
        (self.folder / "companies").mkdir(exist_ok=True)
        (self.folder / "companies" / "acme.yaml").write_text(POLICY.format(**facts), encoding="utf-8")
        self.close()
        self._desk = None

    def _said(self, name: str, value: Any) -> Any:
        if not isinstance(value, Secret):
            return value
        variable = SECRET_VARIABLE.format(name.upper())
        self._env.setenv(variable, value.reveal())
        return f"${{{variable}}}"

    # --- the bookkeeper -------------------------------------------------------------------------------------------------------

    def seed(self, books: Books) -> None:
        """These documents, besides those that are there."""
        made = self.harness.seed(books)
        for name in SeededIds.__slots__:
            getattr(self.ids, name).update(getattr(made, name))

    def owe(self, *owed: tuple[str, str, str, int]) -> None:
        """Each: invoice, customer, total, and the day on which it is due, thirty days after its issue."""
        self.owe_all([(who, an_invoice(key, total, customer=who, due=self.day(due))) for key, who, total, due in owed])

    def owe_all(self, owed: Sequence[tuple[str, Invoice]]) -> None:
        """The customers' invoices. Somebody else paid something the day before."""
        customers = {who: a_customer(who, name=f"{self.name} {who}", email=f"{who}@run.example", language="es") for who, _ in owed}
        other = a_customer("other", name="Somebody else")
        earlier = a_payment("earlier", "1.00", customer="other", unapplied="1.00", on=self.day(-1))
        invoices = tuple(invoice for _, invoice in owed)
        self.seed(Books(customers=(*customers.values(), other), invoices=invoices, payments=(earlier,)))

    def pay(self, key: str, amount: str, on: int) -> None:
        """A payment on an invoice, or on a document of ours by its id in the books, that came in on that day."""
        if self.at.date() < self.day(on):
            self.go_to(on)
        self.harness.pay(self.ids.invoices.get(key, key), eur(amount), self.day(on))

    def number(self, key: str) -> str:
        return self.ids.numbers[key]

    def charged(self, key: str) -> list[tuple[str, bool]]:
        """What stands in the books for lateness on the invoice: amount, and whether it is a line of it; a person looks."""
        return sorted((f"{seen.amount.amount:.2f}", seen.on_invoice) for seen in self.charges(key))

    def charges(self, key: str) -> Sequence[SeenCharge]:
        return self.harness.charges(self.ids.invoices[key])

    def still_owed(self, key: str, *documents: str) -> str:
        """What is open on an invoice and these documents of ours together."""
        open_ones = [self.owed(one) for one in (self.ids.invoices[key], *documents)]
        return f"{sum(one.amount for one in open_ones if one):.2f}"

    def can(self, ability: Capability) -> bool:
        """Whether the ledger says that it has it."""
        ledger = self.desk.open_ledger()
        ledger.close()
        return ability in ledger.capabilities

    def owed(self, document_id: str) -> Money | None:
        """What is open on a document; None when it is not in the books or nothing is."""
        ledger = self.desk.open_ledger()
        (invoice,) = ledger.recheck([document_id]).invoices or (None,)
        ledger.close()
        return invoice.outstanding if invoice and invoice.status is DocumentStatus.OPEN else None

    # --- Puntual --------------------------------------------------------------------------------------------------------------

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            self._desk = wiring.desk_of(self.folder, "acme", clock.SystemClock())
            if self.kind == "live":
                self._desk.open_ledger = self.harness.new
            self._connect(self._desk)
        return self._desk

    def _connect(self, desk: Desk) -> None:
        """What `puntual connect` comes to, for a ledger that a person lets us into."""
        if desk.vault is None or desk.vault.access():
            return
        self.harness.new()
        desk.vault.store(self.harness.vault.current(), "eva")  # type: ignore[attr-defined]

    def run(self, number: int, hour: int = 6, *, code: int | None = 0) -> RunReport:
        """A run of that day and hour. `code` is how it has to end; None: in any way."""
        self.go_to(number, hour)
        report = run(self.desk, self.desk.today())
        assert code is None or report.exit_code == code, (
            number,
            report.exit_code,
            report.written,
            report.begun,
            report.credited,
            report.charged,
        )
        return report

    def run_each(self, first: int, last: int) -> None:
        """A run on each of these days."""
        for number in range(first, last + 1):
            self.run(number)

    def lose_nothing(self) -> None:
        """An answer that was to be lost and was not is lost no more."""
        patch.stopall()
        with suppress(UnsupportedFeature):
            self.harness.mend_wire()
        if self.kind == "live":
            self.harness.loses_answer = False  # type: ignore[attr-defined]

    def set_secret(self, name: str, value: str) -> None:
        """What a policy refers to as ${name}."""
        self._env.setenv(name, value)

    def puntual(self, *words: str, code: int = 0) -> str:
        """What a command prints."""
        done = CliRunner().invoke(puntual, [*words, "--dir", str(self.folder)])
        assert "Traceback" not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == code, done.output
        return str(done.output)

    def mails(self, who: str = "") -> list[EmailMessage]:
        """What a customer was sent, the oldest first."""
        files = sorted((self.folder / "outbox").glob("*.eml"))
        found = [message_from_bytes(path.read_bytes(), policy=default) for path in files]
        return [mail for mail in found if f"{who}@run.example" in str(mail["To"])]  # type: ignore[misc]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail, with one kind of space."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\xa0", " ").replace("\u202f", " ")


def flat(mail: EmailMessage) -> str:
    """The text of a mail in one line."""
    return " ".join(text_of(mail).split())


def plain(text: str) -> str:
    """What stands in books, with one kind of space, and without marks of ours."""
    return re.sub(r" ?\[puntual[^]]*\]", "", text.replace("\xa0", " ").replace("\u202f", " "))
