"""Whom a notice is written to, and in which language."""

from dataclasses import replace

import pytest
from dunning_cases import GOMEZ, owing, policy
from puntual.core.dunning.facts import CustomerFacts, Recipient
from puntual.core.dunning.recipients import base_language, language_of, recipient_of
from puntual.core.receivables import Contact, ContactRole, Customer

EVA = Contact("eva", "Eva", "eva@gomez.example", role=ContactRole.INVOICE)
LUIS = Contact("luis", "Luis", "luis@gomez.example", role=ContactRole.ACCOUNTS_PAYABLE)
LEA = Contact("lea", "Lea", "lea@gomez.example", role=ContactRole.ESCALATION)
PARENT = Customer("grupo", "Grupo", "central@grupo.example", contacts=(replace(EVA, id="gerente", email="gerente@grupo.example"),))
ALL = ["document", "invoice", "accounts_payable", "general", "parent"]


def found(facts: CustomerFacts, ladder: list[str] | None = None, addressed_to: str = "") -> tuple[str, str] | None:
    recipient = recipient_of(facts, iter([addressed_to, ""]), policy(recipients=ladder or ALL))
    return (recipient.email, recipient.found_as) if recipient else None


FACTS = replace(owing(customer=replace(GOMEZ, contacts=(EVA, LUIS, LEA))), parent=PARENT)


@pytest.mark.parametrize(
    ("ladder", "addressed_to", "expected"),
    [
        (ALL, "lea", ("lea@gomez.example", "document")),
        (ALL, "", ("eva@gomez.example", "invoice")),
        (ALL, "nobody", ("eva@gomez.example", "invoice")),
        (ALL, "mailto:facturas@gomez.example", ("facturas@gomez.example", "document")),
        (ALL, "mailto:no address", ("eva@gomez.example", "invoice")),
        (["invoice"], "mailto:facturas@gomez.example", ("eva@gomez.example", "invoice")),
        (["accounts_payable", "invoice"], "", ("luis@gomez.example", "accounts_payable")),
        (["general"], "", ("pagos@gomez.example", "general")),
        (["escalation", "general"], "", ("lea@gomez.example", "escalation")),
        (["parent"], "", ("gerente@grupo.example", "parent")),
    ],
)
def test_the_first_rung_with_an_address(ladder: list[str], addressed_to: str, expected: tuple[str, str]) -> None:
    assert found(FACTS, ladder, addressed_to) == expected


def test_a_refused_address_is_passed_over_however_it_is_written() -> None:
    refused = frozenset({"eva@gomez.example", "luis@gomez.example"})
    facts = replace(
        FACTS, customer=replace(FACTS.customer, contacts=(replace(EVA, email="EVA@Gomez.example"), LUIS)), bad_addresses=refused
    )
    assert found(facts) == ("pagos@gomez.example", "general")
    facts = replace(facts, bad_addresses=refused | {"pagos@gomez.example", "gerente@grupo.example"})
    assert found(facts) == ("central@grupo.example", "parent")
    assert found(replace(facts, parent=None)) is None


@pytest.mark.parametrize(
    "email",
    [
        "",
        "gomez",
        "@gomez.example",
        "gomez@",
        "a@b",
        "a@b.",
        "a@.b",
        "a@b..c",
        ".a@b.es",
        "a b@c.es",
        "a@b.es, c@d.es",
        "a@b@c.es",
        "a@b.es\r\nBcc: x@y.es",
        "<a@b.es>",
    ],
)
def test_what_is_no_address_is_nobody(email: str) -> None:
    assert found(owing(customer=replace(GOMEZ, email=email))) is None


@pytest.mark.parametrize("email", ["o'hara+cobros@sub.gomez.example", "josé@peñafiel.example", "a@xn--pea-6ma.example"])
def test_what_is_an_address(email: str) -> None:
    assert found(owing(customer=replace(GOMEZ, email=email))) == (email, "general")


@pytest.mark.parametrize(
    ("recipient", "customer", "company", "language"),
    [
        ("en-GB", "es", "es_ES", "en"),
        ("", "en_US", "es_ES", "en"),
        ("fr", "de", "es_MX", "es"),
        ("", "", "es_ES", "es"),
        ("fr", "fr", "en_GB", "en"),
    ],
)
def test_the_language(recipient: str, customer: str, company: str, language: str) -> None:
    by = policy(company__locale=company)
    assert language_of(replace(GOMEZ, language=customer), Recipient("a@b.es", "", recipient, "general"), by) == language
    if not recipient:
        assert language_of(replace(GOMEZ, language=customer), None, by) == language


def test_base_language() -> None:
    assert [base_language(tag) for tag in ("es-MX", "es_ES", "EN", "")] == ["es", "es", "en", ""]
