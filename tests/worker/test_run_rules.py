"""run under its rules: modes, days, hours and limits; a ledger in trouble; templates, changed policies and promises."""

import pytest
from history.sample_books import COMPANY, TODAY
from puntual.core.dunning.facts import HoldKind
from puntual.core.errors import GuardStopped, LedgerUnavailable, PolicyProblem
from puntual.core.history.books import cursor_of
from puntual.core.history.database import reading
from puntual.core.history.holds import active_holds
from puntual.core.history.read import books_state
from puntual.core.worker import people
from puntual.core.worker.inquiry import why
from puntual.core.worker.run import Begun, OutsideSendingHours, run
from puntual.core.worker.sync import FEES_OF_THE_LEDGER, sync
from puntual.core.worker.wiring import template_lookup
from worker.office import DAY, level, meanwhile, text_of, two_due

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
NEW_COMPANY = ("go_live: {date: 2020-01-01, old_debt: ignore}\n", "")
APPROVE = ("mode: live", "mode: approve")


# --- modes, days, hours, limits ---------------------------------------------------------------------------------------------------


def test_shadow_renders_and_sends_nothing_and_writes_nothing_to_the_ledger_or_the_attempts(office):
    office.rule("mode: live", "mode: shadow")
    office.books.owe("i1")
    office.books.last_bank_entry_on = None
    report = office.run()
    assert (report.rendered, report.exit_code, office.post.mails, office.statuses(), office.books.writes) == (1, 0, [], [], [])
    assert (level(office), len(office.run().plan.actions)) == (("", 0), 1)


def test_approve_mode_asks_first_sends_what_was_approved_and_asks_once(office):
    office.rule(*APPROVE)
    office.books.owe("i1", "c1")
    office.books.owe("i2", "c2")
    report = office.run()
    assert ([a.customer.id for a in report.proposed], report.exit_code, office.post.mails) == (["c1", "c2"], 1, [])
    assert people.approve(office.desk(), [report.proposed[1].key[:8]], "eva") == 1
    office.run()
    office.run()
    assert (office.post.to(), office.statuses()) == (["c2@example.com"], ["sent"])
    assert people.approve(office.desk(), None, "eva") == 1
    assert (office.run().exit_code, office.post.to()) == (0, ["c2@example.com", "c1@example.com"])


def test_what_was_approved_is_looked_at_again_before_it_goes_out(office):
    office.rule(*APPROVE)
    two_due(office)
    office.run()
    people.approve(office.desk(), None, "eva")
    meanwhile(office, lambda: office.books.pay("i1"))
    office.run()
    assert "F-i1" not in text_of(office.post.mails[0])


def test_an_approval_is_for_the_items_that_were_shown_and_not_for_those_that_came_later(office):
    office.rule(*APPROVE)
    office.books.owe("i1")
    office.run()
    people.approve(office.desk(), None, "eva")
    office.books.owe("i2")
    report = office.run()
    assert ("F-i1" in text_of(office.post.mails[0]), "F-i2" in text_of(office.post.mails[0])) == (True, False)
    assert [e.item.id for a in report.proposed for e in a.items] == ["i2/1"]


def test_a_level_that_needs_approval_waits_for_it_in_live_mode(office):
    office.rule("notice: reminder}", "notice: reminder, needs_approval: true}")
    office.books.owe("i1", "c1", late=1)
    office.books.owe("i2", "c2", late=9)
    assert sorted(a.customer.id for a in office.run().proposed) == ["c1", "c2"]
    people.approve(office.desk(), None, "eva")
    assert office.run().acted.count("sent") == 2


@pytest.mark.parametrize(("hour", "goes"), [(7, False), (8, True), (20, True), (21, False)])
def test_customers_are_written_to_within_the_hours_only(office, hour, goes):
    office.books.owe("i1")
    office.run(TODAY - 30 * DAY)
    office.at(TODAY, hour)
    if goes:
        assert run(office.desk(), TODAY).acted.count("sent") == 1
        return
    with pytest.raises(OutsideSendingHours) as caught:
        run(office.desk(), TODAY)
    assert (caught.value.exit_code, office.post.mails, office.statuses()) == (75, [], [])
    assert run(office.desk(), TODAY, at_any_hour=True).acted.count("sent") == 1


def test_on_a_day_off_nothing_goes_out_and_the_next_day_catches_up(office):
    office.books.owe("i1")
    saturday = TODAY + 3 * DAY
    assert (office.run(saturday).plan.actions, office.post.mails) == ((), [])
    assert office.run(saturday + 2 * DAY).acted.count("sent") == 1


def test_the_daily_limit_holds_over_two_runs_of_a_day(office):
    office.rule("procedures:", "sending: {daily_limit: 2}\nprocedures:")
    for number in range(5):
        office.books.owe(f"i{number}", f"c{number}")
    counts = [len(office.run(day).plan.actions) for day in (TODAY, TODAY, TODAY + DAY, TODAY + DAY, TODAY + 2 * DAY)]
    assert (counts, sorted(office.post.to())) == ([2, 0, 2, 0, 1], [f"c{n}@example.com" for n in range(5)])


# --- the ledger is in trouble -----------------------------------------------------------------------------------------------------


def test_a_ledger_that_is_down_at_the_sync_leaves_everything_as_it_was(office):
    office.books.owe("i1")
    office.run()
    office.books.owe("i2", "c2")
    office.books.trouble["changes"] = LedgerUnavailable("it does not answer")
    with pytest.raises(LedgerUnavailable) as caught:
        office.run()
    assert (caught.value.exit_code, len(office.post.mails)) == (75, 1)
    office.books.trouble.clear()
    assert (office.run().acted.count("sent"), office.post.to()[-1]) == (1, "c2@example.com")


def test_a_reading_that_breaks_off_between_two_pages_keeps_its_place_and_is_repeated(office):
    for number in range(5):
        office.books.owe(f"i{number}", f"c{number}")
    office.books.trouble["later page"] = LedgerUnavailable("it does not answer")
    with pytest.raises(LedgerUnavailable):
        office.run()
    with reading(office.engine) as conn:
        assert (cursor_of(conn, COMPANY), books_state(conn, COMPANY).synced_at) == ("begin", None)
    office.books.trouble.clear()
    assert (office.run().acted.count("sent"), len(set(office.post.to()))) == (5, 5)


def test_a_ledger_that_is_down_at_the_last_look_sends_nothing_and_frees_what_was_claimed(office):
    office.books.owe("i1")
    office.books.trouble["recheck"] = LedgerUnavailable("it does not answer")
    with pytest.raises(LedgerUnavailable):
        office.run()
    assert (office.post.mails, office.statuses(), level(office)) == ([], ["abandoned"], ("", 0))
    assert why(office.desk(), "F-i1", TODAY)[0].today.startswith("notice 'reminder'")
    office.books.trouble.clear()
    assert office.run().acted.count("sent") == 1


def test_a_write_back_that_fails_blocks_nothing_and_the_notes_arrive_later_once(office):
    two_due(office)
    office.books.owe("i3", "c2")
    office.books.trouble["notes"] = LedgerUnavailable("it does not answer")
    first = office.run()
    assert (len(office.post.mails), office.books.notes, first.exit_code, str(first.written.trouble)[:10]) == (2, {}, 75, "The ledger")
    second = office.run()
    assert (len(office.post.mails), second.exit_code) == (2, 75)
    office.books.trouble.clear()
    assert (office.run().exit_code, office.run().exit_code) == (0, 0)
    assert (len(office.books.writes), sorted(n.invoice_id for n in office.books.notes.values())) == (3, ["i1", "i2", "i3"])


def test_a_note_that_was_written_although_its_answer_was_lost_is_not_written_again(office):
    office.books.owe("i1")
    office.books.trouble["answer"] = LedgerUnavailable("the line broke")
    office.run()
    assert len(office.books.writes) == 1
    office.books.trouble.clear()
    office.run()
    assert (len(office.books.writes), office.run().written.notes) == (1, 0)


def test_a_note_that_the_books_refuse_goes_to_a_person_and_is_not_tried_for_ever(office):
    two_due(office)
    office.books.refuses = {"i1"}
    report = office.run()
    assert (report.written.notes, report.written.refused, report.exit_code) == (1, 1, 1)
    assert (office.to_do(), office.run().written.refused) == ([("note_refused", "c1")], 0)


# --- what the ledger warns of ------------------------------------------------------------------------------------------------------


def test_a_warning_is_told_by_the_first_run_only_and_is_over_when_a_complete_pass_does_not_say_it(office):
    office.books.owe("i1")
    office.books.warnings = ("The ledger sends reminders of its own.",)
    reports = [office.run(), office.run(), office.run()]
    assert ([report.synced.warnings for report in reports], [report.exit_code for report in reports]) == (
        [["The ledger sends reminders of its own."], [], []],
        [0, 0, 0],
    )
    assert office.to_do() == [("ledger_warning", "")]
    office.books.warnings = ()
    office.run()
    assert office.to_do() == [("ledger_warning", "")], "a reading of what changed does not say that it is over"
    sync(office.desk(), office.desk().open_ledger(), TODAY, complete=True)
    assert office.to_do() == []


def test_a_pass_that_broke_off_ends_no_warning_and_one_of_many_pages_keeps_what_any_of_them_says(office):
    for number in range(5):
        office.books.owe(f"i{number}", ledger_late_fee="Late fee" if number == 0 else "")
    office.run()
    assert office.to_do() == [("ledger_warning", "")]
    office.books.trouble["later page"] = LedgerUnavailable("it does not answer")
    office.books.change("i0", ledger_late_fee="")
    with pytest.raises(LedgerUnavailable):
        sync(office.desk(), office.desk().open_ledger(), TODAY, complete=True)
    assert office.to_do() == [("ledger_warning", "")]
    office.books.trouble.clear()
    office.books.change("i0", ledger_late_fee="Late fee")
    sync(office.desk(), office.desk().open_ledger(), TODAY, complete=True)
    assert office.to_do() == [("ledger_warning", "")]


@pytest.mark.parametrize(("paid", "told"), [("", [FEES_OF_THE_LEDGER]), ("100", [])])
def test_late_fees_that_are_not_ours_are_told_once_and_only_of_what_is_open(office, paid, told):
    office.books.owe("i1", ledger_late_fee="Late fee")
    office.books.owe("i2", ledger_late_fee="Recargo")
    if paid:
        office.books.pay("i1")
        office.books.pay("i2")
    assert (office.run().synced.warnings, office.run().synced.warnings) == (told, [])
    if told:
        assert "it bears a late fee that is not Puntual's (Late fee)" in why(office.desk(), "F-i1", TODAY)[0].stands


def test_what_a_run_was_told_before_the_guard_stopped_it_is_not_lost(office):
    office.rule("go_live: {date: 2020-01-01, old_debt: ignore}\n", "")
    office.books.owe("i1")
    office.books.warnings = ("The ledger sends reminders of its own.",)
    begun = Begun()
    with pytest.raises(GuardStopped):
        office.run(begun=begun)
    assert (begun.synced.warnings, begun.synced.documents) == (["The ledger sends reminders of its own."], 1)


def test_what_a_reading_was_told_before_it_broke_off_is_not_lost(office):
    for number in range(5):
        office.books.owe(f"i{number}")
    office.books.warnings = ("The ledger sends reminders of its own.",)
    office.books.trouble["later page"] = LedgerUnavailable("it does not answer")
    begun = Begun()
    with pytest.raises(LedgerUnavailable):
        office.run(begun=begun)
    assert begun.synced.warnings == ["The ledger sends reminders of its own."]


# --- templates and rules ----------------------------------------------------------------------------------------------------------


def test_a_template_with_a_missing_word_stops_the_run_before_anything_is_sent(office):
    shipped = template_lookup(None)
    office.templates = lambda name: "{{ the_missing_word }}" if name == "es/reminder.txt" else shipped(name)
    office.books.owe("i1", "c1")
    office.books.owe("i2", "c2")
    with pytest.raises(PolicyProblem, match="the_missing_word"):
        office.run()
    assert (office.post.mails, office.statuses()) == ([], ["abandoned", "abandoned"])
    office.templates = shipped
    assert office.run().acted.count("sent") == 2


def test_a_changed_policy_is_applied_to_what_was_read_before(office):
    office.books.owe("i1", late=3)
    later = ("{key: reminder, days: 1,", "{key: reminder, days: 5,")
    office.rule(*later)
    assert office.run().plan.actions == ()
    office.changes.remove(later)
    assert [a.level for a in office.run().plan.actions] == ["reminder"]
    assert office.audited().count("rules_changed") == 2


def test_a_day_to_come_that_was_tried_out_does_not_hide_what_comes_before_it(office):
    """A run in shadow for a day next month must not make the notice before the due date be forgotten."""
    office.books.owe("i1", late=-9)
    office.rule("mode: live", "mode: shadow")
    office.run(TODAY + 30 * DAY)
    office.changes.clear()
    office.run(TODAY)
    assert office.run(TODAY + 5 * DAY).plan.actions[0].level == "upcoming"


# --- promises ---------------------------------------------------------------------------------------------------------------------


def promised(office, days, invoice="F-i1", owner=""):
    office.run(TODAY - 30 * DAY)
    people.hold(office.desk(), HoldKind.PROMISE, invoice, owner, "by phone", TODAY + days * DAY, "eva", TODAY)


def active(office):
    with reading(office.engine) as conn:
        return active_holds(conn, COMPANY)


def test_a_promise_that_is_kept_ends_as_kept_and_nothing_was_sent(office):
    office.books.owe("i1")
    promised(office, 3)
    assert office.run().plan.actions == ()
    office.books.pay("i1")
    report = office.run(TODAY + DAY)
    assert (report.synced.kept_promises, active(office), office.post.mails) == (1, [], [])


def test_a_promise_that_is_broken_is_mentioned_once_and_ends_as_broken(office):
    office.books.owe("i1")
    promised(office, 1)
    days = [TODAY + n * DAY for n in (0, 1, 2, 3)]
    office.books.last_bank_entry_on = TODAY
    assert [len(office.run(day).plan.actions) for day in days] == [0, 0, 0, 0]
    office.run(TODAY + 5 * DAY)
    assert "14 de mayo" in text_of(office.post.mails[0])
    assert active(office) == []
    assert "hold_ended" in office.audited()
    office.books.last_bank_entry_on = TODAY + 12 * DAY
    office.run(TODAY + 12 * DAY)
    assert "14 de mayo" not in text_of(office.post.mails[1])


def test_what_was_billed_after_a_promise_for_everything_was_kept_is_not_called_a_broken_promise(office):
    office.books.owe("i1")
    office.books.owe("i2", late=-10)
    promised(office, 2, "", "c1")
    office.books.pay("i1")
    office.run(TODAY + DAY)
    office.books.last_bank_entry_on = TODAY + 12 * DAY
    assert office.run(TODAY + 12 * DAY).acted.count("sent") == 1
    assert "15 de mayo" not in text_of(office.post.mails[0])
