"""Dated whole runs about late charges, told once for every ledger: what a bookkeeper then sees in the books, and what the customer reads.

Amounts: 1000.00 at 12 % a year, charged every ten days: 10 × 1000.00 × 12 % ÷ 365 = 3.2877, so 3.29; the fee is 15.00.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from babel.dates import format_date
from puntual.core.errors import UnsupportedFeature
from runs.charging_house import ONE_REMINDER, TWO_NOTICES, House, flat, plain

FEE = "{key: fee, kind: flat_fee, amount: {EUR: 15}}"
AGREED = "{key: agreed, kind: contract_interest, annual_percent: 12, every: 10}"
TEN_DAYS = "10 días × 1.000,00 € × 12 % ÷ 365 = 3,29 €"
HOURS = int(os.environ.get("PUNTUAL_HOURS_STEP", "5"))
"""Every fifth hour of the week meets every hour of the day; 1 runs them all."""

Story = TypeVar("Story", bound=Callable[[House], None])
STORIES: list[Callable[[House], None]] = []


def story(tell: Story) -> Story:
    """One of the book."""
    STORIES.append(tell)
    return tell


def late(
    *rules: str, placement: str = "document", announce: bool = False, approval: bool = False, tax: str = "none", more: str = ""
) -> str:
    """The section `late_charges` of a policy."""
    settings = f"announce: {str(announce).lower()}, approval: {str(approval).lower()}, placement: {placement}, from_days: 1"
    return f"late_charges: {{rules: [{', '.join(rules)}], {settings}, tax: {{late_fee: {tax}}}{f', {more}' if more else ''}}}"


def name_of(house: House, rule: str, key: str) -> str:
    """How `puntual charges` calls the newest charge of a rule on an invoice."""
    said = house.puntual("charges", "acme", house.number(key))
    return re.findall(rf"^  ([0-9a-f]{{8}})  {rule}: ", said, re.MULTILINE)[-1]


# --- where a charge stands --------------------------------------------------------------------------------------------------------


@story
def announced_in_a_notice_and_then_a_line_on_the_invoice_where_the_ledger_allows(house: House) -> None:
    house.policy(late(FEE, AGREED, placement="line", announce=True), levels=TWO_NOTICES)
    house.owe(("a", "ana", "1000.00", -1))
    house.run(0)
    (notice,) = house.mails("ana")
    not_before = format_date(house.day(7), "d 'de' MMMM", locale="es")
    assert f"cargo fijo pactado de 15,00 €; no antes del {not_before}" in flat(notice)
    assert "intereses pactados del 12 % anual: con lo pendiente hoy, 0,33 € por cada día de retraso" in flat(notice)
    house.run_each(1, 6)
    assert house.charged("a") == []
    house.run_each(7, 9)
    assert house.charged("a") == [("15.00", house.takes_lines)]
    house.run(10)
    assert house.charged("a") == [("15.00", house.takes_lines), ("3.29", house.takes_lines)]
    assert [TEN_DAYS in plain(seen.text) for seen in house.charges("a")].count(True) == 1
    _is_said_where(house)
    _nothing_more_happens_in_a_week_of_hours(house)
    second = flat(house.mails("ana")[-1])
    assert "10 días × 1.000,00 € × 12 % ÷ 365 = 3,2877 €" in second
    assert ("Incluido en la propia factura" in second) == house.takes_lines
    house.run_each(18, 20)
    assert [amount for amount, _ in house.charged("a")] == ["15.00", "3.29", "3.29"]


def _is_said_where(house: House) -> None:
    """What is owed, and what a person is told of where it stands."""
    invoice, said = house.ids.invoices["a"], house.puntual("charges", "acme", house.number("a"))
    assert said.count("as a line of it") == (2 if house.takes_lines else 0)
    assert str(house.owed(invoice)) == ("1018.29 EUR" if house.takes_lines else "1000.00 EUR")
    for seen in house.charges("a"):
        assert house.takes_lines or str(house.owed(seen.document_id)) == str(seen.amount)
        assert house.number("a") in seen.text


def _nothing_more_happens_in_a_week_of_hours(house: House) -> None:
    before, lines = house.charges("a"), house.harness.lines(house.ids.invoices["a"])
    for hour in range(24 * 7)[::HOURS]:
        house.run(11 + hour // 24, hour % 24)
    assert (house.charges("a"), house.harness.lines(house.ids.invoices["a"])) == (before, lines)
    assert len(house.mails("ana")) == 2


@story
def a_document_of_its_own_for_each_charge(house: House) -> None:
    house.policy(late(FEE, AGREED))
    house.owe(("a", "ana", "1000.00", -1), ("b", "ana", "500.00", -1))
    lines = house.harness.lines(house.ids.invoices["a"])
    house.run_each(0, 10)
    assert house.charged("a") == [("15.00", False), ("3.29", False)]
    assert house.charged("b") == [("1.64", False), ("15.00", False)]
    assert len({seen.document_id for key in ("a", "b") for seen in house.charges(key)}) == 4
    assert (str(house.owed(house.ids.invoices["a"])), house.harness.lines(house.ids.invoices["a"])) == ("1000.00 EUR", lines)
    texts = sorted(plain(seen.text) for seen in house.charges("a"))
    assert TEN_DAYS in texts[0]
    assert all(house.number("a") in text for text in texts)


@story
def what_a_document_charges_stands_in_its_text_to_the_cent(house: House) -> None:
    house.policy(late(AGREED))
    house.owe(("a", "ana", "1000.00", -1))
    for number in (9, 10, 20, 30):
        house.run(number)
    assert [amount for amount, _ in house.charged("a")] == ["3.28", "3.29", "3.29"], "together 9.86, as 30 days are"
    for seen in house.charges("a"):
        assert f"{seen.amount.amount:.2f} €".replace(".", ",") in plain(seen.text)


@story
def one_itemised_document_for_the_customer_and_month(house: House) -> None:
    house.policy(late(FEE, placement="statement"))
    house.owe(("a", "ana", "1000.00", -1), ("b", "ana", "500.00", -3), ("c", "berta", "200.00", -1))
    end_of_month = next(number for number in range(60) if house.day(number).day == 1)
    house.run_each(0, end_of_month - 1)
    assert [house.charged(key) for key in "abc"] == [[], [], []]
    house.run_each(end_of_month, end_of_month + 3)
    documents = {seen.document_id for key in "ab" for seen in house.charges(key)}
    (document,) = documents
    lines = house.harness.lines(document)
    assert str(house.owed(document)) == "30.00 EUR"
    assert [str(amount) for _, amount in lines] == ["15.00 EUR", "15.00 EUR"] or house.kind == "files"
    assert all(house.number(key) in " ".join(text for text, _ in lines) for key in "ab")
    assert house.charged("c") == [("15.00", False)]


@story
def part_paid_and_locked_invoices_get_a_separate_document(house: House) -> None:
    house.policy(late(FEE, placement="line"))
    house.owe(("part", "ana", "1000.00", -1), ("free", "berta", "500.00", 2), ("locked", "carla", "300.00", 5))
    house.pay("part", "400.00", -1)
    house.run_each(0, 4)
    assert house.charged("part") == [("15.00", False)]
    assert str(house.owed(house.ids.invoices["part"])) == "600.00 EUR"
    assert house.charged("free") == [("15.00", house.takes_lines)]
    with suppress(UnsupportedFeature):
        house.harness.lock_period(house.day(-1))
        house.run_each(5, 8)
        assert house.charged("locked") == [("15.00", False)]
        assert str(house.owed(house.ids.invoices["locked"])) == "300.00 EUR"


# --- a person says yes, or no -----------------------------------------------------------------------------------------------------


@story
def a_charge_waits_until_a_person_approves_it(house: House) -> None:
    house.policy(late(FEE, placement="line", approval=True))
    house.owe(("a", "ana", "1000.00", -1))
    house.run(0, code=1)
    house.run(1, code=1)
    assert house.charged("a") == []
    name = name_of(house, "fee", "a")
    assert "fee: 15.00 EUR, waiting" in house.puntual("charges", "acme")
    assert "Approved 1 item" in house.puntual("approve", "acme", name)
    assert house.charged("a") == []
    house.run_each(2, 4)
    assert house.charged("a") == [("15.00", house.takes_lines)]


@story
def a_charge_that_is_waived_before_it_is_made_is_never_made(house: House) -> None:
    house.policy(late(FEE, AGREED, approval=True))
    house.owe(("a", "ana", "1000.00", -1))
    house.run(0, code=1)
    house.puntual("waive", "acme", name_of(house, "fee", "a"), "--reason", "a good customer")
    house.run_each(1, 9)
    house.run(10, code=1)
    assert "Approved 1 item" in house.puntual("approve", "acme", "--all")
    house.run_each(11, 13)
    assert house.charged("a") == [("3.29", False)]
    assert "waived" in house.puntual("charges", "acme")


# --- the principal is paid --------------------------------------------------------------------------------------------------------


@story
def what_was_not_charged_yet_when_the_invoice_is_paid_is_kept_waived_or_written_off(house: House) -> None:
    house.owe(("a", "ana", "1000.00", -1), ("b", "berta", "2000.00", -1), ("c", "carla", "4000.00", -1))
    house.policy(late(AGREED, placement="line", more="after_payment: keep, write_off_below: {EUR: 3}"))
    house.run(3)
    house.pay("a", "1000.00", 5)
    house.pay("b", "2000.00", 5)
    house.run_each(6, 8)
    assert house.charged("a") == [], "6 days × 1000.00 × 12 % ÷ 365 = 1.97 is below 3"
    assert house.charged("b") == [("3.95", False)], "6 days × 2000.00 × 12 % ÷ 365"
    house.policy(late(AGREED, placement="line", more="after_payment: waive"))
    house.run(8)
    house.pay("c", "4000.00", 8)
    house.run_each(9, 20)
    assert [house.charged(key) for key in "abc"] == [[], [("3.95", False)], []]


# --- our own documents ------------------------------------------------------------------------------------------------------------


@story
def our_own_documents_are_neither_chased_nor_charged(house: House) -> None:
    house.policy(late(FEE, AGREED, more="after_payment: keep"), levels=ONE_REMINDER)
    house.owe(("a", "ana", "1000.00", -1))
    house.run_each(0, 10)
    documents = [seen.document_id for seen in house.charges("a")]
    house.pay("a", "1000.00", 10)
    house.run_each(11, 16)
    for number in range(20, 75, 5):
        house.run(number)
    assert len(house.mails()) == 1
    assert [house.harness.charges(key) for key in documents] == [[], []]
    assert house.charged("a") == [("0.33", False), ("15.00", False), ("3.29", False)], "the last for the day of payment"
    assert [str(house.owed(seen.document_id)) for seen in house.charges("a")] == [str(seen.amount) for seen in house.charges("a")]
    assert "3 late charges of our own" in house.puntual("status", "acme")


# --- the process dies -------------------------------------------------------------------------------------------------------------


def lost(house: House, number: int) -> None:
    """A run whose next write is done, but whose answer never arrives."""
    house.harness.lose_next_answer()
    with suppress(Exception):
        house.run(number, code=75)
    house.lose_nothing()


@story
def a_lost_answer_to_any_kind_of_charge_leaves_it_once(house: House) -> None:
    house.owe(("line", "ana", "1000.00", -1), ("own", "berta", "1000.00", 3), ("s1", "carla", "100.00", 7), ("s2", "carla", "200.00", 7))
    house.policy(late(FEE, placement="line"))
    lost(house, 0)
    house.run_each(1, 2)
    assert house.charged("line") == [("15.00", house.takes_lines)]
    house.policy(late(FEE, placement="document"))
    lost(house, 4)
    lost(house, 5)
    house.run_each(6, 7)
    assert house.charged("own") == [("15.00", False)]
    house.policy(late(FEE, placement="statement"))
    house.run_each(8, 9)
    month_end = next(number for number in range(10, 60) if house.day(number).day == 1)
    lost(house, month_end)
    house.run_each(month_end + 1, month_end + 2)
    (document,) = {seen.document_id for key in ("s1", "s2") for seen in house.charges(key)}
    assert str(house.owed(document)) == "30.00 EUR"
    assert house.charged("line") == [("15.00", house.takes_lines)]
