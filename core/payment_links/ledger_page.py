"""The ledger's own page for an invoice, where the customer can see and pay it."""

from collections.abc import Callable, Mapping, Sequence

from ..dunning.facts import Action

Ask = Callable[[Sequence[str]], Mapping[str, str]]
"""Asks the ledger for the pages of these invoices; it makes those that are missing."""


def ledger_pages(action: Action, ask: Ask | None) -> dict[str, str]:
    """The pages of the action's invoices, by invoice id: those that came with the books, and the rest from `ask` where there is one."""
    known = {entry.item.invoice_id: entry.item.page_url for entry in action.items if entry.item.page_url}
    missing = list(dict.fromkeys(entry.item.invoice_id for entry in action.items if entry.item.invoice_id not in known))
    return {**known, **ask(missing)} if ask is not None and missing else known
