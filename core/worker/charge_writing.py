"""Late charges into the books, each once: its marker is stored before the ledger is asked, and what has no answer is looked for by it.

A statement is one document for what fell due in a month for a customer in a currency; what it is made of is stored with its marker.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import Connection

from ..bookings import ChargeLine, ChargeMade, LateCharge
from ..dunning.charge_facts import ChargeFacts
from ..dunning.charges import stop_of_item
from ..errors import Refused
from ..history.charge_reading import charge_facts
from ..history.charge_rows import ChargeStatus, KeptCharge
from ..history.charges import begin_writing, charges_with, free_writing, remember_amounts, settle_made, settle_refused
from ..history.database import reading
from ..history.read import customers_by_id, due_dates_of
from ..history.work import WorkItem, finish_work, propose, put_on_list
from ..notices.charge_texts import charge_text, statement_text
from ..policy.charge_schema import AfterPayment, Placement
from ..policy.country_pack import Treatment
from ..port import LedgerConnector, chargeable, is_outdated
from ..receivables import Customer, Invoice
from .desk import Desk
from .lease import Lease

BATCH = 20
"""Documents that are written with one call."""


@dataclass(slots=True)
class Written:
    """What stands in the books now, and what the ledger refused, with its reason."""

    made: list[KeptCharge] = field(default_factory=list)
    refused: list[tuple[KeptCharge, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be one entry in the books: a charge, or the charges of a statement. `due_dates` are those of its items."""

    charges: tuple[KeptCharge, ...]
    charge: LateCharge
    due_dates: Mapping[str, date]


def look_up(desk: Desk, ledger: LedgerConnector, lease: Lease, as_of: date) -> Written:
    """What became of the charges that an earlier run was writing: those that stand in the books are settled, the others are to be written
    as if nobody had tried. Raises MustStop."""
    written = Written()
    with reading(desk.engine) as conn:
        begun = _with_tax(desk, charges_with(conn, desk.company, ChargeStatus.WRITING))
        documents = _documents(conn, desk, begun, lambda charge: charge.marker, as_of)
    if not documents:
        return written
    answers = ledger.find_charges([document.charge for document in documents])
    amounts = _with_lines(ledger, answers.values())
    with lease.writing() as conn:
        for document in documents:
            answer = answers.get(document.charge.marker)
            if answer is None:
                free_writing(conn, desk.company, document.charges, desk.now())
            else:
                _settle(conn, desk, document.charges, answer, as_of, written)
        remember_amounts(conn, desk.company, amounts)
    return written


def write_charges(desk: Desk, ledger: LedgerConnector, lease: Lease, as_of: date) -> Written:
    """Write every charge that may be written now. Those that something stops since they were decided on wait. Raises
    MustStop."""
    written = Written()
    with reading(desk.engine) as conn:
        ready = _unstopped(conn, desk, _with_tax(desk, charges_with(conn, desk.company, ChargeStatus.APPROVED)), as_of)
        waiting = _with_tax(desk, charges_with(conn, desk.company, ChargeStatus.WAITING))
        asked = {_statement_of(charge) for charge in waiting if charge.statement}
        ready = [charge for charge in ready if not charge.statement or _statement_of(charge) not in asked]
        documents = _documents(conn, desk, ready, _statement_of, as_of)
    for start in range(0, len(documents), BATCH):
        lease.keep()
        batch = list(_still_owed(desk, ledger, lease, documents[start : start + BATCH], as_of, written))
        _write(desk, ledger, lease, batch, as_of, written)
    return written


def _write(desk: Desk, ledger: LedgerConnector, lease: Lease, batch: Sequence[Document], as_of: date, written: Written) -> None:
    with lease.writing() as conn:
        for document in batch:
            begin_writing(conn, desk.company, document.charges, document.charge.marker, as_of, desk.now())
    answers = ledger.put_charges([document.charge for document in batch])
    amounts = _with_lines(ledger, answers.values())
    with lease.writing() as conn:
        for document in batch:
            if (answer := answers.get(document.charge.marker)) is not None:
                _settle(conn, desk, document.charges, answer, as_of, written)
            else:
                free_writing(conn, desk.company, document.charges, desk.now())
        remember_amounts(conn, desk.company, amounts)


def _with_lines(ledger: LedgerConnector, answers: Iterable[ChargeMade | Refused]) -> tuple[Invoice, ...]:
    """The invoices that bear a line of ours now, as the ledger has them: no charge may be taken on a charge."""
    changed = sorted({answer.document_id for answer in answers if isinstance(answer, ChargeMade) and answer.on_invoice})
    return ledger.recheck(changed).invoices if changed else ()


def _settle(
    conn: Connection, desk: Desk, charges: Sequence[KeptCharge], answer: ChargeMade | Refused, as_of: date, written: Written
) -> None:
    if isinstance(answer, Refused):
        _refuse(conn, desk, charges, answer, as_of, written)
        return
    settle_made(conn, desk.company, charges, answer, desk.now())
    for charge in charges:
        finish_work(conn, desk.company, charge.work_id, "made", "puntual", desk.now())
        written.made.append(replace(charge, status=ChargeStatus.MADE, document_number=answer.number, total=answer.amount))


def _refuse(conn: Connection, desk: Desk, charges: Sequence[KeptCharge], refused: Refused, as_of: date, written: Written) -> None:
    why = " ".join(part for part in (refused.detail, refused.hint) if part)
    settle_refused(conn, desk.company, charges, why, desk.now())
    propose(conn, desk.company, [(str(charge.key), charge.id) for charge in charges], desk.now())
    for charge in charges:
        again = replace(charge, refusals=charge.refusals + 1)
        summary = f"The books did not take the late charge of {charge.amount} on invoice {charge.number}: {why}"
        text = f"Mend it, then: puntual approve {desk.company} {charge.id[:8]}; or: puntual waive {desk.company} {charge.id[:8]} --reason …"
        work = WorkItem(again.work_id, "charge_refused", charge.customer_id, summary, text, as_of, (charge.invoice_id,))
        put_on_list(conn, desk.company, work, desk.now())
        written.refused.append((again, why))


def _still_owed(
    desk: Desk, ledger: LedgerConnector, lease: Lease, documents: Sequence[Document], as_of: date, written: Written
) -> Iterator[Document]:
    """A statement names several invoices, and the ledger looks at one: the others are looked at here, all with one call."""
    several = {charge.invoice_id for document in documents if document.charge.lines for charge in document.charges}
    seen = {invoice.id: invoice for invoice in ledger.recheck(sorted(several)).invoices} if several else {}
    for document in documents:
        alone = {one.key: _alone(one, document) for one in document.charges} if document.charge.lines else {}
        waits = {key for key, charge in alone.items() if is_outdated(charge, seen.get(charge.invoice_id))}
        refused = {key: why for key, charge in alone.items() if key not in waits and (why := _refusal(charge, seen))}
        if not refused and not waits:
            yield document
            continue
        with lease.writing() as conn:
            for charge in document.charges:
                if charge.key in refused:
                    _refuse(conn, desk, [charge], refused[charge.key], as_of, written)
            kept = [charge for charge in document.charges if charge.key not in refused and charge.key not in waits]
            yield from _documents(conn, desk, kept, _statement_of, as_of)


def _alone(charge: KeptCharge, document: Document) -> LateCharge:
    """One of a statement's charges, as if it were a document of its own."""
    one = replace(document.charge, invoice_id=charge.invoice_id, invoice_number=charge.number, amount=charge.amount, lines=())
    return replace(one, counted_from=document.due_dates.get(charge.key.item_id))


def _refusal(charge: LateCharge, seen: Mapping[str, Invoice]) -> Refused | None:
    try:
        chargeable(charge, seen.get(charge.invoice_id))
    except Refused as refused:
        return refused
    return None


def _unstopped(conn: Connection, desk: Desk, charges: Sequence[KeptCharge], as_of: date) -> list[KeptCharge]:
    """Without those whose item is disputed, held, exempt and so on by now."""
    stopped = {facts.item.id for facts in _facts(conn, desk, charges, as_of) if stop_of_item(facts, desk.charge_book, as_of) is not None}
    return [charge for charge in charges if charge.key.item_id not in stopped]


def _facts(conn: Connection, desk: Desk, charges: Sequence[KeptCharge], as_of: date) -> Iterator[ChargeFacts]:
    return charge_facts(conn, desk.company, sorted({charge.key.item_id for charge in charges}), desk.rulebook, as_of)


# From charges to documents


def _with_tax(desk: Desk, charges: Iterable[KeptCharge]) -> list[KeptCharge]:
    """Those of which nobody asked yet whether tax is due on them, by the policy and the law as they are now."""
    return [charge if charge.is_taxed is not None else replace(charge, is_taxed=_is_taxed(desk, charge)) for charge in charges]


def _is_taxed(desk: Desk, charge: KeptCharge) -> bool:
    return desk.policy.late_charges is not None and desk.charge_book.tax(charge.calculation.kind) is Treatment.FOLLOWS_SUPPLY


def _statement_of(charge: KeptCharge) -> str:
    """What goes into one document: a charge by itself, or the charges of a customer, month and currency that are taxed alike."""
    if not charge.statement:
        return str(charge.key)
    return f"{charge.customer_id}|{charge.statement}|{charge.amount.currency}|{charge.is_taxed}"


def _documents(
    conn: Connection, desk: Desk, charges: Sequence[KeptCharge], together: Callable[[KeptCharge], str], as_of: date
) -> list[Document]:
    customers = customers_by_id(conn, desk.company, sorted({charge.customer_id for charge in charges}))
    due_dates = due_dates_of(conn, desk.company, sorted({charge.key.item_id for charge in charges}))
    groups: dict[str, list[KeptCharge]] = defaultdict(list)
    for charge in charges:
        groups[together(charge)].append(charge)
    return [_document(desk, sorted(some, key=_order), customers, due_dates, as_of) for _, some in sorted(groups.items())]


def _order(charge: KeptCharge) -> tuple[str, date, str]:
    return charge.number, charge.first, str(charge.key)


def _document(
    desk: Desk, charges: Sequence[KeptCharge], customers: Mapping[str, Customer], due_dates: Mapping[str, date], as_of: date
) -> Document:
    first, customer = charges[0], customers[charges[0].customer_id]
    lines = [ChargeLine(charge_text(one.calculation, one.number, customer, desk.policy), one.amount) for one in charges]
    title = statement_text(first.statement, customer, desk.policy) if len(charges) > 1 else lines[0].text
    charged_on = first.charged_on or as_of
    written = LateCharge(
        marker=first.marker or marker_of(charges),
        invoice_id=first.invoice_id,
        invoice_number=first.number,
        customer_id=first.customer_id,
        amount=sum((one.amount for one in charges[1:]), start=first.amount),
        text=title,
        charged_on=charged_on,
        due_on=desk.charge_book.payable_on(charged_on),
        on_invoice=first.placement is Placement.LINE,
        survives_payment=desk.charge_book.settings.after_payment is AfterPayment.KEEP,
        is_taxed=bool(first.is_taxed),
        counted_from=due_dates.get(first.key.item_id) if len(charges) == 1 else None,
        lines=tuple(lines) if len(charges) > 1 else (),
    )
    return Document(tuple(charges), written, due_dates)


def marker_of(charges: Sequence[KeptCharge]) -> str:
    """Our mark in the books for a document with these charges: the same whenever it is made of the same."""
    names = sorted(charge.id for charge in charges)
    return "puntual:" + (names[0] if len(names) == 1 else hashlib.sha256("|".join(names).encode()).hexdigest()[:16])
