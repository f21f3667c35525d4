"""Credits and payments at the command line: foreseen by a plan, told of by a run, approved, not granted, done by hand."""

import csv
import json
from datetime import timedelta

import pytest
from history.databases import open_database
from history.sample_books import AT, TODAY, eur
from puntual.core.history.database import writing
from puntual.core.history.told_payments import ToldPayment, keep_payment, payment_marker

QUIET = [(f", days: {days},", f", days: {days + 300},") for days in (1, 8, 15, 22)]
FEE = "late_charges: {rules: [{key: fee, kind: flat_fee, amount: {EUR: 15}}], announce: false, from_days: 1, tax: {late_fee: none}}"
EARLY = (TODAY - timedelta(days=10)).isoformat()
EARNED = "by 2026-05-08 980.00 EUR had come in, of the 980.00 EUR that were to come by 2026-05-08; the rest of 20.00 EUR is the discount"


@pytest.fixture
def paid_early(desktop):
    """c1 owes F-1, due in five weeks, and paid it in time less the 2 % that the policy offers."""
    desktop.policy(("tolerance:", "early_payment_discount: {percent: 2, days: 10}\ntolerance:"))
    desktop.invoices("F-1,c1,2026-04-26,2026-06-15,1000.00,EUR,")
    desktop.write("payments", "id,customer,paid_on,amount,currency,invoice", f"P-1,c1,{EARLY},980.00,EUR,F-1", f"P-2,c2,{TODAY},1.00,EUR,")
    return desktop


def in_books(desktop, name):
    path = desktop.books / f"puntual-{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["invoice"], row["amount"]) for row in csv.DictReader(file)]


def told_of(desktop, number="F-1"):
    """Stripe told of a payment."""
    engine = open_database(f"sqlite:///{desktop.folder / 'puntual.db'}")
    with writing(engine) as conn:
        marker = payment_marker("acme", "stripe", "pi_1")
        keep_payment(conn, "acme", ToldPayment("stripe", "pi_1", marker, number, f"{number}/1", eur("100"), TODAY, "plink"), AT)
    engine.dispose()


# --- discounts --------------------------------------------------------------------------------------------------------------------


def test_an_earned_discount_is_foreseen_credited_once_and_told_of(paid_early):
    said = paid_early.on("plan", "acme")
    assert f"credit 20.00 EUR for the early-payment discount on invoice F-1: {EARNED}" in said
    assert "F-1  held: its early-payment discount was earned" in said
    assert "its early-payment discount of 20.00 EUR was earned" in paid_early.on("why", "acme", "F-1")
    assert in_books(paid_early, "credits") == []
    said = paid_early.on("run", "acme")
    assert "Earned: 20.00 EUR for the early-payment discount on invoice F-1" in said
    assert "Credited 20.00 EUR for the early-payment discount on invoice F-1" in said
    assert in_books(paid_early, "credits") == [("F-1", "20.00")]
    assert "redited" not in paid_early.on("run", "acme")
    assert "Invoice F-1: paid in the books" in paid_early.on("why", "acme", "F-1")
    assert "credit_made" in paid_early.puntual("history", "acme", "F-1")
    assert "whole" in paid_early.puntual("verify", "acme")


def test_a_plan_for_a_program_names_what_would_be_credited(paid_early):
    plan = json.loads(paid_early.on("plan", "acme", "--json"))
    assert plan["credits"] == [
        {"invoice": "F-1", "amount": "20.00", "currency": "EUR", "kind": "discount", "why": EARNED, "needs_approval": False}
    ]
    assert (plan["charges"], plan["reversals"], plan["payments"]) == ([], [], [])


def test_in_mode_approve_a_discount_waits_for_a_yes_or_is_not_granted(paid_early):
    text = (paid_early.folder / "companies" / "acme.yaml").read_text(encoding="utf-8")
    (paid_early.folder / "companies" / "acme.yaml").write_text(text.replace("mode: live", "mode: approve"), encoding="utf-8")
    assert "ask    20.00 EUR for the early-payment discount" in paid_early.on("plan", "acme")
    said = paid_early.on("run", "acme", code=1)
    key = said.split("puntual waive acme ")[1].split()[0]
    assert "Waits for approval: the credit of 20.00 EUR for the early-payment discount on invoice F-1" in said
    assert f"waits for approval: {key}" in paid_early.on("status", "acme")
    assert "Not granted: 20.00 EUR for the early-payment discount" in paid_early.on("waive", "acme", key, "--reason", "paid by another")
    assert "is closed: waived: paid by another" in paid_early.on("why", "acme", "F-1")
    paid_early.on("run", "acme")
    assert in_books(paid_early, "credits") == []


def test_in_shadow_an_earned_discount_is_told_of(paid_early):
    text = (paid_early.folder / "companies" / "acme.yaml").read_text(encoding="utf-8")
    (paid_early.folder / "companies" / "acme.yaml").write_text(text.replace("mode: live", "mode: shadow"), encoding="utf-8")
    assert "Mode is shadow: 1 early-payment discount was earned, nothing was credited." in paid_early.on("run", "acme")
    assert in_books(paid_early, "credits") == []


# --- charges that are foreseen ----------------------------------------------------------------------------------------------------


def test_a_plan_names_the_charges_that_a_run_would_make_and_the_guard_counts_them(desktop):
    changes = [("tolerance:", f"{FEE[:-1]}, approval: false}}\nguard: {{max_total: {{EUR: 10}}}}\ntolerance:"), *QUIET]
    desktop.policy(*changes)
    said = desktop.on("plan", "acme")
    assert "charge 15.00 EUR (fee) on invoice F-3, due since 2026-05-05" in said
    assert "A run that sends would stop here: the run would charge 30.00 EUR for lateness, more than the 10 of guard.max_total" in said
    desktop.policy(("tolerance:", f"{FEE}\ntolerance:"), *QUIET)
    assert "ask    15.00 EUR (fee) on invoice F-3" in desktop.on("plan", "acme")
    (first, _) = json.loads(desktop.on("plan", "acme", "--json"))["charges"]
    assert first == {
        "invoice": "F-1", "amount": "15.00", "currency": "EUR", "rule": "fee", "due_on": "2026-05-13", "needs_approval": True
    }  # fmt: skip


# --- payments ---------------------------------------------------------------------------------------------------------------------


def test_a_payment_is_foreseen_recorded_once_and_told_of(desktop):
    desktop.policy(("folder: books", "folder: books, record_payments: true"))
    desktop.on("sync", "acme")
    told_of(desktop)
    assert "record 100.00 EUR that Stripe received for invoice F-1 on 2026-05-13" in desktop.on("plan", "acme", "--no-sync")
    assert "payment of 100.00 EUR on 2026-05-13 is recorded by the next run: pi_1" in desktop.on("status", "acme")
    assert "Recorded the payment of 100.00 EUR for invoice F-1, in the books as " in desktop.on("run", "acme")
    assert in_books(desktop, "payments") == [("F-1", "100.00")]
    assert [mail for mail in desktop.mails() if "F-1" in mail] == []


def test_a_payment_that_the_books_do_not_take_is_done_by_hand(desktop):
    desktop.on("sync", "acme")
    told_of(desktop)
    said = desktop.on("run", "acme", code=1)
    assert "The payment of 100.00 EUR for invoice F-1 was not recorded:" in said
    assert "Set ledger.record_payments: true in the policy" in said
    entry = desktop.on("status", "acme").split("to do ")[1].split()[0]
    assert f"{entry} is off the list." in desktop.puntual("done", "acme", entry)
    assert "Nothing of that waits for approval." in desktop.puntual("approve", "acme", "--all", code=1)


# --- a run that is stopped --------------------------------------------------------------------------------------------------------


def test_a_run_that_the_guard_stops_tells_what_is_new_and_what_it_did_before(desktop):
    desktop.policy(("tolerance:", "guard: {max_total: {EUR: 10}}\ntolerance:"), ("folder: books", "folder: books, record_payments: true"))
    desktop.write(
        "invoices",
        "number,customer,issued_on,due_date,total,currency,paid_on,line",
        "F-1,c1,2026-04-12,2026-05-12,100.00,EUR,,",
        "F-3,c2,2026-04-04,2026-05-04,70.00,EUR,,",
        "F-9,c2,2026-04-04,31/31/2026,70.00,EUR,,",
    )
    told_of(desktop)
    said = desktop.on("run", "acme", code=1)
    assert "Recorded the payment of 100.00 EUR for invoice F-1" in said
    assert "1 rows could not be read; the rest was." in said
    assert "more than the 10 of guard.max_total" in said
