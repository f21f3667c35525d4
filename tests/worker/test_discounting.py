"""Early-payment discounts through whole runs: offered, proved by the payment, not asked for, credited once."""

import pytest
from history.sample_books import COMPANY, TODAY, eur
from puntual.core.dunning.facts import SkipReason
from puntual.core.errors import CompanyMustAct, GuardStopped, LedgerUnavailable
from puntual.core.history.credits import credits_with
from puntual.core.history.database import reading
from puntual.core.history.discount_marks import touched_items
from puntual.core.history.holds import active_holds
from puntual.core.policy.schema import Mode
from puntual.core.port import Capability
from puntual.core.receivables import Allocation, CreditKind, EarlyDiscount, Payment
from puntual.core.worker import people
from puntual.core.worker.discounting import waive_discount
from puntual.core.worker.inquiry import why
from puntual.core.worker.planning import plan_of
from puntual.core.worker.sync import sync
from worker.charge_office import FEE, charging, on_list, run_on
from worker.office import DAY, meanwhile, text_of

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
TERMS = EarlyDiscount(TODAY - 2 * DAY, eur("20"))


def owe(office, key="i1", *, late=1, terms=TERMS, **more):
    """1000, due yesterday; who paid all until the day before may have deducted 20."""
    office.books.owe(key, late=late, **{"total": "1000", "early_discount": terms, **more})


def credits_kept(office):
    return [(one.kind.value, str(one.amount), one.status.value) for one in all_kept(office)]


def all_kept(office):
    with reading(office.engine) as conn:
        return credits_with(conn, COMPANY)


def held(office):
    with reading(office.engine) as conn:
        return [(one.invoice_id, one.until, one.reason) for one in active_holds(conn, COMPANY)]


def touched(office):
    with reading(office.engine) as conn:
        return touched_items(conn, COMPANY)


# --- earned -----------------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_payment_in_time_less_the_discount_is_credited_once_and_nobody_is_asked_for_the_rest(office):
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    report = run_on(office, TODAY)
    assert (report.exit_code, office.post.mails, held(office)) == (0, [], [])
    ((wanted, made),) = office.books.credited.values()
    assert (wanted.document_id, str(wanted.amount), made.is_void) == ("i1", "20.00 EUR", False)
    assert wanted.text == "Descuento por pronto pago de la factura F-i1, pagada el 10 may 2026"
    assert [one.reason for one in report.plan.skipped] in ([], [SkipReason.HELD])
    assert (credits_kept(office), touched(office)) == ([("discount", "20.00 EUR", "made")], [])
    for days in range(1, 30, 7):
        assert run_on(office, TODAY + days * DAY).plan.actions == ()
    assert (len(office.books.credited), office.post.mails) == (1, [])
    assert [kind for kind in office.audited() if "credit" in kind or "hold" in kind] == [
        "credit_wanted", "hold", "credit_made", "hold_ended"
    ]  # fmt: skip


def test_the_offer_of_the_policy_counts_where_the_ledgers_terms_grant_none(office):
    office.rule("tolerance: {EUR: 1}\n", "tolerance: {EUR: 1}\nearly_payment_discount: {percent: 2, days: 10}\n")
    owe(office, terms=None)
    office.books.pay("i1", "980", on=TODAY - 21 * DAY)
    owe(office, "i2", owner="c2", terms=None)
    office.books.pay("i2", "980", on=TODAY - 15 * DAY)
    run_on(office, TODAY)
    assert [wanted.document_id for wanted, _ in office.books.credited.values()] == ["i1"]
    assert office.post.to() == ["c2@example.com"]


def test_an_offer_that_the_policy_makes_later_is_judged_on_what_was_paid_before(office):
    owe(office, terms=None, late=-20)
    office.books.pay("i1", "980", on=TODAY - 5 * DAY)
    run_on(office, TODAY)
    assert (touched(office), office.books.credited) == ([], {})
    office.rule("tolerance: {EUR: 1}\n", "tolerance: {EUR: 1}\nearly_payment_discount: {percent: 2, days: 10}\n")
    run_on(office, TODAY)
    assert len(office.books.credited) == 1


def test_the_ledger_that_takes_no_credits_leaves_it_to_a_person_and_the_rest_is_not_asked_for(office):
    office.books.capabilities -= {Capability.CREDITS}
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    assert run_on(office, TODAY).exit_code == 1
    (said,) = on_list(office, "discount_credit")
    assert said.startswith("Credit 20.00 EUR for the early-payment discount on invoice F-i1: by 2026-05-13 980.00 EUR had come in")
    assert [one[:2] for one in held(office)] == [("i1", None)]
    office.books.credit("n", "c1", "20")
    office.books.use("n", "i1", eur("20"), TODAY, CreditKind.CREDIT_NOTE)
    assert (run_on(office, TODAY + DAY).exit_code, held(office), office.post.mails) == (0, [], [])


def test_who_takes_the_discount_and_pays_the_rest_all_the_same_gets_no_credit(office):
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    office.books.trouble = {"credits": LedgerUnavailable("down")}
    assert run_on(office, TODAY).exit_code == 75
    office.books.trouble = {}
    office.books.pay("i1", on=TODAY)
    report = run_on(office, TODAY + DAY)
    assert (report.exit_code, credits_kept(office), held(office), office.books.credited) == (
        0, [("discount", "20.00 EUR", "closed")], [], {}
    )  # fmt: skip


# --- left alone, or asked for -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "on"), [("980", TODAY), ("900", TODAY - 3 * DAY)], ids=["too late", "too little"])
def test_what_was_not_earned_is_asked_for(office, amount, on):
    owe(office, terms=EarlyDiscount(TODAY - 9 * DAY, eur("20")))
    office.books.pay("i1", amount, on=on)
    run_on(office, TODAY)
    assert (office.books.credited, len(office.post.mails), touched(office)) == ({}, 1, [])


def test_a_rest_whose_payment_the_books_do_not_show_yet_is_left_alone_without_a_trace(office):
    owe(office)
    office.books.pay("i1", "980")
    report = run_on(office, TODAY)
    (skipped,) = report.plan.skipped
    assert (skipped.reason, "may be its early-payment discount" in skipped.detail) == (SkipReason.HELD, True)
    assert (office.post.mails, held(office), touched(office)) == ([], [], ["i1/1"])
    office.books.payments["p"] = Payment("p", "c1", TODAY - 3 * DAY, eur("980"), eur("0"))
    office.books.allocations.append(Allocation("a-p", "i1", "p", CreditKind.PAYMENT, eur("980"), TODAY))
    office.books.put(office.books.invoices["i1"])
    office.books.changed.append("p")
    run_on(office, TODAY + DAY)
    assert (len(office.books.credited), office.post.mails) == (1, [])


def test_money_that_nobody_has_matched_keeps_from_asking(office):
    owe(office)
    office.books.payments["p"] = Payment("p", "c1", TODAY - 3 * DAY, eur("980"), eur("980"))
    (skipped,) = run_on(office, TODAY).plan.skipped
    assert "a payment of 2026-05-10 that is not matched yet may be for it" in skipped.detail
    assert office.post.mails == []


def test_money_that_comes_in_between_plan_and_last_look_keeps_from_asking(office):
    owe(office)
    owe(office, "i2", owner="c2")
    early = Payment("p", "c2", TODAY - 3 * DAY, eur("980"), eur("980"))
    meanwhile(office, lambda: (office.books.pay("i1", "980"), office.books.payments.update(p=early)))
    report = run_on(office, TODAY)
    assert (len(report.plan.actions), office.post.mails) == (2, [])
    assert [(one.reason, one.detail) for one in report.acted.dropped] == [
        (SkipReason.HELD, "980.00 EUR came in meanwhile, and the rest may be its early-payment discount"),
        (SkipReason.HELD, "a payment of 2026-05-10 that is not matched yet may be for it, less its discount"),
    ]


def test_a_disputed_invoice_is_judged_when_the_dispute_is_over(office):
    owe(office, disputed="not delivered")
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    run_on(office, TODAY)
    assert (office.books.credited, touched(office)) == ({}, ["i1/1"])
    office.books.change("i1", disputed="")
    run_on(office, TODAY + DAY)
    assert len(office.books.credited) == 1


def test_a_discount_that_was_earned_bears_no_late_charge(office):
    charging(office, FEE)
    owe(office, late=40, terms=EarlyDiscount(TODAY - 50 * DAY, eur("20")))
    office.books.pay("i1", "980", on=TODAY - 60 * DAY)
    office.books.trouble = {"credits": LedgerUnavailable("down")}
    report = run_on(office, TODAY)
    assert (report.charged.due, office.books.charges, [one[0] for one in held(office)]) == ([], {}, ["i1"])


# --- a person ---------------------------------------------------------------------------------------------------------------------


def test_in_mode_approve_a_person_says_yes_and_the_rest_is_not_asked_for_meanwhile(office):
    office.rule("mode: live", "mode: approve")
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    report = run_on(office, TODAY)
    (waiting,) = report.credited.waiting
    assert (report.exit_code, report.proposed, office.books.credited, len(held(office))) == (1, (), {}, 1)
    assert [one.id for one in run_on(office, TODAY + DAY).credited.waiting] == [waiting.id]
    assert people.approve(office.desk(), [waiting.id[:8]], "eva") == 1
    report = run_on(office, TODAY + DAY)
    assert (report.exit_code, [one.said_by for one in report.credited.made], held(office)) == (0, ["eva"], [])


def test_a_discount_that_waits_is_dropped_when_the_payment_bounces(office):
    office.rule("mode: live", "mode: approve")
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    run_on(office, TODAY)
    office.books.allocations.clear()
    del office.books.payments["p0"]
    part = office.books.invoices["i1"].instalments[0]
    office.books.change("i1", instalments=(part.__class__(1, part.due_date, part.total, part.total),))
    report = run_on(office, TODAY + DAY)
    assert ([one.status.value for one in report.begun.discounts.dropped], held(office)) == (["waiting"], [])
    assert (credits_kept(office), people.approve(office.desk(), None, "eva")) == ([("discount", "20.00 EUR", "dropped")], 1)
    assert len(report.proposed) == 1, "the whole invoice is asked for again"
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    assert len(run_on(office, TODAY + 2 * DAY).credited.waiting) == 1


def test_what_a_person_does_not_grant_is_asked_for_and_is_never_earned_again(office):
    office.books.refuses = {"i1"}
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    office.books.trouble = {"credits": LedgerUnavailable("down")}
    run_on(office, TODAY)
    with pytest.raises(CompanyMustAct, match="is being credited in the books"):
        waive_discount(office.desk(), all_kept(office)[0].id, "no", "eva", TODAY)
    office.books.trouble = {}
    (refused,) = run_on(office, TODAY).credited.refused
    assert (len(on_list(office, "credit_refused")), len(held(office)), office.post.mails) == (1, 1, [])
    desk = office.desk()
    assert waive_discount(desk, "", "no", "eva", TODAY) is waive_discount(desk, "zz", "no", "eva", TODAY) is None
    assert waive_discount(desk, refused.id[:6], "they paid from another account", "eva", TODAY) is not None
    assert (on_list(office, "credit_refused"), held(office)) == ([], [])
    report = run_on(office, TODAY + DAY)
    assert (report.credited.refused, len(office.post.mails), people.approve(office.desk(), None, "eva")) == ([], 1, 0)


# --- said -------------------------------------------------------------------------------------------------------------------------


def test_in_shadow_the_discount_is_told_of_and_nothing_is_held_or_credited(office):
    office.rule("mode: live", "mode: shadow")
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    report = run_on(office, TODAY)
    assert (report.mode, len(report.begun.discounts.earned), report.plan.actions) == (Mode.SHADOW, 1, ())
    assert (credits_kept(office), held(office), touched(office)) == ([], [], ["i1/1"])


def test_a_run_that_the_guard_stops_has_claimed_it_and_the_next_one_credits_it(office):
    office.rule("tolerance: {EUR: 1}\n", "tolerance: {EUR: 1}\nguard: {max_total: {EUR: 500}}\n")
    owe(office)
    owe(office, "i2", owner="c2", terms=None)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    with pytest.raises(GuardStopped):
        run_on(office, TODAY)
    assert (credits_kept(office), len(held(office)), office.books.credited) == ([("discount", "20.00 EUR", "wanted")], 1, {})
    assert len(run_on(office, TODAY, confirmed=True).credited.made) == 1


def test_why_says_what_is_offered_earned_and_credited(office):
    owe(office, late=-9, terms=EarlyDiscount(TODAY + 2 * DAY, eur("20")))
    run_on(office, TODAY)
    assert why(office.desk(), "F-i1", TODAY)[0].stands.endswith("; 20.00 EUR may be deducted by paying the rest by 2026-05-15")
    office.books.pay("i1", "980", on=TODAY)
    office.books.trouble = {"credits": LedgerUnavailable("down")}
    run_on(office, TODAY)
    answer = why(office.desk(), "F-i1", TODAY)[0]
    assert answer.stands.endswith("the credit of 20.00 EUR for its early-payment discount is wanted")
    assert "held: its early-payment discount was earned" in answer.today


def test_why_and_plan_judge_before_any_run_did(office):
    owe(office)
    office.books.pay("i1", "980", on=TODAY - 3 * DAY)
    office.at(TODAY)
    desk = office.desk()
    sync(desk, desk.open_ledger(), TODAY)
    answer = why(desk, "F-i1", TODAY)[0]
    assert ("was earned" in answer.stands, "held: its early-payment discount was earned" in answer.today) == (True, True)
    assert len(plan_of(desk, TODAY).actions) == 1, "a plan that is not told of discounts asks for it"


def test_a_notice_before_the_last_day_offers_the_discount(office):
    owe(office, late=-7, terms=EarlyDiscount(TODAY + 3 * DAY, eur("20")))
    run_on(office, TODAY)
    (mail,) = office.post.mails
    assert "980,00" in text_of(mail)


def test_a_run_judges_only_what_was_touched(office):
    for number in range(8):
        owe(office, f"i{number}", late=-20, terms=EarlyDiscount(TODAY + 5 * DAY, eur("20")))
    run_on(office, TODAY)
    assert touched(office) == []
    office.books.pay("i3", "100", on=TODAY)
    desk = office.desk()
    sync(desk, desk.open_ledger(), TODAY)
    assert touched(office) == ["i3/1"]
    run_on(office, TODAY)
    assert touched(office) == []
