"""What the oracle says of late charges: each once, of the right sum, on what is owed, not before its day, not on what is held."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from puntual.core.dunning.facts import HoldKind
from puntual.core.port import Capability
from simulation.moments import Charged
from simulation.play import Play
from simulation.simulated_world import Seller, is_open
from simulation.townspeople import Said

OLDEST_LOOK = timedelta(minutes=15)
"""Who looked longer ago, by the clock of the machine, has to look again."""
_A_MOMENT = timedelta(seconds=1)


def of_charges(play: Play, seller: Seller) -> Iterator[str]:
    """Everything about the charges of a company that should not have been."""
    for what in (*_sums(seller), *_waived(play, seller)):
        yield f"{seller.name}: {what}"
    for made in play.charged[seller.name]:
        for what in (*_of_look(seller, made), *_of_day(play, seller, made), *_of_people(play, seller, made)):
            yield f"{seller.name}: the charge of {made.at:%d %b %H:%M:%S} on {made.invoice_id} {what}"


def stood(said: Said, seller: Seller, invoice_id: str, on: date, heard: datetime) -> bool:
    """Whether what somebody said of the invoice stood when it was looked at last, and on the day."""
    if said.invoice != invoice_id or said.since > heard or (said.ended is not None and said.ended <= heard):
        return False
    if said.until is None:
        return True
    grace = timedelta(days=seller.grace) if said.kind is HoldKind.PROMISE else timedelta(0)
    return said.until + grace >= on


def _sums(seller: Seller) -> Iterator[str]:
    by_invoice: dict[str, list[Any]] = defaultdict(list)
    for charge, _ in seller.books.charges.values():
        by_invoice[charge.invoice_id].append(charge)
    for invoice_id, charges in by_invoice.items():
        if len(charges) > 1:
            yield f"{invoice_id} bears {len(charges)} charges"
        for charge in charges:
            if charge.amount != seller.fee:
                yield f"{invoice_id} bears {charge.amount}, and the policy says {seller.fee}"


def _of_look(seller: Seller, made: Charged) -> Iterator[str]:
    if made.seen is None:
        yield "was made without a last look at the books"
        return
    age = made.by_clock - made.seen.by_clock
    if age > OLDEST_LOOK:
        yield f"was made {age} after the last look at the books"
    status = made.seen.facts["status"]
    if status != "open" and not (status == "paid" and seller.keeps):
        yield f"was made although the invoice was {status} at the last look"


def _of_day(play: Play, seller: Seller, made: Charged) -> Iterator[str]:
    if made.seen is None or "due" not in made.seen.facts:
        return
    day = seller.day(made.at)
    if day < made.seen.facts["due"] + timedelta(days=seller.fee_days):
        yield f"was made too early: it was due on {made.seen.facts['due']}, and charged {seller.fee_days} days later"
    number = f"F-{made.invoice_id.removeprefix('i')}"
    told = [mail.asked_on for mail in play.taken if mail.company == seller.name and number in mail.text]
    if seller.announces and not any(on < day for on in told):
        yield "was not announced before"


def _of_people(play: Play, seller: Seller, made: Charged) -> Iterator[str]:
    if seller.asks or seller.mode == "approve":
        said_yes = [at for key, at in play.approved[seller.name].items() if key.startswith(f"{made.invoice_id}/1|charge|")]
        if not any(at <= made.at for at in said_yes):
            yield "was approved by nobody"
    if made.read_at is None or made.seen is None or made.seen.facts["status"] != "open":
        return
    for said in play.said[seller.name]:
        is_released = said.ended is not None and said.ended <= made.at
        if not is_released and stood(said, seller, made.invoice_id, seller.day(made.at), made.read_at):
            yield f"was made although there was a {said.kind.value} on it since {said.since:%d %b %H:%M:%S}"
    said_of = [(at, what) for at, what in play.changes[seller.name, made.invoice_id] if what.endswith("disputed") and at <= made.at]
    before = [what for at, what in said_of if at <= made.read_at]
    if before[-1:] == ["disputed"] and not any(at > made.read_at for at, _ in said_of):
        yield "was made although it was disputed in the books"


def _waived(play: Play, seller: Seller) -> Iterator[str]:
    for charge, at in play.waived[seller.name]:
        charges = [made for made, _ in seller.books.charges.values() if made.invoice_id == charge.invoice_id]
        late = [one for one in charges if seller.books.made_at[one.marker] > at + _A_MOMENT]
        if late:
            yield f"the charge on {charge.invoice_id} was waived at {at:%d %b %H:%M} and made after that"
        credited = [wanted for wanted, _ in seller.books.credited.values() if wanted.document_id == charge.document_id]
        document = seller.books.invoices.get(charge.document_id)
        is_owed = document is not None and is_open(document) and not charge.on_invoice
        if charge.document_id and Capability.CREDITS in seller.books.capabilities and is_owed and not credited:
            yield f"the charge on {charge.invoice_id} was waived and is still asked for"
