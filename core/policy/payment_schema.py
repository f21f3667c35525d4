"""How customers can pay: the sections `payment_details` and `payment_links` of a policy. Checks over several keys: lint_payment."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ..secret import Secret
from .parts import Model
from .values import Amount, Bic, CountryCode, CurrencyCode, Iban, Line, Several, Word

VALID_DAYS = 60
"""Days for which a Stripe link is good when no newer notice goes out: longer than the usual steps of a ladder are apart."""


class LinkProvider(Word):
    """What makes a way to pay, by its id in plugin.yaml."""

    LEDGER = "ledger"
    STRIPE = "stripe"
    BANK_TRANSFER = "bank_transfer"


class PostalAddress(Model):
    """Where the account holder is, in parts, as Swiss QR-bills need it since November 2025."""

    street: Annotated[Line, Field(max_length=70)] = Field("", description="Street without the number")
    building: Annotated[Line, Field(max_length=16)] = Field("", description="Number of the building")
    postcode: Annotated[Line, Field(min_length=1, max_length=16)] = Field(description="In quotes when it is only digits: '2501'")
    town: Annotated[Line, Field(min_length=1, max_length=35)] = Field(description="Name of the town")
    country: CountryCode = Field(description="ISO 3166-1 country: CH")


class PaymentDetails(Model):
    """Where to pay in one currency."""

    # docs/sources.md 24: the IBAN of the wrong currency

    holder: Line = Field("", description="Account holder, when it is not the company's name")
    iban: Iban = Field("", description="Checked by its ISO 13616 check digits")
    bic: Bic = Field("", description="ISO 9362 code of the bank")
    account: Line = Field("", description="Account number where there is no IBAN")
    bank: Line = Field("", description="Name of the bank")
    instructions: Annotated[str, Field(max_length=2000)] = Field("", description="Other ways to pay, in words")
    address: PostalAddress | None = Field(None, description="Of the account holder; the payment codes of Swiss accounts need it")


class PaymentLink(Model):
    """One way to pay that notices offer, and for what."""

    provider: LinkProvider = Field(
        description="ledger: the ledger's own pay page; stripe: a page at Stripe; bank_transfer: a payment code (QR) for the account in "
        "`payment_details`. One word in place of the section when nothing else is said"
    )
    currencies: Several[CurrencyCode] = Field((), description="Only for these; left out: for all")
    min_amount: dict[CurrencyCode, Amount] = Field(default_factory=dict, description="Not below this, in its currency")
    max_amount: dict[CurrencyCode, Amount] = Field(default_factory=dict, description="Not above this, in its currency")
    secret_key: Secret | None = Field(
        None,
        description="stripe: a restricted key that may write Payment Links and Checkout Sessions, and read PaymentIntents and Charges, by "
        "reference only: ${STRIPE_KEY}",
    )
    webhook_secret: Secret | None = Field(None, description="stripe: the signing secret of the endpoint to which Stripe tells payments")
    valid_days: Annotated[int, Field(ge=1, le=365)] | None = Field(
        None, description=f"stripe: days for which a link is good when no newer notice goes out; left out: {VALID_DAYS}"
    )

    def serves(self, currency: str) -> bool:
        """Whether it is for this currency at all."""
        return not self.currencies or currency in self.currencies


def _spelled_out(value: object) -> object:
    return {"provider": value} if isinstance(value, str) else value


class _OrOneWord:
    """In the JSON Schema: the section, or the provider's name alone."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        section: Mapping[str, Any] = handler(schema)
        return {"anyOf": [dict(section), {"type": "string", "enum": [*LinkProvider]}]}


PaymentLinkEntry = Annotated[PaymentLink, BeforeValidator(_spelled_out), _OrOneWord()]
"""An entry of `payment_links`."""
