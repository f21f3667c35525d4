"""From what the rows say of an invoice to what it is on a given day: open, paid, void or not issued yet, and how much of it. Pure.

Whoever says paid is believed: first the status in words, then the settled-on date, then the amounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from ...core.money import Money
from ...core.receivables import CreditKind, DocumentStatus, EarlyDiscount, Instalment, Invoice, Payment
from .cells import CellProblem
from .mapping import InvoiceFacts, Source


@dataclass(slots=True)
class Claim:
    """An invoice or instalment on the day of reading, amounts without sign. `outstanding` is None when payments have to say it;
    `changes_on` is the next day on which the same rows say something else (it is issued, settled, or its dispute ends)."""

    facts: InvoiceFacts
    total: Money
    outstanding: Money | None
    status: DocumentStatus
    is_credit: bool
    disputed: str
    settled_on: date | None
    changes_on: date | None
    discount: EarlyDiscount | None = None


def claim_on(facts: InvoiceFacts, day: date, short_settlement: Literal["paid", "open"]) -> Claim:
    """What the row amounts to on this day. Raises CellProblem when it contradicts itself."""
    is_credit, total, outstanding = _without_sign(facts)
    status, outstanding = _state(facts, total, outstanding, day, short_settlement)
    if facts.issued_on > day and status is not DocumentStatus.VOID:
        status = DocumentStatus.DRAFT
    dispute_ends = facts.disputed_until + timedelta(days=1) if facts.disputed_until else None
    settled_on = facts.settled_on
    return Claim(
        facts,
        total,
        outstanding,
        status,
        is_credit,
        "" if dispute_ends and dispute_ends <= day else facts.disputed,
        settled_on if settled_on and settled_on <= day else None,
        min((on for on in (facts.issued_on, settled_on, dispute_ends) if on and on > day), default=None),
        facts.discount.of(total) if facts.discount and not is_credit else None,
    )


def _without_sign(facts: InvoiceFacts) -> tuple[bool, Money, Money | None]:
    """Whether it is a credit note, its total, and what its own columns say is outstanding."""
    total, outstanding, paid = facts.total, facts.outstanding, facts.paid
    is_negative = total.amount < 0
    is_credit = is_negative or facts.is_credit
    if is_negative or (is_credit and outstanding is not None and outstanding.amount < 0):
        outstanding = None if outstanding is None else -outstanding
    if is_negative:
        total = -total
        paid = Money(abs(paid.amount), paid.currency) if paid else None
    if outstanding is None and paid is not None:
        outstanding = total - paid
    if outstanding is not None and outstanding > total:
        raise CellProblem(f"says that {outstanding} of {total} is outstanding; correct one of them")
    return is_credit, total, outstanding


def _state(
    facts: InvoiceFacts, total: Money, outstanding: Money | None, day: date, short_settlement: str
) -> tuple[DocumentStatus, Money | None]:
    nothing = Money.zero(total.currency)
    if facts.status is DocumentStatus.DRAFT:
        return DocumentStatus.DRAFT, total
    if facts.status is DocumentStatus.VOID:
        return DocumentStatus.VOID, nothing
    if facts.status is DocumentStatus.PAID or not total.is_positive:
        return DocumentStatus.PAID, nothing
    if facts.settled_on is not None and facts.settled_on <= day:
        if short_settlement == "open" and facts.settled is not None and facts.settled < total:
            return DocumentStatus.OPEN, total - facts.settled
        return DocumentStatus.PAID, nothing
    if outstanding is None and facts.tells_outstanding:
        raise CellProblem("does not say what is outstanding; fill it in, with 0 when it was paid")
    if outstanding is None and facts.tells_settlement:
        return DocumentStatus.OPEN, None
    if outstanding is not None and not outstanding.is_positive:
        return DocumentStatus.PAID, outstanding
    return DocumentStatus.OPEN, outstanding


# --- several rows, one invoice ------------------------------------------------------------------------------------------------


def joined_lines(rows: Sequence[InvoiceFacts]) -> InvoiceFacts:
    """One invoice out of its lines: the totals add up; all else is said on every line alike. Raises CellProblem when it is not."""
    first = rows[0]
    for other in rows[1:]:
        _check_same(first, other)
        for field in ("due_date", "outstanding", "paid", "status", "settled_on", "discount"):
            if getattr(first, field) != getattr(other, field):
                raise CellProblem(f"says another {field} than {first.where}; the lines of an invoice have to agree")
    total = Money(sum((row.total.amount for row in rows), start=Decimal(0)), first.total.currency)
    return replace(first, total=total, disputed=_any(rows, "disputed"), do_not_chase=_any(rows, "do_not_chase"))


def instalments_in_order(claims: Sequence[Claim]) -> list[Claim]:
    """The instalments of one invoice by their own numbers or else by their due dates. Raises CellProblem when that does not tell."""
    if len(claims) > 1 and any(claim.is_credit for claim in claims):
        raise CellProblem(f"{claims[0].facts.number} is a credit note on several rows; say rows: line")
    for other in claims[1:]:
        _check_same(claims[0].facts, other.facts)
    placed = {(claim.facts.ordinal or 0, claim.facts.due_date): claim for claim in claims}
    if len(placed) < len(claims):
        raise CellProblem(f"{claims[0].facts.number} has two instalments with one due date; map the column `instalment`, or say rows: line")
    return [placed[place] for place in sorted(placed)]


def _check_same(one: InvoiceFacts, other: InvoiceFacts) -> None:
    if (one.customer, one.total.currency, one.number) != (other.customer, other.total.currency, other.number):
        raise CellProblem(f"says another customer, currency or number than {one.where}, with which it shares the invoice")


def _any(rows: Sequence[InvoiceFacts], field: str) -> str:
    return next((reason for row in rows if (reason := str(getattr(row, field)))), "")


# --- to the vocabulary --------------------------------------------------------------------------------------------------------


def invoice_from(claims: Sequence[Claim], customer_id: str, contact_id: str, allocated: Decimal, held: str) -> Invoice:
    """The invoice out of its instalments, in order. What was allocated fills those from the first on that do not say what is outstanding
    themselves. `held` is a reason not to chase it that other files give."""
    first = claims[0].facts
    parts = []
    for ordinal, claim in enumerate(claims, start=1):
        outstanding = claim.outstanding
        if outstanding is None:
            used = min(allocated, claim.total.amount)
            allocated -= used
            outstanding = Money(claim.total.amount - used, claim.total.currency)
        elif outstanding.amount < 0:
            outstanding = Money.zero(outstanding.currency)
        parts.append(Instalment(ordinal, claim.facts.due_date, claim.total, outstanding))
    rows = [claim.facts for claim in claims]
    return Invoice(
        first.id,
        first.number,
        customer_id,
        min(row.issued_on for row in rows),
        tuple(parts),
        _joint_status(claims, parts),
        contact_id,
        first.reference,
        next((claim.disputed for claim in claims if claim.disputed), ""),
        _any(rows, "do_not_chase") or held,
        first.page_url,
        claims[-1].settled_on,
        early_discount=claims[0].discount if len(claims) == 1 else None,
    )


def _joint_status(claims: Sequence[Claim], parts: Sequence[Instalment]) -> DocumentStatus:
    statuses = {claim.status for claim in claims}
    for status in (DocumentStatus.VOID, DocumentStatus.DRAFT):
        if status in statuses:
            return status
    return DocumentStatus.OPEN if any(part.outstanding.is_positive for part in parts) else DocumentStatus.PAID


def overpaid(claim: Claim, customer_id: str) -> Payment | None:
    """The credit that arises when an invoice's own columns say that less than nothing is outstanding."""
    if claim.outstanding is None or claim.outstanding.amount >= 0 or claim.status is not DocumentStatus.PAID:
        return None
    rest, facts = -claim.outstanding, claim.facts
    return Payment(f"{facts.id}#overpaid", customer_id, claim.settled_on or facts.issued_on, rest, rest, facts.number)


def credit_note_among_invoices(claim: Claim, customer_id: str, where: str) -> Source:
    """A negative invoice, or one of that kind: a credit note. What is left of it is said by its columns, or by the allocations."""
    facts = claim.facts
    return Source(
        CreditKind.CREDIT_NOTE,
        facts.id,
        facts.number,
        customer_id,
        claim.total,
        facts.issued_on,
        rest_said=claim.outstanding,
        status=claim.status,
        where=where,
    )
