"""Two companies in one database with the same ids everywhere never see each other; and no query is written without its company."""

import ast
import inspect
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from history.charge_samples import CHARGING, due
from history.renewing import authorization
from history.sample_books import AT, RULES, TODAY, customer, eur, invoice, item, planned, store
from puntual.core.access import Purpose, Quota, QuotaPeriod
from puntual.core.bookings import ChargeMade, CreditMade, Note, PaymentRecorded
from puntual.core.dunning.expected import NOTHING, Told
from puntual.core.dunning.facts import Hold, HoldKind
from puntual.core.history import (
    attempts,
    audit,
    authorizations,
    books,
    charge_marks,
    charge_reading,
    charges,
    discount_marks,
    discount_reading,
    expected,
    holds,
    hosting_tables,
    links,
    quotas,
    read,
    runs,
    told_payments,
    warnings,
    work,
)
from puntual.core.history import credits as wanted_credits
from puntual.core.history.attempts import AttemptStatus, Ending
from puntual.core.history.charge_rows import ChargeStatus
from puntual.core.history.database import writing
from puntual.core.history.tables import metadata
from puntual.core.money import Money
from puntual.core.receivables import CreditNote
from sqlalchemy import Table, select

OF_A_COMPANY = metadata.tables.keys() - {table.name for table in vars(hosting_tables).values() if isinstance(table, Table)}
"""The tables of what happens to companies; those of a host are asked about all of them at once."""

ONE, OTHER = "one", "other"
LINK = links.KeptLink("stripe", "l1", "i1/1", eur("100"), "es", AT)
PAYMENT = told_payments.ToldPayment("stripe", "pi", "puntual:p", "i1", "i1/1", eur("9"), TODAY, "l1")
QUOTA = Quota("calls", 10, QuotaPeriod.DAY, reserve=2)
MODULES = (
    "attempts",
    "audit",
    "authorizations",
    "books",
    "charge_marks",
    "charge_reading",
    "charges",
    "credits",
    "discount_marks",
    "discount_reading",
    "expected",
    "holds",
    "links",
    "past",
    "quotas",
    "read",
    "runs",
    "told_payments",
    "waking",
    "warnings",
    "work",
)


def credit(name="m1", **more):
    reversal = wanted_credits.CreditFor.REVERSAL
    return wanted_credits.KeptCredit(
        f"puntual:{name}", reversal, "i1/1", "i1", "F-i1", "L-1", "L-1", "c1", eur("15"), "text", "why", TODAY, **more
    )


@pytest.fixture
def conn(engine):
    """Both companies have a customer c1 with an invoice i1 and a credit n1; the other company's i1 is larger."""
    with writing(engine) as opened:
        for company, total in ((ONE, "100"), (OTHER, "900")):
            books.ensure_company(opened, company)
            note = CreditNote("n1", "R-1", "c1", TODAY, eur("5"), eur("5"))
            owed = invoice(total=total, paid="1")
            store(opened, owed, company=company, starts_pass=True, ends_pass=True, credit_notes=(note,), cursor=company)
            expected.remember(opened, company, {"i1": Told(AT.date(), True)})
            warnings.note_warnings(opened, company, ["two"], TODAY, AT)
            authorizations.put(opened, company, "x", authorization(), f"sealed for {company}", AT)
            quotas.count_call(opened, company, QUOTA, Purpose.READING, AT)
            links.keep_links(opened, company, [LINK], AT)
            charges.note_announced(opened, company, [("i1/1", "fee")], TODAY)
            charges.decide(opened, company, [due("i1"), due("i1", asks=True, rule="other")], TODAY, AT)
            wanted_credits.want_credits(opened, company, [credit(), credit("m2", status=wanted_credits.CreditStatus.WAITING)], AT)
            told_payments.keep_payment(opened, company, PAYMENT, AT)
            discount_marks.mark_all_part_paid(opened, company)
        yield opened


def rows_of(conn, company):
    """Everything in the database of a company."""
    return {
        table.name: sorted(map(str, conn.execute(select(table).where(table.c.company == company)).all()))
        for table in metadata.sorted_tables
    }


def acted(conn, company):
    """Everything that can happen to a company's history."""
    attempt = attempts.claim(conn, company, "r", planned(conn, company), TODAY, AT)[0][0]
    attempts.begin(conn, company, attempt)
    bad = Ending(AttemptStatus.UNKNOWN, refused_address="c1@example.com")
    attempts.settle(conn, company, attempt, bad, TODAY, AT)
    attempts.resolve_unknown(conn, company, attempt.id, True, "eva", AT)
    hold = holds.add_hold(conn, company, HoldKind.PROMISE, "c1", "i1", "x", TODAY, "eva", AT)
    holds.end_holds(conn, company, [hold.id], "x", "eva", AT)
    holds.add_hold(conn, company, HoldKind.PROMISE, "c1", "i1", "x", TODAY, "eva", AT)
    expected.remember(conn, company, {"i1": NOTHING})
    expected.remember(conn, company, {"i1": Told(TODAY, ours=frozenset({TODAY}))})
    warnings.note_warnings(conn, company, ["one", "two"], TODAY, AT)
    warnings.end_warnings(conn, company, ["one"], AT)
    connection_changed(conn, company)
    links.keep_links(conn, company, [replace(LINK, reference="l2")], AT)
    links.note_ended(conn, company, links.links_to_end(conn, company, ["stripe"], AT + timedelta(days=1), 9), AT)
    charged(conn, company)
    credited(conn, company)
    work.propose(conn, company, [("k", "a")], AT)
    work.approve(conn, company, None, "eva", AT)
    work.put_on_list(conn, company, work.WorkItem("t", "call", "c1", "s", "t", TODAY), AT)
    work.queue_notes(conn, company, [Note("m", "i1", "c1", "t", TODAY)])
    work.note_written(conn, company, {"m": "1"})
    runs.take_lease(conn, company, "r", "me", AT, lambda _: True)
    paid = store(conn, invoice(paid="100"), company=company, starts_pass=True, last_bank_entry_on=TODAY)
    books.kept_promises(conn, company, paid.settled, AT)
    store(conn, company=company, starts_pass=True, ends_pass=True)
    books.close_vanished(conn, company)
    books.wake(conn, company, ["c1"], RULES, TODAY)


def charged(conn, company):
    """Everything that can happen to late charges."""
    charges.note_announced(conn, company, [("i1/1", "third")], TODAY)
    (first,) = charges.charges_with(conn, company, ChargeStatus.APPROVED)
    (asked,) = charges.charges_with(conn, company, ChargeStatus.WAITING)
    work.propose(conn, company, [(str(asked.key), asked.id)], AT)
    charges.begin_writing(conn, company, [first], "m", TODAY, AT)
    charges.free_writing(conn, company, [first], AT)
    charges.settle_refused(conn, company, [first], "no", AT)
    charges.settle_made(conn, company, [first], ChargeMade("m", "i1", "F-i1", True, eur("15")), AT)
    charges.reverse(conn, company, first, eur("5"), "less", "eva", AT)
    charges.take_approvals(conn, company, AT, everything=True)
    charges.drop(conn, company, [(asked, "no")], AT)
    charges.decide(conn, company, [due("i1", rule="other")], TODAY, AT)
    charges.waive(conn, company, asked, "no", "eva", AT)
    charges.remember_amounts(conn, company, [invoice(total="115")])
    charge_marks.look_again(conn, company, {"i1/1": TODAY})
    charge_marks.mark_everything(conn, company)


def credited(conn, company):
    """Everything that can happen to credits and payments."""
    (first,) = wanted_credits.credits_with(conn, company, wanted_credits.CreditStatus.WANTED)
    (asked,) = wanted_credits.credits_with(conn, company, wanted_credits.CreditStatus.WAITING)
    refused = wanted_credits.settle_uncredited(conn, company, first, "no", AT)
    work.propose(conn, company, [(refused.marker, refused.id), (asked.marker, asked.id)], AT)
    wanted_credits.take_credit_approvals(conn, company, TODAY, AT, everything=True)
    wanted_credits.hold_by(conn, company, first, "h", AT)
    wanted_credits.note_released(conn, company, [first], AT)
    wanted_credits.settle_credited(conn, company, first, CreditMade("m1", "n9", "N-9", eur("15")), AT)
    wanted_credits.close_credit(conn, company, asked, "no", "eva", AT)
    wanted_credits.drop_credit(conn, company, asked, "no", AT)
    told = told_payments.settle_unrecorded(conn, company, PAYMENT, "no", AT)
    told_payments.take_payment_approvals(conn, company, AT)
    told_payments.settle_recorded(conn, company, told, PaymentRecorded("m", "p", "P-1", eur("9")), AT)
    told_payments.close_payment(conn, company, told, "no", "eva", AT)
    discount_marks.looked_at(conn, company, ["i1/1"])
    books.store_fresh(conn, company, [invoice(total="115")], RULES, TODAY, AT)


def connection_changed(conn, company):
    """Everything that can happen to a connection and to what is counted on it."""
    for ends in (authorizations.mark_ended, authorizations.put_renewed):
        seen = authorizations.row_of(conn, company)
        assert authorizations.take_renewal(conn, company, seen, "me", AT)
        more = ("me", "no", AT) if ends is authorizations.mark_ended else (authorization(1), "renewed")
        assert ends(conn, company, seen["version"], *more)
        authorizations.give_back(conn, company, "me")
    assert authorizations.put_resealed(conn, company, "renewed", "resealed")
    assert authorizations.forget(conn, company)
    authorizations.put(conn, company, "x", authorization(2), "anew", AT)
    quotas.raise_count(conn, company, QUOTA, 5, AT + timedelta(days=1))


def test_whatever_happens_to_one_company_leaves_the_other_as_it_was(conn):
    before = rows_of(conn, OTHER)
    acted(conn, ONE)
    assert rows_of(conn, OTHER) == before
    assert all(rows_of(conn, ONE)[table] for table in OF_A_COMPANY - {"allocations"})


def test_whatever_happened_to_one_company_the_other_does_not_read_it(conn):
    acted(conn, ONE)
    assert [str(action.totals[0]) for action in planned(conn, OTHER)] == ["899.00 EUR"]
    assert item(conn, "i1/1", OTHER).outstanding_minor == 89_900
    facts = next(read.facts_of(conn, OTHER, ["c1"]))
    assert (facts.last_contact, facts.holds, facts.bad_addresses, len(facts.credits)) == (None, (), frozenset(), 1)
    assert [entry.kind for entry in audit.entries_of(conn, OTHER)] == [
        *("credit_wanted", "credit_wanted", "charge_decided", "charge_decided", "links", "warned")
    ]
    assert [(link.reference, link.why) for link in links.links_of(conn, OTHER, ["i1/1"])["i1/1"]] == [("l1", None)]
    assert (audit.verify(conn, ONE).broken_at, audit.verify(conn, OTHER).entries) == (None, 6)
    assert [one.status.value for one in charges.charges_with(conn, OTHER)] == ["approved", "waiting"]
    assert (charges.announced_days(conn, OTHER, ["i1/1"]), charges.sums_to_write(conn, OTHER)) == ({"i1/1": {"fee": TODAY}}, [eur("15")])
    assert [one.reversed for one in charges.charges_called(conn, OTHER, "")] == [Money.zero("EUR")] * 2
    assert (len(charges.waiting_keys(conn, OTHER)), charges.documents_of(conn, OTHER, ["i1"])) == (1, {})
    assert len(charges.charges_of(conn, OTHER, ["i1/1"])["i1/1"]) == len(charges.charges_with(conn, OTHER))
    (seen,) = charge_reading.charge_facts(conn, OTHER, ["i1/1"], CHARGING, TODAY)
    assert (str(seen.item.total), seen.is_void, len(seen.charges)) == ("900.00 EUR", False, 2)
    assert charge_marks.is_charging(conn, OTHER, RULES.policy)
    assert [one.status.value for one in wanted_credits.credits_with(conn, OTHER)] == ["wanted", "waiting"]
    assert (len(wanted_credits.credits_of(conn, OTHER, ["i1/1"])["i1/1"]), wanted_credits.holding(conn, OTHER)) == (2, [])
    assert (wanted_credits.asked_credits(conn, OTHER), len(wanted_credits.credits_called(conn, OTHER, ""))) == ({"puntual:m2"}, 2)
    assert [one.status.value for one in told_payments.payments_with(conn, OTHER, *told_payments.PaymentStatus)] == ["told"]
    told = told_payments.payment_called(conn, OTHER, "stripe", "pi")
    assert (told, told_payments.refused_payments(conn, OTHER)) == (PAYMENT, frozenset())
    (judged,) = discount_reading.discount_facts(conn, OTHER, ["i1/1"])
    assert (str(judged.item.total), judged.already_credited, discount_marks.touched_items(conn, OTHER)) == ("900.00 EUR", None, ["i1/1"])
    assert (read.is_open(conn, OTHER, "i1/1"), read.is_owed(conn, OTHER, "i1")) == (True, True)
    assert len(read.invoices_called(conn, OTHER, ["i1"])) == 1
    assert (work.approved_keys(conn, OTHER), work.count_waiting(conn, OTHER)) == (frozenset(), 0)
    assert ([one.summary for one in work.waiting_work(conn, OTHER)], warnings.standing_warnings(conn, OTHER)) == (["two"], ["two"])
    assert (expected.active_promises(conn, OTHER), expected.told_days(conn, OTHER)) == ([], {"i1": Told(TODAY, True)})
    assert (expected.open_among(conn, ONE, ["i1"]), expected.open_among(conn, OTHER, ["i1"])) == (set(), {"i1"})
    promise = Hold("h", HoldKind.PROMISE, "c1", "x", until=TODAY)
    assert [len(expected.items_promised(conn, company, [promise])) for company in (ONE, OTHER)] == [0, 1]
    assert (authorizations.access_of(conn, OTHER).state, authorizations.row_of(conn, OTHER)["sealed"]) == ("connected", "sealed for other")
    assert [quotas.calls_made(conn, company, QUOTA, AT) for company in (ONE, OTHER)] == [0, 1]
    assert (books.cursor_of(conn, OTHER), attempts.sent_on_day(conn, OTHER, TODAY)) == (OTHER, 0)
    assert (read.open_counts(conn, OTHER, TODAY), read.open_counts(conn, ONE, TODAY)) == ((1, 1, 1), (0, 0, 0))
    assert runs.take_lease(conn, OTHER, "r", "me", AT, lambda _: True) == ""


def test_both_may_claim_the_same_ids(conn):
    for company in (ONE, OTHER):
        made, lost = attempts.claim(conn, company, "r", planned(conn, company), TODAY, AT)
        assert (len(made), lost) == (1, [])
    attempts.recover(conn, ONE, AT)
    assert (item(conn, "i1/1", ONE).open_attempt, bool(item(conn, "i1/1", OTHER).open_attempt)) == ("", True)


def test_many_customers_are_read_in_batches_and_each_once(conn):
    owners = [customer(f"k{n:04}") for n in range(read.BATCH_CUSTOMERS + 3)]
    store(conn, *(invoice(f"x{o.id}", o.id) for o in owners), people=owners, company=ONE)
    found = [facts.customer.id for facts in read.all_customers(conn, ONE)]
    assert sorted(found) == sorted({"c1", *(o.id for o in owners)})
    assert len(list(read.due_customers(conn, ONE, TODAY + timedelta(days=1)))) == len(found)


def test_every_table_has_the_company_in_its_key():
    assert all("company" in table.primary_key.columns for table in metadata.sorted_tables)
    indexes = [index for table in metadata.sorted_tables if table.name in OF_A_COMPANY for index in table.indexes]
    assert {index.name for index in indexes if index.columns[0].name != "company"} <= {"authorizations_by_tenant"}


@pytest.mark.parametrize("name", MODULES)
def test_every_query_function_takes_the_company(name):
    """A function that is given a connection is given the company as well."""
    module = import_module(f"puntual.core.history.{name}")
    functions = [f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__]
    asked = {f.__name__: list(inspect.signature(f).parameters) for f in functions if "conn" in inspect.signature(f).parameters}
    assert asked
    assert [called for called, parameters in asked.items() if parameters[:2] != ["conn", "company"]] == []


@pytest.mark.parametrize("name", MODULES)
def test_every_statement_names_the_company(name):
    """Each function or constant with a select, update or delete says `company`, itself or in what it is made of. What is
    inserted has the company in its key."""
    tree = ast.parse(Path(inspect.getfile(import_module(f"puntual.core.history.{name}"))).read_text(encoding="utf-8"))
    parts = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    parts |= {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    asking = [name for name, part in parts.items() if any(_asks(node) for node in ast.walk(part))]
    assert asking
    assert [name for name in asking if not _names_company(name, parts, frozenset())] == []


def _asks(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"select", "update", "delete"}


def _names_company(name, parts, seen):
    nodes = list(ast.walk(parts[name]))
    used = {node.id for node in nodes if isinstance(node, ast.Name)} & parts.keys() - seen - {name}
    says = any(isinstance(node, ast.Attribute) and node.attr == "company" for node in nodes)
    return says or any(_names_company(other, parts, seen | {name}) for other in used)
