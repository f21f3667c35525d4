"""Odoo's rows as values of core.receivables, and notes as Odoo's HTML. Pure: no clock, no network.

Rows are read with `load=None`, so that a many2one is an id; `false` stands for every empty value. Amounts are decimals already (the wire
reads JSON numbers as Decimal) and are rounded to the currency's own decimals, which takes away what binary fractions left in them.
"""

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import getaddresses
from typing import Any
from zoneinfo import ZoneInfo

from ...core.bookings import holds_mark, our_marks
from ...core.money import Money
from ...core.receivables import (
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
    LedgerContact,
    Payment,
    UnappliedCredit,
)
from ..late_fees import names_late_fee

Row = Mapping[str, Any]

INVOICE_TYPES = ("out_invoice", "out_receipt")
CREDIT_NOTE_TYPE = "out_refund"
OPEN_STATES = ("not_paid", "partial", "blocked")
"""Payment states in which something is still to be paid; not `in_payment`: that money is on its way, whatever the residual says."""
SETTLED_STATES = ("paid", "in_payment", "reversed", "invoicing_legacy")

LATE_FEE_WORDS = (
    "late_fee", "late_charge", "late_payment", "late_interest", "late_penalty", "overdue", "finance_charge", "interest on late",
    "interest for late", "mora", "recargo", "retraso", "impago", "atras", "tard", "costes de cobro", "recouvrement", "mahngeb", "verzug",
    "umnis",
)  # fmt: skip
"""Odoo is asked for lines with one of these in their name (an underscore is any letter); each name of a late fee has one."""
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Names:
    """What stands for the ids in rows: codes of currencies, names of tags, the portal's address, the company's zone, the subtype Note."""

    currencies: Mapping[int, str]
    tags: Mapping[int, str]
    portal_url: str
    time_zone: str
    note_subtype: int = 0


def id_of(value: Any) -> int:
    """The id of a many2one in either form (7 or [7, "Name"]); 0 when empty."""
    return int(value[0] if isinstance(value, list | tuple) else value or 0)


def text_of(value: Any) -> str:
    """The text of a field; Odoo says `false` for none."""
    return str(value).strip() if value else ""


def day_of(value: Any) -> date | None:
    """The day of a date field, None when empty. A date has no zone and keeps its day."""
    return date.fromisoformat(value) if value else None


def lock_day_of(value: Any) -> date | None:
    """The day of a lock date; None when there is none, for which Odoo also says `1-01-01`, which is no ISO date."""
    parts = [int(part) for part in text_of(value).split("-") if part]
    return date(*parts) if parts and parts[0] > 1 else None


def bytes_of(value: Any) -> bytes:
    """The content of a binary field (base64); empty when there is none that can be read."""
    try:
        return base64.b64decode(value) if value else b""
    except ValueError:
        return b""


def language_of(value: Any) -> str:
    """The language tag of Odoo's locale code: `es-ES` for `es_ES`, `sr` for `sr@latin`."""
    return text_of(value).partition("@")[0].replace("_", "-")


def address_of(value: Any) -> str:
    """The first e-mail address in the field; people write several into it, or a name before it."""
    field = text_of(value).replace(";", ",")
    return next((address for _name, address in getaddresses([field]) if "@" in address), field)


def _currency(row: Row, names: Names) -> str:
    code = names.currencies.get(id_of(row["currency_id"]))
    if code is None:
        raise ValueError(f"its currency (id {id_of(row['currency_id'])}) is unknown")
    return code


def _status(row: Row) -> DocumentStatus:
    """State comes before payment state: a draft can be `paid` (Odoo 17 and 19 keep reconciliations on reset)."""
    if row["state"] == "draft":
        return DocumentStatus.DRAFT
    if row["state"] == "cancel":
        return DocumentStatus.VOID
    return DocumentStatus.PAID if row["payment_state"] in SETTLED_STATES else DocumentStatus.OPEN


def _do_not_chase(row: Row, lines: Iterable[Row]) -> str:
    state = row["payment_state"]
    if state == "blocked":
        return "Payment is blocked in Odoo"
    if row.get("no_followup") or any(line.get("blocked") or line.get("no_followup") for line in lines):
        return "Marked as not to be followed up in Odoo"
    return "" if state in OPEN_STATES or state in SETTLED_STATES else f"Odoo gives the payment state {state!r}, which is not known here"


def _instalments(row: Row, lines: Iterable[Row], currency: str) -> tuple[Instalment, ...]:
    """One instalment a receivable line: `invoice_date_due` of the invoice is only the last of the due days."""
    last_day = _issued_on(row) if not row["invoice_date_due"] else date.fromisoformat(row["invoice_date_due"])
    terms = [line for line in lines if line.get("display_type", "payment_term") == "payment_term"]
    ordered = sorted(((day_of(line["date_maturity"]) or last_day, line["id"], line) for line in terms), key=lambda entry: entry[:2])
    return tuple(
        Instalment(place, due, Money.of(line["amount_currency"], currency), Money.of(line["amount_residual_currency"], currency))
        for place, (due, _id, line) in enumerate(ordered, start=1)
    ) or (Instalment(1, last_day, Money.of(row["amount_total"], currency), Money.of(row["amount_residual"], currency)),)


def _early_discount(lines: Iterable[Row], parts: Sequence[Instalment]) -> EarlyDiscount | None:
    """What the terms grant for paying all of it early; a line says what is left to pay then."""
    whole = parts[0].total
    for line in lines if len(parts) == 1 else ():
        last_on, rest = day_of(line.get("discount_date")), Money.of(line.get("discount_amount_currency") or 0, whole.currency)
        if last_on and rest.is_positive and rest < whole:
            return EarlyDiscount(last_on, whole - rest)
    return None


def _late_fee(lines: Iterable[Row]) -> str:
    """How the first line is called that charges lateness and is not ours: by its label, else by its product."""
    for line in lines:
        label = text_of(line.get("name"))
        if line.get("display_type") != "product" or our_marks(label) or not line.get("price_subtotal"):
            continue
        for name in (label.partition("\n")[0].strip(), text_of(line.get("product_name"))):
            if names_late_fee(name):
                return name[:_SHOWN_CHARACTERS]
    return ""


def _issued_on(row: Row) -> date:
    day = day_of(row["invoice_date"]) or day_of(row["date"])
    if day is None:
        raise ValueError("it has no date")
    return day


def page_path(row: Row) -> str:
    """The path of the portal page of an invoice that already has its token; empty when it has none."""
    path, token = text_of(row.get("access_url")), text_of(row.get("access_token"))
    return f"{path}?access_token={token}" if path.startswith("/my/") and token else ""


def invoice(row: Row, lines: Sequence[Row], names: Names, settled_on: date | None = None) -> Invoice:
    """An invoice with its receivable lines, and those that may be late fees. Raises ValueError, in words, when it cannot be read."""
    status, partner, customer = _status(row), id_of(row["partner_id"]), id_of(row["commercial_partner_id"])
    is_ours = bool(our_marks(text_of(row["ref"])))
    instalments = _instalments(row, lines, _currency(row, names))
    return Invoice(
        id=str(row["id"]),
        number=text_of(row["name"]).removeprefix("/"),
        customer_id=str(customer or partner),
        issued_on=_issued_on(row),
        instalments=instalments,
        status=status,
        contact_id=str(partner) if partner != customer else "",
        reference="" if is_ours else text_of(row["ref"]),
        do_not_chase=_do_not_chase(row, lines),
        page_url=names.portal_url + page_path(row) if page_path(row) else "",
        settled_on=settled_on if status is DocumentStatus.PAID else None,
        version=text_of(row["write_date"]),
        is_late_charge=is_ours,
        ledger_late_fee="" if is_ours else _late_fee(lines),
        early_discount=_early_discount(lines, instalments),
    )


def credit_note(row: Row, names: Names) -> CreditNote:
    """A credit note. Its amounts are positive in Odoo, too; nothing remains on one that is not posted."""
    currency, status = _currency(row, names), _status(row)
    live = status in (DocumentStatus.OPEN, DocumentStatus.PAID)
    return CreditNote(
        id=str(row["id"]),
        number=text_of(row["name"]).removeprefix("/"),
        customer_id=str(id_of(row["commercial_partner_id"]) or id_of(row["partner_id"])),
        issued_on=_issued_on(row),
        total=Money.of(row["amount_total"], currency),
        remaining=Money.of(row["amount_residual"] if live else 0, currency),
        status=status,
        version=text_of(row["write_date"]),
    )


def source_id(line: Row) -> str:
    """The id of what a credit line stands for: the credit note's own, or Odoo's reference to the line itself.

    A payment is its line and not its entry, because one entry (a bank statement, an opening balance) can hold lines of many customers.
    """
    return str(id_of(line["move_id"])) if source_kind(line) is CreditKind.CREDIT_NOTE else line_reference(line["id"])


def line_reference(line_id: int) -> str:
    """Odoo's own notation for a reference to a line."""
    return f"account.move.line,{line_id}"


def source_kind(line: Row) -> CreditKind:
    """Whether a credit line belongs to a credit note."""
    return CreditKind.CREDIT_NOTE if line["move_type"] == CREDIT_NOTE_TYPE else CreditKind.PAYMENT


def payment(line: Row, customer_id: str, names: Names) -> Payment:
    """A credit line on a receivable account: money received, or an entry that has the same effect."""
    currency = _currency(line, names)
    amount, rest = -Money.of(line["amount_currency"], currency), -Money.of(line["amount_residual_currency"], currency)
    status = {"draft": DocumentStatus.DRAFT, "cancel": DocumentStatus.VOID}.get(line["parent_state"], DocumentStatus.OPEN)
    return Payment(
        id=source_id(line),
        customer_id=customer_id,
        paid_on=date.fromisoformat(line["date"]),
        amount=amount,
        unapplied=rest if status is DocumentStatus.OPEN else Money.zero(currency),
        reference=text_of(line["ref"]) or text_of(line["move_name"]),
        status=status,
        version=text_of(line["write_date"]),
    )


def allocation(partial: Row, invoice_id: str, source: Row, currency: str) -> Allocation | None:
    """The use of a credit line on an invoice; None for a mere exchange difference, which moves nothing in the invoice's currency."""
    amount = Money.of(partial["debit_amount_currency"], currency)
    if not amount.is_positive:
        return None
    allocated_on = day_of(partial["max_date"]) or date.fromisoformat(source["date"])
    return Allocation(str(partial["id"]), invoice_id, source_id(source), source_kind(source), amount, allocated_on)


def unapplied_credits(lines: Iterable[tuple[Row, str]], names: Names) -> tuple[UnappliedCredit, ...]:
    """Open credit lines, each with its customer, as credits; the lines of one credit note are one credit."""
    found: dict[str, UnappliedCredit] = {}
    for line, customer_id in lines:
        rest = -Money.of(line["amount_residual_currency"], _currency(line, names))
        key = source_id(line)
        if key in found:
            rest += found[key].remaining
        if rest.is_positive:
            day = date.fromisoformat(line["date"])
            found[key] = UnappliedCredit(key, customer_id, source_kind(line), rest, text_of(line["move_name"]), day)
    return tuple(found.values())


def _contact(row: Row) -> Contact:
    role = ContactRole.INVOICE if row["type"] == "invoice" else ContactRole.GENERAL
    phone = text_of(row["phone"]) or text_of(row.get("mobile"))
    return Contact(str(row["id"]), text_of(row["name"]), address_of(row["email"]), phone, role, language_of(row["lang"]))


def _is_addressee(row: Row) -> bool:
    """Delivery and private addresses (`private` until Odoo 16) are not written to about money."""
    return bool(row["active"]) and row["type"] not in ("delivery", "private")


def customer(row: Row, family: Iterable[Row], names: Names) -> Customer:
    """A commercial partner, with the others of its family as contacts."""
    return Customer(
        id=str(row["id"]),
        name=text_of(row["name"]),
        email=address_of(row["email"]),
        phone=text_of(row["phone"]) or text_of(row.get("mobile")),
        language=language_of(row["lang"]),
        country=text_of(row["country_code"]),
        groups=tuple(sorted(names.tags[tag] for tag in row["category_id"] if tag in names.tags)),
        parent_id=str(id_of(row["parent_id"]) or ""),
        contacts=tuple(_contact(member) for member in family if member["id"] != row["id"] and _is_addressee(member)),
        is_business=bool(row["is_company"] or row["vat"]),
        version=text_of(row["write_date"]),
    )


def contact_made(message: Row, customer_id: str, invoice_id: str, names: Names) -> LedgerContact:
    """A mail, a note or a call that a person left in the chatter; its day is the one in the company's zone."""
    written = "note" if id_of(message["subtype_id"]) == names.note_subtype else "email"
    how = "call" if message["mail_activity_type_id"] else written
    sent_at = datetime.fromisoformat(message["date"]).replace(tzinfo=UTC)
    made_on = sent_at.astimezone(ZoneInfo(names.time_zone)).date()
    return LedgerContact(f"mail.message,{message['id']}", customer_id, made_on, how, invoice_id)


def html_of(text: str) -> str:
    """Plain text as the HTML of a note; Odoo makes no line breaks of newlines."""
    return f"<p>{'<br>'.join(html.escape(line, quote=False) for line in text.split(chr(10)))}</p>"


def holds_marker(body: Any, marker: str) -> bool:
    """Whether the HTML holds the marker itself, and not only a longer one that begins or ends like it."""
    return holds_mark(text_of(body), html.escape(marker, quote=False))
