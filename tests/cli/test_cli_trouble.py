"""What goes wrong at the command line is said in words, with the exit code that a scheduler understands, and the history stays whole."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import SECRET
from history.sample_books import TODAY
from puntual.core.history import database
from puntual.core.history.database import open_database, writing
from sqlalchemy import text


@pytest.mark.parametrize("company", ["nobody", "../acme", "", ".hidden"])
def test_a_company_that_is_not_there_is_wrong_usage(desktop, company):
    assert "acme" in desktop.puntual("plan", company, code=2) or "no name of a company" in desktop.output


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (("mode: live", "mode: alive"), "acme.yaml:8:", "alive"),
        (("tolerance:", "tolerence:"), "acme.yaml:11:1", "tolerence"),
        (("days: 1,", "days: one,"), "acme.yaml:16:", "days"),
        (("folder: outbox", 'smtp: {host: x.example, username: a, password: "${NO_SUCH_SECRET}"}'), "acme.yaml:7:", "NO_SUCH_SECRET"),
        (("company: {", "company: {{"), "acme.yaml:", ""),
    ],
)
@pytest.mark.parametrize("command", ["check", "plan", "run", "explain"])
def test_a_broken_policy_names_file_line_and_column(desktop, change, place, words, command):
    desktop.policy(change)
    said = desktop.puntual(command, "acme", code=2)
    assert place in said
    assert words in said


def test_secrets_are_never_printed(desktop):
    smtp = 'smtp: {host: 127.0.0.1, port: 1, security: starttls, username: ana, password: "${SMTP_PASSWORD}"}'
    desktop.policy(("folder: outbox", smtp))
    desktop.puntual("check", "acme")
    desktop.puntual("explain", "acme")
    desktop.on("run", "acme", code=75)
    desktop.puntual("history", "acme")
    assert SECRET not in (desktop.folder / "puntual.db").read_bytes().decode("latin-1")


def test_a_secret_written_into_the_policy_is_refused_without_repeating_it(desktop):
    desktop.policy(("folder: outbox", f"smtp: {{host: x.example, username: ana, password: {SECRET}}}"))
    assert "acme.yaml:7:" in desktop.puntual("check", "acme", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "acme", "--on", "13/05/2026"),
        ("plan", "acme", "--on", "2026-02-30"),
        ("plan", "acme", "--days", "0"),
        ("hold", "acme", "F-1"),
        ("hold", "acme", "--reason", "x"),
        ("hold", "acme", "F-1", "--customer", "c1", "--reason", "x"),
        ("promise", "acme", "F-1", "soon"),
        ("promise", "acme", "F-1"),
        ("promise", "acme", "2026-05-20"),
        ("resolve", "acme", "abc", "perhaps"),
        ("release", "acme"),
        ("init", "no/such/name"),
    ],
)
def test_wrong_usage_is_said_and_changes_nothing(desktop, words):
    desktop.puntual(*words, code=2)
    assert not (desktop.folder / "puntual.db").exists() or "Nothing yet" in desktop.puntual("history", "acme")


@pytest.mark.parametrize(
    "words",
    [
        ("hold", "acme", "F-99", "--reason", "x"),
        ("hold", "acme", "--customer", "nobody", "--reason", "x"),
        ("release", "acme", "F-1"),
        ("release", "acme", "--hold", "nothing"),
        ("resolve", "acme", "abc", "sent"),
        ("resolve", "acme", "", "sent"),
        ("resolve", "acme", "%", "sent"),
        ("done", "acme", "abc"),
        ("approve", "acme", "abc"),
        ("why", "acme", "F-99"),
    ],
)
def test_what_the_books_do_not_have_is_said(desktop, words):
    desktop.on("sync", "acme")
    desktop.puntual(*words, code=1)


def test_a_future_day_is_refused_where_real_mail_would_go_out(desktop):
    desktop.policy(("folder: outbox", "smtp: {host: 127.0.0.1, port: 1, security: none}"))
    assert "in the future" in desktop.puntual("run", "acme", "--on", "2999-01-01", code=2)


def test_a_plan_for_a_day_to_come_does_not_change_what_is_due_before_it(desktop):
    desktop.invoices("F-1,c1,2026-04-12,2026-05-25,100.00,EUR,")
    desktop.on("sync", "acme")
    desktop.policy(("days: 8,", "days: 9,"))
    desktop.puntual("plan", "acme", "--on", "2026-07-01")
    assert "1 notice sent" in desktop.on("run", "acme", day=TODAY.replace(day=18))


# --- the books --------------------------------------------------------------------------------------------------------------------


def test_a_bad_row_is_named_by_file_and_line_and_the_rest_is_read(desktop):
    desktop.invoices("F-1,c1,2026-04-12,2026-05-12,100.00,EUR,", "F-2,c1,2026-04-12,2026-05-12,lots,EUR,")
    said = desktop.on("sync", "acme", code=1)
    assert "invoices.csv:3" in said
    assert "F-1" in desktop.on("plan", "acme")


def test_an_export_that_was_cut_off_stops_the_run_and_nothing_is_forgotten(desktop):
    rows = [f"F-{n},c1,2026-04-12,2026-05-12,{n}.00,EUR," for n in range(10, 40)]
    desktop.invoices(*rows)
    desktop.on("sync", "acme")
    desktop.invoices(*rows[:3])
    assert "27 of 30 open items are gone" in desktop.on("run", "acme", code=1)
    assert "--confirm" in desktop.output
    assert desktop.mails() == []
    assert "outstanding by Talleres Uno" in desktop.on("why", "acme", "F-39")
    assert "1 notice sent" in desktop.on("run", "acme", "--confirm")


@pytest.mark.parametrize("content", ["", "\n", "number", "\x00\x01\x02", "a;b;c\n1;2;3\n"])
def test_books_that_are_no_books_are_for_a_person(desktop, content):
    (desktop.books / "invoices.csv").write_text(content, encoding="utf-8")
    desktop.on("run", "acme", code=1)
    assert desktop.mails() == []
    assert "whole" in desktop.puntual("verify", "acme")


def test_books_that_are_not_there_are_for_a_person(desktop):
    for path in desktop.books.iterdir():
        path.unlink()
    desktop.books.rmdir()
    desktop.on("sync", "acme", code=1)
    desktop.puntual("check", "acme", code=1)


def test_a_template_with_a_missing_word_is_found_by_check_and_stops_the_run(desktop):
    desktop.policy(("mode: live", "mode: live\ntemplates: texts"))
    (desktop.folder / "texts" / "es").mkdir(parents=True)
    (desktop.folder / "texts" / "es" / "reminder.txt").write_text("Hola {{ nombre_de_pila }}", encoding="utf-8")
    assert "nombre_de_pila" in desktop.puntual("check", "acme", code=1)
    assert "nombre_de_pila" in desktop.on("run", "acme", code=2)
    assert desktop.mails() == []
    (desktop.folder / "texts" / "es" / "reminder.txt").unlink()
    assert "2 notices sent" in desktop.on("run", "acme")


# --- the database -----------------------------------------------------------------------------------------------------------------


def test_a_database_that_is_locked_is_worth_trying_again(desktop, monkeypatch):
    desktop.on("run", "acme")
    monkeypatch.setattr(database, "_BUSY_MILLISECONDS", 1)
    engine = open_database(f"sqlite:///{desktop.folder / 'puntual.db'}")
    with writing(engine) as conn:
        conn.execute(text("UPDATE companies SET run_id = run_id"))
        for command in ("run", "plan", "sync", "status"):
            assert "locked" in desktop.on(command, "acme", code=75)
    engine.dispose()
    desktop.on("run", "acme")


def test_a_database_that_is_damaged_is_for_a_person(desktop):
    desktop.on("run", "acme")
    for path in desktop.folder.glob("puntual.db*"):
        path.write_bytes(b"x" * 8192)
    for command in ("run", "verify", "status"):
        assert "history database cannot be used" in desktop.puntual(command, "acme", code=1)


def test_pages_of_the_database_that_are_damaged_are_for_a_person(desktop):
    desktop.on("run", "acme")
    path = desktop.folder / "puntual.db"
    engine = open_database(f"sqlite:///{path}")
    with engine.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    content = bytearray(path.read_bytes())
    for start in range(8192, len(content), 4096):
        content[start : start + 4096] = b"\xff" * min(4096, len(content) - start)
    path.write_bytes(bytes(content))
    for command in ("run", "verify", "why"):
        words = (command, "acme", "F-1") if command == "why" else (command, "acme")
        desktop.puntual(*words, code=1)


def test_a_database_of_somebody_else_is_for_a_person(desktop):
    import sqlite3

    with sqlite3.connect(desktop.folder / "puntual.db") as other:
        other.execute("CREATE TABLE items (x)")
    other.close()
    desktop.puntual("plan", "acme", code=1)


def test_a_database_url_that_nobody_understands_is_for_a_person(desktop, monkeypatch):
    monkeypatch.setenv("PUNTUAL_DATABASE", f"mysql://ana:{SECRET}@host/x")
    assert "not understood" in desktop.puntual("plan", "acme", code=1)


def test_a_trail_that_somebody_changed_is_found_by_verify(desktop):
    desktop.on("run", "acme")
    engine = open_database(f"sqlite:///{desktop.folder / 'puntual.db'}")
    with writing(engine) as conn:
        conn.execute(text("UPDATE audit SET data = replace(data, 'c1@', 'd1@') WHERE kind = 'sent'"))
    engine.dispose()
    assert "broken" in desktop.puntual("verify", "acme", code=1)


def test_another_run_under_way_is_worth_trying_again(desktop):
    desktop.on("run", "acme")
    engine = open_database(f"sqlite:///{desktop.folder / 'puntual.db'}")
    with writing(engine) as conn:
        conn.execute(text("UPDATE companies SET run_id = 'r', run_owner = 'elsewhere:1', run_until = '2999-01-01 00:00:00.000000'"))
    engine.dispose()
    for command in ("run", "sync"):
        assert "elsewhere:1" in desktop.on(command, "acme", code=75)
    desktop.on("plan", "acme")


# --- the process ------------------------------------------------------------------------------------------------------------------


def test_our_own_mistake_is_words_for_the_person_and_evidence_in_a_file(desktop):
    code = (
        "from puntual.core.cli import books, main; import sys\n"
        "def broken(*a, **k): raise KeyError('ours')\n"
        "books.plan_of = broken\nsys.argv = ['puntual', 'plan', 'acme']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=desktop.folder, capture_output=True, text=True)
    assert (done.returncode, "Puntual itself went wrong (KeyError)" in done.stderr) == (1, True)
    assert "Traceback" not in done.stdout + done.stderr
    assert "Traceback" in (desktop.folder / "state" / "puntual-mistake.txt").read_text(encoding="utf-8")


def test_a_word_that_is_no_text_is_wrong_usage(desktop):
    desktop.on("sync", "acme")
    command = [str(Path(sys.executable).parent / "puntual").encode(), b"hold", b"acme", b"F-1", b"--reason", b"caf\xe9"]
    done = subprocess.run(command, cwd=desktop.folder, capture_output=True, text=True)
    assert (done.returncode, "no valid text" in done.stderr) == (2, True)


def test_a_name_out_of_the_books_does_not_command_the_terminal(desktop):
    desktop.write("customers", "id,name,email", "c1,Talleres \x1b[2JUno,c1@example.com", "c2,Talleres Dos,c2@example.com")
    desktop.on("sync", "acme")
    assert "\x1b" not in desktop.on("plan", "acme")
    assert "Uno" in desktop.output


def test_the_demo_runs_and_a_second_time_sends_nothing_twice(desktop):
    desktop.puntual("demo")
    first = desktop.mails()
    assert first
    desktop.puntual("demo")
    assert desktop.mails() == first
    assert "whole" in desktop.puntual("verify", "soler")


def test_a_reader_that_goes_away_is_no_trouble(desktop):
    desktop.on("sync", "acme")
    command = f"{Path(sys.executable).parent / 'puntual'} plan acme --days 300 | head -n 1"
    done = subprocess.run(command, shell=True, cwd=desktop.folder, capture_output=True, text=True)
    assert done.stdout.startswith("acme, ")
    assert "cannot be used" not in done.stderr
    assert "Traceback" not in done.stderr
