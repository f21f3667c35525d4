"""What a policy says about a Xero ledger."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ...core.secret import Secret
from ..http import secure_base_url

NO_TAX = "NONE"
"""Xero's TaxType of what no tax applies to."""


class XeroSettings(BaseModel):
    """The settings of the Xero connector; strict and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    client_id: Annotated[str, Field(min_length=1)] = Field(description="Client id of your app at developer.xero.com")
    client_secret: Secret = Field(
        default_factory=lambda: Secret(""),
        description="Client secret of that app, by reference only: ${NAME}; a PKCE app (type: mobile or desktop) has none",
    )
    redirect_uri: str = Field("http://localhost:8765/callback", description="Redirect URI, exactly as it is registered with the app")
    service_url: str = Field("", description="Another server in place of Xero's own: the stand-in")
    page_size: Annotated[int, Field(ge=1, le=1000)] = Field(1000, description="Documents read with one call of a complete pass")
    overlap_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        10, description="How far a reading reaches back before the newest change that was seen: more than Xero's longest transaction"
    )
    charge_account: str = Field("", description="Code of the income account that late charges go to; without it none are made")
    charge_tax_type: str = Field(
        "", description="Xero's TaxType of late charges on which tax is due, such as OUTPUT2; without it none of those are made"
    )
    charge_untaxed_type: Annotated[str, Field(min_length=1)] = Field(
        NO_TAX, description="Xero's TaxType of late charges that bear no tax: NONE, or such as EXEMPTOUTPUT where your tax adviser says so"
    )
    payment_account: str = Field(
        "", description="Code or id of the account for payments that came in on a provider's pay page; without it none are recorded"
    )
    calls_per_day: Annotated[int, Field(ge=1)] = Field(
        1000, description="Calls a day that Xero allows for this organisation: 1000 in the Starter tier, else 5000"
    )

    @field_validator("service_url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        return secure_base_url(value) if value else value

    @property
    def api_url(self) -> str:
        """Where the books and the connections are."""
        return self.service_url or "https://api.xero.com"

    @property
    def identity_url(self) -> str:
        """Where tokens come from."""
        return self.service_url or "https://identity.xero.com"

    @property
    def authorize_address(self) -> str:
        """The page on which a person is asked."""
        return (self.service_url or "https://login.xero.com") + "/identity/connect/authorize"
