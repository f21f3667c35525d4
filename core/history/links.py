"""Links to pay pages that were given out: which there were for an item, and which must not be paid any more."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, case, literal, or_, select, update

from ..money import Money
from .audit import append
from .database import upsert
from .rows import OPEN, SETTLED
from .tables import issued_links, items

_CHUNK = 900


class WhyEnded(StrEnum):
    """Why a link must not be paid any more."""

    PAID = "paid"
    VOID = "void"
    CHANGED = "changed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class KeptLink:
    """A link that was given out. `reference` is the provider's own id of it; `why` says why it was ended, None while it is good."""

    provider: str
    reference: str
    item_id: str
    amount: Money
    language: str
    expires_at: datetime
    why: WhyEnded | None = None


def keep_links(conn: Connection, company: str, links: Sequence[KeptLink], at: datetime) -> None:
    """Remember links that are given out now. One that is known already is good for longer; another one of its item and provider is
    superseded: its provider ended it."""
    if not links:
        return
    fixed = {"company": company, "made_at": at, "why": "", "ended_at": None}
    conn.execute(upsert(conn.dialect, issued_links, keep=("made_at",)), [{**fixed, **_values(link)} for link in links])
    c = issued_links.c
    for link in links:
        others = (c.company == company, c.provider == link.provider, c.item_id == link.item_id, c.reference != link.reference, c.why == "")
        conn.execute(update(issued_links).where(*others).values(why=WhyEnded.CHANGED.value, ended_at=at))
    append(conn, company, at, [("links", {"links": [f"{link.provider} {link.reference} {link.item_id} {link.amount}" for link in links]})])


def links_of(conn: Connection, company: str, item_ids: Iterable[str]) -> dict[str, tuple[KeptLink, ...]]:
    """Every link that was ever made for these items, the oldest first."""
    found: dict[str, tuple[KeptLink, ...]] = {}
    ordered, c = sorted(set(item_ids)), issued_links.c
    for start in range(0, len(ordered), _CHUNK):
        query = select(issued_links).where(c.company == company, c.item_id.in_(ordered[start : start + _CHUNK]))
        for row in conn.execute(query.order_by(c.made_at, c.reference)):
            found[row.item_id] = (*found.get(row.item_id, ()), _link(row, row.why))
    return found


def links_to_end(conn: Connection, company: str, providers: Collection[str], now: datetime, at_most: int) -> list[KeptLink]:
    """Links of these providers that are good although what they are for was paid, is void or gone, has another amount outstanding, or
    although their time is over; each with the reason. `at_most` so many, the oldest first; the rest comes the next time."""
    c, known = issued_links.c, (issued_links.c.company == items.c.company) & (issued_links.c.item_id == items.c.item_id)
    changed = or_(items.c.outstanding_minor != c.amount_minor, items.c.currency != c.currency)
    why = case(
        (items.c.status == SETTLED, literal(WhyEnded.PAID.value)),
        (or_(items.c.item_id.is_(None), items.c.status != OPEN), literal(WhyEnded.VOID.value)),
        (changed, literal(WhyEnded.CHANGED.value)),
        (c.expires_at <= now, literal(WhyEnded.EXPIRED.value)),
        else_=literal(""),
    )
    good = (c.company == company, c.why == "", c.provider.in_(providers))
    query = select(issued_links, why.label("reason")).select_from(issued_links.outerjoin(items, known)).where(*good, why != "")
    return [_link(row, row.reason) for row in conn.execute(query.order_by(c.made_at, c.reference).limit(at_most))]


def note_ended(conn: Connection, company: str, links: Sequence[KeptLink], at: datetime) -> None:
    """Remember that these links are not to be paid any more, each for its reason."""
    c = issued_links.c
    for link in links:
        this = (c.company == company, c.provider == link.provider, c.reference == link.reference)
        conn.execute(update(issued_links).where(*this).values(why=link.why, ended_at=at))
    if links:
        append(conn, company, at, [("links_ended", {"links": [f"{link.provider} {link.reference} {link.why}" for link in links]})])


def _values(link: KeptLink) -> Mapping[str, object]:
    return {
        "provider": link.provider,
        "reference": link.reference,
        "item_id": link.item_id,
        "currency": link.amount.currency,
        "amount_minor": link.amount.minor,
        "language": link.language,
        "expires_at": link.expires_at,
    }


def _link(row: Any, why: str) -> KeptLink:
    amount, reason = Money.from_minor(row.amount_minor, row.currency), WhyEnded(why) if why else None
    return KeptLink(row.provider, row.reference, row.item_id, amount, row.language, row.expires_at, reason)
