"""run, end to end: books in memory, mail over SMTP on loopback, history in a database."""

import re

import pytest
from history.sample_books import COMPANY, TODAY, eur
from puntual.core.dunning.facts import HoldKind, SkipReason
from puntual.core.errors import GuardStopped
from puntual.core.history.database import reading
from puntual.core.history.read import all_customers, due_customers
from puntual.core.receivables import DocumentStatus
from puntual.core.worker import people
from puntual.core.worker.inquiry import why
from puntual.core.worker.sync import sync
from worker.office import DAY, level, meanwhile, text_of, two_due

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
NEW_COMPANY = ("go_live: {date: 2020-01-01, old_debt: ignore}\n", "")
APPROVE = ("mode: live", "mode: approve")


# --- the path ---------------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_first_run_sends_each_customer_one_mail_leaves_notes_and_a_second_run_does_nothing(office):
    office.books.owe("i1", "c1")
    office.books.owe("i2", "c1", late=3)
    office.books.owe("i3", "c2", late=9)
    office.books.owe("i4", "c3", late=-20)
    report = office.run()
    assert sorted(office.post.to()) == ["c1@example.com", "c2@example.com"]
    assert (report.exit_code, report.written.notes, office.statuses()) == (0, 3, ["sent", "sent"])
    assert sorted(note.invoice_id for note in office.books.notes.values()) == ["i1", "i2", "i3"]
    again = office.run()
    assert (again.plan.actions, again.exit_code, len(office.post.mails), len(office.books.writes)) == ((), 0, 2, 3)
    with reading(office.engine) as conn:
        assert list(due_customers(conn, COMPANY, TODAY)) == [], "a day on which all is done reads nobody"
    assert office.audited()[-1] == "run"


@BOTH
def test_the_ladder_is_climbed_rung_by_rung_over_the_weeks_and_ends_with_a_person(office):
    office.books.owe("i1", late=1)
    days = {}
    for offset in range(45):
        office.books.last_bank_entry_on = TODAY + offset * DAY
        report = office.run(TODAY + offset * DAY)
        if report.plan.actions:
            days[offset] = report.plan.actions[0].level
    assert list(days.values()) == ["reminder", "second", "call", "final", "~decide"]
    assert list(days) == sorted(days)
    assert (len(office.post.mails), office.to_do()) == (3, [("call", "c1"), ("decide", "c1")])
    assert (len(office.books.notes), len(office.books.tasks)) == (3, 1)


def test_the_mail_says_what_is_owed_in_one_conversation_with_ids_that_stay(office):
    office.books.owe("i1", total="1250")
    office.run()
    office.books.last_bank_entry_on = TODAY + 7 * DAY
    office.run(TODAY + 7 * DAY)
    first, second = office.post.mails
    assert "F-i1" in text_of(first)
    assert "1.250,00" in text_of(first)
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"]
    assert first["Auto-Submitted"] == "auto-generated"


# --- between plan and act ---------------------------------------------------------------------------------------------------------


def test_a_payment_between_plan_and_act_stops_the_mail(office):
    office.books.owe("i1")
    meanwhile(office, lambda: office.books.pay("i1"))
    report = office.run()
    assert (office.post.mails, office.statuses(), [s.reason for s in report.acted.dropped]) == (
        [],
        ["dropped"],
        [SkipReason.SETTLED_MEANWHILE],
    )
    assert (office.run().plan.actions, level(office)) == ((), ("", 0))


def test_a_payment_of_one_of_two_shrinks_the_mail_to_the_other(office):
    two_due(office)
    meanwhile(office, lambda: office.books.pay("i1"))
    office.run()
    assert "F-i2" in text_of(office.post.mails[0])
    assert "F-i1" not in text_of(office.post.mails[0])
    assert (level(office, "i1/1"), level(office, "i2/1")) == (("", 0), ("reminder", 1))
    assert [note.invoice_id for note in office.books.notes.values()] == ["i2"]


def test_a_part_payment_changes_the_amount_that_is_asked_for(office):
    office.books.owe("i1", total="100")
    meanwhile(office, lambda: office.books.pay("i1", "60"))
    office.run()
    assert re.search(r"pendiente\s+40,00", text_of(office.post.mails[0]))
    assert "100,00" not in office.post.mails[0]["Subject"]


def test_the_firm_notice_of_an_item_that_fell_out_is_not_sent_for_the_other(office):
    office.books.owe("i1", late=22)
    office.books.owe("i2", late=1)
    office.rule("date: 2020-01-01, old_debt: ignore", "date: 2026-05-13, old_debt: matching_level")
    meanwhile(office, lambda: office.books.pay("i1"))
    assert office.run().plan.actions[0].level == "final"
    assert [a.action.level for a in office.run().acted.done] == []
    assert level(office, "i2/1") == ("reminder", 1)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda books: books.change("i1", status=DocumentStatus.VOID), SkipReason.SETTLED_MEANWHILE),
        (lambda books: books.remove("i1"), SkipReason.GONE),
        (lambda books: books.change("i1", disputed="wrong amount"), SkipReason.DISPUTED),
        (lambda books: books.change("i1", do_not_chase="agreed by phone"), SkipReason.LEDGER_SAYS_NO),
        (lambda books: books.change("i1", is_late_charge=True), SkipReason.LATE_CHARGE),
        (lambda books: books.credit("n1", "c1", "100"), SkipReason.COVERED_BY_CREDIT),
        (lambda books: books.unapplied("p1", "c1", "100"), SkipReason.COVERED_BY_CREDIT),
        (lambda books: books.pay("i1", "99.5"), SkipReason.WITHIN_TOLERANCE),
        (lambda books: books.owe("i1", late=-5), SkipReason.CHANGED_MEANWHILE),
    ],
    ids=["void", "gone", "disputed", "do not chase", "late charge", "credit", "unapplied payment", "nearly paid", "postponed"],
)
def test_whatever_speaks_against_it_at_the_last_look_stops_the_mail(office, happens, reason):
    office.books.owe("i1")
    meanwhile(office, lambda: happens(office.books))
    report = office.run()
    assert (office.post.mails, [s.reason for s in report.acted.dropped], report.exit_code) == ([], [reason], 0)


def test_of_a_ledger_that_cannot_tell_credits_at_the_last_look_those_of_the_last_reading_count(office):
    """50 of credit were known at the reading; a part payment meanwhile makes them enough for what is left."""
    office.books.knows_credits = False
    office.books.owe("i1", total="100")
    office.books.unapplied("p1", "c1", "50")
    meanwhile(office, lambda: office.books.pay("i1", "60"))
    report = office.run()
    assert (office.post.mails, [s.reason for s in report.acted.dropped]) == ([], [SkipReason.COVERED_BY_CREDIT])


def test_money_that_such_a_ledger_shows_too_late_for_one_notice_stops_the_next(office):
    office.books.knows_credits = False
    office.books.owe("i1", total="100")
    meanwhile(office, lambda: office.books.unapplied("p1", "c1", "100"))
    assert office.run().acted.count("sent") == 1, "the last look could not see it"
    office.books.last_bank_entry_on = TODAY + 7 * DAY
    report = office.run(TODAY + 7 * DAY)
    assert (report.plan.actions, [s.reason for s in report.plan.skipped]) == ((), [SkipReason.COVERED_BY_CREDIT])


def test_void_and_payment_together_leave_the_mail_to_what_is_left(office):
    for key in ("i1", "i2", "i3"):
        office.books.owe(key)

    def both():
        office.books.change("i1", status=DocumentStatus.VOID)
        office.books.pay("i2")

    meanwhile(office, both)
    report = office.run()
    assert [(s.number, s.reason) for s in report.acted.dropped] == [
        ("F-i1", SkipReason.SETTLED_MEANWHILE),
        ("F-i2", SkipReason.SETTLED_MEANWHILE),
    ]
    assert ["F-i1" in text_of(office.post.mails[0]), "F-i2" in text_of(office.post.mails[0])] == [False, False]
    assert [level(office, f"i{n}/1") for n in (1, 2, 3)] == [("", 0), ("", 0), ("reminder", 1)]


def test_a_late_charge_of_our_own_is_neither_chased_nor_does_it_change_the_notice_of_its_invoice(office):
    office.books.owe("i1", total="100")
    office.books.owe("i2", total="40", late=9, is_late_charge=True)
    report = office.run()
    assert [(s.number, s.reason) for s in report.plan.skipped] == [("F-i2", SkipReason.LATE_CHARGE)]
    assert ("F-i2" in text_of(office.post.mails[0]), level(office, "i2/1"), list(report.plan.actions[0].totals)) == (
        False,
        ("", 0),
        [eur("100")],
    )
    assert "late charge of our own" in why(office.desk(), "F-i2", TODAY)[0].today
    assert why(office.desk(), "F-i2", TODAY)[0].next_on is None


@pytest.mark.parametrize("kind", list(HoldKind))
def test_a_hold_made_between_plan_and_act_stops_the_mail(office, kind):
    office.books.owe("i1")
    meanwhile(office, lambda: people.hold(office.desk(), kind, "F-i1", "", "they called", TODAY + DAY, "eva", TODAY))
    assert (office.run().acted.count("sent"), office.post.mails, office.statuses()) == (0, [], ["dropped"])


# --- the guard --------------------------------------------------------------------------------------------------------------------


def stopped(office, match, **more):
    with pytest.raises(GuardStopped, match=match) as caught:
        office.run(**more)
    assert (caught.value.exit_code, office.post.mails, office.audited()[-1]) == (1, [], "guard")
    return caught.value


def test_stale_books_stop_the_run_and_confirm_goes_on(office):
    office.books.owe("i1")
    office.books.last_bank_entry_on = TODAY - 11 * DAY
    assert "--confirm" in str(stopped(office, "11 days ago"))
    assert office.run(confirmed=True).acted.count("sent") == 1


def test_books_without_any_payment_stop_the_run(office):
    office.books.owe("i1")
    office.books.last_bank_entry_on = None
    stopped(office, "no payment at all")


def test_too_large_a_share_of_customers_stops_the_run(office):
    for number in range(25):
        office.books.owe(f"i{number}", f"c{number}")
    stopped(office, "25 of 25 customers")
    assert office.run(confirmed=True).acted.count("sent") == 25


def test_more_money_than_the_policy_allows_stops_the_run(office):
    office.rule("procedures:", "guard: {max_total: {EUR: 99}}\nprocedures:")
    office.books.owe("i1")
    stopped(office, "100.00 EUR")


def test_old_debt_on_the_first_run_needs_the_policy_and_no_confirm_replaces_it(office):
    office.rule(*NEW_COMPANY)
    office.books.owe("i1")
    stopped(office, "first run", confirmed=True)
    office.changes.remove(NEW_COMPANY)
    assert office.run().acted.count("sent") == 1


def test_a_ledger_that_was_emptied_stops_the_run_at_the_sync(office):
    for number in range(12):
        office.books.owe(f"i{number}", f"c{number % 3}", late=-9)
    office.run()
    office.books.invoices.clear()
    with pytest.raises(GuardStopped, match="12 of 12") as caught:
        sync(office.desk(), office.desk().open_ledger(), TODAY, complete=True)
    assert "--confirm" in str(caught.value)
    assert office.audited()[-1] == "guard"
    with reading(office.engine) as conn:
        assert sum(len(facts.items) for facts in all_customers(conn, COMPANY)) == 12
    assert sync(office.desk(), office.desk().open_ledger(), TODAY, complete=True, confirmed=True).vanished == 12
