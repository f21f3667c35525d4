"""What the settings name, looked up in Odoo: the account, product, tax and journal of late charges, the journal of recorded payments."""

from typing import Any

from ...core.errors import CompanyMustAct, Refused
from ..lazily import cached_property
from .reader import MOVE, Domain, OdooReader
from .settings import ChargeDocument, OdooSettings

_FOR_CHARGES, _FOR_PAYMENTS = "late charges", "recorded payments"


class Named:
    """The ids of what the settings of one company name. Each is looked up once, and raises Refused when it is not there."""

    def __init__(self, reader: OdooReader, settings: OdooSettings) -> None:
        self._reader = reader
        self._settings = settings

    def check(self) -> None:
        """See that what the settings name is there, if they name anything. Raises CompanyMustAct."""
        settings = self._settings
        try:
            if settings.charge_account or settings.charge_product:
                _ = self._line, self.charge_journal, self.is_debit_note, settings.charge_tax and self._tax
            if settings.payment_journal:
                _ = self.payment_journal
        except Refused as missing:
            raise CompanyMustAct(missing.detail, hint=missing.hint) from None

    def line(self, *, is_taxed: bool) -> dict[str, Any]:
        """What the lines of all charges have in common. The taxes are always named: Odoo would add its default ones."""
        return {**self._line, "tax_ids": [[6, 0, [self._tax] if is_taxed else []]]}

    @cached_property
    def _line(self) -> dict[str, Any]:
        settings = self._settings
        if not (settings.charge_account or settings.charge_product):
            raise Refused(
                "The policy does not say to which account in Odoo late charges go.",
                hint="Set `charge_account` under `ledger` to the code of an income account, or `charge_product`.",
            )
        line: dict[str, Any] = {}
        if settings.charge_account:
            income = [["code", "=", settings.charge_account], ["account_type", "in", ["income", "income_other"]]]
            line["account_id"] = self._one("account.account", income, "charge_account", "income account")
        if settings.charge_product:
            line["product_id"] = self._one("product.product", _named("default_code", settings.charge_product), "charge_product", "product")
        return line

    @cached_property
    def _tax(self) -> int:
        if not self._settings.charge_tax:
            raise Refused(
                "Tax is due on this late charge, and the policy does not say which tax in Odoo that is.",
                hint="Set `charge_tax` under `ledger` to the name of a sales tax.",
            )
        sales_tax = [["type_tax_use", "=", "sale"], *_named("name", self._settings.charge_tax)]
        return self._one("account.tax", sales_tax, "charge_tax", "sales tax")

    @cached_property
    def charge_journal(self) -> int:
        """The journal of late charges; 0 for that of the invoice."""
        code = self._settings.charge_journal
        return self._one("account.journal", [["type", "=", "sale"], ["code", "=", code]], "charge_journal", "sales journal") if code else 0

    @cached_property
    def is_debit_note(self) -> bool:
        """Whether late charges are debit notes."""
        if self._settings.charge_document is ChargeDocument.INVOICE:
            return False
        if not self._reader.has_field(MOVE, "debit_origin_id"):
            raise Refused("Odoo has no debit notes.", hint="Install the module account_debit_note, or set `charge_document` to invoice.")
        return True

    @cached_property
    def payment_journal(self) -> int:
        """The journal that payments from a provider's pay page are recorded in."""
        code = self._settings.payment_journal
        if not code:
            raise Refused(
                "The policy does not say in which journal in Odoo payments from a pay page are recorded.",
                hint="Set `payment_journal` under `ledger` to the short code of a bank or cash journal, or record the payment by hand.",
            )
        money = [["type", "in", ["bank", "cash", "credit"]], ["code", "=", code]]
        return self._one("account.journal", money, "payment_journal", "bank or cash journal", _FOR_PAYMENTS)

    def _one(self, model: str, domain: Domain, setting: str, what: str, purpose: str = _FOR_CHARGES) -> int:
        ids = self._reader.ids_in_company(model, domain)
        if len(ids) == 1:
            return ids[0]
        there = f"{len(ids)} of them" if ids else "none"
        raise Refused(
            f"The policy names the {what} {getattr(self._settings, setting)!r} for {purpose}, and Odoo has {there}.",
            hint=f"Correct `{setting}` under `ledger`.",
        )


def _named(field: str, wanted: str) -> Domain:
    by_name = [field, "=", wanted]
    return ["|", by_name, ["id", "=", int(wanted)]] if wanted.isdecimal() else [by_name]
