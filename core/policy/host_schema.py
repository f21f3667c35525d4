"""The host's own file, `puntual.yaml` beside companies/: database, keys, hands, web address, whom to tell. Every part has a default."""

import ipaddress
import re
from datetime import time
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from ..secret import Secret
from .parts import Model
from .schema import Smtp
from .values import Key, Line, MailAddress, Mailbox, Several, TimeOfDay, TimeZoneName, Word, refusal

_PLACE = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^:\s\[\]]+):(?P<port>[0-9]{1,5})")


class QueueKind(Word):
    """Where jobs wait for hands."""

    THREADS = "threads"
    POSTGRESQL = "postgresql"


def _place(value: str) -> str:
    found = _PLACE.fullmatch(value)
    if not found or not 0 < int(found["port"]) < 65536:
        raise refusal("is no address and port", "write it like 127.0.0.1:8080, or [::1]:8080")
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise refusal("is no address or network", "write it like 10.0.0.0/8 or 127.0.0.1") from None
    return value


def _address(value: str) -> str:
    parts = urlsplit(value)
    is_bare = parts.hostname and not parts.username and parts.path in ("", "/") and not parts.query and not parts.fragment
    if not is_bare or (parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1")):
        raise refusal("must be an https address without a path", "https://puntual.example.com")
    return value.rstrip("/")


def _secret(value: object) -> object:
    """A database on a file is no secret and may be written out; an address with a password may not."""
    if not isinstance(value, str):
        return value
    if value.startswith("sqlite:") or (urlsplit(value).scheme.startswith("postgres") and not urlsplit(value).password):
        return Secret(value)
    raise ValueError("must be sqlite:///…, postgresql://… without a password, or a reference: ${PUNTUAL_DATABASE}")  # never echoed


Place = Annotated[str, AfterValidator(_place)]
DatabaseAddress = Annotated[Secret, BeforeValidator(_secret)]


class Web(Model):
    """What listens to services and browsers."""

    address: Annotated[str, AfterValidator(_address)] = Field(description="Under which the world reaches it: https://puntual.example.com")
    listen: Place = Field("127.0.0.1:8080", description="Where it listens, behind a proxy that does TLS")
    proxies: Several[Annotated[str, AfterValidator(_network)]] = Field(
        ("127.0.0.1",), description="Addresses of proxies whose X-Forwarded-* headers are believed"
    )


class Monitoring(Model):
    """Health, readiness and metrics, for the operator's own network only."""

    listen: Place = Field("127.0.0.1:9464", description="Where it listens; never an address that strangers reach")


class OperatorMail(Model):
    """How mail to the operator leaves. Exactly one of `smtp` and `folder`."""

    sender: Annotated[Mailbox, Field(min_length=1)] = Field(
        alias="from", description="Address of the sender: Puntual <puntual@example.com>"
    )
    smtp: Smtp | None = Field(None, description="A mail server")
    folder: Line = Field("", description="Write each mail as an .eml file into this folder instead of sending it")


class Operator(Model):
    """Who is told when something goes wrong."""

    to: Several[MailAddress] = Field(min_length=1, description="Addresses of the operators")
    mail: OperatorMail = Field(description="How mail to the operator leaves")
    digest_at: TimeOfDay = Field(time(7, 30), description="Time of day of the daily digest; what cannot wait is told at once")
    time_zone: TimeZoneName = Field("UTC", description="IANA time zone of the digest")


class Retention(Model):
    """How long what is over is kept."""

    years: Annotated[int, Field(ge=1, le=30)] | None = Field(
        None, description="Personal data of customers without anything open for so many years are erased; left out: never by itself"
    )


class HostSettings(Model):
    """All that the operator of a host decides."""

    database: DatabaseAddress | None = Field(
        None, description="sqlite:///… or postgresql://…, with a password by reference only; left out: PUNTUAL_DATABASE, else a file here"
    )
    keys: Secret | None = Field(None, description="Keys that protect the connections to the books, by reference; left out: PUNTUAL_KEYS")
    queue: QueueKind = Field(QueueKind.THREADS, description="threads: one machine; postgresql: any number of workers over one database")
    threads: Annotated[int, Field(ge=1, le=64)] = Field(4, description="How many companies are worked on at a time, in one worker")
    jitter_minutes: Annotated[int, Field(ge=0, le=120)] = Field(
        15, description="Companies with the same times of day are spread over so many minutes"
    )
    budget_minutes: Annotated[int, Field(ge=1, le=360)] = Field(
        30, description="A job that takes longer gives way to other companies and goes on afterwards"
    )
    web: Web | None = Field(None, description="Webhooks, and the page where a company lets Puntual into its books")
    webhooks: dict[Key, Secret] = Field(
        default_factory=dict, description="By ledger, the secret with which it signs its webhooks, by reference: quickbooks, xero"
    )
    monitoring: Monitoring | None = Field(None, description="Health, readiness and metrics")
    operator: Operator | None = Field(None, description="Who is told when something goes wrong")
    retention: Retention = Field(default_factory=Retention, description="How long what is over is kept")


def host_of_place(place: str) -> tuple[str, int]:
    """Host and port of an address to listen at."""
    found: Any = _PLACE.fullmatch(place)
    return found["host"].strip("[]"), int(found["port"])
