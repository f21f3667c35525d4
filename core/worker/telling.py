"""What the notices of a run tell of late charges, and that it was told: a rule charges only what a notice announced before."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, select

from ..dunning.facts import Action
from ..history.charge_rows import KeptCharge
from ..history.database import reading
from ..history.rows import OPEN
from ..history.tables import items
from ..notices.charge_news import Announced, ChargeNews, StandingCharge
from ..receivables import OpenItem
from .charging import announcements_for, note_announced, standing_charges
from .desk import Desk

_CHUNK = 900


def news_for(desk: Desk, actions: Sequence[Action], as_of: date) -> list[ChargeNews]:
    """What each notice has to tell, in the order of the notices: not of charges whose document was paid.

    Nothing is announced on an item of which something else is outstanding by now than the history knows: its sums would be wrong.
    """
    owed = {entry.item.id: entry.item for action in actions for entry in action.items}
    with reading(desk.engine) as conn:
        known = _as_known(conn, desk.company, owed) if desk.policy.late_charges is not None else []
        announced = announcements_for(conn, desk, known, as_of)
        standing = standing_charges(conn, desk.company, sorted(owed))
        settled = _settled(conn, desk.company, {one.document_id for kept in standing.values() for one in kept if not one.on_invoice})
    return [
        ChargeNews(
            tuple(Announced(key, one) for key in _ids(action) for one in announced.get(key, ())),
            tuple(_standing(one) for key in _ids(action) for one in standing.get(key, ()) if one.document_id not in settled),
        )
        for action in actions
    ]


def note_told(conn: Connection, desk: Desk, news: ChargeNews, as_of: date) -> None:
    """Remember what a notice that was sent announced; in the transaction of its settlement."""
    if news.announced:
        note_announced(conn, desk.company, [(one.item_id, one.announcement.rule) for one in news.announced], as_of)


def _ids(action: Action) -> Iterator[str]:
    return (entry.item.id for entry in action.items)


def _as_known(conn: Connection, company: str, owed: Mapping[str, OpenItem]) -> list[str]:
    """Those of which as much is outstanding as the history says."""
    c = items.c
    query = select(c.item_id, c.outstanding_minor).where(c.company == company)
    rows = [row for chunk in _chunks(owed) for row in conn.execute(query.where(c.item_id.in_(chunk)))]
    return sorted(key for key, minor in rows if owed[key].outstanding.minor == minor)


def _settled(conn: Connection, company: str, documents: Collection[str]) -> set[str]:
    """Those documents of ours that the books show, and show no more as open."""
    c = items.c
    query = select(c.invoice_id, c.status).where(c.company == company)
    rows = [row for chunk in _chunks(documents) for row in conn.execute(query.where(c.invoice_id.in_(chunk)))]
    return {document for document, _ in rows} - {document for document, status in rows if status == OPEN}


def _chunks(ids: Collection[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))


def _standing(one: KeptCharge) -> StandingCharge:
    """A charge of a statement has no sum of its own with tax: its document holds several."""
    is_alone = one.total is not None and not one.statement and not one.reversed.is_positive
    amount = one.total if is_alone and one.total is not None else one.amount - one.reversed
    document = "" if one.on_invoice else one.document_number
    return StandingCharge(one.key.item_id, one.number, one.key.rule, amount, one.charged_on or one.decided_on, document, one.calculation)
