"""Rechecking: the last look before a notice goes out is at the ledger itself."""

from dataclasses import replace
from datetime import timedelta

from harness import UNUSED_ID, Books, Harness
from puntual.core.money import Money
from puntual.core.port import LedgerConnector
from puntual.core.receivables import CreditKind, DocumentStatus, Invoice, open_items
from suite.rules import rule
from suite.sample import a_credit_note, a_customer, a_payment, an_invoice, eur, listen, many_invoices, one_invoice


def _now(connector: LedgerConnector, *invoice_ids: str) -> dict[str, Invoice]:
    return {invoice.id: invoice for invoice in connector.recheck(invoice_ids).invoices}


def _owed(invoice: Invoice) -> Money | None:
    return invoice.outstanding if open_items(invoice) else None


@rule()
def recheck_and_sync_agree(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    heard = listen(harness).invoices
    asked = tuple(ids.invoices[f"m{n}"] for n in range(5))
    found = _now(harness.new(), *asked)
    # A pay page may be told only by the recheck, where it costs the ledger time to make.
    assert found == {key: replace(heard[key], page_url=heard[key].page_url or found[key].page_url) for key in asked}


@rule()
def recheck_is_fresh(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, connector = ids.invoices["i1"], harness.new()
    for _page in connector.changes(None):
        pass
    assert _owed(_now(connector, invoice)[invoice]) == eur("100.00")
    harness.pay(invoice, eur("30.00"), harness.today)
    assert _owed(_now(connector, invoice)[invoice]) == eur("70.00")
    harness.pay(invoice, eur("70.00"), harness.today)
    found = _now(connector, invoice)
    assert invoice not in found or _owed(found[invoice]) is None


@rule()
def recheck_sees_a_new_due_date(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, connector, later = ids.invoices["i1"], harness.new(), harness.today + timedelta(days=40)
    _now(connector, invoice)
    harness.postpone(invoice, later)
    assert _now(connector, invoice)[invoice].due_date == later


@rule()
def gone_and_void_are_not_open(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    gone, void, kept = (ids.invoices[f"m{n}"] for n in range(3))
    connector = harness.new()
    harness.delete(gone)
    harness.void(void)
    found = _now(connector, gone, void, kept, UNUSED_ID)
    assert gone not in found or found[gone].status is DocumentStatus.DELETED
    assert UNUSED_ID not in found
    assert void not in found or found[void].status is DocumentStatus.VOID
    assert _owed(found[kept]) == eur("3.25")


@rule()
def a_batch_is_answered_whole(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    everything = tuple(ids.invoices.values())
    answer = harness.new().recheck([*everything, everything[0]])
    assert sorted(invoice.id for invoice in answer.invoices) == sorted(everything)


@rule()
def an_empty_batch_is_no_work(harness: Harness) -> None:
    harness.seed(one_invoice(harness))
    connector = harness.new()
    before = harness.calls()
    assert connector.recheck(()).invoices == ()
    assert harness.calls() == before


@rule()
def credits_of_those_customers_are_known(harness: Harness) -> None:
    day = harness.today - timedelta(days=2)
    books = Books(
        (a_customer("c1"), a_customer("c2")),
        (an_invoice("i1", due=day), an_invoice("i2", customer="c2", due=day)),
        (a_payment("p1", "12.00", unapplied="12.00", on=day), a_payment("p2", "9.00", customer="c2", unapplied="9.00", on=day)),
        (a_credit_note("n1", "8.00", remaining="8.00", on=day),),
    )
    ids = harness.seed(books)
    answer = harness.new().recheck([ids.invoices["i1"]])
    if not answer.knows_credits:
        assert answer.credits == ()
        return
    assert sorted((credit.kind, credit.customer_id, credit.remaining.amount) for credit in answer.credits) == [
        (CreditKind.CREDIT_NOTE, ids.customers["c1"], eur("8.00").amount),
        (CreditKind.PAYMENT, ids.customers["c1"], eur("12.00").amount),
    ]


@rule()
def a_used_up_credit_is_none(harness: Harness) -> None:
    day = harness.today - timedelta(days=2)
    note = a_credit_note("n1", "8.00", remaining="8.00", on=day)
    ids = harness.seed(replace(one_invoice(harness), credit_notes=(note,)))
    connector = harness.new()
    connector.recheck([ids.invoices["i1"]])
    harness.allocate(CreditKind.CREDIT_NOTE, ids.credit_notes["n1"], ids.invoices["i1"], eur("8.00"))
    answer = connector.recheck([ids.invoices["i1"]])
    assert (answer.credits, _owed(answer.invoices[0])) == ((), eur("92.00"))
