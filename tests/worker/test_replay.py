"""Two years of a foreign export, replayed day by day through real runs: what was sent is counted from the mails, not from our history.

The export is read through the mapping alone: foreign column names, US dates, a settled-on date and amount in place of payments, a Yes/No
column for disputes. PUNTUAL_REPLAY_ROWS makes it longer.
"""

import csv
import email
import email.policy
import os
import random
import re
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

from puntual.core.dunning.facts import ActionKind
from puntual.core.worker.clock import FixedClock, noon_of
from puntual.core.worker.run import run
from puntual.core.worker.wiring import desk_of, load_policy

ROWS = int(os.environ.get("PUNTUAL_REPLAY_ROWS", "150"))
FIRST, LAST = date(2012, 1, 2), date(2013, 12, 31)
HEADER = [
    "countryCode",
    "customerID",
    "PaperlessDate",
    "invoiceNumber",
    "InvoiceDate",
    "DueDate",
    "InvoiceAmount",
    "Disputed",
    "SettledDate",
    "SettledAmount",
    "PaperlessBill",
    "DaysToSettle",
    "DaysLate",
]

POLICY = """
company: {name: Acme Inc., country: US, locale: en_US, time_zone: America/New_York}
ledger:
  type: files
  folder: books
  currency: USD
  files:
    invoices:
      path: receivables.csv
      date_format: MDY
      columns:
        number: invoiceNumber
        customer: customerID
        issued_on: InvoiceDate
        due_date: DueDate
        total: InvoiceAmount
        disputed: Disputed
        settled_on: SettledDate
        settled_amount: SettledAmount
      constants: {email: ap@customers.example}
mail:
  from: Billing <billing@acme.example>
  signature: {name: Jo}
  folder: outbox
mode: live
payment_details: {USD: {account: "123456789", bank: First Bank}}
go_live: {date: 2012-01-02, old_debt: ignore}
guard: {max_share_of_customers: 1, max_days_without_payment: 3650}
procedures:
  standard:
    levels:
      - {key: upcoming, days: -7, notice: before_due}
      - {key: reminder, days: 1, notice: reminder}
      - {key: second, days: 8, notice: second}
      - {key: firm, days: 21, notice: firm, repeat: {every_days: 10, at_most: 2}}
"""


def us(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def write_export(path: Path) -> dict[str, tuple[date, date, bool]]:
    """Rows with the seed of the day; by invoice number: due date, settled date, disputed."""
    chance = random.Random(20120102)
    told: dict[str, tuple[date, date, bool]] = {}
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        for index in range(ROWS):
            issued = FIRST + timedelta(days=chance.randrange((LAST - FIRST).days - 30))
            due = issued + timedelta(days=30)
            late = max(chance.randrange(-25, 60), -28)
            settled, disputed, number = due + timedelta(days=late), chance.random() < 0.2, f"{611365 + index * 7}"
            amount = f"{chance.randrange(500, 12000) / 100:.2f}"
            customer = f"{chance.randrange(1, 1 + ROWS // 8):04d}-ABCDE"
            row = [391, customer, us(issued), number, us(issued), us(due), amount, "Yes" if disputed else "No", us(settled), amount]
            out.writerow([*row, "Paper", (settled - issued).days, max(late, 0)])
            told[number] = (due, settled, disputed)
    return told


def test_two_years_day_by_day(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "companies").mkdir()
    (tmp_path / "companies" / "acme.yaml").write_text(POLICY)
    invoices = write_export(tmp_path / "books" / "receivables.csv")
    policy = load_policy(tmp_path, "acme")
    clock = FixedClock(noon_of(FIRST, "America/New_York"))
    desk = desk_of(tmp_path, "acme", clock, policy)
    heard: dict[str, list[date]] = defaultdict(list)
    levels: set[tuple[str, str, int]] = set()
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=offset)
        clock.at = noon_of(day, "America/New_York")
        report = run(desk, day, at_any_hour=True)
        assert not report.synced.problems
        for attempt in (one for one in report.acted.done if one.action.kind is ActionKind.NOTICE):
            for entry in attempt.action.items:
                due, settled, disputed = invoices[entry.item.number]
                assert settled > day, f"{entry.item.number} was settled on {settled} and chased on {day}"
                assert not disputed
                assert day >= due + timedelta(days=entry.level_days)
                rung = (entry.item.number, entry.level_key, entry.repeat)
                assert rung not in levels
                levels.add(rung)
                heard[entry.item.number].append(day)
    _check_mails(tmp_path / "outbox", heard)
    late = {number for number, (due, settled, disputed) in invoices.items() if (settled - due).days > 10 and not disputed}
    assert late <= heard.keys(), "every invoice that was late was chased"


def _check_mails(outbox: Path, heard: dict[str, list[date]]) -> None:
    """The mails themselves say the same: each number as often as it was chased."""
    counted: dict[str, int] = defaultdict(int)
    for path in outbox.glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
        for number in set(re.findall(r"\b6\d{5}\b", text)):
            counted[number] += 1
    assert counted == {number: len(days) for number, days in heard.items()}
