"""Late charges through whole runs: once, in the books, with what a person has to say before and after."""

from datetime import date, timedelta

import pytest
from history.sample_books import COMPANY, TODAY, eur
from puntual.core.bookings import ChargeMade
from puntual.core.errors import GuardStopped, LedgerUnavailable
from puntual.core.history.charge_marks import due_item_ids
from puntual.core.history.database import reading, writing
from puntual.core.receivables import DocumentStatus, Instalment
from puntual.core.worker import people
from puntual.core.worker.charging import NoSuchCharge, announcements_for, note_announced, standing_charges, waive
from puntual.core.worker.sync import sync
from worker.charge_office import AGREED, FEE, KEEP, UNASKED, charging, kept, on_list, run_each, run_on, states, written
from worker.office import DAY, meanwhile

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
ASKED = UNASKED.replace("approval: false", "approval: true")
DUE = TODAY - timedelta(days=40)
JUNE = date(2026, 6, 1)


def owe(office, key="i1", total="1000", late=40, **more):
    office.books.owe(key, total=total, late=late, **more)


def looks(office, on):
    with reading(office.engine) as conn:
        return due_item_ids(conn, COMPANY, on)


# --- once, and only what is due ---------------------------------------------------------------------------------------------------


@BOTH
def test_what_is_due_is_charged_once_with_its_calculation_and_the_item_sleeps_until_the_next_period(office):
    charging(office, AGREED, FEE)
    owe(office)
    owe(office, "i2", late=-3)
    report = run_on(office, TODAY)
    assert [(str(one.amount), one.invoice_number, one.charged_on) for one in written(office)] == [
        ("9.86 EUR", "F-i1", TODAY), ("15.00 EUR", "F-i1", TODAY)
    ]  # fmt: skip
    assert written(office)[0].text.splitlines()[1].endswith("30 días × 1.000,00\xa0€ × 12 % ÷ 365 = 9,86\xa0€")
    assert (report.exit_code, len(report.charged.made), report.charged.waiting) == (0, 2, [])
    assert states(office) == [("fee", "15.00", "made"), ("agreed", "9.86", "made")]
    run_on(office, TODAY)
    assert (len(office.books.charges), looks(office, TODAY), looks(office, TODAY + 22 * DAY)) == (2, [], ["i1/1", "i2/1"])
    run_on(office, date(2026, 6, 4))
    assert [(one.invoice_number, str(one.amount)) for one in written(office)[2:]] == [("F-i1", "10.19 EUR"), ("F-i2", "15.00 EUR")]
    assert office.audited().count("charge_made") == 4


def test_nothing_is_recorded_or_written_in_shadow_and_the_report_says_what_would_be(office):
    charging(office, AGREED)
    office.rule("mode: live", "mode: shadow")
    owe(office)
    report = run_on(office, TODAY)
    assert ([str(one.amount) for one in report.charged.due], report.exit_code) == (["9.86 EUR"], 0)
    assert (office.books.charges, states(office), looks(office, TODAY)) == ({}, [], ["i1/1"])
    assert "put_charges" not in office.books.calls


def test_without_late_charges_nothing_is_asked_of_anybody(office):
    owe(office)
    run_on(office, TODAY)
    assert (office.books.charges, states(office)) == ({}, [])


def test_a_customer_of_the_ledgers_own_fee_a_consumer_a_charge_and_a_held_item_bear_none(office):
    charging(office, FEE)
    owe(office, "i1", ledger_late_fee="Late fee")
    owe(office, "i2", is_late_charge=True)
    owe(office, "i3", disputed="wrong amount")
    run_on(office, TODAY)
    assert office.books.charges == {}
    office.books.change("i3", disputed="")
    run_on(office, TODAY + DAY)
    assert [one.invoice_id for one in written(office)] == ["i3"]


# --- the guard --------------------------------------------------------------------------------------------------------------------


def test_the_guard_counts_what_would_be_charged_and_nothing_of_it_is_recorded(office):
    charging(office, FEE)
    office.rule("tolerance: {EUR: 1}\n", "tolerance: {EUR: 1}\nguard: {max_total: {EUR: 20}}\n")
    owe(office)
    run_on(office, TODAY)
    owe(office, "i2")
    owe(office, "i3", "500")
    with pytest.raises(GuardStopped, match=r"charge 30.00 EUR for lateness, more than the 20 of guard.max_total"):
        run_on(office, TODAY + DAY)
    assert (len(office.books.charges), len(states(office))) == (1, 1)
    assert len(run_on(office, TODAY + DAY, confirmed=True).charged.made) == 2


def test_books_that_are_not_up_to_date_charge_nobody(office):
    charging(office, FEE)
    owe(office)
    office.books.last_bank_entry_on = TODAY - 60 * DAY
    with pytest.raises(GuardStopped, match="so what looks open may be paid"):
        office.run(TODAY)
    assert office.books.charges == {}


# --- a person says yes, or no -----------------------------------------------------------------------------------------------------


@BOTH
def test_what_needs_a_yes_waits_for_it_keeps_its_place_and_is_written_once(office):
    charging(office, AGREED, settings=ASKED)
    owe(office)
    report = run_on(office, TODAY)
    (waiting,) = report.charged.waiting
    assert (report.exit_code, office.books.charges, states(office)) == (1, {}, [("agreed", "9.86", "waiting")])
    assert run_on(office, TODAY).charged.waiting == [waiting]
    assert people.approve(office.desk(), [waiting.id[:8]], "eva") == 1
    report = run_on(office, TODAY)
    assert (report.exit_code, len(written(office)), kept(office)["agreed 2026-05-03"].said_by) == (0, 1, "eva")
    run_on(office, TODAY)
    assert (len(written(office)), people.approve(office.desk(), None, "eva")) == (1, 0)


def test_in_mode_approve_every_charge_needs_a_yes_and_live_takes_what_waited(office):
    charging(office, FEE)
    office.rule("mode: live", "mode: approve")
    owe(office)
    assert [one.status.value for one in run_on(office, TODAY).charged.waiting] == ["waiting"]
    office.changes.pop()
    assert [one.key.rule for one in run_on(office, TODAY).charged.made] == ["fee"]


def test_a_charge_that_was_approved_waits_while_the_invoice_is_disputed(office):
    charging(office, FEE, settings=ASKED)
    owe(office)
    run_on(office, TODAY)
    people.approve(office.desk(), None, "eva")
    office.books.change("i1", disputed="not delivered")
    assert (run_on(office, TODAY).charged.made, states(office)) == ([], [("fee", "15.00", "approved")])
    office.books.change("i1", disputed="")
    assert len(run_on(office, TODAY).charged.made) == 1


def test_a_charge_that_waits_is_dropped_when_the_payment_came_first_and_is_counted_anew_when_less_was_owed(office):
    charging(office, AGREED, settings=f"{ASKED}, after_payment: keep")
    owe(office)
    run_on(office, TODAY)
    office.books.pay("i1", "500", on=DUE + 15 * DAY)
    report = run_on(office, TODAY + DAY)
    assert [str(one.amount) for one in report.charged.waiting] == ["7.40 EUR"]
    assert [str(one[0].amount) for one in report.charged.dropped] == ["9.86 EUR"]
    office.books.payments["p0"] = office.books.payments["p0"].__class__("p0", "c1", DUE, eur("500"), eur("0"))
    office.books.changed.append("p0")
    assert [str(one.amount) for one in run_on(office, TODAY + DAY).charged.waiting] == ["4.93 EUR"]
    office.books.pay("i1", on=DUE)
    assert run_on(office, TODAY + 2 * DAY).charged.waiting == []
    assert (office.books.charges, people.approve(office.desk(), None, "eva")) == ({}, 0)
    assert office.audited().count("charge_dropped") == 3


def test_without_the_section_what_waited_is_dropped(office):
    charging(office, FEE, settings=ASKED)
    owe(office)
    run_on(office, TODAY)
    del office.changes[0]
    run_on(office, TODAY)
    assert (states(office), people.approve(office.desk(), None, "eva")) == ([("fee", "15.00", "dropped")], 0)


def test_a_waived_charge_is_not_made_and_its_days_are_never_charged_again(office):
    charging(office, AGREED, settings=ASKED)
    owe(office)
    (waiting,) = run_on(office, TODAY).charged.waiting
    assert waive(office.desk(), waiting.id[:8], "a good customer", "eva", TODAY)[1] is False
    assert (run_on(office, TODAY).charged.waiting, states(office)) == ([], [("agreed", "9.86", "waived")])
    assert [one.first for one in run_on(office, date(2026, 6, 4)).charged.waiting] == [date(2026, 5, 4)]
    with pytest.raises(NoSuchCharge, match="is charged no longer: a good customer"):
        waive(office.desk(), waiting.id, "again", "eva", TODAY)
    with pytest.raises(NoSuchCharge, match="0 late charges"):
        waive(office.desk(), "zz", "what", "eva", TODAY)
    assert "charge_waived" in office.audited()


def test_a_charge_in_the_books_that_is_waived_is_credited_by_the_next_run_and_never_charged_again(office):
    charging(office, FEE)
    owe(office)
    (made,) = run_on(office, TODAY).charged.made
    assert waive(office.desk(), made.id, "a good customer", "eva", TODAY)[1] is True
    assert office.books.credited == {}
    assert run_on(office, TODAY).exit_code == 0
    ((wanted, credited),) = office.books.credited.values()
    assert (wanted.document_id, str(wanted.amount), credited.is_void) == (made.document_number, "15.00 EUR", True)
    run_on(office, TODAY)
    assert (len(office.books.credited), len(written(office)), kept(office)[f"fee {made.last}"].is_reversed) == (1, 1, True)
    with pytest.raises(NoSuchCharge, match="waived: a good customer"):
        waive(office.desk(), made.id, "again", "eva", TODAY)


# --- the ledger's answers ---------------------------------------------------------------------------------------------------------


def test_what_the_ledger_refuses_is_on_the_list_once_and_is_tried_again_only_when_a_person_says_so(office):
    charging(office, FEE)
    owe(office)
    office.books.refuses = {"i1"}
    report = run_on(office, TODAY)
    assert (report.exit_code, [why for _, why in report.charged.refused]) == (1, ["The period is locked."])
    run_on(office, TODAY)
    assert (office.books.calls.count("charges"), len(on_list(office, "charge_refused"))) == (1, 1)
    office.books.refuses = set()
    assert people.approve(office.desk(), [report.charged.refused[0][0].id[:8]], "eva") == 1
    assert len(run_on(office, TODAY).charged.made) == 1
    assert (on_list(office, "charge_refused"), len(written(office))) == ([], 1)


@BOTH
def test_a_lost_answer_is_looked_up_by_the_marker_and_nothing_is_charged_twice(office):
    charging(office, FEE, AGREED)
    owe(office)
    office.books.trouble = {"answer": LedgerUnavailable("no answer")}
    report = run_on(office, TODAY)
    assert (report.exit_code, report.charged.made, len(office.books.charges)) == (75, [], 1)
    office.books.trouble = {}
    report = run_on(office, TODAY)
    assert (len(report.charged.made), sorted(str(one.amount) for one in written(office))) == (2, ["15.00 EUR", "9.86 EUR"])
    assert {one.status.value for one in kept(office).values()} == {"made"}


def test_while_the_ledger_cannot_be_asked_what_became_of_a_charge_none_is_made(office):
    charging(office, FEE)
    owe(office)
    office.books.trouble = {"answer": LedgerUnavailable("no answer")}
    run_on(office, TODAY)
    office.books.trouble = {"find charges": LedgerUnavailable("down")}
    owe(office, "i2")
    report = run_on(office, TODAY)
    assert (report.exit_code, len(office.books.charges), len(states(office))) == (75, 1, 1)
    office.books.trouble = {}
    run_on(office, TODAY)
    assert len(office.books.charges) == 2


def test_trouble_with_charges_does_not_keep_the_notices(office):
    office.rule("tolerance: {EUR: 1}\n", f"tolerance: {{EUR: 1}}\nlate_charges: {{rules: [{FEE}], {UNASKED}}}\n")
    owe(office)
    office.books.trouble = {"charges": LedgerUnavailable("down")}
    assert (run_on(office, TODAY).exit_code, len(office.post.mails), office.books.charges) == (75, 1, {})


# --- where it stands --------------------------------------------------------------------------------------------------------------


def test_a_line_on_the_invoice_bears_no_interest_itself(office):
    charging(office, AGREED, settings=f"{UNASKED}, placement: line")
    owe(office)
    run_on(office, TODAY)
    assert str(office.books.invoices["i1"].outstanding) == "1009.86 EUR"
    assert kept(office)["agreed 2026-05-03"].on_invoice
    run_on(office, date(2026, 6, 4))
    assert [str(one.amount) for one in written(office)] == ["9.86 EUR", "10.19 EUR"]
    assert str(office.books.invoices["i1"].outstanding) == "1020.05 EUR"


def test_a_line_that_was_written_and_not_answered_is_counted_once(office):
    charging(office, AGREED, settings=f"{UNASKED}, placement: line")
    owe(office)
    office.books.trouble = {"answer": LedgerUnavailable("no answer")}
    run_on(office, TODAY)
    office.books.trouble = {}
    assert len(run_on(office, TODAY).charged.made) == 1
    run_on(office, date(2026, 6, 4))
    assert [str(one.amount) for one in written(office)] == ["9.86 EUR", "10.19 EUR"]


def test_a_statement_is_one_document_for_a_customer_month_and_currency(office):
    charging(office, AGREED, settings=f"{UNASKED}, placement: statement")
    owe(office)
    owe(office, "i2", "500")
    owe(office, "i3", "500", owner="c2")
    run_each(office, TODAY, 50)
    assert [(one.customer_id, str(one.amount), len(one.lines), one.charged_on) for one in written(office)] == [
        ("c1", "14.79 EUR", 2, JUNE),
        ("c2", "4.93 EUR", 0, JUNE),
        ("c1", "15.29 EUR", 2, date(2026, 7, 1)),
        ("c2", "5.10 EUR", 0, date(2026, 7, 1)),
    ]
    assert written(office)[0].text == "Cargos por demora, 2026-05"


def test_a_statement_waits_until_nobody_is_asked_any_more_about_a_part_of_it(office):
    charging(office, AGREED, settings=f"{ASKED}, placement: statement")
    owe(office)
    owe(office, "i2", "500")
    first, second = run_on(office, JUNE).charged.waiting
    people.approve(office.desk(), [first.id], "eva")
    assert run_on(office, JUNE).charged.made == []
    waive(office.desk(), second.id, "no", "eva", JUNE)
    assert [one.id for one in run_on(office, JUNE).charged.made] == [first.id]


def test_a_statement_leaves_out_what_is_not_owed_any_more(office):
    charging(office, AGREED, settings=f"{UNASKED}, placement: statement")
    owe(office)
    owe(office, "i2", "500")
    office.books.before_recheck = lambda: office.books.change("i2", status=DocumentStatus.VOID)
    report = run_on(office, JUNE)
    assert ([one.invoice_id for one in written(office)], written(office)[0].lines) == (["i1"], ())
    assert [one.number for one, _ in report.charged.refused] == ["F-i2"]
    assert [one.number for one, _ in run_on(office, JUNE).charged.dropped] == ["F-i2"]
    assert on_list(office, "charge_refused") == []


@pytest.mark.parametrize("change", [{"disputed": "the goods"}, {"instalments": (Instalment(1, JUNE + DAY, eur("1000"), eur("1000")),)}])
@pytest.mark.parametrize("settings", [UNASKED, f"{UNASKED}, placement: statement"])
def test_what_is_disputed_or_due_later_since_it_was_counted_is_counted_anew(office, change, settings):
    charging(office, AGREED, settings=settings)
    owe(office)
    owe(office, "i2", "500")
    meanwhile(office, lambda: office.books.change("i1", **change))
    report = run_on(office, JUNE)
    assert [one.invoice_id for one in written(office)] == ["i2"]
    assert (report.charged.refused, report.charged.trouble, on_list(office, "charge_refused")) == ([], None, [])
    assert run_on(office, JUNE).charged.made == []
    assert [one.invoice_id for one in written(office)] == ["i2"]


def test_an_instalment_gets_a_document_and_never_a_line(office):
    charging(office, AGREED, settings=f"{UNASKED}, placement: line")
    parts = (Instalment(1, DUE, eur("600"), eur("600")), Instalment(2, TODAY + DAY, eur("400"), eur("400")))
    owe(office, instalments=parts)
    run_on(office, TODAY)
    assert [(one.on_invoice, str(one.amount)) for one in written(office)] == [(False, "5.92 EUR")]


# --- paid, void, taken back -------------------------------------------------------------------------------------------------------


def test_what_was_late_and_is_paid_is_charged_to_the_day_of_payment_when_the_policy_keeps_it(office):
    charging(office, AGREED, settings=KEEP)
    owe(office, late=20)
    run_on(office, TODAY)
    office.books.pay("i1", on=TODAY)
    run_on(office, TODAY + DAY)
    assert [(str(one.amount), one.survives_payment) for one in written(office)] == [("6.58 EUR", True)]
    run_each(office, TODAY + 2 * DAY, 60, 9)
    assert len(written(office)) == 1


def test_what_was_late_and_is_paid_is_dropped_when_the_policy_waives_it(office):
    charging(office, AGREED)
    owe(office, late=20)
    run_on(office, TODAY)
    office.books.pay("i1", on=TODAY)
    run_each(office, TODAY + DAY, 60, 9)
    assert (written(office), states(office)) == ([], [])


@BOTH
def test_a_payment_that_proves_to_have_been_on_time_takes_the_charge_back_once(office):
    charging(office, AGREED, settings=KEEP)
    owe(office)
    run_on(office, TODAY)
    office.books.pay("i1", on=DUE)
    report = run_on(office, TODAY + DAY)
    assert (report.exit_code, [str(one.amount) for one in report.charged.to_reverse]) == (0, ["9.86 EUR"])
    assert [(str(one.amount), one.is_void) for one in report.credited.made] == [("9.86 EUR", True)]
    assert run_on(office, TODAY + DAY).charged.to_reverse == []
    assert (kept(office)["agreed 2026-05-03"].is_reversed, office.audited().count("charge_reversed")) == (True, 1)
    assert [kind for kind in office.audited() if kind.startswith("credit_")] == ["credit_wanted", "credit_made"]


def test_a_charge_on_what_is_void_or_gone_is_taken_back(office):
    charging(office, FEE)
    owe(office)
    owe(office, "i2", owner="c2")
    owe(office, "i3", owner="c3")
    run_on(office, TODAY)
    office.books.change("i1", status=DocumentStatus.VOID)
    office.books.remove("i2")
    sync(office.desk(), office.desk().open_ledger(), TODAY, complete=True)
    assert {one.key.item_id for one in run_on(office, TODAY).charged.to_reverse} == {"i1/1", "i2/1"}


def test_a_charge_whose_document_a_person_voided_is_reversed_already(office):
    charging(office, FEE)
    owe(office)
    (made,) = run_on(office, TODAY).charged.made
    office.books.change(made.document_number, status=DocumentStatus.VOID)
    office.books.change("i1", status=DocumentStatus.VOID)
    assert run_on(office, TODAY).charged.to_reverse == []


def test_a_small_rest_of_charges_is_written_off_when_the_invoice_is_paid(office):
    charging(office, AGREED, settings=f"{KEEP}, write_off_below: {{EUR: 12}}")
    owe(office)
    run_on(office, TODAY)
    office.books.pay("i1", on=DUE + 30 * DAY)
    report = run_on(office, TODAY + DAY)
    assert [(str(one.amount), one.reason.value) for one in report.charged.to_reverse] == [("9.86 EUR", "written_off")]


# --- announced ----------------------------------------------------------------------------------------------------------------------


def test_what_a_notice_announced_is_charged_so_many_days_later_and_not_before(office):
    charging(office, FEE, settings=UNASKED.replace("announce: false", "announce_days: 5"))
    owe(office)
    run_on(office, TODAY)
    desk = office.desk()
    with writing(office.engine) as conn:
        (announced,) = announcements_for(conn, desk, ["i1/1", "none/1"], TODAY)["i1/1"]
        assert (announced.rule, announced.from_on) == ("fee", TODAY + 5 * DAY)
        note_announced(conn, COMPANY, [("i1/1", announced.rule)], TODAY)
        note_announced(conn, COMPANY, [("i1/1", announced.rule)], TODAY + 3 * DAY)
    run_each(office, TODAY, 5)
    assert office.books.charges == {}
    run_on(office, TODAY + 5 * DAY)
    assert len(office.books.charges) == 1
    with reading(office.engine) as conn:
        assert announcements_for(conn, desk, ["i1/1"], TODAY + 6 * DAY) == {}
        assert [one.document_number for one in standing_charges(conn, COMPANY, ["i1/1"])["i1/1"]] == ["L-1"]


# --- what it costs ------------------------------------------------------------------------------------------------------------------


def test_a_run_looks_only_at_what_is_due_or_changed(office):
    charging(office, AGREED)
    for number in range(12):
        owe(office, f"i{number}", late=number)
    run_on(office, TODAY)
    assert looks(office, TODAY) == []
    office.books.pay("i3", "10", on=TODAY)
    office.books.people["c1"] = office.books.people["c1"].__class__(**{**_fields(office.books.people["c1"]), "version": "1"})
    run_on(office, TODAY)
    sync(office.desk(), office.desk().open_ledger(), TODAY, complete=True)
    assert looks(office, TODAY) == [], "a complete reading that changes nothing wakes nothing"
    office.rule("annual_percent: 12", "annual_percent: 13")
    sync(office.desk(), office.desk().open_ledger(), TODAY)
    assert len(looks(office, TODAY)) == 12, "a rule that changed wakes everything that is open"


def _fields(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def test_the_ledger_is_asked_for_twenty_documents_with_one_call(office):
    charging(office, FEE)
    for number in range(21):
        owe(office, f"i{number:02}")
    run_on(office, TODAY)
    assert (office.books.calls.count("find charges"), len(office.books.charges)) == (2, 21)
    assert all(isinstance(made, ChargeMade) for _, made in office.books.charges.values())
