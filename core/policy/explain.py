"""A policy as sentences that a bookkeeper can check. English, the same in every locale; every key is in some sentence, no secret in any."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from babel import Locale
from pydantic import BaseModel

from ..secret import Secret
from .explain_charges import charge_sentences
from .explain_digest import digest_sentences
from .explain_discount import discount_sentences
from .explain_payment import payment_sentences
from .schema import (
    Channel,
    CustomerRule,
    GoLive,
    Grouping,
    Level,
    Mode,
    OldDebt,
    Policy,
    RecipientStep,
    Repeat,
    Security,
    Signature,
    Smtp,
    Weekday,
)
from .sentences import amounts_listed, counted, country_named, days_listed, listed, match_words
from .words import as_written

_MODES = {
    Mode.SHADOW: "everything is planned and rendered, and nothing is sent",
    Mode.APPROVE: "each notice waits until a person approves it",
    Mode.LIVE: "notices are sent, apart from those that need a person's approval",
}
_WEEKDAYS = dict(zip(Weekday, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
_OLD_DEBT = {
    OldDebt.IGNORE: "is never chased",
    OldDebt.ONE_SUMMARY: "gets one summary in place of the first overdue level, and then follows its procedure",
    OldDebt.MATCHING_LEVEL: "enters its procedure at the level that matches its age",
}
_RECIPIENTS = {
    RecipientStep.DOCUMENT: "the contact on the invoice",
    RecipientStep.INVOICE: "the contact for invoices",
    RecipientStep.ACCOUNTS_PAYABLE: "accounts payable",
    RecipientStep.GENERAL: "the customer's general address",
    RecipientStep.ESCALATION: "the contact for escalation",
    RecipientStep.PARENT: "the parent customer",
}
_GROUPINGS = {
    Grouping.CUSTOMER: "A customer gets one message with all items that are due.",
    Grouping.INVOICE: "Each invoice gets a message of its own.",
}
_SECURITY = {Security.STARTTLS: "protected by STARTTLS", Security.TLS: "protected by TLS", Security.NONE: "without protection"}


def explain(policy: Policy) -> list[str]:
    """What the policy says, defaults included, one sentence or two an entry, in the order of a run's questions."""
    return [
        *_company(policy),
        *_mail(policy),
        *_sending(policy),
        *_old_debt(policy.go_live),
        *_procedures(policy),
        *(_rule(number, rule) for number, rule in enumerate(policy.customers, start=1)),
        *_scope(policy),
        *payment_sentences(policy),
        *charge_sentences(policy),
        *discount_sentences(policy),
        *_safety(policy),
        *_schedule(policy),
        *digest_sentences(policy.digest),
    ]


def relative_day(days: int) -> str:
    """A level's offset by the one convention: negative before the due date, positive after it."""
    if days == 0:
        return "on the due date (day 0)"
    if days == 1:
        return "the day after the due date (day +1)"
    if days == -1:
        return "the day before the due date (day -1)"
    return f"{abs(days)} days {'before' if days < 0 else 'after'} the due date (day {days:+d})"


def _company(policy: Policy) -> Iterator[str]:
    company = policy.company
    region = f", region {company.region}" if company.region else ""
    yield f"These are the reminders of {company.name}, in {country_named(company.country)}{region}."
    yield f"Days begin and end in the time zone {company.time_zone}."
    language = Locale.parse(company.locale).get_display_name("en")
    yield f"A customer whose language is not known is written to in {language} ({company.locale})."
    yield f"Spanish notices say {company.form_of_address}."
    yield f"The mode is {policy.mode}: {_MODES[policy.mode]}."
    settings = [*_settings(policy.ledger.settings)]
    yield f"The books are in the ledger “{policy.ledger.type}”; its settings that differ from the usual: {listed(settings) or 'none'}."


def _settings(settings: BaseModel, above: str = "") -> Iterator[str]:
    """The settings that are not what they are when a policy says nothing."""
    usual = {name: field.get_default(call_default_factory=True) for name, field in type(settings).model_fields.items()}
    keys = {
        field.alias or name: getattr(settings, name)
        for name, field in type(settings).model_fields.items()
        if getattr(settings, name) != usual[name]
    }
    for key, value in {**keys, **(settings.model_extra or {})}.items():
        yield from _setting(f"{above}{key}", value)


def _setting(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from _settings(value, f"{key}.")
    elif isinstance(value, Mapping) and value:
        for inner, below in value.items():
            yield from _setting(f"{key}.{inner}", below)
    elif isinstance(value, list | tuple) and value:
        for number, below in enumerate(value, start=1):
            yield from _setting(f"{key}[{number}]", below)
    else:
        yield f"{key} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, Secret):
        return "is a secret that is not shown"
    if value is None or value == "" or value in ((), [], {}):
        return "is not set"
    return f"is {as_written(value.value if isinstance(value, StrEnum) else value)}"


def _mail(policy: Policy) -> Iterator[str]:
    mail = policy.mail
    yield f"E-mail comes from {mail.sender}; answers go to {mail.reply_to or 'the same address'}."
    if mail.smtp:
        yield _smtp(mail.smtp)
    if mail.folder:
        yield f"No mail leaves this machine: each one is written as a file into the folder {mail.folder}."
    yield f"Every notice is signed by {_signature(mail.signature)}."
    attached = {None: "attached where the ledger can print it", True: "always attached", False: "not attached"}
    yield f"The invoice is {attached[mail.attach_invoice_pdf]}."
    yield (
        f"Texts come from the folder {policy.templates}, and from Puntual where that has none."
        if policy.templates
        else "Texts are Puntual's own."
    )


def _smtp(smtp: Smtp) -> str:
    login = f" as {smtp.username}" if smtp.username else " without a login"
    password = " with a password that is not shown" if smtp.password else ""
    server = f"{smtp.host}, port {smtp.port}, {_SECURITY[smtp.security]},{login}{password}"
    return f"Mail leaves through {server}; Puntual waits {counted(smtp.timeout_seconds, 'second')} for an answer."


def _signature(person: Signature) -> str:
    parts = (person.name, person.role, person.phone and f"telephone {person.phone}", person.email and f"e-mail {person.email}")
    return ", ".join(part for part in parts if part)


def _sending(policy: Policy) -> Iterator[str]:
    sending = policy.sending
    days = listed([_WEEKDAYS[day] for day in sending.days])
    yield f"Customers are written to on {days}, between {sending.earliest:%H:%M} and {sending.latest:%H:%M}."
    yield f"On public holidays {'nothing goes out' if sending.skip_public_holidays else 'notices go out as on any other day'}."
    yield (
        f"Nothing goes out on these days off either: {days_listed(sending.holidays)}."
        if sending.holidays
        else "There are no further days off."
    )
    yield f"Between two contacts with a customer, over all channels, at least {counted(sending.min_days_between_contacts, 'day')} pass."
    limit = "There is no limit of notices a day."
    yield f"At most {counted(sending.daily_limit, 'notice')} a day; the rest waits." if sending.daily_limit else limit


def _old_debt(go_live: GoLive | None) -> Iterator[str]:
    if go_live is None:
        yield "No go-live date is set, so a first run on old debt stops and asks."
    else:
        yield f"Puntual is in charge from {go_live.on}: what was due before that day {_OLD_DEBT[go_live.old_debt]}."


def _procedures(policy: Policy) -> Iterator[str]:
    yield f"Customers for whom nothing else is said follow the procedure “{policy.default_procedure}”."
    for name, procedure in policy.procedures.items():
        yield f"The procedure “{name}” has {counted(len(procedure.levels), 'level')}:"
        for number, level in enumerate(procedure.levels, start=1):
            yield f"“{name}” {number}: {_level(level)}."


def _level(level: Level) -> str:
    what = f"an e-mail with the text “{level.notice}”" if level.channel is Channel.EMAIL else "a task to call the customer"
    again = _repeat(level.repeat) if level.repeat else ""
    approval = "only after a person approved it" if level.needs_approval else ""
    return "; ".join(part for part in (f"{relative_day(level.days)}, {what} (level “{level.key}”)", again, approval) if part)


def _repeat(repeat: Repeat) -> str:
    return f"again every {counted(repeat.every_days, 'day')} while nothing happens, at most {counted(repeat.at_most, 'more time')}"


def _rule(number: int, rule: CustomerRule) -> str:
    who = ", and ".join(match_words(rule.match))
    if rule.exclude is None:
        return f"Rule {number}: if {who}, the procedure is “{rule.procedure}”."
    until = f"until {rule.exclude.until} inclusive" if rule.exclude.until else "until this rule is removed"
    return f"Rule {number}: if {who}, it is not chased {until}. Reason: {rule.exclude.reason}"


def _scope(policy: Policy) -> Iterator[str]:
    small = "No amount is too small for a reminder."
    yield f"What is outstanding is left alone up to {amounts_listed(policy.tolerance)}." if policy.tolerance else small
    steps = ", then ".join(_RECIPIENTS[step] for step in policy.recipients)
    yield f"A notice goes to the first of these that has a usable address: {steps}."
    yield _GROUPINGS[policy.grouping]


def _schedule(policy: Policy) -> Iterator[str]:
    schedule, zone = policy.schedule, policy.company.time_zone
    yield f"A worker reads the books every {counted(schedule.sync_every_minutes, 'minute')}, and sooner when a webhook tells of a change."
    day = _WEEKDAYS[schedule.complete.day]
    yield f"It reads everything that is open anew every {day} at {schedule.complete.at:%H:%M} ({zone})."
    times = listed([f"{at:%H:%M}" for at in schedule.run_at])
    yield f"It runs at {times} ({zone})." if schedule.automatic else f"It never runs by itself; a person does ({times} do not matter)."


def _safety(policy: Policy) -> Iterator[str]:
    guard = policy.guard
    yield f"A promise to pay counts as broken {counted(policy.promises.grace_days, 'day')} after the promised day."
    yield (
        f"A run stops and asks when it would write to more than {guard.max_share_of_customers:%} of the customers with open items, "
        f"judged from {counted(guard.share_from_customers, 'customer')} on."
    )
    yield f"A run stops and asks when the newest payment in the books is more than {counted(guard.max_days_without_payment, 'day')} old."
    if guard.max_total:
        yield f"A run stops and asks when it would claim more than {amounts_listed(guard.max_total)}."
    else:
        yield "There is no limit to what one run may claim."
