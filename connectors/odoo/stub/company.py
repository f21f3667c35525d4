"""What a database holds before anything happens in it, and the fields that are computed and not stored."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from .domain import Row
from .store import Store

RECEIVABLE, INCOME = 1, 2
"""The ids of the two accounts that documents are booked on unless they say otherwise."""
SALES = ("out_invoice", "out_receipt", "out_refund")
_NO_LOCK = "1-01-01"
"""What `user_*_lock_date` says when nothing is locked."""


def found_company(store: Store, currencies: Mapping[str, int]) -> None:
    """One company with its currencies, accounts, taxes, journals, terms, and the kinds of messages and activities."""
    for key, (code, digits) in enumerate(currencies.items(), start=1):
        store.insert("res.currency", {"id": key, "name": code, "active": code != "GBP", "decimal_places": digits})
    own = {"name": "Puntual Pruebas S.L.", "country_code": "ES"}
    partner = store.insert("res.partner", {**own, "is_company": True, "active": True, "type": "contact", "commercial_partner_id": 1})
    store.insert("res.company", {**own, "currency_id": list(currencies).index("EUR") + 1, "partner_id": partner["id"]})
    for name, kind, code in (("Customer Invoices", "sale", "INV"), ("Bank", "bank", "BNK1"), ("Bills", "purchase", "BILL")):
        store.insert("account.journal", {"name": name, "type": kind, "code": code, "company_id": 1})
    _open_accounts(store)
    for name, internal in (("Discussions", False), ("Note", True), ("Activities", True)):
        store.insert("mail.message.subtype", {"name": name, "internal": internal})
    for name, category in (("Email", "default"), ("Call", "phonecall")):
        store.insert("mail.activity.type", {"name": name, "category": category})


def _open_accounts(store: Store) -> None:
    owner: Row = {"company_ids": [1]} if store.version >= 18 else {"company_id": 1}
    for code, kind in (("430000", "asset_receivable"), ("700000", "income"), ("769000", "income_other")):
        store.insert("account.account", {"name": code, "code": code, "account_type": kind, **owner})
    for name, use, included in (("21% S", "sale", False), ("21% G", "purchase", False), ("21% Inc", "sale", True)):
        tax = {"name": name, "type_tax_use": use, "amount": Decimal(21), "price_include": included, "active": True, "company_id": 1}
        store.insert("account.tax", tax)
    store.insert("account.payment.term", {"name": "Immediate Payment"})


def computed_fields(store: Callable[[], Store]) -> Mapping[tuple[str, str], Callable[[Row], Any]]:
    """How each field is made that is not stored. `store` is asked when a row is read."""

    def of_move(field: str) -> Callable[[Row], Any]:
        return lambda line: _row(store(), "account.move", line["move_id"]).get(field)

    def lock_for_users(field: str) -> Callable[[Row], Any]:
        return lambda company: company.get(field) or _NO_LOCK

    def lines_of(move: Row) -> list[Row]:
        return store().by("account.move.line", "move_id", move["id"])

    line, move, user, company = "account.move.line", "account.move", "res.users", "res.company"
    kinds = ("fiscalyear", "tax", "sale", "hard")
    return {
        (line, "move_name"): of_move("name"),
        (line, "move_type"): of_move("move_type"),
        (line, "parent_state"): of_move("state"),
        (line, "company_id"): of_move("company_id"),
        (line, "ref"): of_move("ref"),
        (move, "access_url"): lambda row: f"/my/invoices/{row['id']}" if row["move_type"] in SALES else "#",
        (move, "no_followup"): lambda row: any(each.get("no_followup") for each in lines_of(row)),
        (move, "invoice_line_ids"): lambda row: [each["id"] for each in lines_of(row) if each["display_type"] == "product"],
        (move, "line_ids"): lambda row: [each["id"] for each in lines_of(row)],
        (user, "email"): lambda row: _row(store(), "res.partner", row["partner_id"]).get("email"),
        ("res.partner", "partner_share"): lambda row: all(each["partner_id"] != row["id"] for each in store().rows(user)),
        **{(company, f"user_{kind}_lock_date"): lock_for_users(f"{kind}_lock_date") for kind in kinds},
    }


def _row(store: Store, model: str, key: int) -> Row:
    row = store.get(model, key)
    if row is None:
        raise LookupError(f"{model} has no {key}")
    return row
