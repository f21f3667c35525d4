"""Rows of Toy Books as values of core.receivables. Pure: no clock, no network. Amounts are texts such as "12.50"."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from puntual.core.bookings import ChargeMade, ExpectedPayment, LateCharge, PaymentReceived, PaymentRecorded, our_marks
from puntual.core.money import Money
from puntual.core.port import Cursor, Page, RowProblem
from puntual.core.receivables import (
    Allocation,
    Contact,
    ContactRole,
    CreditKind,
    CreditNote,
    Customer,
    DocumentStatus,
    EarlyDiscount,
    Instalment,
    Invoice,
    Payment,
    UnappliedCredit,
)

Row = Mapping[str, Any]

_STATES = {
    "draft": DocumentStatus.DRAFT,
    "open": DocumentStatus.OPEN,
    "void": DocumentStatus.VOID,
    "deleted": DocumentStatus.DELETED,
}
_KINDS = {"payment": CreditKind.PAYMENT, "credit": CreditKind.CREDIT_NOTE}
_LATE_FEE = re.compile(r"\blate (fee|charge|interest)", re.IGNORECASE)


def customer(row: Row) -> Customer:
    """A customer with the people who work there."""
    people = tuple(Contact(each["id"], each["name"], each["email"], role=ContactRole(each["role"])) for each in row["people"])
    return Customer(row["id"], row["name"], row["email"], language=row["language"], country=row["country"],
                    parent_id=row["parent"], contacts=people)  # fmt: skip


def invoice(row: Row) -> Invoice:
    """An invoice; it has one due date. What is settled in full is PAID, whatever its state says."""
    total, due = Money.of(row["total"], row["currency"]), Money.of(row["due"], row["currency"])
    status = _STATES[row["state"]]
    return Invoice(
        id=row["id"],
        number=row["number"],
        customer_id=row["customer"],
        issued_on=date.fromisoformat(row["date"]),
        instalments=(Instalment(1, date.fromisoformat(row["due_date"]), total, due),),
        status=DocumentStatus.PAID if status is DocumentStatus.OPEN and not due.is_positive else status,
        contact_id=row["person"],
        version=str(row["change"]),
        is_late_charge=bool(our_marks(row["memo"])),
        ledger_late_fee=_foreign_late_fee(row["lines"]),
        early_discount=_early_discount(row),
    )


def _early_discount(row: Row) -> EarlyDiscount | None:
    """What the terms grant for paying early; Toy Books says the day and the amount."""
    terms = row["discount"]
    return EarlyDiscount(date.fromisoformat(terms["until"]), Money.of(terms["amount"], row["currency"])) if terms else None


def readable_invoices(rows: Sequence[Row]) -> Iterator[Invoice]:
    """Without those that cannot be read: `page` tells people of them, and what is missing from a recheck is not chased."""
    for row in rows:
        with suppress(ValueError):
            yield invoice(row)


def _foreign_late_fee(lines: Sequence[Row]) -> str:
    """The text of a line that charges lateness and is not ours."""
    return next((line["text"] for line in lines if _LATE_FEE.search(line["text"]) and not our_marks(line["text"])), "")


def payment(row: Row) -> Payment:
    """Money received."""
    amount, rest = Money.of(row["amount"], row["currency"]), Money.of(row["rest"], row["currency"])
    return Payment(row["id"], row["customer"], date.fromisoformat(row["date"]), amount, rest, status=_STATES[row["state"]])


def credit_note(row: Row) -> CreditNote:
    """A reduction."""
    amount, rest = Money.of(row["amount"], row["currency"]), Money.of(row["rest"], row["currency"])
    on = date.fromisoformat(row["date"])
    return CreditNote(row["id"], row["number"], row["customer"], on, amount, rest, _STATES[row["state"]])


def allocations(row: Row) -> Iterator[Allocation]:
    """What was used on an invoice, all of it."""
    for used in row["uses"]:
        on, amount = date.fromisoformat(used["date"]), Money.of(used["amount"], row["currency"])
        yield Allocation(used["id"], row["id"], used["source"], _KINDS[used["kind"]], amount, on)


def unapplied(row: Row) -> UnappliedCredit:
    """The rest of a payment or credit note."""
    kind, rest = _KINDS[row["kind"]], Money.of(row["rest"], row["currency"])
    return UnappliedCredit(row["id"], row["customer"], kind, rest, row["number"], date.fromisoformat(row["date"]))


def page(said: Row, cursor: Cursor, *, starts_pass: bool, ends_pass: bool) -> Page:
    """A page of changes. A document that cannot be read is told to people, and the others are read all the same."""
    kinds: dict[str, list[Any]] = {"invoice": [], "payment": [], "credit": []}
    used: list[Allocation] = []
    problems: list[RowProblem] = []
    makers = {"invoice": invoice, "payment": payment, "credit": credit_note}
    for row in said["documents"]:
        try:
            made = makers[row["kind"]](row)
            used += allocations(row) if row["kind"] == "invoice" else ()
        except ValueError as unreadable:
            problems.append(RowProblem(f"{row['kind']} {row['id']} in Toy Books", f"cannot be read: {unreadable}. Correct it there."))
            continue
        kinds[row["kind"]].append(made)
    return Page(
        cursor,
        customers=tuple(customer(row) for row in said["customers"]),
        invoices=tuple(kinds["invoice"]),
        payments=tuple(kinds["payment"]),
        credit_notes=tuple(kinds["credit"]),
        allocations=tuple(used),
        problems=tuple(problems),
        allocations_known_of=tuple(read.id for read in kinds["invoice"]),
        starts_pass=starts_pass,
        ends_pass=ends_pass,
    )


# --- late charges -------------------------------------------------------------------------------------------------------------


def marked_text(charge: LateCharge) -> str:
    """The text of a line of ours."""
    return f"{charge.text} [{charge.marker}]"


def charge_line(charge: LateCharge, tax: str) -> Row:
    """The charge as a line on the invoice. Toy Books takes no tax for no tax, and would else take its default."""
    return {"text": marked_text(charge), "amount": str(charge.amount.amount), "tax": tax}


def charge_document(charge: LateCharge, tax: str) -> Row:
    """The charge as an invoice of its own."""
    return {
        "customer": charge.customer_id,
        "currency": charge.amount.currency,
        "date": charge.charged_on.isoformat(),
        "due_date": charge.due_on.isoformat(),
        "memo": f"For invoice {charge.invoice_number} [{charge.marker}]",
        "lines": [{"text": line.text, "amount": str(line.amount.amount), "tax": tax} for line in charge.itemised],
    }


def charge_in(row: Row, marker: str) -> ChargeMade | None:
    """The charge with this very marker on an invoice, or as this document; None when there is none."""
    if marker in our_marks(row["memo"]):
        return ChargeMade(marker, row["id"], row["number"], on_invoice=False, amount=Money.of(row["total"], row["currency"]))
    amounts = [line["with_tax"] for line in row["lines"] if marker in our_marks(line["text"])]
    return ChargeMade(marker, row["id"], row["number"], on_invoice=True, amount=Money.of(amounts[0], row["currency"])) if amounts else None


# --- payments by a pay link ---------------------------------------------------------------------------------------------------


def payment_order(received: PaymentReceived, account: str) -> Row:
    """The payment, used on its invoice, with the provider's own id and our mark in its memo."""
    return {
        "invoice": received.invoice_id,
        "date": received.received_on.isoformat(),
        "amount": str(received.amount.amount),
        "account": account,
        "memo": f"{received.reference} [{received.marker}]",
    }


def payment_in(row: Row, marker: str) -> PaymentRecorded | None:
    """The payment with this very marker, void or not; None when it is another."""
    if marker not in our_marks(row["memo"]):
        return None
    return PaymentRecorded(marker, row["id"], row["number"], Money.of(row["amount"], row["currency"]))


def is_someone_elses(day: str, expected: ExpectedPayment) -> bool:
    """Whether a day that is to be taken away was put there by a person."""
    if expected.expected_on is not None or expected.ours is None or not day:
        return False
    return date.fromisoformat(day) not in expected.ours
