"""The audit trail: any row that was changed, removed, put elsewhere or cut off is found, and everybody may append at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from history.sample_books import AT, COMPANY
from puntual.core.errors import BrokenInvariant
from puntual.core.history.audit import append, entries_of, verify
from puntual.core.history.books import ensure_company
from puntual.core.history.database import reading, writing
from puntual.core.history.tables import audit, companies
from sqlalchemy import delete, select, update

COUNT = 6


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        append(opened, COMPANY, AT, [("first", {"número": "F-1", "line": "a\nb"}), ("second", {})])
        for number in range(3, COUNT + 1):
            append(opened, COMPANY, AT, [("more", {"n": number})])
        yield opened


def change(conn, number, /, **values):
    conn.execute(update(audit).where(audit.c.company == COMPANY, audit.c.seq == number).values(**values))


def remove(conn, *seqs):
    conn.execute(delete(audit).where(audit.c.company == COMPANY, audit.c.seq.in_(seqs)))


@contextmanager
def undone(conn):
    """What happens here is taken back, so that the next change is the only one."""
    with conn.begin_nested() as point:
        yield
        point.rollback()


def test_a_whole_trail_says_how_long_it_is_and_how_it_ends(conn):
    report = verify(conn, COMPANY)
    last = conn.execute(select(audit.c.hash).where(audit.c.seq == COUNT)).scalar_one()
    assert (report.entries, report.head, report.broken_at, report.what) == (COUNT, last, None, "")


def test_entries_come_newest_first_with_their_facts(conn):
    found = list(entries_of(conn, COMPANY))
    assert [entry.seq for entry in found] == list(range(COUNT, 0, -1))
    assert (found[-1].kind, found[-1].data, found[-1].at) == ("first", {"número": "F-1", "line": "a\nb"}, "2026-05-13T10:00:00+00:00")
    assert len(list(entries_of(conn, COMPANY, 2))) == 2


@pytest.mark.parametrize("column", ["at", "kind", "data", "previous_hash", "hash"])
def test_any_changed_field_of_any_row_is_found(conn, column):
    for seq in range(1, COUNT + 1):
        with undone(conn):
            change(conn, seq, **{column: '{"x":1}' if column == "data" else "0" * 20})
            assert verify(conn, COMPANY).broken_at == seq


def test_any_removed_row_is_found_the_last_one_too(conn):
    for seq in range(1, COUNT + 1):
        with undone(conn):
            remove(conn, seq)
            report = verify(conn, COMPANY)
            assert (report.broken_at, report.entries) == (seq, seq - 1)


def test_a_trail_that_was_cut_off_is_found_wherever(conn):
    for keep in range(COUNT):
        with undone(conn):
            remove(conn, *range(keep + 1, COUNT + 1))
            assert (verify(conn, COMPANY).broken_at, verify(conn, COMPANY).entries) == (keep + 1, keep)
    assert verify(conn, COMPANY).broken_at is None


def test_two_rows_that_changed_places_are_found(conn):
    for before, after in ((2, 99), (3, 2), (99, 3)):
        change(conn, before, seq=after)
    assert verify(conn, COMPANY).broken_at == 2


def test_a_row_that_was_added_by_hand_is_found(conn):
    row = dict(conn.execute(select(audit).where(audit.c.seq == COUNT)).mappings().one())
    conn.execute(audit.insert().values({**row, "seq": COUNT + 1, "previous_hash": row["hash"]}))
    assert verify(conn, COMPANY).broken_at == COUNT + 1


def test_a_trail_whose_company_was_removed_is_found(conn):
    conn.execute(delete(companies))
    assert verify(conn, COMPANY).broken_at is not None


def test_a_trail_of_another_company_cannot_be_passed_off_as_this_ones(conn):
    ensure_company(conn, "other")
    append(conn, "other", AT, [("first", {})])
    conn.execute(delete(audit).where(audit.c.company == COMPANY))
    conn.execute(update(audit).values(company=COMPANY))
    assert verify(conn, COMPANY).broken_at == 1


def test_nothing_yet_is_whole(engine):
    with reading(engine) as conn:
        assert (verify(conn, COMPANY).entries, verify(conn, COMPANY).broken_at) == (0, None)
        assert verify(conn, "nobody").broken_at is None


def test_appending_for_a_company_without_a_row_is_our_mistake(conn):
    with pytest.raises(BrokenInvariant):
        append(conn, "nobody", AT, [("x", {})])


def test_what_is_rolled_back_leaves_no_gap(engine):
    def append_and_die():
        with writing(engine) as conn:
            append(conn, COMPANY, AT, [("lost", {})])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        append_and_die()
    with writing(engine) as conn:
        append(conn, COMPANY, AT, [("kept", {})])
        assert ([entry.seq for entry in entries_of(conn, COMPANY)], verify(conn, COMPANY).broken_at) == ([1], None)


def test_many_may_append_at_once(engine):
    def several(worker):
        for number in range(8):
            with writing(engine) as conn:
                append(conn, COMPANY, AT, [("entry", {"worker": worker, "number": number}), ("second", {})])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(several, range(4)))
    with reading(engine) as conn:
        assert (verify(conn, COMPANY).entries, verify(conn, COMPANY).broken_at) == (64, None)
