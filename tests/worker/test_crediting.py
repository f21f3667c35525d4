"""Credits through whole runs: what is taken off documents in the books, once, with its tax, and what a person has to say or do."""

from decimal import Decimal

import pytest
from history.sample_books import COMPANY, TODAY, eur
from puntual.core.errors import LedgerUnavailable
from puntual.core.history.credits import credits_with
from puntual.core.history.database import reading, writing
from puntual.core.history.tables import late_charges
from puntual.core.history.work import waiting_approvals
from puntual.core.port import Capability
from puntual.core.receivables import DocumentStatus
from puntual.core.worker import people
from puntual.core.worker.charging import waive
from sqlalchemy import update
from worker.charge_office import AGREED, FEE, UNASKED, charging, kept, on_list, run_on, written
from worker.office import DAY

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
TAXED = UNASKED.replace("{late_fee: none}", "{late_fee: follows_supply, contract_interest: none}")
STATEMENT = "placement: statement"
LINE = "placement: line"
JUNE = TODAY.replace(month=6, day=1)


def owe(office, key="i1", total="1000", late=40, **more):
    office.books.owe(key, total=total, late=late, **more)


def credits_kept(office):
    """Amount and status of every credit."""
    with reading(office.engine) as conn:
        return [(str(one.amount.amount), one.status.value) for one in credits_with(conn, COMPANY)]


def credited(office):
    """Document, amount and charge line of what stands in the books, in the order of writing."""
    return [(wanted.document_id, str(wanted.amount.amount), wanted.charge_marker) for wanted, _ in office.books.credited.values()]


def charged_and_waived(office, *rules, settings=UNASKED, on=TODAY):
    """What was charged on this day is waived; it is not credited yet."""
    charging(office, *rules, settings=settings)
    made = run_on(office, on).charged.made
    for one in made:
        waive(office.desk(), one.id, "a good customer", "eva", on)
    return made


# --- how much ---------------------------------------------------------------------------------------------------------------------


def test_the_tax_of_a_charge_is_taken_back_with_it(office):
    office.books.tax = Decimal("0.21")
    owe(office)
    charged_and_waived(office, FEE, AGREED, settings=TAXED)
    assert [(str(one.amount), one.is_taxed) for one in written(office)] == [("9.86 EUR", False), ("15.00 EUR", True)]
    run_on(office, TODAY)
    assert sorted(amount for _, amount, _ in credited(office)) == ["18.15", "9.86"]
    assert {one.status for one in office.books.invoices.values() if one.is_late_charge} == {DocumentStatus.VOID}


def test_a_charge_that_is_taken_back_bit_by_bit_comes_to_exactly_its_total(office):
    office.books.tax = Decimal("0.21")
    taxed = TAXED.replace("contract_interest: none", "contract_interest: follows_supply")
    charging(office, AGREED, settings=f"{taxed}, after_payment: keep")
    owe(office)
    run_on(office, TODAY)
    for day, amount in ((DAY, "333.33"), (2 * DAY, "333.33"), (3 * DAY, "333.34")):
        office.books.pay("i1", amount, on=TODAY - 40 * DAY)
        run_on(office, TODAY + day)
    amounts = [Decimal(amount) for _, amount, _ in credited(office)]
    assert (len(amounts), sum(amounts), kept(office)["agreed 2026-05-03"].is_reversed) == (3, Decimal("11.93"), True)


def test_the_charges_of_a_statement_share_its_total_and_come_to_exactly_it(office):
    office.books.tax = Decimal("0.21")
    taxed = TAXED.replace("contract_interest: none", "contract_interest: follows_supply")
    for number, total in enumerate(("1000", "777", "333"), start=1):
        owe(office, f"i{number}", total)
    charged_and_waived(office, AGREED, settings=f"{taxed}, {STATEMENT}", on=JUNE)
    (statement,) = (one for one in office.books.invoices.values() if one.is_late_charge)
    run_on(office, JUNE)
    amounts = [Decimal(amount) for _, amount, _ in credited(office)]
    assert (len(amounts), Decimal(sum(amounts))) == (3, statement.instalments[0].total.amount)
    assert office.books.invoices[statement.id].status is DocumentStatus.PAID


def test_charges_that_are_taxed_and_charges_that_are_not_stand_in_statements_of_their_own(office):
    office.books.tax = Decimal("0.21")
    charging(office, FEE, AGREED, settings=f"{TAXED}, {STATEMENT}")
    owe(office)
    owe(office, "i2", "500")
    run_on(office, JUNE)
    assert sorted((one.is_taxed, str(one.amount.amount), len(one.lines)) for one in written(office)) == [
        (False, "14.79", 2), (True, "30.00", 2)
    ]  # fmt: skip


def test_a_line_on_the_invoice_is_taken_back_by_its_mark_and_bears_no_interest_before_or_after(office):
    owe(office)
    (made,) = charged_and_waived(office, FEE, settings=f"{UNASKED}, {LINE}")
    assert str(office.books.invoices["i1"].outstanding) == "1015.00 EUR"
    office.rule(f"rules: [{FEE}]", f"rules: [{FEE}, {AGREED}]")
    run_on(office, TODAY)
    assert credited(office) == [("i1", "15.00", written(office)[0].marker)]
    assert (str(office.books.invoices["i1"].outstanding), kept(office)[f"fee {made.last}"].on_invoice) == ("1009.86 EUR", True)
    run_on(office, TODAY + DAY)
    run_on(office, TODAY.replace(month=6, day=4))
    assert [str(one.amount) for one in written(office)[1:]] == ["9.86 EUR", "10.19 EUR"], "interest on 1000.00, not on 1015.00"


def test_what_is_left_to_be_written_off_is_what_is_open_of_the_document(office):
    office.books.tax = Decimal("0.21")
    charging(office, FEE, settings=f"{TAXED}, after_payment: keep, write_off_below: {{EUR: 10}}")
    owe(office)
    run_on(office, TODAY)
    office.books.pay("L-1", "10")
    office.books.pay("i1", on=TODAY + DAY)
    run_on(office, TODAY + 2 * DAY)
    assert [amount for _, amount, _ in credited(office)] == ["8.15"]


def test_nothing_is_credited_on_what_nobody_owes_any_more(office):
    owe(office)
    charging(office, FEE, AGREED, settings=f"{UNASKED}, {LINE}")
    run_on(office, TODAY)
    office.books.change("i1", status=DocumentStatus.VOID)
    report = run_on(office, TODAY + DAY)
    assert (len(report.charged.to_reverse), report.exit_code, credits_kept(office), office.to_do()) == (2, 0, [], [])


# --- what the ledger says ---------------------------------------------------------------------------------------------------------


@BOTH
def test_a_lost_answer_is_asked_for_again_and_nothing_is_credited_twice(office):
    owe(office)
    charged_and_waived(office, FEE)
    office.books.trouble = {"answer": LedgerUnavailable("no answer")}
    report = run_on(office, TODAY)
    assert (report.exit_code, report.credited.made, len(credited(office)), credits_kept(office)) == (75, [], 1, [("15.00", "wanted")])
    office.books.trouble = {}
    report = run_on(office, TODAY)
    assert (report.exit_code, len(report.credited.made), len(credited(office)), credits_kept(office)) == (0, 1, 1, [("15.00", "made")])


def test_what_the_ledger_refuses_is_on_the_list_once_and_tried_again_when_a_person_says_so(office):
    owe(office)
    charged_and_waived(office, FEE)
    office.books.refuses = {"L-1"}
    report = run_on(office, TODAY)
    assert (report.exit_code, [one.detail for one in report.credited.refused]) == (1, ["The period is locked."])
    (said,) = on_list(office, "credit_refused")
    assert said.startswith("The books did not take the credit of 15.00 EUR of the late charge fee on invoice F-i1: waived: a good customer")
    assert said.endswith(": The period is locked.")
    assert (run_on(office, TODAY + DAY).credited.refused, office.books.calls.count("credits")) == ([], 1)
    office.books.refuses = set()
    assert people.approve(office.desk(), [report.credited.refused[0].id[:8]], "eva") == 1
    run_on(office, TODAY + 2 * DAY)
    ((wanted, _),) = office.books.credited.values()
    assert (wanted.dated_on, on_list(office, "credit_refused")) == (TODAY + 2 * DAY, [])


def test_what_a_person_credited_by_hand_is_asked_for_no_more(office):
    owe(office)
    charged_and_waived(office, FEE)
    office.books.pay("L-1")
    report = run_on(office, TODAY)
    (refused,) = report.credited.refused
    assert "has been paid. Pay the customer back" in refused.detail
    people.finish(office.desk(), refused.work_id, "paid back", "eva")
    with reading(office.engine) as conn:
        assert waiting_approvals(conn, COMPANY) == []
    assert (run_on(office, TODAY).exit_code, credits_kept(office), office.to_do()) == (0, [("15.00", "closed")], [])
    assert "credit_closed" in office.audited()


def test_a_document_that_a_person_voided_meanwhile_needs_no_credit(office):
    owe(office)
    charged_and_waived(office, FEE)
    office.books.change("L-1", status=DocumentStatus.VOID)
    report = run_on(office, TODAY)
    assert (report.exit_code, credits_kept(office), office.to_do()) == (0, [("15.00", "closed")], [])


def test_where_the_ledger_takes_no_credits_a_person_is_told_once(office):
    office.books.capabilities -= {Capability.CREDITS}
    owe(office)
    charged_and_waived(office, FEE)
    assert run_on(office, TODAY).exit_code == 1
    assert on_list(office, "charge_reverse") == ["Credit 15.00 EUR of the late charge fee on invoice F-i1: waived: a good customer"]
    assert (run_on(office, TODAY).exit_code, len(on_list(office, "charge_reverse")), office.books.calls.count("credits")) == (0, 1, 0)


def test_trouble_with_credits_does_not_keep_the_notices(office):
    owe(office)
    charged_and_waived(office, FEE)
    del office.changes[1:]
    office.books.owe("i2", owner="c2")
    office.books.trouble = {"credits": LedgerUnavailable("down")}
    report = run_on(office, TODAY)
    assert (report.exit_code, str(report.credited.trouble).count("down"), len(office.post.mails)) == (75, 1, 2)


# --- modes ------------------------------------------------------------------------------------------------------------------------


def test_in_mode_approve_what_favours_the_customer_goes_without_a_yes(office):
    owe(office)
    charged_and_waived(office, FEE)
    office.rule("mode: live", "mode: approve")
    assert len(run_on(office, TODAY).credited.made) == 1


def test_in_shadow_nothing_is_credited(office):
    owe(office)
    charged_and_waived(office, FEE)
    office.rule("mode: live", "mode: shadow")
    run_on(office, TODAY)
    assert (credited(office), credits_kept(office)) == ([], [("15.00", "wanted")])
    office.changes.pop()
    run_on(office, TODAY)
    assert credits_kept(office) == [("15.00", "made")]


def test_a_charge_of_before_anybody_asked_for_its_tax_follows_the_policy(office):
    office.books.tax = Decimal("0.21")
    charging(office, FEE, settings=TAXED.replace("approval: false", "approval: true"))
    owe(office)
    run_on(office, TODAY)
    with writing(office.engine) as conn:
        conn.execute(update(late_charges).values(is_taxed=None))
    people.approve(office.desk(), None, "eva")
    run_on(office, TODAY)
    assert [(one.is_taxed, one.amount) for one in written(office)] == [(True, eur("15"))]
