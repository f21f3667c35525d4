"""The crash table of charging: a real run is killed with SIGKILL at each point, then run again; the books are counted from outside."""

import csv
import subprocess
import sys
from collections import Counter

import pytest
from history.databases import migrated_database
from puntual.core.history.charges import charges_with
from puntual.core.history.database import reading
from puntual.core.history.tables import late_charges
from puntual.core.history.work import waiting_work
from sqlalchemy import func, select
from worker.charge_office import AGREED, FEE, UNASKED
from worker.test_crash_table import CHILD, FILES, RUN, Books, verified

CHARGING, WRITING = (f"puntual.core.worker.{name}" for name in ("charging", "charge_writing"))
POINTS = {
    "judged": f"{CHARGING}:Charging.judge:after:1",
    "the guard has spoken": f"{RUN}:_guard:after:1",
    "decided, not committed": f"{CHARGING}:decide:after:1",
    "when to look again is stored, not committed": f"{CHARGING}:look_again:after:1",
    "decided": f"{CHARGING}:take_approvals:before:1",
    "recorded": f"{CHARGING}:Charging._record:after:1",
    "begun, not committed": f"{WRITING}:begin_writing:after:2",
    "begun": f"{FILES}.put_charges:before:1",
    "looked for": f"{FILES}._find_charges:after:1",
    "one stands in the books": f"{FILES}._add_charge:after:1",
    "three stand in the books": f"{FILES}._add_charge:after:3",
    "all stand in the books": f"{FILES}.put_charges:after:1",
    "one is settled, not committed": f"{WRITING}:settle_made:after:1",
    "all are settled, not committed": f"{WRITING}:settle_made:after:6",
    "all are settled": f"{CHARGING}:write_charges:after:1",
    "the run is recorded, not committed": f"{RUN}:append:after:1",
}
AGAIN = {
    "they are found": f"{FILES}.find_charges:after:1",
    "one is settled, not committed": f"{WRITING}:settle_made:after:1",
    "one is free again, not committed": f"{WRITING}:free_writing:after:1",
    "they are known": f"{CHARGING}:look_up:after:1",
    "the rest is begun": f"{FILES}.put_charges:before:1",
    "the rest stands in the books": f"{FILES}.put_charges:after:1",
}
OWED = Counter({(number, amount): 1 for number in ("F-1", "F-2", "F-3") for amount in ("15.00", "9.86")})


class Charged(Books):
    """The company in a folder: three customers owe 1000 each for forty days, and nobody is written to."""

    def __init__(self, folder, url, post, child):
        super().__init__(folder, url, post, child)
        path = folder / "companies" / "acme.yaml"
        text = path.read_text(encoding="utf-8").replace("tolerance:", f"late_charges: {{rules: [{AGREED}, {FEE}], {UNASKED}}}\ntolerance:")
        for days in (1, 8, 15, 22):
            text = text.replace(f", days: {days},", f", days: {days + 300},")
        path.write_text(text, encoding="utf-8")
        rows = [f"F-{n},c{n},2026-03-04,2026-04-03,1000.00,EUR" for n in (1, 2, 3)]
        self._write("invoices", "number,customer,issued_on,due_date,total,currency", rows)

    def in_books(self):
        path = self.folder / "books" / "puntual-charges.csv"
        if not path.exists():
            return Counter()
        with path.open(encoding="utf-8-sig", newline="") as file:
            return Counter((row["invoice"], row["amount"]) for row in csv.DictReader(file))


@pytest.fixture(scope="module")
def child():
    with subprocess.Popen([sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request, tmp_path, post, child, monkeypatch):
    with migrated_database(request.param, tmp_path) as url:
        monkeypatch.setenv("PUNTUAL_DATABASE", url)
        yield Charged(tmp_path, url, post, child)


def whole(books):
    """All that must be true at the end: each charge once in the books, known by its number, nothing left for a person."""
    assert (books.run().exit_code, books.in_books(), books.mails()) == (0, OWED, {})
    desk = books.desk()
    with reading(desk.engine) as conn:
        kept = charges_with(conn, "acme")
        markers = conn.execute(select(func.count(late_charges.c.marker.distinct()))).scalar_one()
        assert (Counter((one.number, str(one.amount.amount)) for one in kept), markers) == (OWED, 6)
        assert {one.status.value for one in kept} == {"made"}
        assert len({one.document_number for one in kept}) == 6
        assert waiting_work(conn, "acme") == []
    desk.engine.dispose()
    verified(books)


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_killed_while_it_charges_the_next_run_leaves_each_charge_once(books, point):
    books.killed_at(point)
    assert books.run().exit_code == 0
    whole(books)


@pytest.mark.parametrize("point", AGAIN.values(), ids=AGAIN)
def test_killed_again_while_it_finds_out_what_became_of_them_each_is_there_once(books, point):
    books.killed_at(POINTS["three stand in the books"])
    assert sum(books.in_books().values()) == 3
    books.killed_at(point)
    assert books.run().exit_code == 0
    whole(books)
