"""When invoices are expected to be paid, by what was promised, and what of it the ledger has yet to be told. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from ..receivables import OpenItem
from .facts import Hold, HoldKind
from .holds import was_promised


@dataclass(frozen=True, slots=True)
class Told:
    """What the ledger was last told of an invoice's day, None when there was to be none, and whether it `refused` that.

    `ours` are the days that may stand there because of us: the one it took last, and any that it was asked for without an answer.
    """

    expected_on: date | None = None
    refused: bool = False
    ours: frozenset[date] = frozenset()


NOTHING = Told()


@dataclass(frozen=True, slots=True)
class ToTell:
    """What the ledger is to be told of one invoice: the day, None to take ours away, after what it was told before."""

    invoice_id: str
    expected_on: date | None
    before: Told = NOTHING

    @property
    def while_asked(self) -> Told:
        """What is remembered before the ledger is asked, in case its answer is lost: nothing is sure, and the day may stand there."""
        return Told(ours=self.before.ours | ({self.expected_on} if self.expected_on else frozenset()))

    @property
    def when_taken(self) -> Told:
        """What is remembered when the ledger took it; after taking a day away there is nothing to remember."""
        return NOTHING if self.expected_on is None else Told(self.expected_on, ours=frozenset({self.expected_on}))

    @property
    def when_refused(self) -> Told:
        """What is remembered when the ledger would not take it: it is not asked again for the same."""
        return Told(self.expected_on, True, self.before.ours)


def promised_days(promises: Iterable[Hold], items: Iterable[OpenItem]) -> dict[str, date]:
    """Of each invoice with an open item that a promise is about, the latest promised day."""
    dated = [(hold, hold.until) for hold in promises if hold.kind is HoldKind.PROMISE and hold.until]
    days: dict[str, date] = {}
    for item in items:
        for promise, day in dated:
            if promise.customer_id == item.customer_id and was_promised(promise, item, day):
                days[item.invoice_id] = max(day, days.get(item.invoice_id, day))
    return days


def to_tell(days: Mapping[str, date], told: Mapping[str, Told], still_open: Collection[str]) -> tuple[list[ToTell], list[str]]:
    """What the ledger has yet to be told, by invoice; and of which invoices nothing is left to be remembered.

    A day that the ledger refused is not told again until it is another day, and only what may be ours is ever taken away. What is no longer
    open shows no day to anybody, so it is left as it is.
    """
    tell: list[ToTell] = []
    forget: list[str] = []
    for invoice_id in sorted(days.keys() | told.keys()):
        wanted, known = days.get(invoice_id), told.get(invoice_id, NOTHING)
        if wanted is None and (invoice_id not in still_open or not known.ours):
            forget.append(invoice_id)
        elif not _is_known(wanted, known):
            tell.append(ToTell(invoice_id, wanted, known))
    return tell, forget


def _is_known(wanted: date | None, known: Told) -> bool:
    return wanted == known.expected_on and (known.refused or known.ours == {wanted})
