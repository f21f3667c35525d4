"""Who is who: the customers of the books by id and by name, and the people at them."""

from collections.abc import Iterator
from dataclasses import replace

from ...core.receivables import Contact, Customer
from .cells import CellProblem
from .mapping import customer_in_invoice, customer_key
from .table import Row
from .words import plain

_TRAITS = ("name", "email", "phone", "language", "country", "groups", "parent_id")


class People:
    """The customers known so far. With a file of customers it describes them all; without, each invoice's row describes its own."""

    def __init__(self) -> None:
        self.described = False
        self._by_id: dict[str, Customer] = {}
        self._by_plain: dict[str, set[str]] = {}

    def add(self, customer: Customer) -> None:
        """A row of the file of customers. Raises CellProblem when the id is taken."""
        if customer.id in self._by_id:
            raise CellProblem(f"a customer with the id “{customer.id}” comes twice; keep one of them")
        self._keep(customer)

    def add_contact(self, reference: str, contact: Contact) -> None:
        """A person at a customer. Raises CellProblem when the customer is not known."""
        key = self.find(reference)
        if key is None:
            raise CellProblem(f"there is no customer “{reference[:60]}”; correct it")
        customer = self._by_id[key]
        self._by_id[key] = replace(customer, contacts=(*customer.contacts, contact))

    def __iter__(self) -> Iterator[Customer]:
        for customer in self._by_id.values():
            yield self._with_parent(customer)

    def find(self, reference: str) -> str | None:
        """The id of the customer with this id or name. Raises CellProblem when several have the name."""
        if reference in self._by_id:
            return reference
        found = self._by_plain.get(plain(reference), set())
        if len(found) > 1:
            raise CellProblem(f"several customers are called “{reference[:60]}”: {', '.join(sorted(found)[:5])}; use their ids")
        return next(iter(found), None)

    def meet(self, row: Row) -> tuple[str, Customer | None]:
        """The customer of an invoice's row: the id, and the customer when this row makes it known or tells more of it."""
        reference = customer_key(row)
        key = self.find(row.text("customer") or row.text("customer_name"))
        if key is not None and (self.described or self._by_id[key].email or not row.has("email")):
            return key, None
        if key is None and self.described and not row.text("email"):
            return reference, None
        told = customer_in_invoice(row)
        if key is None:
            self._keep(told)
            return told.id, told
        known = self._by_id[key]
        fuller = replace(known, **{trait: getattr(known, trait) or getattr(told, trait) for trait in _TRAITS})
        if fuller == known:
            return key, None
        self._by_id[key] = fuller
        return key, fuller

    def contact_id(self, customer_id: str, reference: str) -> str:
        """The id of the contact to whom an invoice is addressed, by id, address or name; empty when there is none such."""
        if not reference or customer_id not in self._by_id:
            return ""
        wanted = plain(reference)
        for contact in self._by_id[customer_id].contacts:
            if reference in (contact.id, contact.email) or wanted == plain(contact.name):
                return contact.id
        return ""

    def _keep(self, customer: Customer) -> None:
        self._by_id[customer.id] = customer
        if name := plain(customer.name):
            self._by_plain.setdefault(name, set()).add(customer.id)

    def _with_parent(self, customer: Customer) -> Customer:
        """The parent may be told by its name; one that is not known is left out."""
        if not customer.parent_id:
            return customer
        try:
            parent = self.find(customer.parent_id)
        except CellProblem:
            parent = None
        return replace(customer, parent_id=parent or "")
