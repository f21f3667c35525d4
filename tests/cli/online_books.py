"""A ledger that is connected in a browser: books in files, behind an authorization server on loopback."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

from puntual.connectors.files.connector import FilesConnector
from puntual.connectors.files.settings import FilesSettings
from puntual.connectors.http import Transport
from puntual.connectors.oauth import Client, CodeAuthorizer, TokenEndpoint, Tokens, challenge_of, revoke_token, token_answer
from puntual.connectors.stub_server import StubServer
from puntual.core.access import Authorization, Consent
from puntual.core.port import Cursor, Page
from puntual.core.receivables import Company
from puntual.core.secret import Secret
from puntual.core.worker.clock import SystemClock
from werkzeug.wrappers import Request, Response

ENTRY = {
    "id": "online",
    "name": "Online books",
    "connector": "cli.online_books:OnlineConnector",
    "settings": "cli.online_books:OnlineSettings",
    "authorizer": "cli.online_books:OnlineAuthorizer",
}


class OnlineSettings(FilesSettings):
    """The settings of the ledger."""

    service_url: str = ""
    redirect_uri: str = ""
    client_id: str = "app-1"


class OnlineAuthorizer(CodeAuthorizer):
    """The redirect names the books: several, with a comma between."""

    ledger = "Online books"
    scopes = ("books",)

    def __init__(self, settings: Any, surroundings: Any) -> None:
        super().__init__(settings, surroundings)
        self._client = Client(settings.client_id, Secret("client-secret-1"))
        self._transport = Transport(settings.service_url, ledger=self.ledger, now=surroundings.now)
        self._endpoint = TokenEndpoint(self._transport, "/token", self._client)

    @property
    def authorize_address(self) -> str:
        return f"{self.settings.service_url}/authorize"

    def exchanged(self, code: str, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        found = self._endpoint.exchange(code, consent)
        made = token_answer(found, self.surroundings.now(), refresh_lifetime=timedelta(days=found["refresh_days"]))
        return [replace(made, tenant_id=books) for books in answer.get("books", "").split(",") if books]

    def refresh(self, authorization: Authorization) -> Authorization:
        return token_answer(self._endpoint.refresh(authorization), self.surroundings.now(), before=authorization)

    def revoke(self, authorization: Authorization) -> None:
        revoke_token(self._transport, "/revoke", self._client, form={"token": authorization.refresh_token.reveal()})


class OnlineConnector(FilesConnector):
    """Reads only with a token that the service knows."""

    name: ClassVar[str] = "online"

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        OnlineService.open_connection(self).close()
        return super().changes(cursor)

    def check(self) -> Company:
        with OnlineService.open_connection(self) as answer:
            return replace(super().check(), name=json.load(answer)["name"])


class OnlineService(StubServer):
    """Gives tokens for codes with their verifier, and takes them back. `person` is who sits at the browser."""

    def __init__(self) -> None:
        super().__init__(SystemClock().now)
        self.books = "realm-1"
        self.error = ""
        self.refresh_days = 100
        self.known: set[str] = set()
        self.given = 0
        self.revoked: list[str] = []
        self.pages: list[str] = []
        self._challenges: dict[str, str] = {}

    def person(self, url: str, *, lies: Mapping[str, str] | None = None) -> str:
        """Opens the address, allows (or `error`s), and is sent to the address that is returned."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = f"code-{len(self._challenges) + 1}"
        self._challenges[code] = asked["code_challenge"]
        answer = {"state": asked["state"]} | ({"error": self.error} if self.error else {"code": code, "books": self.books})
        return f"{asked['redirect_uri']}?{urlencode({**answer, **(lies or {})})}"

    def browser(self, url: str) -> bool:
        """A browser that asks for an icon, is lured to a wrong answer, and then comes back with the right one."""
        address = self.person(url)
        wrong = address.replace("state=", "state=x")
        for target in (address.replace("/callback", "/favicon.ico"), wrong, address):
            try:
                with urlopen(target) as page:
                    self.pages.append(page.read().decode())
            except HTTPError as refused:
                self.pages.append(refused.read().decode())
                refused.close()
        return True

    @staticmethod
    def open_connection(connector: OnlineConnector) -> Any:
        authorizer = OnlineAuthorizer(connector.settings, connector.surroundings)
        tokens = Tokens(connector.surroundings.vault, authorizer.refresh, connector.surroundings.now, timedelta(minutes=5))
        token = tokens.authorization().access_token.reveal()
        authorizer.close()
        return urlopen(f"{connector.settings.service_url}/whose?token={token}")

    def respond(self, request: Request) -> Response:
        answers = {"/token": self._token, "/revoke": self._revoke, "/whose": self._whose}
        return answers[request.path](request)

    def _token(self, request: Request) -> Response:
        form = request.form
        if form["grant_type"] == "refresh_token":
            ours = form["refresh_token"].replace("refresh", "access") in self.known
        else:
            ours = self._challenges.pop(form["code"], None) == challenge_of(Secret(form["code_verifier"]))
        if not ours:
            return _said({"error": "invalid_grant"}, 400)
        self.given += 1
        self.known = {f"access-{self.given}"}
        names = {"access_token": f"access-{self.given}", "refresh_token": f"refresh-{self.given}"}
        return _said({**names, "expires_in": 1800, "refresh_days": self.refresh_days})

    def _revoke(self, request: Request) -> Response:
        token = request.form["token"]
        if token.replace("refresh", "access") not in self.known:
            return _said({"error": "invalid_token"}, 400)
        self.known.clear()
        self.revoked.append(token)
        return Response("")

    def _whose(self, request: Request) -> Response:
        return _said({"name": "Talleres Soler"}) if request.args["token"] in self.known else _said({}, 401)


def _said(data: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(data), status, mimetype="application/json")
