"""Mail, as `puntual doctor` looks at it: does the server take us, and does the sender's domain say that it may send for it.

What stands in the DNS: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489). The server that we hand mail to may pass it on to others, so a
record that does not name it is a hint and no proof.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parseaddr
from ipaddress import ip_address, ip_network
from typing import Any

import dns.exception
import dns.rdatatype
import dns.resolver

from ..channels.addresses import UnusableAddress, mail_address
from ..channels.smtp import SmtpTransport
from ..errors import PuntualError
from ..policy.schema import Security, Smtp
from .findings import Finding, bad, ok, warn

SELECTORS = (
    "default", "mail", "dkim", "google", "selector1", "selector2", "k1", "k2", "s1", "s2", "smtp", "email", "mandrill", "mxvault", "zoho",
    "protonmail", "fm1", "pm", "amazonses", "sig1", "x", "key1", "mta",
)  # fmt: skip
"""Names under which providers usually publish their keys."""
_LOOKUPS = 10
"""RFC 7208, 4.6.4: what asks for more is an error, and as good as no record."""
_RENEW_WITHIN = timedelta(days=14)
_HURRY_WITHIN = timedelta(days=3)
_DNS_SECONDS = 5


class Unanswered(Exception):
    """The DNS does not answer."""


class Dns:
    """What the DNS says of names. Without a resolver that of this machine is asked."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None) -> None:
        self._resolver = resolver or _of_this_machine()
        self._resolver.lifetime = _DNS_SECONDS

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each in one piece."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT")]

    def addresses(self, name: str) -> list[str]:
        """The IP addresses of a name."""
        return [str(record.address) for kind in ("A", "AAAA") for record in self._ask(name, kind)]

    def mail_hosts(self, name: str) -> list[str]:
        """Who takes the mail of a domain."""
        return [str(record.exchange).rstrip(".") for record in self._ask(name, "MX")]

    def _ask(self, name: str, kind: str) -> list[Any]:
        try:
            return list(self._resolver.resolve(name, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
            return []
        except dns.exception.DNSException as error:
            raise Unanswered(f"{type(error).__name__} for {name}") from None


def _of_this_machine() -> dns.resolver.Resolver:
    try:
        return dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return dns.resolver.Resolver(configure=False)  # it answers nothing, and that is told


def examine_server(smtp: Smtp, now: datetime, tls: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Connect, agree on encryption, log in. Nothing is sent."""
    what = f"mail server {smtp.host}:{smtp.port}"
    transport = SmtpTransport(smtp, tls=tls)
    try:
        ends = transport.try_out()
    except PuntualError as error:
        yield bad(what, error.detail, error.hint or "see whether the server is up, and whether this machine may reach it")
        return
    finally:
        transport.close()
    login = f"takes the login of {smtp.username}" if smtp.username else "takes us without a login"
    yield ok(what, f"it {login}{', encrypted' if smtp.security is not Security.NONE else ''}")
    if ends is not None:
        yield certificate_finding(what, ends, now)


def certificate_finding(what: str, ends: datetime, now: datetime) -> Finding:
    """What it means that a certificate ends then."""
    days = (ends - now) // timedelta(days=1)
    said = f"its certificate ends on {ends:%Y-%m-%d}, in {days} days"
    if ends - now > _RENEW_WITHIN:
        return ok(what, said)
    return (bad if ends - now <= _HURRY_WITHIN else warn)(what, said, "whoever runs that server has to renew it")


def domain_of(sender: str) -> str:
    """The domain of a sender's address, in ASCII; "" for none."""
    try:
        return mail_address(parseaddr(sender)[1] or sender).domain.lower()
    except UnusableAddress:
        return ""


def examine_domain(domain: str, server: str, dns_: Dns) -> Iterator[Finding]:
    """What the sender's domain says of who may send in its name."""
    what = f"domain {domain}"
    try:
        yield _mx(what, domain, dns_)
        yield _spf(what, domain, server, dns_)
        yield _dkim(what, domain, dns_)
        yield _dmarc(what, domain, dns_)
    except Unanswered as error:
        yield warn(what, f"the DNS did not answer ({error}), so SPF, DKIM and DMARC were not looked at", "look again later")


def _mx(what: str, domain: str, dns_: Dns) -> Finding:
    hosts = [host for host in dns_.mail_hosts(domain) if host]
    if hosts or dns_.addresses(domain):
        return ok(what, f"answers can reach it ({hosts[0] if hosts else domain})")
    return bad(what, "nobody takes its mail (no MX record), so answers and bounces are lost", "publish an MX record, or correct mail.from")


# SPF


@dataclass(slots=True)
class Spf:
    """What a walk through a domain's SPF record found. `unclear`: something in it depends on the mail itself."""

    lookups: int = 0
    allows: bool = False
    allows_all: bool = False
    unclear: bool = False
    broken: str = ""
    seen: set[str] = field(default_factory=set)


def spf_of(domain: str, addresses: list[str], dns_: Dns) -> Spf | None:
    """Whether a domain's record lets one of these addresses send; None when there is no record."""
    walk = Spf()
    return walk if _walk_spf(domain, addresses, dns_, walk, is_first=True) else None


def _spf(what: str, domain: str, server: str, dns_: Dns) -> Finding:
    found = spf_of(domain, [server] if _is_address(server) else dns_.addresses(server), dns_)
    if found is None:
        return warn(what, "it has no SPF record", "publish one, with what the mail provider says: v=spf1 include:… -all")
    if found.broken:
        return bad(what, f"its SPF record is broken: {found.broken}", "correct it: as it is, servers treat it as if there were none")
    if found.allows_all:
        return warn(what, "its SPF record lets everybody send (+all)", "end it with ~all or -all")
    if found.allows:
        return ok(what, f"its SPF record names {server}")
    hint = "right if that server hands mail on to others; else add what the mail provider says (include:…)"
    return warn(what, f"its SPF record does not {'clearly ' if found.unclear else ''}name {server}", hint)


def _walk_spf(domain: str, addresses: list[str], dns_: Dns, walk: Spf, *, is_first: bool = False) -> bool:
    records = [text for text in dns_.texts(domain) if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
    if not records and is_first:
        return False
    if domain in walk.seen:
        walk.broken = f"{domain} includes itself"
    elif len(records) != 1:
        walk.broken = f"{domain} has {len(records)} of them" if records else f"{domain}, which it includes, has none"
    if walk.broken:
        return True
    walk.seen.add(domain)
    for term in records[0].split()[1:]:
        _spf_term(term.lower(), domain, addresses, dns_, walk)
        if walk.lookups > _LOOKUPS:
            walk.broken = walk.broken or f"it asks for more than {_LOOKUPS} look-ups"
        if walk.broken or walk.allows_all:
            break
    return True


def _spf_term(term: str, domain: str, addresses: list[str], dns_: Dns, walk: Spf) -> None:
    if "%" in term:
        walk.unclear = True
        return
    is_pass = term[0] not in "-~?"
    name, _, rest = term.lstrip("+-~?").replace("=", ":", 1).partition(":")
    name, rest = name.partition("/")[0], rest.partition("/")[0] if name not in ("ip4", "ip6") else rest
    if name in ("a", "mx", "include", "redirect", "exists", "ptr"):
        walk.lookups += 1
    if name in ("ip4", "ip6"):
        walk.allows |= is_pass and any(_is_within(address, rest) for address in addresses)
    elif name == "a":
        walk.allows |= is_pass and not set(addresses).isdisjoint(dns_.addresses(rest or domain))
    elif name == "mx":
        hosts = dns_.mail_hosts(rest or domain)[:_LOOKUPS]
        walk.allows |= is_pass and any(not set(addresses).isdisjoint(dns_.addresses(host)) for host in hosts)
    elif name in ("include", "redirect") and walk.lookups <= _LOOKUPS:
        _walk_spf(rest, addresses, dns_, walk)
    elif name in ("exists", "ptr"):
        walk.unclear = True
    elif name == "all":
        walk.allows_all |= is_pass


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_within(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False


# DKIM and DMARC


def _dkim(what: str, domain: str, dns_: Dns) -> Finding:
    found = [name for name in SELECTORS if any("p=" in text for text in dns_.texts(f"{name}._domainkey.{domain}"))]
    if found:
        return ok(what, f"it has a DKIM key ({', '.join(found)})")
    hint = "ask the mail provider; the header DKIM-Signature of a mail names the key after s="
    return warn(what, "none of the usual names has a DKIM key", hint)


def _dmarc(what: str, domain: str, dns_: Dns) -> Finding:
    labels = domain.split(".")
    for at in range(len(labels) - 1):
        name = ".".join(labels[at:])
        if texts := [text for text in dns_.texts(f"_dmarc.{name}") if text.lower().startswith("v=dmarc1")]:
            policy = next((part.partition("=")[2].strip() for part in texts[0].split(";") if part.strip().startswith("p=")), "")
            return ok(what, f"its DMARC policy is {policy or 'not said'}{f' (of {name})' if at else ''}")
    return warn(what, "it has no DMARC record", f"publish one at _dmarc.{domain}: v=DMARC1; p=none")
