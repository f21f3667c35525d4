"""What Intuit tells by itself: its signature by the published vector, and the events in both forms."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from puntual.connectors.quickbooks.webhooks import WEBHOOKS, happenings, is_genuine
from puntual.core.access import Happening
from puntual.core.secret import Secret

# python-quickbooks, tests/unit/test_client.py
TOKEN = Secret("verify_me")
BODY = b'{"stuff":"5"}'
SIGNATURE = "nfPLN16u3vMvv08ghDs+dOkLuirEVDy5wAeG/lmM2OA="

# Intuit's sample of a CloudEvents delivery
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "88cd52aa-33b6-4351-9aa4-47572edbd068",
    "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
    "type": "qbo.invoice.updated.v1",
    "datacontenttype": "application/json",
    "time": "2025-09-10T21:31:25.179851517Z",
    "intuitentityid": "1234",
    "intuitaccountid": "310687",
    "data": {},
}
LEGACY = {
    "eventNotifications": [
        {
            "realmId": "310687",
            "dataChangeEvent": {
                "entities": [
                    {"name": "CreditMemo", "id": "7", "operation": "Void", "lastUpdated": "2025-09-10T21:31:25.000Z"},
                    {"name": "Customer", "id": "1", "operation": "Merge", "lastUpdated": "2025-09-10T21:31:26.000Z", "deletedId": "9"},
                ]
            },
        },
        {"realmId": "99", "dataChangeEvent": {"entities": [{"name": "Invoice", "id": "2", "operation": "Create"}]}},
    ]
}


def test_the_published_signature_is_genuine() -> None:
    assert is_genuine(BODY, SIGNATURE, TOKEN)
    assert is_genuine(BODY, f" {SIGNATURE}\r\n", TOKEN)


@pytest.mark.parametrize(
    ("body", "signature", "token"),
    [
        (b'{"stuff": "5"}', SIGNATURE, TOKEN),
        (BODY, SIGNATURE, Secret("verify_you")),
        (BODY, SIGNATURE[:-4], TOKEN),
        (BODY, SIGNATURE.lower(), TOKEN),
        (BODY, "", TOKEN),
        (BODY, "ñ no base64 ☃", TOKEN),
        (BODY, base64.b64encode(hmac.new(b"", BODY, hashlib.sha256).digest()).decode(), Secret("")),
    ],
)
def test_anything_else_is_not_genuine(body: bytes, signature: str, token: Secret) -> None:
    assert not is_genuine(body, signature, token)


def test_the_raw_bytes_count_and_not_what_they_mean() -> None:
    body = '\ufeff{"name": "Núñez"}'.encode("utf-16")
    assert is_genuine(body, base64.b64encode(hmac.new(b"t", body, hashlib.sha256).digest()).decode(), Secret("t"))


def test_cloud_events_of_several_companies_and_kinds() -> None:
    voided = {**EVENT, "id": "e2", "type": "qbo.creditmemo.voided.v1", "intuitaccountid": "99", "intuitentityid": "5"}
    assert happenings(json.dumps([EVENT, voided]).encode()) == (
        Happening(EVENT["id"], "310687", "invoice", "1234", "updated", EVENT["time"]),
        Happening("e2", "99", "creditmemo", "5", "voided", EVENT["time"]),
    )


def test_the_older_form_speaks_in_the_same_words() -> None:
    told = happenings(json.dumps(LEGACY).encode())
    assert [(each.tenant_id, each.entity, each.entity_id, each.what) for each in told] == [
        ("310687", "creditmemo", "7", "voided"),
        ("310687", "customer", "1", "merged"),
        ("99", "invoice", "2", "created"),
    ]


def test_the_same_event_twice_has_the_same_id_and_another_one_has_not() -> None:
    once, again = happenings(json.dumps(LEGACY).encode()), happenings(json.dumps(LEGACY).encode())
    assert [each.id for each in once] == [each.id for each in again]
    assert len({each.id for each in once}) == 3


@pytest.mark.parametrize(
    "change",
    [{"type": "com.example.other"}, {"type": None}, {"intuitaccountid": None}, {"intuitentityid": 5}, {"id": ""}],
)
def test_an_event_that_cannot_be_read_does_not_lose_the_others(change: dict[str, Any]) -> None:
    assert [each.id for each in happenings(json.dumps([{**EVENT, **change}, "?", EVENT]).encode())] == [EVENT["id"]]


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"\xff\xfe", b"5", b"null", b"{}", b"[]", b"[[]]", b'{"eventNotifications": {}}', b"[" * 100_000],
)
def test_a_body_of_no_form_tells_nothing_and_is_no_error(body: bytes) -> None:
    assert happenings(body) == ()


@pytest.mark.parametrize("entities", [None, {}, [None], [{"name": "Invoice"}], [{"name": 5, "id": "1", "operation": "Update"}]])
def test_half_a_notification_tells_nothing(entities: Any) -> None:
    body = {"eventNotifications": [{"realmId": "1", "dataChangeEvent": {"entities": entities}}, None, {"realmId": "2"}]}
    assert happenings(json.dumps(body).encode()) == ()


def test_what_an_endpoint_has_to_know() -> None:
    assert (WEBHOOKS.header, WEBHOOKS.refused_status, WEBHOOKS.seconds) == ("intuit-signature", 403, 3)
    assert WEBHOOKS.is_genuine(BODY, SIGNATURE, TOKEN)
    assert len(WEBHOOKS.happenings(json.dumps([EVENT]).encode())) == 1
