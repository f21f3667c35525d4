"""What a notice may say, and how it looks in the customer's locale."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from notice_cases import CUSTOMER, TODAY, action, context, credit, owed, policy
from puntual.core.money import Money
from puntual.core.notices.context import build_context
from puntual.core.notices.display import clean, locale_of, money_text, web_address
from puntual.core.policy.schema import NoticeKind

REMINDER = NoticeKind.REMINDER
NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("language", "country", "company", "expected"),
    [
        ("es", "MX", "es_ES", "es_MX"),
        ("es", "", "es_ES", "es_ES"),
        ("en", "ES", "es_ES", "en_ES"),
        ("en", "US", "es_ES", "en_US"),
        ("en", "", "es_ES", "en_001"),
        ("en-GB", "", "es_ES", "en_GB"),
        ("es", "JP", "es-MX", "es_MX"),
        ("xx", "", "es_ES", "es_ES"),
    ],
)
def test_the_customers_country_decides_the_locale(language: str, country: str, company: str, expected: str) -> None:
    assert locale_of(language, country, company) == expected


def test_the_same_amount_and_day_in_spain_mexico_and_the_united_states() -> None:
    item = owed("F-1", -8, "1250.00")
    seen = []
    for language, country in (("es", "ES"), ("es", "MX"), ("en", "US")):
        line = context(action(REMINDER, item, language=language, customer=replace(CUSTOMER, country=country))).items[0]
        seen.append((line.outstanding, line.due_on, line.due_day))
    assert seen == [
        (f"1.250,00{NBSP}€", "5 may 2025", "5 de mayo"),
        (f"EUR{NBSP}1,250.00", "5 may 2025", "5 de mayo"),
        ("€1,250.00", "May 5, 2025", "May 5"),
    ]


def test_currencies_keep_their_decimals() -> None:
    assert money_text(Money.of("1250", "JPY"), "es_ES") == f"1.250{NBSP}JPY"
    assert money_text(Money.of("1.5", "KWD"), "en_GB") == f"KWD{NBSP}1.500"


def test_items_are_split_by_their_due_date_and_totals_stay_apart_by_currency() -> None:
    seen = context(
        action(
            REMINDER,
            owed("F-3", 4, "10.00"),
            owed("F-1", -9, "100.00"),
            owed("F-2", 0, "20.00"),
            owed("F-4", -1, "7.00", "USD"),
        )
    )
    assert [line.number for line in seen.items] == ["F-1", "F-4", "F-2", "F-3"]
    assert seen.overdue.totals == (f"100,00{NBSP}€", f"7,00{NBSP}US$")
    assert (seen.due_today.total, seen.upcoming.total) == (f"20,00{NBSP}€", f"10,00{NBSP}€")
    assert seen.total == f"130,00{NBSP}€ y 7,00{NBSP}US$"
    assert [(line.days_overdue, line.days_left) for line in seen.items] == [(9, 0), (1, 0), (0, 0), (0, 4)]


def test_a_credit_counts_in_its_own_currency_only() -> None:
    items = (owed("F-1", -1, "100.00"), owed("F-2", -1, "50.00", "USD"))
    euro, dollar = context(action(REMINDER, *items, unapplied=(credit("30.00"), credit("80.00", "GBP"), credit("-5.00")))).balances
    assert (euro.credit, euro.net, euro.is_covered) == (f"30,00{NBSP}€", f"70,00{NBSP}€", False)
    assert (dollar.credit, dollar.net, dollar.is_covered) == ("", f"50,00{NBSP}US$", False)


def test_a_credit_that_covers_everything_leaves_no_net_and_never_a_negative_one() -> None:
    (balance,) = context(action(REMINDER, owed("F-1", -1, "100.00"), unapplied=(credit("250.00"),))).balances
    assert (balance.net, balance.is_covered) == ("", True)


def test_instalments_of_one_invoice_are_one_invoice() -> None:
    parts = (owed("F-1", -31, "400.00", part=(1, 3)), owed("F-1", -1, "400.00", part=(2, 3)))
    seen = context(action(REMINDER, *parts))
    assert (seen.invoices, len(seen.items), seen.item) == (1, 2, None)
    assert [(line.instalment, line.instalments) for line in seen.items] == [(1, 3), (2, 3)]
    assert seen.accounts[0].reference == "F-1"
    assert seen.page_url == "https://pagos.example.com/f/i1?token=abc&x=1"


def test_payment_details_are_those_of_each_currency_that_occurs() -> None:
    seen = context(action(REMINDER, owed("F-1", -1, "5.00"), owed("F-2", -1, "7.00", "USD"), owed("F-3", -1, "9.00", "GBP")))
    euro, dollar = seen.accounts
    assert (euro.currency, euro.holder, euro.iban) == ("EUR", "Talleres Ibarra, S.L.", "ES91 2100 0418 4502 0005 1332")
    assert (dollar.currency, dollar.holder, dollar.account, dollar.reference) == ("USD", "Talleres Ibarra USD", "000123456789", "F-2")


def test_a_reference_fits_a_bank_transfer() -> None:
    items = [owed(f"FACT-2025-{number:05}", -1, "5.00", invoice=f"n{number}") for number in range(30)]
    reference = context(action(REMINDER, *items)).accounts[0].reference
    assert reference.startswith("FACT-2025-00000, FACT-2025-00001")
    assert reference.endswith(" +22")
    assert len(reference) <= 140


def test_pages_are_only_plain_web_addresses() -> None:
    assert web_address("https://a.example/x?y=1&z=2") == "https://a.example/x?y=1&z=2"
    for url in ("javascript:alert(1)", "ftp://a.example", 'https://a.example/"onclick', "https://a.example/ x", ""):
        assert web_address(url) == ""


def test_one_page_for_the_message_only_when_it_covers_everything() -> None:
    both = (owed("F-1", -1, "5.00"), owed("F-2", -1, "7.00"))
    some = context(action(REMINDER, *both), {"i1": "https://a.example/1"})
    assert (some.page_url, [line.number for line in some.online]) == ("", ["F-1"])
    assert context(action(REMINDER, both[0]), {"i1": "https://a.example/1"}).page_url == "https://a.example/1"


def test_the_greeting_is_for_the_person_else_for_the_customer() -> None:
    item = owed("F-1", -1, "5.00")
    assert context(action(REMINDER, item)).greeting_name == "Marta Núñez"
    assert context(action(REMINDER, item, recipient=None)).greeting_name == "Panadería Núñez, S.L."


def test_answers_go_to_the_signature_else_reply_to_else_sender() -> None:
    act = action(REMINDER, owed("F-1", -1, "5.00"))
    assert context(act).signature.email == "cobros@talleresibarra.example"
    mail = {"from": "a@b.example", "reply_to": '"Cobros, S.L." <c@d.example>', "folder": "x", "signature": {"name": "Eva"}}
    assert build_context(act, policy(mail=mail), TODAY, {}).signature.email == "c@d.example"
    mail["signature"] = {"name": "Eva", "email": "eva@d.example"}
    assert build_context(act, policy(mail=mail), TODAY, {}).signature.email == "eva@d.example"


def test_promises_are_grouped_by_the_day_that_was_named() -> None:
    monday = date(2025, 5, 5)
    act = action(
        REMINDER, owed("F-1", -9, "5.00"), owed("F-2", -9, "5.00"), owed("F-3", -9, "5.00"), promises={"F-1": monday, "F-3": monday}
    )
    assert [(promise.day, promise.numbers) for promise in context(act).promises] == [("5 de mayo", "F-1 y F-3")]


def ladder(*levels: tuple[str, int, str]) -> dict[str, object]:
    return {
        "levels": [
            {"key": key, "days": days, "channel": how, **({"notice": "firm"} if how == "email" else {})} for key, days, how in levels
        ]
    }


@pytest.mark.parametrize(
    ("after", "day", "call"),
    [
        (("next", 60, "call"), "23 de mayo", True),  # ten days
        (("next", 26, "call"), "16 de mayo", True),  # Sunday the 18th is moved to Friday
        (("next", 24, "email"), "16 de mayo", False),
        (("next", 21, "call"), "14 de mayo", True),  # at least a day
        (None, "23 de mayo", False),
    ],
)
def test_the_day_for_an_answer_comes_before_the_ladder_goes_on(after: tuple[str, int, str] | None, day: str, call: bool) -> None:
    levels = [("firm", 20, "email"), *([after] if after else [])]
    act = action(NoticeKind.FIRM, owed("F-1", -20, "5.00"))
    seen = build_context(act, policy(procedures={"standard": ladder(*levels)}), TODAY, {})
    assert (seen.answer_by, seen.call_follows) == (day, call)


def test_a_call_is_announced_only_when_every_ladder_has_it() -> None:
    ladders = {"standard": ladder(("firm", 20, "email"), ("call", 40, "call")), "gentle": ladder(("firm", 20, "email"))}
    act = action(NoticeKind.FIRM, owed("F-1", -20, "5.00"))
    assert not build_context(act, policy(procedures=ladders), TODAY, {}).call_follows


def test_dates_of_another_year_carry_their_year() -> None:
    line = context(action(REMINDER, owed("F-1", -200, "5.00"))).items[0]
    assert line.due_day == "25 de octubre de 2024"
    assert TODAY - timedelta(days=200) == date(2024, 10, 25)


@pytest.mark.parametrize(
    ("value", "seen"),
    [("A\r\nBcc: x@y.z", "A Bcc: x@y.z"), ("a\u202etxt.exe", "a txt.exe"), ("  a \t b ", "a b"), ("x" * 500, "x" * 199 + "…")],
)
def test_values_from_the_books_are_one_visible_line(value: str, seen: str) -> None:
    assert clean(value) == seen


def test_only_attachments_that_really_go_along_are_counted() -> None:
    act = action(REMINDER, owed("F-1", -1, "5.00"), owed("F-2", -1, "5.00"))
    assert context(act, attached=("i2", "i9")).attached == 1
