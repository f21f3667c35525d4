"""How a mail may end, and what follows; and one run a company at a time."""

import subprocess
import sys
from datetime import timedelta

import pytest
from history.sample_books import COMPANY, TODAY, customer
from puntual.core.dunning.facts import HoldKind
from puntual.core.errors import AnotherRunUnderWay, CompanyMustAct
from puntual.core.history.database import reading, writing
from puntual.core.history.holds import active_holds
from puntual.core.history.runs import LEASE, take_lease
from puntual.core.history.tables import attempts, companies
from puntual.core.receivables import Contact, ContactRole
from puntual.core.worker import people
from puntual.core.worker.clock import SystemClock
from puntual.core.worker.inquiry import why
from puntual.core.worker.lease import machine
from puntual.core.worker.people import NotFound
from sqlalchemy import update
from worker.office import DAY, level, meanwhile, text_of, two_due


def test_a_refused_address_goes_to_a_person_and_the_next_time_to_the_next_rung(office):
    office.books.owe("i1")
    office.books.people["c1"] = customer(contacts=(Contact("p1", "Luis", "luis@example.com", role=ContactRole.INVOICE),))
    office.post.refused["luis@example.com"] = "550 5.1.1 no such user"
    report = office.run()
    assert (office.post.to(), report.exit_code, office.statuses(), level(office)) == ([], 1, ["rejected"], ("", 0))
    assert office.to_do() == [("rejected", "c1")]
    assert office.run().acted.count("sent") == 1
    assert office.post.to() == ["c1@example.com"]
    assert people_told(office) == ["rejected", "sent"]


def people_told(office):
    return [past.status for past in why(office.desk(), "F-i1", TODAY)[0].past]


def test_when_no_rung_is_left_a_person_is_asked_once_for_an_address(office):
    office.books.owe("i1")
    office.post.refused["c1@example.com"] = "550 5.1.1 no such user"
    office.run()
    office.run()
    office.run()
    assert sorted(office.to_do()) == [("no_address", "c1"), ("rejected", "c1")]


@pytest.mark.parametrize("broken", ["closed port", "451 4.3.0 try later"])
def test_a_mail_that_certainly_did_not_leave_counts_for_nothing_and_goes_with_the_next_run(office, broken):
    two_due(office)
    office.books.owe("i3", "c2")
    if broken == "closed port":
        office.rule(f"port: {office.post.port}", "port: 1")
    else:
        office.post.answer = lambda _: broken
    report = office.run()
    assert (report.exit_code, office.statuses(), office.post.mails, office.books.notes) == (75, ["failed", "failed"], [], {})
    assert (level(office), office.to_do()) == (("", 0), [])
    office.changes.clear()
    office.post.answer = lambda _: None
    assert (office.run().acted.count("sent"), len(office.post.mails)) == (2, 2)


def test_a_server_that_refuses_our_settings_stops_the_run_and_frees_what_was_claimed(office):
    for number in range(3):
        office.books.owe(f"i{number}", f"c{number}")
    office.post.sender_refused = "550 5.7.1 not from here"
    with pytest.raises(CompanyMustAct, match=r"mail\.from"):
        office.run()
    assert (office.statuses(), office.post.mails) == (["abandoned", "abandoned", "failed"], [])
    office.post.sender_refused = ""
    assert office.run().acted.count("sent") == 3


@pytest.mark.parametrize(("was_sent", "mails", "notes"), [(True, 1, 2), (False, 2, 2)])
def test_a_line_that_broke_after_the_mail_leaves_its_end_to_a_person(office, was_sent, mails, notes):
    two_due(office)
    office.post.answer = lambda _: "cut"
    report = office.run()
    assert (report.exit_code, office.statuses(), office.to_do(), office.books.notes) == (1, ["unknown"], [("unknown", "c1")], {})
    office.post.answer = lambda _: None
    assert (office.run().plan.actions, len(office.post.mails), level(office)) == ((), 1, ("", 0))
    attempt = report.acted.need_a_person[0]
    assert people.resolve(office.desk(), attempt[:6], was_sent, "eva", TODAY) == attempt
    assert office.to_do() == []
    office.run()
    office.run()
    assert (len(office.post.mails), level(office), len(office.books.writes)) == (mails, ("reminder", 1), notes)
    with pytest.raises(NotFound):
        people.resolve(office.desk(), attempt, True, "eva", TODAY)


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_mail_that_a_person_found_sent_ends_the_promise_that_it_called_broken(office, was_sent):
    office.books.owe("i1", late=20)
    office.run(TODAY - 15 * DAY)
    people.hold(office.desk(), HoldKind.PROMISE, "F-i1", "", "by phone", TODAY - 8 * DAY, "eva", TODAY - 10 * DAY)
    office.post.answer = lambda _: "cut"
    (attempt,) = office.run().acted.need_a_person
    people.resolve(office.desk(), attempt, was_sent, "eva", TODAY)
    with reading(office.engine) as conn:
        assert [hold.kind for hold in active_holds(conn, COMPANY)] == [HoldKind.PROMISE] * (not was_sent)


def test_a_mail_that_a_person_found_sent_gets_the_note_with_the_amount_it_asked_for(office):
    two_due(office)
    meanwhile(office, lambda: (office.books.pay("i1", "60"), office.books.pay("i2")))
    office.post.answer = lambda _: "cut"
    for attempt in office.run().acted.need_a_person:
        people.resolve(office.desk(), attempt, True, "eva", TODAY)
    office.run()
    (note,) = office.books.notes.values()
    assert (note.invoice_id, note.customer_id, note.written_on) == ("i1", "c1", TODAY)
    assert all(words in note.text for words in ("40,00", "c1@example.com", note.marker))


def test_an_item_that_fell_out_is_not_said_to_have_been_sent(office):
    two_due(office)
    meanwhile(office, lambda: office.books.change("i1", disputed="wrong amount"))
    office.run()
    assert [[past.status for past in why(office.desk(), f"F-{key}", TODAY)[0].past] for key in ("i1", "i2")] == [["dropped"], ["sent"]]


# --- one run at a time ------------------------------------------------------------------------------------------------------------


def test_a_second_run_while_the_first_is_at_work_is_turned_away(office):
    office.books.owe("i1")
    turned_away = []

    def second():
        with pytest.raises(AnotherRunUnderWay) as caught:
            office.run()
        turned_away.append(caught.value.exit_code)

    meanwhile(office, second)
    assert (office.run().acted.count("sent"), turned_away, len(office.post.mails)) == (1, [75], 1)


def lease_of(office, owner, until_later=timedelta()):
    office.run(TODAY - 30 * DAY)
    with writing(office.engine) as conn:
        assert take_lease(conn, COMPANY, "r1", owner, SystemClock().now() - LEASE + until_later, lambda _: True) == ""


def test_a_run_whose_process_is_dead_gives_way_at_once(office):
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    lease_of(office, f"{machine()}:{finished.pid}", LEASE)
    office.books.owe("i1")
    assert office.run().acted.count("sent") == 1


def test_a_run_on_another_machine_gives_way_when_its_lease_is_over(office):
    lease_of(office, "elsewhere:1", LEASE / 2)
    with pytest.raises(AnotherRunUnderWay, match="elsewhere:1"):
        office.run()
    lease_over = SystemClock().now() - LEASE
    with writing(office.engine) as conn:
        conn.execute(update(companies).values(run_until=lease_over))
    assert office.run().exit_code == 0


def test_a_run_that_was_taken_for_dead_and_wakes_up_sends_nothing_more(office):
    """It was silent for longer than its lease; another run did the work meanwhile. Every customer gets one mail all the same."""
    office.books.owe("i1", "c1")
    office.books.owe("i2", "c2")

    def taken_over():
        with writing(office.engine) as conn:
            conn.execute(update(companies).values(run_until=SystemClock().now() - LEASE))
        assert office.run().acted.count("sent") == 2

    meanwhile(office, taken_over)
    with pytest.raises(AnotherRunUnderWay):
        office.run()
    assert sorted(office.post.to()) == ["c1@example.com", "c2@example.com"]
    with reading(office.engine) as conn:
        assert conn.execute(attempts.select().where(attempts.c.status == "unknown")).all() == []
    assert office.statuses() == ["abandoned", "abandoned", "sent", "sent"]
    assert office.run().plan.actions == ()
    assert "F-i1" in text_of(office.post.mails[0])
