"""Checks that need more than one value of a policy, and advice on what is legal and unwise."""

import ipaddress
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from babel import Locale

from ..calendar import knows_country
from ..money import minor_units
from ..port import Capability
from .charge_schema import ChargeRule, Exemption, LateCharges
from .discount_schema import EarlyPaymentDiscount
from .lint_charges import charge_advice, charge_findings
from .lint_digest import digest_findings
from .lint_discount import discount_advice, discount_findings
from .lint_ladders import ladder_findings
from .lint_payment import payment_findings
from .problems import Finding, Path
from .queries import can_be_paid
from .schema import (
    CompanyProfile,
    CustomerRule,
    Guard,
    Mail,
    Match,
    Mode,
    NoticeKind,
    Policy,
    Procedure,
    Security,
    Sending,
    Smtp,
)
from .sections import Damage, Section
from .values import suggestion

_USUAL_PORTS = {465: Security.TLS, 587: Security.STARTTLS}
_NO_ANSWER_BOXES = ("noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "no-responder", "noresponder", "no_responder")
_LONG_WITHOUT_PAYMENT = 60


def findings(
    raw: object, broken: Iterable[Path], languages: Collection[str], capabilities: frozenset[Capability] | None
) -> Iterator[Finding]:
    """All that does not fit together in the policy `raw`. `broken` are the paths at which the schema found something: what depends on
    them is left alone. `capabilities` are those of the ledger, None when the ledger itself is not known."""
    policy = Section(Policy, raw, (), Damage(broken))
    sending = policy.section("sending", Sending)
    yield from _company(policy.section("company", CompanyProfile), languages)
    yield from _sending(sending)
    yield from _mail(policy.section("mail", Mail))
    yield from payment_findings(policy, capabilities)
    yield from _amounts(policy)
    yield from ladder_findings(policy, sending)
    yield from _default_procedure(policy)
    for rule in policy.entries("customers", CustomerRule):
        yield from _rule(rule, _procedures(policy))
    yield from charge_findings(policy, capabilities)
    yield from discount_findings(policy, capabilities)
    yield from digest_findings(policy)
    if capabilities is not None:
        yield from _abilities(policy, capabilities)


def _company(company: Section, languages: Collection[str]) -> Iterator[Finding]:
    country, region, locale = (company.sound(key) for key in ("country", "region", "locale"))
    if country and region and not knows_country(country, region):
        yield Finding(
            (*company.path, "region"), f"`{country}` has no region `{region}`", "the ISO 3166-2 code without the country: MD, CT, B"
        )
    if locale and Locale.parse(locale).language not in languages:
        yield Finding(
            (*company.path, "locale"),
            f"there are no texts in the language of `{locale}`",
            f"languages with texts: {', '.join(sorted(languages))}",
        )


def _sending(sending: Section) -> Iterator[Finding]:
    earliest, latest = sending.sound("earliest"), sending.sound("latest")
    if earliest is not None and latest is not None and earliest >= latest:
        where = "latest" if sending.given("latest") else "earliest"
        yield Finding((*sending.path, where), f"`earliest` ({earliest:%H:%M}) must be before `latest` ({latest:%H:%M})", "times of one day")


def _mail(mail: Section) -> Iterator[Finding]:
    smtp = mail.section("smtp", Smtp)
    if mail.given("smtp") and mail.given("folder"):
        yield Finding((*mail.path, "folder"), "`mail` has both `smtp` and `folder`", "keep the one that is meant", on_key=True)
    elif mail.present and not mail.given("smtp") and not mail.given("folder"):
        yield Finding(
            mail.path, "`mail` says no way out", "add `smtp:` with your mail server, or `folder:` to write mails as files", on_key=True
        )
    if smtp.given("username") and not smtp.given("password"):
        yield Finding((*smtp.path, "username"), "`username` needs a `password`", "password: ${SMTP_PASSWORD}")
    if smtp.given("password") and not smtp.given("username"):
        yield Finding((*smtp.path, "password"), "`password` needs a `username`", "add it, or leave both out", on_key=True)
    if _goes_open(smtp) and smtp.given("username"):
        yield Finding((*smtp.path, "security"), "the password would cross the network unprotected", "security: starttls, or tls")


def _goes_open(smtp: Section) -> bool:
    host = smtp.sound("host")
    return smtp.sound("security") is Security.NONE and host is not None and not _is_this_machine(host)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _amounts(policy: Section) -> Iterator[Finding]:
    yield from _decimals(policy.path, "tolerance", policy.sound("tolerance"))
    guard = policy.section("guard", Guard)
    yield from _decimals(guard.path, "max_total", guard.sound("max_total"))
    yield from _charge_amounts(policy.section("late_charges", LateCharges))
    excepted = policy.section("late_charges", LateCharges).entries("exempt", Exemption)
    discount = policy.section("early_payment_discount", EarlyPaymentDiscount)
    for rule in (*policy.entries("customers", CustomerRule), *excepted, discount):
        match = rule.section("match", Match)
        low, high = match.sound("min_amount") or {}, match.sound("max_amount") or {}
        yield from _decimals(match.path, "min_amount", low)
        yield from _decimals(match.path, "max_amount", high)
        for code in low.keys() & high.keys():
            if low[code] > high[code]:
                yield Finding(
                    (*match.path, "max_amount", code), f"`max_amount` {high[code]} {code} is below `min_amount` {low[code]} {code}"
                )


def _charge_amounts(charges: Section) -> Iterator[Finding]:
    for key in ("minimum", "cap", "write_off_below"):
        yield from _decimals(charges.path, key, charges.sound(key))
    for rule in charges.entries("rules", ChargeRule):
        yield from _decimals(rule.path, "amount", rule.sound("amount"))


def _decimals(path: Path, key: str, amounts: dict[str, Decimal] | None) -> Iterator[Finding]:
    for code, amount in (amounts or {}).items():
        if amount != round(amount, minor_units(code)):
            yield Finding((*path, key, code), f"{amount} has more decimals than {code}, which has {minor_units(code)}", "round it")


def _procedures(policy: Section) -> list[str] | None:
    """The names of the procedures; None when it is not sound what they are."""
    names = [str(procedure.path[-1]) for procedure in policy.named("procedures", Procedure)]
    return names or None


def _default_procedure(policy: Section) -> Iterator[Finding]:
    default, names = policy.sound("default_procedure"), _procedures(policy)
    if default is None or names is None or default in names:
        return
    where: Path = ("default_procedure",) if policy.given("default_procedure") else ("procedures",)
    yield Finding(where, f"the default procedure is `{default}`, which does not exist", _hint_of_names(default, names, "default_procedure"))


def _hint_of_names(name: str, names: list[str], key: str) -> str:
    return suggestion(name, names) or f"for example `{key}: {names[0]}`"


def _rule(rule: Section, names: list[str] | None) -> Iterator[Finding]:
    chosen = [key for key in ("procedure", "exclude") if rule.given(key)]
    if len(chosen) == 2:
        yield Finding(rule.path, "this rule has both `procedure` and `exclude`", "keep the one that is meant")
    if not chosen:
        yield Finding(rule.path, "this rule says neither `procedure` nor `exclude`", "add `procedure: <name>`, or `exclude:` with a reason")
    match = rule.section("match", Match)
    if rule.sound("match") is not None and not any(match.sound(key) for key in Match.model_fields):
        yield Finding(match.path, "`match` is empty and would fit everybody", "name groups, countries, names, ids or amounts", on_key=True)
    procedure = rule.sound("procedure")
    if procedure and names and procedure not in names:
        yield Finding((*rule.path, "procedure"), f"there is no procedure `{procedure}`", _hint_of_names(procedure, names, "procedure"))


def _abilities(policy: Section, capabilities: frozenset[Capability]) -> Iterator[Finding]:
    if policy.section("mail", Mail).sound("attach_invoice_pdf") and Capability.INVOICE_PDF not in capabilities:
        yield Finding(("mail", "attach_invoice_pdf"), "this ledger cannot print invoices", "leave out `attach_invoice_pdf`")


def missing_payment_details(policy: Policy, currencies: Iterable[str]) -> list[Finding]:
    """The currencies of the books in which the policy says no way to pay (docs/sources.md 24): no notice can go out for them."""
    return [
        Finding(
            ("payment_details",), f"the books have open items in {code}, but there is no way to pay in {code}", f"add `{code}:` with `iban`"
        )
        for code in sorted(set(currencies))
        if not can_be_paid(policy, code)
    ]


def warnings(policy: Policy, as_of: date | None = None) -> list[Finding]:
    """What is legal and unwise. With `as_of`, also what has run out by that day."""
    known = [*_mail_advice(policy), *_start_advice(policy), *_ladder_advice(policy), *_rule_advice(policy, as_of)]
    return [*known, *charge_advice(policy, as_of), *discount_advice(policy), *_guard_advice(policy)]


def _mail_advice(policy: Policy) -> Iterator[Finding]:
    mail, smtp = policy.mail, policy.mail.smtp
    box = mail.sender.rpartition("<")[2].partition("@")[0].lower()
    if box in _NO_ANSWER_BOXES and not mail.reply_to:
        yield Finding(("mail", "reply_to"), "answers would go to a mailbox that nobody reads", "add `reply_to:`")
    if mail.folder and policy.mode is Mode.LIVE:
        yield Finding(("mail", "folder"), "the mode is live, but mails are only written to a folder", "add `smtp:` to send them")
    if smtp and smtp.security is Security.NONE and not _is_this_machine(smtp.host):
        yield Finding(("mail", "smtp", "security"), "mails cross the network unprotected", "security: starttls, or tls")
    if smtp and smtp.security is not _USUAL_PORTS.get(smtp.port, smtp.security):
        yield Finding(("mail", "smtp", "port"), f"port {smtp.port} is usually {_USUAL_PORTS[smtp.port]}", "587 with starttls, 465 with tls")


def _start_advice(policy: Policy) -> Iterator[Finding]:
    if policy.go_live is None and policy.mode is not Mode.SHADOW:
        yield Finding(("go_live",), "it is not said what happens to old debt, so a first run on old debt stops", "add `go_live:`")
    if not policy.payment_details and not policy.payment_links:
        yield Finding(("payment_details",), "there is no way to pay in any currency, so no notice can go out", "add your IBAN")


def _ladder_advice(policy: Policy) -> Iterator[Finding]:
    gap = policy.sending.min_days_between_contacts
    for name, procedure in policy.procedures.items():
        here: tuple[Any, ...] = ("procedures", name, "levels")
        for number, level in enumerate(procedure.levels):
            if level.notice is NoticeKind.FINAL and not level.needs_approval:
                yield Finding((*here, number), f"the final notice `{level.key}` goes out without a person's yes", "needs_approval: true")
        for number, (lower, higher) in enumerate(pairwise(procedure.levels), start=1):
            if higher.days - lower.days < gap:
                message = f"level `{higher.key}` (day {higher.days}) will wait until {gap} days after `{lower.key}` (day {lower.days})"
                yield Finding((*here, number, "days"), message, "spread the levels, or lower `sending.min_days_between_contacts`")


def _rule_advice(policy: Policy, as_of: date | None) -> Iterator[Finding]:
    floor = max((day for day in (as_of, policy.go_live and policy.go_live.on) if day), default=date.min)
    for number, rule in enumerate(policy.customers):
        if rule.exclude and rule.exclude.until and rule.exclude.until < floor:
            yield Finding(
                ("customers", number, "exclude", "until"), f"this exclusion ended on {rule.exclude.until}, so the rule does nothing"
            )


def _guard_advice(policy: Policy) -> Iterator[Finding]:
    guard = policy.guard
    if guard.max_share_of_customers == 1:
        yield Finding(("guard", "max_share_of_customers"), "the guard would let a run write to every customer", "0.4 is the default")
    if guard.max_days_without_payment > _LONG_WITHOUT_PAYMENT:
        message = f"books without a payment for {guard.max_days_without_payment} days would still be believed"
        yield Finding(("guard", "max_days_without_payment"), message, "10 is the default")
