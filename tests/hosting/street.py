"""A host with several small companies: books in CSV files, mails in folders, a clock that is set by hand, hands that work at once."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from puntual.core.history.database import open_database
from puntual.core.hosting.host import Host
from puntual.core.hosting.jobs import CompanyState, Job
from puntual.core.hosting.roster import Roster
from puntual.core.hosting.work import Ended, Working
from puntual.core.worker.clock import FixedClock
from puntual.core.worker.desk import Desk

MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
POLICY = """\
company: {{name: {name}, country: ES, locale: es_ES, time_zone: {zone}}}
ledger: {{type: files, folder: books/{name}, currency: EUR}}
mail: {{from: cobros@{name}.example, signature: {{name: Marta Soler}}, folder: outbox/{name}}}
mode: live
go_live: {{date: 2026-11-01, old_debt: ignore}}
payment_details: {{EUR: {{iban: ES91 2100 0418 4502 0005 1332}}}}
procedures: {{standard: {{levels: [{{key: reminder, days: 3, notice: reminder}}]}}}}
guard: {{max_days_without_payment: 4000}}
"""
INVOICES = "number,customer,email,issued,due,total,outstanding\n"


class AtOnce:
    """A queue without a queue: what is put is done."""

    def __init__(self, do: Callable[[Job], Ended]) -> None:
        self.do = do
        self.ended: list[Ended] = []

    def put(self, job: Job) -> None:
        self.ended.append(self.do(job))

    def depth(self) -> int:
        return 0

    def close(self, patience: int) -> bool:
        return True


@dataclass
class Street:
    """The host's folder and what works on it. `trouble` is raised when the books of a company are opened."""

    folder: Path
    url: str
    at: datetime = MONDAY
    trouble: dict[str, BaseException] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = FixedClock(self.at)
        self.engine = open_database(self.url)
        self.start()

    def start(self) -> None:
        """A new worker, as after a restart."""
        self.roster = _Troubled(self, self.folder, self.engine, self.clock)
        self.working = Working(self.roster, uuid.uuid4().hex)
        self.queue = AtOnce(self.working.do)
        self.host = Host(self.roster, self.working, self.queue)

    def company(self, name: str, zone: str = "Europe/Madrid", **invoices: tuple[str, str]) -> None:
        """A company whose customers each owe one invoice: number → due date and sum."""
        (self.folder / "companies").mkdir(exist_ok=True)
        (self.folder / "books" / name).mkdir(parents=True, exist_ok=True)
        self.policy(name, POLICY.format(name=name, zone=zone))
        rows = [f"{key},{key} S.L.,{key}@example.com,2026-10-20,{due},{total},{total}\n" for key, (due, total) in invoices.items()]
        (self.folder / "books" / name / "invoices.csv").write_text(INVOICES + "".join(rows), encoding="utf-8")

    def policy(self, name: str, text: str) -> None:
        (self.folder / "companies" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def go(self, **length: int) -> None:
        """Let time pass, with a pulse every ten minutes at most, and everybody looked at as the clock would."""
        end = self.clock.at + timedelta(**length)
        while self.clock.at < end:
            self.clock.at = min(self.clock.at + timedelta(minutes=10), end)
            self.host.pulse()
            for company in self.roster.companies():
                self.host.look_at(company)

    def state(self, name: str) -> CompanyState:
        return self.working.state(name)

    def mails(self, name: str) -> list[str]:
        """The subjects... of the mails that went out, by file."""
        return sorted(path.name for path in (self.folder / "outbox" / name).glob("*.eml"))

    def kinds(self, name: str) -> list[str]:
        """What was done for the company, in its order."""
        return [ended.job.kind.value for ended in self.queue.ended if ended.was_due and ended.job.company == name]


class _Troubled(Roster):
    def __init__(self, street: Street, *more: Any) -> None:
        super().__init__(*more)
        self._street = street

    def desk(self, company: str) -> Desk:
        desk = super().desk(company)
        open_ledger = desk.open_ledger
        if company in self._street.trouble:

            def opened() -> Any:
                if company in self._street.trouble:
                    raise self._street.trouble[company]
                return open_ledger()

            desk.open_ledger = opened
        return desk
