"""What is asked of Odoo's models: every domain and every field list. Rows go out as they came; mapping.py reads them.

One unknown field fails a whole reading, and fields come and go between versions, so each list is cut to what `fields_get` names.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ...core.errors import BrokenInvariant, CompanyMustAct, UnexpectedResponse
from ..http import Transport
from ..late_fees import names_late_fee
from ..lazily import cached_property
from .mapping import CREDIT_NOTE_TYPE, INVOICE_TYPES, LATE_FEE_WORDS, OPEN_STATES, Row, id_of, text_of
from .settings import OdooSettings
from .wire import Wire, open_wire

Domain = list[Any]

MOVE, LINE, PARTIAL, PARTNER = "account.move", "account.move.line", "account.partial.reconcile", "res.partner"
MESSAGE, ACTIVITY, PAYMENT = "mail.message", "mail.activity", "account.payment"

_FIELDS: Mapping[str, tuple[str, ...]] = {
    MOVE: (
        "name", "move_type", "state", "payment_state", "partner_id", "commercial_partner_id", "currency_id", "invoice_date", "date",
        "invoice_date_due", "amount_total", "amount_residual", "ref", "no_followup", "access_url", "access_token", "write_date",
    ),
    LINE: (
        "move_id", "move_type", "move_name", "parent_state", "partner_id", "currency_id", "date", "date_maturity", "amount_currency",
        "amount_residual_currency", "display_type", "ref", "blocked", "no_followup", "discount_date", "discount_amount_currency",
        "write_date",
    ),
    PARTNER: (
        "name", "email", "phone", "mobile", "lang", "country_code", "category_id", "parent_id", "commercial_partner_id", "is_company",
        "vat", "type", "active", "write_date",
    ),
}  # fmt: skip
_GOODS_FIELDS = ("name", "product_id", "price_subtotal")
_OWN_FIELDS = (
    "name", "move_type", "state", "ref", "posted_before", "amount_untaxed", "amount_total", "amount_residual",
    "currency_id", "date", "invoice_date", "invoice_date_due", "partner_id", "journal_id", "fiscal_position_id", "invoice_user_id",
)  # fmt: skip
_PRICED_FIELDS = (
    "name", "display_type", "account_id", "tax_ids", "quantity", "price_unit", "discount", "price_subtotal", "price_total",
)  # fmt: skip
_LOCKS = ("fiscalyear", "period", "sale", "tax", "hard")
_PARTIAL_FIELDS = ("debit_move_id", "credit_move_id", "debit_amount_currency", "max_date")
_MESSAGE_FIELDS = ("model", "res_id", "date", "subtype_id", "mail_activity_type_id")
_SALES = (*INVOICE_TYPES, CREDIT_NOTE_TYPE)
_PORTION = 1000
_MARKERS = 100
_EVERYONE = {"active_test": False}


class OdooReader:
    """Questions to one company's books. A connection is made with the first of them and kept."""

    def __init__(self, settings: OdooSettings, transport: Transport) -> None:
        self.transport = transport
        self._settings = settings
        self._fields: dict[str, frozenset[str]] = {}

    @cached_property
    def wire(self) -> Wire:
        """The connection, as the bot user."""
        return open_wire(self._settings, self.transport)

    # --- who and what ---------------------------------------------------------------------------------------------------------

    @cached_property
    def me(self) -> Row:
        """The bot user: login, e-mail, zone, partner and companies."""
        fields = ["login", "email", "tz", "partner_id", "company_id", "company_ids"]
        rows = self.search("res.users", [["id", "=", self.wire.uid]], fields)
        if not rows:
            raise UnexpectedResponse("Odoo does not show its user to itself.")
        return rows[0]

    @cached_property
    def company_id(self) -> int:
        """Whose books: the company of the settings, or the only one that the user may see. Raises CompanyMustAct when that is not clear."""
        allowed, wanted = [int(each) for each in self.me["company_ids"]], self._settings.company_id
        if wanted is not None and wanted not in allowed:
            raise CompanyMustAct(f"The Odoo user {self._settings.login} may not see the company {wanted}, only {allowed}.")
        if wanted is None and len(allowed) != 1:
            raise CompanyMustAct(f"The Odoo user {self._settings.login} sees the companies {allowed}.", hint="Name one as company_id.")
        return wanted or allowed[0]

    def company(self) -> Row:
        """The company's own row."""
        fields = self._known("res.company", ("name", "country_code", "currency_id", "partner_id"))
        return self.search("res.company", [["id", "=", self.company_id]], fields)[0]

    def time_zone_of(self, partner_id: int) -> str:
        """The zone of a partner, empty when there is none (Odoo's default)."""
        rows = self.search(PARTNER, [["id", "=", partner_id]], ["tz"])
        return str(rows[0]["tz"] or "") if rows else ""

    @cached_property
    def currencies(self) -> Mapping[int, str]:
        """ISO codes by id, archived currencies, too."""
        return {row["id"]: row["name"] for row in self.search("res.currency", [], ["name"], context=_EVERYONE)}

    @cached_property
    def tags(self) -> Mapping[int, str]:
        """Names of contact tags by id."""
        return {row["id"]: row["name"] for row in self.search("res.partner.category", [], ["name"])}

    @cached_property
    def note_subtype(self) -> int:
        """The subtype of internal notes."""
        return self._reference("mail", "mt_note")

    # --- documents ------------------------------------------------------------------------------------------------------------

    def open_moves(self, after: int) -> list[Row]:
        """A page of open invoices and credit notes, by id."""
        return self._page(MOVE, [*self._sales(), ["state", "=", "posted"], ["payment_state", "in", list(OPEN_STATES)]], after)

    def moves_since(self, low: str, after: int) -> list[Row]:
        """A page of documents that were written since, in every state: a state in the domain would hide resets and cancels."""
        return self._page(MOVE, [*self._sales(), ["write_date", ">=", low]], after)

    def moves(self, ids: Iterable[int]) -> list[Row]:
        """The customer's documents with these ids; what is gone is missing."""
        return [row for some in self._portions(ids) for row in self._read_all(MOVE, [*self._sales(), ["id", "in", some]])]

    def document_lines(self, move_ids: Iterable[int]) -> list[Row]:
        """The receivable lines of documents, one for each due date, and goods whose label or product sounds like a late fee; these bear
        the `product_name` of such a product."""
        return [row for some in self._portions(move_ids) for row in self._lines_of(some)]

    def _lines_of(self, move_ids: list[int]) -> list[Row]:
        goods = [
            "&",
            ["display_type", "=", "product"],
            "|",
            ["product_id", "in", list(self.fee_products)],
            *_any_of("name", LATE_FEE_WORDS),
        ]
        domain = [["move_id", "in", move_ids], "|", ["account_type", "=", "asset_receivable"], *goods]
        rows = self.search(LINE, domain, self._known(LINE, (*_FIELDS[LINE], *_GOODS_FIELDS)))
        return [{**row, "product_name": self.fee_products.get(id_of(row["product_id"]), "")} for row in rows]

    @cached_property
    def fee_products(self) -> Mapping[int, str]:
        """Names of the products that are late fees by their name, archived ones, too."""
        rows = self.search("product.product", _any_of("name", LATE_FEE_WORDS), ["name"], context=_EVERYONE)
        return {row["id"]: text_of(row["name"]) for row in rows if names_late_fee(text_of(row["name"]))}

    def partials(self, line_ids: Sequence[int]) -> list[Row]:
        """What was used on these lines."""
        return [
            row for some in self._portions(line_ids) for row in self.search(PARTIAL, [["debit_move_id", "in", some]], list(_PARTIAL_FIELDS))
        ]

    def lines(self, ids: Iterable[int]) -> list[Row]:
        """Lines by id."""
        return [row for some in self._portions(ids) for row in self._read_all(LINE, [["id", "in", some]])]

    def open_payment_lines(self, after: int) -> list[Row]:
        """A page of open credit lines that belong to no customer document."""
        return self._page(LINE, [*self._payment_lines(), ["parent_state", "=", "posted"], ["reconciled", "=", False]], after)

    def payment_lines_since(self, low: str, after: int) -> list[Row]:
        """A page of such lines, open or not, that were written since."""
        return self._page(LINE, [*self._payment_lines(), ["write_date", ">=", low]], after)

    def open_credit_lines(self, customer_ids: Iterable[int]) -> list[Row]:
        """All open credit lines of customers and their contacts: payments on account and credit notes alike."""
        domain = [
            *self._credit_lines(), ["move_id.move_type", "not in", list(INVOICE_TYPES)],
            ["parent_state", "=", "posted"], ["reconciled", "=", False],
        ]  # fmt: skip
        return [
            row
            for some in self._portions(customer_ids)
            for row in self._read_all(LINE, [*domain, ["partner_id.commercial_partner_id", "in", some]])
        ]

    def last_bank_entry_on(self) -> str:
        """The day of the newest posted entry in a bank or cash journal, empty when there is none."""
        domain = [["company_id", "=", self.company_id], ["journal_id.type", "in", ["bank", "cash"]], ["state", "=", "posted"]]
        rows = self.search(MOVE, domain, ["date"], order="date desc, id desc", limit=1)
        return str(rows[0]["date"] or "") if rows else ""

    def newest_write(self) -> str:
        """When a document was last written, for a server that does not tell its time; empty when there is none."""
        rows = self.search(MOVE, self._sales(), ["write_date"], order="write_date desc", limit=1)
        return str(rows[0]["write_date"]) if rows else ""

    # --- people ---------------------------------------------------------------------------------------------------------------

    def families(self, customer_ids: Iterable[int]) -> list[Row]:
        """Customers with all who belong to them, archived ones, too: who has left may still owe."""
        return [
            row
            for some in self._portions(customer_ids)
            for row in self._read_all(PARTNER, [["commercial_partner_id", "in", some]], context=_EVERYONE)
        ]

    def customers_since(self, low: str, after: int) -> list[Row]:
        """A page of partners that were written since, each with its customer."""
        domain = [["write_date", ">=", low], ["commercial_partner_id.customer_rank", ">", 0]]
        return self._page(PARTNER, domain, after, fields=["commercial_partner_id"], context=_EVERYONE)

    def customers_of(self, partner_ids: Iterable[int]) -> dict[int, int]:
        """The customer (commercial partner) of each partner."""
        rows = [
            row
            for some in self._portions(partner_ids)
            for row in self.search(PARTNER, [["id", "in", some]], ["commercial_partner_id"], context=_EVERYONE)
        ]
        return {row["id"]: id_of(row["commercial_partner_id"]) for row in rows}

    def contacts_made(self, field: str, low: str, after: int) -> list[Row]:
        """A page of mails, notes and calls by colleagues on documents and customers since `low`, by `field` (`date` or `create_date`).

        A colleague is an internal user (`partner_share` is false) other than the bot; what the system reports itself is a `notification`.
        """
        by_hand = ["|", ["message_type", "in", ["comment", "email"]], ["mail_activity_type_id.category", "=", "phonecall"]]
        people = [["author_id.partner_share", "=", False], ["author_id", "!=", id_of(self.me["partner_id"])]]
        domain = [["model", "in", [MOVE, PARTNER]], [field, ">=", low], *people, *by_hand]
        return self._page(MESSAGE, domain, after, fields=list(_MESSAGE_FIELDS))

    # --- what we left ---------------------------------------------------------------------------------------------------------

    def messages_with(self, markers: Sequence[str], move_ids: Sequence[int]) -> list[Row]:
        """Chatter messages on these documents that may hold one of the markers."""
        domain = [["model", "=", MOVE], ["res_id", "in", list(move_ids)], *any_like("body", markers)]
        return self.search(MESSAGE, domain, ["body", "res_id"])

    def activities_with(self, markers: Sequence[str], move_ids: Sequence[int]) -> list[Row]:
        """Activities on these documents, done ones, too, that may hold one of the markers."""
        domain = [["res_model", "=", MOVE], ["res_id", "in", list(move_ids)], *any_like("note", markers)]
        return self.search(ACTIVITY, domain, ["note", "res_id"], context=_EVERYONE)

    def printed(self, move_id: int) -> Row | None:
        """The legal PDF of a posted invoice (`invoice_pdf_report_file`, base64, empty when none was made); None when there is no such
        invoice. Until Odoo 16 there is no such field, and the row says nothing of it."""
        fields = [field for field in ("invoice_pdf_report_file",) if self.has_field(MOVE, field)]
        domain = [*self._sales(), ["id", "=", move_id], ["state", "=", "posted"]]
        rows = self.search(MOVE, domain, ["move_type", *fields])
        return rows[0] if rows and rows[0]["move_type"] in INVOICE_TYPES else None

    def salespeople(self, move_ids: Sequence[int]) -> dict[int, int]:
        """The salesperson (0: none) of each of these documents that is still there."""
        rows = self.search(MOVE, [*self._sales(), ["id", "in", list(move_ids)]], ["invoice_user_id"])
        return {row["id"]: id_of(row["invoice_user_id"]) for row in rows}

    def user_named(self, login: str) -> int:
        """The id of a user. Raises CompanyMustAct when there is none."""
        rows = self.search("res.users", [["login", "=", login]], ["login"])
        if not rows:
            raise CompanyMustAct(f"Odoo has no user {login}.", hint="Correct `call_task_user` in the policy.")
        return int(rows[0]["id"])

    # --- what is ours, and what it is made from -------------------------------------------------------------------------------

    def marked_documents(self, markers: Sequence[str]) -> list[Row]:
        """Customer documents in any state whose reference may hold one of the markers (Odoo keeps a trigram index of that field)."""
        some = [[f"[{marker}]" for marker in markers[start : start + _MARKERS]] for start in range(0, len(markers), _MARKERS)]
        return [row for each in some for row in self.search(MOVE, [*self._sales(), *any_like("ref", each)], list(_OWN_FIELDS))]

    def documents(self, ids: Iterable[int]) -> list[Row]:
        """Customer documents in any state, with all that a document of ours is compared with or takes over; what is gone is missing."""
        return [row for some in self._portions(ids) for row in self.search(MOVE, [*self._sales(), ["id", "in", some]], list(_OWN_FIELDS))]

    def receivable_lines(self, move_ids: Iterable[int]) -> list[Row]:
        """The ids of the receivable lines of documents and payments, each with its entry."""
        return [
            row
            for some in self._portions(move_ids)
            for row in self.search(LINE, [["move_id", "in", some], ["account_type", "=", "asset_receivable"]], ["move_id"])
        ]

    def priced_lines(self, move_id: int) -> list[Row]:
        """The goods of a document with accounts, taxes and amounts, and the lines of a tax that is lowered for early payment (`epd`)."""
        domain = [["move_id", "=", move_id], ["display_type", "in", ["product", "epd"]]]
        return self.search(LINE, domain, list(_PRICED_FIELDS))

    def lines_beside(self, draft_id: int, move_id: int) -> list[Row]:
        """All lines of a draft, and the receivable lines of the document that it is about."""
        of_document = ["&", ["move_id", "=", move_id], ["account_type", "=", "asset_receivable"]]
        fields = ["move_id", "account_id", "display_type", "amount_currency", "tax_ids"]
        return self.search(LINE, ["|", ["move_id", "=", draft_id], *of_document], fields)

    def marked_payments(self, markers: Sequence[str]) -> list[Row]:
        """Payments in any state whose memo may hold one of the markers; `memo` is called so whatever the version calls it."""
        memo = "memo" if self.has_field(PAYMENT, "memo") else "ref"
        fields = ["name", "state", "amount", "currency_id", "move_id", memo]
        some = [[f"[{marker}]" for marker in markers[start : start + _MARKERS]] for start in range(0, len(markers), _MARKERS)]
        own = [["company_id", "=", self.company_id]]
        return [{**row, "memo": row[memo]} for each in some for row in self.search(PAYMENT, [*own, *any_like(memo, each)], fields)]

    def currency_id(self, code: str) -> int:
        """The id of a currency."""
        return next(key for key, name in self.currencies.items() if name == code)

    def ids_in_company(self, model: str, domain: Domain) -> list[int]:
        """The ids of what there is in these books (accounts, taxes, journals, products), and no other company's."""
        return [int(row["id"]) for row in self.search(model, domain, ["id"], context=self.company_context)]

    @property
    def company_context(self) -> dict[str, Any]:
        """The context of calls that must not reach into another company's books."""
        return {"allowed_company_ids": [self.company_id]}

    def lock_dates(self) -> Mapping[str, Any]:
        """The days up to which the books are closed, by the kind of the lock (`sale`, `tax` ...). From 18 on Odoo counts exceptions in for
        its user; before, those of advisers and of parent companies are not known here."""
        fields = {kind: self._known("res.company", (f"user_{kind}_lock_date", f"{kind}_lock_date"))[:1] for kind in _LOCKS}
        known = {kind: names[0] for kind, names in fields.items() if names}
        row = self.search("res.company", [["id", "=", self.company_id]], list(known.values()))[0]
        return {kind: row[name] for kind, name in known.items()}

    # --- how it is asked ------------------------------------------------------------------------------------------------------

    def _sales(self) -> Domain:
        return [["company_id", "=", self.company_id], ["move_type", "in", list(_SALES)], ["partner_id", "!=", False]]

    def _credit_lines(self) -> Domain:
        return [["company_id", "=", self.company_id], ["account_type", "=", "asset_receivable"], ["balance", "<", 0]]

    def _payment_lines(self) -> Domain:
        return [*self._credit_lines(), ["move_id.move_type", "not in", list(_SALES)], ["partner_id", "!=", False]]

    def has_field(self, model: str, field: str) -> bool:
        """Whether this version of Odoo has the field."""
        if model not in self._fields:
            self._fields[model] = frozenset(self.wire.execute(model, "fields_get", reads=True, attributes=["type"]))
        return field in self._fields[model]

    def _known(self, model: str, fields: Collection[str]) -> list[str]:
        return [field for field in fields if self.has_field(model, field)]

    def _read_all(self, model: str, domain: Domain, **named: Any) -> list[Row]:
        return self._complete(model, self.search(model, domain, self._known(model, _FIELDS[model]), **named))

    def _page(self, model: str, domain: Domain, after: int, *, fields: list[str] | None = None, **named: Any) -> list[Row]:
        """One page by id: an offset would skip rows when others disappear."""
        asked = fields or self._known(model, _FIELDS[model])
        rows = self.search(model, [*domain, ["id", ">", after]], asked, order="id", limit=self._settings.page_size, **named)
        return self._complete(model, rows)

    def _complete(self, model: str, rows: list[Row]) -> list[Row]:
        """Lines with the type of their document, which not every version puts on the line."""
        if model != LINE or not rows or self.has_field(LINE, "move_type"):
            return rows
        moves = self.search(MOVE, [["id", "in", sorted({id_of(row["move_id"]) for row in rows})]], ["move_type"])
        types = {row["id"]: row["move_type"] for row in moves}
        return [{**row, "move_type": types.get(id_of(row["move_id"]), "")} for row in rows]

    def search(self, model: str, domain: Domain, fields: list[str], order: str = "id", **named: Any) -> list[Row]:
        """The rows that satisfy a domain, with these fields, which this version has to have."""
        rows = self.wire.execute(model, "search_read", reads=True, domain=domain, fields=fields, order=order, load=None, **named)
        if not isinstance(rows, list) or not all(isinstance(row, dict) and set(fields) <= row.keys() for row in rows):
            raise UnexpectedResponse(f"Odoo answered a question about {model} with something else than its rows.")
        return rows

    def _reference(self, module: str, name: str) -> int:
        found = self.wire.execute("ir.model.data", "check_object_reference", reads=True, module=module, xml_id=name)
        if not isinstance(found, list) or len(found) != 2 or not found[1]:
            raise UnexpectedResponse(f"Odoo does not know {module}.{name}.")
        return int(found[1])

    @staticmethod
    def _portions(ids: Iterable[int]) -> Iterator[list[int]]:
        """Ids without repetition, in portions."""
        rest = iter(dict.fromkeys(ids))
        while some := list(islice(rest, _PORTION)):
            yield some


def any_like(field: str, markers: Sequence[str]) -> Domain:
    """That a field may hold one of the markers."""
    if not markers:
        raise BrokenInvariant("Nothing is looked for without a marker.")
    # In LIKE a backslash takes the meaning from what follows; % and _ find too much at worst, and the caller looks again.
    return _any_of(field, [marker.replace("\\", "\\\\") for marker in markers], "like")


def _any_of(field: str, words: Sequence[str], operator: str = "ilike") -> Domain:
    return [*["|"] * (len(words) - 1), *([field, operator, word] for word in words)]
