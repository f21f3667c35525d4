"""The policy of one company: what a YAML file may say, frozen, with every default and where it comes from.

Fields are described for the person who writes the file; the published JSON Schema is made from here. Checks that need more than one
value are in `lint.py`; `read.py` reports all problems at once with line and column.
"""

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, InstanceOf

from ..receivables import ContactRole
from ..secret import Secret
from .charge_schema import LateCharges
from .digest_schema import Digest
from .discount_schema import EarlyPaymentDiscount
from .parts import Match as Match
from .parts import Model as Model
from .payment_schema import LinkProvider as LinkProvider
from .payment_schema import PaymentDetails as PaymentDetails
from .payment_schema import PaymentLink as PaymentLink
from .payment_schema import PaymentLinkEntry
from .payment_schema import PostalAddress as PostalAddress
from .schedule_schema import Schedule
from .schedule_schema import Weekday as Weekday
from .values import (
    Amount,
    CountryCode,
    CurrencyCode,
    Day,
    Key,
    Line,
    LocaleName,
    MailAddress,
    Mailbox,
    Name,
    Region,
    Several,
    Share,
    Text,
    TimeOfDay,
    TimeZoneName,
    Word,
)


class Mode(Word):
    """How far a run goes."""

    SHADOW = "shadow"
    APPROVE = "approve"
    LIVE = "live"


class FormOfAddress(Word):
    """How Spanish notices address the reader."""

    USTED = "usted"
    TU = "tu"


class Channel(Word):
    """How a level reaches the customer."""

    EMAIL = "email"
    CALL = "call"


class NoticeKind(Word):
    """Which text is sent. SUMMARY is the one message on old debt at go-live."""

    BEFORE_DUE = "before_due"
    DUE = "due"
    REMINDER = "reminder"
    SECOND = "second"
    FIRM = "firm"
    FINAL = "final"
    SUMMARY = "summary"


class OldDebt(Word):
    """What to do with items that were overdue before go-live."""

    # docs/sources.md 7

    IGNORE = "ignore"
    ONE_SUMMARY = "one_summary"
    MATCHING_LEVEL = "matching_level"


class Grouping(Word):
    """What one message covers."""

    CUSTOMER = "customer"
    INVOICE = "invoice"


class RecipientStep(Word):
    """A rung of the recipient ladder: the first that has a usable address is written to."""

    DOCUMENT = "document"
    INVOICE = "invoice"
    ACCOUNTS_PAYABLE = "accounts_payable"
    GENERAL = "general"
    ESCALATION = "escalation"
    PARENT = "parent"


class Security(Word):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class CompanyProfile(Model):
    """Whose reminders these are."""

    name: Name = Field(description="The name customers know the company by; it signs every notice.")
    country: CountryCode = Field(description="ISO 3166-1 country, for holidays and law: ES")
    region: Region = Field("", description="ISO 3166-2 subdivision without the country, for regional holidays: MD, CT, B")
    locale: LocaleName = Field(description="Language and country for words, dates and money when the customer's are unknown: es_ES")
    time_zone: TimeZoneName = Field(description="IANA time zone in which days begin and end: Europe/Madrid")
    form_of_address: FormOfAddress = Field(FormOfAddress.USTED, description="usted or tu, in Spanish notices")


class Smtp(Model):
    """The company's own mail server, so that mail comes from the company's domain."""

    # docs/sources.md 30

    host: Name = Field(description="Name of the mail server: smtp.example.com")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="587 with STARTTLS (RFC 6409), 465 with TLS (RFC 8314)")
    security: Security = Field(Security.STARTTLS, description="starttls, tls, or none (only for a server on this machine)")
    username: Line = Field("", description="Who logs in there; empty means no login")
    password: Secret | None = Field(None, description="By reference only: ${NAME_OF_AN_ENVIRONMENT_VARIABLE} or ${file:/path}")
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = Field(30, description="How long to wait for an answer of the server, in seconds")


class Signature(Model):
    """The person who signs."""

    # docs/sources.md: a reminder is signed by a person

    name: Name = Field(description="First and last name")
    role: Line = Field("", description="What the person does: Administración")
    phone: Line = Field("", description="Where the person can be called; in quotes when it is only digits")
    email: MailAddress = Field("", description="The person's own address")


class Mail(Model):
    """How e-mail leaves. Exactly one of `smtp` and `folder`."""

    sender: Annotated[Mailbox, Field(min_length=1)] = Field(alias="from", description="Address of the sender: Cobros <cobros@example.com>")
    reply_to: Mailbox = Field("", description="Where answers go, when not to the sender")
    signature: Signature = Field(description="The person who signs every notice")
    smtp: Smtp | None = Field(None, description="The company's own mail server")
    folder: Line = Field("", description="Write each mail as an .eml file into this folder instead of sending it")
    attach_invoice_pdf: bool | None = Field(
        # docs/sources.md: resend the lost invoice
        None,
        description="Attach the invoice; left out: where the ledger can print it",
    )


class Sending(Model):
    """When customers may be contacted."""

    days: Several[Weekday] = Field(
        (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI), min_length=1, description="Days on which notices may go out"
    )
    earliest: TimeOfDay = Field(time(8, 0), description="Not before this time of day in the company's zone")
    latest: TimeOfDay = Field(time(20, 0), description="Not after this time of day in the company's zone")
    skip_public_holidays: bool = Field(True, description="Keep the holidays of the company's country and region")
    holidays: Several[Day] = Field((), description="More days off: local feasts, the August closing")
    min_days_between_contacts: Annotated[int, Field(ge=1, le=90)] = Field(
        # docs/sources.md: again a week later
        6,
        description="At least this many days between two contacts with a customer, over all channels",
    )
    daily_limit: Annotated[int, Field(ge=1)] | None = Field(
        None, description="At most this many notices a day; the rest waits for the next day"
    )


class GoLive(Model):
    """From when on Puntual is in charge."""

    on: Day = Field(alias="date", description="Items due before this day are old debt")
    old_debt: OldDebt = Field(
        description="ignore: never chased; one_summary: one message in place of the first overdue level; matching_level: enter by age"
    )


class Repeat(Model):
    """Send the same level again while nothing happens."""

    # docs/sources.md 28: never without a limit

    every_days: Annotated[int, Field(ge=1, le=365)] = Field(description="Days between two sends")
    at_most: Annotated[int, Field(ge=1, le=12)] = Field(description="How many times again, after the first")


class Level(Model):
    """A rung of a ladder."""

    key: Key = Field(description="Its own name in this ladder; history keeps it, so change it only for another level")
    days: Annotated[int, Field(ge=-365, le=1825)] = Field(description="Days from the due date: -7 is a week before, 1 the day after")
    channel: Channel = Field(Channel.EMAIL, description="email, or call: a task for a person")
    notice: NoticeKind | None = Field(None, description="Which text; e-mail levels need one")
    repeat: Repeat | None = Field(None, description="Send it again while nothing happens, with a limit")
    needs_approval: bool = Field(False, description="A person says yes before it goes out")


class Procedure(Model):
    """A named ladder of levels, in the order of their days."""

    levels: Several[Level] = Field(min_length=1, max_length=30, description="The rungs, by rising days")


class Exclusion(Model):
    """Do not chase, with the reason and until when."""

    # docs/sources.md 8

    reason: Text = Field(description="Why; it is shown wherever somebody asks")
    until: Day | None = Field(None, description="The last day of the exclusion; none means until the rule is removed")


class CustomerRule(Model):
    """The first rule that matches decides. Exactly one of `procedure` and `exclude`."""

    match: Match = Field(description="Which customers or invoices")
    procedure: Key | None = Field(None, description="The procedure they follow")
    exclude: Exclusion | None = Field(None, description="They are not chased at all")


class Guard(Model):
    """When a plan is too implausible to be carried out without asking."""

    max_share_of_customers: Share = Field(
        Decimal("0.4"), description="Stop when more than this share of the customers with open items would be written to"
    )
    share_from_customers: Annotated[int, Field(ge=1)] = Field(20, description="The share is judged from this many customers in the plan on")
    max_days_without_payment: Annotated[int, Field(ge=1)] = Field(
        # docs/sources.md 3: unreconciled payments
        10,
        description="Stop when the newest payment, bank entry or export of the books is older than this",
    )
    max_total: dict[CurrencyCode, Amount] = Field(
        default_factory=dict, description="Stop when a run would claim more than this in a currency"
    )


class Promises(Model):
    """How a promise to pay is treated."""

    grace_days: Annotated[int, Field(ge=0, le=30)] = Field(
        2, description="Days after the promised date before the promise counts as broken: banks need them"
    )


@dataclass(frozen=True, slots=True)
class LedgerChoice:
    """Which ledger, and its settings, which the connector's own model has checked. `type` is the connector's id in plugin.yaml."""

    type: str
    settings: BaseModel


class Policy(Model):
    """All that one company decides."""

    company: CompanyProfile = Field(description="Whose reminders these are")
    ledger: InstanceOf[LedgerChoice] = Field(description="`type` names the connector; the other keys are its settings")
    mail: Mail = Field(description="How e-mail leaves, and who signs it")
    mode: Mode = Field(Mode.SHADOW, description="shadow: plan and render, send nothing; approve: a person approves each notice; live: send")
    sending: Sending = Field(default_factory=Sending, description="When customers may be contacted")
    go_live: GoLive | None = Field(None, description="From when on Puntual is in charge, and what happens to older debt")
    payment_details: dict[CurrencyCode, PaymentDetails] = Field(default_factory=dict, description="Where to pay, by currency")
    payment_links: Several[PaymentLinkEntry] = Field(
        (), description="Ways to pay that notices offer; of those that lead to a page, the first that is for the amount"
    )
    procedures: dict[Key, Procedure] = Field(min_length=1, description="The ladders, each with a name of its own")
    default_procedure: Key = Field("standard", description="The procedure of every customer for whom nothing else is said")
    customers: Several[CustomerRule] = Field((), description="Who follows which procedure or is excluded; the first match decides")
    tolerance: dict[CurrencyCode, Amount] = Field(default_factory=dict, description="Amounts up to this are not worth a reminder")
    recipients: Several[RecipientStep] = Field(
        (
            RecipientStep.DOCUMENT,
            RecipientStep.INVOICE,
            RecipientStep.ACCOUNTS_PAYABLE,
            RecipientStep.GENERAL,
            RecipientStep.PARENT,
        ),
        min_length=1,
        # docs/sources.md 12
        description="Who is written to: the first with a usable address",
    )
    grouping: Grouping = Field(
        # docs/sources.md 10
        Grouping.CUSTOMER,
        description="customer: one message with all due items; invoice: one for each",
    )
    templates: Line = Field("", description="A folder with the company's own texts; what is missing there is taken from Puntual's")
    late_charges: LateCharges | None = Field(None, description="What being late costs; left out, nothing is charged")
    schedule: Schedule = Field(default_factory=Schedule, description="When the worker reads the books and runs by itself")
    digest: Digest | None = Field(None, description="A mail to the company's own people about what was done and what waits; left out: none")
    early_payment_discount: EarlyPaymentDiscount = Field(
        default_factory=EarlyPaymentDiscount, description="What paying early is worth; left out, what the ledger's own terms grant counts"
    )
    promises: Promises = Field(default_factory=Promises, description="How a promise to pay is treated")
    guard: Guard = Field(default_factory=Guard, description="When a plan is too implausible to be carried out without asking")


ROLE_OF_STEP = {
    RecipientStep.INVOICE: ContactRole.INVOICE,
    RecipientStep.ACCOUNTS_PAYABLE: ContactRole.ACCOUNTS_PAYABLE,
    RecipientStep.GENERAL: ContactRole.GENERAL,
    RecipientStep.ESCALATION: ContactRole.ESCALATION,
}
