"""From a stream of customers, documents and problems to the pages of a complete pass."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ...core.port import Cursor, Page, RowProblem
from ...core.receivables import Allocation, CreditNote, Customer, Invoice, Payment
from .reading import Told

NOT_READ_TO_THE_END = Cursor("")
"""The cursor of a pass that goes on: who stops here begins anew."""

_MOST_PROBLEMS = 500
_PLACES: dict[type, str] = {
    Customer: "customers",
    Invoice: "invoices",
    CreditNote: "credit_notes",
    Payment: "payments",
    Allocation: "allocations",
    RowProblem: "problems",
}


def pages_of_pass(told: Iterable[Told], size: int, end: Callable[[], Page]) -> Iterator[Page]:
    """The pages of one complete pass, each with `size` values at most, besides the allocations of its last invoice.

    An invoice and its allocations, which follow it, are never parted, so that one that is not in the books any more is known to be gone.
    `end` is asked when all is read: its cursor, its last bank entry and whether the pass ends go onto the last page.
    """
    waiting: Page | None = None
    for page in _portions(told, size):
        if waiting is not None:
            yield waiting
        waiting = replace(page, starts_pass=waiting is None)
    if waiting is not None:
        last = end()
        yield replace(waiting, cursor=last.cursor, ends_pass=last.ends_pass, last_bank_entry_on=last.last_bank_entry_on)


def _portions(told: Iterable[Told], size: int) -> Iterator[Page]:
    """At least one page; of endless problems only the first are told, and how many more there are."""
    portion: defaultdict[str, list[Any]] = defaultdict(list)
    count = problems = 0
    for one in told:
        if isinstance(one, RowProblem):
            problems += 1
            if problems > _MOST_PROBLEMS:
                continue
        if count >= size and not isinstance(one, Allocation):
            yield _page(portion)
            portion.clear()
            count = 0
        portion[_PLACES[type(one)]].append(one)
        count += 1
    if problems > _MOST_PROBLEMS:
        portion["problems"].append(RowProblem("the books", f"have {problems - _MOST_PROBLEMS} more such rows"))
    yield _page(portion)


def _page(portion: dict[str, list[Any]]) -> Page:
    fields: dict[str, Any] = {place: tuple(values) for place, values in portion.items()}
    return Page(NOT_READ_TO_THE_END, **fields, allocations_known_of=tuple(invoice.id for invoice in portion.get("invoices", ())))
