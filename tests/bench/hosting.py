"""What hosting many companies costs: `python -m tests.bench.hosting MEASURE …` prints the figures of one measure as JSON.

    roster KIND COMPANIES          reading their policies, looking at the folder, a pulse, looking at one company; memory
    idle KIND LEDGER WHAT          end to end against a stand-in on loopback, where nothing changed: WHAT is `sync`, a reading; `run`, a run
                                   on a day on which nothing is due; or `complete`, a reading of everything
    busy KIND LEDGER THREADS MS    such readings a second, when each call to the ledger takes so many milliseconds
    webhooks KIND CLIENTS          signed deliveries a second, each of another event

KIND is sqlite or postgresql (an embedded server of its own, with fsync). Processor time is this process's alone.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from puntual.core.access import Consent
from puntual.core.history.database import open_database, reading, writing
from puntual.core.history.hosting import wish_for_sync
from puntual.core.history.sealing import new_key
from puntual.core.hosting.host import Host
from puntual.core.hosting.jobs import Job, JobKind
from puntual.core.hosting.queue import ThreadQueue
from puntual.core.hosting.roster import Roster
from puntual.core.hosting.work import Ended, Working
from puntual.core.worker.access import connect
from puntual.core.worker.clock import SystemClock
from puntual.core.worker.lease import leased
from puntual.core.worker.run import run
from puntual.core.worker.sync import sync
from puntual.core.worker.wiring import connector_entry, desk_of
from sqlalchemy import Engine, event, text

Figures = dict[str, Any]
FILES = {"type": "files", "folder": "books", "currency": "EUR"}
WISHED = timedelta(minutes=5)


@dataclass(frozen=True)
class Timing:
    """What a piece of work took, in seconds."""

    wall: float
    cpu: float


def timed(work: Callable[[], Any]) -> Timing:
    """Do it once."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'puntual.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver
    server = pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def policy(ledger: Mapping[str, Any]) -> str:
    """The policy that `puntual init` writes, for these books."""
    starter = files("puntual").joinpath("core", "policy", "starters", "quickbooks.yaml").read_text(encoding="utf-8")
    section = "\n".join(["ledger:", *(f"  {name}: {json.dumps(value)}" for name, value in ledger.items())])
    text_of_it = re.sub(r"(?ms)^ledger:.*?(?=^\S)", lambda _: section + "\n\n", starter, count=1)
    return (
        text_of_it.replace("payment_links: [ledger]", "payment_links: []")
        .replace("America/New_York", "Europe/Madrid")
        .replace("mode: shadow", "mode: live\ngo_live: {date: 2026-01-01, old_debt: ignore}")
    )


def folder_of(folder: Path, count: int, ledger: Mapping[str, Any]) -> list[str]:
    """So many companies. Returns their names."""
    (folder / "companies").mkdir()
    names = [f"company-{number:05}" for number in range(count)]
    for name in names:
        (folder / "companies" / f"{name}.yaml").write_text(policy(ledger), encoding="utf-8")
    return names


class Nobody:
    """A queue that does nothing of what is put."""

    def __init__(self) -> None:
        self.count = 0

    def put(self, _: Job) -> None:
        """Counted."""
        self.count += 1

    def depth(self) -> int:
        """Never any."""
        return 0

    def close(self, _: int) -> bool:
        """At once."""
        return True


def roster(kind: str, companies: str) -> Figures:
    """A host with so many companies on which nobody works."""
    count = int(companies)
    with tempfile.TemporaryDirectory() as place, database(kind, Path(place)) as url:
        folder = Path(place)
        names = folder_of(folder, count, FILES)
        engine = open_database(url)
        held = Roster(folder, engine, SystemClock(), timedelta(minutes=15))
        host = Host(held, Working(held, "bench"), Nobody())
        host.roster.look()
        before = _memory()
        for name in names[:50]:
            held.timetable(name)
        warm = _memory()
        held._stamps.clear()
        welcomed = timed(host.look_around)
        memory = (_memory() - warm) / max(count - 50, 1)
        started = timed(host._ticker.start)
        some = names[:: max(count // 200, 1)][:200]
        looked = timed(lambda: [host.look_at(name) for name in some])
        folder_seen, pulse = timed(held.look), timed(host.pulse)
        host._ticker.stop()
        engine.dispose()
    return {
        "companies": count,
        "welcome_cpu_ms_each": welcomed.cpu * 1000 / count,
        "welcome_wall_s": welcomed.wall,
        "ticker_start_s": started.wall,
        "folder_look_ms": folder_seen.wall * 1000,
        "pulse_ms": pulse.wall * 1000,
        "pulse_cpu_ms": pulse.cpu * 1000,
        "look_at_ms": looked.wall * 1000 / len(some),
        "look_at_cpu_ms": looked.cpu * 1000 / len(some),
        "kb_each": memory / 1024,
        "first_50_mb": (warm - before) / 1e6,
        "resident_mb": _memory() / 1e6,
    }


@contextmanager
def stand_in(ledger: str, milliseconds: int) -> Iterator[tuple[dict[str, Any], Callable[[], int]]]:
    """A stand-in in a process of its own: what it says of itself, and how many calls came so far."""
    command = [sys.executable, "-m", "tests.bench.hosting_stand_in", ledger, str(milliseconds / 1000)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        said = json.loads(process.stdout.readline())

        def calls() -> int:
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield said, calls
        process.stdin.close()


@dataclass
class Town:
    """Companies over one stand-in, each connected and read once."""

    working: Working
    engine: Engine
    names: list[str]
    calls: Callable[[], int]
    writes: list[int]
    ended: list[Ended]

    def wish(self) -> None:
        """A reading of each is due."""
        with writing(self.engine) as conn:
            wish_for_sync(conn, self.names, SystemClock().now() - WISHED)

    def read(self, name: str) -> Ended:
        """Read the books of one."""
        ended = self.working.do(Job(name, JobKind.SYNC))
        assert ended.was_due
        assert not ended.error, ended.error
        self.ended.append(ended)
        return ended

    def read_again(self) -> None:
        """Read the books of the first, because somebody wished for it."""
        self.wish()
        self.read(self.names[0])

    def read_everything(self) -> None:
        """A complete pass over the books of the first."""
        desk = self.working.roster.desk(self.names[0])
        ledger = desk.open_ledger()
        with leased(desk):
            sync(desk, ledger, desk.today(), complete=True)
        ledger.close()

    def run_again(self) -> None:
        """A run for the first."""
        desk = self.working.roster.desk(self.names[0])
        run(desk, desk.today(), confirmed=True, at_any_hour=True)


@contextmanager
def town(kind: str, ledger: str, count: int, milliseconds: int) -> Iterator[Town]:
    """So many companies over one stand-in."""
    os.environ["PUNTUAL_KEYS"] = new_key().reveal()
    with tempfile.TemporaryDirectory() as place, database(kind, Path(place)) as url, stand_in(ledger, milliseconds) as (said, calls):
        folder = Path(place)
        settings = {"type": ledger, **said["settings"]}
        for name, value in said["secrets"].items():
            (folder / name).write_text(value, encoding="utf-8")
            settings[name] = f"${{file:{folder / name}}}"
        names = folder_of(folder, count, settings)
        os.environ["PUNTUAL_DATABASE"] = url
        engine = open_database(url)
        writes = _counting(engine)
        held = Roster(folder, engine, SystemClock())
        held.look()
        working = Working(held, "bench")
        working.remember(names)
        if connector_entry(ledger).authorizer:
            for name in names:
                connect(desk_of(folder, name, SystemClock(), engine=engine), _consents, "", "bench")
        made = Town(working, engine, names, calls, writes, [])
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(made.read, names))
        yield made
        engine.dispose()


def idle(kind: str, ledger: str, what: str) -> Figures:
    """Twelve of them, one after the other."""
    rounds = 12
    with town(kind, ledger, 1, 0) as there:
        work = {"sync": there.read_again, "run": there.run_again, "complete": there.read_everything}[what]
        for _ in range(2):
            work()
        calls, writes = there.calls(), there.writes[0]
        took = timed(lambda: [work() for _ in range(rounds)])
        made, written = there.calls() - calls, there.writes[0] - writes
    return {
        "ledger": ledger,
        "what": what,
        "calls": made / rounds,
        "write_transactions": written / rounds - (what == "sync"),
        "ms": took.wall * 1000 / rounds,
        "cpu_ms": took.cpu * 1000 / rounds,
    }


def busy(kind: str, ledger: str, threads: str, milliseconds: str) -> Figures:
    """Three readings of each of many companies, by so many hands."""
    hands = int(threads)
    with town(kind, ledger, 40, int(milliseconds)) as there:
        calls, rounds = there.calls(), 3

        def work() -> None:
            for _ in range(rounds):
                there.wish()
                queue = ThreadQueue(hands, lambda job: there.read(job.company))
                for name in there.names:
                    queue.put(Job(name, JobKind.SYNC))
                while not queue.idle():
                    Event().wait(0.005)
                queue.close(30)

        before = len(there.ended)
        took = timed(work)
        done, made = len(there.ended) - before, there.calls() - calls
    return {
        "ledger": ledger,
        "threads": hands,
        "ms_a_call": int(milliseconds),
        "jobs_a_second": done / took.wall,
        "cpu_ms_each": took.cpu * 1000 / done,
        "calls_each": made / done,
    }


def webhooks(kind: str, clients: str) -> Figures:
    """Deliveries of QuickBooks to the web endpoint in a process of its own."""
    secret, hands, each = "verifier", int(clients), 150
    with tempfile.TemporaryDirectory() as place, database(kind, Path(place)) as url:
        folder = Path(place)
        names = folder_of(folder, 20, FILES)
        (folder / "secret").write_text(secret, encoding="utf-8")
        said = f"web: {{address: http://localhost, listen: 127.0.0.1:18431}}\nwebhooks: {{quickbooks: '${{file:{folder / 'secret'}}}'}}\n"
        (folder / "puntual.yaml").write_text(said, encoding="utf-8")
        engine = open_database(url)
        _connected(engine, names)
        command = [str(Path(sys.executable).with_name("puntual")), "web", "--dir", str(folder)]
        environment = {**os.environ, "PUNTUAL_DATABASE": url, "PUNTUAL_KEYS": new_key().reveal()}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            while "listening" not in process.stderr.readline():
                assert process.poll() is None
            with ThreadPoolExecutor(1) as drain:
                drain.submit(process.stderr.read)
                took = timed(lambda: _deliver(secret, hands, each))
                used = _cpu_of(process.pid)
                process.terminate()
        with reading(engine) as conn:
            kept = conn.execute(text("SELECT count(*) FROM webhook_events")).scalar_one()
        engine.dispose()
    assert kept == hands * each, kept
    return {"clients": hands, "deliveries": kept, "a_second": kept / took.wall, "cpu_ms_each": used * 1000 / kept}


def _connected(engine: Engine, names: list[str]) -> None:
    row = "'', 1, 'active', '', 'quickbooks', '{0}', '', '2030-01-01', '2026-01-01', ''"
    columns = "sealed, version, state, detail, ledger, tenant_id, tenant_name, expires_at, changed_at, renewer"
    with writing(engine) as conn:
        for name in names:
            conn.execute(text(f"INSERT INTO authorizations (company, {columns}) VALUES ('{name}', {row.format('realm-' + name)})"))


def _deliver(secret: str, clients: int, each: int) -> None:
    def send(client: int) -> None:
        with requests.Session() as session:
            for number in range(each):
                said = {"id": f"{client}-{number}", "type": "qbo.invoice.updated.v1", "intuitaccountid": f"realm-company-{client:05}"}
                body = json.dumps([{**said, "intuitentityid": "7", "time": "2026-05-13T10:00:00Z", "specversion": "1.0"}]).encode()
                signed = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
                headers = {"intuit-signature": signed, "content-type": "application/json", "host": "localhost"}
                answer = session.post("http://127.0.0.1:18431/webhooks/quickbooks", data=body, headers=headers, timeout=30)
                assert answer.status_code == 200, answer.status_code

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(send, range(clients)))


def _cpu_of(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _consents(consent: Consent) -> Mapping[str, str]:
    """A person who says yes."""
    with requests.Session() as browser:
        browser.trust_env = False
        answer = browser.get(consent.url, allow_redirects=False, timeout=30)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def _counting(engine: Engine) -> list[int]:
    """How many transactions that write were committed."""
    writes = [0]

    @event.listens_for(engine, "commit")
    def committed(conn: Any) -> None:
        writes[0] += bool(conn.get_execution_options().get("puntual_writing"))

    return writes


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()


MEASURES: dict[str, Callable[..., Figures]] = {"roster": roster, "idle": idle, "busy": busy, "webhooks": webhooks}


def main(measure: str, *words: str) -> None:
    """One measure."""
    print(json.dumps(MEASURES[measure](*words)))


if __name__ == "__main__":
    main(*sys.argv[1:])
