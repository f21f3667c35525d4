"""What is asked of QuickBooks Online: every query. Rows go out as they came; mapping.py reads them.

The query language has no `or` and no join; `UnappliedAmt`, `PrivateNote`, `ParentRef` and `Line` cannot be asked for (quickbooks-ruby issue
258; Intuit's entity reference marks what is filterable), so what hangs on them is read by customer or by time and looked at here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from ...core.errors import BooksUnreadable, Refused, UnexpectedResponse
from ..lazily import cached_property
from . import mapping
from .mapping import Row, ref_of, text_of
from .wire import Wire

MOST_ROWS = 1000
"""The most that a query gives (Intuit, "Query operations and syntax")."""
PORTION = 100
"""Ids in one query."""
_LEVELS = 5
"""How deep jobs are nested at most."""
_ALSO_INACTIVE = "Active IN (true, false)"
"""Without it a query does not show inactive customers, who may owe all the same, nor terms and tax codes that old invoices bear."""
_CREDITABLE_TYPES = ("Service", "NonInventory")
"""Items that may be credited without anything going back into a stock (Intuit's entity reference, Item)."""
_TAKES_DEPOSITS = ("Bank", "Other Current Asset")
"""The types of accounts that a payment may be deposited to (Intuit's entity reference, Payment, `DepositToAccountRef`)."""


def quoted(text: str) -> str:
    """A text as a value in a query. Raises Refused for one that cannot be asked for."""
    if "\\" in text:
        raise Refused(f"{text!r} cannot be looked for in QuickBooks: it has a backslash in it.")
    return "'" + text.replace("'", "\\'") + "'"


def select(entity: str, rest: str) -> str:
    """A query for whole objects."""
    return f"select * from {entity} {rest}"  # noqa: S608 - it is no SQL, and every value in it went through `quoted`


def is_one_of(field: str, values: Iterable[str]) -> str:
    """The condition that a field has one of these values."""
    return f"{field} IN ({', '.join(quoted(value) for value in values)})"


def portions(values: Iterable[str]) -> Iterator[list[str]]:
    """Different values, so many as one query takes at a time."""
    rest = iter(dict.fromkeys(values))
    while some := list(islice(rest, PORTION)):
        yield some


class QuickBooksReader:
    """Questions to one company's books."""

    def __init__(self, wire: Wire, page_size: int = MOST_ROWS) -> None:
        self.wire = wire
        self._page_size = page_size
        self.answered_at = ""
        """The service's own time at the first answer to a query since this was emptied, as it wrote it."""
        self._terms: dict[str, Row] = {}
        self._creditable: dict[str, bool] = {}

    @cached_property
    def home_currency(self) -> str:
        """The company's own currency: what a document is in that names none. One call, when it is needed."""
        return ref_of((self.wire.preferences().get("CurrencyPrefs") or {}).get("HomeCurrency"))

    def home_of(self, rows: Iterable[Row]) -> str:
        """The company's currency when one of these documents names none; else empty, and nothing is asked."""
        return self.home_currency if any(not mapping.currency_of(row, "") for row in rows if not mapping.is_deleted(row)) else ""

    def begin(self) -> None:
        """A new reading begins: what was kept from the one before is forgotten."""
        self.answered_at = ""
        self._terms.clear()

    # --- what documents refer to ------------------------------------------------------------------------------------------------

    def terms_of(self, invoices: Iterable[Row]) -> Mapping[str, Row]:
        """The payment terms that may grant something on these invoices, by their ids. One query for all there are, when one is named."""
        named = {mapping.granting_terms(row) for row in invoices if not mapping.is_deleted(row)} - {""}
        if named - self._terms.keys():
            self._terms |= {key: {} for key in named}
            self._terms |= {row["Id"]: row for page in self.pages("Term", f"where {_ALSO_INACTIVE}", MOST_ROWS) for row in page}
        return self._terms

    @cached_property
    def sales_rates(self) -> Mapping[str, Collection[str]]:
        """The ids of the tax rates that each tax code has on sales. One query, when it is needed."""
        codes = [row for page in self.pages("TaxCode", f"where {_ALSO_INACTIVE}", MOST_ROWS) for row in page]
        rates = {row["Id"]: (row.get("SalesTaxRateList") or {}).get("TaxRateDetail") or () for row in codes}
        return {key: {ref_of(rate.get("TaxRateRef")) for rate in several} for key, several in rates.items()}

    def creditable_items(self, ids: Sequence[str]) -> list[str]:
        """Those of these items that a credit may bear: in use, and not kept in a stock. One query for those not asked for before."""
        unknown = [key for key in ids if key.isdecimal() and key not in self._creditable]
        for some in portions(unknown):
            self._creditable |= dict.fromkeys(some, False)
            rows = self._rows("Item", f"where {is_one_of('Id', some)} MAXRESULTS {MOST_ROWS}")
            self._creditable |= {row["Id"]: text_of(row.get("Type")) in _CREDITABLE_TYPES for row in rows}
        return [key for key in ids if self._creditable.get(key)]

    # --- pages ----------------------------------------------------------------------------------------------------------------

    def pages(self, entity: str, where: str, size: int | None = None) -> Iterator[list[Row]]:
        """All rows, each once, a page at a time, though the books change meanwhile.

        Positions move when a row drops out. So each page begins with the last row of the one before; when it begins with another one, rows
        have moved up, and we go back until a page begins with one that is known.
        """
        most, start, seen, first = size or self._page_size, 1, set[str](), ""
        while True:
            rows = self._rows(entity, f"{where} ORDERBY Id STARTPOSITION {start} MAXRESULTS {most}")
            if start > 1 and (not rows or rows[0]["Id"] not in seen):
                start = max(1, start - most + 1)
                continue
            new = [row for row in rows if row["Id"] not in seen]
            if not new and rows and rows[0]["Id"] == first:
                raise UnexpectedResponse("QuickBooks Online gives the same page again and again.")
            seen.update(row["Id"] for row in new)
            first = rows[0]["Id"] if rows else ""
            if new:
                yield new
            if len(rows) < most:
                return
            start += len(rows) - 1

    def _rows(self, entity: str, rest: str, *, links: bool = False) -> list[Row]:
        said = self.wire.query(select(entity, rest), links=links)
        self.answered_at = self.answered_at or text_of(said.get("time"))
        return _rows_in(said, entity)

    # --- what is open ---------------------------------------------------------------------------------------------------------

    def customers(self) -> Iterator[list[Row]]:
        """All customers and jobs, the inactive ones, too."""
        return self.pages("Customer", f"where {_ALSO_INACTIVE}")

    def open_invoices(self) -> Iterator[list[Row]]:
        """Invoices with something to pay."""
        return self.pages("Invoice", "where Balance > '0'")

    def settled_since(self, since: str) -> Iterator[list[Row]]:
        """Invoices with nothing to pay that were written since: paid, credited or voided."""
        return self.pages("Invoice", f"where Balance = '0' AND MetaData.LastUpdatedTime >= {quoted(since)}")

    def open_credit_memos(self) -> Iterator[list[Row]]:
        """Credit memos with something left."""
        return self.pages("CreditMemo", "where Balance > '0'")

    def payments_since(self, since: str) -> Iterator[list[Row]]:
        """Payments that were written since."""
        return self.pages("Payment", f"where MetaData.LastUpdatedTime >= {quoted(since)}")

    def payments(self, ids: Iterable[str]) -> Iterator[list[Row]]:
        """The payments with these ids."""
        for some in portions(ids):
            yield self._rows("Payment", f"where {is_one_of('Id', some)} MAXRESULTS {MOST_ROWS}")

    def payments_of(self, customers: Iterable[str]) -> Iterator[list[Row]]:
        """All payments of these customers: which of them are not used up cannot be asked for."""
        for some in portions(customers):
            yield from self.pages("Payment", f"where {is_one_of('CustomerRef', some)}")

    # --- some of them ---------------------------------------------------------------------------------------------------------

    def invoices(self, ids: Iterable[str], *, links: bool = False) -> list[Row]:
        """The invoices with these ids; what is gone is missing. `links`: with their pay links."""
        wanted = [key for key in ids if key.isdecimal()]
        found: list[Row] = []
        for some in portions(wanted):
            found += self._rows("Invoice", f"where {is_one_of('Id', some)} MAXRESULTS {MOST_ROWS}", links=links)
        return found

    def some_customers(self, ids: Iterable[str]) -> list[Row]:
        """The customers with these ids."""
        found: list[Row] = []
        for some in portions(ids):
            found += self._rows("Customer", f"where {is_one_of('Id', some)} AND {_ALSO_INACTIVE} MAXRESULTS {MOST_ROWS}")
        return found

    def credits_of(self, customers: Iterable[str]) -> tuple[list[Row], list[Row]]:
        """The payments, used up or not, and the open credit memos of these customers: one request for each hundred of them."""
        payments: list[Row] = []
        memos: list[Row] = []
        for some in portions(customers):
            theirs = f"where {is_one_of('CustomerRef', some)}"
            asked = {"Payment": theirs, "CreditMemo": f"{theirs} AND Balance > '0'"}
            answers = self.wire.queries([select(entity, f"{where} MAXRESULTS {MOST_ROWS}") for entity, where in asked.items()])
            for found, (entity, where), answer in zip((payments, memos), asked.items(), answers, strict=True):
                rows = _rows_in(answer, entity)
                found += rows if len(rows) < MOST_ROWS else [row for page in self.pages(entity, where, MOST_ROWS) for row in page]
        return payments, memos

    def attachables_on(self, invoice_ids: Iterable[str]) -> list[Row]:
        """The notes and files on these invoices."""
        found: list[Row] = []
        for some in portions(invoice_ids):
            refers = is_one_of("AttachableRef.EntityRef.value", some)
            where = f"where AttachableRef.EntityRef.Type = 'Invoice' AND {refers}"
            found += [row for page in self.pages("Attachable", where, MOST_ROWS) for row in page]
        return found

    def charged(self, invoice_ids: Sequence[str], customers: Sequence[str], since: str) -> list[Row]:
        """Where charges of ours may stand: these invoices, and what was made for these customers since, in one request."""
        selects = [f"where {is_one_of('Id', some)}" for some in portions(invoice_ids)]
        made = f"MetaData.CreateTime >= {quoted(since)}"
        selects += [f"where {is_one_of('CustomerRef', some)} AND {made}" for some in portions(customers)]
        return self._all_of("Invoice", selects)

    def credited(self, customers: Iterable[str], since: str) -> list[Row]:
        """Where credits of ours may stand: the credit memos that were made for these customers since, used up or not, in one request."""
        made = f"MetaData.CreateTime >= {quoted(since)}"
        return self._all_of("CreditMemo", [f"where {is_one_of('CustomerRef', some)} AND {made}" for some in portions(customers)])

    def recorded(self, customers: Iterable[str], since: str) -> list[Row]:
        """Where payments of ours may stand: those that were made for these customers since, in one request."""
        made = f"MetaData.CreateTime >= {quoted(since)}"
        return self._all_of("Payment", [f"where {is_one_of('CustomerRef', some)} AND {made}" for some in portions(customers)])

    def _all_of(self, entity: str, wheres: Sequence[str]) -> list[Row]:
        """What any of these conditions is true of, each once, in one request unless one gives more than a query can."""
        answers = self.wire.queries([select(entity, f"{where} MAXRESULTS {MOST_ROWS}") for where in wheres])
        found: dict[str, Row] = {}
        for where, answer in zip(wheres, answers, strict=True):
            rows = _rows_in(answer, entity)
            whole = rows if len(rows) < MOST_ROWS else [row for page in self.pages(entity, where, MOST_ROWS) for row in page]
            found |= {row["Id"]: row for row in whole}
        return list(found.values())

    def item_named(self, name: str) -> str:
        """The id of an active item. Raises Refused when there is none."""
        rows = self._rows("Item", f"where Name = {quoted(name)} MAXRESULTS 2")
        if len(rows) != 1:
            raise Refused(f"QuickBooks has no active item named {name!r} for late charges.", hint="Correct `charge_item` in the policy.")
        return text_of(rows[0]["Id"])

    def deposit_account(self, wanted: str) -> str:
        """The id of the active account with this id or name (`Bank:Stripe` that of a sub-account). Raises Refused when there is none, or it
        takes no payments."""
        field = "Id" if wanted.isdecimal() else "FullyQualifiedName" if ":" in wanted else "Name"
        rows, hint = self._rows("Account", f"where {field} = {quoted(wanted)} MAXRESULTS 2"), "Correct `payment_account` in the policy."
        if len(rows) != 1:
            raise Refused(f"QuickBooks has {'several accounts' if rows else 'no active account'} {wanted!r} for payments.", hint=hint)
        kind = text_of(rows[0].get("AccountType"))
        if kind not in _TAKES_DEPOSITS:
            raise Refused(f"Payments cannot be deposited to {wanted!r} in QuickBooks, an account of the type {kind!r}.", hint=hint)
        return text_of(rows[0]["Id"])


class Families:
    """Which customer pays for which: a job that is billed with its parent belongs to that, and so up to the top."""

    def __init__(self, ask: Callable[[Iterable[str]], list[Row]]) -> None:
        """`ask` gives the customers with these ids."""
        self._ask = ask
        self._billed_to: dict[str, str] = {}

    def learn(self, rows: Iterable[Row]) -> None:
        """Take note of customers that were read."""
        for row in rows:
            above = ref_of(row.get("ParentRef")) if row.get("BillWithParent") else ""
            self._billed_to[row["Id"]] = above
            if above and row.get("Level") == 1:
                self._billed_to.setdefault(above, "")  # it is at the top, and need not be asked for

    def meet(self, documents: Iterable[Row]) -> list[Row]:
        """Read what is not known of the jobs on these documents, and of those above them. Returns the customers that were read.

        A job shows by the colon in its full name; who has no jobs is asked nothing.
        """
        jobs = {ref_of(row.get("CustomerRef")) for row in documents if ":" in mapping.name_of(row.get("CustomerRef"))}
        read: list[Row] = []
        for _level in range(_LEVELS):
            missing = sorted({self._top(job) for job in jobs} - self._billed_to.keys())
            if not missing:
                return read
            found = self._ask(missing)
            self.learn(found)
            self._billed_to |= {key: "" for key in missing if key not in self._billed_to}
            read += found
        return read

    def payer(self, row: Row) -> str:
        """The customer who pays for what this document is about."""
        return self._top(ref_of(row.get("CustomerRef")))

    def line_of(self, row: Row) -> set[str]:
        """The customer of a document and all above it to whom it is billed: whose money can be used on it."""
        key, line = ref_of(row.get("CustomerRef")), set[str]()
        for _level in range(_LEVELS):
            line.add(key)
            key = self._billed_to.get(key) or key
        return line | {key}

    def _top(self, key: str) -> str:
        for _level in range(_LEVELS):
            key = self._billed_to.get(key) or key
        return key


def _rows_in(said: Row, entity: str) -> list[Row]:
    response = said.get("QueryResponse")
    rows = response.get(entity, []) if isinstance(response, dict) else None
    if not isinstance(rows, list):
        raise BooksUnreadable(f"QuickBooks Online answers a question for {entity} without an answer.")
    return rows
