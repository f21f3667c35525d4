"""The crash table of the design: a real run is killed with SIGKILL after every row, then run again, and counted from outside: mails in
a post office that outlives the run, notes and tasks in the files of the books, and what the history says of itself."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from history.databases import migrated_database
from history.sample_books import POLICY, TODAY
from puntual.core.cli.main import puntual
from puntual.core.history.database import reading
from puntual.core.history.tables import attempt_items, attempts
from puntual.core.history.work import count_waiting, waiting_work
from puntual.core.worker import people
from puntual.core.worker.clock import FixedClock, noon_of
from puntual.core.worker.run import run
from puntual.core.worker.wiring import desk_of
from sqlalchemy import select
from worker.office import SMTP

CHILD = Path(__file__).parent / "crash_child.py"
SYNC, RUN, ACT, WRITE = (f"puntual.core.worker.{name}" for name in ("sync", "run", "act", "write_back"))
SMTP_DELIVER, FILES = "puntual.core.channels.smtp:SmtpTransport.deliver", "puntual.connectors.files.connector:FilesConnector"

BEFORE_ANYTHING_IS_SENT = {
    "a page is stored, not committed": f"{SYNC}:store_page:after:1",
    "the first page is stored": f"{SYNC}:_store:after:1",
    "the books are read": f"{RUN}:sync:after:1",
    "the plan is made": f"{RUN}:plan_of:after:1",
    "the guard has spoken": f"{RUN}:_guard:after:1",
    "claimed, not committed": f"{ACT}:claim:after:1",
    "claimed": f"{ACT}:Acting._claim:after:1",
    "narrowed, not committed": f"{ACT}:narrow:after:2",
    "rechecked": f"{ACT}:Acting._recheck:after:1",
    "a task is on the list": f"{ACT}:Acting._task:after:1",
    "rendered": f"{ACT}:Acting._made:after:1",
    "begun, not committed": f"{ACT}:begin:after:1",
}
WHILE_A_MAIL_IS_SENT = {
    "begun": f"{SMTP_DELIVER}:before:1",
    "sent": f"{SMTP_DELIVER}:after:1",
    "settled, not committed": f"{ACT}:settle:after:2",
    "the note is queued, not committed": f"{ACT}:queue_notes:after:1",
    "the next is begun, not committed": f"{ACT}:begin:after:2",
    "settled, and the next is begun": f"{SMTP_DELIVER}:before:2",
    "the last is sent": f"{SMTP_DELIVER}:after:3",
}
AFTER_EVERYTHING_IS_SENT = {
    "everything is settled": f"{RUN}:write_back:before:1",
    "notes are written in the books, not recorded": f"{FILES}._add_notes:after:1",
    "notes are recorded, not committed": f"{WRITE}:note_written:after:1",
    "notes are recorded": f"{WRITE}:_record:after:1",
    "tasks are written in the books, not recorded": f"{FILES}._add_tasks:after:1",
    "the run is recorded, not committed": f"{RUN}:append:after:1",
}
BY_PHONE = """customers:
  - {match: {ids: [c4]}, procedure: by_phone}
procedures:
  by_phone: {levels: [{key: call, days: 15, channel: call}]}
"""
OWING = {"c1": ["F-1", "F-2"], "c2": ["F-3"], "c3": ["F-4"]}


class Books:
    """A company in a folder: books as CSV, its policy, and a post office."""

    def __init__(self, folder, url, post, child):
        self.folder, self.url, self.post, self.child = folder, url, post, child
        (folder / "companies").mkdir()
        text = POLICY.replace("folder: outbox", SMTP.replace("PORT", str(post.port))).replace("procedures:\n", BY_PHONE)
        (folder / "companies" / "acme.yaml").write_text(text, encoding="utf-8")
        self._write("customers", "id,name,email", [f"{key},Talleres {key},{key}@example.com" for key in ("c1", "c2", "c3", "c4")])
        due = [(1, "c1", 11), (2, "c1", 10), (3, "c2", 12), (4, "c3", 9), (5, "c4", -26)]
        rows = [f"F-{n},{owner},2026-03-20,{TODAY.replace(month=4 if days < 0 else 5, day=abs(days))},100.00,EUR" for n, owner, days in due]
        self._write("invoices", "number,customer,issued_on,due_date,total,currency", rows)
        self._write("payments", "id,customer,paid_on,amount,currency", [f"P1,c4,{TODAY},1.00,EUR"])

    def _write(self, name, header, rows):
        (self.folder / "books").mkdir(exist_ok=True)
        (self.folder / "books" / f"{name}.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")

    def desk(self):
        return desk_of(self.folder, "acme", FixedClock(noon_of(TODAY, "Europe/Madrid")))

    def run(self):
        desk = self.desk()
        report = run(desk, TODAY)
        desk.engine.dispose()
        return report

    def killed_at(self, point):
        self.child.stdin.write(json.dumps([str(self.folder), TODAY.isoformat(), self.url, point]) + "\n")
        self.child.stdin.flush()
        assert self.child.stdout.readline() == "-9\n", point

    def mails(self):
        return Counter(address.partition("@")[0] for address in self.post.to())

    def noted(self, name="notes"):
        path = self.folder / "books" / f"puntual-{name}.csv"
        with path.open(encoding="utf-8-sig", newline="") as file:
            return Counter(row["invoice"] for row in csv.DictReader(file))

    def unknown(self):
        """Attempts of unknown end: by id, the customer."""
        query = select(attempts.c.attempt_id, attempts.c.customer_id).where(attempts.c.status == "unknown")
        desk = self.desk()
        with reading(desk.engine) as conn:
            found = {row.attempt_id: row.customer_id for row in conn.execute(query)}
            on_list = {work.id for work in waiting_work(conn, "acme") if work.kind == "unknown"}
            unsettled = conn.execute(select(attempts.c.status).where(attempts.c.status.in_(["claimed", "sending"]))).all()
        desk.engine.dispose()
        assert (on_list, unsettled) == ({key[:12] for key in found}, [])
        return found

    def resolve(self, attempt, was_sent):
        desk = self.desk()
        people.resolve(desk, attempt, was_sent, "eva", TODAY)
        desk.engine.dispose()


@pytest.fixture(scope="module")
def child():
    with subprocess.Popen([sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request, tmp_path, post, child, monkeypatch):
    with migrated_database(request.param, tmp_path) as url:
        monkeypatch.setenv("PUNTUAL_DATABASE", url)
        yield Books(tmp_path, url, post, child)


def whole(books):
    """All that must be true at the end, whatever was killed: each customer one mail, each invoice one note, each call one task."""
    assert books.mails() == dict.fromkeys(OWING, 1)
    assert books.noted() == Counter(number for numbers in OWING.values() for number in numbers)
    assert books.noted("tasks") == {"F-5": 1}
    desk = books.desk()
    with reading(desk.engine) as conn:
        keys = conn.execute(select(attempt_items.c.claim_key).where(attempt_items.c.claim_key.is_not(None))).scalars().all()
        assert len(keys) == len(set(keys)) == 5
        assert count_waiting(conn, "acme") == 0
        assert [work.kind for work in waiting_work(conn, "acme")] == ["call"]
    desk.engine.dispose()
    verified(books)


def verified(books):
    """The audit trail is whole."""
    said = CliRunner().invoke(puntual, ["verify", "acme", "--dir", str(books.folder)])
    assert (said.exit_code, "is whole" in said.output) == (0, True)


@pytest.mark.parametrize("point", BEFORE_ANYTHING_IS_SENT.values(), ids=BEFORE_ANYTHING_IS_SENT)
def test_killed_before_anything_is_sent_the_next_run_does_it_all_once(books, point):
    books.killed_at(point)
    assert books.mails() == {}
    assert (books.run().exit_code, books.unknown(), books.run().plan.actions) == (0, {}, ())
    whole(books)


@pytest.mark.parametrize("point", WHILE_A_MAIL_IS_SENT.values(), ids=WHILE_A_MAIL_IS_SENT)
def test_killed_while_a_mail_is_sent_that_one_is_never_sent_again_and_a_person_says_what_became_of_it(books, point):
    books.killed_at(point)
    sent_before = books.mails()
    assert books.run().exit_code == 1
    (attempt, owner), *others = books.unknown().items()
    assert (others, books.mails()[owner], books.run().plan.actions) == ([], sent_before[owner], ())
    assert books.mails() == {key: 1 for key in OWING if key != owner or sent_before[owner]}
    books.resolve(attempt, was_sent=bool(sent_before[owner]))
    books.run()
    whole(books)


@pytest.mark.parametrize("point", AFTER_EVERYTHING_IS_SENT.values(), ids=AFTER_EVERYTHING_IS_SENT)
def test_killed_after_everything_is_sent_the_notes_follow_once(books, point):
    books.killed_at(point)
    assert books.mails() == dict.fromkeys(OWING, 1)
    assert (books.run().exit_code, books.unknown(), books.run().plan.actions) == (0, {}, ())
    whole(books)
