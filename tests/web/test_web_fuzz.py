"""Whatever anybody sends, signed or not: an answer that was foreseen, no mistake of ours, and the next one is answered."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web.web_host import SIGNED_IN, TOKENS, signed, stripe_signed

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["t1", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
INTUIT_WORDS = ("id", "type", "intuitaccountid", "intuitentityid", "time", "eventNotifications", "realmId", "dataChangeEvent", "entities")
XERO_WORDS = ("events", "resourceId", "tenantId", "eventType", "eventDateUtc", "eventCategory")
STRIPE_WORDS = (
    "id",
    "type",
    "data",
    "object",
    "metadata",
    "payment_intent",
    "amount_total",
    "currency",
    "created",
    "livemode",
    "puntual_invoice",
)
LIKELY = ANY_JSON | st.sampled_from(
    ["qbo.invoice.updated.v1", "checkout.session.completed", "charge.refunded", "paid", "eur", "acme", 10**30]
)
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


def nearly(words):
    """Bodies that look like what the service sends, and are not."""
    inner = st.dictionaries(st.sampled_from(words), LIKELY, max_size=6)
    outer = st.dictionaries(st.sampled_from(words), LIKELY | inner | st.lists(inner, max_size=3), max_size=6)
    return st.binary(max_size=300) | st.builds(lambda said: json.dumps(said).encode(), ANY_JSON | outer | st.lists(outer, max_size=3))


def unharmed(host):
    assert host.told.events("mistake") == []
    assert host.ask("GET", "/health").text == "ok"


@pytest.mark.parametrize("host", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize(("ledger", "words"), [("quickbooks", INTUIT_WORDS), ("xero", XERO_WORDS)])
def test_any_signed_body_is_taken(host, ledger, words):
    host.connected("acme", ledger, "t1")

    @FEW
    @given(nearly(words))
    def taken(body):
        assert host.tell(ledger, body).status_code == 200

    taken()
    unharmed(host)


@FEW
@given(body=st.binary(max_size=300), signature=HEADER, ledger=st.sampled_from(["quickbooks", "xero"]), token=st.sampled_from(["", "x"]))
def test_any_body_that_is_not_signed_is_refused(host, body, signature, ledger, token):
    for said in (signature, signed(body, token)):
        answer = host.ask("POST", f"/webhooks/{ledger}", body, **{SIGNED_IN[ledger]: said})
        assert (answer.status_code, answer.content) == ({"quickbooks": 403, "xero": 401}[ledger], b"")
    assert host.events() == 0
    assert signed(body, TOKENS[ledger]) != signature


@pytest.mark.parametrize("host", ["sqlite", "postgresql"], indirect=True)
def test_any_signed_body_of_stripe_is_taken(host):
    @FEW
    @given(nearly(STRIPE_WORDS))
    def taken(body):
        assert host.ask("POST", "/webhooks/stripe/acme", body, stripe_signature=stripe_signed(body)).status_code == 200

    taken()
    unharmed(host)


@FEW
@given(
    company=st.text(st.characters(exclude_characters="/?#\\", exclude_categories=["Cs"]), min_size=1, max_size=20),
    body=st.binary(max_size=80),
    signature=HEADER,
)
def test_any_other_word_to_stripes_address_is_refused_in_the_same_words(host, company, body, signature):
    answer = host.ask("POST", "/webhooks/stripe/" + "".join(f"%{byte:02X}" for byte in company.encode()), body, stripe_signature=signature)
    assert (answer.status_code, answer.text) == (400, "Not accepted.\n")


@FEW
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "TRACE", "X"]),
    parts=st.lists(
        st.sampled_from(["connect", "return", "choose", "webhooks", "stripe", "xero", "health", "%00", "%ff", "..;", "A" * 43]), max_size=4
    ),
    query=st.text("abc=&%+;", max_size=30) | st.just("state=" + "A" * 43 + "&code=x"),
    cookie=HEADER,
    body=st.binary(max_size=80),
)
def test_any_other_request_is_answered(host, method, parts, query, cookie, body):
    answer = host.ask(method, "/" + "/".join(parts) + "?" + query, body, cookie=cookie, accept_language=cookie)
    assert answer.status_code in (200, 400, 401, 403, 404, 405)
    assert host.told.events("mistake") == []
