"""Questions about late charges: what was charged, what is due now or next, and why not; each with its calculation. Nothing is written."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from ..dunning.charge_announcements import upcoming
from ..dunning.charge_facts import Announcement, Calculation, ChargeDue, NotCharged, Reversal
from ..dunning.charge_judgement import judge_charges
from ..dunning.printout import label
from ..history.charge_marks import due_item_ids
from ..history.charge_reading import charge_facts
from ..history.charge_rows import KeptCharge
from ..history.charges import charges_of, charges_with
from ..history.credits import CreditFor, KeptCredit, credits_of
from ..history.database import reading
from ..history.read import find_items
from .desk import Desk


@dataclass(frozen=True, slots=True)
class ChargeAnswer:
    """About one item: what was decided on it, the oldest first; what was credited of it or is to be; what a run would charge now and take
    back; and of each rule that charges nothing now, why, and what it may charge later."""

    label: str
    customer: str
    decided: tuple[KeptCharge, ...]
    due: tuple[ChargeDue, ...]
    to_take_back: tuple[Reversal, ...]
    left: tuple[NotCharged, ...]
    later: tuple[Announcement, ...]
    credits: tuple[KeptCredit, ...] = ()


def charges(desk: Desk, invoice: str, as_of: date) -> list[ChargeAnswer]:
    """One answer for each item of the invoice, by its number or the ledger's id; without `invoice` for every item that bears a charge or
    that one is due on. Empty when there is none."""
    with reading(desk.engine) as conn:
        if invoice:
            ids = [row.item_id for row in find_items(conn, desk.company, invoice) if not row.is_late_charge]
        else:
            ids = sorted({*due_item_ids(conn, desk.company, as_of), *(one.key.item_id for one in charges_with(conn, desk.company))})
        kept, taken_back = charges_of(conn, desk.company, ids), credits_of(conn, desk.company, ids)
        answers = []
        for facts in charge_facts(conn, desk.company, ids, desk.rulebook, as_of):
            judged = judge_charges(facts, desk.charge_book, as_of)
            decided = tuple(kept.get(facts.item.id, ()))
            later = upcoming(facts, desk.charge_book, as_of)
            taken = (*judged.withdrawn, *judged.to_reverse)
            less = tuple(one for one in taken_back.get(facts.item.id, ()) if one.kind is CreditFor.REVERSAL)
            if invoice or decided or judged.due:
                answers.append(ChargeAnswer(label(facts.item), facts.customer.name, decided, judged.due, taken, judged.left, later, less))
        return answers


def as_program(answer: ChargeAnswer) -> dict[str, Any]:
    """An answer for a program; amounts are decimal texts, dates ISO 8601."""
    return {
        "item": answer.label,
        "customer": answer.customer,
        "charges": [_kept(one) for one in answer.decided],
        "credits": [_credit(one) for one in answer.credits],
        "due": [_due(one) for one in answer.due],
        "to_take_back": [
            {"rule": one.key.rule, "amount": str(one.amount), "reason": one.reason.value, "detail": one.detail}
            for one in answer.to_take_back
        ],
        "not_charged": [_left(one) for one in answer.left],
        "may_come": [one.line() for one in answer.later],
    }


def _kept(one: KeptCharge) -> dict[str, Any]:
    return {
        "charge": one.id,
        "rule": one.key.rule,
        "amount": str(one.amount.amount),
        "currency": one.amount.currency,
        "taken_back": str(one.reversed.amount),
        "status": "reversed" if one.is_reversed else one.status.value,
        "detail": one.detail,
        "said_by": one.said_by,
        "charged_on": one.charged_on.isoformat() if one.charged_on else None,
        "document": one.document_number,
        "on_invoice": one.on_invoice,
        "total": str(one.total.amount) if one.total is not None else None,
        "calculation": _calculation(one.calculation),
    }


def _credit(one: KeptCredit) -> dict[str, Any]:
    whole = {"amount": str(one.amount.amount), "currency": one.amount.currency, "status": one.status.value, "why": one.why}
    return {**whole, "detail": one.detail, "document": one.document_number, "credit": one.credit_number, "is_void": one.is_void}


def _due(one: ChargeDue) -> dict[str, Any]:
    whole = {"rule": one.rule, "amount": str(one.amount.amount), "currency": one.amount.currency, "due_on": one.due_on.isoformat()}
    return {**whole, "needs_approval": one.needs_approval, "calculation": _calculation(one.calculation)}


def _left(one: NotCharged) -> dict[str, Any]:
    until = one.until.isoformat() if one.until else None
    return {"rule": one.rule, "reason": one.reason.value, "detail": one.detail, "until": until}


def _calculation(made: Calculation) -> dict[str, Any]:
    whole = {"kind": made.kind.value, "first": made.first.isoformat(), "last": made.last.isoformat()}
    return {**whole, "lines": list(made.lines())}
