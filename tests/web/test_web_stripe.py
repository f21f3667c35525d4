"""Stripe tells a company of a payment: kept once, and strangers learn nothing of which companies there are."""

import json
from datetime import timedelta

import pytest
from puntual.core.history.database import reading, writing
from puntual.core.history.hosting import grant_wish
from puntual.core.history.told_payments import PaymentStatus, payments_with
from puntual.core.history.work import waiting_work
from puntual.core.web import webhooks
from puntual.core.web.site import LOOK_EVERY
from puntual.core.web.webhooks import BODY_LIMIT, REFUSALS_TAKE
from sqlalchemy import create_engine
from web.web_host import NOW, STRIPE_SECRET, stripe_signed

BOTH = pytest.mark.parametrize("host", ["sqlite", "postgresql"], indirect=True)


def paid(event: str = "evt_1", payment: str = "pi_1", **changes: object) -> bytes:
    ours = {"puntual_company": "acme", "puntual_invoice": "i1", "puntual_item": "i1/1", "puntual_amount": "100.00 EUR"}
    session = {"id": "cs_1", "payment_status": "paid", "payment_intent": payment, "payment_link": "plink_1", "currency": "eur"}
    session |= {"amount_total": 10000, "metadata": ours}
    said = {"id": event, "type": "checkout.session.completed", "created": 1778666400, "livemode": True, "data": {"object": session}}
    return json.dumps(said | changes).encode()


def told(host, body, signature=None, company="acme"):
    said = stripe_signed(body, at=host.clock.now()) if signature is None else signature
    answer = host.ask("POST", f"/webhooks/stripe/{company}", body, stripe_signature=said)
    return answer.status_code, answer.text


def payments(host):
    with reading(host.engine) as conn:
        return sorted(one.payment_id for one in payments_with(conn, "acme", *PaymentStatus))


@BOTH
def test_a_payment_is_kept_once_and_the_books_are_read_soon(host):
    assert [told(host, paid()) for _ in range(3)] == [(200, "")] * 3
    assert (payments(host), host.wishes(), host.events()) == (["pi_1"], {"acme": NOW}, 1)
    with writing(host.engine) as conn:
        grant_wish(conn, "acme", NOW)
    told(host, paid())
    assert host.wishes() == {"acme": None}
    told(host, paid("evt_2", "pi_2"))
    assert (payments(host), host.wishes()) == (["pi_1", "pi_2"], {"acme": NOW})


@pytest.mark.parametrize("body", [b"", b"no json", b"[" * 100_000, b"{}", b'{"id": 5}', b"[]", b'{"type": []}', b"\xff"])
def test_a_genuine_delivery_of_no_sense_is_taken(host, body):
    assert told(host, body) == (200, "")
    assert payments(host) == []


def test_one_that_cannot_be_understood_is_for_a_person(host):
    broken = json.loads(paid())
    broken["data"]["object"]["amount_total"] = "a lot"
    assert told(host, json.dumps(broken).encode()) == (200, "")
    with reading(host.engine) as conn:
        assert [work.kind for work in waiting_work(conn, "acme")] == ["payment"]


def test_nobody_learns_which_companies_there_are(host):
    """Unknown, broken, without a secret, with a wrong or an old signature: the same words, and the same time."""
    host.policy(("mode: live", "mode: lively"), company="broken")
    host.policy(company="without", more="")
    body = paid()
    old = stripe_signed(body, at=NOW - timedelta(minutes=6))
    kinds = [
        ("acme", stripe_signed(body, "whsec_of_another")),
        ("acme", ""),
        ("acme", old),
        ("acme", stripe_signed(body + b" ")),
        ("nobody", stripe_signed(body)),
        ("broken", stripe_signed(body)),
        ("without", stripe_signed(body, "")),
        ("..%5Cacme", stripe_signed(body)),
        ("%00", stripe_signed(body)),
        ("x" * 4000, stripe_signed(body)),
    ]
    answers = [host.ask("POST", f"/webhooks/stripe/{company}", body, stripe_signature=said) for company, said in kinds]
    assert {(one.status_code, one.text, tuple(one.headers.items())) for one in answers} == {
        (400, "Not accepted.\n", tuple(answers[0].headers.items()))
    }
    assert host.pauses == [REFUSALS_TAKE] * len(kinds)
    assert (payments(host), host.events()) == ([], 0)


def test_a_refusal_waits_the_same_whether_the_company_was_looked_up_or_not(host, monkeypatch):
    """Each refusal does the work of a signature, and ends only when the pause does."""
    checked = []
    genuine = webhooks.is_genuine
    monkeypatch.setattr(webhooks, "is_genuine", lambda *words: checked.append(words[1]) or genuine(*words))
    told(host, paid(), "t=1,v1=00", company="nobody")
    assert (checked, len(host.pauses)) == (["t=1,v1=00"], 1)

    async def never_over(_):
        raise ArithmeticError

    host.site.pause = never_over
    assert [told(host, paid(), said, company=company)[0] for company, said in (("nobody", ""), ("acme", ""), ("acme", None))] == [
        500,
        500,
        200,
    ]


def test_a_company_whose_file_is_new_or_mended_is_heard_soon(host):
    body = paid()
    assert told(host, body, company="new")[0] == 400
    host.policy(company="new")
    host.clock.at = NOW + LOOK_EVERY
    assert told(host, body, stripe_signed(body, at=host.clock.now()), company="new")[0] == 200


def test_a_body_of_any_size_is_not_read(host):
    assert told(host, b"x" * (BODY_LIMIT + 1))[0] == 413
    assert told(host, b"x" * BODY_LIMIT)[0] == 200


def test_while_the_database_is_away_only_who_is_known_hears_of_it(host):
    told(host, b"{}")
    desk = host.site.desk("acme")
    desk.engine = create_engine("postgresql+psycopg://127.0.0.1:1/nowhere")
    assert told(host, paid())[0] == 503
    assert told(host, paid(), stripe_signed(paid(), "another"))[0] == 400
    desk.engine = host.engine
    assert told(host, paid()) == (200, "")
    assert (payments(host), STRIPE_SECRET in "".join(host.told.lines)) == (["pi_1"], False)
