"""What only the operator's network reaches: whether the process lives, whether it is of use, and what it counts."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import requests
from puntual.core.errors import LedgerUnavailable
from puntual.core.web.app import monitoring_app
from puntual.core.web.readiness import QUIET_AT_MOST, beats, database_is_ready
from puntual.core.web.server import monitoring_server
from sqlalchemy import create_engine
from web.web_host import NOW

BOTH = pytest.mark.parametrize("host", ["sqlite", "postgresql"], indirect=True)


def asked(app, path):
    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.5:9464") as client:
            return await client.get(path)

    answer = asyncio.run(ask())
    return answer.status_code, answer.text


def test_it_lives_whatever_is_the_matter():
    assert asked(monitoring_app([lambda: "all is wrong"]), "/health/live") == (200, "ok")


def test_it_is_ready_when_everything_is():
    assert asked(monitoring_app([]), "/health/ready") == (200, "ok")
    assert asked(monitoring_app([lambda: "", lambda: "one", lambda: "two"]), "/health/ready") == (503, "one\ntwo")

    def broken():
        raise LedgerUnavailable("no answer")

    assert asked(monitoring_app([broken]), "/health/ready")[0] == 503


def test_metrics_are_what_is_rendered_or_nothing():
    assert asked(monitoring_app([], lambda: b"puntual_runs 3\n"), "/metrics") == (200, "puntual_runs 3\n")
    assert asked(monitoring_app([]), "/metrics") == (404, "no metrics here")


@BOTH
def test_the_database_is_ready_with_the_tables_of_this_version(host):
    assert database_is_ready(host.engine) == ""
    with host.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert "the tables of revision 0001, not 00" in database_is_ready(host.engine)
    with host.engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM alembic_version")
    assert "revision none" in database_is_ready(host.engine)


def test_a_database_that_is_away_is_said_without_its_password():
    said = database_is_ready(create_engine("postgresql+psycopg://someone:s3cret@127.0.0.1:1/nowhere"))
    assert ("not reachable" in said, "s3cret" in said) == (True, False)


def test_a_worker_whose_clock_stands_still_is_not_ready(host):
    last = [None]
    assert beats(host.clock, lambda: last[0]) == "the worker has not begun yet"
    last[0] = NOW
    host.clock.at = NOW + QUIET_AT_MOST
    assert beats(host.clock, lambda: last[0]) == ""
    host.clock.at += timedelta(seconds=1)
    assert beats(host.clock, lambda: last[0]) == "the clock of the worker has not beaten for 181 s"


def test_it_listens_by_itself(host):
    server = monitoring_server(host.place, "127.0.0.1:0", metrics=lambda: b"x 1\n")
    server.start()
    at = f"http://127.0.0.1:{server.port}"
    said = [requests.get(f"{at}{path}", timeout=30).text for path in ("/health/live", "/health/ready", "/metrics")]
    assert (said, server.stop()) == (["ok", "ok", "x 1\n"], True)
    away = monitoring_server(replace(host.place, engine=create_engine("postgresql+psycopg://127.0.0.1:1/x")), "127.0.0.1:0")
    away.start()
    assert requests.get(f"http://127.0.0.1:{away.port}/health/ready", timeout=30).status_code == 503
    assert away.stop()
