"""Taking late charges back that stand in the books: they count no longer, and what they come to there is to be credited, once."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from ..history.charge_rows import KeptCharge
from ..history.charges import charges_beside, reverse
from ..history.credits import CreditFor, KeptCredit, credit_marker, want_credits
from ..history.read import customers_by_id, is_owed
from ..money import Money
from ..notices.reversal_texts import reversal_text
from .desk import Desk


def take_back(
    conn: Connection, desk: Desk, charge: KeptCharge, amount: Money, why: str, by: str, as_of: date, at_most: Money | None = None
) -> KeptCredit | None:
    """So much of a charge in the books (without tax) is not owed. Returns the credit that is wanted for it; None when its document is not
    owed any more anyway. `at_most` is what is still open of the document, where a credit of more would be refused."""
    less = min(amount, charge.amount - charge.reversed)
    reverse(conn, desk.company, charge, less, why, by, desk.now())
    if not is_owed(conn, desk.company, charge.document_id):
        return None
    gross = gross_of(charge, charges_beside(conn, desk.company, charge), less)
    credit = _credit(conn, desk, charge, less, min(gross, at_most) if at_most is not None else gross, why, as_of)
    if not credit.amount.is_positive:
        return None
    want_credits(conn, desk.company, [credit], desk.now())
    return credit


def _credit(conn: Connection, desk: Desk, charge: KeptCharge, less: Money, gross: Money, why: str, as_of: date) -> KeptCredit:
    taken = charge.reversed + less
    customer = customers_by_id(conn, desk.company, [charge.customer_id])[charge.customer_id]
    return KeptCredit(
        marker=credit_marker(desk.company, f"{charge.key}|{taken.minor}"),
        kind=CreditFor.REVERSAL,
        item_id=charge.key.item_id,
        invoice_id=charge.invoice_id,
        number=charge.number,
        document_id=charge.document_id,
        document_number=charge.document_number,
        customer_id=charge.customer_id,
        amount=gross,
        text=reversal_text(charge.number, customer, desk.policy, is_whole=less == charge.amount),
        why=f"the late charge {charge.key.rule} on invoice {charge.number}: {why}",
        dated_on=as_of,
        charge_marker=charge.marker if charge.on_invoice else "",
    )


def gross_of(charge: KeptCharge, beside: Sequence[KeptCharge], less: Money) -> Money:
    """What so much more of a charge comes to with tax: in proportion to what its line or document comes to in the books.

    Of a document that itemises several (`beside`), each charge has a share of the total; the shares of all charges, and the parts of each
    that are taken back one after the other, come to exactly the total.
    """
    share, before = _share(charge, beside), charge.reversed.minor
    taken = _part(share, before + less.minor, charge.amount.minor) - _part(share, before, charge.amount.minor)
    return Money.from_minor(taken, charge.amount.currency)


def _share(charge: KeptCharge, beside: Sequence[KeptCharge]) -> int:
    total = charge.total.minor if charge.total is not None else charge.amount.minor
    if len(beside) < 2:
        return total
    ordered = sorted(beside, key=lambda one: str(one.key))
    all_of_it = sum(one.amount.minor for one in ordered)
    before = sum(one.amount.minor for one in ordered if str(one.key) < str(charge.key))
    return _part(total, before + charge.amount.minor, all_of_it) - _part(total, before, all_of_it)


def _part(whole: int, part: int, of: int) -> int:
    """whole × part ÷ of, rounded half up."""
    return (2 * whole * part + of) // (2 * of)
