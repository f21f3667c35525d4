"""An export with one invoice a row, foreign column names, US dates, a settled-on date and amount in place of payments and a Yes/No
disputed column, run for real on every day of two years: the file never changes, time does."""

import csv
import os
import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from puntual.core.dunning.facts import ActionKind, Skipped, SkipReason
from puntual.core.history.attempts import Attempt
from puntual.core.worker.clock import FixedClock, noon_of
from puntual.core.worker.run import run
from puntual.core.worker.wiring import desk_of, load_policy

ROWS = int(os.environ.get("PUNTUAL_REPLAY_ROWS", "60"))
FIRST, LAST = date(2012, 1, 2), date(2013, 12, 31)
LADDER = {"reminder": 1, "second": 8, "firm": 22, "final": 30}

POLICY = """\
company: {name: Acme Inc, country: US, locale: en_US, time_zone: America/New_York}
ledger:
  type: files
  folder: books
  currency: USD
  files:
    invoices:
      path: export.csv
      columns: {number: invoiceNumber, customer: customerID, issued_on: InvoiceDate, due_date: DueDate, total: InvoiceAmount,
        disputed: Disputed, settled_on: SettledDate, settled_amount: SettledAmount}
      constants: {email: payables@example.com, language: en}
mail: {from: billing@example.com, signature: {name: Ann}, folder: outbox}
mode: live
go_live: {date: 2012-01-01, old_debt: matching_level}
payment_details: {USD: {account: "123"}}
guard: {max_days_without_payment: 1000}
procedures:
  standard:
    levels:
      - {key: reminder, days: 1, notice: reminder}
      - {key: second, days: 8, notice: second}
      - {key: firm, days: 22, notice: firm}
      - {key: final, days: 30, notice: final}
"""


@dataclass(frozen=True)
class Row:
    number: str
    customer: str
    issued_on: date
    due_date: date
    settled_on: date
    disputed: bool


def us(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def invented(count: int) -> dict[str, Row]:
    chance = random.Random(7)
    rows = {}
    for n in range(count):
        issued = FIRST + timedelta(days=chance.randrange(660))
        settled = issued + timedelta(days=chance.choice([5, 29, 31, 33, 40, 55, 75]))
        customer = f"{chance.randrange(max(count // 8, 1)):04}-ABCDE"
        rows[str(1000 + n)] = Row(str(1000 + n), customer, issued, issued + timedelta(days=30), settled, chance.random() < 0.2)
    return rows


def write(path: Path, rows: dict[str, Row]) -> None:
    path.parent.mkdir(parents=True)
    head = "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,SettledAmount,Paper"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head.split(","))
        for n, row in enumerate(rows.values()):
            disputed = "Yes" if row.disputed else "No"
            amounts = (f"{n + 10}.94", disputed, us(row.settled_on), f"{n + 10}.94")
            writer.writerow(["391", row.customer, us(FIRST), row.number, us(row.issued_on), us(row.due_date), *amounts, "Paper"])


def replayed(folder: Path) -> tuple[dict[date, list[Attempt]], list[Skipped]]:
    """What was sent on each day, and what was dropped at the last look."""
    sent: dict[date, list[Attempt]] = {}
    dropped: list[Skipped] = []
    clock = FixedClock(noon_of(FIRST, "America/New_York"))
    desk = desk_of(folder, "acme", clock, load_policy(folder, "acme"))
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=offset)
        clock.at = noon_of(day, "America/New_York")
        report = run(desk, day, at_any_hour=True, confirmed=True)
        assert report.synced.problems == []
        sent[day] = [attempt for attempt in report.acted.done if attempt.action.kind is ActionKind.NOTICE]
        dropped += report.acted.dropped
    desk.engine.dispose()
    return sent, dropped


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Row], dict[date, list[Attempt]], list[Skipped]]:
    folder = tmp_path_factory.mktemp("replay")
    rows = invented(ROWS)
    write(folder / "books" / "export.csv", rows)
    (folder / "companies").mkdir()
    (folder / "companies" / "acme.yaml").write_text(POLICY, encoding="utf-8")
    return rows, *replayed(folder)


def test_nothing_is_chased_before_it_is_due_after_it_was_settled_or_while_it_is_disputed(story: tuple) -> None:  # type: ignore[type-arg]
    rows, sent, dropped = story
    chased = [(day, rows[entry.item.number]) for day, attempts in sent.items() for attempt in attempts for entry in attempt.action.items]
    assert chased
    assert [(day, row) for day, row in chased if row.settled_on <= day] == []
    assert [(day, row) for day, row in chased if row.disputed] == []
    assert [(day, row) for day, row in chased if day <= row.due_date] == []
    assert [skipped for skipped in dropped if skipped.reason is SkipReason.GONE] == []


def test_no_level_twice_and_never_a_lower_one(story: tuple) -> None:  # type: ignore[type-arg]
    _rows, sent, _dropped = story
    levels: dict[str, list[int]] = {}
    for attempts in sent.values():
        for attempt in attempts:
            for entry in attempt.action.items:
                levels.setdefault(entry.item.id, []).append(LADDER[entry.level_key])
    assert {item: found for item, found in levels.items() if found != sorted(set(found))} == {}
    assert Counter(len(found) for found in levels.values())[1] > 0


def test_every_invoice_that_stayed_open_long_enough_was_chased(story: tuple) -> None:  # type: ignore[type-arg]
    rows, sent, _dropped = story
    chased = {entry.item.number for attempts in sent.values() for attempt in attempts for entry in attempt.action.items}
    long_open = {row.number for row in rows.values() if not row.disputed and (row.settled_on - row.due_date).days > 20}
    assert long_open - chased == set()
