"""A page in the making, as every connector that reads rows fills one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from ..core.port import Cursor, Page, RowProblem
from ..core.receivables import Allocation, CreditNote, Customer, Invoice, LedgerContact, Payment

T = TypeVar("T")

UNREADABLE = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)
"""What a mapping raises on a row that it cannot read: ValueError says why in words, the others that the row has another form."""


@dataclass
class PageDraft:
    """What a page will hold. `ledger` is where people correct what cannot be read."""

    ledger: str
    customers: list[Customer] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    credit_notes: list[CreditNote] = field(default_factory=list)
    payments: dict[str, Payment] = field(default_factory=dict)
    allocations: list[Allocation] = field(default_factory=list)
    contacts_made: list[LedgerContact] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    known_of: list[str] = field(default_factory=list)
    deleted_ids: list[str] = field(default_factory=list)

    @property
    def documents(self) -> int:
        """How many documents it holds."""
        return len(self.invoices) + len(self.credit_notes) + len(self.payments)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not any(value for name, value in vars(self).items() if name != "ledger")

    def read(self, what: str, make: Callable[[], T]) -> T | None:
        """The value of the row that people know as `what`, or None and a problem for them. A row that cannot be read stops no other."""
        try:
            return make()
        except UNREADABLE as unreadable:
            where = f"{' '.join(what.split())} in {self.ledger}"
            self.problems.append(RowProblem(where, f"cannot be read: {_why(unreadable)}. Correct it in {self.ledger}."))
            return None

    def tell_payments(self, payments: Iterable[Payment | None]) -> None:
        """Take these payments, each once; what could not be read is none."""
        self.payments |= {payment.id: payment for payment in payments if payment}

    def absorb(self, other: "PageDraft") -> None:
        """Take what another draft holds."""
        for name, values in vars(other).items():
            if isinstance(values, list):
                getattr(self, name).extend(values)
        self.payments |= other.payments

    def page(self, cursor: Cursor, *, starts_pass: bool = False, warnings: Iterable[str] = ()) -> Page:
        """The page, which ends at `cursor`."""
        return Page(
            cursor,
            tuple(self.customers),
            tuple(self.invoices),
            tuple(self.credit_notes),
            tuple(self.payments.values()),
            tuple(self.allocations),
            tuple(self.contacts_made),
            tuple(self.problems),
            allocations_known_of=tuple(self.known_of),
            deleted_ids=tuple(self.deleted_ids),
            starts_pass=starts_pass,
            warnings=tuple(warnings),
        )


def _why(unreadable: Exception) -> str:
    if isinstance(unreadable, KeyError):
        return f"it has no {unreadable.args[0]}"
    return str(unreadable) if type(unreadable) is ValueError else f"{type(unreadable).__name__} {unreadable}"
