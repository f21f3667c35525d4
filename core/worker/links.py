"""Ways to pay in notices: made right before sending, for what is outstanding then, and ended when that is not owed any more."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from ..channels.email import InlineImage
from ..dunning.facts import Action, ActionItem, Skipped, SkipReason
from ..errors import BrokenInvariant, Refused, TryLater
from ..history.audit import append
from ..history.database import reading, writing
from ..history.links import KeptLink, WhyEnded, keep_links, links_of, links_to_end, note_ended
from ..history.told_payments import PaymentStatus, payments_through
from ..money import Money
from ..notices.context import LONGEST_REFERENCE, TransferCode
from ..notices.display import clean
from ..payment_links.account import Address, BankAccount
from ..payment_links.choice import LinkRule, Offer, offers
from ..payment_links.ledger import LedgerPages
from ..payment_links.pictures import png
from ..payment_links.port import (
    EndedLink,
    IssuedLink,
    Known,
    LinkEnd,
    LinkKind,
    LinkRequest,
    PaymentLinkProvider,
    Unavailable,
)
from ..payment_links.port import PaymentLink as GivenLink
from ..payment_links.stripe_links import StripeAccount, StripeLinks
from ..payment_links.transfer import BankTransfers
from ..policy.payment_schema import VALID_DAYS, LinkProvider, PaymentDetails, PaymentLink
from ..policy.schema import Policy
from ..port import Capability, LedgerConnector
from ..receivables import OpenItem
from .desk import Desk
from .payments_told import keep_told

MOST_ENDED = 100
"""Links that one run ends at most, each with a few calls to its provider; the rest is ended by the next runs."""

MOST_CODES = 3
"""Payment codes in one currency of a notice, where one for all does not do."""

_PIXELS_A_MODULE = 6
_HANDLED = frozenset({PaymentStatus.RECORDED, PaymentStatus.CLOSED})
_WHY = {SkipReason.SETTLED_MEANWHILE: WhyEnded.PAID, SkipReason.GONE: WhyEnded.VOID}


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages to pay on, by item. `being_paid` are items that the customer pays already by what a provider says, each with its words:
    there is no page for them, and nobody must be asked for them."""

    urls: Mapping[str, str]
    being_paid: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to pay that one notice offers: pages by item, payment codes, and their pictures."""

    pages: Mapping[str, str]
    codes: tuple[TransferCode, ...] = ()
    images: tuple[InlineImage, ...] = ()


class Links:
    """The payment links of one run. Without a ledger it is a preview: only what is known and asks nobody."""

    def __init__(self, desk: Desk, ledger: LedgerConnector | None) -> None:
        self._desk = desk
        self._is_preview = ledger is None
        self._providers = providers_of(desk, ledger)
        rules = [_rule(link) for link in desk.policy.payment_links if link.provider in self._providers]
        self._pages = [rule for rule in rules if self._providers[rule.provider].kind is LinkKind.PAGE]
        self._transfers = [rule for rule in rules if self._providers[rule.provider].kind is LinkKind.TRANSFER]
        self._lasting = frozenset(self._providers) & {LinkProvider.STRIPE}

    def pages(self, actions: Sequence[Action]) -> Pages:
        """The pages for what these notices ask for. What has to be ended some day is remembered before it goes out, and a payment that
        nobody told of as if it had been told. A provider that does not answer stops no notice.

        Raises CompanyMustAct when a provider no longer lets us in.
        """
        if not self._pages:
            return Pages({})
        earlier = self._earlier(actions)
        requests = [request for action in actions for request in self._page_requests(action, earlier)]
        made = offers(requests, self._pages, self._providers)
        if not self._is_preview:
            self._remember([_kept(request, page) for request in requests if (page := made[request.key].page)], made.values())
        urls = {key: offer.page.url for key, offer in made.items() if offer.page}
        return Pages(urls, {key: offer.being_paid.reason for key, offer in made.items() if offer.being_paid})

    def ways(self, action: Action, as_of: date, pages: Pages) -> Ways:
        """The ways to pay what a notice asks for, as it goes out; a payment code asks for all of it. Asks nobody."""
        requests = [*_transfer_requests(self._desk.company, action, as_of)] if self._transfers else []
        made = offers(requests, self._transfers, self._providers)
        codes, images = [], []
        for request in requests:
            link = made[request.key].transfer
            if link is not None and link.qr is not None:
                image = InlineImage(f"{request.key}.{self._mark(action)}", f"{request.key}.png", png(link.qr, _PIXELS_A_MODULE))
                images.append(image)
                codes.append(TransferCode(request.amount, link.reference, image.content_id))
        return Ways({key: url for key, url in pages.urls.items() if key in _items(action)}, tuple(codes), tuple(images))

    def being_paid(self, actions: Sequence[Action]) -> Mapping[str, str]:
        """The items that the customer pays already, by what a provider says of the links they were given; each with its words. For what is
        no notice: `pages` says it of those. Raises CompanyMustAct as that does."""
        earlier = self._earlier(actions) if actions else {}
        requests = [request for action in actions for request in self._page_requests(action, earlier) if request.earlier]
        asked = [self._providers[provider].being_paid(requests) for provider in sorted(self._lasting)] if requests else []
        found = {key: paying for answers in asked for key, paying in answers.items()}
        self._remember([], [Offer(being_paid=paying) for paying in found.values()])
        return {key: paying.reason for key, paying in found.items()}

    def end_stale(self) -> int:
        """End links whose item was paid, is void or has another amount by the history, or whose time is over. Returns how many."""
        if not self._lasting:
            return 0
        with reading(self._desk.engine) as conn:
            found = links_to_end(conn, self._desk.company, self._lasting, self._desk.now(), MOST_ENDED)
        return self._end(found)

    def end_dropped(self, dropped: Iterable[Skipped]) -> int:
        """End the links of items that were found paid, void or gone at the recheck. Returns how many."""
        reasons = {one.item_id: why for one in dropped if (why := _WHY.get(one.reason))}
        if not self._lasting or not reasons:
            return 0
        with reading(self._desk.engine) as conn:
            known = links_of(conn, self._desk.company, reasons)
        good = [replace(link, why=reasons[key]) for key, links in known.items() for link in links if link.why is None]
        return self._end([link for link in good if link.provider in self._lasting][:MOST_ENDED])

    def _end(self, links: Sequence[KeptLink]) -> int:
        """One after the other; a provider that does not answer is asked again by the next run."""
        done: list[KeptLink] = []
        try:
            for link in links:
                done += [link] if self._is_retired(link) else []
        except TryLater:
            return len(done)
        finally:
            if done:
                with writing(self._desk.engine) as conn:
                    note_ended(conn, self._desk.company, done, self._desk.now())
        return len(done)

    def _is_retired(self, link: KeptLink) -> bool:
        ended = EndedLink(link.reference, LinkEnd((link.why or WhyEnded.EXPIRED).value), link.language)
        try:
            return link.reference in self._providers[link.provider].retire([ended])
        except Refused:
            return False

    def _remember(self, given: Sequence[KeptLink | None], made: Collection[Offer]) -> None:
        """Which links go out, of those that have to be ended some day, why notices go without one, and what was paid."""
        lasting = [link for link in given if link is not None]
        without = [offer for offer in made if offer.page is None and offer.being_paid is None]
        missing = Counter(f"{why.provider}: {why.reason}" for offer in without for why in offer.passed_over)
        came = [offer.being_paid.payment for offer in made if offer.being_paid and offer.being_paid.payment]
        if lasting or missing or came:
            now = self._desk.now()
            with writing(self._desk.engine) as conn:
                keep_links(conn, self._desk.company, lasting, now)
                if missing:
                    append(conn, self._desk.company, now, [("links_missing", {"reasons": dict(sorted(missing.items()))})])
                for payment in came:
                    keep_told(conn, self._desk, payment)

    def _page_requests(self, action: Action, earlier: Mapping[str, tuple[IssuedLink, ...]]) -> Iterator[LinkRequest]:
        for item in (entry.item for entry in action.items):
            part = f" ({item.ordinal}/{item.instalment_count})" if item.instalment_count > 1 else ""
            yield LinkRequest(
                key=item.id,
                company=self._desk.company,
                invoice_id=item.invoice_id,
                label=f"{clean(item.number)}{part}",
                amount=item.outstanding,
                remittance=clean(item.number),
                language=action.language,
                customer_country=action.customer.country,
                page_url=item.page_url,
                earlier=earlier.get(item.id, ()),
            )

    def _earlier(self, actions: Sequence[Action]) -> Mapping[str, tuple[IssuedLink, ...]]:
        if not self._lasting:
            return {}
        with reading(self._desk.engine) as conn:
            made = links_of(conn, self._desk.company, [key for action in actions for key in _items(action)])
            told = payments_through(conn, self._desk.company, [link.reference for links in made.values() for link in links])
        known = {key: Known.DEALT_WITH if status in _HANDLED else Known.WAITING for key, status in told.items()}
        return {
            key: tuple(IssuedLink(one.provider, one.reference, one.amount, known.get(one.reference, Known.NOTHING)) for one in links)
            for key, links in made.items()
        }

    def _mark(self, action: Action) -> str:
        """What makes the Content-IDs of a message its own (RFC 2392), and the same however often it is made."""
        domain = parseaddr(self._desk.policy.mail.sender)[1].rpartition("@")[2]
        return f"{hashlib.sha256(f'{self._desk.company}|{action.key}'.encode()).hexdigest()[:24]}@{domain}"


def known_ways(desk: Desk, action: Action, as_of: date) -> Ways:
    """The ways to pay that can be shown without asking anybody: pages that came with the books, and payment codes."""
    links = Links(desk, None)
    return links.ways(action, as_of, links.pages([action]))


def without_a_way(action: Action, pages: Pages, policy: Policy) -> list[ActionItem]:
    """The items that the notice would claim without saying where to pay: it must not go out for them (docs/sources.md 24)."""
    known = {*pages.urls, *pages.being_paid}
    return [entry for entry in action.items if entry.item.outstanding.currency not in policy.payment_details and entry.item.id not in known]


def providers_of(desk: Desk, ledger: LedgerConnector | None) -> dict[str, PaymentLinkProvider]:
    """The providers that the policy names, by id; for a preview without those that would have to be asked.

    Raises CompanyMustAct when the library of one is not installed.
    """
    found: dict[str, PaymentLinkProvider] = {}
    for link in desk.policy.payment_links:
        if link.provider is LinkProvider.LEDGER:
            asks = ledger is not None and Capability.PAYMENT_PAGE in ledger.capabilities
            found[link.provider] = LedgerPages(ledger.payment_pages if ledger is not None and asks else None)
        elif link.provider is LinkProvider.BANK_TRANSFER:
            found[link.provider] = BankTransfers(accounts_of(desk.policy))
        elif ledger is not None:
            found[link.provider] = _stripe(desk, link)
    return found


def check_providers(desk: Desk) -> None:
    """Whether what the providers need is installed; nobody is asked. Raises CompanyMustAct."""
    for link in desk.policy.payment_links:
        if link.provider is LinkProvider.STRIPE:
            _stripe(desk, link)


def _stripe(desk: Desk, link: PaymentLink) -> StripeLinks:
    if link.secret_key is None:
        raise BrokenInvariant("a policy without Stripe's key was let through")
    account = StripeAccount(link.secret_key, link.valid_days or VALID_DAYS, desk.stripe_url)
    return StripeLinks(account, desk.now, ZoneInfo(desk.policy.company.time_zone))


def accounts_of(policy: Policy) -> dict[str, BankAccount]:
    """The company's accounts as payment codes have to name them, by currency."""
    return {code: _account(code, details, policy.company.name) for code, details in policy.payment_details.items()}


def _account(currency: str, details: PaymentDetails, company: str) -> BankAccount:
    at = details.address
    address = Address(at.street, at.building, at.postcode, at.town, at.country) if at else None
    return BankAccount(currency, clean(details.holder or company), details.iban, details.bic, details.account, address)


def no_payment_code(policy: Policy) -> list[str]:
    """Why there is no payment code for some of the policy's currencies although it wants them, in sentences."""
    wanted = next((link for link in policy.payment_links if link.provider is LinkProvider.BANK_TRANSFER), None)
    if wanted is None:
        return []
    transfers, found = BankTransfers(accounts_of(policy)), []
    for code in sorted(currency for currency in policy.payment_details if wanted.serves(currency)):
        request = LinkRequest(code, "", "", "1", Money.of(1, code), "1", customer_country=policy.company.country)
        answer = transfers.links([request])[code]
        if isinstance(answer, Unavailable):
            found.append(f"notices show no payment code for {code}: {answer.reason}")
        elif answer.qr is None:
            found.append(f"notices show no payment code for {code}: there is no standard for one")
    return found


def _rule(link: PaymentLink) -> LinkRule:
    low, high = ({code: Money.of(amount, code) for code, amount in amounts.items()} for amounts in (link.min_amount, link.max_amount))
    return LinkRule(link.provider.value, frozenset(link.currencies), low, high)


def _kept(request: LinkRequest, page: GivenLink) -> KeptLink | None:
    """What has to be ended some day; a page that stays is not kept."""
    if page.expires_at is None:
        return None
    return KeptLink(page.provider, page.reference, request.key, request.amount, request.language, page.expires_at)


def _transfer_requests(company: str, action: Action, as_of: date) -> Iterator[LinkRequest]:
    """What payment codes are made for: what is due by now in each currency, all when nothing is due yet; in one sum when the numbers of
    its invoices fit on a transfer, else for the first few invoices.

    None in a currency in which the customer has a credit: how much of it they use is theirs to say, and a code holds one amount.
    """
    with_credit = {credit.remaining.currency for credit in action.credits if credit.remaining.is_positive}
    for currency in sorted({entry.item.outstanding.currency for entry in action.items} - with_credit):
        owed = [entry.item for entry in action.items if entry.item.outstanding.currency == currency]
        due = [item for item in owed if item.due_date <= as_of] or owed
        for number, group in enumerate(_on_one_transfer(sorted(due, key=lambda item: (item.due_date, item.number))), start=1):
            numbers = ", ".join(_numbers(group))
            amount = sum((item.outstanding for item in group[1:]), start=group[0].outstanding)
            key = f"qr-{currency.lower()}-{number}"
            yield LinkRequest(key, company, "", numbers, amount, numbers, action.language, action.customer.country)


def _on_one_transfer(due: Sequence[OpenItem]) -> list[list[OpenItem]]:
    if len(", ".join(_numbers(due))) <= LONGEST_REFERENCE:
        return [list(due)]
    by_invoice: dict[str, list[OpenItem]] = {}
    for item in due:
        by_invoice.setdefault(item.invoice_id, []).append(item)
    return list(by_invoice.values())[:MOST_CODES]


def _numbers(group: Iterable[OpenItem]) -> list[str]:
    return list(dict.fromkeys(clean(item.number) or clean(item.invoice_id) for item in group))


def _items(action: Action) -> frozenset[str]:
    return frozenset(entry.item.id for entry in action.items)
