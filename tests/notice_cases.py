"""Dated cases that the tests of notices share: one policy, a few customers, the items they owe."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from puntual.core.dunning.facts import Action, ActionItem, ActionKind, Recipient
from puntual.core.money import Money
from puntual.core.notices.context import NoticeContext, build_context
from puntual.core.policy.schema import Channel, LedgerChoice, NoticeKind, Policy
from puntual.core.receivables import CreditKind, Customer, OpenItem, UnappliedCredit
from pydantic import BaseModel


class NoSettings(BaseModel):
    """Settings of a ledger that nothing here looks at."""


TEMPLATES = Path(__file__).parents[1] / "templates"
TODAY = date(2025, 5, 13)
PAGES = {"i1": "https://pagos.example.com/f/i1?token=abc&x=1"}


def shipped(name: str) -> str | None:
    path = TEMPLATES / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@cache
def _policy(form: str) -> Policy:
    return policy(form)


def policy(form: str = "usted", **changes: Any) -> Policy:
    values: dict[str, Any] = {
        "company": {
            "name": "Talleres Ibarra, S.L.",
            "country": "ES",
            "locale": "es_ES",
            "time_zone": "Europe/Madrid",
            "form_of_address": form,
        },
        "ledger": LedgerChoice("files", NoSettings()),
        "mail": {
            "from": "Talleres Ibarra <cobros@talleresibarra.example>",
            "signature": {"name": "Lucía Ibarra", "role": "Administración", "phone": "+34 910 000 111"},
            "folder": "outbox",
        },
        "payment_details": {
            "EUR": {"iban": "ES9121000418450200051332", "bic": "CAIXESBBXXX", "bank": "CaixaBank"},
            "USD": {
                "holder": "Talleres Ibarra USD",
                "account": "000123456789",
                "bic": "CHASUS33XXX",
                "instructions": "Wire transfer, charges shared.",
            },
        },
        "procedures": {
            "standard": {
                "levels": [
                    {"key": "ahead", "days": -7, "notice": "before_due"},
                    {"key": "due", "days": 0, "notice": "due"},
                    {"key": "first", "days": 1, "notice": "reminder"},
                    {"key": "second", "days": 8, "notice": "second"},
                    {"key": "firm", "days": 20, "notice": "firm"},
                    {"key": "call", "days": 27, "channel": "call"},
                    {"key": "final", "days": 40, "notice": "final"},
                ]
            }
        },
    }
    return Policy.model_validate(values | changes, strict=False)


LEVEL_OF = {
    NoticeKind.BEFORE_DUE: ("ahead", -7),
    NoticeKind.DUE: ("due", 0),
    NoticeKind.REMINDER: ("first", 1),
    NoticeKind.SECOND: ("second", 8),
    NoticeKind.FIRM: ("firm", 20),
    NoticeKind.FINAL: ("final", 40),
    NoticeKind.SUMMARY: ("summary", 30),
}


def owed(
    number: str, due_in: int, amount: str, currency: str = "EUR", *, total: str = "", part: tuple[int, int] = (1, 1), invoice: str = ""
) -> OpenItem:
    due = TODAY + timedelta(days=due_in)
    invoice_id = invoice or f"i{number[-1]}"
    return OpenItem(
        id=f"{invoice_id}/{part[0]}",
        invoice_id=invoice_id,
        number=number,
        customer_id="c1",
        issued_on=due - timedelta(days=30),
        due_date=due,
        total=Money(Decimal(total or amount), currency),
        outstanding=Money(Decimal(amount), currency),
        ordinal=part[0],
        instalment_count=part[1],
    )


def credit(amount: str, currency: str = "EUR") -> UnappliedCredit:
    return UnappliedCredit("k1", "c1", CreditKind.CREDIT_NOTE, Money(Decimal(amount), currency), "AB-2025-004", date(2025, 4, 30))


CUSTOMER = Customer(id="c1", name="Panadería Núñez, S.L.", email="facturas@nunez.example", language="es", country="ES")
MARTA = Recipient("marta@nunez.example", "Marta Núñez", "es", "the customer's contact for invoices")


def action(
    notice: NoticeKind,
    *items: OpenItem,
    language: str = "es",
    unapplied: tuple[UnappliedCredit, ...] = (),
    customer: Customer = CUSTOMER,
    recipient: Recipient | None = MARTA,
    promises: Mapping[str, date] | None = None,
) -> Action:
    level, days = LEVEL_OF[notice]
    entries = tuple(ActionItem(item, level, days, 1, 0, TODAY, (promises or {}).get(item.number)) for item in items)
    return Action(
        ActionKind.NOTICE,
        Channel.EMAIL,
        level,
        notice,
        customer,
        entries,
        unapplied,
        recipient,
        language,
        TODAY,
        "test",
        f"key-{notice}",
    )


def context(act: Action, pages: Mapping[str, str] = PAGES, form: str = "usted", attached: tuple[str, ...] = ()) -> NoticeContext:
    return build_context(act, _policy(form), TODAY, pages, attached=attached)


AGE = {
    NoticeKind.BEFORE_DUE: 7,
    NoticeKind.DUE: 0,
    NoticeKind.REMINDER: -1,
    NoticeKind.SECOND: -8,
    NoticeKind.FIRM: -20,
    NoticeKind.FINAL: -40,
    NoticeKind.SUMMARY: -130,
}


def golden_cases(notice: NoticeKind, language: str) -> dict[str, tuple[Action, Mapping[str, str]]]:
    """The cases whose text is kept word for word."""
    age = AGE[notice]
    customer = CUSTOMER if language == "es" else replace(CUSTOMER, name="Baker & Sons Ltd", country="GB", language="en")
    who = {"language": language, "customer": customer, "recipient": MARTA if language == "es" else None}
    return {
        "one": (action(notice, owed("F-2025-0101", age, "1250.00"), **who), PAGES),
        "many": (
            action(
                notice,
                owed("F-2025-0101", age, "1250.00"),
                owed("F-2025-0102", age - 3, "80.50", total="300.00"),
                owed("F-2025-0103", age - 1, "2300.00", "USD"),
                **who,
            ),
            {},
        ),
        "instalment": (action(notice, owed("F-2025-0101", age, "400.00", part=(2, 3)), **who), {}),
        "credits": (action(notice, owed("F-2025-0101", age, "1250.00", total="2000.00"), unapplied=(credit("200.00"),), **who), PAGES),
        "mixed": (
            action(
                notice,
                owed("F-2025-0101", age - 2, "1250.00"),
                owed("F-2025-0102", 0, "80.50"),
                owed("F-2025-0103", 5, "2300.00"),
                promises={"F-2025-0101": TODAY - timedelta(days=2)},
                **who,
            ),
            {**PAGES, "i3": "https://pagos.example.com/f/i3"},
        ),
    }
