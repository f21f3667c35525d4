"""Connecting by a link: an operator makes it, and whoever has it lets Puntual into the books from any browser, once.

A link is 256 random bits. An answer counts only in the browser in which the question was asked, within a quarter of an hour, and once.
"""

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from ..access import Authorization
from ..errors import CompanyMustAct
from ..history.connect_links import (
    ConnectLink,
    await_answer,
    digest_of,
    give_link_back,
    link_called,
    link_that_asked,
    put_link,
    take_answer,
    use_link,
)
from ..history.database import reading, writing
from ..history.hosting import wish_for_sync
from ..history.sealing import Keyring
from ..history.vault import Vault
from ..port import Authorizer
from ..secret import Secret
from .access import chosen_of, door_of
from .desk import Desk

LINK_PATH = "/connect"
RETURN_PATH = "/connect/return"
ANSWER_WITHIN = timedelta(minutes=15)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class LinkUnusable(CompanyMustAct):
    """This link does not work, or not any more."""


class AnswerUnknown(CompanyMustAct):
    """Nobody waits for this answer, or not any more, or not from this browser."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Several sets of books were allowed, or others than before: a person says which. `state` is what the choice has to carry; `before` are
    the books that the company has been connected to."""

    state: Secret
    books: tuple[tuple[str, str], ...]
    before: str


def new_secret() -> Secret:
    """256 bits that nobody can guess."""
    return Secret(secrets.token_urlsafe(32))


def is_secret(text: str) -> bool:
    """Whether a text looks like one of `new_secret`."""
    return _TOKEN.fullmatch(text) is not None


def invite(desk: Desk, address: str, lasts: timedelta, by: str) -> tuple[str, datetime]:
    """A new link under the web address of this host, and until when it works. `by` is who made it.

    Raises CompanyMustAct when the books need no such link, the keys are missing, or the ledger would lead the browser elsewhere.
    """
    vault, authorizer = door_of(desk)
    try:
        vault.prove_keys()
        check_return(desk, authorizer, address)
    finally:
        authorizer.close()
    token, until = new_secret(), desk.now() + lasts
    with writing(desk.engine) as conn:
        put_link(conn, ConnectLink(desk.company, digest_of(token), by, until), desk.now())
    return f"{address}{LINK_PATH}/{token.reveal()}", until


def check_return(desk: Desk, authorizer: Authorizer, address: str) -> None:
    """Raises CompanyMustAct unless the ledger leads the browser back to this host."""
    expected = address + RETURN_PATH
    if authorizer.redirect_uri != expected:
        raise CompanyMustAct(
            f"A link needs the browser to come back to this host, and the policy of {desk.company} says {authorizer.redirect_uri}.",
            hint=f"Write redirect_uri: {expected} under `ledger:`, and register it with the app at the ledger, exactly so",
        )


def open_link(engine: Engine, token: str, now: datetime) -> ConnectLink:
    """The link, when it may still be used. Looking uses nothing up. Raises LinkUnusable."""
    link = None
    if is_secret(token):
        with reading(engine) as conn:
            link = link_called(conn, digest_of(Secret(token)))
    if link is None or link.used_at is not None or link.expires_at <= now:
        raise LinkUnusable
    return link


def ask_by_link(desk: Desk, link: ConnectLink, address: str, browser: Secret, keys: Keyring) -> str:
    """Put the question: where to send the browser. `browser` is what only this browser has. Raises LinkUnusable, CompanyMustAct."""
    vault, authorizer = door_of(desk)
    try:
        check_return(desk, authorizer, address)
        consent = authorizer.ask()
    finally:
        authorizer.close()
    sealed = keys.seal_consent(vault.owner, consent)
    with writing(desk.engine) as conn:
        if not await_answer(conn, link, consent.state, digest_of(browser), sealed, desk.now()):
            raise LinkUnusable
    return consent.url


def link_of_answer(engine: Engine, state: str, browser: Secret, now: datetime) -> ConnectLink:
    """The link that waits for the answer with this state, from this browser; nobody waits for it a second time. Raises AnswerUnknown."""
    with reading(engine) as conn:
        link = link_that_asked(conn, digest_of(Secret(state)))
    is_ours = hmac.compare_digest(link.browser_digest if link else "", digest_of(browser))
    if link is None or not is_ours or link.asked_at is None or link.asked_at + ANSWER_WITHIN <= now:
        raise AnswerUnknown
    with writing(engine) as conn:
        if not take_answer(conn, link):
            raise AnswerUnknown
    return link


def answered_by_link(desk: Desk, link: ConnectLink, answer: Mapping[str, str], keys: Keyring) -> Authorization | Choice:
    """What the answer of the ledger leads to: the company is connected, or a person has to choose.

    Raises CompanyMustAct when the person said no or the ledger did not accept the answer, LinkUnusable, TryLater: nothing is stored then.
    """
    vault, authorizer = door_of(desk)
    try:
        found = authorizer.answered(keys.open_consent(vault.owner, link.sealed), answer)
    finally:
        authorizer.close()
    before = vault.access()
    try:
        chosen = chosen_of(found, "", before, desk.company)
    except CompanyMustAct:
        if not found:
            raise
        return _choice(desk, link, found, before.whose if before else "", keys.seal_choice(vault.owner, found))
    return _stored(desk, vault, link, chosen)


def chosen_by_link(desk: Desk, link: ConnectLink, tenant: str, keys: Keyring) -> Authorization:
    """The company is connected to the books that a person chose, by their id. Raises AnswerUnknown, LinkUnusable."""
    vault, authorizer = door_of(desk)
    authorizer.close()
    found = [one for one in keys.open_choice(vault.owner, link.sealed) if one.tenant_id == tenant]
    if len(found) != 1:
        raise AnswerUnknown
    return _stored(desk, vault, link, found[0])


def _choice(desk: Desk, link: ConnectLink, found: Sequence[Authorization], before: str, sealed: str) -> Choice:
    state = new_secret()
    with writing(desk.engine) as conn:
        if not await_answer(conn, link, state, link.browser_digest, sealed, desk.now()):
            raise LinkUnusable
    return Choice(state, tuple((one.tenant_id, one.tenant_name) for one in found), before)


def _stored(desk: Desk, vault: Vault, link: ConnectLink, chosen: Authorization) -> Authorization:
    """Use the link up first: whatever happens between, nobody connects by it a second time."""
    with writing(desk.engine) as conn:
        if not use_link(conn, link, desk.now()):
            raise LinkUnusable
        wish_for_sync(conn, [desk.company], desk.now())
    try:
        vault.store(chosen, f"the link of {link.made_by}")
    except BaseException:
        with writing(desk.engine) as conn:
            give_link_back(conn, link)
        raise
    return chosen
