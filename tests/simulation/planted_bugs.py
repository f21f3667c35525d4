"""Mistakes that are planted into the worker, to see that the oracle finds them. Each takes away one of the things that keep a notice or a
charge from going out twice, wrongly or after all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from puntual.core import port
from puntual.core.channels.port import DeliveryStatus
from puntual.core.dunning import charge_periods, charges, levels, plan
from puntual.core.history import attempts
from puntual.core.history.attempts import AttemptStatus, Ending
from puntual.core.payment_links.stripe_links import StripeLinks
from puntual.core.worker import act, charge_writing, charging, lease, run, write_back
from puntual.core.worker.act import Acting
from puntual.core.worker.links import Links


@contextmanager
def settle_before_act() -> Iterator[None]:
    """A mail counts as sent before it is: when the process dies in between, nobody ever hears."""
    real = attempts.begin

    def begin(conn: Any, company: str, attempt: Any) -> None:
        real(conn, company, attempt)
        attempts.settle(conn, company, attempt, Ending(AttemptStatus.SENT), attempt.action.due_on, _settled_at(conn, company, attempt))

    with patch.object(act, "begin", begin):
        yield


def _settled_at(conn: Any, company: str, attempt: Any) -> Any:
    from puntual.core.history.tables import attempts as rows
    from sqlalchemy import select

    return conn.execute(select(rows.c.claimed_at).where(rows.c.company == company, rows.c.attempt_id == attempt.id)).scalar_one()


@contextmanager
def claim_without_unique_key() -> Iterator[None]:
    """Two runs may claim the same level of an item. The lease would keep a second run from coming so far, so that is ignored, too: alone it
    leads to nothing that is sent twice."""
    real = attempts._item_rows

    def rows(company: str, attempt: Any) -> Any:
        for row in real(company, attempt):
            yield {**row, "claim_key": f"{row['claim_key']}|{attempt.id}"}

    with lease_ignored(), patch.object(attempts, "_item_rows", rows):
        yield


@contextmanager
def resend_on_unknown() -> Iterator[None]:
    """What may have been sent is taken for not sent."""
    real = act._ending

    def ending(delivery: Any) -> Ending:
        return real(delivery._replace(status=DeliveryStatus.FAILED) if delivery.status is DeliveryStatus.UNKNOWN else delivery)

    with patch.object(act, "_ending", ending):
        yield


@contextmanager
def recover_as_free() -> Iterator[None]:
    """After a crash, what was being sent is taken for not sent."""
    real = attempts.recover

    def recover(conn: Any, company: str, at: Any) -> list[str]:
        for attempt_id in real(conn, company, at):
            attempts.resolve_unknown(conn, company, attempt_id, False, "nobody", at)
        return []

    with patch.object(run, "recover", recover):
        yield


@contextmanager
def recheck_skipped() -> Iterator[None]:
    """The plan is carried out without a last look."""
    with patch.object(Acting, "_recheck", lambda self, claimed: list(claimed)):
        yield


@contextmanager
def recheck_without_holds() -> Iterator[None]:
    """The last look is at the books only, not at what people said meanwhile."""
    with patch.object(act, "active_holds", lambda *_: []):
        yield


@contextmanager
def sleepers_send() -> Iterator[None]:
    """Who slept after a mail was begun hands it over without another thought."""
    with patch.object(Acting, "_make_sure", lambda self: None):
        yield


@contextmanager
def lease_ignored() -> Iterator[None]:
    """Whoever comes has the company, and keeps it."""
    with patch.object(lease, "take_lease", lambda *_: ""), patch.object(lease, "renew_lease", lambda *_: True):
        yield


@contextmanager
def charge_key_forgotten() -> Iterator[None]:
    """A charge whose answer was lost is written again, under another marker."""
    marker = charge_writing.marker_of

    def marked(these: Sequence[Any]) -> str:
        return f"{marker(these)}-{next(_numbers)}"

    _numbers = iter(range(1_000_000))
    with patch.object(charge_writing, "marker_of", marked), patch.object(charging, "look_up", _looked_up_as_new):
        yield


def _looked_up_as_new(desk: Any, *_: Any) -> Any:
    """What was being written is to be written, as if nobody had: under another marker."""
    from puntual.core.history.charge_rows import ChargeStatus
    from puntual.core.history.database import writing
    from puntual.core.history.tables import late_charges
    from sqlalchemy import update

    with writing(desk.engine) as conn:
        c = late_charges.c
        begun = (c.company == desk.company, c.status == ChargeStatus.WRITING.value)
        conn.execute(update(late_charges).where(*begun).values(status=ChargeStatus.APPROVED.value, marker=""))
    return charge_writing.Written()


@contextmanager
def notes_without_looking() -> Iterator[None]:
    """A note is written without looking for its marker first."""
    from worker.memory_ledger import MemoryLedger

    with patch.object(MemoryLedger, "_find_notes", lambda *_: {}):
        yield


@contextmanager
def old_amount() -> Iterator[None]:
    """What is asked for is what the plan knew."""
    real = act.judge_again

    def judged(action: Any, *more: Any) -> Any:
        found = real(action, *more)
        known = {entry.item.id: entry for entry in action.items}
        kept = found.action and replace(found.action, items=tuple(known[entry.item.id] for entry in found.action.items))
        return replace(found, action=kept)

    with patch.object(act, "judge_again", judged):
        yield


@contextmanager
def wish_forgotten() -> Iterator[None]:
    """A webhook counts as granted by a reading that began before it."""
    from puntual.core.hosting import work

    with patch.object(work, "grant_wish", lambda conn, company, _: work.set_state(conn, company, wished_at=None)):
        yield


@contextmanager
def trail_forgotten() -> Iterator[None]:
    """What was sent is not written into the audit trail."""
    real = attempts.append

    def append(conn: Any, company: str, at: Any, entries: Any) -> None:
        real(conn, company, at, [entry for entry in entries if entry[0] != "sent"])

    with patch.object(attempts, "append", append):
        yield


@contextmanager
def charge_on_paid() -> Iterator[None]:
    """A charge that was decided on is written, whatever the ledger says of its invoice by now."""
    with patch.object(port, "chargeable", lambda _, invoice: invoice):
        yield


@contextmanager
def charge_on_held() -> Iterator[None]:
    """What people said, and a dispute in the books, keep from mails and not from charges."""
    with patch.object(charges, "stop_of_holds", lambda *_: None):
        yield


@contextmanager
def charge_too_early() -> Iterator[None]:
    """A late charge falls due when the invoice does."""
    with patch.object(charges, "first_late_day", _due), patch.object(charge_periods, "first_late_day", _due):
        yield


def _due(_: Any, facts: Any, __: Any) -> Any:
    return facts.item.due_date


@contextmanager
def approval_ignored() -> Iterator[None]:
    """What waits for a person's yes goes out."""
    with patch.object(run, "waits_for_approval", lambda *_: False):
        yield


@contextmanager
def credits_without_looking() -> Iterator[None]:
    """A credit whose answer was lost is made again."""

    def put(self: Any, wanted: Sequence[Any]) -> Any:
        return {credit.marker: self._credited(credit) for credit in wanted}

    with patch.object(port.LedgerConnector, "put_credits", put):
        yield


@contextmanager
def payments_without_looking() -> Iterator[None]:
    """A payment whose answer was lost is recorded again."""

    def put(self: Any, payments: Sequence[Any]) -> Any:
        return {payment.marker: self._recorded(payment) for payment in payments}

    with patch.object(port.LedgerConnector, "put_payments", put):
        yield


@contextmanager
def expected_day_left() -> Iterator[None]:
    """The day on which payment is expected stays in the books when the promise is over."""
    real = write_back.to_tell

    def tell(*known: Any) -> Any:
        told, forget = real(*known)
        return [one for one in told if one.expected_on], forget

    with patch.object(write_back, "to_tell", tell):
        yield


@contextmanager
def level_too_early() -> Iterator[None]:
    """Each level of a ladder is due a day early."""
    real = levels.next_step

    def step(*facts: Any) -> Any:
        found = real(*facts)
        return replace(found, due_on=found.due_on - timedelta(days=1))

    with patch.object(plan, "next_step", step):
        yield


@contextmanager
def payers_asked_again() -> Iterator[None]:
    """Nobody looks whether an earlier page was paid on."""
    with patch.object(StripeLinks, "_forbid_second_payment", lambda *_: None):
        yield


@contextmanager
def payers_called() -> Iterator[None]:
    """A person is asked to call about what is being paid on its page."""
    with patch.object(Links, "being_paid", lambda *_: {}):
        yield


@contextmanager
def earlier_page_left() -> Iterator[None]:
    """A page is made for the new amount, and the one for the old amount stays."""
    with patch.object(StripeLinks, "_end", lambda *_: None):
        yield


@contextmanager
def pages_never_ended() -> Iterator[None]:
    """A page stays when nothing is owed any more."""
    with patch.object(Links, "_end", lambda *_: 0):
        yield


PLANTED: dict[str, Callable[[], Any]] = {
    bug.__name__: bug
    for bug in (
        settle_before_act, claim_without_unique_key, resend_on_unknown, recover_as_free, recheck_skipped, recheck_without_holds,
        sleepers_send, lease_ignored, charge_key_forgotten, notes_without_looking, old_amount, wish_forgotten, trail_forgotten,
        charge_on_paid, charge_on_held, charge_too_early, approval_ignored, credits_without_looking, payments_without_looking,
        expected_day_left, level_too_early, payers_asked_again, payers_called, earlier_page_left, pages_never_ended,
    )
}  # fmt: skip
