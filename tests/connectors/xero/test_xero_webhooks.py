"""Webhooks of Xero: the signature over the very bytes, and what the events say."""

import base64
import hashlib
import hmac
import json

import pytest
from puntual.connectors.xero.webhooks import WEBHOOKS, happenings, is_genuine
from puntual.core.access import Happening
from puntual.core.errors import UnexpectedResponse
from puntual.core.secret import Secret

# RFC 4231, test cases 2 and 6: key, message, HMAC-SHA-256.
VECTORS = [
    ("Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ("\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
]
KEY = Secret("wh-key/with+base64==")

# The example of https://developer.xero.com/documentation/guides/webhooks/overview/
EVENT = {
    "resourceUrl": "https://api.xero.com/api.xro/2.0/Contacts/717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
    "resourceId": "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
    "eventDateUtc": "2017-06-21T01:15:39.902",
    "eventType": "Update",
    "eventCategory": "CONTACT",
    "tenantId": "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
    "tenantType": "ORGANISATION",
}
INTENT_TO_RECEIVE = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"}'


def _signed(body: bytes, key: Secret = KEY) -> str:
    return base64.b64encode(hmac.new(key.reveal().encode(), body, hashlib.sha256).digest()).decode()


def _message(*events: object) -> bytes:
    return json.dumps({"events": events, "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "x"}).encode()


@pytest.mark.parametrize(("key", "body", "digest"), VECTORS)
def test_published_vectors(key: str, body: bytes, digest: str) -> None:
    signature = base64.b64encode(bytes.fromhex(digest)).decode()
    assert is_genuine(body, signature, Secret(key))
    assert not is_genuine(body + b" ", signature, Secret(key))


def test_an_address_that_is_tried_out_answers_the_wrongly_signed_ones_with_no() -> None:
    good = _signed(INTENT_TO_RECEIVE)
    assert is_genuine(INTENT_TO_RECEIVE, good, KEY)
    assert happenings(INTENT_TO_RECEIVE) == ()
    wrong = ["", "x", "ñ", good[:-4], good.lower(), _signed(INTENT_TO_RECEIVE, Secret("another")), "A" * 44, good + "=="]
    assert [signature for signature in wrong if is_genuine(INTENT_TO_RECEIVE, signature, KEY)] == []


def test_the_same_data_written_otherwise_is_not_what_was_signed() -> None:
    again = json.dumps(json.loads(INTENT_TO_RECEIVE)).encode()
    assert json.loads(again) == json.loads(INTENT_TO_RECEIVE)
    assert not is_genuine(again, _signed(INTENT_TO_RECEIVE), KEY)


def test_without_a_key_nothing_is_genuine() -> None:
    assert not is_genuine(b"{}", _signed(b"{}", Secret("")), Secret(""))


def test_an_event_in_our_words() -> None:
    assert happenings(_message(EVENT)) == (
        Happening(
            id="717f2bfc-c6d4-41fd-b238-3f2f0c0cf777/2017-06-21T01:15:39.902/Update",
            tenant_id="c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
            entity="contact",
            entity_id="717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
            what="update",
            at="2017-06-21T01:15:39.902",
        ),
    )


def test_the_same_event_twice_has_one_id_and_unknown_ones_are_harmless() -> None:
    invoice = {**EVENT, "eventCategory": "INVOICE", "resourceId": "i", "data": {"Type": "ACCREC", "Status": "PAID"}}
    new = {**EVENT, "eventCategory": "SUBSCRIPTION", "eventType": "CREATE", "resourceId": "s", "surprise": [1]}
    told = happenings(_message(invoice, new, invoice, {"eventCategory": "INVOICE"}, "?", None))
    assert [(each.entity, each.what) for each in told] == [("invoice", "update"), ("subscription", "create")]
    assert happenings(_message(invoice))[0].id == told[0].id


@pytest.mark.parametrize("body", [b"", b"?", b"[]", b'"x"', b"{}", b'{"events": {}}', b'{"events": null}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_message_is_a_clear_error(body: bytes) -> None:
    with pytest.raises(UnexpectedResponse):
        happenings(body)


def test_what_an_endpoint_has_to_know() -> None:
    assert (WEBHOOKS.header, WEBHOOKS.refused_status, WEBHOOKS.seconds) == ("x-xero-signature", 401, 5)
    body = _message(EVENT)
    assert WEBHOOKS.is_genuine(body, _signed(body), KEY)
    assert [each.tenant_id for each in WEBHOOKS.happenings(body)] == [EVENT["tenantId"]]
