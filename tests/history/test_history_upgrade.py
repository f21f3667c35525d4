"""A history of version 0.1 with rows in every table is brought up to date when it is opened, and nothing in it is lost."""

import pytest
from history.databases import migrated_database
from history.sample_books import AT, COMPANY, RULES, TODAY, customer, eur, invoice, item, planned, store
from puntual.core.bookings import Note
from puntual.core.dunning.facts import HoldKind
from puntual.core.history import audit
from puntual.core.history.attempts import AttemptStatus, Ending, begin, claim, settle
from puntual.core.history.books import ensure_company, note_synced
from puntual.core.history.charge_marks import due_item_ids, mark_everything
from puntual.core.history.charges import charges_with
from puntual.core.history.credits import credits_with
from puntual.core.history.database import migrate, open_database, reading, writing
from puntual.core.history.expected import told_days
from puntual.core.history.holds import active_holds, add_hold
from puntual.core.history.read import facts_of
from puntual.core.history.waking import wake
from puntual.core.history.work import WorkItem, propose, put_on_list, queue_notes
from puntual.core.receivables import Allocation, CreditKind, CreditNote
from sqlalchemy import MetaData, create_engine, inspect, select


def lived(conn):
    """A history in which something happened to every table of 0.1."""
    credit = CreditNote("n1", "R-1", "c1", TODAY, eur("5"), eur("5"))
    used = Allocation("a1", "i1", "n1", CreditKind.CREDIT_NOTE, eur("1"), TODAY)
    owners = (customer(), customer("c2"))
    ensure_company(conn, COMPANY)
    store(conn, invoice("i1"), invoice("i2", "c2"), people=owners, credit_notes=(credit,), allocations=(used,))
    attempt = claim(conn, COMPANY, "r", planned(conn)[:1], TODAY, AT)[0][0]
    begin(conn, COMPANY, attempt)
    settle(conn, COMPANY, attempt, Ending(AttemptStatus.SENT, "mail-1", refused_address="old@example.com"), TODAY, AT)
    add_hold(conn, COMPANY, HoldKind.PROMISE, "c1", "i1", "by phone", TODAY, "eva", AT)
    propose(conn, COMPANY, [("k", "a")], AT)
    put_on_list(conn, COMPANY, WorkItem("t", "call", "c1", "Call", "They owe", TODAY, ("i1",)), AT)
    queue_notes(conn, COMPANY, [Note("m", "i1", "c1", "Sent [m]", TODAY)])
    note_synced(conn, COMPANY, AT)
    wake(conn, COMPANY, ["c1", "c2"], RULES, TODAY)


def tables_in(engine):
    found = MetaData()
    found.reflect(engine)
    return {name: table for name, table in found.tables.items() if name != "alembic_version"}


def rows_in(engine, tables):
    """What is in these columns, whatever columns came later."""
    with engine.connect() as conn:
        return {name: sorted(map(tuple, conn.execute(select(table))), key=str) for name, table in tables.items()}


@pytest.fixture
def of_old(kind, empty_url, tmp_path):
    """A database as 0.1 made it, with the rows of a history that was lived; and its tables then."""
    (tmp_path / "lived").mkdir()
    with migrated_database(kind, tmp_path / "lived") as url:
        source = open_database(url)
        with writing(source) as conn:
            lived(conn)
        old = create_engine(_plain(empty_url))
        migrate(old, "0001")
        tables = tables_in(old)
        rows = rows_in(source, tables)
        with old.begin() as conn:
            for name, table in tables.items():
                conn.execute(table.insert(), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows[name]])
        source.dispose()
        yield old, tables
        old.dispose()


def _plain(url):
    return url.replace("postgresql:", "postgresql+psycopg:")


def test_an_upgrade_keeps_every_row_and_the_history_goes_on(of_old, empty_url):
    old, tables = of_old
    before = rows_in(old, tables)
    assert "is_late_charge" not in tables["items"].columns
    assert all(before.values()), "a table of 0.1 has no row to lose"
    engine = open_database(empty_url)
    assert rows_in(engine, tables) == before
    with writing(engine) as conn:
        assert set(inspect(conn).get_table_names()) > tables.keys()
        assert (item(conn, "i1/1").is_late_charge, item(conn, "i1/1").ledger_late_fee, told_days(conn, COMPANY)) == (False, "", {})
        assert (item(conn, "i1/1").next_charge_on, charges_with(conn, COMPANY)) == (None, [])
        assert (item(conn, "i1/1").discount_until, item(conn, "i1/1").look_for_discount, credits_with(conn, COMPANY)) == (None, False, [])
        store(conn, invoice("i1", is_late_charge=True), invoice("i3", "c2", ledger_late_fee="Late fee"))
        assert (item(conn, "i1/1").is_late_charge, item(conn, "i1/1").level_key) == (True, "reminder")
        assert [entry.item.id for action in planned(conn) for entry in action.items] == ["i2/1", "i3/1"]
        assert due_item_ids(conn, COMPANY, TODAY) == ["i3/1"]
        mark_everything(conn, COMPANY)
        assert due_item_ids(conn, COMPANY, TODAY) == ["i2/1", "i3/1"]
    with reading(engine) as conn:
        assert audit.verify(conn, COMPANY).broken_at is None
        assert [hold.reason for hold in active_holds(conn, COMPANY)] == ["by phone"]
        assert [facts.customer.id for facts in facts_of(conn, COMPANY, ["c1", "c2"])] == ["c1", "c2"]
    engine.dispose()
