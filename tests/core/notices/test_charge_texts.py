"""What a customer reads of a charge in the books: what it is for, and how it was counted, in the customer's language."""

from dataclasses import replace
from datetime import date

import pytest
from charge_cases import AGREED, BUSINESS, FEE, RECOVERY, SHARE, STATUTE, book, made, owing, paid
from puntual.core.notices.charge_texts import MOST_LETTERS, charge_text, statement_text

CHARGED_ON = date(2025, 4, 11)
SPANISH, ENGLISH = (replace(BUSINESS, language=tag, country=tag.upper().replace("EN", "IE")) for tag in ("es", "en"))


def texts(customer, *rules, as_of, facts=None, **settings):
    by = book(*rules, **settings)
    found = [charge_text(one.calculation, "F-1", customer, by.policy) for one in made(facts or owing(), by, as_of)]
    return [text.replace("\xa0", " ").replace("\u202f", " ") for text in found]


BY_LAW = """Intereses legales de demora de la factura F-1, del 11 mar 2025 al 10 abr 2025
11 mar 2025 – 10 abr 2025: 31 días × 1.000,00 € × 11,15 % ÷ 365 = 9,47 €"""
AS_AGREED = """Agreed late-payment interest on invoice F-1, 11 Mar 2025 to 10 Apr 2025
11 Mar 2025 – 10 Apr 2025: 31 days × €1,000.00 × 12 % ÷ 365 = €10.19"""


@pytest.mark.parametrize(
    ("customer", "rule", "said"),
    [
        (SPANISH, STATUTE, BY_LAW),
        (ENGLISH, AGREED, AS_AGREED),
        (SPANISH, SHARE, "Recargo por demora de la factura F-1\n2 % de 1.000,00 € = 20,00 €"),
        (ENGLISH, FEE, "Late-payment charge on invoice F-1"),
        (SPANISH, RECOVERY, "Compensación por costes de cobro de la factura F-1"),
    ],
)
def test_what_it_is_for_and_how_it_was_counted(customer, rule, said):
    assert texts(customer, rule, as_of=CHARGED_ON) == [said]


def test_a_limit_is_said_and_a_calculation_that_no_ledger_takes_is_left_out():
    assert texts(ENGLISH, AGREED, as_of=CHARGED_ON, cap={"EUR": 5})[0].splitlines()[-1] == "Limited to €5.00"
    payments = [paid("1.00", date(2025, month, day)) for month in (5, 6, 7) for day in range(1, 29)]
    short, *_ = texts(SPANISH, {**AGREED, "every": 90}, as_of=date(2025, 9, 30), facts=owing("1000.00", *payments))
    (long,) = texts(SPANISH, {**AGREED, "every": 180}, as_of=date(2025, 9, 30), facts=owing("1000.00", *payments))
    assert "2 may 2025: 1 día × 999,00 € × 12 % ÷ 365 = 0,33 €" in short.splitlines()
    assert "\n" not in long
    assert len(long) < MOST_LETTERS


def test_a_statement_says_its_month():
    assert statement_text("2026-05", SPANISH, book().policy) == "Cargos por demora, 2026-05"
    assert statement_text("2026-05", ENGLISH, book().policy) == "Late-payment charges, 2026-05"
