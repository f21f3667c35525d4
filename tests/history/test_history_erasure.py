"""Erasing customers: nothing of a person is left anywhere, what is left still proves itself, and nobody comes back unasked."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from history.charge_samples import due
from history.sample_books import AT, COMPANY, RULES, TODAY, customer, eur, invoice, item, planned, store
from puntual.core.bookings import Note
from puntual.core.dunning.facts import HoldKind
from puntual.core.history import attempts, charges, holds, told_payments, work
from puntual.core.history import credits as wanted
from puntual.core.history.about import rows_about
from puntual.core.history.attempts import AttemptStatus, Ending
from puntual.core.history.audit import TrailBroken, append, entries_of, erase_data, verify
from puntual.core.history.books import UNKNOWN_CUSTOMER, ensure_company, store_fresh
from puntual.core.history.database import open_database, writing
from puntual.core.history.erasure import erase, leave_no_trace, what_keeps
from puntual.core.history.read import customers_by_id, facts_of
from puntual.core.history.retention import date_undated, has_undated, stale_customers, years_before
from puntual.core.history.tables import audit, bad_addresses, customers, metadata
from puntual.core.history.tombstones import names_wanted, names_were_looked_for, pseudonym_of
from puntual.core.receivables import Contact, CreditNote, LedgerContact, Payment
from sqlalchemy import select, update

HER = "ana-perez"
ERASED = pseudonym_of(COMPANY, HER)
ANA = customer(
    HER,
    name="Ana Pérez",
    email="ana@perez.example",
    phone="+34 600 111 222",
    contacts=(Contact("k1", "Rosa Gil", "rosa@perez.example", "+34 600 333 444"),),
)
OWED = {"owner": HER, "reference": "for the kitchen", "contact_id": "k1", "page_url": "https://pay.example/x1", "disputed": "too dear"}
TRACES = ("ana", "pérez", "perez", "rosa", "kitchen", "600 111", "600 333", "pay.example", "too dear", "secret", "mailbox full", 'k1"')
MENTIONED = {"alarms": ["Rosa Gil called", "2 customers"]}


def lived(conn):
    """A customer of whom every table knows something and of whom nothing is open any more, and another one beside her."""
    store(conn, invoice("i1", **OWED | {"disputed": ""}), invoice("i2", "c2"), people=(ANA, customer("c2")))
    for attempt in attempts.claim(conn, COMPANY, "r", planned(conn), TODAY, AT)[0]:
        attempts.begin(conn, COMPANY, attempt)
        is_hers = attempt.action.customer.id == HER
        ending = Ending(AttemptStatus.SENT, "<1@acme.example>", *(("mailbox full", "rosa@perez.example") if is_hers else ()))
        attempts.settle(conn, COMPANY, attempt, ending, TODAY, AT)
    held = holds.add_hold(conn, COMPANY, HoldKind.DISPUTE, HER, "i1", "a secret", None, "eva", AT)
    holds.end_holds(conn, COMPANY, [held.id], "Ana was right", "eva", AT)
    work.put_on_list(conn, COMPANY, work.WorkItem("t1", "call", HER, "Call Ana", "Her number: +34 600 111 222", TODAY), AT)
    work.finish_work(conn, COMPANY, "t1", "Rosa promised", "eva", AT)
    work.put_on_list(conn, COMPANY, work.WorkItem("t2", "call", HER, "Call Ana again", "", TODAY), AT)
    work.queue_notes(conn, COMPANY, [Note("m1", "i1", HER, "Sent to rosa@perez.example", TODAY)])
    work.note_written(conn, COMPANY, {"m1": "note-77"})
    (charge,) = charges.decide(conn, COMPANY, [due("i1", HER)], TODAY, AT)
    charges.waive(conn, COMPANY, charge, "Ana asked kindly", "eva", AT)
    (credit,) = wanted.want_credits(conn, COMPANY, [a_credit()], AT)
    wanted.close_credit(conn, COMPANY, credit, "Ana let it be", "eva", AT)
    payment = told_payments.ToldPayment("stripe", "pi", "puntual:p", "i1", "i1/1", eur("100"), TODAY, "plink", detail="by Ana")
    told_payments.keep_payment(conn, COMPANY, replace(payment, status=told_payments.PaymentStatus.CLOSED), AT)
    append(conn, COMPANY, AT, [("guard", MENTIONED)])
    settle(conn)


def a_credit():
    reversal = wanted.CreditFor.REVERSAL
    return wanted.KeptCredit("puntual:m1", reversal, "i1/1", "i1", "F-i1", "L-1", "L-1", HER, eur("15"), "For Ana", "why Ana", TODAY)


def settle(conn):
    """She pays."""
    paid = Payment("p1", HER, TODAY, eur("100"), eur("0"), "transfer of Ana")
    talked = LedgerContact("m", HER, TODAY, "a mail by Ana")
    store(conn, invoice("i1", paid="100", **OWED), people=(), payments=(paid,), contacts_made=(talked,))


def erase_her(conn):
    return erase(conn, COMPANY, [HER], "she asked", "eva", AT + timedelta(days=1))


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        lived(opened)
        yield opened


def everything(conn):
    return {table.name: json.dumps([list(map(str, row)) for row in conn.execute(select(table))], ensure_ascii=False).casefold()
            for table in metadata.sorted_tables}  # fmt: skip


def traces(conn):
    """Where something of her still stands."""
    return {(name, trace) for name, text in everything(conn).items() for trace in TRACES if trace in text}


def test_nothing_of_a_person_is_left_in_any_table_and_the_rest_is_as_it_was(conn):
    assert {name for name, _ in traces(conn)} >= {"customers", "items", "attempts", "holds", "work_list", "write_backs", "audit"}
    assert {name for name, _ in traces(conn)} >= {"late_charges", "credits_wanted", "told_payments", "bad_addresses", "unapplied_credits"}
    others = [row for row in map(str, conn.execute(select(audit.c.data))) if '"c2"' in row]
    done = erase_her(conn)
    assert traces(conn) == set()
    assert [row for row in map(str, conn.execute(select(audit.c.data))) if '"c2"' in row] == others
    assert (done.customers, done.documents, done.notes_in_books) == (1, 1, 1)
    row = item(conn, "i1/1")
    assert (row.customer_id, row.number, row.total_minor, row.status, row.level_key) == (ERASED, "F-i1", 10_000, "paid", "reminder")
    assert customers_by_id(conn, COMPANY, [ERASED])[ERASED].name == "(erased)"
    assert [facts.customer.id for facts in facts_of(conn, COMPANY, ["c2", ERASED])] == ["c2"]
    assert work.waiting_work(conn, COMPANY) == []


def test_the_trail_is_whole_and_says_what_was_erased_by_which_entry(conn):
    before = verify(conn, COMPANY)
    done = erase_her(conn)
    report = verify(conn, COMPANY)
    assert (report.broken_at, report.entries) == (None, before.entries + 1)
    assert dict(report.erased) == {before.entries + 1: done.entries}
    assert done.said_by == (before.entries + 1,)
    said, *rest = entries_of(conn, COMPANY)
    assert (said.kind, said.data["customers"], said.data["why"], said.data["by"]) == ("erased", [ERASED], "she asked", "eva")
    sent = next(entry for entry in rest if entry.kind == "sent" and entry.data["customer"] == ERASED)
    assert sent.data["items"] == [{"item": "i1/1", "level": "reminder", "number": "F-i1", "outstanding": "100.00 EUR"}]
    assert not {"recipient", "detail", "reason", "vendor_id"} & sent.data.keys()
    assert next(entry for entry in rest if entry.kind == "guard").data == {"alarms": ["", "2 customers"]}


@pytest.mark.parametrize(
    ("column", "value"),
    [("data", '{"customer":"c9"}'), ("at", "2026-05-14"), ("kind", "run"), ("hash", "0" * 64), ("previous_hash", "0" * 64)],
)
def test_an_erased_entry_that_is_changed_is_found(conn, column, value):
    erase_her(conn)
    seq = next(entry.seq for entry in entries_of(conn, COMPANY) if entry.kind == "hold")
    conn.execute(update(audit).where(audit.c.seq == seq).values({column: value}))
    assert verify(conn, COMPANY).broken_at in (seq, seq + 1)


def test_an_entry_that_only_looks_erased_is_found(conn):
    erase_her(conn)
    seq = next(entry.seq for entry in entries_of(conn, COMPANY) if entry.kind == "sent" and entry.data["customer"] == "c2")
    conn.execute(update(audit).where(audit.c.seq == seq).values(data='{"customer":"c2"}'))
    assert verify(conn, COMPANY).broken_at == seq


def test_data_that_were_put_back_and_a_list_that_was_changed_are_found(conn):
    known = dict(conn.execute(select(audit.c.seq, audit.c.data)).all())
    (said_by,) = erase_her(conn).said_by
    seq = next(entry.seq for entry in entries_of(conn, COMPANY) if entry.kind == "hold")
    listed = conn.execute(select(audit.c.data).where(audit.c.seq == said_by)).scalar_one()
    conn.execute(update(audit).where(audit.c.seq == seq).values(data=known[seq]))
    assert verify(conn, COMPANY).broken_at == seq
    for forged in ("{", "[]", '{"entries":[[1]]}', listed.replace(f"[{seq},", f"[{seq + 1000},")):
        conn.execute(update(audit).where(audit.c.seq == said_by).values(data=forged))
        assert verify(conn, COMPANY).broken_at is not None


def test_nothing_is_erased_from_a_broken_trail_and_a_long_list_is_said_in_parts(conn, engine):
    change = conn.begin_nested()
    conn.execute(update(audit).where(audit.c.seq == 1).values(data="{}"))
    with pytest.raises(TrailBroken, match="Entry 1 was changed"):
        erase_her(conn)
    change.rollback()
    ensure_company(conn, "big")
    append(conn, "big", AT, [("x", {"name": "Ana", "n": number}) for number in range(1001)])
    assert erase_data(conn, "big", AT, {seq: {} for seq in range(1, 1002)}, {"why": "all"}) == [1002, 1003, 1004]
    report = verify(conn, "big")
    assert (report.broken_at, dict(report.erased)) == (None, {1002: 500, 1003: 500, 1004: 1})


def test_who_is_erased_does_not_come_back_with_the_next_reading(conn):
    erase_her(conn)
    settle(conn)
    note = CreditNote("n1", "R-1", HER, TODAY, eur("5"), eur("0"))
    store(conn, people=(ANA, customer("c3", parent_id=HER)), credit_notes=(note,))
    store_fresh(conn, COMPANY, [invoice("i1", paid="100", **OWED)], RULES, TODAY, AT)
    assert traces(conn) == set()
    assert customers_by_id(conn, COMPANY, ["c3"])["c3"].parent_id == ERASED
    assert not names_wanted(conn, COMPANY)


@pytest.mark.parametrize("comes_with_its_invoice", [True, False])
def test_who_owes_something_new_comes_back_with_the_name_and_is_not_chased_before(conn, comes_with_its_invoice):
    erase_her(conn)
    store(conn, people=(ANA,))
    store(conn, invoice("i9", **OWED | {"disputed": ""}), people=(ANA,) if comes_with_its_invoice else ())
    known = customers_by_id(conn, COMPANY, [HER])[HER]
    if comes_with_its_invoice:
        assert not names_wanted(conn, COMPANY)
    else:
        assert (known.do_not_chase, names_wanted(conn, COMPANY)) == (UNKNOWN_CUSTOMER, True)
        assert HER not in {action.customer.id for action in planned(conn)}
        store(conn, people=(ANA,))
        assert not names_wanted(conn, COMPANY)
    assert customers_by_id(conn, COMPANY, [HER])[HER] == ANA
    assert HER in {action.customer.id for action in planned(conn)}
    assert (item(conn, "i1/1").customer_id, item(conn, "i9/1").customer_id) == (ERASED, HER)
    store(conn, invoice("i9", paid="100", **OWED), people=())
    erase_her(conn)
    assert (traces(conn), verify(conn, COMPANY).broken_at) == (set(), None)


def test_an_invoice_of_old_that_is_open_again_brings_its_customer_back_and_a_whole_pass_asks_no_longer(conn):
    erase_her(conn)
    store(conn, invoice("i1", **OWED), people=())
    assert (item(conn, "i1/1").customer_id, names_wanted(conn, COMPANY)) == (HER, True)
    names_were_looked_for(conn, COMPANY)
    assert not names_wanted(conn, COMPANY)


def test_what_is_open_keeps_from_erasing_and_is_named(engine):
    with writing(engine) as conn:
        store(
            conn, invoice("i1", HER), invoice("i3", "child"), people=(ANA, customer("child", parent_id=HER), customer("c2"), customer("c4"))
        )
        attempt = attempts.claim(conn, COMPANY, "r", planned(conn)[:1], TODAY, AT)[0][0]
        held = holds.add_hold(conn, COMPANY, HoldKind.PROMISE, HER, "i1", "x", TODAY, "eva", AT)
        work.queue_notes(conn, COMPANY, [Note("m1", "i1", HER, "x", TODAY)])
        charges.decide(conn, COMPANY, [due("i1", HER)], TODAY, AT)
        wanted.want_credits(conn, COMPANY, [a_credit()], AT)
        told = told_payments.ToldPayment("stripe", "pi", "puntual:p", "i1", "i1/1", eur("1"), TODAY, "plink")
        told_payments.keep_payment(conn, COMPANY, told, AT)
        store(conn, people=(), payments=(Payment("p1", "c4", TODAY, eur("5"), eur("5")),))
        kept = what_keeps(conn, COMPANY, [HER, "c2", "c4", "nobody"])
    assert kept["c4"] == ["a credit is left over"]
    assert set(kept) == {HER, "c4"}
    said = "; ".join(kept[HER])
    for what in ("invoice F-i1 is open", f"promise {held.id}", attempt.id, "late charge", "a credit on F-i1", "a note waits",
                 "a payment for F-i1", "F-i3 of a customer that belongs to it"):  # fmt: skip
        assert what in said, what


def test_an_address_that_another_customer_has_too_stays_known_as_bad(conn):
    store(conn, people=(customer("c2", email="Rosa@Perez.example"),))
    erase_her(conn)
    assert list(conn.execute(select(bad_addresses.c.email)).scalars()) == ["rosa@perez.example"]


def test_all_that_is_kept_about_a_customer_can_be_shown_and_nothing_of_others(conn):
    found = rows_about(conn, COMPANY, HER)
    tables = {"customers", "items", "attempts", "holds", "work_list", "write_backs", "late_charges", "credits_wanted", "told_payments"}
    assert set(found) == tables | {"unapplied_credits", "bad_addresses", "audit"}
    assert found["customers"][0]["data"][0] == "ana@perez.example"
    assert '"c2"' not in json.dumps(found, default=str)
    erase_her(conn)
    assert rows_about(conn, COMPANY, HER) == {}


def test_customers_whose_time_is_over_are_those_of_whom_nothing_happened_and_nothing_is_open(engine):
    year = timedelta(days=365)
    with writing(engine) as conn:
        old, never = customer("old"), customer("never")
        store(conn, invoice("o", "old", late=3000, paid="100"), people=(old, never, customer("c1")), on=TODAY - 8 * year)
        store(conn, invoice("i1", late=3000), people=(customer("new"),), on=TODAY)
        assert stale_customers(conn, COMPANY, years_before(TODAY, 6)) == ["never", "old"]
        holds.add_hold(conn, COMPANY, HoldKind.MANUAL, "old", "", "x", None, "eva", AT)
        assert stale_customers(conn, COMPANY, years_before(TODAY, 6)) == ["never"]
        conn.execute(update(customers).values(known_on=None))
        assert (stale_customers(conn, COMPANY, TODAY), has_undated(conn, COMPANY)) == ([], True)
        date_undated(conn, COMPANY, TODAY)
        assert (stale_customers(conn, COMPANY, TODAY), has_undated(conn, COMPANY)) == ([], False)
    assert years_before(date(2028, 2, 29), 1) == date(2027, 2, 28)


def test_nothing_is_left_in_the_files_of_sqlite_either(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'history.db'}")
    with writing(engine) as conn:
        ensure_company(conn, COMPANY)
        lived(conn)
    for length in (40, 4000, 1):
        with writing(engine) as conn:
            store(conn, people=(replace(ANA, groups=("Kitchens " * length,)),))
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "Ana Pérez".encode() in held
    with writing(engine) as conn:
        erase_her(conn)
    assert leave_no_trace(engine)
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace").casefold()
    engine.dispose()
    assert [trace for trace in TRACES if trace in held and trace not in ("ana", 'k1"')] == []
    assert "ana@" not in held
