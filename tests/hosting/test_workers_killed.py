"""Workers die at any moment, and every customer is still written to once. PUNTUAL_KILLING makes it longer: see killing.py."""

import os
from threading import Event

import psycopg
import pytest
from history.databases import migrated_database
from hosting.killing import killing, told
from puntual.core.hosting.jobs import Job, JobKind
from puntual.core.hosting.shared_queue import SharedQueue

USUAL = "workers=2 companies=3 kills=6 seed=5"
PATIENCE = 30


@pytest.mark.timeout(1500)
def test_workers_are_killed_at_random_and_everything_happens_once(tmp_path):
    wanted = {key: int(value) for key, value in (part.split("=") for part in os.environ.get("PUNTUAL_KILLING", USUAL).split())}
    with (
        migrated_database("postgresql", tmp_path) as url,
        killing(tmp_path, url, wanted["workers"], wanted["companies"], wanted["seed"]) as place,
    ):
        place.kill(wanted["kills"])
        place.settle()
        counts = place.count()
        print(*told(counts), sep="\n")
    assert counts.wrong == []
    assert counts.figures["kills"] == wanted["kills"]
    assert counts.figures["mails"] > 0
    assert counts.figures["charges"] > 0


def test_a_job_of_a_dead_worker_gives_way_though_another_waits_for_the_same_company(tmp_path):
    done, several = set(), Event()

    def hand(job: Job) -> None:
        done.add(job.company)
        if len(done) == 2:
            several.set()

    with migrated_database("postgresql", tmp_path) as long_url:
        url = "postgresql" + long_url[long_url.index(":") :]
        asking = SharedQueue(url, 0, hand)
        for company in ("acme", "other"):
            asking.put(Job(company, JobKind.RUN))
        with psycopg.connect(url) as conn:
            conn.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        asking.put(Job("acme", JobKind.RUN))
        asking.close(PATIENCE)
        working = SharedQueue(url, 2, hand)
        assert several.wait(PATIENCE), f"only {done} of two"
        assert working.close(PATIENCE)
        with psycopg.connect(url) as conn:
            assert conn.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)
