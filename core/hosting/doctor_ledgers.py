"""Ledgers and the web address, as `puntual doctor` looks at them: rights, calls that are left, clocks, certificates."""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.exc import DBAPIError

from ..errors import CompanyMustAct, PuntualError
from ..history.database import reading, trouble_of
from ..history.health import QuotaUse, quota_uses
from ..worker.access import connection_warnings
from ..worker.clock import SystemClock
from ..worker.desk import Desk
from .doctor_database import clock_finding
from .doctor_mail import certificate_finding
from .findings import Finding, bad, ok, warn
from .watching import QUOTA_PERCENT

_SECONDS = 10
_SETTINGS_WITH_ADDRESS = ("api_url", "url")


def examine_ledger(desk: Desk) -> Iterator[Finding]:
    """Use the connection once: is it there, has it the rights, whose books are these; and how many calls are left."""
    what = f"ledger of {desk.company}"
    try:
        seller = _whose(desk)
    except PuntualError as error:
        found = bad if isinstance(error, CompanyMustAct) else warn
        yield found(what, f"{error.meaning()} {error.detail}".strip(), error.hint or f"see: puntual check {desk.company}")
    except DBAPIError as error:
        yield bad(what, trouble_of(error).detail, "see to the database")
    except Exception as error:  # noqa: BLE001  # a connector's mistake is a finding, too
        yield bad(what, f"looking at it went wrong ({type(error).__name__})", "please report it")
    else:
        yield ok(what, f"{desk.policy.ledger.type}: the books of {seller}")
    for text in connection_warnings(desk):
        yield warn(what, text, f"puntual connect {desk.company}")
    with reading(desk.engine) as conn:
        uses = [one for one in quota_uses(conn, SystemClock().now()) if one.company == desk.company]
    yield from quota_findings(what, uses)


def quota_findings(what: str, uses: Iterable[QuotaUse]) -> Iterator[Finding]:
    """How many of the calls that a service allows are used."""
    for one in uses:
        said = f"{one.calls} of {one.most} {one.name} are used" if one.most else f"{one.calls} {one.name} were counted"
        if one.percent >= QUOTA_PERCENT:
            yield warn(what, said, f"there are new ones from {one.ends_at:%Y-%m-%d %H:%M} UTC; read less often, or ask for more")
        else:
            yield ok(what, said)


def _whose(desk: Desk) -> str:
    ledger = desk.open_ledger()
    try:
        return ledger.check().name
    finally:
        ledger.close()


def address_of_ledger(settings: object) -> str:
    """The web address that a ledger's settings name; "" for books that are not on the web."""
    found = (getattr(settings, name, "") for name in _SETTINGS_WITH_ADDRESS)
    return next((url for url in found if isinstance(url, str) and url.startswith(("https://", "http://"))), "")


def examine_clock_of(url: str, tls: ssl.SSLContext | None = None) -> Finding:
    """This machine's clock against that of a server, by the header Date (RFC 9110, 6.6.1). Nobody logs in."""
    parts = urlsplit(url)
    whose = f"the clock of {parts.hostname}"
    try:
        before = SystemClock().now()
        said = _date_header(parts, tls)
        after = SystemClock().now()
    except (OSError, HTTPException):
        return warn("clock", f"{parts.hostname} does not answer", "see whether this machine may reach it")
    there = _instant(said)
    if there is None:
        return warn("clock", f"{parts.hostname} does not say what time it is", "nothing: it may")
    if before - timedelta(seconds=1) <= there <= after:
        return ok("clock", f"{whose} agrees with this machine's")
    return clock_finding(whose, there - before if there < before else there - after)


def _date_header(parts: SplitResult, tls: ssl.SSLContext | None) -> str:
    host = parts.hostname or ""
    with closing(
        HTTPSConnection(host, parts.port, timeout=_SECONDS, context=tls)
        if parts.scheme == "https"
        else HTTPConnection(host, parts.port, timeout=_SECONDS)
    ) as connection:
        connection.request("HEAD", parts.path or "/", headers={"User-Agent": "puntual"})
        return connection.getresponse().getheader("Date") or ""


def _instant(text: str) -> datetime | None:
    try:
        there = parsedate_to_datetime(text)
    except ValueError:
        return None
    return there if there.tzinfo else there.replace(tzinfo=UTC)


def examine_web(address: str, now: datetime, tls: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Does the web address resolve, and is its certificate good."""
    what, parts = f"web {address}", urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), _SECONDS) as plain:
            ends = _certificate_end(plain, parts.hostname or "", tls) if parts.scheme == "https" else None
    except ssl.SSLError as error:
        yield bad(
            what, f"its certificate is not good: {getattr(error, 'verify_message', '') or error.reason}", "renew it, with that name in it"
        )
    except socket.gaierror:
        yield bad(what, "its name does not resolve", "publish it in the DNS, or correct web.address in puntual.yaml")
    except OSError as error:
        yield bad(what, f"nothing answers there: {error.strerror or error}", "start the web endpoint and its proxy: puntual web")
    else:
        yield ok(what, "it resolves, and something answers there")
        if ends is not None:
            yield certificate_finding(what, ends, now)


def _certificate_end(plain: socket.socket, host: str, tls: ssl.SSLContext | None) -> datetime | None:
    with (tls or ssl.create_default_context()).wrap_socket(plain, server_hostname=host) as wrapped:
        shown = wrapped.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC) if "notAfter" in shown else None
