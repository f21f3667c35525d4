"""What Stripe tells by itself of payments: taken when it is genuine, put on the work list once, and not chased meanwhile."""

import hashlib
import hmac
import json

import pytest
from history.sample_books import COMPANY, TODAY
from puntual.core.history.database import reading
from puntual.core.history.holds import active_holds
from puntual.core.history.work import waiting_work
from puntual.core.secret import Secret
from puntual.core.worker.desk import Desk
from puntual.core.worker.payments_told import payment_told
from worker.office import DAY
from worker.shop import STRIPE


def told(amount: int = 10000, **changes: object) -> bytes:
    ours = {"puntual_company": COMPANY, "puntual_invoice": "i1", "puntual_item": "i1/1", "puntual_amount": "100.00 EUR"}
    session = {"id": "cs_1", "payment_status": "paid", "payment_intent": "pi_1", "payment_link": "plink_1", "currency": "eur"}
    session |= {"amount_total": amount, "metadata": ours}
    event = {"id": "evt_1", "type": "checkout.session.completed", "created": 1778666400, "livemode": True, "data": {"object": session}}
    return json.dumps(event | changes).encode()


def signed(desk: Desk, body: bytes, secret: str = "whsec") -> str:
    at = int(desk.now().timestamp())
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def telling(shop, office):
    at = shop(STRIPE.model_copy(update={"webhook_secret": Secret("whsec")}))
    office.books.owe("i1")
    at.run()
    office.at(TODAY)
    return at.desk()


def test_a_payment_that_stripe_tells_of_goes_on_the_work_list_once(shop, office):
    desk = telling(shop, office)
    again = told(id="evt_2", type="checkout.session.async_payment_succeeded")
    assert [payment_told(desk, body, signed(desk, body)) for body in (told(), told(), again)] == [True] * 3
    with reading(office.engine) as conn:
        (work,) = waiting_work(conn, COMPANY)
        (held,) = active_holds(conn, COMPANY)
    assert (work.summary, work.invoice_ids) == ("Record in the books: Stripe received 100.00 EUR for invoice F-i1 on 2026-05-13", ("i1",))
    assert (held.invoice_id, held.until, held.by) == ("i1", TODAY + 14 * DAY, "stripe")
    assert office.run(TODAY + 7 * DAY).acted.count("sent") == 0
    assert "payment_told" in office.audited()


@pytest.mark.parametrize("body", [told(), b"nonsense"])
def test_what_is_not_signed_with_the_policys_secret_is_not_taken(shop, office, body):
    desk = telling(shop, office)
    assert not payment_told(desk, body, signed(desk, body, "another"))
    desk.policy = desk.policy.model_copy(update={"payment_links": (STRIPE,)})
    assert not payment_told(desk, body, signed(desk, body, ""))
    assert office.to_do() == []


@pytest.mark.parametrize(
    ("body", "listed"),
    [
        (told(livemode=False), "Stripe's test mode says 100.00 EUR for invoice F-i1 on 2026-05-13; no money came"),
        (told(-5), "Stripe reported a payment that is not understood (evt_1)."),
        (told().replace(b'"i1"', b'"i9"'), "Record in the books: Stripe received 100.00 EUR for invoice i9 on 2026-05-13"),
        (told().replace(b'"acme"', b'"another"'), None),
        (told(type="checkout.session.expired"), None),
    ],
)
def test_what_is_no_payment_of_a_known_invoice_holds_nothing(shop, office, body, listed):
    desk = telling(shop, office)
    assert payment_told(desk, body, signed(desk, body))
    with reading(office.engine) as conn:
        assert [work.summary for work in waiting_work(conn, COMPANY)] == ([listed] if listed else [])
        assert active_holds(conn, COMPANY) == []
