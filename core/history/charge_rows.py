"""Late charges as rows ⇄ values. A calculation is kept whole, so that it can be printed again as it was decided."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ..dunning.charge_facts import Calculation, CalculationLine, ChargeDue, ChargeKey, ChargeRecord, ChargeState
from ..money import Money
from ..policy.charge_schema import Placement, RuleKind
from ..policy.country_pack import Treatment
from ..receivables import OpenItem


class ChargeStatus(StrEnum):
    """Where a charge stands. waiting → approved → writing → made | refused; refused waits for a person as waiting does. A charge that was
    not made yet is dropped when facts show that it is not owed, and counts as never decided; waived by a person it is dealt with."""

    WAITING = "waiting"
    APPROVED = "approved"
    WRITING = "writing"
    MADE = "made"
    REFUSED = "refused"
    DROPPED = "dropped"
    WAIVED = "waived"


_STATES = {ChargeStatus.WAIVED: ChargeState.WAIVED, ChargeStatus.MADE: ChargeState.MADE, ChargeStatus.WRITING: ChargeState.MADE}
NOT_MADE = (ChargeStatus.WAITING, ChargeStatus.APPROVED, ChargeStatus.REFUSED)
"""What has certainly not been written into the books."""


@dataclass(frozen=True, slots=True)
class KeptCharge:
    """A charge as the history keeps it. `amount` is without tax, `reversed` so much of it as is taken back; `total` is what its line or its
    document comes to in the books (a statement: all of it), None before it is there. `said_by` is who approved or waived it, `detail` what
    the ledger or a person said last. `is_taxed` is None where nobody asked yet when it was decided."""

    key: ChargeKey
    id: str
    invoice_id: str
    number: str
    customer_id: str
    first: date
    last: date
    due_on: date
    terms: str
    amount: Money
    reversed: Money
    calculation: Calculation
    placement: Placement
    statement: str
    status: ChargeStatus
    detail: str
    decided_on: date
    said_by: str
    refusals: int
    marker: str
    charged_on: date | None
    document_id: str
    document_number: str
    on_invoice: bool
    total: Money | None
    is_taxed: bool | None

    @property
    def is_reversed(self) -> bool:
        """Whether all of it was taken back, or is to be."""
        return self.status is ChargeStatus.MADE and self.reversed >= self.amount

    @property
    def work_id(self) -> str:
        """Its entry on the work list after it was refused the last time."""
        return f"{self.id}-{self.refusals}"

    def lines(self) -> tuple[str, ...]:
        """The calculation in plain English, the amount last."""
        return (*self.calculation.lines(), f"Charge: {self.amount}")

    def record(self, outstanding: Money | None = None, *, is_undone: bool = False) -> ChargeRecord:
        """What the decisions look at. `outstanding` is what is open of its document; `is_undone` when that document is void or gone."""
        state = _STATES.get(self.status, ChargeState.WAITING)
        if state is ChargeState.MADE and (is_undone or self.is_reversed):
            state = ChargeState.REVERSED
        line = self.total if self.on_invoice and self.status is ChargeStatus.MADE else None
        left = self.amount - self.reversed
        return ChargeRecord(self.key.rule, self.key.period, self.first, self.last, left, state, self.terms, outstanding, line)


def charge_id(company: str, key: ChargeKey) -> str:
    """The short name of a charge, for people and for its marker: always the same."""
    return hashlib.sha256(f"{company}|{key}".encode()).hexdigest()[:16]


def values_of(company: str, item: OpenItem, due: ChargeDue, as_of: date) -> dict[str, Any]:
    """The columns of a charge that is decided on now, but for its status and the instant."""
    return {
        "company": company,
        "charge_key": str(due.key),
        "charge_id": charge_id(company, due.key),
        "item_id": item.id,
        "invoice_id": item.invoice_id,
        "number": item.number,
        "customer_id": item.customer_id,
        "rule": due.rule,
        "period": due.key.period,
        "first_on": due.calculation.first,
        "last_on": due.calculation.last,
        "due_on": due.due_on,
        "terms": due.terms,
        "currency": due.amount.currency,
        "amount_minor": due.amount.minor,
        "reversed_minor": 0,
        "calculation": as_text(due.calculation),
        "placement": _placement(item, due).value,
        "statement": due.statement,
        "decided_on": as_of,
        "detail": "",
        "said_by": "",
        "refusals": 0,
        "marker": "",
        "charged_on": None,
        "document_id": "",
        "document_number": "",
        "on_invoice": False,
        "total_minor": None,
        "is_taxed": due.tax is Treatment.FOLLOWS_SUPPLY,
    }


def _placement(item: OpenItem, due: ChargeDue) -> Placement:
    """A line would be spread over all instalments."""
    return Placement.DOCUMENT if due.placement is Placement.LINE and item.instalment_count > 1 else due.placement


def kept_of(row: Any) -> KeptCharge:
    """A charge from a row of the table."""
    return KeptCharge(
        key=ChargeKey(row.item_id, row.rule, row.period),
        id=row.charge_id,
        invoice_id=row.invoice_id,
        number=row.number,
        customer_id=row.customer_id,
        first=row.first_on,
        last=row.last_on,
        due_on=row.due_on,
        terms=row.terms,
        amount=Money.from_minor(row.amount_minor, row.currency),
        reversed=Money.from_minor(row.reversed_minor, row.currency),
        calculation=calculation_of(row.calculation),
        placement=Placement(row.placement),
        statement=row.statement,
        status=ChargeStatus(row.status),
        detail=row.detail,
        decided_on=row.decided_on,
        said_by=row.said_by,
        refusals=row.refusals,
        marker=row.marker,
        charged_on=row.charged_on,
        document_id=row.document_id,
        document_number=row.document_number,
        on_invoice=row.on_invoice,
        total=Money.from_minor(row.total_minor, row.currency) if row.total_minor is not None else None,
        is_taxed=row.is_taxed,
    )


def as_text(made: Calculation) -> str:
    """A calculation as JSON; all amounts are in its currency."""
    steps = [
        [s.first.isoformat(), s.last.isoformat(), s.base.minor, str(s.counted), _text(s.percent), s.days, s.divisor, s.source]
        for s in made.steps
    ]
    whole: dict[str, Any] = {
        "kind": made.kind.value,
        "first": made.first.isoformat(),
        "last": made.last.isoformat(),
        "currency": made.total.currency,
    }
    whole |= {"counted": made.counted.minor, "total": made.total.minor, "rounding": made.rounding, "chosen": made.chosen}
    return json.dumps({**whole, "limits": made.limits, "steps": steps}, ensure_ascii=False, separators=(",", ":"))


def calculation_of(text: str) -> Calculation:
    """A calculation from its JSON."""
    whole = json.loads(text)
    currency = whole["currency"]
    return Calculation(
        RuleKind(whole["kind"]),
        date.fromisoformat(whole["first"]),
        date.fromisoformat(whole["last"]),
        tuple(_line(step, currency) for step in whole["steps"]),
        Money.from_minor(whole["counted"], currency),
        Money.from_minor(whole["total"], currency),
        whole["rounding"],
        tuple(whole["limits"]),
        whole["chosen"],
    )


def _line(step: list[Any], currency: str) -> CalculationLine:
    first, last, base, counted, percent, days, divisor, source = step
    return CalculationLine(
        date.fromisoformat(first),
        date.fromisoformat(last),
        Money.from_minor(base, currency),
        Decimal(counted),
        Decimal(percent) if percent is not None else None,
        days,
        divisor,
        source,
    )


def _text(percent: Decimal | None) -> str | None:
    return str(percent) if percent is not None else None
