"""One reading of the books on one day: from the files to a stream of customers, documents and problems.

One row an invoice streams: memory holds the customers, the money side and one key an invoice. Instalments and lines are first gathered by
invoice, so those shapes are held whole.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ...core.errors import BooksUnreadable
from ...core.money import Money
from ...core.port import RowProblem
from ...core.receivables import Allocation, CreditKind, CreditNote, Customer, Invoice, Payment
from .balances import Balances, said_outstanding
from .books import BookFile
from .cells import CellProblem
from .charges import facts_of, names_of
from .mapping import InvoiceFacts, Source, allocation_of, contact_of, credit_note_of, customer_of, invoice_facts, payment_of
from .own import Stored
from .own_money import OwnMoney, own_money, voids
from .people import People
from .settings import FilesSettings
from .states import Claim, claim_on, credit_note_among_invoices, instalments_in_order, invoice_from, joined_lines, overpaid
from .table import Conventions, Row, Table

Told = Customer | Invoice | CreditNote | Payment | Allocation | RowProblem
_SAYS_WHAT_IS_PAID = frozenset({"outstanding", "paid", "settled_on", "status"})


@dataclass(frozen=True, slots=True)
class OwnRows:
    """The rows of our own files, and the names of these files."""

    charges: Sequence[Stored] = ()
    credits: Sequence[Stored] = ()
    payments: Sequence[Stored] = ()
    charges_file: str = ""
    credits_file: str = ""
    payments_file: str = ""


class Reading:
    """One reading; `told` is gone through once. `own` is what stands in our own files.

    `said` is filled, where it is given, with what the exports say is outstanding on each open invoice, and `entered_as` with the invoice
    that took the place of a late charge of ours.

    Afterwards `changes_on` is the next day on which the same files say something else, and `last_bank_entry_on` the newest payment or
    settlement up to the day of reading.
    """

    def __init__(
        self,
        settings: FilesSettings,
        files: tuple[BookFile, ...],
        day: date,
        own: OwnRows | None = None,
        said: dict[str, Money] | None = None,
    ) -> None:
        self.settings = settings
        self.day = day
        self.changes_on: date | None = None
        self.last_bank_entry_on: date | None = None
        self._tables = [Table(file) for file in files]
        self._people = People()
        self._balances = Balances(self._people)
        self.entered_as: dict[str, str] = {}
        self._said = said
        self._own = own or OwnRows()
        self._charges = {row.get("marker", ""): row for row in self._own.charges}
        self._charge_called = {name: key for key, row in self._charges.items() for name in (key, row.get("number", "")) if name}
        self._own_money: list[OwnMoney] = []
        self._spoilt: dict[str, str] = {}
        self._good = 0
        self._first_problem: RowProblem | None = None

    def check(self) -> None:
        """See that every file can be understood. Raises BooksUnreadable."""
        self._check_something_says_paid()
        for table in self._tables:
            table.conventions()

    def told(self) -> Iterator[Told]:
        """Customers, then invoices with their allocations and our late charges, then payments and credit notes; problems in between.

        Raises BooksUnreadable when a file cannot be understood or was cut off, or when not one invoice could be read.
        """
        yield from self._read_people()
        yield from self._read_money()
        self._check_something_says_paid()
        for told in self._read_invoices():
            if isinstance(told, RowProblem):
                self._first_problem = self._first_problem or told
            yield told
        if self._first_problem and not self._good:
            raise BooksUnreadable(f"{self._first_problem.where} {self._first_problem.what}", hint="No invoice could be read.")
        yield from self._read_charges()
        self._balances.settle_rest()
        yield from self._balances.documents(self.day)
        yield from self._balances.problems
        self._see_bank_entry(self._balances.last_entry_on(self.day))

    def _of(self, kind: str) -> list[Table]:
        return [table for table in self._tables if table.file.kind == kind]

    def _each(self, kind: str, take: Callable[[Row], None], failed: Callable[[Row, str], None] | None = None) -> Iterator[RowProblem]:
        """Take every row of these files; what cannot be taken is a problem."""
        for table in self._of(kind):
            for row in table.rows(table.conventions()):
                if isinstance(row, RowProblem):
                    yield row
                    continue
                try:
                    take(row)
                except CellProblem as problem:
                    if not table.is_footer(row):
                        if failed:
                            failed(row, str(problem))
                        yield RowProblem(row.where, str(problem))

    def _read_people(self) -> Iterator[Told]:
        self._people.described = bool(self._of("customers"))
        yield from self._each("customers", lambda row: self._people.add(customer_of(row)))
        yield from self._each("contacts", lambda row: self._people.add_contact(*contact_of(row, row.line)))
        yield from self._people

    # --- the money side -------------------------------------------------------------------------------------------------------

    def _read_money(self) -> Iterator[RowProblem]:
        default = self.settings.currency
        yield from self._read_own_money()
        yield from self._each("payments", lambda row: self._take_source(payment_of(row, default)), self._hold)
        yield from self._each("credit_notes", lambda row: self._take_source(credit_note_of(row, default)), self._hold)
        told = {"payments": CreditKind.PAYMENT, "credit_notes": CreditKind.CREDIT_NOTE}
        self._balances.told_kinds = frozenset(kind for name, kind in told.items() if self._of(name) or self._of("allocations"))
        for one in self._own_money:
            self._balances.add_own(one)
        yield from self._each("allocations", self._take_allocation, self._hold)

    def _read_own_money(self) -> Iterator[RowProblem]:
        """The credits and payments of our own files; while one cannot be read, its invoice is not to be chased."""
        own = self._own
        files = ((own.credits_file, CreditKind.CREDIT_NOTE, own.credits), (own.payments_file, CreditKind.PAYMENT, own.payments))
        for name, kind, row in ((name, kind, row) for name, kind, rows in files for row in rows):
            where = f"{name}: {row.get('marker') or 'a row'}"
            try:
                found = own_money(row, kind, where)
            except CellProblem as problem:
                self._balances.hold(row.get("invoice", ""), row.get("customer", ""), f"{where} {problem}")
                yield RowProblem(where, str(problem))
                continue
            self._own_money += [found] if found else []

    def _take_source(self, source: Source) -> None:
        """A payment or credit note of the exports; what is ours and was entered there is told from there alone."""
        self._balances.add_source(source)
        if self._own_money:
            self._own_money = [one for one in self._own_money if not one.is_in(source)]

    def _take_allocation(self, row: Row) -> None:
        allocation, kind_said = allocation_of(row, self.settings.currency)
        self._balances.add_allocation(allocation, kind_said, row.where)

    def _hold(self, row: Row, problem: str) -> None:
        self._balances.hold(row.text("invoice"), row.text("customer"), f"{row.where} {problem}")

    def _check_something_says_paid(self) -> None:
        if self._of("payments") or self._of("allocations"):
            return
        for table in self._of("invoices"):
            if table.told.isdisjoint(_SAYS_WHAT_IS_PAID):
                raise BooksUnreadable(
                    f"{table.file.name}: nothing says what has been paid",
                    hint="Map one of the columns outstanding, paid, settled_on or status, or add a file of payments.",
                )

    # --- the invoices ---------------------------------------------------------------------------------------------------------

    def _read_invoices(self) -> Iterator[Told]:
        shape = self.settings.files.invoices.rows
        yield from self._one_row_each() if shape == "invoice" else self._gathered(shape)

    def _facts(self, table: Table, conventions: Conventions) -> Iterator[tuple[Row, InvoiceFacts] | RowProblem]:
        for row in table.rows(conventions):
            if isinstance(row, RowProblem):
                yield row
                continue
            try:
                yield row, invoice_facts(row, self.settings)
            except CellProblem as problem:
                if not table.is_footer(row):
                    self._spoilt.setdefault(row.text("id") or row.text("number"), row.where)
                    yield RowProblem(row.where, str(problem))

    def _one_row_each(self) -> Iterator[Told]:
        tables = self._of("invoices")
        seen: set[str] | None = set() if len(tables) > 1 else None
        for table in tables:
            conventions = table.conventions(unique=True)
            for found in self._facts(table, conventions):
                if isinstance(found, RowProblem):
                    yield found
                    continue
                row, facts = found
                if facts.id in conventions.repeated or (seen is not None and facts.id in seen):
                    yield RowProblem(
                        row.where, f"{facts.number} stands on several rows; say rows: instalment or rows: line, or keep one row"
                    )
                    continue
                if seen is not None:
                    seen.add(facts.id)
                yield from self._invoice(row, [facts])

    def _gathered(self, shape: str) -> Iterator[Told]:
        rows: dict[str, list[tuple[Row, InvoiceFacts]]] = {}
        for table in self._of("invoices"):
            for found in self._facts(table, table.conventions()):
                if isinstance(found, RowProblem):
                    yield found
                else:
                    rows.setdefault(found[1].id, []).append(found)
        for key, of_invoice in rows.items():
            if key in self._spoilt:
                yield RowProblem(of_invoice[0][0].where, f"belongs to the same invoice as {self._spoilt[key]}, which cannot be read")
            else:
                yield from self._invoice_of_rows([facts for _row, facts in of_invoice], of_invoice[0][0], shape)

    def _invoice_of_rows(self, facts: list[InvoiceFacts], first: Row, shape: str) -> Iterator[Told]:
        try:
            joined = [joined_lines(facts)] if shape == "line" else facts
        except CellProblem as problem:
            yield RowProblem(facts[-1].where, str(problem))
            return
        yield from self._invoice(first, joined)

    def _invoice(self, row: Row, facts: list[InvoiceFacts]) -> Iterator[Told]:
        """The invoice, with its customer when this row makes it known, its allocations and what was overpaid."""
        try:
            claims = [claim_on(one, self.day, self.settings.files.invoices.short_settlement) for one in facts]
            if len(claims) > 1:
                claims = instalments_in_order(claims)
            customer_id, customer = self._people.meet(row)
            if claims[0].is_credit and not self._is_own_credit(facts[0]):
                self._balances.add_source(credit_note_among_invoices(claims[0], customer_id, facts[0].where))
        except CellProblem as problem:
            yield RowProblem(facts[-1].where, str(problem))
            return
        if customer:
            yield customer
        self._note_times(claims)
        self._good += 1
        if not claims[0].is_credit:
            yield from self._document(claims, customer_id)

    def _document(self, claims: list[Claim], customer_id: str) -> Iterator[Told]:
        is_charge = self._is_charge(claims[0].facts)
        if self._said is not None and (said := said_outstanding(claims)) is not None:
            self._said[claims[0].facts.id] = Money(said, claims[0].total.currency)
        allocations = self._balances.allocate(claims, customer_id)
        allocated = sum((one.amount.amount for one in allocations), start=Decimal(0))
        contact = self._people.contact_id(customer_id, claims[0].facts.contact)
        invoice = invoice_from(claims, customer_id, contact, allocated, self._balances.held(claims[0], customer_id))
        yield replace(invoice, is_late_charge=True) if is_charge else invoice
        yield from allocations
        if len(claims) == 1 and (credit := overpaid(claims[0], customer_id)):
            yield credit

    def _is_charge(self, facts: InvoiceFacts) -> bool:
        """Whether it is a late charge of ours. One that the company entered in its own books is told from there alone."""
        if not self._charge_called:
            return False
        called = {self._charge_called[name] for name in names_of(facts) if name in self._charge_called}
        for marker in called:
            self._charges.pop(marker, None)
            self._balances.follow(marker, facts.id)
            self.entered_as[marker] = facts.id
        return bool(called)

    def _is_own_credit(self, facts: InvoiceFacts) -> bool:
        """Whether a negative invoice is a credit of ours, which counts on its invoice already."""
        names = {name for one in self._own_money for name in (one.source.id, one.source.number)}
        return not names.isdisjoint(names_of(facts))

    def _read_charges(self) -> Iterator[Told]:
        """The late charges of our own file that no export has taken over."""
        voided = self._voided()
        for marker, row in list(self._charges.items()):
            where = f"{self._own.charges_file}: {marker or 'a row'}"
            try:
                claim = claim_on(facts_of(row, where, is_void=marker in voided), self.day, "paid")
            except CellProblem as problem:
                yield RowProblem(where, str(problem))
                continue
            self._note_times([claim])
            yield from self._document([claim], claim.facts.customer)

    def _voided(self) -> set[str]:
        """The late charges that we took back."""
        found: set[str] = set()
        for row in self._own.credits:
            with suppress(CellProblem):  # a status that is not known was told when the row was read
                found.add(voids(row))
        return found

    def _note_times(self, claims: list[Claim]) -> None:
        for claim in claims:
            if claim.changes_on and (self.changes_on is None or claim.changes_on < self.changes_on):
                self.changes_on = claim.changes_on
            self._see_bank_entry(claim.settled_on)

    @property
    def dates_payments(self) -> bool:
        """Whether the books say when anything was paid; an export with one column for what is outstanding does not."""
        return bool(self._of("payments")) or any("settled_on" in table.told for table in self._of("invoices"))

    def _see_bank_entry(self, on: date | None) -> None:
        if on and on <= self.day and (self.last_bank_entry_on is None or on > self.last_bank_entry_on):
            self.last_bank_entry_on = on
