"""Payment codes: what they say, by the published examples, and that a scanner reads exactly that from their pictures."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import segno
import segno.helpers
from hypothesis import given, settings
from hypothesis import strategies as st
from puntual.core.money import Money
from puntual.core.payment_links.account import Address, BankAccount, NotPossible
from puntual.core.payment_links.epc import epc_text
from puntual.core.payment_links.pictures import png, svg
from puntual.core.payment_links.port import QrPayload, QrStandard
from puntual.core.payment_links.swiss import swiss_text
from qr_pictures import Read, read_png, read_svg

# EPC069-12 version 3.1, section 2.3, second example.
ALSACE = BankAccount("EUR", "François D'Alsace S.A.", "FR1420041010050500013M02606")
ALSACE_TEXT = "BCD\n002\n1\nSCT\n\nFrançois D'Alsace S.A.\nFR1420041010050500013M02606\nEUR12.3\n\n\nClient:Marie Louise La Lune"
# SIX, Swiss Implementation Guidelines QR-bill, annex A, example with QR reference; ours name no debtor and no further schemes.
SCHNEIDER = BankAccount("CHF", "Robert Schneider AG", "CH4431999123000889012", address=Address("Rue du Lac", "1268", "2501", "Biel", "CH"))
PLAIN = replace(SCHNEIDER, iban="CH5800791123000889012")
QRR, SCOR = "210000000003139471430009017", "RF18539007547034"
SCHNEIDER_HEAD = "SPC\n0200\n1\n{}\nS\nRobert Schneider AG\nRue du Lac\n1268\n2501\nBiel\nCH\n\n\n\n\n\n\n\n{}\nCHF\n\n\n\n\n\n\n\n"
LONGEST_SWISS = replace(PLAIN, holder="ä" * 70, address=Address("ö" * 70, "ü" * 16, "9" * 16, "é" * 35, "CH"))


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def chf(amount: str) -> Money:
    return Money.of(amount, "CHF")


def test_the_sepa_example_of_the_guidelines() -> None:
    assert epc_text(ALSACE, eur("12.30"), "Client:Marie Louise La Lune") == ALSACE_TEXT


@pytest.mark.parametrize(
    ("account", "amount", "text", "reference"),
    [
        (ALSACE, "12.30", "Client:Marie Louise La Lune", ""),
        (BankAccount("EUR", "Soler Hermanos, S.L.", "ES9121000418450200051332", "CAIXESBBXXX"), "100.00", "", SCOR),
        (BankAccount("EUR", "Müller & Söhne", "DE89370400440532013000"), "999999999.99", "Rechnung 2026/17", ""),
        (BankAccount("EUR", "A", "NL91ABNA0417164300"), "0.01", "x" * 140, ""),
    ],
)
def test_another_maker_of_sepa_codes_makes_the_same(account: BankAccount, amount: str, text: str, reference: str) -> None:
    theirs = segno.helpers.make_epc_qr(account.holder, account.iban, amount, text, reference, account.bic, encoding="utf-8")
    ours = epc_text(account, eur(amount), text, reference)
    assert segno.make_qr(ours.encode(), error="m", boost_error=False) == theirs


def test_a_structured_reference_takes_the_place_of_the_text() -> None:
    elements = epc_text(ALSACE, eur("7"), "F-2026-17", "rf18 5390 0754 7034").split("\n")
    assert elements[7:] == ["EUR7", "", "RF18539007547034"]
    assert epc_text(ALSACE, eur("7"), "F-2026-17", "RF19539007547034").split("\n")[8:] == ["", "", "F-2026-17"]


@pytest.mark.parametrize(
    ("changes", "amount", "text", "reason"),
    [
        ({"iban": ""}, "1", "x", "there is no IBAN"),
        ({"iban": "FR1420041010050500013M02607"}, "1", "x", "check digits"),
        ({"iban": "SA0380000000608010167519"}, "1", "x", "SA cannot be paid by SEPA"),
        ({"iban": "CH5800791123000889012"}, "1", "x", "the BIC is missing"),
        ({"iban": "GB33BUKB20201555555555"}, "1", "x", "the BIC is missing"),
        ({"iban": SCHNEIDER.iban, "bic": "POFICHBEXXX"}, "1", "x", "QR-IBAN"),
        ({"bic": "ABC"}, "1", "x", "BIC for EUR is none"),
        ({"holder": ""}, "1", "x", "holder is missing"),
        ({"holder": "x" * 71}, "1", "x", "longer than 70"),
        ({"holder": "Soler\nHermanos"}, "1", "x", "line break"),
        ({"holder": "Soler\u200b"}, "1", "x", "invisible"),
        ({"holder": "Soler "}, "1", "x", "blank"),
        ({}, "1", "", "remittance information is missing"),
        ({}, "1", "x" * 141, "longer than 140"),
        ({}, "0", "x", "not between"),
        ({}, "1000000000", "x", "not between"),
        ({"holder": "ß" * 70}, "1", "ß" * 140, "bytes"),
        ({"currency": "CHF"}, "1", "x", "euros only"),
    ],
)
def test_a_wrong_sepa_code_is_never_made(changes: dict[str, str], amount: str, text: str, reason: str) -> None:
    with pytest.raises(NotPossible, match=reason):
        epc_text(replace(ALSACE, **changes), eur(amount), text)


def test_outside_the_eea_the_bic_goes_along() -> None:
    account = replace(ALSACE, iban="GB33BUKB20201555555555", bic="BUKBGB22XXX")
    assert epc_text(account, eur("1"), "x").split("\n")[4] == "BUKBGB22XXX"


def test_the_swiss_examples_of_the_guidelines() -> None:
    head = SCHNEIDER_HEAD.format("CH4431999123000889012", "1949.75")
    assert swiss_text(SCHNEIDER, chf("1949.75"), "Order dated 18.06.2020", QRR) == f"{head}QRR\n{QRR}\nOrder dated 18.06.2020\nEPD"
    head = SCHNEIDER_HEAD.format("CH5800791123000889012", "199.95")
    assert swiss_text(PLAIN, chf("199.95"), "", SCOR) == f"{head}SCOR\n{SCOR}\n\nEPD"
    head = SCHNEIDER_HEAD.format("CH5800791123000889012", "3949.75")
    message = "Bill no. 3139 for gardening work and disposal of waste material"
    assert swiss_text(PLAIN, chf("3949.75"), message) == f"{head}NON\n\n{message}\nEPD"


def test_a_swiss_code_has_each_element_on_its_line() -> None:
    lines = swiss_text(replace(PLAIN, currency="EUR"), eur("0.5"), "F-1").split("\n")
    assert len(lines) == 31
    assert (lines[18], lines[19], lines[30]) == ("0.50", "EUR", "EPD")


@pytest.mark.parametrize(
    ("changes", "reference", "reason"),
    [
        ({"iban": SCHNEIDER.iban}, "", "needs a QR reference"),
        ({"iban": SCHNEIDER.iban}, SCOR, "needs a QR reference"),
        ({"iban": SCHNEIDER.iban}, "210000000003139471430009018", "needs a QR reference"),
        ({"iban": SCHNEIDER.iban}, "0" * 27, "needs a QR reference"),
        ({"iban": "FR1420041010050500013M02606"}, "", "Switzerland or Liechtenstein"),
        ({"iban": "CH5800791123000889013"}, "", "check digits"),
        ({"iban": ""}, "", "no IBAN for CHF"),
        ({"currency": "USD"}, "", "CHF and EUR"),
        ({"address": None}, "", "country of the account holder is missing"),
        ({"address": Address(postcode="2501", town="Biel", country="Schweiz")}, "", "country"),
        ({"address": Address(postcode="2501", country="CH")}, "", "town of the account holder is missing"),
        ({"address": Address(town="Biel", country="CH")}, "", "postcode of the account holder is missing"),
        ({"holder": "Роберт"}, "", "which a Swiss QR-bill does not know"),
        ({"holder": "x" * 71}, "", "longer than 70"),
    ],
)
def test_a_wrong_swiss_code_is_never_made(changes: dict[str, object], reference: str, reason: str) -> None:
    with pytest.raises(NotPossible, match=reason):
        swiss_text(replace(PLAIN, **changes), chf("10"), "F-1", reference)


def test_street_and_number_may_be_missing() -> None:
    account = replace(PLAIN, address=Address(postcode="3000", town="Bern", country="CH"))
    assert swiss_text(account, chf("10"), "F-1").split("\n")[4:11] == ["S", "Robert Schneider AG", "", "", "3000", "Bern", "CH"]


READERS = {
    "png": lambda payload: read_png(png(payload)),
    "small png": lambda payload: read_png(png(payload, 3)),
    "svg": lambda p: read_svg(svg(p)),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    "payload",
    [
        QrPayload(QrStandard.EPC, ALSACE_TEXT),
        QrPayload(QrStandard.EPC, epc_text(replace(ALSACE, holder="ñ" * 70), eur("999999999.99"), "x" * 100)),
        QrPayload(QrStandard.SWISS, swiss_text(SCHNEIDER, chf("1949.75"), "Order dated 18.06.2020", QRR)),
        QrPayload(QrStandard.SWISS, swiss_text(LONGEST_SWISS, chf("999999999.99"), "ő" * 140, SCOR)),
    ],
    ids=["sepa", "longest sepa", "swiss", "longest swiss"],
)
def test_a_scanner_reads_what_the_standard_says(payload: QrPayload, read: Callable[[QrPayload], Read]) -> None:
    seen = read(payload)
    assert (seen.text, seen.level) == (payload.text, "M")


def test_the_swiss_cross_is_in_the_middle_and_as_large_as_prescribed() -> None:
    payload = QrPayload(QrStandard.SWISS, swiss_text(SCHNEIDER, chf("1949.75"), "Order dated 18.06.2020", QRR))
    scale = 23
    rows = read_png(png(payload, scale)).rows
    modules = 53  # version 9
    border = (len(rows) // scale - modules) // 2
    assert border * 46 >= 5 * modules, "at least 5 mm stay white around it"

    def at(x_mm: float, y_mm: float) -> int:
        return rows[round((border + y_mm * modules / 46) * scale)][round((border + x_mm * modules / 46) * scale)]

    white, black = 255, 0
    assert [at(23 + d, 23) for d in (-3.3, -2.5, 0, 2.5, 3.3)] == [white, black, white, black, white]
    assert [at(23, 23 + d) for d in (-3.3, -2.5, 0, 2.5, 3.3)] == [white, black, white, black, white]
    assert [at(23 + d, 23 + d) for d in (-2.9, -1, 1, 2.9)] == [black] * 4
    assert {at(23 + x / 10, 23 - 3.3) for x in range(-33, 34)} == {white}


@pytest.mark.parametrize("length", range(1, 60, 6))
def test_the_error_correction_is_m_however_much_room_is_left(length: int) -> None:
    assert read_png(png(QrPayload(QrStandard.EPC, "BCD\n" + "x" * length))).level == "M"


def test_a_sepa_code_has_no_cross_and_four_modules_of_margin() -> None:
    payload = QrPayload(QrStandard.EPC, ALSACE_TEXT)
    assert b"<rect" not in svg(payload)
    assert read_png(png(payload, 5)).margin == 4 * 5


def test_what_is_too_long_for_the_standard_is_not_drawn() -> None:
    for standard, length in ((QrStandard.EPC, 332), (QrStandard.SWISS, 998)):
        assert png(QrPayload(standard, "é" * ((length - 1) // 2)))
        with pytest.raises(NotPossible, match="larger than version"):
            svg(QrPayload(standard, "x" * length))


LATIN = st.characters(min_codepoint=0x21, max_codepoint=0x17F, exclude_categories=("Cc", "Cf", "Zs"))


@settings(max_examples=25, deadline=None)
@given(
    st.text(LATIN, min_size=1, max_size=70),
    st.integers(min_value=1, max_value=99_999_999_999),
    st.text(LATIN, min_size=1, max_size=60),
)
def test_whatever_it_says_is_read_back(holder: str, cents: int, text: str) -> None:
    amount = Money.from_minor(cents, "EUR")
    content = epc_text(replace(ALSACE, holder=holder), amount, text)
    assert read_png(png(QrPayload(QrStandard.EPC, content), 4)).text == content
    assert Money.of(content.split("\n")[7].removeprefix("EUR"), "EUR") == amount
