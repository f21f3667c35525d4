"""What a policy says about an Odoo ledger."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ...core.secret import Secret
from ..http import secure_base_url


class OdooTransport(StrEnum):
    """Which external API is spoken. `auto`: JSON-2 where the server has it (Odoo 19 and later), else JSON-RPC."""

    AUTO = "auto"
    JSONRPC = "jsonrpc"
    JSON2 = "json2"


class ChargeDocument(StrEnum):
    """What a late charge is in Odoo: an invoice, or a debit note of the invoice (module account_debit_note)."""

    INVOICE = "invoice"
    DEBIT_NOTE = "debit_note"


class OdooSettings(BaseModel):
    """The settings of the Odoo connector; strict and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    url: str = Field(description="Address of the Odoo server: https://books.example.com")
    database: Annotated[str, Field(min_length=1)] = Field(description="Name of the Odoo database")
    login: Annotated[str, Field(min_length=1)] = Field(description="Login of a user of Puntual's own, with the group Invoicing")
    api_key: Secret = Field(description="API key of that user, by reference only: ${NAME_OF_AN_ENVIRONMENT_VARIABLE} or ${file:/path}")
    company_id: Annotated[int, Field(ge=1)] | None = Field(None, description="Id of the company in Odoo, when the user may see several")
    public_url: str = Field("", description="Address under which customers reach Odoo's portal, when it is another one than url")
    page_size: Annotated[int, Field(ge=1, le=1000)] = Field(1000, description="Documents read with one call")
    overlap_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        10,
        description="How far a reading reaches back into the one before: more than Odoo's longest transaction and the clocks' difference",
    )
    call_task_user: str = Field("", description="Login of the person who gets call tasks; else the invoice's salesperson gets them")
    charge_account: str = Field("", description="Code of the income account that late charges go to; without it or a product none are made")
    charge_product: str = Field("", description="Internal reference, or id, of the product that late charges are invoiced with")
    charge_tax: str = Field("", description="Exact name, or id, of the sales tax on late charges that tax is due on")
    charge_journal: str = Field("", description="Short code of the sales journal for late charges; else that of the invoice")
    charge_document: Annotated[ChargeDocument, Field(strict=False)] = Field(
        ChargeDocument.INVOICE, description="invoice, or debit_note where the module account_debit_note is installed"
    )
    charge_as_draft: bool = Field(False, description="Leave late charges as drafts, for a person to post in Odoo")
    payment_journal: str = Field(
        "",
        description="Short code of the bank or cash journal for payments that came in on a pay page; without it none are recorded",
    )
    transport: Annotated[OdooTransport, Field(strict=False)] = Field(OdooTransport.AUTO, description="auto, jsonrpc or json2")

    @field_validator("url", "public_url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        return secure_base_url(value) if value else value

    @field_validator("url")
    @classmethod
    def _is_given(cls, value: str) -> str:
        if not value:
            raise ValueError("must be given")
        return value

    @property
    def portal_url(self) -> str:
        """What stands before the path of a portal link."""
        return self.public_url or self.url
