"""What the ledger warns of is told once, stands on the work list until it is over, and is told again when it comes back."""

import pytest
from history.sample_books import AT, COMPANY, TODAY
from puntual.core.history import audit
from puntual.core.history.database import writing
from puntual.core.history.warnings import end_warnings, note_warnings, standing_warnings
from puntual.core.history.work import WorkItem, finish_work, put_on_list, waiting_work

REMINDERS, FEES = "The ledger sends reminders of its own.", "The ledger charges late fees."


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        yield opened


def noted(conn, *told):
    return note_warnings(conn, COMPANY, told, TODAY, AT)


def kinds(conn):
    return [entry.kind for entry in audit.entries_of(conn, COMPANY)][::-1]


def test_a_warning_is_new_once_and_stands_on_the_work_list(conn):
    assert (noted(conn, REMINDERS, REMINDERS), noted(conn, REMINDERS, FEES), noted(conn, FEES, REMINDERS), noted(conn)) == (
        [REMINDERS],
        [FEES],
        [],
        [],
    )
    assert sorted(standing_warnings(conn, COMPANY)) == sorted(work.summary for work in waiting_work(conn, COMPANY)) == [FEES, REMINDERS]
    assert kinds(conn) == ["warned", "warned"]


def test_what_a_person_took_off_the_list_does_not_come_back_while_it_holds(conn):
    noted(conn, REMINDERS)
    finish_work(conn, COMPANY, waiting_work(conn, COMPANY)[0].id, "we know", "eva", AT)
    assert (noted(conn, REMINDERS), standing_warnings(conn, COMPANY)) == ([], [])


@pytest.mark.parametrize("accepted", [True, False])
def test_what_a_complete_pass_no_longer_says_is_over_and_new_when_it_comes_again(conn, accepted):
    noted(conn, REMINDERS, FEES)
    put_on_list(conn, COMPANY, WorkItem("t", "call", "c1", "Call", "They owe", TODAY), AT)
    if accepted:
        ids = {work.summary: work.id for work in waiting_work(conn, COMPANY)}
        finish_work(conn, COMPANY, ids[REMINDERS], "we know", "eva", AT)
    assert (end_warnings(conn, COMPANY, [FEES], AT), end_warnings(conn, COMPANY, [FEES], AT)) == (1, 0)
    assert [work.summary for work in waiting_work(conn, COMPANY) if work.id != "t"] == standing_warnings(conn, COMPANY) == [FEES]
    assert len(waiting_work(conn, COMPANY)) == 2
    assert (noted(conn, REMINDERS, FEES), len(standing_warnings(conn, COMPANY))) == ([REMINDERS], 2)
    assert [kind for kind in kinds(conn) if kind != "work_done"] == ["warned", "warning_over", "warned"]
