"""Dated whole runs about money that is taken off again, and money that came in elsewhere: once, and seen in the books."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from babel.dates import format_date
from puntual.core.port import Capability
from puntual.core.receivables import EarlyDiscount, Invoice
from puntual.core.worker.payments_told import payment_told
from runs.charging_house import ONE_REMINDER, TWO_NOTICES, House, flat, plain
from runs.charging_stories import AGREED, FEE, late, lost, name_of
from stripe_stand_in import KEY, StripeStandIn
from suite.sample import an_invoice, eur

MONEY_STORIES: list[Callable[[House], None]] = []
WEBHOOK_SECRET = "whsec_of_the_story"
OFFER = f"{{key: offer, days: -22, notice: before_due}}, {ONE_REMINDER}"


def story(tell: Callable[[House], None]) -> Callable[[House], None]:
    """One of the book."""
    MONEY_STORIES.append(tell)
    return tell


def credited(house: House, *documents: str) -> list[str]:
    """What our credit notes take off these documents; each is used in full."""
    seen = [one for document in documents for one in house.harness.credits(document)]
    assert [one.used for one in seen] == [one.total for one in seen]
    return sorted(f"{one.total.amount:.2f}" for one in seen)


def documents_of(house: House, key: str) -> list[str]:
    """Where the charges on an invoice stand."""
    return sorted({seen.document_id for seen in house.charges(key)})


# --- charges that are taken back --------------------------------------------------------------------------------------------------


@story
def a_charge_in_the_books_that_is_waived_is_taken_back_there_by_the_next_run(house: House) -> None:
    house.policy(late(FEE, AGREED))
    house.owe(("a", "ana", "1000.00", -1))
    house.run_each(0, 10)
    documents = documents_of(house, "a")
    assert house.still_owed("a", *documents) == "1018.29"
    house.puntual("waive", "acme", name_of(house, "fee", "a"), "--reason", "a good customer")
    house.run_each(11, 13)
    assert house.still_owed("a", *documents) == "1003.29"
    assert "15.00 EUR of it taken back: waived: a good customer" in plain(house.puntual("charges", "acme"))
    house.run_each(14, 20)
    assert house.still_owed("a", *documents_of(house, "a")) == "1006.58", "interest goes on, the fee is over"
    assert [amount for amount, _ in house.charged("a")].count("15.00") <= 1
    assert credited(house, *documents) in ([], ["15.00"]), "made void, or credited"


@story
def a_line_that_is_waived_is_credited_on_the_invoice_once(house: House) -> None:
    house.policy(late(FEE, placement="line"))
    house.owe(("a", "ana", "1000.00", -1))
    house.run(0)
    documents = documents_of(house, "a")
    others = [one for one in documents if one != house.ids.invoices["a"]]
    house.puntual("waive", "acme", name_of(house, "fee", "a"), "--reason", "a good customer")
    house.run_each(1, 9)
    assert house.still_owed("a", *others) == "1000.00"
    assert credited(house, house.ids.invoices["a"]) == (["15.00"] if house.takes_lines else [])


@story
def a_payment_that_proves_to_have_been_on_time_takes_everything_back_by_itself(house: House) -> None:
    house.policy(late(FEE, AGREED), levels=TWO_NOTICES.replace("days: 1,", "days: 12,").replace("days: 15", "days: 26"))
    house.owe(("a", "ana", "1000.00", -1), ("b", "berta", "1000.00", -1))
    house.run_each(0, 10)
    documents = documents_of(house, "a")
    assert house.still_owed("a", *documents) == "1018.29"
    house.go_to(10, 12)
    house.pay("a", "1000.00", -2)
    house.run_each(11, 13)
    assert house.still_owed("a", *documents) == "0.00"
    house.run_each(14, 40)
    assert house.still_owed("a", *documents_of(house, "a")) == "0.00"
    assert (len(house.mails("ana")), len(house.mails("berta"))) == (0, 2)
    assert [amount for amount, _ in house.charged("b")] == ["15.00", "3.28", "3.29", "3.29", "3.29"], "together 13.15, as 40 days are"


@story
def lines_on_an_invoice_that_was_paid_on_time_are_credited_and_it_is_settled(house: House) -> None:
    house.policy(late(FEE, AGREED, placement="line"))
    house.owe(("a", "ana", "1000.00", -1))
    house.run_each(0, 10)
    others = [one for one in documents_of(house, "a") if one != house.ids.invoices["a"]]
    house.pay("a", "1000.00", -2)
    house.run_each(11, 16)
    assert house.still_owed("a", *others) == "0.00"
    assert credited(house, house.ids.invoices["a"]) == (["15.00", "3.29"] if house.takes_lines else [])


@story
def what_is_left_of_charges_is_written_off_when_the_invoice_is_paid(house: House) -> None:
    house.policy(late(FEE, more="after_payment: keep, write_off_below: {EUR: 20}"))
    house.owe(("a", "ana", "1000.00", -1), ("b", "berta", "1000.00", -1))
    house.run_each(0, 2)
    documents, kept = documents_of(house, "a"), documents_of(house, "b")
    house.pay("a", "1000.00", 3)
    house.run_each(3, 9)
    assert (house.still_owed("a", *documents), house.still_owed("b", *kept)) == ("0.00", "1015.00")


@story
def a_lost_answer_to_a_credit_takes_the_charge_back_once(house: House) -> None:
    house.owe(("line", "ana", "1000.00", -1), ("own", "berta", "1000.00", -1))
    house.policy(late(FEE, placement="line"))
    house.pay("own", "1.00", -1)
    house.run(0)
    charged = {key: [one for one in documents_of(house, key) if one != house.ids.invoices[key]] for key in ("line", "own")}
    for key in ("line", "own"):
        house.puntual("waive", "acme", name_of(house, "fee", key), "--reason", "a good customer")
    for number in range(1, 5):
        lost(house, number)
    house.run_each(5, 7)
    assert house.still_owed("line", *charged["line"]) == "1000.00"
    assert house.still_owed("own", *charged["own"]) == "999.00"
    assert credited(house, house.ids.invoices["line"]) == (["15.00"] if house.takes_lines else [])


@story
def a_taxed_charge_bears_the_tax_of_the_settings_and_loses_it_again(house: House) -> None:
    house.policy(late(FEE, tax="follows_supply"))
    house.owe(("a", "ana", "1000.00", -1))
    house.run(0)
    (seen,) = house.charges("a")
    assert (str(seen.amount), seen.tax.is_positive) == ("15.00 EUR", True)
    assert house.still_owed("a", seen.document_id) == f"{1015 + seen.tax.amount:.2f}"
    house.puntual("waive", "acme", name_of(house, "fee", "a"), "--reason", "a good customer")
    house.run_each(1, 5)
    assert house.still_owed("a", seen.document_id) == "1000.00"


@story
def what_the_customer_paid_of_a_charge_is_for_a_person_to_pay_back(house: House) -> None:
    house.policy(late(FEE))
    house.owe(("a", "ana", "1000.00", -1))
    house.run(0)
    (document,) = documents_of(house, "a")
    house.pay(document, "15.00", 1)
    house.run(1)
    house.puntual("waive", "acme", name_of(house, "fee", "a"), "--reason", "a good customer")
    house.run(2, code=None)
    house.run_each(3, 5)
    assert credited(house, document) == []
    assert "15.00 EUR" in house.puntual("status", "acme")
    assert house.number("a") in house.puntual("status", "acme")


# --- the discount for paying early ------------------------------------------------------------------------------------------------


def _discounted(house: House, key: str, who: str, *, by_terms: bool) -> tuple[str, Invoice]:
    """1000.00 due on day 25, issued on day -5; 2 % off until day 5."""
    terms = EarlyDiscount(house.day(5), eur("20.00")) if by_terms else None
    return who, replace(an_invoice(key, "1000.00", customer=who, due=house.day(25)), early_discount=terms)


def _tells_the_discount(house: House, *, by_terms: bool) -> None:
    policy = "" if by_terms else "early_payment_discount: {percent: 2, days: 10}"
    house.owe_all([_discounted(house, key, who, by_terms=by_terms) for key, who in (("a", "ana"), ("b", "berta"))])
    house.policy(policy, levels=OFFER)
    house.run_each(3, 4)
    (offer,) = house.mails("ana")
    assert f"Si paga como muy tarde el {_spoken(house.day(5))}, puede descontar 20,00 € y pagar 980,00 €" in flat(offer)
    house.pay("a", "980.00", 5)
    house.run_each(6, 8)
    assert credited(house, house.ids.invoices["a"]) == ["20.00"]
    assert house.still_owed("a") == "0.00"
    house.pay("b", "980.00", 15)
    house.run_each(15, 17)
    for number in range(20, 60, 3):
        house.run(number)
    assert (credited(house, house.ids.invoices["a"]), credited(house, house.ids.invoices["b"])) == (["20.00"], [])
    assert (house.still_owed("a"), house.still_owed("b")) == ("0.00", "20.00")
    assert (len(house.mails("ana")), len(house.mails("berta"))) == (1, 2)
    assert "20,00 €" in flat(house.mails("berta")[-1])


def _spoken(day: date) -> str:
    return str(format_date(day, "d 'de' MMMM", locale="es"))


@story
def the_policys_discount_is_offered_and_credited_once_to_who_paid_in_time(house: House) -> None:
    _tells_the_discount(house, by_terms=False)


@story
def the_discount_of_the_ledgers_own_terms_is_offered_and_credited_once(house: House) -> None:
    house.policy("")
    if house.can(Capability.EARLY_DISCOUNTS):
        _tells_the_discount(house, by_terms=True)
    else:
        assert house.kind in ("xero", "files"), "Xero's terms say a due date only"


@story
def a_lost_answer_to_a_discount_credits_it_once(house: House) -> None:
    house.owe_all([_discounted(house, "a", "ana", by_terms=False)])
    house.policy("early_payment_discount: {percent: 2, days: 10}")
    house.pay("a", "980.00", 4)
    for number in range(4, 8):
        lost(house, number)
    house.run_each(8, 10)
    assert credited(house, house.ids.invoices["a"]) == ["20.00"]
    assert house.still_owed("a") == "0.00"


# --- money that came in at a provider ---------------------------------------------------------------------------------------------


@story
def a_payment_that_stripe_tells_of_is_recorded_once_and_the_invoice_is_not_chased(house: House) -> None:
    house.owe(("a", "ana", "1000.00", -1), ("b", "berta", "500.00", -1))
    house.policy(_links(house), levels=TWO_NOTICES)
    with_stripe = StripeStandIn(lambda: house.at)
    try:
        house.desk.stripe_url = with_stripe.url
        house.run(0)
        assert "buy.stripe.com" in flat(house.mails("ana")[0])
        house.go_to(1, 9)
        _told(house, with_stripe, "a", 100_000)
        _told(house, with_stripe, "a", 100_000, event="evt_again")
        lost(house, 1)
        lost(house, 2)
        house.run_each(3, 20)
        assert with_stripe.mistakes == []
    finally:
        with_stripe.close()
    seen = house.harness.recorded_payments(house.ids.invoices["a"])
    assert [(f"{one.amount.amount:.2f}", f"{one.used.amount:.2f}", one.paid_on) for one in seen] == [("1000.00", "1000.00", house.day(1))]
    assert "pi_a" in seen[0].text
    assert (house.still_owed("a"), house.still_owed("b")) == ("0.00", "500.00")
    assert (len(house.mails("ana")), len(house.mails("berta"))) == (1, 2)


def _links(house: House) -> str:
    for name, value in (("PUNTUAL_RUN_STRIPE", KEY), ("PUNTUAL_RUN_WEBHOOK", WEBHOOK_SECRET)):
        house.set_secret(name, value)
    return "payment_links: [{provider: stripe, secret_key: '${PUNTUAL_RUN_STRIPE}', webhook_secret: '${PUNTUAL_RUN_WEBHOOK}'}]"


def _told(house: House, stripe: StripeStandIn, key: str, cents: int, event: str = "evt_1") -> None:
    """Stripe delivers what the customer paid through the link of the invoice, with the link's own metadata, signed."""
    ours = next(link for link in stripe.links.values() if link["metadata"]["puntual_invoice"] == house.ids.invoices[key])
    at = int(house.at.timestamp())
    session = {"id": f"cs_{key}", "payment_status": "paid", "payment_intent": f"pi_{key}", "payment_link": ours["id"], "currency": "eur"}
    session |= {"amount_total": cents, "metadata": ours["metadata"]}
    what = {"id": event, "type": "checkout.session.completed", "created": at, "livemode": True, "data": {"object": session}}
    body = json.dumps(what).encode()
    signed = hmac.new(WEBHOOK_SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert payment_told(house.desk, body, f"t={at},v1={signed}")
