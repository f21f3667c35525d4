"""How a person lets Puntual into Toy Books, in a browser."""

from collections.abc import Mapping, Sequence

from puntual.connectors.http import Transport, understood
from puntual.connectors.oauth import Client, CodeAuthorizer, TokenEndpoint, revoke_token, token_answer
from puntual.core.access import Authorization, Consent
from puntual.core.port import Surroundings
from puntual.core.secret import Secret

from .settings import ToySettings


class ToyAuthorizer(CodeAuthorizer):
    """Authorization code with PKCE; the app has no secret."""

    ledger = "Toy Books"
    scopes = ("books",)
    settings: ToySettings

    def __init__(self, settings: ToySettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._transport = Transport(settings.url, ledger=self.ledger, now=surroundings.now)
        self._client = Client(settings.client_id, Secret(""))
        self._endpoint = TokenEndpoint(self._transport, "/oauth/token", self._client)

    @property
    def authorize_address(self) -> str:
        return f"{self.settings.url}/oauth/authorize"

    @understood("Toy Books")
    def exchanged(self, code: str, consent: Consent, answer: Mapping[str, str]) -> Sequence[Authorization]:
        asked_at = self.surroundings.now()
        found = self._endpoint.exchange(code, consent)
        return [token_answer(found, asked_at, tenant_id=str(found["books"]))]

    def refresh(self, authorization: Authorization) -> Authorization:
        asked_at = self.surroundings.now()
        return token_answer(self._endpoint.refresh(authorization), asked_at, before=authorization)

    def revoke(self, authorization: Authorization) -> None:
        token = authorization.refresh_token
        self._transport.keep_secret(token)
        revoke_token(self._transport, "/oauth/revoke", self._client, form={"token": token.reveal()})

    def close(self) -> None:
        self._transport.close()
