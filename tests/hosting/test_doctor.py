"""`puntual doctor` from the file to the ledgers: what it says, that it changes nothing, and how it exits."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme
from click.testing import CliRunner
from history.databases import empty_database, migrated_database
from history.renewing import authorization
from hosting.small_servers import PASSWORD, dns_of, http_at, mail_server, tls_at, trusting
from hosting.street import INVOICES, POLICY
from puntual.connectors.files.connector import FilesConnector
from puntual.connectors.odoo.settings import OdooSettings
from puntual.core.cli.main import puntual
from puntual.core.errors import PermissionMissing
from puntual.core.history import authorizations
from puntual.core.history.database import migrate, open_database, writing
from puntual.core.history.duties import note_alive
from puntual.core.history.sealing import Owner, keyring_of, new_key
from puntual.core.hosting.doctor import Instruments, examine
from puntual.core.hosting.doctor_database import disk_of, examine_database, examine_queue
from puntual.core.hosting.doctor_ledgers import address_of_ledger, examine_clock_of, examine_web
from puntual.core.hosting.doctor_mail import Dns
from puntual.core.hosting.findings import Finding, Level
from puntual.core.hosting.shared_queue import prepare
from puntual.core.policy.host_schema import QueueKind
from sqlalchemy import create_engine, text

OK, WARN, BAD = Level.OK, Level.WARN, Level.BAD
ZONE = {
    "acme.example": {"MX": ["10 mx.acme.example."], "TXT": ["v=spf1 a:localhost -all"]},
    "localhost": {"A": ["127.0.0.1"]},
    "mail._domainkey.acme.example": {"TXT": ["v=DKIM1; p=MIGf"]},
    "_dmarc.acme.example": {"TXT": ["v=DMARC1; p=reject"]},
}


class Place:
    """A host's folder with one company, acme, whose books are files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "companies").mkdir()
        (folder / "books" / "acme").mkdir(parents=True)
        self.policy(POLICY.format(name="acme", zone="Europe/Madrid"))
        row = "F-1,Ana S.L.,ana@example.com,2026-10-20,2026-11-20,10.00,10.00\n"
        (folder / "books" / "acme" / "invoices.csv").write_text(INVOICES + row, encoding="utf-8")

    def policy(self, text: str, name: str = "acme") -> None:
        (self.folder / "companies" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def host(self, text: str) -> None:
        (self.folder / "puntual.yaml").write_text(text, encoding="utf-8")

    def database(self) -> None:
        open_database(f"sqlite:///{self.folder / 'puntual.db'}").dispose()

    def examine(self, *companies: str, **how: object) -> dict[str, Finding]:
        """The last finding of each level, by level and what it is about."""
        return {f"{one.level.value} {one.what}": one for one in examine(self.folder, companies, **how)}

    def files(self) -> dict[str, str]:
        """What is in the folder: its content by name, without what a database makes beside itself when it is read."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture
def place(tmp_path, monkeypatch) -> Place:
    for name in ("PUNTUAL_DATABASE", "PUNTUAL_KEYS"):
        monkeypatch.delenv(name, raising=False)
    return Place(tmp_path)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_a_new_folder_is_looked_at_and_nothing_is_made(place):
    before = place.files()
    found = place.examine(offline=True)
    assert set(found) == {"ok puntual.yaml", "warn policy of acme", "ok database", "ok keys"}
    assert "the first command makes it" in found["ok database"].said
    assert place.files() == before


def test_a_host_at_work_is_in_order_from_end_to_end(place, authority, monkeypatch):
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    place.database()
    with mail_server(authority) as port, dns_of(ZONE) as resolver, tls_at(authority) as web:
        server = f"smtp: {{host: localhost, port: {port}, username: cobros, password: '${{SMTP_PASSWORD}}'}}"
        place.policy(POLICY.format(name="acme", zone="Europe/Madrid").replace("folder: outbox/acme", server))
        place.host(f"operator: {{to: [ops@acme.example], mail: {{from: ops@acme.example, {server}}}}}\nweb: {{address: '{web}'}}\n")
        open_and_beat(place)
        before = place.files()
        found = list(examine(place.folder, by=Instruments(Dns(resolver), trusting(authority))))
    assert [one.line() for one in found if one.level is BAD] == []
    said = [f"{one.what}: {one.said}" for one in found]
    assert f"mail server localhost:{port}: it takes the login of cobros, encrypted" in said
    assert said.count("domain acme.example: its SPF record names localhost") == 1
    assert f"web {web}: it resolves, and something answers there" in said
    assert "ledger of acme: files: the books of acme" in said
    assert "worker: 1 alive: machine:1:x" in said
    assert PASSWORD not in " ".join(one.line() for one in found)
    assert place.files() == before


def open_and_beat(place: Place) -> None:
    engine = open_database(f"sqlite:///{place.folder / 'puntual.db'}")
    with writing(engine) as conn:
        note_alive(conn, "machine:1:x", datetime.now(UTC))
    engine.dispose()


def test_what_is_wrong_in_a_file_is_said_and_the_others_are_looked_at(place):
    place.database()
    place.policy("company: {name: x\n", "broken")
    found = place.examine(offline=True)
    assert "broken.yaml:" in found["bad policy of broken"].said
    assert "warn policy of acme" in found
    place.host("threads: many\n")
    found = place.examine(offline=True)
    assert "puntual.yaml:1:10" in found["bad puntual.yaml"].said
    assert "warn database" in found


def test_only_the_named_companies_are_looked_at(place):
    place.policy("company: {name: x\n", "broken")
    assert not any("broken" in key for key in place.examine("acme", offline=True))
    assert "there is no" in place.examine("nobody", offline=True)["bad policy of nobody"].said


def test_keys_have_to_open_what_is_kept(place, monkeypatch):
    place.database()
    engine = open_database(f"sqlite:///{place.folder / 'puntual.db'}")
    key, other = new_key().reveal(), new_key().reveal()
    sealed = keyring_of(key).seal(Owner("acme", "xero"), authorization())
    with writing(engine) as conn:
        authorizations.put(conn, "acme", "xero", authorization(), sealed, datetime.now(UTC))
    assert "PUNTUAL_KEYS holds no key" in place.examine(offline=True)["bad keys"].said
    monkeypatch.setenv("PUNTUAL_KEYS", other)
    assert place.examine(offline=True)["bad keys"].said == "no key opens the connection of acme"
    monkeypatch.setenv("PUNTUAL_KEYS", f"{other} {key}")
    assert place.examine(offline=True)["ok keys"].said == "they open all 1 connections that are kept"
    engine.dispose()


def test_a_ledger_that_lacks_a_right_is_bad_and_the_others_are_looked_at(place, monkeypatch):
    place.database()
    place.policy(POLICY.format(name="other", zone="Europe/Madrid"), "other")
    (place.folder / "books" / "other").mkdir()
    (place.folder / "books" / "other" / "invoices.csv").write_text(INVOICES, encoding="utf-8")
    real = FilesConnector.check

    def check(self):
        if self.surroundings.company == "acme":
            raise PermissionMissing("The user may not read payments.", hint="Give it the role Accountant")
        return real(self)

    monkeypatch.setattr(FilesConnector, "check", check)
    with dns_of({}) as resolver:
        found = place.examine(by=Instruments(Dns(resolver)))
    assert found["bad ledger of acme"].to_do == "Give it the role Accountant"
    assert "ok ledger of other" in found


def test_a_connectors_mistake_is_a_finding(place, monkeypatch):
    place.database()
    monkeypatch.setattr("puntual.connectors.files.connector.FilesConnector.check", lambda _: 1 / 0)
    with dns_of({}) as resolver:
        assert "ZeroDivisionError" in place.examine(by=Instruments(Dns(resolver)))["bad ledger of acme"].said


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_is_reachable_written_and_at_our_level(kind, tmp_path):
    with migrated_database(kind, tmp_path) as url:
        open_database(url).dispose()
        found, engine = examine_database(url)
    assert engine is not None
    assert {one.level for one in found if one.what != "clock"} == {OK}
    assert found[-1].said == "it can be written to"
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_of_another_level_is_left_as_it_is(kind, tmp_path):
    with empty_database(kind, tmp_path) as url:
        engine = open_database_at(url, "0003")
        found, opened = examine_database(url)
        assert (opened, found[-1].level) == (None, WARN)
        assert "stand at level 0003" in found[-1].said
        with engine.begin() as conn:
            conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        found, opened = examine_database(url)
        assert (opened, found[-1].level) == (None, BAD)
        engine.dispose()


def open_database_at(url, level):
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    migrate(engine, level)
    return engine


def test_a_database_without_tables_or_without_a_server():
    found, engine = examine_database("postgresql://nobody@127.0.0.1:1/none")
    assert ([one.level for one in found], engine) == ([BAD], None)
    found, engine = examine_database("nonsense")
    assert ([one.level for one in found], engine) == ([BAD], None)
    found, engine = examine_database("sqlite:////nowhere/at/all/puntual.db")
    assert (found[0].level, "there is no folder" in found[0].said, engine) == (BAD, True, None)


def test_a_network_disk_and_a_full_one_are_told_of(place, tmp_path, monkeypatch):
    place.database()
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {place.folder} nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100_000_000))
    found, engine = examine_database(f"sqlite:///{place.folder / 'puntual.db'}", mounts)
    assert [(one.level, one.said) for one in found[:2]] == [
        (BAD, "SQLite is on a network disk (nfs4)"),
        (BAD, "only 100 MB are free on its disk"),
    ]
    engine.dispose()
    assert disk_of(tmp_path.parent, mounts) == "ext4"
    assert disk_of(tmp_path, tmp_path / "none") == ""


def test_a_database_that_only_lets_read_is_bad(tmp_path):
    with migrated_database("postgresql", tmp_path) as url:
        engine = open_database(url)
        with engine.begin() as conn:
            name = conn.execute(text("SELECT current_database()")).scalar_one()
            conn.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        engine.dispose()
        found, opened = examine_database(url)
        opened.dispose()
    assert (found[-1].level, "cannot be written to" in found[-1].said) == (BAD, True)


def test_the_queue_in_postgresql(tmp_path):
    with migrated_database("postgresql", tmp_path) as url:
        engine = open_database(url)
        assert [one.said for one in examine_queue(engine, QueueKind.POSTGRESQL)] == ["none is alive", "it has no tables yet"]
        prepare(url)
        assert list(examine_queue(engine, QueueKind.POSTGRESQL))[1].said == "PostgreSQL: 0 jobs wait, 0 workers take them"
        with engine.begin() as conn:
            conn.execute(text("INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('puntual', 'x', 'doing')"))
        assert list(examine_queue(engine, QueueKind.POSTGRESQL))[1].said == "1 jobs of workers that died"
        engine.dispose()


def test_the_queue_of_one_machine(place):
    place.database()
    engine = open_database(f"sqlite:///{place.folder / 'puntual.db'}")
    with writing(engine) as conn:
        for machine in ("one", "two"):
            note_alive(conn, f"{machine}:1:x", datetime.now(UTC))
    assert [one.level for one in examine_queue(engine, QueueKind.THREADS)] == [WARN, OK]
    assert [one.level for one in examine_queue(engine, QueueKind.POSTGRESQL)] == [OK, BAD]
    engine.dispose()


@pytest.mark.parametrize(("ahead", "level"), [(0, OK), (30, WARN), (-30, WARN), (3600, BAD), (-3600, BAD)])
def test_the_clock_of_a_ledger_is_compared_with_ours(ahead, level):
    with http_at(datetime.now(UTC) + timedelta(seconds=ahead)) as url:
        assert examine_clock_of(url).level is level


def test_a_ledger_that_tells_no_time_or_is_not_there():
    with http_at(None) as url:
        assert "does not say what time" in examine_clock_of(url).said
    assert "does not answer" in examine_clock_of("http://127.0.0.1:1").said


def test_the_address_of_a_ledger_is_in_its_settings():
    settings = OdooSettings.model_construct(url="https://books.example.com")
    assert address_of_ledger(settings) == "https://books.example.com"
    assert address_of_ledger(object()) == ""


def test_the_web_address_needs_a_name_an_answer_and_a_certificate(authority):
    now = datetime.now(UTC)
    with tls_at(authority, "elsewhere.example") as url:
        (found,) = examine_web(url, now, trusting(authority))
        assert (found.level, "certificate is not good" in found.said) == (BAD, True)
    assert "nothing answers" in next(iter(examine_web("https://127.0.0.1:1", now))).said
    assert "does not resolve" in next(iter(examine_web("https://nowhere.invalid", now))).said


def test_the_command_says_each_line_and_exits_by_the_worst(place):
    done = CliRunner().invoke(puntual, ["doctor", "--offline", "--dir", str(place.folder)])
    assert done.exit_code == 0, done.output
    assert "ok   database: there is none" in done.output
    assert done.output.rstrip().endswith("3 ok, 1 warn, 0 bad")
    place.policy("company: {name: x\n")
    done = CliRunner().invoke(puntual, ["doctor", "--offline", "--dir", str(place.folder)])
    assert done.exit_code == 1
    assert "bad  policy of acme" in done.output
    assert "Traceback" not in done.output
