"""Crediting: an amount is taken off a document once, exactly, and never more than is owed.

A document of ours that nobody touched is made void where the credit is its whole total; anything else gets a credit note, which is made
and then used. A death between the two leaves a credit note that is used on nothing, as a person leaves one who takes the use back.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from harness import UNUSED_ID, Books, Harness, SeededIds, SeenCredit
from puntual.core.bookings import ChargeMade, CreditMade, CreditWanted, LateCharge
from puntual.core.errors import Refused
from puntual.core.money import Money
from puntual.core.port import Capability
from puntual.core.receivables import DocumentStatus
from suite.rules import rule
from suite.sample import a_charge, a_credit, a_customer, able, an_invoice, eur, listen, lock, many_invoices, one_invoice

NO_DECIMALS = "JPY"


def _able(harness: Harness, *wanted: CreditWanted) -> bool:
    connector = harness.new()
    return able(connector, Capability.CREDITS, lambda: connector.put_credits(wanted))


def _made(harness: Harness, credit: CreditWanted) -> CreditMade:
    """The credit as a fresh connector puts it; it is not refused."""
    answer = harness.new().put_credits([credit])
    assert set(answer) == {credit.marker}
    made = answer[credit.marker]
    assert isinstance(made, CreditMade), made
    assert (made.marker, made.amount) == (credit.marker, credit.amount)
    assert made.number
    return made


def _refused(harness: Harness, credit: CreditWanted) -> Refused:
    """Why a fresh connector refuses the credit, in words."""
    answer = harness.new().put_credits([credit])[credit.marker]
    assert isinstance(answer, Refused), answer
    assert len(answer.detail.split()) > 2
    return answer


def _seen(harness: Harness, credit: CreditWanted, made: CreditMade) -> SeenCredit:
    """The credit note that stands in the books for this credit, used on its document in full."""
    found = [seen for seen in harness.credits(credit.document_id) if seen.credit_id == made.credit_id]
    assert len(found) == 1, harness.credits(credit.document_id)
    assert (found[0].total, found[0].used) == (credit.amount, credit.amount)
    assert credit.text in found[0].text
    assert credit.document_number in found[0].text
    assert not made.is_void
    return found[0]


def _for_charge(harness: Harness, ids: SeededIds, marker: str = "PUNTUAL-c1", *, invoice: str = "i1") -> CreditWanted:
    """A credit over all of a late charge that stands in the books as a document of its own."""
    charge = a_charge(ids, harness, f"{marker}-charge", invoice=invoice)
    made = harness.new().put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade), made
    text = f"Anulación de {made.number}"
    return CreditWanted(marker, made.document_id, made.number, charge.customer_id, made.amount, text, harness.today)


@rule()
def the_same_credit_twice_is_one_credit(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    wanted = [a_credit(ids, harness, f"PUNTUAL-a{n}", invoice=f"m{n}", amount="1.05") for n in range(2)]
    if not _able(harness, *wanted):
        return
    wanted.append(_for_charge(harness, ids, invoice="m2"))
    connector = harness.new()
    first = connector.put_credits([*wanted, *wanted])
    assert first == connector.put_credits(wanted) == harness.new().put_credits(wanted)
    for credit in wanted[:2]:
        _seen(harness, credit, _made(harness, credit))
        assert len(harness.credits(credit.document_id)) == 1
    assert [_made(harness, credit).is_void for credit in wanted] == [False, False, True]


@rule()
def a_crash_after_writing_still_leaves_one_credit(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    credit = a_credit(ids, harness, invoice="m3")
    if not _able(harness, credit):
        return
    whole = _for_charge(harness, ids, invoice="m1")
    for each in (credit, whole):
        connector = harness.new()
        harness.lose_next_answer()
        with pytest.raises(Exception):  # noqa: B017 -- a crash may be anything
            connector.put_credits([each])
    _seen(harness, credit, _made(harness, credit))
    assert _made(harness, whole).is_void
    heard = listen(harness)
    assert (heard.owed(credit.document_id), heard.owed(whole.document_id)) == (eur("1.05"), None)
    assert len(harness.credits(credit.document_id)) == 1


@rule()
def a_credit_that_was_only_begun_is_finished(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    credit = a_credit(ids, harness)
    if not _able(harness, credit):
        return
    made = _made(harness, credit)
    for is_lost in (False, True):
        harness.unallocate(credit.document_id)
        assert [seen.used.is_positive for seen in harness.credits(credit.document_id)] == [False]
        if is_lost:
            connector = harness.new()
            harness.lose_next_answer()
            with pytest.raises(Exception):  # noqa: B017 -- a crash may be anything
                connector.put_credits([credit])
        assert _made(harness, credit) == made
        _seen(harness, credit, made)
        assert listen(harness).owed(credit.document_id) == eur("96.80")
    assert len(harness.credits(credit.document_id)) == 1


@rule()
def a_credit_that_was_only_begun_is_not_used_beyond_what_is_owed(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    credit = a_credit(ids, harness)
    if not _able(harness, credit):
        return
    _made(harness, credit)
    harness.unallocate(credit.document_id)
    harness.pay(credit.document_id, eur("97.00"), harness.today)
    _refused(harness, credit)
    assert [seen.used.is_positive for seen in harness.credits(credit.document_id)] == [False]
    assert listen(harness).owed(credit.document_id) == eur("3.00")


@rule()
def an_untouched_charge_of_ours_is_made_void(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    if not _able(harness, a_credit(ids, harness)):
        return
    credit = _for_charge(harness, ids)
    heard = listen(harness)
    assert heard.owed(credit.document_id) == credit.amount
    made = _made(harness, credit)
    assert (made.is_void, made.credit_id, made.number) == (True, credit.document_id, credit.document_number)
    assert list(harness.credits(credit.document_id)) == []
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert listener.owed(credit.document_id) is None
        assert listener.owed(ids.invoices["i1"]) == eur("100.00")
    assert heard.invoices[credit.document_id].status is DocumentStatus.VOID


@rule()
def a_charge_of_ours_that_was_touched_gets_a_credit_note(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    if not _able(harness, a_credit(ids, harness)):
        return
    whole = _for_charge(harness, ids)
    part = replace(whole, amount=eur("1.25"))
    made = _made(harness, part)
    _seen(harness, part, made)
    rest = replace(whole, marker="PUNTUAL-c2", amount=eur("6.00"))
    _seen(harness, rest, _made(harness, rest))
    assert listen(harness).owed(whole.document_id) is None
    assert len(harness.credits(whole.document_id)) == 2


@rule()
def a_part_of_an_invoice_is_credited(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    credit = a_credit(ids, harness)
    if not _able(harness, credit):
        return
    heard, lines = listen(harness), list(harness.lines(credit.document_id))
    payments = dict(heard.payments)
    made = _made(harness, credit)
    assert not _seen(harness, credit, made).tax.is_positive
    heard.sync(harness.new())
    assert heard.owed(credit.document_id) == eur("96.80")
    assert heard.allocated(credit.document_id) == {made.credit_id: credit.amount}
    assert heard.payments == payments
    note = listen(harness).credit_notes.get(made.credit_id) or heard.credit_notes[made.credit_id]
    assert (note.number, note.total, note.remaining.is_positive) == (made.number, credit.amount, False)
    assert list(harness.lines(credit.document_id)) == lines


@rule()
def all_that_is_left_of_an_invoice_is_credited(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    part, whole = (a_credit(ids, harness, f"PUNTUAL-a{n}", invoice=f"m{n}", amount="1.25") for n in (1, 0))
    if not _able(harness, part, whole):
        return
    harness.pay(part.document_id, eur("1.00"), harness.today)
    for credit in (part, whole):
        _seen(harness, credit, _made(harness, credit))
        assert listen(harness).owed(credit.document_id) is None


@rule()
def no_more_is_credited_than_is_outstanding(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    beyond, after_payment, kept = (a_credit(ids, harness, f"PUNTUAL-b{n}", invoice=f"m{n}", amount="1.26") for n in range(3))
    if not _able(harness, beyond, after_payment, kept):
        return
    harness.pay(after_payment.document_id, eur("1.00"), harness.today)
    answer = harness.new().put_credits([beyond, after_payment, kept])
    assert [isinstance(answer[credit.marker], CreditMade) for credit in (beyond, after_payment, kept)] == [False, False, True]
    again = replace(kept, marker="PUNTUAL-b9", amount=eur("2.00"))
    _refused(harness, again)
    heard = listen(harness)
    assert [heard.owed(credit.document_id) for credit in (beyond, after_payment, kept)] == [eur("1.25"), eur("1.25"), eur("1.99")]
    assert len(harness.credits(kept.document_id)) == 1


@rule()
def nothing_is_credited_on_what_is_not_owed(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    paid, void, gone = (a_credit(ids, harness, f"PUNTUAL-f{n}", invoice=f"m{n}", amount="0.50") for n in range(3))
    unknown = replace(a_credit(ids, harness, "PUNTUAL-f9", invoice="m4"), document_id=UNUSED_ID)
    other = replace(a_credit(ids, harness, "PUNTUAL-f8", invoice="m4"), amount=eur("0.50", "USD"))
    wanted = [paid, void, gone, unknown, other]
    if not _able(harness, *wanted):
        return
    harness.pay(paid.document_id, eur("1.25"), harness.today)
    harness.void(void.document_id)
    harness.delete(gone.document_id)
    answer = harness.new().put_credits(wanted)
    assert set(answer) == {credit.marker for credit in wanted}
    assert all(isinstance(refused, Refused) and refused.detail for refused in answer.values()), answer
    assert "has been paid" in answer[paid.marker].detail  # type: ignore[union-attr]
    assert [list(harness.credits(credit.document_id)) for credit in (paid, void, other)] == [[], [], []]
    assert listen(harness).owed(other.document_id) == eur("5.25")


@rule()
def in_a_locked_period_a_charge_of_ours_gets_a_credit_note(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    if not _able(harness, a_credit(ids, harness)):
        return
    charge = replace(a_charge(ids, harness), charged_on=harness.today - timedelta(days=3))
    charged = harness.new().put_charges([charge])[charge.marker]
    assert isinstance(charged, ChargeMade)
    if not lock(harness, 1):
        return
    text = f"Anulación de {charged.number}"
    credit = CreditWanted("PUNTUAL-c1", charged.document_id, charged.number, charge.customer_id, charged.amount, text, harness.today)
    _seen(harness, credit, _made(harness, credit))
    assert listen(harness).owed(charged.document_id) is None


@rule()
def what_the_lock_forbids_is_not_credited(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    credit = a_credit(ids, harness)
    if not _able(harness, credit):
        return
    whole = _for_charge(harness, ids)
    if not lock(harness, 0):
        return
    for each in (credit, whole):
        _refused(harness, each)
        assert list(harness.credits(each.document_id)) == []
    heard = listen(harness)
    assert (heard.owed(credit.document_id), heard.owed(whole.document_id)) == (eur("100.00"), whole.amount)


@rule()
def credits_are_exact_in_every_currency(harness: Harness) -> None:
    amounts = {"EUR": "0.10", "USD": "1234.07", NO_DECIMALS: "1250"}
    due = harness.today - timedelta(days=10)
    customers = tuple(a_customer(f"c{code}") for code in amounts)
    invoices = tuple(an_invoice(f"i{code}", "9000", currency=code, customer=f"c{code}", due=due, number=f"F-{code}") for code in amounts)
    ids = harness.seed(Books(customers, invoices))
    wanted = [
        a_credit(ids, harness, f"PUNTUAL-{code}", invoice=f"i{code}", customer=f"c{code}", amount=Money.of(amount, code))
        for code, amount in amounts.items()
    ]
    if not _able(harness, *wanted):
        return
    answer, heard = harness.new().put_credits(wanted), listen(harness)
    for credit in wanted:
        made = answer[credit.marker]
        assert isinstance(made, CreditMade), made
        _seen(harness, credit, made)
        assert heard.owed(credit.document_id) == eur("9000", credit.amount.currency) - credit.amount


def _charged(harness: Harness, charge: LateCharge) -> ChargeMade | None:
    """The taxed charge as it stands in the books; None where there are no late charges."""
    connector = harness.new()
    if not able(connector, Capability.LATE_CHARGES, lambda: connector.put_charges([charge])):
        return None
    made = connector.put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade), made
    assert charge.amount < made.amount
    return made


def _bears(seen: SeenCredit, tax: Money, total: Money) -> bool:
    """Whether the credit bears that share of a tax which it takes off the total; to the smallest coin, for so it is rounded."""
    share = seen.total.amount * tax.amount / total.amount
    return abs(seen.tax.amount - share) < Money.from_minor(1, tax.currency).amount


@rule()
def the_credit_of_a_taxed_charge_takes_its_tax_away(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    untouched, touched = (a_charge(ids, harness, f"PUNTUAL-t{n}", invoice=f"m{n}", amount="7.25", is_taxed=True) for n in range(2))
    if not _able(harness, a_credit(ids, harness, invoice="m3")):
        return
    made = {charge.marker: _charged(harness, charge) for charge in (untouched, touched)}
    void, part_of = made[untouched.marker], made[touched.marker]
    if void is None or part_of is None:
        return
    whole = CreditWanted("PUNTUAL-v0", void.document_id, void.number, untouched.customer_id, void.amount, "Anulación", harness.today)
    assert _made(harness, whole).is_void
    tax = part_of.amount - touched.amount
    # With many a rate no net amount comes to 0.03, 0.10 or 1.25 with its tax; a credit does all the same.
    small = [eur("0.03"), eur("0.10"), eur("1.25")]
    for n, amount in enumerate([*small, part_of.amount - sum(small[1:], start=small[0])]):
        credit = replace(whole, marker=f"PUNTUAL-v{n + 1}", document_id=part_of.document_id, document_number=part_of.number, amount=amount)
        credit = replace(credit, text=f"Abono {n} de {part_of.number}")
        assert _bears(_seen(harness, credit, _made(harness, credit)), tax, part_of.amount)
    heard = listen(harness)
    assert (heard.owed(void.document_id), heard.owed(part_of.document_id)) == (None, None)


@rule()
def a_credit_bears_the_taxes_of_the_document_in_proportion(harness: Harness) -> None:
    """One line of the invoice is taxed, the others are not: a line for each, and of a charge that is reversed its own alone."""
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness, on_invoice=True, is_taxed=True, amount="40.00")
    if not _able(harness, a_credit(ids, harness)):
        return
    made = _charged(harness, charge)
    if made is None or not made.on_invoice:
        return
    tax, total = made.amount - charge.amount, eur("100.00") + made.amount
    discount = a_credit(ids, harness, "PUNTUAL-w1", amount="2.97")
    assert _bears(_seen(harness, discount, _made(harness, discount)), tax, total)
    reversed_ = replace(a_credit(ids, harness, "PUNTUAL-w2", amount=made.amount), charge_marker=charge.marker)
    assert _bears(_seen(harness, reversed_, _made(harness, reversed_)), tax, made.amount)
    assert listen(harness).owed(charge.invoice_id) == eur("97.03")


@rule()
def the_marker_of_a_credit_is_not_taken_for_a_longer_one(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    long, short = (a_credit(ids, harness, marker, text=f"Abono {marker[-1]}") for marker in ("PUNTUAL-12", "PUNTUAL-1"))
    if not _able(harness, long, short):
        return
    for credit in (long, short, long, short):
        _seen(harness, credit, _made(harness, credit))
    assert len(harness.credits(long.document_id)) == 2
    assert listen(harness).owed(long.document_id) == eur("93.60")


@rule()
def a_credit_moves_no_other_money(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    credit = a_credit(ids, harness, invoice="m3")
    if not _able(harness, credit):
        return
    whole, heard = _for_charge(harness, ids, invoice="m0"), listen(harness)
    expected = {key: heard.owed(key) for key in heard.invoices} | {credit.document_id: eur("1.05"), whole.document_id: None}
    for each in (credit, whole):
        _made(harness, each)
    for listener in (heard.sync(harness.new()), listen(harness)):
        assert {key: listener.owed(key) for key in expected} == expected
    assert harness.new().recheck([credit.document_id]).credits == ()
