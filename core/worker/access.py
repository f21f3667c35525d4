"""How a company is connected to its books and disconnected, and how the connection stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..access import Authorization, Consent
from ..errors import CompanyMustAct, PuntualError
from ..history.authorizations import Access, AccessState
from ..history.vault import Vault
from ..port import Authorizer
from ..receivables import Company
from .desk import Desk

AskPerson = Callable[[Consent], Mapping[str, str]]
"""Puts the question to a person in the browser, and gives the query with which the browser came back."""


class NoSuchConnection(CompanyMustAct):
    """There is no connection of that kind."""


def connect(desk: Desk, ask_person: AskPerson, tenant: str, by: str) -> Authorization:
    """Ask a person for consent and keep what it gives. `tenant` names the books when several were allowed.

    Raises CompanyMustAct when the person says no, or which books are meant is not clear. What was stored before stays then.
    """
    vault, authorizer = door_of(desk)
    try:
        vault.prove_keys()
        consent = authorizer.ask()
        found = authorizer.answered(consent, ask_person(consent))
        chosen = chosen_of(found, tenant, vault.access(), desk.company)
        vault.store(chosen, by)
        return chosen
    finally:
        authorizer.close()


def whose_books(desk: Desk) -> Company:
    """Use the connection once, and remember whose books they are when the consent did not say."""
    ledger = desk.open_ledger()
    try:
        seller = ledger.check()
    finally:
        ledger.close()
    if desk.vault is not None:
        kept = desk.vault.current()
        if not kept.tenant_name:
            desk.vault.renew(kept, lambda stored: replace(stored, tenant_name=seller.name))
    return seller


def disconnect(desk: Desk, by: str, *, only_forget: bool = False) -> Access:
    """Give the permission back to the ledger, then forget the tokens; with `only_forget` the ledger is not asked. Returns what was.

    One that is gone at the ledger already is forgotten too. Raises NoSuchConnection, and whatever keeps the ledger from taking it back.
    """
    vault, authorizer = door_of(desk)
    try:
        before = vault.access()
        if before is None:
            raise NoSuchConnection(f"{desk.company} is not connected to {vault.owner.ledger}.")
        if only_forget:
            vault.forget(by, revoked=False)
        else:
            _release(vault, authorizer, by)
        return before
    finally:
        authorizer.close()


def _release(vault: Vault, authorizer: Authorizer, by: str) -> None:
    try:
        vault.release(authorizer.revoke, by)
    except PuntualError as error:
        anyway = f"To forget it here all the same: puntual disconnect {vault.company} --forget"
        error.hint = f"{error.hint.rstrip('.')}. {anyway}" if error.hint else anyway
        raise


def connection_said(desk: Desk) -> str:
    """How the connection stands, in a line for a person; "" for books that need none."""
    if desk.vault is None:
        return ""
    ledger, found = desk.vault.owner.ledger, desk.vault.access()
    if found is None:
        return f"Not connected to {ledger}. Connect it: puntual connect {desk.company}"
    is_on = found.state is AccessState.CONNECTED
    return f"{'Connected' if is_on else 'No longer connected'} to {ledger} as {found.whose} since {found.since:%Y-%m-%d}."


def connection_warnings(desk: Desk) -> list[str]:
    """What a person should do about the connection, before it ends or because it has ended."""
    return desk.vault.warnings() if desk.vault is not None else []


def chosen_of(found: Sequence[Authorization], tenant: str, before: Access | None, company: str) -> Authorization:
    """The books that are meant: those named, else those that were connected before, else the only ones. Raises CompanyMustAct."""
    listed = "; ".join(f"{one.tenant_id} ({one.tenant_name})" if one.tenant_name else one.tenant_id for one in found)
    if not found:
        raise CompanyMustAct("No books were chosen in the browser.", hint=f"Start again and choose one: puntual connect {company}")
    wanted = tenant or (before.tenant_id if before else "")
    named = [one for one in found if one.tenant_id == wanted] or [one for one in found if tenant and one.tenant_name == tenant]
    if len(named) == 1 or (not wanted and len(found) == 1):
        return (named or list(found))[0]
    again = f"puntual connect {company} --tenant ID"
    if tenant or before is None:
        what = f"None of the books that were allowed is {tenant}" if tenant and not named else "Several books were allowed"
        raise CompanyMustAct(f"{what}: {listed}.", hint=f"Say which: {again}")
    was = f"{before.tenant_name} ({before.tenant_id})" if before.tenant_name else before.tenant_id
    raise CompanyMustAct(
        f"{company} has been connected to the books {was}, and these are others: {listed}.",
        hint=f"If they are meant to take their place: {again}",
    )


def door_of(desk: Desk) -> tuple[Vault, Authorizer]:
    """The vault and the authorizer of these books. Raises NoSuchConnection when they need none."""
    if desk.vault is None or desk.open_authorizer is None:
        raise NoSuchConnection(
            f"The books of {desk.company} ({desk.policy.ledger.type}) need no connection in a browser.",
            hint=f"What they need is in the policy; see: puntual check {desk.company}",
        )
    return desk.vault, desk.open_authorizer()
