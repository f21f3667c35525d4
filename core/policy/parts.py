"""What several sections of the policy are made of: how a section behaves, and how customers and invoices are told apart."""

from pydantic import BaseModel, ConfigDict, Field

from .values import Amount, CountryCode, CurrencyCode, Name, Several


class Model(BaseModel):
    """Strict and frozen: an unknown key or a wrong type is an error, never a guess."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class Match(Model):
    """Which customers a rule is for: everything that is given must fit; lists mean any of them."""

    groups: Several[Name] = Field((), description="Tags of the customer in the ledger")
    countries: Several[CountryCode] = Field((), description="ISO 3166-1 countries")
    names: Several[Name] = Field((), description="Names, upper and lower case alike, with * for any text")
    ids: Several[Name] = Field((), description="The ledger's ids of customers")
    min_amount: dict[CurrencyCode, Amount] = Field(
        default_factory=dict, description="The total of the invoice, or of the instalment, is at least this, in its currency"
    )
    max_amount: dict[CurrencyCode, Amount] = Field(
        default_factory=dict, description="The total of the invoice, or of the instalment, is at most this, in its currency"
    )
