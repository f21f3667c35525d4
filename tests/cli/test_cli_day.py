"""A day at the command line: what a person types, in order, and what a program reads."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from history.sample_books import TODAY
from puntual.connectors.files.connector import FilesConnector
from puntual.core.history.database import open_database, writing
from sqlalchemy import text

DAY = timedelta(days=1)


def test_from_an_empty_folder_to_the_first_plan_in_shadow(tmp_path, desktop):
    fresh = desktop
    (fresh.folder / "companies" / "acme.yaml").unlink()
    said = fresh.puntual("init", "acme")
    assert "companies/acme.yaml" in said.replace("\\", "/")
    assert (fresh.folder / "companies" / "puntual.policy.schema.json").is_file()
    fresh.puntual("init", "acme", code=2)
    (fresh.folder / "books" / "acme").mkdir()
    for name in ("customers", "invoices", "payments"):
        (fresh.folder / "books" / f"{name}.csv").rename(fresh.folder / "books" / "acme" / f"{name}.csv")
    assert "in order" in fresh.puntual("check", "acme")
    assert "Europe/Madrid" in fresh.puntual("explain", "acme")
    assert "3 documents" in fresh.on("sync", "acme") or "4 documents" in fresh.output
    assert json.loads(fresh.on("plan", "acme", "--json"))["actions"]
    assert "Mode is shadow" in fresh.on("run", "acme")
    assert fresh.mails() == []


def test_the_published_form_of_a_plan(desktop):
    desktop.on("sync", "acme")
    plan = json.loads(desktop.on("plan", "acme", "--json"))
    assert (plan["company"], plan["as_of"]) == ("acme", "2026-05-13")
    assert plan.keys() == {"company", "as_of", "actions", "skipped", "charges", "reversals", "credits", "payments"}
    expected = {"kind", "level", "customer", "items", "totals", "channel", "due_on", "reason", "key"}
    assert all(expected <= action.keys() for action in plan["actions"])
    by_customer = {action["customer"]: action for action in plan["actions"]}
    assert {key: (a["kind"], a["level"], a["items"], a["totals"], a["channel"], a["due_on"]) for key, a in by_customer.items()} == {
        "c1": ("notice", "reminder", ["F-1"], {"EUR": "100.00"}, "email", "2026-05-13"),
        "c2": ("notice", "reminder", ["F-3"], {"EUR": "69.00"}, "email", "2026-05-05"),
    }
    assert [(skipped["item"], skipped["reason"]) for skipped in plan["skipped"]] == [("F-2", "not_due_yet")]


def test_a_plan_of_many_days_names_the_day_of_each_action(desktop):
    desktop.on("sync", "acme")
    plan = json.loads(desktop.on("plan", "acme", "--json", "--days", "30"))
    days = {(action["on"], action["customer"], action["level"]) for action in plan["actions"]}
    assert {("2026-05-13", "c1", "reminder"), ("2026-05-20", "c1", "second"), ("2026-05-20", "c2", "second")} <= days
    assert len(plan["days"]) == 30


def test_planning_twice_is_the_same_and_sends_nothing(desktop):
    desktop.on("sync", "acme")
    assert desktop.on("plan", "acme") == desktop.on("plan", "acme")
    assert "write  Talleres Uno <c1@example.com>: reminder, 100.00 EUR" in desktop.output
    assert "F-2  not_due_yet" in desktop.output
    assert desktop.mails() == []


def test_running_twice_on_one_day_sends_once_and_leaves_one_note_each(desktop):
    assert "2 notices sent." in desktop.on("run", "acme")
    assert "2 notes and 0 tasks" in desktop.output
    assert "0 notices, 0 tasks" in desktop.on("run", "acme")
    assert len(desktop.mails()) == 2
    notes = (desktop.books / "puntual-notes.csv").read_text(encoding="utf-8-sig")
    assert (notes.count('"F-1"'), notes.count('"F-3"')) == (1, 1)
    assert "whole" in desktop.puntual("verify", "acme")


def test_preview_shows_the_notices_that_are_due_as_files(desktop):
    desktop.on("sync", "acme")
    assert "Talleres Uno" in desktop.on("preview", "acme", "F-1")
    assert "Talleres Dos" not in desktop.output
    folder = desktop.folder / "state" / "acme" / "preview"
    assert sorted(path.suffix for path in folder.iterdir()) == [".eml", ".html", ".txt"]
    assert "No notice is due" in desktop.on("preview", "acme", "F-2")
    assert desktop.mails() == []


def test_why_says_what_was_done_and_what_comes_next_and_when(desktop):
    desktop.on("run", "acme")
    said = desktop.on("why", "acme", "F-1")
    assert "100.00 EUR of 100.00 EUR outstanding by Talleres Uno" in said
    assert "left alone, not_due_yet" in said
    assert "next: notice 'second' on Wednesday 2026-05-20" in said
    assert "2026-05-13 email 'reminder' c1@example.com: sent" in said
    assert "nothing was sent so far" in desktop.on("why", "acme", "F-2")
    assert "no invoice 'F-99'" in desktop.on("why", "acme", "F-99", code=1)


def test_history_and_status_say_what_happened_and_how_things_stand(desktop):
    assert "Nothing yet" in desktop.puntual("history", "acme")
    assert "books read never" in desktop.on("status", "acme")
    desktop.on("run", "acme")
    assert "sent" in desktop.puntual("history", "acme", "F-1")
    assert "F-3" not in desktop.output
    assert len(desktop.puntual("history", "acme", "--limit", "1").splitlines()) == 1
    assert "3 open items of 2 customers, 2 overdue; newest payment: 2026-05-13" in desktop.on("status", "acme")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("hold", "acme", "F-1", "--reason", "waits for a part"), "held: waits for a part"),
        (("hold", "acme", "--customer", "Talleres Uno", "--reason", "by the owner"), "held: by the owner"),
        (("dispute", "acme", "F-1", "--reason", "wrong amount"), "disputed: wrong amount"),
        (("promise", "acme", "F-1", "2026-05-20"), "promised: payment promised for 2026-05-20"),
        (("promise", "acme", "--customer", "c1", "2026-05-20"), "promised: payment promised for 2026-05-20"),
    ],
)
def test_what_people_say_stops_the_mail_until_it_is_released(desktop, words, shown):
    desktop.on("sync", "acme")
    said = desktop.on(*words)
    assert "End it with: puntual release acme --hold" in said
    assert shown in desktop.on("why", "acme", "F-1")
    assert len(json.loads(desktop.on("plan", "acme", "--json"))["actions"]) == 1
    hold = said.split("--hold ")[1].strip()
    assert hold in desktop.on("status", "acme")
    assert "Ended" in desktop.on("release", "acme", "--hold", hold)
    assert len(json.loads(desktop.on("plan", "acme", "--json"))["actions"]) == 2
    desktop.on("release", "acme", "--hold", hold, code=1)


def test_a_hold_ends_by_itself_after_its_last_day(desktop):
    desktop.on("sync", "acme")
    desktop.on("hold", "acme", "F-1", "--reason", "x", "--until", "2026-05-13")
    assert "held" in desktop.on("why", "acme", "F-1")
    assert "notice 'reminder'" in desktop.on("why", "acme", "F-1", day=TODAY + DAY)


def test_approvals_are_asked_for_given_and_used_once(desktop):
    desktop.policy(("mode: live", "mode: approve"))
    said = desktop.on("run", "acme", code=1)
    assert said.count("Waits for approval") == 2
    key = said.split("puntual approve acme ")[1].split()[0]
    assert "Approved 1 item" in desktop.puntual("approve", "acme", key)
    desktop.on("run", "acme", code=1)
    assert len(desktop.mails()) == 1
    desktop.puntual("approve", "acme", "--all")
    assert "1 notice sent" in desktop.on("run", "acme")
    assert "Nothing of that waits" in desktop.puntual("approve", "acme", "--all", code=1)
    desktop.puntual("approve", "acme", code=2)


def test_work_is_taken_off_the_list_with_its_outcome(desktop):
    desktop.write("customers", "id,name,email", "c1,Talleres Uno,", "c2,Talleres Dos,c2@example.com")
    assert "1 put on the work list" in desktop.on("run", "acme")
    listed = desktop.on("status", "acme")
    task = listed.split("to do ")[1].split()[0]
    assert "off the list" in desktop.puntual("done", "acme", task, "--outcome", "asked by phone")
    desktop.puntual("done", "acme", task, code=1)
    assert "asked by phone" in desktop.puntual("history", "acme")
    assert "to do" not in desktop.on("status", "acme")


def test_schema_and_help_and_version_need_no_company(desktop):
    from click.testing import CliRunner
    from puntual import __version__
    from puntual.core.cli.main import puntual

    run = CliRunner().invoke
    assert json.loads(run(puntual, ["schema"]).output)["title"]
    assert __version__ in run(puntual, ["--version"]).output
    listed = run(puntual, ["--help"]).output
    wanted = "init check explain sync plan run why history verify hold release promise dispute approve preview status demo"
    assert [name for name in wanted.split() if name not in listed] == []
    assert all(run(puntual, [name, "--help"]).exit_code == 0 for name in wanted.split())


# --- what the ledger warns of, and late charges -----------------------------------------------------------------------------------

REMINDERS = "The ledger sends reminders of its own; switch them off there, or customers hear twice."


@pytest.fixture
def warned(monkeypatch):
    """The books warn of something on each of their pages, as long as it is in the list."""
    told = [REMINDERS]
    read = FilesConnector.changes
    monkeypatch.setattr(
        FilesConnector, "changes", lambda self, cursor: (replace(page, warnings=tuple(told)) for page in read(self, cursor))
    )
    return told


@pytest.mark.parametrize("command", ["sync", "plan", "run"])
def test_a_warning_of_the_ledger_is_told_once_and_then_stands_until_it_is_over(desktop, warned, command):
    assert f"Please note: {REMINDERS}" in desktop.on(command, "acme")
    for word in ("sync", "plan", "run"):
        assert REMINDERS not in desktop.on(word, "acme")
    assert f"advice: {REMINDERS}" in desktop.puntual("check", "acme")
    assert REMINDERS in desktop.on("status", "acme")
    warned.clear()
    desktop.on("sync", "acme", "--complete")
    assert REMINDERS not in desktop.puntual("check", "acme") + desktop.on("status", "acme")


def test_a_warning_that_a_person_takes_off_the_list_is_not_told_again(desktop, warned):
    desktop.on("sync", "acme")
    entry = next(line.split()[2] for line in desktop.on("status", "acme").splitlines() if REMINDERS in line)
    desktop.puntual("done", "acme", entry, "--outcome", "they want both")
    assert REMINDERS not in desktop.on("sync", "acme") + desktop.puntual("check", "acme") + desktop.on("status", "acme")


def test_late_charges_of_our_own_are_counted_by_status_and_explained_by_why(desktop):
    desktop.on("sync", "acme")
    assert "late charge" not in desktop.on("status", "acme")
    engine = open_database(f"sqlite:///{desktop.folder / 'puntual.db'}")
    with writing(engine) as conn:
        conn.execute(text("UPDATE items SET is_late_charge = true WHERE number = 'F-1'"))
    engine.dispose()
    assert "1 late charge of our own among them" in desktop.on("status", "acme")
    assert "left alone, late_charge: a late charge of our own" in desktop.on("why", "acme", "F-1")
    assert "next: nothing" in desktop.output
