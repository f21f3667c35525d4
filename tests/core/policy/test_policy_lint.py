"""Advice on what is legal and unwise, and the currencies in which nobody could pay."""

from datetime import date

import pytest
from policy.material import FOLDER, read
from puntual.core.policy.lint import missing_payment_details, warnings

CALM = """
company: {name: Acme, country: ES, locale: es_ES, time_zone: Europe/Madrid}
ledger: {type: demo, url: https://books.example, api_key: "${DEMO_API_KEY}"}
mail:
  from: cobros@acme.example
  signature: {name: Ana Ruiz}
  smtp: {host: mail.acme.example, port: 587}
mode: live
go_live: {date: 2026-01-01, old_debt: ignore}
payment_details: {EUR: {iban: ES9121000418450200051332}}
procedures:
  standard:
    levels:
      - {key: friendly, days: 1, notice: reminder}
      - {key: final, days: 30, notice: final, needs_approval: true}
customers:
  - {match: {ids: ["7"]}, exclude: {reason: agreed, until: 2026-06-30}}
guard: {max_share_of_customers: 0.5}
"""


def advice(*change, as_of=None):
    return [str(finding).partition(":")[0] for finding in warnings(read(CALM.replace(*change) if change else CALM), as_of)]


def test_a_calm_policy_gets_no_advice():
    assert advice() == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("cobros@", "no-reply@"), "mail.reply_to"),
        (("from: cobros@acme.example", "from: Acme <NoReply@acme.example>"), "mail.reply_to"),
        (("smtp: {host: mail.acme.example, port: 587}", "folder: outbox"), "mail.folder"),
        (("port: 587", "security: none, port: 25"), "mail.smtp.security"),
        (("port: 587", "port: 465"), "mail.smtp.port"),
        (("go_live: {date: 2026-01-01, old_debt: ignore}\n", ""), "go_live"),
        (("payment_details: {EUR: {iban: ES9121000418450200051332}}\n", ""), "payment_details"),
        ((", needs_approval: true", ""), "procedures.standard.levels[2]"),
        (("days: 30", "days: 3"), "procedures.standard.levels[2].days"),
        (("until: 2026-06-30", "until: 2025-06-30"), "customers[1].exclude.until"),
        (("max_share_of_customers: 0.5", "max_share_of_customers: 1.0"), "guard.max_share_of_customers"),
        (("max_share_of_customers: 0.5", "max_days_without_payment: 400"), "guard.max_days_without_payment"),
    ],
)
def test_one_unwise_key_gives_one_piece_of_advice(change, where):
    assert advice(*change) == [where]


@pytest.mark.parametrize(
    "change",
    [
        ("mode: live\ngo_live: {date: 2026-01-01, old_debt: ignore}", "mode: shadow"),
        ("mode: live", "mode: approve\npayment_links: [ledger]"),
        ("host: mail.acme.example, port: 587", "host: localhost, port: 25, security: none"),
        ("smtp: {host: mail.acme.example, port: 587}\nmode: live", "folder: outbox\nmode: shadow"),
        ("payment_details: {EUR: {iban: ES9121000418450200051332}}", "payment_links: [ledger]"),
        (", until: 2026-06-30", ""),
        ("key: final, days: 30, notice: final, needs_approval: true", "key: talk, days: 30, channel: call"),
    ],
)
def test_what_is_usual_gets_no_advice(change):
    assert advice(*change, as_of=date(2026, 1, 1)) == []


def test_an_exclusion_that_has_run_out_is_told_on_the_day_after():
    assert advice(as_of=date(2026, 6, 30)) == []
    assert advice(as_of=date(2026, 7, 1)) == ["customers[1].exclude.until"]


def test_answers_to_a_mailbox_that_is_read_are_no_matter():
    assert advice("from: cobros@", "reply_to: ana@acme.example\n  from: noreply@") == []


def test_currencies_of_the_books_without_a_way_to_pay_are_named_once_each():
    policy = read(CALM)
    assert [str(finding) for finding in missing_payment_details(policy, ["USD", "EUR", "GBP", "USD"])] == [
        "payment_details: the books have open items in GBP, but there is no way to pay in GBP (add `GBP:` with `iban`)",
        "payment_details: the books have open items in USD, but there is no way to pay in USD (add `USD:` with `iban`)",
    ]


def test_the_ledgers_own_page_is_a_way_to_pay_in_every_currency():
    assert missing_payment_details(read(CALM + "payment_links: [ledger]\n"), ["USD", "JPY"]) == []


def test_the_invoice_is_attached_where_the_ledger_can_unless_it_is_said():
    plain = (FOLDER / "good" / "minimal.yaml").read_text(encoding="utf-8")
    assert read(plain).mail.attach_invoice_pdf is None
    assert read(plain.replace("folder: outbox", "folder: outbox, attach_invoice_pdf: false")).mail.attach_invoice_pdf is False
