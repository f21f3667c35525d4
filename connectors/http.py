"""One transport for all ledgers: timeouts, one table from HTTP status to core.errors, a request budget, and no secret in any message.

Nothing of the HTTP library gets out of here, neither its exceptions nor its answers. Redirects are not followed, cookies are not kept.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from time import sleep
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, LocationParseError

from ..core.errors import (
    AuthorizationExpired,
    CompanyMustAct,
    LedgerUnavailable,
    PermissionMissing,
    PuntualError,
    RateLimited,
    RejectedByLedger,
    StaleVersion,
    UnexpectedResponse,
)
from ..core.secret import Secret, masked

_FAILURES = (requests.RequestException, HTTPError, HTTPException, OSError, UnicodeError)
_ADDRESS_IS_WRONG = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    LocationParseError,
    UnicodeError,
)
_WAIT = frozenset({425, 429})
_CHUNK_BYTES = 1 << 16
_EXCERPT_CHARACTERS = 200

# Meaning by RFC 9110 section 15; what is not named here and is no 5xx is a misunderstanding of ours.
_ERROR_OF_STATUS: Mapping[int, type[PuntualError]] = MappingProxyType(
    {
        401: AuthorizationExpired,
        402: CompanyMustAct,
        403: PermissionMissing,
        404: RejectedByLedger,
        408: LedgerUnavailable,
        409: StaleVersion,
        410: RejectedByLedger,
        412: StaleVersion,
        422: RejectedByLedger,
        423: RejectedByLedger,
    }
)


# At its DEBUG level it logs whole paths, and a path may hold the token of a customer's page.
logging.getLogger("urllib3").setLevel(logging.INFO)


class WireEvidence(Exception):
    """What the HTTP library said, as text with every secret masked; the library's own exception holds headers and is let go."""


@contextmanager
def understood(ledger: str) -> Iterator[None]:
    """Data of another form than the ledger's documentation gives it is a misunderstanding, and no traceback for a person.

    `with understood("Odoo"):` around what reads an answer, or `@understood("Odoo")` on a method. Raises UnexpectedResponse.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnexpectedResponse(f"{ledger} answered with data that is not understood ({type(error).__name__}).") from error


def is_loopback(url: str) -> bool:
    """Whether the address is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def secure_base_url(url: str) -> str:
    """The address without a slash at its end. Raises ValueError unless it is https, or http to this machine, without user or query."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("is no web address such as https://books.example.com")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("must begin with https://, or keys and customers' data would travel readable")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be the bare address, without user, password, ? or #")
    return url.rstrip("/")


def retry_after_seconds(value: str | None, now: datetime) -> int | None:
    """Seconds to wait by a Retry-After header (RFC 9110 section 10.2.3: seconds or a date), None when it says nothing usable."""
    if not value:
        return None
    if value.strip().isdecimal():
        return int(value.strip()[:9])
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0, int((aware - now).total_seconds()))


@dataclass(frozen=True, slots=True)
class Limits:
    """How long (seconds), how much (bytes of one answer) and how often (calls of one connector; None: no limit) is bearable.

    When the service asks to wait no longer than `patience_seconds`, that is sat out, once a call; `wait_seconds` is meant when it asks to
    wait and does not say how long.
    """

    connect_seconds: float = 10
    read_seconds: float = 120
    answer_seconds: float = 600
    answer_bytes: int = 128 << 20
    calls: int | None = None
    patience_seconds: int = 0
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of the ledger. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ledger: str

    @property
    def is_html(self) -> bool:
        """Whether a web page came, by its type or by its first character."""
        return "html" in self.headers.get("content-type", "") or self.body[:64].lstrip()[:1] == b"<"

    def json(self) -> Any:
        """The answer as data, decimal numbers as Decimal. Raises LedgerUnavailable for a web page or for half an answer."""
        if self.is_html:
            raise LedgerUnavailable(f"{self.ledger} answered with a web page where data was expected.")
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError):
            problem = f"{self.ledger} answered with {len(self.body)} bytes that are no complete data."
        raise LedgerUnavailable(problem)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


class Transport:
    """The wire to one ledger at `base_url`. `ledger` names it in messages; `now` is aware UTC; `calls` counts every request."""

    def __init__(
        self,
        base_url: str,
        *,
        ledger: str,
        now: Callable[[], datetime],
        secrets: Collection[Secret] = (),
        limits: Limits = Limits(),
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.ledger = ledger
        self.calls = 0
        self._base_url = base_url
        self._now = now
        self._secrets = tuple(secrets)
        self._limits = limits
        self._pause = pause
        self._session = _clean_session(base_url)

    def keep_secret(self, secret: Secret) -> None:
        """From now on this text, too, is masked in every message (a token that was renewed)."""
        self._secrets = (*self._secrets, secret)

    def masked(self, text: str) -> str:
        """A text of the ledger's, short and without secrets, for a message."""
        return masked(" ".join(text.split()), self._secrets)[:_EXCERPT_CHARACTERS]

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        data: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
        repeatable: bool = False,
    ) -> Answer:
        """One request. Statuses in `accept` are answers; every other one is raised as its error of core.errors.

        `data` is sent as JSON, `form` as a form, `content` as it is. `repeatable` is true for what only reads: when an old connection turns
        out to be closed it is asked once more, at once. Raises LedgerUnavailable when no whole answer comes, RateLimited,
        AuthorizationExpired and so on.
        """
        body = form if content is None else content
        arguments = {"params": query, "json": data, "data": body, "headers": dict(headers or {})}
        attempts = 2 if repeatable else 1
        answer = self._send(method, path, arguments, attempts)
        if (wait := self._bearable_wait(answer)) is not None:
            self._pause(wait)
            answer = self._send(method, path, arguments, attempts)
        if answer.status not in accept:
            raise self.error_of(answer)
        return answer

    def _bearable_wait(self, answer: Answer) -> int | None:
        """Seconds to sit out before asking again; None when there is nothing to wait for, or it would take too long."""
        if answer.status not in _WAIT:
            return None
        wait = self._wait_of(answer)
        return wait if wait is not None and wait <= self._limits.patience_seconds else None

    def _wait_of(self, answer: Answer) -> int | None:
        asked = retry_after_seconds(answer.headers.get("retry-after"), self._now())
        return asked if asked is not None or answer.status not in _WAIT else self._limits.wait_seconds

    def error_of(self, answer: Answer) -> PuntualError:
        """The error that an answer's status stands for."""
        said = f"{self.ledger} answered with HTTP status {answer.status}"
        wait = self._wait_of(answer)
        if answer.status in _WAIT or (answer.status == 503 and wait is not None):
            return RateLimited(f"{said}.", retry_after=wait)
        if answer.status >= 500:
            return LedgerUnavailable(f"{said}.")
        if 300 <= answer.status < 400:
            return self._moved(said, answer)
        error = _ERROR_OF_STATUS.get(answer.status, UnexpectedResponse)
        return RejectedByLedger(f"{said}.", code=str(answer.status)) if error is RejectedByLedger else error(f"{said}.")

    def _moved(self, said: str, answer: Answer) -> PuntualError:
        to = urlsplit(answer.headers.get("location", ""))
        elsewhere = f"{to.scheme}://{to.hostname}" if to.scheme and to.hostname else "another page"
        return CompanyMustAct(f"{said}, which leads to {self.masked(elsewhere)}.", hint="Put the ledger's final address into the policy.")

    def _send(self, method: str, path: str, arguments: Mapping[str, Any], attempts: int) -> Answer:
        for left in reversed(range(attempts)):
            self._spend()
            try:
                return self._exchange(method, path, arguments)
            except _FAILURES as failure:
                if left and isinstance(failure, requests.ConnectionError) and not isinstance(failure, requests.Timeout):
                    continue
                kind, evidence = self._kind_of(failure), WireEvidence(self.masked(f"{type(failure).__name__}: {failure}"))
            break
        raise kind from evidence

    def _exchange(self, method: str, path: str, arguments: Mapping[str, Any]) -> Answer:
        timeouts = (self._limits.connect_seconds, self._limits.read_seconds)
        with self._session.request(
            method, self._base_url + path, timeout=timeouts, allow_redirects=False, stream=True, **arguments
        ) as response:
            body = self._whole_body(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, headers, body, self.ledger)

    def _whole_body(self, response: requests.Response) -> bytes:
        deadline = self._now() + timedelta(seconds=self._limits.answer_seconds)
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._limits.answer_bytes:
                raise UnexpectedResponse(f"{self.ledger} answered with more than {self._limits.answer_bytes} bytes.")
            if self._now() > deadline:
                raise LedgerUnavailable(f"{self.ledger} took more than {self._limits.answer_seconds} seconds for one answer.")
        return bytes(body)

    def _spend(self) -> None:
        if self._limits.calls is not None and self.calls >= self._limits.calls:
            raise RateLimited(f"The {self._limits.calls} calls that one run may make to {self.ledger} are used up.")
        self.calls += 1

    def _kind_of(self, failure: Exception) -> PuntualError:
        if isinstance(failure, requests.exceptions.SSLError):
            return CompanyMustAct(
                f"The certificate of {self.ledger} cannot be trusted.", hint="Renew it, or correct the address in the policy."
            )
        if isinstance(failure, _ADDRESS_IS_WRONG):
            return CompanyMustAct(f"The address of {self.ledger} cannot be used.", hint="Correct it in the policy.")
        if isinstance(failure, requests.Timeout):
            return LedgerUnavailable(f"{self.ledger} did not answer in time.")
        return LedgerUnavailable(f"The connection to {self.ledger} failed.", hint="If this lasts, check its address in the policy.")


def _clean_session(base_url: str) -> requests.Session:
    session = requests.Session()
    session.auth = lambda request: request  # a ~/.netrc must not replace our Authorization header
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "puntual"
    session.trust_env = not is_loopback(base_url)
    return session
