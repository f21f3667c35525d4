"""What a policy says about a QuickBooks Online ledger."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ...core.access import Quota, QuotaPeriod
from ...core.secret import Secret
from ..http import secure_base_url
from .taxes import US_UNTAXED


class QuickBooksEnvironment(StrEnum):
    """Which of Intuit's services is meant: a real company, or a sandbox of the developer's."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


_API = {
    QuickBooksEnvironment.PRODUCTION: "https://quickbooks.api.intuit.com",
    QuickBooksEnvironment.SANDBOX: "https://sandbox-quickbooks.api.intuit.com",
}


class QuickBooksSettings(BaseModel):
    """The settings of the QuickBooks connector; strict and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    client_id: Annotated[str, Field(min_length=1)] = Field(description="Client ID of your app at developer.intuit.com")
    client_secret: Secret = Field(
        description="Client secret of that app, by reference only: ${NAME_OF_AN_ENVIRONMENT_VARIABLE} or ${file:/path}"
    )
    redirect_uri: str = Field(
        "http://localhost:8765/callback",
        description="Redirect URI as registered with the app. Intuit takes localhost for a sandbox only; for production it has to be https",
    )
    environment: Annotated[QuickBooksEnvironment, Field(strict=False)] = Field(
        QuickBooksEnvironment.PRODUCTION, description="production or sandbox"
    )
    service_url: str = Field("", description="Another server in place of Intuit's own: the stand-in")
    page_size: Annotated[int, Field(ge=2, le=1000)] = Field(1000, description="Objects read with one query")
    overlap_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        10, description="How far a reading reaches back into the one before: what is written meanwhile may bear an earlier time"
    )
    calls_per_month: Annotated[int, Field(ge=1)] = Field(
        500_000, description="Reads that Intuit allows the app in a calendar month, all its companies together (500,000 in the free tier)"
    )
    charge_item: str = Field("", description="Id or exact name of the Service item for late charges; without it none can be written")
    charge_tax_code: str = Field(
        "", description="Tax code of late charges on which tax is due: TAX in the US, elsewhere an Id; without it none of them is made"
    )
    charge_untaxed_code: Annotated[str, Field(min_length=1)] = Field(
        US_UNTAXED, description="Tax code of late charges that bear no tax: NON in the US, elsewhere the Id of a code without tax"
    )
    payment_account: str = Field(
        "",
        description="Id or exact name of the account that payments on a provider's page go to, such as Undeposited Funds (of the type Bank "
        "or Other Current Asset); without it none is recorded",
    )

    @field_validator("service_url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        return secure_base_url(value) if value else value

    @field_validator("redirect_uri")
    @classmethod
    def _registered_address(cls, value: str) -> str:
        secure_base_url(value)
        return value

    @property
    def api_url(self) -> str:
        """Where the Accounting API is."""
        return self.service_url or _API[self.environment]

    @property
    def is_metered(self) -> bool:
        """Whether reads are counted and paid for: those of a sandbox are free."""
        return self.environment is QuickBooksEnvironment.PRODUCTION

    @property
    def quota(self) -> Quota:
        """The reads that are allowed in a month. They are the app's, so every company of the same client id draws on them."""
        reserve = self.calls_per_month // 10
        return Quota("reads a month from QuickBooks Online", self.calls_per_month, QuotaPeriod.MONTH, reserve, shared_by=self.client_id)
