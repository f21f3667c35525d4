"""What a customer reads of a discount for paying early: the offer in a notice while it stands, and the text of the credit note."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from discount_cases import earned, facts, granting, paid
from dunning_cases import GOMEZ
from notice_cases import PAGES, TODAY, action, context, owed, policy, shipped
from puntual.core.money import Money
from puntual.core.notices.context import NoticeContext, TransferCode, build_context
from puntual.core.notices.discount_words import Discount, discount_text
from puntual.core.notices.render import Renderer
from puntual.core.policy.schema import NoticeKind
from puntual.core.receivables import EarlyDiscount

AHEAD = NoticeKind.BEFORE_DUE
ONE = owed("F-2025-0101", 7, "1250.00")
TWO = owed("F-2025-0102", 9, "80.00", "USD")


def euros(amount: str, in_days: int = 3, currency: str = "EUR") -> EarlyDiscount:
    return EarlyDiscount(TODAY + timedelta(days=in_days), Money.of(amount, currency))


def seen(*items: Any, offers: dict[str, EarlyDiscount], **more: Any) -> NoticeContext:
    return build_context(action(AHEAD, *items), policy(), TODAY, more.pop("pages", {}), offers=offers, **more)


def test_a_line_says_until_when_how_much_and_what_is_left_and_no_total_takes_it_off() -> None:
    made = seen(ONE, offers={ONE.id: euros("25.00")})
    assert made.items[0].discount == Discount("16 may 2025", "16 de mayo", "25,00\xa0€", "1.225,00\xa0€")
    assert made.discounted == made.items
    assert (made.total, made.balances[0].net, made.item and made.item.outstanding) == ("1.250,00\xa0€",) * 3


def test_the_last_day_of_another_year_is_said_in_full() -> None:
    line = seen(ONE, offers={ONE.id: euros("25.00", 250)}).items[0]
    assert line.discount is not None
    assert line.discount.last_day == "18 de enero de 2026"


@pytest.mark.parametrize(
    "offer", [euros("25.00", -1), euros("1250.00"), euros("1300.00"), euros("0.00")], ids=["over", "all of it", "more", "nothing"]
)
@pytest.mark.parametrize("language", ["es", "en"])
def test_of_an_offer_that_does_not_stand_nothing_is_said(offer: EarlyDiscount, language: str) -> None:
    act, renderer = action(AHEAD, ONE, language=language), Renderer(shipped)
    made, plain = (build_context(act, policy(), TODAY, PAGES, offers=offers) for offers in ({ONE.id: offer}, {}))
    assert made == plain
    assert made.discounted == made.asks_for_all == ()
    assert renderer.render(made, AHEAD, language) == renderer.render(plain, AHEAD, language)
    assert build_context(act, policy(), TODAY, PAGES, offers={"other/1": euros("25.00")}) == plain == context(act)


@pytest.mark.parametrize(
    ("offers", "pages", "code", "asks"),
    [
        ({ONE.id: euros("25.00")}, {}, None, ()),
        ({ONE.id: euros("25.00")}, PAGES, None, ("page",)),
        ({ONE.id: euros("25.00")}, {}, "EUR", ("code",)),
        ({ONE.id: euros("25.00")}, PAGES, "EUR", ("page", "code")),
        ({ONE.id: euros("25.00")}, {"i2": "https://pay.example/2"}, "USD", ()),
        ({}, PAGES, "EUR", ()),
    ],
    ids=["an account alone", "a page", "a code", "both", "those of another invoice", "no offer"],
)
def test_what_asks_for_the_whole_amount_is_named(offers: Any, pages: Any, code: str | None, asks: tuple[str, ...]) -> None:
    codes = (TransferCode(Money.of(1, code), "F", "c@d.example"),) if code else ()
    assert seen(ONE, TWO, offers=offers, pages=pages, codes=codes).asks_for_all == asks


def test_where_there_is_only_a_page_no_transfer_is_asked_for() -> None:
    made = build_context(action(AHEAD, ONE), policy(payment_details={}), TODAY, PAGES, offers={ONE.id: euros("25.00")})
    assert made.asks_for_all == ()


@pytest.mark.parametrize("notice", NoticeKind, ids=str)
@pytest.mark.parametrize(("language", "form"), [("es", "usted"), ("es", "tu"), ("en", "usted")])
def test_every_notice_tells_it_in_both_parts(notice: NoticeKind, language: str, form: str) -> None:
    for items in ((ONE,), (ONE, TWO)):
        offers = {ONE.id: euros("25.00"), TWO.id: euros("1.60", 5, "USD")}
        made = build_context(action(notice, *items, language=language), policy(form), TODAY, PAGES, offers=offers)
        message = Renderer(shipped).render(made, notice, language)
        for part in (message.text, message.html):
            words = " ".join(part.replace("\xa0", " ").split())
            for line in made.discounted:
                assert line.discount is not None
                said = (line.discount.last_day, line.discount.amount, line.discount.rest, line.outstanding)
                assert all(" ".join(each.replace("\xa0", " ").split()) in words for each in said)


@pytest.mark.parametrize(
    ("language", "country", "said"),
    [
        ("es", "ES", "Descuento por pronto pago de la factura F-1, pagada el 9 mar 2026"),
        ("en", "IE", "Early-payment discount on invoice F-1, paid on 9 Mar 2026"),
        ("fr", "FR", "Descuento por pronto pago de la factura F-1, pagada el 9 mar 2026"),
    ],
)
def test_the_credit_note_says_what_it_is_for_in_the_customers_language(language: str, country: str, said: str) -> None:
    who = replace(GOMEZ, language=language, country=country)
    assert discount_text(earned(facts(paid("980.00", 9), customer=who)), who, granting()) == said
