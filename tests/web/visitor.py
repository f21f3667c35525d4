"""A person with a browser, who was sent a link."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from web.web_host import WebHost

COOKIE = "__Host-puntual-connect"


class Visitor:
    """Asks a host's application, keeps its one cookie, and says what stands on the pages."""

    def __init__(self, host: WebHost, language: str = "en") -> None:
        self.host = host
        self.language = language
        self.cookie = ""
        self.page = ""
        self.status = 0

    def get(self, address: str, **headers: str) -> httpx.Response:
        return self._seen(self._ask("GET", address, None, headers))

    def post(self, address: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        said = {"content_type": "application/x-www-form-urlencoded", "sec_fetch_site": "same-origin"}
        return self._seen(self._ask("POST", address, urlencode(form or {}).encode(), said | headers))

    def asked(self, link: str) -> str:
        """Looks at the link, presses the button, and says where that leads."""
        assert self.get(link).status_code == 200, self.page
        answer = self.post(link)
        assert answer.status_code == 303, self.page
        return answer.headers["location"]

    def choice(self) -> dict[str, str]:
        """What the page of choice sends along."""
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.page))

    @property
    def title(self) -> str:
        return re.search(r"<h1>(.*)</h1>", self.page)[1]  # type: ignore[index]

    def _ask(self, method: str, address: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        parts = urlsplit(address)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        kept = {"cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        return self.host.ask(method, target, body, accept_language=self.language, **kept, **headers)

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        self.page, self.status = answer.text, answer.status_code
        for said in answer.headers.get_list("set-cookie"):
            name, _, rest = said.partition("=")
            value, *attributes = [part.strip() for part in rest.split(";")]
            assert name == COOKIE
            assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= set(attributes)
            assert not any(part.lower().startswith("domain") for part in attributes)
            self.cookie = value.strip('"')
        return answer


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))
