"""sync: pull what changed in the ledger since the cursor; rows and cursor in one transaction."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, update

from ..dunning.guard import alarm_of_vanished
from ..errors import GuardStopped
from ..history.audit import append
from ..history.books import close_vanished, cursor_of, ensure_company, kept_promises, note_synced, store_page, vanished_in_pass
from ..history.charge_marks import mark_everything
from ..history.database import reading, writing
from ..history.discount_marks import mark_all_part_paid
from ..history.read import open_customer_ids, rules_judged_by
from ..history.tables import companies
from ..history.tombstones import names_wanted, names_were_looked_for
from ..history.waking import wake
from ..history.warnings import end_warnings, note_warnings
from ..port import LedgerConnector, Page, RowProblem
from ..receivables import DocumentStatus
from .desk import Desk
from .lease import Lease

FEES_OF_THE_LEDGER = (
    "Some open invoices bear late fees that are not Puntual's, so Puntual adds no late charge to them; "
    "let only one of the two charge for lateness: switch it off in the ledger or in the policy."
)


@dataclass(slots=True)
class SyncReport:
    """What a sync read. `warnings` are those that nobody was told of before; `told_in_pass` is all that the complete pass under way warned
    of, None when none was begun."""

    documents: int = 0
    settled: int = 0
    vanished: int = 0
    kept_promises: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    told_in_pass: set[str] | None = None


def sync(
    desk: Desk,
    ledger: LedgerConnector,
    as_of: date,
    *,
    confirmed: bool = False,
    complete: bool = False,
    report: SyncReport | None = None,
    lease: Lease | None = None,
) -> SyncReport:
    """Read the ledger's changes into the history. `complete` reads everything that is open, whatever the cursor says. What was read when
    something stops the reading stands in the `report` that was given. A page is stored only while the company is ours by the `lease`.

    Raises GuardStopped when most open items vanish without being paid, unless `confirmed`; then nothing of that reading counts. Raises
    MustStop.
    """
    report = report if report is not None else SyncReport()
    judge_from(desk, as_of)
    with reading(desk.engine) as conn:
        cursor = cursor_of(conn, desk.company)
        complete = complete or names_wanted(conn, desk.company)
    try:
        for page in ledger.sweep() if complete else ledger.changes(cursor):
            _store(desk, page, as_of, confirmed, report, lease)
            desk.breathe()
    except GuardStopped as stopped:
        with writing(desk.engine) as conn:
            append(conn, desk.company, desk.now(), [("guard", {"confirmed": False, "alarms": [stopped.detail]})])
        raise
    with writing(desk.engine) as conn:
        note_synced(conn, desk.company, desk.now())
        facts = {"documents": report.documents, "settled": report.settled, "vanished": report.vanished}
        facts |= {"problems": len(report.problems), "kept_promises": report.kept_promises}
        if any(facts.values()):
            append(conn, desk.company, desk.now(), [("synced", facts)])
    return report


def replan_when_rules_changed(desk: Desk, as_of: date) -> int:
    """When the policy's rules changed, compute anew when each open item has something due; also when items were judged from a later day
    than `as_of` (somebody tried out a day to come), because what is past by then may still be ahead. Returns how many customers were
    looked at."""
    rules = rules_fingerprint(desk)
    return _replan(desk, rules, as_of) if _is_outdated(_judged_by(desk), rules, as_of) else 0


def _is_outdated(judged_by: str, rules: str, as_of: date) -> bool:
    known, _, judged_from = judged_by.partition("@")
    return known != rules or judged_from > as_of.isoformat()


def _replan(desk: Desk, rules: str, as_of: date) -> int:
    looked_at = sum(_wake_batch(desk, ids, as_of) for ids in _batches(desk))
    with writing(desk.engine) as conn:
        _remember(conn, desk.company, rules, as_of)
        mark_everything(conn, desk.company)
        mark_all_part_paid(conn, desk.company)
        append(conn, desk.company, desk.now(), [("rules_changed", {"customers": looked_at})])
    return looked_at


def judge_from(desk: Desk, as_of: date) -> None:
    """To be called before anything is judged and stored on `as_of`, so that an earlier day is judged anew later."""
    rules, judged_by = rules_fingerprint(desk), _judged_by(desk)
    if judged_by == _stamp(rules, as_of):
        return
    if _is_outdated(judged_by, rules, as_of):
        _replan(desk, rules, as_of)
    else:
        with writing(desk.engine) as conn:
            _remember(conn, desk.company, rules, as_of)


def _judged_by(desk: Desk) -> str:
    """By which rules and from which day the items were judged last; it costs no writing when the company is known."""
    with reading(desk.engine) as conn:
        if (known := rules_judged_by(conn, desk.company)) is not None:
            return known
    with writing(desk.engine) as conn:
        ensure_company(conn, desk.company)
        return rules_judged_by(conn, desk.company) or ""


def _stamp(rules: str, as_of: date) -> str:
    return f"{rules}@{as_of}"


def _remember(conn: Connection, company: str, rules: str, as_of: date) -> None:
    conn.execute(update(companies).where(companies.c.company == company).values(rules_fingerprint=_stamp(rules, as_of)))


def rules_fingerprint(desk: Desk) -> str:
    """A hash of the parts of the policy that say when something is due, and of the law that its late charges stand under."""
    rules = {"procedures", "default_procedure", "customers", "tolerance", "go_live", "promises", "late_charges"}
    rules |= {"early_payment_discount"}
    text = desk.policy.model_dump_json(include=rules) + desk.law_of_charges
    return hashlib.sha256(text.encode()).hexdigest()[:48]


def _batches(desk: Desk) -> Iterator[list[str]]:
    with reading(desk.engine) as conn:
        yield from open_customer_ids(conn, desk.company)


def _wake_batch(desk: Desk, ids: list[str], as_of: date) -> int:
    with writing(desk.engine) as conn:
        wake(conn, desk.company, ids, desk.rulebook, as_of)
    return len(ids)


def _store(desk: Desk, page: Page, as_of: date, confirmed: bool, report: SyncReport, lease: Lease | None) -> None:
    with lease.writing() if lease is not None else writing(desk.engine) as conn:
        stored = store_page(conn, desk.company, page, desk.rulebook, as_of)
        if page.ends_pass:
            names_were_looked_for(conn, desk.company)
            report.vanished += _close_vanished(conn, desk, confirmed)
        kept = kept_promises(conn, desk.company, stored.settled, desk.now())
        wake(conn, desk.company, sorted({promise.customer_id for promise in kept}), desk.rulebook, as_of)
        _note_warnings(conn, desk, page, as_of, report)
    report.kept_promises += len(kept)
    report.documents += stored.documents
    report.settled += len(stored.settled)
    report.problems.extend(page.problems)


def _note_warnings(conn: Connection, desk: Desk, page: Page, as_of: date, report: SyncReport) -> None:
    """What the page warns of is told once; what a whole pass no longer says is over."""
    told = warnings_of(page)
    report.warnings += note_warnings(conn, desk.company, told, as_of, desk.now())
    if page.starts_pass:
        report.told_in_pass = set()
    if report.told_in_pass is not None:
        report.told_in_pass.update(told)
        if page.ends_pass:
            end_warnings(conn, desk.company, report.told_in_pass, desk.now())
            report.told_in_pass = None


def warnings_of(page: Page) -> tuple[str, ...]:
    """What a page warns of: in the connector's words, and what its invoices show."""
    bears_fee = any(invoice.ledger_late_fee and invoice.status is DocumentStatus.OPEN for invoice in page.invoices)
    return (*page.warnings, FEES_OF_THE_LEDGER) if bears_fee else page.warnings


def _close_vanished(conn: Connection, desk: Desk, confirmed: bool) -> int:
    alarm = alarm_of_vanished(*vanished_in_pass(conn, desk.company))
    if alarm is not None and not confirmed:
        raise GuardStopped(alarm.what[0].upper() + alarm.what[1:], hint=f"To go on: {alarm.how_to_proceed}")
    return close_vanished(conn, desk.company)
