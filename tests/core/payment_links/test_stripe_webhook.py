"""What Stripe reports: who may say it, and which payment it is."""

import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from puntual.core.errors import UnexpectedResponse
from puntual.core.money import Money
from puntual.core.payment_links.port import PaymentReported, PaymentTakenBack, TakenBack
from puntual.core.payment_links.stripe_webhook import is_genuine, reported, taken_back
from puntual.core.secret import Secret

NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
SECRET = Secret("whsec_test")
MADRID = ZoneInfo("Europe/Madrid")
BODY = b'{"id": "evt_1"}'


def signed(body: bytes = BODY, at: datetime = NOW, secret: str = "whsec_test") -> str:
    stamp = int(at.timestamp())
    return f"t={stamp},v1={hmac.new(secret.encode(), b'%d.%s' % (stamp, body), hashlib.sha256).hexdigest()}"


def event(kind: str = "checkout.session.completed", top: dict[str, Any] | None = None, **session: Any) -> bytes:
    ours = {"puntual_company": "soler", "puntual_invoice": "inv1", "puntual_item": "inv1/1", "puntual_amount": "1250.40 EUR"}
    data = {
        "id": "cs_1", "object": "checkout.session", "amount_total": 125040, "currency": "eur", "payment_status": "paid",
        "payment_intent": "pi_1", "payment_link": "plink_1", "metadata": ours,
    } | session  # fmt: skip
    said = {"id": "evt_1", "object": "event", "type": kind, "created": int(NOW.timestamp()), "livemode": True, "data": {"object": data}}
    return json.dumps(said | (top or {})).encode()


PAID = PaymentReported(
    "stripe", "pi_1", "evt_1", "soler", "inv1", "inv1/1", Money.of("1250.40", "EUR"), date(2026, 11, 21), "plink_1", True
)


def test_stripes_own_library_signs_the_same() -> None:
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), "whsec_test", int(NOW.timestamp()))
    assert header == signed()
    assert is_genuine(BODY, header, SECRET, NOW)


@pytest.mark.parametrize(
    ("header", "is_good"),
    [
        (signed(), True),
        (f"{signed()},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39", True),
        (f"{signed(secret='whsec_old')},{signed().split(',')[1]}", True),
        (signed(secret="whsec_other"), False),
        (signed(b'{"id": "evt_2"}'), False),
        (signed().replace("v1=", "v0="), False),
        (signed().split(",")[0], False),
        (signed().split(",")[1], False),
        (f"t=1,{signed()}", False),
        (signed().upper(), False),
        ("t=now,v1=x", False),
        ("t=٣,v1=x", False),
        ("v1=ñ,t=1", False),
        ("", False),
    ],
)
def test_only_the_endpoints_secret_signs(header: str, is_good: bool) -> None:
    assert is_genuine(BODY, header, SECRET, NOW) is is_good


def test_without_a_secret_nothing_is_genuine() -> None:
    assert not is_genuine(BODY, signed(secret=""), Secret(""), NOW)


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_an_old_delivery_is_not_accepted_again(seconds: int, is_good: bool) -> None:
    assert is_genuine(BODY, signed(), SECRET, NOW + timedelta(seconds=seconds)) is is_good


@given(st.binary(max_size=60), st.text(max_size=60))
def test_nothing_that_comes_from_outside_breaks_it(body: bytes, header: str) -> None:
    assert not is_genuine(body, header, SECRET, NOW)
    assert (reported(body, UTC), taken_back(body, UTC)) == (None, None)


@pytest.mark.parametrize("kind", ["checkout.session.completed", "checkout.session.async_payment_succeeded"])
def test_a_payment_with_its_day_in_the_companys_zone(kind: str) -> None:
    assert reported(event(kind), MADRID) == PAID
    assert reported(event(kind), UTC).paid_on == date(2026, 11, 20)  # type: ignore[union-attr]


def test_the_same_payment_is_the_same_however_it_is_told() -> None:
    later = reported(event("checkout.session.async_payment_succeeded", {"id": "evt_9"}), MADRID)
    assert later is not None
    assert (later.id, later.event_id) == ("pi_1", "evt_9")


@pytest.mark.parametrize(
    "body",
    [
        event("checkout.session.expired"),
        event("checkout.session.async_payment_failed"),
        event("payment_intent.succeeded"),
        event(payment_status="unpaid"),
        event(payment_status="no_payment_required"),
        event(metadata={}),
        event(metadata=None),
        event(metadata={"order": "17"}),
        event(top={"data": None}),
        b"[]",
        b"no json",
        b"[" * 100_000,
    ],
)
def test_what_is_no_payment_of_ours_is_left_alone(body: bytes) -> None:
    assert reported(body, MADRID) is None


@pytest.mark.parametrize(
    "body",
    [
        event(amount_total="125040"),
        event(amount_total=True),
        event(amount_total=-5),
        event(currency="xxq"),
        event(currency="clf"),
        event(currency=None),
        event(payment_link=None),
        event(metadata={"puntual_invoice": "inv1"}),
        event(top={"created": 10**18}),
        event(top={"id": ""}),
    ],
)
def test_one_of_ours_that_cannot_be_read_is_for_a_person(body: bytes) -> None:
    with pytest.raises(UnexpectedResponse, match="not understood"):
        reported(body, MADRID)


def test_test_money_is_told_apart() -> None:
    found = reported(event(top={"livemode": False}, payment_intent=None, amount_total=500, currency="jpy"), MADRID)
    assert found is not None
    assert (found.is_live, found.id, found.amount) == (False, "cs_1", Money.of(500, "JPY"))


# --- what goes back ---------------------------------------------------------------------------------------------------------------


def going_back(kind: str = "charge.refunded", top: dict[str, Any] | None = None, **told: Any) -> bytes:
    data = {"id": "ch_1", "amount": 125040, "amount_refunded": 40, "currency": "eur", "payment_intent": "pi_1", "metadata": {}}
    said = {"id": "evt_5", "type": kind, "created": int(NOW.timestamp()), "livemode": True, "data": {"object": data | told}}
    return json.dumps(said | (top or {})).encode()


def test_a_refund_says_what_was_paid_back_in_all_and_of_what() -> None:
    ours = {"puntual_company": "soler", "puntual_invoice": "inv1"}
    day, sum_of = date(2026, 11, 21), Money.of("0.40", "EUR")
    told = taken_back(going_back(metadata=ours), MADRID)
    assert told == PaymentTakenBack("stripe", TakenBack.REFUND, "ch_1|40", "evt_5", "pi_1", sum_of, day, "", "soler", "inv1")


def test_a_dispute_says_what_is_contested_and_why() -> None:
    told = taken_back(going_back("charge.dispute.created", id="dp_1", reason="fraudulent"), MADRID)
    whole = Money.of("1250.40", "EUR")
    assert told == PaymentTakenBack("stripe", TakenBack.DISPUTE, "dp_1", "evt_5", "pi_1", whole, date(2026, 11, 21), "fraudulent")


@pytest.mark.parametrize(
    "body",
    [
        event(),
        going_back("charge.succeeded"),
        going_back(top={"livemode": False}),
        going_back(top={"type": []}),
        going_back(payment_intent=None),
    ],
)
def test_what_does_not_go_back_is_left_alone(body: bytes) -> None:
    assert taken_back(body, MADRID) is None


@pytest.mark.parametrize("changes", [{"amount_refunded": -1}, {"amount_refunded": "4"}, {"currency": "xxq"}, {"id": ""}])
def test_what_goes_back_and_cannot_be_read_is_for_a_person(changes: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponse, match=r"a refund that is not understood \(evt_5\)"):
        taken_back(going_back(**changes), MADRID)
