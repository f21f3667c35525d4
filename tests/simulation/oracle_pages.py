"""What the oracle says of pay pages: each for what is owed, one at a time, ended when nothing is owed, and nobody asked who is paying."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from puntual.core.money import Money
from simulation.pay_pages import ADDRESS, PayPage
from simulation.play import Play, Taken
from simulation.simulated_world import Seller, is_open, outstanding_of

_ADDRESS = re.compile(re.escape(ADDRESS) + r"(\w+)")
_A_CALL = timedelta(minutes=20)
"""Longer ago a job that asks for a call has looked at nothing."""
_QUIET = timedelta(days=3)
"""So long before the end nothing may have happened to an invoice whose page should be what it is."""


def of_pages(play: Play, seller: Seller) -> Iterator[str]:
    """Everything about the pages of a company that should not have been."""
    for mail in play.taken:
        if mail.company == seller.name:
            for what in (*_of_links(play, seller, mail), *_of_payers(play, seller, mail)):
                yield f"{seller.name} {mail.at:%d %b %H:%M:%S}: {what}"
    for page in play.pages[seller.name].pages.values():
        if page.given_at and page.is_active:
            yield from (f"{seller.name}: {what}" for what in _of_end(play, seller, page))


def _of_links(play: Play, seller: Seller, mail: Taken) -> Iterator[str]:
    pages = play.pages[seller.name]
    for key in _ADDRESS.findall(mail.text):
        page = pages.pages[key]
        seen = mail.seen.get(page.invoice_id)
        if f"F-{page.invoice_id[1:]}" not in mail.text or seen is None:
            yield f"the page {key} is for {page.invoice_id}, of which the mail says nothing"
        elif page.amount != seen.facts.get("owed"):
            yield f"the page {key} asks for {page.amount}, and {seen.facts.get('owed')} is owed"
        if page.ended_at is not None and page.ended_at < mail.begun:
            yield f"the page {key} was ended at {page.ended_at:%d %b %H:%M:%S}"
        for other in pages.of(page.invoice_id):
            was_given = other.given_at is not None and other.given_at < mail.at
            if other is not page and was_given and (other.ended_at is None or other.ended_at > mail.at) and other.paying is None:
                yield f"{page.invoice_id} can be paid on {other.id} and on {key}"
            ended, paying = other.ended_at or mail.at, other.paying
            if (
                other is not page
                and paying
                and paying.at < ended < mail.begun
                and paying.counts(mail.at)
                and not _is_known(play, seller, other, mail.at)
            ):
                yield f"{page.invoice_id} was paid on {other.id} before that ended, and can be paid again on {key}"


def _of_payers(play: Play, seller: Seller, mail: Taken) -> Iterator[str]:
    """What had come, or was on its way, when Stripe was asked last: such an invoice must not be in the mail."""
    for page in play.pages[seller.name].pages.values():
        paying = page.paying
        if paying is None or f"F-{page.invoice_id[1:]}" not in mail.text or _is_known(play, seller, page, mail.at):
            continue
        looked = mail.pages.get(page.id) or (None if mail.pages_unknown else mail.heard.get(page.invoice_id))
        if looked is not None and paying.at < looked and paying.counts(mail.at):
            yield f"{page.invoice_id} is asked for, and was paid on {page.id} at {paying.at:%d %b %H:%M:%S}"


def of_call(play: Play, seller: Seller, invoice_id: str, at: datetime) -> Iterator[str]:
    """A person was asked to call about an invoice: it was not paid on its page long before, unless Stripe could not say so."""
    if any(at - _A_CALL <= silent <= at for silent in play.stripe_silent):
        return
    for page in play.pages[seller.name].of(invoice_id):
        paying = page.paying
        if paying and paying.at < at - _A_CALL and paying.counts(at) and not _is_known(play, seller, page, at):
            yield f"{seller.name}: a call about {invoice_id} was asked for at {at:%d %b %H:%M:%S}, and it was paid on {page.id} before"


def _is_known(play: Play, seller: Seller, page: PayPage, at: datetime) -> bool:
    """The books have the payment, or a person let the invoice be chased all the same."""
    paying = page.paying
    booked = [marker for marker, (one, _) in seller.books.received.items() if paying and one.reference == paying.id]
    if any(seller.books.made_at[marker] <= at for marker in booked):
        return True
    return any(said.ended and paying and said.ended >= paying.at for said in play.said[seller.name] if said.invoice == page.invoice_id)


def _of_end(play: Play, seller: Seller, page: PayPage) -> Iterator[str]:
    invoice = seller.books.invoices.get(page.invoice_id)
    instants = [at for at, _ in play.changes[seller.name, page.invoice_id]]
    instants += [seller.books.made_at[key] for key, (one, _) in seller.books.received.items() if one.invoice_id == page.invoice_id]
    instants += [seller.books.made_at[key] for key, (one, _) in seller.books.charges.items() if one.invoice_id == page.invoice_id]
    instants += [seller.books.made_at[key] for key, (one, _) in seller.books.credited.items() if one.document_id == page.invoice_id]
    if max([play.world.calm_from, *instants]) > play.world.end - _QUIET:
        return
    owed = outstanding_of(invoice) if invoice is not None and is_open(invoice) else Money.zero("EUR")
    if owed != page.amount:
        yield f"{page.id} can still be paid for {page.amount}, and {owed} is owed for {page.invoice_id}"
