"""The pages themselves: every text in every language, without scripts, with a policy that fits their one style sheet."""

import base64
import hashlib
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puntual.core.web.pages import LANGUAGES, Pages, instant_said, language_of

PAGES = Pages("https://puntual.example.com")
SELLER = {"company": "Núñez & Hijos", "ledger": "Xero"}
WORDS = {
    "connect": {**SELLER, "until": "mañana", "charges": True, "payments": True},
    "choose": {**SELLER, "state": "s", "books": (("id-1", "Uno"), ("id-2", "")), "before": "", "action": "/connect/choose"},
    "connected": {**SELLER, "whose": "Uno, S.L."},
}
SORRY = ("link", "answer", "browser", "declined", "refused", "later")
EVERY = [*WORDS.items(), *(("sorry", {"why": why}) for why in SORRY)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "words"), EVERY, ids=lambda part: str(part)[:30])
def test_a_page_has_no_script_loads_nothing_and_escapes_what_it_is_given(name, words, language):
    page = PAGES.page(name, language, **words).body.decode()
    assert page.startswith(f'<!DOCTYPE html>\n<html lang="{language}">')
    assert re.search(r"<title>.+ · Puntual</title>", page)
    assert not re.search(r"<script|<img|<link|<iframe|src=|url\(|@import|\bon\w+=|style=|javascript:", page)
    assert "Núñez & Hijos" not in page
    assert ("Núñez &amp; Hijos" in page) == ("company" in words)


def test_the_policy_allows_the_one_style_sheet_and_nothing_else():
    answer = PAGES.sorry("link", "en", 404)
    style = re.search(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)[1]
    said = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert said == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self' https:",
        "style-src": f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'",
    }
    plain = Pages("http://localhost:8080").sorry("link", "en", 404).headers["content-security-policy"]
    assert "form-action 'self' https: http:" in plain


def test_languages_say_different_words():
    texts = [PAGES.page(name, language, **words).body for name, words in EVERY for language in LANGUAGES]
    assert len(set(texts)) == len(texts) == 18


@pytest.mark.parametrize(
    ("accepted", "locale", "language"),
    [
        ("es", "", "es"),
        ("es-AR,en;q=0.9", "", "es"),
        ("en;q=0.2, es;q=0.8", "", "es"),
        ("de, en;q=0.5, es;q=0.5", "", "en"),
        ("es;q=0, en;q=0.1", "", "en"),
        ("es;q=0.000", "fr_FR", "en"),
        ("", "es_ES", "es"),
        ("*", "es_ES", "es"),
        ("de", "ca_ES", "en"),
        ("q=1;es", "", "en"),
        ("ES", "", "es"),
    ],
)
def test_which_language(accepted, locale, language):
    assert language_of(accepted, locale) == language


@given(st.text(alphabet="es-n,;q=01.* ñ", max_size=60), st.sampled_from(["", "es_MX", "x"]))
def test_any_header_leads_to_a_language_of_ours(accepted, locale):
    assert language_of(accepted, locale) in LANGUAGES


def test_an_instant_is_said_on_the_companys_wall():
    at = datetime(2026, 7, 1, 8, 5, tzinfo=UTC)
    assert instant_said(at, "Europe/Madrid", "es", "es_ES") == "1 de julio de 2026, 10:05 (hora de verano de Europa central)"
    assert instant_said(at, "Europe/London", "en", "en_GB") == "1 July 2026, 09:05 (British Summer Time)"
    assert instant_said(at, "America/New_York", "en", "es_US").startswith("July 1, 2026, 4:05")
