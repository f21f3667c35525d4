"""From words to a message: subject, plain text and HTML of one notice.

For a notice in a language there are two templates, `<language>/<notice>.subject` and `<language>/<notice>.txt`. The `.txt` fills the
blocks of a layout and serves both parts, so that both always say the same; `layout.txt` and `layout.html` decide how it looks,
`<language>/words.txt` holds the words that all notices share. A `<language>/<notice>.html`, where there is one, replaces the HTML part; a
`.txt` that fills no layout is a whole letter and stands in the HTML part as it is. Folders such as `es-tu` come before `es` when the
policy's form of address says so, and hold only what differs.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from types import SimpleNamespace, TracebackType
from typing import Any, NoReturn

from css_inline import CSSInliner
from jinja2 import Template, TemplateError, TemplateNotFound, TemplateSyntaxError, nodes

from ..errors import PolicyProblem
from ..policy.schema import NoticeKind
from .context import VALUES, NoticeContext
from .display import clean
from .sandbox import Lookup, TemplateSandbox, sandbox

LONGEST_PART = 500_000
"""Characters; a text beyond this is a template gone wrong, not a letter."""

_LONGEST_SUBJECT = 180
_TEMPLATE_MISTAKES = (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)
_UNKNOWN_WORD = re.compile(r"'(\w+)' is undefined|(?:no attribute|no element) '(\w+)'|attribute '(\w+)' of .* unsafe")
_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_HIDDEN = re.compile(r"<!--j(\d+)j-->|j(\d+)jj")
KNOWN_WORDS = frozenset(field.name for kind in VALUES for field in fields(kind))
"""Every name of a value that a template may use."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to be put into an envelope. The subject is one line."""

    subject: str
    text: str
    html: str


def inlined(name: str, source: str) -> str:
    """An HTML template with its style sheet moved into the elements, once and before any value is known; other templates as they are.

    The parser must not move template tags out of tables, so they travel as comments. Rules for phones and dark mode stay in the head.
    """
    if not name.endswith(".html") or "<style" not in source:
        return source
    kept: list[str] = []

    def keep(mark: str) -> Any:
        def hide(match: re.Match[str]) -> str:
            kept.append(match.group())
            return mark.format(len(kept) - 1)

        return hide

    hidden = _VALUE.sub(keep("j{}jj"), _TAG.sub(keep("<!--j{}j-->"), source))
    styled = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False).inline(hidden)
    return _HIDDEN.sub(lambda match: kept[int(match.group(1) or match.group(2))], styled)


class Renderer:
    """Renders notices with templates that `lookup(name)` returns as text, or None where there is none. Keeps what it has compiled."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._text = sandbox(self._source, html=False)
        self._html = sandbox(self._source, html=True, prepare=inlined)
        self._sources: dict[str, str | None] = {}
        self._words: dict[tuple[tuple[str, ...], bool], SimpleNamespace] = {}
        self._fills_layout: dict[str, bool] = {}

    def render(self, context: NoticeContext, notice: NoticeKind, language: str) -> Rendered:
        """The message in that language. Raises PolicyProblem with template file and line when a template is missing or wrong."""
        folders = folders_of(language, context.form_of_address)
        values = {field: getattr(context, field) for field in _CONTEXT_FIELDS} | {"notice": notice.value, "whole_text": ""}
        name = self._find(folders, f"{notice.value}.txt")
        return Rendered(
            subject=self._subject(self._find(folders, f"{notice.value}.subject"), folders, values),
            text=_tidy(self._part(self._text, name, folders, values, "layout.txt")),
            html=self._html_part(name, folders, values, notice),
        )

    def speaks(self, language: str, form_of_address: str = "usted") -> bool:
        """Whether there is a text for every notice in this language."""
        folders = folders_of(language, form_of_address)
        return all(self.file_of(folders, f"{notice.value}.{part}") for notice in NoticeKind for part in ("subject", "txt"))

    def file_of(self, folders: tuple[str, ...], name: str) -> str:
        """The first template of that name in the folders, empty when there is none."""
        return next((f"{folder}/{name}" for folder in folders if self._source(f"{folder}/{name}") is not None), "")

    def files_of(self, notice: NoticeKind, language: str, form_of_address: str) -> tuple[str, ...]:
        """Every template file that is used for a notice, the layouts among them."""
        folders = folders_of(language, form_of_address)
        own = (self.file_of(folders, f"{notice.value}.{part}") for part in ("subject", "txt", "html"))
        words = (f"{folder}/words.txt" for folder in folders if self._source(f"{folder}/words.txt") is not None)
        return tuple(name for name in (*own, *words, "layout.txt", "layout.html") if name)

    def parsed(self, name: str) -> nodes.Template:
        """The syntax tree of a template, for checks. Raises PolicyProblem when it cannot be read."""
        try:
            return self._text.parse(self._source(name) or "", name)
        except TemplateSyntaxError as error:
            _blame(error, name, KNOWN_WORDS)

    def words_of(self, language: str, form_of_address: str) -> frozenset[str]:
        """The names of the words that the notices of a language share."""
        return frozenset(vars(self._words_in(self._text, folders_of(language, form_of_address))))

    def _source(self, name: str) -> str | None:
        if name not in self._sources:
            self._sources[name] = self._lookup(name)
        return self._sources[name]

    def _find(self, folders: tuple[str, ...], name: str) -> str:
        found = self.file_of(folders, name)
        if not found:
            raise PolicyProblem(
                f"There is no template {folders[-1]}/{name}", hint=f"Add {folders[-1]}/{name} to the policy's templates folder"
            )
        return found

    def _subject(self, name: str, folders: tuple[str, ...], values: dict[str, Any]) -> str:
        subject = clean(self._part(self._text, name, folders, values, "layout.txt"))[:_LONGEST_SUBJECT]
        if not subject:
            raise PolicyProblem(f"{name}:1: the subject is empty")
        return subject

    def _html_part(self, text_name: str, folders: tuple[str, ...], values: dict[str, Any], notice: NoticeKind) -> str:
        own = self.file_of(folders, f"{notice.value}.html")
        if own or self._fills(text_name):
            return self._part(self._html, own or text_name, folders, values, "layout.html")
        whole = _tidy(self._part(self._text, text_name, folders, values, "layout.txt"))
        return self._part(self._html, "layout.html", folders, values | {"whole_text": whole}, "layout.html")

    def _fills(self, name: str) -> bool:
        """Whether the template fills a layout, rather than being a whole plain text of the company's own."""
        if name not in self._fills_layout:
            self._fills_layout[name] = self.parsed(name).find(nodes.Extends) is not None
        return self._fills_layout[name]

    def _part(self, env: TemplateSandbox, name: str, folders: tuple[str, ...], values: dict[str, Any], layout: str) -> str:
        known = KNOWN_WORDS
        try:
            words = self._words_in(env, folders)
            known |= frozenset(vars(words))
            return "".join(_bounded(env.get_template(name), name, {**values, "w": words, "layout": layout}))
        except _TEMPLATE_MISTAKES as error:
            _blame(error, name, known)

    def _words_in(self, env: TemplateSandbox, folders: tuple[str, ...]) -> SimpleNamespace:
        key = (folders, env is self._html)
        if key not in self._words:
            merged: dict[str, Any] = {}
            for folder in reversed(folders):
                if self._source(f"{folder}/words.txt") is not None:
                    merged |= _exported(env.get_template(f"{folder}/words.txt"))
            self._words[key] = SimpleNamespace(**merged)
        return self._words[key]


_CONTEXT_FIELDS = tuple(field.name for field in fields(NoticeContext))


def folders_of(language: str, form_of_address: str) -> tuple[str, ...]:
    """Where templates are looked for, the most fitting first: es-MX-tu, es-tu, es-MX, es."""
    tag = language.replace("_", "-")
    base = tag.split("-")[0]
    return tuple(dict.fromkeys((f"{tag}-{form_of_address}", f"{base}-{form_of_address}", tag, base)))


def _exported(template: Template) -> dict[str, Any]:
    return {name: value for name, value in vars(template.module).items() if not name.startswith("_")}


def _bounded(template: Template, name: str, values: dict[str, Any]) -> Iterator[str]:
    size = 0
    for part in template.generate(values):
        size += len(part)
        if size > LONGEST_PART:
            raise PolicyProblem(f"{name}: the text is longer than {LONGEST_PART} characters")
        yield part


def _tidy(text: str) -> str:
    lines = [line.rstrip(" \t") for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _blame(error: Exception, name: str, known: frozenset[str]) -> NoReturn:
    """Say which template is wrong, where, and which word was probably meant."""
    if isinstance(error, TemplateNotFound):
        raise PolicyProblem(f"{name}: there is no template {error.name}") from error
    if isinstance(error, TemplateSyntaxError):
        raise PolicyProblem(f"{error.name or name}:{error.lineno}: {error.message}") from error
    file, line = _place(error.__traceback__, name)
    unknown = _UNKNOWN_WORD.search(str(error))
    word = next(filter(None, unknown.groups()), "") if unknown else ""
    detail = f"there is no word “{word}”" if word else str(error)
    raise PolicyProblem(f"{file}:{line}: {detail}", hint=did_you_mean(word, known)) from error


def did_you_mean(word: str, known: frozenset[str]) -> str:
    """A suggestion for a word that does not exist, empty when nothing is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=7 / 10) if word else []
    return f"Did you mean “{near[0]}”?" if near else ""


def _place(trace: TracebackType | None, name: str) -> tuple[str, int]:
    """The innermost template line of a traceback; Jinja2 maps its frames back to template names."""
    file, line = name, 1
    while trace is not None:
        frame_file = trace.tb_frame.f_code.co_filename
        if re.fullmatch(r"[\w-]+/\w+\.(txt|html|subject)|layout\.\w+", frame_file):
            file, line = frame_file, trace.tb_lineno
        trace = trace.tb_next
    return file, line
