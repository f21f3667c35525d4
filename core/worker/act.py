"""act: claim, recheck, begin, one effect, settle. In that order, so that nothing is sent twice whatever dies in between."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from email.message import EmailMessage
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ..channels.addresses import UnusableAddress
from ..channels.port import Delivery, MailTransport
from ..dunning.facts import Action, ActionItem, ActionKind, Hold, Skipped, SkipReason, TaskKind
from ..dunning.forecast import is_told_broken
from ..dunning.grouping import covered_currencies, narrowed
from ..dunning.holds import Stop, stop_of_holds
from ..dunning.recheck import Rechecked, judge_again
from ..errors import PuntualError, TryLater
from ..history.attempts import Attempt, AttemptStatus, Ending, abandon_claims, begin, claim, narrow, settle, skipped_entry
from ..history.database import reading, writing
from ..history.holds import active_holds, end_holds
from ..history.waking import wake
from ..history.work import WorkItem, put_on_list, queue_notes, queue_task
from ..notices.books import note_texts, task_texts
from ..notices.charge_news import ChargeNews
from ..port import Capability, LedgerConnector, Recheck
from ..receivables import Invoice, UnappliedCredit, open_items
from .desk import Desk
from .discounting import taken_meanwhile, unmatched
from .envelope import attachments_of, message_of
from .lease import Lease
from .links import Links, Pages, without_a_way
from .telling import news_for, note_told
from .write_back import notes_of, task_of, work_of

_SENT = (AttemptStatus.SENT, AttemptStatus.QUEUED)
_NO_WAY = "there is no page to pay it on at the moment, and the policy has no payment details in its currency"
_COVERED = "the customer's unallocated credit covers what is left"

BATCH = 50
"""Actions that are claimed and rechecked together: one call to the ledger for all of them."""
FRESH = timedelta(minutes=5)
"""After so long the books are looked at again for what is left of them: files to attach, and mail servers, can be slow."""
OLDEST_LOOK = timedelta(minutes=15)
"""No mail goes out when the books were looked at longer ago."""
_MADE_AHEAD = timedelta(minutes=1)
"""So much time at most goes into mails before the first of them is sent."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mail that is ready to go, and what it tells of late charges."""

    attempt: Attempt
    message: EmailMessage
    news: ChargeNews


@dataclass(slots=True)
class ActReport:
    """What was done: endings by status, what fell out at the claim or the recheck, and the ids of attempts that need a person."""

    endings: dict[AttemptStatus, int] = field(default_factory=dict)
    dropped: list[Skipped] = field(default_factory=list)
    tasks: int = 0
    need_a_person: list[str] = field(default_factory=list)
    done: list[Attempt] = field(default_factory=list)

    def count(self, status: AttemptStatus) -> int:
        """How many attempts ended so."""
        return self.endings.get(status, 0)


class Acting:
    """The acting part of one run: it holds what all actions share."""

    def __init__(self, desk: Desk, ledger: LedgerConnector, lease: Lease, as_of: date, may_send: Callable[[], None]) -> None:
        """`may_send` is asked before each mail, and raises when it is too late in the day for it."""
        self.desk = desk
        self.ledger = ledger
        self.lease = lease
        self.may_send = may_send
        self.as_of = as_of
        self.report = ActReport()
        self._links = Links(desk, ledger)
        self._looked_at = desk.machine.now()
        self._mail: MailTransport | None = None
        self._has_claimed = False

    def act(self, actions: Sequence[Action], on_each: Callable[[], Any]) -> ActReport:
        """Carry out the actions in batches. `on_each` is called after each. Raises MustStop when the lease is lost."""
        try:
            for batch in batches(actions, BATCH):
                self.lease.keep()
                self._batch(batch, on_each)
        finally:
            self._leave()
        return self.report

    def _leave(self) -> None:
        """Close the mail connection, and free what was claimed and not begun when something stopped the run."""
        if self._mail is not None:
            self._mail.close()
        if self._has_claimed:
            with writing(self.desk.engine) as conn:
                abandon_claims(conn, self.desk.company, self.lease.run_id, self.desk.now())

    def _batch(self, actions: Sequence[Action], on_each: Callable[[], Any]) -> None:
        kept = self._recheck(self._claim(actions))
        for attempt in self._calls([attempt for attempt in kept if attempt.action.kind is ActionKind.TASK]):
            self._task(attempt)
            on_each()
        notices = [attempt for attempt in kept if attempt.action.kind is ActionKind.NOTICE]
        while notices:
            notices = self._recheck(self._notices(notices, on_each))
        with writing(self.desk.engine) as conn:
            customers = sorted({action.customer.id for action in actions})
            wake(conn, self.desk.company, customers, self.desk.rulebook, self.as_of)

    def _claim(self, actions: Sequence[Action]) -> list[Attempt]:
        self._has_claimed = True
        with self.lease.writing() as conn:
            claimed, lost = claim(conn, self.desk.company, self.lease.run_id, actions, self.as_of, self.desk.now())
        self.report.dropped.extend(lost)
        return claimed

    def _recheck(self, claimed: Sequence[Attempt]) -> list[Attempt]:
        """Read the items again from the ledger itself, and keep what still holds."""
        if not claimed:
            return []
        invoice_ids = list(dict.fromkeys(entry.item.invoice_id for attempt in claimed for entry in attempt.action.items))
        self._looked_at = self.desk.machine.now()
        seen = self.ledger.recheck(invoice_ids)
        with reading(self.desk.engine) as conn:
            holds = active_holds(conn, self.desk.company)
        invoices = {invoice.id: invoice for invoice in seen.invoices}
        kept: list[Attempt] = []
        dropped: list[Skipped] = []
        with self.lease.writing() as conn:
            for attempt in claimed:
                judged = self._judge(attempt, invoices, seen, holds)
                dropped.extend(judged.dropped)
                left = narrow(conn, self.desk.company, attempt, judged.action, judged.dropped, self.desk.now())
                kept.extend([left] if left else [])
        self.report.dropped.extend(dropped)
        self._links.end_dropped(dropped)
        return kept

    def _judge(self, attempt: Attempt, invoices: Mapping[str, Invoice], seen: Recheck, holds: Sequence[Hold]) -> Rechecked:
        customer_id = attempt.action.customer.id
        unapplied: tuple[UnappliedCredit, ...] | None = None
        if seen.knows_credits:
            unapplied = tuple(credit for credit in seen.credits if credit.customer_id == customer_id)
        theirs = tuple(hold for hold in holds if hold.customer_id == customer_id)
        theirs += tuple(self._may_be_discounts(attempt.action, invoices, unapplied))
        return judge_again(attempt.action, invoices, unapplied, theirs, self.desk.policy, self.as_of)

    def _may_be_discounts(
        self, action: Action, invoices: Mapping[str, Invoice], unapplied: tuple[UnappliedCredit, ...] | None
    ) -> Iterator[Hold]:
        """What keeps from asking for money that came in since the plan, less an early-payment discount."""
        policy, customer = self.desk.policy, action.customer
        for entry in action.items:
            invoice = invoices.get(entry.item.invoice_id)
            for fresh in (item for item in (open_items(invoice) if invoice else ()) if item.id == entry.item.id):
                yield from taken_meanwhile(entry.item, fresh, customer, policy)
                yield from unmatched([fresh], customer, unapplied or (), policy)

    def _calls(self, tasks: Sequence[Attempt]) -> Iterator[Attempt]:
        """The work for people, without calls about what is being paid."""
        paying = self._links.being_paid([attempt.action for attempt in tasks if attempt.action.task is TaskKind.CALL])
        for attempt in tasks:
            left = self._without(attempt, _not_to_ask(attempt.action, paying, ()))
            if left is not None:
                yield left

    def _notices(self, attempts: Sequence[Attempt], on_each: Callable[[], Any]) -> list[Attempt]:
        """Send these while the last look at the books is fresh, with what is to be paid as it was a moment ago. Returns those that need
        another look; some are sent in any case, so that there is an end to it."""
        actions = [attempt.action for attempt in attempts]
        pages, news = self._links.pages(actions), news_for(self.desk, actions, self.as_of)
        waiting = deque(zip(attempts, news, strict=True))
        left: list[Attempt] = []
        while waiting and not left:
            left = self._send(self._made(waiting, pages), on_each)
            if not self._is_fresh():
                break
        return [*left, *(attempt for attempt, _ in waiting)]

    def _made(self, waiting: deque[tuple[Attempt, ChargeNews]], pages: Pages) -> list[Prepared]:
        """The next mails, as many as can be made soon. What has no way to pay falls out: a notice says how."""
        held = self._held_since([attempt.action for attempt, _ in waiting])
        until, ready = self.desk.machine.now() + _MADE_AHEAD, []
        while waiting and self.desk.machine.now() < until:
            attempt, told = waiting.popleft()
            ready.append(self._mail_of(attempt, pages, held, told))
        return [mail for mail in ready if mail is not None]

    def _send(self, prepared: Sequence[Prepared], on_each: Callable[[], Any]) -> list[Attempt]:
        """Begin, send, settle, one after the other. The end of one and the beginning of the next are one transaction: one write a mail.
        Returns what was left because the look at the books was no longer fresh.

        The lease is kept in it: who slept after the last look at the books begins nothing any more.
        """
        ended: tuple[Prepared, Ending] | None = None
        try:
            for number, ready in enumerate(prepared):
                if number and not self._is_fresh():
                    return [mail.attempt for mail in prepared[number:]]
                self.may_send()
                with writing(self.desk.engine) as conn:
                    self.lease.keep_in(conn)
                    self._record(conn, ended)
                    begin(conn, self.desk.company, ready.attempt)
                ended = (ready, Ending(AttemptStatus.FAILED, detail="the run was interrupted before this was sent"))
                try:
                    transport = self._transport()
                    self._make_sure()
                    ended = (ready, Ending(AttemptStatus.UNKNOWN, detail="the run was interrupted while this was being sent"))
                    ended = (ready, _ending(transport.deliver(ready.message)))
                except PuntualError as error:
                    ended = (ready, Ending(AttemptStatus.FAILED, detail=str(error)))
                    raise
                on_each()
        finally:
            with writing(self.desk.engine) as conn:
                self._record(conn, ended)
        return []

    def _make_sure(self) -> None:
        """Right before a mail goes out: the company is still ours and the look at the books not too old, whoever slept meanwhile."""
        self.lease.hold()
        if self._age_of_look() > OLDEST_LOOK:
            raise TryLater("The books were looked at too long ago: the machine slept, or was slow.", hint="It is run again")

    def _is_fresh(self) -> bool:
        return self._age_of_look() < FRESH

    def _age_of_look(self) -> timedelta:
        return self.desk.machine.now() - self._looked_at

    def _held_since(self, actions: Sequence[Action]) -> Mapping[str, Stop]:
        """What is held by now, by item: making the pages took a while, and a payment may have been told of."""
        theirs: dict[str, list[Hold]] = {action.customer.id: [] for action in actions}
        with reading(self.desk.engine) as conn:
            for hold in active_holds(conn, self.desk.company):
                theirs.get(hold.customer_id, []).append(hold)
        found = {
            entry.item.id: stop_of_holds(entry.item, theirs[action.customer.id], self.desk.policy, self.as_of)
            for action in actions
            for entry in action.items
        }
        return {key: stop for key, stop in found.items() if stop is not None}

    def _mail_of(self, attempt: Attempt, pages: Pages, held: Mapping[str, Stop], news: ChargeNews) -> Prepared | None:
        """The mail of an attempt, without what must not be asked for. An address that no mail can be sent to ends the attempt as one that a
        server refuses."""
        unpayable = without_a_way(attempt.action, pages, self.desk.policy)
        left = self._without(attempt, _not_to_ask(attempt.action, pages.being_paid, unpayable, held))
        if left is None:
            return None
        ways = self._links.ways(left.action, self.as_of, pages)
        told = news.of_items(entry.item.id for entry in left.action.items)
        try:
            files = attachments_of(self.desk.policy, self.ledger, left.action)
            return Prepared(left, message_of(self.desk, left.action, self.as_of, ways, told, files), told)
        except UnusableAddress as error:
            address = left.action.recipient.email if left.action.recipient else ""
            with self.lease.writing() as conn:
                self._settle(conn, left, Ending(AttemptStatus.REJECTED, detail=str(error), refused_address=address))
            return None

    def _without(self, attempt: Attempt, dropped: Sequence[Skipped]) -> Attempt | None:
        if not dropped:
            return attempt
        fallen = {one.item_id for one in dropped}
        rest = [entry for entry in attempt.action.items if entry.item.id not in fallen]
        self.report.dropped.extend(dropped)
        with self.lease.writing() as conn:
            left = narrowed(attempt.action, rest) if rest else None
            return narrow(conn, self.desk.company, attempt, left, dropped, self.desk.now())

    def _transport(self) -> MailTransport:
        if self._mail is None:
            self._mail = self.desk.open_mail()
        return self._mail

    def _record(self, conn: Connection, ended: tuple[Prepared, Ending] | None) -> None:
        """Settle the attempt of a mail, with what it told of late charges when it was sent."""
        if ended is None:
            return
        ready, ending = ended
        self._settle(conn, ready.attempt, ending)
        if ending.status in _SENT:
            note_told(conn, self.desk, ready.news, self.as_of)

    def _settle(self, conn: Connection, attempt: Attempt, ending: Ending) -> None:
        """Settle an attempt, with what follows from its end: notes to leave in the books, promises that were broken, work for a person."""
        desk = self.desk
        settle(conn, desk.company, attempt, ending, self.as_of, desk.now())
        if ending.status in _SENT:
            if Capability.NOTES in self.ledger.capabilities:
                texts = note_texts(attempt.action, desk.policy, self.as_of)
                queue_notes(conn, desk.company, notes_of(desk.company, attempt, self.as_of, texts))
            end_holds(conn, desk.company, self._broken_promises(conn, attempt.action), "broken", "puntual", desk.now())
        elif ending.status in (AttemptStatus.UNKNOWN, AttemptStatus.REJECTED):
            is_rejected = ending.status is AttemptStatus.REJECTED
            put_on_list(conn, desk.company, _trouble(attempt, ending, self.as_of), desk.now(), once_for_customer=is_rejected)
            self.report.need_a_person.append(attempt.id)
        self.report.endings[ending.status] = self.report.count(ending.status) + 1
        self.report.done.append(attempt)

    def _broken_promises(self, conn: Connection, action: Action) -> list[str]:
        if not any(entry.broken_promise_on for entry in action.items):
            return []
        return [hold.id for hold in active_holds(conn, self.desk.company, action.customer.id) if is_told_broken(hold, action)]

    def _task(self, attempt: Attempt) -> None:
        """Put work for a person on the list; the effect is in our own database, so it is one transaction with its settlement."""
        desk, action = self.desk, attempt.action
        summary, text = task_texts(action, desk.policy)
        with self.lease.writing() as conn:
            work = work_of(action, attempt.id, self.as_of, summary, text)
            put_on_list(conn, desk.company, work, desk.now(), once_for_customer=action.task is TaskKind.NO_ADDRESS)
            if action.task is TaskKind.CALL and Capability.TASKS in self.ledger.capabilities:
                queue_task(conn, desk.company, task_of(desk.company, attempt, self.as_of, summary, text))
            settle(conn, desk.company, attempt, Ending(AttemptStatus.SENT, detail="on the work list"), self.as_of, desk.now())
        self.report.tasks += 1
        self.report.done.append(attempt)


def _not_to_ask(
    action: Action, paying: Mapping[str, str], unpayable: Sequence[ActionItem], held: Mapping[str, Stop] | None = None
) -> list[Skipped]:
    """What must not be asked for: what the customer pays already, what is held by now, what they could not pay, and what their credit
    covers without these."""
    why = {entry.item.id: (SkipReason.NO_PAYMENT_DETAILS, _NO_WAY) for entry in unpayable}
    why |= {key: (stop.reason, stop.detail) for key, stop in (held or {}).items()}
    why |= {key: (SkipReason.BEING_PAID, said) for key, said in paying.items()}
    left = [entry for entry in action.items if entry.item.id not in why]
    if len(left) < len(action.items):
        covered = covered_currencies((entry.item.outstanding for entry in left), action.credits)
        by_credit = (entry for entry in left if entry.item.outstanding.currency in covered)
        why |= {entry.item.id: (SkipReason.COVERED_BY_CREDIT, _COVERED) for entry in by_credit}
    return [skipped_entry(entry, *why[entry.item.id]) for entry in action.items if entry.item.id in why]


def _ending(delivery: Delivery) -> Ending:
    return Ending(AttemptStatus(delivery.status), delivery.vendor_id, delivery.detail, delivery.refused_address)


def _trouble(attempt: Attempt, ending: Ending, as_of: date) -> WorkItem:
    action = attempt.action
    address = action.recipient.email if action.recipient else ""
    if ending.status is AttemptStatus.UNKNOWN:
        summary = f"Nobody knows whether the mail to {action.customer.name} <{address}> was sent"
        text = f"{ending.detail}\nFind out, then say so: puntual resolve COMPANY {attempt.id[:12]} sent | not-sent"
    else:
        summary, text = f"The address {address} of {action.customer.name} refuses mail", ending.detail
    return WorkItem(attempt.id[:12], ending.status.value, action.customer.id, summary, text, as_of)


def batches(actions: Sequence[Action], size: int) -> Iterator[list[Action]]:
    """The actions in portions."""
    rest = iter(actions)
    while batch := list(islice(rest, size)):
        yield batch
