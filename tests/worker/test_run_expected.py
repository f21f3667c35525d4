"""What was promised stands in the books as the day of expected payment: once, as long as it holds, and never in place of a person's day."""

import pytest
from history.sample_books import COMPANY, TODAY
from puntual.core.dunning.facts import HoldKind
from puntual.core.errors import LedgerUnavailable, UnexpectedResponse
from puntual.core.history.database import reading
from puntual.core.history.expected import told_days
from puntual.core.history.work import waiting_work
from puntual.core.port import Capability
from puntual.core.receivables import DocumentStatus
from puntual.core.worker import lease, people, write_back
from puntual.core.worker.sync import sync
from sqlalchemy import event
from worker.office import DAY

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
FRIDAY, MONDAY = TODAY + 2 * DAY, TODAY + 5 * DAY


def promise(office, until=FRIDAY, invoice="F-i1", owner=""):
    """The books are read, and a customer names a day."""
    sync(office.desk(), office.desk().open_ledger(), TODAY)
    return people.hold(office.desk(), HoldKind.PROMISE, invoice, owner, "by phone", until, "eva", TODAY)[1]


def release(office, promised):
    people.release(office.desk(), "", "", promised.id, "withdrawn", "eva", TODAY)


def told(office):
    """What we asked for since the last look, by invoice."""
    days, office.books.told_days = {one.invoice_id: one.expected_on for one in office.books.told_days}, []
    return days


def to_do(office):
    with reading(office.engine) as conn:
        return [work.summary for work in waiting_work(conn, COMPANY)]


@BOTH
def test_a_promise_is_shown_once_and_follows_what_is_said_later(office):
    office.books.owe("i1")
    office.books.owe("i2", "c2", late=-3)
    first = promise(office)
    report = office.run()
    assert (report.written.expected, report.exit_code, office.books.expected, told(office)) == (1, 0, {"i1": FRIDAY}, {"i1": FRIDAY})
    assert (office.run().written.expected, told(office)) == (0, {})
    second = promise(office, MONDAY)
    assert (office.run().written.expected, office.books.expected) == (1, {"i1": MONDAY})
    release(office, second)
    assert (office.run().written.expected, office.books.expected) == (1, {"i1": FRIDAY})
    release(office, first)
    assert (office.run().written.expected, office.run().written.expected, office.books.expected) == (1, 0, {})
    with reading(office.engine) as conn:
        assert told_days(conn, COMPANY) == {}


def test_a_promise_for_everything_is_about_each_invoice_that_is_due_by_then_those_that_come_later_too(office):
    office.books.owe("i1")
    office.books.owe("i2", late=-2)
    office.books.owe("i3", late=-3)
    office.books.owe("i4", "c2")
    promise(office, FRIDAY, "", "c1")
    office.run()
    assert told(office) == {"i1": FRIDAY, "i2": FRIDAY}
    office.books.owe("i5")
    office.books.owe("i3", late=-1)
    office.run()
    assert told(office) == {"i3": FRIDAY, "i5": FRIDAY}


def test_a_promise_that_is_kept_leaves_the_paid_invoice_alone_and_takes_the_day_from_what_was_not_meant(office):
    office.books.owe("i1")
    office.books.owe("i2", late=-20, is_late_charge=True)
    office.books.owe("i3", late=0, is_late_charge=True)
    promise(office, FRIDAY, "", "c1")
    office.run()
    assert told(office) == {"i1": FRIDAY, "i3": FRIDAY}
    office.books.pay("i1")
    assert office.run(TODAY + DAY).synced.kept_promises == 1
    assert told(office) == {"i3": None}
    with reading(office.engine) as conn:
        assert told_days(conn, COMPANY) == {}


def test_the_day_of_a_broken_promise_goes_with_the_notice_that_says_so(office):
    office.books.owe("i1")
    promise(office, TODAY + DAY)
    office.run()
    office.books.last_bank_entry_on = TODAY + 5 * DAY
    assert (office.run(TODAY + 2 * DAY).written.expected, office.books.expected) == (0, {"i1": TODAY + DAY})
    report = office.run(TODAY + 5 * DAY)
    assert (len(office.post.mails), report.written.expected, office.books.expected) == (1, 1, {})


@pytest.mark.parametrize("gone", [lambda books: books.change("i1", status=DocumentStatus.VOID), lambda books: books.pay("i1")])
def test_what_is_no_longer_owed_is_not_written_to(office, gone):
    office.books.owe("i1")
    promised = promise(office)
    office.run()
    gone(office.books)
    office.run()
    with reading(office.engine) as conn:
        assert told_days(conn, COMPANY) == {}
    told(office)
    try:
        release(office, promised)
    except people.NotFound:
        assert office.books.invoices["i1"].status is DocumentStatus.PAID
    office.run()
    assert told(office) == {}


def test_a_day_that_a_person_put_there_is_never_taken_away(office):
    office.books.owe("i1")
    office.books.owe("i2")
    office.books.expected = {"i2": MONDAY}
    promised = promise(office)
    office.run()
    office.books.expected["i1"] = MONDAY + DAY
    release(office, promised)
    assert (office.run().exit_code, office.books.expected) == (0, {"i1": MONDAY + DAY, "i2": MONDAY})
    assert (told(office).keys(), office.run().written.expected) == ({"i1"}, 0)


def test_a_day_that_the_books_refuse_goes_to_a_person_once_and_is_tried_again_when_it_is_another(office):
    office.books.owe("i1")
    office.books.owe("i2", "c2")
    office.books.refuses = {"i1"}
    promise(office)
    promise(office, invoice="F-i2")
    report = office.run()
    assert (report.written.expected, report.written.refused, report.exit_code) == (1, 1, 1)
    said = [f"The books did not take {FRIDAY} as the day on which invoice F-i1 is expected to be paid"]
    assert (to_do(office), told(office).keys()) == (said, {"i1", "i2"})
    assert (office.run().exit_code, told(office), to_do(office)) == (0, {}, said)
    later = promise(office, MONDAY)
    office.books.refuses = set()
    assert (office.run().written.expected, office.books.expected["i1"], to_do(office)) == (1, MONDAY, [])
    office.books.refuses = {"i1"}
    release(office, later)
    people.release(office.desk(), "F-i1", "", "", "withdrawn", "eva", TODAY)
    assert (office.run().exit_code, office.run().exit_code, told(office)["i1"]) == (1, 0, None)
    assert "did not take away" in to_do(office)[0]


def test_a_refused_day_that_nobody_promises_any_more_leaves_the_list_without_a_word_to_the_books(office):
    office.books.owe("i1")
    office.books.refuses = {"i1"}
    promised = promise(office)
    office.run()
    told(office)
    release(office, promised)
    office.rule("tolerance: {EUR: 1}", "tolerance: {EUR: 200}")
    assert (office.run().exit_code, told(office), to_do(office)) == (0, {}, [])


# --- trouble ----------------------------------------------------------------------------------------------------------------------


def test_trouble_with_the_days_blocks_nothing_and_they_arrive_with_the_next_run(office):
    office.books.owe("i1")
    office.books.owe("i2", "c2")
    promise(office)
    office.books.trouble["expected"] = LedgerUnavailable("it does not answer")
    report = office.run()
    assert (report.acted.count("sent"), report.written.notes, report.written.expected, report.exit_code) == (1, 1, 0, 75)
    office.books.trouble.clear()
    assert (office.run().exit_code, office.books.expected, len(office.post.mails)) == (0, {"i1": FRIDAY}, 1)


@pytest.mark.parametrize(("trouble", "days"), [(UnexpectedResponse("odd"), 1), (LedgerUnavailable("it does not answer"), 0)])
def test_trouble_with_the_notes_keeps_the_days_back_only_when_the_ledger_is_not_to_be_had(office, trouble, days):
    office.books.owe("i1")
    office.books.owe("i2", "c2")
    promise(office)
    office.books.trouble["notes"] = trouble
    report = office.run()
    assert (report.written.trouble, report.written.expected, office.books.calls.count("expected")) == (trouble, days, days)


def test_a_day_that_was_written_although_its_answer_was_lost_is_taken_away_when_it_no_longer_holds(office):
    office.books.owe("i1")
    promised = promise(office)
    office.books.trouble["answer"] = LedgerUnavailable("the line broke")
    assert (office.run().exit_code, office.books.expected) == (75, {"i1": FRIDAY})
    office.books.trouble.clear()
    release(office, promised)
    office.rule("tolerance: {EUR: 1}", "tolerance: {EUR: 200}")
    assert (office.run().exit_code, office.books.expected) == (0, {})


def test_shadow_tells_the_books_nothing_and_neither_does_a_ledger_without_such_days(office):
    office.books.owe("i1")
    promise(office)
    shadow = ("mode: live", "mode: shadow")
    office.rule(*shadow)
    office.run()
    office.changes.remove(shadow)
    office.books.capabilities -= {Capability.EXPECTED_PAYMENTS}
    office.run()
    assert (told(office), office.books.calls.count("expected")) == ({}, 0)


# --- what it costs ----------------------------------------------------------------------------------------------------------------


def test_many_days_go_in_batches_and_none_goes_twice(office, monkeypatch):
    monkeypatch.setattr(write_back, "BATCH", 20)
    for number in range(45):
        office.books.owe(f"i{number}")
    promise(office, FRIDAY, "", "c1")
    assert (office.run().written.expected, office.books.calls.count("expected")) == (45, 3)
    assert (office.run().written.expected, office.books.calls.count("expected")) == (0, 3)


def test_what_is_read_follows_the_promises_and_not_what_is_open(office):
    """No statement looks through the open items: each finds them by the invoice or the customer that was promised."""
    for number in range(5):
        office.books.owe(f"i{number}", f"c{number}")
    promise(office, FRIDAY, "F-i1")
    promise(office, FRIDAY, "", "c2")
    office.run()
    statements = []
    event.listen(office.engine, "before_cursor_execute", lambda conn, cursor, text, values, *_: statements.append((text, values)))
    with lease.leased(office.desk()) as ours:
        write_back.write_back(office.desk(), office.desk().open_ledger(), ours)
    asking = [(text, values) for text, values in statements if "items" in text]
    with reading(office.engine) as conn:
        steps = [step[3] for text, values in asking for step in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    assert len(asking) == 3
    assert [step for step in steps if "items" in step and "invoice_id=?" not in step and "customer_id=?" not in step] == []
