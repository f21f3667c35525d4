"""The words a template may use: display values only, built purely from what was decided. Nothing here can be sent, looked up or changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType

from ..dunning.facts import Action, ActionItem
from ..money import Money, totals
from ..policy.schema import Channel, PaymentDetails, Policy
from ..receivables import EarlyDiscount, UnappliedCredit
from .charge_news import NO_NEWS, Charged, ChargeNews, Earlier, Prospect, Step, charged, prospects
from .discount_words import Discount, discount_of
from .display import clean, clean_paragraphs, day_in_year, format_date, grouped, joined, locale_of, long_date, money_text, web_address

ANSWER_DAYS = 10
"""Days that firm and final notices give for the payment or an answer; fewer when the ladder goes on sooner."""

LONGEST_REFERENCE = 140  # ISO 20022, unstructured remittance information of a SEPA credit transfer
NO_OFFERS: Mapping[str, EarlyDiscount] = MappingProxyType({})
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One open item. `due_on` is for tables, `due_day` for sentences, `due_long` in full; `days_left` counts up to the due date.
    `instalment` of `instalments` is 1 of 1 for an invoice with one due date; `page_url` is empty when it cannot be paid online; `discount`
    is what may be deducted by paying early, none when nothing is offered."""

    number: str
    reference: str
    issued_on: str
    issued_long: str
    due_on: str
    due_day: str
    due_long: str
    outstanding: str
    total: str
    is_part_paid: bool
    instalment: int
    instalments: int
    days_overdue: int
    days_left: int
    page_url: str
    discount: Discount | None


@dataclass(frozen=True, slots=True)
class Section:
    """Items in the same position towards their due date. `invoices` counts invoices, `total` joins one amount a currency."""

    entries: tuple[Line, ...]
    invoices: int
    totals: tuple[str, ...]
    total: str

    def __bool__(self) -> bool:
        return bool(self.entries)


@dataclass(frozen=True, slots=True)
class Balance:
    """What is outstanding in one currency. `credit` is empty when there is none; `net` is what is left when the credit is taken into
    account, empty when it `is_covered` entirely."""

    currency: str
    overall: str
    credit: str
    net: str
    is_covered: bool


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit of the customer's that is not allocated to any invoice."""

    number: str
    dated_on: str
    remaining: str


@dataclass(frozen=True, slots=True)
class TransferCode:
    """A payment code that goes along as a picture, for exactly this amount and with this on the transfer. `image` is its Content-ID."""

    amount: Money
    reference: str
    image: str


@dataclass(frozen=True, slots=True)
class Code:
    """A payment code: its picture, the amount it pays, and what it writes on the transfer."""

    image: str
    amount: str
    reference: str


@dataclass(frozen=True, slots=True)
class Account:
    """Where to pay in one currency, and what to write on the transfer. `codes` are there when the mail brings some."""

    currency: str
    holder: str
    iban: str
    bic: str
    account: str
    bank: str
    instructions: str
    reference: str
    codes: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """A day that the customer named for these invoices and that has passed."""

    day: str
    numbers: str


@dataclass(frozen=True, slots=True)
class Signer:
    """The person who signs and reads the answers."""

    name: str
    role: str
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class NoticeContext:
    """Everything a template may say. `item` is the only item, or none when there are several; `page_url` is the one page where all of it
    can be paid, else empty; `online` has one item for each pay page; `attached` counts the invoices that go along as PDF;
    `call_follows` is true when the ladder goes on with a call. `charged` are the late charges that stand in the books for these invoices,
    `charged_before` counts those that are too many to be printed, `prospects` are those that may come. `discounted` are the items with a
    discount for paying early, which no total takes off; `asks_for_all` names what asks for them without it (page, code) beside an account
    to which less can be sent."""

    language: str
    form_of_address: str
    company: str
    customer: str
    greeting_name: str
    today: str
    answer_by: str
    item: Line | None
    items: tuple[Line, ...]
    online: tuple[Line, ...]
    invoices: int
    overdue: Section
    due_today: Section
    upcoming: Section
    total: str
    balances: tuple[Balance, ...]
    credits: tuple[Credit, ...]
    promises: tuple[Promise, ...]
    accounts: tuple[Account, ...]
    page_url: str
    attached: int
    call_follows: bool
    signature: Signer
    charged: tuple[Charged, ...]
    charged_before: tuple[Earlier, ...]
    prospects: tuple[Prospect, ...]
    discounted: tuple[Line, ...]
    asks_for_all: tuple[str, ...]


VALUES: tuple[type, ...] = (
    *(Line, Discount, Section, Balance, Credit, Account, Code, Promise, Signer),
    *(Prospect, Charged, Step, Earlier, NoticeContext),
)


def build_context(
    action: Action,
    policy: Policy,
    as_of: date,
    pages: Mapping[str, str],
    *,
    attached: Collection[str] = frozenset(),
    codes: Sequence[TransferCode] = (),
    charges: ChargeNews = NO_NEWS,
    offers: Mapping[str, EarlyDiscount] = NO_OFFERS,
) -> NoticeContext:
    """The words for one message. `pages` are pay pages, by item or, where one page is for the whole invoice, by invoice id; `attached` are
    the invoices whose PDFs really go along, `codes` the payment codes that do; `offers` are discounts for paying early, by item."""
    locale = locale_of(action.language, action.customer.country, policy.company.locale)
    entries = sorted(action.items, key=lambda entry: (entry.item.due_date, entry.item.number, entry.item.ordinal))
    lines = {entry.item.id: _line(entry, as_of, locale, pages, offers) for entry in entries}
    accounts = _accounts(entries, policy, codes, locale)
    discounted = [(line, entry.item.total.currency) for entry in entries if (line := lines[entry.item.id]).discount is not None]
    urls = {line.page_url for line in lines.values()}
    answer_by, call_follows = _what_follows(action, policy, as_of)
    made, before = charged(charges, action.customer, policy, locale)
    return NoticeContext(
        language=action.language.replace("_", "-"),
        form_of_address=policy.company.form_of_address.value,
        company=clean(policy.company.name),
        customer=clean(action.customer.name),
        greeting_name=_greeting_name(action),
        today=long_date(as_of, locale),
        answer_by=day_in_year(answer_by, as_of.year, locale),
        item=next(iter(lines.values())) if len(lines) == 1 else None,
        items=tuple(lines.values()),
        online=tuple({line.page_url: line for line in lines.values() if line.page_url}.values()),
        invoices=len({entry.item.invoice_id for entry in entries}),
        overdue=_section((entry for entry in entries if entry.item.due_date < as_of), lines, locale),
        due_today=_section((entry for entry in entries if entry.item.due_date == as_of), lines, locale),
        upcoming=_section((entry for entry in entries if entry.item.due_date > as_of), lines, locale),
        total=joined((money_text(money, locale) for money in action.totals), locale),
        balances=tuple(_balance(money, action.credits, locale) for money in action.totals),
        credits=tuple(_credit(credit, locale) for credit in action.credits if credit.remaining.is_positive),
        promises=_promises(entries, as_of, locale),
        accounts=accounts,
        page_url=urls.pop() if len(urls) == 1 else "",
        attached=len({entry.item.invoice_id for entry in entries} & set(attached)),
        call_follows=call_follows,
        signature=_signer(policy),
        charged=made,
        charged_before=before,
        prospects=prospects(charges, [entry.item for entry in entries], action.customer, policy, as_of.year, locale),
        discounted=tuple(line for line, _ in discounted),
        asks_for_all=_asks_for_all(discounted, accounts),
    )


def _asks_for_all(discounted: Sequence[tuple[Line, str]], accounts: Iterable[Account]) -> tuple[str, ...]:
    """`discounted` are lines with their currencies."""
    usable = [account for account in accounts if account.currency in {currency for _, currency in discounted}]
    has = {"page": any(line.page_url for line, _ in discounted), "code": any(account.codes for account in usable)}
    return tuple(what for what, is_there in has.items() if is_there and usable)


def _line(entry: ActionItem, as_of: date, locale: str, pages: Mapping[str, str], offers: Mapping[str, EarlyDiscount]) -> Line:
    item = entry.item
    overdue = item.days_overdue(as_of)
    return Line(
        number=clean(item.number) or clean(item.invoice_id),
        reference=clean(item.reference),
        issued_on=format_date(item.issued_on, locale),
        issued_long=long_date(item.issued_on, locale),
        due_on=format_date(item.due_date, locale),
        due_day=day_in_year(item.due_date, as_of.year, locale),
        due_long=long_date(item.due_date, locale),
        outstanding=money_text(item.outstanding, locale),
        total=money_text(item.total, locale),
        is_part_paid=item.outstanding < item.total,
        instalment=item.ordinal,
        instalments=item.instalment_count,
        days_overdue=max(overdue, 0),
        days_left=max(-overdue, 0),
        page_url=web_address(pages.get(item.id) or pages.get(item.invoice_id, "")),
        discount=discount_of(item, offers.get(item.id), as_of, locale),
    )


def _section(entries: Iterable[ActionItem], lines: Mapping[str, Line], locale: str) -> Section:
    chosen = tuple(entries)
    amounts = tuple(money_text(money, locale) for money in totals(entry.item.outstanding for entry in chosen))
    return Section(
        entries=tuple(lines[entry.item.id] for entry in chosen),
        invoices=len({entry.item.invoice_id for entry in chosen}),
        totals=amounts,
        total=joined(amounts, locale),
    )


def _balance(overall: Money, credits_: Iterable[UnappliedCredit], locale: str) -> Balance:
    """Credits count in their own currency only."""
    same = [credit.remaining for credit in credits_ if credit.remaining.currency == overall.currency and credit.remaining.is_positive]
    credit = sum(same, start=Money.zero(overall.currency))
    covered = credit.is_positive and credit >= overall
    return Balance(
        currency=overall.currency,
        overall=money_text(overall, locale),
        credit=money_text(credit, locale) if credit.is_positive else "",
        net="" if covered else money_text(overall - credit, locale),
        is_covered=covered,
    )


def _credit(credit: UnappliedCredit, locale: str) -> Credit:
    return Credit(
        number=clean(credit.number),
        dated_on=format_date(credit.dated_on, locale) if credit.dated_on else "",
        remaining=money_text(credit.remaining, locale),
    )


def _promises(entries: Iterable[ActionItem], as_of: date, locale: str) -> tuple[Promise, ...]:
    by_day: dict[date, list[str]] = {}
    for entry in entries:
        if entry.broken_promise_on:
            by_day.setdefault(entry.broken_promise_on, []).append(clean(entry.item.number))
    return tuple(
        Promise(day=day_in_year(day, as_of.year, locale), numbers=joined(dict.fromkeys(by_day[day]), locale)) for day in sorted(by_day)
    )


def _accounts(entries: Iterable[ActionItem], policy: Policy, codes: Sequence[TransferCode], locale: str) -> tuple[Account, ...]:
    numbers: dict[str, list[str]] = {}
    for entry in entries:
        numbers.setdefault(entry.item.outstanding.currency, []).append(clean(entry.item.number))
    return tuple(
        _account(currency, policy.payment_details[currency], policy, numbers[currency], _codes(currency, codes, locale))
        for currency in sorted(numbers)
        if currency in policy.payment_details
    )


def _codes(currency: str, codes: Sequence[TransferCode], locale: str) -> tuple[Code, ...]:
    mine = (code for code in codes if code.amount.currency == currency)
    return tuple(Code(code.image, money_text(code.amount, locale), clean(code.reference)) for code in mine)


def _account(currency: str, details: PaymentDetails, policy: Policy, numbers: Iterable[str], codes: tuple[Code, ...]) -> Account:
    return Account(
        currency=currency,
        holder=clean(details.holder or policy.company.name),
        iban=grouped(clean(details.iban)),
        bic=clean(details.bic),
        account=clean(details.account),
        bank=clean(details.bank),
        instructions=clean_paragraphs(details.instructions),
        reference=transfer_reference(tuple(dict.fromkeys(numbers))),
        codes=codes,
    )


def transfer_reference(numbers: Sequence[str]) -> str:
    """The invoice numbers, as many as a bank transfer can carry; `+3` says that three more are meant."""
    for count in range(len(numbers), 0, -1):
        rest = f" +{len(numbers) - count}" if count < len(numbers) else ""
        text = ", ".join(numbers[:count]) + rest
        if len(text) <= LONGEST_REFERENCE:
            return text
    return numbers[0][:LONGEST_REFERENCE]


def _greeting_name(action: Action) -> str:
    person = clean(action.recipient.name) if action.recipient else ""
    return person or clean(action.customer.name)


def _signer(policy: Policy) -> Signer:
    signature = policy.mail.signature
    answers = (policy.mail.reply_to or policy.mail.sender).split("<")[-1].rstrip("> ")
    return Signer(clean(signature.name), clean(signature.role), clean(signature.phone), clean(signature.email or answers))


def _what_follows(action: Action, policy: Policy, as_of: date) -> tuple[date, bool]:
    """The day until which an answer is awaited, before any ladder goes on; and whether every ladder goes on with a call from this level."""
    ladders = [pair for procedure in policy.procedures.values() for pair in pairwise(procedure.levels) if pair[0].key == action.level]
    ends = any(procedure.levels[-1].key == action.level for procedure in policy.procedures.values())
    days = min([ANSWER_DAYS, *(after.days - level.days - 1 for level, after in ladders)])
    answer_by = as_of + timedelta(days=max(days, 1))
    weekend = answer_by.weekday() - _SATURDAY + 1
    on_workday = answer_by - timedelta(days=weekend) if weekend > 0 else answer_by
    return (on_workday if on_workday > as_of else answer_by), not ends and all(after.channel is Channel.CALL for _, after in ladders)
