"""Links at Stripe: the real library against a strict stand-in on this machine."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import stripe
from puntual.connectors.stub_server import Trouble
from puntual.core.errors import BrokenInvariant, CompanyMustAct, PuntualError, RateLimited, TryLater
from puntual.core.money import Money
from puntual.core.payment_links import stripe_links
from puntual.core.payment_links.account import NotPossible
from puntual.core.payment_links.port import (
    BeingPaid,
    EndedLink,
    IssuedLink,
    Known,
    LinkEnd,
    LinkKind,
    LinkRequest,
    PaymentLink,
    PaymentReported,
    Unavailable,
)
from puntual.core.payment_links.stripe_links import StripeAccount, StripeLinks
from puntual.core.payment_links.stripe_money import from_stripe, to_stripe
from puntual.core.payment_links.stripe_wire import StripeWire
from puntual.core.secret import Secret
from stripe_stand_in import KEY, NOW, StripeStandIn

ASKED = LinkRequest("inv1/1", "soler", "inv1", "Factura F-2026-17", Money.of("1250.40", "EUR"), "F-2026-17", language="es")
OURS = {"puntual_company": "soler", "puntual_invoice": "inv1", "puntual_item": "inv1/1", "puntual_amount": "1250.40 EUR"}


@pytest.fixture
def at_stripe() -> Iterator[StripeStandIn]:
    server = StripeStandIn()
    yield server
    server.close()
    assert server.mistakes == []


def provider(server: StripeStandIn, zone: tzinfo = UTC, **changes: Any) -> StripeLinks:
    account = StripeAccount(Secret(KEY), base_url=server.url, retries=0, read_seconds=5)
    return StripeLinks(replace(account, **changes), lambda: NOW, zone)


def link(server: StripeStandIn, asked: LinkRequest = ASKED, **changes: Any) -> PaymentLink:
    answer = provider(server, **changes).links([asked])[asked.key]
    assert isinstance(answer, PaymentLink), answer
    return answer


def after(*made: PaymentLink, amount: str = "1250.40") -> LinkRequest:
    """The same item later, when history knows those links."""
    known = tuple(IssuedLink("stripe", one.reference, ASKED.amount) for one in made)
    return replace(ASKED, amount=Money.of(amount, "EUR"), earlier=known)


def why_not(server: StripeStandIn, asked: LinkRequest) -> str:
    answer = provider(server).links([asked])[asked.key]
    assert isinstance(answer, Unavailable), answer
    return answer.reason


def test_the_link_is_for_exactly_this_payment_once(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    assert made == PaymentLink(
        "https://buy.stripe.com/test_plink_1", LinkKind.PAGE, NOW + timedelta(days=60), None, "stripe", "plink_1"
    )  # fmt: skip
    assert at_stripe.bodies == [
        {
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": "125040",
            "line_items[0][price_data][product_data][name]": "Factura F-2026-17",
            "line_items[0][quantity]": "1",
            "restrictions[completed_sessions][limit]": "1",
            "submit_type": "pay",
            "inactive_message": "Esta factura ya está pagada. Muchas gracias.",
            "payment_intent_data[description]": "Factura F-2026-17",
            **{f"metadata[{name}]": value for name, value in OURS.items()},
            **{f"payment_intent_data[metadata][{name}]": value for name, value in OURS.items()},
        }
    ]


def test_the_same_link_again_as_long_as_it_is_good(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    assert link(at_stripe, after(made)) == made
    assert len(at_stripe.links) == 1


def test_another_amount_is_another_link_and_the_old_one_ends(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    page = at_stripe.open_page(made.reference)
    second = link(at_stripe, after(made, amount="1000.00"))
    assert second.reference == "plink_2"
    old = at_stripe.links[made.reference]
    assert (old["active"], old["inactive_message"]) == (
        False,
        "El importe de esta factura ha cambiado. Por favor, utilice el enlace de nuestro último mensaje.",
    )
    assert at_stripe.sessions[page]["status"] == "expired", "nobody pays the old amount on a page that was open"


def test_what_was_paid_in_the_moment_before_its_link_ended_gets_no_second_one(
    at_stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = link(at_stripe)
    switch_off = StripeWire.switch_off

    def a_moment_late(self: StripeWire, link_id: str, message: str) -> bool:
        at_stripe.open_page(link_id, "complete", "paid", "succeeded")
        return switch_off(self, link_id, message)

    monkeypatch.setattr(StripeWire, "switch_off", a_moment_late)
    answer = provider(at_stripe).links([after(made, amount="1000.00")])[ASKED.key]
    assert isinstance(answer, BeingPaid)
    assert answer.payment is not None
    assert (answer.payment.amount, len(at_stripe.links)) == (ASKED.amount, 1)


def test_back_to_an_earlier_amount_is_a_new_link(at_stripe: StripeStandIn) -> None:
    first = link(at_stripe)
    second = link(at_stripe, after(first, amount="1000.00"))
    third = link(at_stripe, after(first, second))
    assert third.reference == "plink_3"
    assert [one["active"] for one in at_stripe.links.values()] == [False, False, True]


@pytest.mark.parametrize(
    ("changes", "is_other"),
    [
        ({"company": "other"}, True),
        ({"invoice_id": "inv2"}, True),
        ({"key": "inv1/2"}, True),
        ({"amount": Money.of("1250.40", "USD")}, True),
        ({"remittance": "other", "customer_country": "FR", "page_url": "https://books.example"}, False),
    ],
)
def test_the_idempotency_key_is_that_of_the_payment(at_stripe: StripeStandIn, changes: dict[str, Any], is_other: bool) -> None:
    link(at_stripe)
    link(at_stripe, replace(ASKED, **changes))
    assert len(at_stripe.keys) == len(at_stripe.links) == (2 if is_other else 1)


def test_a_lost_answer_makes_no_second_link(at_stripe: StripeStandIn) -> None:
    at_stripe.trouble = Trouble.LOST_ANSWER
    with pytest.raises(TryLater, match="could not be reached"):
        provider(at_stripe).links([ASKED])
    assert link(at_stripe).reference == "plink_1"
    assert list(at_stripe.seen.values()) == [2], "asked twice under one key"
    assert len(at_stripe.links) == 1


def test_the_library_asks_again_under_the_same_key(at_stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    at_stripe.trouble = Trouble.LOST_ANSWER
    assert link(at_stripe, retries=1).reference == "plink_1"
    assert list(at_stripe.seen.values()) == [2]


def test_an_invoice_that_was_paid_gets_no_second_link_and_the_payment_is_told(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    page = at_stripe.open_page(made.reference, "complete", "paid", "succeeded")
    answer = provider(at_stripe, zone=ZoneInfo("Pacific/Auckland")).links([after(made, amount="1290.40")])[ASKED.key]
    on = date(2026, 11, 20)
    came = PaymentReported("stripe", f"pi_{page}", page, "soler", "inv1", "inv1/1", ASKED.amount, on, made.reference, is_live=True)
    assert answer == BeingPaid("stripe", "1250.40 EUR was paid on its page on 2026-11-20, and the books do not show it yet", came)
    assert len(at_stripe.links) == 1


@pytest.mark.parametrize(("zone", "day"), [("Pacific/Auckland", 21), ("America/Los_Angeles", 20)])
def test_the_day_of_a_payment_is_the_companys(zone: str, day: int) -> None:
    server = StripeStandIn(lambda: datetime(2026, 11, 20, 20, 0, tzinfo=UTC))
    try:
        made = link(server)
        server.open_page(made.reference, "complete", "paid", "succeeded")
        answer = provider(server, ZoneInfo(zone)).links([after(made)])[ASKED.key]
        assert isinstance(answer, BeingPaid)
        assert answer.payment is not None
        assert answer.payment.paid_on == date(2026, 11, day)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ({"payment": "unpaid", "intent": "processing"}, "a payment on its page is under way"),
        (
            {"payment": "paid", "intent": "succeeded", "disputed": True},
            "it was paid on its page, and the customer's bank contests the payment",
        ),
    ],
)
def test_what_is_under_way_or_contested_is_being_paid_and_is_no_payment_yet(
    at_stripe: StripeStandIn, page: dict[str, Any], reason: str
) -> None:
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", **page)
    assert provider(at_stripe).links([after(made)])[ASKED.key] == BeingPaid("stripe", reason)


def test_what_was_paid_back_in_part_came_for_the_rest_only(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", "paid", "succeeded", refunded=25_040)
    answer = provider(at_stripe).links([after(made)])[ASKED.key]
    assert isinstance(answer, BeingPaid)
    assert answer.payment is not None
    assert answer.payment.amount == Money.of("1000.00", "EUR")


def test_what_was_paid_back_whole_can_be_paid_anew(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", "paid", "succeeded", refunded=125_040)
    assert link(at_stripe, after(made)).reference == "plink_2"


@pytest.mark.parametrize("known", [Known.WAITING, Known.NOTHING])
def test_what_history_knows_or_was_never_money_keeps_from_a_second_link_only(at_stripe: StripeStandIn, known: Known) -> None:
    at_stripe.is_live = known is Known.WAITING
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", "paid", "succeeded")
    (earlier,) = after(made).earlier
    asked = replace(ASKED, earlier=(replace(earlier, payment=known),))
    assert provider(at_stripe).links([asked])[ASKED.key] == Unavailable(
        "stripe", "a payment through an earlier link is not in the books yet"
    )


def test_what_stripe_said_before_it_stopped_answering_counts(at_stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", "unpaid", "processing")
    create = StripeWire.create

    def once(self: StripeWire, params: Any, key: str) -> Any:
        if params["metadata"]["puntual_item"] == "inv2/1":
            at_stripe.trouble = Trouble.RATE_LIMITED
        return create(self, params, key)

    monkeypatch.setattr(StripeWire, "create", once)
    others = [replace(ASKED, key=f"{key}/1", invoice_id=key) for key in ("inv2", "inv3")]
    answers = provider(at_stripe).links([after(made), *others])
    assert answers[ASKED.key] == BeingPaid("stripe", "a payment on its page is under way")
    assert answers["inv2/1"] == answers["inv3/1"] == Unavailable("stripe", "Stripe asks us to wait.")
    calls = at_stripe.calls
    assert (calls, len(at_stripe.links)) == (4, 1), "the first link, what became of it, its payment, and one that failed"


def test_where_somebody_paid_and_stripe_does_not_say_what_came_of_it_nobody_is_asked(
    at_stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", "paid", "succeeded")

    def silent(self: StripeWire, link_id: str) -> Any:
        raise TryLater("no answer")

    monkeypatch.setattr(StripeWire, "payments", silent)
    why = "somebody paid on its page, and Stripe does not say at the moment what came of it"
    assert provider(at_stripe).links([after(made)])[ASKED.key] == BeingPaid("stripe", why)


def test_what_is_left_after_a_payment_that_was_dealt_with_is_a_new_link(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", "paid", "succeeded")
    (earlier,) = after(made).earlier
    asked = replace(ASKED, amount=Money.of("40.00", "EUR"), earlier=(replace(earlier, payment=Known.DEALT_WITH),))
    assert link(at_stripe, asked).reference == "plink_2"


@pytest.mark.parametrize("is_off", [True, False])
@pytest.mark.parametrize(("intent", "links"), [("processing", 1), ("requires_payment_method", 2), ("canceled", 2)])
def test_a_debit_that_failed_can_be_paid_anew(at_stripe: StripeStandIn, intent: str, links: int, is_off: bool) -> None:
    at_stripe.switches_off_when_used = is_off
    made = link(at_stripe)
    at_stripe.open_page(made.reference, "complete", "unpaid", intent)
    provider(at_stripe).links([after(made)])
    assert len(at_stripe.links) == links


def test_a_link_that_somebody_deleted_or_switched_off_is_replaced(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    at_stripe.links[made.reference]["active"] = False
    assert link(at_stripe, after(made)).reference == "plink_2"
    unknown = replace(made, reference="plink_of_another_account")
    assert link(at_stripe, after(made, unknown)).reference == "plink_3"


def test_links_of_other_providers_are_not_its_business(at_stripe: StripeStandIn) -> None:
    assert link(at_stripe, replace(ASKED, earlier=(IssuedLink("ledger", "inv1", ASKED.amount),))).reference == "plink_1"
    assert at_stripe.calls == 1


@pytest.mark.parametrize(
    ("why", "says"), [(LinkEnd.PAID, "has been paid"), (LinkEnd.VOID, "cancelled"), (LinkEnd.EXPIRED, "no longer valid")]
)
def test_a_retired_link_says_so(at_stripe: StripeStandIn, why: LinkEnd, says: str) -> None:
    made = link(at_stripe)
    done = provider(at_stripe).retire([EndedLink(made.reference, why, "en"), EndedLink("plink_gone", why)])
    assert done == {made.reference, "plink_gone"}
    assert not at_stripe.links[made.reference]["active"]
    assert says in at_stripe.links[made.reference]["inactive_message"]


def test_a_page_that_was_finished_meanwhile_does_not_keep_a_link_from_ending(
    at_stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = link(at_stripe)
    page = at_stripe.open_page(made.reference)
    monkeypatch.setattr(at_stripe, "_expired", lambda session: StripeStandIn._expired(at_stripe, session | {"status": "complete"}))
    assert provider(at_stripe).retire([EndedLink(made.reference, LinkEnd.PAID)]) == {made.reference}
    assert at_stripe.sessions[page]["status"] == "open"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"invoice_id": ""}, "one invoice at a time"),
        ({"amount": Money.of("5.125", "KWD")}, "cannot take exactly 5.125 KWD"),
        ({"amount": Money.of("0", "EUR")}, "cannot take exactly"),
        ({"amount": Money.of("1", "CLF")}, "does not take CLF"),
        ({"label": ""}, "no number"),
        ({"key": "x" * 501}, "too long"),
    ],
)
def test_what_stripe_cannot_do_is_known_without_asking(at_stripe: StripeStandIn, changes: dict[str, Any], reason: str) -> None:
    asked = replace(ASKED, **changes)
    said = provider(at_stripe).can_pay(asked)
    assert said is not None
    assert reason in said
    assert why_not(at_stripe, asked) == said
    assert at_stripe.calls == 0


def test_what_stripe_refuses_has_its_reason_and_no_key(at_stripe: StripeStandIn) -> None:
    at_stripe.minimum = 10**9
    reason = why_not(at_stripe, ASKED)
    assert reason == "Stripe refused: The amount must be at least 1000000000. Key •••"


FAILURES: list[tuple[Trouble, type[PuntualError]]] = [
    (Trouble.RESET, TryLater),
    (Trouble.HALF_BODY, TryLater),
    (Trouble.INTERNAL_ERROR, TryLater),
    (Trouble.BAD_GATEWAY, TryLater),
    (Trouble.UNAVAILABLE, TryLater),
    (Trouble.HTML_FOR_JSON, TryLater),
    (Trouble.RATE_LIMITED, RateLimited),
    (Trouble.UNAUTHORIZED, CompanyMustAct),
]


def whole_story(error: BaseException) -> str:
    """All that a log or a traceback could show of an error, with the values in its frames."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()) + repr(error.__dict__)


@pytest.mark.parametrize(("trouble", "kind"), FAILURES)
@pytest.mark.parametrize(
    "call", [lambda p: p.links([ASKED]), lambda p: p.retire([EndedLink("plink_1", LinkEnd.PAID)])], ids=["links", "retire"]
)
def test_failures_are_the_houses_own_and_tell_no_secret(
    at_stripe: StripeStandIn, trouble: Trouble, kind: type[PuntualError], call: Callable[[StripeLinks], object]
) -> None:
    at_stripe.trouble = trouble
    with pytest.raises(kind) as caught:
        call(provider(at_stripe))
    assert KEY not in whole_story(caught.value)
    assert "Stripe" in str(caught.value)
    assert type(caught.value.__cause__).__name__ == "StripeEvidence", "what happened is kept, as text"
    assert caught.value.__context__ is caught.value.__cause__ or caught.value.__context__ is None, "the library's own holds the request"


def test_how_long_to_wait_is_kept(at_stripe: StripeStandIn) -> None:
    at_stripe.trouble = Trouble.RATE_LIMITED
    with pytest.raises(RateLimited) as caught:
        provider(at_stripe).links([ASKED])
    assert caught.value.retry_after == 7


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_said(at_stripe: StripeStandIn) -> None:
    at_stripe.trouble = Trouble.TIMEOUT
    with pytest.raises(TryLater, match="in time"):
        provider(at_stripe, read_seconds=0.2).links([ASKED])
    at_stripe.mend()


def test_a_key_that_may_not_write_links_is_for_a_person(at_stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(request: object) -> None:
        raise stripe_wrong(403, "The provided key does not have the required permissions")

    monkeypatch.setattr(at_stripe, "_let_in", forbid)
    with pytest.raises(CompanyMustAct, match="restricted key"):
        provider(at_stripe).links([ASKED])


def test_one_key_for_two_links_is_our_bug(at_stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_links, "_idempotency_key", lambda params, earlier: "always-the-same")
    link(at_stripe)
    with pytest.raises(BrokenInvariant):
        provider(at_stripe).links([replace(ASKED, amount=Money.of(7, "EUR"))])


def test_a_replayed_answer_for_a_link_that_has_ended_does_not_go_out(at_stripe: StripeStandIn) -> None:
    link(at_stripe)
    for _, said in at_stripe.keys.values():
        said["active"] = False
    assert why_not(at_stripe, ASKED) == "Stripe gave a link that is not for this payment"


def test_data_of_another_form_is_no_traceback(at_stripe: StripeStandIn) -> None:
    made = link(at_stripe)
    del at_stripe.links[made.reference]["metadata"]
    with pytest.raises(PuntualError, match="not understood"):
        provider(at_stripe).links([after(made)])


def test_without_the_library_a_person_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "puntual.core.payment_links.stripe_wire", None)
    with pytest.raises(CompanyMustAct, match=r"puntual\[stripe\]"):
        StripeLinks(StripeAccount(Secret(KEY)), lambda: NOW)


@pytest.mark.parametrize(
    ("amount", "currency", "at"),
    [
        ("10.00", "USD", 1000),
        ("500", "JPY", 500),
        ("5.120", "KWD", 5120),
        ("5", "ISK", 500),
        ("7000", "UGX", 700000),
        ("100.00", "HUF", 10000),
        ("15", "MGA", 15),
        ("1000", "CLP", 1000),
    ],
)
def test_amounts_in_stripes_smallest_unit(amount: str, currency: str, at: int) -> None:
    money = Money.of(amount, currency)
    assert to_stripe(money) == at
    assert from_stripe(at, currency.lower()) == money


@pytest.mark.parametrize(
    ("amount", "currency"), [("5.123", "KWD"), ("10.50", "MGA"), ("-1", "EUR"), ("0", "JPY"), ("1", "IQD"), ("1", "CLF")]
)
def test_an_amount_is_never_rounded_for_stripe(amount: str, currency: str) -> None:
    with pytest.raises(NotPossible):
        to_stripe(Money.of(amount, currency))


@pytest.mark.parametrize(("amount", "currency"), [(550, "isk"), (-1, "eur"), (1, "xxq"), (1, "clf")])
def test_what_is_no_amount_is_not_read_as_one(amount: int, currency: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_stripe(amount, currency)


def stripe_wrong(status: int, message: str) -> Exception:
    from stripe_stand_in import Wrong

    return Wrong(status, "", message)
