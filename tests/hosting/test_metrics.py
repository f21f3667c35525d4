"""The numbers for Prometheus: counted where they happen, read where they stand, and named in the rules and the docs as they are."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hosting.street import Street
from hosting.watched import Watched
from prometheus_client.parser import text_string_to_metric_families
from puntual.core.access import Purpose, Quota, QuotaPeriod
from puntual.core.errors import AuthorizationExpired
from puntual.core.history.database import writing
from puntual.core.history.quotas import count_call
from puntual.core.hosting import metrics as measured
from puntual.core.hosting.metrics import FRESH, Metrics
from puntual.core.hosting.shared_queue import QueueUnreachable
from sqlalchemy.exc import OperationalError

DOCS = Path(__file__).parents[2] / "docs"
QUOTA = Quota("calls a day to Xero", 5, QuotaPeriod.DAY, reserve=0)
SHARED = Quota("reads a month from QuickBooks Online", 100, QuotaPeriod.MONTH, reserve=0, shared_by="an-app")


@pytest.fixture
def metrics(street: Street) -> Metrics:
    """Two companies that have run once; `bad` met trouble since."""
    street.company("good", a1=("2026-11-18", "100.00"), a2=("2026-11-18", "20.50"))
    street.company("bad", b1=("2026-11-18", "70.00"))
    made = Metrics(street.roster, lambda: 7)
    street.working.heard = made.heard
    street.host.look_around()
    watched = Watched(street)
    watched.go(hours=4)
    street.trouble["bad"] = AuthorizationExpired("x")
    watched.go(hours=2)
    return made


class Samples(dict[tuple[str, ...], float]):
    """Every number by its name and the values of its labels, whatever their order."""

    def __getitem__(self, key: tuple[str, ...]) -> float:
        return super().__getitem__((key[0], *sorted(key[1:])))


def samples(metrics: Metrics) -> Samples:
    families = text_string_to_metric_families(metrics.render().decode())
    return Samples({(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples})


@pytest.mark.parametrize("street", ["sqlite", "postgresql"], indirect=True)
def test_what_happened_and_how_it_stands_is_told(street, metrics):
    with writing(street.engine) as conn:
        for quota in (QUOTA, QUOTA, QUOTA, QUOTA, QUOTA, SHARED):
            assert count_call(conn, "good", quota, Purpose.READING, street.clock.now())
    street.clock.at += FRESH
    found, now = samples(metrics), street.clock.now()
    assert found["puntual_jobs_total", "run", "well"] == 2
    assert found["puntual_jobs_total", "sync", "person"] == found["puntual_company_failures", "bad"] == 2
    assert found["puntual_mails_total", "sent"] == 3
    assert found["puntual_job_seconds_count", "run"] == 2
    assert (found["puntual_companies",], found["puntual_queue_depth",], found["puntual_workers",]) == (2, 7, 1)
    assert found["puntual_alerts", "urgent", "trouble"] == 1
    assert found["puntual_company_trouble", "bad", "person"] == 1
    assert [key for key in found if key[0] == "puntual_company_trouble"] == [("puntual_company_trouble", "bad", "person")]
    assert found["puntual_company_open_items", "good"] == found["puntual_company_overdue_items", "good"] == 2
    assert found["puntual_overdue_amount", "EUR"] == 190
    assert now - timedelta(hours=7) < street.state("good").ran_ok_at
    assert found["puntual_company_last_run_timestamp_seconds", "good"] == int(street.state("good").ran_ok_at.timestamp())
    assert found["puntual_ledger_calls", "calls a day to Xero"] == 5
    assert found["puntual_quotas_nearly_used", "calls a day to Xero"] == 1
    assert found["puntual_quotas_nearly_used", "reads a month from QuickBooks Online"] == 0


def test_nothing_of_customers_and_of_apps_gets_out(street, metrics):
    with writing(street.engine) as conn:
        count_call(conn, "good", SHARED, Purpose.READING, street.clock.now())
    told = metrics.render().decode()
    assert not re.search(r"an-app|S\.L\.|a1|@|b1", told)


def test_the_database_is_asked_once_a_minute(street, metrics, monkeypatch):
    asked, real = [], measured.survey
    monkeypatch.setattr(measured, "survey", lambda roster: asked.append(1) or real(roster))
    for _ in range(3):
        metrics.render()
    street.clock.at += FRESH
    metrics.render()
    assert len(asked) == 2


def test_without_the_database_what_was_known_is_told_and_since_when(street, metrics, monkeypatch):
    before = samples(metrics)

    def unreachable(_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(measured, "survey", unreachable)
    street.clock.at += timedelta(hours=2)
    after = samples(metrics)
    assert after["puntual_companies",] == before["puntual_companies",]
    assert after["puntual_read_timestamp_seconds",] == before["puntual_read_timestamp_seconds",]


def test_a_queue_that_cannot_be_asked_is_left_out(street):
    def unreachable() -> int:
        raise QueueUnreachable("gone")

    assert ("puntual_queue_depth",) not in samples(Metrics(street.roster, unreachable))


def names_of(metrics: Metrics) -> set[str]:
    return {line.split(" ")[2] for line in metrics.render().decode().splitlines() if line.startswith("# TYPE puntual_")}


def test_the_rules_are_rules_about_numbers_that_there_are(metrics):
    known = names_of(metrics) | {name.removesuffix("_total") + "_total" for name in names_of(metrics)}
    (group,) = yaml.safe_load((DOCS / "monitoring" / "puntual.rules.yml").read_text(encoding="utf-8"))["groups"]
    assert len(group["rules"]) == len({rule["alert"] for rule in group["rules"]}) == 9
    for rule in group["rules"]:
        assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
        used = set(re.findall(r"puntual_\w+", rule["expr"]))
        assert used
        assert used <= known, rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_number_is_explained(metrics):
    page = (DOCS / "alerts.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `(puntual_\w+)", page, re.MULTILINE))
    told = {name for name in names_of(metrics) if not name.endswith("_created")}
    assert explained == told
