"""`puntual doctor`: everything that a host needs, looked at once, from the file to the ledgers. It changes nothing and sends nothing."""

import ssl
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from ..errors import PuntualError
from ..history.database import reading
from ..history.health import quota_uses
from ..history.sealing import Keyring
from ..policy.host_schema import HostSettings
from ..policy.lint import warnings
from ..policy.schema import Policy, Smtp
from ..worker.clock import Clock, SystemClock, today
from ..worker.host_file import FILE, read_host
from ..worker.wiring import connector_entry, database_url, desk_of, keyring, load_policy
from .doctor_database import MOUNTS, examine_database, examine_keys, examine_queue
from .doctor_ledgers import address_of_ledger, examine_clock_of, examine_ledger, examine_web, quota_findings
from .doctor_mail import Dns, domain_of, examine_domain, examine_server
from .findings import Finding, bad, ok, warn


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the examination looks through: the DNS, certificates that are trusted besides the usual, the clock, the list of disks."""

    dns: Dns | None = None
    tls: ssl.SSLContext | None = None
    clock: Clock = SystemClock()  # noqa: RUF009  # it holds nothing
    mounts: Path = MOUNTS


def examine(directory: Path, companies: Sequence[str] = (), *, offline: bool = False, by: Instruments | None = None) -> Iterator[Finding]:
    """One finding after the other: of these companies, of all when none is named. `offline`: nobody but the database is asked."""
    by = by or Instruments()
    settings = yield from _host_file(directory)
    policies = yield from _policies(directory, companies, by.clock)
    engine = yield from _database(directory, settings, by)
    try:
        are_needed = any(connector_entry(policy.ledger.type).authorizer for policy in policies.values())
        yield examine_keys(engine, _keys(directory), are_needed=are_needed)
        if engine is not None and settings is not None:
            yield from examine_queue(engine, settings.queue)
        if not offline:
            yield from _network(directory, settings, policies, engine, by)
    finally:
        if engine is not None:
            engine.dispose()


def _host_file(directory: Path) -> Generator[Finding, None, HostSettings | None]:
    try:
        settings = read_host(directory)
    except PuntualError as error:
        yield bad(FILE, error.detail, error.hint or "correct the file")
        return None
    if not (directory / FILE).is_file():
        yield ok(FILE, "there is none: one machine, SQLite, no web, and nobody is told of trouble")
    elif settings.operator is None:
        yield warn(FILE, "it names no operator, so nobody is told of trouble", "write it there: operator: {to: [...], mail: {...}}")
    else:
        yield ok(FILE, f"its operators are {', '.join(settings.operator.to)}")
    return settings


def _policies(directory: Path, companies: Sequence[str], clock: Clock) -> Generator[Finding, None, dict[str, Policy]]:
    found: dict[str, Policy] = {}
    named = companies or sorted(path.stem for path in (directory / "companies").glob("*.yaml") if not path.name.startswith("."))
    if not named:
        yield warn("policies", f"there are none in {directory / 'companies'}", "make one: puntual init COMPANY")
    for company in named:
        try:
            policy = load_policy(directory, company)
        except PuntualError as error:
            yield bad(
                f"policy of {company}", (error.detail.splitlines() or [""])[0], error.hint or f"see all of it: puntual check {company}"
            )
            continue
        found[company] = policy
        advice = len(warnings(policy, today(clock, policy.company.time_zone)))
        said = f"mode {policy.mode.value}"
        if advice:
            yield warn(f"policy of {company}", f"{said}; there is advice on {advice} of its keys", f"see: puntual check {company}")
        else:
            yield ok(f"policy of {company}", said)
    return found


def _database(directory: Path, settings: HostSettings | None, by: Instruments) -> Generator[Finding, None, Engine | None]:
    if settings is None:
        yield warn("database", f"it was not looked at, because {FILE} cannot be read", f"correct {FILE}")
        return None
    found, engine = examine_database(database_url(directory), by.mounts)
    yield from found
    return engine


def _keys(directory: Path) -> Keyring | PuntualError:
    try:
        return keyring(directory)
    except PuntualError as error:
        return error


def _network(
    directory: Path, settings: HostSettings | None, policies: Mapping[str, Policy], engine: Engine | None, by: Instruments
) -> Iterator[Finding]:
    yield from _mail(settings, policies.values(), by)
    if settings is not None and settings.web is not None:
        yield from examine_web(settings.web.address, by.clock.now(), by.tls)
    for url in sorted({address_of_ledger(policy.ledger.settings) for policy in policies.values()} - {""}):
        yield examine_clock_of(url, by.tls)
    if engine is None:
        if policies:
            yield warn("ledgers", "they were not looked at, because the database is not ready", "see to the database first")
        return
    for company, policy in policies.items():
        yield from _ledger(directory, company, policy, engine, by)
    with reading(engine) as conn:
        shared = [one for one in quota_uses(conn, SystemClock().now()) if not one.company]
    yield from quota_findings("shared calls", shared)


def _ledger(directory: Path, company: str, policy: Policy, engine: Engine, by: Instruments) -> Iterator[Finding]:
    try:
        desk = desk_of(directory, company, by.clock, policy, engine=engine)
    except PuntualError as error:
        yield bad(f"ledger of {company}", error.detail, error.hint or f"see: puntual check {company}")
        return
    yield from examine_ledger(desk)


def _mail(settings: HostSettings | None, policies: Iterable[Policy], by: Instruments) -> Iterator[Finding]:
    """Each server once, however many companies use it; each sender's domain once for each server."""
    ways = [(policy.mail.sender, policy.mail.smtp) for policy in policies]
    if settings is not None and settings.operator is not None:
        ways.append((settings.operator.mail.sender, settings.operator.mail.smtp))
    dns = by.dns or Dns()
    logins: dict[tuple[str, int, str], Smtp] = {}
    domains: dict[tuple[str, str], None] = {}
    for sender, smtp in ways:
        if smtp is not None:
            logins.setdefault((smtp.host, smtp.port, smtp.username), smtp)
            domains[domain_of(sender), smtp.host] = None
    for smtp in logins.values():
        yield from examine_server(smtp, by.clock.now(), by.tls)
    for domain, server in domains:
        yield from examine_domain(domain, server, dns) if domain else ()
