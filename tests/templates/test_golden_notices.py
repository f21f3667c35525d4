"""Every notice in every language, word for word. After a change: PUNTUAL_GOLDEN=write pytest tests/templates, and read the diff."""

import os
from pathlib import Path

import pytest
from news_cases import offering, telling
from notice_cases import context, golden_cases, shipped
from puntual.core.notices.render import Rendered, Renderer
from puntual.core.policy.schema import NoticeKind

GOLDEN = Path(__file__).parent / "golden"
FORMS = {"es": ("es", "usted"), "es-tu": ("es", "tu"), "en": ("en", "usted")}
CASES = ("one", "many", "instalment", "credits", "mixed")
TELLING = (NoticeKind.BEFORE_DUE, NoticeKind.SECOND, NoticeKind.FINAL)
OFFERING = (NoticeKind.BEFORE_DUE, NoticeKind.DUE)
DISCOUNTS = ("discount", "discounts")
RENDERER = Renderer(shipped)


def render(folder: str, notice: NoticeKind, case: str) -> Rendered:
    language, form = FORMS[folder]
    if case == "charges":
        return RENDERER.render(telling(notice, language, form), notice, language)
    if case in DISCOUNTS:
        return RENDERER.render(offering(notice, language, form, several=case == "discounts"), notice, language)
    act, pages = golden_cases(notice, language)[case]
    return RENDERER.render(context(act, pages, form, attached=("i1",) if case == "one" else ()), notice, language)


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("PUNTUAL_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} changed; see the top of this file"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("notice", NoticeKind, ids=str)
@pytest.mark.parametrize("folder", FORMS)
def test_the_words_of_a_notice(folder: str, notice: NoticeKind, case: str) -> None:
    message = render(folder, notice, case)
    compare(f"{folder}-{notice}-{case}.txt", f"Subject: {message.subject}\n\n{message.text}")


@pytest.mark.parametrize("notice", TELLING, ids=str)
@pytest.mark.parametrize("folder", FORMS)
def test_the_words_of_payment_codes_and_late_charges(folder: str, notice: NoticeKind) -> None:
    message = render(folder, notice, "charges")
    compare(f"{folder}-{notice}-charges.txt", f"Subject: {message.subject}\n\n{message.text}")


@pytest.mark.parametrize("case", DISCOUNTS)
@pytest.mark.parametrize("notice", OFFERING, ids=str)
@pytest.mark.parametrize("folder", FORMS)
def test_the_words_of_an_early_payment_discount(folder: str, notice: NoticeKind, case: str) -> None:
    message = render(folder, notice, case)
    compare(f"{folder}-{notice}-{case}.txt", f"Subject: {message.subject}\n\n{message.text}")


@pytest.mark.parametrize(
    ("folder", "notice", "case"),
    [
        ("es", NoticeKind.BEFORE_DUE, "discount"),
        ("en", NoticeKind.BEFORE_DUE, "discounts"),
        ("es", NoticeKind.SECOND, "charges"),
        ("es", NoticeKind.REMINDER, "one"),
        ("en", NoticeKind.SECOND, "mixed"),
        ("es-tu", NoticeKind.FINAL, "credits"),
    ],
)
def test_the_html_of_a_notice(folder: str, notice: NoticeKind, case: str) -> None:
    compare(f"{folder}-{notice}-{case}.html", render(folder, notice, case).html)


def test_no_golden_file_is_left_over() -> None:
    expected = {f"{folder}-{notice}-{case}.txt" for folder in FORMS for notice in NoticeKind for case in CASES}
    expected |= {f"{folder}-{notice}-charges.txt" for folder in FORMS for notice in TELLING}
    expected |= {f"{folder}-{notice}-{case}.txt" for folder in FORMS for notice in OFFERING for case in DISCOUNTS}
    assert {path.name for path in GOLDEN.glob("*.txt")} == expected


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_the_words_join_well(path: Path) -> None:
    text = " ".join(path.read_text(encoding="utf-8").split())
    assert [slip for slip in (",,", ",.", " ,", "..", " de el ", " a el ", "( ", " )", " 1 days", " 1 días") if slip in text] == []


@pytest.mark.parametrize("folder", FORMS)
def test_the_text_part_fits_plain_mail_programs(folder: str) -> None:
    for notice in NoticeKind:
        for case in (*CASES, "charges", *DISCOUNTS):
            lines = render(folder, notice, case).text.splitlines()
            assert [line for line in lines if len(line) > 76 and "https://" not in line] == []


@pytest.mark.parametrize("folder", FORMS)
def test_the_html_part_needs_nothing_from_elsewhere(folder: str) -> None:
    for notice in NoticeKind:
        html = render(folder, notice, "mixed").html + render(folder, notice, "charges").html
        assert f'<html lang="{FORMS[folder][0]}">' in html
        assert 'style="' in html
        assert html.count("<img") == html.count('<img src="cid:qr-eur-1.0123456789abcdef@talleresibarra.example"') == 1
        assert not any(word in html for word in ("<script", "<link", "url(", "@import", "{{", "{%"))
