"""Which way to pay is offered for which money: the references, the account of that very currency, and the policy's order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puntual.core.errors import AuthorizationExpired, CompanyMustAct, TryLater
from puntual.core.money import Money
from puntual.core.payment_links.account import Address, BankAccount
from puntual.core.payment_links.choice import LinkRule, choose, offers
from puntual.core.payment_links.ledger import LedgerPages
from puntual.core.payment_links.port import (
    BeingPaid,
    EndedLink,
    LinkEnd,
    LinkKind,
    LinkRequest,
    PaymentLink,
    PaymentLinkProvider,
    QrStandard,
    Unavailable,
)
from puntual.core.payment_links.references import creditor_reference, is_qr_iban, qr_reference
from puntual.core.payment_links.transfer import BankTransfers
from puntual.core.payment_links.words import ended

EURO = BankAccount("EUR", "Soler Hermanos, S.L.", "ES9121000418450200051332")
FRANC = BankAccount("CHF", "Soler AG", "CH5800791123000889012", address=Address(postcode="2501", town="Biel", country="CH"))
SWISS_EURO = replace(FRANC, currency="EUR", bic="UBSWCHZH80A")
DOLLAR = BankAccount("USD", "Soler Hermanos, S.L.", account="000123456")
ACCOUNTS = {"EUR": EURO, "CHF": FRANC, "USD": DOLLAR}
RF = "RF18539007547034"


def request(amount: str = "1250.00", currency: str = "EUR", **changes: object) -> LinkRequest:
    asked = LinkRequest("inv1/1", "soler", "inv1", "F-2026-17", Money.of(amount, currency), "F-2026-17")
    return replace(asked, **changes)


# --- references -------------------------------------------------------------------------------------------------------------------

MODULO_10 = [[0, 9, 4, 6, 8, 2, 7, 1, 3, 5]]
for _row in range(9):
    MODULO_10.append([*MODULO_10[-1][1:], MODULO_10[-1][0]])


def check_digit(digits: str) -> str:
    """The table of the guidelines' annex B, row by row, where the library has a formula."""
    carry = 0
    for digit in digits:
        carry = MODULO_10[carry][int(digit)]
    return str((10 - carry) % 10)


@given(st.integers(min_value=1, max_value=10**26 - 1), st.integers(min_value=0, max_value=26), st.integers(min_value=1, max_value=9))
def test_a_qr_reference_has_its_check_digit_and_one_wrong_digit_is_seen(number: int, place: int, add: int) -> None:
    digits = f"{number:026d}"
    reference = digits + check_digit(digits)
    assert qr_reference(f" {reference[:2]} {reference[2:]} ") == reference
    wrong = reference[:place] + str((int(reference[place]) + add) % 10) + reference[place + 1 :]
    assert qr_reference(wrong) == ""


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=21), st.integers(min_value=1, max_value=96))
def test_a_creditor_reference_has_its_check_digits_and_no_others(text: str, off: int) -> None:
    as_number = int("".join(str(int(character, 36)) for character in f"{text}RF00"))
    digits = 98 - as_number % 97
    assert creditor_reference(f"rf{digits:02d} {text.lower()}") == f"RF{digits:02d}{text}"
    wrong = (digits - 2 + off) % 97 + 2
    assert creditor_reference(f"RF{wrong:02d}{text}") == ""


@pytest.mark.parametrize(
    "text", ["", "F-2026-17", "RF18", "RF18-5390-0754-7034", "RF18539007547034" + "0" * 22, "PO 4711", "ＲＦ18539007547034"]
)
def test_what_people_write_is_no_reference(text: str) -> None:
    assert (creditor_reference(text), qr_reference(text)) == ("", "")


def test_published_references() -> None:
    assert creditor_reference("RF18 5390 0754 7034") == RF
    assert qr_reference("21 00000 00003 13947 14300 09017") == "210000000003139471430009017"


@pytest.mark.parametrize(
    ("iban", "is_one"),
    [
        ("CH4431999123000889012", True),
        ("LI4430000123000889012", True),
        ("CH5800791123000889012", False),
        ("CH0029999000000000000", False),
        ("CH0032000000000000000", False),
        ("DE44319991230008890123", False),
        ("", False),
    ],
)
def test_a_qr_iban_is_known_by_its_institution(iban: str, is_one: bool) -> None:
    assert is_qr_iban(iban) is is_one


# --- bank transfer ------------------------------------------------------------------------------------------------------------------


def transfer(asked: LinkRequest, accounts: Mapping[str, BankAccount] = ACCOUNTS) -> PaymentLink:
    (answer,) = BankTransfers(accounts).links([asked]).values()
    assert isinstance(answer, PaymentLink)
    assert BankTransfers(accounts).can_pay(asked) is None
    return answer


@pytest.mark.parametrize(("currency", "iban"), [("EUR", EURO.iban), ("CHF", FRANC.iban)])
def test_each_currency_has_its_own_account(currency: str, iban: str) -> None:
    qr = transfer(request(currency=currency)).qr
    assert qr is not None
    assert [line for line in qr.text.split("\n") if line in (EURO.iban, FRANC.iban)] == [iban]


@pytest.mark.parametrize(
    ("accounts", "reason"),
    [
        ({"CHF": FRANC, "USD": DOLLAR}, "no account for EUR"),
        ({"EUR": FRANC}, "no account for EUR"),
        ({"EUR": replace(EURO, iban="")}, "neither IBAN nor number"),
        ({"EUR": replace(EURO, iban="", account="123")}, "no IBAN for EUR"),
    ],
)
def test_the_account_of_another_currency_is_never_used(accounts: dict[str, BankAccount], reason: str) -> None:
    provider = BankTransfers(accounts)
    answer = provider.links([request()])["inv1/1"]
    assert isinstance(answer, Unavailable)
    assert reason in answer.reason
    assert provider.can_pay(request()) == answer.reason


@pytest.mark.parametrize(
    ("account", "country", "standard"),
    [
        (EURO, "ES", QrStandard.EPC),
        (EURO, "CH", QrStandard.EPC),
        (SWISS_EURO, "CH", QrStandard.SWISS),
        (SWISS_EURO, "LI", QrStandard.SWISS),
        (SWISS_EURO, "DE", QrStandard.EPC),
        (SWISS_EURO, "", QrStandard.EPC),
    ],
)
def test_euros_are_coded_for_the_bank_of_the_payer(account: BankAccount, country: str, standard: QrStandard) -> None:
    qr = transfer(request(customer_country=country), {"EUR": account}).qr
    assert qr is not None
    assert qr.standard is standard


def test_a_currency_without_a_standard_is_paid_by_hand() -> None:
    link = transfer(request(currency="USD"))
    assert (link.qr, link.reference, link.url, link.kind, link.expires_at) == (None, "F-2026-17", "", LinkKind.TRANSFER, None)


def test_what_to_write_is_what_the_code_says() -> None:
    assert transfer(request()).reference == "F-2026-17"
    assert transfer(request(creditor_reference="RF18 5390 0754 7034")).reference == RF
    assert transfer(request(currency="CHF", creditor_reference=RF)).reference == RF
    assert transfer(request(creditor_reference="210000000003139471430009017")).reference == "F-2026-17", "not known outside Switzerland"
    qr_account = {"CHF": replace(FRANC, iban="CH4431999123000889012")}
    asked = request(currency="CHF", creditor_reference="21 00000 00003 13947 14300 09017")
    assert transfer(asked, qr_account).reference == "210000000003139471430009017"


def test_one_transfer_may_pay_several_invoices() -> None:
    link = transfer(request(invoice_id="", remittance="F-17, F-18 +1"))
    assert link.qr is not None
    assert link.qr.text.endswith("\nF-17, F-18 +1")


# --- the ledger's page --------------------------------------------------------------------------------------------------------------


def test_the_ledger_is_asked_once_for_the_pages_that_are_missing() -> None:
    asked: list[Sequence[str]] = []

    def ask(invoice_ids: Sequence[str]) -> Mapping[str, str]:
        asked.append(invoice_ids)
        return {"inv2": "https://books.example/2"}

    known = request(page_url="https://books.example/1")
    wanted = [known, *(request(key=f"inv{n}/{part}", invoice_id=f"inv{n}") for n, part in ((2, 1), (2, 2), (3, 1)))]
    answers = LedgerPages(ask).links(wanted)
    assert asked == [["inv2", "inv3"]]
    urls = {key: answer.url for key, answer in answers.items() if isinstance(answer, PaymentLink)}
    assert urls == {"inv1/1": "https://books.example/1", "inv2/1": "https://books.example/2", "inv2/2": "https://books.example/2"}
    assert answers["inv3/1"] == Unavailable("ledger", "the ledger has no page for this invoice")


def test_a_ledger_that_makes_no_pages_gives_those_it_has() -> None:
    provider = LedgerPages(None)
    assert provider.can_pay(request()) == "the ledger has no page for this invoice"
    assert provider.can_pay(request(page_url="https://books.example/1")) is None
    assert provider.can_pay(request(invoice_id="")) == "the ledger's page shows one invoice at a time"


def test_nothing_is_taken_back_where_it_cannot_be() -> None:
    gone = [EndedLink("inv1", LinkEnd.PAID)]
    assert LedgerPages(None).retire(gone) == BankTransfers(ACCOUNTS).retire(gone) == frozenset()


# --- the policy's order -------------------------------------------------------------------------------------------------------------


class Scripted:
    """A provider of pages that answers what it is told to, or raises it."""

    kind = LinkKind.PAGE

    def __init__(self, name: str, answer: str | Exception = "", against: str | None = None) -> None:
        self.id, self.answer, self.against, self.asked = name, answer, against, 0

    def can_pay(self, request: LinkRequest) -> str | None:
        return self.against

    def links(self, requests: Sequence[LinkRequest]) -> Mapping[str, PaymentLink | Unavailable]:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        link = PaymentLink(f"https://{self.id}.example", self.kind, None, None, self.id, "1")
        return {r.key: Unavailable(self.id, self.answer) if self.answer else link for r in requests}

    def being_paid(self, requests: Sequence[LinkRequest]) -> Mapping[str, BeingPaid]:
        return {}

    def retire(self, ended: Sequence[EndedLink]) -> frozenset[str]:
        return frozenset()


def by_id(*providers: PaymentLinkProvider) -> dict[str, PaymentLinkProvider]:
    return {provider.id: provider for provider in providers}


CARD_LIMIT = LinkRule("card", frozenset({"EUR"}), {"EUR": Money.of(10, "EUR")}, {"EUR": Money.of(5000, "EUR")})
RULES = [CARD_LIMIT, LinkRule("ledger")]


@pytest.mark.parametrize(
    ("amount", "currency", "chosen", "why"),
    [
        ("1250", "EUR", "card", []),
        ("10", "EUR", "card", []),
        ("5000", "EUR", "card", []),
        ("9.99", "EUR", "ledger", ["not used below 10.00 EUR"]),
        ("5000.01", "EUR", "ledger", ["not used above 5000.00 EUR"]),
        ("1250", "USD", "ledger", ["not used for USD"]),
    ],
)
def test_the_first_that_serves_this_currency_and_amount(amount: str, currency: str, chosen: str, why: list[str]) -> None:
    choice = choose(request(amount, currency), RULES, by_id(Scripted("card"), Scripted("ledger")), LinkKind.PAGE)
    assert choice.rule is not None
    assert (choice.rule.provider, [passed.reason for passed in choice.passed_over]) == (chosen, why)


def test_the_order_of_the_policy_decides_and_each_reason_is_kept() -> None:
    providers = by_id(Scripted("card"), Scripted("ledger"))
    first = choose(request(), list(reversed(RULES)), providers, LinkKind.PAGE)
    assert first.rule == LinkRule("ledger")
    none = choose(request("1"), RULES, by_id(Scripted("card"), Scripted("ledger", against="no page")), LinkKind.PAGE)
    assert (none.rule, none.passed_over) == (None, (Unavailable("card", "not used below 10.00 EUR"), Unavailable("ledger", "no page")))
    assert choose(request(), RULES, providers, LinkKind.TRANSFER) == choose(request(), [], providers, LinkKind.TRANSFER)


def test_a_notice_offers_one_page_and_one_transfer() -> None:
    card, ledger, bank = Scripted("card"), Scripted("ledger"), BankTransfers(ACCOUNTS)
    asked = [request(), request("9", key="inv2/1"), request(currency="GBP", key="inv3/1")]
    found = offers(asked, [LinkRule("bank_transfer"), *RULES], by_id(card, ledger, bank))
    assert {key: (offer.page and offer.page.provider, bool(offer.transfer)) for key, offer in found.items()} == {
        "inv1/1": ("card", True),
        "inv2/1": ("ledger", True),
        "inv3/1": ("ledger", False),
    }
    assert (card.asked, ledger.asked) == (1, 1), "one question each for all that it serves"
    assert [passed.reason for passed in found["inv3/1"].passed_over] == ["not used for GBP", "the policy names no account for GBP"]


@pytest.mark.parametrize("answer", ["refused", TryLater("no answer")])
def test_where_one_gives_no_link_the_next_is_asked(answer: str | Exception) -> None:
    found = offers([request()], RULES, by_id(Scripted("card", answer), Scripted("ledger")))["inv1/1"]
    assert found.page is not None
    assert found.page.provider == "ledger"
    assert [passed.provider for passed in found.passed_over] == ["card"]
    assert found.passed_over[0].reason in ("refused", "no answer")


def test_what_a_person_must_mend_is_not_hidden() -> None:
    with pytest.raises(CompanyMustAct):
        offers([request()], RULES, by_id(Scripted("card", AuthorizationExpired("key")), Scripted("ledger")))


def test_no_rule_no_link() -> None:
    assert offers([request()], [], {})["inv1/1"].page is None


@pytest.mark.parametrize(
    ("language", "begins"), [("es-MX", "Esta factura"), ("en_GB", "This invoice"), ("ca", "This invoice"), ("", "This")]
)
def test_an_ended_link_speaks_the_customers_language(language: str, begins: str) -> None:
    assert ended(LinkEnd.PAID, language).startswith(begins)
    assert len({ended(why, language) for why in LinkEnd}) == len(LinkEnd)
