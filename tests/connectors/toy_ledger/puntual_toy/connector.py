"""Toy Books behind Puntual's port, method by method."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from puntual.connectors.http import Transport, understood
from puntual.connectors.oauth import Tokens
from puntual.core.bookings import ChargeMade, ExpectedPayment, LateCharge, Note, PaymentReceived, PaymentRecorded, our_marks
from puntual.core.errors import Refused, UnexpectedResponse
from puntual.core.port import Capability, Cursor, LedgerConnector, Page, Recheck, Surroundings, recordable
from puntual.core.receivables import Company, Invoice

from . import mapping
from .authorizer import ToyAuthorizer
from .settings import ToySettings
from .wire import Wire


class ToyConnector(LedgerConnector):
    """The connector for Toy Books."""

    name = "toy"
    capabilities = frozenset(
        {
            Capability.NOTES,
            Capability.LATE_CHARGES,
            Capability.RECORDED_PAYMENTS,
            Capability.EARLY_DISCOUNTS,
            Capability.EXPECTED_PAYMENTS,
        }
    )
    settings: ToySettings

    def __init__(self, settings: ToySettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._authorizer = ToyAuthorizer(settings, surroundings)
        self.transport = Transport(settings.url, ledger="Toy Books", now=surroundings.now)
        tokens = Tokens(surroundings.vault, self._authorizer.refresh, surroundings.now, early=timedelta(minutes=1))
        self._wire = Wire(self.transport, tokens)

    def close(self) -> None:
        self._authorizer.close()
        self.transport.close()

    @understood("Toy Books")
    def check(self) -> Company:
        row = self._wire.company()
        return Company(row["id"], row["name"], row["country"], row["currency"])

    # --- reading --------------------------------------------------------------------------------------------------------------

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """A cursor is `since:` or, from within a complete pass, `pass:`, and the number of the last change that was read."""
        known = re.fullmatch(r"(since|pass):([0-9]{1,18})", cursor or "")
        whole, after = known is None or known[1] == "pass", int(known[2]) if known else 0
        starts = known is None
        with understood("Toy Books"):
            while True:
                said = self._wire.changes(after, self.settings.page_size)
                after, more = int(said["last"]), bool(said["more"])
                stage = "pass" if whole and more else "since"
                yield mapping.page(said, Cursor(f"{stage}:{after}"), starts_pass=starts, ends_pass=whole and not more)
                starts = False
                if not more:
                    return

    @understood("Toy Books")
    def recheck(self, invoice_ids: Sequence[str]) -> Recheck:
        if not invoice_ids:
            return Recheck(())
        said = self._wire.invoices(dict.fromkeys(invoice_ids))
        return Recheck(tuple(mapping.readable_invoices(said["invoices"])), tuple(map(mapping.unapplied, said["credits"])))

    # --- writing --------------------------------------------------------------------------------------------------------------

    @understood("Toy Books")
    def _find_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        there = self._wire.notes(dict.fromkeys(note.invoice_id for note in notes)) if notes else ()
        found = {(row["invoice"], marker): str(row["id"]) for row in there for marker in our_marks(row["text"])}
        places = {note.marker: (note.invoice_id, note.marker) for note in notes}
        return {marker: found[place] for marker, place in places.items() if place in found}

    @understood("Toy Books")
    def _add_notes(self, notes: Sequence[Note]) -> Mapping[str, str]:
        made = self._wire.add_notes([{"invoice": note.invoice_id, "text": note.text} for note in notes])
        return {note.marker: str(key) for note, key in zip(notes, made, strict=True) if key}

    @understood("Toy Books")
    def _find_charges(self, charges: Sequence[LateCharge]) -> Mapping[str, ChargeMade]:
        rows = self._wire.marked([charge.marker for charge in charges])
        made = [mapping.charge_in(row, charge.marker) for charge in charges for row in rows]
        return {each.marker: each for each in made if each}

    @understood("Toy Books")
    def _add_charge(self, charge: LateCharge, invoice: Invoice) -> ChargeMade:
        tax = self._tax(charge)
        if charge.on_invoice:
            try:
                return self._made(self._wire.add_line(invoice.id, mapping.charge_line(charge, tax)), charge)
            except Refused:
                pass  # something was paid, or the period is locked: a document of its own says the same
        return self._made(self._wire.add_invoice(mapping.charge_document(charge, tax)), charge)

    def _tax(self, charge: LateCharge) -> str:
        if charge.is_taxed and not self.settings.charge_tax:
            raise Refused("Tax is due on the late charge, and no setting names it.", hint="Set `charge_tax` under `ledger` in the policy.")
        return self.settings.charge_tax if charge.is_taxed else ""

    @staticmethod
    def _made(row: mapping.Row, charge: LateCharge) -> ChargeMade:
        made = mapping.charge_in(row, charge.marker)
        if made is None:
            raise UnexpectedResponse("Toy Books answered without the charge that was made.")
        return made

    @understood("Toy Books")
    def _find_payments(self, payments: Sequence[PaymentReceived]) -> Mapping[str, PaymentRecorded]:
        rows = self._wire.marked_payments([payment.marker for payment in payments])
        made = [mapping.payment_in(row, payment.marker) for payment in payments for row in rows]
        return {each.marker: each for each in made if each}

    @understood("Toy Books")
    def _add_payment(self, payment: PaymentReceived) -> PaymentRecorded:
        if not self.settings.payment_account:
            raise Refused("No setting says into which account it goes.", hint="Set `payment_account` under `ledger` in the policy.")
        now = {invoice.id: invoice for invoice in self.recheck([payment.invoice_id]).invoices}
        recordable(payment, now.get(payment.invoice_id))
        made = mapping.payment_in(self._wire.add_payment(mapping.payment_order(payment, self.settings.payment_account)), payment.marker)
        if made is None:
            raise UnexpectedResponse("Toy Books answered without the payment that was made.")
        return made

    @understood("Toy Books")
    def put_expected_payments(self, expected: Sequence[ExpectedPayment]) -> Collection[str]:
        if not expected:
            return ()
        there = {row["id"]: row["expected"] for row in self._wire.invoices([one.invoice_id for one in expected])["invoices"]}
        wanted = [one for one in expected if one.invoice_id in there]
        stays = [one.invoice_id for one in wanted if mapping.is_someone_elses(there[one.invoice_id], one)]
        days = {one.invoice_id: str(one.expected_on) if one.expected_on else None for one in wanted if one.invoice_id not in stays}
        return [*stays, *(self._wire.expect(days) if days else ())]
