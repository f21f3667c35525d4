"""Attempts: a key is claimed once whoever asks, a level rises only when something was sent, and an unknown end is a person's to tell."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from history.sample_books import AT, COMPANY, RULES, TODAY, customer, invoice, item, planned, store
from puntual.core.dunning.facts import ActionKind, LastContact, Skipped, SkipReason, TaskKind
from puntual.core.errors import AnotherRunUnderWay
from puntual.core.history import audit
from puntual.core.history.attempts import (
    AttemptStatus,
    Ending,
    abandon_claims,
    begin,
    claim,
    claim_key,
    narrow,
    recover,
    resolve_unknown,
    sent_on_day,
    settle,
)
from puntual.core.history.database import reading, writing
from puntual.core.history.read import PERHAPS, bad_addresses_of, books_state, facts_of
from puntual.core.history.tables import attempt_items, attempts
from puntual.core.history.waking import wake
from puntual.core.history.work import WorkItem, approve, approved_keys, propose, put_on_list, waiting_work
from sqlalchemy import select

SENT, FAILED, REJECTED, UNKNOWN = AttemptStatus.SENT, AttemptStatus.FAILED, AttemptStatus.REJECTED, AttemptStatus.UNKNOWN


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        store(opened, invoice("i1"), invoice("i2"), invoice("i3", "c2"), people=(customer(), customer("c2")))
        yield opened


def claimed(conn, actions=None):
    made, _ = claim(conn, COMPANY, "run1", planned(conn) if actions is None else actions, TODAY, AT)
    return made


def settled(conn, status, **more):
    """The first attempt of the plan, begun and ended so."""
    attempt = claimed(conn, planned(conn)[:1])[0]
    begin(conn, COMPANY, attempt)
    settle(conn, COMPANY, attempt, Ending(status, **more), TODAY, AT)
    return attempt


def status_of(conn, attempt):
    return conn.execute(select(attempts.c.status).where(attempts.c.attempt_id == attempt.id)).scalar_one()


def level_of(conn, key="i1/1"):
    row = item(conn, key)
    return row.level_key, row.level_sends, row.level_on, row.open_attempt


def keys_of(conn, attempt):
    query = select(attempt_items.c.item_id, attempt_items.c.claim_key).where(attempt_items.c.attempt_id == attempt.id)
    return {row.item_id: row.claim_key for row in conn.execute(query)}


def test_a_plan_is_claimed_once_and_a_second_time_says_so_for_each_item(conn):
    actions = planned(conn)
    made, lost = claim(conn, COMPANY, "run1", actions, TODAY, AT)
    again, lost_again = claim(conn, COMPANY, "run2", actions, TODAY, AT)
    assert ([a.action for a in made], lost, again) == (list(actions), [], [])
    assert [(s.item_id, s.reason) for s in lost_again] == [(f"i{n}/1", SkipReason.ALREADY_CLAIMED) for n in (1, 2, 3)]
    assert {item(conn, "i1/1").open_attempt, item(conn, "i2/1").open_attempt} == {made[0].id}
    assert claim(conn, COMPANY, "run3", (), TODAY, AT) == ([], [])


def test_grouping_cannot_send_an_item_twice(conn):
    """One invoice was claimed alone; the message with both keeps only the other."""
    both = planned(conn)[0]
    alone = replace(both, items=both.items[:1])
    claimed(conn, [alone])
    made, lost = claim(conn, COMPANY, "run2", [both], TODAY, AT)
    assert [[e.item.id for e in a.action.items] for a in made] == [["i2/1"]]
    assert [s.item_id for s in lost] == ["i1/1"]


def test_the_same_items_twice_in_one_claim_are_claimed_once(conn):
    action = planned(conn)[0]
    made, lost = claim(conn, COMPANY, "run1", [action, action], TODAY, AT)
    assert (len(made), len(lost)) == (1, 2)


def test_concurrent_claims_give_each_key_to_exactly_one(engine):
    """Four threads want the same forty invoices, in different orders, each for a run of its own."""
    with writing(engine) as conn:
        owners = [customer(f"c{n}") for n in range(20)]
        store(conn, *(invoice(f"i{n}", f"c{n % 20}") for n in range(40)), people=owners)
        actions = planned(conn)
    start = Barrier(4)

    def one(number):
        mine = list(actions) if number % 2 else list(reversed(actions))
        start.wait()
        with writing(engine) as conn:
            made, lost = claim(conn, COMPANY, f"run{number}", mine, TODAY, AT)
        return [e.item.id for a in made for e in a.action.items], [s.item_id for s in lost]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(one, range(4)))
    won = sorted(key for mine, _ in results for key in mine)
    assert won == sorted(f"i{n}/1" for n in range(40))
    assert all(sorted(mine + lost) == won for mine, lost in results)


CLAIMING = """
import sys
sys.path.insert(0, sys.argv[2])
from history.sample_books import AT, COMPANY, TODAY, planned
from puntual.core.history.attempts import claim
from puntual.core.history.database import open_database, reading, writing
engine = open_database(sys.argv[1])
with reading(engine) as conn:
    actions = planned(conn)
print("ready", flush=True)
sys.stdin.readline()
with writing(engine) as conn:
    made, _ = claim(conn, COMPANY, "run", actions, TODAY, AT)
print(" ".join(e.item.id for a in made for e in a.action.items))
"""


def test_concurrent_processes_give_each_key_to_exactly_one(engine):
    with writing(engine) as conn:
        store(conn, *(invoice(f"i{n}") for n in range(9)))
    command = [sys.executable, "-c", CLAIMING, engine.url.render_as_string(hide_password=False), str(Path(__file__).parent.parent)]
    made = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.stdout.readline() for process in made] == ["ready\n"] * 2
    for process in made:
        os.write(process.stdin.fileno(), b"go\n")
    won = [key for process in made for key in process.communicate()[0].split()]
    assert sorted(won) == [f"i{n}/1" for n in range(9)]


@pytest.mark.parametrize("status", [SENT, AttemptStatus.QUEUED])
def test_the_level_rises_when_it_was_sent(conn, status):
    attempt = settled(conn, status, vendor_id="mail-1")
    assert level_of(conn) == ("reminder", 1, TODAY, "")
    assert level_of(conn, "i3/1") == ("", 0, None, "")
    contact = next(facts_of(conn, COMPANY, ["c1"])).last_contact
    assert (contact.on, contact.how) == (TODAY, "email 'reminder'")
    row = conn.execute(select(attempts).where(attempts.c.attempt_id == attempt.id)).one()
    assert (row.status, row.vendor_id, row.recipient, row.settled_at) == (status.value, "mail-1", "c1@example.com", AT)
    assert books_state(conn, COMPANY).first_sent_at == AT
    assert claimed(conn, [attempt.action]) == []


@pytest.mark.parametrize("status", [FAILED, REJECTED])
def test_what_certainly_did_not_arrive_counts_for_nothing_and_may_be_tried_again(conn, status):
    attempt = settled(conn, status, detail="no")
    assert level_of(conn) == ("", 0, None, "")
    assert next(facts_of(conn, COMPANY, ["c1"])).last_contact is None
    assert books_state(conn, COMPANY).first_sent_at is None
    assert [a.action.items for a in claimed(conn, [attempt.action])] == [attempt.action.items]


def test_an_unknown_end_keeps_its_keys_and_stops_the_items(conn):
    attempt = settled(conn, UNKNOWN)
    assert level_of(conn) == ("", 0, None, attempt.id)
    wake(conn, COMPANY, ["c1"], RULES, TODAY)
    assert (item(conn, "i1/1").next_action_on, claimed(conn, [attempt.action])) == (None, [])
    assert [action.customer.id for action in planned(conn)] == ["c2"]


def test_a_mail_that_perhaps_arrived_counts_as_contact_until_a_person_says_it_did_not(conn):
    """Another item of that customer waits for the usual days: the customer may have heard from us today."""
    attempt = settled(conn, UNKNOWN)
    assert next(facts_of(conn, COMPANY, ["c1"])).last_contact == LastContact(TODAY, PERHAPS)
    resolve_unknown(conn, COMPANY, attempt.id, False, "eva", AT)
    assert next(facts_of(conn, COMPANY, ["c1"])).last_contact is None


def test_a_refused_address_is_remembered_in_lower_case_and_not_written_to(conn):
    settled(conn, REJECTED, detail="550 5.1.1 no such user", refused_address="C1@Example.com")
    assert bad_addresses_of(conn, COMPANY) == {"c1@example.com"}
    assert [(a.kind, a.task) for a in planned(conn) if a.customer.id == "c1"] == [(ActionKind.TASK, TaskKind.NO_ADDRESS)]


def test_begin_writes_down_whom_it_goes_to(conn):
    attempt = claimed(conn)[0]
    begin(conn, COMPANY, attempt)
    row = conn.execute(select(attempts).where(attempts.c.attempt_id == attempt.id)).one()
    assert (row.status, row.recipient, row.settled_at) == ("sending", "c1@example.com", None)


def test_an_attempt_that_another_run_took_away_cannot_begin(conn):
    """A run that was silent for longer than its lease is taken for dead; should it wake up, it must not send."""
    attempt = claimed(conn)[0]
    recover(conn, COMPANY, AT)
    with pytest.raises(AnotherRunUnderWay):
        begin(conn, COMPANY, attempt)
    assert status_of(conn, attempt) == "abandoned"


def test_items_that_fall_out_at_the_recheck_give_their_keys_back(conn):
    attempt = claimed(conn)[0]
    gone = attempt.action.items[0].item
    dropped = [Skipped(gone.id, gone.number, "c1", SkipReason.SETTLED_MEANWHILE, "it is paid in the books now")]
    left = narrow(conn, COMPANY, attempt, replace(attempt.action, items=attempt.action.items[1:]), dropped, AT)
    assert [e.item.id for e in left.action.items] == ["i2/1"]
    assert keys_of(conn, attempt) == {"i1/1": None, "i2/1": claim_key(attempt.action, attempt.action.items[1])}
    assert (level_of(conn)[3], level_of(conn, "i2/1")[3]) == ("", attempt.id)
    assert next(audit.entries_of(conn, COMPANY, 1)).data["items"][0]["reason"] == "settled_meanwhile"


def test_nothing_left_is_a_dropped_attempt_with_its_reason(conn):
    attempt = claimed(conn)[0]
    dropped = [Skipped(e.item.id, e.item.number, "c1", SkipReason.GONE, "it is gone") for e in attempt.action.items]
    assert narrow(conn, COMPANY, attempt, None, dropped, AT) is None
    assert status_of(conn, attempt) == "dropped"
    assert set(keys_of(conn, attempt).values()) == {None}
    assert {item(conn, e.item.id).status for e in attempt.action.items} == {"deleted"}, "what is gone is not looked at every day"


def test_a_run_that_died_frees_what_was_claimed_and_leaves_what_was_sending_unknown(conn):
    first, second = claimed(conn)
    begin(conn, COMPANY, first)
    assert recover(conn, COMPANY, AT) == [first.id]
    assert (status_of(conn, first), status_of(conn, second)) == ("unknown", "abandoned")
    assert (level_of(conn)[3], level_of(conn, "i3/1")[3]) == (first.id, "")
    assert claimed(conn, [first.action]) == []
    assert len(claimed(conn, [second.action])) == 1
    assert recover(conn, COMPANY, AT) == []


@pytest.mark.parametrize(("status", "kinds"), [(SENT, []), (FAILED, []), (REJECTED, ["rejected"]), (UNKNOWN, ["unknown"])])
def test_nobody_is_asked_any_more_how_it_ended_when_the_run_that_was_taken_for_dead_wakes_and_knows(conn, status, kinds):
    attempt = claimed(conn)[0]
    begin(conn, COMPANY, attempt)
    assert recover(conn, COMPANY, AT) == [attempt.id]
    put_on_list(conn, COMPANY, WorkItem(attempt.id[:12], "unknown", "", "How did it end?", "", TODAY), AT)
    settle(conn, COMPANY, attempt, Ending(status), TODAY, AT)
    if kinds:
        put_on_list(conn, COMPANY, WorkItem(attempt.id[:12], status.value, "c1", "The mailbox is gone", "", TODAY), AT)
    assert [work.kind for work in waiting_work(conn, COMPANY)] == kinds


def test_claims_of_a_run_that_stops_in_order_are_given_back_at_once(conn):
    first, second = claimed(conn)
    begin(conn, COMPANY, first)
    abandon_claims(conn, COMPANY, "another run", AT)
    assert status_of(conn, second) == "claimed"
    abandon_claims(conn, COMPANY, "run1", AT)
    assert (status_of(conn, first), status_of(conn, second)) == ("sending", "abandoned")
    assert len(claimed(conn, [second.action])) == 1


def test_a_person_says_it_was_sent(conn):
    attempt = settled(conn, UNKNOWN)
    propose(conn, COMPANY, [(claim_key(attempt.action, attempt.action.items[0]), attempt.action.key)], AT)
    approve(conn, COMPANY, None, "eva", AT)
    assert resolve_unknown(conn, COMPANY, attempt.id, True, "eva", AT)
    assert (status_of(conn, attempt), level_of(conn)) == ("sent", ("reminder", 1, TODAY, ""))
    assert next(facts_of(conn, COMPANY, ["c1"])).last_contact.on == TODAY
    assert (books_state(conn, COMPANY).first_sent_at, approved_keys(conn, COMPANY)) == (AT, frozenset())
    assert not resolve_unknown(conn, COMPANY, attempt.id, True, "eva", AT)


def test_a_person_says_it_was_not_sent(conn):
    attempt = settled(conn, UNKNOWN)
    assert resolve_unknown(conn, COMPANY, attempt.id, False, "eva", AT)
    assert (status_of(conn, attempt), level_of(conn)) == ("failed", ("", 0, None, ""))
    assert len(claimed(conn, [attempt.action])) == 1


def test_what_fell_out_at_the_recheck_does_not_rise_when_the_rest_turns_out_sent(conn):
    attempt = claimed(conn)[0]
    gone = attempt.action.items[0].item
    dropped = [Skipped(gone.id, gone.number, "c1", SkipReason.DISPUTED, "wrong amount")]
    left = narrow(conn, COMPANY, attempt, replace(attempt.action, items=attempt.action.items[1:]), dropped, AT)
    begin(conn, COMPANY, left)
    settle(conn, COMPANY, left, Ending(UNKNOWN), TODAY, AT)
    resolve_unknown(conn, COMPANY, attempt.id, True, "eva", AT)
    assert (level_of(conn, "i1/1")[0], level_of(conn, "i2/1")[0]) == ("", "reminder")


def test_nothing_but_an_unknown_end_can_be_told(conn):
    attempt = settled(conn, SENT)
    assert not resolve_unknown(conn, COMPANY, attempt.id, False, "eva", AT)
    assert not resolve_unknown(conn, COMPANY, "nothing", True, "eva", AT)


def test_mails_of_a_day_are_counted_whatever_became_of_them_but_not_those_that_failed(conn):
    assert sent_on_day(conn, COMPANY, TODAY) == 0
    settled(conn, FAILED)
    settled(conn, UNKNOWN)
    assert sent_on_day(conn, COMPANY, TODAY) == 1
    wake(conn, COMPANY, ["c1"], RULES, TODAY)
    settled(conn, SENT)
    assert sent_on_day(conn, COMPANY, TODAY) == 2


def test_every_end_is_in_the_audit_trail_with_its_items_and_amounts(conn):
    settled(conn, SENT, vendor_id="mail-1")
    entry = next(audit.entries_of(conn, COMPANY, 1))
    assert (entry.kind, entry.data["recipient"], entry.data["vendor_id"]) == ("sent", "c1@example.com", "mail-1")
    assert entry.data["items"][0] == {"item": "i1/1", "number": "F-i1", "outstanding": "100.00 EUR", "level": "reminder"}


def test_a_task_for_want_of_an_address_is_no_try_of_the_level(engine):
    with writing(engine) as conn:
        store(conn, invoice(), people=(customer(email=""),))
        task = claimed(conn)[0]
        settle(conn, COMPANY, task, Ending(SENT), TODAY, AT)
        assert (level_of(conn)[0], item(conn, "i1/1").task_key) == ("", "reminder|1|0")
        assert planned(conn) == ()
        store(conn, people=(customer(),))
        assert [a.kind for a in planned(conn)] == [ActionKind.NOTICE]
        assert len(claimed(conn)) == 1
    with reading(engine) as conn:
        assert books_state(conn, COMPANY).first_sent_at is None


@pytest.mark.parametrize("how", ["recovered", "sent", "dropped", "failed"])
def test_what_was_read_anew_while_it_was_being_sent_is_looked_at_again_when_its_run_says_nothing_more(conn, how):
    attempt = claimed(conn)[0]
    wake(conn, COMPANY, ["c1"], RULES, TODAY)
    assert item(conn, "i1/1").next_action_on is None
    if how == "recovered":
        recover(conn, COMPANY, AT)
    elif how == "dropped":
        fallen = [Skipped(entry.item.id, "", "c1", SkipReason.SETTLED_MEANWHILE, "") for entry in attempt.action.items]
        narrow(conn, COMPANY, attempt, None, fallen, AT)
    else:
        begin(conn, COMPANY, attempt)
        settle(conn, COMPANY, attempt, Ending(AttemptStatus(how)), TODAY, AT)
    assert item(conn, "i1/1").next_action_on <= TODAY
