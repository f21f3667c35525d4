"""The pages that a browser is shown: small, without scripts, in English and Spanish, and with headers that let them do nothing else."""

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_name
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from ..worker.wiring import template_lookup
from .gate import CONTENT_POLICY

LANGUAGES = ("en", "es")
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?")
_RANGES_AT_MOST = 30


class Pages:
    """The pages of one host. They may lead from a form to `address` itself and on to a ledger, and load nothing."""

    def __init__(self, address: str) -> None:
        shipped = template_lookup(None)
        style = shipped("web/style.css") or ""
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        plain = " http:" if address.startswith("http:") else ""
        self._policy = f"{CONTENT_POLICY}; style-src 'sha256-{digest}'; form-action 'self' https:{plain}"
        self._fixed = {"style": Markup(style), "host": urlsplit(address).netloc}  # noqa: S704  # our own file
        self._templates = Environment(
            loader=FunctionLoader(lambda name: shipped(f"web/{name}")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, name: str, language: str, status: int = 200, **words: Any) -> HTMLResponse:
        """A page by its name, in one of `LANGUAGES`; `words` stand in it."""
        text = self._templates.get_template(f"{language}/{name}.html").render(**self._fixed, **words, language=language)
        return HTMLResponse(text, status, headers={"Content-Security-Policy": self._policy, "Content-Language": language})

    def sorry(self, why: str, language: str, status: int) -> HTMLResponse:
        """The page that says why it goes no further, and reveals nothing."""
        return self.page("sorry", language, status, why=why)


def language_of(accepted: str, locale: str = "") -> str:
    """The language of a page: the first of ours that the browser asks for (RFC 9110 section 12.5.4), else the company's, else English."""
    wanted = sorted(_wanted(accepted), reverse=True)
    named = [language for _, _, language in wanted]
    return next((one for one in (*named, locale[:2].lower()) if one in LANGUAGES), LANGUAGES[0])


def _wanted(accepted: str) -> Iterable[tuple[str, int, str]]:
    """Each language asked for, with how much, and the earlier the more."""
    for number, part in enumerate(accepted.split(",")[:_RANGES_AT_MOST]):
        found = _RANGE.fullmatch(part)
        if found and (quality := found[2] or "1").strip("0."):
            yield quality.ljust(5, "0"), -number, found[1].lower()


def instant_said(at: datetime, time_zone: str, language: str, locale: str) -> str:
    """An instant on the company's wall, for a person."""
    here = at.astimezone(ZoneInfo(time_zone))
    spoken = locale if locale[:2].lower() == language else language
    zone = get_timezone_name(here, locale=spoken)
    return f"{format_date(here, 'long', locale=spoken)}, {format_time(here, 'short', locale=spoken)} ({zone})"
