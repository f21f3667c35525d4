"""What Xero refuses, and how often it may be asked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from harness import Fault
from puntual.connectors.xero.settings import XeroSettings
from puntual.core.access import Purpose, Quota
from puntual.core.bookings import Note
from puntual.core.errors import (
    PermissionMissing,
    QuotaUsedUp,
    RateLimited,
    UnexpectedResponse,
)
from xero.xero_books import owing
from xero.xero_harness import XeroHarness


@pytest.fixture
def harness() -> Iterator[XeroHarness]:
    made = XeroHarness()
    yield made
    made.close()


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("missing", ["accounting.payments.read", "accounting.contacts.read", "accounting.settings.read"])
def test_a_scope_that_was_not_given_is_named(harness: XeroHarness, status: int, missing: str) -> None:
    harness.books.behaviour.scope_status = status
    scopes = "offline_access accounting.invoices accounting.payments.read accounting.contacts.read accounting.settings.read"
    harness.connect(scope=scopes.replace(missing, "").strip())
    with pytest.raises(PermissionMissing, match=missing):
        harness.new().check()
    assert harness.vault.renewals == 0


def test_reading_rights_alone_are_not_enough(harness: XeroHarness) -> None:
    read = "offline_access accounting.invoices.read accounting.payments.read accounting.contacts.read accounting.settings.read"
    harness.connect(scope=read)
    with pytest.raises(PermissionMissing, match="not write"):
        harness.new().check()


def test_a_disconnected_organisation_is_a_clear_error(harness: XeroHarness) -> None:
    connector = harness.new()
    harness.server.authority.connections.clear()
    with pytest.raises(PermissionMissing, match="disconnected"):
        connector.check()


class _Meter:
    """Calls by purpose, and what Xero says is left."""

    def __init__(self) -> None:
        self.spent: list[Purpose] = []
        self.left: list[int] = []
        self.quota: Quota | None = None

    def spend(self, quota: Quota, purpose: Purpose) -> None:
        self.quota = quota
        self.spent.append(purpose)

    def note_remaining(self, quota: Quota, remaining: int) -> None:
        self.left.append(remaining)


def _metered(harness: XeroHarness) -> tuple[Any, _Meter]:
    meter = _Meter()
    surroundings = replace(harness.surroundings(), meter=meter)
    connector = harness.connector(surroundings)
    harness.opened.append(connector)
    return connector, meter


def test_every_call_is_counted_for_what_it_is_for(harness: XeroHarness) -> None:
    invoice = owing(harness)
    connector, meter = _metered(harness)
    before = harness.calls()
    connector.check()
    connector.recheck([invoice])
    connector.put_notes([Note("PUNTUAL-1", invoice, "", "[PUNTUAL-1]", harness.today)])
    assert len(meter.spent) == harness.calls() - before
    assert meter.spent == [Purpose.READING] * 6 + [Purpose.RECHECK] * 4 + [Purpose.WRITING] * 2
    assert meter.quota is not None
    assert (meter.quota.limit, meter.quota.reserve, meter.quota.shared_by) == (1000, 100, "")
    assert meter.left[-1] == 1000 - len(meter.spent)


def test_the_minutes_limit_is_sat_out_once(harness: XeroHarness) -> None:
    connector, naps = harness.new(), list[float]()
    harness.server.quotas[harness.books.tenant_id].minute = 2

    def nap(seconds: float) -> None:
        naps.append(seconds)
        harness.at += timedelta(seconds=seconds)

    connector.transport._pause = nap
    connector.check()
    assert naps == [60, 60]


def test_the_days_limit_is_told_and_remembered(harness: XeroHarness) -> None:
    connector, meter = _metered(harness)
    harness.break_wire(Fault.RATE_LIMITED)
    with pytest.raises(QuotaUsedUp, match="24 hours") as raised:
        connector.check()
    assert (raised.value.retry_after, meter.left) == (1234, [0])


@pytest.mark.parametrize("problem", ["minute", "appminute"])
def test_another_limit_is_no_used_up_day(harness: XeroHarness, problem: str) -> None:
    connector = harness.new()
    harness.server.limit_problem = problem
    harness.break_wire(Fault.RATE_LIMITED)
    with pytest.raises(RateLimited) as raised:
        connector.check()
    assert not isinstance(raised.value, QuotaUsedUp)


def test_too_many_at_once_are_waited_for_a_moment(harness: XeroHarness) -> None:
    connector, naps = harness.new(), list[float]()
    connector.transport._pause = naps.append
    harness.server.limit_problem = "concurrent"
    harness.break_wire(Fault.RATE_LIMITED)
    with pytest.raises(RateLimited):
        connector.check()
    assert naps == [5]


def test_half_an_answer_about_pages_is_not_taken_for_all(harness: XeroHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    for _each in range(4):
        owing(harness)
    connector = harness.new()
    monkeypatch.setattr(
        "puntual.connectors.xero.wire._object", lambda answer: {k: v for k, v in answer.json().items() if k != "pagination"}
    )
    with pytest.raises(UnexpectedResponse, match="how many pages"):
        list(connector.changes(None))


def test_service_addresses_are_xeros_own_unless_another_is_named() -> None:
    settings = XeroSettings(client_id="x")
    assert [settings.api_url, settings.identity_url] == ["https://api.xero.com", "https://identity.xero.com"]
    assert settings.authorize_address == "https://login.xero.com/identity/connect/authorize"
    with pytest.raises(ValueError, match="https"):
        XeroSettings(client_id="x", service_url="http://books.example.com")
