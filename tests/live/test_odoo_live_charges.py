"""Late charges on a real Odoo server, in the ways that the shared suite does not go."""

from collections.abc import Iterator
from typing import Any

import pytest
from harness import Books, SeededIds
from live.odoo_live_harness import LiveHarness, missing_variables
from puntual.core.bookings import ChargeMade, LateCharge
from puntual.core.errors import LedgerUnavailable, RejectedByLedger
from suite.sample import a_charge, a_customer, an_invoice, eur, listen, one_invoice

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(missing_variables()), reason=f"not set: {', '.join(missing_variables())}"),
]


@pytest.fixture
def harness() -> Iterator[LiveHarness]:
    made = LiveHarness()
    yield made
    made.close()


def _put(harness: LiveHarness, charge: LateCharge, **settings: Any) -> tuple[ChargeMade, dict[str, Any]]:
    made = harness.new(**settings).put_charges([charge])[charge.marker]
    assert isinstance(made, ChargeMade), made
    fields = (
        "name",
        "state",
        "ref",
        "payment_reference",
        "invoice_date_due",
        "invoice_payment_term_id",
        "debit_origin_id",
        "amount_untaxed",
    )
    (row,) = harness.ask.find("account.move", [["id", "=", int(made.document_id)]], *fields)
    return made, row


def _with_terms(harness: LiveHarness, ids: SeededIds) -> None:
    """The customer has thirty days, or whatever the first of the payment terms gives."""
    (term, *_others) = harness.ask.find("account.payment.term", [], "name")
    harness.ask("res.partner", "write", [int(ids.customers["c1"])], {"property_payment_term_id": term["id"]})


def test_the_due_day_is_kept_whatever_the_customers_terms_are(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    _with_terms(harness, ids)
    charge = a_charge(ids, harness)
    made, row = _put(harness, charge)
    assert (row["state"], row["invoice_date_due"], row["invoice_payment_term_id"]) == ("posted", str(charge.due_on), False)
    assert row["ref"] == f"[{charge.marker}]"
    assert charge.marker not in row["payment_reference"]
    assert charge.invoice_number not in row["payment_reference"]
    assert listen(harness).owed(made.document_id) == charge.amount


def test_thousandths_are_exact(harness: LiveHarness) -> None:
    due = harness.today
    ids = harness.seed(Books((a_customer(),), (an_invoice("i1", "100", currency="KWD", due=due),)))
    made, _row = _put(harness, a_charge(ids, harness, amount=eur("12.345", "KWD")))
    assert made.amount == eur("12.345", "KWD")
    assert listen(harness).owed(made.document_id) == eur("12.345", "KWD")


def test_a_debit_note_names_its_invoice(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    made, row = _put(harness, a_charge(ids, harness), charge_document="debit_note")
    assert row["debit_origin_id"][0] == int(ids.invoices["i1"])
    assert listen(harness).invoices[made.document_id].is_late_charge


def test_a_named_tax_is_added(harness: LiveHarness) -> None:
    (tax, *_others) = harness.ask.find("account.tax", [["type_tax_use", "=", "sale"], ["amount", "=", 21]], "name")
    ids = harness.seed(one_invoice(harness))
    made, row = _put(harness, a_charge(ids, harness, is_taxed=True), charge_tax=str(tax["id"]))
    assert (made.amount, row["amount_untaxed"]) == (eur("8.77"), 7.25)


def test_a_draft_waits_for_a_person(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness)
    made, row = _put(harness, charge, charge_as_draft=True)
    assert (row["state"], made.number) == ("draft", f"(* {made.document_id})")
    assert _put(harness, charge, charge_as_draft=True)[0] == made
    assert listen(harness).owed(made.document_id) is None
    harness.ask("account.move", "action_post", [int(made.document_id)])
    assert listen(harness).owed(made.document_id) == charge.amount


def test_a_lost_answer_about_the_posting_is_harmless(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge, connector = a_charge(ids, harness), harness.new()
    execute = connector._reader.wire.execute

    def losing(model: str, method: str, *positional: Any, **named: Any) -> Any:
        answer = execute(model, method, *positional, **named)
        if method == "action_post":
            raise LedgerUnavailable("lost")
        return answer

    connector._reader.wire.execute = losing  # type: ignore[method-assign]
    with pytest.raises(LedgerUnavailable):
        connector.put_charges([charge])
    _made, row = _put(harness, charge)
    assert row["state"] == "posted"
    assert len(harness.charges(charge.invoice_id)) == 1


def test_what_a_person_reset_to_draft_stays_a_draft(harness: LiveHarness) -> None:
    ids = harness.seed(one_invoice(harness))
    charge = a_charge(ids, harness)
    made, _row = _put(harness, charge)
    harness.ask("account.move", "button_draft", [int(made.document_id)])
    again, row = _put(harness, charge)
    assert (again.document_id, row["state"]) == (made.document_id, "draft")


def test_a_tax_within_the_price_is_refused_and_leaves_nothing(harness: LiveHarness) -> None:
    field = "price_include_override" if harness.ask.version["server_version_info"][0] >= 18 else "price_include"
    included: Any = "tax_included" if field.endswith("override") else True
    (group, *_others) = harness.ask.find("account.tax.group", [], "id")
    values = {"name": "Incluido", "amount": 21, "type_tax_use": "sale", "tax_group_id": group["id"], field: included}
    tax = harness.ask("account.tax", "create", values)
    try:
        ids = harness.seed(one_invoice(harness))
        charge = a_charge(ids, harness, is_taxed=True)
        refused = harness.new(charge_tax="Incluido").put_charges([charge])[charge.marker]
        assert isinstance(refused, RejectedByLedger)
        assert "5.99 EUR of a late charge of 7.25 EUR" in refused.detail
        assert list(harness.charges(charge.invoice_id)) == []
    finally:
        harness.ask("account.tax", "unlink", [tax])


def test_a_late_fee_is_known_by_its_product(harness: LiveHarness) -> None:
    product = harness.ask("product.product", "create", {"name": "Recargo por mora", "type": "service"})
    try:
        ids = harness.seed(one_invoice(harness))
        invoice = int(ids.invoices["i1"])
        line = {"product_id": product, "name": "Abril", "quantity": 1, "price_unit": 5, "tax_ids": [(6, 0, [])]}
        harness.ask("account.move", "button_draft", [invoice])
        harness.ask("account.move", "write", [invoice], {"invoice_line_ids": [(0, 0, line)]})
        harness.ask("account.move", "action_post", [invoice])
        assert harness.new().recheck([str(invoice)]).invoices[0].ledger_late_fee == "Recargo por mora"
    finally:
        harness.ask("product.product", "write", [product], {"active": False})
