"""Changing: what happens in the books after the first pass is told, whatever crashes in between, and may be told twice but never not."""

from datetime import timedelta
from itertools import islice

from harness import Books, Harness
from puntual.core.errors import PuntualError
from puntual.core.port import Cursor
from puntual.core.receivables import CreditKind, DocumentStatus
from suite.rules import rule
from suite.sample import Listener, a_credit_note, a_customer, a_payment, an_allocation, an_invoice, eur, listen, many_invoices, one_invoice


@rule()
def a_quiet_sync_keeps_its_place(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    heard = listen(harness)
    again = list(harness.new().changes(heard.cursor))
    assert len(again) >= 1
    heard.take(again)
    assert heard.owed(ids.invoices["i1"]) == eur("100.00")
    harness.pay(ids.invoices["i1"], eur("25.00"), harness.today)
    assert heard.sync(harness.new()).owed(ids.invoices["i1"]) == eur("75.00")


@rule()
def a_change_between_two_pages_is_not_lost(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    first, last = ids.invoices["m0"], ids.invoices[f"m{harness.many - 1}"]
    heard, pages = Listener(), iter(harness.new().changes(None))
    heard.take(islice(pages, 1))
    harness.pay(first, eur("0.25"), harness.today)
    harness.pay(last, eur("0.25"), harness.today)
    heard.take(pages)
    heard.sync(harness.new())
    assert (heard.owed(first), heard.owed(last)) == (eur("1.00"), eur(f"{harness.many}.00"))


@rule()
def what_came_while_a_reading_was_interrupted_is_told_when_it_goes_on(harness: Harness) -> None:
    harness.seed(many_invoices(harness))
    heard = Listener()
    heard.take([next(harness.new().changes(None))])
    ids = harness.seed(Books((a_customer("late"),), (an_invoice("late", customer="late", due=harness.today - timedelta(days=5)),)))
    heard.sync(harness.new())
    assert heard.owed(ids.invoices["late"]) == eur("100.00")


@rule()
def after_a_crash_the_cursor_repeats_and_never_skips(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    expected = {invoice: listen(harness).owed(invoice) for invoice in ids.invoices.values()}
    for pages_before_crash in range(1, len(listen(harness).pages)):
        heard = Listener().take(islice(harness.new().changes(None), pages_before_crash))
        heard.sync(harness.new())
        assert {invoice: heard.owed(invoice) for invoice in ids.invoices.values()} == expected


@rule()
def part_and_full_payments_are_told(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, heard = ids.invoices["i1"], listen(harness)
    payment = harness.pay(invoice, eur("60.00"), harness.today)
    assert heard.sync(harness.new()).owed(invoice) == eur("40.00")
    assert heard.allocated(invoice)[payment] == eur("60.00")
    harness.pay(invoice, eur("40.00"), harness.today)
    assert heard.sync(harness.new()).owed(invoice) is None


@rule()
def a_payment_that_touches_only_the_reconciliation_is_told(harness: Harness) -> None:
    before = harness.today - timedelta(days=3)
    books = one_invoice(harness)
    ids = harness.seed(Books(books.customers, books.invoices, (a_payment("p1", "80.00", unapplied="80.00", on=before),)))
    invoice, heard = ids.invoices["i1"], listen(harness)
    assert heard.payments[ids.payments["p1"]].unapplied == eur("80.00")
    harness.allocate(CreditKind.PAYMENT, ids.payments["p1"], invoice, eur("80.00"))
    heard.sync(harness.new())
    assert heard.owed(invoice) == eur("20.00")
    assert heard.payments[ids.payments["p1"]].unapplied == eur("0")


@rule()
def an_allocated_credit_note_is_told(harness: Harness) -> None:
    before = harness.today - timedelta(days=3)
    books = one_invoice(harness)
    note = a_credit_note("n1", "15.00", remaining="15.00", on=before)
    ids = harness.seed(Books(books.customers, books.invoices, credit_notes=(note,)))
    invoice, heard = ids.invoices["i1"], listen(harness)
    harness.allocate(CreditKind.CREDIT_NOTE, ids.credit_notes["n1"], invoice, eur("15.00"))
    heard.sync(harness.new())
    assert heard.owed(invoice) == eur("85.00")
    assert heard.credit_notes[ids.credit_notes["n1"]].remaining == eur("0")


@rule()
def a_removed_allocation_opens_the_invoice_again(harness: Harness) -> None:
    day = harness.today - timedelta(days=3)
    paid, part_paid = an_invoice("i1", paid="100.00", due=day), an_invoice("i2", paid="40.00", due=day)
    payments = (a_payment("p1", "100.00", on=day), a_payment("p2", "40.00", on=day))
    used = (an_allocation("i1", "p1", "100.00", on=day), an_allocation("i2", "p2", "40.00", on=day))
    ids = harness.seed(Books((a_customer(),), (paid, part_paid), payments, allocations=used))
    whole, part = ids.invoices["i1"], ids.invoices["i2"]
    heard = listen(harness)
    assert (heard.owed(whole), heard.owed(part)) == (None, eur("60.00"))
    assert heard.allocated(part) == {ids.payments["p2"]: eur("40.00")}
    for invoice in (whole, part):
        harness.unallocate(invoice)
    heard.sync(harness.new())
    assert (heard.owed(whole), heard.owed(part)) == (eur("100.00"), eur("100.00"))
    assert [heard.payments[ids.payments[key]].unapplied for key in ("p1", "p2")] == [eur("100.00"), eur("40.00")]
    assert [amount for each in (whole, part) for amount in heard.allocated(each).values() if amount.is_positive] == []


@rule()
def a_void_invoice_is_told(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, heard = ids.invoices["i1"], listen(harness)
    harness.void(invoice)
    heard.sync(harness.new())
    assert heard.owed(invoice) is None
    assert invoice not in heard.invoices or heard.invoices[invoice].status is DocumentStatus.VOID


@rule()
def a_sweep_removes_what_is_gone(harness: Harness) -> None:
    books = many_invoices(harness)
    ids = harness.seed(books)
    gone, kept, heard = ids.invoices["m1"], ids.invoices["m2"], listen(harness)
    harness.delete(gone)
    heard.sweep(harness.new())
    assert (heard.owed(gone), heard.owed(kept)) == (None, eur("3.25"))


@rule()
def a_new_due_date_is_told(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, heard, later = ids.invoices["i1"], listen(harness), harness.today + timedelta(days=40)
    harness.postpone(invoice, later)
    assert [item.due_date for item in heard.sync(harness.new()).open(invoice)] == [later]


@rule()
def a_new_address_is_told(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    customer, heard = ids.customers["c1"], listen(harness)
    harness.set_address(customer, "pagos@example.org")
    assert heard.sync(harness.new()).customers[customer].email == "pagos@example.org"


@rule()
def a_new_invoice_of_a_new_customer_is_told(harness: Harness) -> None:
    harness.seed(one_invoice(harness))
    heard = listen(harness)
    ids = harness.seed(Books((a_customer("c7"),), (an_invoice("i7", "7.00", customer="c7", due=harness.today),)))
    heard.sync(harness.new())
    assert heard.owed(ids.invoices["i7"]) == eur("7.00")
    assert ids.customers["c7"] in heard.customers


@rule()
def a_strange_cursor_is_a_full_pass_or_a_clear_error(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    try:
        heard = Listener().take(harness.new().changes(Cursor("?\x00 no cursor of ours")))
    except PuntualError:
        return
    assert heard.owed(ids.invoices["i1"]) == eur("100.00")
