"""What people say and what waits: holds, promises, approvals, the work list, write-backs, and the lease of a run."""

from dataclasses import replace
from datetime import timedelta

import pytest
from history.sample_books import AT, COMPANY, TODAY, customer, invoice, store
from puntual.core.bookings import Note, Task
from puntual.core.dunning.facts import HoldKind
from puntual.core.history import audit
from puntual.core.history.books import kept_promises
from puntual.core.history.database import writing
from puntual.core.history.holds import active_holds, add_hold, end_holds
from puntual.core.history.read import holds_by_customer
from puntual.core.history.runs import LEASE, give_back, renew_lease, take_lease
from puntual.core.history.work import (
    WorkItem,
    approve,
    approved_keys,
    count_waiting,
    finish_work,
    forget_proposals,
    note_refused,
    note_written,
    propose,
    put_on_list,
    queue_notes,
    queue_task,
    unanswered_keys,
    waiting_approvals,
    waiting_notes,
    waiting_tasks,
    waiting_work,
)

DAY = timedelta(days=1)


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        store(opened, invoice("i1"), invoice("i2"), people=(customer(), customer("c2")))
        yield opened


def held(conn, kind=HoldKind.MANUAL, invoice_id="i1", until=None, owner="c1"):
    return add_hold(conn, COMPANY, kind, owner, invoice_id, "because", until, "eva", AT)


def kinds(conn):
    return [entry.kind for entry in audit.entries_of(conn, COMPANY)]


def test_a_hold_lasts_until_it_is_ended_and_stays_in_the_trail(conn):
    one, two = held(conn), held(conn, HoldKind.DISPUTE, "", owner="c2")
    assert set(active_holds(conn, COMPANY)) == {one, two}
    assert active_holds(conn, COMPANY, "c1") == active_holds(conn, COMPANY, invoice_id="i1") == [one]
    assert holds_by_customer(conn, COMPANY, ["c2"]) == {"c2": (two,)}
    assert (end_holds(conn, COMPANY, [one.id], "resolved", "eva", AT), end_holds(conn, COMPANY, [one.id], "again", "eva", AT)) == (1, 0)
    assert end_holds(conn, COMPANY, [], "nothing", "eva", AT) == 0
    assert (active_holds(conn, COMPANY), kinds(conn)) == ([two], ["hold_ended", "hold", "hold"])


def test_a_promise_is_kept_when_its_invoice_is_settled(conn):
    promise, other, hold = held(conn, HoldKind.PROMISE, "i1", TODAY), held(conn, HoldKind.PROMISE, "i2", TODAY), held(conn)
    assert kept_promises(conn, COMPANY, [], AT) == []
    store(conn, invoice("i1", paid="99"))
    assert kept_promises(conn, COMPANY, ["x/1"], AT) == []
    settled = store(conn, invoice("i1", paid="100")).settled
    assert kept_promises(conn, COMPANY, settled, AT) == [promise]
    assert set(active_holds(conn, COMPANY)) == {other, hold}
    newest = next(audit.entries_of(conn, COMPANY, 1))
    assert (newest.kind, newest.data["outcome"], newest.data["holds"]) == ("hold_ended", "kept", [promise.id])


def test_a_promise_for_everything_is_kept_when_all_that_was_due_by_then_is_settled(conn):
    """What became due after the promised day was never promised; else the next mail would speak of a promise that was kept."""
    promise = held(conn, HoldKind.PROMISE, "", TODAY + 3 * DAY)
    store(conn, invoice("i3", late=-20))
    assert kept_promises(conn, COMPANY, store(conn, invoice("i1", paid="100")).settled, AT) == []
    assert kept_promises(conn, COMPANY, store(conn, invoice("i2", paid="100")).settled, AT) == [promise]
    assert active_holds(conn, COMPANY) == []


def test_a_promise_for_everything_does_not_wait_for_our_late_charge_but_one_for_the_charge_does(conn):
    store(conn, invoice("i3", is_late_charge=True))
    everything, charge = held(conn, HoldKind.PROMISE, "", TODAY), held(conn, HoldKind.PROMISE, "i3", TODAY)
    assert kept_promises(conn, COMPANY, store(conn, invoice("i1", paid="100"), invoice("i2", paid="100")).settled, AT) == [everything]
    assert kept_promises(conn, COMPANY, store(conn, invoice("i3", paid="100", is_late_charge=True)).settled, AT) == [charge]


def test_approvals_keep_their_answer_when_they_are_proposed_again(conn):
    propose(conn, COMPANY, [("k1", "action1"), ("k2", "action1"), ("k3", "action2")], AT)
    propose(conn, COMPANY, [], AT)
    assert waiting_approvals(conn, COMPANY) == ["action1", "action2"]
    assert approve(conn, COMPANY, ["action1"], "eva", AT) == 2
    propose(conn, COMPANY, [("k1", "action9"), ("k3", "action9")], AT + DAY)
    assert (approved_keys(conn, COMPANY), waiting_approvals(conn, COMPANY)) == ({"k1", "k2"}, ["action9"])


def test_what_is_no_longer_due_is_no_longer_asked(conn):
    propose(conn, COMPANY, [("k1", "action1"), ("k2", "action2"), ("k3", "action3")], AT)
    approve(conn, COMPANY, ["action3"], "eva", AT)
    assert unanswered_keys(conn, COMPANY) == {"k1", "k2"}
    forget_proposals(conn, COMPANY, ["k1"])
    assert (approved_keys(conn, COMPANY), waiting_approvals(conn, COMPANY)) == ({"k3"}, ["action2"])


def test_approving_takes_the_beginning_of_a_key_or_everything_that_waits(conn):
    propose(conn, COMPANY, [("k1", "abc1"), ("k2", "abd2"), ("k3", "xyz3")], AT)
    assert approve(conn, COMPANY, ["nothing"], "eva", AT) == 0
    assert approve(conn, COMPANY, ["ab"], "eva", AT) == 2
    assert approve(conn, COMPANY, None, "eva", AT) == 1
    assert (approve(conn, COMPANY, None, "eva", AT), approved_keys(conn, COMPANY)) == (0, {"k1", "k2", "k3"})
    assert kinds(conn).count("approved") == 2


def test_work_is_on_the_list_once_until_it_is_done(conn):
    work = WorkItem("t1", "call", "c1", "Call Talleres", "They owe 100", TODAY, ("i1", "i2"))
    for each in (work, replace(work, summary="again"), replace(work, id="t0", due_on=TODAY - DAY)):
        put_on_list(conn, COMPANY, each, AT)
    assert [w.id for w in waiting_work(conn, COMPANY)] == ["t0", "t1"]
    assert waiting_work(conn, COMPANY)[1] == work
    assert (finish_work(conn, COMPANY, "t1", "reached", "eva", AT), finish_work(conn, COMPANY, "t1", "again", "eva", AT)) == (True, False)
    put_on_list(conn, COMPANY, work, AT)
    assert [w.id for w in waiting_work(conn, COMPANY)] == ["t0"]


def note(number):
    return Note(f"m{number}", "i1", "c1", f"Sent [m{number}]", TODAY)


def test_notes_wait_in_portions_until_they_are_written_or_refused(conn):
    queue_notes(conn, COMPANY, [note(n) for n in range(5)])
    queue_notes(conn, COMPANY, [replace(note(0), text="another text")])
    queue_notes(conn, COMPANY, [])
    first = waiting_notes(conn, COMPANY, 2)
    assert (first, waiting_notes(conn, COMPANY, 9, "m1")) == ([note(0), note(1)], [note(2), note(3), note(4)])
    note_written(conn, COMPANY, {"m0": "id-0", "m1": "id-1"})
    note_written(conn, COMPANY, {})
    note_refused(conn, COMPANY, ["m4"], "locked")
    assert (waiting_notes(conn, COMPANY, 9), count_waiting(conn, COMPANY)) == ([note(2), note(3)], 2)
    queue_notes(conn, COMPANY, [note(0), note(4)])
    assert count_waiting(conn, COMPANY) == 2


def test_tasks_wait_apart_from_notes(conn):
    task = Task("m9", "i1", "c1", "Call", "They owe 100 [m9]", TODAY)
    queue_task(conn, COMPANY, task)
    queue_task(conn, COMPANY, replace(task, summary="again"))
    assert (waiting_tasks(conn, COMPANY, 9), waiting_notes(conn, COMPANY, 9), count_waiting(conn, COMPANY)) == ([task], [], 1)


def alive(_):
    return True


def dead(_):
    return False


def test_a_company_has_one_run_at_a_time(conn):
    assert take_lease(conn, COMPANY, "r1", "here:1", AT, alive) == ""
    assert take_lease(conn, COMPANY, "r2", "here:2", AT + LEASE - DAY / 10_000, alive) == "here:1"
    assert renew_lease(conn, COMPANY, "r1", AT + LEASE / 2)
    assert take_lease(conn, COMPANY, "r2", "here:2", AT + LEASE, alive) == "here:1"
    give_back(conn, COMPANY, "r2")
    assert take_lease(conn, COMPANY, "r2", "here:2", AT, alive) == "here:1"
    give_back(conn, COMPANY, "r1")
    assert take_lease(conn, COMPANY, "r2", "here:2", AT, alive) == ""


@pytest.mark.parametrize(("later", "is_alive"), [(timedelta(), dead), (LEASE, alive)])
def test_a_run_that_died_or_was_silent_for_too_long_gives_way(conn, later, is_alive):
    take_lease(conn, COMPANY, "r1", "here:1", AT, alive)
    assert take_lease(conn, COMPANY, "r2", "here:2", AT + later, is_alive) == ""
    assert (renew_lease(conn, COMPANY, "r1", AT), renew_lease(conn, COMPANY, "r2", AT)) == (False, True)
