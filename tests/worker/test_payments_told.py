"""What Stripe tells by itself: payments are recorded in the books once and not chased meanwhile; what goes back is for a person."""

import hashlib
import hmac
import json

import pytest
from history.sample_books import COMPANY, TODAY, item
from puntual.core.errors import LedgerUnavailable
from puntual.core.history.database import reading
from puntual.core.history.holds import active_holds
from puntual.core.history.told_payments import PaymentStatus, payments_with
from puntual.core.history.work import waiting_work
from puntual.core.port import Capability
from puntual.core.secret import Secret
from puntual.core.worker import people
from puntual.core.worker.desk import Desk
from puntual.core.worker.payments_told import payment_told
from worker.charge_office import run_on
from worker.office import DAY
from worker.shop import STRIPE

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)


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


def back(kind: str = "charge.refunded", amount: int = 10000, **changes: object) -> bytes:
    """A refund or a dispute of the payment."""
    sums = {"amount": 10000, "amount_refunded": amount} if kind == "charge.refunded" else {"amount": amount, "reason": "fraudulent"}
    ours = {"puntual_company": COMPANY, "puntual_invoice": "i1"} if kind == "charge.refunded" else {}
    taken = {"id": "ch_1", "payment_intent": "pi_1", "currency": "eur", "metadata": ours, **sums}
    event = {"id": "evt_9", "type": kind, "created": 1778752800, "livemode": True, "data": {"object": taken | changes}}
    return json.dumps(event).encode()


def tell(desk: Desk, *bodies: bytes) -> None:
    for body in bodies:
        assert payment_told(desk, body, signed(desk, body))


def held(office):
    with reading(office.engine) as conn:
        return [(one.kind.value, one.invoice_id, one.until, one.by) for one in active_holds(conn, COMPANY)]


def listed(office):
    with reading(office.engine) as conn:
        return [work.summary for work in waiting_work(conn, COMPANY)]


def told_of(office):
    with reading(office.engine) as conn:
        return [(one.payment_id, one.status.value) for one in payments_with(conn, COMPANY, *PaymentStatus)]


# --- recorded ---------------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_payment_that_stripe_tells_of_is_recorded_once_by_the_next_run_and_never_chased(shop, office):
    desk = telling(shop, office)
    tell(desk, told(), told(), told(id="evt_2", type="checkout.session.async_payment_succeeded"))
    assert (held(office), told_of(office), listed(office)) == (
        [("manual", "i1", TODAY + 14 * DAY, "stripe")], [("pi_1", "told")], []
    )  # fmt: skip
    report = run_on(office, TODAY + 7 * DAY)
    ((payment, _),) = office.books.received.values()
    assert (payment.invoice_number, str(payment.amount), payment.received_on, payment.reference) == ("F-i1", "100.00 EUR", TODAY, "pi_1")
    assert (report.exit_code, len(report.begun.received.recorded), report.plan.actions) == (0, 1, ())
    with reading(office.engine) as conn:
        assert item(conn, "i1/1").status == "paid", "the run that records it knows that it is paid"
    assert (held(office), told_of(office)) == ([], [("pi_1", "recorded")])
    tell(desk, told())
    run_on(office, TODAY + 8 * DAY)
    assert (len(office.books.received), office.audited().count("payment_recorded"), "payment_told" in office.audited()) == (1, 1, True)


def test_a_payment_of_a_part_leaves_the_rest_to_be_asked_for(shop, office):
    desk = telling(shop, office)
    tell(desk, told(6000))
    report = run_on(office, TODAY + 7 * DAY)
    assert ([str(action.totals[0]) for action in report.plan.actions], held(office)) == (["40.00 EUR"], [])


@BOTH
def test_a_lost_answer_is_asked_for_again_and_nothing_is_recorded_twice(shop, office):
    desk = telling(shop, office)
    tell(desk, told())
    office.books.trouble = {"answer": LedgerUnavailable("no answer")}
    report = run_on(office, TODAY + DAY)
    assert (report.exit_code, len(office.books.received), told_of(office)) == (75, 1, [("pi_1", "told")])
    office.books.trouble = {}
    report = run_on(office, TODAY + DAY)
    assert (report.exit_code, len(office.books.received), told_of(office), held(office)) == (0, 1, [("pi_1", "recorded")], [])


def test_what_the_books_refuse_is_on_the_list_with_the_reason_and_stays_held(shop, office):
    desk = telling(shop, office)
    tell(desk, told())
    office.books.refuses = {"i1"}
    report = run_on(office, TODAY + DAY)
    (refused,) = report.begun.received.refused
    assert (report.exit_code, len(held(office))) == (1, 1)
    with reading(office.engine) as conn:
        (work,) = waiting_work(conn, COMPANY)
    assert work.summary == "Record in the books: Stripe received 100.00 EUR for invoice F-i1 on 2026-05-13"
    assert "No account is named for payments of Stripe. Name it in the policy. Record it by hand, then: puntual done" in work.text
    assert (run_on(office, TODAY + DAY).begun.received.refused, office.books.calls.count("payments")) == ([], 1)
    office.books.refuses = set()
    assert people.approve(office.desk(), [refused.id[:8]], "eva") == 1
    run_on(office, TODAY + 2 * DAY)
    assert (listed(office), told_of(office), held(office)) == ([], [("pi_1", "recorded")], [])


def test_what_a_person_records_by_hand_is_left_alone(shop, office):
    desk = telling(shop, office)
    office.books.capabilities -= {Capability.RECORDED_PAYMENTS}
    tell(desk, told())
    (refused,) = run_on(office, TODAY + DAY).begun.received.refused
    assert "The ledger takes no payments from Puntual." in refused.detail
    people.finish(office.desk(), refused.work_id, "entered", "eva")
    assert (run_on(office, TODAY + DAY).exit_code, told_of(office), office.books.received) == (0, [("pi_1", "closed")], {})
    assert people.approve(office.desk(), None, "eva") == 0


def test_a_payment_on_an_invoice_that_nobody_knows_is_for_a_person(shop, office):
    desk = telling(shop, office)
    tell(desk, told().replace(b'"i1"', b'"i9"'))
    assert (listed(office), held(office)) == ([], [])
    assert run_on(office, TODAY + DAY).exit_code == 1
    assert listed(office) == ["Record in the books: Stripe received 100.00 EUR for invoice i9 on 2026-05-13"]
    assert "payments" not in office.books.calls


def test_in_shadow_nothing_is_recorded(shop, office):
    desk = telling(shop, office)
    tell(desk, told())
    office.rule("mode: live", "mode: shadow")
    run_on(office, TODAY + DAY)
    assert (office.books.received, told_of(office), len(held(office))) == ({}, [("pi_1", "told")], 1)


def test_trouble_with_payments_keeps_them_for_the_next_run_and_the_invoice_held(shop, office):
    desk = telling(shop, office)
    tell(desk, told())
    office.books.owe("i2", owner="c2")
    office.books.trouble = {"payments": LedgerUnavailable("down")}
    report = run_on(office, TODAY + 7 * DAY)
    assert (report.exit_code, office.post.to()[-1], told_of(office)) == (75, "c2@example.com", [("pi_1", "told")])


# --- going back -------------------------------------------------------------------------------------------------------------------


def test_a_refund_is_told_once_for_each_sum_and_says_where_the_payment_stands(shop, office):
    desk = telling(shop, office)
    tell(desk, told())
    run_on(office, TODAY + DAY)
    tell(desk, back(amount=3000), back(amount=3000), back())
    with reading(office.engine) as conn:
        works = waiting_work(conn, COMPANY)
    assert sorted(work.summary for work in works) == [
        "Stripe paid back 100.00 EUR in all of what was paid for invoice F-i1",
        "Stripe paid back 30.00 EUR in all of what was paid for invoice F-i1",
    ]
    assert all("It stands in the books as B-1: take back there what went back." in work.text for work in works)
    assert (held(office), office.audited().count("payment_refund")) == ([], 2)


def test_what_was_paid_back_before_it_was_recorded_is_not_recorded(shop, office):
    desk = telling(shop, office)
    tell(desk, told(), back(amount=3000))
    assert (run_on(office, TODAY + DAY).begun.received.recorded, told_of(office)) == ([], [("pi_1", "closed")])
    with reading(office.engine) as conn:
        (work,) = waiting_work(conn, COMPANY)
    assert "It is not in the books, and Puntual does not record it any more" in work.text


def test_a_dispute_holds_the_invoice_until_it_is_released_and_is_told_once(shop, office):
    desk = telling(shop, office)
    tell(desk, told())
    run_on(office, TODAY + DAY)
    tell(desk, back("charge.dispute.created"), back("charge.dispute.created"))
    assert listed(office) == [
        "The customer's bank contests the payment of 100.00 EUR (fraudulent): answer it at Stripe; invoice F-i1 is held as disputed"
    ]
    assert (held(office), office.audited().count("payment_dispute")) == ([("dispute", "i1", None, "stripe")], 1)


@pytest.mark.parametrize(
    "body",
    [
        back("charge.dispute.created"),
        back(metadata={}),
        back(metadata={"puntual_company": "another", "puntual_invoice": "i1"}),
        back(payment_intent=None),
    ],
    ids=["a dispute of another payment", "a refund of another payment", "another company", "no payment"],
)
def test_what_goes_back_of_other_payments_is_nobodys_work(shop, office, body):
    desk = telling(shop, office)
    tell(desk, body)
    assert (listed(office), held(office)) == ([], [])


# --- not genuine, not understood --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [told(), b"nonsense"])
def test_what_is_not_signed_with_the_policys_secret_is_not_taken(shop, office, body):
    desk = telling(shop, office)
    assert not payment_told(desk, body, signed(desk, body, "another"))
    desk.policy = desk.policy.model_copy(update={"payment_links": (STRIPE,)})
    assert not payment_told(desk, body, signed(desk, body, ""))
    assert office.to_do() == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (told(livemode=False), "Stripe's test mode says 100.00 EUR for invoice F-i1 on 2026-05-13; no money came"),
        (told(-5), "Stripe reported a payment that is not understood (evt_1)."),
        (back(amount=-5), "Stripe reported a refund that is not understood (evt_9)."),
        (told().replace(b'"acme"', b'"another"'), None),
        (told(type="checkout.session.expired"), None),
    ],
)
def test_what_is_no_payment_of_a_known_invoice_holds_nothing(shop, office, body, said):
    desk = telling(shop, office)
    tell(desk, body)
    assert (listed(office), held(office), told_of(office)) == ([said] if said else [], [], [])
