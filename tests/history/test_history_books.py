"""What the ledger said: cycles, passes, customers, and rows and cursor in one transaction."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from history.sample_books import COMPANY, RULES, TODAY, customer, eur, invoice, item, page, planned, store
from puntual.core.history.books import (
    close_vanished,
    cursor_of,
    ensure_company,
    note_contact,
    store_page,
    vanished_in_pass,
)
from puntual.core.history.database import reading, writing
from puntual.core.history.read import (
    books_state,
    credits_by_customer,
    currencies_in_books,
    facts_of,
    find_items,
    open_counts,
    open_late_charges,
)
from puntual.core.history.tables import allocations, items
from puntual.core.receivables import Allocation, CreditKind, CreditNote, DocumentStatus, Instalment, LedgerContact, Payment
from sqlalchemy import select, update

SENT = {"level_key": "reminder", "level_days": 1, "level_on": TODAY, "level_sends": 1, "task_key": "x|1|0"}


@pytest.fixture
def conn(engine):
    with writing(engine) as opened:
        yield opened


def remind(conn, key="i1/1"):
    conn.execute(update(items).where(items.c.company == COMPANY, items.c.item_id == key).values(**SENT))


def state(conn, key="i1/1"):
    row = item(conn, key)
    return row.status, row.cycle, row.level_key, row.level_sends


def test_an_item_comes_back_as_the_ledger_said_it(conn):
    told = invoice(contact_id="p1", reference="PO 7", disputed="", page_url="https://pay.example/1", version="3")
    store(conn, told)
    facts = next(facts_of(conn, COMPANY, ["c1"]))
    only = facts.items[0]
    assert (only.cycle, only.level.key, only.open_attempt) == (1, "", "")
    got = only.item
    assert (got.id, got.number, got.due_date, got.total, got.outstanding) == ("i1/1", "F-i1", told.due_date, eur("100"), eur("100"))
    assert (got.contact_id, got.reference, got.page_url, got.version) == ("p1", "PO 7", "https://pay.example/1", "3")
    assert facts.customer == customer()


def charges(conn):
    return [one.item.id for one in next(facts_of(conn, COMPANY, ["c1"])).items if one.item.is_late_charge]


def test_what_marks_a_late_charge_comes_back_and_can_be_taken_back(conn):
    store(conn, invoice(is_late_charge=True), invoice("i2", ledger_late_fee="Late fee"))
    assert charges(conn) == ["i1/1"]
    assert ([item(conn, f"i{n}/1").ledger_late_fee for n in (1, 2)], open_late_charges(conn, COMPANY)) == (["", "Late fee"], 1)
    remind(conn)
    store(conn, invoice(), invoice("i2"))
    assert charges(conn) == []
    assert (state(conn), item(conn, "i2/1").ledger_late_fee, open_late_charges(conn, COMPANY)) == (("open", 1, "reminder", 1), "", 0)
    store(conn, invoice(is_late_charge=True, paid="100"))
    assert open_late_charges(conn, COMPANY) == 0


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1234567"), ("KWD", "12.345"), ("EUR", "0.01"), ("EUR", "99999999999.99")])
def test_amounts_are_exact_in_every_currency(conn, currency, amount):
    total = replace(eur("0"), currency=currency).of(amount, currency)
    store(conn, replace(invoice(), instalments=(Instalment(1, TODAY, total, total),)))
    assert next(facts_of(conn, COMPANY, ["c1"])).items[0].item.outstanding == total
    assert currencies_in_books(conn, COMPANY) == [currency]


def test_a_part_payment_keeps_the_level(conn):
    store(conn, invoice())
    remind(conn)
    store(conn, invoice(paid="40"))
    assert state(conn) == ("open", 1, "reminder", 1)
    assert item(conn, "i1/1").outstanding_minor == 6_000


def test_settled_and_open_again_is_a_new_cycle_without_a_level(conn):
    store(conn, invoice())
    remind(conn)
    assert store(conn, invoice(paid="100")).settled == ("i1/1",)
    assert state(conn) == ("paid", 1, "reminder", 1)
    assert item(conn, "i1/1").next_action_on is None
    store(conn, invoice())
    assert state(conn) == ("open", 2, "", 0)
    assert item(conn, "i1/1").task_key == ""
    assert item(conn, "i1/1").next_action_on == TODAY


def test_a_new_cycle_does_not_forget_a_mail_of_unknown_end(conn):
    store(conn, invoice())
    conn.execute(update(items).values(open_attempt="a1"))
    store(conn, invoice(paid="100"))
    store(conn, invoice())
    assert (item(conn, "i1/1").open_attempt, item(conn, "i1/1").next_action_on) == ("a1", None)


@pytest.mark.parametrize("status", [DocumentStatus.VOID, DocumentStatus.DELETED, DocumentStatus.DRAFT])
def test_void_deleted_and_draft_close_the_item_without_settling_it_and_keep_its_level(conn, status):
    store(conn, invoice())
    remind(conn)
    assert store(conn, invoice(status=status)).settled == ()
    assert state(conn) == (status.value, 1, "reminder", 1)
    assert planned(conn) == ()
    store(conn, invoice())
    assert state(conn) == ("open", 1, "reminder", 1)


def test_an_instalment_that_is_paid_settles_alone_and_one_that_disappears_is_gone(conn):
    first, second = Instalment(1, TODAY, eur("60"), eur("60")), Instalment(2, TODAY + timedelta(days=30), eur("40"), eur("40"))
    store(conn, replace(invoice(), instalments=(first, second)))
    assert store(conn, replace(invoice(), instalments=(replace(first, outstanding=eur("0")), second))).settled == ("i1/1",)
    assert (state(conn, "i1/1")[0], state(conn, "i1/2")[0]) == ("paid", "open")
    store(conn, replace(invoice(), instalments=(replace(first, outstanding=eur("0")),)))
    assert (state(conn, "i1/2")[0], item(conn, "i1/2").next_action_on) == ("deleted", None)


def test_an_invoice_of_a_customer_nobody_described_is_kept_and_not_chased(conn):
    store(conn, invoice(owner="ghost"), people=())
    assert (state(conn)[0], item(conn, "i1/1").next_action_on, planned(conn)) == ("open", None, ())
    store(conn, people=(customer("ghost"),))
    assert [entry.item.id for action in planned(conn) for entry in action.items] == ["i1/1"]


def test_the_last_contact_stays_when_the_customer_is_told_again(conn):
    store(conn, invoice())
    note_contact(conn, COMPANY, "c1", TODAY, "email 'reminder'")
    store(conn, invoice(), people=(customer(name="New name"),))
    facts = next(facts_of(conn, COMPANY, ["c1"]))
    assert (facts.customer.name, facts.last_contact.on, facts.last_contact.how) == ("New name", TODAY, "email 'reminder'")


def test_only_a_later_contact_replaces_the_last_one_and_those_of_people_count(conn):
    store(conn, invoice(), contacts_made=(LedgerContact("l1", "c1", TODAY, "mail by Eva"),))
    note_contact(conn, COMPANY, "c1", TODAY - timedelta(days=3), "an older one")
    contact = next(facts_of(conn, COMPANY, ["c1"])).last_contact
    assert (contact.on, contact.how) == (TODAY, "mail by Eva, found in the ledger")
    assert planned(conn) == ()


def test_credits_are_what_is_left_of_open_documents(conn):
    note = CreditNote("n1", "R-1", "c1", TODAY, eur("50"), eur("20"))
    paid = Payment("p1", "c1", TODAY, eur("30"), eur("30"), status=DocumentStatus.PAID)
    voided = Payment("p2", "c1", TODAY, eur("30"), eur("30"), status=DocumentStatus.VOID)
    store(conn, invoice(), credit_notes=(note,), payments=(paid, voided))
    found = credits_by_customer(conn, COMPANY, ["c1"])["c1"]
    assert [(one.id, one.kind, one.remaining) for one in found] == [
        ("n1", CreditKind.CREDIT_NOTE, eur("20")),
        ("p1", CreditKind.PAYMENT, eur("30")),
    ]
    store(conn, credit_notes=(replace(note, remaining=eur("0")),), payments=(replace(paid, status=DocumentStatus.DELETED),))
    assert credits_by_customer(conn, COMPANY, ["c1"]) == {}


def test_allocations_are_replaced_by_their_id(conn):
    used = Allocation("a1", "i1", "p1", CreditKind.PAYMENT, eur("30"), TODAY)
    store(conn, invoice(), allocations=(used,))
    store(conn, allocations=(replace(used, amount=eur("0")),))
    assert conn.execute(select(allocations.c.amount_minor)).scalars().all() == [0]


def test_allocations_that_the_ledger_took_back_are_forgotten(conn):
    """Only those of documents of which the page knows all; each with what the page still says of it, and of this company alone."""
    used = [
        Allocation(f"{source}>{key}", key, source, CreditKind.PAYMENT, eur("9"), TODAY) for key in ("i1", "i2") for source in ("p1", "p2")
    ]
    store(conn, invoice(), invoice("i2"), allocations=tuple(used))
    ensure_company(conn, "other")
    store(conn, invoice(), allocations=tuple(used), company="other")

    def left(company=COMPANY):
        known = select(allocations.c.allocation_id).where(allocations.c.company == company)
        return set(conn.execute(known).scalars())

    store(conn, invoice(), allocations=(used[1],), allocations_known_of=("i1",))
    assert left() == {"p2>i1", "p1>i2", "p2>i2"}
    store(conn, allocations_known_of=("p2", "i9"))
    assert left() == {"p1>i2"}
    store(conn, invoice("i2", paid="9"))
    assert left() == {"p1>i2"}
    assert len(left("other")) == 4


def test_what_the_ledger_deleted_is_closed_with_all_that_hung_on_it(conn):
    paid = Payment("p1", "c1", TODAY, eur("50"), eur("20"))
    note = CreditNote("n1", "N-1", "c1", TODAY, eur("8"), eur("8"))
    used = Allocation("p1>i1", "i1", "p1", CreditKind.PAYMENT, eur("30"), TODAY)
    kept = Allocation("p1>i2", "i2", "p1", CreditKind.PAYMENT, eur("9"), TODAY)
    told = {"payments": (paid,), "credit_notes": (note,), "allocations": (used, kept)}
    store(conn, invoice(), invoice("i2"), **told)
    ensure_company(conn, "other")
    store(conn, invoice(), company="other", **told)
    store(conn, deleted_ids=("i1", "n1", "unknown"))
    gone, open_still = item(conn, "i1/1"), item(conn, "i2/1")
    assert (gone.status, gone.next_action_on, open_still.status) == ("deleted", None, "open")
    assert open_still.next_action_on is not None
    assert [(credit.id, credit.remaining) for credit in credits_by_customer(conn, COMPANY, ["c1"])["c1"]] == [("p1", eur("20"))]
    assert conn.execute(select(allocations.c.allocation_id).where(allocations.c.company == COMPANY)).scalars().all() == ["p1>i2"]
    store(conn, deleted_ids=("p1",))
    assert credits_by_customer(conn, COMPANY, ["c1"]) == {}
    assert len(credits_by_customer(conn, "other", ["c1"])["c1"]) == 2
    assert item(conn, "i1/1", "other").status == "open"


def test_so_many_documents_are_known_of_that_they_go_in_portions(conn):
    used = Allocation("a1", "i1", "p1", CreditKind.PAYMENT, eur("30"), TODAY)
    store(conn, invoice(), allocations=(used,))
    store(conn, allocations_known_of=(*(f"x{n}" for n in range(1999)), "i1"))
    assert conn.execute(select(allocations.c.allocation_id)).all() == []


def test_the_newest_bank_entry_never_gets_older(conn):
    for on in (date(2026, 5, 1), date(2026, 5, 10), date(2026, 5, 4), None):
        store(conn, last_bank_entry_on=on)
    assert books_state(conn, COMPANY).last_bank_entry_on == date(2026, 5, 10)


def test_rows_and_cursor_change_together_or_not_at_all(engine):
    with writing(engine) as conn:
        store(conn, invoice(), cursor="7")

    def store_and_die():
        with writing(engine) as conn:
            store(conn, invoice("i2"), cursor="8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store_and_die()
    with reading(engine) as conn:
        assert (cursor_of(conn, COMPANY), find_items(conn, COMPANY, "i2")) == ("7", [])


def test_the_same_page_again_changes_nothing(conn):
    told = page(invoice(), invoice("i2", late=-20), payments=(Payment("p1", "c1", TODAY, eur("5"), eur("5")),))
    store_page(conn, COMPANY, told, RULES, TODAY)
    remind(conn)
    store_page(conn, COMPANY, told, RULES, TODAY)
    before = conn.execute(select(items).order_by(items.c.item_id)).all()
    store_page(conn, COMPANY, told, RULES, TODAY)
    assert conn.execute(select(items).order_by(items.c.item_id)).all() == before


def test_a_complete_pass_closes_what_it_did_not_see_with_its_credits(conn):
    credit = CreditNote("n1", "R-1", "c1", TODAY, eur("50"), eur("20"))
    store(conn, invoice("i1"), invoice("i2"), credit_notes=(credit,), starts_pass=True, ends_pass=True)
    store(conn, invoice("i2"), starts_pass=True)
    assert (state(conn)[0], vanished_in_pass(conn, COMPANY)) == ("open", (2, 1))
    store(conn, invoice("i3"), ends_pass=True)
    assert close_vanished(conn, COMPANY) == 1
    assert [state(conn, f"i{n}/1")[0] for n in (1, 2, 3)] == ["deleted", "open", "open"]
    assert credits_by_customer(conn, COMPANY, ["c1"]) == {}
    assert open_counts(conn, COMPANY, TODAY) == (1, 2, 2)


def test_a_pass_that_died_and_is_repeated_closes_only_what_the_repeated_one_did_not_see(conn):
    store(conn, invoice("i1"), invoice("i2"), starts_pass=True, ends_pass=True)
    store(conn, invoice("i1"), starts_pass=True)
    store(conn, invoice("i2"), starts_pass=True)
    store(conn, invoice("i1"), ends_pass=True)
    assert (vanished_in_pass(conn, COMPANY), close_vanished(conn, COMPANY)) == ((2, 0), 0)


def test_what_comes_after_a_pass_is_not_closed_by_it(conn):
    store(conn, invoice("i1"), starts_pass=True, ends_pass=True)
    close_vanished(conn, COMPANY)
    store(conn, invoice("i2"))
    assert close_vanished(conn, COMPANY) == 0


def test_what_vanished_and_comes_back_keeps_its_level(conn):
    store(conn, invoice("i1"), invoice("i2"), starts_pass=True, ends_pass=True)
    remind(conn)
    store(conn, invoice("i2"), starts_pass=True, ends_pass=True)
    close_vanished(conn, COMPANY)
    store(conn, invoice("i1"))
    assert state(conn) == ("open", 1, "reminder", 1)


def test_an_invoice_that_changes_its_customer_is_found_with_the_new_one(conn):
    store(conn, invoice())
    store(conn, invoice(owner="c2"), people=(customer("c2"),))
    assert [facts.customer.id for facts in facts_of(conn, COMPANY, ["c1", "c2"])] == ["c2"]


def test_an_invoice_is_found_by_number_or_id_open_or_not(conn):
    ensure_company(conn, COMPANY)
    store(conn, invoice(paid="100"), invoice("i2"))
    assert [row.item_id for row in find_items(conn, COMPANY, "F-i1")] == ["i1/1"]
    assert [row.item_id for row in find_items(conn, COMPANY, "i2")] == ["i2/1"]
    assert find_items(conn, COMPANY, "nothing") == []
