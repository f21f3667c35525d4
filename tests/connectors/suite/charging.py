"""Charging: money for lateness stands in the books once, exactly, and only where it may.

What a charge may touch: its own document, or, where that is wanted and allowed, one new line on the invoice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from harness import UNUSED_ID, Books, Harness, SeenCharge
from puntual.core.bookings import ChargeLine, ChargeMade, LateCharge
from puntual.core.errors import Refused, UnsupportedFeature
from puntual.core.money import Money
from puntual.core.port import Capability
from puntual.core.receivables import DocumentStatus
from suite.rules import rule
from suite.sample import a_charge, a_customer, able, an_invoice, eur, listen, lock, many_invoices, one_invoice

NO_DECIMALS = "JPY"


def _able(harness: Harness, *charges: LateCharge) -> bool:
    connector = harness.new()
    return able(connector, Capability.LATE_CHARGES, lambda: connector.put_charges(charges))


def _made(harness: Harness, charge: LateCharge) -> ChargeMade:
    """The charge as a fresh connector puts it; it is not refused."""
    answer = harness.new().put_charges([charge])
    assert set(answer) == {charge.marker}
    made = answer[charge.marker]
    assert isinstance(made, ChargeMade), made
    assert made.marker == charge.marker
    assert charge.on_invoice or not made.on_invoice
    return made


def _refused(harness: Harness, charge: LateCharge) -> Refused:
    """Why a fresh connector refuses the charge, in words."""
    answer = harness.new().put_charges([charge])[charge.marker]
    assert isinstance(answer, Refused), answer
    assert len(answer.detail.split()) > 2
    return answer


def _seen(harness: Harness, charge: LateCharge, made: ChargeMade) -> SeenCharge:
    """The one charge that stands in the books for this marker, seen where the connector says it is."""
    found = [seen for seen in harness.charges(charge.invoice_id) if seen.document_id == made.document_id and charge.text in seen.text]
    assert len(found) == 1, harness.charges(charge.invoice_id)
    assert found[0].amount == charge.amount
    assert found[0].on_invoice == made.on_invoice == (made.document_id == charge.invoice_id)
    assert made.amount == charge.amount + found[0].tax
    assert found[0].tax.is_positive == charge.is_taxed
    return found[0]


def _is_document(harness: Harness, charge: LateCharge, made: ChargeMade, lines: Sequence[object]) -> None:
    """The charge is a document of its own that cites the invoice, and the invoice's lines are as they were."""
    assert made.document_id not in ("", charge.invoice_id)
    assert charge.invoice_number in _seen(harness, charge, made).text
    assert list(harness.lines(charge.invoice_id)) == list(lines)


@rule()
def several_charges_on_one_document_are_its_lines(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    numbers, amounts = (ids.numbers["m0"], ids.numbers["m1"]), (eur("7.25"), eur("2.50"))
    lines = tuple(ChargeLine(f"Interés de {number}", amount) for number, amount in zip(numbers, amounts, strict=True))
    charge = replace(a_charge(ids, harness, "PUNTUAL-b7", invoice="m0", amount="9.75"), lines=lines)
    if not _able(harness, charge):
        return
    made = _made(harness, charge)
    seen = harness.lines(made.document_id)
    assert sum((amount for _text, amount in seen), start=eur("0")) == made.amount == charge.amount
    assert [line.text for line in lines if line.text not in " ".join(text for text, _amount in seen)] == []
    assert len(seen) == 1 or list(seen) == [(line.text, line.amount) for line in lines]
    assert harness.new().put_charges([charge]) == {charge.marker: made}


@rule()
def the_same_charge_twice_is_one_charge(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    charges = [a_charge(ids, harness, "PUNTUAL-d1", invoice="m0"), a_charge(ids, harness, "PUNTUAL-e1", invoice="m1", on_invoice=True)]
    if not _able(harness, *charges):
        return
    connector = harness.new()
    first = connector.put_charges([*charges, *charges])
    assert first == connector.put_charges(charges) == harness.new().put_charges(charges)
    for charge in charges:
        made = first[charge.marker]
        assert isinstance(made, ChargeMade)
        assert made.number
        _seen(harness, charge, made)
        assert len(harness.charges(charge.invoice_id)) == 1


@rule()
def a_crash_after_writing_still_leaves_one_charge(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    charges = [a_charge(ids, harness, "PUNTUAL-d2", invoice="m0"), a_charge(ids, harness, "PUNTUAL-e2", invoice="m1", on_invoice=True)]
    if not _able(harness, *charges):
        return
    for charge in charges:
        connector = harness.new()
        harness.lose_next_answer()
        with pytest.raises(Exception):  # noqa: B017 -- a crash may be anything
            connector.put_charges([charge])
        assert len(harness.charges(charge.invoice_id)) == 1
        _seen(harness, charge, _made(harness, charge))
        assert len(harness.charges(charge.invoice_id)) == 1


@rule()
def a_charge_is_a_document_of_its_own(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness)
    if not _able(harness, charge):
        return
    lines = harness.lines(charge.invoice_id)
    made = _made(harness, charge)
    _is_document(harness, charge, made, lines)
    document = listen(harness).invoices[made.document_id]
    assert (document.number, document.customer_id) == (made.number, charge.customer_id)
    assert (document.issued_on, document.due_date, document.status) == (charge.charged_on, charge.due_on, DocumentStatus.OPEN)
    assert document.outstanding == made.amount


@rule()
def a_charge_on_the_invoice_adds_one_line(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness, on_invoice=True)
    if not _able(harness, charge):
        return
    before, lines = listen(harness).invoices[charge.invoice_id], list(harness.lines(charge.invoice_id))
    assert len(lines) > 1
    made = _made(harness, charge)
    assert (made.on_invoice, made.document_id, made.number) == (True, charge.invoice_id, charge.invoice_number)
    _seen(harness, charge, made)
    after, (*kept, (text, amount)) = listen(harness).invoices[charge.invoice_id], harness.lines(charge.invoice_id)
    assert kept == lines
    assert charge.text in text
    assert amount == charge.amount
    assert replace(after, version="", instalments=()) == replace(before, version="", instalments=())
    assert after.outstanding == before.outstanding + made.amount
    assert after.due_date == before.due_date


@rule()
def several_charges_on_one_invoice_all_stand(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    fee = a_charge(ids, harness, "PUNTUAL-12", text="Compensación por costes de cobro", amount="40.00", on_invoice=True)
    interest = a_charge(ids, harness, "PUNTUAL-34", text="Interés de demora", amount="1.37", on_invoice=True)
    if not _able(harness, fee, interest):
        return
    lines = list(harness.lines(fee.invoice_id))
    answer = harness.new().put_charges([fee, interest])
    for charge in (fee, interest):
        made = answer[charge.marker]
        assert isinstance(made, ChargeMade), made
        _seen(harness, charge, made)
    assert list(harness.lines(fee.invoice_id))[: len(lines)] == lines
    assert len(harness.charges(fee.invoice_id)) == 2


@rule()
def on_a_part_paid_invoice_the_line_becomes_a_document(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness, on_invoice=True)
    if not _able(harness, charge):
        return
    harness.pay(charge.invoice_id, eur("60.00"), harness.today)
    lines = harness.lines(charge.invoice_id)
    _is_document(harness, charge, _made(harness, charge), lines)
    heard = listen(harness)
    assert heard.owed(charge.invoice_id) == eur("40.00")
    assert sum(used.amount for used in heard.allocated(charge.invoice_id).values()) == eur("60.00").amount


@rule()
def in_a_locked_period_the_line_becomes_a_document(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness, on_invoice=True)
    if not _able(harness, charge) or not lock(harness, 1):
        return
    lines = harness.lines(charge.invoice_id)
    _is_document(harness, charge, _made(harness, charge), lines)
    assert listen(harness).owed(charge.invoice_id) == eur("100.00")


@rule()
def what_the_lock_forbids_is_refused(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    charges = [a_charge(ids, harness, "PUNTUAL-d3", invoice="m0"), a_charge(ids, harness, "PUNTUAL-e3", invoice="m1", on_invoice=True)]
    if not _able(harness, *charges) or not lock(harness, 0):
        return
    for charge in charges:
        lines = list(harness.lines(charge.invoice_id))
        _refused(harness, charge)
        assert list(harness.charges(charge.invoice_id)) == []
        assert list(harness.lines(charge.invoice_id)) == lines


@rule()
def nothing_is_charged_on_what_is_not_owed(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    paid, void, gone, kept = (a_charge(ids, harness, f"PUNTUAL-f{n}", invoice=f"m{n}", on_invoice=bool(n % 2)) for n in range(4))
    unknown = replace(a_charge(ids, harness, "PUNTUAL-f9", invoice="m4"), invoice_id=UNUSED_ID)
    charges = [paid, void, gone, unknown, kept]
    if not _able(harness, *charges):
        return
    harness.pay(paid.invoice_id, eur("1.25"), harness.today)
    harness.void(void.invoice_id)
    harness.delete(gone.invoice_id)
    answer = harness.new().put_charges(charges)
    assert set(answer) == {charge.marker for charge in charges}
    assert [type(answer[charge.marker]) is ChargeMade for charge in charges] == [False, False, False, False, True]
    assert all(answer[charge.marker].detail for charge in charges[:4])  # type: ignore[union-attr]
    assert [list(harness.charges(charge.invoice_id)) for charge in (paid, void)] == [[], []]
    heard = listen(harness)
    assert [heard.owed(charge.invoice_id) for charge in (paid, void, gone)] == [None, None, None]
    assert sum(invoice.is_late_charge for invoice in heard.invoices.values()) == (not answer[kept.marker].on_invoice)  # type: ignore[union-attr]


@rule()
def a_charge_that_was_made_is_found_when_all_is_paid(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    charges = [a_charge(ids, harness, "PUNTUAL-d4", invoice="m0"), a_charge(ids, harness, "PUNTUAL-e4", invoice="m1", on_invoice=True)]
    if not _able(harness, *charges):
        return
    first = {charge.marker: _made(harness, charge) for charge in charges}
    heard = listen(harness)
    for document in {made.document_id for made in first.values()} | {charge.invoice_id for charge in charges}:
        harness.pay(document, heard.owed(document) or eur("0"), harness.today)
    assert harness.new().put_charges(charges) == first
    assert [len(harness.charges(charge.invoice_id)) for charge in charges] == [1, 1]


@rule()
def a_charge_that_a_person_took_back_is_not_made_again(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness)
    if not _able(harness, charge):
        return
    made = _made(harness, charge)
    harness.void(made.document_id)
    again = harness.new().put_charges([charge])[charge.marker]
    assert isinstance(again, Refused) or again.document_id == made.document_id
    heard = listen(harness)
    assert [invoice.id for invoice in heard.invoices.values() if invoice.is_late_charge and heard.owed(invoice.id)] == []


@rule()
def a_charge_document_is_marked_and_bears_no_charge(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    heard, charge = listen(harness), a_charge(ids, harness)
    if not _able(harness, charge):
        return
    made = _made(harness, charge)
    heard.sync(harness.new())
    assert heard.invoices[made.document_id].is_late_charge
    assert [item.is_late_charge for item in heard.open(made.document_id)] == [True]
    assert not heard.invoices[charge.invoice_id].is_late_charge
    asked = harness.new().recheck([made.document_id, charge.invoice_id]).invoices
    assert {invoice.id: invoice.is_late_charge for invoice in asked} == {made.document_id: True, charge.invoice_id: False}
    again = replace(charge, marker="PUNTUAL-99", invoice_id=made.document_id, invoice_number=made.number)
    for on_invoice in (False, True):
        _refused(harness, replace(again, on_invoice=on_invoice))
    assert listen(harness).owed(made.document_id) == made.amount


@rule()
def our_own_line_is_no_late_fee_of_the_ledger(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness, text="Late fee – 30 days overdue", on_invoice=True)
    if not _able(harness, charge):
        return
    _made(harness, charge)
    told = [*listen(harness).invoices.values(), *harness.new().recheck([charge.invoice_id]).invoices]
    assert [invoice.ledger_late_fee for invoice in told if invoice.ledger_late_fee] == []
    assert not listen(harness).invoices[charge.invoice_id].is_late_charge


@rule()
def a_late_fee_that_is_not_ours_suspends_our_charge(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    heard, charge = listen(harness), a_charge(ids, harness, invoice="m0")
    if not _able(harness, charge):
        return
    try:
        name = harness.add_ledger_late_fee(charge.invoice_id, eur("5.00"))
    except UnsupportedFeature:
        return
    heard.sync(harness.new())
    assert heard.invoices[charge.invoice_id].ledger_late_fee == name
    assert heard.invoices[ids.invoices["m1"]].ledger_late_fee == ""
    assert [invoice.ledger_late_fee for invoice in harness.new().recheck([charge.invoice_id]).invoices] == [name]
    for on_invoice in (False, True):
        assert name in _refused(harness, replace(charge, on_invoice=on_invoice)).detail
    assert list(harness.charges(charge.invoice_id)) == []


@rule()
def a_charge_moves_no_other_money(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    charges = [a_charge(ids, harness, "PUNTUAL-d5", invoice="m0"), a_charge(ids, harness, "PUNTUAL-e5", invoice="m1", on_invoice=True)]
    if not _able(harness, *charges):
        return
    heard = listen(harness)
    expected = {key: heard.owed(key) for key in heard.invoices}
    for charge in charges:
        made = _made(harness, charge)
        expected[made.document_id] = (expected.get(made.document_id) or eur("0")) + made.amount
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert {key: listener.owed(key) for key in listener.invoices} == expected


@rule()
def charges_are_exact_in_every_currency(harness: Harness) -> None:
    amounts = {"EUR": "0.10", "USD": "1234.07", NO_DECIMALS: "1250"}
    due = harness.today - timedelta(days=10)
    customers = tuple(a_customer(f"c{code}") for code in amounts)
    kinds = (False, True)
    invoices = tuple(
        an_invoice(f"i{code}{on}", "9000", currency=code, customer=f"c{code}", due=due, number=f"F-{code}-{on}")
        for code in amounts
        for on in kinds
    )
    ids = harness.seed(Books(customers, invoices))
    charges = [
        a_charge(
            ids, harness, f"PUNTUAL-{code}-{on:d}", invoice=f"i{code}{on}", customer=f"c{code}", amount=eur(amount, code), on_invoice=on
        )
        for code, amount in amounts.items()
        for on in kinds
    ]
    if not _able(harness, *charges):
        return
    answer, heard = harness.new().put_charges(charges), listen(harness)
    for charge in charges:
        made = answer[charge.marker]
        assert isinstance(made, ChargeMade), made
        _seen(harness, charge, made)
        before = eur("9000", charge.amount.currency) if made.on_invoice else eur("0", charge.amount.currency)
        assert heard.owed(made.document_id) == before + made.amount


@rule()
def an_untaxed_charge_bears_no_tax(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    charges = [a_charge(ids, harness, f"PUNTUAL-t{n}", invoice=f"m{n}", on_invoice=bool(n % 2)) for n in range(4)]
    if not _able(harness, *charges):
        return
    # Whether the settings name a tax or not.
    answer = {**harness.new().put_charges(charges[:2]), **harness.new(is_bare=True).put_charges(charges[2:])}
    heard = listen(harness)
    for n, charge in enumerate(charges):
        made = answer[charge.marker]
        assert isinstance(made, ChargeMade), made
        _seen(harness, charge, made)
        assert heard.owed(made.document_id) == charge.amount + (eur(f"{n + 1}.25") if made.on_invoice else eur("0"))


def _is_taxed_well(amount: Money, made: ChargeMade) -> bool:
    """Whether there is tax on it, of 10 % or more and not more than half."""
    return amount.amount / 10 <= (made.amount - amount).amount <= amount.amount / 2


@rule()
def a_taxed_charge_bears_the_tax_of_the_settings(harness: Harness) -> None:
    due = harness.today - timedelta(days=10)
    totals = {"EUR": "100.00", NO_DECIMALS: "9000"}
    customers = tuple(a_customer(f"c{code}") for code in totals)
    keys = [(code, on_invoice) for code in totals for on_invoice in (False, True)]
    invoices = tuple(
        an_invoice(f"i{code}{on}", totals[code], currency=code, customer=f"c{code}", due=due, number=f"F-{code}-{on}") for code, on in keys
    )
    ids = harness.seed(Books(customers, invoices))
    wanted = {"EUR": eur("7.25"), NO_DECIMALS: eur("1255", NO_DECIMALS)}
    charges = {
        (code, on): a_charge(
            ids,
            harness,
            f"PUNTUAL-{code}{on:d}",
            invoice=f"i{code}{on}",
            customer=f"c{code}",
            amount=wanted[code],
            on_invoice=on,
            is_taxed=True,
        )
        for code, on in keys
    }
    if not _able(harness, *charges.values()):
        return
    answer, heard = harness.new().put_charges(list(charges.values())), listen(harness)
    for (code, _on), charge in charges.items():
        made = answer[charge.marker]
        assert isinstance(made, ChargeMade), made
        _seen(harness, charge, made)
        assert _is_taxed_well(charge.amount, made)
        assert heard.owed(made.document_id) == made.amount + eur(totals[code] if made.on_invoice else "0", code)
    assert harness.new(is_bare=True).put_charges(list(charges.values())) == answer, "what was made is found without the settings"


@rule()
def every_line_of_a_taxed_charge_bears_the_tax(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    lines = (ChargeLine("Interés de enero", eur("70.25")), ChargeLine("Interés de febrero", eur("25.50")))
    several = replace(a_charge(ids, harness, "PUNTUAL-t7", invoice="m0", amount="95.75", is_taxed=True), lines=lines)
    one = a_charge(ids, harness, "PUNTUAL-t8", invoice="m1", amount="95.75", is_taxed=True)
    if not _able(harness, several, one):
        return
    made, heard = {charge.marker: _made(harness, charge) for charge in (several, one)}, listen(harness)
    assert [heard.owed(each.document_id) for each in made.values()] == [each.amount for each in made.values()]
    assert _is_taxed_well(several.amount, made[several.marker])
    # The tax may be rounded on each line.
    assert abs((made[several.marker].amount - made[one.marker].amount).amount) <= eur("0.01").amount


@rule()
def without_its_setting_no_taxed_charge_is_made(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    charges = [a_charge(ids, harness, f"PUNTUAL-u{n}", invoice=f"m{n}", on_invoice=bool(n), is_taxed=True) for n in range(2)]
    if not _able(harness, *charges):
        return
    lines = [list(harness.lines(charge.invoice_id)) for charge in charges]
    answer = harness.new(is_bare=True).put_charges(charges)
    for charge in charges:
        refused = answer[charge.marker]
        assert isinstance(refused, Refused), refused
        assert refused.detail
        assert refused.hint, "which setting is missing?"
        assert list(harness.charges(charge.invoice_id)) == []
    assert [list(harness.lines(charge.invoice_id)) for charge in charges] == lines
    for charge in charges:
        _seen(harness, charge, _made(harness, charge))


@rule()
def the_marker_of_a_charge_is_not_taken_for_a_longer_one(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    for n, on_invoice in enumerate((False, True)):
        long = a_charge(ids, harness, f"PUNTUAL-{n}12", invoice=f"m{n}", text="Primera", on_invoice=on_invoice)
        short = a_charge(ids, harness, f"PUNTUAL-{n}1", invoice=f"m{n}", text="Segunda", on_invoice=on_invoice)
        if not _able(harness, long, short):
            return
        for charge in (long, short, long, short):
            _seen(harness, charge, _made(harness, charge))
        assert len(harness.charges(long.invoice_id)) == 2
