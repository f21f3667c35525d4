"""Manners: a connector says what it can do, does that and nothing else, and asks no more of the ledger than it states."""

from collections.abc import Callable

import pytest
from harness import Harness
from puntual.core.bookings import ExpectedPayment
from puntual.core.errors import UnsupportedFeature
from puntual.core.port import Capability
from suite.rules import quality, rule
from suite.sample import Listener, a_charge, a_credit, a_note, listen, many_invoices, money_in, one_invoice


def _calls(harness: Harness, use: Callable[[], object]) -> int:
    before = harness.calls()
    use()
    return harness.calls() - before


def _stated(harness: Harness) -> dict[str, int]:
    calls: dict[str, int] = quality(harness.quality or harness.new().name)["calls"]
    return calls


@rule()
def it_says_whose_books_these_are(harness: Harness) -> None:
    harness.seed(one_invoice(harness))
    company = harness.new().check()
    assert company.id
    assert company.name


@rule()
def what_is_not_declared_is_refused(harness: Harness) -> None:
    connector = harness.new()
    uses: dict[Capability, Callable[[], object]] = {
        Capability.NOTES: lambda: connector.put_notes([]),
        Capability.TASKS: lambda: connector.put_tasks([]),
        Capability.INVOICE_PDF: lambda: connector.invoice_pdf("1"),
        Capability.PAYMENT_PAGE: lambda: connector.payment_pages([]),
        Capability.LATE_CHARGES: lambda: connector.put_charges([]),
        Capability.CREDITS: lambda: connector.put_credits([]),
        Capability.RECORDED_PAYMENTS: lambda: connector.put_payments([]),
        Capability.EXPECTED_PAYMENTS: lambda: connector.put_expected_payments([]),
    }
    for capability, use in uses.items():
        if capability not in connector.capabilities:
            with pytest.raises(UnsupportedFeature):
                use()


@rule()
def closing_is_harmless(harness: Harness) -> None:
    harness.seed(one_invoice(harness))
    connector = harness.new()
    connector.check()
    connector.close()
    connector.close()


@rule()
def a_look_at_quiet_books_costs_what_is_stated(harness: Harness) -> None:
    harness.seed(many_invoices(harness))
    stated = _stated(harness)
    heard = listen(harness)
    assert _calls(harness, lambda: harness.new().check()) <= stated["check"]
    assert _calls(harness, lambda: list(harness.new().changes(heard.cursor))) <= stated["quiet_sync"]


@rule()
def a_first_pass_costs_what_is_stated(harness: Harness) -> None:
    harness.seed(many_invoices(harness))
    stated, heard = _stated(harness), Listener()
    used = _calls(harness, lambda: heard.sync(harness.new()))
    assert used <= stated["pass"] + stated["pass_per_page"] * len(heard.pages)


@rule()
def a_recheck_costs_what_is_stated_whatever_the_batch(harness: Harness) -> None:
    ids = tuple(harness.seed(many_invoices(harness)).invoices.values())
    stated = _stated(harness)["recheck"]
    assert _calls(harness, lambda: harness.new().recheck(ids[:1])) <= stated
    assert _calls(harness, lambda: harness.new().recheck(ids)) <= stated


@rule()
def notes_cost_what_is_stated_whatever_the_batch(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    connector, stated = harness.new(), _stated(harness)
    if Capability.NOTES not in connector.capabilities:
        assert "notes" not in stated
        return
    notes = [a_note(ids, harness, f"PUNTUAL-{n:04d}", invoice=f"m{n}") for n in range(6)]
    assert _calls(harness, lambda: harness.new().put_notes(notes)) <= stated["notes"]
    assert _calls(harness, lambda: harness.new().put_notes(notes)) <= stated["notes_again"]


@rule()
def charges_cost_what_is_stated(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    connector, stated = harness.new(), _stated(harness)
    if Capability.LATE_CHARGES not in connector.capabilities:
        assert "charges" not in stated
        return
    charges = [a_charge(ids, harness, f"PUNTUAL-{n:04d}", invoice=f"m{n}", on_invoice=n % 2 == 0) for n in range(6)]
    assert _calls(harness, lambda: harness.new().put_charges(charges)) <= stated["charges"] + stated["charges_each"] * len(charges)
    assert _calls(harness, lambda: harness.new().put_charges(charges)) <= stated["charges_again"]


@rule()
def credits_cost_what_is_stated(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    connector, stated = harness.new(), _stated(harness)
    if Capability.CREDITS not in connector.capabilities:
        assert "credits" not in stated
        return
    credits_wanted = [a_credit(ids, harness, f"PUNTUAL-{n:04d}", invoice=f"m{n}", amount="0.50") for n in range(6)]
    assert _calls(harness, lambda: harness.new().put_credits(credits_wanted)) <= stated["credits"] + stated["credits_each"] * 6
    assert _calls(harness, lambda: harness.new().put_credits(credits_wanted)) <= stated["credits_again"]


@rule()
def recorded_payments_cost_what_is_stated(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    connector, stated = harness.new(), _stated(harness)
    if Capability.RECORDED_PAYMENTS not in connector.capabilities:
        assert "payments" not in stated
        return
    payments = [money_in(ids, harness, f"PUNTUAL-{n:04d}", invoice=f"m{n}", amount="0.50") for n in range(6)]
    assert _calls(harness, lambda: harness.new().put_payments(payments)) <= stated["payments"] + stated["payments_each"] * 6
    assert _calls(harness, lambda: harness.new().put_payments(payments)) <= stated["payments_again"]


@rule()
def expected_payments_cost_what_is_stated_whatever_the_batch(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    connector, stated = harness.new(), _stated(harness)
    if Capability.EXPECTED_PAYMENTS not in connector.capabilities:
        assert "expected" not in stated
        return
    expected = [ExpectedPayment(ids.invoices[f"m{n}"], harness.today) for n in range(6)]
    assert _calls(harness, lambda: harness.new().put_expected_payments(expected)) <= stated["expected"]
