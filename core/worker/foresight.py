"""foresight: the late charges, credits and payments that a run would write into the books now. Nothing is written and nobody is asked."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..dunning.charge_facts import ChargeDue, Reversal
from ..dunning.discounts import DiscountEarned
from ..dunning.facts import Hold
from ..dunning.printout import label
from ..history.charge_marks import is_charging
from ..history.charge_rows import ChargeStatus, KeptCharge
from ..history.charges import charges_with
from ..history.credits import CreditStatus, KeptCredit, credits_with
from ..history.database import reading
from ..history.read import invoices_called
from ..history.told_payments import PaymentStatus, ToldPayment, payments_with
from ..money import Money
from ..policy.schema import Mode
from ..port import Capability
from ..receivables import OpenItem
from .charging import asks, judgements
from .crediting import what_for
from .desk import Desk
from .discounting import Discounting


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a run would write: charges that are due now (`asked` for approval or not) and those that may be written since earlier; what it
    would take back of charges in the books; discounts that were earned now, and credits that are wanted since earlier; payments. `held`
    keeps the plan from asking for what is a discount."""

    due: tuple[tuple[OpenItem, ChargeDue, bool], ...]
    approved: tuple[KeptCharge, ...]
    to_reverse: tuple[tuple[OpenItem, Reversal], ...]
    earned: tuple[DiscountEarned, ...]
    wanted: tuple[KeptCredit, ...]
    told: tuple[tuple[str, ToldPayment], ...]
    held: Mapping[str, tuple[Hold, ...]]
    discounts_ask: bool

    @property
    def charged(self) -> tuple[Money, ...]:
        """What would be charged, for the guard."""
        return (*(one.amount for one in self.approved), *(charge.amount for _, charge, is_asked in self.due if not is_asked))

    def lines(self, ledger: Collection[Capability]) -> Iterator[str]:
        """In plain lines, for a ledger that can do so much: what it cannot take is work for a person."""
        credit = "credit" if Capability.CREDITS in ledger else "task"
        record = "record" if Capability.RECORDED_PAYMENTS in ledger else "task"
        for item, due, is_asked in self.due:
            yield _line("ask" if is_asked else "charge", f"{due.amount} ({due.rule}) on invoice {label(item)}, due since {due.due_on}")
        for kept in self.approved:
            yield _line("charge", f"{kept.amount} ({kept.key.rule}) on invoice {kept.number}, due since {kept.due_on}")
        for item, back in self.to_reverse:
            yield _line(credit, f"{back.amount} without tax of the late charge {back.key.rule} on invoice {label(item)}: {back.detail}")
        for earned in self.earned:
            said = f"{earned.credit} for the early-payment discount on invoice {label(earned.item)}: {earned.why}"
            yield _line("ask" if self.discounts_ask else credit, said)
        for wanted in self.wanted:
            yield _line(credit, f"{wanted.amount} {what_for(wanted)}")
        for number, payment in self.told:
            yield _line(record, f"{payment.amount} that Stripe received for invoice {number} on {payment.paid_on}")

    def as_program(self) -> dict[str, Any]:
        """For a program; amounts are decimal texts, dates ISO 8601. What is taken back of charges is without tax."""
        charges = [
            {**_entry(label(item), charge.amount), "rule": charge.rule, "due_on": charge.due_on.isoformat(), "needs_approval": is_asked}
            for item, charge, is_asked in self.due
        ]
        charges += [
            {**_entry(kept.number, kept.amount), "rule": kept.key.rule, "due_on": kept.due_on.isoformat(), "needs_approval": False}
            for kept in self.approved
        ]
        reversals = [{**_entry(label(item), one.amount), "rule": one.key.rule, "why": one.detail} for item, one in self.to_reverse]
        credits_ = [
            {**_entry(label(one.item), one.credit), "kind": "discount", "why": one.why, "needs_approval": self.discounts_ask}
            for one in self.earned
        ]
        credits_ += [
            {**_entry(one.number, one.amount), "kind": one.kind.value, "why": one.why, "needs_approval": False} for one in self.wanted
        ]
        payments = [{**_entry(number, one.amount), "paid_on": one.paid_on.isoformat(), "id": one.payment_id} for number, one in self.told]
        return {"charges": charges, "reversals": reversals, "credits": credits_, "payments": payments}


def _line(verb: str, what: str) -> str:
    return f"{verb:<6} {what}"


def _entry(invoice: str, amount: Money) -> dict[str, Any]:
    return {"invoice": invoice, "amount": str(amount.amount), "currency": amount.currency}


def foresee(desk: Desk, as_of: date) -> Foreseen:
    """What a run would write into the books on `as_of`, by what is known of them."""
    discounting = Discounting(desk, as_of)
    discounting.judge()
    with reading(desk.engine) as conn:
        judged = list(judgements(conn, desk, as_of)) if is_charging(conn, desk.company, desk.policy) else []
        judged = [one for one in judged if one.due or one.to_reverse]
        told = payments_with(conn, desk.company, PaymentStatus.TOLD)
        owed = invoices_called(conn, desk.company, [one.invoice_id for one in told])
        earned = {one.item.id for one in discounting.report.earned}
        return Foreseen(
            due=tuple((one.facts.item, c, asks(c, desk.policy)) for one in judged for c in one.due if one.facts.item.id not in earned),
            approved=tuple(charges_with(conn, desk.company, ChargeStatus.APPROVED, ChargeStatus.WRITING)),
            to_reverse=tuple((one.facts.item, reversal) for one in judged for reversal in one.to_reverse),
            earned=tuple(discounting.report.earned),
            wanted=tuple(credits_with(conn, desk.company, CreditStatus.WANTED)),
            told=tuple((owed[one.invoice_id].number if one.invoice_id in owed else one.invoice_id, one) for one in told),
            held=discounting.held(),
            discounts_ask=desk.policy.mode is Mode.APPROVE,
        )
