"""act: claim, recheck, begin, one effect, settle. In that order, so that nothing is sent twice whatever dies in between."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from email.message import EmailMessage
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ..channels.addresses import UnusableAddress
from ..channels.email import compose
from ..channels.port import Delivery, MailTransport
from ..dunning.facts import Action, ActionKind, Hold, Skipped, TaskKind
from ..dunning.forecast import is_told_broken
from ..dunning.recheck import Rechecked, judge_again
from ..errors import BrokenInvariant, PuntualError
from ..history.attempts import Attempt, AttemptStatus, Ending, abandon_claims, begin, claim, narrow, settle
from ..history.database import reading, writing
from ..history.holds import active_holds, end_holds
from ..history.waking import wake
from ..history.work import WorkItem, put_on_list, queue_notes, queue_task
from ..notices.books import note_texts, task_texts
from ..notices.context import build_context
from ..notices.render import Rendered
from ..payment_links.ledger_page import ledger_pages
from ..policy.schema import PaymentPage
from ..port import Capability, LedgerConnector, Recheck
from ..receivables import Invoice, UnappliedCredit
from .desk import Desk
from .envelope import attachments_of, envelope_of
from .write_back import notes_of, task_of, work_of

BATCH = 50
"""Actions that are claimed and rechecked together: one call to the ledger for all of them."""


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

    def __init__(self, desk: Desk, ledger: LedgerConnector, run_id: str, as_of: date) -> None:
        self.desk = desk
        self.ledger = ledger
        self.run_id = run_id
        self.as_of = as_of
        self.report = ActReport()
        self._mail: MailTransport | None = None

    def act(self, actions: Sequence[Action], on_each: Callable[[], Any], still_ours: Callable[[], None]) -> ActReport:
        """Carry out the actions in batches. `on_each` is called after each; `still_ours` raises when another run took the company."""
        try:
            for batch in batches(actions, BATCH):
                still_ours()
                self._batch(batch, on_each)
        finally:
            self._leave()
        return self.report

    def _leave(self) -> None:
        """Close the mail connection, and free what was claimed and not begun when something stopped the run."""
        if self._mail is not None:
            self._mail.close()
        with writing(self.desk.engine) as conn:
            abandon_claims(conn, self.desk.company, self.run_id, self.desk.now())

    def _batch(self, actions: Sequence[Action], on_each: Callable[[], Any]) -> None:
        kept = self._recheck(self._claim(actions))
        for attempt in kept:
            if attempt.action.kind is ActionKind.TASK:
                self._task(attempt)
                on_each()
        self._send([ready for attempt in kept if attempt.action.kind is ActionKind.NOTICE and (ready := self._prepared(attempt))], on_each)
        with writing(self.desk.engine) as conn:
            customers = sorted({action.customer.id for action in actions})
            wake(conn, self.desk.company, customers, self.desk.rulebook, self.as_of)

    def _claim(self, actions: Sequence[Action]) -> list[Attempt]:
        with writing(self.desk.engine) as conn:
            claimed, lost = claim(conn, self.desk.company, self.run_id, actions, self.as_of, self.desk.now())
        self.report.dropped.extend(lost)
        return claimed

    def _recheck(self, claimed: Sequence[Attempt]) -> list[Attempt]:
        """Read the items again from the ledger itself, and keep what still holds."""
        if not claimed:
            return []
        invoice_ids = list(dict.fromkeys(entry.item.invoice_id for attempt in claimed for entry in attempt.action.items))
        seen = self.ledger.recheck(invoice_ids)
        with reading(self.desk.engine) as conn:
            holds = active_holds(conn, self.desk.company)
        invoices = {invoice.id: invoice for invoice in seen.invoices}
        kept: list[Attempt] = []
        with writing(self.desk.engine) as conn:
            for attempt in claimed:
                judged = self._judge(attempt, invoices, seen, holds)
                self.report.dropped.extend(judged.dropped)
                narrowed = narrow(conn, self.desk.company, attempt, judged.action, judged.dropped, self.desk.now())
                kept.extend([narrowed] if narrowed else [])
        return kept

    def _judge(self, attempt: Attempt, invoices: Mapping[str, Invoice], seen: Recheck, holds: Sequence[Hold]) -> Rechecked:
        customer_id = attempt.action.customer.id
        unapplied: tuple[UnappliedCredit, ...] | None = None
        if seen.knows_credits:
            unapplied = tuple(credit for credit in seen.credits if credit.customer_id == customer_id)
        theirs = tuple(hold for hold in holds if hold.customer_id == customer_id)
        return judge_again(attempt.action, invoices, unapplied, theirs, self.desk.policy, self.as_of)

    def _send(self, prepared: Sequence[tuple[Attempt, EmailMessage]], on_each: Callable[[], Any]) -> None:
        """Begin, send, settle, one after the other. The end of one and the beginning of the next are one transaction: one write a mail."""
        ended: tuple[Attempt, Ending] | None = None
        try:
            for attempt, message in prepared:
                with writing(self.desk.engine) as conn:
                    self._record(conn, ended)
                    begin(conn, self.desk.company, attempt)
                ended = (attempt, Ending(AttemptStatus.UNKNOWN, detail="the run was interrupted while this was being sent"))
                try:
                    ended = (attempt, _ending(self._transport().deliver(message)))
                except PuntualError as error:
                    ended = (attempt, Ending(AttemptStatus.FAILED, detail=str(error)))
                    raise
                on_each()
        finally:
            with writing(self.desk.engine) as conn:
                self._record(conn, ended)

    def _prepared(self, attempt: Attempt) -> tuple[Attempt, EmailMessage] | None:
        """The message of an attempt; an address that no mail can be sent to ends the attempt as one that a server refuses."""
        try:
            return attempt, self._message(attempt)
        except UnusableAddress as error:
            address = attempt.action.recipient.email if attempt.action.recipient else ""
            with writing(self.desk.engine) as conn:
                self._record(conn, (attempt, Ending(AttemptStatus.REJECTED, detail=str(error), refused_address=address)))
            return None

    def _message(self, attempt: Attempt) -> EmailMessage:
        files = attachments_of(self.desk.policy, self.ledger, attempt.action)
        rendered = render_notice(self.desk, self.ledger, attempt.action, self.as_of, files.keys())
        return compose(rendered, **envelope_of(self.desk, attempt.action), attachments=tuple(files.values()))

    def _transport(self) -> MailTransport:
        if self._mail is None:
            self._mail = self.desk.open_mail()
        return self._mail

    def _record(self, conn: Connection, ended: tuple[Attempt, Ending] | None) -> None:
        """Settle an attempt, with what follows from its end: notes to leave in the books, promises that were broken, work for a person."""
        if ended is None:
            return
        attempt, ending = ended
        desk = self.desk
        settle(conn, desk.company, attempt, ending, self.as_of, desk.now())
        if ending.status in (AttemptStatus.SENT, AttemptStatus.QUEUED):
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
        with writing(desk.engine) as conn:
            work = work_of(action, attempt.id, self.as_of, summary, text)
            put_on_list(conn, desk.company, work, desk.now(), once_for_customer=action.task is TaskKind.NO_ADDRESS)
            if action.task is TaskKind.CALL and Capability.TASKS in self.ledger.capabilities:
                queue_task(conn, desk.company, task_of(desk.company, attempt, self.as_of, summary, text))
            settle(conn, desk.company, attempt, Ending(AttemptStatus.SENT, detail="on the work list"), self.as_of, desk.now())
        self.report.tasks += 1
        self.report.done.append(attempt)


def render_notice(desk: Desk, ledger: LedgerConnector | None, action: Action, as_of: date, attached: Collection[str] = ()) -> Rendered:
    """The words of a notice, with the ledger's pay page where the policy wants it. Without `ledger` only pages that are known are used.

    `attached` are the ids of the invoices whose PDF goes along.
    """
    if action.notice is None:
        raise BrokenInvariant(f"action {action.key} has no notice to render")
    context = build_context(action, desk.policy, as_of, _pages(desk, ledger, action), attached=frozenset(attached))
    return desk.renderer.render(context, action.notice, action.language)


def _pages(desk: Desk, ledger: LedgerConnector | None, action: Action) -> dict[str, str]:
    if PaymentPage.LEDGER not in desk.policy.payment_links:
        return {}
    can_make = ledger is not None and Capability.PAYMENT_PAGE in ledger.capabilities
    return ledger_pages(action, ledger.payment_pages if ledger is not None and can_make else None)


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
