"""The crash table of credits and payments: a real run is killed with SIGKILL at each point, then run again; the books are counted from
outside. Nothing stands there twice, and nothing is lost."""

import csv
import subprocess
import sys
from collections import Counter

import pytest
from history.databases import migrated_database
from history.sample_books import TODAY, eur
from puntual.core.history.credits import credits_with
from puntual.core.history.database import reading, writing
from puntual.core.history.holds import active_holds
from puntual.core.history.told_payments import PaymentStatus, ToldPayment, keep_payment, payment_marker, payments_with
from puntual.core.history.work import waiting_work
from puntual.core.worker.charging import waive
from worker.charge_office import FEE, UNASKED
from worker.office import DAY
from worker.test_crash_table import CHILD, FILES, RUN, Books, verified

CHARGING, CREDITING, DISCOUNTING, RECEIVING = (
    f"puntual.core.worker.{name}" for name in ("charging", "crediting", "discounting", "receiving")
)
POINTS = {
    "the books are read": f"{RUN}:sync:after:1",
    "payments are looked for": f"{FILES}._find_payments:after:1",
    "a payment stands in the books": f"{FILES}._add_payment:after:1",
    "all payments stand in the books": f"{FILES}.put_payments:after:1",
    "a payment is settled, not committed": f"{RECEIVING}:settle_recorded:after:1",
    "payments are settled": f"{RUN}:record_payments:after:1",
    "a discount is judged": f"{DISCOUNTING}:Discounting.judge:after:1",
    "a discount is wanted, not committed": f"{DISCOUNTING}:want_credits:after:1",
    "its invoice is held, not committed": f"{DISCOUNTING}:add_hold:after:1",
    "a discount is claimed": f"{DISCOUNTING}:Discounting.claim:after:1",
    "a charge is taken back, not committed": f"{CHARGING}:take_back:after:1",
    "a charge is taken back": f"{CHARGING}:Charging._record:after:1",
    "credits are looked for": f"{FILES}._find_credits:after:1",
    "a credit stands in the books": f"{FILES}._add_credit:after:1",
    "three credits stand in the books": f"{FILES}._add_credit:after:3",
    "all credits stand in the books": f"{FILES}.put_credits:after:1",
    "a credit is settled, not committed": f"{CREDITING}:settle_credited:after:1",
    "all credits are settled, not committed": f"{CREDITING}:settle_credited:after:4",
    "credits are settled": f"{RUN}:write_credits:after:1",
    "the run is recorded, not committed": f"{RUN}:append:after:1",
}
AGAIN = {
    "payments are looked for again": f"{FILES}._find_payments:after:1",
    "a payment is settled, not committed": f"{RECEIVING}:settle_recorded:after:1",
    "credits are looked for again": f"{FILES}._find_credits:after:1",
    "a credit is settled, not committed": f"{CREDITING}:settle_credited:after:1",
}
PAYING_AGAIN = [AGAIN["payments are looked for again"], AGAIN["a payment is settled, not committed"]]
DISCOUNT = "early_payment_discount: {percent: 2, days: 10}"
YESTERDAY = TODAY - DAY


class Owed(Books):
    """Three customers were charged yesterday: two charges are waived, the payment of the third proves to have been in time. A fourth
    deducted 2 % for paying early, and Stripe told of what two others paid. Nobody is written to."""

    def __init__(self, folder, url, post, child):
        super().__init__(folder, url, post, child)
        path = folder / "companies" / "acme.yaml"
        text = path.read_text(encoding="utf-8").replace(
            "tolerance:", f"late_charges: {{rules: [{FEE}], {UNASKED}}}\n{DISCOUNT}\ntolerance:"
        )
        for days in (1, 8, 15, 22):
            text = text.replace(f", days: {days},", f", days: {days + 300},")
        text = text.replace("folder: books", "folder: books, record_payments: true")
        path.write_text(text, encoding="utf-8")
        people = [f"{key},Talleres {key},{key}@example.com" for key in ("c1", "c2", "c3", "c4", "c5", "c6")]
        self._write("customers", "id,name,email", people)
        rows = [f"F-{n},c{n},2026-03-04,2026-04-03,1000.00,EUR" for n in (1, 2, 3)]
        rows += [f"F-{n},c{n},2026-04-20,2026-06-20,1000.00,EUR" for n in (4, 5, 6)]
        self._write("invoices", "number,customer,issued_on,due_date,total,currency", rows)
        self._pay()
        self._waive(self.run())
        self._pay("P2,c3,2026-04-03,1000.00,EUR,F-3", "P3,c4,2026-04-28,980.00,EUR,F-4")
        self._tell()

    def _pay(self, *paid):
        self._write("payments", "id,customer,paid_on,amount,currency,invoice", [f"P1,c1,{TODAY},1.00,EUR,F-1", *paid])

    def _waive(self, report):
        desk = self.desk()
        for one in report.charged.made:
            if one.number != "F-3":
                waive(desk, one.id, "a good customer", "eva", TODAY)
        desk.engine.dispose()

    def _tell(self):
        desk = self.desk()
        with writing(desk.engine) as conn:
            for number in ("F-5", "F-6"):
                marker = payment_marker("acme", "stripe", number)
                told = ToldPayment("stripe", number, marker, number, f"{number}/1", eur("1000"), YESTERDAY, "plink_1")
                keep_payment(conn, "acme", told, desk.now())
        desk.engine.dispose()

    def in_books(self, name):
        path = self.folder / "books" / f"puntual-{name}.csv"
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
        yield Owed(tmp_path, url, post, child)


def whole(books):
    """All that must be true at the end: each credit and each payment once in the books, nothing held, nothing left for a person."""
    assert (books.run().exit_code, books.mails()) == (0, {})
    credits_made = books.in_books("credits")
    assert (set(credits_made.values()), Counter(amount for _, amount in credits_made)) == ({1}, {"20.00": 1, "15.00": 3})
    assert books.in_books("payments") == Counter({("F-5", "1000.00"): 1, ("F-6", "1000.00"): 1})
    desk = books.desk()
    with reading(desk.engine) as conn:
        assert [one.status.value for one in credits_with(conn, "acme")] == ["made"] * 4
        assert [one.status.value for one in payments_with(conn, "acme", *PaymentStatus)] == ["recorded"] * 2
        assert (active_holds(conn, "acme"), waiting_work(conn, "acme")) == ([], [])
    desk.engine.dispose()
    verified(books)


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_killed_while_it_credits_or_records_the_next_run_leaves_each_once(books, point):
    books.killed_at(point)
    assert books.run().exit_code == 0
    whole(books)


@pytest.mark.parametrize("point", AGAIN.values(), ids=AGAIN)
def test_killed_again_while_it_finds_out_what_became_of_them_each_is_there_once(books, point):
    books.killed_at(POINTS["a payment stands in the books" if point in PAYING_AGAIN else "three credits stand in the books"])
    books.killed_at(point)
    assert books.run().exit_code == 0
    whole(books)
