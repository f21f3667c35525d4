"""discounting: early-payment discounts that payments proved to be earned. Each is claimed once: its invoice is left alone from then on, and
its credit is wanted.

Judging is pure and reads what was touched; claiming comes after sync and before the plan. What may be a discount while nobody can tell is
left alone as well, without a trace.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import Connection

from ..calendar import days_after
from ..dunning.discounts import (
    DiscountEarned,
    DiscountFacts,
    DiscountNotEarned,
    WhyNotEarned,
    judge_discount,
    offer_of,
    rest_is_discount,
    terms_of,
    waits_for_matching,
)
from ..dunning.facts import CustomerFacts, Hold, HoldKind
from ..errors import CompanyMustAct
from ..history.credits import (
    ASKED,
    CreditFor,
    CreditStatus,
    KeptCredit,
    close_credit,
    credit_marker,
    credits_called,
    credits_of,
    credits_with,
    drop_credit,
    hold_by,
    want_credits,
)
from ..history.database import reading, writing
from ..history.discount_marks import looked_at, touched_items
from ..history.discount_reading import discount_facts
from ..history.holds import add_hold
from ..history.waking import wake
from ..history.work import finish_work, propose
from ..notices.discount_words import discount_text
from ..policy.schema import Mode, Policy
from ..receivables import Customer, OpenItem, UnappliedCredit
from .crediting import release
from .desk import Desk
from .lease import Lease

BATCH = 200
NO_MORE = "by what is known now the discount was not earned"
_MAY_END = frozenset({WhyNotEarned.DISPUTED, WhyNotEarned.DOUBT, WhyNotEarned.COVERED_BY_CREDIT})

Verdict = DiscountEarned | DiscountNotEarned


@dataclass(frozen=True, slots=True)
class Judged:
    """One look at an item."""

    facts: DiscountFacts
    verdict: Verdict


@dataclass(slots=True)
class DiscountReport:
    """What became of discounts in a run: those that were earned, those of them that were claimed now (none in shadow), and those that
    waited for a person's yes and are not owed."""

    earned: list[DiscountEarned] = field(default_factory=list)
    claimed: list[KeptCredit] = field(default_factory=list)
    dropped: list[KeptCredit] = field(default_factory=list)


class Discounting:
    """The discounts of one run or one plan: `judge` first; `claim` only where something may be recorded."""

    def __init__(self, desk: Desk, as_of: date, report: DiscountReport | None = None) -> None:
        self.desk = desk
        self.as_of = as_of
        self.report = report or DiscountReport()
        self._judged: list[Judged] = []
        self._waiting: dict[str, KeptCredit] = {}

    def judge(self) -> None:
        """Look at what was touched since it was looked at last, and at what waits for a person's yes."""
        desk = self.desk
        with reading(desk.engine) as conn:
            waiting = credits_with(conn, desk.company, CreditStatus.WAITING)
            self._waiting = {one.item_id: one for one in waiting if one.kind is CreditFor.DISCOUNT}
            ids = sorted({*touched_items(conn, desk.company), *self._waiting})
            found = discount_facts(conn, desk.company, ids)
            self._judged = [Judged(facts, judge_discount(facts, desk.policy, self.as_of)) for facts in found]
        verdicts = [one.verdict for one in self._judged if isinstance(one.verdict, DiscountEarned)]
        self.report.earned = [one for one in verdicts if one.item.id not in self._waiting]

    def held(self) -> dict[str, tuple[Hold, ...]]:
        """By customer, what keeps a plan from asking for what is a discount or may be one."""
        return held_by(self._judged)

    def claim(self, lease: Lease) -> None:
        """Claim what was earned: hold the invoice and want the credit, in one transaction. In mode approve a person says yes first."""
        desk = self.desk
        for start in range(0, len(self._judged), BATCH):
            batch = self._judged[start : start + BATCH]
            with lease.writing() as conn:
                self._drop(conn, [one for one in batch if one.facts.item.id in self._waiting])
                for one in batch:
                    if isinstance(one.verdict, DiscountEarned):
                        self._claim(conn, one.facts, one.verdict)
                done = [one.facts.item.id for one in batch if not _looks_again(one, desk.policy, self.as_of)]
                looked_at(conn, desk.company, done)
                wake(conn, desk.company, sorted({one.facts.item.customer_id for one in batch}), desk.rulebook, self.as_of)
        seen = {one.facts.item.id for one in self._judged}
        if settled := [one for key, one in self._waiting.items() if key not in seen]:
            with lease.writing() as conn:
                self._end(conn, settled, "it is settled")

    def _drop(self, conn: Connection, judged: Iterable[Judged]) -> None:
        """What waits for a yes is judged anew: a yes is to one amount."""
        for one in judged:
            waiting = self._waiting[one.facts.item.id]
            if not isinstance(one.verdict, DiscountEarned) or one.verdict.credit != waiting.amount:
                self._end(conn, [waiting], NO_MORE)

    def _end(self, conn: Connection, dropped: list[KeptCredit], why: str) -> None:
        for one in dropped:
            drop_credit(conn, self.desk.company, one, why, self.desk.now())
        release(conn, self.desk, dropped, why, self.as_of)
        self.report.dropped += dropped

    def _claim(self, conn: Connection, facts: DiscountFacts, earned: DiscountEarned) -> None:
        desk, item = self.desk, earned.item
        status = CreditStatus.WAITING if desk.policy.mode is Mode.APPROVE else CreditStatus.WANTED
        wanted = KeptCredit(
            marker=credit_marker(desk.company, earned.key),
            kind=CreditFor.DISCOUNT,
            item_id=item.id,
            invoice_id=item.invoice_id,
            number=item.number,
            document_id=item.invoice_id,
            document_number=item.number,
            customer_id=item.customer_id,
            amount=earned.credit,
            text=discount_text(earned, facts.customer, desk.policy),
            why=f"the early-payment discount on invoice {item.number}: {earned.why}",
            dated_on=self.as_of,
            status=status,
        )
        for new in want_credits(conn, desk.company, [wanted], desk.now()):
            hold = _stop(item, reason_of(earned))
            made = add_hold(conn, desk.company, hold.kind, hold.customer_id, hold.invoice_id, hold.reason, hold.until, hold.by, desk.now())
            hold_by(conn, desk.company, new, made.id, desk.now())
            if new.status is CreditStatus.WAITING:
                propose(conn, desk.company, [(new.marker, new.id)], desk.now())
            self.report.claimed.append(replace(new, hold_id=made.id))


def _stop(item: OpenItem, reason: str) -> Hold:
    return Hold("", HoldKind.MANUAL, item.customer_id, reason, item.invoice_id, None, "puntual")


def reason_of(earned: DiscountEarned) -> str:
    """Why an invoice is left alone whose discount was earned."""
    return f"its early-payment discount was earned: {earned.why}, and is credited"


def _perhaps(item: OpenItem, verdict: DiscountNotEarned) -> str:
    return f"the {item.outstanding} that is left may be its early-payment discount: {verdict.detail}"


def _looks_again(one: Judged, policy: Policy, as_of: date) -> bool:
    """Whether the answer may be another one although nothing of the item changes."""
    if isinstance(one.verdict, DiscountEarned):
        return False
    terms = terms_of(one.facts.item, one.facts.customer, policy, one.facts.credited)
    is_late = terms is None or days_after(terms.last_on, policy.early_payment_discount.grace_days) < as_of
    return one.verdict.reason in _MAY_END or (one.verdict.reason is WhyNotEarned.NOT_IN_TIME and not is_late)


def held_by(judged: Iterable[Judged]) -> dict[str, tuple[Hold, ...]]:
    """By customer, what keeps from asking for what is a discount or may be one."""
    found: dict[str, tuple[Hold, ...]] = {}
    for one in judged:
        if rest_is_discount(one.verdict):
            item = one.facts.item
            said = reason_of(one.verdict) if isinstance(one.verdict, DiscountEarned) else _perhaps(item, one.verdict)
            found[item.customer_id] = (*found.get(item.customer_id, ()), _stop(item, said))
    return found


def waive_discount(desk: Desk, name: str, why: str, by: str, as_of: date) -> KeptCredit | None:
    """A person does not grant a discount that waits, was refused by the books or was left to people: what is left is asked for again, and
    the discount is never earned again. The beginning of its name is enough; None when no such discount is called so. Raises CompanyMustAct
    for one that the ledger may have credited already."""
    with writing(desk.engine) as conn:
        called = [one for one in credits_called(conn, desk.company, name) if one.kind is CreditFor.DISCOUNT] if name else []
        if any(one.status is CreditStatus.WANTED for one in called):
            raise CompanyMustAct(f"{called[0].id[:8]} is being credited in the books", hint=f"Run first: puntual run {desk.company}")
        found = [one for one in called if _may_be_waived(one)]
        if len(found) != 1:
            return None
        close_credit(conn, desk.company, found[0], f"waived: {why}", by, desk.now())
        finish_work(conn, desk.company, found[0].work_id, f"waived: {why}", by, desk.now())
        release(conn, desk, found, f"waived: {why}", as_of)
        return found[0]


def _may_be_waived(one: KeptCredit) -> bool:
    return one.status in ASKED or (one.status is CreditStatus.CLOSED and bool(one.hold_id))


# For plans and the last look before a notice


def held_back(facts: CustomerFacts, held: Mapping[str, tuple[Hold, ...]], policy: Policy) -> CustomerFacts:
    """The facts of a customer with what keeps from asking for a discount (`held`), and for what waits to be matched."""
    more = (*held.get(facts.customer.id, ()), *unmatched((one.item for one in facts.items), facts.customer, facts.credits, policy))
    return replace(facts, holds=(*facts.holds, *more)) if more else facts


def unmatched(items: Iterable[OpenItem], customer: Customer, unapplied: tuple[UnappliedCredit, ...], policy: Policy) -> list[Hold]:
    """What keeps from asking for items that a payment may be for which nobody has matched yet."""
    if not unapplied:
        return []
    days = [(item, waits_for_matching(item, customer, unapplied, policy)) for item in items]
    return [_stop(item, f"a payment of {on} that is not matched yet may be for it, less its discount") for item, on in days if on]


def taken_meanwhile(planned: OpenItem, fresh: OpenItem, customer: Customer, policy: Policy) -> list[Hold]:
    """What keeps from asking for an item of which so much came in since the plan that the rest may be its discount."""
    terms = terms_of(fresh, customer, policy)
    if terms is None or fresh.outstanding >= planned.outstanding or fresh.outstanding > terms.amount:
        return []
    return [_stop(fresh, f"{planned.outstanding - fresh.outstanding} came in meanwhile, and the rest may be its early-payment discount")]


def said_of(conn: Connection, desk: Desk, item: OpenItem, as_of: date) -> str:
    """What there is to say about the discount of an open item, in a clause; empty when there is nothing."""
    kept = [one for one in credits_of(conn, desk.company, [item.id]).get(item.id, ()) if one.kind is CreditFor.DISCOUNT]
    standing = [one for one in kept if one.status is not CreditStatus.DROPPED]
    if standing:
        one = standing[-1]
        return f"the credit of {one.amount} for its early-payment discount is {one.status.value}{f': {one.detail}' if one.detail else ''}"
    facts = next(iter(discount_facts(conn, desk.company, [item.id])), None)
    if facts is None:
        return ""
    offer = offer_of(item, facts.customer, desk.policy, as_of, credited=facts.credited)
    if offer is not None:
        return f"{offer.amount} may be deducted by paying the rest by {offer.last_on}"
    verdict = judge_discount(facts, desk.policy, as_of) if item.outstanding < item.total else None
    if isinstance(verdict, DiscountEarned):
        return f"its early-payment discount of {verdict.credit} was earned: {verdict.why}"
    return _perhaps(item, verdict) if verdict is not None and verdict.may_be_the_discount else ""
