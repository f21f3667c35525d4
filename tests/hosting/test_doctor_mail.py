"""What `puntual doctor` says of mail servers and of what a sender's domain says in the DNS."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from hosting.small_servers import PASSWORD, dns_of, mail_server, trusting
from puntual.core.hosting.doctor_mail import Dns, domain_of, examine_domain, examine_server, spf_of
from puntual.core.hosting.findings import Finding, Level
from puntual.core.policy.schema import Smtp
from puntual.core.secret import Secret
from scripted_mail_server import ScriptedServer

NOW = datetime.now(UTC)
HERE = "203.0.113.7"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def smtp(port: int, password: str = PASSWORD, **changes: Any) -> Smtp:
    return Smtp(**{"host": "localhost", "port": port, "username": "cobros", "password": Secret(password), "timeout_seconds": 5, **changes})


def levels(found: list[Finding]) -> str:
    return " ".join(one.level.value for one in found)


@pytest.mark.parametrize(("days", "said"), [(90, "ok ok"), (10, "ok warn"), (2, "ok bad")])
def test_a_server_takes_us_and_its_certificate_has_days_left(authority, days, said):
    with mail_server(authority, NOW + timedelta(days=days, hours=1)) as port:
        found = list(examine_server(smtp(port), NOW, trusting(authority)))
    assert levels(found) == said
    assert found[0].said == "it takes the login of cobros, encrypted"
    assert f"in {days} days" in found[1].said


def test_a_refused_login_is_bad_and_shows_no_password(authority):
    with mail_server(authority) as port:
        (found,) = examine_server(smtp(port, "wrong-secret-word"), NOW, trusting(authority))
    assert (found.level, "refuses our login" in found.said) == (Level.BAD, True)
    assert "mail.smtp.password" in found.to_do
    assert "wrong-secret-word" not in found.line()


def test_a_certificate_that_nobody_vouches_for_is_bad(authority):
    with mail_server(authority) as port:
        (found,) = examine_server(smtp(port), NOW)
    assert found.level is Level.BAD
    assert "certificate that cannot be trusted" in found.said


def test_a_server_that_is_not_there_is_bad_and_one_without_login_is_used_so():
    (found,) = examine_server(smtp(1), NOW)
    assert (found.level, "could not be reached" in found.said) == (Level.BAD, True)
    with ScriptedServer({}) as server:
        (found,) = examine_server(smtp(server.port, security="none", username="", password=None), NOW)
        assert server.bodies == []
    assert found == Finding(Level.OK, f"mail server localhost:{server.port}", "it takes us without a login")


WELL = {
    "acme.example": {"MX": ["10 mx.acme.example."], "TXT": ["v=spf1 include:_spf.mailer.example -all", "other=1"]},
    "_spf.mailer.example": {"TXT": ["v=spf1 ip4:203.0.113.0/24 ~all"]},
    "smtp.mailer.example": {"A": [HERE]},
    "selector1._domainkey.acme.example": {"TXT": ["v=DKIM1; k=rsa; p=MIGf"]},
    "_dmarc.acme.example": {"TXT": ["v=DMARC1; p=quarantine; rua=mailto:x@acme.example"]},
}


def examined(zone: dict[str, Any], domain: str = "acme.example") -> list[Finding]:
    with dns_of(zone) as resolver:
        return list(examine_domain(domain, "smtp.mailer.example", Dns(resolver)))


def test_a_domain_that_says_all_of_it():
    found = examined(WELL)
    assert [one.said for one in found] == [
        "answers can reach it (mx.acme.example)",
        "its SPF record names smtp.mailer.example",
        "it has a DKIM key (selector1)",
        "its DMARC policy is quarantine",
    ]
    assert levels(found) == "ok ok ok ok"


def test_a_domain_that_says_nothing():
    assert levels(examined({"smtp.mailer.example": {"A": [HERE]}})) == "bad warn warn warn"


def test_a_subdomain_has_the_dmarc_policy_of_the_domain_above():
    found = examined({**WELL, "news.acme.example": WELL["acme.example"]}, "news.acme.example")
    assert found[-1].said == "its DMARC policy is quarantine (of acme.example)"


def spf(record: str, **zone: dict[str, list[str]]) -> Finding:
    names = {name.replace("__", "."): said for name, said in zone.items()}
    return examined({**WELL, **names, "acme.example": {"MX": ["1 mx.acme.example."], "TXT": [record]}})[1]


@pytest.mark.parametrize(
    ("record", "zone", "level", "words"),
    [
        ("v=spf1 ip4:203.0.113.7 -all", {}, "ok", "names"),
        ("v=spf1 a:smtp.mailer.example -all", {}, "ok", "names"),
        ("v=spf1 mx -all", {"mx__acme__example": {"A": [HERE]}}, "ok", "names"),
        ("v=spf1 redirect=_spf.mailer.example", {}, "ok", "names"),
        ("v=spf1 -ip4:203.0.113.7 ~all", {}, "warn", "does not name"),
        ("v=spf1 ip6:2001:db8::/32 -all", {}, "warn", "does not name"),
        ("v=spf1 exists:%{i}.x.example -all", {}, "warn", "does not clearly name"),
        ("v=spf1 +all", {}, "warn", "lets everybody send"),
        ("v=spf1 include:nowhere.example -all", {}, "bad", "nowhere.example, which it includes, has none"),
        ("v=spf1 " + "a " * 11 + "-all", {}, "bad", "more than 10 look-ups"),
        ("v=spf1 include:loop.example -all", {"loop__example": {"TXT": ["v=spf1 include:acme.example -all"]}}, "bad", "includes itself"),
        ("v=spf10 ip4:203.0.113.7", {}, "warn", "no SPF record"),
        ("v=spf1 ip4:nonsense -all", {}, "warn", "does not name"),
    ],
)
def test_an_spf_record_is_walked_as_the_rfc_says(record, zone, level, words):
    found = spf(record, **zone)
    assert found.level.value == level
    assert words in found.said
    assert found.to_do or level == "ok"


def test_two_spf_records_are_as_good_as_none():
    found = examined({**WELL, "acme.example": {"MX": ["1 mx.acme.example."], "TXT": ["v=spf1 -all", "v=spf1 mx -all"]}})[1]
    assert (found.level, found.said) == (Level.BAD, "its SPF record is broken: acme.example has 2 of them")


def test_a_server_named_by_its_address_is_taken_at_its_word():
    with dns_of(WELL) as resolver:
        assert spf_of("acme.example", [HERE], Dns(resolver)).allows
        assert not spf_of("acme.example", ["198.51.100.1"], Dns(resolver)).allows


def test_a_dns_that_does_not_answer_is_said_once():
    with dns_of(WELL) as resolver:
        resolver.nameservers = []
        (found,) = examine_domain("acme.example", "smtp.mailer.example", Dns(resolver))
    assert (found.level, "did not answer" in found.said) == (Level.WARN, True)


@pytest.mark.parametrize(
    ("sender", "domain"),
    [("Cobros <cobros@Acme.example>", "acme.example"), ("a@café.example", "xn--caf-dma.example"), ("nobody", "")],
)
def test_the_domain_is_the_senders(sender, domain):
    assert domain_of(sender) == domain
