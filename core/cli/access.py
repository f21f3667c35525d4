"""Commands about the connection to the books: connect, disconnect, keys."""

import sys
import webbrowser
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import click

from ..access import Consent
from ..errors import CompanyMustAct
from ..history.database import open_database
from ..history.sealing import new_key
from ..history.vault import reseal
from ..worker.access import connect, disconnect, whose_books
from ..worker.clock import SystemClock
from ..worker.desk import Desk
from ..worker.host_file import read_host
from ..worker.inviting import invite
from ..worker.redirect import Listener, answer_typed, listening_place
from ..worker.wiring import connector_entry, database_url, desk_of, keyring
from .common import A_PERSON_MUST_ACT, company, directory, say, told, warn, who


@click.command("connect")
@company
@directory
@click.option("--manual", is_flag=True, help="Without a browser on this machine: open the address elsewhere, and type in where it ends.")
@click.option("--tenant", default="", help="The id or the exact name of the books, when several are allowed.")
@click.option("--link", is_flag=True, help="Print a link to this host's own pages instead, for somebody at the company: it works once.")
@click.option("--hours", type=click.IntRange(1, 24 * 14), default=24, help="How long the link works. Default: 24.")
@told
def connect_command(company: str, directory: Path, manual: bool, tenant: str, link: bool, hours: int) -> None:
    """Connect a company to its books: a person signs in to the ledger in a browser and allows it."""
    desk = desk_of(directory, company, SystemClock())
    if link:
        if manual or tenant:
            raise click.UsageError("--link goes with neither --manual nor --tenant: whoever opens the link chooses the books there")
        _print_link(desk, directory, hours)
        return

    def ask(consent: Consent) -> Mapping[str, str]:
        by_hand = manual or listening_place(consent.redirect_uri) is None
        return _by_hand(consent) if by_hand else _in_browser(consent)

    made = connect(desk, ask, tenant, who())
    say(f"Connected {company} to {desk.policy.ledger.type} ({made.tenant_name or made.tenant_id}).")
    say(f"The books are those of {whose_books(desk).name}.")


def _print_link(desk: Desk, directory: Path, hours: int) -> None:
    web = read_host(directory).web
    if web is None:
        raise CompanyMustAct("A link leads to this host's web address, and puntual.yaml says none.", hint="See docs/hosting-web.md")
    address, until = invite(desk, web.address, timedelta(hours=hours), who())
    ledger = connector_entry(desk.policy.ledger.type).title
    say(address)
    warn(f"For whoever may sign in to {ledger} for {desk.policy.company.name}: the link works once, until {until:%Y-%m-%d %H:%M} UTC.")
    warn("Whoever has it can connect books to this company. Send it to that person alone.")


def _in_browser(consent: Consent) -> Mapping[str, str]:
    with Listener(consent) as listener:
        say("Sign in and allow the connection in the browser. If none opens, open this address on this machine:")
        say(consent.url)
        webbrowser.open(consent.url)
        return listener.wait()


def _by_hand(consent: Consent) -> Mapping[str, str]:
    say("Open this address in a browser, sign in and allow the connection:")
    say(consent.url)
    say(f"The browser then goes to an address that begins with {consent.redirect_uri} and may show an error page there; that is all right.")
    return answer_typed(click.prompt("Copy that whole address to here", prompt_suffix=": "))


@click.command("disconnect")
@company
@directory
@click.option("--forget", is_flag=True, help="Only forget it here; the ledger is not told. For when the ledger cannot be reached.")
@told
def disconnect_command(company: str, directory: Path, forget: bool) -> None:
    """Give the permission back to the ledger and forget its tokens."""
    before = disconnect(desk_of(directory, company, SystemClock()), who(), only_forget=forget)
    say(f"Disconnected {company} from {before.ledger} ({before.whose}).")
    if forget:
        warn(
            "The ledger was not told: the permission stands there until somebody takes it back in the ledger's own list of connected apps."
        )


@click.group("keys")
def keys_group() -> None:
    """The keys that protect the connections in the database."""


@keys_group.command("new")
@told
def new_command() -> None:
    """Print a new key, for PUNTUAL_KEYS or the file that it names."""
    say(new_key().reveal())
    warn("Set PUNTUAL_KEYS to it, or to file:/path of a file that holds it. To replace another key, put it before that one;")
    warn("then run `puntual keys rotate`, and take the old key away. Who loses the keys has to connect every company again.")


@keys_group.command("rotate")
@directory
@told
def rotate_command(directory: Path) -> None:
    """Seal every stored connection with the newest key, the first in PUNTUAL_KEYS."""
    done, trouble = reseal(open_database(database_url(directory)), keyring(directory))
    say(f"Sealed with the newest key: {', '.join(done) or 'nothing, no company is connected'}.")
    for line in trouble:
        warn(line)
    if trouble:
        warn("Keep the older keys until this is mended.")
        sys.exit(A_PERSON_MUST_ACT)


COMMANDS = (connect_command, disconnect_command, keys_group)
