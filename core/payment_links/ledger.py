"""The ledger's own page for an invoice as a provider of payment links."""

from collections.abc import Callable, Mapping, Sequence

from .port import BeingPaid, EndedLink, LinkKind, LinkRequest, PaymentLink, Unavailable

Ask = Callable[[Sequence[str]], Mapping[str, str]]
"""Asks the ledger for the pages of these invoices; it makes those that are missing."""


class LedgerPages:
    """Links to the pages that the ledger has or makes. The page shows what the ledger says is owed whenever it is opened, so it never
    has to be ended. `ask` is None where the ledger makes none: only pages that came with the books are used."""

    id = "ledger"
    kind = LinkKind.PAGE

    def __init__(self, ask: Ask | None) -> None:
        self._ask = ask

    def can_pay(self, request: LinkRequest) -> str | None:
        """It shows one invoice at a time."""
        if not request.invoice_id:
            return "the ledger's page shows one invoice at a time"
        return None if self._ask is not None or request.page_url else "the ledger has no page for this invoice"

    def links(self, requests: Sequence[LinkRequest]) -> Mapping[str, PaymentLink | Unavailable]:
        """The pages that came with the books, and the rest in one question to the ledger. Raises what the ledger raises."""
        missing = list(dict.fromkeys(request.invoice_id for request in requests if not request.page_url))
        asked = self._ask(missing) if missing and self._ask is not None else {}
        return {request.key: self._link(request.page_url or asked.get(request.invoice_id, ""), request) for request in requests}

    def _link(self, url: str, request: LinkRequest) -> PaymentLink | Unavailable:
        if not url:
            return Unavailable(self.id, "the ledger has no page for this invoice")
        return PaymentLink(url, self.kind, None, None, self.id, request.invoice_id)

    def being_paid(self, requests: Sequence[LinkRequest]) -> Mapping[str, BeingPaid]:
        """The books say it themselves."""
        return {}

    def retire(self, ended: Sequence[EndedLink]) -> frozenset[str]:
        """Nothing to do: the ledger's page says by itself that nothing is owed."""
        return frozenset()
