"""What stands in our own files beside the exports, read back as a person may have left it. Pure.

The files are added to and never rewritten by us. A person may fill in the column `status`, or correct a row in a spreadsheet.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from ...core.money import Money
from ...core.receivables import DocumentStatus
from .cells import CellProblem
from .words import ENTERED, STATUSES, plain

Stored = Mapping[str, str]


def numbered(rows: Iterable[Stored], invoice_id: str, number: str, letter: str) -> str:
    """The number of the next of our rows on an invoice: `F-1/L2` is the second late charge on F-1."""
    return f"{number}/{letter}{1 + sum(row.get('invoice') == invoice_id for row in rows)}"


def check_filled(row: Stored, columns: Sequence[str]) -> None:
    """Raises CellProblem when one of these cells is empty."""
    missing = [column for column in columns if not row.get(column)]
    if missing:
        raise CellProblem(f"has no {', '.join(missing)}; fill it in")


def amount_of(row: Stored, column: str = "amount") -> Money:
    """An amount in one of our columns. Raises CellProblem."""
    said = row.get(column)
    try:
        return Money.of(row[column], row["currency"])
    except (ValueError, KeyError):
        problem = CellProblem(f"says the {column} “{said} {row.get('currency')}”; write it as 1250.50 and EUR")
    raise problem


def optional_amount(row: Stored, column: str) -> Money | None:
    """An amount, or None when the cell is empty. Raises CellProblem."""
    return amount_of(row, column) if row.get(column) else None


def tax_of(row: Stored) -> Money:
    """The tax of a row; none when the cell is empty. Raises CellProblem."""
    return optional_amount(row, "tax") or amount_of({**row, "tax": "0"}, "tax")


def day_of(row: Stored, column: str) -> date:
    """A day in one of our columns. Raises CellProblem."""
    try:
        return date.fromisoformat(row[column])
    except ValueError:
        problem = CellProblem(f"says the {column} “{row[column][:20]}”; write it as 2026-03-18")
    raise problem


def status_of(row: Stored) -> DocumentStatus | None:
    """What a person wrote into the status; None when it is empty. Raises CellProblem."""
    said = row.get("status", "")
    if not said.strip():
        return None
    meaning = STATUSES.get(plain(said))
    if meaning is None:
        raise CellProblem(f"the status “{said[:60]}” is not known; write paid or void, or leave it empty")
    return DocumentStatus(meaning)


def is_entered(row: Stored) -> bool:
    """Whether a person says that it stands in the company's own books, which the exports show."""
    return plain(row.get("status", "")) in ENTERED


def share(tax: Money, total: Money, part: Money, before: Money) -> Money:
    """The tax in a part of a total, of which other parts were taken before, so that the taxes of all parts are together the whole tax."""
    return _of_first(tax, total, before + part) - _of_first(tax, total, before)


def _of_first(tax: Money, total: Money, part: Money) -> Money:
    return Money.of(tax.amount * part.amount / total.amount if total.amount else Decimal(0), tax.currency)
