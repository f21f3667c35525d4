"""Real `puntual worker` processes over one PostgreSQL, killed at random while a bookkeeper is at work, and counted from outside.

By hand, longer: `python -m pytest tests/hosting/test_workers_killed.py -s` with PUNTUAL_KILLING="workers=3 companies=12 kills=150 seed=7".
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from threading import Event, Lock
from typing import Any

import psycopg
from click.testing import CliRunner
from harness import Books
from odoo.stub_harness import API_KEY, CHARGE_ACCOUNT, StubHarness
from puntual.core.cli.main import puntual
from puntual.core.history.database import open_database, reading, writing
from puntual.core.history.hosting import ensure_states
from puntual.core.history.hosting_tables import company_states
from puntual.core.history.tables import attempt_items, attempts, companies
from puntual.core.history.work import waiting_work
from puntual.core.worker.clock import SystemClock, local_now
from sqlalchemy import select, update
from suite.sample import a_customer, a_payment, an_invoice, eur
from worker.office import PostOffice

WORKER = """\
from datetime import timedelta
from puntual.core.hosting import shared_queue, ticking
shared_queue._HEARTBEAT_SECONDS, shared_queue._DEAD_AFTER_SECONDS = 1, 5
ticking.PULSE = timedelta(seconds=1)
from puntual.core.cli.main import main
main()
"""
"""The command, in less of a hurry to die: who is dead is known after five seconds and not after a minute."""
POLICY = """\
company: {{name: "Company {name}", country: ES, locale: es_ES, time_zone: {zone}}}
ledger: {{type: odoo, url: "{url}", database: puntual, login: bot@example.com, api_key: "${{KILLED_KEY}}", charge_account: "{account}"}}
mail:
  from: Cobros <cobros@{name}.example>
  signature: {{name: Marta Soler}}
  attach_invoice_pdf: false
  smtp: {{host: 127.0.0.1, port: {port}, security: none, timeout_seconds: 20}}
mode: live
go_live: {{date: {go_live}, old_debt: ignore}}
schedule: {{run_at: ["{run_at}"]}}
sending: {{days: [mon, tue, wed, thu, fri, sat, sun], skip_public_holidays: false, earliest: "00:00", latest: "23:59"}}
payment_details: {{EUR: {{iban: ES9121000418450200051332}}}}
guard: {{max_days_without_payment: 366, max_share_of_customers: 1}}
procedures: {{standard: {{levels: [{{key: reminder, days: 1, notice: reminder}}]}}}}
late_charges: {{rules: [{{key: fee, kind: flat_fee, amount: {{EUR: 15}}}}], announce: false, approval: false, placement: document,
  from_days: 1, tax: {{late_fee: none}}}}
"""
NUMBER = re.compile(r"\bINV/\d{4}/\d+")
PATIENCE_SECONDS = 100


class SlowPost(PostOffice):
    """Takes its time over each mail, so that many a death falls in between. `arrived` tells whose invoices a mail is about."""

    def __init__(self, arrived: Any) -> None:
        super().__init__()
        self._arrived = arrived

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        reply = await super().handle_DATA(server, session, envelope)
        mail = self.mails[-1]
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        company = str(mail["From"].addresses[0].domain).removesuffix(".example")
        self._arrived(company, sorted(set(NUMBER.findall(text))))
        await asyncio.sleep(0.04)
        return reply


class LiveBooks(StubHarness):
    """A company's books today, on the machine's clock."""

    def __init__(self, today: date) -> None:
        super().__init__()
        self.today = today
        self.owed: dict[str, str] = {}
        self.paid: set[str] = set()

    def now(self) -> Any:
        return SystemClock().now()


@dataclass
class Counts:
    """What is seen from outside when all is calm. `wrong` is what must not be, in words."""

    figures: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    exits: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def must(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)


class Killing:
    """A place with companies, their books and workers. All that is random comes from `seed`."""

    def __init__(self, folder: Path, url: str, workers: int, companies: int, seed: int) -> None:
        self.folder, self.url, self.random = folder, url, Random(seed)
        self.events: list[tuple[str, str, Any]] = []
        self.counts = Counts()
        self._lock, self._never = Lock(), Event()
        self.post = SlowPost(lambda company, numbers: self.note("mail", company, tuple(numbers)))
        self.post.open()
        self.env = {**os.environ, "PUNTUAL_DATABASE": url, "KILLED_KEY": API_KEY}
        self.zone = f"Etc/GMT{SystemClock().now().hour - 12:+d}"  # it is noon there
        self.today = local_now(SystemClock(), self.zone).date()
        self.engine = open_database(url)
        self.books = {f"c{number:02}": self._founded(f"c{number:02}") for number in range(companies)}
        with writing(self.engine) as conn:
            ensure_states(conn, self.books, SystemClock().now() - timedelta(hours=1))
        (folder / "puntual.yaml").write_text("queue: postgresql\njitter_minutes: 0\nthreads: 3\n", encoding="utf-8")
        self.workers: list[subprocess.Popen[bytes]] = []
        self.logs: dict[int, Path] = {}
        self._wanted = workers

    # --- what is there --------------------------------------------------------------------------------------------------------

    def note(self, *event: Any) -> None:
        with self._lock:
            self.events.append(event)

    def _founded(self, name: str) -> LiveBooks:
        books = LiveBooks(self.today)
        respond = books.server.respond

        def heard(request: Any) -> Any:
            self._hear(name, json.loads(request.get_data() or "{}"))
            self._never.wait(0.01)
            return respond(request)

        books.server.respond = heard  # type: ignore[method-assign]
        passed = local_now(SystemClock(), self.zone) - timedelta(minutes=5)
        facts = {
            "account": CHARGE_ACCOUNT,
            "port": self.post.port,
            "go_live": self.today - timedelta(days=300),
            "run_at": f"{passed:%H:%M}",
        }
        (self.folder / "companies").mkdir(exist_ok=True)
        text = POLICY.format(name=name, zone=self.zone, url=books.server.url, **facts)
        (self.folder / "companies" / f"{name}.yaml").write_text(text, encoding="utf-8")
        earlier = a_payment("earlier", "1.00", customer="other", unapplied="1.00", on=self.today - timedelta(days=1))
        books.seed(Books(customers=(a_customer("other", name="Somebody else"),), payments=(earlier,)))
        self.owe(books, 12)
        return books

    def _hear(self, name: str, asked: dict[str, Any]) -> None:
        """Note which invoices are looked at by their ids, as the last look before a mail does."""
        arguments = asked.get("params", {}).get("args", [])
        if arguments[3:4] == ["account.move"] and arguments[4] in ("read", "search_read"):
            self.note("asked", name, frozenset(_numbers_in(arguments[5:])))

    def owe(self, books: LiveBooks, customers: int) -> None:
        """So many new customers, each with one or two invoices that were due three days ago."""
        due = self.today - timedelta(days=3)
        for _ in range(customers):
            who = f"k{len(books.owed)}"
            keys = [f"{who}i{number}" for number in range(self.random.choice((1, 1, 2)))]
            owed = tuple(an_invoice(key, "100.00", customer=who, due=due) for key in keys)
            ids = books.seed(Books(customers=(a_customer(who, name=f"Talleres {who}", language="es"),), invoices=owed))
            books.owed |= {ids.invoices[key]: ids.numbers[key] for key in keys}

    def pay(self) -> None:
        """Somebody's invoice is paid; what is noted is that it was."""
        name, books = self.random.choice(list(self.books.items()))
        left = sorted(books.owed.keys() - books.paid)
        if left and len(books.paid) * 3 < len(books.owed):
            invoice = self.random.choice(left)
            books.pay(invoice, eur("100.00"), self.today)
            books.paid.add(invoice)
            self.note("paid", name, int(invoice))

    def due_again(self, *, since: Any = None) -> None:
        """The next time of day has come for everybody, and whoever had to wait has waited. With `since` only for whom no run ended well
        after it, and only the waiting is over."""
        now, c = SystemClock().now(), company_states.c
        with writing(self.engine) as conn:
            if since is None:
                conn.execute(update(company_states).values(run_done_for=None, not_before=now))
            else:
                late = (c.not_before > now, c.trouble.in_(("deaths", "later")))
                self.counts.figures["waits cut short"] += conn.execute(update(company_states).where(*late).values(not_before=now)).rowcount

    # --- workers --------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """As many workers as there should be."""
        self.workers = [one for one in self.workers if one.poll() is None]
        while len(self.workers) < self._wanted:
            self.counts.figures["workers started"] += 1
            path = self.folder / f"{self.counts.figures['workers started']:04}.log"
            with path.open("wb") as log:
                words = [sys.executable, "-c", WORKER, "worker", "--dir", str(self.folder)]
                self.workers.append(subprocess.Popen(words, stdout=log, stderr=log, env=self.env, cwd=self.folder))
            self.logs[self.workers[-1].pid] = path

    def kill_one(self) -> None:
        """SIGKILL for one at random, most of the time one that is at work already. It is waited for, as its supervisor would."""
        up = [one for one in self.workers if b"worker started" in self.logs[one.pid].read_bytes()]
        victim = self.random.choice(up if up and self.random.random() < 0.9 else self.workers)
        self.counts.must(victim.poll() is None, f"a worker ended by itself with {victim.returncode}")
        victim.kill()
        victim.wait()
        self.counts.figures.update({"kills": 1, "kills of one that was up": victim in up})

    def kill(self, times: int) -> None:
        """Kill and start again, while the bookkeeper works and new invoices fall due."""
        self.start()
        while self.counts.figures["kills"] < times:
            for _ in range(self.random.randint(4, 9)):
                self._never.wait(0.25)
                self.pay()
            if self._at_work() or self.random.random() < 0.2:
                self.kill_one()
                self.start()
                self.owe(self.random.choice(list(self.books.values())), self.random.randint(0, 4))
                self.due_again()

    def _at_work(self) -> bool:
        with reading(self.engine) as conn:
            found = conn.execute(select(company_states.c.company).where(company_states.c.began_kind != "")).all()
        return bool(found)

    def settle(self) -> None:
        """No more kills: everybody runs once more, then the workers are asked to end."""
        began = SystemClock().now()
        self.due_again()
        while not self._settled(began):
            assert SystemClock().now() - began < timedelta(seconds=PATIENCE_SECONDS), self._who_is_not_done(began)
            self._never.wait(1)
            self.due_again(since=began)
        self.counts.figures["seconds to settle"] = int((SystemClock().now() - began).total_seconds())
        for one in self.workers:
            one.send_signal(signal.SIGTERM)
        self.counts.exits = [one.wait(40) for one in self.workers]

    def _who_is_not_done(self, began: Any) -> list[Any]:
        with reading(self.engine) as conn:
            rows = conn.execute(select(company_states)).all()
        return [dict(row._mapping) for row in rows if row.ran_ok_at is None or row.ran_ok_at < began or row.began_kind or row.trouble]

    def _settled(self, began: Any) -> bool:
        return not self._who_is_not_done(began)

    def close(self) -> None:
        for one in self.workers:
            with suppress(ProcessLookupError):
                one.kill()
            one.wait()
        self.post.close()
        for books in self.books.values():
            books.close()
        self.engine.dispose()

    # --- counted from outside -------------------------------------------------------------------------------------------------

    def count(self) -> Counts:
        """Look at everything."""
        self.counts.must(all(code == 0 for code in self.counts.exits), f"exit codes {self.counts.exits}")
        mails = Counter((company, number) for kind, company, numbers in self.events if kind == "mail" for number in numbers)
        for name, books in self.books.items():
            self._count_company(name, books, mails)
        self._count_order()
        self._count_logs()
        self._count_leases()
        return self.counts

    def _count_company(self, name: str, books: LiveBooks, mails: Counter[tuple[str, str]]) -> None:
        counts, figures = self.counts, self.counts.figures
        unknown, sent = self._attempted(name)
        for invoice, number in books.owed.items():
            got, paid = mails[name, number], invoice in books.paid
            notes, charges = len(books.notes(invoice)), len(books.charges(invoice))
            figures.update({"invoices": 1, "paid": paid, "mails×invoices": got, "notes": notes, "charges": charges})
            figures.update({"unknown": invoice in unknown, "unknown and arrived": invoice in unknown and got > 0})
            counts.must(got <= 1, f"{name} {number}: {got} mails")
            counts.must(got == 1 or paid or invoice in unknown, f"{name} {number}: not paid and never written to")
            counts.must(got == (invoice in sent) or invoice in unknown, f"{name} {number}: {got} mails, and the history says otherwise")
            counts.must(notes == (invoice in sent), f"{name} {number}: {notes} notes, sent: {invoice in sent}")
            counts.must(charges == 1 or (paid and not charges), f"{name} {number}: {charges} charges")
        said = CliRunner().invoke(
            puntual, ["verify", name, "--dir", str(self.folder)], env={"PUNTUAL_DATABASE": self.url, "KILLED_KEY": API_KEY}
        )
        counts.must(said.exit_code == 0 and "whole" in said.output, f"{name}: {said.output}")
        counts.must(not books.server.mistakes, f"{name}: the stand-in went wrong")

    def _attempted(self, name: str) -> tuple[set[str], set[str]]:
        """The invoices of attempts nobody knows the end of, each of which must be on the work list, and those of mails that were sent."""
        a, i = attempts.c, attempt_items.c
        kept = (a.company == i.company) & (a.attempt_id == i.attempt_id) & i.claim_key.is_not(None)
        joined = select(a.attempt_id, a.status, i.invoice_id).join(attempt_items, kept)
        with reading(self.engine) as conn:
            rows = conn.execute(joined.where(a.company == name, a.kind == "notice")).all()
            listed = {work.id for work in waiting_work(conn, name) if work.kind == "unknown"}
        for row in rows:
            self.counts.must(row.status != "unknown" or row.attempt_id[:12] in listed, f"{name}: {row.attempt_id} is not on the work list")
            self.counts.must(row.status not in ("claimed", "sending"), f"{name}: an attempt is still {row.status}")
        return {row.invoice_id for row in rows if row.status == "unknown"}, {
            row.invoice_id for row in rows if row.status in ("sent", "queued")
        }

    def _count_order(self) -> None:
        """No mail for what had been paid before it was looked at the last time."""
        ids = {(name, number): int(invoice) for name, books in self.books.items() for invoice, number in books.owed.items()}
        paid_at: dict[tuple[str, int], int] = {}
        asked_at: dict[tuple[str, int], int] = {}
        for at, (kind, company, what) in enumerate(self.events):
            if kind == "paid":
                paid_at[company, what] = at
            elif kind == "asked":
                asked_at |= {(company, one): at for one in what}
            else:
                self.counts.figures["mails"] += 1
                for number in (number for number in what if (company, number) in ids):  # the others are documents of ours
                    key = (company, ids[company, number])
                    looked, paid = asked_at.get(key), paid_at.get(key)
                    self.counts.must(looked is not None, f"{company} {number}: a mail without a look at the books")
                    self.counts.must(
                        paid is None or looked is None or looked < paid, f"{company} {number}: paid, looked at, and written to"
                    )
                    self.counts.figures["paid between the look and the mail"] += paid is not None

    def _count_logs(self) -> None:
        for path in sorted(self.folder.glob("*.log")):
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    told = json.loads(line)
                except ValueError:
                    self.counts.endings[f"not JSON: {line[:150]}"] += 1
                    continue
                words = [told["event"], told.get("job"), told.get("ending"), told.get("why"), told.get("error"), told.get("level")]
                if told["event"] not in ("policy read", "worker started", "company gone"):
                    self.counts.endings[" | ".join(re.sub(r"\b[\w-]+:\d+|\bc\d\d\b", "…", str(word)) for word in words if word)] += 1
                self.counts.must(told["event"] != "mistake", f"{path.name}: {line}")

    def _count_leases(self) -> None:
        with reading(self.engine) as conn:
            held = conn.execute(select(companies.c.company).where(companies.c.run_id != "")).all()
        with psycopg.connect("postgresql" + self.url[self.url.index(":") :]) as conn:
            at_work = conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'").fetchone()
        self.counts.must(not held, f"leases left: {held}")
        self.counts.must(at_work == (0,), f"jobs left that nobody does: {at_work}")


def _numbers_in(asked: Any) -> Iterator[int]:
    if isinstance(asked, list) and asked and all(type(one) is int for one in asked):
        yield from asked
    elif isinstance(asked, list | dict):
        for one in asked.values() if isinstance(asked, dict) else asked:
            yield from _numbers_in(one)


@contextmanager
def killing(folder: Path, url: str, workers: int, companies: int, seed: int) -> Iterator[Killing]:
    """A place for it, cleared up afterwards."""
    made = Killing(folder, url, workers, companies, seed)
    try:
        yield made
    finally:
        made.close()


def told(counts: Counts) -> Sequence[str]:
    """The counts as lines."""
    figures = [f"{name}: {number}" for name, number in sorted(counts.figures.items())]
    return [
        *figures,
        f"exit codes: {counts.exits}",
        *(f"log {number} × {what}" for what, number in counts.endings.most_common()),
        *counts.wrong,
    ]
