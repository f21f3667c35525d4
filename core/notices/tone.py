"""The tone check (docs/sources.md): courteous and factual; no blame, no emotion, no threat not carried out, nothing we do not know."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from ..money import is_currency
from ..policy.schema import NoticeKind
from .tone_phrases import ACRONYMS, PHRASES, SUGGESTION, WHY, Harm

_SHORTEST_SHOUT = 3
_LONGEST_QUOTE = 80
_CAPITALS = re.compile(r"(?<![\w./@-])[^\W\d_]+(?![\w/@-])")
_EXCLAMATION = re.compile(r"¡[^\n!¡]{0,40}!*|(?:[^\s!¡]+[ \u00a0]){0,2}[^\s!¡]*!+")


class Severity(StrEnum):
    """Whether a text may be used at all."""

    REFUSE = "refuse"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class ToneFinding:
    """A place where a text is not as it should be: the words, why they harm, and what to write instead."""

    severity: Severity
    quote: str
    why: str
    suggestion: str


def check_tone(text: str, language: str, notice: NoticeKind, *, known: Collection[str] = ()) -> list[ToneFinding]:
    """What is wrong with the tone of a text, in the order of the text. `known` are names and numbers, which are left out.

    In a final notice a threat is a warning rather than refused: only a person can know whether it will be carried out.
    """
    words = _without(unicodedata.normalize("NFC", text), known)
    found = [*_phrases(words, language.replace("_", "-").split("-")[0], notice), *_shouts(words), *_exclamations(words)]
    return [finding for _, finding in sorted(found, key=lambda place: place[0])]


def _phrases(text: str, language: str, notice: NoticeKind) -> Iterator[tuple[int, ToneFinding]]:
    plain = _plain(text)
    for harm, pattern in _patterns(language):
        for match in pattern.finditer(plain):
            quote = _quoted(text, match.span())
            yield match.start(), _harmful(harm, quote, language, notice)


def _harmful(harm: Harm, quote: str, language: str, notice: NoticeKind) -> ToneFinding:
    if harm is not Harm.THREAT:
        return ToneFinding(Severity.REFUSE, quote, WHY[harm], SUGGESTION[language][harm])
    if notice is NoticeKind.FINAL:
        return ToneFinding(Severity.WARN, quote, "it threatens; keep it only if the company really does it", SUGGESTION[language][harm])
    return ToneFinding(Severity.REFUSE, quote, f"{WHY[harm]} before the final notice", SUGGESTION[language][harm])


def _without(text: str, known: Collection[str]) -> str:
    """The text with every name masked: a law firm may be called one."""
    for name in sorted({unicodedata.normalize("NFC", name) for name in known if len(name) > 1}, key=len, reverse=True):
        spaced = r"\s+".join(map(re.escape, name.split()))
        text = re.sub(rf"(?<!\w){spaced}(?!\w)", lambda match: "•" * len(match.group()), text)
    return text


def _shouts(text: str) -> Iterator[tuple[int, ToneFinding]]:
    for match in _CAPITALS.finditer(text):
        word = match.group()
        if len(word) >= _SHORTEST_SHOUT and word.isupper() and word not in ACRONYMS and not is_currency(word):
            yield match.start(), ToneFinding(Severity.WARN, word, "capital letters shout", f"write “{word.lower()}”")


def _exclamations(text: str) -> Iterator[tuple[int, ToneFinding]]:
    for match in _EXCLAMATION.finditer(text):
        yield match.start(), ToneFinding(Severity.WARN, _quoted(text, match.span()), "an exclamation mark is loud", "end with a full stop")


def _plain(text: str) -> str:
    """The text in small letters without accents, character by character, so that places stay the same."""
    return "".join(_bare(char) for char in text)


@cache
def _bare(char: str) -> str:
    small = unicodedata.normalize("NFD", char)[0].lower()
    return small if len(small) == 1 else char


def _quoted(text: str, span: tuple[int, int]) -> str:
    quote = " ".join(text[slice(*span)].split())
    return quote if len(quote) <= _LONGEST_QUOTE else quote[: _LONGEST_QUOTE - 1] + "…"


@cache
def _patterns(language: str) -> tuple[tuple[Harm, re.Pattern[str]], ...]:
    return tuple((harm, _pattern(phrase)) for harm, phrases in PHRASES.get(language, {}).items() for phrase in phrases)


def _pattern(phrase: str) -> re.Pattern[str]:
    words = phrase.replace(" … ", r"(?:\s+\S+){0,4}?\s+").replace(" ", r"\s+")
    return re.compile(rf"(?<!\w){words}(?!\w)")
