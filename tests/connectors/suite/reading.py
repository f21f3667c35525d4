"""Reading: a first pass over the books tells everything that is open, once, exactly."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from harness import Books, Harness
from puntual.core.errors import UnsupportedFeature
from puntual.core.port import MAX_PAGE_DOCUMENTS, Capability
from puntual.core.receivables import Contact, ContactRole, CreditKind, DocumentStatus, EarlyDiscount, Instalment, LedgerContact
from suite.rules import rule
from suite.sample import (
    Listener,
    a_credit_note,
    a_customer,
    a_payment,
    an_allocation,
    an_invoice,
    eur,
    listen,
    many_invoices,
    one_invoice,
)


@rule()
def every_open_invoice_once(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    heard = listen(harness)
    times = Counter(invoice.id for page in heard.pages for invoice in page.invoices)
    assert {ids.invoices[key]: times[ids.invoices[key]] for key in ids.invoices} == dict.fromkeys(ids.invoices.values(), 1)
    for n in range(harness.many):
        assert heard.owed(ids.invoices[f"m{n}"]) == eur(f"{n + 1}.25")


@rule()
def pages_are_small_and_mark_the_pass(harness: Harness) -> None:
    harness.seed(many_invoices(harness))
    pages = listen(harness).pages
    assert len(pages) > 2
    assert [page.starts_pass for page in pages] == [True] + [False] * (len(pages) - 1)
    assert [page.ends_pass for page in pages] == [False] * (len(pages) - 1) + [True]
    for page in pages:
        assert len(page.invoices) + len(page.credit_notes) + len(page.payments) <= MAX_PAGE_DOCUMENTS


@rule()
def customers_come_before_their_documents(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    known: set[str] = set()
    for page in listen(harness).pages:
        known |= {customer.id for customer in page.customers}
        assert {invoice.customer_id for invoice in page.invoices if invoice.id in ids.invoices.values()} <= known


@rule()
def an_invoice_is_read_as_it_is(harness: Harness) -> None:
    due = harness.today - timedelta(days=3)
    issued = due - timedelta(days=45)
    books = one_invoice(harness, "1250.40")
    ids = harness.seed(replace(books, invoices=(an_invoice("i1", "1250.40", due=due, issued_on=issued),)))
    invoice = listen(harness).invoices[ids.invoices["i1"]]
    assert invoice.number == ids.numbers["i1"]
    assert invoice.customer_id == ids.customers["c1"]
    assert (invoice.issued_on, invoice.due_date) == (issued, due)
    assert (invoice.instalments[0].total, invoice.outstanding, invoice.status) == (eur("1250.40"), eur("1250.40"), DocumentStatus.OPEN)
    assert (invoice.disputed, invoice.do_not_chase) == ("", "")


@rule()
def drafts_void_and_paid_are_no_open_items(harness: Harness) -> None:
    due = harness.today - timedelta(days=5)
    invoices = (
        an_invoice("draft", due=due, status=DocumentStatus.DRAFT),
        an_invoice("void", due=due, status=DocumentStatus.VOID),
        an_invoice("paid", paid="100.00", due=due),
        an_invoice("open", due=due),
    )
    paid = a_payment("p1", "100.00", on=due)
    ids = harness.seed(Books((a_customer(),), invoices, (paid,), allocations=(an_allocation("paid", "p1", "100.00", on=due),)))
    heard = listen(harness)
    assert {key: heard.owed(ids.invoices[key]) for key in ("draft", "void", "paid", "open")} == {
        "draft": None,
        "void": None,
        "paid": None,
        "open": eur("100.00"),
    }


@rule()
def amounts_are_exact_in_every_currency(harness: Harness) -> None:
    due = harness.today - timedelta(days=5)
    amounts = {"JPY": "1250", "USD": "0.10", "KWD": "1.005", "EUR": "123456789.01"}
    invoices = tuple(an_invoice(f"i{code}", amount, currency=code, due=due) for code, amount in amounts.items())
    ids = harness.seed(Books((a_customer(),), invoices))
    heard = listen(harness)
    for code, amount in amounts.items():
        assert heard.owed(ids.invoices[f"i{code}"]) == eur(amount, code)


@rule()
def dates_keep_their_day_in_any_zone(harness: Harness) -> None:
    due = harness.today.replace(day=1)
    ids = harness.seed(Books((a_customer(),), (an_invoice("i1", due=due),)))
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Bogota"):
        invoice = Listener().sync(harness.new(time_zone=zone)).invoices[ids.invoices["i1"]]
        assert (invoice.issued_on, invoice.due_date) == (due - timedelta(days=30), due)


@rule()
def part_payments_and_their_allocations(harness: Harness) -> None:
    due = harness.today - timedelta(days=5)
    books = Books(
        (a_customer(),),
        (an_invoice("i1", paid="40.00", due=due),),
        (a_payment("p1", "30.00", on=due),),
        (a_credit_note("n1", "10.00", remaining="0", on=due),),
        (an_allocation("i1", "p1", "30.00", on=due), an_allocation("i1", "n1", "10.00", kind=CreditKind.CREDIT_NOTE, on=due)),
    )
    ids = harness.seed(books)
    heard = listen(harness)
    invoice = ids.invoices["i1"]
    assert heard.owed(invoice) == eur("60.00")
    assert heard.allocated(invoice) == {ids.payments["p1"]: eur("30.00"), ids.credit_notes["n1"]: eur("10.00")}


@rule()
def overpayments_and_open_credit_notes(harness: Harness) -> None:
    due = harness.today - timedelta(days=5)
    books = Books(
        (a_customer(),),
        (an_invoice("i1", "100.00", paid="100.00", due=due),),
        (a_payment("p1", "150.00", unapplied="50.00", on=due),),
        (a_credit_note("n1", "20.00", remaining="20.00", on=due),),
        (an_allocation("i1", "p1", "100.00", on=due),),
    )
    ids = harness.seed(books)
    heard = listen(harness)
    payment, note = heard.payments[ids.payments["p1"]], heard.credit_notes[ids.credit_notes["n1"]]
    assert (payment.unapplied, payment.paid_on, payment.customer_id) == (eur("50.00"), due, ids.customers["c1"])
    assert (note.remaining, note.issued_on, note.customer_id) == (eur("20.00"), due, ids.customers["c1"])
    assert heard.owed(ids.invoices["i1"]) is None


@rule()
def instalments_have_their_own_due_dates(harness: Harness) -> None:
    first, second = harness.today - timedelta(days=20), harness.today + timedelta(days=10)
    parts = (Instalment(1, first, eur("30.00"), eur("10.00")), Instalment(2, second, eur("70.00"), eur("70.00")))
    invoice = an_invoice("i1", due=second, instalments=parts)
    books = Books((a_customer(),), (invoice,), (a_payment("p1", "20.00", on=first),))
    books = replace(books, allocations=(an_allocation("i1", "p1", "20.00", on=first),))
    if Capability.INSTALMENTS not in harness.new().capabilities:
        with pytest.raises(UnsupportedFeature):
            harness.seed(books)
        return
    ids = harness.seed(books)
    items = listen(harness).open(ids.invoices["i1"])
    assert [(item.due_date, item.total, item.outstanding) for item in items] == [
        (first, eur("30.00"), eur("10.00")),
        (second, eur("70.00"), eur("70.00")),
    ]


@rule()
def early_discounts_are_told(harness: Harness) -> None:
    due = harness.today + timedelta(days=20)
    granted = {
        "i1": EarlyDiscount(due - timedelta(days=16), eur("2.00")),
        "i2": EarlyDiscount(due - timedelta(days=10), eur("37.50")),
        "i3": None,
        "i4": EarlyDiscount(due - timedelta(days=16), eur("25", "JPY")),
    }
    totals = {"i1": ("100.00", "EUR"), "i2": ("1250.00", "EUR"), "i3": ("100.00", "EUR"), "i4": ("1250", "JPY")}
    customers = tuple(a_customer(f"c{key}") for key in granted)
    invoices = tuple(
        an_invoice(key, total, currency=code, customer=f"c{key}", due=due, early_discount=granted[key])
        for key, (total, code) in totals.items()
    )
    books = Books(customers, invoices)
    if Capability.EARLY_DISCOUNTS not in harness.new().capabilities:
        with pytest.raises(UnsupportedFeature):
            harness.seed(books)
        return
    ids = harness.seed(books)
    heard, now = listen(harness), harness.new().recheck(list(ids.invoices.values()))
    for told in (heard.invoices, {invoice.id: invoice for invoice in now.invoices}):
        assert {key: told[ids.invoices[key]].early_discount for key in granted} == granted
    assert [item.early_discount for key in granted for item in heard.open(ids.invoices[key])] == list(granted.values())


@rule()
def unknown_fields_are_ignored(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    before = listen(harness)
    harness.add_unknown_fields()
    after = listen(harness)
    invoice = ids.invoices["i1"]
    assert after.open(invoice)
    assert replace(after.invoices[invoice], version="") == replace(before.invoices[invoice], version="")


@rule()
def languages_and_parents(harness: Harness) -> None:
    customers = (a_customer("c1", language="es", country="ES"), a_customer("c2", language="en", parent_id="c1", country="GB"))
    due = harness.today
    ids = harness.seed(Books(customers, (an_invoice("i1", due=due), an_invoice("i2", customer="c2", due=due))))
    heard = listen(harness).customers
    parent, child = heard[ids.customers["c1"]], heard[ids.customers["c2"]]
    assert [parent.language.partition("-")[0], child.language.partition("-")[0]] == ["es", "en"]
    assert (parent.name, parent.email, parent.country, parent.parent_id) == ("Talleres C1 S.L.", "c1@example.com", "ES", "")
    assert (child.parent_id, child.country) == (parent.id, "GB")


@rule()
def contacts_have_their_role(harness: Harness) -> None:
    people = (
        Contact("k1", "Ana Núñez", "ana@example.com", role=ContactRole.INVOICE),
        Contact("k2", "Óscar Gil", "oscar@example.com", role=ContactRole.GENERAL),
    )
    due = harness.today
    ids = harness.seed(Books((a_customer("c1", contacts=people),), (an_invoice("i1", due=due, contact_id="k1"),)))
    heard = listen(harness)
    contacts = {contact.id: contact for contact in heard.customers[ids.customers["c1"]].contacts}
    for person in people:
        found = contacts[ids.contacts[person.id]]
        assert (found.name, found.email, found.role) == (person.name, person.email, person.role)
    invoice = heard.invoices[ids.invoices["i1"]]
    assert (invoice.customer_id, invoice.contact_id) == (ids.customers["c1"], ids.contacts["k1"])


@rule()
def disputes_are_told(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice = ids.invoices["i1"]
    if Capability.DISPUTES not in harness.new().capabilities:
        with pytest.raises(UnsupportedFeature):
            harness.dispute(invoice, "Falta un bulto")
        return
    harness.dispute(invoice, "Falta un bulto")
    assert listen(harness).invoices[invoice].disputed == "Falta un bulto"


@rule()
def do_not_chase_is_told(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    customer = ids.customers["c1"]
    if Capability.DO_NOT_CHASE not in harness.new().capabilities:
        with pytest.raises(UnsupportedFeature):
            harness.do_not_chase(customer, "Acuerdo con gerencia")
        return
    harness.do_not_chase(customer, "Acuerdo con gerencia")
    assert listen(harness).customers[customer].do_not_chase == "Acuerdo con gerencia"


@rule()
def contacts_made_by_hand_are_told(harness: Harness) -> None:
    books = one_invoice(harness)
    by_hand = LedgerContact("l1", "c1", harness.today, "mail", "i1")
    if Capability.LEDGER_CONTACTS not in harness.new().capabilities:
        with pytest.raises(UnsupportedFeature):
            harness.seed(replace(books, contacts_made=(by_hand,)))
        return
    ids = harness.seed(replace(books, contacts_made=(by_hand,)))
    told = [(made.customer_id, made.made_on, made.invoice_id) for made in listen(harness).contacts_made]
    assert (ids.customers["c1"], harness.today, ids.invoices["i1"]) in told


@rule()
def the_last_bank_entry_is_told(harness: Harness) -> None:
    paid_on: date = harness.today - timedelta(days=1)
    paid = a_payment("p1", "30.00", unapplied="30.00", on=paid_on)
    harness.seed(replace(one_invoice(harness), payments=(paid, a_payment("p0", "5.00", unapplied="5.00", on=paid_on - timedelta(days=9)))))
    told = [page.last_bank_entry_on for page in listen(harness).pages if page.last_bank_entry_on]
    if Capability.LAST_BANK_ENTRY in harness.new().capabilities:
        assert max(told) >= paid_on
        assert max(told) <= harness.today
    else:
        assert told == []
