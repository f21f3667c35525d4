"""`puntual demo --ledger …`: the sample company on the stand-in of each ledger, day after day, as a person at the terminal sees it."""

import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from email import message_from_bytes
from email.policy import default

import pytest
from click.testing import CliRunner
from puntual.core.access import Consent
from puntual.core.cli.main import puntual
from puntual.core.demo import demo, stand_in
from puntual.core.demo.books import sample_rows, write_books
from puntual.core.demo.stand_in import StandIn, ledgers_with_stand_in
from puntual.core.errors import BrokenInvariant
from puntual.core.secret import Secret
from puntual.core.worker.clock import FixedClock, noon_of

WEDNESDAY = date(2026, 3, 18)
LEDGERS = ledgers_with_stand_in()
SHOWS_EXPECTED_DATE = ("xero",)
ASKS_FOR_CONSENT = ("quickbooks", "xero")
IN_THE_BOOKS = r"What stands on invoice 25-0131 in the stand-in's books now:\n((?:  .*\n)+)"


class Terminal:
    """Demos in one folder, on days of one's choice."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self._monkeypatch = monkeypatch

    def puntual(self, *words, code=0):
        done = CliRunner().invoke(puntual, [*words, "--dir", str(self.folder)])
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.output

    def today(self, day):
        self._monkeypatch.setattr(demo, "_today", lambda: day)

    def demo(self, ledger, day=WEDNESDAY, *more):
        self.today(day)
        return self.puntual("demo", "--ledger", ledger, *more)

    def mails(self, ledger):
        """Day, recipient and invoices of everything that was sent."""
        folder = self.folder / ("outbox" if ledger == "files" else f"outbox-{ledger}")
        return {_read(path) for path in folder.glob("*.eml")}


def _read(path):
    message = message_from_bytes(path.read_bytes(), policy=default)
    text = message.get_body(("plain",)).get_content()
    return path.name[:10], message["To"].addresses[0].addr_spec, frozenset(re.findall(r"\b2[45]-0\d{3}\b", text))


def in_the_books(said):
    return re.search(IN_THE_BOOKS, said)[1].splitlines()


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    monkeypatch.delenv("PUNTUAL_DATABASE", raising=False)
    return Terminal(tmp_path, monkeypatch)


def test_every_ledger_that_has_an_account_can_be_tried_without_one():
    assert LEDGERS == ("odoo", "quickbooks", "xero")


@pytest.mark.parametrize("ledger", LEDGERS)
def test_the_same_mails_go_out_as_on_files_day_after_day_and_never_twice(terminal, ledger):
    for day in (WEDNESDAY, WEDNESDAY, WEDNESDAY + timedelta(days=1), WEDNESDAY + timedelta(days=7)):
        terminal.demo("files", day)
        terminal.demo(ledger, day)
        assert terminal.mails(ledger) == terminal.mails("files")
    assert len(terminal.mails(ledger)) > 16
    assert "whole" in terminal.puntual("verify", f"soler-{ledger}")


@pytest.mark.parametrize("ledger", LEDGERS)
def test_what_is_left_in_the_books_is_shown_and_is_there_once_also_the_next_time(terminal, ledger):
    first = terminal.demo(ledger)
    left = in_the_books(first)
    notes = [line for line in left if re.search(r"\[puntual:[0-9a-f]{16}\]", line)]
    assert [line.split()[0] for line in notes] == ["2026-02-25", "2026-03-04"]
    assert all("gestion@sonrisa.example" in line for line in notes)
    assert [line.strip() for line in left if line not in notes] == ["expected date: 2026-03-23"] * (ledger in SHOWS_EXPECTED_DATE)
    second = terminal.demo(ledger)
    assert "Done today: 0 mails, 0 notes in the books." in second
    assert in_the_books(second) == left


@pytest.mark.parametrize("ledger", LEDGERS)
def test_it_says_that_it_is_a_stand_in_and_whose_books_these_are(terminal, ledger):
    said = terminal.demo(ledger)
    assert "not the real service" in said.splitlines()[0]
    assert "connected to the books of Suministros Soler, S.L. (EUR)" in said
    assert "The stand-in ended with this command" in said
    assert ("consent was asked on the stand-in's page" in said) == (ledger in ASKS_FOR_CONSENT)
    for words in re.findall(r"^  puntual (.*?) --dir ", said, re.MULTILINE)[:-1]:
        terminal.puntual(*words.split())
    trouble = terminal.puntual("run", f"soler-{ledger}", code=1 if ledger in ASKS_FOR_CONSENT else 75)
    serve = f"puntual demo --ledger {ledger} --serve --dir {terminal.folder}"
    assert serve in said
    assert f"its books are there only while its stand-in runs. Start it: {serve};" in trouble
    assert "stand-in" not in terminal.puntual("run", "nobody", code=2)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_while_it_is_served_other_commands_find_its_books(terminal, ledger, monkeypatch):
    company, later = f"soler-{ledger}", WEDNESDAY + timedelta(days=7)
    done = {}

    def meanwhile():
        monkeypatch.setenv("PUNTUAL_KEYS", f"file:{terminal.folder / 'state' / company / 'sealing-key.secret'}")
        done["check"] = terminal.puntual("check", company)
        done["run"] = terminal.puntual("run", company, "--on", str(later))

    monkeypatch.setattr(demo, "until_interrupted", meanwhile)
    monkeypatch.setattr(stand_in, "SystemClock", lambda: FixedClock(noon_of(later, "Europe/Madrid")))
    said = terminal.demo(ledger, WEDNESDAY, "--serve")
    assert "goes on at http://127.0.0.1" in said
    assert "The stand-in ended. What was written into its books is kept" in said
    assert "The books are those of Suministros Soler, S.L." in done["check"]
    assert re.search(r"^\d+ notices sent\.$", done["run"], re.MULTILINE)
    assert re.search(r"Written into the books: [1-9]\d* notes", done["run"])
    assert {mail[0] for mail in terminal.mails(ledger)} >= {str(WEDNESDAY), str(later)}
    assert "Done today: 0 mails, 0 notes in the books." in terminal.demo(ledger, later)


def test_it_is_served_until_it_is_ended(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("PUNTUAL_DATABASE", "PUNTUAL_KEYS")}
    puntual = [sys.executable, "-c", "from puntual.core.cli.main import main; main()"]
    with subprocess.Popen(
        [*puntual, "demo", "--ledger", "xero", "--serve", "--dir", str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as serving:
        lines = []
        while not lines or "puntual history soler-xero" not in lines[-1]:
            lines.append(serving.stdout.readline())
            assert lines[-1], "".join(lines)
        keys = next(line.split("PUNTUAL_KEYS=")[1].split()[0] for line in lines if "export PUNTUAL_KEYS=" in line)
        check = [*puntual, "check", "soler-xero", "--dir", str(tmp_path)]
        checked = subprocess.run(check, capture_output=True, text=True, env={**environment, "PUNTUAL_KEYS": keys})
        serving.send_signal(signal.SIGTERM)
        rest = serving.stdout.read()
    assert checked.returncode == 0, checked.stderr
    assert "Connected to xero as Suministros Soler, S.L." in checked.stdout
    assert "The stand-in ended." in rest
    assert serving.returncode == 0


def test_books_in_files_need_no_serving(terminal):
    assert "add --ledger" in terminal.puntual("demo", "--serve", code=2)


def test_the_mail_that_is_shown_has_a_charge_with_its_calculation_and_a_code_to_pay_by(terminal):
    said = terminal.demo("files")
    shown = said[said.index("One of them") : said.index("Charged for lateness so far")]
    assert re.search(r"Documento\s24-\d{4}/L1, .*\n.*\sdías\s×\s[\d.,]+\s€\s×\s[\d,]+\s%\s÷\s365\s=\s", shown)
    assert "there it has a QR code to pay by, too." in shown


def test_consent_is_never_asked_elsewhere_than_at_the_stand_in(tmp_path):
    with closing(StandIn(LEDGERS[0], tmp_path)) as server:
        for url in ("https://login.xero.com/identity/connect/authorize?x=1", server.url.replace("127.0.0.1", "127.0.0.1.example") + "/x"):
            with pytest.raises(BrokenInvariant):
                server.consent_given(Consent(url, "http://localhost:8765/callback", Secret("s"), Secret("v")))


@pytest.mark.parametrize("ledger", ASKS_FOR_CONSENT)
def test_keys_and_secrets_of_the_demo_are_for_its_owner_alone(terminal, ledger):
    said = terminal.demo(ledger)
    kept = sorted((terminal.folder / "state" / f"soler-{ledger}").glob("*.secret"))
    assert [path.name for path in kept] == ["client_secret.secret", "sealing-key.secret"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert not [path for path in kept if path.read_text(encoding="utf-8") in said]
    terminal.demo(ledger)
    assert terminal.puntual("history", f"soler-{ledger}").count("connected") == 2


@pytest.mark.parametrize("ledger", ASKS_FOR_CONSENT)
def test_init_says_how_to_let_puntual_in(terminal, ledger):
    said = terminal.puntual("init", "acme", "--ledger", ledger)
    assert said.index("puntual keys new") < said.index("puntual connect acme") < said.index("puntual plan acme")


@pytest.mark.parametrize("ledger", LEDGERS)
def test_no_disputed_invoice_is_chased_whatever_the_books_can_say(terminal, ledger):
    said = terminal.demo(ledger)
    assert re.search(r"^  25-0129  (disputed|ledger_says_no): ", said, re.MULTILINE)
    assert not [mail for mail in terminal.mails(ledger) if "25-0129" in mail[2]]


def test_demos_of_several_ledgers_live_in_one_folder(terminal):
    for ledger in ("files", *LEDGERS):
        terminal.demo(ledger)
    assert {path.stem for path in (terminal.folder / "companies").glob("*.yaml")} == {"soler", *(f"soler-{ledger}" for ledger in LEDGERS)}


def test_what_a_person_changed_in_the_policy_stays(terminal):
    terminal.demo(LEDGERS[0])
    path = terminal.folder / "companies" / f"soler-{LEDGERS[0]}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("Marta Soler", "Ana Soler"), encoding="utf-8")
    terminal.demo(LEDGERS[0], WEDNESDAY + timedelta(days=7))
    newest = max((terminal.folder / f"outbox-{LEDGERS[0]}").glob("*.eml"))
    assert "Ana Soler" in message_from_bytes(newest.read_bytes(), policy=default).get_body(("plain",)).get_content()


def test_rows_and_exports_are_the_same_books(tmp_path):
    write_books(tmp_path, WEDNESDAY)
    rows = sample_rows(WEDNESDAY)
    lines = (tmp_path / "facturas.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    exported = [line.replace('"', "").split(";") for line in lines]
    assert [(cells[0], cells[4], cells[7] == "Sí") for cells in exported] == [
        (row["number"], f"{date.fromisoformat(row['due_date']):%d/%m/%Y}", bool(row["disputed"])) for row in rows["invoices"]
    ]
    for name, kind, amount in (("facturas", "invoices", "total"), ("cobros", "payments", "amount"), ("abonos", "credit_notes", "total")):
        text = (tmp_path / f"{name}.csv").read_text(encoding="utf-8-sig")
        found = [Decimal(cell.replace(".", "").replace(",", ".")) for cell in re.findall(r"[\d.]+,\d\d", text)]
        assert found == [Decimal(row[amount]) for row in rows[kind]]


def test_without_the_packages_of_the_stand_ins_it_says_what_to_install(tmp_path):
    code = f"import sys; sys.modules['werkzeug'] = None; sys.argv = ['puntual', 'demo', '--ledger', '{LEDGERS[0]}']\n"
    code += "from puntual.core.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs the package werkzeug" in done.stderr
    assert "pip install 'puntual[stubs]'" in done.stderr
    assert "Traceback" not in done.stderr
