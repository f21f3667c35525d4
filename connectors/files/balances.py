"""Payments, credit notes and allocations against invoices: what each invoice still owes and what each credit still holds. Pure.

The money side is small and kept whole; invoices pass by one after the other. Where files contradict each other the customer is believed:
too much allocated is a problem that is reported, and the invoice counts as paid.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ...core.money import Money
from ...core.port import RowProblem
from ...core.receivables import Allocation, CreditKind, CreditNote, DocumentStatus, Payment
from .cells import CellProblem
from .mapping import InvoiceFacts, Source
from .own_money import OwnMoney, Standing, still_counting
from .people import People
from .states import Claim

_DAYS_UNTIL_ENTERED = 14
_BETWEEN_NUMBERS = re.compile(r"[,;|+&]|\s+(?:y|e|and)\s+")


def _key(reference: str) -> str:
    return " ".join(reference.split()).casefold()


@dataclass(frozen=True, slots=True)
class _Stated:
    """An allocation that a row states."""

    allocation: Allocation
    kind_said: str
    where: str


class Balances:
    """The money side of the books."""

    def __init__(self, people: People) -> None:
        self.problems: list[RowProblem] = []
        self._people = people
        self._sources: dict[str, Source] = {}
        self._by_reference: dict[str, str] = {}
        self._named: defaultdict[str, list[Source]] = defaultdict(list)
        self._stated: defaultdict[str, list[_Stated]] = defaultdict(list)
        self._own: defaultdict[str, list[OwnMoney]] = defaultdict(list)
        self.told_kinds: frozenset[CreditKind] = frozenset()
        """What the exports tell of: payments, credit notes."""
        self._held_invoices: dict[str, str] = {}
        self._held_customers: dict[str, str] = {}
        self._rows_of: defaultdict[str, list[str]] = defaultdict(list)

    # --- taking the rows ------------------------------------------------------------------------------------------------------

    def add_source(self, source: Source) -> None:
        """A payment or credit note. Raises CellProblem when it comes twice."""
        if source.status in (DocumentStatus.VOID, DocumentStatus.DRAFT, DocumentStatus.DELETED):
            return
        source.id = self._own_id(source)
        self._sources[source.id] = source
        for reference in (source.id, source.number):
            if reference:
                self._by_reference.setdefault(_key(reference), source.id)
        for name in self._names(source.names_invoice):
            self._named[name].append(source)

    def add_own(self, own: OwnMoney) -> None:
        """A credit or payment of ours that no row of the exports cites."""
        self._sources[own.source.id] = own.source
        for reference in (own.source.id, own.source.number):
            self._by_reference.setdefault(_key(reference), own.source.id)
        self._own[_key(own.invoice)].append(own)

    def follow(self, document: str, entered_as: str) -> None:
        """What was used on a document of ours is used on that in whose place the company entered it."""
        if document != entered_as:
            self._own[_key(entered_as)] += self._own.pop(_key(document), [])

    def _own_id(self, source: Source) -> str:
        """The ledger's id; of its several rows that pay different invoices, the later ones count on. Rows without an id are told apart by
        what they say, so that the id stays when other rows come in between."""
        key = source.id or f"{source.dated_on}/{source.customer or source.names_invoice}/{source.total.amount}"
        self._rows_of[key].append(source.names_invoice)
        earlier = self._rows_of[key][:-1]
        if source.id and earlier and (not source.names_invoice or source.names_invoice in earlier):
            raise CellProblem(f"“{source.id[:60]}” comes twice; keep one of them")
        return f"{key}#{len(earlier) + 1}" if earlier else key

    def _names(self, text: str) -> list[str]:
        """The invoices that a payment's row names: the text as a whole, and its parts when it lists several."""
        parts = [_key(part) for part in _BETWEEN_NUMBERS.split(text) if part.strip()]
        return list(dict.fromkeys([_key(text), *parts])) if text else []

    def add_allocation(self, allocation: Allocation, kind_said: str, where: str) -> None:
        """The use of a source on an invoice; both are references as the file has them."""
        self._stated[_key(allocation.invoice_id)].append(_Stated(allocation, kind_said, where))

    def hold(self, invoice: str, customer: str, reason: str) -> None:
        """A row on the money side could not be read: whom it concerns is not to be chased until it is corrected."""
        for name in self._names(invoice):
            self._held_invoices.setdefault(name, reason)
        if customer and not invoice:
            self._held_customers.setdefault(_key(customer), reason)

    # --- the invoices pass by -------------------------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known of money that came in."""
        return not (self._sources or self._stated)

    def held(self, claim: Claim, customer_id: str) -> str:
        """Why this invoice is not to be chased as far as the money side knows; empty when it may be."""
        if not (self._held_invoices or self._held_customers):
            return ""
        facts = claim.facts
        keys = (_key(facts.id), _key(facts.number))
        reason = next((self._held_invoices[key] for key in keys if key in self._held_invoices), "")
        return reason or self._held_customers.get(_key(customer_id), "") or self._held_customers.get(_key(facts.customer), "")

    def allocate(self, claims: list[Claim], customer_id: str) -> list[Allocation]:
        """What is used on this invoice: first what allocations state, then what payments that name it cover.

        An invoice whose own columns say what is outstanding takes no more than they say is paid.
        """
        if self.is_empty:
            return []
        facts = claims[0].facts
        keys = dict.fromkeys((_key(facts.id), _key(facts.number)))
        currency = facts.total.currency
        own = self._own_on(claims)
        self._take_off(claims, own)
        room = sum((_room(claim) for claim in claims), start=Decimal(0))
        stated = [self._take_stated(one, claims[0]) for key in keys for one in self._stated.pop(key, ())]
        done = [allocation for allocation in stated if allocation]
        room -= sum((allocation.amount.amount for allocation in done), start=Decimal(0))
        if room < 0 and all(claim.outstanding is None for claim in claims):
            self.problems.append(RowProblem(facts.where, f"{facts.number} has {-room} {currency} too much allocated; correct the amounts"))
        for source in (source for key in keys for source in self._named.get(key, ())):
            source.customer = source.customer or customer_id
            used = self._take_named(source, facts, room)
            room -= used
            if used:
                done.append(_used_on(facts, source, used))
        return [*done, *self._own_used(claims, own, room, done)] if own else done

    # --- what we recorded ourselves -------------------------------------------------------------------------------------------

    def _own_on(self, claims: list[Claim]) -> list[OwnMoney]:
        """What is ours on this invoice, without what the company entered in files that tell of it."""
        own = self._own.get(_key(claims[0].facts.id), []) if self._own else []
        if not own or said_outstanding(claims) is not None:
            return own
        return [one for one in own if one.standing is not Standing.ENTERED or one.source.kind not in self.told_kinds]

    def _take_off(self, claims: list[Claim], own: list[OwnMoney]) -> None:
        """Take what the export does not know of yet off its figure of what is outstanding."""
        said = said_outstanding(claims)
        if not own or said is None or claims[0].status is not DocumentStatus.OPEN:
            return
        counting = still_counting(own, said)
        if counting is None:
            names = ", ".join(one.source.number for one in own if one.standing is Standing.UNSAID)
            self._doubt(claims[0].facts, own[0], f"it is not clear whether {names} of ours is in what the books say is outstanding")
            return
        for claim in claims:
            if claim.outstanding is not None:
                taken = min(counting, claim.outstanding.amount)
                counting -= taken
                claim.outstanding = Money(claim.outstanding.amount - taken, claim.outstanding.currency)

    def _own_used(self, claims: list[Claim], own: list[OwnMoney], room: Decimal, theirs: list[Allocation]) -> Iterator[Allocation]:
        """What is ours covers what theirs left."""
        facts, tells = claims[0].facts, said_outstanding(claims) is not None
        for one in own:
            used = self._take_named(one.source, facts, room)
            room -= used
            if used:
                yield _used_on(facts, one.source, used)
            if used and not tells and one.standing is Standing.UNSAID and any(_may_be(one, each) for each in theirs):
                self._doubt(facts, one, f"{one.source.total} of {one.source.number} may stand in the books a second time")

    def _doubt(self, facts: InvoiceFacts, one: OwnMoney, what: str) -> None:
        """A person has to look before the invoice is chased."""
        self._held_invoices.setdefault(_key(facts.id), what)
        self.problems.append(RowProblem(one.source.where, f"{what} ({facts.number}); write entered or open into the status of the row"))

    def _take_stated(self, stated: _Stated, claim: Claim) -> Allocation | None:
        facts, allocation = claim.facts, stated.allocation
        source = self._use(stated)
        if allocation.amount.currency != facts.total.currency:
            self._hold_for_currency(facts, stated.where, allocation.amount.currency)
            return None
        if source is None:
            on = allocation.allocated_on if allocation.allocated_on > date.min else facts.issued_on
            return replace(allocation, invoice_id=facts.id, allocated_on=on)
        on = allocation.allocated_on if allocation.allocated_on > date.min else source.dated_on
        return replace(allocation, invoice_id=facts.id, source_id=source.id, source_kind=source.kind, allocated_on=on)

    def _hold_for_currency(self, facts: InvoiceFacts, where: str, currency: str) -> None:
        self._held_invoices[_key(facts.id)] = f"a payment of it is in {currency} ({where})"
        self.problems.append(RowProblem(where, f"is in {currency} for an invoice in {facts.total.currency}; convert or correct it"))

    def _use(self, stated: _Stated) -> Source | None:
        """Count the allocation as used of its source."""
        found = self._by_reference.get(_key(stated.allocation.source_id))
        source = self._sources[found] if found else None
        if source is None:
            return None
        source.met_invoice = True
        if source.total.currency == stated.allocation.amount.currency:
            source.used += stated.allocation.amount.amount
        if source.used > source.total.amount:
            self.problems.append(
                RowProblem(stated.where, f"allocates more than the {source.total} of {source.number or source.id}; correct the amounts")
            )
        return source

    def _take_named(self, source: Source, facts: InvoiceFacts, room: Decimal) -> Decimal:
        source.met_invoice = True
        if source.total.currency != facts.total.currency:
            self._hold_for_currency(facts, source.where, source.total.currency)
            return Decimal(0)
        rest = source.rest if source.rest_said is None else max(source.total.amount - source.rest_said.amount - source.used, Decimal(0))
        used = max(min(rest, room), Decimal(0))
        source.used += used
        return used

    # --- what is left ---------------------------------------------------------------------------------------------------------

    def settle_rest(self) -> None:
        """Count the allocations to invoices that are not in the books any more as used."""
        for stated in self._stated.values():
            for one in stated:
                self._use(one)
        self._stated.clear()

    def documents(self, day: date) -> Iterator[Payment | CreditNote]:
        """The payments and credit notes with what is left of them, after all invoices have passed by."""
        for source in self._sources.values():
            customer = self._customer_of(source)
            if not customer or (source.is_own and not source.used):
                continue
            rest = self._rest(source)
            status = DocumentStatus.OPEN if rest.is_positive else DocumentStatus.PAID
            if source.kind is CreditKind.PAYMENT:
                yield Payment(source.id, customer, source.dated_on, source.total, rest, source.reference, status)
            else:
                if source.dated_on > day:
                    status = DocumentStatus.DRAFT
                yield CreditNote(source.id, source.number, customer, source.dated_on, source.total, rest, status)

    def _rest(self, source: Source) -> Money:
        """What is left: as the file says, else what was not used. What names an invoice that is not in the books was used there; what of
        ours found no room on its invoice was entered by the company, for no more is recorded than is owed."""
        if source.is_own:
            return Money.zero(source.total.currency)
        if source.rest_said is not None:
            return source.rest_said
        if source.names_invoice and not source.met_invoice:
            return Money.zero(source.total.currency)
        return Money(source.rest, source.total.currency) if source.rest else Money.zero(source.total.currency)

    def _customer_of(self, source: Source) -> str:
        """The customer's id; a source that names only an invoice belongs to nobody once that is gone."""
        if not source.customer:
            return ""
        try:
            return self._people.find(source.customer) or source.customer
        except CellProblem as problem:
            self.problems.append(RowProblem(source.where, str(problem)))
            return ""

    def last_entry_on(self, day: date) -> date | None:
        """The newest payment up to that day that the exports tell."""
        paid = (source.dated_on for source in self._sources.values() if source.kind is CreditKind.PAYMENT and not source.is_own)
        return max((on for on in paid if on <= day), default=None)


def _used_on(facts: InvoiceFacts, source: Source, used: Decimal) -> Allocation:
    money = Money(used, facts.total.currency)
    return Allocation(f"{source.id}>{facts.id}", facts.id, source.id, source.kind, money, source.dated_on)


def said_outstanding(claims: list[Claim]) -> Decimal | None:
    """What the export's own columns say is outstanding on an invoice; None when they do not."""
    parts = [claim.outstanding.amount for claim in claims if claim.outstanding is not None]
    return sum(parts, start=Decimal(0)) if len(parts) == len(claims) else None


def _may_be(one: OwnMoney, theirs: Allocation) -> bool:
    """Whether the exports' use of the same amount some days later, which cites nothing, may be ours, or be more money."""
    days = (theirs.allocated_on - one.source.dated_on).days
    same = (theirs.source_kind, theirs.amount) == (one.source.kind, one.source.total)
    return same and theirs.source_id != one.source.id and 0 <= days <= _DAYS_UNTIL_ENTERED


def _room(claim: Claim) -> Decimal:
    """How much of an invoice or instalment payments may cover."""
    return claim.total.amount if claim.outstanding is None else claim.total.amount - claim.outstanding.amount
