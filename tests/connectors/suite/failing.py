"""Failing: whatever the wire does, the caller gets an error of core.errors that says who must act; and nothing is half-known."""

import logging
import traceback
from collections.abc import Callable

import pytest
from harness import RETRY_AFTER, Fault, Harness, SeededIds
from puntual.core.bookings import ExpectedPayment
from puntual.core.errors import (
    AuthorizationExpired,
    LedgerUnavailable,
    PermissionMissing,
    PuntualError,
    RateLimited,
    UnexpectedResponse,
)
from puntual.core.port import Capability, LedgerConnector
from suite.rules import rule
from suite.sample import Listener, a_charge, a_credit, a_note, a_task, eur, listen, money_in, one_invoice

Use = Callable[[LedgerConnector], object]


def _uses(harness: Harness, ids: SeededIds) -> dict[str, Use]:
    """Everything that core does with a ledger of these abilities."""
    invoice, able = ids.invoices["i1"], harness.new().capabilities
    uses: dict[str, Use] = {
        "check": lambda connector: connector.check(),
        "changes": lambda connector: list(connector.changes(None)),
        "recheck": lambda connector: connector.recheck([invoice]),
    }
    optional: dict[Capability, Use] = {
        Capability.NOTES: lambda connector: connector.put_notes([a_note(ids, harness)]),
        Capability.TASKS: lambda connector: connector.put_tasks([a_task(ids, harness)]),
        Capability.INVOICE_PDF: lambda connector: connector.invoice_pdf(invoice),
        Capability.PAYMENT_PAGE: lambda connector: connector.payment_pages([invoice]),
        Capability.LATE_CHARGES: lambda connector: connector.put_charges([a_charge(ids, harness)]),
        Capability.CREDITS: lambda connector: connector.put_credits([a_credit(ids, harness)]),
        Capability.RECORDED_PAYMENTS: lambda connector: connector.put_payments([money_in(ids, harness)]),
        Capability.EXPECTED_PAYMENTS: lambda connector: connector.put_expected_payments([ExpectedPayment(invoice, harness.today)]),
    }
    return uses | {capability.value: use for capability, use in optional.items() if capability in able}


def _each_use_fails(harness: Harness, fault: Fault, *expected: type[PuntualError]) -> list[PuntualError]:
    """Break the wire; every use, on a fresh connector and on one at work, gives one of these errors; mend it, and all is well."""
    ids = harness.seed(one_invoice(harness))
    errors = []
    for use in _uses(harness, ids).values():
        at_work = harness.new()
        at_work.check()
        for connector in (harness.new(), at_work):
            harness.break_wire(fault)
            with pytest.raises(expected) as raised:
                use(connector)
            errors.append(raised.value)
            harness.mend_wire()
    assert listen(harness).owed(ids.invoices["i1"]) == eur("100.00")
    assert all(error.detail or error.hint for error in errors)
    return errors


@rule(needs_wire=True)
def a_timeout(harness: Harness) -> None:
    _each_use_fails(harness, Fault.TIMEOUT, LedgerUnavailable)


@rule(needs_wire=True)
def a_reset_connection(harness: Harness) -> None:
    _each_use_fails(harness, Fault.RESET, LedgerUnavailable)


@rule(needs_wire=True)
def an_internal_error(harness: Harness) -> None:
    _each_use_fails(harness, Fault.INTERNAL_ERROR, LedgerUnavailable)


@rule(needs_wire=True)
def a_bad_gateway(harness: Harness) -> None:
    _each_use_fails(harness, Fault.BAD_GATEWAY, LedgerUnavailable)


@rule(needs_wire=True)
def an_unavailable_service(harness: Harness) -> None:
    _each_use_fails(harness, Fault.UNAVAILABLE, LedgerUnavailable)


@rule(needs_wire=True)
def html_in_place_of_json(harness: Harness) -> None:
    _each_use_fails(harness, Fault.HTML_FOR_JSON, LedgerUnavailable, UnexpectedResponse)


@rule(needs_wire=True)
def half_a_body(harness: Harness) -> None:
    _each_use_fails(harness, Fault.HALF_BODY, LedgerUnavailable, UnexpectedResponse)


@rule(needs_wire=True)
def a_rate_limit_says_how_long(harness: Harness) -> None:
    for error in _each_use_fails(harness, Fault.RATE_LIMITED, RateLimited):
        assert isinstance(error, RateLimited)
        assert error.retry_after == RETRY_AFTER


@rule(needs_wire=True)
def a_refused_key_is_a_clear_error(harness: Harness) -> None:
    _each_use_fails(harness, Fault.UNAUTHORIZED, AuthorizationExpired)


@rule(needs_wire=True)
def a_missing_right_is_a_clear_error(harness: Harness) -> None:
    _each_use_fails(harness, Fault.FORBIDDEN, PermissionMissing)


@rule(needs_wire=True)
def an_expired_session_is_opened_again(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    connector = harness.new()
    connector.check()
    harness.break_wire(Fault.UNAUTHORIZED_ONCE)
    assert Listener().sync(connector).owed(ids.invoices["i1"]) == eur("100.00")


@rule(needs_wire=True)
def a_failed_sync_keeps_its_place(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    heard = listen(harness)
    harness.pay(ids.invoices["i1"], eur("25.00"), harness.today)
    harness.break_wire(Fault.BAD_GATEWAY)
    with pytest.raises(LedgerUnavailable):
        heard.sync(harness.new())
    harness.mend_wire()
    assert heard.sync(harness.new()).owed(ids.invoices["i1"]) == eur("75.00")


class _Ear(logging.Handler):
    """Everything that is logged while it listens."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))

    def __enter__(self) -> "_Ear":
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self

    def __exit__(self, *_ended: object) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level)


def _seen_by_a_person(connector: LedgerConnector, use: Use) -> str:
    try:
        use(connector)
    except PuntualError as error:
        return "\n".join([repr(error), str(error), *traceback.format_exception(error)])
    return ""


@rule(needs_wire=True)
def secrets_are_never_seen(harness: Harness) -> None:
    assert harness.secrets()
    ids = harness.seed(one_invoice(harness))
    with _Ear() as ear:
        seen = []
        for fault in (None, *Fault):
            for use in _uses(harness, ids).values():
                connector = harness.new()
                if fault:
                    harness.break_wire(fault)
                seen.append(_seen_by_a_person(connector, use))
                seen.append(f"{connector!r} {connector.settings!r} {vars(connector)!r}")
                harness.mend_wire()
    text = "\n".join([*seen, *ear.heard])
    assert [place for place, secret in enumerate(harness.secrets()) if secret in text] == []
